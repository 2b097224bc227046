/* dropout.c - each element 0 with probability p, else x/(1-p). attr.f[0]: p. Outside training gm_dropout is a view of x. */
#include "ops/random.h"

static gm_status forward(gm__call *c)
{
    gm_tensor *mask = gm__draw_like(c->t, GM__FILL_DROPOUT, c->in[0], (float)(1 - c->attr->f[0]));
    if (!mask) return gm__recorded(c->t);
    gm__ew2(c->ctx, GM__B_MUL, c->out, c->in[0], mask, NULL, false);
    if (c->node) c->node->saved[0] = mask;
    return GM_OK;
}
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    GM__UNUSED(want);
    return gm__binary_grad(t, n, 0, gy, GM__B_MUL, n->saved[0]);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm_mul(t, gy, n->saved[0]);
}
const gm__op gm__op_dropout = {"dropout", 1, GM__OP_RANDOM | GM__OP_EW, gm__infer_same, forward, vjp, fused,
    "7,17 f=0.5 | . f=0.1 | 0,3 f=0.5 | 1 f=0.9 | 2,3,4:t f=0.2 | 5,9:s f=0.3 | "
    "2,1,3,1,2 f=0.5 | 1,1,1:t f=0.1 | 17,7:ts f=0.3 | 3,1,5:s f=0.9 | 33 f=0.25 | 4,0,2:t f=0.5"};

gm_tensor *gm_dropout(gm_tape *t, gm_tensor *x, double p)
{
    gm__attr a = {.f = {p}};
    if (!gm__tape_ok(t)) return NULL;
    if (!(p >= 0 && p < 1)) return gm__tape_fail(t, GM_EARG, "dropout: p %g is not in [0,1)", p);
    if (p == 0 || !t->training) return gm__alias(t, x);
    return gm__apply(t, &gm__op_dropout, &x, 1, &a);
}
