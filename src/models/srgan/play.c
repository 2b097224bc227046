/* play.c - what the two nets of an SRGAN descend: first content alone, then content and each other. */
#include "models/srgan/srgan.h"
#include <math.h>

/* ---- when -------------------------------------------------------------------------------------- */

/* Steps that learn content alone, of the length that training had at its first start. */
static int64_t alone(const gm_model *m, const gm_trainer *tr) { return llround(gm__srgan_cfg(m)->pretrain * (double)tr->cfg.optim.horizon); }
static bool playing(const gm_model *m, const gm_trainer *tr) { return gm__srgan_of(m)->d && tr->st.step >= alone(m, tr); }

static int64_t d_steps(const gm_model *m, const gm_trainer *tr)
{
    return playing(m, tr) ? gm__d_steps_at(gm__srgan_cfg(m)->d_steps, tr->st.step - alone(m, tr)) : 0;
}

/* ---- what is compared ------------------------------------------------------------------------------- */

static gm_tensor *flat(gm_tape *t, gm_tensor *x) { return x ? gm_reshape(t, x, 2, (int64_t[]){x->shape[0], -1}) : NULL; }

static gm_tensor *features(const gm_model *m, gm_tape *t, gm_tensor *x)
{
    gm_net *net = gm__srgan_of(m)->features;
    return gm_net_apply(net, t, net->in.ndim == 1 ? flat(t, x) : x, NULL);
}

/* Squared error, mean over numbers. */
static gm_tensor *content(const gm_model *m, gm_tape *t, gm_tensor *large, gm_tensor *made, bool by_features)
{
    if (!by_features) return gm_mse(t, made, large, GM_MEAN);
    const bool recording = t->recording;
    gm_tape_recording(t, 0);
    gm_tensor *wanted = features(m, t, large);
    gm_tape_recording(t, recording);
    return gm_mse(t, features(m, t, made), wanted, GM_MEAN);
}

static gm_tensor *judge(const void *who, gm_tape *t, gm_tensor *rows, gm_tensor *cond)
{
    const gm_model *m = who;
    GM__UNUSED(cond);
    gm_tensor *y = rows ? gm_net_apply(gm__srgan_of(m)->d, t, gm__srgan_pictures(m, t, rows), NULL) : NULL;
    return y ? gm_reshape(t, y, 1, rows->shape) : NULL;
}

/* ---- half-steps ------------------------------------------------------------------------------------------ */

static gm_status d_look(gm_model *m, gm_trainer *tr, double *loss)
{
    const gm_srgan_config *c = gm__srgan_cfg(m);
    gm__batch b;
    GM__TRY(gm__half_begin(tr, 1, &b));
    gm_tape *t = b.t;
    gm_tensor *large = gm__srgan_pictures(m, t, b.x);
    gm_tape_recording(t, 0);
    gm_tensor *fake = flat(t, gm__srgan_enlarge(m, t, gm__srgan_reduce(m, t, large))), *real = flat(t, large);
    gm_tape_recording(t, 1);
    gm_tensor *r = judge(m, t, real, NULL), *f = judge(m, t, fake, NULL), *y = gm_gan_d_loss(t, c->loss, r, f, c->label_smoothing);
    const int64_t turn = tr->st.halves - tr->st.step; /* of D's half-steps before this one */
    if (c->penalty != GM_PENALTY_NONE && turn % c->penalty_every == 0) {
        const gm__slope slope = {.kind = c->penalty, .weight = c->penalty_weight * c->penalty_every, .pack = 1, .judge = judge, .who = m};
        y = gm_add(t, y, gm__slope_penalty(&slope, t, real, fake, NULL));
    }
    GM__TRY(gm__half_look(tr, y, loss));
    gm__d_record(tr, "", *loss, r, f);
    return GM_OK;
}

/* G's part of the game: D's opinion of what it made. */
static gm_tensor *part(const gm_model *m, gm_tape *t, gm_tensor *large, gm_tensor *made)
{
    const gm_srgan_config *c = gm__srgan_cfg(m);
    gm_tensor *r = NULL;
    if (c->loss == GM_GAN_RELATIVISTIC) {
        gm_tape_recording(t, 0);
        r = judge(m, t, flat(t, large), NULL);
        gm_tape_recording(t, 1);
    }
    return gm_gan_g_loss(t, c->loss, r, judge(m, t, flat(t, made), NULL));
}

static gm_status g_look(gm_model *m, gm_trainer *tr, double *loss)
{
    const gm_srgan_config *c = gm__srgan_cfg(m);
    const bool game = playing(m, tr);
    double v;
    gm__batch b;
    GM__TRY(gm__half_begin(tr, 1, &b));
    if (game && tr->st.step == alone(m, tr)) gm__trainer_layer(tr, 2, "the discriminator joins: content was learned alone so far");
    gm_tape *t = b.t;
    gm_tensor *large = gm__srgan_pictures(m, t, b.x), *made = gm__srgan_enlarge(m, t, gm__srgan_reduce(m, t, large));
    gm_tensor *error = content(m, t, large, made, game && c->content == GM_CONTENT_FEATURES), *own = game ? part(m, t, large, made) : NULL;
    gm_tensor *y = own ? gm_add(t, error, gm_affine(t, own, c->adversarial, 0)) : error;
    GM__TRY(gm__half_look(tr, y, loss));
    if (!gm_tensor_item(error, &v)) gm__trainer_record(tr, "content", v);
    if (own && !gm_tensor_item(own, &v)) gm__trainer_record(tr, "g-loss", v);
    return GM_OK;
}

/* ---- the game ----------------------------------------------------------------------------------------------- */

static void hold_g(gm_model *m, bool on) { gm__net_hold(gm__srgan_of(m)->g, on); }
static void hold_d(gm_model *m, bool on)
{
    if (gm__srgan_of(m)->d) gm__net_hold(gm__srgan_of(m)->d, on);
}
const gm__players gm__srgan_players = {.d_look = d_look, .g_look = g_look, .hold_g = hold_g, .hold_d = hold_d, .d_steps = d_steps};

double gm__srgan_takes(const gm_model *m)
{
    const gm_srgan_config *c = gm__srgan_cfg(m);
    return 1 + (1 - c->pretrain) * c->d_steps;
}

gm_status gm__srgan_add_g(gm_model *m, gm_optim *o) { return gm__optim_add_net_named(o, "generator", gm__srgan_of(m)->g, NULL); }

gm_status gm__srgan_begin(gm_model *m, gm_trainer *tr)
{
    static const char *const curves[] = {"content", "d-loss", "g-loss", "d-real", "d-fake", "d-accuracy", "d-grad-norm"};
    const gm_srgan_config *c = gm__srgan_cfg(m);
    const bool game = gm__srgan_of(m)->d != NULL;
    if (tr->cfg.extragradient && c->pretrain > 0) return gm__fail_ctx(tr->ctx, GM_EARG, "srgan: extragradient moves both at once: pretrain=0, not %g", c->pretrain);
    GM__TRY(gm__players_begin(m, tr, c->d_steps, game));
    if (game) GM__TRY(gm__trainer_rival(tr, c->d_optimizer, c->d_lr));
    if (game) GM__TRY(gm__optim_add_net_named(tr->rival, "discriminator", gm__srgan_of(m)->d, NULL));
    for (size_t i = 0; i < (game ? GM__COUNT(curves) : 1); i++) GM__TRY(gm__series_add(tr, curves[i]));
    return GM_OK;
}

gm_status gm__srgan_loss(gm_model *m, const gm__batch *b, gm_tensor **loss)
{
    gm_tensor *large = gm__srgan_pictures(m, b->t, b->x);
    *loss = content(m, b->t, large, gm__srgan_enlarge(m, b->t, gm__srgan_reduce(m, b->t, large)), false);
    return gm_tape_status(b->t);
}
