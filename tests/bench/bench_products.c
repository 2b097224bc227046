/* bench_products.c - f32 products at the shapes of models beside OpenBLAS's, in turn, as JSON lines; the share of the machine's peak.
 * usage: bench_products [threads [part of a name]]   default: 1 and 2 threads
 * sgemm_XY_MxNxK: X, Y are N or T, T where the matrix lies transposed. BENCH_CPU=plain|avx2|avx512 picks the kernels. With BENCH_CLOCK=cpu,
 * for one thread on a busy machine, processor time is measured. */
#include "bench/roofline.h"
#include "kernels/kernels.h"
#include <cblas.h>
#include <math.h>

enum { ROUNDS = 9 };
#define SAMPLE 0.004 /* seconds of calls in one sample */

typedef struct product { int m, n, k, ta, tb; } product;
static const product products[] = {
    {16, 16, 16, 0, 0}, {32, 32, 32, 0, 0}, {64, 64, 64, 0, 0}, {128, 128, 128, 0, 0}, {256, 256, 256, 0, 0}, {512, 512, 512, 0, 0}, {1024, 1024, 1024, 0, 0},
    /* VAE, GAN, RBM, GPT, LSTM, a convolution's; y = x W^T, g W, g^T x */
    {128, 400, 784, 0, 1}, {128, 784, 400, 0, 1}, {128, 20, 400, 0, 1}, {128, 40, 400, 0, 1}, {128, 400, 20, 0, 1}, {128, 400, 784, 0, 0}, {128, 400, 40, 0, 0},
    {128, 20, 400, 0, 0}, {400, 784, 128, 1, 0}, {784, 400, 128, 1, 0}, {40, 400, 128, 1, 0}, {400, 20, 128, 1, 0}, {64, 1024, 512, 0, 1}, {64, 784, 1024, 0, 1},
    {64, 512, 784, 0, 1}, {64, 1024, 784, 0, 0}, {1024, 512, 64, 1, 0}, {784, 1024, 64, 1, 0}, {100, 400, 784, 0, 1}, {100, 500, 784, 0, 0}, {784, 500, 100, 1, 0},
    {32, 1024, 256, 0, 1}, {768, 384, 128, 0, 1}, {768, 512, 128, 0, 1}, {2048, 1536, 384, 0, 1}, {2048, 384, 1536, 0, 1}, {128, 256, 1152, 0, 0}, {64, 1024, 1152, 0, 0},
    /* few rows */
    {1, 400, 784, 0, 1}, {1, 1152, 384, 0, 1}, {1, 400, 784, 0, 0}, {4, 400, 784, 0, 1}, {128, 1, 400, 0, 1},
};

static gm_ctx *ctx;
static float *a, *b, *c;

static void multiply(const product *p, bool ours)
{
    const int lda = p->ta ? p->m : p->k, ldb = p->tb ? p->k : p->n;
    const gm__gemm g = {.m = (size_t)p->m, .n = (size_t)p->n, .k = (size_t)p->k, .a = a, .ars = p->ta ? 1 : lda, .acs = p->ta ? lda : 1,
                        .b = b, .brs = p->tb ? 1 : ldb, .bcs = p->tb ? ldb : 1, .c = c, .ldc = (size_t)p->n};
    if (ours) NEED(gm__gemm_f32(ctx, &g));
    else cblas_sgemm(CblasRowMajor, p->ta ? CblasTrans : CblasNoTrans, p->tb ? CblasTrans : CblasNoTrans, p->m, p->n, p->k, 1, a, lda, b, ldb, 0, c, p->n);
}

enum { OPENBLAS, OURS, PEAK };

/* OpenBLAS's time and ours, and the machine's peak: medians of samples taken in turn. */
static void measure(const product *p, int threads, double t[3])
{
    double sample[3][ROUNDS], start = now();
    int calls = 0;
    do multiply(p, true), calls++;
    while (now() - start < SAMPLE);
    for (int r = -1; r < ROUNDS; r++) {
        for (int who = OPENBLAS; who <= OURS; who++) {
            start = now();
            for (int i = 0; i < calls; i++) multiply(p, who == OURS);
            if (r >= 0) sample[who][r] = (now() - start) / calls;
        }
        if (r >= 0) sample[PEAK][r] = peak_flops(threads);
    }
    for (int who = 0; who <= PEAK; who++) {
        qsort(sample[who], ROUNDS, sizeof **sample, by_value);
        t[who] = sample[who][ROUNDS / 2];
    }
}

static float *numbers(size_t n)
{
    float *x = malloc(sizeof *x * n);
    if (!x) exit(1);
    NEED(gm_random_uniform(1, n, 0, n, x));
    for (size_t i = 0; i < n; i++) x[i] = 2 * x[i] - 1;
    return x;
}

static void run(int threads, const char *part)
{
    double logs = 0, peak = 0, t[3];
    int n = 0;
    char name[60];
    gm_ctx_config cfg;
    gm_ctx_config_init(&cfg, sizeof cfg);
    cfg.threads = threads, cfg.amx = 1, cfg.cpu = getenv("BENCH_CPU");
    NEED(gm_ctx_new(&cfg, &ctx));
    openblas_set_num_threads(threads);
    for (size_t i = 0; i < GM__COUNT(products); i++) {
        const product *p = &products[i];
        const double flops = 2.0 * p->m * p->n * p->k;
        snprintf(name, sizeof name, "sgemm_%c%c_%dx%dx%d", p->ta ? 'T' : 'N', p->tb ? 'T' : 'N', p->m, p->n, p->k);
        if (!strstr(name, part)) continue;
        a = numbers((size_t)p->m * (size_t)p->k), b = numbers((size_t)p->k * (size_t)p->n), c = numbers((size_t)p->m * (size_t)p->n);
        measure(p, threads, t);
        show(name, threads, "time", t[OURS] * 1e3, "ms", ROUNDS);
        show(name, threads, "rate", flops / t[OURS] * 1e-9, "GFLOP/s", ROUNDS);
        if (t[PEAK] > 0) show(name, threads, "peak", 100 * flops / t[OURS] / t[PEAK], "%", ROUNDS);
        if (t[PEAK] > peak) peak = t[PEAK];
        show(name, threads, "over-openblas", t[OPENBLAS] / t[OURS], "x", ROUNDS);
        logs += log(t[OPENBLAS] / t[OURS]), n++;
        free(a), free(b), free(c);
    }
    if (peak > 0) show("peak_fma", threads, "rate", peak * 1e-9, "GFLOP/s", ROUNDS);
    if (n > 1) show("sgemm_geometric_mean", threads, "over-openblas", exp(logs / n), "x", n);
    gm_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    for_threads(argc, argv, run);
    return 0;
}
