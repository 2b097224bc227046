/* sequence.c - recurrent layers: the input's part of all gates in one product, then the sequence. */
#include "ops/recurrent.h"

static gm_tensor *last_of(gm_tape *t, gm_tensor *out, int64_t step) { return out ? gm__at_step(t, out, step) : NULL; }

gm_tensor *gm_elman(gm_tape *t, gm_tensor *x, gm_tensor *h0, gm_tensor *w_ih, gm_tensor *w_hh, gm_tensor *b_ih, gm_tensor *b_hh, gm_tensor **last)
{
    gm_tensor *y = gm__elman(t, gm_linear(t, x, w_ih, b_ih), h0, w_hh, b_hh);
    if (last) *last = y ? last_of(t, y, y->shape[0] - 1) : NULL;
    return y;
}

gm_tensor *gm_gru(gm_tape *t, gm_tensor *x, gm_tensor *h0, gm_tensor *w_ih, gm_tensor *w_hh, gm_tensor *b_ih, gm_tensor *b_hh, gm_tensor **last)
{
    gm_tensor *y = gm__gru(t, gm_linear(t, x, w_ih, b_ih), h0, w_hh, b_hh);
    if (last) *last = y ? last_of(t, y, y->shape[0] - 1) : NULL;
    return y;
}

gm_tensor *gm_lstm(gm_tape *t, gm_tensor *x, gm_tensor *h0, gm_tensor *c0, gm_tensor *w_ih, gm_tensor *w_hh, gm_tensor *b_ih, gm_tensor *b_hh,
                   gm_tensor **last, gm_tensor **memory)
{
    gm_tensor *all = gm__lstm(t, gm_linear(t, x, w_ih, b_ih), h0, c0, w_hh, b_hh);
    int64_t steps = all ? all->shape[0] - 1 : 0;
    if (last) *last = last_of(t, all, steps - 1);
    if (memory) *memory = last_of(t, all, steps);
    return all ? gm_slice(t, all, 0, 0, steps, 1) : NULL;
}
