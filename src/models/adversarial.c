/* adversarial.c - how two players learn in turn: the discriminator's half-step, the generator's, and the step made of them.
 * The one that does not learn is held: it gets no gradients, keeps its statistics, and its bytes stay as they are. */
#include "models/adversarial.h"
#include <math.h>
#include <string.h>

/* ---- half-steps ---------------------------------------------------------------------------- */

static gm_status attend(gm_model *m, gm_trainer *tr) { return m->family->players->attend ? m->family->players->attend(m, tr) : GM_OK; }

static gm_status d_gradients(gm_model *m, gm_trainer *tr, double *loss)
{
    const gm__players *p = m->family->players;
    p->hold_g(m, true);
    gm_status s = p->d_look(m, tr, loss);
    p->hold_g(m, false);
    return s;
}

static gm_status d_step(gm_model *m, gm_trainer *tr)
{
    GM__TRY(gm__half_step(tr, tr->rival));
    if (m->family->players->d_moved) m->family->players->d_moved(m, tr);
    gm__trainer_record(tr, "d-grad-norm", gm_optim_grad_norm(tr->rival));
    return GM_OK;
}

gm_status gm__d_half(gm_model *m, gm_trainer *tr, double *loss)
{
    GM__TRY(attend(m, tr));
    GM__TRY(d_gradients(m, tr, loss));
    return d_step(m, tr);
}

static gm_status g_gradients(gm_model *m, gm_trainer *tr, double *loss)
{
    const gm__players *p = m->family->players;
    p->hold_d(m, true);
    gm_status s = p->g_look(m, tr, loss);
    p->hold_d(m, false);
    return s;
}

static gm_status g_step(gm_model *m, gm_trainer *tr)
{
    GM__TRY(gm__half_step(tr, tr->optim));
    if (m->family->players->g_moved) m->family->players->g_moved(m, tr);
    return GM_OK;
}

gm_status gm__g_half(gm_model *m, gm_trainer *tr, double *loss)
{
    GM__TRY(attend(m, tr));
    GM__TRY(g_gradients(m, tr, loss));
    return g_step(m, tr);
}

/* ---- a step ------------------------------------------------------------------------------------ */

int64_t gm__d_steps_at(double d_steps, int64_t step)
{
    return (int64_t)(ceil((double)(step + 1) * d_steps) - ceil((double)step * d_steps));
}

/* Both look where both would step to, then step by what they find there [Korpelevich 1976, Gidel et al. 2019]. */
static gm_status together(gm_model *m, gm_trainer *tr, double *loss)
{
    double d;
    GM__TRY(attend(m, tr));
    for (int look = 0; look < 2; look++) {
        GM__TRY(d_gradients(m, tr, &d));
        GM__TRY(g_gradients(m, tr, loss));
        if (look) break;
        GM__TRY(gm_optim_extrapolate(tr->rival));
        GM__TRY(gm_optim_extrapolate(tr->optim));
    }
    GM__TRY(d_step(m, tr));
    return g_step(m, tr);
}

static gm_status in_turn(gm_model *m, gm_trainer *tr, double *loss)
{
    double d;
    GM__TRY(attend(m, tr)); /* it may change how many follow */
    const int64_t n = m->family->players->d_steps(m, tr);
    while (tr->st.played < n) {
        GM__TRY(gm__d_half(m, tr, &d));
        GM__TRY(gm__check_cancel(tr->ctx));
    }
    return gm__g_half(m, tr, loss);
}

gm_status gm__players_update(gm_model *m, gm_trainer *tr, double *loss)
{
    enum { TRIES = 8 };
    const gm__players *p = m->family->players;
    gm_status s = tr->cfg.extragradient ? together(m, tr, loss) : in_turn(m, tr, loss);
    for (int tries = 1; s == GM_ENONFINITE && tries < TRIES && p->mend && p->mend(m, tr, *loss); tries++)
        s = tr->cfg.extragradient ? together(m, tr, loss) : in_turn(m, tr, loss);
    return s;
}

gm_status gm__players_begin(gm_model *m, gm_trainer *tr, double d_steps, bool game)
{
    gm_ctx *ctx = tr->ctx;
    const char *name = m->family->name;
    if (tr->cfg.accumulate > 1) return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "%s: accumulate %lld: a half-step takes one batch", name, (long long)tr->cfg.accumulate);
    if (tr->cfg.extragradient && (d_steps < 1 || d_steps > 1))
        return gm__fail_ctx(ctx, GM_EARG, "%s: extragradient moves both at once: d-steps=1, not %g", name, d_steps);
    if (game && (tr->cfg.keep_best || tr->cfg.patience))
        return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "%s: %s: what one of two players loses does not say how good the rows are", name,
                            tr->cfg.keep_best ? "keep-best" : "patience");
    return GM_OK;
}

gm_status gm__check_optimizer(gm_ctx *ctx, const char *owner, const char *option, const char *kind)
{
    gm_optim *o = NULL;
    if (!kind || !*kind) return GM_OK;
    gm_status s = gm_optim_new(ctx, kind, NULL, &o);
    gm_optim_free(o);
    return s == GM_EARG ? gm__fail_ctx(ctx, s, "%s: %s: expected one of %s, found '%.40s'", owner, option, GM__OPTIM_KINDS, kind) : s;
}

/* Real rows can be told to count as less than real where they have a target. */
gm_status gm__check_smoothing(gm_ctx *ctx, const char *owner, int32_t loss, double smoothing)
{
    static const char *const without[] = {[GM_GAN_HINGE] = "hinge", [GM_GAN_WASSERSTEIN] = "wasserstein", [GM_GAN_RELATIVISTIC] = "relativistic"};
    if (!(smoothing > 0) || loss < GM_GAN_HINGE || loss == GM_GAN_LOSS_AUTO) return GM_OK;
    return gm__fail_ctx(ctx, GM_EARG, "%s: label-smoothing %g: loss=%s has no target for real rows", owner, smoothing, without[loss]);
}

/* ---- curves -------------------------------------------------------------------------------------- */

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

void gm__d_record(gm_trainer *tr, const char *suffix, double loss, const gm_tensor *real, const gm_tensor *fake)
{
    static const char *const names[] = {"d-loss", "d-real", "d-fake", "d-accuracy"};
    double value[4] = {loss}, right, wrong;
    opinion(real, true, &value[1], &right);
    opinion(fake, false, &value[2], &wrong);
    value[3] = (right + wrong) / 2;
    for (size_t i = 0; i < GM__COUNT(names); i++) {
        char name[32];
        if (*suffix && (i == 1 || i == 2)) continue;
        gm__format(name, sizeof name, "%s%s", names[i], suffix);
        gm__trainer_record(tr, name, value[i]);
    }
}

/* ---- texts ---------------------------------------------------------------------------------------- */

void gm__put_spectral(const char *text, gm__buf *b)
{
    static const char *const weighty[] = {"linear", "conv", "convt", "dwconv"};
    for (const char *p = text; *p;) {
        const size_t blank = strspn(p, " \t\r\n"), n = strcspn(p, ",(|)"), word = strcspn(p + blank, " \t\r\n,(|)");
        size_t end = n;
        bool has = false;
        while (end && strchr(" \t\r\n", p[end - 1])) end--;
        for (size_t i = 0; i < GM__COUNT(weighty); i++) has |= strlen(weighty[i]) == word && !strncmp(p + blank, weighty[i], word);
        gm__buf_put(b, p, end);
        const char *given = strstr(p, "spectral");
        if (has && !(given && given < p + n)) gm__buf_text(b, " spectral power=3"); /* one step an application lags behind by per cents */
        if (p[n]) gm__buf_put(b, p + n, 1);
        p += p[n] ? n + 1 : n;
    }
}

/* Halves the picture until it is below 8 pixels: what it looks at by pixels comes first where nothing larger does. */
void gm__put_conv_d(const int64_t image[3], int64_t width, bool norm, gm__buf *b)
{
    int64_t side = image[1] < image[2] ? image[1] : image[2];
    if (side < 16) gm__buf_format(b, "conv %lld k3 p1 init=dcgan, lrelu 0.2, ", (long long)width), width *= 2;
    for (int i = 0; side >= 4 && (i == 0 || side >= 8); i++, side /= 2, width *= 2)
        gm__buf_format(b, "conv %lld k4 s2 p1%s init=dcgan, %slrelu 0.2, ", (long long)width, norm && i ? " nobias" : "", norm && i ? "bnorm, " : "");
    gm__buf_text(b, "flatten, linear 1 init=dcgan");
}
