/* pad.c - x surrounded by a value, or by its own elements mirrored, repeated or wrapped around.
 * attr.i: [0] axes padded, at most 4, then axis, before, after of each; attr.f[0]: the value. */
#include "ops/index.h"

#include <string.h>

enum { AXES = 4 };

static gm_status infer(gm__call *c)
{
    const int64_t *i = c->attr->i;
    const gm_tensor *x = c->in[0];
    char a[128];
    gm__out_shape(c, x->dtype, x->ndim, x->shape);
    GM__ASSERT(c->err, i[0] >= 0 && i[0] <= AXES);
    for (int k = 0; k < i[0]; k++) {
        const int64_t *p = i + 1 + 3 * k;
        GM__ASSERT(c->err, p[0] >= 0 && p[0] < x->ndim && p[1] >= 0 && p[2] >= 0);
        int64_t *size = &c->out->shape[p[0]];
        if (__builtin_add_overflow(*size, p[1], size) || __builtin_add_overflow(*size, p[2], size))
            return gm__fail(c->err, GM_ESHAPE, "pad: %lld and %lld around %s is too large", (long long)p[1], (long long)p[2], gm__shape_text(a, x->ndim, x->shape));
    }
    return GM_OK;
}

static void fill(gm_ctx *ctx, const gm_tensor *y, double v)
{
    gm_tensor one = {.dtype = GM_F64, .contiguous = true, .size = 1, .data = (char *)&v};
    if (y->size == 0) return;
    if (v == 0) memset(y->data, 0, (size_t)y->size * gm__esize(y->dtype));
    else if (gm__is_float(y->dtype)) gm__ew1(ctx, GM__U_FILL, y, y, (double[2]){v, 0}, false);
    else gm__copy_values(ctx, y, &one);
}
static gm_status forward(gm__call *c)
{
    const int64_t *i = c->attr->i;
    gm_tensor part = *c->out; /* the place of x */
    fill(c->ctx, c->out, c->attr->f[0]);
    for (int k = 0; k < i[0]; k++) part.data += (size_t)(i[2 + 3 * k] * part.stride[i[1 + 3 * k]]) * gm__esize(part.dtype);
    memcpy(part.shape, c->in[0]->shape, sizeof part.shape);
    part.size = c->in[0]->size;
    part.contiguous = gm__is_contiguous(part.ndim, part.shape, part.stride);
    if (part.size > 0) gm__copy_values(c->ctx, &part, c->in[0]);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    const int64_t *i = n->attr.i;
    GM__UNUSED(want);
    gm_tensor *g = i[0] > 0 ? gy : gm__alias(t, gy);
    for (int k = 0; k < i[0] && g; k++) {
        const int64_t *p = i + 1 + 3 * k;
        g = gm_slice(t, g, (int32_t)p[0], p[1], p[1] + n->in[0]->shape[p[0]], 1);
    }
    gx[0] = g;
}
const gm__op gm__op_pad = {"pad", 1, 0, infer, forward, vjp, NULL,
    "7,17 i=1,1,3,2 f=0.5 | 7,17 i=2,0,1,0,1,0,3 | . i=0 f=1 | 3 i=1,0,2,2 f=-1 | 0,3 i=1,0,1,1 f=2 | 0,3 i=1,1,1,1 | 2,3,4:t i=3,0,1,2,1,0,1,2,2,0 f=7 | "
    "5,9:s i=1,1,0,4 | 1,1 i=2,0,0,0,1,0,0 | 2,1,3,2 i=4,0,1,0,1,1,1,2,0,2,3,1,1 f=0.25 | 3,5:k7 i=1,1,1,1 f=3 | 4,2:b i=1,0,0,2"};

/* ---- the public op: any number of axes, four modes ------------------------------ */

static gm_tensor *with_value(gm_tape *t, gm_tensor *x, const int64_t *before, const int64_t *after, double value)
{
    gm__attr a = {.f = {value}};
    for (int k = 0; k < x->ndim; k++) {
        if (before[k] == 0 && after[k] == 0) continue;
        int64_t *p = a.i + 1 + 3 * a.i[0]++;
        p[0] = k;
        p[1] = before[k];
        p[2] = after[k];
        if (a.i[0] < AXES) continue;
        if (!(x = gm__apply(t, &gm__op_pad, &x, 1, &a))) return NULL;
        a.i[0] = 0;
    }
    return a.i[0] > 0 ? gm__apply(t, &gm__op_pad, &x, 1, &a) : x;
}

/* Where on an axis of n the element at place i, counted from x's first, comes from. */
static int64_t source(int mode, int64_t i, int64_t n)
{
    if (mode == GM_PAD_REPLICATE) return i < 0 ? 0 : i >= n ? n - 1 : i;
    if (mode == GM_PAD_CIRCULAR) return i < 0 ? i + n : i >= n ? i - n : i;
    return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
}
static gm_tensor *with_own(gm_tape *t, gm_tensor *x, int axis, int64_t before, int64_t after, int mode)
{
    char a[128];
    int64_t n = x->shape[axis], most = mode == GM_PAD_CIRCULAR ? n : mode == GM_PAD_REFLECT ? n - 1 : n > 0 ? PTRDIFF_MAX / 64 : 0, size;
    if (before > most || after > most)
        return gm__tape_fail(t, GM_ESHAPE, "pad: %lld and %lld around axis %d of %s, at most %lld can be in this mode", (long long)before, (long long)after, axis,
                             gm__shape_text(a, x->ndim, x->shape), (long long)(most > 0 ? most : 0));
    if (__builtin_add_overflow(n, before, &size) || __builtin_add_overflow(size, after, &size))
        return gm__tape_fail(t, GM_ESHAPE, "pad: %lld and %lld around axis %d is too large", (long long)before, (long long)after, axis);
    gm_tensor *from = gm__tape_tensor(t, GM_I64, 1, &size);
    if (!from) return NULL;
    int64_t *v = (int64_t *)(void *)from->data;
    for (int64_t i = 0; i < size; i++) v[i] = source(mode, i - before, n);
    return gm_index_select(t, x, axis, from);
}

gm_tensor *gm_pad(gm_tape *t, gm_tensor *x, const int64_t *before, const int64_t *after, int32_t mode, double value)
{
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR) || x->ndim == 0) return gm_reshape(t, x, 0, NULL); /* says what is wrong, or nothing to do */
    if (!before || !after) return gm__tape_fail(t, GM_EARG, "pad: before or after is NULL");
    if (mode < GM_PAD_CONSTANT || mode > GM_PAD_CIRCULAR) return gm__tape_fail(t, GM_EARG, "pad: %d is no mode", (int)mode);
    bool any = false;
    for (int k = 0; k < x->ndim; k++) {
        if (before[k] < 0 || after[k] < 0)
            return gm__tape_fail(t, GM_EARG, "pad: %lld and %lld around axis %d; negative sizes are gm_slice's", (long long)before[k], (long long)after[k], k);
        any = any || before[k] > 0 || after[k] > 0;
    }
    if (!any) return gm__alias(t, x);
    if (mode == GM_PAD_CONSTANT) return with_value(t, x, before, after, value);
    for (int k = 0, nd = x->ndim; k < nd && x; k++)
        if (before[k] > 0 || after[k] > 0) x = with_own(t, x, k, before[k], after[k], mode);
    return x;
}
