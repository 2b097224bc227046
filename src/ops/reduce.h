/* reduce.h - what reductions over one axis or all share. attr.i: axis (or GM_ALL_AXES), keep. */
#ifndef GM_OPS_REDUCE_H
#define GM_OPS_REDUCE_H

#include "ops/elementwise.h"

/* x as [outer, n, inner]: n elements are reduced */
typedef struct gm__axes { size_t outer, n, inner; } gm__axes;

gm_status gm__infer_reduce(gm__call *c);      /* floats */
gm_status gm__infer_reduce_some(gm__call *c); /* GM_ESHAPE when nothing is reduced into something */
gm__axes gm__axes_of(const gm_tensor *x, int64_t axis);
gm_tensor *gm__reduce(gm_tape *t, const gm__op *op, gm_tensor *x, int32_t axis, int32_t keep);
/* y (the result, or its gradient) in a shape that broadcasts to the input's; emits a view */
gm_tensor *gm__unreduced(gm_tape *t, const gm__node *n, gm_tensor *y);
/* the same as a bare view with strides of 0, in the input's shape; y contiguous */
void gm__unreduced_view(const gm__node *n, const gm_tensor *y, gm_tensor *view);
/* y = sums of contiguous x over its middle; fixed order */
void gm__sum_axes(gm_ctx *ctx, bool f64, gm__axes a, void *y, const void *x);
/* y = the largest (or smallest) values over its middle */
void gm__extreme_axes(gm_ctx *ctx, bool f64, gm__axes a, void *y, const void *x, bool smallest);
/* gradient of max and min: gy shared among the places where x equals y */
gm_tensor *gm__extreme_vjp(gm_tape *t, const gm__node *n, gm_tensor *gy);

#define GM__REDUCE_SAMPLES \
    "7,17 i=1,0 | 7,17 i=0,1 | 2,3,4:t i=1,0 | . i=127,0 | 3,5 i=127,0 | 3,5 i=127,1 | 0,3 i=1,0 | 5,9:s i=-1,1 | 1 i=0,0 | 2,0,3 i=0,0 | " \
    "2,1,3,1,2 i=-3,0 | 17,7:ts i=0,1"

#endif
