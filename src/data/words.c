/* words.c - texts numbered in the order of their appearance. */
#include "data/fields.h"
#include <math.h>
#include <string.h>

void gm__words_init(gm__words *w, gm_ctx *ctx)
{
    *w = (gm__words){ .ctx = ctx };
    gm__buf_init(&w->text, ctx);
}

void gm__words_free(gm__words *w)
{
    gm__buf_free(&w->text);
    gm__free(w->ctx, w->at);
    gm__free(w->ctx, w->slot);
    gm__words_init(w, w->ctx);
}

/* Slot of a text: its own, or the free one where it belongs. */
static size_t find(const gm__words *w, const char *text)
{
    size_t mask = 2 * w->cap - 1, at = gm__crc64(0, text, strlen(text)) & mask;
    while (w->slot[at] && strcmp(gm__word_text(w, w->slot[at] - 1), text)) at = (at + 1) & mask;
    return at;
}

/* Twice the room. The table has a power of two of slots and is never more than half full. */
static gm_status grow(gm__words *w)
{
    size_t cap = w->cap ? 2 * w->cap : 64;
    size_t *more = gm__realloc(w->ctx, w->at, cap, sizeof *more);
    if (!more) return GM_ENOMEM;
    w->at = more;
    uint32_t *slot = gm__calloc(w->ctx, 2 * cap, sizeof *slot);
    if (!slot) return GM_ENOMEM;
    gm__free(w->ctx, w->slot);
    w->slot = slot;
    w->cap = cap;
    for (size_t i = 0; i < w->n; i++) slot[find(w, gm__word_text(w, i))] = (uint32_t)i + 1;
    return GM_OK;
}

gm_status gm__words_add(gm__words *w, const char *what, const char *text, size_t most, int64_t *number)
{
    if (w->n == w->cap) GM__TRY(grow(w));
    size_t at = find(w, text);
    if (!w->slot[at]) {
        if (w->n == most) return gm__fail_ctx(w->ctx, GM_ELIMIT, "%s: more than %zu different ones", what, most);
        w->at[w->n] = w->text.len;
        if (!gm__buf_put(&w->text, text, strlen(text) + 1)) return GM_ENOMEM;
        w->slot[at] = (uint32_t)++w->n;
    }
    *number = (int64_t)w->slot[at] - 1;
    return GM_OK;
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
