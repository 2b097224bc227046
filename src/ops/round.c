/* round.c - the nearest whole number, halves to even. */
#include "ops/unary.h"

GM__UNARY_STEP(round, GM__U_ROUND)
