/* metrics.c - the numbers of gm_eval. */
#include "models/bm/bm.h"

enum { NOTE = 96, CHOICE = 16 };

static gm_tensor *visible(const gm_model *m, const gm__batch *b) { return gm__bm_rows(b->t, b->x, m->row, true); }

static gm_tensor *metric_exact(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    double log_z = 0;
    char how[CHOICE];
    gm_status s = gm__bm_log_z_kept(m->ctx, gm__bm_of(m), &log_z);
    GM__UNUSED(c);
    if (s) return gm__tape_fail(b->t, s, "%s", gm_ctx_message(m->ctx));
    if (!gm__bm_small(gm__bm_of(m))) return gm__tape_fail(b->t, GM_ELIMIT, "bm: %lld hidden units cannot be enumerated for each row (at most %d)", (long long)gm__bm_of(m)->nh, GM__BM_HIDDEN);
    if (note) gm__format(note, NOTE, "binarize=%s log Z=%.4f", gm__model_choice(m, "binarize", how, sizeof how), log_z);
    return gm_affine(b->t, gm__bm_free_energy(gm__bm_of(m), b->t, visible(m, b), 1), -1, -log_z);
}

static gm_tensor *metric_free_energy(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    char how[CHOICE];
    GM__UNUSED(c);
    if (note) gm__format(note, NOTE, "binarize=%s%s", gm__model_choice(m, "binarize", how, sizeof how), gm__bm_of(m)->nh > GM__BM_HIDDEN ? ", bound by mean field" : "");
    return m->family->score(m, b);
}

/* sum_i log p(v_i | the other visibles) = sum_i log sigmoid(F(v with i turned) - F(v)) */
static gm_tensor *metric_pseudo(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    const gm__bm *bm = gm__bm_of(m);
    gm_tape *t = b->t;
    gm_tensor *v = visible(m, b), *f = gm__bm_free_energy(bm, t, v, 1), *sum = f ? gm_zeros(t, GM_F32, 1, f->shape) : NULL;
    char how[CHOICE];
    GM__UNUSED(c);
    if (note) gm__format(note, NOTE, "binarize=%s, every unit%s", gm__model_choice(m, "binarize", how, sizeof how), bm->nh > GM__BM_HIDDEN ? ", by mean field" : "");
    for (int64_t i = 0; i < m->row && !gm_tape_status(t); i++) {
        const uint64_t frame = gm_tape_push(t);
        gm_tensor *turned = gm__tape_tensor(t, GM_F32, 2, v->shape);
        for (int64_t k = 0; turned && k < v->size; k++) gm__f32(turned)[k] = k % m->row == i ? 1 - gm__f32(v)[k] : gm__f32(v)[k];
        gm_tensor *part = gm_softplus(t, gm_sub(t, f, gm__bm_free_energy(bm, t, turned, 1)));
        sum = gm_tape_pop(t, frame, gm_sub(t, sum, part));
    }
    return sum;
}

static gm_tensor *metric_recon(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(c);
    if (note) gm__format(note, NOTE, "cross-entropy given the other units, nats");
    return gm__bm_recon(gm__bm_of(m), b->t, visible(m, b));
}

const gm__metric gm__bm_metrics[GM__BM_METRICS] = {
    {.name = "recon", .unit = "nats", .row = metric_recon},
    {.name = "free_energy", .unit = "nats", .row = metric_free_energy},
    {.name = "pseudo_log_prob", .unit = "nats", .row = metric_pseudo},
    {.name = "exact_log_prob", .unit = "nats", .row = metric_exact},
};
