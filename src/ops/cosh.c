/* cosh.c - y = cosh x; y' = sinh x. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_sinh(t, n->in[0]));
}
GM__UNARY_RARE(cosh, GM__U_COSH, GM__UNARY_SAMPLES)
