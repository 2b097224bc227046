/* gaussian_kl.c - KL(N(m, e^lv) || N(0,1)) = 1/2 sum over the last axis of (e^lv - 1 - lv) + m^2. */
#include "ops/rowwise.h"

static double value(gm_ctx *ctx, bool f64, size_t n, const void *const *in)
{
    gm__chunk e, m;
    gm__k1(ctx, f64, GM__U_EXPM1, n, e.bytes, in[1], NULL); /* exact where lv is near 0, the posterior at the prior */
    gm__k2(ctx, f64, GM__B_SUB, n, e.bytes, e.bytes, in[1], GM__VV, NULL);
    gm__k1(ctx, f64, GM__U_SQUARE, n, m.bytes, in[0], NULL);
    gm__k2(ctx, f64, GM__B_ADD, n, e.bytes, e.bytes, m.bytes, GM__VV, NULL);
    return 0.5 * gm__ksum(ctx, f64, n, e.bytes);
}
static void slope(gm_ctx *ctx, bool f64, size_t n, int i, void *out, const void *const *in)
{
    if (i == 0) {
        gm__k1(ctx, f64, GM__U_COPY, n, out, in[0], NULL);
    } else {
        gm__k1(ctx, f64, GM__U_EXPM1, n, out, in[1], NULL);
        gm__kaffine(ctx, f64, n, out, out, 0.5, 0);
    }
}

static gm_status forward(gm__call *c) { return gm__row_forward(c, value); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want) { return gm__row_grad(t, n, gy, want, slope); }
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *g = gm__row_gy(t, n, gy);
    if (want[0]) gx[0] = gm_mul(t, n->in[0], g);
    if (want[1]) gx[1] = gm_mul(t, gm_affine(t, gm_exp(t, n->in[1]), 0.5, -0.5), g);
}
const gm__op gm__op_gaussian_kl = {"gaussian_kl", 2, 0, gm__row_infer, forward, vjp, fused,
    "7,17 7,17 | 3 3 | 0,3 0,3 | 4,0 4,0 | 2,3,4:t 2,3,4 | 5,9:s 5,9:t | 1,1 1,1 | 2,300 2,300 | "
    "2,1,3,1,2 2,1,3,1,2:t | 17,7:ts 17,7 | 33 33:s | 4,0,2 4,0,2"};

gm_tensor *gm_gaussian_kl(gm_tape *t, gm_tensor *mean, gm_tensor *log_var)
{
    gm_tensor *in[2] = {mean, log_var};
    return gm__row_apply(t, &gm__op_gaussian_kl, in, 2);
}
