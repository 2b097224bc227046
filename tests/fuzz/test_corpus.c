/* test_corpus.c - replays the seeds of every fuzz target, each whole, cut off and with bits flipped by a fixed
 * rule. Every input that ever broke a parser is a seed for ever. Run from the top of the source tree. */
#include "fuzz/targets.inc"
#include <check.h>
#include <dirent.h>
#include <stdio.h>

enum { MOST = 1 << 16 };

static void mutate(void (*target)(const uint8_t *, size_t), const uint8_t *seed, size_t n)
{
    uint8_t *p = malloc(n + 64);
    ck_assert_ptr_nonnull(p);
    uint32_t r = 12345;
    target(seed, n);
    for (size_t k = 0; k < n; k += 1 + n / 200) { /* exact sizes, so that a read past the end is seen */
        uint8_t *q = malloc(k + 1);
        memcpy(q, seed, k);
        target(q, k);
        free(q);
    }
    for (int i = 0; i < 400; i++) {
        memcpy(p, seed, n);
        size_t m = n;
        for (int k = 0; n && k <= i % 3; k++) {
            r = r * 1664525u + 1013904223u;
            size_t at = (r >> 8) % m;
            switch (r >> 28 & 3) {
            case 0: p[at] ^= (uint8_t)(1 << (r >> 5 & 7)); break;
            case 1: p[at] = (uint8_t)r; break;
            case 2: memmove(p + at, p + at + 1, m - at - 1), m -= m > 1; break;
            default: memmove(p + at + 1, p + at, m - at), m++, p[at] = "0,\"[]{}\xff"[r & 7];
            }
        }
        target(p, m);
    }
    free(p);
}

static void replay(const char *name, void (*target)(const uint8_t *, size_t))
{
    char folder[64], path[400];
    int seeds = 0;
    snprintf(folder, sizeof folder, "tests/fuzz/seeds/%s", name);
    DIR *d = opendir(folder);
    ck_assert_msg(d != NULL, "no folder %s; run this from the top of the source tree", folder);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *f = fopen(path, "rb");
        uint8_t *p = malloc(MOST);
        ck_assert(f && p);
        size_t n = fread(p, 1, MOST, f);
        fclose(f);
        p = realloc(p, n + !n);
        mutate(target, p, n);
        free(p);
        seeds++;
    }
    closedir(d);
    ck_assert_int_ge(seeds, 3);
    target((const uint8_t *)"", 0);
}

#define REPLAY(name) START_TEST(name) { replay(#name, fuzz_##name); } END_TEST
REPLAY(safetensors)
REPLAY(npy)
REPLAY(idx)
REPLAY(csv)
REPLAY(spec)
REPLAY(cifar)
REPLAY(npz)
REPLAY(lines)
REPLAY(ratings)
REPLAY(png)
REPLAY(gzip)
REPLAY(arpa)
REPLAY(gpt2)
REPLAY(tokenizer)

int main(void)
{
    Suite *s = suite_create("corpus");
    TCase *c = tcase_create("corpus");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, safetensors);
    tcase_add_test(c, npy);
    tcase_add_test(c, idx);
    tcase_add_test(c, csv);
    tcase_add_test(c, spec);
    tcase_add_test(c, cifar);
    tcase_add_test(c, npz);
    tcase_add_test(c, lines);
    tcase_add_test(c, ratings);
    tcase_add_test(c, png);
    tcase_add_test(c, gzip);
    tcase_add_test(c, arpa);
    tcase_add_test(c, gpt2);
    tcase_add_test(c, tokenizer);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
