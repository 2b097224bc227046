/* expand.c - sizes of 1 and new leading axes repeated by strides of 0, a view. attr.i: ndim, shape. */
#include "ops/view.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    const int64_t *shape = c->attr->i + 1;
    char from[128], to[128];
    int nd = (int)c->attr->i[0], lead = nd - x->ndim;
    int64_t size;
    GM__TRY(gm__shape_check(c->err, "expand", nd, shape, &size));
    bool ok = lead >= 0;
    for (int i = 0; ok && i < x->ndim; i++) ok = x->shape[i] == 1 || x->shape[i] == shape[lead + i];
    if (!ok) return gm__fail(c->err, GM_ESHAPE, "expand: %s does not expand to %s", gm__shape_text(from, x->ndim, x->shape), gm__shape_text(to, nd, shape));
    gm__out_shape(c, x->dtype, nd, shape);
    c->out->data = x->data;
    for (int i = 0; i < nd; i++) c->out->stride[i] = i < lead || x->shape[i - lead] != shape[i] ? 0 : x->stride[i - lead];
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm__sum_to(t, gy, n->in[0]);
}
const gm__op gm__op_expand = {"expand", 1, GM__OP_VIEW, infer, NULL, vjp, NULL,
    "7,1 i=2,7,5 | . i=2,3,2 | 1,3 i=3,2,4,3 | 0,1 i=2,0,3 | 3,1,4:t i=3,3,2,4 | 5:s i=2,2,5 | 1,3 i=2,0,3 | 1 i=1,1 | "
    "2,1,3,1,2 i=5,2,4,3,5,2 | 17,1:ts i=2,17,3 | 4,0,1 i=3,4,0,2 | 1,1 i=4,2,1,3,1"};

gm_tensor *gm_expand(gm_tape *t, gm_tensor *x, int32_t ndim, const int64_t *shape)
{
    gm__attr a;
    if (!gm__attr_shape(t, "expand", &a, ndim, shape)) return NULL;
    return gm__apply(t, &gm__op_expand, &x, 1, &a);
}
