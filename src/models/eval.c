/* eval.c - measures of a model on a data set: means over rows with their standard errors, and its samples beside the data (compare.c). */
#include "models/compare.h"
#include "models/lm.h"
#include <math.h>
#include <string.h>

#define AT(field) offsetof(gm__eval_cfg, field)
static const gm__opt rows[] = {
    {"metric", GM__O_TEXT, AT(metric), NULL, 0, 0, NULL, "what to measure, a comma list; default: the family's first"},
    {"k", GM__O_INT, AT(k), "0", 0, 1e6, NULL, "importance samples; neighbours of precision, recall, density, coverage; 0: the metric's default"},
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of binarisation, importance samples, and samples compared with data"},
    {"batch", GM__O_INT, AT(batch), "256", 1, 65536, NULL, "rows at once; values do not depend on it but for rounding"},
    {"threads", GM__O_INT, AT(threads), "0", 0, 256, NULL, "threads to use; 0: the context's"},
    {"n", GM__O_I64, AT(n), "0", 0, 1e8, NULL, "samples, and rows of the data, that are compared; 0: 10000 or all rows (modes, high_quality: 2500)"},
    {"features", GM__O_CHOICE, AT(features), "raw", 0, 0, "raw|classifier", "what is compared: rows, or the last hidden layer of a cnn that learned the data's labels"},
    {"kernel", GM__O_CHOICE, AT(kernel), "polynomial", 0, 0, "polynomial|gaussian", "of mmd"},
    {"judge", GM__O_CHOICE, AT(judge), "nearest", 0, 0, "nearest|logistic", "of c2st"},
};
#undef AT
const gm__opts gm__eval_opts = {"eval", rows, GM__COUNT(rows)};

/* Mean and squared deviations of one metric so far [Welford 1962], or a measure of samples beside data. */
typedef struct tally {
    const gm__metric *metric;  /* NULL: versus */
    const gm__versus *versus;
    uint64_t n;
    double weight, mean, m2; /* weight: of the rows so far, 1 each or as the metric says */
    char note[96];
} tally;

typedef struct job {
    gm_model *m;
    gm_dataset *d;
    gm_batches *b;
    gm_tape *t;
    gm__eval_cfg cfg;
    gm__strs strs;
    uint64_t *rows;
    tally *tallies;
    size_t n;
} job;

/* ---- which metrics ---------------------------------------------------------------- */

/* Those that are means over rows: the family's, then those that it need not have itself. */
static const gm__metric *metric_at(const gm_model *m, size_t i)
{
    return i < m->family->n_metrics ? &m->family->metrics[i] : gm__likeness_at(m, i - m->family->n_metrics);
}

static gm_status unknown(gm_model *m, const char *name, size_t n)
{
    gm_ctx *ctx = m->ctx;
    const gm__family *f = m->family;
    gm__buf b;
    gm__buf_init(&b, ctx);
    for (size_t i = 0; metric_at(m, i); i++) gm__buf_format(&b, "%s%s", b.len ? ", " : "", metric_at(m, i)->name);
    for (size_t i = 0; f->draw && gm__versus_at(i); i++) gm__buf_format(&b, "%s%s", b.len ? ", " : "", gm__versus_at(i)->name);
    gm_status s = b.failed ? GM_ENOMEM : gm__fail_ctx(ctx, GM_EARG, "eval: %s has no metric '%.*s'; it has %s", f->name, n > 40 ? 40 : (int)n, name, b.data);
    gm__buf_free(&b);
    return s;
}

/* One of the list: a metric of the family, or else a measure that all families with draws have. */
static gm_status add(job *j, const char *name, size_t n)
{
    const gm__family *f = j->m->family;
    tally *a = &j->tallies[j->n++];
    for (size_t i = 0; !a->metric && metric_at(j->m, i); i++)
        if (gm__ieq(metric_at(j->m, i)->name, name, n)) a->metric = metric_at(j->m, i);
    if (a->metric) {
        return gm__needs_met(j->m->ctx, "eval", a->metric->needs | (f->condition && f->condition(j->m) ? GM__NEEDS_LABEL : 0u), j->d);
    }
    a->versus = f->draw ? gm__versus_find(name, n) : NULL;
    return a->versus ? GM_OK : unknown(j->m, name, n);
}

static gm_status choose(job *j)
{
    const gm__family *f = j->m->family;
    const char *usual = f->default_metric ? f->default_metric(j->m) : f->n_metrics ? f->metrics[0].name : "frechet";
    const char *p = j->cfg.metric && *j->cfg.metric ? j->cfg.metric : usual;
    size_t most = 1;
    for (const char *q = p; *q; q++) most += *q == ',';
    j->tallies = gm__calloc(j->m->ctx, most, sizeof *j->tallies);
    if (!j->tallies) return GM_ENOMEM;
    for (;; p++) {
        const size_t n = strcspn(p, ",");
        GM__TRY(add(j, p, n));
        p += n;
        if (!*p) return GM_OK;
    }
}

/* ---- the work ----------------------------------------------------------------------- */

static gm_status open(job *j)
{
    gm_ctx *ctx = j->m->ctx;
    char options[160], how[32];
    const char *binarize = gm__model_choice(j->m, "binarize", how, sizeof how);
    gm__format(options, sizeof options, "batch=%d shuffle=off seed=%llu binarize=%s", j->cfg.batch, (unsigned long long)j->cfg.seed, binarize ? binarize : "none");
    j->rows = gm__alloc(ctx, (size_t)j->cfg.batch, sizeof *j->rows);
    if (!j->rows) return GM_ENOMEM;
    GM__TRY(gm__use_tape(ctx, &j->t));
    return gm_batches_new(j->d, options, &j->b);
}

static gm_status measure(job *j, tally *a, gm_tensor *x, size_t n)
{
    gm_ctx *ctx = j->m->ctx;
    gm_tape_reset(j->t);
    gm__tape_rows(j->t, j->cfg.seed, GM__R_EVAL, 0, j->rows, n);
    const gm__batch b = gm__model_batch(j->m, j->t, x, j->b);
    gm_tensor *y = b.x ? a->metric->row(j->m, &b, &j->cfg, a->n ? NULL : a->note) : NULL;
    y = y ? gm__tape_contiguous(j->t, y) : NULL;
    if (!y) return gm__tape_failed(ctx, j->t);
    if (y->dtype != GM_F32 || (size_t)y->size != n) return gm__fail_ctx(ctx, GM_EINTERNAL, "eval: %s lost rows", a->metric->name);
    for (size_t i = 0; i < n; i++) {
        double v = gm__f32(y)[i], d = v - a->mean;
        if (!isfinite(v)) return gm__fail_ctx(ctx, GM_ENONFINITE, "eval: %s of row %llu is %g", a->metric->name, (unsigned long long)j->rows[i], v);
        const double w = a->metric->weight ? a->metric->weight(j->m, &b, (int64_t)i) : 1;
        a->n++;
        if (w <= 0) continue;
        a->mean += d * w / (a->weight += w);
        a->m2 += w * d * (v - a->mean);
    }
    return GM_OK;
}

static gm_status run_rows(job *j)
{
    GM__TRY(open(j));
    for (;;) {
        gm_tensor *x = NULL;
        size_t n = 0;
        GM__TRY(gm__check_cancel(j->m->ctx));
        gm_status s = gm_batches_next(j->b, &x);
        if (s) return s == GM_END ? GM_OK : s;
        const uint64_t *r = gm_batches_rows(j->b, &n);
        GM__ASSERT(&j->m->ctx->err, r && n <= (size_t)j->cfg.batch);
        for (size_t i = 0; i < n; i++) j->rows[i] = gm__dataset_origin(j->d, r[i]);
        for (size_t i = 0; i < j->n; i++)
            if (j->tallies[i].metric) GM__TRY(measure(j, &j->tallies[i], x, n));
    }
}

static gm_status run(job *j, gm_measure *out)
{
    gm__compare c = { .m = j->m, .d = j->d, .cfg = &j->cfg };
    gm_status s = GM_OK;
    bool any = false;
    for (size_t i = 0; i < j->n; i++) any = any || j->tallies[i].metric;
    if (any) s = run_rows(j);
    for (size_t i = 0; i < j->n && !s; i++)
        if (j->tallies[i].versus) s = gm__compare_run(&c, j->tallies[i].versus, &out[i]);
    gm__compare_free(&c);
    return s;
}

static void fill(gm_measure *out, const tally *a)
{
    if (!a->metric) return;
    *out = (gm_measure){ .value = a->mean, .rows = a->n };
    if (a->n > 1) out->error = sqrt(a->m2 / (double)(a->n - 1) / a->weight);
    if (a->metric->root) {
        out->value = sqrt(a->mean);
        out->error = out->value > 0 ? out->error / (2 * out->value) : 0; /* of a function of a mean, to first order */
    }
    gm__format(out->name, sizeof out->name, "%s", a->metric->name);
    gm__format(out->unit, sizeof out->unit, "%s", a->metric->unit);
    gm__format(out->note, sizeof out->note, "n=%llu%s%s", (unsigned long long)a->n, a->note[0] ? ", " : "", a->note);
}

static gm_status with_threads(job *j, gm_measure *out)
{
    gm_ctx *ctx = j->m->ctx;
    int32_t was = gm_ctx_threads(ctx);
    if (j->cfg.threads) GM__TRY(gm_ctx_set_threads(ctx, j->cfg.threads));
    gm_status s = gm__model_begin_use(j->m, ctx);
    if (!s) {
        s = run(j, out);
        gm__model_end_use(j->m);
    }
    if (!j->cfg.threads) return s;
    gm_status back = gm_ctx_set_threads(ctx, was);
    return s ? s : back;
}

gm_status gm_eval(gm_model *m, gm_dataset *data, const char *options, gm_measure *out, int32_t cap, int32_t *n)
{
    if (n) *n = 0;
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    gm_ctx *ctx = m->ctx;
    if (!n || !out || cap < 1) return gm__fail_ctx(ctx, GM_EARG, "eval: out and n are required, cap must be 1 or more");
    if (!gm__is(data, GM__DATASET)) return gm__fail_ctx(ctx, GM_EARG, "eval: data is not a data set");
    GM__TRY(gm__model_able(ctx, m, "be measured", m->family->n_metrics > 0 || m->family->draw || m->family->lm));
    if (!gm_dataset_rows(data)) return gm__fail_ctx(ctx, GM_EARG, "eval: the data have no rows");
    GM__TRY(gm__model_data_fits(m, "eval", data));

    job j = { .m = m, .d = data, .cfg = { .struct_size = sizeof j.cfg }, .strs = { .ctx = ctx } };
    gm_status s = gm__opts_defaults(ctx, &gm__eval_opts, &j.cfg, &j.strs);
    if (!s) s = gm__opts_parse(ctx, &gm__eval_opts, options, &j.cfg, &j.strs, NULL);
    if (!s && m->family->lm) {
        s = gm__lm_eval(m, data, &j.cfg, out, cap, n);
        gm__strs_free(&j.strs);
        return s;
    }
    if (!s) s = choose(&j);
    if (!s && j.n > (size_t)cap) s = gm__fail_ctx(ctx, GM_ELIMIT, "eval: %zu metrics asked for, room for %d", j.n, cap);
    if (!s) s = with_threads(&j, out);
    for (size_t i = 0; !s && i < j.n; i++)
        if (j.tallies[i].metric && !(j.tallies[i].weight > 0)) s = gm__fail_ctx(ctx, GM_EARG, "eval: %s: these data have nothing to measure", j.tallies[i].metric->name);
    for (size_t i = 0; !s && i < j.n; i++) fill(&out[i], &j.tallies[i]);
    if (!s) *n = (int32_t)j.n;
    gm_tape_free(j.t);
    gm_batches_free(j.b);
    gm__free(ctx, j.rows);
    gm__free(ctx, j.tallies);
    gm__strs_free(&j.strs);
    return s;
}
