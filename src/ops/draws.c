/* draws.c - draws that are short compositions of ops. */
#include "ops/ops.h"

/* Uniforms above 0 and below 1: in the middle of their steps of 2^-24. */
static gm_tensor *open_uniform(gm_tape *t, int32_t ndim, const int64_t *shape) { return gm_uniform(t, ndim, shape, 0x1p-25, 1); }

gm_tensor *gm_gumbel(gm_tape *t, int32_t ndim, const int64_t *shape)
{
    return gm_neg(t, gm_log(t, gm_neg(t, gm_log(t, open_uniform(t, ndim, shape)))));
}

gm_tensor *gm_exponential(gm_tape *t, int32_t ndim, const int64_t *shape, double rate)
{
    if (gm__tape_ok(t) && !(rate > 0)) return gm__tape_fail(t, GM_EARG, "exponential: rate %g is not above 0", rate);
    return gm__scale(t, gm_log(t, open_uniform(t, ndim, shape)), -1 / rate);
}

gm_tensor *gm_gumbel_softmax(gm_tape *t, gm_tensor *logits, double tau, int32_t hard)
{
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(logits, GM__TENSOR) || logits->ndim < 1 || logits->shape[logits->ndim - 1] < 1)
        return gm__tape_fail(t, gm__is(logits, GM__TENSOR) ? GM_ESHAPE : GM_EARG, "gumbel_softmax: logits [.., N] with N of 1 or more wanted");
    if (!(tau > 0)) return gm__tape_fail(t, GM_EARG, "gumbel_softmax: tau %g is not above 0", tau);
    gm_tensor *g = gm_cast(t, gm_gumbel(t, logits->ndim, logits->shape), logits->dtype);
    gm_tensor *soft = gm_softmax(t, gm__scale(t, gm_add(t, logits, g), 1 / tau), -1);
    if (!soft || !hard) return soft;
    /* straight through: the value of the corner, the gradient of the soft draw */
    gm_tensor *best = gm_argmax(t, soft, -1, 1);
    gm_tensor *ones = best ? gm_full(t, soft->dtype, best->ndim, best->shape, 1) : NULL;
    gm_tensor *corner = gm__scatter_add(t, ones, -1, best, soft->shape[soft->ndim - 1]);
    return gm_add(t, corner, gm_sub(t, soft, gm_detach(t, soft)));
}

gm_tensor *gm_dirichlet(gm_tape *t, gm_tensor *alpha)
{
    gm_tensor *g = gm_gamma(t, alpha);
    return gm_div(t, g, gm_sum(t, g, -1, 1));
}

gm_tensor *gm_beta(gm_tape *t, gm_tensor *a, gm_tensor *b)
{
    gm_tensor *in[2] = {a, b};
    if (!gm__expand_all(t, "beta", in, 2)) return NULL; /* first: each element has draws of its own */
    gm_tensor *x = gm_gamma(t, in[0]), *y = gm_gamma(t, in[1]);
    return gm_div(t, x, gm_add(t, x, y));
}
