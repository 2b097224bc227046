/* atan2.c - the angle of the point (y, x), in [-pi, pi]; its slope is (x, -y)/(x*x + y*y). */
#include "ops/elementwise.h"

static gm_status forward(gm__call *c) { return gm__binary_forward(c, GM__B_ATAN2); }
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *y = n->in[0], *x = n->in[1], *g = gm_div(t, gy, gm_add(t, gm_square(t, y), gm_square(t, x)));
    if (want[0]) gx[0] = gm__sum_to(t, gm_mul(t, g, x), y);
    if (want[1]) gx[1] = gm__sum_to(t, gm_neg(t, gm_mul(t, g, y)), x);
}
const gm__op gm__op_atan2 = {"atan2", 2, GM__OP_EW, gm__infer_broadcast, forward, vjp, NULL, GM__BINARY_SAMPLES};

gm_tensor *gm_atan2(gm_tape *t, gm_tensor *y, gm_tensor *x) { return gm__apply2(t, &gm__op_atan2, y, x); }
