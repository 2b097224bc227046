/* tanh.c - the hyperbolic tangent; y' = 1 - y*y. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_affine(t, gm_square(t, n->out), -1, 1));
}
GM__UNARY(tanh, GM__U_TANH, GM__B_TANH_G, n->out, GM__UNARY_SAMPLES)

gm_tensor *gm_tanh(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_tanh, x); }
