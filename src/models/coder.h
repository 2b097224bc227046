/* coder.h - what autoencoder and VAE share: an encoder and a decoder net from
 * options, the likelihood of a row under the decoder's output, and the choices
 * that depend on the data. */
#ifndef GM_MODELS_CODER_H
#define GM_MODELS_CODER_H

#include "models/model.h"
#include <gm/vae.h>

enum { GM__CODER_LAYERS = 16 };  /* hidden layers a preset may have */

/* The options that describe the nets, borrowed from a family's config. */
typedef struct gm__coder_cfg {
    const char *owner;           /* "vae", for messages */
    const char *hidden, *channels, *activation, *encoder, *decoder;
    int32_t preset, heads, likelihood;
    int64_t latent;              /* numbers of the code, as the decoder takes it */
    int32_t cond;                /* classes that both nets are told, 0: none */
    int32_t code_factor;         /* numbers the encoder gives per code number: 2 for mean and log variance */
    bool no_decoder;             /* tied: the family decodes by itself */
    bool own_variance;           /* a decoder of the user's may give mean and log variance of every number */
} gm__coder_cfg;

typedef struct gm__coder {
    gm_net *encoder, *decoder;
    int64_t row, latent, cond;
    int32_t likelihood;          /* resolved */
    int64_t image[3];            /* of a row, where convolutions are */
    bool on_images;              /* the encoder takes [N,C,H,W] */
    bool tanh_out;               /* the decoder works in [-1,1] */
    bool variance_out;           /* the decoder gives 2*row numbers: mean, log variance */
} gm__coder;

/* Rules between the options; no data needed. */
gm_status gm__coder_check(gm_ctx *ctx, const gm__coder_cfg *c);
/* GM_LIKELIHOOD_AUTO by the shape of a row. */
int32_t gm__coder_likelihood(int32_t asked, int32_t ndim);
/* Makes both nets for m's shape and registers them as "encoder" and "decoder". On failure out can be freed. */
gm_status gm__coder_build(gm_model *m, const gm__coder_cfg *c, gm__coder *out);
void gm__coder_free(gm__coder *c);

/* [N, shape] -> [N, row], also a check: bernoulli wants numbers in [0,1]. */
gm_tensor *gm__coder_rows(const gm__coder *c, gm_tape *t, gm_tensor *x, const char *owner, bool check);
/* [N, row] -> [N, what the encoder gives]; cond [N, cond], NULL without */
gm_tensor *gm__coder_encode(const gm__coder *c, gm_tape *t, gm_tensor *x, gm_tensor *cond);
/* [.., latent] -> [.., row or 2*row]: logits or means; cond as above, the same for all codes of a row */
gm_tensor *gm__coder_decode(const gm__coder *c, gm_tape *t, gm_tensor *z, gm_tensor *cond);
/* The decoder's output as a row in the data's units: sigmoid of logits, or the mean; [N, shape]. */
gm_tensor *gm__coder_mean(const gm_model *m, const gm__coder *c, gm_tape *t, gm_tensor *y);
/* Squared error summed over the last axis, y a gaussian decoder's output. */
gm_tensor *gm__coder_error(const gm__coder *c, gm_tape *t, gm_tensor *x, gm_tensor *y);

/* Squared error of the decoder's mean, summed over a row, in the data's units: [N]. */
gm_tensor *gm__coder_squared_error(const gm_model *m, const gm__coder *c, gm_tape *t, gm_tensor *rows, gm_tensor *y);

/* Tables of nets, each under its name; NULL nets are left out. Returns the bytes added. */
size_t gm__coder_print(gm_ctx *ctx, const gm_net *const *nets, const char *const *names, size_t n, gm__buf *out);

/* Layer sizes of an option, "400,200"; "" and "none" give none. */
gm_status gm__coder_sizes(gm_ctx *ctx, const char *owner, const char *option, const char *text, int64_t out[GM__CODER_LAYERS], size_t *n);
gm_status gm__coder_check_activation(gm_ctx *ctx, const char *owner, const char *activation);
const char *gm__coder_activation_text(const char *activation); /* as a layer, "lrelu 0.2"; NULL for none */
gm_status gm__coder_image(const gm_model *m, const char *owner, int64_t image[3]); /* [C,H,W] of a row; GM_ESHAPE if it is none */
/* Does a network text begin with a layer that works on images [C,H,W]? */
bool gm__coder_on_images(const char *text);
gm_tensor *gm__coder_activate(gm_tape *t, const char *activation, gm_tensor *x);

#endif
