/* bce.c - -[y ln p + (1-y) ln(1-p)] from probabilities, logarithms not below -100,
 * and a slope held finite near 0 and 1 as PyTorch does. attr.i[0]: reduce. */
#include "ops/loss.h"

static const double floor_[2] = {-100, __builtin_inf()};

/* out = max(ln p, -100); with other: of 1-p */
static void log_of(gm_ctx *ctx, bool f64, size_t n, void *out, const void *p, bool other)
{
    if (other) {
        gm__k1(ctx, f64, GM__U_NEG, n, out, p, NULL);
        gm__k1(ctx, f64, GM__U_LOG1P, n, out, out, NULL);
    } else {
        gm__k1(ctx, f64, GM__U_LOG, n, out, p, NULL);
    }
    gm__k1(ctx, f64, GM__U_CLAMP, n, out, out, floor_);
}
/* out = ln(1-p) - ln p, which is also the slope in y */
static void slope_y(gm_ctx *ctx, bool f64, size_t n, void *out, const void *p, const void *y)
{
    gm__chunk l;
    GM__UNUSED(y);
    log_of(ctx, f64, n, l.bytes, p, false);
    log_of(ctx, f64, n, out, p, true);
    gm__k2(ctx, f64, GM__B_SUB, n, out, out, l.bytes, GM__VV, NULL);
}
/* y (ln(1-p) - ln p) - ln(1-p) */
static void value(gm_ctx *ctx, bool f64, size_t n, void *out, const void *p, const void *y)
{
    gm__chunk l;
    slope_y(ctx, f64, n, out, p, y);
    gm__k2(ctx, f64, GM__B_MUL, n, out, out, y, GM__VV, NULL);
    log_of(ctx, f64, n, l.bytes, p, true);
    gm__k2(ctx, f64, GM__B_SUB, n, out, out, l.bytes, GM__VV, NULL);
}

static gm_status forward(gm__call *c) { return gm__loss_forward(c, value); }
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *p = n->in[0], *y = n->in[1], *g = gm__loss_gy(t, n, gy), *q = gm_affine(t, p, -1, 1);
    if (want[0]) gx[0] = gm_mul(t, g, gm_div(t, gm_sub(t, p, y), gm_clamp(t, gm_mul(t, p, q), 1e-12, __builtin_inf())));
    if (want[1]) {
        gm_tensor *lp = gm_clamp(t, gm_log(t, p), floor_[0], floor_[1]), *lq = gm_clamp(t, gm_log(t, q), floor_[0], floor_[1]);
        gx[1] = gm_mul(t, gm_sub(t, lq, lp), g);
    }
}
const gm__op gm__op_bce = {"bce", 2, 0, gm__loss_infer, forward, vjp, NULL,
    "7,17:u 7,17:u i=0 | 7,17:u 7,17:u i=1 | 7,17:u 7,17:u i=2 | .:u .:u i=1 | 0,3:u 0,3:u i=2 | 2,3,4:ut 2,3,4:u i=1 | 5,9:us 5,9:ut i=0 | 1:u 1:u i=0 | "
    "2,1,3,1,2:u 2,1,3,1,2:ut i=0 | 17,7:uts 17,7:u i=1 | 33:u 33:us i=2 | 4,0,2:u 4,0,2:u i=2"};

gm_tensor *gm_bce(gm_tape *t, gm_tensor *p, gm_tensor *y, int32_t reduce) { return gm__loss(t, &gm__op_bce, p, y, reduce); }
