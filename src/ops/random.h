/* random.h - draws for ops whose input may be f32 or f64. */
#ifndef GM_OPS_RANDOM_H
#define GM_OPS_RANDOM_H

#include "ops/elementwise.h"

/* Draws in the shape and type of x (drawn as f32, then converted); NULL after recording a failure. */
static inline gm_tensor *gm__draw_like(gm_tape *t, int kind, const gm_tensor *x, float keep)
{
    gm_tensor *d = gm__tape_tensor(t, GM_F32, x->ndim, x->shape), *wide;
    if (!d) return NULL;
    gm__tape_fill(t, kind, d, NULL, keep);
    if (t->err.status) return NULL;
    if (x->dtype == GM_F32) return d;
    if ((wide = gm__tape_tensor(t, x->dtype, x->ndim, x->shape))) gm__copy_values(t->ctx, wide, d);
    return wide;
}

/* Two uniforms for each element of x, from which gm__element makes the element a stream of its own: for draws
 * that need a varying number of random words. NULL after recording a failure. */
static inline const float *gm__draw_keys(gm_tape *t, const gm_tensor *x)
{
    int64_t shape[2] = {x->ndim > 0 ? x->shape[0] : 1, 2};
    for (int i = 1; i < x->ndim; i++) shape[1] *= x->shape[i];
    gm_tensor *d = gm__tape_tensor(t, GM_F32, 2, shape);
    if (!d) return NULL;
    gm__tape_fill(t, GM__FILL_UNIFORM, d, NULL, 0);
    return t->err.status ? NULL : gm__f32(d);
}
static inline gm__rng gm__element(const float *keys, size_t i)
{
    uint64_t hi = (uint64_t)(keys[2 * i] * 0x1p24f), lo = (uint64_t)(keys[2 * i + 1] * 0x1p24f);
    return gm__rng_make(gm__stream_make(hi << 24 | lo, GM__R_ELEMENT, 0, 0));
}

#endif
