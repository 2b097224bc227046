/* sampler.c - a stream of draws from one model, on a context and tape of its own. */
#include "models/gibbs.h"
#include "models/lm.h"
#include <string.h>

#define AT(field) offsetof(gm__sampler_cfg, field)
static const gm__opt rows[] = {
    {"seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "of the stream"},
    {"temperature", GM__O_REAL, AT(temperature), "1", 0, 1e3, NULL, "factor of the latent noise; of Boltzmann machines: of their distribution"},
    {"chains", GM__O_INT, AT(chains), "0", 0, 1 << 20, NULL, "Boltzmann machines: number of Gibbs chains that give the rows in turn and go on; 0: a chain of its own for every row"},
    {"burn-in", GM__O_I64, AT(burn_in), "-1", -1, 1e12, NULL, "chains: steps before the first row of each; -1: as many as the model's own burn-in"},
    {"thin", GM__O_I64, AT(thin), "1", 1, 1e12, NULL, "chains: steps before each row"},
    {"mean", GM__O_FLAG, AT(mean), "on", 0, 0, NULL, "chains: rows are means of the visible units given the others, as draws are; off: their states"},
    {"trace", GM__O_FLAG, AT(trace), "off", 0, 0, NULL, "chains: remember the energy of every state kept"},
};
#undef AT
const gm__opts gm__sampler_opts = {"sampler", rows, GM__COUNT(rows)};
enum { FIRST_OF_CHAINS = 3 }; /* row of the table: what from there on belongs to chains */

struct gm_sampler {
    gm__handle h;
    gm_ctx *ctx;
    gm_model *m;
    gm_tape *tape;
    gm__sampler_cfg cfg;
    uint64_t next; /* index of the next draw */
    gm__trail *trail; /* of chains that go on; else NULL */
    gm__writer *writer; /* of language models, which do all of the above their own way; else NULL */
};

/* What belongs to chains is for models that have them. */
static gm_status settle_chains(gm_ctx *ctx, const gm_model *m, gm__sampler_cfg *c, const bool *given)
{
    const int32_t *own = gm__model_option(m, "burn-in");
    for (size_t i = FIRST_OF_CHAINS; !c->chains && i < GM__COUNT(rows); i++)
        if (given[i]) return gm__fail_ctx(ctx, GM_EARG, "sampler: %s belongs to chains=N", rows[i].name);
    if (c->chains && !m->family->gibbs)
        return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "sampler: chains are of Boltzmann machines: a %s draws every row by itself", m->family->name);
    if (c->burn_in < 0) c->burn_in = own ? *own : 0;
    return GM_OK;
}

gm_status gm_sampler_new(gm_ctx *ctx, gm_model *m, const char *options, gm_sampler **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    if (!gm__is(m, GM__MODEL)) return gm__fail_ctx(ctx, GM_EARG, "gm_sampler_new: m is not a model");
    if (m->family->lm) GM__TRY(gm__lm_able(ctx, m, "generate text"));
    else GM__TRY(gm__model_able(ctx, m, "sample", m->family->draw != NULL));
    gm__sampler_cfg cfg = { .struct_size = sizeof cfg };
    bool given[GM__COUNT(rows)] = { false };
    gm__strs strs = { .ctx = ctx };
    gm_status st = gm__opts_defaults(ctx, &gm__sampler_opts, &cfg, &strs);
    if (!st && !m->family->lm) st = gm__opts_parse(ctx, &gm__sampler_opts, options, &cfg, &strs, given);
    if (!st && !m->family->lm) st = settle_chains(ctx, m, &cfg, given);
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
    if (!st && cfg.chains) st = gm__trail_new(ctx, m, &cfg, &s->trail);
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
    gm__trail_free(s->trail);
    gm_tape_free(s->tape);
    gm_model_free(s->m);
    s->h.magic = GM__DEAD;
    gm__free(ctx, s);
    gm_ctx_free(ctx);
}

gm_status gm_sampler_draw(gm_sampler *s, int64_t n, gm_tensor *cond, gm_tensor **out)
{
    if (out) *out = NULL;
    if (!gm__is(s, GM__SAMPLER) || !out) return GM_EARG;
    if (n < 1) return gm__fail_ctx(s->ctx, GM_EARG, "gm_sampler_draw: n must be 1 or more, not %lld", (long long)n);
    if (s->writer) return gm__fail_ctx(s->ctx, GM_EUNSUPPORTED, "gm_sampler_draw: %s writes text: gm_sampler_next, gm_sampler_write", s->m->family->name);
    if (!s->trail) GM__TRY(gm__cond_check(s->ctx, s->m, "gm_sampler_draw", n, cond));
    GM__TRY(gm__model_begin_use(s->m, s->ctx));
    gm_tensor *y = NULL;
    gm_status st = gm__model_new_rows(s->ctx, s->m, n, &y);
    if (!st && s->trail) st = gm__trail_draw(s->trail, s->tape, cond, n, gm__f32(y));
    else if (!st) st = gm__model_draw(s->m, s->tape, s->cfg.seed, s->next, n, s->cfg.temperature, cond, gm__f32(y));
    gm__model_end_use(s->m);
    if (st) {
        gm_tensor_free(y);
        return st;
    }
    s->next += (uint64_t)n;
    *out = y;
    return GM_OK;
}

gm_status gm_sampler_trace(gm_sampler *s, gm_tensor **out)
{
    if (out) *out = NULL;
    if (!gm__is(s, GM__SAMPLER) || !out) return GM_EARG;
    if (!s->trail) return gm__fail_ctx(s->ctx, GM_ESTATE, "gm_sampler_trace: the sampler was made without chains=N");
    return gm__trail_trace(s->trail, out);
}

/* ---- state, little-endian: a head of 32 bytes, what chains add, a checksum ---------------- */

enum { MAGIC = 0x31736d67 /* "gms1" */, MAGIC_CHAINS = 0x31636d67 /* "gmc1" */, HEAD = 32 };

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
    const size_t room = *size, crc = HEAD + (s->trail ? gm__trail_bytes(s->trail) : 0);
    *size = crc + 8;
    if (!out) return GM_OK;
    if (room < *size) return gm__fail_ctx(s->ctx, GM_ELIMIT, "gm_sampler_state_save: %zu bytes needed, room for %zu", *size, room);
    uint8_t *p = out;
    uint64_t temperature;
    memcpy(&temperature, &s->cfg.temperature, sizeof temperature);
    gm__put64(p, (s->trail ? MAGIC_CHAINS : MAGIC) | (uint64_t)model_mark(s->m) << 32);
    gm__put64(p + 8, s->cfg.seed);
    gm__put64(p + 16, s->trail ? gm__trail_next(s->trail) : s->next);
    gm__put64(p + 24, temperature);
    if (s->trail) gm__trail_put(s->trail, p + HEAD);
    gm__put64(p + crc, gm__crc64(0, p, crc));
    return GM_OK;
}

/* A head, and a checksum that fits all before it? */
static bool sound(const uint8_t *p, size_t size)
{
    if (size < HEAD + 8 || gm__get64(p + size - 8) != gm__crc64(0, p, size - 8)) return false;
    return (uint32_t)gm__get64(p) == MAGIC ? size == HEAD + 8 : (uint32_t)gm__get64(p) == MAGIC_CHAINS;
}

gm_status gm_sampler_state_load(gm_sampler *s, const void *in, size_t size)
{
    if (!gm__is(s, GM__SAMPLER)) return GM_EARG;
    if (!in) return gm__fail_ctx(s->ctx, GM_EARG, "gm_sampler_state_load: in is NULL");
    if (s->writer) return gm__writer_load(s->writer, in, size);
    const uint8_t *p = in;
    gm__trail *trail = NULL;
    if (!sound(p, size)) return gm__fail_ctx(s->ctx, GM_EFORMAT, "gm_sampler_state_load: not the state of a sampler");
    if (gm__get64(p) >> 32 != model_mark(s->m)) return gm__fail_ctx(s->ctx, GM_EARG, "gm_sampler_state_load: the state of a sampler of another model");
    gm__sampler_cfg cfg = { .struct_size = sizeof cfg, .seed = gm__get64(p + 8), .burn_in = -1, .thin = 1, .mean = 1 };
    uint64_t temperature = gm__get64(p + 24);
    memcpy(&cfg.temperature, &temperature, sizeof cfg.temperature);
    if (gm__opts_check(s->ctx, &gm__sampler_opts, &cfg)) return gm__fail_ctx(s->ctx, GM_EFORMAT, "gm_sampler_state_load: damaged state");
    if ((uint32_t)gm__get64(p) == MAGIC_CHAINS) {
        if (!s->m->family->gibbs) return gm__fail_ctx(s->ctx, GM_EFORMAT, "gm_sampler_state_load: chains, which a %s has not", s->m->family->name);
        GM__TRY(gm__trail_take(s->ctx, s->m, &cfg, gm__get64(p + 16), p + HEAD, size - HEAD - 8, &trail));
    }
    gm__trail_free(s->trail);
    s->trail = trail;
    s->cfg = cfg;
    s->next = gm__get64(p + 16);
    return GM_OK;
}
