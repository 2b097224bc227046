/* uniform.c - uniform draws in [lo, hi), f32. attr.i: ndim, shape; attr.f: lo, hi. */
#include "ops/elementwise.h"

static gm_status infer(gm__call *c)
{
    int64_t size;
    GM__TRY(gm__shape_check(c->err, "uniform", (int32_t)c->attr->i[0], c->attr->i + 1, &size));
    gm__out_shape(c, GM_F32, (int)c->attr->i[0], c->attr->i + 1);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    double lo = c->attr->f[0], hi = c->attr->f[1], p[2] = {hi - lo, lo}, q[2] = {lo, (double)(float)hi};
    gm__tape_fill(c->t, GM__FILL_UNIFORM, c->out, NULL, 0);
    if (c->t->err.status) return c->t->err.status;
    if (lo == 0 && hi == 1) return GM_OK;
    gm__ew1(c->ctx, GM__U_AFFINE, c->out, c->out, p, false);
    if (lo < hi) { /* rounding must not reach hi */
        q[1] = (double)__builtin_nextafterf((float)hi, (float)lo);
        gm__ew1(c->ctx, GM__U_CLAMP, c->out, c->out, q, false);
    }
    return GM_OK;
}
const gm__op gm__op_uniform = {"uniform", 0, GM__OP_RANDOM | GM__OP_NOGRAD, infer, forward, NULL, NULL, "i=2,7,17 f=-1,2 | i=0 f=0,1 | i=1,0 f=0,1 | "
    "i=1,1 f=0,1 | i=1,33 f=-3,1 | i=3,2,3,4 f=0,5 | i=2,5,9 f=0,1 | i=5,2,1,3,1,2 f=1,2 | i=3,4,0,2 f=0,1 | "
    "i=2,1,17 f=-1,1 | i=2,17,1 f=0,0.1 | i=3,1,1,1 f=-9,9"};

gm_tensor *gm_uniform(gm_tape *t, int32_t ndim, const int64_t *shape, double lo, double hi)
{
    gm__attr a;
    if (!gm__attr_shape(t, "uniform", &a, ndim, shape)) return NULL;
    if (!(lo <= hi)) return gm__tape_fail(t, GM_EARG, "uniform: lo %g is not below hi %g", lo, hi);
    a.f[0] = lo;
    a.f[1] = hi;
    return gm__apply(t, &gm__op_uniform, NULL, 0, &a);
}
