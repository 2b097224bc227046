/* activation.c - activations that are short compositions of ops. */
#include "ops/ops.h"

gm_tensor *gm_hardsigmoid(gm_tape *t, gm_tensor *x) { return gm_clamp(t, gm_affine(t, x, 1.0 / 6, 0.5), 0, 1); }

gm_tensor *gm_selu(gm_tape *t, gm_tensor *x)
{
    const double alpha = 1.6732632423543772848, scale = 1.0507009873554804934;
    return gm__scale(t, gm_elu(t, x, alpha), scale);
}

gm_tensor *gm_celu(gm_tape *t, gm_tensor *x, double alpha)
{
    if (gm__tape_ok(t) && !(alpha > 0)) return gm__tape_fail(t, GM_EARG, "celu: alpha %g is not above 0", alpha);
    return gm__scale(t, gm_elu(t, gm__scale(t, x, 1 / alpha), 1), alpha);
}

gm_tensor *gm_softsign(gm_tape *t, gm_tensor *x) { return gm_div(t, x, gm_affine(t, gm_abs(t, x), 1, 1)); }

/* One slope a channel stands on axis 1: [C, 1, ..]. */
gm_tensor *gm_prelu(gm_tape *t, gm_tensor *x, gm_tensor *slope)
{
    if (gm__tape_ok(t) && gm__is(x, GM__TENSOR) && gm__is(slope, GM__TENSOR) && slope->size != 1) {
        char text[128];
        int64_t shape[GM_MAX_DIMS];
        if (slope->ndim != 1 || x->ndim < 2 || slope->shape[0] != x->shape[1])
            return gm__tape_fail(t, GM_ESHAPE, "prelu: %lld slopes for x of shape %s: one, or one for each channel (axis 1) wanted", (long long)slope->size,
                                 gm__shape_text(text, x->ndim, x->shape));
        for (int i = 0; i < x->ndim - 1; i++) shape[i] = i == 0 ? slope->size : 1;
        slope = gm_reshape(t, slope, x->ndim - 1, shape);
    } else if (gm__tape_ok(t) && gm__is(slope, GM__TENSOR)) {
        slope = gm_reshape(t, slope, 0, NULL);
    }
    gm_tensor *zero = slope ? gm__number(t, slope, 0) : NULL;
    return gm_where(t, gm_gt(t, x, zero), x, gm_mul(t, slope, x));
}
