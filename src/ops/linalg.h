/* linalg.h - what ops on matrices share: the last two axes are a matrix, leading axes a batch, LAPACK computes in f64.
 *
 * An op with several results gives one tensor in whose last axis they lie side by side; the public function
 * returns slices of it. So a gradient into any of them arrives at one place, to every order. */
#ifndef GM_OPS_LINALG_H
#define GM_OPS_LINALG_H

#include "ops/ops.h"
#include <gm/linalg.h>

/* x in row-major f64 that may be overwritten: [count, rows, cols] (rows, cols exchanged if transposed). data NULL after recording a failure. */
typedef struct gm__mats { size_t count, rows, cols; double *data; } gm__mats;
gm__mats gm__mats_copy(gm_tape *t, gm_tensor *x, bool transposed);
/* Memory for a result of out's shape that gm__mats_store puts there; out's own where that is f64. */
gm__mats gm__mats_out(gm_tape *t, gm_tensor *out);
void gm__mats_store(gm_tape *t, gm_tensor *out, gm__mats m);

gm_status gm__infer_square(gm__call *c);   /* float, two dimensions or more, the last two equal; out like in[0] */
gm_status gm__infer_system(gm__call *c);   /* a [..., n, n], b [..., n, k], leading axes equal; out like b */
/* out like in[0], f32 or f64, but for the last two axes */
gm_status gm__infer_mats(gm__call *c, int64_t rows, int64_t cols);
/* A kernel failed on matrix i, or found it unfit: one message that says which. */
gm_status gm__mats_failed(gm__call *c, gm_status s, size_t i);
/* " of matrix 3", or nothing for a single matrix */
const char *gm__mats_which(char out[40], size_t count, size_t i);
void gm__mats_symmetrise(size_t n, double *a); /* (a + a^T)/2 */
/* +1 or -1 that makes the largest of n numbers a step apart positive; among equals (to rounding) the first. */
double gm__mats_sign(size_t n, const double *v, size_t step);

/* constants [n, n] of like's type */
enum { GM__M_EYE, GM__M_OFF /* 1 but on the diagonal */, GM__M_LOWER, GM__M_LOWER_HALF /* 1/2 on the diagonal */, GM__M_LOWER_STRICT,
       GM__M_UPPER, GM__M_UPPER_STRICT };
gm_tensor *gm__mask(gm_tape *t, const gm_tensor *like, int64_t n, int which);

gm_tensor *gm__t(gm_tape *t, gm_tensor *x);                      /* last two axes exchanged */
gm_tensor *gm__symmetric(gm_tape *t, gm_tensor *x);              /* (x + x^T)/2 */
gm_tensor *gm__part(gm_tape *t, gm_tensor *x, int64_t first, int64_t last); /* columns [first, last) */
/* expands leading axes of a and b to their common shape; false after recording a failure */
bool gm__expand_batch(gm_tape *t, const char *who, gm_tensor **a, gm_tensor **b);

#endif
