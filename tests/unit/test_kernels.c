/* test_kernels.c - every kernel in every build against libm in double: odd
 * sizes, misaligned starts, special values; tails equal to bodies bit for bit. */
#include "kernels/kernels.h"
#include <check.h>
#include <gm/ctx.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t sizes[] = { 0, 1, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 65, 127, 1000 };
enum { MOST = 1100, GUARD = 77 };

/* the kernels of level i, or NULL if this machine lacks them */
static const gm__kern *kern_at(int i) { return i <= gm__cpu_detect() ? gm__kern_table(i) : NULL; }

static uint32_t lcg = 7;
static double draw(double lo, double hi)
{
    lcg = lcg * 1664525u + 1013904223u;
    return lo + (hi - lo) * (double)(lcg >> 8) * 0x1p-24;
}

/* ---- elementwise: what each should give, in double ------------------------------- */

static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double softplus(double x) { return isnan(x) ? x : fmax(x, 0) + log1p(exp(-fabs(x))); }
static double cdf(double x) { return 0.5 * (1 + erf(x / sqrt(2))); }
static double pdf(double x) { return exp(-0.5 * x * x) * 0.39894228040143268; }
static double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

/* (1 + tanh u) / 2 = sigmoid(2u) */
static double gelu_gate(double x) { return sigmoid(2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)); }

static double unary_ref(int op, double x, const double *p)
{
    switch (op) {
    case GM__U_NEG: return -x;
    case GM__U_ABS: return fabs(x);
    case GM__U_EXP: return exp(x);
    case GM__U_LOG: return log(x);
    case GM__U_SQRT: return sqrt(x);
    case GM__U_SQUARE: return x * x;
    case GM__U_RECIP: return 1 / x;
    case GM__U_SIN: return sin(x);
    case GM__U_COS: return cos(x);
    case GM__U_TANH: return tanh(x);
    case GM__U_SIGMOID: return sigmoid(x);
    case GM__U_RELU: return isnan(x) ? x : fmax(x, 0);
    case GM__U_LRELU: return x > 0 ? x : p[0] * x;
    case GM__U_ELU: return x > 0 ? x : p[0] * expm1(x);
    case GM__U_SOFTPLUS: return softplus(x);
    case GM__U_GELU: return x * cdf(x);
    case GM__U_SILU: return x * sigmoid(x);
    case GM__U_ERF: return erf(x);
    case GM__U_AFFINE: return p[0] * x + p[1];
    case GM__U_CLAMP: return x < p[0] ? p[0] : x > p[1] ? p[1] : x;
    case GM__U_COPY: return x;
    case GM__U_FILL: return p[0];
    case GM__U_SIGN: return isnan(x) ? x : sign(x);
    case GM__U_LOG1P: return log1p(x);
    case GM__U_EXPM1: return expm1(x);
    case GM__U_MISH: return x > 40 ? x : x * tanh(softplus(x));
    case GM__U_HARDSWISH: return isnan(x) ? x : x * fmin(fmax(x + 3, 0), 6) / 6;
    case GM__U_GELU_TANH: return x * gelu_gate(x);
    case GM__U_LOG_SIGMOID: return -softplus(-x);
    }
    ck_abort_msg("op %d has no reference", op);
    return 0;
}

static double binary_ref(int op, double a, double b, const double *p)
{
    double s;
    switch (op) {
    case GM__B_ADD: return a + b;
    case GM__B_SUB: return a - b;
    case GM__B_MUL: return a * b;
    case GM__B_DIV: return a / b;
    case GM__B_POW: return pow(a, b);
    case GM__B_MAX: return isnan(a) || isnan(b) ? (double)NAN : fmax(a, b);
    case GM__B_MIN: return isnan(a) || isnan(b) ? (double)NAN : fmin(a, b);
    case GM__B_TANH_G: return a * (1 - b * b);
    case GM__B_SIGMOID_G: return a * b * (1 - b);
    case GM__B_RELU_G: return b > 0 ? a : 0;
    case GM__B_LRELU_G: return b > 0 ? a : p[0] * a;
    case GM__B_ELU_G: return b > 0 ? a : a * p[0] * exp(b);
    case GM__B_SOFTPLUS_G: return a * sigmoid(b);
    case GM__B_GELU_G: return a * (cdf(b) + b * pdf(b));
    case GM__B_SILU_G: s = sigmoid(b); return a * s * (1 + b * (1 - s));
    case GM__B_EXP_G: return a * b;
    case GM__B_LOG_G: return a / b;
    case GM__B_SQRT_G: return a / (2 * b);
    case GM__B_SQUARE_G: return 2 * a * b;
    case GM__B_RECIP_G: return -a * b * b;
    case GM__B_SIN_G: return a * cos(b);
    case GM__B_COS_G: return -a * sin(b);
    case GM__B_ABS_G: return a * sign(b);
    case GM__B_CLAMP_G: return p[0] <= b && b <= p[1] ? a : 0;
    case GM__B_BCE: return isnan(a) ? a : fmax(a, 0) - a * b + log1p(exp(-fabs(a)));
    case GM__B_MISH_G: s = tanh(softplus(b)); return a * (s + b * sigmoid(b) * (1 - s * s));
    case GM__B_HARDSWISH_G: return b < -3 ? 0 : b > 3 ? a : a * (b / 3 + 0.5);
    case GM__B_GELU_TANH_G: s = gelu_gate(b); return a * (s + b * s * (1 - s) * 2 * sqrt(2 / M_PI) * (1 + 3 * 0.044715 * b * b));
    case GM__B_LOG_SIGMOID_G: return a * sigmoid(-b);
    case GM__B_BCE_G: return sigmoid(a) - b;
    }
    ck_abort_msg("op %d has no reference", op);
    return 0;
}

#define NAME(n) #n,
static const char *const unary_names[] = { GM__UNARY_LIST(NAME) }, *const binary_names[] = { GM__BINARY_LIST(NAME) };

/* Differences count in units of |want| * rel + abs: most ops are good to a few
 * units in the last place, those that cancel are held to an absolute error. */
static void close_to(double got, double want, double rel, double tiny, const char *what, const char *kern, double x, double b)
{
    if (isnan(want)) ck_assert_msg(isnan(got), "%s %s(%.9g, %.9g): %.9g for NaN", kern, what, x, b, got);
    else if (isinf(want)) ck_assert_msg(got == want, "%s %s(%.9g, %.9g): %.9g for %.9g", kern, what, x, b, got, want);
    else ck_assert_msg(fabs(got - want) <= rel * fabs(want) + tiny, "%s %s(%.9g, %.9g): %.9g for %.9g", kern, what, x, b, got, want);
}

static double special[] = { 0, -0.0, 1, -1, 0.5, INFINITY, -INFINITY, NAN, 1e-40, -1e-40, 1e-30, -1e-30, 1e-7, -1e-7, 88.7, 88.8, -87, -88, -100,
                            -103.5, -105, 200, -200, 9, -9, 20, -20, 1e5, 1e6, -1e10, 3e38, -3e38, FLT_MIN, -0.99999, 3.14159274, 1.57079637, 100000 };

/* value i of a test array: specials first, then small, moderate and wide draws */
static double test_value(size_t i)
{
    if (i < GM__COUNT(special)) return special[i];
    switch (i % 4) {
    case 0: return draw(-1, 1);
    case 1: return draw(-10, 10);
    case 2: return exp(draw(-85, 85));
    default: return draw(-90, 90);
    }
}

static void out_of_float(double *want)
{
    if (fabs(*want) > FLT_MAX) *want = *want > 0 ? INFINITY : -INFINITY; /* beyond float */
}

START_TEST(test_unary)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    enum { N = 20000 };
    const double p[2] = { 0.3, 1.7 };
    float p32[2] = { 0.3f, 1.7f }, *x32 = malloc(N * 4), *y32 = malloc(N * 4);
    double *x = malloc(N * 8), *y = malloc(N * 8), pf[2] = { (double)p32[0], (double)p32[1] };
    for (size_t i = 0; i < N; i++) {
        x32[i] = (float)test_value(i);
        x[i] = (double)x32[i];
    }
    for (int op = 0; op < GM__U_COUNT; op++) {
        bool cancels = op == GM__U_GELU || op == GM__U_GELU_TANH || op == GM__U_AFFINE;
        k->unary_f32[op](N, y32, op == GM__U_FILL ? NULL : x32, p32);
        k->unary_f64[op](N, y, op == GM__U_FILL ? NULL : x, p);
        for (size_t i = 0; i < N; i++) {
            double want = unary_ref(op, x[i], pf);
            if (isinf(x[i]) && (op == GM__U_GELU || op == GM__U_SILU)) continue; /* inf * 0 */
            out_of_float(&want);
            close_to((double)y32[i], want, 3e-7, cancels ? 3e-7 * fmin(fabs(x[i]) + 1, 10) : op == GM__U_SILU || op == GM__U_MISH ? 2e-43 : 2e-45, unary_names[op], k->name, x[i], 0);
            close_to(y[i], unary_ref(op, x[i], p), 1e-14, cancels ? 1e-15 : 1e-300, unary_names[op], k->name, x[i], 0);
        }
    }
    free(x32), free(y32), free(x), free(y);
}
END_TEST

START_TEST(test_binary)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    enum { N = 5000 };
    const float p32[2] = { -0.25f, 0.75f };
    const double p[2] = { -0.25, 0.75 };
    static float a32[N], b32[N], y32[N];
    static double a[N], b[N], y[N];
    size_t ns = GM__COUNT(special);
    for (size_t i = 0; i < N; i++) {
        bool specials = i < ns * ns;
        a[i] = (double)(a32[i] = (float)(specials ? special[i / ns] : draw(-6, 6)));
        b[i] = (double)(b32[i] = (float)(specials ? special[i % ns] : draw(-6, 6)));
    }
    for (int op = 0; op < GM__B_COUNT; op++)
        for (int mode = GM__VV; mode <= GM__VS; mode++) {
            size_t one = mode == GM__VV ? 0 : N - 1; /* the operand that is one number: a plain draw */
            k->binary_f32[op](N, y32, mode == GM__SV ? a32 + one : a32, mode == GM__VS ? b32 + one : b32, mode, p32);
            k->binary_f64[op](N, y, mode == GM__SV ? a + one : a, mode == GM__VS ? b + one : b, mode, p);
            for (size_t i = 0; i < N; i++) {
                double u = a[mode == GM__SV ? one : i], v = b[mode == GM__VS ? one : i];
                double want = binary_ref(op, u, v, p);
                bool grad = op >= GM__B_TANH_G;
                if (op == GM__B_COS_G || op == GM__B_SIN_G || op == GM__B_ELU_G) grad = false;
                if (op == GM__B_ELU_G && isinf(u)) continue; /* inf * 0 */
                if (grad && !(fabs(u) < 1e4 && fabs(v) < 1e4)) continue; /* gradients of huge values overflow on the way */
                double size = grad ? fmax(fabs(u), 1) * fmax(v * v, 1) : 0;
                close_to(y[i], want, 1e-14, grad ? 4e-16 * size : 1e-300, binary_names[op], k->name, u, v);
                out_of_float(&want);
                close_to((double)y32[i], want, 4e-7, grad ? 3e-7 * size : 2e-45 * fmax(1, fabs(u)), binary_names[op], k->name, u, v);
            }
        }
}
END_TEST

/* Runs CALL on n elements at every start and size: the outputs equal those of a
 * run over all at once, and nothing after them is written. */
START_TEST(test_tails)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    static float x[MOST + 8], z[MOST + 8], all[MOST + 8], y[MOST + 16];
    static double x64[MOST + 8], z64[MOST + 8], all64[MOST + 8], y64[MOST + 16];
    for (size_t i = 0; i < MOST + 8; i++) {
        x64[i] = (double)(x[i] = (float)draw(-5, 5));
        z64[i] = (double)(z[i] = (float)draw(0.1, 2));
    }
    const float p[2] = { 0.3f, 1.7f };
    const double p64[2] = { 0.3, 1.7 };
    for (int op = 0; op < GM__U_COUNT + GM__B_COUNT; op++)
        for (int f64 = 0; f64 < 2; f64++) {
            int bin = op - GM__U_COUNT;
#define RUN(T, S, N_, Y_, X_, Z_, P_)                                                  \
    do {                                                                               \
        if (bin < 0) k->unary_##S[op](N_, Y_, X_, P_);                                 \
        else k->binary_##S[bin](N_, Y_, X_, Z_, GM__VV, P_);                           \
    } while (0)
            if (f64) RUN(double, f64, MOST, all64, x64, z64, p64);
            else RUN(float, f32, MOST, all, x, z, p);
            for (size_t s = 0; s < GM__COUNT(sizes); s++)
                for (size_t at = 0; at < 5; at++) {
                    size_t n = sizes[s];
                    for (size_t i = 0; i < MOST + 16; i++) y[i] = GUARD, y64[i] = GUARD;
                    if (f64) {
                        RUN(double, f64, n, y64 + at, x64 + at, z64 + at, p64);
                        ck_assert_msg(!memcmp(y64 + at, all64 + at, n * 8), "%s op %d n %zu at %zu", k->name, op, n, at);
                        ck_assert(y64[at + n] == GUARD && (!at || y64[at - 1] == GUARD));
                    } else {
                        RUN(float, f32, n, y + at, x + at, z + at, p);
                        ck_assert_msg(!memcmp(y + at, all + at, n * 4), "%s op %d n %zu at %zu", k->name, op, n, at);
                        ck_assert(y[at + n] == GUARD && (!at || y[at - 1] == GUARD));
                    }
                }
            /* in place */
            if (!f64) {
                memcpy(y, x, sizeof x);
                RUN(float, f32, MOST, y, y, z, p);
                ck_assert(!memcmp(y, all, MOST * 4));
            }
        }
}
END_TEST

START_TEST(test_compare_select)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    static const double few[] = { 0, -0.0, 1, 2, -1, NAN, INFINITY };
    float a[MOST], b[MOST], y[MOST];
    double a64[MOST];
    uint8_t c[MOST];
    for (size_t i = 0; i < MOST; i++) a[i] = (float)few[i % 7], b[i] = (float)few[i / 7 % 7], a64[i] = few[i % 7];
    for (size_t s = 0; s < GM__COUNT(sizes); s++)
        for (int op = 0; op < GM__C_COUNT; op++)
            for (int mode = 0; mode < 3; mode++) {
                size_t n = sizes[s];
                memset(c, GUARD, sizeof c);
                k->compare_f32[op](n, c, a + 2 * (mode == GM__SV), b + 2 * (mode == GM__VS), mode);
                for (size_t i = 0; i < n; i++) {
                    float u = a[mode == GM__SV ? 2 : i], v = b[mode == GM__VS ? 2 : i];
                    bool want = op == GM__C_EQ ? u == v : op == GM__C_NE ? u != v : op == GM__C_LT ? u < v : op == GM__C_LE ? u <= v : op == GM__C_GT ? u > v : u >= v;
                    ck_assert_int_eq(c[i], want);
                }
                ck_assert_int_eq(c[n], GUARD);
                k->select_f32(n, y, c, a, b);
                for (size_t i = 0; i < n; i++) ck_assert(!memcmp(&y[i], c[i] ? &a[i] : &b[i], 4));
            }
    for (size_t s = 0; s < GM__COUNT(sizes); s++) { /* one bad value anywhere is found */
        size_t n = sizes[s];
        for (size_t i = 0; i < n; i++) b[i] = 3e38f, a64[i] = -1e308;
        ck_assert(k->finite_f32(n, b) && k->finite_f64(n, a64));
        for (size_t i = 0; i < n; i++) {
            b[i] = i % 2 ? NAN : -INFINITY;
            a64[i] = i % 2 ? (double)NAN : (double)INFINITY;
            ck_assert(!k->finite_f32(n, b) && !k->finite_f64(n, a64));
            b[i] = 1, a64[i] = 1;
        }
    }
}
END_TEST

/* ---- reductions and rows ------------------------------------------------------------ */

START_TEST(test_reduce)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    static const size_t more[] = { 0, 1, 5, 17, 100, 1023, 1024, 1025, 5000, 100000 };
    float *x = malloc(100016 * 4), *z = malloc(100016 * 4), *w = malloc(100016 * 4);
    double *x64 = malloc(100016 * 8);
    for (size_t i = 0; i < 100016; i++) x64[i] = (double)(x[i] = (float)draw(0, 1)), z[i] = (float)draw(-1, 1);
    for (size_t s = 0; s < GM__COUNT(more); s++) {
        size_t n = more[s];
        long double lsum = 0, lsq = 0, ldot = 0; /* the reference must not be the one that is off */
        double max = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            lsum += x64[i], lsq += (long double)x64[i] * x64[i], ldot += x64[i] * (double)z[i];
            max = fmax(max, x64[i]);
        }
        double sum = (double)lsum, sq = (double)lsq, dot = (double)ldot;
        ck_assert_double_eq_tol((double)k->sum_f32(n, x), sum, 2e-7 * sum + 1e-30);
        ck_assert_double_eq_tol(k->sum_f64(n, x64), sum, 1e-14 * sum + 1e-30);
        ck_assert_double_eq_tol(k->sumsq_f32(n, x), sq, 1e-13 * sq + 1e-30);
        ck_assert_double_eq_tol(k->sumsq_f64(n, x64), sq, 1e-14 * sq + 1e-30);
        ck_assert_double_eq_tol((double)k->dot_f32(n, x, z), dot, 2e-7 * sum + 1e-30);
        ck_assert(k->max_f32(n, x) == (float)max && k->max_f64(n, x64) == max);
        float want = k->sum_f32(n, x), want_dot = k->dot_f32(n, x, z);
        memcpy(w + 1, x, n * 4); /* the same bits from another alignment */
        ck_assert(k->sum_f32(n, w + 1) == want && k->dot_f32(n, w + 1, z) == want_dot);
        if (n) {
            w[n] = NAN;
            ck_assert(isnan(k->max_f32(n, w + 1)) && isnan(k->sum_f32(n, w + 1)));
            w[n] = x[n - 1], w[1] = NAN;
            ck_assert(isnan(k->max_f32(n, w + 1)));
        }
    }
    free(x), free(z), free(w), free(x64);
}
END_TEST

START_TEST(test_colsum)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    for (size_t s = 0; s < 14; s++)
        for (size_t rows = 0; rows < 200; rows += 33) {
            size_t n = sizes[s], ld = n + 3;
            float *x = malloc((rows * ld + 1) * 4), y[MOST], y0[MOST];
            double *x64 = malloc((rows * ld + 1) * 8), y64[MOST];
            for (size_t i = 0; i < rows * ld; i++) x64[i] = (double)(x[i] = (float)draw(-1, 1));
            for (int add = 0; add < 2; add++) {
                for (size_t j = 0; j <= n; j++) y0[j] = y[j] = (float)draw(-1, 1), y64[j] = (double)y[j];
                k->colsum_f32(rows, n, x, ld, y, add);
                k->colsum_f64(rows, n, x64, ld, y64, add);
                for (size_t j = 0; j < n; j++) {
                    double want = add ? (double)y0[j] : 0;
                    for (size_t i = 0; i < rows; i++) want += x64[i * ld + j];
                    ck_assert_double_eq_tol((double)y[j], want, 1e-5);
                    ck_assert_double_eq_tol(y64[j], want, 1e-13);
                }
                ck_assert(y[n] == y0[n]);
            }
            free(x), free(x64);
        }
}
END_TEST

START_TEST(test_softmax)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    enum { R = 3 };
    for (size_t s = 1; s < GM__COUNT(sizes); s++) {
        size_t n = sizes[s];
        static float x[R * MOST], y[R * MOST], l[R * MOST], g[R * MOST], gx[R * MOST];
        static double x64[R * MOST], y64[R * MOST], l64[R * MOST];
        for (size_t i = 0; i < R * n; i++) {
            x64[i] = (double)(x[i] = (float)draw(-4, 4) + (i < n ? 300.0f : -300.0f));
            g[i] = (float)draw(-1, 1);
        }
        k->softmax_f32(R, n, y, x), k->softmax_f64(R, n, y64, x64);
        k->log_softmax_f32(R, n, l, x), k->log_softmax_f64(R, n, l64, x64);
        for (size_t r = 0; r < R; r++) {
            double m = -INFINITY, t = 0, gy = 0, gs = 0;
            for (size_t i = r * n; i < (r + 1) * n; i++) m = fmax(m, x64[i]);
            for (size_t i = r * n; i < (r + 1) * n; i++) t += exp(x64[i] - m);
            for (size_t i = r * n; i < (r + 1) * n; i++) {
                double p = exp(x64[i] - m) / t;
                ck_assert_double_eq_tol((double)y[i], p, 5e-7 * p);
                ck_assert_double_eq_tol(y64[i], p, 1e-14 * p);
                ck_assert_double_eq_tol((double)l[i], log(p), 1e-6 * (1 + fabs(log(p))));
                ck_assert_double_eq_tol(l64[i], log(p), 1e-13);
                gy += (double)g[i] * p, gs += (double)g[i];
            }
            k->softmax_g_f32(1, n, gx, g + r * n, y + r * n);
            for (size_t i = 0; i < n; i++) ck_assert_double_eq_tol((double)gx[i], y64[r * n + i] * ((double)g[r * n + i] - gy), 2e-6);
            k->log_softmax_g_f32(1, n, gx, g + r * n, l + r * n);
            for (size_t i = 0; i < n; i++) ck_assert_double_eq_tol((double)gx[i], (double)g[r * n + i] - y64[r * n + i] * gs, 1e-5 * (1 + fabs(gs)));
        }
    }
}
END_TEST

START_TEST(test_layer_norm)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    enum { R = 3 };
    for (size_t s = 1; s < 14; s++)
        for (int affine = 0; affine < 2; affine++) {
            size_t n = sizes[s];
            static double x[R * 128], w[128], b[128], g[R * 128], y[R * 128], gx[R * 128], gw[128], gb[128];
            static float x32[R * 128], w32[128], b32[128], y32[R * 128], g32[R * 128], gx32[R * 128];
            double mean[R], rstd[R], eps = 1e-5;
            float mean32[R], rstd32[R];
            for (size_t i = 0; i < R * n; i++) x[i] = (double)(x32[i] = (float)draw(2, 4)), g[i] = (double)(g32[i] = (float)draw(-1, 1));
            for (size_t i = 0; i < n; i++) w[i] = (double)(w32[i] = (float)draw(0.5, 2)), b[i] = (double)(b32[i] = (float)draw(-1, 1)), gw[i] = gb[i] = 1;
            k->layer_norm_f64(R, n, eps, y, mean, rstd, x, affine ? w : NULL, affine ? b : NULL);
            k->layer_norm_f32(R, n, 1e-5f, y32, mean32, rstd32, x32, affine ? w32 : NULL, affine ? b32 : NULL);
            k->layer_norm_g_f64(R, n, gx, affine ? gw : NULL, affine ? gb : NULL, g, x, mean, rstd, affine ? w : NULL);
            k->layer_norm_g_f32(R, n, gx32, NULL, NULL, g32, x32, mean32, rstd32, affine ? w32 : NULL);
            for (size_t r = 0; r < R; r++) {
                const double *xr = x + r * n, *gr = g + r * n;
                double m = 0, v = 0, su = 0, sh = 0;
                for (size_t i = 0; i < n; i++) m += xr[i] / (double)n;
                for (size_t i = 0; i < n; i++) v += (xr[i] - m) * (xr[i] - m) / (double)n;
                double q = 1 / sqrt(v + eps);
                for (size_t i = 0; i < n; i++) {
                    double u = gr[i] * (affine ? w[i] : 1);
                    su += u / (double)n, sh += u * (xr[i] - m) * q / (double)n;
                }
                for (size_t i = 0; i < n; i++) {
                    double h = (xr[i] - m) * q, want = h * (affine ? w[i] : 1) + (affine ? b[i] : 0);
                    ck_assert_double_eq_tol(y[r * n + i], want, 1e-12);
                    ck_assert_double_eq_tol((double)y32[r * n + i], want, n == 1 ? 1e-3 : 2e-5);
                    want = q * (gr[i] * (affine ? w[i] : 1) - su - h * sh);
                    ck_assert_double_eq_tol(gx[r * n + i], want, 1e-10 * q);
                    ck_assert_double_eq_tol((double)gx32[r * n + i], want, 2e-5 * q);
                }
            }
            if (affine)
                for (size_t i = 0; i < n; i++) {
                    double a = 1, c = 1;
                    for (size_t r = 0; r < R; r++) a += g[r * n + i] * (x[r * n + i] - mean[r]) * rstd[r], c += g[r * n + i];
                    ck_assert_double_eq_tol(gw[i], a, 1e-12);
                    ck_assert_double_eq_tol(gb[i], c, 1e-12);
                }
        }
}
END_TEST

/* ---- updates ------------------------------------------------------------------------ */

START_TEST(test_updates)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    for (size_t s = 0; s < GM__COUNT(sizes); s++)
        for (int kind = 0; kind < 4; kind++) {
            size_t n = sizes[s];
            static float w[MOST], m[MOST], v[MOST], g[MOST], w0[MOST], m0[MOST], v0[MOST];
            static double w64[MOST], m64[MOST], v64[MOST], g64[MOST];
            gm__adam h = { .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = kind & 1 ? 0.1 : 0, .bias1 = 0.19, .bias2 = 0.002, .decoupled = kind >= 2 };
            for (size_t i = 0; i <= n; i++) {
                w64[i] = (double)(w0[i] = w[i] = (float)draw(-1, 1)), m64[i] = (double)(m0[i] = m[i] = (float)draw(-1, 1));
                v64[i] = (double)(v0[i] = v[i] = (float)draw(0, 1)), g64[i] = (double)(g[i] = (float)draw(-1, 1));
            }
            k->adam_f32(n, w, m, v, g, 0.5f, &h);
            k->adam_f64(n, w64, m64, v64, g64, 0.5, &h);
            for (size_t i = 0; i < n; i++) {
                double gi = 0.5 * (double)g[i], wi = (double)w0[i];
                if (!h.decoupled) gi += h.decay * wi;
                else wi *= 1 - h.lr * h.decay;
                double mi = 0.9 * (double)m0[i] + 0.1 * gi, vi = 0.999 * (double)v0[i] + 0.001 * gi * gi;
                wi -= h.lr / h.bias1 * mi / (sqrt(vi) / sqrt(h.bias2) + h.eps);
                ck_assert_double_eq_tol(w64[i], wi, 1e-14);
                ck_assert_double_eq_tol((double)w[i], wi, 2e-7);
                ck_assert_double_eq_tol(m64[i], mi, 1e-15);
                ck_assert_double_eq_tol((double)m[i], mi, 2e-7);
                ck_assert_double_eq_tol(v64[i], vi, 1e-15);
                ck_assert_double_eq_tol((double)v[i], vi, 2e-7);
            }
            ck_assert(w[n] == w0[n] && m[n] == m0[n] && v[n] == v0[n]);

            bool momentum = kind > 0, nesterov = kind == 2, first = kind == 3;
            for (size_t i = 0; i < n; i++) w[i] = w0[i], v[i] = v0[i];
            k->sgd_f32(n, w, momentum ? v : NULL, g, 2, 0.1f, 0.9f, 0.01f, nesterov, first);
            k->axpy_f32(n, m, 3, g);
            for (size_t i = 0; i < n; i++) {
                double gi = 2 * (double)g[i] + 0.01 * (double)w0[i], vi = first ? gi : 0.9 * (double)v0[i] + gi;
                double want = (double)w0[i] - 0.1 * (!momentum ? gi : nesterov ? gi + 0.9 * vi : vi);
                ck_assert_double_eq_tol((double)w[i], want, 5e-7);
                if (momentum) ck_assert_double_eq_tol((double)v[i], vi, 5e-7);
            }
            ck_assert(w[n] == w0[n] && v[n] == v0[n]);

            bool centered = kind == 1;
            gm__rmsprop p = { .lr = 0.01, .alpha = 0.9, .eps = 1e-8, .decay = 0.1, .momentum = 0.5 };
            static float b[MOST];
            for (size_t i = 0; i <= n; i++) w[i] = w0[i], m[i] = 0.1f * m0[i], b[i] = m0[i], v[i] = v0[i] + 0.1f;
            k->rmsprop_f32(n, w, v, centered ? m : NULL, momentum ? b : NULL, g, 2, &p);
            for (size_t i = 0; i < n; i++) {
                double gi = 2 * (double)g[i] + 0.1 * (double)w0[i], vi = 0.9 * (double)(v0[i] + 0.1f) + 0.1 * gi * gi;
                double mi = 0.9 * (double)(0.1f * m0[i]) + 0.1 * gi, root = sqrt(centered ? fmax(0, vi - mi * mi) : vi);
                double step = gi / (root + 1e-8) + (momentum ? 0.5 * (double)m0[i] : 0);
                ck_assert_double_eq_tol((double)v[i], vi, 1e-6);
                if (centered) ck_assert_double_eq_tol((double)m[i], mi, 1e-6);
                if (momentum) ck_assert_double_eq_tol((double)b[i], step, 2e-5 * (1 + fabs(step)) * (1 + 1 / (root + 1e-3)));
                ck_assert_double_eq_tol((double)w[i], (double)w0[i] - 0.01 * step, 1e-6 + 2e-7 * (1 + fabs(step)) * (1 + 1 / (root + 1e-3)));
            }
            ck_assert(w[n] == w0[n] && v[n] == v0[n] + 0.1f && m[n] == 0.1f * m0[n] && b[n] == m0[n]);

            for (size_t i = 0; i < n; i++) w[i] = w0[i], v[i] = v0[i];
            k->adagrad_f32(n, w, v, g, 2, 0.1f, 1e-3f, 0.1f);
            for (size_t i = 0; i < n; i++) {
                double gi = 2 * (double)g[i] + 0.1 * (double)w0[i], vi = (double)v0[i] + gi * gi;
                ck_assert_double_eq_tol((double)v[i], vi, 1e-6);
                ck_assert_double_eq_tol((double)w[i], (double)w0[i] - 0.1 * gi / (sqrt(vi) + 1e-3), 1e-6);
            }
            ck_assert(w[n] == w0[n] && v[n] == v0[n] + 0.1f);
        }
}
END_TEST

/* Means without new gradients end at 0, not among the denormals; tiny gradients leave none in v. */
START_TEST(test_fade)
{
    const gm__kern *k = kern_at(_i);
    enum { N = 37 };
    float w[N], m[N], v[N], g[N];
    gm__adam h = { .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .bias1 = 1, .bias2 = 1 };
    if (!k) return;
    for (int i = 0; i < N; i++) w[i] = 0.5f, m[i] = v[i] = 1e-3f, g[i] = 0;
    for (int s = 0; s < 9000; s++) k->adam_f32(N, w, m, v, g, 1, &h);
    for (int i = 0; i < N; i++) ck_assert(m[i] == 0 && v[i] == 0 && w[i] < 0.5f);
    for (int i = 0; i < N; i++) w[i] = 0.5f, g[i] = i % 2 ? 1e-20f : -1e-39f;
    for (int s = 0; s < 50; s++) k->adam_f32(N, w, m, v, g, 1, &h);
    for (int i = 0; i < N; i++) ck_assert(w[i] == 0.5f && (v[i] == 0 || v[i] > 1e-37f) && (m[i] == 0 || fabsf(m[i]) > 1e-37f));
    h.eps = 0; /* then the smallest gradient is a whole step, as the formula says */
    for (int i = 0; i < N; i++) w[i] = 0.5f, m[i] = v[i] = 0, g[i] = 1e-12f;
    h.bias1 = 0.1, h.bias2 = 0.01;
    k->adam_f32(N, w, m, v, g, 1, &h);
    for (int i = 0; i < N; i++) ck_assert(fabsf(w[i] - 0.499f) < 1e-5f);
}
END_TEST

START_TEST(test_convert)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    float x[MOST], y[MOST];
    double d[MOST];
    uint8_t u[MOST];
    uint16_t h[MOST];
    for (size_t i = 0; i < MOST; i++) x[i] = (float)test_value(i), u[i] = (uint8_t)(i * 37);
    for (size_t s = 0; s < GM__COUNT(sizes); s++) {
        size_t n = sizes[s];
        k->u8_f32(n, y, u, 1 / 255.0f, -0.5f);
        for (size_t i = 0; i < n; i++) ck_assert_float_eq_tol(y[i], (float)u[i] / 255 - 0.5f, 1e-7f);
        k->f32_f64(n, d, x);
        k->f64_f32(n, y, d);
        for (size_t i = 0; i < n; i++) ck_assert(isnan(x[i]) ? isnan(y[i]) && isnan(d[i]) : y[i] == x[i] && d[i] == (double)x[i]);
        k->f32_bf16(n, h, x);
        k->bf16_f32(n, y, h);
        for (size_t i = 0; i < n; i++) {
            if (isnan(x[i])) ck_assert(isnan(y[i]));
            else if (fabsf(x[i]) > 3.38e38f) ck_assert(isinf(y[i]) || fabsf(y[i]) > 3.3e38f);
            else ck_assert(fabsf(y[i] - x[i]) <= fabsf(x[i]) * 0x1p-8f + 1e-40f);
        }
    }
    float even[] = { 0x1.01p0f, 0x1.03p0f, 0x1.010002p0f }; /* ties go to even, above a tie up */
    uint16_t bits[3];
    k->f32_bf16(3, bits, even);
    ck_assert(bits[0] == 0x3f80 && bits[1] == 0x3f82 && bits[2] == 0x3f81);
}
END_TEST

/* ---- random numbers ----------------------------------------------------------------- */

START_TEST(test_random)
{
    const gm__kern *k = kern_at(_i);
    if (!k) return;
    enum { N = 1003 };
    gm__stream s = { { 0xdeadbeef, 0x12345678 }, { 0xfffffff0u, 5, 6, 0x70000001 } }; /* the block counter wraps */
    float u[N + 1], v[N + 1], p[N], y[N + 1];
    uint32_t word[N + 4];
    for (uint32_t i = 0; i < N; i += 4) {
        const uint32_t ctr[4] = { s.ctr[0] + i / 4, s.ctr[1], s.ctr[2], s.ctr[3] };
        gm__philox4x32(ctr, s.key, word + i);
    }
    k->uniform_f32(s, N, u);
    k->normal_f32(s, N, v);
    for (size_t i = 0; i < N; i++) {
        ck_assert(u[i] == (float)(word[i] >> 8) * 0x1p-24f);
        uint32_t a = word[i & ~1u], b = word[i | 1u];
        double r = sqrt(-2 * log((double)((a >> 8) + 1) * 0x1p-24)), t = 2 * 3.14159265358979323846 * (double)(b >> 8) * 0x1p-24;
        ck_assert_double_eq_tol((double)v[i], i & 1 ? r * sin(t) : r * cos(t), 1.5e-6);
    }
    for (size_t i = 0; i < N; i++) p[i] = (float)draw(-0.1, 1.1);
    for (size_t q = 0; q < GM__COUNT(sizes); q++) { /* fewer draws are the first of more */
        size_t n = sizes[q];
        y[n] = GUARD;
        k->uniform_f32(s, n, y);
        ck_assert(!memcmp(y, u, n * 4) && y[n] == GUARD);
        k->normal_f32(s, n, y);
        ck_assert(!memcmp(y, v, n * 4) && y[n] == GUARD);
        k->bernoulli_f32(s, n, y, p);
        for (size_t i = 0; i < n; i++) ck_assert(y[i] == (u[i] < p[i] ? 1.0f : 0.0f));
        ck_assert(y[n] == GUARD);
        k->dropout_f32(s, n, y, 0.8f);
        for (size_t i = 0; i < n; i++) ck_assert(y[i] == (u[i] < 0.8f ? 1 / 0.8f : 0));
        ck_assert(y[n] == GUARD);
    }
}
END_TEST

/* ---- the wrappers over threads ---------------------------------------------------------- */

START_TEST(test_parallel)
{
    enum { N = 300001 };
    float *x = malloc(N * 4), *y = malloc(N * 4), *want = malloc(N * 4);
    double sum[2];
    for (size_t i = 0; i < N; i++) x[i] = (float)draw(-3, 3);
    for (int t = 1; t <= 2; t++) {
        gm_ctx *ctx = NULL;
        gm_ctx_config c;
        gm_ctx_config_init(&c, sizeof c);
        c.threads = t == 1 ? 1 : 3;
        ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
        ctx->kern->unary_f32[GM__U_TANH](N, want, x, NULL);
        gm__unary(ctx, false, GM__U_TANH, N, y, x, NULL);
        ck_assert(!memcmp(y, want, N * 4));
        gm__unary(ctx, false, GM__U_FILL, N, y, NULL, (const double[2]){ 2.5, 0 });
        for (size_t i = 0; i < N; i++) ck_assert(y[i] == 2.5f);
        float one = 2;
        for (int mode = 0; mode < 3; mode++) {
            const float *a = mode == GM__SV ? &one : x, *b = mode == GM__VS ? &one : x;
            ctx->kern->binary_f32[GM__B_SUB](N, want, a, b, mode, NULL);
            gm__binary(ctx, false, GM__B_SUB, N, y, a, b, mode, NULL);
            ck_assert(!memcmp(y, want, N * 4));
        }
        sum[t - 1] = gm__sum(ctx, false, N, x);
        double exact = 0;
        for (size_t i = 0; i < N; i++) exact += (double)x[i];
        ck_assert_double_eq_tol(sum[t - 1], exact, 1e-2);
        ck_assert(gm__sum(ctx, false, 0, x) == 0 && gm__sum(ctx, false, 1, x) == (double)x[0]);
        gm_ctx_free(ctx);
    }
    ck_assert(sum[0] == sum[1]);
    free(x), free(y), free(want);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kernels");
    TCase *t = tcase_create("kernels");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_unary, 0, 3);
    tcase_add_loop_test(t, test_binary, 0, 3);
    tcase_add_loop_test(t, test_tails, 0, 3);
    tcase_add_loop_test(t, test_compare_select, 0, 3);
    tcase_add_loop_test(t, test_reduce, 0, 3);
    tcase_add_loop_test(t, test_colsum, 0, 3);
    tcase_add_loop_test(t, test_softmax, 0, 3);
    tcase_add_loop_test(t, test_layer_norm, 0, 3);
    tcase_add_loop_test(t, test_updates, 0, 3);
    tcase_add_loop_test(t, test_fade, 0, 3);
    tcase_add_loop_test(t, test_convert, 0, 3);
    tcase_add_loop_test(t, test_random, 0, 3);
    tcase_add_test(t, test_parallel);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
