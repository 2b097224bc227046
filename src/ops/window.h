/* window.h - what the ops on windows of an image share: the windows and weights of one axis, image arguments.
 *
 * A linear op on images that treats its axes alike (averages, resampling) is a pair of sparse matrices, one an axis.
 * gm__taps holds such a matrix: each row is a run of weights.
 */
#ifndef GM_OPS_WINDOW_H
#define GM_OPS_WINDOW_H

#include "ops/elementwise.h"
#include "ops/layout.h"
#include <gm/image.h>

/* One axis of a pooling: out windows of k places, s apart, over in places with pad unknown ones before; k = 0: adaptive. */
typedef struct gm__span { int64_t in, out, k, s, pad; } gm__span;
void gm__window(const gm__span *s, int64_t i, int64_t *lo, int64_t *hi); /* places [lo, hi) of window i */
/* [out] ends of all windows, taken from the tape; false after recording a failure */
bool gm__windows(gm_tape *t, const gm__span *s, const uint32_t **from, const uint32_t **to);

/* How an axis is resampled. What the user names comes first. */
enum { GM__R_NEAREST = GM_NEAREST, GM__R_BILINEAR = GM_BILINEAR, GM__R_BICUBIC = GM_BICUBIC, GM__R_AVERAGE, GM__R_AVERAGE_PAD /* counts padding */,
       GM__R_PYRAMID_DOWN, GM__R_PYRAMID_UP, GM__R_GAUSSIAN /* a window of 11 places, deviation 1.5, no padding */, GM__R_COUNT };

/* Row r is sum over k in [at[r], at[r+1]) of w[k] times place from[r] + k - at[r]. */
typedef struct gm__taps {
    size_t rows;
    const uint32_t *from, *at;
    const void *w;  /* of the images' type */
    bool identity;
} gm__taps;
/* The matrix of an axis, or its transpose; false after recording a failure. Sizes are below 2^31. */
bool gm__taps_make(gm_tape *t, int mode, bool transpose, const gm__span *s, bool f64, gm__taps *out);

/* The linear op: x [N,H,W,C] -> [N,OH,OW,C], or its transpose from [N,OH,OW,C] back; axes: of H, W. */
gm_tensor *gm__resample(gm_tape *t, gm_tensor *x, int mode, bool transpose, const gm__span axes[2]);

/* An argument [N,C,H,W] (or [N,C,L]) as contiguous [N,H,W,C] with H = 1 for a signal, and back. NULL after a failure, which names who. */
gm_tensor *gm__image_in(gm_tape *t, const char *who, gm_tensor *x, bool signal);
gm_tensor *gm__image_out(gm_tape *t, gm_tensor *y, bool signal);
/* Spans of a pooling of image x [N,H,W,C]: stride NULL is k, pad NULL is 0; false after a failure, which names who. */
bool gm__pool_spans(gm_tape *t, const char *who, const gm_tensor *x, const int64_t k[2], const int64_t stride[2], const int64_t pad[2],
                    gm__span axes[2]);
bool gm__adaptive_spans(gm_tape *t, const char *who, const gm_tensor *x, int64_t oh, int64_t ow, gm__span axes[2]);

#endif
