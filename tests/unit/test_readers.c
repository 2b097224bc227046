/* Readers of files of one kind each: what they give, and what they refuse. */
#include "data_test.h"

static gm_dataset *d;

/* A data set of a file in the test's folder: kind:NAME rest. */
static gm_status open_file(const char *kind, const char *name, const char *rest)
{
    char spec[400];
    snprintf(spec, sizeof spec, "%s:%s%s", kind, at(name), rest);
    return gm_dataset_open(ctx, spec, &d);
}

static int64_t whole(const char *column, uint64_t row)
{
    int64_t v;
    OK(gm__dataset_gather(d, column, &row, 1, &v));
    return v;
}

static float real(const char *column, uint64_t row, int i)
{
    gm_tensor *t;
    OK(gm_dataset_read(d, column, row, 1, &t));
    ck_assert_int_eq(t->dtype, GM_F32);
    float v = gm__f32(t)[i];
    gm_tensor_free(t);
    return v;
}

/* ---- CIFAR ---------------------------------------------------------------------------- */

/* Row r has labels r % 7 (and 3 r), and pixel i is (r + i) % 251. */
static uint8_t *cifar(int head, int rows)
{
    uint8_t *b = malloc((size_t)rows * (size_t)(head + 3072)), *p = b;
    for (int r = 0; r < rows; r++) {
        *p++ = (uint8_t)(r % 7);
        if (head == 2) *p++ = (uint8_t)(3 * r);
        for (int i = 0; i < 3072; i++) *p++ = (uint8_t)((r + i) % 251);
    }
    return b;
}

START_TEST(cifar_10)
{
    int64_t shape[8];
    char rest[300];
    uint8_t *b = cifar(1, 5);
    put_file("a.bin", b, 5 * 3073);
    put_gzip("b.bin.gz", b, 2 * 3073);
    snprintf(rest, sizeof rest, ",%s[1:7]", at("b.bin.gz"));
    OK(open_file("cifar", "a.bin", rest));
    ck_assert_uint_eq(gm_dataset_rows(d), 6);
    ck_assert_int_eq(gm_dataset_shape(d, "x", shape), 3);
    ck_assert(shape[0] == 3 && shape[1] == 32 && shape[2] == 32);
    ck_assert_int_eq(gm_dataset_dtype(d, "x"), GM_U8);
    ck_assert_int_eq(gm_dataset_columns(d), 2);
    ck_assert_int_eq(gm_dataset_classes(d), 5);
    for (uint64_t r = 0; r < 6; r++) {
        uint64_t from = r < 4 ? r + 1 : r - 4;
        ck_assert_int_eq(whole("label", r), (int64_t)from);
        ck_assert_float_eq(real("x", r, 1030), (float)((from + 1030) % 251) * (1.0f / 255.0f));
    }
    gm_dataset_free(d);
    FAILS(GM_EARG, "CIFAR-100", open_file("cifar", "a.bin", ",label=coarse"));
    FAILS(GM_EARG, "option 'x'", open_file("cifar", "a.bin", ",x=1"));
    free(b);
}
END_TEST

START_TEST(cifar_100)
{
    uint8_t *b = cifar(2, 6);
    put_file("a.bin", b, 6 * 3074);
    OK(open_file("cifar", "a.bin", ""));
    ck_assert_int_eq(gm_dataset_columns(d), 3);
    ck_assert(whole("label", 4) == 12 && whole("coarse", 4) == 4 && gm_dataset_classes(d) == 16);
    ck_assert_float_eq(real("x", 5, 3071), (float)((5 + 3071) % 251) * (1.0f / 255.0f));
    gm_dataset_free(d);
    OK(open_file("cifar", "a.bin", ",label=coarse"));
    ck_assert(whole("label", 4) == 4 && whole("fine", 4) == 12 && gm_dataset_classes(d) == 6);
    gm_dataset_free(d);
    FAILS(GM_EARG, "'both'", open_file("cifar", "a.bin", ",label=both"));
    free(b);
}
END_TEST

START_TEST(cifar_refused)
{
    uint8_t *b = cifar(1, 3), *c = cifar(2, 2);
    char rest[300];
    put_file("a.bin", b, 0);
    FAILS(GM_EFORMAT, "0 bytes", open_file("cifar", "a.bin", ""));
    put_file("a.bin", b, 3073 + 3072);
    FAILS(GM_EFORMAT, "6145 bytes", open_file("cifar", "a.bin", ""));
    b[3073] = 10;
    put_file("a.bin", b, 3 * 3073);
    FAILS(GM_EFORMAT, "row 1 has a label that CIFAR-10 lacks", open_file("cifar", "a.bin", ""));
    c[3074 + 1] = 100;
    put_file("a.bin", c, 2 * 3074);
    FAILS(GM_EFORMAT, "row 1 has a label that CIFAR-100 lacks", open_file("cifar", "a.bin", ""));
    b[3073] = 9, c[3074 + 1] = 99;
    put_file("a.bin", b, 3 * 3073);
    put_file("c.bin", c, 2 * 3074);
    snprintf(rest, sizeof rest, ",%s", at("c.bin"));
    FAILS(GM_EFORMAT, "same kind as the first file, CIFAR-10", open_file("cifar", "a.bin", rest));
    FAILS(GM_EIO, "none", open_file("cifar", "none", ""));
    free(b), free(c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { cifar_10, cifar_100, cifar_refused, NULL };
    return run_suite("readers", tests);
}
