/* layer_act.c - activations, dropout and noise: the same shape; only prelu has a tensor. */
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

PLAIN(selu, 0, gm_selu, "1.0507 (x > 0 ? x : 1.6733 (e^x - 1))")
PLAIN(mish, 0, gm_mish, "x tanh(log(1 + e^x))")
PLAIN(hardswish, 0, gm_hardswish, "x min(max(x + 3, 0), 6)/6")
PLAIN(hardsigmoid, 0, gm_hardsigmoid, "min(max(x + 3, 0), 6)/6")
PLAIN(softsign, 0, gm_softsign, "x/(1 + |x|)")
PLAIN(logsigmoid, 0, gm_log_sigmoid, "-log(1 + e^-x)")
WITH_NUMBER(celu, 0, gm_celu, false, 1, 1e-6, 100, "an alpha",
            "x > 0 ? x : alpha (e^(x/alpha) - 1)")

/* no numbers, and a name or a call that PLAIN does not make */
#define CALL(id, name_, call, help_)                                                             \
    static gm_tensor *apply_##id(const gm__run *r, gm__layer *l, gm_tensor *x)                  \
    {                                                                                            \
        GM__UNUSED(l);                                                                           \
        return call;                                                                             \
    }                                                                                            \
    const gm__kind gm__layer_##id = {.name = name_, .help = help_, .apply = apply_##id};

CALL(relu6, "relu6", gm_clamp(r->t, x, 0, 6), "min(max(x, 0), 6)")
CALL(gelu_tanh, "gelu-tanh", gm_gelu_tanh(r->t, x), "gelu by tanh, as in GPT-2")
CALL(softmax, "softmax", gm_softmax(r->t, x, -1), "e^x / sum e^x over the last axis")
CALL(logsoftmax, "logsoftmax", gm_log_softmax(r->t, x, -1), "log of softmax")

/* ---- a learned slope for each channel --------------------------------------------------- */

static const gm__setting prelu_settings[] = {{NULL, GM__S_REAL, false, 0.25, -1, 1, "a first slope"}};
static gm_status build_prelu(gm__build *b, gm__layer *l) { return gm__declare(b, l, "weight", 1, &l->in.dim[0], GM__FILL_NORM, l->v[0], 0); }
static gm_tensor *apply_prelu(const gm__run *r, gm__layer *l, gm_tensor *x) { return gm_prelu(r->t, x, gm__param(r, l, 0)); }
const gm__kind gm__layer_prelu = {.name = "prelu", .help = "x > 0 ? x : slope x, a learned slope for each channel", .settings = prelu_settings,
                                  .n_settings = 1, .build = build_prelu, .apply = apply_prelu};

/* ---- noise ------------------------------------------------------------------------------- */

static const gm__setting noise_settings[] = {{NULL, GM__S_REAL, true, 0, 0, 1000, "a deviation"}};
static gm_tensor *apply_noise(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    if (!x || l->v[0] == 0 || !r->t->training) return x;
    return gm_add(r->t, x, gm_cast(r->t, gm_normal(r->t, x->ndim, x->shape, 0, l->v[0]), x->dtype));
}
const gm__kind gm__layer_gaussian_noise = {.name = "gaussian-noise", .help = "in training adds normal noise of this deviation", .settings = noise_settings,
                                           .n_settings = 1, .apply = apply_noise};
