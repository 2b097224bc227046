/* machine.c - the tensors of one restricted Boltzmann machine. */
#include "models/rbm/rbm.h"
#include <string.h>

static gm_status add(gm_model *m, const char *prefix, const char *name, int32_t ndim, const int64_t *shape, bool parameter, gm_tensor **out)
{
    char full[64];
    gm__format(full, sizeof full, "%s%s", prefix, name);
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, ndim, shape, out));
    return gm__model_add_tensor(m, full, *out, parameter);
}

static void fill(gm_tensor *x, float v)
{
    for (int64_t i = 0; i < x->size; i++) gm__f32(x)[i] = v;
}

gm_status gm__rbm_make(gm_model *m, gm__rbm *r, const char *prefix, uint64_t seed, uint64_t index)
{
    const int64_t both[2] = {r->nv, r->nh};
    r->visible = &gm__visible_units[r->how.units & 255];
    r->hidden = &gm__hidden_units[r->how.units >> 8];
    if (r->shared) {
        gm__retain(r->b);
        if (r->mu) gm__retain(r->mu);
    }
    GM__TRY(add(m, prefix, "weight", 2, both, true, &r->w));
    if (!r->shared) GM__TRY(add(m, prefix, "visible_bias", 1, &r->nv, true, &r->b));
    GM__TRY(add(m, prefix, "hidden_bias", 1, &r->nh, true, &r->c));
    if ((r->how.units & 255) == GM_UNITS_GAUSSIAN) GM__TRY(add(m, prefix, "visible_log_var", 1, &r->nv, true, &r->log_var));
    if (r->how.centered) {
        if (!r->shared) GM__TRY(add(m, prefix, "visible_mean", 1, &r->nv, false, &r->mu));
        GM__TRY(add(m, prefix, "hidden_mean", 1, &r->nh, false, &r->lambda));
        GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &r->nv, &r->batch_mu));
        GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &r->nh, &r->batch_lambda));
        if (!r->shared) fill(r->mu, 0.5f);
        fill(r->lambda, 0.5f);
    }
    gm__init_normal(r->w, 0, r->how.init_std, seed, index);
    return GM_OK;
}

void gm__rbm_drop(gm__rbm *r)
{
    gm_tensor *const all[] = {r->w, r->b, r->c, r->log_var, r->mu, r->lambda, r->batch_mu, r->batch_lambda, r->chain, r->fast_w, r->fast_b, r->fast_c};
    for (size_t i = 0; i < GM__COUNT(all); i++) gm_tensor_free(all[i]);
}

/* Noise learns slowly [Cho, Ilin & Raiko 2011]: else it explains all there is before the hidden units find their features. */
gm_status gm__rbm_add_params(gm_optim *o, const gm__rbm *r, const char *prefix)
{
    const struct { const char *name, *options; gm_tensor *t; } all[] = {
        {"weight", NULL, r->w}, {"visible_bias", "weight-decay=0", r->b}, {"hidden_bias", "weight-decay=0", r->c},
        {"visible_log_var", "weight-decay=0 lr-scale=0.1", r->log_var}};
    for (size_t i = 0; i < GM__COUNT(all); i++) {
        char full[64];
        gm__format(full, sizeof full, "%s%s", prefix, all[i].name);
        if (all[i].t && !(r->shared && all[i].t == r->b)) GM__TRY(gm__optim_add_named(o, full, all[i].t, all[i].options));
    }
    return GM_OK;
}
