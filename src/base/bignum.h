/* bignum.h - integers of up to 3072 bits, for exact decimal conversion. */
#ifndef GM_BASE_BIGNUM_H
#define GM_BASE_BIGNUM_H

#include <stdint.h>

enum { GM__BIG_WORDS = 96 };
typedef struct gm__big {
    int n; /* words in use; the last is not 0 */
    uint32_t w[GM__BIG_WORDS];
} gm__big;

void gm__big_set(gm__big *b, uint64_t v);
void gm__big_mul_add(gm__big *b, uint32_t factor, uint32_t addend);
void gm__big_mul_pow5(gm__big *b, int power);
void gm__big_shl(gm__big *b, int bits);
void gm__big_shr_round(gm__big *b, int bits); /* to the nearest, ties to even */
void gm__big_sub(gm__big *a, const gm__big *b); /* a >= b */
uint32_t gm__big_div_small(gm__big *b, uint32_t divisor); /* remainder */
int gm__big_cmp(const gm__big *a, const gm__big *b);
int gm__big_cmp_sum(const gm__big *a, const gm__big *b, const gm__big *c); /* sign of a + b - c */
int gm__big_bits(const gm__big *b);

#endif
