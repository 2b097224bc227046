/* machine.c - states, energies and sweeps.
 *
 * Every unit depends on all others, so a sweep takes the units of a row one by one; rows go in parallel. What the units
 * of a row receive is kept up with each unit that turns, and is summed row by row: no row sees another. */
#include "models/bm/bm.h"
#include <math.h>
#include <string.h>

gm_tensor *gm__bm_rows(gm_tape *t, gm_tensor *x, int64_t units, bool check)
{
    if (!x) return NULL;
    gm_tensor *c = gm__tape_contiguous(t, gm_reshape(t, x, 2, (int64_t[]){x->shape[0], units}));
    for (int64_t i = 0; check && c && i < c->size; i++)
        if (!(gm__f32(c)[i] >= 0 && gm__f32(c)[i] <= 1))
            return gm__tape_fail(t, GM_EARG, "bm: units want numbers in [0,1], found %g in row %lld", (double)gm__f32(c)[i], (long long)(i / units));
    return c;
}

gm_tensor *gm__bm_matrix(const gm__bm *m, gm_tape *t)
{
    gm_tensor *full = gm_zeros(t, GM_F32, 2, (int64_t[]){m->n, m->n});
    const float *w = gm__f32(m->w);
    for (int64_t i = 0; full && i < m->n; i++)
        for (int64_t j = i + 1; j < m->n; j++) gm__f32(full)[i * m->n + j] = gm__f32(full)[j * m->n + i] = *w++;
    return full;
}

gm_tensor *gm__bm_noise(gm_tape *t, int64_t rows, int64_t units)
{
    return gm_bernoulli(t, gm_full(t, GM_F32, 2, (int64_t[]){rows, units}, 0.5));
}

gm_tensor *gm__bm_join(gm_tape *t, gm_tensor *v, gm_tensor *h)
{
    return h ? gm_concat(t, (gm_tensor *[]){v, h}, 2, 1) : v;
}

/* ---- sweeps ----------------------------------------------------------------------------- */

enum { SETTLES_IN = 50 };          /* mean field: at most so many sweeps .. */
static const float SETTLED = 1e-5f; /* .. until no mean moves by more */

typedef struct sweep {
    const float *w, *b, *u;        /* u: [N, n] uniforms; NULL: mean field */
    const uint8_t *held;           /* [n] or [N, n] or NULL */
    float *x, *in;                 /* [N, n] */
    size_t n, from, held_row;
    double temperature;
} sweep;

static void add_times(size_t n, float a, const float *w, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] += a * w[i];
}

/* p(x = 1) of a unit that receives `in`; at temperature 0 the likelier state, 0 if there is none */
static double likely(double in, double temperature)
{
    if (temperature <= 0) return in > 0;
    return 1 / (1 + exp(-in / temperature));
}

static float once(const sweep *s, float *x, float *in, const float *u, const uint8_t *held)
{
    float most = 0;
    for (size_t i = s->from; i < s->n; i++) {
        if (held && held[i]) continue;
        double p = likely((double)in[i], s->temperature);
        float y = u ? (float)((double)u[i] < p) : (float)p, change = y - x[i];
        if (change == 0) continue;
        add_times(s->n, change, s->w + i * s->n, in);
        x[i] = y;
        most = fmaxf(most, fabsf(change));
    }
    return most;
}

static void sweep_row(void *arg, size_t row, size_t worker)
{
    const sweep *s = arg;
    float *x = s->x + row * s->n, *in = s->in + row * s->n;
    GM__UNUSED(worker);
    memcpy(in, s->b, s->n * sizeof *in);
    for (size_t j = 0; j < s->n; j++)
        if (x[j] != 0) add_times(s->n, x[j], s->w + j * s->n, in);
    if (s->u) once(s, x, in, s->u + row * s->n, s->held ? s->held + row * s->held_row : NULL);
    for (int k = 0; !s->u && k < SETTLES_IN; k++)
        if (once(s, x, in, NULL, NULL) <= SETTLED) break;
}

static gm_status run(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *x, sweep *s)
{
    gm_tensor *in = x ? gm__tape_tensor(t, GM_F32, 2, x->shape) : NULL;
    if (!in || !w || gm_tape_status(t)) return gm_tape_status(t);
    s->w = gm__f32(w), s->b = gm__f32(m->b), s->x = gm__f32(x), s->in = gm__f32(in), s->n = (size_t)m->n;
    gm__parallel(t->ctx, (size_t)x->shape[0], sweep_row, s);
    return GM_OK;
}

gm_status gm__bm_sweep(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *x, int64_t from, const gm_tensor *held, double temperature)
{
    const uint64_t frame = gm_tape_push(t); /* the memory of a sweep is given back after it */
    gm_tensor *u = x ? gm_uniform(t, 2, x->shape, 0, 1) : NULL;
    sweep s = {.u = u ? gm__f32(u) : NULL, .from = (size_t)from, .temperature = temperature};
    if (held) s.held = (const uint8_t *)held->data, s.held_row = held->size > m->n ? (size_t)m->n : 0;
    gm_status st = u ? run(m, t, w, x, &s) : gm_tape_status(t);
    gm_tape_pop(t, frame, NULL);
    return st;
}

gm_status gm__bm_settle(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *x, double temperature)
{
    sweep s = {.from = (size_t)m->nv, .temperature = temperature};
    return m->nh ? run(m, t, w, x, &s) : gm_tape_status(t);
}

/* ---- energies --------------------------------------------------------------------------- */

gm_tensor *gm__bm_inputs(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *x) { return gm_linear(t, x, w, m->b); }

/* x W counts each pair twice */
gm_tensor *gm__bm_energy(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *x)
{
    gm_tensor *each = gm_add(t, gm_affine(t, gm_matmul(t, x, w), 0.5, 0), m->b);
    return gm_neg(t, gm_sum(t, gm_mul(t, x, each), 1, 0));
}
