/* categorical.c - one index a row from softmax(logits), by the Gumbel-max trick:
 * the largest of logits - log(-log u) falls on i with probability softmax_i. */
#include "ops/elementwise.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    char text[128];
    if (x->dtype != GM_F32) return gm__fail(c->err, GM_EDTYPE, "categorical: logits are %s, f32 wanted", gm_dtype_name(x->dtype));
    if (x->ndim < 1 || x->shape[x->ndim - 1] < 1)
        return gm__fail(c->err, GM_ESHAPE, "categorical: nothing to choose from: shape %s", gm__shape_text(text, x->ndim, x->shape));
    gm__out_shape(c, GM_I64, x->ndim - 1, x->shape);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    gm_tensor *u = gm__tape_tensor(c->t, GM_F32, x->ndim, x->shape);
    if (!u) return gm__recorded(c->t);
    gm__tape_fill(c->t, GM__FILL_UNIFORM, u, NULL, 0);
    if (c->t->err.status) return c->t->err.status;
    gm__ew1(c->ctx, GM__U_LOG, u, u, NULL, false);
    gm__ew1(c->ctx, GM__U_NEG, u, u, NULL, false);
    gm__ew1(c->ctx, GM__U_LOG, u, u, NULL, false);
    gm__ew2(c->ctx, GM__B_SUB, u, x, u, NULL, false);
    size_t n = (size_t)x->shape[x->ndim - 1];
    int64_t *y = (int64_t *)(void *)c->out->data;
    for (size_t r = 0; r < (size_t)c->out->size; r++) {
        const float *row = gm__f32(u) + r * n;
        size_t best = 0;
        for (size_t i = 1; i < n; i++)
            if (row[i] > row[best]) best = i;
        y[r] = (int64_t)best;
    }
    return GM_OK;
}
const gm__op gm__op_categorical = {"categorical", 1, GM__OP_RANDOM | GM__OP_NOGRAD, infer, forward, NULL, NULL, "7,5 | 3 | 0,3 | 2,3,4:t | 5,9:s | 4,1 | "
    "2,1,3,1,2 | 17,7:ts | 33:s | 4,0,2 | 1,1,1 | 3,1,5:s"};

gm_tensor *gm_categorical(gm_tape *t, gm_tensor *logits) { return gm__apply1(t, &gm__op_categorical, logits); }
