/* bound.c - what a trained VAE says about data: bounds and estimates of log p(x)
 * and the numbers of gm_eval. */
#include "models/vae/vae.h"
#include <math.h>

/* Importance samples decoded at once: fixed by k, so that draws depend on nothing else. A row has 4,096 streams. */
enum { CHUNK = 50, MANY = 200000, NOTE = 96 };

/* Densities of scaled features become densities in the data's units; probabilities of pixels stay as they are. */
static gm_tensor *data_units(const gm_model *m, gm_tape *t, gm_tensor *log_p)
{
    if (!m->scale_mul || gm__vae_of(m)->net.likelihood != GM_LIKELIHOOD_GAUSSIAN) return log_p;
    return gm_affine(t, log_p, 1, gm__scale_log_det(m));
}

static gm_tensor *rows_of(const gm_model *m, const gm__batch *b) { return gm__coder_rows(&gm__vae_of(m)->net, b->t, b->x, "vae", true); }

/* E log p(x|z) by k draws, minus KL in closed form */
static gm_tensor *elbo(const gm_model *m, const gm__batch *b, int64_t k)
{
    gm_tape *t = b->t;
    gm_tensor *rows = rows_of(m, b);
    gm__vae_q q = gm__vae_posterior(m, t, rows, b->cond);
    gm_tensor *lik = gm_mean(t, gm__vae_draws(m, t, rows, q, k, NULL), 1, 0);
    return data_units(m, t, gm_sub(t, lik, gm__vae_kl(t, q)));
}

/* log 1/k sum_i p(x|z_i) p(z_i) / q(z_i|x), z_i ~ q(z|x), summed chunk by chunk
 * [Burda et al. 2016]. Each chunk lives in a frame of its own: memory does not grow with k. */
static gm_tensor *estimate(const gm_model *m, const gm__batch *b, int64_t k)
{
    gm_tape *t = b->t;
    gm_tensor *rows = rows_of(m, b), *sum = NULL;
    gm__vae_q q = gm__vae_posterior(m, t, rows, b->cond);
    const int64_t chunk = k > MANY ? 5 * CHUNK : CHUNK;
    for (int64_t done = 0; done < k && !gm_tape_status(t); done += chunk) {
        const int64_t n = k - done < chunk ? k - done : chunk;
        const uint64_t frame = gm_tape_push(t);
        gm_tensor *ratio = NULL, *lik = gm__vae_draws(m, t, rows, q, n, &ratio);
        gm_tensor *part = gm_logsumexp(t, gm_add(t, lik, ratio), 1, 0);
        if (sum) part = gm_logsumexp(t, gm_stack(t, (gm_tensor *[]){sum, part}, 2, 1), 1, 0);
        sum = gm_tape_pop(t, frame, part);
    }
    return data_units(m, t, gm_affine(t, sum, 1, -log((double)k)));
}

/* -log p(x | z = mean of q(z|x)) + KL: the negative bound without its draw, so a row has one score */
gm_tensor *gm__vae_score(gm_model *m, const gm__batch *b)
{
    gm_tape *t = b->t;
    gm_tensor *rows = rows_of(m, b);
    gm__vae_q q = gm__vae_posterior(m, t, rows, b->cond);
    gm_tensor *lik = gm__vae_log_lik(m, t, rows, gm__coder_decode(&gm__vae_of(m)->net, t, gm__vae_mean(t, q), b->cond));
    return gm_neg(t, data_units(m, t, gm_sub(t, lik, gm__vae_kl(t, q))));
}

gm_tensor *gm__vae_log_prob(gm_model *m, const gm__batch *b, const gm__eval_cfg *c)
{
    return c && c->k > 0 ? estimate(m, b, c->k) : elbo(m, b, 1);
}

/* ---- metrics ---------------------------------------------------------------------- */

/* What a value depends on: pixels, and the number of draws. */
static void describe(const gm_model *m, char *note, int64_t k)
{
    static const char *const binarize[] = {"none", "dynamic", "threshold"};
    if (!note) return;
    char draws[32] = "";
    if (k > 0) gm__format(draws, sizeof draws, "k=%lld ", (long long)k);
    if (gm__vae_of(m)->net.likelihood == GM_LIKELIHOOD_GAUSSIAN)
        gm__format(note, NOTE, "%sgaussian density%s", draws, m->scale_mul ? " in the data's units" : "");
    else
        gm__format(note, NOTE, "%sbinarize=%s%s", draws, binarize[gm__vae_cfg(m)->binarize],
                   gm__vae_cfg(m)->binarize == GM_BINARIZE_NONE ? ", grey-level BCE" : "");
}

static gm_tensor *metric_elbo(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    const int64_t k = c->k > 0 ? c->k : 1;
    describe(m, note, k);
    return elbo(m, b, k);
}

static gm_tensor *metric_nll(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    const int64_t k = c->k > 0 ? c->k : 5000;
    describe(m, note, k);
    return gm_neg(b->t, estimate(m, b, k));
}

static gm_tensor *metric_log_prob(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    if (c->k > 0) describe(m, note, c->k);
    else if (note) gm__format(note, NOTE, "lower bound (ELBO); k>0: importance sampled");
    return gm__vae_log_prob(m, b, c);
}

static gm_tensor *metric_kl(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    gm_tape *t = b->t;
    GM__UNUSED(c);
    gm__vae_q q = gm__vae_posterior(m, t, rows_of(m, b), b->cond);
    describe(m, note, 0);
    return gm__vae_kl(t, q);
}

static gm_tensor *metric_recon(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    gm_tape *t = b->t;
    const gm__coder *net = &gm__vae_of(m)->net;
    GM__UNUSED(c);
    gm_tensor *rows = rows_of(m, b);
    gm_tensor *y = gm__coder_decode(net, t, gm__vae_mean(t, gm__vae_posterior(m, t, rows, b->cond)), b->cond);
    if (net->likelihood == GM_LIKELIHOOD_GAUSSIAN) {
        if (note) gm__format(note, NOTE, "squared error%s", m->scale_mul ? " of scaled features" : "");
        return gm__coder_error(net, t, rows, y);
    }
    describe(m, note, 0);
    return gm_neg(t, gm__vae_log_lik(m, t, rows, y));
}

static gm_tensor *metric_squared_error(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    const gm__coder *net = &gm__vae_of(m)->net;
    gm_tensor *rows = rows_of(m, b), *z = gm__vae_mean(b->t, gm__vae_posterior(m, b->t, rows, b->cond));
    GM__UNUSED(c), GM__UNUSED(note);
    return gm__coder_squared_error(m, net, b->t, rows, gm__coder_decode(net, b->t, z, b->cond));
}

const gm__metric gm__vae_metrics[GM__VAE_METRICS] = {
    {.name = "elbo", .unit = "nats", .row = metric_elbo},      {.name = "nll", .unit = "nats", .row = metric_nll},
    {.name = "log_prob", .unit = "nats", .row = metric_log_prob}, {.name = "recon", .unit = "per row", .row = metric_recon},
    {.name = "kl", .unit = "nats", .row = metric_kl},        {.name = "squared_error", .unit = "per row", .row = metric_squared_error},
};
