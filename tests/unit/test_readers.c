/* Readers of files of one kind each: what they give, and what they refuse. */
#include "data_test.h"
#include <gm/gm.h>
#include <sys/stat.h>
#include <time.h>

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

/* ---- text ------------------------------------------------------------------------------------ */

START_TEST(text)
{
    gm_tensor *x;
    gm_batches *b;
    size_t n;
    put_gzip("t.gz", "Hello\r\n\0\xff", 9);
    OK(open_file("text", "t.gz", "[1:9]"));
    ck_assert(gm_dataset_rows(d) == 8 && gm_dataset_shape(d, "x", NULL) == 0 && gm_dataset_dtype(d, "x") == GM_U8 && gm_dataset_columns(d) == 1);
    ck_assert(whole("x", 0) == 'e' && whole("x", 6) == 0 && whole("x", 7) == 255);
    const uint8_t *p = gm__dataset_bytes(d, &n);
    ck_assert(n == 8 && !memcmp(p, "ello\r\n\0\xff", 8));
    OK(gm_batches_new(d, "batch=5 shuffle=off", &b));
    OK(gm_batches_next(b, &x));
    ck_assert(x->dtype == GM_I64 && x->ndim == 1 && ((int64_t *)(void *)x->data)[4] == '\r');
    gm_batches_free(b);
    FAILS(GM_EDTYPE, "u8", gm_batches_new(d, "scale=unit", &b));
    gm_model *m;
    OK(gm_model_new(ctx, "ae", NULL, &m));
    FAILS(GM_EDTYPE, "text", gm_fit(m, d, "steps=1"));
    gm_model_free(m);
    gm_dataset_free(d);
    OK(open_file("text", "t.gz", "[::2]"));
    ck_assert(whole("x", 2) == 'o' && !gm__dataset_bytes(d, &n) && n == 0);
    gm_dataset_free(d);
    put_file("e", "", 0);
    FAILS(GM_EFORMAT, "no bytes", open_file("text", "e", ""));
    FAILS(GM_EFORMAT, "no lines", open_file("lines", "e", ""));
    FAILS(GM_EARG, "option", open_file("text", "e", ",label=1"));
}
END_TEST

START_TEST(lines)
{
    int64_t shape[8];
    gm_tensor *x;
    gm_batches *b;
    uint64_t f, g;
    put_file("l", "anna\r\n\nbo\n\rc\r", 13);
    OK(open_file("lines", "l", ""));
    ck_assert(gm_dataset_rows(d) == 4 && gm_dataset_shape(d, "x", shape) == 1 && shape[0] == 4 && gm_dataset_columns(d) == 2);
    const int64_t length[] = { 4, 0, 2, 3 };
    for (uint64_t r = 0; r < 4; r++) ck_assert_int_eq(whole("length", r), length[r]);
    OK(gm_batches_new(d, "batch=3 shuffle=off", &b));
    OK(gm_batches_next(b, &x));
    const int64_t want[12] = { 'a', 'n', 'n', 'a', 0, 0, 0, 0, 'b', 'o', 0, 0 };
    ck_assert(x->dtype == GM_I64 && x->ndim == 2 && x->size == 12 && !memcmp(x->data, want, sizeof want));
    OK(gm_batches_next(b, &x));
    ck_assert(x->size == 4 && !memcmp(x->data, (int64_t[]){ '\r', 'c', '\r', 0 }, 32));
    ck_assert_int_eq(*(int64_t *)(void *)gm_batches_column(b, "length")->data, 3);
    gm_batches_free(b);
    OK(gm__dataset_fingerprint(d, &f));
    gm_dataset_free(d);
    put_file("l", "anna\nb\no\n\rc\r", 12);
    OK(open_file("lines", "l", "[1:4:2]"));
    ck_assert(gm_dataset_rows(d) == 2 && whole("length", 0) == 1 && whole("length", 1) == 3);
    gm_dataset_free(d);
    OK(open_file("lines", "l", ""));
    OK(gm__dataset_fingerprint(d, &g));
    ck_assert_uint_ne(f, g);
    gm_dataset_free(d);
    put_file("l", "\n\r\n", 3);
    FAILS(GM_EFORMAT, "every line is empty", open_file("lines", "l", ""));
}
END_TEST

START_TEST(ragged_arrays)
{
    const double v[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
    gm_tensor *values, *offsets, *label, *t;
    gm_batches *b;
    OK(gm_tensor_copy(ctx, GM_F64, 2, (int64_t[]){ 5, 2 }, v, &values));
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){ 4 }, (int64_t[]){ 0, 2, 2, 5 }, &offsets));
    OK(gm_tensor_copy(ctx, GM_I32, 1, (int64_t[]){ 3 }, (int32_t[]){ 0, 2, 1 }, &label));
    OK(gm_dataset_from_ragged(ctx, values, offsets, label, &d));
    ck_assert(gm_dataset_rows(d) == 3 && gm_dataset_classes(d) == 3);
    holds("x", 6, (float[]){ 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 5, 6, 7, 8, 9, 10 });
    FAILS(GM_EARG, "ragged", gm_batches_new(d, "scale=standard", &b));
    gm_dataset_free(d);
    static const struct { int64_t at[4]; const char *text; } bad[] = {
        { { 0, 2, 1, 5 }, "row 1 is [2,1)" }, { { -1, 2, 3, 5 }, "row 0 is [-1,2)" }, { { 0, 2, 3, 6 }, "of 5 values" } };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){ 4 }, bad[i].at, &t));
        FAILS(GM_EARG, bad[i].text, gm_dataset_from_ragged(ctx, values, t, NULL, &d));
        gm_tensor_free(t);
    }
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 4 }, &t));
    FAILS(GM_ESHAPE, "every row is empty", gm_dataset_from_ragged(ctx, values, t, NULL, &d));
    gm_tensor_free(t);
    FAILS(GM_EDTYPE, "offsets must be i64", gm_dataset_from_ragged(ctx, values, label, NULL, &d));
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 1 }, &t));
    FAILS(GM_ESHAPE, "[rows + 1], not [1]", gm_dataset_from_ragged(ctx, values, t, NULL, &d));
    FAILS(GM_ESHAPE, "1 rows", gm_dataset_from_ragged(ctx, values, offsets, t, &d));
    gm_tensor_free(t), gm_tensor_free(values), gm_tensor_free(offsets), gm_tensor_free(label);
    ck_assert_int_ne(gm_dataset_from_ragged(ctx, NULL, NULL, NULL, &d), GM_OK);
}
END_TEST

/* ---- ratings ----------------------------------------------------------------------------------- */

static gm_status ratings(const char *text, const char *rest)
{
    put_file("r", text, strlen(text));
    return open_file("ratings", "r", rest);
}

START_TEST(ratings_files)
{
    static const char *const same[] = { "7::20::3.5::99\n2::20::1::-5\n7::9::4::0\n", "7\t20\t3.5\t99\n2\t20\t1\t-5\n7\t9\t4\t0\n",
        "userId,movieId,rating,timestamp\r\n7,20,3.5,99\r\n2,20,1,-5\r\n7,9,4,0\r\n", "\n7 20 3.5 99\n2 20 1 -5\n7 9 4 0", "u;i;r;t\n7;20;3.5;99\n2;20;1;-5\n7;9;4;0\n" };
    const int64_t user[2][3] = { { 7, 2, 7 }, { 0, 1, 0 } }, item[2][3] = { { 20, 20, 9 }, { 0, 0, 1 } }, when[3] = { 99, -5, 0 };
    for (size_t i = 0; i < 2 * GM__COUNT(same); i++) {
        OK(ratings(same[i / 2], i % 2 ? ",ids=map" : ""));
        ck_assert(gm_dataset_rows(d) == 3 && gm_dataset_columns(d) == 5);
        holds("rating", 1, (float[]){ 3.5f, 1, 4 });
        holds("x", 1, (float[]){ 3.5f, 1, 4 });
        for (uint64_t r = 0; r < 3; r++) {
            ck_assert(whole("user", r) == user[i % 2][r] && whole("item", r) == item[i % 2][r]);
            ck_assert_int_eq(whole("time", r), when[r]);
        }
        gm_dataset_free(d);
    }
    OK(ratings("ann,\"a, b\",2\nbob,\"a, b\",3\n", ""));
    ck_assert(gm_dataset_columns(d) == 4 && whole("user", 1) == 1 && whole("item", 1) == 0);
    gm_dataset_free(d);
    static const struct { const char *text, *rest, *message; int code; } bad[] = {
        { "", "", "no ratings", GM_EFORMAT }, { "user,item,rating\n", "", "no ratings", GM_EFORMAT }, { "1,2\n", "", "line 1: expected user", GM_EFORMAT },
        { "1,2,3,4,5\n", "", "perhaps a time", GM_EFORMAT }, { "1,2,3\n1,2,3,4\n", "", "line 2: expected user, item, rating as in", GM_EFORMAT },
        { "1,2,3\n1,2,x\n", "", "line 2, column 3: expected a rating, a finite number, got 'x'", GM_EFORMAT }, { "1,2,3\n,2,3\n", "", "user is missing", GM_EFORMAT },
        { "1,2,3\n1,,3\n", "", "item is missing", GM_EFORMAT }, { "1::2::3\n1:2:3\n", "", "line 2", GM_EFORMAT }, { "1::2::3\n1:x:2::3\n", "", "line 2", GM_EFORMAT },
        { "1,2,3,4\n1,2,3,4.5\n", "", "expected a time", GM_EFORMAT }, { "1,2,3,4\n1,2,3,\n", "", "expected a time", GM_EFORMAT }, { "1,2,3\n1,2,nan\n", "", "finite", GM_EFORMAT },
        { "1,2,3\n", ",ids=both", "'both'", GM_EARG } };
    for (size_t i = 0; i < GM__COUNT(bad); i++) FAILS(bad[i].code, bad[i].message, ratings(bad[i].text, bad[i].rest));
}
END_TEST

/* ---- PNG ------------------------------------------------------------------------------------------ */

/* A picture of the fuzzing seeds, all 2 x 2, under another name. */
static void put_picture(const char *seed, const char *name)
{
    uint8_t b[200];
    char path[100];
    snprintf(path, sizeof path, "tests/fuzz/seeds/png/%s", seed);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "no %s; run this from the top of the source tree", path);
    size_t n = fread(b, 1, sizeof b, f);
    fclose(f);
    put_file(name, b, n);
}

static void empty_folder(const char *name)
{
    DIR *f = opendir(at(name));
    char path[600];
    for (struct dirent *e; (e = readdir(f));) {
        snprintf(path, sizeof path, "%s/%s", at(name), e->d_name);
        unlink(path);
    }
    closedir(f);
    ck_assert_int_eq(rmdir(at(name)), 0);
}

static gm_status open_png(const char *name)
{
    char spec[300];
    snprintf(spec, sizeof spec, "png:%s", at(name));
    return gm_dataset_open(ctx, spec, &d);
}

START_TEST(png_files)
{
    /* as Pillow reads them, but for alpha, which fades to black: v * a / 255 */
    static const struct { const char *seed; int channels; int want[12]; } files[] = {
        { "gray8", 1, { 0, 64, 128, 255 } }, { "gray1", 1, { 255, 0, 0, 255 } }, { "gray16", 1, { 0, 64, 128, 255 } }, { "graya", 1, { 0, 64, 128, 0 } },
        { "interlaced", 1, { 0, 64, 128, 255 } }, { "rgb8", 3, { 1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12 } }, { "rgba8", 3, { 1, 0, 100, 10, 2, 0, 50, 11, 3, 0, 25, 12 } },
        { "palette", 3, { 9, 0, 0, 9, 8, 0, 0, 8, 7, 0, 0, 7 } } };
    int64_t shape[8];
    for (size_t i = 0; i < GM__COUNT(files); i++) {
        ck_assert_int_eq(mkdir(at("p"), 0700), 0);
        put_picture(files[i].seed, "p/one.PNG");
        put_file("p/.hidden.png", "x", 1);
        put_file("p/readme.txt", "x", 1);
        OK(open_png("p"));
        ck_assert(gm_dataset_rows(d) == 1 && gm_dataset_columns(d) == 1 && gm_dataset_dtype(d, "x") == GM_U8);
        ck_assert(gm_dataset_shape(d, "x", shape) == 3 && shape[0] == files[i].channels && shape[1] == 2 && shape[2] == 2);
        for (int k = 0; k < 4 * files[i].channels; k++)
            ck_assert_msg(real("x", 0, k) == (float)files[i].want[k] * (1.0f / 255.0f), "%s: %d: %g", files[i].seed, k, (double)real("x", 0, k) * 255);
        gm_dataset_free(d);
        empty_folder("p");
    }
}
END_TEST

START_TEST(png_classes)
{
    static const char *const folders[] = { "p", "p/zebra", "p/ant", "p/.git" };
    for (int i = 0; i < 4; i++) ck_assert_int_eq(mkdir(at(folders[i]), 0700), 0);
    put_picture("gray8", "p/zebra/2.png"), put_picture("gray1", "p/zebra/10.png"), put_picture("rgb8", "p/ant/x.png");
    OK(open_png("p")); /* one has colours, so all have */
    ck_assert(gm_dataset_rows(d) == 3 && gm_dataset_classes(d) == 2);
    ck_assert_str_eq(gm_dataset_class_name(d, 0), "ant");
    ck_assert_str_eq(gm_dataset_class_name(d, 1), "zebra");
    ck_assert(whole("label", 0) == 0 && whole("label", 1) == 1 && whole("label", 2) == 1);
    ck_assert(real("x", 0, 0) == 1 / 255.0f && real("x", 1, 0) == 1 && real("x", 2, 1) == 64 * (1.0f / 255.0f) && real("x", 2, 9) == 64 * (1.0f / 255.0f)); /* "10" before "2" */
    for (long k = 1;; k++) { /* every n-th allocation fails */
        gm_dataset_free(d);
        host.calls = 0, host.fail_at = k, host.forever = k % 2;
        gm_status s = open_png("p");
        host.fail_at = 0;
        if (!s) break;
        ck_assert_msg(s == GM_ENOMEM, "%ld: %d %s", k, s, gm_ctx_message(ctx));
    }
    gm_dataset_free(d);
    gm_tensor *t; /* another size */
    OK(gm_tensor_new(ctx, GM_U8, 3, (int64_t[]){ 1, 2, 3 }, &t));
    OK(gm_png_write(t, 1, at("p/zebra/3.png")));
    gm_tensor_free(t);
    FAILS(GM_EFORMAT, "3.png: 3 x 2 pixels, but ", open_png("p"));
    ck_assert(strstr(gm_ctx_message(ctx), "ant/x.png has 2 x 2"));
    unlink(at("p/zebra/3.png")), unlink(at("p/ant/x.png"));
    FAILS(GM_EFORMAT, "ant: no .png files", open_png("p"));
    empty_folder("p/zebra"), empty_folder("p/ant"), empty_folder("p/.git");
    FAILS(GM_EFORMAT, "p: no .png files", open_png("p"));
    put_file("p/a.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x80\0\0\0\x80\0\x10\6\0\0\0xxxx", 33); /* 8 GiB */
    FAILS(GM_EFORMAT, "32768 x 32768 pixels, the file cannot hold them", open_png("p"));
    put_file("p/a.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x80\1\0\0\0\1\x10\6\0\0\0xxxx", 33);
    FAILS(GM_ELIMIT, "at most 32768", open_png("p"));
    put_file("p/a.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x8\5\0\0\0xxxx", 33);
    FAILS(GM_EFORMAT, "damaged header", open_png("p"));
    put_file("p/a.png", "GIF89a", 6);
    FAILS(GM_EFORMAT, "no PNG file", open_png("p"));
    empty_folder("p");
    FAILS(GM_EIO, "No such file", open_png("p"));
    put_file("p", "x", 1);
    FAILS(GM_EIO, "Not a directory", open_png("p"));
}
END_TEST

/* ---- every reader ------------------------------------------------------------------------------- */

START_TEST(failing_memory)
{
    uint8_t *b = cifar(2, 3);
    put_file("c.bin", b, 3 * 3074);
    free(b);
    put_file("t.csv", "a,b,c\n1,x,u\n,y,u\n", 17);
    put_gzip("l", "one\n\ntwo three\n", 15);
    put_file("r", "7::20::3::1\nann::20::1::2\n", 26);
    static const struct { const char *kind, *name, *rest; } specs[] = { { "cifar", "c.bin", "" }, { "csv", "t.csv", ",label=c,onehot=b,missing=mean" }, { "csv", "t.csv", ",y=a,label=b,missing=drop,onehot=c[0:1]" },
        { "text", "l", "" }, { "lines", "l", "[0:3:2]" }, { "ratings", "r", "" } };
    for (size_t i = 0; i < GM__COUNT(specs); i++) {
        for (long k = 1;; k++) {
            host.calls = 0, host.fail_at = k, host.forever = k % 2;
            gm_status s = open_file(specs[i].kind, specs[i].name, specs[i].rest);
            host.fail_at = 0;
            if (!s) break;
            ck_assert_msg(s == GM_ENOMEM && !d, "%s %ld: %d %s", specs[i].kind, k, s, gm_ctx_message(ctx));
        }
        gm_dataset_free(d);
    }
}
END_TEST

/* Files of a megabyte made to cost much, and bad in the end: little memory, and at once. */
START_TEST(costly_files)
{
    enum { SIZE = 1 << 20 };
    static const struct { const char *kind, *rest, *unit, *end; } files[] = {
        { "csv", "", "1,", "x" }, { "csv", "", "1\n", "x" }, { "csv", ",label=1", "%d,w%d\n", "1\n" }, { "csv", ",onehot=1", "%d,w%d\n", "1\n" }, { "csv", ",missing=nan", ",,,,,,,\n", "\n1" },
        { "csv", "", "\"\"", "\"" }, { "csv", "", "\n", "" }, { "tsv", "", "\t", "" }, { "ratings", "", "%x %x 1\n", "1\n" }, { "ratings", "", "1::2::3::4\n", "1\n" }, { "lines", "", "\n", "" },
        { "cifar", "", "\377", "" }, { "npz", "", "PK\5\6", "" }, { "idx", "", "\1", "" } };
    char *text = malloc(SIZE + 100);
    for (size_t i = 0; i < GM__COUNT(files); i++) {
        size_t n = 0;
        for (int k = 0; n < SIZE; k++) n += (size_t)sprintf(text + n, files[i].unit, k, k);
        n += (size_t)sprintf(text + n, "%s", files[i].end);
        put_file("f", text, n);
        gm_ctx *keep = ctx;
        ctx = new_ctx(1);
        gm_memory used = { .struct_size = sizeof used };
        struct timespec a, b;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        ck_assert_msg(open_file(files[i].kind, "f", files[i].rest) != GM_OK, "%s %zu", files[i].kind, i);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        gm_ctx_memory(ctx, &used);
        double seconds = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
        ck_assert_msg(used.peak_bytes <= 2 * n + (16u << 20), "%s %zu: peak %llu", files[i].kind, i, (unsigned long long)used.peak_bytes);
        ck_assert_msg(seconds < 1.5, "%s %zu: %g s", files[i].kind, i, seconds); /* 0.1 without sanitizers */
        gm_ctx_free(ctx);
        ctx = keep;
    }
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { cifar_10, cifar_100, cifar_refused, csv_columns, csv_missing, text, lines, ragged_arrays, ratings_files, png_files, png_classes, failing_memory, costly_files, NULL };
    return run_suite("readers", tests);
}
