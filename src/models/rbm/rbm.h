/* rbm.h - one layer of stochastic units over another: the machine itself, which the families rbm and dbn are made of.
 *
 * v is [N, nv], h [N, nh] throughout. The last `labels` visible units are one group of which exactly one is on. */
#ifndef GM_MODELS_RBM_RBM_H
#define GM_MODELS_RBM_RBM_H

#include "models/gibbs.h"
#include "ops/ops.h"
#include <gm/rbm.h>
#include <gm/vae.h>

enum { GM__RBM_STACK = 8 }; /* machines on one another, at most */
struct gm__rbm;

/* ---- units.c: what is peculiar to a kind of unit ------------------------------------------- */

enum { GM__RBM_WORDS = 1 << 20, GM__RBM_LEVELS = 64 }; /* most words of a document, most levels of a number */
enum { /* of visible units */
    GM__UNIT_F = 1,                      /* there is an energy, so a free energy and Z */
    GM__UNIT_AIS = 2, GM__UNIT_CENTRE = 4,
    GM__UNIT_MISSING = 8,                /* 0 adds nothing to any product: that is what a missing entry becomes */
    GM__UNIT_STANDARD = 16,              /* data of mean 0 and deviation 1 make sense */
    GM__UNIT_COUNTS = 32,                /* hidden biases count once a word */
};
enum { GM__WITH_BERNOULLI = 1, GM__WITH_RECTIFIED = 2, GM__WITH_GAUSSIAN = 4, GM__WITH_ALL = 7 }; /* hidden kinds, 1 << number */

/* in [N, n] is what units receive: b + W h. like [N, n]: states whose totals draws share; NULL. Labels are no concern of these. */
typedef struct gm__visible_kind {
    const char *name, *values, *hint;    /* for messages: what they can be, and what to try else */
    const char *measure;                 /* of gap */
    uint32_t has, hidden;                /* GM__UNIT_*; GM__WITH_*: the hidden kinds that they go with */
    bool (*takes)(double x);
    double least, most;                  /* means are cut to these .. */
    double (*bias)(double mean);         /* .. before they become biases, as if nothing else were known */
    gm_tensor *(*mean)(const struct gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature);
    gm_tensor *(*draw)(const struct gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature);
    gm_tensor *(*signal)(const struct gm__rbm *r, gm_tape *t, gm_tensor *v);              /* what of v products see; NULL: v */
    gm_tensor *(*own)(const struct gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *b);   /* [N]: their term of E; NULL: -b v */
    gm_tensor *(*gap)(const struct gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in);  /* [N]: how far v is from what in says */
    double (*log_states)(const struct gm__rbm *r, const float *b, const float *x);        /* log sum_v exp(v x - own), x = W h; NULL */
} gm__visible_kind;
typedef struct gm__hidden_kind {
    const char *name;
    bool states;                         /* finitely many: they can be enumerated */
    gm_tensor *(*mean)(gm_tape *t, gm_tensor *in, double temperature);
    gm_tensor *(*draw)(gm_tape *t, gm_tensor *in, double temperature);
    gm_tensor *(*own)(gm_tape *t, gm_tensor *h);       /* [N]: their term of E beside -c h; NULL: 0 */
    gm_tensor *(*log_sum)(gm_tape *t, gm_tensor *in);  /* [N]: log sum_h exp(in h - own); NULL: there is none */
} gm__hidden_kind;
extern const gm__visible_kind gm__visible_units[]; /* by GM_UNITS_* */
extern const gm__hidden_kind gm__hidden_units[];   /* by GM_UNITS_HIDDEN_* >> 8 */

/* groups of units of which one is on */
gm_tensor *gm__unit_one_mean(gm_tape *t, gm_tensor *in, int64_t group, double temperature);
gm_tensor *gm__unit_one_draw(gm_tape *t, gm_tensor *in, int64_t group, double temperature);
double gm__unit_one_log_states(const float *b, const float *x, int64_t group);

typedef struct gm__rbm_how { /* what it is like and how it learns */
    int32_t units, k, persistent, chains, centered, start, gradient, tempering;
    double offset_rate, sparsity, sparsity_cost, init_std, fast_lr, fast_decay;
    int32_t group;                       /* softmax: units of a group */
    int32_t missing;                     /* entries may be NaN: they take no part */
    double length;                       /* replicated: words of a usual document */
} gm__rbm_how;

typedef struct gm__rbm {
    const char *owner;                   /* "rbm", for messages */
    gm__rbm_how how;
    int64_t nv, nh, labels;
    const gm__visible_kind *visible;     /* as how.units says */
    const gm__hidden_kind *hidden;
    int32_t n_levels;                    /* softmax: every number of a row is one of these levels, and a group of units; 0: rows hold the units */
    float level[GM__RBM_LEVELS];
    gm_tensor *w;                        /* [nv, nh] */
    gm_tensor *b, *c;                    /* biases of visible and hidden units */
    gm_tensor *log_var;                  /* [nv]: gaussian visibles; else NULL. What it says of labels is not used */
    gm_tensor *mu, *lambda;              /* running means of v and h: centered; else NULL */
    gm_tensor *batch_mu, *batch_lambda;  /* those of the last batch */
    bool one_of;                         /* of the hidden units exactly one is on: only in a stack, topmost */
    bool shared;                         /* b and mu, set before gm__rbm_make, are c and lambda of a machine below */
    gm_tensor *chain;                    /* [replicas * chains, nv]: persistent, while in training; else NULL */
    gm_tensor *fast_w, *fast_b, *fast_c; /* what is added for the chains: fast-lr, while in training; else NULL */
    bool met;                            /* batch_mu and batch_lambda hold a batch */
} gm__rbm;

/* ---- machine.c ----------------------------------------------------------------------- */

/* Makes the tensors of r, whose owner, how and sizes are set, and registers them as PREFIXweight, .. */
gm_status gm__rbm_make(gm_model *m, gm__rbm *r, const char *prefix, uint64_t seed, uint64_t index);
void gm__rbm_drop(gm__rbm *r);
gm_status gm__rbm_add_params(gm_optim *o, const gm__rbm *r, const char *prefix);

static inline bool gm__rbm_has_free_energy(const gm__rbm *r) { return r->visible->has & GM__UNIT_F && r->hidden->log_sum; }

/* ---- rows.c ------------------------------------------------------------------------------ */

gm_tensor *gm__rbm_rows(const gm__rbm *r, gm_tape *t, gm_tensor *x, bool check);   /* [N, shape] -> [N, nv - labels]; check: values that the units can have */
gm_tensor *gm__rbm_absent(const gm__rbm *r, gm_tape *t, gm_tensor *x);             /* u8 [N, nv]: units of entries that are missing; NULL: none may be */
gm_tensor *gm__rbm_shaped(const gm_model *m, gm_tape *t, gm_tensor *v);            /* [N, row] -> [N, shape] */
gm_tensor *gm__rbm_data(const gm__rbm *r, const gm_model *m, gm_tape *t, gm_tensor *v); /* [N, nv - labels] -> [N, shape]: levels weighed by their units */
gm_status gm__rbm_means(const gm__rbm *r, gm_trainer *tr, double *mean);           /* [nv - labels]: over the first 10,000 rows, each unit where it is there */
gm_status gm__rbm_levels(gm_ctx *ctx, const char *text, float *level, int32_t *n);  /* options.c: "1,2,3,4,5" */

/* ---- energy.c: on a tape ---------------------------------------------------------- */

gm_tensor *gm__rbm_up(const gm__rbm *r, gm_tape *t, gm_tensor *v);                 /* what hidden units receive; bernoulli: p(h=1|v) is its sigmoid */
gm_tensor *gm__rbm_down(const gm__rbm *r, gm_tape *t, gm_tensor *h);               /* what visible units receive; gaussian: the mean */
/* The same of states, of which the most are zeros and ones: faster, other last bits. */
gm_tensor *gm__rbm_up_states(const gm__rbm *r, gm_tape *t, gm_tensor *v);
gm_tensor *gm__rbm_down_states(const gm__rbm *r, gm_tape *t, gm_tensor *h);
gm_tensor *gm__rbm_log_down(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *h); /* [N]: log p(v|h) of bernoulli and gaussian units, labels apart */
gm_tensor *gm__rbm_visible_mean(const gm__rbm *r, gm_tape *t, gm_tensor *in, double temperature);
gm_tensor *gm__rbm_visible_draw(const gm__rbm *r, gm_tape *t, gm_tensor *in, double temperature);
/* the same where rows share the totals of those of `like` [N, nv] */
gm_tensor *gm__rbm_visible_mean_like(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature);
gm_tensor *gm__rbm_visible_draw_like(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature);
gm_tensor *gm__rbm_gap(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in, gm_tensor *absent); /* [N]: how far v is from what in says, labels apart; absent may be NULL */
gm_tensor *gm__rbm_energy(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in, gm_tensor *h); /* [N]: E(v, h), in = up(v) */
gm_tensor *gm__rbm_free_energy(const gm__rbm *r, gm_tape *t, gm_tensor *v);        /* [N] */
gm_tensor *gm__rbm_free_energy_of(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in); /* the same, in = up(v) */
gm_tensor *gm__rbm_label_energy(const gm__rbm *r, gm_tape *t, gm_tensor *x);       /* [N, labels]: free energy of x with each label */
/* k steps from v; *mean receives the mean of p(v|h) of the last. clamp: [1 or N, nv] u8, units that keep their values; NULL. Nothing is recorded. */
gm_tensor *gm__rbm_gibbs(const gm__rbm *r, gm_tape *t, gm_tensor *v, int64_t k, double temperature, gm_tensor *clamp, gm_tensor **mean);
/* The same where labels are held apart, and only pixels by clamp [1 or N, nv - labels]. */
gm_tensor *gm__rbm_walk(const gm__rbm *r, gm_tape *t, gm_tensor *state, int64_t steps, double temperature, const gm__held *held, gm_tensor **mean);
/* n chains of their own from noise, labels held if cond [n, labels] is given; the states, and in *mean the means, without labels */
gm_tensor *gm__rbm_dream(const gm__rbm *r, gm_tape *t, int64_t n, int64_t steps, double temperature, gm_tensor *cond, gm_tensor **mean);
gm_tensor *gm__rbm_unlabelled(const gm__rbm *r, gm_tape *t, gm_tensor *v);         /* [N, nv - labels] */
gm_tensor *gm__rbm_noise(const gm__rbm *r, gm_tape *t, int64_t n, double temperature); /* [n, nv]: visibles by their biases alone */

/* ---- train.c ------------------------------------------------------------------------- */

/* Biases (and running means) from the data's means, if the biases are still 0. */
gm_status gm__rbm_start_biases(gm__rbm *r, gm_model *m, gm_trainer *tr);
/* [N]: how far the pixels of v are from what h makes of them: cross-entropy, or squared error of gaussian units */
gm_tensor *gm__rbm_recon(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *h);
/* *loss: its value tells how well v is rebuilt (gradient=exact: it is -log p), its gradient is the learning rule's. In training
 * *model, if asked for, receives the states of the model's side, [N or chains, nv]; gradient=exact has none. */
gm_status gm__rbm_learn(gm__rbm *r, const gm__batch *b, gm_tensor *v, gm_tensor **model, gm_tensor **loss);
gm_status gm__rbm_moved(gm__rbm *r, gm_ctx *ctx);   /* after an update: the running means follow */

/* ---- chains.c --------------------------------------------------------------------------- */

/* Chains and fast weights, under a name for checkpoints. Chains start from noise of the visibles' own biases. */
gm_status gm__rbm_start_chains(gm__rbm *r, gm_model *m, gm_trainer *tr, const char *name);
/* States of the model's side, [n, nv]: k steps from the data, or of the chains, which move on. back: what visible units receive
 * of a draw of hidden ones at the data. *driven_mean: with fast weights, the means of hidden units that go with the states. */
gm_tensor *gm__rbm_negative(gm__rbm *r, const gm__batch *b, gm_tensor *data, gm_tensor *back, gm_tensor **driven_mean);
gm_status gm__rbm_drive(gm__rbm *r, gm_tape *t, gm_tensor *gap); /* the fast weights take the gradient of gap */

/* ---- enumerate.c ------------------------------------------------------------------------- */

gm_status gm__rbm_countable(gm_ctx *ctx, const gm__rbm *r);       /* GM_ELIMIT names the sizes */
gm_tensor *gm__rbm_log_z_on(const gm__rbm *r, gm_tape *t);        /* log Z as an expression */

/* ---- watch.c ------------------------------------------------------------------------------ */

gm_status gm__rbm_watch(gm_model *m, gm_trainer *tr, const gm__batch *b); /* of the family rbm */

/* ---- inside.c: for the report (gm__family.inside) of the family whose lowest machine r is -------- */

gm_status gm__rbm_inside(gm_model *m, const gm__rbm *r, int32_t i, const char **title, gm_tensor **rows);

/* ---- log_z.c -------------------------------------------------------------------------- */

enum { GM__Z_EXACT, GM__Z_AIS, GM__Z_REVERSE };
typedef struct gm__z_cfg {
    uint32_t struct_size;
    int32_t method, temperatures, chains;
    int32_t length;                      /* replicated: words of a document; 0: as how.length says */
    uint64_t seed;
    const gm_tensor *data;               /* [n, nv] contiguous: where reverse-ais starts; NULL: noise */
} gm__z_cfg;
/* Of the machines r[0] .. r[machines-1] on one another, undirected: the hidden units of each are the visible ones of the next, whose b is not read. */
gm_status gm__rbm_log_z(gm_ctx *ctx, const gm__rbm *r, size_t machines, const gm__z_cfg *c, double *log_z, double *error);
/* The same as a verb of a model that is able to (api.c): rows of data or NULL, options as text. */
gm_status gm__rbm_log_z_verb(gm_model *m, const gm__rbm *r, size_t machines, gm_tensor *data, const char *options, double *log_z, double *error);

/* ---- api.c: gibbs as a verb of a model that is able to ---------------------------------------- */

typedef struct gm__chains { /* of states [N, ..] whose first columns are the visible units */
    const gm__rbm *low;                  /* the machine that these belong to */
    gm_tensor *(*start)(const gm_model *m, gm_tape *t, gm_tensor *v); /* a state with these visible units; NULL: v itself */
    gm_tensor *(*step)(const gm_model *m, gm_tape *t, gm_tensor *state, double temperature, gm_tensor *clamp, gm_tensor **mean); /* clamp: [1 or N, row] or NULL */
} gm__chains;
gm_status gm__rbm_gibbs_verb(gm_model *m, const gm__chains *how, gm_tensor *v, gm_tensor *clamp, const char *options, gm_tensor **out);

/* ---- the family rbm ---------------------------------------------------------------------- */

typedef struct gm__rbm_model {
    gm__rbm r;
    double log_z[3];                     /* as each method found it for the metric at work */
} gm__rbm_model;
static inline gm__rbm *gm__rbm_of(const gm_model *m) { return &((gm__rbm_model *)m->state)->r; }
static inline const gm_rbm_config *gm__rbm_cfg(const gm_model *m) { return m->cfg; }
extern const gm__opts gm__rbm_opts;
gm_status gm__rbm_check(gm_ctx *ctx, const void *cfg);
gm_tensor *gm__rbm_input(const gm_model *m, const gm__batch *b, bool check); /* visible states of a batch, labels joined */

enum { GM__RBM_METRICS = 9 };
extern const gm__metric gm__rbm_metrics[GM__RBM_METRICS];

#endif
