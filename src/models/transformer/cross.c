/* cross.c - the part of a block that looks at another text: its tensors, and the part on a tape. Row by row: step.c. */
#include "models/transformer/block.h"
#include <gm/attention.h>

typedef struct part { const char *name; int64_t rows, cols; bool wanted; double mean, std; } part;

static part part_of(const gm__block_cfg *c, int i, double std, double last_std)
{
    const int64_t d = c->embd / c->heads;
    const bool shift = c->bias && c->norm == GM__NORM_LAYER;
    switch (i) {
    case GM__CROSS_NORM: return (part){ "norm.weight", c->embd, 0, true, 1, 0 };
    case GM__CROSS_NORM_B: return (part){ "norm.bias", c->embd, 0, shift, 0, 0 };
    case GM__CROSS_Q: return (part){ "q.weight", c->heads * d, c->embd, true, 0, std };
    case GM__CROSS_Q_B: return (part){ "q.bias", c->heads * d, 0, c->bias, 0, 0 };
    case GM__CROSS_KV: return (part){ "kv.weight", 2 * c->kv_heads * d, c->embd, true, 0, std };
    case GM__CROSS_KV_B: return (part){ "kv.bias", 2 * c->kv_heads * d, 0, c->bias, 0, 0 };
    case GM__CROSS_PROJ: return (part){ "proj.weight", c->embd, c->heads * d, true, 0, last_std };
    default: return (part){ "proj.bias", c->embd, 0, c->bias, 0, 0 };
    }
}

gm_status gm__cross_make(gm_model *m, const char *prefix, const gm__block_cfg *c, double std, double last_std, uint64_t *index, gm__cross *x)
{
    char name[80];
    for (int i = 0; i < GM__CROSS_TENSORS; i++) {
        const part p = part_of(c, i, std, last_std);
        const int64_t shape[] = { p.rows, p.cols };
        x->w[i] = NULL;
        gm__format(name, sizeof name, "%s.cross.%s", prefix, p.name);
        if (!p.wanted) continue;
        GM__TRY(index ? gm__add_drawn(m, name, p.cols ? 2 : 1, shape, p.mean, p.std, index, &x->w[i]) : gm__find_shaped(m, name, p.cols ? 2 : 1, shape, &x->w[i]));
    }
    return GM_OK;
}

static gm_tensor *attend(gm_tape *t, const gm__cross *w, const gm__block_cfg *c, gm_tensor *x, gm_tensor *memory, gm_tensor *mask)
{
    gm_tensor *kv = gm_linear(t, memory, w->w[GM__CROSS_KV], w->w[GM__CROSS_KV_B]);
    gm_tensor *q = gm__block_heads(t, gm_linear(t, x, w->w[GM__CROSS_Q], w->w[GM__CROSS_Q_B]), c->heads, 0, c->heads);
    gm_tensor *k = gm__block_heads(t, kv, 2 * c->kv_heads, 0, c->kv_heads), *v = gm__block_heads(t, kv, 2 * c->kv_heads, c->kv_heads, c->kv_heads);
    gm_tensor *y = gm_attention(t, q, k, v, mask, 0, 0);
    return gm_linear(t, gm__block_merge(t, y), w->w[GM__CROSS_PROJ], w->w[GM__CROSS_PROJ_B]);
}

gm_tensor *gm__cross_run(gm_tape *t, const gm__cross *w, const gm__block_cfg *c, gm_tensor *x, gm_tensor *memory, gm_tensor *mask)
{
    gm_tensor *norm = w->w[GM__CROSS_NORM], *shift = w->w[GM__CROSS_NORM_B];
    gm_tensor *y = attend(t, w, c, c->post ? x : gm__block_norm(t, c, x, norm, shift), memory, mask);
    if (c->dropout > 0) y = gm_dropout(t, y, c->dropout);
    x = gm_add(t, x, y);
    return c->post ? gm__block_norm(t, c, x, norm, shift) : x;
}
