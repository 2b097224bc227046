/* bench.h - what the benchmarks share: time, medians, lines of JSON. */
#ifndef BENCH_H
#define BENCH_H

#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Seconds; with BENCH_CLOCK=cpu, for one thread on a busy machine, of processor time. */
static inline double now(void)
{
    struct timespec t;
    const char *clock = getenv("BENCH_CLOCK");
    clock_gettime(clock && !strcmp(clock, "cpu") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int by_value(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

#define NEED(x) do { gm_status s_ = (x); if (s_) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, gm_status_name(s_)); exit(1); } } while (0)

#endif
