/* metrics.c - the numbers of gm_eval: log-probabilities by way of Z, the pseudo-likelihood, reconstruction. */
#include "models/rbm/rbm.h"
#include <math.h>

enum { NOTE = 96, CHOICE = 16 };

/* log Z of documents as long as every row of v [N, nv]: [N] */
static gm_tensor *log_z_by_length(gm_model *m, gm_tape *t, gm_tensor *v, gm__z_cfg *z)
{
    gm_tensor *words = gm_sum(t, v, 1, 0), *y = words ? gm_zeros(t, GM_F32, 1, words->shape) : NULL;
    for (int64_t i = 0; y && i < y->size; i++) {
        double log_z;
        int64_t k = 0;
        while (gm__f32(words)[k] != gm__f32(words)[i]) k++;
        gm__f32(y)[i] = gm__f32(y)[k];
        if (k < i) continue;
        z->length = (int32_t)gm__f32(words)[i];
        gm_status s = z->length ? gm__rbm_log_z(m->ctx, gm__rbm_of(m), 1, z, &log_z, NULL) : GM_OK;
        if (s) return gm__tape_fail(t, s, "%s", gm_ctx_message(m->ctx));
        gm__f32(y)[i] = (float)(z->length ? log_z : (double)gm__rbm_of(m)->nh * log(2));
    }
    return y;
}

/* Documents of every length have a Z of their own. */
static gm_tensor *of_documents(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note, int method)
{
    gm__z_cfg z = {.struct_size = sizeof z, .method = method, .temperatures = c->k > 0 ? c->k : 10000, .chains = 100, .seed = c->seed};
    if (note) gm__format(note, NOTE, "the words in their order");
    return gm_neg(b->t, gm_add(b->t, m->family->score(m, b), log_z_by_length(m, b->t, gm__rbm_rows(gm__rbm_of(m), b->t, b->x, true), &z)));
}

/* -F(x) - log Z, where Z is found at the first batch */
static gm_tensor *by_log_z(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note, int method)
{
    const gm__rbm *r = gm__rbm_of(m);
    double *log_z = &((gm__rbm_model *)m->state)->log_z[method];
    if (r->visible->has & GM__UNIT_COUNTS) return of_documents(m, b, c, note, method);
    if (r->how.missing) return gm__tape_fail(b->t, GM_EUNSUPPORTED, "rbm: rows that lack entries have a Z of their own each: log p is not found");
    if (note) {
        gm__z_cfg z = {.struct_size = sizeof z, .method = method, .temperatures = c->k > 0 ? c->k : 10000, .chains = 100, .seed = c->seed};
        double error;
        char how[CHOICE];
        gm_tensor *v = gm__rbm_input(m, b, true);
        if (!(z.data = v ? gm__tape_contiguous(b->t, v) : NULL)) return NULL;
        gm_status s = gm__rbm_log_z(m->ctx, r, 1, &z, log_z, &error);
        if (s) return gm__tape_fail(b->t, s, "%s", gm_ctx_message(m->ctx));
        if (method == GM__Z_EXACT) gm__format(note, NOTE, "binarize=%s log Z=%.4f", gm__model_choice(m, "binarize", how, sizeof how), *log_z);
        else gm__format(note, NOTE, "binarize=%s temperatures=%d chains=100 log Z=%.3f s.e.=%.3f", gm__model_choice(m, "binarize", how, sizeof how), (int)z.temperatures, *log_z, error);
    }
    return gm_affine(b->t, m->family->score(m, b), -1, -*log_z);
}

static gm_tensor *metric_exact(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note) { return by_log_z(m, b, c, note, GM__Z_EXACT); }
static gm_tensor *metric_ais(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note) { return by_log_z(m, b, c, note, GM__Z_AIS); }
static gm_tensor *metric_reverse(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note) { return by_log_z(m, b, c, note, GM__Z_REVERSE); }

static gm_tensor *metric_free_energy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    char how[CHOICE];
    GM__UNUSED(c);
    if (note) gm__format(note, NOTE, "binarize=%s", gm__model_choice(m, "binarize", how, sizeof how));
    return m->family->score(m, b);
}

static gm_tensor *metric_recon(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    const gm__rbm *r = gm__rbm_of(m);
    gm_tensor *v = gm__rbm_input(m, b, true);
    GM__UNUSED(c);
    if (note) gm__format(note, NOTE, "%s", r->visible->measure);
    gm_tensor *in = gm__rbm_down(r, b->t, r->hidden->mean(b->t, gm__rbm_up(r, b->t, v), 1));
    return gm__rbm_gap(r, b->t, v, in, gm__rbm_absent(r, b->t, b->x));
}

/* Of the entries that column y of the data has and x has not: squared error of what is expected of them. */
static gm_tensor *metric_rmse(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(c), GM__UNUSED(note);
    if (!gm__rbm_of(m)->how.missing) return gm__tape_fail(b->t, GM_EUNSUPPORTED, "rbm: rmse is for a model trained with missing=on");
    gm_tensor *p = m->family->predict(m, b), *y = b->y ? gm__tape_contiguous(b->t, b->y) : NULL, *out;
    p = p ? gm__tape_contiguous(b->t, p) : NULL;
    if (!p || !y || !(out = gm_zeros(b->t, GM_F32, 1, p->shape))) return NULL;
    if (y->size != p->size) return gm__tape_fail(b->t, GM_ESHAPE, "rbm: rmse: y has %lld numbers, %lld wanted", (long long)y->size, (long long)p->size);
    for (int64_t i = 0; i < p->shape[0]; i++) {
        double sum = 0, n = 0;
        for (int64_t j = i * m->row; j < (i + 1) * m->row; j++) {
            const double d = (double)gm__f32(p)[j] - (double)gm__f32(y)[j];
            if (!isnan(gm__f32(y)[j])) sum += d * d, n++;
        }
        gm__f32(out)[i] = (float)(sum / fmax(n, 1));
    }
    return out;
}
static double entries(gm_model *m, const gm__batch *b, int64_t row)
{
    double n = 0;
    for (int64_t j = 0; j < m->row; j++) n += !isnan(gm__f32(b->y)[row * m->row + j]);
    return n;
}

/* sum_i log p(v_i | the others) = sum_i log sigmoid(F(v with i turned) - F(v)): one unit at a time,
 * what the hidden units receive changes by one row of W. */
static gm_tensor *metric_pseudo(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    const gm__rbm *r = gm__rbm_of(m);
    gm_tape *t = b->t;
    char how[CHOICE];
    GM__UNUSED(c);
    if (r->how.units || r->labels || r->how.missing) return gm__tape_fail(t, GM_EUNSUPPORTED, "rbm: pseudo_log_prob is for bernoulli units without labels or missing entries");
    if (note) gm__format(note, NOTE, "binarize=%s, every unit", gm__model_choice(m, "binarize", how, sizeof how));
    gm_tensor *v = gm__rbm_input(m, b, true), *in = gm__rbm_up(r, t, v), *sum = NULL;
    gm_tensor *hidden = gm_sum(t, gm_softplus(t, in), 1, 0);
    gm_tensor *bias = r->lambda ? gm_sub(t, r->b, gm_linear(t, r->lambda, r->w, NULL)) : r->b;
    for (int64_t i = 0; i < m->row && !gm_tape_status(t); i++) {
        const uint64_t frame = gm_tape_push(t);
        gm_tensor *turn = gm_affine(t, gm_slice(t, v, 1, i, i + 1, 1), -2, 1); /* [N,1]: +1 or -1 */
        gm_tensor *other = gm_sum(t, gm_softplus(t, gm_add(t, in, gm_mul(t, turn, gm_slice(t, r->w, 0, i, i + 1, 1)))), 1, 0);
        gm_tensor *gain = gm_add(t, gm_sub(t, other, hidden), gm_reshape(t, gm_mul(t, turn, gm_slice(t, bias, 0, i, i + 1, 1)), 1, (int64_t[]){v ? v->shape[0] : 0}));
        gm_tensor *part = gm_neg(t, gm_softplus(t, gain));
        sum = gm_tape_pop(t, frame, sum ? gm_add(t, sum, part) : part);
    }
    return sum;
}

static gm_tensor *metric_accuracy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(c), GM__UNUSED(note);
    if (!gm__rbm_of(m)->labels) return gm__tape_fail(b->t, GM_EUNSUPPORTED, "rbm: accuracy is for a model trained with conditional=on");
    return gm_cast(b->t, gm_eq(b->t, gm_argmax(b->t, m->family->predict(m, b), -1, 0), b->label), GM_F32);
}
static gm_tensor *metric_cross_entropy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(c), GM__UNUSED(note);
    if (!gm__rbm_of(m)->labels) return gm__tape_fail(b->t, GM_EUNSUPPORTED, "rbm: cross_entropy is for a model trained with conditional=on");
    gm_tensor *f = gm__rbm_label_energy(gm__rbm_of(m), b->t, gm__rbm_rows(gm__rbm_of(m), b->t, b->x, true));
    return gm_cross_entropy(b->t, gm_neg(b->t, f), b->label, GM_NONE);
}

const gm__metric gm__rbm_metrics[GM__RBM_METRICS] = {
    {.name = "recon", .unit = "per row", .row = metric_recon},
    {.name = "free_energy", .unit = "nats", .row = metric_free_energy},
    {.name = "pseudo_log_prob", .unit = "nats", .row = metric_pseudo},
    {.name = "ais", .unit = "nats", .row = metric_ais},
    {.name = "reverse_ais", .unit = "nats", .row = metric_reverse},
    {.name = "exact_log_prob", .unit = "nats", .row = metric_exact},
    {.name = "rmse", .unit = "entry", .row = metric_rmse, .weight = entries, .needs = GM__NEEDS_Y, .root = true},
    {.name = "accuracy", .unit = "fraction", .row = metric_accuracy, .needs = GM__NEEDS_LABEL},
    {.name = "cross_entropy", .unit = "nats", .row = metric_cross_entropy, .needs = GM__NEEDS_LABEL},
};
