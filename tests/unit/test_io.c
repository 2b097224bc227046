/* Tensors in files: safetensors, npy, gzip; round trips, damage, hostile headers, failing disks. */
#include "data_test.h"
#include "vectors/safetensors_ref.h"
#include <errno.h>

static gm_tensor *tensor(int dtype, int ndim, const int64_t *shape, const void *data)
{
    gm_tensor *t = NULL;
    OK(gm_tensor_copy(ctx, dtype, ndim, shape, data, &t));
    return t;
}
#define SHAPE(...) (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (const int64_t[]){ __VA_ARGS__ }

static gm_status parse_bytes(const void *p, size_t n, gm__st **f)
{
    uint8_t *copy = gm__alloc(ctx, n, 1);
    if (!copy) return GM_ENOMEM;
    memcpy(copy, p, n);
    return gm__st_parse(ctx, "f", copy, n, f);
}

/* ---- safetensors --------------------------------------------------------------- */

START_TEST(crc64)
{
    ck_assert_uint_eq(gm__crc64(0, "123456789", 9), 0x995dc9bbdf1939faull); /* the catalogue's check value */
    uint8_t b[1000];
    for (int i = 0; i < 1000; i++) b[i] = (uint8_t)(i * 37 + 11);
    for (size_t cut = 0; cut <= 1000; cut += 13) ck_assert_uint_eq(gm__crc64(gm__crc64(0, b, cut), b + cut, 1000 - cut), gm__crc64(0, b, 1000));
}
END_TEST

START_TEST(python_file)
{
    gm__st *f;
    OK(parse_bytes(safetensors_ref, sizeof safetensors_ref, &f));
    ck_assert_uint_eq(f->n, 9);
    ck_assert_str_eq(gm__st_meta(f, "format"), "pt");
    ck_assert_str_eq(gm__st_meta(f, "note"), "quote \" backslash \\ newline \n \xc3\xa9");
    ck_assert_ptr_null(gm__st_meta(f, "nothing"));
    const gm__entry *e = gm__st_find(f, "layer.weight");
    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(e->ndim, 2);
    gm_tensor *w, *b;
    OK(gm_tensor_new(ctx, GM_F64, SHAPE(3, 4), &w));
    OK(gm__st_load(f, e, w)); /* f32 widens */
    for (int i = 0; i < 12; i++) ck_assert_double_eq(gm__f64(w)[i], i / 4.0);
    OK(gm_tensor_new(ctx, GM_F32, SHAPE(3), &b));
    OK(gm__st_load(f, gm__st_find(f, "half"), b));
    ck_assert_float_eq(gm__f32(b)[1], -0.5f);
    ck_assert_float_eq(gm__f32(b)[2], 3.140625f);
    OK(gm__st_load(f, gm__st_find(f, "layer.bias"), b));
    ck_assert_float_eq(gm__f32(b)[2], 1e-3f);
    FAILS(GM_ESHAPE, "[3,4]", gm__st_load(f, e, b));
    FAILS(GM_EDTYPE, "u8", gm__st_load(f, gm__st_find(f, "mask"), b));
    ck_assert_int_eq(gm__st_find(f, "mask")->data[1], 0);
    ck_assert_int_eq(gm__st_find(f, "steps")->ndim, 0);
    ck_assert_uint_eq(gm__st_find(f, "empty")->bytes, 0);
    ck_assert_ptr_nonnull(gm__st_find(f, "\xc3\xa9t\xc3\xa9"));
    ck_assert_ptr_null(gm__st_find(f, "layer"));
    gm_tensor_free(w), gm_tensor_free(b);
    gm__st_close(f);
}
END_TEST

static void small_model(gm__stw **w, gm_tensor *t[3])
{
    const float x[6] = { 1, -2, 3.5f, 0, 1e-20f, 6 };
    t[0] = tensor(GM_F32, SHAPE(2, 3), x);
    t[1] = tensor(GM_U8, SHAPE(3), "abc");
    t[2] = tensor(GM_I64, 0, NULL, &(int64_t){ -5 });
    OK(gm__stw_new(ctx, w));
    OK(gm__stw_meta(*w, "gm.version", "1"));
    OK(gm__stw_meta(*w, "format", "pt"));
    OK(gm__stw_meta(*w, "gm.config", "{\"a\":\"b\\n\"}\n\t\x01 \xc3\xa9"));
    OK(gm__stw_tensor(*w, "weight", t[0], true));
    OK(gm__stw_tensor(*w, "Zbytes", t[1], true));
    OK(gm__stw_tensor(*w, "step", t[2], true));
}

static void free3(gm_tensor *t[3])
{
    for (int i = 0; i < 3; i++) gm_tensor_free(t[i]);
}

START_TEST(own_file)
{
    gm__stw *w;
    gm__st *f;
    gm_tensor *t[3], *got;
    uint8_t *bytes, disk[4096];
    size_t n;
    small_model(&w, t);
    OK(gm__stw_bytes(w, &bytes, &n));
    ck_assert_uint_lt(n, 4096);
    OK(gm__stw_commit(w, at("m.safetensors")));
    ck_assert_uint_eq(get_file("m.safetensors", disk, sizeof disk), n);
    ck_assert_mem_eq(disk, bytes, n);
    ck_assert_uint_eq((bytes[0] + 256u * bytes[1] + 8) % 64, 0);
    ck_assert_int_eq(count_files(), 1);
    OK(gm__st_open(ctx, at("m.safetensors"), &f));
    ck_assert_str_eq(f->entries[0].name, "Zbytes"); /* sorted */
    ck_assert_str_eq(f->entries[2].name, "weight");
    ck_assert_uint_eq(((uintptr_t)f->entries[2].data - (uintptr_t)f->bytes) % 4, 0);
    ck_assert_str_eq(gm__st_meta(f, "gm.config"), "{\"a\":\"b\\n\"}\n\t\x01 \xc3\xa9");
    OK(gm_tensor_new(ctx, GM_F32, SHAPE(2, 3), &got));
    OK(gm__st_load(f, gm__st_find(f, "weight"), got));
    ck_assert_mem_eq(got->data, t[0]->data, 24);
    gm_tensor_free(got);
    gm__st_close(f);
    gm__stw_free(w);

    /* the order in which things are added leaves no trace */
    gm__stw *v;
    uint8_t *again;
    size_t m;
    OK(gm__stw_new(ctx, &v));
    OK(gm__stw_tensor(v, "step", t[2], true));
    OK(gm__stw_tensor(v, "weight", t[0], true));
    OK(gm__stw_meta(v, "gm.config", "{\"a\":\"b\\n\"}\n\t\x01 \xc3\xa9"));
    OK(gm__stw_meta(v, "format", "pt"));
    OK(gm__stw_tensor(v, "Zbytes", t[1], true));
    OK(gm__stw_meta(v, "gm.version", "1"));
    FAILS(GM_EARG, "twice", gm__stw_meta(v, "format", "x"));
    FAILS(GM_EARG, "twice", gm__stw_tensor(v, "step", t[2], true));
    FAILS(GM_EARG, "added by the writer", gm__stw_meta(v, "gm.checksum", "x"));
    FAILS(GM_EARG, "__metadata__", gm__stw_tensor(v, "__metadata__", t[2], true));
    FAILS(GM_EARG, "control", gm__stw_tensor(v, "a\nb", t[2], true));
    FAILS(GM_EARG, "1 to 512", gm__stw_tensor(v, "", t[2], true));
    OK(gm__stw_bytes(v, &again, &m));
    ck_assert_uint_eq(m, n);
    ck_assert_mem_eq(again, bytes, n);
    gm__free(ctx, again);
    gm__stw_free(v);
    gm__free(ctx, bytes);
    free3(t);
}
END_TEST

START_TEST(not_finite_is_not_saved)
{
    float x[3] = { 1, NAN, 2 };
    gm_tensor *t = tensor(GM_F32, SHAPE(3), x);
    gm__stw *w;
    uint8_t *bytes;
    size_t n;
    OK(gm__stw_new(ctx, &w));
    OK(gm__stw_tensor(w, "bad.one", t, true));
    put_file("m", "old", 3);
    FAILS(GM_ENONFINITE, "bad.one", gm__stw_commit(w, at("m")));
    ck_assert_int_eq(count_files(), 1);
    uint8_t old[8];
    ck_assert_uint_eq(get_file("m", old, 8), 3);
    gm__stw_free(w);
    OK(gm__stw_new(ctx, &w));
    OK(gm__stw_tensor(w, "bad.one", t, false)); /* where asked for, it is */
    OK(gm__stw_bytes(w, &bytes, &n));
    gm__free(ctx, bytes);
    gm__stw_free(w);
    gm_tensor_free(t);
}
END_TEST

START_TEST(damage_is_seen)
{
    gm__stw *w;
    gm__st *f;
    gm_tensor *t[3];
    uint8_t *bytes;
    size_t n;
    small_model(&w, t);
    OK(gm__stw_bytes(w, &bytes, &n));
    OK(parse_bytes(bytes, n, &f));
    gm__st_close(f);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int s = parse_bytes(bytes, n, &f);
        ck_assert_msg(s != GM_OK && !f, "bit %zu flipped and not seen", bit);
        ck_assert_msg(s == GM_EFORMAT || s == GM_ELIMIT || s == GM_EDTYPE, "bit %zu: status %d", bit, s);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t k = 0; k < n; k++) FAILS(GM_EFORMAT, "f: ", parse_bytes(bytes, k, &f));
    gm__free(ctx, bytes);
    gm__stw_free(w);
    free3(t);
}
END_TEST

/* A file of this header and so many bytes of data, header length as it is. */
static gm_status with_header(const char *json, size_t json_n, size_t data)
{
    uint8_t *b = calloc(1, 8 + json_n + data);
    gm__st *f = NULL;
    for (int i = 0; i < 8; i++) b[i] = (uint8_t)((uint64_t)json_n >> 8 * i);
    memcpy(b + 8, json, json_n);
    int s = parse_bytes(b, 8 + json_n + data, &f);
    gm__st_close(f);
    free(b);
    return s;
}

#define W(dtype, shape, offsets) "{\"w\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWO(a, b) "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" a "},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" b "}}"
#define META(m) "{\"__metadata__\":" m "}"
static const struct { const char *json; size_t data; int code; const char *text; } headers[] = {
    /* fine ones, so that a reader that refuses all is caught */
    { "{}", 0, GM_OK, "" },
    { "{ }   \n", 0, GM_OK, "" },
    { W("F32", "[2,2]", "[0,16]"), 16, GM_OK, "" },
    { W("F32", "[]", "[0,4]"), 4, GM_OK, "" },
    { W("F32", "[0,7]", "[0,0]"), 0, GM_OK, "" },
    { W("BOOL", "[1,1,1,1,1,1,1,3]", "[0,3]"), 3, GM_OK, "" },
    { " \t{}" + 2, 0, GM_OK, "" },
    { TWO("[0,4]", "[4,8]"), 8, GM_OK, "" },
    { TWO("[4,8]", "[0,4]"), 8, GM_OK, "" },
    { META("{}"), 0, GM_OK, "" },
    { META("{\"a\":\"\\u00e9\\ud83d\\ude00\\/\\b\\f\"}"), 0, GM_OK, "" },
    { "{\"w\":{\"shape\":[1],\"data_offsets\":[0,1],\"dtype\":\"U8\"}}", 1, GM_OK, "" },
    /* no JSON of the form */
    { "", 0, GM_EFORMAT, "'{'" },
    { " {}", 0, GM_EFORMAT, "'{'" },
    { "[]", 0, GM_EFORMAT, "'{'" },
    { "{", 0, GM_EFORMAT, "name" },
    { "{}}", 0, GM_EFORMAT, "blanks" },
    { "{} x", 0, GM_EFORMAT, "blanks" },
    { "{\"w\"}", 0, GM_EFORMAT, "':'" },
    { "{\"w\":}", 0, GM_EFORMAT, "'{'" },
    { "{\"w\":1}", 0, GM_EFORMAT, "'{'" },
    { "{\"w\":null}", 0, GM_EFORMAT, "'{'" },
    { "{\"w\":{}}", 0, GM_EFORMAT, "name" },
    { "{w:{}}", 0, GM_EFORMAT, "name" },
    { "{\"w\":{\"dtype\":\"F32\"}}", 0, GM_EFORMAT, "needs" },
    { "{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, GM_EFORMAT, "needs" },
    { "{\"w\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, GM_EFORMAT, "needs" },
    { "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1, GM_EFORMAT, "unknown" },
    { "{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, GM_EFORMAT, "twice" },
    { "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},}", 1, GM_EFORMAT, "name" },
    { "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}", 1, GM_EFORMAT, "'}'" },
    { "{\"w\":{\"dtype\":\"U8\" \"shape\":[1],\"data_offsets\":[0,1]}}", 1, GM_EFORMAT, "'}'" },
    { "{\"w\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, GM_EFORMAT, "type" },
    { "{\"w", 0, GM_EFORMAT, "end of a string" },
    { "{\"w\\", 0, GM_EFORMAT, "escape" },
    { "{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, GM_EFORMAT, "empty" },
    /* text */
    { "{\"a\nb\":{}}", 0, GM_EFORMAT, "UTF-8" },
    { "{\"a\\nb\":{}}", 0, GM_EFORMAT, "control" },
    { "{\"a\x7f\":{}}", 0, GM_EFORMAT, "control" },
    { "{\"a\\u0000b\":{}}", 0, GM_EFORMAT, "escape" },
    { "{\"\\x41\":{}}", 0, GM_EFORMAT, "escape" },
    { "{\"\\ud800\":{}}", 0, GM_EFORMAT, "escape" },
    { "{\"\\ud800\\u0041\":{}}", 0, GM_EFORMAT, "escape" },
    { "{\"\\udc00\":{}}", 0, GM_EFORMAT, "escape" },
    { "{\"\\u12g4\":{}}", 0, GM_EFORMAT, "escape" },
    { "{\"\xff\":{}}", 0, GM_EFORMAT, "UTF-8" },
    { "{\"\xc0\x80\":{}}", 0, GM_EFORMAT, "UTF-8" },
    { "{\"\xe0\x80\x80\":{}}", 0, GM_EFORMAT, "UTF-8" },
    { "{\"\xed\xa0\x80\":{}}", 0, GM_EFORMAT, "UTF-8" },
    { "{\"\xf5\x80\x80\x80\":{}}", 0, GM_EFORMAT, "UTF-8" },
    { "{\"\xc3", 0, GM_EFORMAT, "UTF-8" },
    /* types */
    { W("F16", "[1]", "[0,2]"), 2, GM_EDTYPE, "'w'" },
    { W("I8", "[1]", "[0,1]"), 1, GM_EDTYPE, "I8" },
    { W("I16", "[1]", "[0,2]"), 2, GM_EDTYPE, "I16" },
    { W("U64", "[1]", "[0,8]"), 8, GM_EDTYPE, "U64" },
    { W("F8_E4M3", "[1]", "[0,1]"), 1, GM_EDTYPE, "F8" },
    { W("f32", "[1]", "[0,4]"), 4, GM_EFORMAT, "f32" },
    { W("", "[1]", "[0,4]"), 4, GM_EFORMAT, "type" },
    { W("F32F32F32F32F32F32F32F32F32", "[1]", "[0,4]"), 4, GM_EFORMAT, "type" },
    /* shapes */
    { W("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, GM_EFORMAT, "8 dimensions" },
    { W("F32", "[-1]", "[0,4]"), 4, GM_EFORMAT, "whole number" },
    { W("F32", "[1.0]", "[0,4]"), 4, GM_EFORMAT, "',' or ']'" },
    { W("F32", "[1e0]", "[0,4]"), 4, GM_EFORMAT, "',' or ']'" },
    { W("F32", "[01]", "[0,4]"), 4, GM_EFORMAT, "whole number" },
    { W("F32", "[+1]", "[0,4]"), 4, GM_EFORMAT, "whole number" },
    { W("F32", "[\"1\"]", "[0,4]"), 4, GM_EFORMAT, "whole number" },
    { W("F32", "[1,]", "[0,4]"), 4, GM_EFORMAT, "whole number" },
    { W("F32", "[[1]]", "[0,4]"), 4, GM_EFORMAT, "whole number" },
    { W("F32", "[1", "[0,4]"), 4, GM_EFORMAT, "" },
    { W("F32", "1", "[0,4]"), 4, GM_EFORMAT, "'['" },
    { W("F32", "[4294967296,4294967296]", "[0,0]"), 0, GM_EFORMAT, "too large" },
    { W("F32", "[0,4294967296,4294967296]", "[0,0]"), 0, GM_EFORMAT, "too large" },
    { W("F32", "[4611686018427387904]", "[0,0]"), 0, GM_EFORMAT, "too large" },
    { W("U8", "[18446744073709551615]", "[0,0]"), 0, GM_EFORMAT, "too large" },
    { W("U8", "[18446744073709551616]", "[0,0]"), 0, GM_EFORMAT, "below 2^64" },
    /* places */
    { W("F32", "[2,2]", "[0,12]"), 12, GM_EFORMAT, "data_offsets [0,12) do not fit shape [2,2] of F32 (16 bytes)" },
    { W("F32", "[2,2]", "[0,16]"), 12, GM_EFORMAT, "past the end" },
    { W("F32", "[2,2]", "[0,16]"), 17, GM_EFORMAT, "belong to no tensor" },
    { W("F32", "[2,2]", "[4,20]"), 20, GM_EFORMAT, "starts at byte 4" },
    { W("U8", "[1]", "[1,0]"), 1, GM_EFORMAT, "do not fit" },
    { W("U8", "[1]", "[18446744073709551615,0]"), 1, GM_EFORMAT, "do not fit" },
    { W("U8", "[1]", "[18446744073709551614,18446744073709551615]"), 1, GM_EFORMAT, "past the end" },
    { W("U8", "[1]", "[0]"), 1, GM_EFORMAT, "two offsets" },
    { W("U8", "[1]", "[0,1,2]"), 1, GM_EFORMAT, "two offsets" },
    { W("U8", "[1]", "[]"), 1, GM_EFORMAT, "two offsets" },
    { "{}", 1, GM_EFORMAT, "belong to no tensor" },
    { TWO("[0,4]", "[0,4]"), 4, GM_EFORMAT, "starts at" },
    { TWO("[0,4]", "[3,7]"), 7, GM_EFORMAT, "starts at" },
    { TWO("[0,4]", "[5,9]"), 9, GM_EFORMAT, "starts at" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, GM_EFORMAT, "stands twice" },
    /* metadata */
    { META("[]"), 0, GM_EFORMAT, "'{'" },
    { META("{\"a\":1}"), 0, GM_EFORMAT, "text" },
    { META("{\"a\":null}"), 0, GM_EFORMAT, "text" },
    { META("{\"a\":{}}"), 0, GM_EFORMAT, "text" },
    { META("{\"a\":\"b\",\"a\":\"c\"}"), 0, GM_EFORMAT, "twice" },
    { META("{\"a\":\"b\",}"), 0, GM_EFORMAT, "name" },
    { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, GM_EFORMAT, "once" },
    { META("{\"gm.kind\":\"vae\"}"), 0, GM_EFORMAT, "damaged" },
    { META("{\"gm.checksum\":\"0000000000000000\"}"), 0, GM_EFORMAT, "damaged" },
    { META("{\"gm.checksum\":\"\"}"), 0, GM_EFORMAT, "damaged" },
    { META("{\"gm.kind\":\"vae\",\"gm\\u002echecksum\":\"00000000000000ff\"}"), 0, GM_EFORMAT, "damaged" },
};

START_TEST(hostile_headers)
{
    ck_assert_uint_ge(GM__COUNT(headers), 72);
    for (size_t i = 0; i < GM__COUNT(headers); i++) {
        int s = with_header(headers[i].json, strlen(headers[i].json), headers[i].data);
        const char *m = gm_ctx_message(ctx);
        ck_assert_msg(s == headers[i].code, "header %zu %s: %d %s", i, headers[i].json, s, m);
        ck_assert_msg(!s || (strstr(m, headers[i].text) && !strchr(m, '\n')), "header %zu %s: message %s", i, headers[i].json, m);
    }
    /* lengths */
    gm__st *f;
    FAILS(GM_EFORMAT, "too short", parse_bytes("abc", 3, &f));
    FAILS(GM_EFORMAT, "does not fit", parse_bytes("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, &f));
    FAILS(GM_EFORMAT, "does not fit", parse_bytes("\x03\0\0\0\0\0\0\0{}", 10, &f));
    size_t big = (16u << 20) + 1;
    char *blank = malloc(big);
    memset(blank, ' ', big);
    memcpy(blank, "{}", 2);
    FAILS(GM_ELIMIT, "16 MiB", with_header(blank, big, 0));
    ck_assert_int_eq(with_header(blank, big - 1, 0), GM_OK);
    /* a long name, nesting, and very many of everything */
    memset(blank, 'x', 600);
    memcpy(blank, "{\"", 2);
    FAILS(GM_EFORMAT, "end of a string", with_header(blank, 514, 0));
    memcpy(blank + 515, "\":{}}", 5);
    FAILS(GM_EFORMAT, "512 bytes", with_header(blank, 520, 0));
    memset(blank, '[', 1 << 20);
    FAILS(GM_EFORMAT, "'{'", with_header(blank, 1 << 20, 0));
    size_t n = (size_t)sprintf(blank, "{");
    for (int i = 0; i <= 65536; i++) n += (size_t)sprintf(blank + n, "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "", i);
    blank[n++] = '}';
    FAILS(GM_ELIMIT, "65536", with_header(blank, n, 0));
    n = (size_t)sprintf(blank, "{\"__metadata__\":{");
    for (int i = 0; i <= 1024; i++) n += (size_t)sprintf(blank + n, "%s\"%d\":\"\"", i ? "," : "", i);
    n += (size_t)sprintf(blank + n, "}}");
    FAILS(GM_ELIMIT, "1024", with_header(blank, n, 0));
    free(blank);
}
END_TEST

START_TEST(public_safetensors)
{
    const float x[6] = { 1, 2, 3, 4, 5, 6 };
    gm_tensor *t[2], **got;
    int64_t shape[2] = { 3, 2 }, stride[2] = { 1, 3 };
    t[0] = tensor(GM_F32, SHAPE(2, 3), x);
    OK(gm_tensor_wrap(ctx, GM_F32, 2, shape, stride, (void *)x, NULL, NULL, &t[1])); /* the transpose */
    const char *names[2] = { "b", "a" };
    char **found;
    int32_t n;
    OK(gm_safetensors_write(ctx, at("t"), 2, names, t));
    OK(gm_safetensors_read(ctx, at("t"), &n, &found, &got));
    ck_assert_int_eq(n, 2);
    ck_assert_str_eq(found[0], "a");
    ck_assert_mem_eq(got[1]->data, x, sizeof x);
    const float xt[6] = { 1, 4, 2, 5, 3, 6 };
    ck_assert_mem_eq(got[0]->data, xt, sizeof xt);
    gm_tensors_free(ctx, n, found, got);
    names[1] = "b";
    FAILS(GM_EARG, "twice", gm_safetensors_write(ctx, at("t"), 2, names, t));
    FAILS(GM_EIO, "none", gm_safetensors_read(ctx, at("none"), &n, &found, &got));
    FAILS(GM_EIO, folder, gm_safetensors_read(ctx, folder, &n, &found, &got));
    ck_assert_ptr_null(got);
    ck_assert_int_eq(gm_safetensors_read(NULL, "x", &n, &found, &got), GM_EARG);
    FAILS(GM_EARG, "NULL", gm_safetensors_read(ctx, NULL, &n, &found, &got));
    FAILS(GM_EARG, "name 0", gm_safetensors_write(ctx, at("t"), 1, (const char *const[]){ NULL }, t));
    gm_tensor_free(t[0]), gm_tensor_free(t[1]);
}
END_TEST

/* ---- failing disks and memory ---------------------------------------------------- */

static int io_calls, io_fail_at, io_how;
static int io_hook(int call)
{
    (void)call;
    return ++io_calls == io_fail_at ? io_how : 0;
}

START_TEST(failing_disk)
{
    gm__stw *w;
    gm_tensor *t[3];
    gm__st *f;
    uint8_t got[4096], *want;
    size_t n;
    const int how[] = { EIO, ENOSPC, EINTR, -1 };
    small_model(&w, t);
    OK(gm__stw_bytes(w, &want, &n));
    gm__file_test_hook = io_hook;
    for (int h = 0; h < 4; h++)
        for (io_fail_at = 1;; io_fail_at++) {
            put_file("m", "old", 3);
            io_calls = 0;
            io_how = how[h];
            int s = gm__stw_commit(w, at("m"));
            int calls = io_calls;
            size_t have = get_file("m", got, sizeof got);
            bool old = have == 3 && !memcmp(got, "old", 3), new = have == n && !memcmp(got, want, n);
            ck_assert_msg(new || (s && old), "neither the old file nor the new"); /* the folder is synced after the rename */
            ck_assert_int_eq(count_files(), 1);
            if (how[h] == EINTR || how[h] == -1) ck_assert_msg(!s || how[h] == EINTR, "a short write is no failure");
            if (calls < io_fail_at) break;
            if (how[h] == EIO && io_fail_at == 1) ck_assert_int_eq(s, GM_EIO);
        }
    ck_assert_int_gt(io_fail_at, 5);
    put_file("m", want, n);
    for (io_fail_at = 1, io_how = EIO;; io_fail_at++) {
        io_calls = 0;
        int s = gm__st_open(ctx, at("m"), &f);
        gm__st_close(f);
        if (io_calls < io_fail_at) break;
        if (s) ck_assert_int_eq(s, GM_EIO);
    }
    gm__file_test_hook = NULL;
    gm__free(ctx, want);
    gm__stw_free(w);
    free3(t);
}
END_TEST

static gm_status everything(gm_ctx *c)
{
    gm_tensor *t = NULL, *p = NULL, **ts = NULL;
    gm_status s;
    char **names = NULL;
    int32_t n = 0;
    const char *name = "w";
    s = gm_npy_read(c, at("a.npy.gz"), &t);
    if (!s) s = gm_safetensors_write(c, at("s"), 1, &name, &t);
    if (!s) s = gm_safetensors_read(c, at("s"), &n, &names, &ts);
    if (!s) s = gm_npy_write(ts[0], at("b.npy"));
    if (!s) s = gm_npy_read(c, at("f.npy"), &p);
    if (!s) s = gm_png_write(ts[0], 0, at("p.png"));
    gm_tensor_free(t), gm_tensor_free(p);
    gm_tensors_free(c, n, names, ts);
    return s;
}

START_TEST(failing_memory)
{
    const char fortran[] = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
    uint8_t b[512] = "\x93NUMPY\x01\x00";
    b[8] = sizeof fortran - 1;
    memcpy(b + 10, fortran, sizeof fortran - 1);
    put_file("f.npy", b, 10 + sizeof fortran - 1 + 24);
    float x[50] = { 0.5f };
    gm_tensor *t = tensor(GM_F32, SHAPE(2, 5, 5), x);
    OK(gm_npy_write(t, at("a.npy")));
    gm_tensor_free(t);
    uint8_t npy[1024];
    size_t n = get_file("a.npy", npy, sizeof npy);
    put_gzip("a.npy.gz", npy, n);
    for (int forever = 0; forever < 2; forever++)
        for (long k = 1;; k++) {
            gm_ctx *c = new_ctx(1);
            host.calls = 0;
            host.forever = forever;
            host.fail_at = k;
            gm_status s = everything(c);
            bool over = host.calls < k;
            host.fail_at = 0;
            if (over) ck_assert_int_eq(s, GM_OK);
            else if (s) ck_assert_msg(s == GM_ENOMEM, "allocation %ld: %s", k, gm_ctx_message(c));
            else ck_assert_msg(!forever, "no memory and yet success");
            s = everything(c); /* the next call works */
            ck_assert_msg(s == GM_OK, "after allocation %ld: %s", k, gm_ctx_message(c));
            gm_ctx_free(c);
            if (over) break;
        }
}
END_TEST

/* ---- gzip --------------------------------------------------------------------------- */

START_TEST(gzip)
{
    uint8_t *data, z[8192], *text = malloc(100000);
    size_t n, zn;
    int unseen = 0;
    for (int i = 0; i < 100000; i++) text[i] = (uint8_t)(((unsigned)i * (unsigned)i) >> 7);
    put_gzip("a.gz", text, 100000);
    OK(gm__read_all(ctx, at("a.gz"), 100000, &data, &n));
    ck_assert_uint_eq(n, 100000);
    ck_assert_mem_eq(data, text, n);
    gm__free(ctx, data);
    FAILS(GM_ELIMIT, "99999", gm__read_all(ctx, at("a.gz"), 99999, &data, &n));

    put_gzip("b.gz", "hello ", 6);
    zn = get_file("b.gz", z, sizeof z);
    put_gzip("c.gz", "world", 5);
    size_t both = zn + get_file("c.gz", z + zn, sizeof z - zn);
    memset(z + both, 0, 20);
    put_file("d.gz", z, both + 20); /* two members and padding */
    OK(gm__read_all(ctx, at("d.gz"), 100, &data, &n));
    ck_assert_str_eq((char *)data, "hello world");
    gm__free(ctx, data);
    z[both] = 'x';
    put_file("d.gz", z, both + 20);
    FAILS(GM_EFORMAT, "after the end", gm__read_all(ctx, at("d.gz"), 100, &data, &n));
    for (size_t k = 2; k < zn; k++) {
        put_file("d.gz", z, k);
        FAILS(GM_EFORMAT, "gzip", gm__read_all(ctx, at("d.gz"), 100, &data, &n));
    }
    for (size_t bit = 16; bit < 8 * zn; bit++) { /* flips of time, name and the like change nothing; others are seen */
        z[bit / 8] ^= (uint8_t)(1 << bit % 8);
        put_file("d.gz", z, zn);
        int s = gm__read_all(ctx, at("d.gz"), 100, &data, &n);
        if (!s) ck_assert_str_eq((char *)data, "hello ");
        else ck_assert_int_eq(s, GM_EFORMAT);
        unseen += bit >= 80 && !s;
        gm__free(ctx, data);
        z[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_int_lt(unseen, 8); /* the bits that fill the last byte up */
    OK((put_file("e", "plain", 5), gm__read_all(ctx, at("e"), 5, &data, &n)));
    ck_assert_str_eq((char *)data, "plain");
    gm__free(ctx, data);
    OK((put_file("e", "", 0), gm__read_all(ctx, at("e"), 5, &data, &n)));
    ck_assert_uint_eq(n, 0);
    gm__free(ctx, data);
    free(text);
}
END_TEST

START_TEST(bombs)
{
    /* 100 MB of zeros in 100 kB: refused by what was declared or by the cap, with little memory */
    gzFile g = gzopen(at("bomb.gz"), "wb9");
    char *zeros = calloc(1, 1 << 20);
    gzwrite(g, "\0\0\x08\x01\x00\x00\x00\x04", 8); /* an IDX of four bytes, and then too many */
    for (int i = 0; i < 100; i++) gzwrite(g, zeros, 1 << 20);
    gzclose(g);
    free(zeros);
    uint8_t *data;
    size_t n;
    gm_dataset *d;
    char spec[200];
    snprintf(spec, sizeof spec, "idx:%s", at("bomb.gz"));
    FAILS(GM_EFORMAT, "after the end", gm_dataset_open(ctx, spec, &d));
    FAILS(GM_ELIMIT, "1000000", gm__read_all(ctx, at("bomb.gz"), 1000000, &data, &n));
    snprintf(spec, sizeof spec, "csv:%s", at("bomb.gz"));
    FAILS(GM_EFORMAT, "zero byte", gm_dataset_open(ctx, spec, &d));
    snprintf(spec, sizeof spec, "npy:%s", at("bomb.gz"));
    FAILS(GM_EFORMAT, "npy", gm_dataset_open(ctx, spec, &d));
    /* one that declares what deflate cannot hold, and one that declares more than there is */
    put_gzip("lie.gz", "\0\0\x08\x02\0\x10\0\0\0\x10\0\0", 12);
    snprintf(spec, sizeof spec, "idx:%s", at("lie.gz"));
    FAILS(GM_EFORMAT, "cannot hold", gm_dataset_open(ctx, spec, &d));
    char *half = malloc(1 << 20);
    for (int i = 0; i < 1 << 20; i++) half[i] = (char)(rand() >> 7);
    memcpy(half, "\0\0\x08\x01\x3f\xff\xff\xff", 8); /* 1 GiB declared, deflate might */
    put_gzip("lie2.gz", half, 1 << 20);
    free(half);
    snprintf(spec, sizeof spec, "idx:%s", at("lie2.gz"));
    FAILS(GM_EFORMAT, "lie2.gz", gm_dataset_open(ctx, spec, &d));
    gm_memory m = { .struct_size = sizeof m };
    gm_ctx_memory(ctx, &m);
    ck_assert_uint_lt(m.peak_bytes, 16u << 20);
}
END_TEST

/* ---- npy ------------------------------------------------------------------------------ */

static size_t npy(uint8_t *b, int version, const char *dict, size_t data)
{
    size_t n = strlen(dict), head = version == 1 ? 10 : 12;
    memcpy(b, "\x93NUMPY", 6);
    b[6] = (uint8_t)version, b[7] = 0;
    b[8] = (uint8_t)n, b[9] = (uint8_t)(n >> 8);
    if (version != 1) b[10] = b[11] = 0;
    memcpy(b + head, dict, n);
    for (size_t i = 0; i < data; i++) b[head + n + i] = (uint8_t)(i + 1);
    return head + n + data;
}

START_TEST(npy_round_trip)
{
    const int dtypes[] = { GM_F32, GM_F64, GM_I32, GM_I64, GM_U8 };
    for (int k = 0; k < 5; k++)
        for (int ndim = 0; ndim <= 3; ndim++) {
            const int64_t shape[3] = { 2, 3, 4 };
            gm_tensor *t, *u;
            OK(gm_tensor_new(ctx, dtypes[k], ndim, shape, &t));
            for (size_t i = 0; i < (size_t)t->size * gm__esize(t->dtype); i++) ((uint8_t *)t->data)[i] = (uint8_t)(i * 7);
            OK(gm_npy_write(t, at("a.npy")));
            OK(gm_npy_read(ctx, at("a.npy"), &u));
            ck_assert(gm__shape_equal(t, u) && t->dtype == u->dtype);
            ck_assert_mem_eq(t->data, u->data, (size_t)t->size * gm__esize(t->dtype));
            uint8_t b[512];
            size_t n = get_file("a.npy", b, sizeof b);
            ck_assert_uint_eq((10 + b[8] + 256u * b[9]) % 64, 0);
            ck_assert_uint_eq(n - 10 - b[8], (size_t)t->size * gm__esize(t->dtype));
            for (size_t cut = 0; cut < n; cut++) {
                gm_tensor *v;
                put_file("cut.npy", b, cut);
                FAILS(GM_EFORMAT, "cut.npy", gm_npy_read(ctx, at("cut.npy"), &v));
                ck_assert_ptr_null(v);
            }
            put_gzip("a.npy.gz", b, n);
            gm_tensor_free(u);
            OK(gm_npy_read(ctx, at("a.npy.gz"), &u));
            ck_assert_mem_eq(t->data, u->data, (size_t)t->size * gm__esize(t->dtype));
            gm_tensor_free(t), gm_tensor_free(u);
        }
    gm_tensor *h;
    OK(gm_tensor_new(ctx, GM_BF16, SHAPE(2), &h));
    FAILS(GM_EDTYPE, "bf16", gm_npy_write(h, at("h.npy")));
    ck_assert_int_eq(gm_npy_write(NULL, "x"), GM_EARG);
    gm_tensor_free(h);
}
END_TEST

START_TEST(npy_order)
{
    uint8_t b[512];
    gm_tensor *t;
    put_file("f.npy", b, npy(b, 2, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", 6));
    OK(gm_npy_read(ctx, at("f.npy"), &t));
    ck_assert_mem_eq(t->data, "\1\3\5\2\4\6", 6);
    gm_tensor_free(t);
    put_file("f.npy", b, npy(b, 3, "{'shape':(4,),'fortran_order':False,'descr':'|b1'}\n", 4));
    OK(gm_npy_read(ctx, at("f.npy"), &t));
    ck_assert_mem_eq(t->data, "\1\1\1\1", 4);
    gm_tensor_free(t);
    int64_t shape[2] = { 3, 2 }, stride[2] = { 1, 3 };
    gm_tensor *v;
    OK(gm_tensor_wrap(ctx, GM_U8, 2, shape, stride, "abcdef", NULL, NULL, &v));
    OK(gm_npy_write(v, at("v.npy"))); /* a view is written in its own order */
    OK(gm_npy_read(ctx, at("v.npy"), &t));
    ck_assert_mem_eq(t->data, "adbecf", 6);
    gm_tensor_free(t), gm_tensor_free(v);
}
END_TEST

START_TEST(npy_hostile)
{
#define D(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"
    static const struct { const char *dict; size_t data; int code; const char *text; } cases[] = {
        { D("'<f4'", "False", "(1,)"), 4, GM_OK, "" },
        { D("'<f4'", "False", "()"), 4, GM_OK, "" },
        { D("'<f4'", "False", "(0, 5)"), 0, GM_OK, "" },
        { D("'<f4'", "False", "(1,)"), 5, GM_EFORMAT, "after the end" },
        { D("'<f4'", "False", "(1,)"), 3, GM_EFORMAT, "needs 4 bytes" },
        { D("'>f4'", "False", "(1,)"), 4, GM_EDTYPE, "'>f4'" },
        { D("'<f2'", "False", "(1,)"), 2, GM_EDTYPE, "'<f2'" },
        { D("'|O'", "False", "(1,)"), 8, GM_EDTYPE, "'|O'" },
        { D("[('a', '<f4')]", "False", "(1,)"), 4, GM_EDTYPE, "[('a'" },
        { D("'<f4", "False", "(1,)"), 4, GM_EDTYPE, "'<f4" },
        { D("'<f4'", "No", "(1,)"), 4, GM_EFORMAT, "True or False" },
        { D("'<f4'", "false", "(1,)"), 4, GM_EFORMAT, "True or False" },
        { D("'<f4'", "False", "(1)"), 4, GM_EFORMAT, "','" },
        { D("'<f4'", "False", "[1]"), 4, GM_EFORMAT, "'('" },
        { D("'<f4'", "False", "(-1,)"), 4, GM_EFORMAT, "a size" },
        { D("'<f4'", "False", "(1.0,)"), 4, GM_EFORMAT, "','" },
        { D("'<f4'", "False", "(1,,)"), 4, GM_EFORMAT, "a size" },
        { D("'<f4'", "False", "(1 1)"), 4, GM_EFORMAT, "','" },
        { D("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), 4, GM_EFORMAT, "8 dimensions" },
        { D("'<f4'", "False", "(4611686018427387904,)"), 0, GM_EFORMAT, "too large" },
        { D("'<f4'", "False", "(0, 4611686018427387904)"), 0, GM_EFORMAT, "too large" },
        { D("'<f4'", "False", "(99999999999999999999,)"), 0, GM_EFORMAT, "a size" },
        { D("'<f4'", "False", "(1099511627776,)"), 0, GM_EFORMAT, "needs" },
        { "{'descr': '<f4', 'fortran_order': False, }", 0, GM_EFORMAT, "'shape'" },
        { "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, GM_EFORMAT, "one each" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", 4, GM_EFORMAT, "one each" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", 0, GM_EFORMAT, "'}'" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,", 0, GM_EFORMAT, "a size" },
        { "{'descr' '<f4'}", 0, GM_EFORMAT, "':'" },
        { "{'descr': '<f4' 'shape': (1,)}", 0, GM_EFORMAT, "',' or '}'" },
        { "{'descr': ", 0, GM_EDTYPE, "type" },
        { "{", 0, GM_EFORMAT, "one each" },
        { "", 0, GM_EFORMAT, "'{'" },
        { "import os", 0, GM_EFORMAT, "'{'" },
        { D("'<f4'", "False", "(1,)") "x", 3, GM_EFORMAT, "blanks" },
    };
    uint8_t b[1024];
    gm_tensor *t;
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        put_file("h.npy", b, npy(b, 1, cases[i].dict, cases[i].data));
        int s = gm_npy_read(ctx, at("h.npy"), &t);
        ck_assert_msg(s == cases[i].code, "npy %zu %s: %d %s", i, cases[i].dict, s, gm_ctx_message(ctx));
        ck_assert_msg(!s || strstr(gm_ctx_message(ctx), cases[i].text), "npy %zu %s: %s", i, cases[i].dict, gm_ctx_message(ctx));
        gm_tensor_free(t);
    }
    const char *fine = D("'<f4'", "False", "(1,)");
    for (int k = 0; k < 8; k++) { /* magic and version */
        size_t n = npy(b, 1, fine, 4);
        b[k] ^= 0x10;
        put_file("h.npy", b, n);
        ck_assert_int_eq(gm_npy_read(ctx, at("h.npy"), &t), GM_EFORMAT);
    }
    size_t n = npy(b, 2, fine, 4);
    b[11] = 0xff; /* a header of 4 GB */
    put_file("h.npy", b, n);
    FAILS(GM_EFORMAT, "header", gm_npy_read(ctx, at("h.npy"), &t));
    n = npy(b, 1, fine, 4);
    memset(b + 10, '{', 200);
    FAILS(GM_EFORMAT, "one each", (put_file("h.npy", b, n), gm_npy_read(ctx, at("h.npy"), &t)));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { crc64, python_file, own_file, not_finite_is_not_saved, damage_is_seen, hostile_headers, public_safetensors,
                                   failing_disk, failing_memory, gzip, bombs, npy_round_trip, npy_order, npy_hostile, NULL };
    return run_suite("io", tests);
}
