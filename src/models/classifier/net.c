/* net.c - what a predicting model is built of: the body, whose output is the features,
 * and the head, a linear layer to logits or targets; and what it learns from its data first. */
#include "models/classifier/classifier.h"
#include <math.h>
#include <string.h>

/* ---- what the data decide --------------------------------------------------------- */

bool gm__classifier_ready(const gm_model *m)
{
    const gm_classifier_config *c = gm__classifier_cfg(m);
    return c->task == GM_TASK_REGRESS ? c->targets > 0 : c->task == GM_TASK_CLASSIFY && c->classes > 0;
}

gm_status gm__classifier_choose(gm_model *m, const gm_dataset *d)
{
    const gm_classifier_config *c = gm__classifier_cfg(m);
    const gm__column *y = gm__dataset_column(d, "y");
    const char *const name = m->family->name;
    char text[32];
    if (c->task == GM_TASK_AUTO && !gm__dataset_column(d, "label") && !y)
        return gm__fail_ctx(m->ctx, GM_ENOTFOUND, "%s: the data have nothing to predict: give labels (idx:IMAGES,LABELS or csv:FILE,label=COL) or targets (csv:FILE,y=COL)", name);
    if (c->task == GM_TASK_AUTO) GM__TRY(gm__model_set_text(m, "task", gm__dataset_column(d, "label") ? "classify" : "regress"));
    if (c->task == GM_TASK_CLASSIFY || !y) return GM_OK; /* a missing y is refused by what training needs */
    if (c->targets && c->targets != y->row_elems)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "%s: the data have %lld targets a row, the model %d", name, (long long)y->row_elems, c->targets);
    gm__format(text, sizeof text, "%lld", (long long)y->row_elems);
    return gm__model_set_text(m, "targets", text);
}

static double value(const gm_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case GM_F64: return gm__f64(t)[i];
    case GM_I64: return (double)((const int64_t *)(const void *)t->data)[i];
    case GM_I32: return (double)((const int32_t *)(const void *)t->data)[i];
    default: return (double)gm__f32(t)[i];
    }
}

/* Sums of (y - shift)^power of every target over the data. */
static gm_status sums(gm_model *m, gm_dataset *d, const double *shift, int power, double *sum)
{
    const int64_t k = gm__classifier_of(m)->outputs;
    const uint64_t rows = gm_dataset_rows(d);
    gm_status s = GM_OK;
    for (uint64_t at = 0; !s && at < rows; at += GM__CHUNK) {
        gm_tensor *y = NULL;
        const uint64_t n = rows - at < GM__CHUNK ? rows - at : GM__CHUNK;
        if ((s = gm__check_cancel(m->ctx)) || (s = gm_dataset_read(d, "y", at, n, &y))) break;
        for (int64_t i = 0; i < (int64_t)n * k; i++) {
            const double v = value(y, i) - (shift ? shift[i % k] : 0);
            sum[i % k] += power == 2 ? v * v : v;
        }
        gm_tensor_free(y);
    }
    return s;
}

/* Targets of thousands would take thousands of steps to reach: the net learns them at mean 0 and deviation 1. */
gm_status gm__classifier_settle(gm_model *m, gm_dataset *d)
{
    gm__classifier *v = gm__classifier_of(m);
    const double rows = (double)gm_dataset_rows(d);
    if (!v->regress || gm__classifier_cfg(m)->scale == GM_SCALE_NONE) return GM_OK;
    double *mean = gm__calloc(m->ctx, (size_t)v->outputs, 2 * sizeof *mean), *square = mean + v->outputs;
    gm_status s = mean ? sums(m, d, NULL, 1, mean) : GM_ENOMEM;
    for (int64_t j = 0; !s && j < v->outputs; j++) mean[j] /= rows;
    if (!s) s = sums(m, d, mean, 2, square);
    for (int64_t j = 0; !s && j < v->outputs; j++) {
        const double std = sqrt(square[j] / rows);
        if (!isfinite(mean[j]) || !isfinite(std))
            s = gm__fail_ctx(m->ctx, GM_ENONFINITE, "%s: target %lld of the data is not finite", m->family->name, (long long)j);
        gm__f32(v->mean)[j] = (float)mean[j];
        gm__f32(v->std)[j] = std <= 1e-6 * fabs(mean[j]) || std < 1e-30 ? 1 : (float)std; /* a constant, but for rounding */
    }
    gm__free(m->ctx, mean);
    return s;
}

/* ---- network texts ------------------------------------------------------------------- */

static void put(gm__buf *b, const char *layer)
{
    gm__buf_format(b, "%s%s", b->len ? ", " : "", layer);
}

/* Behind a product: normalisation, activation, dropout. */
static void put_rest(gm__buf *b, const gm_classifier_config *c, bool image)
{
    const char *act = gm__coder_activation_text(c->activation);
    if (c->norm == GM_NORM_BATCH) put(b, "bnorm");
    if (c->norm == GM_NORM_LAYER) put(b, image ? "gnorm 1" : "lnorm");
    if (act) put(b, act);
    if (c->dropout > 0 && !image) gm__buf_format(b, ", dropout %g", c->dropout);
}

/* Convolutions that keep the size, each followed by a halving while there is something to halve. */
static gm_status put_channels(gm_model *m, const gm_classifier_config *c, const int64_t image[3], gm__buf *b)
{
    int64_t channels[GM__CODER_LAYERS], side = image[1] < image[2] ? image[1] : image[2];
    size_t n;
    GM__TRY(gm__coder_sizes(m->ctx, m->family->name, "channels", c->channels, channels, &n));
    for (size_t i = 0; i < n; i++, side /= 2) {
        gm__buf_format(b, "%sconv %lld k3 p1%s", b->len ? ", " : "", (long long)channels[i], c->norm == GM_NORM_BATCH ? " nobias" : "");
        put_rest(b, c, true);
        if (side >= 4) put(b, "maxpool 2");
    }
    put(b, "flatten");
    return b->failed ? GM_ENOMEM : GM_OK;
}

static gm_status put_hidden(gm_model *m, const gm_classifier_config *c, gm__buf *b)
{
    int64_t hidden[GM__CODER_LAYERS];
    size_t n;
    GM__TRY(gm__coder_sizes(m->ctx, m->family->name, "hidden", c->hidden, hidden, &n));
    for (size_t i = 0; i < n; i++) {
        gm__buf_format(b, "%slinear %lld", b->len ? ", " : "", (long long)hidden[i]);
        put_rest(b, c, false);
    }
    return b->failed ? GM_ENOMEM : GM_OK;
}

/* ---- building -------------------------------------------------------------------------- */

static gm_status make_body(gm_model *m, const gm_classifier_config *c, gm_net **out)
{
    const bool cnn = m->family == &gm__family_cnn, images = cnn || (c->net && gm__coder_on_images(c->net));
    int64_t shape[3] = {m->row};
    gm__buf text;
    gm__buf_init(&text, m->ctx);
    gm_status s = images ? gm__coder_image(m, m->family->name, shape) : GM_OK;
    if (!s && c->net) gm__buf_text(&text, c->net);
    if (!s && !c->net && cnn) s = put_channels(m, c, shape, &text);
    if (!s && !c->net) s = put_hidden(m, c, &text);
    if (!s && text.failed) s = GM_ENOMEM;
    if (!s && text.len) s = gm_net_new(m->ctx, text.data, images ? 3 : 1, shape, gm__model_seed(m), out);
    gm__buf_free(&text);
    return s;
}

static int64_t width_of(const gm_net *net, int32_t *ndim)
{
    int64_t shape[GM_MAX_DIMS], size = 1;
    *ndim = gm_net_output_shape(net, shape);
    for (int32_t i = 0; i < *ndim; i++) size *= shape[i];
    return size;
}

/* The linear layer to the outputs; with heads=own the body must have them. */
static gm_status make_head(gm_model *m, const gm_classifier_config *c, gm__classifier *v)
{
    int64_t in = m->row;
    int32_t ndim = 1;
    char text[40];
    if (v->body) in = width_of(v->body, &ndim);
    if (c->heads == GM_HEADS_OWN) {
        if (in == v->outputs) return GM_OK;
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "%s: net: with heads=own it must end in %lld numbers (%s), it gives %lld", m->family->name,
                            (long long)v->outputs, v->regress ? "the targets" : "logits of the classes", (long long)in);
    }
    gm__format(text, sizeof text, "linear %lld", (long long)v->outputs);
    /* two nets from one seed must not draw the same weights */
    GM__TRY(gm_net_new(m->ctx, text, 1, &in, gm__model_seed(m) + UINT64_C(0x9e3779b97f4a7c15), &v->head));
    return gm__model_add_net(m, "head", v->head);
}

static gm_status make_targets(gm_model *m, gm__classifier *v)
{
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &v->outputs, &v->mean));
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &v->outputs, &v->std));
    for (int64_t j = 0; j < v->outputs; j++) gm__f32(v->std)[j] = 1;
    GM__TRY(gm__model_add_tensor(m, "target.mean", v->mean, false));
    return gm__model_add_tensor(m, "target.std", v->std, false);
}

gm_status gm__classifier_build(gm_model *m)
{
    gm__classifier *v = gm__classifier_of(m);
    gm_classifier_config c = *gm__classifier_cfg(m);
    if (c.scale == GM_SCALE_AUTO) c.scale = m->ndim == 1 ? GM_SCALE_STANDARD : GM_SCALE_NONE;
    if (!gm__classifier_ready(m)) return gm__fail_ctx(m->ctx, GM_EARG, "%s: the number of %s is not known", m->family->name, c.task == GM_TASK_REGRESS ? "targets" : "classes");
    v->regress = c.task == GM_TASK_REGRESS;
    v->outputs = v->regress ? c.targets : c.classes;
    if (v->regress && c.label_smoothing > 0) return gm__fail_ctx(m->ctx, GM_EARG, "%s: label-smoothing belongs to labels, the data have targets", m->family->name);
    GM__TRY(make_body(m, &c, &v->body));
    if (v->body) GM__TRY(gm__model_add_net(m, "net", v->body));
    GM__TRY(make_head(m, &c, v));
    if (v->regress) GM__TRY(make_targets(m, v));
    memcpy(m->cfg, &c, sizeof c); /* what was chosen for these data is stored: a file says it */
    return GM_OK;
}

void gm__classifier_destroy(gm_model *m)
{
    gm__classifier *v = gm__classifier_of(m);
    gm_net_free(v->body);
    gm_net_free(v->head);
    gm_tensor_free(v->mean);
    gm_tensor_free(v->std);
    memset(v, 0, sizeof *v);
}
