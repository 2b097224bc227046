/* train.c - what a transformer is trained on: rows of tokens, cut into what is read and what is to be told. */
#include "models/feed.h"
#include "models/transformer/transformer.h"
#include <string.h>

/* ---- SOURCE<tab>TARGET ----------------------------------------------------------------------- */

/* A whole text is SOURCE<tab>TARGET; the first piece of a prompt is SOURCE, with <tab> and the target's beginning or without. */
gm_status gm__transformer_text(gm_model *m, gm_ctx *ctx, const uint8_t *text, size_t n, bool whole, gm__ids *v, gm__lm_given *given)
{
    const gm__transformer *g = gm__transformer_of(m);
    *given = (gm__lm_given){ 0 };
    if (!gm__transformer_pairs(m) || (!whole && v->n)) return gm__tokenizer_run(g->tk, ctx, text, n, 0, v);
    const uint8_t *tab = n ? memchr(text, '\t', n) : NULL;
    if (whole && !tab) return gm__fail_ctx(ctx, GM_EARG, "transformer: a text without a tab between source and target");
    const size_t source = tab ? (size_t)(tab - text) : n, before = v->n;
    GM__TRY(gm__tokenizer_run(g->tk, ctx, text, source, 0, v));
    gm__ids_put(v, g->end);
    *given = (gm__lm_given){ .tokens = v->n - before, .bytes = source + (tab != NULL) };
    return tab ? gm__tokenizer_run(g->tk, ctx, tab + 1, n - source - 1, 0, v) : GM_OK;
}

/* A line as a row: source end target end. */
static gm_status gather(gm_model *m, const char *who, uint64_t line, const uint8_t *text, size_t n, gm__ids *ids)
{
    const int64_t block = gm__transformer_cfg(m)->block;
    gm__ids row = { .ctx = m->ctx };
    gm__lm_given given;
    if (!n || !memchr(text, '\t', n)) return gm__fail_ctx(m->ctx, GM_EARG, "%s: line %llu has no tab between source and target", who, (unsigned long long)line + 1);
    gm_status s = gm__transformer_text(m, m->ctx, text, n, true, &row, &given);
    gm__ids_put(&row, gm__transformer_of(m)->end);
    const size_t source = given.tokens, target = row.n - source;
    if (!s && (source > (size_t)block || target > (size_t)block))
        s = gm__fail_ctx(m->ctx, GM_EARG, "%s: line %llu has a %s of %zu tokens with its end, more than block=%lld", who, (unsigned long long)line + 1,
                         source > (size_t)block ? "source" : "target", source > (size_t)block ? source : target, (long long)block);
    for (size_t i = 0; !s && i < row.n; i++) gm__ids_put(ids, row.id[i]);
    if (!s && (row.failed || ids->failed)) s = GM_ENOMEM;
    gm__free(m->ctx, row.id);
    return s;
}

static gm_status all_pairs(gm_model *m, const char *who, const gm_dataset *d, gm__ids *ids, gm__ids *offset)
{
    for (uint64_t r = 0; r < gm_dataset_rows(d); r++) {
        const char *p;
        size_t n;
        const uint64_t line = gm__dataset_origin(d, r);
        gm__ragged_row(&d->column[0], line, &p, &n);
        GM__TRY(gm__check_cancel(m->ctx));
        gm__ids_put(offset, (int64_t)ids->n);
        GM__TRY(gather(m, who, line, (const uint8_t *)p, n, ids));
    }
    gm__ids_put(offset, (int64_t)ids->n);
    return offset->failed ? GM_ENOMEM : GM_OK;
}

static gm_status pairs(gm_model *m, const char *who, const gm_dataset *d, gm_dataset **out)
{
    gm__ids ids = { .ctx = m->ctx }, offset = { .ctx = m->ctx };
    gm_tensor *tokens = NULL, *at = NULL;
    gm_dataset *made = NULL;
    gm_status s = GM_OK;
    if (!gm__lm_reads_lines(d)) s = gm__fail_ctx(m->ctx, GM_EARG, "%s: kind=encoder-decoder reads lines:FILE, a line SOURCE<tab>TARGET", who);
    if (!s) s = all_pairs(m, who, d, &ids, &offset);
    const int64_t n = (int64_t)ids.n, rows = (int64_t)offset.n;
    if (!s) s = gm_tensor_new(m->ctx, GM_I32, 1, &n, &tokens);
    for (int64_t i = 0; !s && i < n; i++) ((int32_t *)(void *)tokens->data)[i] = (int32_t)ids.id[i];
    if (!s) s = gm_tensor_copy(m->ctx, GM_I64, 1, &rows, offset.id, &at);
    if (!s) s = gm__dataset_make(m->ctx, &made);
    if (!s) s = gm__dataset_add_ragged(made, tokens, at);
    gm_tensor_free(tokens);
    gm_tensor_free(at);
    gm__free(m->ctx, ids.id);
    gm__free(m->ctx, offset.id);
    if (s) gm_dataset_free(made);
    else *out = made;
    return s;
}

gm_status gm__transformer_feed(gm_model *m, gm_dataset *d, int64_t batch, bool training, gm_dataset **out)
{
    const gm__transformer *g = gm__transformer_of(m);
    const char *who = training ? "train" : "valid";
    gm__feed_how how = { .who = who, .tk = g->tk, .begin = g->end, .end = g->end, .block = gm__transformer_cfg(m)->block, .slack = training };
    GM__UNUSED(batch);
    *out = NULL;
    if (gm__transformer_pairs(m)) return pairs(m, who, d, out);
    if (gm__transformer_cfg(m)->kind == GM_TRANSFORMER_ENCODER) how.block--; /* rows hold one token more than a decoder reads */
    return gm__feed(m, d, &how, out);
}

/* ---- the loss ------------------------------------------------------------------------------------ */

/* A batch as a decoder or an encoder takes it. NULL: there is none. */
typedef struct cut {
    gm_tensor *source, *seen;  /* i64 [B, S], u8 [B, 1, 1, S] */
    gm_tensor *in;             /* i64 [B, T] */
    gm_tensor *target, *count; /* i64, f32 [B*T]: what is to be told after each, and whether it counts */
} cut;

static const int32_t *row_of(const gm_tensor *x, int64_t i) { return (const int32_t *)(const void *)x->data + i * x->stride[0]; }
static int64_t length_of(const gm__batch *b, int64_t i) { return b->length ? gm__i64(b->length)[i] : b->x->shape[1]; }

/* Tokens of a source, its end included. */
static int64_t source_of(const gm_model *m, const gm__batch *b, int64_t i)
{
    const int32_t *x = row_of(b->x, i);
    int64_t n = 0;
    while (n < length_of(b, i) && x[n] != gm__transformer_of(m)->end) n++;
    return n + 1;
}

static bool make(cut *c, gm_tape *t, int64_t rows, int64_t s, int64_t n)
{
    if (s) c->source = gm_zeros(t, GM_I64, 2, (int64_t[]){ rows, s });
    if (s) c->seen = gm_zeros(t, GM_U8, 4, (int64_t[]){ rows, 1, 1, s });
    c->in = gm_zeros(t, GM_I64, 2, (int64_t[]){ rows, n });
    c->target = gm_zeros(t, GM_I64, 1, (int64_t[]){ rows * n });
    c->count = gm_zeros(t, GM_F32, 1, (int64_t[]){ rows * n });
    return gm_tape_status(t) == GM_OK;
}

/* Of a row x [from, to): the token at each place, and the next one as what is to be told. */
static void tell(cut *c, int64_t row, const int32_t *x, int64_t from, int64_t to)
{
    const int64_t n = c->in->shape[1];
    for (int64_t i = from; i + 1 < to; i++) {
        const int64_t at = row * n + i - from;
        gm__i64(c->in)[at] = x[i];
        gm__i64(c->target)[at] = x[i + 1];
        gm__f32(c->count)[at] = 1;
    }
}

static bool cut_pairs(const gm_model *m, const gm__batch *b, cut *c)
{
    const int64_t rows = b->x->shape[0];
    int64_t s = 1, n = 1;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t mine = source_of(m, b, i), rest = length_of(b, i) - mine;
        s = mine > s ? mine : s;
        n = rest > n ? rest : n;
    }
    if (!make(c, b->t, rows, s, n)) return false;
    for (int64_t i = 0; i < rows; i++) {
        const int32_t *x = row_of(b->x, i);
        const int64_t mine = source_of(m, b, i);
        for (int64_t k = 0; k < mine; k++) {
            gm__i64(c->source)[i * s + k] = x[k];
            ((uint8_t *)c->seen->data)[i * s + k] = 1;
        }
        tell(c, i, x, mine - 1, length_of(b, i));
    }
    return true;
}

static bool cut_text(const gm_model *m, const gm__batch *b, cut *c)
{
    const int64_t rows = b->x->shape[0], block = gm__transformer_cfg(m)->block, from = gm__feed_from(m, b, block);
    int64_t n = b->length ? 1 : b->x->shape[1] - 1 < block ? b->x->shape[1] - 1 : block;
    for (int64_t i = 0; b->length && i < rows; i++) n = length_of(b, i) - 1 > n ? length_of(b, i) - 1 : n;
    if (!make(c, b->t, rows, 0, n)) return false;
    for (int64_t i = 0; i < rows; i++) tell(c, i, row_of(b->x, i), from, b->length ? length_of(b, i) : from + n + 1);
    return true;
}

/* Some tokens are hidden; those are to be told. */
static bool cut_masked(const gm_model *m, const gm__batch *b, cut *c)
{
    const int64_t rows = b->x->shape[0], block = gm__transformer_cfg(m)->block, from = gm__feed_from(m, b, block - 1);
    int64_t n = b->length ? 1 : b->x->shape[1] < block ? b->x->shape[1] : block;
    for (int64_t i = 0; b->length && i < rows; i++) n = length_of(b, i) > n ? length_of(b, i) : n;
    gm_tensor *hide = gm_bernoulli(b->t, gm_full(b->t, GM_F32, 2, (int64_t[]){ rows, n }, gm__transformer_cfg(m)->masked));
    if (!hide || !make(c, b->t, rows, n, n)) return false;
    c->in = NULL;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < n && k < (b->length ? length_of(b, i) : n); k++) {
            const int64_t at = i * n + k, id = row_of(b->x, i)[from + k];
            const bool hidden = gm__f32(hide)[at] != 0;
            gm__i64(c->source)[at] = hidden ? gm__transformer_of(m)->vocab : id;
            ((uint8_t *)c->seen->data)[at] = 1;
            gm__i64(c->target)[at] = id;
            gm__f32(c->count)[at] = hidden;
        }
    return true;
}

gm_status gm__transformer_loss(gm_model *m, const gm__batch *b, gm_tensor **out)
{
    const int32_t kind = gm__transformer_cfg(m)->kind;
    gm_tape *t = b->t;
    cut c = { 0 };
    if (!(kind == GM_TRANSFORMER_ENCODER_DECODER ? cut_pairs : kind == GM_TRANSFORMER_DECODER ? cut_text : cut_masked)(m, b, &c)) return gm_tape_status(t);
    gm_tensor *x = c.source ? gm__transformer_encode(m, t, c.source, c.seen) : NULL;
    if (c.in) x = gm__transformer_decode(m, t, c.in, x, c.seen);
    gm_tensor *y = gm__transformer_head(m, t, x);
    if (!y) return gm_tape_status(t);
    y = gm_cross_entropy(t, gm_reshape(t, y, 2, (int64_t[]){ -1, y->shape[2] }), c.target, GM_NONE);
    double count = 0;
    for (int64_t i = 0; i < c.count->size; i++) count += (double)gm__f32(c.count)[i];
    *out = gm_affine(t, gm_sum(t, gm_mul(t, y, c.count), GM_ALL_AXES, 0), count > 0 ? 1 / count : 1, 0);
    return gm_tape_status(t);
}
