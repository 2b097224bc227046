/* gm/tokenizer.h - text to whole numbers and back.
 *
 *     gm_tokenizer *tk = NULL; gm_tensor *ids = NULL;
 *     s = gm_tokenizer_train(ctx, "kind=bpe vocab=1000", text, n, &tk);
 *     if (!s) s = gm_tokenizer_encode(tk, "To be", 5, 0, &ids);     i64 [count]
 *
 * Every kind gives back exactly the bytes it was given, whatever they are, as long as its vocabulary holds
 * them: byte and bpe hold all; char and word name what they do not know, or use the token <unk> if they have one.
 * A model that reads text keeps its tokenizer in its file.
 */
#ifndef GM_TOKENIZER_H
#define GM_TOKENIZER_H

#include <gm/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gm_tokenizer gm_tokenizer;

enum { GM_TOKENIZE_BYTE = 0, GM_TOKENIZE_CHAR = 1, GM_TOKENIZE_WORD = 2, GM_TOKENIZE_BPE = 3 };
enum { GM_ENCODE_SPECIAL = 1 /* the names of special tokens in the text stand for them */ };

/**
 * Makes a vocabulary from text.
 * @param options   kind (byte|char|word|bpe), vocab (most tokens, specials included; char, word: the most frequent;
 *                  0: all), min-count (1: word, char), special (comma list of names, numbered first), unk (off: what is
 *                  unknown is refused), lower (off: word), pattern (gpt2: how bpe splits text before merging | none)
 * @param text      n bytes; char: UTF-8, NULL for byte
 * @param out       receives the tokenizer, the caller's
 * @errors    GM_EARG, GM_EFORMAT (char: not UTF-8, with the offset), GM_ELIMIT, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 * @source    Sennrich, Haddow & Birch 2016 (BPE); Radford et al. 2019 (over bytes)
 */
GM_API gm_status gm_tokenizer_train(gm_ctx *ctx, const char *options, const void *text, size_t n, gm_tokenizer **out);

/**
 * Byte-level BPE from GPT-2's files.
 * @errors    GM_EIO, GM_EFORMAT (names the file and line), GM_ELIMIT, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_tokenizer_load_gpt2(gm_ctx *ctx, const char *vocab_json, const char *merges_txt, gm_tokenizer **out);
/** Writes a bpe tokenizer as GPT-2's two files. @errors GM_EUNSUPPORTED (another kind), GM_EIO, GM_ENOMEM. @threads as the tokenizer's context. @since 0.1 */
GM_API gm_status gm_tokenizer_save_gpt2(gm_tokenizer *tk, const char *vocab_json, const char *merges_txt);

/**
 * Text to tokens.
 * @param flags   GM_ENCODE_*; 0: all text is text
 * @param out     i64 [count], the caller's; no text gives [0]
 * @errors    GM_EARG (a token that is not known: the message shows it and its offset), GM_EFORMAT (not UTF-8), GM_ENOMEM
 * @threads   as the tokenizer's context
 * @since     0.1
 */
GM_API gm_status gm_tokenizer_encode(gm_tokenizer *tk, const void *text, size_t n, uint32_t flags, gm_tensor **out);

/**
 * Tokens to text, byte for byte; special tokens give nothing unless GM_ENCODE_SPECIAL is given, then their names.
 * @param tokens   i64 [count]
 * @param out      receives the first cap bytes, no 0 at the end; may be NULL
 * @param size     receives how many bytes the whole text has
 * @errors    GM_EARG (no such token), GM_EDTYPE
 * @threads   as the tokenizer's context
 * @since     0.1
 */
GM_API gm_status gm_tokenizer_decode(gm_tokenizer *tk, const gm_tensor *tokens, uint32_t flags, char *out, size_t cap, size_t *size);

/** GM_TOKENIZE_*. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_tokenizer_kind(const gm_tokenizer *tk);
/** Number of tokens. @errors none. @threads any. @since 0.1 */
GM_API int64_t gm_tokenizer_size(const gm_tokenizer *tk);
/** Bytes of token i (of a special one: its name). @param n receives their number. @return borrowed; NULL past the end. @errors none. @threads any. @since 0.1 */
GM_API const char *gm_tokenizer_token(const gm_tokenizer *tk, int64_t i, size_t *n);
/** Number of the token with these bytes; -1 if there is none. @errors none. @threads any. @since 0.1 */
GM_API int64_t gm_tokenizer_find(const gm_tokenizer *tk, const void *bytes, size_t n);
/** Drops the caller's reference. @errors none. @threads any. @since 0.1 */
GM_API void gm_tokenizer_free(gm_tokenizer *tk);

#ifdef __cplusplus
}
#endif
#endif
