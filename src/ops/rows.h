/* rows.h - what softmax and log_softmax share: a kernel over rows of the last axis. */
#ifndef GM_OPS_ROWS_H
#define GM_OPS_ROWS_H

#include "ops/elementwise.h"

typedef struct gm__rows_job {
    gm_ctx *ctx;
    bool f64;
    size_t n;            /* length of a row */
    void *y;             /* written */
    const void *x, *g;   /* x: the input, or in a gradient the result */
} gm__rows_job;

gm_status gm__rows_infer(gm__call *c);
gm_status gm__rows_forward(gm__call *c, gm__range_fn *fn);
gm_status gm__rows_grad(gm_tape *t, const gm__node *n, gm_tensor *gy, gm__range_fn *fn);
/* an op of the last axis along any axis: transposed views before and after */
gm_tensor *gm__rows_axis(gm_tape *t, const gm__op *op, gm_tensor *x, int32_t axis);

#endif
