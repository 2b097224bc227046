/* gm/gan.h - generative adversarial networks.
 *
 *     gm_model *gan = NULL;
 *     s = gm_model_new(ctx, "gan", "loss=wasserstein penalty=gp d-steps=5", &gan);
 *     if (!s) s = gm_fit(gan, digits, "epochs=10");
 *     if (!s) s = gm_gan_export_generator(gan, "generator.safetensors");
 *
 * A generator G turns noise z into rows, a discriminator D tells rows of the data from those. D raises
 * V(D,G) = E log D(x) + E log(1 - D(G(z))), D(x) the sigmoid of its logit; G lowers it. Losses are computed
 * from logits. A step of training is d-steps half-steps of D and one of G.
 */
#ifndef GM_GAN_H
#define GM_GAN_H

#include <gm/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GM_GAN_AUTO = 0, GM_GAN_MLP = 1, GM_GAN_DCGAN = 2, GM_GAN_RESNET = 3 };
enum { GM_NOISE_NORMAL = 0, GM_NOISE_UNIFORM = 1 };
/* With r, f the logits of real and generated rows, S(x) = log(1 + e^x); means over rows:
 *                    D descends                        G descends
 *   minimax          S(-r) + S(f)                      -S(f)
 *   non-saturating   S(-r) + S(f)                      S(-f)
 *   least-squares    (r - 1)^2/2 + f^2/2               (f - 1)^2/2
 *   hinge            max(0, 1 - r) + max(0, 1 + f)     -f
 *   wasserstein      f - r                             -f
 *   relativistic     S(f - r), in pairs                S(r - f) */
enum { GM_GAN_MINIMAX = 0, GM_GAN_NON_SATURATING = 1, GM_GAN_LEAST_SQUARES = 2, GM_GAN_HINGE = 3, GM_GAN_WASSERSTEIN = 4, GM_GAN_RELATIVISTIC = 5,
       GM_GAN_LOSS_AUTO = 6 };
/* Added to D's loss, g the gradient of the logit by the row:
 *   gp       weight E (|g| - 1)^2, on straight lines between real and generated rows    [Gulrajani et al. 2017]
 *   r1       weight/2 E |g|^2, at real rows                                             [Mescheder et al. 2018]
 *   r2       the same at generated rows, too
 *   dragan   weight E (|g| - 1)^2, around real rows                                     [Kodali et al. 2017]
 *   clip     nothing: after each step D's weights are cut to [-weight, weight]          [Arjovsky et al. 2017] */
enum { GM_PENALTY_NONE = 0, GM_PENALTY_GP = 1, GM_PENALTY_R1 = 2, GM_PENALTY_R2 = 3, GM_PENALTY_DRAGAN = 4, GM_PENALTY_CLIP = 5, GM_PENALTY_AUTO = 6 };
enum { GM_CONDITIONAL_NONE = 0, GM_CONDITIONAL_CONCAT = 1, GM_CONDITIONAL_EMBEDDING = 2, GM_CONDITIONAL_PROJECTION = 3, GM_CONDITIONAL_ACGAN = 4 };

enum { GM_HEALTH_OFF = 0, GM_HEALTH_WATCH = 1, GM_HEALTH_ACT = 2 };

/* Text fields are borrowed until the constructor returns. */
typedef struct gm_gan_config {
    uint32_t struct_size;      /* set by gm_gan_config_init */
    int32_t  preset;           /* GM_GAN_*: nets by the shape of a row */
    uint64_t seed;             /* of the weights, and of fit unless it is given one */
    const char *shape;         /* "1,28,28"; NULL: from the data at first fit */
    const char *generator;     /* network text from the noise; NULL: the preset's */
    const char *discriminator; /* network text to one logit, and whatever else is asked of it */
    const char *hidden;        /* mlp: "128,128", of both nets */
    int32_t  width;            /* dcgan, resnet: channels next to the picture, doubled with each halving; 0: by the image */
    int32_t  noise_dim;        /* numbers of z; 0: as many as a vector has, 2 to 64; 64 for images */
    int32_t  noise;            /* GM_NOISE_* */
    int32_t  loss;             /* GM_GAN_* losses */
    int32_t  penalty;          /* GM_PENALTY_* */
    int32_t  penalty_every;    /* D's steps between two penalties, whose weight is multiplied by it */
    double   penalty_weight;   /* 0: 10 for gp and dragan, 0.2 for r1 and r2, 0.01 for clip */
    int32_t  spectral;         /* 1: D's weights are divided by their largest singular value */
    int32_t  pack;             /* rows that D judges together */
    double   d_steps;          /* D's half-steps for one of G's; 0.5: one in every second step */
    double   d_lr;             /* D's learning rate; 0: that of training */
    const char *d_optimizer;   /* D's optimizer; NULL: that of training */
    double   label_smoothing;  /* of D's answer to real rows: 1 - this */
    double   instance_noise;   /* deviation of noise on all that D sees, falling to 0 .. */
    int64_t  noise_steps;      /* .. over so many steps; 0: over all of training */
    int32_t  mbstd;            /* 1: presets show D how much a batch varies */
    int32_t  conditional;      /* GM_CONDITIONAL_*: how both nets are told the label */
    int32_t  embedding;        /* embedding: its size */
    int32_t  classes;          /* 0: from the data */
    const char *codes;         /* InfoGAN: "10,10": categorical codes beside the noise, by their number of values */
    int32_t  codes_uniform;    /* and codes in [-1,1] */
    int32_t  scale;            /* GM_SCALE_* */
    double   info_weight;      /* of the codes in both losses */
    double   class_weight;     /* acgan: of the labels in both losses */
    double   truncation;       /* of the noise in use: redrawn beyond so many deviations; 0: not */
    int32_t  unroll;           /* steps of D that G looks ahead through */
    const char *d_band;        /* "0.6,0.8": D's half-steps adapt so that its advantage stays there; NULL: d_steps stays */
    int32_t  health;           /* GM_HEALTH_*: measures and events; act: remedies, too */
    int32_t  health_every;     /* steps between two looks */
    const char *remedies;      /* "collapse=rollback vanishing=lr": against which event what is done; NULL: the defaults */
    int64_t  gap_every;        /* steps between two estimates of the duality gap; 0: none */
    int32_t  gap_steps;        /* steps of a best response */
    int32_t  dense;            /* dcgan: units of a dense layer behind the noise and before the logit; 0: none; -1: by the image */
} gm_gan_config;

/** Fills a config with the defaults. @param size sizeof(gm_gan_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_gan_config_init(gm_gan_config *c, size_t size);
/** New GAN. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Goodfellow et al. 2014; Radford et al. 2016 (DCGAN); Lin et al. 2018 (packing); Chen et al. 2016 (InfoGAN); Odena et al. 2017 (ACGAN); Miyato & Koyama 2018 (projection) */
GM_API gm_status gm_gan_new(gm_ctx *ctx, const gm_gan_config *c, gm_model **out);

/**
 * The discriminator's logits: above 0 it takes a row for one of the data. With pack > 1 it judges runs of so many rows.
 * @param x      [N, shape], f32; N a multiple of pack
 * @param cond   labels or numbers as in gm_model_apply; NULL for a model without a condition
 * @param out    [N/pack] f32, the caller's
 * @errors    GM_EARG, GM_ESHAPE, GM_ESTATE (no weights yet, or the generator alone), GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_gan_discriminate(gm_model *m, gm_tensor *x, gm_tensor *cond, gm_tensor **out);

/**
 * Draws codes, what gm_decode makes rows from: the noise and, with InfoGAN, the codes behind it. Row i of gm_sample with this
 * seed is the row of code i.
 * @param truncation   normal noise is redrawn beyond so many deviations; 0: as the model's option says
 * @param out          [n, numbers of a code] f32, the caller's
 * @errors    GM_EARG, GM_ESTATE, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_gan_noise(gm_model *m, int64_t n, uint64_t seed, double truncation, gm_tensor **out);

/**
 * Codes on the way from a to b, ends included: on the straight line, or with spherical on the arc between their directions,
 * the length changing evenly, so that normal noise stays as long as normal noise is [White 2016].
 * @param a,b    f32 [1, K] or [K]
 * @param steps  >= 2
 * @param out    [steps, K] f32, the caller's
 * @errors    GM_EARG, GM_ESHAPE, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_gan_path(gm_ctx *ctx, gm_tensor *a, gm_tensor *b, int32_t steps, int32_t spherical, gm_tensor **out);

/**
 * Saves a model that holds the generator alone: it draws the bytes that this one draws, and judges nothing.
 * @errors    as gm_model_save
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_gan_export_generator(gm_model *m, const char *path);

/**
 * Half-steps of a trainer whose model is a game of two: gan, lapgan, srgan. gm_trainer_step is what is left of d-steps of the one, then the other:
 * D's half-steps that were called before count. G's completes the step.
 * @param loss   receives the loss; may be NULL
 * @errors    as gm_trainer_step; GM_EARG for another family
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_gan_d_step(gm_trainer *tr, double *loss);
/** The generator's half-step, see gm_gan_d_step. @errors as gm_gan_d_step. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_gan_g_step(gm_trainer *tr, double *loss);

/** What D descends, one element. @param loss GM_GAN_*. @param real,fake logits of one shape, [N]. @param smoothing real rows count as 1 - this. @return one element. @errors recorded in the tape. @grad real, fake; any order. @threads as t. @since 0.1 */
GM_API gm_tensor *gm_gan_d_loss(gm_tape *t, int32_t loss, gm_tensor *real, gm_tensor *fake, double smoothing);
/** What G descends. @param real as above; NULL but for relativistic. @return one element. @errors recorded in the tape. @grad real, fake; any order. @threads as t. @since 0.1 */
GM_API gm_tensor *gm_gan_g_loss(gm_tape *t, int32_t loss, gm_tensor *real, gm_tensor *fake);

#ifdef __cplusplus
}
#endif
#endif
