/* affine.c - y = a*x + b. attr.f: a, b. */
#include "ops/unary.h"

static gm_status forward(gm__call *c) { return gm__unary_forward(c, GM__U_AFFINE); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    GM__UNUSED(want);
    return gm__affine_grad(t, n, 0, gy, n->attr.f[0]);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm__scale(t, gy, n->attr.f[0]);
}
const gm__op gm__op_affine = {"affine", 1, GM__OP_EW, gm__infer_same, forward, vjp, fused,
    "7,17 f=2,-1 | . f=1,3 | 0,3 f=1,1 | 1 f=0,2 | 2,3,4:t f=-0.5,0 | 5,9:s f=3,0.5 | "
    "2,1,3,1,2 f=2,0 | 1,1,1:t f=-1,1 | 17,7:ts f=0.5,-3 | 3,1,5:s f=1,0 | 33 f=-2,-2 | 4,0,2:t f=1,1"};

gm_tensor *gm_affine(gm_tape *t, gm_tensor *x, double a, double b) { return gm__apply_f(t, &gm__op_affine, x, a, b); }
