/* sigmoid.c - y = 1/(1+e^-x); y' = y(1-y). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_mul(t, n->out, gm_affine(t, n->out, -1, 1)));
}
GM__UNARY(sigmoid, GM__U_SIGMOID, GM__B_SIGMOID_G, n->out, GM__UNARY_SAMPLES)

gm_tensor *gm_sigmoid(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_sigmoid, x); }
