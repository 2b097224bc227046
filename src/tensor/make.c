/* make.c - tensors of the host's own: made, wrapped, counted, freed; the gradient of a leaf. */
#include "tensor/tensor.h"
#include <string.h>

/* The header and, for owned data, the elements behind it lie in one allocation. */
#define HEADER ((sizeof(gm_tensor) + 63) / 64 * 64)

static gm_tensor *make_header(gm_ctx *ctx, gm__err *e, size_t bytes, int32_t dtype, int32_t ndim, const int64_t *shape, int64_t size)
{
    size_t all;
    gm_tensor *t = gm__add(HEADER, bytes, &all) ? gm__alloc(ctx, all, 1) : NULL;
    if (!t) {
        gm__fail(e, GM_ENOMEM, "tensor: out of memory or over the cap (%zu bytes)", bytes);
        return NULL;
    }
    memset(t, 0, sizeof *t);
    t->h.magic = GM__TENSOR;
    atomic_init(&t->h.refs, 1);
    t->dtype = (int8_t)dtype;
    t->ndim = (int8_t)ndim;
    t->size = size;
    t->ctx = ctx;
    gm__retain(ctx);
    for (int i = 0; i < ndim; i++) t->shape[i] = shape[i];
    return t;
}

static gm_status check_dtype(gm__err *e, const char *who, int32_t dtype)
{
    if (gm_dtype_size(dtype) == 0) return gm__fail(e, GM_EARG, "%s: unknown element type %d", who, (int)dtype);
    return GM_OK;
}

gm_status gm__tensor_make(gm_ctx *ctx, gm__err *e, int32_t dtype, int32_t ndim, const int64_t *shape, bool zero, gm_tensor **out)
{
    int64_t size;
    *out = NULL;
    GM__TRY(check_dtype(e, "tensor", dtype));
    GM__TRY(gm__shape_check(e, "tensor", ndim, shape, &size));
    size_t bytes = (size_t)size * gm__esize(dtype);
    gm_tensor *t = make_header(ctx, e, bytes, dtype, ndim, shape, size);
    if (!t) return GM_ENOMEM;
    gm__shape_strides(ndim, shape, t->stride);
    t->contiguous = true;
    t->block = (char *)t + HEADER;
    t->data = t->block;
    if (zero && bytes) memset(t->data, 0, bytes);
    *out = t;
    return GM_OK;
}

gm_status gm_tensor_new(gm_ctx *ctx, int32_t dtype, int32_t ndim, const int64_t *shape, gm_tensor **out)
{
    if (!out) return gm__is(ctx, GM__CTX) ? gm__fail_ctx(ctx, GM_EARG, "tensor: out is NULL") : GM_EARG;
    *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    return gm__tensor_make(ctx, gm__ctx_err(ctx), dtype, ndim, shape, true, out);
}

gm_status gm_tensor_copy(gm_ctx *ctx, int32_t dtype, int32_t ndim, const int64_t *shape, const void *data, gm_tensor **out)
{
    if (!out) return gm__is(ctx, GM__CTX) ? gm__fail_ctx(ctx, GM_EARG, "tensor: out is NULL") : GM_EARG;
    *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    gm_tensor *t;
    GM__TRY(gm__tensor_make(ctx, gm__ctx_err(ctx), dtype, ndim, shape, false, &t));
    if (t->size && !data) {
        gm_tensor_free(t);
        return gm__fail_ctx(ctx, GM_EARG, "tensor: data is NULL");
    }
    if (t->size) memcpy(t->data, data, (size_t)t->size * gm__esize(dtype));
    *out = t;
    return GM_OK;
}

/* Strides >= 0 whose farthest element still has an address. */
static gm_status check_strides(gm__err *e, int32_t ndim, const int64_t *shape, const int64_t *stride)
{
    int64_t last = 0, step;
    for (int i = 0; i < ndim; i++) {
        if (stride[i] < 0) return gm__fail(e, GM_EARG, "tensor: stride %lld of axis %d is negative", (long long)stride[i], i);
        if (shape[i] < 2) continue;
        if (__builtin_mul_overflow(shape[i] - 1, stride[i], &step) || __builtin_add_overflow(last, step, &last) || last > PTRDIFF_MAX / 16)
            return gm__fail(e, GM_ESHAPE, "tensor: stride %lld of axis %d is too large", (long long)stride[i], i);
    }
    return GM_OK;
}

gm_status gm_tensor_wrap(gm_ctx *ctx, int32_t dtype, int32_t ndim, const int64_t *shape, const int64_t *strides,
                         void *data, gm_deleter_fn deleter, void *user, gm_tensor **out)
{
    int64_t size;
    if (!out) return gm__is(ctx, GM__CTX) ? gm__fail_ctx(ctx, GM_EARG, "tensor: out is NULL") : GM_EARG;
    *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    gm__err *e = gm__ctx_err(ctx);
    GM__TRY(check_dtype(e, "tensor", dtype));
    GM__TRY(gm__shape_check(e, "tensor", ndim, shape, &size));
    if (strides) GM__TRY(check_strides(e, ndim, shape, strides));
    if (size && !data) return gm__fail(e, GM_EARG, "tensor: data is NULL");
    if ((uintptr_t)data % gm__esize(dtype)) return gm__fail(e, GM_EARG, "tensor: data is not aligned to its type %s", gm_dtype_name(dtype));

    gm_tensor *t = make_header(ctx, e, 0, dtype, ndim, shape, size);
    if (!t) return GM_ENOMEM;
    if (strides) {
        for (int i = 0; i < ndim; i++) t->stride[i] = strides[i];
    } else {
        gm__shape_strides(ndim, shape, t->stride);
    }
    t->contiguous = gm__is_contiguous(ndim, shape, t->stride);
    t->data = data;
    t->deleter = deleter;
    t->deleter_user = user;
    *out = t;
    return GM_OK;
}

void gm_tensor_free(gm_tensor *t)
{
    if (!gm__is(t, GM__TENSOR) || t->tape) return;
    if (!gm__release(t)) return;
    gm_ctx *ctx = t->ctx;
    t->h.magic = GM__DEAD;
    gm_tensor_free(t->grad);
    if (t->deleter) t->deleter(t->data, t->deleter_user);
    gm__free(ctx, t);
    gm_ctx_free(ctx);
}

/* ---- gradients of leaves -------------------------------------------------- */

gm_status gm_tensor_set_grad(gm_tensor *t, int32_t on)
{
    if (!gm__is(t, GM__TENSOR)) return GM_EARG;
    if (t->tape) return gm__fail_ctx(t->ctx, GM_ESTATE, "set_grad: the tensor is the result of an op");
    if (!gm__is_float(t->dtype))
        return gm__fail_ctx(t->ctx, GM_EDTYPE, "set_grad: type %s has no gradient; f32 and f64 have", gm_dtype_name(t->dtype));
    t->wants_grad = on != 0;
    if (!on) {
        gm_tensor_free(t->grad);
        t->grad = NULL;
        t->has_grad = false;
    }
    return GM_OK;
}

gm_tensor *gm_tensor_grad(const gm_tensor *t)
{
    return gm__is(t, GM__TENSOR) && t->has_grad ? t->grad : NULL;
}

void gm_tensor_clear_grad(gm_tensor *t)
{
    if (gm__is(t, GM__TENSOR) && !t->tape) t->has_grad = false;
}

gm_status gm__leaf_grad(gm_tensor *leaf, gm_tensor **grad)
{
    if (!leaf->grad)
        GM__TRY(gm__tensor_make(leaf->ctx, gm__ctx_err(leaf->ctx), leaf->dtype, leaf->ndim, leaf->shape, false, &leaf->grad));
    *grad = leaf->grad;
    return GM_OK;
}
