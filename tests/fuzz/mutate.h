/* mutate.h - changes bytes the way files go wrong, by the library's own generator: the same numbers, the same inputs. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include "base/base.h"
#include <string.h>

enum { FUZZ_MOST = 8192 };

/* Numbers at which sizes, counts and signs go wrong, in 1 to 8 bytes of either order. */
static size_t mutate_number(gm__rng *r, uint8_t *p, size_t n)
{
    static const uint64_t edges[] = { 0, 1, 2, 7, 8, 9, 16, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000u, 0xffffffffu, 0x100000000u,
                                      0x7fffffffffffffffu, 0x8000000000000000u, 0xffffffffffffffffu, 0xfffffffffffffff8u };
    size_t bytes = (size_t)1 << gm__rng_below(r, 4);
    uint64_t v = edges[gm__rng_below(r, GM__COUNT(edges))], big = gm__rng_below(r, 2);
    if (n < bytes) return n;
    size_t at = gm__rng_below(r, n - bytes + 1);
    for (size_t i = 0; i < bytes; i++) p[at + (big ? bytes - 1 - i : i)] = (uint8_t)(v >> 8 * i);
    return n;
}

/* One change of p[0..n), which has room for 2 FUZZ_MOST; returns the new length. */
static size_t mutate_once(gm__rng *r, uint8_t *p, size_t n, const uint8_t *other, size_t n_other)
{
    static const char marks[] = "0,\"[]{}\xff:=\n -.9x(\\|e+";
    size_t at = n ? gm__rng_below(r, n) : 0, k;
    switch (n ? gm__rng_below(r, 9) : 3) {
    case 0: p[at] ^= (uint8_t)(1u << gm__rng_below(r, 8)); return n;
    case 1: p[at] = (uint8_t)gm__rng_below(r, 256); return n;
    case 2: k = 1 + gm__rng_below(r, n - at < 9 ? n - at : 9); memmove(p + at, p + at + k, n - at - k); return n - k;
    case 3: memmove(p + at + 1, p + at, n - at); p[at] = (uint8_t)marks[gm__rng_below(r, sizeof marks - 1)]; return n + 1;
    case 4: p[at] = (uint8_t)marks[gm__rng_below(r, sizeof marks - 1)]; return n;
    case 5: return mutate_number(r, p, n);
    case 6: return at + 1; /* cut off */
    case 7: { /* a stretch twice */
        k = 1 + gm__rng_below(r, n - at < 64 ? n - at : 64);
        memmove(p + at + k, p + at, n - at);
        return n + k;
    }
    default: /* a stretch of another seed */
        if (!n_other) return n;
        k = 1 + gm__rng_below(r, n_other < 256 ? n_other : 256);
        if (k > n - at) k = n - at;
        memcpy(p + at, other + gm__rng_below(r, n_other - k + 1), k);
        return n;
    }
}

/* A copy of a seed in `out` (2 FUZZ_MOST bytes) with one to four changes; returns its length, at most FUZZ_MOST. */
static size_t mutate(gm__rng *r, const uint8_t *seed, size_t n, const uint8_t *other, size_t n_other, uint8_t *out)
{
    if (n > FUZZ_MOST) n = FUZZ_MOST;
    if (n) memcpy(out, seed, n);
    for (uint64_t k = 1 + gm__rng_below(r, 4); k > 0 && n <= FUZZ_MOST; k--) n = mutate_once(r, out, n, other, n_other);
    return n < FUZZ_MOST ? n : FUZZ_MOST;
}

#endif
