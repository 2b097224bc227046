/* min.c - the smallest value over an axis or all; the gradient is shared among equals. attr.i: axis, keep. */
#include "ops/reduce.h"

static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    gm__extreme_axes(c->ctx, gm__f64_of(x), gm__axes_of(x, c->attr->i[0]), c->out->data, x->data, true);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm__extreme_vjp(t, n, gy);
}
const gm__op gm__op_min = {"min", 1, 0, gm__infer_reduce_some, forward, vjp, NULL,
    "7,17 i=1,0 | 7,17 i=0,1 | 2,3,4:t i=1,0 | . i=127,0 | 3,5 i=127,0 | 3,5 i=127,1 | 5,9:s i=-1,1 | 1 i=0,0 | 2,0,3 i=0,0 | "
    "2,1,3,1,2 i=-3,0 | 17,7:ts i=0,1 | 1,1,1 i=127,1"};

gm_tensor *gm_min(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep) { return gm__reduce(t, &gm__op_min, x, axis, keep); }
