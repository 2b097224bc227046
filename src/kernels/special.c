/* special.c - functions too rare for vectors of their own: inverse error function, polygamma functions, the
 * slope of a gamma draw, and plain loops over these and the C library. Computed in double, rounded once. */
#include "kernels/kernels.h"

#include <math.h>

static const double root_pi = 1.77245385090551602730, pi = 3.14159265358979323846, root_2 = 1.41421356237309504880;

/* ---- quantiles -------------------------------------------------------------------- */

/* y with erfc(y) = q, 0 < q <= 1: a rational guess (Abramowitz and Stegun 26.2.23), then Halley's steps */
static double erfc_inverse(double q)
{
    double s = sqrt(-2 * log(q / 2));
    double y = (s - (2.515517 + s * (0.802853 + s * 0.010328)) / (1 + s * (1.432788 + s * (0.189269 + s * 0.001308)))) / root_2;
    for (int i = 0; i < 3; i++) {
        double e = (erfc(y) - q) * root_pi / -2 * exp(y * y);
        if (!isfinite(e)) break; /* q below the smallest normal number: the guess must do */
        y -= e / (1 + y * e);
    }
    return y;
}

double gm__erfinv(double x)
{
    double a = fabs(x);
    if (!(a < 1)) return a == 1 ? copysign(INFINITY, x) : NAN;
    if (a > 0.5) return copysign(erfc_inverse(1 - a), x);
    double y = x * root_pi / 2;
    for (int i = 0; i < 4; i++) {
        double e = (erf(y) - x) * root_pi / 2 * exp(y * y);
        y -= e / (1 + y * e);
    }
    return y;
}

double gm__normal_quantile(double p)
{
    if (!(p > 0 && p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
    return p < 0.25 ? -root_2 * erfc_inverse(2 * p) : root_2 * gm__erfinv(2 * p - 1);
}

/* ---- derivatives of log Gamma ------------------------------------------------------- */

static const double bernoulli[] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6, -3617.0 / 510}; /* B_2, B_4, .. */

static double digamma(double x)
{
    if (x == floor(x) && x <= 0) return x == 0 ? copysign(INFINITY, -x) : NAN;
    if (x < 0) return digamma(1 - x) - pi / tan(pi * (x - floor(x)));
    double y = 0, r = 1, sum = 0;
    for (; x < 10; x++) y -= 1 / x;
    for (size_t k = 0; k < GM__COUNT(bernoulli); k++) {
        r /= x * x;
        sum += bernoulli[k] / (2.0 * (double)(k + 1)) * r;
    }
    return y + log(x) - 0.5 / x - sum;
}

static double power(double x, int n)
{
    double y = 1;
    for (; n > 0; n--) y *= x;
    return y;
}

double gm__polygamma(int n, double x)
{
    if (n == 0) return digamma(x);
    if (n < 0 || n > 100 || isnan(x)) return NAN;
    if (x == floor(x) && x <= 0) return INFINITY;
    if (n == 1 && x < 0) {
        double s = sin(pi * (x - floor(x)));
        return pi * pi / (s * s) - gm__polygamma(1, 1 - x);
    }
    if (x < -1000) return NAN; /* higher orders step up to positive x one by one */
    double y = 0, factorial = tgamma(n + 1.0);
    for (; x < 10 + n; x++) y += factorial / power(x, n + 1);
    y += factorial / n / power(x, n) + factorial / 2 / power(x, n + 1);
    double c = factorial / power(x, n); /* (2k+n-1)! / ((2k)! x^(2k+n)) */
    for (int k = 1; k <= (int)GM__COUNT(bernoulli); k++) {
        c *= k == 1 ? (n + 1.0) / 2 : (2.0 * k + n - 1) * (2.0 * k + n - 2) / (2.0 * k * (2.0 * k - 1));
        c /= x * x;
        y += bernoulli[k - 1] * c;
    }
    return n % 2 ? y : -y;
}

/* The series of P(a, x) by powers of x, each term differentiated: all terms are x^n / (a (a+1) .. (a+n)) times
 * log x - digamma(a + n + 1). For large a a draw is nearly a (1 - 1/(9a) + z/(3 sqrt a))^3 with a normal z
 * (Wilson and Hilferty 1931), whose slope is plain. */
double gm__gamma_slope(double a, double x)
{
    if (!(x > 0)) return x == 0 ? 0 : NAN;
    if (a > 10000) {
        double c = cbrt(x / a), z = (c - 1 + 1 / (9 * a)) * 3 * sqrt(a);
        return x / a + 3 * a * c * c * (1 / (9 * a * a) - z / (6 * a * sqrt(a)));
    }
    double psi = digamma(a + 1), c = 1 / a, lx = log(x), sum = 0;
    for (int n = 0; n < 5000; n++) {
        sum += c * (lx - psi);
        if (n + a > x && c * (fabs(lx - psi) + 1) < 1e-17 * fabs(sum)) break;
        psi += 1 / (a + n + 1);
        c *= x / (a + n + 1);
    }
    return -x * sum;
}

/* ---- loops ------------------------------------------------------------------------------ */

static double remainder_of(double a, double b)
{
    double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

#define LOOP1(NAME, S, T, CALL)                                                                        \
    void gm__rare_##NAME##_##S(size_t n, T *y, const T *x_, const T *p)                                \
    {                                                                                                  \
        GM__UNUSED(p);                                                                                 \
        for (size_t i = 0; i < n; i++) {                                                               \
            double x = (double)x_[i];                                                                  \
            y[i] = (T)(CALL);                                                                          \
        }                                                                                              \
    }
#define LOOPS1(NAME, CALL) LOOP1(NAME, f32, float, CALL) LOOP1(NAME, f64, double, CALL)
LOOPS1(FLOOR, floor(x))
LOOPS1(CEIL, ceil(x))
LOOPS1(ROUND, nearbyint(x))
LOOPS1(TRUNC, trunc(x))
LOOPS1(TAN, tan(x))
LOOPS1(ASIN, asin(x))
LOOPS1(ACOS, acos(x))
LOOPS1(ATAN, atan(x))
LOOPS1(SINH, sinh(x))
LOOPS1(COSH, cosh(x))
LOOPS1(ASINH, asinh(x))
LOOPS1(ATANH, atanh(x))
LOOPS1(ERFINV, gm__erfinv(x))
LOOPS1(LGAMMA, log_gamma(x))
LOOPS1(POLYGAMMA, gm__polygamma((int)p[0], x))

#define LOOP2(NAME, S, T, CALL)                                                                        \
    void gm__rare_##NAME##_##S(size_t n, T *y, const T *a_, const T *b_, int mode, const T *p)         \
    {                                                                                                  \
        size_t sa = mode == GM__SV ? 0 : 1, sb = mode == GM__VS ? 0 : 1;                               \
        GM__UNUSED(p);                                                                                 \
        for (size_t i = 0; i < n; i++) {                                                               \
            double a = (double)a_[i * sa], b = (double)b_[i * sb];                                     \
            y[i] = (T)(CALL);                                                                          \
        }                                                                                              \
    }
#define LOOPS2(NAME, CALL) LOOP2(NAME, f32, float, CALL) LOOP2(NAME, f64, double, CALL)
LOOPS2(ATAN2, atan2(a, b))
LOOPS2(FMOD, fmod(a, b))
LOOPS2(REMAINDER, remainder_of(a, b))
