/* layer_act.c - activations and dropout: the same shape, no tensors of their own. */
#include "nn/net.h"

#define PLAIN(id, act_, call, help_)                                                             \
    static gm_tensor *apply_##id(const gm__run *r, gm__layer *l, gm_tensor *x)                  \
    {                                                                                            \
        GM__UNUSED(l);                                                                           \
        return call(r->t, x);                                                                    \
    }                                                                                            \
    const gm__kind gm__layer_##id = {.name = #id, .help = help_, .act = act_, .apply = apply_##id};

/* one number, by position */
#define WITH_NUMBER(id, act_, call, required, def, lo, hi, what, help_)                          \
    static const gm__setting settings_##id[] = {{NULL, GM__S_REAL, required, def, lo, hi, what}}; \
    static gm_tensor *apply_##id(const gm__run *r, gm__layer *l, gm_tensor *x)                  \
    {                                                                                            \
        return call(r->t, x, l->v[0]);                                                           \
    }                                                                                            \
    const gm__kind gm__layer_##id = {.name = #id, .help = help_, .settings = settings_##id, .n_settings = 1, .act = act_, .apply = apply_##id};

PLAIN(relu, GM_ACT_RELU, gm_relu, "max(x, 0)")
PLAIN(gelu, 0, gm_gelu, "x Phi(x), Phi the normal distribution function")
PLAIN(silu, 0, gm_silu, "x sigmoid(x)")
PLAIN(tanh, GM_ACT_TANH, gm_tanh, "hyperbolic tangent")
PLAIN(sigmoid, GM_ACT_SIGMOID, gm_sigmoid, "1/(1 + e^-x)")
PLAIN(softplus, 0, gm_softplus, "log(1 + e^x)")
WITH_NUMBER(lrelu, GM_ACT_LRELU, gm_leaky_relu, false, 0.01, 0, 1, "a slope",
            "x > 0 ? x : slope x")
WITH_NUMBER(elu, 0, gm_elu, false, 1, 0, 100, "an alpha",
            "x > 0 ? x : alpha (e^x - 1)")
WITH_NUMBER(dropout, 0, gm_dropout, true, 0, 0, 0.999999, "a probability",
            "in training each number is 0 with this probability, else divided by the rest")
