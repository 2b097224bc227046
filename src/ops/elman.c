/* elman.c - h_t = tanh(x_t + b + W h_{t-1}), x_t: the gates. Inputs and result: recurrent.h. */
#include "ops/recurrent.h"

static gm_status forward(gm__call *c) { return gm__recurrent_forward(c, GM__ELMAN); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want) { return gm__recurrent_fused(t, n, gy, want, GM__ELMAN); }

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm__unrolled u;
    if (!gm__unroll(t, n, &u)) return;
    gm_tensor **step = gm__arena(t, (size_t)u.steps, sizeof *step), *slope = gm_affine(t, gm_square(t, n->out), -1, 1), *dh = NULL;
    if (!step) return;
    for (int64_t i = u.steps; i-- > 0;) {
        gm_tensor *g = gm__at_step(t, gy, i);
        step[i] = gm_mul(t, dh ? gm_add(t, g, dh) : g, gm__at_step(t, slope, i));
        dh = gm_matmul(t, step[i], u.w);
    }
    gm_tensor *d = gm_stack(t, step, (int32_t)u.steps, 0);
    gm__unrolled_give(t, n, &u, want, gx, d, d, dh);
}

const gm__op gm__op_elman = {"elman", 4, GM__OP_OPT1 | GM__OP_OPT2, gm__recurrent_infer, forward, vjp, fused,
    "3,2,4 2,4 4 4,4 | 1,1,1 1,1 1 1,1 | 1,3,5 - - 5,5 | 7,1,3 1,3 - 3,3 | 2,17,2 - 2 2,2 | 3,2,17:s 2,17:t 17:s 17,17:t | 5,4,1:t 4,1 1 1,1 | "
    "4,0,3 0,3 3 3,3 | 2,3,0 3,0 0 0,0 | 17,1,2 1,2 2 2,2:s | 3,7,6 7,6:c 6:c 6,6 | 2,2,9 - 9 9,9:c | 4,3,5:c 3,5 - 5,5"};

gm_tensor *gm__elman(gm_tape *t, gm_tensor *gates, gm_tensor *h0, gm_tensor *w, gm_tensor *b)
{
    gm_tensor *in[4] = {gates, h0, b, w};
    return gm__apply(t, &gm__op_elman, in, 4, NULL);
}
