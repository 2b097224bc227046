/* ops.h - what op files share: the list, helpers, the sample language.
 *
 * One op is one file and one row in ops.def. Its samples are text, '|' between
 * samples; a sample is blank-separated words:
 *   7,17      an input of shape [7,17] (. for a tensor of no dimensions), f64 values in (-2,2)
 *   7,17:p    values in (0.5,2)       :u in (0.05,0.95)    :b u8 0/1     :k5 i64 in [0,5)   :K5 i32
 *   7,17:o    floats 0 or 1
 *   4,4:m     symmetric and positive definite matrices
 *   7,17:c    no gradient flows into this input
 *   7,17:t    stored transposed (strides reversed)  :s stored with a gap along the last axis
 *   -         an absent optional input
 *   i=1,2     attr.i    f=0.5   attr.f
 * Letters combine (7,17:pt). From the samples the suite makes reference values
 * (tests/vectors/ops.py through PyTorch), first and second gradients in f64, f32
 * against f64, determinism and failing allocations.
 */
#ifndef GM_OPS_OPS_INTERNAL_H
#define GM_OPS_OPS_INTERNAL_H

#include "kernels/kernels.h"
#include "tape/tape.h"
#include <gm/ops.h>

#define GM__OP(name) extern const gm__op gm__op_##name;
#include "ops/ops.def"
#undef GM__OP
extern const gm__op *const gm__all_ops[]; /* NULL-terminated, in ops.def's order */

static inline bool gm__f64_of(const gm_tensor *x) { return x->dtype == GM_F64; }
/* normalises an axis; -1 on failure, after recording it */
int gm__axis(gm__call *c, int64_t axis, int ndim);

/* ---- shape rules --------------------------------------------------------------- */

gm_status gm__want_float(gm__call *c);       /* every input f32 or f64, all alike */
gm_status gm__infer_same(gm__call *c);       /* out like in[0]; f32 or f64 demanded */
gm_status gm__infer_alike(gm__call *c);      /* as gm__infer_same, and all inputs of one shape */
gm_status gm__infer_broadcast(gm__call *c);  /* all inputs float of equal type, broadcast */
void gm__out_shape(gm__call *c, int dtype, int ndim, const int64_t *shape);
/* Ops whose result has a shape of its own keep it in attr.i: [0] ndim, [1..8] sizes. False after recording a failure. */
bool gm__attr_shape(gm_tape *t, const char *who, gm__attr *a, int32_t ndim, const int64_t *shape);

/* ---- pieces of expressions ------------------------------------------------------- */

/* sums g down to the shape of x (inverse of broadcasting), emits ops */
gm_tensor *gm__sum_to(gm_tape *t, gm_tensor *g, const gm_tensor *x);
gm_tensor *gm__reduce_loss(gm_tape *t, gm_tensor *loss, int32_t reduce); /* NONE, MEAN, SUM */
gm_tensor *gm__number(gm_tape *t, const gm_tensor *like, double v);      /* no dimensions, like's type */
gm_tensor *gm__scale(gm_tape *t, gm_tensor *x, double a);                /* a*x */
gm_tensor *gm__alias(gm_tape *t, gm_tensor *x);                          /* a view of all of x */
gm_tensor *gm__reshape_like(gm_tape *t, gm_tensor *x, const gm_tensor *like);
/* Replaces in[0..n) by views of their common broadcast shape where shapes differ; false after recording a failure. */
bool gm__expand_all(gm_tape *t, const char *who, gm_tensor **in, int n);
/* layout.c: see gm__tape_ops */
bool gm__apply_last(gm_tape *t, const gm__op *op, gm_tensor *const *in, int32_t nin, const gm__attr *attr, gm_tensor **out);
/* A failure inside forward or fused_vjp that the tape has already recorded. */
static inline gm_status gm__recorded(const gm_tape *t) { return t->err.status ? t->err.status : GM_ENOMEM; }

/* ---- ops that only gradients and other ops use ------------------------------------ */

enum { GM__PW_ABS, GM__PW_RELU, GM__PW_LRELU, GM__PW_CLAMP };
/* g times the slope of a piecewise linear function at x; differentiable in g */
gm_tensor *gm__piecewise(gm_tape *t, int kind, gm_tensor *g, gm_tensor *x, double p0, double p1);
gm_tensor *gm__copy(gm_tape *t, gm_tensor *x); /* contiguous, recorded */
/* zeros but for g at start, start+step, .. along axis, which gets a size of n: the gradient of gm_slice */
gm_tensor *gm__unslice(gm_tape *t, gm_tensor *g, int64_t axis, int64_t start, int64_t step, int64_t n);
/* y[v, ...] = sum of g over the places where index is v, v < rows: the gradient of gm_embedding */
gm_tensor *gm__embedding_sum(gm_tape *t, gm_tensor *g, gm_tensor *index, int64_t rows);
/* the gradient of gm_gather: y[.., index[.., i, ..], ..] += g[.., i, ..], axis gets a size of n */
gm_tensor *gm__scatter_add(gm_tape *t, gm_tensor *g, int64_t axis, gm_tensor *index, int64_t n);

/* the gradient of gm_index_select: y[.., index[i], ..] += x[.., i, ..], axis (>= 0) gets a size of n */
gm_tensor *gm__index_sum(gm_tape *t, gm_tensor *x, int64_t axis, gm_tensor *index, int64_t n);

/* w / (u^T W v), W's rows on axis 0 or 1 of w; no gradient flows into u and v */
gm_tensor *gm__spectral_norm(gm_tape *t, gm_tensor *w, gm_tensor *u, gm_tensor *v, int axis);
/* matrices [rows, cols] of zeros but for the diagonal that is `offset` to the right of the main one: the gradient of gm_diagonal */
gm_tensor *gm__diag(gm_tape *t, gm_tensor *x, int64_t offset, int64_t rows, int64_t cols);

/* x W + b (straight: w [in, out]) or x W^T + b (w [out, in]), x [N, in]: fast in f32 where x holds zeros and ones only */
gm_tensor *gm__binary_linear(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, bool straight);
/* draws of that: 1 with probability sigmoid(scale (x W + b)), else 0; f32 */
gm_tensor *gm__bernoulli_linear(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, bool straight, double scale);

/* Recurrent cells over [T, N, G n] of gates from the input; w [G n, n]: weights of the state, b [G n] or NULL: added to their product.
 * The result is [T, N, n]; lstm: [T + 1, N, n], c_T last. */
gm_tensor *gm__elman(gm_tape *t, gm_tensor *gates, gm_tensor *h0, gm_tensor *w, gm_tensor *b);
gm_tensor *gm__gru(gm_tape *t, gm_tensor *gates, gm_tensor *h0, gm_tensor *w, gm_tensor *b);
gm_tensor *gm__lstm(gm_tape *t, gm_tensor *gates, gm_tensor *h0, gm_tensor *c0, gm_tensor *w, gm_tensor *b);

/* gm_batch_norm that also gives the statistics of the batch: in training *batch_mean and *batch_var
 * receive tape tensors [C] with the mean and the variance divided by N; else NULL. Recording or not. */
gm_tensor *gm__batch_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, gm_tensor *mean, gm_tensor *var, double eps,
                          gm_tensor **batch_mean, gm_tensor **batch_var);

#endif
