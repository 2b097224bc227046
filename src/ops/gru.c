/* gru.c - gated recurrent units: r, z = sigmoid(x + W h + b), n = tanh(x_n + r (W_n h + b_n)), h = n + z (h_before - n); x: the gates.
 * Inputs and result: recurrent.h. */
#include "ops/recurrent.h"

static gm_status forward(gm__call *c) { return gm__recurrent_forward(c, GM__GRU); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want) { return gm__recurrent_fused(t, n, gy, want, GM__GRU); }

/* s (1 - s) */
static gm_tensor *slope(gm_tape *t, gm_tensor *s) { return gm_mul(t, s, gm_affine(t, s, -1, 1)); }

static void vjp(gm_tape *t, const gm__node *node, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm__unrolled u;
    if (!gm__unroll(t, node, &u)) return;
    gm_tensor *m = gm__block(t, &u, u.state, 2), *a = gm_add(t, u.gates, u.state);
    gm_tensor *r = gm_sigmoid(t, gm__block(t, &u, a, 0)), *z = gm_sigmoid(t, gm__block(t, &u, a, 1));
    gm_tensor *n = gm_tanh(t, gm_add(t, gm__block(t, &u, u.gates, 2), gm_mul(t, r, m)));
    /* what dh of a step is multiplied by */
    gm_tensor *to_n = gm_mul(t, gm_affine(t, z, -1, 1), gm_affine(t, gm_square(t, n), -1, 1)), *to_z = gm_mul(t, gm_sub(t, u.before, n), slope(t, z));
    gm_tensor *to_r = gm_mul(t, gm_mul(t, to_n, m), slope(t, r)), *to_m = gm_mul(t, to_n, r), *dh = NULL;
    gm_tensor **step = gm__arena(t, (size_t)u.steps, 2 * sizeof *step), **state = step + u.steps;
    if (!step) return;
    for (int64_t i = u.steps; i-- > 0;) {
        gm_tensor *g = gm__at_step(t, gy, i), *d = dh ? gm_add(t, g, dh) : g;
        gm_tensor *part[3] = {gm_mul(t, d, gm__at_step(t, to_r, i)), gm_mul(t, d, gm__at_step(t, to_z, i)), gm_mul(t, d, gm__at_step(t, to_n, i))};
        step[i] = gm_concat(t, part, 3, 1);
        part[2] = gm_mul(t, d, gm__at_step(t, to_m, i));
        state[i] = gm_concat(t, part, 3, 1);
        dh = gm_add(t, gm_matmul(t, state[i], u.w), gm_mul(t, d, gm__at_step(t, z, i)));
    }
    gm__unrolled_give(t, node, &u, want, gx, gm_stack(t, step, (int32_t)u.steps, 0), gm_stack(t, state, (int32_t)u.steps, 0), dh);
}

const gm__op gm__op_gru = {"gru", 4, GM__OP_OPT1 | GM__OP_OPT2, gm__recurrent_infer, forward, vjp, fused,
    "3,2,12 2,4 12 12,4 | 1,1,3 1,1 3 3,1 | 1,3,15 - - 15,5 | 7,1,9 1,3 - 9,3 | 2,17,6 - 6 6,2 | 2,2,51:s 2,17:t 51:s 51,17:t | 5,4,3:t 4,1 3 3,1 | "
    "4,0,9 0,3 9 9,3 | 2,3,0 3,0 0 0,0 | 17,1,6 1,2 6 6,2:s | 3,7,18 7,6:c 18:c 18,6 | 2,2,27 - 27 27,9:c | 4,3,15:c 3,5 - 15,5"};

gm_tensor *gm__gru(gm_tape *t, gm_tensor *gates, gm_tensor *h0, gm_tensor *w, gm_tensor *b)
{
    gm_tensor *in[4] = {gates, h0, b, w};
    return gm__apply(t, &gm__op_gru, in, 4, NULL);
}
