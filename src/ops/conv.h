/* conv.h - what the convolutions share.
 *
 * Three ops, each linear in two of the arrays of one geometry (kernels/conv.h): conv2d takes a large image
 * x [N,H,W,C] and weights w [O,C/groups,kh,kw] to a small image y [N,OH,OW,O], conv_transpose2d y and w to x,
 * conv2d_weight x and y to w. The gradients of each are the other two. Images are channels-last.
 * attr.i: [0,1] stride, [2,3] padding, [4,5] dilation, [6] groups, [7] GM_ACT_*, [8,9] sizes that the inputs do not
 * give (H,W or kh,kw), [10] 1 for a signal, whose H and kh are 1. attr.f[0]: slope of leaky relu.
 */
#ifndef GM_OPS_CONV_H
#define GM_OPS_CONV_H

#include "kernels/conv.h"
#include "ops/layout.h"
#include "ops/linear.h"
#include <gm/image.h>

enum { GM__CONV_GROUPS = 6, GM__CONV_ACT, GM__CONV_SIZE, GM__CONV_SIGNAL = 10 };

/* Checks of infer; name is that of the public function. */
const char *gm__conv_name(const gm__call *c, const char *name); /* "conv2d" or "conv1d" */
gm_status gm__conv_check(gm__call *c, const char *name);        /* types, ranks, attributes, bias if there is one */
gm_status gm__conv_groups(gm__call *c, const char *name, int64_t channels, int64_t filters);
/* Size of the small image along an axis: at least 1, else a failure. */
gm_status gm__conv_size(gm__call *c, const char *name, int axis, int64_t size, int64_t kernel, int64_t *out);

gm__conv gm__conv_of(const gm__attr *a, const gm_tensor *x, const gm_tensor *y, const gm_tensor *w);
gm_status gm__conv_failed(gm_tape *t, gm_status s); /* with a message in the tape */
/* gb[c] = or += sum over pixels of g [.., c], contiguous */
gm_status gm__conv_bias(gm_tape *t, const gm_tensor *g, gm_tensor *gb, bool add);
gm_tensor *gm__conv_bias_vjp(gm_tape *t, gm_tensor *g);

/* The ops themselves on channels-last images. */
gm_tensor *gm__conv_apply(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, const gm__attr *a);
gm_tensor *gm__conv_transpose_apply(gm_tape *t, gm_tensor *y, gm_tensor *w, gm_tensor *b, const gm__attr *a);
gm_tensor *gm__conv_weight_apply(gm_tape *t, gm_tensor *x, gm_tensor *y, const gm__attr *a);

/* Public functions: attributes from size pairs, of which NULL is the default; a signal [N,C,L] as an image [N,1,L,C]. */
gm__attr gm__conv_attr(const int64_t stride[2], const int64_t pad[2], const int64_t dilation[2], int64_t groups);
gm__attr gm__conv_attr1(int64_t stride, int64_t pad, int64_t dilation, int64_t groups);
gm_tensor *gm__conv_image(gm_tape *t, const char *name, gm_tensor *x, bool signal);
gm_tensor *gm__conv_filter(gm_tape *t, const char *name, gm_tensor *w, bool signal);
gm_tensor *gm__conv_result(gm_tape *t, gm_tensor *y, bool signal);

/* The public functions with an activation in the store; act GM_ACT_*, slope that of leaky relu. Signals where
 * attr.i[GM__CONV_SIGNAL] says so (gm__conv_attr1). */
gm_tensor *gm__conv_act(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, gm__attr a, int32_t act, double slope);
gm_tensor *gm__conv_transpose_act(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, gm__attr a, const int64_t output_pad[2],
                                  int32_t act, double slope);
gm_tensor *gm__upsample_conv2d_act(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t pad, int32_t act, double slope);
/* Notes the activation in a; false if it has to follow as an op of its own. */
bool gm__conv_fuse(gm__attr *a, int32_t act, double slope);

#endif
