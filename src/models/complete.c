/* complete.c - entries of rows that are missing, drawn by Gibbs chains given the others. */
#include "models/boltzmann.h"
#include "models/gibbs.h"
#include <string.h>

typedef struct complete_cfg {
    uint32_t struct_size;
    int32_t mean;
    int64_t steps;
    double temperature, anneal;
    uint64_t seed;
} complete_cfg;
#define AT(field) offsetof(complete_cfg, field)
static const gm__opt rows[] = {
    {"steps", GM__O_I64, AT(steps), "200", 1, 1 << 30, NULL, "Gibbs steps"},
    {"temperature", GM__O_REAL, AT(temperature), "1", 1e-6, 1e6, NULL, "of the last step"},
    {"anneal", GM__O_REAL, AT(anneal), "0", 0, 1e6, NULL, "temperature of the first step, falling by equal factors; 0: the same as of the last"},
    {"mean", GM__O_FLAG, AT(mean), "on", 0, 0, NULL, "give the means of the missing entries at the last step; off: their states"},
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of the chains"},
};
#undef AT
const gm__opts gm__complete_opts = {"complete", rows, GM__COUNT(rows)};

typedef struct job {
    gm_model *m;
    const complete_cfg *c;
    gm_tensor *known, *cond; /* as given, or NULL */
    gm_tape *t;
    gm_tensor *v, *clamp, *state; /* of the rows at work: what is held [n, row], where, and their chains */
    uint64_t number[GM__CHUNK];
    size_t n;
} job;

/* Random ops draw row by row from the stream of this stretch. */
static void begin_stretch(job *j, uint64_t stretch)
{
    gm_tape_reset(j->t);
    gm__tape_rows(j->t, j->c->seed, GM__R_SAMPLE, (uint32_t)stretch, j->number, j->n);
}

static void drop_rows(job *j)
{
    gm_tensor **const all[] = {&j->v, &j->clamp, &j->state};
    for (size_t i = 0; i < GM__COUNT(all); i++) {
        gm_tensor_free(*all[i]);
        *all[i] = NULL;
    }
}

/* Rows at.. of x: which entries are there (numbers that known does not leave out), and their units. */
static gm_status hold(job *j, gm_tensor *x, uint64_t at)
{
    gm_ctx *ctx = j->m->ctx;
    const int64_t row = j->m->row, n = (int64_t)j->n, shape[2] = {n, row};
    gm_tape_reset(j->t);
    gm_tensor *scaled = gm__model_rows(j->m, j->t, x), *v = scaled ? gm__tape_contiguous(j->t, gm_affine(j->t, scaled, 1, 0)) : NULL;
    if (!v) return gm__tape_failed(ctx, j->t);
    GM__TRY(gm_tensor_new(ctx, GM_U8, 2, shape, &j->clamp));
    GM__TRY(gm_tensor_new(ctx, GM_F32, 2, shape, &j->v));
    const uint8_t *known = j->known ? (const uint8_t *)j->known->data + (j->known->size > row ? (int64_t)at * row : 0) : NULL;
    for (int64_t i = 0; i < n * row; i++) {
        const bool there = !isnan(gm__f32(v)[i]) && (!known || known[j->known->size > row ? i : i % row]);
        ((uint8_t *)j->clamp->data)[i] = there;
        if (!there) gm__f32(v)[i] = 0;
    }
    gm_tensor *units = j->m->family->gibbs->units(j->m, j->t, v);
    return units ? gm_tensor_assign(j->v, units) : gm__tape_failed(ctx, j->t);
}

static gm_status start(job *j)
{
    begin_stretch(j, 0);
    gm_tensor *x = j->m->family->gibbs->start(j->m, j->t, (int64_t)j->n, j->c->anneal > 0 ? j->c->anneal : j->c->temperature);
    gm_status s = x ? gm_tensor_new(j->m->ctx, GM_F32, 2, x->shape, &j->state) : gm__tape_failed(j->m->ctx, j->t);
    return s ? s : gm_tensor_assign(j->state, x);
}

/* A stretch of chains; the last gives the rows into out. */
static gm_status go(job *j, uint64_t stretch, int64_t steps, double temperature, uint64_t at, bool last, float *out)
{
    gm__batch b = {.t = j->t};
    gm_tensor *y = NULL, *x = NULL;
    GM__TRY(gm__check_cancel(j->m->ctx));
    begin_stretch(j, stretch);
    if (j->cond) gm__cond_rows(j->m, &b, j->cond, (int64_t)at, (int64_t)j->n);
    const gm__held held = {.v = gm_detach(j->t, j->v), .clamp = gm_detach(j->t, j->clamp), .cond = b.cond};
    if (!gm_tape_status(j->t)) x = j->m->family->gibbs->step(j->m, j->t, gm_detach(j->t, j->state), steps, temperature, &held, j->c->mean, last ? &y : NULL);
    if (x && last) y = gm__scale_out(j->m, j->t, y), y = y ? gm__tape_contiguous(j->t, y) : NULL;
    if (!x || gm_tape_status(j->t)) return gm__tape_failed(j->m->ctx, j->t);
    if (last) memcpy(out, y->data, (size_t)y->size * sizeof *out);
    return last ? GM_OK : gm_tensor_assign(j->state, x);
}

/* The rows of x; entries that are there come out as they are. */
static gm_status one_chunk(job *j, gm_tensor *x, uint64_t at, float *out)
{
    const complete_cfg *c = j->c;
    const int64_t stretch = c->anneal > 0 ? 1 : GM__GIBBS_STRETCH;
    uint64_t k = 0;
    j->n = (size_t)x->shape[0];
    for (size_t i = 0; i < j->n; i++) j->number[i] = at + i;
    GM__TRY(hold(j, x, at));
    GM__TRY(start(j));
    for (int64_t done = 0, steps; done < c->steps; done += steps) {
        steps = c->steps - done < stretch ? c->steps - done : stretch;
        GM__TRY(go(j, ++k, steps, gm__annealed(c->temperature, c->anneal, done, c->steps), at, done + steps == c->steps, out));
    }
    gm_tape_reset(j->t);
    gm_tensor *given = gm__tape_contiguous(j->t, x);
    if (!given) return gm__tape_failed(j->m->ctx, j->t);
    for (int64_t i = 0; i < given->size; i++)
        if (((const uint8_t *)j->clamp->data)[i]) out[i] = gm__f32(given)[i];
    return GM_OK;
}

static gm_status run(job *j, gm_tensor *x, float *out)
{
    gm_dataset *d = NULL;
    gm_batches *b = NULL;
    gm_tensor *part = NULL;
    char options[80];
    gm__format(options, sizeof options, "batch=%d shuffle=off prefetch=off", (int)GM__CHUNK);
    gm_status s = gm_dataset_from_tensors(j->m->ctx, x, NULL, &d);
    if (!s) s = gm_batches_new(d, options, &b);
    for (uint64_t at = 0; !s && at < (uint64_t)x->shape[0]; at += j->n) {
        if (!(s = gm_batches_next(b, &part))) s = one_chunk(j, part, at, out + (int64_t)at * j->m->row);
        drop_rows(j);
    }
    gm__tape_rows(j->t, 0, 0, 0, NULL, 0);
    gm_batches_free(b);
    gm_dataset_free(d);
    return s;
}

/* Rows, and a mask that fits them. */
static gm_status check(gm_model *m, const gm_tensor *x, const gm_tensor *known)
{
    char text[128];
    GM__TRY(gm__check_tensor(&m->ctx->err, "complete", "x", x));
    if (x->ndim < 1 || x->shape[0] < 1) return gm__fail_ctx(m->ctx, GM_ESHAPE, "complete: expected [N, ..] with N >= 1, got %s", gm__shape_text(text, x->ndim, x->shape));
    if (!gm__is_float(x->dtype) && x->dtype != GM_U8) return gm__fail_ctx(m->ctx, GM_EDTYPE, "complete: x must be f32, f64 or u8, not %s", gm_dtype_name(x->dtype));
    GM__TRY(gm__model_fits(m, "complete", x->ndim - 1, x->shape + 1));
    if (!known) return GM_OK;
    GM__TRY(gm__check_tensor(&m->ctx->err, "complete", "known", known));
    if (known->dtype != GM_U8) return gm__fail_ctx(m->ctx, GM_EDTYPE, "complete: known must be u8, not %s", gm_dtype_name(known->dtype));
    if (known->size == m->row || (known->size == x->size && known->shape[0] == x->shape[0])) return GM_OK;
    return gm__fail_ctx(m->ctx, GM_ESHAPE, "complete: known %s fits neither one row of %lld entries nor %lld of them",
                        gm__shape_text(text, known->ndim, known->shape), (long long)m->row, (long long)x->shape[0]);
}

gm_status gm_complete(gm_model *m, gm_tensor *x, gm_tensor *known, gm_tensor *cond, const char *options, gm_tensor **out)
{
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    complete_cfg c = {.struct_size = sizeof c};
    gm__strs strs = {.ctx = m->ctx};
    gm_tensor *y = NULL, *mask = NULL;
    GM__TRY(gm__model_able(m->ctx, m, "complete rows", m->built ? (gm_model_can(m) & GM_CAN_COMPLETE) != 0 : m->family->gibbs != NULL));
    GM__TRY(check(m, x, known));
    GM__TRY(gm__cond_check(m->ctx, m, "complete", x->shape[0], cond));
    gm_status s = gm__opts_defaults(m->ctx, &gm__complete_opts, &c, &strs);
    if (!s) s = gm__opts_parse(m->ctx, &gm__complete_opts, options, &c, &strs, NULL);
    gm__strs_free(&strs);
    if (s) return s;
    GM__TRY(gm__model_begin_use(m, m->ctx));
    job *j = gm__calloc(m->ctx, 1, sizeof *j);
    if (!(s = j ? gm__use_tape(m->ctx, &j->t) : GM_ENOMEM)) {
        j->m = m, j->c = &c, j->cond = cond;
        if (known) s = gm_tensor_new(m->ctx, GM_U8, known->ndim, known->shape, &mask); /* contiguous */
        if (!s && known) s = gm_tensor_assign(mask, known);
        j->known = mask;
        if (!s) s = gm__model_new_rows(m->ctx, m, x->shape[0], &y);
        if (!s) s = run(j, x, gm__f32(y));
        gm_tape_free(j->t);
    }
    gm__free(m->ctx, j);
    gm_tensor_free(mask);
    gm__model_end_use(m);
    if (s) gm_tensor_free(y);
    else *out = y;
    return s;
}
