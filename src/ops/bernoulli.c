/* bernoulli.c - 1 with probability p, else 0. */
#include "ops/ops.h"

static gm_status infer(gm__call *c)
{
    if (c->in[0]->dtype != GM_F32) return gm__fail(c->err, GM_EDTYPE, "bernoulli: p is %s, f32 wanted", gm_dtype_name(c->in[0]->dtype));
    gm__out_shape(c, GM_F32, c->in[0]->ndim, c->in[0]->shape);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    gm_tensor *p = gm__tape_contiguous(c->t, c->in[0]);
    if (!p) return gm__recorded(c->t);
    gm__tape_fill(c->t, GM__FILL_BERNOULLI, c->out, gm__f32(p), 0);
    return c->t->err.status;
}
const gm__op gm__op_bernoulli = {"bernoulli", 1, GM__OP_RANDOM | GM__OP_NOGRAD, infer, forward, NULL, NULL, "7,17:u | .:u | 0,3:u | 5,9:us | 2,3,4:ut"};

gm_tensor *gm_bernoulli(gm_tape *t, gm_tensor *p) { return gm__apply1(t, &gm__op_bernoulli, p); }
