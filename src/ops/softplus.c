/* softplus.c - y = ln(1+e^x); y' = sigmoid(x). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_sigmoid(t, n->in[0]));
}
GM__UNARY(softplus, GM__U_SOFTPLUS, GM__B_SOFTPLUS_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_softplus(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_softplus, x); }
