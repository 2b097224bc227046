/* arena.c - where op results live: blocks that grow, are rewound, and are kept for the next step. */
#include "tape/diff.h"
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define GM__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GM__ASAN 1
#endif
#endif
#ifdef GM__ASAN /* what is not handed out is poisoned, and a gap follows each piece */
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
enum { GAP = 64 };
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
enum { GAP = 0 };
#endif

enum { UNIT = 64, FIRST_BLOCK = 256 << 10, LARGE_BLOCK = 64 << 20, DEAD_MAX = 4096 };

typedef struct gm__block {
    struct gm__block *next;
    size_t size, used, high; /* high: most ever used since the area was emptied */
} gm__block;

/* Debug contexts: the header of an op result, apart from the arena so that it can be kept marked dead. */
typedef struct gm__header {
    gm_tensor tensor;
    struct gm__header *next; /* older one while alive, younger one when dead */
} gm__header;

static char *data_of(gm__block *b) { return (char *)b + UNIT; }

/* ---- areas ------------------------------------------------------------------ */

static gm__block *new_block(gm_ctx *ctx, size_t size)
{
    size_t all;
    gm__block *b = gm__add(size, UNIT, &all) ? gm__alloc(ctx, all, 1) : NULL;
    if (!b) return NULL;
    b->next = NULL;
    b->size = size;
    b->used = b->high = 0;
    POISON(data_of(b), size);
    return b;
}

static void free_blocks(gm_ctx *ctx, gm__block *b)
{
    while (b) {
        gm__block *next = b->next;
        UNPOISON(data_of(b), b->size);
        gm__free(ctx, b);
        b = next;
    }
}

static void *take(gm__block *b, size_t room, size_t bytes)
{
    char *p = data_of(b) + b->used;
    b->used += room;
    UNPOISON(p, bytes);
    GM__UNUSED(bytes);
    return p;
}

/* The current block is full: the next one that is large enough, or a new one at the end. */
static gm__block *more(gm_tape *t, gm__area *a, size_t room)
{
    gm__block *b = a->cur, *last = b;
    size_t total = 0;
    for (b = b ? b->next : a->first; b; b = b->next) {
        b->used = 0;
        last = b;
        if (b->size >= room) return a->cur = b;
    }
    for (b = a->first; b; b = b->next) total += b->size;
    size_t size = total < FIRST_BLOCK ? FIRST_BLOCK : total < LARGE_BLOCK ? total : LARGE_BLOCK;
    b = new_block(t->ctx, size > room ? size : room);
    if (!b) return NULL;
    if (last) last->next = b;
    else a->first = b;
    return a->cur = b;
}

void *gm__area_take(gm_tape *t, gm__area *a, size_t count, size_t size)
{
    size_t bytes, room;
    if (!gm__mul(count, size, &bytes) || !gm__add(bytes, UNIT - 1 + GAP, &room)) {
        gm__tape_fail(t, GM_ENOMEM, "tape: %zu elements of %zu bytes are too many", count, size);
        return NULL;
    }
    room -= room % UNIT;
    gm__block *b = a->cur;
    if (!b || b->size - b->used < room) b = more(t, a, room);
    if (b) return take(b, room, bytes);
    gm__tape_fail(t, GM_ENOMEM, "tape: out of memory or over the memory cap (%zu bytes)", bytes);
    return NULL;
}

void *gm__arena(gm_tape *t, size_t count, size_t size)
{
    return gm__area_take(t, &t->area, count, size);
}

/* Back to (block, used); block NULL means the very start. */
static void area_rewind(gm__area *a, gm__block *block, size_t used)
{
    for (gm__block *b = block ? block : a->first; b; b = b->next) {
        size_t low = b == block ? used : 0;
        if (b->used > b->high) b->high = b->used;
        POISON(data_of(b) + low, b->used - low);
        if (b == a->cur) break;
    }
    if (block) block->used = used;
    a->cur = block;
}

void gm__area_reset(gm_ctx *ctx, gm__area *a)
{
    size_t sum = 0;
    if (!a->first) return;
    area_rewind(a, NULL, 0);
    if (a->first->next) { /* one block of the size that this step took, so that the next one need not grow */
        for (gm__block *b = a->first; b; b = b->next) sum += b->high;
        free_blocks(ctx, a->first);
        sum += sum / 8;
        a->first = new_block(ctx, sum - sum % UNIT + UNIT); /* on failure the area is empty and grows again */
    }
    if (a->first) a->first->high = 0;
}

size_t gm__area_bytes(const gm__area *a)
{
    size_t sum = 0;
    for (const gm__block *b = a->first; b; b = b->next) sum += b->size;
    return sum;
}

void gm__area_free(gm_ctx *ctx, gm__area *a)
{
    free_blocks(ctx, a->first);
    a->first = a->cur = NULL;
}

/* ---- headers ------------------------------------------------------------------ */

static gm_tensor *debug_header(gm_tape *t)
{
    gm__header *h = gm__alloc(t->ctx, 1, sizeof *h);
    if (!h) {
        gm__tape_fail(t, GM_ENOMEM, "tape: out of memory or over the memory cap (%zu bytes)", sizeof *h);
        return NULL;
    }
    h->next = t->headers;
    t->headers = h;
    return &h->tensor;
}

gm_tensor *gm__tape_header(gm_tape *t)
{
    gm_tensor *x = t->ctx->cfg.debug ? debug_header(t) : gm__arena(t, 1, sizeof *x);
    if (!x) return NULL;
    x->h.magic = GM__TENSOR;
    atomic_init(&x->h.refs, 1);
    x->ndim = 0;
    x->contiguous = true;
    x->wants_grad = false;
    x->tape = t;
    x->node = NULL;
    x->ctx = t->ctx;
    x->grad = NULL;
    x->has_grad = false;
    x->version = 0;
    x->tape_stamp = t->generation;
    x->deleter = NULL;
    x->deleter_user = NULL;
    x->block = NULL;
    return x;
}

/* The newest headers down to `end` die; the last DEAD_MAX of them are kept to answer GM_ESTALE. */
static void bury(gm_tape *t, gm__header *end)
{
    while (t->headers != end) {
        gm__header *h = t->headers;
        t->headers = h->next;
        h->tensor.h.magic = GM__DEAD;
        h->next = NULL;
        if (t->dead_last) t->dead_last->next = h;
        else t->dead = h;
        t->dead_last = h;
        t->n_dead++;
    }
    while (t->n_dead > DEAD_MAX) {
        gm__header *h = t->dead;
        t->dead = h->next;
        t->n_dead--;
        gm__free(t->ctx, h);
    }
}

void gm__tape_free_headers(gm_tape *t)
{
    bury(t, NULL);
    while (t->dead) {
        gm__header *h = t->dead;
        t->dead = h->next;
        gm__free(t->ctx, h);
    }
}

/* ---- marks --------------------------------------------------------------------- */

void gm__tape_mark(const gm_tape *t, gm__mark *m)
{
    m->block = t->area.cur;
    m->used = m->block ? m->block->used : 0;
    m->n_nodes = t->n_nodes;
    m->n_kept = t->n_kept;
    m->headers = t->headers;
}

void gm__tape_rewind(gm_tape *t, const gm__mark *m)
{
    t->n_nodes = m->n_nodes;
    while (t->n_kept > m->n_kept) gm_tensor_free(t->kept[--t->n_kept]);
    bury(t, m->headers);
    area_rewind(&t->area, m->block, m->used);
}

/* Is p in a part of the arena that a rewind leaves alone? */
static bool is_below(const gm_tape *t, const gm__mark *m, const char *p)
{
    for (gm__block *b = t->area.first; b && m->block; b = b->next) {
        size_t at = (uintptr_t)p - (uintptr_t)data_of(b);
        if (b == m->block) return at < m->used;
        if (at < b->size) return true;
    }
    return false;
}

/* Rewinds, but copies the bytes at src to where the tape now goes on: mostly from above the mark, so down. */
char *gm__tape_rewind_keeping(gm_tape *t, const gm__mark *m, const char *src, size_t bytes)
{
    bool below = is_below(t, m, src);
    gm__tape_rewind(t, m);
    char *dst = gm__arena(t, bytes, 1);
    if (!dst) return NULL;
    UNPOISON(src, bytes);
    memmove(dst, src, bytes);
    if (src >= dst && src < dst + bytes) POISON(dst + bytes, (size_t)(src - dst));
    else if (!below) POISON(src, bytes);
    return dst;
}

bool gm__arena_holds(const gm_tape *t, const void *p)
{
    for (gm__block *b = t->area.first; b; b = b->next)
        if ((uintptr_t)p - (uintptr_t)data_of(b) < b->size) return true;
    return false;
}

/* ---- plain tensors on the tape ---------------------------------------------------- */

gm_tensor *gm__tape_tensor(gm_tape *t, int dtype, int ndim, const int64_t *shape)
{
    int64_t size;
    if (gm__shape_check(&t->err, "tape", ndim, shape, &size)) return NULL;
    gm_tensor *x = gm__tape_header(t);
    if (!x) return NULL;
    x->dtype = (int8_t)dtype;
    x->ndim = (int8_t)ndim;
    x->size = size;
    for (int i = 0; i < ndim; i++) x->shape[i] = shape[i];
    gm__shape_strides(ndim, shape, x->stride);
    x->data = gm__arena(t, (size_t)size, gm__esize(dtype));
    return x->data ? x : NULL;
}

gm_tensor *gm__tape_contiguous(gm_tape *t, gm_tensor *x)
{
    if (!x || x->contiguous) return x;
    gm_tensor *y = gm__tape_tensor(t, x->dtype, x->ndim, x->shape);
    if (y) gm__copy_values(t->ctx, y, x);
    return y;
}
