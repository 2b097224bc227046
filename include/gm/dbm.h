/* gm/dbm.h - deep Boltzmann machines: layers of units over one another, all connections undirected.
 *
 *     E(v, h1, .., hL) = -v W1 h1 - h1 W2 h2 - .. - b v - c1 h1 - .. - cL hL,    p(v, h1, .., hL) = exp(-E) / Z
 *
 * The same as gm_model_new(ctx, "dbm", "layers=500,1000", &m), for hosts that prefer a struct, and what only
 * these models can do: the partition function, chains from chosen states. gm_encode gives the means of the topmost
 * layer under the mean-field posterior, gm_encode_layer those of any other, gm_log_prob a lower bound on log p(v).
 */
#ifndef GM_DBM_H
#define GM_DBM_H

#include <gm/rbm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text fields are borrowed until the constructor returns. */
typedef struct gm_dbm_config {
    uint32_t struct_size;     /* set by gm_dbm_config_init */
    int32_t  units;           /* GM_UNITS_*: of the visibles; hidden units are Bernoulli */
    uint64_t seed;            /* of the weights, and of fit unless it is given one */
    const char *shape;        /* "1,28,28"; NULL: from the data at first fit */
    const char *layers;       /* hidden units from the bottom: "500,1000"; two layers at least */
    const char *layer_epochs; /* pretrain: epochs of each layer, "5,5"; NULL: half the run is shared out evenly */
    int32_t  pretrain;        /* 1: layers learn one after another before all learn together */
    int32_t  k;               /* Gibbs steps of an update */
    int32_t  chains;          /* their number; 0: as many as rows in a batch */
    int32_t  mean_field;      /* most rounds of the mean-field posterior */
    int32_t  centered;        /* 1: energy in v - mean and h - mean */
    int32_t  start;           /* 1: visible biases start from the data's means */
    int32_t  binarize;        /* GM_BINARIZE_* of gm/vae.h */
    int32_t  scale;           /* GM_SCALE_* of gm/vae.h */
    int32_t  conditional;     /* 1: label units over the topmost layer, p(x, label) */
    int32_t  classes;         /* 0: from the data */
    int32_t  burn_in;         /* Gibbs steps before a draw */
    int32_t  reserved;
    double   tolerance;       /* the posterior of a row has settled when no mean moves farther in a round */
    double   offset_rate;     /* centered: share of a batch's means in the running ones */
    double   init_std;        /* deviation of the first weights */
    double   pretrain_rate;   /* pretrain: factor of the learning rate while layers learn one by one */
} gm_dbm_config;

/** Fills a config with the defaults. @param size sizeof(gm_dbm_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_dbm_config_init(gm_dbm_config *c, size_t size);
/** New DBM. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Salakhutdinov & Hinton 2009; Montavon & Mueller 2012 (centring) */
GM_API gm_status gm_dbm_new(gm_ctx *ctx, const gm_dbm_config *c, gm_model **out);

/**
 * Logarithm of the partition function Z.
 * @param data      f32 [N, shape]: rows that the chains of reverse-ais start from; NULL: noise. From noise they miss modes that
 *                  chains do not find, and Z comes out too small
 * @param options   method (exact|ais|reverse-ais), temperatures (10000), chains (100), seed (0). exact wants at most 24 units in
 *                  the odd layers or in the even ones (the visible units are layer 0), else it is refused
 * @param log_z     receives the value, nats
 * @param error     receives its standard error, 0 for exact; may be NULL. ais tends to come out low, reverse-ais high
 * @errors    GM_EARG, GM_ELIMIT (too many units to enumerate), GM_EUNSUPPORTED (ais of gaussian or label units), GM_ESTATE, GM_EBUSY, GM_ECANCELED, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 * @source    Neal 2001; Salakhutdinov & Hinton 2009 (AIS)
 */
GM_API gm_status gm_dbm_log_z(gm_model *m, gm_tensor *data, const char *options, double *log_z, double *error);

/**
 * Block Gibbs chains from chosen visible states; some visible units may be held. The hidden units start as draws from the posterior of v.
 * @param v        [N, shape], the states to start from
 * @param clamp    u8 [N, shape] or [shape]: 1 holds a unit at its value; NULL: none
 * @param options  steps (1), temperature (1: of the last step; E/T), anneal (0: temperature from the first; else this one
 *                 first, falling by equal factors), seed (0), mean (off: states; on: the mean of p(v|h1) at the last step)
 * @param out      receives [N, shape] f32, the caller's
 * @errors    GM_EARG, GM_ESHAPE, GM_EDTYPE, GM_ESTATE, GM_EBUSY, GM_ECANCELED, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_dbm_gibbs(gm_model *m, gm_tensor *v, gm_tensor *clamp, const char *options, gm_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
