/* table.c - the table of kernels for a CPU level. */
#include "kernels/kernels.h"

extern const gm__kern gm__kern_plain;
#if defined(__x86_64__)
extern const gm__kern gm__kern_avx2, gm__kern_avx512;
#endif

const gm__kern *gm__kern_table(int level)
{
#if defined(__x86_64__)
    if (level == GM__CPU_AVX512) return &gm__kern_avx512;
    if (level == GM__CPU_AVX2) return &gm__kern_avx2;
#endif
    GM__UNUSED(level);
    return &gm__kern_plain;
}
