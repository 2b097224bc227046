/* roofline.h - what the machine can do: multiply-adds in registers, and bytes a second at each level of memory.
 * Probes of their own, so that kernels are measured against the machine and not against themselves. */
#ifndef ROOFLINE_H
#define ROOFLINE_H

#include "bench/bench.h"
#include <pthread.h>

enum { PROBE_THREADS = 64 };

typedef struct probe {
    double (*work)(struct probe *); /* a share of the work; its size: operations or bytes */
    size_t n;                       /* floats of each array */
    float *a, *b, *c;
    double done;
    pthread_t thread;
} probe;

#if defined __x86_64__
/* Twelve chains hide the latency; the compiler can neither drop nor join them. */
#define CHAINS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define FMA_CHAINS(TARGET, BITS, CONSTRAINT)                                                              \
    typedef float fma_v##BITS __attribute__((vector_size(BITS / 8)));                                     \
    __attribute__((target(TARGET))) static double fma_##BITS(probe *p)                                    \
    {                                                                                                     \
        enum { TURNS = 800000 };                                                                          \
        fma_v##BITS x0 = {0}, x1 = x0, x2 = x0, x3 = x0, x4 = x0, x5 = x0, x6 = x0, x7 = x0, x8 = x0, x9 = x0, x10 = x0, x11 = x0, m = x0 + 0.5f; \
        for (int t = 0; t < TURNS; t++) { CHAINS(FMA_##CONSTRAINT) }                                      \
        x0 += x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11;                                     \
        return p->done = x0[0] > 1 ? TURNS * 12.0 * 2 * (BITS / 32) : 0;                                  \
    }
#define FMA_x(i) __asm__ volatile("vfmadd231ps %1, %1, %0" : "+x"(x##i) : "x"(m));
#define FMA_v(i) __asm__ volatile("vfmadd231ps %1, %1, %0" : "+v"(x##i) : "v"(m));
FMA_CHAINS("avx2,fma", 256, x)
FMA_CHAINS("avx512f,fma", 512, v)
#undef FMA_CHAINS
#undef FMA_x
#undef FMA_v
#undef CHAINS
#endif

/* Unknown elsewhere: 0. */
static double fma_peak(probe *p)
{
#if defined __x86_64__
    if (__builtin_cpu_supports("avx512f")) return fma_512(p);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return fma_256(p);
#endif
    return p->done = 0;
}

typedef float triad_v __attribute__((vector_size(32), aligned(4)));
#if defined __x86_64__
#define WIDE __attribute__((target("avx2"), optimize("O3")))
#else
#define WIDE
#endif
/* a = b + 3 c, 12 bytes an element */
WIDE static double triad(probe *p)
{
    size_t turns = 8000000 / p->n + 1, n = p->n / 8;
    triad_v *a = (triad_v *)p->a;
    const triad_v *b = (const triad_v *)p->b, *c = (const triad_v *)p->c;
    for (size_t t = 0; t < turns; t++) {
        for (size_t i = 0; i < n; i++) a[i] = b[i] + 3 * c[i];
        __asm__ volatile("" : : "r"(a) : "memory");
    }
    return p->done = 12.0 * (double)turns * (double)p->n;
}
#undef WIDE

static void *probe_run(void *arg)
{
    probe *p = arg;
    p->work(p);
    return NULL;
}

/* The best of some runs of all threads together, a second: operations or bytes. n: floats of an array of each thread. */
static double probe_rate(double (*work)(probe *), int threads, size_t n, int runs)
{
    probe p[PROBE_THREADS];
    double best = 0;
    for (int i = 0; i < threads; i++) {
        float *room = n ? calloc(3 * n + 64, sizeof *room) : NULL;
        if (n && !room) exit(1);
        for (size_t k = 0; room && k < 3 * n; k++) room[k] = 1;
        p[i] = (probe){.work = work, .n = n, .a = room, .b = room + n, .c = room + 2 * n};
    }
    for (int r = 0; r < runs; r++) {
        double start = now(), sum = 0;
        for (int i = 1; i < threads; i++)
            if (pthread_create(&p[i].thread, NULL, probe_run, &p[i])) exit(1);
        probe_run(&p[0]);
        sum = p[0].done;
        for (int i = 1; i < threads; i++) pthread_join(p[i].thread, NULL), sum += p[i].done;
        sum /= now() - start;
        if (sum > best) best = sum;
    }
    for (int i = 0; i < threads; i++) free(p[i].a);
    return best;
}

/* Clocks of processors change from moment to moment: a probe of two milliseconds, to be repeated beside what is measured. */
static inline double peak_flops(int threads) { return probe_rate(fma_peak, threads, 0, 1); }
static inline double peak_bytes(int threads, size_t floats) { return probe_rate(triad, threads, floats / 8 * 8, 9); }

#endif
