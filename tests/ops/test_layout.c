/* test_layout.c - elementwise ops and batch norm on channels-last images: the same numbers, the same order in memory, no copies. */
#include "ops/layout.h"
#include <check.h>
#include <math.h>
#include <stdlib.h>

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

/* [2,3,4,5] of fixed numbers in a leaf that wants a gradient */
static gm_tensor *leaf(int salt)
{
    const int64_t shape[] = {2, 3, 4, 5};
    double v[120];
    gm_tensor *x = NULL;
    for (int i = 0; i < 120; i++) v[i] = sin(1.7 * i + salt) * 1.5;
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F64, 4, shape, v, &x), GM_OK);
    ck_assert_int_eq(gm_tensor_set_grad(x, 1), GM_OK);
    return x;
}
/* the same logical tensor, channels-last in memory */
static gm_tensor *turn(gm_tensor *x) { return gm__from_last(t, gm__to_last(t, x)); }

static void same(const gm_tensor *a, const gm_tensor *b, double tol)
{
    double u[120], v[120];
    ck_assert_int_eq(gm_tensor_read(a, u, sizeof u), GM_OK);
    ck_assert_int_eq(gm_tensor_read(b, v, sizeof v), GM_OK);
    for (int i = 0; i < 120; i++) ck_assert_msg(fabs(u[i] - v[i]) <= tol, "%d: %.17g and %.17g", i, u[i], v[i]);
}

START_TEST(knows_the_order)
{
    gm_tensor *x = leaf(0);
    gm_tensor *y = turn(x);
    ck_assert(!gm__is_last(x));
    ck_assert(gm__is_last(y));
    ck_assert_int_eq(y->shape[1], 3);
    same(x, y, 0);
    ck_assert_ptr_eq(gm__to_last(t, y)->data, y->data);      /* no copy */
    gm_tensor *z = gm__to_last(t, x);
    ck_assert_ptr_eq(gm__to_last(t, gm__from_last(t, z)), z); /* not even a view */
    ck_assert_ptr_null(gm__to_last(t, gm_sum(t, x, GM_ALL_AXES, 0)));
    ck_assert_int_eq(gm_tape_status(t), GM_ESHAPE);
    gm_tensor_free(x);
}
END_TEST

/* An expression of all kinds of elementwise ops, of images x, y, a map of channels c and a number. */
static gm_tensor *expression(gm_tensor *x, gm_tensor *y, gm_tensor *c)
{
    gm_tensor *h = gm_leaky_relu(t, gm_add(t, gm_mul(t, x, c), y), 0.2);
    h = gm_where(t, gm_gt(t, h, gm_full(t, GM_F64, 0, NULL, 0.3)), gm_tanh(t, h), gm_maximum(t, h, x));
    return gm_sub(t, gm_affine(t, h, 2, 1), gm_div(t, x, gm_exp(t, gm_clamp(t, y, -1, 1))));
}

START_TEST(keeps_the_order)
{
    gm_tensor *x = leaf(0), *y = leaf(5), *c = NULL, *g[2][3];
    const int64_t cs[] = {3, 1, 1};
    const double cv[] = {0.5, -1, 2};
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F64, 3, cs, cv, &c), GM_OK);
    ck_assert_int_eq(gm_tensor_set_grad(c, 1), GM_OK);
    gm_tensor *xs[3] = {x, y, c};
    gm_tensor *plain = expression(x, y, c), *last = expression(turn(x), turn(y), c);
    ck_assert_int_eq(gm_tape_status(t), GM_OK);
    ck_assert(gm__is_last(last));
    same(plain, last, 0);
    gm_tensor *w = turn(gm_cos(t, plain)); /* weights of a sum, so that gradients differ from element to element */
    ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_mul(t, plain, gm_detach(t, w)), GM_ALL_AXES, 0), xs, 3, 0, g[0]), GM_OK);
    ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_mul(t, last, gm_detach(t, w)), GM_ALL_AXES, 0), xs, 3, 0, g[1]), GM_OK);
    for (int i = 0; i < 2; i++) same(g[0][i], g[1][i], 1e-14);
    for (int i = 0; i < 3; i++) {
        double u[3], v[3];
        ck_assert_int_eq(gm_tensor_read(g[0][2], u, sizeof u), GM_OK);
        ck_assert_int_eq(gm_tensor_read(g[1][2], v, sizeof v), GM_OK);
        ck_assert_double_eq_tol(u[i], v[i], 1e-12);
    }
    /* an image in each order: the result follows the channels-last one, the numbers are the same */
    same(expression(turn(x), y, c), plain, 0);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_tensor_free(c);
}
END_TEST

/* One channel: a row-major image turned looks channels-last too. */
START_TEST(sizes_of_one_come_to_an_end)
{
    const int64_t shape[] = {2, 5, 12, 1};
    gm_tensor *x = NULL, *last, *z;
    double u[120], v[120];
    for (int i = 0; i < 120; i++) u[i] = i;
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F64, 4, shape, u, &x), GM_OK);
    last = turn(x);
    ck_assert(gm__is_last(last));
    z = gm_sub(t, last, gm_add(t, x, last));
    ck_assert_int_eq(gm_tape_status(t), GM_OK);
    ck_assert_int_eq(gm_tensor_read(z, v, sizeof v), GM_OK);
    for (int i = 0; i < 120; i++) ck_assert(v[i] == -u[i]);
    gm_tensor_free(x);
}
END_TEST

START_TEST(batch_norm_by_pixels)
{
    gm_tensor *x = leaf(2);
    gm_tape_training(t, 1);
    gm_tensor *a = gm_batch_norm(t, x, NULL, NULL, NULL, NULL, 1e-5), *b = gm_batch_norm(t, turn(x), NULL, NULL, NULL, NULL, 1e-5);
    ck_assert(gm__is_last(b));
    same(a, b, 1e-13);
    gm_tensor *ga, *gb, *w = gm_detach(t, gm_sin(t, gm__scale(t, a, 3)));
    ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_mul(t, a, w), GM_ALL_AXES, 0), &x, 1, 0, &ga), GM_OK);
    ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_mul(t, b, w), GM_ALL_AXES, 0), &x, 1, 0, &gb), GM_OK);
    same(ga, gb, 1e-12);
    gm_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("layout");
    TCase *c = tcase_create("channels-last");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, knows_the_order);
    tcase_add_test(c, keeps_the_order);
    tcase_add_test(c, sizes_of_one_come_to_an_end);
    tcase_add_test(c, batch_norm_by_pixels);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
