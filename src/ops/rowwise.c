/* rowwise.c - walks rows of equally shaped inputs, which may be views repeated by strides of 0. */
#include "ops/rowwise.h"

gm_status gm__row_infer(gm__call *c)
{
    GM__TRY(gm__infer_alike(c));
    if (c->out->ndim < 1) return gm__fail(c->err, GM_ESHAPE, "%s: a number has no last axis to sum over", c->op->name);
    c->out->ndim--;
    return GM_OK;
}

typedef struct job {
    gm_ctx *ctx;
    bool f64, add;
    int nin, input, lead;
    size_t cols;
    const gm_tensor *in[3];
    gm__row_fn *fn;
    gm__row_slope_fn *slope;
    char *out;
    const char *g;
} job;

/* the last axis of each input must be without gaps; leading axes may be anything */
static gm_status prepare(gm_tape *t, job *j, int nin, gm_tensor *const *in)
{
    j->ctx = t->ctx;
    j->f64 = gm__f64_of(in[0]);
    j->nin = nin;
    j->lead = in[0]->ndim - 1;
    j->cols = (size_t)in[0]->shape[j->lead];
    for (int i = 0; i < nin; i++) {
        j->in[i] = in[i]->stride[j->lead] == 1 || j->cols == 1 ? in[i] : gm__tape_contiguous(t, in[i]);
        if (!j->in[i]) return gm__recorded(t);
    }
    return GM_OK;
}

static const char *row_of(const gm_tensor *x, int lead, size_t row, size_t cols)
{
    size_t es = gm__esize(x->dtype);
    if (x->contiguous) return x->data + row * cols * es;
    int64_t at = 0, r = (int64_t)row;
    for (int i = lead - 1; i >= 0; i--) {
        at += r % x->shape[i] * x->stride[i];
        r /= x->shape[i];
    }
    return x->data + (size_t)at * es;
}

static void sums(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, step = gm__chunk_len(j->f64);
    for (size_t r = first; r < last; r++) {
        const char *p[3] = {0};
        const void *in[3] = {0};
        double sum = 0;
        for (int i = 0; i < j->nin; i++) p[i] = row_of(j->in[i], j->lead, r, j->cols);
        for (size_t c = 0, k; c < j->cols; c += k) {
            k = j->cols - c < step ? j->cols - c : step;
            for (int i = 0; i < j->nin; i++) in[i] = p[i] + c * es;
            sum += j->fn(j->ctx, j->f64, k, in);
        }
        gm__store(j->f64, j->out + r * es, sum);
    }
}

gm_status gm__row_forward(gm__call *c, gm__row_fn *fn)
{
    job j = {.fn = fn, .out = c->out->data};
    GM__TRY(prepare(c->t, &j, c->nin, c->in));
    gm__ranges(c->ctx, (size_t)c->out->size, j.cols, sums, &j);
    return GM_OK;
}

static void slopes(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, step = gm__chunk_len(j->f64);
    for (size_t r = first; r < last; r++) {
        const char *p[3] = {0};
        const void *in[3] = {0};
        double g = gm__load(j->f64, j->g + r * es);
        for (int i = 0; i < j->nin; i++) p[i] = row_of(j->in[i], j->lead, r, j->cols);
        for (size_t c = 0, k; c < j->cols; c += k) {
            gm__chunk buf;
            k = j->cols - c < step ? j->cols - c : step;
            for (int i = 0; i < j->nin; i++) in[i] = p[i] + c * es;
            char *out = j->out + (r * j->cols + c) * es, *to = j->add ? buf.bytes : out;
            j->slope(j->ctx, j->f64, k, j->input, to, in);
            gm__kaffine(j->ctx, j->f64, k, to, to, g, 0);
            if (j->add) gm__k2(j->ctx, j->f64, GM__B_ADD, k, out, out, to, GM__VV, NULL);
        }
    }
}

gm_status gm__row_grad(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm__row_slope_fn *slope)
{
    job j = {.slope = slope, .g = gy->data};
    GM__TRY(prepare(t, &j, n->nin, n->in));
    for (int i = 0; i < n->nin; i++) {
        if (!want[i]) continue;
        gm_tensor *g = gm__grad_into(t, n, i, &j.add);
        if (!g) return gm__recorded(t);
        j.input = i;
        j.out = g->data;
        gm__ranges(t->ctx, (size_t)gy->size, j.cols, slopes, &j);
    }
    return GM_OK;
}

gm_tensor *gm__row_gy(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    int64_t shape[GM_MAX_DIMS];
    int nd = n->in[0]->ndim;
    for (int i = 0; i < nd; i++) shape[i] = i == nd - 1 ? 1 : n->in[0]->shape[i];
    return gm_reshape(t, gy, nd, shape);
}

gm_tensor *gm__row_apply(gm_tape *t, const gm__op *op, gm_tensor **in, int n)
{
    if (!gm__expand_all(t, op->name, in, n)) return NULL;
    return gm__apply(t, op, in, n, NULL);
}
