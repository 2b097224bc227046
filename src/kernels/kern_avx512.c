/* kern_avx512.c - the kernels for x86 CPUs with AVX-512 F, BW, DQ, VL. Nothing
 * elsewhere: the Makefile gives this file its instruction set. */
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define SIMD 2
#define TABLE gm__kern_avx512
#include "kernels/body.h"
#else
typedef int gm__no_avx512;
#endif
