/* bench_rbm.c - updates of an RBM of 784 visible and 500 hidden units by contrastive divergence, batch 100, as JSON lines.
 * usage: bench_rbm [threads [part of a name]]   default: 1 and 2 threads
 * With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. The whole step of a trainer is
 * timed: batch, loss, norm of the gradient, update. */
#include "bench/bench.h"

#define ON 0.3 /* share of units that are on in the data */

static const struct { const char *name, *options; } workloads[] = {
    {"rbm_784_500_cd1_b100", "hidden=500 k=1 start=zero"},
    {"rbm_784_500_cd10_b100", "hidden=500 k=10 start=zero"},
    {"rbm_784_500_pcd1_b100", "hidden=500 k=1 start=zero persistent=on"},
};

static void measure(const char *name, const char *options, int threads)
{
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_ctx *ctx = bench_ctx(threads);
    gm_dataset *d = random_rows(ctx, 2, (const int64_t[]){50 * 100, 784}, ON);
    NEED(gm_model_new(ctx, "rbm", options, &m));
    NEED(gm_trainer_new(m, d, "steps=1000000000 batch=100 lr=0.01 prefetch=off", &tr));
    steps s = {.ctx = ctx, .tr = tr, .step = gm_trainer_step, .inner = 10, .seconds = 1, .units = 1, .metric = "updates", .unit = "update/s"};
    bench_steps(name, threads, &s);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
}

static void run(int threads, const char *part)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (strstr(workloads[i].name, part)) measure(workloads[i].name, workloads[i].options, threads);
}

int main(int argc, char **argv)
{
    for_threads(argc, argv, run);
    return 0;
}
