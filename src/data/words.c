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
    gm__free(w->ctx, w->word);
    gm__free(w->ctx, w->slot);
    gm__words_init(w, w->ctx);
}

/* Twice the room. The table has a power of two of slots and is never more than half full. */
static gm_status grow(gm__words *w)
{
    size_t cap = w->cap ? 2 * w->cap : 64;
    gm__word *word = gm__realloc(w->ctx, w->word, cap, sizeof *word);
    if (!word) return GM_ENOMEM;
    w->word = word;
    size_t *slot = gm__calloc(w->ctx, 2 * cap, sizeof *slot);
    if (!slot) return GM_ENOMEM;
    for (size_t i = 0; i < w->n; i++) {
        size_t at = w->word[i].hash & (2 * cap - 1);
        while (slot[at]) at = (at + 1) & (2 * cap - 1);
        slot[at] = i + 1;
    }
    gm__free(w->ctx, w->slot);
    w->slot = slot;
    w->cap = cap;
    return GM_OK;
}

gm_status gm__words_add(gm__words *w, const char *what, const char *text, size_t most, int64_t *number)
{
    if (w->n == w->cap) GM__TRY(grow(w));
    uint64_t hash = gm__crc64(0, text, strlen(text));
    size_t mask = 2 * w->cap - 1, at = hash & mask;
    while (w->slot[at] && (w->word[w->slot[at] - 1].hash != hash || strcmp(gm__word_text(w, w->slot[at] - 1), text))) at = (at + 1) & mask;
    if (!w->slot[at]) {
        if (w->n == most) return gm__fail_ctx(w->ctx, GM_ELIMIT, "%s: more than %zu different ones", what, most);
        gm__word add = { w->text.len, hash };
        if (!gm__buf_put(&w->text, text, strlen(text) + 1)) return GM_ENOMEM;
        w->word[w->n++] = add;
        w->slot[at] = w->n;
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
