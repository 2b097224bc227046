/* synth_ratings.c - users who rate items from 1 to 5: a mean, what a user and an item add to it, tastes that meet (rank 4), noise;
 * rounded. Which items a user rates depends on how busy the user and how well known the item is, not on the rating. */
#include "data/synth.h"
#include <math.h>

enum { TASTES = 4 };
static const uint64_t ITEMS = (uint64_t)1 << 40; /* streams of items lie behind those of rows */

void gm__synth_user(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label)
{
    double taste[TASTES], kind = 0.45 * gm__rng_normal(r), busy = exp(0.6 * gm__rng_normal(r));
    for (int k = 0; k < TASTES; k++) taste[k] = gm__rng_normal(r);
    *label = 0;
    for (int64_t i = 0; i < c->items; i++) {
        gm__rng item = gm__rng_make(gm__stream_make(c->seed, GM__R_SYNTH, GM__SYNTH_RATINGS, ITEMS + (uint64_t)i));
        double good = 3.6 + kind + 0.5 * gm__rng_normal(&item), known = exp(0.8 * gm__rng_normal(&item));
        for (int k = 0; k < TASTES; k++) good += 0.3 * taste[k] * gm__rng_normal(&item);
        const bool rated = gm__rng_unit(r) < 1 - exp(-0.08 * busy * known);
        good += c->sigma * gm__rng_normal(r);
        ((float *)x)[i] = rated ? (float)fmin(5, fmax(1, floor(good + 0.5))) : NAN;
    }
}
