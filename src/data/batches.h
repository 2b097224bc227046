/* batches.h - a walk over a data set in batches, inside src/data only. */
#ifndef GM_DATA_BATCHES_H
#define GM_DATA_BATCHES_H

#include "data/augment.h"
#include <pthread.h>
#include <sys/types.h>

typedef struct gm__batches_config {
    int32_t batch, shuffle, drop_last, prefetch, binarize, scale;
    uint64_t seed;
    const char *augment;
} gm__batches_config;
enum { GM__BIN_NONE, GM__BIN_DYNAMIC, GM__BIN_THRESHOLD };
enum { GM__SCALE_NONE, GM__SCALE_UNIT, GM__SCALE_STANDARD };

/* Memory of one batch. */
typedef struct gm__slot {
    gm_tensor **full, **last; /* a column: all rows of a batch, and the fewer of an epoch's last; one memory */
    uint64_t *rows, *origin;
    float *work;              /* of augmentation: a row */
    void *raw;                /* of streaming: a row as it is in the file */
    size_t n;                 /* rows in it; 0: nothing */
    uint64_t epoch, pos;      /* which batch it holds */
} gm__slot;

/* The thread that prepares the next batch while the caller works on this one. */
typedef struct gm__fetch {
    bool on;                  /* wanted and possible */
    bool started;
    pid_t pid;                /* of the process the thread lives in */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    gm__slot *slot;           /* being filled or full; NULL: nothing asked */
    bool ready, stop;
} gm__fetch;

struct gm_batches {
    gm__handle h;
    gm_ctx *ctx;              /* retained, as the data set */
    gm_dataset *d;
    int32_t n_columns;        /* of it when the batches were made: what is added later they do not have */
    gm__batches_config cfg;
    uint64_t per_epoch, epoch, pos;
    gm__slot slot[2];
    int now;                  /* slot that the caller has */
    uint64_t *order;          /* permutation of order_epoch */
    uint64_t order_epoch;
    bool order_valid;
    float *shift, *factor;    /* of scale: [n_scale] */
    gm__augment augment;
    size_t n_scale;           /* 1 or the elements of a row */
    gm__fetch fetch;
};

/* Fills a slot; fails for callbacks and files only, and leaves it empty then. quiet: without a message, from the thread. */
gm_status gm__batches_fill(gm_batches *b, gm__slot *s, uint64_t epoch, uint64_t pos, bool quiet);

void gm__fetch_ask(gm_batches *b, gm__slot *s, uint64_t epoch, uint64_t pos); /* starts the thread at first use */
gm__slot *gm__fetch_wait(gm_batches *b);  /* the slot that was asked for, full now; NULL if none was */
void gm__fetch_end(gm_batches *b);

#endif
