/* vae.c - the variational autoencoder as a family: building it, drawing from it,
 * coding with it, and watching its posterior. The mathematics is in loss.c and bound.c. */
#include "models/vae/vae.h"
#include <string.h>

/* Learned noise starts sharp: from a wide start it explains the data alone, and the code is never used. */
static const float first_log_var = -4.0f;

static gm_status build(gm_model *m)
{
    gm__vae *v = m->state;
    gm_vae_config c = *gm__vae_cfg(m);
    c.likelihood = gm__coder_likelihood(c.likelihood, m->ndim);
    if (c.scale == GM_SCALE_AUTO) c.scale = c.likelihood == GM_LIKELIHOOD_GAUSSIAN && m->ndim == 1 ? GM_SCALE_STANDARD : GM_SCALE_NONE;
    if (c.k == 0) c.k = c.objective == GM_OBJECTIVE_IWAE ? 5 : 1;
    GM__TRY(gm__vae_check(m->ctx, &c));
    v->k = c.k;
    const gm__coder_cfg coder = gm__vae_coder_cfg(&c);
    GM__TRY(gm__coder_build(m, &coder, &v->net));
    if (c.likelihood == GM_LIKELIHOOD_GAUSSIAN && c.noise_std <= 0 && !v->net.variance_out) {
        GM__TRY(gm_tensor_copy(m->ctx, GM_F32, 1, (int64_t[]){1}, &first_log_var, &v->log_var));
        GM__TRY(gm__model_add_tensor(m, "noise.log_var", v->log_var, true));
    }
    memcpy(m->cfg, &c, sizeof c); /* what was chosen for these data is stored: a file says it */
    return GM_OK;
}

static bool ready(const gm_model *m) { return !gm__vae_cfg(m)->conditional || gm__vae_cfg(m)->classes > 0; }

static uint32_t needs(const gm_model *m) { return gm__vae_cfg(m)->conditional ? GM__NEEDS_LABEL : 0; }

static int64_t condition(const gm_model *m) { return gm__vae_of(m)->net.cond; }

static uint32_t cannot(const gm_model *m) { return condition(m) ? 0 : GM_CAN_CONDITION; }

static void destroy(gm_model *m)
{
    gm__vae *v = m->state;
    gm__coder_free(&v->net);
    gm_tensor_free(v->log_var);
    v->log_var = NULL;
}

static gm_status add_params(gm_model *m, gm_optim *o)
{
    gm__vae *v = m->state;
    GM__TRY(gm__optim_add_net_named(o, "encoder", v->net.encoder, NULL));
    GM__TRY(gm__optim_add_net_named(o, "decoder", v->net.decoder, NULL));
    /* the noise has nats to go (from 0 to log 1e-4 for a sharp ring) where weights have tenths */
    return v->log_var ? gm__optim_add_named(o, "noise.log_var", v->log_var, "lr-scale=10") : GM_OK;
}

/* ---- use ------------------------------------------------------------------------------ */

static gm_tensor *decode(gm_model *m, const gm__batch *b)
{
    const gm__coder *net = &gm__vae_of(m)->net;
    return gm__coder_mean(m, net, b->t, gm__coder_decode(net, b->t, b->x, b->cond));
}

static gm_tensor *encode(gm_model *m, const gm__batch *b)
{
    return gm__vae_mean(b->t, gm__vae_posterior(m, b->t, gm__coder_rows(&gm__vae_of(m)->net, b->t, b->x, "vae", false), b->cond));
}

/* The mean of p(x|z) for z from the prior. */
static gm_tensor *draw(gm_model *m, gm_tape *t, int64_t n, double temperature, gm_tensor *cond)
{
    const gm__batch b = {.t = t, .x = gm__vae_draw_prior(m, t, n, temperature), .cond = cond};
    return decode(m, &b);
}

/* ---- posterior collapse ----------------------------------------------------------------- */

/* A collapsed code says nothing about x: its KL is next to nothing, or no mean moves with x.
 * A dimension counts as active when the variance of its mean over data is above 0.01 [Burda et al. 2016]. */
enum { ROWS_TO_JUDGE = 8, STEPS_TO_JUDGE = 200 /* first a healthy code shrinks, too */ };

static int64_t moving(const gm_tensor *mean)
{
    const int64_t n = mean->shape[0], latent = mean->shape[1];
    int64_t active = 0;
    for (int64_t j = 0; j < latent; j++) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < n; i++) {
            double v = gm__f32(mean)[i * mean->stride[0] + j * mean->stride[1]];
            sum += v, squares += v * v;
        }
        active += (squares - sum * sum / (double)n) / (double)n > 0.01;
    }
    return active;
}

/* Categorical variables count by their KL. */
static gm_status active_units(gm_tape *t, gm__vae_q q, int64_t *active)
{
    if (q.mean) {
        *active = moving(q.mean);
        return GM_OK;
    }
    gm_tensor *each = gm__vae_kl_each(t, q);
    GM__TRY(gm_tape_status(t));
    for (int64_t j = 0; j < each->size; j++) *active += gm__f32(each)[j] > 0.01f;
    return GM_OK;
}

static gm_status watch(gm_model *m, gm_trainer *tr, const gm__batch *b)
{
    const gm_vae_config *c = m->cfg;
    gm_tape *t = b->t;
    gm_tensor *rows = gm__coder_rows(&gm__vae_of(m)->net, t, b->x, "vae", false);
    gm__vae_q q = gm__vae_posterior(m, t, rows, b->cond);
    gm_tensor *mean_kl = gm_mean(t, gm__vae_kl(t, q), GM_ALL_AXES, 0);
    gm_tensor *mean_lik = gm_mean(t, gm__vae_draws(m, t, rows, q, 1, NULL), GM_ALL_AXES, 0);
    double kl = 0, lik = 0;
    GM__TRY(gm_tape_status(t));
    GM__TRY(gm_tensor_item(mean_kl, &kl));
    GM__TRY(gm_tensor_item(mean_lik, &lik));
    gm__trainer_record(tr, "kl", kl);
    gm__trainer_record(tr, "reconstruction", -lik);
    if (b->x->shape[0] < ROWS_TO_JUDGE || b->step < (uint64_t)c->kl_warmup + STEPS_TO_JUDGE) return GM_OK;
    int64_t active = 0;
    GM__TRY(active_units(t, q, &active));
    if (kl < 0.1 || active == 0)
        gm__trainer_raise(tr, GM_EVENT_POSTERIOR_COLLAPSE, kl, "posterior collapse: KL %.3f nats a row, %lld of %d code dimensions active",
                          kl, (long long)active, (int)c->latent);
    return GM_OK;
}

/* ---- the family ---------------------------------------------------------------------------- */

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__vae *v = m->state;
    const gm_net *nets[] = {v->net.encoder, v->net.decoder};
    static const char *const names[] = {"encoder", "decoder"};
    return gm__coder_print(m->ctx, nets, names, 2, out);
}

const gm__family gm__family_vae = {
    .name = "vae",
    .title = "variational autoencoder: a code with a normal prior, trained on a bound of log p(x)",
    .score_formula = "-log p(x | z = mean of q(z|x)) + KL(q(z|x) || N(0,1)), nats",
    .opts = &gm__vae_opts,
    .cfg_size = sizeof(gm_vae_config),
    .state_size = sizeof(gm__vae),
    .can = GM_CAN_SAMPLE | GM_CAN_LOG_PROB | GM_CAN_SCORE | GM_CAN_ENCODE | GM_CAN_DECODE | GM_CAN_RECONSTRUCT | GM_CAN_CONDITION,
    .log_prob_kind = GM_LOG_PROB_LOWER_BOUND,
    .check = gm__vae_check,
    .ready = ready,
    .needs = needs,
    .cannot = cannot,
    .condition = condition,
    .build = build,
    .destroy = destroy,
    .loss = gm__vae_loss,
    .add_params = add_params,
    .watch = watch,
    .draw = draw,
    .encode = encode,
    .decode = decode,
    .score = gm__vae_score,
    .log_prob = gm__vae_log_prob,
    .traverse = gm__vae_traverse,
    .metrics = gm__vae_metrics,
    .n_metrics = GM__VAE_METRICS,
    .print = print,
};
