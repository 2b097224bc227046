/* binary.h - what binary_linear and bernoulli_linear share: x W + b (straight, W [in, out]) or x W^T + b (W [out, in]) for
 * x [N, in] whose numbers are 0 or 1, for which f32 takes a faster product than for others. attr.i[0]: straight. */
#ifndef GM_OPS_BINARY_H
#define GM_OPS_BINARY_H

#include "ops/ops.h"

gm_status gm__binary_infer(gm__call *c);
/* The product as a job without its ends c, y. False where x holds other numbers, or after recording a failure. */
bool gm__binary_job(gm__call *c, gm__bits *g);
/* The same for any x: y contiguous. */
gm_status gm__binary_dense(gm__call *c, gm_tensor *y);
gm_status gm__binary_run(gm_tape *t, const gm__bits *g);

#endif
