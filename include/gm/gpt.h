/* gm/gpt.h - GPT: a transformer that tells the next token from those before it. C configuration, GPT-2's files.
 *
 *     gm_model *m = NULL;
 *     s = gm_model_new(ctx, "gpt", "depth=6 heads=6 embd=192 block=128", &m);
 *     if (!s) s = gm_fit(m, text, "steps=5000");      a data set text:FILE (one text) or lines:FILE (a text a line)
 *
 * x_i = E[token_i] + P[i], then `depth` blocks x = x + attention(norm(x)), x = x + feed(norm(x)), each place seeing itself and those
 * before it; log p(token_{i+1} | ..) = log softmax(E norm(x_i)). The loss is its mean, nats a token. Use: gm/lm.h.
 */
#ifndef GM_GPT_H
#define GM_GPT_H

#include <gm/lm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GM_GPT_GELU = 0, GM_GPT_GELU_ERF = 1, GM_GPT_RELU = 2, GM_GPT_SWIGLU = 3, GM_GPT_SILU = 4 };
enum { GM_GPT_NORM_LAYER = 0, GM_GPT_NORM_RMS = 1 };
enum { GM_GPT_POSITIONS_LEARNED = 0, GM_GPT_POSITIONS_SINUSOIDAL = 1, GM_GPT_POSITIONS_ROTARY = 2, GM_GPT_POSITIONS_NONE = 3 };

typedef struct gm_gpt_config {
    uint32_t struct_size;     /* set by gm_gpt_config_init */
    int32_t  depth;           /* blocks */
    int32_t  heads, kv_heads; /* heads of attention; of keys and values, 0: as many */
    int32_t  embd, block;     /* numbers of a place; tokens of the longest context */
    int32_t  hidden;          /* numbers inside feed; 0: 4 embd, swiglu 8/3 embd */
    int32_t  activation;      /* GM_GPT_GELU .. */
    int32_t  norm, post;      /* GM_GPT_NORM_*; norms after sums, not before parts */
    int32_t  positions;       /* GM_GPT_POSITIONS_* */
    int32_t  bias, tie;       /* products have biases; the last one is the table of tokens */
    int32_t  lines;           /* texts begin and end with the end token; on after a fit on lines:FILE */
    double   dropout;
    int32_t  tokenizer;       /* GM_TOKENIZE_* */
    int32_t  lower, unk, pattern; /* as in gm/ngram.h */
    int64_t  vocab, min_count;
    uint64_t seed;
} gm_gpt_config;

/** Fills a config with the defaults. @param size sizeof(gm_gpt_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_gpt_config_init(gm_gpt_config *c, size_t size);
/** New GPT. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Radford et al. 2018, 2019 */
GM_API gm_status gm_gpt_new(gm_ctx *ctx, const gm_gpt_config *c, gm_model **out);

/**
 * Logits of the next token at every place.
 * @param tokens   i64 [B, T], T up to the block
 * @param out      f32 [B, T, vocabulary], the caller's
 * @errors    GM_EARG (no GPT; no such token), GM_ESHAPE (longer than the block), GM_ESTATE, GM_EDTYPE, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_gpt_logits(gm_model *m, gm_tensor *tokens, gm_tensor **out);

/**
 * A model from GPT-2's files as Hugging Face keeps them: config.json, model.safetensors (names with or without "transformer."), and
 * vocab.json with merges.txt if they are there; without them tokens have no text but <|0|>, <|1|>, ..
 * @param folder   where they lie
 * @param out      receives the model, the caller's; it can be used, saved and trained as any other
 * @errors    GM_EIO, GM_EFORMAT (names the file and what does not fit), GM_ELIMIT, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 * @source    Radford et al. 2019
 */
GM_API gm_status gm_gpt_load_hf(gm_ctx *ctx, const char *folder, gm_model **out);

/**
 * Writes a model as such a folder, made if need be; Hugging Face's library opens it. vocab.json and merges.txt: of tokenizer=bpe.
 * @errors    GM_EARG (no GPT), GM_EUNSUPPORTED (names the option that a GPT-2 does not have: rotary positions, kv-heads ..), GM_ESTATE, GM_ENONFINITE, GM_EIO, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_gpt_save_hf(gm_model *m, const char *folder);

#ifdef __cplusplus
}
#endif
#endif
