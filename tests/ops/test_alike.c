/* test_alike.c - PSNR and SSIM: scikit-image's values (tests/vectors/alike.py), gradients of both orders, closed forms, bad arguments. */
#include "ops/window.h"
#include <check.h>
#include <math.h>
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

static double unit(uint32_t i)
{
    uint32_t h = i * 2654435761u + 12345u;
    h ^= h >> 15, h *= 2246822519u, h ^= h >> 13;
    return (h >> 8) * 0x1p-24;
}

/* n images as in alike.py, each of its own seed */
static gm_tensor *images(int dtype, int64_t n, int64_t c, int64_t h, int64_t w, uint32_t seed, double noise, double range)
{
    gm_tensor *x = NULL;
    ck_assert_int_eq(gm_tensor_new(ctx, dtype, 4, (int64_t[]){ n, c, h, w }, &x), GM_OK);
    for (int64_t e = 0; e < n * c * h * w; e++) {
        uint32_t i = (uint32_t)(e % (c * h * w)), s = seed + 2 * (uint32_t)(e / (c * h * w)), px = i % (uint32_t)w, py = i / (uint32_t)w % (uint32_t)h;
        double v = range * ((1 - noise) * ((px * px + 3 * py) % 64 / 64.0) + noise * unit(i + s * 100003u));
        gm__store(dtype == GM_F64, x->data + e * (int64_t)gm__esize(dtype), v);
    }
    return x;
}

static double item(gm_tensor *y, int64_t i)
{
    ck_assert_msg(y != NULL, "%s", gm_tape_message(t));
    return y->dtype == GM_F64 ? gm__f64(y)[i * y->stride[0]] : (double)gm__f32(y)[i * y->stride[0]];
}

START_TEST(values)
{
    static const struct { int c, h, w; double a, b, range, psnr, ssim; } cases[] = {
#include "vectors/alike.h"
    };
    for (size_t k = 0; k < GM__COUNT(cases); k++)
        for (int dtype = GM_F32; dtype <= GM_F64; dtype++) {
            gm_tensor *x = images(dtype, 2, cases[k].c, cases[k].h, cases[k].w, 1, cases[k].a, cases[k].range);
            gm_tensor *y = images(dtype, 2, cases[k].c, cases[k].h, cases[k].w, 2, cases[k].b, cases[k].range);
            double tol = dtype == GM_F64 ? 1e-10 : 2e-5;
            ck_assert_double_eq_tol(item(gm_psnr(t, x, y, cases[k].range), 0), cases[k].psnr, 10 * tol);
            ck_assert_double_eq_tol(item(gm_ssim(t, x, y, cases[k].range), 0), cases[k].ssim, tol);
            ck_assert_double_eq_tol(item(gm_ssim(t, x, x, cases[k].range), 1), 1, tol);
            gm_tensor_free(x), gm_tensor_free(y);
        }
}
END_TEST

START_TEST(closed_forms)
{
    gm_tensor *x = NULL, *y = NULL;
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F64, 4, (int64_t[]){ 1, 1, 12, 12 }, &x), GM_OK);
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F64, 4, (int64_t[]){ 1, 1, 12, 12 }, &y), GM_OK);
    for (int i = 0; i < 144; i++) gm__f64(x)[i] = 0.5, gm__f64(y)[i] = 0.6;
    ck_assert_double_eq_tol(item(gm_psnr(t, x, y, 1), 0), 20, 1e-10);
    ck_assert_double_eq_tol(item(gm_psnr(t, x, y, 10), 0), 40, 1e-10);
    ck_assert(isinf(item(gm_psnr(t, x, x, 1), 0)));
    ck_assert_double_eq_tol(item(gm_ssim(t, x, y, 1), 0), (0.6 + 1e-4) / (0.61 + 1e-4), 1e-10); /* constants have no variance */
    gm_tensor_free(x), gm_tensor_free(y);
}
END_TEST

static gm_tensor *loss(gm_tape *on, gm_tensor *const *in, int32_t n, void *user)
{
    ck_assert_int_eq(n, 2);
    return gm_sum(on, user ? gm_ssim(on, in[0], in[1], 1.5) : gm_psnr(on, in[0], in[1], 1.5), GM_ALL_AXES, 0);
}

START_TEST(gradients)
{
    gm_tensor *in[2] = { images(GM_F64, 2, 2, 12, 11, 1, 0.3, 1), images(GM_F64, 2, 2, 12, 11, 2, 0.5, 1) };
    for (int k = 0; k < 2; k++) ck_assert_int_eq(gm_tensor_set_grad(in[k], 1), GM_OK);
    for (int which = 0; which < 2; which++)
        for (int order = 1; order <= 2; order++) {
            double worst = 1;
            ck_assert_msg(gm_gradcheck(ctx, loss, which ? &which : NULL, in, 2, order, &worst) == GM_OK, "%s", gm_ctx_message(ctx));
            ck_assert_msg(worst < 1e-5, "%s, order %d: %g", which ? "ssim" : "psnr", order, worst);
        }
    gm_tensor_free(in[0]), gm_tensor_free(in[1]);
}
END_TEST

START_TEST(bad_arguments)
{
    gm_tensor *x = images(GM_F32, 1, 1, 12, 12, 1, 0, 1), *small = images(GM_F32, 1, 1, 10, 12, 1, 0, 1);
#define REFUSED(code, text, call)                                                                                   \
    do {                                                                                                            \
        ck_assert_ptr_null(call);                                                                                   \
        ck_assert_int_eq(gm_tape_status(t), code);                                                                  \
        ck_assert_msg(strstr(gm_tape_message(t), text) != NULL, "%s", gm_tape_message(t));                          \
        gm_tape_reset(t);                                                                                           \
    } while (0)
    REFUSED(GM_ESHAPE, "ssim: two images [N, C, H, W] of one shape wanted, got [1,1,12,12] and [1,1,10,12]", gm_ssim(t, x, small, 1));
    REFUSED(GM_ESHAPE, "psnr", gm_psnr(t, x, small, 1));
    REFUSED(GM_ESHAPE, "11x11 pixels or more wanted, got 10x12", gm_ssim(t, small, small, 1));
    REFUSED(GM_EARG, "range", gm_ssim(t, x, x, 0));
    REFUSED(GM_EARG, "range", gm_psnr(t, x, x, NAN));
    REFUSED(GM_EARG, "two tensors", gm_psnr(t, x, NULL, 1));
    gm_tensor_free(x), gm_tensor_free(small);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alike");
    TCase *c = tcase_create("alike");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, values);
    tcase_add_test(c, closed_forms);
    tcase_add_test(c, gradients);
    tcase_add_test(c, bad_arguments);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
