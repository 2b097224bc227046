/* rnn.h - the family rnn inside the library: rnn.c (options, tensors), net.c (the net on a tape), train.c (pieces of text, the state
 * between them), lag.c (how far gradients reach), reader.c (texts token by token). */
#ifndef GM_MODELS_RNN_RNN_H
#define GM_MODELS_RNN_RNN_H

#include "models/lm.h"
#include <gm/rnn.h>

#define GM__RNN_END "<|endoftext|>"

/* One layer's tensors, PyTorch's names; borrowed from the model. */
typedef struct gm__rnn_layer { gm_tensor *w_ih, *w_hh, *b_ih, *b_hh; } gm__rnn_layer;

/* What goes on from one piece of text to the next: h, and c of an lstm, [depth, lanes, hidden], after piece `at` - 1. */
typedef struct gm__rnn_state { gm_tensor *h, *c, *at; } gm__rnn_state;

typedef struct gm__rnn {
    gm_tokenizer *tk;
    int64_t vocab, end;        /* end: token that ends a text, -1: texts go on */
    int64_t start;             /* what the first token is told from; -1: the state alone */
    gm_tensor *tokens, *head, *head_b; /* tokens: NULL where embd is 0; head is tokens if tied */
    gm__rnn_layer *layer;      /* [depth] */
    int64_t lanes, valid_lanes;    /* readers that stand in the text side by side, in training and in held-out text; 0: lines */
    gm__rnn_state kept, moved, held_out; /* of training: after the last step; within one. Of held-out text */
} gm__rnn;

static inline gm__rnn *gm__rnn_of(const gm_model *m) { return m->state; }
static inline const gm_rnn_config *gm__rnn_cfg(const gm_model *m) { return m->cfg; }
static inline int64_t gm__rnn_gates(const gm_model *m) { return (int64_t[]){ 1, 3, 4 }[gm__rnn_cfg(m)->cell] * gm__rnn_cfg(m)->hidden; }

/* ---- net.c: tokens i32 or i64 [T, N] -------------------------------------------------- */

/* Results of the last layer [T, N, hidden]. h, c: a state [N, hidden] a layer, or NULL: zeros; they become the last ones. Without lstm, c is
 * not looked at. all: receives what the ops of the layers gave, on which h and c are views; may be NULL. */
gm_tensor *gm__rnn_run(const gm_model *m, gm_tape *t, gm_tensor *tokens, gm_tensor **h, gm_tensor **c, gm_tensor **all);
gm_tensor *gm__rnn_logits(const gm_model *m, gm_tape *t, gm_tensor *y); /* [T N, vocabulary] */

/* ---- train.c ---------------------------------------------------------------------------- */

gm_status gm__rnn_feed(gm_model *m, gm_dataset *d, int64_t batch, bool training, gm_dataset **out);
bool gm__rnn_ordered(const gm_model *m, const gm_dataset *d);
gm_status gm__rnn_begin(gm_model *m, gm_trainer *tr);
gm_status gm__rnn_loss(gm_model *m, const gm__batch *b, gm_tensor **out);
gm_status gm__rnn_stepped(gm_model *m);
void gm__rnn_drop_states(gm__rnn *r);

/* ---- lag.c -------------------------------------------------------------------------------- */

gm_status gm__rnn_watch(gm_model *m, gm_trainer *tr, const gm__batch *b);

extern const gm__lm gm__rnn_language;

#endif
