/* train.c - the learning rule: by the states of chains (chains.c), or exact where all states can be counted.
 *
 * d log p(v) / d theta = -<dE/d theta> at the data + <dE/d theta> at the model, so the tape is given
 * E(v0, h0) - E(vk, hk) with all states held: its gradient is the update's. What is shown as the loss is
 * the cross-entropy (squared error) between the data and their reconstruction from a draw of hidden units, where chains
 * from the data begin (with persistent chains of a quarter of the rows): it tells that learning works and when it breaks, not the likelihood. */
#include "models/boltzmann.h"
#include "models/rbm/rbm.h"
#include "models/trainer.h"

/* ---- before the first step ---------------------------------------------------------- */

static bool all_zero(const gm_tensor *x)
{
    for (int64_t i = 0; i < x->size; i++)
        if (gm__f32(x)[i] != 0) return false;
    return true;
}

gm_status gm__rbm_start_biases(gm__rbm *r, gm_model *m, gm_trainer *tr)
{
    if (!(r->how.start || r->mu) || !all_zero(r->b)) return GM_OK;
    const int64_t units = r->nv - r->labels;
    double *mean = gm__calloc(m->ctx, (size_t)units, sizeof *mean);
    gm_status s = mean ? gm__rbm_means(r, tr, mean) : GM_ENOMEM;
    for (int64_t j = 0; !s && j < units; j++) {
        if (!isfinite(mean[j])) continue; /* the first step says what is wrong with the data */
        if (r->mu) gm__f32(r->mu)[j] = (float)mean[j];
        if (r->how.start) gm__f32(r->b)[j] = (float)r->visible->bias(fmin(fmax(mean[j], r->visible->least), r->visible->most));
    }
    gm__free(m->ctx, mean);
    return s;
}

/* ---- a step --------------------------------------------------------------------------- */

gm_tensor *gm__rbm_recon(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *h) { return gm__rbm_gap(r, t, v, gm__rbm_down(r, t, h), NULL); }

/* Cross-entropy between the wanted mean of hidden units and the batch's. */
static gm_tensor *sparsity(const gm__rbm_how *c, gm_tape *t, gm_tensor *in)
{
    gm_tensor *q = gm_clamp(t, gm_mean(t, gm_sigmoid(t, in), 0, 0), 1e-6, 1 - 1e-6);
    gm_tensor *on = gm_affine(t, gm_log(t, q), -c->sparsity, 0);
    gm_tensor *off = gm_affine(t, gm_log(t, gm_affine(t, q, -1, 1)), c->sparsity - 1, 0);
    return gm_affine(t, gm_sum(t, gm_add(t, on, off), GM_ALL_AXES, 0), c->sparsity_cost, 0);
}

static gm_status remember(gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *h)
{
    gm_tensor *mv = gm_mean(t, v, 0, 0), *mh = gm_mean(t, h, 0, 0);
    GM__TRY(gm_tape_status(t));
    GM__TRY(gm_tensor_assign(r->batch_mu, mv));
    GM__TRY(gm_tensor_assign(r->batch_lambda, mh));
    r->met = true;
    return GM_OK;
}

/* Data less model, its gradient by the states of chains. in, h: what hidden units receive from v, and their means; back: what
 * visible units receive of a draw of them. */
static gm_tensor *by_chains(gm__rbm *r, const gm__batch *b, gm_tensor *v, gm_tensor *in, gm_tensor *h, gm_tensor *back, gm_tensor **states)
{
    gm_tape *t = b->t;
    gm_tensor *driven = NULL;
    const bool recording = t->recording;
    t->recording = false;
    gm_tensor *vk = gm__rbm_negative(r, b, v, back, &driven);
    t->recording = recording;
    if (states) *states = vk;
    gm_tensor *ink = gm__rbm_up_states(r, t, vk), *hk = driven ? driven : gm_detach(t, r->hidden->mean(t, ink, 1));
    gm_tensor *gap = gm_sub(t, gm_mean(t, gm__rbm_energy(r, t, v, in, h), GM_ALL_AXES, 0), gm_mean(t, gm__rbm_energy(r, t, vk, ink, hk), GM_ALL_AXES, 0));
    return gm__rbm_drive(r, t, gap) ? NULL : gap;
}

/* -log p(v): value and gradient. */
static gm_tensor *counted(const gm__rbm *r, gm_tape *t, gm_tensor *v)
{
    return gm_add(t, gm_mean(t, gm__rbm_free_energy(r, t, v), GM_ALL_AXES, 0), gm__rbm_log_z_on(r, t));
}

/* How well v is rebuilt from a draw of hidden units; *back: what visible units receive of it. Chains that start elsewhere have no use for that: a
 * quarter of the rows tells as much then. in: what hidden units receive */
static gm_tensor *rebuilt(const gm__rbm *r, const gm__batch *b, gm_tensor *v, gm_tensor *in, gm_tensor **back)
{
    gm_tape *t = b->t;
    gm_tensor *absent = gm__rbm_absent(r, t, b->x);
    if (b->training && r->how.persistent && v) {
        const int64_t some = (v->shape[0] + 3) / 4;
        v = gm_slice(t, v, 0, 0, some, 1);
        in = gm_slice(t, in, 0, 0, some, 1);
    }
    *back = gm__rbm_down_states(r, t, r->hidden->draw(t, in, 1));
    return gm_mean(t, gm__rbm_gap(r, t, v, *back, absent), GM_ALL_AXES, 0);
}

gm_status gm__rbm_learn(gm__rbm *r, const gm__batch *b, gm_tensor *v, gm_tensor **model, gm_tensor **loss)
{
    gm_tape *t = b->t;
    const bool recording = t->recording, exact = r->how.gradient == GM_RBM_EXACT;
    gm_tensor *in = gm__rbm_up_states(r, t, v), *h = gm_detach(t, r->hidden->mean(t, in, 1)), *back = NULL;
    t->recording = false;
    *loss = exact ? counted(r, t, v) : rebuilt(r, b, v, in, &back);
    t->recording = recording;
    GM__TRY(gm_tape_status(t));
    if (!b->training) return GM_OK;
    gm_tensor *gap = exact ? counted(r, t, v) : by_chains(r, b, v, in, h, back, model);
    if (r->how.sparsity > 0) gap = gm_add(t, gap, sparsity(&r->how, t, in));
    *loss = gm_add(t, gm_sub(t, gap, gm_detach(t, gap)), *loss); /* this value, that gradient */
    GM__TRY(gm_tape_status(t));
    return r->mu ? remember(r, t, v, h) : GM_OK;
}

/* ---- after a step: the running means move, the distribution stays --------------------- */

gm_status gm__rbm_moved(gm__rbm *r, gm_ctx *ctx)
{
    const float rate = (float)r->how.offset_rate;
    gm_tape *t = NULL;
    if (!r->mu || !r->met) return GM_OK;
    r->met = false;
    GM__TRY(gm__use_tape(ctx, &t));
    gm_tensor *dv = gm_affine(t, gm_sub(t, r->batch_mu, r->mu), rate, 0), *dh = gm_affine(t, gm_sub(t, r->batch_lambda, r->lambda), rate, 0);
    gm_tensor *b = gm_add(t, r->b, gm_linear(t, dh, r->w, NULL));
    gm_tensor *row = dv ? gm_reshape(t, dv, 2, (int64_t[]){1, dv->size}) : NULL;
    gm_tensor *c = gm_add(t, r->c, gm_matmul(t, row, r->w));
    gm_tensor *mu = gm_add(t, r->mu, dv), *lambda = gm_add(t, r->lambda, dh);
    if (c) c = gm_reshape(t, c, 1, r->c->shape);
    gm_status s = gm_tape_status(t) ? gm__tape_failed(ctx, t) : GM_OK;
    if (!s) s = gm_tensor_assign(r->b, b);
    if (!s) s = gm_tensor_assign(r->c, c);
    if (!s) s = gm_tensor_assign(r->mu, mu);
    if (!s) s = gm_tensor_assign(r->lambda, lambda);
    gm_tape_free(t);
    return s;
}
