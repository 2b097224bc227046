/* unslice.c - zeros, but for g at start, start+step, .. along an axis: what gm_slice's gradient is.
 * attr.i: axis, start, step, size of the axis. */
#include "ops/ops.h"

#include <string.h>

static gm_status infer(gm__call *c)
{
    const gm_tensor *g = c->in[0];
    const int64_t *i = c->attr->i;
    GM__TRY(gm__infer_same(c));
    GM__ASSERT(c->err, i[0] >= 0 && i[0] < g->ndim && i[1] >= 0 && i[2] >= 1);
    GM__ASSERT(c->err, g->shape[i[0]] == 0 || (i[1] < i[3] && (g->shape[i[0]] - 1) <= (i[3] - 1 - i[1]) / i[2]));
    c->out->shape[i[0]] = i[3];
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    const int64_t *i = c->attr->i;
    gm_tensor part = *c->out; /* the places that g fills */
    memset(c->out->data, 0, (size_t)c->out->size * gm__esize(c->out->dtype));
    if (c->in[0]->size == 0) return GM_OK;
    part.shape[i[0]] = c->in[0]->shape[i[0]];
    part.data += (size_t)(i[1] * part.stride[i[0]]) * gm__esize(part.dtype);
    part.stride[i[0]] *= i[2];
    part.size = c->in[0]->size;
    part.contiguous = gm__is_contiguous(part.ndim, part.shape, part.stride);
    gm__copy_values(c->ctx, &part, c->in[0]);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    const int64_t *i = n->attr.i;
    int64_t count = n->in[0]->shape[i[0]];
    GM__UNUSED(want);
    gx[0] = gm_slice(t, gy, (int32_t)i[0], i[1], count ? i[1] + (count - 1) * i[2] + 1 : i[1], i[2]);
}
const gm__op gm__op_unslice = {"unslice", 1, 0, infer, forward, vjp, NULL,
    "7,8 i=1,3,1,17 | 2,17 i=0,1,3,7 | 2,3,2:t i=2,1,1,4 | 5,5:s i=1,0,2,9 | 0 i=0,2,1,3 | 0,2 i=1,1,1,3 | "
    "2,1,3,1,2 i=2,0,2,6 | 4,7:ts i=0,1,5,17 | 9 i=0,2,3,30 | 1,1,1 i=1,0,1,1 | 4,0,2 i=1,0,1,3 | 3,2:s i=1,4,1,6"};

gm_tensor *gm__unslice(gm_tape *t, gm_tensor *g, int64_t axis, int64_t start, int64_t step, int64_t n)
{
    gm__attr a = {.i = {axis, start, step, n}};
    return gm__apply(t, &gm__op_unslice, &g, 1, &a);
}
