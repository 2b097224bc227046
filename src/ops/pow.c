/* pow.c - x^y. The slope in x at y = 0 is 0 even where x is 0. */
#include "ops/elementwise.h"

static gm_status forward(gm__call *c) { return gm__binary_forward(c, GM__B_POW); }
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *x = n->in[0], *y = n->in[1], *zero = gm__number(t, x, 0);
    if (want[0]) {
        gm_tensor *slope = gm_mul(t, y, gm_pow(t, x, gm_affine(t, y, 1, -1)));
        gx[0] = gm__sum_to(t, gm_mul(t, gy, gm_where(t, gm_eq(t, y, zero), zero, slope)), x);
    }
    if (want[1]) gx[1] = gm__sum_to(t, gm_mul(t, gy, gm_mul(t, n->out, gm_log(t, x))), y);
}
const gm__op gm__op_pow = {"pow", 2, GM__OP_EW, gm__infer_broadcast, forward, vjp, NULL,
    "7,17:p 7,17:p | .:p .:p | 7,17:p 17:p | 7,1:p 1,17:pt | 3,1,4:p .:p | 0,3:p 3:p | 2,3,4:pt 3,1:p | 5,9:ps 5,9:pt | "
    ".:p 7,17:p | 2,1,3,1,2:p 3,4,1:p | 1:p 1,1:p | 4,0,2:p 2:ps"};

gm_tensor *gm_pow(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm__apply2(t, &gm__op_pow, x, y); }
