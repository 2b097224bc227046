/* shape.c - shapes: limits, strides, broadcasting, text. */
#include "tensor/tensor.h"

/* Largest number of elements: bytes and byte offsets fit ptrdiff_t for every type. */
#define MAX_ELEMENTS (PTRDIFF_MAX / 16)

size_t gm_dtype_size(int32_t dtype)
{
    return dtype < GM_F32 || dtype > GM_BF16 ? 0 : gm__esize(dtype);
}

const char *gm_dtype_name(int32_t dtype)
{
    static const char *const name[] = {"f32", "f64", "i32", "i64", "u8", "bf16"};
    return dtype < GM_F32 || dtype > GM_BF16 ? "?" : name[dtype];
}

gm_status gm__shape_check(gm__err *e, const char *who, int32_t ndim, const int64_t *shape, int64_t *size)
{
    char text[128];
    int64_t n = 1, span = 1; /* span counts an empty axis as 1, so that strides cannot overflow either */

    *size = 0;
    if (ndim < 0 || ndim > GM_MAX_DIMS)
        return gm__fail(e, GM_ESHAPE, "%s: %d dimensions; 0 to %d are possible", who, (int)ndim, (int)GM_MAX_DIMS);
    if (ndim > 0 && !shape) return gm__fail(e, GM_EARG, "%s: shape is NULL", who);
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0)
            return gm__fail(e, GM_ESHAPE, "%s: negative size in shape %s", who, gm__shape_text(text, ndim, shape));
        if (shape[i] > 0 && span > MAX_ELEMENTS / shape[i])
            return gm__fail(e, GM_ESHAPE, "%s: shape %s is too large", who, gm__shape_text(text, ndim, shape));
        if (shape[i] > 0) span *= shape[i];
        n *= shape[i];
    }
    *size = n;
    return GM_OK;
}

void gm__shape_strides(int ndim, const int64_t *shape, int64_t *stride)
{
    int64_t s = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        stride[i] = s;
        if (shape[i] > 0) s *= shape[i];
    }
}

bool gm__shape_equal(const gm_tensor *a, const gm_tensor *b)
{
    if (a->ndim != b->ndim) return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

bool gm__is_contiguous(int ndim, const int64_t *shape, const int64_t *stride)
{
    int64_t s = 1;
    for (int i = 0; i < ndim; i++)
        if (shape[i] == 0) return true;
    for (int i = ndim - 1; i >= 0; i--) {
        if (shape[i] == 1) continue; /* its stride is never used */
        if (stride[i] != s) return false;
        s *= shape[i];
    }
    return true;
}

bool gm__broadcast(int na, const int64_t *a, int nb, const int64_t *b, int *nout, int64_t *out)
{
    int n = na > nb ? na : nb;
    for (int i = 1; i <= n; i++) { /* from the last axis on */
        int64_t x = i <= na ? a[na - i] : 1, y = i <= nb ? b[nb - i] : 1;
        if (x != y && x != 1 && y != 1) return false;
        out[n - i] = x == 1 ? y : x;
    }
    *nout = n;
    return true;
}

const char *gm__shape_text(char out[128], int ndim, const int64_t *shape)
{
    size_t at = 0, cap = 128;
    if (ndim < 0 || ndim > GM_MAX_DIMS) ndim = 0;
    at += gm__format(out, cap, "[");
    for (int i = 0; i < ndim && at < cap; i++)
        at += gm__format(out + at, cap - at, i ? ",%lld" : "%lld", (long long)shape[i]);
    /* eight sizes of 19 digits do not fit: end such a text visibly */
    if (at + 2 > cap) at = cap - 5, at += gm__format(out + at, cap - at, "...");
    gm__format(out + at, cap - at, "]");
    return out;
}
