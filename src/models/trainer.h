/* trainer.h - the trainer as its files see it: trainer.c (life, options), step.c (steps and runs),
 * epoch.c (what is measured at an epoch's end), events.c, series.c (curves), checkpoint.c,
 * report.c (a page about the run). */
#ifndef GM_MODELS_TRAINER_H
#define GM_MODELS_TRAINER_H

#include "io/io.h"
#include "models/model.h"

typedef struct gm__train_cfg {
    uint32_t struct_size;
    int32_t optimizer;         /* GM__SGD .. */
    gm__optim_config optim;
    int64_t epochs, steps, batch, accumulate;
    uint64_t seed;
    const char *checkpoint, *groups;
    int64_t checkpoint_every, stop_after, patience;
    int32_t keep_best, prefetch, extragradient;
    const char *augment;
    const char *report;
} gm__train_cfg;

/* All that a checkpoint holds beside tensors and options: what the next step depends on. */
typedef struct gm__train_state {
    int64_t step;              /* done; epoch and position follow from it */
    int32_t pending;           /* an epoch's end has been reached and not yet measured */
    int32_t stopped;           /* by patience */
    int32_t has_best, has_valid;
    double best;               /* lowest held-out loss */
    int64_t bad_epochs;        /* since then */
    double epoch_loss, epoch_rows; /* sums over the present epoch */
    double norm_mean, loss_mean, loss_best; /* running, for events */
    gm__plateau plateau;       /* the optimiser's, as of the last epoch's end */
    int64_t quiet_steps;       /* in a row without gradient */
    int64_t exploded;          /* step of the last such event, -1: none */
    int64_t rows, valid_rows;
    uint64_t data, valid;      /* fingerprints */
    int32_t precision, amx, blas_threads;
    int64_t taken, halves, played; /* families with update: batches used up; half-steps done, and those of them in a step not done yet */
} gm__train_state;
extern const gm__opts gm__train_state_opts;

enum { GM__SERIES_POINTS = 1024 };
typedef struct gm__point { int64_t step; double value; } gm__point;
typedef struct gm__series {
    char name[32];
    gm__point *points;         /* [GM__SERIES_POINTS] */
    size_t n;
    int64_t every;             /* numbers in a point */
    int64_t waiting;           /* numbers since the last point .. */
    double sum;                /* .. and their sum */
    int64_t last;              /* step of the last number */
} gm__series;

/* Which weights the model holds just now. */
enum { GM__RAW, GM__AVERAGES, GM__BEST };

struct gm_trainer {
    gm__handle h;
    gm_ctx *ctx;
    gm_model *m;
    gm_dataset *data, *valid;
    gm_dataset *feed, *valid_feed; /* what batches go over: the same, or what the family makes of them */
    gm_batches *batches, *valid_batches, *watch_batches;
    gm_optim *optim, *rival;   /* rival: of the parts that learn in turn with the others; NULL without */
    void *own;                 /* the family's, made by its begin; own_free frees it */
    void (*own_free)(gm_ctx *ctx, void *own);
    gm_tape *tape;
    gm__train_cfg cfg;
    gm__strs strs;
    gm__train_state st;
    uint64_t *rows;            /* of the present batch, [row_cap] */
    size_t row_cap;
    int64_t epoch_steps, total; /* updates an epoch, in all */
    int64_t own_steps;         /* of this trainer, for stop-after */
    bool reseek;               /* the last batch taken was not used up */
    bool fingerprinted;
    bool warmup_given;         /* else a family's default, cut to a tenth of a short run */
    bool finished;             /* the last weights are in the model */
    int shown;                 /* GM__RAW .. */
    struct gm__kept { const char *name; gm_tensor *tensor; } *kept; /* the family's own state of training, stored in checkpoints */
    size_t n_kept;
    gm_tensor **best;          /* copies of the model's tensors, [n_tensors] */
    /* since the last progress callback */
    double loss, loss_rows, valid_loss;
    double epoch_loss;         /* mean of the last whole epoch */
    int32_t new_events;
    bool layer_began;          /* the callback is asked about it */
    gm_progress_fn progress;
    void *progress_user;
    double progress_every, began, reported;
    int64_t run_rows, own_rows; /* of a gm_trainer_run, of this trainer */
    struct gm__report *report;
    gm_event *events;
    size_t n_events, cap_events;
    gm__series *series;
    size_t n_series;
    int32_t in_step;           /* 1 inside a step, which st.step does not count yet */
    int64_t taking, looks;     /* of the half-step in progress: batches it has taken, gradients found */
};

extern const gm__opts gm__train_opts;

/* trainer.c */
gm_status gm__trainer_make(gm_ctx *ctx, gm_model *m, gm_dataset *data, gm_trainer **out); /* takes cfg next */
gm_status gm__trainer_open(gm_trainer *tr);   /* cfg is final: optimiser, batches, tape; the model is built if need be */
int64_t gm__trainer_total(const gm_trainer *tr);
gm_status gm__trainer_use_valid(gm_trainer *tr, gm_dataset *valid);
gm_status gm__trainer_batches(gm_trainer *tr, int64_t batch, gm_batches **out); /* the training data in order, as they are trained on */
gm_status gm__trainer_means(gm_trainer *tr, double *mean); /* [row]: of x as it is trained on, over the first 10,000 rows */
gm_status gm__trainer_keep(gm_trainer *tr, const char *name, gm_tensor *t);     /* for a family's begin: a tensor (retained) that checkpoints hold */
/* A further optimiser with the trainer's options but for what is given: a kind (NULL: the same), a rate (0: the same), and no averages. */
gm_status gm__trainer_optim(gm_trainer *tr, const char *kind, double lr, gm_optim **out);
/* For a family's begin: one as tr->rival. The family adds parameters. */
gm_status gm__trainer_rival(gm_trainer *tr, const char *kind, double lr);

/* step.c */
bool gm__trainer_complete(const gm_trainer *tr);
/* Half-steps, what a family's update is made of. Each begins on an empty tape in training mode whose draws depend on the
 * number of half-steps before it alone, and is all or nothing: the count of batches moves on with the weights. */
gm_status gm__half_begin(gm_trainer *tr, int64_t least, gm__batch *b); /* b: the next batch of at least so many rows; least 0: no data, b.t only */
gm_status gm__half_look(gm_trainer *tr, gm_tensor *loss, double *value); /* backward: gradients, and the value of a loss */
gm_status gm__half_step(gm_trainer *tr, gm_optim *o);                    /* the step by them, and the counts */
gm_status gm__half_move(gm_trainer *tr, gm_optim *o, gm_tensor *loss, double *value); /* both */
/* A half-step called by the host. It completes a step or not; epoch ends, checks and locks are those of gm_trainer_step. */
typedef gm_status gm__half_fn(gm_model *m, gm_trainer *tr, double *loss);
gm_status gm__trainer_half(gm_trainer *tr, gm__half_fn *half, bool completes, double *loss);
gm_status gm__trainer_finish(gm_trainer *tr); /* the last weights: the kept best, else the averages */
int64_t gm__trainer_origins(gm_trainer *tr, const gm_dataset *d, gm_batches *b); /* fills tr->rows, returns how many */
double gm__now(void);

/* epoch.c */
gm_status gm__trainer_epoch_end(gm_trainer *tr);
gm_status gm__trainer_measure(gm_trainer *tr); /* held-out loss, best */
gm_status gm__trainer_best_room(gm_trainer *tr);
void gm__trainer_show(gm_trainer *tr, int which);

/* events.c */
void gm__trainer_observe(gm_trainer *tr, double loss, double norm);
gm_status gm__events_write(const gm_trainer *tr, gm__stw *w);
gm_status gm__events_read(gm_trainer *tr, const gm__st *f, const char *who);

/* report.c: nothing without the option; step and end never change what the run says but for GM_ECANCELED */
gm_status gm__report_open(gm_trainer *tr);
gm_status gm__report_step(gm_trainer *tr, bool epoch_end);
void gm__report_end(gm_trainer *tr, gm_status s);
void gm__report_free(gm_trainer *tr);

/* series.c; gm__trainer_record is in model.h */
gm_status gm__series_add(gm_trainer *tr, const char *name);
void gm__series_free(gm_trainer *tr);
const gm__series *gm__trainer_series(const gm_trainer *tr, const char *name); /* NULL if there is none */
size_t gm__series_points(const gm__series *s); /* the one that is being gathered included */
gm__point gm__series_point(const gm__series *s, size_t i);
gm_status gm__series_write(gm_trainer *tr, gm__stw *w, gm__strs *names, gm_tensor **kept /* [n_series], the caller's */);
gm_status gm__series_read(gm_trainer *tr, const gm__st *f, const char *who);

/* checkpoint.c */
gm_status gm__checkpoint_write(gm_trainer *tr, const char *path);

#endif
