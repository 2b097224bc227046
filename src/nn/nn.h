/* nn.h - networks inside the library. */
#ifndef GM_NN_NN_H
#define GM_NN_NN_H

#include "tape/tape.h"
#include "ops/ops.h"
#include <gm/net.h>

/* A named tensor of some state: what files, optimisers and checkpoints walk over. */
typedef struct gm__named {
    char *name;
    gm_tensor *tensor;
    bool parameter;
} gm__named;

/* Statistics that wait for the optimiser's step (batch norm): commit or drop. */
gm_status gm__net_commit(gm_net *net);
void gm__net_drop_pending(gm_net *net);
bool gm__net_pending_finite(const gm_net *net); /* are they numbers that their tensors can hold? */
/* Frozen for the time being: as gm_net_freeze, but buffers of gradients are kept. */
void gm__net_hold(gm_net *net, bool on);

/* The net runs with these in place of its parameters, in their order; returns how many. Borrowed: the caller puts the own ones back. */
int32_t gm__net_put(gm_net *net, gm_tensor *const *params);

/* Draws a tensor's initial values: uniform(-bound, bound) or normal(0, std) from (seed, INIT, 0, index). */
void gm__init_uniform(gm_tensor *w, double bound, uint64_t seed, uint64_t index);
void gm__init_normal(gm_tensor *w, double mean, double std, uint64_t seed, uint64_t index);
/* rows (the first axis) or, if they are more than what is left, columns orthonormal, times gain; as torch.nn.init.orthogonal_ */
gm_status gm__init_orthogonal(gm_tensor *w, double gain, uint64_t seed, uint64_t index);

/* Changes the stored type of every tensor of the net (f64 for gradient checks). */
gm_status gm__net_cast(gm_net *net, int32_t dtype);
gm_ctx *gm__net_ctx(const gm_net *net);
/* Number of parameters that a text asks for, without giving them memory (files are checked against it first). */
gm_status gm__net_measure(gm_ctx *ctx, const char *text, int32_t ndim, const int64_t *shape, int64_t cond_size, int64_t *parameters);
int64_t gm__net_cond(const gm_net *net);

/* Text helper for families: "linear 400, relu, linear 400, relu" from hidden sizes and an activation name;
 * an activation of NULL or "none" leaves it out. Appends to b. */
void gm__net_mlp_text(gm__buf *b, const int64_t *hidden, size_t n, const char *activation);

#endif
