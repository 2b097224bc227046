/* linear_act.c - act(x W^T + b) in one pass. attr.i[0]: GM_ACT_*; attr.f[0]: slope of leaky relu.
 * The gradient needs the result alone: the sign of y is the sign of its argument (slope >= 0). */
#include "ops/linear.h"

static const int kernel[] = {GM__ACT_NONE, GM__ACT_RELU, GM__ACT_LRELU, GM__ACT_TANH, GM__ACT_SIGMOID}; /* by GM_ACT_* */
static const int kernel_g[] = {0, GM__B_RELU_G, GM__B_LRELU_G, GM__B_TANH_G, GM__B_SIGMOID_G};

int gm__act_kernel(int64_t act) { return kernel[act]; }

gm_tensor *gm__act_fused(gm_tape *t, int64_t act, double slope, const gm_tensor *gy, const gm_tensor *y)
{
    gm_tensor *g = gm__tape_tensor(t, gy->dtype, gy->ndim, gy->shape);
    if (g) gm__ew2(t->ctx, kernel_g[act], g, gy, y, (const double[2]){slope, 0}, false);
    return g;
}

gm_tensor *gm__act_vjp(gm_tape *t, int64_t act, double slope, gm_tensor *gy, gm_tensor *y)
{
    switch (act) {
    case GM_ACT_NONE: return gy;
    case GM_ACT_RELU: return gm__piecewise(t, GM__PW_RELU, gy, y, 0, 0);
    case GM_ACT_LRELU: return gm__piecewise(t, GM__PW_LRELU, gy, y, slope, 0);
    case GM_ACT_TANH: return gm_mul(t, gy, gm_affine(t, gm_square(t, y), -1, 1));
    default: return gm_mul(t, gy, gm_mul(t, y, gm_affine(t, y, -1, 1)));
    }
}

static gm_status forward(gm__call *c) { return gm__linear_forward(c, kernel[c->attr->i[0]], c->attr->f[0]); }

static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    gm_tensor *g = gm__act_fused(t, n->attr.i[0], n->attr.f[0], gy, n->out);
    return g ? gm__linear_fused(t, n, g, want) : gm__recorded(t);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    gm__linear_vjp(t, n, gm__act_vjp(t, n->attr.i[0], n->attr.f[0], gy, n->out), want, gx);
}
const gm__op gm__op_linear_act = {"linear_act", 3, GM__OP_OPT2, gm__linear_infer, forward, vjp, fused,
    "7,5 3,5 3 i=1 | 7,5 3,5 - i=2 f=0.2 | 5 3,5 3 i=3 | 2,3,4 6,4 6 i=4 | 0,5 3,5 3 i=1 | 7,5:t 3,5:t 3:s i=3 | 2,3,4:s 6,4:s - i=4 | 2,17 17,17 17 i=1 | "
    "17,7:ts 3,7:t 3 i=1 | 2,1,3,1,2 4,2 - i=3 | 7,0 3,0 3 i=4 | 1,1 1,1 1 i=2 f=0.1"};

gm_tensor *gm_linear_act(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int32_t act, double slope)
{
    gm_tensor *in[3] = {x, w, b};
    gm__attr a = {.i = {act}, .f = {slope}};
    if (!gm__tape_ok(t)) return NULL;
    if (act < GM_ACT_NONE || act > GM_ACT_SIGMOID) return gm__tape_fail(t, GM_EARG, "linear_act: no activation has number %d", (int)act);
    if (act == GM_ACT_NONE) return gm_linear(t, x, w, b);
    if (act == GM_ACT_LRELU && !(slope >= 0)) return gm_leaky_relu(t, gm_linear(t, x, w, b), slope);
    return gm__apply(t, &gm__op_linear_act, in, 3, &a);
}
