/* log.c - y = ln x. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_div(t, gy, n->in[0]);
}
GM__UNARY(log, GM__U_LOG, GM__B_LOG_G, n->in[0], GM__POSITIVE_SAMPLES)

gm_tensor *gm_log(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_log, x); }
