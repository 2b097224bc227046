/* c2st.h - the judges of gm_c2st. */
#ifndef GM_METRICS_C2ST_H
#define GM_METRICS_C2ST_H

#include "metrics/metrics.h"

/* Share of rows that logistic regression, learned on the other half, puts into the right half of `all`. */
gm_status gm__logistic(gm_ctx *ctx, const gm__set *all, double *value);

#endif
