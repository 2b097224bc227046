/* ngram.h - tables of word sequences with their probabilities, and the family ngram.
 *
 * Level n holds the sequences w1..wn that are known, sorted by (w1..w(n-1), wn): those that go on from one context lie side
 * by side. Every sequence knows its suffix w2..wn one level down, so that reading a text moves from the longest known
 * context to the next one, and shorter ones are reached when it has no continuation by the word at hand. */
#ifndef GM_MODELS_NGRAM_NGRAM_H
#define GM_MODELS_NGRAM_NGRAM_H

#include "models/lm.h"
#include <gm/ngram.h>

enum { GM__NGRAM_ORDER = 16 };           /* the limit */
#define GM__NEVER -1e30f                 /* log 0 in the tables: files hold finite numbers */

typedef struct gm__level {
    int64_t n;
    int32_t *word;                       /* [n] the last word; level 1: word i is i */
    float *log_p;                        /* [n] of the last word after those before it */
    float *back;                         /* [n] what a word that never followed costs, nats; NULL at the highest level */
    int32_t *first;                      /* [n + 1] where its continuations start a level up; NULL at the highest level */
    int32_t *suffix;                     /* [n] w2..wn a level down; NULL at level 1 */
} gm__level;

typedef struct gm__ngram {
    int32_t order;
    int64_t vocab;
    int64_t begin, end;                  /* <s> and </s>; -1: texts have none */
    bool final;                          /* `back` is the log-probability itself, not a factor of a shorter context's */
    gm__level level[GM__NGRAM_ORDER + 1]; /* from 1 on */
} gm__ngram;

/* The longest known context: a sequence at a level; level 0: nothing. */
typedef struct gm__context { int32_t level, at; } gm__context;

/* ---- query.c ---------------------------------------------------------------------- */

float gm__ngram_read(const gm__ngram *g, gm__context *c, int64_t word); /* its log-probability; c moves on */
void gm__ngram_next(const gm__ngram *g, gm__context c, float *log_p);   /* of every word, [vocab] */
gm__context gm__ngram_start(const gm__ngram *g);                        /* of a text: after <s> if there is one */

/* ---- index.c ---------------------------------------------------------------------- */

typedef struct gm__ngram_index gm__ngram_index;
gm_status gm__ngram_index_make(gm_ctx *ctx, const gm__ngram *g, gm__ngram_index **out); /* NULL where there is none for such tables */
void gm__ngram_index_free(gm_ctx *ctx, gm__ngram_index *x);
/* What gm__ngram_read gives for every word of texts, where text i is words [from[i], from[i+1]) read from `start` on. */
void gm__ngram_index_read(const gm__ngram_index *x, gm__context start, const int64_t *id, const int64_t *from, int64_t texts, float *log_p);

/* ---- count.c ----------------------------------------------------------------------- */

typedef struct gm__counts { int64_t n; int32_t *word, *first, *suffix; int64_t *count; } gm__counts; /* as in gm__level */
/* How often every sequence of up to `order` words occurs in ids [n]. start: [n] bits set where a new text starts, NULL: one text. */
gm_status gm__ngram_count(gm_ctx *ctx, const int32_t *ids, int64_t n, const uint8_t *start, int32_t order, int64_t vocab, gm__counts *out /* [order + 1] */);
void gm__counts_free(gm_ctx *ctx, gm__counts *c);

/* ---- smooth.c ------------------------------------------------------------------------ */

typedef struct gm__smooth {
    int32_t method;                      /* GM_SMOOTHING_* */
    double add;
    int64_t prune[GM__NGRAM_ORDER + 1];  /* sequences seen at most so often are dropped, by level */
    int32_t fallback;                    /* receives how many levels had too few counts for their own discounts */
} gm__smooth;
/* Probabilities from counts; g's order, vocab, begin are set, its levels receive memory of ctx. The counts are used up. */
gm_status gm__ngram_smooth(gm_ctx *ctx, gm__ngram *g, gm__counts *c, gm__smooth *how);
void gm__ngram_clear(gm_ctx *ctx, gm__ngram *g); /* frees levels made by gm__ngram_smooth or gm__arpa_read */

/* ---- arpa.c ---------------------------------------------------------------------------- */

/* From a file, or the text of one. */
gm_status gm__arpa_load(gm_ctx *ctx, const char *path, const char *text, size_t size, gm__ngram *g, gm_tokenizer **tk);
gm_status gm__arpa_read(gm_ctx *ctx, const char *path, gm__ngram *g, gm_tokenizer **tk);
gm_status gm__arpa_write(gm_ctx *ctx, const gm__ngram *g, const gm_tokenizer *tk, const char *path);

#endif
