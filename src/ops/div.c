/* div.c - x / y. */
#include "ops/elementwise.h"

static gm_status forward(gm__call *c) { return gm__binary_forward(c, GM__B_DIV); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    gm_tensor *g = NULL;
    if (want[0]) GM__TRY(gm__binary_grad(t, n, 0, gy, GM__B_DIV, n->in[1]));
    if (want[1]) { /* -gy * out / y */
        if (!(g = gm__tape_tensor(t, gy->dtype, gy->ndim, gy->shape))) return gm__recorded(t);
        gm__ew2(t->ctx, GM__B_MUL, g, gy, n->out, NULL, false);
        gm__ew2(t->ctx, GM__B_DIV, g, g, n->in[1], NULL, false);
        gm__ew1(t->ctx, GM__U_NEG, g, g, NULL, false);
        GM__TRY(gm__grad_give(t, n, 1, g));
    }
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *gx0 = gm_div(t, gy, n->in[1]);
    if (want[0]) gx[0] = gm__sum_to(t, gx0, n->in[0]);
    if (want[1]) gx[1] = gm_neg(t, gm__sum_to(t, gm_mul(t, gx0, n->out), n->in[1]));
}
const gm__op gm__op_div = {"div", 2, GM__OP_EW, gm__infer_broadcast, forward, vjp, fused,
    "7,17 7,17:p | . .:p | 7,17 17:p | 7,1 1,17:pt | 3,1,4 .:p | 0,3 3:p | 2,3,4:t 3,1:p | 5,9:s 5,9:pt | "
    ". 7,17:p | 2,1,3,1,2 3,4,1:p | 1 1,1:p | 4,0,2 2:ps"};

gm_tensor *gm_div(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm__apply2(t, &gm__op_div, x, y); }
