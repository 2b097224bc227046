/* detach.c - the same values, cut off from the gradient. */
#include "ops/view.h"

static gm_status infer(gm__call *c)
{
    gm__view_all(c);
    return GM_OK;
}
const gm__op gm__op_detach = {"detach", 1, GM__OP_VIEW | GM__OP_NOGRAD, infer, NULL, NULL, NULL, "7,17 | . | 0,3 | 2,3,4:t | 5,9:s | 3:k5 | "
    "1 | 2,1,3,1,2 | 17,7:ts | 4,0,2 | 33:s | 1,1,1:K3t"};

gm_tensor *gm_detach(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_detach, x); }
