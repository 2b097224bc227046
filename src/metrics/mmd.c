/* mmd.c - maximum mean discrepancy over pairs i != j of h = k(x_i,x_j) + k(y_i,y_j) - k(x_i,y_j) - k(x_j,y_i) [Gretton et al.
 * 2012]. h is symmetric: of blocks of rows and columns those on and above the diagonal are computed. */
#include "metrics/metrics.h"
#include <math.h>

enum { SIDE = 1024, STRIP = 64, PAIRS = 1000 /* rows that the median is taken of */ };

typedef struct job {
    gm_ctx *ctx;
    const gm__set *s;
    const gm_metrics_config *cfg;
    double scale;             /* of the exponent, or 1/d */
    size_t i0, j0, rows, cols; /* of the block at hand */
    float *k[4];              /* its products, then kernels; [SIDE, SIDE] each: xx, yy, xy, yx */
    double *row, *square;     /* [n]: sums of h and h^2 over each row's pairs */
} job;

/* Products of one row of a block become kernels, in place. */
static void kernels(const job *j, float *p, float norm, const float *norms)
{
    const float scale = (float)j->scale;
    if (j->cfg->kernel == GM_KERNEL_GAUSSIAN) {
        for (size_t c = 0; c < j->cols; c++) {
            const float d2 = norm + norms[c] - 2 * p[c];
            p[c] = scale * (d2 > 0 ? d2 : 0);
        }
        j->ctx->kern->unary_f32[GM__U_EXP](j->cols, p, p, (float[2]){ 0, 0 });
        return;
    }
    for (size_t c = 0; c < j->cols; c++) {
        const float v = scale * p[c] + 1;
        float power = v;
        for (int32_t e = 1; e < j->cfg->degree; e++) power *= v;
        p[c] = power;
    }
}

/* Row r of the block: h over the first kernel, and its sums. */
static void rows_task(void *arg, size_t r, size_t worker)
{
    const job *j = arg;
    const gm__set *x = &j->s[0], *y = &j->s[1];
    const size_t i = j->i0 + r;
    float *h = j->k[0] + r * SIDE, *yy = j->k[1] + r * SIDE, *xy = j->k[2] + r * SIDE, *yx = j->k[3] + r * SIDE;
    double sum = 0, square = 0;
    GM__UNUSED(worker);
    kernels(j, h, x->norm[i], x->norm + j->j0);
    kernels(j, yy, y->norm[i], y->norm + j->j0);
    kernels(j, xy, x->norm[i], y->norm + j->j0);
    kernels(j, yx, y->norm[i], x->norm + j->j0);
    for (size_t c = 0; c < j->cols; c++) h[c] = (h[c] - xy[c]) + (yy[c] - yx[c]);
    if (j->i0 == j->j0) h[r] = 0;
    for (size_t c = 0; c < j->cols; c++) {
        sum += (double)h[c];
        square += (double)h[c] * (double)h[c];
    }
    j->row[i] += sum;
    j->square[i] += square;
}

/* A strip of columns of a block above the diagonal: the pairs below it. */
static void columns_task(void *arg, size_t task, size_t worker)
{
    const job *j = arg;
    const size_t end = (task + 1) * STRIP < j->cols ? (task + 1) * STRIP : j->cols;
    GM__UNUSED(worker);
    for (size_t r = 0; r < j->rows; r++)
        for (size_t c = task * STRIP; c < end; c++) {
            const double h = (double)j->k[0][r * SIDE + c];
            j->row[j->j0 + c] += h;
            j->square[j->j0 + c] += h * h;
        }
}

static gm_status block(job *j)
{
    const size_t d = j->s->d;
    const gm__set *x = &j->s[0], *y = &j->s[1], *const left[4] = { x, y, x, y }, *const right[4] = { x, y, y, x };
    GM__TRY(gm__check_cancel(j->ctx));
    for (int q = 0; q < 4; q++)
        GM__TRY(gm__gemm_f32(j->ctx, &(gm__gemm){ .m = j->rows, .n = j->cols, .k = d, .a = left[q]->x + j->i0 * d, .ars = (ptrdiff_t)d, .acs = 1,
                                                  .b = right[q]->x + j->j0 * d, .brs = 1, .bcs = (ptrdiff_t)d, .c = j->k[q], .ldc = SIDE }));
    gm__parallel(j->ctx, j->rows, rows_task, j);
    if (j->i0 != j->j0) gm__parallel(j->ctx, (j->cols + STRIP - 1) / STRIP, columns_task, j);
    return GM_OK;
}

static gm_status run(job *j, size_t n)
{
    for (j->i0 = 0; j->i0 < n; j->i0 += SIDE)
        for (j->j0 = j->i0; j->j0 < n; j->j0 += SIDE) {
            j->rows = n - j->i0 < SIDE ? n - j->i0 : SIDE;
            j->cols = n - j->j0 < SIDE ? n - j->j0 : SIDE;
            GM__TRY(block(j));
        }
    return GM_OK;
}

/* Value, and its variance: 4 (n-2)/(n (n-1)) V1 + 2/(n (n-1)) V2, where V2 is the variance of h and V1 that of its mean over one
 * of its rows, which is 0 for equal laws. The means at hand spread by V1 (n-2)/(n-1) + V2/(n-1). */
static void result(const job *j, size_t n, double *value, double *error)
{
    const double m = (double)n - 1;
    double sum = 0, squares = 0, spread = 0;
    for (size_t i = 0; i < n; i++) sum += j->row[i], squares += j->square[i];
    const double mean = sum / (double)n / m;
    for (size_t i = 0; i < n; i++) spread += (j->row[i] / m - mean) * (j->row[i] / m - mean);
    spread /= m;
    const double second = fmax(0, squares / (double)n / m - mean * mean), first = fmax(0, (spread - second / m) * m / (m - 1));
    *value = mean;
    if (error) *error = sqrt((4 * (m - 1) * first + 2 * second) / ((double)n * m));
}

/* Median distance among the first rows of both sets. */
static gm_status median(gm_ctx *ctx, const gm__set *s, double *out)
{
    const size_t each = s->n < PAIRS / 2 ? s->n : PAIRS / 2, all = 2 * each, pairs = all * (all - 1) / 2;
    float *d = gm__alloc(ctx, pairs, sizeof *d), *room = gm__alloc(ctx, pairs, sizeof *room);
    size_t k = 0;
    for (size_t i = 1; d && room && i < all; i++)
        for (size_t j = 0; j < i; j++) {
            const gm__set *a = &s[i >= each], *b = &s[j >= each];
            d[k++] = (float)sqrt(gm__distance2(a->x + i % each * a->d, b->x + j % each * b->d, s->d));
        }
    if (d && room) {
        gm__sort_f32(d, room, pairs);
        *out = (double)d[pairs / 2];
    }
    const gm_status st = d && room ? GM_OK : GM_ENOMEM;
    gm__free(ctx, room);
    gm__free(ctx, d);
    return st;
}

static gm_status settle(job *j)
{
    double width = j->cfg->bandwidth;
    j->scale = 1 / (double)j->s->d;
    if (j->cfg->kernel != GM_KERNEL_GAUSSIAN) return GM_OK;
    if (!(width > 0)) GM__TRY(median(j->ctx, j->s, &width));
    if (!(width > 0)) width = 1; /* most rows are equal */
    j->scale = -0.5 / (width * width);
    return GM_OK;
}

gm_status gm_mmd(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value, double *error)
{
    gm_metrics_config cfg;
    gm__set s[2];
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!value) return gm__fail_ctx(ctx, GM_EARG, "mmd: value is NULL");
    GM__TRY(gm__metrics_settings(ctx, c, &cfg));
    const int how = cfg.kernel == GM_KERNEL_GAUSSIAN ? GM__SET_CENTRED : GM__SET_RAW;
    GM__TRY(gm__sets_open(ctx, "mmd", (gm__arg){ "data", data }, (gm__arg){ "samples", samples }, 4, how, s));
    gm__sets_level(s);
    job j = { .ctx = ctx, .s = s, .cfg = &cfg, .row = gm__calloc(ctx, s->n, 2 * sizeof(double)) };
    j.k[0] = gm__alloc(ctx, 4 * SIDE * SIDE, sizeof(float));
    gm_status st = j.row && j.k[0] ? GM_OK : GM_ENOMEM;
    for (int q = 1; q < 4 && !st; q++) j.k[q] = j.k[0] + q * SIDE * SIDE;
    if (!st) j.square = j.row + s->n;
    if (!st) st = settle(&j);
    if (!st) st = run(&j, s->n);
    if (!st) result(&j, s->n, value, error);
    if (!st && !isfinite(*value)) st = gm__fail_ctx(ctx, GM_ENONFINITE, "mmd: the kernel of these rows is over 1e38: scale them");
    gm__free(ctx, j.k[0]);
    gm__free(ctx, j.row);
    gm__sets_close(s);
    return st;
}
