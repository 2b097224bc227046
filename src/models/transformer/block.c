/* block.c - a transformer's block on a tape: its tensors, attention, feed. */
#include "models/transformer/block.h"
#include "models/lm.h"
#include <gm/attention.h>
#include <gm/image.h>
#include <math.h>
#include <string.h>

/* ---- tensors ------------------------------------------------------------------------ */

gm_status gm__block_check(gm_ctx *ctx, const char *who, int64_t embd, int64_t heads, int64_t kv_heads, bool rotary)
{
    if (embd % heads) return gm__fail_ctx(ctx, GM_EARG, "%s: embd=%lld is not divided by heads=%lld", who, (long long)embd, (long long)heads);
    if (kv_heads && heads % kv_heads) return gm__fail_ctx(ctx, GM_EARG, "%s: heads=%lld are not divided by kv-heads=%lld", who, (long long)heads, (long long)kv_heads);
    if (rotary && embd / heads % 2) return gm__fail_ctx(ctx, GM_EARG, "%s: rotary positions want heads of even size, not %lld", who, (long long)(embd / heads));
    return GM_OK;
}

int64_t gm__block_hidden(int64_t embd, int32_t activation) { return activation == GM__BLOCK_SWIGLU ? (8 * embd / 3 + 7) / 8 * 8 : 4 * embd; }

gm_status gm__add_drawn(gm_model *m, const char *name, int32_t ndim, const int64_t *shape, double mean, double std, uint64_t *index, gm_tensor **out)
{
    gm_tensor *t = NULL;
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, ndim, shape, &t));
    gm__init_normal(t, mean, std, gm__model_seed(m), (*index)++);
    gm_status s = gm__model_add_tensor(m, name, t, true);
    gm_tensor_free(t); /* the model's from here on */
    *out = s ? NULL : t;
    return s;
}

gm_status gm__find_shaped(gm_model *m, const char *name, int32_t ndim, const int64_t *shape, gm_tensor **out)
{
    char want[128], have[128];
    gm_tensor *t = gm__model_named(m, name);
    if (!t) return gm__fail_ctx(m->ctx, GM_EFORMAT, "%s: no tensor %s", m->family->name, name);
    if (t->dtype != GM_F32 || t->ndim != ndim || memcmp(t->shape, shape, (size_t)ndim * sizeof *shape))
        return gm__fail_ctx(m->ctx, GM_EFORMAT, "%s: tensor %s is %s %s, the options want f32 %s", m->family->name, name, gm_dtype_name(t->dtype),
                            gm__shape_text(have, t->ndim, t->shape), gm__shape_text(want, ndim, shape));
    *out = t;
    return GM_OK;
}

typedef struct part { const char *name; int64_t rows, cols; bool wanted; double mean, std; } part;

/* What tensor i of a block is; cols 0: a vector. */
static part part_of(const gm__block_cfg *c, int i, double std, double last_std)
{
    const int64_t d = c->embd / c->heads, qkv = (c->heads + 2 * c->kv_heads) * d, fc = c->activation == GM__BLOCK_SWIGLU ? 2 * c->hidden : c->hidden;
    const bool shift = c->bias && c->norm == GM__NORM_LAYER;
    switch (i) {
    case GM__NORM1: return (part){ "norm1.weight", c->embd, 0, true, 1, 0 };
    case GM__NORM1_B: return (part){ "norm1.bias", c->embd, 0, shift, 0, 0 };
    case GM__QKV: return (part){ "attn.qkv.weight", qkv, c->embd, true, 0, std };
    case GM__QKV_B: return (part){ "attn.qkv.bias", qkv, 0, c->bias, 0, 0 };
    case GM__PROJ: return (part){ "attn.proj.weight", c->embd, c->heads * d, true, 0, last_std };
    case GM__PROJ_B: return (part){ "attn.proj.bias", c->embd, 0, c->bias, 0, 0 };
    case GM__NORM2: return (part){ "norm2.weight", c->embd, 0, true, 1, 0 };
    case GM__NORM2_B: return (part){ "norm2.bias", c->embd, 0, shift, 0, 0 };
    case GM__FC: return (part){ "feed.in.weight", fc, c->embd, true, 0, std };
    case GM__FC_B: return (part){ "feed.in.bias", fc, 0, c->bias, 0, 0 };
    case GM__OUT: return (part){ "feed.out.weight", c->embd, c->hidden, true, 0, last_std };
    default: return (part){ "feed.out.bias", c->embd, 0, c->bias, 0, 0 };
    }
}

gm_status gm__block_add(gm_model *m, const char *prefix, const gm__block_cfg *c, double std, double last_std, uint64_t *index, gm__block *b)
{
    char name[80];
    for (int i = 0; i < GM__BLOCK_TENSORS; i++) {
        const part p = part_of(c, i, std, last_std);
        b->w[i] = NULL;
        if (!p.wanted) continue;
        gm__format(name, sizeof name, "%s.%s", prefix, p.name);
        GM__TRY(gm__add_drawn(m, name, p.cols ? 2 : 1, (int64_t[]){ p.rows, p.cols }, p.mean, p.std, index, &b->w[i]));
    }
    return GM_OK;
}

gm_status gm__block_find(gm_model *m, const char *prefix, const gm__block_cfg *c, gm__block *b)
{
    char name[80];
    for (int i = 0; i < GM__BLOCK_TENSORS; i++) {
        const part p = part_of(c, i, 0, 0);
        b->w[i] = NULL;
        gm__format(name, sizeof name, "%s.%s", prefix, p.name);
        if (p.wanted) GM__TRY(gm__find_shaped(m, name, p.cols ? 2 : 1, (int64_t[]){ p.rows, p.cols }, &b->w[i]));
    }
    return GM_OK;
}

gm_status gm__block_params(gm_model *m, gm_optim *o)
{
    for (size_t i = 0; i < m->n_tensors; i++) {
        const gm__named *n = &m->tensors[i];
        if (n->parameter) GM__TRY(gm__optim_add_named(o, n->name, n->tensor, n->tensor->ndim < 2 ? "weight-decay=0" : NULL));
    }
    return GM_OK;
}

/* ---- on a tape ------------------------------------------------------------------------ */

gm_tensor *gm__block_norm(gm_tape *t, const gm__block_cfg *c, gm_tensor *x, gm_tensor *w, gm_tensor *b)
{
    return c->norm == GM__NORM_RMS ? gm_rms_norm(t, x, w, c->eps) : gm_layer_norm(t, x, w, b, c->eps);
}

gm_tensor *gm__block_heads(gm_tape *t, gm_tensor *x, int64_t all, int64_t first, int64_t heads)
{
    if (!x) return NULL;
    x = gm_reshape(t, x, 4, (int64_t[]){ x->shape[0], x->shape[1], all, x->shape[2] / all });
    if (heads < all) x = gm_slice(t, x, 2, first, first + heads, 1);
    return gm_transpose(t, x, 1, 2);
}

gm_tensor *gm__block_merge(gm_tape *t, gm_tensor *x)
{
    if (!x) return NULL;
    const int64_t shape[] = { x->shape[0], x->shape[2], x->shape[1] * x->shape[3] };
    return gm_reshape(t, gm_transpose(t, x, 1, 2), 3, shape);
}

gm_tensor *gm__block_attend(gm_tape *t, const gm__block *b, const gm__block_cfg *c, gm_tensor *x, gm_tensor *mask)
{
    const int64_t all = c->heads + 2 * c->kv_heads;
    gm_tensor *qkv = gm_linear(t, x, b->w[GM__QKV], b->w[GM__QKV_B]);
    gm_tensor *q = gm__block_heads(t, qkv, all, 0, c->heads);
    gm_tensor *k = gm__block_heads(t, qkv, all, c->heads, c->kv_heads);
    gm_tensor *v = gm__block_heads(t, qkv, all, c->heads + c->kv_heads, c->kv_heads);
    if (c->rotary) q = gm_rope(t, q, 0, c->base), k = gm_rope(t, k, 0, c->base);
    gm_tensor *y = gm_attention(t, q, k, v, mask, 0, c->causal);
    return gm_linear(t, gm__block_merge(t, y), b->w[GM__PROJ], b->w[GM__PROJ_B]);
}

gm_tensor *gm__block_feed(gm_tape *t, const gm__block *b, const gm__block_cfg *c, gm_tensor *x)
{
    const bool relu = c->activation == GM__BLOCK_RELU;
    gm_tensor *h = relu ? gm_linear_act(t, x, b->w[GM__FC], b->w[GM__FC_B], GM_ACT_RELU, 0) : gm_linear(t, x, b->w[GM__FC], b->w[GM__FC_B]);
    switch (c->activation) {
    case GM__GELU_TANH: h = gm_gelu_tanh(t, h); break;
    case GM__GELU_ERF: h = gm_gelu(t, h); break;
    case GM__BLOCK_SILU: h = gm_silu(t, h); break;
    case GM__BLOCK_SWIGLU: h = gm_mul(t, gm_silu(t, gm_slice(t, h, -1, 0, c->hidden, 1)), gm_slice(t, h, -1, c->hidden, 2 * c->hidden, 1)); break;
    default: break;
    }
    return gm_linear(t, h, b->w[GM__OUT], b->w[GM__OUT_B]);
}

static gm_tensor *dropped(gm_tape *t, const gm__block_cfg *c, gm_tensor *x) { return c->dropout > 0 ? gm_dropout(t, x, c->dropout) : x; }

/* x + y, with norms before y was made or after the sum */
static gm_tensor *added(gm_tape *t, const gm__block_cfg *c, gm_tensor *x, gm_tensor *y, gm_tensor *w, gm_tensor *b)
{
    x = gm_add(t, x, dropped(t, c, y));
    return c->post ? gm__block_norm(t, c, x, w, b) : x;
}

gm_tensor *gm__block_look(gm_tape *t, const gm__block *b, const gm__block_cfg *c, gm_tensor *x, gm_tensor *mask)
{
    gm_tensor *w = b->w[GM__NORM1], *shift = b->w[GM__NORM1_B];
    return added(t, c, x, gm__block_attend(t, b, c, c->post ? x : gm__block_norm(t, c, x, w, shift), mask), w, shift);
}

gm_tensor *gm__block_think(gm_tape *t, const gm__block *b, const gm__block_cfg *c, gm_tensor *x)
{
    gm_tensor *w = b->w[GM__NORM2], *shift = b->w[GM__NORM2_B];
    return added(t, c, x, gm__block_feed(t, b, c, c->post ? x : gm__block_norm(t, c, x, w, shift)), w, shift);
}

gm_tensor *gm__block_run(gm_tape *t, const gm__block *b, const gm__block_cfg *c, gm_tensor *x, gm_tensor *mask)
{
    return gm__block_think(t, b, c, gm__block_look(t, b, c, x, mask));
}

void gm__sinusoid_rows(float *out, int64_t first, int64_t n, int64_t embd)
{
    for (int64_t p = 0; p < n; p++)
        for (int64_t i = 0; i < embd; i++) {
            const double angle = (double)(first + p) * pow(10000, -(double)(i - i % 2) / (double)embd);
            out[p * embd + i] = (float)(i % 2 ? cos(angle) : sin(angle));
        }
}

gm_tensor *gm__sinusoids(gm_tape *t, int64_t first, int64_t n, int64_t embd)
{
    gm_tensor *y = gm_zeros(t, GM_F32, 2, (int64_t[]){ n, embd });
    if (y) gm__sinusoid_rows(gm__f32(y), first, n, embd);
    return y;
}
