/* Ten training steps of a small VAE against PyTorch: tests/vectors/trace.txt holds its losses and every gradient. */
#include "optim/optim.h"
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PARAMS = 10, STEPS = 10 };
static const struct { const char *name; int ndim; int64_t shape[2]; } kinds[PARAMS] = {
    {"enc.weight", 2, {8, 6}}, {"enc.bias", 1, {8}},    {"mean.weight", 2, {3, 8}}, {"mean.bias", 1, {3}}, {"logvar.weight", 2, {3, 8}},
    {"logvar.bias", 1, {3}},   {"dec.weight", 2, {8, 3}}, {"dec.bias", 1, {8}},      {"out.weight", 2, {6, 8}}, {"out.bias", 1, {6}},
};

/* as in trace.py */
static double number(uint32_t k) { return (double)((k * 2654435761u + 12345u) >> 15) / 65536 - 1; }

static void store(gm_tensor *t, int64_t i, double v)
{
    if (t->dtype == GM_F64) gm__f64(t)[i] = v;
    else gm__f32(t)[i] = (float)v;
}
static double get(const gm_tensor *t, int64_t i) { return t->dtype == GM_F64 ? gm__f64(t)[i] : (double)gm__f32(t)[i]; }

static gm_tensor *make(gm_ctx *ctx, int dtype, int ndim, const int64_t *shape)
{
    gm_tensor *t = NULL;
    ck_assert_int_eq(gm_tensor_new(ctx, dtype, ndim, shape, &t), GM_OK);
    return t;
}

static void fill(gm_tensor *t, uint32_t first, double scale, int binary)
{
    for (int64_t i = 0; i < t->size; i++) {
        double v = number(first + (uint32_t)i) * scale;
        store(t, i, binary ? v > 0 : v);
    }
}

/* sum of Bernoulli cross-entropy and KL, by separate ops or by the likelihood ops */
static gm_tensor *loss_of(gm_tape *t, gm_tensor **p, gm_tensor *x, gm_tensor *eps, int dense)
{
    gm_tensor *h = dense ? gm_linear_act(t, x, p[0], p[1], GM_ACT_TANH, 0) : gm_tanh(t, gm_linear(t, x, p[0], p[1]));
    gm_tensor *mean = gm_linear(t, h, p[2], p[3]), *log_var = gm_linear(t, h, p[4], p[5]);
    gm_tensor *z = gm_add(t, mean, gm_mul(t, gm_exp(t, gm_affine(t, log_var, 0.5, 0)), eps));
    gm_tensor *d = dense ? gm_linear_act(t, z, p[6], p[7], GM_ACT_RELU, 0) : gm_relu(t, gm_linear(t, z, p[6], p[7]));
    gm_tensor *logits = gm_linear(t, d, p[8], p[9]);
    gm_tensor *bce = dense ? gm_neg(t, gm_sum(t, gm_bernoulli_log_prob(t, x, logits), GM_ALL_AXES, 0)) : gm_bce_with_logits(t, logits, x, GM_SUM);
    return gm_add(t, bce, gm_sum(t, gm_gaussian_kl(t, mean, log_var), GM_ALL_AXES, 0));
}

static void compare(FILE *f, const char *tag, const char *name, const gm_tensor *got, double tol, int step)
{
    char a[16], b[32];
    ck_assert_int_eq(fscanf(f, "%15s %31s", a, b), 2);
    ck_assert_str_eq(a, tag);
    ck_assert_str_eq(b, name);
    for (int64_t i = 0; i < got->size; i++) {
        double want;
        ck_assert_int_eq(fscanf(f, "%lf", &want), 1);
        ck_assert_msg(fabs(get(got, i) - want) <= 1e-6 + tol * fabs(want), "step %d: %s %s[%lld] is %.9g, expected %.9g", step, tag, name,
                      (long long)i, get(got, i), want);
    }
}

static void run(int dtype, int dense, double tol)
{
    gm_ctx *ctx = NULL;
    gm_tape *t = NULL;
    gm_optim *adam = NULL;
    gm_tensor *p[PARAMS];
    FILE *f = fopen("tests/vectors/trace.txt", "r");
    ck_assert_msg(f != NULL, "tests/vectors/trace.txt: run from the top of the repository");
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 0, &t), GM_OK);
    ck_assert_int_eq(gm_optim_new(ctx, "adam", "lr=1e-2", &adam), GM_OK);
    for (int i = 0; i < PARAMS; i++) {
        p[i] = make(ctx, dtype, kinds[i].ndim, kinds[i].shape);
        fill(p[i], 1000 * (uint32_t)i, 0.5, 0);
        ck_assert_int_eq(gm__optim_add_named(adam, kinds[i].name, p[i], NULL), GM_OK);
        compare(f, "w", kinds[i].name, p[i], 1e-7, -1);
    }
    gm_tensor *x = make(ctx, dtype, 2, (int64_t[]){5, 6}), *eps = make(ctx, dtype, 2, (int64_t[]){5, 3});
    fill(x, 50000, 1, 1);
    for (int step = 0; step < STEPS; step++) {
        double loss, want;
        fill(eps, 60000 + 100 * (uint32_t)step, 2, 0);
        gm_tensor *l = loss_of(t, p, x, eps, dense);
        ck_assert_msg(l != NULL, "%s", gm_tape_message(t));
        ck_assert_int_eq(gm_tensor_item(l, &loss), GM_OK);
        ck_assert_int_eq(fscanf(f, " loss %lf", &want), 1);
        ck_assert_msg(fabs(loss - want) <= tol * fabs(want), "step %d: loss %.9g, expected %.9g", step, loss, want);
        ck_assert_int_eq(gm_tape_backward(t, l), GM_OK);
        for (int i = 0; i < PARAMS; i++) {
            ck_assert(gm_tensor_grad(p[i]) != NULL);
            compare(f, "g", kinds[i].name, gm_tensor_grad(p[i]), tol, step);
        }
        ck_assert_int_eq(gm_optim_step(adam), GM_OK);
        gm_tape_reset(t);
    }
    fclose(f);
    for (int i = 0; i < PARAMS; i++) gm_tensor_free(p[i]);
    gm_tensor_free(x);
    gm_tensor_free(eps);
    gm_optim_free(adam);
    gm_tape_free(t);
    gm_ctx_free(ctx);
}

/* PyTorch's own trace is in f32: f64 is held to it no tighter than its rounding allows. */
START_TEST(separate_ops_f32) { run(GM_F32, 0, 1e-4); } END_TEST
START_TEST(fused_ops_f32) { run(GM_F32, 1, 1e-4); } END_TEST
START_TEST(separate_ops_f64) { run(GM_F64, 0, 5e-5); } END_TEST

int main(void)
{
    Suite *s = suite_create("trace");
    TCase *c = tcase_create("trace");
    tcase_add_test(c, separate_ops_f32);
    tcase_add_test(c, fused_ops_f32);
    tcase_add_test(c, separate_ops_f64);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
