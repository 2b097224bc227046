/* vocab.h - byte strings by number and by content: the tokens of a tokenizer, the names of classes. */
#ifndef GM_BASE_VOCAB_H
#define GM_BASE_VOCAB_H

#include "base/base.h"

/* Byte strings numbered in the order in which they were added, each once. */
typedef struct gm__vocab {
    gm__buf bytes;               /* all of them, one after the other */
    size_t *at;                  /* [n + 1]: where each starts */
    struct gm__vocab_slot { uint64_t key; uint32_t size, number; } *slot; /* hash table; number + 1, 0: free */
    size_t n, cap;
} gm__vocab;
void gm__vocab_init(gm__vocab *v, gm_ctx *ctx);
void gm__vocab_free(gm__vocab *v);
int64_t gm__vocab_find(const gm__vocab *v, const void *p, size_t n); /* -1: it is not there */
gm_status gm__vocab_add(gm__vocab *v, const void *p, size_t n, int64_t *number); /* a new one, or the one that is there */
static inline const uint8_t *gm__vocab_bytes(const gm__vocab *v, size_t i) { return (const uint8_t *)v->bytes.data + v->at[i]; }
static inline size_t gm__vocab_size(const gm__vocab *v, size_t i) { return v->at[i + 1] - v->at[i]; }

#endif
