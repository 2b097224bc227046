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

#ifdef __cplusplus
}
#endif
#endif
