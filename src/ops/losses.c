/* losses.c - losses that are short compositions of ops; definitions as in PyTorch. */
#include "ops/ops.h"

gm_tensor *gm_l1(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce) { return gm__reduce_loss(t, gm_abs(t, gm_sub(t, x, y)), reduce); }

/* c (d - c/2) with c = min(d, delta): d^2/2 within delta, a line outside */
gm_tensor *gm_huber(gm_tape *t, gm_tensor *x, gm_tensor *y, double delta, int32_t reduce)
{
    if (gm__tape_ok(t) && !(delta > 0)) return gm__tape_fail(t, GM_EARG, "huber: delta %g is not above 0", delta);
    gm_tensor *d = gm_abs(t, gm_sub(t, x, y)), *c = gm_clamp(t, d, 0, delta);
    return gm__reduce_loss(t, gm_mul(t, c, gm_sub(t, d, gm__scale(t, c, 0.5))), reduce);
}

gm_tensor *gm_hinge(gm_tape *t, gm_tensor *x, gm_tensor *y, double margin, int32_t reduce)
{
    return gm__reduce_loss(t, gm_relu(t, gm_affine(t, gm_mul(t, x, y), -1, margin)), reduce);
}

gm_tensor *gm_kl_div(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce)
{
    gm_tensor *zero = gm__tape_ok(t) && gm__is(y, GM__TENSOR) ? gm__number(t, y, 0) : NULL, *some = gm_gt(t, y, zero);
    gm_tensor *safe = some ? gm_where(t, some, y, gm__number(t, y, 1)) : NULL;
    return gm__reduce_loss(t, gm_where(t, some, gm_mul(t, safe, gm_sub(t, gm_log(t, safe), x)), zero), reduce);
}

/* ---- classes: [N, C] and labels [N] -------------------------------------------- */

/* x[label] of each row, [N] */
static gm_tensor *picked(gm_tape *t, const char *who, gm_tensor *x, gm_tensor *label)
{
    char a[128], b[128];
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR) || !gm__is(label, GM__TENSOR)) return gm__tape_fail(t, GM_EARG, "%s: two tensors wanted", who);
    if (x->ndim != 2 || label->ndim != 1 || label->shape[0] != x->shape[0])
        return gm__tape_fail(t, GM_ESHAPE, "%s: scores [N, C] and labels [N] wanted: %s and %s", who, gm__shape_text(a, x->ndim, x->shape),
                             gm__shape_text(b, label->ndim, label->shape));
    return gm_reshape(t, gm_gather(t, x, 1, gm_reshape(t, label, 2, (int64_t[]){label->shape[0], 1})), 1, label->shape);
}

gm_tensor *gm_nll(gm_tape *t, gm_tensor *x, gm_tensor *label, int32_t reduce)
{
    return gm__reduce_loss(t, gm_neg(t, picked(t, "nll", x, label)), reduce);
}

/* (1 - s) w[label] (-log p[label]) + s/C sum_c w[c] (-log p[c]); a mean divides by the sum of w[label] */
gm_tensor *gm_cross_entropy_smooth(gm_tape *t, gm_tensor *x, gm_tensor *label, gm_tensor *weight, double smoothing, int32_t reduce)
{
    if (gm__tape_ok(t) && !(smoothing >= 0 && smoothing <= 1)) return gm__tape_fail(t, GM_EARG, "cross_entropy_smooth: smoothing %g is not in [0,1]", smoothing);
    gm_tensor *logp = gm_log_softmax(t, x, -1), *own = NULL;
    if (weight && logp) {
        if (!gm__is(weight, GM__TENSOR)) return gm__tape_fail(t, GM_EARG, "cross_entropy_smooth: weight is no tensor");
        if (weight->ndim != 1 || x->ndim != 2 || weight->shape[0] != x->shape[1])
            return gm__tape_fail(t, GM_ESHAPE, "cross_entropy_smooth: a weight for each of the classes of scores [N, C] wanted");
        own = picked(t, "cross_entropy_smooth", gm_expand(t, weight, 2, x->shape), label);
        logp = gm_mul(t, logp, weight);
    }
    gm_tensor *hit = picked(t, "cross_entropy_smooth", logp, label);
    if (!hit) return NULL;
    gm_tensor *loss = gm_add(t, gm__scale(t, hit, smoothing - 1), gm__scale(t, gm_sum(t, logp, 1, 0), -smoothing / (double)x->shape[1]));
    if (!own || reduce != GM_MEAN) return gm__reduce_loss(t, loss, reduce);
    return gm_div(t, gm_sum(t, loss, GM_ALL_AXES, 0), gm_sum(t, own, GM_ALL_AXES, 0));
}

gm_tensor *gm_soft_cross_entropy(gm_tape *t, gm_tensor *x, gm_tensor *p, int32_t reduce)
{
    return gm__reduce_loss(t, gm_neg(t, gm_sum(t, gm_mul(t, p, gm_log_softmax(t, x, -1)), -1, 0)), reduce);
}

/* (1 - y) x + (1 + (w - 1) y) log(1 + e^-x), y pulled toward 1/2 by smoothing */
gm_tensor *gm_bce_with_logits_weighted(gm_tape *t, gm_tensor *x, gm_tensor *y, gm_tensor *pos_weight, double smoothing, int32_t reduce)
{
    if (gm__tape_ok(t) && !(smoothing >= 0 && smoothing <= 1))
        return gm__tape_fail(t, GM_EARG, "bce_with_logits_weighted: smoothing %g is not in [0,1]", smoothing);
    if (smoothing > 0) y = gm_affine(t, y, 1 - smoothing, smoothing / 2);
    gm_tensor *left = gm_neg(t, gm_log_sigmoid(t, x));
    if (pos_weight) left = gm_mul(t, left, gm_affine(t, gm_mul(t, y, gm_affine(t, pos_weight, 1, -1)), 1, 1));
    return gm__reduce_loss(t, gm_add(t, gm_mul(t, gm_affine(t, y, -1, 1), x), left), reduce);
}

/* ---- likelihoods and angles ------------------------------------------------------ */

gm_tensor *gm_poisson_nll(gm_tape *t, gm_tensor *log_rate, gm_tensor *y, int32_t reduce)
{
    return gm__reduce_loss(t, gm_sub(t, gm_exp(t, log_rate), gm_mul(t, y, log_rate)), reduce);
}

gm_tensor *gm_gaussian_nll(gm_tape *t, gm_tensor *x, gm_tensor *mean, gm_tensor *var, double eps, int32_t reduce)
{
    if (gm__tape_ok(t) && !(eps >= 0)) return gm__tape_fail(t, GM_EARG, "gaussian_nll: eps %g is below 0", eps);
    gm_tensor *v = gm_clamp(t, var, eps, __builtin_inf());
    gm_tensor *far = gm_div(t, gm_square(t, gm_sub(t, x, mean)), v);
    return gm__reduce_loss(t, gm__scale(t, gm_add(t, gm_log(t, v), far), 0.5), reduce);
}

gm_tensor *gm_cosine_similarity(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t axis, double eps)
{
    if (gm__tape_ok(t) && !(eps >= 0)) return gm__tape_fail(t, GM_EARG, "cosine_similarity: eps %g is below 0", eps);
    gm_tensor *a = gm_clamp(t, gm_norm(t, x, 2, axis, 0), eps, __builtin_inf()), *b = gm_clamp(t, gm_norm(t, y, 2, axis, 0), eps, __builtin_inf());
    return gm_div(t, gm_sum(t, gm_mul(t, x, y), axis, 0), gm_mul(t, a, b));
}
