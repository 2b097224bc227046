/* flip.c - elements in reverse order along axes. attr.i[0]: a bit for each axis. */
#include "ops/ops.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    GM__ASSERT(c->err, c->attr->i[0] >= 0 && c->attr->i[0] >> x->ndim == 0);
    gm__out_shape(c, x->dtype, x->ndim, x->shape);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    gm_tensor from = *c->in[0]; /* x, walked backward along the axes */
    if (from.size == 0) return GM_OK;
    for (int k = 0; k < from.ndim; k++) {
        if (!(c->attr->i[0] >> k & 1)) continue;
        from.data += (size_t)((from.shape[k] - 1) * from.stride[k]) * gm__esize(from.dtype);
        from.stride[k] = -from.stride[k];
    }
    from.contiguous = gm__is_contiguous(from.ndim, from.shape, from.stride);
    gm__copy_values(c->ctx, c->out, &from);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm__apply(t, &gm__op_flip, &gy, 1, &n->attr);
}
const gm__op gm__op_flip = {"flip", 1, 0, infer, forward, vjp, NULL,
    "7,17 i=1 | 7,17 i=2 | 7,17 i=3 | . i=0 | 0,3 i=2 | 2,3,4:t i=5 | 5,9:s i=2 | 1 i=1 | 2,1,3,2 i=15 | 17:k9 i=1 | 3,5:b i=2 | 2,3,4 i=0"};

gm_tensor *gm_flip(gm_tape *t, gm_tensor *x, int32_t n, const int32_t *axes)
{
    gm__attr a = {.i = {0}};
    if (!gm__tape_ok(t)) return NULL;
    if (n < 0 || (n > 0 && !axes)) return gm__tape_fail(t, GM_EARG, "flip: %d axes, or axes is NULL", (int)n);
    for (int i = 0; gm__is(x, GM__TENSOR) && i < n; i++) {
        if (axes[i] < -x->ndim || axes[i] >= x->ndim)
            return gm__tape_fail(t, GM_ESHAPE, "flip: axis %d is not in [-%d,%d)", (int)axes[i], x->ndim, x->ndim);
        int64_t bit = (int64_t)1 << (axes[i] < 0 ? axes[i] + x->ndim : axes[i]);
        if (a.i[0] & bit) return gm__tape_fail(t, GM_EARG, "flip: axis %d is named twice", (int)axes[i]);
        a.i[0] |= bit;
    }
    return gm__apply(t, &gm__op_flip, &x, 1, &a);
}
