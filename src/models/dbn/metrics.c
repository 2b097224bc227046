/* metrics.c - the variational bound on log p(v) by way of the topmost machine's Z, reconstruction, labels.
 *
 *     log p(v) >= E_q [ log p(v|h1) + .. - F(h(L-1)) - log q(h1|v) - .. ] - log Z,   q(h|v) as the way up says,
 * one draw of q a row [Salakhutdinov & Murray 2008]. With one layer it is log p(v) itself. */
#include "models/dbn/dbn.h"

enum { NOTE = 96, CHOICE = 16 };

/* The bound without log Z. *input receives what the topmost machine sees. */
static gm_tensor *bound(const gm_model *m, const gm__batch *b, gm_tensor **input)
{
    const gm__dbn *d = gm__dbn_of(m);
    gm_tape *t = b->t;
    gm_tensor *v = gm__dbn_up(m, t, b->x, 0, false, true), *sum = NULL;
    for (size_t i = 0; i + 1 < d->n; i++) {
        gm_tensor *q = gm__dbn_receive(d, i, t, v), *h = gm_bernoulli_logits(t, q);
        gm_tensor *part = gm_sub(t, gm__rbm_log_down(&d->layer[i], t, v, h), gm_bernoulli_log_prob(t, h, q));
        sum = sum ? gm_add(t, sum, part) : part;
        v = h;
    }
    const gm__rbm *top = gm__dbn_top(m);
    gm_tensor *free_energy;
    if (top->labels && !b->cond) {
        free_energy = gm_neg(t, gm_logsumexp(t, gm_neg(t, gm__rbm_label_energy(top, t, v)), 1, 0));
    } else {
        gm_tensor *both[2] = {v, b->cond};
        if (top->labels) v = gm_concat(t, both, 2, 1);
        free_energy = gm__rbm_free_energy(top, t, v);
    }
    *input = v;
    return sum ? gm_sub(t, sum, free_energy) : gm_neg(t, free_energy);
}

static gm_tensor *by_log_z(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note, int method)
{
    gm__dbn *d = gm__dbn_of(m);
    gm_tensor *v = NULL, *sum = bound(m, b, &v);
    if (note) {
        gm__z_cfg z = {.struct_size = sizeof z, .method = method, .temperatures = c->k > 0 ? c->k : 10000, .chains = 100, .seed = c->seed};
        double error;
        char how[CHOICE];
        if (!(z.data = v ? gm__tape_contiguous(b->t, v) : NULL)) return NULL;
        gm_status s = gm__rbm_log_z(m->ctx, gm__dbn_top(m), 1, &z, &d->log_z[method], &error);
        if (s) return gm__tape_fail(b->t, s, "%s", gm_ctx_message(m->ctx));
        gm__format(note, NOTE, "%sbinarize=%s temperatures=%d log Z=%.3f s.e.=%.3f", d->n > 1 ? "lower bound " : "", gm__model_choice(m, "binarize", how, sizeof how), (int)z.temperatures, d->log_z[method], error);
    }
    return gm_affine(b->t, sum, 1, -d->log_z[method]);
}

static gm_tensor *metric_ais(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note) { return by_log_z(m, b, c, note, GM__Z_AIS); }
static gm_tensor *metric_reverse(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note) { return by_log_z(m, b, c, note, GM__Z_REVERSE); }

static gm_tensor *metric_recon(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    const gm__dbn *d = gm__dbn_of(m);
    gm_tape *t = b->t;
    gm_tensor *h = m->family->encode(m, b);
    GM__UNUSED(c);
    for (size_t i = d->n - 1; i > 0; i--) {
        const gm__rbm *r = &d->layer[i];
        h = gm_sigmoid(t, gm__rbm_unlabelled(r, t, gm__rbm_down(r, t, h)));
    }
    if (note) gm__format(note, NOTE, "%s", d->layer[0].log_var ? "squared error" : "cross-entropy, nats");
    return gm__rbm_recon(&d->layer[0], t, gm__dbn_up(m, t, b->x, 0, false, true), h);
}

static gm_tensor *label_energy(gm_model *m, const gm__batch *b, const char *who)
{
    if (!gm__dbn_top(m)->labels) return gm__tape_fail(b->t, GM_EUNSUPPORTED, "dbn: %s is for a model trained with conditional=on", who);
    return gm__dbn_label_energy(m, b);
}
static gm_tensor *metric_accuracy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(c), GM__UNUSED(note);
    return gm_cast(b->t, gm_eq(b->t, gm_argmax(b->t, gm_neg(b->t, label_energy(m, b, "accuracy")), -1, 0), b->label), GM_F32);
}
static gm_tensor *metric_cross_entropy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(c), GM__UNUSED(note);
    return gm_cross_entropy(b->t, gm_neg(b->t, label_energy(m, b, "cross_entropy")), b->label, GM_NONE);
}

const gm__metric gm__dbn_metrics[GM__DBN_METRICS] = {
    {.name = "recon", .unit = "per row", .row = metric_recon},
    {.name = "ais", .unit = "nats", .row = metric_ais},
    {.name = "reverse_ais", .unit = "nats", .row = metric_reverse},
    {.name = "accuracy", .unit = "fraction", .row = metric_accuracy, .needs = GM__NEEDS_LABEL},
    {.name = "cross_entropy", .unit = "nats", .row = metric_cross_entropy, .needs = GM__NEEDS_LABEL},
};
