/* diagonal.c - a diagonal of matrices, a view. attr.i[0]: columns to the right of the main one. */
#include "ops/view.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    char a[128];
    int nd = x->ndim - 1;
    if (nd < 1) return gm__fail(c->err, GM_ESHAPE, "diagonal: x has shape %s, matrices wanted", gm__shape_text(a, x->ndim, x->shape));
    int64_t rows = x->shape[nd - 1], cols = x->shape[nd], d = c->attr->i[0];
    if (d < -rows || d > cols)
        return gm__fail(c->err, GM_ESHAPE, "diagonal: %s has no diagonal %lld", gm__shape_text(a, x->ndim, x->shape), (long long)d);
    int64_t row = d < 0 ? -d : 0, col = d > 0 ? d : 0, n = rows - row < cols - col ? rows - row : cols - col;
    gm__out_shape(c, x->dtype, nd, x->shape);
    for (int i = 0; i < nd - 1; i++) c->out->stride[i] = x->stride[i];
    c->out->shape[nd - 1] = n;
    c->out->stride[nd - 1] = x->stride[nd - 1] + x->stride[nd];
    c->out->data = x->data;
    if (n > 0) c->out->data += (size_t)(row * x->stride[nd - 1] + col * x->stride[nd]) * gm__esize(x->dtype);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    const gm_tensor *x = n->in[0];
    GM__UNUSED(want);
    gx[0] = gm__diag(t, gy, n->attr.i[0], x->shape[x->ndim - 2], x->shape[x->ndim - 1]);
}
const gm__op gm__op_diagonal = {"diagonal", 1, GM__OP_VIEW, infer, NULL, vjp, NULL,
    "7,17 i=0 | 17,7 i=0 | 7,17 i=3 | 7,17 i=-2 | 7,7 i=7 | 7,7 i=-7 | 0,3 i=0 | 2,4,4:t i=1 | 5,9:s i=-1 | 1,1 i=0 | 2,3,4,3 i=-1 | 3,0 i=0 | 2,5:t i=4"};

gm_tensor *gm_diagonal(gm_tape *t, gm_tensor *x, int64_t offset)
{
    gm__attr a = {.i = {offset}};
    return gm__apply(t, &gm__op_diagonal, &x, 1, &a);
}
