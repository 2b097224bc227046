/* gm/net.h - run-time networks, from text or from C calls.
 *
 *     gm_net *net = NULL;
 *     s = gm_net_new(ctx, "linear 400, relu, linear 784", 1, (int64_t[]){20}, seed, &net);
 *     gm_tensor *y = gm_net_apply(net, tape, x, NULL);
 *
 * Text is a comma list of layers; a number is the layer's output size, letters
 * name further settings (docs/networks.md lists every layer):
 *     linear 256        linear 256 nobias      relu  lrelu 0.2  elu  gelu  silu  tanh  sigmoid  softplus
 *     dropout 0.1       bnorm                  lnorm            reshape 1 28 28       flatten
 *     res( linear 64, relu, linear 64 )        x + inner(x); sizes must agree
 *     cat( linear 8 | linear 8, tanh )         branches side by side along the last axis
 *     cond                                     the condition is joined here (else at the input)
 * Parameters have PyTorch's names and layouts ("0.weight" [out,in], "0.bias").
 */
#ifndef GM_NET_H
#define GM_NET_H

#include <gm/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gm_net gm_net;

/**
 * Builds a network and draws its weights (PyTorch's default initialisation unless the layer says otherwise).
 * @param text    layers, copied; "" for none yet (gm_net_add); at most 64 KiB, 4096 layers, 7 parentheses inside one another
 * @param ndim    dimensions of one input row (without the batch axis), 1..7
 * @param shape   their sizes, >= 1
 * @param seed    of the weights
 * @param out     receives the net, the caller's; NULL on failure
 * @errors    GM_EARG (text; the message gives the column), GM_ESHAPE (layer sizes do not fit), GM_ELIMIT, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_net_new(gm_ctx *ctx, const char *text, int32_t ndim, const int64_t *shape, uint64_t seed, gm_net **out);

/**
 * The same, with a condition of cond_size numbers a row.
 * @param cond_size   0: no condition
 * @errors    as gm_net_new
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_net_new_cond(gm_ctx *ctx, const char *text, int32_t ndim, const int64_t *shape, int64_t cond_size, uint64_t seed, gm_net **out);

/**
 * Builds layer by layer: an empty net for inputs of a shape, then gm_net_add.
 * gm_net_add appends layers given as text (usually one). Tensors that keep name and shape keep their values;
 * on failure the net stays as it was.
 * @errors    as gm_net_new; GM_ESTATE once the net has been applied
 * @threads   as the net's context
 * @since     0.1
 */
GM_API gm_status gm_net_add(gm_net *net, const char *layers);

/**
 * Drops the caller's reference.
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API void gm_net_free(gm_net *net);

/**
 * Runs the net. In training mode of the tape, dropout is on and batch norms use the batch's
 * statistics; their running statistics wait in the net until gm_optim_step updates it (none wait for
 * a batch of one value a channel, which has no variance, and none for a frozen net).
 * @param x      [N, input shape] f32 (or f64 when the net was cast), extra leading axes allowed for nets of dense layers
 * @param cond   [N, cond_size] or NULL when the net has no condition; leading axes broadcast to x's
 * @return    [N, output shape], owned by the tape; NULL on failure
 * @errors    recorded in the tape
 * @grad      x, cond, parameters that are not frozen; any order
 * @threads   as the tape; a net is not changed while not in training mode
 * @since     0.1
 */
GM_API gm_tensor *gm_net_apply(gm_net *net, gm_tape *t, gm_tensor *x, gm_tensor *cond);

/**
 * A deep copy with weights and statistics.
 * @errors    GM_EARG, GM_ENOMEM
 * @threads   as the net's context
 * @since     0.1
 */
GM_API gm_status gm_net_copy(const gm_net *net, gm_net **out);

/**
 * Freezes (1) or frees (0) all parameters: a frozen net gets no gradients and no optimiser step, and keeps its statistics.
 * @errors    GM_EARG
 * @threads   as the net's context
 * @since     0.1
 */
GM_API gm_status gm_net_freeze(gm_net *net, int32_t on);

/* A layer that a network text may name, for tables and help pages. */
typedef struct gm_layer {
    uint32_t struct_size;     /* set by the caller */
    uint32_t reserved;
    const char *name, *help;  /* static */
    char usage[160];          /* "linear N [nobias] .."; in brackets: may be left out */
    char settings[480];       /* what each means, its default and bounds, a line each */
} gm_layer;
/** Layer i of those that a network text may name. @param out filled; struct_size must be set. @errors GM_EARG, GM_END (i is past the last). @threads any. @since 0.1 */
GM_API gm_status gm_layer_at(int32_t i, gm_layer *out);

/** Output shape of one row. @param shape receives up to 8 sizes. @return its dimensions, -1 on failure. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_net_output_shape(const gm_net *net, int64_t shape[8]);
/** Number of named tensors: parameters first, then statistics. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_net_tensor_count(const gm_net *net);
/** The i-th named tensor, borrowed; NULL past the end. @errors none. @threads as the net's context. @since 0.1 */
GM_API gm_tensor *gm_net_tensor(const gm_net *net, int32_t i);
/** Its name, "0.weight". @return borrowed; NULL past the end. @errors none. @threads any. @since 0.1 */
GM_API const char *gm_net_tensor_name(const gm_net *net, int32_t i);
/** 1 if it is a parameter, 0 if a statistic. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_net_tensor_is_parameter(const gm_net *net, int32_t i);
/** Number of parameters (numbers, not tensors). @errors none. @threads any. @since 0.1 */
GM_API int64_t gm_net_parameters(const gm_net *net);
/** The text that describes the net, canonical. @return borrowed. @errors none. @threads any. @since 0.1 */
GM_API const char *gm_net_text(const gm_net *net);
/** Table of layers, output shapes and parameters. @return length of the whole text; cut to cap-1. @errors none. @threads any. @since 0.1 */
GM_API size_t gm_net_print(const gm_net *net, char *out, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
