/* gm/ops_rnn.h - recurrent layers over whole sequences: Elman, GRU, LSTM.
 *
 *     gm_tensor *h, *c, *y = gm_lstm(t, x, NULL, NULL, w_ih, w_hh, b_ih, b_hh, &h, &c);
 *
 * x is [T, N, in]: T steps of N sequences side by side; all steps of one moment lie together, which is how they are computed.
 * One call is one layer in one direction: stack calls for layers, gm_flip the first axis for the other direction.
 * Weights have PyTorch's names, layouts and order of gates: w_ih [G n, in], w_hh [G n, n], b_ih and b_hh [G n].
 */
#ifndef GM_OPS_RNN_H
#define GM_OPS_RNN_H

#include <gm/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Elman's net: h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh).
 * @param x [T, N, in], T >= 1. @param h0 [N, n], optional: zeros. @param w_ih [n, in]. @param w_hh [n, n]. @param b_ih,b_hh [n], optional.
 * @param last receives the last state [N, n]; may be NULL. @return [T, N, n]. @grad x h0 and weights, any. @since 0.1 @source Elman 1990 */
GM_API gm_tensor *gm_elman(gm_tape *t, gm_tensor *x, gm_tensor *h0, gm_tensor *w_ih, gm_tensor *w_hh, gm_tensor *b_ih, gm_tensor *b_hh, gm_tensor **last);
/** Gated recurrent units: r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh), n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h_t = (1 - z) n + z h_{t-1}.
 * @param x [T, N, in], T >= 1. @param h0 [N, n], optional: zeros. @param w_ih [3 n, in], gates r, z, n. @param w_hh [3 n, n]. @param b_ih,b_hh [3 n], optional.
 * @param last receives the last state [N, n]; may be NULL. @return [T, N, n]. @grad x h0 and weights, any. @since 0.1 @source Cho et al. 2014 */
GM_API gm_tensor *gm_gru(gm_tape *t, gm_tensor *x, gm_tensor *h0, gm_tensor *w_ih, gm_tensor *w_hh, gm_tensor *b_ih, gm_tensor *b_hh, gm_tensor **last);
/** Long short-term memory: i, f, o = sigmoid, g = tanh of W_ih x + b_ih + W_hh h + b_hh, c_t = f c_{t-1} + i g, h_t = o tanh c_t.
 * @param x [T, N, in], T >= 1. @param h0,c0 [N, n], optional: zeros. @param w_ih [4 n, in], gates i, f, g, o. @param w_hh [4 n, n]. @param b_ih,b_hh [4 n], optional.
 * @param last,memory receive the last h and c [N, n]; may be NULL. @return [T, N, n]. @grad x h0 c0 and weights, any. @since 0.1
 * @source Hochreiter & Schmidhuber 1997; Gers et al. 2000 */
GM_API gm_tensor *gm_lstm(gm_tape *t, gm_tensor *x, gm_tensor *h0, gm_tensor *c0, gm_tensor *w_ih, gm_tensor *w_hh, gm_tensor *b_ih, gm_tensor *b_hh,
                          gm_tensor **last, gm_tensor **memory);

#ifdef __cplusplus
}
#endif
#endif
