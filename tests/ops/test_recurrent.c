/* Recurrent layers: values and gradients against PyTorch (tests/vectors/recurrent.txt), long sequences whose lanes go over threads
 * against a step at a time, equal bytes for any number of threads, what is far apart, messages. */
#include "ops/samples.h"
#include <gm/ops_rnn.h>
#include <gm/optim.h>

enum { T = 4, N = 3, IN = 2, H = 5 };
static const char *const names[3] = {"elman", "gru", "lstm"};
static const int64_t blocks[3] = {1, 3, 4};

#define SHAPE(...) (const int64_t[]){__VA_ARGS__}

static gm_ctx *ctx_of(int threads)
{
    gm_ctx *ctx;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    return ctx;
}

static gm_tensor *leaf(gm_ctx *ctx, int dtype, const char *name, unsigned j, int nd, const int64_t *shape, double scale)
{
    gm_tensor *x = NULL;
    ck_assert_int_eq(gm_tensor_new(ctx, dtype, nd, shape, &x), GM_OK);
    for (int64_t e = 0; e < x->size; e++) {
        double v = scale * (2 * hash_unit(name, 0, j, (unsigned)e) - 1);
        if (dtype == GM_F64) gm__f64(x)[e] = v;
        else gm__f32(x)[e] = (float)v;
    }
    ck_assert_int_eq(gm_tensor_set_grad(x, 1), GM_OK);
    return x;
}

enum { X, H0, C0, W_IH, W_HH, B_IH, B_HH, INPUTS };
typedef struct layer { int kind; gm_tensor *in[INPUTS], *y, *h, *c; } layer;

static layer layer_new(gm_ctx *ctx, int dtype, int kind, int64_t steps, int64_t lanes, int64_t in, int64_t n, double scale)
{
    int64_t g = blocks[kind] * n;
    layer l = {.kind = kind};
    const char *name = names[kind];
    l.in[X] = leaf(ctx, dtype, name, X, 3, SHAPE(steps, lanes, in), 1);
    l.in[H0] = leaf(ctx, dtype, name, H0, 2, SHAPE(lanes, n), 1);
    l.in[C0] = leaf(ctx, dtype, name, C0, 2, SHAPE(lanes, n), 1);
    l.in[W_IH] = leaf(ctx, dtype, name, W_IH, 2, SHAPE(g, in), scale);
    l.in[W_HH] = leaf(ctx, dtype, name, W_HH, 2, SHAPE(g, n), scale);
    l.in[B_IH] = leaf(ctx, dtype, name, B_IH, 1, SHAPE(g), scale);
    l.in[B_HH] = leaf(ctx, dtype, name, B_HH, 1, SHAPE(g), scale);
    return l;
}
static void layer_free(layer *l)
{
    for (int i = 0; i < INPUTS; i++) gm_tensor_free(l->in[i]);
}

static gm_tensor *run(gm_tape *t, layer *l, gm_tensor *x, gm_tensor *h0, gm_tensor *c0)
{
    gm_tensor *const *in = l->in;
    l->c = NULL;
    if (l->kind == 0) return l->y = gm_elman(t, x, h0, in[W_IH], in[W_HH], in[B_IH], in[B_HH], &l->h);
    if (l->kind == 1) return l->y = gm_gru(t, x, h0, in[W_IH], in[W_HH], in[B_IH], in[B_HH], &l->h);
    return l->y = gm_lstm(t, x, h0, c0, in[W_IH], in[W_HH], in[B_IH], in[B_HH], &l->h, &l->c);
}

/* a sum with weights of either sign: those that recurrent.py takes */
static gm_tensor *loss_of(gm_tape *t, const layer *l)
{
    gm_tensor *const part[3] = {l->y, l->h, l->c};
    gm_tensor *sum = NULL;
    for (unsigned i = 0; i < 3 && part[i]; i++) {
        gm_tensor *w = gm__tape_tensor(t, part[i]->dtype, part[i]->ndim, part[i]->shape);
        for (int64_t e = 0; e < w->size; e++) {
            double v = 2 * hash_unit(names[l->kind], 0, 7 + i, (unsigned)e) - 1;
            if (w->dtype == GM_F64) gm__f64(w)[e] = v;
            else gm__f32(w)[e] = (float)v;
        }
        gm_tensor *s = gm_sum(t, gm_mul(t, part[i], w), GM_ALL_AXES, 0);
        sum = sum ? gm_add(t, sum, s) : s;
    }
    return sum;
}

/* ---- against PyTorch ---------------------------------------------------------------- */

static void compare(const char *line, const char *what, const gm_tensor *x)
{
    char *s = strchr(line, ':');
    ck_assert_msg(x && s, "%s: missing", what);
    s++;
    for (int64_t e = 0; e < x->size; e++) {
        double want = strtod(s, &s), have = element(x, e);
        ck_assert_msg(fabs(have - want) <= 1e-12 * fmax(1, fabs(want)), "%.20s, element %lld: %.17g, PyTorch %.17g", line, (long long)e, have, want);
    }
}

START_TEST(as_pytorch)
{
    static const char *const grads[INPUTS] = {"g_x", "g_h0", "g_c0", "g_weight_ih", "g_weight_hh", "g_bias_ih", "g_bias_hh"};
    static char line[8192];
    gm_ctx *ctx;
    gm_tape *t;
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 1, &t), GM_OK);
    int seen = 0;
    for (int k = 0; k < 3; k++) {
        layer l = layer_new(ctx, GM_F64, k, T, N, IN, H, 1);
        run(t, &l, l.in[X], l.in[H0], l.in[C0]);
        ck_assert_msg(gm_tape_backward(t, loss_of(t, &l)) == GM_OK, "%s", gm_tape_message(t));
        FILE *f = fopen("tests/vectors/recurrent.txt", "r");
        ck_assert_msg(f != NULL, "run from the top of the tree");
        while (fgets(line, sizeof line, f)) {
            char name[16], what[16];
            ck_assert_int_eq(sscanf(line, "%15s %15s", name, what), 2);
            if (strcmp(name, names[k])) continue;
            const gm_tensor *x = !strcmp(what, "y") ? l.y : !strcmp(what, "h") ? l.h : !strcmp(what, "c") ? l.c : NULL;
            for (int i = 0; i < INPUTS; i++)
                if (!strcmp(what, grads[i])) x = gm_tensor_grad(l.in[i]);
            compare(line, what, x);
            seen++;
        }
        fclose(f);
        gm_tape_reset(t);
        layer_free(&l);
    }
    ck_assert_int_eq(seen, 26);
    gm_tape_free(t);
    gm_ctx_free(ctx);
}
END_TEST

/* ---- long sequences of many lanes --------------------------------------------------------- */

/* A step at a time gives the values of the whole sequence, and the gradient made of ops that of the kernels. */
START_TEST(steps_and_sequences)
{
    gm_ctx *ctx = ctx_of(3);
    gm_tape *t;
    enum { STEPS = 9, LANES = 101, WIDE = 37 };
    ck_assert_int_eq(gm_tape_new(ctx, 1, &t), GM_OK);
    layer l = layer_new(ctx, GM_F64, _i, STEPS, LANES, 3, WIDE, 0.4);
    gm_tensor *y = run(t, &l, l.in[X], l.in[H0], l.in[C0]), *h = l.in[H0], *c = l.in[C0], *by_ops[INPUTS];
    gm_tensor *loss = loss_of(t, &l);
    for (int64_t i = 0; i < STEPS; i++) {
        layer one = l;
        gm_tensor *step = run(t, &one, gm_slice(t, l.in[X], 0, i, i + 1, 1), h, c);
        ck_assert_msg(step != NULL, "%s", gm_tape_message(t));
        for (int64_t e = 0; e < step->size; e++) ck_assert_double_eq_tol(element(step, e), element(y, i * LANES * WIDE + e), 1e-13);
        h = one.h, c = one.c;
    }
    int32_t n = 0;
    gm_tensor *xs[INPUTS];
    for (int i = 0; i < INPUTS; i++)
        if (_i == 2 || i != C0) xs[n++] = l.in[i];
    ck_assert_int_eq(gm_tape_grad(t, loss, xs, n, 1, by_ops), GM_OK);
    ck_assert_msg(gm_tape_backward(t, loss) == GM_OK, "%s", gm_tape_message(t));
    for (int i = 0; i < n; i++)
        for (int64_t e = 0; e < xs[i]->size; e++)
            ck_assert_double_eq_tol(element(by_ops[i], e), element(gm_tensor_grad(xs[i]), e), 1e-11 * fmax(1, fabs(element(by_ops[i], e))));
    layer_free(&l);
    gm_tape_free(t);
    gm_ctx_free(ctx);
}
END_TEST

/* Bytes of y and of all gradients, f32, on a number of threads. */
static size_t bytes_of(int kind, int threads, char *out)
{
    gm_ctx *ctx = ctx_of(threads);
    gm_tape *t;
    ck_assert_int_eq(gm_tape_new(ctx, 1, &t), GM_OK);
    layer l = layer_new(ctx, GM_F32, kind, 11, 67, 5, 49, 0.5);
    size_t at = 0;
    gm_tensor *y = run(t, &l, l.in[X], l.in[H0], l.in[C0]);
    ck_assert_msg(gm_tape_backward(t, loss_of(t, &l)) == GM_OK, "%s", gm_tape_message(t));
    memcpy(out, y->data, at = (size_t)y->size * 4);
    for (int i = 0; i < INPUTS; i++) {
        gm_tensor *g = gm_tensor_grad(l.in[i]);
        if (!g) continue;
        memcpy(out + at, g->data, (size_t)g->size * 4);
        at += (size_t)g->size * 4;
    }
    layer_free(&l);
    gm_tape_free(t);
    gm_ctx_free(ctx);
    return at;
}

START_TEST(threads)
{
    static char a[1 << 20], b[1 << 20];
    size_t n = bytes_of(_i, 1, a);
    ck_assert_uint_gt(n, 11 * 67 * 49 * 4);
    ck_assert(bytes_of(_i, 2, b) == n && !memcmp(a, b, n));
    ck_assert(bytes_of(_i, 3, b) == n && !memcmp(a, b, n));
}
END_TEST

/* ---- things far apart ------------------------------------------------------------------------ */

enum { FAR = 100, SEQUENCES = 32, UNITS = 32 };

/* The adding task [Hochreiter & Schmidhuber 1997]: the sum of two marked numbers out of a hundred. */
static void draw_task(gm_tensor *x, gm_tensor *y, uint64_t step)
{
    float u[FAR * SEQUENCES + 2 * SEQUENCES];
    ck_assert_int_eq(gm_random_uniform(1, step, 0, sizeof u / sizeof *u, u), GM_OK);
    for (int l = 0; l < SEQUENCES; l++) {
        int first = (int)(u[FAR * SEQUENCES + l] * (FAR / 2)), second = FAR / 2 + (int)(u[FAR * SEQUENCES + SEQUENCES + l] * (FAR / 2));
        for (int t = 0; t < FAR; t++) {
            gm__f32(x)[(t * SEQUENCES + l) * 2] = u[t * SEQUENCES + l];
            gm__f32(x)[(t * SEQUENCES + l) * 2 + 1] = t == first || t == second;
        }
        gm__f32(y)[l] = u[first * SEQUENCES + l] + u[second * SEQUENCES + l];
    }
}

typedef struct adder { layer l; gm_tensor *out, *out_b, *x, *y; } adder;

static gm_tensor *error_of(gm_tape *t, const adder *a) { return gm_mse(t, gm_linear(t, a->l.h, a->out, a->out_b), a->y, GM_MEAN); }

/* |d loss / d state| at the first step as a share of that at the last. */
static double reach(gm_tape *t, adder *a)
{
    gm_tensor *state[2] = {NULL}, *grad[2];
    double norm[2] = {0};
    gm_tensor *h = NULL, *c = NULL;
    for (int i = 0; i < FAR; i++) {
        ck_assert_ptr_nonnull(run(t, &a->l, gm_slice(t, a->x, 0, i, i + 1, 1), h, c));
        h = a->l.h, c = a->l.c;
        state[i > 0] = h;
    }
    ck_assert_int_eq(gm_tape_grad(t, error_of(t, a), state, 1, 0, grad), GM_OK);
    ck_assert_int_eq(gm_tape_grad(t, error_of(t, a), state + 1, 1, 0, grad + 1), GM_OK);
    for (int k = 0; k < 2; k++)
        for (int64_t e = 0; e < grad[k]->size; e++) norm[k] += element(grad[k], e) * element(grad[k], e);
    gm_tape_reset(t);
    return sqrt(norm[0] / norm[1]);
}

/* The error over the last of so many steps; reach: before them. */
static double learn_to_add(int kind, int steps, double *reaches)
{
    gm_ctx *ctx = ctx_of(2);
    gm_tape *t;
    gm_optim *adam;
    double sum = 0;
    adder a = {.l = layer_new(ctx, GM_F32, kind, FAR, SEQUENCES, 2, UNITS, 1 / sqrt(UNITS))};
    a.x = a.l.in[X];
    a.out = leaf(ctx, GM_F32, "out", 0, 2, SHAPE(1, UNITS), 1 / sqrt(UNITS));
    a.out_b = leaf(ctx, GM_F32, "out", 1, 1, SHAPE(1), 0);
    a.y = leaf(ctx, GM_F32, "out", 2, 2, SHAPE(SEQUENCES, 1), 0);
    for (int i = 0; i < UNITS && kind == 2; i++) { /* unit i remembers for about so many steps, to begin with [Tallec & Ollivier 2018] */
        float s = logf(1 + (FAR - 2) * ((float)i + 0.5f) / UNITS);
        gm__f32(a.l.in[B_IH])[i] = -s, gm__f32(a.l.in[B_IH])[UNITS + i] = s;
    }
    gm_tensor *const learns[] = {a.l.in[W_IH], a.l.in[W_HH], a.l.in[B_IH], a.l.in[B_HH], a.out, a.out_b};
    ck_assert_int_eq(gm_tensor_set_grad(a.x, 0), GM_OK);
    ck_assert_int_eq(gm_tensor_set_grad(a.y, 0), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 1, &t), GM_OK);
    ck_assert_int_eq(gm_optim_new(ctx, "adam", "lr=1e-2 clip-norm=1", &adam), GM_OK);
    for (size_t i = 0; i < sizeof learns / sizeof *learns; i++) ck_assert_int_eq(gm_optim_add(adam, learns[i], NULL), GM_OK);
    draw_task(a.x, a.y, 0);
    *reaches = reach(t, &a);
    for (int step = 1; step <= steps; step++) {
        double value;
        draw_task(a.x, a.y, (uint64_t)step);
        ck_assert_ptr_nonnull(run(t, &a.l, a.x, NULL, NULL));
        gm_tensor *loss = error_of(t, &a);
        ck_assert_int_eq(gm_tape_backward(t, loss), GM_OK);
        ck_assert_int_eq(gm_tensor_item(loss, &value), GM_OK);
        ck_assert_int_eq(gm_optim_step(adam), GM_OK);
        gm_tape_reset(t);
        if (step > steps - 100) sum += value / 100;
    }
    gm_optim_free(adam);
    gm_tape_free(t);
    gm_tensor_free(a.out), gm_tensor_free(a.out_b), gm_tensor_free(a.y);
    layer_free(&a.l);
    gm_ctx_free(ctx);
    return sum;
}

/* An lstm learns to add what is a hundred steps apart; an Elman net does not, as nothing of its gradient gets so far. */
START_TEST(adding_task)
{
    double of_elman, of_lstm;
    double elman = learn_to_add(0, 300, &of_elman), lstm = learn_to_add(2, 1000, &of_lstm);
    ck_assert_msg(lstm < 0.01, "lstm: mean squared error %g", lstm);
    ck_assert_msg(elman > 0.1, "elman: mean squared error %g", elman); /* 1/6: it says 1 whatever comes */
    ck_assert_msg(of_elman < 1e-10, "elman: %g of the gradient reaches the first step", of_elman);
    ck_assert_msg(of_lstm > 1e-4, "lstm: %g of the gradient reaches the first step", of_lstm);
}
END_TEST

/* ---- bad input --------------------------------------------------------------------------- */

static void refused(gm_tape *t, gm_tensor *y, gm_status want, const char *message)
{
    ck_assert_ptr_null(y);
    ck_assert_int_eq(gm_tape_status(t), want);
    ck_assert_msg(strstr(gm_tape_message(t), message) != NULL, "'%s' has no '%s'", gm_tape_message(t), message);
    gm_tape_reset(t);
}

START_TEST(bad_input)
{
    gm_ctx *ctx;
    gm_tape *t;
    gm_tensor *h = NULL;
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 1, &t), GM_OK);
    layer g = layer_new(ctx, GM_F64, 1, T, N, IN, H, 1), l = layer_new(ctx, GM_F64, 2, T, N, IN, H, 1);
    gm_tensor *const *a = g.in, *const *b = l.in, *none = leaf(ctx, GM_F64, "gru", 0, 3, SHAPE(0, N, IN), 1), *f32 = leaf(ctx, GM_F32, "gru", 0, 2, SHAPE(N, H), 1);
    gm_tensor *flat = leaf(ctx, GM_F64, "gru", 0, 2, SHAPE(T, IN), 1), *few = leaf(ctx, GM_F64, "gru", 0, 2, SHAPE(N - 1, H), 1);
    refused(t, gm_gru(t, NULL, NULL, a[W_IH], a[W_HH], NULL, NULL, &h), GM_EARG, "linear");
    ck_assert_ptr_null(h);
    refused(t, gm_gru(t, a[X], NULL, a[W_IH], NULL, NULL, NULL, NULL), GM_EARG, "gru");
    refused(t, gm_gru(t, none, NULL, a[W_IH], a[W_HH], NULL, NULL, NULL), GM_ESHAPE, "gru: a sequence of no steps");
    refused(t, gm_gru(t, flat, NULL, a[W_IH], a[W_HH], NULL, NULL, NULL), GM_ESHAPE, "gru: gates [4,15] do not fit 5 units");
    refused(t, gm_gru(t, a[X], NULL, a[W_IH], b[W_HH], NULL, NULL, NULL), GM_ESHAPE, "gru: weights of the state [20,5], [3 n, n] wanted");
    refused(t, gm_gru(t, a[X], NULL, b[W_IH], a[W_HH], NULL, NULL, NULL), GM_ESHAPE, "gru: gates [4,3,20] do not fit 5 units");
    refused(t, gm_gru(t, a[X], few, a[W_IH], a[W_HH], NULL, NULL, NULL), GM_ESHAPE, "gru: h0 is [2,5], [3,5] wanted");
    refused(t, gm_gru(t, a[X], f32, a[W_IH], a[W_HH], NULL, NULL, NULL), GM_EDTYPE, "gru");
    refused(t, gm_gru(t, a[X], NULL, a[W_IH], a[W_HH], NULL, b[B_HH], NULL), GM_ESHAPE, "gru: bias [20], [15] wanted");
    refused(t, gm_lstm(t, b[X], NULL, few, b[W_IH], b[W_HH], NULL, NULL, NULL, NULL), GM_ESHAPE, "lstm: c0 is [2,5], [3,5] wanted");
    refused(t, gm_elman(t, a[X], NULL, a[W_IH], a[W_HH], NULL, NULL, NULL), GM_ESHAPE, "elman: weights of the state [15,5], [1 n, n] wanted");
    gm_tensor_free(few), gm_tensor_free(flat), gm_tensor_free(f32), gm_tensor_free(none);
    layer_free(&g), layer_free(&l);
    gm_tape_free(t);
    gm_ctx_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recurrent");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, as_pytorch);
    tcase_add_loop_test(c, steps_and_sequences, 0, 3);
    tcase_add_loop_test(c, threads, 0, 3);
    tcase_add_test(c, adding_task);
    tcase_add_test(c, bad_input);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
