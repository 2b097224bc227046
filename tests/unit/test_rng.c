/* Random numbers: Random123's known answers, golden hashes, laws. */
#include "base_test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash(const void *p, size_t n)
{
    const unsigned char *c = p;
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    while (n--) h = (h ^ *c++) * 1099511628211u;
    return h;
}

START_TEST(known_answers) /* from Random123's kat_vectors */
{
    static const struct { uint32_t ctr[4], key[2], out[4]; } v[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 }, { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < GM__COUNT(v); i++) {
        uint32_t out[4];
        gm__philox4x32(v[i].ctr, v[i].key, out);
        for (int k = 0; k < 4; k++) ck_assert_uint_eq(out[k], v[i].out[k]);
    }
}
END_TEST

START_TEST(streams)
{
    gm__stream s = gm__stream_make(0x1122334455667788u, 5, 0x0abcdef, 0xaabbccdd00112233u);
    ck_assert(s.key[0] == 0x55667788 && s.key[1] == 0x11223344);
    ck_assert(s.ctr[0] == 0 && s.ctr[1] == 0x00112233 && s.ctr[2] == 0xaabbccdd && s.ctr[3] == 0x50abcdef);
    gm__rng r = gm__rng_make(s);
    uint32_t ctr[4], w[4];
    memcpy(ctr, s.ctr, sizeof ctr);
    for (int block = 0; block < 3; block++) {
        ctr[0] = block;
        gm__philox4x32(ctr, s.key, w);
        for (int i = 0; i < 4; i++) ck_assert_uint_eq(gm__rng_u32(&r), w[i]);
    }
}
END_TEST

/* The bit stream is frozen: these never change within a major version. */
START_TEST(golden)
{
    enum { N = 1003 };
    static float f[N];
    static uint64_t p[N];
    ck_assert_int_eq(gm_random_uniform(1, 2, 0, N, f), GM_OK);
    ck_assert_uint_eq(hash(f, sizeof f), 0x68a7c82791fe0ec5u);
    ck_assert_int_eq(gm_random_permutation(1, 2, N, p), GM_OK);
    ck_assert_uint_eq(hash(p, sizeof p), 0x275747e8927aebefu);
    uint64_t below[64];
    gm__rng r = gm__rng_make(gm__stream_make(3, GM__R_DATA, 4, 5));
    for (int i = 0; i < 64; i++) below[i] = gm__rng_below(&r, i % 2 ? 1000003 : (uint64_t)1 << 40 | 7);
    ck_assert_uint_eq(hash(below, sizeof below), 0xb7ee58df39c6d51bu);
}
END_TEST

START_TEST(elements_do_not_depend_on_the_call)
{
    float all[64], part[64], u[64];
    gm_random_normal(7, 9, 0, 64, all);
    gm_random_uniform(7, 9, 0, 64, u);
    for (size_t first = 0; first < 60; first += 4)
        for (size_t n = 0; n + first <= 64; n += 3) {
            ck_assert_int_eq(gm_random_normal(7, 9, first, n, part), GM_OK);
            ck_assert(!memcmp(part, all + first, n * 4));
            ck_assert_int_eq(gm_random_uniform(7, 9, first, n, part), GM_OK);
            ck_assert(!memcmp(part, u + first, n * 4));
        }
    ck_assert_int_eq(gm_random_uniform(7, 9, 1, 4, part), GM_EARG);
    ck_assert_int_eq(gm_random_uniform(7, 9, 0, 4, NULL), GM_EARG);
    ck_assert_int_eq(gm_random_uniform(7, 9, (uint64_t)1 << 34, 0, part), GM_OK);
    ck_assert_int_eq(gm_random_uniform(7, 9, (uint64_t)1 << 34, 1, part), GM_EARG);
    ck_assert_int_eq(gm_random_normal(7, 9, UINT64_MAX - 3, 8, part), GM_EARG);
    ck_assert_int_eq(gm_random_permutation(7, 9, 1, NULL), GM_EARG);
}
END_TEST

START_TEST(laws)
{
    enum { N = 200000 };
    float *f = malloc(N * sizeof *f);
    gm_random_uniform(11, 0, 0, N, f);
    double m = 0, v = 0, k = 0;
    for (int i = 0; i < N; i++) {
        ck_assert(f[i] >= 0 && f[i] < 1 && f[i] * 16777216.f == floorf(f[i] * 16777216.f));
        m += f[i], v += (f[i] - 0.5) * (f[i] - 0.5);
    }
    ck_assert(fabs(m / N - 0.5) < 5 * sqrt(1. / 12 / N));
    ck_assert(fabs(v / N - 1. / 12) < 5 * sqrt(1. / 180 / N));
    gm_random_normal(11, 0, 0, N, f);
    m = v = 0;
    double cross = 0;
    for (int i = 0; i < N; i++) {
        m += f[i], v += f[i] * f[i], k += f[i] * f[i] * f[i] * f[i];
        if (i) cross += f[i] * f[i - 1];
    }
    ck_assert(fabs(m / N) < 5 / sqrt(N));
    ck_assert(fabs(v / N - 1) < 5 * sqrt(2. / N));
    ck_assert(fabs(k / N - 3) < 5 * sqrt(96. / N));
    ck_assert(fabs(cross / N) < 5 / sqrt(N));
    free(f);

    gm__rng r = gm__rng_make(gm__stream_make(5, GM__R_USER, 0, 1));
    double sum = 0, sq = 0;
    for (int i = 0; i < N; i++) {
        double z = gm__rng_normal(&r);
        sum += z, sq += z * z;
    }
    ck_assert(fabs(sum / N) < 5 / sqrt(N) && fabs(sq / N - 1) < 5 * sqrt(2. / N));
    int count[7] = { 0 };
    for (int i = 0; i < 70000; i++) {
        uint64_t x = gm__rng_below(&r, 7);
        ck_assert_uint_lt(x, 7);
        count[x]++;
    }
    for (int i = 0; i < 7; i++) ck_assert(abs(count[i] - 10000) < 5 * 100);
    uint64_t big = ((uint64_t)1 << 63) + 1, low = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t x = gm__rng_below(&r, big);
        ck_assert(x < big);
        low += x < big / 2;
    }
    ck_assert(labs((long)low - 5000) < 5 * 50);
    ck_assert(gm__rng_below(&r, 0) == 0 && gm__rng_below(&r, 1) == 0);

    double w[5] = { 1, 0, 3, -2, 6 };
    int c[5] = { 0 };
    for (int i = 0; i < 10000; i++) c[gm__rng_categorical(&r, w, 5)]++;
    ck_assert(!c[1] && !c[3]);
    ck_assert(abs(c[0] - 1000) < 150 && abs(c[2] - 3000) < 230 && abs(c[4] - 6000) < 250);
}
END_TEST

START_TEST(permutations)
{
    uint64_t p[100];
    bool seen[100] = { 0 };
    ck_assert_int_eq(gm_random_permutation(1, 1, 100, p), GM_OK);
    for (int i = 0; i < 100; i++) {
        ck_assert(p[i] < 100 && !seen[p[i]]);
        seen[p[i]] = true;
    }
    int orders[6] = { 0 }; /* all orders of three equally likely */
    for (uint64_t s = 0; s < 6000; s++) {
        gm_random_permutation(s, 0, 3, p);
        orders[p[0] * 2 + (p[1] > p[2])]++;
    }
    for (int i = 0; i < 6; i++) ck_assert(abs(orders[i] - 1000) < 150);
    ck_assert_int_eq(gm_random_permutation(1, 1, 0, NULL), GM_OK);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { known_answers, streams, golden, elements_do_not_depend_on_the_call, laws, permutations, NULL };
    return run_tests("rng", tests);
}
