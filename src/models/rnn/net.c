/* net.c - the net on a tape: a lookup, layers over whole sequences, logits. */
#include "models/rnn/rnn.h"

/* Gates of the first layer from tokens. What a token gives is the same wherever it stands: where the text is longer than the vocabulary,
 * the product runs over the vocabulary and its rows are looked up. */
static gm_tensor *first_gates(const gm__rnn *r, gm_tape *t, gm_tensor *tokens)
{
    const gm__rnn_layer *l = &r->layer[0];
    if (!r->tokens) return gm_embedding(t, gm_add(t, gm_transpose(t, l->w_ih, 0, 1), l->b_ih), tokens);
    if (tokens->size > r->vocab) return gm_embedding(t, gm_linear(t, r->tokens, l->w_ih, l->b_ih), tokens);
    return gm_linear(t, gm_embedding(t, r->tokens, tokens), l->w_ih, l->b_ih);
}

gm_tensor *gm__rnn_run(const gm_model *m, gm_tape *t, gm_tensor *tokens, gm_tensor **h, gm_tensor **c, gm_tensor **all)
{
    const gm__rnn *r = gm__rnn_of(m);
    const gm_rnn_config *o = gm__rnn_cfg(m);
    if (!tokens) return NULL;
    const int64_t steps = tokens->shape[0], one[2] = { tokens->shape[1], o->hidden };
    gm_tensor *x = NULL;
    for (int32_t i = 0; i < o->depth; i++) {
        const gm__rnn_layer *l = &r->layer[i];
        gm_tensor *gates = i ? gm_linear(t, x, l->w_ih, l->b_ih) : first_gates(r, t, tokens);
        if (o->cell == GM_RNN_LSTM) x = gm__lstm(t, gates, h[i], c[i], l->w_hh, l->b_hh);
        else x = o->cell == GM_RNN_GRU ? gm__gru(t, gates, h[i], l->w_hh, l->b_hh) : gm__elman(t, gates, h[i], l->w_hh, l->b_hh);
        if (all) all[i] = x;
        h[i] = gm_reshape(t, gm_slice(t, x, 0, steps - 1, steps, 1), 2, one);
        if (o->cell == GM_RNN_LSTM) {
            c[i] = gm_reshape(t, gm_slice(t, x, 0, steps, steps + 1, 1), 2, one);
            x = gm_slice(t, x, 0, 0, steps, 1);
        }
        if (o->dropout > 0) x = gm_dropout(t, x, o->dropout); /* between layers, not between steps [Zaremba et al. 2014] */
    }
    return x;
}

gm_tensor *gm__rnn_logits(const gm_model *m, gm_tape *t, gm_tensor *y)
{
    const gm__rnn *r = gm__rnn_of(m);
    gm_tensor *x = gm_linear(t, y, r->head, r->head_b);
    return x ? gm_reshape(t, x, 2, (int64_t[]){ -1, r->vocab }) : NULL;
}
