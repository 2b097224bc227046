/* shapes.c - shape ops that are others under a handier name: axes of size 1 put in and taken out, parts, repetition. */
#include "ops/ops.h"

/* normalises an axis in [-n, n); -1 after recording a failure */
static int axis_in(gm_tape *t, const char *who, int32_t axis, int n)
{
    if (axis >= -n && axis < n) return axis < 0 ? axis + n : axis;
    gm__tape_fail(t, GM_ESHAPE, "%s: axis %d is not in [-%d,%d)", who, (int)axis, n, n);
    return -1;
}
/* x can be looked at; else what is wrong with it has been recorded */
static bool usable(gm_tape *t, const gm_tensor *x)
{
    if (!gm__tape_ok(t)) return false;
    if (gm__is(x, GM__TENSOR)) return true;
    gm_reshape(t, (gm_tensor *)(uintptr_t)x, 0, NULL);
    return false;
}

/* ---- sizes of 1 -------------------------------------------------------------------- */

gm_tensor *gm_squeeze(gm_tape *t, gm_tensor *x, int32_t axis)
{
    int64_t shape[GM_MAX_DIMS];
    int at = -1, nd = 0;
    if (!usable(t, x)) return NULL;
    if (axis != GM_ALL_AXES) {
        if ((at = axis_in(t, "squeeze", axis, x->ndim)) < 0) return NULL;
        if (x->shape[at] != 1) return gm__tape_fail(t, GM_ESHAPE, "squeeze: axis %d has size %lld, not 1", at, (long long)x->shape[at]);
    }
    for (int i = 0; i < x->ndim; i++)
        if (x->shape[i] != 1 || (at >= 0 && i != at)) shape[nd++] = x->shape[i];
    return gm_reshape(t, x, nd, shape);
}

gm_tensor *gm_unsqueeze(gm_tape *t, gm_tensor *x, int32_t axis)
{
    int64_t shape[GM_MAX_DIMS];
    if (!usable(t, x)) return NULL;
    int nd = x->ndim + 1, at = axis_in(t, "unsqueeze", axis, nd);
    if (at < 0) return NULL;
    if (nd > GM_MAX_DIMS) return gm__tape_fail(t, GM_ESHAPE, "unsqueeze: x has %d axes already", x->ndim);
    for (int i = 0; i < nd; i++) shape[i] = i < at ? x->shape[i] : i == at ? 1 : x->shape[i - 1];
    return gm_reshape(t, x, nd, shape);
}

gm_tensor *gm_flatten(gm_tape *t, gm_tensor *x, int32_t first, int32_t last)
{
    int64_t shape[GM_MAX_DIMS] = {1};
    if (!usable(t, x)) return NULL;
    if (x->ndim == 0) return gm_reshape(t, x, 1, shape);
    int a = axis_in(t, "flatten", first, x->ndim), b = a < 0 ? -1 : axis_in(t, "flatten", last, x->ndim), nd = 0;
    if (a < 0 || b < 0) return NULL;
    if (b < a) return gm__tape_fail(t, GM_ESHAPE, "flatten: axis %d comes before axis %d", b, a);
    for (int i = 0; i < x->ndim; i++) {
        if (i > a && i <= b) shape[nd - 1] *= x->shape[i];
        else shape[nd++] = x->shape[i];
    }
    return gm_reshape(t, x, nd, shape);
}

gm_tensor *gm_movedim(gm_tape *t, gm_tensor *x, int32_t from, int32_t to)
{
    int32_t axes[GM_MAX_DIMS];
    if (!usable(t, x)) return NULL;
    int a = axis_in(t, "movedim", from, x->ndim), b = a < 0 ? -1 : axis_in(t, "movedim", to, x->ndim);
    if (a < 0 || b < 0) return NULL;
    for (int i = 0, k = 0; i < x->ndim; i++) {
        if (k == a) k++;
        axes[i] = i == b ? a : k++;
    }
    return gm_permute(t, x, axes);
}

/* ---- parts ----------------------------------------------------------------------------- */

gm_status gm_split(gm_tape *t, gm_tensor *x, int32_t axis, int32_t n, const int64_t *sizes, gm_tensor **out)
{
    char a[128];
    int64_t at = 0;
    for (int32_t i = 0; out && i < n; i++) out[i] = NULL;
    if (!usable(t, x)) return gm_tape_status(t);
    int k = axis_in(t, "split", axis, x->ndim);
    if (k < 0) return gm_tape_status(t);
    if (n < 1 || !sizes || !out) gm__tape_fail(t, GM_EARG, "split: %d parts, or sizes or out is NULL", (int)n);
    for (int32_t i = 0; i < n && gm__tape_ok(t); i++)
        if (sizes[i] < 0 || __builtin_add_overflow(at, sizes[i], &at)) gm__tape_fail(t, GM_EARG, "split: part %d has size %lld", (int)i, (long long)sizes[i]);
    if (gm__tape_ok(t) && at != x->shape[k])
        gm__tape_fail(t, GM_ESHAPE, "split: the parts make %lld, axis %d of %s has %lld", (long long)at, k, gm__shape_text(a, x->ndim, x->shape), (long long)x->shape[k]);
    at = 0;
    for (int32_t i = 0; i < n && gm__tape_ok(t); at += sizes[i++]) out[i] = gm_slice(t, x, k, at, at + sizes[i], 1);
    for (int32_t i = 0; i < n && out && !gm__tape_ok(t); i++) out[i] = NULL;
    return gm_tape_status(t);
}

gm_status gm_chunk(gm_tape *t, gm_tensor *x, int32_t axis, int32_t n, gm_tensor **out)
{
    for (int32_t i = 0; out && i < n; i++) out[i] = NULL;
    if (!usable(t, x)) return gm_tape_status(t);
    int k = axis_in(t, "chunk", axis, x->ndim);
    if (k < 0) return gm_tape_status(t);
    int64_t size = x->shape[k];
    if (n < 1 || !out) gm__tape_fail(t, GM_EARG, "chunk: %d parts, or out is NULL", (int)n);
    else if (size % n) gm__tape_fail(t, GM_ESHAPE, "chunk: axis %d of size %lld is no multiple of %d", k, (long long)size, (int)n);
    for (int32_t i = 0; i < n && gm__tape_ok(t); i++) out[i] = gm_slice(t, x, k, i * (size / n), (i + 1) * (size / n), 1);
    for (int32_t i = 0; i < n && out && !gm__tape_ok(t); i++) out[i] = NULL;
    return gm_tape_status(t);
}

gm_status gm_unstack(gm_tape *t, gm_tensor *x, int32_t axis, int32_t n, gm_tensor **out)
{
    for (int32_t i = 0; out && i < n; i++) out[i] = NULL;
    if (!usable(t, x)) return gm_tape_status(t);
    int k = axis_in(t, "unstack", axis, x->ndim);
    if (k < 0) return gm_tape_status(t);
    if (!out || n != x->shape[k]) gm__tape_fail(t, GM_EARG, "unstack: %d parts of axis %d of size %lld, or out is NULL", (int)n, k, (long long)x->shape[k]);
    for (int32_t i = 0; i < n && gm__tape_ok(t); i++) out[i] = gm_squeeze(t, gm_slice(t, x, k, i, i + 1, 1), k);
    for (int32_t i = 0; i < n && out && !gm__tape_ok(t); i++) out[i] = NULL;
    return gm_tape_status(t);
}

/* ---- repetition --------------------------------------------------------------------------- */

/* Every block of `inner` elements n times; the result gets x's shape with axis times n. The one copy is gm_reshape's. */
static gm_tensor *repeated(gm_tape *t, const char *who, gm_tensor *x, int axis, int64_t n, int64_t inner)
{
    char a[128];
    int64_t shape[GM_MAX_DIMS], blocks[3] = {inner > 0 ? x->size / inner : 0, n, inner}, one[3] = {blocks[0], 1, inner};
    for (int i = 0; i < x->ndim; i++) shape[i] = x->shape[i];
    if (n < 0 || __builtin_mul_overflow(shape[axis], n, &shape[axis]))
        return gm__tape_fail(t, GM_EARG, "%s: axis %d of %s %lld times", who, axis, gm__shape_text(a, x->ndim, x->shape), (long long)n);
    if (x->size == 0) return gm_reshape(t, x, x->ndim, shape);
    return gm_reshape(t, gm_expand(t, gm_reshape(t, x, 3, one), 3, blocks), x->ndim, shape);
}

gm_tensor *gm_repeat(gm_tape *t, gm_tensor *x, const int64_t *times)
{
    if (!usable(t, x)) return NULL;
    if (x->ndim > 0 && !times) return gm__tape_fail(t, GM_EARG, "repeat: times is NULL");
    for (int k = x->ndim - 1; k >= 0 && x; k--) {
        int64_t inner = 1;
        for (int i = k; i < x->ndim; i++) inner *= x->shape[i];
        if (times[k] != 1) x = repeated(t, "repeat", x, k, times[k], inner);
    }
    return x;
}

gm_tensor *gm_repeat_interleave(gm_tape *t, gm_tensor *x, int64_t n, int32_t axis)
{
    if (!usable(t, x)) return NULL;
    int k = axis_in(t, "repeat_interleave", axis, x->ndim);
    int64_t inner = 1;
    if (k < 0) return NULL;
    for (int i = k + 1; i < x->ndim; i++) inner *= x->shape[i];
    return repeated(t, "repeat_interleave", x, k, n, inner);
}

/* ---- products and sums of vectors and matrices ---------------------------------------------- */

gm_tensor *gm_outer(gm_tape *t, gm_tensor *x, gm_tensor *y)
{
    char a[128], b[128];
    if (!usable(t, x) || !usable(t, y)) return NULL;
    if (x->ndim != 1 || y->ndim != 1)
        return gm__tape_fail(t, GM_ESHAPE, "outer: two vectors wanted, got %s and %s", gm__shape_text(a, x->ndim, x->shape), gm__shape_text(b, y->ndim, y->shape));
    return gm_mul(t, gm_unsqueeze(t, x, 1), y);
}

gm_tensor *gm_dot(gm_tape *t, gm_tensor *x, gm_tensor *y)
{
    char a[128], b[128];
    if (!usable(t, x) || !usable(t, y)) return NULL;
    if (x->ndim < 1 || !gm__shape_equal(x, y))
        return gm__tape_fail(t, GM_ESHAPE, "dot: shapes differ or have no axis: %s and %s", gm__shape_text(a, x->ndim, x->shape), gm__shape_text(b, y->ndim, y->shape));
    return gm_sum(t, gm_mul(t, x, y), -1, 0);
}

gm_tensor *gm_trace(gm_tape *t, gm_tensor *x) { return gm_sum(t, gm_diagonal(t, x, 0), -1, 0); }
