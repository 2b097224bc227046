/* cholesky.c - the lower triangle L with a = L L^T. a is read as (a + a^T)/2, so that its gradient is that of every element. */
#include "ops/linalg.h"

static gm_status forward(gm__call *c)
{
    char which[40];
    gm__mats m = gm__mats_copy(c->t, c->in[0], false);
    if (!m.data) return gm__recorded(c->t);
    for (size_t i = 0; i < m.count; i++) {
        double *a = m.data + i * m.rows * m.rows;
        size_t minor;
        gm__mats_symmetrise(m.rows, a);
        gm_status s = gm__cholesky(c->ctx, m.rows, a, &minor);
        if (s) return gm__mats_failed(c, s, i);
        if (minor)
            return gm__fail(c->err, GM_ENONFINITE, "cholesky: not positive definite: leading minor %zu%s is not positive", minor,
                            gm__mats_which(which, m.count, i));
    }
    gm__mats_store(c->t, c->out, m);
    return GM_OK;
}
/* dL = L Phi(L^-1 da L^-T), Phi: the lower triangle with half the diagonal (Murray 2016) */
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *l = n->out;
    GM__UNUSED(want);
    gm_tensor *p = gm_mul(t, gm_matmul(t, gm__t(t, l), gy), gm__mask(t, l, l->shape[l->ndim - 1], GM__M_LOWER_HALF));
    gm_tensor *z = gm_solve_triangular(t, l, p, 0, 1, 0);
    gx[0] = gm__symmetric(t, gm_solve_triangular(t, l, gm__t(t, z), 0, 1, 0));
}
const gm__op gm__op_cholesky = {"cholesky", 1, 0, gm__infer_square, forward, vjp, NULL,
    "3,3:m | 1,1:m | 0,0:m | 7,7:m | 17,17:m | 2,3,3:m | 3,4,4:mt | 5,5:ms | 0,3,3:m | 2,0,0:m | 2,1,2,2:m | 1,7,7:mt | 4,1,1:m"};

gm_tensor *gm_cholesky(gm_tape *t, gm_tensor *a) { return gm__apply1(t, &gm__op_cholesky, a); }
