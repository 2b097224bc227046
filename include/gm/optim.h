/* gm/optim.h - optimisers with groups, schedules, clipping, averaging.
 *
 *     gm_optim *adam = NULL;
 *     s = gm_optim_new(ctx, "adam", "lr=1e-3", &adam);
 *     if (!s) s = gm_optim_add(adam, w, NULL);          or gm_optim_add_net(adam, net, NULL)
 *     ...
 *     s = gm_tape_backward(t, loss);
 *     if (!s) s = gm_optim_step(adam);                  updates and clears the gradients
 */
#ifndef GM_OPTIM_H
#define GM_OPTIM_H

#include <gm/net.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gm_optim gm_optim;

/**
 * New optimiser.
 * @param kind      "sgd", "adam", "adamw", "rmsprop" or "adagrad"
 * @param options   lr (1e-3), momentum (0), dampening (0), nesterov (off), beta1 (0.9), beta2 (0.999), amsgrad (off),
 *                  alpha (0.99), rms-centered (off), lr-decay (0), initial-accumulator (0), eps (1e-8; adagrad 1e-10),
 *                  weight-decay (0; adamw 0.01), clip-norm (0: off), clip-value (0: off), ema (0: off; e.g. 0.999), ema-warmup
 *                  (off), optimistic (off: with it a step takes twice the update and gives back the last one),
 *                  schedule (constant|step|exponential|cosine|linear|onecycle|plateau), warmup (steps), horizon (steps;
 *                  cosine, linear, onecycle), step-size (steps), gamma (0.1), lr-min (0); of plateau: plateau-patience
 *                  (10), threshold (1e-4), cooldown (0); of onecycle: pct-start (0.3), div-factor (25),
 *                  final-div-factor (1e4), cycle-momentum (on), base-momentum (0.85), max-momentum (0.95).
 *                  Formulas are PyTorch's; NULL for the defaults. Over the first warmup steps the rate rises:
 *                  (step+1)/warmup of it, step counting from 0; cosine and linear run from there to lr-min at horizon.
 *                  plateau hears of losses by gm_optim_observe. ema averages start from the weights before the first step;
 *                  with ema-warmup the decay after t updates is at most (1 + t)/(10 + t)
 * @param out       receives the optimiser, the caller's
 * @errors    GM_EARG, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 * @source    Kingma & Ba 2015; Loshchilov & Hutter 2019 (AdamW), 2017 (cosine); Tieleman & Hinton 2012 (RMSprop); Duchi et al. 2011 (Adagrad);
 *            Reddi et al. 2018 (AMSGrad); Smith & Topin 2018 (one cycle); Daskalakis et al. 2018 (optimistic)
 */
GM_API gm_status gm_optim_new(gm_ctx *ctx, const char *kind, const char *options, gm_optim **out);

/**
 * Adds one leaf (row-major without gaps). Retains it; sets gm_tensor_set_grad.
 * @param options   per-parameter lr-scale, weight-decay; NULL as the optimiser
 * @errors    GM_EARG (also: already added), GM_EDTYPE, GM_ENOMEM
 * @threads   as the optimiser's context
 * @since     0.1
 */
GM_API gm_status gm_optim_add(gm_optim *o, gm_tensor *leaf, const char *options);

/**
 * Adds all parameters of a net as one group.
 * @errors    as gm_optim_add
 * @threads   as the optimiser's context
 * @since     0.1
 */
GM_API gm_status gm_optim_add_net(gm_optim *o, gm_net *net, const char *options);

/**
 * Learning rate and weight decay by name, for parameters that were added before.
 * @param groups   "PATTERN[,PATTERN]: KEY=VALUE ..[; ..]". A pattern is a name ("decoder.0.weight"), its beginning up to
 *                 a '.' ("decoder"), or has '*' for any characters and '?' for one ("*.bias"). Keys: lr-scale, a factor
 *                 beside that of gm_optim_add; 0 freezes: the weights keep their bytes, their gradients are dropped
 *                 and are no part of the norm (running statistics go on); weight-decay. Of two that fit a weight the
 *                 later wins, key by key. NULL or "": none
 * @errors    GM_EARG (malformed, or nothing is so called; what stood before it is set), GM_ESTATE (after the first step), GM_ENOMEM
 * @threads   as the optimiser's context
 * @since     0.1
 */
GM_API gm_status gm_optim_groups(gm_optim *o, const char *groups);

/**
 * One update from the accumulated gradients, which are cleared. Checks every gradient first:
 * GM_ENONFINITE names the first bad tensor, leaves weights, moments and step count untouched, and
 * clears gradients and waiting statistics, so that training can go on with the next batch.
 * Parameters without a gradient are left alone. Commits waiting statistics of added nets.
 * @errors    GM_ENONFINITE, GM_ENOMEM (first step only), GM_ESTATE (averages swapped in)
 * @threads   as the optimiser's context
 * @since     0.1
 */
GM_API gm_status gm_optim_step(gm_optim *o);

/**
 * Moves the weights by an update as gm_optim_step does, to look at the gradients there: the next gm_optim_step starts from where the weights
 * were. Two players who both look ahead and then step converge where plain descent circles outwards. Moments and the
 * updates counted for them go on in both; steps, averages and waiting statistics only in gm_optim_step.
 * gm_optim_clear takes it back.
 * @errors    as gm_optim_step; GM_ESTATE if the weights are ahead already
 * @threads   as the optimiser's context
 * @since     0.1
 * @source    Korpelevich 1976; Gidel et al. 2019
 */
GM_API gm_status gm_optim_extrapolate(gm_optim *o);

/** Tells schedule=plateau the loss of an epoch; other schedules ignore it. @param loss lower is better; not finite: no better. @errors GM_EARG. @threads as the optimiser's context. @since 0.1 */
GM_API gm_status gm_optim_observe(gm_optim *o, double loss);
/** Clears all gradients and waiting statistics without a step, and takes back gm_optim_extrapolate. @errors none. @threads as the optimiser's context. @since 0.1 */
GM_API void gm_optim_clear(gm_optim *o);
/** Steps taken. @errors none. @threads any. @since 0.1 */
GM_API int64_t gm_optim_steps(const gm_optim *o);
/** Learning rate of the next step. @errors none. @threads any. @since 0.1 */
GM_API double gm_optim_lr(const gm_optim *o);
/** Euclidean norm of all gradients at the last step, before clipping. @errors none. @threads any. @since 0.1 */
GM_API double gm_optim_grad_norm(const gm_optim *o);
/** Exchanges the weights with their exponential averages (ema > 0); call again to exchange back. @errors GM_ESTATE without ema or before the first step. @threads as the optimiser's context. @since 0.1 */
GM_API gm_status gm_optim_swap_ema(gm_optim *o);
/** Drops the caller's reference. @errors none. @threads any. @since 0.1 */
GM_API void gm_optim_free(gm_optim *o);

#ifdef __cplusplus
}
#endif
#endif
