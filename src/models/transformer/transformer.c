/* transformer.c - the family: options, tensors, encoder and decoder on a tape. */
#include "models/transformer/transformer.h"
#include <math.h>
#include <string.h>

/* ---- options -------------------------------------------------------------------------- */

#define AT(field) offsetof(gm_transformer_config, field)
static const gm__opt rows[] = {
    {"kind", GM__O_CHOICE, AT(kind), "encoder-decoder", 0, 0, "encoder-decoder|decoder|encoder", "targets from sources; texts from themselves; masked tokens from those around them"},
    {"depth", GM__O_INT, AT(depth), "2", 1, 1000, NULL, "blocks of the encoder, and of the decoder"},
    {"heads", GM__O_INT, AT(heads), "8", 1, 1024, NULL, "heads of attention; they divide embd"},
#include "models/transformer/block_rows.def"
    {"block", GM__O_INT, AT(block), "64", 2, 1 << 20, NULL, "tokens of the longest source and target, their end included; decoder, encoder: of the longest context"},
    {"positions", GM__O_CHOICE, AT(positions), "sinusoidal", 0, 0, GM__POSITIONS, "how a token's place is told"},
    {"masked", GM__O_REAL, AT(masked), "0.15", 0.01, 0.99, NULL, "encoder: share of tokens hidden in training"},
#include "models/tokenizer_rows.def"
    {"lines", GM__O_FLAG, AT(lines), "off", 0, 0, NULL, "texts begin and end with the end token; a fit on lines:FILE sets it"},
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of the first weights, and of training and samples unless they are given one"},
};
#undef AT
static const gm__opts opts = {"transformer", rows, GM__COUNT(rows)};

static gm_status check(gm_ctx *ctx, const void *cfg)
{
    const gm_transformer_config *c = cfg;
    return gm__block_check(ctx, "transformer", c->embd, c->heads, c->kv_heads, c->positions == GM__POS_ROTARY);
}

/* ---- tensors ------------------------------------------------------------------------------ */

static gm__block_cfg block_cfg(const gm_transformer_config *c, bool causal)
{
    return (gm__block_cfg){ .embd = c->embd, .heads = c->heads, .kv_heads = c->kv_heads ? c->kv_heads : c->heads,
        .hidden = c->hidden ? c->hidden : gm__block_hidden(c->embd, c->activation), .activation = c->activation, .norm = c->norm, .post = c->post,
        .bias = c->bias, .rotary = c->positions == GM__POS_ROTARY, .causal = causal, .dropout = c->dropout, .eps = 1e-5, .base = 10000 };
}

/* Products N(0, 1/embd), those whose results are added by the root of how many are added smaller. */
static gm_status stack(gm_model *m, const char *name, const gm__block_cfg *b, uint64_t *index, gm__block *block, gm__cross *cross)
{
    const int32_t depth = gm__transformer_cfg(m)->depth;
    const double std = 1 / sqrt((double)b->embd), last = std / sqrt((cross ? 3.0 : 2.0) * depth);
    for (int32_t i = 0; i < depth; i++) {
        char prefix[40];
        gm__format(prefix, sizeof prefix, "%s.%d", name, i);
        GM__TRY(index ? gm__block_add(m, prefix, b, std, last, index, &block[i]) : gm__block_find(m, prefix, b, &block[i]));
        if (cross) GM__TRY(gm__cross_make(m, prefix, b, std, last, index, &cross[i]));
    }
    return GM_OK;
}

/* Tensors of a file or a copy, or, with `index`, new ones. */
static gm_status tensors(gm_model *m, uint64_t *index)
{
    gm__transformer *g = gm__transformer_of(m);
    const gm_transformer_config *c = gm__transformer_cfg(m);
    const bool shift = c->bias && c->norm == GM__NORM_LAYER && !c->post, norm = !c->post;
    const double std = 1 / sqrt((double)c->embd);
    struct { const char *name; int64_t rows, cols; bool wanted; double mean, std; gm_tensor **at; } outer[] = {
        { "tokens.weight", g->vocab + (c->kind == GM_TRANSFORMER_ENCODER), c->embd, true, 0, std, &g->tokens }, /* encoder: the last row is for a hidden token */
        { "places.weight", c->block, c->embd, c->positions == GM__POS_LEARNED, 0, 0.1, &g->places },
        { "encoder.norm.weight", c->embd, 0, norm && g->encoder, 1, 0, &g->reads_norm },
        { "encoder.norm.bias", c->embd, 0, shift && g->encoder, 0, 0, &g->reads_norm_b },
        { "decoder.norm.weight", c->embd, 0, norm && g->decoder, 1, 0, &g->norm },
        { "decoder.norm.bias", c->embd, 0, shift && g->decoder, 0, 0, &g->norm_b },
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
    if (g->encoder) GM__TRY(stack(m, "encoder", &g->reads, index, g->encoder, NULL));
    return g->decoder ? stack(m, "decoder", &g->tells, index, g->decoder, g->cross) : GM_OK;
}

/* What follows from the tokenizer. */
static void know(gm_model *m, gm_tokenizer *tk /* taken */)
{
    gm__transformer *g = gm__transformer_of(m);
    gm_tokenizer_free(g->tk);
    g->tk = tk;
    g->vocab = gm_tokenizer_size(tk);
    g->end = gm_tokenizer_find(tk, GM__TRANSFORMER_END, strlen(GM__TRANSFORMER_END));
}

static bool room(gm_ctx *ctx, bool wanted, size_t n, size_t size, void **at)
{
    if (wanted && !*at) *at = gm__calloc(ctx, n, size);
    return !wanted || *at;
}
static gm_status ground(gm_model *m)
{
    gm__transformer *g = gm__transformer_of(m);
    const gm_transformer_config *c = gm__transformer_cfg(m);
    const size_t n = (size_t)c->depth;
    void *encoder = g->encoder, *decoder = g->decoder, *cross = g->cross;
    g->reads = block_cfg(c, false);
    g->tells = block_cfg(c, true);
    bool ok = room(m->ctx, c->kind != GM_TRANSFORMER_DECODER, n, sizeof *g->encoder, &encoder);
    g->encoder = encoder;
    ok = ok && room(m->ctx, c->kind != GM_TRANSFORMER_ENCODER, n, sizeof *g->decoder, &decoder);
    g->decoder = decoder;
    ok = ok && room(m->ctx, gm__transformer_pairs(m), n, sizeof *g->cross, &cross);
    g->cross = cross;
    return ok ? GM_OK : GM_ENOMEM;
}

static gm_status make(gm_model *m, gm_tokenizer *tk)
{
    uint64_t index = 0;
    gm__retain(tk);
    know(m, tk);
    gm_status s = GM_OK;
    if (gm__transformer_pairs(m) && gm__transformer_of(m)->end < 0)
        s = gm__fail_ctx(m->ctx, GM_EARG, "transformer: the tokenizer has no token " GM__TRANSFORMER_END " to end sources and targets (special=" GM__TRANSFORMER_END ")");
    if (!s) s = ground(m);
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
    const gm_transformer_config *c = gm__transformer_cfg(m);
    GM__TRY(gm__lm_find_tokenizer(m, &tk));
    know(m, tk);
    gm__model_sort_tensors(m);
    for (size_t i = 0; i < m->n_tensors; i++) m->tensors[i].parameter = strncmp(m->tensors[i].name, "tokenizer.", 10) != 0;
    if ((size_t)c->depth > m->n_tensors) return gm__fail_ctx(m->ctx, GM_EFORMAT, "transformer: depth=%d, and %zu tensors", c->depth, m->n_tensors);
    if ((c->lines || gm__transformer_pairs(m)) && gm__transformer_of(m)->end < 0) return gm__fail_ctx(m->ctx, GM_EFORMAT, "transformer: no token " GM__TRANSFORMER_END);
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
    gm__transformer *g = gm__transformer_of(m);
    gm_tokenizer_free(g->tk);
    gm__free(m->ctx, g->encoder);
    gm__free(m->ctx, g->decoder);
    gm__free(m->ctx, g->cross);
    memset(g, 0, sizeof *g);
}

/* The first fit: a tokenizer from the data unless there is one, then the weights. */
static gm_status choose(gm_model *m, const gm_dataset *d)
{
    const gm_transformer_config *c = gm__transformer_cfg(m);
    gm_tokenizer *tk = gm__transformer_of(m)->tk;
    const bool lines = gm__lm_lines(d);
    if (lines) GM__TRY(gm__model_set_text(m, "lines", "on"));
    if (tk) gm__retain(tk);
    else {
        gm__lm_words w = { .tokenizer = c->tokenizer, .unk = c->unk, .lower = c->lower, .pattern = c->pattern, .vocab = c->vocab, .min_count = c->min_count };
        GM__TRY(gm__lm_learn_tokenizer(m, d, &w, lines || gm__transformer_pairs(m) ? GM__TRANSFORMER_END : NULL, &tk));
    }
    gm_status s = make(m, tk);
    gm_tokenizer_free(tk);
    return s;
}

/* ---- on a tape -------------------------------------------------------------------------------- */

/* sqrt(embd) E[token] + P[place] */
static gm_tensor *embed(const gm_model *m, gm_tape *t, gm_tensor *ids)
{
    const gm__transformer *g = gm__transformer_of(m);
    const gm_transformer_config *c = gm__transformer_cfg(m);
    if (!ids) return NULL;
    const int64_t n = ids->shape[1];
    gm_tensor *x = gm_affine(t, gm_embedding(t, g->tokens, ids), sqrt((double)c->embd), 0);
    if (g->places) x = gm_add(t, x, gm_slice(t, g->places, 0, 0, n, 1));
    if (c->positions == GM__POS_SINUSOIDAL) x = gm_add(t, x, gm__sinusoids(t, 0, n, c->embd));
    return c->dropout > 0 ? gm_dropout(t, x, c->dropout) : x;
}

gm_tensor *gm__transformer_encode(const gm_model *m, gm_tape *t, gm_tensor *ids, gm_tensor *seen)
{
    const gm__transformer *g = gm__transformer_of(m);
    gm_tensor *x = embed(m, t, ids);
    for (int32_t i = 0; i < gm__transformer_cfg(m)->depth; i++) x = gm__block_run(t, &g->encoder[i], &g->reads, x, seen);
    return g->reads_norm ? gm__block_norm(t, &g->reads, x, g->reads_norm, g->reads_norm_b) : x;
}

gm_tensor *gm__transformer_decode(const gm_model *m, gm_tape *t, gm_tensor *ids, gm_tensor *memory, gm_tensor *seen)
{
    const gm__transformer *g = gm__transformer_of(m);
    gm_tensor *x = embed(m, t, ids);
    for (int32_t i = 0; i < gm__transformer_cfg(m)->depth; i++) {
        x = gm__block_look(t, &g->decoder[i], &g->tells, x, NULL);
        if (memory) x = gm__cross_run(t, &g->cross[i], &g->tells, x, memory, seen);
        x = gm__block_think(t, &g->decoder[i], &g->tells, x);
    }
    return g->norm ? gm__block_norm(t, &g->tells, x, g->norm, g->norm_b) : x;
}

gm_tensor *gm__transformer_head(const gm_model *m, gm_tape *t, gm_tensor *x)
{
    const gm__transformer *g = gm__transformer_of(m);
    return gm_linear(t, x, g->head ? g->head : gm_slice(t, g->tokens, 0, 0, g->vocab, 1), NULL);
}

/* ---- the family ---------------------------------------------------------------------------------- */

static uint32_t cannot(const gm_model *m) { return gm__transformer_cfg(m)->kind == GM_TRANSFORMER_ENCODER ? GM_CAN_GENERATE : 0; }

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__transformer *g = gm__transformer_of(m);
    const gm_transformer_config *c = gm__transformer_cfg(m);
    size_t from = out->len;
    gm__buf_format(out, "  vocabulary %lld tokens, context %d\n", (long long)g->vocab, c->block);
    for (int i = 0; i < 2; i++)
        if (i ? g->decoder != NULL : g->encoder != NULL)
            gm__buf_format(out, "  %s: %d blocks: %d heads of %d, feed %d-%lld-%d%s\n", i ? "decoder" : "encoder", c->depth, c->heads, c->embd / c->heads, c->embd,
                           (long long)g->reads.hidden, c->embd, i && g->cross ? ", cross-attention" : "");
    return out->len - from;
}

const gm__family gm__family_transformer = {
    .name = "transformer", .title = "transformer: texts from texts, from themselves, or read whole",
    .train = "steps=2000 batch=32 optimizer=adamw lr=1e-3 beta1=0.9 beta2=0.98 weight-decay=0.01 clip-norm=1 schedule=cosine warmup=100 lr-min=1e-4",
    .opts = &opts, .cfg_size = sizeof(gm_transformer_config), .state_size = sizeof(gm__transformer), .can = GM_CAN_GENERATE,
    .check = check, .cannot = cannot, .choose = choose, .feed = gm__transformer_feed, .build = build, .destroy = destroy, .filled = filled,
    .loss = gm__transformer_loss, .add_params = gm__block_params, .print = print, .lm = &gm__transformer_language, .text = gm__transformer_text,
};

void gm_transformer_config_init(gm_transformer_config *c, size_t size) { gm__family_config(&gm__family_transformer, c, size); }
gm_status gm_transformer_new(gm_ctx *ctx, const gm_transformer_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_transformer, c, out); }
