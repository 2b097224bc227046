/* code.c - the code of a VAE: its posterior, its prior and draws from both. A code is
 * `latent` normal numbers, or `latent` categorical variables, each given as a row of
 * 0 and one 1 (relaxed to probabilities while training [Jang et al. 2017]). */
#include "models/vae/vae.h"
#include <math.h>
#include <string.h>

static bool categorical(const gm_model *m) { return gm__vae_cfg(m)->code == GM_CODE_CATEGORICAL; }

gm__vae_q gm__vae_posterior(const gm_model *m, gm_tape *t, gm_tensor *rows, gm_tensor *cond)
{
    const gm_vae_config *c = gm__vae_cfg(m);
    const gm__coder *net = &gm__vae_of(m)->net;
    gm_tensor *h = gm__coder_encode(net, t, rows, cond);
    if (!h) return (gm__vae_q){.cond = cond};
    if (categorical(m)) {
        gm_tensor *logits = gm_reshape(t, h, 3, (int64_t[]){h->shape[0], c->latent, c->categories});
        return (gm__vae_q){.log_p = gm_log_softmax(t, logits, -1), .cond = cond};
    }
    return (gm__vae_q){.mean = gm_slice(t, h, 1, 0, net->latent, 1), .log_var = gm_slice(t, h, 1, net->latent, 2 * net->latent, 1), .cond = cond};
}

/* ---- KL from the prior, in closed form ------------------------------------------------ */

/* To the uniform distribution: sum_k q log q + log K, of every variable: [N, variables]. */
static gm_tensor *kl_uniform(gm_tape *t, gm_tensor *log_p)
{
    if (!log_p) return NULL;
    gm_tensor *negentropy = gm_sum(t, gm_mul(t, gm_exp(t, log_p), log_p), -1, 0);
    return gm_affine(t, negentropy, 1, log((double)log_p->shape[2]));
}

gm_tensor *gm__vae_kl(gm_tape *t, gm__vae_q q)
{
    return q.mean ? gm_gaussian_kl(t, q.mean, q.log_var) : gm_sum(t, kl_uniform(t, q.log_p), -1, 0);
}

gm_tensor *gm__vae_kl_each(gm_tape *t, gm__vae_q q)
{
    if (!q.mean) return gm_mean(t, kl_uniform(t, q.log_p), 0, 0);
    gm_tensor *twice = gm_sub(t, gm_add(t, gm_exp(t, q.log_var), gm_square(t, q.mean)), q.log_var);
    return gm_mean(t, gm_affine(t, twice, 0.5, -0.5), 0, 0);
}

gm_tensor *gm__vae_mean(gm_tape *t, gm__vae_q q)
{
    if (q.mean || !q.log_p) return q.mean;
    return gm_reshape(t, gm_exp(t, q.log_p), 2, (int64_t[]){q.log_p->shape[0], -1});
}

/* ---- draws ------------------------------------------------------------------------------ */

/* Rows of 0 and one 1 from indices: [...] -> [..., k]. */
static gm_tensor *onehot(gm_tape *t, gm_tensor *index, int64_t k)
{
    gm_tensor *table = gm_zeros(t, GM_F32, 2, (int64_t[]){k, k});
    for (int64_t i = 0; table && i < k; i++) gm__f32(table)[i * k + i] = 1;
    return gm_embedding(t, table, index);
}

/* softmax((log p + G) / temperature), G of a Gumbel law: at temperature 0 a draw from p. */
static gm_tensor *relaxed(gm_tape *t, gm_tensor *log_p, double temperature)
{
    gm_tensor *u = gm_uniform(t, log_p->ndim, log_p->shape, 1e-9, 1);
    gm_tensor *g = gm_neg(t, gm_log(t, gm_neg(t, gm_log(t, u))));
    if (g && g->dtype != log_p->dtype) g = gm_cast(t, g, log_p->dtype);
    return gm_softmax(t, gm_affine(t, gm_add(t, log_p, g), 1 / temperature, 0), -1);
}

static gm_tensor *draw_categories(gm_tape *t, gm_tensor *log_p, int64_t k, double temperature, gm_tensor **log_ratio)
{
    if (!log_p) return NULL;
    const int64_t n = log_p->shape[0], variables = log_p->shape[1], categories = log_p->shape[2];
    gm_tensor *one = gm_reshape(t, log_p, 4, (int64_t[]){n, 1, variables, categories});
    gm_tensor *many = gm_expand(t, one, 4, (int64_t[]){n, k, variables, categories});
    if (!many) return NULL;
    gm_tensor *z = temperature > 0 ? relaxed(t, many, temperature) : onehot(t, gm_categorical(t, many), categories);
    if (log_ratio) {
        gm_tensor *log_q = gm_sum(t, gm_sum(t, gm_mul(t, z, many), -1, 0), -1, 0);
        *log_ratio = gm_affine(t, log_q, -1, -(double)variables * log((double)categories));
    }
    return gm_reshape(t, z, 3, (int64_t[]){n, k, variables * categories});
}

gm_tensor *gm__vae_draw_codes(const gm_model *m, gm_tape *t, gm__vae_q q, int64_t k, double temperature, gm_tensor **log_ratio)
{
    if (categorical(m)) return draw_categories(t, q.log_p, k, temperature, log_ratio);
    const gm__coder *net = &gm__vae_of(m)->net;
    if (!q.mean || !q.log_var) return NULL;
    const int64_t n = q.mean->shape[0], one[] = {n, 1, net->latent}, many[] = {n, k, net->latent};
    gm_tensor *mean = gm_reshape(t, q.mean, 3, one), *log_var = gm_reshape(t, q.log_var, 3, one);
    gm_tensor *z = gm_gaussian_draw(t, gm_expand(t, mean, 3, many), gm_expand(t, log_var, 3, many));
    if (log_ratio && z) {
        gm_tensor *zero = gm_zeros(t, z->dtype, 1, &net->latent);
        *log_ratio = gm_sub(t, gm_gaussian_log_prob(t, z, zero, zero), gm_gaussian_log_prob(t, z, mean, log_var));
    }
    return z;
}

gm_tensor *gm__vae_draw_prior(const gm_model *m, gm_tape *t, int64_t n, double temperature)
{
    const gm_vae_config *c = gm__vae_cfg(m);
    const int64_t latent = gm__vae_of(m)->net.latent;
    if (!categorical(m)) return gm_normal(t, 2, (int64_t[]){n, latent}, 0, temperature);
    gm_tensor *even = gm_zeros(t, GM_F32, 3, (int64_t[]){n, c->latent, c->categories}); /* uniform: no temperature changes it */
    return gm_reshape(t, onehot(t, gm_categorical(t, even), c->categories), 2, (int64_t[]){n, latent});
}

/* ---- along the axes of the code ------------------------------------------------------------ */

gm_status gm__vae_traverse(gm_model *m, const gm_tensor *z, int32_t steps, double span, gm_tensor **codes)
{
    const gm_vae_config *c = gm__vae_cfg(m);
    const int64_t latent = gm__vae_of(m)->net.latent, k = c->categories;
    if (!categorical(m)) return gm__traverse_axes(m, latent, z, steps, span, codes);
    GM__TRY(gm__traverse_start(m, latent, z));
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 2, (int64_t[]){(int64_t)c->latent * steps, latent}, codes));
    float *p = gm__f32(*codes);
    for (int64_t row = 0; row < (int64_t)c->latent * steps; row++, p += latent) {
        if (z) memcpy(p, z->data, (size_t)latent * sizeof *p);
        for (int64_t j = 0; !z && j < c->latent; j++) p[j * k] = 1;
        float *moved = p + row / steps * k;
        memset(moved, 0, (size_t)k * sizeof *p);
        moved[row % steps % k] = 1;
    }
    return GM_OK;
}
