/* kern_avx2.c - the kernels for x86 CPUs with AVX2 and FMA. Nothing elsewhere:
 * the Makefile gives this file its instruction set. */
#if defined(__AVX2__) && defined(__FMA__)
#define SIMD 1
#define TABLE gm__kern_avx2
#include "kernels/body.h"
#else
typedef int gm__no_avx2;
#endif
