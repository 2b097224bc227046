/* read_csv.c - numbers separated by commas or tabs. A first row with anything that is
 * no number is the header. label=COL, y=COL[+COL..] and onehot=COL[+COL..] name columns
 * by header or by number from 0 on; all but label and y make x. Read in one pass, so
 * that nothing is kept but the numbers. */
#include "data/fields.h"
#include <math.h>
#include <string.h>

enum { MAX_CLASSES = 65536, MAX_WORDS = 1024, MAX_WIDTH = 1 << 20 };
enum { X, LABEL, Y, ONEHOT };                                     /* what a column is for */
enum { MISSING_ERROR, MISSING_NAN, MISSING_MEAN, MISSING_DROP };
static const char *const policies[] = { "error", "nan", "mean", "drop" };

typedef struct use { int kind; size_t index; } use;               /* index among those of its kind */

typedef struct csv {
    gm_ctx *ctx;
    const gm__spec *spec;
    gm__fields f;
    size_t width;               /* fields that a row must have */
    use *use;                   /* [width] */
    size_t count[4];            /* columns of each kind */
    int missing;
    gm__buf x, y, labels;       /* x: a one-hot column holds the word's number, -1 if it is missing */
    uint64_t rows;
    gm__words classes, *words;  /* words: [count[ONEHOT]] */
} csv;

/* ---- columns ---------------------------------------------------------------------- */

/* Column of the name [p, p+n), by header or number; -1: none. */
static int64_t find_column(const csv *c, const char *p, size_t n, bool header)
{
    int64_t v;
    for (size_t i = 0; header && i < c->width; i++)
        if (strlen(gm__field(&c->f, i)) == n && !memcmp(gm__field(&c->f, i), p, n)) return (int64_t)i;
    bool number = n && *p >= '0' && *p <= '9' && gm__read_i64(p, p + n, &v) == p + n;
    return number && v < (int64_t)c->width ? v : -1;
}

static gm_status take_column(csv *c, const char *key, int kind, int64_t column)
{
    static const char *const names[] = { "x", "label", "y", "onehot" };
    use *u = &c->use[column];
    if (u->kind == kind) return gm__fail_ctx(c->ctx, GM_EARG, "%s: %s names column %lld twice", gm__in_name(c->f.in), key, (long long)column);
    if (u->kind) return gm__fail_ctx(c->ctx, GM_EARG, "%s: %s and %s are the same column", gm__in_name(c->f.in), names[u->kind], key);
    *u = (use){ kind, c->count[kind]++ };
    return GM_OK;
}

/* The columns that the option `key` names: one name, or some with '+' between them. */
static gm_status take_columns(csv *c, const char *key, int kind, bool header)
{
    const char *p = gm__spec_opt(c->spec, key);
    if (!p) return GM_OK;
    int64_t whole = find_column(c, p, strlen(p), header);
    if (whole >= 0) return take_column(c, key, kind, whole);
    for (bool more = true; more;) {
        size_t n = kind == LABEL ? strlen(p) : strcspn(p, "+");
        int64_t column = find_column(c, p, n, header);
        if (column < 0)
            return gm__fail_ctx(c->ctx, GM_ENOTFOUND, "%s: no column '%.*s' for %s (%zu columns%s)", gm__in_name(c->f.in), (int)n, p, key, c->width,
                                header ? "" : ", no header");
        GM__TRY(take_column(c, key, kind, column));
        more = p[n] == '+';
        p += n + more;
    }
    return GM_OK;
}

static bool is_missing(const csv *c, const char *p)
{
    static const char *const words[] = { "", "NA", "N/A", "NaN", "nan", "null", "?" };
    for (size_t i = 0; c->missing && i < GM__COUNT(words); i++)
        if (!strcmp(p, words[i])) return true;
    return false;
}

/* Does an option name column i by its number? Such a column may hold words. */
static bool named_by_number(const csv *c, const char *key, size_t i)
{
    int64_t v;
    for (const char *p = gm__spec_opt(c->spec, key); p && *p; p += strcspn(p, "+"), p += *p == '+') {
        const char *end = p + strcspn(p, "+");
        if (*p >= '0' && *p <= '9' && gm__read_i64(p, end, &v) == end && v == (int64_t)i) return true;
    }
    return false;
}

/* The first row: is it the header, and which columns are what? */
static gm_status first_row(csv *c, bool *header)
{
    double v;
    *header = false;
    c->width = c->f.n;
    for (size_t i = 0; i < c->width; i++) {
        const char *p = gm__field(&c->f, i);
        if (!*p || is_missing(c, p) || gm__field_number(p, &v)) continue;
        if (!named_by_number(c, "label", i) && !named_by_number(c, "onehot", i)) *header = true;
    }
    c->use = gm__calloc(c->ctx, c->width, sizeof *c->use);
    if (!c->use) return GM_ENOMEM;
    GM__TRY(take_columns(c, "label", LABEL, *header));
    GM__TRY(take_columns(c, "y", Y, *header));
    GM__TRY(take_columns(c, "onehot", ONEHOT, *header));
    if (c->width == c->count[LABEL] + c->count[Y]) return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: no column is left for x", gm__in_name(c->f.in));
    c->words = gm__calloc(c->ctx, c->count[ONEHOT] + 1, sizeof *c->words);
    if (!c->words) return GM_ENOMEM;
    for (size_t i = 0; i < c->count[ONEHOT]; i++) gm__vocab_init(&c->words[i], c->ctx);
    return GM_OK;
}

/* ---- values ---------------------------------------------------------------------- */

static gm_status number(csv *c, size_t column, float *out)
{
    double v;
    const char *text = gm__field(&c->f, column);
    *out = NAN;
    if (!*text) return gm__fields_bad(&c->f, column, "the value is missing", "");
    if (!gm__field_number(text, &v)) return gm__fields_bad(&c->f, column, "expected a number", text);
    *out = (float)v;
    return isfinite(*out) ? GM_OK : gm__fields_bad(&c->f, column, "expected a finite number", text);
}

static gm_status put_x(csv *c, size_t column)
{
    float v = NAN;
    const use *u = &c->use[column];
    const char *text = gm__field(&c->f, column);
    if (u->kind == ONEHOT) {
        int64_t k = -1;
        if (!*text && !c->missing) return gm__fields_bad(&c->f, column, "the value is missing", "");
        if (!is_missing(c, text)) GM__TRY(gm__words_add(&c->words[u->index], gm__in_name(c->f.in), text, MAX_WORDS, &k));
        v = (float)k;
    } else if (!is_missing(c, text)) {
        GM__TRY(number(c, column, &v));
    }
    return gm__buf_put(&c->x, &v, sizeof v) ? GM_OK : GM_ENOMEM;
}

static gm_status put_label(csv *c, size_t column)
{
    int64_t k;
    const char *text = gm__field(&c->f, column);
    if (!*text || is_missing(c, text)) return gm__fields_bad(&c->f, column, "the label is missing", "");
    GM__TRY(gm__words_add(&c->classes, gm__in_name(c->f.in), text, MAX_CLASSES, &k));
    return gm__buf_put(&c->labels, &k, sizeof k) ? GM_OK : GM_ENOMEM;
}

static gm_status put_row(csv *c)
{
    size_t at = c->y.len;
    if (c->f.n != c->width)
        return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: line %llu: %zu columns, the first row has %zu", gm__in_name(c->f.in),
                            (unsigned long long)c->f.line, c->f.n, c->width);
    for (size_t i = 0; c->missing == MISSING_DROP && i < c->width; i++)
        if (is_missing(c, gm__field(&c->f, i))) return GM_OK;
    for (size_t i = 0; i < c->count[Y]; i++) /* they may stand in another order than y=... names them */
        if (!gm__buf_put(&c->y, &(float){ 0 }, sizeof(float))) return GM_ENOMEM;
    for (size_t i = 0; i < c->width; i++) {
        float v;
        if (c->use[i].kind == LABEL) {
            GM__TRY(put_label(c, i));
        } else if (c->use[i].kind == Y) {
            GM__TRY(number(c, i, &v));
            memcpy(c->y.data + at + c->use[i].index * sizeof v, &v, sizeof v);
        } else {
            GM__TRY(put_x(c, i));
        }
    }
    c->rows++;
    return GM_OK;
}

static gm_status read_rows(csv *c)
{
    bool header = true;
    GM__TRY(gm__fields_next(&c->f));
    if (c->f.n) GM__TRY(first_row(c, &header));
    if (!header) GM__TRY(put_row(c));
    while (c->f.n) {
        GM__TRY(gm__fields_next(&c->f));
        if (c->f.n) GM__TRY(put_row(c));
    }
    if (!c->rows) return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: no rows", gm__in_name(c->f.in));
    return GM_OK;
}

/* ---- from rows to columns --------------------------------------------------------------- */

/* The missing numbers of x become the mean of the others in their column; a one-hot column keeps its -1. */
static void fill_means(csv *c)
{
    float *x = (float *)(void *)c->x.data;
    size_t width = c->width - c->count[LABEL] - c->count[Y];
    for (size_t k = 0; k < width; k++) {
        double sum = 0;
        uint64_t n = 0;
        for (uint64_t r = 0; r < c->rows; r++)
            if (!isnan(x[r * width + k])) sum += (double)x[r * width + k], n++;
        for (uint64_t r = 0; r < c->rows; r++)
            if (isnan(x[r * width + k])) x[r * width + k] = n ? (float)(sum / (double)n) : 0;
    }
}

/* Each word's number becomes as many columns as there are words, one of them 1. */
static gm_status expand(csv *c, size_t *width)
{
    size_t wide = *width - c->count[ONEHOT], count, at = 0;
    for (size_t i = 0; i < c->count[ONEHOT]; i++) wide += c->words[i].n;
    if (wide > MAX_WIDTH || !wide)
        return gm__fail_ctx(c->ctx, wide ? GM_ELIMIT : GM_EFORMAT, "%s: onehot makes %zu columns", gm__in_name(c->f.in), wide);
    if (!gm__mul((size_t)c->rows, wide, &count)) count = SIZE_MAX;
    float *out = gm__calloc(c->ctx, count, sizeof *out);
    if (!out) return GM_ENOMEM;
    const float *x = (const float *)(const void *)c->x.data;
    for (uint64_t r = 0; r < c->rows; r++) {
        for (size_t i = 0; i < c->width; i++) {
            if (c->use[i].kind == X) {
                out[at++] = *x++;
            } else if (c->use[i].kind == ONEHOT) {
                if (*x >= 0) out[at + (size_t)*x] = 1;
                x++;
                at += c->words[c->use[i].index].n;
            }
        }
    }
    gm__buf_free(&c->x);
    c->x.data = (char *)out;
    *width = wide;
    return GM_OK;
}

/* The numbers of b, which gives up its memory, as a column. */
static gm_status add(csv *c, gm_dataset *d, const char *name, int dtype, size_t width, gm__buf *b)
{
    int64_t shape[2] = { (int64_t)c->rows, (int64_t)width };
    gm_tensor *t;
    void *data = b->data;
    gm__buf_init(b, c->ctx);
    GM__TRY(gm__own_tensor(c->ctx, data, dtype, dtype == GM_I64 ? 1 : 2, shape, &t));
    gm_status s = gm__dataset_add(d, name, t);
    gm_tensor_free(t);
    return s;
}

static gm_status finish(csv *c, gm_dataset *d)
{
    size_t width = c->width - c->count[LABEL] - c->count[Y];
    if (c->missing == MISSING_MEAN) fill_means(c);
    if (c->count[ONEHOT]) GM__TRY(expand(c, &width));
    GM__TRY(add(c, d, "x", GM_F32, width, &c->x));
    if (c->count[LABEL]) {
        bool numbers = gm__words_numbers(&c->classes, (int64_t *)(void *)c->labels.data, c->rows);
        GM__TRY(add(c, d, "label", GM_I64, 1, &c->labels));
        if (!numbers) GM__TRY(gm__dataset_names(d, &c->classes));
    }
    return c->count[Y] ? add(c, d, "y", GM_F32, c->count[Y], &c->y) : GM_OK;
}

static gm_status policy(csv *c)
{
    const char *name = gm__spec_opt(c->spec, "missing");
    if (!name) return GM_OK;
    while (c->missing < (int)GM__COUNT(policies) && strcmp(policies[c->missing], name)) c->missing++;
    if (c->missing == (int)GM__COUNT(policies)) return gm__fail_ctx(c->ctx, GM_EARG, "data: missing is error, nan, mean or drop, not '%s'", name);
    return GM_OK;
}

gm_status gm__csv_load(gm__in *in, char separator, const gm__spec *spec, gm_dataset *d)
{
    gm_ctx *ctx = gm__in_ctx(in);
    csv *c = gm__calloc(ctx, 1, sizeof *c);
    if (!c) return GM_ENOMEM;
    c->ctx = ctx;
    c->spec = spec;
    gm__vocab_init(&c->classes, ctx);
    gm__fields_init(&c->f, in, separator);
    gm__buf_init(&c->x, ctx);
    gm__buf_init(&c->y, ctx);
    gm__buf_init(&c->labels, ctx);
    gm_status s = policy(c);
    if (!s) s = read_rows(c);
    if (!s) s = finish(c, d);
    gm__buf_free(&c->x);
    gm__buf_free(&c->y);
    gm__buf_free(&c->labels);
    gm__vocab_free(&c->classes);
    for (size_t i = 0; c->words && i < c->count[ONEHOT]; i++) gm__vocab_free(&c->words[i]);
    gm__free(ctx, c->words);
    gm__free(ctx, c->use);
    gm__fields_free(&c->f);
    gm__free(ctx, c);
    return s;
}

static gm_status open_text(gm_ctx *ctx, const gm__spec *spec, char separator, gm_dataset *d)
{
    gm__in *in;
    GM__TRY(gm__spec_only(ctx, spec, 1, "label y onehot missing"));
    GM__TRY(gm__in_open(ctx, spec->path[0], &in));
    gm_status s = gm__csv_load(in, separator, spec, d);
    gm__in_close(in);
    return s;
}

gm_status gm__open_csv(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d) { return open_text(ctx, spec, ',', d); }
gm_status gm__open_tsv(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d) { return open_text(ctx, spec, '\t', d); }
