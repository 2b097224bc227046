/* rowwise.h - functions of equally shaped inputs summed over the last axis, without temporaries. */
#ifndef GM_OPS_ROWWISE_H
#define GM_OPS_ROWWISE_H

#include "ops/elementwise.h"

/* the sum of f over n elements, n at most a chunk */
typedef double gm__row_fn(gm_ctx *ctx, bool f64, size_t n, const void *const *in);
/* out = slope of f in input i, n at most a chunk */
typedef void gm__row_slope_fn(gm_ctx *ctx, bool f64, size_t n, int i, void *out, const void *const *in);

gm_status gm__row_infer(gm__call *c);
gm_status gm__row_forward(gm__call *c, gm__row_fn *fn);
gm_status gm__row_grad(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm__row_slope_fn *slope);
/* gy with a last axis of size 1 */
gm_tensor *gm__row_gy(gm_tape *t, const gm__node *n, gm_tensor *gy);
/* expands the inputs to their common shape and applies */
gm_tensor *gm__row_apply(gm_tape *t, const gm__op *op, gm_tensor **in, int n);

#endif
