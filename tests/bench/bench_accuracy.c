/* bench_accuracy.c - how far f32 is from f64, at each precision of a context: products, convolutions with their gradients, and the
 * losses of two short trainings, a VAE's and a GPT's, from the same weights on the same rows. JSON lines.
 * usage: bench_accuracy [threads [part of a name]]   one thread: results do not depend on their number
 * "error": |f32 - f64| / |f64|, of matrices by their Frobenius norms, of losses at the worst step. The VAE has GELUs: where a ReLU is switched by a
 * rounding, curves part by more than rounding. */
#include "bench/bench.h"
#include <math.h>

enum { LEAVES = 24, STEPS = 150, PRECISIONS = 3 };
static const char *const precisions[PRECISIONS] = {"highest", "high", "medium"}; /* GM_PRECISION_* */

static gm_ctx *ctx; /* the one at work */
typedef gm_tensor *expression(gm_tape *t, gm_tensor *const *w, int step);
typedef struct task {
    const char *name;
    int64_t shape[LEAVES][4]; /* of leaves; 0 ends a shape, and the list */
    double scale;             /* leaves are uniform in [-scale, scale) */
    expression *fn;
} task;

/* ---- what is computed ------------------------------------------------------------- */

static gm_tensor *product(gm_tape *t, gm_tensor *const *w, int step) { return (void)step, gm_linear(t, w[0], w[1], NULL); }
static gm_tensor *convolution(gm_tape *t, gm_tensor *const *w, int step)
{
    return (void)step, gm_conv2d(t, w[0], w[1], NULL, NULL, (const int64_t[]){1, 1}, NULL, 1);
}

/* Numbers of a stream, in the type of a tensor. */
static gm_tensor *numbers(gm_tape *t, const gm_tensor *like, int normal, int stream, int ndim, const int64_t *shape)
{
    gm_tensor *x = NULL;
    gm_tape_seed(t, (uint64_t)stream);
    x = normal ? gm_normal(t, ndim, shape, 0, 1) : gm_uniform(t, ndim, shape, 0, 1);
    return gm_cast(t, x, gm_tensor_dtype(like));
}

enum { ROWS = 32, PIXELS = 784, CODE = 20 };
/* Rows lie near a line, so that there is something to learn. */
static gm_tensor *vae_loss(gm_tape *t, gm_tensor *const *w, int step)
{
    gm_tensor *phase = numbers(t, w[0], 0, 2 * step, 2, (const int64_t[]){ROWS, 1}), *tilt = numbers(t, w[0], 0, -1, 2, (const int64_t[]){1, PIXELS});
    gm_tensor *x = gm_affine(t, gm_sin(t, gm_affine(t, gm_add(t, phase, tilt), 6.28, 0)), 0.5, 0.5);
    gm_tensor *h = gm_gelu(t, gm_linear(t, x, w[0], w[1])), *code = gm_linear(t, h, w[2], w[3]);
    gm_tensor *mean = gm_slice(t, code, 1, 0, CODE, 1), *log_var = gm_slice(t, code, 1, CODE, 2 * CODE, 1);
    gm_tensor *e = numbers(t, w[0], 1, 2 * step + 1, 2, (const int64_t[]){ROWS, CODE});
    gm_tensor *z = gm_add(t, mean, gm_mul(t, e, gm_exp(t, gm_affine(t, log_var, 0.5, 0))));
    gm_tensor *logits = gm_linear(t, gm_gelu(t, gm_linear(t, z, w[4], w[5])), w[6], w[7]);
    gm_tensor *kl = gm_sum(t, gm_sub(t, gm_add(t, gm_square(t, mean), gm_exp(t, log_var)), gm_affine(t, log_var, 1, 1)), GM_ALL_AXES, 0);
    return gm_affine(t, gm_add(t, gm_bce_with_logits(t, logits, x, GM_SUM), gm_affine(t, kl, 0.5, 0)), 1.0 / ROWS, 0);
}

enum { VOCAB = 32, PLACES = 32, WIDTH = 64, HEADS = 4, TEXTS = 8, BLOCK = 8 /* leaves of a block */ };
static gm_tensor *heads_of(gm_tape *t, gm_tensor *qkv, int which)
{
    gm_tensor *x = gm_slice(t, qkv, 2, which * WIDTH, (which + 1) * WIDTH, 1);
    return gm_transpose(t, gm_reshape(t, x, 4, (const int64_t[]){TEXTS, PLACES, HEADS, WIDTH / HEADS}), 1, 2);
}

static gm_tensor *block(gm_tape *t, gm_tensor *x, gm_tensor *const *w)
{
    gm_tensor *qkv = gm_linear(t, gm_layer_norm(t, x, w[0], w[1], 1e-5), w[2], NULL);
    gm_tensor *a = gm_attention(t, heads_of(t, qkv, 0), heads_of(t, qkv, 1), heads_of(t, qkv, 2), NULL, 0, 1);
    a = gm_reshape(t, gm_transpose(t, a, 1, 2), 3, (const int64_t[]){TEXTS, PLACES, WIDTH});
    x = gm_add(t, x, gm_linear(t, a, w[3], NULL));
    return gm_add(t, x, gm_linear(t, gm_gelu(t, gm_linear(t, gm_layer_norm(t, x, w[4], w[5], 1e-5), w[6], NULL)), w[7], NULL));
}

/* Sequences count upwards, in steps of one to three. */
static gm_tensor *gpt_loss(gm_tape *t, gm_tensor *const *w, int step)
{
    int64_t in[TEXTS * PLACES], out[TEXTS * PLACES];
    gm_tensor *x = NULL, *y = NULL;
    for (int i = 0; i < TEXTS; i++)
        for (int k = 0, at = 7 * step + 5 * i, up = 1 + (step + i) % 3; k < PLACES; k++, at += up)
            in[i * PLACES + k] = at % VOCAB, out[i * PLACES + k] = (at + up) % VOCAB;
    NEED(gm_tensor_copy(ctx, GM_I64, 2, (const int64_t[]){TEXTS, PLACES}, in, &x));
    NEED(gm_tensor_copy(ctx, GM_I64, 1, (const int64_t[]){TEXTS * PLACES}, out, &y));
    gm_tensor *h = gm_add(t, gm_embedding(t, w[0], x), w[1]);
    for (int i = 0; i < 2; i++) h = block(t, h, w + 2 + i * BLOCK);
    h = gm_reshape(t, gm_linear(t, gm_layer_norm(t, h, w[2 + 2 * BLOCK], w[3 + 2 * BLOCK], 1e-5), w[0], NULL), 2, (const int64_t[]){TEXTS * PLACES, VOCAB});
    h = gm_cross_entropy(t, h, y, GM_MEAN);
    gm_tensor_free(x);
    gm_tensor_free(y);
    return h;
}

#define GPT_BLOCK {WIDTH}, {WIDTH}, {3 * WIDTH, WIDTH}, {WIDTH, WIDTH}, {WIDTH}, {WIDTH}, {4 * WIDTH, WIDTH}, {WIDTH, 4 * WIDTH}
static const task values[] = {
    {"product_128x400x784", {{128, 784}, {400, 784}}, 1, product}, {"product_64x1024x1152", {{64, 1152}, {1024, 1152}}, 1, product},
    {"product_512x512x512", {{512, 512}, {512, 512}}, 1, product}, {"product_64x64x8192", {{64, 8192}, {64, 8192}}, 1, product},
    {"conv_64to64_16x16", {{8, 64, 16, 16}, {64, 64, 3, 3}}, 1, convolution}, {"conv_3to16_32x32", {{8, 3, 32, 32}, {16, 3, 3, 3}}, 1, convolution},
};
static const task trainings[] = {
    {"train_vae", {{400, PIXELS}, {400}, {2 * CODE, 400}, {2 * CODE}, {400, CODE}, {400}, {PIXELS, 400}, {PIXELS}}, 0.05, vae_loss},
    {"train_gpt", {{VOCAB, WIDTH}, {PLACES, WIDTH}, GPT_BLOCK, GPT_BLOCK, {WIDTH}, {WIDTH}}, 0.08, gpt_loss},
};

/* ---- and compared ---------------------------------------------------------------------- */

static int leaves(const task *k, int dtype, gm_tensor **w)
{
    int n = 0;
    for (; n < LEAVES && k->shape[n][0]; n++) {
        int ndim = 0;
        size_t size = 1;
        while (ndim < 4 && k->shape[n][ndim]) size *= (size_t)k->shape[n][ndim++];
        float *u = malloc(size * sizeof *u);
        double *v = malloc(size * sizeof *v);
        if (!u || !v) exit(1);
        NEED(gm_random_uniform(7, (uint64_t)n, 0, size, u));
        for (size_t i = 0; i < size; i++) v[i] = u[i] = (float)k->scale * (2 * u[i] - 1);
        NEED(gm_tensor_copy(ctx, dtype, ndim, k->shape[n], dtype == GM_F32 ? (void *)u : v, &w[n]));
        NEED(gm_tensor_set_grad(w[n], 1));
        free(u);
        free(v);
    }
    return n;
}

/* The value, or the gradient by leaf `of`, where the value's own gradient is made of other numbers. */
static double *evaluated(const task *k, int dtype, int of, size_t *size)
{
    gm_tape *t = NULL;
    gm_tensor *w[LEAVES], *y, *g = NULL;
    NEED(gm_tape_new(ctx, 1, &t));
    const int n = leaves(k, dtype, w);
    y = k->fn(t, w, 0);
    if (of >= 0) {
        int64_t shape[8];
        for (int i = 0; i < gm_tensor_ndim(y); i++) shape[i] = gm_tensor_dim(y, i);
        gm_tensor *way = numbers(t, w[0], 1, 5, gm_tensor_ndim(y), shape);
        NEED(gm_tape_grad(t, gm_sum(t, gm_mul(t, y, way), GM_ALL_AXES, 0), &w[of], 1, 0, &g));
        y = g;
    }
    y = gm_cast(t, y, GM_F64);
    NEED(gm_tape_status(t));
    *size = (size_t)gm_tensor_size(y);
    double *v = malloc(*size * sizeof *v);
    if (!v) exit(1);
    NEED(gm_tensor_read(y, v, *size * sizeof *v));
    for (int i = 0; i < n; i++) gm_tensor_free(w[i]);
    gm_tape_free(t);
    return v;
}

static void losses(const task *k, int dtype, double *loss)
{
    gm_tape *t = NULL;
    gm_optim *o = NULL;
    gm_tensor *w[LEAVES];
    const int n = leaves(k, dtype, w);
    NEED(gm_tape_new(ctx, 1, &t));
    NEED(gm_optim_new(ctx, "adam", "lr=1e-3", &o));
    for (int i = 0; i < n; i++) NEED(gm_optim_add(o, w[i], NULL));
    for (int step = 0; step < STEPS; step++) {
        gm_tape_reset(t);
        gm_tensor *y = k->fn(t, w, step);
        NEED(gm_tape_backward(t, y));
        NEED(gm_tensor_item(y, &loss[step]));
        NEED(gm_optim_step(o));
    }
    gm_optim_free(o);
    for (int i = 0; i < n; i++) gm_tensor_free(w[i]);
    gm_tape_free(t);
}

static void open_context(int threads, int precision)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads, c.precision = precision, c.amx = 1;
    NEED(gm_ctx_new(&c, &ctx));
}

static void compare(const task *k, int threads, int of, const char *what)
{
    char name[80];
    size_t n;
    open_context(threads, GM_PRECISION_HIGHEST);
    double *right = evaluated(k, GM_F64, of, &n);
    gm_ctx_free(ctx);
    for (int p = 0; p < PRECISIONS; p++) {
        double off = 0, all = 0;
        open_context(threads, p);
        double *y = evaluated(k, GM_F32, of, &n);
        for (size_t i = 0; i < n; i++) off += (y[i] - right[i]) * (y[i] - right[i]), all += right[i] * right[i];
        snprintf(name, sizeof name, "%s%s_%s", k->name, what, precisions[p]);
        show(name, threads, "error", sqrt(off / all), "", (int)n);
        free(y);
        gm_ctx_free(ctx);
    }
    free(right);
}

static void compare_training(const task *k, int threads)
{
    char name[80];
    double right[STEPS], loss[STEPS];
    open_context(threads, GM_PRECISION_HIGHEST);
    losses(k, GM_F64, right);
    gm_ctx_free(ctx);
    for (int p = 0; p < PRECISIONS; p++) {
        double worst = 0;
        open_context(threads, p);
        losses(k, GM_F32, loss);
        for (int i = 0; i < STEPS; i++) worst = fmax(worst, fabs(loss[i] - right[i]) / right[i]);
        snprintf(name, sizeof name, "%s_%s", k->name, precisions[p]);
        show(name, threads, "error", worst, "", STEPS);
        if (!p) show(name, threads, "first-loss", right[0], "nats", 1), show(name, threads, "last-loss", right[STEPS - 1], "nats", 1);
        gm_ctx_free(ctx);
    }
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : 1;
    const char *part = argc > 2 ? argv[2] : "";
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (!strstr(values[i].name, part)) continue;
        compare(&values[i], threads, -1, "");
        if (values[i].fn == convolution) compare(&values[i], threads, 0, "_by_data"), compare(&values[i], threads, 1, "_by_weights");
    }
    for (size_t i = 0; i < sizeof trainings / sizeof *trainings; i++)
        if (strstr(trainings[i].name, part)) compare_training(&trainings[i], threads);
    return 0;
}
