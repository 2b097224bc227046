/* gm/classifier.h - networks that predict: mlp (dense) and cnn (convolutional), C configuration.
 *
 *     gm_model *m = NULL; gm_tensor *p = NULL;
 *     s = gm_model_new(ctx, "cnn", NULL, &m);
 *     if (!s) s = gm_fit(m, digits, "epochs=5");            digits with labels: a classifier; with targets y: a regressor
 *     if (!s) s = gm_predict(m, x, &p);                     [N, classes], each row sums to 1
 *
 * The same as gm_model_new(ctx, "mlp", "hidden=256", &m) for hosts that prefer a struct.
 * Fields are the options of `gm help mlp` and `gm help cnn`.
 */
#ifndef GM_CLASSIFIER_H
#define GM_CLASSIFIER_H

#include <gm/vae.h>

#ifdef __cplusplus
extern "C" {
#endif

/* GM_TASK_AUTO: by the data: classify where they have labels, else regress on y. */
enum { GM_TASK_CLASSIFY = 0, GM_TASK_REGRESS = 1, GM_TASK_AUTO = 2 };
enum { GM_NORM_NONE = 0, GM_NORM_BATCH = 1, GM_NORM_LAYER = 2 };

/* Text fields are borrowed until the constructor returns. */
typedef struct gm_classifier_config {
    uint32_t struct_size;     /* set by the init function */
    int32_t  task;            /* GM_TASK_* */
    uint64_t seed;            /* of the weights, and of fit unless it is given one */
    const char *shape;        /* "1,28,28"; NULL: from the data at first fit */
    const char *hidden;       /* sizes of dense hidden layers, "256,128"; "none": logistic or linear regression */
    const char *channels;     /* cnn: convolutions of 3x3, each followed by a halving of the image: "32,64" */
    const char *activation;   /* relu, lrelu, elu, gelu, silu, tanh, sigmoid, softplus, none */
    const char *net;          /* network text in place of hidden and channels; NULL */
    double   dropout;         /* share of hidden activations set to 0 in training */
    double   label_smoothing; /* share of the probability of a label that is spread over all classes in training */
    int32_t  norm;            /* GM_NORM_*: before each activation */
    int32_t  heads;           /* GM_HEADS_AUTO: libgm appends the last linear layer to net */
    int32_t  scale;           /* GM_SCALE_*; AUTO: standard for vectors, none for images */
    int32_t  classes;         /* 0: from the data */
    int32_t  targets;         /* numbers of y a row; 0: from the data */
    int32_t  reserved;
} gm_classifier_config;
typedef gm_classifier_config gm_mlp_config, gm_cnn_config;

/** Fills a config with the defaults of mlp. @param size sizeof(gm_mlp_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_mlp_config_init(gm_mlp_config *c, size_t size);
/** New dense network. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 */
GM_API gm_status gm_mlp_new(gm_ctx *ctx, const gm_mlp_config *c, gm_model **out);

/** Fills a config with the defaults of cnn. @param size sizeof(gm_cnn_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_cnn_config_init(gm_cnn_config *c, size_t size);
/** New convolutional network. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source LeCun et al. 1998; Ioffe & Szegedy 2015 */
GM_API gm_status gm_cnn_new(gm_ctx *ctx, const gm_cnn_config *c, gm_model **out);

#ifdef __cplusplus
}
#endif
#endif
