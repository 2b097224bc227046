/* log1p.c - y = log(1 + x), exact near 0; y' = 1/(1 + x). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_div(t, gy, gm_affine(t, n->in[0], 1, 1));
}
GM__UNARY_RARE(log1p, GM__U_LOG1P, GM__POSITIVE_SAMPLES)
