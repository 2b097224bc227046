/* json.c - JSON in through Jansson, with limits; JSON out into a buffer. */
#include "base/json.h"
#include <string.h>

/* Depth is checked before Jansson sees the text: its parser recurses. */
static bool depth_ok(const char *p, size_t n)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        if (quoted) {
            if (p[i] == '\\') i++;
            else if (p[i] == '"') quoted = false;
        } else if (p[i] == '"') {
            quoted = true;
        } else if (p[i] == '{' || p[i] == '[') {
            if (++depth > GM__JSON_DEPTH) return false;
        } else if (p[i] == '}' || p[i] == ']') {
            depth--;
        }
    }
    return true;
}

gm_status gm__json_parse(gm_ctx *ctx, gm_status code, const char *what, const char *text, size_t n, json_t **out)
{
    *out = NULL;
    if (n > GM__JSON_BYTES) return gm__fail_ctx(ctx, GM_ELIMIT, "%s: JSON of %zu bytes, more than the limit of 1 MiB", what, n);
    if (!depth_ok(text, n)) return gm__fail_ctx(ctx, GM_ELIMIT, "%s: JSON nested deeper than %d", what, (int)GM__JSON_DEPTH);
    json_error_t e;
    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (*out) return GM_OK;
    if (json_error_code(&e) == json_error_out_of_memory) return gm__fail_ctx(ctx, GM_ENOMEM, "%s: out of memory while reading JSON", what);
    return gm__fail_ctx(ctx, code, "%s: JSON, line %d column %d: %s", what, e.line, e.column, e.text);
}

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
