/* mse.c - (x-y)^2. attr.i[0]: reduce. */
#include "ops/loss.h"

static void value(gm_ctx *ctx, bool f64, size_t n, void *out, const void *a, const void *b)
{
    gm__k2(ctx, f64, GM__B_SUB, n, out, a, b, GM__VV, NULL);
    gm__k1(ctx, f64, GM__U_SQUARE, n, out, out, NULL);
}
static void slope_x(gm_ctx *ctx, bool f64, size_t n, void *out, const void *a, const void *b)
{
    gm__k2(ctx, f64, GM__B_SUB, n, out, a, b, GM__VV, NULL);
    gm__kaffine(ctx, f64, n, out, out, 2, 0);
}
static void slope_y(gm_ctx *ctx, bool f64, size_t n, void *out, const void *a, const void *b) { slope_x(ctx, f64, n, out, b, a); }

static gm_status forward(gm__call *c) { return gm__loss_forward(c, value); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    if (want[0]) GM__TRY(gm__loss_grad(t, n, gy, 0, slope_x));
    if (want[1]) GM__TRY(gm__loss_grad(t, n, gy, 1, slope_y));
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *d = gm__scale(t, gm_sub(t, n->in[0], n->in[1]), 2);
    gm_tensor *g = gm_mul(t, d, gm__loss_gy(t, n, gy));
    if (want[0]) gx[0] = g;
    if (want[1]) gx[1] = gm_neg(t, g);
}
const gm__op gm__op_mse = {"mse", 2, 0, gm__loss_infer, forward, vjp, fused,
    "7,17 7,17 i=0 | 7,17 7,17 i=1 | 7,17 7,17 i=2 | . . i=1 | 0,3 0,3 i=2 | 2,3,4:t 2,3,4 i=1 | 5,9:s 5,9:t i=0 | 1 1 i=0 | "
    "2,1,3,1,2 2,1,3,1,2:t i=0 | 17,7:ts 17,7 i=1 | 33 33:s i=2 | 4,0,2 4,0,2 i=2"};

gm_tensor *gm_mse(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce)
{
    gm_tensor *in[2] = {x, y};
    if (!gm__expand_all(t, "mse", in, 2)) return NULL;
    return gm__loss(t, &gm__op_mse, in[0], in[1], reduce);
}
