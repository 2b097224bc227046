/* eigh.c - eigenvalues, ascending, of (a + a^T)/2 and, beside each, its vector: [..., n, 1+n], or [..., n, 1] without
 * vectors. attr.i[0]: with vectors. The largest component of a vector is positive. */
#include "ops/linalg.h"

static gm_status infer(gm__call *c)
{
    GM__TRY(gm__infer_square(c));
    int64_t n = c->out->shape[c->out->ndim - 1];
    return gm__infer_mats(c, n, c->attr->i[0] ? 1 + n : 1);
}
static gm_status forward(gm__call *c)
{
    gm__mats a = gm__mats_copy(c->t, c->in[0], false), y = gm__mats_out(c->t, c->out);
    double *values = gm__arena(c->t, a.rows + 1, sizeof *values);
    if (!a.data || !y.data || !values) return gm__recorded(c->t);
    for (size_t i = 0; i < a.count; i++) {
        size_t n = a.rows;
        double *m = a.data + i * n * n;
        gm__mats_symmetrise(n, m);
        gm_status s = gm__eigh(c->ctx, n, m, values);
        if (s) return gm__mats_failed(c, s, i);
        for (size_t r = 0; r < n; r++) {
            double *to = y.data + (i * n + r) * y.cols, sign = gm__mats_sign(n, m + r * n, 1);
            to[0] = values[r];
            for (size_t k = 1; k < y.cols; k++) to[k] = sign * m[r * n + k - 1];
        }
    }
    gm__mats_store(c->t, c->out, y);
    return GM_OK;
}
/* w: vectors in rows. ga = w^T (diag(g of values) + (w gw^T) / (difference of values)) w, symmetric (Giles 2008) */
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *out = n->out, *w;
    int64_t size = out->shape[out->ndim - 2];
    GM__UNUSED(want);
    if (!n->attr.i[0]) {
        gm_eigh(t, n->in[0], &w);
        gx[0] = gm_matmul(t, gm_mul(t, w, gm__t(t, gy)), gm__t(t, w));
        return;
    }
    gm_tensor *values = gm__part(t, out, 0, 1), *eye = gm__mask(t, out, size, GM__M_EYE);
    w = gm__part(t, out, 1, 1 + size);
    gm_tensor *gap = gm_add(t, gm_sub(t, gm__t(t, values), values), eye);
    gm_tensor *turn = gm_mul(t, gm_matmul(t, w, gm__t(t, gm__part(t, gy, 1, 1 + size))), gm_div(t, gm__mask(t, out, size, GM__M_OFF), gap));
    gm_tensor *m = gm_add(t, turn, gm_mul(t, eye, gm__part(t, gy, 0, 1)));
    gx[0] = gm__symmetric(t, gm_matmul(t, gm__t(t, w), gm_matmul(t, m, w)));
}
const gm__op gm__op_eigh = {"eigh", 1, 0, infer, forward, vjp, NULL,
    "3,3:m i=1 | 3,3 i=1 | 1,1:m i=1 | 0,0 i=1 | 7,7 i=1 | 7,7:m i=0 | 17,17:m i=0 | 2,3,3:m i=1 | 3,4,4:t i=1 | 5,5:s i=1 | 0,3,3 i=1 |"
    "2,0,0 i=0 | 2,1,2,2 i=1 | 6,1,1 i=1 | 4,2,2:t i=0"};

gm_tensor *gm_eigh(gm_tape *t, gm_tensor *a, gm_tensor **vectors)
{
    gm__attr at = {.i = {vectors != NULL}};
    if (vectors) *vectors = NULL;
    gm_tensor *both = gm__apply(t, &gm__op_eigh, &a, 1, &at);
    if (!both) return NULL;
    if (vectors) *vectors = gm__t(t, gm__part(t, both, 1, both->shape[both->ndim - 1]));
    return gm_reshape(t, gm__part(t, both, 0, 1), both->ndim - 1, both->shape);
}
