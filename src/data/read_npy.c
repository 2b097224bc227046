/* read_npy.c - an .npy array as data: the first axis counts rows. */
#include "data/data.h"

enum { HEADER = (1 << 16) + 12 }; /* no header is longer */

/* The rows stay in the file; only the header is read. */
static gm_status stream(gm_ctx *ctx, const char *path, gm__source *s, gm_dataset *d)
{
    gm__npy_head h = { 0 };
    gm__in *in = NULL;
    int64_t size;
    GM__TRY(gm__source_add(s, path));
    gm__pfile *f = s->part[0].file;
    size_t n = gm__pfile_size(f) < HEADER ? (size_t)gm__pfile_size(f) : HEADER;
    uint8_t *head = gm__alloc(ctx, n + 1, 1);
    if (!head) return GM_ENOMEM;
    int e = gm__pfile_read(f, 0, head, n);
    gm_status st = e ? gm__pfile_fail(ctx, f, e) : gm__in_memory(ctx, path, head, n, &in);
    if (!st) st = gm__npy_header(in, &h, &size);
    if (!st && (h.ndim < 1 || !size)) st = gm__fail_ctx(ctx, GM_EFORMAT, "%s: npy: no rows", path);
    if (!st && (h.boolean || (h.fortran && h.ndim > 1))) st = gm__fail_ctx(ctx, GM_EARG, "%s: stream: booleans and Fortran order cannot be streamed", path);
    if (!st) {
        s->start = gm__in_at(in);
        s->part[0].rows = (uint64_t)h.shape[0];
        s->pitch = s->bytes = (size_t)(size / h.shape[0]) * gm__esize(h.dtype);
        if (gm__pfile_size(f) - s->start != s->part[0].rows * s->pitch)
            st = gm__fail_ctx(ctx, GM_EFORMAT, "%s: npy: %llu bytes of data, the header promises %llu", path,
                              (unsigned long long)(gm__pfile_size(f) - s->start), (unsigned long long)(s->part[0].rows * s->pitch));
    }
    if (!st) st = gm__dataset_add_source(d, "x", h.dtype, h.ndim - 1, h.shape + 1, s);
    gm__in_close(in);
    gm__free(ctx, head);
    return st;
}

gm_status gm__open_npy(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    gm__in *in;
    gm_tensor *t = NULL, *real = NULL;
    bool boolean, wanted;
    GM__TRY(gm__spec_only(ctx, spec, 1, "stream"));
    GM__TRY(gm__stream_wanted(ctx, spec, 1, &wanted));
    if (wanted) return gm__source_open(ctx, spec, stream, d);
    GM__TRY(gm__in_open(ctx, spec->path[0], &in));
    gm_status s = gm__npy_load(in, &t, &boolean);
    gm__in_close(in);
    if (!s && (t->ndim < 1 || !t->size)) s = gm__fail_ctx(ctx, GM_EFORMAT, "%s: npy: no rows", spec->path[0]);
    if (!s && boolean) { /* u8 would mean shades up to 255 */
        s = gm__tensor_make(ctx, gm__ctx_err(ctx), GM_F32, t->ndim, t->shape, false, &real);
        for (int64_t i = 0; !s && i < t->size; i++) gm__f32(real)[i] = (float)((const uint8_t *)t->data)[i];
    }
    if (!s) s = gm__dataset_add(d, "x", real ? real : t);
    gm_tensor_free(t);
    gm_tensor_free(real);
    return s;
}
