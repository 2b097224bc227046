/* text.h - tokenizers inside the library: a vocabulary of byte strings, and how text is cut into them. */
#ifndef GM_TEXT_TEXT_H
#define GM_TEXT_TEXT_H

#include "base/vocab.h"
#include "tensor/tensor.h"
#include <gm/tokenizer.h>

enum { GM__SPLIT_GPT2, GM__SPLIT_SPACE, GM__SPLIT_NONE }; /* the option pattern */
enum { GM__TOKEN_SPECIAL = 1, GM__TOKEN_UNKNOWN = 2 };

/* A growing list of tokens; a failure sticks and is seen once, at the end. */
typedef struct gm__ids {
    gm_ctx *ctx;
    int64_t *id;
    size_t n, cap;
    bool failed;
} gm__ids;
void gm__ids_put(gm__ids *v, int64_t id);

typedef struct gm__merge { int32_t a, b; } gm__merge; /* two neighbours become one token */

struct gm_tokenizer {
    gm__handle h;
    gm_ctx *ctx;
    int32_t kind, pattern, lower;
    gm__vocab vocab;
    uint8_t *flags; size_t n_flags; /* [vocab.n] GM__TOKEN_* */
    int64_t unknown;             /* token for what is not known; -1: it is refused */
    size_t longest;              /* bytes of the longest name of a special token */
    /* bpe */
    int32_t byte_token[256];
    gm__merge *merges; size_t n_merges; /* in their order */
    int32_t *merged;             /* [n_merges]: what they become */
    uint32_t *merge_slot; size_t merge_mask; /* hash table over merges: number + 1 */
};

/* tokenizer.c */
gm_status gm__tokenizer_make(gm_ctx *ctx, int32_t kind, int32_t pattern, gm_tokenizer **out);
gm_status gm__tokenizer_special(gm_tokenizer *tk, const char *name, size_t n, uint8_t flags);
/* The vocabulary is complete: flags, merges' results and tables are made. GM_EFORMAT: a merge of or to a token that is not there. */
gm_status gm__tokenizer_ready(gm_tokenizer *tk);
/* For files of models: bytes u8, ends i64 [n], flags u8 [n], merges i32 [m, 2], how i64 [4]; made anew, the caller's. */
enum { GM__TK_BYTES, GM__TK_ENDS, GM__TK_FLAGS, GM__TK_MERGES, GM__TK_HOW, GM__TK_TENSORS };
extern const char *const gm__tokenizer_names[GM__TK_TENSORS];
gm_status gm__tokenizer_store(const gm_tokenizer *tk, gm_tensor *out[GM__TK_TENSORS]);
gm_status gm__tokenizer_restore(gm_ctx *ctx, gm_tensor *const in[GM__TK_TENSORS], gm_tokenizer **out); /* never trusts them */
/* count.c: all that is frequent enough, but `tokens` tokens in all at most (0: any number) */
gm_status gm__tokenizer_count(gm_tokenizer *tk, const uint8_t *text, size_t n, int64_t tokens, int64_t min_count);
/* encode.c: the next character or word at p: how many bytes it takes. *piece: its bytes (in room if they differ), *n_piece: 0 for
 * what is no token. */
size_t gm__piece(const gm_tokenizer *tk, const uint8_t *p, size_t n, gm__buf *room, const uint8_t **piece, size_t *n_piece);
gm_status gm__bad_utf8(gm_ctx *ctx, const uint8_t *p, size_t at);
/* Text to tokens, appended to v. */
gm_status gm__tokenizer_run(const gm_tokenizer *tk, gm_ctx *ctx, const uint8_t *text, size_t n, uint32_t flags, gm__ids *v);

/* split.c: length of the first piece of a text, > 0: letters, numbers, other signs (each with a blank before it), blanks [Radford et al. 2019] */
size_t gm__split(int32_t pattern, const uint8_t *p, size_t n);
/* One character: its code and length. What is no UTF-8 counts byte by byte, with code 0x110000 + byte. */
uint32_t gm__utf8_code(const uint8_t *p, size_t n, size_t *length);
bool gm__is_space(uint32_t code);

/* gpt2.c: a tokenizer from the contents of vocab.json and merges.txt; in which order GPT-2 numbers the bytes */
typedef struct gm__gpt2_file { const char *path; const uint8_t *text; size_t size; } gm__gpt2_file;
gm_status gm__gpt2_load(gm_ctx *ctx, const gm__gpt2_file file[2], gm_tokenizer **out);
void gm__gpt2_order(uint8_t order[256]);

/* bpe.c */
static inline size_t gm__pair_hash(int32_t a, int32_t b)
{
    return (size_t)((((uint64_t)(uint32_t)a << 32 | (uint32_t)b) * 0x9e3779b97f4a7c15u) >> 29);
}
bool gm__merge_bytes(const gm_tokenizer *tk, gm__merge m, gm__buf *out); /* those of both, in place of what is in out */
int64_t gm__merge_find(const gm_tokenizer *tk, int32_t a, int32_t b); /* its place in the order, or -1 */
gm_status gm__merges_ready(gm_tokenizer *tk);
gm_status gm__bpe_piece(const gm_tokenizer *tk, gm_ctx *ctx, const uint8_t *p, size_t n, gm__ids *v);
/* bpe_train.c: merges until there are `tokens` tokens */
gm_status gm__bpe_train(gm_tokenizer *tk, const uint8_t *text, size_t n, int64_t tokens, int64_t min_count);

#endif
