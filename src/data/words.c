/* words.c - texts numbered in the order of their appearance. */
#include "data/fields.h"
#include <math.h>
#include <string.h>

gm_status gm__words_add(gm__words *w, const char *what, const char *text, size_t most, int64_t *number)
{
    const size_t n = strlen(text) + 1;
    *number = gm__vocab_find(w, text, n);
    if (*number >= 0) return GM_OK;
    if (w->n == most) return gm__fail_ctx(w->bytes.ctx, GM_ELIMIT, "%s: more than %zu different ones", what, most);
    return gm__vocab_add(w, text, n, number);
}

bool gm__words_numbers(const gm__words *w, int64_t *values, uint64_t n)
{
    double v = 0;
    for (size_t i = 0; i < w->n; i++)
        if (!gm__field_number(gm__word_text(w, i), &v) || !(v >= 0 && v < INT32_MAX && v == floor(v))) return false;
    for (uint64_t i = 0; i < n; i++) {
        gm__field_number(gm__word_text(w, (size_t)values[i]), &v);
        values[i] = (int64_t)v;
    }
    return true;
}
