/* diff.h - what the files of src/tape share while they differentiate. */
#ifndef GM_TAPE_DIFF_H
#define GM_TAPE_DIFF_H

#include "tape/tape.h"

/* Memory of a gradient. Several gradients may share one until somebody adds to it. */
typedef struct gm__gbuf {
    struct gm__gbuf *next; /* in a free list or the node's list of scratch */
    size_t bytes;
    int32_t refs;
    char *data;
} gm__gbuf;

/* One differentiation. Either every leaf that wants a gradient gets it (xs NULL),
 * or the n tensors xs do, in out. */
typedef struct gm__diff {
    bool graph;             /* the gradients are recorded ops */
    int32_t n;
    gm_tensor *const *xs;
    gm_tensor **out;
    bool *has;              /* out[i] holds a sum */
    int32_t *table;         /* hash of a pointer -> first i with that xs[i], or -1 */
    size_t table_mask;
    gm_tensor *gy;          /* gradient of the node at work */
    gm__gbuf *free[48];     /* by the logarithm of the size */
    gm_tensor *free_headers;
    gm_tensor *scratch;     /* made by gm__grad_tmp for the node at work */
} gm__diff;

int32_t gm__diff_slot(const gm__diff *d, const gm_tensor *x); /* i with xs[i] == x, or -1 */
gm_tensor *gm__gradient_new(gm_tape *t, const gm_tensor *like);
void gm__gradient_ones(gm_tensor *g); /* row-major */
void gm__gradient_release(gm_tape *t, gm_tensor *g);
/* Gives the gradient that a walk begins with to x, an op result without one; false after recording a failure. */
bool gm__gradient_begin(gm_tape *t, gm_tensor *x, gm_tensor *g);
/* Marks the nodes low to top that lead to one of the xs, if there are xs. */
void gm__diff_mark(gm_tape *t, int64_t low, int64_t top);
/* Runs the nodes from `top` down to `low`; the gradient of the topmost is in place. */
gm_status gm__diff_run(gm_tape *t, int64_t low, int64_t top);
/* Sums g down to dst's shape (the inverse of broadcasting); add: onto what dst holds. */
void gm__gradient_sum(gm_ctx *ctx, gm_tensor *dst, const gm_tensor *g, bool add);
/* No gradient is being taken: a walk has no room for another. */
gm_status gm__diff_idle(gm_tape *t, const char *who);
/* A live tensor of this tape or the host's, of a type with gradients. */
gm_status gm__diff_check(gm_tape *t, const char *who, const char *arg, const gm_tensor *x);

void gm__tape_free_headers(gm_tape *t);
char *gm__tape_rewind_keeping(gm_tape *t, const gm__mark *m, const char *src, size_t bytes);
bool gm__arena_holds(const gm_tape *t, const void *p);

#endif
