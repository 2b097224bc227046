/* play.c - what the nets of each level descend in their half-steps (adversarial.c makes steps of them). Levels share a batch and
 * nothing else: each draws noise from streams of its own, so that one trained alone gets the bytes it gets among the others. */
#include "models/lapgan/lapgan.h"

/* Level k's draws on a tape. */
static void own_draws(gm_tape *t, int32_t k)
{
    gm__draws d = gm__draws_of(t);
    d.draws = (uint32_t)k << 16;
    gm__draws_set(t, &d);
}

static void suffix_of(int32_t k, char out[8]) { gm__format(out, 8, "-%d", k + 1); }

static gm_tensor *plus(gm_tape *t, gm_tensor *a, gm_tensor *b) { return a ? gm_add(t, a, b) : b; }

/* ---- the discriminators' -------------------------------------------------------------------- */

typedef struct seat { const gm_model *m; int32_t k; } seat; /* of a judge */
static gm_tensor *judge(const void *who, gm_tape *t, gm_tensor *rows, gm_tensor *cond)
{
    const seat *s = who;
    return gm__lapgan_judge(s->m, t, s->k, rows, cond);
}

/* Generated pictures of level k without a trace of how. */
static gm_tensor *fakes(const gm_model *m, const gm__batch *b, int32_t k, gm_tensor *enlarged)
{
    gm_tape_recording(b->t, 0);
    gm_tensor *y = gm__lapgan_generate(m, b->t, k, gm__lapgan_noise(m, b->t, k, b->x->shape[0], 1), enlarged, b->cond);
    gm_tape_recording(b->t, 1);
    return y;
}

typedef struct verdict { gm_tensor *loss, *real, *fake; } verdict;

static verdict d_level(const gm_model *m, const gm__batch *b, int32_t k, const gm__lap_pyramid *p, bool penalise)
{
    const gm_lapgan_config *c = gm__lapgan_cfg(m);
    gm_tape *t = b->t;
    own_draws(t, k);
    gm_tensor *fake = gm__lapgan_shown(t, fakes(m, b, k, p->enlarged[k]), p->enlarged[k]), *real = gm__lapgan_shown(t, p->picture[k], p->enlarged[k]);
    verdict v = {.real = gm__lapgan_judge(m, t, k, real, b->cond), .fake = gm__lapgan_judge(m, t, k, fake, b->cond)};
    v.loss = gm_gan_d_loss(t, c->loss, v.real, v.fake, c->label_smoothing);
    if (!penalise || c->penalty == GM_PENALTY_NONE) return v;
    const seat who = {m, k};
    const gm__slope slope = {.kind = c->penalty, .weight = c->penalty_weight * c->penalty_every, .pack = 1, .judge = judge, .who = &who};
    v.loss = gm_add(t, v.loss, gm__slope_penalty(&slope, t, real, fake, b->cond));
    return v;
}

static gm_status d_look(gm_model *m, gm_trainer *tr, double *loss)
{
    const gm__lapgan *g = gm__lapgan_of(m);
    gm__batch b;
    verdict v[GM__LAP_LEVELS];
    gm_tensor *sum = NULL;
    GM__TRY(gm__half_begin(tr, 1, &b));
    const int64_t turn = tr->st.halves - tr->st.step; /* of the discriminators' half-steps before this one */
    const gm__lap_pyramid p = gm__lapgan_pyramid(m, b.t, b.x);
    for (int32_t k = 0; k < g->n; k++) {
        if (!g->level[k].learns) continue;
        v[k] = d_level(m, &b, k, &p, turn % gm__lapgan_cfg(m)->penalty_every == 0);
        sum = plus(b.t, sum, v[k].loss);
    }
    GM__TRY(gm__half_look(tr, sum, loss));
    for (int32_t k = 0; k < g->n; k++) {
        char suffix[8];
        double own;
        suffix_of(k, suffix);
        if (g->level[k].learns && !gm_tensor_item(v[k].loss, &own)) gm__d_record(tr, suffix, own, v[k].real, v[k].fake);
    }
    return GM_OK;
}

/* ---- the generators' ---------------------------------------------------------------------------- */

static gm_tensor *g_level(const gm_model *m, const gm__batch *b, int32_t k, const gm__lap_pyramid *p)
{
    const gm_lapgan_config *c = gm__lapgan_cfg(m);
    gm_tape *t = b->t;
    gm_tensor *real = NULL;
    own_draws(t, k);
    if (c->loss == GM_GAN_RELATIVISTIC) {
        gm_tape_recording(t, 0);
        real = gm__lapgan_judge(m, t, k, gm__lapgan_shown(t, p->picture[k], p->enlarged[k]), b->cond);
        gm_tape_recording(t, 1);
    }
    gm_tensor *fake = gm__lapgan_generate(m, t, k, gm__lapgan_noise(m, t, k, b->x->shape[0], 1), p->enlarged[k], b->cond);
    return gm_gan_g_loss(t, c->loss, real, gm__lapgan_judge(m, t, k, gm__lapgan_shown(t, fake, p->enlarged[k]), b->cond));
}

static gm_status g_look(gm_model *m, gm_trainer *tr, double *loss)
{
    const gm__lapgan *g = gm__lapgan_of(m);
    gm__batch b;
    gm_tensor *own[GM__LAP_LEVELS] = {NULL}, *sum = NULL;
    GM__TRY(gm__half_begin(tr, 1, &b));
    const gm__lap_pyramid p = gm__lapgan_pyramid(m, b.t, b.x);
    for (int32_t k = 0; k < g->n; k++)
        if (g->level[k].learns) sum = plus(b.t, sum, own[k] = g_level(m, &b, k, &p));
    GM__TRY(gm__half_look(tr, sum, loss));
    for (int32_t k = 0; k < g->n; k++) {
        char name[16];
        double v;
        gm__format(name, sizeof name, "g-loss-%d", k + 1);
        if (own[k] && !gm_tensor_item(own[k], &v)) gm__trainer_record(tr, name, v);
    }
    return GM_OK;
}

/* ---- the game -------------------------------------------------------------------------------------- */

static void hold_g(gm_model *m, bool on)
{
    for (int32_t k = 0; k < gm__lapgan_of(m)->n; k++) gm__net_hold(gm__lapgan_of(m)->level[k].g, on);
}
static void hold_d(gm_model *m, bool on)
{
    for (int32_t k = 0; k < gm__lapgan_of(m)->n; k++) gm__net_hold(gm__lapgan_of(m)->level[k].d, on);
}
static int64_t d_steps(const gm_model *m, const gm_trainer *tr) { return gm__d_steps_at(gm__lapgan_cfg(m)->d_steps, tr->st.step); }
const gm__players gm__lapgan_players = {.d_look = d_look, .g_look = g_look, .hold_g = hold_g, .hold_d = hold_d, .d_steps = d_steps};

double gm__lapgan_takes(const gm_model *m) { return gm__lapgan_cfg(m)->d_steps + 1; }

static gm_status add(gm_model *m, gm_optim *o, bool d)
{
    const gm__lapgan *g = gm__lapgan_of(m);
    for (int32_t k = 0; k < g->n; k++) {
        char prefix[32];
        gm__format(prefix, sizeof prefix, "%s_%d", d ? "discriminator" : "generator", k + 1);
        if (g->level[k].learns) GM__TRY(gm__optim_add_net_named(o, prefix, d ? g->level[k].d : g->level[k].g, NULL));
    }
    return GM_OK;
}

gm_status gm__lapgan_add_g(gm_model *m, gm_optim *o)
{
    gm__lapgan_learn(m); /* the option may have changed since the model was built */
    return add(m, o, false);
}

gm_status gm__lapgan_begin(gm_model *m, gm_trainer *tr)
{
    static const char *const curves[] = {"d-loss", "g-loss", "d-accuracy"};
    const gm_lapgan_config *c = gm__lapgan_cfg(m);
    GM__TRY(gm__players_begin(m, tr, c->d_steps, true));
    GM__TRY(gm__trainer_rival(tr, c->d_optimizer, c->d_lr));
    GM__TRY(add(m, tr->rival, true));
    for (size_t i = 0; i < GM__COUNT(curves); i++)
        for (int32_t k = 0; k < gm__lapgan_of(m)->n; k++) {
            char name[32];
            gm__format(name, sizeof name, "%s-%d", curves[i], k + 1);
            if (gm__lapgan_of(m)->level[k].learns) GM__TRY(gm__series_add(tr, name));
        }
    return gm__series_add(tr, "d-grad-norm");
}

gm_status gm__lapgan_loss(gm_model *m, const gm__batch *b, gm_tensor **loss)
{
    const gm__lapgan *g = gm__lapgan_of(m);
    const gm__lap_pyramid p = gm__lapgan_pyramid(m, b->t, b->x);
    gm_tensor *sum = NULL;
    for (int32_t k = 0; k < g->n && p.picture[0]; k++) {
        if (!g->level[k].learns) continue;
        gm_tensor *fake = gm__lapgan_generate(m, b->t, k, gm__lapgan_noise(m, b->t, k, b->x->shape[0], 1), p.enlarged[k], b->cond);
        gm_tensor *r = gm__lapgan_judge(m, b->t, k, gm__lapgan_shown(b->t, p.picture[k], p.enlarged[k]), b->cond);
        gm_tensor *f = gm__lapgan_judge(m, b->t, k, gm__lapgan_shown(b->t, fake, p.enlarged[k]), b->cond);
        sum = plus(b->t, sum, gm_gan_d_loss(b->t, gm__lapgan_cfg(m)->loss, r, f, 0));
    }
    *loss = sum;
    return gm_tape_status(b->t);
}
