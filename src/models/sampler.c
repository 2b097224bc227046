/* sampler.c - a stream of draws from one model, on a context and tape of its own. */
#include "models/lm.h"
#include <string.h>

typedef struct sampler_cfg {
    uint32_t struct_size;
    double temperature;
    uint64_t seed;
} sampler_cfg;

#define AT(field) offsetof(sampler_cfg, field)
static const gm__opt rows[] = {
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of the stream"},
    {"temperature", GM__O_REAL, AT(temperature), "1", 0, 1e3, NULL, "factor of the latent noise"},
};
#undef AT
const gm__opts gm__sampler_opts = {"sampler", rows, GM__COUNT(rows)};

struct gm_sampler {
    gm__handle h;
    gm_ctx *ctx;
    gm_model *m;
    gm_tape *tape;
    sampler_cfg cfg;
    uint64_t next; /* index of the next draw */
    gm__writer *writer; /* of language models, which do all of the above their own way; else NULL */
};

gm_status gm_sampler_new(gm_ctx *ctx, gm_model *m, const char *options, gm_sampler **out)
{
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    *out = NULL;
    if (!gm__is(m, GM__MODEL)) return gm__fail_ctx(ctx, GM_EARG, "gm_sampler_new: m is not a model");
    if (m->family->lm) GM__TRY(gm__lm_able(ctx, m, "generate text"));
    else GM__TRY(gm__model_able(ctx, m, "sample", m->family->draw != NULL));
    sampler_cfg cfg = { .struct_size = sizeof cfg };
    gm__strs strs = { .ctx = ctx };
    gm_status st = gm__opts_defaults(ctx, &gm__sampler_opts, &cfg, &strs);
    if (!st && !m->family->lm) st = gm__opts_parse(ctx, &gm__sampler_opts, options, &cfg, &strs, NULL);
    gm__strs_free(&strs);
    if (st) return st;

    gm_sampler *s = gm__calloc(ctx, 1, sizeof *s);
    if (!s) return GM_ENOMEM;
    s->h.magic = GM__SAMPLER;
    atomic_init(&s->h.refs, 1);
    s->ctx = ctx;
    s->m = m;
    s->cfg = cfg;
    gm__retain(ctx);
    gm__retain(m);
    st = m->family->lm ? gm__writer_new(ctx, m, options, &s->writer) : gm__use_tape(ctx, &s->tape);
    if (st) gm_sampler_free(s);
    else *out = s;
    return st;
}

gm__writer *gm__sampler_writer(gm_sampler *s) { return s->writer; }
gm_ctx *gm__sampler_ctx(gm_sampler *s) { return s->ctx; }

void gm_sampler_free(gm_sampler *s)
{
    if (!gm__is(s, GM__SAMPLER) || !gm__release(s)) return;
    gm_ctx *ctx = s->ctx;
    gm__writer_free(s->writer);
    gm_tape_free(s->tape);
    gm_model_free(s->m);
    s->h.magic = GM__DEAD;
    gm__free(ctx, s);
    gm_ctx_free(ctx);
}

gm_status gm_sampler_draw(gm_sampler *s, int64_t n, gm_tensor *cond, gm_tensor **out)
{
    if (!gm__is(s, GM__SAMPLER) || !out) return GM_EARG;
    *out = NULL;
    if (n < 1) return gm__fail_ctx(s->ctx, GM_EARG, "gm_sampler_draw: n must be 1 or more, not %lld", (long long)n);
    if (s->writer) return gm__fail_ctx(s->ctx, GM_EUNSUPPORTED, "gm_sampler_draw: %s writes text: gm_sampler_next, gm_sampler_write", s->m->family->name);
    GM__TRY(gm__cond_check(s->ctx, s->m, "gm_sampler_draw", n, cond));
    GM__TRY(gm__model_begin_use(s->m, s->ctx));
    gm_tensor *y = NULL;
    gm_status st = gm__model_new_rows(s->ctx, s->m, n, &y);
    if (!st) st = gm__model_draw(s->m, s->tape, s->cfg.seed, s->next, n, s->cfg.temperature, cond, gm__f32(y));
    gm__model_end_use(s->m);
    if (st) {
        gm_tensor_free(y);
        return st;
    }
    s->next += (uint64_t)n;
    *out = y;
    return GM_OK;
}

/* ---- state: 40 bytes, little-endian ------------------------------------------------ */

enum { MAGIC = 0x31736d67 /* "gms1" */, STATE = 40 };

/* Tells models apart that draw different things; the weights are the caller's to keep. */
static uint32_t model_mark(const gm_model *m)
{
    uint64_t crc = gm__crc64(0, m->family->name, strlen(m->family->name));
    crc = gm__crc64(crc, &(int64_t){ gm_model_parameters(m) }, sizeof(int64_t));
    return (uint32_t)(crc ^ crc >> 32);
}

gm_status gm_sampler_state_save(gm_sampler *s, void *out, size_t *size)
{
    if (!gm__is(s, GM__SAMPLER)) return GM_EARG;
    if (!size) return gm__fail_ctx(s->ctx, GM_EARG, "gm_sampler_state_save: size is NULL");
    if (s->writer) return gm__writer_save(s->writer, out, size);
    size_t room = *size;
    *size = STATE;
    if (!out) return GM_OK;
    if (room < STATE) return gm__fail_ctx(s->ctx, GM_ELIMIT, "gm_sampler_state_save: %d bytes needed, room for %zu", STATE, room);
    uint8_t *p = out;
    uint64_t temperature;
    memcpy(&temperature, &s->cfg.temperature, sizeof temperature);
    gm__put64(p, MAGIC | (uint64_t)model_mark(s->m) << 32);
    gm__put64(p + 8, s->cfg.seed);
    gm__put64(p + 16, s->next);
    gm__put64(p + 24, temperature);
    gm__put64(p + 32, gm__crc64(0, p, 32));
    return GM_OK;
}

gm_status gm_sampler_state_load(gm_sampler *s, const void *in, size_t size)
{
    if (!gm__is(s, GM__SAMPLER)) return GM_EARG;
    if (!in) return gm__fail_ctx(s->ctx, GM_EARG, "gm_sampler_state_load: in is NULL");
    if (s->writer) return gm__writer_load(s->writer, in, size);
    const uint8_t *p = in;
    if (size != STATE || (uint32_t)gm__get64(p) != MAGIC || gm__get64(p + 32) != gm__crc64(0, p, 32))
        return gm__fail_ctx(s->ctx, GM_EFORMAT, "gm_sampler_state_load: not the state of a sampler");
    if (gm__get64(p) >> 32 != model_mark(s->m)) return gm__fail_ctx(s->ctx, GM_EARG, "gm_sampler_state_load: the state of a sampler of another model");
    sampler_cfg cfg = { .struct_size = sizeof cfg, .seed = gm__get64(p + 8) };
    uint64_t temperature = gm__get64(p + 24);
    memcpy(&cfg.temperature, &temperature, sizeof cfg.temperature);
    if (gm__opts_check(s->ctx, &gm__sampler_opts, &cfg)) return gm__fail_ctx(s->ctx, GM_EFORMAT, "gm_sampler_state_load: damaged state");
    s->cfg = cfg;
    s->next = gm__get64(p + 16);
    return GM_OK;
}
