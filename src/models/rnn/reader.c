/* reader.c - texts token by token with the state at hand; scores of whole texts.
 *
 * A step reads all weights once and makes nothing anew: they are laid out for it when a reader is opened, column after column of 128
 * numbers, and shared by the reader's copies. */
#include "models/rnn/rnn.h"
#include <math.h>
#include <string.h>

enum { WIDE = 128 }; /* columns that go side by side */

/* A matrix [k, n] in strips of WIDE columns. */
typedef struct strips { int64_t k, n; float *data; } strips;
typedef struct laid { strips w_ih, w_hh; } laid;

typedef struct weights {
    atomic_int readers;
    float *table;              /* [vocabulary, gates]: what a token gives the first layer */
    laid *layer;               /* [depth]; w_ih of the first: none */
    strips head;
} weights;

typedef struct reader {
    weights *w;
    bool begun;                /* a token has been read */
    float *h, *c;              /* [depth, hidden] */
    float *x, *u;              /* [gates]: of the input, of the state */
} reader;

/* ---- weights as a step takes them ----------------------------------------------------------- */

/* of w [n, k], transposed */
static gm_status lay(gm_ctx *ctx, const gm_tensor *w, strips *s)
{
    const int64_t n = w->shape[0], k = w->shape[1];
    const float *from = gm__f32(w);
    *s = (strips){ k, n, gm__alloc(ctx, (size_t)(n * k), sizeof(float)) };
    if (!s->data) return GM_ENOMEM;
    for (int64_t j = 0; j < n; j += WIDE) {
        const int64_t some = n - j < WIDE ? n - j : WIDE;
        for (int64_t i = 0; i < k; i++)
            for (int64_t q = 0; q < some; q++) s->data[j * k + i * some + q] = from[(j + q) * k + i];
    }
    return GM_OK;
}

/* y [n] (+)= x [k] times the matrix */
static void product(gm_ctx *ctx, const strips *s, const float *x, float *y, bool add)
{
    for (int64_t j = 0; j < s->n; j += WIDE) {
        const int64_t some = s->n - j < WIDE ? s->n - j : WIDE;
        ctx->kern->gemv_f32((size_t)some, (size_t)s->k, y + j, x, 1, s->data + j * s->k, some, 1, add);
    }
}

static void free_weights(const gm_model *m, gm_ctx *ctx, weights *w)
{
    if (!w || atomic_fetch_sub(&w->readers, 1) > 1) return;
    for (int32_t i = 0; w->layer && i < gm__rnn_cfg(m)->depth; i++) {
        gm__free(ctx, w->layer[i].w_ih.data);
        gm__free(ctx, w->layer[i].w_hh.data);
    }
    gm__free(ctx, w->layer);
    gm__free(ctx, w->table);
    gm__free(ctx, w->head.data);
    gm__free(ctx, w);
}

/* The first layer's gates of each token. */
static gm_status table_of(const gm_model *m, gm_ctx *ctx, float *table)
{
    const gm__rnn *r = gm__rnn_of(m);
    const gm__rnn_layer *l = &r->layer[0];
    const int64_t g = gm__rnn_gates(m);
    if (r->tokens) {
        const int64_t in = l->w_ih->shape[1];
        gm__gemm p = { .m = (size_t)r->vocab, .n = (size_t)g, .k = (size_t)in, .a = r->tokens->data, .ars = in, .acs = 1, .b = l->w_ih->data, .brs = 1, .bcs = in,
                       .c = table, .ldc = (size_t)g, .bias = l->b_ih->data };
        return gm__gemm_f32(ctx, &p);
    }
    for (int64_t v = 0; v < r->vocab; v++)
        for (int64_t j = 0; j < g; j++) table[v * g + j] = gm__f32(l->w_ih)[j * r->vocab + v] + gm__f32(l->b_ih)[j];
    return GM_OK;
}

static gm_status lay_out(const gm_model *m, gm_ctx *ctx, weights **out)
{
    const gm__rnn *r = gm__rnn_of(m);
    const gm_rnn_config *c = gm__rnn_cfg(m);
    weights *w = gm__calloc(ctx, 1, sizeof *w);
    if (!w) return GM_ENOMEM;
    atomic_init(&w->readers, 1);
    w->layer = gm__calloc(ctx, (size_t)c->depth, sizeof *w->layer);
    w->table = gm__alloc(ctx, (size_t)r->vocab, (size_t)gm__rnn_gates(m) * sizeof(float));
    gm_status s = w->layer && w->table ? table_of(m, ctx, w->table) : GM_ENOMEM;
    for (int32_t i = 0; !s && i < c->depth; i++) {
        if (i) s = lay(ctx, r->layer[i].w_ih, &w->layer[i].w_ih);
        if (!s) s = lay(ctx, r->layer[i].w_hh, &w->layer[i].w_hh);
    }
    if (!s) s = lay(ctx, r->head, &w->head);
    if (s) free_weights(m, ctx, w);
    else *out = w;
    return s;
}

/* ---- readers ------------------------------------------------------------------------------------ */

static void close_reader(gm_model *m, gm_ctx *ctx, void *reader_)
{
    reader *r = reader_;
    free_weights(m, ctx, r->w);
    gm__free(ctx, r->h);
    gm__free(ctx, r);
}

static size_t state_size(const gm_model *m) { return (size_t)gm__rnn_cfg(m)->depth * (size_t)gm__rnn_cfg(m)->hidden; }

/* w: taken, also on failure */
static gm_status make(gm_model *m, gm_ctx *ctx, weights *w, reader **out)
{
    const size_t n = state_size(m), g = (size_t)gm__rnn_gates(m);
    reader *r = gm__calloc(ctx, 1, sizeof *r);
    float *p = r ? gm__calloc(ctx, 2 * (n + g), sizeof *p) : NULL;
    if (!p) {
        gm__free(ctx, r);
        free_weights(m, ctx, w);
        return GM_ENOMEM;
    }
    *r = (reader){ .w = w, .h = p, .c = p + n, .x = p + 2 * n, .u = p + 2 * n + g };
    *out = r;
    return GM_OK;
}

static void step(const gm_model *m, gm_ctx *ctx, reader *r, int64_t id)
{
    const gm_rnn_config *c = gm__rnn_cfg(m);
    const int64_t n = c->hidden, g = gm__rnn_gates(m);
    gm__cell s = { .rows = 1, .n = (size_t)n, .u = r->u };
    for (int32_t i = 0; i < c->depth; i++) {
        const gm__rnn_layer *l = &gm__rnn_of(m)->layer[i];
        float *h = r->h + i * n, *memory = r->c + i * n;
        s.x = i ? r->x : r->w->table + id * g;
        if (i) {
            memcpy(r->x, l->b_ih->data, (size_t)g * sizeof(float));
            product(ctx, &r->w->layer[i].w_ih, h - n, r->x, true);
        }
        product(ctx, &r->w->layer[i].w_hh, h, r->u, false);
        s.b = l->b_hh->data;
        s.h0 = s.h = h;
        s.c0 = s.c = memory;
        ctx->kern->cell_f32[c->cell](&s);
    }
    r->begun = true;
}

static gm_status read_tokens(gm_model *m, gm_ctx *ctx, void *reader_, const int64_t *id, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (i % 1024 == 1023) GM__TRY(gm__check_cancel(ctx));
        step(m, ctx, reader_, id[i]);
    }
    return GM_OK;
}

static gm_status open_reader(gm_model *m, gm_ctx *ctx, void **out)
{
    weights *w = NULL;
    reader *r = NULL;
    *out = NULL;
    GM__TRY(lay_out(m, ctx, &w));
    GM__TRY(make(m, ctx, w, &r));
    if (gm__rnn_cfg(m)->lines) step(m, ctx, r, gm__rnn_of(m)->end);
    *out = r;
    return GM_OK;
}

static gm_status copy_reader(gm_model *m, gm_ctx *ctx, const void *from, void **to)
{
    const reader *a = from;
    reader *b = NULL;
    *to = NULL;
    atomic_fetch_add(&a->w->readers, 1);
    GM__TRY(make(m, ctx, a->w, &b));
    b->begun = a->begun;
    memcpy(b->h, a->h, 2 * state_size(m) * sizeof(float));
    *to = b;
    return GM_OK;
}

static void logits_of(const gm_model *m, gm_ctx *ctx, const reader *r, float *logits)
{
    const gm__rnn *n = gm__rnn_of(m);
    const float *top = r->h + (gm__rnn_cfg(m)->depth - 1) * gm__rnn_cfg(m)->hidden;
    memcpy(logits, n->head_b->data, (size_t)n->vocab * sizeof(float));
    product(ctx, &r->w->head, top, logits, true);
}

/* Before anything has been read, the next token is told as after the end of a line; the text itself then begins with a state of zeros. */
static gm_status next(gm_model *m, gm_ctx *ctx, void *reader_, float *logits)
{
    reader *r = reader_;
    const bool lend = !r->begun && gm__rnn_of(m)->start >= 0;
    if (lend) step(m, ctx, r, gm__rnn_of(m)->start);
    logits_of(m, ctx, r, logits);
    if (lend) {
        memset(r->h, 0, 2 * state_size(m) * sizeof(float));
        r->begun = false;
    }
    return GM_OK;
}

/* ---- scores ------------------------------------------------------------------------------------- */

/* Tokens first .. first+n-1 of a text, each told from the one before it and the state, which goes on. */
static gm_status stretch(gm_model *m, gm_tape *t, const int64_t *told_from, const int64_t *id, int64_t n, gm_tensor **h, gm_tensor **c, float *log_p)
{
    gm_tensor *in = gm__tape_tensor(t, GM_I64, 2, (int64_t[]){ n, 1 }), *target = gm__tape_tensor(t, GM_I64, 1, &n);
    if (in && target) memcpy(in->data, told_from, (size_t)n * sizeof *id), memcpy(target->data, id, (size_t)n * sizeof *id);
    gm_tensor *y = gm__rnn_run(m, t, target ? in : NULL, h, c, NULL);
    y = y ? gm_cross_entropy(t, gm__rnn_logits(m, t, y), target, GM_NONE) : NULL;
    if (!y) return gm__tape_failed(m->ctx, t);
    for (int64_t i = 0; i < n; i++) log_p[i] = -gm__f32(y)[i];
    return GM_OK;
}

static void keep_states(gm_model *m, gm_tensor **h, gm_tensor **own)
{
    const int32_t all = gm__rnn_cfg(m)->depth * 2;
    for (int32_t i = 0; i < all; i++) {
        if (!h[i]) continue;
        gm_tensor_assign(own[i], h[i]);
        h[i] = own[i];
    }
}

static gm_status score(gm_model *m, gm_ctx *ctx, const int64_t *id, int64_t n, float *log_p)
{
    enum { STRETCH = 512 };
    const gm_rnn_config *c = gm__rnn_cfg(m);
    const size_t all = (size_t)c->depth * 2;
    const bool lines = c->lines;
    gm_tape *t = NULL;
    if (!n) return GM_OK;
    if (!lines) GM__TRY(gm__lm_first(m, ctx, gm__rnn_of(m)->vocab, *id, log_p));
    gm_tensor **h = gm__calloc(ctx, all, 2 * sizeof *h), **own = h ? h + all : NULL;
    gm_status s = h ? gm__use_tape(ctx, &t) : GM_ENOMEM;
    for (size_t i = 0; !s && i < all; i++) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 1, c->hidden }, &own[i]);
    if (!s && lines) s = stretch(m, t, &gm__rnn_of(m)->end, id, 1, h, h + c->depth, log_p);
    for (int64_t i = 1; !s && i < n; i += STRETCH) {
        if ((s = gm__check_cancel(ctx))) break;
        keep_states(m, h, own);
        gm_tape_reset(t);
        s = stretch(m, t, id + i - 1, id + i, n - i < STRETCH ? n - i : STRETCH, h, h + c->depth, log_p + i);
    }
    gm_tape_free(t);
    for (size_t i = 0; h && i < all; i++) gm_tensor_free(own[i]);
    gm__free(ctx, h);
    return s;
}

/* ---- the row ------------------------------------------------------------------------------------- */

static gm_tokenizer *tokenizer(const gm_model *m) { return gm__rnn_of(m)->tk; }

static gm_status set_tokenizer(gm_model *m, gm_tokenizer *tk)
{
    gm__retain(tk);
    gm_tokenizer_free(gm__rnn_of(m)->tk);
    gm__rnn_of(m)->tk = tk;
    return GM_OK;
}

static int64_t context_of(const gm_model *m)
{
    GM__UNUSED(m);
    return 0;
}
static int64_t end_of(const gm_model *m) { return gm__rnn_of(m)->end; }

const gm__lm gm__rnn_language = { tokenizer, set_tokenizer, context_of, end_of, open_reader, copy_reader, close_reader, read_tokens, next, score, NULL };
