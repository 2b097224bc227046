/* optim.h - optimiser state as checkpoints see it. */
#ifndef GM_OPTIM_OPTIM_INTERNAL_H
#define GM_OPTIM_OPTIM_INTERNAL_H

#include "nn/nn.h"
#include <gm/optim.h>

/* Calls fn for every state tensor (moments, averages), named "NAME.m", "NAME.v", "NAME.ema" after the
 * parameter's index or name given at add. State is allocated first if need be. */
typedef gm_status gm__state_fn(void *user, const char *name, gm_tensor *t);
gm_status gm__optim_state(gm_optim *o, gm__state_fn *fn, void *user);
gm_status gm__optim_set_steps(gm_optim *o, int64_t steps);
extern const gm__opts gm__optim_opts;                     /* the rows of the options text */
/* as gm_optim_add with a name for messages and files */
gm_status gm__optim_add_named(gm_optim *o, const char *name, gm_tensor *leaf, const char *options);
gm_status gm__optim_add_net_named(gm_optim *o, const char *prefix, gm_net *net, const char *options);
/* learning rate at a step by the schedule (step counts from 0) */
double gm__schedule_lr(const void *optim_config, int64_t step);

#endif
