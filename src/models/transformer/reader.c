/* reader.c - texts token by token, with keys and values of decoder and source kept; scores of whole texts; encoded texts.
 *
 * A pair's source is gathered until its end, or until somebody asks for the first token of the target; then the encoder reads it at
 * once, and each block's keys and values of it are kept. Of a source longer than the block its last tokens count. The target has a
 * window as in gpt/reader.c: when `block` tokens fill it and one more comes, its first half is forgotten and the rest read again. */
#include "models/transformer/transformer.h"
#include <math.h>
#include <string.h>

typedef struct reader {
    int64_t n, done;           /* tokens in the window; those that have gone through the blocks */
    int64_t *id;               /* [block] */
    int64_t n_source, *source; /* [block], the end included once it is told */
    bool told;                 /* the source is complete and has been encoded */
    float *x;                  /* [GM__STEP_ROWS, embd] */
    float *last;               /* [embd] what came out of the last block for token done - 1 */
    float *turn, *scratch;     /* turn: NULL but for rotary positions */
    float *place;              /* [block, embd] sinusoids, or NULL */
    float *kept, *memory;      /* [depth, 2, G, block, D]: of the window, of the source */
} reader;

static int64_t kept_size(const gm_model *m) /* of a block, keys or values */
{
    const gm__block_cfg *c = &gm__transformer_of(m)->tells;
    return c->kv_heads * gm__transformer_cfg(m)->block * (c->embd / c->heads);
}

static gm__cache cache_of(const gm_model *m, float *all, int32_t depth)
{
    float *k = all + 2 * depth * kept_size(m);
    return (gm__cache){ .room = gm__transformer_cfg(m)->block, .k = k, .v = k + kept_size(m) };
}

static void close_reader(gm_model *m, gm_ctx *ctx, void *reader_)
{
    reader *r = reader_;
    void *const parts[] = { r->id, r->source, r->x, r->last, r->turn, r->scratch, r->place, r->kept, r->memory };
    GM__UNUSED(m);
    for (size_t i = 0; i < GM__COUNT(parts); i++) gm__free(ctx, parts[i]);
    gm__free(ctx, r);
}

static gm_status make(gm_model *m, gm_ctx *ctx, reader **out)
{
    const gm__transformer *g = gm__transformer_of(m);
    const gm_transformer_config *c = gm__transformer_cfg(m);
    const size_t block = (size_t)c->block, embd = (size_t)c->embd, d = embd / (size_t)c->heads, kept = (size_t)kept_size(m) * (size_t)c->depth;
    const bool pairs = gm__transformer_pairs(m), sines = c->positions == GM__POS_SINUSOIDAL;
    reader *r = gm__calloc(ctx, 1, sizeof *r);
    if (!r) return GM_ENOMEM;
    bool ok = (r->id = gm__alloc(ctx, block, sizeof *r->id)) && (r->x = gm__alloc(ctx, GM__STEP_ROWS * embd, sizeof *r->x)) &&
              (r->last = gm__alloc(ctx, embd, sizeof *r->last)) && (r->scratch = gm__alloc(ctx, gm__step_scratch(&g->tells, c->block), sizeof *r->scratch)) &&
              (r->kept = gm__alloc(ctx, kept, 2 * sizeof *r->kept));
    ok = ok && (!pairs || ((r->source = gm__alloc(ctx, block, sizeof *r->source)) && (r->memory = gm__alloc(ctx, kept, 2 * sizeof *r->memory))));
    ok = ok && (!g->tells.rotary || (r->turn = gm__alloc(ctx, block * d, sizeof *r->turn)));
    ok = ok && (!sines || (r->place = gm__alloc(ctx, block * embd, sizeof *r->place)));
    if (!ok) {
        close_reader(m, ctx, r);
        return GM_ENOMEM;
    }
    if (r->turn) gm__step_turns(r->turn, c->block, (int64_t)d, g->tells.base);
    if (r->place) gm__sinusoid_rows(r->place, 0, c->block, c->embd);
    r->told = !pairs;
    *out = r;
    return GM_OK;
}

/* ---- the source ------------------------------------------------------------------------------- */

/* A source that does not end yet is ended. */
static int64_t whole_source(const gm_model *m, int64_t *id, int64_t n)
{
    const int64_t block = gm__transformer_cfg(m)->block;
    if (n == block) memmove(id, id + 1, (size_t)(--n) * sizeof *id);
    id[n] = gm__transformer_of(m)->end;
    return n + 1;
}

static gm_tensor *encoded(const gm_model *m, gm_tape *t, const int64_t *id, int64_t n)
{
    gm_tensor *in = gm_zeros(t, GM_I64, 2, (int64_t[]){ 1, n });
    if (in) memcpy(in->data, id, (size_t)n * sizeof *id);
    return gm__transformer_encode(m, t, in, NULL);
}

/* Keys and values of the source, [n, 2 G D], for a block: as step.c wants them. */
static void keep(const gm_model *m, const gm__cache *to, const float *kv, int64_t n)
{
    const gm__block_cfg *c = &gm__transformer_of(m)->tells;
    const int64_t d = c->embd / c->heads, all = c->kv_heads;
    for (int64_t i = 0; i < n; i++)
        for (int64_t g = 0; g < all; g++) {
            memcpy(to->k + (g * to->room + i) * d, kv + (2 * i * all + g) * d, (size_t)d * sizeof *kv);
            memcpy(to->v + (g * to->room + i) * d, kv + ((2 * i + 1) * all + g) * d, (size_t)d * sizeof *kv);
        }
}

static gm_status end_source(gm_model *m, gm_ctx *ctx, reader *r)
{
    const gm__transformer *g = gm__transformer_of(m);
    gm_tape *t = NULL;
    r->n_source = whole_source(m, r->source, r->n_source);
    GM__TRY(gm__use_tape(ctx, &t));
    gm_tensor *x = encoded(m, t, r->source, r->n_source);
    for (int32_t i = 0; x && i < gm__transformer_cfg(m)->depth; i++) {
        const gm__cache to = cache_of(m, r->memory, i);
        gm_tensor *kv = gm_linear(t, x, g->cross[i].w[GM__CROSS_KV], g->cross[i].w[GM__CROSS_KV_B]);
        if (kv) keep(m, &to, gm__f32(kv), r->n_source);
    }
    gm_status s = gm_tape_status(t) ? gm__tape_failed(ctx, t) : GM_OK;
    gm_tape_free(t);
    r->told = !s;
    return s;
}

/* ---- the target ------------------------------------------------------------------------------- */

/* Tokens done .. done+n-1 of the window through all blocks. */
static void run(const gm_model *m, gm_ctx *ctx, reader *r, int64_t n)
{
    const gm__transformer *g = gm__transformer_of(m);
    const gm_transformer_config *c = gm__transformer_cfg(m);
    const size_t embd = (size_t)c->embd;
    const float *place = g->places ? gm__f32(g->places) : r->place, by[2] = { (float)sqrt((double)c->embd), 0 };
    for (int64_t i = 0; i < n; i++) {
        float *x = r->x + i * c->embd;
        ctx->kern->unary_f32[GM__U_AFFINE](embd, x, gm__f32(g->tokens) + r->id[r->done + i] * c->embd, by);
        if (place) ctx->kern->axpy_f32(embd, x, 1, place + (r->done + i) * c->embd);
    }
    for (int32_t k = 0; k < c->depth; k++) {
        const gm__cache seen = cache_of(m, r->kept, k);
        gm__step_look(ctx, &g->decoder[k], &g->tells, &seen, r->turn, r->done, n, r->x, r->scratch);
        if (g->cross) {
            const gm__cache source = cache_of(m, r->memory, k);
            gm__step_cross(ctx, &g->cross[k], &g->tells, &source, r->n_source, n, r->x, r->scratch);
        }
        gm__step_think(ctx, &g->decoder[k], &g->tells, n, r->x, r->scratch);
    }
    memcpy(r->last, r->x + (n - 1) * c->embd, embd * sizeof(float));
    r->done += n;
}

static void put(const gm_model *m, reader *r, int64_t id)
{
    const int64_t block = gm__transformer_cfg(m)->block, stay = block / 2;
    if (r->n == block) {
        memmove(r->id, r->id + block - stay, (size_t)stay * sizeof *r->id);
        r->n = stay;
        r->done = 0;
    }
    r->id[r->n++] = id;
}

static gm_status catch_up(gm_model *m, gm_ctx *ctx, reader *r)
{
    while (r->done < r->n) {
        GM__TRY(gm__check_cancel(ctx));
        run(m, ctx, r, r->n - r->done < GM__STEP_ROWS ? r->n - r->done : GM__STEP_ROWS);
    }
    return GM_OK;
}

/* The source is at its end, the target begins. */
static gm_status begin_target(gm_model *m, gm_ctx *ctx, reader *r)
{
    GM__TRY(end_source(m, ctx, r));
    put(m, r, gm__transformer_of(m)->end);
    return GM_OK;
}

static gm_status read_tokens(gm_model *m, gm_ctx *ctx, void *reader_, const int64_t *id, int64_t n)
{
    reader *r = reader_;
    const int64_t block = gm__transformer_cfg(m)->block;
    for (int64_t i = 0; i < n; i++) {
        if (r->told) {
            put(m, r, id[i]);
        } else if (id[i] == gm__transformer_of(m)->end) {
            GM__TRY(begin_target(m, ctx, r));
        } else {
            if (r->n_source == block) memmove(r->source, r->source + 1, (size_t)(--r->n_source) * sizeof *r->source);
            r->source[r->n_source++] = id[i];
        }
    }
    return catch_up(m, ctx, r);
}

static gm_status open_reader(gm_model *m, gm_ctx *ctx, void **out)
{
    reader *r = NULL;
    *out = NULL;
    GM__TRY(make(m, ctx, &r));
    gm_status s = r->told && gm__transformer_cfg(m)->lines ? read_tokens(m, ctx, r, &gm__transformer_of(m)->end, 1) : GM_OK;
    if (s) close_reader(m, ctx, r);
    else *out = r;
    return s;
}

static gm_status copy_reader(gm_model *m, gm_ctx *ctx, const void *from, void **to)
{
    const reader *a = from;
    const gm_transformer_config *c = gm__transformer_cfg(m);
    const size_t kept = (size_t)(2 * c->depth * kept_size(m)) * sizeof(float);
    reader *b = NULL;
    *to = NULL;
    GM__TRY(make(m, ctx, &b));
    b->n = a->n, b->done = a->done, b->n_source = a->n_source, b->told = a->told;
    memcpy(b->id, a->id, (size_t)a->n * sizeof *a->id);
    memcpy(b->last, a->last, (size_t)c->embd * sizeof(float));
    memcpy(b->kept, a->kept, kept);
    if (a->source) memcpy(b->source, a->source, (size_t)a->n_source * sizeof *a->source), memcpy(b->memory, a->memory, kept);
    *to = b;
    return GM_OK;
}

static gm_status next(gm_model *m, gm_ctx *ctx, void *reader_, float *logits)
{
    const gm__transformer *g = gm__transformer_of(m);
    reader *r = reader_;
    gm_tensor head = *g->tokens; /* its first rows, unless there is one of its own */
    head.shape[0] = g->vocab;
    if (!r->told) {
        GM__TRY(begin_target(m, ctx, r));
        GM__TRY(catch_up(m, ctx, r));
    }
    if (!r->n) { /* a text of which nothing is known */
        memset(logits, 0, (size_t)g->vocab * sizeof *logits);
        return GM_OK;
    }
    if (!g->norm) memcpy(r->x, r->last, (size_t)g->tells.embd * sizeof(float));
    else gm__step_norm(ctx, &g->tells, 1, r->last, g->norm, g->norm_b, r->x);
    gm__step_linear(ctx, 1, r->x, g->head ? g->head : &head, NULL, logits);
    return GM_OK;
}

/* ---- scores ------------------------------------------------------------------------------------- */

/* log p of seq[first .. last) told from seq[from ..) and the source */
static gm_status window(gm_model *m, gm_tape *t, const int64_t *source, int64_t n_source, const int64_t *seq, int64_t from, int64_t first, int64_t last, float *log_p)
{
    const int64_t n = last - 1 - from, skip = first - 1 - from, some = last - first;
    gm_tape_reset(t);
    gm_tensor *memory = n_source ? encoded(m, t, source, n_source) : NULL;
    gm_tensor *in = gm_zeros(t, GM_I64, 2, (int64_t[]){ 1, n }), *target = gm_zeros(t, GM_I64, 1, &some);
    if (in && target) memcpy(in->data, seq + from, (size_t)n * sizeof *seq), memcpy(target->data, seq + first, (size_t)some * sizeof *seq);
    gm_tensor *y = gm_slice(t, gm__transformer_decode(m, t, in, memory, NULL), 1, skip, n, 1);
    y = gm__transformer_head(m, t, y);
    if (y) y = gm_cross_entropy(t, gm_reshape(t, y, 2, (int64_t[]){ some, y->shape[2] }), target, GM_NONE);
    if (!y) return gm__tape_failed(m->ctx, t);
    for (int64_t i = 0; i < some; i++) log_p[i] = -gm__f32(y)[i];
    return GM_OK;
}

/* seq [all], of which the first is not told. The windows are those of a reader. */
static gm_status windows(gm_model *m, gm_ctx *ctx, const int64_t *source, int64_t n_source, const int64_t *seq, int64_t all, float *log_p)
{
    const int64_t block = gm__transformer_cfg(m)->block, stay = block / 2;
    gm_tape *t = NULL;
    gm_status s = gm__use_tape(ctx, &t);
    for (int64_t from = 0, first = 1; !s && first < all; from += block - stay) {
        const int64_t last = from + block + 1 < all ? from + block + 1 : all;
        if ((s = gm__check_cancel(ctx))) break;
        s = window(m, t, source, n_source, seq, from, first, last, log_p + first - 1);
        first = last;
    }
    gm_tape_free(t);
    return s;
}

/* The target's tokens; those of the source, which is given, have log p = 0. */
static gm_status score_pair(gm_model *m, gm_ctx *ctx, const int64_t *id, int64_t n, float *log_p)
{
    const int64_t block = gm__transformer_cfg(m)->block;
    int64_t given = 0;
    while (given < n && id[given] != gm__transformer_of(m)->end) given++;
    for (int64_t i = 0; i < n && i <= given; i++) log_p[i] = 0;
    if (given + 1 >= n) return GM_OK;
    int64_t *source = gm__alloc(ctx, (size_t)block, sizeof *source), from = given < block ? 0 : given - block + 1;
    if (!source) return GM_ENOMEM;
    memcpy(source, id + from, (size_t)(given - from) * sizeof *id);
    gm_status s = windows(m, ctx, source, whole_source(m, source, given - from), id + given, n - given, log_p + given + 1);
    gm__free(ctx, source);
    return s;
}

static gm_status score(gm_model *m, gm_ctx *ctx, const int64_t *id, int64_t n, float *log_p)
{
    const gm__transformer *g = gm__transformer_of(m);
    if (!n) return GM_OK;
    if (gm__transformer_pairs(m)) return score_pair(m, ctx, id, n, log_p);
    if (!gm__transformer_cfg(m)->lines) { /* nothing stands before the first token: all are alike */
        log_p[0] = (float)-log((double)g->vocab);
        return windows(m, ctx, NULL, 0, id, n, log_p + 1);
    }
    int64_t *seq = gm__alloc(ctx, (size_t)n + 1, sizeof *seq);
    if (!seq) return GM_ENOMEM;
    seq[0] = g->end;
    memcpy(seq + 1, id, (size_t)n * sizeof *seq);
    gm_status s = windows(m, ctx, NULL, 0, seq, n + 1, log_p);
    gm__free(ctx, seq);
    return s;
}

/* ---- the row ------------------------------------------------------------------------------------- */

static gm_tokenizer *tokenizer(const gm_model *m) { return gm__transformer_of(m)->tk; }

static gm_status set_tokenizer(gm_model *m, gm_tokenizer *tk)
{
    gm__retain(tk);
    gm_tokenizer_free(gm__transformer_of(m)->tk);
    gm__transformer_of(m)->tk = tk;
    return GM_OK;
}

static int64_t context_of(const gm_model *m) { return gm__transformer_cfg(m)->block; }
static int64_t end_of(const gm_model *m) { return gm__transformer_of(m)->end; }

const gm__lm gm__transformer_language = { tokenizer, set_tokenizer, context_of, end_of, open_reader, copy_reader, close_reader, read_tokens, next, score, NULL };

/* ---- the encoder by itself -------------------------------------------------------------------------- */

/* u8 [B, 1, 1, T]: 1 before each row's length */
static gm_tensor *inside(gm_tape *t, const gm_tensor *tokens, const gm_tensor *length)
{
    const int64_t n = tokens->shape[1];
    gm_tensor *seen = gm_zeros(t, GM_U8, 4, (int64_t[]){ tokens->shape[0], 1, 1, n });
    for (int64_t i = 0; seen && i < tokens->shape[0]; i++)
        if (gm__i64(length)[i] < 1 || gm__i64(length)[i] > n)
            return gm__tape_fail(t, GM_EARG, "gm_transformer_encode: length %lld of row %lld; 1 to %lld wanted", (long long)gm__i64(length)[i], (long long)i, (long long)n);
        else memset(seen->data + i * n, 1, (size_t)gm__i64(length)[i]);
    return seen;
}

static gm_status check_encode(gm_model *m, gm_tensor *tokens, gm_tensor *length)
{
    char text[128];
    if (m->family != &gm__family_transformer) return gm__fail_ctx(m->ctx, GM_EARG, "gm_transformer_encode: the model is a %s", m->family->name);
    GM__TRY(gm__model_able(m->ctx, m, "encode texts without an encoder", gm__transformer_cfg(m)->kind != GM_TRANSFORMER_DECODER));
    if (!m->n_tensors || !gm__transformer_of(m)->tk) return gm__fail_ctx(m->ctx, GM_ESTATE, "transformer: no weights yet: fit the model first");
    GM__TRY(gm__check_tensor(gm__ctx_err(m->ctx), "gm_transformer_encode", "tokens", tokens));
    if (tokens->dtype != GM_I64) return gm__fail_ctx(m->ctx, GM_EDTYPE, "gm_transformer_encode: tokens are %s, i64 wanted", gm_dtype_name(tokens->dtype));
    if (tokens->ndim != 2 || tokens->shape[1] < 1 || tokens->shape[1] > gm__transformer_cfg(m)->block)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "gm_transformer_encode: tokens are %s; [rows, 1 to %d] wanted", gm__shape_text(text, tokens->ndim, tokens->shape), gm__transformer_cfg(m)->block);
    if (!length) return GM_OK;
    GM__TRY(gm__check_tensor(gm__ctx_err(m->ctx), "gm_transformer_encode", "length", length));
    if (length->dtype != GM_I64 || length->ndim != 1 || length->shape[0] != tokens->shape[0] || !length->contiguous)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "gm_transformer_encode: length is %s %s; i64 [%lld] wanted", gm_dtype_name(length->dtype), gm__shape_text(text, length->ndim, length->shape), (long long)tokens->shape[0]);
    return GM_OK;
}

gm_status gm_transformer_encode(gm_model *m, gm_tensor *tokens, gm_tensor *length, gm_tensor **out)
{
    gm_tape *t = NULL;
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    GM__TRY(check_encode(m, tokens, length));
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status s = gm__use_tape(m->ctx, &t);
    gm_tensor *seen = s || !length ? NULL : inside(t, tokens, length), *y = s || (length && !seen) ? NULL : gm__transformer_encode(m, t, tokens, seen);
    if (!s && !y) s = gm__tape_failed(m->ctx, t);
    if (!s) s = gm_tensor_copy(m->ctx, GM_F32, y->ndim, y->shape, gm__f32(y), out);
    gm_tape_free(t);
    gm__model_end_use(m);
    return s;
}
