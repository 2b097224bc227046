/* dbn.h - what the files of the DBN share. */
#ifndef GM_MODELS_DBN_DBN_H
#define GM_MODELS_DBN_DBN_H

#include "models/rbm/rbm.h"
#include <gm/dbn.h>

enum { GM__DBN_LAYERS = GM__RBM_STACK, GM__DBN_MOST = 1 << 20, GM__DBN_MOST_K = 2000 };

typedef struct gm__dbn {
    size_t n;
    gm__rbm layer[GM__DBN_LAYERS];    /* from the bottom */
    gm_tensor *up[GM__DBN_LAYERS];    /* weights of the way up: those of the layer until up-down unties them; NULL where it is not asked for, and of the topmost */
    /* in training: a turn is a layer's, or turn n, up-down's */
    int64_t first[GM__DBN_LAYERS + 1], end; /* step at which each begins, and at which the last ends */
    double rate[GM__DBN_LAYERS];      /* factors of the learning rate */
    size_t turn;                      /* of the last step */
    double log_z[3];                  /* of the topmost, as each method found it for the metric at work */
} gm__dbn;

static inline gm__dbn *gm__dbn_of(const gm_model *m) { return m->state; }
static inline const gm_dbn_config *gm__dbn_cfg(const gm_model *m) { return m->cfg; }
static inline gm__rbm *gm__dbn_top(const gm_model *m) { return &gm__dbn_of(m)->layer[gm__dbn_of(m)->n - 1]; }
extern const gm__opts gm__dbn_opts;
gm_status gm__dbn_check(gm_ctx *ctx, const void *cfg);
gm_status gm__dbn_sizes(gm_ctx *ctx, const char *what, const char *text, int64_t least, int64_t most, int64_t out[GM__DBN_LAYERS], size_t *n);
gm_status gm__dbn_rates(gm_ctx *ctx, const gm_dbn_config *c, double out[GM__DBN_LAYERS], size_t *n); /* layer-lr; n: 0 without */

/* What the hidden units of layer i receive on the way up. */
gm_tensor *gm__dbn_receive(const gm__dbn *d, size_t i, gm_tape *t, gm_tensor *v);
/* Rows of a batch through the layers below `layer`: means, or states drawn, each given the one below. [N, what that layer sees] */
gm_tensor *gm__dbn_up(const gm_model *m, gm_tape *t, gm_tensor *x, size_t layer, bool draw, bool check);
/* What a layer sees of a batch, labels joined. */
gm_tensor *gm__dbn_input(const gm_model *m, const gm__batch *b, size_t layer, bool draw, bool check);
gm_tensor *gm__dbn_join(const gm__rbm *r, const gm__batch *b, gm_tensor *v); /* v and the labels of the batch (0 without), if r has label units */

/* [N, classes]: free energy of the topmost machine at what it sees of a batch, with each label. */
gm_tensor *gm__dbn_label_energy(const gm_model *m, const gm__batch *b);

/* train.c: the family's hooks. up_down.c: the loss of its turn. */
gm_status gm__dbn_begin(gm_model *m, gm_trainer *tr);
gm_status gm__dbn_loss(gm_model *m, const gm__batch *b, gm_tensor **out);
gm_status gm__dbn_stepped(gm_model *m);
gm_status gm__dbn_up_down(gm_model *m, const gm__batch *b, gm_tensor **out);

enum { GM__DBN_METRICS = 5 };
extern const gm__metric gm__dbn_metrics[GM__DBN_METRICS];

#endif
