/* ops.h - what op files share: the list, attribute helpers, the sample language.
 *
 * One op is one file and one row in ops.def. Its samples are text, '|' between
 * samples; a sample is blank-separated words:
 *   7,17      an input of shape [7,17] (. for a tensor of no dimensions), f64 values in (-2,2)
 *   7,17:p    values in (0.5,2)       :u in (0.05,0.95)    :b u8 0/1     :k5 i64 in [0,5)   :K5 i32
 *   7,17:t    stored transposed (strides reversed)  :s stored with a gap along the last axis
 *   -         an absent optional input
 *   i=1,2     attr.i    f=0.5   attr.f
 * Letters combine (7,17:pt). From the samples the suite makes reference values
 * (tests/vectors/ops.py through PyTorch), first and second gradients in f64, f32
 * against f64, determinism and failing allocations.
 */
#ifndef GM_OPS_OPS_INTERNAL_H
#define GM_OPS_OPS_INTERNAL_H

#include "kernels/kernels.h"
#include "tape/tape.h"
#include <gm/ops.h>

#define GM__OP(name) extern const gm__op gm__op_##name;
#include "ops/ops.def"
#undef GM__OP
extern const gm__op *const gm__all_ops[]; /* NULL-terminated, in ops.def's order */

static inline bool gm__f64_of(const gm_tensor *x) { return x->dtype == GM_F64; }
/* normalises an axis; -1 on failure, after recording it */
int gm__axis(gm__call *c, int64_t axis, int ndim);
gm_status gm__infer_same(gm__call *c);       /* out like in[0]; f32 or f64 demanded */
gm_status gm__infer_broadcast(gm__call *c);  /* all inputs float of equal type, broadcast */
/* sums g down to the shape of x (inverse of broadcasting), emits ops */
gm_tensor *gm__sum_to(gm_tape *t, gm_tensor *g, const gm_tensor *x);
gm_tensor *gm__reduce_loss(gm_tape *t, gm_tensor *loss, int32_t reduce); /* NONE, MEAN, SUM */

#endif
