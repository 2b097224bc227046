/* train.c - learning: layers one by one, then all together.
 *
 * Together [Salakhutdinov & Hinton 2009]: d/dtheta of the variational bound is -<dE/dtheta> under the mean-field posterior of the
 * data + <dE/dtheta> under the model, for which persistent chains stand. One by one: contrastive divergence of each machine as
 * if its lower or upper neighbour were there twice, so that a level which will hear two neighbours is taught by as much; the
 * topmost hears one. The running means move only when all learn together: until then those of hidden levels are 0. */
#include "models/dbm/dbm.h"
#include "models/trainer.h"

/* ---- before the first step ---------------------------------------------------------- */

/* A model whose topmost biases have moved has learned before. The answer is kept: a run that is resumed has moved them itself. */
static gm_status find_fresh(gm_model *m, gm_trainer *tr)
{
    gm__dbm *d = gm__dbm_of(m);
    const gm_tensor *c = d->layer[d->hidden - 1].c;
    gm_tensor_free(d->fresh);
    d->fresh = NULL;
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &(int64_t){1}, &d->fresh));
    gm__f32(d->fresh)[0] = (float)(gm__dbm_cfg(m)->pretrain != 0);
    for (int64_t i = 0; i < c->size; i++)
        if (gm__f32(c)[i] != 0) gm__f32(d->fresh)[0] = 0;
    return gm__trainer_keep(tr, "fresh", d->fresh);
}

static gm_status plan(gm_model *m, gm_trainer *tr)
{
    gm__dbm *d = gm__dbm_of(m);
    int64_t epochs[GM__DBM_LAYERS] = {0}, at = 0;
    size_t n = 0;
    if (gm__dbm_cfg(m)->layer_epochs) GM__TRY(gm__dbm_sizes(m->ctx, "layer-epochs", gm__dbm_cfg(m)->layer_epochs, 0, epochs, &n));
    for (size_t i = 0; i <= d->hidden; i++) {
        d->first[i] = at;
        if (i < d->hidden) at += n ? epochs[i] * tr->epoch_steps : tr->cfg.optim.horizon / 2 / (int64_t)d->hidden;
    }
    return GM_OK;
}

static gm_status start_chains(gm_model *m, gm_trainer *tr)
{
    gm__dbm *d = gm__dbm_of(m);
    const int64_t n = gm__dbm_cfg(m)->chains ? gm__dbm_cfg(m)->chains : tr->cfg.batch;
    gm_tape *t = NULL;
    gm_tensor_free(d->chain);
    d->chain = NULL;
    GM__TRY(gm_tape_new(m->ctx, tr->cfg.seed, &t));
    gm_tape_recording(t, 0);
    t->steps = UINT32_MAX; /* a stream that no step of training takes */
    gm_tensor *state = gm__dbm_noise(d, t, n);
    gm_status s = state ? gm_tensor_new(m->ctx, GM_F32, 2, state->shape, &d->chain) : gm__tape_failed(m->ctx, t);
    if (!s) s = gm_tensor_assign(d->chain, state);
    gm_tape_free(t);
    return s ? s : gm__trainer_keep(tr, "chain", d->chain);
}

gm_status gm__dbm_begin(gm_model *m, gm_trainer *tr)
{
    GM__TRY(find_fresh(m, tr));
    GM__TRY(plan(m, tr));
    GM__TRY(gm__rbm_start_biases(&gm__dbm_of(m)->layer[0], m, tr));
    return start_chains(m, tr);
}

/* The layer that learns alone, counted from 0; as many as there are: all together. */
static size_t learning(const gm__dbm *d, uint64_t step)
{
    size_t i = 0;
    if (!d->fresh || gm__f32(d->fresh)[0] == 0) return d->hidden;
    while (i < d->hidden && step >= (uint64_t)d->first[i + 1]) i++;
    return i;
}

/* ---- one layer alone -------------------------------------------------------------------- */

typedef struct alone { /* machine i */
    const gm__dbm *d;
    const gm__rbm *r;
    bool twice_up, twice_down;
} alone;

static gm_tensor *doubled(gm_tape *t, gm_tensor *in, gm_tensor *bias) { return gm_sub(t, gm_affine(t, in, 2, 0), bias); }
static gm_tensor *hidden(const alone *a, gm_tape *t, gm_tensor *in) { return a->twice_up ? doubled(t, in, a->r->c) : in; }
static gm_tensor *visible(const alone *a, gm_tape *t, gm_tensor *h)
{
    gm_tensor *in = gm__rbm_down(a->r, t, h);
    return a->twice_down ? doubled(t, in, a->r->b) : in;
}

/* What machine i sees of the data: means on the way up. */
static gm_tensor *seen(const gm__dbm *d, gm_tape *t, gm_tensor *v, size_t i)
{
    for (size_t l = 0; l < i; l++) v = gm_sigmoid(t, doubled(t, gm__rbm_up_states(&d->layer[l], t, v), d->layer[l].c));
    return v;
}

static gm_status learn_alone(const gm__dbm *d, size_t i, gm_tape *t, gm_tensor *v, bool training, gm_tensor **loss)
{
    const alone a = {d, &d->layer[i], i + 1 < d->hidden, i > 0};
    const gm__rbm *r = a.r;
    const bool recording = t->recording;
    t->recording = false;
    v = seen(d, t, v, i);
    t->recording = recording;
    gm_tensor *in = gm__rbm_up_states(r, t, v);
    t->recording = false;
    gm_tensor *q = hidden(&a, t, in), *h = gm_sigmoid(t, q), *back = visible(&a, t, h);
    *loss = gm_mean(t, gm__rbm_gap(r, t, v, back, NULL), GM_ALL_AXES, 0);
    gm_tensor *vk = training ? gm__rbm_visible_draw(r, t, visible(&a, t, gm_bernoulli_logits(t, q)), 1) : NULL;
    t->recording = recording;
    if (!training) return gm_tape_status(t);
    gm_tensor *ink = gm__rbm_up_states(r, t, vk), *hk = gm_detach(t, gm_sigmoid(t, hidden(&a, t, ink)));
    gm_tensor *gap = gm_sub(t, gm_mean(t, gm__rbm_energy(r, t, v, in, h), GM_ALL_AXES, 0), gm_mean(t, gm__rbm_energy(r, t, vk, ink, hk), GM_ALL_AXES, 0));
    *loss = gm_add(t, gm_sub(t, gap, gm_detach(t, gap)), *loss); /* this value, that gradient */
    return gm_tape_status(t);
}

/* ---- all together --------------------------------------------------------------------------- */

/* The model's side: chains move on; the odd levels as means, given the even ones. *from: what level 1 receives of level 0. */
static gm_status negative(gm__dbm *d, gm_tape *t, int64_t k, gm_tensor **x, gm_tensor **from)
{
    const bool recording = t->recording;
    t->recording = false;
    gm_tensor *state = gm__dbm_gibbs(d, t, gm_detach(t, d->chain), k, 1, NULL, NULL);
    GM__TRY(gm_tape_status(t));
    GM__TRY(gm_tensor_assign(d->chain, state));
    gm__dbm_open(d, t, state, x);
    t->recording = recording;
    *from = gm__rbm_up_states(&d->layer[0], t, x[0]);
    t->recording = false;
    for (size_t l = 1; l <= d->machines; l += 2) x[l] = gm__dbm_mean(d, t, l, gm__dbm_hear_from(d, t, l, x, l == 1 ? *from : NULL), 1);
    t->recording = recording;
    return gm_tape_status(t);
}

static gm_tensor *mean_of(const gm__dbm *d, size_t l) { return l ? d->layer[l - 1].batch_lambda : d->layer[0].batch_mu; }

static gm_status remember(gm__dbm *d, gm_tape *t, gm_tensor *const *x)
{
    for (size_t l = 0; l <= d->machines; l++) {
        gm_tensor *mean = gm_mean(t, x[l], 0, 0);
        GM__TRY(gm_tape_status(t));
        GM__TRY(gm_tensor_assign(mean_of(d, l), mean));
    }
    d->together = true;
    return GM_OK;
}

static gm_status learn_together(gm_model *m, const gm__batch *b, gm_tensor *v, gm_tensor **loss)
{
    gm__dbm *d = gm__dbm_of(m);
    gm_tape *t = b->t;
    const gm_dbm_config *c = gm__dbm_cfg(m);
    const bool recording = t->recording;
    gm_tensor *x[GM__DBM_LEVELS] = {v}, *y[GM__DBM_LEVELS] = {NULL}, *from_x = gm__rbm_up_states(&d->layer[0], t, v), *from_y = NULL;
    if (d->labels) x[d->machines] = b->cond;
    t->recording = false;
    int rounds = gm__dbm_settle(d, t, x, from_x, c->mean_field, c->tolerance);
    *loss = gm_mean(t, gm__rbm_recon(&d->layer[0], t, v, x[1]), GM_ALL_AXES, 0);
    gm_status s = gm_tape_status(t);
    if (!s && b->training && d->layer[0].mu) s = remember(d, t, x);
    t->recording = recording;
    if (s || !b->training) return s;
    GM__TRY(negative(d, t, c->k, y, &from_y));
    gm__trainer_record(b->trainer, "mean-field-rounds", rounds);
    gm_tensor *gap = gm_sub(t, gm_mean(t, gm__dbm_energy(d, t, x, from_x), GM_ALL_AXES, 0), gm_mean(t, gm__dbm_energy(d, t, y, from_y), GM_ALL_AXES, 0));
    *loss = gm_add(t, gm_sub(t, gap, gm_detach(t, gap)), *loss);
    return gm_tape_status(t);
}

gm_status gm__dbm_loss(gm_model *m, const gm__batch *b, gm_tensor **loss)
{
    gm__dbm *d = gm__dbm_of(m);
    const size_t i = learning(d, b->step);
    const bool start = b->training && gm__f32(d->fresh)[0] != 0 && b->step == (uint64_t)d->first[i];
    const double rate = i < d->hidden ? gm__dbm_cfg(m)->pretrain_rate : 1;
    gm_tensor *v = gm__rbm_rows(&d->layer[0], b->t, b->x, b->epoch == 0 || !b->training);
    d->together = false;
    if (start && b->trainer) gm__trainer_layer(b->trainer, (int32_t)i + 1, i < d->hidden ? "the next layer begins to learn" : "all layers begin to learn together");
    for (size_t k = 0; b->trainer && b->training && k < m->n_tensors; k++) gm__optim_phase(b->trainer->optim, m->tensors[k].tensor, rate);
    return i < d->hidden ? learn_alone(d, i, b->t, v, b->training, loss) : learn_together(m, b, v, loss);
}

/* ---- after a step: the running means move, the distribution stays --------------------- */

gm_status gm__dbm_stepped(gm_model *m)
{
    gm__dbm *d = gm__dbm_of(m);
    const double rate = gm__dbm_cfg(m)->offset_rate;
    gm_tensor *by[GM__DBM_LEVELS], *bias[GM__DBM_LEVELS], *mean[GM__DBM_LEVELS];
    gm_tape *t = NULL;
    if (!d->together || !d->layer[0].mu) return GM_OK;
    d->together = false;
    GM__TRY(gm__use_tape(m->ctx, &t));
    for (size_t l = 0; l <= d->machines; l++) {
        mean[l] = l ? d->layer[l - 1].lambda : d->layer[0].mu;
        bias[l] = l ? d->layer[l - 1].c : d->layer[0].b;
        by[l] = gm_affine(t, gm_sub(t, mean_of(d, l), mean[l]), rate, 0);
    }
    gm_status s = gm_tape_status(t);
    for (size_t l = 0; !s && l <= d->machines; l++) { /* b + (moved below) W + W (moved above) */
        gm_tensor *b = bias[l];
        if (l) b = gm_add(t, b, gm_reshape(t, gm_matmul(t, gm_reshape(t, by[l - 1], 2, (int64_t[]){1, by[l - 1]->size}), d->layer[l - 1].w), 1, b->shape));
        if (l < d->machines) b = gm_add(t, b, gm_linear(t, by[l + 1], d->layer[l].w, NULL));
        gm_tensor *to = gm_add(t, mean[l], by[l]);
        if ((s = gm_tape_status(t))) break;
        s = gm_tensor_assign(bias[l], b);
        if (!s) s = gm_tensor_assign(mean[l], to);
    }
    if (gm_tape_status(t)) s = gm__tape_failed(m->ctx, t);
    gm_tape_free(t);
    return s;
}
