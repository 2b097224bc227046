/* lm.h - what every language model has beside a family: next-token distributions, from which scoring and generation are made.
 * What those with batches are trained on, tokens in rows, is made by their `feed`: see feed.h. */
#ifndef GM_MODELS_LM_H
#define GM_MODELS_LM_H

#include "models/model.h"
#include "text/text.h"
#include <gm/lm.h>

/* How much of a text is given, not told: nothing, or the source of SOURCE<tab>TARGET. */
typedef struct gm__lm_given { size_t tokens, bytes; } gm__lm_given;

/* A family's part. A reader is one that has read some text: its state belongs to the caller, who may run it on any context. */
typedef struct gm__lm {
    gm_tokenizer *(*tokenizer)(const gm_model *m);       /* NULL before the first fit */
    gm_status (*set_tokenizer)(gm_model *m, gm_tokenizer *tk); /* of an unbuilt model; may be NULL */
    int64_t (*context)(const gm_model *m);               /* tokens that the next one can depend on; 0: all */
    int64_t (*end)(const gm_model *m);                   /* token that ends a text; -1: none */
    gm_status (*open)(gm_model *m, gm_ctx *ctx, void **reader); /* at the start of a text */
    gm_status (*copy)(gm_model *m, gm_ctx *ctx, const void *from, void **to);
    void (*close)(gm_model *m, gm_ctx *ctx, void *reader);
    gm_status (*read)(gm_model *m, gm_ctx *ctx, void *reader, const int64_t *tokens, int64_t n);
    gm_status (*next)(gm_model *m, gm_ctx *ctx, void *reader, float *logits); /* [vocabulary], up to a constant */
    gm_status (*score)(gm_model *m, gm_ctx *ctx, const int64_t *tokens, int64_t n, float *log_p); /* of a whole text */
    /* of texts, where text i is tokens [start[i], start[i+1]); NULL: one after the other */
    gm_status (*scores)(gm_model *m, gm_ctx *ctx, const int64_t *tokens, const int64_t *start, int64_t texts, float *log_p);
} gm__lm;

/* ---- lm.c -------------------------------------------------------------------------- */

gm_status gm__lm_able(gm_ctx *ctx, const gm_model *m, const char *verb); /* a language model that has read its data */
/* Calls fn for each text of a data set: text:FILE is one, lines:FILE one a line. */
typedef gm_status gm__text_of(void *user, const uint8_t *text, size_t n);
gm_status gm__lm_texts(gm_ctx *ctx, const char *who, const gm_dataset *d, gm__text_of *fn, void *user);
gm_status gm__lm_tokens(gm_model *m, const char *who, gm_tensor *tokens, const int64_t **id); /* i64 [T] of its vocabulary? *id: their memory */
/* Text to tokens as the family wants them, see its `text`. */
gm_status gm__lm_encode(gm_model *m, gm_ctx *ctx, const uint8_t *text, size_t n, bool whole, gm__ids *v, gm__lm_given *given);
bool gm__lm_lines(const gm_dataset *d); /* a text a line? */
bool gm__lm_reads_lines(const gm_dataset *d); /* and are they texts: lines:FILE, or ragged rows of u8 */
/* Sums over all texts of a data set. characters: of UTF-8 */
/* gm_eval of a language model: nats_per_token, perplexity, bits_per_char. */
gm_status gm__lm_eval(gm_model *m, gm_dataset *d, const gm__eval_cfg *c, gm_measure *out, int32_t cap, int32_t *n);
typedef struct gm__lm_sums { double log_p, squares; uint64_t tokens, characters, texts; } gm__lm_sums;
gm_status gm__lm_measure(gm_model *m, gm_dataset *d, gm__lm_sums *out);
void gm__log_normalise(float *logits, int64_t n); /* to log-probabilities */
gm_status gm__lm_first(gm_model *m, gm_ctx *ctx, int64_t vocab, int64_t id, float *log_p); /* of a text's first token, as a reader tells it that has read nothing */

/* ---- words.c: the tokenizer of a family with the options of tokenizer_rows.def --------------- */

typedef struct gm__lm_words { int32_t tokenizer, unk, lower, pattern; int64_t vocab, min_count; } gm__lm_words;
/* special: comma list of names, or NULL */
gm_status gm__lm_learn_tokenizer(gm_model *m, const gm_dataset *d, const gm__lm_words *w, const char *special, gm_tokenizer **out);
gm_status gm__lm_add_tokenizer(gm_model *m, const gm_tokenizer *tk); /* among the model's tensors, for files and copies .. */
gm_status gm__lm_find_tokenizer(gm_model *m, gm_tokenizer **out);    /* .. and from there, for `filled`: GM_EFORMAT */
gm_tensor *gm__model_named(const gm_model *m, const char *name);     /* a tensor of the model, or NULL */

/* ---- writer.c: the sampler of a language model ------------------------------------------ */

typedef struct gm__writer gm__writer;
extern const gm__opts gm__writer_opts;
gm_status gm__writer_new(gm_ctx *ctx, gm_model *m, const char *options, gm__writer **out);
void gm__writer_free(gm__writer *w);
gm_status gm__writer_save(const gm__writer *w, void *out, size_t *size);
gm_status gm__writer_load(gm__writer *w, const void *in, size_t size);
gm__writer *gm__sampler_writer(gm_sampler *s); /* NULL: of another kind of model */
gm_ctx *gm__sampler_ctx(gm_sampler *s);

/* choose.c: which token, from logits */
typedef struct gm__choice {
    double temperature, top_p, min_p, typical, repetition, frequency, presence;
    int64_t top_k, window, no_repeat;
} gm__choice;
typedef struct gm__candidate { int64_t id; double p; float logit; } gm__candidate;
/* Logits after penalties for what stands in text [n]. */
void gm__penalise(const gm__choice *c, const int64_t *text, int64_t n, float *logits, int64_t vocab);
/* The candidates that are left with their probabilities, which add up to 1; their number, 0 if no logit is finite. room: [vocab] */
int64_t gm__candidates(const gm__choice *c, const float *logits, int64_t vocab, gm__candidate *room);

#endif
