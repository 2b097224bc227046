/* chains_test.h - tiny Boltzmann machines with weights that matter, and their distributions counted state by state. */
#ifndef CHAINS_TEST_H
#define CHAINS_TEST_H

#include "models/models_test.h"

enum { NV = 5, MOST_UNITS = 12 };

static inline gm_tensor *tensor(gm_model *m, const char *name)
{
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++)
        if (!strcmp(gm_model_tensor_name(m, i), name)) return gm_model_tensor(m, i);
    ck_abort_msg("no tensor %s", name);
    return NULL;
}

/* Every tensor takes numbers of [-1, 1] that look unordered. */
static inline gm_model *tiny(const char *family, const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, family, options, &m));
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++)
        for (int64_t k = 0; k < gm_model_tensor(m, i)->size; k++) gm__f32(gm_model_tensor(m, i))[k] = (float)(2 * unit((uint32_t)(97 * i + k + 5)) - 1);
    return m;
}

/* n units, -E(x) = sum_{i<j} w[i][j] x_i x_j + sum b[i] x_i */
typedef struct net { int n; double w[MOST_UNITS][MOST_UNITS], b[MOST_UNITS]; } net;

static inline void join(net *e, gm_model *m, const char *name, int from, int to)
{
    const gm_tensor *w = tensor(m, name);
    for (int64_t i = 0; i < w->shape[0]; i++)
        for (int64_t j = 0; j < w->shape[1]; j++) e->w[from + i][to + j] = (double)gm__f32(w)[i * w->shape[1] + j];
}
static inline void bias(net *e, gm_model *m, const char *name, int at)
{
    const gm_tensor *b = tensor(m, name);
    for (int64_t i = 0; i < b->size; i++) e->b[at + i] = (double)gm__f32(b)[i];
}

static inline double minus_energy(const net *e, unsigned x)
{
    double sum = 0;
    for (int i = 0; i < e->n; i++) {
        if (!(x >> i & 1)) continue;
        sum += e->b[i];
        for (int j = i + 1; j < e->n; j++) sum += x >> j & 1 ? e->w[i][j] : 0;
    }
    return sum;
}

/* p of the states of the first `seen` units */
static inline void count_states(const net *e, int seen, double temperature, double *p)
{
    double z = 0;
    for (unsigned v = 0; v < 1u << seen; v++) p[v] = 0;
    for (unsigned x = 0; x < 1u << e->n; x++) {
        const double q = exp(minus_energy(e, x) / temperature);
        p[x & ((1u << seen) - 1)] += q;
        z += q;
    }
    for (unsigned v = 0; v < 1u << seen; v++) p[v] /= z;
}

static inline net net_of(gm_model *m)
{
    net e = {.n = NV};
    const char *f = gm_model_family(m);
    if (!strcmp(f, "rbm")) {
        e.n = NV + 4, join(&e, m, "weight", 0, NV), bias(&e, m, "visible_bias", 0), bias(&e, m, "hidden_bias", NV);
    } else if (!strcmp(f, "dbm")) {
        e.n = NV + 5, join(&e, m, "0.weight", 0, NV), join(&e, m, "1.weight", NV, NV + 3);
        bias(&e, m, "0.visible_bias", 0), bias(&e, m, "0.hidden_bias", NV), bias(&e, m, "1.hidden_bias", NV + 3);
    } else {
        const float *w = gm__f32(tensor(m, "weight"));
        e.n = NV + 3, bias(&e, m, "bias", 0);
        for (int i = 0; i < e.n; i++)
            for (int j = i + 1; j < e.n; j++) e.w[i][j] = (double)*w++;
    }
    return e;
}
#define RBM "shape=5 hidden=4"
#define DBM "shape=5 layers=3,2 centered=off"
#define BM "shape=5 hidden=3"
#define DBN "shape=5 layers=4,3"

static inline unsigned state_of(const float *x)
{
    unsigned v = 0;
    for (int i = 0; i < NV; i++) {
        ck_assert(x[i] == 0 || x[i] == 1);
        v |= (unsigned)x[i] << i;
    }
    return v;
}

/* p(v | units 0 and 1 are 1 and 0) */
static inline void given_two(double *p)
{
    double sum = 0;
    for (unsigned v = 0; v < 1u << NV; v++) sum += p[v] = (v & 3) == 1 ? p[v] : 0;
    for (unsigned v = 0; v < 1u << NV; v++) p[v] /= sum;
}

/* Chi-square of n rows against p, states of p = 0 never seen; the bound is passed by chance once in a million [Wilson & Hilferty]. */
static inline void fits_states(const gm_tensor *rows, const double *p, const char *what)
{
    enum { STATES = 1 << NV };
    double seen[STATES] = {0}, chi = 0, f = -1, bound;
    const double n = (double)rows->shape[0];
    for (int64_t i = 0; i < rows->shape[0]; i++) seen[state_of(gm__f32(rows) + i * NV)]++;
    for (int v = 0; v < STATES; v++) {
        ck_assert(p[v] > 0 || seen[v] == 0);
        if (p[v] > 0) chi += (seen[v] - n * p[v]) * (seen[v] - n * p[v]) / (n * p[v]), f++;
    }
    bound = f * pow(1 - 2 / (9 * f) + 4.753 * sqrt(2 / (9 * f)), 3);
    ck_assert_msg(chi < bound, "%s: chi-square %g, bound %g", what, chi, bound);
}

#endif
