/* permute.c - axes in another order, a view. attr.i: the old axis of each new one. */
#include "ops/view.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    unsigned seen = 0;
    gm__view_all(c);
    for (int i = 0; i < x->ndim; i++) {
        int64_t a = c->attr->i[i];
        if (a < 0 || a >= x->ndim || (seen >> a & 1))
            return gm__fail(c->err, GM_ESHAPE, "permute: axes are not a permutation of 0..%d", x->ndim - 1);
        seen |= 1u << a;
        c->out->shape[i] = x->shape[a];
        c->out->stride[i] = x->stride[a];
    }
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    int32_t back[GM_MAX_DIMS];
    GM__UNUSED(want);
    for (int i = 0; i < gy->ndim; i++) back[n->attr.i[i]] = i;
    gx[0] = gm_permute(t, gy, back);
}
const gm__op gm__op_permute = {"permute", 1, GM__OP_VIEW | GM__OP_PART, infer, NULL, vjp, NULL,
    "7,17 i=1,0 | . | 0,3 i=1,0 | 2,3,4 i=2,0,1 | 2,3,4 i=0,2,1 | 5,9:s i=1,0 | 2,1,3,2 i=3,1,0,2 | "
    "2,1,3,1,2 i=4,2,0,3,1 | 17,7:ts i=1,0 | 4,0,2:t i=2,0,1 | 33 i=0 | 1,1,1 i=1,2,0"};

/* What x was before it was permuted, if these axes take the permutation back. */
static gm_tensor *undone(gm_tape *t, gm_tensor *x, const int32_t *axes)
{
    const gm__node *n = x->tape == t ? x->node : NULL;
    if (!n || n->op != &gm__op_permute || !n->in[0]->tape || n->in_version[0] != n->in[0]->version) return NULL;
    for (int i = 0; i < x->ndim; i++)
        if (axes[i] < 0 || axes[i] >= x->ndim || n->attr.i[axes[i]] != i) return NULL;
    return n->in[0];
}

gm_tensor *gm_permute(gm_tape *t, gm_tensor *x, const int32_t *axes)
{
    gm__attr a = {.i = {0}};
    gm_tensor *before;
    if (!gm__tape_ok(t)) return NULL;
    if (gm__is(x, GM__TENSOR) && x->ndim > 0) {
        if (!axes) return gm__tape_fail(t, GM_EARG, "permute: axes is NULL");
        if (x->tape_stamp == t->generation && (before = undone(t, x, axes))) return before;
        for (int i = 0; i < x->ndim; i++) a.i[i] = axes[i];
    }
    return gm__apply(t, &gm__op_permute, &x, 1, &a);
}

gm_tensor *gm_transpose(gm_tape *t, gm_tensor *x, int32_t axis_a, int32_t axis_b)
{
    gm__attr a = {.i = {0}};
    if (gm__tape_ok(t) && gm__is(x, GM__TENSOR)) {
        int nd = x->ndim;
        if (axis_a < -nd || axis_a >= nd || axis_b < -nd || axis_b >= nd)
            return gm__tape_fail(t, GM_ESHAPE, "transpose: axis %d is not in [-%d,%d)", axis_a < -nd || axis_a >= nd ? (int)axis_a : (int)axis_b, nd, nd);
        for (int i = 0; i < nd; i++) a.i[i] = i;
        int p = axis_a < 0 ? axis_a + nd : axis_a, q = axis_b < 0 ? axis_b + nd : axis_b;
        a.i[p] = q;
        a.i[q] = p;
    }
    return gm__apply(t, &gm__op_permute, &x, 1, &a);
}
