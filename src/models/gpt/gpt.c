/* gpt.c - the family: options, tensors, loss. */
#include "models/gpt/gpt.h"
#include "models/feed.h"
#include <math.h>
#include <string.h>

/* ---- options -------------------------------------------------------------------------- */

#define AT(field) offsetof(gm_gpt_config, field)
static const gm__opt rows[] = {
    {"depth", GM__O_INT, AT(depth), "4", 1, 1000, NULL, "blocks"},
    {"heads", GM__O_INT, AT(heads), "4", 1, 1024, NULL, "heads of attention; they divide embd"},
#include "models/transformer/block_rows.def"
    {"block", GM__O_INT, AT(block), "64", 1, 1 << 20, NULL, "tokens of the longest context"},
    {"positions", GM__O_CHOICE, AT(positions), "learned", 0, 0, GM__POSITIONS, "how a token's place is told"},
#include "models/tokenizer_rows.def"
    {"lines", GM__O_FLAG, AT(lines), "off", 0, 0, NULL, "texts begin and end with the end token; a fit on lines:FILE sets it"},
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of the first weights, and of training and samples unless they are given one"},
};
#undef AT
static const gm__opts opts = {"gpt", rows, GM__COUNT(rows)};

static gm_status check(gm_ctx *ctx, const void *cfg)
{
    const gm_gpt_config *c = cfg;
    return gm__block_check(ctx, "gpt", c->embd, c->heads, c->kv_heads, c->positions == GM_GPT_POSITIONS_ROTARY);
}

/* ---- tensors ------------------------------------------------------------------------------ */

static gm__block_cfg block_cfg(const gm_gpt_config *c)
{
    return (gm__block_cfg){ .embd = c->embd, .heads = c->heads, .kv_heads = c->kv_heads ? c->kv_heads : c->heads,
        .hidden = c->hidden ? c->hidden : gm__block_hidden(c->embd, c->activation), .activation = c->activation, .norm = c->norm, .post = c->post,
        .bias = c->bias, .rotary = c->positions == GM_GPT_POSITIONS_ROTARY, .causal = true, .dropout = c->dropout, .eps = 1e-5, .base = 10000 };
}

/* Tensors of a file or a copy, or, with `index`, new ones as GPT-2 draws them: N(0, 0.02), what ends in x by 1/sqrt(2 depth) smaller. */
static gm_status tensors(gm_model *m, uint64_t *index)
{
    gm__gpt *g = gm__gpt_of(m);
    const gm_gpt_config *c = gm__gpt_cfg(m);
    const double std = 0.02, last = std / sqrt(2.0 * c->depth);
    const bool shift = c->bias && c->norm == GM_GPT_NORM_LAYER;
    struct { const char *name; int64_t rows, cols; bool wanted; double mean, std; gm_tensor **at; } outer[] = {
        { "tokens.weight", g->vocab, c->embd, true, 0, std, &g->tokens },
        { "places.weight", c->block, c->embd, c->positions == GM_GPT_POSITIONS_LEARNED, 0, std, &g->places },
        { "norm.weight", c->embd, 0, !c->post, 1, 0, &g->norm },
        { "norm.bias", c->embd, 0, !c->post && shift, 0, 0, &g->norm_b },
        { "head.weight", g->vocab, c->embd, !c->tie, 0, std, &g->head },
    };
    for (size_t i = 0; i < GM__COUNT(outer); i++) {
        const int64_t shape[] = { outer[i].rows, outer[i].cols };
        const int32_t ndim = outer[i].cols ? 2 : 1;
        *outer[i].at = NULL;
        if (!outer[i].wanted) continue;
        GM__TRY(index ? gm__add_drawn(m, outer[i].name, ndim, shape, outer[i].mean, outer[i].std, index, outer[i].at)
                      : gm__find_shaped(m, outer[i].name, ndim, shape, outer[i].at));
    }
    if (c->tie) g->head = g->tokens;
    for (int32_t i = 0; i < c->depth; i++) {
        char prefix[32];
        gm__format(prefix, sizeof prefix, "block.%d", i);
        GM__TRY(index ? gm__block_add(m, prefix, &g->cfg, std, last, index, &g->block[i]) : gm__block_find(m, prefix, &g->cfg, &g->block[i]));
    }
    return GM_OK;
}

/* What follows from the tokenizer. */
static void know(gm_model *m, gm_tokenizer *tk /* taken */)
{
    gm__gpt *g = gm__gpt_of(m);
    gm_tokenizer_free(g->tk);
    g->tk = tk;
    g->vocab = gm_tokenizer_size(tk);
    g->end = gm_tokenizer_find(tk, GM__GPT_END, strlen(GM__GPT_END));
    g->start = g->end >= 0 ? g->end : gm_tokenizer_find(tk, "\n", 1);
}

static gm_status ground(gm_model *m)
{
    gm__gpt *g = gm__gpt_of(m);
    const gm_gpt_config *c = gm__gpt_cfg(m);
    g->cfg = block_cfg(c);
    if (!g->block) g->block = gm__calloc(m->ctx, (size_t)c->depth, sizeof *g->block);
    return g->block ? GM_OK : GM_ENOMEM;
}

gm_status gm__gpt_make(gm_model *m, gm_tokenizer *tk)
{
    uint64_t index = 0;
    gm__retain(tk);
    know(m, tk);
    gm_status s = ground(m);
    if (!s) s = gm__lm_add_tokenizer(m, tk);
    if (!s) s = tensors(m, &index);
    if (s) gm__model_drop_tensors(m);
    gm__model_sort_tensors(m);
    gm__model_changed(m);
    return s;
}

static gm_status filled(gm_model *m)
{
    gm_tokenizer *tk = NULL;
    const gm_gpt_config *c = gm__gpt_cfg(m);
    GM__TRY(gm__lm_find_tokenizer(m, &tk));
    know(m, tk);
    gm__model_sort_tensors(m);
    for (size_t i = 0; i < m->n_tensors; i++) m->tensors[i].parameter = strncmp(m->tensors[i].name, "tokenizer.", 10) != 0;
    if ((size_t)c->depth > m->n_tensors) return gm__fail_ctx(m->ctx, GM_EFORMAT, "gpt: depth=%d, and %zu tensors", c->depth, m->n_tensors);
    if (c->lines && gm__gpt_of(m)->end < 0) return gm__fail_ctx(m->ctx, GM_EFORMAT, "gpt: lines, and no token " GM__GPT_END);
    GM__TRY(ground(m));
    return tensors(m, NULL);
}

static gm_status build(gm_model *m)
{
    GM__UNUSED(m);
    return GM_OK;
}

static void destroy(gm_model *m)
{
    gm__gpt *g = gm__gpt_of(m);
    gm_tokenizer_free(g->tk);
    gm__free(m->ctx, g->block);
    memset(g, 0, sizeof *g);
}

/* The first fit: a tokenizer from the data unless there is one, then the weights. */
static gm_status choose(gm_model *m, const gm_dataset *d)
{
    const gm_gpt_config *c = gm__gpt_cfg(m);
    gm_tokenizer *tk = gm__gpt_of(m)->tk;
    const bool lines = gm__lm_lines(d);
    if (lines) GM__TRY(gm__model_set_text(m, "lines", "on"));
    if (tk) gm__retain(tk);
    else {
        gm__lm_words w = { .tokenizer = c->tokenizer, .unk = c->unk, .lower = c->lower, .pattern = c->pattern, .vocab = c->vocab, .min_count = c->min_count };
        GM__TRY(gm__lm_learn_tokenizer(m, d, &w, lines ? GM__GPT_END : NULL, &tk));
    }
    gm_status s = gm__gpt_make(m, tk);
    gm_tokenizer_free(tk);
    return s;
}

/* ---- on a tape -------------------------------------------------------------------------------- */

gm_tensor *gm__gpt_hidden(const gm_model *m, gm_tape *t, gm_tensor *tokens)
{
    const gm__gpt *g = gm__gpt_of(m);
    const gm_gpt_config *c = gm__gpt_cfg(m);
    if (!tokens) return NULL;
    const int64_t n = tokens->shape[1];
    gm_tensor *x = gm_embedding(t, g->tokens, tokens);
    if (g->places) x = gm_add(t, x, gm_slice(t, g->places, 0, 0, n, 1));
    if (c->positions == GM_GPT_POSITIONS_SINUSOIDAL) x = gm_add(t, x, gm__sinusoids(t, 0, n, c->embd));
    if (c->dropout > 0) x = gm_dropout(t, x, c->dropout);
    for (int32_t i = 0; i < c->depth; i++) x = gm__block_run(t, &g->block[i], &g->cfg, x, NULL);
    return c->post ? x : gm__block_norm(t, &g->cfg, x, g->norm, g->norm_b);
}

gm_tensor *gm__gpt_head(const gm_model *m, gm_tape *t, gm_tensor *x) { return gm_linear(t, x, gm__gpt_of(m)->head, NULL); }

/* Of the tokens of each row, `length` are its own: 1 where the target is, else 0, [B, T]. */
static gm_tensor *inside(gm_tape *t, gm_tensor *length, int64_t n)
{
    gm_tensor *place = gm_reshape(t, gm_arange(t, GM_I64, 1, (double)n + 1, 1), 2, (int64_t[]){ 1, n });
    gm_tensor *all = gm_reshape(t, length, 2, (int64_t[]){ -1, 1 });
    return gm_cast(t, gm_lt(t, place, all), GM_F32);
}

static int64_t longest(const gm_tensor *length)
{
    int64_t most = 2;
    for (int64_t i = 0; i < length->shape[0]; i++) most = gm__i64(length)[i] > most ? gm__i64(length)[i] : most;
    return most;
}

static gm_status loss(gm_model *m, const gm__batch *b, gm_tensor **out)
{
    gm_tape *t = b->t;
    const int64_t block = gm__gpt_cfg(m)->block, from = gm__feed_from(m, b, block), width = b->x->shape[1] - 1;
    const int64_t n = b->length ? longest(b->length) - 1 : width < block ? width : block;
    gm_tensor *in = gm_slice(t, b->x, 1, from, from + n, 1), *target = gm_slice(t, b->x, 1, from + 1, from + n + 1, 1);
    gm_tensor *y = gm__gpt_head(m, t, gm__gpt_hidden(m, t, in));
    if (!y || !target) return gm_tape_status(t);
    y = gm_reshape(t, y, 2, (int64_t[]){ -1, y->shape[2] });
    target = gm_reshape(t, target, 1, (int64_t[]){ -1 });
    if (!b->length) {
        *out = gm_cross_entropy(t, y, target, GM_MEAN);
        return gm_tape_status(t);
    }
    gm_tensor *mine = gm_reshape(t, inside(t, b->length, n), 1, (int64_t[]){ -1 });
    gm_tensor *sum = gm_sum(t, gm_mul(t, gm_cross_entropy(t, y, target, GM_NONE), mine), GM_ALL_AXES, 0);
    *out = gm_div(t, sum, gm_sum(t, mine, GM_ALL_AXES, 0));
    return gm_tape_status(t);
}

static gm_status feed(gm_model *m, gm_dataset *d, int64_t batch, bool training, gm_dataset **out)
{
    const gm__gpt *g = gm__gpt_of(m);
    gm__feed_how how = { .who = training ? "train" : "valid", .tk = g->tk, .begin = g->end, .end = g->end, .block = gm__gpt_cfg(m)->block, .slack = training };
    GM__UNUSED(batch);
    if (training && gm__lm_lines(d) && g->end >= 0) GM__TRY(gm__model_set_text(m, "lines", "on")); /* a GPT-2 that goes on with lines */
    return gm__feed(m, d, &how, out);
}

/* ---- the family ---------------------------------------------------------------------------------- */

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__gpt *g = gm__gpt_of(m);
    const gm_gpt_config *c = gm__gpt_cfg(m);
    size_t from = out->len;
    gm__buf_format(out, "  vocabulary %lld tokens, context %d\n  %d blocks: %d heads of %d, feed %d-%lld-%d\n", (long long)g->vocab, c->block, c->depth, c->heads,
                   c->embd / c->heads, c->embd, (long long)g->cfg.hidden, c->embd);
    return out->len - from;
}

const gm__family gm__family_gpt = {
    .name = "gpt", .title = "GPT: a transformer that tells the next token from those before it",
    .train = "steps=2000 batch=12 optimizer=adamw lr=1e-3 beta1=0.9 beta2=0.95 weight-decay=0.1 clip-norm=1 schedule=cosine warmup=100 lr-min=1e-4",
    .opts = &opts, .cfg_size = sizeof(gm_gpt_config), .state_size = sizeof(gm__gpt), .can = GM_CAN_GENERATE,
    .check = check, .choose = choose, .feed = feed, .build = build, .destroy = destroy, .filled = filled, .loss = loss, .add_params = gm__block_params,
    .print = print, .lm = &gm__gpt_language,
};

void gm_gpt_config_init(gm_gpt_config *c, size_t size) { gm__family_config(&gm__family_gpt, c, size); }
gm_status gm_gpt_new(gm_ctx *ctx, const gm_gpt_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_gpt, c, out); }

gm_status gm_gpt_logits(gm_model *m, gm_tensor *tokens, gm_tensor **out)
{
    gm_tape *t = NULL;
    char text[128];
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    if (m->family != &gm__family_gpt) return gm__fail_ctx(m->ctx, GM_EARG, "gm_gpt_logits: the model is a %s", m->family->name);
    GM__TRY(gm__lm_able(m->ctx, m, "tell the next token"));
    GM__TRY(gm__check_tensor(gm__ctx_err(m->ctx), "gm_gpt_logits", "tokens", tokens));
    if (tokens->dtype != GM_I64) return gm__fail_ctx(m->ctx, GM_EDTYPE, "gm_gpt_logits: tokens are %s, i64 wanted", gm_dtype_name(tokens->dtype));
    if (tokens->ndim != 2 || tokens->shape[1] < 1 || tokens->shape[1] > gm__gpt_cfg(m)->block)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "gm_gpt_logits: tokens are %s; [rows, 1 to %d] wanted", gm__shape_text(text, tokens->ndim, tokens->shape), gm__gpt_cfg(m)->block);
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status s = gm__use_tape(m->ctx, &t);
    gm_tensor *y = s ? NULL : gm__gpt_head(m, t, gm__gpt_hidden(m, t, tokens));
    if (!s && !y) s = gm__tape_failed(m->ctx, t);
    if (!s) s = gm_tensor_copy(m->ctx, GM_F32, y->ndim, y->shape, gm__f32(y), out);
    gm_tape_free(t);
    gm__model_end_use(m);
    return s;
}
