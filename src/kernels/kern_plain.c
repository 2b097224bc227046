/* kern_plain.c - the kernels for any CPU. */
#define SIMD 0
#define TABLE gm__kern_plain
#include "kernels/body.h"
