/* Convolution layers of networks: text, shapes, names, initial weights, running with and without what follows in one pass. */
#include "unit/net_test.h"
#include <gm/image.h>
#include <math.h>
#include <string.h>

#define S(...) (const int64_t[]){__VA_ARGS__}
#define P(i) gm_net_tensor(n, i)

/* The text comes back, the shape of the output and the tensors are these. */
static void expect(const char *text, int ndim, const int64_t *in, const char *out, const char *names)
{
    gm_net *n = net_of(text, ndim, in);
    int64_t shape[8];
    char got[128], list[512] = "";
    ck_assert_str_eq(gm_net_text(n), text);
    int32_t nd = gm_net_output_shape(n, shape);
    ck_assert_str_eq(gm__shape_text(got, nd, shape), out);
    for (int32_t i = 0; i < gm_net_tensor_count(n); i++)
        strcat(strcat(strcat(list, gm_net_tensor_name(n, i)), gm__shape_text(got, P(i)->ndim, P(i)->shape)), " ");
    ck_assert_str_eq(list, names);
    gm_net_free(n);
}

START_TEST(shapes_and_names)
{
    expect("conv 64 k4 s2 p1", ROW(3, 32, 32), "[64,16,16]", "0.weight[64,3,4,4] 0.bias[64] ");
    expect("conv 6 k5, relu, conv 16 k5 s3 nobias", ROW(1, 28, 28), "[16,7,7]", "0.weight[6,1,5,5] 0.bias[6] 2.weight[16,6,5,5] ");
    expect("conv 8 k3 p2 d2 g4 init=dcgan", ROW(4, 9, 7), "[8,9,7]", "0.weight[8,1,3,3] 0.bias[8] ");
    expect("conv 5 k3 s2", ROW(2, 17), "[5,8]", "0.weight[5,2,3] 0.bias[5] ");
    expect("convt 3 k4 s2 p1", ROW(8, 16, 15), "[3,32,30]", "0.weight[8,3,4,4] 0.bias[3] ");
    expect("convt 6 k3 s2 g2 o1", ROW(4, 5), "[6,12]", "0.weight[4,3,3] 0.bias[6] ");
    expect("dwconv k3 p1", ROW(7, 4, 4), "[7,4,4]", "0.weight[7,1,3,3] 0.bias[7] ");
    expect("dwconv m2 k3 nobias", ROW(7, 4), "[14,2]", "0.weight[14,1,3] ");
}
END_TEST

START_TEST(bad_text)
{
    static const struct { const char *text; gm_status status; const char *message; } bad[] = {
        {"conv", GM_EARG, "conv: expected a number of channels"},
        {"conv 4", GM_EARG, "net: column 1: conv: a kernel size is missing: k3"},
        {"conv 4 k0", GM_EARG, "got 'k0'"},
        {"conv 4 k3 s0", GM_EARG, "conv: expected a stride, a whole number in [1,65535], got 's0'"},
        {"conv 4 k3 p-1", GM_EARG, "got 'p-1'"},
        {"conv 4 k3 o1", GM_EARG, "conv has no setting 'o1'"},
        {"conv 4 k3 g2", GM_ESHAPE, "conv: 2 groups do not divide 3 channels"},
        {"conv 4 k9", GM_ESHAPE, "a kernel of 9 dilated by 1 exceeds the padded size 8"},
        {"conv 4 k65535 d65535 p65535", GM_ESHAPE, "a kernel of 65535 dilated by 65535 exceeds the padded size 131078"},
        {"conv 16777216 k65535 p65535", GM_ENOMEM, ""},
        {"convt 4 k3 o1", GM_EARG, "the output padding 1 is not below stride or dilation"},
        {"convt 4 k1 p9", GM_ESHAPE, "a size of 8 would become -10"},
        {"convt 4 k65535 s65535 d65535, convt 1 k65535 s65535 d65535, convt 1 k65535 s65535 d65535, convt 1 k65535 s65535 d65535", GM_ESHAPE, ""},
        {"dwconv 4 k3", GM_EARG, "dwconv: one number too many: '4'"},
        {"dwconv k3 g3", GM_EARG, "g is the number of channels here"},
        {"dwconv", GM_EARG, "a kernel size is missing"},
        {"flatten, conv 4 k3", GM_ESHAPE, "net: column 10: conv: rows [C,H,W] or [C,L] wanted, got [192]"},
    };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        gm_net *n = (gm_net *)(void *)&ctx;
        gm_status s = gm_net_new(ctx, bad[i].text, ROW(3, 8, 8), 1, &n);
        ck_assert_msg(s == bad[i].status && strstr(gm_ctx_message(ctx), bad[i].message) != NULL, "'%s': %s: %s", bad[i].text, gm_status_name(s),
                      gm_ctx_message(ctx));
        ck_assert_ptr_null(n);
    }
}
END_TEST

/* Bounds and deviations of weights and bias, as torch.nn.Conv2d(20, 50, 5) and ConvTranspose2d(20, 50, 5) have them. */
static void check_init(const char *text, double bound, double std, double bias)
{
    gm_net *n = net_of(text, ROW(20, 9, 9));
    double most = 0, sq = 0, bmost = 0;
    for (int64_t i = 0; i < P(0)->size; i++) most = fmax(most, fabs(get(P(0), i))), sq += get(P(0), i) * get(P(0), i);
    for (int64_t i = 0; i < P(1)->size; i++) bmost = fmax(bmost, fabs(get(P(1), i)));
    if (bound > 0) {
        ck_assert_msg(most <= bound && most > 0.99 * bound, "%s: %g, bound %g", text, most, bound);
        std = bound / sqrt(3);
    }
    ck_assert_msg(fabs(sqrt(sq / (double)P(0)->size) / std - 1) < 0.03, "%s: deviation", text);
    ck_assert_msg(bias > 0 ? bmost <= bias && bmost > 0.8 * bias : bmost == 0, "%s: bias %g", text, bmost);
    gm_net_free(n);
}

START_TEST(initial_weights)
{
    check_init("conv 50 k5", 1 / sqrt(20 * 25), 0, 1 / sqrt(20 * 25));
    check_init("convt 50 k5", 1 / sqrt(50 * 25), 0, 1 / sqrt(50 * 25));
    check_init("dwconv k5 m5", 1 / sqrt(25), 0, 1 / sqrt(25));
    check_init("conv 50 k5 init=kaiming", sqrt(6.0 / (20 * 25)), 0, 0);
    check_init("conv 50 k5 init=xavier", sqrt(6.0 / (70 * 25)), 0, 0);
    check_init("conv 50 k5 init=dcgan", 0, 0.02, 0);
    check_init("conv 50 k5 init=normal:0.3", 0, 0.3, 0);
}
END_TEST

static gm_tensor *input(int ndim, const int64_t *shape)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, ndim, shape, &x));
    for (int64_t i = 0; i < x->size; i++) gm__f32(x)[i] = (float)((i * 29 + 3) % 17 - 8) / 8;
    return x;
}
static void same(const gm_tensor *a, const gm_tensor *b)
{
    static float u[20000], v[20000];
    ck_assert_msg(a && b, "%s", gm_tape_message(tape));
    ck_assert(gm__shape_equal(a, b) && a->size <= 20000);
    OK(gm_tensor_read(a, u, (size_t)a->size * 4));
    OK(gm_tensor_read(b, v, (size_t)b->size * 4));
    for (int64_t i = 0; i < a->size; i++) ck_assert_msg(fabsf(u[i] - v[i]) < 2e-6f, "%d: %g, %g", (int)i, (double)u[i], (double)v[i]);
}

START_TEST(runs_as_ops_do)
{
    gm_tensor *x = input(ROW(2, 3, 9, 8)), *y, *l = input(ROW(2, 3, 17));
    gm_net *n = net_of("conv 6 k4 s2 p1, lrelu 0.2, dwconv k3 p2 d2 m2, tanh, convt 5 k3 s2 o1 nobias, sigmoid, conv 4 k1, gelu", ROW(3, 9, 8));
    y = gm_leaky_relu(tape, gm_conv2d(tape, x, P(0), P(1), S(2, 2), S(1, 1), NULL, 1), 0.2);
    y = gm_tanh(tape, gm_conv2d(tape, y, P(2), P(3), NULL, S(2, 2), S(2, 2), 6));
    y = gm_sigmoid(tape, gm_conv_transpose2d(tape, y, P(4), NULL, S(2, 2), NULL, S(1, 1), NULL, 1));
    y = gm_gelu(tape, gm_conv2d(tape, y, P(5), P(6), NULL, NULL, NULL, 1));
    same(gm_net_apply(n, tape, x, NULL), y);
    /* further leading axes */
    gm_tensor *many = gm_stack(tape, (gm_tensor *[]){x, x}, 2, 0), *z = gm_net_apply(n, tape, many, NULL);
    ck_assert_msg(z != NULL, "%s", gm_tape_message(tape));
    z = gm_slice(tape, z, 0, 1, 2, 1);
    same(gm_reshape(tape, z, y->ndim, y->shape), y);
    gm_net_free(n);

    n = net_of("conv 4 k3 s2 p1 g1, relu, convt 2 k4 s3 o2, flatten, linear 3", ROW(3, 17));
    y = gm_relu(tape, gm_conv1d(tape, l, P(0), P(1), 2, 1, 1, 1));
    y = gm_conv_transpose1d(tape, y, P(2), P(3), 3, 0, 2, 1, 1);
    y = gm_linear(tape, gm_reshape(tape, y, 2, (const int64_t[]){2, y->size / 2}), P(4), P(5));
    same(gm_net_apply(n, tape, l, NULL), y);
    gm_net_free(n);
    gm_tensor_free(x);
    gm_tensor_free(l);
}
END_TEST

/* "up 2" before a convolution that can do the doubling itself, and before ones that cannot */
START_TEST(doubling_joins_the_convolution)
{
    static const char *const after[] = {"conv 5 k3 p1", "conv 5 k3 p1, lrelu 0.2", "conv 5 k3", "conv 5 k3 p1 s2, tanh"};
    gm_tensor *x = input(ROW(2, 3, 4, 5));
    gm_tensor *big = gm_reshape(tape, gm_expand(tape, gm_reshape(tape, x, ROW(2, 3, 4, 1, 5, 1)), ROW(2, 3, 4, 2, 5, 2)), ROW(2, 3, 8, 10));
    for (size_t i = 0; i < GM__COUNT(after); i++) {
        char text[64];
        gm__format(text, sizeof text, "up 2, %s", after[i]);
        gm_net *n = net_of(text, ROW(3, 4, 5));
        int64_t p = i == 2 ? 0 : 1, s = i == 3 ? 2 : 1;
        gm_tensor *y = gm_conv2d(tape, big, P(0), P(1), S(s, s), S(p, p), NULL, 1);
        if (i == 1) y = gm_leaky_relu(tape, y, 0.2);
        if (i == 3) y = gm_tanh(tape, y);
        same(gm_net_apply(n, tape, x, NULL), y);
        gm_net_free(n);
    }
    gm_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net_conv");
    TCase *c = tcase_create("net_conv");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, shapes_and_names);
    tcase_add_test(c, bad_text);
    tcase_add_test(c, initial_weights);
    tcase_add_test(c, runs_as_ops_do);
    tcase_add_test(c, doubling_joins_the_convolution);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
