/* bench_engine.c - engine figures as JSON lines: ns an op, cold start.
 * usage: bench_engine [threads [part of a name]] */
#include "bench/bench.h"
#include <sys/wait.h>

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

static void tiny_ops(gm_ctx *ctx, int recorded)
{
    enum { OPS = 1000, RUNS = 201 };
    double sample[RUNS];
    gm_tape *t = NULL;
    gm_tensor *w = NULL;
    int64_t one = 1;
    NEED(gm_tape_new(ctx, 0, &t));
    NEED(gm_tensor_new(ctx, GM_F32, 1, &one, &w));
    NEED(gm_tensor_set_grad(w, recorded));
    gm_tape_recording(t, recorded);
    for (int r = 0; r < RUNS; r++) {
        double start = now();
        gm_tensor *y = gm_add(t, w, w);
        for (int i = 1; i < OPS; i++) y = gm_add(t, y, w);
        sample[r] = (now() - start) / OPS * 1e9;
        NEED(gm_tape_status(t));
        gm_tape_reset(t);
    }
    show(recorded ? "tiny_add_recorded" : "tiny_add_no_grad", 1, "time", median(sample, RUNS), "ns/op", RUNS);
    gm_tensor_free(w);
    gm_tape_free(t);
}

/* a process that makes and frees a context */
static void cold_start(const char *self)
{
    enum { RUNS = 21 };
    double sample[RUNS];
    long resident = 0;
    for (int r = 0; r < RUNS; r++) {
        double start = seconds_of(CLOCK_MONOTONIC);
        pid_t child = fork();
        if (child == 0) {
            execl(self, self, "--cold", (char *)NULL);
            _exit(127);
        }
        int status;
        struct rusage u;
        if (wait4(child, &status, 0, &u) != child || status) exit(1);
        sample[r] = (seconds_of(CLOCK_MONOTONIC) - start) * 1e3;
        if (r == RUNS - 1) resident = u.ru_maxrss;
    }
    show("cold_start", 1, "time", median(sample, RUNS), "ms", RUNS);
    show("cold_start", 1, "resident", (double)resident / 1024, "MiB", 1);
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = bench_ctx(1);
    const char *part = argc > 2 ? argv[2] : "";
    if (argc > 1 && !strcmp(argv[1], "--cold")) {
        gm_ctx_free(ctx);
        return 0;
    }
    if (strstr("tiny_add_no_grad", part)) tiny_ops(ctx, 0);
    if (strstr("tiny_add_recorded", part)) tiny_ops(ctx, 1);
    gm_ctx_free(ctx);
    if (strstr("cold_start", part)) cold_start(argv[0]);
    return 0;
}
