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

#endif
