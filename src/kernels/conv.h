/* conv.h - convolution on channels-last images.
 *
 * One geometry joins three arrays: a large image x [n,h,w,c], a small one y [n,oh,ow,o] and
 * weights w [o, c/groups, kh, kw]:
 *   y[n,i,j,o] = sum over r, q, c of x[n, i*stride - pad + r*dilation, .. q .., c] w[o,c,r,q]
 * Given two of them gm__conv_forward computes y, gm__conv_data x (the transposed convolution), gm__conv_weight w.
 * x and y are contiguous, w has any strides.
 */
#ifndef GM_KERNELS_CONV_H
#define GM_KERNELS_CONV_H

#include "kernels/kernels.h"

typedef struct gm__conv {
    size_t n, h, w, c;                  /* the large image */
    size_t oh, ow, o;                   /* the small one */
    size_t kh, kw, groups;              /* groups divides c and o */
    ptrdiff_t stride[2], pad[2], dilation[2];
    ptrdiff_t ws[4];                    /* steps of the weights' axes, in elements */
} gm__conv;

typedef struct gm__conv_end {           /* what happens to a finished result */
    const void *bias;                   /* a number a channel, or NULL; not with add */
    int act; double slope;              /* GM__ACT_*; not with add */
    bool add;                           /* result += */
} gm__conv_end;

/* Deterministic: tiles and the order of sums depend on the geometry alone. GM_ENOMEM when scratch cannot be
 * had. Not to be called inside a gm__parallel task. */
gm_status gm__conv_forward(gm_ctx *ctx, bool f64, const gm__conv *g, void *y, const void *x, const void *w, const gm__conv_end *end);
gm_status gm__conv_data(gm_ctx *ctx, bool f64, const gm__conv *g, void *x, const void *y, const void *w, const gm__conv_end *end);
/* w is contiguous here */
gm_status gm__conv_weight(gm_ctx *ctx, bool f64, const gm__conv *g, void *w, const void *x, const void *y, bool add);

/* ---- inside the convolution files --------------------------------------------------- */

/* The taps along one axis that meet a grid of results: tap i of n has index k + i*k_step in the
 * weights and reads the image at grid*step + at + i*at_step, at_step > 0. */
typedef struct gm__taps {
    size_t n;
    ptrdiff_t k, k_step, at, at_step, step;
} gm__taps;

/* A regular grid of results, all of which are the same sum over patches of an image. The forward
 * convolution is one such grid; by data each remainder of the position by the stride is one. */
typedef struct gm__grid {
    size_t n, size[2], first[2], step[2]; /* result (i,j) of an image lies at pixel first + i*step */
    gm__taps taps[2];
    size_t in[3], out[3];                 /* sizes and channels of the two images */
    size_t groups, cin, cout;             /* channels of a group */
    ptrdiff_t w_in, w_out, w_group, w_tap[2]; /* steps of the weights */
} gm__grid;

#endif
