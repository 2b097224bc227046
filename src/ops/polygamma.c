/* polygamma.c - derivatives of log Gamma: order 0 is digamma, each one's slope is the next. attr.f[0]: the order. */
#include "ops/unary.h"

static gm_tensor *polygamma(gm_tape *t, int order, gm_tensor *x) { return gm__apply_f(t, &gm__op_polygamma, x, order, 0); }

static gm_status forward(gm__call *c) { return gm__unary_forward(c, GM__U_POLYGAMMA); }
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm_mul(t, gy, polygamma(t, (int)n->attr.f[0] + 1, n->in[0]));
}
const gm__op gm__op_polygamma = {"polygamma", 1, GM__OP_EW, gm__infer_same, forward, vjp, NULL,
    "7,17:p f=0 | .:p f=1 | 0,3:p f=0 | 1:p f=2 | 2,3,4:pt f=0 | 5,9:ps f=1 | 2,1,3,1,2:p f=2 | 1,1,1:pt f=3 | 17,7:pts f=0 | 3,1,5:ps f=1 | 33:p f=0 | 4,0,2:pt f=1"};

gm_tensor *gm_digamma(gm_tape *t, gm_tensor *x) { return polygamma(t, 0, x); }
