/* access.c - reading, writing and asking tensors. */
#include "tensor/tensor.h"
#include <string.h>

gm_status gm__check_tensor(gm__err *e, const char *who, const char *arg, const gm_tensor *t)
{
    if (gm__is(t, GM__TENSOR)) return GM_OK;
    if (!t) return gm__fail(e, GM_EARG, "%s: %s is NULL", who, arg);
    if (gm__is(t, GM__DEAD)) return gm__fail(e, GM_ESTALE, "%s: %s outlived its tape generation", who, arg);
    return gm__fail(e, GM_EARG, "%s: %s is no tensor", who, arg);
}

/* As gm__check_tensor where no context is known to put the message in. */
static gm_status check(const gm_tensor *t)
{
    return gm__check_tensor(NULL, "", "", t);
}

/* Writing into elements that share memory has no one meaning. */
static gm_status check_writable(const gm_tensor *t, const char *who)
{
    if (t->tape) return gm__fail_ctx(t->ctx, GM_ESTATE, "%s: the tensor is the result of an op", who);
    for (int i = 0; i < t->ndim; i++)
        if (t->stride[i] == 0 && t->shape[i] > 1)
            return gm__fail_ctx(t->ctx, GM_EARG, "%s: axis %d of the tensor has stride 0, its elements share memory", who, i);
    return GM_OK;
}

static gm_status check_bytes(const gm_tensor *t, const char *who, const void *p, size_t bytes)
{
    size_t want = (size_t)t->size * gm__esize(t->dtype);
    if (bytes != want) return gm__fail_ctx(t->ctx, GM_ESHAPE, "%s: %zu bytes given, the tensor has %zu", who, bytes, want);
    if (!p && bytes) return gm__fail_ctx(t->ctx, GM_EARG, "%s: the array is NULL", who);
    return GM_OK;
}

/* A row-major header over the host's array, for the time of a copy. */
static gm_tensor host_view(const gm_tensor *like, char *data)
{
    gm_tensor v = {.dtype = like->dtype, .ndim = like->ndim, .contiguous = true, .size = like->size, .data = data};
    for (int i = 0; i < like->ndim; i++) v.shape[i] = like->shape[i];
    gm__shape_strides(v.ndim, v.shape, v.stride);
    return v;
}

gm_status gm_tensor_read(const gm_tensor *t, void *out, size_t bytes)
{
    GM__TRY(check(t));
    GM__TRY(check_bytes(t, "read", out, bytes));
    if (bytes == 0) return GM_OK;
    gm_tensor host = host_view(t, out);
    gm__copy_values(t->ctx, &host, t);
    return GM_OK;
}

gm_status gm_tensor_write(gm_tensor *t, const void *in, size_t bytes)
{
    GM__TRY(check(t));
    GM__TRY(check_writable(t, "write"));
    GM__TRY(check_bytes(t, "write", in, bytes));
    t->version++;
    if (bytes == 0) return GM_OK;
    gm_tensor host = host_view(t, (char *)(uintptr_t)in); /* only read */
    gm__copy_values(t->ctx, t, &host);
    return GM_OK;
}

gm_status gm_tensor_item(const gm_tensor *t, double *out)
{
    if (!out) return GM_EARG;
    *out = 0;
    GM__TRY(check(t));
    if (t->size != 1) {
        char text[128];
        return gm__fail_ctx(t->ctx, GM_ESHAPE, "item: the tensor has %lld elements (shape %s)", (long long)t->size,
                            gm__shape_text(text, t->ndim, t->shape));
    }
    gm_tensor one = {.dtype = GM_F64, .contiguous = true, .size = 1, .data = (char *)out};
    gm_tensor it = *t; /* its axes all have one element */
    it.ndim = 0;
    gm__copy_values(t->ctx, &one, &it);
    return GM_OK;
}

/* ---- assign ----------------------------------------------------------------- */

static bool is_real(int dtype) { return gm__is_float(dtype) || dtype == GM_BF16; }

/* Do the addresses from first to last element meet? */
static bool overlap(const gm_tensor *a, const gm_tensor *b)
{
    const gm_tensor *t[2] = {a, b};
    uintptr_t lo[2], hi[2];
    for (int k = 0; k < 2; k++) {
        size_t last = 0, es = gm__esize(t[k]->dtype);
        for (int i = 0; i < t[k]->ndim; i++) last += (size_t)((t[k]->shape[i] - 1) * t[k]->stride[i]) * es;
        lo[k] = (uintptr_t)t[k]->data;
        hi[k] = lo[k] + last + es;
    }
    return lo[0] < hi[1] && lo[1] < hi[0];
}

gm_status gm_tensor_assign(gm_tensor *dst, const gm_tensor *src)
{
    GM__TRY(check(dst));
    gm__err *e = gm__ctx_err(dst->ctx);
    GM__TRY(gm__check_tensor(e, "assign", "src", src));
    if (dst->tape) return gm__fail(e, GM_EARG, "assign: dst is the result of an op");
    GM__TRY(check_writable(dst, "assign"));
    if (dst->dtype != src->dtype && !(is_real(dst->dtype) && is_real(src->dtype)))
        return gm__fail(e, GM_EDTYPE, "assign: %s from %s; cast first", gm_dtype_name(dst->dtype), gm_dtype_name(src->dtype));

    int64_t both[GM_MAX_DIMS];
    int n;
    bool fits = gm__broadcast(dst->ndim, dst->shape, src->ndim, src->shape, &n, both) && n == dst->ndim;
    for (int i = 0; fits && i < n; i++) fits = both[i] == dst->shape[i];
    if (!fits) {
        char a[128], b[128];
        return gm__fail(e, GM_ESHAPE, "assign: %s from %s", gm__shape_text(a, dst->ndim, dst->shape), gm__shape_text(b, src->ndim, src->shape));
    }
    dst->version++;
    if (dst->size == 0) return GM_OK;

    /* A view of dst (its transpose, one of its rows) is read before it is overwritten. */
    gm_tensor *copy = NULL;
    if (overlap(dst, src)) {
        GM__TRY(gm__tensor_make(dst->ctx, e, src->dtype, src->ndim, src->shape, false, &copy));
        gm__copy_values(dst->ctx, copy, src);
        src = copy;
    }
    gm__copy_values(dst->ctx, dst, src);
    gm_tensor_free(copy);
    return GM_OK;
}

/* ---- getters ------------------------------------------------------------------ */

static int axis_of(const gm_tensor *t, int32_t axis)
{
    if (!gm__is(t, GM__TENSOR) || axis < -t->ndim || axis >= t->ndim) return -1;
    return axis < 0 ? axis + t->ndim : axis;
}

void *gm_tensor_data(const gm_tensor *t) { return gm__is(t, GM__TENSOR) ? t->data : NULL; }
int32_t gm_tensor_dtype(const gm_tensor *t) { return gm__is(t, GM__TENSOR) ? t->dtype : -1; }
int32_t gm_tensor_ndim(const gm_tensor *t) { return gm__is(t, GM__TENSOR) ? t->ndim : -1; }
int64_t gm_tensor_size(const gm_tensor *t) { return gm__is(t, GM__TENSOR) ? t->size : 0; }

int64_t gm_tensor_dim(const gm_tensor *t, int32_t axis)
{
    int i = axis_of(t, axis);
    return i < 0 ? -1 : t->shape[i];
}

int64_t gm_tensor_stride(const gm_tensor *t, int32_t axis)
{
    int i = axis_of(t, axis);
    return i < 0 ? 0 : t->stride[i];
}
