/* options.c - the options of the RBM: one row each. */
#include "models/rbm/rbm.h"

#define ROW(field) offsetof(gm_rbm_config, field)
static const gm__opt rows[] = {
    {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a row, \"1,28,28\"; default: from the data at first fit"},
    {"hidden", GM__O_INT, ROW(hidden), "500", 1, 1 << 20, NULL, "number of hidden units"},
    {"units", GM__O_CHOICE, ROW(units), "bernoulli", 0, 0, "bernoulli|gaussian", "visible units: 0 or 1 (grey levels are taken as probabilities), or real numbers"},
    {"k", GM__O_INT, ROW(k), "1", 1, 2000, NULL, "Gibbs steps of an update"},
    {"persistent", GM__O_FLAG, ROW(persistent), "off", 0, 0, NULL, "chains go on from update to update (PCD), else they start at the data (CD)"},
    {"chains", GM__O_INT, ROW(chains), "0", 0, 1 << 20, NULL, "persistent: number of chains; 0: as many as rows in a batch"},
    {"centered", GM__O_FLAG, ROW(centered), "off", 0, 0, NULL, "energy in v - mean and h - mean, running means"},
    {"offset-rate", GM__O_REAL, ROW(offset_rate), "0.01", 0, 1, NULL, "centered: share of a batch's means in the running ones"},
    {"start", GM__O_CHOICE, ROW(start), "data", 0, 0, "zero|data", "visible biases at first: 0, or such that the means are those of the data"},
    {"init-std", GM__O_REAL, ROW(init_std), "0.01", 0, 1e3, NULL, "deviation of the first weights"},
    {"sparsity", GM__O_REAL, ROW(sparsity), "0", 0, 1, NULL, "wanted mean of hidden units; 0: any"},
    {"sparsity-cost", GM__O_REAL, ROW(sparsity_cost), "1", 0, 1e6, NULL, "sparsity: weight of the cross-entropy between wanted and found means"},
    {"burn-in", GM__O_INT, ROW(burn_in), "1000", 1, 2000, NULL, "Gibbs steps from noise before a draw"},
    {"binarize", GM__O_CHOICE, ROW(binarize), "none", 0, 0, "none|dynamic|threshold", "grey pixels: kept, drawn anew each time they are seen, or cut at 0.5"},
    {"scale", GM__O_CHOICE, ROW(scale), "none", 0, 0, "none|unit|standard", "features: kept, to [0,1], or to mean 0 and deviation 1; stored in the model"},
    {"conditional", GM__O_FLAG, ROW(conditional), "off", 0, 0, NULL, "label units beside the visible ones: p(x, label); the data must have labels"},
    {"classes", GM__O_INT, ROW(classes), "0", 0, 1 << 30, NULL, "number of classes, kept in the file; 0: from the data"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"},
};
const gm__opts gm__rbm_opts = {"rbm", rows, GM__COUNT(rows)};

gm_status gm__rbm_check(gm_ctx *ctx, const void *cfg)
{
    const gm_rbm_config *c = cfg;
    if (c->units == GM_UNITS_GAUSSIAN && c->binarize != GM_BINARIZE_NONE)
        return gm__fail_ctx(ctx, GM_EARG, "rbm: binarize makes 0 and 1 of the data: units=gaussian wants real numbers");
    if (c->units == GM_UNITS_BERNOULLI && c->scale == GM_SCALE_STANDARD)
        return gm__fail_ctx(ctx, GM_EARG, "rbm: units=bernoulli wants data in [0,1]: use scale=unit or none, not standard");
    if (c->units == GM_UNITS_GAUSSIAN && c->centered)
        return gm__fail_ctx(ctx, GM_EARG, "rbm: centered belongs to units=bernoulli: gaussian units have their biases as means");
    if (c->chains && !c->persistent) return gm__fail_ctx(ctx, GM_EARG, "rbm: chains belongs to persistent=on");
    return GM_OK;
}
