/* gm/bm.h - the general Boltzmann machine: every unit connected to every other.
 *
 *     E(x) = -sum_{i<j} w_ij x_i x_j - sum_i b_i x_i,    p(x) = exp(-E(x)/T) / Z
 *
 * x are 0 or 1: the visible units first, the hidden ones behind them. Connections are symmetric, no unit has one to itself.
 * The same as gm_model_new(ctx, "bm", "hidden=4", &m), for hosts that prefer a struct, and what only
 * these models can do: energies of whole states, Z, chains from chosen states at any temperature.
 * The model's tensors: bias [n], weight [n(n-1)/2], the pairs above the diagonal row by row: (0,1) (0,2) .. (1,2) ..
 */
#ifndef GM_BM_H
#define GM_BM_H

#include <gm/model.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GM_GRADIENT_AUTO = 0, GM_GRADIENT_EXACT = 1, GM_GRADIENT_CHAINS = 2, GM_GRADIENT_MEAN_FIELD = 3 };

/* Text fields are borrowed until the constructor returns. */
typedef struct gm_bm_config {
    uint32_t struct_size;     /* set by gm_bm_config_init */
    int32_t  hidden;          /* number of hidden units, 0 or more */
    uint64_t seed;            /* of the weights, and of fit unless it is given one */
    const char *shape;        /* "4,4"; NULL: from the data at first fit */
    int32_t  gradient;        /* GM_GRADIENT_*: auto is exact up to 16 units in all, else chains */
    int32_t  k;               /* sweeps of the chains in an update */
    int32_t  chains;          /* their number */
    int32_t  start;           /* 1: visible biases start from the data's means */
    int32_t  binarize;        /* GM_BINARIZE_* of gm/vae.h */
    int32_t  burn_in;         /* sweeps from noise before a draw of gm_sample */
    double   init_std;        /* deviation of the first weights */
} gm_bm_config;

/** Fills a config with the defaults. @param size sizeof(gm_bm_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_bm_config_init(gm_bm_config *c, size_t size);
/** New Boltzmann machine. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Ackley, Hinton & Sejnowski 1985 */
GM_API gm_status gm_bm_new(gm_ctx *ctx, const gm_bm_config *c, gm_model **out);

/**
 * Energy E(x) of states of all units, each pair counted once.
 * @param x      [N, units] f32 in [0,1], visible units first
 * @param out    receives [N] f32, the caller's
 * @errors    GM_EARG (no Boltzmann machine; no numbers in [0,1]), GM_ESHAPE, GM_ESTATE, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_bm_energy(gm_model *m, gm_tensor *x, gm_tensor **out);

/**
 * Logarithm of the partition function Z = sum_x exp(-E(x)/T), all states counted.
 * @param options   temperature (1)
 * @param log_z     receives the value, nats
 * @errors    GM_EARG, GM_ELIMIT (more than 24 units), GM_ESTATE, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_bm_log_z(gm_model *m, const char *options, double *log_z);

/**
 * log p(v) = log sum_h exp(-E(v,h)/T) - log Z of visible states, exact.
 * @param v         [N, shape], values in [0,1]
 * @param options   temperature (1)
 * @param out       receives [N] f32, nats, the caller's
 * @errors    GM_EARG, GM_ESHAPE, GM_ELIMIT (more than 24 units, or than 20 hidden ones), GM_ESTATE, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_bm_log_prob(gm_model *m, gm_tensor *v, const char *options, gm_tensor **out);

/**
 * Gibbs chains over all units from chosen states, one unit after the other; some may be held. A row's chain depends on the
 * seed, the row's number and its start, not on the other rows.
 * @param x        [N, units] f32 in [0,1], the states to start from
 * @param clamp    u8 [N, units] or [units]: 1 holds a unit at its value; NULL: none
 * @param options  steps (1: sweeps over all units), temperature (1: of the last sweep), anneal (0: temperature from the first;
 *                 else this one first, falling by equal factors), seed (0)
 * @param out      receives [N, units] f32, the caller's
 * @errors    GM_EARG, GM_ESHAPE, GM_EDTYPE, GM_ESTATE, GM_EBUSY, GM_ECANCELED, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 * @source    Geman & Geman 1984; Kirkpatrick, Gelatt & Vecchi 1983 (annealing)
 */
GM_API gm_status gm_bm_gibbs(gm_model *m, gm_tensor *x, gm_tensor *clamp, const char *options, gm_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
