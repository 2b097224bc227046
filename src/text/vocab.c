/* vocab.c - byte strings by number and by content; lists of tokens. */
#include "text/text.h"
#include <string.h>

void gm__ids_put(gm__ids *v, int64_t id)
{
    if (v->n == v->cap && !v->failed) {
        size_t cap = v->cap ? 2 * v->cap : 256;
        int64_t *more = gm__realloc(v->ctx, v->id, cap, sizeof *more);
        if (!more) v->failed = true;
        else v->id = more, v->cap = cap;
    }
    if (!v->failed) v->id[v->n++] = id;
}

void gm__vocab_init(gm__vocab *v, gm_ctx *ctx)
{
    *v = (gm__vocab){ 0 };
    gm__buf_init(&v->bytes, ctx);
}

void gm__vocab_free(gm__vocab *v)
{
    gm_ctx *ctx = v->bytes.ctx;
    gm__free(ctx, v->at);
    gm__free(ctx, v->slot);
    gm__buf_free(&v->bytes);
    gm__vocab_init(v, ctx);
}

/* Eight bytes at a time; only the order of slots depends on it. */
static size_t hash(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t h = n * 0x9e3779b97f4a7c15u, w;
    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&w, p, 8);
        h = (h ^ w) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    w = 0;
    memcpy(&w, p, n);
    h = (h ^ w) * 0xc4ceb9fe1a85ec53u;
    return (size_t)(h ^ h >> 32);
}

/* Slot of a string: its own, or the free one where it belongs. */
static size_t find(const gm__vocab *v, const void *p, size_t n)
{
    size_t mask = 2 * v->cap - 1, at = hash(p, n) & mask;
    for (; v->slot[at]; at = (at + 1) & mask) {
        size_t i = v->slot[at] - 1;
        if (gm__vocab_size(v, i) == n && (!n || !memcmp(gm__vocab_bytes(v, i), p, n))) break;
    }
    return at;
}

int64_t gm__vocab_find(const gm__vocab *v, const void *p, size_t n)
{
    return v->n ? (int64_t)v->slot[find(v, p, n)] - 1 : -1;
}

/* Twice the room. The table has a power of two of slots and is never more than half full. */
static gm_status grow(gm__vocab *v)
{
    gm_ctx *ctx = v->bytes.ctx;
    size_t cap = v->cap ? 2 * v->cap : 256;
    if (cap > UINT32_MAX / 4) return gm__fail_ctx(ctx, GM_ELIMIT, "tokenizer: too many tokens");
    size_t *at = gm__realloc(ctx, v->at, cap + 1, sizeof *at);
    if (!at) return GM_ENOMEM;
    v->at = at;
    uint32_t *slot = gm__calloc(ctx, 2 * cap, sizeof *slot);
    if (!slot) return GM_ENOMEM;
    gm__free(ctx, v->slot);
    v->slot = slot;
    v->cap = cap;
    at[0] = 0;
    for (size_t i = 0; i < v->n; i++) slot[find(v, gm__vocab_bytes(v, i), gm__vocab_size(v, i))] = (uint32_t)i + 1;
    return GM_OK;
}

gm_status gm__vocab_add(gm__vocab *v, const void *p, size_t n, int64_t *number)
{
    if (v->n == v->cap) GM__TRY(grow(v));
    size_t slot = find(v, p, n);
    if (!v->slot[slot]) {
        if (!gm__buf_put(&v->bytes, p, n)) return GM_ENOMEM;
        v->slot[slot] = (uint32_t)++v->n;
        v->at[v->n] = v->bytes.len;
    }
    *number = (int64_t)v->slot[slot] - 1;
    return GM_OK;
}
