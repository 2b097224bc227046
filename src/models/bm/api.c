/* api.c - what the public header gives beyond the shared verbs. */
#include "models/bm/bm.h"
#include "models/boltzmann.h"

typedef struct bm_cfg {
    uint32_t struct_size;
    int64_t steps;
    double temperature, anneal;
    uint64_t seed;
} bm_cfg;
#define AT(field) offsetof(bm_cfg, field)
#define TEMPERATURE(what) {"temperature", GM__O_REAL, AT(temperature), "1", 1e-6, 1e6, NULL, what}
static const gm__opt score_rows[] = {TEMPERATURE("of the distribution")};
static const gm__opt gibbs_rows[] = {
    {"steps", GM__O_I64, AT(steps), "1", 1, 1 << 28, NULL, "sweeps over all units"},
    TEMPERATURE("of the last sweep"),
    {"anneal", GM__O_REAL, AT(anneal), "0", 0, 1e6, NULL, "temperature of the first sweep; 0: the same as of the last"},
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of the draws"},
};
#undef AT
static const gm__opts log_z_opts = {"log_z", score_rows, GM__COUNT(score_rows)}, log_prob_opts = {"log_prob", score_rows, GM__COUNT(score_rows)};
static const gm__opts gibbs_opts = {"gibbs", gibbs_rows, GM__COUNT(gibbs_rows)};

static gm_status start(gm_model *m, const char *who, const gm__opts *rows, const char *options, bm_cfg *c)
{
    gm__strs strs = {.ctx = m && gm__is(m, GM__MODEL) ? m->ctx : NULL};
    if (!strs.ctx) return GM_EARG;
    if (m->family != &gm__family_bm) return gm__fail_ctx(m->ctx, GM_EARG, "%s: a model of family bm wanted, this is %s", who, m->family->name);
    GM__TRY(gm__model_able(m->ctx, m, who, true));
    if (!rows) return GM_OK;
    gm_status s = gm__opts_defaults(m->ctx, rows, c, &strs);
    if (!s) s = gm__opts_parse(m->ctx, rows, options, c, &strs, NULL);
    gm__strs_free(&strs);
    return s;
}

/* f32 [N, units] */
static gm_status check_states(gm_model *m, const char *who, const gm_tensor *x)
{
    char text[128];
    const int64_t n = gm__bm_of(m)->n;
    GM__TRY(gm__check_tensor(&m->ctx->err, who, "x", x));
    if (x->dtype != GM_F32) return gm__fail_ctx(m->ctx, GM_EDTYPE, "%s: x must be f32, not %s", who, gm_dtype_name(x->dtype));
    if (x->ndim == 2 && x->shape[0] >= 1 && x->shape[1] == n) return GM_OK;
    return gm__fail_ctx(m->ctx, GM_ESHAPE, "%s: x %s, states of %lld visible and %lld hidden units wanted: [N,%lld]", who,
                        gm__shape_text(text, x->ndim, x->shape), (long long)gm__bm_of(m)->nv, (long long)gm__bm_of(m)->nh, (long long)n);
}

/* y, made on t, as a new tensor of the caller's; frees t and ends the use of m. */
static gm_status give(gm_model *m, gm_tape *t, gm_tensor *y, gm_tensor **out)
{
    gm_status s = y ? gm_tensor_new(m->ctx, GM_F32, y->ndim, y->shape, out) : gm__tape_failed(m->ctx, t);
    if (!s) s = gm_tensor_assign(*out, y);
    if (s && *out) {
        gm_tensor_free(*out);
        *out = NULL;
    }
    gm_tape_free(t);
    gm__model_end_use(m);
    return s;
}

static gm_status begin(gm_model *m, gm_tape **t)
{
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status s = gm__use_tape(m->ctx, t);
    if (s) gm__model_end_use(m);
    return s;
}

gm_status gm_bm_energy(gm_model *m, gm_tensor *x, gm_tensor **out)
{
    gm_tape *t = NULL;
    if (!out) return GM_EARG;
    *out = NULL;
    GM__TRY(start(m, "energy", NULL, NULL, NULL));
    GM__TRY(check_states(m, "energy", x));
    GM__TRY(begin(m, &t));
    const gm__bm *bm = gm__bm_of(m);
    return give(m, t, gm__bm_energy(bm, t, gm__bm_matrix(bm, t), gm__bm_rows(t, x, bm->n, true)), out);
}

gm_status gm_bm_log_z(gm_model *m, const char *options, double *log_z)
{
    bm_cfg c = {.struct_size = sizeof c};
    if (!log_z) return GM_EARG;
    GM__TRY(start(m, "log_z", &log_z_opts, options, &c));
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status s = gm__bm_log_z(m->ctx, gm__bm_of(m), c.temperature, log_z);
    gm__model_end_use(m);
    return s;
}

gm_status gm_bm_log_prob(gm_model *m, gm_tensor *v, const char *options, gm_tensor **out)
{
    bm_cfg c = {.struct_size = sizeof c};
    gm_tape *t = NULL;
    double log_z = 0;
    if (!out) return GM_EARG;
    *out = NULL;
    GM__TRY(start(m, "log_prob", &log_prob_opts, options, &c));
    GM__TRY(gm__check_tensor(&m->ctx->err, "log_prob", "v", v));
    if (v->ndim < 1 || v->shape[0] < 1 || v->dtype != GM_F32) return gm__fail_ctx(m->ctx, GM_ESHAPE, "log_prob: f32 [N, shape], N >= 1, wanted");
    GM__TRY(gm__model_fits(m, "log_prob", v->ndim - 1, v->shape + 1));
    const gm__bm *bm = gm__bm_of(m);
    if (!gm__bm_small(bm))
        return gm__fail_ctx(m->ctx, GM_ELIMIT, "log_prob: %lld units, %lld of them hidden, cannot be enumerated (at most %d and %d)", (long long)bm->n,
                            (long long)bm->nh, GM__BM_UNITS, GM__BM_HIDDEN);
    GM__TRY(begin(m, &t));
    gm_status s = gm__bm_log_z(m->ctx, bm, c.temperature, &log_z);
    if (s) gm__tape_fail(t, s, "%s", gm_ctx_message(m->ctx));
    gm_tensor *f = gm__bm_free_energy(bm, t, gm__bm_rows(t, v, m->row, true), c.temperature);
    return give(m, t, gm_affine(t, f, -1, -log_z), out);
}

/* ---- chains --------------------------------------------------------------------------------- */

static gm_status check_clamp(gm_model *m, const gm_tensor *clamp, const gm_tensor *x)
{
    char text[128];
    if (!clamp) return GM_OK;
    GM__TRY(gm__check_tensor(&m->ctx->err, "gibbs", "clamp", clamp));
    if (clamp->dtype != GM_U8) return gm__fail_ctx(m->ctx, GM_EDTYPE, "gibbs: clamp must be u8, not %s", gm_dtype_name(clamp->dtype));
    if (clamp->ndim == 1 && clamp->shape[0] == x->shape[1]) return GM_OK;
    if (clamp->ndim == 2 && clamp->shape[0] == x->shape[0] && clamp->shape[1] == x->shape[1]) return GM_OK;
    return gm__fail_ctx(m->ctx, GM_ESHAPE, "gibbs: clamp %s fits neither one row of %lld units nor %lld of them",
                        gm__shape_text(text, clamp->ndim, clamp->shape), (long long)x->shape[1], (long long)x->shape[0]);
}

/* state moves in place; each row draws from streams of its own, one a sweep */
static gm_status move(gm_model *m, gm_tape *t, const bm_cfg *c, gm_tensor *state, const gm_tensor *held)
{
    const gm__bm *bm = gm__bm_of(m);
    const size_t n = (size_t)state->shape[0];
    uint64_t *row = gm__alloc(m->ctx, n, sizeof *row);
    gm_tensor *w = row ? gm__bm_matrix(bm, t) : NULL;
    gm_status s = !row ? GM_ENOMEM : w ? GM_OK : gm__tape_failed(m->ctx, t);
    for (size_t i = 0; row && i < n; i++) row[i] = i;
    for (int64_t i = 0; !s && i < c->steps; i++) {
        if ((s = gm__check_cancel(m->ctx))) break;
        t->draws = 0;
        gm__tape_rows(t, c->seed, GM__R_SAMPLE, (uint32_t)i, row, n);
        if (gm__bm_sweep(bm, t, w, state, 0, held, gm__annealed(c->temperature, c->anneal, i, c->steps))) s = gm__tape_failed(m->ctx, t);
    }
    gm__tape_rows(t, 0, 0, 0, NULL, 0);
    gm__free(m->ctx, row);
    return s;
}

gm_status gm_bm_gibbs(gm_model *m, gm_tensor *x, gm_tensor *clamp, const char *options, gm_tensor **out)
{
    bm_cfg c = {.struct_size = sizeof c};
    gm_tensor *state = NULL;
    gm_tape *t = NULL;
    if (!out) return GM_EARG;
    *out = NULL;
    GM__TRY(start(m, "gibbs", &gibbs_opts, options, &c));
    GM__TRY(check_states(m, "gibbs", x));
    GM__TRY(check_clamp(m, clamp, x));
    GM__TRY(begin(m, &t));
    gm_tensor *rows = gm__bm_rows(t, x, x->shape[1], true), *held = clamp ? gm__tape_contiguous(t, clamp) : NULL;
    gm_status s = gm_tape_status(t) ? gm__tape_failed(m->ctx, t) : gm_tensor_new(m->ctx, GM_F32, 2, rows->shape, &state);
    if (!s) s = gm_tensor_assign(state, rows);
    if (!s) s = move(m, t, &c, state, held);
    gm_tape_free(t);
    gm__model_end_use(m);
    if (s) gm_tensor_free(state);
    else *out = state;
    return s;
}
