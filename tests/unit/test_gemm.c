/* test_gemm.c - the packed product against three loops in double, at odd
 * shapes and strides, in every build; equal bits for any number of threads and
 * for a row alone or in a batch. */
#include "kernels/gemm.h"
#include <check.h>
#include <gm/ctx.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const levels[] = { "plain", "avx2", "avx512" };

static gm_ctx *context(const char *cpu, int threads)
{
    gm_ctx *ctx = NULL;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.cpu = cpu;
    c.threads = threads;
    gm_status s = gm_ctx_new(&c, &ctx);
    ck_assert_msg(s == GM_OK || s == GM_EUNSUPPORTED, "status %d", (int)s);
    return ctx;
}

static uint32_t lcg = 1;
static double draw(void)
{
    lcg = lcg * 1664525u + 1013904223u;
    return (double)(lcg >> 8) / 8388608.0 - 1.0;
}

/* A matrix of either type, or of both: d holds the values, p the array. */
typedef struct mat { double *d; void *p; size_t n; } mat;
static mat mat_new(size_t n, bool f64)
{
    mat m = { malloc((n + 1) * 8), malloc((n + 1) * 8), n };
    for (size_t i = 0; i < n; i++) {
        float v = (float)draw();
        m.d[i] = (double)v;
        if (f64) ((double *)m.p)[i] = (double)v;
        else ((float *)m.p)[i] = v;
    }
    return m;
}
static double mat_get(const mat *m, size_t i, bool f64) { return f64 ? ((double *)m->p)[i] : (double)((float *)m->p)[i]; }
static void mat_free(mat *m) { free(m->d), free(m->p); }

static double act_of(int act, double x, double slope)
{
    switch (act) {
    case GM__ACT_RELU: return x > 0 ? x : 0;
    case GM__ACT_LRELU: return x > 0 ? x : slope * x;
    case GM__ACT_TANH: return tanh(x);
    case GM__ACT_SIGMOID: return 1 / (1 + exp(-x));
    default: return x;
    }
}

typedef struct layout { size_t size; ptrdiff_t rs, cs; } layout;
/* 0: rows contiguous, 1: columns contiguous, 2: neither */
static layout layout_of(int kind, size_t rows, size_t cols)
{
    if (kind == 0) return (layout){ rows * (cols + 3), (ptrdiff_t)cols + 3, 1 };
    if (kind == 1) return (layout){ cols * (rows + 1), 1, (ptrdiff_t)rows + 1 };
    return (layout){ rows * cols * 2 + 2, (ptrdiff_t)cols * 2, 2 };
}

static void one_case(gm_ctx *ctx, bool f64, size_t m, size_t n, size_t k, int ka, int kb, bool add, bool bias, int act)
{
    layout la = layout_of(ka, m, k), lb = layout_of(kb, k, n);
    size_t ldc = n + 5;
    mat a = mat_new(la.size, f64), b = mat_new(lb.size, f64), c = mat_new(m * ldc, f64), v = mat_new(n, f64);
    gm__gemm g = { .m = m, .n = n, .k = k, .a = a.p, .ars = la.rs, .acs = la.cs, .b = b.p, .brs = lb.rs, .bcs = lb.cs,
                   .c = c.p, .ldc = ldc, .add = add, .bias = bias ? v.p : NULL, .act = act, .slope = 0.2 };
    ck_assert_int_eq(f64 ? gm__gemm_f64(ctx, &g) : gm__gemm_f32(ctx, &g), GM_OK);
    double eps = f64 ? 1e-15 : 6e-8;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < ldc; j++) {
            double want = c.d[i * ldc + j], size = fabs(want), got = mat_get(&c, i * ldc + j, f64);
            if (j >= n) { /* beyond the columns: untouched */
                ck_assert_double_eq(got, want);
                continue;
            }
            if ((double)m * (double)n * (double)k > 3e6 && (i * 37 + j) % 11 && j + 1 < n) continue; /* a sample of large ones */
            if (!add) want = size = 0;
            for (size_t q = 0; q < k; q++) {
                double t = a.d[(ptrdiff_t)i * la.rs + (ptrdiff_t)q * la.cs] * b.d[(ptrdiff_t)q * lb.rs + (ptrdiff_t)j * lb.cs];
                want += t;
                size += fabs(t);
            }
            if (bias) want += v.d[j];
            want = act_of(act, want, 0.2);
            ck_assert_msg(fabs(got - want) <= eps * (size + 1) * (4 + sqrt((double)k)), "%s f%d %zux%zux%zu layouts %d%d at %zu,%zu: %.9g for %.9g",
                          ctx->kern->name, f64 ? 64 : 32, m, n, k, ka, kb, i, j, got, want);
        }
    mat_free(&a), mat_free(&b), mat_free(&c), mat_free(&v);
}

START_TEST(test_shapes)
{
    static const size_t sizes[] = { 0, 1, 3, 5, 12, 13, 16, 31, 33, 65 };
    gm_ctx *ctx = context(levels[_i], 1);
    if (!ctx) return;
    unsigned count = 0;
    for (size_t i = 0; i < GM__COUNT(sizes); i++)
        for (size_t j = 0; j < GM__COUNT(sizes); j++)
            for (size_t q = 0; q < GM__COUNT(sizes); q++, count++) {
                bool add = count % 5 == 0;
                one_case(ctx, count & 1, sizes[i], sizes[j], sizes[q], (int)(count % 3), (int)(count / 3 % 3), add,
                         !add && count % 2, add ? 0 : (int)(count % 5));
            }
    gm_ctx_free(ctx);
}
END_TEST

START_TEST(test_large)
{
    static const size_t shapes[][3] = { { 128, 400, 784 }, { 128, 20, 400 }, { 400, 784, 128 }, { 300, 100, 1000 },
                                        { 1, 400, 784 }, { 500, 1, 900 }, { 241, 33, 449 }, { 13, 1000, 897 } };
    gm_ctx *ctx = context(levels[_i], 2);
    if (!ctx) return;
    for (size_t s = 0; s < GM__COUNT(shapes); s++)
        for (int t = 0; t < 4; t++) {
            one_case(ctx, false, shapes[s][0], shapes[s][1], shapes[s][2], t & 1, t >> 1, false, true, GM__ACT_RELU);
            one_case(ctx, t & 1, shapes[s][0], shapes[s][1], shapes[s][2], t & 1, t >> 1, true, false, 0);
        }
    one_case(ctx, false, 260, 450, 5000, 0, 1, false, false, 0); /* B in several passes */
    gm_ctx_free(ctx);
}
END_TEST

/* The same product with 1, 2, 3, 8 threads, and each row alone. */
START_TEST(test_equal_bits)
{
    static const size_t shapes[][3] = { { 128, 400, 784 }, { 300, 200, 300 }, { 40, 33, 500 }, { 600, 257, 1000 } };
    gm_ctx *ctx[5];
    for (int t = 0; t < 5; t++) ctx[t] = context(levels[_i], (int[]){ 1, 2, 3, 8, 1 }[t]);
    if (!ctx[0]) return;
    for (size_t s = 0; s < GM__COUNT(shapes); s++)
        for (int bt = 0; bt < 2; bt++) {
            size_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
            mat a = mat_new(m * k, false), b = mat_new(k * n, false), v = mat_new(n, false);
            float *c[5];
            for (int t = 0; t < 5; t++) {
                c[t] = malloc(m * n * 4);
                gm__gemm g = { .m = m, .n = n, .k = k, .a = a.p, .ars = (ptrdiff_t)k, .acs = 1, .b = b.p, .brs = bt ? 1 : (ptrdiff_t)n,
                               .bcs = bt ? (ptrdiff_t)k : 1, .c = c[t], .ldc = n, .bias = v.p, .act = GM__ACT_TANH };
                if (t < 4) {
                    ck_assert_int_eq(gm__gemm_f32(ctx[t], &g), GM_OK);
                } else {
                    g.m = 1;
                    for (size_t i = 0; i < m; i++) {
                        g.a = (float *)a.p + i * k;
                        g.c = c[t] + i * n;
                        ck_assert_int_eq(gm__gemm_f32(ctx[t], &g), GM_OK);
                    }
                }
                ck_assert_msg(!memcmp(c[t], c[0], m * n * 4), "%s %zux%zux%zu run %d", levels[_i], m, n, k, t);
            }
            for (int t = 0; t < 5; t++) free(c[t]);
            mat_free(&a), mat_free(&b), mat_free(&v);
        }
    for (int t = 0; t < 5; t++) gm_ctx_free(ctx[t]);
}
END_TEST

/* 0 * inf and 0 * NaN are not skipped. */
START_TEST(test_nan)
{
    gm_ctx *ctx = context(levels[_i], 1);
    if (!ctx) return;
    for (size_t n = 1; n < 70; n += 17) {
        float a[2 * 3] = { 0, 1, 2, 1, 1, 1 }, b[3 * 70], c[2 * 70];
        for (size_t i = 0; i < 3 * 70; i++) b[i] = 1;
        b[n - 1] = INFINITY; /* row 0, last column: meets a = 0 and a = 1 */
        gm__gemm g = { .m = 2, .n = n, .k = 3, .a = a, .ars = 3, .acs = 1, .b = b, .brs = 70, .bcs = 1, .c = c, .ldc = 70 };
        ck_assert_int_eq(gm__gemm_f32(ctx, &g), GM_OK);
        ck_assert(isnan(c[n - 1]));
        ck_assert(isinf(c[70 + n - 1]));
        if (n > 1) ck_assert_float_eq(c[0], 3);
    }
    gm_ctx_free(ctx);
}
END_TEST

START_TEST(test_batch)
{
    enum { BATCH = 6, M = 70, N = 64, K = 60 };
    gm_ctx *ctx = context(levels[_i], 2);
    if (!ctx) return;
    mat a = mat_new(BATCH * M * K, false), b = mat_new(K * N, false);
    float *c = malloc(sizeof(float) * BATCH * M * N), *d = malloc(sizeof(float) * M * N);
    gm__gemm g = { .m = M, .n = N, .k = K, .a = a.p, .ars = K, .acs = 1, .b = b.p, .brs = N, .bcs = 1, .c = c, .ldc = N };
    ck_assert_int_eq(gm__gemm_batch(ctx, false, BATCH, &g, M * K, 0, M * N), GM_OK);
    for (size_t i = 0; i < BATCH; i++) {
        g.a = (float *)a.p + i * M * K;
        g.c = d;
        ck_assert_int_eq(gm__gemm_f32(ctx, &g), GM_OK);
        ck_assert(!memcmp(d, c + i * M * N, sizeof(float) * M * N));
    }
    free(c), free(d), mat_free(&a), mat_free(&b);
    gm_ctx_free(ctx);
}
END_TEST

/* A refused allocation is GM_ENOMEM, and the next product works. */
static int refuse;
static void *host_alloc(void *user, size_t n) { (void)user; return refuse ? NULL : malloc(n); }
static void host_free(void *user, void *p) { (void)user; free(p); }

START_TEST(test_memory)
{
    for (int threads = 1; threads <= 2; threads++) {
        gm_ctx *ctx = NULL;
        gm_ctx_config c;
        gm_ctx_config_init(&c, sizeof c);
        c.threads = threads;
        c.alloc = host_alloc;
        c.dealloc = host_free;
        ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
        mat a = mat_new(300 * 300, false), out = mat_new(300 * 300, false);
        gm__gemm g = { .m = 300, .n = 300, .k = 300, .a = a.p, .ars = 300, .acs = 1, .b = a.p, .brs = 300, .bcs = 1, .c = out.p, .ldc = 300 };
        refuse = 1;
        ck_assert_int_eq(gm__gemm_f32(ctx, &g), GM_ENOMEM);
        ck_assert_int_eq(gm__gemm_batch(ctx, false, 8, &(gm__gemm){ .m = 100, .n = 100, .k = 100, .a = a.p, .ars = 300, .acs = 1,
                         .b = a.p, .brs = 300, .bcs = 1, .c = out.p, .ldc = 300 }, 0, 0, 100), GM_ENOMEM);
        refuse = 0;
        ck_assert_int_eq(gm__gemm_f32(ctx, &g), GM_OK);
        mat_free(&a), mat_free(&out);
        gm_ctx_free(ctx);
    }
}
END_TEST

START_TEST(test_eigh)
{
    enum { N = 30 };
    gm_ctx *ctx = context("auto", 1);
    double a[N * N], v[N * N], w[N];
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++) a[i * N + j] = a[j * N + i] = draw();
    memcpy(v, a, sizeof a);
    ck_assert_int_eq(gm__eigh(ctx, N, v, w), GM_OK);
    for (size_t r = 0; r < N; r++) {
        if (r) ck_assert(w[r] >= w[r - 1]);
        double norm = 0;
        for (size_t i = 0; i < N; i++) {
            double s = 0;
            for (size_t j = 0; j < N; j++) s += a[i * N + j] * v[r * N + j];
            ck_assert_double_eq_tol(s, w[r] * v[r * N + i], 1e-12);
            norm += v[r * N + i] * v[r * N + i];
        }
        ck_assert_double_eq_tol(norm, 1, 1e-12);
    }
    ck_assert_int_eq(gm__eigh(ctx, 0, v, w), GM_OK);
    v[3] = NAN;
    ck_assert_int_eq(gm__eigh(ctx, N, v, w), GM_ENONFINITE);
    ck_assert_int_eq(gm__eigh(ctx, 100000, v, w), GM_ELIMIT);
    gm_ctx_free(ctx);
}
END_TEST

/* blas_threads = 1 at the plain level: OpenBLAS, same answers */
START_TEST(test_blas)
{
    gm_ctx *ctx = NULL;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.cpu = "plain";
    c.blas_threads = 1;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    for (int t = 0; t < 9; t++)
        for (int f64 = 0; f64 < 2; f64++) {
            one_case(ctx, f64, 50, 40, 30, t % 3, t / 3, false, true, GM__ACT_LRELU);
            one_case(ctx, f64, 50, 40, 30, t % 3, t / 3, true, false, 0);
        }
    ck_assert(ctx->blas_ready);
    gm_ctx_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gemm");
    TCase *t = tcase_create("gemm");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_shapes, 0, 3);
    tcase_add_loop_test(t, test_large, 0, 3);
    tcase_add_loop_test(t, test_equal_bits, 0, 3);
    tcase_add_loop_test(t, test_nan, 0, 3);
    tcase_add_loop_test(t, test_batch, 0, 3);
    tcase_add_test(t, test_memory);
    tcase_add_test(t, test_eigh);
    tcase_add_test(t, test_blas);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
