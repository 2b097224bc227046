/* bench_rbm.c - updates of an RBM of 784 visible and 500 hidden units by contrastive divergence, batch 100, as JSON lines.
 * usage: bench_rbm [threads [part of a name]]   default: 1 and 2 threads
 * With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. The whole step of a trainer is
 * timed: batch, loss, norm of the gradient, update. */
#include "bench/bench.h"

enum { BATCH = 100, VISIBLE = 784, ROWS = 50 * BATCH, INNER = 10, LEAST = 5, MOST = 400 };
#define SECONDS 1.0
#define ON 0.3 /* share of units that are on in the data */

static const struct { const char *name, *options; } workloads[] = {
    {"rbm_784_500_cd1_b100", "hidden=500 k=1 start=zero"},
    {"rbm_784_500_cd10_b100", "hidden=500 k=10 start=zero"},
    {"rbm_784_500_pcd1_b100", "hidden=500 k=1 start=zero persistent=on"},
};

static gm_dataset *noise(gm_ctx *ctx)
{
    float *u = malloc(sizeof *u * ROWS * VISIBLE);
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    NEED(gm_random_uniform(1, 0, 0, (size_t)ROWS * VISIBLE, u));
    for (int i = 0; i < ROWS * VISIBLE; i++) u[i] = u[i] < (float)ON;
    NEED(gm_tensor_copy(ctx, GM_F32, 2, (const int64_t[]){ROWS, VISIBLE}, u, &x));
    NEED(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_tensor_free(x);
    free(u);
    return d;
}

static void measure(const char *name, const char *options, int threads)
{
    double sample[MOST], end;
    int n = 0;
    gm_ctx *ctx = NULL;
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads;
    NEED(gm_ctx_new(&c, &ctx));
    gm_dataset *d = noise(ctx);
    NEED(gm_model_new(ctx, "rbm", options, &m));
    NEED(gm_trainer_new(m, d, "steps=1000000000 batch=100 lr=0.01 prefetch=off", &tr));
    for (int i = 0; i < INNER; i++) NEED(gm_trainer_step(tr, NULL));
    for (end = now() + SECONDS; n < LEAST || (n < MOST && now() < end); n++) {
        double start = now();
        for (int i = 0; i < INNER; i++) NEED(gm_trainer_step(tr, NULL));
        sample[n] = (now() - start) / INNER;
    }
    qsort(sample, (size_t)n, sizeof *sample, by_value);
    const char *line = "{\"workload\":\"%s\",\"peer\":\"libgm\",\"threads\":%d,\"metric\":\"%s\",\"value\":%.5g,\"unit\":\"%s\",\"n\":%d}\n";
    printf(line, name, threads, "time", sample[n / 2] * 1e3, "ms", n);
    printf(line, name, threads, "updates", 1 / sample[n / 2], "update/s", n);
    fflush(stdout);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    int only = argc > 1 ? atoi(argv[1]) : 0;
    for (int threads = only ? only : 1; threads <= (only ? only : 2); threads++)
        for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
            if (argc < 3 || strstr(workloads[i].name, argv[2])) measure(workloads[i].name, workloads[i].options, threads);
    return 0;
}
