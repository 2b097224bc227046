/* relu.c - y = max(x, 0). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm__piecewise(t, GM__PW_RELU, gy, n->in[0], 0, 0);
}
GM__UNARY(relu, GM__U_RELU, GM__B_RELU_G, n->out, GM__UNARY_SAMPLES)

gm_tensor *gm_relu(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_relu, x); }
