/* bench_kernels.c - speed of the products against OpenBLAS on one thread
 * (alternating, medians), and of the elementwise kernels in cache.
 * Usage: bench_kernels [plain|avx2|avx512|auto] [products|loops] [part of a name] */
#include "kernels/kernels.h"
#include <cblas.h>
#include <gm/ctx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 15 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* all work is on this thread */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static int ascending(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }
static double median(double *t, int n)
{
    qsort(t, (size_t)n, sizeof *t, ascending);
    return t[n / 2];
}
static float *floats(size_t n, float lo, float hi)
{
    float *p = aligned_alloc(64, (n * 4 + 63) / 64 * 64);
    uint32_t s = 12345;
    for (size_t i = 0; i < n; i++) {
        s = s * 1664525u + 1013904223u;
        p[i] = lo + (hi - lo) * (float)(s >> 8) * 0x1p-24f;
    }
    return p;
}

typedef struct shape { const char *what; size_t m, n, k; int ta, tb; } shape;
static const shape shapes[] = {
    /* VAE 784-400-20, batch 128: x W^T, g W, g^T x */
    { "forward 784>400", 128, 400, 784, 0, 1 }, { "forward 400>20", 128, 20, 400, 0, 1 }, { "forward 400>40", 128, 40, 400, 0, 1 },
    { "forward 20>400", 128, 400, 20, 0, 1 },   { "forward 400>784", 128, 784, 400, 0, 1 },
    { "input grad 784>400", 128, 400, 784, 0, 0 }, { "input grad 40>400", 128, 400, 40, 0, 0 }, { "input grad 400>20", 128, 20, 400, 0, 0 },
    { "weight grad 400x784", 400, 784, 128, 1, 0 }, { "weight grad 784x400", 784, 400, 128, 1, 0 },
    { "weight grad 40x400", 40, 400, 128, 1, 0 }, { "weight grad 400x20", 400, 20, 128, 1, 0 },
    { "square 64", 64, 64, 64, 0, 0 }, { "square 256", 256, 256, 256, 0, 0 }, { "square 256 NT", 256, 256, 256, 0, 1 },
    { "square 512", 512, 512, 512, 0, 0 }, { "square 1024", 1024, 1024, 1024, 0, 0 },
    { "square 1024 TN", 1024, 1024, 1024, 1, 0 }, { "one row 784>400", 1, 400, 784, 0, 1 }, { "one row, W straight", 1, 400, 784, 0, 0 },
    { "four rows 784>400", 4, 400, 784, 0, 1 }, { "one output 400>1", 128, 1, 400, 0, 1 },
};

static void products(gm_ctx *ctx, const char *only)
{
    openblas_set_num_threads(1);
    printf("%-22s %16s %9s %9s %8s %8s   (us, GFLOP/s of ours)\n", "product", "m x n x k", "OpenBLAS", "ours", "ratio", "GFLOP/s");
    for (size_t s = 0; s < GM__COUNT(shapes); s++) {
        const shape *p = &shapes[s];
        if (!strstr(p->what, only)) continue;
        float *a = floats(p->m * p->k, -1, 1), *b = floats(p->k * p->n, -1, 1), *c = floats(p->m * p->n, 0, 0);
        size_t lda = p->ta ? p->m : p->k, ldb = p->tb ? p->k : p->n;
        gm__gemm g = { .m = p->m, .n = p->n, .k = p->k, .a = a, .ars = p->ta ? 1 : (ptrdiff_t)p->k, .acs = p->ta ? (ptrdiff_t)p->m : 1,
                       .b = b, .brs = p->tb ? 1 : (ptrdiff_t)p->n, .bcs = p->tb ? (ptrdiff_t)p->k : 1, .c = c, .ldc = p->n };
        double flops = 2.0 * (double)p->m * (double)p->n * (double)p->k, t[2][ROUNDS];
        int calls = (int)(1e9 / flops);
        if (calls < 1) calls = 1;
        if (calls > 1000) calls = 1000;
        for (int r = -1; r < ROUNDS; r++)
            for (int who = 0; who < 2; who++) {
                double start = now();
                for (int i = 0; i < calls; i++) {
                    if (who) gm__gemm_f32(ctx, &g);
                    else
                        cblas_sgemm(CblasRowMajor, p->ta ? CblasTrans : CblasNoTrans, p->tb ? CblasTrans : CblasNoTrans, (int)p->m, (int)p->n,
                                    (int)p->k, 1, a, (int)lda, b, (int)ldb, 0, c, (int)p->n);
                }
                if (r >= 0) t[who][r] = (now() - start) / calls;
            }
        double blas = median(t[0], ROUNDS), ours = median(t[1], ROUNDS);
        char size[32];
        snprintf(size, sizeof size, "%zux%zux%zu", p->m, p->n, p->k);
        printf("%-22s %16s %9.1f %9.1f %8.2f %8.1f\n", p->what, size, blas * 1e6, ours * 1e6, blas / ours, flops / ours * 1e-9);
        free(a), free(b), free(c);
    }
}

enum { N = 8192 };
static const gm__kern *K;
static float *y, *x, *z, *w, *v;
static gm__stream stream = { { 1, 2 }, { 0, 0, 0, 0 } };
static const gm__adam adam = { 1e-3, 0.9, 0.999, 1e-8, 0, 0.1, 0.001, false };

#define LOOPS(X)                                                                     \
    X("exp", K->unary_f32[GM__U_EXP](N, y, x, NULL))                                 \
    X("log", K->unary_f32[GM__U_LOG](N, y, x, NULL))                                 \
    X("tanh", K->unary_f32[GM__U_TANH](N, y, x, NULL))                               \
    X("sigmoid", K->unary_f32[GM__U_SIGMOID](N, y, x, NULL))                         \
    X("softplus", K->unary_f32[GM__U_SOFTPLUS](N, y, x, NULL))                       \
    X("erf", K->unary_f32[GM__U_ERF](N, y, x, NULL))                                 \
    X("gelu", K->unary_f32[GM__U_GELU](N, y, x, NULL))                               \
    X("sin", K->unary_f32[GM__U_SIN](N, y, x, NULL))                                 \
    X("log1p", K->unary_f32[GM__U_LOG1P](N, y, x, NULL))                             \
    X("relu", K->unary_f32[GM__U_RELU](N, y, x, NULL))                               \
    X("add", K->binary_f32[GM__B_ADD](N, y, x, z, GM__VV, NULL))                     \
    X("add a number", K->binary_f32[GM__B_ADD](N, y, x, z, GM__VS, NULL))            \
    X("bce", K->binary_f32[GM__B_BCE](N, y, x, z, GM__VV, NULL))                     \
    X("bce gradient", K->binary_f32[GM__B_BCE_G](N, y, x, z, GM__VV, NULL))          \
    X("sum", *y = K->sum_f32(N, x))                                                  \
    X("sum of squares", *y = (float)K->sumsq_f32(N, x))                              \
    X("column sums 64x128", K->colsum_f32(64, N / 64, x, N / 64, y, false))          \
    X("softmax 512x16", K->softmax_f32(512, N / 512, y, x))                          \
    X("softmax 8x1024", K->softmax_f32(8, N / 8, y, x))                              \
    X("layer norm 64x128", K->layer_norm_f32(64, N / 64, 1e-5f, y, w, v, x, NULL, NULL)) \
    X("adam", K->adam_f32(N, w, y, v, x, 1, &adam))                                  \
    X("uniform", K->uniform_f32(stream, N, y))                                       \
    X("normal", K->normal_f32(stream, N, y))                                         \
    X("bernoulli", K->bernoulli_f32(stream, N, y, z))                                \
    X("u8 to f32", K->u8_f32(N, y, (const uint8_t *)x, 1 / 255.0f, 0))

static void loops(void)
{
    x = floats(N, 0.1f, 4), z = floats(N, 0, 1), y = floats(N, 0, 0), w = floats(N, -1, 1), v = floats(N, 0, 1);
    printf("%-22s %16s   (%d floats, in cache)\n", "loop", "10^9 elements/s", N);
#define TIME(NAME, CALL)                                                 \
    {                                                                    \
        double t[ROUNDS];                                                \
        for (int r = -1; r < ROUNDS; r++) {                              \
            double start = now();                                        \
            for (int i = 0; i < 200; i++) CALL;                          \
            if (r >= 0) t[r] = (now() - start) / 200;                    \
        }                                                                \
        printf("%-22s %16.2f\n", NAME, N / median(t, ROUNDS) * 1e-9);    \
    }
    LOOPS(TIME)
    free(x), free(y), free(z), free(w), free(v);
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    c.cpu = argc > 1 ? argv[1] : "auto";
    if (gm_ctx_new(&c, &ctx)) return 1;
    K = ctx->kern;
    printf("kernels: %s, one thread\n", K->name);
    if (argc < 3 || !strcmp(argv[2], "products")) products(ctx, argc > 3 ? argv[3] : "");
    if (argc < 3 || !strcmp(argv[2], "loops")) loops();
    gm_ctx_free(ctx);
    return 0;
}
