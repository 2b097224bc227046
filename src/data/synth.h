/* synth.h - built-in sources of data, inside src/data only. */
#ifndef GM_DATA_SYNTH_H
#define GM_DATA_SYNTH_H

#include "data/data.h"

typedef struct gm__synth_config {
    int64_t n;
    uint64_t seed;
    double sigma; /* noise; default by kind */
    int32_t size; /* bars: side of the picture */
    int64_t items; /* ratings: columns */
    double hold;  /* ratings: share of them that x is not told */
} gm__synth_config;

typedef struct gm__synth {
    const char *name;
    uint32_t id;      /* of its streams; never changed */
    double sigma;     /* default */
    const char *opts; /* which options it has beside n and seed, in words */
    bool labels;
    int modes;        /* a mixture of so many equal Gaussians, whose centres synth.c knows; 0: something else */
    int dtype, ndim;
    int64_t shape[3]; /* of a row; -1: size, -2: items */
    /* Draws one row. Its numbers come from r alone, so a row never depends on how many there are. */
    void (*draw)(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label);
} gm__synth;

void gm__synth_digit(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label);
enum { GM__SYNTH_RATINGS = 7 };
void gm__synth_user(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label);
void gm__synth_shape(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label);

#endif
