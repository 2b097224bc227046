/* transformer.h - the family transformer inside the library: transformer.c (options, tensors), train.c (rows of tokens, losses),
 * reader.c (texts token by token). */
#ifndef GM_MODELS_TRANSFORMER_TRANSFORMER_H
#define GM_MODELS_TRANSFORMER_TRANSFORMER_H

#include "models/lm.h"
#include "models/transformer/block.h"
#include <gm/transformer.h>

#define GM__TRANSFORMER_END "<|endoftext|>"

/* A text SOURCE<tab>TARGET is the tokens SOURCE end TARGET end: the first `end` closes the source and begins the target. */
typedef struct gm__transformer {
    gm_tokenizer *tk;
    int64_t vocab, end;               /* end: the token that ends texts, -1 in texts that go on */
    gm__block_cfg reads, tells;       /* of encoder's blocks, of decoder's */
    gm_tensor *tokens, *places, *reads_norm, *reads_norm_b, *norm, *norm_b, *head; /* borrowed from the model; NULL where options leave one out */
    gm__block *encoder, *decoder;     /* [depth], NULL where the kind has none */
    gm__cross *cross;
} gm__transformer;

static inline gm__transformer *gm__transformer_of(const gm_model *m) { return m->state; }
static inline const gm_transformer_config *gm__transformer_cfg(const gm_model *m) { return m->cfg; }
static inline bool gm__transformer_pairs(const gm_model *m) { return gm__transformer_cfg(m)->kind == GM_TRANSFORMER_ENCODER_DECODER; }

/* On a tape. ids [B, T] i64; seen: u8 [B, 1, 1, T], 0 where a row is padded, or NULL. */
gm_tensor *gm__transformer_encode(const gm_model *m, gm_tape *t, gm_tensor *ids, gm_tensor *seen);
/* hidden states of the decoder; memory: of the encoder, NULL without one */
gm_tensor *gm__transformer_decode(const gm_model *m, gm_tape *t, gm_tensor *ids, gm_tensor *memory, gm_tensor *seen);
gm_tensor *gm__transformer_head(const gm_model *m, gm_tape *t, gm_tensor *x); /* logits */

/* train.c */
gm_status gm__transformer_feed(gm_model *m, gm_dataset *d, int64_t batch, bool training, gm_dataset **out);
gm_status gm__transformer_loss(gm_model *m, const gm__batch *b, gm_tensor **out);
/* the family's `text` */
gm_status gm__transformer_text(gm_model *m, gm_ctx *ctx, const uint8_t *text, size_t n, bool whole, gm__ids *v, gm__lm_given *given);

extern const gm__lm gm__transformer_language;

#endif
