/* rng.c - counter-based random numbers: Philox 4x32-10 (Salmon et al.,
 * "Parallel random numbers: as easy as 1, 2, 3", SC11). A draw depends on
 * (seed, purpose, stream, counter) alone; this bit stream is frozen. */
#include "base/base.h"
#include <math.h>

__extension__ typedef unsigned __int128 u128;
static const double PI = 3.14159265358979323846;

void gm__philox4x32(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = ctr[0], c1 = ctr[1], c2 = ctr[2], c3 = ctr[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

gm__stream gm__stream_make(uint64_t seed, uint32_t purpose, uint32_t b, uint64_t a)
{
    return (gm__stream){ .key = { (uint32_t)seed, (uint32_t)(seed >> 32) },
                         .ctr = { 0, (uint32_t)a, (uint32_t)(a >> 32), purpose << 28 | (b & 0x0fffffffu) } };
}

gm__rng gm__rng_make(gm__stream s) { return (gm__rng){ .s = s }; }

uint32_t gm__rng_u32(gm__rng *r)
{
    if (!r->left) {
        gm__philox4x32(r->s.ctr, r->s.key, r->word);
        r->s.ctr[0]++;
        r->left = 4;
    }
    return r->word[4 - r->left--];
}

double gm__rng_unit(gm__rng *r)
{
    uint32_t hi = gm__rng_u32(r) >> 5, lo = gm__rng_u32(r) >> 6; /* 27 + 26 bits */
    return ((double)hi * 67108864.0 + (double)lo) * 0x1p-53;
}

double gm__rng_normal(gm__rng *r)
{
    double u = 1.0 - gm__rng_unit(r), v = gm__rng_unit(r); /* u in (0,1] */
    return sqrt(-2.0 * log(u)) * cos(2.0 * PI * v);
}

/* Multiply-shift with rejection: Lemire, "Fast random integer generation in an
 * interval", 2019. Below 2^32 one word a try. */
uint64_t gm__rng_below(gm__rng *r, uint64_t n)
{
    if (n <= 1) return 0;
    if (n <= UINT32_MAX) {
        uint32_t m = (uint32_t)n, reject = (0u - m) % m;
        uint64_t p;
        do p = (uint64_t)gm__rng_u32(r) * m;
        while ((uint32_t)p < reject);
        return p >> 32;
    }
    uint64_t reject = (0 - n) % n, x, top;
    u128 p;
    do {
        top = gm__rng_u32(r);
        x = top << 32 | gm__rng_u32(r);
        p = (u128)x * n;
    } while ((uint64_t)p < reject);
    return (uint64_t)(p >> 64);
}

size_t gm__rng_categorical(gm__rng *r, const double *weights, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; i++)
        if (weights[i] > 0) total += weights[i];
    double u = gm__rng_unit(r) * total, sum = 0;
    size_t last = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(weights[i] > 0)) continue;
        sum += weights[i];
        last = i;
        if (u < sum) break;
    }
    return last;
}

void gm__permutation(gm__rng *r, uint64_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t j = (size_t)gm__rng_below(r, (uint64_t)i + 1);
        if (j < i) out[i] = out[j];
        out[j] = i;
    }
}

/* ---- the public draws ------------------------------------------------------ */

enum { B_NUMBERS = 0, B_PERMUTATION = 1 };

/* A block counter has 32 bits: 2^34 elements a stream. */
static gm_status check_range(uint64_t first, size_t n, const void *out)
{
    const uint64_t most = (uint64_t)1 << 34;
    if ((!out && n) || first % 4 || first > most || n > most - first) return GM_EARG;
    return GM_OK;
}

gm_status gm_random_uniform(uint64_t seed, uint64_t stream, uint64_t first, size_t n, float *out)
{
    GM__TRY(check_range(first, n, out));
    gm__stream s = gm__stream_make(seed, GM__R_USER, B_NUMBERS, stream);
    s.ctr[0] = (uint32_t)(first / 4);
    gm__rng r = gm__rng_make(s);
    for (size_t i = 0; i < n; i++) out[i] = (float)(gm__rng_u32(&r) >> 8) * 0x1p-24f;
    return GM_OK;
}

gm_status gm_random_normal(uint64_t seed, uint64_t stream, uint64_t first, size_t n, float *out)
{
    GM__TRY(check_range(first, n, out));
    gm__stream s = gm__stream_make(seed, GM__R_USER, B_NUMBERS, stream);
    s.ctr[0] = (uint32_t)(first / 4);
    gm__rng r = gm__rng_make(s);
    for (size_t i = 0; i < n; i += 2) { /* one pair of words makes one pair of numbers */
        double u = ((gm__rng_u32(&r) >> 8) + 1) * 0x1p-24, v = (gm__rng_u32(&r) >> 8) * 0x1p-24;
        double radius = sqrt(-2.0 * log(u)), angle = 2.0 * PI * v;
        out[i] = (float)(radius * cos(angle));
        if (i + 1 < n) out[i + 1] = (float)(radius * sin(angle));
    }
    return GM_OK;
}

gm_status gm_random_permutation(uint64_t seed, uint64_t stream, size_t n, uint64_t *out)
{
    GM__TRY(check_range(0, n, out));
    gm__rng r = gm__rng_make(gm__stream_make(seed, GM__R_USER, B_PERMUTATION, stream));
    gm__permutation(&r, out, n);
    return GM_OK;
}
