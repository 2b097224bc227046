/* read_csv.c - numbers separated by commas or tabs (RFC 4180). A first row with
 * anything that is no number is the header. label=COL and y=COL name a column by
 * header or by number from 0 on; all others make x. Read in one pass, so that
 * nothing is kept but the numbers. */
#include "data/data.h"
#include <math.h>
#include <string.h>

enum { MAX_FIELDS = 65536, MAX_LINE = 1 << 24, MAX_CLASSES = 65536 };

/* A label as it stands in the file. */
typedef struct class_name { char *text; uint64_t hash; int64_t number; } class_name; /* number: -1 if it is a word */

typedef struct csv {
    gm_ctx *ctx;
    gm__in *in;
    const gm__spec *spec;
    char separator;
    uint8_t chunk[2048];
    size_t at, got;
    uint64_t line;        /* of the row being read, from 1 */
    uint64_t lines;       /* line ends so far */
    gm__buf text;         /* the row's fields, each ended by NUL */
    size_t *field;        /* where each starts */
    size_t n_fields, cap_fields;
    size_t width;         /* fields a row must have; 0 before the first */
    int64_t label, y;     /* column numbers or -1 */
    gm__buf x, ys, labels;
    uint64_t rows;
    class_name *class;
    size_t *slot;         /* hash table: number of a class + 1 */
    size_t n_class, cap_class;
    bool words;           /* some label is no whole number */
} csv;

static gm_status bad(csv *c, size_t column, const char *what, const char *found)
{
    return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: line %llu, column %zu: %s%s%s%s", gm__in_name(c->in), (unsigned long long)c->line,
                        column + 1, what, *found ? ", got '" : "", found, *found ? "'" : "");
}

/* ---- rows ---------------------------------------------------------------------- */

/* Next byte; -1 at the end. */
static gm_status next(csv *c, int *ch)
{
    if (c->at == c->got) {
        GM__TRY(gm__in_read(c->in, c->chunk, sizeof c->chunk, &c->got));
        c->at = 0;
    }
    *ch = c->at < c->got ? c->chunk[c->at++] : -1;
    return GM_OK;
}

static gm_status new_field(csv *c)
{
    if (c->n_fields == MAX_FIELDS) return gm__fail_ctx(c->ctx, GM_ELIMIT, "%s: line %llu: more than 65536 columns", gm__in_name(c->in), (unsigned long long)c->line);
    if (c->n_fields == c->cap_fields) {
        size_t *p = gm__realloc(c->ctx, c->field, 2 * c->cap_fields + 16, sizeof *p);
        if (!p) return GM_ENOMEM;
        c->field = p;
        c->cap_fields = 2 * c->cap_fields + 16;
    }
    c->field[c->n_fields++] = c->text.len;
    return GM_OK;
}

static gm_status put(csv *c, int ch)
{
    char byte = (char)ch;
    if (!ch) return bad(c, c->n_fields - 1, "a zero byte; this is no text file", "");
    if (c->text.len >= MAX_LINE) return gm__fail_ctx(c->ctx, GM_ELIMIT, "%s: line %llu is longer than 16 MiB", gm__in_name(c->in), (unsigned long long)c->line);
    return gm__buf_put(&c->text, &byte, 1) ? GM_OK : GM_ENOMEM;
}

static bool ends_field(const csv *c, int ch) { return ch < 0 || ch == c->separator || ch == '\n' || ch == '\r'; }

/* A field whose opening quote has been read; leaves the byte after it in *ch. */
static gm_status quoted(csv *c, int *ch)
{
    for (;;) {
        GM__TRY(next(c, ch));
        if (*ch == '"') {
            GM__TRY(next(c, ch));
            if (*ch != '"') break; /* two quotes stand for one */
        }
        if (*ch < 0) return bad(c, c->n_fields - 1, "a quote is not closed", "");
        if (*ch == '\n') c->lines++;
        GM__TRY(put(c, *ch));
    }
    return ends_field(c, *ch) ? GM_OK : bad(c, c->n_fields - 1, "text after a closing quote", "");
}

/* The fields of the next row; none at the end of the file. Blank lines are skipped. */
static gm_status read_row(csv *c)
{
    int ch;
    c->n_fields = c->text.len = 0;
    do {
        GM__TRY(next(c, &ch));
        if (ch == '\n') c->lines++;
    } while (ch == '\n' || ch == '\r');
    c->line = c->lines + 1;
    if (ch < 0) return GM_OK;
    for (;;) {
        GM__TRY(new_field(c));
        if (ch == '"') GM__TRY(quoted(c, &ch));
        while (!ends_field(c, ch)) {
            GM__TRY(put(c, ch));
            GM__TRY(next(c, &ch));
        }
        if (!gm__buf_put(&c->text, "", 1)) return GM_ENOMEM;
        if (ch != c->separator) break;
        GM__TRY(next(c, &ch));
    }
    if (ch == '\r') {
        GM__TRY(next(c, &ch));
        if (ch >= 0 && ch != '\n') c->at--; /* a lone carriage return ends the row too */
    }
    if (ch == '\n') c->lines++;
    return GM_OK;
}

static const char *field(const csv *c, size_t i) { return c->text.data + c->field[i]; }

/* ---- values ---------------------------------------------------------------------- */

/* The whole field as a number, blanks around it allowed. */
static bool number(const char *p, double *v)
{
    while (*p == ' ' || *p == '\t') p++;
    const char *end = p + strlen(p);
    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) end--;
    if (*p == '+') p++;
    const char *q = p < end ? gm__read_double(p, end, v) : NULL;
    return q == end && q;
}

static gm_status put_number(csv *c, size_t column, gm__buf *to)
{
    double v;
    const char *text = field(c, column);
    if (!*text) return bad(c, column, "the value is missing", "");
    if (!number(text, &v)) return bad(c, column, "expected a number", text);
    float f = (float)v;
    if (!isfinite(f)) return bad(c, column, "expected a finite number", text);
    return gm__buf_put(to, &f, sizeof f) ? GM_OK : GM_ENOMEM;
}

static gm_status grow_classes(csv *c)
{
    size_t cap = c->cap_class ? 2 * c->cap_class : 64; /* a power of two, never more than half full */
    class_name *names = gm__realloc(c->ctx, c->class, cap, sizeof *names);
    if (!names) return GM_ENOMEM;
    c->class = names;
    size_t *slot = gm__calloc(c->ctx, 2 * cap, sizeof *slot);
    if (!slot) return GM_ENOMEM;
    for (size_t i = 0; i < c->n_class; i++) {
        size_t at = c->class[i].hash & (2 * cap - 1);
        while (slot[at]) at = (at + 1) & (2 * cap - 1);
        slot[at] = i + 1;
    }
    gm__free(c->ctx, c->slot);
    c->slot = slot;
    c->cap_class = cap;
    return GM_OK;
}

/* Number of the class of this name; new names get the next one. */
static gm_status put_label(csv *c, size_t column)
{
    const char *text = field(c, column);
    double v;
    if (!*text) return bad(c, column, "the label is missing", "");
    if (c->n_class == c->cap_class) GM__TRY(grow_classes(c));
    uint64_t hash = gm__crc64(0, text, strlen(text));
    size_t mask = 2 * c->cap_class - 1, at = hash & mask;
    while (c->slot[at] && (c->class[c->slot[at] - 1].hash != hash || strcmp(c->class[c->slot[at] - 1].text, text))) at = (at + 1) & mask;
    if (!c->slot[at]) {
        if (c->n_class == MAX_CLASSES) return gm__fail_ctx(c->ctx, GM_ELIMIT, "%s: line %llu: more than 65536 different labels", gm__in_name(c->in), (unsigned long long)c->line);
        bool whole = number(text, &v) && v >= 0 && v < INT32_MAX && v == floor(v);
        class_name n = { gm__strdup(c->ctx, text), hash, whole ? (int64_t)v : -1 };
        if (!n.text) return GM_ENOMEM;
        c->words = c->words || !whole;
        c->class[c->n_class++] = n;
        c->slot[at] = c->n_class;
    }
    int64_t k = (int64_t)c->slot[at] - 1;
    return gm__buf_put(&c->labels, &k, sizeof k) ? GM_OK : GM_ENOMEM;
}

/* ---- columns ---------------------------------------------------------------------- */

/* A column number written as such, or -1. */
static int64_t as_index(const char *name)
{
    int64_t v;
    const char *end = name ? name + strlen(name) : NULL;
    return name && *name >= '0' && *name <= '9' && gm__read_i64(name, end, &v) == end ? v : -1;
}

static gm_status find_column(csv *c, const char *key, bool header, int64_t *out)
{
    const char *name = gm__spec_opt(c->spec, key);
    *out = -1;
    if (!name) return GM_OK;
    for (size_t i = 0; header && i < c->n_fields && *out < 0; i++)
        if (!strcmp(field(c, i), name)) *out = (int64_t)i;
    if (*out < 0) *out = as_index(name);
    if (*out < 0 || *out >= (int64_t)c->n_fields) {
        *out = -1;
        return gm__fail_ctx(c->ctx, GM_ENOTFOUND, "%s: no column '%s' for %s (%zu columns%s)", gm__in_name(c->in), name, key, c->n_fields,
                            header ? "" : ", no header");
    }
    return GM_OK;
}

/* The first row: is it the header, and which columns are what? */
static gm_status first_row(csv *c, bool *header)
{
    double v;
    int64_t label = as_index(gm__spec_opt(c->spec, "label")); /* a label may be a word, so it proves nothing */
    *header = false;
    for (size_t i = 0; i < c->n_fields; i++)
        if ((int64_t)i != label && *field(c, i) && !number(field(c, i), &v)) *header = true;
    c->width = c->n_fields;
    GM__TRY(find_column(c, "label", *header, &c->label));
    GM__TRY(find_column(c, "y", *header, &c->y));
    if (c->label >= 0 && c->label == c->y) return gm__fail_ctx(c->ctx, GM_EARG, "%s: label and y are the same column", gm__in_name(c->in));
    if (c->width == (size_t)(c->label >= 0) + (size_t)(c->y >= 0)) return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: no column is left for x", gm__in_name(c->in));
    return GM_OK;
}

static gm_status put_row(csv *c)
{
    if (c->n_fields != c->width)
        return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: line %llu: %zu columns, the first row has %zu", gm__in_name(c->in), (unsigned long long)c->line, c->n_fields, c->width);
    for (size_t i = 0; i < c->n_fields; i++) {
        if ((int64_t)i == c->label) GM__TRY(put_label(c, i));
        else GM__TRY(put_number(c, i, (int64_t)i == c->y ? &c->ys : &c->x));
    }
    c->rows++;
    return GM_OK;
}

/* The byte order mark that some programs put before UTF-8. */
static gm_status skip_mark(csv *c)
{
    int ch;
    GM__TRY(next(c, &ch));
    if (ch >= 0) c->at--;
    if (c->got >= 3 && !memcmp(c->chunk, "\xef\xbb\xbf", 3)) c->at = 3;
    return GM_OK;
}

static gm_status read_rows(csv *c)
{
    bool header = true;
    GM__TRY(skip_mark(c));
    GM__TRY(read_row(c));
    if (c->n_fields) GM__TRY(first_row(c, &header));
    if (!header) GM__TRY(put_row(c));
    while (c->n_fields) {
        GM__TRY(read_row(c));
        if (c->n_fields) GM__TRY(put_row(c));
    }
    if (!c->rows) return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: no rows", gm__in_name(c->in));
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
    size_t extra = (size_t)(c->label >= 0) + (size_t)(c->y >= 0);
    int64_t *k = (int64_t *)(void *)c->labels.data;
    for (uint64_t r = 0; c->label >= 0 && !c->words && r < c->rows; r++) k[r] = c->class[k[r]].number;
    GM__TRY(add(c, d, "x", GM_F32, c->width - extra, &c->x));
    if (c->label >= 0) GM__TRY(add(c, d, "label", GM_I64, 1, &c->labels));
    return c->y >= 0 ? add(c, d, "y", GM_F32, 1, &c->ys) : GM_OK;
}

gm_status gm__csv_load(gm__in *in, char separator, const gm__spec *spec, gm_dataset *d)
{
    gm_ctx *ctx = gm__in_ctx(in);
    csv *c = gm__calloc(ctx, 1, sizeof *c);
    if (!c) return GM_ENOMEM;
    c->ctx = ctx;
    c->in = in;
    c->spec = spec;
    c->separator = separator;
    c->label = c->y = -1;
    gm__buf_init(&c->text, ctx);
    gm__buf_init(&c->x, ctx);
    gm__buf_init(&c->ys, ctx);
    gm__buf_init(&c->labels, ctx);
    gm_status s = read_rows(c);
    if (!s) s = finish(c, d);
    gm__buf_free(&c->text);
    gm__buf_free(&c->x);
    gm__buf_free(&c->ys);
    gm__buf_free(&c->labels);
    for (size_t i = 0; i < c->n_class; i++) gm__free(ctx, c->class[i].text);
    gm__free(ctx, c->class);
    gm__free(ctx, c->slot);
    gm__free(ctx, c->field);
    gm__free(ctx, c);
    return s;
}

static gm_status open_text(gm_ctx *ctx, const gm__spec *spec, char separator, gm_dataset *d)
{
    gm__in *in;
    GM__TRY(gm__spec_only(ctx, spec, 1, "label y"));
    GM__TRY(gm__in_open(ctx, spec->path[0], &in));
    gm_status s = gm__csv_load(in, separator, spec, d);
    gm__in_close(in);
    return s;
}

gm_status gm__open_csv(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d) { return open_text(ctx, spec, ',', d); }
gm_status gm__open_tsv(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d) { return open_text(ctx, spec, '\t', d); }
