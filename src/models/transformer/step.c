/* step.c - a block row by row, for texts that grow by a token: no tape, weights read once, keys and values kept. */
#include "kernels/kernels.h"
#include "models/transformer/block.h"
#include <math.h>
#include <string.h>

/* ---- products: dot products of rows, four rows of weights at a time ------------------------- */

enum {
    ROWS = 4,
    TASK = 1 << 15,  /* numbers of a matrix that are worth a thread's while */
    LARGE = 1 << 17, /* numbers of one that the caches near by do not keep until the next token */
    AHEAD = 1 << 13, /* its numbers are asked for so long before they are wanted */
    LINE = 16,
};

typedef struct product { const gm__kern *kern; int64_t n, in, out, each, ahead; const float *x, *w, *bias; float *y; } product;

static void some(void *arg, size_t task, size_t worker)
{
    const product *p = arg;
    const int64_t first = (int64_t)task * p->each, last = first + p->each < p->out ? first + p->each : p->out;
    GM__UNUSED(worker);
    for (int64_t j = first; j < last; j += ROWS) {
        const size_t m = last - j < ROWS ? (size_t)(last - j) : ROWS;
        for (int64_t k = j * p->in + p->ahead, end = k + ROWS * p->in; p->ahead && k < end && k < p->out * p->in; k += LINE) __builtin_prefetch(p->w + k);
        for (int64_t i = 0; i < p->n; i++) {
            float *y = p->y + i * p->out + j;
            p->kern->conv_dot_f32(1, (size_t)p->in, p->w + j * p->in, (ptrdiff_t)p->in, 0, p->x + i * p->in, 0, y, 1, m, 1, false);
            for (size_t r = 0; p->bias && r < m; r++) y[r] += p->bias[j + (int64_t)r];
        }
    }
}

void gm__step_linear(gm_ctx *ctx, int64_t n, const float *x, const gm_tensor *w, const gm_tensor *bias, float *y)
{
    product p = { .kern = ctx->kern, .n = n, .in = w->shape[1], .out = w->shape[0], .x = x, .w = gm__f32(w), .bias = bias ? gm__f32(bias) : NULL, .y = y };
    p.ahead = p.in * p.out > LARGE ? AHEAD : 0;
    p.each = (TASK / p.in + ROWS) / ROWS * ROWS;
    size_t tasks = (size_t)((p.out + p.each - 1) / p.each);
    if (tasks > 3) gm__parallel(ctx, tasks, some, &p);
    else p.each = p.out, some(&p, 0, 0);
}

void gm__step_norm(gm_ctx *ctx, const gm__block_cfg *c, int64_t n, const float *x, const gm_tensor *w, const gm_tensor *bias, float *y)
{
    float mean[GM__STEP_ROWS], rstd[GM__STEP_ROWS];
    const bool rms = c->norm == GM__NORM_RMS;
    ctx->kern->layer_norm_f32((size_t)n, (size_t)c->embd, (float)c->eps, y, rms ? NULL : mean, rstd, x, gm__f32(w), bias ? gm__f32(bias) : NULL);
}

/* ---- attention -------------------------------------------------------------------------- */

void gm__step_turns(float *turn, int64_t room, int64_t d, double base)
{
    for (int64_t p = 0; p < room; p++)
        for (int64_t i = 0; i < d / 2; i++) {
            const double angle = (double)p * pow(base, -2 * (double)i / (double)d);
            turn[p * d + i] = (float)cos(angle);
            turn[p * d + d / 2 + i] = (float)sin(angle);
        }
}

/* Rotary positions: numbers i and i + d/2 of a head are a point that turns [Su et al. 2021]. */
static void rotate(float *x, int64_t d, const float *turn)
{
    for (int64_t i = 0; i < d / 2; i++) {
        const float a = x[i], b = x[i + d / 2], c = turn[i], s = turn[d / 2 + i];
        x[i] = a * c - b * s;
        x[i + d / 2] = b * c + a * s;
    }
}

/* One head of one row: y [D] = softmax(K q / sqrt(D)) V over the first n rows */
static void head(const gm__kern *kern, int64_t d, int64_t n, float *q, const float *k, const float *v, float *score, float *y)
{
    const float scale = (float)(1 / sqrt((double)d));
    for (int64_t i = 0; i < d; i++) q[i] *= scale;
    for (int64_t j = 0; j < n; j += ROWS)
        kern->conv_dot_f32(1, (size_t)d, k + j * d, (ptrdiff_t)d, 0, q, 0, score + j, 1, n - j < ROWS ? (size_t)(n - j) : ROWS, 1, false);
    kern->softmax_f32(1, (size_t)n, score, score);
    kern->gemv_f32((size_t)d, (size_t)n, y, score, 1, v, (ptrdiff_t)d, 1, false);
}

typedef struct layout { int64_t d, qkv, fc, wide; float *h, *y, *a, *b, *score; } layout; /* of the scratch */

static layout sizes_of(const gm__block_cfg *c)
{
    layout l = { .d = c->embd / c->heads, .fc = c->activation == GM__BLOCK_SWIGLU ? 2 * c->hidden : c->hidden };
    l.qkv = (c->heads + 2 * c->kv_heads) * l.d;
    l.wide = l.qkv > l.fc ? l.qkv : l.fc;
    return l;
}

static layout lay_out(const gm__block_cfg *c, float *scratch)
{
    layout l = sizes_of(c);
    l.h = scratch;
    l.y = l.h + GM__STEP_ROWS * c->embd;
    l.a = l.y + GM__STEP_ROWS * c->embd;
    l.b = l.a + GM__STEP_ROWS * l.wide;
    l.score = l.b + GM__STEP_ROWS * l.wide;
    return l;
}

size_t gm__step_scratch(const gm__block_cfg *c, int64_t room) { return (size_t)(2 * GM__STEP_ROWS * (c->embd + sizes_of(c).wide) + room); }

static void attend(gm_ctx *ctx, const gm__block_cfg *c, const layout *l, const gm__cache *seen, const float *turn, int64_t at, int64_t n)
{
    const int64_t d = l->d, share = c->heads / c->kv_heads;
    for (int64_t i = 0; i < n; i++) {
        float *q = l->a + i * l->qkv, *k = q + c->heads * d, *v = k + c->kv_heads * d;
        const float *here = turn ? turn + (at + i) * d : NULL;
        for (int64_t g = 0; g < c->kv_heads; g++) {
            float *to = seen->k + (g * seen->room + at + i) * d;
            memcpy(to, k + g * d, (size_t)d * sizeof *to);
            if (here) rotate(to, d, here);
            memcpy(seen->v + (g * seen->room + at + i) * d, v + g * d, (size_t)d * sizeof *to);
        }
        for (int64_t h = 0; h < c->heads; h++) {
            const int64_t from = h / share * seen->room * d;
            if (here) rotate(q + h * d, d, here);
            head(ctx->kern, d, at + i + 1, q + h * d, seen->k + from, seen->v + from, l->score, l->y + i * c->embd + h * d);
        }
    }
}

static void activate(gm_ctx *ctx, const gm__block_cfg *c, const layout *l, int64_t n)
{
    static const int unary[] = { GM__U_GELU_TANH, GM__U_GELU, GM__U_RELU, 0, GM__U_SILU };
    if (c->activation != GM__BLOCK_SWIGLU) {
        ctx->kern->unary_f32[unary[c->activation]]((size_t)(n * c->hidden), l->a, l->a, (float[2]){ 0 });
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        float *gate = l->a + i * l->fc, *to = l->b + i * c->hidden;
        ctx->kern->unary_f32[GM__U_SILU]((size_t)c->hidden, to, gate, (float[2]){ 0 });
        ctx->kern->binary_f32[GM__B_MUL]((size_t)c->hidden, to, to, gate + c->hidden, GM__VV, (float[2]){ 0 });
    }
}

static void add(gm_ctx *ctx, const gm__block_cfg *c, int64_t n, float *x, const float *y) { ctx->kern->axpy_f32((size_t)(n * c->embd), x, 1, y); }

void gm__step_look(gm_ctx *ctx, const gm__block *b, const gm__block_cfg *c, const gm__cache *seen, const float *turn, int64_t at, int64_t n, float *x, float *scratch)
{
    const layout l = lay_out(c, scratch);
    gm_tensor *const *w = b->w;
    if (!c->post) gm__step_norm(ctx, c, n, x, w[GM__NORM1], w[GM__NORM1_B], l.h);
    gm__step_linear(ctx, n, c->post ? x : l.h, w[GM__QKV], w[GM__QKV_B], l.a);
    attend(ctx, c, &l, seen, turn, at, n);
    gm__step_linear(ctx, n, l.y, w[GM__PROJ], w[GM__PROJ_B], l.h);
    add(ctx, c, n, x, l.h);
    if (c->post) gm__step_norm(ctx, c, n, x, w[GM__NORM1], w[GM__NORM1_B], x);
}

void gm__step_cross(gm_ctx *ctx, const gm__cross *cross, const gm__block_cfg *c, const gm__cache *seen, int64_t n_seen, int64_t n, float *x, float *scratch)
{
    const layout l = lay_out(c, scratch);
    const int64_t share = c->heads / c->kv_heads;
    gm_tensor *const *w = cross->w;
    if (!c->post) gm__step_norm(ctx, c, n, x, w[GM__CROSS_NORM], w[GM__CROSS_NORM_B], l.h);
    gm__step_linear(ctx, n, c->post ? x : l.h, w[GM__CROSS_Q], w[GM__CROSS_Q_B], l.a);
    for (int64_t i = 0; i < n * c->heads; i++) {
        const int64_t from = i % c->heads / share * seen->room * l.d;
        head(ctx->kern, l.d, n_seen, l.a + i * l.d, seen->k + from, seen->v + from, l.score, l.y + i * l.d);
    }
    gm__step_linear(ctx, n, l.y, w[GM__CROSS_PROJ], w[GM__CROSS_PROJ_B], l.h);
    add(ctx, c, n, x, l.h);
    if (c->post) gm__step_norm(ctx, c, n, x, w[GM__CROSS_NORM], w[GM__CROSS_NORM_B], x);
}

void gm__step_think(gm_ctx *ctx, const gm__block *b, const gm__block_cfg *c, int64_t n, float *x, float *scratch)
{
    const layout l = lay_out(c, scratch);
    gm_tensor *const *w = b->w;
    if (!c->post) gm__step_norm(ctx, c, n, x, w[GM__NORM2], w[GM__NORM2_B], l.h);
    gm__step_linear(ctx, n, c->post ? x : l.h, w[GM__FC], w[GM__FC_B], l.a);
    activate(ctx, c, &l, n);
    gm__step_linear(ctx, n, c->activation == GM__BLOCK_SWIGLU ? l.b : l.a, w[GM__OUT], w[GM__OUT_B], l.h);
    add(ctx, c, n, x, l.h);
    if (c->post) gm__step_norm(ctx, c, n, x, w[GM__NORM2], w[GM__NORM2_B], x);
}

void gm__block_step(gm_ctx *ctx, const gm__block *b, const gm__block_cfg *c, const gm__cache *seen, const float *turn, int64_t at, int64_t n, float *x, float *scratch)
{
    gm__step_look(ctx, b, c, seen, turn, at, n, x, scratch);
    gm__step_think(ctx, b, c, n, x, scratch);
}
