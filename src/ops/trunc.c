/* trunc.c - the whole number toward 0. */
#include "ops/unary.h"

GM__UNARY_STEP(trunc, GM__U_TRUNC)
