/* clamp.c - y = min(max(x, lo), hi). attr.f: lo, hi. */
#include "ops/unary.h"

static gm_tensor *slope(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return gm__piecewise(t, GM__PW_CLAMP, gy, n->in[0], n->attr.f[0], n->attr.f[1]);
}
GM__UNARY(clamp, GM__U_CLAMP, GM__B_CLAMP_G, n->in[0], "7,17 f=-1,1 | . f=0,1 | 0,3 f=-1,1 | 1 f=-3,3 | 2,3,4:t f=-0.5,0.25 | 5,9:s f=-1,0.5 | "
    "2,1,3,1,2 f=-1,1 | 1,1,1:t f=-2,2 | 17,7:ts f=0,1 | 3,1,5:s f=-0.3,0.3 | 33 f=-1,2 | 4,0,2:t f=0,1")

gm_tensor *gm_clamp(gm_tape *t, gm_tensor *x, double lo, double hi)
{
    if (gm__tape_ok(t) && !(lo <= hi)) return gm__tape_fail(t, GM_EARG, "clamp: lo %g is not below hi %g", lo, hi);
    return gm__apply_f(t, &gm__op_clamp, x, lo, hi);
}
