/* arpa.c - tables in ARPA files: \data\ with the number of sequences of each length, then log10 p, words, log10 back a line. */
#include "models/ngram/ngram.h"
#include "base/file.h"
#include "base/json.h"
#include "io/io.h"
#include <math.h>
#include <string.h>

#define LOG10 2.302585092994045684

/* ---- writing ------------------------------------------------------------------------ */

/* Tokens as the file has them, each with a blank or a tab before it. */
typedef struct names { gm__buf text; size_t *at; } names;

static void put_token(gm__buf *b, const gm_tokenizer *tk, int64_t id)
{
    size_t n, len;
    const uint8_t *p = (const uint8_t *)gm_tokenizer_token(tk, id, &n);
    for (size_t i = 0; i < n; i += len) {
        len = gm__utf8_length(p + i, n - i);
        size_t l;
        bool plain = len && !gm__is_space(gm__utf8_code(p + i, n - i, &l)) && p[i] > 0x20 && p[i] != 0x7f;
        if (plain) gm__buf_put(b, p + i, len);
        else gm__buf_format(b, "<0x%02x>", p[i]), len = 1;
    }
}

static gm_status name_tokens(gm_ctx *ctx, const gm_tokenizer *tk, int64_t vocab, names *out)
{
    gm__buf_init(&out->text, ctx);
    if (!(out->at = gm__alloc(ctx, (size_t)vocab + 1, sizeof *out->at))) return GM_ENOMEM;
    for (int64_t i = 0; i < vocab; i++) {
        out->at[i] = out->text.len;
        gm__buf_text(&out->text, " ");
        put_token(&out->text, tk, i);
    }
    out->at[vocab] = out->text.len;
    return out->text.failed ? GM_ENOMEM : GM_OK;
}

static void put_log10(gm__buf *b, float v)
{
    char text[40];
    gm__buf_put(b, text, gm__write_float(text, sizeof text, v <= GM__NEVER / 2 ? -99.0f : (float)((double)v / LOG10)));
}

/* Moves the ancestors of sequence i of level k, kept in at[1 .. k], to it. */
static void climb(const gm__ngram *g, int32_t k, int64_t i, int64_t *at)
{
    at[k] = i;
    for (int32_t j = k - 1; j > 0; j--)
        while (g->level[j].first[at[j] + 1] <= at[j + 1]) at[j]++;
}

static gm_status write_level(const gm__ngram *g, const names *t, int32_t k, gm__buf *b, gm__out *o)
{
    const gm__level *l = &g->level[k];
    int64_t at[GM__NGRAM_ORDER + 1] = { 0 };
    gm__buf_format(b, "\n\\%d-grams:\n", k);
    for (int64_t i = 0; i < l->n; i++) {
        climb(g, k, i, at);
        put_log10(b, l->log_p[i]);
        for (int32_t j = 1; j <= k; j++) {
            int64_t id = j > 1 ? g->level[j].word[at[j]] : at[j];
            size_t from = b->len;
            gm__buf_put(b, t->text.data + t->at[id], t->at[id + 1] - t->at[id]);
            if (j == 1 && !b->failed) b->data[from] = '\t';
        }
        if (l->back && (l->back[i] != 0 || l->first[i] < l->first[i + 1])) {
            gm__buf_text(b, "\t");
            put_log10(b, l->back[i]);
        }
        gm__buf_text(b, "\n");
        if (b->failed) return GM_ENOMEM;
        if (b->len > 1 << 16) {
            GM__TRY(gm__out_write(o, b->data, b->len));
            b->len = 0;
        }
    }
    return GM_OK;
}

gm_status gm__arpa_write(gm_ctx *ctx, const gm__ngram *g, const gm_tokenizer *tk, const char *path)
{
    gm__out *o;
    gm__buf b;
    names t;
    GM__TRY(gm__out_open(ctx, path, &o));
    gm__buf_init(&b, ctx);
    gm_status s = name_tokens(ctx, tk, g->vocab, &t);
    gm__buf_text(&b, "\\data\\\n");
    for (int32_t k = 1; k <= g->order; k++) gm__buf_format(&b, "ngram %d=%lld\n", k, (long long)g->level[k].n);
    for (int32_t k = 1; !s && k <= g->order; k++) s = write_level(g, &t, k, &b, o);
    gm__buf_text(&b, "\n\\end\\\n");
    if (!s) s = b.failed ? GM_ENOMEM : gm__out_write(o, b.data, b.len);
    gm__buf_free(&b);
    gm__buf_free(&t.text);
    gm__free(ctx, t.at);
    if (!s) return gm__out_commit(o);
    gm__out_abort(o);
    return s;
}

/* ---- reading ---------------------------------------------------------------------------- */

/* Sequences of one length as they come; made: not in the file, but a longer one needs it. */
typedef struct list { int64_t n, cap, said; int32_t *word; float *log_p, *back; uint8_t *made; } list;

typedef struct reader {
    gm_ctx *ctx;
    const char *path;
    const char *p, *end;         /* the rest of the file */
    size_t line;
    const char *at; size_t len;  /* the present line */
    int32_t order;
    list level[GM__NGRAM_ORDER + 1];
    gm_tokenizer *tk;
} reader;

static gm_status bad(const reader *r, const char *what)
{
    return gm__fail_ctx(r->ctx, GM_EFORMAT, "%.160s:%zu: %s", r->path, r->line, what);
}

/* The next line that is not empty; false at the end. */
static bool next_line(reader *r)
{
    for (r->len = 0; !r->len && r->p < r->end;) {
        const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
        r->at = r->p;
        r->len = (size_t)((nl ? nl : r->end) - r->p);
        r->p = nl ? nl + 1 : r->end;
        r->line++;
        while (r->len && (r->at[r->len - 1] == '\r' || r->at[r->len - 1] == ' ' || r->at[r->len - 1] == '\t')) r->len--;
    }
    return r->len > 0;
}

static bool is(const reader *r, const char *text) { return r->len == strlen(text) && !memcmp(r->at, text, r->len); }

static gm_status grow(reader *r, int32_t k)
{
    list *l = &r->level[k];
    if (l->n < l->cap) return GM_OK;
    int64_t cap = l->cap ? 2 * l->cap : 256;
    if (cap > INT32_MAX) return bad(r, "too many n-grams");
    void *p;
    if (!(p = gm__realloc(r->ctx, l->word, (size_t)cap, (size_t)k * sizeof *l->word))) return GM_ENOMEM;
    l->word = p;
    if (!(p = gm__realloc(r->ctx, l->log_p, (size_t)cap, sizeof *l->log_p))) return GM_ENOMEM;
    l->log_p = p;
    if (!(p = gm__realloc(r->ctx, l->back, (size_t)cap, sizeof *l->back))) return GM_ENOMEM;
    l->back = p;
    if (!(p = gm__realloc(r->ctx, l->made, (size_t)cap, 1))) return GM_ENOMEM;
    l->made = p;
    l->cap = cap;
    return GM_OK;
}

/* The next field of the line, ended by blanks. */
static const char *field(const char **p, const char *end, size_t *n)
{
    while (*p < end && (**p == ' ' || **p == '\t')) ++*p;
    const char *from = *p;
    while (*p < end && **p != ' ' && **p != '\t') ++*p;
    *n = (size_t)(*p - from);
    return from;
}

static bool number(const char *p, size_t n, float *out)
{
    double v;
    if (!n || gm__read_double(p, p + n, &v) != p + n || isnan(v) || v > 1e30) return false;
    *out = v <= -99 ? GM__NEVER : (float)(v * LOG10);
    return true;
}

static gm_status word_id(reader *r, int32_t k, const char *p, size_t n, int32_t *out)
{
    int64_t id = -1;
    bool special = n > 2 && p[0] == '<' && p[n - 1] == '>' && ((n == 3 && p[1] == 's') || (n == 4 && !memcmp(p, "</s>", 4)) || (n == 5 && !memcmp(p, "<unk>", 5)));
    if (k > 1) id = gm_tokenizer_find(r->tk, p, n);
    else if (gm_tokenizer_find(r->tk, p, n) >= 0) return bad(r, "a word twice");
    else if (special) {
        GM__TRY(gm__tokenizer_special(r->tk, p, n, (uint8_t)(GM__TOKEN_SPECIAL | (n == 5 ? GM__TOKEN_UNKNOWN : 0))));
        id = gm_tokenizer_find(r->tk, p, n);
    } else GM__TRY(gm__vocab_add(&r->tk->vocab, p, n, &id));
    if (id < 0) return bad(r, "a word that is not among the 1-grams");
    *out = (int32_t)id;
    return GM_OK;
}

static gm_status entry(reader *r, int32_t k)
{
    list *l = &r->level[k];
    const char *p = r->at, *end = r->at + r->len, *f;
    size_t n;
    if (l->n == l->said) return bad(r, "more n-grams than \\data\\ says");
    GM__TRY(grow(r, k));
    f = field(&p, end, &n);
    if (!number(f, n, &l->log_p[l->n]) || l->log_p[l->n] > 0) return bad(r, "expected a log-probability, at most 0");
    for (int32_t j = 0; j < k; j++) {
        f = field(&p, end, &n);
        if (!n) return bad(r, "too few words");
        GM__TRY(word_id(r, k, f, n, &l->word[l->n * k + j]));
    }
    f = field(&p, end, &n);
    l->back[l->n] = 0;
    if (n && !number(f, n, &l->back[l->n])) return bad(r, "expected a back-off weight");
    field(&p, end, &n);
    if (n) return bad(r, "too many words");
    l->made[l->n++] = 0;
    return GM_OK;
}

static gm_status header(reader *r)
{
    while (next_line(r) && !is(r, "\\data\\")) {}
    if (!r->len) return gm__fail_ctx(r->ctx, GM_EFORMAT, "%.160s: no line \\data\\", r->path);
    while (next_line(r) && r->len > 6 && !memcmp(r->at, "ngram ", 6)) {
        const char *end = r->at + r->len;
        int64_t k = 0, n = 0;
        const char *p = gm__read_i64(r->at + 6, end, &k);
        while (p && p < end && *p == ' ') p++;
        if (p && p < end && *p == '=') {
            for (p++; p < end && *p == ' ';) p++;
            p = gm__read_i64(p, end, &n);
        } else p = NULL;
        if (p != end || k != r->order + 1 || n < 0) return bad(r, "expected the number of n-grams of the next order");
        if (k > GM__NGRAM_ORDER) return gm__fail_ctx(r->ctx, GM_ELIMIT, "%.160s:%zu: order %lld; at most %d", r->path, r->line, (long long)k, GM__NGRAM_ORDER);
        r->level[++r->order].said = n;
    }
    return r->order ? GM_OK : bad(r, "expected the number of n-grams of the next order");
}

static gm_status body(reader *r)
{
    GM__TRY(header(r));
    for (int32_t k = 1; k <= r->order; k++) {
        char title[24];
        gm__format(title, sizeof title, "\\%d-grams:", k);
        if (!is(r, title)) return bad(r, "expected the n-grams of the next order");
        while (next_line(r) && r->at[0] != '\\') GM__TRY(entry(r, k));
        if (r->level[k].n != r->level[k].said) return bad(r, "fewer n-grams than \\data\\ says");
        if (k == 1 && !r->level[1].n) return bad(r, "no 1-grams");
    }
    return is(r, "\\end\\") ? GM_OK : bad(r, "expected \\end\\");
}

/* ---- from lists to levels -------------------------------------------------------------------- */

static int compare(const int32_t *a, const int32_t *b, int32_t k)
{
    for (int32_t j = 0; j < k; j++)
        if (a[j] != b[j]) return a[j] < b[j] ? -1 : 1;
    return 0;
}

/* Order of a list: by words, those of the file before those that are made. */
static bool before(const list *l, int32_t k, int32_t i, int32_t j)
{
    int c = compare(l->word + (int64_t)i * k, l->word + (int64_t)j * k, k);
    return c ? c < 0 : l->made[i] < l->made[j];
}

static gm_status sort(reader *r, int32_t k, int32_t **out)
{
    list *l = &r->level[k];
    int32_t n = (int32_t)l->n, *v = gm__alloc(r->ctx, (size_t)n + 1, sizeof *v), *tmp = gm__alloc(r->ctx, (size_t)n + 1, sizeof *tmp);
    if ((*out = v) && tmp) {
        for (int32_t i = 0; i < n; i++) v[i] = i;
        for (int64_t w = 1; w < n; w *= 2) {
            for (int64_t at = 0; at < n; at += 2 * w) {
                int64_t i = at, mid = at + w < n ? at + w : n, j = mid, end = at + 2 * w < n ? at + 2 * w : n;
                for (int64_t m = at; m < end; m++) tmp[m] = i < mid && (j >= end || !before(l, k, v[j], v[i])) ? v[i++] : v[j++];
            }
            memcpy(v, tmp, (size_t)n * sizeof *v);
        }
    }
    gm__free(r->ctx, tmp);
    return v && tmp ? GM_OK : GM_ENOMEM;
}

/* Every sequence needs its context and its suffix a level down; files of pruned models may lack them. */
static gm_status complete(reader *r)
{
    for (int32_t k = r->order; k > 2; k--)
        for (int64_t i = 0; i < r->level[k].n; i++)
            for (int32_t shift = 0; shift < 2; shift++) {
                GM__TRY(grow(r, k - 1));
                list *l = &r->level[k - 1];
                memcpy(l->word + l->n * (k - 1), r->level[k].word + i * k + shift, (size_t)(k - 1) * sizeof *l->word);
                l->log_p[l->n] = l->back[l->n] = 0;
                l->made[l->n++] = 1;
            }
    return GM_OK;
}

/* The number of a sequence, walking down from its first word; -1: it is not there. */
static int32_t walk(const gm__ngram *g, const int32_t *word, int32_t k)
{
    int32_t at = word[0];
    for (int32_t j = 1; j < k; j++) {
        const gm__level *l = &g->level[j];
        int32_t lo = l->first[at], hi = l->first[at + 1];
        while (lo < hi) {
            int32_t mid = lo + (hi - lo) / 2;
            if (g->level[j + 1].word[mid] < word[j]) lo = mid + 1;
            else hi = mid;
        }
        if (lo == l->first[at + 1] || g->level[j + 1].word[lo] != word[j]) return -1;
        at = lo;
    }
    return at;
}

static gm_status level(reader *r, gm__ngram *g, int32_t k)
{
    list *from = &r->level[k];
    gm__level *l = &g->level[k], *below = &g->level[k - 1];
    int32_t *order = NULL;
    gm_status s = k > 1 ? sort(r, k, &order) : GM_OK;
    size_t n = (size_t)from->n + 1;
    l->log_p = s ? NULL : gm__alloc(r->ctx, n, sizeof *l->log_p);
    if (k < g->order) l->back = gm__alloc(r->ctx, n, sizeof *l->back);
    if (k > 1) {
        l->word = gm__alloc(r->ctx, n, sizeof *l->word);
        l->suffix = gm__alloc(r->ctx, n, sizeof *l->suffix);
        below->first = gm__calloc(r->ctx, (size_t)below->n + 1, sizeof *below->first);
    }
    if (!s && (!l->log_p || (k < g->order && !l->back) || (k > 1 && (!l->word || !l->suffix || !below->first)))) s = GM_ENOMEM;
    for (int64_t i = 0, last = -1; !s && i < from->n; i++) {
        int64_t e = order ? order[i] : i;
        const int32_t *word = from->word + e * k;
        if (last >= 0 && !compare(word, from->word + last * k, k)) {
            if (!from->made[e]) s = gm__fail_ctx(r->ctx, GM_EFORMAT, "%.160s: a sequence of %d words is there twice", r->path, k);
            continue;
        }
        last = e;
        int64_t at = l->n++;
        l->log_p[at] = from->log_p[e];
        if (l->back) l->back[at] = from->back[e];
        if (k == 1) continue;
        int32_t parent = walk(g, word, k - 1), suffix = walk(g, word + 1, k - 1);
        if (parent < 0 || suffix < 0) {
            s = gm__fail_ctx(r->ctx, GM_EINTERNAL, "arpa: a sequence without its context");
            break;
        }
        l->word[at] = word[k - 1];
        l->suffix[at] = suffix;
        below->first[parent + 1]++;
        if (from->made[e]) l->log_p[at] = below->back[parent] + below->log_p[suffix];
    }
    for (int64_t i = 0; !s && k > 1 && i < below->n; i++) below->first[i + 1] += below->first[i];
    gm__free(r->ctx, order);
    return s;
}

static gm_status build(reader *r, gm__ngram *g)
{
    g->order = r->order;
    g->vocab = r->level[1].n;
    g->begin = gm_tokenizer_find(r->tk, "<s>", 3);
    g->end = gm_tokenizer_find(r->tk, "</s>", 4);
    g->final = false;
    GM__TRY(complete(r));
    for (int32_t k = 1; k <= g->order; k++) GM__TRY(level(r, g, k));
    return GM_OK;
}

gm_status gm__arpa_load(gm_ctx *ctx, const char *path, const char *text, size_t size, gm__ngram *g, gm_tokenizer **tk)
{
    reader r = { .ctx = ctx, .path = path, .p = text, .end = text + size };
    *tk = NULL;
    *g = (gm__ngram){ 0 };
    gm_status s = gm__tokenizer_make(ctx, GM_TOKENIZE_WORD, GM__SPLIT_SPACE, &r.tk);
    if (!s) s = body(&r);
    if (!s) s = gm__tokenizer_ready(r.tk);
    if (!s) s = build(&r, g);
    for (int32_t k = 1; k <= GM__NGRAM_ORDER; k++) {
        list *l = &r.level[k];
        gm__free(ctx, l->word);
        gm__free(ctx, l->log_p);
        gm__free(ctx, l->back);
        gm__free(ctx, l->made);
    }
    if (s) {
        gm__ngram_clear(ctx, g);
        gm_tokenizer_free(r.tk);
    } else *tk = r.tk;
    return s;
}

gm_status gm__arpa_read(gm_ctx *ctx, const char *path, gm__ngram *g, gm_tokenizer **tk)
{
    uint8_t *text;
    size_t size;
    *tk = NULL;
    *g = (gm__ngram){ 0 };
    GM__TRY(gm__read_all(ctx, path, UINT64_MAX, &text, &size));
    gm_status s = gm__arpa_load(ctx, path, (const char *)text, size, g, tk);
    gm__free(ctx, text);
    return s;
}
