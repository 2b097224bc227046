/* matmul.c - matrix products, leading axes broadcast, any strides. */
#include "ops/elementwise.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0], *y = c->in[1];
    char a[128], b[128];
    int64_t shape[GM_MAX_DIMS];
    int nd;
    GM__TRY(gm__want_float(c));
    gm__shape_text(a, x->ndim, x->shape);
    gm__shape_text(b, y->ndim, y->shape);
    if (x->ndim < 2 || y->ndim < 2) return gm__fail(c->err, GM_ESHAPE, "matmul: two dimensions or more wanted: %s x %s", a, b);
    if (x->shape[x->ndim - 1] != y->shape[y->ndim - 2]) return gm__fail(c->err, GM_ESHAPE, "matmul: inner sizes differ: %s x %s", a, b);
    if (!gm__broadcast(x->ndim - 2, x->shape, y->ndim - 2, y->shape, &nd, shape))
        return gm__fail(c->err, GM_ESHAPE, "matmul: leading sizes do not broadcast: %s x %s", a, b);
    shape[nd++] = x->shape[x->ndim - 2];
    shape[nd++] = y->shape[y->ndim - 1];
    gm__out_shape(c, x->dtype, nd, shape);
    return GM_OK;
}

/* A matrix among the last two axes of a tensor, and how its batch is laid out against out's. */
typedef struct mat { const gm_tensor *x; bool t; } mat;
static ptrdiff_t row_stride(mat m) { return m.x->stride[m.x->ndim - (m.t ? 1 : 2)]; }
static ptrdiff_t col_stride(mat m) { return m.x->stride[m.x->ndim - (m.t ? 2 : 1)]; }
static int64_t n_rows(mat m) { return m.x->shape[m.x->ndim - (m.t ? 1 : 2)]; }
static int64_t n_cols(mat m) { return m.x->shape[m.x->ndim - (m.t ? 2 : 1)]; }

/* offset, in elements, of the matrix of x for the batch index of a shape */
static int64_t offset_of(const gm_tensor *x, int nbatch, const int64_t *shape, int64_t batch)
{
    int64_t at = 0;
    for (int i = nbatch - 1, k = x->ndim - 3; i >= 0; i--, k--) {
        if (k >= 0 && x->shape[k] != 1) at += batch % shape[i] * x->stride[k];
        batch /= shape[i];
    }
    return at;
}

/* whether this batch index is the first that lands on its matrix of c: 0 along every axis that c sums */
static bool lands_first(const gm_tensor *c, int nbatch, const int64_t *shape, int64_t batch)
{
    for (int i = nbatch - 1, k = c->ndim - 3; i >= 0; i--, k--) {
        if ((k < 0 || c->shape[k] == 1) && batch % shape[i] != 0) return false;
        batch /= shape[i];
    }
    return true;
}

static gm_status product(gm_ctx *ctx, bool f64, const gm__gemm *g) { return f64 ? gm__gemm_f64(ctx, g) : gm__gemm_f32(ctx, g); }

/* c (contiguous) = or += a b over the batch of the given shape; c may lack batch axes (or have sizes
 * of 1) that the batch has: those products are summed, in order. */
static gm_status products(gm_ctx *ctx, gm_tensor *c, mat a, mat b, int nbatch, const int64_t *shape, bool add)
{
    bool f64 = gm__f64_of(c);
    int64_t m = n_rows(a), n = n_cols(b), k = n_cols(a), count = 1;
    size_t es = f64 ? 8 : 4;
    gm__gemm g = {.m = (size_t)m, .n = (size_t)n, .k = (size_t)k, .ars = row_stride(a), .acs = col_stride(a), .brs = row_stride(b),
                  .bcs = col_stride(b), .ldc = (size_t)n, .add = add};
    for (int i = 0; i < nbatch; i++) count *= shape[i];
    bool summed = c->size != count * m * n;
    if (c->size == 0) return GM_OK;
    if (count == 0) { /* an empty sum */
        if (!add) gm__ew1(ctx, GM__U_FILL, c, c, NULL, false);
        return GM_OK;
    }
    int64_t a1 = count > 1 ? offset_of(a.x, nbatch, shape, 1) : 0, b1 = count > 1 ? offset_of(b.x, nbatch, shape, 1) : 0;
    bool even = !summed; /* batch matrices a fixed step apart: one call */
    for (int64_t i = 2; even && i < count; i++)
        even = offset_of(a.x, nbatch, shape, i) == a1 * i && offset_of(b.x, nbatch, shape, i) == b1 * i;
    if (even && count > 1) {
        g.a = a.x->data;
        g.b = b.x->data;
        g.c = c->data;
        if (b1 == 0 && a1 == m * g.ars) { /* [B,M,K] x [K,N] is one tall product */
            g.m *= (size_t)count;
            return product(ctx, f64, &g);
        }
        return gm__gemm_batch(ctx, f64, (size_t)count, &g, a1, b1, m * n);
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t to = summed ? offset_of(c, nbatch, shape, i) : i * m * n;
        g.a = a.x->data + (size_t)offset_of(a.x, nbatch, shape, i) * es;
        g.b = b.x->data + (size_t)offset_of(b.x, nbatch, shape, i) * es;
        g.c = c->data + (size_t)to * es;
        if (summed) g.add = add || !lands_first(c, nbatch, shape, i);
        GM__TRY(product(ctx, f64, &g));
    }
    return GM_OK;
}

static gm_status failed(gm_tape *t, gm_status s)
{
    return s == GM_OK || t->err.status ? s : gm__fail(&t->err, s, "matmul: no memory for the product");
}

static gm_status forward(gm__call *c)
{
    mat a = {c->in[0], false}, b = {c->in[1], false};
    return failed(c->t, products(c->ctx, c->out, a, b, c->out->ndim - 2, c->out->shape, false));
}
/* gx = gy y^T, gy_ = x^T gy, straight into the gradient buffers */
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    mat g = {gy, false}, xt = {n->in[0], true}, yt = {n->in[1], true};
    for (int i = 0; i < 2; i++) {
        bool add;
        if (!want[i]) continue;
        gm_tensor *to = gm__grad_into(t, n, i, &add);
        if (!to) return gm__recorded(t);
        GM__TRY(failed(t, products(t->ctx, to, i ? xt : g, i ? g : yt, gy->ndim - 2, gy->shape, add)));
    }
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = gm__sum_to(t, gm_matmul(t, gy, gm_transpose(t, n->in[1], -1, -2)), n->in[0]);
    if (want[1]) gx[1] = gm__sum_to(t, gm_matmul(t, gm_transpose(t, n->in[0], -1, -2), gy), n->in[1]);
}
const gm__op gm__op_matmul = {"matmul", 2, 0, infer, forward, vjp, fused,
    "7,17 17,3 | 1,1 1,1 | 5,0 0,3 | 0,3 3,2 | 7,5:t 5,6:t | 3,2,4 4,5 | 3,2,4:s 3,4,5 | 2,1,3,4 3,4,2 | 3,4 2,4,5 | 2,3,2,4:t 2,1,4,3 | 0,2,3 3,2 | "
    "17,7:ts 7,5:t"};

gm_tensor *gm_matmul(gm_tape *t, gm_tensor *x, gm_tensor *y) { return gm__apply2(t, &gm__op_matmul, x, y); }
