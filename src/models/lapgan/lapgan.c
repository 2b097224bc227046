/* lapgan.c - the Laplacian pyramid of adversarial networks as a family: building it, its verbs, and what is its own. */
#include "models/lapgan/lapgan.h"
#include <string.h>

/* ---- building -------------------------------------------------------------------------------- */

static gm_status build(gm_model *m)
{
    gm__lapgan *g = m->state;
    gm_lapgan_config c = *gm__lapgan_cfg(m);
    GM__TRY(gm__lapgan_levels_for(m, &c));
    c.penalty_weight = gm__slope_weight(c.penalty, c.penalty_weight);
    GM__TRY(gm__lapgan_check(m->ctx, &c));
    g->noise = c.noise_dim;
    g->cond = c.conditional ? c.classes : 0;
    GM__TRY(gm__lapgan_build_nets(m, &c));
    memcpy(m->cfg, &c, sizeof c); /* what was chosen for these data is stored: a file says it */
    gm__lapgan_learn(m);
    return GM_OK;
}

static void destroy(gm_model *m)
{
    gm__lapgan *g = m->state;
    for (int32_t k = 0; k < GM__LAP_LEVELS; k++) gm_net_free(g->level[k].g), gm_net_free(g->level[k].d);
}

static bool ready(const gm_model *m) { return !gm__lapgan_cfg(m)->conditional || gm__lapgan_cfg(m)->classes > 0; }
static uint32_t needs(const gm_model *m) { return gm__lapgan_cfg(m)->conditional ? GM__NEEDS_LABEL : 0; }
static int64_t condition(const gm_model *m) { return gm__lapgan_of(m)->cond; }
static uint32_t cannot(const gm_model *m) { return condition(m) ? 0 : GM_CAN_CONDITION; }

/* ---- use ---------------------------------------------------------------------------------------- */

static gm_tensor *draw(gm_model *m, gm_tape *t, int64_t n, double temperature, gm_tensor *cond)
{
    int64_t shape[GM_MAX_DIMS] = {n};
    memcpy(shape + 1, m->shape, (size_t)m->ndim * sizeof *shape);
    gm_tensor *x = gm__lapgan_draw(m, t, gm__lapgan_of(m)->n - 1, n, temperature, cond);
    return x ? gm_reshape(t, x, m->ndim + 1, shape) : NULL;
}

static gm_tensor *score(gm_model *m, const gm__batch *b)
{
    const int32_t n = gm__lapgan_of(m)->n;
    const gm__lap_pyramid p = gm__lapgan_pyramid(m, b->t, b->x);
    gm_tensor *sum = NULL;
    for (int32_t k = 0; k < n && p.picture[0]; k++) {
        gm_tensor *logit = gm__lapgan_judge(m, b->t, k, gm__lapgan_shown(b->t, p.picture[k], p.enlarged[k]), b->cond);
        sum = sum ? gm_add(b->t, sum, logit) : logit;
    }
    return sum ? gm_affine(b->t, sum, -1.0 / n, 0) : NULL;
}

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__lapgan *g = m->state;
    const gm_net *nets[2 * GM__LAP_LEVELS];
    char names[2 * GM__LAP_LEVELS][48];
    const char *texts[2 * GM__LAP_LEVELS];
    for (int32_t i = 0; i < 2 * g->n; i++) {
        const int64_t *im = g->level[i / 2].image;
        nets[i] = i % 2 ? g->level[i / 2].d : g->level[i / 2].g;
        gm__format(names[i], sizeof names[i], "level %d, %lld x %lld: %s", i / 2 + 1, (long long)im[1], (long long)im[2], i % 2 ? "discriminator" : "generator");
        texts[i] = names[i];
    }
    return gm__coder_print(m->ctx, nets, texts, (size_t)(2 * g->n), out);
}

/* ---- one level by itself ---------------------------------------------------------------------------- */

enum { SHOWN = 32 };

/* What the coarser levels draw, enlarged pixel by pixel; the finest one's are the model's samples. */
static gm_status inside(gm_model *m, int32_t i, const char **title, gm_tensor **rows)
{
    static const char *const titles[] = {"Level 1, the coarsest: what it draws", "Level 2: the first level's pictures with its detail", "Level 3: the pictures so far with its detail",
                                         "Level 4: the pictures so far with its detail"};
    const gm__lapgan *g = gm__lapgan_of(m);
    gm_tape *t = NULL;
    uint64_t rows_of[SHOWN];
    *rows = NULL;
    if (i >= g->n - 1 || (size_t)i >= GM__COUNT(titles)) return GM_OK;
    *title = titles[i];
    for (int k = 0; k < SHOWN; k++) rows_of[k] = (uint64_t)k;
    GM__TRY(gm__use_tape(m->ctx, &t));
    gm__tape_rows(t, 0, GM__R_SAMPLE, 0, rows_of, SHOWN);
    gm_tensor *x = gm__lapgan_draw(m, t, i, SHOWN, 1, g->cond ? gm__cond_in_turn(m, t, 0, SHOWN) : NULL);
    x = x ? gm_upsample_nearest(t, x, (int64_t)1 << (g->n - 1 - i)) : NULL;
    x = x ? gm__tape_contiguous(t, x) : NULL;
    gm_status s = x ? gm__model_new_rows(m->ctx, m, SHOWN, rows) : gm__tape_failed(m->ctx, t);
    if (!s) memcpy((*rows)->data, x->data, (size_t)x->size * sizeof(float));
    gm_tape_free(t);
    return s;
}

static gm_status check_family(const gm_model *m, const char *who)
{
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (m->family == &gm__family_lapgan) return GM_OK;
    return gm__fail_ctx(m->ctx, GM_EARG, "%s: a model of family lapgan wanted, this is %s", who, m->family->name);
}

int32_t gm_lapgan_levels(const gm_model *m) { return gm__is(m, GM__MODEL) && m->family == &gm__family_lapgan && m->built ? gm__lapgan_of(m)->n : 0; }

gm_status gm_lapgan_set_level(gm_model *m, int32_t level)
{
    char text[16];
    GM__TRY(check_family(m, "lapgan_set_level"));
    const int32_t most = m->built ? gm__lapgan_of(m)->n : gm__lapgan_cfg(m)->levels ? gm__lapgan_cfg(m)->levels : GM__LAP_LEVELS;
    if (level < 0 || level > most) return gm__fail_ctx(m->ctx, GM_EARG, "lapgan_set_level: level must be 0 to %d, not %d", most, level);
    gm__format(text, sizeof text, "%d", level);
    GM__TRY(gm__model_begin_train(m, m->ctx));
    gm_status s = gm__model_set_text(m, "level", text);
    gm__model_end_train(m);
    return s;
}

static gm_status sample_level(gm_model *m, gm_tape *t, int32_t k, int64_t n, uint64_t seed, gm_tensor *cond, gm_tensor *out)
{
    const int64_t row = out->size / n;
    gm_status s = GM_OK;
    for (int64_t at = 0; !s && at < n; at += GM__CHUNK) {
        uint64_t rows[GM__CHUNK];
        const int64_t some = n - at < GM__CHUNK ? n - at : GM__CHUNK;
        if ((s = gm__check_cancel(m->ctx))) break;
        for (int64_t i = 0; i < some; i++) rows[i] = (uint64_t)(at + i);
        gm_tape_reset(t);
        gm__tape_rows(t, seed, GM__R_SAMPLE, 0, rows, (size_t)some);
        gm__batch b = {.t = t};
        if (cond) gm__cond_rows(m, &b, cond, at, some);
        else if (gm__model_condition(m)) b.cond = gm__cond_in_turn(m, t, rows[0], some);
        gm_tensor *y = gm_tape_status(t) ? NULL : gm__lapgan_draw(m, t, k, some, 1, b.cond);
        y = y ? gm__tape_contiguous(t, y) : NULL;
        if (y) memcpy(gm__f32(out) + at * row, y->data, (size_t)(some * row) * sizeof(float));
        else s = gm__tape_failed(m->ctx, t);
        gm__tape_rows(t, 0, 0, 0, NULL, 0);
    }
    return s;
}

gm_status gm_lapgan_sample_level(gm_model *m, int32_t level, int64_t n, uint64_t seed, gm_tensor *cond, gm_tensor **out)
{
    gm_tape *t = NULL;
    if (!out) return GM_EARG;
    *out = NULL;
    GM__TRY(check_family(m, "lapgan_sample_level"));
    GM__TRY(gm__model_able(m->ctx, m, "sample", true));
    const gm__lapgan *g = gm__lapgan_of(m);
    if (level < 1 || level > g->n) return gm__fail_ctx(m->ctx, GM_EARG, "lapgan_sample_level: level must be 1 to %d, not %d", g->n, level);
    if (n < 1) return gm__fail_ctx(m->ctx, GM_EARG, "lapgan_sample_level: n must be 1 or more, not %lld", (long long)n);
    GM__TRY(gm__cond_check(m->ctx, m, "lapgan_sample_level", n, cond));
    const int64_t *im = g->level[level - 1].image;
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status s = gm__use_tape(m->ctx, &t);
    if (!s) s = gm_tensor_new(m->ctx, GM_F32, 4, (int64_t[]){n, im[0], im[1], im[2]}, out);
    if (!s) s = sample_level(m, t, level - 1, n, seed, cond, *out);
    gm_tape_free(t);
    gm__model_end_use(m);
    if (s) gm_tensor_free(*out), *out = NULL;
    return s;
}

/* ---- the family ---------------------------------------------------------------------------------------- */

const gm__family gm__family_lapgan = {
    .name = "lapgan",
    .title = "adversarial networks on a Laplacian pyramid: small pictures of noise, then level by level the detail",
    .score_formula = "-mean over levels of the discriminator's logit",
    .train = "steps=4000 batch=64 lr=2e-4 beta1=0.5 ema=0.999 ema-warmup=on",
    .opts = &gm__lapgan_opts,
    .cfg_size = sizeof(gm_lapgan_config),
    .state_size = sizeof(gm__lapgan),
    .can = GM_CAN_SAMPLE | GM_CAN_SCORE | GM_CAN_CONDITION,
    .check = gm__lapgan_check,
    .ready = ready,
    .needs = needs,
    .cannot = cannot,
    .condition = condition,
    .build = build,
    .destroy = destroy,
    .loss = gm__lapgan_loss,
    .update = gm__players_update,
    .players = &gm__lapgan_players,
    .takes = gm__lapgan_takes,
    .begin = gm__lapgan_begin,
    .add_params = gm__lapgan_add_g,
    .draw = draw,
    .score = score,
    .print = print,
    .inside = inside,
};
