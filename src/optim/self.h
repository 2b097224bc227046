/* self.h - the optimiser as src/optim sees it. */
#ifndef GM_OPTIM_SELF_H
#define GM_OPTIM_SELF_H

#include "kernels/kernels.h"
#include "optim/optim.h"

typedef struct gm__param_state {
    char *name;
    gm_tensor *w;
    double base_scale, lr_scale, decay; /* lr_scale: base_scale times the group's */
    double phase;                       /* a further factor, of the present step */
    gm_tensor *m, *v, *b, *steps, *last, *ema; /* as the kind and options need; made at the first step */
    gm_tensor *anchor;                         /* the weights before gm_optim_extrapolate */
} gm__param_state;

/* What may differ between parameters (groups.c). */
typedef struct gm__group {
    double lr_scale, weight_decay;
    bool decay_given, scale_given;
} gm__group;
gm_status gm__optim_read_group(const gm_optim *o, const char *options, gm__group *g);

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
    int64_t clock;  /* 1 + the step that the schedule goes by; 0: its own */
    double norm;
    double scale;   /* of all rates */
    bool swapped, ahead;   /* the averages are in the weights' place; gm_optim_extrapolate has moved them */
    gm__plateau plateau;
};

/* The numbers of one step, the same for all parameters. */
typedef struct gm__update {
    gm_optim *o;
    double gscale, lr, beta1, momentum, ema;
    bool look; /* to come back from: averages stay */
} gm__update;
void gm__optim_rule(const gm__update *u, const gm__param_state *p, const gm__stretch *part); /* rules.c */
static inline void *gm__optim_at(const gm_tensor *t, int64_t first) { return t->data + (size_t)first * gm__esize(t->dtype); }

gm_status gm__optim_ready(gm_optim *o);  /* state and tasks of all parameters */

#endif
