/* lgamma.c - y = log |Gamma(x)|; y' = digamma(x). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm_mul(t, gy, gm_digamma(t, n->in[0]));
}
GM__UNARY_RARE(lgamma, GM__U_LGAMMA, GM__POSITIVE_SAMPLES)
