/* wasserstein.c - exact in one dimension by sorting; in more, over random directions [Rabin et al. 2012]. */
#include "metrics/metrics.h"
#include <math.h>
#include <string.h>

/* ---- sorting -------------------------------------------------------------------------------- */

/* The order of floats is that of these whole numbers. */
static uint32_t key_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u >> 31 ? ~u : u | UINT32_C(1) << 31;
}

/* Four rounds of counting 8 bits, the lowest first. */
void gm__sort_f32(float *x, float *room, size_t n)
{
    enum { BITS = 8, BINS = 1 << BITS };
    float *from = x, *to = room;
    for (int round = 0; round < 4; round++) {
        size_t at[BINS] = { 0 }, sum = 0;
        for (size_t i = 0; i < n; i++) at[key_of(from[i]) >> round * BITS & (BINS - 1)]++;
        for (size_t b = 0; b < BINS; b++) {
            const size_t count = at[b];
            at[b] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++) to[at[key_of(from[i]) >> round * BITS & (BINS - 1)]++] = from[i];
        float *was = from;
        from = to;
        to = was;
    }
}

/* ---- one dimension ------------------------------------------------------------------------------ */

/* W_p^p of sorted numbers: the quantile functions are steps, at i/n and j/m. */
static double between(const float *x, size_t n, const float *y, size_t m, int p)
{
    double sum = 0;
    size_t at = 0; /* on a scale of n*m */
    for (size_t i = 0, j = 0; i < n && j < m;) {
        const size_t x_end = (i + 1) * m, y_end = (j + 1) * n, end = x_end < y_end ? x_end : y_end;
        const double v = fabs((double)x[i] - (double)y[j]);
        sum += (double)(end - at) * (p == 1 ? v : v * v);
        at = end;
        i += end == x_end;
        j += end == y_end;
    }
    return sum / (double)n / (double)m;
}

static double root(double v, int p) { return p == 1 ? v : sqrt(v); }

/* All elements of a tensor, ascending. */
static gm_status sorted(gm_ctx *ctx, gm__arg a, gm__set s[2], size_t *n)
{
    GM__TRY(gm__sets_open(ctx, "wasserstein", a, (gm__arg){ NULL, NULL }, 1, GM__SET_RAW, s));
    *n = s->n * s->d;
    float *room = gm__alloc(ctx, *n, sizeof *room);
    if (room) gm__sort_f32(s->x, room, *n);
    gm__free(ctx, room);
    return room ? GM_OK : GM_ENOMEM;
}

gm_status gm_wasserstein(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value)
{
    gm_metrics_config cfg;
    gm__set a[2] = { { 0 } }, b[2] = { { 0 } };
    size_t n, m;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!value) return gm__fail_ctx(ctx, GM_EARG, "wasserstein: value is NULL");
    GM__TRY(gm__metrics_settings(ctx, c, &cfg));
    gm_status s = sorted(ctx, (gm__arg){ "data", data }, a, &n);
    if (!s) s = sorted(ctx, (gm__arg){ "samples", samples }, b, &m);
    if (!s) *value = root(between(a->x, n, b->x, m, cfg.power), cfg.power);
    gm__sets_close(a);
    gm__sets_close(b);
    return s;
}

/* ---- directions ------------------------------------------------------------------------------------ */

enum { GROUP = 32, DIRECTIONS = 1 /* marks their streams among those of evaluation */ };

typedef struct job {
    const gm__set *s;
    const gm_metrics_config *cfg;
    size_t first, count;       /* directions at hand */
    float *u;                  /* [count, d] */
    float *p[2], *room;        /* projections of each set [GROUP, n]; room for as many */
    double *cost;              /* W_p^p of every direction */
} job;

/* One direction: normal numbers, brought to length 1. */
static void direct(void *arg, size_t task, size_t worker)
{
    const job *j = arg;
    const size_t d = j->s->d;
    float *u = j->u + task * d;
    double norm = 0;
    GM__UNUSED(worker);
    j->s->ctx->kern->normal_f32(gm__stream_make(j->cfg->seed, GM__R_EVAL, DIRECTIONS, j->first + task), d, u);
    for (size_t k = 0; k < d; k++) norm += (double)u[k] * (double)u[k];
    norm = sqrt(norm);
    for (size_t k = 0; k < d; k++) u[k] = norm > 0 ? (float)((double)u[k] / norm) : k == 0;
}

static void measure(void *arg, size_t task, size_t worker)
{
    const job *j = arg;
    const size_t n = j->s[0].n, m = j->s[1].n, more = n > m ? n : m;
    float *x = j->p[0] + task * n, *y = j->p[1] + task * m;
    GM__UNUSED(worker);
    gm__sort_f32(x, j->room + task * more, n);
    gm__sort_f32(y, j->room + task * more, m);
    j->cost[j->first + task] = between(x, n, y, m, j->cfg->power);
}

static gm_status run(gm_ctx *ctx, job *j)
{
    const size_t d = j->s->d, all = (size_t)j->cfg->projections;
    const size_t n = j->s[0].n, m = j->s[1].n, more = n > m ? n : m;
    j->u = gm__alloc(ctx, GROUP * d, sizeof *j->u);
    j->p[0] = gm__alloc(ctx, GROUP * n, sizeof(float));
    j->p[1] = gm__alloc(ctx, GROUP * m, sizeof(float));
    j->room = gm__alloc(ctx, GROUP * more, sizeof(float));
    j->cost = gm__alloc(ctx, all, sizeof *j->cost);
    if (!j->u || !j->p[0] || !j->p[1] || !j->room || !j->cost) return GM_ENOMEM;
    for (; j->first < all; j->first += GROUP) {
        j->count = all - j->first < GROUP ? all - j->first : GROUP;
        GM__TRY(gm__check_cancel(ctx));
        gm__parallel(ctx, j->count, direct, j);
        for (int i = 0; i < 2; i++)
            GM__TRY(gm__gemm_f32(ctx, &(gm__gemm){ .m = j->count, .n = j->s[i].n, .k = d, .a = j->u, .ars = (ptrdiff_t)d, .acs = 1,
                                                   .b = j->s[i].x, .brs = 1, .bcs = (ptrdiff_t)d, .c = j->p[i], .ldc = j->s[i].n }));
        gm__parallel(ctx, j->count, measure, j);
    }
    return GM_OK;
}

static void result(const job *j, double *value, double *error)
{
    const size_t n = (size_t)j->cfg->projections;
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) mean += j->cost[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) square += (j->cost[i] - mean) * (j->cost[i] - mean);
    *value = root(mean, j->cfg->power);
    if (!error) return;
    *error = n > 1 ? sqrt(square / (double)(n - 1) / (double)n) : 0;
    if (j->cfg->power == 2) *error = *value > 0 ? *error / (2 * *value) : 0; /* of a function of a mean, to first order */
}

gm_status gm_sliced_wasserstein(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value, double *error)
{
    gm_metrics_config cfg;
    gm__set s[2];
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!value) return gm__fail_ctx(ctx, GM_EARG, "sliced_w: value is NULL");
    GM__TRY(gm__metrics_settings(ctx, c, &cfg));
    GM__TRY(gm__sets_open(ctx, "sliced_w", (gm__arg){ "data", data }, (gm__arg){ "samples", samples }, 1, GM__SET_CENTRED, s));
    job j = { .s = s, .cfg = &cfg };
    gm_status st = run(ctx, &j);
    if (!st) result(&j, value, error);
    gm__free(ctx, j.cost);
    gm__free(ctx, j.room);
    gm__free(ctx, j.p[1]);
    gm__free(ctx, j.p[0]);
    gm__free(ctx, j.u);
    gm__sets_close(s);
    return st;
}
