/* test_stack.c - a host whose threads have stacks of 256 KiB: every family trains, saves, loads and draws on one, and gives the bytes that the
 * main thread gives. Below the stack lies a page that nobody may touch. How deep the stack was used is measured, too. */
#include "host_test.h"
#include <pthread.h>
#include <sys/mman.h>

enum { STACK = 256 << 10, FILL = 0xa5 };

typedef struct task { const char *family; int32_t threads; gm_status status; uint64_t hash; char message[400]; } task;

/* Readers, writers, metrics, LAPACK, nets within nets. */
static gm_status more(gm_ctx *ctx)
{
    gm_dataset *d = NULL;
    gm_model *m = NULL;
    gm_measure measure[8];
    int32_t n;
    gm_status s = gm_dataset_open(ctx, "synth:digits,n=40,seed=1", &d);
    if (!s) s = gm_model_new(ctx, "vae", "latent=2 encoder='linear 8, res( cat( linear 4 | linear 4, res( linear 4, relu ) ) ), relu' hidden=8", &m);
    if (!s) s = gm_fit(m, d, "steps=2 batch=20");
    if (!s) s = gm_sample_png(m, 4, 1, temporary("stack"));
    if (!s) s = gm_eval(m, d, "metric=elbo,frechet,mmd,precision n=40", measure, COUNT(measure), &n);
    gm_model_free(m);
    gm_dataset_free(d);
    return s;
}

static void *live(void *arg)
{
    task *t = arg;
    gm_ctx *ctx = NULL;
    if (!t->family) return NULL;
    t->status = ctx_of(t->threads, &ctx);
    if (!t->status) t->status = whole_life(ctx, t->family, temporary("stack"), &t->hash);
    if (!t->status) t->status = more(ctx);
    snprintf(t->message, sizeof t->message, "%s", gm_ctx_message(ctx));
    gm_ctx_free(ctx);
    return NULL;
}

/* Runs a task on a thread with a stack of its own; bytes of it that were used. */
static size_t on_small_stack(task *t)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *p = mmap(NULL, STACK + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *stack = p + page;
    pthread_attr_t a;
    pthread_t thread;
    size_t untouched = 0;
    ck_assert_ptr_ne(p, MAP_FAILED);
    ck_assert_int_eq(mprotect(p, page, PROT_NONE), 0);
    memset(stack, FILL, STACK);
    pthread_attr_init(&a);
    ck_assert_int_eq(pthread_attr_setstack(&a, stack, STACK), 0);
    ck_assert_int_eq(pthread_create(&thread, &a, live, t), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&a);
    while (untouched < STACK && stack[untouched] == FILL) untouched++;
    munmap(p, STACK + page);
    return STACK - untouched;
}

START_TEST(every_family)
{
    size_t most = 0;
    for (int32_t f = 0; f < gm_family_count(); f++) {
        task here = {.family = gm_family_name(f), .threads = 1}, there = here;
        live(&here);
        const size_t used = on_small_stack(&there);
        ck_assert_msg(!there.status, "%s: %s", there.family, there.message);
        ck_assert_msg(here.hash == there.hash, "%s: other bytes", there.family);
        if (used > most) most = used;
    }
    /* what a thread uses that does nothing is the C library's and the loader's */
    task nothing = {0};
    const size_t ours = most - on_small_stack(&nothing);
    printf("%zu bytes of stack\n", ours);
    ck_assert_msg(SANITIZED || ours <= 32 << 10, "%zu bytes of stack", ours); /* what docs/contract.md says */
    unlink(temporary("stack"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_family, NULL};
    return run_tests("stack", tests, 60);
}
