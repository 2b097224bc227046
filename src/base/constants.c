/* constants.c - public constants by name, for bindings that see no macros. */
#include "base/base.h"
#include <gm/gm.h>
#include <string.h>

#define ROW(name) { #name, name }

static const struct {
    const char *name;
    int64_t value;
} table[] = {
#define STATUS(name, value, text) { "GM_" #name, value },
    GM_STATUS_LIST(STATUS)
#undef STATUS
    ROW(GM_VERSION_MAJOR), ROW(GM_VERSION_MINOR), ROW(GM_VERSION_PATCH),
    ROW(GM_PRECISION_HIGHEST), ROW(GM_PRECISION_HIGH), ROW(GM_PRECISION_MEDIUM),
    ROW(GM_LOG_DEBUG), ROW(GM_LOG_INFO), ROW(GM_LOG_WARN), ROW(GM_LOG_ERROR),
    ROW(GM_F32), ROW(GM_F64), ROW(GM_I32), ROW(GM_I64), ROW(GM_U8), ROW(GM_BF16),
    ROW(GM_MAX_DIMS),
    ROW(GM_NONE), ROW(GM_MEAN), ROW(GM_SUM),
    ROW(GM_ALL_AXES),
    ROW(GM_ACT_NONE), ROW(GM_ACT_RELU), ROW(GM_ACT_LRELU), ROW(GM_ACT_TANH), ROW(GM_ACT_SIGMOID),
    ROW(GM_CAN_SAMPLE), ROW(GM_CAN_LOG_PROB), ROW(GM_CAN_SCORE), ROW(GM_CAN_ENCODE), ROW(GM_CAN_DECODE),
    ROW(GM_CAN_RECONSTRUCT), ROW(GM_CAN_PREDICT), ROW(GM_CAN_CONDITION),
    ROW(GM_LOG_PROB_EXACT), ROW(GM_LOG_PROB_LOWER_BOUND), ROW(GM_LOG_PROB_UNNORMALISED), ROW(GM_LOG_PROB_ESTIMATE),
    ROW(GM_LOG_PROB_CONDITIONAL),
    ROW(GM_EVENT_NONFINITE), ROW(GM_EVENT_EXPLODING), ROW(GM_EVENT_VANISHING), ROW(GM_EVENT_POSTERIOR_COLLAPSE),
    ROW(GM_EVENT_BEST),
    ROW(GM_LIKELIHOOD_BERNOULLI), ROW(GM_LIKELIHOOD_GAUSSIAN), ROW(GM_LIKELIHOOD_AUTO),
    ROW(GM_OBJECTIVE_ELBO), ROW(GM_OBJECTIVE_IWAE),
    ROW(GM_BINARIZE_NONE), ROW(GM_BINARIZE_DYNAMIC), ROW(GM_BINARIZE_THRESHOLD),
    ROW(GM_TASK_CLASSIFY), ROW(GM_TASK_REGRESS), ROW(GM_TASK_AUTO),
    ROW(GM_NORM_NONE), ROW(GM_NORM_BATCH), ROW(GM_NORM_LAYER),
    ROW(GM_HEADS_AUTO), ROW(GM_HEADS_OWN),
    ROW(GM_SCALE_NONE), ROW(GM_SCALE_UNIT), ROW(GM_SCALE_STANDARD), ROW(GM_SCALE_AUTO),
};

gm_status gm_constant(const char *name, int64_t *out)
{
    if (!out) return GM_EARG;
    *out = 0;
    if (!name) return GM_EARG;
    for (size_t i = 0; i < GM__COUNT(table); i++) {
        if (strcmp(name, table[i].name)) continue;
        *out = table[i].value;
        return GM_OK;
    }
    return GM_ENOTFOUND;
}
