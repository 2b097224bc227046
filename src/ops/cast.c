/* cast.c - another element type. attr.i[0]: dtype. */
#include "ops/ops.h"

static gm_status infer(gm__call *c)
{
    if (c->attr->i[0] < GM_F32 || c->attr->i[0] > GM_BF16) return gm__fail(c->err, GM_EDTYPE, "cast: no type has number %lld", (long long)c->attr->i[0]);
    gm__out_shape(c, (int)c->attr->i[0], c->in[0]->ndim, c->in[0]->shape);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    gm__copy_values(c->ctx, c->out, c->in[0]);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0] && gm__is_float(n->out->dtype) && gm__is_float(n->in[0]->dtype)) gx[0] = gm_cast(t, gy, n->in[0]->dtype);
}
const gm__op gm__op_cast = {"cast", 1, GM__OP_EW, infer, forward, vjp, NULL, "7,17 i=1 | . i=1 | 0,3 i=1 | 2,3,4:b i=1 | 5,9:k7 i=1 | 5,9:K7 i=3 | 5,9 i=2 | 3,7 i=4 | "
    "2,1,3,1,2 i=1 | 17,7:ts i=1 | 4,0,2:k5 i=3 | 1,1,1:b i=2"};

gm_tensor *gm_cast(gm_tape *t, gm_tensor *x, int32_t dtype)
{
    gm__attr a = {.i = {dtype}};
    return gm__apply(t, &gm__op_cast, &x, 1, &a);
}
