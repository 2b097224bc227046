/* alloc.c - memory of a context: the host's allocator, 64-byte alignment, the
 * cap, and the counts that gm_ctx_memory reports. */
#include "base/base.h"
#include "base/ctx.h"
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define GM__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GM__ASAN 1
#endif
#endif
#ifdef GM__ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 64 };

/* Stands right before every block. */
typedef struct header {
    void *raw;   /* what the host gave */
    size_t size; /* bytes asked for by our caller */
} header;

enum { OVERHEAD = sizeof(header) + ALIGN - 1 };

static header *header_of(void *p) { return (header *)p - 1; }

void *gm__raw_alloc(const gm_ctx_config *cfg, size_t size)
{
    size_t total;
    if (!size) size = 1;
    if (!gm__add(size, OVERHEAD, &total)) return NULL;
    char *raw = cfg->alloc ? cfg->alloc(cfg->alloc_user, total) : malloc(total);
    if (!raw) return NULL;
    size_t skip = sizeof(header);
    skip += (ALIGN - ((uintptr_t)raw + skip) % ALIGN) % ALIGN;
    char *p = raw + skip;
    *header_of(p) = (header){ .raw = raw, .size = size };
    /* what the alignment left over at the end is not the caller's */
    POISON(p + size, total - skip - size);
    return p;
}

void gm__raw_free(const gm_ctx_config *cfg, void *p)
{
    header h = *header_of(p);
    UNPOISON(h.raw, h.size + OVERHEAD);
    if (cfg->dealloc)
        cfg->dealloc(cfg->alloc_user, h.raw);
    else
        free(h.raw);
}

size_t gm__raw_size(void *p) { return header_of(p)->size + OVERHEAD; }

/* Takes bytes from the cap; false if it would be passed. */
static bool reserve(gm_ctx *ctx, size_t bytes)
{
    unsigned long long cap = ctx->cfg.max_bytes;
    unsigned long long now = atomic_fetch_add_explicit(&ctx->live, bytes, memory_order_relaxed) + bytes;
    if (cap && now > cap) {
        atomic_fetch_sub_explicit(&ctx->live, bytes, memory_order_relaxed);
        atomic_fetch_add_explicit(&ctx->cap_refusals, 1, memory_order_relaxed);
        return false;
    }
    unsigned long long peak = atomic_load_explicit(&ctx->peak, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak_explicit(&ctx->peak, &peak, now, memory_order_relaxed, memory_order_relaxed))
        ;
    return true;
}

void *gm__alloc_quiet(gm_ctx *ctx, size_t count, size_t size)
{
    size_t bytes, total;
    if (!gm__mul(count, size, &bytes)) return NULL;
    if (!bytes) bytes = 1;
    if (!gm__add(bytes, OVERHEAD, &total) || !reserve(ctx, total)) return NULL;
    void *p = gm__raw_alloc(&ctx->cfg, bytes);
    if (!p) {
        atomic_fetch_sub_explicit(&ctx->live, total, memory_order_relaxed);
        return NULL;
    }
    atomic_fetch_add_explicit(&ctx->count, 1, memory_order_relaxed);
    return p;
}

void *gm__alloc(gm_ctx *ctx, size_t count, size_t size)
{
    void *p = gm__alloc_quiet(ctx, count, size);
    if (p) return p;
    unsigned long long live = atomic_load_explicit(&ctx->live, memory_order_relaxed);
    size_t bytes;
    if (!gm__mul(count, size, &bytes))
        gm__fail_ctx(ctx, GM_ENOMEM, "out of memory: %zu x %zu bytes asked", count, size);
    else if (ctx->cfg.max_bytes)
        gm__fail_ctx(ctx, GM_ENOMEM, "out of memory: %zu bytes asked, %llu in use, cap %llu", bytes, live,
                     (unsigned long long)ctx->cfg.max_bytes);
    else
        gm__fail_ctx(ctx, GM_ENOMEM, "out of memory: %zu bytes asked, %llu in use", bytes, live);
    return NULL;
}

void *gm__calloc(gm_ctx *ctx, size_t count, size_t size)
{
    void *p = gm__alloc(ctx, count, size);
    return p ? memset(p, 0, count * size) : NULL;
}

void *gm__realloc(gm_ctx *ctx, void *p, size_t count, size_t size)
{
    if (!p) return gm__alloc(ctx, count, size);
    size_t old = header_of(p)->size, bytes;
    if (gm__mul(count, size, &bytes) && bytes <= old) return p;
    void *q = gm__alloc(ctx, count, size);
    if (!q) return NULL;
    memcpy(q, p, old);
    gm__free(ctx, p);
    return q;
}

void gm__free(gm_ctx *ctx, void *p)
{
    if (!p) return;
    size_t total = gm__raw_size(p);
    gm__raw_free(&ctx->cfg, p);
    atomic_fetch_sub_explicit(&ctx->live, total, memory_order_relaxed);
}

char *gm__strndup(gm_ctx *ctx, const char *s, size_t n)
{
    size_t bytes;
    if (!gm__add(n, 1, &bytes)) return NULL;
    char *p = gm__alloc(ctx, bytes, 1);
    if (!p) return NULL;
    memcpy(p, s, n);
    p[n] = 0;
    return p;
}

char *gm__strdup(gm_ctx *ctx, const char *s) { return gm__strndup(ctx, s, strlen(s)); }
