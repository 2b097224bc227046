/* elementary.c - functions of one and two tensors that are short compositions of ops. */
#include "ops/ops.h"

#include <math.h>

gm_tensor *gm_rsqrt(gm_tape *t, gm_tensor *x) { return gm_reciprocal(t, gm_sqrt(t, x)); }

/* log(1 + d + sqrt(d (d + 2))), d = x - 1: no digits are lost near 1 */
gm_tensor *gm_acosh(gm_tape *t, gm_tensor *x)
{
    gm_tensor *d = gm_affine(t, x, 1, -1);
    return gm_log1p(t, gm_add(t, d, gm_sqrt(t, gm_mul(t, d, gm_affine(t, x, 1, 1)))));
}

gm_tensor *gm_logit(gm_tape *t, gm_tensor *x) { return gm_sub(t, gm_log(t, x), gm_log1p(t, gm_neg(t, x))); }

gm_tensor *gm_isnan(gm_tape *t, gm_tensor *x) { return gm_ne(t, x, x); }

/* |x| beside infinity; NaN is neither below nor equal */
static gm_tensor *beside_infinity(gm_tape *t, gm_tensor *x, gm_tensor *(*compare)(gm_tape *, gm_tensor *, gm_tensor *))
{
    gm_tensor *a = gm_abs(t, x);
    return a ? compare(t, a, gm__number(t, a, INFINITY)) : NULL;
}
gm_tensor *gm_isinf(gm_tape *t, gm_tensor *x) { return beside_infinity(t, x, gm_eq); }
gm_tensor *gm_isfinite(gm_tape *t, gm_tensor *x) { return beside_infinity(t, x, gm_lt); }

/* ---- logic: anything but 0 is true ------------------------------------------------- */

static gm_tensor *is_zero(gm_tape *t, gm_tensor *x, gm_tensor *(*compare)(gm_tape *, gm_tensor *, gm_tensor *))
{
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR)) return compare(t, x, x); /* the op itself says what is wrong */
    return compare(t, x, gm__number(t, x, 0));
}
static gm_tensor *truth(gm_tape *t, gm_tensor *x) { return is_zero(t, x, gm_ne); }

gm_tensor *gm_logical_not(gm_tape *t, gm_tensor *x) { return is_zero(t, x, gm_eq); }
gm_tensor *gm_logical_and(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm_gt(t, truth(t, x), gm_logical_not(t, y)); }
gm_tensor *gm_logical_or(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm_ge(t, truth(t, x), gm_logical_not(t, y)); }
gm_tensor *gm_logical_xor(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm_ne(t, truth(t, x), truth(t, y)); }

/* ---- two operands and more ----------------------------------------------------------- */

gm_tensor *gm_lerp(gm_tape *t, gm_tensor *x, gm_tensor *y, gm_tensor *w) { return gm_add(t, x, gm_mul(t, w, gm_sub(t, y, x))); }

gm_tensor *gm_masked_fill(gm_tape *t, gm_tensor *x, gm_tensor *mask, double v)
{
    if (!gm__tape_ok(t)) return NULL;
    return gm_where(t, mask, gm__is(x, GM__TENSOR) ? gm__number(t, x, v) : NULL, x);
}
