/* gm/ops_math.h - further functions of numbers on a tape, a part of gm/ops.h: elementary and special functions, activations,
 * logic. All that gm/ops.h says of ops holds here.
 */
#ifndef GM_OPS_MATH_H
#define GM_OPS_MATH_H

#include <gm/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- one operand: steps ------------------------------------------------------- */

/** -1, 0 or 1; NaN stays. @grad none (0 but at 0). @since 0.1 */
GM_API gm_tensor *gm_sign(gm_tape *t, gm_tensor *x);
/** The whole number below. @grad none (0 between steps). @since 0.1 */
GM_API gm_tensor *gm_floor(gm_tape *t, gm_tensor *x);
/** The whole number above. @grad none (0 between steps). @since 0.1 */
GM_API gm_tensor *gm_ceil(gm_tape *t, gm_tensor *x);
/** The nearest whole number, halves to the even one. @grad none (0 between steps). @since 0.1 */
GM_API gm_tensor *gm_round(gm_tape *t, gm_tensor *x);
/** The whole number toward 0. @grad none (0 between steps). @since 0.1 */
GM_API gm_tensor *gm_trunc(gm_tape *t, gm_tensor *x);
/** 1 where x is NaN, else 0. @return u8. @grad none. @since 0.1 */
GM_API gm_tensor *gm_isnan(gm_tape *t, gm_tensor *x);
/** 1 where x is infinite, else 0. @return u8. @grad none. @since 0.1 */
GM_API gm_tensor *gm_isinf(gm_tape *t, gm_tensor *x);
/** 1 where x is neither infinite nor NaN, else 0. @return u8. @grad none. @since 0.1 */
GM_API gm_tensor *gm_isfinite(gm_tape *t, gm_tensor *x);

/* ---- one operand: elementary and special functions ------------------------------ */

/** 1/sqrt(x). @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_rsqrt(gm_tape *t, gm_tensor *x);
/** e^x - 1, exact near 0. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_expm1(gm_tape *t, gm_tensor *x);
/** log(1 + x), exact near 0. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_log1p(gm_tape *t, gm_tensor *x);
/** tan x, radians. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_tan(gm_tape *t, gm_tensor *x);
/** arcsin x in [-pi/2, pi/2]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_asin(gm_tape *t, gm_tensor *x);
/** arccos x in [0, pi]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_acos(gm_tape *t, gm_tensor *x);
/** arctan x in [-pi/2, pi/2]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_atan(gm_tape *t, gm_tensor *x);
/** Hyperbolic sine. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_sinh(gm_tape *t, gm_tensor *x);
/** Hyperbolic cosine. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_cosh(gm_tape *t, gm_tensor *x);
/** Inverse of gm_sinh. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_asinh(gm_tape *t, gm_tensor *x);
/** Inverse of gm_cosh for x >= 1, exact near 1. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_acosh(gm_tape *t, gm_tensor *x);
/** Inverse of gm_tanh for |x| < 1. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_atanh(gm_tape *t, gm_tensor *x);
/** 2/sqrt(pi) times the integral of e^(-u*u) from 0 to x. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_erf(gm_tape *t, gm_tensor *x);
/** Inverse of gm_erf for |x| < 1. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_erfinv(gm_tape *t, gm_tensor *x);
/** log |Gamma(x)|. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_lgamma(gm_tape *t, gm_tensor *x);
/** The derivative of log Gamma. @grad x, any; the third and later need x > -1000. @since 0.1 */
GM_API gm_tensor *gm_digamma(gm_tape *t, gm_tensor *x);
/** log(x/(1-x)), inverse of gm_sigmoid. @param x in [0,1]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_logit(gm_tape *t, gm_tensor *x);

/* ---- activations ------------------------------------------------------------------- */

/** log sigmoid(x), finite for any x. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_log_sigmoid(gm_tape *t, gm_tensor *x);
/** x*tanh(log(1+e^x)). @grad x, any. @since 0.1 @source Misra 2019 */
GM_API gm_tensor *gm_mish(gm_tape *t, gm_tensor *x);
/** min(max(x/6 + 1/2, 0), 1). @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_hardsigmoid(gm_tape *t, gm_tensor *x);
/** x*hardsigmoid(x). @grad x, any. @since 0.1 @source Howard et al. 2019 */
GM_API gm_tensor *gm_hardswish(gm_tape *t, gm_tensor *x);
/** GELU's approximation x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715 x^3))), as in GPT-2. @grad x, any. @since 0.1 @source Hendrycks & Gimpel 2016 */
GM_API gm_tensor *gm_gelu_tanh(gm_tape *t, gm_tensor *x);
/** 1.0507 * (x > 0 ? x : 1.6733*(e^x - 1)). @grad x, any. @since 0.1 @source Klambauer et al. 2017 */
GM_API gm_tensor *gm_selu(gm_tape *t, gm_tensor *x);
/** x > 0 ? x : alpha*(e^(x/alpha) - 1). @param alpha above 0. @grad x, any. @since 0.1 @source Barron 2017 */
GM_API gm_tensor *gm_celu(gm_tape *t, gm_tensor *x, double alpha);
/** x/(1 + |x|). @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_softsign(gm_tape *t, gm_tensor *x);
/** x > 0 ? x : slope*x with learned slopes. @param slope one number, or [C], one for each channel (axis 1 of x). @grad x slope, any. @since 0.1 @source He et al. 2015 */
GM_API gm_tensor *gm_prelu(gm_tape *t, gm_tensor *x, gm_tensor *slope);

/* ---- two operands and more, broadcast ------------------------------------------------- */

/** The angle of the point (x, y) in [-pi, pi]. @grad y x, any. @since 0.1 */
GM_API gm_tensor *gm_atan2(gm_tape *t, gm_tensor *y, gm_tensor *x);
/** x - y*trunc(x/y): it has the sign of x. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_fmod(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x - y*floor(x/y): it has the sign of y. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_remainder(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x + w*(y - x). @grad x y w, any. @since 0.1 */
GM_API gm_tensor *gm_lerp(gm_tape *t, gm_tensor *x, gm_tensor *y, gm_tensor *w);
/** v where mask is not 0, else x. @param mask u8. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_masked_fill(gm_tape *t, gm_tensor *x, gm_tensor *mask, double v);
/** 1 where x is 0, else 0. @param x any type but bf16. @return u8. @grad none. @since 0.1 */
GM_API gm_tensor *gm_logical_not(gm_tape *t, gm_tensor *x);
/** 1 where neither is 0. @param x,y any types but bf16. @return u8. @grad none. @since 0.1 */
GM_API gm_tensor *gm_logical_and(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** 1 where one is not 0; see gm_logical_and. @return u8. @grad none. @since 0.1 */
GM_API gm_tensor *gm_logical_or(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** 1 where just one is not 0; see gm_logical_and. @return u8. @grad none. @since 0.1 */
GM_API gm_tensor *gm_logical_xor(gm_tape *t, gm_tensor *x, gm_tensor *y);

#ifdef __cplusplus
}
#endif
#endif
