/* ngram.c - the family: counting in one step of training, texts by a walk through the tables, its tensors. */
#include "models/ngram/ngram.h"
#include "models/trainer.h"
#include <math.h>
#include <string.h>

typedef struct state {
    gm__ngram g;                 /* its arrays are the tensors' memory */
    gm_tokenizer *tk;
    /* for scoring, on the model's own context: made once as many tokens were scored as it takes to be worth it */
    gm__ngram_index *index;
    unsigned long long index_of; /* m->changed when it was made */
    int64_t scored;
} state;

static state *of(const gm_model *m) { return m->state; }
static const gm_ngram_config *cfg(const gm_model *m) { return m->cfg; }

/* ---- options -------------------------------------------------------------------------- */

#define AT(field) offsetof(gm_ngram_config, field)
static const gm__opt rows[] = {
    {"order", GM__O_INT, AT(order), "5", 1, GM__NGRAM_ORDER, NULL, "tokens of the longest sequences that are counted"},
    {"smoothing", GM__O_CHOICE, AT(smoothing), "kneser-ney", 0, 0, "mle|add-k|witten-bell|kneser-ney", "what sequences that were not seen get"},
    {"add", GM__O_REAL, AT(add), "1", 1e-9, 1e9, NULL, "add-k: what every count is raised by"},
#include "models/tokenizer_rows.def"
    {"prune", GM__O_INTS, AT(prune), NULL, 0, 1e9, NULL, "sequences of 1, 2, .. tokens seen at most so often are dropped; the last number counts for longer ones, too"},
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of samples, unless they are given one"},
};
#undef AT
static const gm__opts opts = {"ngram", rows, GM__COUNT(rows)};

static gm_status prune_list(gm_ctx *ctx, const gm_ngram_config *c, int64_t *out)
{
    int64_t v[GM__NGRAM_ORDER];
    size_t n = 0;
    if (c->prune) GM__TRY(gm__ints(ctx, "prune", c->prune, v, GM__NGRAM_ORDER, &n));
    for (size_t k = 1; k <= GM__NGRAM_ORDER; k++) out[k] = n ? v[k <= n ? k - 1 : n - 1] : 0;
    return GM_OK;
}

static gm_status check(gm_ctx *ctx, const void *c)
{
    int64_t prune[GM__NGRAM_ORDER + 1];
    GM__TRY(prune_list(ctx, c, prune));
    if (prune[1]) return gm__fail_ctx(ctx, GM_EARG, "ngram: prune=%s: single tokens stay: its first number must be 0 (min-count drops rare ones)", ((const gm_ngram_config *)c)->prune);
    for (int k = 2; k <= GM__NGRAM_ORDER; k++)
        if (prune[k] < prune[k - 1]) return gm__fail_ctx(ctx, GM_EARG, "ngram: prune=%s: the numbers must not fall", ((const gm_ngram_config *)c)->prune);
    if (prune[GM__NGRAM_ORDER] && ((const gm_ngram_config *)c)->smoothing < GM_SMOOTHING_WITTEN_BELL)
        return gm__fail_ctx(ctx, GM_EARG, "ngram: prune wants smoothing that backs off: witten-bell or kneser-ney");
    return GM_OK;
}

/* ---- tensors: what files hold -------------------------------------------------------------- */

enum { INFO = 5 }; /* order, vocabulary, begin, end, final */
static const struct { const char *name; int dtype; } parts[] = { { "word", GM_I32 }, { "log_p", GM_F32 }, { "back", GM_F32 }, { "first", GM_I32 }, { "suffix", GM_I32 } };

/* Which parts a level has: single tokens need no word and suffix, the longest sequences no continuations. */
static bool has(int32_t order, int32_t k, size_t part) { return part == 1 || (part == 0 || part == 4 ? k > 1 : k < order); }

static void **array_of(gm__level *l, size_t part)
{
    void **all[] = { (void **)&l->word, (void **)&l->log_p, (void **)&l->back, (void **)&l->first, (void **)&l->suffix };
    return all[part];
}

static gm_status own(gm_model *m, int32_t k, size_t part)
{
    char name[40];
    gm__level *l = &of(m)->g.level[k];
    void **array = array_of(l, part);
    int64_t n = l->n + (part == 3);
    gm_tensor *t = NULL;
    void *p = *array;
    *array = NULL;
    gm__format(name, sizeof name, "level.%d.%s", k, parts[part].name);
    GM__TRY(gm__own_tensor(m->ctx, p, parts[part].dtype, 1, &n, &t));
    gm_status s = gm__model_add_tensor(m, name, t, part == 1);
    if (!s) *array = t->data; /* the model's tensor keeps it */
    gm_tensor_free(t);
    return s;
}

static gm_status add_info(gm_model *m)
{
    const gm__ngram *g = &of(m)->g;
    gm_tensor *t = NULL;
    GM__TRY(gm_tensor_copy(m->ctx, GM_I64, 1, (int64_t[]){ INFO }, ((int64_t[]){ g->order, g->vocab, g->begin, g->end, g->final }), &t));
    gm_status s = gm__model_add_tensor(m, "info", t, false);
    gm_tensor_free(t);
    return s ? s : gm__lm_add_tokenizer(m, of(m)->tk);
}

static void drop_index(gm_model *m)
{
    gm__ngram_index_free(m->ctx, of(m)->index);
    of(m)->index = NULL;
    of(m)->scored = 0;
}

/* Arrays that became tensors are theirs; the rest is freed here. */
static void drop(gm_model *m)
{
    state *s = of(m);
    drop_index(m);
    for (int32_t k = 1; k <= GM__NGRAM_ORDER; k++)
        for (size_t p = 0; p < GM__COUNT(parts); p++) {
            void **a = array_of(&s->g.level[k], p);
            bool taken = false;
            for (size_t i = 0; i < m->n_tensors; i++) taken = taken || (*a && (void *)m->tensors[i].tensor->data == *a);
            if (!taken) gm__free(m->ctx, *a);
            *a = NULL;
        }
    gm__model_drop_tensors(m);
    gm_tokenizer_free(s->tk);
    s->tk = NULL;
    s->g = (gm__ngram){ 0 };
}

/* The table and tokenizer (both taken) become the model's. */
static gm_status install(gm_model *m, gm__ngram *g, gm_tokenizer *tk)
{
    drop(m);
    of(m)->g = *g;
    of(m)->tk = tk;
    *g = (gm__ngram){ 0 };
    gm_status s = add_info(m);
    for (int32_t k = 1; !s && k <= of(m)->g.order; k++)
        for (size_t p = 0; !s && p < GM__COUNT(parts); p++)
            if (has(of(m)->g.order, k, p)) s = own(m, k, p);
    if (s) drop(m);
    return s;
}

/* ---- files: hostile until checked -------------------------------------------------------------- */

static gm_status broken(gm_model *m, const char *what) { return gm__fail_ctx(m->ctx, GM_EFORMAT, "ngram: %s", what); }

static gm_status check_level(gm_model *m, const gm__ngram *g, int32_t k)
{
    const gm__level *l = &g->level[k], *below = &g->level[k - 1], *up = &g->level[k + 1];
    for (int64_t i = 0; i < l->n; i++) {
        if (isnan(l->log_p[i]) || l->log_p[i] > 1e-3f || (l->back && isnan(l->back[i]))) return broken(m, "a log-probability that is none");
        if (k > 1 && (l->word[i] < 0 || l->word[i] >= g->vocab || l->suffix[i] < 0 || l->suffix[i] >= below->n)) return broken(m, "a word or suffix that is not there");
        if (l->first && (l->first[i] < 0 || l->first[i] > l->first[i + 1])) return broken(m, "continuations out of order");
    }
    if (l->first && (l->first[0] != 0 || l->first[l->n] != up->n)) return broken(m, "continuations out of order");
    for (int64_t h = 0; l->first && h < l->n; h++)
        for (int64_t i = l->first[h] + 1; i < l->first[h + 1]; i++)
            if (up->word[i] <= up->word[i - 1]) return broken(m, "words out of order");
    return GM_OK;
}

/* After the tensors are filled, by a file or a copy. */
static gm_status filled(gm_model *m)
{
    state *s = of(m);
    gm_tensor *info = gm__model_named(m, "info");
    if (!info || info->dtype != GM_I64 || info->size != INFO) return broken(m, "no table");
    const int64_t *v = gm__i64(info);
    if (v[0] < 1 || v[0] > GM__NGRAM_ORDER || v[1] < 1 || v[1] > 1 << 24 || v[2] < -1 || v[2] >= v[1] || v[3] < -1 || v[3] >= v[1] || (v[4] != 0 && v[4] != 1))
        return broken(m, "facts that cannot be");
    gm__ngram g = { .order = (int32_t)v[0], .vocab = v[1], .begin = v[2], .end = v[3], .final = v[4] == 1 };
    for (int32_t k = 1; k <= g.order; k++)
        for (size_t p = 0; p < GM__COUNT(parts); p++) {
            char name[40];
            gm__format(name, sizeof name, "level.%d.%s", k, parts[p].name);
            gm_tensor *t = gm__model_named(m, name);
            if (!t != !has(g.order, k, p)) return broken(m, "levels that do not fit the order");
            if (!t) continue;
            if (t->dtype != parts[p].dtype || t->ndim != 1) return broken(m, "a tensor of another type");
            if (p == 0 || (k == 1 && p == 1)) g.level[k].n = t->size;
            if (t->size != g.level[k].n + (p == 3)) return broken(m, "arrays of different lengths");
            *array_of(&g.level[k], p) = t->data;
        }
    if (g.level[1].n != g.vocab) return broken(m, "a vocabulary of another size");
    for (int32_t k = 1; k <= g.order; k++) GM__TRY(check_level(m, &g, k));
    gm_tokenizer *made = NULL;
    GM__TRY(gm__lm_find_tokenizer(m, &made));
    if (gm_tokenizer_size(made) != g.vocab) {
        gm_tokenizer_free(made);
        return broken(m, "a vocabulary of another size");
    }
    gm_tokenizer_free(s->tk);
    s->tk = made;
    s->g = g;
    return GM_OK;
}

/* ---- training ------------------------------------------------------------------------------------- */

static gm_status build(gm_model *m)
{
    GM__UNUSED(m);
    return GM_OK;
}

static void destroy(gm_model *m)
{
    drop_index(m);
    gm_tokenizer_free(of(m)->tk);
    of(m)->tk = NULL;
}

typedef struct corpus { gm_ctx *ctx; const gm_tokenizer *tk; gm__ids ids; int64_t begin, end; gm__buf start; } corpus;

static gm_status tokenize(void *user, const uint8_t *text, size_t n)
{
    corpus *c = user;
    size_t first = c->ids.n;
    if (c->begin >= 0) gm__ids_put(&c->ids, c->begin);
    GM__TRY(gm__tokenizer_run(c->tk, c->ctx, text, n, 0, &c->ids));
    if (c->end >= 0) gm__ids_put(&c->ids, c->end);
    for (size_t i = first; i < c->ids.n; i++) gm__buf_put(&c->start, i == first ? "\1" : "\0", 1);
    return c->ids.failed || c->start.failed ? GM_ENOMEM : GM_OK;
}

static gm_status make_tokenizer(gm_model *m, const gm_dataset *d, gm_tokenizer **out)
{
    const gm_ngram_config *o = cfg(m);
    gm__lm_words w = { .tokenizer = o->tokenizer, .unk = o->unk, .lower = o->lower, .pattern = o->pattern, .vocab = o->vocab, .min_count = o->min_count };
    return gm__lm_learn_tokenizer(m, d, &w, gm__lm_lines(d) ? "<s>,</s>" : NULL, out);
}

static gm_status count(gm_model *m, corpus *c, gm__ngram *g, gm__smooth *how)
{
    gm__counts counts[GM__NGRAM_ORDER + 2] = { { 0 } };
    if (c->ids.n > INT32_MAX / 2) return gm__fail_ctx(m->ctx, GM_ELIMIT, "ngram: %zu tokens; at most 2^30", c->ids.n);
    int32_t *ids = gm__alloc(m->ctx, c->ids.n + 1, sizeof *ids);
    if (!ids) return GM_ENOMEM;
    for (size_t i = 0; i < c->ids.n; i++) ids[i] = (int32_t)c->ids.id[i];
    gm_status s = gm__ngram_count(m->ctx, ids, (int64_t)c->ids.n, (const uint8_t *)c->start.data, g->order, g->vocab, counts);
    gm__free(m->ctx, ids);
    return s ? s : gm__ngram_smooth(m->ctx, g, counts, how);
}

/* How well the beginning of the data is told: the loss that is shown. Zeros of maximum likelihood do not occur there. */
static double fit_of(const gm__ngram *g, const corpus *c)
{
    enum { LOOK = 1 << 16 };
    gm__context at = gm__ngram_start(g);
    double sum = 0;
    size_t n = 0, i = 0;
    for (; i < c->ids.n && i < LOOK; i++) {
        if (c->start.data[i]) at = gm__ngram_start(g);
        if (c->start.data[i] && c->begin >= 0) continue;
        sum -= (double)gm__ngram_read(g, &at, c->ids.id[i]);
        n++;
    }
    return n ? sum / (double)n : 0;
}

/* All of the data in one step. */
static gm_status update(gm_model *m, gm_trainer *tr, double *loss)
{
    const gm_ngram_config *o = cfg(m);
    corpus c = { .ctx = m->ctx, .ids = { .ctx = m->ctx } };
    gm__smooth how = { .method = o->smoothing, .add = o->add };
    gm_tokenizer *tk = of(m)->tk;
    gm__ngram g = { .order = o->order };
    gm__buf_init(&c.start, m->ctx);
    gm_status s = prune_list(m->ctx, o, how.prune);
    if (!s && tk) gm__retain(tk);
    else if (!s) s = make_tokenizer(m, tr->data, &tk);
    c.tk = tk;
    g.vocab = gm_tokenizer_size(tk);
    g.begin = c.begin = gm_tokenizer_find(tk, "<s>", 3);
    g.end = c.end = gm_tokenizer_find(tk, "</s>", 4);
    if (!s) s = gm__lm_texts(m->ctx, "train", tr->data, tokenize, &c);
    if (!s && c.ids.n < 2) s = gm__fail_ctx(m->ctx, GM_EARG, "ngram: a text of %zu tokens", c.ids.n);
    if (!s) s = count(m, &c, &g, &how);
    if (!s && how.fallback)
        gm__trainer_raise(tr, GM_EVENT_FALLBACK, how.fallback, "%d of %d orders have too few counts for discounts of their own: 0.5, 1 and 1.5 are taken", how.fallback, o->order);
    if (!s) s = install(m, &g, tk);
    else gm_tokenizer_free(tk);
    if (!s) *loss = fit_of(&of(m)->g, &c);
    gm__free(m->ctx, c.ids.id);
    gm__buf_free(&c.start);
    return s;
}

static double takes(const gm_model *m)
{
    GM__UNUSED(m);
    return 1e18; /* everything */
}

/* ---- the language model ------------------------------------------------------------------------------ */

static gm_tokenizer *tokenizer(const gm_model *m) { return of(m)->tk; }

static gm_status set_tokenizer(gm_model *m, gm_tokenizer *tk)
{
    gm__retain(tk);
    gm_tokenizer_free(of(m)->tk);
    of(m)->tk = tk;
    return GM_OK;
}

static int64_t context_of(const gm_model *m) { return cfg(m)->order - 1; }
static int64_t end_of(const gm_model *m) { return of(m)->g.end; }

static gm_status open_reader(gm_model *m, gm_ctx *ctx, void **out)
{
    gm__context *c = gm__alloc(ctx, 1, sizeof *c);
    if (!c) return GM_ENOMEM;
    *c = gm__ngram_start(&of(m)->g);
    *out = c;
    return GM_OK;
}

static gm_status copy_reader(gm_model *m, gm_ctx *ctx, const void *from, void **to)
{
    GM__TRY(open_reader(m, ctx, to));
    memcpy(*to, from, sizeof(gm__context));
    return GM_OK;
}

static void close_reader(gm_model *m, gm_ctx *ctx, void *reader)
{
    GM__UNUSED(m);
    gm__free(ctx, reader);
}

static gm_status read_tokens(gm_model *m, gm_ctx *ctx, void *reader, const int64_t *id, int64_t n)
{
    GM__UNUSED(ctx);
    for (int64_t i = 0; i < n; i++) gm__ngram_read(&of(m)->g, reader, id[i]);
    return GM_OK;
}

static gm_status next(gm_model *m, gm_ctx *ctx, void *reader, float *logits)
{
    GM__UNUSED(ctx);
    gm__ngram_next(&of(m)->g, *(gm__context *)reader, logits);
    return GM_OK;
}

enum { WORTH = 4 }; /* an index costs about as much as reading so many times fewer tokens than there are sequences */

static gm_status index_for(gm_model *m, int64_t n)
{
    state *s = of(m);
    if (s->index && s->index_of != atomic_load(&m->changed)) drop_index(m);
    s->scored += n;
    if (s->index || s->scored < s->g.level[s->g.order].n / WORTH) return GM_OK;
    s->index_of = atomic_load(&m->changed);
    return gm__ngram_index_make(m->ctx, &s->g, &s->index);
}

static gm_status scores(gm_model *m, gm_ctx *ctx, const int64_t *id, const int64_t *start, int64_t texts, float *log_p)
{
    const gm__ngram *g = &of(m)->g;
    if (ctx == m->ctx) GM__TRY(index_for(m, start[texts] - start[0]));
    if (ctx == m->ctx && of(m)->index) {
        gm__ngram_index_read(of(m)->index, gm__ngram_start(g), id, start, texts, log_p);
        return GM_OK;
    }
    for (int64_t k = 0; k < texts; k++) {
        gm__context c = gm__ngram_start(g);
        for (int64_t i = start[k]; i < start[k + 1]; i++) log_p[i] = gm__ngram_read(g, &c, id[i]);
    }
    return GM_OK;
}

static gm_status score(gm_model *m, gm_ctx *ctx, const int64_t *id, int64_t n, float *log_p)
{
    return scores(m, ctx, id, (int64_t[]){ 0, n }, 1, log_p);
}

static const gm__lm language = { tokenizer, set_tokenizer, context_of, end_of, open_reader, copy_reader, close_reader, read_tokens, next, score, scores };

/* ---- the family -------------------------------------------------------------------------------------------- */

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__ngram *g = &of(m)->g;
    size_t from = out->len;
    gm__buf_format(out, "  sequences\n");
    for (int32_t k = 1; k <= g->order; k++) gm__buf_format(out, "    %2d tokens %12lld\n", k, (long long)g->level[k].n);
    return out->len - from;
}

const gm__family gm__family_ngram = {
    .name = "ngram", .title = "n-gram language model: tables of what followed what",
    .train = "epochs=1", .opts = &opts, .cfg_size = sizeof(gm_ngram_config), .state_size = sizeof(state), .can = GM_CAN_GENERATE,
    .check = check, .build = build, .destroy = destroy, .filled = filled, .update = update, .takes = takes, .print = print, .lm = &language,
};

void gm_ngram_config_init(gm_ngram_config *c, size_t size) { gm__family_config(&gm__family_ngram, c, size); }
gm_status gm_ngram_new(gm_ctx *ctx, const gm_ngram_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_ngram, c, out); }

gm_status gm_ngram_read_arpa(gm_ctx *ctx, const char *path, gm_model **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    if (!path) return gm__fail_ctx(ctx, GM_EARG, "gm_ngram_read_arpa: path is NULL");
    gm__ngram g;
    gm_tokenizer *tk;
    gm_model *m = NULL;
    char options[64];
    GM__TRY(gm__arpa_read(ctx, path, &g, &tk));
    gm__format(options, sizeof options, "order=%d tokenizer=word pattern=space", g.order);
    gm_status s = gm_model_new(ctx, "ngram", options, &m);
    if (!s) s = install(m, &g, tk);
    else gm_tokenizer_free(tk);
    gm__ngram_clear(ctx, &g);
    if (s) gm_model_free(m);
    else *out = m;
    return s;
}

gm_status gm_ngram_write_arpa(gm_model *m, const char *path)
{
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (m->family != &gm__family_ngram) return gm__fail_ctx(m->ctx, GM_EARG, "gm_ngram_write_arpa: the model is a %s", m->family->name);
    if (!path) return gm__fail_ctx(m->ctx, GM_EARG, "gm_ngram_write_arpa: path is NULL");
    if (!of(m)->tk || !of(m)->g.order) return gm__fail_ctx(m->ctx, GM_ESTATE, "ngram: no counts yet: fit the model first");
    if (of(m)->g.final) return gm__fail_ctx(m->ctx, GM_EUNSUPPORTED, "gm_ngram_write_arpa: only smoothing that backs off fits an ARPA file");
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status s = gm__arpa_write(m->ctx, &of(m)->g, of(m)->tk, path);
    gm__model_end_use(m);
    return s;
}
