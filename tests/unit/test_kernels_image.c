/* Kernels on windows and columns, for every instruction set of this machine, against sums in double by hand. */
#include "kernels/kernels.h"
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 150, MOST = 80 };
static double number(size_t i, double salt) { return 2 * sin(1.3 * (double)i + salt); }
static void near(double a, double b, double tol, const char *what, const gm__kern *k, size_t n)
{
    if (!(fabs(a - b) <= tol * fmax(1, fabs(b)))) ck_abort_msg("%s, %s, n = %zu: %.17g, %.17g expected", k->name, what, n, a, b);
}

/* The kernels of type T on n columns; guard numbers behind each result must stay. */
#define CHECK(S, T, TOL)                                                                       \
    static void columns_##S(const gm__kern *k, size_t rows, size_t n)                          \
    {                                                                                          \
        static T x[ROWS * MOST], g[ROWS * MOST], y[ROWS * MOST + 1], a[MOST], b[MOST], c[MOST], u[MOST + 1], v[MOST + 1]; \
        for (size_t i = 0; i < rows * n; i++) x[i] = (T)number(i, 0), g[i] = (T)number(i, 2);  \
        for (size_t j = 0; j < n; j++) a[j] = (T)number(j, 1), b[j] = (T)number(j, 3), c[j] = (T)number(j, 5); \
        u[n] = v[n] = y[rows * n] = 77;                                                        \
        k->colstat_##S(rows, n, x, u, v);                                                      \
        for (size_t j = 0; j < n; j++) {                                                       \
            double mean = 0, var = 0;                                                          \
            for (size_t i = 0; i < rows; i++) mean += (double)x[i * n + j] / (double)rows;     \
            for (size_t i = 0; i < rows; i++) var += ((double)x[i * n + j] - mean) * ((double)x[i * n + j] - mean) / (double)rows; \
            near((double)u[j], mean, TOL, "mean", k, n);                                       \
            near((double)v[j], var, TOL, "variance", k, n);                                    \
        }                                                                                      \
        k->coldot_##S(rows, n, g, x, a, u, v);                                                 \
        for (size_t j = 0; j < n; j++) {                                                       \
            double sum = 0, along = 0;                                                         \
            for (size_t i = 0; i < rows; i++) sum += (double)g[i * n + j], along += (double)g[i * n + j] * ((double)x[i * n + j] - (double)a[j]); \
            near((double)u[j], sum, TOL * 100, "sum", k, n);                                   \
            near((double)v[j], along, TOL * 100, "sum of products", k, n);                     \
        }                                                                                      \
        for (int with = 0; with < 2; with++) {                                                 \
            k->colmix_##S(rows, n, y, g, with ? x : NULL, a, b, c);                            \
            for (size_t i = 0; i < rows * n; i++)                                              \
                near((double)y[i], (double)a[i % n] * (double)g[i] + (with ? (double)b[i % n] * (double)x[i] : 0) + (double)c[i % n], TOL, "mix", k, n); \
        }                                                                                      \
        ck_assert(u[n] > 76 && v[n] > 76 && y[rows * n] > 76);                                 \
    }                                                                                          \
    static void windows_##S(const gm__kern *k, size_t n)                                       \
    {                                                                                          \
        static const uint32_t from[] = {0, 1, 4, 2, 6}, at[] = {0, 3, 4, 4, 8, 9}, to[] = {2, 4, 5, 7, 7}; \
        static const T w[] = {1, -2, (T)0.5, 3, 1, 1, (T)-0.25, 2, 1};                         \
        static T x[3 * 7 * MOST], y[5 * MOST + 1];                                             \
        static int32_t place[5 * MOST + 1];                                                    \
        for (size_t i = 0; i < 21 * n; i++) x[i] = (T)number(i * i % 97, 0);                   \
        y[5 * n] = 77, place[5 * n] = 77;                                                      \
        k->taps_##S(5, n, y, x, from, at, w);                                                  \
        for (size_t r = 0; r < 5; r++)                                                         \
            for (size_t j = 0; j < n; j++) {                                                   \
                double sum = 0;                                                                \
                for (size_t q = at[r]; q < at[r + 1]; q++) sum += (double)w[q] * (double)x[(from[r] + q - at[r]) * n + j]; \
                near((double)y[r * n + j], sum, TOL, "taps", k, n);                            \
            }                                                                                  \
        k->max_window_##S(5, n, y, place, x, 7, 1, 3, from, to);                               \
        for (size_t r = 0; r < 5; r++)                                                         \
            for (size_t j = 0; j < n; j++) {                                                   \
                size_t best = 7 + from[r];                                                     \
                for (size_t h = 1; h < 3; h++)                                                 \
                    for (size_t q = from[r]; q < to[r]; q++) best = x[(h * 7 + q) * n + j] > x[best * n + j] ? h * 7 + q : best; \
                near(place[r * n + j], (double)best, 0, "place", k, n);                        \
                near((double)y[r * n + j], (double)x[best * n + j], 0, "maximum", k, n);       \
            }                                                                                  \
        ck_assert(y[5 * n] > 76 && place[5 * n] == 77);                                        \
    }
CHECK(f32, float, 2e-6)
CHECK(f64, double, 1e-14)

static void each_set(void (*fn)(const gm__kern *k))
{
    for (int level = 0; level <= gm__cpu_detect(); level++) fn(gm__kern_table(level));
}
static void all_columns(const gm__kern *k)
{
    static const size_t rows[] = {1, 7, 64, 65, ROWS};
    for (size_t n = 1; n <= MOST; n += n < 20 ? 1 : 7)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) columns_f32(k, rows[i], n), columns_f64(k, rows[i], n);
}
static void all_windows(const gm__kern *k)
{
    for (size_t n = 1; n <= MOST; n += n < 20 ? 1 : 7) windows_f32(k, n), windows_f64(k, n);
}
START_TEST(column_kernels) { each_set(all_columns); }
END_TEST
START_TEST(window_kernels) { each_set(all_windows); }
END_TEST

int main(void)
{
    Suite *s = suite_create("kernels_image");
    TCase *c = tcase_create("kernels");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, column_kernels);
    tcase_add_test(c, window_kernels);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
