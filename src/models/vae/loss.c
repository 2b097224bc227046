/* loss.c - what a VAE is trained on: the evidence lower bound with its variants,
 * and the importance-weighted bound. All in nats, summed over a row. */
#include "models/vae/vae.h"
#include <math.h>

gm_tensor *gm__vae_log_lik(const gm_model *m, gm_tape *t, gm_tensor *rows, gm_tensor *y)
{
    const gm__vae *v = gm__vae_of(m);
    if (!rows || !y) return NULL;
    if (y->ndim == 3) rows = gm_reshape(t, rows, 3, (int64_t[]){rows->shape[0], 1, v->net.row});
    if (v->net.likelihood == GM_LIKELIHOOD_BERNOULLI) return gm_bernoulli_log_prob(t, rows, y);
    if (v->net.variance_out)
        return gm_gaussian_log_prob(t, rows, gm_slice(t, y, -1, 0, v->net.row, 1), gm_slice(t, y, -1, v->net.row, 2 * v->net.row, 1));
    /* one row of variances, the same for all rows */
    gm_tensor *log_var = gm_full(t, y->dtype, 1, &v->net.row, v->log_var ? 0 : 2 * log(gm__vae_cfg(m)->noise_std));
    if (v->log_var) log_var = gm_add(t, log_var, v->log_var);
    return gm_gaussian_log_prob(t, rows, y, log_var);
}

gm_tensor *gm__vae_draws(const gm_model *m, gm_tape *t, gm_tensor *rows, gm__vae_q q, int64_t k, gm_tensor **log_ratio)
{
    gm_tensor *z = gm__vae_draw_codes(m, t, q, k, 0, log_ratio);
    return rows && z ? gm__vae_log_lik(m, t, rows, gm__coder_decode(&gm__vae_of(m)->net, t, z, q.cond)) : NULL;
}

/* KL(q(z|x) || p(z)), mean over the batch. Free bits: a dimension's mean counts only above a threshold. */
static gm_tensor *divergence(gm_tape *t, gm__vae_q q, double free_bits)
{
    if (free_bits <= 0) return gm_mean(t, gm__vae_kl(t, q), GM_ALL_AXES, 0);
    gm_tensor *each = gm__vae_kl_each(t, q);
    return each ? gm_sum(t, gm_maximum(t, each, gm_full(t, each->dtype, 1, (int64_t[]){1}, free_bits)), GM_ALL_AXES, 0) : NULL;
}

/* beta at a step; held-out losses use its final value, so that they compare between epochs */
static double beta_at(const gm_vae_config *c, const gm__batch *b)
{
    if (!b->training || b->step >= (uint64_t)c->kl_warmup) return c->beta;
    return c->beta * (double)b->step / (double)c->kl_warmup;
}

/* of relaxed draws; 0, exact draws, where nothing is trained */
static double temperature_at(const gm_vae_config *c, const gm__batch *b)
{
    if (!b->training) return 0;
    if (b->step >= (uint64_t)c->anneal) return c->temperature_min;
    return c->temperature * pow(c->temperature_min / c->temperature, (double)b->step / (double)c->anneal);
}

/* -log 1/k sum_i (p(x|z_i) p(z_i)^beta / q(z_i|x)^beta), z_i ~ q(z|x) */
static gm_tensor *iwae(gm_model *m, const gm__batch *b, gm_tensor *rows, gm__vae_q q, double beta)
{
    const int32_t k = gm__vae_of(m)->k;
    gm_tensor *ratio = NULL, *lik = gm__vae_draws(m, b->t, rows, q, k, &ratio);
    if (beta != 1) ratio = gm_affine(b->t, ratio, beta, 0);
    gm_tensor *bound = gm_logsumexp(b->t, gm_add(b->t, lik, ratio), 1, 0);
    return gm_affine(b->t, gm_mean(b->t, bound, GM_ALL_AXES, 0), -1, log(k));
}

gm_status gm__vae_loss(gm_model *m, const gm__batch *b, gm_tensor **loss)
{
    const gm_vae_config *c = gm__vae_cfg(m);
    const gm__vae *v = gm__vae_of(m);
    gm_tape *t = b->t;
    const double beta = beta_at(c, b);
    gm_tensor *rows = gm__coder_rows(&v->net, t, b->x, "vae", b->epoch == 0 || !b->training);
    gm__vae_q q = gm__vae_posterior(m, t, rows, b->cond);
    if (c->objective == GM_OBJECTIVE_IWAE) {
        *loss = iwae(m, b, rows, q, beta);
    } else {
        const bool plain = v->k == 1 && c->code == GM_CODE_GAUSSIAN; /* one draw needs no axis of its own */
        gm_tensor *z = plain ? gm_gaussian_draw(t, q.mean, q.log_var) : gm__vae_draw_codes(m, t, q, v->k, temperature_at(c, b), NULL);
        gm_tensor *lik = gm__vae_log_lik(m, t, rows, gm__coder_decode(&v->net, t, z, b->cond));
        gm_tensor *kl = divergence(t, q, c->free_bits);
        if (beta != 1) kl = gm_affine(t, kl, beta, 0);
        *loss = gm_sub(t, kl, gm_mean(t, lik, GM_ALL_AXES, 0));
    }
    return gm_tape_status(t);
}
