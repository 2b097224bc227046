/* lstm.c - long short-term memory: i, f, o = sigmoid, g = tanh of x + W h + b, c = f c_before + i g, h = o tanh c; x: the gates.
 * Inputs and result: recurrent.h. */
#include "ops/recurrent.h"

static gm_status forward(gm__call *c) { return gm__recurrent_forward(c, GM__LSTM); }
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want) { return gm__recurrent_fused(t, n, gy, want, GM__LSTM); }

/* s (1 - s) */
static gm_tensor *slope(gm_tape *t, gm_tensor *s) { return gm_mul(t, s, gm_affine(t, s, -1, 1)); }

static void vjp(gm_tape *t, const gm__node *node, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm__unrolled u;
    if (!gm__unroll(t, node, &u)) return;
    gm_tensor *a = gm_add(t, u.gates, u.state), *in = gm_sigmoid(t, gm__block(t, &u, a, 0)), *f = gm_sigmoid(t, gm__block(t, &u, a, 1));
    gm_tensor *g = gm_tanh(t, gm__block(t, &u, a, 2)), *o = gm_sigmoid(t, gm__block(t, &u, a, 3)), *new = gm_mul(t, in, g);
    gm_tensor **c = gm__arena(t, (size_t)u.steps + 1, 2 * sizeof *c), **step = c + u.steps + 1;
    if (!c) return;
    c[0] = u.c0;
    for (int64_t i = 0; i < u.steps; i++) c[i + 1] = gm_add(t, gm_mul(t, gm__at_step(t, f, i), c[i]), gm__at_step(t, new, i));
    gm_tensor *tc = gm_tanh(t, gm_stack(t, c + 1, (int32_t)u.steps, 0));
    /* what dh or dc of a step is multiplied by */
    gm_tensor *to_c = gm_mul(t, o, gm_affine(t, gm_square(t, tc), -1, 1)), *to_o = gm_mul(t, tc, slope(t, o));
    gm_tensor *to_i = gm_mul(t, g, slope(t, in)), *to_g = gm_mul(t, in, gm_affine(t, gm_square(t, g), -1, 1));
    gm_tensor *to_f = gm_mul(t, gm_stack(t, c, (int32_t)u.steps, 0), slope(t, f)), *dc = gm__at_step(t, gy, u.steps), *dh = NULL;
    for (int64_t i = u.steps; i-- > 0;) {
        gm_tensor *y = gm__at_step(t, gy, i), *d = dh ? gm_add(t, y, dh) : y;
        dc = gm_add(t, dc, gm_mul(t, d, gm__at_step(t, to_c, i)));
        gm_tensor *part[4] = {gm_mul(t, dc, gm__at_step(t, to_i, i)), gm_mul(t, dc, gm__at_step(t, to_f, i)), gm_mul(t, dc, gm__at_step(t, to_g, i)),
                              gm_mul(t, d, gm__at_step(t, to_o, i))};
        step[i] = gm_concat(t, part, 4, 1);
        dh = gm_matmul(t, step[i], u.w);
        dc = gm_mul(t, dc, gm__at_step(t, f, i));
    }
    gm_tensor *all = gm_stack(t, step, (int32_t)u.steps, 0);
    if (node->in[2] && want[2]) gx[2] = dc;
    gm__unrolled_give(t, node, &u, want, gx, all, all, dh);
}

const gm__op gm__op_lstm = {"lstm", 5, GM__OP_OPT1 | GM__OP_OPT2 | GM__OP_OPT3, gm__recurrent_infer, forward, vjp, fused,
    "3,2,16 2,4 2,4 16 16,4 | 1,1,4 1,1 1,1 4 4,1 | 1,3,20 - - - 20,5 | 7,1,12 1,3 1,3 - 12,3 | 2,17,8 - 17,2 8 8,2 | 2,2,68:s 2,17:t 2,17:s 68:s 68,17:t | "
    "5,4,4:t 4,1 - 4 4,1 | 4,0,12 0,3 0,3 12 12,3 | 2,3,0 3,0 3,0 0 0,0 | 17,1,8 1,2 1,2 8 8,2:s | 3,7,24 7,6:c 7,6 24:c 24,6 | 2,2,36 - - 36 36,9:c | "
    "4,3,20:c 3,5 3,5 - 20,5"};

gm_tensor *gm__lstm(gm_tape *t, gm_tensor *gates, gm_tensor *h0, gm_tensor *c0, gm_tensor *w, gm_tensor *b)
{
    gm_tensor *in[5] = {gates, h0, c0, b, w};
    return gm__apply(t, &gm__op_lstm, in, 5, NULL);
}
