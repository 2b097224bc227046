/* gzip.c - files read from front to end, expanded on the way when they are gzip; parts of zip files too.
 * The memory of zlib comes from the context. */
#define ZLIB_CONST
#include "io/io.h"
#include <string.h>
#include <zlib.h>

enum { FIRST_STEP = 1 << 20 };          /* memory that a declared size gets before any byte has come */
static const uint64_t MOST_RATIO = 1032; /* deflate cannot expand more (zlib's technical notes) */

struct gm__in {
    gm_ctx *ctx;
    char *name;
    uint8_t *owned;         /* the file; NULL over borrowed memory */
    const uint8_t *bytes;
    size_t size, at;        /* at: next byte of the file */
    uint64_t out;           /* bytes given so far */
    bool gzip, ended;       /* gzip: zlib expands it */
    bool part;              /* of a zip file: raw deflate or plain, and what it must become is known: */
    uint32_t crc, want_crc;
    uint64_t want;
    z_stream z;
};

static voidpf z_alloc(voidpf ctx, uInt n, uInt size) { return gm__alloc(ctx, n, size); }
static void z_free(voidpf ctx, voidpf p) { gm__free(ctx, p); }

static gm_status start(gm__in *in, int window)
{
    in->gzip = true;
    in->z.zalloc = z_alloc;
    in->z.zfree = z_free;
    in->z.opaque = in->ctx;
    if (inflateInit2(&in->z, window) == Z_OK) return GM_OK;
    in->gzip = false; /* nothing to end */
    return GM_ENOMEM;  /* the only way it fails; the message is the allocator's */
}

static gm_status make(gm_ctx *ctx, const char *name, uint8_t *owned, const void *bytes, size_t size, bool sniff, gm__in **out)
{
    gm__in *in = gm__calloc(ctx, 1, sizeof *in);
    *out = NULL;
    if (!in) {
        gm__free(ctx, owned);
        return GM_ENOMEM;
    }
    in->ctx = ctx;
    in->owned = owned;
    in->bytes = bytes;
    in->size = size;
    in->name = gm__strdup(ctx, name);
    bool gzip = size >= 2 && in->bytes[0] == 0x1f && in->bytes[1] == 0x8b;
    gm_status s = !in->name ? GM_ENOMEM : gzip && sniff ? start(in, 15 + 16) : GM_OK;
    if (s) gm__in_close(in);
    else *out = in;
    return s;
}

gm_status gm__in_open(gm_ctx *ctx, const char *path, gm__in **out)
{
    uint8_t *data = NULL;
    size_t size = 0;
    *out = NULL;
    GM__TRY(gm__file_read(ctx, path, UINT64_MAX, &data, &size));
    return make(ctx, path, data, data, size, true, out);
}

gm_status gm__in_memory(gm_ctx *ctx, const char *who, const void *bytes, size_t size, gm__in **out)
{
    return make(ctx, who, NULL, bytes, size, true, out);
}

gm_status gm__in_part(gm_ctx *ctx, const char *who, const void *bytes, size_t size, bool deflated, uint64_t want, uint32_t crc, gm__in **out)
{
    GM__TRY(make(ctx, who, NULL, bytes, size, false, out));
    gm__in *in = *out;
    in->part = true;
    in->want = want;
    in->want_crc = crc;
    gm_status s = deflated ? start(in, -15) : GM_OK;
    if (s) {
        gm__in_close(in);
        *out = NULL;
    }
    return s;
}

void gm__in_close(gm__in *in)
{
    if (!in) return;
    if (in->gzip) inflateEnd(&in->z);
    gm__free(in->ctx, in->owned);
    gm__free(in->ctx, in->name);
    gm__free(in->ctx, in);
}

const char *gm__in_name(const gm__in *in) { return in->name; }
gm_ctx *gm__in_ctx(const gm__in *in) { return in->ctx; }
uint64_t gm__in_at(const gm__in *in) { return in->out; }

uint64_t gm__in_bound(const gm__in *in)
{
    uint64_t left = in->size - in->at;
    if (!in->gzip) return left;
    if (in->ended) return 0;
    /* 64 KiB: what zlib may hold back */
    uint64_t most = left > (UINT64_MAX - 65536) / MOST_RATIO ? UINT64_MAX : left * MOST_RATIO + 65536;
    return in->part && in->want - in->out < most ? in->want - in->out : most;
}

static gm_status damaged(gm__in *in, const char *what)
{
    return gm__fail_ctx(in->ctx, GM_EFORMAT, "%s: %s: %s at byte %zu", in->name, in->part ? "deflate" : "gzip", what, in->at);
}

/* After the end of a member: another one, padding with zeros (tar and tapes do it), or the end. */
static gm_status next_member(gm__in *in)
{
    size_t i = in->at;
    if (in->part && i < in->size) return damaged(in, "bytes after the end of the stream");
    while (i < in->size && !in->bytes[i]) i++;
    if (i == in->size) {
        in->at = i;
        in->ended = true;
        return GM_OK;
    }
    if (i != in->at || in->size - in->at < 2 || in->bytes[in->at] != 0x1f || in->bytes[in->at + 1] != 0x8b)
        return damaged(in, "unexpected bytes after the end of the stream");
    return inflateReset(&in->z) == Z_OK ? GM_OK : damaged(in, "cannot restart");
}

static gm_status expand(gm__in *in, uint8_t *p, size_t n, size_t *got)
{
    size_t done = 0;
    while (done < n && !in->ended) {
        size_t have = in->size - in->at, want = n - done;
        in->z.next_in = in->bytes + in->at;
        in->z.avail_in = (uInt)(have < 1u << 30 ? have : 1u << 30);
        in->z.next_out = p + done;
        in->z.avail_out = (uInt)(want < 1u << 30 ? want : 1u << 30);
        uInt in0 = in->z.avail_in, out0 = in->z.avail_out;
        int rc = inflate(&in->z, Z_NO_FLUSH);
        in->at += in0 - in->z.avail_in;
        done += out0 - in->z.avail_out;
        if (rc == Z_STREAM_END) {
            GM__TRY(next_member(in));
        } else if (rc == Z_MEM_ERROR) {
            return GM_ENOMEM;
        } else if (rc == Z_BUF_ERROR || (rc == Z_OK && in0 == in->z.avail_in && out0 == in->z.avail_out)) {
            return damaged(in, "the file ends too early");
        } else if (rc != Z_OK) {
            return damaged(in, "damaged data");
        }
    }
    *got = done;
    return GM_OK;
}

/* A part of a zip file has come to its end (or past it). */
static gm_status check_part(gm__in *in)
{
    if (in->out == in->want && in->crc == in->want_crc) return GM_OK;
    return gm__fail_ctx(in->ctx, GM_EFORMAT, in->out == in->want ? "%s: the checksum of its %llu bytes is wrong" : "%s: does not hold the %llu bytes that the directory promises",
                        in->name, (unsigned long long)in->want);
}

gm_status gm__in_read(gm__in *in, void *p, size_t n, size_t *got)
{
    *got = 0;
    if (in->gzip) {
        GM__TRY(expand(in, p, n, got));
    } else {
        size_t left = in->size - in->at;
        *got = n < left ? n : left;
        if (*got) memcpy(p, in->bytes + in->at, *got);
        in->at += *got;
    }
    in->out += *got;
    if (!in->part) return GM_OK;
    in->crc = (uint32_t)crc32_z(in->crc, p, *got);
    return *got < n || in->out > in->want ? check_part(in) : GM_OK;
}

gm_status gm__in_take(gm__in *in, size_t n, void **out)
{
    size_t cap = in->gzip && n > FIRST_STEP ? FIRST_STEP : n, len = 0, got;
    uint8_t *p = NULL;
    *out = NULL;
    if (n > gm__in_bound(in))
        return gm__fail_ctx(in->ctx, GM_EFORMAT, "%s: needs %zu bytes at byte %llu, holds less", in->name, n,
                            (unsigned long long)in->out);
    for (;;) {
        uint8_t *more = gm__realloc(in->ctx, p, cap, 1);
        gm_status s = more ? gm__in_read(in, more + len, cap - len, &got) : GM_ENOMEM;
        if (more) p = more;
        if (!s && got < cap - len)
            s = gm__fail_ctx(in->ctx, GM_EFORMAT, "%s: ends at byte %llu, %zu bytes too early", in->name,
                             (unsigned long long)in->out, n - len - got);
        if (s) {
            gm__free(in->ctx, p);
            return s;
        }
        len = cap;
        if (len == n) break;
        cap = n - len < len ? n : 2 * len;
    }
    *out = p;
    return GM_OK;
}

gm_status gm__in_end(gm__in *in)
{
    uint8_t byte;
    size_t got;
    GM__TRY(gm__in_read(in, &byte, 1, &got));
    if (got)
        return gm__fail_ctx(in->ctx, GM_EFORMAT, "%s: bytes after the end of the data, from byte %llu on", in->name,
                            (unsigned long long)in->out - 1);
    return GM_OK;
}

gm_status gm__read_all(gm_ctx *ctx, const char *path, uint64_t max, uint8_t **data, size_t *size)
{
    gm__in *in = NULL;
    gm__buf b;
    uint8_t chunk[2048];
    size_t got;
    gm_status s = gm__in_open(ctx, path, &in);
    *data = NULL;
    *size = 0;
    gm__buf_init(&b, ctx);
    if (!s && !in->gzip && in->size <= max) { /* the bytes are there already, a zero behind them */
        *data = in->owned;
        *size = in->size;
        in->owned = NULL;
        gm__in_close(in);
        return GM_OK;
    }
    while (!s && !(s = gm__in_read(in, chunk, sizeof chunk, &got)) && got) {
        if (in->out > max)
            s = gm__fail_ctx(ctx, GM_ELIMIT, "%s: expands to more than %llu bytes", path, (unsigned long long)max);
        else if (!gm__buf_put(&b, chunk, got))
            s = GM_ENOMEM;
    }
    if (!s && !gm__buf_put(&b, "", 1)) s = GM_ENOMEM; /* so that an empty file has memory too */
    if (!s) {
        *data = (uint8_t *)b.data;
        *size = b.len - 1;
    } else {
        gm__buf_free(&b);
    }
    gm__in_close(in);
    return s;
}

/* ---- memory becomes a tensor ------------------------------------------------- */

static void give_back(void *data, void *user)
{
    gm_ctx *ctx = user;
    gm__free(ctx, data);
    gm_ctx_free(ctx);
}

gm_status gm__own_tensor(gm_ctx *ctx, void *data, int32_t dtype, int32_t ndim, const int64_t *shape, gm_tensor **out)
{
    gm__retain(ctx); /* the memory may outlive the tensor's own hold on the context by a moment */
    gm_status s = gm_tensor_wrap(ctx, dtype, ndim, shape, NULL, data, give_back, ctx, out);
    if (s) give_back(data, ctx);
    return s;
}
