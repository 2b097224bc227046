/* json.c - JSON in. One walk checks the text and counts its values, a second one, over memory that then is enough,
 * builds the tree. */
#include "base/json.h"
#include "base/sort.h"
#include <string.h>

typedef struct cursor {
    const unsigned char *p, *end;
    const char *want;      /* what was expected at p, after a failure */
    bool deep;
    gm__json *node, none;  /* NULL in the first walk, where every value is `none` */
    size_t n, widest;      /* values so far; of the largest object */
    char *text;            /* where the next text goes; NULL in the first walk */
} cursor;

static bool fail(cursor *c, const char *want) { return c->want = want, false; }
static bool take(cursor *c, unsigned char ch) { return c->p < c->end && *c->p == ch && (c->p++, true); }

static void blanks(cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r')) c->p++;
}

static bool word(cursor *c, const char *w)
{
    const size_t n = strlen(w);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, w, n)) return false;
    c->p += n;
    return true;
}

/* ---- numbers ------------------------------------------------------------------------- */

static bool digits(cursor *c)
{
    const unsigned char *first = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9') c->p++;
    return c->p > first || fail(c, "a digit");
}

static bool number(cursor *c, gm__json *v)
{
    const char *first = (const char *)c->p;
    bool real = false;
    take(c, '-');
    if (!take(c, '0') && !digits(c)) return c->p == (const unsigned char *)first ? fail(c, "a value") : false;
    if (take(c, '.') && (real = true, !digits(c))) return false;
    if (take(c, 'e') || take(c, 'E')) {
        real = true;
        if (!take(c, '+')) take(c, '-');
        if (!digits(c)) return false;
    }
    const char *end = (const char *)c->p;
    v->kind = real ? GM__JSON_REAL : GM__JSON_WHOLE;
    if ((real ? gm__read_double(first, end, &v->is.real) : gm__read_i64(first, end, &v->is.whole)) == end) return true;
    c->p = (const unsigned char *)first;
    return fail(c, "a smaller number");
}

/* ---- texts ------------------------------------------------------------------------------ */

/* Four hexadecimal digits; -1 if they are not there. */
static int32_t unit(cursor *c)
{
    int32_t v = 0;
    for (int i = 0; i < 4; i++, c->p++) {
        if (c->p == c->end) return -1;
        const unsigned char d = *c->p, low = d | 32;
        if (d >= '0' && d <= '9') v = v << 4 | (d - '0');
        else if (low >= 'a' && low <= 'f') v = v << 4 | (low - 'a' + 10);
        else return -1;
    }
    return v;
}

/* What stands after a backslash; 0 if nothing may: NUL would cut a C string short, surrogates come in pairs. */
static uint32_t escape(cursor *c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (c->p == c->end) return 0;
    const unsigned char e = *c->p++;
    const char *at = e ? strchr(from, e) : NULL;
    if (at) return (unsigned char)to[at - from];
    if (e != 'u') return 0;
    const int32_t high = unit(c);
    if (high <= 0 || high >> 10 == 0xdc00 >> 10) return 0;
    if (high >> 10 != 0xd800 >> 10) return (uint32_t)high;
    const int32_t low = word(c, "\\u") ? unit(c) : -1;
    return low >> 10 == 0xdc00 >> 10 ? 0x10000u + (((uint32_t)high & 0x3ff) << 10) + ((uint32_t)low & 0x3ff) : 0;
}

/* Never longer than in the file: there is room for it. */
static bool text(cursor *c, const char **out, size_t *length)
{
    char spare[4], *o = c->text;
    size_t n = 0;
    if (!take(c, '"')) return fail(c, "a text in quotes");
    while (!take(c, '"')) {
        const unsigned char *at = c->p;
        if (at == c->end) return fail(c, "the end of a text");
        size_t k = *at < 0x20 ? 0 : gm__utf8_length(at, (size_t)(c->end - at));
        if (!k) return fail(c, "UTF-8 text");
        if (*at != '\\') {
            if (o) memcpy(o + n, at, k);
            c->p += k;
        } else {
            c->p++;
            const uint32_t ch = escape(c);
            if (!ch) return c->p = at, fail(c, "a valid escape");
            k = gm__utf8_put(o ? o + n : spare, ch);
        }
        n += k;
    }
    *out = o;
    *length = n;
    if (o) o[n] = 0, c->text = o + n + 1;
    return true;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool value(cursor *c, int depth, gm__json **out);

/* The values between brackets; at most GM__JSON_DEPTH calls deep. */
static bool inside(cursor *c, int depth, gm__json *v)
{
    const bool object = v->kind == GM__JSON_OBJECT;
    const unsigned char close = object ? '}' : ']';
    gm__json *one, *last = NULL;
    const char *key = NULL;
    size_t n = 0, length;
    blanks(c);
    if (take(c, close)) return true;
    do {
        blanks(c);
        if (object) {
            if (!text(c, &key, &length)) return false;
            blanks(c);
            if (!take(c, ':')) return fail(c, "':'");
            blanks(c);
        }
        if (!value(c, depth, &one)) return false;
        one->key = key;
        if (last) last->next = one;
        else v->first = one;
        last = one;
        n++;
        blanks(c);
    } while (take(c, ','));
    v->n = n;
    if (object && n > c->widest) c->widest = n;
    return take(c, close) || fail(c, object ? "',' or '}'" : "',' or ']'");
}

static bool value(cursor *c, int depth, gm__json **out)
{
    gm__json *v = *out = c->node ? &c->node[c->n] : &c->none;
    *v = (gm__json){ .kind = GM__JSON_NULL };
    c->n++;
    if (c->p < c->end && *c->p == '"') return v->kind = GM__JSON_TEXT, text(c, &v->is.text, &v->n);
    if (word(c, "null")) return true;
    if (word(c, "false")) return v->kind = GM__JSON_FALSE, true;
    if (word(c, "true")) return v->kind = GM__JSON_TRUE, true;
    const bool object = take(c, '{');
    if (!object && !take(c, '[')) return number(c, v);
    v->kind = object ? GM__JSON_OBJECT : GM__JSON_LIST;
    if (depth == GM__JSON_DEPTH) return c->deep = true, false;
    return inside(c, depth + 1, v);
}

static bool whole(cursor *c, gm__json **root)
{
    blanks(c);
    if (c->p == c->end || (*c->p != '{' && *c->p != '[')) return fail(c, "'{' or '['");
    if (!value(c, 0, root)) return false;
    blanks(c);
    return c->p == c->end || fail(c, "nothing more");
}

/* A key that stands twice in an object of the tree, or NULL. */
static const char *twice(const gm__json *node, size_t n, const char **room)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        if (node[i].kind != GM__JSON_OBJECT) continue;
        for (const gm__json *v = node[i].first; v; v = v->next) room[k++] = v->key;
        gm__sort_texts(room, k);
        for (size_t j = 1; j < k; j++)
            if (!strcmp(room[j - 1], room[j])) return room[j];
    }
    return NULL;
}

static gm_status mistake(gm_ctx *ctx, gm_status code, const char *what, const cursor *c, const char *start)
{
    if (c->deep) return gm__fail_ctx(ctx, GM_ELIMIT, "%s: JSON nested deeper than %d", what, (int)GM__JSON_DEPTH);
    int line = 1, column = 1;
    for (const char *p = start; p < (const char *)c->p; p++)
        if (*p == '\n') line++, column = 1;
        else column++;
    return gm__fail_ctx(ctx, code, "%s: JSON, line %d column %d: expected %s", what, line, column, c->want);
}

gm_status gm__json_parse(gm_ctx *ctx, gm_status code, const char *what, const char *start, size_t n, gm__json **out)
{
    *out = NULL;
    if (n > GM__JSON_BYTES) return gm__fail_ctx(ctx, GM_ELIMIT, "%s: JSON of %zu bytes, more than the limit of 1 MiB", what, n);
    const unsigned char *p = (const unsigned char *)start;
    cursor c = { .p = p, .end = p + n };
    gm__json *root;
    if (!whole(&c, &root)) return mistake(ctx, code, what, &c, start);
    gm__json *node = gm__alloc(ctx, c.n * sizeof *node + n + 1, 1); /* n is at most 1 MiB */
    const char **room = gm__alloc(ctx, c.widest + 1, sizeof *room);
    if (!node || !room) {
        gm__free(ctx, node);
        gm__free(ctx, (void *)room);
        return GM_ENOMEM;
    }
    const size_t count = c.n;
    c = (cursor){ .p = p, .end = p + n, .node = node, .text = (char *)(node + count) };
    whole(&c, &root);
    const char *key = twice(node, count, room);
    gm_status s = key ? gm__fail_ctx(ctx, code, "%s: JSON: the key '%.64s' stands twice", what, key) : GM_OK;
    gm__free(ctx, (void *)room);
    if (s) gm__free(ctx, node);
    else *out = node;
    return s;
}

/* ---- asking ------------------------------------------------------------------------------------- */

bool gm__json_is(const gm__json *v, int kind) { return v && v->kind == kind; }

const gm__json *gm__json_member(const gm__json *v, const char *key)
{
    if (!gm__json_is(v, GM__JSON_OBJECT)) return NULL;
    for (v = v->first; v && strcmp(v->key, key);) v = v->next;
    return v;
}

double gm__json_number(const gm__json *v)
{
    return gm__json_is(v, GM__JSON_WHOLE) ? (double)v->is.whole : gm__json_is(v, GM__JSON_REAL) ? v->is.real : 0;
}
