/* JSON in: what is read, what is refused, with which code and where. */
#include "base/json.h"
#include "base_test.h"
#include <string.h>

static gm_ctx *ctx;

static gm__json *root;

static gm_status parse(const char *text, size_t n)
{
    gm__free(ctx, root);
    gm_status s = gm__json_parse(ctx, GM_EFORMAT, "t", text, n, &root);
    ck_assert_msg(!s == (root != NULL), "%.*s: %d", (int)n, text, s);
    if (s) ck_assert_msg(!strchr(gm_ctx_message(ctx), '\n'), "%s", gm_ctx_message(ctx));
    return s;
}

#define BOTH(text, code) { text, sizeof text - 1, code }
static const struct { const char *text; size_t n; gm_status code; } texts[] = {
    BOTH("{}", GM_OK), BOTH("[]", GM_OK), BOTH(" \t\r\n[ ] ", GM_OK), BOTH("[0]", GM_OK), BOTH("[-0]", GM_OK), BOTH("[-1.5e+10,2E-3,0.0]", GM_OK),
    BOTH("[true,false,null]", GM_OK), BOTH("{\"a\":{\"b\":[1,2]}}", GM_OK), BOTH("[\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", GM_OK), BOTH("[\"\xc3\xa9\x7f\"]", GM_OK),
    BOTH("[[[[[[[[]]]]]]]]", GM_OK),
    BOTH("", GM_EFORMAT), BOTH(" ", GM_EFORMAT), BOTH("1", GM_EFORMAT), BOTH("\"a\"", GM_EFORMAT), BOTH("null", GM_EFORMAT), BOTH("{", GM_EFORMAT), BOTH("[", GM_EFORMAT), BOTH("}", GM_EFORMAT),
    BOTH("[}", GM_EFORMAT), BOTH("{]", GM_EFORMAT), BOTH("[1", GM_EFORMAT), BOTH("[1,", GM_EFORMAT), BOTH("[1,]", GM_EFORMAT), BOTH("[,1]", GM_EFORMAT), BOTH("[1 2]", GM_EFORMAT), BOTH("[1]x", GM_EFORMAT),
    BOTH("[1][", GM_EFORMAT), BOTH("{\"a\"}", GM_EFORMAT), BOTH("{\"a\":}", GM_EFORMAT), BOTH("{\"a\":1,}", GM_EFORMAT), BOTH("{a:1}", GM_EFORMAT), BOTH("{1:1}", GM_EFORMAT), BOTH("{\"a\" 1}", GM_EFORMAT),
    BOTH("{'a':1}", GM_EFORMAT), BOTH("{\"a\":1 \"b\":2}", GM_EFORMAT), BOTH("{\"a\":1,\"a\":2}", GM_EFORMAT), BOTH("[01]", GM_EFORMAT), BOTH("[+1]", GM_EFORMAT), BOTH("[-]", GM_EFORMAT), BOTH("[1.]", GM_EFORMAT),
    BOTH("[.5]", GM_EFORMAT), BOTH("[1e]", GM_EFORMAT), BOTH("[1e+]", GM_EFORMAT), BOTH("[0x1]", GM_EFORMAT), BOTH("[Infinity]", GM_EFORMAT), BOTH("[NaN]", GM_EFORMAT), BOTH("[1e999]", GM_EFORMAT),
    BOTH("[99999999999999999999]", GM_EFORMAT), BOTH("[True]", GM_EFORMAT), BOTH("[tru]", GM_EFORMAT), BOTH("[nulll]", GM_EFORMAT), BOTH("[\"]", GM_EFORMAT), BOTH("[\"a\n\"]", GM_EFORMAT), BOTH("[\"\\x\"]", GM_EFORMAT),
    BOTH("[\"\\u12\"]", GM_EFORMAT), BOTH("[\"\\u000\"]", GM_EFORMAT), BOTH("[\"\\u0000\"]", GM_EFORMAT), BOTH("[\"\\ud800\"]", GM_EFORMAT), BOTH("[\"\\ud800\\u0041\"]", GM_EFORMAT), BOTH("[\"\\udc00\"]", GM_EFORMAT),
    BOTH("[\"\xff\"]", GM_EFORMAT), BOTH("[\"\xc0\x80\"]", GM_EFORMAT), BOTH("[\"\xed\xa0\x80\"]", GM_EFORMAT), BOTH("[\"\xf5\x80\x80\x80\"]", GM_EFORMAT), BOTH("[\"\xc3\"]", GM_EFORMAT), BOTH("[\0]", GM_EFORMAT),
    BOTH("[1]\0", GM_EFORMAT), BOTH("\xef\xbb\xbf[]", GM_EFORMAT), BOTH("// a\n[]", GM_EFORMAT), BOTH("[1]// a", GM_EFORMAT), BOTH("[1,/*a*/2]", GM_EFORMAT),
    BOTH("[[[[[[[[[]]]]]]]]]", GM_ELIMIT), BOTH("{\"a\":[{\"a\":[{\"a\":[{\"a\":[{}]}]}]}]}", GM_ELIMIT), BOTH("[[[[[[[[[", GM_ELIMIT),
};

START_TEST(hostile)
{
    ck_assert_uint_ge(GM__COUNT(texts), 60);
    for (size_t i = 0; i < GM__COUNT(texts); i++) {
        gm_status s = parse(texts[i].text, texts[i].n);
        ck_assert_msg(s == texts[i].code, "%zu, %s: %d, %s", i, texts[i].text, s, gm_ctx_message(ctx));
    }
    static char big[GM__JSON_BYTES + 2];
    memset(big, ' ', sizeof big);
    memcpy(big, "{}", 2);
    ck_assert_int_eq(parse(big, GM__JSON_BYTES), GM_OK);
    ck_assert_int_eq(parse(big, GM__JSON_BYTES + 1), GM_ELIMIT);
}
END_TEST

START_TEST(values)
{
    const char *text = " {\"a\" : [1, -2.5e1, true, false, null, \"\\u0041\\ud83d\\ude00\\n\"], \"\\u0062\":{}, \"c\":-9223372036854775808 , \"\":0.1}\n";
    ck_assert_int_eq(parse(text, strlen(text)), GM_OK);
    ck_assert(root->kind == GM__JSON_OBJECT && root->n == 4 && !root->key && !root->next);
    const gm__json *v = gm__json_member(root, "a");
    ck_assert(v == root->first && v->kind == GM__JSON_LIST && v->n == 6);
    v = v->first;
    ck_assert(v->kind == GM__JSON_WHOLE && v->is.whole == 1 && !v->key && gm__json_number(v) == 1);
    v = v->next;
    ck_assert(v->kind == GM__JSON_REAL && v->is.real == -25 && gm__json_number(v) == -25);
    ck_assert((v = v->next)->kind == GM__JSON_TRUE && (v = v->next)->kind == GM__JSON_FALSE && (v = v->next)->kind == GM__JSON_NULL && gm__json_number(v) == 0);
    v = v->next;
    ck_assert(v->kind == GM__JSON_TEXT && v->n == 6 && !strcmp(v->is.text, "A\xf0\x9f\x98\x80\n") && !v->next && !gm__json_member(v, "a"));
    v = gm__json_member(root, "b");
    ck_assert(gm__json_is(v, GM__JSON_OBJECT) && v->n == 0 && !v->first);
    ck_assert(gm__json_member(root, "c")->is.whole == INT64_MIN && gm__json_member(root, "")->is.real == 0.1);
    ck_assert(!gm__json_member(root, "d") && !gm__json_is(NULL, GM__JSON_NULL) && gm__json_number(NULL) == 0);
}
END_TEST

START_TEST(places)
{
    static const struct { const char *text, *says; } wrong[] = {
        {"{\"a\":1,\n \"b\" 2}", "t: JSON, line 2 column 6: expected ':'"}, {"[1,\n\n,2]", "t: JSON, line 3 column 1: expected a value"},
        {"[1 2]", "t: JSON, line 1 column 4: expected ',' or ']'"}, {"{\"a\":1 2}", "t: JSON, line 1 column 8: expected ',' or '}'"},
        {"[\"abc", "t: JSON, line 1 column 6: expected the end of a text"}, {"[1.x]", "t: JSON, line 1 column 4: expected a digit"},
        {"[1e400]", "t: JSON, line 1 column 2: expected a smaller number"}, {"{} {}", "t: JSON, line 1 column 4: expected nothing more"},
        {"{\"key\":1,\"x\":2,\"key\":3}", "t: JSON: the key 'key' stands twice"}, {"[[[[[[[[[1]]]]]]]]]", "t: JSON nested deeper than 8"}};
    for (size_t i = 0; i < GM__COUNT(wrong); i++) {
        ck_assert_int_ne(parse(wrong[i].text, strlen(wrong[i].text)), GM_OK);
        ck_assert_str_eq(gm_ctx_message(ctx), wrong[i].says);
    }
}
END_TEST

static void print(gm__buf *b, const gm__json *v)
{
    static const char *const words[] = {"null", "false", "true"};
    const bool object = v->kind == GM__JSON_OBJECT;
    if (v->kind <= GM__JSON_TRUE) gm__buf_text(b, words[v->kind]);
    else if (v->kind == GM__JSON_WHOLE) gm__buf_format(b, "%lld", (long long)v->is.whole);
    else if (v->kind == GM__JSON_REAL) {
        char text[40];
        gm__write_double(text, sizeof text, v->is.real);
        gm__buf_format(b, strpbrk(text, ".e") ? "%s" : "%s.0", text); /* stays a real */
    }
    else if (v->kind == GM__JSON_TEXT) gm__json_string(b, v->is.text, v->n);
    else {
        size_t n = 0;
        gm__buf_text(b, object ? "{" : "[");
        for (const gm__json *x = v->first; x; x = x->next, n++) {
            if (n) gm__buf_text(b, ",");
            if (object) gm__json_string(b, x->key, strlen(x->key)), gm__buf_text(b, ":");
            print(b, x);
        }
        ck_assert_uint_eq(n, v->n);
        gm__buf_text(b, object ? "}" : "]");
    }
}

/* Texts changed at random: refused with the right codes, or printed and read again the same. */
START_TEST(changed)
{
    static const char bytes[] = "{}[]\",:\\ 0123456789.E-truefalsn\x01\x1f\x7f\xc3\xa9\xed\xa0\x80\xff/u";
    uint32_t seed = 1;
    long fine = 0;
    for (int i = 0; i < 60000; i++) {
        char text[128];
        size_t k = (size_t)i % 11, n = texts[k].n;
        memcpy(text, texts[k].text, n);
        for (int edits = 1 + i % 3; edits-- && n;) {
            seed = seed * 1664525u + 1013904223u;
            const size_t at = (seed >> 8) % n;
            const char b = bytes[(seed >> 20) % (sizeof bytes - 1)];
            switch (seed >> 30) {
            case 0: memmove(text + at, text + at + 1, --n - at); break;
            case 1: memmove(text + at + 1, text + at, n++ - at); text[at] = b; break;
            default: text[at] = b;
            }
        }
        const gm_status s = parse(text, n);
        ck_assert_msg(s == GM_OK || s == GM_EFORMAT || s == GM_ELIMIT, "%.*s: %s", (int)n, text, gm_ctx_message(ctx));
        if (s) continue;
        gm__buf one, two;
        gm__buf_init(&one, ctx), gm__buf_init(&two, ctx);
        print(&one, root);
        ck_assert_msg(parse(one.data, one.len) == GM_OK, "%s: %s", one.data, gm_ctx_message(ctx));
        print(&two, root);
        ck_assert_str_eq(one.data, two.data);
        gm__buf_free(&one), gm__buf_free(&two);
        fine++;
    }
    ck_assert_int_gt(fine, 1000);
    ck_assert_int_lt(fine, 50000);
}
END_TEST

/* Memory in proportion to the text, and none left. */
START_TEST(memory)
{
    static char big[GM__JSON_BYTES];
    gm_memory m = {.struct_size = sizeof m}, after = m;
    memset(big, '0', sizeof big);
    for (size_t i = 0; i < sizeof big; i += 2) big[i] = ',';
    big[0] = '[', big[sizeof big - 2] = ' ', big[sizeof big - 1] = ']';
    gm_ctx_memory(ctx, &m);
    ck_assert_int_eq(parse(big, sizeof big), GM_OK);
    ck_assert_uint_eq(root->n, sizeof big / 2 - 1);
    gm_ctx_memory(ctx, &after);
    ck_assert_uint_lt(after.peak_bytes - m.live_bytes, 32u << 20);
    /* a hundred thousand keys, all the same or all but the last pair different */
    size_t n = 1;
    big[0] = '{';
    for (int i = 0; i < 100000; i++) n += (size_t)gm__format(big + n, sizeof big - n, "%s\"%x\":0", i ? "," : "", i == 99999 ? 777 : i);
    big[n++] = '}';
    ck_assert_int_eq(parse(big, n), GM_EFORMAT);
    ck_assert_str_eq(gm_ctx_message(ctx), "t: JSON: the key '309' stands twice");
}
END_TEST

int main(void)
{
    if (gm_ctx_new(NULL, &ctx)) return 1;
    const TTest *const tests[] = { values, places, hostile, changed, memory, NULL };
    int code = run_tests("json", tests);
    gm__free(ctx, root);
    gm_ctx_free(ctx);
    return code;
}
