/* Functions on matrices beyond the rows' samples: closed forms, those made of other ops, broadcasting, repeated values,
 * messages for what cannot be solved. */
#include "ops/on_tape.h"
#include "ops/linalg.h"
#include "ops/samples.h"

static gm_tensor *of(int dtype, int ndim, const int64_t *shape, const double *v)
{
    gm_tensor *x = gm__tape_tensor(t, dtype, ndim, shape);
    ck_assert_ptr_nonnull(x);
    for (int64_t e = 0; e < x->size; e++) {
        if (dtype == GM_F64) gm__f64(x)[e] = v[e];
        else gm__f32(x)[e] = (float)v[e];
    }
    return x;
}

/* n x n by a rule */
static gm_tensor *by_rule(int64_t n, double (*rule)(int64_t i, int64_t j))
{
    gm_tensor *x = gm__tape_tensor(t, GM_F64, 2, SHAPE(n, n));
    ck_assert_ptr_nonnull(x);
    for (int64_t e = 0; e < n * n; e++) gm__f64(x)[e] = rule(e / n, e % n);
    return x;
}
static double hilbert(int64_t i, int64_t j) { return 1.0 / (double)(i + j + 1); }
static double string(int64_t i, int64_t j) { return i == j ? 2 : i - j == 1 || j - i == 1 ? -1 : 0; }
static double fourth(int64_t i, int64_t j) { return i == j ? (i < 2 ? 3 : 5) : 0; }

static void near(double a, double b, double tol) { ck_assert_msg(fabs(a - b) <= tol * fmax(1, fabs(b)), "%.17g, not %.17g", a, b); }

static gm_tensor *leaf_of(const gm_tensor *x)
{
    gm_tensor *l = NULL;
    ck_assert_int_eq(gm_tensor_copy(ctx, x->dtype, x->ndim, x->shape, x->data, &l), GM_OK);
    ck_assert_int_eq(gm_tensor_set_grad(l, 1), GM_OK);
    return l;
}

START_TEST(closed_forms)
{
    /* the inverse of the Hilbert matrix holds integers */
    static const double inverse[9] = {9, -36, 30, -36, 192, -180, 30, -180, 180};
    gm_tensor *h = by_rule(3, hilbert), *y = gm_inverse(t, h);
    ck_assert_msg(y != NULL, "%s", gm_tape_message(t));
    for (int e = 0; e < 9; e++) near(element(y, e), inverse[e], 1e-11);
    near(element(gm_det(t, h), 0), 1.0 / 2160, 1e-15);
    near(element(gm_logdet(t, h), 0), -log(2160), 1e-12);
    /* the vibrating string: eigenvalues 2 - 2 cos(k pi/(n+1)), determinant n + 1 */
    enum { N = 40 };
    const double pi = acos(-1);
    gm_tensor *s = by_rule(N, string), *w = gm_eigh(t, s, NULL), *v;
    for (int k = 0; k < N; k++) near(element(w, k), 2 - 2 * cos((k + 1) * pi / (N + 1)), 1e-13);
    near(element(gm_logdet(t, s), 0), log(N + 1), 1e-13);
    near(element(gm_svd(t, s, NULL, NULL), 0), 2 - 2 * cos(N * pi / (N + 1)), 1e-13);
    w = gm_eigh(t, s, &v); /* a v = v w, the largest of each column positive */
    gm_tensor *left = gm_matmul(t, s, v), *right = gm_mul(t, v, w);
    for (int e = 0; e < N * N; e++) near(element(left, e), element(right, e), 1e-12);
    for (int c = 0; c < N; c++) {
        double most = 0, least = 0;
        for (int r = 0; r < N; r++) most = fmax(most, element(v, r * N + c)), least = fmin(least, element(v, r * N + c));
        ck_assert(most >= -least * (1 - 1e-6));
    }
    /* 3 sqrt 5 and sqrt 5 */
    w = gm_svd(t, of(GM_F32, 2, SHAPE(2, 2), VALUES(3, 0, 4, 5)), NULL, NULL);
    near(element(w, 0), 3 * sqrt(5), 1e-6);
    near(element(w, 1), sqrt(5), 1e-6);
    gm_tensor *sign;
    w = gm_slogdet(t, of(GM_F64, 3, SHAPE(3, 2, 2), VALUES(0, 1, 1, 0, 2, 0, 0, 3, 1, 2, 2, 4)), &sign);
    near(element(w, 0), 0, 1e-15);
    near(element(w, 1), log(6), 1e-15);
    ck_assert(element(w, 2) == -INFINITY);
    ck_assert(element(sign, 0) == -1 && element(sign, 1) == 1 && element(sign, 2) == 0);
}
END_TEST

/* the factors give the matrix back, thin and in a batch */
START_TEST(factors_multiply)
{
    gm_tensor *a = gm_normal(t, 3, SHAPE(2, 9, 4), 0, 1), *u, *vt, *r;
    for (int flat = 0; flat < 2; flat++, a = gm__t(t, a)) {
        gm_tensor *s = gm_svd(t, a, &u, &vt);
        gm_tensor *back = gm_matmul(t, gm_mul(t, u, gm_reshape(t, s, 3, SHAPE(2, 1, 4))), vt);
        ck_assert_msg(back != NULL, "%s", gm_tape_message(t));
        for (int e = 0; e < 72; e++) near(element(back, e), element(a, e), 1e-5);
    }
    gm_tensor *q = gm_qr(t, a, &r), *back = gm_matmul(t, q, r), *one = gm_matmul(t, gm__t(t, q), q);
    ck_assert_msg(back && one, "%s", gm_tape_message(t));
    for (int e = 0; e < 72; e++) near(element(back, e), element(a, e), 1e-5);
    for (int e = 0; e < 32; e++) near(element(one, e), e / 4 % 4 == e % 4, 1e-5);
    for (int e = 0; e < 32; e++) ck_assert(e / 4 % 4 <= e % 4 ? element(r, e) != 0 : element(r, e) == 0);
    /* leading axes broadcast */
    gm_tensor *w = gm_normal(t, 2, SHAPE(3, 3), 0, 1), *b = gm_normal(t, 4, SHAPE(2, 5, 3, 2), 0, 1), *x = gm_solve(t, w, b);
    ck_assert_msg(x && x->ndim == 4 && x->shape[1] == 5, "%s", gm_tape_message(t));
    gm_tensor *again = gm_matmul(t, w, x);
    for (int e = 0; e < 60; e++) near(element(again, e), element(b, e), 1e-4);
}
END_TEST

static gm_tensor *values_sum(gm_tape *tp, gm_tensor *const *in, int32_t n, void *user)
{
    (void)n;
    (void)user;
    gm_tensor *w = gm_eigh(tp, in[0], NULL), *s = gm_svd(tp, in[0], NULL, NULL);
    return gm_add(tp, gm_sum(tp, gm_square(tp, w), GM_ALL_AXES, 0), gm_sum(tp, gm_square(tp, s), GM_ALL_AXES, 0));
}
static gm_tensor *composed(gm_tape *tp, gm_tensor *const *in, int32_t n, void *user)
{
    (void)n;
    (void)user;
    gm_tensor *y = gm_add(tp, gm_det(tp, in[0]), gm_logdet(tp, in[0]));
    return gm_add(tp, y, gm_sum(tp, gm_matmul(tp, gm_inverse(tp, in[0]), in[1]), GM_ALL_AXES, 0));
}

START_TEST(gradients_of_compositions)
{
    double error;
    gm_tensor *in[2] = {leaf_of(of(GM_F64, 2, SHAPE(3, 3), VALUES(4, 1, 0.5, 1, 3, 0.2, 0.5, 0.2, 5))), leaf_of(of(GM_F64, 2, SHAPE(3, 1), VALUES(1, -2, 3)))};
    ck_assert_int_eq(gm_gradcheck(ctx, composed, NULL, in, 2, 2, &error), GM_OK);
    ck_assert_msg(error < 1e-6, "%g", error);
    ck_assert_int_eq(gm_gradcheck(ctx, values_sum, NULL, in, 1, 2, &error), GM_OK);
    ck_assert_msg(error < 1e-6, "%g", error);
    /* the solution of a system with one matrix for many */
    gm_tensor *b = gm__tape_tensor(t, GM_F64, 3, SHAPE(2, 3, 1));
    for (int e = 0; e < 6; e++) gm__f64(b)[e] = e;
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_solve(t, in[0], b), GM_ALL_AXES, 0)), GM_OK);
    ck_assert_int_eq(gm_tensor_ndim(gm_tensor_grad(in[0])), 2);
    for (int i = 0; i < 2; i++) gm_tensor_free(in[i]);
}
END_TEST

/* Equal eigenvalues: right for functions of the values, NaN through the vectors. */
START_TEST(repeated_values)
{
    gm_tensor *a = leaf_of(by_rule(4, fourth)), *v, *u, *vt;
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_square(t, gm_eigh(t, a, NULL)), GM_ALL_AXES, 0)), GM_OK);
    for (int e = 0; e < 16; e++) near(element(gm_tensor_grad(a), e), 2 * fourth(e / 4, e % 4), 1e-14);
    gm_tensor_clear_grad(a);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_svd(t, a, NULL, NULL), GM_ALL_AXES, 0)), GM_OK);
    for (int e = 0; e < 16; e++) near(element(gm_tensor_grad(a), e), e / 4 == e % 4, 1e-14);
    gm_tensor_clear_grad(a);
    gm_eigh(t, a, &v);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, v, GM_ALL_AXES, 0)), GM_OK);
    ck_assert(isnan(element(gm_tensor_grad(a), 0)));
    gm_tensor_clear_grad(a);
    gm_svd(t, a, &u, &vt);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, u, GM_ALL_AXES, 0)), GM_OK);
    ck_assert(isnan(element(gm_tensor_grad(a), 0)));
    gm_tensor_free(a);
}
END_TEST

static void fails(gm_tensor *y, gm_status s, const char *message)
{
    ck_assert_ptr_null(y);
    ck_assert_int_eq(gm_tape_status(t), s);
    ck_assert_str_eq(gm_tape_message(t), message);
    gm_tape_reset(t);
}

START_TEST(what_cannot_be_solved)
{
    fails(gm_cholesky(t, of(GM_F64, 2, SHAPE(2, 2), VALUES(1, 2, 2, 1))), GM_ENONFINITE,
          "cholesky: not positive definite: leading minor 2 is not positive");
    fails(gm_logdet(t, of(GM_F64, 3, SHAPE(2, 1, 1), VALUES(1, -1))), GM_ENONFINITE,
          "cholesky: not positive definite: leading minor 1 of matrix 1 is not positive");
    fails(gm_cholesky(t, of(GM_F32, 3, SHAPE(2, 1, 1), VALUES(1, NAN))), GM_ENONFINITE, "cholesky of matrix 1: the matrix holds inf or NaN");
    fails(gm_eigh(t, of(GM_F32, 2, SHAPE(1, 1), VALUES(INFINITY)), NULL), GM_ENONFINITE, "eigh: the matrix holds inf or NaN");
    fails(gm_svd(t, of(GM_F32, 2, SHAPE(1, 1), VALUES(INFINITY)), NULL, NULL), GM_ENONFINITE, "svd: the matrix holds inf or NaN");
    fails(gm_qr(t, of(GM_F32, 2, SHAPE(1, 1), VALUES(NAN)), NULL), GM_ENONFINITE, "qr: the matrix holds inf or NaN");
    fails(gm_solve(t, of(GM_F64, 2, SHAPE(2, 2), VALUES(1, 2, 2, 4)), of(GM_F64, 2, SHAPE(2, 1), VALUES(1, 1))), GM_ENONFINITE, "solve: singular: pivot 2 is 0");
    fails(gm_inverse(t, of(GM_F64, 3, SHAPE(2, 1, 1), VALUES(1, 0))), GM_ENONFINITE, "solve: singular: pivot 1 of matrix 1 is 0");
    gm_tensor *b = of(GM_F64, 2, SHAPE(2, 1), VALUES(1, 1));
    fails(gm_solve_triangular(t, of(GM_F64, 2, SHAPE(2, 2), VALUES(1, 2, 2, 0)), b, 0, 0, 0), GM_ENONFINITE, "solve_triangular: singular: element [1,1] is 0");
    /* a determinant of 0 has a value, its gradient has none */
    gm_tensor *a = leaf_of(of(GM_F64, 2, SHAPE(2, 2), VALUES(1, 2, 2, 4))), *d = gm_det(t, a);
    ck_assert(d && element(d, 0) == 0);
    ck_assert_int_eq(gm_tape_backward(t, d), GM_ENONFINITE);
    gm_tape_reset(t);
    gm_tensor_free(a);
}
END_TEST

START_TEST(what_does_not_fit)
{
    gm_tensor *sign = NULL;
    fails(gm_cholesky(t, NULL), GM_EARG, "cholesky: input 0 is NULL");
    fails(gm_inverse(t, NULL), GM_EARG, "solve: input 0 is NULL");
    fails(gm_solve(t, gm_zeros(t, GM_F64, 2, SHAPE(2, 2)), NULL), GM_EARG, "solve: input 1 is NULL");
    fails(gm_cholesky(t, gm_zeros(t, GM_F32, 3, SHAPE(1, 2, 3))), GM_ESHAPE, "cholesky: square matrices wanted, a is [1,2,3]");
    fails(gm_inverse(t, gm_zeros(t, GM_F32, 1, SHAPE(3))), GM_ESHAPE, "solve: square matrices wanted, a is [3]");
    fails(gm_slogdet(t, gm_zeros(t, GM_I32, 2, SHAPE(3, 3)), &sign), GM_EDTYPE, "slogdet: input 0 is i32, f32 or f64 wanted");
    ck_assert_ptr_null(sign);
    fails(gm_svd(t, gm_zeros(t, GM_F64, 1, SHAPE(3)), NULL, NULL), GM_ESHAPE, "svd: matrices wanted, a is [3]");
    fails(gm_qr(t, gm_zeros(t, GM_F64, 2, SHAPE(2, 3)), NULL), GM_ESHAPE, "qr: matrices with as many rows as columns or more wanted, a is [2,3]");
    fails(gm_solve(t, gm_zeros(t, GM_F64, 2, SHAPE(2, 2)), gm_zeros(t, GM_F64, 2, SHAPE(3, 2))), GM_ESHAPE,
          "solve: a is [2,2], b [3,2]; [..., n, n] and [..., n, k] wanted");
    fails(gm_solve(t, gm_zeros(t, GM_F64, 2, SHAPE(2, 2)), gm_zeros(t, GM_F64, 1, SHAPE(2))), GM_ESHAPE,
          "solve: a is [2,2], b [2]; [..., n, n] and [..., n, k] wanted");
    fails(gm_solve(t, gm_zeros(t, GM_F64, 3, SHAPE(2, 2, 2)), gm_zeros(t, GM_F64, 3, SHAPE(3, 2, 1))), GM_ESHAPE,
          "solve: leading sizes do not broadcast: [2,2,2] and [3,2,1]");
    fails(gm_solve(t, gm_zeros(t, GM_F64, 2, SHAPE(2, 2)), gm_zeros(t, GM_F32, 2, SHAPE(2, 1))), GM_EDTYPE, "solve: types differ: f64 and f32");
    fails(gm_eigh(t, gm_expand(t, gm_zeros(t, GM_F32, 2, SHAPE(1, 1)), 2, SHAPE(16385, 16385)), NULL), GM_ELIMIT,
          "eigh: a is [16385,16385], the limit is 16384 rows or columns");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {closed_forms, factors_multiply, gradients_of_compositions, repeated_values, what_cannot_be_solved, what_does_not_fit};
    Suite *s = suite_create("linalg");
    TCase *c = tcase_create("linalg");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
