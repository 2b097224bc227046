/* json_write.c - JSON out into a buffer. */
#include "base/json.h"

size_t gm__utf8_length(const unsigned char *p, size_t n)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    if (len < 2) return len;
    if (len > n) return 0;
    uint32_t c = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (p[i] >> 6 != 2) return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

size_t gm__utf8_put(char *o, uint32_t c)
{
    if (c < 0x80) return o[0] = (char)c, 1;
    if (c < 0x800) return o[0] = (char)(0xc0 | c >> 6), o[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) return o[0] = (char)(0xe0 | c >> 12), o[1] = (char)(0x80 | (c >> 6 & 63)), o[2] = (char)(0x80 | (c & 63)), 3;
    o[0] = (char)(0xf0 | c >> 18), o[1] = (char)(0x80 | (c >> 12 & 63));
    return o[2] = (char)(0x80 | (c >> 6 & 63)), o[3] = (char)(0x80 | (c & 63)), 4;
}

bool gm__json_string(gm__buf *b, const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    gm__buf_put(b, "\"", 1);
    for (size_t i = 0, len; i < n; i += len ? len : 1) {
        len = gm__utf8_length(p + i, n - i);
        if (!len) gm__buf_text(b, "\xef\xbf\xbd");
        else if (p[i] == '"' || p[i] == '\\') gm__buf_format(b, "\\%c", p[i]);
        else if (p[i] == '\n') gm__buf_text(b, "\\n");
        else if (p[i] == '\t') gm__buf_text(b, "\\t");
        else if (p[i] < 0x20 || p[i] == 0x7f) gm__buf_format(b, "\\u%04x", p[i]);
        else gm__buf_put(b, p + i, len);
    }
    return gm__buf_put(b, "\"", 1);
}

bool gm__json_double(gm__buf *b, double v)
{
    return v - v == 0 ? gm__buf_format(b, "%g", v) : gm__buf_text(b, "null");
}
