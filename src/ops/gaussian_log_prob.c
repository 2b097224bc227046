/* gaussian_log_prob.c - sum over the last axis of -1/2 (ln 2pi + lv + (x-m)^2 e^-lv). Inputs x, m, lv. */
#include "ops/rowwise.h"

static const double log_2pi = 1.83787706640934548356;

/* to = e^-lv */
static void precision(gm_ctx *ctx, bool f64, size_t n, void *to, const void *lv)
{
    gm__k1(ctx, f64, GM__U_NEG, n, to, lv, NULL);
    gm__k1(ctx, f64, GM__U_EXP, n, to, to, NULL);
}
static double value(gm_ctx *ctx, bool f64, size_t n, const void *const *in)
{
    gm__chunk d, e;
    gm__k2(ctx, f64, GM__B_SUB, n, d.bytes, in[0], in[1], GM__VV, NULL);
    gm__k1(ctx, f64, GM__U_SQUARE, n, d.bytes, d.bytes, NULL);
    precision(ctx, f64, n, e.bytes, in[2]);
    gm__k2(ctx, f64, GM__B_MUL, n, d.bytes, d.bytes, e.bytes, GM__VV, NULL);
    gm__k2(ctx, f64, GM__B_ADD, n, d.bytes, d.bytes, in[2], GM__VV, NULL);
    return -0.5 * (gm__ksum(ctx, f64, n, d.bytes) + (double)n * log_2pi);
}
static void slope(gm_ctx *ctx, bool f64, size_t n, int i, void *out, const void *const *in)
{
    gm__chunk e;
    gm__k2(ctx, f64, GM__B_SUB, n, out, i == 1 ? in[0] : in[1], i == 1 ? in[1] : in[0], GM__VV, NULL);
    precision(ctx, f64, n, e.bytes, in[2]);
    if (i == 2) gm__k1(ctx, f64, GM__U_SQUARE, n, out, out, NULL);
    gm__k2(ctx, f64, GM__B_MUL, n, out, out, e.bytes, GM__VV, NULL);
    if (i == 2) gm__kaffine(ctx, f64, n, out, out, 0.5, -0.5);
}

static gm_status forward(gm__call *c) { return gm__row_forward(c, value); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want) { return gm__row_grad(t, n, gy, want, slope); }
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *g = gm__row_gy(t, n, gy), *d = gm_sub(t, n->in[0], n->in[1]);
    gm_tensor *r = gm_mul(t, d, gm_exp(t, gm_neg(t, n->in[2])));
    if (want[0]) gx[0] = gm_neg(t, gm_mul(t, r, g));
    if (want[1]) gx[1] = gm_mul(t, r, g);
    if (want[2]) gx[2] = gm_mul(t, gm_affine(t, gm_mul(t, r, d), 0.5, -0.5), g);
}
const gm__op gm__op_gaussian_log_prob = {"gaussian_log_prob", 3, 0, gm__row_infer, forward, vjp, fused,
    "7,17 7,17 7,17 | 3 3 3 | 0,3 0,3 0,3 | 4,0 4,0 4,0 | 2,3,4:t 2,3,4 2,3,4:s | 5,9:s 5,9:t 5,9 | 1,1 1,1 1,1 | 2,300 2,300 2,300 | "
    "2,1,3,1,2 2,1,3,1,2 2,1,3,1,2:t | 17,7:ts 17,7 17,7:s | 33 33 33:s | 4,0,2 4,0,2 4,0,2"};

gm_tensor *gm_gaussian_log_prob(gm_tape *t, gm_tensor *x, gm_tensor *mean, gm_tensor *log_var)
{
    gm_tensor *in[3] = {x, mean, log_var};
    return gm__row_apply(t, &gm__op_gaussian_log_prob, in, 3);
}
