/* options.c - the options of the DBM: one row each. */
#include "models/dbm/dbm.h"

#define ROW(field) offsetof(gm_dbm_config, field)
static const gm__opt rows[] = {
    {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a row, \"1,28,28\"; default: from the data at first fit"},
    {"layers", GM__O_TEXT, ROW(layers), "500,1000", 0, 0, NULL, "hidden units of each layer from the bottom, two to seven layers"},
    {"units", GM__O_CHOICE, ROW(units), "bernoulli", 0, 0, "bernoulli|gaussian", "visible units: 0 or 1 (grey levels are taken as probabilities), or real numbers"},
    {"pretrain", GM__O_FLAG, ROW(pretrain), "off", 0, 0, NULL, "layers learn one after another before all learn together"},
    {"layer-epochs", GM__O_TEXT, ROW(layer_epochs), NULL, 0, 0, NULL, "pretrain: epochs of each layer, \"5,5\"; default: half the run is shared out evenly"},
    {"pretrain-rate", GM__O_REAL, ROW(pretrain_rate), "1", 0, 1e6, NULL, "pretrain: factor of the learning rate while layers learn one by one"},
    {"k", GM__O_INT, ROW(k), "5", 1, 2000, NULL, "Gibbs steps of an update"},
    {"chains", GM__O_INT, ROW(chains), "0", 0, 1 << 20, NULL, "persistent chains; 0: as many as rows in a batch"},
    {"mean-field", GM__O_INT, ROW(mean_field), "30", 1, 1 << 20, NULL, "most rounds of the mean-field posterior"},
    {"tolerance", GM__O_REAL, ROW(tolerance), "0.01", 0, 1, NULL, "the posterior of a row has settled when no mean moves farther in a round"},
    {"centered", GM__O_FLAG, ROW(centered), "on", 0, 0, NULL, "energy in v - mean and h - mean, running means"},
    {"offset-rate", GM__O_REAL, ROW(offset_rate), "0.01", 0, 1, NULL, "centered: share of a batch's means in the running ones"},
    {"start", GM__O_CHOICE, ROW(start), "data", 0, 0, "zero|data", "visible biases at first: 0, or such that the means are those of the data"},
    {"init-std", GM__O_REAL, ROW(init_std), "0.01", 0, 1e3, NULL, "deviation of the first weights"},
    {"burn-in", GM__O_INT, ROW(burn_in), "1000", 1, 2000, NULL, "Gibbs steps from noise before a draw"},
    {"conditional", GM__O_FLAG, ROW(conditional), "off", 0, 0, NULL, "label units over the topmost layer: p(x, label); the data must have labels"},
    {"classes", GM__O_INT, ROW(classes), "0", 0, 1 << 30, NULL, "number of classes, kept in the file; 0: from the data"},
    {"binarize", GM__O_CHOICE, ROW(binarize), "none", 0, 0, "none|dynamic|threshold", "grey pixels: kept, drawn anew each time they are seen, or cut at 0.5"},
    {"scale", GM__O_CHOICE, ROW(scale), "none", 0, 0, "none|unit|standard", "features: kept, to [0,1], or to mean 0 and deviation 1; stored in the model"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"},
};
const gm__opts gm__dbm_opts = {"dbm", rows, GM__COUNT(rows)};

gm_status gm__dbm_sizes(gm_ctx *ctx, const char *what, const char *text, int64_t least, int64_t out[GM__DBM_LAYERS], size_t *n)
{
    GM__TRY(gm__ints(ctx, what, text, out, GM__DBM_LAYERS, n));
    for (size_t i = 0; i < *n; i++)
        if (out[i] < least || out[i] > 1 << 20)
            return gm__fail_ctx(ctx, GM_EARG, "dbm: %s: a number must lie in [%d, 1048576], found %lld", what, (int)least, (long long)out[i]);
    return GM_OK;
}

gm_status gm__dbm_check(gm_ctx *ctx, const void *cfg)
{
    const gm_dbm_config *c = cfg;
    int64_t sizes[GM__DBM_LAYERS];
    size_t n, epochs;
    GM__TRY(gm__dbm_sizes(ctx, "layers", c->layers ? c->layers : "", 1, sizes, &n));
    if (n < 2) return gm__fail_ctx(ctx, GM_EARG, "dbm: layers has %zu number%s, at least two are wanted: one hidden layer is an rbm", n, n == 1 ? "" : "s");
    if (c->layer_epochs) {
        if (!c->pretrain) return gm__fail_ctx(ctx, GM_EARG, "dbm: layer-epochs belongs to pretrain=on");
        GM__TRY(gm__dbm_sizes(ctx, "layer-epochs", c->layer_epochs, 0, sizes, &epochs));
        if (epochs != n) return gm__fail_ctx(ctx, GM_EARG, "dbm: layer-epochs has %zu numbers for %zu layers", epochs, n);
    }
    if (c->units == GM_UNITS_GAUSSIAN && c->binarize != GM_BINARIZE_NONE)
        return gm__fail_ctx(ctx, GM_EARG, "dbm: binarize makes 0 and 1 of the data: units=gaussian wants real numbers");
    if (c->units == GM_UNITS_GAUSSIAN && c->centered)
        return gm__fail_ctx(ctx, GM_EARG, "dbm: centered belongs to units=bernoulli: use centered=off with gaussian units");
    if (c->units == GM_UNITS_BERNOULLI && c->scale == GM_SCALE_STANDARD)
        return gm__fail_ctx(ctx, GM_EARG, "dbm: units=bernoulli wants data in [0,1]: use scale=unit or none, not standard");
    return GM_OK;
}
