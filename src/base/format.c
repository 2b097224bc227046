/* format.c - the only formatter of the library: no locale, no allocation. */
#include "base/base.h"
#include "base/number.h"
#include <stdarg.h>
#include <string.h>

typedef struct sink {
    char *out;
    size_t cap, len; /* len counts what did not fit, too */
} sink;

static void put(sink *s, const char *p, size_t n)
{
    if (s->len < s->cap) {
        size_t fits = s->cap - s->len < n ? s->cap - s->len : n;
        memcpy(s->out + s->len, p, fits);
    }
    s->len += n;
}

static void pad(sink *s, char c, size_t n)
{
    while (n--) put(s, &c, 1);
}

static size_t unsigned_text(char *out, unsigned long long v, unsigned base)
{
    char tmp[24];
    size_t n = 0, i = 0;
    do tmp[n++] = "0123456789abcdef"[v % base];
    while (v /= base);
    while (n) out[i++] = tmp[--n];
    return i;
}

static size_t signed_text(char *out, long long v)
{
    size_t n = 0;
    if (v < 0) out[n++] = '-';
    return n + unsigned_text(out + n, v < 0 ? 0 - (unsigned long long)v : (unsigned long long)v, 10);
}

/* One conversion: %[-][0][width][.precision][z|l|ll]letter */
typedef struct spec {
    bool left, zero;
    size_t width, precision;
    bool has_precision;
    int size; /* 'z', or the number of l */
} spec;

static const char *read_spec(const char *f, spec *c)
{
    *c = (spec){ 0 };
    for (;; f++) {
        if (*f == '-') c->left = true;
        else if (*f == '0') c->zero = true;
        else break;
    }
    while (*f >= '0' && *f <= '9') c->width = c->width * 10 + (size_t)(*f++ - '0');
    if (*f == '.') {
        c->has_precision = true;
        f++;
        while (*f >= '0' && *f <= '9') c->precision = c->precision * 10 + (size_t)(*f++ - '0');
    }
    for (; *f == 'z' || *f == 'l'; f++) c->size = *f == 'z' ? 'z' : c->size + 1;
    return f;
}

static void put_padded(sink *s, const spec *c, const char *text, size_t n)
{
    size_t fill = c->width > n ? c->width - n : 0;
    if (c->left) {
        put(s, text, n);
        pad(s, ' ', fill);
    } else if (c->zero && n && *text == '-') {
        put(s, text, 1);
        pad(s, '0', fill);
        put(s, text + 1, n - 1);
    } else {
        pad(s, c->zero ? '0' : ' ', fill);
        put(s, text, n);
    }
}

size_t gm__vformat(char *out, size_t cap, const char *f, va_list args)
{
    sink s = { out, cap ? cap - 1 : 0, 0 };
    va_list ap;
    va_copy(ap, args);
    while (*f) {
        const char *start = f;
        while (*f && *f != '%') f++;
        put(&s, start, (size_t)(f - start));
        if (!*f) break;
        spec c;
        f++;
        char text[GM__FIXED_MAX];
        const char *p = text;
        size_t n = 0;
        if (*f == '.' && f[1] == '*') { /* "%.*s": the only use of '*' */
            int m = va_arg(ap, int);
            c = (spec){ .has_precision = true, .precision = m > 0 ? (size_t)m : 0 };
            f += 2;
        } else {
            f = read_spec(f, &c);
        }
        switch (*f) {
        case 's':
            p = va_arg(ap, const char *);
            if (!p) p = "(null)";
            n = c.has_precision ? strnlen(p, c.precision) : strlen(p);
            break;
        case 'd':
            n = signed_text(text, c.size == 'z' ? (long long)va_arg(ap, ptrdiff_t)
                                  : c.size == 2 ? va_arg(ap, long long)
                                  : c.size == 1 ? va_arg(ap, long) : va_arg(ap, int));
            break;
        case 'u': case 'x':
            n = unsigned_text(text, c.size == 'z' ? va_arg(ap, size_t)
                                    : c.size == 2 ? va_arg(ap, unsigned long long)
                                    : c.size == 1 ? va_arg(ap, unsigned long) : va_arg(ap, unsigned),
                              *f == 'x' ? 16 : 10);
            break;
        case 'g': n = gm__write_double(text, sizeof text, va_arg(ap, double)); break;
        case 'f': n = gm__write_fixed(text, sizeof text, va_arg(ap, double), c.has_precision ? c.precision : 6); break;
        case 'c': text[0] = (char)va_arg(ap, int), n = 1; break;
        case '%': text[0] = '%', n = 1; break;
        default: /* not ours: shown as it stands */
            p = f - 1, n = *f ? 2 : 1;
            if (!*f) f--;
        }
        put_padded(&s, &c, p, n);
        f++;
    }
    va_end(ap);
    if (cap) out[s.len < s.cap ? s.len : s.cap] = 0;
    return s.len;
}

size_t gm__format(char *out, size_t cap, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    size_t n = gm__vformat(out, cap, format, ap);
    va_end(ap);
    return n;
}
