/* optim.h - optimiser state as checkpoints see it. */
#ifndef GM_OPTIM_OPTIM_INTERNAL_H
#define GM_OPTIM_OPTIM_INTERNAL_H

#include "nn/nn.h"
#include <gm/optim.h>

enum { GM__SGD, GM__ADAM, GM__ADAMW, GM__RMSPROP, GM__ADAGRAD };
#define GM__OPTIM_KINDS "sgd|adam|adamw|rmsprop|adagrad"
enum { GM__SCHED_CONSTANT, GM__SCHED_STEP, GM__SCHED_EXPONENTIAL, GM__SCHED_COSINE, GM__SCHED_LINEAR, GM__SCHED_ONECYCLE, GM__SCHED_PLATEAU };

/* What the options text fills. */
typedef struct gm__optim_config {
    double lr, momentum, momentum_start, dampening;
    double beta1, beta2, eps, weight_decay, clip_norm, clip_value, ema;
    double alpha, lr_decay, initial_accumulator;
    double gamma, lr_min, threshold, pct_start, div_factor, final_div_factor, base_momentum, max_momentum;
    int64_t momentum_steps, warmup, horizon, step_size, plateau_patience, cooldown;
    int32_t optimistic, ema_warmup, nesterov, amsgrad, centered, cycle_momentum, schedule;
} gm__optim_config;

/* What schedule=plateau has seen: part of the state. */
typedef struct gm__plateau {
    int32_t seen;              /* 0: no loss yet, best is none */
    double best;
    int64_t bad, rest, cuts;   /* losses since the best; of the cooldown left; reductions */
} gm__plateau;

/* Calls fn for every state tensor: "NAME.m" and "NAME.v" (adam, adamw) or "NAME.v" (sgd with momentum; adagrad); rmsprop
 * "NAME.v", "NAME.m" if centered; "NAME.b" (amsgrad's largest v, rmsprop's momentum); "NAME.steps" (i64, updates of this
 * parameter), "NAME.last" (optimistic: its last update) and "NAME.ema", NAME being the parameter's index or the name given at add.
 * State is allocated first if need be. Tensors may be written; GM_ESTATE while the averages are swapped in. */
typedef gm_status gm__state_fn(void *user, const char *name, gm_tensor *t);
gm_status gm__optim_state(gm_optim *o, gm__state_fn *fn, void *user);
gm_status gm__optim_set_steps(gm_optim *o, int64_t steps);
gm__plateau *gm__optim_plateau(gm_optim *o);
/* The schedule goes by another's steps from now on: of players who do not step equally often. */
void gm__optim_set_clock(gm_optim *o, int64_t step);
/* Defaults that depend on the kind, for options that were not given. */
void gm__optim_settle(int kind, gm__optim_config *c, bool decay_given, bool eps_given);
extern const gm__opts gm__optim_opts;                     /* the rows of the options text, for a gm__optim_config */
/* as gm_optim_add with a name for messages and files */
gm_status gm__optim_add_named(gm_optim *o, const char *name, gm_tensor *leaf, const char *options);
/* names become "PREFIX.0.weight"; NULL or "" for none. All parameters are added or none. */
gm_status gm__optim_add_net_named(gm_optim *o, const char *prefix, gm_net *net, const char *options);
/* How far a number of a parameter goes at the next step for a gradient of 1, by the mean of the parameter's second moments and without
 * momentum; 0 before the first step of a kind that keeps such moments. */
double gm__optim_rate(const gm_optim *o, const gm_tensor *leaf);
/* From now on this factor goes with all learning rates. No part of the state, as that of a parameter. */
void gm__optim_scale(gm_optim *o, double factor);
/* From now on this factor goes with the learning rate of a parameter, beside its lr-scale. No part of the state: who
 * wants another than 1 sets it before every step. */
void gm__optim_phase(gm_optim *o, const gm_tensor *leaf, double factor);
/* gm_optim_groups over the weights of two optimisers; other may be NULL */
gm_status gm__optim_groups(gm_optim *o, gm_optim *other, const char *groups);
/* Learning rate at a step by the schedule (step counts from 0; s = steps after the warm-up):
 *   min(1, (step+1)/warmup) * lr                                        constant
 *   ... * gamma^floor(step/step-size)                                   step         (StepLR)
 *   ... * gamma^step                                                    exponential  (ExponentialLR)
 *   lr-min + (min(1, (step+1)/warmup)*lr - lr-min)*(1 + cos(pi*s/(horizon-warmup)))/2   cosine (CosineAnnealingLR), lr-min from
 *   step = horizon on
 *   the same with 1 - s/(horizon-warmup) in place of the cosine                         linear (LinearLR)
 *   two half cosines, lr/div-factor up to lr, down to lr/div-factor/final-div-factor    onecycle (OneCycleLR)
 *   ... * gamma^cuts, not below lr-min                                                  plateau (ReduceLROnPlateau) */
double gm__schedule_lr(const gm__optim_config *c, const gm__plateau *p, int64_t step);
/* Momentum at a step: momentum-start in the first momentum-steps. */
double gm__momentum_at(const gm__optim_config *c, int64_t step);
/* beta1 or momentum at a step, whose usual value is given: another one only in onecycle. */
double gm__schedule_momentum(const gm__optim_config *c, double usual, int64_t step);
/* A loss of plateau's, epoch by epoch. */
void gm__plateau_observe(const gm__optim_config *c, gm__plateau *p, double loss);

#endif
