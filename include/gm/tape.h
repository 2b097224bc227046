/* gm/tape.h - records ops and differentiates them in reverse.
 *
 *     gm_tensor *h    = gm_relu(t, gm_linear(t, x, w1, b1));
 *     gm_tensor *loss = gm_mse(t, gm_linear(t, h, w2, b2), y, GM_MEAN);
 *     s = gm_tape_backward(t, loss);       first error of the whole chain is here
 *     s = gm_optim_step(adam);
 *     gm_tape_reset(t);                    all op results are gone, memory is kept
 *
 * What an op makes belongs to its tape until gm_tape_reset, gm_tape_pop of its
 * frame, or gm_tape_free. After a failure every op on the tape returns NULL and
 * the first error stays until gm_tape_reset. One tape belongs to one thread.
 */
#ifndef GM_TAPE_H
#define GM_TAPE_H

#include <gm/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gm_tape gm_tape;

/**
 * New tape, recording and in training mode.
 * @param ctx    context, kept alive
 * @param seed   of the random ops: draw k on the tape since the last reset or gm_tape_seed is stream (seed, k)
 * @param out    receives the tape; free with gm_tape_free
 * @errors    GM_EARG, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_tape_new(gm_ctx *ctx, uint64_t seed, gm_tape **out);

/**
 * Frees the tape and every op result on it.
 * @param t   tape or NULL
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API void gm_tape_free(gm_tape *t);

/**
 * Drops all op results and a recorded error; keeps the memory for the next step.
 * The stream of random draws goes on (step k+1 draws anew).
 * @errors    none
 * @threads   as t
 * @since     0.1
 */
GM_API void gm_tape_reset(gm_tape *t);

/**
 * Number that grows with every reset: a binding stores it beside a handle and
 * refuses handles of an older generation.
 * @errors    none
 * @threads   as t
 * @since     0.1
 */
GM_API uint64_t gm_tape_generation(const gm_tape *t);

/**
 * First error since the last reset; GM_OK if none.
 * @errors    that error
 * @threads   as t
 * @since     0.1
 */
GM_API gm_status gm_tape_status(const gm_tape *t);

/**
 * One-line message of that error.
 * @return    borrowed until the next op; never NULL
 * @errors    none
 * @threads   as t
 * @since     0.1
 */
GM_API const char *gm_tape_message(const gm_tape *t);

/**
 * Switches dropout and batch normalisation between training (1) and use (0).
 * @errors    none
 * @threads   as t
 * @since     0.1
 */
GM_API void gm_tape_training(gm_tape *t, int32_t on);

/**
 * Switches recording; off is the inference path.
 * @errors    none
 * @threads   as t
 * @since     0.1
 */
GM_API void gm_tape_recording(gm_tape *t, int32_t on);

/**
 * Restarts the stream of random draws from a seed.
 * @errors    none
 * @threads   as t
 * @since     0.1
 */
GM_API void gm_tape_seed(gm_tape *t, uint64_t seed);

/**
 * With the trap on, an op whose result holds an infinity or NaN fails with
 * GM_ENONFINITE and names itself.
 * @errors    none
 * @threads   as t
 * @since     0.1
 */
GM_API void gm_tape_trap(gm_tape *t, int32_t on);

/**
 * Opens a frame. Close it with gm_tape_pop.
 * @return    a mark for gm_tape_pop
 * @errors    none
 * @threads   as t
 * @since     0.1
 */
GM_API uint64_t gm_tape_push(gm_tape *t);

/**
 * Frees everything made since the mark but one survivor.
 * @param mark   from gm_tape_push; frames close in reverse order
 * @param keep   op result to keep, or NULL
 * @return    the survivor, detached (no gradient flows through), owned by the outer frame; NULL if keep was NULL or on failure
 * @errors    recorded in the tape: GM_EARG (wrong mark), GM_ENOMEM
 * @threads   as t
 * @since     0.1
 */
GM_API gm_tensor *gm_tape_pop(gm_tape *t, uint64_t mark, gm_tensor *keep);

/**
 * Adds d loss / d leaf into the gradient of every leaf that loss depends on.
 * Several calls before gm_optim_step accumulate. If it fails on the way, leaves
 * used on the tape are left without a gradient rather than with half a sum.
 * @param loss   one element, f32 or f64, made on this tape
 * @errors    the tape's first error; GM_ESHAPE, GM_ESTATE (made without recording, or a leaf changed since), GM_ENOMEM
 * @threads   as t
 * @since     0.1
 */
GM_API gm_status gm_tape_backward(gm_tape *t, gm_tensor *loss);

/**
 * Gradients of sum(y) with respect to xs as new tensors on the tape.
 * @param y              any shape, f32 or f64
 * @param xs             n leaves or op results that y may depend on; a result need not
 *                       want a gradient itself if the ops after it were recorded
 * @param create_graph   1: the gradients can be differentiated again
 * @param out            n handles, owned by the tape; zeros where y does not depend on x
 * @errors    as gm_tape_backward; GM_EUNSUPPORTED names an op without a second gradient
 * @threads   as t
 * @since     0.1
 */
GM_API gm_status gm_tape_grad(gm_tape *t, gm_tensor *y, gm_tensor *const *xs, int32_t n, int32_t create_graph, gm_tensor **out);

/**
 * Writes the recorded graph, one line an op: number, name, inputs, shape, type.
 * @param out   receives text, always terminated when cap > 0
 * @param cap   bytes at out
 * @return    length of the whole text; more than cap-1 means it was cut
 * @errors    none
 * @threads   as t
 * @since     0.1
 */
GM_API size_t gm_tape_print(const gm_tape *t, char *out, size_t cap);

/**
 * Memory that the tape holds for op results, saved values and gradients: it grows as a step needs it
 * and is kept for the next one.
 * @return    bytes
 * @errors    none
 * @threads   as t
 * @since     0.1
 */
GM_API size_t gm_tape_bytes(const gm_tape *t);

/** A part of an expression for gm_checkpoint: sets out[0..n_out) to op results; 0 for success. */
typedef gm_status (*gm_segment)(gm_tape *t, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user);

/**
 * Runs a segment without keeping what it makes but its outputs; when its gradient is taken, it runs again. So a deep
 * expression needs the memory of its longest segment, for about one more forward pass. Values and gradients are those
 * of a plain call of fn, bit by bit: it draws the same random numbers when it runs again, with the same training flag,
 * and waiting statistics of norms are noted once. Gradients of any order; segments may lie within segments.
 * @param fn       called here, and once for each gradient; must be a function of its inputs and of what user points to, and
 *                 leave both alone. It may read further tensors, which get their gradients too
 * @param user     handed to fn; borrowed until the tape is reset
 * @param inputs   n tensors, handed to fn
 * @param outputs  receives n_out >= 1 results, copies of fn's; of one type if there are several. All NULL on failure
 * @errors    the tape's first error, fn's status included; GM_EARG, GM_EDTYPE, GM_ENOMEM; GM_ESTATE in fn for
 *            gm_tape_reset, gm_tape_backward, gm_tape_grad, for a frame left open, and in backward for another result than before
 * @threads   as t
 * @since     0.1
 * @source    Chen et al. 2016
 */
GM_API gm_status gm_checkpoint(gm_tape *t, gm_segment fn, void *user, gm_tensor *const *inputs, int32_t n, gm_tensor **outputs, int32_t n_out);

/** An expression for gm_gradcheck: builds one element from the inputs, NULL on failure. */
typedef gm_tensor *(*gm_expression)(gm_tape *t, gm_tensor *const *inputs, int32_t n, void *user);

/**
 * Compares the gradients of an expression with central finite differences.
 * @param fn       called many times; must be a function of its inputs alone (draws repeat)
 * @param inputs   n f64 leaves with gm_tensor_set_grad on; changed during the call, restored after
 * @param order    1: gradients; 2: also gradients of a random projection of the gradients
 * @param error    receives the largest |analytic - numeric| / max(1, |analytic|, |numeric|); may be NULL
 * @errors    GM_EARG, GM_EDTYPE, the expression's error; a large error is not a failure
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_gradcheck(gm_ctx *ctx, gm_expression fn, void *user, gm_tensor *const *inputs, int32_t n, int32_t order, double *error);

#ifdef __cplusplus
}
#endif
#endif
