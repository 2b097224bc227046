/* sinh.c - y = sinh x; y' = cosh x. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_cosh(t, n->in[0]));
}
GM__UNARY_RARE(sinh, GM__U_SINH, GM__UNARY_SAMPLES)
