/* dbn_tiny.h - deep belief networks of a few units, all states counted. States are the bits of an integer. */
#ifndef DBN_TINY_H
#define DBN_TINY_H

#include "models/dbn/dbn.h"
#include "models/models_test.h"

static inline double bit(int state, int64_t i) { return state >> i & 1; }
static inline double f_at(const gm_tensor *x, int64_t i) { return (double)gm__f32(x)[i]; }
static inline double softplus_of(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
/* log p of a unit's state, given what it receives */
static inline double unit_log(double in, double state) { return state * in - softplus_of(in); }

/* What unit j above receives from state v, and unit v below from state h. */
static inline double tiny_up(const gm__dbn *d, size_t i, int v, int64_t j)
{
    const gm__rbm *r = &d->layer[i];
    const gm_tensor *w = d->up[i] ? d->up[i] : r->w;
    double in = f_at(r->c, j);
    for (int64_t k = 0; k < r->nv; k++) in += (bit(v, k) - (r->mu ? f_at(r->mu, k) : 0)) * f_at(w, k * r->nh + j);
    return in;
}
static inline double tiny_down(const gm__dbn *d, size_t i, int h, int64_t k)
{
    const gm__rbm *r = &d->layer[i];
    double in = f_at(r->b, k);
    for (int64_t j = 0; j < r->nh; j++) in += (bit(h, j) - (r->lambda ? f_at(r->lambda, j) : 0)) * f_at(r->w, k * r->nh + j);
    return in;
}

/* log p(v|h) and log q(h|v) between layer i's units. */
static inline double tiny_log_p(const gm__dbn *d, size_t i, int v, int h)
{
    double sum = 0;
    for (int64_t k = 0; k < d->layer[i].nv; k++) sum += unit_log(tiny_down(d, i, h, k), bit(v, k));
    return sum;
}
static inline double tiny_log_q(const gm__dbn *d, size_t i, int h, int v)
{
    double sum = 0;
    for (int64_t j = 0; j < d->layer[i].nh; j++) sum += unit_log(tiny_up(d, i, v, j), bit(h, j));
    return sum;
}

/* -F(v) of the machine i, a number the same for all v left out; and its sum over v. */
static inline double tiny_free(const gm__dbn *d, size_t i, int v)
{
    const gm__rbm *r = &d->layer[i];
    double sum = 0;
    for (int64_t k = 0; k < r->nv; k++) {
        double b = f_at(r->b, k);
        for (int64_t j = 0; r->lambda && j < r->nh; j++) b -= f_at(r->lambda, j) * f_at(r->w, k * r->nh + j);
        sum += bit(v, k) * b;
    }
    for (int64_t j = 0; j < r->nh; j++) {
        double in = f_at(r->c, j);
        for (int64_t k = 0; k < r->nv; k++) in += (bit(v, k) - (r->mu ? f_at(r->mu, k) : 0)) * f_at(r->w, k * r->nh + j);
        sum += softplus_of(in);
    }
    return sum;
}
static inline double tiny_log_z(const gm__dbn *d, size_t i)
{
    double sum = 0;
    for (int v = 0; v < 1 << d->layer[i].nv; v++) sum += exp(tiny_free(d, i, v));
    return log(sum);
}

/* log p of a state of the units that layer i sees, in a network whose last machine is `top`; and the bound on it by the way up. */
static inline double tiny_log_prob(const gm__dbn *d, size_t top, size_t i, int v, double log_z)
{
    double sum = 0;
    if (i == top) return tiny_free(d, i, v) - log_z;
    for (int h = 0; h < 1 << d->layer[i].nh; h++) sum += exp(tiny_log_p(d, i, v, h) + tiny_log_prob(d, top, i + 1, h, log_z));
    return log(sum);
}
static inline double tiny_bound(const gm__dbn *d, size_t top, size_t i, int v, double log_z)
{
    double sum = 0;
    if (i == top) return tiny_free(d, i, v) - log_z;
    for (int h = 0; h < 1 << d->layer[i].nh; h++) {
        const double q = tiny_log_q(d, i, h, v);
        sum += exp(q) * (tiny_log_p(d, i, v, h) - q + tiny_bound(d, top, i + 1, h, log_z));
    }
    return sum;
}

/* Bars and stripes of 2 rows and 3 columns: ten of 64 states, as a data set in which each stands as often as the others. */
enum { TINY_V = 6, TINY_STATES = 10 };
static const int tiny_states[TINY_STATES] = {0, 63, 7, 56, 9, 18, 36, 27, 45, 54};
static inline gm_dataset *tiny_data(int64_t times)
{
    gm_tensor *x = NULL;
    gm_dataset *data = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){times * TINY_STATES, TINY_V}, &x));
    for (int64_t k = 0; k < x->size; k++) gm__f32(x)[k] = (float)bit(tiny_states[k / TINY_V % TINY_STATES], k % TINY_V);
    OK(gm_dataset_from_tensors(ctx, x, NULL, &data));
    gm_tensor_free(x);
    return data;
}
/* Means over the data, by the first top+1 machines. */
static inline double tiny_mean(const gm__dbn *d, size_t top, bool bound)
{
    double sum = 0;
    const double log_z = tiny_log_z(d, top);
    for (int k = 0; k < TINY_STATES; k++)
        sum += (bound ? tiny_bound : tiny_log_prob)(d, top, 0, tiny_states[k], log_z) / TINY_STATES;
    return sum;
}

#endif
