/* sampler.c - a stream of draws from one model, on a context and tape of its own. */
#include "models/model.h"
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
};

gm_status gm_sampler_new(gm_ctx *ctx, gm_model *m, const char *options, gm_sampler **out)
{
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    *out = NULL;
    if (!gm__is(m, GM__MODEL)) return gm__fail_ctx(ctx, GM_EARG, "gm_sampler_new: m is not a model");
    GM__TRY(gm__model_able(ctx, m, "sample", m->family->draw != NULL));
    sampler_cfg cfg = { .struct_size = sizeof cfg };
    gm__strs strs = { .ctx = ctx };
    gm_status st = gm__opts_defaults(ctx, &gm__sampler_opts, &cfg, &strs);
    if (!st) st = gm__opts_parse(ctx, &gm__sampler_opts, options, &cfg, &strs, NULL);
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
    st = gm__use_tape(ctx, &s->tape);
    if (st) gm_sampler_free(s);
    else *out = s;
    return st;
}

void gm_sampler_free(gm_sampler *s)
{
    if (!gm__is(s, GM__SAMPLER) || !gm__release(s)) return;
    gm_ctx *ctx = s->ctx;
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

static void put(uint8_t *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

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
    size_t room = *size;
    *size = STATE;
    if (!out) return GM_OK;
    if (room < STATE) return gm__fail_ctx(s->ctx, GM_ELIMIT, "gm_sampler_state_save: %d bytes needed, room for %zu", STATE, room);
    uint8_t *p = out;
    uint64_t temperature;
    memcpy(&temperature, &s->cfg.temperature, sizeof temperature);
    put(p, MAGIC, 4);
    put(p + 4, model_mark(s->m), 4);
    put(p + 8, s->cfg.seed, 8);
    put(p + 16, s->next, 8);
    put(p + 24, temperature, 8);
    put(p + 32, gm__crc64(0, p, 32), 8);
    return GM_OK;
}

gm_status gm_sampler_state_load(gm_sampler *s, const void *in, size_t size)
{
    if (!gm__is(s, GM__SAMPLER)) return GM_EARG;
    if (!in) return gm__fail_ctx(s->ctx, GM_EARG, "gm_sampler_state_load: in is NULL");
    const uint8_t *p = in;
    if (size != STATE || get(p, 4) != MAGIC || get(p + 32, 8) != gm__crc64(0, p, 32))
        return gm__fail_ctx(s->ctx, GM_EFORMAT, "gm_sampler_state_load: not the state of a sampler");
    if (get(p + 4, 4) != model_mark(s->m)) return gm__fail_ctx(s->ctx, GM_EARG, "gm_sampler_state_load: the state of a sampler of another model");
    sampler_cfg cfg = { .struct_size = sizeof cfg, .seed = get(p + 8, 8) };
    uint64_t temperature = get(p + 24, 8);
    memcpy(&cfg.temperature, &temperature, sizeof cfg.temperature);
    if (gm__opts_check(s->ctx, &gm__sampler_opts, &cfg)) return gm__fail_ctx(s->ctx, GM_EFORMAT, "gm_sampler_state_load: damaged state");
    s->cfg = cfg;
    s->next = get(p + 16, 8);
    return GM_OK;
}
