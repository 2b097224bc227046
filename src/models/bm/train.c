/* train.c - learning from moments.
 *
 * d log p(v) / d w_ij = <x_i x_j>_data - <x_i x_j>_model, where the data hold the visible units (the clamped phase) and
 * nothing is held under the model (the free phase) [Ackley, Hinton & Sejnowski 1985]. The tape is given
 * sum w (<xx>_model - <xx>_data) with the means held: its gradient is the update's. Chains of the free phase go on from
 * update to update; mean field serves the clamped phase alone, as in [Salakhutdinov & Hinton 2009]: under the model
 * it would find one mode. */
#include "models/bm/bm.h"
#include "models/boltzmann.h"
#include "models/trainer.h"

/* ---- before the first step -------------------------------------------------------------- */

/* The biases under which units have these means when nothing else is known. */
static gm_status start_biases(gm_model *m, gm_trainer *tr)
{
    float *b = gm__f32(gm__bm_of(m)->b);
    for (int64_t i = 0; i < gm__bm_of(m)->n; i++)
        if (b[i] != 0) return GM_OK;
    double *mean = gm__calloc(m->ctx, (size_t)m->row, sizeof *mean);
    gm_status s = mean ? gm__trainer_means(tr, mean) : GM_ENOMEM;
    for (int64_t j = 0; !s && j < m->row; j++) b[j] = (float)gm__bias_of_mean(mean[j]);
    gm__free(m->ctx, mean);
    return s;
}

static gm_status start_chains(gm_model *m, gm_trainer *tr)
{
    gm__bm *bm = gm__bm_of(m);
    const int64_t shape[2] = {gm__bm_cfg(m)->chains, bm->n};
    gm_tape *t = NULL;
    gm_tensor_free(bm->chain);
    bm->chain = NULL;
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 2, shape, &bm->chain));
    GM__TRY(gm_tape_new(m->ctx, tr->cfg.seed, &t));
    gm_tape_recording(t, 0);
    t->steps = UINT32_MAX; /* a stream that no step of training takes */
    gm_tensor *x = gm__bm_noise(t, shape[0], shape[1]);
    gm_status s = x ? gm_tensor_assign(bm->chain, x) : gm__tape_failed(m->ctx, t);
    gm_tape_free(t);
    return s ? s : gm__trainer_keep(tr, "chain", bm->chain);
}

gm_status gm__bm_begin(gm_model *m, gm_trainer *tr)
{
    if (gm__bm_cfg(m)->start) GM__TRY(start_biases(m, tr));
    return gm__bm_gradient(m) == GM_GRADIENT_EXACT ? GM_OK : start_chains(m, tr);
}

/* ---- a step ------------------------------------------------------------------------------- */

/* Means over rows, in the order of gm__bm_exact_moments. */
static gm_tensor *moments(const gm__bm *m, gm_tape *t, gm_tensor *x)
{
    if (!x) return NULL;
    gm_tensor *all = gm_affine(t, gm_matmul(t, gm_transpose(t, x, 0, 1), x), 1 / (double)x->shape[0], 0), *one = gm_mean(t, x, 0, 0);
    gm_tensor *pairs = gm__tape_tensor(t, GM_F32, 1, &m->pairs);
    if (!one || !pairs || gm_tape_status(t)) return NULL;
    float *y = gm__f32(pairs);
    for (int64_t i = 0; i < m->n; i++)
        for (int64_t j = i + 1; j < m->n; j++) *y++ = gm__f32(all)[i * m->n + j];
    return gm_concat(t, (gm_tensor *[]){pairs, one}, 2, 0);
}

static gm_tensor *clamped_chains(const gm__bm *m, gm_tape *t, gm_tensor *w, gm_tensor *v, int32_t k)
{
    if (!m->nh) return v;
    gm_tensor *x = gm__bm_join(t, v, gm__bm_noise(t, v->shape[0], m->nh));
    for (int32_t i = 0; x && i < k; i++)
        if (gm__bm_sweep(m, t, w, x, m->nv, NULL, 1)) return NULL;
    return x;
}

static gm_tensor *free_chains(const gm__bm *m, gm_tape *t, gm_tensor *w, int32_t k)
{
    for (int32_t i = 0; i < k; i++)
        if (gm__bm_sweep(m, t, w, m->chain, 0, NULL, 1)) return NULL;
    return gm_detach(t, m->chain);
}

gm_tensor *gm__bm_recon(const gm__bm *m, gm_tape *t, gm_tensor *v)
{
    gm_tensor *in = gm__bm_inputs(m, t, gm__bm_matrix(m, t), gm__bm_hidden_means(m, t, v));
    return gm_neg(t, gm_bernoulli_log_prob(t, v, gm_slice(t, in, 1, 0, m->nv, 1)));
}

/* model less data; *shown: -log p where states are counted, else the cross-entropy of units given the others */
static gm_tensor *gap(gm_model *m, gm_tape *t, gm_tensor *v, bool training, gm_tensor **shown)
{
    gm__bm *bm = gm__bm_of(m);
    const int way = gm__bm_gradient(m);
    double log_z = 0;
    if (way == GM_GRADIENT_EXACT) {
        gm_status s = gm__bm_log_z(t->ctx, bm, 1, &log_z);
        if (s) return gm__tape_fail(t, s, "%s", gm_ctx_message(t->ctx));
        *shown = gm_affine(t, gm_mean(t, gm__bm_free_energy(bm, t, v, 1), GM_ALL_AXES, 0), 1, log_z);
        return training ? gm_sub(t, gm__bm_exact_moments(bm, t, NULL), gm__bm_exact_moments(bm, t, v)) : NULL;
    }
    *shown = gm_mean(t, gm__bm_recon(bm, t, v), GM_ALL_AXES, 0);
    if (!training) return NULL;
    const int32_t k = gm__bm_cfg(m)->k;
    gm_tensor *w = gm__bm_matrix(bm, t), *data;
    if (way == GM_GRADIENT_CHAINS) data = clamped_chains(bm, t, w, v, k);
    else data = gm__bm_hidden_means(bm, t, v);
    return gm_sub(t, moments(bm, t, free_chains(bm, t, w, k)), moments(bm, t, data));
}

gm_status gm__bm_loss(gm_model *m, const gm__batch *b, gm_tensor **loss)
{
    const gm__bm *bm = gm__bm_of(m);
    gm_tape *t = b->t;
    const bool recording = t->recording;
    t->recording = false;
    gm_tensor *v = gm__bm_rows(t, b->x, m->row, b->epoch == 0 || !b->training);
    gm_tensor *d = v ? gap(m, t, v, b->training, loss) : NULL;
    t->recording = recording;
    GM__TRY(gm_tape_status(t));
    if (!b->training) return GM_OK;
    gm_tensor *pairs = gm_sum(t, gm_mul(t, bm->w, gm_slice(t, d, 0, 0, bm->pairs, 1)), GM_ALL_AXES, 0);
    gm_tensor *ones = gm_sum(t, gm_mul(t, bm->b, gm_slice(t, d, 0, bm->pairs, bm->pairs + bm->n, 1)), GM_ALL_AXES, 0);
    gm_tensor *learn = gm_add(t, pairs, ones);
    *loss = gm_add(t, gm_sub(t, learn, gm_detach(t, learn)), *loss); /* this value, that gradient */
    return gm_tape_status(t);
}
