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

/* The same without a gradient kernel: for functions that no hot loop calls. */
#define GM__UNARY_RARE(NAME, KERNEL, SAMPLES)                                                                 \
    static gm_status forward(gm__call *c) { return gm__unary_forward(c, KERNEL); }                            \
    static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)           \
    {                                                                                                         \
        GM__UNUSED(want);                                                                                     \
        gx[0] = slope(t, n, gy);                                                                              \
    }                                                                                                         \
    const gm__op gm__op_##NAME = {#NAME, 1, GM__OP_EW, gm__infer_same, forward, vjp, NULL, SAMPLES};          \
    gm_tensor *gm_##NAME(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_##NAME, x); }

/* Steps: the gradient is 0 wherever there is one. */
#define GM__UNARY_STEP(NAME, KERNEL)                                                                          \
    static gm_status forward(gm__call *c) { return gm__unary_forward(c, KERNEL); }                            \
    const gm__op gm__op_##NAME = {#NAME, 1, GM__OP_EW | GM__OP_NOGRAD, gm__infer_same, forward, NULL, NULL, GM__UNARY_SAMPLES}; \
    gm_tensor *gm_##NAME(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_##NAME, x); }

/* shapes that most unary ops are tried on; positive inputs; inputs between 0 and 1 */
#define GM__UNARY_SAMPLES \
    "7,17 | . | 0,3 | 1 | 2,3,4:t | 5,9:s | 2,1,3,1,2 | 1,1,1:t | 17,7:ts | 3,1,5:s | 33 | 4,0,2:t"
#define GM__POSITIVE_SAMPLES \
    "7,17:p | .:p | 0,3:p | 1:p | 2,3,4:pt | 5,9:ps | 2,1,3,1,2:p | 1,1,1:pt | 17,7:pts | 3,1,5:ps | 33:p | 4,0,2:pt"
#define GM__UNIT_SAMPLES \
    "7,17:u | .:u | 0,3:u | 1:u | 2,3,4:ut | 5,9:us | 2,1,3,1,2:u | 1,1,1:ut | 17,7:uts | 3,1,5:us | 33:u | 4,0,2:ut"

static inline gm_tensor *gm__apply_f(gm_tape *t, const gm__op *op, gm_tensor *x, double f0, double f1)
{
    gm__attr a = {.f = {f0, f1}};
    return gm__apply(t, op, &x, 1, &a);
}

#endif
