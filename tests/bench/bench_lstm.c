/* bench_lstm.c - a character LSTM of 2 layers of 256 units, 65 characters, 64 steps, batch 32: tokens a second in training and in
 * writing, as JSON lines.
 * usage: bench_lstm [threads [part of a name]]   default: 1 and 2 threads
 * With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. Training is the whole step of a
 * trainer: batch, loss, gradient, its norm, update. Writing draws one token after another. */
#include "bench/bench.h"

enum { SYMBOLS = 65, STEPS = 64, BATCH = 32, TEXT = BATCH * 100 * STEPS + 1, WRITE = 500 };
#define SECONDS 2.0
#define TRAIN "char_lstm_2x256_s64_b32_train"
#define SAMPLE "char_lstm_2x256_sample_b1"

static void write_tokens(void *writer)
{
    int64_t token;
    for (int i = 0; i < WRITE; i++) NEED(gm_sampler_next(writer, &token));
}

static void run(int threads, const char *part)
{
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_sampler *writer = NULL;
    int n;
    gm_ctx *ctx = bench_ctx(threads);
    gm_dataset *d = random_text(ctx, TEXT, SYMBOLS);
    NEED(gm_model_new(ctx, "rnn", "cell=lstm hidden=256 depth=2 block=64 unk=off", &m));
    NEED(gm_trainer_new(m, d, "steps=1000000000 batch=32 lr=2e-3 clip-norm=5 prefetch=off schedule=constant", &tr));
    steps s = {.ctx = ctx, .tr = tr, .step = gm_trainer_step, .inner = 1, .seconds = SECONDS, .units = BATCH * STEPS, .metric = "tokens", .unit = "token/s"};
    if (strstr(TRAIN, part)) bench_steps(TRAIN, threads, &s);
    gm_trainer_free(tr);
    NEED(gm_sampler_new(ctx, m, NULL, &writer));
    if (strstr(SAMPLE, part)) {
        const double t = median_time(write_tokens, writer, SECONDS, &n);
        show(SAMPLE, threads, "time", t * 1e3, "ms", n);
        show(SAMPLE, threads, "tokens", WRITE / t, "token/s", n);
    }
    gm_sampler_free(writer);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    for_threads(argc, argv, run);
    return 0;
}
