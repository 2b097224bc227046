/* parallel.c - elementwise kernels and sums over the thread pool. The cut into
 * chunks depends on n alone. */
#include "kernels/kernels.h"

enum {
    CHUNK = 16384,  /* elements of a task */
    SPREAD = 65536, /* fewer elements are not worth waking a thread */
    SUMS = 128,     /* most partial sums */
};

typedef struct map_job {
    const gm__kern *kern;
    bool f64;
    int op, mode;
    size_t n;
    char *y;
    const char *a, *b;
    double p[2];
} map_job;

static void map_task(void *arg, size_t task, size_t worker)
{
    const map_job *j = arg;
    size_t i = task * CHUNK, n = j->n - i < CHUNK ? j->n - i : CHUNK, at = i * (j->f64 ? 8 : 4);
    const char *a = j->a && j->mode != GM__SV ? j->a + at : j->a, *b = j->b && j->mode != GM__VS ? j->b + at : j->b;
    const float p32[2] = { (float)j->p[0], (float)j->p[1] };
    GM__UNUSED(worker);
    if (j->mode < 0) {
        if (j->f64) j->kern->unary_f64[j->op](n, (double *)(j->y + at), (const double *)a, j->p);
        else j->kern->unary_f32[j->op](n, (float *)(j->y + at), (const float *)a, p32);
    } else {
        if (j->f64) j->kern->binary_f64[j->op](n, (double *)(j->y + at), (const double *)a, (const double *)b, j->mode, j->p);
        else j->kern->binary_f32[j->op](n, (float *)(j->y + at), (const float *)a, (const float *)b, j->mode, p32);
    }
}

static void map_run(gm_ctx *ctx, map_job *j)
{
    size_t tasks = (j->n + CHUNK - 1) / CHUNK;
    if (j->n >= SPREAD) gm__parallel(ctx, tasks, map_task, j);
    else for (size_t i = 0; i < tasks; i++) map_task(j, i, 0);
}

void gm__unary(gm_ctx *ctx, bool f64, int op, size_t n, void *y, const void *x, const double p[2])
{
    map_job j = { .kern = ctx->kern, .f64 = f64, .op = op, .mode = -1, .n = n, .y = y, .a = x };
    if (p) j.p[0] = p[0], j.p[1] = p[1];
    map_run(ctx, &j);
}

void gm__binary(gm_ctx *ctx, bool f64, int op, size_t n, void *y, const void *a, const void *b, int mode, const double p[2])
{
    map_job j = { .kern = ctx->kern, .f64 = f64, .op = op, .mode = mode, .n = n, .y = y, .a = a, .b = b };
    if (p) j.p[0] = p[0], j.p[1] = p[1];
    map_run(ctx, &j);
}

typedef struct sum_job {
    const gm__kern *kern;
    bool f64;
    size_t n, chunk;
    const void *x;
    double part[SUMS];
} sum_job;

static void sum_task(void *arg, size_t task, size_t worker)
{
    sum_job *j = arg;
    size_t i = task * j->chunk, n = j->n - i < j->chunk ? j->n - i : j->chunk;
    GM__UNUSED(worker);
    j->part[task] = j->f64 ? j->kern->sum_f64(n, (const double *)j->x + i) : (double)j->kern->sum_f32(n, (const float *)j->x + i);
}

double gm__sum(gm_ctx *ctx, bool f64, size_t n, const void *x)
{
    sum_job j = { .kern = ctx->kern, .f64 = f64, .n = n, .x = x };
    size_t chunks = (n + CHUNK - 1) / CHUNK;
    j.chunk = CHUNK * ((chunks + SUMS - 1) / SUMS);
    if (!n) return 0;
    size_t tasks = (n + j.chunk - 1) / j.chunk;
    if (n >= SPREAD) gm__parallel(ctx, tasks, sum_task, &j);
    else for (size_t i = 0; i < tasks; i++) sum_task(&j, i, 0);
    double s = 0;
    for (size_t i = 0; i < tasks; i++) s += j.part[i];
    return s;
}
