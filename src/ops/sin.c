/* sin.c - y = sin x. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_cos(t, n->in[0]));
}
GM__UNARY(sin, GM__U_SIN, GM__B_SIN_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_sin(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_sin, x); }
