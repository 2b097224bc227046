/* reshape.c - another shape, the same order of elements; a view wherever strides allow. attr.i: ndim, shape. */
#include "ops/view.h"

/* Strides under which x's elements, in order, have the given shape (of equal size); false if there are none.
 * Runs of old axes that lie evenly in memory are matched with runs of new axes of equal size. */
static bool view_strides(const gm_tensor *x, int nd, const int64_t *shape, int64_t *stride)
{
    if (x->contiguous || x->size == 0) {
        gm__shape_strides(nd, shape, stride);
        return true;
    }
    int old = x->ndim - 1, now = nd - 1;
    while (now >= 0) {
        if (shape[now] == 1) {
            stride[now--] = 1;
            continue;
        }
        while (x->shape[old] == 1) old--;
        int64_t have = x->shape[old], step = x->stride[old], used = 1;
        old--;
        while (now >= 0 && used < have) {
            if (have % (used * shape[now])) { /* the run of old axes must be longer */
                while (old >= 0 && x->shape[old] == 1) old--;
                if (old < 0 || x->stride[old] != step * have) return false;
                have *= x->shape[old--];
                continue;
            }
            stride[now] = step * used;
            used *= shape[now--];
        }
    }
    return true;
}

/* The wanted shape with -1 worked out. */
static gm_status resolve(gm__err *e, const gm_tensor *x, const gm__attr *a, int64_t *shape)
{
    char from[128], to[128];
    int nd = (int)a->i[0], open = -1;
    int64_t known = 1;
    bool ok = true;
    for (int i = 0; i < nd; i++) {
        shape[i] = a->i[1 + i];
        if (shape[i] == -1 && open < 0) open = i;
        else if (shape[i] < 0 || __builtin_mul_overflow(known, shape[i], &known)) ok = false;
    }
    if (ok && open >= 0) {
        ok = known != 0 && x->size % known == 0;
        if (ok) shape[open] = x->size / known;
    } else if (ok) {
        ok = known == x->size;
    }
    if (ok) return GM_OK;
    return gm__fail(e, GM_ESHAPE, "reshape: %s does not fit %s", gm__shape_text(from, x->ndim, x->shape), gm__shape_text(to, nd, a->i + 1));
}

static gm_status infer(gm__call *c)
{
    int64_t shape[GM_MAX_DIMS];
    GM__TRY(resolve(c->err, c->in[0], c->attr, shape));
    gm__out_shape(c, c->in[0]->dtype, (int)c->attr->i[0], shape);
    GM__ASSERT(c->err, view_strides(c->in[0], c->out->ndim, shape, c->out->stride)); /* gm_reshape has seen to it */
    c->out->data = c->in[0]->data;
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm__reshape_like(t, gy, n->in[0]);
}
const gm__op gm__op_reshape = {"reshape", 1, GM__OP_VIEW | GM__OP_PART, infer, NULL, vjp, NULL,
    "6,4 i=2,3,8 | . i=2,1,1 | 0,3 i=2,5,0 | 2,3,4 i=1,-1 | 24 i=3,2,-1,4 | 5,9:s i=3,5,3,3 | 2,1,6:t i=2,2,6 | "
    "7,17 i=1,119 | 2,1,3,1,2 i=2,3,4 | 4,0,2:t i=2,0,5 | 17,7:ts i=3,7,1,17 | 1,1,1 i=0"};

gm_tensor *gm_reshape(gm_tape *t, gm_tensor *x, int32_t ndim, const int64_t *shape)
{
    gm__attr a;
    if (!gm__attr_shape(t, "reshape", &a, ndim, shape)) return NULL;
    if (gm__is(x, GM__TENSOR) && !x->contiguous) {
        int64_t full[GM_MAX_DIMS], stride[GM_MAX_DIMS];
        if (resolve(NULL, x, &a, full) == GM_OK && !view_strides(x, ndim, full, stride) && !(x = gm__copy(t, x))) return NULL;
    }
    return gm__apply(t, &gm__op_reshape, &x, 1, &a);
}
