/* gm/vae.h - autoencoder and variational autoencoder, C configuration.
 *
 * The same as gm_model_new(ctx, "vae", "hidden=400 latent=20", &m), for hosts that
 * prefer a struct. Fields are the options of `gm help vae`.
 */
#ifndef GM_VAE_H
#define GM_VAE_H

#include <gm/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* GM_LIKELIHOOD_AUTO: bernoulli for images (rows of two or more dimensions, in [0,1]), gaussian for vectors. */
enum { GM_LIKELIHOOD_BERNOULLI = 0, GM_LIKELIHOOD_GAUSSIAN = 1, GM_LIKELIHOOD_AUTO = 2 };
enum { GM_OBJECTIVE_ELBO = 0, GM_OBJECTIVE_IWAE = 1 };
enum { GM_BINARIZE_NONE = 0, GM_BINARIZE_DYNAMIC = 1, GM_BINARIZE_THRESHOLD = 2 };
enum { GM_PRESET_MLP = 0, GM_PRESET_CONV = 1 };
enum { GM_CODE_GAUSSIAN = 0, GM_CODE_CATEGORICAL = 1 };
enum { GM_HEADS_AUTO = 0, GM_HEADS_OWN = 1 };
enum { GM_SCALE_NONE = 0, GM_SCALE_UNIT = 1, GM_SCALE_STANDARD = 2, GM_SCALE_AUTO = 3 /* vae: standard for vectors with likelihood=gaussian, else none */ };

/* Text fields are borrowed until the constructor returns. */
typedef struct gm_vae_config {
    uint32_t struct_size;     /* set by gm_vae_config_init */
    int32_t  latent;          /* size of the code */
    uint64_t seed;            /* of the weights, and of fit unless it is given one */
    const char *shape;        /* "1,28,28"; NULL: from the data at first fit */
    const char *hidden;       /* "400" or "200,200": encoder's hidden sizes, the decoder mirrors them; "none": no hidden layer */
    const char *activation;   /* relu, lrelu, elu, gelu, silu, tanh, sigmoid, softplus, none */
    const char *encoder;      /* network text in place of hidden, from a flattened row; NULL */
    const char *decoder;      /* from a code */
    int32_t  heads;           /* GM_HEADS_AUTO: libgm appends the last linear layers */
    int32_t  likelihood;      /* GM_LIKELIHOOD_* */
    int32_t  objective;       /* GM_OBJECTIVE_* */
    int32_t  k;               /* samples a row of the objective; 0: 1 for elbo, 5 for iwae */
    int32_t  binarize;        /* GM_BINARIZE_*: what is done to pixels in training and scoring */
    int32_t  classes;         /* kept in the file; 0: from the data */
    double   beta;            /* weight of the KL term */
    double   free_bits;       /* nats a latent dimension may use for nothing */
    double   noise_std;       /* gaussian: standard deviation of the decoder; 0: learned, one for all */
    int64_t  kl_warmup;       /* steps over which beta grows from 0 */
    int32_t  scale;           /* GM_SCALE_*: features to [0,1] or to mean 0, deviation 1; kept in the model */
    int32_t  conditional;     /* 1: encoder and decoder are told the label */
    int32_t  preset;          /* GM_PRESET_*: dense layers, or strided convolutions in front of them */
    int32_t  code;            /* GM_CODE_*: normal numbers, or categorical variables in place of them */
    int32_t  categories;      /* categorical: values of each of the `latent` variables */
    int32_t  reserved;
    double   temperature, temperature_min; /* categorical: of the relaxed draws at the first step, and from step `anneal` on */
    int64_t  anneal;          /* steps between the two; 0: temperature_min throughout */
    const char *channels;     /* conv: "32,64": convolutions, each halves the image */
} gm_vae_config;

/** Fills a config with the defaults. @param size sizeof(gm_vae_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_vae_config_init(gm_vae_config *c, size_t size);
/** New VAE. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Kingma & Welling 2014; Burda et al. 2016 (IWAE); Kingma et al. 2016 (free bits) */
GM_API gm_status gm_vae_new(gm_ctx *ctx, const gm_vae_config *c, gm_model **out);

typedef struct gm_ae_config {
    uint32_t struct_size;
    int32_t  latent;
    uint64_t seed;
    const char *shape, *hidden, *activation, *encoder, *decoder;
    int32_t  likelihood;      /* bernoulli: cross-entropy of grey levels; gaussian: squared error */
    int32_t  tied;            /* 1: the decoder uses the encoder's transposed weights */
    int32_t  binarize;
    int32_t  classes;
    double   noise;           /* denoising: standard deviation of noise added to inputs in training */
    double   mask;            /* denoising: share of inputs set to 0 in training */
    int32_t  heads;           /* GM_HEADS_* */
    int32_t  scale;           /* GM_SCALE_* */
    int32_t  conditional;     /* 1: encoder and decoder are told the label */
    int32_t  preset;          /* GM_PRESET_* */
    const char *channels;     /* conv: "32,64" */
    double   sparsity;        /* weight of KL(rho || mean activation) of the code's units, which pass a sigmoid then; 0: off */
    double   rho;             /* their target activation */
    double   l1;              /* weight of the code's sum of absolute values */
} gm_ae_config;

/** Fills a config with the defaults. @errors none. @threads any. @since 0.1 */
GM_API void gm_ae_config_init(gm_ae_config *c, size_t size);
/** New autoencoder. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Hinton & Salakhutdinov 2006; Vincent et al. 2008 (denoising) */
GM_API gm_status gm_ae_new(gm_ctx *ctx, const gm_ae_config *c, gm_model **out);

#ifdef __cplusplus
}
#endif
#endif
