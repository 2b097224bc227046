/* expm1.c - y = e^x - 1, exact near 0; y' = y + 1. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_affine(t, n->out, 1, 1));
}
GM__UNARY_RARE(expm1, GM__U_EXPM1, GM__UNARY_SAMPLES)
