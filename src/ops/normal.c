/* normal.c - normal draws, f32. attr.i: ndim, shape; attr.f: mean, standard deviation. */
#include "ops/elementwise.h"

static gm_status infer(gm__call *c)
{
    int64_t size;
    GM__TRY(gm__shape_check(c->err, "normal", (int32_t)c->attr->i[0], c->attr->i + 1, &size));
    gm__out_shape(c, GM_F32, (int)c->attr->i[0], c->attr->i + 1);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    double p[2] = {c->attr->f[1], c->attr->f[0]};
    gm__tape_fill(c->t, GM__FILL_NORMAL, c->out, NULL, 0);
    if (c->t->err.status) return c->t->err.status;
    if (p[0] != 1 || p[1] != 0) gm__ew1(c->ctx, GM__U_AFFINE, c->out, c->out, p, false);
    return GM_OK;
}
const gm__op gm__op_normal = {"normal", 0, GM__OP_RANDOM | GM__OP_NOGRAD, infer, forward, NULL, NULL, "i=2,7,17 f=1,2 | i=0 f=0,1 | i=1,0 f=0,1 | "
    "i=1,1 f=0,1 | i=1,33 f=-3,1 | i=3,2,3,4 f=0,5 | i=2,5,9 f=0,1 | i=5,2,1,3,1,2 f=1,2 | i=3,4,0,2 f=0,1 | "
    "i=2,1,17 f=-1,1 | i=2,17,1 f=0,0.1 | i=3,1,1,1 f=-9,9"};

gm_tensor *gm_normal(gm_tape *t, int32_t ndim, const int64_t *shape, double mean, double stddev)
{
    gm__attr a;
    if (!gm__attr_shape(t, "normal", &a, ndim, shape)) return NULL;
    a.f[0] = mean;
    a.f[1] = stddev;
    return gm__apply(t, &gm__op_normal, NULL, 0, &a);
}
