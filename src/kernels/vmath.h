/* vmath.h - elementary functions on vectors. f32: own range reductions and
 * polynomials (coefficients fitted at Chebyshev nodes in 40-digit arithmetic),
 * errors of 1 to 3 units in the last place, specials as in libm. f64 serves
 * gradient checks and EM: libm, lane by lane. */
#ifndef GM_KERNELS_VMATH_H
#define GM_KERNELS_VMATH_H

#include "kernels/simd.h"

#define C(x) set1_f32(x)
#define ROUND_MAGIC 12582912.0f /* 1.5 * 2^23: adding it leaves a rounded integer in the low bits */

/* x = n ln2 + r, |r| <= ln2/2; the value of (e^r - 1) */
INLINE V_f32 exp_reduce(V_f32 x, V_f32 *n, I_f32 *ni)
{
    V_f32 t = fma_f32(x, C(1.44269504f), C(ROUND_MAGIC));
    *ni = (I_f32)((U_f32)t - (U_f32)C(ROUND_MAGIC)); /* unsigned: a NaN may wrap */
    *n = t - C(ROUND_MAGIC);
    V_f32 r = fma_f32(*n, C(-0.693359375f), x); /* exact: 9 bits times n */
    r = fma_f32(*n, C(2.12194442e-4f), r);
    V_f32 p = fma_f32(C(0.00139261759f), r, C(0.00836317334f));
    p = fma_f32(p, r, C(0.0416665561f));
    p = fma_f32(p, r, C(0.166665778f));
    p = fma_f32(p, r, C(0.5f));
    return fma_f32(p, r * r, r);
}

INLINE V_f32 exp_f32(V_f32 x)
{
    V_f32 n;
    I_f32 ni;
    x = min_f32(C(89.0f), max_f32(C(-104.0f), x)); /* NaN stays */
    V_f32 q = exp_reduce(x, &n, &ni);
    return scale2_f32(q + C(1.0f), n, ni);
}

/* e^x - 1 for -87 < x < 87 */
INLINE V_f32 expm1_core(V_f32 x)
{
    V_f32 n;
    I_f32 ni;
    V_f32 q = exp_reduce(x, &n, &ni), s = (V_f32)(((U_f32)ni + 127u) << 23);
    return fma_f32(s, q, s - C(1.0f));
}

INLINE V_f32 expm1_f32(V_f32 x)
{
    V_f32 small = expm1_core(min_f32(C(20.0f), max_f32(C(-20.0f), x)));
    return sel_f32(lt_f32(C(20.0f), x), exp_f32(x), small);
}

/* log of normal positive numbers; anything else gives a number to be replaced */
INLINE V_f32 log_core(V_f32 x, V_f32 extra)
{
    I_f32 e = (I_f32)((U_f32)x - 0x3f3504f3u) >> 23; /* mantissa in [sqrt(1/2), sqrt 2) */
    V_f32 f = (V_f32)((U_f32)x - ((U_f32)e << 23)) - C(1.0f), z = f * f;
    V_f32 n = __builtin_convertvector(e, V_f32) + extra;
    V_f32 p = fma_f32(C(0.0697161183f), f, C(-0.114797339f));
    p = fma_f32(p, f, C(0.116854198f));
    p = fma_f32(p, f, C(-0.124256872f));
    p = fma_f32(p, f, C(0.142490581f));
    p = fma_f32(p, f, C(-0.166678026f));
    p = fma_f32(p, f, C(0.200007156f));
    p = fma_f32(p, f, C(-0.24999997f));
    p = fma_f32(p, f, C(0.333333313f));
    p = p * f * z;
    p = fma_f32(n, C(-2.12194442e-4f), p);
    p = fma_f32(C(-0.5f), z, p);
    return fma_f32(n, C(0.693359375f), f + p);
}

INLINE V_f32 log_f32(V_f32 x)
{
    M_f32 tiny = lt_f32(x, C(1.17549435e-38f));
    V_f32 y = log_core(sel_f32(tiny, x * C(8388608.0f), x), sel_f32(tiny, C(-23.0f), C(0.0f)));
    y = sel_f32(lt_f32(x, C(INFINITY)), y, x);                /* inf, NaN */
    y = sel_f32(lt_f32(x, C(0.0f)), C(NAN), y);
    return sel_f32(eq_f32(x, C(0.0f)), C(-INFINITY), y);
}

/* u = 1 + x rounded, c what was lost: log u + c/u */
INLINE V_f32 log1p_f32(V_f32 x)
{
    V_f32 u = C(1.0f) + x;
    V_f32 c = sel_f32(lt_f32(x, C(1.0f)), x - (u - C(1.0f)), C(1.0f) - (u - x));
    M_f32 plain = both_f32(lt_f32(C(0.0f), u), lt_f32(u, C(INFINITY)));
    return log_f32(u) + sel_f32(plain, c / u, C(0.0f));
}

/* log(1 + x) for 0 <= x <= 1, without division or exponent */
INLINE V_f32 log1p01_f32(V_f32 x)
{
    V_f32 p = fma_f32(C(0.00198669662f), x, C(-0.0131878266f));
    p = fma_f32(p, x, C(0.0410065725f));
    p = fma_f32(p, x, C(-0.0818804055f));
    p = fma_f32(p, x, C(0.12377996f));
    p = fma_f32(p, x, C(-0.160876229f));
    p = fma_f32(p, x, C(0.198858202f));
    p = fma_f32(p, x, C(-0.249864966f));
    p = fma_f32(p, x, C(0.333324969f));
    p = fma_f32(p, x, C(-0.499999791f));
    return fma_f32(p, x * x, x);
}

/* t/(t+2), t = e^2|x| - 1 */
INLINE V_f32 tanh_f32(V_f32 x)
{
    V_f32 a = min_f32(C(9.5f), abs_f32(x)), t = expm1_core(a + a);
    return sign_of_f32(quot_f32(t, t + C(2.0f)), x);
}

INLINE V_f32 erf_f32(V_f32 x)
{
    V_f32 a = min_f32(C(4.0f), abs_f32(x)), z = a * a;
    V_f32 s = fma_f32(C(7.87587487e-05f), z, C(-0.00080168643f));
    s = fma_f32(s, z, C(0.00518908724f));
    s = fma_f32(s, z, C(-0.0268542115f));
    s = fma_f32(s, z, C(0.112835944f));
    s = fma_f32(s, z, C(-0.37612626f));
    s = fma_f32(s, z, C(0.128379167f));
    s = fma_f32(s, a, a);
    V_f32 p = fma_f32(C(-1.64267897e-06f), a, C(4.61647869e-05f)); /* -log erfc */
    p = fma_f32(p, a, C(-0.000597677252f));
    p = fma_f32(p, a, C(0.00476350961f));
    p = fma_f32(p, a, C(-0.0264316425f));
    p = fma_f32(p, a, C(0.110097244f));
    p = fma_f32(p, a, C(0.631809533f));
    p = fma_f32(p, a, C(1.13024187f));
    p = fma_f32(p, a, C(-0.000321866246f));
    V_f32 big = C(1.0f) - exp_f32(C(0.0f) - p);
    return sign_of_f32(sel_f32(lt_f32(a, C(1.0f)), s, big), x);
}

/* sine and cosine for |r| <= pi/4 */
INLINE V_f32 sin_poly(V_f32 r, V_f32 z)
{
    V_f32 s = fma_f32(C(-0.000195878907f), z, C(0.00833274797f));
    s = fma_f32(s, z, C(-0.166666642f));
    return fma_f32(s, z * r, r);
}
INLINE V_f32 cos_poly(V_f32 z)
{
    V_f32 c = fma_f32(C(2.45479423e-05f), z, C(-0.00138883025f));
    c = fma_f32(c, z, C(0.0416666642f));
    return fma_f32(c, z * z, fma_f32(C(-0.5f), z, C(1.0f)));
}
/* of the angle q pi/2 + r */
INLINE V_f32 sin_quadrant(I_f32 q, V_f32 r)
{
    V_f32 z = r * r;
    U_f32 odd = (U_f32)(-(q & 1));
    U_f32 v = (odd & (U_f32)cos_poly(z)) | (~odd & (U_f32)sin_poly(r, z));
    return (V_f32)(v ^ (((U_f32)q & 2u) << 30));
}

/* x = q pi/2 + r for |x| <= 1e5 (Cody and Waite; in double where there is no fused multiply-add) */
INLINE V_f32 quadrant(V_f32 x, I_f32 *q)
{
    V_f32 t = fma_f32(x, C(0.636619772f), C(ROUND_MAGIC)), n = t - C(ROUND_MAGIC);
    *q = (I_f32)t - (I_f32)C(ROUND_MAGIC);
#if SIMD > 0
    V_f32 r = fma_f32(n, C(-1.57079637f), x);
    r = fma_f32(n, C(4.37113883e-08f), r);
    return fma_f32(n, C(1.71512451e-15f), r);
#else
    V_f32 r = x;
    for (size_t l = 0; l < L_f32; l++) {
        double w = (double)x[l] - (double)n[l] * 1.5707963267341256; /* 33 bits of pi/2 */
        r[l] = (float)(w - (double)n[l] * 6.0771005065061922e-11);
    }
    return r;
#endif
}

#define GM__LANES(S, FN, v)                                                      \
    for (size_t gm__l = 0; gm__l < L_##S; gm__l++) (v)[gm__l] = FN((v)[gm__l])

INLINE float sin_one(float x) { return (float)sin((double)x); }
INLINE float cos_one(float x) { return (float)cos((double)x); }

INLINE V_f32 sin_f32(V_f32 x)
{
    if (any_f32(not_f32(le_f32(abs_f32(x), C(1e5f))))) { /* rare: huge, inf, NaN */
        GM__LANES(f32, sin_one, x);
        return x;
    }
    I_f32 q;
    V_f32 r = quadrant(x, &q);
    return sin_quadrant(q, r);
}
INLINE V_f32 cos_f32(V_f32 x)
{
    if (any_f32(not_f32(le_f32(abs_f32(x), C(1e5f))))) {
        GM__LANES(f32, cos_one, x);
        return x;
    }
    I_f32 q;
    V_f32 r = quadrant(x, &q);
    return sin_quadrant(q + 1, r);
}
#undef C

/* ---- f64 ---------------------------------------------------------------------- */

#define GM__F64(NAME, FN)                                                        \
    static inline __attribute__((unused)) V_f64 NAME##_f64(V_f64 x)              \
    {                                                                            \
        GM__LANES(f64, FN, x);                                                   \
        return x;                                                                \
    }
GM__F64(exp, exp)
GM__F64(expm1, expm1)
GM__F64(log, log)
GM__F64(log1p, log1p)
GM__F64(log1p01, log1p)
GM__F64(tanh, tanh)
GM__F64(erf, erf)
GM__F64(sin, sin)
GM__F64(cos, cos)

#define GM__POW(S, FN)                                                           \
    static inline __attribute__((unused)) V_##S pow_##S(V_##S a, V_##S b)        \
    {                                                                            \
        for (size_t l = 0; l < L_##S; l++) a[l] = FN(a[l], b[l]);                \
        return a;                                                                \
    }
GM__POW(f32, powf)
GM__POW(f64, pow)

#endif
