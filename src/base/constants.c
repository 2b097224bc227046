/* constants.c - public constants by name, for bindings that see no macros. */
#include "base/base.h"
#include <gm/gm.h>
#include <string.h>

static const struct {
    const char *name;
    int64_t value;
} table[] = {
#define ROW(name) { #name, name },
#include "base/constants.inc"
#undef ROW
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
