/* Engine figures as JSON lines: ns an op, VAE steps a second, allocations a step, cold start.
 * usage: bench_engine [threads]   default: 1 and 2 */
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

static void line(const char *workload, int threads, const char *metric, double value, const char *unit, int n)
{
    printf("{\"workload\":\"%s\",\"peer\":\"libgm\",\"threads\":%d,\"metric\":\"%s\",\"value\":%.5g,\"unit\":\"%s\",\"n\":%d}\n", workload, threads,
           metric, value, unit, n);
    fflush(stdout);
}

#define NEED(x) do { gm_status s_ = (x); if (s_) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, gm_status_name(s_)); exit(1); } } while (0)

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
    line(recorded ? "tiny_add_recorded" : "tiny_add_no_grad", 1, "time", median(sample, RUNS), "ns/op", RUNS);
    gm_tensor_free(w);
    gm_tape_free(t);
}

static void vae_steps(int threads)
{
    enum { RUNS = 25, INNER = 20 };
    double sample[RUNS];
    gm_ctx_config c;
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_memory before = {.struct_size = sizeof before}, after = {.struct_size = sizeof after};
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads;
    NEED(gm_ctx_new(&c, &ctx));
    NEED(gm_dataset_open(ctx, "synth:digits,n=8192", &d));
    NEED(gm_model_new(ctx, "vae", "hidden=400 latent=20", &m));
    NEED(gm_trainer_new(m, d, "steps=1000000 batch=128", &tr));
    for (int i = 0; i < 300; i++) NEED(gm_trainer_step(tr, NULL)); /* warm: past the first look for collapse */
    NEED(gm_ctx_memory(ctx, &before));
    for (int r = 0; r < RUNS; r++) {
        double start = now();
        for (int i = 0; i < INNER; i++) NEED(gm_trainer_step(tr, NULL));
        sample[r] = INNER / (now() - start);
    }
    NEED(gm_ctx_memory(ctx, &after));
    line("vae_step_b128", threads, "steps", median(sample, RUNS), "step/s", RUNS);
    line("vae_step_b128", threads, "allocations", (double)(after.allocations - before.allocations) / (RUNS * INNER), "allocation/step", RUNS * INNER);
    line("vae_step_b128", threads, "memory", (double)after.peak_bytes / 1048576, "MiB", 1);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
}

/* a process that makes and frees a context */
static void cold_start(const char *self)
{
    enum { RUNS = 21 };
    double sample[RUNS];
    long resident = 0;
    for (int r = 0; r < RUNS; r++) {
        double start = now();
        pid_t child = fork();
        if (child == 0) {
            execl(self, self, "--cold", (char *)NULL);
            _exit(127);
        }
        int status;
        struct rusage u;
        if (wait4(child, &status, 0, &u) != child || status) exit(1);
        sample[r] = (now() - start) * 1e3;
        if (r == RUNS - 1) resident = u.ru_maxrss;
    }
    line("cold_start", 1, "time", median(sample, RUNS), "ms", RUNS);
    line("cold_start", 1, "resident", (double)resident / 1024, "MiB", 1);
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    NEED(gm_ctx_new(NULL, &ctx));
    if (argc > 1 && !strcmp(argv[1], "--cold")) {
        gm_ctx_free(ctx);
        return 0;
    }
    tiny_ops(ctx, 0);
    tiny_ops(ctx, 1);
    gm_ctx_free(ctx);
    int only = argc > 1 ? atoi(argv[1]) : 0;
    if (only) vae_steps(only);
    else vae_steps(1), vae_steps(2);
    cold_start(argv[0]);
    return 0;
}
