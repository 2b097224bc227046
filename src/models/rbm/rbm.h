/* rbm.h - what the files of the RBM share. v is [N, visible], h [N, hidden] throughout. */
#ifndef GM_MODELS_RBM_RBM_H
#define GM_MODELS_RBM_RBM_H

#include "models/model.h"
#include "ops/ops.h"
#include <gm/rbm.h>
#include <gm/vae.h>

typedef struct gm__rbm {
    gm_tensor *w;                        /* [visible, hidden] */
    gm_tensor *b, *c;                    /* biases of visible and hidden units */
    gm_tensor *log_var;                  /* [visible]: gaussian visibles; else NULL */
    gm_tensor *mu, *lambda;              /* running means of v and h: centered; else NULL */
    gm_tensor *batch_mu, *batch_lambda;  /* those of the last batch */
    gm_tensor *chain;                    /* [chains, visible]: persistent, while in training; else NULL */
    double log_z;                        /* as found by the metric at work */
    bool met;                            /* batch_mu and batch_lambda hold a batch */
} gm__rbm;

static inline gm__rbm *gm__rbm_of(const gm_model *m) { return m->state; }
static inline const gm_rbm_config *gm__rbm_cfg(const gm_model *m) { return m->cfg; }
extern const gm__opts gm__rbm_opts;
gm_status gm__rbm_check(gm_ctx *ctx, const void *cfg);

/* ---- energy.c: on a tape ---------------------------------------------------------- */

gm_tensor *gm__rbm_rows(const gm_model *m, gm_tape *t, gm_tensor *x, bool check);   /* [N, shape] -> [N, visible]; check: values that the units can have */
gm_tensor *gm__rbm_up(const gm_model *m, gm_tape *t, gm_tensor *v);                 /* what hidden units receive: p(h=1|v) is its sigmoid */
gm_tensor *gm__rbm_down(const gm_model *m, gm_tape *t, gm_tensor *h);               /* what visible units receive; gaussian: the mean */
gm_tensor *gm__rbm_visible_mean(const gm_model *m, gm_tape *t, gm_tensor *in, double temperature);
gm_tensor *gm__rbm_visible_draw(const gm_model *m, gm_tape *t, gm_tensor *in, double temperature);
gm_tensor *gm__rbm_energy(const gm_model *m, gm_tape *t, gm_tensor *v, gm_tensor *in, gm_tensor *h); /* [N]: E(v, h), in = up(v) */
gm_tensor *gm__rbm_free_energy(const gm_model *m, gm_tape *t, gm_tensor *v);        /* [N] */
/* k steps from v; *mean receives the mean of p(v|h) of the last. Nothing is recorded. */
gm_tensor *gm__rbm_gibbs(const gm_model *m, gm_tape *t, gm_tensor *v, int64_t k, double temperature, gm_tensor **mean);

/* ---- train.c ------------------------------------------------------------------------- */

gm_status gm__rbm_begin(gm_model *m, gm_trainer *tr);
gm_status gm__rbm_loss(gm_model *m, const gm__batch *b, gm_tensor **loss);
gm_status gm__rbm_stepped(gm_model *m);

/* ---- log_z.c -------------------------------------------------------------------------- */

enum { GM__Z_EXACT, GM__Z_AIS, GM__Z_REVERSE };
typedef struct gm__z_cfg {
    uint32_t struct_size;
    int32_t method, temperatures, chains;
    uint64_t seed;
} gm__z_cfg;
gm_status gm__rbm_log_z(gm_model *m, const gm__z_cfg *c, double *log_z, double *error);

/* ---- metrics.c ------------------------------------------------------------------------ */

enum { GM__RBM_METRICS = 6 };
extern const gm__metric gm__rbm_metrics[GM__RBM_METRICS];

#endif
