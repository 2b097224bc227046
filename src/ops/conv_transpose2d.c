/* conv_transpose2d.c - the transposed convolution: the gradient of conv2d by its image, with bias.
 * Inputs y [N,OH,OW,O], w [O,C/groups,kh,kw], b [C] or none; gives [N,H,W,C]; attributes in conv.h. */
#include "ops/conv.h"

static gm_status infer(gm__call *c)
{
    const gm_tensor *y = c->in[0], *w = c->in[1], *b = c->in[2];
    const char *name = gm__conv_name(c, c->op->name);
    int64_t shape[4] = {y->shape[0], c->attr->i[GM__CONV_SIZE], c->attr->i[GM__CONV_SIZE + 1], 0}, back;
    GM__TRY(gm__conv_check(c, name));
    GM__TRY(gm__conv_groups(c, name, y->shape[3], w->shape[0]));
    if (y->shape[3] != w->shape[0])
        return gm__fail(c->err, GM_ESHAPE, "%s: x has %lld channels, w wants %lld", name, (long long)y->shape[3], (long long)w->shape[0]);
    if (__builtin_mul_overflow(w->shape[1], c->attr->i[GM__CONV_GROUPS], &shape[3]))
        return gm__fail(c->err, GM_ESHAPE, "%s: too many channels", name);
    if (b && (b->ndim != 1 || b->shape[0] != shape[3]))
        return gm__fail(c->err, GM_ESHAPE, "%s: a bias of %lld numbers for %lld channels", name, (long long)b->size, (long long)shape[3]);
    for (int i = 0; i < 2; i++) {
        if (shape[1 + i] < 1) return gm__fail(c->err, GM_ESHAPE, "%s: the result would have size %lld", name, (long long)shape[1 + i]);
        GM__TRY(gm__conv_size(c, name, i, shape[1 + i], w->shape[2 + i], &back));
        if (back != y->shape[1 + i])
            return gm__fail(c->err, GM_ESHAPE, "%s: a result of size %lld belongs to %lld, not %lld", name, (long long)shape[1 + i],
                            (long long)back, (long long)y->shape[1 + i]);
    }
    gm__out_shape(c, y->dtype, 4, shape);
    return GM_OK;
}

static gm_status forward(gm__call *c)
{
    gm_tensor *y = gm__tape_contiguous(c->t, c->in[0]), *w = c->in[1], *b = c->in[2];
    if (!y || (b && !(b = gm__tape_contiguous(c->t, b)))) return gm__recorded(c->t);
    gm__conv g = gm__conv_of(c->attr, c->out, y, w);
    gm__conv_end end = {.bias = b ? b->data : NULL, .act = gm__act_kernel(c->attr->i[GM__CONV_ACT]), .slope = c->attr->f[0]};
    return gm__conv_failed(c->t, gm__conv_data(c->ctx, gm__f64_of(y), &g, c->out->data, y->data, w->data, &end));
}

static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gx, const bool *want)
{
    gm_tensor *w = n->in[1], *to;
    bool f64 = gm__f64_of(gx), add;
    gm__conv g = gm__conv_of(&n->attr, gx, n->in[0], w);
    if (n->attr.i[GM__CONV_ACT] && !(gx = gm__act_fused(t, n->attr.i[GM__CONV_ACT], n->attr.f[0], gx, n->out))) return gm__recorded(t);
    if (want[0]) {
        if (!(to = gm__grad_into(t, n, 0, &add))) return gm__recorded(t);
        GM__TRY(gm__conv_failed(t, gm__conv_forward(t->ctx, f64, &g, to->data, gx->data, w->data, &(gm__conv_end){.add = add})));
    }
    if (want[1]) {
        gm_tensor *y = gm__tape_contiguous(t, n->in[0]);
        if (!y || !(to = gm__grad_into(t, n, 1, &add))) return gm__recorded(t);
        GM__TRY(gm__conv_failed(t, gm__conv_weight(t->ctx, f64, &g, to->data, gx->data, y->data, add)));
    }
    if (n->in[2] && want[2]) {
        if (!(to = gm__grad_into(t, n, 2, &add))) return gm__recorded(t);
        GM__TRY(gm__conv_bias(t, gx, to, add));
    }
    return GM_OK;
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gx, const bool *want, gm_tensor **out)
{
    gm_tensor *w = n->in[1], *g = gm__act_vjp(t, n->attr.i[GM__CONV_ACT], n->attr.f[0], gx, n->out);
    gm__attr a = n->attr;
    a.i[GM__CONV_ACT] = 0;
    if (want[0]) out[0] = gm__conv_apply(t, g, w, NULL, &a);
    for (int i = 0; i < 2; i++) a.i[GM__CONV_SIZE + i] = w->shape[2 + i];
    if (want[1]) out[1] = gm__conv_weight_apply(t, g, n->in[0], &a);
    if (n->in[2] && want[2]) out[2] = gm__conv_bias_vjp(t, g);
}

const gm__op gm__op_conv_transpose2d = {"conv_transpose2d", 3, GM__OP_OPT2, infer, forward, vjp, fused,
    "1,1,1,1 1,1,1,1 1 i=1,1,0,0,1,1,1,0,1,1 | 2,5,7,4 4,3,3,3 3 i=1,1,1,1,1,1,1,0,5,7 | 1,4,4,3:t 3,2,4,4:t 2:s i=2,2,1,1,1,1,1,0,8,8 | "
    "2,3,2,6 6,2,3,2 - i=2,3,1,0,1,1,2,0,6,7 | 1,3,3,3 3,1,3,3 3 i=3,2,2,1,2,1,3,0,8,6 | 0,4,4,3 3,2,3,3 2 i=1,1,1,1,1,1,1,0,4,4 | "
    "2,1,5,7 7,1,1,5 1 i=1,3,0,2,1,3,1,0,1,21,1 | 1,1,1,2 2,17,3,3 - i=1,1,0,0,1,1,1,0,3,3 | 3,4,4,6 6,1,3,3 6 i=1,1,1,1,1,1,6,0,4,4 | "
    "2,4,3,3 3,2,3,3 2 i=2,1,0,1,1,2,1,1,9,5 | 1,3,3,2 2,3,2,2 3 i=2,2,0,0,1,1,1,2,7,6 f=0.2 | 1,4,5,2:s 2,1,1,1 1 i=2,3,0,0,1,1,1,3,8,13 | "
    "2,2,2,4 4,2,3,3 4 i=2,2,1,1,1,1,2,4,4,4 | 1,2,3,5 5,17,1,1 17 i=1,1,0,0,1,1,1,0,2,3 | 1,2,2,1 1,1,1,1 - i=3,3,1,1,1,1,1,0,2,3 | "
    "1,2,2,2 2,1,3,3 1 i=3,2,1,2,3,3,1,0,8,5"};

gm_tensor *gm__conv_transpose_apply(gm_tape *t, gm_tensor *y, gm_tensor *w, gm_tensor *b, const gm__attr *a)
{
    gm_tensor *in[3] = {y, w, b};
    return gm__apply(t, &gm__op_conv_transpose2d, in, 3, a);
}

/* Sizes of the result from those of the input: (L - 1) stride - 2 pad + dilation (k - 1) + output_pad + 1. */
static bool set_sizes(gm_tape *t, const char *name, gm__attr *a, const gm_tensor *x, const gm_tensor *w, const int64_t output_pad[2])
{
    for (int i = 0; i < 2; i++) {
        int64_t extra = output_pad ? output_pad[i] : 0, stride = a->i[i], dilation = a->i[4 + i], size, reach;
        if (extra < 0 || (extra >= stride && extra >= dilation)) {
            gm__tape_fail(t, GM_EARG, "%s: an output padding of %lld is not below stride or dilation", name, (long long)extra);
            return false;
        }
        if (__builtin_mul_overflow(x->shape[1 + i] - 1, stride, &size) || __builtin_mul_overflow(w->shape[2 + i] - 1, dilation, &reach) ||
            __builtin_add_overflow(size, reach, &size) || __builtin_add_overflow(size, extra + 1, &size)) {
            gm__tape_fail(t, GM_ESHAPE, "%s: the result would be too large", name);
            return false;
        }
        a->i[GM__CONV_SIZE + i] = size - 2 * a->i[2 + i]; /* sizes below 1: infer says so */
    }
    return true;
}

gm_tensor *gm__conv_transpose_act(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, gm__attr a, const int64_t output_pad[2],
                                  int32_t act, double slope)
{
    bool signal = a.i[GM__CONV_SIGNAL], fused = gm__conv_fuse(&a, act, slope);
    const char *name = signal ? "conv_transpose1d" : "conv_transpose2d";
    gm_tensor *image = gm__conv_image(t, name, x, signal), *filter = gm__conv_filter(t, name, w, signal);
    if (!image || !filter || !set_sizes(t, name, &a, image, filter, output_pad)) return NULL;
    gm_tensor *y = gm__conv_result(t, gm__conv_transpose_apply(t, image, filter, b, &a), signal);
    return fused ? y : gm_leaky_relu(t, y, slope);
}

gm_tensor *gm_conv_transpose2d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, const int64_t stride[2], const int64_t pad[2],
                               const int64_t output_pad[2], const int64_t dilation[2], int64_t groups)
{
    return gm__conv_transpose_act(t, x, w, b, gm__conv_attr(stride, pad, dilation, groups), output_pad, GM_ACT_NONE, 0);
}

gm_tensor *gm_conv_transpose1d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t stride, int64_t pad, int64_t output_pad,
                               int64_t dilation, int64_t groups)
{
    gm__attr a = gm__conv_attr1(stride, pad, dilation, groups);
    return gm__conv_transpose_act(t, x, w, b, a, (const int64_t[]){0, output_pad}, GM_ACT_NONE, 0);
}
