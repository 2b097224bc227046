/* fields.c - rows of text fields (RFC 4180), read in one pass. */
#include "data/fields.h"
#include <string.h>

enum { MAX_FIELDS = 65536, MAX_LINE = 1 << 24 };

void gm__fields_init(gm__fields *f, gm__in *in, char separator)
{
    memset(f, 0, sizeof *f);
    f->ctx = gm__in_ctx(in);
    f->in = in;
    f->separator = separator;
    gm__buf_init(&f->text, f->ctx);
}

void gm__fields_free(gm__fields *f)
{
    gm__buf_free(&f->text);
    gm__free(f->ctx, f->field);
}

gm_status gm__fields_bad(const gm__fields *f, size_t column, const char *what, const char *found)
{
    return gm__fail_ctx(f->ctx, GM_EFORMAT, "%s: line %llu, column %zu: %s%s%s%s", gm__in_name(f->in), (unsigned long long)f->line,
                        column + 1, what, *found ? ", got '" : "", found, *found ? "'" : "");
}

/* Next byte; -1 at the end. */
static gm_status next(gm__fields *f, int *ch)
{
    if (f->at == f->got) {
        bool first = !gm__in_at(f->in);
        GM__TRY(gm__in_read(f->in, f->chunk, sizeof f->chunk, &f->got));
        /* some programs put a byte order mark before UTF-8 */
        f->at = first && f->got >= 3 && !memcmp(f->chunk, "\xef\xbb\xbf", 3) ? 3 : 0;
    }
    *ch = f->at < f->got ? f->chunk[f->at++] : -1;
    return GM_OK;
}

static gm_status new_field(gm__fields *f)
{
    if (f->n == MAX_FIELDS) return gm__fail_ctx(f->ctx, GM_ELIMIT, "%s: line %llu: more than 65536 columns", gm__in_name(f->in), (unsigned long long)f->line);
    if (f->n == f->cap) {
        size_t *p = gm__realloc(f->ctx, f->field, 2 * f->cap + 16, sizeof *p);
        if (!p) return GM_ENOMEM;
        f->field = p;
        f->cap = 2 * f->cap + 16;
    }
    f->field[f->n++] = f->text.len;
    return GM_OK;
}

static gm_status put(gm__fields *f, int ch)
{
    char byte = (char)ch;
    if (!ch) return gm__fields_bad(f, f->n - 1, "a zero byte; this is no text file", "");
    if (f->text.len >= MAX_LINE) return gm__fail_ctx(f->ctx, GM_ELIMIT, "%s: line %llu is longer than 16 MiB", gm__in_name(f->in), (unsigned long long)f->line);
    return gm__buf_put(&f->text, &byte, 1) ? GM_OK : GM_ENOMEM;
}

static bool ends_field(const gm__fields *f, int ch) { return ch < 0 || ch == f->separator || ch == '\n' || ch == '\r'; }

/* A field whose opening quote has been read; leaves the byte after it in *ch. */
static gm_status quoted(gm__fields *f, int *ch)
{
    for (;;) {
        GM__TRY(next(f, ch));
        if (*ch == '"') {
            GM__TRY(next(f, ch));
            if (*ch != '"') break; /* two quotes stand for one */
        }
        if (*ch < 0) return gm__fields_bad(f, f->n - 1, "a quote is not closed", "");
        if (*ch == '\n') f->lines++;
        GM__TRY(put(f, *ch));
    }
    return ends_field(f, *ch) ? GM_OK : gm__fields_bad(f, f->n - 1, "text after a closing quote", "");
}

gm_status gm__fields_next(gm__fields *f)
{
    int ch;
    f->n = f->text.len = 0;
    do {
        GM__TRY(next(f, &ch));
        if (ch == '\n') f->lines++;
    } while (ch == '\n' || ch == '\r');
    f->line = f->lines + 1;
    if (ch < 0) return GM_OK;
    for (;;) {
        GM__TRY(new_field(f));
        if (ch == '"') GM__TRY(quoted(f, &ch));
        while (!ends_field(f, ch)) {
            GM__TRY(put(f, ch));
            GM__TRY(next(f, &ch));
        }
        if (!gm__buf_put(&f->text, "", 1)) return GM_ENOMEM;
        if (ch != f->separator) break;
        GM__TRY(next(f, &ch));
    }
    if (ch == '\r') {
        GM__TRY(next(f, &ch));
        if (ch >= 0 && ch != '\n') f->at--; /* a lone carriage return ends the row too */
    }
    if (ch == '\n') f->lines++;
    return GM_OK;
}

bool gm__field_number(const char *p, double *v)
{
    while (*p == ' ' || *p == '\t') p++;
    const char *end = p + strlen(p);
    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) end--;
    if (*p == '+') p++;
    const char *q = p < end ? gm__read_double(p, end, v) : NULL;
    return q == end && q;
}
