/* gather.c - y[.., i, ..] = x[.., index[.., i, ..], ..] along an axis, and its transpose scatter_add:
 * y[.., index[.., i, ..], ..] += x[.., i, ..]. attr.i: axis, for scatter_add also the axis's new size. */
#include "ops/index.h"

#include <string.h>

/* index must have x's shape but along the axis; gather: any size there, scatter_add: x's */
static gm_status check(gm__call *c, int axis, bool same)
{
    const gm_tensor *x = c->in[0], *ix = c->in[1];
    char a[128], b[128];
    GM__TRY(gm__index_type(c, ix));
    if (!gm__is_float(x->dtype)) return gm__fail(c->err, GM_EDTYPE, "%s: input 0 is %s, f32 or f64 wanted", c->op->name, gm_dtype_name(x->dtype));
    if (axis < 0) return GM_ESHAPE;
    bool ok = x->ndim == ix->ndim;
    for (int i = 0; ok && i < x->ndim; i++) ok = (i == axis && !same) || x->shape[i] == ix->shape[i];
    if (ok) return GM_OK;
    return gm__fail(c->err, GM_ESHAPE, "%s: index %s does not fit %s along axis %d", c->op->name, gm__shape_text(a, ix->ndim, ix->shape),
                    gm__shape_text(b, x->ndim, x->shape), axis);
}
static gm_status infer(gm__call *c)
{
    GM__TRY(check(c, gm__axis(c, c->attr->i[0], c->in[0]->ndim), false));
    gm__out_shape(c, c->in[0]->dtype, c->in[1]->ndim, c->in[1]->shape);
    return GM_OK;
}
static gm_status infer_add(gm__call *c)
{
    int axis = gm__axis(c, c->attr->i[0], c->in[0]->ndim);
    GM__TRY(check(c, axis, true));
    gm__out_shape(c, c->in[0]->dtype, c->in[0]->ndim, c->in[0]->shape);
    c->out->shape[axis] = c->attr->i[1];
    return GM_OK;
}

/* Walks the places of index: the small side has its shape [outer, n, inner], the large side [outer, big, inner]. */
static void walk(bool f64, bool add, const gm_tensor *index, int axis, int64_t big, const int64_t *v, char *y, const char *x)
{
    size_t outer = 1, inner = 1, n = (size_t)index->shape[axis], es = f64 ? 8 : 4;
    for (int i = 0; i < axis; i++) outer *= (size_t)index->shape[i];
    for (int i = axis + 1; i < index->ndim; i++) inner *= (size_t)index->shape[i];
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < inner; k++) {
                size_t small = (o * n + i) * inner + k, large = (o * (size_t)big + (size_t)v[small]) * inner + k;
                if (!add) memcpy(y + small * es, x + large * es, es);
                else gm__store(f64, y + large * es, gm__load(f64, y + large * es) + gm__load(f64, x + small * es));
            }
}

static gm_status forward(gm__call *c)
{
    const int64_t *v;
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    int axis = gm__axis(c, c->attr->i[0], x->ndim);
    GM__TRY(gm__index_read(c->t, "gather", c->in[1], x->shape[axis], &v));
    walk(gm__f64_of(x), false, c->in[1], axis, x->shape[axis], v, c->out->data, x->data);
    return GM_OK;
}
static gm_status forward_add(gm__call *c)
{
    const int64_t *v;
    gm_tensor *y = c->out, *g = gm__tape_contiguous(c->t, c->in[0]);
    if (!g) return gm__recorded(c->t);
    int axis = gm__axis(c, c->attr->i[0], y->ndim);
    GM__TRY(gm__index_read(c->t, "scatter_add", c->in[1], y->shape[axis], &v));
    memset(y->data, 0, (size_t)y->size * gm__esize(y->dtype));
    walk(gm__f64_of(y), true, c->in[1], axis, y->shape[axis], v, y->data, g->data);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    int64_t axis = n->attr.i[0] < 0 ? n->attr.i[0] + gy->ndim : n->attr.i[0];
    if (want[0]) gx[0] = gm__scatter_add(t, gy, axis, n->in[1], n->in[0]->shape[axis]);
}
static void vjp_add(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = gm_gather(t, gy, (int32_t)n->attr.i[0], n->in[1]);
}
const gm__op gm__op_gather = {"gather", 2, 0, infer, forward, vjp, NULL,
    "7,5 7,2:k5 i=1 | 7,5 3,5:K7 i=0 | 5 8:k5 i=0 | 2,3,4:t 2,6,4:k3t i=-2 | 5,9:s 5,9:k9s i=1 | 0,3 0,2:k3 i=1 | 7,5 7,0:k5 i=1 | 1 1:k1 i=-1 | "
    "2,1,3,1,2 2,1,5,1,2:k3 i=2 | 17,7:ts 17,3:K7t i=-1 | 33 40:k33 i=0 | 4,0,2 4,0,5:k2 i=2"};
const gm__op gm__op_scatter_add = {"scatter_add", 2, 0, infer_add, forward_add, vjp_add, NULL,
    "7,2 7,2:k5 i=1,5 | 3,5 3,5:K7 i=0,7 | 8 8:k5 i=0,5 | 2,6,4:t 2,6,4:k3t i=-2,3 | 5,9:s 5,9:k9s i=1,9 | 0,2 0,2:k3 i=1,3 | 7,0 7,0:k5 i=1,5 | "
    "2,1,5,1,2 2,1,5,1,2:k3 i=2,3 | 17,3:ts 17,3:K7t i=-1,7 | 40 40:k33 i=0,33 | 4,0,5 4,0,5:k2 i=2,2 | 1 1:k1 i=-1,1"};

gm_tensor *gm_gather(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index)
{
    gm_tensor *in[2] = {x, index};
    gm__attr a = {.i = {axis}};
    return gm__apply(t, &gm__op_gather, in, 2, &a);
}
gm_tensor *gm__scatter_add(gm_tape *t, gm_tensor *g, int64_t axis, gm_tensor *index, int64_t n)
{
    gm_tensor *in[2] = {g, index};
    gm__attr a = {.i = {axis, n}};
    return gm__apply(t, &gm__op_scatter_add, in, 2, &a);
}
