/* linear.h - what linear and linear_act share: act(x W^T + b) in one product, and its gradients. */
#ifndef GM_OPS_LINEAR_H
#define GM_OPS_LINEAR_H

#include "ops/elementwise.h"

gm_status gm__linear_infer(gm__call *c);
gm_status gm__linear_forward(gm__call *c, int act, double slope);
/* g: contiguous, the gradient of x W^T + b */
gm_status gm__linear_fused(gm_tape *t, const gm__node *n, gm_tensor *g, const bool *want);
void gm__linear_vjp(gm_tape *t, const gm__node *n, gm_tensor *g, const bool *want, gm_tensor **gx);

#endif
