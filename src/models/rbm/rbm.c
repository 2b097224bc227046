/* rbm.c - the restricted Boltzmann machine as a family. */
#include "models/rbm/rbm.h"
#include <string.h>

static gm_status add(gm_model *m, const char *name, int32_t ndim, const int64_t *shape, bool parameter, gm_tensor **out)
{
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, ndim, shape, out));
    return gm__model_add_tensor(m, name, *out, parameter);
}

static gm_status build(gm_model *m)
{
    gm__rbm *r = gm__rbm_of(m);
    const gm_rbm_config *c = gm__rbm_cfg(m);
    const int64_t nv = m->row, nh = c->hidden, both[2] = {nv, nh};
    GM__TRY(add(m, "weight", 2, both, true, &r->w));
    GM__TRY(add(m, "visible_bias", 1, &nv, true, &r->b));
    GM__TRY(add(m, "hidden_bias", 1, &nh, true, &r->c));
    if (c->units == GM_UNITS_GAUSSIAN) GM__TRY(add(m, "visible_log_var", 1, &nv, true, &r->log_var));
    if (c->centered) {
        GM__TRY(add(m, "visible_mean", 1, &nv, false, &r->mu));
        GM__TRY(add(m, "hidden_mean", 1, &nh, false, &r->lambda));
        GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &nv, &r->batch_mu));
        GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &nh, &r->batch_lambda));
        for (int64_t j = 0; j < nv; j++) gm__f32(r->mu)[j] = 0.5f;
        for (int64_t j = 0; j < nh; j++) gm__f32(r->lambda)[j] = 0.5f;
    }
    gm__init_normal(r->w, 0, c->init_std, gm__model_seed(m), 0);
    return GM_OK;
}

static void destroy(gm_model *m)
{
    gm__rbm *r = gm__rbm_of(m);
    gm_tensor *const all[] = {r->w, r->b, r->c, r->log_var, r->mu, r->lambda, r->batch_mu, r->batch_lambda, r->chain};
    for (size_t i = 0; i < GM__COUNT(all); i++) gm_tensor_free(all[i]);
}

/* Noise learns slowly [Cho, Ilin & Raiko 2011]: else it explains all there is before the hidden units find their features. */
static gm_status add_params(gm_model *m, gm_optim *o)
{
    const gm__rbm *r = gm__rbm_of(m);
    GM__TRY(gm__optim_add_named(o, "weight", r->w, NULL));
    GM__TRY(gm__optim_add_named(o, "visible_bias", r->b, "weight-decay=0"));
    GM__TRY(gm__optim_add_named(o, "hidden_bias", r->c, "weight-decay=0"));
    return r->log_var ? gm__optim_add_named(o, "visible_log_var", r->log_var, "weight-decay=0 lr-scale=0.1") : GM_OK;
}

/* ---- use ------------------------------------------------------------------------------ */

static gm_tensor *shaped(const gm_model *m, gm_tape *t, gm_tensor *v)
{
    int64_t shape[GM_MAX_DIMS] = {v ? v->shape[0] : 0};
    memcpy(shape + 1, m->shape, (size_t)m->ndim * sizeof *shape);
    return v ? gm_reshape(t, v, m->ndim + 1, shape) : NULL;
}

/* Chains of their own from noise; what is given is the mean of p(v|h) at the end. */
static gm_tensor *draw(gm_model *m, gm_tape *t, int64_t n, double temperature, gm_tensor *cond)
{
    const gm__rbm *r = gm__rbm_of(m);
    gm_tensor *mean = NULL;
    GM__UNUSED(cond);
    gm_tensor *v = gm__rbm_visible_draw(m, t, gm_expand(t, r->b, 2, (int64_t[]){n, m->row}), temperature);
    gm__rbm_gibbs(m, t, v, gm__rbm_cfg(m)->burn_in, temperature, &mean);
    return shaped(m, t, mean);
}

static gm_tensor *encode(gm_model *m, const gm__batch *b)
{
    return gm_sigmoid(b->t, gm__rbm_up(m, b->t, gm__rbm_rows(m, b->t, b->x, true)));
}
static gm_tensor *decode(gm_model *m, const gm__batch *b)
{
    return shaped(m, b->t, gm__rbm_visible_mean(m, b->t, gm__rbm_down(m, b->t, b->x), 1));
}
static gm_tensor *score(gm_model *m, const gm__batch *b) { return gm__rbm_free_energy(m, b->t, gm__rbm_rows(m, b->t, b->x, true)); }
static gm_tensor *log_prob(gm_model *m, const gm__batch *b, const gm__eval_cfg *c)
{
    GM__UNUSED(c);
    return gm_neg(b->t, score(m, b));
}

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm_rbm_config *c = gm__rbm_cfg(m);
    const size_t before = out->len;
    gm__buf_format(out, "visible units  %lld, %s\n", (long long)m->row, c->units == GM_UNITS_GAUSSIAN ? "gaussian" : "bernoulli");
    gm__buf_format(out, "hidden units   %d, bernoulli\n", (int)c->hidden);
    return out->len - before;
}

const gm__family gm__family_rbm = {
    .name = "rbm",
    .title = "restricted Boltzmann machine: an energy over visible and hidden units, trained by contrastive divergence",
    .score_formula = "free energy F(v) = -log sum_h exp(-E(v,h)), nats; p(v) = exp(-F(v))/Z",
    .opts = &gm__rbm_opts,
    .train = "optimizer=sgd lr=0.05 batch=100",
    .cfg_size = sizeof(gm_rbm_config),
    .state_size = sizeof(gm__rbm),
    .can = GM_CAN_SAMPLE | GM_CAN_LOG_PROB | GM_CAN_SCORE | GM_CAN_ENCODE | GM_CAN_DECODE | GM_CAN_RECONSTRUCT,
    .log_prob_kind = GM_LOG_PROB_UNNORMALISED,
    .check = gm__rbm_check,
    .build = build,
    .destroy = destroy,
    .loss = gm__rbm_loss,
    .add_params = add_params,
    .begin = gm__rbm_begin,
    .stepped = gm__rbm_stepped,
    .draw = draw,
    .encode = encode,
    .decode = decode,
    .score = score,
    .log_prob = log_prob,
    .metrics = gm__rbm_metrics,
    .n_metrics = GM__RBM_METRICS,
    .print = print,
};

gm_status gm_rbm_new(gm_ctx *ctx, const gm_rbm_config *c, gm_model **out)
{
    gm_rbm_config full;
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return gm__fail_ctx(gm__is(ctx, GM__CTX) ? ctx : NULL, GM_EARG, "rbm: ctx and out are required");
    gm_rbm_config_init(&full, sizeof full);
    if (c) GM__TRY(gm__struct_in(gm__ctx_err(ctx), "rbm", c, &full, sizeof full));
    return gm__model_make(ctx, &gm__family_rbm, &full, out);
}
