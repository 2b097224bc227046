/* self.h - the optimiser as src/optim sees it. */
#ifndef GM_OPTIM_SELF_H
#define GM_OPTIM_SELF_H

#include "kernels/kernels.h"
#include "optim/optim.h"

typedef struct gm__param_state {
    char *name;
    gm_tensor *w;
    double lr_scale, decay;
    gm_tensor *m, *v, *steps, *ema; /* as the kind and options need; made at the first step */
} gm__param_state;

/* A stretch of one parameter; a task of the pool is a run of stretches. Both depend on the
 * parameters' sizes alone, so sums have one order whatever the number of threads. */
typedef struct gm__stretch {
    size_t param;
    int64_t first, n;
    double sumsq;
} gm__stretch;
typedef struct gm__tasks {
    gm__stretch *at;
    size_t n;
    size_t *first; /* [tasks + 1] */
    size_t tasks;
} gm__tasks;

struct gm_optim {
    gm__handle h;
    gm_ctx *ctx;
    int kind;
    gm__optim_config cfg;
    gm__param_state *p;
    size_t n, cap;
    gm_net **nets;
    size_t n_nets;
    gm__tasks tasks;
    size_t ready;   /* parameters that have their state */
    int64_t steps;
    double norm;
    bool swapped;
};

gm_status gm__optim_ready(gm_optim *o);  /* state and tasks of all parameters */

#endif
