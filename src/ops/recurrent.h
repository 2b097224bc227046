/* recurrent.h - what the recurrent ops share: a whole sequence through one cell.
 *
 * Inputs: gates [T, N, G H] (G blocks of H, from the input of all steps), h0 [N, H] or none (zeros), lstm: c0 alike, b [G H] or none,
 * w [G H, H], the state's weights. Result [T, N, H]: h_t; lstm: [T + 1, N, H], the last one c_T.
 * Lanes do not see each other: a task takes some lanes through all steps, without waiting for other tasks.
 * saved: what the cell keeps, lstm also c of each step. */
#ifndef GM_OPS_RECURRENT_H
#define GM_OPS_RECURRENT_H

#include "ops/elementwise.h"
#include <gm/ops_rnn.h>

gm_status gm__recurrent_infer(gm__call *c);
gm_status gm__recurrent_forward(gm__call *c, int cell);
gm_status gm__recurrent_fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, int cell);

/* ---- pieces of the gradients as ops ------------------------------------------------------- */

/* The inputs of a node by their names. */
typedef struct gm__unrolled {
    gm_tensor *gates, *h0, *c0, *b, *w; /* h0, c0: zeros where absent */
    gm_tensor *before;                  /* [T, N, H]: h_{t-1} */
    gm_tensor *state;                   /* before w^T + b [T, N, G H] */
    int64_t steps, lanes, n;
} gm__unrolled;
bool gm__unroll(gm_tape *t, const gm__node *node, gm__unrolled *u);
gm_tensor *gm__at_step(gm_tape *t, gm_tensor *x, int64_t step);                /* [N, ..] of [T, N, ..] */
gm_tensor *gm__block(gm_tape *t, const gm__unrolled *u, gm_tensor *x, int64_t q); /* columns q H to (q + 1) H */
/* The gradients of b and w from that of `state` [T, N, G H], of h0 (dh) and of gates, to where they belong. */
void gm__unrolled_give(gm_tape *t, const gm__node *node, const gm__unrolled *u, const bool *want, gm_tensor **gx, gm_tensor *dgates,
                       gm_tensor *dstate, gm_tensor *dh);

#endif
