/* test_host_state.c - what belongs to the host stays as it was while every family trains, saves, loads and draws: floating-point control, locale,
 * signal masks and handlers, environment, folder, umask, files, threads, standard streams. And what the host has set the library lives with: a
 * rounding mode, flushing to zero, a locale with another decimal point, a closed standard output, a handler that interrupts everything. */
#include "host_test.h"
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

extern char **environ;

/* All families, and readers and writers beside them; a hash of what came out. */
static uint64_t everything(int32_t threads)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL, *none = NULL;
    gm_tensor *x = NULL;
    gm_measure m[8];
    int32_t n;
    uint64_t sum = 0, h;
    ck_assert_int_eq(ctx_of(threads, &ctx), GM_OK);
    for (int32_t f = 0; f < gm_family_count(); f++) {
        OK(ctx, whole_life(ctx, gm_family_name(f), temporary("state"), &h));
        sum = sum * 31 + h;
    }
    gm_model *vae = NULL;
    OK(ctx, trained(ctx, "vae", "steps=2 batch=8", &vae));
    OK(ctx, gm_sample_png(vae, 4, 1, temporary("state")));
    OK(ctx, pictures(ctx, 30, &d));
    OK(ctx, gm_eval(vae, d, "metric=elbo,frechet n=30", m, COUNT(m), &n));
    for (int32_t i = 0; i < n; i++) sum = hash(sum, &m[i].value, sizeof m[i].value);
    gm_dataset_free(d);
    gm_model_free(vae);
    FILE *f = fopen(temporary("state.csv"), "w");
    fputs("1.5,-2.25e-3\n0.125,1e5\n", f);
    fclose(f);
    char spec[200];
    snprintf(spec, sizeof spec, "csv:%s", temporary("state.csv"));
    OK(ctx, gm_dataset_open(ctx, spec, &d));
    OK(ctx, gm_dataset_read(d, "x", 0, 2, &x));
    ck_assert(((float *)gm_tensor_data(x))[0] == 1.5f && ((float *)gm_tensor_data(x))[3] == 1e5f);
    ck_assert_int_ne(gm_dataset_open(ctx, "csv:/no/such/file", &none), GM_OK); /* failures, too */
    gm_tensor_free(x);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    unlink(temporary("state"));
    unlink(temporary("state.csv"));
    return sum;
}

typedef struct state {
    int rounding, fds, tasks;
    unsigned mxcsr;
    unsigned short x87;
    char locale[256], folder[512], *environment[512];
    int n_environment;
    mode_t mask;
    sigset_t blocked;
    struct sigaction action[32];
    struct itimerval timer;
} state;

static void look(state *s)
{
    memset(s, 0, sizeof *s);
    s->rounding = fegetround();
#if defined(__SSE__)
    s->mxcsr = __builtin_ia32_stmxcsr() & 0xffc0u; /* control; the flags below it may be raised */
#endif
#if defined(__x86_64__)
    __asm__ volatile("fnstcw %0" : "=m"(s->x87));
#endif
    s->fds = entries("/proc/self/fd");
    s->tasks = entries("/proc/self/task");
    snprintf(s->locale, sizeof s->locale, "%s", setlocale(LC_ALL, NULL));
    ck_assert_ptr_nonnull(getcwd(s->folder, sizeof s->folder));
    while (environ[s->n_environment] && s->n_environment < COUNT(s->environment)) s->environment[s->n_environment] = environ[s->n_environment], s->n_environment++;
    umask(s->mask = umask(0));
    sigprocmask(SIG_BLOCK, NULL, &s->blocked);
    for (int i = 1; i < 32; i++) sigaction(i, NULL, &s->action[i]);
    getitimer(ITIMER_REAL, &s->timer);
}

static void same(const state *a, const state *b)
{
    ck_assert_int_eq(a->rounding, b->rounding);
    ck_assert_uint_eq(a->mxcsr, b->mxcsr);
    ck_assert_uint_eq(a->x87, b->x87);
    ck_assert_int_eq(a->fds, b->fds);
    ck_assert_int_eq(a->tasks, tasks_now(a->tasks));
    ck_assert_str_eq(a->locale, b->locale);
    ck_assert_str_eq(a->folder, b->folder);
    ck_assert_int_eq(a->n_environment, b->n_environment);
    ck_assert(!memcmp(a->environment, b->environment, sizeof a->environment));
    ck_assert_uint_eq(a->mask, b->mask);
    for (int i = 1; i < 32; i++) {
        ck_assert_int_eq(sigismember(&a->blocked, i), sigismember(&b->blocked, i));
        ck_assert_msg(a->action[i].sa_handler == b->action[i].sa_handler && a->action[i].sa_flags == b->action[i].sa_flags, "signal %d has another handler", i);
    }
    ck_assert_int_eq(a->timer.it_interval.tv_sec, b->timer.it_interval.tv_sec);
}

START_TEST(nothing_is_changed)
{
    static state before, after;
    everything(2); /* first use: OpenBLAS wakes up */
    usleep(100000);
    look(&before);
    everything(2);
    look(&after);
    same(&before, &after);
}
END_TEST

/* Nothing is read from or written to the standard streams, also when they are closed. */
START_TEST(standard_streams)
{
    char to[128];
    snprintf(to, sizeof to, "%s", temporary("stdout"));
    const int file = open(to, O_CREAT | O_RDWR | O_TRUNC, 0600), out = dup(1), err = dup(2), in = dup(0);
    fflush(NULL);
    ck_assert_int_ge(file, 0);
    dup2(file, 1), dup2(file, 2);
    const uint64_t with = everything(2);
    fflush(NULL);
    struct stat st;
    fstat(file, &st);
    close(0), close(1), close(2); /* the first files that are opened now get these numbers */
    const uint64_t without = everything(2);
    const int closed = fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0;
    dup2(in, 0), dup2(out, 1), dup2(err, 2);
    close(in), close(out), close(err), close(file);
    unlink(to);
    ck_assert_int_eq(st.st_size, 0);
    ck_assert_int_eq(closed, 1);
    ck_assert(with == without);
}
END_TEST

/* The host's modes are used, kept, and are the same for every thread. */
START_TEST(rounding_and_flushing)
{
    const uint64_t usual = everything(1);
    ck_assert(usual == everything(3));
    static const int modes[] = {FE_UPWARD, FE_TOWARDZERO};
    for (int i = 0; i < COUNT(modes); i++) {
        fesetround(modes[i]);
        const uint64_t one = everything(1), three = everything(3);
        const int kept = fegetround() == modes[i];
        fesetround(FE_TONEAREST);
        ck_assert_int_eq(kept, 1);
        ck_assert(one == three);
        ck_assert(one != usual);
    }
#if defined(__SSE__)
    const unsigned mode = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(mode | 0x8040u); /* flush results to zero, take subnormals as zero */
    const uint64_t one = everything(1), three = everything(3);
    const unsigned after = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(mode);
    ck_assert_uint_eq(after & 0xffc0u, (mode | 0x8040u) & 0xffc0u);
    ck_assert(one == three);
#endif
    ck_assert(usual == everything(1)); /* nothing of it stays */
}
END_TEST

/* A locale that writes 1,5: found, or made in a folder of its own. */
START_TEST(another_decimal_point)
{
    char command[400], made[128];
    snprintf(made, sizeof made, "%s", temporary("locale"));
    const uint64_t usual = everything(1);
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE")) {
        snprintf(command, sizeof command, "mkdir -p '%s' && localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", made, made);
        if (!system(command)) setenv("LOCPATH", made, 1);
        if (!setlocale(LC_ALL, "de_DE.UTF-8")) {
            printf("skipped: no locale with a decimal comma, and none can be made\n");
            return;
        }
    }
    char text[20];
    snprintf(text, sizeof text, "%.1f", 1.5);
    ck_assert_str_eq(text, "1,5");
    const uint64_t here = everything(1);
    ck_assert_str_eq(localeconv()->decimal_point, ",");
    setlocale(LC_ALL, "C");
    snprintf(command, sizeof command, "rm -rf '%s'", made);
    ck_assert_int_eq(system(command), 0);
    ck_assert(usual == here);
}
END_TEST

/* A timer whose handler interrupts every call that can be interrupted, a thousand times a second. */
static volatile sig_atomic_t ticks;
static void tick(int s) { (void)s, ticks++; }

START_TEST(signals_all_the_time)
{
    const uint64_t usual = everything(2);
    struct sigaction a = {.sa_handler = tick}, old; /* no SA_RESTART */
    const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &a, &old);
    setitimer(ITIMER_REAL, &often, NULL);
    uint64_t h = everything(2);
    for (int i = 0; i < 20 && ticks < 100 && h == usual; i++) h = everything(2);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
    ck_assert_int_ge(ticks, 10);
    ck_assert(h == usual);
}
END_TEST

/* Cancel from a handler, as the header permits. */
static gm_ctx *interrupted;
static void cancel_now(int s) { (void)s, gm_ctx_cancel(interrupted); }

START_TEST(cancel_from_a_handler)
{
    gm_model *m = NULL;
    const struct itimerval soon = {{0, 0}, {0, 20000}};
    struct sigaction a = {.sa_handler = cancel_now}, old;
    ck_assert_int_eq(ctx_of(2, &interrupted), GM_OK);
    sigaction(SIGALRM, &a, &old);
    setitimer(ITIMER_REAL, &soon, NULL);
    ck_assert_int_eq(trained(interrupted, "vae", "steps=1000000000 batch=8", &m), GM_ECANCELED);
    sigaction(SIGALRM, &old, NULL);
    gm_model_free(m);
    gm_ctx_free(interrupted);
}
END_TEST

/* errno is no result: whatever it holds before changes nothing. Files obey the umask. */
START_TEST(errno_and_umask)
{
    const uint64_t usual = everything(1);
    static const int before[] = {ENOMEM, EINTR, ERANGE, 0};
    for (int i = 0; i < COUNT(before); i++) {
        errno = before[i];
        ck_assert(everything(1) == usual);
    }
    gm_ctx *ctx = NULL;
    gm_model *m = NULL;
    struct stat st;
    ck_assert_int_eq(ctx_of(1, &ctx), GM_OK);
    OK(ctx, trained(ctx, "vae", "steps=1 batch=8", &m));
    const mode_t old = umask(027);
    gm_status s = gm_model_save(m, temporary("umask"));
    umask(old);
    OK(ctx, s);
    ck_assert_int_eq(stat(temporary("umask"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    unlink(temporary("umask"));
    gm_model_free(m);
    gm_ctx_free(ctx);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {nothing_is_changed, standard_streams, rounding_and_flushing, another_decimal_point, signals_all_the_time, cancel_from_a_handler, errno_and_umask, NULL};
    return run_tests("host_state", tests, 60);
}
