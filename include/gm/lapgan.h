/* gm/lapgan.h - pictures from coarse to fine: a generative adversarial network on each level of a Laplacian pyramid.
 *
 *     gm_model *m = NULL;
 *     s = gm_model_new(ctx, "lapgan", "levels=3", &m);
 *     if (!s) s = gm_fit(m, pictures, "epochs=20");
 *     if (!s) s = gm_sample_png(m, 64, 1, "pictures.png");
 *
 * Level 1 is the coarsest: a generator makes small pictures of noise. That of each finer level is given such a picture enlarged,
 * and a plane of noise, and adds the detail that is missing. Levels learn from the data's own pyramid, each for itself; draws
 * go through all of them. gm_gan_d_step and gm_gan_g_step are half-steps of all levels that learn.
 */
#ifndef GM_LAPGAN_H
#define GM_LAPGAN_H

#include <gm/gan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text fields are borrowed until the constructor returns. */
typedef struct gm_lapgan_config {
    uint32_t struct_size;      /* set by gm_lapgan_config_init */
    int32_t  levels;           /* of the pyramid, 1 to 8; 0: until a side is odd or the next one would be below 7 */
    uint64_t seed;             /* of the weights, and of fit unless it is given one */
    const char *shape;         /* "3,32,32"; NULL: from the data at first fit */
    const char *generator;     /* of each finer level: network text from [C+1,H,W], the enlarged picture and noise, to [C,H,W]; NULL: a preset */
    const char *discriminator; /* of each finer level: from [2C,H,W], a picture and the enlarged one, to one logit */
    const char *coarse_generator;     /* of level 1: from the noise to [C,H,W] */
    const char *coarse_discriminator; /* of level 1: from [C,H,W] to one logit */
    int32_t  width;            /* presets: channels, twice as many on level 1 */
    int32_t  level;            /* the only one that learns; 0: all */
    int32_t  noise_dim;        /* numbers of the noise of level 1 */
    int32_t  noise;            /* GM_NOISE_* */
    int32_t  loss;             /* GM_GAN_* losses, of all levels */
    int32_t  penalty;          /* GM_PENALTY_*, but for clip */
    double   penalty_weight;   /* 0: as a GAN's */
    int32_t  penalty_every;    /* D's steps between two penalties, whose weight is multiplied by it */
    int32_t  spectral;         /* 1: the discriminators' weights are divided by their largest singular value */
    double   d_steps;          /* half-steps of the discriminators for one of the generators */
    double   d_lr;             /* their learning rate; 0: that of training */
    const char *d_optimizer;   /* their optimizer; NULL: that of training */
    double   label_smoothing;  /* of their answer to real pictures: 1 - this */
    int32_t  conditional;      /* GM_CONDITIONAL_NONE or _CONCAT: all nets are told the label */
    int32_t  classes;          /* 0: from the data */
} gm_lapgan_config;

/** Fills a config with the defaults. @param size sizeof(gm_lapgan_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_lapgan_config_init(gm_lapgan_config *c, size_t size);
/** New LAPGAN. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Denton et al. 2015; Burt & Adelson 1983 (the pyramid) */
GM_API gm_status gm_lapgan_new(gm_ctx *ctx, const gm_lapgan_config *c, gm_model **out);

/** Levels of a model that has weights; 0 before and for other families. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_lapgan_levels(const gm_model *m);

/**
 * Says which level learns in the next gm_fit or gm_trainer_new: what the option level says, later. The others keep every byte.
 * @param level   1 (the coarsest) to the number of levels; 0: all
 * @errors    GM_EARG, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_lapgan_set_level(gm_model *m, int32_t level);

/**
 * Draws of one level: the pictures that gm_sample with this seed goes through on its way.
 * @param level   1 to the number of levels, whose draws are those of gm_sample
 * @param cond    labels or numbers as in gm_model_apply; NULL: labels in turn, or a model without a condition
 * @param out     [n, C, h, w] in [0,1], the caller's
 * @errors    as gm_sample; GM_EARG (no such level)
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_lapgan_sample_level(gm_model *m, int32_t level, int64_t n, uint64_t seed, gm_tensor *cond, gm_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
