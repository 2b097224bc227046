/* frechet.c - distance of two Gaussians with the moments of the sets.
 *
 * With S1 = F1^T F1 and S2 = F2^T F2 the eigenvalues of S1 S2 are the squared singular values of F1 F2^T, so
 * tr (S1 S2)^(1/2) is their sum. Roots come from QR of the rows: no covariance is formed, nothing is squared, and
 * a singular S is no special case. */
#include "metrics/metrics.h"
#include <math.h>
#include <string.h>

typedef struct moments {
    double *mean;          /* [d] */
    double *root; size_t r; /* [r, d], r <= d */
    double trace;
} moments;

static void put_row(const gm__set *s, size_t i, const double *mean, double scale, double *to)
{
    for (size_t j = 0; j < s->d; j++) to[j] = ((double)s->x[i * s->d + j] - mean[j]) * scale;
}

/* R of the QR of all rows, a few at a time behind the R of those before. */
static gm_status triangle(gm_ctx *ctx, const gm__set *s, double scale, moments *m)
{
    const size_t d = s->d, rows = 5 * d > 1024 ? 5 * d : 1024;
    double *a = gm__alloc(ctx, rows * d, sizeof *a);
    gm_status st = a ? GM_OK : GM_ENOMEM;
    size_t have = 0;
    for (size_t i = 0; !st && i < s->n;) {
        for (; have < rows && i < s->n; have++, i++) put_row(s, i, m->mean, scale, a + have * d);
        st = gm__check_cancel(ctx);
        if (!st) st = gm__qr(ctx, have, d, a, NULL);
        for (size_t k = 0; k < d; k++) memset(a + k * d, 0, k * sizeof *a);
        have = d;
    }
    if (!st) memcpy(m->root, a, d * d * sizeof *a);
    gm__free(ctx, a);
    return st;
}

static gm_status measure(gm_ctx *ctx, const gm__set *s, moments *m)
{
    const double scale = 1 / sqrt((double)(s->n - 1));
    m->r = s->n < s->d ? s->n : s->d;
    m->mean = gm__calloc(ctx, s->d, sizeof *m->mean);
    m->root = gm__alloc(ctx, m->r * s->d, sizeof *m->root);
    if (!m->mean || !m->root) return GM_ENOMEM;
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->d; j++) m->mean[j] += (double)s->x[i * s->d + j];
    for (size_t j = 0; j < s->d; j++) m->mean[j] /= (double)s->n;
    if (s->n > s->d) GM__TRY(triangle(ctx, s, scale, m));
    else for (size_t i = 0; i < s->n; i++) put_row(s, i, m->mean, scale, m->root + i * s->d);
    m->trace = ctx->kern->sumsq_f64(m->r * s->d, m->root);
    return GM_OK;
}

/* Sum of the singular values of F1 F2^T. */
static gm_status overlap(gm_ctx *ctx, const moments m[2], size_t d, double *sum)
{
    const size_t r = m[0].r, c = m[1].r, k = r < c ? r : c;
    double *p = gm__alloc(ctx, r * c, sizeof *p), *values = gm__alloc(ctx, k, sizeof *values);
    gm_status s = p && values ? GM_OK : GM_ENOMEM;
    if (!s) s = gm__gemm_f64(ctx, &(gm__gemm){ .m = r, .n = c, .k = d, .a = m[0].root, .ars = (ptrdiff_t)d, .acs = 1,
                                              .b = m[1].root, .brs = 1, .bcs = (ptrdiff_t)d, .c = p, .ldc = c });
    if (!s) s = gm__svd(ctx, r, c, p, values, NULL, NULL);
    *sum = 0;
    for (size_t i = k; !s && i > 0; i--) *sum += values[i - 1];
    gm__free(ctx, values);
    gm__free(ctx, p);
    return s;
}

gm_status gm_frechet(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, double *value)
{
    gm__set s[2];
    moments m[2] = { { 0 } };
    double cross = 0, shift = 0;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!value) return gm__fail_ctx(ctx, GM_EARG, "frechet: value is NULL");
    GM__TRY(gm__sets_open(ctx, "frechet", (gm__arg){ "data", data }, (gm__arg){ "samples", samples }, 2, GM__SET_CENTRED, s));
    const size_t d = s->d;
    gm_status st = d > GM__LAPACK_MOST && s[0].n > GM__LAPACK_MOST && s[1].n > GM__LAPACK_MOST
        ? gm__fail_ctx(ctx, GM_ELIMIT, "frechet: %zu numbers a row are over the limit of %d", d, GM__LAPACK_MOST) : GM_OK;
    for (int i = 0; i < 2 && !st; i++) st = measure(ctx, &s[i], &m[i]);
    if (!st) st = overlap(ctx, m, d, &cross);
    for (size_t j = 0; j < d && !st; j++) shift += (m[0].mean[j] - m[1].mean[j]) * (m[0].mean[j] - m[1].mean[j]);
    if (!st) *value = fmax(0, shift + m[0].trace + m[1].trace - 2 * cross);
    for (int i = 0; i < 2; i++) {
        gm__free(ctx, m[i].mean);
        gm__free(ctx, m[i].root);
    }
    gm__sets_close(s);
    return st;
}
