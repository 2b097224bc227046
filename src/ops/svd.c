/* svd.c - singular values, descending, and beside each its vectors: row i of [..., k, 1+m+n] is s_i, column i of u, row i
 * of v^T, k = min(m, n); or [..., k, 1]. attr.i[0]: with vectors. The largest component of a row of v^T is positive. */
#include "ops/linalg.h"

static gm_status infer(gm__call *c)
{
    char text[128];
    const gm_tensor *a = c->in[0];
    GM__TRY(gm__infer_same(c));
    if (a->ndim < 2) return gm__fail(c->err, GM_ESHAPE, "svd: matrices wanted, a is %s", gm__shape_text(text, a->ndim, a->shape));
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
    return gm__infer_mats(c, m < n ? m : n, c->attr->i[0] ? 1 + m + n : 1);
}
static gm_status forward(gm__call *c)
{
    gm__mats a = gm__mats_copy(c->t, c->in[0], false), y = gm__mats_out(c->t, c->out);
    size_t m = a.rows, n = a.cols, k = y.rows;
    double *s = gm__arena(c->t, k * (1 + m + n) + 1, sizeof *s);
    if (!a.data || !y.data || !s) return gm__recorded(c->t);
    double *u = s + k, *vt = u + m * k;
    for (size_t i = 0; i < a.count; i++) {
        gm_status st = gm__svd(c->ctx, m, n, a.data + i * m * n, s, u, vt);
        if (st) return gm__mats_failed(c, st, i);
        for (size_t r = 0; r < k; r++) {
            double *to = y.data + (i * k + r) * y.cols, sign = gm__mats_sign(n, vt + r * n, 1);
            to[0] = s[r];
            if (y.cols == 1) continue;
            for (size_t j = 0; j < m; j++) to[1 + j] = sign * u[j * k + r];
            for (size_t j = 0; j < n; j++) to[1 + m + j] = sign * vt[r * n + j];
        }
    }
    gm__mats_store(c->t, c->out, y);
    return GM_OK;
}

static gm_tensor *skew(gm_tape *t, gm_tensor *x) { return gm_sub(t, x, gm__t(t, x)); }

/* Townsend 2016, with rows in place of columns: u, v [k, m], [k, n] */
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *a = n->in[0], *out = n->out, *u, *v;
    int64_t m = a->shape[a->ndim - 2], c = a->shape[a->ndim - 1], k = m < c ? m : c;
    GM__UNUSED(want);
    if (!n->attr.i[0]) {
        gm_svd(t, a, &u, &v);
        gx[0] = gm_matmul(t, gm_mul(t, u, gm__t(t, gy)), v);
        return;
    }
    gm_tensor *s = gm__part(t, out, 0, 1), *gu = gm__part(t, gy, 1, 1 + m), *gv = gm__part(t, gy, 1 + m, 1 + m + c);
    gm_tensor *eye = gm__mask(t, out, k, GM__M_EYE), *s2 = gm_square(t, s);
    u = gm__part(t, out, 1, 1 + m);
    v = gm__part(t, out, 1 + m, 1 + m + c);
    gm_tensor *x = gm_matmul(t, u, gm__t(t, gu)), *y = gm_matmul(t, v, gm__t(t, gv));
    gm_tensor *gap = gm_add(t, gm_sub(t, gm__t(t, s2), s2), eye);
    gm_tensor *inner = gm_mul(t, gm_div(t, skew(t, x), gap), gm__t(t, s));
    inner = gm_add(t, inner, gm_mul(t, s, gm_div(t, skew(t, y), gap)));
    inner = gm_add(t, inner, gm_mul(t, eye, gm__part(t, gy, 0, 1)));
    gx[0] = gm_matmul(t, gm__t(t, u), gm_matmul(t, inner, v));
    if (m > k) { /* what of gu lies outside the span of u */
        gm_tensor *rest = gm_sub(t, gu, gm_matmul(t, gm__t(t, x), u));
        gx[0] = gm_add(t, gx[0], gm_matmul(t, gm__t(t, rest), gm_div(t, v, s)));
    }
    if (c > k) {
        gm_tensor *rest = gm_sub(t, gv, gm_matmul(t, gm__t(t, y), v));
        gx[0] = gm_add(t, gx[0], gm_matmul(t, gm__t(t, gm_div(t, u, s)), rest));
    }
}
const gm__op gm__op_svd = {"svd", 1, 0, infer, forward, vjp, NULL,
    "3,3 i=1 | 4,2 i=1 | 2,4 i=1 | 1,1 i=1 | 0,3 i=1 | 3,0 i=1 | 7,5:t i=1 | 7,17 i=0 | 17,3 i=1 | 2,3,3 i=1 | 3,2,4:t i=1 | 5,3:s i=1 |"
    "0,3,2 i=1 | 2,1,3,2 i=1 | 4,1,1 i=1 | 1,7 i=1 | 2,4,3:s i=0"};

gm_tensor *gm_svd(gm_tape *t, gm_tensor *a, gm_tensor **u, gm_tensor **vt)
{
    gm__attr at = {.i = {u || vt}};
    if (u) *u = NULL;
    if (vt) *vt = NULL;
    gm_tensor *all = gm__apply(t, &gm__op_svd, &a, 1, &at);
    if (!all) return NULL;
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
    if (u) *u = gm__t(t, gm__part(t, all, 1, 1 + m));
    if (vt) *vt = gm__part(t, all, 1 + m, 1 + m + n);
    return gm_reshape(t, gm__part(t, all, 0, 1), all->ndim - 1, all->shape);
}
