/* test_pyramid.c - a level of the Laplacian pyramid and its inverse: exact, adjoint to their gradients, closed forms, bad arguments. */
#include "ops/window.h"
#include <check.h>
#include <gm/image.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static gm_ctx *ctx;
static gm_tape *t;
static void setup(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 0, &t), GM_OK);
}
static void teardown(void)
{
    gm_tape_free(t);
    gm_ctx_free(ctx);
}

static gm_tensor *image(int dtype, int64_t n, int64_t c, int64_t h, int64_t w, double salt)
{
    gm_tensor *x = NULL;
    ck_assert_int_eq(gm_tensor_new(ctx, dtype, 4, (int64_t[]){n, c, h, w}, &x), GM_OK);
    for (int64_t i = 0; i < x->size; i++) gm__store(dtype == GM_F64, (char *)x->data + i * (dtype == GM_F64 ? 8 : 4), sin(1.7 * (double)i + salt));
    ck_assert_int_eq(gm_tensor_set_grad(x, 1), GM_OK);
    return x;
}

static double value(gm_tensor *x)
{
    double v;
    ck_assert_msg(x && gm_tensor_item(x, &v) == GM_OK, "%s", gm_tape_message(t));
    return v;
}
static double largest(gm_tensor *x) { return value(gm_max(t, gm_abs(t, gm_cast(t, x, GM_F64)), GM_ALL_AXES, 0)); }
static double dot(gm_tensor *a, gm_tensor *b) { return value(gm_sum(t, gm_mul(t, a, b), GM_ALL_AXES, 0)); }

static const int64_t sizes[][2] = {{8, 8}, {7, 7}, {1, 1}, {2, 3}, {17, 6}, {32, 32}, {1, 9}};

START_TEST(there_and_back)
{
    for (size_t i = 0; i < GM__COUNT(sizes); i++)
        for (int dtype = GM_F32; dtype <= GM_F64; dtype++) {
            gm_tensor *x = image(dtype, 2, 3, sizes[i][0], sizes[i][1], 0), *coarse = NULL;
            gm_tensor *band = gm_laplacian_split(t, x, &coarse), *back = gm_laplacian_join(t, coarse, band);
            ck_assert(coarse && coarse->shape[2] == (sizes[i][0] + 1) / 2 && coarse->shape[3] == (sizes[i][1] + 1) / 2);
            ck_assert_double_lt(largest(gm_sub(t, x, back)), dtype == GM_F64 ? 1e-15 : 3e-7);
            ck_assert_ptr_nonnull(gm_laplacian_split(t, x, NULL));
            gm_tape_reset(t);
            gm_tensor_free(x);
        }
}
END_TEST

/* <S x, (a, b)> = <x, S' (a, b)> with S' the gradient, and the same of the inverse. */
START_TEST(adjoints)
{
    for (size_t i = 0; i < GM__COUNT(sizes); i++) {
        gm_tensor *x = image(GM_F64, 2, 2, sizes[i][0], sizes[i][1], 0), *coarse = NULL, *band = gm_laplacian_split(t, x, &coarse);
        gm_tensor *a = image(GM_F64, 2, 2, coarse->shape[2], coarse->shape[3], 1), *b = image(GM_F64, 2, 2, sizes[i][0], sizes[i][1], 2), *g[2];
        gm_tensor *both = gm_add(t, gm_sum(t, gm_mul(t, coarse, a), GM_ALL_AXES, 0), gm_sum(t, gm_mul(t, band, b), GM_ALL_AXES, 0));
        ck_assert_int_eq(gm_tape_grad(t, both, &x, 1, 0, g), GM_OK);
        ck_assert_double_eq_tol(value(both), dot(x, g[0]), 1e-11);
        gm_tensor *y = gm_laplacian_join(t, a, b), *in[] = {a, b}, *inner = gm_sum(t, gm_mul(t, y, x), GM_ALL_AXES, 0);
        ck_assert_int_eq(gm_tape_grad(t, inner, in, 2, 0, g), GM_OK);
        ck_assert_double_eq_tol(value(inner), dot(a, g[0]) + dot(b, g[1]), 1e-11);
        gm_tape_reset(t);
        gm_tensor_free(x), gm_tensor_free(a), gm_tensor_free(b);
    }
}
END_TEST

/* A constant has no detail, a chessboard is nothing but that. */
START_TEST(closed_forms)
{
    gm_tensor *x = image(GM_F64, 1, 1, 8, 8, 0), *coarse = NULL;
    for (int board = 0; board < 2; board++) {
        for (int i = 0; i < 64; i++) gm__f64(x)[i] = board && (i / 8 + i) % 2 ? -3 : 3;
        gm_tensor *band = gm_laplacian_split(t, x, &coarse);
        ck_assert_double_lt(largest(board ? coarse : band), 1e-12);
        ck_assert_double_lt(largest(board ? gm_sub(t, band, x) : gm_affine(t, coarse, 1, -3)), 1e-12);
    }
    gm_tape_reset(t);
    gm_tensor_free(x);
}
END_TEST

static void fails(gm_tensor *y, gm_status code, const char *text)
{
    ck_assert_ptr_null(y);
    ck_assert_msg(gm_tape_status(t) == code && strstr(gm_tape_message(t), text), "%s", gm_tape_message(t));
    gm_tape_reset(t);
}
START_TEST(refused)
{
    gm_tensor *x = image(GM_F32, 1, 2, 6, 6, 0), *small = image(GM_F32, 1, 2, 2, 3, 0), *flat = NULL, *coarse = x;
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){6, 6}, &flat), GM_OK);
    fails(gm_laplacian_join(t, small, x), GM_ESHAPE, "2 places become 3 or 4, not 6");
    fails(gm_laplacian_join(t, x, flat), GM_ESHAPE, "got [6,6]");
    fails(gm_laplacian_join(t, x, NULL), GM_EARG, "band");
    fails(gm_laplacian_join(t, NULL, x), GM_EARG, "x");
    fails(gm_laplacian_split(t, flat, &coarse), GM_ESHAPE, "pyramid_down");
    ck_assert_ptr_null(coarse);
    fails(gm_laplacian_split(t, NULL, NULL), GM_EARG, "x");
    gm_tensor_free(x), gm_tensor_free(small), gm_tensor_free(flat);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pyramid");
    TCase *c = tcase_create("pyramid");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, there_and_back);
    tcase_add_test(c, adjoints);
    tcase_add_test(c, closed_forms);
    tcase_add_test(c, refused);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
