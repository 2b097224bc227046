/* embedding_sum.c - y[v] = sum of g[i] where index[i] is v: the gradient of embedding as an op.
 * Inputs g [index shape, ..], index; attr.i[0]: rows of y. */
#include "ops/index.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *g = c->in[0], *ix = c->in[1];
    int64_t shape[GM_MAX_DIMS + 1] = {c->attr->i[0]};
    int nd = 1;
    GM__TRY(gm__index_type(c, ix));
    GM__ASSERT(c->err, gm__is_float(g->dtype) && g->ndim >= ix->ndim && g->ndim - ix->ndim < GM_MAX_DIMS);
    for (int i = 0; i < ix->ndim; i++) GM__ASSERT(c->err, g->shape[i] == ix->shape[i]);
    for (int i = ix->ndim; i < g->ndim; i++) shape[nd++] = g->shape[i];
    gm__out_shape(c, g->dtype, nd, shape);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    gm_tensor *y = c->out, *g = gm__tape_contiguous(c->t, c->in[0]);
    const int64_t *v;
    if (!g) return gm__recorded(c->t);
    GM__TRY(gm__index_read(c->t, "embedding_sum", c->in[1], y->shape[0], &v));
    if (y->size == 0) return GM_OK;
    size_t rows = (size_t)y->shape[0];
    return gm__rows_sum(c->t, gm__f64_of(g), 1, rows, (size_t)y->size / rows, v, (size_t)c->in[1]->size, y->data, g->data, false);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = gm_embedding(t, gy, n->in[1]);
}
const gm__op gm__op_embedding_sum = {"embedding_sum", 2, 0, infer, forward, vjp, NULL,
    "7,3 7:k5 i=5 | 2,4,3 2,4:K5 i=5 | 6 6:k5 i=5 | 3 .:k5 i=5 | 0,3 0:k5 i=5 | 3,2,2,3:t 3,2:k4t i=4 | 17,9:s 17:k5 i=5 | "
    "2,1,3,1,2,3 2,1,3,1,2:k4 i=4 | 4,7:ts 4:K9 i=9 | 6,1,5:s 6:k3s i=3 | 1,1 1:k1 i=1 | 3,0 3:k5 i=5"};

gm_tensor *gm__embedding_sum(gm_tape *t, gm_tensor *g, gm_tensor *index, int64_t rows)
{
    gm_tensor *in[2] = {g, index};
    gm__attr a = {.i = {rows}};
    return gm__apply(t, &gm__op_embedding_sum, in, 2, &a);
}
