/* elementwise.c - the loops under every elementwise op: contiguous arrays go to
 * the kernels whole, others in inner loops or through small buffers. */
#include "ops/elementwise.h"

#include <string.h>

enum { RANGE = 16384, WORTH = 65536 };

typedef struct ranges { gm__range_fn *fn; void *arg; size_t n, step; } ranges;

static void ranges_task(void *arg, size_t task, size_t worker)
{
    const ranges *r = arg;
    size_t first = task * r->step, last = r->n - first > r->step ? first + r->step : r->n;
    GM__UNUSED(worker);
    r->fn(r->arg, first, last);
}

void gm__ranges(gm_ctx *ctx, size_t n, size_t cost, gm__range_fn *fn, void *arg)
{
    if (n == 0) return;
    if (cost == 0) cost = 1;
    if (n < WORTH / cost + 1 || n == 1) {
        fn(arg, 0, n);
        return;
    }
    ranges r = {fn, arg, n, cost >= RANGE ? 1 : RANGE / cost};
    gm__parallel(ctx, (n + r.step - 1) / r.step, ranges_task, &r);
}

/* ---- contiguous runs ----------------------------------------------------------- */

typedef struct job {
    gm_ctx *ctx;
    bool f64, add;
    int op, mode;
    char *y;
    const char *a, *b; /* b NULL: a unary kernel */
    const double *p;
} job;

static void kernel(const job *j, size_t n, void *y, const char *a, const char *b)
{
    if (j->b) gm__k2(j->ctx, j->f64, j->op, n, y, a, b, j->mode, j->p);
    else gm__k1(j->ctx, j->f64, j->op, n, y, a, j->p);
}

static void run(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, n = last - first;
    char *y = j->y + first * es;
    const char *a = j->mode == GM__SV ? j->a : j->a + first * es;
    const char *b = !j->b || j->mode == GM__VS ? j->b : j->b + first * es;
    if (!j->add) {
        kernel(j, n, y, a, b);
        return;
    }
    gm__chunk buf;
    for (size_t m; n > 0; n -= m) {
        m = n < GM__CHUNK_BYTES / es ? n : GM__CHUNK_BYTES / es;
        kernel(j, m, buf.bytes, a, b);
        gm__k2(j->ctx, j->f64, GM__B_ADD, m, y, y, buf.bytes, GM__VV, NULL);
        y += m * es;
        if (j->mode != GM__SV) a += m * es;
        if (j->b && j->mode != GM__VS) b += m * es;
    }
}

/* ---- strided inner loops --------------------------------------------------------- */

static void pick(bool f64, size_t n, gm__chunk *to, const char *from, int64_t stride)
{
    if (f64)
        for (size_t i = 0; i < n; i++) to->f64[i] = *(const double *)(const void *)(from + (int64_t)i * stride);
    else
        for (size_t i = 0; i < n; i++) to->f32[i] = *(const float *)(const void *)(from + (int64_t)i * stride);
}

static void inner_loop(job *j, size_t n, char *const *ptr, const int64_t *stride)
{
    int64_t es = j->f64 ? 8 : 4, sa = stride[1], sb = j->b ? stride[2] : es;
    if (n == 1) sa = sb = es;
    j->y = ptr[0];
    j->a = ptr[1];
    if (j->b) j->b = ptr[2];
    j->mode = GM__VV;
    if (sa == es && sb == es) {
        run(j, 0, n);
    } else if (j->b && sa == 0 && sb == es) {
        j->mode = GM__SV;
        run(j, 0, n);
    } else if (j->b && sa == es && sb == 0) {
        j->mode = GM__VS;
        run(j, 0, n);
    } else {
        gm__chunk a, b;
        const char *pa = j->a, *pb = j->b;
        for (size_t m; n > 0; n -= m) {
            m = n < gm__chunk_len(j->f64) ? n : gm__chunk_len(j->f64);
            pick(j->f64, m, &a, pa, sa);
            if (pb) pick(j->f64, m, &b, pb, sb);
            j->a = a.bytes;
            if (pb) j->b = b.bytes;
            run(j, 0, m);
            j->y += (int64_t)m * es;
            pa += (int64_t)m * sa;
            if (pb) pb += (int64_t)m * sb;
        }
    }
}

static void walk(job *j, const gm_tensor *y, const gm_tensor *a, const gm_tensor *b)
{
    const gm_tensor *ops[3] = {y, a, b};
    int64_t es = j->f64 ? 8 : 4;
    gm__walk w;
    gm__walk_init(&w, y->ndim, y->shape, b ? 3 : 2, ops);
    do {
        if (w.istride[0] == es || w.inner == 1) {
            inner_loop(j, (size_t)w.inner, w.ptr, w.istride);
        } else {
            char *p[3] = {w.ptr[0], w.ptr[1], b ? w.ptr[2] : NULL};
            for (int64_t i = 0; i < w.inner; i++) {
                inner_loop(j, 1, p, w.istride);
                for (int k = 0; k < w.nops; k++) p[k] += w.istride[k];
            }
        }
    } while (gm__walk_next(&w));
}

/* One number stands for the whole operand. */
static bool is_number(const gm_tensor *x) { return x->size == 1; }
static bool is_array(const gm_tensor *x, const gm_tensor *y) { return x->contiguous && x->size == y->size; }

void gm__ew1(gm_ctx *ctx, int op, const gm_tensor *y, const gm_tensor *x, const double *p, bool add)
{
    job j = {ctx, gm__f64_of(y), add, op, GM__VV, y->data, x->data, NULL, p};
    if (y->size == 0) return;
    if (is_array(x, y)) gm__ranges(ctx, (size_t)y->size, 1, run, &j);
    else walk(&j, y, x, NULL);
}

void gm__ew2(gm_ctx *ctx, int op, const gm_tensor *y, const gm_tensor *a, const gm_tensor *b, const double *p, bool add)
{
    job j = {ctx, gm__f64_of(y), add, op, GM__VV, y->data, a->data, b->data, p};
    if (y->size == 0) return;
    bool va = is_array(a, y), vb = is_array(b, y);
    if (va && !vb && is_number(b)) j.mode = GM__VS;
    else if (vb && !va && is_number(a)) j.mode = GM__SV;
    else if (!va || !vb) {
        walk(&j, y, a, b);
        return;
    }
    gm__ranges(ctx, (size_t)y->size, 1, run, &j);
}

/* ---- whole ops --------------------------------------------------------------------- */

gm_status gm__unary_forward(gm__call *c, int op)
{
    gm__ew1(c->ctx, op, c->out, c->in[0], c->attr ? c->attr->f : NULL, false);
    return GM_OK;
}

gm_status gm__unary_grad(gm_tape *t, const gm__node *n, gm_tensor *gy, int op_g, const gm_tensor *of)
{
    bool add;
    gm_tensor *g = gm__grad_into(t, n, 0, &add);
    if (!g) return gm__recorded(t);
    gm__ew2(t->ctx, op_g, g, gy, of, n->attr.f, add);
    return GM_OK;
}

gm_status gm__binary_forward(gm__call *c, int op)
{
    gm__ew2(c->ctx, op, c->out, c->in[0], c->in[1], NULL, false);
    return GM_OK;
}

gm_status gm__binary_grad(gm_tape *t, const gm__node *n, int i, gm_tensor *gy, int op_g, const gm_tensor *of)
{
    bool add = false;
    bool direct = gm__shape_equal(n->in[i], gy);
    gm_tensor *g = direct ? gm__grad_into(t, n, i, &add) : gm__tape_tensor(t, gy->dtype, gy->ndim, gy->shape);
    if (!g) return gm__recorded(t);
    gm__ew2(t->ctx, op_g, g, gy, of, n->attr.f, add);
    return direct ? GM_OK : gm__grad_give(t, n, i, g);
}

gm_status gm__affine_grad(gm_tape *t, const gm__node *n, int i, gm_tensor *gy, double a)
{
    double p[2] = {a, 0};
    bool add = false;
    if (a == 1) return gm__grad_give(t, n, i, gy);
    bool direct = gm__shape_equal(n->in[i], gy);
    gm_tensor *g = direct ? gm__grad_into(t, n, i, &add) : gm__tape_tensor(t, gy->dtype, gy->ndim, gy->shape);
    if (!g) return gm__recorded(t);
    gm__ew1(t->ctx, GM__U_AFFINE, g, gy, p, add);
    return direct ? GM_OK : gm__grad_give(t, n, i, g);
}
