/* rows.c - what softmax and log_softmax share. */
#include "ops/rows.h"

gm_status gm__rows_infer(gm__call *c)
{
    GM__TRY(gm__infer_same(c));
    return c->out->ndim > 0 ? GM_OK : gm__fail(c->err, GM_ESHAPE, "%s: a number has no axis", c->op->name);
}

static void run(gm_ctx *ctx, const gm_tensor *y, gm__range_fn *fn, gm__rows_job *j)
{
    j->ctx = ctx;
    j->f64 = gm__f64_of(y);
    j->n = (size_t)y->shape[y->ndim - 1];
    if (y->size > 0) gm__ranges(ctx, (size_t)y->size / j->n, j->n, fn, j);
}

gm_status gm__rows_forward(gm__call *c, gm__range_fn *fn)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    gm__rows_job j = {.y = c->out->data, .x = x->data};
    run(c->ctx, c->out, fn, &j);
    return GM_OK;
}

gm_status gm__rows_grad(gm_tape *t, const gm__node *n, gm_tensor *gy, gm__range_fn *fn)
{
    gm_tensor *g = gm__grad_tmp(t, n, 0);
    if (!g) return gm__recorded(t);
    gm__rows_job j = {.y = g->data, .x = n->out->data, .g = gy->data};
    run(t->ctx, g, fn, &j);
    return gm__grad_give(t, n, 0, g);
}

gm_tensor *gm__rows_axis(gm_tape *t, const gm__op *op, gm_tensor *x, int32_t axis)
{
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR) || axis == -1 || axis == x->ndim - 1) return gm__apply1(t, op, x);
    if (axis < -x->ndim || axis >= x->ndim)
        return gm__tape_fail(t, GM_ESHAPE, "%s: axis %d is not in [-%d,%d)", op->name, (int)axis, (int)x->ndim, (int)x->ndim);
    return gm_transpose(t, gm__apply1(t, op, gm_transpose(t, x, axis, -1)), axis, -1);
}
