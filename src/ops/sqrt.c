/* sqrt.c - y = sqrt x. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm__scale(t, gm_div(t, gy, n->out), 0.5);
}
GM__UNARY(sqrt, GM__U_SQRT, GM__B_SQRT_G, n->out, GM__POSITIVE_SAMPLES)

gm_tensor *gm_sqrt(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_sqrt, x); }
