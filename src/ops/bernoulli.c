/* bernoulli.c - 1 with probability p, else 0; p itself or its logit. */
#include "ops/ops.h"

static gm_status infer(gm__call *c)
{
    if (c->in[0]->dtype != GM_F32) return gm__fail(c->err, GM_EDTYPE, "%s: input 0 is %s, f32 wanted", c->op->name, gm_dtype_name(c->in[0]->dtype));
    gm__out_shape(c, GM_F32, c->in[0]->ndim, c->in[0]->shape);
    return GM_OK;
}
static gm_status fill(gm__call *c, int kind)
{
    gm_tensor *p = gm__tape_contiguous(c->t, c->in[0]);
    if (!p) return gm__recorded(c->t);
    gm__tape_fill(c->t, kind, c->out, gm__f32(p), 0);
    return c->t->err.status;
}
static gm_status forward(gm__call *c) { return fill(c, GM__FILL_BERNOULLI); }
static gm_status forward_logits(gm__call *c) { return fill(c, GM__FILL_LOGITS); }

const gm__op gm__op_bernoulli = {"bernoulli", 1, GM__OP_RANDOM | GM__OP_NOGRAD, infer, forward, NULL, NULL,
    "7,17:u | .:u | 0,3:u | 5,9:us | 2,3,4:ut | 1:u | 17:u | 1,1:u | 3,1,7:u | 2,2,2,3:ut | 70,3:u | 129:us | "
    "1:u | 2,1,3,1,2:u | 17,7:uts | 33:us | 4,0,2:u | 1,1,1:ut | 3,1,5:us"};
const gm__op gm__op_bernoulli_logits = {"bernoulli_logits", 1, GM__OP_RANDOM | GM__OP_NOGRAD, infer, forward_logits, NULL, NULL,
    "7,17 | . | 0,3 | 5,9:s | 2,3,4:t | 1 | 17 | 1,1 | 3,1,7 | 2,2,2,3:t | 70,3 | 129:s"};

gm_tensor *gm_bernoulli(gm_tape *t, gm_tensor *p) { return gm__apply1(t, &gm__op_bernoulli, p); }
gm_tensor *gm_bernoulli_logits(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_bernoulli_logits, x); }
