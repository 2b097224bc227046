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

/* ---- CSV: several y, words, missing values --------------------------------------------------- */

static gm_status csv(const char *text, const char *rest)
{
    put_file("t.csv", text, strlen(text));
    return open_file("csv", "t.csv", rest);
}

/* Every value of a column. */
static void holds(const char *column, int width, const float *want)
{
    for (uint64_t r = 0; r < gm_dataset_rows(d); r++)
        for (int i = 0; i < width; i++) {
            float v = real(column, r, i), w = want[(int)r * width + i];
            ck_assert_msg(v == w || (isnan(v) && isnan(w)), "%s[%d,%d]: %g, not %g", column, (int)r, i, (double)v, (double)w);
        }
}

START_TEST(csv_columns)
{
    int64_t shape[8];
    gm_dataset *part;
    const char *text = "a,b,kind,c+d\n1,2,dog,3\n4,5,cat,6\n7,8,dog,9\n";
    OK(csv(text, ",y=b+a,label=kind"));
    ck_assert(gm_dataset_shape(d, "y", shape) == 1 && shape[0] == 2 && gm_dataset_dtype(d, "y") == GM_F32);
    holds("y", 2, (float[]){ 2, 1, 5, 4, 8, 7 });
    holds("x", 1, (float[]){ 3, 6, 9 });
    ck_assert_str_eq(gm_dataset_class_name(d, 0), "dog");
    ck_assert_str_eq(gm_dataset_class_name(d, 1), "cat");
    ck_assert(!gm_dataset_class_name(d, 2) && !gm_dataset_class_name(d, -1) && !gm_dataset_class_name(NULL, 0));
    OK(gm_dataset_range(d, 1, 2, 1, &part));
    gm_dataset_free(d);
    ck_assert_str_eq(gm_dataset_class_name(part, 1), "cat"); /* parts share the names */
    gm_dataset_free(part);
    OK(csv(text, ",y=c+d,onehot=kind")); /* a name with '+' in it is one name */
    holds("y", 1, (float[]){ 3, 6, 9 });
    holds("x", 4, (float[]){ 1, 2, 1, 0, 4, 5, 0, 1, 7, 8, 1, 0 });
    ck_assert_ptr_null(gm_dataset_class_name(d, 0));
    gm_dataset_free(d);
    OK(csv("u,1,v\nw,2,v\n", ",onehot=0+2")); /* by number, so a word makes no header */
    holds("x", 4, (float[]){ 1, 0, 1, 1, 0, 1, 2, 1 });
    gm_dataset_free(d);
    OK(csv("1,2\n", ",label=0"));
    ck_assert_ptr_null(gm_dataset_class_name(d, 1)); /* numbers have no names */
    gm_dataset_free(d);
    FAILS(GM_ENOTFOUND, "no column 'z' for y (4 columns)", csv(text, ",y=a+z"));
    FAILS(GM_ENOTFOUND, "no column '' for y", csv(text, ",y=a+"));
    FAILS(GM_EARG, "y names column 0 twice", csv(text, ",y=a+a"));
    FAILS(GM_EARG, "y and onehot are the same column", csv(text, ",y=a,onehot=a"));
    FAILS(GM_EFORMAT, "line 3, column 3: the value is missing", csv("a,b,c\n1,2,x\n1,2,\n", ",onehot=c"));
    char *big = malloc(100000), *p = big;
    for (int i = 0; i < 1025; i++) p += sprintf(p, "%d,w%d\n", i, i);
    FAILS(GM_ELIMIT, "more than 1024", csv(big, ",onehot=1"));
    free(big);
}
END_TEST

START_TEST(csv_missing)
{
    const char *text = "a,b,k\n1,,x\n3,NA,y\n?,4,\n5,8,x\n";
    FAILS(GM_EFORMAT, "line 2, column 2: the value is missing", csv(text, ",label=k"));
    FAILS(GM_EFORMAT, "line 4, column 3: the label is missing", csv(text, ",label=k,missing=nan"));
    OK(csv(text, ",onehot=k,missing=nan"));
    holds("x", 4, (float[]){ 1, NAN, 1, 0, 3, NAN, 0, 1, NAN, 4, 0, 0, 5, 8, 1, 0 });
    gm_dataset_free(d);
    OK(csv(text, ",onehot=k,missing=mean"));
    holds("x", 4, (float[]){ 1, 6, 1, 0, 3, 6, 0, 1, 3, 4, 0, 0, 5, 8, 1, 0 });
    gm_dataset_free(d);
    OK(csv(text, ",label=k,missing=drop"));
    ck_assert_uint_eq(gm_dataset_rows(d), 1);
    holds("x", 2, (float[]){ 5, 8 });
    gm_dataset_free(d);
    OK(csv("1,\n2,\n", ",missing=mean"));
    holds("x", 2, (float[]){ 1, 0, 2, 0 });
    gm_dataset_free(d);
    FAILS(GM_EFORMAT, "no rows", csv("1,\n2,\n", ",missing=drop"));
    FAILS(GM_EFORMAT, "line 1, column 2", csv("1,\n", ",y=1,missing=nan"));
    FAILS(GM_EFORMAT, "onehot makes 0 columns", csv("?\n?\n", ",onehot=0,missing=nan"));
    FAILS(GM_EARG, "not 'skip'", csv(text, ",missing=skip"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { cifar_10, cifar_100, cifar_refused, csv_columns, csv_missing, NULL };
    return run_suite("readers", tests);
}
