/* log_z.c - the partition function: enumerated, or estimated by annealed importance sampling.
 *
 * All in the plain biases b and c of energy.c. Enumeration runs over the hidden states, for each of which the
 * visibles sum up in closed form. AIS [Neal 2001; Salakhutdinov & Murray 2008] goes from independent visibles of
 * biases b0 (beta = 0) to the model (beta = 1) through
 *     log p*(v) = (1-beta) b0 v + beta b v + sum_j softplus(beta (c + v W)_j),
 * or back, starting at states of the model: chains of their own find only the modes that noise leads to, and then both ways
 * agree on a Z that is too small; started at data they weigh the modes that the data have. */
#include "models/boltzmann.h"
#include "models/rbm/rbm.h"
#include <string.h>

enum { MOST_HIDDEN = 24, BLOCK = 1024, SETTLE = 1000, FROM_DATA = 100 /* Gibbs steps to states of the model, from noise and from data */ };

typedef struct plain { /* the model with its centring taken out */
    gm_ctx *ctx;
    const char *owner;
    size_t v, h, labels;
    const float *w, *var; /* [v,h]; [v] variances or NULL */
    float *b, *c;
} plain;

static gm_status plain_of(gm_ctx *ctx, const gm__rbm *r, plain *p)
{
    *p = (plain){.ctx = ctx, .owner = r->owner, .v = (size_t)r->nv, .h = (size_t)r->nh, .labels = (size_t)r->labels, .w = gm__f32(r->w)};
    p->b = gm__alloc(ctx, 2 * p->v + p->h, sizeof *p->b);
    if (!p->b) return GM_ENOMEM;
    p->c = p->b + p->v;
    memcpy(p->b, r->b->data, p->v * sizeof *p->b);
    memcpy(p->c, r->c->data, p->h * sizeof *p->c);
    if (r->log_var) {
        float *var = p->c + p->h;
        for (size_t i = 0; i < p->v; i++) var[i] = expf(gm__f32(r->log_var)[i]);
        p->var = var;
    }
    for (size_t i = 0; r->mu && i < p->v; i++)
        for (size_t j = 0; j < p->h; j++) {
            p->b[i] -= p->w[i * p->h + j] * gm__f32(r->lambda)[j];
            p->c[j] -= p->w[i * p->h + j] * gm__f32(r->mu)[i];
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

/* log sum over v of exp(-E) at one hidden state, given x = W h: c h is added by the caller */
static double over_visibles(const plain *p, const float *x)
{
    gm__log_sum one = gm__log_nothing(); /* exactly one label is on */
    for (size_t i = p->v - p->labels; i < p->v; i++) gm__log_add(&one, (double)x[i] + (double)p->b[i]);
    double sum = p->labels ? gm__log_value(&one) : 0;
    for (size_t i = 0; i < p->v - p->labels; i++) {
        double in = (double)x[i], b = (double)p->b[i];
        if (p->var) sum += in * (b + in / 2) / (double)p->var[i] + 0.5 * log(6.28318530717958647692 * (double)p->var[i]);
        else sum += softplus(b + in);
    }
    return sum;
}

static gm_status exact(const plain *p, double *log_z)
{
    if (p->h > MOST_HIDDEN)
        return gm__fail_ctx(p->ctx, GM_ELIMIT, "%s: %zu hidden units cannot be enumerated (at most %d): use ais", p->owner, p->h, MOST_HIDDEN);
    const size_t states = (size_t)1 << p->h, block = states < BLOCK ? states : BLOCK;
    float *h = gm__alloc(p->ctx, block * (p->h + p->v), sizeof *h), *x = h + block * p->h;
    gm__log_sum sum = gm__log_nothing();
    gm_status s = h ? GM_OK : GM_ENOMEM;
    for (size_t first = 0; !s && first < states; first += block) {
        if ((s = gm__check_cancel(p->ctx))) break;
        for (size_t i = 0; i < block; i++)
            for (size_t j = 0; j < p->h; j++) h[i * p->h + j] = (float)((first + i) >> j & 1);
        gm__gemm g = {.m = block, .n = p->v, .k = p->h, .a = h, .ars = (ptrdiff_t)p->h, .acs = 1, .b = p->w, .brs = 1, .bcs = (ptrdiff_t)p->h, .c = x, .ldc = p->v};
        if ((s = gm__gemm_f32(p->ctx, &g))) break;
        for (size_t i = 0; i < block; i++) {
            double term = over_visibles(p, x + i * p->v);
            for (size_t j = 0; j < p->h; j++) term += (double)(h[i * p->h + j] * p->c[j]);
            gm__log_add(&sum, term);
        }
    }
    gm__free(p->ctx, h);
    *log_z = gm__log_value(&sum);
    return s;
}

/* ---- annealing ------------------------------------------------------------------------- */

typedef struct chains {
    const plain *p;
    size_t n, step;        /* step: counts the draws, a block of the streams each */
    uint64_t seed;
    float *b0;             /* [v] */
    float *v, *h, *in, *x; /* [n,v] [n,h] [n,h] [n,v] */
    double *weight;        /* [n]: log of the importance weights */
    double beta, to;
} chains;

static gm_status upward(const chains *a) /* in = c + v W */
{
    const plain *p = a->p;
    gm__gemm g = {.m = a->n, .n = p->h, .k = p->v, .a = a->v, .ars = (ptrdiff_t)p->v, .acs = 1, .b = p->w, .brs = (ptrdiff_t)p->h, .bcs = 1, .c = a->in, .ldc = p->h, .bias = p->c};
    return gm__gemm_f32(p->ctx, &g);
}
static gm_status downward(const chains *a) /* x = b + W h */
{
    const plain *p = a->p;
    gm__gemm g = {.m = a->n, .n = p->v, .k = p->h, .a = a->h, .ars = (ptrdiff_t)p->h, .acs = 1, .b = p->w, .brs = 1, .bcs = (ptrdiff_t)p->h, .c = a->x, .ldc = p->v, .bias = p->b};
    return gm__gemm_f32(p->ctx, &g);
}

/* y = 1 with probability sigmoid(x), else 0; each row and step has numbers of its own */
static void draw(const chains *a, size_t row, size_t n, float *y, bool hidden)
{
    gm__stream s = gm__stream_make(a->seed, GM__R_EVAL, hidden ? 2 : 1, row);
    s.ctr[0] = (uint32_t)(a->step * ((n + 3) / 4));
    a->p->ctx->kern->bernoulli_logits_f32(s, n, y, y);
}

/* sum of softplus(to x) - softplus(from x) */
static double softplus_gap(const gm__kern *k, size_t n, const float *x, double to, double from)
{
    enum { PART = 256 };
    float y[2 * PART], p[2] = {0, 0};
    double sum = 0;
    for (size_t at = 0, m; at < n; at += m) {
        m = n - at < PART ? n - at : PART;
        p[0] = (float)to;
        k->unary_f32[GM__U_AFFINE](m, y, x + at, p);
        p[0] = (float)from;
        k->unary_f32[GM__U_AFFINE](m, y + m, x + at, p);
        k->unary_f32[GM__U_SOFTPLUS](2 * m, y, y, p);
        sum += (double)k->sum_f32(m, y) - (double)k->sum_f32(m, y + m);
    }
    return sum;
}

/* log p*(v) at beta `to` less that at `beta`, added to the weight of each row; then h and v are drawn at `to`. */
static void weigh_rows(void *arg, size_t row, size_t worker)
{
    chains *a = arg;
    const plain *p = a->p;
    const float *v = a->v + row * p->v, *in = a->in + row * p->h;
    double sum = 0;
    GM__UNUSED(worker);
    for (size_t i = 0; i < p->v; i++) sum += (double)(v[i] * (p->b[i] - a->b0[i]));
    sum *= a->to - a->beta;
    sum += softplus_gap(p->ctx->kern, p->h, in, a->to, a->beta);
    a->weight[row] += sum;
}
static void draw_hidden(void *arg, size_t row, size_t worker)
{
    chains *a = arg;
    float *h = a->h + row * a->p->h;
    GM__UNUSED(worker);
    for (size_t j = 0; j < a->p->h; j++) h[j] = (float)a->to * a->in[row * a->p->h + j];
    draw(a, row, a->p->h, h, true);
}
static void draw_visible(void *arg, size_t row, size_t worker)
{
    chains *a = arg;
    float *v = a->v + row * a->p->v;
    const float to = (float)a->to;
    GM__UNUSED(worker);
    for (size_t i = 0; i < a->p->v; i++) v[i] = (1 - to) * a->b0[i] + to * a->x[row * a->p->v + i];
    draw(a, row, a->p->v, v, false);
}

static gm_status gibbs(chains *a)
{
    a->step++;
    gm__parallel(a->p->ctx, a->n, draw_hidden, a);
    GM__TRY(downward(a));
    gm__parallel(a->p->ctx, a->n, draw_visible, a);
    return upward(a);
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

static gm_status estimate(const plain *p, const gm__z_cfg *c, double *log_z, double *error)
{
    chains a = {.p = p, .n = (size_t)c->chains, .seed = c->seed};
    const bool back = c->method == GM__Z_REVERSE;
    if (p->var || p->labels) return gm__fail_ctx(p->ctx, GM_EUNSUPPORTED, "%s: ais is for bernoulli units without labels", p->owner);
    a.b0 = gm__alloc(p->ctx, p->v + a.n * 2 * (p->v + p->h), sizeof *a.b0);
    a.weight = gm__calloc(p->ctx, a.n, sizeof *a.weight);
    gm_status s = a.b0 && a.weight ? GM_OK : GM_ENOMEM;
    if (!s) {
        a.v = a.b0 + p->v;
        a.x = a.v + a.n * p->v;
        a.h = a.x + a.n * p->v;
        a.in = a.h + a.n * p->h;
        memcpy(a.b0, p->b, p->v * sizeof *a.b0);
        a.to = 0; /* independent visibles */
        gm__parallel(p->ctx, a.n, draw_visible, &a);
        for (size_t i = 0; back && c->data && i < a.n; i++)
            memcpy(a.v + i * p->v, gm__f32(c->data) + i % (size_t)c->data->shape[0] * p->v, p->v * sizeof *a.v);
        s = upward(&a);
    }
    for (int i = 0; back && !s && i < (c->data ? FROM_DATA : SETTLE); i++) {
        a.to = 1;
        s = gibbs(&a);
        if (!s && i % 16 == 0) s = gm__check_cancel(p->ctx);
    }
    if (!s) s = anneal(&a, c, back);
    if (!s) {
        double base = (double)p->h * log(2), gain = log_mean_exp(a.weight, a.n, error);
        for (size_t i = 0; i < p->v; i++) base += softplus((double)a.b0[i]);
        *log_z = back ? base - gain : base + gain;
    }
    gm__free(p->ctx, a.b0);
    gm__free(p->ctx, a.weight);
    return s;
}

gm_status gm__rbm_log_z(gm_ctx *ctx, const gm__rbm *r, const gm__z_cfg *c, double *log_z, double *error)
{
    plain p;
    double ignored;
    *log_z = NAN;
    if (!error) error = &ignored;
    *error = 0;
    GM__TRY(plain_of(ctx, r, &p));
    gm_status s = c->method == GM__Z_EXACT ? exact(&p, log_z) : estimate(&p, c, log_z, error);
    gm__free(p.ctx, p.b);
    if (!s && !isfinite(*log_z)) s = gm__fail_ctx(p.ctx, GM_ENONFINITE, "%s: log Z is %g: the weights are too large", r->owner, *log_z);
    return s;
}
