/* Data sets from text, files, arrays and callbacks: what they hold, and what is refused. */
#include "data_test.h"

static gm_dataset *d;

/* A data set of a file in the test's folder: kind:NAME rest. */
static gm_status open_file(const char *kind, const char *name, const char *rest)
{
    char spec[300];
    snprintf(spec, sizeof spec, "%s:%s%s", kind, at(name), rest);
    return gm_dataset_open(ctx, spec, &d);
}

static float x_at(uint64_t row, int i)
{
    gm_tensor *t;
    OK(gm_dataset_read(d, "x", row, 1, &t));
    float v = gm__f32(t)[i];
    gm_tensor_free(t);
    return v;
}

static int64_t label_at(uint64_t row)
{
    int64_t v;
    OK(gm__dataset_gather(d, "label", &row, 1, &v));
    return v;
}

/* ---- SPEC -------------------------------------------------------------------------- */

START_TEST(spec_parts)
{
    gm__spec s;
    OK(gm__spec_parse(ctx, "idx:a\\,b\\:c\\[1\\]\\=\\\\.gz,C:/dir/l.gz,k=v\\,w,e=[3:9:2]", &s));
    ck_assert_str_eq(s.kind, "idx");
    ck_assert_int_eq(s.n_path, 2);
    ck_assert_str_eq(s.path[0], "a,b:c[1]=\\.gz");
    ck_assert_str_eq(s.path[1], "C:/dir/l.gz");
    ck_assert_int_eq(s.n_opt, 2);
    ck_assert_str_eq(gm__spec_opt(&s, "k"), "v,w");
    ck_assert_str_eq(gm__spec_opt(&s, "e"), "");
    ck_assert_ptr_null(gm__spec_opt(&s, "x"));
    ck_assert(s.has_range && s.first == 3 && s.end == 9 && s.stride == 2);
    gm__spec_free(ctx, &s);
    static const struct { const char *text; int64_t first, end, stride; } ranges[] = {
        { "npy:a[:]", 0, -1, 1 }, { "npy:a[5:]", 5, -1, 1 }, { "npy:a[:5]", 0, 5, 1 }, { "npy:a[::3]", 0, -1, 3 }, { "npy:a[1:2:]", 1, 2, 1 } };
    for (size_t i = 0; i < GM__COUNT(ranges); i++) {
        OK(gm__spec_parse(ctx, ranges[i].text, &s));
        ck_assert(s.has_range && s.first == ranges[i].first && s.end == ranges[i].end && s.stride == ranges[i].stride);
        gm__spec_free(ctx, &s);
    }
    OK(gm__spec_parse(ctx, "csv:a=b", &s)); /* the first item is a file whatever it looks like */
    ck_assert_str_eq(s.path[0], "a=b");
    gm__spec_free(ctx, &s);
    static const char *const bad[] = { "", "idx", ":", ":a", "idx:", "idx:,", "idx:a,", "idx:,b", "idx:a,,b", "idx:a,=v", "idx:a,k=v,b", "idx:a,k=1,k=2",
        "idx:a\\x", "idx:a\\", "idx:a[", "idx:a]", "idx:a[]", "idx:a[1]", "idx:a[1:2", "idx:a[1:2]x", "idx:a[1:2],b", "idx:a[-1:2]", "idx:a[2:1]", "idx:a[1:1]", "idx:a[1:2:0]",
        "idx:a[1:2:-1]", "idx:a[a:b]", "idx:a[1:2:3:4]", "idx:a[ 1:2]", "idx:a[1:99999999999999999999]", "idx:a[1:2][3:4]", "averyveryverylongkind:a" };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        ck_assert_msg(gm__spec_parse(ctx, bad[i], &s) == GM_EARG, "'%s' was taken", bad[i]);
        ck_assert_msg(strstr(gm_ctx_message(ctx), bad[i]) && !s.n_path && !s.n_opt, "'%s'", gm_ctx_message(ctx));
    }
    FAILS(GM_EARG, "csv tsv text lines", gm_dataset_open(ctx, "foo:a", &d));
    FAILS(GM_EARG, "NULL", gm_dataset_open(ctx, NULL, &d));
    FAILS(GM_EARG, "option 'label'", gm_dataset_open(ctx, "idx:a,label=1", &d));
    FAILS(GM_EARG, "1 file", gm_dataset_open(ctx, "npy:a,b", &d));
    FAILS(GM_EARG, "2 files, not 'c'", gm_dataset_open(ctx, "idx:a,b,c,d", &d));
    FAILS(GM_EARG, "too many files", gm_dataset_open(ctx, "idx:a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", &d));
    FAILS(GM_EARG, "label y", gm_dataset_open(ctx, "csv:a,lab=1", &d));
    FAILS(GM_EIO, "none", open_file("idx", "none", ""));
    ck_assert_int_eq(gm_dataset_open(NULL, "a", &d), GM_EARG);
}
END_TEST

/* ---- IDX ------------------------------------------------------------------------------ */

static size_t idx(uint8_t *b, int type, int ndim, const int *shape, const void *data, size_t n)
{
    b[0] = b[1] = 0, b[2] = (uint8_t)type, b[3] = (uint8_t)ndim;
    for (int i = 0; i < ndim; i++)
        for (int k = 0; k < 4; k++) b[4 + 4 * i + k] = (uint8_t)((unsigned)shape[i] >> (24 - 8 * k));
    memcpy(b + 4 + 4 * ndim, data, n);
    return 4 + 4 * (size_t)ndim + n;
}

START_TEST(idx_files)
{
    uint8_t b[256], data[24];
    size_t n;
    int64_t shape[8];
    for (int i = 0; i < 24; i++) data[i] = (uint8_t)(i * 11);
    n = idx(b, 8, 3, (int[]){ 4, 2, 3 }, data, 24);
    put_file("img", b, n);
    put_gzip("img.gz", b, n);
    n = idx(b, 8, 1, (int[]){ 4 }, "\2\0\7\1", 4);
    put_gzip("lab.gz", b, n);
    char rest[200];
    snprintf(rest, sizeof rest, ",%s[1:4:2]", at("lab.gz"));
    OK(open_file("idx", "img", rest));
    ck_assert_uint_eq(gm_dataset_rows(d), 2);
    ck_assert_int_eq(gm_dataset_shape(d, "x", shape), 3);
    ck_assert(shape[0] == 1 && shape[1] == 2 && shape[2] == 3);
    ck_assert_int_eq(gm_dataset_dtype(d, "x"), GM_U8);
    ck_assert_int_eq(gm_dataset_dtype(d, "label"), GM_I64);
    ck_assert_int_eq(gm_dataset_classes(d), 8);
    ck_assert_float_eq(x_at(1, 2), (float)data[20] * (1.0f / 255.0f)); /* row 3 */
    ck_assert_int_eq(label_at(0), 0);
    ck_assert_int_eq(label_at(1), 1);
    gm_dataset_free(d);
    uint64_t f, g;
    OK(open_file("idx", "img", ""));
    OK(gm__dataset_fingerprint(d, &f));
    gm_dataset_free(d);
    OK(open_file("idx", "img.gz", ""));
    OK(gm__dataset_fingerprint(d, &g));
    ck_assert_uint_eq(f, g);
    gm_dataset_free(d);
    OK(open_file("idx", "img", "[1:4]"));
    OK(gm__dataset_fingerprint(d, &g));
    ck_assert_uint_ne(f, g);
    gm_dataset_free(d);
    snprintf(rest, sizeof rest, ",%s", at("img"));
    FAILS(GM_EFORMAT, "labels must be", open_file("idx", "img", rest));
    put_file("lab", b, idx(b, 8, 1, (int[]){ 3 }, "\2\0\7", 3));
    snprintf(rest, sizeof rest, ",%s", at("lab"));
    FAILS(GM_EFORMAT, "3 labels for 4 images", open_file("idx", "img", rest));
    put_file("lab", b, idx(b, 9, 1, (int[]){ 4 }, "\2\0\7\xff", 4));
    FAILS(GM_EFORMAT, "-1", open_file("idx", "img", rest));
}
END_TEST

START_TEST(idx_types)
{
    static const struct { int type; const char *bytes; size_t n; double want; int dtype; } cases[] = {
        { 0x09, "\xfe", 1, -2, GM_F32 }, { 0x0B, "\xff\x38", 2, -200, GM_F32 }, { 0x0C, "\x00\x01\x00\x02", 4, 65538, GM_F32 },
        { 0x0D, "\x3f\xc0\x00\x00", 4, 1.5, GM_F32 }, { 0x0E, "\xbf\xf8\x00\x00\x00\x00\x00\x00", 8, -1.5, GM_F64 } };
    uint8_t b[64];
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        put_file("t", b, idx(b, cases[i].type, 2, (int[]){ 1, 1 }, cases[i].bytes, cases[i].n));
        OK(open_file("idx", "t", ""));
        ck_assert_int_eq(gm_dataset_dtype(d, "x"), cases[i].dtype);
        float v;
        OK(gm__dataset_gather(d, "x", (uint64_t[]){ 0 }, 1, &v));
        ck_assert_float_eq(v, (float)cases[i].want);
        gm_dataset_free(d);
    }
}
END_TEST

START_TEST(idx_hostile)
{
    static const struct { const char *bytes; size_t n; const char *text; } cases[] = {
        { "", 0, "two zero bytes" }, { "\0", 1, "two zero" }, { "\0\0\x08", 3, "two zero" }, { "\1\0\x08\1\0\0\0\1x", 9, "two zero" }, { "\0\1\x08\1\0\0\0\1x", 9, "two zero" },
        { "\0\0\x07\1\0\0\0\1x", 9, "type 0x7" }, { "\0\0\x0A\1\0\0\0\1x", 9, "type" }, { "\0\0\xff\1\0\0\0\1x", 9, "type" }, { "\0\0\x08\0x", 5, "axes" },
        { "\0\0\x08\x08\0\0\0\1", 8, "axes" }, { "\0\0\x08\xff\0\0\0\1", 8, "axes" }, { "\0\0\x08\1\0\0\0", 7, "too early" }, { "\0\0\x08\2\0\0\0\1", 8, "too early" },
        { "\0\0\x08\1\0\0\0\0", 8, "size 0" }, { "\0\0\x08\2\0\0\0\1\0\0\0\0", 12, "size 0" }, { "\0\0\x08\1\0\0\0\2x", 9, "cannot hold" }, { "\0\0\x08\1\0\0\0\1xy", 10, "after the end" },
        { "\0\0\x08\1\xff\xff\xff\xffx", 9, "cannot hold" }, { "\0\0\x0e\1\xff\xff\xff\xffx", 9, "cannot hold" },
        { "\0\0\x08\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16, "too large" }, { "\0\0\x08\2\xff\xff\xff\xff\xff\xff\xff\xff", 12, "too large" },
        { "\0\0\x0d\1\0\0\0\2xxxx", 12, "cannot hold" } };
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        put_file("h", cases[i].bytes, cases[i].n);
        int s = open_file("idx", "h", "");
        ck_assert_msg(s == GM_EFORMAT && !d && strstr(gm_ctx_message(ctx), cases[i].text), "idx %zu: %d %s", i, s, gm_ctx_message(ctx));
    }
}
END_TEST

/* ---- CSV --------------------------------------------------------------------------------- */

static gm_status csv(const char *text, const char *rest)
{
    put_file("t.csv", text, strlen(text));
    return open_file("csv", "t.csv", rest);
}

START_TEST(csv_files)
{
    int64_t shape[8];
    OK(csv("\xef\xbb\xbfsize,\"the \"\"name\"\"\",w\r\n1.5,b, 2 \r\n\r\n-3e-2,\"a,\nb\",+4\n\"7\",b,8", ",label=the \"name\""));
    ck_assert_uint_eq(gm_dataset_rows(d), 3);
    ck_assert_int_eq(gm_dataset_shape(d, "x", shape), 1);
    ck_assert_int_eq(shape[0], 2);
    const float want[3][2] = { { 1.5f, 2 }, { -3e-2f, 4 }, { 7, 8 } };
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 2; c++) ck_assert_float_eq(x_at((uint64_t)r, c), want[r][c]);
    ck_assert_int_eq(gm_dataset_classes(d), 2);
    ck_assert(label_at(0) == 0 && label_at(1) == 1 && label_at(2) == 0); /* words in order of appearance */
    gm_dataset_free(d);
    OK(csv("1,2,5\n3,4,2\n5,6,2", ",label=2"));
    ck_assert_int_eq(gm_dataset_classes(d), 6); /* numbers stay what they are */
    ck_assert(label_at(0) == 5 && label_at(1) == 2 && label_at(2) == 2);
    gm_dataset_free(d);
    OK(csv("1,2.0\n3,4.0\n", ",label=1"));
    ck_assert(label_at(0) == 2 && label_at(1) == 4);
    gm_dataset_free(d);
    OK(csv("1,cat\n3,dog\n5,1\n", ",label=1")); /* a label says nothing about a header */
    ck_assert_uint_eq(gm_dataset_rows(d), 3);
    ck_assert(label_at(0) == 0 && label_at(1) == 1 && label_at(2) == 2);
    gm_dataset_free(d);
    OK(csv("a,b,c\r1,2,3\r4,5,6\r", ",y=b,label=c[1:2]")); /* lone carriage returns */
    ck_assert_uint_eq(gm_dataset_rows(d), 1);
    ck_assert_int_eq(gm_dataset_columns(d), 3);
    float y;
    OK(gm__dataset_gather(d, "y", (uint64_t[]){ 0 }, 1, &y));
    ck_assert_float_eq(y, 5);
    gm_dataset_free(d);
    OK(csv("7", ""));
    ck_assert_float_eq(x_at(0, 0), 7);
    gm_dataset_free(d);
    put_gzip("t.tsv.gz", "1\t2\n3\t4\n", 8);
    OK(open_file("tsv", "t.tsv.gz", ""));
    ck_assert_float_eq(x_at(1, 1), 4);
    gm_dataset_free(d);
    /* many classes, so that the table grows */
    char *big = malloc(200000), *p = big;
    for (int i = 0; i < 5000; i++) p += sprintf(p, "%d,name%d\n", i, i / 2);
    OK(csv(big, ",label=1"));
    ck_assert_int_eq(gm_dataset_classes(d), 2500);
    for (int i = 0; i < 5000; i += 7) ck_assert_int_eq(label_at((uint64_t)i), i / 2);
    gm_dataset_free(d);
    free(big);
}
END_TEST

START_TEST(csv_refused)
{
    static const struct { const char *text, *rest; int code; const char *message; } cases[] = {
        { "", "", GM_EFORMAT, "no rows" }, { "\n\n", "", GM_EFORMAT, "no rows" }, { "a,b\n", "", GM_EFORMAT, "no rows" },
        { "1,2\n3\n", "", GM_EFORMAT, "line 2: 1 columns, the first row has 2" }, { "1,2\n3,4,5\n", "", GM_EFORMAT, "line 2: 3 columns" },
        { "1,2\n3,x\n", "", GM_EFORMAT, "line 2, column 2: expected a number, got 'x'" }, { "1,2\n3,\n", "", GM_EFORMAT, "line 2, column 2: the value is missing" },
        { "1,,3\n", "", GM_EFORMAT, "line 1, column 2: the value is missing" }, { "1,2\n\n\n3,1.5.2\n", "", GM_EFORMAT, "line 4, column 2" },
        { "1,2\n3,nan\n", "", GM_EFORMAT, "finite" }, { "1,2\n3,inf\n", "", GM_EFORMAT, "finite" }, { "1,2\n3,1e39\n", "", GM_EFORMAT, "column 2" }, { "1,2\n3,1e999\n", "", GM_EFORMAT, "column 2" },
        { "1\n2\n1,5\n", "", GM_EFORMAT, "line 3" }, { "1,\"2\n3,4", "", GM_EFORMAT, "not closed" }, { "1,\"2\"x\n", "", GM_EFORMAT, "after a closing quote" },
        { "a,b\n1,2\n", ",label=c", GM_ENOTFOUND, "no column 'c'" }, { "1,2\n", ",label=2", GM_ENOTFOUND, "no column '2'" }, { "1,2\n", ",label=a", GM_ENOTFOUND, "no header" },
        { "a,b\n1,\n", ",label=b", GM_EFORMAT, "label is missing" }, { "a\n1\n", ",label=a", GM_EFORMAT, "no column is left" },
        { "a,b\n1,2\n", ",label=a,y=a", GM_EARG, "same column" }, { "a,b\n0x10,2\n", "", GM_EFORMAT, "got '0x10'" }, { "a,b\n1 2,3\n", "", GM_EFORMAT, "got '1 2'" },
        { "a,b\n1;2\n", "", GM_EFORMAT, "line 2: 1 columns" }, { "a,b\n\"1\n\n2\",3\n", "", GM_EFORMAT, "line 2, column 1" } };
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        int s = csv(cases[i].text, cases[i].rest);
        ck_assert_msg(s == cases[i].code && !d && strstr(gm_ctx_message(ctx), cases[i].message), "csv %zu: %d %s", i, s, gm_ctx_message(ctx));
    }
    put_file("t.csv", "1,2\n3,\0", 7);
    FAILS(GM_EFORMAT, "zero byte", open_file("csv", "t.csv", ""));
    char *wide = malloc(200000);
    memset(wide, ',', 199999), wide[199999] = 0;
    FAILS(GM_ELIMIT, "65536 columns", csv(wide, ""));
    free(wide);
}
END_TEST

START_TEST(npy_files)
{
    const float v[6] = { 1, 2, 3, 4, 5, 6 };
    const int64_t k[2] = { 1LL << 40, 3 };
    gm_tensor *t;
    int64_t shape[8];
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){ 3, 2 }, v, &t));
    OK(gm_npy_write(t, at("a.npy")));
    gm_tensor_free(t);
    OK(open_file("npy", "a.npy", "[::2]"));
    ck_assert_uint_eq(gm_dataset_rows(d), 2);
    ck_assert_float_eq(x_at(1, 1), 6);
    gm_dataset_free(d);
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){ 2 }, k, &t));
    OK(gm_npy_write(t, at("k.npy")));
    gm_tensor_free(t);
    OK(open_file("npy", "k.npy", ""));
    ck_assert_int_eq(gm_dataset_shape(d, "x", shape), 0);
    OK(gm_dataset_read(d, "x", 0, 2, &t));
    ck_assert_mem_eq(t->data, k, sizeof k);
    gm_tensor_free(t);
    gm_batches *b;
    FAILS(GM_EDTYPE, "i64", gm_batches_new(d, "scale=unit", &b));
    gm_dataset_free(d);
    const char *dict = "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2)}";
    uint8_t f[128] = "\x93NUMPY\x01";
    f[8] = (uint8_t)strlen(dict);
    memcpy(f + 10, dict, strlen(dict));
    memcpy(f + 10 + strlen(dict), "\1\0\0\1", 4);
    put_file("b.npy", f, 14 + strlen(dict));
    OK(open_file("npy", "b.npy", ""));
    ck_assert(gm_dataset_dtype(d, "x") == GM_F32 && x_at(0, 0) == 1 && x_at(0, 1) == 0 && x_at(1, 1) == 1);
    gm_dataset_free(d);
    OK(gm_tensor_new(ctx, GM_F32, 0, NULL, &t));
    OK(gm_npy_write(t, at("s.npy")));
    gm_tensor_free(t);
    FAILS(GM_EFORMAT, "no rows", open_file("npy", "s.npy", ""));
}
END_TEST

/* ---- the host's own --------------------------------------------------------------------- */

START_TEST(arrays)
{
    double v[12];
    const int32_t k[3] = { 2, 0, 5 };
    gm_tensor *x, *l, *t;
    for (int i = 0; i < 12; i++) v[i] = i;
    OK(gm_tensor_wrap(ctx, GM_F64, 3, (int64_t[]){ 3, 2, 2 }, (int64_t[]){ 1, 3, 6 }, v, NULL, NULL, &x)); /* everything strided */
    OK(gm_tensor_copy(ctx, GM_I32, 1, (int64_t[]){ 3 }, k, &l));
    OK(gm_dataset_from_tensors(ctx, x, l, &d));
    gm_tensor_free(x), gm_tensor_free(l);
    ck_assert_int_eq(gm_dataset_classes(d), 6);
    ck_assert_int_eq(label_at(2), 5);
    ck_assert_int_eq(gm_dataset_dtype(d, "x"), GM_F64);
    OK(gm_dataset_read(d, "x", 1, 2, &t));
    ck_assert_int_eq(t->dtype, GM_F64);
    const double want[8] = { 1, 7, 4, 10, 2, 8, 5, 11 };
    ck_assert_mem_eq(t->data, want, sizeof want);
    gm_tensor_free(t);
    float got[4];
    OK(gm__dataset_gather(d, "x", (uint64_t[]){ 2 }, 1, got));
    ck_assert(got[0] == 2 && got[1] == 8 && got[2] == 5 && got[3] == 11);
    v[2] = 99; /* later changes are seen */
    OK(gm__dataset_gather(d, "x", (uint64_t[]){ 2 }, 1, got));
    ck_assert_float_eq(got[0], 99);
    uint64_t f, g;
    OK(gm__dataset_fingerprint(d, &f));
    v[2] = 98;
    OK(gm__dataset_fingerprint(d, &g));
    ck_assert_uint_ne(f, g);
    FAILS(GM_ENOTFOUND, "'z'", gm_dataset_read(d, "z", 0, 1, &t));
    FAILS(GM_EARG, "of 3", gm_dataset_read(d, "x", 2, 2, &t));
    FAILS(GM_EARG, "of 3", gm_dataset_read(d, "x", UINT64_MAX, 2, &t));
    OK(gm_dataset_read(d, "x", 3, 0, &t));
    ck_assert_int_eq(t->size, 0);
    gm_tensor_free(t);
    gm_dataset_free(d);

    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 3, 2 }, &x));
    OK(gm_tensor_copy(ctx, GM_I32, 1, (int64_t[]){ 3 }, (int32_t[]){ 0, -1, 2 }, &l));
    FAILS(GM_EARG, "-1", gm_dataset_from_tensors(ctx, x, l, &d));
    gm_tensor_free(l);
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 4 }, &l));
    FAILS(GM_ESHAPE, "4 rows", gm_dataset_from_tensors(ctx, x, l, &d));
    FAILS(GM_EDTYPE, "f32", (gm_tensor_free(l), gm_tensor_new(ctx, GM_F32, 1, (int64_t[]){ 3 }, &l), gm_dataset_from_tensors(ctx, x, l, &d)));
    FAILS(GM_ESHAPE, "labels must be", gm_dataset_from_tensors(ctx, x, x, &d));
    gm_tensor_free(x);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 0, 2 }, &x));
    FAILS(GM_ESHAPE, "no rows", gm_dataset_from_tensors(ctx, x, NULL, &d));
    ck_assert_int_ne(gm_dataset_from_tensors(ctx, NULL, NULL, &d), GM_OK);
    ck_assert_ptr_null(d);
    gm_tensor_free(x), gm_tensor_free(l);
}
END_TEST

static int source(uint64_t row, float *x, int64_t *label, void *user)
{
    int *calls = user;
    ++*calls;
    for (int i = 0; i < 3; i++) x[i] = (float)(row * 10 + (uint64_t)i);
    *label = (int64_t)row % 4;
    return row == 77;
}

START_TEST(callback)
{
    int calls = 0;
    gm_tensor *t, *x;
    gm_batches *b;
    OK(gm_dataset_from_callback(ctx, 80, 1, (int64_t[]){ 3 }, 4, source, &calls, &d));
    ck_assert(gm_dataset_rows(d) == 80 && gm_dataset_classes(d) == 4 && gm_dataset_columns(d) == 2);
    OK(gm_dataset_read(d, "x", 5, 2, &t));
    ck_assert(gm__f32(t)[0] == 50 && gm__f32(t)[5] == 62);
    gm_tensor_free(t);
    ck_assert_int_eq(label_at(7), 3);
    FAILS(GM_ECANCELED, "row 77", gm_dataset_read(d, "x", 70, 10, &t));
    OK(gm_batches_new(d, "batch=10 shuffle=off", &b));
    calls = 0;
    for (int k = 0; k < 7; k++) {
        OK(gm_batches_next(b, &x));
        ck_assert_int_eq(calls, 10 * (k + 1)); /* never ahead of need */
        ck_assert_float_eq(gm__f32(x)[3], (float)(100 * k + 10));
        ck_assert_int_eq(((int64_t *)(void *)gm_batches_column(b, "label")->data)[3], (10 * k + 3) % 4);
    }
    FAILS(GM_ECANCELED, "77", gm_batches_next(b, &x));
    ck_assert_ptr_null(x);
    ck_assert_uint_eq(gm_batches_position(b), 7); /* the batch can be asked for again */
    gm_batches_free(b);
    gm_dataset *e;
    OK(gm_dataset_range(d, 10, 20, 3, &e));
    OK(gm_dataset_read(e, "x", 1, 1, &t));
    ck_assert_float_eq(gm__f32(t)[0], 130);
    gm_tensor_free(t);
    gm_dataset_free(e), gm_dataset_free(d);
    OK(gm_dataset_from_callback(ctx, 80, 1, (int64_t[]){ 3 }, 3, source, &calls, &d));
    FAILS(GM_EARG, "label 3", gm_dataset_read(d, "x", 0, 4, &t));
    gm_dataset_free(d);
    FAILS(GM_EARG, "0 rows", gm_dataset_from_callback(ctx, 0, 1, (int64_t[]){ 3 }, 0, source, NULL, &d));
    FAILS(GM_EARG, "NULL", gm_dataset_from_callback(ctx, 1, 1, (int64_t[]){ 3 }, 0, NULL, NULL, &d));
    FAILS(GM_ESHAPE, "negative", gm_dataset_from_callback(ctx, 1, 1, (int64_t[]){ -3 }, 0, source, NULL, &d));
    FAILS(GM_EARG, "without values", gm_dataset_from_callback(ctx, 1, 1, (int64_t[]){ 0 }, 0, source, NULL, &d));
    FAILS(GM_EARG, "classes", gm_dataset_from_callback(ctx, 1, 1, (int64_t[]){ 3 }, -1, source, NULL, &d));
}
END_TEST

/* ---- parts ------------------------------------------------------------------------------- */

static gm_dataset *counting(int64_t rows)
{
    gm_tensor *x;
    gm_dataset *made;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ rows, 2 }, &x));
    for (int64_t i = 0; i < 2 * rows; i++) gm__f32(x)[i] = (float)i;
    OK(gm_dataset_from_tensors(ctx, x, NULL, &made));
    gm_tensor_free(x);
    return made;
}

START_TEST(parts)
{
    gm_dataset *whole = counting(100), *a, *b, *c;
    OK(gm_dataset_range(whole, 10, 50, 4, &a)); /* 10 14 .. 46 */
    ck_assert_uint_eq(gm_dataset_rows(a), 10);
    OK(gm_dataset_range(a, 1, 10, 3, &b)); /* 14 26 38 */
    ck_assert_uint_eq(gm_dataset_rows(b), 3);
    ck_assert(gm__dataset_origin(b, 0) == 14 && gm__dataset_origin(b, 2) == 38);
    d = b;
    ck_assert_float_eq(x_at(1, 0), 52);
    gm_dataset_free(a), gm_dataset_free(b);
    OK(gm_dataset_split(whole, 0.25, 5, &a, &b));
    ck_assert(gm_dataset_rows(a) == 25 && gm_dataset_rows(b) == 75);
    int seen[100] = { 0 }, moved = 0;
    for (uint64_t i = 0; i < 25; i++) seen[gm__dataset_origin(a, i)]++, moved += gm__dataset_origin(a, i) != i;
    for (uint64_t i = 0; i < 75; i++) seen[gm__dataset_origin(b, i)]++;
    for (int i = 0; i < 100; i++) ck_assert_int_eq(seen[i], 1);
    ck_assert_int_gt(moved, 15);
    OK(gm_dataset_range(a, 3, 25, 5, &c));
    for (uint64_t i = 0; i < gm_dataset_rows(c); i++) ck_assert_uint_eq(gm__dataset_origin(c, i), gm__dataset_origin(a, 3 + 5 * i));
    gm_dataset_free(c);
    OK(gm_dataset_split(a, 0.5, 5, &c, &d)); /* parts of parts; 12.5 rounds up */
    ck_assert(gm_dataset_rows(c) == 13 && gm_dataset_rows(d) == 12);
    uint64_t r = gm__dataset_origin(d, 11);
    ck_assert_float_eq(x_at(11, 0), (float)(2 * r));
    gm_dataset_free(c), gm_dataset_free(d), gm_dataset_free(a), gm_dataset_free(b);
    OK(gm_dataset_split(whole, 0.25, 6, &c, &d));
    OK(gm_dataset_split(whole, 0.25, 5, &a, &b));
    int differ = 0;
    for (uint64_t i = 0; i < 25; i++) differ += gm__dataset_origin(a, i) != gm__dataset_origin(c, i);
    ck_assert_int_gt(differ, 5);
    gm_dataset_free(c), gm_dataset_free(d), gm_dataset_free(a), gm_dataset_free(b);
    FAILS(GM_EARG, "100 rows", gm_dataset_range(whole, 0, 101, 1, &a));
    FAILS(GM_EARG, "range", gm_dataset_range(whole, 5, 5, 1, &a));
    FAILS(GM_EARG, "range", gm_dataset_range(whole, 0, 5, 0, &a));
    FAILS(GM_EARG, "empty", gm_dataset_split(whole, 0, 5, &a, &b));
    FAILS(GM_EARG, "empty", gm_dataset_split(whole, 1, 5, &a, &b));
    FAILS(GM_EARG, "[0,1]", gm_dataset_split(whole, NAN, 5, &a, &b));
    ck_assert(!a && !b);
    gm_dataset_free(whole);
    ck_assert(gm_dataset_rows(NULL) == 0 && gm_dataset_columns(NULL) == 0 && !gm_dataset_column_name(NULL, 0) && gm_dataset_shape(NULL, "x", NULL) == -1 &&
              gm_dataset_dtype(NULL, "x") == -1 && gm_dataset_classes(NULL) == 0);
    gm_dataset_free(NULL);
}
END_TEST

START_TEST(failing_memory)
{
    put_gzip("t.csv.gz", "a,b\n1,x\n2,y\n3,x\n", 16);
    uint8_t b[64];
    put_file("t.idx", b, idx(b, 0x0C, 2, (int[]){ 2, 2 }, "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1", 16));
    for (int forever = 0; forever < 2; forever++)
        for (long k = 1;; k++) {
            gm_ctx *c = new_ctx(1);
            char spec[200];
            gm_status s = GM_OK;
            gm_dataset *u[5] = { NULL };
            gm_tensor *t = NULL;
            host.calls = 0, host.fail_at = k, host.forever = forever;
            snprintf(spec, sizeof spec, "csv:%s,label=b[0:3:2]", at("t.csv.gz"));
            s = gm_dataset_open(c, spec, &u[0]);
            snprintf(spec, sizeof spec, "idx:%s", at("t.idx"));
            if (!s) s = gm_dataset_open(c, spec, &u[1]);
            if (!s) s = gm_dataset_open(c, "synth:digits,n=4", &u[2]);
            if (!s) s = gm_dataset_split(u[2], 0.5, 1, &u[3], &u[4]);
            if (!s) s = gm_dataset_read(u[3], "x", 0, 1, &t);
            bool over = host.calls < k;
            host.fail_at = 0;
            ck_assert_msg(s == GM_ENOMEM || (!s && (over || !forever)), "allocation %ld: %d %s", k, s, gm_ctx_message(c));
            for (int i = 0; i < 5; i++) gm_dataset_free(u[i]);
            gm_tensor_free(t);
            gm_ctx_free(c);
            if (over) break;
        }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { spec_parts, idx_files, idx_types, idx_hostile, csv_files, csv_refused, npy_files, arrays, callback, parts, failing_memory, NULL };
    return run_suite("data", tests);
}
