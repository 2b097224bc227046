/* elu.c - y = x > 0 ? x : alpha(e^x - 1). attr.f[0]: alpha. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    gm_tensor *x = n->in[0], *zero = gm__number(t, x, 0);
    gm_tensor *low = gm_mul(t, gy, gm_affine(t, n->out, 1, n->attr.f[0])); /* alpha e^x = y + alpha there */
    return gm_where(t, gm_gt(t, x, zero), gy, low);
}
GM__UNARY(elu, GM__U_ELU, GM__B_ELU_G, n->in[0], "7,17 f=1 | . f=0.5 | 0,3 f=1 | 1 f=1 | 2,3,4:t f=2 | 5,9:s f=1 | "
    "2,1,3,1,2 f=1 | 1,1,1:t f=0.5 | 17,7:ts f=2 | 3,1,5:s f=1 | 33 f=1.5 | 4,0,2:t f=1")

gm_tensor *gm_elu(gm_tape *t, gm_tensor *x, double alpha) { return gm__apply_f(t, &gm__op_elu, x, alpha, 0); }
