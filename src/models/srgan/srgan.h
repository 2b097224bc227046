/* srgan.h - what the files of the SRGAN family share. A code is a small picture, flat; a row the large one, in [0,1]. */
#ifndef GM_MODELS_SRGAN_SRGAN_H
#define GM_MODELS_SRGAN_SRGAN_H

#include "models/adversarial.h"
#include "models/coder.h"
#include "nn/net.h"
#include "ops/ops.h"
#include <gm/image.h>
#include <gm/srgan.h>

typedef struct gm__srgan {
    gm_net *g, *d;
    gm_net *features;            /* content=features: frozen; else NULL */
    gm_model *given;             /* at the first fit, until the features are taken of it */
    int64_t large[3], small[3];  /* [C,H,W] */
} gm__srgan;

static inline gm__srgan *gm__srgan_of(const gm_model *m) { return m->state; }
static inline const gm_srgan_config *gm__srgan_cfg(const gm_model *m) { return m->cfg; }

/* options.c */
extern const gm__opts gm__srgan_opts;
gm_status gm__srgan_check(gm_ctx *ctx, const void *cfg);

/* nets.c */
gm_status gm__srgan_build(gm_model *m);
void gm__srgan_destroy(gm_model *m);
bool gm__srgan_ready(const gm_model *m);
gm_status gm__srgan_choose(gm_model *m, const gm_dataset *d); /* reads the file of features */

/* enlarge.c: pictures [N,C,h,w] */
gm_tensor *gm__srgan_pictures(const gm_model *m, gm_tape *t, gm_tensor *x); /* rows to [N,C,H,W] */
gm_tensor *gm__srgan_reduce(const gm_model *m, gm_tape *t, gm_tensor *large);
gm_tensor *gm__srgan_bicubic(const gm_model *m, gm_tape *t, gm_tensor *small);
gm_tensor *gm__srgan_enlarge(const gm_model *m, gm_tape *t, gm_tensor *small); /* of the model's own size; not cut to [0,1] */
gm_tensor *gm__srgan_use(const gm_model *m, gm_tape *t, gm_tensor *small);     /* of any size; cut to [0,1] */

/* play.c */
extern const gm__players gm__srgan_players;
double gm__srgan_takes(const gm_model *m);
gm_status gm__srgan_begin(gm_model *m, gm_trainer *tr);
gm_status gm__srgan_add_g(gm_model *m, gm_optim *o);
gm_status gm__srgan_loss(gm_model *m, const gm__batch *b, gm_tensor **loss); /* held-out: squared error */

#endif
