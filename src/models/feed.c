/* feed.c - text becomes rows of tokens: windows of one array, which training shuffles or reads on from. */
#include "models/feed.h"

typedef struct gathering {
    const gm__feed_how *how;
    gm_ctx *ctx;
    gm__ids ids;                 /* all tokens */
    gm__ids line;                /* those of one line */
    gm__ids offset;              /* of lines: where rows begin */
    bool lines;
} gathering;

/* A line's tokens between its ends, in rows of at most block + 1 tokens; neighbours share one. */
static gm_status gather_line(gathering *g, const uint8_t *text, size_t n)
{
    const size_t block = (size_t)g->how->block;
    gm__ids *l = &g->line;
    l->n = 0;
    gm__ids_put(l, g->how->begin);
    GM__TRY(gm__tokenizer_run(g->how->tk, g->ctx, text, n, 0, l));
    gm__ids_put(l, g->how->end);
    for (size_t at = 0; !l->failed && at + 1 < l->n; at += block) {
        gm__ids_put(&g->offset, (int64_t)g->ids.n);
        for (size_t i = at; i < l->n && i <= at + block; i++) gm__ids_put(&g->ids, l->id[i]);
    }
    return l->failed || g->ids.failed || g->offset.failed ? GM_ENOMEM : GM_OK;
}

static gm_status gather(void *user, const uint8_t *text, size_t n)
{
    gathering *g = user;
    GM__TRY(gm__check_cancel(g->ctx));
    if (g->lines) return gather_line(g, text, n);
    GM__TRY(gm__tokenizer_run(g->how->tk, g->ctx, text, n, 0, &g->ids));
    return g->ids.failed ? GM_ENOMEM : GM_OK;
}

static gm_status tokens_of(gathering *g, gm_tensor **out)
{
    const int64_t n = (int64_t)g->ids.n;
    GM__TRY(gm_tensor_new(g->ctx, GM_I32, 1, &n, out));
    for (int64_t i = 0; i < n; i++) ((int32_t *)(void *)(*out)->data)[i] = (int32_t)g->ids.id[i];
    gm__free(g->ctx, g->ids.id);
    g->ids.id = NULL;
    return GM_OK;
}

static void drop_tensor(void *data, void *user)
{
    GM__UNUSED(data);
    gm_tensor_free(user);
}

/* rows windows of `width` tokens, `apart` tokens apart */
static gm_status windows(gm_dataset *d, gm_tensor *tokens, int64_t rows, int64_t width, int64_t apart)
{
    gm_tensor *view = NULL;
    gm__retain(tokens);
    gm_status s = gm_tensor_wrap(d->ctx, GM_I32, 2, (int64_t[]){ rows, width }, (int64_t[]){ apart, 1 }, tokens->data, drop_tensor, tokens, &view);
    if (s) gm_tensor_free(tokens);
    if (!s) s = gm__dataset_add(d, "x", view);
    gm_tensor_free(view);
    return s;
}

/* Row s*lanes + l is window l*length + s*block of those that begin at every token. */
static gm_status read_on(gm_dataset *d, gm_tensor *tokens, const gm__feed_how *how)
{
    const int64_t n = tokens->size, most = (n - 1) / how->block;
    int64_t lanes = how->lanes < most ? how->lanes : most;
    while (how->lanes % lanes) lanes--; /* batches of the size asked for are whole pieces of all readers */
    const int64_t length = (n - 1) / lanes, steps = length / how->block;
    if (how->lanes_are) *how->lanes_are = lanes;
    GM__TRY(windows(d, tokens, n - how->block, how->block + 1, 1));
    d->index = gm__alloc(d->ctx, (size_t)(steps * lanes), sizeof *d->index);
    if (!d->index) return GM_ENOMEM;
    d->rows = (uint64_t)(steps * lanes);
    for (int64_t r = 0; r < steps * lanes; r++) d->index[r] = (uint64_t)(r % lanes * length + r / lanes * how->block);
    return GM_OK;
}

static gm_status text_rows(gm_dataset *d, gm_tensor *tokens, const gm__feed_how *how)
{
    const int64_t n = tokens->size, block = how->block;
    if (n <= block)
        return gm__fail_ctx(d->ctx, GM_EARG, "%s: the text has %lld tokens, fewer than the block and the token after it, %lld: a smaller block is needed", how->who, (long long)n, (long long)block + 1);
    if (how->lanes) return read_on(d, tokens, how);
    const int64_t left = n - block - 1, slack = how->slack ? left < block - 1 ? left : block - 1 : 0;
    return windows(d, tokens, (n - slack - 1) / block, block + 1 + slack, block);
}

static gm_status line_rows(gm_dataset *d, gm_tensor *tokens, gathering *g)
{
    gm_tensor *offset = NULL;
    gm__ids_put(&g->offset, tokens->size);
    if (g->offset.failed) return GM_ENOMEM;
    GM__TRY(gm_tensor_copy(d->ctx, GM_I64, 1, &(int64_t){ (int64_t)g->offset.n }, g->offset.id, &offset));
    gm_status s = gm__dataset_add_ragged(d, tokens, offset);
    gm_tensor_free(offset);
    return s;
}

gm_status gm__feed(gm_model *m, const gm_dataset *d, const gm__feed_how *how, gm_dataset **out)
{
    gathering g = { .how = how, .ctx = m->ctx, .ids = { .ctx = m->ctx }, .line = { .ctx = m->ctx }, .offset = { .ctx = m->ctx }, .lines = gm__lm_lines(d) };
    gm_tensor *tokens = NULL;
    gm_dataset *made = NULL;
    gm_status s = GM_OK;
    *out = NULL;
    if (g.lines && (how->begin < 0 || how->end < 0))
        s = gm__fail_ctx(m->ctx, GM_EARG, "%s: lines:FILE needs a tokenizer with a token that ends a line (special=<|endoftext|>)", how->who);
    if (!s) s = gm__lm_texts(m->ctx, how->who, d, gather, &g);
    if (!s && g.ids.n < 2) s = gm__fail_ctx(m->ctx, GM_EARG, "%s: a text of %zu tokens", how->who, g.ids.n);
    if (!s) s = tokens_of(&g, &tokens);
    if (!s) s = gm__dataset_make(m->ctx, &made);
    if (!s) s = g.lines ? line_rows(made, tokens, &g) : text_rows(made, tokens, how);
    gm_tensor_free(tokens);
    gm__free(m->ctx, g.ids.id);
    gm__free(m->ctx, g.line.id);
    gm__free(m->ctx, g.offset.id);
    if (s) gm_dataset_free(made);
    else *out = made;
    return s;
}

int64_t gm__feed_from(const gm_model *m, const gm__batch *b, int64_t block)
{
    const int64_t places = b->x->shape[1] - block;
    if (!b->training || b->length || places <= 1) return 0;
    gm__rng r = gm__rng_make(gm__stream_make(gm__model_seed(m), GM__R_DATA, (uint32_t)b->epoch, (uint64_t)1 << 63));
    return (int64_t)gm__rng_below(&r, (uint64_t)places);
}
