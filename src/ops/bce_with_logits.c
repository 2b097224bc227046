/* bce_with_logits.c - max(x,0) - x y + ln(1 + e^-|x|): binary cross-entropy from
 * logits, finite for any x. attr.i[0]: reduce. */
#include "ops/loss.h"

static void value(gm_ctx *ctx, bool f64, size_t n, void *out, const void *x, const void *y) { gm__k2(ctx, f64, GM__B_BCE, n, out, x, y, GM__VV, NULL); }
static void slope_x(gm_ctx *ctx, bool f64, size_t n, void *out, const void *x, const void *y) { gm__k2(ctx, f64, GM__B_BCE_G, n, out, x, y, GM__VV, NULL); }
static void slope_y(gm_ctx *ctx, bool f64, size_t n, void *out, const void *x, const void *y)
{
    GM__UNUSED(y);
    gm__k1(ctx, f64, GM__U_NEG, n, out, x, NULL);
}

static gm_status forward(gm__call *c) { return gm__loss_forward(c, value); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    if (want[0]) GM__TRY(gm__loss_grad(t, n, gy, 0, slope_x));
    if (want[1]) GM__TRY(gm__loss_grad(t, n, gy, 1, slope_y));
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *g = gm__loss_gy(t, n, gy);
    if (want[0]) gx[0] = gm_mul(t, gm_sub(t, gm_sigmoid(t, n->in[0]), n->in[1]), g);
    if (want[1]) gx[1] = gm_neg(t, gm_mul(t, n->in[0], g));
}
const gm__op gm__op_bce_with_logits = {"bce_with_logits", 2, 0, gm__loss_infer, forward, vjp, fused,
    "7,17 7,17:u i=0 | 7,17 7,17:u i=1 | 7,17 7,17:u i=2 | . .:u i=1 | 0,3 0,3:u i=2 | 2,3,4:t 2,3,4:u i=1 | 5,9:s 5,9:ut i=0 | 1 1:u i=0 | "
    "2,1,3,1,2 2,1,3,1,2:ut i=0 | 17,7:ts 17,7:u i=1 | 33 33:us i=2 | 4,0,2 4,0,2:u i=2"};

gm_tensor *gm_bce_with_logits(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce) { return gm__loss(t, &gm__op_bce_with_logits, x, y, reduce); }
