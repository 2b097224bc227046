/* rnn.c - the family: options, tensors. */
#include "models/rnn/rnn.h"
#include <math.h>
#include <string.h>

/* ---- options -------------------------------------------------------------------------- */

#define AT(field) offsetof(gm_rnn_config, field)
static const gm__opt rows[] = {
    {"cell", GM__O_CHOICE, AT(cell), "lstm", 0, 0, "elman|gru|lstm", "what goes from state to state"},
    {"hidden", GM__O_INT, AT(hidden), "256", 1, 1 << 14, NULL, "units of a layer"},
    {"depth", GM__O_INT, AT(depth), "2", 1, 64, NULL, "layers"},
    {"embd", GM__O_INT, AT(embd), "0", 0, 1 << 16, NULL, "numbers that stand for a token; 0: as many as there are tokens, all but one of them 0"},
    {"block", GM__O_INT, AT(block), "64", 1, 1 << 16, NULL, "tokens that gradients go back; the state goes on"},
    {"dropout", GM__O_REAL, AT(dropout), "0", 0, 0.99, NULL, "share of what is dropped of each layer's results"},
    {"tie", GM__O_FLAG, AT(tie), "off", 0, 0, NULL, "the last product is by the table of tokens; embd must equal hidden"},
#include "models/tokenizer_rows.def"
    {"lines", GM__O_FLAG, AT(lines), "off", 0, 0, NULL, "texts begin and end with the end token; a fit on lines:FILE sets it"},
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of the first weights, and of training and samples unless they are given one"},
};
#undef AT
static const gm__opts opts = {"rnn", rows, GM__COUNT(rows)};

static gm_status check(gm_ctx *ctx, const void *cfg)
{
    const gm_rnn_config *c = cfg;
    if (c->tie && c->embd != c->hidden) return gm__fail_ctx(ctx, GM_EARG, "rnn: tie wants embd=%d as hidden, not %d", c->hidden, c->embd);
    return GM_OK;
}

/* ---- tensors ------------------------------------------------------------------------------ */

/* One tensor: found by its name, or made anew and drawn. */
typedef struct maker { gm_model *m; bool draw; uint64_t index; } maker;

static gm_status tensor(maker *k, const char *name, int32_t ndim, const int64_t *shape, double bound, gm_tensor **out)
{
    char want[128], have[128];
    gm_model *m = k->m;
    gm_tensor *t = k->draw ? NULL : gm__model_named(m, name);
    *out = t;
    if (!k->draw) {
        if (!t) return gm__fail_ctx(m->ctx, GM_EFORMAT, "rnn: no tensor %s", name);
        if (t->dtype == GM_F32 && t->ndim == ndim && !memcmp(t->shape, shape, (size_t)ndim * sizeof *shape)) return GM_OK;
        return gm__fail_ctx(m->ctx, GM_EFORMAT, "rnn: tensor %s is %s %s, the options want f32 %s", name, gm_dtype_name(t->dtype), gm__shape_text(have, t->ndim, t->shape),
                            gm__shape_text(want, ndim, shape));
    }
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, ndim, shape, &t));
    gm__init_uniform(t, bound, gm__model_seed(m), k->index++);
    gm_status s = gm__model_add_tensor(m, name, t, true);
    gm_tensor_free(t); /* the model's from here on */
    *out = s ? NULL : t;
    return s;
}

/* What goes from state to state keeps its length at first: orthogonal, gate by gate [Saxe et al. 2014]. */
static gm_status draw_state(maker *k, gm_tensor *w)
{
    const int64_t n = w->shape[1];
    gm_tensor *part = NULL;
    gm_status s = GM_OK;
    for (int64_t at = 0; !s && at < w->shape[0]; at += n) {
        s = gm_tensor_wrap(w->ctx, GM_F32, 2, (int64_t[]){ n, n }, NULL, gm__f32(w) + at * n, NULL, NULL, &part);
        if (!s) s = gm__init_orthogonal(part, 1, gm__model_seed(k->m), k->index++);
        gm_tensor_free(part);
        part = NULL;
    }
    return s;
}

static gm_status layer(maker *k, int32_t i, int64_t in)
{
    static const char *const names[] = { "weight_ih", "weight_hh", "bias_ih", "bias_hh" };
    const gm_rnn_config *c = gm__rnn_cfg(k->m);
    const int64_t g = gm__rnn_gates(k->m), n = c->hidden;
    const double bound = 1 / sqrt((double)(i ? n : c->embd ? c->embd : 1)); /* whatever the size of the input, gates of like size */
    gm__rnn_layer *l = &gm__rnn_of(k->m)->layer[i];
    gm_tensor **const at[] = { &l->w_ih, &l->w_hh, &l->b_ih, &l->b_hh };
    for (int j = 0; j < 4; j++) {
        char name[40];
        gm__format(name, sizeof name, "rnn.%s_l%d", names[j], i);
        GM__TRY(tensor(k, name, j < 2 ? 2 : 1, (int64_t[]){ g, j ? n : in }, j < 2 ? bound : 0, at[j]));
    }
    if (!k->draw) return GM_OK;
    for (int64_t j = n; c->cell == GM_RNN_LSTM && j < 2 * n; j++) gm__f32(l->b_ih)[j] = 1; /* remember, to begin with [Gers et al. 2000] */
    return draw_state(k, l->w_hh);
}

static gm_status tensors(gm_model *m, bool draw)
{
    gm__rnn *r = gm__rnn_of(m);
    const gm_rnn_config *c = gm__rnn_cfg(m);
    maker k = { m, draw, 0 };
    const double bound = 1 / sqrt((double)c->hidden);
    if (c->embd) GM__TRY(tensor(&k, "tokens.weight", 2, (int64_t[]){ r->vocab, c->embd }, c->tie ? bound : sqrt(3), &r->tokens));
    for (int32_t i = 0; i < c->depth; i++) GM__TRY(layer(&k, i, i ? c->hidden : c->embd ? c->embd : r->vocab));
    if (c->tie) r->head = r->tokens;
    else GM__TRY(tensor(&k, "head.weight", 2, (int64_t[]){ r->vocab, c->hidden }, bound, &r->head));
    return tensor(&k, "head.bias", 1, &r->vocab, 0, &r->head_b);
}

/* What follows from the tokenizer. */
static gm_status know(gm_model *m, gm_tokenizer *tk /* taken */)
{
    gm__rnn *r = gm__rnn_of(m);
    gm_tokenizer_free(r->tk);
    r->tk = tk;
    r->vocab = gm_tokenizer_size(tk);
    r->end = gm_tokenizer_find(tk, GM__RNN_END, strlen(GM__RNN_END));
    r->start = r->end >= 0 ? r->end : gm_tokenizer_find(tk, "\n", 1);
    r->tokens = r->head = r->head_b = NULL;
    if (!r->layer) r->layer = gm__calloc(m->ctx, (size_t)gm__rnn_cfg(m)->depth, sizeof *r->layer);
    return r->layer ? GM_OK : GM_ENOMEM;
}

static gm_status filled(gm_model *m)
{
    gm_tokenizer *tk = NULL;
    GM__TRY(gm__lm_find_tokenizer(m, &tk));
    GM__TRY(know(m, tk));
    gm__model_sort_tensors(m);
    for (size_t i = 0; i < m->n_tensors; i++) m->tensors[i].parameter = strncmp(m->tensors[i].name, "tokenizer.", 10) != 0;
    if (gm__rnn_cfg(m)->lines && gm__rnn_of(m)->end < 0) return gm__fail_ctx(m->ctx, GM_EFORMAT, "rnn: lines, and no token " GM__RNN_END);
    return tensors(m, false);
}

static gm_status build(gm_model *m)
{
    GM__UNUSED(m);
    return GM_OK;
}

static void destroy(gm_model *m)
{
    gm__rnn *r = gm__rnn_of(m);
    gm_tokenizer_free(r->tk);
    gm__free(m->ctx, r->layer);
    gm__rnn_drop_states(r);
    memset(r, 0, sizeof *r);
}

/* The first fit: a tokenizer from the data unless there is one, then the weights. */
static gm_status choose(gm_model *m, const gm_dataset *d)
{
    const gm_rnn_config *c = gm__rnn_cfg(m);
    gm_tokenizer *tk = gm__rnn_of(m)->tk;
    const bool lines = gm__lm_lines(d);
    if (lines) GM__TRY(gm__model_set_text(m, "lines", "on"));
    if (tk) gm__retain(tk);
    else {
        gm__lm_words w = { .tokenizer = c->tokenizer, .unk = c->unk, .lower = c->lower, .pattern = c->pattern, .vocab = c->vocab, .min_count = c->min_count };
        GM__TRY(gm__lm_learn_tokenizer(m, d, &w, lines ? GM__RNN_END : NULL, &tk));
    }
    gm_status s = know(m, tk);
    if (!s) s = gm__lm_add_tokenizer(m, tk);
    if (!s) s = tensors(m, true);
    gm__model_sort_tensors(m); /* the order of the file, in which the gradients' squares are added */
    if (s) gm__model_drop_tensors(m);
    else gm__model_changed(m);
    return s;
}

/* ---- the family ---------------------------------------------------------------------------- */

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__rnn *r = gm__rnn_of(m);
    const gm_rnn_config *c = gm__rnn_cfg(m);
    size_t from = out->len;
    gm__buf_format(out, "  vocabulary %lld tokens\n  %d layers of %d units, %s\n", (long long)r->vocab, c->depth, c->hidden, (const char *[]){ "elman", "gru", "lstm" }[c->cell]);
    return out->len - from;
}

const gm__family gm__family_rnn = {
    .name = "rnn", .title = "recurrent language model: Elman, GRU, LSTM",
    .train = "steps=2000 batch=32 lr=4e-3 clip-norm=5 schedule=cosine lr-min=4e-4",
    .opts = &opts, .cfg_size = sizeof(gm_rnn_config), .state_size = sizeof(gm__rnn), .can = GM_CAN_GENERATE,
    .check = check, .choose = choose, .feed = gm__rnn_feed, .ordered = gm__rnn_ordered, .build = build, .destroy = destroy, .filled = filled,
    .begin = gm__rnn_begin, .loss = gm__rnn_loss, .stepped = gm__rnn_stepped, .watch = gm__rnn_watch, .print = print, .lm = &gm__rnn_language,
};

void gm_rnn_config_init(gm_rnn_config *c, size_t size) { gm__family_config(&gm__family_rnn, c, size); }
gm_status gm_rnn_new(gm_ctx *ctx, const gm_rnn_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_rnn, c, out); }
