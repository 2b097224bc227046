/* energy.c - energies, conditionals and Gibbs steps as expressions on a tape.
 *
 * Centered [Melchior, Fischer & Wiskott 2016]: E = -(v-mu) b - (h-lambda) c - (v-mu) W (h-lambda). Up to a number that
 * depends on neither v nor h this is the plain energy with biases b - W lambda and c - mu W. */
#include "models/rbm/rbm.h"
#include <math.h>

gm_tensor *gm__rbm_rows(const gm__rbm *r, gm_tape *t, gm_tensor *x, bool check)
{
    if (!x) return NULL;
    const int64_t rows = x->shape[0], units = r->nv - r->labels;
    if (check && !r->log_var) {
        gm_tensor *c = gm__tape_contiguous(t, x);
        for (int64_t i = 0; c && i < c->size; i++)
            if (!(gm__f32(c)[i] >= 0 && gm__f32(c)[i] <= 1))
                return gm__tape_fail(t, GM_EARG, "%s: bernoulli units want numbers in [0,1], found %g in row %lld (units=gaussian, or scale=unit?)",
                                     r->owner, (double)gm__f32(c)[i], (long long)(i / units));
    }
    return gm_reshape(t, x, 2, (int64_t[]){rows, units});
}

/* v less its running mean; gaussian units count in units of their variance */
static gm_tensor *centred(const gm__rbm *r, gm_tape *t, gm_tensor *v) { return r->mu ? gm_sub(t, v, r->mu) : v; }
static gm_tensor *weighed(const gm__rbm *r, gm_tape *t, gm_tensor *v) { return r->log_var ? gm_mul(t, v, gm_exp(t, gm_neg(t, r->log_var))) : v; }

gm_tensor *gm__rbm_up(const gm__rbm *r, gm_tape *t, gm_tensor *v)
{
    return gm_add(t, gm_matmul(t, weighed(r, t, centred(r, t, v)), r->w), r->c);
}

gm_tensor *gm__rbm_down(const gm__rbm *r, gm_tape *t, gm_tensor *h)
{
    if (r->lambda) h = gm_sub(t, h, r->lambda);
    return gm_linear(t, h, r->w, r->b);
}

static gm_tensor *cooled(gm_tape *t, gm_tensor *in, double temperature) { return temperature == 1 ? in : gm_affine(t, in, 1 / temperature, 0); }

/* Label units are one group of which exactly one is on. */
gm_tensor *gm__rbm_unlabelled(const gm__rbm *r, gm_tape *t, gm_tensor *v) { return r->labels ? gm_slice(t, v, 1, 0, r->nv - r->labels, 1) : v; }
static gm_tensor *with_labels(const gm__rbm *r, gm_tape *t, gm_tensor *pixels, gm_tensor *labels)
{
    gm_tensor *both[2] = {pixels, labels};
    return r->labels ? gm_concat(t, both, 2, 1) : pixels;
}
static gm_tensor *label_mean(const gm__rbm *r, gm_tape *t, gm_tensor *in, double temperature)
{
    return r->labels ? gm_softmax(t, cooled(t, gm_slice(t, in, 1, r->nv - r->labels, r->nv, 1), temperature), 1) : NULL;
}
static gm_tensor *label_draw(const gm__rbm *r, gm_tape *t, gm_tensor *in, double temperature)
{
    return r->labels ? gm_one_hot(t, gm_categorical(t, cooled(t, gm_slice(t, in, 1, r->nv - r->labels, r->nv, 1), temperature)), r->labels, GM_F32) : NULL;
}

gm_tensor *gm__rbm_visible_mean(const gm__rbm *r, gm_tape *t, gm_tensor *in, double temperature)
{
    gm_tensor *pixels = gm__rbm_unlabelled(r, t, in);
    return with_labels(r, t, r->log_var ? pixels : gm_sigmoid(t, cooled(t, pixels, temperature)), label_mean(r, t, in, temperature));
}

/* Gaussian at temperature T: the energy divided by T multiplies the variance by T. */
gm_tensor *gm__rbm_visible_draw(const gm__rbm *r, gm_tape *t, gm_tensor *in, double temperature)
{
    gm_tensor *pixels = gm__rbm_unlabelled(r, t, in);
    if (!r->log_var) return with_labels(r, t, gm_bernoulli_logits(t, cooled(t, pixels, temperature)), label_draw(r, t, in, temperature));
    gm_tensor *log_var = gm_affine(t, r->log_var, 1, log(temperature));
    return pixels ? gm_gaussian_draw(t, pixels, gm_expand(t, log_var, 2, pixels->shape)) : NULL;
}

/* -b v, or (v-b)^2 / 2 s^2; summed over units */
static gm_tensor *visible_term(const gm__rbm *r, gm_tape *t, gm_tensor *v)
{
    if (r->log_var) return gm_sum(t, gm_affine(t, weighed(r, t, gm_square(t, gm_sub(t, v, r->b))), 0.5, 0), 1, 0);
    return gm_neg(t, gm_sum(t, gm_mul(t, centred(r, t, v), r->b), 1, 0));
}

gm_tensor *gm__rbm_energy(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in, gm_tensor *h)
{
    if (r->lambda) h = gm_sub(t, h, r->lambda);
    return gm_sub(t, visible_term(r, t, v), gm_sum(t, gm_mul(t, in, h), 1, 0));
}

gm_tensor *gm__rbm_free_energy(const gm__rbm *r, gm_tape *t, gm_tensor *v)
{
    gm_tensor *visible;
    if (r->mu) { /* in the plain biases, so that no number is left over */
        gm_tensor *b = gm_sub(t, r->b, gm_linear(t, r->lambda, r->w, NULL));
        visible = gm_neg(t, gm_sum(t, gm_mul(t, v, b), 1, 0));
    } else {
        visible = visible_term(r, t, v);
    }
    return gm_sub(t, visible, gm_sum(t, gm_softplus(t, gm__rbm_up(r, t, v)), 1, 0));
}

/* F(x, y) for every label y: what hidden units receive differs by a row of W, the rest by a bias. */
gm_tensor *gm__rbm_label_energy(const gm__rbm *r, gm_tape *t, gm_tensor *x)
{
    gm_tensor *each[2] = {x, x ? gm_zeros(t, GM_F32, 2, (int64_t[]){x->shape[0], r->labels}) : NULL}, *all = NULL;
    gm_tensor *v = gm_concat(t, each, 2, 1), *in = gm__rbm_up(r, t, v);
    gm_tensor *none = gm_add(t, gm__rbm_free_energy(r, t, v), gm_sum(t, gm_softplus(t, in), 1, 0)); /* what the pixels' biases say */
    gm_tensor *b = r->lambda ? gm_sub(t, r->b, gm_linear(t, r->lambda, r->w, NULL)) : r->b;
    for (int64_t y = r->nv - r->labels; y < r->nv && !gm_tape_status(t); y++) {
        gm_tensor *hidden = gm_sum(t, gm_softplus(t, gm_add(t, in, gm_slice(t, r->w, 0, y, y + 1, 1))), 1, 1);
        gm_tensor *f = gm_neg(t, gm_add(t, hidden, gm_slice(t, b, 0, y, y + 1, 1)));
        gm_tensor *so_far[2] = {all, f};
        all = all ? gm_concat(t, so_far, 2, 1) : f;
    }
    return none ? gm_add(t, all, gm_reshape(t, none, 2, (int64_t[]){none->size, 1})) : NULL;
}

gm_tensor *gm__rbm_noise(const gm__rbm *r, gm_tape *t, int64_t n, double temperature)
{
    return gm__rbm_visible_draw(r, t, gm_expand(t, r->b, 2, (int64_t[]){n, r->nv}), temperature);
}

gm_tensor *gm__rbm_gibbs(const gm__rbm *r, gm_tape *t, gm_tensor *v, int64_t k, double temperature, gm_tensor *clamp, gm_tensor **mean)
{
    const bool recording = t->recording;
    gm_tensor *const start = v;
    t->recording = false;
    for (int64_t i = 0; i < k && v; i++) {
        const bool last = i + 1 == k;
        const uint64_t frame = last ? 0 : gm_tape_push(t); /* the memory of a step is given back after it */
        gm_tensor *h = gm_bernoulli_logits(t, cooled(t, gm__rbm_up(r, t, v), temperature));
        gm_tensor *in = gm__rbm_down(r, t, h);
        if (last && mean) *mean = gm__rbm_visible_mean(r, t, in, temperature);
        if (last && mean && clamp) *mean = gm_where(t, clamp, start, *mean);
        v = gm__rbm_visible_draw(r, t, in, temperature);
        if (clamp) v = gm_where(t, clamp, start, v);
        if (!last) v = gm_tape_pop(t, frame, v);
    }
    t->recording = recording;
    return v;
}

gm_tensor *gm__rbm_dream(const gm__rbm *r, gm_tape *t, int64_t n, int64_t steps, double temperature, gm_tensor *cond, gm_tensor **mean)
{
    gm_tensor *v = gm__rbm_noise(r, t, n, temperature), *clamp = NULL;
    if (r->labels && cond) {
        gm_tensor *both[2] = {gm__rbm_unlabelled(r, t, v), cond};
        gm_tensor *held[2] = {gm_zeros(t, GM_U8, 2, (int64_t[]){1, r->nv - r->labels}), gm_full(t, GM_U8, 2, (int64_t[]){1, r->labels}, 1)};
        v = gm_concat(t, both, 2, 1);
        clamp = gm_concat(t, held, 2, 1);
    }
    v = gm__rbm_gibbs(r, t, v, steps, temperature, clamp, mean);
    *mean = gm__rbm_unlabelled(r, t, *mean);
    return gm__rbm_unlabelled(r, t, v);
}
