/* layer_linear.c - "linear N [nobias] [init=...] [bias=V] [spectral]": y = x W^T + b over the last axis. */
#include "nn/net.h"

enum { SIZE, NOBIAS, INIT, BIAS, SPECTRAL, POWER };
static const gm__setting settings[] = {
    [SIZE] = {NULL, GM__S_INT, true, 0, 1, 16777216, "an output size"},
    [NOBIAS] = {"nobias", GM__S_FLAG, false, 0, 0, 1, "nobias"},
    GM__WEIGHT_SETTINGS,
};

static gm_status build(gm__build *b, gm__layer *l)
{
    int64_t shape[2] = {(int64_t)l->v[SIZE], l->in.dim[l->in.ndim - 1]};
    l->out.dim[l->out.ndim - 1] = shape[0];
    GM__TRY(gm__declare_weights(b, l, 2, shape, shape[0], (gm__weights){(int)l->v[INIT], l->v[BIAS], l->v[NOBIAS] != 0}));
    return l->v[SPECTRAL] != 0 ? gm__spectral_declare(b, l, 2, shape, 0, (int)l->v[POWER]) : GM_OK;
}

static gm_tensor *apply_act(const gm__run *r, gm__layer *l, gm_tensor *x, int32_t act, double slope)
{
    gm_tensor *w = gm__spectral_weight(r, l, gm__param(r, l, 0)), *bias = (int)l->v[NOBIAS] ? NULL : gm__param(r, l, 1);
    if (act == GM_ACT_NONE) return gm_linear(r->t, x, w, bias);
    return gm_linear_act(r->t, x, w, bias, act, slope);
}

static gm_tensor *apply(const gm__run *r, gm__layer *l, gm_tensor *x) { return apply_act(r, l, x, GM_ACT_NONE, 0); }

const gm__kind gm__layer_linear = {
    .name = "linear", .help = "x W^T + b over the last axis",
    .settings = settings, .n_settings = GM__COUNT(settings), .build = build, .apply = apply, .apply_act = apply_act,
    .commit = gm__spectral_commit};
