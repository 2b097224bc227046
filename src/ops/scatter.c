/* scatter.c - y = x but y[.., index[.., i, ..], ..] = src[.., i, ..] along an axis; the last of several with one place wins.
 * Its gradient for src, scatter_winners: g at the places of those that won, 0 for the others. attr.i[0]: axis. */
#include "ops/index.h"

#include <string.h>

/* index has big's shape but along the axis, where it has any size */
static gm_status check(gm__call *c, const gm_tensor *big, const gm_tensor *ix)
{
    char a[128], b[128];
    int axis = gm__axis(c, c->attr->i[0], big->ndim);
    if (axis < 0) return GM_ESHAPE;
    GM__TRY(gm__index_type(c, ix));
    if (!gm__is_float(big->dtype)) return gm__fail(c->err, GM_EDTYPE, "%s: input 0 is %s, f32 or f64 wanted", c->op->name, gm_dtype_name(big->dtype));
    bool ok = big->ndim == ix->ndim;
    for (int i = 0; ok && i < big->ndim; i++) ok = i == axis || big->shape[i] == ix->shape[i];
    if (ok) return GM_OK;
    return gm__fail(c->err, GM_ESHAPE, "%s: index %s does not fit %s along axis %d", c->op->name, gm__shape_text(a, ix->ndim, ix->shape),
                    gm__shape_text(b, big->ndim, big->shape), axis);
}
static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0], *ix = c->in[1], *src = c->in[2];
    char a[128], b[128];
    GM__TRY(check(c, x, ix));
    if (src->dtype != x->dtype) return gm__fail(c->err, GM_EDTYPE, "scatter: types differ: %s and %s", gm_dtype_name(x->dtype), gm_dtype_name(src->dtype));
    if (!gm__shape_equal(src, ix))
        return gm__fail(c->err, GM_ESHAPE, "scatter: src %s and index %s differ", gm__shape_text(a, src->ndim, src->shape), gm__shape_text(b, ix->ndim, ix->shape));
    gm__out_shape(c, x->dtype, x->ndim, x->shape);
    return GM_OK;
}
static gm_status infer_winners(gm__call *c)
{
    GM__TRY(check(c, c->in[0], c->in[1]));
    gm__out_shape(c, c->in[0]->dtype, c->in[1]->ndim, c->in[1]->shape);
    return GM_OK;
}

typedef struct places { size_t outer, n, inner, big; } places;
static places places_of(const gm_tensor *index, int axis, int64_t big)
{
    places p = {1, (size_t)index->shape[axis], 1, (size_t)big};
    for (int i = 0; i < axis; i++) p.outer *= (size_t)index->shape[i];
    for (int i = axis + 1; i < index->ndim; i++) p.inner *= (size_t)index->shape[i];
    return p;
}

static gm_status forward(gm__call *c)
{
    const int64_t *v;
    gm_tensor *y = c->out, *src = gm__tape_contiguous(c->t, c->in[2]);
    if (!src) return gm__recorded(c->t);
    int axis = gm__axis(c, c->attr->i[0], y->ndim);
    GM__TRY(gm__index_read(c->t, "scatter", c->in[1], y->shape[axis], &v));
    gm__copy_values(c->ctx, y, c->in[0]);
    places p = places_of(c->in[1], axis, y->shape[axis]);
    size_t es = gm__esize(y->dtype), small = 0;
    for (size_t o = 0; o < p.outer; o++)
        for (size_t i = 0; i < p.n; i++)
            for (size_t k = 0; k < p.inner; k++, small++)
                memcpy(y->data + ((o * p.big + (size_t)v[small]) * p.inner + k) * es, src->data + small * es, es);
    return GM_OK;
}
static gm_status forward_winners(gm__call *c)
{
    const int64_t *v;
    gm_tensor *y = c->out, *g = gm__tape_contiguous(c->t, c->in[0]);
    if (!g) return gm__recorded(c->t);
    int axis = gm__axis(c, c->attr->i[0], g->ndim);
    GM__TRY(gm__index_read(c->t, "scatter", c->in[1], g->shape[axis], &v));
    places p = places_of(c->in[1], axis, g->shape[axis]);
    char *taken = gm__arena(c->t, (size_t)g->size, 1);
    if (!taken) return gm__recorded(c->t);
    memset(taken, 0, (size_t)g->size);
    size_t es = gm__esize(y->dtype);
    for (size_t o = 0; o < p.outer; o++)
        for (size_t i = p.n; i-- > 0;) /* from the last on */
            for (size_t k = 0; k < p.inner; k++) {
                size_t small = (o * p.n + i) * p.inner + k, at = (o * p.big + (size_t)v[small]) * p.inner + k;
                if (taken[at]) memset(y->data + small * es, 0, es);
                else memcpy(y->data + small * es, g->data + at * es, es);
                taken[at] = 1;
            }
    return GM_OK;
}

static gm_tensor *winners(gm_tape *t, gm_tensor *g, int64_t axis, gm_tensor *index)
{
    gm_tensor *in[2] = {g, index};
    gm__attr a = {.i = {axis}};
    return gm__apply(t, &gm__op_scatter_winners, in, 2, &a);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    const gm_tensor *ix = n->in[1];
    if (want[0]) gx[0] = gm_scatter(t, gy, (int32_t)n->attr.i[0], n->in[1], gm_zeros(t, gy->dtype, ix->ndim, ix->shape));
    if (want[2]) gx[2] = winners(t, gy, n->attr.i[0], n->in[1]);
}
static void vjp_winners(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    const gm_tensor *g = n->in[0];
    if (want[0]) gx[0] = gm_scatter(t, gm_zeros(t, g->dtype, g->ndim, g->shape), (int32_t)n->attr.i[0], n->in[1], gy);
}
const gm__op gm__op_scatter = {"scatter", 3, 0, infer, forward, vjp, NULL,
    "7,5 7,2:k5 7,2 i=1 | 7,5 3,5:K7 3,5 i=0 | 5 8:k5 8 i=0 | 2,3,4:t 2,6,4:k3t 2,6,4:t i=-2 | 5,9:s 5,9:k9s 5,9:s i=1 | 0,3 0,2:k3 0,2 i=1 | 7,5 7,0:k5 7,0 i=1 | 1 1:k1 1 i=-1 | "
    "3,17 3,4:K17 3,4:t i=1 | 2,1 5,1:k2 5,1 i=0 | 2,2,3 2,2,7:k3 2,2,7 i=2 | 4,3 4,3:K3 4,3 i=-1"};
const gm__op gm__op_scatter_winners = {"scatter_winners", 2, 0, infer_winners, forward_winners, vjp_winners, NULL,
    "7,5 7,2:k5 i=1 | 7,5 3,5:K7 i=0 | 5 8:k5 i=0 | 2,3,4:t 2,6,4:k3t i=-2 | 5,9:s 5,9:k9s i=1 | 0,3 0,2:k3 i=1 | 7,5 7,0:k5 i=1 | 1 1:k1 i=-1 | 3,17 3,4:K17 i=1 | "
    "2,1 5,1:k2 i=0 | 2,2,3 2,2,7:k3 i=2 | 4,3 4,3:K3 i=-1"};

gm_tensor *gm_scatter(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index, gm_tensor *src)
{
    gm_tensor *in[3] = {x, index, src};
    gm__attr a = {.i = {axis}};
    return gm__apply(t, &gm__op_scatter, in, 3, &a);
}

gm_tensor *gm_scatter_add(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index, gm_tensor *src)
{
    char a[128], b[128];
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR)) return gm_add(t, x, src); /* which says what is wrong */
    if (axis < -x->ndim || axis >= x->ndim) return gm__tape_fail(t, GM_ESHAPE, "scatter_add: axis %d is not in [-%d,%d)", (int)axis, x->ndim, x->ndim);
    int64_t at = axis < 0 ? axis + x->ndim : axis;
    gm_tensor *sum = gm__scatter_add(t, src, at, index, x->shape[at]);
    if (sum && !gm__shape_equal(sum, x))
        return gm__tape_fail(t, GM_ESHAPE, "scatter_add: src %s does not fit %s along axis %d", gm__shape_text(a, src->ndim, src->shape),
                             gm__shape_text(b, x->ndim, x->shape), (int)at);
    return gm_add(t, x, sum);
}
