/* leaky_relu.c - y = x > 0 ? x : slope*x. attr.f[0]: slope. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm__piecewise(t, GM__PW_LRELU, gy, n->in[0], n->attr.f[0], 0);
}
GM__UNARY(leaky_relu, GM__U_LRELU, GM__B_LRELU_G, n->in[0], "7,17 f=0.2 | . f=0.1 | 0,3 f=0.2 | 1 f=-0.5 | 2,3,4:t f=0.01 | 5,9:s f=1.5 | "
    "2,1,3,1,2 f=0.2 | 1,1,1:t f=0.1 | 17,7:ts f=0.3 | 3,1,5:s f=-1 | 33 f=0 | 4,0,2:t f=0.2")

gm_tensor *gm_leaky_relu(gm_tape *t, gm_tensor *x, double negative) { return gm__apply_f(t, &gm__op_leaky_relu, x, negative, 0); }
