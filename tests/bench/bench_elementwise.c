/* bench_elementwise.c - loops over numbers from the first cache to memory, as JSON lines: time, rate, share of the bandwidth of a
 * plain triad over as many bytes, probed in the same run.
 * usage: bench_elementwise [threads [part of a name]]   default: 1 and 2 threads
 * BENCH_CPU=plain|avx2|avx512 picks the kernels. With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. */
#include "bench/roofline.h"
#include "kernels/kernels.h"

static gm_ctx *ctx;
static size_t n; /* numbers of each array */
static float *x, *y, *z, *w;
static const gm__adam adam = {1e-3, 0.9, 0.999, 1e-8, 0, 0.1, 0.001, false};
static const gm__stream stream = {{1, 2}, {0, 0, 0, 0}};

#define UNARY(NAME) gm__unary(ctx, false, GM__U_##NAME, n, y, x, NULL)
#define BINARY(NAME) gm__binary(ctx, false, GM__B_##NAME, n, y, x, z, GM__VV, NULL)
#define K ctx->kern
/* name, bytes an element, threads that it runs on (0: all of the context's), call */
#define LOOPS(X)                                                                        \
    X(relu, 8, 0, UNARY(RELU))                                                          \
    X(tanh, 8, 0, UNARY(TANH))                                                          \
    X(gelu, 8, 0, UNARY(GELU))                                                          \
    X(exp, 8, 0, UNARY(EXP))                                                            \
    X(log, 8, 0, UNARY(LOG))                                                            \
    X(sigmoid, 8, 0, UNARY(SIGMOID))                                                    \
    X(silu, 8, 0, UNARY(SILU))                                                          \
    X(softplus, 8, 0, UNARY(SOFTPLUS))                                                  \
    X(add, 12, 0, BINARY(ADD))                                                          \
    X(bce, 12, 0, BINARY(BCE))                                                          \
    X(bce_gradient, 12, 0, BINARY(BCE_G))                                               \
    X(sum, 4, 0, *y = (float)gm__sum(ctx, false, n, x))                                 \
    X(adam, 28, 1, K->adam_f32(n, w, y, z, x, 1, &adam))                                \
    X(dropout, 4, 1, K->dropout_f32(stream, n, y, 0.5f))                                \
    X(uniform, 4, 1, K->uniform_f32(stream, n, y))                                      \
    X(normal, 4, 1, K->normal_f32(stream, n, y))                                        \
    X(bernoulli, 8, 1, K->bernoulli_f32(stream, n, y, z))                               \
    X(softmax_rows1024, 8, 1, K->softmax_f32(n / 1024, 1024, y, x))                     \
    X(layer_norm_rows1024, 8, 1, K->layer_norm_f32(n / 1024, 1024, 1e-5f, y, z, w, x, NULL, NULL)) \
    X(u8_to_f32, 5, 1, K->u8_f32(n, y, (const uint8_t *)x, 1 / 255.0f, 0))

#define FUNCTION(NAME, BYTES, THREADS, CALL) static void run_##NAME(void *arg) { for (int i = *(int *)arg; i > 0; i--) CALL; }
LOOPS(FUNCTION)
#define ROW(NAME, BYTES, THREADS, CALL) {#NAME, BYTES, THREADS, run_##NAME},
static const struct { const char *name; int bytes, threads; void (*run)(void *); } loops[] = {LOOPS(ROW)};

static const struct { size_t n; const char *tag; } sizes[] = {{1 << 10, "1Ki"}, {1 << 16, "64Ki"}, {1 << 20, "1Mi"}, {1 << 24, "16Mi"}};

static float *numbers(float lo, float hi)
{
    float *p = aligned_alloc(64, sizeof *p * n);
    if (!p) exit(1);
    NEED(gm_random_uniform(1, 0, 0, n, p));
    for (size_t i = 0; i < n; i++) p[i] = lo + (hi - lo) * p[i];
    return p;
}

static void size_run(size_t at, int threads, const char *part)
{
    double roof = 0;
    char name[60];
    n = sizes[at].n;
    x = numbers(0.1f, 4), y = numbers(0, 1), z = numbers(0, 1), w = numbers(-1, 1);
    for (size_t i = 0; i < GM__COUNT(loops); i++) {
        snprintf(name, sizeof name, "%s_%s", loops[i].name, sizes[at].tag);
        if (!strstr(name, part) || (threads > 1 && loops[i].threads == 1)) continue;
        if (!roof) {
            char probe[40];
            snprintf(probe, sizeof probe, "triad_%s", sizes[at].tag);
            show(probe, threads, "bandwidth", (roof = peak_bytes(threads, n / (size_t)threads)) * 1e-9, "GB/s", 9);
        }
        int calls = (int)((1 << 20) / n) + 1, samples;
        const double t = median_time(loops[i].run, &calls, 0.1, &samples) / calls;
        show(name, threads, "time", t * 1e3, "ms", samples);
        show(name, threads, "elements", (double)n / t * 1e-9, "Gelem/s", samples);
        show(name, threads, "bandwidth", 100 * (double)n * loops[i].bytes / t / roof, "%", samples);
    }
    free(x), free(y), free(z), free(w);
}

static void run(int threads, const char *part)
{
    gm_ctx_config cfg;
    gm_ctx_config_init(&cfg, sizeof cfg);
    cfg.threads = threads, cfg.cpu = getenv("BENCH_CPU");
    NEED(gm_ctx_new(&cfg, &ctx));
    for (size_t i = 0; i < GM__COUNT(sizes); i++) size_run(i, threads, part);
    gm_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    for_threads(argc, argv, run);
    return 0;
}
