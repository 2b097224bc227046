/* options.c - the options of the VAE: one row each, and the rules between them. */
#include "models/vae/vae.h"

#define ROW(field) offsetof(gm_vae_config, field)
static const gm__opt rows[] = {
    {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a row, \"1,28,28\"; default: from the data at first fit"},
    {"hidden", GM__O_TEXT, ROW(hidden), "400", 0, 0, NULL, "encoder's hidden sizes, the decoder mirrors them: \"200,200\"; none: no hidden layer"},
    {"latent", GM__O_INT, ROW(latent), "20", 1, 65536, NULL, "size of the code: its numbers, or its categorical variables"},
    {"code", GM__O_CHOICE, ROW(code), "gaussian", 0, 0, "gaussian|categorical", "what a code is made of: normal numbers, or variables of so many categories"},
    {"categories", GM__O_INT, ROW(categories), "10", 2, 65536, NULL, "categorical: values of each variable"},
    {"temperature", GM__O_REAL, ROW(temperature), "1", 1e-3, 1e3, NULL, "categorical: of the relaxed draws at the first step of training"},
    {"temperature-min", GM__O_REAL, ROW(temperature_min), "0.5", 1e-3, 1e3, NULL, "categorical: where it falls to, geometrically"},
    {"anneal", GM__O_I64, ROW(anneal), "5000", 0, 1e15, NULL, "categorical: steps that it takes to get there"},
    {"activation", GM__O_TEXT, ROW(activation), "relu", 0, 0, NULL, "of hidden layers: relu, lrelu, elu, gelu, silu, tanh, sigmoid, softplus or none"},
    {"preset", GM__O_CHOICE, ROW(preset), "mlp", 0, 0, "mlp|conv", "dense layers, or convolutions of 4x4 with stride 2 in front of them"},
    {"channels", GM__O_TEXT, ROW(channels), "32,64", 0, 0, NULL, "preset=conv: convolutions, each halves the image; the decoder mirrors them"},
    {"likelihood", GM__O_CHOICE, ROW(likelihood), "auto", 0, 0, "bernoulli|gaussian|auto", "of a row given its code; auto: bernoulli for images, gaussian for vectors"},
    {"noise-std", GM__O_REAL, ROW(noise_std), "0", 0, 1e6, NULL, "gaussian: the decoder's standard deviation; 0: learned, one for all features"},
    {"objective", GM__O_CHOICE, ROW(objective), "elbo", 0, 0, "elbo|iwae", "bound that training raises"},
    {"k", GM__O_INT, ROW(k), "0", 0, 10000, NULL, "draws a row of the objective; 0: 1 for elbo, 5 for iwae"},
    {"beta", GM__O_REAL, ROW(beta), "1", 0, 1e6, NULL, "weight of the KL term in training"},
    {"kl-warmup", GM__O_I64, ROW(kl_warmup), "0", 0, 1e15, NULL, "steps over which beta grows from 0 to its value"},
    {"free-bits", GM__O_REAL, ROW(free_bits), "0", 0, 1e6, NULL, "nats a code dimension may use for nothing (mean over the batch)"},
    {"binarize", GM__O_CHOICE, ROW(binarize), "none", 0, 0, "none|dynamic|threshold", "grey pixels: kept, drawn anew each time they are seen, or cut at 0.5"},
    {"scale", GM__O_CHOICE, ROW(scale), "auto", 0, 0, "none|unit|standard|auto", "features: kept, to [0,1], or to mean 0 and deviation 1; auto: standard for vectors with a gaussian likelihood"},
    {"encoder", GM__O_TEXT, ROW(encoder), NULL, 0, 0, NULL, "network text in place of the preset; its input is the flattened row, or the image if its first layer works on images"},
    {"decoder", GM__O_TEXT, ROW(decoder), NULL, 0, 0, NULL, "network text in place of the preset; its input is the code"},
    {"heads", GM__O_CHOICE, ROW(heads), "auto", 0, 0, "auto|own", "last linear layers of your nets: appended, or your own (mean and log variance; logits or mean)"},
    {"conditional", GM__O_FLAG, ROW(conditional), "off", 0, 0, NULL, "tell encoder and decoder the label: p(x | label); the data must have labels"},
    {"classes", GM__O_INT, ROW(classes), "0", 0, 1 << 30, NULL, "number of classes, kept in the file; 0: from the data"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"},
};
const gm__opts gm__vae_opts = {"vae", rows, GM__COUNT(rows)};

gm__coder_cfg gm__vae_coder_cfg(const gm_vae_config *c)
{
    const bool categorical = c->code == GM_CODE_CATEGORICAL;
    return (gm__coder_cfg){.owner = "vae", .hidden = c->hidden, .activation = c->activation, .encoder = c->encoder, .decoder = c->decoder,
                           .preset = c->preset, .channels = c->channels, .heads = c->heads, .likelihood = c->likelihood,
                           .latent = categorical ? (int64_t)c->latent * c->categories : c->latent, .code_factor = categorical ? 1 : 2,
                           .cond = c->conditional ? c->classes : 0,
                           .own_variance = c->noise_std <= 0};
}

gm_status gm__vae_check(gm_ctx *ctx, const void *cfg)
{
    const gm_vae_config *c = cfg;
    const gm__coder_cfg coder = gm__vae_coder_cfg(c);
    GM__TRY(gm__coder_check(ctx, &coder));
    if (c->objective == GM_OBJECTIVE_IWAE && c->free_bits > 0)
        return gm__fail_ctx(ctx, GM_EARG, "vae: free-bits needs objective=elbo: the iwae bound has no KL term of its own");
    if (c->code == GM_CODE_CATEGORICAL && c->objective == GM_OBJECTIVE_IWAE)
        return gm__fail_ctx(ctx, GM_EARG, "vae: code=categorical needs objective=elbo: relaxed draws have no importance weights");
    if (c->code == GM_CODE_CATEGORICAL && (int64_t)c->latent * c->categories > 1 << 20)
        return gm__fail_ctx(ctx, GM_EARG, "vae: latent %d times categories %d is more than 1048576", c->latent, c->categories);
    if (c->temperature_min > c->temperature)
        return gm__fail_ctx(ctx, GM_EARG, "vae: temperature-min %g is above temperature %g", c->temperature_min, c->temperature);
    if (c->likelihood == GM_LIKELIHOOD_BERNOULLI && c->noise_std > 0)
        return gm__fail_ctx(ctx, GM_EARG, "vae: noise-std belongs to likelihood=gaussian, found likelihood=bernoulli");
    if (c->scale == GM_SCALE_STANDARD && c->likelihood == GM_LIKELIHOOD_BERNOULLI)
        return gm__fail_ctx(ctx, GM_EARG, "vae: likelihood=bernoulli wants data in [0,1]: use scale=unit or none, not standard");
    return GM_OK;
}

void gm_vae_config_init(gm_vae_config *c, size_t size) { gm__family_config(&gm__family_vae, c, size); }
gm_status gm_vae_new(gm_ctx *ctx, const gm_vae_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_vae, c, out); }
