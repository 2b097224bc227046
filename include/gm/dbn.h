/* gm/dbn.h - deep belief networks: restricted Boltzmann machines on one another, trained from the bottom.
 *
 *     p(v, h1, .., hL) = p(v|h1) .. p(h(L-2)|h(L-1)) p(h(L-1), hL)
 *
 * The topmost two layers are a restricted Boltzmann machine, the others are directed downward. With one layer
 * it is that machine, bit for bit. Layers learn in turn; up-down fine-tuning then trains all of them together,
 * the way up (recognition) with weights of its own. gm_encode_layer gives the codes of each layer. The same as gm_model_new(ctx, "dbn", "layers=500,500,2000", &m).
 */
#ifndef GM_DBN_H
#define GM_DBN_H

#include <gm/rbm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GM_LAYER_CONSTANT = 0, GM_LAYER_COSINE = 1 /* it falls to 0 by the time the turn ends */ };
enum { GM_INPUTS_MEAN = 0, GM_INPUTS_DRAW = 1 /* of the layer below, given the data */ };

/* Text fields are borrowed until the constructor returns. */
typedef struct gm_dbn_config {
    uint32_t struct_size;     /* set by gm_dbn_config_init */
    int32_t  units;           /* GM_UNITS_*: of the visibles */
    uint64_t seed;            /* of the weights, and of fit unless it is given one */
    const char *shape;        /* "1,28,28"; NULL: from the data at first fit */
    const char *layers;       /* hidden units from the bottom: "500,500,2000" */
    const char *layer_epochs; /* epochs of each layer, "20,10,10"; NULL: the run is shared out evenly */
    int32_t  k;               /* Gibbs steps of an update */
    int32_t  persistent;      /* 1: chains go on from update to update */
    int32_t  centered;        /* 1: energies in v - mean and h - mean */
    int32_t  start;           /* 1: visible biases start from the data's means */
    int32_t  transposed;      /* 1: a layer starts as the one below turned around, where sizes allow */
    int32_t  binarize;        /* GM_BINARIZE_* of gm/vae.h */
    int32_t  scale;           /* GM_SCALE_* of gm/vae.h */
    int32_t  conditional;     /* 1: label units in the topmost machine */
    int32_t  classes;         /* 0: from the data */
    int32_t  burn_in;         /* Gibbs steps in the topmost machine before a draw */
    double   offset_rate;     /* centered: share of a batch's means in the running ones */
    double   init_std;        /* deviation of the first weights */
    const char *layer_k;      /* Gibbs steps of each layer, "1,1,3"; NULL: k for all */
    const char *layer_lr;     /* factors of the learning rate, "0.1,1,1"; NULL: 1 for all */
    int32_t  layer_schedule;  /* GM_LAYER_*: what the rate does within the turn of a layer */
    int32_t  inputs;          /* GM_INPUTS_*: what a layer above the first learns from */
    int32_t  up_down;         /* epochs of up-down fine-tuning after the last layer's turn */
    int32_t  up_down_k;       /* Gibbs steps of its updates; 0: as the topmost machine's */
    double   up_down_lr;      /* factor of the learning rate there */
    const char *layer_persistent; /* 1 or 0 for each layer, "0,0,1"; NULL: persistent for all */
} gm_dbn_config;

/** Fills a config with the defaults. @param size sizeof(gm_dbn_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_dbn_config_init(gm_dbn_config *c, size_t size);
/** New DBN. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Hinton, Osindero & Teh 2006 (greedy training, up-down) */
GM_API gm_status gm_dbn_new(gm_ctx *ctx, const gm_dbn_config *c, gm_model **out);

/**
 * A network that predicts (family mlp) whose hidden layers start as the machines of a trained rbm, dbn or dbm, for supervised fine-tuning. Of a dbm the weights are those of the first guess of its mean field: twice W but for the topmost.
 * @param m         an rbm, dbn or dbm with Bernoulli or Gaussian visible units and Bernoulli hidden units; not changed
 * @param options   further options of mlp: classes (if the model has none), dropout, label-smoothing, seed (of the head); NULL
 * @param out       receives the network, the caller's
 * @errors    GM_EARG (another family; classes unknown), GM_EUNSUPPORTED (other units, scaled data), GM_ESTATE, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 * @source    Hinton, Osindero & Teh 2006
 */
GM_API gm_status gm_dbn_unroll(gm_model *m, const char *options, gm_model **out);

/**
 * An autoencoder (family ae) whose encoder starts as the way up of a trained rbm, dbn or dbm and whose decoder as the way down, for
 * fine-tuning. With latent=K in the options a new linear layer of K numbers is the code, else the topmost units' means are, and
 * before training it rebuilds rows as gm_reconstruct of m does.
 * @param m         as gm_dbn_unroll takes it
 * @param options   further options of ae: latent, noise, mask, binarize, seed (of new layers); NULL
 * @param out       receives the autoencoder, the caller's
 * @errors    as gm_dbn_unroll
 * @threads   as the model's context
 * @since     0.1
 * @source    Hinton & Salakhutdinov 2006
 */
GM_API gm_status gm_dbn_autoencoder(gm_model *m, const char *options, gm_model **out);

#ifdef __cplusplus
}
#endif
#endif
