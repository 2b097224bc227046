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

#ifdef __cplusplus
}
#endif
#endif
