/* test_corpus.c - replays the seeds of every fuzz target, each whole, cut off, and changed by the rules of mutate.h. Every
 * input that ever broke the library is a seed for ever. Run from the top of the source tree. */
#include "fuzz/targets.inc"
#include "fuzz/mutate.h"
#include "fuzz/seeds.h"
#include <check.h>

static fuzz_seed seeds[SEEDS_MOST];

/* A copy of its exact size, so that a read past the end is seen. */
static void run(fuzz_fn *target, const uint8_t *p, size_t n)
{
    uint8_t *q = malloc(n + !n);
    ck_assert_ptr_nonnull(q);
    if (n) memcpy(q, p, n);
    target(q, n);
    free(q);
}

static void replay(const char *name, fuzz_fn *target)
{
    size_t n = seeds_read(name, seeds);
    const char *runs = getenv("GM_FUZZ_RUNS"); /* changes of each seed; less where every run is slow */
    long changes = runs ? atol(runs) : 200;
    ck_assert_msg(n >= 3, "%zu seeds in tests/fuzz/seeds/%s; run this from the top of the source tree", n, name);
    for (size_t i = 0; i < n; i++) {
        const fuzz_seed *s = &seeds[i];
        run(target, s->bytes, s->n);
        for (size_t k = 0; runs == NULL && k < s->n; k += 1 + s->n / 100) run(target, s->bytes, k);
        for (long k = 0; k < changes; k++) {
            uint8_t room[2 * FUZZ_MOST];
            gm__rng r = gm__rng_make(gm__stream_make(1, GM__R_USER, (uint32_t)i, (uint64_t)k));
            const fuzz_seed *other = &seeds[gm__rng_below(&r, n)];
            run(target, room, mutate(&r, s->bytes, s->n, other->bytes, other->n, room));
        }
    }
    target((const uint8_t *)"", 0);
    seeds_free(seeds, n);
}

#define REPLAY(name) START_TEST(replay_##name) { replay(#name, fuzz_##name); } END_TEST
FUZZ_TARGETS(REPLAY)

int main(void)
{
    Suite *s = suite_create("corpus");
    TCase *c = tcase_create("corpus");
    tcase_set_timeout(c, 300);
#define ADD(name) tcase_add_test(c, replay_##name);
    FUZZ_TARGETS(ADD)
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
