/* gm/ops_stats.h - further reductions, losses and random draws on a tape, a part of gm/ops.h. All that gm/ops.h says of ops
 * holds here.
 */
#ifndef GM_OPS_STATS_H
#define GM_OPS_STATS_H

#include <gm/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reductions: axis in [-ndim, ndim) or GM_ALL_AXES; keep 1 leaves a size of 1 --- */

/** sum (x - mean)^2 / (n - correction): 1 gives the unbiased estimate, 0 the variance of the batch. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_var(gm_tape *t, gm_tensor *x, int32_t axis, double correction, int32_t keep);
/** Square root of gm_var. @grad x, any; not finite where the variance is 0. @since 0.1 */
GM_API gm_tensor *gm_std(gm_tape *t, gm_tensor *x, int32_t axis, double correction, int32_t keep);
/** Product, of nothing 1. @grad x, any, with zeros too. @since 0.1 */
GM_API gm_tensor *gm_prod(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
/** Index of the first smallest value. @return i64. @grad none. @since 0.1 */
GM_API gm_tensor *gm_argmin(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
/** 1 where some x is not 0; of nothing 0. @param x any type but bf16. @return u8. @grad none. @since 0.1 */
GM_API gm_tensor *gm_any(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
/** 1 where no x is 0; of nothing 1. @param x any type but bf16. @return u8. @grad none. @since 0.1 */
GM_API gm_tensor *gm_all(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
/** (sum |x|^p)^(1/p); p infinite: max |x|. @param p above 0. @grad x, any; 0 at 0. @since 0.1 */
GM_API gm_tensor *gm_norm(gm_tape *t, gm_tensor *x, double p, int32_t axis, int32_t keep);
/** Running sum along an axis. @return x's shape. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_cumsum(gm_tape *t, gm_tensor *x, int32_t axis);
/** Sum over several axes. @param axes n different axes; n 0: x as it is. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_sum_axes(gm_tape *t, gm_tensor *x, int32_t n, const int32_t *axes, int32_t keep);

/* ---- losses: reduce is GM_NONE, GM_MEAN or GM_SUM over all elements ------------------ */

/** |x - y|. @param x,y broadcast. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_l1(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce);
/** (x-y)^2/2 where |x-y| <= delta, else delta*(|x-y| - delta/2). @param delta above 0. @grad x y, any. @since 0.1 @source Huber 1964 */
GM_API gm_tensor *gm_huber(gm_tape *t, gm_tensor *x, gm_tensor *y, double delta, int32_t reduce);
/** max(0, margin - y*x). @param y -1 or 1. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_hinge(gm_tape *t, gm_tensor *x, gm_tensor *y, double margin, int32_t reduce);
/** y*(log y - x), 0 where y is 0. GM_MEAN divides by all elements, as in PyTorch. @param x log-probabilities. @param y probabilities, x's shape or broadcast. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_kl_div(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce);
/** -x[label]. @param x [N, C] log-probabilities. @param label i32 or i64 [N], each in [0, C). @return [N] or one number. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_nll(gm_tape *t, gm_tensor *x, gm_tensor *label, int32_t reduce);
/** Cross-entropy against (1-s)*onehot(label) + s/C, each class weighted; GM_MEAN divides by the sum of the labels' weights.
 *  @param x [N, C] logits. @param label i32 or i64 [N]. @param weight [C], optional. @param smoothing s in [0,1]. @grad x, any. @since 0.1 @source Szegedy et al. 2016 */
GM_API gm_tensor *gm_cross_entropy_smooth(gm_tape *t, gm_tensor *x, gm_tensor *label, gm_tensor *weight, double smoothing, int32_t reduce);
/** -sum p log softmax(x) over the last axis. @param x [..., C] logits. @param p probabilities, same shape. @return [...] or one number. @grad x p, any. @since 0.1 */
GM_API gm_tensor *gm_soft_cross_entropy(gm_tape *t, gm_tensor *x, gm_tensor *p, int32_t reduce);
/** gm_bce_with_logits where targets y become (1-s)*y + s/2 and the part of y counts pos_weight times. @param pos_weight broadcast to x, optional. @param smoothing s in [0,1]. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_bce_with_logits_weighted(gm_tape *t, gm_tensor *x, gm_tensor *y, gm_tensor *pos_weight, double smoothing, int32_t reduce);
/** exp(log_rate) - y*log_rate: -log Poisson(y) but for log y!. @grad log_rate y, any. @since 0.1 */
GM_API gm_tensor *gm_poisson_nll(gm_tape *t, gm_tensor *log_rate, gm_tensor *y, int32_t reduce);
/** (log v + (x-mean)^2/v)/2, v = max(var, eps): -log N(x; mean, v) but for log(2 pi)/2. @grad x mean var, any; var where it is eps or more. @since 0.1 */
GM_API gm_tensor *gm_gaussian_nll(gm_tape *t, gm_tensor *x, gm_tensor *mean, gm_tensor *var, double eps, int32_t reduce);
/** x.y / (max(|x|, eps) max(|y|, eps)) along an axis. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_cosine_similarity(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t axis, double eps);

/* ---- random draws: each takes the next stream of the tape ------------------------------ */

/** -log(-log u): Gumbel draws, f32. @return [shape]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_gumbel(gm_tape *t, int32_t ndim, const int64_t *shape);
/** softmax((logits + Gumbel)/tau) over the last axis; hard 1: its corner, with the gradient of the soft draw. @param tau above 0. @grad logits, any. @since 0.1 @source Jang et al. 2017 */
GM_API gm_tensor *gm_gumbel_softmax(gm_tape *t, gm_tensor *logits, double tau, int32_t hard);
/** Exponential draws of mean 1/rate, f32. @return [shape]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_exponential(gm_tape *t, int32_t ndim, const int64_t *shape, double rate);
/** Draws from Gamma(alpha, 1), at least 1e-38. @param alpha above 0. @return alpha's shape and type. @grad alpha, the first order only. @since 0.1 @source Marsaglia & Tsang 2000; Figurnov et al. 2018 */
GM_API gm_tensor *gm_gamma(gm_tape *t, gm_tensor *alpha);
/** Draws from Beta(a, b). @param a,b above 0, broadcast. @grad a b, the first order only. @since 0.1 */
GM_API gm_tensor *gm_beta(gm_tape *t, gm_tensor *a, gm_tensor *b);
/** Draws from Dirichlet(alpha) along the last axis. @param alpha [..., K] above 0. @grad alpha, the first order only. @since 0.1 */
GM_API gm_tensor *gm_dirichlet(gm_tape *t, gm_tensor *alpha);
/** Draws from Poisson(rate), whole numbers as floats. @param rate in [0,1e15]. @return rate's shape and type. @grad none. @since 0.1 @source Hoermann 1993 */
GM_API gm_tensor *gm_poisson(gm_tape *t, gm_tensor *rate);
/** Normal draws within [lo, hi], f32. @param stddev above 0. @return [shape]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_truncated_normal(gm_tape *t, int32_t ndim, const int64_t *shape, double mean, double stddev, double lo, double hi);
/** 0 .. n-1 in random order. @return i64 [n]. @grad none. @since 0.1 */
GM_API gm_tensor *gm_randperm(gm_tape *t, int64_t n);

#ifdef __cplusplus
}
#endif
#endif
