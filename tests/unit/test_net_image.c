/* Layers of images and signals: text, shapes, values against the ops and by hand, messages. */
#include "ops/layout.h"
#include "unit/net_test.h"
#include <gm/image.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* values (first + step*i) mod 7 - 3 in a tensor of the tape */
static gm_tensor *input(int ndim, const int64_t *shape)
{
    int64_t n = 1;
    for (int i = 0; i < ndim; i++) n *= shape[i];
    float *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = (float)((5 * i + i * i) % 11 - 5);
    gm_tensor *x = NULL;
    OK(gm_tensor_copy(ctx, GM_F32, ndim, shape, v, &x));
    free(v);
    return x;
}

static void same(const gm_tensor *a, const gm_tensor *b, double tol)
{
    HAVE(a);
    HAVE(b);
    ck_assert(gm__shape_equal(a, b));
    size_t bytes = (size_t)a->size * sizeof(float);
    float *u = malloc(bytes), *v = malloc(bytes);
    OK(gm_tensor_read(a, u, bytes));
    OK(gm_tensor_read(b, v, bytes));
    for (int64_t i = 0; i < a->size; i++) ck_assert_msg(fabs((double)u[i] - (double)v[i]) <= tol, "%lld: %g and %g", (long long)i, (double)u[i], (double)v[i]);
    free(u);
    free(v);
}
/* a text applied to x, and the row it says it gives */
static gm_tensor *applied(const char *text, gm_tensor *x)
{
    gm_net *n = net_of(text, x->ndim - 1, x->shape + 1);
    ck_assert_str_eq(gm_net_text(n), text);
    gm_tensor *y = gm_net_apply(n, tape, x, NULL);
    int64_t row[GM_MAX_DIMS];
    HAVE(y);
    ck_assert_int_eq(gm_net_output_shape(n, row), y->ndim - 1);
    for (int i = 1; i < y->ndim; i++) ck_assert_int_eq(row[i - 1], y->shape[i]);
    gm_net_free(n);
    return y;
}

/* ---- pooling and enlarging ------------------------------------------------------------- */

START_TEST(pools)
{
    gm_tensor *x = input(ROW(2, 3, 6, 9)), *s = input(ROW(2, 3, 8));
    const int64_t k3[] = {3, 3}, k2[] = {2, 2}, one[] = {1, 1};
    same(applied("maxpool 2", x), gm_max_pool2d(tape, x, k2, NULL, NULL), 0);
    same(applied("maxpool 3 s1 p1", x), gm_max_pool2d(tape, x, k3, one, one), 0);
    same(applied("maxpool 2", s), gm_max_pool1d(tape, s, 2, 2, 0), 0);
    same(applied("avgpool 3 s2 p1", x), gm_avg_pool2d(tape, x, k3, k2, one, 1), 0);
    same(applied("avgpool 3 s2 p1 nopad", x), gm_avg_pool2d(tape, x, k3, k2, one, 0), 0);
    same(applied("avgpool 4", s), gm_avg_pool1d(tape, s, 4, 0, 0, 1), 0);
    same(applied("gap", x), gm_mean(tape, gm_mean(tape, x, 3, 0), 2, 0), 1e-6);
    same(applied("gap", s), gm_mean(tape, s, 2, 0), 1e-6);
    same(applied("adaptpool 2", x), gm_adaptive_avg_pool2d(tape, x, 2, 2), 0);
    same(applied("adaptpool 4 5 max", x), gm_adaptive_max_pool2d(tape, x, 4, 5), 0);
    same(applied("up 2", x), gm_upsample_nearest(tape, x, 2), 0);
    same(applied("up 3", s), gm_upsample_nearest(tape, s, 3), 0);
    same(applied("up 2 bilinear", x), gm_upsample2d(tape, x, 12, 18, GM_BILINEAR), 0);
    same(applied("up 2 bilinear", s), gm_upsample1d(tape, s, 16, GM_BILINEAR), 0);
    same(applied("up 2 bicubic", x), gm_upsample2d(tape, x, 12, 18, GM_BICUBIC), 0);
    gm_tensor_free(x);
    gm_tensor_free(s);
}
END_TEST

START_TEST(shuffles_and_pads)
{
    gm_tensor *x = input(ROW(2, 8, 6, 4)), *s = input(ROW(2, 3, 8));
    same(applied("shuffle 2", x), gm_pixel_shuffle(tape, x, 2), 0);
    same(applied("unshuffle 2", x), gm_pixel_unshuffle(tape, x, 2), 0);
    same(applied("unshuffle 2, shuffle 2", x), x, 0);
    const int64_t around[] = {0, 0, 1, 1}, along[] = {0, 0, 3};
    same(applied("pad 1", x), gm_pad(tape, x, around, around, GM_PAD_CONSTANT, 0), 0);
    same(applied("pad 1 value=-2", x), gm_pad(tape, x, around, around, GM_PAD_CONSTANT, -2), 0);
    same(applied("pad 1 reflect", x), gm_pad(tape, x, around, around, GM_PAD_REFLECT, 0), 0);
    same(applied("pad 1 replicate", x), gm_pad(tape, x, around, around, GM_PAD_REPLICATE, 0), 0);
    same(applied("pad 3 circular", s), gm_pad(tape, s, along, along, GM_PAD_CIRCULAR, 0), 0);
    gm_tensor_free(x);
    gm_tensor_free(s);
}
END_TEST

START_TEST(norms)
{
    gm_tensor *x = input(ROW(2, 8, 6, 4)), *s = input(ROW(2, 4, 8)), *w = NULL, *b = NULL;
    float one[8], zero[8] = {0};
    for (int i = 0; i < 8; i++) one[i] = 1;
    OK(gm_tensor_copy(ctx, GM_F32, ROW(8), one, &w));
    OK(gm_tensor_copy(ctx, GM_F32, ROW(8), zero, &b));
    same(applied("inorm", x), gm_instance_norm(tape, x, NULL, NULL, 1e-5), 0);
    same(applied("inorm eps=0.1 affine", x), gm_instance_norm(tape, x, w, b, 0.1), 0);
    same(applied("gnorm 4", x), gm_group_norm(tape, x, 4, w, b, 1e-5), 0);
    same(applied("gnorm 1 noaffine", s), gm_group_norm(tape, s, 1, NULL, NULL, 1e-5), 0);
    same(applied("rmsnorm", s), gm_rms_norm(tape, s, w, 1e-5), 0);
    gm_net *n = net_of("gnorm 2, inorm affine, inorm, rmsnorm", ROW(8, 6, 4));
    static const char *const names[] = {"0.weight", "0.bias", "1.weight", "1.bias", "3.weight"};
    ck_assert_int_eq(gm_net_tensor_count(n), 5);
    for (int i = 0; i < 5; i++) ck_assert_str_eq(gm_net_tensor_name(n, i), names[i]);
    gm_net_free(n);
    gm_tensor_free(w);
    gm_tensor_free(b);
    gm_tensor_free(x);
    gm_tensor_free(s);
}
END_TEST

/* branches of images join along the channels, others along the last axis */
START_TEST(joins_channels)
{
    gm_tensor *x = input(ROW(2, 3, 4, 6)), *s = input(ROW(2, 3, 4));
    gm_tensor *p[] = {gm_relu(tape, x), gm_tanh(tape, x)}, *q[] = {gm_relu(tape, s), gm_tanh(tape, s)};
    same(applied("cat( relu | tanh )", x), gm_concat(tape, p, 2, 1), 0);
    same(applied("cat( relu | tanh )", s), gm_concat(tape, q, 2, 2), 0);
    p[1] = gm_max_pool2d(tape, x, (int64_t[]){1, 1}, NULL, NULL); /* channels-last */
    gm_tensor *y = applied("cat( relu | maxpool 1 )", x);
    same(y, gm_concat(tape, p, 2, 1), 0);
    ck_assert(gm__is_last(y));
    gm_tensor_free(x);
    gm_tensor_free(s);
}
END_TEST

/* a condition at an image: each number a map of its own */
START_TEST(condition_at_an_image)
{
    gm_tensor *x = input(ROW(3, 2, 4, 5)), *c = input(ROW(3, 2)), *one = input(ROW(1, 2));
    gm_net *n = NULL;
    OK(gm_net_new_cond(ctx, "relu, cond", ROW(2, 4, 5), 2, 3, &n));
    gm_tensor *maps = gm_expand(tape, gm_reshape(tape, c, ROW(3, 2, 1, 1)), ROW(3, 2, 4, 5));
    same(gm_net_apply(n, tape, x, c), gm_concat(tape, (gm_tensor *[]){gm_relu(tape, x), maps}, 2, 1), 0);
    maps = gm_expand(tape, gm_reshape(tape, one, ROW(1, 2, 1, 1)), ROW(3, 2, 4, 5)); /* one condition for all */
    same(gm_net_apply(n, tape, x, one), gm_concat(tape, (gm_tensor *[]){gm_relu(tape, x), maps}, 2, 1), 0);
    gm_tensor *wide = gm_reshape(tape, x, ROW(1, 3, 2, 4, 5)), *y = gm_net_apply(n, tape, wide, gm_reshape(tape, c, ROW(1, 3, 2)));
    HAVE(y);
    same(gm_reshape(tape, y, ROW(3, 4, 4, 5)), gm_net_apply(n, tape, x, c), 0);
    ck_assert_ptr_null(gm_net_apply(n, tape, x, maps)); /* conditions are rows of numbers */
    ck_assert_int_eq(gm_tape_status(tape), GM_ESHAPE);
    gm_net_free(n);
    gm_tensor_free(x);
    gm_tensor_free(c);
    gm_tensor_free(one);
}
END_TEST

START_TEST(prints_as_a_table)
{
    char text[1024];
    gm_net *n = net_of("conv 8 k3 p1, gnorm 4, silu, maxpool 2, cat( relu | up 1 ), gap", ROW(3, 8, 8));
    ck_assert_uint_lt(gm_net_print(n, text, sizeof text), sizeof text);
    ck_assert_str_eq(text, "layer           output    parameters\n"
                           "input           [3,8,8]\n"
                           "0 conv 8 k3 p1  [8,8,8]   224\n"
                           "1 gnorm 4       [8,8,8]   16\n"
                           "2 silu          [8,8,8]\n"
                           "3 maxpool 2     [8,4,4]\n"
                           "4 cat           [16,4,4]\n"
                           "4.0.0 relu      [8,4,4]\n"
                           "4.1.0 up 1      [8,4,4]\n"
                           "5 gap           [16]\n"
                           "total                     240\n");
    gm_net_free(n);
}
END_TEST

/* further axes before a row belong to the batch */
START_TEST(leading_axes)
{
    static const char *const text[] = {"maxpool 2", "avgpool 2", "gap", "adaptpool 2", "up 2 bilinear", "shuffle 1", "unshuffle 2", "inorm",
                                      "gnorm 2", "pad 1 reflect", "cat( relu | maxpool 1 )"};
    gm_tensor *x = input(ROW(2, 3, 2, 4, 4)), *flat = gm_reshape(tape, x, ROW(6, 2, 4, 4));
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        gm_net *n = net_of(text[i], ROW(2, 4, 4));
        ck_assert_str_eq(gm_net_text(n), text[i]);
        gm_tensor *a = gm_net_apply(n, tape, x, NULL), *b = gm_net_apply(n, tape, flat, NULL);
        HAVE(a);
        HAVE(b);
        ck_assert_int_eq(a->ndim, b->ndim + 1);
        ck_assert(a->shape[0] == 2 && a->shape[1] == 3);
        same(gm_reshape(tape, a, b->ndim, b->shape), b, 0);
        gm_net_free(n);
    }
    gm_tensor_free(x);
}
END_TEST

/* enlarging before a convolution is one pass; the numbers are the same as in two */
START_TEST(enlarges_and_convolves)
{
    gm_tensor *x = input(ROW(2, 3, 5, 4));
    gm_net *n = net_of("up 2, conv 4 k3 p1", ROW(3, 5, 4)), *conv = net_of("conv 4 k3 p1", ROW(3, 10, 8));
    for (int i = 0; i < 2; i++) OK(gm_tensor_assign(gm_net_tensor(conv, i), gm_net_tensor(n, i)));
    same(gm_net_apply(n, tape, x, NULL), gm_net_apply(conv, tape, gm_upsample_nearest(tape, x, 2), NULL), 1e-5);
    gm_net_free(n);
    gm_net_free(conv);
    gm_tensor_free(x);
}
END_TEST

/* flatten takes numbers by channel, row, column, however they lie in memory */
START_TEST(flattens_in_order)
{
    gm_tensor *x = input(ROW(2, 3, 4, 6));
    gm_tensor *y = applied("maxpool 1, flatten", x);
    ck_assert(y->contiguous);
    same(y, gm_reshape(tape, x, ROW(2, 72)), 0);
    gm_tensor_free(x);
}
END_TEST

/* ---- messages ----------------------------------------------------------------------------- */

START_TEST(bad_text)
{
    static const struct { const char *text; int ndim; gm_status status; const char *message; } bad[] = {
        {"maxpool", 3, GM_EARG, "net: column 8: maxpool: expected a window size"},
        {"maxpool 0", 3, GM_EARG, "net: column 9: maxpool: expected a window size, a whole number in [1,65535], got '0'"},
        {"maxpool 2 p2", 3, GM_EARG, "net: column 1: maxpool: a padding of 2 is more than half the window 2"},
        {"maxpool 2 nopad", 3, GM_EARG, "net: column 11: maxpool has no setting 'nopad'"},
        {"maxpool 9", 3, GM_ESHAPE, "net: column 1: maxpool: a window of 9 exceeds the padded size 6"},
        {"avgpool 9", 2, GM_ESHAPE, "net: column 1: avgpool: a window of 9 exceeds the padded size 6"},
        {"avgpool 2", 1, GM_ESHAPE, "net: column 1: avgpool: rows [C,H,W] or [C,L] wanted, got [4]"},
        {"gap", 1, GM_ESHAPE, "net: column 1: gap: rows [C,H,W] or [C,L] wanted, got [4]"},
        {"adaptpool 2", 2, GM_ESHAPE, "net: column 1: adaptpool: rows [C,H,W] wanted, got [4,6]"},
        {"adaptpool 2 0", 3, GM_EARG, "net: column 13: adaptpool: expected a width, a whole number in [1,65535], got '0'"},
        {"up 2 bilinear bicubic", 3, GM_EARG, "net: column 1: up: bilinear or bicubic, not both"},
        {"shuffle 3", 3, GM_ESHAPE, "net: column 1: shuffle: 4 channels are not a multiple of 3 x 3"},
        {"shuffle 2", 2, GM_ESHAPE, "net: column 1: shuffle: rows [C,H,W] wanted, got [4,6]"},
        {"unshuffle 5", 3, GM_ESHAPE, "net: column 1: unshuffle: 6 x 8 pixels do not fall into squares of 5"},
        {"pad 6 reflect", 3, GM_ESHAPE, "net: column 1: pad: a width of 6 exceeds what 6 pixels give"},
        {"pad 7 circular", 3, GM_ESHAPE, "net: column 1: pad: a width of 7 exceeds what 6 pixels give"},
        {"pad 1 reflect value=1", 3, GM_EARG, "net: column 1: pad: one of reflect, replicate, circular and value at a time"},
        {"pad 1", 1, GM_ESHAPE, "net: column 1: pad: rows [C,H,W] or [C,L] wanted, got [4]"},
        {"gnorm 3", 3, GM_ESHAPE, "net: column 1: gnorm: 3 groups do not divide 4 channels"},
        {"inorm", 1, GM_ESHAPE, "net: column 1: inorm: rows [C,H,W] or [C,L] wanted, got [4]"},
        {"rmsnorm init=xavier", 3, GM_EARG, "net: column 1: rmsnorm: init is pytorch, dcgan, zeros or normal:STD here"},
        {"cat( relu | maxpool 2 )", 3, GM_ESHAPE, "net: column 1: cat: branches of [4,6,8] and [4,3,4] do not join"},
        {"cond", 3, GM_EARG, "net: column 1: cond: the net was made without a condition"},
        {"up", 3, GM_EARG, "net: column 3: up: expected a factor"},
        {"up 1024, up 1024, up 1024, up 1024, up 1024, up 1024, up 1024", 2, GM_ESHAPE, "net: column 55: up: too large"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        gm_net *n = NULL;
        gm_status s = gm_net_new(ctx, bad[i].text, bad[i].ndim, (const int64_t[]){4, 6, 8}, 0, &n);
        ck_assert_msg(s == bad[i].status, "%s: %s, %s", bad[i].text, gm_status_name(s), gm_ctx_message(ctx));
        ck_assert_msg(!strncmp(gm_ctx_message(ctx), bad[i].message, strlen(bad[i].message)), "%s: %s", bad[i].text, gm_ctx_message(ctx));
        ck_assert_ptr_null(n);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {pools, shuffles_and_pads, norms, joins_channels, condition_at_an_image, prints_as_a_table,
                                   leading_axes, enlarges_and_convolves, flattens_in_order, bad_text};
    Suite *s = suite_create("net_image");
    TCase *c = tcase_create("layers");
    tcase_add_checked_fixture(c, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
