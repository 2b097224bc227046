/* mish.c - y = x h, h = tanh(log(1 + e^x)); y' = h + x sigmoid(x) (1 - h*h). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    gm_tensor *x = n->in[0], *h = gm_tanh(t, gm_softplus(t, x));
    gm_tensor *dh = gm_mul(t, gm_sigmoid(t, x), gm_affine(t, gm_square(t, h), -1, 1));
    return gm_mul(t, gy, gm_add(t, h, gm_mul(t, x, dh)));
}
GM__UNARY(mish, GM__U_MISH, GM__B_MISH_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_mish(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_mish, x); }
