/* reduce.c - what reductions over one axis or all share. */
#include "ops/reduce.h"

#include <math.h>
#include <string.h>

static int normal(int64_t axis, int ndim) { return (int)(axis < 0 ? axis + ndim : axis); }

gm_status gm__infer_reduce(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    int64_t axis = c->attr->i[0];
    bool keep = c->attr->i[1] != 0;
    int nd = 0;
    int64_t shape[GM_MAX_DIMS];
    GM__TRY(gm__want_float(c));
    if (axis != GM_ALL_AXES && (axis = gm__axis(c, axis, x->ndim)) < 0) return GM_ESHAPE;
    for (int i = 0; i < x->ndim; i++) {
        bool gone = axis == GM_ALL_AXES || axis == i;
        if (!gone || keep) shape[nd++] = gone ? 1 : x->shape[i];
    }
    gm__out_shape(c, x->dtype, nd, shape);
    return GM_OK;
}

gm_status gm__infer_reduce_some(gm__call *c)
{
    char text[128];
    const gm_tensor *x = c->in[0];
    GM__TRY(gm__infer_reduce(c));
    gm__axes a = gm__axes_of(x, c->attr->i[0]);
    if (a.n == 0 && a.outer * a.inner > 0)
        return gm__fail(c->err, GM_ESHAPE, "%s: of nothing: shape %s", c->op->name, gm__shape_text(text, x->ndim, x->shape));
    return GM_OK;
}

gm__axes gm__axes_of(const gm_tensor *x, int64_t axis)
{
    gm__axes a = {1, 1, 1};
    if (axis == GM_ALL_AXES) {
        a.n = (size_t)x->size;
        return a;
    }
    int k = normal(axis, x->ndim);
    for (int i = 0; i < x->ndim; i++) *(i < k ? &a.outer : i == k ? &a.n : &a.inner) *= (size_t)x->shape[i];
    return a;
}

gm_tensor *gm__reduce(gm_tape *t, const gm__op *op, gm_tensor *x, int32_t axis, int32_t keep)
{
    gm__attr a = {.i = {axis, keep}};
    return gm__apply(t, op, &x, 1, &a);
}

gm_tensor *gm__unreduced(gm_tape *t, const gm__node *n, gm_tensor *y)
{
    const gm_tensor *x = n->in[0];
    int64_t shape[GM_MAX_DIMS];
    if (n->attr.i[1] || n->attr.i[0] == GM_ALL_AXES) return y; /* broadcasts as it is */
    int k = normal(n->attr.i[0], x->ndim);
    for (int i = 0; i < x->ndim; i++) shape[i] = i == k ? 1 : x->shape[i];
    return gm_reshape(t, y, x->ndim, shape);
}

void gm__unreduced_view(const gm__node *n, const gm_tensor *y, gm_tensor *view)
{
    const gm_tensor *x = n->in[0];
    int64_t axis = n->attr.i[0], step = 1;
    int k = axis == GM_ALL_AXES ? -1 : normal(axis, x->ndim);
    *view = *y;
    view->ndim = x->ndim;
    view->size = x->size;
    for (int i = x->ndim - 1; i >= 0; i--) {
        bool gone = axis == GM_ALL_AXES || i == k;
        view->shape[i] = x->shape[i];
        view->stride[i] = gone ? 0 : step;
        if (!gone) step *= x->shape[i];
    }
    view->contiguous = gm__is_contiguous(view->ndim, view->shape, view->stride);
}

/* ---- sums ------------------------------------------------------------------------- */

typedef struct job { gm_ctx *ctx; bool f64, smallest; gm__axes a; char *y; const char *x; } job;

static void sum_rows(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, n = j->a.n, inner = j->a.inner;
    for (size_t o = first; o < last; o++) {
        const void *x = j->x + o * n * inner * es;
        void *y = j->y + o * inner * es;
        if (inner == 1) gm__store(j->f64, y, gm__ksum(j->ctx, j->f64, n, x));
        else if (j->f64) j->ctx->kern->colsum_f64(n, inner, x, inner, y, false);
        else j->ctx->kern->colsum_f32(n, inner, x, inner, y, false);
    }
}

void gm__sum_axes(gm_ctx *ctx, bool f64, gm__axes a, void *y, const void *x)
{
    job j = {ctx, f64, false, a, y, x};
    if (a.outer == 0 || a.inner == 0) return;
    if (a.n == 0) memset(y, 0, a.outer * a.inner * (f64 ? 8 : 4));
    else if (a.outer == 1 && a.inner == 1) gm__store(f64, y, gm__sum(ctx, f64, a.n, x));
    else gm__ranges(ctx, a.outer, a.n * a.inner, sum_rows, &j);
}

/* ---- extremes ------------------------------------------------------------------------ */

/* of one line; the smallest is -max(-x) */
static double extreme(const job *j, size_t n, const char *x)
{
    if (!j->smallest) return gm__kmax(j->ctx, j->f64, n, x);
    gm__chunk buf;
    size_t es = j->f64 ? 8 : 4;
    double best = -INFINITY;
    for (size_t k; n > 0; n -= k, x += k * es) {
        k = n < gm__chunk_len(j->f64) ? n : gm__chunk_len(j->f64);
        gm__k1(j->ctx, j->f64, GM__U_NEG, k, buf.bytes, x, NULL);
        double v = gm__kmax(j->ctx, j->f64, k, buf.bytes);
        if (!(v <= best) && best == best) best = v; /* a NaN wins and stays */
    }
    return -best;
}

static void extreme_rows(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, n = j->a.n, inner = j->a.inner;
    int op = j->smallest ? GM__B_MIN : GM__B_MAX;
    for (size_t o = first; o < last; o++) {
        const char *x = j->x + o * n * inner * es;
        char *y = j->y + o * inner * es;
        if (inner == 1) {
            gm__store(j->f64, y, extreme(j, n, x));
        } else {
            memcpy(y, x, inner * es);
            for (size_t i = 1; i < n; i++) gm__k2(j->ctx, j->f64, op, inner, y, y, x + i * inner * es, GM__VV, NULL);
        }
    }
}

void gm__extreme_axes(gm_ctx *ctx, bool f64, gm__axes a, void *y, const void *x, bool smallest)
{
    job j = {ctx, f64, smallest, a, y, x};
    if (a.n > 0 && a.inner > 0) gm__ranges(ctx, a.outer, a.n * a.inner, extreme_rows, &j);
}

gm_tensor *gm__extreme_vjp(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    gm_tensor *x = n->in[0], *y = gm__unreduced(t, n, n->out);
    gm_tensor *mask = gm_cast(t, gm_eq(t, x, y), x->dtype);
    gm_tensor *count = gm__unreduced(t, n, gm_sum(t, mask, (int32_t)n->attr.i[0], (int32_t)n->attr.i[1]));
    return gm_mul(t, mask, gm_div(t, gm__unreduced(t, n, gy), count));
}
