/* Numbers as text against the C library: reading rounds correctly, writing is
 * shortest and reads back. */
#include "base/number.h"
#include "base_test.h"
#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }

static uint64_t bits(double v) { uint64_t b; memcpy(&b, &v, 8); return b; }
static double from_bits(uint64_t b) { double v; memcpy(&v, &b, 8); return v; }

static void same_as_strtod(const char *t)
{
    double v = 12345, want = strtod(t, NULL);
    const char *end = t + strlen(t), *got = gm__read_double(t, end, &v);
    if (isinf(want)) {
        ck_assert_msg(!got, "%.60s: overflow not seen", t);
        return;
    }
    ck_assert_msg(got == end, "%.60s: stopped at %s", t, got ? got : "NULL");
    ck_assert_msg(bits(v) == bits(want), "%.60s: %a, expected %a", t, v, want);
}

START_TEST(reads_random_texts)
{
    char t[64];
    for (int i = 0; i < 100000; i++) {
        snprintf(t, sizeof t, "%s%" PRIu64 "e%d", i & 1 ? "-" : "", next() >> (next() % 64), (int)(next() % 80) - 40);
        same_as_strtod(t);
    }
    for (int i = 0; i < 20000; i++) {
        double v = from_bits(next());
        if (!isfinite(v)) continue;
        snprintf(t, sizeof t, "%.*e", (int)(next() % 25), v);
        same_as_strtod(t);
        if (fabs(v) < 1e20 && fabs(v) > 1e-20) {
            snprintf(t, sizeof t, "%.*f", (int)(next() % 20), v);
            same_as_strtod(t);
        }
    }
}
END_TEST

START_TEST(reads_hard_cases)
{
    static const char *const hard[] = {
        "0", "-0", "0.0e5", "1", "1.", ".5", "+2.5", "1e0", "1E+05", "1e-5", "9007199254740993", "9007199254740992.999999999999999999999999999999",
        "9007199254740993.000000000000000000000000000000000001", "2.2250738585072011e-308", "2.2250738585072012e-308", "2.2250738585072014e-308",
        "4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.47032822920623272088284396434110686182e-324", "1e-400", "0e999999999999",
        "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e309", "1e99999999999999999999", "179769313486231580793e289",
        "8.988465674311579e307", "0.000000000000000000000000000000000000000000000000000000000000000000001e69", "123456789012345678901234567890e-20",
        "6.9294956446009195e15", "1.00000000000000011102230246251565404236316680908203125", "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126", "0.1", "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899",
    };
    for (size_t i = 0; i < GM__COUNT(hard); i++) same_as_strtod(hard[i]);
    /* Halfway between two doubles, 751 digits, and one unit beyond at the far end. */
    char t[3000];
    for (int i = 0; i < 300; i++) {
        int e = (int)(next() % 2040), digits;
        long double a = from_bits((uint64_t)e << 52 | next() >> 12);
        double b = nextafter((double)a, INFINITY);
        if (i % 3 == 0) { /* near the smallest: exact digits are longest */
            a = from_bits(next() % 1000 + 1), b = from_bits(bits((double)a) + 1);
        }
        long double mid = (a + (long double)b) / 2; /* exact in 64 bits of mantissa */
        digits = snprintf(t, 1500, "%.1100Lf", mid);
        same_as_strtod(t);
        for (int k = 0; k < 900; k++) t[digits++] = '0';
        t[digits] = 0;
        same_as_strtod(t);
        strcpy(t + digits, "1");
        same_as_strtod(t);
    }
    memset(t, '9', 2500);
    strcpy(t + 2500, "e-2495");
    same_as_strtod(t);
    memset(t, '0', 2500);
    t[0] = '.';
    strcpy(t + 2500, "17e2495");
    same_as_strtod(t);
}
END_TEST

START_TEST(reads_words_and_prefixes)
{
    static const struct { const char *text; int used; double v; } rows[] = {
        { "inf", 3, INFINITY }, { "-inf,", 4, -INFINITY }, { "1.5abc", 3, 1.5 }, { "1e", 1, 1 }, { "1e+", 1, 1 }, { "1.2.3", 3, 1.2 }, { "0x10", 1, 0 },
        { "abc", -1, 0 }, { "", -1, 0 }, { "-", -1, 0 }, { ".", -1, 0 }, { "e5", -1, 0 }, { "--1", -1, 0 }, { " 1", -1, 0 }, { "NaN", -1, 0 }, { "Inf", -1, 0 }, { "in", -1, 0 }, { "-nan", -1, 0 }, { ",5", -1, 0 },
    };
    double v;
    for (size_t i = 0; i < GM__COUNT(rows); i++) {
        const char *t = rows[i].text, *got = gm__read_double(t, t + strlen(t), &v);
        ck_assert_msg(got == (rows[i].used < 0 ? NULL : t + rows[i].used), "%s", t);
        if (got) ck_assert_msg(v == rows[i].v, "%s", t);
    }
    const char *n = "nan";
    ck_assert_ptr_eq(gm__read_double(n, n + 3, &v), n + 3);
    ck_assert(isnan(v));
    const char *cut = "12345"; /* the end is a wall, not the NUL */
    ck_assert_ptr_eq(gm__read_double(cut, cut + 2, &v), cut + 2);
    ck_assert(v == 12);
}
END_TEST

START_TEST(reads_integers)
{
    static const struct { const char *text; int ok; int64_t v; } rows[] = {
        { "0", 1, 0 }, { "-0", 1, 0 }, { "+7", 1, 7 }, { "9223372036854775807", 1, INT64_MAX }, { "9223372036854775808", 0, 0 }, { "-9223372036854775808", 1, INT64_MIN },
        { "-9223372036854775809", 0, 0 }, { "99999999999999999999999", 0, 0 }, { "", 0, 0 }, { "-", 0, 0 }, { "a", 0, 0 }, { "+-1", 0, 0 },
    };
    for (size_t i = 0; i < GM__COUNT(rows); i++) {
        const char *t = rows[i].text;
        int64_t v = 0;
        const char *got = gm__read_i64(t, t + strlen(t), &v);
        ck_assert_msg(got == (rows[i].ok ? t + strlen(t) : NULL), "%s", t);
        ck_assert_msg(v == rows[i].v, "%s", t);
    }
    uint64_t u;
    const char *t = "18446744073709551615,18446744073709551616";
    ck_assert_ptr_eq(gm__read_u64(t, t + 41, &u), t + 20);
    ck_assert(u == UINT64_MAX);
    ck_assert_ptr_null(gm__read_u64(t + 21, t + 41, &u));
    const char *minus = "-1";
    ck_assert_ptr_null(gm__read_u64(minus, minus + 2, &u));
}
END_TEST

static void check_written(double v)
{
    char t[64], c[64];
    size_t n = gm__write_double(t, sizeof t, v);
    ck_assert_uint_eq(n, strlen(t));
    ck_assert_uint_lt(n, 30);
    ck_assert_msg(bits(strtod(t, NULL)) == bits(v), "%s is not %a", t, v);
    int k = 1; /* no shorter text of the C library reads back, and ours is the nearest of its length */
    for (; k <= 17; k++) {
        snprintf(c, sizeof c, "%.*e", k - 1, v);
        if (strtod(c, NULL) == v) break;
    }
    int digits = 0, lead = 0;
    for (const char *p = t; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9' && (lead || *p != '0')) lead = 1, digits++;
    for (const char *p = t + strcspn(t, "e") - 1; p >= t && (*p == '0' || *p == '.') && !strchr(t, '.') && digits > 1; p--) digits--;
    ck_assert_msg(digits <= k, "%s has %d digits, %s has %d", t, digits, c, k);
    if (digits == k) { /* same length: the C library rounds to the nearest */
        char mine[64];
        snprintf(mine, sizeof mine, "%.*e", k - 1, strtod(t, NULL));
        ck_assert_str_eq(mine, c);
    }
}

START_TEST(writes_shortest)
{
    static const struct { double v; const char *text; } rows[] = {
        { 0, "0" }, { -0.0, "-0" }, { 1, "1" }, { -1.5, "-1.5" }, { 0.001, "0.001" }, { 0.0001, "0.0001" }, { 1e-5, "1e-05" }, { 1.5e-5, "1.5e-05" }, { 1e15, "1000000000000000" },
        { 1e16, "10000000000000000" }, { 12345678901234567.0, "12345678901234568" }, { 1e17, "1e+17" }, { 1.25e100, "1.25e+100" }, { 5e-324, "5e-324" }, { 1e23, "1e+23" }, { 9007199254740994, "9007199254740994" },
        { DBL_MAX, "1.7976931348623157e+308" }, { DBL_MIN, "2.2250738585072014e-308" }, { 0.1, "0.1" }, { 0.1 + 0.2, "0.30000000000000004" }, { 100, "100" }, { 123456, "123456" }, { INFINITY, "inf" },
        { -INFINITY, "-inf" }, { NAN, "nan" }, { 2e-3, "0.002" }, { 9.5, "9.5" },
    };
    char t[64];
    for (size_t i = 0; i < GM__COUNT(rows); i++) {
        gm__write_double(t, sizeof t, rows[i].v);
        ck_assert_str_eq(t, rows[i].text);
    }
    for (int i = 0; i < 30000; i++) {
        double v = from_bits(next());
        if (isfinite(v)) check_written(v);
        check_written((double)(int64_t)next() / 1024);
        check_written((double)(next() % 1000000) / 1000);
    }
    for (int e = -1074; e < 1024; e++) check_written(ldexp(1, e)), check_written(nextafter(ldexp(1, e), 0)); /* lop-sided intervals */
    ck_assert_uint_eq(gm__write_double(t, 4, 123.456), 7);
    ck_assert_str_eq(t, "123");
    ck_assert_uint_eq(gm__write_double(NULL, 0, 123.456), 7);
}
END_TEST

START_TEST(writes_shortest_float)
{
    char t[64];
    static const struct { float v; const char *text; } rows[] = { { 0.1f, "0.1" }, { 16777216.f, "16777216" }, { 1e-45f, "1e-45" }, { FLT_MAX, "3.4028235e+38" }, { -0.f, "-0" }, { (float)INFINITY, "inf" }, { 0.3f, "0.3" } };
    for (size_t i = 0; i < GM__COUNT(rows); i++) {
        gm__write_float(t, sizeof t, rows[i].v);
        ck_assert_str_eq(t, rows[i].text);
    }
    for (int i = 0; i < 100000; i++) {
        uint32_t b = (uint32_t)next();
        float v;
        memcpy(&v, &b, 4);
        if (!isfinite(v)) continue;
        ck_assert_uint_le(gm__write_float(t, sizeof t, v), 18);
        ck_assert_msg(strtof(t, NULL) == v, "%s", t);
    }
}
END_TEST

START_TEST(writes_fixed_like_printf)
{
    char t[GM__FIXED_MAX], c[512];
    for (int i = 0; i < 20000; i++) {
        double v = i % 4 ? ldexp((double)(int64_t)next(), (int)(next() % 100) - 90) : from_bits(next());
        if (!isfinite(v)) continue;
        int digits = (int)(next() % 21);
        gm__write_fixed(t, sizeof t, v, (size_t)digits);
        snprintf(c, sizeof c, "%.*f", digits, v);
        ck_assert_str_eq(t, c);
    }
    static const struct { double v; int d; const char *text; } rows[] = { { 0.5, 0, "0" }, { 1.5, 0, "2" }, { 2.5, 0, "2" }, { 0.125, 2, "0.12" }, { 0.375, 2, "0.38" }, { 0, 3, "0.000" }, { -0.001, 2, "-0.00" }, { 999.999, 2, "1000.00" }, { NAN, 2, "nan" } };
    for (size_t i = 0; i < GM__COUNT(rows); i++) {
        gm__write_fixed(t, sizeof t, rows[i].v, (size_t)rows[i].d);
        ck_assert_str_eq(t, rows[i].text);
    }
    ck_assert_uint_eq(gm__write_fixed(t, sizeof t, -DBL_MAX, 1000), 1 + 309 + 1 + GM__FIXED_DIGITS);
}
END_TEST

START_TEST(formats)
{
    char t[128];
    ck_assert_uint_eq(gm__format(t, sizeof t, "%s|%d|%u|%zu|%lld|%llu|%g|%.2f|%c|%x|%%", "a", -5, 7u, (size_t)9, -10LL, 11ULL, 0.1, 2.345, 'z', 255u), strlen("a|-5|7|9|-10|11|0.1|2.35|z|ff|%"));
    ck_assert_str_eq(t, "a|-5|7|9|-10|11|0.1|2.35|z|ff|%");
    gm__format(t, sizeof t, "[%5d|%-5d|%05d|%4s|%-4s|%8.3f|%.2s|%.*s]", 42, 42, -42, "ab", "ab", 3.14159, "xyz", 1, "xyz");
    ck_assert_str_eq(t, "[   42|42   |-0042|  ab|ab  |   3.142|xy|x]");
    gm__format(t, sizeof t, "%d %lld %lld %zd %ld", INT32_MIN, (long long)INT64_MIN, (long long)INT64_MAX, (ptrdiff_t)-3, -4L);
    ck_assert_str_eq(t, "-2147483648 -9223372036854775808 9223372036854775807 -3 -4");
    ck_assert_uint_eq(gm__format(t, 5, "%s", "123456789"), 9);
    ck_assert_str_eq(t, "1234");
    ck_assert_uint_eq(gm__format(t, 1, "abc"), 3);
    ck_assert_str_eq(t, "");
    ck_assert_uint_eq(gm__format(NULL, 0, "%d", 1234), 4);
    gm__format(t, sizeof t, "%s %q", (const char *)NULL);
    ck_assert_str_eq(t, "(null) %q");
    gm__format(t, sizeof t, "end %");
    ck_assert_str_eq(t, "end %");
}
END_TEST

START_TEST(locale_does_not_matter)
{
    char t[32];
    double v;
    static const char *const names[] = { "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8" };
    for (size_t i = 0; i < GM__COUNT(names) && !setlocale(LC_ALL, names[i]); i++) {}
    const char *p = "1.5";
    ck_assert_ptr_eq(gm__read_double(p, p + 3, &v), p + 3);
    ck_assert(v == 1.5);
    gm__format(t, sizeof t, "%g %.2f", 2.5, 2.5);
    ck_assert_str_eq(t, "2.5 2.50");
    setlocale(LC_ALL, "C");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { reads_random_texts, reads_hard_cases, reads_words_and_prefixes, reads_integers, writes_shortest, writes_shortest_float, writes_fixed_like_printf, formats, locale_does_not_matter, NULL };
    return run_tests("number", tests);
}
