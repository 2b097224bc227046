/* reader.c - texts token by token, with keys and values kept; scores of whole texts.
 *
 * What a token is told from: the window of the text that a reader holds. When `block` tokens fill it and one more comes, its first half
 * is forgotten and the rest read again. Which window a token has therefore depends on its place in the text alone, and a reader that
 * is handed a long text at once goes straight to the last window. A row of a block has the same bits alone and among others, so
 * that it does not matter either in which pieces a text came. */
#include "models/gpt/gpt.h"
#include <math.h>
#include <string.h>

typedef struct reader {
    int64_t n, done;           /* tokens in the window; those that have gone through the blocks */
    int64_t *id;               /* [block] */
    float *x;                  /* [GM__STEP_ROWS, embd] */
    float *last;               /* [embd] what came out of the last block for token done - 1 */
    float *turn, *scratch;     /* turn: NULL but for rotary positions */
    float *place;              /* [block, embd] sinusoids, or NULL */
    float *kept;               /* [depth, 2, G, block, D] */
} reader;

static int64_t kept_size(const gm_model *m) /* of a block, keys or values */
{
    const gm__block_cfg *c = &gm__gpt_of(m)->cfg;
    return c->kv_heads * gm__gpt_cfg(m)->block * (c->embd / c->heads);
}

static gm__cache cache_of(const gm_model *m, const reader *r, int32_t depth)
{
    float *k = r->kept + 2 * depth * kept_size(m);
    return (gm__cache){ .room = gm__gpt_cfg(m)->block, .k = k, .v = k + kept_size(m) };
}

static void close_reader(gm_model *m, gm_ctx *ctx, void *reader_)
{
    reader *r = reader_;
    GM__UNUSED(m);
    gm__free(ctx, r->id);
    gm__free(ctx, r->x);
    gm__free(ctx, r->last);
    gm__free(ctx, r->turn);
    gm__free(ctx, r->place);
    gm__free(ctx, r->scratch);
    gm__free(ctx, r->kept);
    gm__free(ctx, r);
}

static gm_status make(gm_model *m, gm_ctx *ctx, reader **out)
{
    const gm__gpt *g = gm__gpt_of(m);
    const gm_gpt_config *c = gm__gpt_cfg(m);
    const size_t block = (size_t)c->block, embd = (size_t)c->embd, d = embd / (size_t)c->heads;
    reader *r = gm__calloc(ctx, 1, sizeof *r);
    if (!r) return GM_ENOMEM;
    r->id = gm__alloc(ctx, block, sizeof *r->id);
    r->x = gm__alloc(ctx, GM__STEP_ROWS * embd, sizeof *r->x);
    r->last = gm__alloc(ctx, embd, sizeof *r->last);
    r->scratch = gm__alloc(ctx, gm__step_scratch(&g->cfg, c->block), sizeof *r->scratch);
    r->kept = gm__alloc(ctx, (size_t)kept_size(m), 2 * sizeof(float) * (size_t)c->depth);
    if (g->cfg.rotary) r->turn = gm__alloc(ctx, block * d, sizeof *r->turn);
    if (c->positions == GM_GPT_POSITIONS_SINUSOIDAL) r->place = gm__alloc(ctx, block * embd, sizeof *r->place);
    if (!r->id || !r->x || !r->last || !r->scratch || !r->kept || (g->cfg.rotary && !r->turn) || (c->positions == GM_GPT_POSITIONS_SINUSOIDAL && !r->place)) {
        close_reader(m, ctx, r);
        return GM_ENOMEM;
    }
    if (r->turn) gm__step_turns(r->turn, c->block, (int64_t)d, g->cfg.base);
    if (r->place) gm__sinusoid_rows(r->place, 0, c->block, c->embd);
    *out = r;
    return GM_OK;
}

/* Tokens done .. done+n-1 of the window through all blocks. */
static void run(const gm_model *m, gm_ctx *ctx, reader *r, int64_t n)
{
    const gm__gpt *g = gm__gpt_of(m);
    const gm_gpt_config *c = gm__gpt_cfg(m);
    const size_t row = (size_t)c->embd * sizeof(float);
    const float *place = g->places ? gm__f32(g->places) : r->place;
    for (int64_t i = 0; i < n; i++) {
        float *x = r->x + i * c->embd;
        memcpy(x, gm__f32(g->tokens) + r->id[r->done + i] * c->embd, row);
        if (place) ctx->kern->axpy_f32((size_t)c->embd, x, 1, place + (r->done + i) * c->embd);
    }
    for (int32_t k = 0; k < c->depth; k++) {
        const gm__cache seen = cache_of(m, r, k);
        gm__block_step(ctx, &g->block[k], &g->cfg, &seen, r->turn, r->done, n, r->x, r->scratch);
    }
    memcpy(r->last, r->x + (n - 1) * c->embd, row);
    r->done += n;
}

static gm_status read_tokens(gm_model *m, gm_ctx *ctx, void *reader_, const int64_t *id, int64_t n)
{
    reader *r = reader_;
    const int64_t block = gm__gpt_cfg(m)->block, keep = block / 2;
    for (int64_t i = 0; i < n; i++) {
        if (r->n == block) {
            memmove(r->id, r->id + block - keep, (size_t)keep * sizeof *r->id);
            r->n = keep;
            r->done = 0;
        }
        r->id[r->n++] = id[i];
    }
    while (r->done < r->n) {
        GM__TRY(gm__check_cancel(ctx));
        run(m, ctx, r, r->n - r->done < GM__STEP_ROWS ? r->n - r->done : GM__STEP_ROWS);
    }
    return GM_OK;
}

static gm_status open_reader(gm_model *m, gm_ctx *ctx, void **out)
{
    reader *r = NULL;
    *out = NULL;
    GM__TRY(make(m, ctx, &r));
    gm_status s = gm__gpt_cfg(m)->lines ? read_tokens(m, ctx, r, &gm__gpt_of(m)->end, 1) : GM_OK;
    if (s) close_reader(m, ctx, r);
    else *out = r;
    return s;
}

static gm_status copy_reader(gm_model *m, gm_ctx *ctx, const void *from, void **to)
{
    const reader *a = from;
    const gm_gpt_config *c = gm__gpt_cfg(m);
    reader *b = NULL;
    *to = NULL;
    GM__TRY(make(m, ctx, &b));
    b->n = a->n;
    b->done = a->done;
    memcpy(b->id, a->id, (size_t)a->n * sizeof *a->id);
    memcpy(b->last, a->last, (size_t)c->embd * sizeof(float));
    memcpy(b->kept, a->kept, (size_t)(2 * c->depth * kept_size(m)) * sizeof(float));
    *to = b;
    return GM_OK;
}

static gm_status next(gm_model *m, gm_ctx *ctx, void *reader_, float *logits)
{
    const gm__gpt *g = gm__gpt_of(m);
    reader *r = reader_;
    const bool empty = !r->n;
    if (empty && g->start < 0) {
        memset(logits, 0, (size_t)g->vocab * sizeof *logits);
        return GM_OK;
    }
    if (empty) GM__TRY(read_tokens(m, ctx, r, &g->start, 1));
    if (gm__gpt_cfg(m)->post) memcpy(r->x, r->last, (size_t)g->cfg.embd * sizeof(float));
    else gm__step_norm(ctx, &g->cfg, 1, r->last, g->norm, g->norm_b, r->x);
    gm__step_linear(ctx, 1, r->x, g->head, NULL, logits);
    if (empty) r->n = r->done = 0; /* the text itself has not begun */
    return GM_OK;
}

/* ---- scores ------------------------------------------------------------------------------------- */

/* log p of seq[first .. last) told from seq[from ..): a window */
static gm_status window(gm_model *m, gm_tape *t, const int64_t *seq, int64_t from, int64_t first, int64_t last, float *log_p)
{
    const int64_t n = last - 1 - from, skip = first - 1 - from, some = last - first;
    gm_tape_reset(t);
    gm_tensor *in = gm_zeros(t, GM_I64, 2, (int64_t[]){ 1, n }), *target = gm_zeros(t, GM_I64, 1, &some);
    if (in && target) memcpy(in->data, seq + from, (size_t)n * sizeof *seq), memcpy(target->data, seq + first, (size_t)some * sizeof *seq);
    gm_tensor *y = gm_slice(t, gm__gpt_hidden(m, t, in), 1, skip, n, 1);
    y = gm__gpt_head(m, t, y);
    if (y) y = gm_cross_entropy(t, gm_reshape(t, y, 2, (int64_t[]){ some, y->shape[2] }), target, GM_NONE);
    if (!y) return gm__tape_failed(m->ctx, t);
    for (int64_t i = 0; i < some; i++) log_p[i] = -gm__f32(y)[i];
    return GM_OK;
}

/* The windows are those of a reader: the second begins where the first half is forgotten, and so on. */
static gm_status score(gm_model *m, gm_ctx *ctx, const int64_t *id, int64_t n, float *log_p)
{
    const int64_t block = gm__gpt_cfg(m)->block, keep = block / 2, begun = gm__gpt_cfg(m)->lines ? 1 : 0, all = n + begun;
    gm_tape *t = NULL;
    if (!n) return GM_OK;
    if (!begun) GM__TRY(gm__lm_first(m, ctx, gm__gpt_of(m)->vocab, *id, log_p));
    int64_t *seq = gm__alloc(ctx, (size_t)all, sizeof *seq);
    if (!seq) return GM_ENOMEM;
    if (begun) seq[0] = gm__gpt_of(m)->end;
    memcpy(seq + begun, id, (size_t)n * sizeof *seq);
    gm_status s = gm__use_tape(ctx, &t);
    for (int64_t from = 0, first = 1; !s && first < all; from += block - keep) {
        const int64_t last = from + block + 1 < all ? from + block + 1 : all;
        if ((s = gm__check_cancel(ctx))) break;
        s = window(m, t, seq, from, first, last, log_p + first - begun);
        first = last;
    }
    gm_tape_free(t);
    gm__free(ctx, seq);
    return s;
}

/* ---- the row ------------------------------------------------------------------------------------- */

static gm_tokenizer *tokenizer(const gm_model *m) { return gm__gpt_of(m)->tk; }

static gm_status set_tokenizer(gm_model *m, gm_tokenizer *tk)
{
    gm__retain(tk);
    gm_tokenizer_free(gm__gpt_of(m)->tk);
    gm__gpt_of(m)->tk = tk;
    return GM_OK;
}

static int64_t context_of(const gm_model *m) { return gm__gpt_cfg(m)->block; }
static int64_t end_of(const gm_model *m) { return gm__gpt_cfg(m)->lines ? gm__gpt_of(m)->end : -1; }

const gm__lm gm__gpt_language = { tokenizer, set_tokenizer, context_of, end_of, open_reader, copy_reader, close_reader, read_tokens, next, score, NULL };
