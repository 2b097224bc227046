/* writer.c - text from a language model, token by token: gm_sampler_prompt, _next, _write and their settings. */
#include "models/lm.h"
#include "base/json.h"
#include <math.h>
#include <string.h>

typedef struct writer_cfg {
    uint32_t struct_size;
    uint64_t seed;
    gm__choice choice;
    int64_t max_tokens;
    const char *stop;
} writer_cfg;

#define AT(field) offsetof(writer_cfg, field)
static const gm__opt rows[] = {
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of the stream"},
    {"temperature", GM__O_REAL, AT(choice.temperature), "1", 0, 1e3, NULL, "logits are divided by it; 0: always the likeliest token"},
    {"top-k", GM__O_I64, AT(choice.top_k), "0", 0, 1e9, NULL, "only the k likeliest tokens; 0: all"},
    {"top-p", GM__O_REAL, AT(choice.top_p), "1", 0, 1, NULL, "only the likeliest tokens whose probabilities reach p [Holtzman et al. 2020]"},
    {"min-p", GM__O_REAL, AT(choice.min_p), "0", 0, 1, NULL, "only tokens at least p times as probable as the likeliest"},
    {"typical", GM__O_REAL, AT(choice.typical), "1", 0, 1, NULL, "only tokens nearest to the entropy whose probabilities reach p [Meister et al. 2022]"},
    {"repetition-penalty", GM__O_REAL, AT(choice.repetition), "1", 1e-3, 1e3, NULL, "logits of tokens that occurred are divided (negative: multiplied) by it"},
    {"frequency-penalty", GM__O_REAL, AT(choice.frequency), "0", -100, 100, NULL, "taken from a logit for each time that the token occurred"},
    {"presence-penalty", GM__O_REAL, AT(choice.presence), "0", -100, 100, NULL, "taken from the logit of a token that occurred"},
    {"penalty-window", GM__O_I64, AT(choice.window), "64", 0, 1e9, NULL, "last tokens that penalties look at; 0: all"},
    {"no-repeat-ngram", GM__O_I64, AT(choice.no_repeat), "0", 0, 1e6, NULL, "no sequence of so many tokens comes twice; 0: any"},
    {"stop", GM__O_TEXT, AT(stop), NULL, 0, 0, NULL, "text that ends generation; several are separated by |"},
    {"max-tokens", GM__O_I64, AT(max_tokens), "0", 0, 1e15, NULL, "generation ends after so many tokens since the last prompt; 0: any number"},
};
#undef AT
const gm__opts gm__writer_opts = {"writer", rows, GM__COUNT(rows)};

struct gm__writer {
    gm_ctx *ctx;
    gm_model *m;
    const gm__lm *lm;
    writer_cfg cfg;
    gm__strs strs;
    int64_t vocab;
    gm__ids text;                /* all tokens so far */
    void *reader;                /* of the model's state `changed`, has read text[0 .. seen) */
    size_t seen;
    unsigned long long changed;
    uint64_t drawn;              /* since the stream began: which number comes next */
    int64_t since;               /* drawn since the last prompt */
    bool over;
    gm__buf made;                /* text since the last prompt, of which `out` bytes have been handed out */
    size_t out;
    float *logits, *bias;        /* [vocab]; bias NULL: none */
    gm__candidate *room;
    gm_logits_fn filter; void *filter_user;
};

/* ---- life --------------------------------------------------------------------------------- */

gm_status gm__writer_new(gm_ctx *ctx, gm_model *m, const char *options, gm__writer **out)
{
    gm__writer *w = gm__calloc(ctx, 1, sizeof *w);
    if (!w) return GM_ENOMEM;
    w->ctx = ctx;
    w->m = m;
    w->lm = m->family->lm;
    w->cfg.struct_size = sizeof w->cfg;
    w->strs.ctx = w->text.ctx = ctx;
    gm__buf_init(&w->made, ctx);
    gm_status s = gm__opts_defaults(ctx, &gm__writer_opts, &w->cfg, &w->strs);
    if (!s) s = gm__opts_parse(ctx, &gm__writer_opts, options, &w->cfg, &w->strs, NULL);
    w->vocab = s ? 0 : gm_tokenizer_size(w->lm->tokenizer(m));
    if (!s) w->logits = gm__alloc(ctx, (size_t)w->vocab + 1, sizeof *w->logits);
    if (!s) w->room = gm__alloc(ctx, (size_t)w->vocab + 1, sizeof *w->room);
    if (!s && (!w->logits || !w->room)) s = GM_ENOMEM;
    if (s) gm__writer_free(w);
    else *out = w;
    return s;
}

static void forget(gm__writer *w)
{
    if (w->reader) w->lm->close(w->m, w->ctx, w->reader);
    w->reader = NULL;
    w->seen = 0;
}

void gm__writer_free(gm__writer *w)
{
    if (!w) return;
    forget(w);
    gm__strs_free(&w->strs);
    gm__buf_free(&w->made);
    gm__free(w->ctx, w->text.id);
    gm__free(w->ctx, w->logits);
    gm__free(w->ctx, w->bias);
    gm__free(w->ctx, w->room);
    gm__free(w->ctx, w);
}

/* ---- reading and drawing --------------------------------------------------------------------- */

/* Brings the reader up to the text. After a change of weights it reads all of it again. */
static gm_status catch_up(gm__writer *w)
{
    unsigned long long now = atomic_load(&w->m->changed);
    if (w->reader && w->changed != now) forget(w);
    if (!w->reader) {
        GM__TRY(w->lm->open(w->m, w->ctx, &w->reader));
        w->changed = now;
    }
    if (w->seen == w->text.n) return GM_OK;
    gm_status s = w->lm->read(w->m, w->ctx, w->reader, w->text.id + w->seen, (int64_t)(w->text.n - w->seen));
    if (s) forget(w);
    else w->seen = w->text.n;
    return s;
}

static gm_status draw(gm__writer *w, int64_t *token)
{
    GM__TRY(catch_up(w));
    GM__TRY(w->lm->next(w->m, w->ctx, w->reader, w->logits));
    for (int64_t i = 0; w->bias && i < w->vocab; i++) w->logits[i] += w->bias[i];
    gm__penalise(&w->cfg.choice, w->text.id, (int64_t)w->text.n, w->logits, w->vocab);
    if (w->filter && w->filter(w->logits, w->vocab, w->filter_user)) return gm__fail_ctx(w->ctx, GM_ECANCELED, "canceled by the filter");
    int64_t n = gm__candidates(&w->cfg.choice, w->logits, w->vocab, w->room);
    if (!n) return gm__fail_ctx(w->ctx, GM_ENONFINITE, "gm_sampler_next: no token is left to draw");
    gm__rng r = gm__rng_make(gm__stream_make(w->cfg.seed, GM__R_SAMPLE, 0, w->drawn));
    double u = gm__rng_unit(&r), sum = 0;
    int64_t i = 0;
    while (i < n - 1 && (sum += w->room[i].p) <= u) i++;
    *token = w->room[i].id;
    return GM_OK;
}

/* ---- stops --------------------------------------------------------------------------------------- */

/* Where the earliest stop text begins at or after `from`, else the end. *longest: bytes of the longest one. */
static size_t find_stop(const gm__writer *w, size_t from, size_t *longest)
{
    size_t best = w->made.len;
    *longest = 0;
    for (const char *p = w->cfg.stop; p && *p;) {
        size_t n = strcspn(p, "|");
        if (n > *longest) *longest = n;
        for (size_t i = from; n && i + n <= w->made.len && i < best; i++)
            if (!memcmp(w->made.data + i, p, n)) best = i;
        p += n + (p[n] == '|');
    }
    return best;
}

/* Bytes at the end that may yet become a whole character. */
static size_t unfinished(const char *p, size_t n)
{
    for (size_t back = 1; back < 4 && back <= n; back++) {
        unsigned char c = (unsigned char)p[n - back];
        if (c >= 0xc0) return (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) > back ? back : 0;
        if (c < 0x80) return 0;
    }
    return 0;
}

static gm_status append(gm__writer *w, int64_t token)
{
    size_t n, longest, from;
    const gm_tokenizer *tk = w->lm->tokenizer(w->m);
    gm__ids_put(&w->text, token);
    if (w->text.failed) {
        w->text.failed = false;
        return GM_ENOMEM;
    }
    w->drawn++;
    w->since++;
    if (token == w->lm->end(w->m)) w->over = true;
    else if (!(tk->flags[token] & GM__TOKEN_SPECIAL)) {
        const char *p = gm_tokenizer_token(tk, token, &n);
        bool blank = tk->kind == GM_TOKENIZE_WORD && tk->pattern == GM__SPLIT_SPACE && w->made.len && p[0] != '\n' && w->made.data[w->made.len - 1] != '\n';
        if (blank) gm__buf_text(&w->made, " ");
        gm__buf_put(&w->made, p, n);
        if (w->made.failed) return GM_ENOMEM;
    }
    from = w->out;
    if (w->cfg.stop) {
        size_t at = find_stop(w, from, &longest);
        if (at < w->made.len) w->over = true, w->made.len = at;
    }
    if (w->cfg.max_tokens && w->since >= w->cfg.max_tokens) w->over = true;
    return GM_OK;
}

static gm_status writer_of(gm_sampler *s, gm__writer **w)
{
    if (!gm__is(s, GM__SAMPLER)) return GM_EARG;
    *w = gm__sampler_writer(s);
    return *w ? GM_OK : gm__fail_ctx(gm__sampler_ctx(s), GM_EUNSUPPORTED, "this sampler's model does not write text");
}

gm_status gm_sampler_prompt(gm_sampler *s, const void *text, size_t n)
{
    gm__writer *w;
    GM__TRY(writer_of(s, &w));
    if (n && !text) return gm__fail_ctx(w->ctx, GM_EARG, "gm_sampler_prompt: text is NULL");
    size_t known = w->text.n;
    gm__lm_given given;
    gm_status st = gm__lm_encode(w->m, w->ctx, text, n, false, &w->text, &given);
    if (!st && w->text.failed) st = GM_ENOMEM;
    if (st) {
        w->text.n = known;
        w->text.failed = false;
        return st;
    }
    w->since = 0;
    w->over = false;
    w->made.len = w->out = 0;
    return GM_OK;
}

static gm_status one(gm__writer *w, int64_t *token)
{
    if (w->over) return GM_END;
    GM__TRY(gm__check_cancel(w->ctx));
    GM__TRY(gm__model_begin_use(w->m, w->ctx));
    gm_status s = draw(w, token);
    if (!s) s = append(w, *token);
    gm__model_end_use(w->m);
    return s;
}

gm_status gm_sampler_next(gm_sampler *s, int64_t *token)
{
    gm__writer *w;
    GM__TRY(writer_of(s, &w));
    if (!token) return gm__fail_ctx(w->ctx, GM_EARG, "gm_sampler_next: token is NULL");
    *token = -1;
    return one(w, token);
}

/* Hands out what is sure to stay: no beginning of a stop text, no part of a character; at the end all. */
static gm_status hand_out(gm__writer *w, bool all, gm_text_fn fn, void *user)
{
    size_t n = w->made.len - w->out, longest = 0;
    if (!n) return GM_OK;
    if (!all) {
        find_stop(w, w->made.len, &longest);
        size_t held = longest ? longest - 1 : 0, part = unfinished(w->made.data + w->out, n);
        if (part > held) held = part;
        n = n > held ? n - held : 0;
        n -= n ? unfinished(w->made.data + w->out, n) : 0;
    }
    const char *p = w->made.data + w->out;
    w->out += n;
    return n && fn(p, n, user) ? gm__fail_ctx(w->ctx, GM_ECANCELED, "canceled by the callback") : GM_OK;
}

gm_status gm_sampler_write(gm_sampler *s, int64_t tokens, gm_text_fn fn, void *user, int64_t *done)
{
    gm__writer *w;
    int64_t n = 0, token;
    if (done) *done = 0;
    GM__TRY(writer_of(s, &w));
    if (!fn) return gm__fail_ctx(w->ctx, GM_EARG, "gm_sampler_write: fn is NULL");
    gm_status st = GM_OK;
    while (n < tokens && !(st = one(w, &token))) {
        n++;
        if ((st = hand_out(w, w->over, fn, user))) break;
    }
    if (done) *done = n;
    gm_status rest = !st || st == GM_END ? hand_out(w, w->over, fn, user) : GM_OK;
    return rest ? rest : st;
}

gm_status gm_sampler_reset(gm_sampler *s)
{
    gm__writer *w;
    GM__TRY(writer_of(s, &w));
    forget(w);
    w->text.n = 0;
    w->since = 0;
    w->over = false;
    w->made.len = w->out = 0;
    return GM_OK;
}

gm_status gm_sampler_bias(gm_sampler *s, int64_t token, double bias)
{
    gm__writer *w;
    GM__TRY(writer_of(s, &w));
    if (token < 0 || token >= w->vocab) return gm__fail_ctx(w->ctx, GM_EARG, "gm_sampler_bias: token %lld; there are %lld", (long long)token, (long long)w->vocab);
    if (isnan(bias) || bias == INFINITY) return gm__fail_ctx(w->ctx, GM_EARG, "gm_sampler_bias: the bias is %g", bias);
    if (!w->bias) w->bias = gm__calloc(w->ctx, (size_t)w->vocab, sizeof *w->bias);
    if (!w->bias) return GM_ENOMEM;
    w->bias[token] = (float)bias;
    return GM_OK;
}

gm_status gm_sampler_filter(gm_sampler *s, gm_logits_fn fn, void *user)
{
    gm__writer *w;
    GM__TRY(writer_of(s, &w));
    w->filter = fn;
    w->filter_user = user;
    return GM_OK;
}

/* ---- state: what has been read and written; settings stay the sampler's own ------------------------- */

enum { HEAD = 64 }; /* magic, over; drawn, since, tokens, bytes made, bytes out, vocabulary; then tokens, bytes, checksum */
static const char magic[8] = "gmwrite1";

gm_status gm__writer_save(const gm__writer *w, void *out, size_t *size)
{
    size_t room = *size, need = HEAD + 8 * w->text.n + w->made.len + 8;
    *size = need;
    if (!out) return GM_OK;
    if (room < need) return gm__fail_ctx(w->ctx, GM_ELIMIT, "gm_sampler_state_save: %zu bytes needed, room for %zu", need, room);
    uint8_t *p = out;
    uint64_t head[7] = { w->over, w->drawn, (uint64_t)w->since, w->text.n, w->made.len, w->out, (uint64_t)w->vocab };
    memcpy(p, magic, 8);
    for (int i = 0; i < 7; i++) gm__put64(p + 8 + 8 * i, head[i]);
    p += HEAD;
    for (size_t i = 0; i < w->text.n; i++, p += 8) gm__put64(p, (uint64_t)w->text.id[i]);
    if (w->made.len) memcpy(p, w->made.data, w->made.len);
    p += w->made.len;
    gm__put64(p, gm__crc64(0, out, need - 8));
    return GM_OK;
}

gm_status gm__writer_load(gm__writer *w, const void *in, size_t size)
{
    const uint8_t *p = in;
    uint64_t head[7];
    if (size < HEAD + 8 || memcmp(p, magic, 8) || gm__get64(p + size - 8) != gm__crc64(0, in, size - 8))
        return gm__fail_ctx(w->ctx, GM_EFORMAT, "gm_sampler_state_load: not the state of a sampler that writes text");
    for (int i = 0; i < 7; i++) head[i] = gm__get64(p + 8 + 8 * i);
    size_t rest = size - HEAD - 8;
    if (head[3] > rest / 8 || head[4] != rest - 8 * head[3] || head[5] > head[4]) return gm__fail_ctx(w->ctx, GM_EFORMAT, "gm_sampler_state_load: damaged state");
    if (head[6] != (uint64_t)w->vocab) return gm__fail_ctx(w->ctx, GM_EARG, "gm_sampler_state_load: the state of a sampler of another model");
    for (size_t i = 0; i < head[3]; i++)
        if (gm__get64(p + HEAD + 8 * i) >= (uint64_t)w->vocab) return gm__fail_ctx(w->ctx, GM_EFORMAT, "gm_sampler_state_load: damaged state");
    gm__ids text = { .ctx = w->ctx };
    gm__buf made;
    gm__buf_init(&made, w->ctx);
    for (size_t i = 0; i < head[3]; i++) gm__ids_put(&text, (int64_t)gm__get64(p + HEAD + 8 * i));
    gm__buf_put(&made, p + HEAD + 8 * head[3], (size_t)head[4]);
    if (text.failed || made.failed) {
        gm__free(w->ctx, text.id);
        gm__buf_free(&made);
        return GM_ENOMEM;
    }
    forget(w);
    gm__free(w->ctx, w->text.id);
    gm__buf_free(&w->made);
    w->text = text;
    w->made = made;
    w->over = head[0] != 0, w->drawn = head[1], w->since = (int64_t)head[2], w->out = (size_t)head[5];
    return GM_OK;
}
