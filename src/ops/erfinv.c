/* erfinv.c - y with erf(y) = x; y' = sqrt(pi)/2 e^(y*y). */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    const double half_root_pi = 0.88622692545275801365;
    return gm_mul(t, gy, gm__scale(t, gm_exp(t, gm_square(t, n->out)), half_root_pi));
}
GM__UNARY_RARE(erfinv, GM__U_ERFINV, GM__UNIT_SAMPLES)
