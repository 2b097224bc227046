/* solve.c - A X = B by LU with row exchanges. */
#include "ops/linalg.h"

/* B goes to LAPACK by columns and X comes so: stored through a view with the axes exchanged. */
static gm_status forward(gm__call *c)
{
    char which[40];
    gm__mats a = gm__mats_copy(c->t, c->in[0], false), b = gm__mats_copy(c->t, c->in[1], true);
    if (!a.data || !b.data) return gm__recorded(c->t);
    for (size_t i = 0; i < a.count; i++) {
        size_t zero;
        gm_status s = gm__solve(c->ctx, a.rows, b.rows, a.data + i * a.rows * a.rows, b.data + i * b.rows * b.cols, &zero, NULL, NULL);
        if (s) return gm__mats_failed(c, s, i);
        if (zero) return gm__fail(c->err, GM_ENONFINITE, "solve: singular: pivot %zu%s is 0", zero, gm__mats_which(which, a.count, i));
    }
    gm_tensor from = *c->out;
    int nd = from.ndim;
    from.dtype = GM_F64;
    from.data = (char *)b.data;
    from.stride[nd - 2] = 1;
    from.stride[nd - 1] = (int64_t)b.cols;
    from.contiguous = false;
    gm__copy_values(c->ctx, c->out, &from);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *g = gm_solve(t, gm__t(t, n->in[0]), gy);
    if (want[0]) gx[0] = gm_neg(t, gm_matmul(t, g, gm__t(t, n->out)));
    if (want[1]) gx[1] = g;
}
const gm__op gm__op_solve = {"solve", 2, 0, gm__infer_system, forward, vjp, NULL,
    "3,3 3,2 | 1,1 1,1 | 0,0 0,3 | 7,7:m 7,1 | 7,7:m 7,17 | 5,5:t 5,3 | 4,4:s 4,3:t | 2,3,3:mt 2,3,4:s | 3,4,4:m 3,4,1 | 17,17:m 17,2 |"
    "2,0,0 2,0,1 | 3,3 3,0 | 2,1,2,2:m 2,1,2,3 | 0,3,3 0,3,2 | 5,5:mc 5,7 | 5,5:m 5,7:c"};

gm_tensor *gm_solve(gm_tape *t, gm_tensor *a, gm_tensor *b)
{
    if (!gm__expand_batch(t, "solve", &a, &b)) return NULL;
    return gm__apply2(t, &gm__op_solve, a, b);
}
