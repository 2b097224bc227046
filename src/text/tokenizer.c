/* tokenizer.c - life of a tokenizer, and its vocabulary from text. */
#include "text/text.h"
#include <string.h>

/* ---- life ------------------------------------------------------------------------------ */

gm_status gm__tokenizer_make(gm_ctx *ctx, int32_t kind, int32_t pattern, gm_tokenizer **out)
{
    gm_tokenizer *tk = gm__calloc(ctx, 1, sizeof *tk);
    if (!tk) return GM_ENOMEM;
    tk->h.magic = GM__TOKENIZER;
    atomic_init(&tk->h.refs, 1);
    tk->ctx = ctx;
    tk->kind = kind;
    tk->pattern = pattern;
    tk->unknown = -1;
    gm__vocab_init(&tk->vocab, ctx);
    gm__retain(ctx);
    *out = tk;
    return GM_OK;
}

void gm_tokenizer_free(gm_tokenizer *tk)
{
    if (!gm__is(tk, GM__TOKENIZER) || !gm__release(tk)) return;
    gm_ctx *ctx = tk->ctx;
    gm__vocab_free(&tk->vocab);
    gm__free(ctx, tk->flags);
    gm__free(ctx, tk->merges);
    gm__free(ctx, tk->merged);
    gm__free(ctx, tk->merge_slot);
    tk->h.magic = GM__DEAD;
    gm__free(ctx, tk);
    gm_ctx_free(ctx);
}

/* Flags for the tokens that have none yet: 0. */
static gm_status grow_flags(gm_tokenizer *tk)
{
    uint8_t *more = gm__realloc(tk->ctx, tk->flags, tk->vocab.n + 1, 1);
    if (!more) return GM_ENOMEM;
    tk->flags = more;
    memset(more + tk->n_flags, 0, tk->vocab.n - tk->n_flags);
    tk->n_flags = tk->vocab.n;
    return GM_OK;
}

gm_status gm__tokenizer_special(gm_tokenizer *tk, const char *name, size_t n, uint8_t flags)
{
    int64_t id;
    size_t known = tk->vocab.n;
    if (!n) return gm__fail_ctx(tk->ctx, GM_EARG, "tokenizer: a special token without a name");
    GM__TRY(gm__vocab_add(&tk->vocab, name, n, &id));
    if (tk->vocab.n == known) return gm__fail_ctx(tk->ctx, GM_EARG, "tokenizer: the token '%.*s' twice", (int)(n < 64 ? n : 64), name);
    GM__TRY(grow_flags(tk));
    tk->flags[id] = flags;
    return GM_OK;
}

gm_status gm__tokenizer_ready(gm_tokenizer *tk)
{
    GM__TRY(grow_flags(tk));
    tk->longest = 0;
    for (size_t i = 0; i < tk->vocab.n; i++) {
        if (!(tk->flags[i] & GM__TOKEN_SPECIAL)) continue;
        if (gm__vocab_size(&tk->vocab, i) > tk->longest) tk->longest = gm__vocab_size(&tk->vocab, i);
        if (tk->flags[i] & GM__TOKEN_UNKNOWN) tk->unknown = (int64_t)i;
    }
    for (int b = 0; b < 256; b++) {
        int64_t id = gm__vocab_find(&tk->vocab, &(uint8_t){ (uint8_t)b }, 1);
        tk->byte_token[b] = id >= 0 && !(tk->flags[id] & GM__TOKEN_SPECIAL) ? (int32_t)id : -1;
        if (tk->kind != GM_TOKENIZE_BPE && tk->kind != GM_TOKENIZE_BYTE) continue;
        if (tk->byte_token[b] < 0) return gm__fail_ctx(tk->ctx, GM_EFORMAT, "tokenizer: no token for byte %d", b);
    }
    return tk->kind == GM_TOKENIZE_BPE ? gm__merges_ready(tk) : GM_OK;
}

/* ---- a vocabulary from text --------------------------------------------------------------- */

typedef struct train_cfg {
    uint32_t struct_size;
    int32_t kind, pattern, lower, unknown;
    int64_t vocab, min_count;
    const char *special;
} train_cfg;

#define AT(field) offsetof(train_cfg, field)
static const gm__opt rows[] = {
    {"kind", GM__O_CHOICE, AT(kind), "byte", 0, 0, "byte|char|word|bpe", "what a token is"},
    {"vocab", GM__O_I64, AT(vocab), "0", 0, 1 << 24, NULL, "most tokens, special ones included; 0: all (bpe: 1000)"},
    {"min-count", GM__O_I64, AT(min_count), "1", 1, 1e15, NULL, "char, word, bpe: what is rarer gets no token"},
    {"special", GM__O_TEXT, AT(special), NULL, 0, 0, NULL, "names of special tokens, separated by commas; they come first"},
    {"unk", GM__O_FLAG, AT(unknown), "off", 0, 0, NULL, "char, word: a token <unk> for what is not known; else that is refused"},
    {"lower", GM__O_FLAG, AT(lower), "off", 0, 0, NULL, "word: A to Z become a to z"},
    {"pattern", GM__O_CHOICE, AT(pattern), "gpt2", 0, 0, "gpt2|space|none", "word, bpe: how text is cut into pieces; space: at blanks, which are lost"},
};
#undef AT
static const gm__opts options_ = {"tokenizer", rows, GM__COUNT(rows)};

static gm_status specials(gm_tokenizer *tk, const train_cfg *c)
{
    for (const char *p = c->special; p && *p;) {
        size_t n = strcspn(p, ",");
        GM__TRY(gm__tokenizer_special(tk, p, n, GM__TOKEN_SPECIAL));
        p += n + (p[n] == ',');
    }
    bool unknown = c->unknown && (c->kind == GM_TOKENIZE_CHAR || c->kind == GM_TOKENIZE_WORD);
    return unknown ? gm__tokenizer_special(tk, "<unk>", 5, GM__TOKEN_SPECIAL | GM__TOKEN_UNKNOWN) : GM_OK;
}

/* A token for each byte: as it is, for bpe in GPT-2's order. */
static gm_status bytes(gm_tokenizer *tk)
{
    uint8_t order[256];
    for (int b = 0; b < 256; b++) order[b] = (uint8_t)b;
    if (tk->kind == GM_TOKENIZE_BPE) gm__gpt2_order(order);
    for (int i = 0; i < 256; i++) {
        int64_t id;
        GM__TRY(gm__vocab_add(&tk->vocab, order + i, 1, &id));
        tk->byte_token[order[i]] = (int32_t)id;
    }
    return GM_OK;
}

static gm_status train(gm_tokenizer *tk, const train_cfg *c, const uint8_t *text, size_t n)
{
    tk->lower = c->lower && c->kind == GM_TOKENIZE_WORD;
    GM__TRY(specials(tk, c));
    if (c->kind == GM_TOKENIZE_BYTE || c->kind == GM_TOKENIZE_BPE) GM__TRY(bytes(tk));
    if (c->vocab && (int64_t)tk->vocab.n > c->vocab) /* byte, bpe: 256 and the special ones */
        return gm__fail_ctx(tk->ctx, GM_EARG, "tokenizer: vocab=%lld is less than the %zu tokens there must be", (long long)c->vocab, tk->vocab.n);
    if (c->kind == GM_TOKENIZE_CHAR || c->kind == GM_TOKENIZE_WORD) GM__TRY(gm__tokenizer_count(tk, text, n, c->vocab, c->min_count));
    if (c->kind == GM_TOKENIZE_BPE) GM__TRY(gm__bpe_train(tk, text, n, c->vocab ? c->vocab : 1000, c->min_count));
    return gm__tokenizer_ready(tk);
}

gm_status gm_tokenizer_train(gm_ctx *ctx, const char *options, const void *text, size_t n, gm_tokenizer **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    if (n && !text) return gm__fail_ctx(ctx, GM_EARG, "gm_tokenizer_train: text is NULL");
    train_cfg c = { .struct_size = sizeof c };
    gm__strs strs = { .ctx = ctx };
    gm_tokenizer *tk = NULL;
    gm_status s = gm__opts_defaults(ctx, &options_, &c, &strs);
    if (!s) s = gm__opts_parse(ctx, &options_, options, &c, &strs, NULL);
    if (!s) s = gm__tokenizer_make(ctx, c.kind, c.pattern, &tk);
    if (!s) s = train(tk, &c, text, n);
    gm__strs_free(&strs);
    if (s) gm_tokenizer_free(tk);
    else *out = tk;
    return s;
}

/* ---- getters ---------------------------------------------------------------------------- */

int32_t gm_tokenizer_kind(const gm_tokenizer *tk) { return gm__is(tk, GM__TOKENIZER) ? tk->kind : -1; }
int64_t gm_tokenizer_size(const gm_tokenizer *tk) { return gm__is(tk, GM__TOKENIZER) ? (int64_t)tk->vocab.n : 0; }

const char *gm_tokenizer_token(const gm_tokenizer *tk, int64_t i, size_t *n)
{
    if (n) *n = 0;
    if (!gm__is(tk, GM__TOKENIZER) || i < 0 || (size_t)i >= tk->vocab.n) return NULL;
    if (n) *n = gm__vocab_size(&tk->vocab, (size_t)i);
    return (const char *)gm__vocab_bytes(&tk->vocab, (size_t)i);
}

int64_t gm_tokenizer_find(const gm_tokenizer *tk, const void *bytes, size_t n)
{
    return gm__is(tk, GM__TOKENIZER) && bytes ? gm__vocab_find(&tk->vocab, bytes, n) : -1;
}
