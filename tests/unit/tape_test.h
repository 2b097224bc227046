/* tape_test.h - what the tests of the tape share: a context, a tape, leaves. */
#ifndef TESTS_TAPE_TEST_H
#define TESTS_TAPE_TEST_H

#include "unit/tape_ops.h"
#include <check.h>
#include <gm/gm.h>
#include <stdlib.h>

static gm_ctx *ctx;
static gm_tape *t;
static void start(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 1, &t), GM_OK);
}
static void stop(void)
{
    gm_memory m = {.struct_size = sizeof m};
    gm__retain(ctx);
    gm_tape_free(t);
    ck_assert_int_eq(gm_ctx_set_threads(ctx, 1), GM_OK);
    gm_ctx_memory(ctx, &m);
    ck_assert_msg(m.live_bytes < 16384, "%lu bytes are left", (unsigned long)m.live_bytes);
    gm_ctx_free(ctx);
    gm_ctx_free(ctx);
}

/* leaf of f64 values 0.1, 0.2, ... that wants a gradient */
static gm_tensor *leaf(int dtype, int64_t a, int64_t b)
{
    gm_tensor *x = NULL;
    int64_t shape[2] = {a, b};
    ck_assert_int_eq(gm_tensor_new(ctx, dtype, b < 0 ? 1 : 2, shape, &x), GM_OK);
    for (int64_t i = 0; i < x->size; i++) put(x, x->data + (size_t)i * gm__esize(dtype), 0.1 * (double)(i + 1));
    gm_tensor_set_grad(x, 1);
    return x;
}
static double at(const gm_tensor *x, int64_t i)
{
    double v[64];
    ck_assert(x && x->dtype == GM_F64 && x->size <= 64);
    ck_assert_int_eq(gm_tensor_read(x, v, (size_t)x->size * 8), GM_OK);
    return v[i];
}
#define NEAR(a, b) ck_assert_msg(fabs((a) - (b)) < 1e-12, "%g is not %g", (double)(a), (double)(b))
#define OK(expr) ck_assert_msg((expr) == GM_OK, "%s: %s", #expr, gm_ctx_message(ctx))

static int run_tests(const char *name, const TTest *const *tests, size_t n, const TTest *loop, int times)
{
    Suite *s = suite_create(name);
    TCase *c = tcase_create(name);
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, start, stop);
    for (size_t i = 0; i < n; i++) tcase_add_test(c, tests[i]);
    if (loop) tcase_add_loop_test(c, loop, 0, times);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#endif
