/* abs.c - y = |x|. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm__piecewise(t, GM__PW_ABS, gy, n->in[0], 0, 0);
}
GM__UNARY(abs, GM__U_ABS, GM__B_ABS_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_abs(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_abs, x); }
