/* health.h - what watches a GAN's training: what is measured, what that says, what is done about it.
 *
 * All that the next step depends on lies in tensors that checkpoints hold. Looking changes nothing: it has a tape and
 * batches of its own, and what it moves it brings back. */
#ifndef GM_MODELS_GAN_HEALTH_H
#define GM_MODELS_GAN_HEALTH_H

#include "models/gan/gan.h"

/* What may go wrong, in the order of the names in options.c, and what may be done. */
enum { GM__ILL_COLLAPSE, GM__ILL_VANISHING, GM__ILL_EXPLODING, GM__ILL_OSCILLATION, GM__ILL_IMBALANCE, GM__ILL_GAP, GM__ILLS };
enum { GM__CURE_NONE, GM__CURE_ROLLBACK, GM__CURE_LR, GM__CURE_RATIO, GM__CURE_STOP, GM__CURES };

/* Numbers of gm__health.state. */
enum {
    GM__H_OWED,        /* half-steps of D that wait for a whole one */
    GM__H_RATIO,       /* factor of d-steps */
    GM__H_RATE,        /* factor of both rates */
    GM__H_ADVANTAGE,   /* running: how often D tells a pair */
    GM__H_RECENT,      /* the same over fewer half-steps */
    GM__H_D_SEEN, GM__H_G_SEEN,   /* half-steps */
    GM__H_D_NORM, GM__H_G_NORM,   /* running means of log |gradient| .. */
    GM__H_D_FIRST, GM__H_G_FIRST, /* .. at first .. */
    GM__H_G_TOP,       /* .. and the largest so far */
    GM__H_D_BLAST,     /* D's half-step of the last alarm, -1: none */
    GM__H_BLAST,       /* step of the trainer's last alarm that was heard, -1: none */
    GM__H_LOOKED,      /* step of the last look, -1: none */
    GM__H_LOOKS,
    GM__H_ALIKE, GM__H_FAR, GM__H_FLAT, GM__H_SURE, GM__H_LOST, /* looks in a row at which it was so */
    GM__H_PATH, GM__H_SINCE, GM__H_RESTLESS, /* of the window: way of the rows' mean, looks; windows in a row without getting anywhere */
    GM__H_GAPPED, GM__H_GAP_BEST, GM__H_GAP_WORSE, /* step of the last estimate, the least, estimates in a row far above it */
    GM__H_KEPT,        /* 1 + step of the healthy weights, 0: none */
    GM__H_REST,        /* looks until an event may be raised again, one for each ill */
    GM__H_SIZE = GM__H_REST + GM__ILLS
};

typedef struct gm__health {
    gm_tensor *state;             /* f64 [GM__H_SIZE] */
    gm_tensor *place;             /* f32 [2, row]: the rows' mean at the last look, and where the window began */
    gm_tensor **live, **kept;     /* weights and state of both optimisers, and healthy copies of them; [n] */
    size_t n;                     /* 0: no remedy wants them */
    int cure[GM__ILLS];
    double band[2];               /* of D's advantage; 0: d-steps does not adapt */
    bool troubled;                /* something is wrong at this look, though not yet for long */
    double advantage;             /* at the half-step of D in progress */
    /* the probe, made at first need */
    gm_tape *t;
    gm_batches *batches;
    gm_tensor *x, *cond;          /* rows of the data as D sees them, [PROBE, row], and their conditions; NULL without */
    double spread;                /* root of their total variance */
    double *mean;                 /* [row] */
    double reach;                 /* of the data themselves */
} gm__health;

static inline gm__health *gm__health_of(const gm_trainer *tr) { return tr->own; }
static inline double *gm__health_state(const gm_trainer *tr) { return gm__f64(gm__health_of(tr)->state); }

/* ---- options.c ---- */
gm_status gm__gan_cures(gm_ctx *ctx, const char *text, int cure[GM__ILLS]); /* text may be NULL */
gm_status gm__gan_band(gm_ctx *ctx, const char *text, double band[2]);
extern const int32_t gm__ill_events[GM__ILLS]; /* GM_EVENT_* */
extern const char *const gm__ill_names[GM__ILLS], *const gm__cure_names[GM__CURES];

/* ---- health.c: what is noticed ---- */
gm_status gm__health_begin(gm_model *m, gm_trainer *tr);
gm_status gm__health_attend(gm_model *m, gm_trainer *tr);  /* before a half-step: rates, and at a step's first the looks */
void gm__health_saw_d(gm_model *m, gm_trainer *tr);        /* after one */
void gm__health_saw_g(gm_model *m, gm_trainer *tr);
double gm__health_advantage(const gm_tensor *real, const gm_tensor *fake); /* of logits: how often a real row's is above a generated one's, [0,1] */
int64_t gm__health_d_steps(const gm_model *m, const gm_trainer *tr); /* D's half-steps in this step */

/* ---- probe.c: rows to look at ---- */
typedef struct gm__look {
    bool finite;
    double diversity;  /* spread of generated rows over the data's */
    double distance;   /* between their means, in spreads of the data */
    double reach;      /* how much of the data they are nearest to, over what as many rows of the data are */
    double moved;      /* of the mean since the last look, in spreads */
    double net;        /* and since the window began */
} gm__look;
gm_status gm__probe_look(gm_model *m, gm_trainer *tr, gm__look *look, gm_tensor **mean /* f32 [row] on the probe's tape */);
gm_status gm__probe_open(gm_model *m, gm_trainer *tr);
gm_tensor *gm__probe_fakes(gm_model *m, gm__health *h, gm_tensor *cond, int64_t n); /* recording off; nets held by the caller */
void gm__probe_free(gm_ctx *ctx, gm__health *h);

/* ---- remedy.c ---- */
gm_status gm__remedy_room(gm_model *m, gm_trainer *tr);    /* copies of what a rollback brings back, kept in checkpoints */
void gm__remedy_keep(gm_trainer *tr);                      /* the present weights are healthy */
void gm__remedy(gm_model *m, gm_trainer *tr, int ill, double towards_d); /* towards_d: which way ratio goes, above 0 gives D more steps */
bool gm__remedy_not_finite(gm_model *m, gm_trainer *tr, double loss); /* true: healthy weights are back, take the step again */

/* ---- gap.c ---- */
/* max_D' V(D',G) - min_G' V(D,G'), both reached by `gap-steps` steps from the present weights, which come back. */
gm_status gm__gan_gap(gm_model *m, gm_trainer *tr, double *gap);

#endif
