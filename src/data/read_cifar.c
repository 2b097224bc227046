/* read_cifar.c - the binary files of CIFAR-10 and CIFAR-100 (A. Krizhevsky's description): rows of one label
 * byte (CIFAR-10) or two (CIFAR-100: coarse, fine) and 3 x 32 x 32 bytes, planes red, green, blue. Nothing in a
 * file says which of the two it is, so the number of bytes and the labels do. */
#include "data/data.h"
#include <string.h>

enum { PIXELS = 3 * 32 * 32 };

typedef struct cifar {
    gm_ctx *ctx;
    size_t head;            /* label bytes of a row; 0: not known yet */
    size_t rows;
    uint8_t *x;             /* [rows, PIXELS] */
    int64_t *label, *coarse;
} cifar;

/* Row whose labels are none of this kind, or rows if all are. */
static size_t bad_row(const uint8_t *p, size_t rows, size_t head)
{
    size_t r = 0;
    for (; r < rows; r++, p += head + PIXELS)
        if (head == 1 ? p[0] > 9 : p[0] > 19 || p[1] > 99) break;
    return r;
}

static gm_status kind_of(cifar *c, const char *path, const uint8_t *p, size_t size)
{
    for (size_t head = 1; size && head <= 2 && !c->head; head++)
        if (size % (head + PIXELS) == 0 && bad_row(p, size / (head + PIXELS), head) == size / (head + PIXELS)) c->head = head;
    if (c->head) return GM_OK;
    for (size_t head = 1; size && head <= 2; head++)
        if (size % (head + PIXELS) == 0)
            return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: cifar: row %zu has a label that CIFAR-%s lacks", path,
                                bad_row(p, size / (head + PIXELS), head), head == 1 ? "10" : "100");
    return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: cifar: %zu bytes are no rows of 3073 (CIFAR-10) or 3074 (CIFAR-100) bytes", path, size);
}

/* The rows of one file behind those of the others. */
static gm_status append(cifar *c, const char *path, const uint8_t *p, size_t size)
{
    GM__TRY(kind_of(c, path, p, size));
    size_t n = size / (c->head + PIXELS), bad = bad_row(p, n, c->head);
    if (!n || size % (c->head + PIXELS) || bad < n)
        return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: cifar: not of the same kind as the first file, CIFAR-%s", path, c->head == 1 ? "10" : "100");
    uint8_t *x = gm__realloc(c->ctx, c->x, c->rows + n, PIXELS);
    if (x) c->x = x;
    int64_t *label = gm__realloc(c->ctx, c->label, c->rows + n, sizeof *label);
    if (label) c->label = label;
    int64_t *coarse = gm__realloc(c->ctx, c->coarse, c->rows + n, sizeof *coarse);
    if (coarse) c->coarse = coarse;
    if (!x || !label || !coarse) return GM_ENOMEM;
    for (size_t r = c->rows; r < c->rows + n; r++, p += c->head + PIXELS) {
        coarse[r] = p[0];
        label[r] = p[c->head - 1];
        memcpy(x + r * PIXELS, p + c->head, PIXELS);
    }
    c->rows += n;
    return GM_OK;
}

/* A column over memory that is the tensor's from now on. */
static gm_status add(cifar *c, gm_dataset *d, const char *name, int dtype, int ndim, void *data)
{
    const int64_t shape[4] = { (int64_t)c->rows, 3, 32, 32 };
    gm_tensor *t;
    GM__TRY(gm__own_tensor(c->ctx, data, dtype, ndim, shape, &t));
    gm_status s = gm__dataset_add(d, name, t);
    gm_tensor_free(t);
    return s;
}

/* Takes what c holds, also on failure. */
static gm_status finish(cifar *c, const char *which, gm_dataset *d, gm_status s)
{
    bool coarse = which && !strcmp(which, "coarse");
    if (!s && which && !coarse && strcmp(which, "fine")) s = gm__fail_ctx(c->ctx, GM_EARG, "cifar: label is fine or coarse, not '%s'", which);
    if (!s && which && c->head == 1) s = gm__fail_ctx(c->ctx, GM_EARG, "cifar: label=%s is for CIFAR-100; CIFAR-10 has one label a row", which);
    if (!s && c->x) s = add(c, d, "x", GM_U8, 4, c->x), c->x = NULL;
    int64_t **first = coarse ? &c->coarse : &c->label, **second = coarse ? &c->label : &c->coarse;
    if (!s) s = add(c, d, "label", GM_I64, 1, *first), *first = NULL;
    if (!s && c->head == 2) s = add(c, d, coarse ? "fine" : "coarse", GM_I64, 1, *second), *second = NULL;
    gm__free(c->ctx, c->x);
    gm__free(c->ctx, c->label);
    gm__free(c->ctx, c->coarse);
    return s;
}

gm_status gm__cifar_load(gm_ctx *ctx, const char *name, const uint8_t *bytes, size_t size, gm_dataset *d)
{
    cifar c = { .ctx = ctx };
    return finish(&c, NULL, d, append(&c, name, bytes, size));
}

/* ---- rows that stay in the files ---------------------------------------------------- */

/* The labels of one part behind those of the others; *fits: its size and labels are those of c->head. */
static gm_status part_labels(cifar *c, gm__source *s, int i, bool *fits)
{
    uint64_t size = gm__pfile_size(s->part[i].file), row = c->head + PIXELS;
    uint8_t two[2] = { 0, 0 };
    *fits = size && size % row == 0;
    if (!*fits) return GM_OK;
    s->part[i].rows = size / row;
    size_t all = c->rows + (size_t)(size / row);
    int64_t *label = gm__realloc(c->ctx, c->label, all, sizeof *label);
    if (label) c->label = label;
    int64_t *coarse = gm__realloc(c->ctx, c->coarse, all, sizeof *coarse);
    if (coarse) c->coarse = coarse;
    if (!label || !coarse) return GM_ENOMEM;
    for (uint64_t r = 0; c->rows < all && *fits; r++, c->rows++) {
        int e = gm__pfile_read(s->part[i].file, r * row, two, c->head);
        if (e) return gm__pfile_fail(c->ctx, s->part[i].file, e);
        coarse[c->rows] = two[0];
        label[c->rows] = two[c->head - 1];
        *fits = c->head == 1 ? two[0] <= 9 : two[0] <= 19 && two[1] <= 99;
    }
    return GM_OK;
}

static gm_status stream(cifar *c, const gm__spec *spec, gm__source *s)
{
    bool fits = false;
    for (int i = 0; i < spec->n_path; i++) GM__TRY(gm__source_add(s, spec->path[i]));
    for (c->head = 1; c->head <= 2; c->head++) {
        c->rows = 0;
        fits = true;
        for (int i = 0; i < s->n && fits; i++) GM__TRY(part_labels(c, s, i, &fits));
        if (fits) break;
    }
    if (!fits) return gm__fail_ctx(c->ctx, GM_EFORMAT, "%s: cifar: not all files are rows of CIFAR-10 or all of CIFAR-100", spec->path[0]);
    s->start = c->head;
    s->pitch = c->head + PIXELS;
    s->bytes = PIXELS;
    return GM_OK;
}

static gm_status open_stream(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    static const int64_t shape[3] = { 3, 32, 32 };
    cifar c = { .ctx = ctx };
    gm__source *source;
    GM__TRY(gm__source_new(ctx, &source));
    gm_status s = stream(&c, spec, source);
    if (!s) s = gm__dataset_add_source(d, "x", GM_U8, 3, shape, source);
    gm__source_free(source);
    return finish(&c, gm__spec_opt(spec, "label"), d, s);
}

gm_status gm__open_cifar(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    cifar c = { .ctx = ctx };
    bool wanted = false;
    gm_status s = gm__spec_only(ctx, spec, (int)GM__COUNT(spec->path), "label stream");
    if (!s) s = gm__stream_wanted(ctx, spec, spec->n_path, &wanted);
    if (!s && wanted) return open_stream(ctx, spec, d);
    for (int i = 0; i < spec->n_path && !s; i++) {
        uint8_t *bytes = NULL;
        size_t size = 0;
        s = gm__read_all(ctx, spec->path[i], UINT64_MAX, &bytes, &size);
        if (!s) s = append(&c, spec->path[i], bytes, size);
        gm__free(ctx, bytes);
    }
    return finish(&c, gm__spec_opt(spec, "label"), d, s);
}
