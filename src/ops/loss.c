/* loss.c - what losses of two equal shapes share. */
#include "ops/loss.h"

#include <string.h>

gm_status gm__loss_infer(gm__call *c)
{
    int64_t reduce = c->attr->i[0];
    GM__TRY(gm__infer_alike(c));
    if (reduce < GM_NONE || reduce > GM_SUM)
        return gm__fail(c->err, GM_EARG, "%s: reduce %lld is none of GM_NONE, GM_MEAN, GM_SUM", c->op->name, (long long)reduce);
    if (reduce != GM_NONE) c->out->ndim = 0;
    return GM_OK;
}

enum { PART = 4096 }; /* elements of one partial sum */
typedef struct job {
    gm_ctx *ctx;
    bool f64, add;
    gm__loss_fn *fn;
    char *out;
    const char *a, *b, *g; /* g NULL: one scale */
    double scale, *sums;
    size_t n;
} job;

static void each(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, step = gm__chunk_len(j->f64);
    for (size_t i = first, k; i < last; i += k) {
        k = last - i < step ? last - i : step;
        j->fn(j->ctx, j->f64, k, j->out + i * es, j->a + i * es, j->b + i * es);
    }
}

static void parts(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, step = gm__chunk_len(j->f64);
    for (size_t p = first; p < last; p++) {
        gm__chunk buf;
        size_t i = p * PART, end = j->n - i > PART ? i + PART : j->n;
        double sum = 0;
        for (size_t k; i < end; i += k) {
            k = end - i < step ? end - i : step;
            j->fn(j->ctx, j->f64, k, buf.bytes, j->a + i * es, j->b + i * es);
            sum += gm__ksum(j->ctx, j->f64, k, buf.bytes);
        }
        j->sums[p] = sum;
    }
}

gm_status gm__loss_forward(gm__call *c, gm__loss_fn *fn)
{
    gm_tensor *a = gm__tape_contiguous(c->t, c->in[0]), *b = a ? gm__tape_contiguous(c->t, c->in[1]) : NULL;
    if (!b) return gm__recorded(c->t);
    job j = {.ctx = c->ctx, .f64 = gm__f64_of(a), .fn = fn, .out = c->out->data, .a = a->data, .b = b->data, .n = (size_t)a->size};
    if (c->attr->i[0] == GM_NONE) {
        gm__ranges(c->ctx, j.n, 1, each, &j);
        return GM_OK;
    }
    size_t n_parts = (j.n + PART - 1) / PART;
    double sum = 0;
    if (!(j.sums = gm__arena(c->t, n_parts + 1, sizeof *j.sums))) return gm__recorded(c->t);
    gm__ranges(c->ctx, n_parts, PART, parts, &j);
    for (size_t p = 0; p < n_parts; p++) sum += j.sums[p];
    gm__store(j.f64, c->out->data, c->attr->i[0] == GM_MEAN ? sum / (double)j.n : sum);
    return GM_OK;
}

static void slopes(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, step = gm__chunk_len(j->f64);
    for (size_t i = first, k; i < last; i += k) {
        gm__chunk buf;
        k = last - i < step ? last - i : step;
        char *out = j->out + i * es, *to = j->add ? buf.bytes : out;
        j->fn(j->ctx, j->f64, k, to, j->a + i * es, j->b + i * es);
        if (j->g) gm__k2(j->ctx, j->f64, GM__B_MUL, k, to, to, j->g + i * es, GM__VV, NULL);
        else gm__kaffine(j->ctx, j->f64, k, to, to, j->scale, 0);
        if (j->add) gm__k2(j->ctx, j->f64, GM__B_ADD, k, out, out, to, GM__VV, NULL);
    }
}

gm_status gm__loss_grad(gm_tape *t, const gm__node *n, gm_tensor *gy, int i, gm__loss_fn *slope)
{
    bool add;
    gm_tensor *a = gm__tape_contiguous(t, n->in[0]), *b = a ? gm__tape_contiguous(t, n->in[1]) : NULL;
    gm_tensor *g = b ? gm__grad_into(t, n, i, &add) : NULL;
    if (!g) return gm__recorded(t);
    job j = {.ctx = t->ctx, .f64 = gm__f64_of(a), .add = add, .fn = slope, .out = g->data, .a = a->data, .b = b->data, .n = (size_t)a->size};
    if (n->attr.i[0] == GM_NONE) j.g = gy->data;
    else j.scale = gm__load(j.f64, gy->data) / (n->attr.i[0] == GM_MEAN ? (double)j.n : 1);
    gm__ranges(t->ctx, j.n, 1, slopes, &j);
    return GM_OK;
}

gm_tensor *gm__loss_gy(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    return n->attr.i[0] == GM_MEAN ? gm__scale(t, gy, 1 / (double)n->in[0]->size) : gy;
}

gm_tensor *gm__loss(gm_tape *t, const gm__op *op, gm_tensor *x, gm_tensor *y, int32_t reduce)
{
    gm_tensor *in[2] = {x, y};
    gm__attr a = {.i = {reduce}};
    return gm__apply(t, op, in, 2, &a);
}
