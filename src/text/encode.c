/* encode.c - text to tokens and back. */
#include "text/text.h"
#include "base/json.h"
#include <string.h>

size_t gm__piece(const gm_tokenizer *tk, const uint8_t *p, size_t n, gm__buf *room, const uint8_t **piece, size_t *n_piece)
{
    size_t len;
    if (tk->kind == GM_TOKENIZE_CHAR) gm__utf8_code(p, n, &len);
    else len = gm__split(tk->pattern, p, n);
    *piece = p;
    *n_piece = len;
    if (tk->kind == GM_TOKENIZE_WORD && tk->pattern == GM__SPLIT_SPACE && p[0] != '\n' && (p[0] <= ' ' || p[0] >= 0x7f)) {
        size_t l;
        if (gm__is_space(gm__utf8_code(p, n, &l))) *n_piece = 0;
    }
    if (!tk->lower || !*n_piece) return len;
    room->len = 0;
    gm__buf_put(room, p, len);
    for (size_t i = 0; !room->failed && i < len; i++)
        if (room->data[i] >= 'A' && room->data[i] <= 'Z') room->data[i] = (char)(room->data[i] + 32);
    *piece = (const uint8_t *)room->data;
    return len;
}

gm_status gm__bad_utf8(gm_ctx *ctx, const uint8_t *p, size_t at)
{
    return gm__fail_ctx(ctx, GM_EFORMAT, "tokenizer: the byte 0x%x at %zu is not UTF-8 (kind=byte takes all)", (unsigned)p[at], at);
}

/* ---- text to tokens -------------------------------------------------------------------------- */

static gm_status unknown(const gm_tokenizer *tk, gm_ctx *ctx, const uint8_t *text, size_t at, size_t n, gm__ids *v)
{
    if (tk->unknown >= 0) gm__ids_put(v, tk->unknown);
    else return gm__fail_ctx(ctx, GM_EARG, "tokenizer: no token for '%.*s' at byte %zu", (int)(n < 40 ? n : 40), (const char *)text + at, at);
    return GM_OK;
}

/* Text without special tokens. */
static gm_status plain(const gm_tokenizer *tk, gm_ctx *ctx, const uint8_t *text, size_t from, size_t end, gm__buf *room, gm__ids *v)
{
    for (size_t at = from, len; at < end && !v->failed; at += len) {
        const uint8_t *piece;
        size_t n_piece;
        if (tk->kind == GM_TOKENIZE_BYTE) {
            gm__ids_put(v, tk->byte_token[text[at]]);
            len = 1;
        } else if (tk->kind == GM_TOKENIZE_BPE) {
            len = gm__split(tk->pattern, text + at, end - at);
            GM__TRY(gm__bpe_piece(tk, ctx, text + at, len, v));
        } else {
            len = gm__piece(tk, text + at, end - at, room, &piece, &n_piece);
            if (room->failed) return GM_ENOMEM;
            int64_t id = n_piece ? gm__vocab_find(&tk->vocab, piece, n_piece) : 0;
            if (id >= 0 && n_piece && tk->flags[id] & GM__TOKEN_SPECIAL) id = -1;
            if (!n_piece) continue;
            if (id >= 0) gm__ids_put(v, id);
            else if (tk->kind == GM_TOKENIZE_CHAR && tk->unknown < 0 && !gm__utf8_length(text + at, end - at)) return gm__bad_utf8(ctx, text, at);
            else GM__TRY(unknown(tk, ctx, text, at, len, v));
        }
    }
    return v->failed ? GM_ENOMEM : GM_OK;
}

/* The longest special token that stands at p; -1: none. */
static int64_t special_at(const gm_tokenizer *tk, const uint8_t *p, size_t n, size_t *len)
{
    for (*len = n < tk->longest ? n : tk->longest; *len; --*len) {
        int64_t id = gm__vocab_find(&tk->vocab, p, *len);
        if (id >= 0 && tk->flags[id] & GM__TOKEN_SPECIAL) return id;
    }
    return -1;
}

gm_status gm__tokenizer_run(const gm_tokenizer *tk, gm_ctx *ctx, const uint8_t *text, size_t n, uint32_t flags, gm__ids *v)
{
    gm__buf room;
    size_t from = 0, len;
    gm_status s = GM_OK;
    gm__buf_init(&room, ctx);
    for (size_t at = 0; flags & GM_ENCODE_SPECIAL && tk->longest && !s && at < n;) {
        int64_t id = special_at(tk, text + at, n - at, &len);
        if (id < 0) {
            at++;
            continue;
        }
        s = plain(tk, ctx, text, from, at, &room, v);
        gm__ids_put(v, id);
        at = from = at + len;
    }
    if (!s) s = plain(tk, ctx, text, from, n, &room, v);
    gm__buf_free(&room);
    return !s && v->failed ? GM_ENOMEM : s;
}

gm_status gm_tokenizer_encode(gm_tokenizer *tk, const void *text, size_t n, uint32_t flags, gm_tensor **out)
{
    if (out) *out = NULL;
    if (!gm__is(tk, GM__TOKENIZER) || !out) return GM_EARG;
    if (n && !text) return gm__fail_ctx(tk->ctx, GM_EARG, "gm_tokenizer_encode: text is NULL");
    gm__ids v = { .ctx = tk->ctx };
    gm_status s = gm__tokenizer_run(tk, tk->ctx, text, n, flags, &v);
    if (!s) s = gm_tensor_new(tk->ctx, GM_I64, 1, (int64_t[]){ (int64_t)v.n }, out);
    if (!s && v.n) memcpy((*out)->data, v.id, v.n * sizeof *v.id);
    gm__free(tk->ctx, v.id);
    return s;
}

/* ---- tokens to text ---------------------------------------------------------------------------- */

gm_status gm_tokenizer_decode(gm_tokenizer *tk, const gm_tensor *tokens, uint32_t flags, char *out, size_t cap, size_t *size)
{
    if (!gm__is(tk, GM__TOKENIZER) || !size) return GM_EARG;
    *size = 0;
    if (!gm__is(tokens, GM__TENSOR)) return gm__fail_ctx(tk->ctx, GM_EARG, "gm_tokenizer_decode: tokens is not a tensor");
    if (tokens->dtype != GM_I64 || !tokens->contiguous) return gm__fail_ctx(tk->ctx, GM_EDTYPE, "gm_tokenizer_decode: tokens must be i64, contiguous");
    const int64_t *id = gm__i64(tokens);
    bool blanks = tk->kind == GM_TOKENIZE_WORD && tk->pattern == GM__SPLIT_SPACE, open = false;
    size_t at = 0;
    for (int64_t i = 0; i < tokens->size; i++) {
        if (id[i] < 0 || (size_t)id[i] >= tk->vocab.n) return gm__fail_ctx(tk->ctx, GM_EARG, "gm_tokenizer_decode: no token %lld", (long long)id[i]);
        if (tk->flags[id[i]] & GM__TOKEN_SPECIAL && !(flags & GM_ENCODE_SPECIAL)) continue;
        const uint8_t *p = gm__vocab_bytes(&tk->vocab, (size_t)id[i]);
        size_t n = gm__vocab_size(&tk->vocab, (size_t)id[i]);
        bool word = blanks && p[0] != '\n';
        if (word && open && at++ < cap && out) out[at - 1] = ' ';
        if (out && at < cap) memcpy(out + at, p, n < cap - at ? n : cap - at);
        at += n;
        open = word;
    }
    *size = at;
    return GM_OK;
}

