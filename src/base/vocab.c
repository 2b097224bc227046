/* vocab.c - byte strings by number and by content. */
#include "base/vocab.h"
#include <string.h>

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

/* What tells strings apart: up to eight bytes themselves, else a hash. */
static uint64_t key_of(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t h = 0, w = 0;
    for (; n > 8; n -= 8, p += 8) {
        memcpy(&w, p, 8);
        h = (h ^ w) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    if (n == 8) memcpy(&w, p, 8);
    else for (w = 0; n; n--) w = w << 8 | p[n - 1];
    return h ^ w;
}

/* Slot of a string: its own, or the free one where it belongs. */
static struct gm__vocab_slot *find(const gm__vocab *v, const void *p, size_t n)
{
    const uint64_t key = key_of(p, n), h = (key ^ n) * 0x9e3779b97f4a7c15u;
    size_t mask = 2 * v->cap - 1, at = (size_t)(h ^ h >> 32) & mask;
    for (; v->slot[at].number; at = (at + 1) & mask) {
        const struct gm__vocab_slot *s = &v->slot[at];
        if (s->key == key && s->size == (uint32_t)n && (n <= 8 || !memcmp(gm__vocab_bytes(v, s->number - 1), p, n))) break;
    }
    return &v->slot[at];
}

int64_t gm__vocab_find(const gm__vocab *v, const void *p, size_t n)
{
    return v->n ? (int64_t)find(v, p, n)->number - 1 : -1;
}

static void put(const gm__vocab *v, size_t i)
{
    const uint8_t *p = gm__vocab_bytes(v, i);
    const size_t n = gm__vocab_size(v, i);
    *find(v, p, n) = (struct gm__vocab_slot){ key_of(p, n), (uint32_t)n, (uint32_t)i + 1 };
}

/* Twice the room. The table has a power of two of slots and is never more than half full. */
static gm_status grow(gm__vocab *v)
{
    gm_ctx *ctx = v->bytes.ctx;
    size_t cap = v->cap ? 2 * v->cap : 256;
    if (cap > UINT32_MAX / 4) return gm__fail_ctx(ctx, GM_ELIMIT, "over 2^30 different texts");
    size_t *at = gm__realloc(ctx, v->at, cap + 1, sizeof *at);
    if (!at) return GM_ENOMEM;
    v->at = at;
    struct gm__vocab_slot *slot = gm__calloc(ctx, 2 * cap, sizeof *slot);
    if (!slot) return GM_ENOMEM;
    gm__free(ctx, v->slot);
    v->slot = slot;
    v->cap = cap;
    at[0] = 0;
    for (size_t i = 0; i < v->n; i++) put(v, i);
    return GM_OK;
}

gm_status gm__vocab_add(gm__vocab *v, const void *p, size_t n, int64_t *number)
{
    if (v->n == v->cap) GM__TRY(grow(v));
    int64_t there = gm__vocab_find(v, p, n);
    *number = there >= 0 ? there : (int64_t)v->n;
    if (there >= 0) return GM_OK;
    if (!gm__buf_put(&v->bytes, p, n)) return GM_ENOMEM;
    v->at[++v->n] = v->bytes.len;
    put(v, v->n - 1);
    return GM_OK;
}
