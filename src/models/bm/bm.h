/* bm.h - the general Boltzmann machine. x is [N, n] throughout: nv visible units, then nh hidden ones. */
#ifndef GM_MODELS_BM_BM_H
#define GM_MODELS_BM_BM_H

#include "models/gibbs.h"
#include "ops/ops.h"
#include <gm/bm.h>
#include <gm/vae.h>

enum { GM__BM_UNITS = 24, GM__BM_HIDDEN = 20 }; /* so many states can be enumerated: in all, of the hidden units for each row */

typedef struct gm__bm {
    int64_t nv, nh, n, pairs;
    gm_tensor *w, *b;            /* [pairs]: above the diagonal, so that nothing can become unsymmetric; [n] */
    gm_tensor *chain;            /* [chains, n] while in training; else NULL */
    double log_z;                /* as found last .. */
    uint64_t log_z_of;           /* .. for weights of this checksum; 0: not yet */
} gm__bm;
static inline gm__bm *gm__bm_of(const gm_model *m) { return m->state; }
static inline const gm_bm_config *gm__bm_cfg(const gm_model *m) { return m->cfg; }
static inline bool gm__bm_small(const gm__bm *m) { return m->n <= GM__BM_UNITS && m->nh <= GM__BM_HIDDEN; }

/* ---- options.c ------------------------------------------------------------------------- */

extern const gm__opts gm__bm_opts;
int gm__bm_gradient(const gm_model *m);   /* GM_GRADIENT_* with auto settled */

/* ---- machine.c: states on a tape, nothing is recorded ------------------------------------ */

gm_tensor *gm__bm_rows(gm_tape *t, gm_tensor *x, int64_t units, bool check);  /* -> contiguous [N, units]; check: numbers in [0,1] */
gm_tensor *gm__bm_matrix(const gm__bm *m, gm_tape *t);                        /* [n, n], symmetric, 0 on the diagonal */
gm_tensor *gm__bm_noise(gm_tape *t, int64_t rows, int64_t units);             /* fair coins */
gm_tensor *gm__bm_join(gm_tape *t, gm_tensor *v, gm_tensor *h);               /* [N, nv] and [N, nh] -> [N, n]; h may be NULL */
/* One Gibbs sweep over units from.. of x, in place; held: u8 [n] or [N, n] or NULL; w: the matrix. */
gm_status gm__bm_sweep(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *x, int64_t from, const gm_tensor *held, double temperature);
/* Means of the hidden units by mean field, their values in x where it starts from, in place. */
gm_status gm__bm_settle(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *x, double temperature);
gm_tensor *gm__bm_inputs(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *x);  /* b + x W: what every unit receives */
gm_tensor *gm__bm_energy(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *x);  /* [N] */

/* ---- exact.c: enumeration -------------------------------------------------------------- */

gm_status gm__bm_log_z(gm_ctx *ctx, const gm__bm *m, double temperature, double *out); /* GM_ELIMIT above GM__BM_UNITS */
gm_status gm__bm_log_z_kept(gm_ctx *ctx, gm__bm *m, double *out);                      /* at temperature 1, found once for the same weights */
/* [N]: F(v)/T = -log sum_h exp(-E(v,h)/T); above GM__BM_HIDDEN hidden units the bound from above that mean field gives */
gm_tensor *gm__bm_free_energy(const gm__bm *m, gm_tape *t, gm_tensor *v, double temperature);
gm_tensor *gm__bm_hidden_means(const gm__bm *m, gm_tape *t, gm_tensor *v);             /* [N, n]: v, then p(h=1|v), exact or by mean field */
/* Means of x_i x_j, [pairs], then of x_i, [n], in one tensor: over p(h|v) and the rows of v; v NULL: over p(x). */
gm_tensor *gm__bm_exact_moments(const gm__bm *m, gm_tape *t, gm_tensor *v);

/* ---- train.c --------------------------------------------------------------------------- */

gm_status gm__bm_begin(gm_model *m, gm_trainer *tr);
gm_status gm__bm_loss(gm_model *m, const gm__batch *b, gm_tensor **loss);
gm_tensor *gm__bm_recon(const gm__bm *m, gm_tape *t, gm_tensor *v);   /* [N]: cross-entropy of the visibles, given the others and the hidden means */

/* ---- metrics.c ------------------------------------------------------------------------- */

enum { GM__BM_METRICS = 4 };
extern const gm__metric gm__bm_metrics[GM__BM_METRICS];

#endif
