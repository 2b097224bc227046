/* Tables of bad files, sixty and more of a kind: each is refused with the right code and one line. */
#include "data_test.h"
#include <gm/gm.h>

static long rows; /* tried of the present kind */

/* The status of a data set of a file, which must be none or whole. */
static gm_status opened(const char *kind, const char *name, const char *rest)
{
    char spec[300];
    gm_dataset *d = NULL;
    gm_batches *b = NULL;
    gm_tensor *x;
    snprintf(spec, sizeof spec, "%s:%s%s", kind, at(name), rest);
    gm_status s = gm_dataset_open(ctx, spec, &d);
    ck_assert_int_eq(!s, d != NULL);
    if (s) ck_assert_msg(*gm_ctx_message(ctx) && !strchr(gm_ctx_message(ctx), '\n'), "%s", gm_ctx_message(ctx));
    if (!s) OK(gm_batches_new(d, "batch=2", &b));
    if (!s) OK(gm_batches_next(b, &x));
    gm_batches_free(b);
    gm_dataset_free(d);
    rows++;
    return s;
}

/* A file with some bytes at a place replaced. */
static void put_changed(const char *name, const uint8_t *base, size_t n, size_t where, const void *p, size_t size)
{
    uint8_t b[512];
    ck_assert(n <= sizeof b && where + size <= n);
    memcpy(b, base, n);
    memcpy(b + where, p, size);
    put_file(name, b, n);
}

static const uint8_t words[][4] = {{0, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, 0, 9}, {0, 0, 1, 0}, {0, 1, 0, 0}, {0x0f, 0xff, 0xff, 0xff}, {0x40, 0, 0, 0}, {0x7f, 0xff, 0xff, 0xff},
    {0x80, 0, 0, 0}, {0x80, 0, 0, 1}, {0xff, 0xff, 0xff, 0xfe}, {0xff, 0xff, 0xff, 0xff}};

/* ---- idx: magic, type, number of axes, every axis ------------------------------------------------------ */

START_TEST(idx)
{
    uint8_t base[16 + 24] = "\0\0\x08\3\0\0\0\4\0\0\0\2\0\0\0\3";
    for (int i = 16; i < 40; i++) base[i] = (uint8_t)i;
    put_file("f", base, sizeof base);
    ck_assert_int_eq(opened("idx", "f", ""), GM_OK);
    rows = 0;
    for (int where = 0; where < 2; where++)
        for (int v = 1; v < 256; v += 50) {
            put_changed("f", base, sizeof base, (size_t)where, &(uint8_t){(uint8_t)v}, 1);
            FAILS(GM_EFORMAT, "f", opened("idx", "f", ""));
        }
    for (int v = 0; v < 256; v += v < 20 ? 1 : 47) { /* types: 8 u8, 9 i8, 11 .. 14 wider */
        if (v == 8 || v == 9) continue;
        put_changed("f", base, sizeof base, 2, &(uint8_t){(uint8_t)v}, 1);
        FAILS(GM_EFORMAT, "f", opened("idx", "f", ""));
    }
    for (int v = 0; v < 256; v += v < 10 ? 1 : 61) {
        if (v == 3) continue;
        put_changed("f", base, sizeof base, 3, &(uint8_t){(uint8_t)v}, 1);
        FAILS(GM_EFORMAT, "f", opened("idx", "f", ""));
    }
    for (size_t axis = 0; axis < 3; axis++)
        for (size_t k = 0; k < GM__COUNT(words); k++) {
            put_changed("f", base, sizeof base, 4 + 4 * axis, words[k], 4);
            FAILS(GM_EFORMAT, "f", opened("idx", "f", ""));
        }
    for (size_t n = 0; n < sizeof base; n++) {
        put_file("f", base, n);
        FAILS(GM_EFORMAT, "f", opened("idx", "f", ""));
    }
    ck_assert_int_ge(rows, 60);
}
END_TEST

/* ---- png: signature, header, chunks ------------------------------------------------------------------------ */

static void put_u32(uint8_t *p, uint32_t v) { p[0] = (uint8_t)(v >> 24), p[1] = (uint8_t)(v >> 16), p[2] = (uint8_t)(v >> 8), p[3] = (uint8_t)v; }

/* With the checksum of the header made right again, so that its contents are judged. */
static void put_png(const uint8_t *base, size_t n, size_t where, const void *p, size_t size)
{
    uint8_t b[512];
    memcpy(b, base, n);
    memcpy(b + where, p, size);
    put_u32(b + 29, (uint32_t)crc32(crc32(0, NULL, 0), b + 12, 17));
    put_file("p.png", b, n);
}

START_TEST(png)
{
    uint8_t base[512];
    gm_tensor *t;
    OK(gm_tensor_new(ctx, GM_F32, 3, (int64_t[]){1, 3, 4}, &t));
    OK(gm_png_write(t, 1, at("p.png")));
    gm_tensor_free(t);
    const size_t n = get_file("p.png", base, sizeof base);
    rows = 0;
    for (size_t where = 0; where < 8; where++)
        for (int v = 1; v < 256; v *= 7) {
            put_changed("p.png", base, n, where, &(uint8_t){(uint8_t)(base[where] ^ v)}, 1);
            FAILS(GM_EFORMAT, "p.png", opened("png", "", ""));
        }
    for (size_t where = 8; where < 16; where += 4)
        for (size_t k = 0; k < GM__COUNT(words); k++) { /* length and name of the first chunk */
            put_changed("p.png", base, n, where, words[k], 4);
            FAILS(GM_EFORMAT, "p.png", opened("png", "", ""));
        }
    for (size_t where = 16; where < 24; where += 4)
        for (size_t k = 0; k < GM__COUNT(words); k++) { /* width, height */
            put_png(base, n, where, words[k], 4);
            const gm_status s = opened("png", "", "");
            if (k == 1) ck_assert_int_eq(s, GM_OK); /* less than there is */
            else ck_assert_msg(s == GM_EFORMAT || s == GM_ELIMIT, "size %zu: %d %s", k, s, gm_ctx_message(ctx));
        }
    for (int v = 0; v < 256; v += v < 17 ? 1 : 31) /* bits: a grey picture of 8 may be called one of 1, 2, 4 */
        for (size_t where = 24; where < 29; where++) {
            if (base[where] == v) continue;
            put_png(base, n, where, &(uint8_t){(uint8_t)v}, 1);
            const gm_status s = opened("png", "", "");
            ck_assert_msg(s == GM_EFORMAT || s == GM_ELIMIT || (where == 24 && s == GM_OK), "byte %zu is %d: %d %s", where, v, s, gm_ctx_message(ctx));
        }
    for (size_t cut = 0; cut < n - 12; cut++) { /* the end chunk is not needed for the pixels */
        put_file("p.png", base, cut);
        FAILS(GM_EFORMAT, "p.png", opened("png", "", ""));
    }
    ck_assert_int_ge(rows, 60);
}
END_TEST

/* ---- gzip: every field of the header, the lengths, the end ------------------------------------------------------ */

START_TEST(gzip)
{
    uint8_t base[256], b[512];
    put_gzip("g", "1,2\n3,4\n5,6\n7,8\n", 16);
    const size_t n = get_file("g", base, sizeof base);
    ck_assert_int_eq(opened("csv", "g", ""), GM_OK);
    rows = 0;
    for (int v = 0; v < 256; v += v < 10 ? 1 : 41) { /* method, flags that are reserved */
        if (v != 8) {
            put_changed("g", base, n, 2, &(uint8_t){(uint8_t)v}, 1);
            ck_assert_msg(opened("csv", "g", "") == GM_EFORMAT, "method %d: %s", v, gm_ctx_message(ctx));
        }
        put_changed("g", base, n, 3, &(uint8_t){(uint8_t)(v | 0xe0)}, 1);
        ck_assert_msg(opened("csv", "g", "") == GM_EFORMAT, "flags %d: %s", v | 0xe0, gm_ctx_message(ctx));
    }
    for (size_t flag = 2; flag < 32; flag *= 2) { /* header checksum, extra field, name, comment that are not there */
        put_changed("g", base, n, 3, &(uint8_t){(uint8_t)flag}, 1);
        ck_assert_msg(opened("csv", "g", "") == GM_EFORMAT, "flag %zu: %s", flag, gm_ctx_message(ctx));
    }
    for (size_t where = n - 8; where < n; where += 4) /* checksum and size */
        for (size_t k = 0; k < GM__COUNT(words); k++) {
            put_changed("g", base, n, where, words[k], 4);
            FAILS(GM_EFORMAT, "g", opened("csv", "g", ""));
        }
    for (size_t cut = 3; cut < n; cut++) {
        put_file("g", base, cut);
        FAILS(GM_EFORMAT, "g", opened("csv", "g", ""));
    }
    for (int v = 1; v < 256; v += 50) { /* what follows is no member */
        memcpy(b, base, n);
        b[n] = (uint8_t)v, b[n + 1] = 0x8b;
        put_file("g", b, n + 2);
        FAILS(GM_EFORMAT, "g", opened("csv", "g", ""));
    }
    ck_assert_int_ge(rows, 60);
}
END_TEST

/* ---- csv ------------------------------------------------------------------------------------------------------------ */

START_TEST(csv)
{
    static const struct { const char *text, *rest; gm_status code; } bad[] = {
        {"", "", GM_EFORMAT}, {"\n", "", GM_EFORMAT}, {"\n\n\n", "", GM_EFORMAT}, {"\r\n", "", GM_EFORMAT}, {"a,b\n", "", GM_EFORMAT}, {"a\n", "", GM_EFORMAT}, {"a,b\n\n", "", GM_EFORMAT}, {",\n", "", GM_EFORMAT},
        {"1,2\n3\n", "", GM_EFORMAT}, {"1\n2,3\n", "", GM_EFORMAT}, {"1,2\n3,4,5\n", "", GM_EFORMAT}, {"1,2\n3,\n", "", GM_EFORMAT}, {"1,2\n,4\n", "", GM_EFORMAT}, {"1,2\n3,x\n", "", GM_EFORMAT}, {"a,b\n1,2\nc,d\n", "", GM_EFORMAT},
        {"1,2\n3,4x\n", "", GM_EFORMAT}, {"1,2\n3,0x4\n", "", GM_EFORMAT}, {"1,2\n3,4e\n", "", GM_EFORMAT}, {"1,2\n3,4e+\n", "", GM_EFORMAT}, {"1,2\n3,--4\n", "", GM_EFORMAT}, {"1,2\n3,4 5\n", "", GM_EFORMAT}, {"1,2\n3,1e999\n", "", GM_EFORMAT},
        {"1,2\n3,inf\n", "", GM_EFORMAT}, {"1,2\n3,nan\n", "", GM_EFORMAT}, {"1,2\n3,NA\n", "", GM_EFORMAT}, {"1,2\n3,?\n", "", GM_EFORMAT}, {"1,2\n3,null\n", "", GM_EFORMAT}, {"1,2\n3,1;2\n", "", GM_EFORMAT}, {"1,2\n3,1,5\n", "", GM_EFORMAT},
        {"\"1,2\n3,4\n", "", GM_EFORMAT}, {"1,\"2\n3,4\n", "", GM_EFORMAT}, {"1,2\n3,\"4\"5\n", "", GM_EFORMAT}, {"1,2\n3,\"4\"\"\n", "", GM_EFORMAT}, {"1,2\n3,4\"\n", "", GM_EFORMAT}, {"1,2\n3,\"\"\n", "", GM_EFORMAT}, {"1;2\n3;4\n", "", GM_EFORMAT},
        {"1,2\n3,\xff\n", "", GM_EFORMAT}, {"1,2\n3,\xef\xbb\xbf" "4\n", "", GM_EFORMAT}, {"1,2\n3,4\n", ",label=0,label=1", GM_EARG}, {"1,2\n3,4\n", "[1:1]", GM_EARG}, {"1,2\n3,\n", ",label=1", GM_EFORMAT}, {"1,2\n3,4\n", "[0:2:0]", GM_EARG},
        {"1,2\n3,x\n", ",y=1", GM_EFORMAT}, {"1,2\n3,\n", ",y=1", GM_EFORMAT}, {"1,2\n3,\n", ",y=1,missing=mean", GM_EFORMAT}, {"1,\n2,\n", ",missing=drop", GM_EFORMAT}, {"?\n?\n", ",onehot=0,missing=nan", GM_EFORMAT}, {"a,b\n1,2\n", ",label=c", GM_ENOTFOUND},
        {"a,b\n1,2\n", ",y=c", GM_ENOTFOUND}, {"a,b\n1,2\n", ",onehot=c", GM_ENOTFOUND}, {"1,2\n", ",label=2", GM_ENOTFOUND}, {"1,2\n", ",label=-1", GM_ENOTFOUND}, {"a,b\n1,2\n", ",y=a+c", GM_ENOTFOUND}, {"a,b\n1,2\n", ",y=a+", GM_ENOTFOUND}, {"a,b\n1,2\n", ",y=+a", GM_ENOTFOUND},
        {"1,2\n", ",y=0+0", GM_EARG}, {"1,2\n", ",y=0,label=0", GM_EARG}, {"1,2\n", ",y=0,onehot=0", GM_EARG}, {"1,2\n", ",missing=skip", GM_EARG}, {"1,2\n", ",colour=red", GM_EARG}, {"1,2\n3,4\n", "[2:3]", GM_EFORMAT}, {"1,2\n3,4\n", "[0:3]", GM_EFORMAT}, {"1,2\n", ",label=0,y=1", GM_EFORMAT}};
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        put_file("t", bad[i].text, strlen(bad[i].text));
        const gm_status s = opened("csv", "t", bad[i].rest);
        ck_assert_msg(s == bad[i].code, "csv %zu '%s' %s: %d %s", i, bad[i].text, bad[i].rest, s, gm_ctx_message(ctx));
    }
    put_file("t", "1,2\n3,\0\n", 8);
    FAILS(GM_EFORMAT, "t", opened("csv", "t", ""));
    ck_assert_int_ge(rows, 60);
}
END_TEST

/* ---- arpa ------------------------------------------------------------------------------------------------------------- */

#define D "\\data\\\n"
#define G1 "\\1-grams:\n"
#define G2 "\\2-grams:\n"
#define END "\\end\\\n"

START_TEST(arpa)
{
    static const char fine[] = D "ngram 1=2\nngram 2=1\n" G1 "-1\ta\t-0.5\n-2\tb\n" G2 "-0.3\ta b\n" END;
    static const struct { const char *text; gm_status code; } bad[] = {
        {"", GM_EFORMAT}, {"\n", GM_EFORMAT}, {"data", GM_EFORMAT}, {"\\data", GM_EFORMAT}, {D, GM_EFORMAT}, {D D, GM_EFORMAT}, {D END, GM_EFORMAT}, {D G1, GM_EFORMAT}, {D G1 END, GM_EFORMAT}, {"\\Data\\\nngram 1=1\n" G1 "-1\ta\n" END, GM_EFORMAT},
        {D "ngram 1=1\n", GM_EFORMAT}, {D "ngram 1=1\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1, GM_EFORMAT}, {D "ngram 1=1\n" G1 END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1\ta\n", GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1\ta\n\\end", GM_EFORMAT},
        {D "ngram 0=1\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 2=1\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram -1=1\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram x=1\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram =1\n" G1 "-1\ta\n" END, GM_EFORMAT},
        {D "ngram 1\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=-1\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1.5\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1e3\n" G1 "-1\ta\n" END, GM_EFORMAT},
        {D "ngram 1=x\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=99999999999999999999\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=4611686018427387904\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=4294967296\n" G1 "-1\ta\n" END, GM_EFORMAT},
        {D "ngram 1=1\nngram 1=1\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\nngram 3=1\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=0\n" G1 END, GM_EFORMAT}, {D "ngram 1=2\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1\ta\n-1\tb\n" END, GM_EFORMAT},
        {D "ngram 1=1\n" G2 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\n\\0-grams:\n-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\n\\1-gram:\n-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1\ta\n" G2 END, GM_EFORMAT},
        {D "ngram 1=1\n" G1 "1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "0.1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "nan\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "inf\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1e999\ta\n" END, GM_EFORMAT},
        {D "ngram 1=1\n" G1 "a\t-1\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1x\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1\ta\tb\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1\ta\tnan\n" END, GM_EFORMAT},
        {D "ngram 1=1\n" G1 "-1\ta\t1e999\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1\ta\t-1\t-1\n" END, GM_EFORMAT}, {D "ngram 1=1\n" G1 "-1\ta b\n" END, GM_EFORMAT}, {D "ngram 1=2\n" G1 "-1\ta\n-1\ta\n" END, GM_EFORMAT},
        {D "ngram 1=1\nngram 2=1\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\nngram 2=1\n" G1 "-1\ta\n" G2 END, GM_EFORMAT}, {D "ngram 1=1\nngram 2=1\n" G1 "-1\ta\n" G2 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\nngram 2=1\n" G1 "-1\ta\n" G2 "-1\ta b\n" END, GM_EFORMAT},
        {D "ngram 1=1\nngram 2=1\n" G1 "-1\ta\n" G2 "-1\ta a a\n" END, GM_EFORMAT}, {D "ngram 1=1\nngram 2=2\n" G1 "-1\ta\n" G2 "-1\ta a\n-1\ta a\n" END, GM_EFORMAT}, {D "ngram 1=1\nngram 2=1\n" G1 "-1\ta\n" G2 "2\ta a\n" END, GM_EFORMAT},
        {D "ngram 1=1\nngram 2=1\n" G2 "-1\ta a\n" G1 "-1\ta\n" END, GM_EFORMAT}, {D "ngram 1=1\nngram 2=1\n" G1 "-1\ta\n" G1 "-1\ta\n" END, GM_EFORMAT}};
    gm_model *m = NULL;
    put_file("a", fine, sizeof fine - 1);
    OK(gm_ngram_read_arpa(ctx, at("a"), &m));
    gm_model_free(m);
    ck_assert_uint_ge(GM__COUNT(bad), 60);
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        put_file("a", bad[i].text, strlen(bad[i].text));
        const gm_status s = gm_ngram_read_arpa(ctx, at("a"), &m);
        ck_assert_msg(s == bad[i].code, "arpa %zu %s: %d %s", i, bad[i].text, s, gm_ctx_message(ctx));
        if (s) ck_assert_msg(!m && strstr(gm_ctx_message(ctx), "/a") && !strchr(gm_ctx_message(ctx), '\n'), "arpa %zu: %s", i, gm_ctx_message(ctx));
        gm_model_free(m);
    }
}
END_TEST

/* ---- tokenizers ---------------------------------------------------------------------------------------------------------- */

START_TEST(vocabularies)
{
    static const char *const vocab[] = {"", " ", "{", "}", "[]", "{}", "null", "0", "\"a\"", "[1]", "[\"a\"]", "{\"a\":0}", "{\"a\":1}", "{\"a\":-1}", "{\"a\":0.0}", "{\"a\":\"0\"}", "{\"a\":null}", "{\"a\":[0]}", "{\"a\":{}}", "{\"a\":true}",
        "{\"a\":1e0}", "{\"a\":00}", "{\"a\":+0}", "{\"a\":9223372036854775808}", "{\"a\":9223372036854775807}", "{\"a\":0,}", "{\"a\":0,\"a\":0}", "{\"a\":0,\"a\":1}", "{\"a\":0,\"b\":0}", "{\"a\":0,\"b\":2}", "{\"\":0}", "{\"\\u0000\":0}",
        "{\"\xff\":0}", "{\"\\ud800\":0}", "{\"a\":0}x", "{\"a\" 0}", "{a:0}", "{'a':0}", "[[[[[[[[[[]]]]]]]]]]", "{\"a\":0"};
    static const char *const merges[] = {"a", "ab", "a b c", " a b", "a  b", "a b ", "a\tb", "\na b", "q zz", "zz q", "! \x22", "a \xff", "\xff a", "#version: 0.2\na", "#version: 0.2\nab\n", "! !\n! !", "! !\n!! !!\n!! !!", "! !!", "\x01 \x02", "! !\r\n", "! ! !\n", "!!", " ", "! ", " !"};
    gm_tokenizer *tk = NULL, *got = NULL;
    OK(gm_tokenizer_train(ctx, "kind=bpe vocab=256", "a", 1, &tk));
    OK(gm_tokenizer_save_gpt2(tk, at("v"), at("m")));
    OK(gm_tokenizer_load_gpt2(ctx, at("v"), at("m"), &got));
    gm_tokenizer_free(got);
    ck_assert_uint_ge(GM__COUNT(vocab) + GM__COUNT(merges), 60);
    for (size_t i = 0; i < GM__COUNT(merges); i++) {
        put_file("m", merges[i], strlen(merges[i]));
        const gm_status s = gm_tokenizer_load_gpt2(ctx, at("v"), at("m"), &got);
        ck_assert_msg(s == GM_EFORMAT, "merges %zu '%s': %d %s", i, merges[i], s, gm_ctx_message(ctx));
        ck_assert(!got && !strchr(gm_ctx_message(ctx), '\n'));
    }
    put_file("m", "", 0);
    for (size_t i = 0; i < GM__COUNT(vocab); i++) {
        put_file("v", vocab[i], strlen(vocab[i]));
        const gm_status s = gm_tokenizer_load_gpt2(ctx, at("v"), at("m"), &got);
        ck_assert_msg(s == GM_EFORMAT || s == GM_ELIMIT, "vocab %zu %s: %d %s", i, vocab[i], s, gm_ctx_message(ctx));
        ck_assert(!got && !strchr(gm_ctx_message(ctx), '\n'));
    }
    gm_tokenizer_free(tk);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {idx, png, gzip, csv, arpa, vocabularies, NULL};
    return run_suite("hostile", tests);
}
