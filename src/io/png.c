/* png.c - pictures of tensors, through libpng with the context's memory. */
#include "io/io.h"
#include <math.h>
#include <png.h>
#include <string.h>

enum { GAP = 2, MAX_SIDE = 1 << 20 }; /* black pixels between images; most pixels in a row or column */

typedef struct layout {
    const gm_tensor *t;
    int64_t n, channels, height, width;
    int64_t stride[4]; /* elements: image, channel, row, pixel */
    int64_t columns, rows;
} layout;

static gm_status measure(const gm_tensor *t, int32_t columns, layout *l)
{
    char text[128];
    const int64_t *d = t->shape, *s = t->stride;
    gm__err *e = gm__ctx_err(t->ctx);
    if (t->dtype != GM_F32 && t->dtype != GM_F64 && t->dtype != GM_U8)
        return gm__fail(e, GM_EDTYPE, "png: images must be f32, f64 or u8, not %s", gm_dtype_name(t->dtype));
    *l = (layout){ .t = t, .channels = 1 };
    if (t->ndim == 4 && (d[1] == 1 || d[1] == 3)) {
        *l = (layout){ t, d[0], d[1], d[2], d[3], { s[0], s[1], s[2], s[3] }, 0, 0 };
    } else if (t->ndim == 3) {
        *l = (layout){ t, d[0], 1, d[1], d[2], { s[0], 0, s[1], s[2] }, 0, 0 };
    } else if (t->ndim == 2) {
        int64_t side = (int64_t)llround(sqrt((double)d[1]));
        if (side * side == d[1]) *l = (layout){ t, d[0], 1, side, side, { s[0], 0, side * s[1], s[1] }, 0, 0 };
    }
    if (l->n < 1 || l->height < 1 || l->width < 1)
        return gm__fail(e, GM_ESHAPE, "png: shape %s is not [N,H,W], [N,1|3,H,W] or [N,side*side] with at least one image", gm__shape_text(text, t->ndim, d));
    if (columns < 0) return gm__fail(e, GM_EARG, "png: %d columns", (int)columns);
    l->columns = columns ? columns : (int64_t)ceil(sqrt((double)l->n));
    if (l->columns > l->n) l->columns = l->n;
    l->rows = (l->n + l->columns - 1) / l->columns;
    if (l->columns > MAX_SIDE / (l->width + GAP) || l->rows > MAX_SIDE / (l->height + GAP))
        return gm__fail(e, GM_ELIMIT, "png: the picture would have more than %d pixels in a row or column", (int)MAX_SIDE);
    return GM_OK;
}

static uint8_t pixel(const gm_tensor *t, int64_t at)
{
    double v;
    if (t->dtype == GM_U8) return ((const uint8_t *)t->data)[at];
    v = t->dtype == GM_F32 ? (double)gm__f32(t)[at] : gm__f64(t)[at];
    if (!(v > 0)) return 0; /* NaN too */
    if (v >= 1) return 255;
    return (uint8_t)(v * 255 + 0.5);
}

/* One row of pixels of the picture. */
static void fill_row(const layout *l, int64_t y, uint8_t *out, size_t bytes)
{
    int64_t grid_row = y / (l->height + GAP), row = y % (l->height + GAP);
    memset(out, 0, bytes);
    if (row >= l->height) return;
    for (int64_t c = 0; c < l->columns; c++) {
        int64_t image = grid_row * l->columns + c;
        if (image >= l->n) return;
        uint8_t *o = out + c * (l->width + GAP) * l->channels;
        for (int64_t x = 0; x < l->width; x++)
            for (int64_t ch = 0; ch < l->channels; ch++)
                *o++ = pixel(l->t, image * l->stride[0] + ch * l->stride[1] + row * l->stride[2] + x * l->stride[3]);
    }
}

/* ---- libpng ------------------------------------------------------------------------ */

static png_voidp png_alloc(png_structp png, png_alloc_size_t n) { return gm__alloc(png_get_mem_ptr(png), n, 1); }
static void png_release(png_structp png, png_voidp p) { gm__free(png_get_mem_ptr(png), p); }
static void png_quiet(png_structp png, png_const_charp text) { GM__UNUSED(png), GM__UNUSED(text); }
static void png_nothing(png_structp png) { GM__UNUSED(png); }

static void png_failed(png_structp png, png_const_charp text)
{
    gm_ctx *ctx = png_get_mem_ptr(png);
    if (!gm__ctx_err(ctx)->status) gm__fail_ctx(ctx, GM_EINTERNAL, "png: %s", text); /* else memory ran out, and that is said */
    png_longjmp(png, 1);
}

static void png_put(png_structp png, png_bytep p, size_t n)
{
    if (!gm__buf_put(png_get_io_ptr(png), p, n)) png_error(png, "out of memory");
}

/* Nothing here changes after setjmp but what png and the pointers lead to. */
static gm_status encode(const layout *l, uint8_t *row, size_t bytes, uint32_t width, uint32_t height, gm__buf *out)
{
    gm_ctx *ctx = l->t->ctx;
    png_infop info = NULL;
    png_structp png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, NULL, png_failed, png_quiet, ctx, png_alloc, png_release);
    if (!png) return GM_ENOMEM;
    info = png_create_info_struct(png);
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return gm__ctx_err(ctx)->status ? gm__ctx_err(ctx)->status : GM_ENOMEM;
    }
    png_set_user_limits(png, MAX_SIDE, MAX_SIDE);
    png_set_write_fn(png, out, png_put, png_nothing);
    png_set_IHDR(png, info, width, height, 8, l->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int64_t y = 0; y < (int64_t)height; y++) {
        fill_row(l, y, row, bytes);
        png_write_row(png, row);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return GM_OK;
}

gm_status gm__png_encode(const gm_tensor *images, int32_t columns, gm__buf *out)
{
    layout l;
    gm_ctx *ctx = images->ctx;
    GM__TRY(measure(images, columns, &l));
    uint32_t width = (uint32_t)(l.columns * (l.width + GAP) - GAP), height = (uint32_t)(l.rows * (l.height + GAP) - GAP);
    size_t bytes = (size_t)width * (size_t)l.channels;
    uint8_t *row = gm__alloc(ctx, bytes, 1);
    if (!row) return GM_ENOMEM;
    gm__ctx_err(ctx)->status = GM_OK; /* so that a failure below is its own */
    gm_status s = encode(&l, row, bytes, width, height, out);
    gm__free(ctx, row);
    return s;
}

gm_status gm_png_write(const gm_tensor *images, int32_t columns, const char *path)
{
    if (!gm__is(images, GM__TENSOR)) return GM_EARG;
    gm_ctx *ctx = images->ctx;
    if (!path) return gm__fail_ctx(ctx, GM_EARG, "png: path is NULL");
    gm__buf png;
    gm__buf_init(&png, ctx);
    gm_status s = gm__png_encode(images, columns, &png);
    if (!s) s = gm__file_write(ctx, path, png.data, png.len);
    gm__buf_free(&png);
    return s;
}
