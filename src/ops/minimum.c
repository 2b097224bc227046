/* minimum.c - the smaller of x and y; the gradient is halved where they are equal. */
#include "ops/elementwise.h"

static gm_status forward(gm__call *c) { return gm__binary_forward(c, GM__B_MIN); }
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *x = n->in[0], *y = n->in[1];
    gm_tensor *zero = gm__number(t, gy, 0);
    gm_tensor *tie = gm_where(t, gm_eq(t, x, y), gm__scale(t, gy, 0.5), zero);
    if (want[0]) gx[0] = gm__sum_to(t, gm_where(t, gm_lt(t, x, y), gy, tie), x);
    if (want[1]) gx[1] = gm__sum_to(t, gm_where(t, gm_lt(t, y, x), gy, tie), y);
}
const gm__op gm__op_minimum = {"minimum", 2, GM__OP_EW, gm__infer_broadcast, forward, vjp, NULL,
    "7,17 7,17 | . . | 7,17 17 | 7,1 1,17:t | 3,1,4 . | 0,3 3 | 2,3,4:t 3,1 | 5,9:s 5,9:t | "
    ". 7,17 | 2,1,3,1,2 3,4,1 | 1 1,1 | 4,0,2 2:s"};

gm_tensor *gm_minimum(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm__apply2(t, &gm__op_minimum, x, y); }
