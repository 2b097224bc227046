/* layout.h - images that lie channels-last in memory.
 *
 * Image ops take and give logical [N, C, s..] but compute on [N, s.., C], contiguous. Their
 * results are views of that, so the next image op finds its input without a copy;
 * elementwise ops in between keep the order (GM__OP_EW, gm__apply_last).
 */
#ifndef GM_OPS_LAYOUT_H
#define GM_OPS_LAYOUT_H

#include "ops/ops.h"

bool gm__is_last(const gm_tensor *x);                 /* [N, C, s..] that is not row-major, but is as [N, s.., C] */
gm_tensor *gm__to_last(gm_tape *t, gm_tensor *x);     /* [N, C, s..] -> [N, s.., C] contiguous: a view if x lies so, else a copy */
gm_tensor *gm__from_last(gm_tape *t, gm_tensor *x);   /* [N, s.., C] -> [N, C, s..], a view */

#endif
