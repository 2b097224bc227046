/* unroll.h - D's steps ahead, as a graph that the generator's gradient goes through. */
#ifndef GM_MODELS_GAN_UNROLL_H
#define GM_MODELS_GAN_UNROLL_H

#include "models/gan/gan.h"

typedef struct gm__unroll {
    const gm_model *m;
    gm_tape *t;
    const gm_optim *d;
    gm_tensor **own, **now;    /* D's parameters, and where they have got to; [n] */
    int32_t n;
} gm__unroll;

/* D is held. After begin its nets run with variables in place of their weights; end gives these back, whatever happened. */
gm_status gm__unroll_begin(gm_model *m, gm_trainer *tr, gm__unroll *u);
gm_status gm__unroll_step(gm__unroll *u, gm_tensor *loss); /* loss of D on the tape */
void gm__unroll_end(const gm__unroll *u);

#endif
