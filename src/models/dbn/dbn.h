/* dbn.h - what the files of the DBN share. */
#ifndef GM_MODELS_DBN_DBN_H
#define GM_MODELS_DBN_DBN_H

#include "models/rbm/rbm.h"
#include <gm/dbn.h>

enum { GM__DBN_LAYERS = GM__RBM_STACK };

typedef struct gm__dbn {
    size_t n;
    gm__rbm layer[GM__DBN_LAYERS];    /* from the bottom */
    int64_t first[GM__DBN_LAYERS];    /* step at which each begins to learn, in training */
    size_t learning;                  /* the layer of the last step */
    double log_z[3];                  /* of the topmost, as each method found it for the metric at work */
} gm__dbn;

static inline gm__dbn *gm__dbn_of(const gm_model *m) { return m->state; }
static inline const gm_dbn_config *gm__dbn_cfg(const gm_model *m) { return m->cfg; }
static inline gm__rbm *gm__dbn_top(const gm_model *m) { return &gm__dbn_of(m)->layer[gm__dbn_of(m)->n - 1]; }
extern const gm__opts gm__dbn_opts;
gm_status gm__dbn_check(gm_ctx *ctx, const void *cfg);
gm_status gm__dbn_sizes(gm_ctx *ctx, const char *what, const char *text, int64_t least, int64_t out[GM__DBN_LAYERS], size_t *n);

/* Rows of a batch through the layers below `layer`: means, each a function of the one below. [N, what that layer sees] */
gm_tensor *gm__dbn_up(const gm_model *m, gm_tape *t, gm_tensor *x, size_t layer, bool check);
/* What the topmost machine sees of a batch, labels joined. */
gm_tensor *gm__dbn_input(const gm_model *m, const gm__batch *b, size_t layer, bool check);

/* [N, classes]: free energy of the topmost machine at what it sees of a batch, with each label. */
gm_tensor *gm__dbn_label_energy(const gm_model *m, const gm__batch *b);

enum { GM__DBN_METRICS = 5 };
extern const gm__metric gm__dbn_metrics[GM__DBN_METRICS];

#endif
