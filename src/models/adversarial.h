/* adversarial.h - what families of two players share: G makes rows, D tells them from the data's. A family says how each
 * finds its gradients; half-steps, steps and looks ahead are made of that here. */
#ifndef GM_MODELS_ADVERSARIAL_H
#define GM_MODELS_ADVERSARIAL_H

#include "models/trainer.h"
#include <gm/gan.h>

/* ---- adversarial.c: in turn ------------------------------------------------------------------ */

typedef struct gm__players {
    gm_status (*d_look)(gm_model *m, gm_trainer *tr, double *loss); /* gradients on the next batch; G is held meanwhile */
    gm_status (*g_look)(gm_model *m, gm_trainer *tr, double *loss); /* D is held */
    void (*hold_g)(gm_model *m, bool on), (*hold_d)(gm_model *m, bool on); /* frozen while the other one learns */
    void (*d_moved)(gm_model *m, gm_trainer *tr), (*g_moved)(gm_model *m, gm_trainer *tr); /* after a step of the one; may be NULL */
    int64_t (*d_steps)(const gm_model *m, const gm_trainer *tr); /* D's half-steps in the step that comes */
    gm_status (*attend)(gm_model *m, gm_trainer *tr); /* before each half-step; may be NULL */
    bool (*mend)(gm_model *m, gm_trainer *tr, double loss); /* after GM_ENONFINITE: may the step be tried again? may be NULL */
} gm__players;

/* Half-steps of the trainer's model (gm__half_fn), G's and the rival's D; and the step made of them (gm__family.update). */
gm_status gm__d_half(gm_model *m, gm_trainer *tr, double *loss);
gm_status gm__g_half(gm_model *m, gm_trainer *tr, double *loss);
gm_status gm__players_update(gm_model *m, gm_trainer *tr, double *loss);
/* Whole numbers whose mean over steps is d_steps, the larger ones first. */
int64_t gm__d_steps_at(double d_steps, int64_t step);
/* What a game cannot be trained with; for a family's begin. game: false where D has no part, and the loss says how good rows are. */
gm_status gm__players_begin(gm_model *m, gm_trainer *tr, double d_steps, bool game);
gm_status gm__check_optimizer(gm_ctx *ctx, const char *owner, const char *option, const char *kind); /* NULL and "" pass */
gm_status gm__check_smoothing(gm_ctx *ctx, const char *owner, int32_t loss, double smoothing);

/* Curves of D: its loss, what it says of either kind, how often it is right; where there are several, suffix "-2", the loss and the
 * last alone. */
void gm__d_record(gm_trainer *tr, const char *suffix, double loss, const gm_tensor *real, const gm_tensor *fake);

/* A copy of a network text in which every layer with weights is spectral. */
void gm__put_spectral(const char *text, gm__buf *b);
/* A discriminator of pictures: convolutions that halve them, then one logit. norm: with batch norms. */
void gm__put_conv_d(const int64_t image[3], int64_t width, bool norm, gm__buf *b);

/* ---- slope.c: what keeps D smooth ---------------------------------------------------------------- */

/* What D says of rows [N, ..]: logits [N], or [N/pack]. */
typedef gm_tensor *gm__judge_fn(const void *who, gm_tape *t, gm_tensor *rows, gm_tensor *cond);
typedef struct gm__slope {
    int32_t kind;              /* GM_PENALTY_* */
    double weight;
    int64_t pack;              /* rows judged together */
    gm__judge_fn *judge;
    const void *who;
} gm__slope;
/* Added to D's loss; NULL without a penalty. real, fake: [N, row]; cond: [N, ..] or NULL. */
gm_tensor *gm__slope_penalty(const gm__slope *c, gm_tape *t, gm_tensor *real, gm_tensor *fake, gm_tensor *cond);
/* The weight that 0 stands for. */
double gm__slope_weight(int32_t kind, double weight);

#endif
