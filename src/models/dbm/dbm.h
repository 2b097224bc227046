/* dbm.h - what the files of the deep Boltzmann machine share.
 *
 * Units lie in levels: 0 the visible ones, 1 .. hidden the hidden layers, and with labels one more, a group of units of which exactly
 * one is on. Machine i lies between levels i and i+1; its hidden side (biases, running means) is the visible side of the next.
 * x[l] is [N, units of level l] throughout, NULL where it is not known. */
#ifndef GM_MODELS_DBM_DBM_H
#define GM_MODELS_DBM_DBM_H

#include "models/rbm/rbm.h"
#include <gm/dbm.h>

enum { GM__DBM_LAYERS = GM__RBM_STACK - 1, GM__DBM_LEVELS = GM__RBM_STACK + 1 };

typedef struct gm__dbm {
    size_t hidden, machines;             /* hidden layers; those and one for the labels */
    gm__rbm layer[GM__RBM_STACK];
    int64_t labels;
    int64_t first[GM__DBM_LAYERS + 1];   /* step at which each layer begins to learn alone, and at last all together */
    gm_tensor *fresh;                    /* [1]: 1 if the layers are still to learn alone; in training */
    gm_tensor *chain;                    /* [chains, units of the even levels] in training */
    bool together;                       /* the last step moved all levels: the running means follow */
    double log_z[3];                     /* as each method found it for the metric at work */
    double kept_log_z;                   /* of log_prob .. */
    uint64_t kept_of;                    /* .. for weights of this checksum; 0: not yet */
} gm__dbm;

static inline gm__dbm *gm__dbm_of(const gm_model *m) { return m->state; }
static inline const gm_dbm_config *gm__dbm_cfg(const gm_model *m) { return m->cfg; }

/* ---- options.c ------------------------------------------------------------------------- */

extern const gm__opts gm__dbm_opts;
gm_status gm__dbm_check(gm_ctx *ctx, const void *cfg);
gm_status gm__dbm_sizes(gm_ctx *ctx, const char *what, const char *text, int64_t least, int64_t out[GM__DBM_LAYERS], size_t *n);

/* ---- machine.c: on a tape. from: what level 1 receives of level 0, NULL: found here ---------------------------------------------------------------- */

/* What level l receives of the neighbours that are known; twice: what one of them says counts double, in place of the other's. */
gm_tensor *gm__dbm_hear(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *const *x, bool twice);
/* The same; from: what comes from below with the biases */
gm_tensor *gm__dbm_hear_from(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *const *x, gm_tensor *from);
gm_tensor *gm__dbm_mean(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *in, double temperature);
gm_tensor *gm__dbm_draw(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *in, double temperature);
gm_tensor *gm__dbm_energy(const gm__dbm *d, gm_tape *t, gm_tensor *const *x, gm_tensor *from); /* [N], all levels known */
/* Mean-field posterior: means of the levels that are NULL, given x[0] and what else is known. Returns the rounds taken. */
int gm__dbm_settle(const gm__dbm *d, gm_tape *t, gm_tensor **x, gm_tensor *from, int rounds, double tolerance);
/* E_q[E] - H(q): an upper bound of -log sum_h exp(-E(v, h)) in the plain biases. [N] */
gm_tensor *gm__dbm_free_energy(const gm__dbm *d, gm_tape *t, gm_tensor *const *x, gm_tensor *const *given);

/* ---- chains.c: states of the even levels side by side, [N, their units] -------------------------------- */

gm_tensor *gm__dbm_join(const gm__dbm *d, gm_tape *t, gm_tensor *const *x);
void gm__dbm_open(const gm__dbm *d, gm_tape *t, gm_tensor *state, gm_tensor **x); /* the even levels of x */
gm_tensor *gm__dbm_noise(const gm__dbm *d, gm_tape *t, int64_t n);             /* every unit by its bias alone */
/* k steps; *mean (or NULL) receives the mean of p(v|h1) of the last. Nothing is recorded. */
gm_tensor *gm__dbm_gibbs(const gm__dbm *d, gm_tape *t, gm_tensor *state, int64_t k, double temperature, const gm__held *held, gm_tensor **mean);

gm_tensor *gm__dbm_state_energy(const gm__dbm *d, gm_tape *t, gm_tensor *state); /* [N]: the odd levels summed out */

/* ---- train.c ----------------------------------------------------------------------------- */

gm_status gm__dbm_begin(gm_model *m, gm_trainer *tr);
gm_status gm__dbm_loss(gm_model *m, const gm__batch *b, gm_tensor **loss);
gm_status gm__dbm_stepped(gm_model *m);

/* ---- dbm.c, metrics.c -------------------------------------------------------------------- */

/* Levels of a batch by mean field; label: rows of 0 and 1 or NULL. */
void gm__dbm_posterior(const gm_model *m, gm_tape *t, gm_tensor *v, gm_tensor *label, gm_tensor **x);
gm_tensor *gm__dbm_bound(const gm_model *m, gm_tape *t, gm_tensor *v, gm_tensor *label); /* [N]: of log sum_h exp(-E), without log Z */
gm_tensor *gm__dbm_label_bounds(const gm_model *m, gm_tape *t, gm_tensor *v);  /* [N, labels]: the same with each label */

enum { GM__DBM_METRICS = 7 };
extern const gm__metric gm__dbm_metrics[GM__DBM_METRICS];

#endif
