/* loss.h - losses of two equal shapes, element by element or summed, without temporaries. attr.i[0]: reduce. */
#ifndef GM_OPS_LOSS_H
#define GM_OPS_LOSS_H

#include "ops/elementwise.h"

/* out = f(a, b) for n elements, n at most a chunk */
typedef void gm__loss_fn(gm_ctx *ctx, bool f64, size_t n, void *out, const void *a, const void *b);

gm_status gm__loss_infer(gm__call *c);
gm_status gm__loss_forward(gm__call *c, gm__loss_fn *fn);
/* the gradient of input i: gy * slope(a, b), over the count for a mean */
gm_status gm__loss_grad(gm_tape *t, const gm__node *n, gm_tensor *gy, int i, gm__loss_fn *slope);
/* gy scaled for a mean; broadcasts to the inputs' shape */
gm_tensor *gm__loss_gy(gm_tape *t, const gm__node *n, gm_tensor *gy);
gm_tensor *gm__loss(gm_tape *t, const gm__op *op, gm_tensor *x, gm_tensor *y, int32_t reduce);

#endif
