/* cos.c - y = cos x. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_neg(t, gm_mul(t, gy, gm_sin(t, n->in[0])));
}
GM__UNARY(cos, GM__U_COS, GM__B_COS_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_cos(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_cos, x); }
