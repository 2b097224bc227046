/* index_select.c - y[.., i, ..] = x[.., index[i], ..] along an axis, any type, and its transpose index_sum:
 * y[.., index[i], ..] += x[.., i, ..]. attr.i: axis, for index_sum also the axis's new size. */
#include "ops/index.h"

/* sizes before and behind an axis */
static size_t before(const gm_tensor *x, int axis)
{
    size_t n = 1;
    for (int i = 0; i < axis; i++) n *= (size_t)x->shape[i];
    return n;
}
static size_t behind(const gm_tensor *x, int axis)
{
    size_t n = 1;
    for (int i = axis + 1; i < x->ndim; i++) n *= (size_t)x->shape[i];
    return n;
}

static gm_status check_index(gm__call *c)
{
    char a[128];
    const gm_tensor *ix = c->in[1];
    GM__TRY(gm__index_type(c, ix));
    if (ix->ndim == 1) return GM_OK;
    return gm__fail(c->err, GM_ESHAPE, "%s: the index has shape %s, one axis wanted", c->op->name, gm__shape_text(a, ix->ndim, ix->shape));
}
static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    int axis = gm__axis(c, c->attr->i[0], x->ndim);
    if (axis < 0) return GM_ESHAPE;
    GM__TRY(check_index(c));
    gm__out_shape(c, x->dtype, x->ndim, x->shape);
    c->out->shape[axis] = c->in[1]->shape[0];
    return GM_OK;
}
static gm_status infer_sum(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    char a[128];
    int axis = gm__axis(c, c->attr->i[0], x->ndim);
    if (axis < 0) return GM_ESHAPE;
    GM__TRY(check_index(c));
    if (!gm__is_float(x->dtype)) return gm__fail(c->err, GM_EDTYPE, "%s: input 0 is %s, f32 or f64 wanted", c->op->name, gm_dtype_name(x->dtype));
    gm__out_shape(c, x->dtype, x->ndim, x->shape);
    if (c->in[1]->shape[0] != x->shape[axis])
        return gm__fail(c->err, GM_ESHAPE, "%s: %lld indices for %s along axis %d", c->op->name, (long long)c->in[1]->shape[0],
                        gm__shape_text(a, x->ndim, x->shape), axis);
    c->out->shape[axis] = c->attr->i[1];
    return GM_OK;
}

static gm_status forward(gm__call *c)
{
    const int64_t *v;
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    int axis = gm__axis(c, c->attr->i[0], x->ndim);
    GM__TRY(gm__index_read(c->t, "index_select", c->in[1], x->shape[axis], &v));
    gm__rows_pick(c->ctx, gm__esize(x->dtype), before(x, axis), (size_t)x->shape[axis], behind(x, axis), v, (size_t)c->in[1]->size, c->out->data, x->data);
    return GM_OK;
}
static gm_status forward_sum(gm__call *c)
{
    const int64_t *v;
    gm_tensor *y = c->out, *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    int axis = gm__axis(c, c->attr->i[0], y->ndim);
    GM__TRY(gm__index_read(c->t, "index_sum", c->in[1], y->shape[axis], &v));
    return gm__rows_sum(c->t, gm__f64_of(y), before(y, axis), (size_t)y->shape[axis], behind(y, axis), v, (size_t)c->in[1]->size, y->data, x->data, false);
}
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    const int64_t *v;
    bool add;
    if (!want[0]) return GM_OK;
    gm_tensor *g = gm__grad_into(t, n, 0, &add);
    if (!g) return gm__recorded(t);
    int axis = (int)(n->attr.i[0] < 0 ? n->attr.i[0] + g->ndim : n->attr.i[0]);
    GM__TRY(gm__index_read(t, "index_select", n->in[1], g->shape[axis], &v));
    return gm__rows_sum(t, gm__f64_of(g), before(g, axis), (size_t)g->shape[axis], behind(g, axis), v, (size_t)n->in[1]->size, g->data, gy->data, add);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    int64_t axis = n->attr.i[0] < 0 ? n->attr.i[0] + gy->ndim : n->attr.i[0];
    if (want[0]) gx[0] = gm__index_sum(t, gy, axis, n->in[1], n->in[0]->shape[axis]);
}
static void vjp_sum(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = gm_index_select(t, gy, (int32_t)n->attr.i[0], n->in[1]);
}
const gm__op gm__op_index_select = {"index_select", 2, 0, infer, forward, vjp, fused,
    "7,5 3:k5 i=1 | 7,5 3:K7 i=0 | 5 8:k5 i=0 | 2,3,4:t 6:k3 i=-2 | 5,9:s 17:k9s i=1 | 0,3 2:k3 i=1 | 7,5 0:k5 i=1 | 1 1:k1 i=-1 | 1,17 4:K17 i=-1 | "
    "2,7,3 9:k7 i=1 | 7,0 3:k7 i=0 | 5,4:k9 3:k4 i=1 | 17,3:b 5:k17 i=0"};
const gm__op gm__op_index_sum = {"index_sum", 2, 0, infer_sum, forward_sum, vjp_sum, NULL,
    "7,3 3:k5 i=1,5 | 3,5 3:K7 i=0,7 | 8 8:k5 i=0,5 | 2,6,4:t 6:k3 i=-2,3 | 5,17:s 17:k9s i=1,9 | 0,2 2:k3 i=1,3 | 7,0 0:k5 i=1,5 | 1 1:k1 i=-1,1 | "
    "17,1 17:k4 i=0,4 | 2,9,3 9:k7 i=1,7 | 3,0 3:k7 i=0,7 | 1,7 7:K2 i=-1,2"};

gm_tensor *gm_index_select(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index)
{
    gm_tensor *in[2] = {x, index};
    gm__attr a = {.i = {axis}};
    return gm__apply(t, &gm__op_index_select, in, 2, &a);
}
gm_tensor *gm__index_sum(gm_tape *t, gm_tensor *x, int64_t axis, gm_tensor *index, int64_t n)
{
    gm_tensor *in[2] = {x, index};
    gm__attr a = {.i = {axis, n}};
    return gm__apply(t, &gm__op_index_sum, in, 2, &a);
}
gm_tensor *gm_index_add(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index, gm_tensor *src)
{
    char a[128], b[128];
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR)) return gm_add(t, x, src); /* which says what is wrong */
    if (axis < -x->ndim || axis >= x->ndim) return gm__tape_fail(t, GM_ESHAPE, "index_add: axis %d is not in [-%d,%d)", (int)axis, x->ndim, x->ndim);
    int at = axis < 0 ? axis + x->ndim : axis;
    gm_tensor *sum = gm__index_sum(t, src, at, index, x->shape[at]);
    if (sum && !gm__shape_equal(sum, x))
        return gm__tape_fail(t, GM_ESHAPE, "index_add: src %s does not fit %s along axis %d", gm__shape_text(a, src->ndim, src->shape),
                             gm__shape_text(b, x->ndim, x->shape), at);
    return gm_add(t, x, sum);
}
