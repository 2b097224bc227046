/* hardswish.c - y = x min(max(x + 3, 0), 6)/6. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    gm_tensor *x = n->in[0], *gate = gm_hardsigmoid(t, x);
    gm_tensor *inner = gm__piecewise(t, GM__PW_CLAMP, gm__scale(t, x, 1.0 / 6), x, -3, 3);
    return gm_mul(t, gy, gm_add(t, gate, inner));
}
GM__UNARY(hardswish, GM__U_HARDSWISH, GM__B_HARDSWISH_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_hardswish(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_hardswish, x); }
