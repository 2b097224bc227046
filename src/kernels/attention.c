/* attention.c - softmax(scale q k^T + mask) v of many heads, and its gradient.
 *
 * A task takes one head of one example (backward: one group of heads). Keys are
 * packed once into panels for the register tile of the product; then a strip of
 * rows, as many as a tile has, goes from scores to weights to results while its
 * scores stay in the nearest cache. Of a causal head only the columns that a
 * strip sees are computed. The gradient computes the weights again from the log
 * of their sum, a block of rows at a time (Dao et al., "FlashAttention", 2022).
 *
 * The products over keys are cut at fixed places and what a row does not see
 * adds zeros, so a row's bits depend on nothing but what it sees. */
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

enum {
    CUT = 448,        /* keys of one chain of multiply-adds */
    BLOCK = 64,       /* rows of a block of the gradient, at most; a multiple of no tile, as T often is one of 64 */
    WORTH = 1 << 17,  /* multiply-adds below which threads do not pay */
};

#define T float
#define S f32
#include "kernels/attention_body.h"
#undef T
#undef S
#define T double
#define S f64
#include "kernels/attention_body.h"
#undef T
#undef S
