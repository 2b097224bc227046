/* test_optim_game.c - optimisers of players against each other: min over x, max over y of x y, whose solution is (0, 0). */
#include <check.h>
#include <gm/gm.h>
#include "optim/optim.h"
#include <math.h>
#include <string.h>

static gm_ctx *ctx;
static gm_tensor *x, *y;
static void setup(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F64, 1, (int64_t[]){1}, &(double){1}, &x), GM_OK);
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F64, 1, (int64_t[]){1}, &(double){1}, &y), GM_OK);
}
static void teardown(void)
{
    gm_tensor_free(x);
    gm_tensor_free(y);
    ck_assert_int_eq(atomic_load(&ctx->h.refs), 1);
    gm_ctx_free(ctx);
}
#define OK(call) ck_assert_msg((call) == GM_OK, "%s: %s", #call, gm_ctx_message(ctx))

static double value(const gm_tensor *t) { return gm__f64(t)[0]; }
static double distance(void) { return hypot(value(x), value(y)); }

/* d/dx x y = y, d/dy -x y = -x */
static void gradients(gm_tape *t)
{
    gm_tape_reset(t);
    OK(gm_tape_backward(t, gm_sum(t, gm_mul(t, x, y), GM_ALL_AXES, 0)));
    gm__f64(gm_tensor_grad(y))[0] *= -1;
}

enum { PLAIN, OPTIMISTIC, EXTRA };
static double play(int how, const char *kind, const char *options, int steps)
{
    gm_optim *px = NULL, *py = NULL;
    gm_tape *t = NULL;
    gm__f64(x)[0] = gm__f64(y)[0] = 1;
    OK(gm_tape_new(ctx, 0, &t));
    OK(gm_optim_new(ctx, kind, options, &px));
    OK(gm_optim_new(ctx, kind, options, &py));
    OK(gm_optim_add(px, x, NULL));
    OK(gm_optim_add(py, y, NULL));
    for (int i = 0; i < steps; i++) {
        gradients(t);
        if (how == EXTRA) {
            OK(gm_optim_extrapolate(px));
            OK(gm_optim_extrapolate(py));
            gradients(t);
        }
        OK(gm_optim_step(px));
        OK(gm_optim_step(py));
    }
    ck_assert_int_eq(gm_optim_steps(px), steps);
    gm_optim_free(px);
    gm_optim_free(py);
    gm_tape_free(t);
    return distance();
}

/* Plain descent multiplies the distance by sqrt(1 + lr^2) each step, extragradient by sqrt(1 - lr^2 + lr^4). */
START_TEST(descent_circles_outwards)
{
    ck_assert_double_eq_tol(play(PLAIN, "sgd", "lr=0.2", 100), sqrt(2) * pow(1.04, 50), 1e-9);
    ck_assert_double_gt(play(PLAIN, "adam", "lr=0.1 beta1=0", 2000), 3);
}
END_TEST
START_TEST(extragradient_converges)
{
    ck_assert_double_eq_tol(play(EXTRA, "sgd", "lr=0.2", 100), sqrt(2) * pow(1 - 0.04 + 0.0016, 50), 1e-9);
    ck_assert_double_lt(play(EXTRA, "sgd", "lr=0.5", 200), 1e-8);
}
END_TEST
START_TEST(optimism_converges)
{
    ck_assert_double_lt(play(OPTIMISTIC, "sgd", "lr=0.2 optimistic=on", 1000), 1e-6);
    ck_assert_double_lt(play(OPTIMISTIC, "adam", "lr=0.1 beta1=0 optimistic=on", 2000), 1e-3);
}
END_TEST

/* w_t+1 = w_t - 2 lr g_t + lr g_(t-1), in both types and across the stretches of a large tensor */
START_TEST(optimistic_by_definition)
{
    enum { N = 20000, STEPS = 4 };
    for (int dtype = GM_F32; dtype <= GM_F64; dtype++) {
        gm_tensor *w = NULL;
        gm_optim *o = NULL;
        gm_tape *t = NULL;
        OK(gm_tensor_new(ctx, dtype, 1, (int64_t[]){N}, &w));
        OK(gm_tape_new(ctx, 0, &t));
        OK(gm_optim_new(ctx, "sgd", "lr=0.125 optimistic=on", &o));
        OK(gm_optim_add(o, w, NULL));
        for (int k = 0; k < STEPS; k++) { /* gradient k + 1 everywhere */
            gm_tape_reset(t);
            OK(gm_tape_backward(t, gm_affine(t, gm_sum(t, w, GM_ALL_AXES, 0), k + 1, 0)));
            OK(gm_optim_step(o));
        }
        const double want = -0.125 * (2 * (1 + 2 + 3 + 4) - (1 + 2 + 3));
        for (int i = 0; i < N; i += 97) ck_assert_double_eq_tol(dtype == GM_F64 ? gm__f64(w)[i] : (double)gm__f32(w)[i], want, 1e-6);
        gm_optim_free(o);
        gm_tape_free(t);
        gm_tensor_free(w);
    }
}
END_TEST

/* Clearing takes a look ahead back; a second look is refused; averages see steps only. */
START_TEST(looks_are_taken_back)
{
    gm_optim *o = NULL;
    gm_tape *t = NULL;
    OK(gm_tape_new(ctx, 0, &t));
    OK(gm_optim_new(ctx, "sgd", "lr=0.5 ema=0.5", &o));
    OK(gm_optim_add(o, x, NULL));
    OK(gm_tape_backward(t, gm_sum(t, gm_square(t, x), GM_ALL_AXES, 0)));
    OK(gm_optim_extrapolate(o));
    ck_assert_double_eq(value(x), 0);
    ck_assert_int_eq(gm_optim_extrapolate(o), GM_ESTATE);
    ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "ahead"));
    gm_optim_clear(o);
    ck_assert_double_eq(value(x), 1);
    gm_tape_reset(t);
    OK(gm_tape_backward(t, gm_sum(t, gm_square(t, x), GM_ALL_AXES, 0)));
    OK(gm_optim_extrapolate(o));
    gm_tape_reset(t);
    OK(gm_tape_backward(t, gm_sum(t, gm_affine(t, x, 3, 0), GM_ALL_AXES, 0)));
    OK(gm_optim_step(o));
    ck_assert_double_eq(value(x), 1 - 0.5 * 3);
    OK(gm_optim_swap_ema(o));
    ck_assert_double_eq(value(x), 0.5 * 1 + 0.5 * -0.5);
    ck_assert_int_eq(gm_optim_extrapolate(NULL), GM_EARG);
    gm_optim_free(o);
    gm_tape_free(t);
}
END_TEST

/* With ema-warmup the first averages follow the weights closely. */
START_TEST(averages_that_warm_up)
{
    gm_optim *o = NULL;
    gm_tape *t = NULL;
    double w = 1, e = 1;
    OK(gm_tape_new(ctx, 0, &t));
    OK(gm_optim_new(ctx, "sgd", "lr=0.25 ema=0.3 ema-warmup=on", &o));
    OK(gm_optim_add(o, x, NULL));
    for (int k = 0; k < 6; k++) {
        const double d = fmin(0.3, (1.0 + k) / (10.0 + k));
        gm_tape_reset(t);
        OK(gm_tape_backward(t, gm_sum(t, gm_square(t, x), GM_ALL_AXES, 0)));
        OK(gm_optim_step(o));
        w -= 0.25 * 2 * w, e = d * e + (1 - d) * w;
    }
    OK(gm_optim_swap_ema(o));
    ck_assert_double_eq_tol(value(x), e, 1e-14);
    gm_optim_free(o);
    gm_tape_free(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("optim game");
    TCase *c = tcase_create("optim game");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, descent_circles_outwards);
    tcase_add_test(c, extragradient_converges);
    tcase_add_test(c, optimism_converges);
    tcase_add_test(c, optimistic_by_definition);
    tcase_add_test(c, looks_are_taken_back);
    tcase_add_test(c, averages_that_warm_up);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
