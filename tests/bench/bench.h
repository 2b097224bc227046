/* bench.h - what the benchmarks share: time, medians, lines of JSON.
 * A benchmark takes [threads [part of a name]]: without, one and two threads, and all that it knows. */
#ifndef BENCH_H
#define BENCH_H

#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static inline double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds; with BENCH_CLOCK=cpu, for one thread on a busy machine, of processor time. */
static inline double now(void)
{
    const char *clock = getenv("BENCH_CLOCK");
    return seconds_of(clock && !strcmp(clock, "cpu") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC);
}

static inline int by_value(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

#define NEED(x) do { gm_status s_ = (x); if (s_) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, gm_status_name(s_)); exit(1); } } while (0)

static inline void show(const char *workload, int threads, const char *metric, double value, const char *unit, int n)
{
    printf("{\"workload\":\"%s\",\"peer\":\"libgm\",\"threads\":%d,\"metric\":\"%s\",\"value\":%.5g,\"unit\":\"%s\",\"n\":%d}\n", workload, threads, metric,
           value, unit, n);
    fflush(stdout);
}

/* The median of what work() takes, measured for some seconds after three times to warm up. */
static inline double median_time(void (*work)(void *), void *arg, double seconds, int *n)
{
    enum { LEAST = 5, MOST = 2000 };
    static double sample[MOST];
    double end;
    for (int i = 0; i < 3; i++) work(arg);
    *n = 0;
    for (end = now() + seconds; *n < LEAST || (*n < MOST && now() < end); ++*n) {
        double start = now();
        work(arg);
        sample[*n] = now() - start;
    }
    qsort(sample, (size_t)*n, sizeof *sample, by_value);
    return sample[*n / 2];
}

static inline gm_ctx *bench_ctx(int threads)
{
    gm_ctx *ctx = NULL;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads;
    c.amx = c.blas_threads = 1;
    NEED(gm_ctx_new(&c, &ctx));
    return ctx;
}

/* The workloads whose names hold the part that was asked for, on the threads that were asked for. */
static inline void for_threads(int argc, char **argv, void (*run)(int threads, const char *part))
{
    const int only = argc > 1 ? atoi(argv[1]) : 0;
    for (int threads = only ? only : 1; threads <= (only ? only : 2); threads++) run(threads, argc > 2 ? argv[2] : "");
}

/* A trainer's steps: their time and rate, and what each takes from the allocator and the system. */
typedef struct steps {
    gm_ctx *ctx;
    gm_trainer *tr;
    gm_status (*step)(gm_trainer *tr, double *loss);
    int inner;                 /* steps of one sample */
    double seconds, units;     /* of the measurement; counted for each step */
    const char *metric, *unit; /* of the rate */
} steps;

static inline void take_steps(void *arg)
{
    const steps *s = arg;
    for (int i = 0; i < s->inner; i++) NEED(s->step(s->tr, NULL));
}

static inline void bench_steps(const char *name, int threads, steps *s)
{
    enum { WARM = 64 }; /* steps of the counts, after the measurement of time */
    int n;
    struct rusage before, after;
    gm_memory had = {.struct_size = sizeof had}, has = {.struct_size = sizeof has};
    const double t = median_time(take_steps, s, s->seconds, &n) / s->inner;
    show(name, threads, "time", t * 1e3, "ms", n);
    show(name, threads, s->metric, s->units / t, s->unit, n);
    const int counted = t > 0.1 ? 4 : WARM;
    NEED(gm_ctx_memory(s->ctx, &had));
    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < counted; i++) NEED(s->step(s->tr, NULL));
    getrusage(RUSAGE_SELF, &after);
    NEED(gm_ctx_memory(s->ctx, &has));
    show(name, threads, "allocations", (double)(has.allocations - had.allocations) / counted, "allocation/step", counted);
    show(name, threads, "page-faults", (double)(after.ru_minflt - before.ru_minflt) / counted, "fault/step", counted);
    show(name, threads, "memory", (double)has.peak_bytes / 1048576, "MiB", 1);
}

/* Rows of numbers in [0,1), or of zeros and ones of which a share `on` are ones. */
static inline gm_dataset *random_rows(gm_ctx *ctx, int ndim, const int64_t *shape, double on)
{
    size_t n = 1;
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    for (int i = 0; i < ndim; i++) n *= (size_t)shape[i];
    float *u = malloc(sizeof *u * n);
    if (!u) exit(1);
    NEED(gm_random_uniform(1, 0, 0, n, u));
    for (size_t i = 0; on > 0 && i < n; i++) u[i] = u[i] < (float)on;
    NEED(gm_tensor_copy(ctx, GM_F32, ndim, shape, u, &x));
    NEED(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_tensor_free(x);
    free(u);
    return d;
}

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
