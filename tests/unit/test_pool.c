/* The thread pool: every task once, nesting, scratch, fork, modes, few threads. */
#include "base_test.h"
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static gm_ctx *context(int32_t threads)
{
    gm_ctx_config c;
    gm_ctx *ctx;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    return ctx;
}

typedef struct count { atomic_int *hits; size_t workers; atomic_int bad; } count;
static void hit(void *arg, size_t task, size_t worker)
{
    count *c = arg;
    atomic_fetch_add(&c->hits[task], 1);
    if (worker >= c->workers) atomic_store(&c->bad, 1);
}

static void every_task_once(gm_ctx *ctx, size_t n)
{
    count c = { .hits = calloc(n + 1, sizeof(atomic_int)), .workers = gm__workers(ctx) };
    gm__parallel(ctx, n, hit, &c);
    for (size_t i = 0; i < n; i++) ck_assert_int_eq(atomic_load(&c.hits[i]), 1);
    ck_assert_int_eq(atomic_load(&c.bad), 0);
    free(c.hits);
}

START_TEST(each_task_runs_once)
{
    static const int32_t sizes[] = { 1, 2, 3, 8 };
    for (size_t k = 0; k < GM__COUNT(sizes); k++) {
        gm_ctx *ctx = context(sizes[k]);
        ck_assert_uint_eq(gm__workers(ctx), sizes[k]);
        for (int rep = 0; rep < 300; rep++)
            for (size_t n = 0; n < 12; n++) every_task_once(ctx, n);
        every_task_once(ctx, 100000);
        gm_ctx_free(ctx);
    }
}
END_TEST

static void add_plain(void *arg, size_t task, size_t worker)
{
    GM__UNUSED(worker);
    ((uint64_t *)arg)[task] += task; /* no atomics: the pool orders jobs */
}

START_TEST(jobs_follow_each_other)
{
    gm_ctx *ctx = context(3);
    enum { N = 64, REPS = 20000 };
    uint64_t sum[N] = { 0 };
    for (int i = 0; i < REPS; i++) {
        gm__parallel(ctx, N / (size_t)(1 + i % 7), add_plain, sum);
        if (i % 5000 == 0) nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL); /* let them fall asleep */
    }
    ck_assert_uint_eq(sum[3], 3 * REPS);
    ck_assert_uint_eq(sum[N - 1], (N - 1) * ((REPS + 6) / 7));
    gm_ctx_free(ctx);
}
END_TEST

typedef struct nest { gm_ctx *ctx; atomic_int inner, bad; size_t outer[8]; } nest;
static void inner(void *arg, size_t task, size_t worker)
{
    nest *n = ((void **)arg)[0];
    if (worker != *(size_t *)((void **)arg)[1]) atomic_store(&n->bad, 1);
    atomic_fetch_add(&n->inner, (int)task);
}
static void outer(void *arg, size_t task, size_t worker)
{
    nest *n = arg;
    n->outer[task] = worker;
    void *both[] = { n, &n->outer[task] };
    gm__parallel(n->ctx, 10, inner, both);
    unsigned char *s = gm__scratch(n->ctx, worker, 1000 + task);
    if (!s || (uintptr_t)s % 64) {
        atomic_store(&n->bad, 2);
        return;
    }
    memset(s, (int)task, 1000 + task);
    for (volatile int i = 0; i < 1000; i++) {}
    if (s[0] != task || s[999] != task) atomic_store(&n->bad, 3);
}

START_TEST(nested_calls_stay_on_their_worker)
{
    gm_ctx *ctx = context(4);
    for (int rep = 0; rep < 200; rep++) {
        nest n = { .ctx = ctx };
        gm__parallel(ctx, 8, outer, &n);
        ck_assert_int_eq(atomic_load(&n.bad), 0);
        ck_assert_int_eq(atomic_load(&n.inner), 8 * 45);
    }
    gm_ctx_free(ctx);
}
END_TEST

static void through_another(void *arg, size_t task, size_t worker)
{
    GM__UNUSED(worker);
    gm_ctx **both = arg;
    if (task) return;
    count c = { .hits = calloc(5, sizeof(atomic_int)), .workers = gm__workers(both[1]) };
    gm__parallel(both[1], 5, hit, &c);
    for (int i = 0; i < 5; i++)
        if (c.hits[i] != 1) both[1] = NULL;
    free(c.hits);
}

START_TEST(another_context_inside_a_task)
{
    gm_ctx *both[2] = { context(2), context(3) }, *second = both[1];
    gm__parallel(both[0], 4, through_another, both);
    ck_assert_ptr_eq(both[1], second);
    every_task_once(both[0], 20);
    gm_ctx_free(both[0]);
    gm_ctx_free(second);
}
END_TEST

START_TEST(scratch_grows_and_is_counted)
{
    gm_ctx *ctx = context(2);
    gm_memory before = { .struct_size = sizeof before }, m = before;
    gm_ctx_memory(ctx, &before);
    void *p = gm__scratch(ctx, 1, 100);
    ck_assert_ptr_eq(gm__scratch(ctx, 1, 50), p);
    ck_assert_ptr_nonnull(gm__scratch(ctx, 1, 5000));
    gm_ctx_memory(ctx, &m);
    ck_assert_uint_gt(m.live_bytes, before.live_bytes + 5000);
    ck_assert_uint_lt(m.live_bytes, before.live_bytes + 6000);
    ck_assert_ptr_null(gm__scratch(ctx, 0, SIZE_MAX - 10));
    ck_assert_str_eq(gm_ctx_message(ctx), "success"); /* workers leave the message alone */
    ck_assert_int_eq(gm_ctx_set_threads(ctx, 1), GM_OK);
    gm_ctx_memory(ctx, &m);
    ck_assert_uint_le(m.live_bytes, before.live_bytes);
    gm_ctx_free(ctx);
}
END_TEST

START_TEST(size_changes)
{
    gm_ctx *ctx = context(2);
    every_task_once(ctx, 10);
    for (int32_t n = 1; n < 9; n++) {
        ck_assert_int_eq(gm_ctx_set_threads(ctx, n), GM_OK);
        ck_assert_int_eq(gm_ctx_threads(ctx), n);
        every_task_once(ctx, 33);
    }
    ck_assert_int_eq(gm_ctx_set_threads(ctx, -1), GM_EARG);
    ck_assert_int_eq(gm_ctx_set_threads(ctx, 257), GM_EARG);
    ck_assert_str_eq(gm_ctx_message(ctx), "threads: expected 0 to 256, got 257");
    ck_assert_int_eq(gm_ctx_threads(ctx), 8);
    ck_assert_int_eq(gm_ctx_set_threads(ctx, 0), GM_OK);
    ck_assert_int_ge(gm_ctx_threads(ctx), 1);
    every_task_once(ctx, 33);
    gm_ctx_free(ctx);
}
END_TEST

START_TEST(child_of_fork)
{
#if !defined(__SANITIZE_THREAD__)
    gm_ctx *ctx = context(3), *idle = context(3);
    every_task_once(ctx, 10);
    every_task_once(idle, 10);
#if defined(__SANITIZE_ADDRESS__)
    usleep(200000); /* its runtime must not be forked while a thread starts: the child would wait for a lock of that thread */
#endif
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (!pid) {
            alarm(20); /* a hang is a failure, too */
            count c = { .hits = calloc(50, sizeof(atomic_int)), .workers = 3 };
            gm__parallel(ctx, 50, hit, &c);
            int bad = ctx->pool == NULL;
            for (int k = 0; k < 50; k++) bad |= c.hits[k] != 1;
            free(c.hits);
            gm_ctx_free(ctx);
            gm_ctx_free(idle); /* its pool was never used here */
            _exit(bad);
        }
        every_task_once(ctx, 10);
        int status = -1;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "child %d: status %x", i, status);
    }
    gm_ctx_free(idle);
    gm_ctx_free(ctx);
#endif
}
END_TEST

/* Tasks that wait for each other run on different threads. */
typedef struct meet { atomic_int arrived, blocked; } meet;
static void meet_here(void *arg, size_t task, size_t worker)
{
    meet *m = arg;
    GM__UNUSED(task);
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < 2) sched_yield();
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    if (worker && sigismember(&now, SIGINT) && sigismember(&now, SIGTERM)) atomic_fetch_add(&m->blocked, 1);
}

START_TEST(workers_keep_off_signals)
{
    gm_ctx *ctx = context(2);
    sigset_t before, after;
    meet m = { 0 };
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    gm__parallel(ctx, 2, meet_here, &m);
    ck_assert_int_eq(atomic_load(&m.blocked), 1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int s = 1; s < 32; s++) ck_assert_int_eq(sigismember(&before, s), sigismember(&after, s));
    gm_ctx_free(ctx);
}
END_TEST

typedef struct sums { atomic_int arrived; volatile float one, tiny; float out[2]; } sums;
static void add_tiny(void *arg, size_t task, size_t worker)
{
    sums *s = arg;
    GM__UNUSED(worker);
    atomic_fetch_add(&s->arrived, 1);
    while (atomic_load(&s->arrived) < 2) sched_yield();
    s->out[task] = s->one + s->tiny;
}

START_TEST(results_follow_the_callers_rounding)
{
    gm_ctx *ctx = context(2);
    for (int i = 0; i < 3; i++) {
        sums s = { .one = 1, .tiny = 0x1p-40f };
        if (i == 1) fesetround(FE_UPWARD);
        gm__parallel(ctx, 2, add_tiny, &s);
        fesetround(FE_TONEAREST);
        ck_assert(s.out[0] == s.out[1]);
        ck_assert((s.out[0] > 1) == (i == 1));
    }
    gm_ctx_free(ctx);
}
END_TEST

#ifndef SANITIZED
#include <dlfcn.h>
static atomic_int creations_left = 1000;
int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return atomic_fetch_sub(&creations_left, 1) > 0 ? real(t, a, f, arg) : EAGAIN;
}
#endif

START_TEST(threads_that_cannot_be_had)
{
#ifndef SANITIZED
    for (int n = 0; n < 4; n++) {
        gm_ctx *ctx = context(4);
        atomic_store(&creations_left, n);
        every_task_once(ctx, 50);
        atomic_store(&creations_left, 1000);
        every_task_once(ctx, 50);
        gm_ctx_free(ctx);
    }
#endif
}
END_TEST

START_TEST(memory_that_cannot_be_had)
{
    gm_ctx *ctx = context(4);
    ctx->cfg.max_bytes = 1; /* from now on nothing: the caller does all */
    every_task_once(ctx, 50);
    ck_assert_ptr_null(ctx->pool);
    ctx->cfg.max_bytes = 0;
    every_task_once(ctx, 50);
    ck_assert_ptr_nonnull(ctx->pool);
    gm_ctx_free(ctx);
}
END_TEST

static void *host_thread(void *arg)
{
    GM__UNUSED(arg);
    gm_ctx *ctx = context(3);
    for (int i = 0; i < 200; i++) every_task_once(ctx, 17);
    gm_ctx_free(ctx);
    return NULL;
}

START_TEST(contexts_side_by_side)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&t[i], NULL, host_thread, NULL), 0);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { each_task_runs_once, jobs_follow_each_other, nested_calls_stay_on_their_worker, another_context_inside_a_task, scratch_grows_and_is_counted, size_changes, child_of_fork,
                                   workers_keep_off_signals, results_follow_the_callers_rounding, threads_that_cannot_be_had, memory_that_cannot_be_had, contexts_side_by_side, NULL };
    return run_tests("pool", tests);
}
