/* conv2d_weight.c - the gradient of conv2d by its weights, itself an op: linear in the large image x [N,H,W,C]
 * and in the small one y [N,OH,OW,O]. Gives [O,C/groups,kh,kw]; attributes in conv.h. */
#include "ops/conv.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0], *y = c->in[1];
    const char *name = c->op->name;
    int64_t size;
    char p[128], q[128];
    GM__TRY(gm__conv_check(c, name));
    GM__TRY(gm__conv_groups(c, name, x->shape[3], y->shape[3]));
    for (int i = 0; i < 2; i++) {
        GM__TRY(gm__conv_size(c, name, i, x->shape[1 + i], c->attr->i[GM__CONV_SIZE + i], &size));
        if (x->shape[0] != y->shape[0] || size != y->shape[1 + i])
            return gm__fail(c->err, GM_ESHAPE, "%s: sizes do not belong together: %s and %s", name, gm__shape_text(p, 4, x->shape),
                            gm__shape_text(q, 4, y->shape));
    }
    const int64_t shape[4] = {y->shape[3], x->shape[3] / c->attr->i[GM__CONV_GROUPS], c->attr->i[GM__CONV_SIZE], c->attr->i[GM__CONV_SIZE + 1]};
    gm__out_shape(c, x->dtype, 4, shape);
    return GM_OK;
}

static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]), *y = x ? gm__tape_contiguous(c->t, c->in[1]) : NULL;
    if (!y) return gm__recorded(c->t);
    gm__conv g = gm__conv_of(c->attr, x, y, c->out);
    return gm__conv_failed(c->t, gm__conv_weight(c->ctx, gm__f64_of(x), &g, c->out->data, x->data, y->data, false));
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gw, const bool *want, gm_tensor **gx)
{
    gm__attr a = n->attr;
    for (int i = 0; i < 2; i++) a.i[GM__CONV_SIZE + i] = n->in[0]->shape[1 + i];
    if (want[0]) gx[0] = gm__conv_transpose_apply(t, n->in[1], gw, NULL, &a);
    if (want[1]) gx[1] = gm__conv_apply(t, n->in[0], gw, NULL, &a);
}

const gm__op gm__op_conv2d_weight = {"conv2d_weight", 2, 0, infer, forward, vjp, NULL,
    "1,1,1,1 1,1,1,1 i=1,1,0,0,1,1,1,0,1,1 | 2,5,7,3 2,5,7,4 i=1,1,1,1,1,1,1,0,3,3 | 1,8,8,2:t 1,4,4,3:t i=2,2,1,1,1,1,1,0,4,4 | "
    "2,6,7,4 2,3,2,6 i=2,3,1,0,1,1,2,0,3,2 | 1,8,6,3 1,3,3,3 i=3,2,2,1,2,1,3,0,3,3 | 0,4,4,2 0,4,4,3 i=1,1,1,1,1,1,1,0,3,3 | "
    "2,1,21,1 2,1,5,7 i=1,3,0,2,1,3,1,0,1,5 | 1,3,3,17 1,1,1,2 i=1,1,0,0,1,1,1,0,3,3 | 3,4,4,6 3,4,4,6 i=1,1,1,1,1,1,6,0,3,3 | "
    "1,5,5,3:s 1,3,3,2:s i=2,2,1,1,1,1,1,0,3,3 | 2,3,4,5 2,3,4,17 i=1,1,0,0,1,1,1,0,1,1 | 1,2,2,1 1,1,1,1 i=3,3,3,3,3,3,1,0,3,3 | "
    "7,4,4,1 7,2,2,5 i=2,2,1,1,1,1,1,0,3,3"};

gm_tensor *gm__conv_weight_apply(gm_tape *t, gm_tensor *x, gm_tensor *y, const gm__attr *a)
{
    gm_tensor *in[2] = {x, y};
    return gm__apply(t, &gm__op_conv2d_weight, in, 2, a);
}
