/* gm/linalg.h - matrix factorisations and what follows from them, over the last two axes; leading axes are a batch.
 *
 * All as in gm/ops.h. LAPACK computes in f64 whatever the type of the tensors.
 */
#ifndef GM_LINALG_H
#define GM_LINALG_H

#include <gm/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif
#endif
