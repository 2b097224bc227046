/* constants.c - public constants by name, for bindings that see no macros. */
#include "base/base.h"
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
