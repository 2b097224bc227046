/* sum.c - sums over an axis or all. attr.i: axis, keep. */
#include "ops/reduce.h"

static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    gm__sum_axes(c->ctx, gm__f64_of(x), gm__axes_of(x, c->attr->i[0]), c->out->data, x->data);
    return GM_OK;
}
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    bool add;
    gm_tensor view, *g = gm__grad_into(t, n, 0, &add);
    GM__UNUSED(want);
    if (!g) return gm__recorded(t);
    gm__unreduced_view(n, gy, &view);
    gm__ew1(t->ctx, GM__U_COPY, g, &view, NULL, add);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm_expand(t, gm__unreduced(t, n, gy), n->in[0]->ndim, n->in[0]->shape);
}
const gm__op gm__op_sum = {"sum", 1, 0, gm__infer_reduce, forward, vjp, fused, GM__REDUCE_SAMPLES " | 0 i=127,0"};

gm_tensor *gm_sum(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep) { return gm__reduce(t, &gm__op_sum, x, axis, keep); }
