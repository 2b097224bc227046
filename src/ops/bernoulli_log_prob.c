/* bernoulli_log_prob.c - sum over the last axis of x ln p + (1-x) ln(1-p), p = sigmoid(logits). */
#include "ops/rowwise.h"

static double value(gm_ctx *ctx, bool f64, size_t n, const void *const *in)
{
    gm__chunk buf;
    gm__k2(ctx, f64, GM__B_BCE, n, buf.bytes, in[1], in[0], GM__VV, NULL);
    return -gm__ksum(ctx, f64, n, buf.bytes);
}
static void slope(gm_ctx *ctx, bool f64, size_t n, int i, void *out, const void *const *in)
{
    if (i == 0) {
        gm__k1(ctx, f64, GM__U_COPY, n, out, in[1], NULL);
    } else {
        gm__k2(ctx, f64, GM__B_BCE_G, n, out, in[1], in[0], GM__VV, NULL);
        gm__k1(ctx, f64, GM__U_NEG, n, out, out, NULL);
    }
}

static gm_status forward(gm__call *c) { return gm__row_forward(c, value); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want) { return gm__row_grad(t, n, gy, want, slope); }
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *g = gm__row_gy(t, n, gy);
    if (want[0]) gx[0] = gm_mul(t, n->in[1], g);
    if (want[1]) gx[1] = gm_mul(t, gm_sub(t, n->in[0], gm_sigmoid(t, n->in[1])), g);
}
const gm__op gm__op_bernoulli_log_prob = {"bernoulli_log_prob", 2, 0, gm__row_infer, forward, vjp, fused,
    "7,17:u 7,17 | 3:u 3 | 0,3:u 0,3 | 4,0:u 4,0 | 2,3,4:ut 2,3,4 | 5,9:us 5,9:t | 1,1:u 1,1 | 2,300:u 2,300 | "
    "2,1,3,1,2:u 2,1,3,1,2:t | 17,7:uts 17,7 | 33:u 33:s | 4,0,2:u 4,0,2"};

gm_tensor *gm_bernoulli_log_prob(gm_tape *t, gm_tensor *x, gm_tensor *logits)
{
    gm_tensor *in[2] = {x, logits};
    return gm__row_apply(t, &gm__op_bernoulli_log_prob, in, 2);
}
