/* binary_linear.c - x W + b or x W^T + b, made for x of zeros and ones; right for any x. Inputs x [N, in], w, b [out] or none.
 * Last bits: those of sums without multiplications if all of x is 0 or 1, else of gm_linear. */
#include "ops/binary.h"

gm_status gm__binary_infer(gm__call *c)
{
    const gm_tensor *x = c->in[0], *w = c->in[1], *b = c->in[2];
    const int in = c->attr->i[0] ? 0 : 1;
    char p[128], q[128];
    GM__TRY(gm__want_float(c));
    gm__shape_text(p, x->ndim, x->shape);
    gm__shape_text(q, w->ndim, w->shape);
    if (x->ndim != 2 || w->ndim != 2)
        return gm__fail(c->err, GM_ESHAPE, "%s: x [N, in] and w %s wanted: %s and %s", c->op->name, in ? "[out, in]" : "[in, out]", p, q);
    if (x->shape[1] != w->shape[in]) return gm__fail(c->err, GM_ESHAPE, "%s: inner sizes differ: %s x %s%s", c->op->name, p, q, in ? "^T" : "");
    if (b && (b->ndim != 1 || b->shape[0] != w->shape[1 - in]))
        return gm__fail(c->err, GM_ESHAPE, "%s: bias %s does not fit w %s", c->op->name, gm__shape_text(p, b->ndim, b->shape), q);
    gm__out_shape(c, x->dtype, 2, (int64_t[]){x->shape[0], w->shape[1 - in]});
    return GM_OK;
}

/* Strides of w as the B [in, out] of a product. */
static void strides(const gm__call *c, ptrdiff_t *brs, ptrdiff_t *bcs)
{
    const int in = c->attr->i[0] ? 0 : 1;
    *brs = c->in[1]->stride[in];
    *bcs = c->in[1]->stride[1 - in];
}

static bool pack(gm_tape *t, const gm_tensor *x, gm__bits *g)
{
    const size_t words = gm__bits_words(g->k);
    uint32_t *a = gm__arena(t, g->m * words, sizeof *a);
    if (!a) return false;
    for (size_t i = 0; i < g->m; i++)
        if (!t->ctx->kern->bits_rows_f32(g->k, gm__f32(x) + i * g->k, a + i * words)) return false;
    g->a = a;
    g->ars = (ptrdiff_t)words;
    g->aws = 1;
    return true;
}

bool gm__binary_job(gm__call *c, gm__bits *g)
{
    gm_tensor *x = c->in[0], *b = c->in[2];
    if (x->dtype != GM_F32) return false;
    *g = (gm__bits){.m = (size_t)x->shape[0], .k = (size_t)x->shape[1], .n = (size_t)c->out->shape[1], .b = gm__f32(c->in[1])};
    strides(c, &g->brs, &g->bcs);
    if ((g->brs != 1 && g->bcs != 1) || !(x = gm__tape_contiguous(c->t, x)) || (b && !(b = gm__tape_contiguous(c->t, b)))) return false;
    g->bias = b ? gm__f32(b) : NULL;
    return pack(c->t, x, g);
}

gm_status gm__binary_run(gm_tape *t, const gm__bits *g)
{
    gm_status s = gm__bits_product(t->ctx, g);
    return s ? gm__fail(&t->err, s, "binary_linear: no memory for the product") : GM_OK;
}

static gm_status product(gm_tape *t, bool f64, const gm__gemm *g)
{
    gm_status s = f64 ? gm__gemm_f64(t->ctx, g) : gm__gemm_f32(t->ctx, g);
    return s == GM_OK || t->err.status ? s : gm__fail(&t->err, s, "binary_linear: no memory for the product");
}

gm_status gm__binary_dense(gm__call *c, gm_tensor *y)
{
    const gm_tensor *x = c->in[0];
    gm_tensor *b = c->in[2] ? gm__tape_contiguous(c->t, c->in[2]) : NULL;
    gm__gemm g = {.m = (size_t)x->shape[0], .k = (size_t)x->shape[1], .n = (size_t)y->shape[1], .a = x->data, .ars = x->stride[0], .acs = x->stride[1],
                  .b = c->in[1]->data, .c = y->data, .ldc = (size_t)y->shape[1], .bias = b ? b->data : NULL};
    if (c->t->err.status) return gm__recorded(c->t);
    strides(c, &g.brs, &g.bcs);
    return y->size ? product(c->t, gm__f64_of(x), &g) : GM_OK;
}

static gm_status forward(gm__call *c)
{
    gm__bits g;
    if (!gm__binary_job(c, &g)) return c->t->err.status ? c->t->err.status : gm__binary_dense(c, c->out);
    g.c = gm__f32(c->out);
    g.ldc = g.n;
    return gm__binary_run(c->t, &g);
}

/* ---- gradients ----------------------------------------------------------------------- */

/* gw [in, out] (+)= x^T g, x of zeros and ones; false as gm__binary_job */
static bool weight_job(gm_tape *t, gm_tensor *x, const gm_tensor *gy, gm__bits *g)
{
    const size_t n = (size_t)x->shape[0], in = (size_t)x->shape[1];
    uint32_t *a;
    if (x->dtype != GM_F32 || !(x = gm__tape_contiguous(t, x)) || !(a = gm__arena(t, gm__bits_words(n) * in, sizeof *a))) return false;
    for (size_t i = 0; i < n; i += 32)
        if (!t->ctx->kern->bits_columns_f32(n - i < 32 ? n - i : 32, in, gm__f32(x) + i * in, in, a + i / 32 * in)) return false;
    *g = (gm__bits){.m = in, .k = n, .n = (size_t)gy->shape[1], .a = a, .ars = 1, .aws = (ptrdiff_t)in, .b = gm__f32(gy), .brs = gy->shape[1], .bcs = 1};
    return true;
}

static gm_status weight_gradient(gm_tape *t, const gm__node *n, const gm_tensor *gy)
{
    bool straight = n->attr.i[0] != 0, add;
    gm_tensor *x = n->in[0], *gw = gm__grad_into(t, n, 1, &add);
    gm__bits g;
    if (!gw) return gm__recorded(t);
    if (!gw->size) return GM_OK;
    if (straight && weight_job(t, x, gy, &g)) {
        g.c = gm__f32(gw);
        g.ldc = g.n;
        g.add = add;
        return gm__binary_run(t, &g);
    }
    if (t->err.status) return t->err.status;
    const size_t out = (size_t)gy->shape[1], in = (size_t)x->shape[1];
    gm__gemm p = {.m = out, .n = in, .k = (size_t)x->shape[0], .a = gy->data, .ars = 1, .acs = (ptrdiff_t)out, .b = x->data, .brs = x->stride[0],
                  .bcs = x->stride[1], .c = gw->data, .ldc = in, .add = add};
    if (straight)
        p = (gm__gemm){.m = in, .n = out, .k = p.k, .a = x->data, .ars = x->stride[1], .acs = x->stride[0], .b = gy->data, .brs = (ptrdiff_t)out,
                       .bcs = 1, .c = gw->data, .ldc = out, .add = add};
    return product(t, gm__f64_of(x), &p);
}

static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    const gm_tensor *w = n->in[1];
    const int in = n->attr.i[0] ? 0 : 1;
    const size_t rows = (size_t)gy->shape[0], out = (size_t)gy->shape[1];
    bool add = false; /* also where there was no memory for a gradient */
    if (want[0]) {
        gm_tensor *gx = gm__grad_into(t, n, 0, &add);
        if (!gx) return gm__recorded(t);
        gm__gemm p = {.m = rows, .n = (size_t)gx->shape[1], .k = out, .a = gy->data, .ars = (ptrdiff_t)out, .acs = 1, .b = w->data,
                      .brs = w->stride[1 - in], .bcs = w->stride[in], .c = gx->data, .ldc = (size_t)gx->shape[1], .add = add};
        if (gx->size) GM__TRY(product(t, gm__f64_of(gy), &p));
    }
    if (want[1]) GM__TRY(weight_gradient(t, n, gy));
    if (n->in[2] && want[2]) {
        gm_tensor *gb = gm__grad_into(t, n, 2, &add);
        if (!gb) return gm__recorded(t);
        if (gm__f64_of(gy)) t->ctx->kern->colsum_f64(rows, out, gm__f64(gy), out, gm__f64(gb), add);
        else t->ctx->kern->colsum_f32(rows, out, gm__f32(gy), out, gm__f32(gb), add);
    }
    return GM_OK;
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *g, const bool *want, gm_tensor **gx)
{
    gm_tensor *x = n->in[0], *w = n->in[1];
    const bool straight = n->attr.i[0] != 0;
    if (want[0]) gx[0] = gm_matmul(t, g, straight ? gm_transpose(t, w, 0, 1) : w);
    if (want[1]) gx[1] = straight ? gm_matmul(t, gm_transpose(t, x, 0, 1), g) : gm_matmul(t, gm_transpose(t, g, 0, 1), x);
    if (n->in[2] && want[2]) gx[2] = gm_sum(t, g, 0, 0);
}

const gm__op gm__op_binary_linear = {"binary_linear", 3, GM__OP_OPT2, gm__binary_infer, forward, vjp, fused,
    "7,5:o 3,5 3 | 7,5:o 5,3 3 i=1 | 7,5 3,5 - | 7,5 5,3 - i=1 | 0,5:o 3,5 3 | 7,0:o 0,3 3 i=1 | 7,35:ot 3,35:t 3:s | 6,17:os 17,33:t 33 i=1 | "
    "1,1:o 1,1 1 | 1,1:o 1,1 1 i=1 | 2,17 17,17:t 17 i=1 | 33,7:oc 7,40 40:s i=1 | 37,33:o 5,33:s - | 35,4:o 4,0 - i=1 | 3,70:o 2,70 2"};

gm_tensor *gm__binary_linear(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, bool straight)
{
    gm_tensor *in[3] = {x, w, b};
    gm__attr a = {.i = {straight}};
    return gm__apply(t, &gm__op_binary_linear, in, 3, &a);
}
