/* bench_vae.c - steps of a variational autoencoder, 784-400-20-400-784, batch 128, Adam, as JSON lines.
 * usage: bench_vae [threads [part of a name]]   default: 1 and 2 threads
 * With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. The whole step of a trainer is
 * timed: batch, loss, gradients, their norm, update. */
#include "bench/bench.h"

static void run(int threads, const char *part)
{
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    if (!strstr("vae_step_b128", part)) return;
    gm_ctx *ctx = bench_ctx(threads);
    gm_dataset *d = random_rows(ctx, 4, (const int64_t[]){64 * 128, 1, 28, 28}, 0);
    NEED(gm_model_new(ctx, "vae", "hidden=400 latent=20", &m));
    NEED(gm_trainer_new(m, d, "steps=1000000 batch=128 prefetch=off", &tr));
    steps s = {.ctx = ctx, .tr = tr, .step = gm_trainer_step, .inner = 1, .seconds = 2, .units = 1, .metric = "steps", .unit = "step/s"};
    for (int i = 0; i < 300; i++) NEED(gm_trainer_step(tr, NULL)); /* past the first look for collapse */
    bench_steps("vae_step_b128", threads, &s);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    for_threads(argc, argv, run);
    return 0;
}
