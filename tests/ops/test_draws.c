/* Draws against their laws. Each test has a fixed seed; its bound would be passed by chance with probability 1e-6 or less:
 * Kolmogorov-Smirnov D sqrt(n) <= 2.7 (2 exp(-2 * 2.7^2) = 9e-7), means within 5 standard errors, chi-square by its normal tail. */
#include "ops/samples.h"

static gm_ctx *ctx;
static gm_tape *t;

static void setup(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 1, &t), GM_OK);
    gm_tape_seed(t, 11);
}
static void teardown(void)
{
    gm_tape_free(t);
    gm_ctx_free(ctx);
}
#define SHAPE(...) (const int64_t[]){__VA_ARGS__}
enum { N = 20000 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
typedef double law(double x, double a);

/* Kolmogorov and Smirnov against the distribution function */
static void follows(const char *what, const gm_tensor *x, law *cdf, double a)
{
    ck_assert_msg(x != NULL, "%s: %s", what, gm_tape_message(t));
    size_t n = (size_t)x->size;
    double *v = malloc(n * sizeof *v), d = 0;
    for (size_t i = 0; i < n; i++) v[i] = element(x, (int64_t)i);
    qsort(v, n, sizeof *v, by_value);
    for (size_t i = 0; i < n; i++) {
        double p = cdf(v[i], a);
        d = fmax(d, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
    }
    free(v);
    ck_assert_msg(d * sqrt((double)n) <= 2.7, "%s(%g): D sqrt(n) = %g", what, a, d * sqrt((double)n));
}

static double gumbel_cdf(double x, double a) { (void)a; return exp(-exp(-x)); }
static double exponential_cdf(double x, double rate) { return 1 - exp(-rate * x); }
static double normal_cdf(double z) { return 0.5 * erfc(-z / sqrt(2)); }
/* the regularised incomplete gamma function by its series; for long tails 1 is near enough */
static double gamma_cdf(double x, double a)
{
    double c = 1 / a, sum = c;
    if (x > a + 30 * sqrt(a) + 60) return 1;
    for (int n = 1; n < 4000 && c > 1e-18 * sum; n++) sum += c *= x / (a + n);
    return fmin(1, exp(a * log(x) - x - lgamma(a)) * sum);
}
/* Beta(a, 1): x^a; of a pair, lo and hi apart, see below */
static double power_cdf(double x, double a) { return pow(x, a); }
static double trunc_lo, trunc_hi;
static double truncated_cdf(double z, double a)
{
    (void)a;
    bool up = trunc_lo > 0; /* the tail with the digits */
    double l = normal_cdf(up ? -trunc_lo : trunc_lo), h = normal_cdf(up ? -trunc_hi : trunc_hi), p = normal_cdf(up ? -z : z);
    return (p - l) / (h - l);
}

START_TEST(continuous)
{
    static const double alphas[] = {0.2, 0.5, 1, 2.5, 40, 1000}, bounds[][2] = {{-2, 2}, {-0.5, 0.1}, {1, 2}, {6, 7}, {-9, -8}, {-INFINITY, 0}};
    follows("gumbel", gm_gumbel(t, 1, SHAPE(N)), gumbel_cdf, 0);
    follows("exponential", gm_exponential(t, 1, SHAPE(N), 3), exponential_cdf, 3);
    for (size_t k = 0; k < sizeof alphas / sizeof *alphas; k++)
        for (int dtype = GM_F32; dtype <= GM_F64; dtype++) {
            gm_tensor *a = gm_full(t, dtype, 1, SHAPE(N), alphas[k]);
            follows("gamma", gm_gamma(t, a), gamma_cdf, alphas[k]);
            if (alphas[k] >= 0.5) follows("beta", gm_beta(t, a, gm_full(t, dtype, 0, NULL, 1)), power_cdf, alphas[k]);
        }
    for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
        trunc_lo = bounds[k][0], trunc_hi = bounds[k][1];
        gm_tensor *y = gm_truncated_normal(t, 1, SHAPE(N), 5, 0.5, 5 + 0.5 * trunc_lo, 5 + 0.5 * trunc_hi);
        follows("truncated_normal", gm_affine(t, gm_cast(t, y, GM_F64), 2, -10), truncated_cdf, trunc_lo);
    }
}
END_TEST

/* counts against probabilities; cells under 10 expected are joined */
START_TEST(poisson)
{
    static const double rates[] = {0.1, 1, 4, 9.9, 10, 30, 500};
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        double rate = rates[k], chi = 0, expected = 0, seen = 0, left = N, left_seen = N;
        gm_tensor *y = gm_poisson(t, gm_full(t, GM_F32, 1, SHAPE(N), rate));
        int cells = 0, count[1000] = {0};
        ck_assert_ptr_nonnull(y);
        for (int i = 0; i < N; i++) {
            double v = element(y, i);
            ck_assert(v >= 0 && v < 1000 && v == floor(v));
            count[(int)v]++;
        }
        for (int v = 0; v < 1000; v++) {
            expected += N * exp(v * log(rate) - rate - lgamma(v + 1.0));
            seen += count[v];
            if (expected < 10 || left - expected < 10) continue;
            chi += (seen - expected) * (seen - expected) / expected;
            left -= expected, left_seen -= seen;
            cells++, expected = seen = 0;
        }
        chi += (left_seen - left) * (left_seen - left) / left;
        /* Wilson and Hilferty: the cube root is nearly normal; 4.9 deviations are 5e-7 */
        double df = cells, z = (cbrt(chi / df) - (1 - 2 / (9 * df))) / sqrt(2 / (9 * df));
        ck_assert_msg(z < 4.9, "poisson(%g): chi-square %g over %d degrees", rate, chi, cells);
    }
    for (int64_t i = 0; i < 3; i++) ck_assert(element(gm_poisson(t, gm_zeros(t, GM_F64, 1, SHAPE(3))), i) == 0);
}
END_TEST

START_TEST(orders_and_mixtures)
{
    int first[5] = {0};
    for (int k = 0; k < 2000; k++) { /* each place equally often: 400 +- 5 * 17.9 */
        gm_tensor *p = gm_randperm(t, 5);
        unsigned got = 0;
        for (int i = 0; i < 5; i++) got |= 1u << (int)element(p, i);
        ck_assert_uint_eq(got, 31);
        first[(int)element(p, 0)]++;
    }
    for (int i = 0; i < 5; i++) ck_assert_msg(abs(first[i] - 400) < 90, "place %d: %d", i, first[i]);
    ck_assert_int_eq(gm_randperm(t, 0)->size, 0);

    gm_tensor *alpha = gm_expand(t, gm_arange(t, GM_F64, 0.5, 3.5, 1), 2, SHAPE(N, 3)); /* .5 1.5 2.5 */
    gm_tensor *d = gm_dirichlet(t, alpha), *mean = gm_mean(t, d, 0, 0), *sums = gm_sum(t, d, 1, 0);
    for (int i = 0; i < 3; i++) {
        double m = (0.5 + i) / 4.5, sd = sqrt(m * (1 - m) / 5.5 / N);
        ck_assert_msg(fabs(element(mean, i) - m) < 5 * sd, "dirichlet mean %d: %g, not %g", i, element(mean, i), m);
    }
    for (int i = 0; i < N; i++) ck_assert(fabs(element(sums, i) - 1) < 1e-12);
}
END_TEST

/* corners fall with the softmax's probabilities; the hard draw carries the soft one's gradient */
START_TEST(gumbel_softmax)
{
    gm_tensor *logits = NULL, *g[2];
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 2, SHAPE(N, 3), &logits), GM_OK);
    for (int64_t e = 0; e < logits->size; e++) gm__f32(logits)[e] = (float)(e % 3);
    ck_assert_int_eq(gm_tensor_set_grad(logits, 1), GM_OK);
    gm_tensor *y[2], *weights = gm_affine(t, logits, 0.3, 1);
    for (int hard = 0; hard < 2; hard++) {
        gm_tape_seed(t, 5);
        ck_assert_ptr_nonnull(y[hard] = gm_gumbel_softmax(t, logits, 0.7, hard));
        ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_mul(t, y[hard], gm_detach(t, weights)), GM_ALL_AXES, 0), &logits, 1, 0, &g[hard]), GM_OK);
    }
    double count[3] = {0}, total = 1 + exp(1) + exp(2);
    for (int64_t e = 0; e < logits->size; e++) {
        double v = element(y[1], e);
        ck_assert(fabs(v) < 1e-6 || fabs(v - 1) < 1e-6);
        count[e % 3] += v;
        ck_assert(fabs(element(g[0], e) - element(g[1], e)) < 1e-6);
    }
    for (int i = 0; i < 3; i++) {
        double p = exp(i) / total;
        ck_assert_msg(fabs(count[i] - N * p) < 5 * sqrt(N * p * (1 - p)), "corner %d: %g, not %g", i, count[i], N * p);
    }
    gm_tensor_free(logits);
}
END_TEST

/* d E[f(y)] / d alpha is the mean of f'(y) dy/dalpha: for f = y it is 1, for y^2 2 alpha + 1, for log y trigamma(alpha) */
START_TEST(gamma_gradient)
{
    static const double alphas[] = {0.3, 1, 3, 50, 20000};
    for (size_t k = 0; k < sizeof alphas / sizeof *alphas; k++) {
        double a = alphas[k];
        gm_tensor *alpha = NULL, *y, *g;
        ck_assert_int_eq(gm_tensor_new(ctx, GM_F64, 1, SHAPE(N), &alpha), GM_OK);
        for (int i = 0; i < N; i++) gm__f64(alpha)[i] = a;
        ck_assert_int_eq(gm_tensor_set_grad(alpha, 1), GM_OK);
        for (int f = 0; f < 3; f++) {
            y = gm_gamma(t, alpha);
            gm_tensor *loss = gm_sum(t, f == 0 ? y : f == 1 ? gm_square(t, y) : gm_log(t, y), GM_ALL_AXES, 0);
            ck_assert_int_eq(gm_tape_grad(t, loss, &alpha, 1, 0, &g), GM_OK);
            double sum = 0, squares = 0;
            for (int i = 0; i < N; i++) sum += element(g, i), squares += element(g, i) * element(g, i);
            double want = f == 0 ? 1 : f == 1 ? 2 * a + 1 : gm__polygamma(1, a), mean = sum / N, sd = sqrt(fmax(0, squares / N - mean * mean) / N);
            ck_assert_msg(fabs(mean - want) < 5 * sd + 1e-6 * want, "alpha %g, f %d: %g, not %g (+- %g)", a, f, mean, want, sd);
        }
        gm_tensor_free(alpha);
        gm_tape_reset(t);
    }
}
END_TEST

/* in rows mode a row's draws depend on the row alone */
START_TEST(rows_alone)
{
    static const uint64_t rows[] = {7, 3, 9}, one[] = {9};
    gm_tensor *y[2][3];
    for (int k = 0; k < 2; k++) {
        gm_tape_reset(t);
        gm__tape_rows(t, 1, GM__R_SAMPLE, 0, k ? one : rows, k ? 1 : 3);
        gm_tensor *a = gm_full(t, GM_F32, 2, SHAPE(k ? 1 : 3, 4), 1.5);
        gm_tensor *z[3] = {gm_gamma(t, a), gm_poisson(t, a), gm_truncated_normal(t, 2, a->shape, 0, 1, -1, 1)};
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 2, a->shape, &y[k][i]), GM_OK);
            ck_assert_int_eq(gm_tensor_assign(y[k][i], z[i]), GM_OK);
        }
    }
    gm__tape_rows(t, 0, 0, 0, NULL, 0);
    for (int i = 0; i < 3; i++) {
        for (int e = 0; e < 4; e++) ck_assert(element(y[0][i], 8 + e) == element(y[1][i], e));
        gm_tensor_free(y[0][i]);
        gm_tensor_free(y[1][i]);
    }
}
END_TEST

START_TEST(wrong_arguments)
{
#define WRONG(code, word, e)                                                                                                  \
    do {                                                                                                                      \
        ck_assert_ptr_null(e);                                                                                                \
        ck_assert_msg(gm_tape_status(t) == (code) && strstr(gm_tape_message(t), word), "%s: %s", #e, gm_tape_message(t));     \
        gm_tape_reset(t);                                                                                                     \
    } while (0)
    WRONG(GM_EARG, "gamma: alpha 0 at position 0", gm_gamma(t, gm_zeros(t, GM_F32, 1, SHAPE(2))));
    WRONG(GM_EARG, "gamma: alpha nan", gm_gamma(t, gm_full(t, GM_F64, 1, SHAPE(2), NAN)));
    WRONG(GM_EARG, "poisson: rate -1 at position 0", gm_poisson(t, gm_full(t, GM_F32, 1, SHAPE(2), -1)));
    WRONG(GM_EARG, "exponential: rate 0", gm_exponential(t, 0, NULL, 0));
    WRONG(GM_EARG, "gumbel_softmax: tau 0", gm_gumbel_softmax(t, gm_zeros(t, GM_F32, 1, SHAPE(2)), 0, 0));
    WRONG(GM_ESHAPE, "gumbel_softmax: logits", gm_gumbel_softmax(t, gm_zeros(t, GM_F32, 0, NULL), 1, 0));
    WRONG(GM_EARG, "truncated_normal: mean 0, stddev 1", gm_truncated_normal(t, 0, NULL, 0, 1, 2, 2));
    WRONG(GM_EARG, "35 deviations", gm_truncated_normal(t, 0, NULL, 0, 1, 40, 41));
    WRONG(GM_EARG, "randperm: n -1", gm_randperm(t, -1));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {continuous, poisson, orders_and_mixtures, gumbel_softmax, gamma_gradient, rows_alone, wrong_arguments};
    Suite *s = suite_create("draws");
    TCase *c = tcase_create("draws");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
