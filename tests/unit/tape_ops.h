/* tape_ops.h - a handful of small ops, so that the tape is tested without the real ones. */
#ifndef TESTS_TAPE_OPS_H
#define TESTS_TAPE_OPS_H

#include "kernels/kernels.h"
#include "tape/diff.h"
#include "tape/tape.h"
#include <math.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-function" /* each test uses some of them */

static double get(const gm_tensor *x, const char *p) { return x->dtype == GM_F64 ? *(const double *)p : (double)*(const float *)p; }
static void put(const gm_tensor *x, char *p, double v)
{
    if (x->dtype == GM_F64) *(double *)p = v;
    else *(float *)p = (float)v;
}

static gm_status infer_two(gm__call *c)
{
    int n;
    if (c->in[0]->dtype != c->in[1]->dtype) return gm__fail(c->err, GM_EDTYPE, "%s: types differ", c->op->name);
    if (!gm__broadcast(c->in[0]->ndim, c->in[0]->shape, c->in[1]->ndim, c->in[1]->shape, &n, c->out->shape)) {
        char a[128], b[128];
        return gm__fail(c->err, GM_ESHAPE, "%s: shapes do not fit: %s and %s", c->op->name,
                        gm__shape_text(a, c->in[0]->ndim, c->in[0]->shape), gm__shape_text(b, c->in[1]->ndim, c->in[1]->shape));
    }
    c->out->ndim = (int8_t)n;
    c->out->dtype = c->in[0]->dtype;
    return GM_OK;
}
static gm_status infer_like(gm__call *c)
{
    c->out->dtype = c->in[0]->dtype;
    c->out->ndim = c->in[0]->ndim;
    memcpy(c->out->shape, c->in[0]->shape, sizeof c->out->shape);
    return GM_OK;
}
static gm_status infer_scalar(gm__call *c)
{
    c->out->dtype = c->in[0]->dtype;
    c->out->ndim = 0;
    return GM_OK;
}
/* attr: i[0..7] shape, i[8] ndim, i[9] dtype */
static gm_status infer_attr(gm__call *c)
{
    c->out->dtype = (int8_t)c->attr->i[9];
    c->out->ndim = (int8_t)c->attr->i[8];
    for (int i = 0; i < c->out->ndim; i++) c->out->shape[i] = c->attr->i[i];
    return GM_OK;
}
static gm__attr shape_attr(const gm_tensor *like)
{
    gm__attr a = {.i[8] = like->ndim, .i[9] = like->dtype};
    for (int i = 0; i < like->ndim; i++) a.i[i] = like->shape[i];
    return a;
}

static gm_tensor *t_mul(gm_tape *t, gm_tensor *a, gm_tensor *b);
static gm_tensor *t_sum_to(gm_tape *t, gm_tensor *x, const gm_tensor *like);
static gm_tensor *t_ones(gm_tape *t, const gm_tensor *like);

#define BROADCAST_FORWARD(NAME, EXPR)                                              \
    static gm_status NAME(gm__call *c)                                             \
    {                                                                              \
        const gm_tensor *ops[3] = {c->out, c->in[0], c->in[1]};                    \
        gm__walk w;                                                                \
        gm__walk_init(&w, c->out->ndim, c->out->shape, 3, ops);                    \
        if (w.inner == 0) return GM_OK;                                            \
        do {                                                                       \
            for (int64_t i = 0; i < w.inner; i++) {                                \
                double a = get(ops[1], w.ptr[1] + i * w.istride[1]);               \
                double b = get(ops[2], w.ptr[2] + i * w.istride[2]);               \
                put(ops[0], w.ptr[0] + i * w.istride[0], EXPR);                    \
            }                                                                      \
        } while (gm__walk_next(&w));                                               \
        return GM_OK;                                                              \
    }
BROADCAST_FORWARD(add_forward, a + b)
BROADCAST_FORWARD(mul_forward, a *b)

/* add: the gradient is gy itself, given to both inputs */
static void add_vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    (void)t, (void)n, (void)want;
    gx[0] = gx[1] = gy;
}
static gm_status add_fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    if (want[0]) GM__TRY(gm__grad_give(t, n, 0, gy));
    if (want[1]) GM__TRY(gm__grad_give(t, n, 1, gy));
    return GM_OK;
}
static const gm__op op_add = {"add", 2, 0, infer_two, add_forward, add_vjp, add_fused, ""};
static gm_tensor *t_add(gm_tape *t, gm_tensor *a, gm_tensor *b) { return gm__apply2(t, &op_add, a, b); }

/* mul: no fused gradient, so the ops of vjp run in every backward */
static void mul_vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = t_mul(t, gy, n->in[1]);
    if (want[1]) gx[1] = t_mul(t, gy, n->in[0]);
}
static const gm__op op_mul = {"mul", 2, 0, infer_two, mul_forward, mul_vjp, NULL, ""};
static gm_tensor *t_mul(gm_tape *t, gm_tensor *a, gm_tensor *b) { return gm__apply2(t, &op_mul, a, b); }

/* exp: both ways of gradient */
static gm_status exp_forward(gm__call *c)
{
    gm_tensor *x = c->in[0];
    if (!x->contiguous && !(x = gm__tape_contiguous(c->t, x))) return GM_ENOMEM;
    size_t es = gm__esize(x->dtype);
    for (int64_t i = 0; i < x->size; i++) put(c->out, c->out->data + (size_t)i * es, exp(get(x, x->data + (size_t)i * es)));
    return GM_OK;
}
static void exp_vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    (void)want;
    gx[0] = t_mul(t, gy, n->out);
}
static gm_status exp_fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    bool add;
    (void)want;
    gm_tensor *g = gm__grad_into(t, n, 0, &add);
    if (!g) return GM_ENOMEM;
    size_t es = gm__esize(gy->dtype);
    for (size_t i = 0; i < (size_t)gy->size; i++)
        put(g, g->data + i * es, (add ? get(g, g->data + i * es) : 0) + get(gy, gy->data + i * es) * get(gy, n->out->data + i * es));
    return GM_OK;
}
static const gm__op op_exp = {"exp", 1, 0, infer_like, exp_forward, exp_vjp, exp_fused, ""};
static gm_tensor *t_exp(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &op_exp, x); }

/* sum to one number, and down to a shape */
static gm_status sum_forward(gm__call *c)
{
    gm__gradient_sum(c->ctx, c->out, c->in[0], false);
    return GM_OK;
}
static void sum_vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    (void)want;
    gx[0] = t_mul(t, t_ones(t, n->in[0]), gy);
}
static const gm__op op_sum = {"sum", 1, 0, infer_scalar, sum_forward, sum_vjp, NULL, ""};
static gm_tensor *t_sum(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &op_sum, x); }
static const gm__op op_sum_to = {"sum_to", 1, 0, infer_attr, sum_forward, sum_vjp, NULL, ""};
static gm_tensor *t_sum_to(gm_tape *t, gm_tensor *x, const gm_tensor *like)
{
    gm__attr a = shape_attr(like);
    return gm__apply(t, &op_sum_to, &x, 1, &a);
}

/* transposed view of a matrix */
static gm_tensor *t_trans(gm_tape *t, gm_tensor *x);
static gm_status trans_infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    if (x->ndim != 2) return gm__fail(c->err, GM_ESHAPE, "trans: 2 dimensions are needed, got %d", x->ndim);
    c->out->dtype = x->dtype;
    c->out->ndim = 2;
    c->out->data = x->data;
    for (int i = 0; i < 2; i++) c->out->shape[i] = x->shape[1 - i], c->out->stride[i] = x->stride[1 - i];
    return GM_OK;
}
static void trans_vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    (void)n, (void)want;
    gx[0] = t_trans(t, gy);
}
static const gm__op op_trans = {"trans", 1, GM__OP_VIEW, trans_infer, NULL, trans_vjp, NULL, ""};
static gm_tensor *t_trans(gm_tape *t, gm_tensor *x) { return gm__apply1(t, &op_trans, x); }

/* flat view of a row-major tensor; its gradient is a view of all of gy */
static gm_tensor *t_shape(gm_tape *t, gm_tensor *x, const gm__attr *a);
static gm_status shape_infer(gm__call *c)
{
    infer_attr(c);
    gm__shape_strides(c->out->ndim, c->out->shape, c->out->stride);
    c->out->data = c->in[0]->data;
    return GM_OK;
}
static void shape_vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm__attr a = shape_attr(n->in[0]);
    (void)want;
    gx[0] = t_shape(t, gy, &a);
}
static const gm__op op_shape = {"shape", 1, GM__OP_VIEW, shape_infer, NULL, shape_vjp, NULL, ""};
static gm_tensor *t_shape(gm_tape *t, gm_tensor *x, const gm__attr *a) { return gm__apply(t, &op_shape, &x, 1, a); }

/* constants */
static gm_status zeros_forward(gm__call *c) { memset(c->out->data, 0, (size_t)c->out->size * gm__esize(c->out->dtype)); return GM_OK; }
static gm_status ones_forward(gm__call *c) { gm__gradient_ones(c->out); return GM_OK; }
static const gm__op op_zeros = {"zeros", 0, GM__OP_NOGRAD, infer_attr, zeros_forward, NULL, NULL, ""};
static const gm__op op_ones = {"ones", 0, GM__OP_NOGRAD, infer_attr, ones_forward, NULL, NULL, ""};
static gm_tensor *t_zeros(gm_tape *t, const gm_tensor *like)
{
    gm__attr a = shape_attr(like);
    return gm__apply(t, &op_zeros, NULL, 0, &a);
}
static gm_tensor *t_ones(gm_tape *t, const gm_tensor *like)
{
    gm__attr a = shape_attr(like);
    return gm__apply(t, &op_ones, NULL, 0, &a);
}

/* normal draws of a shape */
static gm_status normal_forward(gm__call *c)
{
    gm__tape_fill(c->t, GM__FILL_NORMAL, c->out, NULL, 0);
    return GM_OK;
}
static const gm__op op_normal = {"normal", 0, GM__OP_RANDOM | GM__OP_NOGRAD, infer_attr, normal_forward, NULL, NULL, ""};
static gm_tensor *t_normal(gm_tape *t, int64_t rows, int64_t cols)
{
    gm__attr a = {.i = {rows, cols}, .i[8] = 2, .i[9] = GM_F32};
    return gm__apply(t, &op_normal, NULL, 0, &a);
}

/* sum of any number of inputs of one shape, through gm__grad_tmp; no second gradient */
static gm_status many_forward(gm__call *c)
{
    memset(c->out->data, 0, (size_t)c->out->size * gm__esize(c->out->dtype));
    for (int32_t i = 0; i < c->nin; i++) gm__gradient_sum(c->ctx, c->out, c->in[i], true);
    return GM_OK;
}
static gm_status many_fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    for (int32_t i = 0; i < n->nin; i++) {
        if (!want[i]) continue;
        gm_tensor *g = gm__grad_tmp(t, n, i);
        if (!g) return GM_ENOMEM;
        gm__copy_values(t->ctx, g, gy);
        GM__TRY(gm__grad_give(t, n, i, g));
    }
    return GM_OK;
}
static const gm__op op_many = {"many", -1, 0, infer_like, many_forward, NULL, many_fused, ""};

/* second input optional; no gradient at all */
static const gm__op op_opt = {"opt", 2, GM__OP_OPT1, infer_like, exp_forward, NULL, NULL, ""};

/* fails on purpose, with or without a message of its own */
static gm_status fail_forward(gm__call *c)
{
    return c->attr->i[0] ? gm__fail(c->err, GM_ELIMIT, "fail: on purpose") : gm__fail_ctx(c->ctx, GM_ENOMEM, "product: no scratch");
}
static const gm__op op_fail = {"fail", 1, 0, infer_like, fail_forward, NULL, NULL, ""};

const gm__tape_ops gm__tape_ops_table = {t_add, t_sum_to, t_zeros, t_ones, t_mul, t_sum, NULL};

#endif
