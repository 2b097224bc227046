/* gelu_tanh.c - y = x s, s = (1 + tanh(u/2))/2 = sigmoid(u), u = a (x + c x^3), a = sqrt(8/pi), c = 0.044715:
 * the form of GELU that GPT-2 uses; y' = s + x s (1 - s) u'. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    const double a = 1.59576912160573071176, c = 0.044715;
    gm_tensor *x = n->in[0], *xx = gm_square(t, x);
    gm_tensor *s = gm_sigmoid(t, gm_mul(t, x, gm_affine(t, xx, a * c, a)));
    gm_tensor *du = gm_affine(t, xx, 3 * a * c, a);
    return gm_mul(t, gy, gm_add(t, s, gm_mul(t, gm_mul(t, x, du), gm_mul(t, s, gm_affine(t, s, -1, 1)))));
}
GM__UNARY(gelu_tanh, GM__U_GELU_TANH, GM__B_GELU_TANH_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_gelu_tanh(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_gelu_tanh, x); }
