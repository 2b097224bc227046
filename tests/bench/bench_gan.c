/* bench_gan.c - steps of three adversarial games, batch 64, as JSON lines: dense nets on 784 numbers, a Wasserstein critic with its
 * gradient penalty, convolutions on 32x32 images.
 * usage: bench_gan [threads [part of a name]]   default: 1 and 2 threads
 * With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. The whole step of a trainer is
 * timed: batch, noise, losses, gradients, updates of both nets. The discriminator's half-step makes rows of its own. */
#include "bench/bench.h"

enum { ROWS = 40 * 64 };

#define DENSE_G "generator='linear 128, lrelu 0.2, linear 256, bnorm, lrelu 0.2, linear 512, bnorm, lrelu 0.2, linear 1024, bnorm, lrelu 0.2, linear 784, tanh' "
#define DENSE_D "discriminator='linear 512, lrelu 0.2, linear 256, lrelu 0.2, linear 1' "
#define CONV_G(c) "generator='linear 8192, reshape 128 8 8, bnorm, up 2, conv 128 k3 p1, bnorm, lrelu 0.2, up 2, conv 64 k3 p1, bnorm, lrelu 0.2, conv " c " k3 p1, tanh' "
#define CONV_D "discriminator='conv 16 k3 s2 p1, lrelu 0.2, dropout 0.25, conv 32 k3 s2 p1, lrelu 0.2, dropout 0.25, bnorm, conv 64 k3 s2 p1, lrelu 0.2, dropout 0.25, bnorm, " \
               "conv 128 k3 s2 p1, lrelu 0.2, dropout 0.25, bnorm, flatten, linear 1' "

typedef struct workload { const char *name, *options; int64_t shape[3]; int critic; } workload;
static const workload workloads[] = {
    {"gan_mlp_b64", DENSE_G DENSE_D "loss=non-saturating noise-dim=100", {1, 28, 28}, 0},
    {"wgan_gp_critic_b64", DENSE_G DENSE_D "loss=wasserstein penalty=gp noise-dim=100", {1, 28, 28}, 1},
    {"dcgan32_ch1_b64", CONV_G("1") CONV_D "loss=non-saturating noise-dim=100", {1, 32, 32}, 0},
    {"dcgan32_ch3_b64", CONV_G("3") CONV_D "loss=non-saturating noise-dim=100", {3, 32, 32}, 0},
};

static void measure(const workload *w, int threads)
{
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_ctx *ctx = bench_ctx(threads);
    gm_dataset *d = random_rows(ctx, 4, (const int64_t[]){ROWS, w->shape[0], w->shape[1], w->shape[2]}, 0);
    NEED(gm_model_new(ctx, "gan", w->options, &m));
    NEED(gm_trainer_new(m, d, "steps=1000000000 batch=64 lr=2e-4 beta1=0.5 ema=0 prefetch=off", &tr));
    steps s = {.ctx = ctx, .tr = tr, .step = w->critic ? gm_gan_d_step : gm_trainer_step, .inner = 1, .seconds = 1.5, .units = 1, .metric = "iterations", .unit = "iter/s"};
    bench_steps(w->name, threads, &s);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
}

static void run(int threads, const char *part)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (strstr(workloads[i].name, part)) measure(&workloads[i], threads);
}

int main(int argc, char **argv)
{
    for_threads(argc, argv, run);
    return 0;
}
