/* bench_gpt.c - training and cached generation of GPTs at a vocabulary of 65, as JSON lines.
 * usage: bench_gpt [threads [part of a name]]   default: 1 and 2 threads
 * small: 4 blocks, 4 heads, 128 wide, contexts of 64, batch 12; large: 6, 6, 384, 256, 8; no biases, no dropout. "time" is of a step of
 * a trainer, or of a token that is drawn and read. With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. */
#include "bench/bench.h"

enum { LEAST = 3, MOST = 400, TEXT = 100000, VOCAB = 65 };
#define SECONDS 3.0

static const struct { const char *name, *options; int block, batch; } sizes[] = {
    {"small", "depth=4 heads=4 embd=128 block=64 bias=off unk=off", 64, 12},
    {"large", "depth=6 heads=6 embd=384 block=256 bias=off unk=off", 256, 8},
};

static void show(const char *size, const char *what, int threads, double seconds, int tokens, int n)
{
    const char *line = "{\"workload\":\"gpt_%s_%s\",\"peer\":\"libgm\",\"threads\":%d,\"metric\":\"%s\",\"value\":%.5g,\"unit\":\"%s\",\"n\":%d}\n";
    printf(line, size, what, threads, "time", seconds * 1e3, "ms", n);
    printf(line, size, what, threads, "tokens", tokens / seconds, "token/s", n);
    fflush(stdout);
}

static double step(gm_trainer *tr)
{
    double start = now();
    NEED(gm_trainer_step(tr, NULL));
    return now() - start;
}

/* A whole context, token by token: seconds a token. */
static double context(gm_sampler *s, int block)
{
    int64_t token;
    NEED(gm_sampler_reset(s));
    NEED(gm_sampler_prompt(s, "0", 1));
    double start = now();
    for (int i = 1; i < block; i++) NEED(gm_sampler_next(s, &token));
    return (now() - start) / (block - 1);
}

static void measure(int k, int threads, const char *part)
{
    double sample[MOST], end;
    int n = 0;
    char how[100], name[40];
    gm_ctx *ctx = NULL;
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_sampler *s = NULL;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads;
    c.amx = 1;
    NEED(gm_ctx_new(&c, &ctx));
    gm_dataset *d = random_text(ctx, TEXT, VOCAB);
    NEED(gm_model_new(ctx, "gpt", sizes[k].options, &m));
    snprintf(how, sizeof how, "steps=1000000 batch=%d prefetch=off beta2=0.99", sizes[k].batch);
    NEED(gm_trainer_new(m, d, how, &tr));
    snprintf(name, sizeof name, "gpt_%s_train", sizes[k].name);
    if (!part || strstr(name, part)) {
        for (int i = 0; i < 2; i++) step(tr);
        for (end = now() + SECONDS; n < LEAST || (n < MOST && now() < end); n++) sample[n] = step(tr);
        qsort(sample, (size_t)n, sizeof *sample, by_value);
        show(sizes[k].name, "train", threads, sample[n / 2], sizes[k].batch * sizes[k].block, n);
    }
    gm_trainer_free(tr);
    snprintf(name, sizeof name, "gpt_%s_sample", sizes[k].name);
    if (!part || strstr(name, part)) {
        NEED(gm_sampler_new(ctx, m, "temperature=0.8", &s));
        context(s, sizes[k].block);
        for (n = 0, end = now() + SECONDS; n < LEAST || (n < MOST && now() < end); n++) sample[n] = context(s, sizes[k].block);
        qsort(sample, (size_t)n, sizeof *sample, by_value);
        show(sizes[k].name, "sample", threads, sample[n / 2], 1, n);
    }
    gm_sampler_free(s);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    int only = argc > 1 ? atoi(argv[1]) : 0;
    for (int threads = only ? only : 1; threads <= (only ? only : 2); threads++)
        for (int k = 0; k < 2; k++) measure(k, threads, argc > 2 ? argv[2] : NULL);
    return 0;
}
