/* compare.c - samples of a model beside data: both as sets of rows or features, which src/metrics compares. */
#include "models/compare.h"
#include <gm/metrics.h>
#include <math.h>
#include <string.h>

enum { ROWS = 10000, MODE_SAMPLES = 2500, MOST = 1 << 28, SUBSET = 2 /* marks its stream among those of evaluation */ };

/* ---- the two sets -------------------------------------------------------------------------- */

/* n of the data's rows, drawn from the seed, in their order. */
static gm_status choose(gm__compare *c, size_t n, uint64_t **out)
{
    gm_ctx *ctx = c->m->ctx;
    const size_t all = gm_dataset_rows(c->d);
    uint64_t *rows = gm__alloc(ctx, all, sizeof *rows);
    uint8_t *in = gm__calloc(ctx, all, 1);
    *out = rows;
    if (rows && in) {
        gm__rng r = gm__rng_make(gm__stream_make(c->cfg->seed, GM__R_EVAL, SUBSET, 0));
        gm__permutation(&r, rows, all);
        for (size_t i = 0; i < n; i++) in[rows[i]] = 1;
        for (size_t row = 0, at = 0; row < all; row++)
            if (in[row]) rows[at++] = row;
    }
    gm__free(ctx, in);
    return rows && in ? GM_OK : GM_ENOMEM;
}

/* Draws; a conditional model is told these labels, or takes them in turn. */
static gm_status draw(gm__compare *c, int64_t n, gm_tensor *labels, gm_tensor **out)
{
    gm_tape *t = NULL;
    gm_status s = gm__use_tape(c->m->ctx, &t);
    if (!s) s = gm__model_new_rows(c->m->ctx, c->m, n, out);
    if (!s) s = gm__model_draw(c->m, t, c->cfg->seed, 0, n, 1, labels, gm__f32(*out));
    gm_tape_free(t);
    return s;
}

static gm_status make_rows(gm__compare *c)
{
    gm_ctx *ctx = c->m->ctx;
    const size_t all = gm_dataset_rows(c->d), want = c->cfg->n ? (size_t)c->cfg->n : ROWS, n = want < all ? want : all;
    const gm__column *x = gm__dataset_column(c->d, "x"), *label = gm__dataset_column(c->d, "label");
    gm_tensor *labels = NULL;
    uint64_t *rows = NULL;
    if (x->offset || gm__column_out(x) != GM_F32) return gm__fail_ctx(ctx, GM_EDTYPE, "eval: samples are compared with rows of numbers, not with whole numbers or texts");
    gm_status s = choose(c, n, &rows);
    if (!s) s = gm__model_new_rows(ctx, c->m, (int64_t)n, &c->data);
    if (!s) s = gm__dataset_gather(c->d, "x", rows, n, gm__f32(c->data));
    if (!s && label && gm__model_condition(c->m)) {
        s = gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ (int64_t)n }, &labels);
        if (!s) s = gm__dataset_gather(c->d, "label", rows, n, labels->data);
    }
    if (!s) s = draw(c, (int64_t)n, labels, &c->samples);
    gm__free(ctx, rows);
    gm_tensor_free(labels);
    return s;
}

/* ---- features ---------------------------------------------------------------------------------- */

/* The recipe is fixed: features of two models beside the same data are comparable. */
#define CLASSIFIER "task=classify channels=16,32 hidden=64 seed=1"
#define TRAINING "steps=400 batch=128 lr=0.002 schedule=cosine seed=1"

/* Rows become features, where these are wanted. */
static gm_status encode(gm__compare *c, gm_tensor **x)
{
    gm_tensor *y = NULL;
    if (!c->classifier) return GM_OK;
    GM__TRY(gm_encode(c->classifier, *x, &y));
    gm_tensor_free(*x);
    *x = y;
    return GM_OK;
}

/* A cnn learns the data's labels. */
static gm_status make_classifier(gm__compare *c)
{
    if (c->cfg->features != GM__FEATURES_CLASSIFIER) return GM_OK;
    GM__TRY(gm__needs_met(c->m->ctx, "eval: features=classifier", GM__NEEDS_LABEL, c->d));
    GM__TRY(gm_model_new(c->m->ctx, "cnn", CLASSIFIER, &c->classifier));
    return gm_fit(c->classifier, c->d, TRAINING);
}

static gm_status make_sets(gm__compare *c)
{
    if (c->samples) return GM_OK;
    gm_status s = make_classifier(c);
    if (!s) s = make_rows(c);
    if (!s) s = encode(c, &c->data);
    if (!s) s = encode(c, &c->samples);
    if (s) gm__compare_free(c); /* no half of it is taken for the whole later */
    return s;
}

/* ---- the measures --------------------------------------------------------------------------------- */

static gm_metrics_config settings(const gm__compare *c)
{
    gm_metrics_config s;
    gm_metrics_config_init(&s, sizeof s);
    if (c->cfg->k) s.k = c->cfg->k;
    s.kernel = c->cfg->kernel;
    s.judge = c->cfg->judge;
    s.seed = c->cfg->seed;
    return s;
}

static void note(const gm__compare *c, gm_measure *out, const char *more)
{
    const long long n = (long long)c->samples->shape[0];
    out->rows = (uint64_t)n;
    gm__format(out->note, sizeof out->note, "n=%lld, features=%s%s%s", n, c->cfg->features == GM__FEATURES_CLASSIFIER ? "classifier" : "raw", more ? ", " : "",
               more ? more : "");
}

static gm_status frechet(gm__compare *c, gm_measure *out)
{
    GM__TRY(make_sets(c));
    note(c, out, NULL);
    return gm_frechet(c->m->ctx, c->data, c->samples, &out->value);
}

static gm_status mmd(gm__compare *c, gm_measure *out)
{
    const gm_metrics_config s = settings(c);
    GM__TRY(make_sets(c));
    note(c, out, s.kernel == GM_KERNEL_GAUSSIAN ? "kernel=gaussian" : "kernel=polynomial");
    return gm_mmd(c->m->ctx, c->data, c->samples, &s, &out->value, &out->error);
}

static gm_status prdc(gm__compare *c, gm_measure *out, int which)
{
    const gm_metrics_config s = settings(c);
    char text[32];
    GM__TRY(make_sets(c));
    if (!c->have_prdc) GM__TRY(gm_prdc(c->m->ctx, c->data, c->samples, &s, c->prdc, c->prdc_error));
    c->have_prdc = true;
    gm__format(text, sizeof text, "k=%d", s.k);
    note(c, out, text);
    out->value = c->prdc[which];
    out->error = c->prdc_error[which];
    return GM_OK;
}
static gm_status precision(gm__compare *c, gm_measure *out) { return prdc(c, out, 0); }
static gm_status recall(gm__compare *c, gm_measure *out) { return prdc(c, out, 1); }
static gm_status density(gm__compare *c, gm_measure *out) { return prdc(c, out, 2); }
static gm_status coverage(gm__compare *c, gm_measure *out) { return prdc(c, out, 3); }

static gm_status c2st(gm__compare *c, gm_measure *out)
{
    const gm_metrics_config s = settings(c);
    GM__TRY(make_sets(c));
    note(c, out, s.judge == GM_JUDGE_LOGISTIC ? "judge=logistic" : "judge=nearest");
    return gm_c2st(c->m->ctx, c->data, c->samples, &s, &out->value, &out->error);
}

static gm_status sliced(gm__compare *c, gm_measure *out)
{
    const gm_metrics_config s = settings(c);
    char text[48];
    GM__TRY(make_sets(c));
    gm__format(text, sizeof text, "p=%d, directions=%d", s.power, s.projections);
    note(c, out, text);
    return gm_sliced_wasserstein(c->m->ctx, c->data, c->samples, &s, &out->value, &out->error);
}

/* What is repeated may be any of the data: all of them are looked at, or as many as MOST numbers hold. */
static gm_status nearest(gm__compare *c, gm_measure *out)
{
    gm_ctx *ctx = c->m->ctx;
    const size_t all = gm_dataset_rows(c->d), most = MOST / (size_t)c->m->row + 1, n = all < most ? all : most;
    gm_tensor *train = NULL;
    uint64_t *rows = NULL;
    double copied;
    char text[64];
    GM__TRY(make_sets(c));
    gm_status s = choose(c, n, &rows);
    if (!s) s = gm__model_new_rows(ctx, c->m, (int64_t)n, &train);
    if (!s) s = gm__dataset_gather(c->d, "x", rows, n, gm__f32(train));
    if (!s) s = encode(c, &train);
    if (!s) s = gm_nearest(ctx, train, NULL, c->samples, &out->value, &out->error, &copied);
    if (!s) {
        gm__format(text, sizeof text, "of %zu rows, copied=%.4f", n, copied);
        note(c, out, text);
    }
    gm_tensor_free(train);
    gm__free(ctx, rows);
    return s;
}

/* The centres of the data's mixture as rows. */
static gm_status centres(gm__compare *c, gm_tensor **out)
{
    GM__TRY(gm_tensor_new(c->m->ctx, GM_F64, 2, (int64_t[]){ c->d->modes, 2 }, out));
    for (int k = 0; k < c->d->modes; k++) gm__dataset_centre(c->d, k, gm__f64(*out) + 2 * k);
    return GM_OK;
}

static gm_status count_modes(gm__compare *c)
{
    const int64_t n = c->cfg->n ? c->cfg->n : MODE_SAMPLES;
    gm_tensor *at = NULL, *x = NULL;
    if (!c->d->modes) return gm__fail_ctx(c->m->ctx, GM_EUNSUPPORTED, "eval: modes and high_quality are known for synth:ring8 and synth:grid25 only");
    gm_status s = centres(c, &at);
    if (!s) s = draw(c, n, NULL, &x);
    if (!s) s = gm_modes(c->m->ctx, x, at, c->d->modes_sigma, c->modes);
    if (!s) c->modes_n = n;
    gm_tensor_free(at);
    gm_tensor_free(x);
    return s;
}

static gm_status modes(gm__compare *c, gm_measure *out)
{
    if (!c->modes_n) GM__TRY(count_modes(c));
    out->value = c->modes[0];
    out->rows = (uint64_t)c->modes_n;
    gm__format(out->note, sizeof out->note, "n=%lld, of %d, reverse_kl=%.4f", (long long)c->modes_n, c->d->modes, c->modes[2]);
    return GM_OK;
}

static gm_status high_quality(gm__compare *c, gm_measure *out)
{
    if (!c->modes_n) GM__TRY(count_modes(c));
    out->value = c->modes[1];
    out->error = sqrt(c->modes[1] * (1 - c->modes[1]) / (double)c->modes_n);
    out->rows = (uint64_t)c->modes_n;
    gm__format(out->note, sizeof out->note, "n=%lld", (long long)c->modes_n);
    return GM_OK;
}

static const gm__versus measures[] = {
    { "frechet", "squared", frechet }, { "mmd", "squared", mmd }, { "precision", "fraction", precision }, { "recall", "fraction", recall },
    { "density", "ratio", density }, { "coverage", "fraction", coverage }, { "c2st", "fraction", c2st }, { "sliced_w", "distance", sliced },
    { "nearest", "fraction", nearest }, { "modes", "modes", modes }, { "high_quality", "fraction", high_quality },
};

const gm__versus *gm__versus_at(size_t i) { return i < GM__COUNT(measures) ? &measures[i] : NULL; }

const gm__versus *gm__versus_find(const char *name, size_t n)
{
    for (size_t i = 0; i < GM__COUNT(measures); i++)
        if (gm__ieq(measures[i].name, name, n)) return &measures[i];
    return NULL;
}

gm_status gm__compare_run(gm__compare *c, const gm__versus *v, gm_measure *out)
{
    memset(out, 0, sizeof *out);
    GM__TRY(gm__check_cancel(c->m->ctx));
    GM__TRY(v->measure(c, out));
    gm__format(out->name, sizeof out->name, "%s", v->name);
    gm__format(out->unit, sizeof out->unit, "%s", v->unit);
    return GM_OK;
}

void gm__compare_free(gm__compare *c)
{
    gm_tensor_free(c->data);
    gm_tensor_free(c->samples);
    gm_model_free(c->classifier);
    c->data = c->samples = NULL;
    c->classifier = NULL;
}
