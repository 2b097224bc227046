/* piecewise.c - g times the slope of abs, relu, leaky_relu or clamp at x: their
 * gradient as an op. Linear in g; in x it is constant almost everywhere. attr.i[0]: which; attr.f: parameters. */
#include "ops/elementwise.h"

static const int kernel[] = {[GM__PW_ABS] = GM__B_ABS_G, [GM__PW_RELU] = GM__B_RELU_G, [GM__PW_LRELU] = GM__B_LRELU_G, [GM__PW_CLAMP] = GM__B_CLAMP_G};

static gm_status forward(gm__call *c)
{
    gm__ew2(c->ctx, kernel[c->attr->i[0]], c->out, c->in[0], c->in[1], c->attr->f, false);
    return GM_OK;
}
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    return want[0] ? gm__binary_grad(t, n, 0, gy, kernel[n->attr.i[0]], n->in[1]) : GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = gm__piecewise(t, (int)n->attr.i[0], gy, n->in[1], n->attr.f[0], n->attr.f[1]);
}
const gm__op gm__op_piecewise = {"piecewise", 2, 0, gm__infer_alike, forward, vjp, fused,
    "7,17 7,17 i=0 | 2,3:t 2,3 i=1 | 5 5:s i=2 f=0.2 | 7,9 7,9:t i=3 f=-1,0.5 | 0,2 0,2 i=1 | . . i=0 | "
    "2,1,3,1,2 2,1,3,1,2 i=3 f=-1,1 | 1,1,1:t 1,1,1 i=2 f=0.1 | 17,7:ts 17,7 i=0 | 3,1,5:s 3,1,5:t i=1 | "
    "33 33 i=2 f=-0.5 | 4,0,2 4,0,2 i=0"};

gm_tensor *gm__piecewise(gm_tape *t, int kind, gm_tensor *g, gm_tensor *x, double p0, double p1)
{
    gm_tensor *in[2] = {g, x};
    gm__attr a = {.i = {kind}, .f = {p0, p1}};
    return gm__apply(t, &gm__op_piecewise, in, 2, &a);
}
