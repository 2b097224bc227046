/* Pictures: what is written is read back by libpng pixel by pixel. */
#include "data_test.h"
#include <png.h>

/* Reads a picture as bytes; gives channels. */
static int read_png(const char *name, uint32_t *w, uint32_t *h, uint8_t **pixels)
{
    png_image image = { .version = PNG_IMAGE_VERSION };
    ck_assert(png_image_begin_read_from_file(&image, at(name)));
    image.format &= PNG_FORMAT_FLAG_COLOR;
    *w = image.width, *h = image.height;
    *pixels = malloc(PNG_IMAGE_SIZE(image));
    ck_assert(png_image_finish_read(&image, NULL, *pixels, 0, NULL));
    return image.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1;
}

static gm_tensor *make(int dtype, int ndim, const int64_t *shape)
{
    gm_tensor *t;
    OK(gm_tensor_new(ctx, dtype, ndim, shape, &t));
    return t;
}
#define SHAPE(...) (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (const int64_t[]){ __VA_ARGS__ }

START_TEST(grid_of_grey)
{
    uint32_t w, h;
    uint8_t *p;
    gm_tensor *t = make(GM_F32, SHAPE(5, 1, 3, 4));
    for (int64_t i = 0; i < t->size; i++) gm__f32(t)[i] = (float)i / 60;
    OK(gm_png_write(t, 0, at("a.png"))); /* 3 columns, 2 rows, 2 pixels between */
    ck_assert_int_eq(read_png("a.png", &w, &h, &p), 1);
    ck_assert_uint_eq(w, 3 * 4 + 2 * 2);
    ck_assert_uint_eq(h, 2 * 3 + 2);
    for (uint32_t y = 0; y < h; y++)
        for (uint32_t x = 0; x < w; x++) {
            uint32_t row = y / 5, col = x / 6, yy = y % 5, xx = x % 6, image = row * 3 + col;
            int want = yy < 3 && xx < 4 && image < 5 ? (int)((double)(float)((image * 12 + yy * 4 + xx) / 60.0) * 255 + 0.5) : 0;
            ck_assert_int_eq(p[y * w + x], want);
        }
    free(p);
    OK(gm_png_write(t, 99, at("a.png"))); /* never wider than the images */
    read_png("a.png", &w, &h, &p);
    ck_assert_uint_eq(w, 5 * 4 + 4 * 2);
    free(p);
    gm_tensor_free(t);
}
END_TEST

START_TEST(other_forms)
{
    uint32_t w, h;
    uint8_t *p;
    gm_tensor *t = make(GM_F64, SHAPE(1, 4));
    gm__f64(t)[0] = NAN, gm__f64(t)[1] = -INFINITY, gm__f64(t)[2] = 1e300, gm__f64(t)[3] = 0.5;
    OK(gm_png_write(t, 0, at("a.png")));
    ck_assert_int_eq(read_png("a.png", &w, &h, &p), 1);
    ck_assert(w == 2 && h == 2);
    ck_assert_mem_eq(p, "\0\0\xff\x80", 4);
    free(p);
    gm_tensor_free(t);
    t = make(GM_U8, SHAPE(2, 3, 2, 2));
    for (int i = 0; i < 24; i++) ((uint8_t *)t->data)[i] = (uint8_t)(i * 10);
    OK(gm_png_write(t, 1, at("a.png")));
    ck_assert_int_eq(read_png("a.png", &w, &h, &p), 3);
    ck_assert(w == 2 && h == 6);
    ck_assert(p[0] == 0 && p[1] == 40 && p[2] == 80 && p[3] == 10); /* channels come together */
    ck_assert(p[4 * 6] == 120 && p[4 * 6 + 1] == 160);
    free(p);
    gm_tensor_free(t);
    float x[6] = { 0, 1, 0.2f, 0.4f, 0.6f, 0.8f };
    OK(gm_tensor_wrap(ctx, GM_F32, 3, (int64_t[]){ 1, 3, 2 }, (int64_t[]){ 6, 1, 3 }, x, NULL, NULL, &t)); /* a transpose */
    OK(gm_png_write(t, 0, at("a.png")));
    read_png("a.png", &w, &h, &p);
    ck_assert(w == 2 && h == 3 && p[0] == 0 && p[1] == 102 && p[2] == 255);
    free(p);
    gm_tensor_free(t);
}
END_TEST

START_TEST(refused)
{
    static const struct { int dtype, ndim; int64_t shape[4]; int code; } cases[] = {
        { GM_I32, 3, { 1, 2, 2 }, GM_EDTYPE },  { GM_F32, 1, { 4 }, GM_ESHAPE },          { GM_F32, 2, { 1, 5 }, GM_ESHAPE },
        { GM_F32, 4, { 1, 2, 2, 2 }, GM_ESHAPE }, { GM_F32, 3, { 0, 2, 2 }, GM_ESHAPE },  { GM_F32, 3, { 1, 0, 2 }, GM_ESHAPE },
        { GM_F32, 0, { 0 }, GM_ESHAPE },        { GM_U8, 3, { 1, 1, 2000000 }, GM_ELIMIT }, { GM_BF16, 3, { 1, 2, 2 }, GM_EDTYPE },
    };
    put_file("a.png", "old", 3);
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        gm_tensor *t = make(cases[i].dtype, cases[i].ndim, cases[i].shape);
        FAILS(cases[i].code, "png", gm_png_write(t, 0, at("a.png")));
        gm_tensor_free(t);
    }
    gm_tensor *t = make(GM_F32, SHAPE(1, 2, 2));
    FAILS(GM_EARG, "columns", gm_png_write(t, -1, at("a.png")));
    FAILS(GM_EARG, "path", gm_png_write(t, 0, NULL));
    FAILS(GM_EIO, "no/where", gm_png_write(t, 0, at("no/where.png")));
    ck_assert_int_eq(gm_png_write(NULL, 0, "x"), GM_EARG);
    uint8_t b[8];
    ck_assert_uint_eq(get_file("a.png", b, 8), 3);
    gm_tensor_free(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { grid_of_grey, other_forms, refused, NULL };
    return run_suite("png", tests);
}
