/* index.h - reading and checking index tensors. */
#ifndef GM_OPS_INDEX_H
#define GM_OPS_INDEX_H

#include "ops/elementwise.h"

/* i32 or i64 demanded */
gm_status gm__index_type(gm__call *c, const gm_tensor *ix);
/* all indices as a contiguous i64 array, each in [0, n); GM_EARG names the first that is not */
gm_status gm__index_read(gm_tape *t, const char *who, gm_tensor *ix, int64_t n, const int64_t **out);

#endif
