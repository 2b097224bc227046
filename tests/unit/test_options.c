/* Option tables: text and JSON in, messages, bounds, JSON out. */
#include "base/json.h"
#include "base_test.h"
#include <stdlib.h>
#include <string.h>

typedef struct config {
    uint32_t struct_size;
    int32_t latent, likelihood, tied;
    int64_t steps;
    uint64_t seed;
    double beta, lr;
    const char *hidden, *net;
} config;

#define AT(f) offsetof(config, f)
static const gm__opt rows[] = {
    { "latent", GM__O_INT, AT(latent), "20", 1, 65536, NULL, "size of z" },
    { "likelihood", GM__O_CHOICE, AT(likelihood), "bernoulli", 0, 0, "bernoulli|gaussian|student-t", "law of x" },
    { "tied", GM__O_FLAG, AT(tied), "off", 0, 0, NULL, "tied weights" },
    { "noise-steps", GM__O_I64, AT(steps), "-1", -1, 9.3e18, NULL, "steps" },
    { "seed", GM__O_U64, AT(seed), "0", 0, 0, NULL, "seed" },
    { "beta", GM__O_REAL, AT(beta), "1", 0, 1000, NULL, "weight of the KL term" },
    { "lr", GM__O_REAL, AT(lr), "0.001", 0, 0, NULL, "step size" },
    { "hidden", GM__O_INTS, AT(hidden), "400,200", 1, 4096, NULL, "hidden sizes" },
    { "net", GM__O_TEXT, AT(net), NULL, 0, 0, NULL, "network" },
};
static const gm__opts table = { "vae", rows, GM__COUNT(rows) };

static gm_ctx *ctx;
static gm__strs strs;
static config c;

static void setup(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    strs = (gm__strs){ .ctx = ctx };
    memset(&c, 0, sizeof c);
    ck_assert_int_eq(gm__opts_defaults(NULL, &table, &c, NULL), GM_OK);
}

static void finish(void)
{
    gm__strs_free(&strs);
    gm_memory m = { .struct_size = sizeof m }, fresh = m;
    gm_ctx *other;
    ck_assert_int_eq(gm_ctx_new(NULL, &other), GM_OK);
    gm_ctx_memory(ctx, &m);
    gm_ctx_memory(other, &fresh);
    ck_assert_uint_eq(m.live_bytes, fresh.live_bytes);
    gm_ctx_free(other);
    gm_ctx_free(ctx);
}

static gm_status parse(const char *t) { return gm__opts_parse(ctx, &table, t, &c, &strs, NULL); }

static void expect(const char *text, const char *message)
{
    gm_status s = parse(text);
    ck_assert_msg(s == GM_EARG, "%s: %s", text, gm_status_name(s));
    ck_assert_str_eq(gm_ctx_message(ctx), message);
}

START_TEST(defaults)
{
    setup();
    ck_assert_int_eq(c.latent, 20);
    ck_assert_int_eq(c.likelihood, 0);
    ck_assert_int_eq(c.steps, -1);
    ck_assert(c.beta == 1 && c.lr == 0.001);
    ck_assert_str_eq(c.hidden, "400,200");
    ck_assert_ptr_null(c.net);
    ck_assert_int_eq(parse(NULL), GM_OK);
    ck_assert_int_eq(parse(" \t\n"), GM_OK);
    ck_assert_int_eq(c.latent, 20);
    finish();
}
END_TEST

START_TEST(reads_text)
{
    setup();
    bool set[GM__COUNT(rows)] = { 0 };
    const char *t = "latent=7  likelihood=student_t tied=on\tnoise_steps=9223372036854775807 seed=18446744073709551615\n"
                    "beta=1e-3 hidden=1,2,3 net='linear 256, it''s lrelu 0.2'";
    ck_assert_int_eq(gm__opts_parse(ctx, &table, t, &c, &strs, set), GM_OK);
    ck_assert_int_eq(c.latent, 7);
    ck_assert_int_eq(c.likelihood, 2);
    ck_assert_int_eq(c.tied, 1);
    ck_assert(c.steps == INT64_MAX);
    ck_assert(c.seed == UINT64_MAX);
    ck_assert(c.beta == 0.001);
    ck_assert_str_eq(c.hidden, "1,2,3");
    ck_assert_str_eq(c.net, "linear 256, it's lrelu 0.2");
    for (size_t i = 0; i < GM__COUNT(rows); i++) ck_assert_int_eq(set[i], strcmp(rows[i].name, "lr") != 0);
    ck_assert_int_eq(parse("hidden='' net=''"), GM_OK);
    ck_assert_str_eq(c.hidden, "");
    ck_assert_str_eq(c.net, "");
    ck_assert_int_eq(parse("hidden=' 5 , 6 '"), GM_OK);
    ck_assert_str_eq(c.hidden, "5,6");
    static const char *const on[] = { "on", "true", "1", "yes" }, *const off[] = { "off", "false", "0", "no" };
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(gm__opts_set(ctx, &table, "tied", on[i], &c, &strs, NULL), GM_OK);
        ck_assert_int_eq(c.tied, 1);
        ck_assert_int_eq(gm__opts_set(ctx, &table, "tied", off[i], &c, &strs, NULL), GM_OK);
        ck_assert_int_eq(c.tied, 0);
    }
    finish();
}
END_TEST

START_TEST(reads_json)
{
    setup();
    bool set[GM__COUNT(rows)] = { 0 };
    c.latent = 99;
    const char *t = " {\"latent\": null, \"likelihood\": \"gaussian\", \"tied\": true, \"noise-steps\": 5, \"seed\": \"18446744073709551615\","
                    "\"beta\": 2.5, \"lr\": 1, \"hidden\": [10, 20], \"net\": \"tanh \\u00e9\"} ";
    ck_assert_int_eq(gm__opts_parse(ctx, &table, t, &c, &strs, set), GM_OK);
    ck_assert_int_eq(c.latent, 20);
    ck_assert(!set[0] && set[1]);
    ck_assert_int_eq(c.likelihood, 1);
    ck_assert_int_eq(c.tied, 1);
    ck_assert(c.seed == UINT64_MAX);
    ck_assert(c.beta == 2.5 && c.lr == 1);
    ck_assert_str_eq(c.hidden, "10,20");
    ck_assert_str_eq(c.net, "tanh \xc3\xa9");
    ck_assert_int_eq(parse("{}"), GM_OK);
    finish();
}
END_TEST

START_TEST(messages)
{
    setup();
    expect("latent=abc", "vae: latent: expected an integer from 1 to 65536, got 'abc'");
    expect("latent=0", "vae: latent: expected an integer from 1 to 65536, got '0'");
    expect("latent=65537", "vae: latent: expected an integer from 1 to 65536, got '65537'");
    expect("latent=4294967297", "vae: latent: expected an integer from 1 to 65536, got '4294967297'");
    expect("latent=7x", "vae: latent: expected an integer from 1 to 65536, got '7x'");
    expect("latent=", "vae: latent: expected an integer from 1 to 65536, got ''");
    expect("latnt=5", "vae: no option 'latnt' (did you mean 'latent'?)");
    expect("laetnt=5", "vae: no option 'laetnt' (did you mean 'latent'?)");
    expect("zzz=5", "vae: no option 'zzz'");
    expect("likelihood=laplace", "vae: likelihood: expected one of bernoulli|gaussian|student-t, got 'laplace'");
    expect("likelihood=gauss", "vae: likelihood: expected one of bernoulli|gaussian|student-t, got 'gauss'");
    expect("tied=maybe", "vae: tied: expected on or off, got 'maybe'");
    expect("beta=nan", "vae: beta: expected a number from 0 to 1000, got 'nan'");
    expect("lr=inf", "vae: lr: expected a number, got 'inf'");
    expect("beta=-1e-300", "vae: beta: expected a number from 0 to 1000, got '-1e-300'");
    expect("noise-steps=-2", "vae: noise-steps: expected an integer, -1 or more, got '-2'");
    expect("seed=-1", "vae: seed: expected an integer, 0 or more, got '-1'");
    expect("hidden=1,,2", "vae: hidden: expected integers separated by commas, each from 1 to 4096, got '1,,2'");
    expect("hidden=1,5000", "vae: hidden: expected integers separated by commas, each from 1 to 4096, got '1,5000'");
    expect("latent=5 latent=6", "vae: latent: given twice");
    expect("noise-steps=5 noise_steps=6", "vae: noise-steps: given twice");
    expect("latent", "vae: expected key=value, got 'latent'");
    expect("=5", "vae: expected key=value, got '=5'");
    expect("net='abc", "vae: net: the closing ' is missing");
    expect("net='abc'd", "vae: net: expected a blank behind the closing '");
    expect("net=it's", "vae: net: a value with ' in it must stand in quotes");
    expect("net='a\rb'", "vae: net: expected a text without control characters, got 'a?b'");
    expect("{\"net\":{}}", "vae: net: expected a number, a text, true, false or a list of integers");
    expect("{\"hidden\":[1,\"a\"]}", "vae: hidden: expected a number, a text, true, false or a list of integers");
    expect("{\"noise-steps\":5,\"noise_steps\":6}", "vae: noise-steps: given twice");
    expect("lr=123456789012345678901234567890123456789012345678901234567890x",
           "vae: lr: expected a number, got '123456789012345678901234567890123456789012345678901234567...'");
    static const char *const bad[] = { "{\"latent\":1,\"latent\":2}", "{\"latent\":}", "{", "{\"latent\":5} x", "{\"net\":\"\\u0000\"}", "{\"seed\":18446744073709551615}" };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        ck_assert_msg(parse(bad[i]) == GM_EARG, "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "vae: JSON"));
    }
    ck_assert_int_eq(parse("{\"net\":[[[[[[[[1]]]]]]]]}"), GM_ELIMIT);
    ck_assert_int_eq(parse("{\"net\":\"[[[[[[[[[[\"}"), GM_OK);
    ck_assert_str_eq(c.net, "[[[[[[[[[[");
    finish();
}
END_TEST

START_TEST(limits)
{
    setup();
    size_t n = (1 << 20) + 8;
    char *t = malloc(n + 1);
    memset(t, ' ', n);
    t[n] = 0;
    t[0] = '{', t[n - 1] = '}';
    ck_assert_int_eq(parse(t), GM_ELIMIT);
    t[0] = 'x';
    memset(t, 'x', n);
    ck_assert_int_eq(parse(t), GM_EARG);
    ck_assert_uint_lt(strlen(gm_ctx_message(ctx)), 120);
    memset(t, '[', n / 2);
    t[0] = '{';
    ck_assert_int_eq(parse(t + 0), GM_ELIMIT);
    free(t);
    char many[400] = "hidden=1";
    for (int i = 1; i < 64; i++) strcat(many, ",1");
    ck_assert_int_eq(parse(many), GM_OK);
    strcat(many, ",1");
    ck_assert_int_eq(parse(many), GM_EARG);
    finish();
}
END_TEST

START_TEST(checks_c_configs)
{
    static const struct { int field; const char *message; } want[] = {
        { 0, "vae: latent: expected an integer from 1 to 65536, got 0" },
        { 1, "vae: likelihood: expected one of bernoulli|gaussian|student-t, got 3" },
        { 2, "vae: likelihood: expected one of bernoulli|gaussian|student-t, got -1" },
        { 3, "vae: tied: expected on or off, got 2" },
        { 4, "vae: beta: expected a number from 0 to 1000, got nan" },
        { 5, "vae: lr: expected a number, got inf" },
        { 6, "vae: hidden: expected integers separated by commas, each from 1 to 4096, got '1;2'" },
        { 7, "vae: net: expected a text without control characters, got 'a?b'" },
    };
    setup();
    ck_assert_int_eq(gm__opts_check(ctx, &table, &c), GM_OK);
    for (size_t i = 0; i < GM__COUNT(want); i++) {
        config d = c;
        switch (want[i].field) {
        case 0: d.latent = 0; break;
        case 1: d.likelihood = 3; break;
        case 2: d.likelihood = -1; break;
        case 3: d.tied = 2; break;
        case 4: d.beta = __builtin_nan(""); break;
        case 5: d.lr = __builtin_inf(); break;
        case 6: d.hidden = "1;2"; break;
        default: d.net = "a\033b";
        }
        ck_assert_int_eq(gm__opts_check(ctx, &table, &d), GM_EARG);
        ck_assert_str_eq(gm_ctx_message(ctx), want[i].message);
    }
    finish();
}
END_TEST

/* Two choices in one number: "a" or "a,x". */
START_TEST(pairs)
{
    static const gm__opt row = { "kinds", GM__O_PAIR, 0, "a", 0, 0, "a|b-c|d[,x|y]", "two kinds" };
    static const gm__opts pair = { "test", &row, 1 };
    static const struct { const char *text; int32_t value; const char *back; } fine[] = {
        { "kinds=a", 0, "a" }, { "kinds=d", 2, "d" }, { "kinds=b_c,x", 1, "b-c" }, { "kinds=d,y", 2 | 1 << 8, "d,y" } };
    static const char *const bad[] = { "kinds=", "kinds=x", "kinds=a,", "kinds=a,d", "kinds=,x", "kinds=a,x,y", "kinds=b" };
    int32_t k;
    char t[32];
    setup();
    for (size_t i = 0; i < GM__COUNT(fine); i++) {
        ck_assert_int_eq(gm__opts_parse(ctx, &pair, fine[i].text, &k, &strs, NULL), GM_OK);
        ck_assert_int_eq(k, fine[i].value);
        gm__opts_value(&pair, 0, &k, t, sizeof t);
        ck_assert_str_eq(t, fine[i].back);
        ck_assert_int_eq(gm__opts_check(ctx, &pair, &k), GM_OK);
    }
    for (size_t i = 0; i < GM__COUNT(bad); i++) ck_assert_int_eq(gm__opts_parse(ctx, &pair, bad[i], &k, &strs, NULL), GM_EARG);
    ck_assert_str_eq(gm_ctx_message(ctx), "test: kinds: expected one of a|b-c|d[,x|y], got 'b'");
    for (int i = 0; i < 3; i++) {
        k = (int32_t[]){ 3, 2 << 8, -1 }[i];
        ck_assert_int_eq(gm__opts_check(ctx, &pair, &k), GM_EARG);
    }
    finish();
}
END_TEST

START_TEST(json_round_trip)
{
    setup();
    ck_assert_int_eq(parse("latent=3 likelihood=student-t tied=1 seed=18446744073709551615 beta=0.1 lr=1e-05 net='a \"b\" \\ \xff\n'"), GM_OK);
    gm__buf b;
    gm__buf_init(&b, ctx);
    ck_assert_int_eq(gm__opts_json(ctx, &table, &c, &b), GM_OK);
    ck_assert_str_eq(b.data, "{\"latent\":3,\"likelihood\":\"student-t\",\"tied\":true,\"noise-steps\":-1,\"seed\":\"18446744073709551615\","
                             "\"beta\":0.1,\"lr\":1e-05,\"hidden\":\"400,200\",\"net\":\"a \\\"b\\\" \\\\ \xef\xbf\xbd\\n\"}");
    config d;
    memset(&d, 0, sizeof d);
    ck_assert_int_eq(gm__opts_parse(ctx, &table, b.data, &d, &strs, NULL), GM_OK);
    ck_assert(d.latent == 3 && d.likelihood == 2 && d.tied == 1 && d.seed == UINT64_MAX && d.beta == 0.1 && d.lr == 1e-5 && d.steps == -1);
    ck_assert_str_eq(d.hidden, c.hidden);
    ck_assert_str_eq(d.net, "a \"b\" \\ \xef\xbf\xbd\n");
    gm__buf_free(&b);

    config e;
    memset(&e, 0, sizeof e);
    char hidden[] = "1, 2";
    c.hidden = hidden;
    ck_assert_int_eq(gm__opts_copy(ctx, &table, &c, &e, &strs), GM_OK);
    hidden[0] = 'x';
    ck_assert_str_eq(e.hidden, "1,2");
    ck_assert_str_eq(e.net, c.net);
    ck_assert_ptr_ne(e.net, c.net);
    char t[32];
    gm__opts_value(&table, 1, &c, t, sizeof t);
    ck_assert_str_eq(t, "student-t");
    gm__opts_value(&table, 2, &c, t, sizeof t);
    ck_assert_str_eq(t, "on");
    gm__opts_value(&table, 4, &c, t, sizeof t);
    ck_assert_str_eq(t, "18446744073709551615");
    finish();
}
END_TEST

START_TEST(keys_and_ints)
{
    setup();
    ck_assert_int_eq(gm__opts_find(&table, "noise_steps", 11), 3);
    ck_assert_int_eq(gm__opts_find(&table, "noise", 5), -1);
    ck_assert_int_eq(gm__opts_find(&table, "lrx", 2), 6);
    ck_assert(gm__ieq("a-b", "a_b", 3) && !gm__ieq("a-b", "a-bc", 4) && !gm__ieq("a-b", "A-b", 3));
    int64_t v[3];
    size_t n;
    ck_assert_int_eq(gm__ints(ctx, "shape", "1,-2,3", v, 3, &n), GM_OK);
    ck_assert(n == 3 && v[0] == 1 && v[1] == -2 && v[2] == 3);
    ck_assert_int_eq(gm__ints(ctx, "shape", NULL, v, 3, &n), GM_OK);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(gm__ints(ctx, "shape", "1,2,3,4", v, 3, &n), GM_EARG);
    ck_assert_str_eq(gm_ctx_message(ctx), "shape: more than 3 values");
    static const char *const bad[] = { "a", "1,", ",1", "1 2", "1,,2", "9999999999999999999", "," };
    for (size_t i = 0; i < GM__COUNT(bad); i++) ck_assert_msg(gm__ints(ctx, "shape", bad[i], v, 3, &n) == GM_EARG && n == 0, "%s", bad[i]);
    finish();
}
END_TEST

/* A host allocator that fails at the n-th call. */
static long calls_left;
static void *limited(void *user, size_t n) { GM__UNUSED(user); return calls_left-- > 0 ? malloc(n) : NULL; }
static void give(void *user, void *p) { GM__UNUSED(user); free(p); }

START_TEST(failing_allocations)
{
    gm_ctx_config k;
    gm_ctx_config_init(&k, sizeof k);
    k.alloc = limited, k.dealloc = give;
    bool passed = false;
    for (long n = 0; n < 100 && !passed; n++) {
        calls_left = 1000;
        ck_assert_int_eq(gm_ctx_new(&k, &ctx), GM_OK);
        strs = (gm__strs){ .ctx = ctx };
        memset(&c, 0, sizeof c);
        gm__opts_defaults(NULL, &table, &c, NULL);
        calls_left = n;
        gm__buf b;
        gm__buf_init(&b, ctx);
        gm_status s = parse("latent=5 net='some text' hidden=1,2");
        if (!s) s = parse("{\"net\":\"other\",\"hidden\":[3,4]}");
        if (!s) s = gm__opts_json(ctx, &table, &c, &b);
        passed = !s;
        if (s) ck_assert_int_eq(s, GM_ENOMEM);
        if (s) ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "out of memory"));
        gm__buf_free(&b);
        gm__strs_free(&strs);
        gm_ctx_free(ctx);
    }
    ck_assert(passed);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { defaults, reads_text, reads_json, messages, limits, checks_c_configs, json_round_trip, pairs, keys_and_ints, failing_allocations, NULL };
    return run_tests("options", tests);
}
