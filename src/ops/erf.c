/* erf.c - the error function; y' = 2/sqrt(pi) e^(-x*x). Used by gelu's gradient. */
#include "ops/unary.h"

static gm_status forward(gm__call *c) { return gm__unary_forward(c, GM__U_ERF); }
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    const double two_by_root_pi = 1.12837916709551257390;
    GM__UNUSED(want);
    gm_tensor *bell = gm_exp(t, gm_neg(t, gm_square(t, n->in[0])));
    gx[0] = gm_mul(t, gy, gm__scale(t, bell, two_by_root_pi));
}
const gm__op gm__op_erf = {"erf", 1, GM__OP_EW, gm__infer_same, forward, vjp, NULL, GM__UNARY_SAMPLES};

gm_tensor *gm_erf(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_erf, x); }
