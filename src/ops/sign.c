/* sign.c - -1, 0 or 1. */
#include "ops/unary.h"

GM__UNARY_STEP(sign, GM__U_SIGN)
