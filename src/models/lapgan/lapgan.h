/* lapgan.h - what the files of the LAPGAN family share. Levels count from 0, the coarsest, here; from 1 for users.
 * Pictures are in [-1,1] inside. */
#ifndef GM_MODELS_LAPGAN_LAPGAN_H
#define GM_MODELS_LAPGAN_LAPGAN_H

#include "models/adversarial.h"
#include "models/coder.h"
#include "ops/ops.h"
#include <gm/image.h>
#include <gm/lapgan.h>

enum { GM__LAP_LEVELS = 8 };

typedef struct gm__lap_level {
    gm_net *g, *d;
    int64_t image[3];            /* [C,H,W] of its pictures */
    bool learns;
} gm__lap_level;

typedef struct gm__lapgan {
    gm__lap_level level[GM__LAP_LEVELS];
    int32_t n;
    int64_t noise, cond;         /* numbers of the noise of level 0; classes that all nets are told, 0: none */
} gm__lapgan;

static inline gm__lapgan *gm__lapgan_of(const gm_model *m) { return m->state; }
static inline const gm_lapgan_config *gm__lapgan_cfg(const gm_model *m) { return m->cfg; }

/* options.c */
extern const gm__opts gm__lapgan_opts;
gm_status gm__lapgan_check(gm_ctx *ctx, const void *cfg);

/* nets.c: c is resolved */
gm_status gm__lapgan_levels_for(gm_model *m, gm_lapgan_config *c); /* chooses levels, or GM_ESHAPE */
gm_status gm__lapgan_build_nets(gm_model *m, const gm_lapgan_config *c);
void gm__lapgan_learn(gm_model *m);                          /* marks the levels that the option level names */

/* pictures.c */
gm_tensor *gm__lapgan_noise(const gm_model *m, gm_tape *t, int32_t k, int64_t n, double temperature); /* what level k starts from */
/* A level's picture of noise and, but for the coarsest, the enlarged picture of the level before, [N,C,H,W]. */
gm_tensor *gm__lapgan_generate(const gm_model *m, gm_tape *t, int32_t k, gm_tensor *noise, gm_tensor *enlarged, gm_tensor *cond);
/* What level k's discriminator is shown: the picture, with the enlarged one beside it; flat, [N, ..]. */
gm_tensor *gm__lapgan_shown(gm_tape *t, gm_tensor *picture, gm_tensor *enlarged);
gm_tensor *gm__lapgan_judge(const gm_model *m, gm_tape *t, int32_t k, gm_tensor *shown, gm_tensor *cond); /* logits [N] */
/* Rows [N, shape] to pictures of every level and, but for the coarsest, what the one before is enlarged to. */
typedef struct gm__lap_pyramid { gm_tensor *picture[GM__LAP_LEVELS], *enlarged[GM__LAP_LEVELS]; } gm__lap_pyramid;
gm__lap_pyramid gm__lapgan_pyramid(const gm_model *m, gm_tape *t, gm_tensor *x);
/* Draws through levels 0 .. k, [n,C,h,w] in [0,1]. */
gm_tensor *gm__lapgan_draw(const gm_model *m, gm_tape *t, int32_t k, int64_t n, double temperature, gm_tensor *cond);

/* play.c */
extern const gm__players gm__lapgan_players;
double gm__lapgan_takes(const gm_model *m);
gm_status gm__lapgan_begin(gm_model *m, gm_trainer *tr);
gm_status gm__lapgan_add_g(gm_model *m, gm_optim *o);
gm_status gm__lapgan_loss(gm_model *m, const gm__batch *b, gm_tensor **loss); /* held-out: the discriminators' */

#endif
