/* error.c - status codes and the one place where a failure is made. */
#include "base/base.h"
#include "base/ctx.h"
#include <stdarg.h>
#include <string.h>

const char *gm_status_name(gm_status s)
{
    switch (s) {
#define NAME(name, value, text) case value: return "GM_" #name;
        GM_STATUS_LIST(NAME)
#undef NAME
    default: return "GM_UNKNOWN";
    }
}

const char *gm_status_text(gm_status s)
{
    switch (s) {
#define TEXT(name, value, text) case value: return text;
        GM_STATUS_LIST(TEXT)
#undef TEXT
    default: return "unknown status code";
    }
}

#define STR_(x) #x
#define STR(x) STR_(x)
const char *gm_version_string(void)
{
    return STR(GM_VERSION_MAJOR) "." STR(GM_VERSION_MINOR) "." STR(GM_VERSION_PATCH);
}

/* Names and values from files and hosts end up in messages, and messages on
 * terminals: no line breaks and no escape sequences get through (C0, DEL, and
 * C1 in its UTF-8 form). */
void gm__one_line(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
        else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
            p[0] = p[1] = '?';
    }
}

/* A message that did not fit ends in "..." and never inside a UTF-8 character. */
static void end_cut(char *text, size_t cap)
{
    size_t n = cap - 4;
    while (n && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    memcpy(text + n, "...", 4);
}

static gm_status fail(gm__err *e, gm_status code, const char *format, va_list ap)
{
    if (!e) return code;
    char text[GM__MESSAGE]; /* an argument may be the old message */
    if (gm__vformat(text, sizeof text, format, ap) >= sizeof text) end_cut(text, sizeof text);
    gm__one_line(text);
    memcpy(e->text, text, sizeof text);
    e->status = code;
    return code;
}

gm_status gm__fail(gm__err *e, gm_status code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fail(e, code, format, ap);
    va_end(ap);
    return code;
}

gm_status gm__fail_ctx(gm_ctx *ctx, gm_status code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fail(gm__ctx_err(ctx), code, format, ap);
    va_end(ap);
    return code;
}

gm__err *gm__ctx_err(gm_ctx *ctx) { return ctx ? &ctx->err : NULL; }
