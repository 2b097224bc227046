/* unary.h - the common frame of ops y = f(x): one kernel forward, one for the gradient. */
#ifndef GM_OPS_UNARY_H
#define GM_OPS_UNARY_H

#include "ops/elementwise.h"

/* OF: what the gradient kernel wants beside gy, n->in[0] or n->out. The file defines
 * static gm_tensor *slope(t, n, gy): the gradient as ops. */
#define GM__UNARY(NAME, KERNEL, KERNEL_G, OF, SAMPLES)                                                       \
    static gm_status forward(gm__call *c) { return gm__unary_forward(c, KERNEL); }                            \
    static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)                    \
    {                                                                                                         \
        GM__UNUSED(want);                                                                                     \
        return gm__unary_grad(t, n, gy, KERNEL_G, OF);                                                        \
    }                                                                                                         \
    static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)           \
    {                                                                                                         \
        GM__UNUSED(want);                                                                                     \
        gx[0] = slope(t, n, gy);                                                                              \
    }                                                                                                         \
    const gm__op gm__op_##NAME = {#NAME, 1, GM__OP_EW, gm__infer_same, forward, vjp, fused, SAMPLES};

/* shapes that most unary ops are tried on; the second for positive inputs */
#define GM__UNARY_SAMPLES "7,17 | . | 0,3 | 1 | 2,3,4:t | 5,9:s"
#define GM__POSITIVE_SAMPLES "7,17:p | .:p | 0,3:p | 1:p | 2,3,4:pt | 5,9:ps"

static inline gm_tensor *gm__apply_f(gm_tape *t, const gm__op *op, gm_tensor *x, double f0, double f1)
{
    gm__attr a = {.f = {f0, f1}};
    return gm__apply(t, op, &x, 1, &a);
}

#endif
