/* layer_act.c - activations and dropout: the same shape, no tensors of their own. */
#include "nn/net.h"

#define PLAIN(id, act_, call)                                                                    \
    static gm_tensor *apply_##id(const gm__run *r, gm__layer *l, gm_tensor *x)                  \
    {                                                                                            \
        GM__UNUSED(l);                                                                           \
        return call(r->t, x);                                                                    \
    }                                                                                            \
    const gm__kind gm__layer_##id = {.name = #id, .act = act_, .apply = apply_##id};

/* one number, by position */
#define WITH_NUMBER(id, act_, call, required, def, lo, hi, what)                                 \
    static const gm__setting settings_##id[] = {{NULL, GM__S_REAL, required, def, lo, hi, what}}; \
    static gm_tensor *apply_##id(const gm__run *r, gm__layer *l, gm_tensor *x)                  \
    {                                                                                            \
        return call(r->t, x, l->v[0]);                                                           \
    }                                                                                            \
    const gm__kind gm__layer_##id = {.name = #id, .settings = settings_##id, .n_settings = 1, .act = act_, .apply = apply_##id};

PLAIN(relu, GM_ACT_RELU, gm_relu)
PLAIN(gelu, 0, gm_gelu)
PLAIN(silu, 0, gm_silu)
PLAIN(tanh, GM_ACT_TANH, gm_tanh)
PLAIN(sigmoid, GM_ACT_SIGMOID, gm_sigmoid)
PLAIN(softplus, 0, gm_softplus)
WITH_NUMBER(lrelu, GM_ACT_LRELU, gm_leaky_relu, false, 0.01, 0, 1, "a slope")
WITH_NUMBER(elu, 0, gm_elu, false, 1, 0, 100, "an alpha")
WITH_NUMBER(dropout, 0, gm_dropout, true, 0, 0, 0.999999, "a probability")
