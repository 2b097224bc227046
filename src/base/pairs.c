/* pairs.c - splits `key=value key='v w'` text, or a JSON object, into pairs;
 * lists of integers. */
#include "base/base.h"
#include "base/json.h"
#include <string.h>

enum { KEY_MAX = 64 };
typedef gm_status pair_fn(void *user, const char *key, const char *value);

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool is_key(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* One value at *text into v; *text is left behind it. */
static gm_status read_value(gm_ctx *ctx, const char *owner, const char *key, const char **text, gm__buf *v)
{
    const char *p = *text;
    v->len = 0;
    gm__buf_put(v, "", 0);
    if (*p == '\'') {
        for (p++;; p++) {
            if (!*p) return gm__fail_ctx(ctx, GM_EARG, "%s: %s: the closing ' is missing", owner, key);
            if (*p == '\'' && *++p != '\'') break; /* '' stands for one ' */
            gm__buf_put(v, p, 1);
        }
        if (*p && !is_blank(*p)) return gm__fail_ctx(ctx, GM_EARG, "%s: %s: expected a blank behind the closing '", owner, key);
    } else {
        while (*p && !is_blank(*p) && *p != '\'') p++;
        if (*p == '\'') return gm__fail_ctx(ctx, GM_EARG, "%s: %s: a value with ' in it must stand in quotes", owner, key);
        gm__buf_put(v, *text, (size_t)(p - *text));
    }
    *text = p;
    return v->failed ? GM_ENOMEM : GM_OK;
}

static gm_status text_pairs(gm_ctx *ctx, const char *owner, const char *p, pair_fn *fn, void *user)
{
    gm_status s = GM_OK;
    gm__buf v;
    gm__buf_init(&v, ctx);
    for (;;) {
        char key[KEY_MAX];
        while (is_blank(*p)) p++;
        if (!*p) break;
        const char *start = p;
        while (is_key(*p)) p++;
        size_t n = (size_t)(p - start);
        if (*p != '=' || !n || n >= sizeof key) {
            while (*p && !is_blank(*p)) p++;
            n = (size_t)(p - start);
            s = gm__fail_ctx(ctx, GM_EARG, "%s: expected key=value, got '%.*s'", owner, n > KEY_MAX ? KEY_MAX : (int)n, start);
            break;
        }
        memcpy(key, start, n);
        key[n] = 0;
        p++;
        if ((s = read_value(ctx, owner, key, &p, &v))) break;
        if ((s = fn(user, key, v.data))) break;
    }
    gm__buf_free(&v);
    return s;
}

/* The text of one JSON value. */
static gm_status json_value(gm_ctx *ctx, const char *owner, const gm__json *j, gm__buf *v)
{
    bool bad = false;
    v->len = 0;
    gm__buf_put(v, "", 0);
    switch (j->kind) {
    case GM__JSON_TEXT: gm__buf_put(v, j->is.text, j->n); break;
    case GM__JSON_WHOLE: gm__buf_format(v, "%lld", (long long)j->is.whole); break;
    case GM__JSON_REAL: gm__buf_format(v, "%g", j->is.real); break;
    case GM__JSON_TRUE: gm__buf_text(v, "true"); break;
    case GM__JSON_FALSE: gm__buf_text(v, "false"); break;
    case GM__JSON_NULL: break;
    case GM__JSON_LIST:
        for (const gm__json *x = j->first; x; x = x->next) {
            bad |= x->kind != GM__JSON_WHOLE;
            gm__buf_format(v, "%s%lld", x == j->first ? "" : ",", (long long)x->is.whole);
        }
        break;
    default: bad = true;
    }
    if (bad) return gm__fail_ctx(ctx, GM_EARG, "%s: %s: expected a number, a text, true, false or a list of integers", owner, j->key);
    return v->failed ? GM_ENOMEM : GM_OK;
}

static gm_status json_pairs(gm_ctx *ctx, const char *owner, const char *text, pair_fn *fn, void *user)
{
    gm__json *root = NULL;
    gm__buf v;
    gm__buf_init(&v, ctx);
    gm_status s = gm__json_parse(ctx, GM_EARG, owner, text, strlen(text), &root);
    for (const gm__json *j = s ? NULL : root->first; j && !s; j = j->next) {
        s = json_value(ctx, owner, j, &v);
        if (!s) s = fn(user, j->key, j->kind == GM__JSON_NULL ? NULL : v.data);
    }
    gm__buf_free(&v);
    gm__free(ctx, root);
    return s;
}

gm_status gm__pairs(gm_ctx *ctx, const char *owner, const char *text, pair_fn *fn, void *user)
{
    if (!text) return GM_OK;
    while (is_blank(*text)) text++;
    return *text == '{' ? json_pairs(ctx, owner, text, fn, user) : text_pairs(ctx, owner, text, fn, user);
}

/* Numbers separated by commas; read puts the i-th into out. */
typedef const char *read_fn(const char *p, const char *end, void *out, size_t i);
static const char *read_int(const char *p, const char *end, void *out, size_t i) { return gm__read_i64(p, end, (int64_t *)out + i); }
static const char *read_real(const char *p, const char *end, void *out, size_t i) { return gm__read_double(p, end, (double *)out + i); }

static gm_status list(gm_ctx *ctx, const char *what, const char *kind, const char *text, read_fn *read, void *out, size_t cap, size_t *n)
{
    *n = 0;
    if (!text) return GM_OK;
    const char *p = text, *end = text + strlen(text);
    while (p < end && is_blank(*p)) p++;
    if (p == end) return GM_OK;
    for (;;) {
        if (*n == cap) return gm__fail_ctx(ctx, GM_EARG, "%s: more than %zu values", what, cap);
        while (p < end && is_blank(*p)) p++;
        if (!(p = read(p, end, out, *n))) break;
        ++*n;
        while (p < end && is_blank(*p)) p++;
        if (p == end) return GM_OK;
        if (*p++ != ',') break;
    }
    *n = 0;
    return gm__fail_ctx(ctx, GM_EARG, "%s: expected %s separated by commas, got '%.60s'", what, kind, text);
}

gm_status gm__ints(gm_ctx *ctx, const char *what, const char *text, int64_t *out, size_t cap, size_t *n)
{
    return list(ctx, what, "integers", text, read_int, out, cap, n);
}

gm_status gm__reals(gm_ctx *ctx, const char *what, const char *text, double *out, size_t cap, size_t *n)
{
    return list(ctx, what, "numbers", text, read_real, out, cap, n);
}
