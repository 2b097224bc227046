/* bench_lstm.c - a character LSTM of 2 layers of 256 units, 65 characters, 64 steps, batch 32: tokens a second in training and in
 * writing, as JSON lines.
 * usage: bench_lstm [threads [part of a name]]   default: 1 and 2 threads
 * With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. Training is the whole step of a
 * trainer: batch, loss, gradient, its norm, update. Writing draws one token after another. */
#include "bench/bench.h"

enum { SYMBOLS = 65, STEPS = 64, BATCH = 32, TEXT = BATCH * 100 * STEPS + 1, WRITE = 500, LEAST = 5, MOST = 400 };
#define SECONDS 2.0

static gm_ctx *ctx;
static gm_trainer *tr;
static gm_sampler *writer;

static void train_step(void) { NEED(gm_trainer_step(tr, NULL)); }

static void write_tokens(void)
{
    int64_t token;
    for (int i = 0; i < WRITE; i++) NEED(gm_sampler_next(writer, &token));
}

static void measure(const char *name, int threads, int tokens, void (*work)(void), const char *part)
{
    double sample[MOST], end;
    int n = 0;
    if (part && !strstr(name, part)) return;
    for (int i = 0; i < 3; i++) work();
    for (end = now() + SECONDS; n < LEAST || (n < MOST && now() < end); n++) {
        double start = now();
        work();
        sample[n] = now() - start;
    }
    qsort(sample, (size_t)n, sizeof *sample, by_value);
    printf("{\"workload\":\"%s\",\"peer\":\"libgm\",\"threads\":%d,\"metric\":\"time\",\"value\":%.5g,\"unit\":\"ms\",\"n\":%d}\n", name, threads, sample[n / 2] * 1e3, n);
    printf("{\"workload\":\"%s\",\"peer\":\"libgm\",\"threads\":%d,\"metric\":\"tokens\",\"value\":%.5g,\"unit\":\"token/s\",\"n\":%d}\n", name, threads, tokens / sample[n / 2], n);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int only = argc > 1 ? atoi(argv[1]) : 0;
    const char *part = argc > 2 ? argv[2] : NULL;
    for (int threads = only ? only : 1; threads <= (only ? only : 2); threads++) {
        gm_model *m = NULL;
        gm_ctx_config c;
        gm_ctx_config_init(&c, sizeof c);
        c.threads = threads;
        NEED(gm_ctx_new(&c, &ctx));
        gm_dataset *d = random_text(ctx, TEXT, SYMBOLS);
        NEED(gm_model_new(ctx, "rnn", "cell=lstm hidden=256 depth=2 block=64 unk=off", &m));
        NEED(gm_trainer_new(m, d, "steps=1000000000 batch=32 lr=2e-3 clip-norm=5 prefetch=off schedule=constant", &tr));
        measure("char_lstm_2x256_s64_b32_train", threads, BATCH * STEPS, train_step, part);
        gm_trainer_free(tr);
        NEED(gm_sampler_new(ctx, m, NULL, &writer));
        measure("char_lstm_2x256_sample_b1", threads, WRITE, write_tokens, part);
        gm_sampler_free(writer);
        gm_model_free(m);
        gm_dataset_free(d);
        gm_ctx_free(ctx);
    }
    return 0;
}
