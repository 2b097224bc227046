/* plain.c - fuzzing without libFuzzer: mutations of the seeds, the same for the same numbers.
 * usage: plain TARGET RUNS SEED LAST    (LAST: a file that holds the present input, for the one that ends the program)
 * Run from the top of the source tree. */
#include "fuzz/targets.inc"
#include "fuzz/mutate.h"
#include "fuzz/seeds.h"

static fuzz_seed seeds[SEEDS_MOST];

static void keep(const char *path, const uint8_t *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (f) fwrite(p, 1, n, f), fclose(f);
}

int main(int argc, char **argv)
{
    fuzz_fn *target = argc == 5 ? fuzz_find(argv[1]) : NULL;
    size_t n = target ? seeds_read(argv[1], seeds) : 0;
    if (!n) {
        fprintf(stderr, "usage: plain TARGET RUNS SEED LAST, from the top of the source tree\n");
        return 2;
    }
    long long runs = atoll(argv[2]);
    for (long long i = 0; i < runs; i++) {
        uint8_t room[2 * FUZZ_MOST];
        gm__rng r = gm__rng_make(gm__stream_make((uint64_t)atoll(argv[3]), GM__R_USER, 0, (uint64_t)i));
        const fuzz_seed *a = &seeds[gm__rng_below(&r, n)], *b = &seeds[gm__rng_below(&r, n)];
        size_t size = mutate(&r, a->bytes, a->n, b->bytes, b->n, room);
        uint8_t *p = malloc(size + !size); /* its exact size, so that a read past the end is seen */
        if (!p) return 2;
        memcpy(p, room, size);
        keep(argv[4], p, size);
        fuzz_timed(target, p, size);
        free(p);
    }
    seeds_free(seeds, n);
    remove(argv[4]);
    printf("%s: %lld runs\n", argv[1], runs);
    return 0;
}
