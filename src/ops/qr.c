/* qr.c - a = Q R for m >= n, R's diagonal not negative: row i of [..., n, m+n] is column i of Q, then row i of R. */
#include "ops/linalg.h"

static gm_status infer(gm__call *c)
{
    char text[128];
    const gm_tensor *a = c->in[0];
    GM__TRY(gm__infer_same(c));
    if (a->ndim < 2 || a->shape[a->ndim - 2] < a->shape[a->ndim - 1])
        return gm__fail(c->err, GM_ESHAPE, "qr: matrices with as many rows as columns or more wanted, a is %s", gm__shape_text(text, a->ndim, a->shape));
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
    return gm__infer_mats(c, n, m + n);
}
static gm_status forward(gm__call *c)
{
    gm__mats a = gm__mats_copy(c->t, c->in[0], false), y = gm__mats_out(c->t, c->out);
    size_t m = a.rows, n = a.cols;
    double *q = gm__arena(c->t, m * n + 1, sizeof *q);
    if (!a.data || !y.data || !q) return gm__recorded(c->t);
    for (size_t i = 0; i < a.count; i++) {
        double *r = a.data + i * m * n;
        gm_status s = gm__qr(c->ctx, m, n, r, q);
        if (s) return gm__mats_failed(c, s, i);
        for (size_t k = 0; k < n; k++) {
            double *to = y.data + (i * n + k) * y.cols, sign = r[k * n + k] < 0 ? -1 : 1;
            for (size_t j = 0; j < m; j++) to[j] = sign * q[j * n + k];
            for (size_t j = 0; j < n; j++) to[m + j] = j < k ? 0 : sign * r[k * n + j];
        }
    }
    gm__mats_store(c->t, c->out, y);
    return GM_OK;
}
/* ga = (gQ + Q (M + M^T, diagonal once)) R^-T, M the lower triangle of R gR^T - gQ^T Q (Seeger et al. 2017); q holds
 * Q in rows */
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *a = n->in[0];
    int64_t m = a->shape[a->ndim - 2], c = a->shape[a->ndim - 1];
    GM__UNUSED(want);
    gm_tensor *q = gm__part(t, n->out, 0, m), *r = gm__part(t, n->out, m, m + c), *gq = gm__part(t, gy, 0, m), *gr = gm__part(t, gy, m, m + c);
    gm_tensor *inner = gm_sub(t, gm_matmul(t, r, gm__t(t, gr)), gm_matmul(t, gq, gm__t(t, q)));
    gm_tensor *half = gm_mul(t, inner, gm__mask(t, a, c, GM__M_LOWER_HALF));
    gm_tensor *sum = gm_add(t, gq, gm_matmul(t, gm_add(t, half, gm__t(t, half)), q)); /* its transpose, in rows */
    gx[0] = gm__t(t, gm_solve_triangular(t, r, sum, 1, 0, 0));
}
const gm__op gm__op_qr = {"qr", 1, 0, infer, forward, vjp, NULL,
    "3,3 | 4,2 | 1,1 | 7,1 | 0,0 | 3,0 | 7,5:t | 17,3 | 2,3,3 | 3,4,2:t | 5,3:s | 0,3,2 | 2,1,3,2 | 4,1,1 | 7,7:m"};

gm_tensor *gm_qr(gm_tape *t, gm_tensor *a, gm_tensor **r)
{
    if (r) *r = NULL;
    gm_tensor *both = gm__apply1(t, &gm__op_qr, a);
    if (!both) return NULL;
    int64_t m = a->shape[a->ndim - 2];
    if (r) *r = gm__part(t, both, m, both->shape[both->ndim - 1]);
    return gm__t(t, gm__part(t, both, 0, m));
}
