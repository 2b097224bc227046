/* cpu.c - which instruction sets this machine and its system offer. */
#include "base/base.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* Register state that the system saves at a switch of threads. */
static uint32_t saved_state(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return lo;
}

int gm__cpu_detect(void)
{
    enum { FMA = 1 << 12, OSXSAVE = 1 << 27, AVX = 1 << 28, F16C = 1 << 29 };           /* leaf 1, ecx */
    enum { AVX2 = 1 << 5, BMI2 = 1 << 8, F = 1 << 16, DQ = 1 << 17, BW = 1 << 30 };     /* leaf 7, ebx */
    const uint32_t vl = 1u << 31;
    const uint32_t ymm = 0x06, zmm = 0xe6;                                              /* XCR0 */
    const uint32_t need1 = FMA | OSXSAVE | AVX | F16C, need7 = AVX2 | BMI2;
    const uint32_t need512 = F | DQ | BW | vl;
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & need1) != need1) return GM__CPU_PLAIN;
    uint32_t state = saved_state();
    if ((state & ymm) != ymm) return GM__CPU_PLAIN;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & need7) != need7) return GM__CPU_PLAIN;
    if ((state & zmm) != zmm || (b & need512) != need512) return GM__CPU_AVX2;
    return GM__CPU_AVX512;
}
#else
int gm__cpu_detect(void) { return GM__CPU_PLAIN; }
#endif
