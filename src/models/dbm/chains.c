/* chains.c - block Gibbs: the odd levels given the even ones, then the even ones given the odd ones. */
#include "models/dbm/dbm.h"

static int64_t units_of(const gm__dbm *d, size_t l) { return l ? d->layer[l - 1].nh : d->layer[0].nv; }

gm_tensor *gm__dbm_join(const gm__dbm *d, gm_tape *t, gm_tensor *const *x)
{
    gm_tensor *even[GM__DBM_LEVELS];
    int32_t n = 0;
    for (size_t l = 0; l <= d->machines; l += 2) even[n++] = x[l];
    return gm_concat(t, even, n, 1);
}

void gm__dbm_open(const gm__dbm *d, gm_tape *t, gm_tensor *state, gm_tensor **x)
{
    int64_t at = 0;
    for (size_t l = 0; l <= d->machines; l += 2) {
        x[l] = gm_slice(t, state, 1, at, at + units_of(d, l), 1);
        at += units_of(d, l);
    }
}

gm_tensor *gm__dbm_noise(const gm__dbm *d, gm_tape *t, int64_t n)
{
    gm_tensor *x[GM__DBM_LEVELS] = {NULL};
    for (size_t l = 0; l <= d->machines; l += 2) {
        gm_tensor *b = l ? d->layer[l - 1].c : d->layer[0].b;
        x[l] = gm__dbm_draw(d, t, l, gm_expand(t, b, 2, (int64_t[]){n, b->size}), 1);
    }
    return gm__dbm_join(d, t, x);
}

/* ---- steps: the centring goes into the biases, so that products see zeros and ones ------------- */

typedef struct plain { gm_tensor *bias[GM__DBM_LEVELS]; } plain;

static plain plain_biases(const gm__dbm *d, gm_tape *t)
{
    plain p;
    for (size_t l = 0; l <= d->machines; l++) {
        gm_tensor *b = l ? d->layer[l - 1].c : d->layer[0].b;
        const gm__rbm *low = l ? &d->layer[l - 1] : NULL, *high = l < d->machines ? &d->layer[l] : NULL;
        if (low && low->mu) b = gm_sub(t, b, gm_reshape(t, gm_matmul(t, gm_reshape(t, low->mu, 2, (int64_t[]){1, low->nv}), low->w), 1, &low->nh));
        if (high && high->lambda) b = gm_sub(t, b, gm_linear(t, high->lambda, high->w, NULL));
        p.bias[l] = b;
    }
    return p;
}

/* What level l receives of states. */
static gm_tensor *hear(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *const *x, const plain *p)
{
    if (l == 0) return gm__binary_linear(t, x[1], d->layer[0].w, p->bias[0], false);
    gm_tensor *below = l == 1 && d->layer[0].log_var ? gm__rbm_up(&d->layer[0], t, x[0]) : gm__binary_linear(t, x[l - 1], d->layer[l - 1].w, p->bias[l], true);
    return l == d->machines ? below : gm_add(t, below, gm__binary_linear(t, x[l + 1], d->layer[l].w, NULL, false));
}

static gm_tensor *redraw(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *const *x, const plain *p, double temperature)
{
    if (l == 0 && !d->layer[0].log_var) return gm__bernoulli_linear(t, x[1], d->layer[0].w, p->bias[0], false, 1 / temperature);
    if (l == d->machines && !d->labels) return gm__bernoulli_linear(t, x[l - 1], d->layer[l - 1].w, p->bias[l], true, 1 / temperature);
    return gm__dbm_draw(d, t, l, hear(d, t, l, x, p), temperature);
}

static void hold(const gm__dbm *d, gm_tape *t, const gm__held *held, size_t l, gm_tensor **x)
{
    if (held && held->clamp && l == 0) *x = gm_where(t, held->clamp, held->v, *x);
    if (held && held->cond && d->labels && l == d->machines) *x = held->cond;
}

gm_tensor *gm__dbm_gibbs(const gm__dbm *d, gm_tape *t, gm_tensor *state, int64_t k, double temperature, const gm__held *held, gm_tensor **mean)
{
    const bool recording = t->recording;
    t->recording = false;
    const plain p = plain_biases(d, t);
    for (int64_t i = 0; i < k && state; i++) {
        if (gm__canceled(t->ctx)) state = gm__tape_fail(t, GM_ECANCELED, "canceled by the host");
        const bool last = i + 1 == k;
        const uint64_t frame = last ? 0 : gm_tape_push(t); /* the memory of a step is given back after it */
        gm_tensor *x[GM__DBM_LEVELS] = {NULL};
        gm__dbm_open(d, t, state, x);
        for (size_t l = 0; l <= d->machines; l += 2) hold(d, t, held, l, &x[l]); /* also at the start */
        for (size_t l = 1; l <= d->machines; l += 2) {
            x[l] = redraw(d, t, l, x, &p, temperature);
            hold(d, t, held, l, &x[l]);
        }
        for (size_t l = 0; l <= d->machines; l += 2) {
            if (last && mean && l == 0) {
                *mean = gm__dbm_mean(d, t, l, hear(d, t, l, x, &p), temperature);
                hold(d, t, held, l, mean);
            }
            x[l] = redraw(d, t, l, x, &p, temperature);
            hold(d, t, held, l, &x[l]);
        }
        state = gm__dbm_join(d, t, x);
        if (!last) state = gm_tape_pop(t, frame, state);
    }
    t->recording = recording;
    return state;
}

/* ---- energy of a state ------------------------------------------------------------------------ */

static gm_tensor *along(gm_tape *t, gm_tensor *x, gm_tensor *b) { return gm_sum(t, gm_mul(t, x, b), 1, 0); }

gm_tensor *gm__dbm_state_energy(const gm__dbm *d, gm_tape *t, gm_tensor *state)
{
    const plain p = plain_biases(d, t);
    const gm__visible_kind *low = d->layer[0].visible;
    gm_tensor *x[GM__DBM_LEVELS] = {NULL};
    gm__dbm_open(d, t, state, x);
    gm_tensor *sum = low->own ? low->own(&d->layer[0], t, x[0], p.bias[0]) : gm_neg(t, along(t, x[0], p.bias[0]));
    for (size_t l = 2; l <= d->machines; l += 2) sum = gm_sub(t, sum, along(t, x[l], p.bias[l]));
    for (size_t l = 1; l <= d->machines; l += 2) {
        gm_tensor *in = hear(d, t, l, x, &p);
        sum = gm_sub(t, sum, d->labels && l == d->machines ? gm_logsumexp(t, in, 1, 0) : gm_sum(t, gm_softplus(t, in), 1, 0));
    }
    return sum;
}
