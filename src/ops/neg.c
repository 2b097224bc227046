/* neg.c - y = -x. */
#include "ops/unary.h"

static gm_status forward(gm__call *c) { return gm__unary_forward(c, GM__U_NEG); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    GM__UNUSED(want);
    return gm__affine_grad(t, n, 0, gy, -1);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(n);
    GM__UNUSED(want);
    gx[0] = gm_neg(t, gy);
}
const gm__op gm__op_neg = {"neg", 1, GM__OP_EW, gm__infer_same, forward, vjp, fused, GM__UNARY_SAMPLES};

gm_tensor *gm_neg(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_neg, x); }
