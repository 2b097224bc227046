/* sub.c - x - y. */
#include "ops/elementwise.h"

static gm_status forward(gm__call *c) { return gm__binary_forward(c, GM__B_SUB); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    if (want[0]) GM__TRY(gm__grad_give(t, n, 0, gy));
    if (want[1]) GM__TRY(gm__affine_grad(t, n, 1, gy, -1));
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = gm__sum_to(t, gy, n->in[0]);
    if (want[1]) gx[1] = gm_neg(t, gm__sum_to(t, gy, n->in[1]));
}
const gm__op gm__op_sub = {"sub", 2, GM__OP_EW, gm__infer_broadcast, forward, vjp, fused,
    "7,17 7,17 | . . | 7,17 17 | 7,1 1,17:t | 3,1,4 . | 0,3 3 | 2,3,4:t 3,1 | 5,9:s 5,9:t | "
    ". 7,17 | 2,1,3,1,2 3,4,1 | 1 1,1 | 4,0,2 2:s"};

gm_tensor *gm_sub(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm__apply2(t, &gm__op_sub, x, y); }
