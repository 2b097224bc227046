/* gm/custom.h - an op of one's own, from callbacks of the host.
 *
 *     static int32_t clip(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out) { ... fill out ... return 0; }
 *     static int32_t clip_back(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout,
 *                              gm_tensor *const *gin) { ... fill gin[0] ... return 0; }
 *     gm_custom_op op;
 *     gm_custom_op_init(&op, sizeof op);
 *     op.name = "soft_clip", op.forward = clip, op.backward = clip_back;
 *     gm_tensor *y = gm_custom(t, &op, &x, 1);
 *
 * The callbacks run on the calling thread, with no lock held. They see row-major
 * tensors (gm_tensor_data points to all elements in order) and must not call
 * functions on the tape, except `vjp`. They return 0, or anything else to fail: the op then
 * fails with GM_ECANCELED where that is the value, with GM_ESTATE otherwise.
 * gm_gradcheck tells whether a gradient fits its forward.
 */
#ifndef GM_CUSTOM_H
#define GM_CUSTOM_H

#include <gm/tape.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Type and shape of the result: sets *dtype, *ndim and shape[0..ndim), which come in as those of in[0]. */
typedef int32_t (*gm_infer_fn)(void *user, gm_tensor *const *in, int32_t n, int32_t *dtype, int32_t *ndim, int64_t *shape);
/** Fills out, every element. */
typedef int32_t (*gm_forward_fn)(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out);
/** Fills gin[i], the gradient of in[i], for each i where gin[i] is not NULL; they come as zeros.
 * gout is the gradient of out. First derivatives only. */
typedef int32_t (*gm_backward_fn)(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, gm_tensor *const *gin);
/** The same as an expression on the tape t, which makes derivatives of any order possible: sets gin[i]
 * to op results in the shape of in[i] where want[i]; NULL there means zero. */
typedef int32_t (*gm_vjp_fn)(void *user, gm_tape *t, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, const int32_t *want, gm_tensor **gin);

/** An op in callbacks. Fill by gm_custom_op_init, then set what differs. */
typedef struct gm_custom_op {
    size_t struct_size;  /* set by gm_custom_op_init */
    const char *name;    /* for messages and gm_tape_print; copied */
    void *user;          /* handed to the callbacks; borrowed until the tape is reset */
    gm_infer_fn infer;       /* NULL: the result is like in[0] */
    gm_forward_fn forward;   /* required */
    gm_backward_fn backward; /* NULL: vjp is used, or there is no gradient */
    gm_vjp_fn vjp;           /* NULL: backward is used */
} gm_custom_op;

/**
 * Sets every field to its default: no name, no callback.
 * @param op     receives the defaults
 * @param size   sizeof(gm_custom_op) of the caller
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API void gm_custom_op_init(gm_custom_op *op, size_t size);

/**
 * Applies an op of the host's.
 * @param t        tape that will own the result
 * @param op       copied; what `user` points to is borrowed until the tape is reset
 * @param inputs   n >= 1 tensors
 * @return    the result; NULL on failure, recorded in the tape
 * @errors    recorded in the tape: GM_EARG, GM_ESHAPE, GM_EDTYPE, GM_ENOMEM; GM_ECANCELED or GM_ESTATE from a callback;
 *            in backward GM_EUNSUPPORTED without the callback that is needed
 * @threads   as t
 * @since     0.1
 */
GM_API gm_tensor *gm_custom(gm_tape *t, const gm_custom_op *op, gm_tensor *const *inputs, int32_t n);

#ifdef __cplusplus
}
#endif
#endif
