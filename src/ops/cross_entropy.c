/* cross_entropy.c - -log softmax(x)[label] of each row. attr.i[0]: reduce. saved[0]: log sum e^x of each row. */
#include "ops/index.h"

#include <math.h>

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0], *label = c->in[1];
    char a[128], b[128];
    int64_t reduce = c->attr->i[0];
    GM__TRY(gm__index_type(c, label));
    if (!gm__is_float(x->dtype)) return gm__fail(c->err, GM_EDTYPE, "cross_entropy: logits are %s, f32 or f64 wanted", gm_dtype_name(x->dtype));
    if (x->ndim != 2 || label->ndim != 1 || label->shape[0] != x->shape[0])
        return gm__fail(c->err, GM_ESHAPE, "cross_entropy: logits [N, C] and labels [N] wanted: %s and %s", gm__shape_text(a, x->ndim, x->shape),
                        gm__shape_text(b, label->ndim, label->shape));
    if (reduce < GM_NONE || reduce > GM_SUM)
        return gm__fail(c->err, GM_EARG, "cross_entropy: reduce %lld is none of GM_NONE, GM_MEAN, GM_SUM", (long long)reduce);
    gm__out_shape(c, x->dtype, reduce == GM_NONE ? 1 : 0, x->shape);
    return GM_OK;
}

typedef struct job {
    gm_ctx *ctx;
    bool f64, add;
    size_t n;               /* classes */
    const int64_t *label;
    const char *x, *lse, *g; /* g NULL: one scale */
    double scale;
    char *out;              /* forward: lse; gradient: gx */
} job;

static void lse_rows(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, step = gm__chunk_len(j->f64);
    for (size_t r = first; r < last; r++) {
        gm__chunk buf;
        const char *x = j->x + r * j->n * es;
        double m = gm__kmax(j->ctx, j->f64, j->n, x), sum = 0;
        if (!isfinite(m)) m = 0;
        for (size_t i = 0, k; i < j->n; i += k) {
            k = j->n - i < step ? j->n - i : step;
            gm__kaffine(j->ctx, j->f64, k, buf.bytes, x + i * es, 1, -m);
            gm__k1(j->ctx, j->f64, GM__U_EXP, k, buf.bytes, buf.bytes, NULL);
            sum += gm__ksum(j->ctx, j->f64, k, buf.bytes);
        }
        gm__store(j->f64, j->out + r * es, m + log(sum));
    }
}

static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]), *lse = x ? gm__tape_tensor(c->t, x->dtype, 1, x->shape) : NULL;
    if (!lse) return gm__recorded(c->t);
    job j = {.ctx = c->ctx, .f64 = gm__f64_of(x), .n = (size_t)x->shape[1], .x = x->data, .out = lse->data};
    size_t rows = (size_t)x->shape[0], es = gm__esize(x->dtype);
    double sum = 0;
    GM__TRY(gm__index_read(c->t, "cross_entropy", c->in[1], x->shape[1], &j.label));
    gm__ranges(c->ctx, rows, j.n, lse_rows, &j);
    for (size_t r = 0; r < rows; r++) {
        double loss = gm__load(j.f64, lse->data + r * es) - gm__load(j.f64, x->data + (r * j.n + (size_t)j.label[r]) * es);
        if (c->attr->i[0] == GM_NONE) gm__store(j.f64, c->out->data + r * es, loss);
        sum += loss;
    }
    if (c->attr->i[0] != GM_NONE) gm__store(j.f64, c->out->data, c->attr->i[0] == GM_MEAN ? sum / (double)rows : sum);
    if (c->node) c->node->saved[0] = lse;
    return GM_OK;
}

/* gx = (softmax(x) - onehot(label)) g */
static void grad_rows(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, step = gm__chunk_len(j->f64);
    for (size_t r = first; r < last; r++) {
        double g = j->g ? gm__load(j->f64, j->g + r * es) : j->scale, lse = gm__load(j->f64, j->lse + r * es);
        char *gx = j->out + r * j->n * es, *at = gx + (size_t)j->label[r] * es;
        for (size_t i = 0, k; i < j->n; i += k) {
            gm__chunk buf;
            k = j->n - i < step ? j->n - i : step;
            char *to = j->add ? buf.bytes : gx + i * es;
            gm__kaffine(j->ctx, j->f64, k, to, j->x + (r * j->n + i) * es, 1, -lse);
            gm__k1(j->ctx, j->f64, GM__U_EXP, k, to, to, NULL);
            gm__kaffine(j->ctx, j->f64, k, to, to, g, 0);
            if (j->add) gm__k2(j->ctx, j->f64, GM__B_ADD, k, gx + i * es, gx + i * es, to, GM__VV, NULL);
        }
        gm__store(j->f64, at, gm__load(j->f64, at) - g);
    }
}
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    gm_tensor *x = gm__tape_contiguous(t, n->in[0]), *g;
    job j = {.ctx = t->ctx, .f64 = gm__f64_of(gy)};
    if (!want[0]) return GM_OK;
    if (!x) return gm__recorded(t);
    GM__TRY(gm__index_read(t, "cross_entropy", n->in[1], x->shape[1], &j.label));
    if (!(g = gm__grad_into(t, n, 0, &j.add))) return gm__recorded(t);
    j.n = (size_t)x->shape[1];
    j.x = x->data;
    j.lse = n->saved[0]->data;
    j.out = g->data;
    if (n->attr.i[0] == GM_NONE) j.g = gy->data;
    else j.scale = gm__load(j.f64, gy->data) / (n->attr.i[0] == GM_MEAN ? (double)x->shape[0] : 1);
    gm__ranges(t->ctx, (size_t)x->shape[0], j.n, grad_rows, &j);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    const gm_tensor *x = n->in[0];
    const int64_t *label;
    int64_t column[2] = {x->shape[0], 1};
    if (!want[0]) return;
    gm_tensor *hot = gm_zeros(t, x->dtype, 2, x->shape);
    if (!hot || gm__index_read(t, "cross_entropy", n->in[1], x->shape[1], &label)) return;
    for (int64_t r = 0; r < x->shape[0]; r++) gm__store(gm__f64_of(x), hot->data + (size_t)(r * x->shape[1] + label[r]) * gm__esize(x->dtype), 1);
    gm_tensor *g = n->attr.i[0] == GM_NONE   ? gm_reshape(t, gy, 2, column)
                   : n->attr.i[0] == GM_MEAN ? gm__scale(t, gy, 1 / (double)x->shape[0])
                                             : gy;
    gx[0] = gm_mul(t, gm_sub(t, gm_softmax(t, n->in[0], -1), hot), g);
}
const gm__op gm__op_cross_entropy = {"cross_entropy", 2, 0, infer, forward, vjp, fused,
    "7,5 7:k5 i=0 | 7,5 7:K5 i=1 | 7,17 7:k17 i=2 | 1,1 1:k1 i=1 | 0,3 0:k3 i=2 | 4,6:t 4:k6 i=1 | 5,9:s 5:k9s i=0 | 2,300 2:k300 i=1 | "
    "17,7:ts 17:K7 i=0 | 33,2 33:k2 i=1 | 1,5:s 1:k5 i=2 | 3,1 3:k1 i=0"};

gm_tensor *gm_cross_entropy(gm_tape *t, gm_tensor *x, gm_tensor *label, int32_t reduce)
{
    gm_tensor *in[2] = {x, label};
    gm__attr a = {.i = {reduce}};
    return gm__apply(t, &gm__op_cross_entropy, in, 2, &a);
}
