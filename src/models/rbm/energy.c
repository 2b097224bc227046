/* energy.c - energies, conditionals and Gibbs steps as expressions on a tape.
 *
 * Centered [Melchior, Fischer & Wiskott 2016]: E = -(v-mu) b - (h-lambda) c - (v-mu) W (h-lambda). Up to a number that
 * depends on neither v nor h this is the plain energy with biases b - W lambda and c - mu W. */
#include "models/rbm/rbm.h"
#include <math.h>

gm_tensor *gm__rbm_rows(const gm_model *m, gm_tape *t, gm_tensor *x, bool check)
{
    if (!x) return NULL;
    if (check && gm__rbm_cfg(m)->units == GM_UNITS_BERNOULLI) {
        gm_tensor *c = gm__tape_contiguous(t, x);
        for (int64_t i = 0; c && i < c->size; i++)
            if (!(gm__f32(c)[i] >= 0 && gm__f32(c)[i] <= 1))
                return gm__tape_fail(t, GM_EARG, "rbm: units=bernoulli wants numbers in [0,1], found %g in row %lld (units=gaussian, or scale=unit?)",
                                     (double)gm__f32(c)[i], (long long)(i / m->row));
    }
    return gm_reshape(t, x, 2, (int64_t[]){x->shape[0], m->row});
}

/* v less its running mean; gaussian units count in units of their variance */
static gm_tensor *centred(const gm__rbm *r, gm_tape *t, gm_tensor *v) { return r->mu ? gm_sub(t, v, r->mu) : v; }
static gm_tensor *weighed(const gm__rbm *r, gm_tape *t, gm_tensor *v) { return r->log_var ? gm_mul(t, v, gm_exp(t, gm_neg(t, r->log_var))) : v; }

gm_tensor *gm__rbm_up(const gm_model *m, gm_tape *t, gm_tensor *v)
{
    const gm__rbm *r = gm__rbm_of(m);
    return gm_add(t, gm_matmul(t, weighed(r, t, centred(r, t, v)), r->w), r->c);
}

gm_tensor *gm__rbm_down(const gm_model *m, gm_tape *t, gm_tensor *h)
{
    const gm__rbm *r = gm__rbm_of(m);
    if (r->lambda) h = gm_sub(t, h, r->lambda);
    return gm_linear(t, h, r->w, r->b);
}

static gm_tensor *cooled(gm_tape *t, gm_tensor *in, double temperature) { return temperature == 1 ? in : gm_affine(t, in, 1 / temperature, 0); }

gm_tensor *gm__rbm_visible_mean(const gm_model *m, gm_tape *t, gm_tensor *in, double temperature)
{
    return gm__rbm_of(m)->log_var ? in : gm_sigmoid(t, cooled(t, in, temperature));
}

/* Gaussian at temperature T: the energy divided by T multiplies the variance by T. */
gm_tensor *gm__rbm_visible_draw(const gm_model *m, gm_tape *t, gm_tensor *in, double temperature)
{
    const gm__rbm *r = gm__rbm_of(m);
    if (!r->log_var) return gm_bernoulli_logits(t, cooled(t, in, temperature));
    gm_tensor *log_var = gm_affine(t, r->log_var, 1, log(temperature));
    return in ? gm_gaussian_draw(t, in, gm_expand(t, log_var, 2, in->shape)) : NULL;
}

/* -b v, or (v-b)^2 / 2 s^2; summed over units */
static gm_tensor *visible_term(const gm__rbm *r, gm_tape *t, gm_tensor *v)
{
    if (r->log_var) return gm_sum(t, gm_affine(t, weighed(r, t, gm_square(t, gm_sub(t, v, r->b))), 0.5, 0), 1, 0);
    return gm_neg(t, gm_sum(t, gm_mul(t, centred(r, t, v), r->b), 1, 0));
}

gm_tensor *gm__rbm_energy(const gm_model *m, gm_tape *t, gm_tensor *v, gm_tensor *in, gm_tensor *h)
{
    const gm__rbm *r = gm__rbm_of(m);
    if (r->lambda) h = gm_sub(t, h, r->lambda);
    return gm_sub(t, visible_term(r, t, v), gm_sum(t, gm_mul(t, in, h), 1, 0));
}

gm_tensor *gm__rbm_free_energy(const gm_model *m, gm_tape *t, gm_tensor *v)
{
    const gm__rbm *r = gm__rbm_of(m);
    gm_tensor *visible;
    if (r->mu) { /* in the plain biases, so that no number is left over */
        gm_tensor *b = gm_sub(t, r->b, gm_linear(t, r->lambda, r->w, NULL));
        visible = gm_neg(t, gm_sum(t, gm_mul(t, v, b), 1, 0));
    } else {
        visible = visible_term(r, t, v);
    }
    return gm_sub(t, visible, gm_sum(t, gm_softplus(t, gm__rbm_up(m, t, v)), 1, 0));
}

gm_tensor *gm__rbm_gibbs(const gm_model *m, gm_tape *t, gm_tensor *v, int64_t k, double temperature, gm_tensor **mean)
{
    const bool recording = t->recording;
    t->recording = false;
    for (int64_t i = 0; i < k && v; i++) {
        const bool last = i + 1 == k;
        const uint64_t frame = last ? 0 : gm_tape_push(t); /* the memory of a step is given back after it */
        gm_tensor *h = gm_bernoulli_logits(t, cooled(t, gm__rbm_up(m, t, v), temperature));
        gm_tensor *in = gm__rbm_down(m, t, h);
        if (last && mean) *mean = gm__rbm_visible_mean(m, t, in, temperature);
        v = gm__rbm_visible_draw(m, t, in, temperature);
        if (!last) v = gm_tape_pop(t, frame, v);
    }
    t->recording = recording;
    return v;
}
