/* index.h - reading and checking index tensors. */
#ifndef GM_OPS_INDEX_H
#define GM_OPS_INDEX_H

#include "ops/elementwise.h"

/* i32 or i64 demanded */
gm_status gm__index_type(gm__call *c, const gm_tensor *ix);
/* all indices as a contiguous i64 array, each in [0, n); GM_EARG names the first that is not */
gm_status gm__index_read(gm_tape *t, const char *who, gm_tensor *ix, int64_t n, const int64_t **out);

/* Rows [outer, n, row] picked along the middle axis: y[o, i] = x[o, v[i]], i < count; sizes in elements of es bytes. Over threads. */
void gm__rows_pick(gm_ctx *ctx, size_t es, size_t outer, size_t n, size_t row, const int64_t *v, size_t count, char *y, const char *x);
/* The transpose: y[o, v[i]] = (y[o, v[i]] +) sum of x[o, i], in the order of i whatever the threads; add: onto what y holds. */
gm_status gm__rows_sum(gm_tape *t, bool f64, size_t outer, size_t n, size_t row, const int64_t *v, size_t count, char *y, const char *x, bool add);

#endif
