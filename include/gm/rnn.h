/* gm/rnn.h - recurrent language models: Elman, GRU, LSTM. C configuration, and how far gradients reach back.
 *
 *     gm_model *m = NULL;
 *     s = gm_model_new(ctx, "rnn", "cell=lstm hidden=256 depth=2", &m);
 *     if (!s) s = gm_fit(m, text, "epochs=4");        a data set text:FILE (one text) or lines:FILE (a text a line)
 *
 * A state h_t (and c_t) goes from token to token, h_t = cell(x_t, h_{t-1}) (formulas: gm/ops_rnn.h), layer on layer, and
 *
 *     p(token_{t+1} | tokens to t) = softmax(W h_t + b).
 *
 * Training cuts the text into pieces of `block` tokens; the state goes on from piece to piece, gradients do not
 * (truncated backpropagation through time). Use: gm/lm.h; there is no end of the context.
 */
#ifndef GM_RNN_H
#define GM_RNN_H

#include <gm/lm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GM_RNN_ELMAN = 0, GM_RNN_GRU = 1, GM_RNN_LSTM = 2 };

typedef struct gm_rnn_config {
    uint32_t struct_size;     /* set by gm_rnn_config_init */
    int32_t  cell;            /* GM_RNN_* */
    int32_t  hidden, depth;   /* units of a layer; layers */
    int32_t  embd;            /* numbers that stand for a token; 0: one a token of the vocabulary, that token's being 1 */
    int32_t  block;           /* tokens that gradients go back */
    double   dropout;         /* share of what is dropped of each layer's result */
    int32_t  tie;             /* the last product is by the table of tokens: embd = hidden */
    int32_t  tokenizer;       /* GM_TOKENIZE_* */
    int64_t  vocab;           /* most tokens; 0: all (bpe: 1000) */
    int64_t  min_count;       /* word, char: what is rarer becomes <unk> */
    int32_t  lower, unk;      /* word: A-Z as a-z; word, char: a token for what is not known */
    int32_t  pattern;         /* word: 0 as GPT-2 cuts text, 1 at blanks, which are lost */
    int32_t  lines;           /* texts begin and end with the end token; a fit on lines:FILE sets it */
    uint64_t seed;            /* of the first weights, of training and samples unless they are given one */
} gm_rnn_config;

/** Fills a config with the defaults. @param size sizeof(gm_rnn_config). @errors none. @threads any. @since 0.1 */
GM_API void gm_rnn_config_init(gm_rnn_config *c, size_t size);
/** New recurrent language model. @param c options, copied; NULL for the defaults. @param out the caller's. @errors as gm_model_new. @threads as ctx. @since 0.1 @source Elman 1990; Hochreiter & Schmidhuber 1997; Cho et al. 2014 */
GM_API gm_status gm_rnn_new(gm_ctx *ctx, const gm_rnn_config *c, gm_model **out);

/**
 * How far gradients reach: |d loss / d state k tokens back|, where the loss is that of the last token, -log p(token | those before),
 * and the state h (lstm: h and c) of all layers after reading a token. A net whose norms fall quickly cannot learn what lies so far apart.
 * @param tokens  i64 [T], 2 <= T <= 4096: a text from its start
 * @param out     f32 [T - 1]: element k is the norm k tokens back from the state that foretells the last token; the caller's
 * @errors    GM_EARG (another family, too few or too many tokens, no such token), GM_ESTATE, GM_EDTYPE, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 * @source    Hochreiter 1991; Bengio et al. 1994
 */
GM_API gm_status gm_rnn_gradient_by_lag(gm_model *m, gm_tensor *tokens, gm_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
