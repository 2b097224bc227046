/* metrics.c - the numbers of gm_eval: the variational bound on log p(v) by way of Z, reconstruction, labels.
 *
 *     log p(v) >= E_q[-E(v, h)] + H(q) - log Z,   q(h|v) the mean-field posterior */
#include "models/dbm/dbm.h"

enum { NOTE = 96, CHOICE = 16 };

static gm_tensor *visible(const gm_model *m, const gm__batch *b) { return gm__rbm_rows(&gm__dbm_of(m)->layer[0], b->t, b->x, true); }

/* Z is found at the first batch. */
static gm_tensor *by_log_z(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note, int method)
{
    gm__dbm *d = gm__dbm_of(m);
    gm_tensor *v = visible(m, b);
    if (note) {
        gm__z_cfg z = {.struct_size = sizeof z, .method = method, .temperatures = c->k > 0 ? c->k : 10000, .chains = 100, .seed = c->seed};
        double error;
        char how[CHOICE];
        if (!(z.data = v ? gm__tape_contiguous(b->t, v) : NULL)) return NULL;
        gm_status s = gm__rbm_log_z(m->ctx, d->layer, d->machines, &z, &d->log_z[method], &error);
        if (s) return gm__tape_fail(b->t, s, "%s", gm_ctx_message(m->ctx));
        gm__format(note, NOTE, "lower bound binarize=%s temperatures=%d log Z=%.3f s.e.=%.3f", gm__model_choice(m, "binarize", how, sizeof how), (int)z.temperatures, d->log_z[method], error);
    }
    return gm_affine(b->t, gm__dbm_bound(m, b->t, v, b->cond), 1, -d->log_z[method]);
}

static gm_tensor *metric_ais(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note) { return by_log_z(m, b, c, note, GM__Z_AIS); }
static gm_tensor *metric_reverse(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note) { return by_log_z(m, b, c, note, GM__Z_REVERSE); }

/* The bound with Z enumerated. */
static gm_tensor *metric_log_prob(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    gm__dbm *d = gm__dbm_of(m);
    GM__UNUSED(c);
    if (note) {
        gm__z_cfg z = {.struct_size = sizeof z, .method = GM__Z_EXACT};
        char how[CHOICE];
        gm_status s = gm__rbm_log_z(m->ctx, d->layer, d->machines, &z, &d->log_z[GM__Z_EXACT], NULL);
        if (s) return gm__tape_fail(b->t, s, "%s", gm_ctx_message(m->ctx));
        gm__format(note, NOTE, "lower bound binarize=%s log Z=%.4f", gm__model_choice(m, "binarize", how, sizeof how), d->log_z[GM__Z_EXACT]);
    }
    return gm_affine(b->t, gm__dbm_bound(m, b->t, visible(m, b), b->cond), 1, -d->log_z[GM__Z_EXACT]);
}

static gm_tensor *metric_free_energy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    char how[CHOICE];
    GM__UNUSED(c);
    if (note) gm__format(note, NOTE, "binarize=%s, bound by mean field", gm__model_choice(m, "binarize", how, sizeof how));
    return m->family->score(m, b);
}

/* From the posterior means of the first hidden layer. */
static gm_tensor *metric_recon(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    const gm__rbm *r = &gm__dbm_of(m)->layer[0];
    gm_tensor *x[GM__DBM_LEVELS], *v = visible(m, b);
    GM__UNUSED(c);
    gm__dbm_posterior(m, b->t, v, b->cond, x);
    if (note) gm__format(note, NOTE, "%s", r->log_var ? "squared error" : "cross-entropy, nats");
    return gm__rbm_recon(r, b->t, v, x[1]);
}

static gm_tensor *label_bounds(gm_model *m, const gm__batch *b, const char *who)
{
    if (!gm__dbm_of(m)->labels) return gm__tape_fail(b->t, GM_EUNSUPPORTED, "dbm: %s is for a model trained with conditional=on", who);
    return gm__dbm_label_bounds(m, b->t, visible(m, b));
}
static gm_tensor *metric_accuracy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(c), GM__UNUSED(note);
    return gm_cast(b->t, gm_eq(b->t, gm_argmax(b->t, label_bounds(m, b, "accuracy"), -1, 0), b->label), GM_F32);
}
static gm_tensor *metric_cross_entropy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(c), GM__UNUSED(note);
    return gm_cross_entropy(b->t, label_bounds(m, b, "cross_entropy"), b->label, GM_NONE);
}

const gm__metric gm__dbm_metrics[GM__DBM_METRICS] = {
    {.name = "recon", .unit = "per row", .row = metric_recon},
    {.name = "free_energy", .unit = "nats", .row = metric_free_energy},
    {.name = "log_prob", .unit = "nats", .row = metric_log_prob},
    {.name = "ais", .unit = "nats", .row = metric_ais},
    {.name = "reverse_ais", .unit = "nats", .row = metric_reverse},
    {.name = "accuracy", .unit = "fraction", .row = metric_accuracy, .needs = GM__NEEDS_LABEL},
    {.name = "cross_entropy", .unit = "nats", .row = metric_cross_entropy, .needs = GM__NEEDS_LABEL},
};
