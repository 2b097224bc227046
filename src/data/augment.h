/* augment.h - rows of pictures changed at random each time they are seen; inside src/data only. */
#ifndef GM_DATA_AUGMENT_H
#define GM_DATA_AUGMENT_H

#include "data/data.h"

typedef struct gm__augment {
    bool on;
    int32_t flip, vflip, shift, fill, crop, erase;
    double brightness, contrast, noise;
    bool clamp;                       /* the data are pictures of u8: stay in [0,1] */
    int64_t channels, height, width;  /* 1, 1, all numbers where no option asks for places */
} gm__augment;
enum { GM__FILL_ZERO, GM__FILL_EDGE };

/* "flip,shift=2,noise=0.1" for rows of column x; NULL or "" switches it off. */
gm_status gm__augment_make(gm_ctx *ctx, const char *text, const gm__column *x, gm__augment *out);
/* One row in place; work has its size. stream is the row's own: (seed, DATA, epoch, row). */
void gm__augment_row(const gm__augment *a, const gm__kern *kern, gm__stream stream, float *x, float *work);

#endif
