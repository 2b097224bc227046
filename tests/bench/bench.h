/* bench.h - what the benchmarks share: time, medians, lines of JSON. */
#ifndef BENCH_H
#define BENCH_H

#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* A text of n random characters of so many kinds, each of them there. */
static inline gm_dataset *random_text(gm_ctx *ctx, int n, int kinds)
{
    const char *folder = getenv("TMPDIR");
    char path[1000], spec[1010];
    gm_dataset *d = NULL;
    float *u = malloc(sizeof *u * (size_t)n);
    snprintf(path, sizeof path, "%s/gm_bench_%d.txt", folder ? folder : "/tmp", (int)getpid());
    snprintf(spec, sizeof spec, "text:%s", path);
    FILE *f = fopen(path, "w");
    if (!f || !u) exit(1);
    NEED(gm_random_uniform(1, 0, 0, (size_t)n, u));
    for (int i = 0; i < n; i++) putc('0' + (i < kinds ? i : (int)(u[i] * (float)kinds)), f);
    fclose(f);
    free(u);
    NEED(gm_dataset_open(ctx, spec, &d));
    remove(path);
    return d;
}

#endif
