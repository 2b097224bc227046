/* stream.c - rows that stay in their files: a batch reads those that it wants, with pread, and no more is in memory. */
#include "data/data.h"
#include <string.h>

static const uint64_t BIG = (uint64_t)1 << 30; /* files together above it are streamed by themselves */

static gm_status is_gzip(gm_ctx *ctx, const gm__pfile *f, bool *gzip)
{
    uint8_t b[2] = { 0, 0 };
    int e = gm__pfile_size(f) < 2 ? 0 : gm__pfile_read(f, 0, b, 2);
    *gzip = b[0] == 0x1f && b[1] == 0x8b;
    return e ? gm__pfile_fail(ctx, f, e) : GM_OK;
}

gm_status gm__stream_wanted(gm_ctx *ctx, const gm__spec *s, int n_path, bool *stream)
{
    static const char *const words[] = { "off", "on", "auto", "0", "1" };
    const char *word = gm__spec_opt(s, "stream");
    size_t k = word ? 0 : 2;
    uint64_t size = 0;
    bool packed = false;
    *stream = false;
    while (word && k < GM__COUNT(words) && strcmp(words[k], word)) k++;
    if (k == GM__COUNT(words)) return gm__fail_ctx(ctx, GM_EARG, "data: stream is on, off or auto, not '%s'", word);
    if (k == 0 || k == 3) return GM_OK;
    for (int i = 0; i < n_path && !packed; i++) {
        gm__pfile *f;
        GM__TRY(gm__pfile_open(ctx, s->path[i], &f));
        gm_status st = is_gzip(ctx, f, &packed);
        if (!gm__add(size, gm__pfile_size(f), &size)) size = SIZE_MAX;
        gm__pfile_free(f);
        if (st) return st;
        if (packed && k != 2) return gm__fail_ctx(ctx, GM_EARG, "%s: stream: gzip cannot be read at any place; expand the file first", s->path[i]);
    }
    bool big = size > BIG || (ctx->cfg.max_bytes && size > ctx->cfg.max_bytes / 4);
    *stream = k == 2 ? big && !packed : true;
    return GM_OK;
}

gm_status gm__source_new(gm_ctx *ctx, gm__source **out)
{
    gm__source *s = *out = gm__calloc(ctx, 1, sizeof *s);
    if (!s) return GM_ENOMEM;
    atomic_init(&s->h.refs, 1);
    s->ctx = ctx;
    return GM_OK;
}

gm_status gm__source_add(gm__source *s, const char *path)
{
    if (s->n == (int)GM__COUNT(s->part)) return gm__fail_ctx(s->ctx, GM_ELIMIT, "data: more than %d files", s->n);
    GM__TRY(gm__pfile_open(s->ctx, path, &s->part[s->n].file));
    s->n++;
    return GM_OK;
}

void gm__source_free(gm__source *s)
{
    if (!s || !gm__release(s)) return;
    for (int i = 0; i < s->n; i++) gm__pfile_free(s->part[i].file);
    gm__free(s->ctx, s);
}

gm_status gm__source_open(gm_ctx *ctx, const gm__spec *spec, gm_status (*fn)(gm_ctx *, const char *, gm__source *, gm_dataset *), gm_dataset *d)
{
    gm__source *s;
    GM__TRY(gm__source_new(ctx, &s));
    gm_status st = fn(ctx, spec->path[0], s, d);
    gm__source_free(s);
    return st;
}

/* Which part holds the row, which becomes its number there. */
static int part_of(const gm__source *s, uint64_t *row)
{
    int i = 0;
    while (i + 1 < s->n && *row >= s->part[i].rows) *row -= s->part[i++].rows;
    return i;
}

int gm__source_row(const gm__source *s, uint64_t row, void *p)
{
    int i = part_of(s, &row);
    return gm__pfile_read(s->part[i].file, s->start + row * s->pitch, p, s->bytes);
}

gm_status gm__source_fail(gm_ctx *ctx, const gm__source *s, uint64_t row, int e)
{
    return gm__pfile_fail(ctx, s->part[part_of(s, &row)].file, e);
}

gm_status gm__dataset_add_source(gm_dataset *d, const char *name, int dtype, int ndim, const int64_t *shape, gm__source *s)
{
    uint64_t rows = 0;
    for (int i = 0; i < s->n; i++) rows += s->part[i].rows;
    d->rows = rows;
    gm__column *c = gm__column_new(d, name, dtype, ndim, shape);
    c->source = s;
    gm__retain(s);
    return GM_OK;
}
