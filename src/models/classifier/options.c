/* options.c - the options of mlp and cnn: one row each, the rules between them, constructors. */
#include "models/classifier/classifier.h"

#define ROW(field) offsetof(gm_classifier_config, field)
#define SHAPE {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a row, \"1,28,28\"; default: from the data at first fit"}
#define TASK {"task", GM__O_CHOICE, ROW(task), "auto", 0, 0, "classify|regress|auto", "what is predicted: labels or targets y; auto: labels if the data have them"}
#define HIDDEN(def, what) {"hidden", GM__O_TEXT, ROW(hidden), def, 0, 0, NULL, what}
#define ACTIVATION {"activation", GM__O_TEXT, ROW(activation), "relu", 0, 0, NULL, "of hidden layers: relu, lrelu, elu, gelu, silu, tanh, sigmoid, softplus or none"}
#define NORM(def) {"norm", GM__O_CHOICE, ROW(norm), def, 0, 0, "none|batch|layer", "normalisation before each activation"}
#define DROPOUT(def) {"dropout", GM__O_REAL, ROW(dropout), def, 0, 0.99, NULL, "share of hidden activations set to 0 in training"}
#define SMOOTHING {"label-smoothing", GM__O_REAL, ROW(label_smoothing), "0", 0, 0.99, NULL, "share of a label's probability spread over all classes in training"}
#define NET(input) {"net", GM__O_TEXT, ROW(net), NULL, 0, 0, NULL, "network text in place of the preset; its input is " input}
#define HEADS {"heads", GM__O_CHOICE, ROW(heads), "auto", 0, 0, "auto|own", "last linear layer of your net: appended, or your own"}
#define SCALE {"scale", GM__O_CHOICE, ROW(scale), "auto", 0, 0, "none|unit|standard|auto", "features: kept, to [0,1], or to mean 0 and deviation 1; auto: standard for vectors; targets follow unless none"}
#define CLASSES {"classes", GM__O_INT, ROW(classes), "0", 0, 1 << 24, NULL, "number of classes; 0: from the data"}
#define TARGETS {"targets", GM__O_INT, ROW(targets), "0", 0, 1 << 24, NULL, "numbers of y a row; 0: from the data"}
#define SEED {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"}

static const gm__opt mlp_rows[] = {
    SHAPE, TASK, HIDDEN("256", "hidden sizes: \"256,128\"; none: logistic or linear regression"), ACTIVATION, NORM("none"), DROPOUT("0"), SMOOTHING,
    NET("the flattened row, or the image if its first layer works on images"), HEADS, SCALE, CLASSES, TARGETS, SEED,
};
static const gm__opt cnn_rows[] = {
    SHAPE, TASK,
    {"channels", GM__O_TEXT, ROW(channels), "32,64", 0, 0, NULL, "convolutions of 3x3, each followed by a halving of the image; none: no convolution"},
    HIDDEN("128", "dense layers behind them: \"128\"; none: no dense hidden layer"), ACTIVATION, NORM("batch"), DROPOUT("0.25"), SMOOTHING,
    NET("the image [C,H,W]"), HEADS, SCALE, CLASSES, TARGETS, SEED,
};
const gm__opts gm__mlp_opts = {"mlp", mlp_rows, GM__COUNT(mlp_rows)}, gm__cnn_opts = {"cnn", cnn_rows, GM__COUNT(cnn_rows)};

static gm_status check(gm_ctx *ctx, const char *owner, const gm_classifier_config *c)
{
    int64_t sizes[GM__CODER_LAYERS];
    size_t n;
    GM__TRY(gm__coder_sizes(ctx, owner, "hidden", c->hidden, sizes, &n));
    GM__TRY(gm__coder_sizes(ctx, owner, "channels", c->channels, sizes, &n));
    GM__TRY(gm__coder_check_activation(ctx, owner, c->activation));
    if (c->heads == GM_HEADS_OWN && !c->net) return gm__fail_ctx(ctx, GM_EARG, "%s: heads=own needs a net of your own", owner);
    if (c->task == GM_TASK_REGRESS && c->label_smoothing > 0)
        return gm__fail_ctx(ctx, GM_EARG, "%s: label-smoothing belongs to task=classify, found task=regress", owner);
    return GM_OK;
}

gm_status gm__mlp_check(gm_ctx *ctx, const void *cfg) { return check(ctx, "mlp", cfg); }
gm_status gm__cnn_check(gm_ctx *ctx, const void *cfg) { return check(ctx, "cnn", cfg); }

void gm_mlp_config_init(gm_mlp_config *c, size_t size) { gm__family_config(&gm__family_mlp, c, size); }
void gm_cnn_config_init(gm_cnn_config *c, size_t size) { gm__family_config(&gm__family_cnn, c, size); }
gm_status gm_mlp_new(gm_ctx *ctx, const gm_mlp_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_mlp, c, out); }
gm_status gm_cnn_new(gm_ctx *ctx, const gm_cnn_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_cnn, c, out); }
