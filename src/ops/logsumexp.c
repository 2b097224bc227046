/* logsumexp.c - log sum e^x over an axis or all, shifted by the maximum. attr.i: axis, keep. */
#include "ops/reduce.h"

#include <math.h>

typedef struct job { gm_ctx *ctx; bool f64; gm__axes a; char *y; const char *x; } job;

/* An infinite maximum needs no shift, and one would make NaN of inf - inf. */
static double shift_of(double max) { return isfinite(max) ? max : 0; }

/* one row of n in a line */
static double row(const job *j, const char *x, size_t n)
{
    gm__chunk buf;
    size_t es = j->f64 ? 8 : 4;
    double m = shift_of(gm__kmax(j->ctx, j->f64, n, x)), sum = 0;
    for (size_t k; n > 0; n -= k, x += k * es) {
        k = n < gm__chunk_len(j->f64) ? n : gm__chunk_len(j->f64);
        gm__kaffine(j->ctx, j->f64, k, buf.bytes, x, 1, -m);
        gm__k1(j->ctx, j->f64, GM__U_EXP, k, buf.bytes, buf.bytes, NULL);
        sum += gm__ksum(j->ctx, j->f64, k, buf.bytes);
    }
    return m + log(sum);
}

/* k columns side by side */
static void columns(const job *j, char *y, const char *x, size_t k)
{
    gm__chunk max, e, sum;
    size_t es = j->f64 ? 8 : 4, ld = j->a.inner * es;
    gm__k1(j->ctx, j->f64, GM__U_COPY, k, max.bytes, x, NULL);
    for (size_t i = 1; i < j->a.n; i++) gm__k2(j->ctx, j->f64, GM__B_MAX, k, max.bytes, max.bytes, x + i * ld, GM__VV, NULL);
    for (size_t c = 0; c < k; c++) gm__store(j->f64, max.bytes + c * es, shift_of(gm__load(j->f64, max.bytes + c * es)));
    for (size_t i = 0; i < j->a.n; i++) {
        gm__k2(j->ctx, j->f64, GM__B_SUB, k, e.bytes, x + i * ld, max.bytes, GM__VV, NULL);
        gm__k1(j->ctx, j->f64, GM__U_EXP, k, e.bytes, e.bytes, NULL);
        if (i == 0) gm__k1(j->ctx, j->f64, GM__U_COPY, k, sum.bytes, e.bytes, NULL);
        else gm__k2(j->ctx, j->f64, GM__B_ADD, k, sum.bytes, sum.bytes, e.bytes, GM__VV, NULL);
    }
    gm__k1(j->ctx, j->f64, GM__U_LOG, k, sum.bytes, sum.bytes, NULL);
    gm__k2(j->ctx, j->f64, GM__B_ADD, k, y, max.bytes, sum.bytes, GM__VV, NULL);
}

static void rows(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, inner = j->a.inner, step = gm__chunk_len(j->f64);
    for (size_t o = first; o < last; o++) {
        const char *x = j->x + o * j->a.n * inner * es;
        char *y = j->y + o * inner * es;
        if (inner == 1) gm__store(j->f64, y, row(j, x, j->a.n));
        else
            for (size_t c = 0; c < inner; c += step) columns(j, y + c * es, x + c * es, inner - c < step ? inner - c : step);
    }
}

static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    job j = {c->ctx, gm__f64_of(x), gm__axes_of(x, c->attr->i[0]), c->out->data, x->data};
    double p[2] = {-INFINITY, 0};
    if (j.a.n == 0) gm__ew1(c->ctx, GM__U_FILL, c->out, c->out, p, false);
    else if (j.a.inner > 0) gm__ranges(c->ctx, j.a.outer, j.a.n * j.a.inner, rows, &j);
    return GM_OK;
}
/* gx = gy softmax(x) = gy e^(x-y) */
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    gm_tensor view, *g = gm__grad_tmp(t, n, 0);
    GM__UNUSED(want);
    if (!g) return gm__recorded(t);
    gm__unreduced_view(n, n->out, &view);
    gm__ew2(t->ctx, GM__B_SUB, g, n->in[0], &view, NULL, false);
    gm__ew1(t->ctx, GM__U_EXP, g, g, NULL, false);
    gm__unreduced_view(n, gy, &view);
    gm__ew2(t->ctx, GM__B_MUL, g, g, &view, NULL, false);
    return gm__grad_give(t, n, 0, g);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gm_tensor *p = gm_exp(t, gm_sub(t, n->in[0], gm__unreduced(t, n, n->out)));
    gx[0] = gm_mul(t, p, gm__unreduced(t, n, gy));
}
const gm__op gm__op_logsumexp = {"logsumexp", 1, 0, gm__infer_reduce, forward, vjp, fused, GM__REDUCE_SAMPLES};

gm_tensor *gm_logsumexp(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep) { return gm__reduce(t, &gm__op_logsumexp, x, axis, keep); }
