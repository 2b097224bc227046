/* read_ratings.c - who rated what how: user, item, rating and perhaps a time, a row a line, with commas, tabs,
 * semicolons, blanks or "::" between them (MovieLens has all of these but one). A first row whose rating is no number is the header. */
#include "data/fields.h"
#include <math.h>
#include <string.h>

enum { MAX_IDS = 1 << 26 };

typedef struct ratings {
    gm_ctx *ctx;
    gm__fields f;
    size_t step;                /* fields from one value to the next: 2 between "::" */
    size_t width;               /* values of a row: 3 or 4; 0 before the first */
    bool map;                   /* number the ids even if they are numbers */
    gm__words user, item;
    gm__buf users, items, rating, time;
    uint64_t rows;
} ratings;

/* What stands between the values of the first line. */
static char separator(const uint8_t *p, size_t n, size_t *step)
{
    const uint8_t *end;
    while (n && (*p == '\n' || *p == '\r')) p++, n--;
    if (n && (end = memchr(p, '\n', n))) n = (size_t)(end - p);
    *step = 1;
    for (size_t i = 0; i + 1 < n; i++)
        if (p[i] == ':' && p[i + 1] == ':') return *step = 2, ':';
    for (const char *s = "\t,;"; *s; s++)
        if (n && memchr(p, *s, n)) return *s;
    return ' ';
}

static const char *value(const ratings *r, size_t i) { return gm__field(&r->f, i * r->step); }

static gm_status put_row(ratings *r)
{
    int64_t id[2], when = 0;
    double v = NAN;
    gm__fields *f = &r->f;
    if (!*value(r, 0)) return gm__fields_bad(f, 0, "the user is missing", "");
    if (!*value(r, 1)) return gm__fields_bad(f, r->step, "the item is missing", "");
    const char *text = value(r, 2);
    if (!gm__field_number(text, &v) || !isfinite((float)v)) return gm__fields_bad(f, 2 * r->step, "expected a rating, a finite number", text);
    GM__TRY(gm__words_add(&r->user, gm__in_name(f->in), value(r, 0), MAX_IDS, &id[0]));
    GM__TRY(gm__words_add(&r->item, gm__in_name(f->in), value(r, 1), MAX_IDS, &id[1]));
    float rating = (float)v;
    if (r->width == 4) {
        const char *p = value(r, 3), *end = p + strlen(p);
        while (end > p && end[-1] == ' ') end--;
        if (!*p || gm__read_i64(p, end, &when) != end) return gm__fields_bad(f, 3 * r->step, "expected a time, a whole number", p);
        if (!gm__buf_put(&r->time, &when, sizeof when)) return GM_ENOMEM;
    }
    r->rows++;
    bool fine = gm__buf_put(&r->users, &id[0], sizeof id[0]) && gm__buf_put(&r->items, &id[1], sizeof id[1]) && gm__buf_put(&r->rating, &rating, sizeof rating);
    return fine ? GM_OK : GM_ENOMEM;
}

static gm_status read_rows(ratings *r)
{
    double v;
    for (bool first = true;; first = false) {
        GM__TRY(gm__fields_next(&r->f));
        if (!r->f.n) break;
        size_t n = (r->f.n - 1) / r->step + 1;
        bool odd = (r->f.n - 1) % r->step != 0;
        for (size_t i = 1; i < r->f.n && r->step == 2; i += 2) odd = odd || *gm__field(&r->f, i); /* "a:b" holds no "::" */
        if (odd || n < 3 || n > 4 || (r->width && n != r->width))
            return gm__fail_ctx(r->ctx, GM_EFORMAT, "%s: line %llu: expected user, item, rating%s", gm__in_name(r->f.in), (unsigned long long)r->f.line,
                                !r->width ? " and perhaps a time" : r->width == 4 ? ", time as in the first row" : " as in the first row");
        r->width = n;
        if (!first || gm__field_number(value(r, 2), &v)) GM__TRY(put_row(r));
    }
    return r->rows ? GM_OK : gm__fail_ctx(r->ctx, GM_EFORMAT, "%s: no ratings", gm__in_name(r->f.in));
}

/* The numbers of b, which gives up its memory. */
static gm_status column(ratings *r, int dtype, gm__buf *b, gm_tensor **out)
{
    int64_t rows = (int64_t)r->rows;
    void *data = b->data;
    gm__buf_init(b, r->ctx);
    return gm__own_tensor(r->ctx, data, dtype, 1, &rows, out);
}

static gm_status add(ratings *r, gm_dataset *d, const char *name, gm__buf *b)
{
    gm_tensor *t;
    GM__TRY(column(r, GM_I64, b, &t));
    gm_status s = gm__dataset_add(d, name, t);
    gm_tensor_free(t);
    return s;
}

static gm_status finish(ratings *r, gm_dataset *d)
{
    gm_tensor *t;
    if (!r->map) {
        gm__words_numbers(&r->user, (int64_t *)(void *)r->users.data, r->rows);
        gm__words_numbers(&r->item, (int64_t *)(void *)r->items.data, r->rows);
    }
    GM__TRY(column(r, GM_F32, &r->rating, &t));
    gm_status s = gm__dataset_add(d, "x", t); /* the rating by both its names */
    if (!s) s = add(r, d, "user", &r->users);
    if (!s) s = add(r, d, "item", &r->items);
    if (!s) s = gm__dataset_add(d, "rating", t);
    if (!s && r->width == 4) s = add(r, d, "time", &r->time);
    gm_tensor_free(t);
    return s;
}

gm_status gm__ratings_load(gm_ctx *ctx, const char *name, const uint8_t *bytes, size_t size, bool map, gm_dataset *d)
{
    ratings r = { .ctx = ctx, .map = map };
    gm__in *in;
    gm__buf *const bufs[] = { &r.users, &r.items, &r.rating, &r.time };
    char between = separator(bytes, size, &r.step);
    GM__TRY(gm__in_memory(ctx, name, bytes, size, &in));
    gm__fields_init(&r.f, in, between);
    gm__words_init(&r.user, ctx);
    gm__words_init(&r.item, ctx);
    for (size_t i = 0; i < GM__COUNT(bufs); i++) gm__buf_init(bufs[i], ctx);
    gm_status s = read_rows(&r);
    if (!s) s = finish(&r, d);
    for (size_t i = 0; i < GM__COUNT(bufs); i++) gm__buf_free(bufs[i]);
    gm__words_free(&r.user);
    gm__words_free(&r.item);
    gm__fields_free(&r.f);
    gm__in_close(in);
    return s;
}

gm_status gm__open_ratings(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    uint8_t *bytes;
    size_t size;
    GM__TRY(gm__spec_only(ctx, spec, 1, "ids"));
    const char *ids = gm__spec_opt(spec, "ids");
    bool map = ids && !strcmp(ids, "map");
    if (ids && !map && strcmp(ids, "keep")) return gm__fail_ctx(ctx, GM_EARG, "data: ids is keep or map, not '%s'", ids);
    GM__TRY(gm__read_all(ctx, spec->path[0], UINT64_MAX, &bytes, &size));
    gm_status s = gm__ratings_load(ctx, spec->path[0], bytes, size, map, d);
    gm__free(ctx, bytes);
    return s;
}
