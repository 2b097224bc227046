/* slice.c - every step-th element from start to stop along an axis, a view. attr.i: axis, start, stop, step. */
#include "ops/view.h"
#include "tape/diff.h"

#include <string.h>

static int64_t clamp_index(int64_t i, int64_t n)
{
    if (i < 0) i = i < -n ? 0 : i + n;
    return i > n ? n : i;
}

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    int axis = gm__axis(c, c->attr->i[0], x->ndim);
    int64_t step = c->attr->i[3];
    if (axis < 0) return GM_ESHAPE;
    if (step < 1) return gm__fail(c->err, GM_EARG, "slice: step %lld, 1 or more wanted", (long long)step);
    int64_t n = x->shape[axis], start = clamp_index(c->attr->i[1], n), stop = clamp_index(c->attr->i[2], n);
    int64_t count = stop > start ? (stop - start - 1) / step + 1 : 0;
    gm__view_all(c);
    c->out->shape[axis] = count;
    /* a step past the end is never taken; keeping it out avoids overflow */
    c->out->stride[axis] = count > 1 ? x->stride[axis] * step : x->stride[axis];
    if (count > 0) c->out->data = x->data + (size_t)(start * x->stride[axis]) * gm__esize(x->dtype);
    return GM_OK;
}
/* Into its place in the whole gradient: parts of one tensor, as of gm_split, fill it once instead of once each. */
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    bool add;
    gm_tensor *g = want[0] ? gm__grad_into(t, n, 0, &add) : NULL, part;
    if (!g) return want[0] ? gm__recorded(t) : GM_OK;
    int axis = (int)(n->attr.i[0] < 0 ? n->attr.i[0] + g->ndim : n->attr.i[0]);
    if (!add && g->size > 0) memset(g->data, 0, (size_t)g->size * gm__esize(g->dtype));
    if (gy->size == 0) return GM_OK;
    part = *g;
    part.shape[axis] = gy->shape[axis];
    part.size = gy->size;
    part.data += (size_t)(clamp_index(n->attr.i[1], g->shape[axis]) * g->stride[axis]) * gm__esize(g->dtype);
    if (gy->shape[axis] > 1) part.stride[axis] *= n->attr.i[3];
    part.contiguous = gm__is_contiguous(part.ndim, part.shape, part.stride);
    if (add) gm__gradient_sum(t->ctx, &part, gy, true);
    else gm__copy_values(t->ctx, &part, gy);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    const gm_tensor *x = n->in[0];
    int64_t axis = n->attr.i[0] < 0 ? n->attr.i[0] + x->ndim : n->attr.i[0];
    GM__UNUSED(want);
    gx[0] = gm__unslice(t, gy, axis, clamp_index(n->attr.i[1], x->shape[axis]), n->attr.i[3], x->shape[axis]);
}
const gm__op gm__op_slice = {"slice", 1, GM__OP_VIEW | GM__OP_PART, infer, NULL, vjp, fused,
    "7,17 i=1,3,11,1 | 7,17 i=0,1,7,3 | 2,3,4:t i=-1,-3,-1,1 | 5,9:s i=1,0,100,2 | 3 i=0,2,1,1 | 0,3 i=1,1,3,1 | 1 i=0,0,1,5 | "
    "2,1,3,1,2 i=2,0,3,2 | 17,7:ts i=0,2,16,5 | 33 i=0,-20,-3,4 | 4,0,2 i=0,1,3,1 | 1,1,1 i=-2,0,1,1"};

gm_tensor *gm_slice(gm_tape *t, gm_tensor *x, int32_t axis, int64_t start, int64_t stop, int64_t step)
{
    gm__attr a = {.i = {axis, start, stop, step}};
    return gm__apply(t, &gm__op_slice, &x, 1, &a);
}
