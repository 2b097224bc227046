/* asinh.c - y = arsinh x; y' = 1/sqrt(x*x + 1). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_rsqrt(t, gm_affine(t, gm_square(t, n->in[0]), 1, 1)));
}
GM__UNARY_RARE(asinh, GM__U_ASINH, GM__UNARY_SAMPLES)
