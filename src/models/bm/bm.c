/* bm.c - the general Boltzmann machine as a family. */
#include "models/bm/bm.h"
#include <string.h>

enum { MOST_UNITS = 1 << 14, MOST_LEARNED = 20 /* units in all whose states an update can count */ };

static uint32_t cannot(const gm_model *m)
{
    const gm__bm *bm = gm__bm_of(m);
    return (gm__bm_small(bm) ? 0 : GM_CAN_LOG_PROB) | (bm->nh ? 0 : GM_CAN_ENCODE);
}

static gm_status build(gm_model *m)
{
    gm__bm *bm = gm__bm_of(m);
    const gm_bm_config *c = gm__bm_cfg(m);
    *bm = (gm__bm){.nv = m->row, .nh = c->hidden};
    if (m->row > MOST_UNITS - bm->nh || m->row + bm->nh < 2)
        return gm__fail_ctx(m->ctx, GM_ELIMIT, "bm: 2 to %d units wanted, not %lld visible and %lld hidden ones", MOST_UNITS, (long long)m->row, (long long)bm->nh);
    bm->n = bm->nv + bm->nh;
    bm->pairs = bm->n * (bm->n - 1) / 2;
    if (c->gradient == GM_GRADIENT_EXACT && bm->n > MOST_LEARNED)
        return gm__fail_ctx(m->ctx, GM_ELIMIT, "bm: gradient=exact is for %d units at most, these are %lld", MOST_LEARNED, (long long)bm->n);
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &bm->pairs, &bm->w));
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &bm->n, &bm->b));
    gm__init_normal(bm->w, 0, c->init_std, gm__model_seed(m), 0);
    GM__TRY(gm__model_add_tensor(m, "weight", bm->w, true));
    return gm__model_add_tensor(m, "bias", bm->b, true);
}

static void destroy(gm_model *m)
{
    gm__bm *bm = gm__bm_of(m);
    gm_tensor_free(bm->w);
    gm_tensor_free(bm->b);
    gm_tensor_free(bm->chain);
}

static gm_status add_params(gm_model *m, gm_optim *o)
{
    GM__TRY(gm__optim_add_named(o, "weight", gm__bm_of(m)->w, NULL));
    return gm__optim_add_named(o, "bias", gm__bm_of(m)->b, "weight-decay=0");
}

/* ---- use ---------------------------------------------------------------------------------- */

static gm_tensor *start(const gm_model *m, gm_tape *t, int64_t n, double temperature)
{
    GM__UNUSED(temperature);
    return gm__bm_noise(t, n, gm__bm_of(m)->n);
}
static gm_tensor *units(const gm_model *m, gm_tape *t, gm_tensor *x) { return gm__bm_rows(t, x, m->row, true); }
static gm_tensor *visible(const gm_model *m, gm_tape *t, gm_tensor *x)
{
    int64_t shape[GM_MAX_DIMS] = {x ? x->shape[0] : 0};
    memcpy(shape + 1, m->shape, (size_t)m->ndim * sizeof *shape);
    return x ? gm_reshape(t, gm_slice(t, x, 1, 0, m->row, 1), m->ndim + 1, shape) : NULL;
}

/* clamp of visible units [1 or N, row] as one of all units */
static gm_tensor *all_units(const gm__bm *bm, gm_tape *t, gm_tensor *clamp)
{
    gm_tensor *both[2] = {clamp, clamp && bm->nh ? gm_zeros(t, GM_U8, 2, (int64_t[]){clamp->shape[0], bm->nh}) : NULL};
    return !clamp ? NULL : gm__tape_contiguous(t, bm->nh ? gm_concat(t, both, 2, 1) : clamp);
}

/* Units draw one by one: states are given, not means. */
static gm_tensor *step(const gm_model *m, gm_tape *t, gm_tensor *state, int64_t steps, double temperature, const gm__held *held, bool mean, gm_tensor **rows)
{
    const gm__bm *bm = gm__bm_of(m);
    gm_tensor *clamp = all_units(bm, t, held->clamp), *w = gm__bm_matrix(bm, t);
    GM__UNUSED(mean);
    if (clamp) {
        gm_tensor *both[2] = {held->v, bm->nh ? gm_slice(t, state, 1, bm->nv, bm->n, 1) : NULL};
        state = gm_where(t, clamp, bm->nh ? gm_concat(t, both, 2, 1) : held->v, state);
    }
    state = gm_affine(t, state, 1, 0); /* sweeps move it in place */
    for (int64_t i = 0; i < steps; i++)
        if (!state || gm__bm_sweep(bm, t, w, state, 0, clamp, temperature)) return NULL;
    if (rows) *rows = visible(m, t, state);
    return state;
}
static gm_tensor *energy(const gm_model *m, gm_tape *t, gm_tensor *state)
{
    return gm__bm_energy(gm__bm_of(m), t, gm__bm_matrix(gm__bm_of(m), t), state);
}
static const gm__gibbs gibbs = {.start = start, .units = units, .step = step, .energy = energy};

/* Chains of their own from noise; what is given is the visible part of their last state. */
static gm_tensor *draw(gm_model *m, gm_tape *t, int64_t n, double temperature, gm_tensor *cond)
{
    const gm__bm *bm = gm__bm_of(m);
    gm_tensor *x = gm__bm_noise(t, n, bm->n), *w = gm__bm_matrix(bm, t);
    GM__UNUSED(cond);
    for (int32_t i = 0; i < gm__bm_cfg(m)->burn_in; i++) {
        if (gm__canceled(t->ctx)) return gm__tape_fail(t, GM_ECANCELED, "canceled by the host");
        if (gm__bm_sweep(bm, t, w, x, 0, NULL, temperature)) return NULL;
    }
    return visible(m, t, x);
}

static gm_tensor *encode(gm_model *m, const gm__batch *b)
{
    const gm__bm *bm = gm__bm_of(m);
    return gm_slice(b->t, gm__bm_hidden_means(bm, b->t, gm__bm_rows(b->t, b->x, m->row, true)), 1, bm->nv, bm->n, 1);
}
static gm_tensor *score(gm_model *m, const gm__batch *b) { return gm__bm_free_energy(gm__bm_of(m), b->t, gm__bm_rows(b->t, b->x, m->row, true), 1); }
static gm_tensor *log_prob(gm_model *m, const gm__batch *b, const gm__eval_cfg *c)
{
    double log_z = 0;
    gm_status s = gm__bm_log_z_kept(m->ctx, gm__bm_of(m), &log_z);
    GM__UNUSED(c);
    return s ? gm__tape_fail(b->t, s, "%s", gm_ctx_message(m->ctx)) : gm_affine(b->t, score(m, b), -1, -log_z);
}

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__bm *bm = gm__bm_of(m);
    const size_t before = out->len;
    gm__buf_format(out, "visible units  %lld, bernoulli\n", (long long)bm->nv);
    gm__buf_format(out, "hidden units   %lld, bernoulli\n", (long long)bm->nh);
    gm__buf_format(out, "connections    %lld, every pair\n", (long long)bm->pairs);
    return out->len - before;
}

const gm__family gm__family_bm = {
    .name = "bm",
    .title = "Boltzmann machine: an energy over visible and hidden units, each connected to every other",
    .score_formula = "free energy F(v) = -log sum_h exp(-E(v,h)), nats; p(v) = exp(-F(v))/Z",
    .opts = &gm__bm_opts,
    .train = "optimizer=sgd lr=0.05 batch=100",
    .cfg_size = sizeof(gm_bm_config),
    .state_size = sizeof(gm__bm),
    .can = GM_CAN_SAMPLE | GM_CAN_COMPLETE | GM_CAN_LOG_PROB | GM_CAN_SCORE | GM_CAN_ENCODE,
    .log_prob_kind = GM_LOG_PROB_EXACT,
    .cannot = cannot,
    .build = build,
    .destroy = destroy,
    .loss = gm__bm_loss,
    .add_params = add_params,
    .begin = gm__bm_begin,
    .draw = draw,
    .gibbs = &gibbs,
    .encode = encode,
    .score = score,
    .log_prob = log_prob,
    .metrics = gm__bm_metrics,
    .n_metrics = GM__BM_METRICS,
    .print = print,
};

void gm_bm_config_init(gm_bm_config *c, size_t size) { gm__family_config(&gm__family_bm, c, size); }
gm_status gm_bm_new(gm_ctx *ctx, const gm_bm_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_bm, c, out); }
