/* train.c - greedy training: one machine after another, from the bottom, each on what those below it, now fixed, make of the data
 * [Hinton, Osindero & Teh 2006]. Then, if asked for, the turn of up_down.c. */
#include "models/dbn/dbn.h"
#include "models/trainer.h"
#include <math.h>
#include <string.h>

static size_t turns(const gm_model *m) { return gm__dbn_of(m)->n + (gm__dbn_cfg(m)->up_down > 0); }

/* ---- before the first step ---------------------------------------------------------- */

/* Steps of each turn: by the layers' epochs, else in equal shares of the run (as planned at its first start) less up-down's. */
static gm_status shares(const gm_model *m, const gm_trainer *tr, int64_t steps[GM__DBN_LAYERS + 1])
{
    const gm_dbn_config *c = gm__dbn_cfg(m);
    const int64_t horizon = tr->cfg.optim.horizon, n = (int64_t)gm__dbn_of(m)->n;
    int64_t epochs[GM__DBN_LAYERS] = {0};
    size_t given = 0;
    if (c->layer_epochs) GM__TRY(gm__dbn_sizes(m->ctx, "layer-epochs", c->layer_epochs, 0, GM__DBN_MOST, epochs, &given));
    steps[n] = 0;
    if (c->up_down && __builtin_mul_overflow(c->up_down, tr->epoch_steps, &steps[n])) return gm__fail_ctx(m->ctx, GM_ELIMIT, "dbn: up-down=%d: too many steps", (int)c->up_down);
    if (!given && horizon <= steps[n])
        return gm__fail_ctx(m->ctx, GM_EARG, "dbn: up-down=%d takes all of the run's %lld steps and leaves the layers none: more epochs, or layer-epochs",
                            (int)c->up_down, (long long)horizon);
    for (int64_t i = 0; i < n; i++) {
        steps[i] = (horizon - steps[n]) / n;
        if (given && __builtin_mul_overflow(epochs[i], tr->epoch_steps, &steps[i]))
            return gm__fail_ctx(m->ctx, GM_ELIMIT, "dbn: layer-epochs=%s: too many steps", c->layer_epochs);
    }
    return GM_OK;
}

/* When each turn comes. One that never would is a mistake in the options. */
static gm_status plan(gm_model *m, const gm_trainer *tr)
{
    gm__dbn *d = gm__dbn_of(m);
    const int64_t horizon = tr->cfg.optim.horizon;
    int64_t steps[GM__DBN_LAYERS + 1], at = 0, last = 0;
    GM__TRY(shares(m, tr, steps));
    for (size_t i = 0; i <= d->n; i++) {
        d->first[i] = at;
        if (steps[i]) last = at;
        if (__builtin_add_overflow(at, steps[i], &at)) return gm__fail_ctx(m->ctx, GM_ELIMIT, "dbn: too many steps");
    }
    d->end = at < horizon ? at : horizon;
    if (last && last >= horizon)
        return gm__fail_ctx(m->ctx, GM_EARG, "dbn: layer-epochs and up-down make %lld epochs, the run has %lld: the last would never begin",
                            (long long)(at / tr->epoch_steps), (long long)(horizon / tr->epoch_steps));
    return GM_OK;
}

static gm_status rates(gm_model *m)
{
    gm__dbn *d = gm__dbn_of(m);
    size_t n;
    for (size_t i = 0; i < GM__DBN_LAYERS; i++) d->rate[i] = 1;
    return gm__dbn_rates(m->ctx, gm__dbn_cfg(m), d->rate, &n);
}

gm_status gm__dbn_begin(gm_model *m, gm_trainer *tr)
{
    gm__dbn *d = gm__dbn_of(m);
    if (d->n > 1 && (tr->cfg.keep_best || tr->cfg.patience))
        return gm__fail_ctx(m->ctx, GM_EARG, "dbn: %s compares losses over the run, but those of different layers cannot be compared", tr->cfg.keep_best ? "keep-best" : "patience");
    GM__TRY(plan(m, tr));
    GM__TRY(rates(m));
    GM__TRY(gm__rbm_start_biases(&d->layer[0], m, tr));
    for (size_t i = 0; i < d->n; i++) {
        char name[16] = "chain";
        if (d->n > 1) gm__format(name, sizeof name, "chain.%zu", i);
        GM__TRY(gm__rbm_start_chains(&d->layer[i], m, tr, name));
    }
    return GM_OK;
}

/* ---- the first step of a turn --------------------------------------------------------- */

/* The visible units are the hidden ones below, and so are their biases. Turned around, the machine below says of its hidden
 * units what it said before, so that the bound on log p(v) does not fall; units beyond those start as noise. */
static void take_over(gm__rbm *r, const gm__rbm *low, bool transposed)
{
    memcpy(r->b->data, low->c->data, (size_t)low->nh * sizeof(float));
    r->b->version++;
    if (!transposed || low->log_var || r->nh < low->nv) return;
    for (int64_t v = 0; v < low->nh; v++)
        for (int64_t h = 0; h < low->nv; h++) gm__f32(r->w)[v * r->nh + h] = gm__f32(low->w)[h * low->nh + v];
    memcpy(r->c->data, low->b->data, (size_t)low->nv * sizeof(float));
    if (r->mu) {
        memcpy(r->mu->data, low->lambda->data, (size_t)low->nh * sizeof(float));
        memcpy(r->lambda->data, low->mu->data, (size_t)low->nv * sizeof(float));
    }
    r->w->version++, r->c->version++;
}

/* Chains go on from what the machine learns from, which is nearer to what it says at first than noise. */
static gm_status move_chains(gm__rbm *r, gm_tape *t, gm_tensor *v)
{
    if (!r->chain) return GM_OK;
    v = v ? gm__tape_contiguous(t, gm_bernoulli(t, v)) : NULL;
    if (!v) return gm_tape_status(t);
    for (int64_t i = 0; i < r->chain->shape[0]; i++)
        memcpy(gm__f32(r->chain) + i * r->nv, gm__f32(v) + i % v->shape[0] * r->nv, (size_t)r->nv * sizeof(float));
    return GM_OK;
}

static void announce(const gm__dbn *d, gm_trainer *tr, size_t turn)
{
    char text[96];
    if (d->n == 1 || !tr) return;
    if (turn < d->n) gm__format(text, sizeof text, "layer %zu of %zu begins: %lld units over %lld", turn + 1, d->n, (long long)d->layer[turn].nh, (long long)d->layer[turn].nv);
    else gm__format(text, sizeof text, "up-down begins: all %zu layers together", d->n);
    gm__trainer_layer(tr, (int32_t)turn + 1, text);
}

/* ---- a step --------------------------------------------------------------------------- */

static size_t turn_at(const gm_model *m, uint64_t step)
{
    size_t i = turns(m) - 1;
    while (i > 0 && step < (uint64_t)gm__dbn_of(m)->first[i]) i--;
    return i;
}

/* Learning rates of this step. */
static void pace(const gm_model *m, gm_trainer *tr, size_t turn, uint64_t step)
{
    const gm__dbn *d = gm__dbn_of(m);
    const gm_dbn_config *c = gm__dbn_cfg(m);
    double factor = turn == d->n ? c->up_down_lr : 1;
    if (c->layer_schedule == GM_LAYER_COSINE) {
        const double first = (double)d->first[turn], end = turn + 1 < turns(m) ? (double)d->first[turn + 1] : (double)d->end;
        factor *= end > first ? 0.5 * (1 + cos(3.14159265358979323846 * fmin(1, ((double)step - first) / (end - first)))) : 0;
    }
    for (size_t i = 0; i < d->n; i++) {
        const gm__rbm *r = &d->layer[i];
        gm_tensor *const all[] = {r->w, r->b, r->c, r->log_var, d->up[i]};
        for (size_t j = 0; j < GM__COUNT(all); j++)
            if (all[j]) gm__optim_phase(tr->optim, all[j], factor * d->rate[i]);
    }
}

static gm_status one_layer(gm_model *m, const gm__batch *b, size_t i, bool first, gm_tensor **out)
{
    gm__rbm *r = &gm__dbn_of(m)->layer[i];
    const bool recording = b->t->recording, draw = b->training && gm__dbn_cfg(m)->inputs == GM_INPUTS_DRAW;
    if (first && i > 0) take_over(r, r - 1, gm__dbn_cfg(m)->transposed != 0);
    b->t->recording = false; /* the layers below are done */
    gm_tensor *v = gm__dbn_input(m, b, i, draw, b->epoch == 0 || !b->training);
    gm_status s = first && i > 0 ? move_chains(r, b->t, v) : GM_OK;
    b->t->recording = recording;
    return s ? s : gm__rbm_learn(r, b, v, NULL, out);
}

gm_status gm__dbn_loss(gm_model *m, const gm__batch *b, gm_tensor **out)
{
    gm__dbn *d = gm__dbn_of(m);
    const size_t turn = turn_at(m, b->step);
    const bool first = b->training && b->step == (uint64_t)d->first[turn];
    char curve[32];
    double value;
    d->turn = turn;
    if (first) announce(d, b->trainer, turn);
    if (b->trainer) pace(m, b->trainer, turn, b->step);
    if (turn == d->n) return gm__dbn_up_down(m, b, out);
    GM__TRY(one_layer(m, b, turn, first, out));
    if (d->n == 1 || !b->trainer) return GM_OK;
    gm__format(curve, sizeof curve, "layer-%zu-loss", turn + 1);
    GM__TRY(gm_tensor_item(*out, &value));
    gm__trainer_record(b->trainer, curve, value);
    return GM_OK;
}

gm_status gm__dbn_stepped(gm_model *m)
{
    gm__dbn *d = gm__dbn_of(m);
    const size_t i = d->turn < d->n ? d->turn : d->n - 1;
    GM__TRY(gm__rbm_moved(&d->layer[i], m->ctx));
    return d->turn < d->n && d->up[i] ? gm_tensor_assign(d->up[i], d->layer[i].w) : GM_OK; /* tied until up-down */
}
