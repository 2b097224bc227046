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
    uint64_t rows, known;       /* known: of the first file; the others are held out */
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

static void start(ratings *r, gm_ctx *ctx, bool map)
{
    *r = (ratings){ .ctx = ctx, .map = map };
    gm__vocab_init(&r->user, ctx);
    gm__vocab_init(&r->item, ctx);
    gm__buf *const bufs[] = { &r->users, &r->items, &r->rating, &r->time };
    for (size_t i = 0; i < GM__COUNT(bufs); i++) gm__buf_init(bufs[i], ctx);
}

static void end(ratings *r)
{
    gm__buf *const bufs[] = { &r->users, &r->items, &r->rating, &r->time };
    for (size_t i = 0; i < GM__COUNT(bufs); i++) gm__buf_free(bufs[i]);
    gm__vocab_free(&r->user);
    gm__vocab_free(&r->item);
}

/* The rows of one more file. */
static gm_status load(ratings *r, const char *name, const uint8_t *bytes, size_t size)
{
    gm__in *in;
    const uint64_t before = r->rows;
    char between = separator(bytes, size, &r->step);
    GM__TRY(gm__in_memory(r->ctx, name, bytes, size, &in));
    gm__fields_init(&r->f, in, between);
    r->width = 0;
    gm_status s = read_rows(r);
    if (!s && r->rows == before) s = gm__fail_ctx(r->ctx, GM_EFORMAT, "%s: no ratings", name);
    gm__fields_free(&r->f);
    gm__in_close(in);
    return s;
}

gm_status gm__ratings_load(gm_ctx *ctx, const char *name, const uint8_t *bytes, size_t size, bool map, gm_dataset *d)
{
    ratings r;
    start(&r, ctx, map);
    gm_status s = load(&r, name, bytes, size);
    if (!s) s = finish(&r, d);
    end(&r);
    return s;
}

/* ---- as a table: a row a user, a column an item, NaN where there is no rating -------------------- */

typedef struct table_cfg {
    uint32_t struct_size;
    int32_t table, map;
    int64_t items;
    double hold;
    uint64_t seed;
} table_cfg;
#define AT(field) offsetof(table_cfg, field)
static const gm__opt rows[] = {
    { "ids", GM__O_CHOICE, AT(map), "keep", 0, 0, "keep|map", "whole numbers stay, or are numbered as they appear" },
    { "table", GM__O_FLAG, AT(table), "off", 0, 0, NULL, "a row a user, a column an item" },
    { "items", GM__O_I64, AT(items), "0", 0, 1 << 26, NULL, "table: its columns; 0: the largest item and 1" },
    { "hold", GM__O_REAL, AT(hold), "0", 0, 0.99, NULL, "table: share of the ratings that x is not told" },
    { "seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "hold: which" },
};
#undef AT
static const gm__opts opts = { "ratings", rows, GM__COUNT(rows) };

/* One more than the largest number; a negative one, or one past the limit, is refused by name. */
static gm_status extent(const ratings *r, const gm__buf *ids, const char *what, int64_t limit, int64_t *out)
{
    const int64_t *id = (const int64_t *)(const void *)ids->data;
    *out = 0;
    for (uint64_t i = 0; i < r->rows; i++) {
        if (id[i] < 0 || id[i] >= limit)
            return gm__fail_ctx(r->ctx, GM_ELIMIT, "ratings: %s %lld is no place in a table of %lld: ids=map numbers them as they appear", what, (long long)id[i], (long long)limit);
        if (id[i] >= *out) *out = id[i] + 1;
    }
    return GM_OK;
}

static void put(const ratings *r, uint64_t first, uint64_t end_, int64_t items, gm_tensor *x)
{
    const int64_t *user = (const int64_t *)(const void *)r->users.data, *item = (const int64_t *)(const void *)r->items.data;
    for (int64_t i = 0; i < x->size; i++) gm__f32(x)[i] = NAN;
    for (uint64_t i = first; i < end_; i++) gm__f32(x)[user[i] * items + item[i]] = ((const float *)(const void *)r->rating.data)[i];
}

gm_status gm__ratings_hold(gm_dataset *d, gm_tensor *x, double share, uint64_t seed)
{
    enum { HOLD = (1 << 28) - 1 }; /* no epoch's number */
    gm_tensor *y = NULL;
    const int64_t width = x->size / x->shape[0];
    GM__TRY(gm__tensor_make(d->ctx, gm__ctx_err(d->ctx), GM_F32, x->ndim, x->shape, false, &y));
    for (int64_t i = 0; i < x->shape[0]; i++) {
        gm__rng g = gm__rng_make(gm__stream_make(seed, GM__R_SHUFFLE, HOLD, (uint64_t)i));
        for (int64_t j = i * width; j < (i + 1) * width; j++) {
            const bool held = !isnan(gm__f32(x)[j]) && gm__rng_unit(&g) < share;
            gm__f32(y)[j] = held ? gm__f32(x)[j] : NAN;
            if (held) gm__f32(x)[j] = NAN;
        }
    }
    gm_status s = gm__dataset_add(d, "y", y);
    gm_tensor_free(y);
    return s;
}

static gm_status tabulate(ratings *r, const table_cfg *c, gm_dataset *d)
{
    enum { MOST = 1 << 26 };
    int64_t users, items;
    gm_tensor *x = NULL, *y = NULL;
    if (!r->map) {
        gm__words_numbers(&r->user, (int64_t *)(void *)r->users.data, r->rows);
        gm__words_numbers(&r->item, (int64_t *)(void *)r->items.data, r->rows);
    }
    GM__TRY(extent(r, &r->users, "user", MOST, &users));
    GM__TRY(extent(r, &r->items, "item", c->items ? c->items : MOST, &items));
    if (c->items) items = c->items;
    if (users > INT32_MAX / items)
        return gm__fail_ctx(r->ctx, GM_ELIMIT, "ratings: a table of %lld users and %lld items is too large: ids=map leaves out those without ratings", (long long)users, (long long)items);
    gm_status s = gm__tensor_make(r->ctx, gm__ctx_err(r->ctx), GM_F32, 2, (int64_t[]){ users, items }, false, &x);
    if (!s) put(r, 0, r->known, items, x);
    if (!s) s = gm__dataset_add(d, "x", x);
    if (!s && r->known < r->rows) {
        s = gm__tensor_make(r->ctx, gm__ctx_err(r->ctx), GM_F32, 2, (int64_t[]){ users, items }, false, &y);
        if (!s) put(r, r->known, r->rows, items, y);
        if (!s) s = gm__dataset_add(d, "y", y);
    } else if (!s && c->hold > 0) {
        s = gm__ratings_hold(d, x, c->hold, c->seed);
    }
    gm_tensor_free(x);
    gm_tensor_free(y);
    return s;
}

static gm_status options(gm_ctx *ctx, const gm__spec *spec, table_cfg *c)
{
    gm__strs strs = { .ctx = ctx };
    gm_status s = gm__opts_defaults(ctx, &opts, c, &strs);
    for (int i = 0; i < spec->n_opt && !s; i++) s = gm__opts_set(ctx, &opts, spec->opt[i].key, spec->opt[i].value, c, &strs, NULL);
    gm__strs_free(&strs);
    if (!s && !c->table && (spec->n_path > 1 || c->items || c->hold > 0)) s = gm__fail_ctx(ctx, GM_EARG, "data: ratings: a file held out, items and hold belong to table=on");
    if (!s && spec->n_path > 1 && c->hold > 0) s = gm__fail_ctx(ctx, GM_EARG, "data: ratings: hold, or a file held out, not both");
    return s;
}

gm_status gm__open_ratings(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    uint8_t *bytes;
    size_t size;
    ratings r;
    table_cfg c = { .struct_size = sizeof c };
    GM__TRY(gm__spec_only(ctx, spec, 2, "ids table items hold seed"));
    GM__TRY(options(ctx, spec, &c));
    start(&r, ctx, c.map);
    gm_status s = GM_OK;
    for (int i = 0; i < spec->n_path && !s; i++) {
        r.known = r.rows;
        if (!(s = gm__read_all(ctx, spec->path[i], UINT64_MAX, &bytes, &size))) {
            s = load(&r, spec->path[i], bytes, size);
            gm__free(ctx, bytes);
        }
    }
    if (spec->n_path == 1) r.known = r.rows;
    if (!s) s = c.table ? tabulate(&r, &c, d) : finish(&r, d);
    end(&r);
    return s;
}
