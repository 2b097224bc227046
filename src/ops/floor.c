/* floor.c - the whole number below. */
#include "ops/unary.h"

GM__UNARY_STEP(floor, GM__U_FLOOR)
