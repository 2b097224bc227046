/* statistics.c - reductions that are short compositions of ops. */
#include "ops/ops.h"

#include <math.h>

/* The elements that a reduction over axis joins, and the axis from 0; false after recording a failure. */
static bool count_of(gm_tape *t, const char *who, const gm_tensor *x, int32_t axis, int64_t *n, int32_t *from_0)
{
    if (!gm__tape_ok(t)) return false;
    if (!gm__is(x, GM__TENSOR)) {
        gm__tape_fail(t, GM_EARG, "%s: x is %s", who, x ? "no tensor" : "NULL");
        return false;
    }
    if (axis == GM_ALL_AXES) {
        *n = x->size;
        *from_0 = 0;
        return true;
    }
    if (axis < -x->ndim || axis >= x->ndim) {
        gm__tape_fail(t, GM_ESHAPE, "%s: axis %d is not in [-%d,%d)", who, (int)axis, (int)x->ndim, (int)x->ndim);
        return false;
    }
    *from_0 = axis < 0 ? axis + x->ndim : axis;
    *n = x->shape[*from_0];
    return true;
}

gm_tensor *gm_var(gm_tape *t, gm_tensor *x, int32_t axis, double correction, int32_t keep)
{
    int64_t n;
    int32_t k;
    if (!count_of(t, "var", x, axis, &n, &k)) return NULL;
    gm_tensor *d = gm_sub(t, x, gm_mean(t, x, axis, 1));
    return gm__scale(t, gm_sum(t, gm_square(t, d), axis, keep), 1 / fmax(0, (double)n - correction));
}
gm_tensor *gm_std(gm_tape *t, gm_tensor *x, int32_t axis, double correction, int32_t keep) { return gm_sqrt(t, gm_var(t, x, axis, correction, keep)); }

/* Halves are multiplied until one element is left, so that zeros need no care in any gradient. */
gm_tensor *gm_prod(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep)
{
    int64_t n, shape[GM_MAX_DIMS];
    int32_t k, nd = 0;
    if (!count_of(t, "prod", x, axis, &n, &k)) return NULL;
    if (n == 0) return gm_affine(t, gm_sum(t, x, axis, keep), 1, 1);
    for (int i = 0; i < x->ndim; i++) {
        bool gone = axis == GM_ALL_AXES || i == k;
        if (!gone || keep) shape[nd++] = gone ? 1 : x->shape[i];
    }
    gm_tensor *y = axis == GM_ALL_AXES ? gm_reshape(t, x, 1, &n) : x, *odd = NULL;
    for (; n > 1; n /= 2) {
        int64_t half = n / 2;
        if (n % 2) {
            gm_tensor *rest = gm_slice(t, y, k, n - 1, n, 1);
            odd = odd ? gm_mul(t, odd, rest) : rest;
        }
        y = gm_mul(t, gm_slice(t, y, k, 0, half, 1), gm_slice(t, y, k, half, 2 * half, 1));
    }
    if (odd) y = gm_mul(t, y, odd);
    return gm_reshape(t, y, nd, shape);
}

gm_tensor *gm_argmin(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep) { return gm_argmax(t, gm_neg(t, x), axis, keep); }

gm_tensor *gm_any(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep)
{
    return gm_logical_not(t, gm_logical_not(t, gm_sum(t, gm_cast(t, gm_logical_not(t, gm_logical_not(t, x)), GM_F32), axis, keep)));
}
gm_tensor *gm_all(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep)
{
    return gm_logical_not(t, gm_sum(t, gm_cast(t, gm_logical_not(t, x), GM_F32), axis, keep));
}

/* x^p where x > 0, else 0, with slopes of 0 there: pow sees no zero */
static gm_tensor *power_off_zero(gm_tape *t, gm_tensor *x, double p)
{
    if (!x) return NULL;
    gm_tensor *zero = gm__number(t, x, 0), *is_zero = gm_eq(t, x, zero);
    gm_tensor *safe = gm_where(t, is_zero, gm__number(t, x, 1), x);
    gm_tensor *y = p == 0.5 ? gm_sqrt(t, safe) : gm_pow(t, safe, gm__number(t, x, p));
    return gm_where(t, is_zero, zero, y);
}

gm_tensor *gm_norm(gm_tape *t, gm_tensor *x, double p, int32_t axis, int32_t keep)
{
    if (gm__tape_ok(t) && !(p > 0)) return gm__tape_fail(t, GM_EARG, "norm: p %g is not above 0", p);
    if (p == INFINITY) return gm_max(t, gm_abs(t, x), axis, keep);
    if (p == 1) return gm_sum(t, gm_abs(t, x), axis, keep);
    if (p == 2) return power_off_zero(t, gm_sum(t, gm_square(t, x), axis, keep), 0.5);
    return power_off_zero(t, gm_sum(t, power_off_zero(t, gm_abs(t, x), p), axis, keep), 1 / p);
}

gm_tensor *gm_sum_axes(gm_tape *t, gm_tensor *x, int32_t n, const int32_t *axes, int32_t keep)
{
    bool gone[GM_MAX_DIMS] = {false};
    if (gm__tape_ok(t) && (n < 0 || (n > 0 && !axes))) return gm__tape_fail(t, GM_EARG, "sum_axes: %d axes at %s", (int)n, axes ? "an array" : "NULL");
    for (int32_t i = 0; i < n; i++) {
        int64_t size;
        int32_t k;
        if (!gm__tape_ok(t)) return NULL;
        if (axes[i] == GM_ALL_AXES) return gm__tape_fail(t, GM_EARG, "sum_axes: axis %d of %d is GM_ALL_AXES", (int)i, (int)n);
        if (!count_of(t, "sum_axes", x, axes[i], &size, &k)) return NULL;
        if (gone[k]) return gm__tape_fail(t, GM_EARG, "sum_axes: axis %d is named twice", (int)axes[i]);
        gone[k] = true;
    }
    for (int32_t k = GM_MAX_DIMS - 1; k >= 0; k--)
        if (gone[k]) x = gm_sum(t, x, k, keep);
    return n > 0 || !gm__tape_ok(t) ? x : gm__alias(t, x);
}
