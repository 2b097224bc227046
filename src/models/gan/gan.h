/* gan.h - what the files of the GAN family share.
 *
 * A code is what the generator starts from: noise, and with InfoGAN categorical and uniform codes behind it. What the
 * discriminator gives for a row: one logit, then logits of the classes (acgan), then of the codes. */
#ifndef GM_MODELS_GAN_GAN_H
#define GM_MODELS_GAN_GAN_H

#include "models/adversarial.h"
#include "models/coder.h"
#include "ops/ops.h"
#include <gm/gan.h>

enum { GM__GAN_CODES = 16 };

typedef struct gm__gan {
    gm_net *g, *d;               /* d: NULL in a file of the generator alone */
    gm_net *g_label, *d_label;   /* learned vectors of the labels: embedding, projection; else NULL */
    gm_net *d_head;              /* projection: the logit from D's features; else NULL */
    int64_t noise, code;         /* numbers of the noise, of a code */
    int64_t cond;                /* classes that both are told, 0: none */
    int64_t values[GM__GAN_CODES];
    size_t n_codes;              /* categorical ones */
    int64_t outs;                /* numbers that D gives for a row */
    int64_t image[3];            /* of a row, where D begins with convolutions */
    bool on_images;
    bool maps;                   /* rows in [0,1] are made of the generator's [-1,1] */
} gm__gan;

static inline gm__gan *gm__gan_of(const gm_model *m) { return m->state; }
static inline const gm_gan_config *gm__gan_cfg(const gm_model *m) { return m->cfg; }

/* ---- options.c ---------------------------------------------------------------------------- */
extern const gm__opts gm__gan_opts;
gm_status gm__gan_check(gm_ctx *ctx, const void *cfg);
bool gm__gan_alone(const gm_gan_config *c);                 /* the generator alone */

/* ---- nets.c: from presets and texts; c is resolved ------------------------------------------ */
int32_t gm__gan_preset(const gm_gan_config *c, int32_t ndim, const int64_t *shape); /* GM_GAN_AUTO by the shape of a row */
gm_status gm__gan_build_nets(gm_model *m, const gm_gan_config *c);
void gm__gan_free_nets(gm__gan *g);
void gm__gan_hold_g(gm__gan *g, bool on);                   /* frozen while the other one learns */
void gm__gan_hold_d(gm__gan *g, bool on);
gm_status gm__gan_add_g(gm_model *m, gm_optim *o);
gm_status gm__gan_add_d(gm_model *m, gm_optim *o);

/* ---- condition.c: codes and conditions ------------------------------------------------------ */
typedef struct gm__gan_code {
    gm_tensor *z;                /* [N, code] */
    gm_tensor *index[GM__GAN_CODES]; /* [N] of each categorical code */
    gm_tensor *uniform;          /* [N, codes-uniform]; NULL without */
} gm__gan_code;
/* n codes; temperature scales the noise, truncation (0: none) bounds it. */
gm__gan_code gm__gan_draw_code(const gm_model *m, gm_tape *t, int64_t n, double temperature, double truncation);
/* Codes [N, code] to rows as D sees them, [N, row]; cond as in a batch. */
gm_tensor *gm__gan_generate(const gm_model *m, gm_tape *t, gm_tensor *z, gm_tensor *cond);
gm_tensor *gm__gan_rows_in(const gm_model *m, gm_tape *t, gm_tensor *x);   /* [N, shape] in the model's units -> [N, row] as D sees them */
gm_tensor *gm__gan_rows_out(const gm_model *m, gm_tape *t, gm_tensor *y);  /* and back */
/* What D says of rows [N, row]: [N/pack, outs]. */
gm_tensor *gm__gan_judge(const gm_model *m, gm_tape *t, gm_tensor *rows, gm_tensor *cond);
gm_tensor *gm__gan_logit(gm_tape *t, gm_tensor *outs);                     /* its first column, [M] */
/* Cross-entropy of labels (acgan) and codes under what D says of rows made from them, mean over rows; NULL if there is nothing. */
gm_tensor *gm__gan_class_loss(const gm_model *m, gm_tape *t, gm_tensor *outs, gm_tensor *label);
gm_tensor *gm__gan_code_loss(const gm_model *m, gm_tape *t, gm_tensor *outs, const gm__gan_code *code);

/* ---- project.c ---------------------------------------------------------------------------------- */
gm_tensor *gm__gan_project(gm_model *m, const gm__batch *b);               /* rows to codes, [N, code] */

/* ---- play.c --------------------------------------------------------------------------------------- */
extern const gm__players gm__gan_players;
/* What is added to D's loss; NULL without a penalty. */
gm_tensor *gm__gan_penalty(const gm_model *m, gm_tape *t, gm_tensor *real, gm_tensor *fake, gm_tensor *cond);
void gm__gan_clip(gm_model *m); /* penalty=clip: cuts D's weights */
double gm__gan_takes(const gm_model *m);
gm_status gm__gan_begin(gm_model *m, gm_trainer *tr);
gm_status gm__gan_loss(gm_model *m, const gm__batch *b, gm_tensor **loss); /* held-out: D's */

#endif
