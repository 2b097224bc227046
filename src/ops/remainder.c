/* remainder.c - the rest of x/y rounded down: it has the sign of y. The slope in y is -floor(x/y). */
#include "ops/elementwise.h"

static gm_status forward(gm__call *c) { return gm__binary_forward(c, GM__B_REMAINDER); }
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *x = n->in[0], *y = n->in[1];
    if (want[0]) gx[0] = gm__sum_to(t, gy, x);
    if (want[1]) gx[1] = gm__sum_to(t, gm_neg(t, gm_mul(t, gy, gm_floor(t, gm_div(t, x, y)))), y);
}
const gm__op gm__op_remainder = {"remainder", 2, GM__OP_EW, gm__infer_broadcast, forward, vjp, NULL,
    "7,17 7,17:p | . .:p | 7,17 17:p | 7,1 1,17:pt | 3,1,4 .:p | 0,3 3:p | 2,3,4:t 3,1:p | 5,9:s 5,9:pt | . 7,17:p | 2,1,3,1,2 3,4,1:p | 1 1,1:p | 4,0,2 2:ps"};

gm_tensor *gm_remainder(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm__apply2(t, &gm__op_remainder, x, y); }
