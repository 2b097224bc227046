/* read_png.c - a folder of PNG pictures of one size: its sub-folders are the classes, in the order of their names; without
 * any, the pictures in it have no labels. Gray if all of them are, else RGB. */
#include "data/fields.h"
#include <string.h>

typedef struct pictures {
    gm_ctx *ctx;
    char **path;            /* of every picture */
    int64_t *label;
    size_t n, cap;
    gm__png first;          /* all have its size */
    bool rgb;
    gm__words classes;
} pictures;

static char *join(gm_ctx *ctx, const char *folder, const char *name)
{
    size_t n = strlen(folder) + strlen(name) + 2;
    char *p = gm__alloc(ctx, n, 1);
    if (p) gm__format(p, n, "%s/%s", folder, name);
    return p;
}

static gm_status add_picture(pictures *p, const char *folder, const char *name, int64_t label)
{
    if (p->n == p->cap) {
        char **path = gm__realloc(p->ctx, p->path, 2 * p->cap + 64, sizeof *path);
        if (path) p->path = path;
        int64_t *k = gm__realloc(p->ctx, p->label, 2 * p->cap + 64, sizeof *k);
        if (k) p->label = k;
        if (!path || !k) return GM_ENOMEM;
        p->cap = 2 * p->cap + 64;
    }
    p->path[p->n] = join(p->ctx, folder, name);
    p->label[p->n] = label;
    return p->path[p->n++] ? GM_OK : GM_ENOMEM;
}

/* The pictures right in a folder. */
static gm_status list(pictures *p, const char *folder, int64_t label)
{
    gm__dir dir;
    GM__TRY(gm__dir_list(p->ctx, folder, ".png", &dir));
    gm_status s = dir.n ? GM_OK : gm__fail_ctx(p->ctx, GM_EFORMAT, "%s: no .png files in this folder", folder);
    for (size_t i = 0; i < dir.n && !s; i++) s = add_picture(p, folder, dir.name[i], label);
    gm__dir_free(&dir);
    return s;
}

static gm_status list_classes(pictures *p, const char *folder)
{
    gm__dir dir;
    GM__TRY(gm__dir_list(p->ctx, folder, NULL, &dir));
    gm_status s = dir.n ? GM_OK : list(p, folder, 0);
    for (size_t i = 0; i < dir.n && !s; i++) {
        int64_t k;
        char *sub = join(p->ctx, folder, dir.name[i]);
        s = sub ? gm__words_add(&p->classes, folder, dir.name[i], 65536, &k) : GM_ENOMEM;
        if (!s) s = list(p, sub, k);
        gm__free(p->ctx, sub);
    }
    gm__dir_free(&dir);
    return s;
}

/* Sizes and colours, from the first bytes of each file: a mixed set is refused before any is unpacked. */
static gm_status measure(pictures *p)
{
    uint8_t b[GM__PNG_HEADER];
    for (size_t i = 0; i < p->n; i++) {
        gm__pfile *f;
        gm__png head = { 0 };
        GM__TRY(gm__pfile_open(p->ctx, p->path[i], &f));
        size_t n = gm__pfile_size(f) < sizeof b ? (size_t)gm__pfile_size(f) : sizeof b;
        int e = gm__pfile_read(f, 0, b, n);
        gm_status s = e ? gm__pfile_fail(p->ctx, f, e) : gm__png_header(p->ctx, p->path[i], b, n, gm__pfile_size(f), &head);
        gm__pfile_free(f);
        if (s) return s;
        if (!i) p->first = head;
        if (head.width != p->first.width || head.height != p->first.height)
            return gm__fail_ctx(p->ctx, GM_EFORMAT, "%s: %d x %d pixels, but %s has %d x %d", p->path[i], (int)head.width, (int)head.height,
                                p->path[0], (int)p->first.width, (int)p->first.height);
        p->rgb = p->rgb || head.colour;
    }
    return GM_OK;
}

static gm_status load(pictures *p, size_t i, uint8_t *out)
{
    uint8_t *bytes;
    size_t size;
    gm__png head;
    GM__TRY(gm__file_read(p->ctx, p->path[i], UINT64_MAX, &bytes, &size));
    gm_status s = gm__png_header(p->ctx, p->path[i], bytes, size, size, &head);
    if (!s && (head.width != p->first.width || head.height != p->first.height || (head.colour && !p->rgb)))
        s = gm__fail_ctx(p->ctx, GM_EIO, "%s: changed while it was read", p->path[i]);
    if (!s) s = gm__png_decode(p->ctx, p->path[i], bytes, size, &head, p->rgb, out);
    gm__free(p->ctx, bytes);
    return s;
}

static gm_status columns(pictures *p, gm_dataset *d)
{
    const int64_t shape[4] = { (int64_t)p->n, p->rgb ? 3 : 1, p->first.height, p->first.width };
    gm_tensor *x = NULL, *label = NULL;
    gm_status s = gm__tensor_make(p->ctx, gm__ctx_err(p->ctx), GM_U8, 4, shape, false, &x);
    for (size_t i = 0; i < p->n && !s; i++) s = load(p, i, (uint8_t *)x->data + i * (size_t)(x->size / shape[0]));
    if (!s) s = gm__dataset_add(d, "x", x);
    if (!s && p->classes.n) {
        s = gm_tensor_copy(p->ctx, GM_I64, 1, shape, p->label, &label);
        if (!s) s = gm__dataset_add(d, "label", label);
        if (!s) s = gm__dataset_names(d, &p->classes);
    }
    gm_tensor_free(x);
    gm_tensor_free(label);
    return s;
}

gm_status gm__open_png(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    pictures p = { .ctx = ctx };
    gm__vocab_init(&p.classes, ctx);
    GM__TRY(gm__spec_only(ctx, spec, 1, ""));
    gm_status s = list_classes(&p, spec->path[0]);
    if (!s) s = measure(&p);
    if (!s) s = columns(&p, d);
    for (size_t i = 0; i < p.n; i++) gm__free(ctx, p.path[i]);
    gm__free(ctx, p.path);
    gm__free(ctx, p.label);
    gm__vocab_free(&p.classes);
    return s;
}
