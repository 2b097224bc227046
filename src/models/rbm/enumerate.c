/* enumerate.c - log Z as an expression, all states counted: its gradient is the exact one of the model's side. */
#include "models/rbm/rbm.h"
#include <math.h>

enum { MOST = 16 /* units whose states are counted */ };

static int32_t kind(const gm__rbm *r) { return r->how.units & 255; }

/* Either side can be counted where its units have states, if the other sums up in closed form. */
static bool by_visibles(const gm__rbm *r)
{
    return kind(r) == GM_UNITS_BERNOULLI && r->hidden->log_sum && (r->nv - r->labels < r->nh || !r->hidden->states);
}

gm_status gm__rbm_countable(gm_ctx *ctx, const gm__rbm *r)
{
    const long long nv = (long long)(r->nv - r->labels), nh = (long long)r->nh;
    const bool visible = by_visibles(r), closed = kind(r) == GM_UNITS_BERNOULLI || kind(r) == GM_UNITS_GAUSSIAN || kind(r) == GM_UNITS_SOFTMAX;
    if (!visible && !(closed && r->hidden->states))
        return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "%s: gradient=exact does not know how to count states of %s and %s units", r->owner, r->visible->name, r->hidden->name);
    if ((visible ? nv : nh) <= MOST) return GM_OK;
    if (kind(r) != GM_UNITS_BERNOULLI) return gm__fail_ctx(ctx, GM_ELIMIT, "%s: gradient=exact counts the states of %d hidden units at most, these are %lld", r->owner, MOST, nh);
    return gm__fail_ctx(ctx, GM_ELIMIT, "%s: gradient=exact counts the states of %d visible or %d hidden units at most, these are %lld and %lld", r->owner, MOST,
                        MOST, nv, nh);
}

/* [2^n, n], or with each of `labels` labels behind them [2^n labels, n + labels] */
static gm_tensor *states(gm_tape *t, int64_t n, int64_t labels)
{
    const int64_t each = labels ? labels : 1, rows = ((int64_t)1 << n) * each, width = n + labels;
    gm_tensor *x = gm_zeros(t, GM_F32, 2, (int64_t[]){rows, width});
    for (int64_t i = 0; x && i < rows; i++) {
        float *row = gm__f32(x) + i * width;
        for (int64_t j = 0; j < n; j++) row[j] = (float)(i / each >> j & 1);
        if (labels) row[n + i % each] = 1;
    }
    return x;
}

/* [S]: log of the sum of exp(-E) over visible states, at hidden states h [S, nh] */
static gm_tensor *over_visibles(const gm__rbm *r, gm_tape *t, gm_tensor *h)
{
    const int64_t nv = r->nv - r->labels;
    gm_tensor *in = gm__rbm_down(r, t, h), *own = r->c, *sum;
    if (r->mu) own = gm_sub(t, own, gm_matmul(t, gm_reshape(t, r->mu, 2, (int64_t[]){1, r->nv}), r->w)); /* the plain bias */
    if (kind(r) == GM_UNITS_GAUSSIAN) { /* (in^2 - b^2) / 2 s^2 + log(2 pi s^2) / 2 */
        gm_tensor *e = gm_mul(t, gm_sub(t, gm_square(t, in), gm_square(t, r->b)), gm_exp(t, gm_neg(t, r->log_var)));
        gm_tensor *each = gm_affine(t, gm_add(t, e, r->log_var), 0.5, 0.5 * log(6.28318530717958647692));
        sum = gm_sum(t, gm__rbm_unlabelled(r, t, each), 1, 0);
    } else if (kind(r) == GM_UNITS_SOFTMAX) {
        gm_tensor *groups = gm_reshape(t, gm__rbm_unlabelled(r, t, in), 3, (int64_t[]){h ? h->shape[0] : 0, nv / r->how.group, r->how.group});
        sum = gm_sum(t, gm_logsumexp(t, groups, 2, 0), 1, 0);
    } else {
        sum = gm_sum(t, gm_softplus(t, gm__rbm_unlabelled(r, t, in)), 1, 0);
    }
    if (r->labels) sum = gm_add(t, sum, gm_logsumexp(t, gm_slice(t, in, 1, nv, r->nv, 1), 1, 0));
    return gm_add(t, sum, gm_sum(t, gm_mul(t, h, own), 1, 0));
}

gm_tensor *gm__rbm_log_z_on(const gm__rbm *r, gm_tape *t)
{
    if (by_visibles(r)) return gm_logsumexp(t, gm_neg(t, gm__rbm_free_energy(r, t, states(t, r->nv - r->labels, r->labels))), 0, 0);
    return gm_logsumexp(t, over_visibles(r, t, states(t, r->nh, 0)), 0, 0);
}
