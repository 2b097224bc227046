/* png_read.c - a PNG into planes of bytes, through libpng with the context's memory. Palettes, 1 to 16 bits and
 * interlace are undone; what is transparent fades to black. */
#include "io/io.h"
#include <png.h>
#include <string.h>

enum { MAX_SIDE = 1 << 15 };
static const uint64_t MOST_RATIO = 1032; /* deflate cannot expand more */

typedef struct reader {
    gm_ctx *ctx;
    const char *who;
    const uint8_t *bytes;
    size_t size, at;
    bool memory;        /* ran out of it */
} reader;

static uint32_t be32(const uint8_t *b) { return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]; }

gm_status gm__png_header(gm_ctx *ctx, const char *who, const uint8_t *b, size_t n, uint64_t size, gm__png *out)
{
    static const uint8_t samples[] = { 1, 0, 3, 1, 2, 0, 4 };
    *out = (gm__png){ 0 };
    if (n < GM__PNG_HEADER || memcmp(b, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16)) return gm__fail_ctx(ctx, GM_EFORMAT, "%s: no PNG file", who);
    uint32_t width = be32(b + 16), height = be32(b + 20);
    if (!width || !height || b[24] > 16 || b[25] > 6 || !samples[b[25]]) return gm__fail_ctx(ctx, GM_EFORMAT, "%s: png: damaged header", who);
    if (width > MAX_SIDE || height > MAX_SIDE)
        return gm__fail_ctx(ctx, GM_ELIMIT, "%s: png: %u x %u pixels; at most 32768 each way", who, (unsigned)width, (unsigned)height);
    uint64_t bytes = (uint64_t)height * (((uint64_t)width * samples[b[25]] * b[24] + 7) / 8 + 1);
    if (bytes / MOST_RATIO > size) return gm__fail_ctx(ctx, GM_EFORMAT, "%s: png: %u x %u pixels, the file cannot hold them", who, (unsigned)width, (unsigned)height);
    *out = (gm__png){ (int32_t)width, (int32_t)height, b[25] != 0 && b[25] != 4 };
    return GM_OK;
}

static png_voidp take(png_structp png, png_alloc_size_t n)
{
    reader *r = png_get_mem_ptr(png);
    void *p = gm__alloc_quiet(r->ctx, n, 1);
    r->memory = r->memory || !p;
    return p;
}
static void release(png_structp png, png_voidp p) { gm__free(((reader *)png_get_mem_ptr(png))->ctx, p); }
static void quiet(png_structp png, png_const_charp text) { GM__UNUSED(png), GM__UNUSED(text); }

static void failed(png_structp png, png_const_charp text)
{
    const reader *r = png_get_error_ptr(png);
    gm__fail_ctx(r->ctx, r->memory ? GM_ENOMEM : GM_EFORMAT, r->memory ? "%s: png: out of memory" : "%s: png: %s", r->who, text);
    png_longjmp(png, 1);
}

static void get(png_structp png, png_bytep p, size_t n)
{
    reader *r = png_get_io_ptr(png);
    if (n > r->size - r->at) png_error(png, "ends too early");
    memcpy(p, r->bytes + r->at, n);
    r->at += n;
}

/* Pixels of gray or RGB and alpha, side by side. Nothing here changes after setjmp but what the pointers lead to. */
static gm_status pixels(reader *r, const gm__png *head, bool rgb, png_bytep *row)
{
    png_infop info = NULL;
    png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r, failed, quiet, r, take, release);
    if (!png) return gm__fail_ctx(r->ctx, GM_ENOMEM, "%s: png: out of memory", r->who);
    gm__ctx_err(r->ctx)->status = GM_OK; /* so that a failure below is its own */
    info = png_create_info_struct(png);
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return gm__ctx_err(r->ctx)->status ? gm__ctx_err(r->ctx)->status : gm__fail_ctx(r->ctx, GM_ENOMEM, "%s: png: out of memory", r->who);
    }
    png_set_user_limits(png, MAX_SIDE, MAX_SIDE);
    png_set_chunk_cache_max(png, 64);
    png_set_chunk_malloc_max(png, 1 << 16);
    png_set_read_fn(png, r, get);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_scale_16(png);
    if (rgb) png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_image_width(png, info) != (png_uint_32)head->width || png_get_image_height(png, info) != (png_uint_32)head->height
        || png_get_rowbytes(png, info) != (size_t)head->width * (rgb ? 4 : 2))
        png_error(png, "damaged header");
    png_read_image(png, row);
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    return GM_OK;
}

gm_status gm__png_decode(gm_ctx *ctx, const char *who, const uint8_t *bytes, size_t size, const gm__png *head, bool rgb, uint8_t *out)
{
    reader r = { .ctx = ctx, .who = who, .bytes = bytes, .size = size };
    size_t channels = rgb ? 3 : 1, width = (size_t)head->width, height = (size_t)head->height, line = width * (channels + 1);
    if (head->colour && !rgb) return gm__fail_ctx(ctx, GM_EINTERNAL, "%s: png: colours would be lost", who);
    uint8_t *p = gm__alloc(ctx, height, line);
    png_bytep *row = gm__alloc(ctx, height, sizeof *row);
    gm_status s = p && row ? GM_OK : GM_ENOMEM;
    for (size_t y = 0; y < height && !s; y++) row[y] = p + y * line;
    if (!s) s = pixels(&r, head, rgb, row);
    for (size_t i = 0; i < width * height && !s; i++) {
        const uint8_t *q = p + i * (channels + 1);
        for (size_t c = 0; c < channels; c++) out[c * width * height + i] = (uint8_t)((q[c] * q[channels] + 127) / 255);
    }
    gm__free(ctx, row);
    gm__free(ctx, p);
    return s;
}
