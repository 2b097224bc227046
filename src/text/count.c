/* count.c - vocabularies of the characters or words that a text has. */
#include "text/text.h"
#include "base/json.h"
#include <string.h>

typedef struct counted { int64_t count; size_t id; } counted;

/* n log n without the C library's qsort, whose order of equals is not fixed */
static void sort_counted(counted *v, counted *tmp, size_t n, bool (*before)(const void *, counted, counted), const void *user)
{
    for (size_t w = 1; w < n; w *= 2) {
        for (size_t at = 0; at < n; at += 2 * w) {
            size_t i = at, mid = at + w < n ? at + w : n, j = mid, end = at + 2 * w < n ? at + 2 * w : n;
            for (size_t k = at; k < end; k++) tmp[k] = i < mid && (j >= end || !before(user, v[j], v[i])) ? v[i++] : v[j++];
        }
        memcpy(v, tmp, n * sizeof *v);
    }
}

static bool by_count(const void *user, counted x, counted y)
{
    GM__UNUSED(user);
    return x.count > y.count;
}

/* Bytes of UTF-8 are in the order of the codes. */
static bool by_bytes(const void *user, counted x, counted y)
{
    const gm__vocab *v = user;
    size_t a = gm__vocab_size(v, x.id), b = gm__vocab_size(v, y.id);
    int c = memcmp(gm__vocab_bytes(v, x.id), gm__vocab_bytes(v, y.id), a < b ? a : b);
    return c ? c < 0 : a < b;
}

/* Counts of all different characters or words. */
static gm_status count_all(const gm_tokenizer *tk, const uint8_t *text, size_t n, gm__vocab *seen, counted **out)
{
    gm_ctx *ctx = tk->ctx;
    gm__buf room;
    gm__buf_init(&room, ctx);
    counted *c = NULL;
    size_t cap = 0;
    gm_status s = GM_OK;
    for (size_t at = 0, len; !s && at < n; at += len) {
        const uint8_t *piece;
        size_t n_piece, known = seen->n;
        int64_t id;
        if (tk->kind == GM_TOKENIZE_CHAR && !gm__utf8_length(text + at, n - at)) s = gm__bad_utf8(ctx, text, at);
        len = gm__piece(tk, text + at, n - at, &room, &piece, &n_piece);
        if (!s && room.failed) s = GM_ENOMEM;
        if (s || !n_piece) continue;
        if ((s = gm__vocab_add(seen, piece, n_piece, &id))) continue;
        if (seen->cap != cap) {
            counted *more = gm__realloc(ctx, c, seen->cap, sizeof *more);
            if (!more) s = GM_ENOMEM;
            else c = more, cap = seen->cap;
        }
        if (s) continue;
        if (seen->n > known) c[id] = (counted){ 0, (size_t)id };
        c[id].count++;
    }
    gm__buf_free(&room);
    *out = c;
    return s;
}

static gm_status keep_frequent(gm_tokenizer *tk, const gm__vocab *seen, counted *all, int64_t tokens, int64_t min_count)
{
    size_t n = seen->n, room = tokens ? (size_t)tokens - tk->vocab.n : SIZE_MAX;
    counted *tmp = gm__alloc(tk->ctx, n + 1, sizeof *tmp);
    if (!tmp) return GM_ENOMEM;
    sort_counted(all, tmp, n, by_bytes, seen);
    sort_counted(all, tmp, n, by_count, NULL);
    while (n && all[n - 1].count < min_count) n--;
    if (n > room) n = room;
    if (tk->kind == GM_TOKENIZE_CHAR) sort_counted(all, tmp, n, by_bytes, seen); /* characters by code, words by frequency */
    gm__free(tk->ctx, tmp);
    for (size_t i = 0; i < n; i++) {
        int64_t id;
        GM__TRY(gm__vocab_add(&tk->vocab, gm__vocab_bytes(seen, all[i].id), gm__vocab_size(seen, all[i].id), &id));
    }
    return GM_OK;
}

gm_status gm__tokenizer_count(gm_tokenizer *tk, const uint8_t *text, size_t n, int64_t tokens, int64_t min_count)
{
    gm__vocab seen;
    counted *all = NULL;
    gm__vocab_init(&seen, tk->ctx);
    gm_status s = count_all(tk, text, n, &seen, &all);
    if (!s) s = keep_frequent(tk, &seen, all, tokens, min_count);
    gm__free(tk->ctx, all);
    gm__vocab_free(&seen);
    return s;
}

