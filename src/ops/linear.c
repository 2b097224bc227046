/* linear.c - x W^T + b; the leading axes of x are rows. Inputs x [.., in], w [out, in], b [out] or none. */
#include "ops/linear.h"

gm_status gm__linear_infer(gm__call *c)
{
    const gm_tensor *x = c->in[0], *w = c->in[1], *b = c->in[2];
    char p[128], q[128];
    int64_t shape[GM_MAX_DIMS];
    GM__TRY(gm__want_float(c));
    gm__shape_text(p, x->ndim, x->shape);
    gm__shape_text(q, w->ndim, w->shape);
    if (x->ndim < 1 || w->ndim != 2) return gm__fail(c->err, GM_ESHAPE, "%s: x [.., in] and w [out, in] wanted: %s and %s", c->op->name, p, q);
    if (x->shape[x->ndim - 1] != w->shape[1]) return gm__fail(c->err, GM_ESHAPE, "%s: inner sizes differ: %s x %s^T", c->op->name, p, q);
    if (b && (b->ndim != 1 || b->shape[0] != w->shape[0]))
        return gm__fail(c->err, GM_ESHAPE, "%s: bias %s does not fit w %s", c->op->name, gm__shape_text(p, b->ndim, b->shape), q);
    for (int i = 0; i < x->ndim; i++) shape[i] = x->shape[i];
    shape[x->ndim - 1] = w->shape[0];
    gm__out_shape(c, x->dtype, x->ndim, shape);
    return GM_OK;
}

/* x as rows a fixed step apart; copied when its strides do not allow that */
static gm_tensor *as_rows(gm_tape *t, gm_tensor *x, ptrdiff_t *rs, ptrdiff_t *cs)
{
    bool plain = x->contiguous || x->ndim == 2;
    if (!plain && !(x = gm__tape_contiguous(t, x))) return NULL;
    *cs = x->contiguous ? 1 : (ptrdiff_t)x->stride[x->ndim - 1];
    *rs = x->contiguous ? (ptrdiff_t)x->shape[x->ndim - 1] : (ptrdiff_t)x->stride[0];
    return x;
}

static gm_status product(gm_tape *t, bool f64, const gm__gemm *g)
{
    gm_status s = f64 ? gm__gemm_f64(t->ctx, g) : gm__gemm_f32(t->ctx, g);
    return s == GM_OK || t->err.status ? s : gm__fail(&t->err, s, "linear: no memory for the product");
}

gm_status gm__linear_forward(gm__call *c, int act, double slope)
{
    const gm_tensor *w = c->in[1];
    gm__gemm g = {.act = act, .slope = slope, .c = c->out->data, .b = w->data, .brs = w->stride[1], .bcs = w->stride[0]};
    gm_tensor *x = as_rows(c->t, c->in[0], &g.ars, &g.acs), *b = c->in[2];
    if (!x || (b && !(b = gm__tape_contiguous(c->t, b)))) return gm__recorded(c->t);
    if (c->out->size == 0) return GM_OK;
    g.n = g.ldc = (size_t)w->shape[0];
    g.k = (size_t)w->shape[1];
    g.m = (size_t)c->out->size / g.n;
    g.a = x->data;
    g.bias = b ? b->data : NULL;
    return product(c->t, gm__f64_of(x), &g);
}

static size_t n_rows(const gm_tensor *x)
{
    size_t m = 1;
    for (int i = 0; i < x->ndim - 1; i++) m *= (size_t)x->shape[i];
    return m;
}

gm_status gm__linear_fused(gm_tape *t, const gm__node *n, gm_tensor *g, const bool *want)
{
    const gm_tensor *w = n->in[1];
    bool f64 = gm__f64_of(g), add = false; /* also where there was no memory for a gradient */
    size_t m = n_rows(g), out = (size_t)w->shape[0], in = (size_t)w->shape[1];
    if (want[0]) { /* gx = g W */
        gm_tensor *gx = gm__grad_into(t, n, 0, &add);
        if (!gx) return gm__recorded(t);
        gm__gemm p = {.m = m, .n = in, .k = out, .a = g->data, .ars = (ptrdiff_t)out, .acs = 1, .b = w->data, .brs = w->stride[0],
                      .bcs = w->stride[1], .c = gx->data, .ldc = in, .add = add};
        if (gx->size > 0) GM__TRY(product(t, f64, &p));
    }
    if (want[1]) { /* gw = g^T x */
        gm_tensor *gw = gm__grad_into(t, n, 1, &add), *x;
        gm__gemm p = {.m = out, .n = in, .k = m, .a = g->data, .ars = 1, .acs = (ptrdiff_t)out, .ldc = in, .add = add};
        if (!gw || !(x = as_rows(t, n->in[0], &p.brs, &p.bcs))) return gm__recorded(t);
        p.b = x->data;
        p.c = gw->data;
        if (gw->size > 0) GM__TRY(product(t, f64, &p));
    }
    if (n->in[2] && want[2]) {
        gm_tensor *gb = gm__grad_into(t, n, 2, &add);
        if (!gb) return gm__recorded(t);
        if (f64) t->ctx->kern->colsum_f64(m, out, gm__f64(g), out, gm__f64(gb), add);
        else t->ctx->kern->colsum_f32(m, out, gm__f32(g), out, gm__f32(gb), add);
    }
    return GM_OK;
}

void gm__linear_vjp(gm_tape *t, const gm__node *n, gm_tensor *g, const bool *want, gm_tensor **gx)
{
    gm_tensor *x = n->in[0], *w = n->in[1];
    int64_t rows = (int64_t)n_rows(x), g_shape[2] = {rows, w->shape[0]}, x_shape[2] = {rows, w->shape[1]};
    gm_tensor *flat = gm_reshape(t, g, 2, g_shape);
    if (want[0]) gx[0] = gm__reshape_like(t, gm_matmul(t, flat, w), x);
    if (want[1]) gx[1] = gm_matmul(t, gm_transpose(t, flat, 0, 1), gm_reshape(t, x, 2, x_shape));
    if (n->in[2] && want[2]) gx[2] = gm_sum(t, flat, 0, 0);
}

static gm_status forward(gm__call *c) { return gm__linear_forward(c, GM__ACT_NONE, 0); }

const gm__op gm__op_linear = {"linear", 3, GM__OP_OPT2, gm__linear_infer, forward, gm__linear_vjp, gm__linear_fused,
    "7,5 3,5 3 | 7,5 3,5 - | 5 3,5 3 | 2,3,4 6,4 6 | 0,5 3,5 3 | 7,0 3,0 3 | 7,5:t 3,5:t 3:s | 2,3,4:s 6,4:s - | 1,1 1,1 1 | 2,17 17,17 17 | "
    "17,7:ts 3,7:ts 3 | 2,1,3,1,2 4,2 -"};

gm_tensor *gm_linear(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b)
{
    gm_tensor *in[3] = {x, w, b};
    return gm__apply(t, &gm__op_linear, in, 3, NULL);
}
