/* roll.c - elements moved along an axis, those that leave at one end enter at the other. attr.i: axis, shift. */
#include "ops/ops.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    if (gm__axis(c, c->attr->i[0], x->ndim) < 0) return GM_ESHAPE;
    gm__out_shape(c, x->dtype, x->ndim, x->shape);
    return GM_OK;
}
/* count elements from `from` on along the axis go to `to` */
static void move(gm__call *c, int axis, int64_t from, int64_t to, int64_t count)
{
    gm_tensor x = *c->in[0], y = *c->out;
    size_t es = gm__esize(y.dtype);
    if (count == 0) return;
    x.data += (size_t)(from * x.stride[axis]) * es;
    y.data += (size_t)(to * y.stride[axis]) * es;
    y.size = x.size = y.size / y.shape[axis] * count;
    x.shape[axis] = y.shape[axis] = count;
    x.contiguous = gm__is_contiguous(x.ndim, x.shape, x.stride);
    y.contiguous = gm__is_contiguous(y.ndim, y.shape, y.stride);
    gm__copy_values(c->ctx, &y, &x);
}
static gm_status forward(gm__call *c)
{
    int axis = gm__axis(c, c->attr->i[0], c->out->ndim);
    if (c->out->size == 0) return GM_OK;
    int64_t n = c->out->shape[axis], by = c->attr->i[1] % n;
    if (by < 0) by += n;
    move(c, axis, 0, by, n - by);
    move(c, axis, n - by, 0, by);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    int64_t size = gy->shape[n->attr.i[0] < 0 ? n->attr.i[0] + gy->ndim : n->attr.i[0]];
    GM__UNUSED(want);
    gx[0] = gm_roll(t, gy, size > 0 ? -(n->attr.i[1] % size) : 0, (int32_t)n->attr.i[0]);
}
const gm__op gm__op_roll = {"roll", 1, 0, infer, forward, vjp, NULL,
    "7,17 i=1,3 | 7,17 i=0,-2 | 17 i=0,100 | 1 i=-1,5 | 0,3 i=0,1 | 0,3 i=1,1 | 2,3,4:t i=-2,1 | 5,9:s i=1,-4 | 7,1 i=1,1 | 3,4 i=1,0 | 5,9:k7 i=0,2 | 2,1,3,2 i=3,-1"};

gm_tensor *gm_roll(gm_tape *t, gm_tensor *x, int64_t shift, int32_t axis)
{
    gm__attr a = {.i = {axis, shift}};
    return gm__apply(t, &gm__op_roll, &x, 1, &a);
}
