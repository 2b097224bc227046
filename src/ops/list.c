/* list.c - every op, in ops.def's order. An explicit list: static linking would drop self-registration. */
#include "ops/ops.h"

const gm__op *const gm__all_ops[] = {
#define GM__OP(name) &gm__op_##name,
#include "ops/ops.def"
#undef GM__OP
    NULL};
