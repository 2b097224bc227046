/* st_header.c - reads the JSON of a safetensors header.
 *
 * The header is an object of objects of a fixed form, so a cursor reads it in
 * one pass: no tree of values is needed. */
#include "io/st_header.h"
#include "base/json.h"
#include <string.h>

typedef struct cursor {
    gm_ctx *ctx;
    const char *who;
    const uint8_t *start, *p, *end;
    gm__st_head *h;
} cursor;

static gm_status wrong(cursor *c, const char *expected)
{
    return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: header: expected %s at byte %zu", c->who, expected,
                        (size_t)(c->p - c->start) + 8);
}

static void blanks(cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r')) c->p++;
}

static bool next_is(cursor *c, uint8_t ch)
{
    blanks(c);
    if (c->p == c->end || *c->p != ch) return false;
    c->p++;
    return true;
}

/* ---- strings ------------------------------------------------------------------ */

static bool hex4(cursor *c, uint32_t *v)
{
    *v = 0;
    if (c->end - c->p < 4) return false;
    for (int i = 0; i < 4; i++) {
        uint8_t d = *c->p++;
        if (d >= '0' && d <= '9') *v = *v << 4 | (uint32_t)(d - '0');
        else if ((d | 32) >= 'a' && (d | 32) <= 'f') *v = *v << 4 | (uint32_t)((d | 32) - 'a' + 10);
        else return false;
    }
    return true;
}

/* After a backslash. An escape is never shorter than what it stands for. */
static size_t escape(cursor *c, char *o)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint32_t v, low;
    if (c->p == c->end) return 0;
    uint8_t e = *c->p++;
    if (e != 'u') {
        const char *at = e ? strchr(from, e) : NULL;
        return at ? (o[0] = to[at - from], 1) : 0;
    }
    if (!hex4(c, &v) || v == 0 || (v >= 0xdc00 && v < 0xe000)) return 0; /* NUL would cut a C string short */
    if (v >= 0xd800 && v < 0xdc00) {
        if (c->end - c->p < 6 || c->p[0] != '\\' || c->p[1] != 'u') return 0;
        c->p += 2;
        if (!hex4(c, &low) || low < 0xdc00 || low >= 0xe000) return 0;
        v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
    }
    return gm__utf8_put(o, v);
}

/* A string, unescaped into the common storage. */
static gm_status string(cursor *c, const char *what, const char **out)
{
    char *o = c->h->text + c->h->used, *first = o;
    if (!next_is(c, '"')) return wrong(c, what);
    while (c->p < c->end && *c->p != '"') {
        size_t n;
        if (*c->p == '\\') {
            const uint8_t *at = c->p++;
            n = escape(c, o);
            if (!n) return c->p = at, wrong(c, "a valid escape");
        } else {
            n = *c->p < 0x20 ? 0 : gm__utf8_length(c->p, (size_t)(c->end - c->p));
            if (!n) return wrong(c, "UTF-8 text");
            memcpy(o, c->p, n);
            c->p += n;
        }
        o += n;
    }
    if (c->p == c->end) return wrong(c, "the end of a string");
    c->p++;
    *o++ = 0;
    c->h->used = (size_t)(o - c->h->text);
    *out = first;
    return GM_OK;
}

static gm_status name(cursor *c, const char **out)
{
    blanks(c);
    const uint8_t *at = c->p;
    GM__TRY(string(c, "a name in quotes", out));
    if (strlen(*out) > GM__ST_NAME) return c->p = at, wrong(c, "a name of at most 512 bytes");
    for (const char *q = *out; *q; q++)
        if ((uint8_t)*q < 0x20 || *q == 0x7f) return c->p = at, wrong(c, "a name without control characters");
    return next_is(c, ':') ? GM_OK : wrong(c, "':'");
}

/* ---- numbers and lists ---------------------------------------------------------- */

static gm_status number(cursor *c, uint64_t *out)
{
    blanks(c);
    const uint8_t *at = c->p;
    uint64_t v = 0;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
        if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(*c->p - '0'), &v))
            return c->p = at, wrong(c, "a number below 2^64");
    if (c->p == at || (c->p - at > 1 && *at == '0')) return c->p = at, wrong(c, "a whole number");
    *out = v;
    return GM_OK;
}

static gm_status list(cursor *c, int cap, uint64_t *out, int *n)
{
    *n = 0;
    if (!next_is(c, '[')) return wrong(c, "'['");
    if (next_is(c, ']')) return GM_OK;
    do {
        if (*n == cap) return wrong(c, cap == 2 ? "two offsets" : "at most 8 dimensions");
        GM__TRY(number(c, &out[(*n)++]));
    } while (next_is(c, ','));
    return next_is(c, ']') ? GM_OK : wrong(c, "',' or ']'");
}

/* ---- objects ---------------------------------------------------------------------- */

/* Room for one more of n elements; NULL on no memory, p stays. */
static void *grow(cursor *c, void *p, size_t size, size_t n, size_t *cap)
{
    size_t more = *cap ? 2 * *cap : 16;
    if (n < *cap) return p;
    p = gm__realloc(c->ctx, p, more, size);
    if (p) *cap = more;
    return p;
}

static gm_status metadata(cursor *c)
{
    if (!next_is(c, '{')) return wrong(c, "'{'");
    if (next_is(c, '}')) return GM_OK;
    do {
        gm__meta m;
        if (c->h->n_meta == GM__ST_META) return gm__fail_ctx(c->ctx, GM_ELIMIT, "%s: header: more than 1024 metadata keys", c->who);
        GM__TRY(name(c, &m.key));
        blanks(c);
        const uint8_t *at = c->p;
        GM__TRY(string(c, "a text in quotes", &m.value));
        if (!strcmp(m.key, "gm.checksum")) c->h->checksum = c->p - at == 18 ? at + 1 : NULL;
        gm__meta *meta = grow(c, c->h->meta, sizeof m, c->h->n_meta, &c->h->cap_meta);
        if (!meta) return GM_ENOMEM;
        c->h->meta = meta;
        c->h->meta[c->h->n_meta++] = m;
    } while (next_is(c, ','));
    return next_is(c, '}') ? GM_OK : wrong(c, "',' or '}'");
}

static gm_status tensor(cursor *c, const char *tensor_name)
{
    gm__st_row r = { .name = tensor_name };
    bool has_dtype = false, has_shape = false, has_offsets = false;
    if (!next_is(c, '{')) return wrong(c, "'{'");
    do {
        const char *key, *dtype;
        uint64_t offsets[2];
        int n;
        GM__TRY(name(c, &key));
        if (!strcmp(key, "dtype") && !has_dtype) {
            has_dtype = true;
            GM__TRY(string(c, "a type in quotes", &dtype));
            gm__format(r.dtype, sizeof r.dtype, "%s", dtype);
        } else if (!strcmp(key, "shape") && !has_shape) {
            has_shape = true;
            GM__TRY(list(c, GM_MAX_DIMS, r.shape, &r.ndim));
        } else if (!strcmp(key, "data_offsets") && !has_offsets) {
            has_offsets = true;
            GM__TRY(list(c, 2, offsets, &n));
            if (n != 2) return wrong(c, "two offsets");
            r.begin = offsets[0];
            r.end = offsets[1];
        } else {
            return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: header: tensor '%s': key '%s' is unknown or stands twice", c->who, r.name, key);
        }
    } while (next_is(c, ','));
    if (!next_is(c, '}')) return wrong(c, "',' or '}'");
    if (!has_dtype || !has_shape || !has_offsets)
        return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: header: tensor '%s' needs dtype, shape and data_offsets", c->who, r.name);
    gm__st_row *rows = grow(c, c->h->rows, sizeof r, c->h->n, &c->h->cap);
    if (!rows) return GM_ENOMEM;
    c->h->rows = rows;
    c->h->rows[c->h->n++] = r;
    return GM_OK;
}

gm_status gm__st_head_read(gm_ctx *ctx, const char *who, const uint8_t *p, size_t n, gm__st_head *h)
{
    cursor c = { ctx, who, p, p, p + n, h };
    bool has_meta = false;
    h->text = gm__alloc(ctx, n + 1, 1);
    if (!h->text) return GM_ENOMEM;
    if (!n || *p != '{') return wrong(&c, "'{'");
    c.p++;
    if (!next_is(&c, '}')) {
        do {
            const char *key;
            GM__TRY(name(&c, &key));
            if (!strcmp(key, "__metadata__")) {
                if (has_meta) return wrong(&c, "__metadata__ only once");
                has_meta = true;
                GM__TRY(metadata(&c));
            } else {
                if (h->n == GM__ST_TENSORS)
                    return gm__fail_ctx(ctx, GM_ELIMIT, "%s: header: more than 65536 tensors", who);
                GM__TRY(tensor(&c, key));
            }
        } while (next_is(&c, ','));
        if (!next_is(&c, '}')) return wrong(&c, "',' or '}'");
    }
    blanks(&c);
    return c.p == c.end ? GM_OK : wrong(&c, "nothing but blanks");
}

void gm__st_head_free(gm_ctx *ctx, gm__st_head *h)
{
    gm__free(ctx, h->rows);
    gm__free(ctx, h->meta);
    gm__free(ctx, h->text);
    *h = (gm__st_head){ 0 };
}
