/* parse.c - network text in and out: "linear 256, relu, res( linear 64, relu )".
 *
 * A hand-written reader with a cursor and an end. Text is hostile input: length, depth
 * and number of layers are capped, and every complaint names the column. */
#include "nn/net.h"
#include <math.h>
#include <string.h>

typedef struct cursor {
    gm_ctx *ctx;
    const char *text, *p, *end;
    size_t *count;
} cursor;

#define GM__LAYER(name) &gm__layer_##name,
const gm__kind *const gm__layers[] = {
#include "nn/layers.def"
    NULL};
#undef GM__LAYER

/* ---- words and complaints ------------------------------------------------------- */

static gm_status fail_at(const cursor *c, const char *at, gm_status code, const char *format, ...)
{
    char text[GM__MESSAGE];
    __builtin_va_list ap;
    __builtin_va_start(ap, format);
    gm__vformat(text, sizeof text, format, ap);
    __builtin_va_end(ap);
    return gm__fail_ctx(c->ctx, code, "net: column %zu: %s", (size_t)(at - c->text) + 1, text);
}

static bool is_blank(char ch) { return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r'; }
static bool is_mark(char ch) { return ch == ',' || ch == '|' || ch == '(' || ch == ')'; }

static void skip(cursor *c)
{
    while (c->p < c->end && is_blank(*c->p)) c->p++;
}

static bool eat(cursor *c, char mark)
{
    skip(c);
    if (c->p == c->end || *c->p != mark) return false;
    c->p++;
    return true;
}

static const char *word_end(const cursor *c)
{
    const char *q = c->p;
    while (q < c->end && !is_blank(*q) && !is_mark(*q)) q++;
    return q;
}

/* What stands at the cursor, for a message: "'lienar'", "','" or "the end". */
static const char *seen(const cursor *c, char out[40])
{
    const char *q = word_end(c);
    size_t n = (size_t)(q - c->p);
    if (n == 0 && c->p < c->end) n = 1;
    if (n == 0) {
        memcpy(out, "the end", 8);
        return out;
    }
    bool cut = n > 32;
    if (cut) n = 32;
    out[0] = '\'';
    memcpy(out + 1, c->p, n);
    memcpy(out + 1 + n, cut ? "..'" : "'", cut ? 4 : 2);
    return out;
}

/* ---- settings -------------------------------------------------------------------- */

static gm_status check_number(const cursor *c, const gm__layer *l, const gm__setting *s, double v)
{
    char got[40];
    bool whole = s->type != GM__S_REAL;
    if (v >= s->lo && v <= s->hi && (!whole || v == floor(v))) return GM_OK;
    return fail_at(c, c->p, GM_EARG, "%s: expected %s, %s in [%g,%g], got %s", l->kind->name, s->what,
                   whole ? "a whole number" : "a number", s->lo, s->hi, seen(c, got));
}

static gm_status read_init(const cursor *c, gm__layer *l, double *kind, const char *value, const char *end)
{
    char got[40];
    if (gm__init_read(value, end, kind, &l->init_number)) return GM_OK;
    return fail_at(c, c->p, GM_EARG, "%s: expected init=" GM__INIT_NAMES ", got %s", l->kind->name, seen(c, got));
}

/* A bare number: the next setting by position. */
static gm_status read_positional(cursor *c, gm__layer *l, const char *end, size_t *position)
{
    const gm__kind *k = l->kind;
    size_t nth = 0;
    char got[40];
    for (size_t i = 0; i < k->n_settings; i++) {
        const gm__setting *s = &k->settings[i];
        double v;
        if (s->key || (s->type != GM__S_DIMS && nth++ != *position)) continue;
        if (gm__read_double(c->p, end, &v) != end)
            return fail_at(c, c->p, GM_EARG, "%s: expected %s, got %s", k->name, s->what, seen(c, got));
        GM__TRY(check_number(c, l, s, v));
        if (s->type == GM__S_DIMS) {
            if (l->dims.ndim == GM_MAX_DIMS - 1)
                return fail_at(c, c->p, GM_ESHAPE, "%s: more than %d sizes", k->name, GM_MAX_DIMS - 1);
            l->dims.dim[l->dims.ndim++] = (int64_t)v;
        } else {
            l->v[i] = v;
        }
        ++*position;
        return GM_OK;
    }
    return fail_at(c, c->p, GM_EARG, "%s: one number too many: %s", k->name, seen(c, got));
}

/* The value part of "key=value" or, for a one-letter key, of "k4"; NULL if the word is another. */
static const char *value_of(const gm__setting *s, const char *word, const char *end)
{
    size_t n = strlen(s->key);
    if ((size_t)(end - word) <= n || memcmp(word, s->key, n) != 0) return NULL;
    if (word[n] == '=') return word + n + 1;
    bool digit = (word[n] >= '0' && word[n] <= '9') || word[n] == '-' || word[n] == '.';
    return n == 1 && digit ? word + n : NULL;
}

static gm_status read_keyed(cursor *c, gm__layer *l, const char *end)
{
    const gm__kind *k = l->kind;
    char got[40];
    for (size_t i = 0; i < k->n_settings; i++) {
        const gm__setting *s = &k->settings[i];
        if (!s->key) continue;
        if (s->type == GM__S_FLAG) {
            if (strlen(s->key) != (size_t)(end - c->p) || memcmp(s->key, c->p, (size_t)(end - c->p)) != 0) continue;
            l->v[i] = 1;
            return GM_OK;
        }
        const char *value = value_of(s, c->p, end);
        if (!value) continue;
        if (s->type == GM__S_INIT) return read_init(c, l, &l->v[i], value, end);
        if (gm__read_double(value, end, &l->v[i]) != end)
            return fail_at(c, c->p, GM_EARG, "%s: expected %s, got %s", k->name, s->what, seen(c, got));
        return check_number(c, l, s, l->v[i]);
    }
    return fail_at(c, c->p, GM_EARG, "%s has no setting %s", k->name, seen(c, got));
}

static gm_status read_settings(cursor *c, gm__layer *l)
{
    const gm__kind *k = l->kind;
    size_t position = 0;
    for (skip(c); c->p < c->end && !is_mark(*c->p); skip(c)) {
        const char *end = word_end(c);
        bool number = (*c->p >= '0' && *c->p <= '9') || *c->p == '-' || *c->p == '+' || *c->p == '.';
        GM__TRY(number ? read_positional(c, l, end, &position) : read_keyed(c, l, end));
        c->p = end;
    }
    for (size_t i = 0; i < k->n_settings; i++)
        if (k->settings[i].required && position == 0) return fail_at(c, c->p, GM_EARG, "%s: expected %s", k->name, k->settings[i].what);
    return GM_OK;
}

/* ---- layers ------------------------------------------------------------------------ */

static gm_status read_list(cursor *c, gm__seq *seq, int depth);

static gm_status unknown_layer(const cursor *c)
{
    char names[400], got[40];
    size_t n = 0;
    for (size_t i = 0; gm__layers[i]; i++)
        n += gm__format(names + n, sizeof names - n, i ? ", %s" : "%s", gm__layers[i]->name);
    return fail_at(c, c->p, GM_EARG, "expected a layer, got %s (layers: %s)", seen(c, got), names);
}

static gm_status read_branches(cursor *c, gm__layer *l, int depth)
{
    char got[40];
    if (!eat(c, '(')) return fail_at(c, c->p, GM_EARG, "%s: expected '(', got %s", l->kind->name, seen(c, got));
    if (depth == GM__NET_DEPTH) return fail_at(c, c->p, GM_ELIMIT, "more than %d parentheses inside one another", GM__NET_DEPTH - 1);
    do {
        if (l->n_branch == GM__NET_BRANCHES) return fail_at(c, c->p, GM_ELIMIT, "%s: more than %d branches", l->kind->name, GM__NET_BRANCHES);
        gm__seq *grown = gm__realloc(c->ctx, l->branch, l->n_branch + 1, sizeof *grown);
        if (!grown) return GM_ENOMEM;
        l->branch = grown;
        grown[l->n_branch++] = (gm__seq){0};
        GM__TRY(read_list(c, &grown[l->n_branch - 1], depth + 1));
    } while (l->kind->branches == 2 && eat(c, '|'));
    if (!eat(c, ')'))
        return fail_at(c, c->p, GM_EARG, "%s: expected %s, got %s", l->kind->name, l->kind->branches == 2 ? "',', '|' or ')'" : "',' or ')'", seen(c, got));
    return GM_OK;
}

static gm_status push_layer(cursor *c, gm__seq *seq, const gm__kind *kind)
{
    if (*c->count == GM__NET_LAYERS) return fail_at(c, c->p, GM_ELIMIT, "more than %d layers", GM__NET_LAYERS);
    if (seq->n == seq->cap) {
        size_t cap = seq->cap ? 2 * seq->cap : 4;
        gm__layer *grown = gm__realloc(c->ctx, seq->layers, cap, sizeof *grown);
        if (!grown) return GM_ENOMEM;
        seq->layers = grown;
        seq->cap = cap;
    }
    gm__layer *l = &seq->layers[seq->n++];
    *l = (gm__layer){.kind = kind, .column = (size_t)(c->p - c->text) + 1};
    for (size_t i = 0; i < kind->n_settings; i++) l->v[i] = kind->settings[i].def;
    ++*c->count;
    return GM_OK;
}

static gm_status read_layer(cursor *c, gm__seq *seq, int depth)
{
    skip(c);
    const char *end = word_end(c);
    size_t n = (size_t)(end - c->p);
    const gm__kind *kind = NULL;
    for (size_t i = 0; gm__layers[i] && !kind; i++)
        if (n == strlen(gm__layers[i]->name) && memcmp(c->p, gm__layers[i]->name, n) == 0) kind = gm__layers[i];
    if (!kind) return unknown_layer(c);
    GM__TRY(push_layer(c, seq, kind));
    c->p = end;
    gm__layer *l = &seq->layers[seq->n - 1];
    GM__TRY(read_settings(c, l));
    return kind->branches ? read_branches(c, l, depth) : GM_OK;
}

static gm_status read_list(cursor *c, gm__seq *seq, int depth)
{
    do GM__TRY(read_layer(c, seq, depth));
    while (eat(c, ','));
    return GM_OK;
}

gm_status gm__net_parse(gm_ctx *ctx, const char *text, gm__seq *seq, size_t *count)
{
    char got[40];
    size_t n = 0;
    while (n <= GM__NET_TEXT && text[n]) n++;
    if (n > GM__NET_TEXT) return gm__fail_ctx(ctx, GM_ELIMIT, "net: text longer than %d bytes", GM__NET_TEXT);
    cursor c = {.ctx = ctx, .text = text, .p = text, .end = text + n, .count = count};
    skip(&c);
    if (c.p == c.end) return GM_OK; /* no layers yet: gm_net_add follows */
    GM__TRY(read_list(&c, seq, 1));
    skip(&c);
    if (c.p < c.end) return fail_at(&c, c.p, GM_EARG, "expected ',' or the end, got %s", seen(&c, got));
    return GM_OK;
}

void gm__seq_free(gm_ctx *ctx, gm__seq *s)
{
    for (size_t i = 0; i < s->n; i++) {
        gm__layer *l = &s->layers[i];
        for (size_t j = 0; j < l->n_branch; j++) gm__seq_free(ctx, &l->branch[j]);
        gm__free(ctx, l->branch);
        gm__free(ctx, l->text);
        gm__free(ctx, l->pending.mean);
    }
    gm__free(ctx, s->layers);
    *s = (gm__seq){0};
}

/* ---- text out: settings at their defaults are left out ---------------------------------- */

static void setting_text(const gm__layer *l, const gm__setting *s, double v, gm__buf *b)
{
    if (s->type == GM__S_DIMS) {
        for (int d = 0; d < l->dims.ndim; d++) gm__buf_format(b, " %lld", (long long)l->dims.dim[d]);
    } else if (!s->required && v == s->def) {
        return;
    } else if (s->type == GM__S_FLAG) {
        gm__buf_format(b, " %s", s->key);
    } else if (s->type == GM__S_INIT) {
        gm__init_text((int)v, l->init_number, b);
    } else {
        gm__buf_format(b, " %s%s", s->key ? s->key : "", s->key && s->key[1] ? "=" : "");
        if (s->type == GM__S_INT) gm__buf_format(b, "%lld", (long long)v);
        else gm__buf_format(b, "%g", v);
    }
}

gm_status gm__net_layer_text(const gm__layer *l, gm__buf *b)
{
    gm__buf_text(b, l->kind->name);
    for (size_t i = 0; i < l->kind->n_settings; i++) setting_text(l, &l->kind->settings[i], l->v[i], b);
    return b->failed ? GM_ENOMEM : GM_OK;
}

void gm__seq_text(const gm__seq *s, gm__buf *b)
{
    for (size_t i = 0; i < s->n; i++) {
        const gm__layer *l = &s->layers[i];
        gm__buf_format(b, "%s%s", i ? ", " : "", l->text);
        for (size_t j = 0; j < l->n_branch; j++) {
            gm__buf_text(b, j ? " | " : "( ");
            gm__seq_text(&l->branch[j], b);
        }
        if (l->n_branch) gm__buf_text(b, " )");
    }
}
