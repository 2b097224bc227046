/* vae.h - what the files of the VAE family share. */
#ifndef GM_MODELS_VAE_VAE_H
#define GM_MODELS_VAE_VAE_H

#include "models/coder.h"
#include "ops/ops.h"

typedef struct gm__vae {
    gm__coder net;
    gm_tensor *log_var;        /* gaussian, learned noise: log of its variance, one for all; else NULL */
    int32_t k;                 /* resolved */
} gm__vae;

static inline gm__vae *gm__vae_of(const gm_model *m) { return m->state; }
static inline const gm_vae_config *gm__vae_cfg(const gm_model *m) { return m->cfg; }

/* code.c: the posterior q(z|x): mean and log variance, [N, latent] views, or log probabilities of the categories
 * [N, variables, categories]; and the condition that it was found under. */
typedef struct gm__vae_q { gm_tensor *mean, *log_var, *log_p, *cond; } gm__vae_q;
gm__vae_q gm__vae_posterior(const gm_model *m, gm_tape *t, gm_tensor *rows, gm_tensor *cond);
gm_tensor *gm__vae_kl(gm_tape *t, gm__vae_q q);        /* KL(q || prior) of every row, nats: [N] */
gm_tensor *gm__vae_kl_each(gm_tape *t, gm__vae_q q);   /* the same, mean over the batch, of every dimension or variable */
gm_tensor *gm__vae_mean(gm_tape *t, gm__vae_q q);      /* of the posterior, [N, latent]: for categories their probabilities */
/* k draws a row, [N, k, latent]; log_ratio (may be NULL): log p(z) - log q(z|x), [N, k]. Categories: relaxed at a
 * temperature, which gradients go through; 0 at temperature 0, exact. */
gm_tensor *gm__vae_draw_codes(const gm_model *m, gm_tape *t, gm__vae_q q, int64_t k, double temperature, gm_tensor **log_ratio);
gm_tensor *gm__vae_draw_prior(const gm_model *m, gm_tape *t, int64_t n, double temperature); /* [n, latent] */
gm_status gm__vae_traverse(gm_model *m, const gm_tensor *z, int32_t steps, double span, gm_tensor **codes);
/* log p(x|z) from the decoder's output y, nats: [N, row], [N, .., row] -> [N, ..] */
gm_tensor *gm__vae_log_lik(const gm_model *m, gm_tape *t, gm_tensor *rows, gm_tensor *y);
/* k draws a row: log p(x|z) and, where asked for, log p(z) - log q(z|x); [N, k] each */
gm_tensor *gm__vae_draws(const gm_model *m, gm_tape *t, gm_tensor *rows, gm__vae_q q, int64_t k, gm_tensor **log_ratio);
gm_status gm__vae_loss(gm_model *m, const gm__batch *b, gm_tensor **loss);

enum { GM__VAE_METRICS = 6 };
extern const gm__metric gm__vae_metrics[GM__VAE_METRICS];
gm_tensor *gm__vae_score(gm_model *m, const gm__batch *b);
gm_tensor *gm__vae_log_prob(gm_model *m, const gm__batch *b, const gm__eval_cfg *c);

extern const gm__opts gm__vae_opts;
gm_status gm__vae_check(gm_ctx *ctx, const void *cfg);
gm__coder_cfg gm__vae_coder_cfg(const gm_vae_config *c);

#endif
