/* log_z.c - the partition function: enumerated, or estimated by annealed importance sampling.
 *
 * Of one machine, or of several on one another whose units in between are hidden units of one machine and visible units of
 * the next. Layers that are no neighbours are independent given the others, so every second layer sums up in closed form,
 *     log p*(x) = sum_kept b x + sum_summed softplus(b + W x),
 * all in the plain biases of energy.c. Enumeration runs over the states of the layers that are kept. AIS [Neal 2001; Salakhutdinov
 * & Murray 2008; Salakhutdinov & Hinton 2009] goes from independent units of biases b0 (beta = 0) to the model (beta = 1)
 * through the energies with biases (1-beta) b0 + beta b and weights beta W, or back, starting at states of the model: chains of
 * their own find only the modes that noise leads to, and then both ways agree on a Z that is too small; started at data they weigh
 * the modes that the data have. Gaussian visible units keep (v-b)^2 / 2s^2 at every beta: at 0 they are independent normals. */
#include "models/boltzmann.h"
#include "models/rbm/rbm.h"
#include <string.h>

enum { MOST_HIDDEN = 24, BLOCK = 1024, SETTLE = 1000, FROM_DATA = 100 /* Gibbs steps to states of the model, from noise and from data */,
       TRIAL = 200 /* steps whose second half tells the means of units */, LAYERS = GM__RBM_STACK + 1 };

typedef struct stack { /* the machines with their centring taken out */
    gm_ctx *ctx;
    const char *owner;
    size_t n, labels;         /* layers of units, from the visible ones; labels: the last units of the lowest are a group */
    bool one_of;              /* the topmost layer is a group: exactly one of its units is on */
    size_t units[LAYERS];
    const float *w[LAYERS];   /* [units[i], units[i+1]] */
    const gm__rbm *low;       /* the lowest machine: of what kind the visible units are */
    float *bias[LAYERS], *room;
} stack;

static void take_out_centring(stack *p, const gm__rbm *r, size_t i)
{
    float *b = p->bias[i], *c = p->bias[i + 1];
    for (size_t v = 0; r->mu && v < p->units[i]; v++)
        for (size_t h = 0; h < p->units[i + 1]; h++) {
            b[v] -= p->w[i][v * p->units[i + 1] + h] * gm__f32(r->lambda)[h];
            c[h] -= p->w[i][v * p->units[i + 1] + h] * gm__f32(r->mu)[v];
        }
}

static gm_status stack_of(gm_ctx *ctx, const gm__rbm *r, size_t machines, stack *p)
{
    *p = (stack){.ctx = ctx, .owner = r->owner, .n = machines + 1, .labels = (size_t)r->labels, .one_of = r[machines - 1].one_of, .low = p->low};
    size_t all = 0;
    for (size_t i = 0; i < p->n; i++) {
        p->units[i] = (size_t)(i ? r[i - 1].nh : r->nv);
        if (i < machines) p->w[i] = gm__f32(r[i].w);
        all += p->units[i];
    }
    p->room = gm__alloc(ctx, all, sizeof *p->room);
    if (!p->room) return GM_ENOMEM;
    float *at = p->room;
    for (size_t i = 0; i < p->n; at += p->units[i++])
        p->bias[i] = memcpy(at, i ? r[i - 1].c->data : r->b->data, p->units[i] * sizeof *at);
    for (size_t j = 0; r->visible->has & GM__UNIT_COUNTS && j < p->units[1]; j++) p->bias[1][j] *= (float)p->low->how.length;
    for (size_t i = 0; i < machines; i++) take_out_centring(p, &r[i], i);
    return GM_OK;
}

static bool pack(const gm__kern *k, size_t rows, size_t n, const float *x, uint32_t *bits)
{
    for (size_t i = 0; i < rows; i++)
        if (!k->bits_rows_f32(n, x + i * n, bits + i * gm__bits_words(n))) return false;
    return true;
}

/* y = what layer i receives of its neighbours, one row for each row of x[]; ld: their rows' lengths, 0: as many as units.
 * bits: room for the states of a layer as bits, NULL: they are not looked at. */
static gm_status receive(const stack *p, size_t i, size_t rows, float *const x[], size_t ld, uint32_t *bits, float *y, const float *bias)
{
    for (int above = 0; above < 2; above++) {
        if (above ? i + 1 == p->n : i == 0) continue;
        const size_t from = above ? i + 1 : i - 1, width = p->units[above ? from : i]; /* of the rows of w */
        gm__gemm g = {.m = rows, .n = p->units[i], .k = p->units[from], .a = x[from], .ars = (ptrdiff_t)(ld ? ld : p->units[from]), .acs = 1, .b = p->w[above ? i : from],
                      .brs = above ? 1 : (ptrdiff_t)width, .bcs = above ? (ptrdiff_t)width : 1, .c = y, .ldc = p->units[i], .bias = above && i > 0 ? NULL : bias, .add = above && i > 0};
        if (bits && pack(p->ctx->kern, rows, g.k, x[from], bits)) {
            gm__bits q = {.m = rows, .n = g.n, .k = g.k, .a = bits, .ars = (ptrdiff_t)gm__bits_words(g.k), .aws = 1, .b = g.b, .brs = g.brs, .bcs = g.bcs,
                          .bias = g.bias, .c = y, .ldc = g.ldc, .add = g.add};
            GM__TRY(gm__bits_product(p->ctx, &q));
            continue;
        }
        GM__TRY(gm__gemm_f32(p->ctx, &g));
    }
    return GM_OK;
}

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

/* log of the mean of exp(x), and its standard error */
static double log_mean_exp(const double *x, size_t n, double *error)
{
    double top = -INFINITY, sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) top = x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++) {
        double e = exp(x[i] - top);
        sum += e, squares += e * e;
    }
    double mean = sum / (double)n, var = n > 1 ? (squares / (double)n - mean * mean) * (double)n / (double)(n - 1) : 0;
    if (error) *error = sqrt(fmax(var, 0) / (double)n) / mean;
    return top + log(mean);
}

/* ---- enumeration -------------------------------------------------------------------- */

/* log sum over the states of layer i, which receives x beside its biases */
static double summed(const stack *p, size_t i, const float *x)
{
    const float *b = p->bias[i];
    const size_t one = p->units[0] - p->labels; /* where the labels begin, of which exactly one is on */
    double sum = 0;
    if (!i) return p->low->visible->log_states(p->low, b, x) + (p->labels ? gm__unit_one_log_states(b + one, x + one, (int64_t)p->labels) : 0);
    if (p->one_of && i + 1 == p->n) return gm__unit_one_log_states(b, x, (int64_t)p->units[i]);
    for (size_t k = 0; k < p->units[i]; k++) sum += softplus((double)b[k] + (double)x[k]);
    return sum;
}

static size_t units_of(const stack *p, size_t first)
{
    size_t n = 0;
    for (size_t i = first; i < p->n; i += 2) n += p->units[i];
    return n;
}

typedef struct listing { /* states of every second layer, a block at a time */
    const stack *p;
    size_t first, width, block;
    float *x[LAYERS], *in;   /* layers as columns of one matrix [block, width] */
    double *term;            /* [block] */
    gm__log_sum sum;
} listing;

static gm_status list_block(listing *a, size_t from)
{
    const stack *p = a->p;
    for (size_t k = 0; k < a->block; k++) {
        a->term[k] = 0;
        for (size_t j = 0; j < a->width; j++) a->x[a->first][k * a->width + j] = (float)((from + k) >> j & 1);
        for (size_t i = a->first; i < p->n; i += 2)
            for (size_t j = 0; j < p->units[i]; j++) a->term[k] += (double)(a->x[i][k * a->width + j] * p->bias[i][j]);
    }
    for (size_t i = 1 - a->first; i < p->n; i += 2) {
        GM__TRY(receive(p, i, a->block, a->x, a->width, NULL, a->in, NULL));
        for (size_t k = 0; k < a->block; k++) a->term[k] += summed(p, i, a->in + k * p->units[i]);
    }
    for (size_t k = 0; k < a->block; k++) gm__log_add(&a->sum, a->term[k]);
    return GM_OK;
}

/* Do all units of layers first, first + 2, .. turn on and off freely? */
static bool can_list(const stack *p, size_t first)
{
    if (p->one_of && p->n % 2 != first) return false;
    return first > 0 || !(p->low->how.units || p->labels);
}

static gm_status exact(const stack *p, double *log_z)
{
    listing a = {.p = p, .first = 1, .width = units_of(p, 1), .sum = gm__log_nothing()};
    if (p->n > 2 && can_list(p, 0) && (!can_list(p, 1) || units_of(p, 0) < a.width)) a.first = 0, a.width = units_of(p, 0);
    if (!can_list(p, a.first)) return gm__fail_ctx(p->ctx, GM_EUNSUPPORTED, "%s: the states of gaussian and label units cannot be enumerated", p->owner);
    if (a.width > MOST_HIDDEN)
        return gm__fail_ctx(p->ctx, GM_ELIMIT, "%s: %zu hidden units cannot be enumerated (at most %d): use ais", p->owner, a.width, MOST_HIDDEN);
    const size_t states = (size_t)1 << a.width;
    size_t most = 0;
    for (size_t i = 1 - a.first; i < p->n; i += 2) most = p->units[i] > most ? p->units[i] : most;
    a.block = states < BLOCK ? states : BLOCK;
    float *x = gm__alloc(p->ctx, a.block * (a.width + most), sizeof *x), *at = x;
    a.term = gm__alloc(p->ctx, a.block, sizeof *a.term);
    gm_status s = x && a.term ? GM_OK : GM_ENOMEM;
    for (size_t i = a.first; !s && i < p->n; i += 2) a.x[i] = at, at += p->units[i];
    if (!s) a.in = x + a.block * a.width;
    for (size_t from = 0; !s && from < states; from += a.block)
        if (!(s = gm__check_cancel(p->ctx))) s = list_block(&a, from);
    gm__free(p->ctx, x);
    gm__free(p->ctx, a.term);
    *log_z = gm__log_value(&a.sum);
    return s;
}

/* ---- annealing ------------------------------------------------------------------------- */

typedef struct chains {
    const stack *p;
    size_t n, kept, step;   /* kept: the layers kept, .., kept + 2, ..; step: counts the draws, a block of the streams each */
    uint64_t seed;
    float *base[LAYERS];    /* biases b0 */
    float *x[LAYERS], *in[LAYERS]; /* states and what they receive: [n, units] */
    uint32_t *bits;         /* room for the states of a layer */
    float *std, *precision; /* gaussian visible units: s and 1/s^2; their states are kept as v/s^2, which is what products see; else NULL */
    double *weight;         /* [n]: log of the importance weights */
    double beta, to;
} chains;

/* y = what units receive at beta, given what they do at 0 and at 1 */
static void at_beta(double beta, size_t n, const float *base, const float *in, float *y)
{
    const float to = (float)beta, from = (float)(1 - beta);
    for (size_t j = 0; j < n; j++) y[j] = from * base[j] + to * in[j];
}

/* v/s^2 of v ~ N(mean, s^2), where what is received is the mean */
static void draw_gaussian(const chains *a, gm__stream s, size_t row, float *y)
{
    const size_t n = a->p->units[0];
    const float *in = a->in[0] + row * n, to = (float)a->to;
    a->p->ctx->kern->normal_f32(s, n, y);
    for (size_t j = 0; j < n; j++) y[j] = a->precision[j] * ((1 - to) * a->base[0][j] + to * in[j] + a->std[j] * y[j]);
}

/* 1 with probability sigmoid of what is received, else 0; each row, layer and step has numbers of its own */
static void draw_row(chains *a, size_t i, size_t row)
{
    const size_t n = a->p->units[i];
    float *y = a->x[i] + row * n;
    gm__stream s = gm__stream_make(a->seed, GM__R_EVAL, (uint32_t)i + 1, row);
    s.ctr[0] = (uint32_t)(a->step * ((n + 3) / 4));
    if (i == 0 && a->std) {
        draw_gaussian(a, s, row, y);
        return;
    }
    at_beta(a->to, n, a->base[i], a->in[i] + row * n, y);
    a->p->ctx->kern->bernoulli_logits_f32(s, n, y, y);
}
static void draw_summed(void *arg, size_t row, size_t worker)
{
    chains *a = arg;
    GM__UNUSED(worker);
    for (size_t i = 1 - a->kept; i < a->p->n; i += 2) draw_row(a, i, row);
}
static void draw_kept(void *arg, size_t row, size_t worker)
{
    chains *a = arg;
    GM__UNUSED(worker);
    for (size_t i = a->kept; i < a->p->n; i += 2) draw_row(a, i, row);
}
static gm_status hear(const chains *a, size_t first)
{
    for (size_t i = first; i < a->p->n; i += 2) GM__TRY(receive(a->p, i, a->n, a->x, 0, a->bits, a->in[i], a->p->bias[i]));
    return GM_OK;
}

/* sum of softplus at beta `to` - softplus at `from` */
static double softplus_gap(const chains *a, size_t i, size_t n, const float *in)
{
    enum { PART = 256 };
    float y[2 * PART];
    const gm__kern *k = a->p->ctx->kern;
    double sum = 0;
    for (size_t at = 0, m; at < n; at += m) {
        m = n - at < PART ? n - at : PART;
        at_beta(a->to, m, a->base[i] + at, in + at, y);
        at_beta(a->beta, m, a->base[i] + at, in + at, y + m);
        k->unary_f32[GM__U_SOFTPLUS](2 * m, y, y, NULL);
        sum += (double)k->sum_f32(m, y) - (double)k->sum_f32(m, y + m);
    }
    return sum;
}

/* log p*(x) at beta `to` less that at `beta`, added to the weight of each row */
static void weigh_rows(void *arg, size_t row, size_t worker)
{
    chains *a = arg;
    const stack *p = a->p;
    double sum = 0;
    GM__UNUSED(worker);
    for (size_t i = a->kept; i < p->n; i += 2)
        for (size_t j = 0; j < p->units[i]; j++) sum += (double)(a->x[i][row * p->units[i] + j] * (p->bias[i][j] - a->base[i][j]));
    sum *= a->to - a->beta;
    for (size_t i = 1 - a->kept; i < p->n; i += 2) sum += softplus_gap(a, i, p->units[i], a->in[i] + row * p->units[i]);
    a->weight[row] += sum;
}

static gm_status gibbs(chains *a)
{
    a->step++;
    gm__parallel(a->p->ctx, a->n, draw_summed, a);
    GM__TRY(hear(a, a->kept));
    gm__parallel(a->p->ctx, a->n, draw_kept, a);
    return hear(a, 1 - a->kept);
}

/* Temperatures as in the paper's 500 : 4,000 : 10,000 over [0,.5], [.5,.9], [.9,1]. */
static double beta_at(int32_t k, int32_t n)
{
    double x = (double)k / n, a = 500.0 / 14500, b = 4500.0 / 14500;
    return x < a ? 0.5 * x / a : x < b ? 0.5 + 0.4 * (x - a) / (b - a) : 0.9 + 0.1 * (x - b) / (1 - b);
}

static gm_status anneal(chains *a, const gm__z_cfg *c, bool back)
{
    for (int32_t i = 1; i <= c->temperatures; i++) {
        if (i % 16 == 0) GM__TRY(gm__check_cancel(a->p->ctx));
        int32_t from = back ? c->temperatures - i + 1 : i - 1, to = back ? from - 1 : i;
        a->beta = beta_at(from, c->temperatures);
        a->to = beta_at(to, c->temperatures);
        gm__parallel(a->p->ctx, a->n, weigh_rows, a);
        if (i < c->temperatures) GM__TRY(gibbs(a));
    }
    return GM_OK;
}

/* Independent units of the base biases, or rows of data in place of the visible ones. */
static gm_status scatter(chains *a, const gm_tensor *data)
{
    const stack *p = a->p;
    a->to = 0;
    a->step = 0;
    for (size_t i = 0; i < p->n; i++) memset(a->in[i], 0, a->n * p->units[i] * sizeof(float));
    gm__parallel(p->ctx, a->n, draw_kept, a);
    if (a->kept > 0) gm__parallel(p->ctx, a->n, draw_summed, a);
    for (size_t k = 0; data && k < a->n; k++)
        memcpy(a->x[0] + k * p->units[0], gm__f32(data) + k % (size_t)data->shape[0] * p->units[0], p->units[0] * sizeof(float));
    for (size_t k = 0; data && a->std && k < a->n * p->units[0]; k++) a->x[0][k] *= a->precision[k % p->units[0]];
    if (data && a->kept > 0) { /* the layers kept follow the data */
        GM__TRY(hear(a, a->kept));
        a->to = 1;
        gm__parallel(p->ctx, a->n, draw_kept, a);
    }
    return hear(a, 1 - a->kept);
}

static gm_status settle(chains *a, int steps)
{
    a->to = 1;
    for (int i = 0; i < steps; i++) {
        GM__TRY(gibbs(a));
        if (i % 16 == 0) GM__TRY(gm__check_cancel(a->p->ctx));
    }
    return GM_OK;
}

/* Base biases under which units have the means that they have in a trial run of the model. */
static gm_status find_base(chains *a)
{
    const stack *p = a->p;
    const double count = (double)a->n * (TRIAL / 2);
    GM__TRY(scatter(a, NULL));
    GM__TRY(settle(a, TRIAL / 2));
    for (size_t i = 0; i < p->n; i++) memset(a->base[i], 0, p->units[i] * sizeof(float)); /* of no matter at beta = 1: the counts */
    for (int k = 0; k < TRIAL / 2; k++) {
        GM__TRY(settle(a, 1));
        for (size_t i = 0; i < p->n; i++)
            for (size_t j = 0; j < a->n * p->units[i]; j++) a->base[i][j % p->units[i]] += a->x[i][j];
    }
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < p->units[i]; j++) {
            double mean = ((double)a->base[i][j] + 1) / (count + 2);
            a->base[i][j] = (float)log(mean / (1 - mean));
        }
    return GM_OK;
}

static gm_status make_chains(chains *a)
{
    const stack *p = a->p;
    size_t all = 0;
    for (size_t i = 0; i < p->n; i++) all += p->units[i];
    a->bits = gm__alloc(p->ctx, a->n * gm__bits_words(all), sizeof *a->bits);
    a->base[0] = gm__alloc(p->ctx, all * (1 + 2 * a->n), sizeof(float));
    a->weight = gm__calloc(p->ctx, a->n, sizeof *a->weight);
    if (!a->bits || !a->base[0] || !a->weight) return GM_ENOMEM;
    float *at = a->base[0];
    for (size_t i = 0; i < p->n; at += p->units[i++]) a->base[i] = at;
    for (size_t i = 0; i < p->n; at += 2 * a->n * p->units[i++]) a->x[i] = at, a->in[i] = at + a->n * p->units[i];
    memcpy(a->base[0], p->bias[0], p->units[0] * sizeof(float)); /* one machine: independent visible units of its biases */
    for (size_t i = 1; i < p->n; i++) memset(a->base[i], 0, p->units[i] * sizeof(float));
    return GM_OK;
}

static bool gaussian(const stack *p) { return p->low->visible == &gm__visible_units[GM_UNITS_GAUSSIAN]; }

static gm_status make_spread(chains *a)
{
    const size_t n = a->p->units[0];
    a->std = gm__alloc(a->p->ctx, 2 * n, sizeof *a->std);
    a->precision = a->std ? a->std + n : NULL;
    for (size_t j = 0; a->std && j < n; j++) {
        const double log_var = (double)gm__f32(a->p->low->log_var)[j];
        a->std[j] = (float)exp(log_var / 2), a->precision[j] = (float)exp(-log_var);
    }
    return a->std ? GM_OK : GM_ENOMEM;
}

/* log of the sum over the states of layer i at beta = 0 */
static double log_base(const chains *a, size_t i)
{
    double sum = 0;
    for (size_t j = 0; j < a->p->units[i]; j++)
        sum += i == 0 && a->std ? 0.5 * (log(6.28318530717958647692) + (double)gm__f32(a->p->low->log_var)[j]) : softplus((double)a->base[i][j]);
    return sum;
}

static gm_status estimate(const stack *p, const gm__z_cfg *c, double *log_z, double *error)
{
    chains a = {.p = p, .n = (size_t)c->chains, .kept = p->n > 2, .seed = c->seed}; /* of a machine the visible units, of several the hidden ones above them */
    const bool back = c->method == GM__Z_REVERSE;
    const bool known = !p->low->how.units || (gaussian(p) && p->n == 2); /* kinds of visible units */
    if (!known || p->labels || p->one_of)
        return gm__fail_ctx(p->ctx, GM_EUNSUPPORTED, "%s: ais is for bernoulli units, or gaussian ones below one hidden layer, without labels", p->owner);
    gm_status s = make_chains(&a);
    if (!s && gaussian(p)) s = make_spread(&a);
    if (!s && p->n > 2) s = find_base(&a);
    if (!s) s = scatter(&a, back ? c->data : NULL);
    if (!s && back) s = settle(&a, c->data ? FROM_DATA : SETTLE);
    if (!s) s = anneal(&a, c, back);
    if (!s) {
        double base = 0, gain = log_mean_exp(a.weight, a.n, error);
        for (size_t i = 0; i < p->n; i++) base += log_base(&a, i);
        *log_z = back ? base - gain : base + gain;
    }
    gm__free(p->ctx, a.bits);
    gm__free(p->ctx, a.base[0]);
    gm__free(p->ctx, a.weight);
    gm__free(p->ctx, a.std);
    return s;
}

gm_status gm__rbm_log_z(gm_ctx *ctx, const gm__rbm *r, size_t machines, const gm__z_cfg *c, double *log_z, double *error)
{
    stack p;
    double ignored;
    *log_z = NAN;
    if (!error) error = &ignored;
    *error = 0;
    if (!(r->visible->has & GM__UNIT_F)) return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "%s: %s units have no energy, so no Z", r->owner, r->visible->name);
    if (!r->hidden->states) return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "%s: Z is found for bernoulli hidden units, these are %s", r->owner, r->hidden->name);
    gm__rbm low = *r;
    if (c->length > 0) low.how.length = c->length;
    p.low = &low;
    GM__TRY(stack_of(ctx, r, machines, &p));
    gm_status s = c->method == GM__Z_EXACT ? exact(&p, log_z) : estimate(&p, c, log_z, error);
    gm__free(p.ctx, p.room);
    if (!s && !isfinite(*log_z)) s = gm__fail_ctx(p.ctx, GM_ENONFINITE, "%s: log Z is %g: the weights are too large", r->owner, *log_z);
    return s;
}
