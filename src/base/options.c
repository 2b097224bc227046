/* options.c - tables of options: one row gives the default, the reader, the
 * bounds, the message and the text of an option. */
#include "base/base.h"
#include "base/json.h"
#include <string.h>

enum { ROWS_MAX = 128, INTS_MAX = 64 };

/* ---- strings that a config points into ----------------------------------------- */

struct gm__str {
    struct gm__str *next;
    char text[];
};

void gm__strs_free(gm__strs *s)
{
    while (s->head) {
        struct gm__str *next = s->head->next;
        gm__free(s->ctx, s->head);
        s->head = next;
    }
}

const char *gm__strs_add(gm__strs *s, const char *text, size_t n)
{
    size_t bytes;
    if (!gm__add(n, sizeof(struct gm__str) + 1, &bytes)) return NULL;
    struct gm__str *str = gm__alloc(s->ctx, bytes, 1);
    if (!str) return NULL;
    memcpy(str->text, text, n);
    str->text[n] = 0;
    str->next = s->head;
    s->head = str;
    return str->text;
}

/* ---- keys ------------------------------------------------------------------------ */

static bool same(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!a[i] || (a[i] == '_' ? '-' : a[i]) != (b[i] == '_' ? '-' : b[i])) return false;
    return true;
}

bool gm__ieq(const char *a, const char *b, size_t n_b) { return same(a, b, n_b) && !a[n_b]; }

ptrdiff_t gm__opts_find(const gm__opts *o, const char *key, size_t n)
{
    for (size_t i = 0; i < o->n; i++)
        if (gm__ieq(o->rows[i].name, key, n)) return (ptrdiff_t)i;
    return -1;
}

/* Insertions, deletions, replacements and swaps of neighbours between two keys. */
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 40 };
    size_t n = strlen(a), m = strlen(b), d[3][MOST + 1];
    if (n > MOST || m > MOST) return MOST;
    for (size_t j = 0; j <= m; j++) d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < best) best = up[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best) best = up2[j - 2] + 1;
            row[j] = best;
        }
    }
    return d[n % 3][m];
}

static gm_status unknown(gm_ctx *ctx, const gm__opts *o, const char *key)
{
    size_t best = 3, at = 0;
    for (size_t i = 0; i < o->n; i++) {
        size_t d = distance(key, o->rows[i].name);
        if (d < best) best = d, at = i;
    }
    if (best < 3 && best < strlen(key)) return gm__fail_ctx(ctx, GM_EARG, "%s: no option '%.64s' (did you mean '%s'?)", o->owner, key, o->rows[at].name);
    return gm__fail_ctx(ctx, GM_EARG, "%s: no option '%.64s'", o->owner, key);
}

/* ---- rows -------------------------------------------------------------------------- */

/* One value of any type. */
typedef struct value {
    int64_t i;       /* INT, I64, FLAG, CHOICE */
    uint64_t u;      /* U64 */
    double r;        /* REAL */
    const char *text; /* INTS, TEXT */
} value;

static value load(const gm__opt *row, const void *cfg)
{
    const char *p = (const char *)cfg + row->offset;
    value v = { 0 };
    int32_t i;
    switch (row->type) {
    case GM__O_I64: memcpy(&v.i, p, sizeof v.i); break;
    case GM__O_U64: memcpy(&v.u, p, sizeof v.u); break;
    case GM__O_REAL: memcpy(&v.r, p, sizeof v.r); break;
    case GM__O_INTS: case GM__O_TEXT: memcpy(&v.text, p, sizeof v.text); break;
    default: memcpy(&i, p, sizeof i), v.i = i;
    }
    return v;
}

static void store(const gm__opt *row, void *cfg, value v)
{
    char *p = (char *)cfg + row->offset;
    int32_t i = (int32_t)v.i;
    switch (row->type) {
    case GM__O_I64: memcpy(p, &v.i, sizeof v.i); break;
    case GM__O_U64: memcpy(p, &v.u, sizeof v.u); break;
    case GM__O_REAL: memcpy(p, &v.r, sizeof v.r); break;
    case GM__O_INTS: case GM__O_TEXT: memcpy(p, &v.text, sizeof v.text); break;
    default: memcpy(p, &i, sizeof i);
    }
}

/* The bounds of a row, no wider than its type; lo == hi stands for none. */
static void bounds(const gm__opt *row, double *lo, double *hi)
{
    double least = -__builtin_inf(), most = __builtin_inf();
    switch (row->type) {
    case GM__O_INT: least = -2147483648.0, most = 2147483647.0; break;
    case GM__O_I64: case GM__O_INTS: least = -0x1p63, most = 0x1p63; break;
    case GM__O_U64: least = 0, most = 0x1p64; break;
    default: break;
    }
    bool none = row->lo == row->hi;
    *lo = none || row->lo < least ? least : row->lo;
    *hi = none || row->hi > most ? most : row->hi;
}

static bool within(const gm__opt *row, double v)
{
    double lo, hi;
    bounds(row, &lo, &hi);
    return v >= lo && v <= hi;
}

/* Name of choice k of a list into *name, its length returned; 0 if there are fewer. */
static size_t choice(const char *list, int64_t k, const char **name)
{
    for (; k > 0; k--) {
        list += strcspn(list, "|[]");
        if (*list++ != '|') return 0;
    }
    *name = list;
    return k < 0 ? 0 : strcspn(list, "|[]");
}

static bool choose(const char *list, const char *t, size_t n_t, int64_t *k)
{
    const char *name;
    size_t n;
    for (*k = 0; (n = choice(list, *k, &name)); ++*k)
        if (n == n_t && same(t, name, n)) return true;
    return false;
}

/* The second list of a pair, "a|b[,c|d]". */
static const char *second(const gm__opt *row) { return strchr(row->choices, '[') + 2; }

/* ---- messages ------------------------------------------------------------------------ */

static void expected(const gm__opt *row, char *out, size_t cap)
{
    double lo, hi;
    const char *what = row->type == GM__O_REAL ? "a number" : row->type == GM__O_INTS ? "integers separated by commas, each" : "an integer";
    bounds(row, &lo, &hi);
    switch (row->type) {
    case GM__O_FLAG: gm__format(out, cap, "on or off"); return;
    case GM__O_CHOICE: case GM__O_PAIR: gm__format(out, cap, "one of %s", row->choices); return;
    case GM__O_TEXT: gm__format(out, cap, "a text without control characters"); return;
    default: break;
    }
    bool has_lo = lo > -0x1p63, has_hi = hi < 0x1p63;
    if (has_lo && has_hi) gm__format(out, cap, "%s from %g to %g", what, lo, hi);
    else if (has_lo) gm__format(out, cap, "%s, %g or more", what, lo);
    else if (has_hi) gm__format(out, cap, "%s, %g or less", what, hi);
    else gm__format(out, cap, "%s", row->type == GM__O_INTS ? "integers separated by commas" : what);
}

static gm_status refuse(gm_ctx *ctx, const gm__opts *o, const gm__opt *row, const char *got, bool quote)
{
    char want[160];
    expected(row, want, sizeof want);
    size_t n = strlen(got);
    return gm__fail_ctx(ctx, GM_EARG, "%s: %s: expected %s, got %s%.*s%s%s", o->owner, row->name, want, quote ? "'" : "",
                        n > 60 ? 57 : (int)n, got, n > 60 ? "..." : "", quote ? "'" : "");
}

/* ---- reading -------------------------------------------------------------------------- */

static bool read_flag(const char *t, int64_t *v)
{
    static const char *const words[] = { "off", "on", "false", "true", "0", "1", "no", "yes" };
    for (size_t i = 0; i < GM__COUNT(words); i++)
        if (!strcmp(t, words[i])) return *v = i & 1, true;
    return false;
}

static bool text_ok(const char *t)
{
    for (; *t; t++)
        if (((unsigned char)*t < 0x20 && *t != '\t' && *t != '\n') || *t == 0x7f) return false;
    return true;
}

/* The list in its one spelling, "400,200", or NULL if it is none. No message. */
static bool ints_text(const gm__opt *row, const char *t, gm__buf *out)
{
    int64_t v[INTS_MAX];
    size_t n;
    if (gm__ints(NULL, "", t, v, INTS_MAX, &n)) return false;
    for (size_t i = 0; i < n; i++) {
        if (!within(row, (double)v[i])) return false;
        if (out) gm__buf_format(out, "%s%lld", i ? "," : "", (long long)v[i]);
    }
    return true;
}

/* Reads t; strings stay where they are. False if t does not fit the row. */
static bool read_row(const gm__opt *row, const char *t, value *v)
{
    const char *end = t + strlen(t), *comma;
    int64_t k = 0;
    *v = (value){ 0 };
    switch (row->type) {
    case GM__O_INT: case GM__O_I64: return gm__read_i64(t, end, &v->i) == end && within(row, (double)v->i);
    case GM__O_U64: return gm__read_u64(t, end, &v->u) == end && within(row, (double)v->u);
    case GM__O_REAL: return gm__read_double(t, end, &v->r) == end && v->r - v->r == 0 && within(row, v->r);
    case GM__O_FLAG: return read_flag(t, &v->i);
    case GM__O_CHOICE: return choose(row->choices, t, strlen(t), &v->i);
    case GM__O_PAIR:
        comma = t + strcspn(t, ",");
        if (!choose(row->choices, t, (size_t)(comma - t), &v->i) || (*comma && !choose(second(row), comma + 1, strlen(comma + 1), &k))) return false;
        v->i |= k << 8;
        return true;
    case GM__O_INTS: v->text = t; return ints_text(row, t, NULL);
    default: v->text = t; return text_ok(t);
    }
}

/* Defaults are trusted and their strings static: nothing is copied. */
static void set_default(const gm__opt *row, void *cfg)
{
    value v = { 0 };
    if (row->def) read_row(row, row->def, &v);
    store(row, cfg, v);
}

static gm_status keep_text(gm_ctx *ctx, const gm__opt *row, gm__strs *strs, value *v)
{
    if (row->type == GM__O_TEXT) {
        v->text = gm__strs_add(strs, v->text, strlen(v->text));
        return v->text ? GM_OK : GM_ENOMEM;
    }
    gm__buf b;
    gm__buf_init(&b, ctx);
    gm__buf_put(&b, "", 0);
    ints_text(row, v->text, &b);
    v->text = b.failed ? NULL : gm__strs_add(strs, b.data, b.len);
    gm__buf_free(&b);
    return v->text ? GM_OK : GM_ENOMEM;
}

static gm_status set_row(gm_ctx *ctx, const gm__opts *o, size_t i, const char *text, void *cfg, gm__strs *strs)
{
    const gm__opt *row = &o->rows[i];
    value v;
    if (!text) { /* JSON null */
        set_default(row, cfg);
        return GM_OK;
    }
    if (!read_row(row, text, &v)) return refuse(ctx, o, row, text, true);
    if (v.text) GM__TRY(keep_text(ctx, row, strs, &v));
    store(row, cfg, v);
    return GM_OK;
}

gm_status gm__opts_defaults(gm_ctx *ctx, const gm__opts *o, void *cfg, gm__strs *strs)
{
    GM__UNUSED(ctx);
    GM__UNUSED(strs);
    for (size_t i = 0; i < o->n; i++) set_default(&o->rows[i], cfg);
    return GM_OK;
}

gm_status gm__opts_set(gm_ctx *ctx, const gm__opts *o, const char *key, const char *text, void *cfg, gm__strs *strs, bool *set)
{
    ptrdiff_t i = gm__opts_find(o, key, strlen(key));
    if (i < 0) return unknown(ctx, o, key);
    GM__TRY(set_row(ctx, o, (size_t)i, text, cfg, strs));
    if (set) set[i] = text != NULL;
    return GM_OK;
}

typedef struct parse {
    gm_ctx *ctx;
    const gm__opts *o;
    void *cfg;
    gm__strs *strs;
    bool *set, seen[ROWS_MAX];
} parse;

static gm_status parse_pair(void *user, const char *key, const char *text)
{
    parse *p = user;
    ptrdiff_t i = gm__opts_find(p->o, key, strlen(key));
    if (i >= 0 && p->seen[i]) return gm__fail_ctx(p->ctx, GM_EARG, "%s: %s: given twice", p->o->owner, p->o->rows[i].name);
    if (i >= 0) p->seen[i] = true;
    return gm__opts_set(p->ctx, p->o, key, text, p->cfg, p->strs, p->set);
}

gm_status gm__opts_parse(gm_ctx *ctx, const gm__opts *o, const char *text, void *cfg, gm__strs *strs, bool *set)
{
    GM__ASSERT(gm__ctx_err(ctx), o->n <= ROWS_MAX);
    parse p = { .ctx = ctx, .o = o, .cfg = cfg, .strs = strs, .set = set };
    return gm__pairs(ctx, o->owner, text, parse_pair, &p);
}

/* ---- configs filled by C code ------------------------------------------------------------ */

static bool value_ok(const gm__opt *row, value v)
{
    const char *name;
    switch (row->type) {
    case GM__O_INT: case GM__O_I64: return within(row, (double)v.i);
    case GM__O_U64: return within(row, (double)v.u);
    case GM__O_REAL: return v.r - v.r == 0 && within(row, v.r);
    case GM__O_FLAG: return v.i == 0 || v.i == 1;
    case GM__O_CHOICE: return choice(row->choices, v.i, &name) > 0;
    case GM__O_PAIR: return v.i >= 0 && choice(row->choices, v.i & 255, &name) && choice(second(row), v.i >> 8, &name);
    case GM__O_INTS: return !v.text || ints_text(row, v.text, NULL);
    default: return !v.text || text_ok(v.text);
    }
}

gm_status gm__opts_check(gm_ctx *ctx, const gm__opts *o, const void *cfg)
{
    for (size_t i = 0; i < o->n; i++) {
        const gm__opt *row = &o->rows[i];
        if (value_ok(row, load(row, cfg))) continue;
        char got[80];
        bool text = row->type == GM__O_INTS || row->type == GM__O_TEXT;
        gm__opts_value(o, i, cfg, got, sizeof got);
        return refuse(ctx, o, row, got, text);
    }
    return GM_OK;
}

gm_status gm__opts_copy(gm_ctx *ctx, const gm__opts *o, const void *from, void *to, gm__strs *strs)
{
    for (size_t i = 0; i < o->n; i++) {
        value v = load(&o->rows[i], from);
        if (v.text) GM__TRY(keep_text(ctx, &o->rows[i], strs, &v));
        store(&o->rows[i], to, v);
    }
    return GM_OK;
}

/* ---- writing ------------------------------------------------------------------------------- */

void gm__opts_value(const gm__opts *o, size_t i, const void *cfg, char *out, size_t cap)
{
    const gm__opt *row = &o->rows[i];
    value v = load(row, cfg);
    const char *name = "", *other = "";
    size_t n, n2;
    switch (row->type) {
    case GM__O_U64: gm__format(out, cap, "%llu", (unsigned long long)v.u); break;
    case GM__O_REAL: gm__format(out, cap, "%g", v.r); break;
    case GM__O_INTS: case GM__O_TEXT: gm__format(out, cap, "%s", v.text ? v.text : ""); break;
    case GM__O_CHOICE:
        if ((n = choice(row->choices, v.i, &name))) gm__format(out, cap, "%.*s", (int)n, name);
        else gm__format(out, cap, "%lld", (long long)v.i);
        break;
    case GM__O_PAIR:
        n = value_ok(row, v) ? choice(row->choices, v.i & 255, &name) : 0;
        n2 = n && v.i >> 8 ? choice(second(row), v.i >> 8, &other) : 0;
        if (!n) gm__format(out, cap, "%lld", (long long)v.i);
        else gm__format(out, cap, "%.*s%s%.*s", (int)n, name, n2 ? "," : "", (int)n2, other);
        break;
    case GM__O_FLAG:
        if (v.i == 0 || v.i == 1) gm__format(out, cap, "%s", v.i ? "on" : "off");
        else gm__format(out, cap, "%lld", (long long)v.i);
        break;
    default: gm__format(out, cap, "%lld", (long long)v.i);
    }
}

gm_status gm__opts_json(gm_ctx *ctx, const gm__opts *o, const void *cfg, gm__buf *out)
{
    GM__UNUSED(ctx);
    const char *between = "";
    gm__buf_text(out, "{");
    for (size_t i = 0; i < o->n; i++) {
        const gm__opt *row = &o->rows[i];
        value v = load(row, cfg);
        char text[40];
        bool is_text = row->type == GM__O_INTS || row->type == GM__O_TEXT;
        if (is_text && !v.text) continue;
        gm__buf_text(out, between);
        between = ",";
        gm__json_string(out, row->name, strlen(row->name));
        gm__buf_text(out, ":");
        if (is_text) {
            gm__json_string(out, v.text, strlen(v.text));
        } else if (row->type == GM__O_FLAG) {
            gm__buf_text(out, v.i ? "true" : "false");
        } else {
            gm__opts_value(o, i, cfg, text, sizeof text);
            /* what a JSON reader's 64-bit integer cannot hold travels as text */
            bool quoted = row->type == GM__O_CHOICE || row->type == GM__O_PAIR || (row->type == GM__O_U64 && v.u > INT64_MAX);
            if (quoted) gm__json_string(out, text, strlen(text));
            else gm__buf_text(out, text);
        }
    }
    return gm__buf_text(out, "}") ? GM_OK : GM_ENOMEM;
}
