/* gm/ngram.h - n-gram language models: tables of what followed what. C configuration, and files of other toolkits.
 *
 *     gm_model *m = NULL;
 *     s = gm_model_new(ctx, "ngram", "order=5 tokenizer=word", &m);
 *     if (!s) s = gm_fit(m, text, NULL);              a data set text:FILE (one text) or lines:FILE (a text a line)
 *
 * Interpolated modified Kneser-Ney smoothing [Chen & Goodman 1998]: with c the count of w after h (below the highest order: how many
 * words were seen before h w), D the discount of that count and p' the model of one word less,
 *
 *     p(w | h) = max(c - D(c), 0) / C(h) + g(h) p'(w | h without its first word),      g(h) = sum of all D / C(h)
 *
 * down to single words, which are interpolated with the uniform distribution. Use: gm/lm.h.
 */
#ifndef GM_NGRAM_H
#define GM_NGRAM_H

#include <gm/lm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GM_SMOOTHING_MLE = 0, GM_SMOOTHING_ADD_K = 1, GM_SMOOTHING_WITTEN_BELL = 2, GM_SMOOTHING_KNESER_NEY = 3 };

/* Text fields are borrowed until the constructor returns. */
typedef struct gm_ngram_config {
    uint32_t struct_size;     /* set by gm_ngram_config_init */
    int32_t  order;           /* words of a sequence, 1 to 16 */
    int32_t  smoothing;       /* GM_SMOOTHING_* */
    int32_t  tokenizer;       /* GM_TOKENIZE_* */
    double   add;             /* add-k: what every count is raised by */
    int64_t  vocab;           /* most tokens; 0: all (bpe: 1000) */
    int64_t  min_count;       /* word, char: what is rarer becomes <unk> */
    const char *prune;        /* "0,0,1": sequences of 1, 2, 3 (and more) words seen at most so often are dropped; NULL: none */
    int32_t  lower, unk;      /* word: A-Z as a-z; word, char: a token for what is not known */
    int32_t  pattern;         /* word: 0 as GPT-2 cuts text, 1 at blanks, which are lost */
    int32_t  reserved;
    uint64_t seed;            /* of samples, unless they are given one */
} gm_ngram_config;

/** Fills a config with the defaults. @param size sizeof(gm_ngram_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_ngram_config_init(gm_ngram_config *c, size_t size);
/** New n-gram model. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Chen & Goodman 1998; Witten & Bell 1991 */
GM_API gm_status gm_ngram_new(gm_ctx *ctx, const gm_ngram_config *c, gm_model **out);

/**
 * A model from an ARPA file, gzip or not; its words are those between blanks.
 * @errors    GM_EIO, GM_EFORMAT (names the line), GM_ELIMIT (order above 16), GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_ngram_read_arpa(gm_ctx *ctx, const char *path, gm_model **out);

/** Writes a model as an ARPA file. Bytes of a token that ARPA cannot hold (blanks, what is no UTF-8) become <0xHH>. @errors GM_EARG (no n-gram model), GM_EUNSUPPORTED (smoothing that does not back off), GM_ESTATE, GM_EIO, GM_ENOMEM. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_ngram_write_arpa(gm_model *m, const char *path);

#ifdef __cplusplus
}
#endif
#endif
