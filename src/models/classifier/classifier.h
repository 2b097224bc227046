/* classifier.h - what the files of the predicting families share: options.c (rows, rules,
 * constructors), net.c (the network text and building), classifier.c (loss, verbs, metrics). */
#ifndef GM_MODELS_CLASSIFIER_CLASSIFIER_H
#define GM_MODELS_CLASSIFIER_CLASSIFIER_H

#include "models/coder.h"
#include "nn/net.h"
#include <gm/classifier.h>

typedef struct gm__classifier {
    gm_net *body, *head;        /* either may be NULL: no hidden layer; heads=own */
    gm_tensor *mean, *std;      /* regression: of the targets, [targets]; the net works with standardised ones */
    int64_t outputs;            /* classes or targets */
    bool regress;
} gm__classifier;

static inline gm__classifier *gm__classifier_of(const gm_model *m) { return m->state; }
static inline const gm_classifier_config *gm__classifier_cfg(const gm_model *m) { return m->cfg; }

/* options.c */
extern const gm__opts gm__mlp_opts, gm__cnn_opts;
gm_status gm__mlp_check(gm_ctx *ctx, const void *cfg);
gm_status gm__cnn_check(gm_ctx *ctx, const void *cfg);

/* net.c */
bool gm__classifier_ready(const gm_model *m);
gm_status gm__classifier_choose(gm_model *m, const gm_dataset *d);
gm_status gm__classifier_settle(gm_model *m, gm_dataset *d);
gm_status gm__classifier_build(gm_model *m);
void gm__classifier_destroy(gm_model *m);

#endif
