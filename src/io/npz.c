/* npz.c - NumPy's .npz: a zip file of .npy arrays. */
#include "io/io.h"
#include <string.h>
#include <zlib.h>

/* ---- reading --------------------------------------------------------------------- */

gm_status gm__npz_find(const gm__zip *z, const char *key, const gm__zip_entry **out)
{
    gm__buf list;
    size_t n = strlen(key);
    *out = NULL;
    for (size_t i = 0; i < z->n && !*out; i++)
        if (!strncmp(z->entry[i].name, key, n) && !strcmp(z->entry[i].name + n, ".npy")) *out = &z->entry[i];
    if (*out) return GM_OK;
    gm__buf_init(&list, z->ctx);
    for (size_t i = 0; i < z->n && i < 8; i++) {
        size_t len = strlen(z->entry[i].name);
        if (len > 4 && !strcmp(z->entry[i].name + len - 4, ".npy")) len -= 4;
        gm__buf_format(&list, " %.*s", len < 40 ? (int)len : 40, z->entry[i].name);
    }
    gm_status s = list.failed ? GM_ENOMEM
                  : gm__fail_ctx(z->ctx, GM_ENOTFOUND, "%s: npz: no array '%s'; there are:%s%s", z->name, key, list.len ? list.data : " none", z->n > 8 ? " .." : "");
    gm__buf_free(&list);
    return s;
}

gm_status gm_npz_read(gm_ctx *ctx, const char *path, const char *key, gm_tensor **out)
{
    gm__zip *z;
    const gm__zip_entry *e;
    gm__in *in = NULL;
    bool boolean;
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!path || !key || !out) return gm__fail_ctx(ctx, GM_EARG, "npz_read: an argument is NULL");
    GM__TRY(gm__zip_open(ctx, path, &z));
    gm_status s = gm__npz_find(z, key, &e);
    if (!s) s = gm__zip_in(z, e, &in);
    if (!s) s = gm__npy_load(in, out, &boolean);
    gm__in_close(in);
    gm__zip_close(z);
    return s;
}

/* ---- writing --------------------------------------------------------------------- */

typedef struct part { uint32_t crc, packed, size, place; } part;

static void put16(gm__buf *b, uint32_t v) { gm__buf_put(b, (uint8_t[2]){ (uint8_t)v, (uint8_t)(v >> 8) }, 2); }
static void put32(gm__buf *b, uint32_t v) { put16(b, v & 0xffff), put16(b, v >> 16); }

static voidpf z_alloc(voidpf ctx, uInt n, uInt size) { return gm__alloc(ctx, n, size); }
static void z_free(voidpf ctx, voidpf p) { gm__free(ctx, p); }

/* Appends n bytes to the stream, or ends it. */
static bool feed(z_stream *z, gm__buf *out, const void *p, size_t n, bool last)
{
    uint8_t chunk[2048];
    z->next_in = (Bytef *)(uintptr_t)p; /* zlib does not write to it */
    z->avail_in = (uInt)n;               /* checked to be below 4 GiB */
    do {
        z->next_out = chunk;
        z->avail_out = sizeof chunk;
        if (deflate(z, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR) return false;
        if (!gm__buf_put(out, chunk, sizeof chunk - z->avail_out)) return false;
    } while (!z->avail_out);
    return true;
}

static gm_status pack(gm_ctx *ctx, const gm__buf *head, const void *data, size_t bytes, gm__buf *out)
{
    z_stream z = { .zalloc = z_alloc, .zfree = z_free, .opaque = ctx };
    if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) return GM_ENOMEM;
    bool fine = feed(&z, out, head->data, head->len, false) && feed(&z, out, data, bytes, true);
    deflateEnd(&z);
    return fine ? GM_OK : GM_ENOMEM;
}

/* What local header and directory have in common, from the version needed on. No time, so that equal arrays make equal files. */
static void put_common(gm__buf *b, const part *p, bool deflated, size_t name)
{
    put16(b, 20), put16(b, 0), put16(b, deflated ? 8 : 0), put16(b, 0), put16(b, 0x21);
    put32(b, p->crc), put32(b, p->packed), put32(b, p->size);
    put16(b, (uint32_t)name), put16(b, 0);
}

static gm_status write_part(gm__out *out, const char *name, const gm_tensor *t, bool deflated, uint64_t *place, part *p)
{
    gm_ctx *ctx = t->ctx;
    gm_tensor *copy = NULL;
    gm__buf head, packed, local;
    gm__buf_init(&head, ctx), gm__buf_init(&packed, ctx), gm__buf_init(&local, ctx);
    gm_status s = gm__npy_start("npz_write", t, &head, &copy);
    const char *data = copy ? copy->data : t->data;
    size_t bytes = (size_t)t->size * gm__esize(t->dtype), size = head.len + bytes, n = strlen(name) + 4;
    if (!s && *place + size + n + 4096 > UINT32_MAX) s = gm__fail_ctx(ctx, GM_ELIMIT, "npz_write: '%s': the file would have more than 4 GiB", name);
    if (!s && deflated) s = pack(ctx, &head, data, bytes, &packed);
    if (!s) {
        uint32_t crc = (uint32_t)crc32_z(crc32_z(0, (const Bytef *)head.data, head.len), (const Bytef *)data, bytes);
        *p = (part){ crc, (uint32_t)(deflated ? packed.len : size), (uint32_t)size, (uint32_t)*place };
        put32(&local, 0x04034b50);
        put_common(&local, p, deflated, n);
        gm__buf_format(&local, "%s.npy", name);
        s = local.failed ? GM_ENOMEM : gm__out_write(out, local.data, local.len);
        *place += local.len + p->packed;
    }
    if (!s) s = deflated ? gm__out_write(out, packed.data, packed.len) : gm__out_write(out, head.data, head.len);
    if (!s && !deflated && bytes) s = gm__out_write(out, data, bytes);
    gm_tensor_free(copy);
    gm__buf_free(&head), gm__buf_free(&packed), gm__buf_free(&local);
    return s;
}

static gm_status write_parts(gm_ctx *ctx, gm__out *out, int32_t n, const char *const *names, gm_tensor *const *tensors, bool deflated)
{
    gm__buf end;
    part p;
    uint64_t place = 0;
    gm_status s = GM_OK;
    gm__buf_init(&end, ctx);
    for (int32_t i = 0; i < n && !s; i++) {
        s = write_part(out, names[i], tensors[i], deflated, &place, &p);
        put32(&end, 0x02014b50), put16(&end, 20);
        put_common(&end, &p, deflated, strlen(names[i]) + 4);
        put16(&end, 0), put16(&end, 0), put16(&end, 0), put32(&end, 0), put32(&end, p.place);
        gm__buf_format(&end, "%s.npy", names[i]);
    }
    size_t size = end.len;
    put32(&end, 0x06054b50), put32(&end, 0), put16(&end, (uint32_t)n), put16(&end, (uint32_t)n);
    put32(&end, (uint32_t)size), put32(&end, (uint32_t)place), put16(&end, 0);
    if (!s) s = end.failed ? GM_ENOMEM : gm__out_write(out, end.data, end.len);
    gm__buf_free(&end);
    return s;
}

gm_status gm_npz_write(gm_ctx *ctx, const char *path, int32_t n, const char *const *names, gm_tensor *const *tensors, int32_t compress)
{
    gm__out *out;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!path || !names || !tensors || n < 1 || n > 1024) return gm__fail_ctx(ctx, GM_EARG, "npz_write: an argument is NULL, or there are not 1 to 1024 arrays");
    for (int32_t i = 0; i < n; i++) {
        if (!names[i] || !*names[i] || strlen(names[i]) > 1024) return gm__fail_ctx(ctx, GM_EARG, "npz_write: array %d needs a name of 1 to 1024 bytes", (int)i);
        GM__TRY(gm__check_tensor(gm__ctx_err(ctx), "npz_write", names[i], tensors[i]));
        for (int32_t k = 0; k < i; k++)
            if (!strcmp(names[i], names[k])) return gm__fail_ctx(ctx, GM_EARG, "npz_write: '%s' stands twice", names[i]);
    }
    GM__TRY(gm__out_open(ctx, path, &out));
    gm_status s = write_parts(ctx, out, n, names, tensors, compress != 0);
    if (!s) return gm__out_commit(out);
    gm__out_abort(out);
    return s;
}
