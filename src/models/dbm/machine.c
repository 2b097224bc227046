/* machine.c - what the units of a level receive, energies, and the mean-field posterior, as expressions on a tape. */
#include "models/dbm/dbm.h"
#include "models/boltzmann.h"
#include <string.h>

static bool is_group(const gm__dbm *d, size_t l) { return d->labels && l == d->machines; }

/* x less the running means of level l */
static gm_tensor *centred(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *x)
{
    gm_tensor *mean = l ? d->layer[l - 1].lambda : d->layer[0].mu;
    return mean ? gm_sub(t, x, mean) : x;
}

gm_tensor *gm__dbm_hear_from(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *const *x, gm_tensor *from)
{
    gm_tensor *above = l < d->machines ? x[l + 1] : NULL;
    if (!from && l && x[l - 1]) from = gm__rbm_up(&d->layer[l - 1], t, x[l - 1]);
    if (!above) return from;
    gm_tensor *in = gm_linear(t, centred(d, t, l + 1, above), d->layer[l].w, from ? NULL : d->layer[l].b);
    return from ? gm_add(t, from, in) : in;
}

gm_tensor *gm__dbm_hear(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *const *x, bool twice)
{
    gm_tensor *in = gm__dbm_hear_from(d, t, l, x, NULL);
    return twice ? gm_sub(t, gm_affine(t, in, 2, 0), l ? d->layer[l - 1].c : d->layer[0].b) : in;
}

static gm_tensor *cooled(gm_tape *t, gm_tensor *in, double temperature) { return temperature == 1 ? in : gm_affine(t, in, 1 / temperature, 0); }

gm_tensor *gm__dbm_mean(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *in, double temperature)
{
    if (l == 0) return gm__rbm_visible_mean(&d->layer[0], t, in, temperature);
    return is_group(d, l) ? gm_softmax(t, cooled(t, in, temperature), 1) : gm_sigmoid(t, cooled(t, in, temperature));
}

gm_tensor *gm__dbm_draw(const gm__dbm *d, gm_tape *t, size_t l, gm_tensor *in, double temperature)
{
    if (l == 0) return gm__rbm_visible_draw(&d->layer[0], t, in, temperature);
    in = cooled(t, in, temperature);
    return is_group(d, l) ? gm_one_hot(t, gm_categorical(t, in), d->labels, GM_F32) : gm_bernoulli_logits(t, in);
}

gm_tensor *gm__dbm_energy(const gm__dbm *d, gm_tape *t, gm_tensor *const *x, gm_tensor *from)
{
    gm_tensor *sum = gm__rbm_energy(&d->layer[0], t, x[0], from ? from : gm__rbm_up(&d->layer[0], t, x[0]), x[1]);
    for (size_t i = 1; i < d->machines; i++) {
        gm_tensor *in = gm__rbm_up(&d->layer[i], t, x[i]);
        sum = gm_sub(t, sum, gm_sum(t, gm_mul(t, in, centred(d, t, i + 1, x[i + 1])), 1, 0));
    }
    return sum;
}

/* ---- mean field --------------------------------------------------------------------------- */

typedef struct rows { /* of one level that moves */
    float *x, *moved;    /* [N, n]; [N]: how far each row has moved in this round, negative once it has settled */
    const float *y;
    size_t n;
} rows;

/* A row that has settled stays as it is: what it comes to does not depend on the rows beside it. */
static void move_row(void *arg, size_t row, size_t worker)
{
    const rows *r = arg;
    float most = r->moved[row];
    GM__UNUSED(worker);
    if (most < 0) return;
    for (size_t j = row * r->n; j < (row + 1) * r->n; j++) {
        most = fmaxf(most, fabsf(r->y[j] - r->x[j]));
        r->x[j] = r->y[j];
    }
    r->moved[row] = most;
}

/* The way up: a level whose other neighbour is not known yet counts what it hears twice. */
static void guess(const gm__dbm *d, gm_tape *t, gm_tensor **x, gm_tensor *from)
{
    for (size_t l = 1; l <= d->machines; l++) {
        if (x[l]) continue;
        const bool twice = l < d->machines && !x[l + 1];
        gm_tensor *in = l == 1 && !twice ? gm__dbm_hear_from(d, t, l, x, from) : l == 1 ? gm_sub(t, gm_affine(t, from, 2, 0), d->layer[0].c) : gm__dbm_hear(d, t, l, x, twice);
        x[l] = gm__dbm_mean(d, t, l, in, 1);
    }
}

int gm__dbm_settle(const gm__dbm *d, gm_tape *t, gm_tensor **x, gm_tensor *from, int rounds, double tolerance)
{
    bool moves[GM__DBM_LEVELS] = {false};
    if (!from) from = gm__rbm_up(&d->layer[0], t, x[0]);
    gm_tensor *moved = from ? gm_zeros(t, GM_F32, 1, from->shape) : NULL;
    size_t left = moved ? (size_t)moved->size : 0;
    int round = 0;
    for (size_t l = 1; l <= d->machines; l++) moves[l] = !x[l];
    guess(d, t, x, from);
    for (; round < rounds && left && !gm_tape_status(t); round++) {
        for (size_t k = 0; k < 2 * d->machines; k++) { /* odd levels, then even ones: each given the others */
            const size_t l = k < d->machines ? 2 * k + 1 : 2 * (k - d->machines) + 2;
            if (l > d->machines || !moves[l]) continue;
            const uint64_t frame = gm_tape_push(t);
            gm_tensor *y = gm__dbm_mean(d, t, l, gm__dbm_hear_from(d, t, l, x, l == 1 ? from : NULL), 1);
            if (y) gm__parallel(t->ctx, (size_t)y->shape[0], move_row, &(rows){gm__f32(x[l]), gm__f32(moved), gm__f32(y), (size_t)y->shape[1]});
            gm_tape_pop(t, frame, NULL);
        }
        for (int64_t i = 0; moved && i < moved->size; i++) {
            float *m = gm__f32(moved) + i;
            if (*m >= 0) *m = (double)*m <= tolerance ? left--, -1.0f : 0.0f;
        }
    }
    return round;
}

/* ---- free energy -------------------------------------------------------------------------- */

/* What the energy in x - mean is more than that in the plain biases: sum of mean b, less mean W mean. */
static double offset(const gm__dbm *d)
{
    double sum = 0;
    if (!d->layer[0].mu) return 0;
    for (size_t l = 0; l <= d->machines; l++) {
        const gm_tensor *mean = l ? d->layer[l - 1].lambda : d->layer[0].mu, *b = l ? d->layer[l - 1].c : d->layer[0].b;
        for (int64_t i = 0; i < b->size; i++) sum += (double)gm__f32(mean)[i] * (double)gm__f32(b)[i];
    }
    for (size_t i = 0; i < d->machines; i++) {
        const gm__rbm *r = &d->layer[i];
        for (int64_t v = 0; v < r->nv; v++) {
            double in = 0;
            for (int64_t h = 0; h < r->nh; h++) in += (double)gm__f32(r->w)[v * r->nh + h] * (double)gm__f32(r->lambda)[h];
            sum -= in * (double)gm__f32(r->mu)[v];
        }
    }
    return sum;
}

static double minus_log(double p) { return p > 0 ? -p * log(p) : 0; }

typedef struct doubt { /* entropies of one level */
    const float *q;
    float *sum;          /* [N], added to */
    size_t n;
    bool group;
} doubt;
static void entropy_row(void *arg, size_t row, size_t worker)
{
    const doubt *a = arg;
    double sum = 0;
    GM__UNUSED(worker);
    for (size_t j = row * a->n; j < (row + 1) * a->n; j++) sum += minus_log((double)a->q[j]) + (a->group ? 0 : minus_log(1 - (double)a->q[j]));
    a->sum[row] += (float)sum;
}

gm_tensor *gm__dbm_free_energy(const gm__dbm *d, gm_tape *t, gm_tensor *const *x, gm_tensor *const *given)
{
    gm_tensor *e = gm__dbm_energy(d, t, x, NULL), *h = e ? gm_zeros(t, GM_F32, 1, e->shape) : NULL;
    for (size_t l = 1; h && l <= d->machines; l++)
        if (!given[l]) gm__parallel(t->ctx, (size_t)h->size, entropy_row, &(doubt){gm__f32(x[l]), gm__f32(h), (size_t)x[l]->shape[1], is_group(d, l)});
    return h ? gm_affine(t, gm_sub(t, e, h), 1, -offset(d)) : NULL;
}
