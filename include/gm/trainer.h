/* gm/trainer.h - training step by step, checkpoints, progress, events.
 *
 *     gm_trainer *tr = NULL;
 *     s = gm_trainer_new(model, data, "epochs=10 checkpoint=run.ckpt", &tr);
 *     if (!s) s = gm_trainer_run(tr);
 *     gm_trainer_free(tr);
 *
 * Same seed, same bytes, whatever the number of threads; a run that was stopped and
 * resumed ends with the bytes of one that was not.
 */
#ifndef GM_TRAINER_H
#define GM_TRAINER_H

#include <gm/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gm_trainer gm_trainer;

/* Kinds of events. */
enum { GM_EVENT_NONFINITE = 1, GM_EVENT_EXPLODING = 2, GM_EVENT_VANISHING = 3, GM_EVENT_POSTERIOR_COLLAPSE = 4, GM_EVENT_BEST = 5,
       GM_EVENT_REPORT = 6 /* the report could not be written at the end */,
       GM_EVENT_LAYER = 7 /* the next layer begins to learn; value: its number, 1 next to the rows */,
       GM_EVENT_FALLBACK = 8 /* the data were too few for a rule, and a simpler one was taken; value: how often */,
       GM_EVENT_OVERFITTING = 9 /* training rows are favoured more and more over held-out ones */,
       GM_EVENT_MODE_COLLAPSE = 10 /* gan: rows look alike, or leave out most of the data; value: the measure */,
       GM_EVENT_OSCILLATION = 11 /* gan: generated rows wander to and fro; value: their way between two looks, in spreads of the data */,
       GM_EVENT_IMBALANCE = 12 /* gan: one player is far ahead; value: how often the discriminator tells a pair */,
       GM_EVENT_DUALITY_GAP = 13 /* gan: best responses gain more and more; value: the gap */,
       GM_EVENT_REMEDY = 14 /* gan: health=act has done something against an event; value: the event's kind */ };

/* Something training noticed about itself. */
typedef struct gm_event {
    uint32_t struct_size; /* set by the caller */
    int32_t  kind;        /* GM_EVENT_* */
    uint64_t step;
    double   value;       /* the measure that raised it */
    char     text[160];
} gm_event;

/* What a progress callback sees. Borrowed during the call. */
typedef struct gm_progress {
    uint32_t struct_size;
    int32_t  new_events;   /* events raised since the last call */
    uint64_t epoch, epochs; /* epochs done, asked for (0: steps decide) */
    uint64_t step, steps;  /* steps done, in all */
    double   loss;         /* mean over the rows since the last call, the family's unit */
    double   valid_loss;   /* NaN if not measured since the last call */
    double   lr, grad_norm;
    double   seconds;      /* since gm_trainer_run began */
    double   rows_per_second;
    int32_t  epoch_end;    /* 1 at the end of an epoch */
    int32_t  reserved;
    double   epoch_loss;   /* mean over the rows of this epoch so far, of the whole at its end */
} gm_progress;

/** Called on the calling thread between steps. Non-zero stops with GM_ECANCELED; the model stays usable. */
typedef int (*gm_progress_fn)(const gm_progress *p, void *user);

/**
 * Prepares training of a model on data.
 * @param data      retained
 * @param options   epochs (10), steps (0: epochs decide), batch (128), accumulate (1: batches of an update), optimizer (adam),
 *                  all options of gm_optim_new (schedule=plateau hears of the held-out loss, else the epoch's mean), groups (as in
 *                  gm_optim_groups), seed (default: the model's), checkpoint (path), checkpoint-every (steps; 0: at
 *                  each epoch's end), stop-after (steps), patience (epochs without better validation), keep-best (off),
 *                  report (folder for report.html and series.csv; see docs/report.md), prefetch (on). gm_option_at("train", i) lists them
 * @param out       receives the trainer, the caller's
 * @errors    GM_EARG, GM_ESHAPE (data do not fit the model), GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_trainer_new(gm_model *m, gm_dataset *data, const char *options, gm_trainer **out);

/**
 * Goes on from a checkpoint; the rest of the run gives the bytes an uninterrupted run would have given.
 * @param data      the same data (a fingerprint is checked)
 * @param valid     the same held-out data, or NULL if there was none
 * @param options   epochs, steps, stop-after, checkpoint, report, threads may change; any other option is accepted only with its stored value
 * @param out       receives the trainer; its model is gm_trainer_model
 * @errors    GM_EIO, GM_EFORMAT, GM_EARG (other data, other option), GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_trainer_resume(gm_ctx *ctx, const char *path, gm_dataset *data, gm_dataset *valid, const char *options, gm_trainer **out);

/** The model in training, borrowed. @errors none. @threads any. @since 0.1 */
GM_API gm_model *gm_trainer_model(const gm_trainer *tr);
/** Held-out data, measured at each epoch's end; retained. @errors GM_EARG, GM_ESHAPE, GM_ESTATE (after the first step). @threads as the model's context. @since 0.1 */
GM_API gm_status gm_trainer_set_valid(gm_trainer *tr, gm_dataset *valid);
/** Progress callback, asked at most every `seconds`, at each epoch's end and when a layer begins to learn (GM_EVENT_LAYER). @errors GM_EARG. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_trainer_set_progress(gm_trainer *tr, gm_progress_fn fn, void *user, double seconds);
/** One step. @param loss receives its loss; may be NULL. @return GM_END when the run is complete. @errors GM_END, GM_ENONFINITE (weights untouched), GM_ECANCELED, GM_EBUSY, GM_ENOMEM. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_trainer_step(gm_trainer *tr, double *loss);
/** Steps until the run is complete, stop-after is reached, or it is canceled. @errors as gm_trainer_step. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_trainer_run(gm_trainer *tr);
/** 1 when the run is complete (not merely stopped). @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_trainer_done(const gm_trainer *tr);
/** Steps done since the start of the whole run. @errors none. @threads any. @since 0.1 */
GM_API uint64_t gm_trainer_steps(const gm_trainer *tr);
/** Writes a checkpoint: also a loadable model. @errors GM_EIO, GM_ENONFINITE, GM_EBUSY, GM_ENOMEM. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_trainer_save(gm_trainer *tr, const char *path);
/** Number of events so far. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_trainer_event_count(const gm_trainer *tr);
/** Event i. @errors GM_EARG, GM_END. @threads as the model's context. @since 0.1 */
GM_API gm_status gm_trainer_event(const gm_trainer *tr, int32_t i, gm_event *out);
/**
 * Number of curves recorded so far: loss (each step), epoch-loss, valid-loss, grad-norm, lr, then the family's own (kl, ..).
 * They are thinned to at most 1024 points, a point being the mean of as many numbers as it stands for, and go on after a resume.
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API int32_t gm_trainer_series_count(const gm_trainer *tr);
/** Name of curve i, "grad-norm"; NULL past the end. @return borrowed until the next step. @errors none. @threads as the model's context. @since 0.1 */
GM_API const char *gm_trainer_series_name(const gm_trainer *tr, int32_t i);
/** Points of curve i. @param steps,values receive the first cap points; either may be NULL. @return how many points there are. @errors none. @threads as the model's context. @since 0.1 */
GM_API int64_t gm_trainer_series_read(const gm_trainer *tr, int32_t i, uint64_t *steps, double *values, int64_t cap);
/**
 * Adds a fact about the run to the report: where the data came from, who asked for it. The note `command` is shown as
 * the way to repeat the run. Nothing without the option report.
 * @param name,text   copied
 * @errors    GM_EARG, GM_ELIMIT (more than 16), GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_trainer_note(gm_trainer *tr, const char *name, const char *text);
/** Frees the trainer; the model stays. @errors none. @threads any. @since 0.1 */
GM_API void gm_trainer_free(gm_trainer *tr);

#ifdef __cplusplus
}
#endif
#endif
