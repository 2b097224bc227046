/* diag.c - matrices of zeros but for one diagonal: the transpose of diagonal.c. attr.i: columns to the right of the main one, rows, columns. */
#include "ops/ops.h"

#include <string.h>

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    const int64_t *i = c->attr->i;
    int nd = x->ndim + 1;
    char a[128];
    if (x->ndim < 1 || nd > GM_MAX_DIMS) return gm__fail(c->err, GM_ESHAPE, "diag: x has shape %s, vectors wanted", gm__shape_text(a, x->ndim, x->shape));
    GM__ASSERT(c->err, i[1] >= 0 && i[2] >= 0);
    gm__out_shape(c, x->dtype, x->ndim, x->shape);
    c->out->ndim = (int8_t)nd;
    c->out->shape[nd - 2] = i[1];
    c->out->shape[nd - 1] = i[2];
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    gm_tensor part = *c->out; /* the diagonal */
    const gm_tensor *x = c->in[0];
    int nd = x->ndim;
    int64_t d = c->attr->i[0], cols = c->attr->i[2];
    memset(part.data, 0, (size_t)part.size * gm__esize(part.dtype));
    if (x->size == 0) return GM_OK;
    part.ndim = (int8_t)nd;
    part.shape[nd - 1] = x->shape[nd - 1];
    part.stride[nd - 1] = cols + 1;
    part.data += (size_t)(d < 0 ? -d * cols : d) * gm__esize(part.dtype);
    part.size = x->size;
    part.contiguous = gm__is_contiguous(nd, part.shape, part.stride);
    gm__copy_values(c->ctx, &part, x);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm_diagonal(t, gy, n->attr.i[0]);
}
const gm__op gm__op_diag = {"diag", 1, 0, infer, forward, vjp, NULL,
    "7 i=0,7,7 | 17 i=2,19,19 | 7 i=-3,10,10 | 2,3:t i=0,3,5 | 5,9:s i=1,9,10 | 0 i=0,0,0 | 0 i=2,2,2 | 1 i=0,1,1 | 2,1,4 i=-1,5,4 | 2,0 i=0,0,3 | 3:k7 i=0,3,3 | 4 i=0,4,9"};

gm_tensor *gm__diag(gm_tape *t, gm_tensor *x, int64_t offset, int64_t rows, int64_t cols)
{
    gm__attr a = {.i = {offset, rows, cols}};
    return gm__apply(t, &gm__op_diag, &x, 1, &a);
}
gm_tensor *gm_diag(gm_tape *t, gm_tensor *x, int64_t offset)
{
    int64_t n = 0;
    if (!gm__tape_ok(t)) return NULL;
    if (offset < -INT32_MAX || offset > INT32_MAX) return gm__tape_fail(t, GM_ESHAPE, "diag: offset %lld is too large", (long long)offset);
    if (gm__is(x, GM__TENSOR) && x->ndim > 0) n = x->shape[x->ndim - 1] + (offset < 0 ? -offset : offset);
    return gm__diag(t, x, offset, n, n);
}
gm_tensor *gm_eye(gm_tape *t, int32_t dtype, int64_t rows, int64_t cols)
{
    if (!gm__tape_ok(t)) return NULL;
    if (rows < 0 || cols < 0) return gm__tape_fail(t, GM_ESHAPE, "eye: %lld x %lld", (long long)rows, (long long)cols);
    return gm__diag(t, gm_full(t, dtype, 1, rows < cols ? &rows : &cols, 1), 0, rows, cols);
}
