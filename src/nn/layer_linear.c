/* layer_linear.c - "linear N [nobias] [init=...]": y = x W^T + b over the last axis. */
#include "nn/net.h"
#include <math.h>

enum { SIZE, NOBIAS, INIT };
static const gm__setting settings[] = {
    [SIZE] = {NULL, GM__S_INT, true, 0, 1, 16777216, "an output size"},
    [NOBIAS] = {"nobias", GM__S_FLAG, false, 0, 0, 1, "nobias"},
    [INIT] = {"init", GM__S_INIT, false, GM__INIT_PYTORCH, 0, 0, "init="},
};

static gm_status build(gm__build *b, gm__layer *l)
{
    int64_t in = l->in.dim[l->in.ndim - 1], out = (int64_t)l->v[SIZE];
    double bound = 1 / sqrt((double)in); /* PyTorch's default: kaiming uniform with a = sqrt(5), the same for the bias */
    int fill = GM__FILL_UNI, bias_fill = GM__FILL_ZERO;
    double p = bound, q = 0;
    switch ((int)l->v[INIT]) {
    case GM__INIT_XAVIER: p = sqrt(6 / ((double)in + (double)out)); break; /* Glorot & Bengio 2010 */
    case GM__INIT_KAIMING: p = sqrt(6 / (double)in); break;                /* He et al. 2015, for relu */
    case GM__INIT_NORMAL: fill = GM__FILL_NORM, p = 0, q = l->init_std; break;
    case GM__INIT_DCGAN: fill = GM__FILL_NORM, p = 0, q = 0.02; break; /* Radford et al. 2016 */
    default: bias_fill = GM__FILL_UNI; break;
    }
    l->out.dim[l->out.ndim - 1] = out;
    GM__TRY(gm__declare(b, l, "weight", 2, (int64_t[]){out, in}, fill, p, q));
    if (!(int)l->v[NOBIAS]) GM__TRY(gm__declare(b, l, "bias", 1, &out, bias_fill, bound, 0));
    return GM_OK;
}

static gm_tensor *apply_act(const gm__run *r, gm__layer *l, gm_tensor *x, int32_t act, double slope)
{
    gm_tensor *bias = (int)l->v[NOBIAS] ? NULL : gm__param(r, l, 1);
    if (act == GM_ACT_NONE) return gm_linear(r->t, x, gm__param(r, l, 0), bias);
    return gm_linear_act(r->t, x, gm__param(r, l, 0), bias, act, slope);
}

static gm_tensor *apply(const gm__run *r, gm__layer *l, gm_tensor *x) { return apply_act(r, l, x, GM_ACT_NONE, 0); }

const gm__kind gm__layer_linear = {
    .name = "linear", .settings = settings, .n_settings = GM__COUNT(settings), .build = build, .apply = apply, .apply_act = apply_act};
