/* gradcheck.c - gradients of an expression against central finite differences. */
#include "tape/tape.h"
#include <string.h>

typedef struct {
    gm_ctx *ctx;
    gm_tape *t;
    gm_expression fn;
    void *user;
    gm_tensor *const *inputs;
    int32_t n;
    gm_tensor **grads; /* [n], handles on the tape */
    double *analytic;  /* of all inputs, one after another */
    int64_t total;     /* elements of all inputs */
    double worst;
} checker;

static double magnitude(double x) { return x < 0 ? -x : x; }

/* Element i (row-major) of a tensor that may have strides. */
static double *element(const gm_tensor *x, int64_t i)
{
    double *p = gm__f64(x);
    for (int d = x->ndim - 1; d >= 0; d--) {
        p += i % x->shape[d] * x->stride[d];
        i /= x->shape[d];
    }
    return p;
}

/* sum over k of <v_k, g_k>: v is drawn once and for all by position. */
static gm_tensor *project(checker *c)
{
    const gm__tape_ops *ops = &gm__tape_ops_table;
    gm_tensor *sum = NULL;
    for (int32_t k = 0; k < c->n; k++) {
        const gm_tensor *x = c->inputs[k];
        gm_tensor *v = gm__tape_tensor(c->t, GM_F64, x->ndim, x->shape);
        if (!v) return NULL;
        gm__rng r = gm__rng_make(gm__stream_make(0, GM__R_GRADCHECK, (uint32_t)k, 0));
        for (int64_t i = 0; i < v->size; i++) gm__f64(v)[i] = 2 * gm__rng_unit(&r) - 1;
        gm_tensor *part = ops->sum_all(c->t, ops->mul(c->t, c->grads[k], v));
        sum = sum ? ops->add(c->t, sum, part) : part;
    }
    return sum;
}

/* The number under test: the expression, or for order 2 the projection of its gradients. */
static gm_tensor *build(checker *c, int32_t order, bool record)
{
    gm_tape_reset(c->t);
    gm_tape_seed(c->t, 1); /* draws repeat */
    gm_tape_recording(c->t, record || order == 2);
    gm_tensor *y = c->fn(c->t, c->inputs, c->n, c->user);
    if (!y) return gm__tape_fail(c->t, GM_EARG, "gradcheck: the expression gave NULL");
    if (!gm__is(y, GM__TENSOR) || y->size != 1 || y->dtype != GM_F64)
        return gm__tape_fail(c->t, GM_ESHAPE, "gradcheck: the expression must give one f64 number");
    if (order == 1) return y;
    if (y->tape && !y->node) { /* a constant: so are its gradients */
        if ((y = gm__tape_tensor(c->t, GM_F64, 0, NULL))) *gm__f64(y) = 0;
        return y;
    }
    if (gm_tape_grad(c->t, y, c->inputs, c->n, 1, c->grads)) return NULL;
    return project(c);
}

static gm_status value(checker *c, int32_t order, double *out)
{
    gm_tensor *y = build(c, order, false);
    return y ? gm_tensor_item(y, out) : c->t->err.status;
}

static gm_status analytic(checker *c, int32_t order)
{
    gm_tensor *y = build(c, order, true);
    if (!y) return c->t->err.status;
    bool depends = y->wants_grad; /* a constant has gradient 0 */
    if (depends) GM__TRY(gm_tape_grad(c->t, y, c->inputs, c->n, 0, c->grads));
    double *to = c->analytic;
    for (int32_t k = 0; k < c->n; k++) {
        size_t bytes = (size_t)c->inputs[k]->size * sizeof(double);
        if (!depends && bytes) memset(to, 0, bytes);
        else if (depends) GM__TRY(gm_tensor_read(c->grads[k], to, bytes));
        to += c->inputs[k]->size;
    }
    return GM_OK;
}

static gm_status numeric(checker *c, int32_t order)
{
    const double *from = c->analytic;
    for (int32_t k = 0; k < c->n; k++) {
        gm_tensor *x = c->inputs[k];
        for (int64_t i = 0; i < x->size; i++) {
            double *e = element(x, i), was = *e, up = 0, down = 0, at = magnitude(was);
            double h = (order == 1 ? 1e-6 : 1e-5) * (at > 1 ? at : 1);
            volatile double hi = was + h, lo = was - h; /* the steps as they are after rounding */
            *e = hi;
            x->version++;
            gm_status s = value(c, order, &up);
            *e = lo;
            if (!s) s = value(c, order, &down);
            *e = was;
            if (s) return s;
            double a = *from++, d = (up - down) / (hi - lo), scale = 1;
            if (magnitude(a) > scale) scale = magnitude(a);
            if (magnitude(d) > scale) scale = magnitude(d);
            double error = magnitude(a - d) / scale;
            if (error != error || error > c->worst) c->worst = error; /* a NaN stays */
        }
    }
    return GM_OK;
}

static gm_status check_inputs(checker *c)
{
    gm__err *e = gm__ctx_err(c->ctx);
    for (int32_t k = 0; k < c->n; k++) {
        const gm_tensor *x = c->inputs[k];
        GM__TRY(gm__check_tensor(e, "gradcheck", "an input", x));
        if (x->dtype != GM_F64) return gm__fail(e, GM_EDTYPE, "gradcheck: input %d is %s; f64 is needed", (int)k, gm_dtype_name(x->dtype));
        if (x->tape || !x->wants_grad) return gm__fail(e, GM_EARG, "gradcheck: input %d is no leaf with gm_tensor_set_grad", (int)k);
        for (int d = 0; d < x->ndim; d++)
            if (x->stride[d] == 0 && x->shape[d] > 1) return gm__fail(e, GM_EARG, "gradcheck: elements of input %d share memory", (int)k);
        c->total += x->size;
    }
    return GM_OK;
}

gm_status gm_gradcheck(gm_ctx *ctx, gm_expression fn, void *user, gm_tensor *const *inputs, int32_t n, int32_t order, double *error)
{
    if (error) *error = 0;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!fn || n < 0 || (n > 0 && !inputs) || order < 1 || order > 2)
        return gm__fail_ctx(ctx, GM_EARG, "gradcheck: fn or inputs is NULL, or order %d is not 1 or 2", (int)order);
    checker c = {.ctx = ctx, .fn = fn, .user = user, .inputs = inputs, .n = n};
    GM__TRY(check_inputs(&c));

    gm_status s = gm_tape_new(ctx, 1, &c.t);
    if (s) goto done;
    c.grads = gm__calloc(ctx, (size_t)n + 1, sizeof *c.grads);
    c.analytic = gm__alloc(ctx, (size_t)c.total + 1, sizeof *c.analytic);
    if (!c.grads || !c.analytic) {
        s = gm__fail_ctx(ctx, GM_ENOMEM, "gradcheck: out of memory or over the memory cap");
        goto done;
    }
    for (int32_t k = 1; k <= order && !s; k++) {
        s = analytic(&c, k);
        if (!s) s = numeric(&c, k);
    }
    if (!s && error) *error = c.worst;
done:
    gm__free(ctx, c.analytic);
    gm__free(ctx, c.grads);
    gm_tape_free(c.t);
    return s;
}
