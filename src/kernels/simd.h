/* simd.h - the few vector primitives that the kernel body is written in, for
 * the instruction set named by SIMD: 0 plain (16-byte GCC vectors, any CPU),
 * 1 AVX2+FMA, 2 AVX-512. For each element type S (f32, f64):
 *   V_S vector, M_S comparison mask, L_S lanes
 *   load store loadn storen(first r lanes, the rest read as 0) set1
 *   min max: b if the operands are unordered, as the x86 instructions do
 *   fma sqrt sel(mask, yes, no) lt le eq any word(a bit for each lane of a mask)
 * Arithmetic is the plain operators. */
#ifndef GM_KERNELS_SIMD_H
#define GM_KERNELS_SIMD_H

#include "kernels/kernels.h"
#include <math.h>
#include <string.h>
#if SIMD > 0
#include <immintrin.h>
#endif

#define GM__JOIN2(a, b) a##_##b
#define GM__JOIN(a, b) GM__JOIN2(a, b)
#define INLINE static inline __attribute__((always_inline, unused))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#if SIMD == 2
#define BYTES 64
#elif SIMD == 1
#define BYTES 32
#else
#define BYTES 16
#endif
enum { L_f32 = BYTES / 4, L_f64 = BYTES / 8 };
typedef int32_t I_f32 __attribute__((vector_size(BYTES)));
typedef int64_t I_f64 __attribute__((vector_size(BYTES)));
typedef uint32_t U_f32 __attribute__((vector_size(BYTES)));
typedef uint64_t U_f64 __attribute__((vector_size(BYTES)));
typedef float H_f32 __attribute__((vector_size(BYTES / 2))); /* as many floats as V_f64 has lanes */

#if SIMD == 2 /* ---- AVX-512 ------------------------------------------------- */

typedef __m512 V_f32;
typedef __m512d V_f64;
typedef __mmask16 M_f32;
typedef __mmask8 M_f64;

#define GM__AVX512(S, P, T, MT, sqrtm)                                                               \
    INLINE V_##S load_##S(const T *p) { return _mm512_loadu_##P(p); }                                \
    INLINE void store_##S(T *p, V_##S v) { _mm512_storeu_##P(p, v); }                                \
    INLINE MT first_##S(size_t r) { return (MT)((1u << r) - 1u); }                                   \
    INLINE V_##S loadn_##S(const T *p, size_t r) { return _mm512_maskz_loadu_##P(first_##S(r), p); } \
    INLINE void storen_##S(T *p, V_##S v, size_t r) { _mm512_mask_storeu_##P(p, first_##S(r), v); }  \
    INLINE V_##S set1_##S(T x) { return _mm512_set1_##P(x); }                                        \
    INLINE V_##S min_##S(V_##S a, V_##S b) { return _mm512_min_##P(a, b); }                          \
    INLINE V_##S max_##S(V_##S a, V_##S b) { return _mm512_max_##P(a, b); }                          \
    INLINE V_##S fma_##S(V_##S a, V_##S b, V_##S c) { return _mm512_fmadd_##P(a, b, c); }            \
    INLINE V_##S sqrt_##S(V_##S a) { return _mm512_sqrt_##P(a); }                                    \
    INLINE V_##S sel_##S(MT m, V_##S a, V_##S b) { return _mm512_mask_blend_##P(m, b, a); }          \
    INLINE MT lt_##S(V_##S a, V_##S b) { return _mm512_cmp_##P##_mask(a, b, _CMP_LT_OQ); }           \
    INLINE MT le_##S(V_##S a, V_##S b) { return _mm512_cmp_##P##_mask(a, b, _CMP_LE_OQ); }           \
    INLINE MT eq_##S(V_##S a, V_##S b) { return _mm512_cmp_##P##_mask(a, b, _CMP_EQ_OQ); }           \
    INLINE MT not_##S(MT m) { return (MT)~m; }                                                       \
    INLINE MT both_##S(MT m, MT k) { return (MT)(m & k); }                                           \
    INLINE bool any_##S(MT m) { return m != 0; }                                                     \
    INLINE uint32_t word_##S(MT m) { return m; }
GM__AVX512(f32, ps, float, __mmask16, )
GM__AVX512(f64, pd, double, __mmask8, )

/* p * 2^n with one rounding, n a whole number */
INLINE V_f32 scale2_f32(V_f32 p, V_f32 n, I_f32 ni) { (void)ni; return _mm512_scalef_ps(p, n); }
/* low halves of 64-bit lanes multiplied to 64 bits; the high half in the low one's place */
INLINE U_f64 mul32(U_f64 a, U_f64 b) { return (U_f64)_mm512_mul_epu32((__m512i)a, (__m512i)b); }
INLINE U_f64 high32(U_f64 a) { return (U_f64)_mm512_shuffle_epi32((__m512i)a, (_MM_PERM_ENUM)0xf5); }
/* a/b for b in [1, 2^30], rounded like a division but for rare last bits: half its cost */
INLINE V_f32 quot_f32(V_f32 a, V_f32 b)
{
    V_f32 r = _mm512_rcp14_ps(b);
    r = fma_f32(_mm512_fnmadd_ps(b, r, set1_f32(1.0f)), r, r);
    V_f32 q = a * r;
    return fma_f32(_mm512_fnmadd_ps(b, q, a), r, q);
}
/* within each 128 bits: [a0 b0 a1 b1], [a2 b2 a3 b3]; [a0 b0], [a1 b1] */
INLINE V_f32 zip_lo_f32(V_f32 a, V_f32 b) { return _mm512_unpacklo_ps(a, b); }
INLINE V_f32 zip_hi_f32(V_f32 a, V_f32 b) { return _mm512_unpackhi_ps(a, b); }
INLINE V_f64 zip_lo_f64(V_f64 a, V_f64 b) { return _mm512_unpacklo_pd(a, b); }
INLINE V_f64 zip_hi_f64(V_f64 a, V_f64 b) { return _mm512_unpackhi_pd(a, b); }
/* 16 bytes at p, p + s, p + 2s, p + 3s */
INLINE V_f32 load128_f32(const float *p, ptrdiff_t s)
{
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(p));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + s), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 2 * s), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(p + 3 * s), 3);
}
INLINE V_f64 load128_f64(const double *p, ptrdiff_t s)
{
    __m512d v = _mm512_castpd128_pd512(_mm_loadu_pd(p));
    v = _mm512_insertf64x2(v, _mm_loadu_pd(p + s), 1);
    v = _mm512_insertf64x2(v, _mm_loadu_pd(p + 2 * s), 2);
    return _mm512_insertf64x2(v, _mm_loadu_pd(p + 3 * s), 3);
}
static const U_f64 gm__block_order = { 0, 4, 1, 5, 2, 6, 3, 7 };

#elif SIMD == 1 /* ---- AVX2 -------------------------------------------------- */

typedef __m256 V_f32;
typedef __m256d V_f64;
typedef __m256 M_f32;
typedef __m256d M_f64;

INLINE __m256i first_f32(size_t r)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)r), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE __m256i first_f64(size_t r)
{
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)r), _mm256_setr_epi64x(0, 1, 2, 3));
}
#define GM__AVX2(S, P, T)                                                                            \
    INLINE V_##S load_##S(const T *p) { return _mm256_loadu_##P(p); }                                \
    INLINE void store_##S(T *p, V_##S v) { _mm256_storeu_##P(p, v); }                                \
    INLINE V_##S loadn_##S(const T *p, size_t r) { return _mm256_maskload_##P(p, first_##S(r)); }    \
    INLINE V_##S set1_##S(T x) { return _mm256_set1_##P(x); }                                        \
    INLINE V_##S min_##S(V_##S a, V_##S b) { return _mm256_min_##P(a, b); }                          \
    INLINE V_##S max_##S(V_##S a, V_##S b) { return _mm256_max_##P(a, b); }                          \
    INLINE V_##S fma_##S(V_##S a, V_##S b, V_##S c) { return _mm256_fmadd_##P(a, b, c); }            \
    INLINE V_##S sqrt_##S(V_##S a) { return _mm256_sqrt_##P(a); }                                    \
    INLINE V_##S sel_##S(M_##S m, V_##S a, V_##S b) { return _mm256_blendv_##P(b, a, m); }           \
    INLINE M_##S lt_##S(V_##S a, V_##S b) { return _mm256_cmp_##P(a, b, _CMP_LT_OQ); }               \
    INLINE M_##S le_##S(V_##S a, V_##S b) { return _mm256_cmp_##P(a, b, _CMP_LE_OQ); }               \
    INLINE M_##S eq_##S(V_##S a, V_##S b) { return _mm256_cmp_##P(a, b, _CMP_EQ_OQ); }               \
    INLINE M_##S not_##S(M_##S m) { return (M_##S)~(I_##S)m; }                                       \
    INLINE M_##S both_##S(M_##S m, M_##S k) { return _mm256_and_##P(m, k); }                         \
    INLINE bool any_##S(M_##S m) { return _mm256_movemask_##P(m) != 0; }                             \
    INLINE uint32_t word_##S(M_##S m) { return (uint32_t)_mm256_movemask_##P(m); }
GM__AVX2(f32, ps, float)
GM__AVX2(f64, pd, double)
/* in halves: a masked store takes some CPUs twenty cycles */
INLINE void storen_f32(float *p, __m256 v, size_t r)
{
    if (r >= 8) {
        store_f32(p, v);
        return;
    }
    __m128 h = _mm256_castps256_ps128(v);
    if (r & 4) {
        _mm_storeu_ps(p, h);
        h = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (r & 2) {
        _mm_storel_pi((__m64 *)(void *)p, h);
        h = _mm_movehl_ps(h, h);
        p += 2;
    }
    if (r & 1) _mm_store_ss(p, h);
}
INLINE void storen_f64(double *p, __m256d v, size_t r)
{
    if (r >= 4) {
        store_f64(p, v);
        return;
    }
    __m128d h = _mm256_castpd256_pd128(v);
    if (r & 2) {
        _mm_storeu_pd(p, h);
        h = _mm256_extractf128_pd(v, 1);
        p += 2;
    }
    if (r & 1) _mm_store_sd(p, h);
}

INLINE U_f64 mul32(U_f64 a, U_f64 b) { return (U_f64)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
INLINE U_f64 high32(U_f64 a) { return (U_f64)_mm256_shuffle_epi32((__m256i)a, 0xf5); }
INLINE V_f32 zip_lo_f32(V_f32 a, V_f32 b) { return _mm256_unpacklo_ps(a, b); }
INLINE V_f32 zip_hi_f32(V_f32 a, V_f32 b) { return _mm256_unpackhi_ps(a, b); }
INLINE V_f64 zip_lo_f64(V_f64 a, V_f64 b) { return _mm256_unpacklo_pd(a, b); }
INLINE V_f64 zip_hi_f64(V_f64 a, V_f64 b) { return _mm256_unpackhi_pd(a, b); }
INLINE V_f32 load128_f32(const float *p, ptrdiff_t s) { return _mm256_loadu2_m128(p + s, p); }
INLINE V_f64 load128_f64(const double *p, ptrdiff_t s) { return _mm256_loadu2_m128d(p + s, p); }
static const U_f64 gm__block_order = { 0, 2, 1, 3 };

#else /* ---- plain ------------------------------------------------------------ */

typedef float V_f32 __attribute__((vector_size(BYTES)));
typedef double V_f64 __attribute__((vector_size(BYTES)));
typedef I_f32 M_f32;
typedef I_f64 M_f64;

#define GM__PLAIN(S, T, SQRT)                                                                        \
    INLINE V_##S load_##S(const T *p) { V_##S v; memcpy(&v, p, BYTES); return v; }                   \
    INLINE void store_##S(T *p, V_##S v) { memcpy(p, &v, BYTES); }                                   \
    INLINE V_##S loadn_##S(const T *p, size_t r)                                                     \
    {                                                                                                \
        V_##S v = { 0 };                                                                             \
        for (size_t l = 0; l < L_##S; l++)                                                           \
            if (l < r) v[l] = p[l];                                                                  \
        return v;                                                                                    \
    }                                                                                                \
    INLINE void storen_##S(T *p, V_##S v, size_t r)                                                  \
    {                                                                                                \
        for (size_t l = 0; l < L_##S; l++)                                                           \
            if (l < r) p[l] = v[l];                                                                  \
    }                                                                                                \
    INLINE V_##S set1_##S(T x) { return x - (V_##S){ 0 }; }                                          \
    INLINE V_##S sel_##S(M_##S m, V_##S a, V_##S b) { return (V_##S)((m & (I_##S)a) | (~m & (I_##S)b)); } \
    INLINE M_##S lt_##S(V_##S a, V_##S b) { return (M_##S)(a < b); }                                 \
    INLINE M_##S le_##S(V_##S a, V_##S b) { return (M_##S)(a <= b); }                                \
    INLINE M_##S eq_##S(V_##S a, V_##S b) { return (M_##S)(a == b); }                                \
    INLINE M_##S not_##S(M_##S m) { return ~m; }                                                     \
    INLINE M_##S both_##S(M_##S m, M_##S k) { return m & k; }                                        \
    INLINE V_##S min_##S(V_##S a, V_##S b) { return sel_##S(lt_##S(a, b), a, b); }                   \
    INLINE V_##S max_##S(V_##S a, V_##S b) { return sel_##S(lt_##S(b, a), a, b); }                   \
    INLINE V_##S fma_##S(V_##S a, V_##S b, V_##S c) { return a * b + c; }                            \
    INLINE V_##S sqrt_##S(V_##S a)                                                                   \
    {                                                                                                \
        for (size_t l = 0; l < L_##S; l++) a[l] = SQRT(a[l]);                                        \
        return a;                                                                                    \
    }                                                                                                \
    INLINE bool any_##S(M_##S m)                                                                     \
    {                                                                                                \
        I_f64 w = (I_f64)m;                                                                          \
        return (w[0] | w[1]) != 0;                                                                   \
    }                                                                                                \
    INLINE uint32_t word_##S(M_##S m)                                                                \
    {                                                                                                \
        uint32_t w = 0;                                                                              \
        for (size_t l = 0; l < L_##S; l++) w |= (uint32_t)(m[l] & 1) << l;                           \
        return w;                                                                                    \
    }                                                                                                \
    INLINE V_##S load128_##S(const T *p, ptrdiff_t s) { (void)s; return load_##S(p); }
GM__PLAIN(f32, float, sqrtf)
GM__PLAIN(f64, double, sqrt)

INLINE U_f64 mul32(U_f64 a, U_f64 b) { return (a & 0xffffffffu) * (b & 0xffffffffu); }
INLINE U_f64 high32(U_f64 a) { return a >> 32; }
INLINE V_f32 zip_lo_f32(V_f32 a, V_f32 b) { return (V_f32){ a[0], b[0], a[1], b[1] }; }
INLINE V_f32 zip_hi_f32(V_f32 a, V_f32 b) { return (V_f32){ a[2], b[2], a[3], b[3] }; }
INLINE V_f64 zip_lo_f64(V_f64 a, V_f64 b) { return (V_f64){ a[0], b[0] }; }
INLINE V_f64 zip_hi_f64(V_f64 a, V_f64 b) { return (V_f64){ a[1], b[1] }; }
static const U_f64 gm__block_order = { 0, 1 };

#endif

/* ---- common ------------------------------------------------------------------ */

INLINE V_f64 quot_f64(V_f64 a, V_f64 b) { return a / b; }
#if SIMD < 2
INLINE V_f32 quot_f32(V_f32 a, V_f32 b) { return a / b; }
/* p * 2^n in two steps, so that results below the smallest normal round once */
INLINE V_f32 scale2_f32(V_f32 p, V_f32 n, I_f32 ni)
{
    (void)n;
    I_f32 half = ni >> 1;
    return p * (V_f32)(((U_f32)half + 127u) << 23) * (V_f32)(((U_f32)ni - (U_f32)half + 127u) << 23);
}
#endif

#define GM__SIGNS(S, T, ABSMASK)                                                                     \
    INLINE V_##S abs_##S(V_##S a) { return (V_##S)((I_##S)a & ABSMASK); }                            \
    /* magnitude of a, sign of b */                                                                  \
    INLINE V_##S sign_of_##S(V_##S a, V_##S b) { return (V_##S)(((I_##S)a & ABSMASK) | ((I_##S)b & ~ABSMASK)); } \
    /* 0 for what is nearer to 0 than tiny; NaN stays. Numbers that decay for ever (means without new                         \
     * gradients, saturated units) else end as denormals, where an operation costs a hundred others. */                       \
    INLINE V_##S fade_##S(V_##S a, V_##S tiny) { return sel_##S(lt_##S(abs_##S(a), tiny), set1_##S(0), a); }                  \
    INLINE M_##S nan_##S(V_##S a) { return not_##S(eq_##S(a, a)); }                                  \
    /* lanes added in halves: a fixed order */                                                       \
    INLINE T hsum_##S(V_##S v)                                                                       \
    {                                                                                                \
        T t[L_##S];                                                                                  \
        store_##S(t, v);                                                                             \
        for (size_t h = L_##S / 2; h; h /= 2)                                                        \
            for (size_t l = 0; l < h; l++) t[l] += t[l + h];                                         \
        return t[0];                                                                                 \
    }
GM__SIGNS(f32, float, INT32_C(0x7fffffff))
GM__SIGNS(f64, double, INT64_C(0x7fffffffffffffff))

#endif
