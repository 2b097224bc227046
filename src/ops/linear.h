/* linear.h - what linear, linear_act and convolutions share: act(x W^T + b) in one product, and its gradients. */
#ifndef GM_OPS_LINEAR_H
#define GM_OPS_LINEAR_H

#include "ops/elementwise.h"

gm_status gm__linear_infer(gm__call *c);
gm_status gm__linear_forward(gm__call *c, int act, double slope);
/* g: contiguous, the gradient of x W^T + b */
gm_status gm__linear_fused(gm_tape *t, const gm__node *n, gm_tensor *g, const bool *want);
void gm__linear_vjp(gm_tape *t, const gm__node *n, gm_tensor *g, const bool *want, gm_tensor **gx);

/* The activations that products fuse, GM_ACT_*: the kernel's number, and the gradient before the activation from
 * that after it and the result y, as ops and (g: contiguous) as one pass. NULL after recording a failure. */
int gm__act_kernel(int64_t act);
gm_tensor *gm__act_vjp(gm_tape *t, int64_t act, double slope, gm_tensor *gy, gm_tensor *y);
gm_tensor *gm__act_fused(gm_tape *t, int64_t act, double slope, const gm_tensor *gy, const gm_tensor *y);

#endif
