/* ess.c - how many independent draws a trace of chains is worth, and whether the chains agree. */
#include "metrics/metrics.h"
#include <math.h>

typedef struct trace { const double *x; int64_t chains, n; double *mean; } trace;

/* Mean over chains of the covariance of values `lag` apart. */
static double covariance(const trace *t, int64_t lag)
{
    double sum = 0;
    for (int64_t c = 0; c < t->chains; c++) {
        const double *x = t->x + c * t->n;
        double s = 0;
        for (int64_t i = 0; i + lag < t->n; i++) s += (x[i] - t->mean[c]) * (x[i + lag] - t->mean[c]);
        sum += s / (double)t->n;
    }
    return sum / (double)t->chains;
}

/* Sum of correlations over pairs of lags (0,1), (2,3), .. as long as it stays above 0, none above the one before it: a pair's sum is
 * positive and falls for any reversible chain, so what comes later is noise [Geyer 1992]. Between chains as in Gelman et al. 2013, 11.5. */
static gm_status estimate(gm_ctx *ctx, const trace *t, double *ess, double *r_hat)
{
    const double n = (double)t->n, m = (double)t->chains;
    double all = 0, between = 0;
    for (int64_t c = 0; c < t->chains; c++) all += t->mean[c] / m;
    for (int64_t c = 0; c < t->chains && m > 1; c++) between += (t->mean[c] - all) * (t->mean[c] - all) / (m - 1);
    const double within = covariance(t, 0) * n / (n - 1), total = within * (n - 1) / n + between;
    int64_t same = 0;
    while (same < t->chains * t->n && t->x[same] <= t->x[0] && t->x[same] >= t->x[0]) same++;
    if (same == t->chains * t->n || !(total > 0)) return gm__fail_ctx(ctx, GM_EARG, "gm_effective_samples: the trace is constant");
    double sum = 0, last = INFINITY;
    for (int64_t lag = 0; lag + 1 < t->n; lag += 2) {
        if (lag % 256 == 0) GM__TRY(gm__check_cancel(ctx));
        const double pair = 2 - (2 * within - covariance(t, lag) * (lag ? 1 : n / (n - 1)) - covariance(t, lag + 1)) / total;
        if (!(pair > 0)) break;
        last = fmin(pair, last);
        sum += last;
    }
    const double most = m * n * fmax(log10(m * n), 1), v = m * n / fmax(2 * sum - 1, 1e-12);
    if (ess) *ess = fmin(v, most);
    if (r_hat) *r_hat = within > 0 ? sqrt(total / within) : INFINITY;
    return GM_OK;
}

gm_status gm_effective_samples(gm_ctx *ctx, const gm_tensor *x, double *ess, double *r_hat)
{
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!gm__is(x, GM__TENSOR)) return gm__fail_ctx(ctx, GM_EARG, "gm_effective_samples: trace is not a tensor");
    if (x->dtype != GM_F32 && x->dtype != GM_F64) return gm__fail_ctx(ctx, GM_EDTYPE, "gm_effective_samples: trace must be f32 or f64, not %s", gm_dtype_name(x->dtype));
    if (x->ndim < 1 || x->ndim > 2 || x->shape[x->ndim - 1] < 4 || !x->size)
        return gm__fail_ctx(ctx, GM_ESHAPE, "gm_effective_samples: trace must be [N] or [chains, N], N 4 or more");
    trace t = { .chains = x->ndim == 2 ? x->shape[0] : 1, .n = x->shape[x->ndim - 1] };
    double *values = gm__alloc(ctx, (size_t)x->size, sizeof *values);
    t.mean = gm__calloc(ctx, (size_t)t.chains, sizeof *t.mean);
    gm_status s = values && t.mean ? GM_OK : GM_ENOMEM;
    for (int64_t i = 0; !s && i < x->size; i++) {
        const int64_t c = i / t.n, k = i % t.n, at = (x->ndim == 2 ? c * x->stride[0] : 0) + k * x->stride[x->ndim - 1];
        values[i] = x->dtype == GM_F64 ? ((const double *)(const void *)x->data)[at] : (double)gm__f32(x)[at];
        if (!isfinite(values[i])) s = gm__fail_ctx(ctx, GM_ENONFINITE, "gm_effective_samples: value %lld of chain %lld is %g", (long long)k, (long long)c, values[i]);
        t.mean[c] += values[i] / (double)t.n;
    }
    t.x = values;
    if (!s) s = estimate(ctx, &t, ess, r_hat);
    gm__free(ctx, values);
    gm__free(ctx, t.mean);
    return s;
}
