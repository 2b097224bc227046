/* gm/srgan.h - enlarging pictures: a residual network learns what an enlargement by interpolation lacks, then a discriminator
 * makes it sharp.
 *
 *     gm_model *m = NULL; gm_tensor *large = NULL;
 *     s = gm_model_new(ctx, "srgan", "factor=2", &m);
 *     if (!s) s = gm_fit(m, pictures, "steps=3000");
 *     if (!s) s = gm_srgan_upscale(m, small, &large);
 *
 * Rows of data are large pictures; small ones are made of them by reduction. The result is the bicubic enlargement plus what
 * the generator gives. A share of training (pretrain) learns content alone: squared error by pixels. In the rest the
 * generator also descends its part of a GAN, and content may be squared error of a classifier's features.
 */
#ifndef GM_SRGAN_H
#define GM_SRGAN_H

#include <gm/gan.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GM_CONTENT_PIXEL = 0, GM_CONTENT_FEATURES = 1 };
enum { GM_REDUCE_AREA = 0, GM_REDUCE_BICUBIC = 1 };

/* Text fields are borrowed until the constructor returns. */
typedef struct gm_srgan_config {
    uint32_t struct_size;      /* set by gm_srgan_config_init */
    int32_t  factor;           /* of both sides, 2 to 8 */
    uint64_t seed;             /* of the weights, and of fit unless it is given one */
    const char *shape;         /* of a large picture, "3,32,32"; NULL: from the data at first fit */
    const char *generator;     /* network text from [C,h,w] to [C,factor h,factor w]; NULL: the preset */
    const char *discriminator; /* network text from [C,H,W] to one logit; NULL: the preset */
    int32_t  blocks;           /* preset: residual blocks of the generator */
    int32_t  width;            /* presets: channels */
    int32_t  reduce;           /* GM_REDUCE_*: how small pictures are made: means of pixels, or gm_upsample2d by GM_BICUBIC */
    int32_t  content;          /* GM_CONTENT_*, after pretrain */
    const char *features;      /* content=features: file of an mlp or cnn, whose last hidden layer is compared; read at the first fit, not kept */
    const char *feature_net;   /* its text, from then on; its weights are in the model */
    double   pretrain;         /* share of the steps that learn content alone, 0 to 1 */
    double   adversarial;      /* weight of the generator's part of the game */
    int32_t  loss;             /* GM_GAN_* losses */
    int32_t  penalty;          /* GM_PENALTY_*, but for clip */
    double   penalty_weight;   /* 0: as a GAN's */
    int32_t  penalty_every;    /* D's steps between two penalties, whose weight is multiplied by it */
    int32_t  spectral;         /* 1: D's weights are divided by their largest singular value */
    double   d_steps;          /* D's half-steps for one of G's, after pretrain */
    double   d_lr;             /* D's learning rate; 0: that of training */
    const char *d_optimizer;   /* D's optimizer; NULL: that of training */
    double   label_smoothing;  /* of D's answer to real pictures: 1 - this */
} gm_srgan_config;

/** Fills a config with the defaults. @param size sizeof(gm_srgan_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_srgan_config_init(gm_srgan_config *c, size_t size);
/** New SRGAN. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Ledig et al. 2017; Shi et al. 2016 (pixel shuffle); Lim et al. 2017 (blocks without batch norm) */
GM_API gm_status gm_srgan_new(gm_ctx *ctx, const gm_srgan_config *c, gm_model **out);

/**
 * Enlarges pictures by the model's factor; the same as gm_predict.
 * @param small   [N, C, h, w] in [0,1], f32, f64 or u8, of any size that the generator takes: a preset's takes all
 * @param large   [N, C, factor h, factor w] in [0,1], the caller's
 * @errors    as gm_log_prob; GM_EARG for another family
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_srgan_upscale(gm_model *m, gm_tensor *small, gm_tensor **large);

#ifdef __cplusplus
}
#endif
#endif
