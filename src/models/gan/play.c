/* play.c - how the two nets learn in turn: the discriminator's half-step, the generator's, and the step made of them.
 * The one that does not learn is held: it gets no gradients, keeps its statistics, and its bytes stay as they are. */
#include "models/gan/gan.h"
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
static bool g_looks(const gm_model *m) { return paired(m) || gm__gan_of(m)->cond > 0; }

static gm_tensor *plus(gm_tape *t, gm_tensor *a, gm_tensor *b) { return b ? gm_add(t, a, b) : a; }

/* ---- curves --------------------------------------------------------------------------------- */

/* Of logits: the mean probability, and the share that lies on the side of 1 where that is right. */
static void opinion(const gm_tensor *logit, bool real, double *probability, double *right)
{
    *probability = *right = 0;
    if (logit->dtype != GM_F32) return;
    for (int64_t i = 0; i < logit->size; i++) {
        const double v = (double)gm__f32(logit)[i * logit->stride[0]];
        *probability += 1 / (1 + exp(-v)) / (double)logit->size;
        *right += (real ? v > 0 : v < 0) / (double)logit->size;
    }
}

static void record_d(gm_trainer *tr, double loss, const gm_tensor *real, const gm_tensor *fake)
{
    double on_real, on_fake, right, wrong;
    opinion(real, true, &on_real, &right);
    opinion(fake, false, &on_fake, &wrong);
    gm__trainer_record(tr, "d-loss", loss);
    gm__trainer_record(tr, "d-real", on_real);
    gm__trainer_record(tr, "d-fake", on_fake);
    gm__trainer_record(tr, "d-accuracy", (right + wrong) / 2);
}

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
    gm_tensor *real = blur(t, gm__gan_rows_in(m, t, b.x), sd);
    fake = blur(t, fake, sd);
    gm_tensor *on_real = gm__gan_judge(m, t, real, b.cond), *on_fake = gm__gan_judge(m, t, fake, b.cond);
    gm_tensor *r = gm__gan_logit(t, on_real), *f = gm__gan_logit(t, on_fake);
    gm_tensor *y = gm_gan_d_loss(t, c->loss, r, f, c->label_smoothing), *penalty = NULL;
    y = plus(t, y, gm__gan_class_loss(m, t, on_real, b.label));
    y = plus(t, y, gm__gan_class_loss(m, t, on_fake, b.label));
    y = plus(t, y, gm__gan_code_loss(m, t, on_fake, &code));
    const int64_t turn = tr->st.halves - tr->st.step; /* of D's half-steps before this one */
    if (turn % c->penalty_every == 0) penalty = gm__gan_penalty(m, t, real, fake, b.cond);
    y = plus(t, y, penalty);
    GM__TRY(gm__half_look(tr, y, loss));
    record_d(tr, *loss, r, f);
    double value;
    if (penalty && !gm_tensor_item(penalty, &value)) gm__trainer_record(tr, "penalty", value);
    return GM_OK;
}

static gm_status d_gradients(gm_model *m, gm_trainer *tr, double *loss)
{
    gm__gan_hold_g(gm__gan_of(m), true);
    gm_status s = d_look(m, tr, loss);
    gm__gan_hold_g(gm__gan_of(m), false);
    return s;
}

static gm_status d_step(gm_model *m, gm_trainer *tr)
{
    GM__TRY(gm__half_step(tr, tr->rival));
    gm__gan_clip(m);
    gm__trainer_record(tr, "d-grad-norm", gm_optim_grad_norm(tr->rival));
    return GM_OK;
}

gm_status gm__gan_d_half(gm_model *m, gm_trainer *tr, double *loss)
{
    GM__TRY(d_gradients(m, tr, loss));
    return d_step(m, tr);
}

/* ---- the generator's ------------------------------------------------------------------------------ */

static gm_status g_look(gm_model *m, gm_trainer *tr, double *loss)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    gm__batch b;
    GM__TRY(gm__half_begin(tr, g_looks(m) ? c->pack : 0, &b));
    gm_tape *t = b.t;
    if (b.x) b = whole_packs(m, b);
    const int64_t n = b.x ? b.x->shape[0] : tr->cfg.batch - tr->cfg.batch % c->pack;
    const double sd = noise_at(c, tr);
    gm_tensor *r = NULL;
    if (paired(m)) {
        gm_tape_recording(t, 0);
        r = gm__gan_logit(t, gm__gan_judge(m, t, blur(t, gm__gan_rows_in(m, t, b.x), sd), b.cond));
        gm_tape_recording(t, 1);
    }
    gm__gan_code code = gm__gan_draw_code(m, t, n, 1, 0);
    gm_tensor *on_fake = gm__gan_judge(m, t, blur(t, gm__gan_generate(m, t, code.z, b.cond), sd), b.cond);
    gm_tensor *y = gm_gan_g_loss(t, c->loss, r, gm__gan_logit(t, on_fake));
    y = plus(t, y, gm__gan_class_loss(m, t, on_fake, b.label));
    y = plus(t, y, gm__gan_code_loss(m, t, on_fake, &code));
    GM__TRY(gm__half_look(tr, y, loss));
    gm__trainer_record(tr, "g-loss", *loss);
    return GM_OK;
}

static gm_status g_gradients(gm_model *m, gm_trainer *tr, double *loss)
{
    gm__gan_hold_d(gm__gan_of(m), true);
    gm_status s = g_look(m, tr, loss);
    gm__gan_hold_d(gm__gan_of(m), false);
    return s;
}

gm_status gm__gan_g_half(gm_model *m, gm_trainer *tr, double *loss)
{
    GM__TRY(g_gradients(m, tr, loss));
    return gm__half_step(tr, tr->optim);
}

/* ---- a step ------------------------------------------------------------------------------------------ */

/* D's half-steps in a step: whole numbers whose mean is d-steps, the larger ones first. */
static int64_t d_steps_at(const gm_gan_config *c, int64_t step)
{
    return (int64_t)(ceil((double)(step + 1) * c->d_steps) - ceil((double)step * c->d_steps));
}

/* Both look where both would step to, then step by what they find there [Korpelevich 1976, Gidel et al. 2019]. */
static gm_status together(gm_model *m, gm_trainer *tr, double *loss)
{
    double d;
    for (int look = 0; look < 2; look++) {
        GM__TRY(d_gradients(m, tr, &d));
        GM__TRY(g_gradients(m, tr, loss));
        if (look) break;
        GM__TRY(gm_optim_extrapolate(tr->rival));
        GM__TRY(gm_optim_extrapolate(tr->optim));
    }
    GM__TRY(d_step(m, tr));
    return gm__half_step(tr, tr->optim);
}

gm_status gm__gan_update(gm_model *m, gm_trainer *tr, double *loss)
{
    double d;
    if (tr->cfg.extragradient) return together(m, tr, loss);
    const int64_t n = d_steps_at(gm__gan_cfg(m), tr->st.step);
    while (tr->st.played < n) {
        GM__TRY(gm__gan_d_half(m, tr, &d));
        GM__TRY(gm__check_cancel(tr->ctx));
    }
    return gm__gan_g_half(m, tr, loss);
}

/* Looks ahead take batches of their own, which do not count for the length of an epoch. */
double gm__gan_takes(const gm_model *m) { return gm__gan_cfg(m)->d_steps + (g_looks(m) ? 1 : 0); }

gm_status gm__gan_begin(gm_model *m, gm_trainer *tr)
{
    static const char *const curves[] = {"d-loss", "g-loss", "d-real", "d-fake", "d-accuracy", "d-grad-norm"};
    const gm_gan_config *c = gm__gan_cfg(m);
    gm_ctx *ctx = tr->ctx;
    if (!gm__gan_of(m)->d) return gm__fail_ctx(ctx, GM_ESTATE, "gan: a generator alone cannot be trained");
    if (tr->cfg.accumulate > 1) return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "gan: accumulate %lld: a half-step takes one batch", (long long)tr->cfg.accumulate);
    if (tr->cfg.extragradient && (c->d_steps < 1 || c->d_steps > 1))
        return gm__fail_ctx(ctx, GM_EARG, "gan: extragradient moves both at once: d-steps=1, not %g", c->d_steps);
    if (tr->cfg.keep_best || tr->cfg.patience)
        return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "gan: %s: what one of two players loses does not say how good the rows are", tr->cfg.keep_best ? "keep-best" : "patience");
    if (tr->cfg.batch < c->pack || (int64_t)gm_dataset_rows(tr->data) < c->pack)
        return gm__fail_ctx(ctx, GM_EARG, "gan: pack=%d rows are judged together, a batch has %lld", c->pack,
                            (long long)(tr->cfg.batch < c->pack ? tr->cfg.batch : (int64_t)gm_dataset_rows(tr->data)));
    GM__TRY(gm__trainer_rival(tr, c->d_optimizer, c->d_lr));
    GM__TRY(gm__gan_add_d(m, tr->rival));
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
