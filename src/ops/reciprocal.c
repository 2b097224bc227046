/* reciprocal.c - y = 1/x. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_neg(t, gm_mul(t, gy, gm_square(t, n->out)));
}
GM__UNARY(reciprocal, GM__U_RECIP, GM__B_RECIP_G, n->out, GM__POSITIVE_SAMPLES)

gm_tensor *gm_reciprocal(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_reciprocal, x); }
