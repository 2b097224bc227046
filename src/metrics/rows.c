/* rows.c - sets of rows as the metrics work with them, and the metrics' settings. */
#include "metrics/metrics.h"
#include <math.h>
#include <string.h>

/* ---- settings ---------------------------------------------------------------------------- */

#define ROW(field) offsetof(gm_metrics_config, field)
static const gm__opt rows[] = {
    {"k", GM__O_INT, ROW(k), "5", 1, 1e6, NULL, "neighbours that make a radius"},
    {"kernel", GM__O_CHOICE, ROW(kernel), "polynomial", 0, 0, "polynomial|gaussian", "of mmd"},
    {"degree", GM__O_INT, ROW(degree), "3", 1, 16, NULL, "of the polynomial kernel"},
    {"bandwidth", GM__O_REAL, ROW(bandwidth), "0", 0, 1e18, NULL, "of the Gaussian kernel; 0: the median distance"},
    {"judge", GM__O_CHOICE, ROW(judge), "nearest", 0, 0, "nearest|logistic", "of c2st"},
    {"projections", GM__O_INT, ROW(projections), "1000", 1, 1e6, NULL, "directions of sliced_w"},
    {"power", GM__O_INT, ROW(power), "2", 1, 2, NULL, "p of the Wasserstein distances"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of directions, of halves"},
};
#undef ROW
const gm__opts gm__metrics_opts = {"metrics", rows, GM__COUNT(rows)};

void gm_metrics_config_init(gm_metrics_config *c, size_t size)
{
    gm_metrics_config d = { .struct_size = sizeof d };
    gm__strs none = { 0 };
    if (gm__opts_defaults(NULL, &gm__metrics_opts, &d, &none)) memset(&d, 0, sizeof d);
    gm__struct_init(c, size, &d, sizeof d);
}

gm_status gm__metrics_settings(gm_ctx *ctx, const gm_metrics_config *c, gm_metrics_config *out)
{
    gm_metrics_config_init(out, sizeof *out);
    if (c) GM__TRY(gm__struct_in(gm__ctx_err(ctx), "metrics", c, out, sizeof *out));
    return gm__opts_check(ctx, &gm__metrics_opts, out);
}

double gm__binomial_error(double p, size_t n) { return sqrt(p * (1 - p) / (double)n); }

/* ---- rows ----------------------------------------------------------------------------------- */

static gm_status check(gm_ctx *ctx, const char *who, gm__arg a, size_t least)
{
    char text[128];
    const gm_tensor *t = a.t;
    GM__TRY(gm__check_tensor(gm__ctx_err(ctx), who, a.name, t));
    if (!gm__is_float(t->dtype)) return gm__fail_ctx(ctx, GM_EDTYPE, "%s: %s must be f32 or f64, not %s", who, a.name, gm_dtype_name(t->dtype));
    if (t->ndim < 1 || !t->size) return gm__fail_ctx(ctx, GM_ESHAPE, "%s: %s must be [N, ..] with numbers in it, not %s", who, a.name, gm__shape_text(text, t->ndim, t->shape));
    if ((size_t)t->shape[0] < least)
        return gm__fail_ctx(ctx, GM_EARG, "%s: %s has %lld rows, %zu or more are needed", who, a.name, (long long)t->shape[0], least);
    return GM_OK;
}

static inline double at(bool f64, const void *x, size_t i) { return f64 ? ((const double *)x)[i] : (double)((const float *)x)[i]; }

/* The mean of each number of a row of x [n, d], but for its lower digits: multiples of a power of 2 below the spread. Taking
 * these away is exact for whole numbers and the like, so what is equally far stays so. */
static void column_means(bool f64, const void *x, size_t n, size_t d, double *mean)
{
    double spread = 0;
    int e;
    memset(mean, 0, d * sizeof *mean);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) mean[j] += at(f64, x, i * d + j);
    for (size_t j = 0; j < d; j++) mean[j] /= (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) spread += (at(f64, x, i * d + j) - mean[j]) * (at(f64, x, i * d + j) - mean[j]);
    if (!(spread > 0 && isfinite(spread))) return;
    frexp(sqrt(spread / (double)n / (double)d), &e);
    for (size_t j = 0; j < d; j++) mean[j] = ldexp(rint(ldexp(mean[j], 1 - e)), e - 1);
}

static gm_status all_finite(gm_ctx *ctx, const char *who, gm__arg a, const void *x)
{
    const size_t n = (size_t)a.t->shape[0], d = (size_t)a.t->size / n;
    for (size_t i = 0; i < n * d; i++)
        if (!(fabs(at(a.t->dtype == GM_F64, x, i)) <= 1e15))
            return gm__fail_ctx(ctx, GM_ENONFINITE, "%s: row %zu of %s holds inf, NaN or a number over 1e15", who, i / d, a.name);
    return GM_OK;
}

/* x less the mean, and the norms. */
static void put(gm__set *s, bool f64, const void *x, const double *mean)
{
    for (size_t i = 0; i < s->n; i++) {
        float *to = s->x + i * s->d;
        for (size_t j = 0; j < s->d; j++) {
            const double v = at(f64, x, i * s->d + j);
            to[j] = (float)(mean ? v - mean[j] : v);
        }
        s->norm[i] = (float)s->ctx->kern->sumsq_f32(s->d, to);
    }
}

/* The elements of t one after the other: t itself or a copy to be freed. */
static gm_status straight(gm_ctx *ctx, const gm_tensor *t, gm_tensor **copy, const void **x)
{
    *x = t->data;
    if (t->contiguous) return GM_OK;
    GM__TRY(gm__tensor_make(ctx, gm__ctx_err(ctx), t->dtype, t->ndim, t->shape, false, copy));
    gm__copy_values(ctx, *copy, t);
    *x = (*copy)->data;
    return GM_OK;
}

static gm_status set_open(gm_ctx *ctx, const char *who, gm__arg a, double *mean, bool own_mean, gm__set *out)
{
    gm_tensor *copy = NULL;
    const void *x;
    const bool f64 = a.t->dtype == GM_F64;
    *out = (gm__set){ .ctx = ctx, .n = (size_t)a.t->shape[0], .d = (size_t)(a.t->size / a.t->shape[0]) };
    out->x = gm__alloc(ctx, (size_t)a.t->size, sizeof *out->x);
    out->norm = gm__alloc(ctx, out->n, sizeof *out->norm);
    if (!out->x || !out->norm) return GM_ENOMEM;
    gm_status s = straight(ctx, a.t, &copy, &x);
    if (!s) s = all_finite(ctx, who, a, x);
    if (!s && own_mean) column_means(f64, x, out->n, out->d, mean);
    if (!s) put(out, f64, x, mean);
    gm_tensor_free(copy);
    return s;
}

gm_status gm__sets_open(gm_ctx *ctx, const char *who, gm__arg a, gm__arg b, size_t least, int how, gm__set out[2])
{
    char ta[128], tb[128];
    memset(out, 0, 2 * sizeof *out);
    GM__TRY(check(ctx, who, a, least));
    if (b.name) GM__TRY(check(ctx, who, b, least));
    const size_t d = (size_t)(a.t->size / a.t->shape[0]);
    if (b.name && (size_t)(b.t->size / b.t->shape[0]) != d)
        return gm__fail_ctx(ctx, GM_ESHAPE, "%s: rows of %s %s and %s %s differ in size", who, a.name, gm__shape_text(ta, a.t->ndim, a.t->shape), b.name,
                            gm__shape_text(tb, b.t->ndim, b.t->shape));
    double *mean = how == GM__SET_CENTRED ? gm__alloc(ctx, d, sizeof *mean) : NULL;
    if (how == GM__SET_CENTRED && !mean) return GM_ENOMEM;
    gm_status s = set_open(ctx, who, a, mean, mean != NULL, &out[0]);
    if (!s && b.name) s = set_open(ctx, who, b, mean, false, &out[1]);
    gm__free(ctx, mean);
    if (s) gm__sets_close(out);
    return s;
}

void gm__sets_close(gm__set s[2])
{
    for (int i = 0; i < 2; i++) {
        gm__free(s[i].ctx, s[i].x);
        gm__free(s[i].ctx, s[i].norm);
        s[i].x = s[i].norm = NULL;
    }
}

void gm__sets_level(gm__set s[2])
{
    if (s[0].n > s[1].n) s[0].n = s[1].n;
    s[1].n = s[0].n;
}
