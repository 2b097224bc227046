/* exact.c - sums over all states of the units that are free.
 *
 * States are walked in the order of a Gray code: one unit turns at a time, so -E changes by what that unit receives. */
#include "models/bm/bm.h"
#include "models/boltzmann.h"

typedef struct walk {
    size_t n, from;              /* units from.. are free, those before are held at x */
    const float *w, *b;          /* [n, n] */
    double *x, *in;              /* [n]; in: of the free units */
    double minus_energy;         /* at the present state */
    uint64_t at;                 /* states seen before it */
} walk;

/* The first state: all free units off. */
static void walk_start(walk *k)
{
    k->at = 0, k->minus_energy = 0;
    for (size_t i = k->from; i < k->n; i++) k->x[i] = 0, k->in[i] = (double)k->b[i];
    for (size_t i = 0; i < k->from; i++) {
        const float *w = k->w + i * k->n;
        double in = (double)k->b[i];
        if (k->x[i] == 0) continue;
        for (size_t j = 0; j < i; j++) in += (double)w[j] * k->x[j];
        k->minus_energy += in * k->x[i];
        for (size_t j = k->from; j < k->n; j++) k->in[j] += (double)w[j] * k->x[i];
    }
}

static bool walk_next(walk *k)
{
    size_t i = k->from;
    for (uint64_t bits = ++k->at; !(bits & 1); bits >>= 1) i++;
    if (i >= k->n) return false;
    const float *w = k->w + i * k->n;
    double turn = k->x[i] == 0 ? 1 : -1;
    k->minus_energy += turn * k->in[i];
    k->x[i] += turn;
    for (size_t j = k->from; j < k->n; j++) k->in[j] += turn * (double)w[j];
    return true;
}

/* log sum of exp(-E/T) over the free units */
static double walk_sum(walk *k, double temperature)
{
    gm__log_sum s = gm__log_nothing();
    walk_start(k);
    do gm__log_add(&s, k->minus_energy / temperature);
    while (walk_next(k));
    return gm__log_value(&s);
}

/* ---- Z ------------------------------------------------------------------------------------ */

enum { FREE = 14 };              /* units free in a part of the sum */

typedef struct parts {
    const gm__bm *m;
    const float *w;
    double temperature, *sum;    /* sum: [parts] */
} parts;

/* The units before the free ones hold the bits of the part's number. */
static void one_part(void *arg, size_t part, size_t worker)
{
    const parts *p = arg;
    double x[GM__BM_UNITS], in[GM__BM_UNITS];
    size_t n = (size_t)p->m->n, from = n > FREE ? n - FREE : 0;
    walk k = {.n = n, .from = from, .w = p->w, .b = gm__f32(p->m->b), .x = x, .in = in};
    GM__UNUSED(worker);
    for (size_t i = 0; i < from; i++) x[i] = (double)(part >> i & 1);
    p->sum[part] = walk_sum(&k, p->temperature);
}

gm_status gm__bm_log_z(gm_ctx *ctx, const gm__bm *m, double temperature, double *out)
{
    gm_tape *t = NULL;
    if (m->n > GM__BM_UNITS)
        return gm__fail_ctx(ctx, GM_ELIMIT, "bm: the states of %lld units cannot be enumerated (at most %d units)", (long long)m->n, GM__BM_UNITS);
    GM__TRY(gm__check_cancel(ctx));
    GM__TRY(gm__use_tape(ctx, &t));
    const size_t n = (size_t)1 << (m->n > FREE ? m->n - FREE : 0);
    double *sum = gm__alloc(ctx, n, sizeof *sum);
    gm_tensor *w = gm__bm_matrix(m, t);
    gm_status s = !sum ? GM_ENOMEM : w ? GM_OK : gm__tape_failed(ctx, t);
    if (!s) {
        gm__log_sum all = gm__log_nothing();
        gm__parallel(ctx, n, one_part, &(parts){.m = m, .w = gm__f32(w), .temperature = temperature, .sum = sum});
        for (size_t i = 0; i < n; i++) gm__log_add(&all, sum[i]);
        *out = gm__log_value(&all);
    }
    gm__free(ctx, sum);
    gm_tape_free(t);
    return s;
}

gm_status gm__bm_log_z_kept(gm_ctx *ctx, gm__bm *m, double *out)
{
    uint64_t of = gm__crc64(gm__crc64(1, m->w->data, (size_t)m->pairs * sizeof(float)), m->b->data, (size_t)m->n * sizeof(float)) | 1;
    if (of != m->log_z_of) GM__TRY(gm__bm_log_z(ctx, m, 1, &m->log_z));
    m->log_z_of = of;
    *out = m->log_z;
    return GM_OK;
}

/* ---- rows: visible units held, hidden ones free ----------------------------------------------- */

typedef struct rows {
    const gm__bm *m;
    const float *w, *v, *settled; /* v: [N, nv]; settled: [N, n], means of the hidden units by mean field; NULL: enumerated */
    double *room;                 /* [N, 2n] */
    float *free_energy, *means;   /* [N]; [N, n]; what is asked for */
    double temperature;
} rows;

static walk walk_row(const rows *r, size_t row)
{
    size_t n = (size_t)r->m->n, nv = (size_t)r->m->nv;
    walk k = {.n = n, .from = nv, .w = r->w, .b = gm__f32(r->m->b), .x = r->room + row * 2 * n, .in = r->room + row * 2 * n + n};
    for (size_t i = 0; i < nv; i++) k.x[i] = (double)r->v[row * nv + i];
    return k;
}

static void enumerate_row(void *arg, size_t row, size_t worker)
{
    const rows *r = arg;
    const size_t n = (size_t)r->m->n;
    walk k = walk_row(r, row);
    double all = walk_sum(&k, r->temperature);
    GM__UNUSED(worker);
    if (r->free_energy) r->free_energy[row] = (float)-all;
    if (!r->means) return;
    float *mean = r->means + row * n;
    for (size_t i = 0; i < n; i++) mean[i] = i < k.from ? (float)k.x[i] : 0;
    walk_start(&k);
    do {
        float p = (float)exp(k.minus_energy / r->temperature - all);
        for (size_t i = k.from; i < n; i++) mean[i] += k.x[i] > 0 ? p : 0;
    } while (walk_next(&k));
}

static double entropy(double p) { return p > 0 && p < 1 ? -p * log(p) - (1 - p) * log1p(-p) : 0; }

/* <E>/T less the entropy, for hidden units that are independent */
static void settled_row(void *arg, size_t row, size_t worker)
{
    const rows *r = arg;
    const size_t n = (size_t)r->m->n;
    walk k = walk_row(r, row);
    double h = 0;
    GM__UNUSED(worker);
    k.from = n;
    for (size_t i = (size_t)r->m->nv; i < n; i++) h += entropy(k.x[i] = (double)r->settled[row * n + i]);
    walk_start(&k);
    r->free_energy[row] = (float)(-k.minus_energy / r->temperature - h);
}

/* [N, n]: v and the means that mean field finds from 1/2 */
static gm_tensor *settle(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *v, double temperature)
{
    gm_tensor *x = v ? gm__bm_join(t, v, m->nh ? gm_full(t, GM_F32, 2, (int64_t[]){v->shape[0], m->nh}, 0.5) : NULL) : NULL;
    return gm__bm_settle(m, t, w, x, temperature) ? NULL : x;
}

gm_tensor *gm__bm_free_energy(const gm__bm *m, gm_tape *t, gm_tensor *v, double temperature)
{
    gm_tensor *w = gm__bm_matrix(m, t), *room = v ? gm__tape_tensor(t, GM_F64, 2, (int64_t[]){v->shape[0], 2 * m->n}) : NULL;
    gm_tensor *f = room ? gm__tape_tensor(t, GM_F32, 1, v->shape) : NULL;
    gm_tensor *settled = m->nh > GM__BM_HIDDEN ? settle(m, t, w, v, temperature) : NULL;
    if (!f || gm_tape_status(t)) return NULL;
    rows r = {.m = m, .w = gm__f32(w), .v = gm__f32(v), .settled = settled ? gm__f32(settled) : NULL, .room = gm__f64(room), .free_energy = gm__f32(f),
              .temperature = temperature};
    gm__parallel(t->ctx, (size_t)v->shape[0], settled ? settled_row : enumerate_row, &r);
    return f;
}

gm_tensor *gm__bm_hidden_means(const gm__bm *m, gm_tape *t, gm_tensor *v)
{
    gm_tensor *w = gm__bm_matrix(m, t);
    if (m->nh > GM__BM_HIDDEN) return settle(m, t, w, v, 1);
    gm_tensor *room = v ? gm__tape_tensor(t, GM_F64, 2, (int64_t[]){v->shape[0], 2 * m->n}) : NULL;
    gm_tensor *mean = room ? gm__tape_tensor(t, GM_F32, 2, (int64_t[]){v->shape[0], m->n}) : NULL;
    if (!mean || gm_tape_status(t)) return NULL;
    gm__parallel(t->ctx, (size_t)v->shape[0], enumerate_row,
                 &(rows){.m = m, .w = gm__f32(w), .v = gm__f32(v), .room = gm__f64(room), .means = gm__f32(mean), .temperature = 1});
    return mean;
}

/* ---- moments --------------------------------------------------------------------------------- */

/* Adds p x_i x_j of the pairs, then p x_i, at the walk's state. */
static void add_moments(const walk *k, double p, double *sum)
{
    double *pair = sum, *one = sum + k->n * (k->n - 1) / 2;
    for (size_t i = 0; i < k->n; i++) {
        double px = p * k->x[i];
        one[i] += px;
        for (size_t j = i + 1; px != 0 && j < k->n; j++) pair[j - i - 1] += px * k->x[j];
        pair += k->n - 1 - i;
    }
}

gm_tensor *gm__bm_exact_moments(const gm__bm *m, gm_tape *t, gm_tensor *v)
{
    const size_t n = v ? (size_t)v->shape[0] : 1, size = (size_t)(m->pairs + m->n);
    gm_tensor *w = gm__bm_matrix(m, t), *room = gm__tape_tensor(t, GM_F64, 1, &(int64_t){2 * m->n});
    gm_tensor *sum = gm_zeros(t, GM_F64, 1, &(int64_t){m->pairs + m->n}), *out = gm__tape_tensor(t, GM_F32, 1, &(int64_t){m->pairs + m->n});
    if (gm_tape_status(t)) return NULL;
    walk k = {.n = (size_t)m->n, .from = v ? (size_t)m->nv : 0, .w = gm__f32(w), .b = gm__f32(m->b), .x = gm__f64(room)};
    k.in = k.x + k.n;
    for (size_t row = 0; row < n; row++) {
        for (size_t i = 0; i < k.from; i++) k.x[i] = (double)gm__f32(v)[row * k.from + i];
        double all = walk_sum(&k, 1);
        walk_start(&k);
        do add_moments(&k, exp(k.minus_energy - all) / (double)n, gm__f64(sum));
        while (walk_next(&k));
    }
    for (size_t i = 0; i < size; i++) gm__f32(out)[i] = (float)gm__f64(sum)[i];
    return out;
}
