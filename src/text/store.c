/* store.c - a tokenizer as tensors for files of models, and back. What a file says is checked like any text. */
#include "text/text.h"
#include <string.h>

const char *const gm__tokenizer_names[GM__TK_TENSORS] = { "tokenizer.bytes", "tokenizer.ends", "tokenizer.flags", "tokenizer.merges", "tokenizer.how" };
enum { HOW = 4 }; /* kind, pattern, lower, 0 */

static gm_status vector(gm_ctx *ctx, int dtype, size_t n, gm_tensor **out)
{
    return gm_tensor_new(ctx, dtype, 1, (int64_t[]){ (int64_t)n }, out);
}

gm_status gm__tokenizer_store(const gm_tokenizer *tk, gm_tensor *out[GM__TK_TENSORS])
{
    const gm__vocab *v = &tk->vocab;
    for (int i = 0; i < GM__TK_TENSORS; i++) out[i] = NULL;
    gm_status s = vector(tk->ctx, GM_U8, v->bytes.len, &out[GM__TK_BYTES]);
    if (!s) s = vector(tk->ctx, GM_I64, v->n, &out[GM__TK_ENDS]);
    if (!s) s = vector(tk->ctx, GM_U8, v->n, &out[GM__TK_FLAGS]);
    if (!s) s = gm_tensor_new(tk->ctx, GM_I32, 2, (int64_t[]){ (int64_t)tk->n_merges, 2 }, &out[GM__TK_MERGES]);
    if (!s) s = vector(tk->ctx, GM_I64, HOW, &out[GM__TK_HOW]);
    if (s) {
        for (int i = 0; i < GM__TK_TENSORS; i++) gm_tensor_free(out[i]), out[i] = NULL;
        return s;
    }
    int64_t *ends = gm__i64(out[GM__TK_ENDS]), *how = gm__i64(out[GM__TK_HOW]);
    for (size_t i = 0; i < v->n; i++) ends[i] = (int64_t)v->at[i + 1];
    if (v->n) memcpy(out[GM__TK_BYTES]->data, v->bytes.data, v->bytes.len);
    if (v->n) memcpy(out[GM__TK_FLAGS]->data, tk->flags, v->n);
    if (tk->n_merges) memcpy(out[GM__TK_MERGES]->data, tk->merges, tk->n_merges * sizeof *tk->merges);
    memcpy(how, ((int64_t[HOW]){ tk->kind, tk->pattern, tk->lower, 0 }), HOW * sizeof *how);
    return GM_OK;
}

static gm_status broken(gm_ctx *ctx, const char *what) { return gm__fail_ctx(ctx, GM_EFORMAT, "tokenizer: %s", what); }

static gm_status tokens(gm_tokenizer *tk, const gm_tensor *bytes, const gm_tensor *ends, const gm_tensor *flags)
{
    const int64_t *end = gm__i64(ends);
    const uint8_t *flag = (const uint8_t *)flags->data;
    int64_t from = 0;
    if (flags->size != ends->size || ends->size > 1 << 24) return broken(tk->ctx, "the tensors do not fit each other");
    for (int64_t i = 0; i < ends->size; i++) {
        const char *p = (const char *)bytes->data + from;
        if (end[i] <= from || end[i] > bytes->size) return broken(tk->ctx, "ends that do not rise");
        size_t n = (size_t)(end[i] - from), known = tk->vocab.n;
        int64_t id;
        if (flag[i] & ~(GM__TOKEN_SPECIAL | GM__TOKEN_UNKNOWN)) return broken(tk->ctx, "unknown flags");
        if (flag[i]) GM__TRY(gm__tokenizer_special(tk, p, n, flag[i]));
        else GM__TRY(gm__vocab_add(&tk->vocab, p, n, &id));
        if (tk->vocab.n == known) return broken(tk->ctx, "a token twice");
        from = end[i];
    }
    return from == bytes->size ? GM_OK : broken(tk->ctx, "bytes beyond the last token");
}

static gm_status fill(gm_tokenizer *tk, gm_tensor *const in[GM__TK_TENSORS])
{
    const gm_tensor *m = in[GM__TK_MERGES];
    GM__TRY(tokens(tk, in[GM__TK_BYTES], in[GM__TK_ENDS], in[GM__TK_FLAGS]));
    tk->n_merges = (size_t)m->shape[0];
    tk->merges = gm__alloc(tk->ctx, tk->n_merges + 1, sizeof *tk->merges);
    if (!tk->merges) return GM_ENOMEM;
    memcpy(tk->merges, m->data, tk->n_merges * sizeof *tk->merges);
    return gm__tokenizer_ready(tk);
}

gm_status gm__tokenizer_restore(gm_ctx *ctx, gm_tensor *const in[GM__TK_TENSORS], gm_tokenizer **out)
{
    static const int types[GM__TK_TENSORS] = { GM_U8, GM_I64, GM_U8, GM_I32, GM_I64 };
    *out = NULL;
    for (int i = 0; i < GM__TK_TENSORS; i++)
        if (in[i]->dtype != types[i] || in[i]->ndim != (i == GM__TK_MERGES ? 2 : 1) || !in[i]->contiguous) return broken(ctx, "a tensor of another type");
    const int64_t *how = gm__i64(in[GM__TK_HOW]);
    if (in[GM__TK_HOW]->size != HOW || how[0] < 0 || how[0] > GM_TOKENIZE_BPE || how[1] < 0 || how[1] > GM__SPLIT_NONE || how[2] < 0 || how[2] > 1)
        return broken(ctx, "another kind than this library knows");
    if (in[GM__TK_MERGES]->shape[1] != 2) return broken(ctx, "merges that are no pairs");
    if (how[0] != GM_TOKENIZE_BPE && in[GM__TK_MERGES]->size) return broken(ctx, "merges for a kind that has none");
    gm_tokenizer *tk = NULL;
    GM__TRY(gm__tokenizer_make(ctx, (int32_t)how[0], (int32_t)how[1], &tk));
    tk->lower = (int32_t)how[2];
    gm_status s = fill(tk, in);
    if (s) gm_tokenizer_free(tk);
    else *out = tk;
    return s == GM_EARG ? GM_EFORMAT : s;
}
