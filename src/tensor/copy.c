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

/* A matrix whose rows lie along memory in s, whose columns do in d: through a small block of less than 4 KiB, so that cache lines are
 * used whole on both sides, also where rows of s are a power of two apart and fall on each other in the cache. */
#define TRANSPOSE(T, R, C)                                                                                              \
    static void transpose_##T(int64_t rows, int64_t cols, char *d, int64_t d0, const char *s, int64_t s1)              \
    {                                                                                                                   \
        T block[R][C];                                                                                                  \
        for (int64_t i = 0; i < rows; i += R)                                                                           \
            for (int64_t j = 0; j < cols; j += C) {                                                                     \
                int64_t m = rows - i < R ? rows - i : R, n = cols - j < C ? cols - j : C;                               \
                for (int64_t l = 0; l < n; l++) {                                                                       \
                    const char *column = s + i * (int64_t)sizeof(T) + (j + l) * s1;                                     \
                    for (int64_t k = 0; k < m; k++) memcpy(&block[k][l], column + k * (int64_t)sizeof(T), sizeof(T));   \
                }                                                                                                       \
                for (int64_t k = 0; k < m; k++)                                                                         \
                    memcpy(d + (i + k) * d0 + j * (int64_t)sizeof(T), block[k], (size_t)n * sizeof(T));                 \
            }                                                                                                           \
    }
TRANSPOSE(uint8_t, 32, 32)
TRANSPOSE(uint16_t, 32, 32)
TRANSPOSE(uint32_t, 16, 32)
TRANSPOSE(uint64_t, 16, 24)

/* A copy cut into pieces, each some rows of one matrix; the last two axes are rows and columns. */
typedef struct piece_job {
    size_t esize;
    int ndim;
    int64_t shape[GM_MAX_DIMS + 1], d[GM_MAX_DIMS + 1], s[GM_MAX_DIMS + 1]; /* byte strides */
    char *dst;
    const char *src;
    int64_t each, parts; /* rows of a piece, pieces of a matrix */
    size_t pieces, group; /* of a task */
} piece_job;

static void copy_piece(const piece_job *j, int64_t piece)
{
    int a = j->ndim - 2;
    int64_t at = piece / j->parts, first = piece % j->parts * j->each, es = (int64_t)j->esize;
    int64_t rows = j->shape[a] - first < j->each ? j->shape[a] - first : j->each, cols = j->shape[a + 1];
    char *d = j->dst + first * j->d[a];
    const char *s = j->src + first * j->s[a];
    for (int k = a - 1; k >= 0; at /= j->shape[k--]) {
        d += at % j->shape[k] * j->d[k];
        s += at % j->shape[k] * j->s[k];
    }
    if (j->d[a + 1] == es && j->s[a + 1] == es) {
        for (int64_t i = 0; i < rows; i++) memcpy(d + i * j->d[a], s + i * j->s[a], (size_t)cols * j->esize);
    } else if (j->d[a + 1] == es && j->s[a] == es) {
        switch (es) {
        case 1: transpose_uint8_t(rows, cols, d, j->d[a], s, j->s[a + 1]); break;
        case 2: transpose_uint16_t(rows, cols, d, j->d[a], s, j->s[a + 1]); break;
        case 4: transpose_uint32_t(rows, cols, d, j->d[a], s, j->s[a + 1]); break;
        default: transpose_uint64_t(rows, cols, d, j->d[a], s, j->s[a + 1]); break;
        }
    } else {
        for (int64_t i = 0; i < rows; i++) copy_strided(j->esize, cols, d + i * j->d[a], j->d[a + 1], s + i * j->s[a], j->s[a + 1]);
    }
}
static void copy_pieces(void *arg, size_t task, size_t worker)
{
    const piece_job *j = arg;
    size_t first = task * j->group, last = j->pieces - first < j->group ? j->pieces : first + j->group;
    GM__UNUSED(worker);
    for (size_t p = first; p < last; p++) copy_piece(j, (int64_t)p);
}

/* Moves the axis along which memory runs (a stride of one element) to place `to`, if there is one up to there. */
static void bring_axis(piece_job *j, const int64_t *stride, int to)
{
    int k = to;
    while (k >= 0 && !(stride[k] == (int64_t)j->esize && j->shape[k] > 1)) k--;
    for (; k >= 0 && k < to; k++) {
        int64_t n = j->shape[k], d = j->d[k], s = j->s[k];
        j->shape[k] = j->shape[k + 1], j->d[k] = j->d[k + 1], j->s[k] = j->s[k + 1];
        j->shape[k + 1] = n, j->d[k + 1] = d, j->s[k + 1] = s;
    }
}

static void copy_same(gm_ctx *ctx, const gm_tensor *dst, const gm_tensor *src)
{
    enum { PIECE = 8192, SQUARE = 32, WORTH = 65536 }; /* elements of a piece; fewer are not worth waking a thread */
    const gm_tensor *ops[2] = {dst, src};
    gm__walk w;
    gm__walk_init(&w, dst->ndim, dst->shape, 2, ops);
    if (w.inner == 0) return;
    piece_job j = {.esize = gm__esize(dst->dtype), .ndim = w.ndim, .dst = w.ptr[0], .src = w.ptr[1]};
    int lead = w.ndim < 2 ? 2 - w.ndim : 0; /* a matrix at least */
    j.ndim = w.ndim + lead;
    for (int k = 0; k < j.ndim; k++) {
        j.shape[k] = k < lead ? 1 : w.shape[k - lead];
        j.d[k] = k < lead ? 0 : w.stride[0][k - lead];
        j.s[k] = k < lead ? 0 : w.stride[1][k - lead];
    }
    int last = j.ndim - 1;
    bring_axis(&j, j.d, last);
    if (j.s[last] != (int64_t)j.esize || j.shape[last] == 1) bring_axis(&j, j.s, last - 1);
    int64_t rows = j.shape[last - 1], cols = j.shape[last];
    j.each = cols >= PIECE ? 1 : (PIECE / cols + SQUARE - 1) / SQUARE * SQUARE;
    if (j.each > rows) j.each = rows;
    j.parts = (rows + j.each - 1) / j.each;
    j.pieces = (size_t)(j.parts * (dst->size / (rows * cols)));
    j.group = (size_t)(PIECE / (j.each * cols)) + 1;
    size_t tasks = (j.pieces + j.group - 1) / j.group;
    if (tasks > 1 && dst->size >= WORTH) gm__parallel(ctx, tasks, copy_pieces, &j);
    else for (size_t t = 0; t < tasks; t++) copy_pieces(&j, t, 0);
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
        copy_same(ctx, dst, src);
    }
}
