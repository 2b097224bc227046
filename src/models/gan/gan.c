/* gan.c - the generative adversarial network as a family: building it, and the verbs that use its two nets. */
#include "models/gan/gan.h"
#include <string.h>

/* ---- building ---------------------------------------------------------------------------- */

static bool ends_in_tanh(const gm_net *net)
{
    const char *text = gm_net_text(net), *last = strrchr(text, ',');
    last = last ? last + 1 : text;
    return strcmp(last + strspn(last, " "), "tanh") == 0;
}

static bool text_ends_in_tanh(const char *text)
{
    size_t n = text ? strlen(text) : 0;
    while (n && strchr(" \t\r\n,", text[n - 1])) n--;
    return n >= 4 && strncmp(text + n - 4, "tanh", 4) == 0;
}

/* Pictures that a DCGAN halves at most twice, as 28x28: dense layers are cheap there, and bear large rates. */
static bool small_pictures(const gm_gan_config *c, int32_t ndim, const int64_t *shape)
{
    return ndim >= 2 && gm__gan_preset(c, ndim, shape) == GM_GAN_DCGAN && shape[ndim - 1] < 32;
}

/* What the shape of a row decides. */
static void resolve(gm_gan_config *c, int32_t ndim, const int64_t *shape)
{
    const bool vectors = ndim == 1;
    c->preset = gm__gan_preset(c, ndim, shape);
    const bool small = small_pictures(c, ndim, shape);
    if (!c->width) c->width = small ? 16 : 32;
    if (c->dense < 0) c->dense = small ? 256 : 0;
    if (!c->noise_dim) c->noise_dim = !vectors || shape[0] > 64 ? 64 : shape[0] < 2 ? 2 : (int32_t)shape[0];
    if (c->penalty == GM_PENALTY_AUTO) c->penalty = vectors && c->loss == GM_GAN_LOSS_AUTO ? GM_PENALTY_R2 : GM_PENALTY_NONE;
    if (c->loss == GM_GAN_LOSS_AUTO) c->loss = vectors ? GM_GAN_RELATIVISTIC : GM_GAN_NON_SATURATING;
    c->penalty_weight = gm__slope_weight(c->penalty, c->penalty_weight);
    if (c->scale == GM_SCALE_AUTO) c->scale = !vectors ? GM_SCALE_NONE : text_ends_in_tanh(c->generator) ? GM_SCALE_UNIT : GM_SCALE_STANDARD;
}

static gm_status read_codes(gm_model *m, const gm_gan_config *c, gm__gan *g)
{
    int64_t values[GM__GAN_CODES];
    if (c->codes && *c->codes) GM__TRY(gm__ints(m->ctx, "codes", c->codes, values, GM__GAN_CODES, &g->n_codes));
    g->noise = c->noise_dim;
    g->code = g->noise + c->codes_uniform;
    g->outs = 1 + c->codes_uniform + (c->conditional == GM_CONDITIONAL_ACGAN ? c->classes : 0);
    for (size_t i = 0; i < g->n_codes; i++) g->values[i] = values[i], g->code += values[i], g->outs += values[i];
    return GM_OK;
}

static gm_status build(gm_model *m)
{
    gm__gan *g = m->state;
    gm_gan_config c = *gm__gan_cfg(m);
    resolve(&c, m->ndim, m->shape);
    GM__TRY(gm__gan_check(m->ctx, &c));
    g->cond = c.conditional ? c.classes : 0;
    GM__TRY(read_codes(m, &c, g));
    GM__TRY(gm__gan_build_nets(m, &c));
    g->maps = ends_in_tanh(g->g);
    memcpy(m->cfg, &c, sizeof c); /* what was chosen for these data is stored: a file says it */
    return GM_OK;
}

static void destroy(gm_model *m) { gm__gan_free_nets(m->state); }

static bool ready(const gm_model *m) { return !gm__gan_cfg(m)->conditional || gm__gan_cfg(m)->classes > 0; }
static uint32_t needs(const gm_model *m) { return gm__gan_cfg(m)->conditional ? GM__NEEDS_LABEL : 0; }
static int64_t condition(const gm_model *m) { return gm__gan_of(m)->cond; }

static uint32_t cannot(const gm_model *m)
{
    uint32_t bits = condition(m) ? 0 : GM_CAN_CONDITION;
    if (!gm__gan_of(m)->d || gm__gan_cfg(m)->pack > 1) bits |= GM_CAN_SCORE; /* a row by itself */
    return bits;
}

/* R3GAN's recipe on vectors, DCGAN's on images, where its own nets bear larger rates that fall to 0. */
static const char *usual(const gm_model *m, const gm_dataset *d)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    const gm__column *x = gm__dataset_column(d, "x");
    const int32_t ndim = m->built ? m->ndim : x ? x->ndim : 1;
    const int64_t *shape = m->built ? m->shape : x ? x->shape : NULL;
    if (ndim <= 1) return "steps=10000 batch=128 lr=3e-3 beta1=0.5 beta2=0.99 schedule=linear ema=0.999 ema-warmup=on";
    if (c->generator || c->discriminator || gm__gan_preset(c, ndim, shape) != GM_GAN_DCGAN) return "steps=5000 batch=64 lr=2e-4 beta1=0.5 ema=0.999 ema-warmup=on";
    return small_pictures(c, ndim, shape) ? "steps=5000 batch=64 lr=2e-3 beta1=0.5 schedule=linear ema=0.999 ema-warmup=on"
                                          : "steps=5000 batch=64 lr=1e-3 beta1=0.5 schedule=linear ema=0.999 ema-warmup=on";
}

/* ---- use -------------------------------------------------------------------------------------- */

static gm_tensor *draw(gm_model *m, gm_tape *t, int64_t n, double temperature, gm_tensor *cond)
{
    const gm__gan_code code = gm__gan_draw_code(m, t, n, temperature, gm__gan_cfg(m)->truncation);
    return gm__gan_rows_out(m, t, gm__gan_generate(m, t, code.z, cond));
}

static gm_tensor *decode(gm_model *m, const gm__batch *b)
{
    const gm__gan *g = gm__gan_of(m);
    if (b->x && b->x->shape[1] != g->code)
        return gm__tape_fail(b->t, GM_ESHAPE, "gan: a code has %lld numbers, got %lld", (long long)g->code, (long long)b->x->shape[1]);
    return gm__gan_rows_out(m, b->t, gm__gan_generate(m, b->t, b->x, b->cond));
}

static gm_tensor *score(gm_model *m, const gm__batch *b)
{
    return gm_neg(b->t, gm__gan_logit(b->t, gm__gan_judge(m, b->t, gm__gan_rows_in(m, b->t, b->x), b->cond)));
}

/* ---- metrics ------------------------------------------------------------------------------------- */

static gm_tensor *metric_logit(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    GM__UNUSED(c), GM__UNUSED(note);
    return gm_neg(b->t, score(m, b));
}

/* 1 where D takes a row for real */
static gm_tensor *metric_d_real(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    gm_tensor *y = metric_logit(m, b, c, NULL);
    if (note) gm__format(note, 96, "share of rows with a logit above 0");
    return y ? gm_cast(b->t, gm_gt(b->t, y, gm_zeros(b->t, y->dtype, 1, y->shape)), GM_F32) : NULL;
}

static const gm__metric metrics[] = {
    {.name = "d_real", .unit = "share", .row = metric_d_real},
    {.name = "logit", .unit = "logit", .row = metric_logit},
};

/* ---- the family ------------------------------------------------------------------------------------ */

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__gan *g = m->state;
    const gm_net *nets[] = {g->g, g->g_label, g->d, g->d_label, g->d_head};
    static const char *const names[] = {"generator", "generator: labels", "discriminator", "discriminator: labels", "discriminator: head"};
    return gm__coder_print(m->ctx, nets, names, 5, out);
}

const gm__family gm__family_gan = {
    .name = "gan",
    .title = "generative adversarial network: a generator learns from a discriminator that tells its rows from the data's",
    .score_formula = "-logit of the discriminator",
    .usual = usual,
    .opts = &gm__gan_opts,
    .cfg_size = sizeof(gm_gan_config),
    .state_size = sizeof(gm__gan),
    .can = GM_CAN_SAMPLE | GM_CAN_SCORE | GM_CAN_ENCODE | GM_CAN_DECODE | GM_CAN_RECONSTRUCT | GM_CAN_CONDITION,
    .check = gm__gan_check,
    .ready = ready,
    .needs = needs,
    .cannot = cannot,
    .condition = condition,
    .build = build,
    .destroy = destroy,
    .loss = gm__gan_loss,
    .update = gm__players_update,
    .players = &gm__gan_players,
    .takes = gm__gan_takes,
    .begin = gm__gan_begin,
    .add_params = gm__gan_add_g,
    .draw = draw,
    .encode = gm__gan_project,
    .decode = decode,
    .score = score,
    .metrics = metrics,
    .n_metrics = GM__COUNT(metrics),
    .print = print,
};
