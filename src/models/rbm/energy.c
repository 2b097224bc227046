/* energy.c - energies, conditionals and Gibbs steps as expressions on a tape.
 *
 * Centered [Melchior, Fischer & Wiskott 2016]: E = -(v-mu) b - (h-lambda) c - (v-mu) W (h-lambda). Up to a number that
 * depends on neither v nor h this is the plain energy with biases b - W lambda and c - mu W. */
#include "models/rbm/rbm.h"
#include <math.h>

/* Label units are one group of which exactly one is on. */
gm_tensor *gm__rbm_unlabelled(const gm__rbm *r, gm_tape *t, gm_tensor *v) { return r->labels ? gm_slice(t, v, 1, 0, r->nv - r->labels, 1) : v; }
static gm_tensor *labels_of(const gm__rbm *r, gm_tape *t, gm_tensor *v, int32_t axis) { return r->labels ? gm_slice(t, v, axis, r->nv - r->labels, r->nv, 1) : NULL; }
static gm_tensor *with_labels(const gm__rbm *r, gm_tape *t, gm_tensor *pixels, gm_tensor *labels)
{
    gm_tensor *both[2] = {pixels, labels};
    return r->labels ? gm_concat(t, both, 2, 1) : pixels;
}

/* v less its running mean; what products see of it; the biases that products add to */
static gm_tensor *centred(const gm__rbm *r, gm_tape *t, gm_tensor *v) { return r->mu ? gm_sub(t, v, r->mu) : v; }
static gm_tensor *signal(const gm__rbm *r, gm_tape *t, gm_tensor *v)
{
    if (!r->visible->signal) return centred(r, t, v);
    return with_labels(r, t, r->visible->signal(r, t, gm__rbm_unlabelled(r, t, v)), labels_of(r, t, v, 1));
}
static gm_tensor *hidden_bias(const gm__rbm *r, gm_tape *t, gm_tensor *v)
{
    return r->visible->has & GM__UNIT_COUNTS ? gm_mul(t, gm_sum(t, gm__rbm_unlabelled(r, t, v), 1, 1), r->c) : r->c;
}

gm_tensor *gm__rbm_up(const gm__rbm *r, gm_tape *t, gm_tensor *v)
{
    return gm_add(t, gm_matmul(t, signal(r, t, v), r->w), hidden_bias(r, t, v));
}

gm_tensor *gm__rbm_down(const gm__rbm *r, gm_tape *t, gm_tensor *h)
{
    if (r->lambda) h = gm_sub(t, h, r->lambda);
    return gm_linear(t, h, r->w, r->b);
}

/* Centring goes into the biases, so that products see the states themselves. */
static bool sees_states(const gm__rbm *r) { return !r->visible->signal && !(r->visible->has & GM__UNIT_COUNTS); }
static gm_tensor *up_bias(const gm__rbm *r, gm_tape *t)
{
    if (!r->mu) return r->c;
    gm_tensor *mu = gm_reshape(t, r->mu, 2, (int64_t[]){1, r->nv});
    return gm_sub(t, r->c, gm_reshape(t, gm_matmul(t, mu, r->w), 1, &r->nh));
}
/* The biases of visible units without centring, so that no number is left over. */
static gm_tensor *plain_bias(const gm__rbm *r, gm_tape *t) { return r->lambda ? gm_sub(t, r->b, gm_linear(t, r->lambda, r->w, NULL)) : r->b; }

gm_tensor *gm__rbm_up_states(const gm__rbm *r, gm_tape *t, gm_tensor *v)
{
    return sees_states(r) ? gm__binary_linear(t, v, r->w, up_bias(r, t), true) : gm__rbm_up(r, t, v);
}
gm_tensor *gm__rbm_down_states(const gm__rbm *r, gm_tape *t, gm_tensor *h)
{
    return gm__binary_linear(t, h, r->w, plain_bias(r, t), false);
}

gm_tensor *gm__rbm_visible_mean_like(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    gm_tensor *pixels = r->visible->mean(r, t, gm__rbm_unlabelled(r, t, in), like ? gm__rbm_unlabelled(r, t, like) : NULL, temperature);
    return r->labels ? with_labels(r, t, pixels, gm__unit_one_mean(t, labels_of(r, t, in, 1), r->labels, temperature)) : pixels;
}
gm_tensor *gm__rbm_visible_draw_like(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    gm_tensor *pixels = r->visible->draw(r, t, gm__rbm_unlabelled(r, t, in), like ? gm__rbm_unlabelled(r, t, like) : NULL, temperature);
    return r->labels ? with_labels(r, t, pixels, gm__unit_one_draw(t, labels_of(r, t, in, 1), r->labels, temperature)) : pixels;
}
gm_tensor *gm__rbm_visible_mean(const gm__rbm *r, gm_tape *t, gm_tensor *in, double temperature) { return gm__rbm_visible_mean_like(r, t, in, NULL, temperature); }
gm_tensor *gm__rbm_visible_draw(const gm__rbm *r, gm_tape *t, gm_tensor *in, double temperature) { return gm__rbm_visible_draw_like(r, t, in, NULL, temperature); }

gm_tensor *gm__rbm_log_down(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *h)
{
    gm_tensor *in = gm__rbm_down(r, t, h);
    return r->log_var ? gm_gaussian_log_prob(t, v, in, r->log_var) : gm_bernoulli_log_prob(t, v, in);
}

/* Units that are not there are 0, and so is what this says of them. */
gm_tensor *gm__rbm_gap(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in, gm_tensor *absent)
{
    enum { NEVER = -10000 };
    if (absent) in = gm_where(t, absent, gm_full(t, GM_F32, 0, NULL, NEVER), in);
    return r->visible->gap(r, t, gm__rbm_unlabelled(r, t, v), gm__rbm_unlabelled(r, t, in));
}

/* -b v, and what visible units have in its place; summed over units */
static gm_tensor *linear_term(gm_tape *t, gm_tensor *v, gm_tensor *b)
{
    gm_tensor *along = b ? gm_matmul(t, v, gm_reshape(t, b, 2, (int64_t[]){b->size, 1})) : NULL;
    return along ? gm_neg(t, gm_reshape(t, along, 1, along->shape)) : NULL;
}
static gm_tensor *visible_term(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *b)
{
    if (!r->visible->own) return linear_term(t, v, b);
    gm_tensor *pixels = gm__rbm_unlabelled(r, t, v), *own = r->visible->own(r, t, pixels, r->labels ? gm_slice(t, b, 0, 0, r->nv - r->labels, 1) : b);
    return r->labels ? gm_add(t, own, linear_term(t, labels_of(r, t, v, 1), labels_of(r, t, b, 0))) : own;
}

gm_tensor *gm__rbm_energy(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in, gm_tensor *h)
{
    gm_tensor *own = r->hidden->own ? r->hidden->own(t, h) : NULL;
    if (r->lambda) h = gm_sub(t, h, r->lambda);
    gm_tensor *e = gm_sub(t, visible_term(r, t, centred(r, t, v), r->b), gm_sum(t, gm_mul(t, in, h), 1, 0));
    return own ? gm_add(t, e, own) : e;
}

gm_tensor *gm__rbm_free_energy_of(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in)
{
    if (!(r->visible->has & GM__UNIT_F) || !r->hidden->log_sum) return gm__tape_fail(t, GM_EUNSUPPORTED, "%s: rectified units have no free energy", r->owner);
    return gm_sub(t, visible_term(r, t, v, plain_bias(r, t)), r->hidden->log_sum(t, in));
}
gm_tensor *gm__rbm_free_energy(const gm__rbm *r, gm_tape *t, gm_tensor *v) { return gm__rbm_free_energy_of(r, t, v, gm__rbm_up(r, t, v)); }

/* F(x, y) for every label y: what hidden units receive differs by a row of W, the rest by a bias. */
gm_tensor *gm__rbm_label_energy(const gm__rbm *r, gm_tape *t, gm_tensor *x)
{
    gm_tensor *each[2] = {x, x ? gm_zeros(t, GM_F32, 2, (int64_t[]){x->shape[0], r->labels}) : NULL}, *all = NULL;
    gm_tensor *v = gm_concat(t, each, 2, 1), *in = gm__rbm_up(r, t, v);
    gm_tensor *none = gm_add(t, gm__rbm_free_energy(r, t, v), r->hidden->log_sum ? r->hidden->log_sum(t, in) : NULL); /* what the pixels' biases say */
    gm_tensor *b = plain_bias(r, t);
    for (int64_t y = r->nv - r->labels; y < r->nv && !gm_tape_status(t); y++) {
        gm_tensor *hidden = r->hidden->log_sum(t, gm_add(t, in, gm_slice(t, r->w, 0, y, y + 1, 1)));
        gm_tensor *f = gm_neg(t, gm_add(t, gm_reshape(t, hidden, 2, (int64_t[]){x->shape[0], 1}), gm_slice(t, b, 0, y, y + 1, 1)));
        gm_tensor *so_far[2] = {all, f};
        all = all ? gm_concat(t, so_far, 2, 1) : f;
    }
    return none ? gm_add(t, all, gm_reshape(t, none, 2, (int64_t[]){none->size, 1})) : NULL;
}

gm_tensor *gm__rbm_noise(const gm__rbm *r, gm_tape *t, int64_t n, double temperature)
{
    return gm__rbm_visible_draw(r, t, gm_expand(t, r->b, 2, (int64_t[]){n, r->nv}), temperature);
}

/* Half a step each: draws of h given v, of v given h; v shares totals with `like`. */
static gm_tensor *draw_hidden(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *bias, double temperature)
{
    if (r->hidden == gm__hidden_units && sees_states(r)) return gm__bernoulli_linear(t, v, r->w, bias, true, 1 / temperature);
    return r->hidden->draw(t, gm__rbm_up_states(r, t, v), temperature);
}
static gm_tensor *draw_visible(const gm__rbm *r, gm_tape *t, gm_tensor *h, gm_tensor *like, gm_tensor *bias, double temperature)
{
    if (r->visible == gm__visible_units && !r->labels) return gm__bernoulli_linear(t, h, r->w, bias, false, 1 / temperature);
    return gm__rbm_visible_draw_like(r, t, gm__rbm_down_states(r, t, h), like, temperature);
}

gm_tensor *gm__rbm_gibbs(const gm__rbm *r, gm_tape *t, gm_tensor *v, int64_t k, double temperature, gm_tensor *clamp, gm_tensor **mean)
{
    const bool recording = t->recording;
    gm_tensor *const start = v;
    t->recording = false;
    gm_tensor *b = plain_bias(r, t), *c = sees_states(r) ? up_bias(r, t) : NULL;
    for (int64_t i = 0; i < k && v; i++) {
        const bool last = i + 1 == k;
        const uint64_t frame = last ? 0 : gm_tape_push(t); /* the memory of a step is given back after it */
        gm_tensor *h = draw_hidden(r, t, v, c, temperature);
        if (last && mean) *mean = gm__rbm_visible_mean_like(r, t, gm__rbm_down_states(r, t, h), v, temperature);
        if (last && mean && clamp) *mean = gm_where(t, clamp, start, *mean);
        v = draw_visible(r, t, h, v, b, temperature);
        if (clamp) v = gm_where(t, clamp, start, v);
        if (!last) v = gm_tape_pop(t, frame, v);
    }
    t->recording = recording;
    return v;
}

gm_tensor *gm__rbm_walk(const gm__rbm *r, gm_tape *t, gm_tensor *state, int64_t steps, double temperature, const gm__held *held, gm_tensor **mean)
{
    gm_tensor *clamp = held->clamp, *cond = r->labels ? held->cond : NULL;
    if (clamp || cond) {
        gm_tensor *v = gm__rbm_unlabelled(r, t, state);
        if (clamp) v = gm_where(t, clamp, held->v, v);
        state = with_labels(r, t, v, cond ? cond : labels_of(r, t, state, 1));
    }
    if (r->labels && (clamp || cond)) {
        const int64_t rows = clamp ? clamp->shape[0] : 1;
        if (!clamp) clamp = gm_zeros(t, GM_U8, 2, (int64_t[]){1, r->nv - r->labels});
        clamp = with_labels(r, t, clamp, gm_full(t, GM_U8, 2, (int64_t[]){rows, r->labels}, cond != NULL));
    }
    return gm__rbm_gibbs(r, t, state, steps, temperature, clamp, mean);
}

gm_tensor *gm__rbm_dream(const gm__rbm *r, gm_tape *t, int64_t n, int64_t steps, double temperature, gm_tensor *cond, gm_tensor **mean)
{
    gm_tensor *v = gm__rbm_walk(r, t, gm__rbm_noise(r, t, n, temperature), steps, temperature, &(gm__held){.cond = cond}, mean);
    *mean = gm__rbm_unlabelled(r, t, *mean);
    return gm__rbm_unlabelled(r, t, v);
}
