/* ceil.c - the whole number above. */
#include "ops/unary.h"

GM__UNARY_STEP(ceil, GM__U_CEIL)
