/* silu.c - y = x sigmoid(x); y' = s + y(1-s). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    gm_tensor *s = gm_sigmoid(t, n->in[0]);
    return gm_mul(t, gy, gm_add(t, s, gm_mul(t, n->out, gm_affine(t, s, -1, 1))));
}
GM__UNARY(silu, GM__U_SILU, GM__B_SILU_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_silu(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_silu, x); }
