/* square.c - y = x*x. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm__scale(t, gm_mul(t, gy, n->in[0]), 2);
}
GM__UNARY(square, GM__U_SQUARE, GM__B_SQUARE_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_square(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_square, x); }
