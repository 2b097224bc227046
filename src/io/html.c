/* html.c - text and pictures of a page that needs nothing but itself. */
#include "io/html.h"
#include "base/json.h"
#include <string.h>

void gm__html_text(gm__buf *b, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = strlen(text);
    for (size_t i = 0, len; i < n; i += len ? len : 1) {
        len = gm__utf8_length(p + i, n - i);
        const char *name = p[i] == '<' ? "&lt;" : p[i] == '>' ? "&gt;" : p[i] == '&' ? "&amp;" : p[i] == '"' ? "&quot;" : p[i] == '\'' ? "&#39;" : NULL;
        if (!len || !memcmp(p + i, "\xef\xbf\xbe", len) || !memcmp(p + i, "\xef\xbf\xbf", len)) gm__buf_text(b, "\xef\xbf\xbd"); /* no characters */
        else if (name) gm__buf_text(b, name);
        else if ((p[i] < 0x20 && p[i] != '\n' && p[i] != '\t') || p[i] == 0x7f) gm__buf_text(b, " ");
        else gm__buf_put(b, p + i, len);
    }
}

static void base64(gm__buf *b, const uint8_t *p, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)(i + 1 < n ? p[i + 1] : 0) << 8 | (i + 2 < n ? p[i + 2] : 0);
        char four[4] = { digit[v >> 18], digit[v >> 12 & 63], i + 1 < n ? digit[v >> 6 & 63] : '=', i + 2 < n ? digit[v & 63] : '=' };
        gm__buf_put(b, four, sizeof four);
    }
}

static uint32_t big_endian(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

void gm__html_png(gm__buf *b, const void *png, size_t size, int32_t scale, const char *alt)
{
    const uint8_t *p = png;
    if (size < 24 || memcmp(p, "\x89PNG\r\n\x1a\n", 8)) return;
    uint64_t width = big_endian(p + 16) * (uint64_t)scale, height = big_endian(p + 20) * (uint64_t)scale;
    gm__buf_format(b, "<img width=\"%llu\" height=\"%llu\" alt=\"", (unsigned long long)width, (unsigned long long)height);
    gm__html_text(b, alt);
    gm__buf_text(b, "\" src=\"data:image/png;base64,");
    base64(b, p, size);
    gm__buf_text(b, "\"/>");
}
