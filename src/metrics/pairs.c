/* pairs.c - all pairs of rows of two sets, block by block through the matrix product. */
#include "metrics/metrics.h"
#include <math.h>

enum {
    ROWS = 1024, COLS = 2048, /* of a block of products: 8 MiB */
    TASK = 16,                /* rows of a task */
    LOOK = 64,                /* pairs looked at before the first is asked about */
};

double gm__distance2(const float *a, const float *b, size_t d)
{
    double sum[8] = { 0 };
    size_t j = 0;
    for (; j + 8 <= d; j += 8)
        for (size_t k = 0; k < 8; k++) {
            const double v = (double)a[j + k] - (double)b[j + k];
            sum[k] += v * v;
        }
    for (size_t k = 0; j < d; j++, k++) {
        const double v = (double)a[j] - (double)b[j];
        sum[k] += v * v;
    }
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

/* ---- which pairs may be near --------------------------------------------------------------- */

/* A product of d terms in f32 errs by at most d u |x||y|, whatever the order; norms, thresholds and the comparison by a few u of
 * |x|^2 + |y|^2 >= 2|x||y|. Taking (d + 16) u from that sum makes it a bound from below. */
double gm__pair_share(size_t d) { return 1 - ((double)d + 16) * 0x1p-24; }

size_t gm__pair_scan(const float *p, const float *w, size_t n, size_t from, float t)
{
    size_t j = from;
    while (j < n) {
        size_t end = j + LOOK;
        if (end <= n) { /* the common case: none of them */
            int any = 0;
            for (size_t k = 0; k < LOOK; k++) any |= w[j + k] - 2 * p[j + k] <= t;
            if (!any) {
                j = end;
                continue;
            }
        } else {
            end = n;
        }
        for (; j < end; j++)
            if (w[j] - 2 * p[j] <= t) return j;
    }
    return n;
}

/* ---- strips ---------------------------------------------------------------------------------- */

typedef struct walk {
    gm__strip_fn *fn;
    void *arg;
    const float *p;
    size_t i0, j0, rows, cols;
} walk;

static void strips_task(void *arg, size_t task, size_t worker)
{
    const walk *w = arg;
    const size_t end = (task + 1) * TASK < w->rows ? (task + 1) * TASK : w->rows;
    GM__UNUSED(worker);
    for (size_t i = task * TASK; i < end; i++) w->fn(w->arg, &(gm__strip){ w->i0 + i, w->j0, w->cols, w->p + i * COLS });
}

gm_status gm__strips(gm_ctx *ctx, const gm__set *a, const gm__set *b, gm__strip_fn *fn, void *arg)
{
    const size_t d = a->d;
    float *p = gm__alloc(ctx, ROWS * COLS, sizeof *p);
    gm_status s = p ? GM_OK : GM_ENOMEM;
    for (size_t i = 0; i < a->n && !s; i += ROWS)
        for (size_t j = 0; j < b->n && !s; j += COLS) {
            walk w = { fn, arg, p, i, j, a->n - i < ROWS ? a->n - i : ROWS, b->n - j < COLS ? b->n - j : COLS };
            s = gm__check_cancel(ctx);
            if (!s) s = gm__gemm_f32(ctx, &(gm__gemm){ .m = w.rows, .n = w.cols, .k = d, .a = a->x + i * d, .ars = (ptrdiff_t)d, .acs = 1,
                                                       .b = b->x + j * d, .brs = 1, .bcs = (ptrdiff_t)d, .c = p, .ldc = COLS });
            if (!s) gm__parallel(ctx, (w.rows + TASK - 1) / TASK, strips_task, &w);
        }
    gm__free(ctx, p);
    return s;
}

/* ---- nearest rows ------------------------------------------------------------------------------- */

typedef struct near_job {
    const gm__set *rows, *queries;
    size_t k;
    bool self;
    const uint64_t *own;
    double share, *distance2;
    float *w;
    int64_t *index;
} near_job;

static float threshold(const near_job *j, size_t i, double worst)
{
    return (float)(worst - j->share * (double)j->queries->norm[i]);
}

/* The k best so far lie in order in distance2; a later row goes behind its equals. */
static void near_strip(void *arg, const gm__strip *s)
{
    const near_job *job = arg;
    const size_t k = job->k, d = job->rows->d;
    double *best = job->distance2 + s->i * k;
    int64_t *at = job->index ? job->index + s->i * k : NULL;
    const size_t own = !job->self ? SIZE_MAX : job->own ? (size_t)job->own[s->i] : s->i;
    for (size_t j = 0; j < s->n && best[k - 1] > 0; j++) {
        j = gm__pair_scan(s->p, job->w + s->j0, s->n, j, threshold(job, s->i, best[k - 1]));
        if (j == s->n || s->j0 + j == own) continue;
        const double v = gm__distance2(job->queries->x + s->i * d, job->rows->x + (s->j0 + j) * d, d);
        if (!(v < best[k - 1])) continue;
        size_t p = k - 1;
        for (; p > 0 && best[p - 1] > v; p--) {
            best[p] = best[p - 1];
            if (at) at[p] = at[p - 1];
        }
        best[p] = v;
        if (at) at[p] = (int64_t)(s->j0 + j);
    }
}

gm_status gm__neighbours(gm_ctx *ctx, const gm__set *rows, const gm__set *queries, size_t k, bool self, const uint64_t *own, double *distance2, int64_t *index)
{
    near_job job = { rows, queries, k, self, own, gm__pair_share(rows->d), distance2, NULL, index };
    GM__ASSERT(gm__ctx_err(ctx), k > 0 && k + self <= rows->n);
    job.w = gm__alloc(ctx, rows->n, sizeof *job.w);
    if (!job.w) return GM_ENOMEM;
    for (size_t j = 0; j < rows->n; j++) job.w[j] = (float)(job.share * (double)rows->norm[j]);
    for (size_t i = 0; i < queries->n * k; i++) distance2[i] = INFINITY;
    gm_status s = gm__strips(ctx, queries, rows, near_strip, &job);
    gm__free(ctx, job.w);
    return s;
}

gm_status gm_neighbours(gm_ctx *ctx, gm_tensor *rows, gm_tensor *queries, int32_t k, gm_tensor **distance, gm_tensor **index)
{
    gm__set s[2];
    gm_tensor *dist = NULL, *at = NULL;
    if (distance) *distance = NULL;
    if (index) *index = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!distance) return gm__fail_ctx(ctx, GM_EARG, "neighbours: distance is NULL");
    const bool self = rows == queries;
    GM__TRY(gm__sets_open(ctx, "neighbours", (gm__arg){ "rows", rows }, (gm__arg){ self ? NULL : "queries", queries }, 1, GM__SET_CENTRED, s));
    const gm__set *q = self ? &s[0] : &s[1];
    const int64_t shape[2] = { (int64_t)q->n, k };
    gm_status st = k > 0 && (size_t)k + self <= s[0].n ? GM_OK
        : gm__fail_ctx(ctx, GM_EARG, "neighbours: k must be 1 to %zu for %zu rows, not %d", s[0].n - self, s[0].n, k);
    double *d2 = st ? NULL : gm__alloc(ctx, q->n * (size_t)k, sizeof *d2);
    if (!st && !d2) st = GM_ENOMEM;
    if (!st) st = gm_tensor_new(ctx, GM_F32, 2, shape, &dist);
    if (!st && index) st = gm_tensor_new(ctx, GM_I64, 2, shape, &at);
    if (!st) st = gm__neighbours(ctx, &s[0], q, (size_t)k, self, NULL, d2, at ? (int64_t *)(void *)at->data : NULL);
    for (int64_t i = 0; !st && i < dist->size; i++) gm__f32(dist)[i] = (float)sqrt(d2[i]);
    gm__free(ctx, d2);
    gm__sets_close(s);
    if (st) {
        gm_tensor_free(dist);
        gm_tensor_free(at);
        return st;
    }
    *distance = dist;
    if (index) *index = at;
    return GM_OK;
}
