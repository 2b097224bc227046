/* asin.c - y = arcsin x; y' = 1/sqrt(1 - x*x). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_rsqrt(t, gm_affine(t, gm_square(t, n->in[0]), -1, 1)));
}
GM__UNARY_RARE(asin, GM__U_ASIN, GM__UNIT_SAMPLES)
