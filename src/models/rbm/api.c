/* api.c - what the public header gives beyond the shared verbs. */
#include "models/boltzmann.h"
#include "models/rbm/rbm.h"
#include <string.h>

static gm_status start(gm_model *m, const char *who)
{
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (m->family != &gm__family_rbm) return gm__fail_ctx(m->ctx, GM_EARG, "%s: a model of family rbm wanted, this is %s", who, m->family->name);
    return gm__model_able(m->ctx, m, who, true);
}

/* f32 [N, shape] */
static gm_status check_rows(gm_model *m, const char *who, const gm_tensor *v)
{
    GM__TRY(gm__check_tensor(&m->ctx->err, who, "v", v));
    if (v->ndim < 1 || v->shape[0] < 1 || v->dtype != GM_F32) return gm__fail_ctx(m->ctx, GM_ESHAPE, "%s: f32 [N, shape], N >= 1, wanted", who);
    return gm__model_fits(m, who, v->ndim - 1, v->shape + 1);
}

gm_status gm_rbm_free_energy(gm_model *m, gm_tensor *v, gm_tensor **out)
{
    if (!out) return GM_EARG;
    *out = NULL;
    GM__TRY(start(m, "free_energy"));
    return gm_score(m, v, out);
}

/* ---- log Z ---------------------------------------------------------------------------- */

#define AT(field) offsetof(gm__z_cfg, field)
static const gm__opt z_rows[] = {
    {"method", GM__O_CHOICE, AT(method), "exact", 0, 0, "exact|ais|reverse-ais", "how Z is found"},
    {"temperatures", GM__O_INT, AT(temperatures), "10000", 1, 1 << 24, NULL, "ais: steps from independent units to the model"},
    {"chains", GM__O_INT, AT(chains), "100", 1, 1 << 20, NULL, "ais: number of chains"},
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "ais: of the chains"},
    {"length", GM__O_INT, AT(length), "0", 0, GM__RBM_WORDS, NULL, "replicated: words of the documents; 0: as the model draws them"},
};
#undef AT
static const gm__opts z_opts = {"log_z", z_rows, GM__COUNT(z_rows)};

/* Rows as the machine takes them, for reverse AIS to start from. */
static gm_status log_z_from(gm_model *m, const gm__rbm *r, size_t machines, gm_tensor *data, gm__z_cfg *c, double *log_z, double *error)
{
    gm_tape *t = NULL;
    GM__TRY(gm__use_tape(m->ctx, &t));
    gm_tensor *v = gm__rbm_rows(r, t, gm__model_rows(m, t, data), true);
    v = v ? gm__tape_contiguous(t, v) : NULL;
    c->data = v;
    gm_status s = v ? gm__rbm_log_z(m->ctx, r, machines, c, log_z, error) : gm__tape_failed(m->ctx, t);
    gm_tape_free(t);
    return s;
}

gm_status gm__rbm_log_z_verb(gm_model *m, const gm__rbm *r, size_t machines, gm_tensor *data, const char *options, double *log_z, double *error)
{
    if (data) GM__TRY(check_rows(m, "log_z", data));
    gm__z_cfg c = {.struct_size = sizeof c};
    gm__strs strs = {.ctx = m->ctx};
    gm_status s = gm__opts_defaults(m->ctx, &z_opts, &c, &strs);
    if (!s) s = gm__opts_parse(m->ctx, &z_opts, options, &c, &strs, NULL);
    gm__strs_free(&strs);
    if (s) return s;
    GM__TRY(gm__model_begin_use(m, m->ctx));
    s = data ? log_z_from(m, r, machines, data, &c, log_z, error) : gm__rbm_log_z(m->ctx, r, machines, &c, log_z, error);
    gm__model_end_use(m);
    return s;
}

gm_status gm_rbm_log_z(gm_model *m, gm_tensor *data, const char *options, double *log_z, double *error)
{
    if (!log_z) return GM_EARG;
    GM__TRY(start(m, "log_z"));
    return gm__rbm_log_z_verb(m, gm__rbm_of(m), 1, data, options, log_z, error);
}

/* ---- chains ------------------------------------------------------------------------------ */

typedef struct gibbs_cfg {
    uint32_t struct_size;
    int32_t mean;
    int64_t steps;
    double temperature, anneal;
    uint64_t seed;
} gibbs_cfg;
#define AT(field) offsetof(gibbs_cfg, field)
static const gm__opt gibbs_rows[] = {
    {"steps", GM__O_I64, AT(steps), "1", 1, 1e12, NULL, "Gibbs steps"},
    {"temperature", GM__O_REAL, AT(temperature), "1", 1e-6, 1e6, NULL, "of the last step"},
    {"anneal", GM__O_REAL, AT(anneal), "0", 0, 1e6, NULL, "temperature of the first step; 0: the same as of the last"},
    {"mean", GM__O_FLAG, AT(mean), "off", 0, 0, NULL, "give the mean of p(v|h), not a state"},
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of the draws"},
};
#undef AT
static const gm__opts gibbs_opts = {"gibbs", gibbs_rows, GM__COUNT(gibbs_rows)};

/* From v [N, row]; out [N, row], which may be v, receives the visible part of the last states, or its means. clamp NULL or u8 of N rows or one */
static gm_status move(gm_model *m, const gm__chains *how, const gibbs_cfg *c, gm_tensor *v, gm_tensor *clamp, gm_tensor *out)
{
    gm_tape *t = NULL;
    gm_tensor *state = NULL;
    gm_status s = gm_tape_new(m->ctx, c->seed, &t);
    if (!s) gm_tape_recording(t, 0);
    gm_tensor *first = s ? NULL : how->start ? how->start(m, t, gm_detach(t, v)) : v;
    if (!s) s = first ? gm_tensor_new(m->ctx, GM_F32, 2, first->shape, &state) : gm__tape_failed(m->ctx, t);
    if (!s) s = gm_tensor_assign(state, first);
    for (int64_t i = 0; !s && i < c->steps; i++) {
        gm_tensor *mean = NULL;
        if ((s = gm__check_cancel(m->ctx))) break;
        gm_tape_reset(t);
        gm_tensor *held = clamp ? gm_reshape(t, clamp, 2, (int64_t[]){clamp->size / m->row, m->row}) : NULL;
        gm_tensor *next = how->step(m, t, gm_detach(t, state), gm__annealed(c->temperature, c->anneal, i, c->steps), held, &mean);
        s = next ? gm_tensor_assign(state, next) : gm__tape_failed(m->ctx, t);
        if (!s && i + 1 == c->steps) s = gm_tensor_assign(out, c->mean ? mean : gm_slice(t, next, 1, 0, m->row, 1));
    }
    gm_tape_free(t);
    gm_tensor_free(state);
    return s;
}

static gm_status check_clamp(gm_model *m, const gm_tensor *clamp, int64_t n)
{
    char text[128];
    if (!clamp) return GM_OK;
    GM__TRY(gm__check_tensor(&m->ctx->err, "gibbs", "clamp", clamp));
    if (clamp->dtype != GM_U8) return gm__fail_ctx(m->ctx, GM_EDTYPE, "gibbs: clamp must be u8, not %s", gm_dtype_name(clamp->dtype));
    if (clamp->size == m->row) return GM_OK;
    if (clamp->size == n * m->row && clamp->shape[0] == n) return GM_OK;
    return gm__fail_ctx(m->ctx, GM_ESHAPE, "gibbs: clamp %s fits neither one row of %lld units nor %lld of them",
                        gm__shape_text(text, clamp->ndim, clamp->shape), (long long)m->row, (long long)n);
}

gm_status gm__rbm_gibbs_verb(gm_model *m, const gm__chains *how, gm_tensor *v, gm_tensor *clamp, const char *options, gm_tensor **out)
{
    GM__TRY(check_rows(m, "gibbs", v));
    GM__TRY(check_clamp(m, clamp, v->shape[0]));
    gibbs_cfg c = {.struct_size = sizeof c};
    gm__strs strs = {.ctx = m->ctx};
    gm_tensor *state = NULL;
    gm_tape *t = NULL;
    gm_status s = gm__opts_defaults(m->ctx, &gibbs_opts, &c, &strs);
    if (!s) s = gm__opts_parse(m->ctx, &gibbs_opts, options, &c, &strs, NULL);
    gm__strs_free(&strs);
    if (s) return s;
    GM__TRY(gm__model_begin_use(m, m->ctx));
    s = gm__use_tape(m->ctx, &t);
    gm_tensor *rows = s ? NULL : gm__rbm_rows(how->low, t, gm__model_rows(m, t, v), true);
    if (!s && !rows) s = gm__tape_failed(m->ctx, t);
    if (!s) s = gm_tensor_new(m->ctx, GM_F32, 2, rows->shape, &state);
    if (!s) s = gm_tensor_assign(state, rows);
    if (!s) s = move(m, how, &c, state, clamp, state);
    if (!s) s = gm__model_new_rows(m->ctx, m, v->shape[0], out);
    if (!s) {
        gm_tape_reset(t);
        gm_tensor *y = gm__scale_out(m, t, gm_reshape(t, state, (*out)->ndim, (*out)->shape));
        s = y ? gm_tensor_assign(*out, y) : gm__tape_failed(m->ctx, t);
    }
    gm__model_end_use(m);
    gm_tensor_free(state);
    gm_tape_free(t);
    if (s) {
        gm_tensor_free(*out);
        *out = NULL;
    }
    return s;
}

static gm_tensor *step(const gm_model *m, gm_tape *t, gm_tensor *state, double temperature, gm_tensor *clamp, gm_tensor **mean)
{
    return gm__rbm_gibbs(gm__rbm_of(m), t, state, 1, temperature, clamp, mean);
}

gm_status gm_rbm_gibbs(gm_model *m, gm_tensor *v, gm_tensor *clamp, const char *options, gm_tensor **out)
{
    if (!out) return GM_EARG;
    *out = NULL;
    GM__TRY(start(m, "gibbs"));
    if (gm__rbm_of(m)->labels) return gm__fail_ctx(m->ctx, GM_EUNSUPPORTED, "gibbs: for models without label units; gm_sampler_draw takes labels");
    if (gm__rbm_of(m)->n_levels) return gm__fail_ctx(m->ctx, GM_EUNSUPPORTED, "gibbs: for rows of units, not of levels");
    return gm__rbm_gibbs_verb(m, &(gm__chains){.low = gm__rbm_of(m), .step = step}, v, clamp, options, out);
}
