/* api.c - what the public header gives beyond the shared verbs. */
#include "models/gan/gan.h"
#include <math.h>
#include <string.h>

static gm_status start(gm_model *m, const char *who)
{
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (m->family != &gm__family_gan) return gm__fail_ctx(m->ctx, GM_EARG, "%s: a model of family gan wanted, this is %s", who, m->family->name);
    return gm__model_able(m->ctx, m, who, true);
}

/* ---- half-steps ---------------------------------------------------------------------------- */

static gm_status half(gm_trainer *tr, const char *who, gm__half_fn *fn, bool completes, double *loss)
{
    if (!gm__is(tr, GM__TRAINER)) return GM_EARG;
    if (!tr->m->family->players) return gm__fail_ctx(tr->ctx, GM_EARG, "%s: a model of two players wanted, this is %s", who, tr->m->family->name);
    if (tr->cfg.extragradient) return gm__fail_ctx(tr->ctx, GM_EUNSUPPORTED, "%s: with extragradient both move at once: gm_trainer_step", who);
    return gm__trainer_half(tr, fn, completes, loss);
}

gm_status gm_gan_d_step(gm_trainer *tr, double *loss) { return half(tr, "gan_d_step", gm__d_half, false, loss); }
gm_status gm_gan_g_step(gm_trainer *tr, double *loss) { return half(tr, "gan_g_step", gm__g_half, true, loss); }

/* ---- the discriminator alone ---------------------------------------------------------------- */

static gm_status check_rows(gm_model *m, const gm_tensor *x)
{
    const int64_t pack = gm__gan_cfg(m)->pack;
    GM__TRY(gm__check_tensor(&m->ctx->err, "gan_discriminate", "x", x));
    if (!gm__gan_of(m)->d) return gm__fail_ctx(m->ctx, GM_ESTATE, "gan_discriminate: this file holds the generator alone");
    if (x->ndim < 1 || x->shape[0] < 1 || x->dtype != GM_F32) return gm__fail_ctx(m->ctx, GM_ESHAPE, "gan_discriminate: x must be f32 [N, shape], N >= 1");
    if (x->shape[0] % pack)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "gan_discriminate: %lld rows are not a multiple of pack=%lld", (long long)x->shape[0], (long long)pack);
    return gm__model_fits(m, "gan_discriminate", x->ndim - 1, x->shape + 1);
}

static gm_status judge_chunk(gm_model *m, gm_tape *t, gm_tensor *x, gm_tensor *cond, int64_t at, int64_t n, float *out)
{
    gm_tape_reset(t);
    gm__batch b = {.t = t, .x = gm__model_rows(m, t, gm_slice(t, x, 0, at, at + n, 1))};
    if (cond) gm__cond_rows(m, &b, cond, at, n);
    gm_tensor *y = gm__gan_logit(t, gm__gan_judge(m, t, gm__gan_rows_in(m, t, b.x), b.cond));
    y = y ? gm__tape_contiguous(t, y) : NULL;
    if (!y) return gm__tape_failed(m->ctx, t);
    memcpy(out, y->data, (size_t)y->size * sizeof *out);
    return GM_OK;
}

static gm_status judge(gm_model *m, gm_tensor *x, gm_tensor *cond, gm_tensor *out)
{
    const int64_t pack = gm__gan_cfg(m)->pack, n = x->shape[0], chunk = GM__CHUNK - GM__CHUNK % pack;
    gm_tape *t = NULL;
    gm_status s = gm__use_tape(m->ctx, &t);
    for (int64_t at = 0; !s && at < n; at += chunk) {
        s = gm__check_cancel(m->ctx);
        if (!s) s = judge_chunk(m, t, x, cond, at, n - at < chunk ? n - at : chunk, gm__f32(out) + at / pack);
    }
    gm_tape_free(t);
    return s;
}

gm_status gm_gan_discriminate(gm_model *m, gm_tensor *x, gm_tensor *cond, gm_tensor **out)
{
    if (!out) return GM_EARG;
    *out = NULL;
    GM__TRY(start(m, "gan_discriminate"));
    GM__TRY(check_rows(m, x));
    GM__TRY(gm__cond_check(m->ctx, m, "gan_discriminate", x->shape[0], cond));
    if (!cond && gm__model_condition(m)) return gm__fail_ctx(m->ctx, GM_EARG, "gan_discriminate: a conditional model needs labels");
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, (int64_t[]){x->shape[0] / gm__gan_cfg(m)->pack}, out));
    gm_status s = gm__model_begin_use(m, m->ctx);
    if (!s) {
        s = judge(m, x, cond, *out);
        gm__model_end_use(m);
    }
    if (s) {
        gm_tensor_free(*out);
        *out = NULL;
    }
    return s;
}

/* ---- codes ------------------------------------------------------------------------------------- */

gm_status gm_gan_noise(gm_model *m, int64_t n, uint64_t seed, double truncation, gm_tensor **out)
{
    if (!out) return GM_EARG;
    *out = NULL;
    GM__TRY(start(m, "gan_noise"));
    if (n < 1) return gm__fail_ctx(m->ctx, GM_EARG, "gan_noise: n must be 1 or more, not %lld", (long long)n);
    if (!(truncation >= 0 && truncation <= 1e3)) return gm__fail_ctx(m->ctx, GM_EARG, "gan_noise: truncation must be 0 to 1000, not %g", truncation);
    if (truncation > 0 && gm__gan_cfg(m)->noise == GM_NOISE_UNIFORM) return gm__fail_ctx(m->ctx, GM_EARG, "gan_noise: truncation is of normal noise, this model's is uniform");
    const int64_t size = gm__gan_of(m)->code;
    gm_tape *t = NULL;
    gm_tensor *y = NULL;
    gm_status s = gm__use_tape(m->ctx, &t);
    if (!s) s = gm_tensor_new(m->ctx, GM_F32, 2, (int64_t[]){n, size}, &y);
    for (int64_t at = 0; !s && at < n; at += GM__CHUNK) {
        uint64_t rows[GM__CHUNK];
        const int64_t k = n - at < GM__CHUNK ? n - at : GM__CHUNK;
        for (int64_t i = 0; i < k; i++) rows[i] = (uint64_t)(at + i);
        gm_tape_reset(t);
        gm__tape_rows(t, seed, GM__R_SAMPLE, 0, rows, (size_t)k);
        gm_tensor *z = gm__gan_draw_code(m, t, k, 1, truncation > 0 ? truncation : gm__gan_cfg(m)->truncation).z;
        if (!z) s = gm__tape_failed(m->ctx, t);
        else memcpy(gm__f32(y) + at * size, z->data, (size_t)(k * size) * sizeof(float));
        gm__tape_rows(t, 0, 0, 0, NULL, 0);
    }
    gm_tape_free(t);
    if (s) gm_tensor_free(y);
    else *out = y;
    return s;
}

/* Point u of the way from a to b: the straight line, or the arc with lengths that change evenly. */
static void point(const float *a, const float *b, int64_t n, double u, bool spherical, float *out)
{
    double aa = 0, bb = 0, ab = 0, p = 1 - u, q = u;
    for (int64_t j = 0; j < n; j++) aa += (double)a[j] * a[j], bb += (double)b[j] * b[j], ab += (double)a[j] * b[j];
    const double la = sqrt(aa), lb = sqrt(bb), angle = la > 0 && lb > 0 ? acos(fmax(-1, fmin(1, ab / (la * lb)))) : 0;
    if (spherical && sin(angle) > 1e-6) {
        const double length = (1 - u) * la + u * lb;
        p = sin((1 - u) * angle) / sin(angle) * length / la;
        q = sin(u * angle) / sin(angle) * length / lb;
    }
    for (int64_t j = 0; j < n; j++) out[j] = (float)(p * (double)a[j] + q * (double)b[j]);
}

gm_status gm_gan_path(gm_ctx *ctx, gm_tensor *a, gm_tensor *b, int32_t steps, int32_t spherical, gm_tensor **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    GM__TRY(gm__check_tensor(gm__ctx_err(ctx), "gan_path", "a", a));
    GM__TRY(gm__check_tensor(gm__ctx_err(ctx), "gan_path", "b", b));
    if (steps < 2 || steps > 1 << 20) return gm__fail_ctx(ctx, GM_EARG, "gan_path: steps must be 2 to %d, not %d", 1 << 20, steps);
    if (a->dtype != GM_F32 || b->dtype != GM_F32 || !a->contiguous || !b->contiguous || a->size < 1 || a->size != b->size)
        return gm__fail_ctx(ctx, GM_ESHAPE, "gan_path: a and b must be one code each, f32, of one size; they have %lld and %lld numbers", (long long)a->size, (long long)b->size);
    GM__TRY(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){steps, a->size}, out));
    for (int32_t i = 0; i < steps; i++)
        point(gm__f32(a), gm__f32(b), a->size, (double)i / (steps - 1), spherical != 0, gm__f32(*out) + i * a->size);
    return GM_OK;
}

/* ---- the generator alone ------------------------------------------------------------------------- */

static gm_tensor *find(const gm_model *m, const char *name)
{
    for (size_t i = 0; i < m->n_tensors; i++)
        if (!strcmp(m->tensors[i].name, name)) return m->tensors[i].tensor;
    return NULL;
}

gm_status gm_gan_export_generator(gm_model *m, const char *path)
{
    gm_model *alone = NULL;
    GM__TRY(start(m, "gan_export_generator"));
    if (!path) return gm__fail_ctx(m->ctx, GM_EARG, "gan_export_generator: path is NULL");
    gm_gan_config c = *gm__gan_cfg(m);
    c.discriminator = "none";
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status s = gm__model_make(m->ctx, m->family, &c, &alone);
    for (size_t i = 0; !s && i < alone->n_tensors; i++) {
        const gm_tensor *from = find(m, alone->tensors[i].name);
        s = from ? gm_tensor_assign(alone->tensors[i].tensor, from) : gm__fail_ctx(m->ctx, GM_EINTERNAL, "gan_export_generator: no tensor %s", alone->tensors[i].name);
    }
    gm__model_end_use(m);
    if (!s) s = gm_model_save(alone, path);
    gm_model_free(alone);
    return s;
}
