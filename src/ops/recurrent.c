/* recurrent.c - the recurrent ops, forward and back: a task takes some lanes through all steps with weights packed once. */
#include "ops/recurrent.h"
#include "kernels/gemm.h"
#include <string.h>

static const size_t blocks[GM__CELLS] = {1, 3, 4}; /* of a row of gates */
enum { KEPT = 4, MOST_LANES = 48 };

/* ---- shapes ------------------------------------------------------------------------------- */

static gm_status check_state(gm__call *c, const char *what, const gm_tensor *s, int64_t lanes, int64_t n)
{
    char a[128];
    if (!s || (s->ndim == 2 && s->shape[0] == lanes && s->shape[1] == n)) return GM_OK;
    return gm__fail(c->err, GM_ESHAPE, "%s: %s is %s, [%lld,%lld] wanted", c->op->name, what, gm__shape_text(a, s->ndim, s->shape), (long long)lanes, (long long)n);
}

gm_status gm__recurrent_infer(gm__call *c)
{
    bool lstm = c->nin == 5;
    int g = lstm ? 4 : c->op == &gm__op_gru ? 3 : 1;
    const gm_tensor *x = c->in[0], *b = c->in[c->nin - 2], *w = c->in[c->nin - 1];
    char p[128];
    GM__TRY(gm__want_float(c));
    if (w->ndim != 2 || w->shape[0] % g || w->shape[0] / g != w->shape[1])
        return gm__fail(c->err, GM_ESHAPE, "%s: weights of the state %s, [%d n, n] wanted", c->op->name, gm__shape_text(p, w->ndim, w->shape), g);
    int64_t n = w->shape[1];
    if (x->ndim != 3 || x->shape[2] != w->shape[0])
        return gm__fail(c->err, GM_ESHAPE, "%s: gates %s do not fit %lld units", c->op->name, gm__shape_text(p, x->ndim, x->shape), (long long)n);
    if (x->shape[0] < 1) return gm__fail(c->err, GM_ESHAPE, "%s: a sequence of no steps", c->op->name);
    GM__TRY(check_state(c, "h0", c->in[1], x->shape[1], n));
    if (lstm) GM__TRY(check_state(c, "c0", c->in[2], x->shape[1], n));
    if (b && (b->ndim != 1 || b->shape[0] != w->shape[0]))
        return gm__fail(c->err, GM_ESHAPE, "%s: bias %s, [%lld] wanted", c->op->name, gm__shape_text(p, b->ndim, b->shape), (long long)w->shape[0]);
    if (__builtin_add_overflow(x->shape[0], (int64_t)lstm, &(int64_t){0})) return gm__fail(c->err, GM_ELIMIT, "%s: too many steps", c->op->name);
    gm__out_shape(c, x->dtype, 3, (const int64_t[]){x->shape[0] + lstm, x->shape[1], n});
    return GM_OK;
}

/* ---- the sequence --------------------------------------------------------------------------- */

typedef struct job {
    gm_ctx *ctx;
    int cell;
    bool f64, keep;
    size_t es, steps, lanes, n, g;  /* g: of a row of gates */
    size_t some, room;              /* lanes of a task; bytes for packed rows */
    const char *gates, *b, *h0, *c0, *gy;
    char *out, *kept, *c;           /* c: all steps if keep, else one */
    char *dgates, *dstate, *dh, *dc;
    bool want_h0;
    gm__packed w;
} job;

/* step `at` of lanes from `lane` in an array of rows of n numbers */
static const char *row(const job *j, const char *x, size_t at, size_t lane, size_t n) { return x + (at * j->lanes + lane) * n * j->es; }
static char *row_of(const job *j, char *x, size_t at, size_t lane, size_t n) { return x + (at * j->lanes + lane) * n * j->es; }

static void run_forward(void *arg, size_t task, size_t worker)
{
    const job *j = arg;
    size_t lane = task * j->some, m = j->lanes - lane < j->some ? j->lanes - lane : j->some;
    char *u = gm__scratch(j->ctx, worker, 0), *room = u + m * j->g * j->es; /* there already: the caller saw to it */
    gm__cell s = {.rows = m, .n = j->n, .u = u, .b = j->b};
    for (size_t t = 0; t < j->steps; t++) {
        s.x = row(j, j->gates, t, lane, j->g);
        s.h0 = t ? row(j, j->out, t - 1, lane, j->n) : row(j, j->h0, 0, lane, j->n);
        s.h = row_of(j, j->out, t, lane, j->n);
        if (j->cell == GM__LSTM) {
            s.c0 = t ? row(j, j->c, j->keep ? t - 1 : 0, lane, j->n) : row(j, j->c0, 0, lane, j->n);
            s.c = row_of(j, j->c, j->keep ? t : 0, lane, j->n);
        }
        if (j->kept) s.kept = row_of(j, j->kept, t, lane, KEPT * j->n);
        gm__packed_product(j->ctx, &j->w, m, s.h0, j->n, u, false, room);
        if (j->f64) j->ctx->kern->cell_f64[j->cell](&s);
        else j->ctx->kern->cell_f32[j->cell](&s);
    }
    if (j->cell == GM__LSTM) memcpy(row_of(j, j->out, j->steps, lane, j->n), s.c, m * j->n * j->es);
}

static void run_back(void *arg, size_t task, size_t worker)
{
    const job *j = arg;
    size_t lane = task * j->some, m = j->lanes - lane < j->some ? j->lanes - lane : j->some;
    char *room = gm__scratch(j->ctx, worker, 0);
    gm__cell_g s = {.rows = m, .n = j->n, .dh = row_of(j, j->dh, 0, lane, j->n)};
    if (j->dc) s.dc = row_of(j, j->dc, 0, lane, j->n);
    for (size_t t = j->steps; t-- > 0;) {
        s.gy = row(j, j->gy, t, lane, j->n);
        s.h0 = t ? row(j, j->out, t - 1, lane, j->n) : row(j, j->h0, 0, lane, j->n);
        s.h = row(j, j->out, t, lane, j->n);
        if (j->cell == GM__LSTM) {
            s.c0 = t ? row(j, j->c, t - 1, lane, j->n) : row(j, j->c0, 0, lane, j->n);
            s.c = row(j, j->c, t, lane, j->n);
        }
        if (j->kept) s.kept = row(j, j->kept, t, lane, KEPT * j->n);
        s.gx = row_of(j, j->dgates, t, lane, j->g);
        s.gu = row_of(j, j->dstate, t, lane, j->g);
        if (j->f64) j->ctx->kern->cell_g_f64[j->cell](&s);
        else j->ctx->kern->cell_g_f32[j->cell](&s);
        if (t || j->want_h0) gm__packed_product(j->ctx, &j->w, m, s.gu, j->g, s.dh, j->cell == GM__GRU, room);
    }
}

static gm_status no_memory(gm_tape *t, const char *who)
{
    return t->err.status ? t->err.status : gm__fail(&t->err, GM_ENOMEM, "%s: no memory for the products", who);
}

/* Sizes, lanes of a task, and scratch for each worker: `more` bytes a lane beside packed rows of `k` numbers. */
static gm_status plan(gm_tape *t, const char *who, job *j, size_t k, size_t more)
{
    size_t workers = gm__workers(t->ctx);
    double work = (double)j->steps * (double)j->lanes * (double)j->g * (double)j->n;
    j->some = work < GM__GEMM_SMALL ? j->lanes : (j->lanes + workers - 1) / workers;
    if (j->some > MOST_LANES) j->some = MOST_LANES;
    size_t need = gm__packed_rows_bytes(t->ctx, j->f64, j->some, k) + j->some * more + 64;
    for (size_t w = workers; w-- > 0;)
        if (!gm__scratch(t->ctx, w, need)) return no_memory(t, who);
    return GM_OK;
}

static void set_sizes(job *j, gm_tape *t, int cell, const gm_tensor *gates, const gm_tensor *w)
{
    *j = (job){.ctx = t->ctx, .cell = cell, .f64 = gm__f64_of(gates), .steps = (size_t)gates->shape[0], .lanes = (size_t)gates->shape[1],
               .n = (size_t)w->shape[1], .g = blocks[cell] * (size_t)w->shape[1]};
    j->es = gm__esize(gates->dtype);
}

/* a state before the first step: contiguous, zeros where there is none */
static const char *state(gm_tape *t, gm_tensor *x, const job *j)
{
    if (x) return (x = gm__tape_contiguous(t, x)) ? x->data : NULL;
    void *zeros = gm__arena(t, j->lanes * j->n, j->es);
    if (zeros) memset(zeros, 0, j->lanes * j->n * j->es);
    return zeros;
}

static gm_status pack(gm_tape *t, job *j, const gm_tensor *w, bool back)
{
    j->w = (gm__packed){.f64 = j->f64, .k = back ? j->g : j->n, .n = back ? j->n : j->g};
    void *to = gm__arena(t, gm__packed_bytes(t->ctx, j->f64, j->w.k, j->w.n) + 1, 1);
    if (!to) return gm__recorded(t);
    gm__pack(t->ctx, &j->w, to, w->data, back ? w->stride[0] : w->stride[1], back ? w->stride[1] : w->stride[0]);
    return GM_OK;
}

gm_status gm__recurrent_forward(gm__call *c, int cell)
{
    job j;
    gm_tape *t = c->t;
    gm_tensor *x = gm__tape_contiguous(t, c->in[0]), *b = c->in[c->nin - 2], *w = c->in[c->nin - 1], *kept = NULL, *mem = NULL;
    if (!x || (b && !(b = gm__tape_contiguous(t, b)))) return gm__recorded(t);
    set_sizes(&j, t, cell, x, w);
    if (c->out->size == 0) return GM_OK;
    const int64_t shape[3] = {x->shape[0], x->shape[1], KEPT * w->shape[1]}, one[3] = {c->node ? x->shape[0] : 1, x->shape[1], w->shape[1]};
    j.keep = c->node != NULL;
    if (!(j.h0 = state(t, c->in[1], &j)) || (cell == GM__LSTM && !(j.c0 = state(t, c->in[2], &j)))) return gm__recorded(t);
    if (j.keep && cell != GM__ELMAN && !(kept = gm__tape_tensor(t, x->dtype, 3, shape))) return gm__recorded(t);
    if (cell == GM__LSTM && !(mem = gm__tape_tensor(t, x->dtype, 3, one))) return gm__recorded(t);
    j.gates = x->data;
    j.b = b ? b->data : NULL;
    j.out = c->out->data;
    j.kept = kept ? kept->data : NULL;
    j.c = mem ? mem->data : NULL;
    GM__TRY(pack(t, &j, w, false));
    GM__TRY(plan(t, c->op->name, &j, j.n, j.g * j.es));
    gm__parallel(c->ctx, (j.lanes + j.some - 1) / j.some, run_forward, &j);
    if (c->node) c->node->saved[0] = kept, c->node->saved[1] = mem;
    return GM_OK;
}

/* ---- gradient ------------------------------------------------------------------------------- */

/* gw = dstate^T h_{t-1}: the steps after the first in one product, the first by itself */
static gm_status weights(gm_tape *t, const gm__node *n, const job *j, int at)
{
    bool add;
    gm_tensor *gw = gm__grad_into(t, n, at, &add);
    if (!gw) return gm__recorded(t);
    gm__gemm g = {.m = j->g, .n = j->n, .ars = 1, .acs = (ptrdiff_t)j->g, .brs = (ptrdiff_t)j->n, .bcs = 1, .c = gw->data, .ldc = j->n, .add = add};
    g.k = (j->steps - 1) * j->lanes;
    g.a = row(j, j->dstate, 1, 0, j->g);
    g.b = j->out;
    gm_status s = j->f64 ? gm__gemm_f64(t->ctx, &g) : gm__gemm_f32(t->ctx, &g);
    if (!s && n->in[1]) {
        g.k = j->lanes;
        g.a = j->dstate;
        g.b = j->h0;
        g.add = true;
        s = j->f64 ? gm__gemm_f64(t->ctx, &g) : gm__gemm_f32(t->ctx, &g);
    }
    return s ? no_memory(t, n->op->name) : GM_OK;
}

static gm_status bias(gm_tape *t, const gm__node *n, const job *j, int at)
{
    bool add;
    gm_tensor *gb = gm__grad_into(t, n, at, &add);
    if (!gb) return gm__recorded(t);
    if (j->f64) t->ctx->kern->colsum_f64(j->steps * j->lanes, j->g, (const double *)(const void *)j->dstate, j->g, gm__f64(gb), add);
    else t->ctx->kern->colsum_f32(j->steps * j->lanes, j->g, (const float *)(const void *)j->dstate, j->g, gm__f32(gb), add);
    return GM_OK;
}

/* All gradients are zero: no lanes or no units. */
static gm_status nothing(gm_tape *t, const gm__node *n, const bool *want)
{
    for (int i = 0; i < n->nin; i++) {
        bool add;
        if (!n->in[i] || !want[i]) continue;
        gm_tensor *g = gm__grad_into(t, n, i, &add);
        if (!g) return gm__recorded(t);
        if (!add && g->size) memset(g->data, 0, (size_t)g->size * gm__esize(g->dtype));
    }
    return GM_OK;
}

gm_status gm__recurrent_fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, int cell)
{
    job j;
    const gm_tensor *w = n->in[n->nin - 1], *x = n->in[0];
    if (n->out->size == 0) return nothing(t, n, want);
    set_sizes(&j, t, cell, x, w);
    gm_tensor *dx = gm__grad_tmp(t, n, 0), *du = dx, *dc = NULL;
    gm_tensor *dh = dx ? gm__tape_tensor(t, x->dtype, 2, n->out->shape + 1) : NULL;
    if (cell == GM__GRU && dh) du = gm__tape_tensor(t, x->dtype, 3, x->shape);
    if (cell == GM__LSTM && dh) dc = gm__tape_tensor(t, x->dtype, 2, n->out->shape + 1);
    if (!dh || !du || (cell == GM__LSTM && !dc)) return gm__recorded(t);
    if (!(j.h0 = state(t, n->in[1], &j)) || (dc && !(j.c0 = state(t, n->in[2], &j)))) return gm__recorded(t);
    j.gy = gy->data;
    j.out = n->out->data;
    j.kept = n->saved[0] ? n->saved[0]->data : NULL;
    j.c = n->saved[1] ? n->saved[1]->data : NULL;
    j.dgates = dx->data;
    j.dstate = du->data;
    j.dh = dh->data;
    memset(j.dh, 0, j.lanes * j.n * j.es);
    j.want_h0 = n->in[1] && want[1];
    if (dc) memcpy(j.dc = dc->data, row(&j, j.gy, j.steps, 0, j.n), j.lanes * j.n * j.es);
    GM__TRY(pack(t, &j, w, true));
    GM__TRY(plan(t, n->op->name, &j, j.g, 0));
    gm__parallel(t->ctx, (j.lanes + j.some - 1) / j.some, run_back, &j);
    if (want[n->nin - 1]) GM__TRY(weights(t, n, &j, n->nin - 1));
    if (n->in[n->nin - 2] && want[n->nin - 2]) GM__TRY(bias(t, n, &j, n->nin - 2));
    if (j.want_h0) GM__TRY(gm__grad_give(t, n, 1, dh));
    if (dc && n->in[2] && want[2]) GM__TRY(gm__grad_give(t, n, 2, dc));
    return want[0] ? gm__grad_give(t, n, 0, dx) : GM_OK;
}

/* ---- the same as ops -------------------------------------------------------------------------- */

gm_tensor *gm__at_step(gm_tape *t, gm_tensor *x, int64_t step)
{
    gm_tensor *s = gm_slice(t, x, 0, step, step + 1, 1);
    return s ? gm_reshape(t, s, 2, s->shape + 1) : NULL;
}

gm_tensor *gm__block(gm_tape *t, const gm__unrolled *u, gm_tensor *x, int64_t q) { return gm_slice(t, x, -1, q * u->n, (q + 1) * u->n, 1); }

bool gm__unroll(gm_tape *t, const gm__node *node, gm__unrolled *u)
{
    gm_tensor *const *in = node->in, *x = in[0];
    bool lstm = node->nin == 5;
    *u = (gm__unrolled){.gates = x, .h0 = in[1], .c0 = lstm ? in[2] : NULL, .b = in[node->nin - 2], .w = in[node->nin - 1], .steps = x->shape[0], .lanes = x->shape[1]};
    u->n = u->w->shape[1];
    const int64_t one[3] = {1, u->lanes, u->n};
    if (!u->h0) u->h0 = gm_zeros(t, x->dtype, 2, one + 1);
    if (lstm && !u->c0) u->c0 = gm_zeros(t, x->dtype, 2, one + 1);
    gm_tensor *parts[2] = {gm_reshape(t, u->h0, 3, one), gm_slice(t, node->out, 0, 0, u->steps - 1, 1)};
    u->before = gm_concat(t, parts, 2, 0);
    u->state = gm_linear(t, u->before, u->w, u->b);
    return u->state != NULL;
}

void gm__unrolled_give(gm_tape *t, const gm__node *node, const gm__unrolled *u, const bool *want, gm_tensor **gx, gm_tensor *dgates,
                       gm_tensor *dstate, gm_tensor *dh)
{
    int b = node->nin - 2, w = node->nin - 1;
    const int64_t wide[2] = {u->steps * u->lanes, u->w->shape[0]}, narrow[2] = {u->steps * u->lanes, u->n};
    if (want[0]) gx[0] = dgates;
    if (node->in[1] && want[1]) gx[1] = dh;
    gm_tensor *flat = gm_reshape(t, dstate, 2, wide);
    if (node->in[b] && want[b]) gx[b] = gm_sum(t, flat, 0, 0);
    if (want[w]) gx[w] = gm_matmul(t, gm_transpose(t, flat, 0, 1), gm_reshape(t, u->before, 2, narrow));
}
