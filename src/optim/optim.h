/* optim.h - optimiser state as checkpoints see it. */
#ifndef GM_OPTIM_OPTIM_INTERNAL_H
#define GM_OPTIM_OPTIM_INTERNAL_H

#include "nn/nn.h"
#include <gm/optim.h>

enum { GM__SGD, GM__ADAM, GM__ADAMW };
enum { GM__SCHED_CONSTANT, GM__SCHED_STEP, GM__SCHED_EXPONENTIAL, GM__SCHED_COSINE };

/* What the options text fills. */
typedef struct gm__optim_config {
    double lr, momentum, dampening;
    double beta1, beta2, eps, weight_decay, clip_norm, clip_value, ema;
    double gamma, lr_min;
    int64_t warmup, horizon, step_size;
    int32_t nesterov, schedule;
} gm__optim_config;

/* Calls fn for every state tensor: "NAME.m" and "NAME.v" (adam, adamw) or "NAME.v" (sgd with momentum), "NAME.steps"
 * (i64, updates of this parameter) and "NAME.ema", NAME being the parameter's index or the name given at add.
 * State is allocated first if need be. Tensors may be written; GM_ESTATE while the averages are swapped in. */
typedef gm_status gm__state_fn(void *user, const char *name, gm_tensor *t);
gm_status gm__optim_state(gm_optim *o, gm__state_fn *fn, void *user);
gm_status gm__optim_set_steps(gm_optim *o, int64_t steps);
extern const gm__opts gm__optim_opts;                     /* the rows of the options text, for a gm__optim_config */
/* as gm_optim_add with a name for messages and files */
gm_status gm__optim_add_named(gm_optim *o, const char *name, gm_tensor *leaf, const char *options);
/* names become "PREFIX.0.weight"; NULL or "" for none. All parameters are added or none. */
gm_status gm__optim_add_net_named(gm_optim *o, const char *prefix, gm_net *net, const char *options);
/* Learning rate at a step by the schedule (step counts from 0; s = steps after the warm-up):
 *   min(1, (step+1)/warmup) * lr                                        constant
 *   ... * gamma^floor(step/step-size)                                   step         (StepLR)
 *   ... * gamma^step                                                    exponential  (ExponentialLR)
 *   lr-min + (min(1, (step+1)/warmup)*lr - lr-min)*(1 + cos(pi*s/(horizon-warmup)))/2   cosine (CosineAnnealingLR), lr-min from
 *   step = horizon on */
double gm__schedule_lr(const void *optim_config, int64_t step);

#endif
