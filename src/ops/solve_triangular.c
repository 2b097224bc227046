/* solve_triangular.c - op(A) X = B for a triangle A. attr.i: upper, transposed, unit (the diagonal is 1 and not read). */
#include "ops/linalg.h"

static gm_status forward(gm__call *c)
{
    char which[40];
    bool unit = c->attr->i[2] != 0;
    gm__mats a = gm__mats_copy(c->t, c->in[0], false), b = gm__mats_copy(c->t, c->in[1], false);
    if (!a.data || !b.data) return gm__recorded(c->t);
    for (size_t i = 0; i < a.count; i++) {
        const double *m = a.data + i * a.rows * a.rows;
        for (size_t k = 0; !unit && k < a.rows; k++)
            if (m[k * a.rows + k] == 0)
                return gm__fail(c->err, GM_ENONFINITE, "solve_triangular: singular: element [%zu,%zu]%s is 0", k, k, gm__mats_which(which, a.count, i));
        gm_status s = gm__solve_triangular(c->ctx, a.rows, b.cols, m, b.data + i * b.rows * b.cols, c->attr->i[0] != 0, c->attr->i[1] != 0, unit);
        if (s) return gm__mats_failed(c, s, i);
    }
    gm__mats_store(c->t, c->out, b);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *a = n->in[0], *x = n->out;
    bool upper = n->attr.i[0] != 0, transposed = n->attr.i[1] != 0, unit = n->attr.i[2] != 0;
    gm_tensor *g = gm_solve_triangular(t, a, gy, upper, !transposed, unit);
    if (want[1]) gx[1] = g;
    if (!want[0]) return;
    gm_tensor *full = transposed ? gm_matmul(t, x, gm__t(t, g)) : gm_matmul(t, g, gm__t(t, x));
    int mask = upper ? (unit ? GM__M_UPPER_STRICT : GM__M_UPPER) : unit ? GM__M_LOWER_STRICT : GM__M_LOWER;
    gx[0] = gm_neg(t, gm_mul(t, full, gm__mask(t, a, a->shape[a->ndim - 1], mask)));
}
const gm__op gm__op_solve_triangular = {"solve_triangular", 2, 0, gm__infer_system, forward, vjp, NULL,
    "3,3:m 3,2 | 1,1:m 1,1 | 0,0:m 0,3 | 7,7:m 7,1 i=1 | 7,7:m 7,17 i=0,1 | 5,5:m 5,3 i=1,1 | 4,4 4,3 i=0,0,1 | 4,4 4,3 i=1,1,1 |"
    "2,3,3:mt 2,3,4:s | 3,4,4:ms 3,4,1:t i=1,0 | 17,17:m 17,2 | 2,0,0:m 2,0,1 | 3,3:m 3,0 | 2,1,2,2:m 2,1,2,3 i=1,1 | 0,3,3:m 0,3,2 | 5,5:mc 5,7 i=1"};

gm_tensor *gm_solve_triangular(gm_tape *t, gm_tensor *a, gm_tensor *b, int32_t upper, int32_t transposed, int32_t unit)
{
    if (!gm__expand_batch(t, "solve_triangular", &a, &b)) return NULL;
    gm_tensor *in[2] = {a, b};
    gm__attr at = {.i = {upper != 0, transposed != 0, unit != 0}};
    return gm__apply(t, &gm__op_solve_triangular, in, 2, &at);
}
