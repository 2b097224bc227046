/* classifier.c - mlp and cnn as families: what they are trained on, and what they say of data. */
#include "models/classifier/classifier.h"
#include "ops/ops.h"

/* ---- on a tape ------------------------------------------------------------------- */

/* The last hidden layer: what encode gives. */
static gm_tensor *features(const gm_model *m, const gm__batch *b)
{
    const gm__classifier *v = gm__classifier_of(m);
    gm_tensor *x = b->x;
    if (!x) return NULL;
    const int64_t n = x->shape[0], flat[] = {n, m->row};
    if (!v->body) return gm_reshape(b->t, x, 2, flat);
    if (v->body->in.ndim == 1) x = gm_reshape(b->t, x, 2, flat);
    else if (x->ndim != 4) x = gm_reshape(b->t, x, 4, (int64_t[]){n, v->body->in.dim[0], v->body->in.dim[1], v->body->in.dim[2]});
    gm_tensor *h = gm_net_apply(v->body, b->t, x, NULL);
    return h && h->ndim != 2 ? gm_reshape(b->t, h, 2, (int64_t[]){n, -1}) : h;
}

/* Logits, or standardised targets. */
static gm_tensor *outputs(const gm_model *m, const gm__batch *b)
{
    const gm__classifier *v = gm__classifier_of(m);
    gm_tensor *h = features(m, b);
    return v->head ? gm_net_apply(v->head, b->t, h, NULL) : h;
}

/* The batch's targets as the net works with them, [N, targets]. */
static gm_tensor *targets(const gm_model *m, const gm__batch *b)
{
    const gm__classifier *v = gm__classifier_of(m);
    if (!b->y || !b->x) return gm__tape_fail(b->t, GM_EARG, "%s: targets are needed: the data have no column y", m->family->name);
    if (b->y->size != b->x->shape[0] * v->outputs)
        return gm__tape_fail(b->t, GM_ESHAPE, "%s: the data have %lld targets a row, the model %lld", m->family->name,
                             (long long)(b->y->size / b->y->shape[0]), (long long)v->outputs);
    gm_tensor *y = b->y->dtype == b->x->dtype ? b->y : gm_cast(b->t, b->y, b->x->dtype);
    y = gm_reshape(b->t, y, 2, (int64_t[]){b->x->shape[0], v->outputs});
    if (b->x->dtype != GM_F32) return y; /* gradient checks: in units of their own */
    return gm_div(b->t, gm_sub(b->t, y, v->mean), v->std);
}

static gm_tensor *labels(gm_model *m, const gm__batch *b)
{
    if (b->label) return gm__labels_in(m, b->t, b->label, gm__classifier_of(m)->outputs) ? b->label : NULL;
    return gm__tape_fail(b->t, GM_EARG, "%s: labels are needed: give them with the rows (gm_model_apply takes them)", m->family->name);
}

/* Cross-entropy in nats, or squared error of standardised targets; of every row. */
static gm_tensor *errors(gm_model *m, const gm__batch *b, gm_tensor *out)
{
    if (gm__classifier_of(m)->regress) return gm_sum(b->t, gm_mse(b->t, out, targets(m, b), GM_NONE), -1, 0);
    return gm_cross_entropy(b->t, out, labels(m, b), GM_NONE);
}

static gm_status loss(gm_model *m, const gm__batch *b, gm_tensor **out)
{
    const double smooth = gm__classifier_cfg(m)->label_smoothing;
    gm_tensor *y = outputs(m, b), *each = errors(m, b, y);
    if (smooth > 0 && b->training) { /* (1 - s) on the label, s spread over all [Szegedy et al. 2016] */
        gm_tensor *spread = gm_mean(b->t, gm_log_softmax(b->t, y, -1), -1, 0);
        each = gm_sub(b->t, gm_affine(b->t, each, 1 - smooth, 0), gm_affine(b->t, spread, smooth, 0));
    }
    *out = gm_mean(b->t, each, GM_ALL_AXES, 0);
    return gm_tape_status(b->t);
}

/* ---- verbs ------------------------------------------------------------------------- */

static gm_tensor *encode(gm_model *m, const gm__batch *b) { return features(m, b); }

static gm_tensor *predict(gm_model *m, const gm__batch *b)
{
    const gm__classifier *v = gm__classifier_of(m);
    gm_tensor *y = outputs(m, b);
    return v->regress ? gm_add(b->t, gm_mul(b->t, y, v->std), v->mean) : gm_softmax(b->t, y, -1);
}

/* Entropy of the prediction: high where the model cannot decide. */
static gm_tensor *score(gm_model *m, const gm__batch *b)
{
    gm_tensor *log_p = gm_log_softmax(b->t, outputs(m, b), -1);
    return gm_neg(b->t, gm_sum(b->t, gm_mul(b->t, gm_exp(b->t, log_p), log_p), -1, 0));
}

static gm_tensor *log_prob(gm_model *m, const gm__batch *b, const gm__eval_cfg *c)
{
    GM__UNUSED(c);
    return gm_neg(b->t, gm_cross_entropy(b->t, outputs(m, b), labels(m, b), GM_NONE));
}

static uint32_t needs(const gm_model *m)
{
    const int32_t task = gm__classifier_cfg(m)->task;
    return task == GM_TASK_CLASSIFY ? GM__NEEDS_LABEL : task == GM_TASK_REGRESS ? GM__NEEDS_Y : 0;
}

static uint32_t cannot(const gm_model *m) { return gm__classifier_of(m)->regress ? GM_CAN_SCORE | GM_CAN_LOG_PROB : 0; }

/* ---- metrics ------------------------------------------------------------------------- */

static bool of_task(const gm_model *m, const gm__batch *b, const char *metric, bool regress)
{
    if (gm__classifier_of(m)->regress == regress) return true;
    gm__tape_fail(b->t, GM_EARG, "eval: %s belongs to %s; this %s predicts %s", metric, regress ? "targets" : "labels", m->family->name,
                  regress ? "labels" : "targets");
    return false;
}

static gm_tensor *metric_accuracy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(c), GM__UNUSED(note);
    if (!of_task(m, b, "accuracy", false)) return NULL;
    return gm_cast(b->t, gm_eq(b->t, gm_argmax(b->t, outputs(m, b), -1, 0), labels(m, b)), GM_F32);
}

static gm_tensor *metric_cross_entropy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(note);
    return of_task(m, b, "cross_entropy", false) ? gm_neg(b->t, log_prob(m, b, c)) : NULL;
}

/* Squared error in the data's units, mean over the targets of a row. */
static gm_tensor *metric_rmse(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    const gm__classifier *v = gm__classifier_of(m);
    GM__UNUSED(c), GM__UNUSED(note);
    if (!of_task(m, b, "rmse", true)) return NULL;
    gm_tensor *error = gm_mul(b->t, gm_sub(b->t, outputs(m, b), targets(m, b)), v->std);
    return gm_mean(b->t, gm_square(b->t, error), -1, 0);
}

static const gm__metric metrics[] = {
    {.name = "accuracy", .unit = "fraction", .row = metric_accuracy, .needs = GM__NEEDS_LABEL},
    {.name = "cross_entropy", .unit = "nats", .row = metric_cross_entropy, .needs = GM__NEEDS_LABEL},
    {.name = "rmse", .unit = "target", .row = metric_rmse, .needs = GM__NEEDS_Y, .root = true},
};

static const char *default_metric(const gm_model *m) { return gm__classifier_of(m)->regress ? "rmse" : "accuracy"; }

/* ---- the families ---------------------------------------------------------------------- */

#define SHARED                                                                                                  \
    .score_formula = "entropy of the predicted classes, nats",                                                  \
    .cfg_size = sizeof(gm_classifier_config),                                                                   \
    .state_size = sizeof(gm__classifier),                                                                       \
    .can = GM_CAN_PREDICT | GM_CAN_ENCODE | GM_CAN_SCORE | GM_CAN_LOG_PROB,                                     \
    .log_prob_kind = GM_LOG_PROB_CONDITIONAL,                                                                   \
    .ready = gm__classifier_ready,                                                                              \
    .choose = gm__classifier_choose,                                                                            \
    .settle = gm__classifier_settle,                                                                            \
    .needs = needs,                                                                                             \
    .cannot = cannot,                                                                                           \
    .build = gm__classifier_build,                                                                              \
    .destroy = gm__classifier_destroy,                                                                          \
    .loss = loss,                                                                                               \
    .encode = encode,                                                                                           \
    .predict = predict,                                                                                         \
    .score = score,                                                                                             \
    .log_prob = log_prob,                                                                                       \
    .metrics = metrics,                                                                                         \
    .n_metrics = GM__COUNT(metrics),                                                                            \
    .default_metric = default_metric

const gm__family gm__family_mlp = {
    .name = "mlp",
    .title = "dense network that predicts labels or numbers; without hidden layers logistic or linear regression",
    .opts = &gm__mlp_opts,
    .check = gm__mlp_check,
    SHARED,
};

const gm__family gm__family_cnn = {
    .name = "cnn",
    .title = "convolutional network that predicts labels or numbers of images",
    .opts = &gm__cnn_opts,
    .check = gm__cnn_check,
    SHARED,
};
