/* gm/ops.h - differentiable operations on a tape.
 *
 * Common to all ops:
 *  - the first argument is the tape that will own the result; the result is NULL on
 *    failure, and on a tape that holds an error every op returns NULL at once;
 *  - on a clean tape NULL for a required tensor records GM_EARG; a tensor
 *    documented as optional may be NULL;
 *  - two-operand ops broadcast as NumPy does; types must be equal (GM_EDTYPE
 *    otherwise: gm_cast converts); f32 and f64 compute, others are storage unless said;
 *  - axes lie in [-ndim, ndim);
 *  - further errors, recorded in the tape: GM_ESHAPE, GM_ENOMEM, GM_ESTALE;
 *  - threads: as the tape;
 *  - @grad says which inputs have a gradient and of which order ("any" means
 *    gradients of gradients work to every order).
 */
#ifndef GM_OPS_H
#define GM_OPS_H

#include <gm/tape.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a loss is reduced: one number an element, their mean over all elements, their sum. */
enum { GM_NONE = 0, GM_MEAN = 1, GM_SUM = 2 };
/* Axis argument of reductions: over everything, giving a tensor of no dimensions. */
enum { GM_ALL_AXES = 127 };
/* Activations that gm_linear_act fuses. */
enum { GM_ACT_NONE = 0, GM_ACT_RELU = 1, GM_ACT_LRELU = 2, GM_ACT_TANH = 3, GM_ACT_SIGMOID = 4 };

/* What gm_pad puts around: a value; the inner elements mirrored at the edge element; the edge element; the other end. */
enum { GM_PAD_CONSTANT = 0, GM_PAD_REFLECT = 1, GM_PAD_REPLICATE = 2, GM_PAD_CIRCULAR = 3 };

/* ---- making tensors ------------------------------------------------------- */

/** Zeros of a shape. @param dtype any type. @return [shape]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_zeros(gm_tape *t, int32_t dtype, int32_t ndim, const int64_t *shape);
/** Every element the value v. @return [shape]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_full(gm_tape *t, int32_t dtype, int32_t ndim, const int64_t *shape, double v);
/** start, start + step, .. as long as before stop. @param dtype any type. @return [max(0, ceil((stop - start)/step))]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_arange(gm_tape *t, int32_t dtype, double start, double stop, double step);
/** n numbers from first to last, both exact, evenly spaced. @param dtype any type. @return [n]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_linspace(gm_tape *t, int32_t dtype, double first, double last, int64_t n);
/** 1 on the diagonal, 0 elsewhere. @param dtype any type. @return [rows, cols]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_eye(gm_tape *t, int32_t dtype, int64_t rows, int64_t cols);
/** 1 at the place of each label, 0 elsewhere. @param label i32 or i64 [..], each in [0, classes). @param dtype f32 or f64. @return [.., classes]. @errors GM_EARG names the first bad label. @grad none. @since 0.1 */
GM_API gm_tensor *gm_one_hot(gm_tape *t, gm_tensor *label, int64_t classes, int32_t dtype);
/** Converts the type; floats to integers cut toward zero and clamp, NaN gives 0. @return x's shape. @grad x where both types are f32 or f64, any. @since 0.1 */
GM_API gm_tensor *gm_cast(gm_tape *t, gm_tensor *x, int32_t dtype);
/** The same values; no gradient flows through ("stop gradient"): x counts as a constant in what is made of the result. @return view of x. @grad none. @since 0.1 */
GM_API gm_tensor *gm_detach(gm_tape *t, gm_tensor *x);

/* ---- random draws: each takes the next stream of the tape ------------------ */

/** Uniform draws in [lo, hi), f32. @return [shape]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_uniform(gm_tape *t, int32_t ndim, const int64_t *shape, double lo, double hi);
/** Normal draws, f32. @return [shape]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_normal(gm_tape *t, int32_t ndim, const int64_t *shape, double mean, double stddev);
/** 1 with probability p, else 0. @param p f32 in [0,1]. @return p's shape, f32. @grad none. @since 0.1 */
GM_API gm_tensor *gm_bernoulli(gm_tape *t, gm_tensor *p);
/** The same from logits: 1 with probability sigmoid(x). @param x f32. @return x's shape, f32. @grad none. @since 0.1 */
GM_API gm_tensor *gm_bernoulli_logits(gm_tape *t, gm_tensor *x);
/** One index a row, drawn from softmax(logits). @param logits [..., N] f32, N >= 1. @return [...] i64. @grad none. @since 0.1 @source Gumbel-max */
GM_API gm_tensor *gm_categorical(gm_tape *t, gm_tensor *logits);
/** In training: each element is 0 with probability p, else x/(1-p); in use: x. @param p in [0,1). @grad x, any. @since 0.1 @source Srivastava et al. 2014 */
GM_API gm_tensor *gm_dropout(gm_tape *t, gm_tensor *x, double p);

/* ---- elementwise, one operand ----------------------------------------------- */

/** -x. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_neg(gm_tape *t, gm_tensor *x);
/** |x|. @grad x, any; 0 at 0. @since 0.1 */
GM_API gm_tensor *gm_abs(gm_tape *t, gm_tensor *x);
/** e^x. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_exp(gm_tape *t, gm_tensor *x);
/** Natural logarithm. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_log(gm_tape *t, gm_tensor *x);
/** Square root. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_sqrt(gm_tape *t, gm_tensor *x);
/** x*x. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_square(gm_tape *t, gm_tensor *x);
/** 1/x. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_reciprocal(gm_tape *t, gm_tensor *x);
/** sin x, radians. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_sin(gm_tape *t, gm_tensor *x);
/** cos x, radians. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_cos(gm_tape *t, gm_tensor *x);
/** Hyperbolic tangent. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_tanh(gm_tape *t, gm_tensor *x);
/** 1/(1+e^-x). @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_sigmoid(gm_tape *t, gm_tensor *x);
/** max(x, 0); NaN stays. @grad x, any; 0 at 0. @since 0.1 */
GM_API gm_tensor *gm_relu(gm_tape *t, gm_tensor *x);
/** x > 0 ? x : slope*x. @param slope e.g. 0.2. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_leaky_relu(gm_tape *t, gm_tensor *x, double slope);
/** x > 0 ? x : alpha*(e^x - 1). @grad x, any. @since 0.1 @source Clevert et al. 2016 */
GM_API gm_tensor *gm_elu(gm_tape *t, gm_tensor *x, double alpha);
/** log(1+e^x). @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_softplus(gm_tape *t, gm_tensor *x);
/** x*Phi(x), exact. @grad x, any. @since 0.1 @source Hendrycks & Gimpel 2016 */
GM_API gm_tensor *gm_gelu(gm_tape *t, gm_tensor *x);
/** x*sigmoid(x). @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_silu(gm_tape *t, gm_tensor *x);
/** min(max(x, lo), hi); NaN stays. @grad x where lo <= x <= hi, any. @since 0.1 */
GM_API gm_tensor *gm_clamp(gm_tape *t, gm_tensor *x, double lo, double hi);
/** a*x + b. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_affine(gm_tape *t, gm_tensor *x, double a, double b);

/* ---- elementwise, two operands, broadcast ------------------------------------ */

/** x + y. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_add(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x - y. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_sub(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x * y. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_mul(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x / y. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_div(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x^y. @grad x y, any (y needs x > 0). @since 0.1 */
GM_API gm_tensor *gm_pow(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** The larger; NaN if either is. @grad x y, any; halves where equal. @since 0.1 */
GM_API gm_tensor *gm_maximum(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** The smaller; NaN if either is. @grad x y, any; halves where equal. @since 0.1 */
GM_API gm_tensor *gm_minimum(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x == y, as 0 or 1. @param x,y equal types, any but bf16. @return u8. @grad none. @since 0.1 */
GM_API gm_tensor *gm_eq(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x != y; see gm_eq. @grad none. @since 0.1 */
GM_API gm_tensor *gm_ne(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x < y; see gm_eq. @grad none. @since 0.1 */
GM_API gm_tensor *gm_lt(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x <= y; see gm_eq. @grad none. @since 0.1 */
GM_API gm_tensor *gm_le(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x > y; see gm_eq. @grad none. @since 0.1 */
GM_API gm_tensor *gm_gt(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x >= y; see gm_eq. @grad none. @since 0.1 */
GM_API gm_tensor *gm_ge(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** c ? x : y, all broadcast. @param c u8. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_where(gm_tape *t, gm_tensor *c, gm_tensor *x, gm_tensor *y);

/* ---- reductions: axis in [-ndim, ndim) or GM_ALL_AXES; keep 1 leaves a size of 1 --- */

/** Sum, in a fixed order. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_sum(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
/** Mean; of nothing NaN. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_mean(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
/** Largest value; of nothing GM_ESHAPE. @grad x, any; shared among equals. @since 0.1 */
GM_API gm_tensor *gm_max(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
/** Smallest value; of nothing GM_ESHAPE. @grad x, any; shared among equals. @since 0.1 */
GM_API gm_tensor *gm_min(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
/** log sum e^x, shifted by the maximum. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_logsumexp(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
/** Index of the first largest value. @return i64. @grad none. @since 0.1 */
GM_API gm_tensor *gm_argmax(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);

/* ---- products ------------------------------------------------------------------ */

/** Matrix product, leading axes broadcast. @param x [..., M, K]. @param y [..., K, N]; any strides. @return [..., M, N]. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_matmul(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** x W^T + b. @param x [..., in]. @param w [out, in]. @param b [out], optional. @return [..., out]. @grad x w b, any. @since 0.1 */
GM_API gm_tensor *gm_linear(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b);
/** act(x W^T + b) in one pass. @param act GM_ACT_*. @param slope of GM_ACT_LRELU. @grad x w b, any. @since 0.1 */
GM_API gm_tensor *gm_linear_act(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int32_t act, double slope);

/* ---- shape: views wherever strides allow ------------------------------------------ */

/** Other shape, same order of elements. @param shape ndim sizes, one may be -1. @return view, or a copy if x is not contiguous. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_reshape(gm_tape *t, gm_tensor *x, int32_t ndim, const int64_t *shape);
/** Axes in another order. @param axes a permutation of 0..ndim-1. @return view. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_permute(gm_tape *t, gm_tensor *x, const int32_t *axes);
/** Two axes exchanged. @return view. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_transpose(gm_tape *t, gm_tensor *x, int32_t axis_a, int32_t axis_b);
/** Elements start, start+step, .. < stop along an axis; negative start and stop count from the end, both are clamped. @param step >= 1. @return view. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_slice(gm_tape *t, gm_tensor *x, int32_t axis, int64_t start, int64_t stop, int64_t step);
/** Repeats sizes of 1 (and new leading axes) to a shape, without copying. @return view. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_expand(gm_tape *t, gm_tensor *x, int32_t ndim, const int64_t *shape);
/** Joins along an axis; other sizes equal. @param xs n >= 1 tensors. @grad xs, any. @since 0.1 */
GM_API gm_tensor *gm_concat(gm_tape *t, gm_tensor *const *xs, int32_t n, int32_t axis);
/** Joins equal shapes along a new axis. @param axis in [-(ndim+1), ndim]. @grad xs, any. @since 0.1 */
GM_API gm_tensor *gm_stack(gm_tape *t, gm_tensor *const *xs, int32_t n, int32_t axis);
/** Rows of a table. @param table [V, ...]. @param index i32 or i64 [..], each in [0, V). @return [index shape, table shape from axis 1]. @errors GM_EARG names the first bad index. @grad table, any. @since 0.1 */
GM_API gm_tensor *gm_embedding(gm_tape *t, gm_tensor *table, gm_tensor *index);
/** y[..., i, ...] = x[..., index[..., i, ...], ...] along an axis. @param index i32 or i64, x's shape but along axis. @errors GM_EARG names the first bad index. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_gather(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index);
/** y[..., i, ...] = x[..., index[i], ...] along an axis: rows picked, repeated, reordered. @param x any type. @param index i32 or i64 [K]. @return x's shape, K along axis. @errors GM_EARG names the first bad index. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_index_select(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index);
/** x plus src at rows: y[..., index[i], ...] += src[..., i, ...], in the order of i. @param index i32 or i64 [K]. @param src x's shape, K along axis. @errors GM_EARG names the first bad index. @grad x src, any. @since 0.1 */
GM_API gm_tensor *gm_index_add(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index, gm_tensor *src);
/** x with before[k] and after[k] elements around each axis k. @param x any type. @param before,after ndim sizes, 0 or more; GM_PAD_REFLECT takes less than the axis has, GM_PAD_CIRCULAR no more.
 *  @param mode GM_PAD_*. @param value of GM_PAD_CONSTANT. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_pad(gm_tape *t, gm_tensor *x, const int64_t *before, const int64_t *after, int32_t mode, double value);

/** x with src written into it: y[..., index[..., i, ...], ...] = src[..., i, ...]; of several with one place the last (largest i) wins. @param index i32 or i64, x's shape but along axis.
 *  @param src index's shape. @errors GM_EARG names the first bad index. @grad x where not overwritten, src where it won, any. @since 0.1 */
GM_API gm_tensor *gm_scatter(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index, gm_tensor *src);
/** x with src added: y[..., index[..., i, ...], ...] += src[..., i, ...], in the order of i. @param index i32 or i64, x's shape but along axis. @param src index's shape.
 *  @errors GM_EARG names the first bad index. @grad x src, any. @since 0.1 */
GM_API gm_tensor *gm_scatter_add(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index, gm_tensor *src);
/** Row-major places where mask is not 0. @param mask u8, any shape. @return [count] i64, a shape that depends on the values. @grad none. @since 0.1 */
GM_API gm_tensor *gm_nonzero(gm_tape *t, gm_tensor *mask);
/** Elements of x where mask is not 0, row-major. @param x any type. @param mask u8, x's shape. @return [count], a shape that depends on the values. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_masked_select(gm_tape *t, gm_tensor *x, gm_tensor *mask);

/** Axes of size 1 taken out. @param axis one such axis, or GM_ALL_AXES for all there are. @return view. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_squeeze(gm_tape *t, gm_tensor *x, int32_t axis);
/** A new axis of size 1. @param axis in [-(ndim+1), ndim]. @return view. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_unsqueeze(gm_tape *t, gm_tensor *x, int32_t axis);
/** Axes first to last (both included) made one. @return view, or a copy where strides do not allow one. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_flatten(gm_tape *t, gm_tensor *x, int32_t first, int32_t last);
/** Axis `from` moved to place `to`, the others in their order. @return view. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_movedim(gm_tape *t, gm_tensor *x, int32_t from, int32_t to);
/** Parts along an axis. @param sizes n sizes whose sum is the axis's. @param out receives n views; all NULL on failure. @return the tape's status. @grad x, any. @since 0.1 */
GM_API gm_status gm_split(gm_tape *t, gm_tensor *x, int32_t axis, int32_t n, const int64_t *sizes, gm_tensor **out);
/** n equal parts along an axis, whose size n divides. @param out receives n views; all NULL on failure. @return the tape's status. @grad x, any. @since 0.1 */
GM_API gm_status gm_chunk(gm_tape *t, gm_tensor *x, int32_t axis, int32_t n, gm_tensor **out);
/** Parts of size 1 along an axis, without that axis. @param n the axis's size. @param out receives n views; all NULL on failure. @return the tape's status. @grad x, any. @since 0.1 */
GM_API gm_status gm_unstack(gm_tape *t, gm_tensor *x, int32_t axis, int32_t n, gm_tensor **out);
/** Tiles: times[k] copies of x one after another along each axis k. @param times ndim counts, 0 or more. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_repeat(gm_tape *t, gm_tensor *x, const int64_t *times);
/** Each element n times along an axis: y[..., n*i + k, ...] = x[..., i, ...], k < n. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_repeat_interleave(gm_tape *t, gm_tensor *x, int64_t n, int32_t axis);
/** Elements in reverse order. @param x any type. @param axes n axes, each named once. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_flip(gm_tape *t, gm_tensor *x, int32_t n, const int32_t *axes);
/** y[..., (i + shift) mod N, ...] = x[..., i, ...]. @param x any type. @param shift any, also negative. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_roll(gm_tape *t, gm_tensor *x, int64_t shift, int32_t axis);
/** Lower triangle: zeros where column - row > diagonal. @param x [..., M, N], any type. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_tril(gm_tape *t, gm_tensor *x, int64_t diagonal);
/** Upper triangle: zeros where column - row < diagonal. @param x [..., M, N], any type. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_triu(gm_tape *t, gm_tensor *x, int64_t diagonal);
/** Vectors as diagonals of matrices of zeros. @param x [..., N], any type. @param offset columns to the right of the main diagonal, negative: rows below. @return [..., N+|offset|, N+|offset|]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_diag(gm_tape *t, gm_tensor *x, int64_t offset);
/** A diagonal of matrices. @param x [..., M, N]. @param offset in [-M, N], as in gm_diag. @return view [..., length]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_diagonal(gm_tape *t, gm_tensor *x, int64_t offset);
/** Sum of the main diagonal. @param x [..., M, N]. @return [...]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_trace(gm_tape *t, gm_tensor *x);
/** x[i] y[j]. @param x [M]. @param y [N]. @return [M, N]. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_outer(gm_tape *t, gm_tensor *x, gm_tensor *y);
/** Sum of x y over the last axis. @param x,y [..., N], equal shapes. @return [...]. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_dot(gm_tape *t, gm_tensor *x, gm_tensor *y);

/* ---- order: stable (equals keep their order); NaN is larger than every number ------------ */

/** Elements along an axis in order. @param descending 0 or 1. @param indices receives where each came from, i64; may be NULL. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_sort(gm_tape *t, gm_tensor *x, int32_t axis, int32_t descending, gm_tensor **indices);
/** Where the elements of gm_sort come from. @return i64, x's shape. @grad none. @since 0.1 */
GM_API gm_tensor *gm_argsort(gm_tape *t, gm_tensor *x, int32_t axis, int32_t descending);
/** The k largest (or smallest) along an axis, those first. @param k in [0, axis's size]. @param indices receives where each came from, i64; may be NULL. @return x's shape, k along axis. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_topk(gm_tape *t, gm_tensor *x, int64_t k, int32_t axis, int32_t largest, gm_tensor **indices);

/* ---- softmax and normalisation ---------------------------------------------------------- */

/** e^(x-max) / sum e^(x-max). @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_softmax(gm_tape *t, gm_tensor *x, int32_t axis);
/** log of softmax. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_log_softmax(gm_tape *t, gm_tensor *x, int32_t axis);
/** (x-mean)/sqrt(var+eps)*w + b over the last axis, var divided by N. @param x [..., N]. @param w,b [N], optional. @grad x w b, any. @since 0.1 @source Ba et al. 2016 */
GM_API gm_tensor *gm_layer_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, double eps);
/** Normalises each channel (axis 1) over all other axes. In training uses the statistics of the batch, in use mean and var.
 *  @param x [N, C, ...]. @param w,b [C], optional. @param mean,var [C], used outside training; required there. @grad x w b, any. @since 0.1 @source Ioffe & Szegedy 2015 */
GM_API gm_tensor *gm_batch_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, gm_tensor *mean, gm_tensor *var, double eps);

/* ---- losses: reduce is GM_NONE, GM_MEAN or GM_SUM over all elements ---------------------- */

/** (x-y)^2. @param x,y broadcast. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_mse(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce);
/** -[y log p + (1-y) log(1-p)], p = sigmoid(x), finite for any x. @param x logits. @param y targets in [0,1], same shape. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_bce_with_logits(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce);
/** -[y log p + (1-y) log(1-p)] from probabilities, logarithms not below -100. @param p in [0,1]. @grad p y, any. @since 0.1 */
GM_API gm_tensor *gm_bce(gm_tape *t, gm_tensor *p, gm_tensor *y, int32_t reduce);
/** -log softmax(x)[label]. @param x [N, C] logits. @param label i32 or i64 [N], each in [0, C). @return [N] or one number. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_cross_entropy(gm_tape *t, gm_tensor *x, gm_tensor *label, int32_t reduce);

/* ---- log-likelihoods and divergences, nats, summed over the last axis: [..., D] -> [...] ---- */

/** log N(x; mean, exp(log_var)). @param mean,log_var broadcast to x. @grad x mean log_var, any. @since 0.1 */
GM_API gm_tensor *gm_gaussian_log_prob(gm_tape *t, gm_tensor *x, gm_tensor *mean, gm_tensor *log_var);
/** log Bernoulli(x; sigmoid(logits)); x may lie between 0 and 1 (grey levels). @grad x logits, any. @since 0.1 */
GM_API gm_tensor *gm_bernoulli_log_prob(gm_tape *t, gm_tensor *x, gm_tensor *logits);
/** KL(N(mean, exp(log_var)) || N(0,1)) = 1/2 sum(exp(log_var) + mean^2 - 1 - log_var). @grad mean log_var, any. @since 0.1 @source Kingma & Welling 2014 */
GM_API gm_tensor *gm_gaussian_kl(gm_tape *t, gm_tensor *mean, gm_tensor *log_var);
/** mean + exp(log_var/2) * eps, eps drawn from N(0,1): the reparameterised draw. @grad mean log_var, any. @since 0.1 @source Kingma & Welling 2014 */
GM_API gm_tensor *gm_gaussian_draw(gm_tape *t, gm_tensor *mean, gm_tensor *log_var);

#ifdef __cplusplus
}
#endif

#include <gm/ops_math.h>  /* further functions */
#include <gm/ops_stats.h> /* reductions, losses, draws */

#endif
