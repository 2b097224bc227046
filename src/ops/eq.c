/* eq.c - x == y, as 0 or 1. */
#include "ops/compare.h"

GM__COMPARE(eq, EQ)
