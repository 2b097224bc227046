/* conv2d.c - convolution (correlation, as everywhere in this field) with bias and activation in its store.
 * Inputs x [N,H,W,C], w [O,C/groups,kh,kw], b [O] or none; attributes in conv.h. */
#include "ops/conv.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0], *w = c->in[1], *b = c->in[2];
    const char *name = gm__conv_name(c, c->op->name);
    GM__TRY(gm__conv_check(c, name));
    int64_t groups = c->attr->i[GM__CONV_GROUPS], shape[4] = {x->shape[0], 0, 0, w->shape[0]}, wants;
    GM__TRY(gm__conv_groups(c, name, x->shape[3], w->shape[0]));
    if (__builtin_mul_overflow(w->shape[1], groups, &wants) || x->shape[3] != wants)
        return gm__fail(c->err, GM_ESHAPE, "%s: x has %lld channels, w wants %lld", name, (long long)x->shape[3], (long long)wants);
    if (b && (b->ndim != 1 || b->shape[0] != w->shape[0]))
        return gm__fail(c->err, GM_ESHAPE, "%s: a bias of %lld numbers for %lld channels", name, (long long)b->size, (long long)w->shape[0]);
    for (int i = 0; i < 2; i++) GM__TRY(gm__conv_size(c, name, i, x->shape[1 + i], w->shape[2 + i], &shape[1 + i]));
    gm__out_shape(c, x->dtype, 4, shape);
    return GM_OK;
}

static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]), *w = c->in[1], *b = c->in[2];
    if (!x || (b && !(b = gm__tape_contiguous(c->t, b)))) return gm__recorded(c->t);
    gm__conv g = gm__conv_of(c->attr, x, c->out, w);
    gm__conv_end end = {.bias = b ? b->data : NULL, .act = gm__act_kernel(c->attr->i[GM__CONV_ACT]), .slope = c->attr->f[0]};
    return gm__conv_failed(c->t, gm__conv_forward(c->ctx, gm__f64_of(x), &g, c->out->data, x->data, w->data, &end));
}

static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    gm_tensor *w = n->in[1], *to;
    bool f64 = gm__f64_of(gy), add;
    gm__conv g = gm__conv_of(&n->attr, n->in[0], gy, w);
    if (n->attr.i[GM__CONV_ACT] && !(gy = gm__act_fused(t, n->attr.i[GM__CONV_ACT], n->attr.f[0], gy, n->out))) return gm__recorded(t);
    if (want[0]) {
        if (!(to = gm__grad_into(t, n, 0, &add))) return gm__recorded(t);
        GM__TRY(gm__conv_failed(t, gm__conv_data(t->ctx, f64, &g, to->data, gy->data, w->data, &(gm__conv_end){.add = add})));
    }
    if (want[1]) {
        gm_tensor *x = gm__tape_contiguous(t, n->in[0]);
        if (!x || !(to = gm__grad_into(t, n, 1, &add))) return gm__recorded(t);
        GM__TRY(gm__conv_failed(t, gm__conv_weight(t->ctx, f64, &g, to->data, x->data, gy->data, add)));
    }
    if (n->in[2] && want[2]) {
        if (!(to = gm__grad_into(t, n, 2, &add))) return gm__recorded(t);
        GM__TRY(gm__conv_bias(t, gy, to, add));
    }
    return GM_OK;
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm_tensor *x = n->in[0], *w = n->in[1], *g = gm__act_vjp(t, n->attr.i[GM__CONV_ACT], n->attr.f[0], gy, n->out);
    gm__attr a = n->attr;
    a.i[GM__CONV_ACT] = 0;
    for (int i = 0; i < 2; i++) a.i[GM__CONV_SIZE + i] = x->shape[1 + i];
    if (want[0]) gx[0] = gm__conv_transpose_apply(t, g, w, NULL, &a);
    for (int i = 0; i < 2; i++) a.i[GM__CONV_SIZE + i] = w->shape[2 + i];
    if (want[1]) gx[1] = gm__conv_weight_apply(t, x, g, &a);
    if (n->in[2] && want[2]) gx[2] = gm__conv_bias_vjp(t, g);
}

const gm__op gm__op_conv2d = {"conv2d", 3, GM__OP_OPT2, infer, forward, vjp, fused,
    "1,1,1,1 1,1,1,1 1 i=1,1,0,0,1,1,1 | 2,5,7,3 4,3,3,3 4 i=1,1,1,1,1,1,1 | 1,7,5,2:t 3,2,3,2:t 3:s i=2,1,0,1,1,2,1 | "
    "2,6,6,4 6,2,2,3 - i=2,2,1,1,1,1,2 | 1,9,8,3 3,1,3,3 3 i=3,2,2,1,2,1,3 | 0,4,4,2 3,2,3,3 3 i=1,1,1,1,1,1,1 | "
    "2,1,17,1 7,1,1,5 7 i=1,3,0,2,1,3,1,0,0,0,1 | 1,3,3,17 2,17,3,3 - i=1,1,0,0,1,1,1 | 3,4,4,6 6,1,3,3 6 i=1,1,1,1,1,1,6 | "
    "2,4,5,2 3,2,3,3 3 i=1,1,1,1,1,1,1,1 | 2,4,5,2 3,2,2,3 3 i=2,1,1,1,1,1,1,2 f=0.2 | 1,5,5,3:s 2,3,3,3:s 2 i=2,2,1,1,1,1,1,3 | "
    "1,4,6,4 2,2,1,1 2 i=1,1,0,0,1,1,2,4 | 2,3,4,5 17,5,1,1 17 i=1,1,0,0,1,1,1 | 1,2,2,1 1,1,3,3 1 i=3,3,3,3,3,3,1 | 2,3,3,0 4,0,1,1 4 i=1,1,0,0,1,1,1"};

gm_tensor *gm__conv_apply(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, const gm__attr *a)
{
    gm_tensor *in[3] = {x, w, b};
    return gm__apply(t, &gm__op_conv2d, in, 3, a);
}

gm_tensor *gm__conv_act(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, gm__attr a, int32_t act, double slope)
{
    bool signal = a.i[GM__CONV_SIGNAL], fused = gm__conv_fuse(&a, act, slope);
    const char *name = signal ? "conv1d" : "conv2d";
    gm_tensor *image = gm__conv_image(t, name, x, signal), *filter = gm__conv_filter(t, name, w, signal);
    gm_tensor *y = gm__conv_result(t, gm__conv_apply(t, image, filter, b, &a), signal);
    return fused ? y : gm_leaky_relu(t, y, slope);
}

gm_tensor *gm_conv2d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, const int64_t stride[2], const int64_t pad[2],
                     const int64_t dilation[2], int64_t groups)
{
    return gm__conv_act(t, x, w, b, gm__conv_attr(stride, pad, dilation, groups), GM_ACT_NONE, 0);
}

gm_tensor *gm_conv1d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t stride, int64_t pad, int64_t dilation, int64_t groups)
{
    return gm__conv_act(t, x, w, b, gm__conv_attr1(stride, pad, dilation, groups), GM_ACT_NONE, 0);
}
