/* Metrics between sets of rows: values of NumPy, SciPy and scikit-learn (tests/vectors/metrics.txt), closed forms,
 * the same bytes at 1, 2, 3 threads, wrong input, failing allocations, cancel. */
#include "data_test.h"
#include "metrics/c2st.h"

static double unit(uint32_t i)
{
    uint32_t h = i * 2654435761u + 12345u;
    h ^= h >> 15, h *= 2246822519u, h ^= h >> 13;
    return (h >> 8) * 0x1p-24;
}

/* As in tests/vectors/metrics.py. */
static gm_tensor *rows(int64_t n, int64_t d, uint32_t seed, double scale, double shift, int binary)
{
    gm_tensor *t = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ n, d }, &t));
    for (int64_t e = 0; e < n * d; e++) {
        uint32_t i = (uint32_t)(4 * e) + seed * 1000003u;
        double u = unit(i) + unit(i + 1) + unit(i + 2) + unit(i + 3) - 2;
        gm__f32(t)[e] = (float)(binary ? unit(i) > 0.5 : scale * u + shift);
    }
    return t;
}

static gm_tensor *normals(int64_t n, int64_t d, uint64_t seed)
{
    gm_tensor *t = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ n, d }, &t));
    OK(gm_random_normal(seed, 7, 0, (size_t)(n * d), gm__f32(t)));
    return t;
}

static gm_metrics_config defaults(void)
{
    gm_metrics_config c;
    gm_metrics_config_init(&c, sizeof c);
    return c;
}

/* ---- against other systems --------------------------------------------------------------- */

static const struct { int64_t n, m, d; double scale, shift; int binary; } cases[] = {
    { 40, 30, 3, 1.2, 0.1, 0 }, { 150, 150, 17, 1, 0, 0 }, { 60, 60, 7, 1, 0, 1 }, { 20, 30, 40, 1, 0.5, 0 }, { 1500, 2500, 2, 0.7, 100, 0 },
};

static int numbers_of(const char *metric)
{
    return !strcmp(metric, "prdc") ? 4 : !strcmp(metric, "nearest") || !strcmp(metric, "neighbours") ? 2 : 1;
}

static gm_tensor *part(gm_tensor *t, int64_t first, int64_t end)
{
    gm_tensor *p = NULL;
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){ end - first, t->shape[1] }, gm__f32(t) + first * t->shape[1], &p));
    return p;
}

static void near(gm_tensor *x, gm_tensor *y, int with_fresh, double *v)
{
    int64_t m = y->shape[0];
    gm_tensor *a = with_fresh ? part(y, 0, m / 2) : NULL, *b = with_fresh ? part(y, m / 2, m) : y;
    OK(gm_nearest(ctx, x, a, b, &v[0], NULL, &v[1]));
    if (with_fresh) gm_tensor_free(b);
    gm_tensor_free(a);
}

static void sums(gm_tensor *x, gm_tensor *y, int k, double *v)
{
    gm_tensor *d = NULL, *at = NULL;
    OK(gm_neighbours(ctx, x, y, k, &d, &at));
    v[0] = v[1] = 0;
    for (int64_t i = 0; i < d->size; i++) {
        v[0] += (double)gm__f32(d)[i];
        v[1] += (double)((int64_t *)(void *)at->data)[i];
    }
    gm_tensor_free(d), gm_tensor_free(at);
}

/* scikit-learn's halves are the even and the odd rows of both sets; gm_c2st would shuffle them first. */
static void judge(gm_tensor *x, gm_tensor *y, double *v)
{
    const int64_t n = x->shape[0] < y->shape[0] ? x->shape[0] : y->shape[0], d = x->shape[1];
    gm_tensor *both = NULL;
    gm__set s[2];
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 2 * n, d }, &both));
    memcpy(gm__f32(both), gm__f32(x), (size_t)(n * d) * sizeof(float));
    memcpy(gm__f32(both) + n * d, gm__f32(y), (size_t)(n * d) * sizeof(float));
    OK(gm__sets_open(ctx, "test", (gm__arg){ "both", both }, (gm__arg){ NULL, NULL }, 1, GM__SET_CENTRED, s));
    OK(gm__logistic(ctx, s, v));
    gm__sets_close(s);
    gm_tensor_free(both);
}

static void measure(const char *metric, double p, gm_tensor *x, gm_tensor *y, double *v)
{
    gm_metrics_config c = defaults();
    if (!strcmp(metric, "prdc")) c.k = (int)p, OK(gm_prdc(ctx, x, y, &c, v, NULL));
    else if (!strcmp(metric, "frechet")) OK(gm_frechet(ctx, x, y, v));
    else if (!strcmp(metric, "mmd")) c.degree = (int)p, OK(gm_mmd(ctx, x, y, &c, v, NULL));
    else if (!strcmp(metric, "mmd_gaussian")) c.kernel = GM_KERNEL_GAUSSIAN, c.bandwidth = p, OK(gm_mmd(ctx, x, y, &c, v, NULL));
    else if (!strcmp(metric, "c2st") && p == 1) judge(x, y, v);
    else if (!strcmp(metric, "c2st")) OK(gm_c2st(ctx, x, y, &c, v, NULL));
    else if (!strcmp(metric, "nearest")) near(x, y, (int)p, v);
    else if (!strcmp(metric, "wasserstein")) c.power = (int)p, OK(gm_wasserstein(ctx, x, y, &c, v));
    else if (!strcmp(metric, "neighbours")) sums(x, y, (int)p, v);
    else ck_abort_msg("no metric %s", metric);
}

static double tolerance(const char *metric, double want)
{
    if (!strcmp(metric, "neighbours")) return 1e-6 * want;
    if (!strcmp(metric, "nearest")) return 1e-5; /* distances that f32 cannot tell apart count half */
    return 2e-6 * fmax(1, fabs(want));
}

START_TEST(references)
{
    FILE *f = fopen("tests/vectors/metrics.txt", "r");
    ck_assert_msg(f != NULL, "tests/vectors/metrics.txt cannot be read; run from the top of the tree");
    char metric[32];
    int k, seen = 0;
    double p, want[4], got[4];
    while (fscanf(f, "%d %31s %lf", &k, metric, &p) == 3) {
        int n = numbers_of(metric);
        for (int i = 0; i < n; i++) ck_assert_int_eq(fscanf(f, "%lf", &want[i]), 1);
        gm_tensor *x = rows(cases[k].n, cases[k].d, (uint32_t)(2 * k + 1), 1, k == 4 ? 100 : 0, cases[k].binary);
        gm_tensor *y = rows(cases[k].m, cases[k].d, (uint32_t)(2 * k + 2), cases[k].scale, cases[k].shift, cases[k].binary);
        measure(metric, p, x, y, got);
        for (int i = 0; i < n; i++)
            ck_assert_msg(fabs(got[i] - want[i]) <= tolerance(metric, want[i]), "case %d: %s %g: number %d is %.9g, not %.9g", k, metric, p, i, got[i], want[i]);
        gm_tensor_free(x), gm_tensor_free(y);
        seen++;
    }
    fclose(f);
    ck_assert_int_ge(seen, 50);
}
END_TEST

/* ---- closed forms ---------------------------------------------------------------------------- */

/* All sign patterns of three numbers, times size[j]: covariances are diagonal, and known. Columns 3 and 4 are constant. */
static gm_tensor *corners(const double size[3], const double at[5])
{
    gm_tensor *t = NULL;
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){ 8, 5 }, &t));
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 5; j++) gm__f64(t)[5 * i + j] = at[j] + (j < 3 ? (i >> j & 1 ? size[j] : -size[j]) : 0);
    return t;
}

START_TEST(frechet_of_singular_covariances)
{
    const double a[3] = { 1, 2, 0.5 }, b[3] = { 3, 0, 0.25 }, p[5] = { 0, 1, 2, 3, -4 }, q[5] = { 0.5, 1, 2, 3, -6 };
    gm_tensor *x = corners(a, p), *y = corners(b, q);
    double v, want = 0.25 + 4;
    for (int j = 0; j < 3; j++) want += (a[j] - b[j]) * (a[j] - b[j]) * 8 / 7;
    OK(gm_frechet(ctx, x, y, &v));
    ck_assert_double_eq_tol(v, want, 1e-12 * want);
    OK(gm_frechet(ctx, y, x, &v));
    ck_assert_double_eq_tol(v, want, 1e-6);
    OK(gm_frechet(ctx, x, x, &v));
    ck_assert_double_eq_tol(v, 0, 1e-12);
    gm_tensor_free(x), gm_tensor_free(y);
    x = normals(30, 100, 1); /* fewer rows than numbers */
    y = part(x, 0, 30);
    for (int64_t i = 0; i < y->size; i++) gm__f32(y)[i] += 0.5f;
    OK(gm_frechet(ctx, x, y, &v));
    ck_assert_double_eq_tol(v, 25, 1e-5);
    gm_tensor_free(x), gm_tensor_free(y);
}
END_TEST

/* Normal rows of deviation 1 around 0 and around mu in every number. */
START_TEST(gaussians_shifted)
{
    enum { N = 3000, D = 6 };
    const double mu = 0.4, delta = mu * sqrt(D), s2 = 4;
    gm_tensor *x = normals(N, D, 1), *y = normals(N, D, 2);
    gm_metrics_config c = defaults();
    double v, e;
    for (int64_t i = 0; i < y->size; i++) gm__f32(y)[i] += (float)mu;
    c.judge = GM_JUDGE_LOGISTIC;
    OK(gm_c2st(ctx, x, y, &c, &v, &e));
    ck_assert_double_eq_tol(e, sqrt(v * (1 - v) / (2 * N)), 1e-12);
    ck_assert_double_eq_tol(v, 0.5 * erfc(-delta / 2 / sqrt(2)), 4 * e); /* Phi(delta/2) */
    OK(gm_sliced_wasserstein(ctx, x, y, NULL, &v, &e)); /* |delta| / sqrt(d) */
    ck_assert_double_eq_tol(v, mu, 4 * e + 0.02);
    c.kernel = GM_KERNEL_GAUSSIAN, c.bandwidth = 2;
    OK(gm_mmd(ctx, x, y, &c, &v, &e)); /* k is the density of a Gaussian but for a factor: means are convolutions */
    double want = 2 * pow(s2 / (s2 + 2), D / 2.0) * (1 - exp(-delta * delta / 2 / (s2 + 2)));
    ck_assert_double_eq_tol(v, want, 4 * e);
    ck_assert(e > 0 && e < want / 10);
    c.bandwidth = 0;
    OK(gm_mmd(ctx, x, y, &c, &v, &e)); /* the median distance */
    ck_assert(v > 10 * e);
    gm_tensor_free(x), gm_tensor_free(y);
}
END_TEST

/* Under equal laws values spread around 0 and 1/2 as their errors say. */
START_TEST(gaussians_equal)
{
    enum { SETS = 40, N = 200, D = 5 };
    gm_metrics_config c = defaults();
    double v, e, z[2] = { 0 }, zz[2] = { 0 }, right = 0, logistic = 0;
    for (int k = 0; k < SETS; k++) {
        gm_tensor *x = normals(N, D, (uint64_t)(2 * k)), *y = normals(N, D, (uint64_t)(2 * k + 1));
        for (int kernel = 0; kernel < 2; kernel++) {
            c.kernel = kernel;
            OK(gm_mmd(ctx, x, y, &c, &v, &e));
            ck_assert_msg(fabs(v) < 4 * e, "set %d, kernel %d: %g, standard error %g", k, kernel, v, e);
            z[kernel] += v / e / SETS;
            zz[kernel] += v / e * v / e / SETS;
        }
        c.judge = GM_JUDGE_NEAREST;
        OK(gm_c2st(ctx, x, y, &c, &v, NULL));
        right += v / SETS;
        c.judge = GM_JUDGE_LOGISTIC;
        OK(gm_c2st(ctx, x, y, &c, &v, NULL));
        logistic += v / SETS;
        gm_tensor_free(x), gm_tensor_free(y);
    }
    for (int kernel = 0; kernel < 2; kernel++) {
        ck_assert_double_lt(fabs(z[kernel]), 0.6);
        ck_assert_msg(zz[kernel] > 0.5 && zz[kernel] < 2, "kernel %d: mean square %g of values over errors", kernel, zz[kernel]);
    }
    ck_assert_double_eq_tol(right, 0.5, 5 * 0.5 / sqrt(2.0 * N * SETS));
    ck_assert_double_eq_tol(logistic, 0.5, 5 * 0.5 / sqrt(2.0 * N * SETS));
}
END_TEST

START_TEST(fractions_of_known_sets)
{
    double v[4], e[4], closer, copied;
    gm_tensor *x = normals(400, 3, 1), *far = normals(400, 3, 2), *half = normals(400, 3, 3);
    OK(gm_prdc(ctx, x, x, NULL, v, e)); /* each row lies in its own ball and in those of others */
    ck_assert(v[0] == 1 && v[1] == 1 && v[3] == 1 && v[2] > 1 && e[0] == 0 && e[2] > 0);
    for (int64_t i = 0; i < far->size; i++) gm__f32(far)[i] += 100;
    OK(gm_prdc(ctx, x, far, NULL, v, e));
    ck_assert(v[0] == 0 && v[1] == 0 && v[2] == 0 && v[3] == 0);
    for (int64_t i = 0; i < half->size / 2; i++) gm__f32(half)[i] += 100; /* half of the samples are nowhere near */
    OK(gm_prdc(ctx, x, half, NULL, v, e));
    ck_assert(v[0] > 0.4 && v[0] <= 0.5 && v[3] > 0.8);
    ck_assert_double_eq_tol(e[0], sqrt(v[0] * (1 - v[0]) / 400), 1e-12);
    OK(gm_c2st(ctx, x, far, NULL, v, NULL));
    ck_assert(v[0] == 1);
    OK(gm_c2st(ctx, x, x, NULL, v, NULL)); /* the nearest is always the copy in the other set */
    ck_assert(v[0] == 0);
    gm_tensor *few = part(x, 0, 50); /* fresh: 50 of the rows against all others */
    OK(gm_nearest(ctx, x, NULL, few, &closer, NULL, &copied));
    ck_assert(closer == 1 && copied == 1);
    gm_tensor_free(few);
    OK(gm_nearest(ctx, x, NULL, x, &closer, NULL, &copied)); /* every row repeated */
    ck_assert(closer == 1 && copied == 1);
    memcpy(gm__f32(far), gm__f32(x), 100 * 3 * sizeof(float)); /* a quarter repeated */
    OK(gm_nearest(ctx, x, NULL, far, &closer, NULL, &copied));
    ck_assert(closer == 0.25 && copied == 0.25);
    gm_tensor_free(x), gm_tensor_free(far), gm_tensor_free(half);
    x = normals(4000, 3, 4), far = normals(1000, 3, 5), half = normals(1000, 3, 6);
    OK(gm_nearest(ctx, x, far, half, &closer, e, &copied)); /* a perfect model repeats nothing */
    ck_assert_double_eq_tol(closer, 0.5, 4 * e[0]);
    ck_assert_double_eq_tol(e[0], sqrt(2.0 / 12 / 1000), 0.002); /* of two uniform ranks */
    ck_assert_double_lt(copied, 0.02);
    OK(gm_nearest(ctx, x, NULL, half, &closer, e, NULL));
    ck_assert_double_eq_tol(closer, 0.5, 4 * e[0]);
    gm_tensor_free(x), gm_tensor_free(far), gm_tensor_free(half);
}
END_TEST

/* x(t) = rho x(t-1) + noise is worth n (1 - rho)/(1 + rho) independent draws. */
START_TEST(effective_samples)
{
    enum { CHAINS = 4, N = 50000 };
    static const double rho[] = { 0, 0.5, 0.9, -0.5 };
    double ess, one, r;
    gm_tensor *t = NULL, *e = normals(CHAINS, N, 11);
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){ CHAINS, N }, &t));
    double *x = (double *)(void *)t->data;
    for (size_t k = 0; k < GM__COUNT(rho); k++) {
        for (int c = 0; c < CHAINS; c++)
            for (int i = 0; i < N; i++) x[c * N + i] = (i ? rho[k] * x[c * N + i - 1] : 0) + (double)gm__f32(e)[c * N + i];
        OK(gm_effective_samples(ctx, t, &ess, &r));
        ck_assert_double_eq_tol(ess / (CHAINS * N * (1 - rho[k]) / (1 + rho[k])), 1, 0.08);
        ck_assert_double_eq_tol(r, 1, 0.01);
        gm_tensor *row = NULL;
        OK(gm_tensor_wrap(ctx, GM_F64, 1, (int64_t[]){ N }, NULL, x + 2 * N, NULL, NULL, &row));
        OK(gm_effective_samples(ctx, row, &one, NULL));
        ck_assert_double_eq_tol(one / (N * (1 - rho[k]) / (1 + rho[k])), 1, 0.15);
        gm_tensor_free(row);
    }
    for (int i = 0; i < N; i++) x[i] += 20; /* one chain is in another mode */
    OK(gm_effective_samples(ctx, t, &ess, &r));
    ck_assert_double_lt(ess, 40);
    ck_assert_double_gt(r, 3);
    for (int i = 0; i < CHAINS * N; i++) x[i] = 7;
    FAILS(GM_EARG, "constant", gm_effective_samples(ctx, t, &ess, &r));
    x[N + 3] = NAN;
    FAILS(GM_ENONFINITE, "value 3 of chain 1", gm_effective_samples(ctx, t, &ess, &r));
    gm_tensor_free(t);
    OK(gm_tensor_new(ctx, GM_F32, 1, (int64_t[]){ 3 }, &t));
    FAILS(GM_ESHAPE, "N 4 or more", gm_effective_samples(ctx, t, &ess, &r));
    gm_tensor_free(t);
    gm_tensor_free(e);
}
END_TEST

START_TEST(modes_of_a_mixture)
{
    float at[3][2] = { { 0, 0 }, { 1, 0 }, { 0, 1 } };
    float s[8][2] = { { 0, 0.29f }, { 0.31f, 0 }, { 1, 0 }, { 1.1f, 0.1f }, { 0.9f, 0 }, { 5, 5 }, { 0.01f, 0 }, { 0.02f, 0.02f } };
    gm_tensor *c = NULL, *x = NULL;
    double v[3];
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){ 3, 2 }, at, &c));
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){ 8, 2 }, s, &x));
    OK(gm_modes(ctx, x, c, 0.1, v));
    ck_assert(v[0] == 2 && v[1] == 0.75);
    ck_assert_double_eq_tol(v[2], log(1.5), 1e-12); /* 3 and 3 of 6 */
    OK(gm_modes(ctx, x, c, 0.0001, v));
    ck_assert(v[0] == 1 && v[1] == 0.125);
    ck_assert_double_eq_tol(v[2], log(3), 1e-12);
    gm__f32(x)[4] = 9; /* the one that was right */
    OK(gm_modes(ctx, x, c, 0.0001, v));
    ck_assert(v[0] == 0 && v[1] == 0 && isinf(v[2]));
    gm_tensor_free(x);
    x = normals(20000, 2, 3); /* the law itself: 1 - e^(-4.5) lie within 3 sigma */
    for (int64_t i = 0; i < x->size; i++) gm__f32(x)[i] = 0.01f * gm__f32(x)[i] + at[i / 2 % 3][i % 2];
    OK(gm_modes(ctx, x, c, 0.01, v));
    ck_assert(v[0] == 3 && v[2] < 1e-3);
    ck_assert_double_eq_tol(v[1], 1 - exp(-4.5), 4 * sqrt(exp(-4.5) / 20000));
    gm_tensor_free(x), gm_tensor_free(c);
}
END_TEST

START_TEST(wasserstein_of_numbers)
{
    gm_metrics_config c = defaults();
    gm_tensor *x = NULL, *y = NULL;
    double v;
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){ 2, 2 }, (float[]){ 3, -1, 0, 2 }, &x)); /* -1 0 2 3 */
    OK(gm_tensor_copy(ctx, GM_F64, 1, (int64_t[]){ 2 }, (double[]){ 2, -2 }, &y));         /* -2 -2 2 2 */
    OK(gm_wasserstein(ctx, x, y, NULL, &v));
    ck_assert_double_eq_tol(v, sqrt((1 + 4 + 0 + 1) / 4.0), 1e-12);
    c.power = 1;
    OK(gm_wasserstein(ctx, x, y, &c, &v));
    ck_assert_double_eq_tol(v, 1, 1e-12);
    gm_tensor_free(y);
    OK(gm_tensor_copy(ctx, GM_F32, 1, (int64_t[]){ 3 }, (float[]){ 0, 0, 0 }, &y));
    OK(gm_wasserstein(ctx, x, y, &c, &v));
    ck_assert_double_eq_tol(v, 1.5, 1e-12);
    gm_tensor_free(x), gm_tensor_free(y);
}
END_TEST

/* Many equal distances: neighbours come in the order of rows, and counts are those of whole numbers. */
START_TEST(ties)
{
    gm_tensor *x = NULL, *d = NULL, *at = NULL;
    double v[4];
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 100, 2 }, &x));
    for (int i = 0; i < 100; i++) gm__f32(x)[2 * i] = (float)(i / 10), gm__f32(x)[2 * i + 1] = (float)(i % 10);
    OK(gm_neighbours(ctx, x, x, 4, &d, &at));
    const int64_t *k = (const int64_t *)(const void *)at->data + 4 * 55;
    ck_assert(k[0] == 45 && k[1] == 54 && k[2] == 56 && k[3] == 65);
    for (int i = 0; i < 4; i++) ck_assert(gm__f32(d)[4 * 55 + i] == 1);
    gm_tensor_free(d), gm_tensor_free(at);
    for (int64_t i = 0; i < x->size; i++) gm__f32(x)[i] = 3; /* all rows equal */
    OK(gm_prdc(ctx, x, x, NULL, v, NULL));
    ck_assert(v[0] == 1 && v[1] == 1 && v[2] == 20 && v[3] == 1);
    OK(gm_c2st(ctx, x, x, NULL, v, NULL)); /* 99 of 199 are of the same set */
    ck_assert_double_eq_tol(v[0], 99.0 / 199, 1e-12);
    OK(gm_frechet(ctx, x, x, v));
    OK(gm_mmd(ctx, x, x, NULL, v + 1, NULL));
    OK(gm_sliced_wasserstein(ctx, x, x, NULL, v + 2, v + 3));
    ck_assert(v[0] == 0 && v[1] == 0 && v[2] == 0 && v[3] == 0);
    gm_tensor_free(x);
}
END_TEST

/* ---- the same whatever holds the numbers, and whoever computes ----------------------------------- */

enum { ALL = 18 };
static gm_status everything(gm_tensor *x, gm_tensor *y, double *v)
{
    gm_metrics_config c = defaults();
    gm_tensor *d = NULL;
    GM__TRY(gm_prdc(ctx, x, y, &c, v, v + 4));
    GM__TRY(gm_frechet(ctx, x, y, v + 8));
    GM__TRY(gm_mmd(ctx, x, y, &c, v + 9, v + 10));
    c.kernel = GM_KERNEL_GAUSSIAN;
    GM__TRY(gm_mmd(ctx, x, y, &c, v + 11, NULL));
    GM__TRY(gm_c2st(ctx, x, y, &c, v + 12, NULL));
    c.judge = GM_JUDGE_LOGISTIC, c.projections = 40;
    GM__TRY(gm_c2st(ctx, x, y, &c, v + 13, NULL));
    GM__TRY(gm_sliced_wasserstein(ctx, x, y, &c, v + 14, NULL));
    GM__TRY(gm_wasserstein(ctx, x, y, &c, v + 15));
    GM__TRY(gm_nearest(ctx, x, NULL, y, v + 16, NULL, NULL));
    GM__TRY(gm_neighbours(ctx, x, y, 2, &d, NULL));
    gm_tensor_free(d);
    return gm_modes(ctx, x, y, 0.5, (double[3]){ 0 });
}

START_TEST(threads_strides_types)
{
    enum { N = 1500, M = 1200, D = 9 };
    double want[ALL] = { 0 }, got[ALL] = { 0 };
    gm_tensor *x = rows(N, D, 1, 1, 0, 0), *y = rows(M, D, 2, 1.1, 0.1, 0), *t = NULL, *w = NULL;
    OK(gm_ctx_set_threads(ctx, 1));
    OK(everything(x, y, want));
    for (int threads = 2; threads <= 3; threads++) {
        OK(gm_ctx_set_threads(ctx, threads));
        OK(everything(x, y, got));
        ck_assert(!memcmp(want, got, sizeof want));
    }
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ D, N }, &t)); /* x by columns */
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < D; j++) gm__f32(t)[j * N + i] = gm__f32(x)[i * D + j];
    OK(gm_tensor_wrap(ctx, GM_F32, 3, (int64_t[]){ N, 3, 3 }, (int64_t[]){ 1, 3 * N, N }, gm_tensor_data(t), NULL, NULL, &w));
    OK(everything(w, y, got));
    ck_assert(!memcmp(want, got, sizeof want));
    gm_tensor_free(w), gm_tensor_free(t);
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){ N, D }, &t));
    OK(gm_tensor_assign(t, x));
    OK(everything(t, y, got));
    ck_assert(!memcmp(want, got, sizeof want));
    gm_tensor_free(t), gm_tensor_free(x), gm_tensor_free(y);
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------------------------------- */

START_TEST(wrong_input)
{
    gm_metrics_config c = defaults();
    gm_tensor *x = normals(20, 3, 1), *y = normals(20, 4, 1), *few = normals(3, 3, 1), *whole = NULL, *none = NULL, *d = (gm_tensor *)&d;
    double v[4];
    OK(gm_tensor_new(ctx, GM_I64, 2, (int64_t[]){ 20, 3 }, &whole));
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 0, 3 }, &none));
    FAILS(GM_ESHAPE, "prdc: rows of data [20,3] and samples [20,4] differ in size", gm_prdc(ctx, x, y, NULL, v, NULL));
    FAILS(GM_EARG, "prdc: samples has 3 rows, 6 or more are needed", gm_prdc(ctx, x, few, NULL, v, NULL));
    FAILS(GM_EDTYPE, "samples must be f32 or f64, not i64", gm_frechet(ctx, x, whole, v));
    FAILS(GM_ESHAPE, "[0,3]", gm_mmd(ctx, none, x, NULL, v, NULL));
    FAILS(GM_EARG, "4 or more", gm_mmd(ctx, few, x, NULL, v, NULL));
    FAILS(GM_EARG, "4 or more", gm_c2st(ctx, x, few, NULL, v, NULL));
    FAILS(GM_EARG, "value is NULL", gm_c2st(ctx, x, x, NULL, NULL, NULL));
    FAILS(GM_EARG, "data", gm_frechet(ctx, NULL, x, v));
    FAILS(GM_EARG, "k must be 1 to 19 for 20 rows, not 20", gm_neighbours(ctx, x, x, 20, &d, NULL));
    ck_assert_ptr_null(d);
    FAILS(GM_EARG, "not 0", gm_neighbours(ctx, x, few, 0, &d, NULL));
    FAILS(GM_EARG, "sigma", gm_modes(ctx, x, few, 0, v));
    FAILS(GM_EARG, "sigma", gm_modes(ctx, x, few, NAN, v));
    FAILS(GM_ESHAPE, "centres", gm_modes(ctx, x, y, 1, v));
    c.k = 0;
    FAILS(GM_EARG, "k", gm_prdc(ctx, x, x, &c, v, NULL));
    c = defaults(), c.power = 3;
    FAILS(GM_EARG, "power", gm_wasserstein(ctx, x, x, &c, v));
    c = defaults(), c.kernel = 7;
    FAILS(GM_EARG, "kernel", gm_mmd(ctx, x, x, &c, v, NULL));
    c = defaults(), c.bandwidth = NAN;
    FAILS(GM_EARG, "bandwidth", gm_mmd(ctx, x, x, &c, v, NULL));
    gm__f32(x)[7] = NAN;
    FAILS(GM_ENONFINITE, "prdc: row 2 of data holds inf", gm_prdc(ctx, x, x, NULL, v, NULL));
    FAILS(GM_ENONFINITE, "row 2 of data", gm_frechet(ctx, x, x, v));
    gm__f32(x)[7] = 9e14f;
    FAILS(GM_ENONFINITE, "over 1e38", gm_mmd(ctx, x, x, NULL, v, NULL));
    ck_assert_int_eq(gm_prdc(NULL, x, x, NULL, v, NULL), GM_EARG);
    gm_ctx_cancel(ctx);
    gm__f32(x)[7] = 1;
    FAILS(GM_ECANCELED, "", gm_prdc(ctx, x, x, NULL, v, NULL));
    gm_tensor_free(x), gm_tensor_free(y), gm_tensor_free(few), gm_tensor_free(whole), gm_tensor_free(none);
}
END_TEST

START_TEST(failing_allocations)
{
    double v[ALL];
    gm_tensor *x = rows(30, 3, 1, 1, 0, 0), *y = rows(20, 3, 2, 1, 0, 0);
    OK(everything(x, y, v));
    for (int forever = 0; forever < 2; forever++)
        for (long k = 1;; k++) {
            host.calls = 0, host.fail_at = k, host.forever = forever;
            gm_status s = everything(x, y, v);
            host.fail_at = 0;
            if (host.calls < k) {
                ck_assert_int_eq(s, GM_OK);
                break;
            }
            ck_assert_msg(s == GM_ENOMEM, "allocation %ld: %d %s", k, s, gm_ctx_message(ctx));
        }
    OK(everything(x, y, v));
    gm_tensor_free(x), gm_tensor_free(y);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { references, frechet_of_singular_covariances, gaussians_shifted, gaussians_equal, fractions_of_known_sets, modes_of_a_mixture, effective_samples,
                                   wasserstein_of_numbers, ties, threads_strides_types, wrong_input, failing_allocations, NULL };
    return run_suite("metrics", tests);
}
