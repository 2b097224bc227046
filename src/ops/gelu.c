/* gelu.c - y = x Phi(x), exact; y' = Phi(x) + x phi(x). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    const double half_root = 0.70710678118654752440, root_2pi = 0.39894228040143267794;
    gm_tensor *x = n->in[0];
    gm_tensor *cdf = gm_affine(t, gm_erf(t, gm__scale(t, x, half_root)), 0.5, 0.5);
    gm_tensor *pdf = gm__scale(t, gm_exp(t, gm__scale(t, gm_square(t, x), -0.5)), root_2pi);
    return gm_mul(t, gy, gm_add(t, cdf, gm_mul(t, x, pdf)));
}
GM__UNARY(gelu, GM__U_GELU, GM__B_GELU_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_gelu(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_gelu, x); }
