/* bench_gan.c - steps of three adversarial games, batch 64, as JSON lines: dense nets on 784 numbers, a Wasserstein critic with its
 * gradient penalty, convolutions on 32x32 images.
 * usage: bench_gan [threads [part of a name]]   default: 1 and 2 threads
 * With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. The whole step of a trainer is
 * timed: batch, noise, losses, gradients, updates of both nets. The discriminator's half-step makes rows of its own. */
#include "bench/bench.h"

enum { ROWS = 40 * 64, LEAST = 5, MOST = 400 };
#define SECONDS 1.5

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

static gm_dataset *noise(gm_ctx *ctx, const int64_t *shape)
{
    const size_t n = (size_t)(ROWS * shape[0] * shape[1] * shape[2]);
    float *u = malloc(sizeof *u * n);
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    NEED(gm_random_uniform(1, 0, 0, n, u));
    NEED(gm_tensor_copy(ctx, GM_F32, 4, (const int64_t[]){ROWS, shape[0], shape[1], shape[2]}, u, &x));
    NEED(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_tensor_free(x);
    free(u);
    return d;
}

static void measure(const workload *w, int threads)
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
    gm_dataset *d = noise(ctx, w->shape);
    NEED(gm_model_new(ctx, "gan", w->options, &m));
    NEED(gm_trainer_new(m, d, "steps=1000000000 batch=64 lr=2e-4 beta1=0.5 ema=0 prefetch=off", &tr));
    for (int i = 0; i < 3; i++) NEED(w->critic ? gm_gan_d_step(tr, NULL) : gm_trainer_step(tr, NULL));
    for (end = now() + SECONDS; n < LEAST || (n < MOST && now() < end); n++) {
        double start = now();
        NEED(w->critic ? gm_gan_d_step(tr, NULL) : gm_trainer_step(tr, NULL));
        sample[n] = now() - start;
    }
    qsort(sample, (size_t)n, sizeof *sample, by_value);
    const char *line = "{\"workload\":\"%s\",\"peer\":\"libgm\",\"threads\":%d,\"metric\":\"%s\",\"value\":%.5g,\"unit\":\"%s\",\"n\":%d}\n";
    printf(line, w->name, threads, "time", sample[n / 2] * 1e3, "ms", n);
    printf(line, w->name, threads, "iterations", 1 / sample[n / 2], "iter/s", n);
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
            if (argc < 3 || strstr(workloads[i].name, argv[2])) measure(&workloads[i], threads);
    return 0;
}
