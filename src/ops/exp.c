/* exp.c - y = e^x. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, n->out);
}
GM__UNARY(exp, GM__U_EXP, GM__B_EXP_G, n->out, GM__UNARY_SAMPLES)

gm_tensor *gm_exp(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_exp, x); }
