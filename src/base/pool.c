/* pool.c - the threads of a context. Made at the first parallel call, rebuilt
 * after a fork, joined with the context.
 *
 * A job is open while `ticket` (job number << 24 | next task) has tasks left; a
 * worker takes one by compare-and-swap. The caller changes the job's fields only
 * after all its tasks are done and the ticket has moved on, so a worker that read
 * a field of a later job than its ticket (acquire, release) fails to swap. No worker
 * is waited for unless it took a task: a sleeper that wakes late costs nothing. */
#include "base/base.h"
#include "base/ctx.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TASK_BITS = 24, SPIN_NS = 30000 };
#define TASK_MASK (((unsigned long long)1 << TASK_BITS) - 1)
static const size_t stack_bytes = (size_t)1 << 20;

typedef struct job { /* atomics, as a late worker may look while the next job is written */
    _Atomic(gm__task_fn *) fn;
    _Atomic(void *) arg;
    atomic_size_t base, n; /* tasks base .. base+n-1, n <= TASK_MASK */
    atomic_uint fp;        /* the caller's floating-point mode */
} job;

typedef struct gm__pool {
    gm_ctx *ctx;
    pid_t pid;
    bool spin;           /* there is a processor for every thread */
    size_t made;         /* threads started */
    pthread_t *threads;
    struct seat *seats;
    pthread_mutex_t lock;
    pthread_cond_t work, finished;
    job job;
    _Alignas(64) atomic_ullong ticket;
    _Alignas(64) atomic_size_t done;
    atomic_int sleepers, waiting, stop;
} gm__pool;

typedef struct seat {
    gm__pool *pool;
    size_t worker;
} seat;

/* Marks that this thread is inside a task, and as which worker of which context. */
static _Thread_local struct { gm_ctx *ctx; size_t worker; } inside;

/* Workers compute under the caller's rounding and denormal mode, else results
 * would depend on who runs a task. */
#if defined(__SSE__)
static unsigned fp_mode(void) { return __builtin_ia32_stmxcsr() & 0xffc0u; }
static void fp_set(unsigned mode)
{
    unsigned now = __builtin_ia32_stmxcsr();
    if ((now & 0xffc0u) != mode) __builtin_ia32_ldmxcsr((now & ~0xffc0u) | mode);
}
static void relax(void) { __builtin_ia32_pause(); }
#else
static unsigned fp_mode(void) { return 0; }
static void fp_set(unsigned mode) { GM__UNUSED(mode); }
static void relax(void) {}
#endif

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Takes and runs tasks of the open job until none is left. */
static void work(gm__pool *p, size_t worker)
{
    unsigned long long ticket = atomic_load(&p->ticket);
    for (;;) {
        size_t n = atomic_load_explicit(&p->job.n, memory_order_acquire);
        gm__task_fn *fn = atomic_load_explicit(&p->job.fn, memory_order_acquire);
        void *arg = atomic_load_explicit(&p->job.arg, memory_order_acquire);
        size_t base = atomic_load_explicit(&p->job.base, memory_order_acquire);
        unsigned fp = atomic_load_explicit(&p->job.fp, memory_order_acquire);
        size_t task = (size_t)(ticket & TASK_MASK);
        if (task >= n) return;
        if (!atomic_compare_exchange_weak(&p->ticket, &ticket, ticket + 1)) continue;
        ticket++;
        fp_set(fp);
        fn(arg, base + task, worker);
        if (atomic_fetch_add(&p->done, 1) + 1 == n && atomic_load(&p->waiting)) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->finished);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static bool has_work(gm__pool *p)
{
    return (atomic_load(&p->ticket) & TASK_MASK) < atomic_load_explicit(&p->job.n, memory_order_relaxed) || atomic_load(&p->stop);
}

static void sleep_until_work(gm__pool *p)
{
    if (p->spin) {
        uint64_t until = now_ns() + SPIN_NS;
        do
            for (int i = 0; i < 32; i++) {
                if (has_work(p)) return;
                relax();
            }
        while (now_ns() < until);
    }
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1); /* before the last look: the caller publishes first, then counts sleepers */
    while (!has_work(p)) pthread_cond_wait(&p->work, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *arg)
{
    seat *s = arg;
    gm__pool *p = s->pool;
    inside.ctx = p->ctx;
    inside.worker = s->worker;
    while (!atomic_load(&p->stop)) {
        work(p, s->worker);
        sleep_until_work(p);
    }
    return NULL;
}

/* Starts as many threads as can be had; the host's signals stay with its own. */
static void start_threads(gm__pool *p, size_t n)
{
    sigset_t all, old;
    pthread_attr_t attr;
    if (pthread_attr_init(&attr)) return;
    pthread_attr_setstacksize(&attr, stack_bytes);
    sigfillset(&all);
    if (!pthread_sigmask(SIG_SETMASK, &all, &old)) {
        for (; p->made < n; p->made++) {
            p->seats[p->made] = (seat){ p, p->made + 1 };
            if (pthread_create(&p->threads[p->made], &attr, worker_main, &p->seats[p->made])) break;
        }
        pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
    pthread_attr_destroy(&attr);
}

static gm__pool *pool_new(gm_ctx *ctx)
{
    size_t n = (size_t)ctx->threads - 1;
    gm__pool *p = gm__alloc_quiet(ctx, 1, sizeof *p);
    if (!p) return NULL;
    memset(p, 0, sizeof *p);
    p->ctx = ctx;
    p->pid = getpid();
    p->spin = ctx->threads <= gm__cpus_online();
    p->threads = gm__alloc_quiet(ctx, n, sizeof *p->threads);
    p->seats = gm__alloc_quiet(ctx, n, sizeof *p->seats);
    if (!p->threads || !p->seats) goto fail;
    if (pthread_mutex_init(&p->lock, NULL)) goto fail;
    if (pthread_cond_init(&p->work, NULL)) goto fail_lock;
    if (pthread_cond_init(&p->finished, NULL)) goto fail_work;
    start_threads(p, n);
    return p;
fail_work:
    pthread_cond_destroy(&p->work);
fail_lock:
    pthread_mutex_destroy(&p->lock);
fail:
    gm__free(ctx, p->seats);
    gm__free(ctx, p->threads);
    gm__free(ctx, p);
    return NULL;
}

void gm__pool_stop(gm_ctx *ctx)
{
    gm__pool *p = ctx->pool;
    if (!p) return;
    ctx->pool = NULL;
    if (p->pid == getpid()) {
        atomic_store(&p->stop, 1);
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->lock);
        for (size_t i = 0; i < p->made; i++) pthread_join(p->threads[i], NULL);
        pthread_cond_destroy(&p->finished);
        pthread_cond_destroy(&p->work);
        pthread_mutex_destroy(&p->lock);
    } /* else a forked child: the threads are the parent's, the locks may be held by them */
    gm__free(ctx, p->seats);
    gm__free(ctx, p->threads);
    gm__free(ctx, p);
}

/* The pool of this process, or NULL if not even its memory can be had. */
static gm__pool *pool_of(gm_ctx *ctx)
{
    if (ctx->pool && ctx->pool->pid != getpid()) gm__pool_stop(ctx);
    if (!ctx->pool) ctx->pool = pool_new(ctx);
    return ctx->pool;
}

static void wait_done(gm__pool *p, size_t n)
{
    uint64_t until = p->spin ? now_ns() + SPIN_NS : 0;
    while (p->spin) {
        for (int i = 0; i < 32; i++) {
            if (atomic_load(&p->done) == n) return;
            relax();
        }
        if (now_ns() >= until) break;
    }
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->waiting, 1);
    while (atomic_load(&p->done) != n) pthread_cond_wait(&p->finished, &p->lock);
    atomic_store(&p->waiting, 0);
    pthread_mutex_unlock(&p->lock);
}

static void run_job(gm__pool *p, size_t base, size_t n, gm__task_fn *fn, void *arg)
{
    unsigned long long number = (atomic_load(&p->ticket) >> TASK_BITS) + 1;
    /* The last job has no task left, whatever n a worker reads... */
    atomic_store(&p->ticket, number << TASK_BITS | TASK_MASK);
    atomic_store_explicit(&p->job.fn, fn, memory_order_release);
    atomic_store_explicit(&p->job.arg, arg, memory_order_release);
    atomic_store_explicit(&p->job.base, base, memory_order_release);
    atomic_store_explicit(&p->job.n, n, memory_order_release);
    atomic_store_explicit(&p->job.fp, fp_mode(), memory_order_release);
    atomic_store(&p->done, 0);
    /* ...until here. */
    atomic_store(&p->ticket, (number + 1) << TASK_BITS);
    if (atomic_load(&p->sleepers)) {
        pthread_mutex_lock(&p->lock);
        if (n == 2) pthread_cond_signal(&p->work);
        else pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->lock);
    }
    work(p, 0);
    wait_done(p, n);
}

void gm__parallel(gm_ctx *ctx, size_t n, gm__task_fn *fn, void *arg)
{
    size_t worker = inside.ctx == ctx ? inside.worker : 0;
    gm__pool *p = NULL;
    if (n > 1 && ctx->threads > 1 && inside.ctx != ctx) p = pool_of(ctx);
    if (!p || !p->made) {
        for (size_t i = 0; i < n; i++) fn(arg, i, worker);
        return;
    }
    gm_ctx *outer_ctx = inside.ctx; /* a task of another context may call us */
    size_t outer_worker = inside.worker;
    inside.ctx = ctx;
    inside.worker = 0;
    for (size_t base = 0; base < n;) {
        size_t part = n - base < TASK_MASK ? n - base : (size_t)TASK_MASK - 1;
        run_job(p, base, part, fn, arg);
        base += part;
    }
    inside.ctx = outer_ctx;
    inside.worker = outer_worker;
}

size_t gm__workers(const gm_ctx *ctx) { return (size_t)ctx->threads; }

/* ---- scratch -------------------------------------------------------------------- */

gm_status gm__scratch_tables(gm_ctx *ctx, int32_t n)
{
    int32_t old = ctx->scratch ? ctx->threads : 0;
    void **blocks = NULL;
    size_t *sizes = NULL;
    if (n) {
        blocks = gm__calloc(ctx, (size_t)n, sizeof *blocks);
        sizes = gm__calloc(ctx, (size_t)n, sizeof *sizes);
        if (!blocks || !sizes) {
            gm__free(ctx, blocks);
            gm__free(ctx, sizes);
            return GM_ENOMEM;
        }
    }
    for (int32_t i = 0; i < old; i++) {
        if (i < n)
            blocks[i] = ctx->scratch[i], sizes[i] = ctx->scratch_size[i];
        else
            gm__free(ctx, ctx->scratch[i]);
    }
    gm__free(ctx, ctx->scratch);
    gm__free(ctx, ctx->scratch_size);
    ctx->scratch = blocks;
    ctx->scratch_size = sizes;
    return GM_OK;
}

void *gm__scratch(gm_ctx *ctx, size_t worker, size_t bytes)
{
    if (ctx->scratch[worker] && ctx->scratch_size[worker] >= bytes) return ctx->scratch[worker];
    size_t size = ctx->scratch_size[worker] + ctx->scratch_size[worker] / 2; /* grow by half at least */
    if (size < bytes) size = bytes;
    void *p = gm__alloc_quiet(ctx, size, 1);
    if (!p && size > bytes) p = gm__alloc_quiet(ctx, size = bytes, 1);
    if (!p) return NULL;
    gm__free(ctx, ctx->scratch[worker]);
    ctx->scratch[worker] = p;
    ctx->scratch_size[worker] = size;
    return p;
}
