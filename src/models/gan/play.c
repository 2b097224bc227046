/* play.c - what the two nets of a GAN descend in their half-steps (adversarial.c makes steps of them). */
#include "models/gan/health.h"
#include "models/gan/unroll.h"
#include <math.h>

/* ---- what a half-step works on ------------------------------------------------------------ */

/* The deviation of the noise on all that D sees, at a step. */
static double noise_at(const gm_gan_config *c, const gm_trainer *tr)
{
    const double steps = (double)(c->noise_steps ? c->noise_steps : tr->total);
    return c->instance_noise * fmax(0, 1 - (double)tr->st.step / steps);
}

static gm_tensor *blur(gm_tape *t, gm_tensor *rows, double deviation)
{
    if (!rows || !(deviation > 0)) return rows;
    return gm_add(t, rows, gm_cast(t, gm_normal(t, 2, rows->shape, 0, deviation), rows->dtype));
}

/* As many rows as whole packs have. */
static gm__batch whole_packs(const gm_model *m, gm__batch b)
{
    const int64_t pack = gm__gan_cfg(m)->pack, n = b.x->shape[0] - b.x->shape[0] % pack;
    if (n != b.x->shape[0]) b.x = gm_slice(b.t, b.x, 0, 0, n, 1);
    return b;
}

static bool paired(const gm_model *m) { return gm__gan_cfg(m)->loss == GM_GAN_RELATIVISTIC; }
/* Does G's half-step look at data: real rows to compare with, or labels to make rows of? */
static bool g_looks(const gm_model *m) { return paired(m) || gm__gan_of(m)->cond > 0 || gm__gan_cfg(m)->unroll > 0; }

static gm_tensor *plus(gm_tape *t, gm_tensor *a, gm_tensor *b) { return b ? gm_add(t, a, b) : a; }

/* ---- the discriminator's ------------------------------------------------------------------------- */

/* Generated rows without a trace of how. */
static gm_tensor *fakes(gm_model *m, const gm__batch *b, gm__gan_code *code)
{
    gm_tape *t = b->t;
    gm_tape_recording(t, 0);
    *code = gm__gan_draw_code(m, t, b->x->shape[0], 1, 0);
    gm_tensor *fake = gm__gan_generate(m, t, code->z, b->cond);
    gm_tape_recording(t, 1);
    return fake;
}

static gm_tensor *judge(const void *who, gm_tape *t, gm_tensor *rows, gm_tensor *cond) { return gm__gan_logit(t, gm__gan_judge(who, t, rows, cond)); }

gm_tensor *gm__gan_penalty(const gm_model *m, gm_tape *t, gm_tensor *real, gm_tensor *fake, gm_tensor *cond)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    const gm__slope slope = {.kind = c->penalty, .weight = c->penalty_weight * c->penalty_every, .pack = c->pack, .judge = judge, .who = m};
    return gm__slope_penalty(&slope, t, real, fake, cond);
}

/* What D says of a batch, and what it loses by that. */
typedef struct verdict { gm_tensor *r, *f, *loss; } verdict;

static verdict judge_both(gm_model *m, const gm__batch *b, gm_tensor *real, gm_tensor *fake, const gm__gan_code *code)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    gm_tape *t = b->t;
    gm_tensor *on_real = gm__gan_judge(m, t, real, b->cond), *on_fake = gm__gan_judge(m, t, fake, b->cond);
    verdict v = {.r = gm__gan_logit(t, on_real), .f = gm__gan_logit(t, on_fake)};
    v.loss = gm_gan_d_loss(t, c->loss, v.r, v.f, c->label_smoothing);
    v.loss = plus(t, v.loss, gm__gan_class_loss(m, t, on_real, b->label));
    v.loss = plus(t, v.loss, gm__gan_class_loss(m, t, on_fake, b->label));
    v.loss = plus(t, v.loss, gm__gan_code_loss(m, t, on_fake, code));
    return v;
}

/* D's gradients on the next batch. */
static gm_status d_look(gm_model *m, gm_trainer *tr, double *loss)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    gm__batch b;
    gm__gan_code code;
    GM__TRY(gm__half_begin(tr, c->pack, &b));
    b = whole_packs(m, b);
    gm_tape *t = b.t;
    const double sd = noise_at(c, tr);
    gm_tensor *fake = fakes(m, &b, &code);
    gm_tensor *real = blur(t, gm__gan_rows_in(m, t, b.x), sd), *penalty = NULL;
    fake = blur(t, fake, sd);
    const verdict v = judge_both(m, &b, real, fake, &code);
    const int64_t turn = tr->st.halves - tr->st.step; /* of D's half-steps before this one */
    if (turn % c->penalty_every == 0) penalty = gm__gan_penalty(m, t, real, fake, b.cond);
    GM__TRY(gm__half_look(tr, plus(t, v.loss, penalty), loss));
    gm__d_record(tr, "", *loss, v.r, v.f);
    gm__health_of(tr)->advantage = gm__health_advantage(v.r, v.f);
    double value;
    if (penalty && !gm_tensor_item(penalty, &value)) gm__trainer_record(tr, "penalty", value);
    return GM_OK;
}

void gm__gan_clip(gm_model *m)
{
    const float most = (float)gm__gan_cfg(m)->penalty_weight;
    const gm_net *d = gm__gan_of(m)->d;
    if (gm__gan_cfg(m)->penalty != GM_PENALTY_CLIP) return;
    for (int32_t i = 0; i < gm_net_tensor_count(d); i++) {
        gm_tensor *w = gm_net_tensor(d, i);
        if (!gm_net_tensor_is_parameter(d, i)) continue;
        for (int64_t j = 0; j < w->size; j++) gm__f32(w)[j] = fminf(fmaxf(gm__f32(w)[j], -most), most);
        w->version++;
    }
}

/* ---- the generator's ------------------------------------------------------------------------------ */

/* Logits of real rows to compare with: no matter of G's, unless D looks ahead. */
static gm_tensor *compared(gm_model *m, const gm__batch *b, gm_tensor *real)
{
    if (!paired(m)) return NULL;
    const bool ahead = gm__gan_cfg(m)->unroll > 0;
    gm_tape_recording(b->t, ahead);
    gm_tensor *r = gm__gan_logit(b->t, gm__gan_judge(m, b->t, real, b->cond));
    gm_tape_recording(b->t, 1);
    return r;
}

/* G's loss against D as it is. */
static gm_tensor *loss_of_g(gm_model *m, const gm__batch *b, gm_tensor *real, gm_tensor *fake, const gm__gan_code *code)
{
    gm_tape *t = b->t;
    gm_tensor *r = compared(m, b, real), *on_fake = gm__gan_judge(m, t, fake, b->cond);
    gm_tensor *y = gm_gan_g_loss(t, gm__gan_cfg(m)->loss, r, gm__gan_logit(t, on_fake));
    y = plus(t, y, gm__gan_class_loss(m, t, on_fake, b->label));
    return plus(t, y, gm__gan_code_loss(m, t, on_fake, code));
}

/* And against D as it would be some steps later; *y is to be descended while D is ahead. */
static gm_status ahead(gm_model *m, gm_trainer *tr, const gm__batch *b, gm_tensor *real, gm_tensor *fake, const gm__gan_code *code, double *loss)
{
    gm__unroll u;
    gm_status s = gm__unroll_begin(m, tr, &u);
    for (int32_t i = 0; !s && i < gm__gan_cfg(m)->unroll; i++)
        s = gm__unroll_step(&u, plus(b->t, judge_both(m, b, real, fake, code).loss, gm__gan_penalty(m, b->t, real, fake, b->cond)));
    if (!s) s = gm__half_look(tr, loss_of_g(m, b, real, fake, code), loss);
    gm__unroll_end(&u);
    return s;
}

static gm_status g_look(gm_model *m, gm_trainer *tr, double *loss)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    gm__batch b;
    GM__TRY(gm__half_begin(tr, g_looks(m) ? c->pack : 0, &b));
    gm_tape *t = b.t;
    if (b.x) b = whole_packs(m, b);
    const int64_t n = b.x ? b.x->shape[0] : tr->cfg.batch - tr->cfg.batch % c->pack;
    const double sd = noise_at(c, tr);
    gm_tensor *real = paired(m) || c->unroll ? blur(t, gm__gan_rows_in(m, t, b.x), sd) : NULL;
    const gm__gan_code code = gm__gan_draw_code(m, t, n, 1, 0);
    gm_tensor *fake = blur(t, gm__gan_generate(m, t, code.z, b.cond), sd);
    if (c->unroll) GM__TRY(ahead(m, tr, &b, real, fake, &code, loss));
    else GM__TRY(gm__half_look(tr, loss_of_g(m, &b, real, fake, &code), loss));
    gm__trainer_record(tr, "g-loss", *loss);
    return GM_OK;
}

/* ---- the game ------------------------------------------------------------------------------------------ */

static void hold_g(gm_model *m, bool on) { gm__gan_hold_g(gm__gan_of(m), on); }
static void hold_d(gm_model *m, bool on) { gm__gan_hold_d(gm__gan_of(m), on); }

static void d_moved(gm_model *m, gm_trainer *tr)
{
    gm__gan_clip(m);
    gm__health_saw_d(m, tr);
}

const gm__players gm__gan_players = {.d_look = d_look, .g_look = g_look, .hold_g = hold_g, .hold_d = hold_d, .d_moved = d_moved, .g_moved = gm__health_saw_g,
                                     .d_steps = gm__health_d_steps, .attend = gm__health_attend, .mend = gm__remedy_not_finite};

/* Looks ahead take batches of their own, which do not count for the length of an epoch. */
double gm__gan_takes(const gm_model *m) { return gm__gan_cfg(m)->d_steps + (g_looks(m) ? 1 : 0); }

gm_status gm__gan_begin(gm_model *m, gm_trainer *tr)
{
    static const char *const curves[] = {"d-loss", "g-loss", "d-real", "d-fake", "d-accuracy", "d-grad-norm"};
    const gm_gan_config *c = gm__gan_cfg(m);
    gm_ctx *ctx = tr->ctx;
    if (!gm__gan_of(m)->d) return gm__fail_ctx(ctx, GM_ESTATE, "gan: a generator alone cannot be trained");
    GM__TRY(gm__players_begin(m, tr, c->d_steps, true));
    if (tr->cfg.batch < c->pack || (int64_t)gm_dataset_rows(tr->data) < c->pack)
        return gm__fail_ctx(ctx, GM_EARG, "gan: pack=%d rows are judged together, a batch has %lld", c->pack,
                            (long long)(tr->cfg.batch < c->pack ? tr->cfg.batch : (int64_t)gm_dataset_rows(tr->data)));
    GM__TRY(gm__trainer_rival(tr, c->d_optimizer, c->d_lr));
    GM__TRY(gm__gan_add_d(m, tr->rival));
    GM__TRY(gm__health_begin(m, tr));
    for (size_t i = 0; i < GM__COUNT(curves); i++) GM__TRY(gm__series_add(tr, curves[i]));
    return GM_OK;
}

gm_status gm__gan_loss(gm_model *m, const gm__batch *b, gm_tensor **loss)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    gm_tape *t = b->t;
    const gm__batch k = whole_packs(m, *b);
    gm_tensor *fake = gm__gan_generate(m, t, gm__gan_draw_code(m, t, k.x->shape[0], 1, 0).z, k.cond);
    gm_tensor *r = gm__gan_logit(t, gm__gan_judge(m, t, gm__gan_rows_in(m, t, k.x), k.cond));
    *loss = gm_gan_d_loss(t, c->loss, r, gm__gan_logit(t, gm__gan_judge(m, t, fake, k.cond)), 0);
    return gm_tape_status(t);
}
