/* bench_gpt.c - training and cached generation of GPTs at a vocabulary of 65, as JSON lines.
 * usage: bench_gpt [threads [part of a name]]   default: 1 and 2 threads
 * small: 4 blocks, 4 heads, 128 wide, contexts of 64, batch 12; large: 6, 6, 384, 256, 8; no biases, no dropout. "time" is of a step of
 * a trainer, or of a token that is drawn and read. With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. */
#include "bench/bench.h"

enum { TEXT = 100000, VOCAB = 65 };
#define SECONDS 3.0

static const struct { const char *name, *options; int block, batch; } sizes[] = {
    {"small", "depth=4 heads=4 embd=128 block=64 bias=off unk=off", 64, 12},
    {"large", "depth=6 heads=6 embd=384 block=256 bias=off unk=off", 256, 8},
};

/* A whole context, token by token. */
typedef struct writing { gm_sampler *s; int block; } writing;

static void context(void *arg)
{
    const writing *w = arg;
    int64_t token;
    NEED(gm_sampler_reset(w->s));
    NEED(gm_sampler_prompt(w->s, "0", 1));
    for (int i = 1; i < w->block; i++) NEED(gm_sampler_next(w->s, &token));
}

static void measure(int k, int threads, const char *part)
{
    int n;
    char how[100], name[40];
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    writing w = {.block = sizes[k].block};
    gm_ctx *ctx = bench_ctx(threads);
    gm_dataset *d = random_text(ctx, TEXT, VOCAB);
    NEED(gm_model_new(ctx, "gpt", sizes[k].options, &m));
    snprintf(how, sizeof how, "steps=1000000 batch=%d prefetch=off beta2=0.99", sizes[k].batch);
    NEED(gm_trainer_new(m, d, how, &tr));
    snprintf(name, sizeof name, "gpt_%s_train", sizes[k].name);
    steps s = {.ctx = ctx, .tr = tr, .step = gm_trainer_step, .inner = 1, .seconds = SECONDS, .units = sizes[k].batch * sizes[k].block, .metric = "tokens", .unit = "token/s"};
    if (strstr(name, part)) bench_steps(name, threads, &s);
    gm_trainer_free(tr);
    snprintf(name, sizeof name, "gpt_%s_sample", sizes[k].name);
    if (strstr(name, part)) {
        NEED(gm_sampler_new(ctx, m, "temperature=0.8", &w.s));
        const double t = median_time(context, &w, SECONDS, &n) / (w.block - 1);
        show(name, threads, "time", t * 1e3, "ms", n);
        show(name, threads, "tokens", 1 / t, "token/s", n);
        gm_sampler_free(w.s);
    }
    gm_model_free(m);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
}

static void run(int threads, const char *part)
{
    for (int k = 0; k < 2; k++) measure(k, threads, part);
}

int main(int argc, char **argv)
{
    for_threads(argc, argv, run);
    return 0;
}
