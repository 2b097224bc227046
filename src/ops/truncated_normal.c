/* truncated_normal.c - normal draws within bounds, f32, by the inverse of the distribution function. attr.i: ndim, shape;
 * attr.f: the bounds of the standard normal. */
#include "ops/elementwise.h"

#include <math.h>

static gm_status infer(gm__call *c)
{
    int64_t size;
    GM__TRY(gm__shape_check(c->err, "truncated_normal", (int32_t)c->attr->i[0], c->attr->i + 1, &size));
    gm__out_shape(c, GM_F32, (int)c->attr->i[0], c->attr->i + 1);
    return GM_OK;
}

static double cdf(double z) { return 0.5 * erfc(-z * 0.70710678118654752440); }

typedef struct job { double lo, hi, p_lo, p_hi, sign; float *y; } job;

static void elements(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    for (size_t i = first; i < last; i++) {
        double u = ((double)j->y[i] + 0x1p-25), z = gm__normal_quantile(j->p_lo + u * (j->p_hi - j->p_lo));
        j->y[i] = (float)(j->sign * fmin(fmax(z, j->lo), j->hi));
    }
}
static gm_status forward(gm__call *c)
{
    /* the lower tail has the digits: bounds above 0 are mirrored */
    bool mirror = c->attr->f[0] > 0;
    job j = {.lo = mirror ? -c->attr->f[1] : c->attr->f[0], .hi = mirror ? -c->attr->f[0] : c->attr->f[1], .sign = mirror ? -1 : 1, .y = gm__f32(c->out)};
    j.p_lo = cdf(j.lo);
    j.p_hi = cdf(j.hi);
    gm__tape_fill(c->t, GM__FILL_UNIFORM, c->out, NULL, 0);
    if (c->t->err.status) return c->t->err.status;
    gm__ranges(c->ctx, (size_t)c->out->size, 64, elements, &j);
    return GM_OK;
}
const gm__op gm__op_truncated_normal = {"truncated_normal", 0, GM__OP_RANDOM | GM__OP_NOGRAD, infer, forward, NULL, NULL,
    "i=2,7,17 f=-2,2 | i=0 f=-1,1 | i=1,0 f=0,1 | i=1,1 f=0,1 | i=1,33 f=1,3 | i=3,2,3,4 f=-3,-1 | i=2,5,9 f=0,9 | i=5,2,1,3,1,2 f=5,6 | "
    "i=3,4,0,2 f=-1,1 | i=2,1,17 f=-0.1,0.1 | i=2,17,1 f=8,9 | i=3,1,1,1 f=-9,9"};

gm_tensor *gm_truncated_normal(gm_tape *t, int32_t ndim, const int64_t *shape, double mean, double stddev, double lo, double hi)
{
    gm__attr a;
    if (!gm__attr_shape(t, "truncated_normal", &a, ndim, shape)) return NULL;
    if (!(lo < hi && stddev > 0 && isfinite(mean)))
        return gm__tape_fail(t, GM_EARG, "truncated_normal: mean %g, stddev %g (above 0 wanted) within [%g,%g]", mean, stddev, lo, hi);
    a.f[0] = (lo - mean) / stddev;
    a.f[1] = (hi - mean) / stddev;
    if (a.f[0] > 35 || a.f[1] < -35) return gm__tape_fail(t, GM_EARG, "truncated_normal: [%g,%g] lies over 35 deviations %g from the mean %g", lo, hi, stddev, mean);
    return gm_clamp(t, gm_affine(t, gm__apply(t, &gm__op_truncated_normal, NULL, 0, &a), stddev, mean), lo, hi);
}
