/* bignum.c - integers of up to 3072 bits, for exact decimal conversion.
 * Largest in use: 5^1130 (2624 bits) shifted by a few bits, and 800 decimal
 * digits (2658 bits); a word beyond the end would be dropped, never written. */
#include "base/bignum.h"
#include <string.h>

static void push(gm__big *b, uint32_t word)
{
    if (word && b->n < GM__BIG_WORDS) b->w[b->n++] = word;
}

static void trim(gm__big *b)
{
    while (b->n && !b->w[b->n - 1]) b->n--;
}

void gm__big_set(gm__big *b, uint64_t v)
{
    b->w[0] = (uint32_t)v;
    b->w[1] = (uint32_t)(v >> 32);
    b->n = 2;
    trim(b);
}

void gm__big_mul_add(gm__big *b, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (int i = 0; i < b->n; i++) {
        carry += (uint64_t)b->w[i] * factor;
        b->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    push(b, (uint32_t)carry);
}

void gm__big_mul_pow5(gm__big *b, int power)
{
    for (; power >= 13; power -= 13) gm__big_mul_add(b, 1220703125u, 0); /* 5^13 */
    for (; power > 0; power--) gm__big_mul_add(b, 5, 0);
}

void gm__big_shl(gm__big *b, int bits)
{
    int words = bits / 32;
    bits %= 32;
    if (!b->n) return;
    if (words) {
        int n = b->n + words < GM__BIG_WORDS ? b->n : GM__BIG_WORDS - words;
        memmove(b->w + words, b->w, (size_t)n * 4);
        memset(b->w, 0, (size_t)words * 4);
        b->n = n + words;
    }
    if (!bits) return;
    uint32_t carry = 0;
    for (int i = 0; i < b->n; i++) {
        uint32_t w = b->w[i];
        b->w[i] = w << bits | carry;
        carry = w >> (32 - bits);
    }
    push(b, carry);
}

static int bit(const gm__big *b, int i) { return i / 32 < b->n ? b->w[i / 32] >> (i % 32) & 1 : 0; }

void gm__big_shr_round(gm__big *b, int bits)
{
    if (bits <= 0) return;
    int half = bit(b, bits - 1), below = 0;
    for (int i = 0; i < bits - 1 && !below; i++) below = bit(b, i);
    int words = bits / 32, left = bits % 32;
    int n = b->n > words ? b->n - words : 0;
    for (int i = 0; i < n; i++) {
        uint64_t w = b->w[i + words];
        if (i + words + 1 < b->n) w |= (uint64_t)b->w[i + words + 1] << 32;
        b->w[i] = (uint32_t)(w >> left);
    }
    b->n = n;
    trim(b);
    if (half && (below || bit(b, 0))) {
        if (!b->n) gm__big_set(b, 1);
        else gm__big_mul_add(b, 1, 1);
    }
}

void gm__big_sub(gm__big *a, const gm__big *b)
{
    int64_t borrow = 0;
    for (int i = 0; i < a->n; i++) {
        borrow += (int64_t)a->w[i] - (i < b->n ? (int64_t)b->w[i] : 0);
        a->w[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    trim(a);
}

uint32_t gm__big_div_small(gm__big *b, uint32_t divisor)
{
    uint64_t rest = 0;
    for (int i = b->n - 1; i >= 0; i--) {
        rest = rest << 32 | b->w[i];
        b->w[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    trim(b);
    return (uint32_t)rest;
}

int gm__big_cmp(const gm__big *a, const gm__big *b)
{
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    for (int i = a->n - 1; i >= 0; i--)
        if (a->w[i] != b->w[i]) return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}

int gm__big_cmp_sum(const gm__big *a, const gm__big *b, const gm__big *c)
{
    int n = a->n > b->n ? a->n : b->n;
    if (n > c->n) return 1;
    if (n + 1 < c->n) return -1;
    gm__big sum;
    uint64_t carry = 0;
    for (int i = 0; i < n; i++) {
        carry += (uint64_t)(i < a->n ? a->w[i] : 0) + (i < b->n ? b->w[i] : 0);
        sum.w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    sum.n = n;
    push(&sum, (uint32_t)carry);
    return gm__big_cmp(&sum, c);
}

int gm__big_bits(const gm__big *b) { return b->n ? b->n * 32 - __builtin_clz(b->w[b->n - 1]) : 0; }
