/* gm/image.h - operations on images and signals: convolution, pooling, resampling, padding, norms over channels.
 *
 * Images are [N, C, H, W], signals [N, C, L]. Results keep that shape and lie channels-last in memory (the
 * strides say so), which the next image op takes without a copy. All else as in gm/ops.h.
 */
#ifndef GM_IMAGE_H
#define GM_IMAGE_H

#include <gm/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- convolution ------------------------------------------------------------------ */
/* Sizes of a pair are those of H and W; NULL for a pair means stride 1, padding 0, dilation 1. */

/** Convolution: y[n,o,i,j] = b[o] + sum over c,r,q of w[o,c,r,q] x[n, c, i stride - pad + r dilation, ..], x = 0 outside.
 * @param x [N, C, H, W]. @param w [O, C/groups, kh, kw]. @param b [O], optional. @param groups divides C and O; C: one filter a channel.
 * @return [N, O, (H + 2 pad - dilation (kh-1) - 1)/stride + 1, ..]. @grad x w b, any. @since 0.1 @source LeCun et al. 1989 */
GM_API gm_tensor *gm_conv2d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, const int64_t stride[2], const int64_t pad[2],
                            const int64_t dilation[2], int64_t groups);
/** The same along one axis. @param x [N, C, L]. @param w [O, C/groups, k]. @param b [O], optional. @return [N, O, L']. @grad x w b, any. @since 0.1 */
GM_API gm_tensor *gm_conv1d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t stride, int64_t pad, int64_t dilation, int64_t groups);
/** Transposed convolution: the map that the gradient of gm_conv2d by its image is; enlarges by stride.
 * @param x [N, C, H, W]. @param w [C, O/groups, kh, kw]. @param b [O], optional. @param output_pad below stride or dilation; rows added at the end.
 * @return [N, O, (H-1) stride - 2 pad + dilation (kh-1) + output_pad + 1, ..]. @grad x w b, any. @since 0.1 */
GM_API gm_tensor *gm_conv_transpose2d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, const int64_t stride[2], const int64_t pad[2],
                                      const int64_t output_pad[2], const int64_t dilation[2], int64_t groups);
/** The same along one axis. @param x [N, C, L]. @param w [C, O/groups, k]. @param b [O], optional. @return [N, O, L']. @grad x w b, any. @since 0.1 */
GM_API gm_tensor *gm_conv_transpose1d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t stride, int64_t pad, int64_t output_pad,
                                      int64_t dilation, int64_t groups);
/** gm_conv2d with stride 1 of x enlarged twofold, each pixel repeated; a 3x3 kernel with pad 1 takes 4/9 of the products.
 * @param x [N, C, H, W]. @param w [O, C, kh, kw]. @param b [O], optional. @return [N, O, 2H + 2 pad - kh + 1, ..]. @grad x w b, any. @since 0.1 */
GM_API gm_tensor *gm_upsample_conv2d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t pad);
/* How an image of another size is made from places between pixels. */
enum { GM_NEAREST = 0, GM_BILINEAR = 1, GM_BICUBIC = 2 };

/* ---- pooling: sizes of a pair are those of H and W; stride NULL (or 0) is k, pad NULL is 0 and at most k/2 --- */

/** Largest value of each window; the gradient goes to the first of equal ones. NaN is larger than all. @param x [N, C, H, W]. @param k,stride,pad of the windows.
 *  @return [N, C, (H + 2 pad - k)/stride + 1, ..]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_max_pool2d(gm_tape *t, gm_tensor *x, const int64_t k[2], const int64_t stride[2], const int64_t pad[2]);
/** The same along one axis. @param x [N, C, L]. @return [N, C, L']. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_max_pool1d(gm_tape *t, gm_tensor *x, int64_t k, int64_t stride, int64_t pad);
/** Mean of each window. @param x [N, C, H, W]. @param count_pad 1: padding counts as zeros, as PyTorch does; 0: the mean is over pixels only.
 *  @return as gm_max_pool2d. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_avg_pool2d(gm_tape *t, gm_tensor *x, const int64_t k[2], const int64_t stride[2], const int64_t pad[2], int32_t count_pad);
/** The same along one axis. @param x [N, C, L]. @return [N, C, L']. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_avg_pool1d(gm_tape *t, gm_tensor *x, int64_t k, int64_t stride, int64_t pad, int32_t count_pad);
/** Means of oh x ow windows that cover the image; window i begins at floor(i H/oh) and ends before ceil((i+1) H/oh).
 *  @param x [N, C, H, W]. @return [N, C, oh, ow]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_adaptive_avg_pool2d(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow);
/** Largest values of the same windows. @param x [N, C, H, W]. @return [N, C, oh, ow]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_adaptive_max_pool2d(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow);
/** Mean of each channel. @param x [N, C, ...]. @return [N, C]. @grad x, any. @since 0.1 @source Lin et al. 2014 */
GM_API gm_tensor *gm_global_avg_pool(gm_tape *t, gm_tensor *x);

/* ---- resampling -------------------------------------------------------------------- */

/** An image of another size, larger or smaller (without smoothing before). Pixel centres lie at (i + 1/2) H/oh - 1/2 of x, places outside take the nearest
 *  pixel. @param x [N, C, H, W]. @param mode GM_NEAREST (floor(i H/oh)), GM_BILINEAR or GM_BICUBIC (Keys, a = -0.75). @return [N, C, oh, ow]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_upsample2d(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow, int32_t mode);
/** The same along one axis, with weights between two or four places. @param x [N, C, L]. @return [N, C, l]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_upsample1d(gm_tape *t, gm_tensor *x, int64_t l, int32_t mode);
/** Each pixel factor times in both directions. @param x [N, C, H, W] or [N, C, L]. @return [N, C, factor H, factor W]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_upsample_nearest(gm_tape *t, gm_tensor *x, int64_t factor);
/** The next smaller level of a Gaussian pyramid: smoothed by (1 4 6 4 1)/16 in both directions, then every second pixel. Outside the image is its
 *  reflection, in which the edge is not repeated. @param x [N, C, H, W]. @return [N, C, ceil(H/2), ceil(W/2)]. @grad x, any. @since 0.1 @source Burt & Adelson 1983 */
GM_API gm_tensor *gm_pyramid_down(gm_tape *t, gm_tensor *x);
/** The next larger level: x at even places, zeros between, reflected as in gm_pyramid_down and smoothed by (1 4 6 4 1)/8, so that constants stay.
 *  @param x [N, C, H, W]. @param oh,ow 2H or 2H-1, 2W or 2W-1. @return [N, C, oh, ow]. @grad x, any. @since 0.1 @source Burt & Adelson 1983 */
GM_API gm_tensor *gm_pyramid_up(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow);
/** One level of a Laplacian pyramid: what gm_pyramid_up of the next smaller level lacks, x - up(down(x)).
 *  @param x [N, C, H, W]. @param coarse receives down(x), [N, C, ceil(H/2), ceil(W/2)]; may be NULL. @return x's shape. @grad x, any. @since 0.1 @source Burt & Adelson 1983 */
GM_API gm_tensor *gm_laplacian_split(gm_tape *t, gm_tensor *x, gm_tensor **coarse);
/** The inverse, exact but for rounding: up(coarse) + band. @param coarse [N, C, ceil(H/2), ceil(W/2)]. @param band [N, C, H, W]. @return band's shape. @grad coarse band, any. @since 0.1 */
GM_API gm_tensor *gm_laplacian_join(gm_tape *t, gm_tensor *coarse, gm_tensor *band);
/** Channels to pixels: y[n, c, h r + i, w r + j] = x[n, (c r + i) r + j, h, w]. @param x [N, C r r, H, W]. @return [N, C, H r, W r]. @grad x, any. @since 0.1 @source Shi et al. 2016 */
GM_API gm_tensor *gm_pixel_shuffle(gm_tape *t, gm_tensor *x, int64_t r);
/** The inverse. @param x [N, C, H r, W r]. @return [N, C r r, H, W]. @grad x, any. @since 0.1 */
GM_API gm_tensor *gm_pixel_unshuffle(gm_tape *t, gm_tensor *x, int64_t r);

/* ---- norms; gm_batch_norm and gm_layer_norm are in gm/ops.h ------------------------- */

/** Normalises each channel of each image over its pixels: (x-mean)/sqrt(var+eps) w + b, var divided by the number of pixels.
 *  @param x [N, C, ...]. @param w,b [C], optional. @return x's shape. @grad x w b, any. @since 0.1 @source Ulyanov et al. 2016 */
GM_API gm_tensor *gm_instance_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, double eps);
/** Normalises groups of C/groups neighbouring channels of each image over their pixels. One group is the layer norm of whole images.
 *  @param x [N, C, ...]. @param groups divides C. @param w,b [C], optional. @return x's shape. @grad x w b, any. @since 0.1 @source Wu & He 2018 */
GM_API gm_tensor *gm_group_norm(gm_tape *t, gm_tensor *x, int64_t groups, gm_tensor *w, gm_tensor *b, double eps);
/** x/sqrt(mean(x^2)+eps) w over the last axis. @param x [..., N]. @param w [N], optional. @return x's shape. @grad x w, any. @since 0.1 @source Zhang & Sennrich 2019 */
GM_API gm_tensor *gm_rms_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, double eps);

/* ---- how alike two images are ---------------------------------------------------------- */

/** Peak signal-to-noise ratio of each pair, 10 log10(range^2 / mean (x-y)^2), dB; inf for equal ones. @param x,y [N, C, H, W]. @param range > 0: largest value less the
 *  smallest, 1 for images in [0,1]. @return [N]. @grad x y, any. @since 0.1 */
GM_API gm_tensor *gm_psnr(gm_tape *t, gm_tensor *x, gm_tensor *y, double range);
/** Structural similarity of each pair: mean over channels and places of (2 m n + c)(2 s_xy + d) / ((m^2 + n^2 + c)(s_x^2 + s_y^2 + d)), m, n, s from Gaussian windows of
 *  11x11 pixels (deviation 1.5) that lie inside, c = (range/100)^2, d = 9c. 1 for equal images. @param x,y [N, C, H, W], H and W 11 or more. @param range as in gm_psnr. @return [N].
 *  @grad x y, any. @since 0.1 @source Wang et al. 2004 */
GM_API gm_tensor *gm_ssim(gm_tape *t, gm_tensor *x, gm_tensor *y, double range);

#ifdef __cplusplus
}
#endif
#endif
