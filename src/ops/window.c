/* window.c - windows and weights of one axis, image arguments. */
#include "ops/window.h"

#include <math.h>
#include <string.h>

void gm__window(const gm__span *s, int64_t i, int64_t *lo, int64_t *hi)
{
    if (s->k == 0) { /* i in/out to (i+1) in/out, rounded outwards */
        *lo = i * s->in / s->out;
        *hi = ((i + 1) * s->in + s->out - 1) / s->out;
        return;
    }
    *lo = i * s->s - s->pad;
    *hi = *lo + s->k;
    if (*lo < 0) *lo = 0;
    if (*hi > s->in) *hi = s->in;
}

bool gm__windows(gm_tape *t, const gm__span *s, const uint32_t **from, const uint32_t **to)
{
    uint32_t *ends = gm__arena(t, (size_t)s->out, 2 * sizeof *ends);
    if (!ends) return false;
    for (int64_t i = 0; i < s->out; i++) {
        int64_t lo, hi;
        gm__window(s, i, &lo, &hi);
        ends[i] = (uint32_t)lo;
        ends[s->out + i] = (uint32_t)hi;
    }
    *from = ends;
    *to = ends + s->out;
    return true;
}

/* ---- the weights of one row -------------------------------------------------------------- */

enum { MOST = 11 }; /* taps of a row that is not an average */
typedef struct run {
    int64_t lo, hi;
    double w[MOST]; /* of places lo, lo+1, ..; an average has one weight for all */
} run;

/* weight[k] falls on place[k], which never strays over MOST places */
static run gather(int n, const int64_t *place, const double *weight)
{
    run r = {place[0], place[0] + 1, {0}};
    for (int k = 0; k < n; k++) {
        if (place[k] < r.lo) r.lo = place[k];
        if (place[k] >= r.hi) r.hi = place[k] + 1;
    }
    for (int k = 0; k < n; k++) r.w[place[k] - r.lo] += weight[k];
    return r;
}

static int64_t clip(int64_t p, int64_t n) { return p < 0 ? 0 : p < n ? p : n - 1; }
/* reflects a place at the first and at the last, which are not repeated */
static int64_t fold(int64_t p, int64_t n)
{
    int64_t period = 2 * (n - 1);
    if (period == 0) return 0;
    p = (p % period + period) % period;
    return p < n ? p : period - p;
}

/* Where output i falls between the centres of input places: the place before it, and how far behind that it is. */
static double between(const gm__span *s, int64_t i, bool inside, int64_t *before)
{
    double at = ((double)i + 0.5) * (double)s->in / (double)s->out - 0.5;
    if (inside && at < 0) at = 0;
    *before = (int64_t)floor(at);
    return at - floor(at);
}

static run bilinear(const gm__span *s, int64_t i)
{
    int64_t p;
    double t = between(s, i, true, &p);
    const int64_t place[] = {clip(p, s->in), clip(p + 1, s->in)};
    return gather(2, place, (double[]){1 - t, t});
}

/* Keys' kernel with a = -0.75 at distance d */
static double cubic(double d)
{
    const double a = -0.75;
    return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}
static run bicubic(const gm__span *s, int64_t i)
{
    int64_t p;
    double t = between(s, i, false, &p);
    const int64_t place[] = {clip(p - 1, s->in), clip(p, s->in), clip(p + 1, s->in), clip(p + 2, s->in)};
    return gather(4, place, (double[]){cubic(t + 1), cubic(t), cubic(1 - t), cubic(2 - t)});
}

static const double binomial[5] = {1 / 16.0, 4 / 16.0, 6 / 16.0, 4 / 16.0, 1 / 16.0};
static run pyramid_down(const gm__span *s, int64_t i)
{
    int64_t place[5];
    for (int k = 0; k < 5; k++) place[k] = fold(2 * i + k - 2, s->in);
    return gather(5, place, binomial);
}
/* The enlarged axis has x at even places and zeros between; weights are doubled to make up for these. */
static run pyramid_up(const gm__span *s, int64_t i)
{
    int64_t place[5];
    double w[5], sum = 0;
    int n = 0;
    for (int k = 0; k < 5; k++) {
        int64_t p = fold(i + k - 2, s->out);
        if (p % 2) continue;
        place[n] = p / 2;
        sum += w[n++] = binomial[k];
    }
    for (int k = 0; k < n; k++) w[k] /= sum; /* 1/2 but for an axis of one place */
    return gather(n, place, w);
}

/* exp(-d^2/(2 1.5^2)) at distances -5 .. 5, brought to the sum 1; s->k is 11 */
static run gaussian(const gm__span *s, int64_t i)
{
    run r = {.lo = i * s->s, .hi = i * s->s + MOST};
    double sum = 0;
    for (int k = 0; k < MOST; k++) sum += r.w[k] = exp((k - MOST / 2) * (k - MOST / 2) / -4.5);
    for (int k = 0; k < MOST; k++) r.w[k] /= sum;
    return r;
}

static run row_of(int mode, const gm__span *s, int64_t i)
{
    run r = {0};
    switch (mode) {
    case GM__R_NEAREST:
        r = (run){i * s->in / s->out, i * s->in / s->out + 1, {1}};
        break;
    case GM__R_BILINEAR: r = bilinear(s, i); break;
    case GM__R_BICUBIC: r = bicubic(s, i); break;
    case GM__R_PYRAMID_DOWN: r = pyramid_down(s, i); break;
    case GM__R_PYRAMID_UP: r = pyramid_up(s, i); break;
    case GM__R_GAUSSIAN: r = gaussian(s, i); break;
    default:
        gm__window(s, i, &r.lo, &r.hi);
        r.w[0] = 1 / (double)(mode == GM__R_AVERAGE_PAD ? s->k : r.hi - r.lo);
    }
    return r;
}
static double weight(int mode, const run *r, int64_t place)
{
    if (place < r->lo || place >= r->hi) return 0;
    return r->w[mode == GM__R_AVERAGE || mode == GM__R_AVERAGE_PAD ? 0 : place - r->lo];
}

/* ---- the matrix --------------------------------------------------------------------------- */

/* Runs of the transposed rows: the first and last row that holds a place. Ends of rows never go back, so runs have no wide gaps. */
static void transposed(const run *rows, const gm__span *s, int64_t *lo, int64_t *hi)
{
    for (int64_t p = 0; p < s->in; p++) lo[p] = hi[p] = 0;
    for (int64_t i = 0; i < s->out; i++)
        for (int64_t p = rows[i].lo; p < rows[i].hi; p++) {
            if (hi[p] == 0) lo[p] = i;
            hi[p] = i + 1;
        }
}

bool gm__taps_make(gm_tape *t, int mode, bool transpose, const gm__span *s, bool f64, gm__taps *out)
{
    int64_t n = transpose ? s->in : s->out;
    run *rows = gm__arena(t, (size_t)s->out, sizeof *rows);
    int64_t *lo = gm__arena(t, (size_t)n, 2 * sizeof *lo), *hi = lo ? lo + n : NULL;
    uint32_t *from = gm__arena(t, (size_t)n * 2 + 1, sizeof *from), *at = from ? from + n : NULL;
    if (!rows || !lo || !from) return false;
    for (int64_t i = 0; i < s->out; i++) rows[i] = row_of(mode, s, i);
    if (transpose) transposed(rows, s, lo, hi);
    for (int64_t i = 0; i < n && !transpose; i++) lo[i] = rows[i].lo, hi[i] = rows[i].hi;
    uint64_t total = 0;
    for (int64_t i = 0; i < n && total <= UINT32_MAX; i++) {
        from[i] = (uint32_t)lo[i];
        at[i] = (uint32_t)total;
        total += (uint64_t)(hi[i] - lo[i]);
    }
    if (total > UINT32_MAX) return gm__tape_fail(t, GM_ELIMIT, "windows of %lld places: too many", (long long)s->in), false;
    at[n] = (uint32_t)total;
    char *w = gm__arena(t, (size_t)total + 1, f64 ? 8 : 4);
    if (!w) return false;
    *out = (gm__taps){.rows = (size_t)n, .from = from, .at = at, .w = w, .identity = s->in == s->out};
    for (int64_t i = 0; i < n; i++)
        for (int64_t p = lo[i]; p < hi[i]; p++, w += f64 ? 8 : 4) {
            double v = transpose ? weight(mode, &rows[p], i) : weight(mode, &rows[i], p);
            gm__store(f64, w, v);
            out->identity = out->identity && p == i && v == 1;
        }
    return true;
}

/* ---- arguments ------------------------------------------------------------------------------ */

gm_tensor *gm__image_in(gm_tape *t, const char *who, gm_tensor *x, bool signal)
{
    char a[128];
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR)) return gm__tape_fail(t, GM_EARG, "%s: x is no tensor", who);
    if (x->ndim != (signal ? 3 : 4))
        return gm__tape_fail(t, GM_ESHAPE, "%s: x [N, C, %s] wanted, got %s", who, signal ? "L" : "H, W", gm__shape_text(a, x->ndim, x->shape));
    for (int i = 2; i < x->ndim; i++)
        if (x->shape[i] > INT32_MAX) return gm__tape_fail(t, GM_ELIMIT, "%s: x %s is too large", who, gm__shape_text(a, x->ndim, x->shape));
    x = gm__to_last(t, x);
    return x && signal ? gm_reshape(t, x, 4, (int64_t[]){x->shape[0], 1, x->shape[1], x->shape[2]}) : x;
}

gm_tensor *gm__image_out(gm_tape *t, gm_tensor *y, bool signal)
{
    if (y && signal) y = gm_reshape(t, y, 3, (int64_t[]){y->shape[0], y->shape[2], y->shape[3]});
    return gm__from_last(t, y);
}

bool gm__pool_spans(gm_tape *t, const char *who, const gm_tensor *x, const int64_t k[2], const int64_t stride[2], const int64_t pad[2],
                    gm__span axes[2])
{
    static const int64_t none[2];
    if (!x) return false;
    if (!k) return gm__tape_fail(t, GM_EARG, "%s: k is NULL", who), false;
    if (!stride) stride = k;
    if (!pad) pad = none;
    for (int d = 0; d < 2; d++) {
        gm__span s = {x->shape[1 + d], 0, k[d], stride[d], pad[d]};
        const char *axis = d ? "last" : "first";
        if (s.k < 1 || s.k > INT32_MAX || s.s < 1 || s.s > INT32_MAX)
            return gm__tape_fail(t, GM_EARG, "%s: %s axis: window %lld, stride %lld: 1 or more wanted", who, axis, (long long)s.k, (long long)s.s), false;
        if (s.pad < 0 || s.pad > s.k / 2)
            return gm__tape_fail(t, GM_EARG, "%s: %s axis: padding %lld is not in [0,%lld], half the window", who, axis, (long long)s.pad,
                                 (long long)(s.k / 2)), false;
        if (s.in < 1 || s.in + 2 * s.pad < s.k)
            return gm__tape_fail(t, GM_ESHAPE, "%s: %s axis: a window of %lld does not fit %lld places with padding %lld", who, axis, (long long)s.k,
                                 (long long)s.in, (long long)s.pad), false;
        s.out = (s.in + 2 * s.pad - s.k) / s.s + 1;
        axes[d] = s;
    }
    return true;
}

bool gm__adaptive_spans(gm_tape *t, const char *who, const gm_tensor *x, int64_t oh, int64_t ow, gm__span axes[2])
{
    const int64_t out[2] = {oh, ow};
    if (!x) return false;
    for (int d = 0; d < 2; d++) {
        axes[d] = (gm__span){.in = x->shape[1 + d], .out = out[d]};
        if (out[d] < 1 || out[d] > INT32_MAX)
            return gm__tape_fail(t, GM_EARG, "%s: size %lld: 1 or more wanted", who, (long long)out[d]), false;
        if (axes[d].in < 1) return gm__tape_fail(t, GM_ESHAPE, "%s: x has no pixels", who), false;
    }
    return true;
}
