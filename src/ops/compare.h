/* compare.h - the common frame of the six comparisons. */
#ifndef GM_OPS_COMPARE_H
#define GM_OPS_COMPARE_H

#include "ops/ops.h"

gm_status gm__compare_infer(gm__call *c);
gm_status gm__compare_forward(gm__call *c, int op);

#define GM__COMPARE(NAME, KERNEL)                                                                  \
    static gm_status forward(gm__call *c) { return gm__compare_forward(c, GM__C_##KERNEL); }        \
    const gm__op gm__op_##NAME = {#NAME, 2, GM__OP_NOGRAD | GM__OP_EW, gm__compare_infer, forward, NULL, NULL, \
        "7,17:k3 7,17:k3 | . . | 7,17:K4 17:K4 | 7,1 1,17:t | 3,1,4:b .:b | 0,3 3 | 2,3,4:t 3,1 | 5,9:s 5,9:t | "                             \
        "2,1,3,1,2:k4 3,4,1:k4 | . 7,17 | 1:b 1,1:b | 4,0,2 2:s"}; \
    gm_tensor *gm_##NAME(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm__apply2(t, &gm__op_##NAME, x, y); }

#endif
