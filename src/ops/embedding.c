/* embedding.c - rows of a table: inputs table [V, ..] and index [..]. */
#include "ops/index.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *table = c->in[0], *ix = c->in[1];
    char a[128], b[128];
    int64_t shape[2 * GM_MAX_DIMS];
    int nd = 0;
    GM__TRY(gm__index_type(c, ix));
    if (!gm__is_float(table->dtype)) return gm__fail(c->err, GM_EDTYPE, "embedding: the table is %s, f32 or f64 wanted", gm_dtype_name(table->dtype));
    for (int i = 0; i < ix->ndim; i++) shape[nd++] = ix->shape[i];
    for (int i = 1; i < table->ndim; i++) shape[nd++] = table->shape[i];
    if (table->ndim < 1 || nd > GM_MAX_DIMS)
        return gm__fail(c->err, GM_ESHAPE, "embedding: table %s cannot be indexed by %s", gm__shape_text(a, table->ndim, table->shape),
                        gm__shape_text(b, ix->ndim, ix->shape));
    gm__out_shape(c, table->dtype, nd, shape);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    const int64_t *v;
    gm_tensor *table = gm__tape_contiguous(c->t, c->in[0]);
    if (!table) return gm__recorded(c->t);
    GM__TRY(gm__index_read(c->t, "embedding", c->in[1], table->shape[0], &v));
    if (c->out->size == 0) return GM_OK;
    size_t n = (size_t)c->in[1]->size;
    gm__rows_pick(c->ctx, gm__esize(table->dtype), 1, (size_t)table->shape[0], (size_t)c->out->size / n, v, n, c->out->data, table->data);
    return GM_OK;
}
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    bool add;
    const int64_t *v;
    if (!want[0]) return GM_OK;
    gm_tensor *g = gm__grad_into(t, n, 0, &add);
    if (!g) return gm__recorded(t);
    GM__TRY(gm__index_read(t, "embedding", n->in[1], g->shape[0], &v));
    if (g->size == 0) return GM_OK;
    size_t rows = (size_t)g->shape[0];
    return gm__rows_sum(t, gm__f64_of(g), 1, rows, (size_t)g->size / rows, v, (size_t)n->in[1]->size, g->data, gy->data, add);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = gm__embedding_sum(t, gy, n->in[1], n->in[0]->shape[0]);
}
const gm__op gm__op_embedding = {"embedding", 2, 0, infer, forward, vjp, fused,
    "5,3 7:k5 | 5,3 2,4:K5 | 5 6:k5 | 5,3 .:k5 | 5,3 0:k5 | 4,2,3:t 3,2:k4t | 5,9:s 17:k5 | 1,1 3:k1 | 5,0 3:k5 | "
    "7,2 2,1,3,1,2:k7 | 17,7:ts 4:K17 | 3,1,5:s 6:k3s"};

gm_tensor *gm_embedding(gm_tape *t, gm_tensor *table, gm_tensor *index) { return gm__apply2(t, &gm__op_embedding, table, index); }
