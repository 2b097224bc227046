/* columns.h - sums over the rows of [images, rows, n], for norms of images whose pixels are rows and channels columns.
 * Rows go to threads in parts whose number depends on the sizes alone; parts are joined in order. */
#ifndef GM_OPS_COLUMNS_H
#define GM_OPS_COLUMNS_H

#include "ops/elementwise.h"

typedef struct gm__columns { gm_ctx *ctx; bool f64; size_t images, rows, n; } gm__columns;

/* All arrays [images, n] and of the images' type; false after recording a failure in the tape. */
bool gm__column_stats(gm_tape *t, const gm__columns *c, const void *x, void *mean, void *var); /* var divided by rows */
bool gm__column_sums(gm_tape *t, const gm__columns *c, const void *g, const void *x, const void *mean, void *sum, void *along); /* of g, g (x-mean) */
void gm__column_mix(const gm__columns *c, void *y, const void *g, const void *x, const void *a, const void *b, const void *d); /* a g + b x + d; x NULL */

#endif
