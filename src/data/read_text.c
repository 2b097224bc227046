/* read_text.c - text: one stream of bytes (text:FILE, a row is a byte), or a row a line (lines:FILE, ragged). */
#include "data/data.h"
#include <string.h>

/* The first n bytes of memory that is the tensor's from now on, as symbols. */
static gm_status symbols(gm_ctx *ctx, void *bytes, size_t n, gm_tensor **out)
{
    int64_t size = (int64_t)n;
    return gm__own_tensor(ctx, bytes, GM_U8, 1, &size, out);
}

gm_status gm__text_load(gm_ctx *ctx, const char *name, uint8_t *bytes, size_t size, gm_dataset *d)
{
    gm_tensor *t = NULL;
    gm_status s = symbols(ctx, bytes, size, &t);
    if (!s && !size) s = gm__fail_ctx(ctx, GM_EFORMAT, "%s: no bytes", name);
    if (!s) s = gm__dataset_add(d, "x", t);
    if (!s) d->column[0].symbols = true;
    gm_tensor_free(t);
    return s;
}

/* Drops the line ends, in place: offset[0 .. lines] is where each line starts. A last line needs no end. */
static size_t split_lines(uint8_t *p, size_t size, int64_t *offset)
{
    size_t to = 0, lines = 0;
    for (size_t i = 0; i < size; lines++) {
        offset[lines] = (int64_t)to;
        const uint8_t *end = memchr(p + i, '\n', size - i);
        size_t n = (end ? (size_t)(end - p) : size) - i, keep = n && end && p[i + n - 1] == '\r' ? n - 1 : n;
        memmove(p + to, p + i, keep);
        to += keep;
        i += n + 1;
    }
    offset[lines] = (int64_t)to;
    return lines;
}

gm_status gm__lines_load(gm_ctx *ctx, const char *name, uint8_t *bytes, size_t size, gm_dataset *d)
{
    gm_tensor *t = NULL, *offset = NULL;
    int64_t count = 1;
    for (size_t i = 0; i < size; i++) count += bytes[i] == '\n' || i + 1 == size;
    gm_status s = count > 1 ? gm__tensor_make(ctx, gm__ctx_err(ctx), GM_I64, 1, &count, false, &offset) : gm__fail_ctx(ctx, GM_EFORMAT, "%s: no lines", name);
    if (s) {
        gm__free(ctx, bytes);
        return s;
    }
    split_lines(bytes, size, (int64_t *)(void *)offset->data);
    s = symbols(ctx, bytes, (size_t)((int64_t *)(void *)offset->data)[count - 1], &t);
    if (!s && !t->size) s = gm__fail_ctx(ctx, GM_EFORMAT, "%s: every line is empty", name);
    if (!s) s = gm__dataset_add_ragged(d, t, offset);
    if (!s) d->column[0].symbols = true;
    gm_tensor_free(t);
    gm_tensor_free(offset);
    return s;
}

gm_status gm__open_text(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    uint8_t *bytes;
    size_t size;
    GM__TRY(gm__spec_only(ctx, spec, 1, ""));
    GM__TRY(gm__read_all(ctx, spec->path[0], UINT64_MAX, &bytes, &size));
    return gm__text_load(ctx, spec->path[0], bytes, size, d);
}

gm_status gm__open_lines(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    uint8_t *bytes;
    size_t size;
    GM__TRY(gm__spec_only(ctx, spec, 1, ""));
    GM__TRY(gm__read_all(ctx, spec->path[0], UINT64_MAX, &bytes, &size));
    return gm__lines_load(ctx, spec->path[0], bytes, size, d);
}

const uint8_t *gm__dataset_bytes(const gm_dataset *d, size_t *n)
{
    const gm__column *c = d->column;
    bool plain = d->n_columns && c->symbols && c->t && !c->offset && !d->index && d->stride == 1;
    *n = plain ? (size_t)d->rows : 0;
    return plain ? (const uint8_t *)c->t->data + d->first : NULL;
}
