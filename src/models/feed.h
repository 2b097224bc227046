/* feed.h - what language models are trained on: tokens, where data sets of text have bytes. */
#ifndef GM_MODELS_FEED_H
#define GM_MODELS_FEED_H

#include "models/lm.h"

/* A family's `feed` calls gm__feed with its tokenizer and block. The rows it gets, column x of i32:
 *
 *   text:FILE, lanes 0   a row begins `block` tokens after the one before and holds block + 1 + slack of them, so that a model
 *                        may begin at another place of its rows in each epoch (gm__feed_from): slack is up to block - 1
 *   text:FILE, lanes B   for models that carry a state from batch to batch. B readers (in a short text fewer, which divide B) stand at equal distances
 *                        in the text; row s*B + l holds block + 1 tokens and goes on where row (s-1)*B + l ended: in batches of B
 *                        rows in order (the family's `ordered`) row l goes on with row l of the batch before, but in the first
 *   lines:FILE           rows `begin`, tokens of a line, `end`, padded with zeros to the longest; a column "length" (i64) counts them, the
 *                        ends included. A line of more than `block` tokens gives several rows, where each goes on with the last
 *                        token of the one before
 *
 * Targets are the tokens one further on. Rows are windows into one array of tokens. */
typedef struct gm__feed_how {
    const char *who;
    const gm_tokenizer *tk;
    int64_t begin, end;          /* of a line; the same token may be both */
    int64_t block, lanes;
    int64_t *lanes_are;          /* of text with lanes: receives how many there are; may be NULL */
    bool slack;
} gm__feed_how;
gm_status gm__feed(gm_model *m, const gm_dataset *d, const gm__feed_how *how, gm_dataset **out);
/* Where rows of this width begin in an epoch of training (of held-out rows: 0): from there on block + 1 tokens. */
int64_t gm__feed_from(const gm_model *m, const gm__batch *b, int64_t block);
#endif
