/* buf.c - a growing byte buffer; the text writer of the library. */
#include "base/base.h"
#include <stdarg.h>
#include <string.h>

void gm__buf_init(gm__buf *b, gm_ctx *ctx) { *b = (gm__buf){ .ctx = ctx }; }

void gm__buf_free(gm__buf *b)
{
    if (!b->data) return;
    gm__free(b->ctx, b->data);
    *b = (gm__buf){ .ctx = b->ctx };
}

/* Room for n more bytes and a NUL. */
static bool room(gm__buf *b, size_t n)
{
    size_t need;
    if (b->failed) return false;
    if (!gm__add(b->len, n, &need) || !gm__add(need, 1, &need)) {
        gm__fail_ctx(b->ctx, GM_ENOMEM, "out of memory: a text of more than the address space");
        b->failed = true;
        return false;
    }
    if (need <= b->cap) return true;
    size_t cap = b->cap ? b->cap : 128;
    while (cap < need)
        if (!gm__mul(cap, 2, &cap)) cap = need;
    char *data = gm__realloc(b->ctx, b->data, cap, 1);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

bool gm__buf_put(gm__buf *b, const void *p, size_t n)
{
    if (!room(b, n)) return false;
    if (n) memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = 0;
    return true;
}

bool gm__buf_text(gm__buf *b, const char *s) { return gm__buf_put(b, s, strlen(s)); }

bool gm__buf_format(gm__buf *b, const char *format, ...)
{
    va_list ap;
    char small[256];
    va_start(ap, format);
    size_t n = gm__vformat(small, sizeof small, format, ap);
    va_end(ap);
    if (n < sizeof small) return gm__buf_put(b, small, n);
    if (!room(b, n)) return false;
    va_start(ap, format);
    gm__vformat(b->data + b->len, n + 1, format, ap);
    va_end(ap);
    b->len += n;
    return true;
}
