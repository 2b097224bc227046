/* mul.c - x * y. */
#include "ops/elementwise.h"

static gm_status forward(gm__call *c) { return gm__binary_forward(c, GM__B_MUL); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    for (int i = 0; i < 2; i++)
        if (want[i]) GM__TRY(gm__binary_grad(t, n, i, gy, GM__B_MUL, n->in[1 - i]));
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    for (int i = 0; i < 2; i++)
        if (want[i]) gx[i] = gm__sum_to(t, gm_mul(t, gy, n->in[1 - i]), n->in[i]);
}
const gm__op gm__op_mul = {"mul", 2, GM__OP_EW, gm__infer_broadcast, forward, vjp, fused,
    "7,17 7,17 | . . | 7,17 17 | 7,1 1,17:t | 3,1,4 . | 0,3 3 | 2,3,4:t 3,1 | 5,9:s 5,9:t | "
    ". 7,17 | 2,1,3,1,2 3,4,1 | 1 1,1 | 4,0,2 2:s"};

gm_tensor *gm_mul(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm__apply2(t, &gm__op_mul, x, y); }
