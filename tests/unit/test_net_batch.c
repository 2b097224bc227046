/* Layers that look at a whole batch, against their definitions; their gradients; what they refuse. */
#include "unit/net_test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In double precision. */
static gm_net *net64(const char *text, int ndim, const int64_t *shape)
{
    gm_net *n = net_of(text, ndim, shape);
    OK(gm__net_cast(n, GM_F64));
    return n;
}

static gm_tensor *numbers(int ndim, const int64_t *shape)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F64, ndim, shape, &x));
    for (int64_t i = 0; i < x->size; i++) gm__f64(x)[i] = sin(1.7 * (double)i + 0.3) * (1 + (double)(i % 3));
    return x;
}

/* The mean over features of their deviation over rows, straight from the definition. */
static double spread(const gm_tensor *x)
{
    const int64_t n = x->shape[0], f = x->size / n;
    double sum = 0;
    for (int64_t j = 0; j < f; j++) {
        double mean = 0, square = 0;
        for (int64_t i = 0; i < n; i++) mean += gm__f64(x)[i * f + j] / (double)n;
        for (int64_t i = 0; i < n; i++) square += pow(gm__f64(x)[i * f + j] - mean, 2) / (double)n;
        sum += sqrt(square + 1e-8) / (double)f;
    }
    return sum;
}

START_TEST(mbstd_of_rows)
{
    gm_net *n = net64("mbstd", 1, (int64_t[]){3});
    gm_tensor *x = numbers(2, (int64_t[]){5, 3}), *y = gm_net_apply(n, tape, x, NULL);
    ck_assert_ptr_nonnull(y);
    ck_assert(y->ndim == 2 && y->shape[0] == 5 && y->shape[1] == 4);
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 3; j++) ck_assert_double_eq(gm__f64(y)[i * 4 + j], gm__f64(x)[i * 3 + j]);
        ck_assert_double_eq_tol(gm__f64(y)[i * 4 + 3], spread(x), 1e-12);
    }
    gm_tensor_free(x);
    gm_net_free(n);
}
END_TEST

START_TEST(mbstd_of_images)
{
    gm_net *n = net64("conv 2 k1, mbstd, conv 1 k2", 3, (int64_t[]){2, 2, 2}), *plain = net64("mbstd", 3, (int64_t[]){2, 2, 3});
    gm_tensor *x = numbers(4, (int64_t[]){4, 2, 2, 3}), *z = numbers(4, (int64_t[]){4, 2, 2, 2});
    gm_tensor *y = gm_net_apply(plain, tape, x, NULL), *flat = NULL;
    ck_assert_ptr_nonnull(y);
    ck_assert(y->ndim == 4 && y->shape[1] == 3 && y->shape[2] == 2 && y->shape[3] == 3);
    OK(gm_tensor_new(ctx, GM_F64, 4, y->shape, &flat));
    OK(gm_tensor_assign(flat, y));
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 18; j++)
            ck_assert_double_eq_tol(gm__f64(flat)[i * 18 + j], j < 12 ? gm__f64(x)[i * 12 + j] : spread(x), 1e-12);
    ck_assert_ptr_nonnull(gm_net_apply(n, tape, z, NULL)); /* channels-last, between convolutions */
    gm_tensor_free(flat);
    gm_tensor_free(x);
    gm_tensor_free(z);
    gm_net_free(n);
    gm_net_free(plain);
}
END_TEST

START_TEST(minibatch_of_rows)
{
    enum { N = 4, IN = 3, B = 2, C = 3 };
    gm_net *n = net64("minibatch 2 c3", 1, (int64_t[]){IN});
    gm_tensor *x = numbers(2, (int64_t[]){N, IN}), *y = gm_net_apply(n, tape, x, NULL);
    const double *w = gm__f64(gm_net_tensor(n, 0));
    ck_assert_ptr_nonnull(y);
    ck_assert_int_eq(y->shape[1], IN + B);
    for (int i = 0; i < N; i++)
        for (int b = 0; b < B; b++) {
            double sum = 0;
            for (int j = 0; j < N; j++) {
                double apart = 0;
                for (int c = 0; c < C; c++) {
                    double d = 0;
                    for (int k = 0; k < IN; k++) d += (gm__f64(x)[i * IN + k] - gm__f64(x)[j * IN + k]) * w[k * B * C + b * C + c];
                    apart += fabs(d);
                }
                if (j != i) sum += exp(-apart);
            }
            ck_assert_double_eq_tol(gm__f64(y)[i * (IN + B) + IN + b], sum, 1e-12);
        }
    gm_tensor_free(x);
    gm_net_free(n);
}
END_TEST

static gm_tensor *through(gm_tape *t, gm_tensor *const *in, int32_t n, void *net)
{
    (void)n;
    return gm_sum(t, gm_square(t, gm_net_apply(net, t, in[0], NULL)), GM_ALL_AXES, 0);
}

START_TEST(gradients)
{
    static const char *const texts[] = {"mbstd", "minibatch 2 c3", "linear 4, tanh, mbstd, minibatch 3, linear 1"};
    for (size_t i = 0; i < 3; i++) {
        gm_net *n = net64(texts[i], 1, (int64_t[]){3});
        gm_tensor *x = numbers(2, (int64_t[]){4, 3});
        double error = 1;
        OK(gm_tensor_set_grad(x, 1));
        OK(gm_gradcheck(ctx, through, n, &x, 1, 2, &error));
        ck_assert_msg(error < 1e-5, "%s: %g", texts[i], error);
        gm_tensor_free(x);
        gm_net_free(n);
    }
}
END_TEST

START_TEST(refusals)
{
    gm_net *n = NULL;
    ck_assert_int_eq(gm_net_new(ctx, "mbstd", 2, (int64_t[]){3, 4}, 0, &n), GM_ESHAPE);
    ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "[3,4]"));
    ck_assert_int_eq(gm_net_new(ctx, "minibatch 2", 3, (int64_t[]){1, 4, 4}, 0, &n), GM_ESHAPE);
    ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "flatten"));
    ck_assert_int_eq(gm_net_new(ctx, "minibatch", 1, (int64_t[]){4}, 0, &n), GM_EARG);
    ck_assert_int_eq(gm_net_new(ctx, "minibatch 0", 1, (int64_t[]){4}, 0, &n), GM_EARG);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net batch");
    TCase *c = tcase_create("net batch");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, mbstd_of_rows);
    tcase_add_test(c, mbstd_of_images);
    tcase_add_test(c, minibatch_of_rows);
    tcase_add_test(c, gradients);
    tcase_add_test(c, refusals);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
