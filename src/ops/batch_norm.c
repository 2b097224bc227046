/* batch_norm.c - normalises each channel (axis 1) over all other axes. Inputs x, w, b, mean, var (all but x optional).
 * attr.i[0]: 1 with the statistics of the batch, 0 with mean and var; attr.i[1]: 1 if mean and var
 * are fresh tape tensors that receive the statistics of the batch; attr.f[0]: eps.
 * saved: mean, 1/sqrt(var+eps) of each channel. */
#include "ops/columns.h"
#include "ops/layout.h"

#include <math.h>
#include <string.h>

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    static const char *const name[] = {"x", "w", "b", "mean", "var"};
    char a[128], b[128];
    GM__TRY(gm__infer_same(c));
    if (x->ndim < 2) return gm__fail(c->err, GM_ESHAPE, "batch_norm: x [N, C, ..] wanted, got %s", gm__shape_text(a, x->ndim, x->shape));
    for (int i = 1; i < 5; i++) {
        const gm_tensor *p = c->in[i];
        if (!p && i > 2 && !c->attr->i[0]) return gm__fail(c->err, GM_EARG, "batch_norm: %s is NULL outside training", name[i]);
        if (p && (p->ndim != 1 || p->shape[0] != x->shape[1]))
            return gm__fail(c->err, GM_ESHAPE, "batch_norm: %s %s does not fit x %s", name[i], gm__shape_text(a, p->ndim, p->shape),
                            gm__shape_text(b, x->ndim, x->shape));
    }
    return GM_OK;
}

/* x and y as [n, c, s] */
typedef struct job {
    gm_ctx *ctx;
    bool f64;
    double eps;
    size_t n, c, s;
    char *y;
    const char *x, *g, *w, *b;
    char *mean, *rstd, *var; /* [c]; var is NULL when nobody asked for it */
    char *sum, *along;       /* [c]: over a channel, of g and of g (x-mean) rstd */
    bool batch;
} job;

static size_t size_of(const job *j) { return j->f64 ? 8 : 4; }
static void set_sizes(job *j, const gm_tensor *x)
{
    j->f64 = gm__f64_of(x);
    j->n = (size_t)x->shape[0];
    j->c = (size_t)x->shape[1];
    j->s = 1;
    for (int i = 2; i < x->ndim; i++) j->s *= (size_t)x->shape[i];
}
static double channel(const job *j, const char *p, size_t c, double absent) { return p ? gm__load(j->f64, p + c * size_of(j)) : absent; }

/* ---- [N, C, ..]: a channel is a few long lines ---------------------------------------- */

/* sums over one channel of x and of (x-mean)^2, in double, row after row */
static double sum_channel(const job *j, const char *x, size_t c)
{
    double sum = 0;
    size_t es = size_of(j);
    for (size_t i = 0; i < j->n; i++) sum += gm__ksum(j->ctx, j->f64, j->s, x + (i * j->c + c) * j->s * es);
    return sum;
}
static double spread_channel(const job *j, size_t c, double mean)
{
    double sum = 0;
    size_t es = size_of(j), step = gm__chunk_len(j->f64);
    for (size_t i = 0; i < j->n; i++) {
        const char *p = j->x + (i * j->c + c) * j->s * es;
        for (size_t at = 0, k; at < j->s; at += k) {
            gm__chunk buf;
            k = j->s - at < step ? j->s - at : step;
            gm__kaffine(j->ctx, j->f64, k, buf.bytes, p + at * es, 1, -mean);
            sum += j->f64 ? j->ctx->kern->sumsq_f64(k, buf.f64) : j->ctx->kern->sumsq_f32(k, buf.f32);
        }
    }
    return sum;
}

/* Channels of many elements in a line each: one after another. */
static void channels(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = size_of(j);
    for (size_t c = first; c < last; c++) {
        double count = (double)j->n * (double)j->s, mean, var;
        if (j->batch) {
            mean = sum_channel(j, j->x, c) / count;
            var = spread_channel(j, c, mean) / count;
            gm__store(j->f64, j->mean + c * es, mean);
            if (j->var) gm__store(j->f64, j->var + c * es, var);
        } else {
            mean = channel(j, j->mean, c, 0);
            var = channel(j, j->var, c, 0);
        }
        double rstd = 1 / sqrt(var + j->eps), a = rstd * channel(j, j->w, c, 1);
        gm__store(j->f64, j->rstd + c * es, rstd);
        for (size_t i = 0; i < j->n; i++) {
            size_t at = (i * j->c + c) * j->s * es;
            gm__kaffine(j->ctx, j->f64, j->s, j->y + at, j->x + at, a, channel(j, j->b, c, 0) - mean * a);
        }
    }
}

/* ---- [N, C]: a channel is a column, many go side by side ----------------------------- */

static gm__columns columns_of(const job *j) { return (gm__columns){j->ctx, j->f64, 1, j->n, j->c}; }

/* space for three coefficients of each channel */
static bool coefficients(gm_tape *t, const job *j, char **a, char **b, char **d)
{
    size_t bytes = j->c * size_of(j);
    *a = gm__arena(t, bytes + 1, 3);
    *b = *a + bytes;
    *d = *b + bytes;
    return *a != NULL;
}

static gm_status columns(gm_tape *t, const job *j)
{
    gm__columns c = columns_of(j);
    size_t es = size_of(j);
    char *a, *b, *d;
    if (!coefficients(t, j, &a, &b, &d)) return gm__recorded(t);
    if (j->batch && !gm__column_stats(t, &c, j->x, j->mean, j->rstd)) return gm__recorded(t);
    if (j->batch && j->var) memcpy(j->var, j->rstd, j->c * es);
    for (size_t i = 0; i < j->c; i++) {
        double r = 1 / sqrt(channel(j, j->batch ? j->rstd : j->var, i, 0) + j->eps), scale = r * channel(j, j->w, i, 1);
        gm__store(j->f64, j->rstd + i * es, r);
        gm__store(j->f64, a + i * es, scale);
        gm__store(j->f64, d + i * es, channel(j, j->b, i, 0) - channel(j, j->mean, i, 0) * scale);
    }
    gm__column_mix(&c, j->y, j->x, NULL, a, b, d);
    return GM_OK;
}

/* false after recording a failure; a missing tensor stays missing */
static bool plain(gm_tape *t, gm_tensor *x, const char **data)
{
    *data = NULL;
    if (!x) return true;
    if (!(x = gm__tape_contiguous(t, x))) return false;
    *data = x->data;
    return true;
}

static gm_status forward(gm__call *c)
{
    const gm_tensor *y = c->out;
    const char *mean_in = NULL, *var_in = NULL;
    job j = {.ctx = c->ctx, .eps = c->attr->f[0], .y = y->data, .batch = c->attr->i[0] != 0};
    set_sizes(&j, y);
    gm_tensor *mean = gm__tape_tensor(c->t, y->dtype, 1, y->shape + 1), *rstd = mean ? gm__tape_tensor(c->t, y->dtype, 1, y->shape + 1) : NULL;
    if (!rstd || !plain(c->t, c->in[0], &j.x) || !plain(c->t, c->in[1], &j.w) || !plain(c->t, c->in[2], &j.b) ||
        !plain(c->t, c->in[3], &mean_in) || !plain(c->t, c->in[4], &var_in))
        return gm__recorded(c->t);
    j.rstd = rstd->data;
    j.mean = mean->data;
    if (!j.batch) {
        gm__copy_values(c->ctx, mean, c->in[3]);
        j.var = (char *)var_in;
    } else if (c->attr->i[1]) {
        j.var = c->in[4]->data;
    }
    if (j.s == 1) GM__TRY(columns(c->t, &j));
    else gm__ranges(c->ctx, j.c, j.n * j.s, channels, &j);
    if (j.batch && c->attr->i[1]) gm__copy_values(c->ctx, c->in[3], mean);
    if (c->node) {
        c->node->saved[0] = mean;
        c->node->saved[1] = rstd;
    }
    return GM_OK;
}

/* ---- gradient ------------------------------------------------------------------- */

/* sum over a channel of g * (x - mean) * rstd */
static double along_channel(const job *j, size_t c, double mean, double rstd)
{
    double sum = 0;
    size_t es = size_of(j), step = gm__chunk_len(j->f64);
    for (size_t i = 0; i < j->n; i++) {
        size_t row = (i * j->c + c) * j->s * es;
        for (size_t at = 0, k; at < j->s; at += k) {
            gm__chunk buf;
            k = j->s - at < step ? j->s - at : step;
            gm__kaffine(j->ctx, j->f64, k, buf.bytes, j->x + row + at * es, rstd, -mean * rstd);
            gm__k2(j->ctx, j->f64, GM__B_MUL, k, buf.bytes, buf.bytes, j->g + row + at * es, GM__VV, NULL);
            sum += gm__ksum(j->ctx, j->f64, k, buf.bytes);
        }
    }
    return sum;
}

/* gx = w rstd (g - mean(g) - xhat mean(g xhat)); with given statistics w rstd g. gx is a p + b q + c of g and x. */
static void channels_g(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = size_of(j), step = gm__chunk_len(j->f64);
    for (size_t c = first; c < last; c++) {
        double mean = channel(j, j->mean, c, 0), rstd = channel(j, j->rstd, c, 1), a = rstd * channel(j, j->w, c, 1);
        double count = (double)j->n * (double)j->s, sum, along;
        sum = sum_channel(j, j->g, c);
        along = along_channel(j, c, mean, rstd);
        gm__store(j->f64, j->sum + c * es, sum);
        gm__store(j->f64, j->along + c * es, along);
        if (!j->y) continue;
        double p = j->batch ? -a * rstd * along / count : 0, q = j->batch ? -a * sum / count - p * mean : 0;
        for (size_t i = 0; i < j->n; i++) {
            size_t row = (i * j->c + c) * j->s * es;
            for (size_t at = 0, k; at < j->s; at += k) {
                gm__chunk buf;
                k = j->s - at < step ? j->s - at : step;
                gm__kaffine(j->ctx, j->f64, k, buf.bytes, j->x + row + at * es, p, q);
                gm__kaffine(j->ctx, j->f64, k, j->y + row + at * es, j->g + row + at * es, a, 0);
                gm__k2(j->ctx, j->f64, GM__B_ADD, k, j->y + row + at * es, j->y + row + at * es, buf.bytes, GM__VV, NULL);
            }
        }
    }
}

/* the same for [N, C] */
static gm_status columns_g(gm_tape *t, const job *j)
{
    gm__columns c = columns_of(j);
    size_t es = size_of(j);
    char *a, *b, *d;
    if (!coefficients(t, j, &a, &b, &d) || !gm__column_sums(t, &c, j->g, j->x, j->mean, j->sum, j->along)) return gm__recorded(t);
    for (size_t i = 0; i < j->c; i++) {
        double rstd = channel(j, j->rstd, i, 1), scale = rstd * channel(j, j->w, i, 1), n = (double)j->n;
        double along = channel(j, j->along, i, 0) * rstd, slope = j->batch ? -scale * rstd * along / n : 0;
        gm__store(j->f64, j->along + i * es, along);
        gm__store(j->f64, a + i * es, scale);
        gm__store(j->f64, b + i * es, slope);
        gm__store(j->f64, d + i * es, j->batch ? -scale * channel(j, j->sum, i, 0) / n - slope * channel(j, j->mean, i, 0) : 0);
    }
    if (j->y) gm__column_mix(&c, j->y, j->g, j->batch ? j->x : NULL, a, b, d);
    return GM_OK;
}

static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    gm_tensor *gx = want[0] ? gm__grad_tmp(t, n, 0) : NULL;
    gm_tensor *along = gm__tape_tensor(t, gy->dtype, 1, gy->shape + 1), *sum = along ? gm__tape_tensor(t, gy->dtype, 1, gy->shape + 1) : NULL;
    job j = {.ctx = t->ctx, .g = gy->data, .mean = n->saved[0]->data, .rstd = n->saved[1]->data, .batch = n->attr.i[0] != 0};
    set_sizes(&j, gy);
    if (!sum || (want[0] && !gx) || !plain(t, n->in[0], &j.x) || !plain(t, n->in[1], &j.w)) return gm__recorded(t);
    j.y = gx ? gx->data : NULL;
    j.along = along->data;
    j.sum = sum->data;
    if (j.s == 1) GM__TRY(columns_g(t, &j));
    else gm__ranges(t->ctx, j.c, j.n * j.s, channels_g, &j);
    if (gx) GM__TRY(gm__grad_give(t, n, 0, gx));
    if (n->in[1] && want[1]) GM__TRY(gm__grad_give(t, n, 1, along));
    if (n->in[2] && want[2]) GM__TRY(gm__grad_give(t, n, 2, sum));
    return GM_OK;
}

/* mean over all axes but 1, as [1, C, 1, ..] */
static gm_tensor *channel_mean(gm_tape *t, gm_tensor *x, const gm_tensor *like, double count)
{
    return gm__scale(t, gm__sum_to(t, x, like), 1 / count);
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *x = n->in[0], *w = n->in[1], *b = n->in[2], *mean, *var, *g = gy;
    int64_t shape[GM_MAX_DIMS];
    double count = x->shape[1] ? (double)x->size / (double)x->shape[1] : 0;
    bool batch = n->attr.i[0] != 0;
    for (int i = 0; i < x->ndim; i++) shape[i] = i == 1 ? x->shape[1] : 1;
    gm_tensor *like = gm_zeros(t, x->dtype, x->ndim, shape);
    if (!like) return;
    if (batch) {
        mean = channel_mean(t, x, like, count);
        var = channel_mean(t, gm_square(t, gm_sub(t, x, mean)), like, count);
    } else {
        mean = gm_reshape(t, n->in[3], x->ndim, shape);
        var = gm_reshape(t, n->in[4], x->ndim, shape);
    }
    gm_tensor *rstd = gm_reciprocal(t, gm_sqrt(t, gm_affine(t, var, 1, n->attr.f[0]))), *hat = gm_mul(t, gm_sub(t, x, mean), rstd);
    if (w) g = gm_mul(t, g, gm_reshape(t, w, x->ndim, shape));
    if (want[0]) {
        gm_tensor *d = g;
        if (batch) {
            d = gm_sub(t, g, channel_mean(t, g, like, count));
            d = gm_sub(t, d, gm_mul(t, hat, channel_mean(t, gm_mul(t, g, hat), like, count)));
        }
        gx[0] = gm_mul(t, rstd, d);
    }
    if (w && want[1]) gx[1] = gm__reshape_like(t, gm__sum_to(t, gm_mul(t, gy, hat), like), w);
    if (b && want[2]) gx[2] = gm__reshape_like(t, gm__sum_to(t, gy, like), b);
}
const gm__op gm__op_batch_norm = {"batch_norm", 5, GM__OP_OPT1 | GM__OP_OPT2 | GM__OP_OPT3 | GM__OP_OPT4, infer, forward, vjp, fused,
    "7,5 5 5 - - i=1 f=1e-5 | 4,3,2 3 3 - - i=1 f=1e-5 | 2,3,4,5:t 3 - - - i=1 f=0.1 | 5,9:s - 9:s - - i=1 f=1e-3 | "
    "7,5 5 5 5 5:p i=0 f=1e-5 | 4,3,2 - - 3 3:p i=0 f=1e-5 | 0,3 3 3 3 3:p i=0 f=1e-5 | 3,2,150 2 2 - - i=1 f=1e-5 | 70,3 3 3 - - i=1 f=1e-5 | 3,70 70 - 70 70:p i=0 f=1e-5 | "
    "2,3,2,1,2 3 3 - - i=1 f=1e-2 | 17,7:ts 7 7:s - - i=1 f=1e-5"};

static gm_tensor *apply(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, gm_tensor *mean, gm_tensor *var, double eps, bool training, bool give)
{
    gm__attr a = {.i = {training, give}, .f = {eps}};
    gm_tensor *last = NULL;
    if (gm__is(x, GM__TENSOR) && gm__is_last(x)) { /* a pixel is a row, a channel a column */
        const int64_t rows[2] = {x->size / x->shape[1], x->shape[1]};
        if (!(last = gm__to_last(t, x)) || !(x = gm_reshape(t, last, 2, rows))) return NULL;
    }
    gm_tensor *in[5] = {x, w, b, mean, var};
    gm_tensor *y = gm__apply(t, &gm__op_batch_norm, in, 5, &a);
    return last && y ? gm__from_last(t, gm__reshape_like(t, y, last)) : y;
}

gm_tensor *gm_batch_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, gm_tensor *mean, gm_tensor *var, double eps)
{
    if (!gm__tape_ok(t)) return NULL;
    return t->training ? apply(t, x, w, b, NULL, NULL, eps, true, false) : apply(t, x, w, b, mean, var, eps, false, false);
}

gm_tensor *gm__batch_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, gm_tensor *mean, gm_tensor *var, double eps,
                          gm_tensor **batch_mean, gm_tensor **batch_var)
{
    *batch_mean = *batch_var = NULL;
    if (!gm__tape_ok(t)) return NULL;
    if (!t->training || !gm__is(x, GM__TENSOR) || x->ndim < 2 || !gm__is_float(x->dtype)) return gm_batch_norm(t, x, w, b, mean, var, eps);
    gm_tensor *m = gm__tape_tensor(t, x->dtype, 1, x->shape + 1), *v = m ? gm__tape_tensor(t, x->dtype, 1, x->shape + 1) : NULL;
    gm_tensor *y = v ? apply(t, x, w, b, m, v, eps, true, true) : NULL;
    if (!y) return NULL;
    *batch_mean = m;
    *batch_var = v;
    return y;
}
