/* gm/metrics.h - how alike two sets of rows are: samples against data, without pretrained nets.
 *
 *     double v[4], d;
 *     s = gm_sample(m, 10000, 1, &samples);
 *     if (!s) s = gm_dataset_read(digits, "x", 0, 10000, &data);
 *     if (!s) s = gm_prdc(ctx, data, samples, NULL, v, NULL);         precision, recall, density, coverage
 *     if (!s) s = gm_frechet(ctx, data, samples, &d);
 *
 * A set is a tensor [N, ...] of f32 or f64 with any strides; each row counts as one vector. Features (gm_encode of a
 * classifier, say) go in like pixels. `data` is what samples are compared with. Neighbours and counts are exact: products in
 * f32 find the pairs in question, differences added in double decide them. Memory grows with rows, never with pairs.
 * error, where it may be had, is the standard error of the value; NULL: not wanted. docs/metrics.md says what each one misses.
 */
#ifndef GM_METRICS_H
#define GM_METRICS_H

#include <gm/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GM_KERNEL_POLYNOMIAL = 0, GM_KERNEL_GAUSSIAN = 1 };
enum { GM_JUDGE_NEAREST = 0, GM_JUDGE_LOGISTIC = 1 };

/* Settings of the functions below; NULL in their place means the defaults. */
typedef struct gm_metrics_config {
    uint32_t struct_size;    /* set by the init function */
    int32_t  k;              /* gm_prdc: neighbours that make a radius; 5 */
    int32_t  kernel;         /* gm_mmd: GM_KERNEL_POLYNOMIAL, (x.y/d + 1)^degree, or GM_KERNEL_GAUSSIAN, exp(-|x-y|^2/(2 bandwidth^2)) */
    int32_t  degree;         /* 3 */
    double   bandwidth;      /* 0: the median distance among up to 1,000 rows of both sets */
    int32_t  judge;          /* gm_c2st: GM_JUDGE_NEAREST or GM_JUDGE_LOGISTIC */
    int32_t  projections;    /* gm_sliced_wasserstein: 1000 */
    int32_t  power;          /* gm_sliced_wasserstein, gm_wasserstein: p of W_p, 1 or 2; 2 */
    int32_t  reserved;
    uint64_t seed;           /* gm_sliced_wasserstein: of the directions; gm_c2st: of the rows taken and of the halves */
} gm_metrics_config;

/** Fills a config with the defaults. @param size sizeof(gm_metrics_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_metrics_config_init(gm_metrics_config *c, size_t size);

/* ---- neighbours ---------------------------------------------------------------------- */

/**
 * The k nearest rows of each query by Euclidean distance, nearest first; of equals the one that comes first.
 * @param rows      [N, ...]
 * @param queries   [M, ...] of as many numbers a row, or the same tensor as rows: then no row is its own neighbour
 * @param distance  receives f32 [M, k], the caller's
 * @param index     receives i64 [M, k], the caller's; may be NULL
 * @errors    GM_EARG, GM_ESHAPE, GM_EDTYPE, GM_ENONFINITE (names the row), GM_ECANCELED, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_neighbours(gm_ctx *ctx, gm_tensor *rows, gm_tensor *queries, int32_t k, gm_tensor **distance, gm_tensor **index);

/**
 * Precision: share of samples within the radius (distance to the k-th neighbour in its own set) of a data row. Recall: share of
 * data rows within the radius of a sample. Density: mean number of data rows within whose radius a sample lies, divided by k.
 * Coverage: share of data rows with a sample within their radius.
 * @param c        k; NULL for the defaults
 * @param value    receives the four in this order; all in [0,1] but density, whose mean is 1 for equal laws
 * @param error    receives four standard errors, the other set and the radii taken as given; may be NULL
 * @errors    as gm_neighbours; GM_EARG: a set of k rows or fewer
 * @threads   as ctx
 * @since     0.1
 * @source    Kynkaanniemi et al. 2019; Naeem et al. 2020
 */
GM_API gm_status gm_prdc(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double value[4], double error[4]);

/**
 * Do samples lie closer to the training rows than fresh rows do? P(d(sample, train) < d(fresh, train)), equals count half; d is the
 * distance to the nearest training row. 1/2 for a model of the law itself, towards 1 for one that repeats its training rows.
 * @param fresh    rows that were not trained on, or NULL: as many training rows as samples, drawn, each against all others
 * @param closer   receives the share, in [0,1]
 * @param error    receives its standard error; may be NULL
 * @param copied   receives the share of samples within a tenth of the median d(fresh, train) of a training row; may be NULL
 * @errors    as gm_neighbours; GM_EARG: train has less than 2 rows
 * @threads   as ctx
 * @since     0.1
 * @source    Meehan, Chaudhuri, Dasgupta 2020
 */
GM_API gm_status gm_nearest(gm_ctx *ctx, gm_tensor *train, gm_tensor *fresh, gm_tensor *samples, double *closer, double *error, double *copied);

/**
 * Accuracy of a classifier that tells samples from data: 1/2 when the laws are equal. As many rows of each set as the smaller one has,
 * drawn from the seed. Nearest: 1-nearest neighbour, each row against all others; of equally near ones the share that is right. Logistic:
 * regression with penalty |w|^2/2 on standardised numbers, learned on a random half, asked about the other, and the other way round.
 * @param c        judge, seed; NULL for the defaults
 * @param value    receives the accuracy in [0,1]
 * @param error    receives its binomial standard error; may be NULL
 * @errors    as gm_neighbours; GM_EARG: less than 4 rows
 * @threads   as ctx
 * @since     0.1
 * @source    Lopez-Paz & Oquab 2017
 */
GM_API gm_status gm_c2st(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value, double *error);

/* ---- moments, kernels, projections ------------------------------------------------------ */

/**
 * Frechet distance of the Gaussians with the sets' means and covariances (divided by N - 1):
 * |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), from triangular roots of S1 and S2, which may be singular.
 * @param value    receives it, >= 0; biased upwards for few rows, so compare at equal N
 * @errors    as gm_neighbours; GM_EARG: less than 2 rows; GM_ELIMIT: over 16384 numbers a row and rows
 * @threads   as ctx
 * @since     0.1
 * @source    Heusel et al. 2017; Dowson & Landau 1982
 */
GM_API gm_status gm_frechet(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, double *value);

/**
 * Squared maximum mean discrepancy, unbiased (so it may be negative): mean over pairs i != j of
 * k(x_i,x_j) + k(y_i,y_j) - k(x_i,y_j) - k(x_j,y_i), over as many rows as the smaller set has.
 * @param c        kernel, degree, bandwidth; NULL for the defaults (the kernel of KID)
 * @param value    receives it
 * @param error    receives its standard error, which also holds for equal laws; may be NULL
 * @errors    as gm_neighbours; GM_EARG: less than 4 rows
 * @threads   as ctx
 * @since     0.1
 * @source    Gretton et al. 2012; Binkowski et al. 2018
 */
GM_API gm_status gm_mmd(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value, double *error);

/**
 * Sliced Wasserstein distance: (mean over random directions u of W_p^p of the rows' projections on u)^(1/p).
 * @param c        projections, power, seed; NULL for the defaults
 * @param value    receives it, >= 0
 * @param error    receives the standard error over directions; may be NULL
 * @errors    as gm_neighbours
 * @threads   as ctx
 * @since     0.1
 * @source    Rabin et al. 2012; Bonneel et al. 2015
 */
GM_API gm_status gm_sliced_wasserstein(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value, double *error);

/**
 * Exact Wasserstein distance W_p of two sets of numbers: (integral over q in [0,1] of |F^-1(q) - G^-1(q)|^p)^(1/p).
 * @param data,samples   of any shape: each element is one number
 * @param c        power; NULL for the defaults
 * @param value    receives it, >= 0
 * @errors    GM_EARG, GM_EDTYPE, GM_ENONFINITE, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_wasserstein(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value);

/* ---- known modes --------------------------------------------------------------------------- */

/**
 * Samples of a mixture of equal Gaussians: a sample within 3 sigma of its nearest centre is of high quality and hits that mode.
 * @param centres  [K, ...]
 * @param sigma    > 0, deviation of each
 * @param value    receives the modes hit, the share of high quality (in 2-D the law itself reaches 1 - e^(-4.5) = 0.98889), and
 *                 KL(share of each mode among these samples || 1/K), nats; inf if there are none
 * @errors    GM_EARG, GM_ESHAPE, GM_EDTYPE, GM_ENONFINITE, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 * @source    Lin et al. 2018 (PacGAN)
 */
GM_API gm_status gm_modes(gm_ctx *ctx, gm_tensor *samples, gm_tensor *centres, double sigma, double value[3]);

/* ---- chains ---------------------------------------------------------------------------- */

/**
 * Effective sample size of chains: how many independent draws would tell the mean of this number as well, by the initial monotone
 * sequence of autocorrelations; above N where neighbours differ more than independent draws do.
 * @param trace   f32 or f64 [N] or [chains, N], N >= 4: one number of each state, its energy say, in order
 * @param ess     receives the size of all chains together; may be NULL
 * @param r_hat   receives the deviation over all chains divided by that within them, 1 where they agree; may be NULL
 * @errors    GM_EARG (a constant trace), GM_EDTYPE, GM_ESHAPE, GM_ENONFINITE, GM_ECANCELED, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 * @source    Geyer 1992; Gelman et al. 2013 (several chains)
 */
GM_API gm_status gm_effective_samples(gm_ctx *ctx, const gm_tensor *trace, double *ess, double *r_hat);

#ifdef __cplusplus
}
#endif
#endif
