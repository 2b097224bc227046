/* read_idx.c - the IDX files of MNIST (Y. LeCun's description): two zero bytes, type,
 * number of axes, big-endian sizes, big-endian data. */
#include "data/data.h"
#include <string.h>

typedef struct head {
    uint8_t type;
    int ndim;
    int64_t shape[GM_MAX_DIMS];
    size_t count, esize;
} head;

static uint32_t be32(const uint8_t *b) { return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]; }

static gm_status header(gm__in *in, head *h)
{
    gm_ctx *ctx = gm__in_ctx(in);
    uint8_t b[4];
    size_t got;
    *h = (head){ .count = 1 };
    GM__TRY(gm__in_read(in, b, 4, &got));
    if (got < 4 || b[0] || b[1]) return gm__fail_ctx(ctx, GM_EFORMAT, "%s: no IDX file: it must start with two zero bytes", gm__in_name(in));
    h->type = b[2];
    h->ndim = b[3];
    h->esize = h->type == 0x08 || h->type == 0x09 ? 1 : h->type == 0x0B ? 2 : h->type == 0x0C || h->type == 0x0D ? 4 : h->type == 0x0E ? 8 : 0;
    if (!h->esize) return gm__fail_ctx(ctx, GM_EFORMAT, "%s: IDX: unknown element type 0x%x", gm__in_name(in), (unsigned)h->type);
    if (h->ndim < 1 || h->ndim > GM_MAX_DIMS - 1)
        return gm__fail_ctx(ctx, GM_EFORMAT, "%s: IDX: %d axes; 1 to 7 are possible", gm__in_name(in), h->ndim);
    for (int i = 0; i < h->ndim; i++) {
        GM__TRY(gm__in_read(in, b, 4, &got));
        if (got < 4) return gm__fail_ctx(ctx, GM_EFORMAT, "%s: IDX: the header ends too early", gm__in_name(in));
        h->shape[i] = be32(b);
        if (!h->shape[i]) return gm__fail_ctx(ctx, GM_EFORMAT, "%s: IDX: axis %d has size 0", gm__in_name(in), i);
        if (!gm__mul(h->count, (size_t)h->shape[i], &h->count) || h->count > PTRDIFF_MAX / 16)
            return gm__fail_ctx(ctx, GM_EFORMAT, "%s: IDX: the sizes are too large", gm__in_name(in));
    }
    return GM_OK;
}

/* Element i as a number; big-endian. */
static double element(const head *h, const uint8_t *p)
{
    union { uint32_t u; float f; int32_t i; } v;
    union { uint64_t u; double f; } w;
    switch (h->type) {
    case 0x08: return p[0];
    case 0x09: return (int8_t)p[0];
    case 0x0B: return (int16_t)(uint16_t)(p[0] << 8 | p[1]);
    case 0x0C: return v.u = be32(p), (double)v.i;
    case 0x0D: return v.u = be32(p), (double)v.f;
    default: return w.u = (uint64_t)be32(p) << 32 | be32(p + 4), w.f;
    }
}

/* Grey pictures have one channel. */
static int channels(int ndim, int64_t *shape)
{
    if (ndim != 3) return ndim;
    shape[3] = shape[2];
    shape[2] = shape[1];
    shape[1] = 1;
    return 4;
}

static gm_status finish(gm__in *in, const head *h, void *data, bool label, gm_tensor **out)
{
    gm_ctx *ctx = gm__in_ctx(in);
    int64_t shape[GM_MAX_DIMS];
    memcpy(shape, h->shape, sizeof shape);
    int ndim = label ? h->ndim : channels(h->ndim, shape);
    if (h->type == 0x08 && !label) return gm__own_tensor(ctx, data, GM_U8, ndim, shape, out);
    int dtype = label ? GM_I64 : h->type == 0x0E ? GM_F64 : GM_F32;
    gm_status s = gm__tensor_make(ctx, gm__ctx_err(ctx), dtype, ndim, shape, false, out);
    for (size_t i = 0; !s && i < h->count; i++) {
        double v = element(h, (const uint8_t *)data + i * h->esize);
        if (dtype == GM_I64) ((int64_t *)(void *)(*out)->data)[i] = (int64_t)v;
        else if (dtype == GM_F64) gm__f64(*out)[i] = v;
        else gm__f32(*out)[i] = (float)v;
    }
    gm__free(ctx, data);
    return s;
}

gm_status gm__idx_load(gm__in *in, bool label, gm_tensor **out)
{
    head h;
    void *data;
    *out = NULL;
    GM__TRY(header(in, &h));
    if (label && (h.ndim != 1 || h.type > 0x0C))
        return gm__fail_ctx(gm__in_ctx(in), GM_EFORMAT, "%s: IDX: labels must be one axis of whole numbers", gm__in_name(in));
    if (h.count * h.esize > gm__in_bound(in))
        return gm__fail_ctx(gm__in_ctx(in), GM_EFORMAT, "%s: IDX: the header promises %zu bytes, the file cannot hold them", gm__in_name(in), h.count * h.esize);
    GM__TRY(gm__in_take(in, h.count * h.esize, &data));
    gm_status s = gm__in_end(in);
    if (!s) return finish(in, &h, data, label, out);
    gm__free(gm__in_ctx(in), data);
    return s;
}

static gm_status add(gm_ctx *ctx, const char *path, bool label, gm_dataset *d)
{
    gm__in *in;
    gm_tensor *t = NULL;
    GM__TRY(gm__in_open(ctx, path, &in));
    gm_status s = gm__idx_load(in, label, &t);
    gm__in_close(in);
    if (!s && label && d->rows && (uint64_t)t->shape[0] != d->rows)
        s = gm__fail_ctx(ctx, GM_EFORMAT, "%s: %lld labels for %llu images", path, (long long)t->shape[0], (unsigned long long)d->rows);
    if (!s) s = gm__dataset_add(d, label ? "label" : "x", t);
    gm_tensor_free(t);
    return s;
}

/* The images stay in the file; only the header is read. */
static gm_status stream(gm_ctx *ctx, const char *path, gm__source *s, gm_dataset *d)
{
    uint8_t first[4 + 4 * GM_MAX_DIMS];
    head h = { 0 };
    gm__in *in;
    GM__TRY(gm__source_add(s, path));
    gm__pfile *f = s->part[0].file;
    size_t n = gm__pfile_size(f) < sizeof first ? (size_t)gm__pfile_size(f) : sizeof first;
    int e = gm__pfile_read(f, 0, first, n);
    if (e) return gm__pfile_fail(ctx, f, e);
    GM__TRY(gm__in_memory(ctx, path, first, n, &in));
    gm_status st = header(in, &h);
    s->start = gm__in_at(in);
    gm__in_close(in);
    if (st) return st;
    if (h.type != 0x08) return gm__fail_ctx(ctx, GM_EARG, "%s: stream: only bytes can be streamed, not IDX type 0x%x", path, (unsigned)h.type);
    if (gm__pfile_size(f) - s->start != h.count)
        return gm__fail_ctx(ctx, GM_EFORMAT, "%s: IDX: %llu bytes of data, the header promises %zu", path,
                            (unsigned long long)(gm__pfile_size(f) - s->start), h.count);
    s->part[0].rows = (uint64_t)h.shape[0];
    s->pitch = s->bytes = h.count / (size_t)h.shape[0];
    int ndim = channels(h.ndim, h.shape);
    return gm__dataset_add_source(d, "x", GM_U8, ndim - 1, h.shape + 1, s);
}

gm_status gm__open_idx(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    bool wanted;
    GM__TRY(gm__spec_only(ctx, spec, 2, "stream"));
    GM__TRY(gm__stream_wanted(ctx, spec, 1, &wanted));
    GM__TRY(wanted ? gm__source_open(ctx, spec, stream, d) : add(ctx, spec->path[0], false, d));
    return spec->n_path > 1 ? add(ctx, spec->path[1], true, d) : GM_OK;
}
