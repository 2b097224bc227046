/* Activation layers: text, values against closed forms, prelu's tensor, noise in training only. */
#include "ops/on_tape.h"
#include "nn/nn.h"

#include <check.h>
#include <gm/ctx.h>
#include <math.h>
#include <string.h>

enum { ROWS = 3, COLS = 5 };
/* the layers of a text on [3,5] numbers from -3.5 to 3.5 in steps of 1/2 */
static double at(int e) { return e * 0.5 - 3.5; }
static gm_tensor *apply(gm_net *net)
{
    gm_tensor *x = gm_zeros(t, GM_F32, 2, (int64_t[]){ROWS, COLS});
    for (int e = 0; e < ROWS * COLS; e++) gm__f32(x)[e] = (float)at(e);
    gm_tensor *y = gm_net_apply(net, t, x, NULL);
    ck_assert_msg(y != NULL, "%s", gm_tape_message(t));
    return y;
}
static gm_net *net_of(const char *text)
{
    gm_net *net = NULL;
    ck_assert_msg(gm_net_new(ctx, text, 1, (int64_t[]){COLS}, 1, &net) == GM_OK, "%s: %s", text, gm_ctx_message(ctx));
    ck_assert_str_eq(gm_net_text(net), text);
    return net;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double hard(double x) { return fmin(fmax(x + 3, 0), 6) / 6; }
static double selu(double x) { return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x)); }
static double mish(double x) { return x * tanh(log1p(exp(x))); }
static double hardswish(double x) { return x * hard(x); }
static double softsign(double x) { return x / (1 + fabs(x)); }
static double logsigmoid(double x) { return log(sigmoid(x)); }
static double celu(double x) { return x > 0 ? x : 2 * expm1(x / 2); }
static double relu6(double x) { return fmin(fmax(x, 0), 6); }
static double gelu_tanh(double x) { return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
static double prelu(double x) { return x > 0 ? x : 0.125 * x; }

START_TEST(values)
{
    static const struct { const char *text; double (*fn)(double); } layers[] = {
        {"selu", selu}, {"mish", mish}, {"hardswish", hardswish}, {"hardsigmoid", hard}, {"softsign", softsign}, {"logsigmoid", logsigmoid},
        {"celu 2", celu}, {"relu6", relu6}, {"gelu-tanh", gelu_tanh}, {"prelu 0.125", prelu},
    };
    for (size_t k = 0; k < sizeof layers / sizeof *layers; k++) {
        gm_net *net = net_of(layers[k].text);
        gm_tensor *y = apply(net);
        for (int e = 0; e < ROWS * COLS; e++)
            ck_assert_msg(fabs((double)gm__f32(y)[e] - layers[k].fn(at(e))) < 1e-6, "%s(%g) is %g, not %g", layers[k].text, at(e), (double)gm__f32(y)[e],
                          layers[k].fn(at(e)));
        gm_net_free(net);
        gm_tape_reset(t);
    }
}
END_TEST

START_TEST(softmaxes)
{
    gm_net *a = net_of("softmax"), *b = net_of("logsoftmax");
    gm_tensor *p = apply(a), *l = apply(b);
    double sum = 0;
    for (int e = 0; e < COLS; e++) sum += exp(e * 0.5);
    for (int e = 0; e < ROWS * COLS; e++) { /* rows differ by a shift alone */
        double want = exp(e % COLS * 0.5) / sum;
        ck_assert(fabs((double)gm__f32(p)[e] - want) < 1e-6 && fabs((double)gm__f32(l)[e] - log(want)) < 1e-6);
    }
    gm_net_free(a);
    gm_net_free(b);
}
END_TEST

START_TEST(prelu_learns)
{
    gm_net *net = net_of("prelu");
    ck_assert_int_eq(gm_net_tensor_count(net), 1);
    ck_assert_str_eq(gm_net_tensor_name(net, 0), "0.weight");
    gm_tensor *w = gm_net_tensor(net, 0);
    ck_assert(w->ndim == 1 && w->shape[0] == COLS && gm__f32(w)[0] == 0.25f && gm__f32(w)[COLS - 1] == 0.25f);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, apply(net), GM_ALL_AXES, 0)), GM_OK);
    for (int c = 0; c < COLS; c++) { /* the sum of the negative numbers of a column */
        double want = 0;
        for (int r = 0; r < ROWS; r++) want += fmin(at(r * COLS + c), 0);
        ck_assert(fabs((double)gm__f32(gm_tensor_grad(w))[c] - want) < 1e-6);
    }
    gm_net_free(net);
}
END_TEST

START_TEST(noise_in_training)
{
    gm_net *net = net_of("gaussian-noise 0.5");
    for (int training = 0; training < 2; training++) {
        gm_tape_training(t, training);
        gm_tensor *y = apply(net);
        int same = 0;
        for (int e = 0; e < ROWS * COLS; e++) {
            same += (double)gm__f32(y)[e] == at(e);
            ck_assert(fabs((double)gm__f32(y)[e] - at(e)) < 0.5 * 6);
        }
        ck_assert_int_eq(same, training ? 0 : ROWS * COLS);
    }
    gm_net_free(net);
}
END_TEST

START_TEST(bad_settings)
{
    static const char *const texts[] = {"gaussian-noise", "gaussian-noise -1", "celu 0", "prelu 2", "mish 3", "softmax x"};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        gm_net *net = NULL;
        ck_assert_msg(gm_net_new(ctx, texts[k], 1, (int64_t[]){COLS}, 1, &net) == GM_EARG && !net, "%s", texts[k]);
        ck_assert_msg(strstr(gm_ctx_message(ctx), "net: column ") != NULL, "%s: %s", texts[k], gm_ctx_message(ctx));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {values, softmaxes, prelu_learns, noise_in_training, bad_settings};
    Suite *s = suite_create("net_act");
    TCase *c = tcase_create("net_act");
    tcase_add_checked_fixture(c, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
