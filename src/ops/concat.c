/* concat.c - joins tensors along an axis. attr.i[0]: axis. */
#include "ops/ops.h"

static gm_status infer(gm__call *c)
{
    char a[128], b[128];
    if (c->nin < 1) return gm__fail(c->err, GM_EARG, "concat: nothing to join");
    const gm_tensor *x = c->in[0];
    int axis = gm__axis(c, c->attr->i[0], x->ndim);
    if (axis < 0) return GM_ESHAPE;
    gm__out_shape(c, x->dtype, x->ndim, x->shape);
    for (int i = 1; i < c->nin; i++) {
        const gm_tensor *y = c->in[i];
        bool ok = y->ndim == x->ndim;
        if (y->dtype != x->dtype) return gm__fail(c->err, GM_EDTYPE, "concat: types differ: %s and %s", gm_dtype_name(x->dtype), gm_dtype_name(y->dtype));
        for (int k = 0; ok && k < x->ndim; k++) ok = k == axis || y->shape[k] == x->shape[k];
        if (!ok || __builtin_add_overflow(c->out->shape[axis], y->shape[axis], &c->out->shape[axis]))
            return gm__fail(c->err, GM_ESHAPE, "concat: %s and %s do not join along axis %d", gm__shape_text(a, x->ndim, x->shape),
                            gm__shape_text(b, y->ndim, y->shape), axis);
    }
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    gm_tensor *y = c->out;
    int axis = gm__axis(c, c->attr->i[0], y->ndim);
    gm_tensor part = *y; /* the place of one input */
    for (int i = 0; i < c->nin; i++) {
        const gm_tensor *x = c->in[i];
        part.shape[axis] = x->shape[axis];
        part.size = x->size;
        part.contiguous = gm__is_contiguous(part.ndim, part.shape, part.stride);
        if (x->size > 0) gm__copy_values(c->ctx, &part, x);
        part.data += (size_t)(x->shape[axis] * part.stride[axis]) * gm__esize(y->dtype);
    }
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    int64_t axis = n->attr.i[0] < 0 ? n->attr.i[0] + gy->ndim : n->attr.i[0], at = 0;
    for (int i = 0; i < n->nin; i++) {
        int64_t size = n->in[i]->shape[axis];
        if (want[i]) gx[i] = gm_slice(t, gy, (int32_t)axis, at, at + size, 1);
        at += size;
    }
}
const gm__op gm__op_concat = {"concat", -1, 0, infer, forward, vjp, NULL,
    "7,17 7,1 7,3 i=1 | 2,3 4,3 i=0 | 3 i=0 | 0,3 2,3 i=-2 | 2,3,4:t 2,1,4 i=1 | 5,9:s 5,2:t 5,0 i=-1 | 1,1 1,1 1,1 i=0 | "
    "2,1,3,1,2 2,1,2,1,2 i=-3 | 17,7:ts 17,1:t i=1 | 4,0,2 4,3,2 i=1 | 33 1 0 i=0 | 5 5:s 5 i=0"};

gm_tensor *gm_concat(gm_tape *t, gm_tensor *const *xs, int32_t n, int32_t axis)
{
    gm__attr a = {.i = {axis}};
    if (!gm__tape_ok(t)) return NULL;
    if (!xs || n < 1) return gm__tape_fail(t, GM_EARG, "concat: nothing to join");
    return gm__apply(t, &gm__op_concat, xs, n, &a);
}

/* Each input gets a new axis of size 1, then they are joined along it. */
gm_tensor *gm_stack(gm_tape *t, gm_tensor *const *xs, int32_t n, int32_t axis)
{
    char a[128], b[128];
    if (!gm__tape_ok(t)) return NULL;
    if (!xs || n < 1) return gm__tape_fail(t, GM_EARG, "stack: nothing to join");
    gm_tensor **wide = gm__arena(t, (size_t)n, sizeof *wide);
    if (!wide) return NULL;
    for (int i = 0; i < n; i++) {
        const gm_tensor *x = xs[i];
        if (!gm__is(x, GM__TENSOR)) return gm__tape_fail(t, GM_EARG, "stack: input %d is no tensor", i);
        int nd = x->ndim + 1, at = axis < 0 ? axis + nd : axis;
        if (nd > GM_MAX_DIMS || at < 0 || at >= nd) return gm__tape_fail(t, GM_ESHAPE, "stack: axis %d is not in [-%d,%d)", (int)axis, nd, nd);
        if (!gm__shape_equal(x, xs[0]))
            return gm__tape_fail(t, GM_ESHAPE, "stack: shapes differ: %s and %s", gm__shape_text(a, xs[0]->ndim, xs[0]->shape),
                                 gm__shape_text(b, x->ndim, x->shape));
        int64_t shape[GM_MAX_DIMS];
        for (int k = 0; k < nd; k++) shape[k] = k < at ? x->shape[k] : k == at ? 1 : x->shape[k - 1];
        if (!(wide[i] = gm_reshape(t, xs[i], nd, shape))) return NULL;
    }
    return gm_concat(t, wide, n, axis);
}
