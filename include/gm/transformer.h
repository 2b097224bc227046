/* gm/transformer.h - the transformer: texts from texts, texts from themselves, texts read whole. C configuration.
 *
 *     gm_model *m = NULL; gm_sampler *s = NULL;
 *     st = gm_model_new(ctx, "transformer", "depth=2 heads=4 embd=64", &m);
 *     if (!st) st = gm_fit(m, pairs, "steps=1000");            a data set lines:FILE, a line SOURCE<tab>TARGET
 *     if (!st) st = gm_sampler_new(ctx, m, "temperature=0", &s);
 *     if (!st) st = gm_sampler_prompt(s, "source", 6);         then gm_sampler_write: the target
 *
 * Three kinds. encoder-decoder: blocks read the source in both directions; others write the target, each place seeing those before it
 * and, by cross-attention, the source. decoder: the second alone, a GPT. encoder: the first alone, which learns by telling masked
 * tokens from those around them. Use as a language model: gm/lm.h; of a text, only the target is told, the source is given.
 */
#ifndef GM_TRANSFORMER_H
#define GM_TRANSFORMER_H

#include <gm/lm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GM_TRANSFORMER_ENCODER_DECODER = 0, GM_TRANSFORMER_DECODER = 1, GM_TRANSFORMER_ENCODER = 2 };

typedef struct gm_transformer_config {
    uint32_t struct_size;     /* set by gm_transformer_config_init */
    int32_t  kind;            /* GM_TRANSFORMER_* */
    int32_t  depth;           /* blocks of encoder and of decoder */
    int32_t  heads, kv_heads; /* heads of attention; of keys and values, 0: as many */
    int32_t  embd, block;     /* numbers of a place; tokens of the longest source and target, or context */
    int32_t  hidden;          /* numbers inside feed; 0: 4 embd, swiglu 8/3 embd */
    int32_t  activation;      /* as GM_GPT_* in gm/gpt.h */
    int32_t  norm, post;      /* layer or rms; norms after sums, not before parts */
    int32_t  positions;       /* as GM_GPT_POSITIONS_* */
    int32_t  bias, tie;       /* products have biases; the last one is the table of tokens */
    int32_t  lines;           /* texts begin and end with the end token; on after a fit on lines:FILE */
    double   dropout, masked; /* masked: encoder: share of tokens hidden in training */
    int32_t  tokenizer;       /* GM_TOKENIZE_* */
    int32_t  lower, unk, pattern; /* as in gm/ngram.h */
    int64_t  vocab, min_count;
    uint64_t seed;
} gm_transformer_config;

/** Fills a config with the defaults. @param size sizeof(gm_transformer_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_transformer_config_init(gm_transformer_config *c, size_t size);
/** New transformer. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Vaswani et al. 2017 */
GM_API gm_status gm_transformer_new(gm_ctx *ctx, const gm_transformer_config *c, gm_model **out);

/**
 * What the encoder makes of texts: hidden states after its last norm.
 * @param tokens   i64 [B, T], T up to the block
 * @param length   i64 [B]: tokens of each row, 1 to T, the rest is padding that changes nothing; NULL: all T
 * @param out      f32 [B, T, embd], the caller's; padded places hold anything
 * @errors    GM_EARG (no transformer; no such token or length), GM_EUNSUPPORTED (kind decoder), GM_ESHAPE (longer than the block), GM_EDTYPE, GM_ESTATE, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_transformer_encode(gm_model *m, gm_tensor *tokens, gm_tensor *length, gm_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
