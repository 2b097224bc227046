/* condition.c - from codes to rows to what the discriminator says of them, and how a label enters on the way. */
#include "models/gan/gan.h"

/* ---- codes ------------------------------------------------------------------------------------ */

static gm_tensor *noise(const gm_gan_config *c, gm_tape *t, int64_t n, int64_t size, double temperature, double truncation)
{
    const int64_t shape[] = {n, size};
    if (c->noise == GM_NOISE_UNIFORM) return gm_uniform(t, 2, shape, -temperature, temperature);
    if (truncation > 0) return gm_truncated_normal(t, 2, shape, 0, temperature, -truncation * temperature, truncation * temperature);
    return gm_normal(t, 2, shape, 0, temperature);
}

/* Rows of 0 and one 1: [N] -> [N, k]. */
static gm_tensor *onehot(gm_tape *t, gm_tensor *index, int64_t k)
{
    gm_tensor *table = gm_zeros(t, GM_F32, 2, (int64_t[]){k, k});
    for (int64_t i = 0; table && i < k; i++) gm__f32(table)[i * k + i] = 1;
    return gm_embedding(t, table, index);
}

gm__gan_code gm__gan_draw_code(const gm_model *m, gm_tape *t, int64_t n, double temperature, double truncation)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    const gm__gan *g = gm__gan_of(m);
    gm__gan_code code = {.z = NULL};
    gm_tensor *parts[GM__GAN_CODES + 2];
    int32_t k = 0;
    parts[k++] = noise(c, t, n, g->noise, temperature, truncation);
    for (size_t i = 0; i < g->n_codes; i++) {
        code.index[i] = gm_categorical(t, gm_zeros(t, GM_F32, 2, (int64_t[]){n, g->values[i]}));
        parts[k++] = onehot(t, code.index[i], g->values[i]);
    }
    if (c->codes_uniform) parts[k++] = code.uniform = gm_uniform(t, 2, (int64_t[]){n, c->codes_uniform}, -1, 1);
    code.z = k > 1 ? gm_concat(t, parts, k, 1) : parts[0];
    return code;
}

/* ---- rows ---------------------------------------------------------------------------------------- */

gm_tensor *gm__gan_rows_in(const gm_model *m, gm_tape *t, gm_tensor *x)
{
    if (!x) return NULL;
    gm_tensor *rows = gm_reshape(t, x, 2, (int64_t[]){x->shape[0], m->row});
    return gm__gan_of(m)->maps ? gm_affine(t, rows, 2, -1) : rows;
}

gm_tensor *gm__gan_rows_out(const gm_model *m, gm_tape *t, gm_tensor *y)
{
    int64_t shape[GM_MAX_DIMS];
    if (!y) return NULL;
    if (gm__gan_of(m)->maps) y = gm_affine(t, y, 0.5, 0.5);
    shape[0] = y ? y->shape[0] : 0;
    for (int32_t i = 0; i < m->ndim; i++) shape[1 + i] = m->shape[i];
    return gm_reshape(t, y, m->ndim + 1, shape);
}

/* A label as a net is told it: rows of 0 and 1, or what a net of its own learned to say for them. */
static gm_tensor *told(gm_net *label, gm_tape *t, gm_tensor *cond) { return label && cond ? gm_net_apply(label, t, cond, NULL) : cond; }

static gm_tensor *in_type_of(gm_tape *t, const gm_net *net, gm_tensor *x)
{
    const gm_tensor *w = gm_net_tensor(net, 0);
    return x && w && w->dtype != x->dtype && gm__is_float(w->dtype) ? gm_cast(t, x, w->dtype) : x;
}

gm_tensor *gm__gan_generate(const gm_model *m, gm_tape *t, gm_tensor *z, gm_tensor *cond)
{
    const gm__gan *g = gm__gan_of(m);
    z = in_type_of(t, g->g, z);
    gm_tensor *y = z ? gm_net_apply(g->g, t, z, g->cond ? told(g->g_label, t, cond) : NULL) : NULL;
    return y ? gm_reshape(t, y, 2, (int64_t[]){y->shape[0], m->row}) : NULL;
}

/* ---- what D says ---------------------------------------------------------------------------------- */

/* The logit of features h under a label's vector v: head(h) + <v, h>. */
static gm_tensor *project(const gm__gan *g, gm_tape *t, gm_tensor *h, gm_tensor *cond)
{
    gm_tensor *outs = gm_net_apply(g->d_head, t, h, NULL), *v = gm_net_apply(g->d_label, t, cond, NULL);
    gm_tensor *inner = gm_sum(t, gm_mul(t, v, h), 1, 1);
    if (!outs || outs->shape[1] == 1) return gm_add(t, outs, inner);
    gm_tensor *parts[] = {gm_add(t, gm_slice(t, outs, 1, 0, 1, 1), inner), gm_slice(t, outs, 1, 1, outs->shape[1], 1)};
    return gm_concat(t, parts, 2, 1);
}

gm_tensor *gm__gan_judge(const gm_model *m, gm_tape *t, gm_tensor *rows, gm_tensor *cond)
{
    const gm__gan *g = gm__gan_of(m);
    const int64_t pack = gm__gan_cfg(m)->pack, n = rows ? rows->shape[0] / pack : 0;
    if (!rows) return NULL;
    gm_tensor *x = g->on_images ? gm_reshape(t, rows, 4, (int64_t[]){n, g->image[0] * pack, g->image[1], g->image[2]})
                                : gm_reshape(t, rows, 2, (int64_t[]){n, m->row * pack});
    const bool at_input = gm__net_cond(g->d) > 0;
    gm_tensor *y = gm_net_apply(g->d, t, x, at_input ? told(g->d_label, t, cond) : NULL);
    if (y && y->ndim != 2) y = gm_reshape(t, y, 2, (int64_t[]){n, -1});
    return g->d_head ? project(g, t, y, cond) : y;
}

gm_tensor *gm__gan_logit(gm_tape *t, gm_tensor *outs)
{
    if (!outs) return NULL;
    const int64_t n = outs->shape[0];
    return gm_reshape(t, outs->shape[1] == 1 ? outs : gm_slice(t, outs, 1, 0, 1, 1), 1, &n);
}

/* ---- labels and codes found again -------------------------------------------------------------------- */

static gm_tensor *plus(gm_tape *t, gm_tensor *a, gm_tensor *b) { return a ? gm_add(t, a, b) : b; }

gm_tensor *gm__gan_class_loss(const gm_model *m, gm_tape *t, gm_tensor *outs, gm_tensor *label)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    if (c->conditional != GM_CONDITIONAL_ACGAN || !outs) return NULL;
    gm_tensor *logits = gm_slice(t, outs, 1, 1, 1 + gm__gan_of(m)->cond, 1);
    return gm_affine(t, gm_cross_entropy(t, logits, label, GM_MEAN), c->class_weight, 0);
}

/* Categorical codes by cross-entropy, uniform ones by squared error: minus their log-likelihood under a normal law of
 * deviation 1, but for a constant. */
gm_tensor *gm__gan_code_loss(const gm_model *m, gm_tape *t, gm_tensor *outs, const gm__gan_code *code)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    const gm__gan *g = gm__gan_of(m);
    int64_t at = 1 + (c->conditional == GM_CONDITIONAL_ACGAN ? g->cond : 0);
    gm_tensor *sum = NULL;
    if (!outs || (!g->n_codes && !c->codes_uniform)) return NULL;
    for (size_t i = 0; i < g->n_codes; at += g->values[i], i++)
        sum = plus(t, sum, gm_cross_entropy(t, gm_slice(t, outs, 1, at, at + g->values[i], 1), code->index[i], GM_MEAN));
    if (c->codes_uniform) {
        gm_tensor *error = gm_mse(t, gm_slice(t, outs, 1, at, at + c->codes_uniform, 1), code->uniform, GM_MEAN);
        sum = plus(t, sum, gm_affine(t, error, 0.5 * c->codes_uniform, 0));
    }
    return gm_affine(t, sum, c->info_weight, 0);
}
