/* resample.c - averages over windows, enlarging, reducing: linear maps of each axis of an image.
 * Input [N,H,W,C]. attr.i: [0] GM__R_*, [1] transpose, [2..6] and [7..11] in, out, window, stride, padding of H and of W. */
#include "ops/window.h"

#include <string.h>

enum { MODE, TRANSPOSE, AXIS };

static void spans_of(const gm__attr *a, gm__span axes[2])
{
    for (int d = 0; d < 2; d++) {
        const int64_t *v = &a->i[AXIS + 5 * d];
        axes[d] = (gm__span){v[0], v[1], v[2], v[3], v[4]};
    }
}

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    gm__span axes[2];
    char a[128];
    GM__TRY(gm__infer_same(c));
    if (x->ndim != 4) return gm__fail(c->err, GM_ESHAPE, "resample: x [N, H, W, C] wanted, got %s", gm__shape_text(a, x->ndim, x->shape));
    spans_of(c->attr, axes);
    for (int d = 0; d < 2; d++) {
        bool back = c->attr->i[TRANSPOSE] != 0;
        int64_t from = back ? axes[d].out : axes[d].in;
        if (x->shape[1 + d] != from)
            return gm__fail(c->err, GM_ESHAPE, "resample: size %lld of axis %d is not %lld", (long long)x->shape[1 + d], 1 + d, (long long)from);
        c->out->shape[1 + d] = back ? axes[d].in : axes[d].out;
    }
    return GM_OK;
}

typedef struct job {
    gm_ctx *ctx;
    bool f64;
    size_t channels, in_rows, in_width;
    gm__taps rows, columns;
    char *y;
    const char *x;
} job;

static void taps(const job *j, size_t rows, size_t n, char *y, const char *x, const gm__taps *m, size_t first)
{
    if (j->f64) j->ctx->kern->taps_f64(rows, n, (double *)(void *)y, (const double *)(const void *)x, m->from + first, m->at + first, m->w);
    else j->ctx->kern->taps_f32(rows, n, (float *)(void *)y, (const float *)(const void *)x, m->from + first, m->at + first, m->w);
}

/* One row of pixels: the rows of x under it are summed to one, then that along its width. */
static void task(void *arg, size_t i, size_t worker)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, image = i / j->rows.rows, r = i % j->rows.rows, line = j->in_width * j->channels;
    const char *x = j->x + image * j->in_rows * line * es;
    char *y = j->y + i * j->columns.rows * j->channels * es;
    if (j->columns.identity) {
        taps(j, 1, line, y, x, &j->rows, r);
    } else if (j->rows.identity) {
        taps(j, j->columns.rows, j->channels, y, x + r * line * es, &j->columns, 0);
    } else {
        char *sum = gm__scratch(j->ctx, worker, line * es); /* run has made it */
        taps(j, 1, line, sum, x, &j->rows, r);
        taps(j, j->columns.rows, j->channels, y, sum, &j->columns, 0);
    }
}

enum { WORTH = 16384 }; /* elements that a second thread is worth */

static gm_status run(gm_tape *t, const gm__attr *a, bool transpose, gm_tensor *y, const gm_tensor *x)
{
    gm__span axes[2];
    job j = {.ctx = t->ctx, .f64 = gm__f64_of(y), .y = y->data, .x = x->data, .channels = (size_t)y->shape[3], .in_rows = (size_t)x->shape[1],
             .in_width = (size_t)x->shape[2]};
    if (y->size == 0) return GM_OK;
    spans_of(a, axes);
    int mode = (int)a->i[MODE];
    if (!gm__taps_make(t, mode, transpose, &axes[0], j.f64, &j.rows) || !gm__taps_make(t, mode, transpose, &axes[1], j.f64, &j.columns))
        return gm__recorded(t);
    size_t tasks = (size_t)y->shape[0] * j.rows.rows, need = j.in_width * j.channels * (j.f64 ? 8 : 4);
    bool spread = x->size + y->size >= WORTH;
    for (size_t w = 0; w < (spread ? gm__workers(t->ctx) : 1); w++)
        if (!gm__scratch(t->ctx, w, need)) return gm__fail(&t->err, GM_ENOMEM, "resample: no memory for scratch");
    if (spread) gm__parallel(t->ctx, tasks, task, &j);
    else
        for (size_t i = 0; i < tasks; i++) task(&j, i, 0);
    return GM_OK;
}

static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    return x ? run(c->t, c->attr, c->attr->i[TRANSPOSE] != 0, c->out, x) : gm__recorded(c->t);
}
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    GM__UNUSED(want);
    gm_tensor *g = gm__grad_tmp(t, n, 0);
    if (!g) return gm__recorded(t);
    GM__TRY(run(t, &n->attr, !n->attr.i[TRANSPOSE], g, gy));
    return gm__grad_give(t, n, 0, g);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm__attr a = n->attr;
    GM__UNUSED(want);
    a.i[TRANSPOSE] = !a.i[TRANSPOSE];
    gx[0] = gm__apply(t, n->op, &gy, 1, &a);
}
const gm__op gm__op_resample = {"resample", 1, 0, infer, forward, vjp, fused,
    "2,3,5,4 i=0,0,3,7,0,0,0,5,4 | 1,7,1,17 i=1,0,7,13,0,0,0,1,3 | 2,4,5,1:t i=2,0,4,9,0,0,0,5,5 | 1,17,7,3 i=2,0,17,6,0,0,0,7,20 | "
    "3,7,5,2:s i=3,0,7,4,3,2,1,5,2,2,2,0 | 1,7,9,1 i=4,0,7,4,3,2,1,9,9,3,1,1 | 2,7,5,3 i=3,0,7,3,0,0,0,5,7,0,0,0 | "
    "1,9,6,2 i=5,0,9,5,0,0,0,6,3 | 2,1,2,3 i=5,0,1,1,0,0,0,2,1 | 1,5,3,2 i=6,0,5,9,0,0,0,3,6 | 2,1,1,1 i=6,0,1,1,0,0,0,1,2 | "
    "0,3,5,4 i=1,0,3,6,0,0,0,5,9 | 2,3,4,0 i=3,0,3,1,2,2,0,4,2,2,2,0 | 1,7,4,5 i=0,1,3,7,0,0,0,5,4 | 2,4,3,2:t i=1,1,7,4,0,0,0,2,3 | "
    "1,9,5,3 i=2,1,4,9,0,0,0,5,5 | 1,2,3,2 i=3,1,7,2,2,4,0,9,3,3,3,0 | 2,4,9,1 i=4,1,7,4,3,2,1,9,9,3,1,1 | 1,5,3,2 i=5,1,9,5,0,0,0,6,3 | "
    "1,9,6,2:s i=6,1,5,9,0,0,0,3,6 | 1,3,5,35 i=1,0,3,5,0,0,0,5,4 | "
    "1,12,11,2 i=7,0,12,2,11,1,0,11,1,11,1,0 | 2,2,3,1:s i=7,1,12,2,11,1,0,13,3,11,1,0"};

gm_tensor *gm__resample(gm_tape *t, gm_tensor *x, int mode, bool transpose, const gm__span axes[2])
{
    gm__attr a = {.i = {mode, transpose}};
    for (int d = 0; d < 2; d++) memcpy(&a.i[AXIS + 5 * d], (int64_t[]){axes[d].in, axes[d].out, axes[d].k, axes[d].s, axes[d].pad}, 5 * sizeof(int64_t));
    return x ? gm__apply(t, &gm__op_resample, &x, 1, &a) : NULL;
}
