/* log_sigmoid.c - y = -log(1 + e^-x), finite for any x; y' = sigmoid(-x). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_sigmoid(t, gm_neg(t, n->in[0])));
}
GM__UNARY(log_sigmoid, GM__U_LOG_SIGMOID, GM__B_LOG_SIGMOID_G, n->in[0], GM__UNARY_SAMPLES)

gm_tensor *gm_log_sigmoid(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &gm__op_log_sigmoid, x); }
