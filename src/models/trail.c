/* trail.c - a sampler's persistent chains, which go on from draw to draw.
 *
 * Row i of the stream is chain i modulo `chains` at the kept step i / chains. `burn-in` steps come before the first kept one, and
 * `thin` before each. A stretch of steps of chain c draws from (seed, SAMPLE, number of the stretch, c): chains depend neither
 * on each other nor on how the stream is cut. */
#include "models/gibbs.h"
#include <string.h>

struct gm__trail {
    gm_ctx *ctx;
    gm_model *m;             /* the sampler's */
    gm__sampler_cfg cfg;
    uint64_t next, stretch;  /* rows given, stretches gone */
    gm_tensor *state, *rows; /* [chains, width], [chains, row] of the last kept step; NULL before the first */
    gm_tensor *old_state, *old_rows; /* where they were before a draw that may fail */
    uint64_t *number;        /* [chains]: 0, 1, .. */
    float *trace;            /* [kept, chains] */
    size_t kept, cap;
};

gm_status gm__trail_new(gm_ctx *ctx, gm_model *m, const gm__sampler_cfg *c, gm__trail **out)
{
    gm__trail *w = gm__calloc(ctx, 1, sizeof *w);
    const size_t n = (size_t)c->chains;
    *out = NULL;
    if (!w) return GM_ENOMEM;
    w->ctx = ctx;
    w->m = m;
    w->cfg = *c;
    gm_status s = (w->number = gm__alloc(ctx, n, sizeof *w->number)) ? GM_OK : GM_ENOMEM;
    for (size_t i = 0; !s && i < n; i++) w->number[i] = i;
    if (s) gm__trail_free(w);
    else *out = w;
    return s;
}

void gm__trail_free(gm__trail *w)
{
    if (!w) return;
    gm_tensor *const all[] = {w->state, w->rows, w->old_state, w->old_rows};
    for (size_t i = 0; i < GM__COUNT(all); i++) gm_tensor_free(all[i]);
    gm__free(w->ctx, w->number);
    gm__free(w->ctx, w->trace);
    gm__free(w->ctx, w);
}

/* ---- steps ----------------------------------------------------------------------------- */

/* Room for states of this width. */
static gm_status make_room(gm__trail *w, int64_t width)
{
    const int64_t n = w->cfg.chains;
    gm_tensor **const all[] = {&w->state, &w->old_state, &w->rows, &w->old_rows};
    for (size_t i = 0; i < GM__COUNT(all); i++)
        if (!*all[i]) GM__TRY(gm_tensor_new(w->ctx, GM_F32, 2, (int64_t[]){n, i < 2 ? width : w->m->row}, all[i]));
    return GM_OK;
}

/* A tape whose random ops draw the next stretch, and what is held there. */
static gm__held begin_stretch(gm__trail *w, gm_tape *t, gm_tensor *cond)
{
    gm__batch b = {.t = t};
    gm_tape_reset(t);
    gm__tape_rows(t, w->cfg.seed, GM__R_SAMPLE, (uint32_t)w->stretch, w->number, (size_t)w->cfg.chains);
    if (w->stretch++ >= UINT32_MAX) gm__tape_fail(t, GM_ELIMIT, "sampler: chains of more than %u stretches of steps", (unsigned)UINT32_MAX);
    if (cond) gm__cond_rows(w->m, &b, cond, 0, w->cfg.chains);
    else if (gm__model_condition(w->m)) b.cond = gm__cond_in_turn(w->m, t, 0, w->cfg.chains);
    return (gm__held){.cond = b.cond};
}

static gm_status begin(gm__trail *w, gm_tape *t, gm_tensor *cond)
{
    begin_stretch(w, t, cond);
    gm_tensor *x = gm_tape_status(t) ? NULL : w->m->family->gibbs->start(w->m, t, w->cfg.chains, w->cfg.temperature);
    if (!x) return gm__tape_failed(w->ctx, t);
    gm_status s = make_room(w, x->shape[1]);
    return s ? s : gm_tensor_assign(w->state, x);
}

static gm_status remember(gm__trail *w, const gm_tensor *energy)
{
    const size_t n = (size_t)w->cfg.chains;
    if (w->kept == w->cap) {
        const size_t cap = w->cap ? 2 * w->cap : 64;
        size_t all;
        float *p = gm__mul(cap, n, &all) ? gm__realloc(w->ctx, w->trace, all, sizeof *p) : NULL;
        if (!p) return gm__fail_ctx(w->ctx, GM_ENOMEM, "sampler: no memory for a trace of %zu steps of %zu chains", cap, n);
        w->trace = p, w->cap = cap;
    }
    memcpy(w->trace + w->kept++ * n, energy->data, n * sizeof(float));
    return GM_OK;
}

/* One stretch. The last one before a row is kept gives the rows. */
static gm_status go(gm__trail *w, gm_tape *t, gm_tensor *cond, int64_t steps, bool keep)
{
    const gm__gibbs *by = w->m->family->gibbs;
    const gm__held held = begin_stretch(w, t, cond);
    gm_tensor *rows = NULL, *energy = NULL, *x = NULL;
    if (!gm_tape_status(t)) x = by->step(w->m, t, gm_detach(t, w->state), steps, w->cfg.temperature, &held, w->cfg.mean, keep ? &rows : NULL);
    if (x && keep) {
        rows = gm__scale_out(w->m, t, rows);
        rows = rows ? gm_reshape(t, rows, 2, w->rows->shape) : NULL;
        energy = w->cfg.trace ? by->energy(w->m, t, x) : NULL;
        energy = energy ? gm__tape_contiguous(t, energy) : NULL;
    }
    if (!x || gm_tape_status(t)) return gm__tape_failed(w->ctx, t);
    GM__TRY(gm_tensor_assign(w->state, x));
    if (energy) GM__TRY(remember(w, energy));
    return keep ? gm_tensor_assign(w->rows, rows) : GM_OK;
}

/* Every chain to its next kept step. */
static gm_status advance(gm__trail *w, gm_tape *t, gm_tensor *cond)
{
    int64_t left = w->cfg.thin;
    if (!w->next) {
        GM__TRY(begin(w, t, cond));
        left += w->cfg.burn_in;
    }
    while (left > 0) {
        const int64_t steps = left < GM__GIBBS_STRETCH ? left : GM__GIBBS_STRETCH;
        GM__TRY(gm__check_cancel(w->ctx));
        GM__TRY(go(w, t, cond, steps, steps == left));
        left -= steps;
    }
    return GM_OK;
}

static gm_status draw(gm__trail *w, gm_tape *t, gm_tensor *cond, int64_t n, float *out)
{
    const int64_t chains = w->cfg.chains, row = w->m->row;
    while (n > 0) {
        const int64_t at = (int64_t)(w->next % (uint64_t)chains), k = chains - at < n ? chains - at : n;
        if (at == 0) GM__TRY(advance(w, t, cond));
        memcpy(out, gm__f32(w->rows) + at * row, (size_t)(k * row) * sizeof *out);
        w->next += (uint64_t)k, n -= k, out += k * row;
    }
    return GM_OK;
}

gm_status gm__trail_draw(gm__trail *w, gm_tape *t, gm_tensor *cond, int64_t n, float *out)
{
    const uint64_t next = w->next, stretch = w->stretch;
    const size_t kept = w->kept;
    GM__TRY(gm__cond_check(w->ctx, w->m, "gm_sampler_draw: chains", w->cfg.chains, cond));
    if (next) GM__TRY(gm_tensor_assign(w->old_state, w->state));
    if (next) GM__TRY(gm_tensor_assign(w->old_rows, w->rows));
    gm_status s = draw(w, t, cond, n, out);
    gm__tape_rows(t, 0, 0, 0, NULL, 0);
    gm_tape_reset(t);
    if (!s) return GM_OK;
    w->next = next, w->stretch = stretch, w->kept = kept;
    if (next) memcpy(w->state->data, w->old_state->data, (size_t)w->state->size * sizeof(float));
    if (next) memcpy(w->rows->data, w->old_rows->data, (size_t)w->rows->size * sizeof(float));
    return s;
}

gm_status gm__trail_trace(gm__trail *w, gm_tensor **out)
{
    const int64_t n = w->cfg.chains, kept = (int64_t)w->kept;
    if (!w->cfg.trace) return gm__fail_ctx(w->ctx, GM_ESTATE, "gm_sampler_trace: the sampler was made without trace=on");
    if (!kept) return gm__fail_ctx(w->ctx, GM_ESTATE, "gm_sampler_trace: nothing was drawn yet");
    GM__TRY(gm_tensor_new(w->ctx, GM_F32, 2, (int64_t[]){n, kept}, out));
    for (int64_t c = 0; c < n; c++)
        for (int64_t k = 0; k < kept; k++) gm__f32(*out)[c * kept + k] = w->trace[k * n + c];
    return GM_OK;
}

uint64_t gm__trail_next(const gm__trail *w) { return w->next; }

/* ---- saved, little-endian: numbers, then states and rows ------------------------------------- */

enum { NUMBERS = 5 };

static size_t floats_of(const gm__trail *w) { return w->next ? (size_t)w->state->size + (size_t)w->rows->size : 0; }
size_t gm__trail_bytes(const gm__trail *w) { return 8 * NUMBERS + 4 * floats_of(w); }

static uint8_t *put_floats(uint8_t *p, const gm_tensor *x)
{
    for (int64_t i = 0; i < x->size; i++, p += 4) {
        uint32_t u;
        memcpy(&u, gm__f32(x) + i, sizeof u);
        for (int k = 0; k < 4; k++) p[k] = (uint8_t)(u >> 8 * k);
    }
    return p;
}
static const uint8_t *take_floats(const uint8_t *p, gm_tensor *x)
{
    for (int64_t i = 0; i < x->size; i++, p += 4) {
        const uint32_t u = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        memcpy(gm__f32(x) + i, &u, sizeof u);
    }
    return p;
}

void gm__trail_put(const gm__trail *w, uint8_t *p)
{
    const gm__sampler_cfg *c = &w->cfg;
    const uint64_t number[NUMBERS] = {(uint64_t)c->chains | (uint64_t)(c->mean != 0) << 32 | (uint64_t)(c->trace != 0) << 33, (uint64_t)c->burn_in,
                                      (uint64_t)c->thin, w->stretch, w->next ? (uint64_t)w->state->shape[1] : 0};
    for (int i = 0; i < NUMBERS; i++, p += 8) gm__put64(p, number[i]);
    if (w->next) put_floats(put_floats(p, w->state), w->rows);
}

gm_status gm__trail_take(gm_ctx *ctx, gm_model *m, gm__sampler_cfg *c, uint64_t next, const uint8_t *p, size_t n, gm__trail **out)
{
    uint64_t number[NUMBERS] = {0};
    size_t floats = 0;
    gm_status s = GM_OK;
    *out = NULL;
    for (size_t i = 0; n >= 8 * NUMBERS && i < NUMBERS; i++) number[i] = gm__get64(p + 8 * i);
    c->chains = (int32_t)(number[0] & INT32_MAX), c->mean = number[0] >> 32 & 1, c->trace = number[0] >> 33 & 1;
    c->burn_in = (int64_t)number[1], c->thin = (int64_t)number[2];
    const bool sound = c->chains > 0 && !gm__opts_check(ctx, &gm__sampler_opts, c) && (next == 0) == (number[4] == 0) && number[4] <= n
                    && gm__mul((size_t)c->chains, (size_t)number[4] + (next ? (size_t)m->row : 0), &floats) && floats <= n && n == 8 * NUMBERS + 4 * floats;
    if (!sound) return gm__fail_ctx(ctx, GM_EFORMAT, "gm_sampler_state_load: damaged state");
    GM__TRY(gm__trail_new(ctx, m, c, out));
    if (next) s = make_room(*out, (int64_t)number[4]);
    if (!s && next) take_floats(take_floats(p + 8 * NUMBERS, (*out)->state), (*out)->rows);
    (*out)->next = next, (*out)->stretch = number[3];
    if (!s) return GM_OK;
    gm__trail_free(*out);
    *out = NULL;
    return s;
}
