/* copy.c - copies values between tensors of any strides and types, with broadcasting. */
#include "kernels/kernels.h"
#include "tensor/tensor.h"
#include <string.h>

/* ---- one type: elements are moved as bytes, so host memory need not be aligned ---- */

static void copy_strided(size_t esize, int64_t n, char *d, int64_t ds, const char *s, int64_t ss)
{
    switch (esize) {
    case 1: for (int64_t i = 0; i < n; i++) d[i * ds] = s[i * ss]; break;
    case 2: for (int64_t i = 0; i < n; i++) memcpy(d + i * ds, s + i * ss, 2); break;
    case 4: for (int64_t i = 0; i < n; i++) memcpy(d + i * ds, s + i * ss, 4); break;
    default: for (int64_t i = 0; i < n; i++) memcpy(d + i * ds, s + i * ss, 8); break;
    }
}

/* A transpose touches a cache line of the source per element: take square blocks, so that lines are used whole. */
static void copy_blocks(size_t esize, int64_t rows, int64_t cols, char *d, int64_t d0, int64_t d1, const char *s, int64_t s0, int64_t s1)
{
    enum { BLOCK = 32 };
    for (int64_t i = 0; i < rows; i += BLOCK)
        for (int64_t j = 0; j < cols; j += BLOCK) {
            int64_t m = rows - i < BLOCK ? rows - i : BLOCK, n = cols - j < BLOCK ? cols - j : BLOCK;
            for (int64_t k = 0; k < m; k++)
                copy_strided(esize, n, d + (i + k) * d0 + j * d1, d1, s + (i + k) * s0 + j * s1, s1);
        }
}

static void copy_same(const gm_tensor *dst, const gm_tensor *src)
{
    size_t esize = gm__esize(dst->dtype);
    int64_t es = (int64_t)esize;
    const gm_tensor *ops[2] = {dst, src};
    gm__walk w;
    gm__walk_init(&w, dst->ndim, dst->shape, 2, ops);
    if (w.inner == 0) return;
    if (w.ndim >= 2 && w.istride[1] > es && w.stride[1][w.ndim - 2] == es) {
        int a = w.ndim - 2; /* walk the axes before the last two; each step is one matrix */
        int64_t rows = w.shape[a], cols = w.inner, d0 = w.stride[0][a], s0 = w.stride[1][a], d1 = w.istride[0], s1 = w.istride[1];
        w.shape[a] = 1;
        do copy_blocks(esize, rows, cols, w.ptr[0], d0, d1, w.ptr[1], s0, s1);
        while (gm__walk_next(&w));
        return;
    }
    do {
        if (w.istride[0] == es && w.istride[1] == es) memcpy(w.ptr[0], w.ptr[1], (size_t)w.inner * esize);
        else copy_strided(esize, w.inner, w.ptr[0], w.istride[0], w.ptr[1], w.istride[1]);
    } while (gm__walk_next(&w));
}

/* ---- two types ------------------------------------------------------------- */

typedef uint16_t bf16; /* the upper half of a float */

static inline float bf16_value(bf16 x)
{
    uint32_t u = (uint32_t)x << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}

/* Round to nearest even; NaN stays NaN. */
static inline bf16 bf16_from(double v)
{
    float f = (float)v;
    uint32_t u;
    memcpy(&u, &f, 4);
    if (f != f) return (bf16)((u >> 16) | 0x40u);
    return (bf16)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

/* Toward zero, clamped to the type; NaN gives 0. */
static inline int64_t clamp_real(double v, int64_t lo, int64_t hi)
{
    if (v != v) return 0;
    if (v <= (double)lo) return lo;
    if (v >= (double)hi) return hi; /* (double)INT64_MAX is 2^63, which is out of range as well */
    return (int64_t)v;
}
static inline int64_t clamp_int(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }

/* load: element as double or int64_t; store: from each of these */
#define REAL_f32(x) ((double)(x))
#define REAL_f64(x) (x)
#define REAL_bf16(x) ((double)bf16_value(x))
#define TO_f32(v) ((float)(v))
#define TO_f64(v) ((double)(v))
#define TO_bf16(v) bf16_from((double)(v))
#define RTO_i32(v) ((int32_t)clamp_real(v, INT32_MIN, INT32_MAX))
#define RTO_i64(v) clamp_real(v, INT64_MIN, INT64_MAX)
#define RTO_u8(v) ((uint8_t)clamp_real(v, 0, 255))
#define ITO_i32(v) ((int32_t)clamp_int(v, INT32_MIN, INT32_MAX))
#define ITO_i64(v) (v)
#define ITO_u8(v) ((uint8_t)clamp_int(v, 0, 255))

typedef void convert_fn(int64_t n, char *d, int64_t ds, const char *s, int64_t ss);

#define CONVERT(D, S, DT, ST, EXPR)                                                           \
    static void S##_to_##D(int64_t n, char *d, int64_t ds, const char *s, int64_t ss)         \
    {                                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                     \
            ST x;                                                                             \
            memcpy(&x, s + i * ss, sizeof x);                                                 \
            DT y = EXPR;                                                                      \
            memcpy(d + i * ds, &y, sizeof y);                                                 \
        }                                                                                     \
    }
#define FROM_REAL(S, ST)                                                                      \
    CONVERT(i32, S, int32_t, ST, RTO_i32(REAL_##S(x)))                                        \
    CONVERT(i64, S, int64_t, ST, RTO_i64(REAL_##S(x)))                                        \
    CONVERT(u8, S, uint8_t, ST, RTO_u8(REAL_##S(x)))
#define FROM_INT(S, ST)                                                                       \
    CONVERT(f32, S, float, ST, TO_f32(x))                                                     \
    CONVERT(f64, S, double, ST, TO_f64(x))                                                    \
    CONVERT(bf16, S, bf16, ST, TO_bf16(x))
FROM_REAL(f32, float)
FROM_REAL(f64, double)
FROM_REAL(bf16, bf16)
FROM_INT(i32, int32_t)
FROM_INT(i64, int64_t)
FROM_INT(u8, uint8_t)
CONVERT(f64, f32, double, float, TO_f64(x))
CONVERT(bf16, f32, bf16, float, TO_bf16(x))
CONVERT(f32, f64, float, double, TO_f32(x))
CONVERT(bf16, f64, bf16, double, TO_bf16(x))
CONVERT(f32, bf16, float, bf16, TO_f32(REAL_bf16(x)))
CONVERT(f64, bf16, double, bf16, TO_f64(REAL_bf16(x)))
CONVERT(i64, i32, int64_t, int32_t, ITO_i64((int64_t)x))
CONVERT(u8, i32, uint8_t, int32_t, ITO_u8(x))
CONVERT(i32, i64, int32_t, int64_t, ITO_i32(x))
CONVERT(u8, i64, uint8_t, int64_t, ITO_u8(x))
CONVERT(i32, u8, int32_t, uint8_t, ITO_i32(x))
CONVERT(i64, u8, int64_t, uint8_t, ITO_i64((int64_t)x))

/* [from][to], in the order of the GM_F32 .. constants */
static convert_fn *const converters[6][6] = {
    {NULL, f32_to_f64, f32_to_i32, f32_to_i64, f32_to_u8, f32_to_bf16},
    {f64_to_f32, NULL, f64_to_i32, f64_to_i64, f64_to_u8, f64_to_bf16},
    {i32_to_f32, i32_to_f64, NULL, i32_to_i64, i32_to_u8, i32_to_bf16},
    {i64_to_f32, i64_to_f64, i64_to_i32, NULL, i64_to_u8, i64_to_bf16},
    {u8_to_f32, u8_to_f64, u8_to_i32, u8_to_i64, NULL, u8_to_bf16},
    {bf16_to_f32, bf16_to_f64, bf16_to_i32, bf16_to_i64, bf16_to_u8, NULL},
};

/* The pairs that data and mixed-type models convert all the time have vector kernels. */
static bool convert_fast(gm_ctx *ctx, const gm_tensor *dst, const gm_tensor *src, size_t n, char *d, const char *s)
{
    const gm__kern *k = ctx->kern;
    switch (src->dtype * 8 + dst->dtype) {
    case GM_U8 * 8 + GM_F32: k->u8_f32(n, (float *)(void *)d, (const uint8_t *)s, 1.0f, 0.0f); return true;
    case GM_F32 * 8 + GM_F64: k->f32_f64(n, (double *)(void *)d, (const float *)(const void *)s); return true;
    case GM_F64 * 8 + GM_F32: k->f64_f32(n, (float *)(void *)d, (const double *)(const void *)s); return true;
    case GM_BF16 * 8 + GM_F32: k->bf16_f32(n, (float *)(void *)d, (const uint16_t *)(const void *)s); return true;
    case GM_F32 * 8 + GM_BF16: k->f32_bf16(n, (uint16_t *)(void *)d, (const float *)(const void *)s); return true;
    default: return false;
    }
}

static void copy_convert(gm_ctx *ctx, const gm_tensor *dst, const gm_tensor *src)
{
    int64_t de = (int64_t)gm__esize(dst->dtype), se = (int64_t)gm__esize(src->dtype);
    convert_fn *convert = converters[src->dtype][dst->dtype];
    const gm_tensor *ops[2] = {dst, src};
    gm__walk w;
    gm__walk_init(&w, dst->ndim, dst->shape, 2, ops);
    if (w.inner == 0) return;
    do {
        bool dense = w.istride[0] == de && w.istride[1] == se;
        if (!dense || !convert_fast(ctx, dst, src, (size_t)w.inner, w.ptr[0], w.ptr[1]))
            convert(w.inner, w.ptr[0], w.istride[0], w.ptr[1], w.istride[1]);
    } while (gm__walk_next(&w));
}

/* ---- long plain copies over the pool ---------------------------------------- */

enum { CHUNK = 1 << 20 };
typedef struct { char *d; const char *s; size_t n; } span;

static void copy_chunk(void *arg, size_t task, size_t worker)
{
    const span *c = arg;
    size_t at = task * CHUNK, n = c->n - at < CHUNK ? c->n - at : CHUNK;
    GM__UNUSED(worker);
    memcpy(c->d + at, c->s + at, n);
}

void gm__copy_values(gm_ctx *ctx, const gm_tensor *dst, const gm_tensor *src)
{
    if (dst->size == 0) return;
    if (dst->dtype != src->dtype) {
        copy_convert(ctx, dst, src);
    } else if (dst->contiguous && src->contiguous && dst->size == src->size) {
        /* equal sizes under broadcasting mean equal shapes up to axes of one element */
        span c = {dst->data, src->data, (size_t)dst->size * gm__esize(dst->dtype)};
        if (c.n <= 2 * (size_t)CHUNK) memcpy(c.d, c.s, c.n);
        else gm__parallel(ctx, (c.n + CHUNK - 1) / CHUNK, copy_chunk, &c);
    } else {
        copy_same(dst, src);
    }
}
