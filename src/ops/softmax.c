/* softmax.c - e^(x-max) / sum e^(x-max) along the last axis. */
#include "ops/rows.h"

static void rows(void *arg, size_t first, size_t last)
{
    const gm__rows_job *j = arg;
    size_t at = first * j->n;
    if (j->f64) j->ctx->kern->softmax_f64(last - first, j->n, (double *)j->y + at, (const double *)j->x + at);
    else j->ctx->kern->softmax_f32(last - first, j->n, (float *)j->y + at, (const float *)j->x + at);
}
static void rows_g(void *arg, size_t first, size_t last)
{
    const gm__rows_job *j = arg;
    size_t at = first * j->n;
    if (j->f64) j->ctx->kern->softmax_g_f64(last - first, j->n, (double *)j->y + at, (const double *)j->g + at, (const double *)j->x + at);
    else j->ctx->kern->softmax_g_f32(last - first, j->n, (float *)j->y + at, (const float *)j->g + at, (const float *)j->x + at);
}

static gm_status forward(gm__call *c) { return gm__rows_forward(c, rows); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    GM__UNUSED(want);
    return gm__rows_grad(t, n, gy, rows_g);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gm_tensor *gp = gm_mul(t, gy, n->out);
    gx[0] = gm_sub(t, gp, gm_mul(t, n->out, gm_sum(t, gp, -1, 1)));
}
const gm__op gm__op_softmax = {"softmax", 1, 0, gm__rows_infer, forward, vjp, fused, "7,17 | 5 | 0,3 | 4,1 | 2,3,4:t | 5,9:s | 2,70 | "
    "2,1,3,1,2 | 17,7:ts | 33:s | 4,0,2 | 1,1,1"};

gm_tensor *gm_softmax(gm_tape *t, gm_tensor *x, int32_t axis) { return gm__rows_axis(t, &gm__op_softmax, x, axis); }
