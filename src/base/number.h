/* number.h - text of numbers, beyond what base.h offers to all. */
#ifndef GM_BASE_NUMBER_H
#define GM_BASE_NUMBER_H

#include <stddef.h>

enum { GM__FIXED_DIGITS = 40, GM__FIXED_MAX = 400 };
/* v with exactly `digits` (<= GM__FIXED_DIGITS, more are cut off) decimals, rounded half to even. */
size_t gm__write_fixed(char *out, size_t cap, double v, size_t digits);

#endif
