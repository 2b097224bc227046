/* elementwise.h - running kernels over tensors: any strides, adding or not, over threads. */
#ifndef GM_OPS_ELEMENTWISE_H
#define GM_OPS_ELEMENTWISE_H

#include "ops/ops.h"

/* A chunk of elements that fits a stack buffer. */
enum { GM__CHUNK_BYTES = 1024 };
typedef union gm__chunk { _Alignas(64) char bytes[GM__CHUNK_BYTES]; float f32[GM__CHUNK_BYTES / 4]; double f64[GM__CHUNK_BYTES / 8]; } gm__chunk;
static inline size_t gm__chunk_len(bool f64) { return GM__CHUNK_BYTES / (f64 ? 8 : 4); }

/* Kernels on the calling thread, by type. */
static inline void gm__k1(gm_ctx *ctx, bool f64, int op, size_t n, void *y, const void *x, const double *p)
{
    if (f64) {
        ctx->kern->unary_f64[op](n, y, x, p);
    } else {
        float q[2] = {p ? (float)p[0] : 0, p ? (float)p[1] : 0};
        ctx->kern->unary_f32[op](n, y, x, q);
    }
}
static inline void gm__k2(gm_ctx *ctx, bool f64, int op, size_t n, void *y, const void *a, const void *b, int mode, const double *p)
{
    if (f64) {
        ctx->kern->binary_f64[op](n, y, a, b, mode, p);
    } else {
        float q[2] = {p ? (float)p[0] : 0, p ? (float)p[1] : 0};
        ctx->kern->binary_f32[op](n, y, a, b, mode, q);
    }
}
/* y = a*x + b */
static inline void gm__kaffine(gm_ctx *ctx, bool f64, size_t n, void *y, const void *x, double a, double b)
{
    double p[2] = {a, b};
    gm__k1(ctx, f64, GM__U_AFFINE, n, y, x, p);
}
static inline double gm__ksum(gm_ctx *ctx, bool f64, size_t n, const void *x)
{
    return f64 ? ctx->kern->sum_f64(n, x) : (double)ctx->kern->sum_f32(n, x);
}
static inline double gm__kmax(gm_ctx *ctx, bool f64, size_t n, const void *x)
{
    return f64 ? ctx->kern->max_f64(n, x) : (double)ctx->kern->max_f32(n, x);
}
static inline double gm__load(bool f64, const void *p) { return f64 ? *(const double *)p : (double)*(const float *)p; }
static inline void gm__store(bool f64, void *p, double v)
{
    if (f64) *(double *)p = v;
    else *(float *)p = (float)v;
}

/* Runs fn over [0,n) in fixed ranges, on the pool when n items of `cost` elements are worth it.
 * Items must be independent of each other, so that ranges do not change results. */
typedef void gm__range_fn(void *arg, size_t first, size_t last);
void gm__ranges(gm_ctx *ctx, size_t n, size_t cost, gm__range_fn *fn, void *arg);

/* y (contiguous) = or += kernel(x), kernel(a, b); operands broadcast to y's shape, any strides. p may be NULL. */
void gm__ew1(gm_ctx *ctx, int op, const gm_tensor *y, const gm_tensor *x, const double *p, bool add);
void gm__ew2(gm_ctx *ctx, int op, const gm_tensor *y, const gm_tensor *a, const gm_tensor *b, const double *p, bool add);

/* shapes that most ops of two operands are tried on: broadcast either way, strided, empty */
#define GM__BINARY_SAMPLES \
    "7,17 7,17 | . . | 7,17 17 | 7,1 1,17:t | 3,1,4 . | 0,3 3 | 2,3,4:t 3,1 | 5,9:s 5,9:t | . 7,17 | 2,1,3,1,2 3,4,1 | 1 1,1 | 4,0,2 2:s"

/* Forward and gradients of whole ops. */
gm_status gm__unary_forward(gm__call *c, int op);
gm_status gm__unary_grad(gm_tape *t, const gm__node *n, gm_tensor *gy, int op_g, const gm_tensor *of);
gm_status gm__binary_forward(gm__call *c, int op);
/* input i's gradient = kernel(gy, of), summed down where input i was broadcast */
gm_status gm__binary_grad(gm_tape *t, const gm__node *n, int i, gm_tensor *gy, int op_g, const gm_tensor *of);
gm_status gm__affine_grad(gm_tape *t, const gm__node *n, int i, gm_tensor *gy, double a); /* a*gy */

#endif
