/* gpt.h - the family gpt inside the library: gpt.c (options, tensors, training), reader.c (texts token by token), hf.c (GPT-2's files). */
#ifndef GM_MODELS_GPT_GPT_H
#define GM_MODELS_GPT_GPT_H

#include "models/lm.h"
#include "models/transformer/block.h"
#include <gm/gpt.h>

#define GM__GPT_END "<|endoftext|>"

typedef struct gm__gpt {
    gm_tokenizer *tk;
    int64_t vocab, end;        /* end: token that ends a line, -1: there is none */
    int64_t start;             /* what the first token is told from; -1: nothing, all are alike */
    gm__block_cfg cfg;         /* of every block */
    gm_tensor *tokens, *places, *norm, *norm_b, *head; /* borrowed from the model; places NULL unless learned; head is tokens if tied */
    gm__block *block;          /* [depth] */
} gm__gpt;

static inline gm__gpt *gm__gpt_of(const gm_model *m) { return m->state; }
static inline const gm_gpt_config *gm__gpt_cfg(const gm_model *m) { return m->cfg; }

/* Tensors for a tokenizer (retained), drawn from the model's seed. */
gm_status gm__gpt_make(gm_model *m, gm_tokenizer *tk);
/* hidden states after the last norm [B, T, embd] of tokens i32 or i64 [B, T] */
gm_tensor *gm__gpt_hidden(const gm_model *m, gm_tape *t, gm_tensor *tokens);
gm_tensor *gm__gpt_head(const gm_model *m, gm_tape *t, gm_tensor *x); /* logits */

extern const gm__lm gm__gpt_language;

#endif
