/* options.c - the options of the RBM: one row each. */
#include "models/rbm/rbm.h"
#include <math.h>

#define ROW(field) offsetof(gm_rbm_config, field)
static const gm__opt rows[] = {
    {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a row, \"1,28,28\"; default: from the data at first fit"},
    {"hidden", GM__O_INT, ROW(hidden), "500", 1, 1 << 20, NULL, "number of hidden units"},
    {"units", GM__O_PAIR, ROW(units), "bernoulli", 0, 0, "bernoulli|gaussian|softmax|replicated|rectified[,bernoulli|rectified|gaussian]",
     "visible units: 0 or 1 (grey levels are taken as probabilities), real numbers, one of a group, counts of words, 0 and more; and hidden ones"},
    {"group", GM__O_INT, ROW(group), "0", 0, 1 << 20, NULL, "units=softmax: units of a group, of which one is on"},
    {"levels", GM__O_TEXT, ROW(levels), NULL, 0, 0, NULL, "units=softmax: the values that each number may have, \"1,2,3,4,5\": every number becomes a group of units"},
    {"missing", GM__O_FLAG, ROW(missing), "off", 0, 0, NULL, "entries may be NaN: they take no part, and predict tells what to expect of them"},
    {"length", GM__O_INT, ROW(length), "0", 0, GM__RBM_WORDS, NULL, "units=replicated: words of a document that is drawn; 0: as many as the data's have on average"},
    {"k", GM__O_INT, ROW(k), "1", 1, 2000, NULL, "Gibbs steps of an update"},
    {"persistent", GM__O_FLAG, ROW(persistent), "off", 0, 0, NULL, "chains go on from update to update (PCD), else they start at the data (CD)"},
    {"chains", GM__O_INT, ROW(chains), "0", 0, 1 << 20, NULL, "persistent: number of chains; 0: as many as rows in a batch"},
    {"tempering", GM__O_INT, ROW(tempering), "0", 0, 256, NULL, "persistent: replicas of each chain, from the model to independent units, that change places; 0: none"},
    {"fast-lr", GM__O_REAL, ROW(fast_lr), "0", 0, 1e3, NULL, "persistent: rate of weights that only the chains see and that are soon forgotten (fast PCD); 0: none"},
    {"fast-decay", GM__O_REAL, ROW(fast_decay), "0.95", 0, 1, NULL, "fast-lr: what an update leaves of these weights"},
    {"gradient", GM__O_CHOICE, ROW(gradient), "chains", 0, 0, "chains|exact", "the model's side of it: by chains, or all states counted (16 visible or 16 hidden units at most)"},
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
    {"objective", GM__O_CHOICE, ROW(objective), "generative", 0, 0, "generative|discriminative|hybrid", "conditional: learn log p(x, label), log p(label | x), or both"},
    {"generative", GM__O_REAL, ROW(generative), "0.01", 0, 1e3, NULL, "objective=hybrid: weight of log p(x, label)"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"},
};
const gm__opts gm__rbm_opts = {"rbm", rows, GM__COUNT(rows)};

gm_status gm__rbm_levels(gm_ctx *ctx, const char *text, float *level, int32_t *n)
{
    double v[GM__RBM_LEVELS];
    size_t k;
    GM__TRY(gm__reals(ctx, "rbm: levels", text, v, GM__RBM_LEVELS, &k));
    bool rising = k > 1;
    for (size_t i = 0; i < k; i++) {
        level[i] = (float)v[i];
        rising = rising && isfinite(level[i]) && (!i || level[i] > level[i - 1]);
    }
    *n = (int32_t)k;
    return rising ? GM_OK : gm__fail_ctx(ctx, GM_EARG, "rbm: levels: expected 2 to %d rising numbers separated by commas, got '%.60s'", GM__RBM_LEVELS, text);
}

static gm_status check_missing(gm_ctx *ctx, const gm_rbm_config *c, const gm__visible_kind *v)
{
    const char *with = c->centered ? "centered" : c->persistent ? "persistent" : c->conditional ? "conditional" : c->scale != GM_SCALE_NONE ? "scale"
                     : c->binarize != GM_BINARIZE_NONE ? "binarize" : c->gradient == GM_RBM_EXACT ? "gradient=exact" : NULL;
    if (!(v->has & GM__UNIT_MISSING)) return gm__fail_ctx(ctx, GM_EARG, "rbm: missing belongs to units=bernoulli, softmax or rectified, these are %s", v->name);
    if (with) return gm__fail_ctx(ctx, GM_EARG, "rbm: %s does not go with missing=on: every row has a machine of its own, of the units that it has", with);
    return GM_OK;
}

/* What the kind of units rules out. */
static gm_status check_units(gm_ctx *ctx, const gm_rbm_config *c)
{
    const gm__visible_kind *v = &gm__visible_units[c->units & 255];
    const gm__hidden_kind *h = &gm__hidden_units[c->units >> 8];
    const bool softmax = v == &gm__visible_units[GM_UNITS_SOFTMAX];
    if (!(v->hidden >> (c->units >> 8) & 1))
        return gm__fail_ctx(ctx, GM_EARG, "rbm: units: %s hidden units over %s visible ones have no bounds", h->name, v->name);
    if (c->levels) {
        float level[GM__RBM_LEVELS];
        int32_t n;
        if (!softmax || c->group) return gm__fail_ctx(ctx, GM_EARG, "rbm: levels belongs to units=softmax, in place of group");
        GM__TRY(gm__rbm_levels(ctx, c->levels, level, &n));
    } else if (softmax ? c->group < 2 : c->group != 0)
        return gm__fail_ctx(ctx, GM_EARG, "rbm: group, 2 or more, belongs to units=softmax (or levels): it is %d for %s units", (int)c->group, v->name);
    if (c->missing) GM__TRY(check_missing(ctx, c, v));
    if (c->objective != GM_RBM_GENERATIVE && !c->conditional) return gm__fail_ctx(ctx, GM_EARG, "rbm: objective: p(label | x) belongs to conditional=on");
    if (c->length && !(v->has & GM__UNIT_COUNTS)) return gm__fail_ctx(ctx, GM_EARG, "rbm: length belongs to units=replicated");
    if (c->units & 255 && c->binarize != GM_BINARIZE_NONE)
        return gm__fail_ctx(ctx, GM_EARG, "rbm: binarize makes 0 and 1 of the data: units=%s wants %s", v->name, v->values);
    if (c->scale == GM_SCALE_STANDARD && !(v->has & GM__UNIT_STANDARD))
        return gm__fail_ctx(ctx, GM_EARG, "rbm: units=%s wants %s: not scale=standard", v->name, v->values);
    if (c->scale != GM_SCALE_NONE && (softmax || v->has & GM__UNIT_COUNTS)) return gm__fail_ctx(ctx, GM_EARG, "rbm: units=%s wants data as they are: scale=none", v->name);
    if (c->centered && (!(v->has & GM__UNIT_CENTRE) || c->units >> 8))
        return gm__fail_ctx(ctx, GM_EARG, "rbm: centered belongs to units=bernoulli or softmax over bernoulli hidden units");
    if (c->persistent && v->has & GM__UNIT_COUNTS)
        return gm__fail_ctx(ctx, GM_EARG, "rbm: persistent: documents of every length are models of their own, units=replicated learns from chains that start at the data");
    if (c->sparsity > 0 && c->units >> 8) return gm__fail_ctx(ctx, GM_EARG, "rbm: sparsity belongs to bernoulli hidden units");
    if (c->conditional && !h->log_sum) return gm__fail_ctx(ctx, GM_EARG, "rbm: conditional: p(label | x) needs free energies, which %s hidden units have not", h->name);
    if (c->conditional && !(v->has & GM__UNIT_F)) return gm__fail_ctx(ctx, GM_EARG, "rbm: conditional: p(x, label) needs an energy, which %s units have not", v->name);
    if (c->tempering > 1 && (c->units >> 8 || !(v->has & GM__UNIT_F)))
        return gm__fail_ctx(ctx, GM_EARG, "rbm: tempering wants bernoulli hidden units and free energies: not units=%s,%s", v->name, h->name);
    return GM_OK;
}

gm_status gm__rbm_check(gm_ctx *ctx, const void *cfg)
{
    const gm_rbm_config *c = cfg;
    GM__TRY(check_units(ctx, c));
    if (c->chains && !c->persistent) return gm__fail_ctx(ctx, GM_EARG, "rbm: chains belongs to persistent=on");
    if ((c->tempering > 1 || c->fast_lr > 0) && !c->persistent)
        return gm__fail_ctx(ctx, GM_EARG, "rbm: %s belongs to persistent=on", c->tempering > 1 ? "tempering" : "fast-lr");
    if (c->tempering > 1 && c->fast_lr > 0) return gm__fail_ctx(ctx, GM_EARG, "rbm: tempering and fast-lr are two ways for chains to move: choose one");
    if (c->gradient == GM_RBM_EXACT && c->persistent) return gm__fail_ctx(ctx, GM_EARG, "rbm: persistent belongs to gradient=chains");
    return GM_OK;
}
