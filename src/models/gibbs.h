/* gibbs.h - Gibbs chains of the Boltzmann machines, behind the sampler's chains and gm_complete. */
#ifndef GM_MODELS_GIBBS_H
#define GM_MODELS_GIBBS_H

#include "models/model.h"

/* What does not move: visible units where clamp (u8, [1 or N, row]) says so, at the values v [N, row]; labels at cond [N, classes]. Any of them may be NULL. */
typedef struct gm__held { gm_tensor *v, *clamp, *cond; } gm__held;

/* A family's part. A state is a row of f32 numbers that is enough to go on from. All is on a tape that does not record, which also holds the failures. */
typedef struct gm__gibbs {
    gm_tensor *(*start)(const gm_model *m, gm_tape *t, int64_t n, double temperature); /* [n, width]: noise */
    gm_tensor *(*units)(const gm_model *m, gm_tape *t, gm_tensor *x); /* rows to be held, checked: [N, shape] -> [N, row] */
    /* One step or more. *rows (NULL: not asked for) receives [N, shape]: the mean of the visible units at the last, or their states */
    gm_tensor *(*step)(const gm_model *m, gm_tape *t, gm_tensor *state, int64_t steps, double temperature, const gm__held *held, bool mean, gm_tensor **rows);
    gm_tensor *(*energy)(const gm_model *m, gm_tape *t, gm_tensor *state); /* [N]: -log of what is proportional to p(state) */
} gm__gibbs;

enum { GM__GIBBS_STRETCH = 100 }; /* steps between two looks at the cancel flag, of one stream of draws each */

/* ---- trail.c: the chains of a sampler, that go on from draw to draw ---------------------------- */

typedef struct gm__sampler_cfg {
    uint32_t struct_size;
    int32_t chains, mean, trace;
    int64_t burn_in, thin;
    double temperature;
    uint64_t seed;
} gm__sampler_cfg;
typedef struct gm__trail gm__trail;

gm_status gm__trail_new(gm_ctx *ctx, gm_model *m, const gm__sampler_cfg *c, gm__trail **out); /* m outlives it */
void gm__trail_free(gm__trail *w);
/* The next n rows into out, [n, row]. A failure moves nothing. */
gm_status gm__trail_draw(gm__trail *w, gm_tape *t, gm_tensor *cond, int64_t n, float *out);
uint64_t gm__trail_next(const gm__trail *w); /* rows given so far */
gm_status gm__trail_trace(gm__trail *w, gm_tensor **out);
/* What a saved state has beside seed, temperature and rows given: all else of the options, and the chains. */
size_t gm__trail_bytes(const gm__trail *w);
void gm__trail_put(const gm__trail *w, uint8_t *p);
gm_status gm__trail_take(gm_ctx *ctx, gm_model *m, gm__sampler_cfg *c, uint64_t next, const uint8_t *p, size_t n, gm__trail **out); /* GM_EFORMAT */

#endif
