/* sum_to.c - sums down to a smaller shape: the inverse of broadcasting. attr.i: ndim, shape. */
#include "ops/reduce.h"

#include <string.h>

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    const int64_t *shape = c->attr->i + 1;
    int nd = (int)c->attr->i[0], lead = x->ndim - nd;
    GM__TRY(gm__want_float(c));
    GM__ASSERT(c->err, lead >= 0);
    for (int i = 0; i < nd; i++) GM__ASSERT(c->err, shape[i] == 1 || shape[i] == x->shape[lead + i]);
    gm__out_shape(c, x->dtype, nd, shape);
    return GM_OK;
}
/* Leading axes alone, or trailing axes alone, are one sum; anything else goes axis by axis. */
static gm_status forward(gm__call *c)
{
    gm_tensor *y = c->out, *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    int lead = x->ndim - y->ndim;
    int64_t shape[GM_MAX_DIMS];
    for (int i = 0; i < x->ndim; i++) shape[i] = x->shape[i];
    void *from = x->data;
    for (int i = 0; i < x->ndim;) {
        if (shape[i] == (i < lead ? 1 : y->shape[i - lead])) {
            i++;
            continue;
        }
        gm__axes a = {1, 1, 1}; /* a run of neighbouring axes that all go */
        int last = i;
        while (last < x->ndim && (last < lead || y->shape[last - lead] == 1)) a.n *= (size_t)shape[last++];
        bool more = false;
        for (int k = 0; k < i; k++) a.outer *= (size_t)shape[k];
        for (int k = last; k < x->ndim; k++) {
            a.inner *= (size_t)shape[k];
            more = more || shape[k] != y->shape[k - lead];
        }
        void *to = y->data;
        if (more && !(to = gm__arena(c->t, a.outer * a.inner + 1, gm__esize(x->dtype)))) return gm__recorded(c->t);
        gm__sum_axes(c->ctx, gm__f64_of(x), a, to, from);
        for (; i < last; i++) shape[i] = 1;
        from = to;
    }
    if (from == x->data) memcpy(y->data, x->data, (size_t)y->size * gm__esize(y->dtype)); /* only sizes of 1 went */
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm_expand(t, gy, n->in[0]->ndim, n->in[0]->shape);
}
const gm__op gm__op_sum_to = {"sum_to", 1, 0, infer, forward, vjp, NULL,
    "7,17 i=1,17 | 7,17 i=2,7,1 | 3,5 i=0 | 2,3,4:t i=2,3,1 | 2,3,4,5 i=4,1,3,1,5 | 0,3 i=1,3 | 5,9:s i=2,1,1 | 2,1,3 i=1,3 | 1,1,3 i=1,3 | 2,3,4 i=3,2,1,1 | "
    "2,1,3,1,2 i=3,3,1,1 | 17,7:ts i=1,1"};

gm_tensor *gm__sum_to(gm_tape *t, gm_tensor *g, const gm_tensor *x)
{
    gm__attr a;
    if (g && gm__shape_equal(g, x)) return g;
    if (!gm__attr_shape(t, "sum_to", &a, x->ndim, x->shape)) return NULL;
    return gm__apply(t, &gm__op_sum_to, &g, 1, &a);
}
