/* tan.c - y = tan x; y' = 1 + y*y. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_affine(t, gm_square(t, n->out), 1, 1));
}
GM__UNARY_RARE(tan, GM__U_TAN, GM__UNIT_SAMPLES)
