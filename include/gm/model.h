/* gm/model.h - models: construct, fit, sample, score, save, load.
 *
 *     gm_model *vae = NULL;
 *     s = gm_model_new(ctx, "vae", "hidden=400 latent=20", &vae);
 *     if (!s) s = gm_fit(vae, digits, "epochs=10 batch=128 seed=1");
 *     if (!s) s = gm_model_save(vae, "vae.safetensors");
 *     if (!s) s = gm_sample_png(vae, 64, 1, "digits.png");
 *     gm_model_free(vae);
 *
 * A model is the weights and what they mean; a trainer (gm/trainer.h) changes them;
 * a sampler (gm/sampler.h) draws from them. Every verb works for every family or
 * returns GM_EUNSUPPORTED; gm_model_can asks beforehand. Log-probabilities are in
 * nats per row; images are f32 in [0,1], shape [N, C, H, W].
 */
#ifndef GM_MODEL_H
#define GM_MODEL_H

#include <gm/dataset.h>
#include <gm/net.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gm_model gm_model;

/* Capabilities, bits of gm_model_can and gm_family_can. */
enum {
    GM_CAN_SAMPLE = 1, GM_CAN_LOG_PROB = 2, GM_CAN_SCORE = 4, GM_CAN_ENCODE = 8, GM_CAN_DECODE = 16,
    GM_CAN_RECONSTRUCT = 32, GM_CAN_PREDICT = 64, GM_CAN_CONDITION = 128, GM_CAN_GENERATE = 256 /* text: gm/lm.h */,
    GM_CAN_COMPLETE = 512
};
/* What a value of gm_log_prob is. */
enum { GM_LOG_PROB_EXACT = 1, GM_LOG_PROB_LOWER_BOUND = 2, GM_LOG_PROB_UNNORMALISED = 3, GM_LOG_PROB_ESTIMATE = 4,
       GM_LOG_PROB_CONDITIONAL = 5 /* of the label given the row */ };

/* ---- families ---------------------------------------------------------------- */

/** Number of families. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_family_count(void);
/** Name of family i, "vae"; NULL past the end. @return static. @errors none. @threads any. @since 0.1 */
GM_API const char *gm_family_name(int32_t i);
/** One line about a family; NULL for an unknown name. @return static. @errors none. @threads any. @since 0.1 */
GM_API const char *gm_family_title(const char *family);
/** Training options whose defaults a family changes, "lr=0.05 batch=100"; "" if none, NULL for an unknown name. The shape of the data may change more. @return static. @errors none. @threads any. @since 0.1 */
GM_API const char *gm_family_training(const char *family);
/** Capabilities of a family as GM_CAN_* bits; 0 for an unknown name. @errors none. @threads any. @since 0.1 */
GM_API uint32_t gm_family_can(const char *family);

/* One option as tables and help pages show it. */
typedef struct gm_option {
    uint32_t struct_size;     /* set by the caller */
    uint32_t reserved;
    const char *name;         /* static texts */
    const char *type;         /* "integer", "number", "on|off", "integers", "text" or the accepted names "a|b" */
    const char *default_text; /* "" when there is none */
    const char *help;
    double lo, hi;            /* inclusive bounds of numbers */
} gm_option;

/**
 * Option i of a family, or with owner "train" of training, "eval" of evaluation.
 * @param out   filled; struct_size must be set
 * @errors    GM_EARG, GM_ENOTFOUND (no such owner), GM_END (i is past the last)
 * @threads   any
 * @since     0.1
 */
GM_API gm_status gm_option_at(const char *owner, int32_t i, gm_option *out);

/* ---- life ---------------------------------------------------------------------- */

/**
 * New model of a family.
 * @param family    "vae", "ae", ..
 * @param options   `key=value` text or a JSON object; NULL for the defaults. Weights are drawn now if `shape` is
 *                  given, else at the first fit, when the data tell it
 * @param out       receives the model, the caller's; NULL on failure
 * @errors    GM_EARG (names option, value and bounds), GM_ESHAPE, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_model_new(gm_ctx *ctx, const char *family, const char *options, gm_model **out);

/** Drops the caller's reference. @errors none. @threads any. @since 0.1 */
GM_API void gm_model_free(gm_model *m);

/** A deep copy: a snapshot that later training does not touch. @errors GM_EARG, GM_ENOMEM, GM_EBUSY. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_model_copy(gm_model *m, gm_model **out);

/**
 * Saves to a .safetensors file that also opens in Python; replaces the file at once.
 * @errors    GM_ESTATE (no weights yet), GM_ENONFINITE (names the tensor), GM_EIO, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_model_save(gm_model *m, const char *path);

/**
 * Loads a model or a checkpoint. The file is treated as hostile.
 * @errors    GM_EIO, GM_EFORMAT, GM_EARG (config), GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_model_load(gm_ctx *ctx, const char *path, gm_model **out);

/**
 * The same with the file mapped into memory instead of read: tensors of families whose sizes are learned (ngram, rnn, transformer,
 * gpt) are the file's own pages, which all processes that map it share and the system may drop and fetch again; those of other
 * families are copied. All is checked once, here. Training works: what is written stays in this process, the file as it is.
 * Until the model is freed the file must neither be cut short (touching what is gone ends the process by SIGBUS) nor be written
 * in place; gm_model_save to the same path is fine: it replaces the file, and the old one stays mapped.
 * @errors    as gm_model_load
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_model_load_mapped(gm_ctx *ctx, const char *path, gm_model **out);

/**
 * Fills an existing model's weights by name from any .safetensors file; all or nothing.
 * @errors    as gm_model_load; GM_ENOTFOUND (names the tensor), GM_ESHAPE, GM_ESTATE, GM_EBUSY
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_model_load_weights(gm_model *m, const char *path);

/** Family name. @return static; NULL if m is no model. @errors none. @threads any. @since 0.1 */
GM_API const char *gm_model_family(const gm_model *m);
/** GM_CAN_* bits. @errors none. @threads any. @since 0.1 */
GM_API uint32_t gm_model_can(const gm_model *m);
/** All options with their values as one JSON object. @return borrowed; NULL without memory for it. @errors none. @threads as the model's context. @since 0.1 */
GM_API const char *gm_model_config(gm_model *m);
/** Text for people: kind, options, network table, parameters, score formula. @return length of the whole text, cut to cap-1; 0 without memory for it. @errors none. @threads as the model's context. @since 0.1 */
GM_API size_t gm_model_print(gm_model *m, char *out, size_t cap);
/** Shape of one row of x. @return its dimensions; -1 while unknown. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_model_shape(const gm_model *m, int64_t shape[8]);
/** Number of trainable numbers; 0 while unknown. @errors none. @threads any. @since 0.1 */
GM_API int64_t gm_model_parameters(const gm_model *m);
/** Number of named tensors. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_model_tensor_count(const gm_model *m);
/** Name of tensor i; NULL past the end. @return borrowed. @errors none. @threads any. @since 0.1 */
GM_API const char *gm_model_tensor_name(const gm_model *m, int32_t i);
/** Tensor i; NULL past the end. @return borrowed. @errors none. @threads as the model's context. @since 0.1 */
GM_API gm_tensor *gm_model_tensor(const gm_model *m, int32_t i);

/* ---- the verbs -------------------------------------------------------------------- */

/**
 * Trains. Same as gm_trainer_new, gm_trainer_run, gm_trainer_free.
 * @param options   see gm_trainer_new; NULL for the defaults
 * @errors    GM_EARG, GM_ESHAPE, GM_ENONFINITE, GM_ECANCELED, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_fit(gm_model *m, gm_dataset *data, const char *options);

/**
 * Draws n rows. Row i depends on (seed, i) alone; a conditional model gives row i the label i modulo classes.
 * @param out   [n, shape of x], the caller's
 * @errors    GM_EUNSUPPORTED, GM_ESTATE (no weights yet), GM_EARG, GM_EBUSY, GM_ECANCELED, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_sample(gm_model *m, int64_t n, uint64_t seed, gm_tensor **out);

/** Draws n images and writes them as a grid. @errors as gm_sample and gm_png_write. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_sample_png(gm_model *m, int64_t n, uint64_t seed, const char *path);

/**
 * Log-probability of every row, nats.
 * @param x         [N, shape], f32
 * @param options   k (importance samples), seed, batch; NULL for the family's default
 * @param out       [N] f32, the caller's
 * @param kind      receives GM_LOG_PROB_*; may be NULL
 * @errors    GM_EUNSUPPORTED, GM_ESHAPE, GM_EARG, GM_ECANCELED, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_log_prob(gm_model *m, gm_tensor *x, const char *options, gm_tensor **out, int32_t *kind);

/** Anomaly score of every row, higher = more anomalous; gm_model_print names the formula. @param out [N] f32, the caller's. @errors as gm_log_prob. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_score(gm_model *m, gm_tensor *x, gm_tensor **out);
/** Codes of rows (the mean of the posterior). @param out [N, latent] f32, the caller's. @errors as gm_log_prob. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_encode(gm_model *m, gm_tensor *x, gm_tensor **out);
/** Layers whose codes gm_encode_layer gives: 1 of most families, 0 of those that cannot encode or have no weights yet. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_model_layers(const gm_model *m);
/**
 * Codes of one layer of a model that has several (dbn): the means of its units.
 * @param cond    as in gm_model_apply
 * @param layer   1 (next to the rows) to gm_model_layers, whose codes are those of gm_encode
 * @param out     [N, units of the layer] f32, the caller's
 * @errors    as gm_model_apply; GM_EARG (no such layer)
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_encode_layer(gm_model *m, gm_tensor *x, gm_tensor *cond, int32_t layer, gm_tensor **out);
/** Rows from codes. @param z [N, latent] f32. @param out [N, shape of x], the caller's. @errors as gm_log_prob. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_decode(gm_model *m, gm_tensor *z, gm_tensor **out);
/** decode(encode(x)). @param out [N, shape of x], the caller's. @errors as gm_log_prob. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_reconstruct(gm_model *m, gm_tensor *x, gm_tensor **out);
/**
 * Predictions of a classifier or regressor; the large pictures that a model of super-resolution makes of small ones.
 * @param x     [N, shape], f32; srgan: pictures [N, C, h, w] of any size
 * @param out   [N, classes] probabilities that sum to 1, [N, targets] in the data's units, or pictures; the caller's
 * @errors    as gm_log_prob
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_predict(gm_model *m, gm_tensor *x, gm_tensor **out);

/**
 * A verb with what it depends on beside x: gm_encode, gm_decode, gm_reconstruct, gm_score, gm_predict and gm_log_prob of
 * models that are conditional (vae, ae: GM_CAN_CONDITION), and log P(label | x) of a classifier.
 * @param verb   GM_CAN_ENCODE, _DECODE, _RECONSTRUCT, _SCORE, _PREDICT or _LOG_PROB
 * @param x      as the verb's own function takes it
 * @param cond   labels, i32 or i64 [N] or [1] for all rows; or numbers, f32 [N or 1, classes], such as shares of the
 *               classes; NULL for none
 * @param out    as the verb's own function gives it, the caller's
 * @errors    as gm_log_prob; GM_EARG names a label out of range
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_model_apply(gm_model *m, uint32_t verb, gm_tensor *x, gm_tensor *cond, gm_tensor **out);

/** Rows on the straight line between the codes of a and b, ends included. @param a,b [1, shape]. @param steps >= 2. @param out [steps, shape], the caller's. @errors as gm_log_prob. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_interpolate(gm_model *m, gm_tensor *a, gm_tensor *b, int32_t steps, gm_tensor **out);

/**
 * Rows whose missing entries are drawn given the others, by Gibbs chains from noise: Boltzmann machines (rbm, bm, dbn, dbm). A dbn, whose
 * posterior is not known, takes the way up in its place. A row's chain depends on the seed, its number and its entries alone.
 * @param x        [N, shape]; NaN: missing
 * @param known    u8 [N, shape] or [shape]: 0 tells that an entry is missing, whatever x has there; NULL: those that are not NaN are known
 * @param cond     of a model with label units: as in gm_sampler_draw; NULL: labels are drawn, too. NULL for any other model
 * @param options  steps (200), temperature (1: of the last step), anneal (0: temperature from the first; else this one first, falling by
 *                 equal factors), mean (on: the means of the missing entries at the last step; off: states), seed (0)
 * @param out      receives [N, shape] f32, known entries as they were, the caller's
 * @errors    GM_EARG, GM_ESHAPE, GM_EDTYPE, GM_EUNSUPPORTED, GM_ESTATE, GM_EBUSY, GM_ECANCELED, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_complete(gm_model *m, gm_tensor *x, gm_tensor *known, gm_tensor *cond, const char *options, gm_tensor **out);

/**
 * What each axis of the code does: rows decoded from codes that differ in one coordinate. Row a*steps + s of the result
 * belongs to axis a: the start with coordinate a moved by -span .. span in equal steps; for a VAE with categorical
 * variables, the start with variable a in category s.
 * @param z       the code to start from, f32 [1, latent], or NULL: all 0 (categorical: each in its first category)
 * @param steps   2 to 4096
 * @param span    > 0; 2.5 goes through most of a normal prior
 * @param cond    as in gm_model_apply, one row
 * @param out     [axes*steps, shape of x], the caller's; gm_png_write with steps columns draws an axis a line
 * @errors    as gm_decode
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_traverse(gm_model *m, gm_tensor *z, int32_t steps, double span, gm_tensor *cond, gm_tensor **out);

/* One result of gm_eval. */
typedef struct gm_measure {
    char name[32];   /* "elbo" */
    double value;
    double error;    /* standard error of the mean over rows, 0 if not applicable */
    char unit[32];   /* "nats", "nats/row" .. */
    char note[128];  /* n, binarisation, importance samples: what the value depends on */
    uint64_t rows;
} gm_measure;

/**
 * Measures a model on a data set. Beside the metrics of its family a model that draws has those of gm/metrics.h, its samples against
 * rows of the data: frechet, mmd, precision, recall, density, coverage, c2st, sliced_w, nearest (the data are taken for those it was
 * trained on), and modes, high_quality for data with known centres (synth:ring8, synth:grid25); one that reconstructs images in [0,1]
 * has psnr and ssim of rows and their reconstructions.
 * @param options   metric (comma list; default the family's), k, seed, batch, threads; for samples: n, features, kernel, judge
 * @param out       receives up to cap measures
 * @param n         receives their number
 * @errors    GM_EARG (unknown metric: the message lists those of the family), GM_EUNSUPPORTED, GM_ESHAPE, GM_ELIMIT (cap), GM_ECANCELED, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_eval(gm_model *m, gm_dataset *data, const char *options, gm_measure *out, int32_t cap, int32_t *n);

#ifdef __cplusplus
}
#endif
#endif
