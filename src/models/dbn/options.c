/* options.c - the options of the DBN: one row each. */
#include "models/dbn/dbn.h"

#define ROW(field) offsetof(gm_dbn_config, field)
static const gm__opt rows[] = {
    {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a row, \"1,28,28\"; default: from the data at first fit"},
    {"layers", GM__O_TEXT, ROW(layers), "500,500,2000", 0, 0, NULL, "hidden units of each layer from the bottom, one to eight"},
    {"layer-epochs", GM__O_TEXT, ROW(layer_epochs), NULL, 0, 0, NULL, "epochs of each layer, \"20,10,10\"; default: the run is shared out evenly"},
    {"layer-k", GM__O_TEXT, ROW(layer_k), NULL, 0, 0, NULL, "Gibbs steps of an update of each layer, \"1,1,3\"; default: k for all"},
    {"layer-persistent", GM__O_TEXT, ROW(layer_persistent), NULL, 0, 0, NULL, "persistent chains for each layer, 1 or 0, \"0,0,1\"; default: persistent for all"},
    {"layer-lr", GM__O_TEXT, ROW(layer_lr), NULL, 0, 0, NULL, "factor of the learning rate for each layer, \"0.1,1,1\"; default: 1 for all"},
    {"layer-schedule", GM__O_CHOICE, ROW(layer_schedule), "constant", 0, 0, "constant|cosine", "the rate within the turn of a layer: as it is, or falling to 0 by its end"},
    {"inputs", GM__O_CHOICE, ROW(inputs), "mean", 0, 0, "mean|draw", "what a layer above the first learns from: means of the units below, or states drawn from them"},
    {"up-down", GM__O_INT, ROW(up_down), "0", 0, 1 << 24, NULL, "epochs of up-down fine-tuning of all layers together, after the turn of the last"},
    {"up-down-k", GM__O_INT, ROW(up_down_k), "0", 0, 2000, NULL, "up-down: Gibbs steps in the topmost machine; 0: as many as in its turn"},
    {"up-down-lr", GM__O_REAL, ROW(up_down_lr), "0.1", 0, 1e6, NULL, "up-down: factor of the learning rate"},
    {"units", GM__O_CHOICE, ROW(units), "bernoulli", 0, 0, "bernoulli|gaussian", "visible units: 0 or 1 (grey levels are taken as probabilities), or real numbers"},
    {"k", GM__O_INT, ROW(k), "1", 1, 2000, NULL, "Gibbs steps of an update"},
    {"persistent", GM__O_FLAG, ROW(persistent), "off", 0, 0, NULL, "chains go on from update to update (PCD), else they start at the data (CD)"},
    {"centered", GM__O_FLAG, ROW(centered), "off", 0, 0, NULL, "energies in v - mean and h - mean, running means"},
    {"offset-rate", GM__O_REAL, ROW(offset_rate), "0.01", 0, 1, NULL, "centered: share of a batch's means in the running ones"},
    {"start", GM__O_CHOICE, ROW(start), "data", 0, 0, "zero|data", "visible biases at first: 0, or such that the means are those of the data"},
    {"transposed", GM__O_FLAG, ROW(transposed), "on", 0, 0, NULL, "a layer starts as the one below turned around, where sizes allow"},
    {"init-std", GM__O_REAL, ROW(init_std), "0.01", 0, 1e3, NULL, "deviation of the first weights"},
    {"burn-in", GM__O_INT, ROW(burn_in), "1000", 1, 2000, NULL, "Gibbs steps in the topmost machine before a draw"},
    {"conditional", GM__O_FLAG, ROW(conditional), "off", 0, 0, NULL, "label units in the topmost machine: p(x, label); the data must have labels"},
    {"classes", GM__O_INT, ROW(classes), "0", 0, 1 << 30, NULL, "number of classes, kept in the file; 0: from the data"},
    {"binarize", GM__O_CHOICE, ROW(binarize), "none", 0, 0, "none|dynamic|threshold", "grey pixels: kept, drawn anew each time they are seen, or cut at 0.5"},
    {"scale", GM__O_CHOICE, ROW(scale), "none", 0, 0, "none|unit|standard", "features: kept, to [0,1], or to mean 0 and deviation 1; stored in the model"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"},
};
const gm__opts gm__dbn_opts = {"dbn", rows, GM__COUNT(rows)};

gm_status gm__dbn_sizes(gm_ctx *ctx, const char *what, const char *text, int64_t least, int64_t most, int64_t out[GM__DBN_LAYERS], size_t *n)
{
    GM__TRY(gm__ints(ctx, what, text, out, GM__DBN_LAYERS, n));
    for (size_t i = 0; i < *n; i++)
        if (out[i] < least || out[i] > most)
            return gm__fail_ctx(ctx, GM_EARG, "dbn: %s: a number must lie in [%lld, %lld], found %lld", what, (long long)least, (long long)most, (long long)out[i]);
    return GM_OK;
}

gm_status gm__dbn_rates(gm_ctx *ctx, const gm_dbn_config *c, double out[GM__DBN_LAYERS], size_t *n)
{
    GM__TRY(gm__reals(ctx, "layer-lr", c->layer_lr, out, GM__DBN_LAYERS, n));
    for (size_t i = 0; i < *n; i++)
        if (!(out[i] >= 0 && out[i] <= 1e6)) return gm__fail_ctx(ctx, GM_EARG, "dbn: layer-lr: a number must lie in [0, 1e6], found %g", out[i]);
    return GM_OK;
}

/* As many numbers as layers, in each list that is given. */
static gm_status check_lists(gm_ctx *ctx, const gm_dbn_config *c, size_t n)
{
    int64_t sizes[GM__DBN_LAYERS];
    double rates[GM__DBN_LAYERS];
    struct { const char *name; bool given; size_t n; } list[] = {{"layer-epochs", c->layer_epochs, 0}, {"layer-k", c->layer_k, 0}, {"layer-lr", c->layer_lr, 0},
                                                              {"layer-persistent", c->layer_persistent, 0}};
    GM__TRY(gm__dbn_sizes(ctx, list[0].name, c->layer_epochs, 0, GM__DBN_MOST, sizes, &list[0].n));
    GM__TRY(gm__dbn_sizes(ctx, list[1].name, c->layer_k, 1, GM__DBN_MOST_K, sizes, &list[1].n));
    GM__TRY(gm__dbn_rates(ctx, c, rates, &list[2].n));
    GM__TRY(gm__dbn_sizes(ctx, list[3].name, c->layer_persistent, 0, 1, sizes, &list[3].n));
    for (size_t i = 0; i < GM__COUNT(list); i++)
        if (list[i].given && list[i].n != n) return gm__fail_ctx(ctx, GM_EARG, "dbn: %s has %zu numbers for %zu layers", list[i].name, list[i].n, n);
    return GM_OK;
}

gm_status gm__dbn_check(gm_ctx *ctx, const void *cfg)
{
    const gm_dbn_config *c = cfg;
    int64_t sizes[GM__DBN_LAYERS];
    size_t n;
    GM__TRY(gm__dbn_sizes(ctx, "layers", c->layers ? c->layers : "", 1, GM__DBN_MOST, sizes, &n));
    if (n < 1) return gm__fail_ctx(ctx, GM_EARG, "dbn: layers is empty");
    GM__TRY(check_lists(ctx, c, n));
    if (c->up_down && n < 2) return gm__fail_ctx(ctx, GM_EARG, "dbn: up-down is for two layers or more: one layer is an rbm");
    if (c->units == GM_UNITS_GAUSSIAN && c->binarize != GM_BINARIZE_NONE)
        return gm__fail_ctx(ctx, GM_EARG, "dbn: binarize makes 0 and 1 of the data: units=gaussian wants real numbers");
    if (c->units == GM_UNITS_GAUSSIAN && c->centered)
        return gm__fail_ctx(ctx, GM_EARG, "dbn: centered belongs to units=bernoulli: gaussian units have their biases as means");
    if (c->units == GM_UNITS_BERNOULLI && c->scale == GM_SCALE_STANDARD)
        return gm__fail_ctx(ctx, GM_EARG, "dbn: units=bernoulli wants data in [0,1]: use scale=unit or none, not standard");
    return GM_OK;
}
