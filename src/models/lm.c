/* lm.c - language models: texts of data sets, scoring, measures, beam search. */
#include "models/lm.h"
#include "base/json.h"
#include <math.h>
#include <string.h>

gm_status gm__lm_able(gm_ctx *ctx, const gm_model *m, const char *verb)
{
    GM__TRY(gm__model_able(ctx, m, verb, m->family->lm && gm_model_can(m) & GM_CAN_GENERATE));
    return m->n_tensors && m->family->lm->tokenizer(m) ? GM_OK : gm__fail_ctx(ctx, GM_ESTATE, "%s: no weights yet: fit the model first", m->family->name);
}

/* ---- texts ----------------------------------------------------------------------------- */

bool gm__lm_lines(const gm_dataset *d) { return d->n_columns && d->column[0].offset != NULL; }

bool gm__lm_reads_lines(const gm_dataset *d)
{
    const gm__column *c = d->column;
    return gm__lm_lines(d) && (c->symbols || (c->dtype == GM_U8 && c->ndim == 1));
}

gm_status gm__lm_texts(gm_ctx *ctx, const char *who, const gm_dataset *d, gm__text_of *fn, void *user)
{
    size_t n = 0;
    const uint8_t *all = gm__dataset_bytes(d, &n);
    if (all) return fn(user, all, n);
    if (!gm__lm_reads_lines(d))
        return gm__fail_ctx(ctx, GM_EARG, "%s: a language model reads text:FILE or lines:FILE", who);
    for (uint64_t r = 0; r < gm_dataset_rows(d); r++) {
        const char *p;
        gm__ragged_row(&d->column[0], gm__dataset_origin(d, r), &p, &n);
        GM__TRY(fn(user, (const uint8_t *)p, n));
    }
    return GM_OK;
}

gm_status gm__lm_encode(gm_model *m, gm_ctx *ctx, const uint8_t *text, size_t n, bool whole, gm__ids *v, gm__lm_given *given)
{
    *given = (gm__lm_given){ 0 };
    return m->family->text ? m->family->text(m, ctx, text, n, whole, v, given) : gm__tokenizer_run(m->family->lm->tokenizer(m), ctx, text, n, 0, v);
}

/* Texts are scored many at a time: families whose tables or weights lie far away read them side by side.
 * given: how many tokens of each are not told. */
typedef struct measuring { gm_model *m; gm__ids ids, start, given; float *log_p; size_t cap; gm__lm_sums *sums; } measuring;
enum { TOGETHER = 8192 }; /* tokens, about */

static gm_status score_each(gm_model *m, const int64_t *id, const int64_t *start, int64_t texts, float *log_p)
{
    const gm__lm *lm = m->family->lm;
    if (lm->scores) return lm->scores(m, m->ctx, id, start, texts, log_p);
    for (int64_t i = 0; i < texts; i++) GM__TRY(lm->score(m, m->ctx, id + start[i], start[i + 1] - start[i], log_p + start[i]));
    return GM_OK;
}

static void sum_up(measuring *j, int64_t texts)
{
    for (int64_t k = 0; k < texts; k++) {
        const int64_t first = j->start.id[k] + j->given.id[k], last = j->start.id[k + 1];
        for (int64_t i = first; i < last; i++) {
            j->sums->log_p += (double)j->log_p[i];
            j->sums->squares += (double)j->log_p[i] * (double)j->log_p[i];
        }
        j->sums->tokens += (uint64_t)(last - first);
    }
    j->sums->texts += (uint64_t)texts;
}

static gm_status measure_gathered(measuring *j)
{
    const int64_t texts = (int64_t)j->start.n;
    gm__ids_put(&j->start, (int64_t)j->ids.n);
    if (j->ids.failed || j->start.failed || j->given.failed) return GM_ENOMEM;
    GM__TRY(gm__check_cancel(j->m->ctx));
    if (j->ids.n > j->cap) {
        gm__free(j->m->ctx, j->log_p);
        j->cap = j->ids.cap;
        j->log_p = gm__alloc(j->m->ctx, j->cap, sizeof *j->log_p);
        if (!j->log_p) {
            j->cap = 0;
            return GM_ENOMEM;
        }
    }
    GM__TRY(score_each(j->m, j->ids.id, j->start.id, texts, j->log_p));
    sum_up(j, texts);
    j->ids.n = j->start.n = j->given.n = 0;
    return GM_OK;
}

static gm_status measure_text(void *user, const uint8_t *text, size_t n)
{
    measuring *j = user;
    gm_model *m = j->m;
    const gm__lm *lm = m->family->lm;
    gm__lm_given given;
    gm__ids_put(&j->start, (int64_t)j->ids.n);
    GM__TRY(gm__lm_encode(m, m->ctx, text, n, true, &j->ids, &given));
    gm__ids_put(&j->given, (int64_t)given.tokens);
    if (lm->end(m) >= 0) gm__ids_put(&j->ids, lm->end(m)); /* a text ends somewhere, and that is to be foreseen, too */
    for (size_t i = given.bytes, len; i < n; i += len, j->sums->characters++) {
        len = 1;
        if (text[i] >= 0x80) gm__utf8_code(text + i, n - i, &len);
    }
    j->sums->characters += lm->end(m) >= 0; /* the line's end */
    return j->ids.n < TOGETHER ? GM_OK : measure_gathered(j);
}

gm_status gm__lm_measure(gm_model *m, gm_dataset *d, gm__lm_sums *out)
{
    measuring j = { .m = m, .ids = { .ctx = m->ctx }, .start = { .ctx = m->ctx }, .given = { .ctx = m->ctx }, .sums = out };
    *out = (gm__lm_sums){ 0 };
    gm_status s = gm__lm_texts(m->ctx, "eval", d, measure_text, &j);
    if (!s) s = measure_gathered(&j);
    gm__free(m->ctx, j.ids.id);
    gm__free(m->ctx, j.start.id);
    gm__free(m->ctx, j.given.id);
    gm__free(m->ctx, j.log_p);
    return s;
}

/* ---- gm_eval -------------------------------------------------------------------------------- */

static void fill(gm_measure *out, const char *name, const char *unit, double value, double error, const gm__lm_sums *s)
{
    *out = (gm_measure){ .value = value, .error = error, .rows = s->tokens };
    gm__format(out->name, sizeof out->name, "%s", name);
    gm__format(out->unit, sizeof out->unit, "%s", unit);
    gm__format(out->note, sizeof out->note, "n=%llu tokens, %llu characters, %llu texts", (unsigned long long)s->tokens, (unsigned long long)s->characters, (unsigned long long)s->texts);
}

gm_status gm__lm_eval(gm_model *m, gm_dataset *d, const gm__eval_cfg *c, gm_measure *out, int32_t cap, int32_t *n)
{
    gm__lm_sums s;
    const char *p = c->metric && *c->metric ? c->metric : "nats_per_token,perplexity,bits_per_char";
    GM__TRY(gm__lm_able(m->ctx, m, "be measured"));
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status st = gm__lm_measure(m, d, &s);
    gm__model_end_use(m);
    if (st) return st;
    if (!s.tokens) return gm__fail_ctx(m->ctx, GM_EARG, "eval: the data have no tokens");
    double count = (double)s.tokens, mean = -s.log_p / count, error = sqrt(fmax(s.squares / count - mean * mean, 0) / count);
    for (int32_t i = 0;; i++, p++) {
        size_t len = strcspn(p, ",");
        if (i == cap) return gm__fail_ctx(m->ctx, GM_ELIMIT, "eval: more metrics asked for than the %d there is room for", cap);
        if (gm__ieq("nats_per_token", p, len)) fill(&out[i], "nats_per_token", "nats/token", mean, error, &s);
        else if (gm__ieq("perplexity", p, len)) fill(&out[i], "perplexity", "", exp(mean), exp(mean) * error, &s);
        else if (gm__ieq("bits_per_char", p, len)) fill(&out[i], "bits_per_char", "bits/char", -s.log_p / log(2) / (double)s.characters, error * count / log(2) / (double)s.characters, &s);
        else return gm__fail_ctx(m->ctx, GM_EARG, "eval: %s has no metric '%.*s'; it has nats_per_token, perplexity, bits_per_char", m->family->name, len > 40 ? 40 : (int)len, p);
        p += len;
        *n = i + 1;
        if (!*p) return GM_OK;
    }
}

/* ---- the public calls ---------------------------------------------------------------------- */

gm_tokenizer *gm_lm_tokenizer(const gm_model *m) { return gm__is(m, GM__MODEL) && m->family->lm ? m->family->lm->tokenizer(m) : NULL; }
int64_t gm_lm_context(const gm_model *m) { return gm__is(m, GM__MODEL) && m->family->lm ? m->family->lm->context(m) : -1; }

int64_t gm_lm_end(const gm_model *m) { return gm__is(m, GM__MODEL) && m->family->lm ? m->family->lm->end(m) : -1; }

gm_status gm_lm_set_tokenizer(gm_model *m, gm_tokenizer *tk)
{
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (!gm__is(tk, GM__TOKENIZER)) return gm__fail_ctx(m->ctx, GM_EARG, "gm_lm_set_tokenizer: tk is not a tokenizer");
    if (!m->family->lm || !m->family->lm->set_tokenizer) return gm__fail_ctx(m->ctx, GM_EUNSUPPORTED, "%s: no model that reads text", m->family->name);
    if (m->n_tensors) return gm__fail_ctx(m->ctx, GM_ESTATE, "gm_lm_set_tokenizer: the model has weights");
    return m->family->lm->set_tokenizer(m, tk);
}

/* Tokens [n] of the model's vocabulary; *id is their memory. */
gm_status gm__lm_tokens(gm_model *m, const char *who, gm_tensor *tokens, const int64_t **id)
{
    if (!gm__is(tokens, GM__TENSOR)) return gm__fail_ctx(m->ctx, GM_EARG, "%s: tokens is not a tensor", who);
    if (tokens->dtype != GM_I64 || tokens->ndim != 1 || !tokens->contiguous) return gm__fail_ctx(m->ctx, GM_EDTYPE, "%s: tokens must be i64 [T], contiguous", who);
    int64_t vocab = gm_tokenizer_size(m->family->lm->tokenizer(m));
    *id = gm__i64(tokens);
    for (int64_t i = 0; i < tokens->size; i++)
        if ((*id)[i] < 0 || (*id)[i] >= vocab) return gm__fail_ctx(m->ctx, GM_EARG, "%s: token %lld; there are %lld", who, (long long)(*id)[i], (long long)vocab);
    return GM_OK;
}

void gm__log_normalise(float *logits, int64_t n)
{
    double sum = 0;
    float top = -INFINITY;
    for (int64_t i = 0; i < n; i++) top = logits[i] > top ? logits[i] : top;
    for (int64_t i = 0; i < n; i++) sum += exp((double)logits[i] - (double)top);
    for (int64_t i = 0; i < n; i++) logits[i] = (float)((double)logits[i] - (double)top - log(sum));
}

gm_status gm__lm_first(gm_model *m, gm_ctx *ctx, int64_t vocab, int64_t id, float *log_p)
{
    const gm__lm *lm = m->family->lm;
    void *reader = NULL;
    float *logits = gm__alloc(ctx, (size_t)vocab, sizeof *logits);
    gm_status s = logits ? lm->open(m, ctx, &reader) : GM_ENOMEM;
    if (!s) s = lm->next(m, ctx, reader, logits);
    if (!s) gm__log_normalise(logits, vocab), *log_p = logits[id];
    if (reader) lm->close(m, ctx, reader);
    gm__free(ctx, logits);
    return s;
}

static gm_status next(gm_model *m, const int64_t *id, int64_t n, float *out)
{
    const gm__lm *lm = m->family->lm;
    void *reader = NULL;
    gm_status s = lm->open(m, m->ctx, &reader);
    if (!s) s = lm->read(m, m->ctx, reader, id, n);
    if (!s) s = lm->next(m, m->ctx, reader, out);
    if (reader) lm->close(m, m->ctx, reader);
    return s;
}

gm_status gm_lm_next(gm_model *m, gm_tensor *tokens, gm_tensor **out)
{
    const int64_t *id;
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    GM__TRY(gm__lm_able(m->ctx, m, "tell the next token"));
    GM__TRY(gm__lm_tokens(m, "gm_lm_next", tokens, &id));
    GM__TRY(gm__model_begin_use(m, m->ctx));
    int64_t vocab = gm_tokenizer_size(m->family->lm->tokenizer(m));
    gm_tensor *y = NULL;
    gm_status s = gm_tensor_new(m->ctx, GM_F32, 1, &vocab, &y);
    if (!s) s = next(m, id, tokens->size, gm__f32(y));
    gm__model_end_use(m);
    if (s) gm_tensor_free(y);
    else gm__log_normalise(gm__f32(y), vocab), *out = y;
    return s;
}

gm_status gm_lm_log_prob(gm_model *m, gm_tensor *tokens, gm_tensor **out)
{
    const int64_t *id;
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    GM__TRY(gm__lm_able(m->ctx, m, "score text"));
    GM__TRY(gm__lm_tokens(m, "gm_lm_log_prob", tokens, &id));
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_tensor *y = NULL;
    gm_status s = gm_tensor_new(m->ctx, GM_F32, 1, tokens->shape, &y);
    if (!s) s = m->family->lm->score(m, m->ctx, id, tokens->size, gm__f32(y));
    gm__model_end_use(m);
    if (s) gm_tensor_free(y);
    else *out = y;
    return s;
}
