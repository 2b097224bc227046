/* gm/rbm.h - restricted Boltzmann machines.
 *
 *     E(v, h) = -b v - c h - v W h,    p(v, h) = exp(-E(v, h)) / Z
 *
 * v and h are 0 or 1, or what `units` says: docs/rbm.md has a table of kinds. With gaussian visible units (v-b)^2 / 2s^2 stands
 * in place of -b v, and v/s^2 in v W h.
 * The same as gm_model_new(ctx, "rbm", "hidden=500 k=1", &m), for hosts that prefer a struct, and
 * what only these models can do: free energy, the partition function, chains from chosen states.
 * gm_encode gives the mean of p(h|v), gm_decode that of p(v|h); gm_predict p(label | v), or with missing entries what to expect of all.
 */
#ifndef GM_RBM_H
#define GM_RBM_H

#include <gm/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of visible units, to which a kind of hidden units may be added: GM_UNITS_SOFTMAX | GM_UNITS_HIDDEN_RECTIFIED; without, they are Bernoulli */
enum { GM_UNITS_BERNOULLI = 0, GM_UNITS_GAUSSIAN = 1, GM_UNITS_SOFTMAX = 2, GM_UNITS_REPLICATED = 3, GM_UNITS_RECTIFIED = 4,
       GM_UNITS_HIDDEN_RECTIFIED = 256, GM_UNITS_HIDDEN_GAUSSIAN = 512 };
enum { GM_RBM_CHAINS = 0, GM_RBM_EXACT = 1 };

/* What is learnt of label units: log p(x, label), log p(label | x), or a mixture [Larochelle & Bengio 2008] */
enum { GM_RBM_GENERATIVE = 0, GM_RBM_DISCRIMINATIVE = 1, GM_RBM_HYBRID = 2 };

/* Text fields are borrowed until the constructor returns. */
typedef struct gm_rbm_config {
    uint32_t struct_size;     /* set by gm_rbm_config_init */
    int32_t  hidden;          /* number of hidden units */
    uint64_t seed;            /* of the weights, and of fit unless it is given one */
    const char *shape;        /* "1,28,28"; NULL: from the data at first fit */
    int32_t  units;           /* GM_UNITS_*: of the visible units, | GM_UNITS_HIDDEN_* */
    int32_t  k;               /* Gibbs steps of an update */
    int32_t  persistent;      /* 1: chains go on from update to update (PCD), else they start at the data (CD) */
    int32_t  chains;          /* persistent: their number; 0: as many as rows in a batch */
    int32_t  centered;        /* 1: energy in v - mean and h - mean */
    int32_t  start;           /* 1: visible biases start from the data's means */
    int32_t  binarize;        /* GM_BINARIZE_* of gm/vae.h */
    int32_t  classes;         /* kept in the file; 0: from the data */
    int32_t  burn_in;         /* Gibbs steps before a draw of gm_sample */
    int32_t  scale;           /* GM_SCALE_* of gm/vae.h */
    double   offset_rate;     /* centered: share of a batch's means in the running ones */
    double   sparsity;        /* wanted mean of hidden units; 0: any */
    double   sparsity_cost;   /* weight of that wish */
    double   init_std;        /* deviation of the first weights */
    int32_t  conditional;     /* 1: label units beside the visible ones, p(x, label) */
    int32_t  group;           /* softmax: units of a group, of which one is on */
    int32_t  length;          /* replicated: words of a document that is drawn; 0: as many as the data's have on average */
    int32_t  gradient;        /* GM_RBM_CHAINS, or GM_RBM_EXACT: all states counted, 16 visible or 16 hidden units at most */
    int32_t  tempering;       /* persistent: replicas of each chain, from the model to independent units; 0: none */
    int32_t  missing;         /* 1: entries may be NaN: they take no part */
    double   fast_lr;         /* persistent: rate of the weights that only chains see (fast PCD); 0: none */
    double   fast_decay;      /* what an update leaves of them */
    const char *levels;       /* softmax: the values that a number of a row may have, "1,2,3,4,5": each is a group; NULL: rows hold groups of 0 and 1 */
    int32_t  objective;       /* GM_RBM_GENERATIVE .. */
    int32_t  reserved;
    double   generative;      /* hybrid: weight of log p(x, label) beside log p(label | x) */
} gm_rbm_config;

/** Fills a config with the defaults. @param size sizeof(gm_rbm_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_rbm_config_init(gm_rbm_config *c, size_t size);
/** New RBM. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Hinton 2002 (CD), Tieleman 2008 (PCD), Melchior, Fischer & Wiskott 2016 (centring) */
GM_API gm_status gm_rbm_new(gm_ctx *ctx, const gm_rbm_config *c, gm_model **out);

/**
 * Free energy F(v) = -log sum_h exp(-E(v, h)): p(v) = exp(-F(v)) / Z.
 * @param v      [N, shape], values as the model takes them
 * @param out    receives [N] f32, nats, the caller's
 * @errors    GM_EARG (no RBM), GM_ESHAPE, GM_ESTATE, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_rbm_free_energy(gm_model *m, gm_tensor *v, gm_tensor **out);

/**
 * Logarithm of the partition function Z.
 * @param data      f32 [N, shape]: rows that the chains of reverse-ais start from; NULL: noise. From noise they miss modes that
 *                  chains do not find, and Z comes out too small
 * @param options   method (exact|ais|reverse-ais; exact up to 24 hidden units, else refused), temperatures (10000), chains (100), seed (0), length (0: of
 *                  replicated units: documents of so many words, each a place of its own; 0: as many as the model draws)
 * @param log_z     receives the value, nats
 * @param error     receives its standard error, 0 for exact; may be NULL. ais tends to come out low, reverse-ais high
 * @errors    GM_EARG, GM_ELIMIT (too many units to enumerate), GM_EUNSUPPORTED (ais of labels, of softmax, replicated or hidden gaussian units), GM_ESTATE, GM_EBUSY, GM_ECANCELED, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 * @source    Neal 2001; Salakhutdinov & Murray 2008 (AIS)
 */
GM_API gm_status gm_rbm_log_z(gm_model *m, gm_tensor *data, const char *options, double *log_z, double *error);

/**
 * Block Gibbs chains from chosen states; some visible units may be held.
 * @param v        [N, shape], the states to start from
 * @param clamp    u8 [N, shape] or [shape]: 1 holds a unit at its value; NULL: none
 * @param options  steps (1), temperature (1: of the last step; E/T), anneal (0: temperature from the first; else this one
 *                 first, falling by equal factors), seed (0), mean (off: states; on: the mean of p(v|h) at the last step)
 * @param out      receives [N, shape] f32, the caller's
 * @errors    GM_EARG, GM_ESHAPE, GM_EDTYPE, GM_ESTATE, GM_EBUSY, GM_ECANCELED, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_rbm_gibbs(gm_model *m, gm_tensor *v, gm_tensor *clamp, const char *options, gm_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
