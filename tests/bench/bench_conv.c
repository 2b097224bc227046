/* bench_conv.c - convolutions at the shapes of a DCGAN and a LeNet, batch 64, forward and with all gradients, as JSON lines.
 * With BENCH_CLOCK=cpu, for one thread on a busy machine, processor time is measured. */
#include "bench/bench.h"
#include "ops/conv.h"

enum { BATCH = 64, LEAST = 5, MOST = 400 };
#define SECONDS 0.12
#define WARM 0.5 /* before the first measurement: OpenBLAS's threads spin for a tenth of a second after they were started */

typedef struct shape { const char *name; int c, o, size, k, stride, pad; bool doubled; } shape;
static const shape shapes[] = {
    {"G1_128to128_16x16", 128, 128, 16, 3, 1, 1, false}, {"G2_128to64_32x32", 128, 64, 32, 3, 1, 1, false},
    {"G3_64to1_32x32", 64, 1, 32, 3, 1, 1, false},       {"G3_64to3_32x32", 64, 3, 32, 3, 1, 1, false},
    {"D1_1to16_32s2", 1, 16, 32, 3, 2, 1, false},        {"D1_3to16_32s2", 3, 16, 32, 3, 2, 1, false},
    {"D2_16to32_16s2", 16, 32, 16, 3, 2, 1, false},      {"D3_32to64_8s2", 32, 64, 8, 3, 2, 1, false},
    {"D4_64to128_4s2", 64, 128, 4, 3, 2, 1, false},      {"L1_1to6_28x28", 1, 6, 28, 5, 1, 2, false},
    {"L2_6to16_14x14", 6, 16, 14, 5, 1, 0, false},       {"L1_1to32_28x28", 1, 32, 28, 5, 1, 2, false},
    {"L2_32to64_14x14", 32, 64, 14, 5, 1, 2, false},     {"up_128to128_8to16", 128, 128, 8, 3, 1, 1, true},
    {"up_128to64_16to32", 128, 64, 16, 3, 1, 1, true},
};

static gm_tensor *leaf(gm_ctx *ctx, int ndim, const int64_t *dim)
{
    gm_tensor *x = NULL;
    NEED(gm_tensor_new(ctx, GM_F32, ndim, dim, &x));
    for (int64_t i = 0; i < x->size; i++) gm__f32(x)[i] = (float)((i * 7919 + 13) % 1009) / 504.5f - 1;
    NEED(gm_tensor_set_grad(x, 1));
    return x;
}

static gm_tensor *once(gm_tape *t, const shape *s, gm_tensor *const xs[3], bool gradients)
{
    gm_tensor *out[3], *y;
    gm__attr a = gm__conv_attr((const int64_t[]){s->stride, s->stride}, (const int64_t[]){s->pad, s->pad}, NULL, 1);
    gm_tape_reset(t);
    gm_tape_recording(t, gradients);
    y = s->doubled ? gm__to_last(t, gm_upsample_conv2d(t, gm__from_last(t, xs[0]), xs[1], xs[2], s->pad)) : gm__conv_apply(t, xs[0], xs[1], xs[2], &a);
    if (gradients) NEED(gm_tape_grad(t, y, xs, 3, 0, out));
    NEED(gm_tape_status(t));
    return y;
}

static void measure(gm_ctx *ctx, gm_tape *t, const shape *s, int threads, double warm)
{
    gm_tensor *xs[3] = {leaf(ctx, 4, (const int64_t[]){BATCH, s->size, s->size, s->c}), leaf(ctx, 4, (const int64_t[]){s->o, s->c, s->k, s->k}),
                        leaf(ctx, 1, (const int64_t[]){s->o})};
    for (int gradients = 0; gradients < 2; gradients++) {
        double sample[MOST], end;
        int n = 0;
        gm_tensor *y = once(t, s, xs, gradients);
        double flops = 2.0 * (double)y->size * s->c * s->k * s->k * (gradients ? 3 : 1); /* of the plain convolution */
        for (end = now() + (gradients ? 0 : warm); now() < end;) once(t, s, xs, false);
        once(t, s, xs, gradients);
        for (end = now() + SECONDS; n < LEAST || (n < MOST && now() < end); n++) {
            double start = now();
            once(t, s, xs, gradients);
            sample[n] = now() - start;
        }
        qsort(sample, (size_t)n, sizeof *sample, by_value);
        char name[60];
        snprintf(name, sizeof name, "conv_%s_%s", s->name, gradients ? "fwdbwd" : "fwd");
        show(name, threads, "time", sample[n / 2] * 1e3, "ms", n);
        show(name, threads, "rate", flops / sample[n / 2] * 1e-9, "GFLOP/s", n);
    }
    for (int i = 0; i < 3; i++) gm_tensor_free(xs[i]);
}

static void run(int threads, const char *part)
{
    gm_tape *t = NULL;
    gm_ctx *ctx = bench_ctx(threads);
    double warm = WARM;
    char name[60];
    NEED(gm_tape_new(ctx, 0, &t));
    for (size_t i = 0; i < GM__COUNT(shapes); i++) {
        snprintf(name, sizeof name, "conv_%s", shapes[i].name);
        if (!strstr(name, part)) continue;
        measure(ctx, t, &shapes[i], threads, warm);
        warm = 0;
    }
    gm_tape_free(t);
    gm_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    for_threads(argc, argv, run);
    return 0;
}
