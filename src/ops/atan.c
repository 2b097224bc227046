/* atan.c - y = arctan x; y' = 1/(1 + x*x). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_div(t, gy, gm_affine(t, gm_square(t, n->in[0]), 1, 1));
}
GM__UNARY_RARE(atan, GM__U_ATAN, GM__UNARY_SAMPLES)
