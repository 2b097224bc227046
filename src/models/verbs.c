/* verbs.c - the verbs that take and give rows: sample, encode, decode, reconstruct,
 * score, log_prob, interpolate. All work in chunks, so memory does not grow with the
 * number of rows and a cancel is heard soon. */
#include "models/model.h"
#include <string.h>

gm_status gm__tape_failed(gm_ctx *ctx, const gm_tape *t)
{
    gm_status s = gm_tape_status(t);
    return s ? gm__fail_ctx(ctx, s, "%s", gm_tape_message(t)) : gm__fail_ctx(ctx, GM_EINTERNAL, "a family gave no result and no error");
}

gm_status gm__use_tape(gm_ctx *ctx, gm_tape **out)
{
    GM__TRY(gm_tape_new(ctx, 0, out));
    gm_tape_recording(*out, 0);
    gm_tape_training(*out, 0);
    return GM_OK;
}

/* Copies a result [n, ...] of numbers per row to out. */
static gm_status take(gm_ctx *ctx, gm_tape *t, gm_tensor *y, int64_t n, int64_t row, float *out)
{
    y = y ? gm__tape_contiguous(t, y) : NULL;
    if (!y) return gm__tape_failed(ctx, t);
    if (y->dtype != GM_F32 || y->size != n * row) return gm__fail_ctx(ctx, GM_EINTERNAL, "a family gave %lld numbers for %lld", (long long)y->size, (long long)(n * row));
    memcpy(out, y->data, (size_t)y->size * sizeof(float));
    return GM_OK;
}

gm_status gm__model_able(gm_ctx *ctx, const gm_model *m, const char *verb, bool able)
{
    if (!able) return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "%s: this family cannot %s", m->family->name, verb);
    if (!m->built) return gm__fail_ctx(ctx, GM_ESTATE, "%s: no weights yet: fit the model first", m->family->name);
    return GM_OK;
}

/* ---- draws -------------------------------------------------------------------------- */

gm_status gm__model_draw(gm_model *m, gm_tape *t, uint64_t seed, uint64_t first, int64_t n, double temperature, gm_tensor *cond, float *out)
{
    gm_ctx *ctx = t->ctx;
    uint64_t rows[GM__CHUNK];
    gm_status s = GM_OK;
    for (int64_t at = 0; !s && at < n; at += GM__CHUNK) {
        int64_t k = n - at < GM__CHUNK ? n - at : GM__CHUNK;
        if ((s = gm__check_cancel(ctx))) break;
        for (int64_t i = 0; i < k; i++) rows[i] = first + (uint64_t)(at + i);
        gm_tape_reset(t);
        gm__tape_rows(t, seed, GM__R_SAMPLE, 0, rows, (size_t)k);
        gm__batch b = { .t = t };
        if (cond) gm__cond_rows(m, &b, cond, at, k);
        else if (gm__model_condition(m)) b.cond = gm__cond_in_turn(m, t, rows[0], k);
        gm_tensor *y = gm_tape_status(t) ? NULL : m->family->draw(m, t, k, temperature, b.cond);
        y = y ? gm__scale_out(m, t, y) : NULL;
        s = take(ctx, t, y, k, m->row, out + at * m->row);
    }
    gm__tape_rows(t, 0, 0, 0, NULL, 0);
    gm_tape_reset(t);
    return s;
}

gm_status gm__model_new_rows(gm_ctx *ctx, const gm_model *m, int64_t n, gm_tensor **out)
{
    int64_t shape[GM_MAX_DIMS] = { n };
    memcpy(shape + 1, m->shape, (size_t)m->ndim * sizeof *shape);
    return gm_tensor_new(ctx, GM_F32, m->ndim + 1, shape, out);
}

gm_status gm_sample(gm_model *m, int64_t n, uint64_t seed, gm_tensor **out)
{
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    if (n < 1) return gm__fail_ctx(m->ctx, GM_EARG, "gm_sample: n must be 1 or more, not %lld", (long long)n);
    GM__TRY(gm__model_able(m->ctx, m, "sample", m->family->draw != NULL));
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_tape *t = NULL;
    gm_tensor *y = NULL;
    gm_status s = gm__use_tape(m->ctx, &t);
    if (!s) s = gm__model_new_rows(m->ctx, m, n, &y);
    if (!s) s = gm__model_draw(m, t, seed, 0, n, 1, NULL, gm__f32(y));
    gm_tape_free(t);
    gm__model_end_use(m);
    if (s) gm_tensor_free(y);
    else *out = y;
    return s;
}

gm_status gm_sample_png(gm_model *m, int64_t n, uint64_t seed, const char *path)
{
    gm_tensor *x = NULL;
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (!path) return gm__fail_ctx(m->ctx, GM_EARG, "gm_sample_png: path is NULL");
    gm_status s = gm_sample(m, n, seed, &x);
    if (!s) s = gm_png_write(x, 0, path);
    gm_tensor_free(x);
    return s;
}

/* ---- rows in, rows out ------------------------------------------------------------------ */

typedef gm_tensor *row_fn(gm_model *m, const gm__batch *b, const gm__eval_cfg *c);

/* One verb over the rows of a tensor. */
typedef struct verb {
    const char *name;
    uint32_t can;      /* the capability it needs */
    row_fn *fn;
    bool codes;        /* x holds codes, not rows of the model's shape */
    bool binarize;     /* as in training */
    bool rows_out;     /* the result has the model's shape, else that which fn gives */
    bool stream;       /* random ops draw row by row from (seed, EVAL, 0, row) */
    int32_t layer;     /* whose codes; 0: the topmost's */
} verb;

/* Of the model's shape? Codes are not, nor are pictures of any size. */
static bool takes_rows(const gm_model *m, const verb *v) { return !v->codes && !(v->can == GM_CAN_PREDICT && m->family->any_size); }

static gm_status check_rows(gm_model *m, const verb *v, const gm_tensor *x)
{
    GM__TRY(gm__check_tensor(&m->ctx->err, v->name, "x", x));
    char text[128];
    if (x->ndim < 1 || x->shape[0] < 1)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "%s: expected [N, ..] with N >= 1, got %s", v->name, gm__shape_text(text, x->ndim, x->shape));
    if (!gm__is_float(x->dtype) && x->dtype != GM_U8)
        return gm__fail_ctx(m->ctx, GM_EDTYPE, "%s: x must be f32, f64 or u8, not %s", v->name, gm_dtype_name(x->dtype));
    if (v->codes && x->ndim != 2) return gm__fail_ctx(m->ctx, GM_ESHAPE, "%s: expected codes [N, latent], got %s", v->name, gm__shape_text(text, x->ndim, x->shape));
    return !takes_rows(m, v) ? GM_OK : gm__model_fits(m, v->name, x->ndim - 1, x->shape + 1);
}

/* Batches over the rows of x, in order: the one place where types are converted and pixels binarised. */
static gm_status open_rows(gm_model *m, const verb *v, gm_tensor *x, const gm__eval_cfg *c, gm_dataset **d, gm_batches **b)
{
    char options[160], how[32];
    const char *binarize = v->binarize ? gm__model_choice(m, "binarize", how, sizeof how) : NULL;
    gm__format(options, sizeof options, "batch=%d shuffle=off prefetch=off seed=%llu binarize=%s", c->batch, (unsigned long long)c->seed, binarize ? binarize : "none");
    GM__TRY(gm_dataset_from_tensors(m->ctx, x, NULL, d));
    return gm_batches_new(*d, options, b);
}

/* Result tensor of N rows shaped by the first chunk's result. */
static gm_status open_result(gm_model *m, const verb *v, int64_t n, const gm_tensor *y, gm_tensor **out)
{
    if (v->rows_out) return gm__model_new_rows(m->ctx, m, n, out);
    int64_t shape[GM_MAX_DIMS];
    memcpy(shape, y->shape, sizeof shape);
    shape[0] = n;
    return gm_tensor_new(m->ctx, GM_F32, y->ndim, shape, out);
}

static gm_status one_chunk(gm_model *m, const verb *v, gm_tape *t, gm_tensor *x, gm_tensor *cond, uint64_t at, const gm__eval_cfg *c, gm_tensor **y)
{
    gm_tape_reset(t);
    uint64_t rows[GM__CHUNK];
    int64_t n = x->shape[0];
    for (int64_t i = 0; i < n; i++) rows[i] = at + (uint64_t)i;
    if (v->stream) gm__tape_rows(t, c->seed, GM__R_EVAL, 0, rows, (size_t)n);
    gm__batch b = { .t = t, .x = takes_rows(m, v) ? gm__model_rows(m, t, x) : x, .layer = v->layer };
    if (cond) gm__cond_rows(m, &b, cond, (int64_t)at, n);
    else if (gm__model_condition(m) && !m->family->joint)
        return gm__fail_ctx(m->ctx, GM_EARG, "%s: the %s of a conditional model needs labels: gm_model_apply takes them", v->name, m->family->name);
    *y = b.x && !gm_tape_status(t) ? v->fn(m, &b, c) : NULL;
    if (*y && v->rows_out) *y = gm__scale_out(m, t, *y);
    gm__tape_rows(t, 0, 0, 0, NULL, 0);
    if (!*y) return gm__tape_failed(m->ctx, t);
    if ((*y)->ndim < 1 || (*y)->shape[0] != n) return gm__fail_ctx(m->ctx, GM_EINTERNAL, "%s: %s lost rows", m->family->name, v->name);
    return GM_OK;
}

static gm_status run_verb(gm_model *m, const verb *v, gm_tensor *x, gm_tensor *cond, const gm__eval_cfg *c, gm_tensor **out)
{
    gm_dataset *d = NULL;
    gm_batches *b = NULL;
    gm_tape *t = NULL;
    gm_tensor *result = NULL, *chunk = NULL, *y = NULL;
    int64_t n = x->shape[0], row = 0;
    uint64_t at = 0;
    gm_status s = gm__use_tape(m->ctx, &t);
    if (!s) s = open_rows(m, v, x, c, &d, &b);
    while (!s && at < (uint64_t)n) {
        if ((s = gm__check_cancel(m->ctx)) || (s = gm_batches_next(b, &chunk)) || (s = one_chunk(m, v, t, chunk, cond, at, c, &y))) break;
        if (!result && (s = open_result(m, v, n, y, &result))) break;
        row = result->size / n;
        s = take(m->ctx, t, y, chunk->shape[0], row, gm__f32(result) + (int64_t)at * row);
        at += (uint64_t)chunk->shape[0];
    }
    if (s == GM_END) s = gm__fail_ctx(m->ctx, GM_EINTERNAL, "%s: rows ended early", v->name);
    gm_tape_free(t);
    gm_batches_free(b);
    gm_dataset_free(d);
    if (s) gm_tensor_free(result);
    else *out = result;
    return s;
}

/* A verb from the outside: checks, lock, run. */
static gm_status apply(gm_model *m, const verb *v, gm_tensor *x, gm_tensor *cond, const gm__eval_cfg *c, gm_tensor **out)
{
    GM__TRY(gm__model_able(m->ctx, m, v->name, m->built ? (gm_model_can(m) & v->can) != 0 : (m->family->can & v->can) != 0));
    GM__TRY(check_rows(m, v, x));
    if (cond) GM__TRY(gm__cond_check(m->ctx, m, v->name, x->shape[0], cond));
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status s = run_verb(m, v, x, cond, c, out);
    gm__model_end_use(m);
    return s;
}

static const gm__eval_cfg plain = { .struct_size = sizeof plain, .batch = GM__CHUNK };

static gm_tensor *do_encode(gm_model *m, const gm__batch *b, const gm__eval_cfg *c) { GM__UNUSED(c); return m->family->encode(m, b); }
static gm_tensor *do_decode(gm_model *m, const gm__batch *b, const gm__eval_cfg *c) { GM__UNUSED(c); return m->family->decode(m, b); }
static gm_tensor *do_score(gm_model *m, const gm__batch *b, const gm__eval_cfg *c) { GM__UNUSED(c); return m->family->score(m, b); }
static gm_tensor *do_predict(gm_model *m, const gm__batch *b, const gm__eval_cfg *c) { GM__UNUSED(c); return m->family->predict(m, b); }
static gm_tensor *do_log_prob(gm_model *m, const gm__batch *b, const gm__eval_cfg *c) { return m->family->log_prob(m, b, c); }

static gm_tensor *do_reconstruct(gm_model *m, const gm__batch *b, const gm__eval_cfg *c)
{
    gm__batch code = *b;
    GM__UNUSED(c);
    code.x = m->family->encode(m, b);
    return code.x ? m->family->decode(m, &code) : NULL;
}

static const verb verbs[] = {
    { .name = "encode", .can = GM_CAN_ENCODE, .fn = do_encode },
    { .name = "decode", .can = GM_CAN_DECODE, .fn = do_decode, .codes = true, .rows_out = true },
    { .name = "reconstruct", .can = GM_CAN_RECONSTRUCT, .fn = do_reconstruct, .rows_out = true },
    { .name = "score", .can = GM_CAN_SCORE, .fn = do_score, .binarize = true, .stream = true },
    { .name = "predict", .can = GM_CAN_PREDICT, .fn = do_predict },
    { .name = "log_prob", .can = GM_CAN_LOG_PROB, .fn = do_log_prob, .binarize = true, .stream = true },
};

gm_status gm_model_apply(gm_model *m, uint32_t can, gm_tensor *x, gm_tensor *cond, gm_tensor **out)
{
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    for (size_t i = 0; i < GM__COUNT(verbs); i++)
        if (verbs[i].can == can) return apply(m, &verbs[i], x, cond, &plain, out);
    return gm__fail_ctx(m->ctx, GM_EARG, "gm_model_apply: verb must be GM_CAN_ENCODE, _DECODE, _RECONSTRUCT, _SCORE, _PREDICT or _LOG_PROB, not %u", can);
}

int32_t gm_model_layers(const gm_model *m)
{
    if (!gm__is(m, GM__MODEL) || !m->built || !m->family->encode) return 0;
    return m->family->layers ? m->family->layers(m) : 1;
}

gm_status gm_encode_layer(gm_model *m, gm_tensor *x, gm_tensor *cond, int32_t layer, gm_tensor **out)
{
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    const int32_t most = gm_model_layers(m);
    if (m->built && most && (layer < 1 || layer > most))
        return gm__fail_ctx(m->ctx, GM_EARG, "layer %d is none of the %d whose codes this %s has", (int)layer, (int)most, m->family->name);
    verb v = verbs[0];
    v.layer = layer;
    return apply(m, &v, x, cond, &plain, out);
}

gm_status gm_encode(gm_model *m, gm_tensor *x, gm_tensor **out) { return gm_model_apply(m, GM_CAN_ENCODE, x, NULL, out); }
gm_status gm_decode(gm_model *m, gm_tensor *z, gm_tensor **out) { return gm_model_apply(m, GM_CAN_DECODE, z, NULL, out); }
gm_status gm_reconstruct(gm_model *m, gm_tensor *x, gm_tensor **out) { return gm_model_apply(m, GM_CAN_RECONSTRUCT, x, NULL, out); }
gm_status gm_score(gm_model *m, gm_tensor *x, gm_tensor **out) { return gm_model_apply(m, GM_CAN_SCORE, x, NULL, out); }
gm_status gm_predict(gm_model *m, gm_tensor *x, gm_tensor **out) { return gm_model_apply(m, GM_CAN_PREDICT, x, NULL, out); }

gm_status gm_log_prob(gm_model *m, gm_tensor *x, const char *options, gm_tensor **out, int32_t *kind)
{
    const verb *v = &verbs[GM__COUNT(verbs) - 1];
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    gm__eval_cfg c = { .struct_size = sizeof c };
    gm__strs strs = { .ctx = m->ctx };
    gm_status s = gm__opts_defaults(m->ctx, &gm__eval_opts, &c, &strs);
    if (!s) s = gm__opts_parse(m->ctx, &gm__eval_opts, options, &c, &strs, NULL);
    if (c.batch > GM__CHUNK || !c.batch) c.batch = GM__CHUNK;
    if (!s) s = apply(m, v, x, NULL, &c, out);
    gm__strs_free(&strs);
    if (s) return s;
    if (kind) *kind = c.k ? GM_LOG_PROB_ESTIMATE : m->family->log_prob_kind;
    return GM_OK;
}

gm_status gm_interpolate(gm_model *m, gm_tensor *a, gm_tensor *b, int32_t steps, gm_tensor **out)
{
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    gm_ctx *ctx = m->ctx;
    if (steps < 2 || steps > 1 << 20) return gm__fail_ctx(ctx, GM_EARG, "interpolate: steps must be 2 to %d, not %d", 1 << 20, steps);
    GM__TRY(gm__model_able(m->ctx, m, "interpolate", m->family->encode && m->family->decode));
    if (gm_tensor_dim(a, 0) != 1 || gm_tensor_dim(b, 0) != 1) return gm__fail_ctx(ctx, GM_ESHAPE, "interpolate: a and b must be one row each");
    gm_tensor *za = NULL, *zb = NULL, *z = NULL;
    gm_status s = gm_encode(m, a, &za);
    if (!s) s = gm_encode(m, b, &zb);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ steps, za->size }, &z);
    for (int64_t i = 0; !s && i < steps; i++) {
        float u = (float)i / (float)(steps - 1);
        for (int64_t j = 0; j < za->size; j++) gm__f32(z)[i * za->size + j] = (1 - u) * gm__f32(za)[j] + u * gm__f32(zb)[j];
    }
    if (!s) s = gm_decode(m, z, out);
    gm_tensor_free(za);
    gm_tensor_free(zb);
    gm_tensor_free(z);
    return s;
}

/* ---- along the axes of the code -------------------------------------------------------- */

gm_status gm__traverse_start(gm_model *m, int64_t latent, const gm_tensor *z)
{
    if (!z || (z->dtype == GM_F32 && z->size == latent && z->contiguous)) return GM_OK;
    return gm__fail_ctx(m->ctx, GM_ESHAPE, "traverse: z must be one code, f32 [1,%lld]", (long long)latent);
}

gm_status gm__traverse_axes(gm_model *m, int64_t latent, const gm_tensor *z, int32_t steps, double span, gm_tensor **codes)
{
    GM__TRY(gm__traverse_start(m, latent, z));
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 2, (int64_t[]){ latent * steps, latent }, codes));
    float *p = gm__f32(*codes);
    for (int64_t row = 0; row < latent * steps; row++, p += latent) {
        if (z) memcpy(p, z->data, (size_t)latent * sizeof *p);
        p[row / steps] += (float)(span * (2.0 * (double)(row % steps) / (steps - 1) - 1));
    }
    return GM_OK;
}

gm_status gm_traverse(gm_model *m, gm_tensor *z, int32_t steps, double span, gm_tensor *cond, gm_tensor **out)
{
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    if (steps < 2 || steps > 4096) return gm__fail_ctx(m->ctx, GM_EARG, "traverse: steps must be 2 to 4096, not %d", steps);
    if (!(span > 0 && span <= 1e6)) return gm__fail_ctx(m->ctx, GM_EARG, "traverse: span must be above 0 and at most 1e6, not %g", span);
    if (z) GM__TRY(gm__check_tensor(&m->ctx->err, "traverse", "z", z));
    GM__TRY(gm__model_able(m->ctx, m, "go along the axes of a code", m->family->traverse != NULL));
    gm_tensor *codes = NULL, *one = NULL;
    gm_status s = m->family->traverse(m, z, steps, span, &codes);
    /* a conditional model without a label shows its first class */
    if (!s && !cond && gm__model_condition(m)) s = gm_tensor_new(m->ctx, GM_I64, 1, (int64_t[]){ 1 }, &one);
    if (!s) s = gm_model_apply(m, GM_CAN_DECODE, codes, cond ? cond : one, out);
    gm_tensor_free(codes);
    gm_tensor_free(one);
    return s;
}
