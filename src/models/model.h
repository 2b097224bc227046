/* model.h - the protocol between families and everything that drives them.
 *
 * A family is a folder and one row in families.def. It says what its options are,
 * builds its nets once the shape of a row is known, and computes on a tape: a loss
 * for training, and values row by row for the verbs. The core (model.c, trainer.c,
 * sampler.c, eval.c, ..) does the rest: options, files, scaling, batching, streams of
 * random draws, locking, cancel. Inside a family x is always [N, shape], f32, scaled.
 */
#ifndef GM_MODELS_MODEL_H
#define GM_MODELS_MODEL_H

#include "data/data.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tape/tape.h"
#include <gm/model.h>
#include <gm/sampler.h>
#include <gm/trainer.h>

struct gm__family;
struct gm__ids;
struct gm__lm_given;

typedef struct gm__model_net { /* a net of the model under the name its tensors and its text carry in files */
    char *prefix;
    gm_net *net;               /* the family's own; freed by its destroy */
} gm__model_net;

struct gm_model {
    gm__handle h;
    gm_ctx *ctx;
    const struct gm__family *family;
    void *cfg;                 /* the family's config struct; text fields live in strs */
    gm__strs strs;
    void *state;               /* the family's own, state_size bytes, zeroed; nets and scratch facts */
    bool built;                /* shape known, weights drawn or loaded */
    int32_t ndim;
    int64_t shape[GM_MAX_DIMS], row; /* of one row of x; row: its numbers */
    gm__named *tensors;        /* all that a file holds, in registration order */
    size_t n_tensors, cap_tensors;
    gm__model_net *nets;       /* in registration order */
    size_t n_nets, cap_nets;
    gm_tensor *scale_mul, *scale_add; /* [row]: stored scaling x*mul + add; NULL without */
    atomic_int use;            /* 0 free, n > 0 drawn from by n threads, -1 in training */
    atomic_uintptr_t caller;   /* thread whose progress callback runs now: it may use the model in training; 0 */
    atomic_ullong changed;     /* grows with every change of weights */
    bool seed_given;           /* else the first fit's seed draws the weights */
    char version[32];          /* of the libgm that wrote the file; of this one for a new model */
    char *config_json;         /* cache of gm_model_config */
};

/* What a loss, a metric or a verb is computed from: the rows of one batch. Random ops on t draw row by row
 * from (seed, FIT, epoch, row): results depend neither on the batch size nor on threads. */
typedef struct gm__batch {
    gm_tape *t;
    gm_tensor *x;              /* [N, shape]; for decode: codes [N, latent] */
    gm_tensor *label;          /* [N] i64 or NULL */
    gm_tensor *y;              /* targets [N, ..] f32 or NULL */
    gm_tensor *length;         /* [N] i64 of padded rows, or NULL */
    gm_tensor *cond;           /* [N, size of the condition] in x's type: labels as 0 and 1, or the caller's numbers; NULL without */
    uint64_t step, epoch;
    int32_t layer;             /* encode: whose codes are wanted, 1 next to the rows; 0: the topmost's */
    bool training;             /* false: held-out loss, no dropout */
    gm_trainer *trainer;       /* of a training step, for gm__trainer_record; else NULL */
} gm__batch;

/* Settings of log_prob and eval. */
typedef struct gm__eval_cfg {
    uint32_t struct_size;
    int32_t k;                 /* importance samples; 0: the metric's default */
    int32_t batch;
    int32_t threads;
    uint64_t seed;
    const char *metric;        /* comma list */
    int64_t n;                 /* rows of each set where samples are compared with data; 0: the metric's default */
    int32_t features, kernel, judge;
} gm__eval_cfg;

enum { GM__NEEDS_LABEL = 1, GM__NEEDS_Y = 2 }; /* columns that something cannot do without */

/* A metric: one number a row, which the core averages, with its standard error. */
typedef struct gm__metric {
    const char *name, *unit;
    /* [N] f32 on b->t. Random ops draw row by row from (seed, EVAL, .., row). note: NULL or <= 96 bytes to say what the
     * value depends on ("binarize=none", "k=5000"), filled at the first batch */
    gm_tensor *(*row)(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note);
    double (*weight)(gm_model *m, const gm__batch *b, int64_t row); /* of a row in the mean, 0 or more; NULL: 1 */
    uint32_t needs;            /* GM__NEEDS_* */
    bool root;                 /* the value is the root of the mean over rows */
} gm__metric;

typedef struct gm__family {
    const char *name, *title;
    const char *score_formula;         /* one line, NULL if it cannot score */
    const char *train;                 /* training options that differ from the trainer's defaults; NULL */
    const char *(*usual)(const gm_model *m, const gm_dataset *d); /* further ones that the shape of a row decides; may be NULL */
    const gm__opts *opts;              /* rows named seed, shape, scale are known to the core */
    size_t cfg_size, state_size;
    uint32_t can;                      /* GM_CAN_* */
    int32_t log_prob_kind;             /* GM_LOG_PROB_* for k = 0; with k > 0 it is ESTIMATE */
    gm_status (*check)(gm_ctx *ctx, const void *cfg);   /* rules between options; may be NULL */
    /* ---- what depends on the data beyond their shape; each may be NULL ---- */
    bool (*ready)(const gm_model *m);                   /* can it be built once the shape is known? else the first fit builds it */
    gm_status (*choose)(gm_model *m, const gm_dataset *d); /* before building at the first fit: options that the data decide */
    gm_status (*settle)(gm_model *m, gm_dataset *d);    /* after it: numbers of the data that the model keeps */
    uint32_t (*needs)(const gm_model *m);               /* GM__NEEDS_* of training */
    uint32_t (*cannot)(const gm_model *m);              /* of `can`, what a built model's options rule out */
    int64_t (*condition)(const gm_model *m);            /* numbers a row of the condition of a built model, 0: it has none */
    bool joint;                                         /* labels may be missing in use: it models them, too */
    /* What batches go over in place of the data, made once the model is built: language models' tokens (feed.h), handed to losses as they
     * are. batch: rows of one; training: else held-out rows. ordered: batches follow one another as the rows do. May be NULL. */
    gm_status (*feed)(gm_model *m, gm_dataset *d, int64_t batch, bool training, gm_dataset **out);
    bool (*ordered)(const gm_model *m, const gm_dataset *d);
    gm_status (*build)(gm_model *m);   /* m->shape is known: make nets, draw weights from the config's seed (see
                                          gm__model_seed), register tensors by gm__model_add_net/_tensor */
    void (*destroy)(gm_model *m);      /* free what build made; also after a failed build */
    /* ---- training ---- */
    gm_status (*loss)(gm_model *m, const gm__batch *b, gm_tensor **loss); /* summed over a row, mean over rows */
    /* A step of families whose parts learn in turn, in place of loss, backward and the optimiser's step: made of half-steps
     * (gm__half_begin, gm__half_move). *loss becomes what is reported. NULL: the usual step. */
    gm_status (*update)(gm_model *m, gm_trainer *tr, double *loss);
    const struct gm__players *players; /* of families of two (adversarial.h); else NULL */
    double (*takes)(const gm_model *m); /* with update: batches of data that a step takes, on average */
    gm_status (*add_params)(gm_model *m, gm_optim *o); /* NULL: every registered parameter */
    gm_status (*begin)(gm_model *m, gm_trainer *tr); /* before the first step, and before a resume reads what was kept (gm__trainer_keep); may be NULL */
    gm_status (*stepped)(gm_model *m);               /* after each update; may be NULL */
    /* Looks at the model at an epoch's end; may raise events by gm__trainer_raise. May be NULL. */
    gm_status (*watch)(gm_model *m, gm_trainer *tr, const gm__batch *b);
    /* ---- use: t does not record; NULL where the family cannot. Results are on t ---- */
    gm_tensor *(*draw)(gm_model *m, gm_tape *t, int64_t n, double temperature, gm_tensor *cond /* as in a batch */);
    gm_tensor *(*encode)(gm_model *m, const gm__batch *b);             /* [N, latent] */
    int32_t (*layers)(const gm_model *m);                              /* of a built model, how many have codes; NULL: one */
    gm_tensor *(*decode)(gm_model *m, const gm__batch *b);             /* [N, shape] */
    gm_tensor *(*score)(gm_model *m, const gm__batch *b);              /* [N] */
    gm_tensor *(*predict)(gm_model *m, const gm__batch *b);            /* [N, classes] or [N, targets] */
    bool any_size;                                      /* predict takes pictures [N, C, h, w] of any size, not rows, and gives such */
    gm_tensor *(*log_prob)(gm_model *m, const gm__batch *b, const gm__eval_cfg *c); /* [N] */
    /* Codes of gm_traverse: of every axis `steps` codes that differ in it alone, [axes*steps, latent], to be freed by the
     * caller. z: one code to start from, NULL for the centre; span: how far to go. May be NULL. */
    gm_status (*traverse)(gm_model *m, const gm_tensor *z, int32_t steps, double span, gm_tensor **codes);
    const gm__metric *metrics; size_t n_metrics;
    const char *(*default_metric)(const gm_model *m); /* of gm_eval; NULL: the first */
    size_t (*print)(const gm_model *m, gm__buf *out); /* network tables; may be NULL */
    /* Pictures of the inside for the report: rows [n, shape] in [0,1] and what they are; *rows stays NULL where there is no picture i.
     * May be NULL. */
    gm_status (*inside)(gm_model *m, int32_t i, const char **title, gm_tensor **rows);
    /* ---- families whose tensors are sized by what they learn, not by the shape: files and copies bring them, then this checks
     * them (GM_EFORMAT) and finds its way in them. Build makes none; `choose` may make them at the first fit. */
    gm_status (*filled)(gm_model *m);
    const struct gm__gibbs *gibbs;                      /* Boltzmann machines (gibbs.h): chains that samplers and gm_complete move; else NULL */
    const struct gm__lm *lm;                            /* language models (lm.h): they read text:FILE or lines:FILE; else NULL */
    /* .. whose tokens are not the tokenizer's alone: those of a whole text, or of a piece of a prompt of which v holds the pieces before.
     * given: how much of it is not to be told. May be NULL. */
    gm_status (*text)(gm_model *m, gm_ctx *ctx, const uint8_t *text, size_t n, bool whole, struct gm__ids *v, struct gm__lm_given *given);
} gm__family;

#define GM__FAMILY(name) extern const gm__family gm__family_##name;
#include "models/families.def"
#undef GM__FAMILY
const gm__family *gm__family_find(const char *name); /* NULL if unknown */

/* For families' build: the tensors that files, optimisers and copies walk over. Names: PREFIX.NAME. */
gm_status gm__model_add_net(gm_model *m, const char *prefix, gm_net *net);
gm_status gm__model_add_tensor(gm_model *m, const char *name, gm_tensor *t /* retained */, bool parameter);
void gm__model_drop_tensors(gm_model *m); /* forgets all of them, and the nets */
/* By name: for families with `filled`, whose order of tensors must be the same whether they were made here or come from a file. */
void gm__model_sort_tensors(gm_model *m);
uint64_t gm__model_seed(const gm_model *m);
/* The constructor behind gm_model_new, gm_vae_new, ..: cfg is copied and checked; NULL for the defaults. */
gm_status gm__model_make(gm_ctx *ctx, const gm__family *f, const void *cfg, gm_model **out);
/* The public pair of every family: gm_X_config_init, and gm_X_new, whose struct may be that of an older or newer caller. */
enum { GM__CONFIG_BYTES = 1024 }; /* a config struct is no larger */
void gm__family_config(const gm__family *f, void *c, size_t size);
gm_status gm__model_from_config(gm_ctx *ctx, const gm__family *f, const void *c, gm_model **out);
/* Gives an unbuilt model its shape (from data or a file) and builds it. */
gm_status gm__model_build(gm_model *m, int32_t ndim, const int64_t *shape);
const void *gm__model_option(const gm_model *m, const char *name); /* address of an option's value, NULL if the family has none */

/* The value of an option that is a choice, as text ("none"); NULL if the family has none of that name. */
const char *gm__model_choice(const gm_model *m, const char *name, char *out, size_t cap);
gm_status gm__model_set_text(gm_model *m, const char *name, const char *value); /* an option by text; nothing if there is none */
void gm__model_changed(gm_model *m); /* after weights changed */

/* x in the data's units to the model's and back, on a tape; x itself without scaling. */
gm_tensor *gm__scale_in(gm_model *m, gm_tape *t, gm_tensor *x);
gm_tensor *gm__scale_out(gm_model *m, gm_tape *t, gm_tensor *x);
gm_status gm__scale_make(gm_model *m);                   /* the two tensors, identity, if the option asks for scaling */
gm_status gm__scale_fit(gm_model *m, gm_dataset *data);  /* and their values from the data */
double gm__scale_log_det(const gm_model *m);             /* sum log |mul|: what log densities gain in the data's units; families add it */

/* Rows of a batch as the family takes them: reshaped to [N, shape], scaled. */
gm_tensor *gm__model_rows(gm_model *m, gm_tape *t, gm_tensor *x);

/* condition.c: labels, targets and conditions. The batch that lies on `from` now: x, label, y, cond; failures are the tape's. */
gm__batch gm__model_batch(gm_model *m, gm_tape *t, gm_tensor *x, gm_batches *from);
int64_t gm__model_condition(const gm_model *m);
bool gm__labels_in(gm_model *m, gm_tape *t, const gm_tensor *label /* [n] i64 */, int64_t classes); /* else the tape's failure names one */
/* Labels as rows of a condition, 0 but for a 1: [n, size of the condition]. */
gm_tensor *gm__model_onehot(gm_model *m, gm_tape *t, gm_tensor *label, int32_t dtype);
/* Is cond (may be NULL) something that n rows of the model can take? Labels i32, i64 [n] or [1]; numbers f32 [n or 1, size]. */
gm_status gm__cond_check(gm_ctx *ctx, gm_model *m, const char *who, int64_t n, const gm_tensor *cond);
/* Rows at .. at+n-1 of cond, checked before, as label, target or condition of b. Without cond: nothing. */
void gm__cond_rows(gm_model *m, gm__batch *b, gm_tensor *cond, int64_t at, int64_t n);
/* Rows of a condition for draws without one: labels in turn. */
gm_tensor *gm__cond_in_turn(gm_model *m, gm_tape *t, uint64_t first, int64_t n);
/* GM_ENOTFOUND names the column that data lack. */
gm_status gm__needs_met(gm_ctx *ctx, const char *who, uint32_t needs, const gm_dataset *d);
/* Does a row of this shape fit? Sizes of 1 are of no matter, and a flat row fits any shape of as many numbers. */
gm_status gm__model_fits(gm_model *m, const char *who, int32_t ndim, const int64_t *shape);
gm_status gm__model_data_fits(gm_model *m, const char *who, const gm_dataset *d);
gm_status gm__tape_failed(gm_ctx *ctx, const gm_tape *t); /* the tape's failure as the context's */
gm_status gm__use_tape(gm_ctx *ctx, gm_tape **out);      /* one that does not record */
gm_status gm__model_able(gm_ctx *ctx, const gm_model *m, const char *verb, bool able); /* GM_EUNSUPPORTED, GM_ESTATE */
gm_status gm__model_new_rows(gm_ctx *ctx, const gm_model *m, int64_t n, gm_tensor **out); /* [n, shape] of zeros */
/* Draws rows first .. first+n-1 of the stream of a seed into out, f32 [n, row]. Works on any context's tape. */
gm_status gm__model_draw(gm_model *m, gm_tape *t, uint64_t seed, uint64_t first, int64_t n, double temperature, gm_tensor *cond, float *out);
enum { GM__CHUNK = 256 }; /* rows that a verb works on at once */

/* For families' traverse, where a code is `latent` numbers: coordinate a moves from z_a - span to z_a + span. */
gm_status gm__traverse_axes(gm_model *m, int64_t latent, const gm_tensor *z, int32_t steps, double span, gm_tensor **codes);
/* Is z, if given, one code of so many numbers? */
gm_status gm__traverse_start(gm_model *m, int64_t latent, const gm_tensor *z);

/* Locks: GM_EBUSY on a clash. */
gm_status gm__model_begin_use(gm_model *m, gm_ctx *ctx);   /* draws, encode, .. */
void gm__model_end_use(gm_model *m);
gm_status gm__model_begin_train(gm_model *m, gm_ctx *ctx);
void gm__model_end_train(gm_model *m);
/* Around a progress callback in training: the calling thread may draw, others may not. */
void gm__model_enter_callback(gm_model *m);
void gm__model_leave_callback(gm_model *m);
bool gm__model_in_callback(const gm_model *m); /* of this thread */

void gm__trainer_raise(gm_trainer *tr, int32_t kind, double value, const char *format, ...);
/* A layer's turn has come, in the loss of its first step: an event, and the progress callback after that step. */
void gm__trainer_layer(gm_trainer *tr, int32_t layer, const char *text);
/* One number of a curve ("d-loss", "kl"): lower case, digits, '-'. It goes to hosts, checkpoints and the
 * report. The first one of a name in a step counts. tr may be NULL. */
void gm__trainer_record(gm_trainer *tr, const char *name, double value);

extern const gm__opts gm__train_opts, gm__eval_opts, gm__sampler_opts, gm__complete_opts;

void gm__model_tables(const gm_model *m, gm__buf *b); /* print.c: the nets, layer by layer */

/* file.c: the part of a file that model and checkpoint share */
gm_status gm__model_write(gm_model *m, gm__stw *w);                    /* config, net texts, tensors */
gm_status gm__model_read(gm_ctx *ctx, const gm__st *f, const char *who, gm_model **out);
/* One tensor from the file, shape and type checked; GM_ENOTFOUND and GM_ESHAPE name file and tensor. */
gm_status gm__load_tensor(gm_ctx *ctx, const gm__st *f, const char *who, const char *name, gm_tensor *dst);
/* `WHO: KEY: message of the last failure`, with another code */
gm_status gm__blame(gm_ctx *ctx, gm_status s, const char *who, const char *key);

#endif
