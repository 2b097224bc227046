/* test_conv.c - convolutions against plain loops at every stride, padding, dilation and number of groups up to 3, in
 * every build; adjoints; folded enlargement; activations in the store; memory order, threads, wrong input. */
#include "ops/conv.h"
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static gm_ctx *ctx;
static gm_tape *t;
static void start(const char *cpu, int threads)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.cpu = cpu;
    c.threads = threads;
    c.max_bytes = 1 << 28; /* what wants far too much shall not ask the system for it */
    ctx = NULL;
    t = NULL;
    gm_status s = gm_ctx_new(&c, &ctx);
    ck_assert(s == GM_OK || s == GM_EUNSUPPORTED);
    if (ctx) ck_assert_int_eq(gm_tape_new(ctx, 0, &t), GM_OK);
}
static void setup(void) { start(NULL, 1); }
static void teardown(void)
{
    gm_tape_free(t);
    gm_ctx_free(ctx);
}
#define FINE() ck_assert_msg(gm_tape_status(t) == GM_OK, "%s", gm_tape_message(t))
#define S(...) (const int64_t[]){__VA_ARGS__}

/* A leaf of fixed numbers that wants a gradient. */
static gm_tensor *leaf(int dtype, int salt, int ndim, const int64_t *shape)
{
    gm_tensor *x = NULL;
    ck_assert_int_eq(gm_tensor_new(ctx, dtype, ndim, shape, &x), GM_OK);
    for (int64_t i = 0; i < x->size; i++) {
        double v = sin(1.7 * (double)i + salt + 0.3 * (double)(i % 7));
        if (dtype == GM_F64) gm__f64(x)[i] = v;
        else gm__f32(x)[i] = (float)v;
    }
    ck_assert_int_eq(gm_tensor_set_grad(x, 1), GM_OK);
    return x;
}
static double value(const gm_tensor *x, int64_t i) { return x->dtype == GM_F64 ? gm__f64(x)[i] : (double)gm__f32(x)[i]; }
/* row-major values of any tensor, to be freed */
static double *values(const gm_tensor *x)
{
    FINE();
    size_t n = (size_t)x->size;
    double *v = malloc(8 * n + 8);
    ck_assert_int_eq(gm_tensor_read(x, v, n * gm__esize(x->dtype)), GM_OK);
    if (x->dtype == GM_F32) /* widened from behind, in place */
        for (size_t i = n; i-- > 0;) {
            float f;
            memcpy(&f, (char *)v + 4 * i, 4);
            v[i] = (double)f;
        }
    return v;
}
static void near(const gm_tensor *a, const gm_tensor *b, double tol)
{
    double *u = values(a), *v = values(b);
    ck_assert(gm__shape_equal(a, b));
    for (int64_t i = 0; i < a->size; i++) ck_assert_msg(fabs(u[i] - v[i]) <= tol, "%d: %.17g and %.17g", (int)i, u[i], v[i]);
    free(u);
    free(v);
}
static double dot(const gm_tensor *a, const gm_tensor *b)
{
    double *u = values(a), *v = values(b), sum = 0;
    ck_assert(gm__shape_equal(a, b));
    for (int64_t i = 0; i < a->size; i++) sum += u[i] * v[i];
    free(u);
    free(v);
    return sum;
}

/* ---- plain loops ----------------------------------------------------------------------- */

typedef struct geometry { int64_t n, c, h, w, o, kh, kw, s[2], p[2], d[2], g; } geometry;
static int64_t out_size(const geometry *g, int axis)
{
    return ((axis ? g->w : g->h) + 2 * g->p[axis] - g->d[axis] * ((axis ? g->kw : g->kh) - 1) - 1) / g->s[axis] + 1;
}

/* Runs over all products x[xi] w[wi] that y[yi] sums: y, x or w, named by `to`, receives the product of the others. */
static void loops(const geometry *g, double *y, double *x, double *w, char to)
{
    int64_t oh = out_size(g, 0), ow = out_size(g, 1), cg = g->c / g->g, og = g->o / g->g;
    for (int64_t n = 0; n < g->n; n++)
    for (int64_t o = 0; o < g->o; o++)
    for (int64_t i = 0; i < oh; i++)
    for (int64_t j = 0; j < ow; j++)
    for (int64_t c = 0; c < cg; c++)
    for (int64_t r = 0; r < g->kh; r++)
    for (int64_t q = 0; q < g->kw; q++) {
        int64_t u = i * g->s[0] - g->p[0] + r * g->d[0], v = j * g->s[1] - g->p[1] + q * g->d[1];
        if (u < 0 || u >= g->h || v < 0 || v >= g->w) continue;
        double *py = &y[((n * g->o + o) * oh + i) * ow + j], *px = &x[((n * g->c + o / og * cg + c) * g->h + u) * g->w + v];
        double *pw = &w[((o * cg + c) * g->kh + r) * g->kw + q];
        if (to == 'y') *py += *px * *pw;
        else if (to == 'x') *px += *py * *pw;
        else *pw += *py * *px;
    }
}

static void compare(const char *what, const geometry *g, const double *want, const gm_tensor *got, double tol)
{
    double *v = values(got);
    for (int64_t i = 0; i < got->size; i++)
        ck_assert_msg(fabs(want[i] - v[i]) <= tol * fmax(1, fabs(want[i])), "%s: s %d,%d p %d,%d d %d,%d g %d at %d: %.17g, not %.17g", what,
                      (int)g->s[0], (int)g->s[1], (int)g->p[0], (int)g->p[1], (int)g->d[0], (int)g->d[1], (int)g->g, (int)i, v[i], want[i]);
    free(v);
}

/* conv2d, its gradients, and conv_transpose2d where its result has the same size. */
static void check_geometry(const geometry *g, int dtype, double tol)
{
    int64_t oh = out_size(g, 0), ow = out_size(g, 1);
    gm_tensor *x = leaf(dtype, 1, 4, S(g->n, g->c, g->h, g->w)), *w = leaf(dtype, 2, 4, S(g->o, g->c / g->g, g->kh, g->kw));
    gm_tensor *b = leaf(dtype, 3, 1, S(g->o)), *gy = leaf(dtype, 4, 4, S(g->n, g->o, oh, ow)), *grad[3], *xs[3] = {x, w, b};
    double *vx = values(x), *vw = values(w), *vg = values(gy);
    double *y = calloc((size_t)gy->size, 8), *gx = calloc((size_t)x->size, 8), *gw = calloc((size_t)w->size, 8), *gb = calloc((size_t)g->o, 8);
    for (int64_t i = 0; i < gy->size; i++) {
        y[i] = value(b, i / (oh * ow) % g->o);
        gb[i / (oh * ow) % g->o] += vg[i];
    }
    loops(g, y, vx, vw, 'y');
    loops(g, vg, gx, vw, 'x');
    loops(g, vg, vx, gw, 'w');
    gm_tensor *out = gm_conv2d(t, x, w, b, g->s, g->p, g->d, g->g);
    compare("y", g, y, out, tol);
    ck_assert(out->size == 1 || gm__is_last(out) || out->contiguous);
    ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_mul(t, out, gm_detach(t, gy)), GM_ALL_AXES, 0), xs, 3, 0, grad), GM_OK);
    compare("gx", g, gx, grad[0], tol);
    compare("gw", g, gw, grad[1], tol);
    compare("gb", g, gb, grad[2], tol);
    int64_t extra[2] = {(g->h + 2 * g->p[0] - g->d[0] * (g->kh - 1) - 1) % g->s[0], (g->w + 2 * g->p[1] - g->d[1] * (g->kw - 1) - 1) % g->s[1]};
    if ((extra[0] < g->s[0] || extra[0] < g->d[0]) && (extra[1] < g->s[1] || extra[1] < g->d[1]))
        compare("transposed", g, gx, gm_conv_transpose2d(t, gy, w, NULL, g->s, g->p, extra, g->d, g->g), tol);
    free(vx), free(vw), free(vg), free(y), free(gx), free(gw), free(gb);
    gm_tape_reset(t);
    for (int i = 0; i < 3; i++) gm_tensor_free(xs[i]);
    gm_tensor_free(gy);
}

START_TEST(equals_plain_loops)
{
    for (int k = 0; k < 3 * 4 * 3 * 3; k++) {
        int64_t s = 1 + k % 3, p = k / 3 % 4, d = 1 + k / 12 % 3, groups = 1 + k / 36;
        geometry g = {.n = 2, .c = 6, .h = 9, .w = 8, .o = 6, .kh = 3, .kw = 2, .s = {s, 1 + s % 3}, .p = {p, (p + 1) % 4}, .d = {d, 1 + (d + p) % 3}, .g = groups};
        check_geometry(&g, GM_F64, 1e-12);
        g.s[1] = s, g.p[1] = p, g.d[1] = d, g.kw = 3;
        if (d == 3 && p == 0) g.w = 10;
        check_geometry(&g, GM_F32, 2e-5);
    }
}
END_TEST

/* Sizes that cross the kernels' own: long patches, several panels of channels, few channels, one filter a channel. */
static const geometry sizes[] = {
    {3, 70, 9, 7, 37, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},  {2, 1, 28, 28, 6, 5, 5, {1, 1}, {2, 2}, {1, 1}, 1},
    {2, 33, 12, 20, 1, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1}, {2, 3, 15, 13, 17, 4, 4, {2, 2}, {1, 1}, {1, 1}, 1},
    {2, 64, 11, 11, 3, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1}, {2, 20, 9, 9, 20, 3, 3, {1, 2}, {1, 1}, {1, 1}, 20},
    {2, 7, 9, 9, 21, 3, 3, {2, 1}, {1, 1}, {2, 1}, 7},   {1, 128, 4, 4, 256, 4, 4, {1, 1}, {0, 0}, {1, 1}, 1},
    {5, 40, 6, 6, 24, 1, 1, {1, 1}, {0, 0}, {1, 1}, 1},  {3, 16, 6, 6, 48, 1, 1, {1, 1}, {0, 0}, {1, 1}, 4},
    {2, 16, 8, 8, 4, 4, 4, {2, 2}, {1, 1}, {1, 1}, 1},   {1, 5, 1, 300, 5, 1, 9, {1, 3}, {0, 4}, {1, 2}, 1},
    {2, 2, 16, 16, 40, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1}, {200, 4, 3, 3, 3, 2, 2, {1, 1}, {1, 1}, {1, 1}, 1},
    {1, 4, 7, 7, 4, 7, 7, {7, 7}, {3, 3}, {1, 1}, 2},    {2, 2, 5, 5, 2, 2, 2, {3, 3}, {0, 0}, {1, 1}, 1},
    /* several images at once: taps outside, none inside, steps of all kinds, lines in pieces, filters past a panel, tall tiles */
    {13, 6, 7, 5, 20, 5, 5, {1, 1}, {2, 2}, {1, 1}, 1},  {30, 170, 3, 4, 18, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {24, 3, 4, 6, 7, 3, 2, {2, 1}, {4, 3}, {1, 1}, 1},   {24, 2, 5, 5, 33, 4, 4, {2, 3}, {3, 2}, {2, 1}, 1},
    {36, 1, 9, 10, 5, 5, 4, {1, 2}, {2, 3}, {1, 1}, 1},  {12, 40, 3, 3, 17, 2, 1, {2, 3}, {1, 0}, {1, 1}, 1},
    /* weights tap by tap: blocks of uneven height, more taps than at hand, groups, steps, taps outside everywhere */
    {3, 20, 9, 8, 37, 5, 5, {1, 1}, {2, 2}, {1, 1}, 1},  {2, 7, 15, 16, 9, 9, 7, {1, 1}, {3, 2}, {1, 1}, 1},
    {4, 34, 17, 19, 18, 3, 3, {2, 2}, {1, 1}, {1, 2}, 2}, {2, 16, 8, 9, 32, 3, 3, {1, 1}, {1, 4}, {1, 3}, 1},
    {2, 6, 3, 40, 16, 1, 5, {1, 1}, {2, 2}, {1, 1}, 1},  {2, 26, 20, 24, 5, 2, 3, {1, 1}, {5, 6}, {1, 1}, 1},
    /* rows read where they lie: edges above and below, above alone, below alone, none; rows of uneven tiles */
    {2, 5, 12, 30, 9, 3, 3, {1, 1}, {1, 0}, {1, 1}, 1},  {2, 3, 17, 32, 16, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1},
    {1, 3, 14, 34, 18, 4, 2, {3, 1}, {2, 0}, {1, 1}, 1}, {3, 6, 14, 14, 16, 5, 5, {1, 1}, {0, 0}, {1, 1}, 1},
    {1, 40, 9, 32, 34, 3, 3, {1, 1}, {0, 1}, {2, 1}, 1}, {2, 2, 9, 33, 3, 4, 3, {1, 2}, {3, 0}, {3, 1}, 1},
    /* runs of pixels of several images at once */
    {14, 1, 28, 28, 32, 5, 5, {1, 1}, {2, 2}, {1, 1}, 1}, {13, 2, 8, 9, 20, 3, 3, {1, 2}, {0, 0}, {1, 1}, 1},
};
static const char *const levels[] = {"plain", "avx2", "avx512"};

START_TEST(equals_plain_loops_in_every_build)
{
    teardown();
    start(levels[_i], 2);
    for (size_t i = 0; ctx && i < GM__COUNT(sizes); i++) {
        check_geometry(&sizes[i], GM_F64, 1e-11);
        check_geometry(&sizes[i], GM_F32, 3e-4);
    }
    if (!ctx) setup();
}
END_TEST

/* ---- identities ------------------------------------------------------------------------------ */

START_TEST(transposed_is_adjoint)
{
    for (int k = 0; k < 27; k++) {
        const int64_t s[2] = {1 + k % 3, 2}, p[2] = {k / 3 % 3, 1}, d[2] = {1 + k / 9, 1 + k % 2};
        gm_tensor *x = leaf(GM_F64, k, 4, S(2, 4, 9, 11)), *w = leaf(GM_F64, k + 1, 4, S(6, 2, 3, 3));
        gm_tensor *y = gm_conv2d(t, x, w, NULL, s, p, d, 2);
        FINE();
        gm_tensor *v = leaf(GM_F64, k + 2, 4, y->shape);
        int64_t extra[2];
        for (int a = 0; a < 2; a++) extra[a] = (x->shape[2 + a] + 2 * p[a] - d[a] * 2 - 1) % s[a];
        gm_tensor *back = gm_conv_transpose2d(t, v, w, NULL, s, p, extra, d, 2);
        double a = dot(y, v), b = dot(x, back);
        ck_assert_msg(fabs(a - b) < 1e-10, "%d: %.17g and %.17g", k, a, b);
        gm_tensor_free(x), gm_tensor_free(w), gm_tensor_free(v);
        gm_tape_reset(t);
    }
}
END_TEST

static gm_tensor *doubled(gm_tensor *x)
{
    int64_t n = x->shape[0], c = x->shape[1], h = x->shape[2], w = x->shape[3];
    gm_tensor *y = gm_expand(t, gm_reshape(t, x, 6, S(n, c, h, 1, w, 1)), 6, S(n, c, h, 2, w, 2));
    return gm_reshape(t, y, 4, S(n, c, 2 * h, 2 * w));
}

START_TEST(folded_enlargement)
{
    const int64_t kernel[] = {3, 3, 5, 1}, pads[] = {1, 0, 2, 0};
    for (int k = 0; k < 4; k++)
        for (int act = GM_ACT_NONE; act <= GM_ACT_SIGMOID; act += 2) {
            gm_tensor *x = leaf(GM_F64, 1, 4, S(2, 3, 4, 5)), *w = leaf(GM_F64, 2, 4, S(5, 3, kernel[k], kernel[k])), *b = leaf(GM_F64, 3, 1, S(5));
            gm_tensor *xs[3] = {x, w, b}, *g[2][3], *y[2];
            y[0] = gm__upsample_conv2d_act(t, x, w, b, pads[k], act, 0.1);
            y[1] = gm_conv2d(t, doubled(x), w, b, NULL, S(pads[k], pads[k]), NULL, 1);
            if (act == GM_ACT_LRELU) y[1] = gm_leaky_relu(t, y[1], 0.1);
            if (act == GM_ACT_SIGMOID) y[1] = gm_sigmoid(t, y[1]);
            near(y[0], y[1], 1e-13);
            for (int i = 0; i < 2; i++) ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_sin(t, y[i]), GM_ALL_AXES, 0), xs, 3, 0, g[i]), GM_OK);
            for (int i = 0; i < 3; i++) near(g[0][i], g[1][i], 1e-11);
            /* gradients of a penalty on a gradient */
            for (int i = 0; i < 2; i++) {
                gm_tensor *gx;
                ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_sin(t, y[i]), GM_ALL_AXES, 0), &x, 1, 1, &gx), GM_OK);
                ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_square(t, gx), GM_ALL_AXES, 0), &w, 1, 0, &g[i][0]), GM_OK);
            }
            near(g[0][0], g[1][0], 1e-10);
            for (int i = 0; i < 3; i++) gm_tensor_free(xs[i]);
            gm_tape_reset(t);
        }
    gm_tensor *x = leaf(GM_F32, 1, 4, S(2, 3, 4, 4)), *w = leaf(GM_F32, 2, 4, S(5, 3, 3, 3));
    near(gm_upsample_conv2d(t, x, w, NULL, 1), gm_conv2d(t, doubled(x), w, NULL, NULL, S(1, 1), NULL, 1), 1e-5);
    gm_tensor_free(x), gm_tensor_free(w);
}
END_TEST

static gm_tensor *activated(gm_tensor *y, int act, double slope)
{
    switch (act) {
    case GM_ACT_RELU: return gm_relu(t, y);
    case GM_ACT_LRELU: return gm_leaky_relu(t, y, slope);
    case GM_ACT_TANH: return gm_tanh(t, y);
    case GM_ACT_SIGMOID: return gm_sigmoid(t, y);
    default: return y;
    }
}

START_TEST(activation_in_the_store)
{
    for (int act = GM_ACT_NONE; act <= GM_ACT_SIGMOID; act++)
        for (int k = 0; k < 6; k++) {
            double slope = k == 5 ? -0.5 : 0.2;
            bool back = k == 1, signal = k == 2 || k == 3;
            gm_tensor *x = signal ? leaf(GM_F64, k, 3, S(12, 3, 13)) : leaf(GM_F64, k, 4, S(12, 3, 6, 5));
            gm_tensor *w = signal ? leaf(GM_F64, 7, 3, k == 3 ? S(3, 7, 4) : S(7, 3, 4)) : leaf(GM_F64, 7, 4, back ? S(3, 7, 2, 3) : S(7, 3, 2, 3));
            gm_tensor *b = leaf(GM_F64, 9, 1, S(7)), *xs[3] = {x, w, b}, *g[2][3], *y[2];
            gm__attr a = signal ? gm__conv_attr1(2, 1, 1, 1) : gm__conv_attr(S(2, 1), S(1, 1), NULL, 1);
            bool transposed = back || k == 3;
            y[0] = transposed ? gm__conv_transpose_act(t, x, w, b, a, NULL, act, slope) : gm__conv_act(t, x, w, b, a, act, slope);
            if (signal) y[1] = transposed ? gm_conv_transpose1d(t, x, w, b, 2, 1, 0, 1, 1) : gm_conv1d(t, x, w, b, 2, 1, 1, 1);
            else y[1] = transposed ? gm_conv_transpose2d(t, x, w, b, S(2, 1), S(1, 1), NULL, NULL, 1) : gm_conv2d(t, x, w, b, S(2, 1), S(1, 1), NULL, 1);
            y[1] = activated(y[1], act, slope);
            near(y[0], y[1], 1e-14);
            for (int i = 0; i < 2; i++) ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_sin(t, y[i]), GM_ALL_AXES, 0), xs, 3, 0, g[i]), GM_OK);
            for (int i = 0; i < 3; i++) near(g[0][i], g[1][i], 1e-12), gm_tensor_free(xs[i]);
            gm_tape_reset(t);
        }
}
END_TEST

START_TEST(signals_are_images_of_one_row)
{
    gm_tensor *x = leaf(GM_F64, 1, 3, S(2, 4, 17)), *w = leaf(GM_F64, 2, 3, S(6, 2, 3)), *b = leaf(GM_F64, 3, 1, S(6));
    gm_tensor *y = gm_conv1d(t, x, w, b, 2, 1, 3, 2), *v;
    v = gm_conv2d(t, gm_reshape(t, x, 4, S(2, 4, 1, 17)), gm_reshape(t, w, 4, S(6, 2, 1, 3)), b, S(1, 2), S(0, 1), S(1, 3), 2);
    FINE();
    near(y, gm_reshape(t, v, 3, y->shape), 0);
    gm_tensor *all[] = {x, w, b};
    w = gm_transpose(t, gm_reshape(t, w, 3, S(4, 3, 3)), 1, 2); /* weights of any strides */
    y = gm_conv_transpose1d(t, x, w, NULL, 3, 1, 2, 2, 1);
    FINE();
    ck_assert_int_eq(y->shape[2], 16 * 3 - 2 + 2 * 2 + 2 + 1);
    near(y, gm_conv_transpose1d(t, x, gm__copy(t, w), NULL, 3, 1, 2, 2, 1), 0);
    for (int i = 0; i < 3; i++) gm_tensor_free(all[i]);
}
END_TEST

/* ---- memory order, threads ----------------------------------------------------------------- */

START_TEST(order_in_memory_does_not_matter)
{
    gm_tensor *x = leaf(GM_F32, 1, 4, S(3, 5, 9, 8)), *w = leaf(GM_F32, 2, 4, S(7, 5, 3, 3)), *xs[2] = {x, w}, *g[2][2], *y[2];
    for (int i = 0; i < 2; i++) {
        gm_tensor *in = i ? gm__from_last(t, gm__to_last(t, x)) : x;
        y[i] = gm_conv2d(t, in, w, NULL, NULL, S(1, 1), NULL, 1);
        ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_square(t, y[i]), GM_ALL_AXES, 0), xs, 2, 0, g[i]), GM_OK);
    }
    ck_assert(gm__is_last(y[0]));
    near(y[0], y[1], 0);
    for (int i = 0; i < 2; i++) near(g[0][i], g[1][i], 0);
    gm_tensor_free(x), gm_tensor_free(w);
}
END_TEST

START_TEST(threads_do_not_matter)
{
    static const geometry g[] = {
        {9, 24, 16, 16, 40, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1}, {20, 16, 16, 16, 32, 3, 3, {2, 2}, {1, 1}, {1, 1}, 1}, {9, 64, 16, 16, 1, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
        {30, 1, 28, 28, 6, 5, 5, {1, 1}, {2, 2}, {1, 1}, 1}, {9, 48, 16, 16, 48, 3, 3, {1, 1}, {1, 1}, {1, 1}, 48}, {60, 32, 12, 12, 32, 1, 1, {1, 1}, {0, 0}, {1, 1}, 1},
        {25, 32, 14, 14, 40, 5, 5, {1, 1}, {2, 2}, {1, 1}, 1}, {64, 6, 14, 14, 16, 5, 5, {1, 1}, {0, 0}, {1, 1}, 1}};
    for (size_t i = 0; i < GM__COUNT(g); i++) {
        double *kept[2][4];
        size_t n[4];
        for (int run = 0; run < 2; run++) {
            teardown();
            start(NULL, run ? 3 : 1);
            gm_tensor *x = leaf(GM_F32, 1, 4, S(g[i].n, g[i].c, g[i].h, g[i].w)), *w = leaf(GM_F32, 2, 4, S(g[i].o, g[i].c / g[i].g, g[i].kh, g[i].kw));
            gm_tensor *b = leaf(GM_F32, 3, 1, S(g[i].o)), *out[4], *xs[3] = {x, w, b};
            out[3] = gm_conv2d(t, x, w, b, g[i].s, g[i].p, g[i].d, g[i].g);
            ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_square(t, out[3]), GM_ALL_AXES, 0), xs, 3, 0, out), GM_OK);
            for (int k = 0; k < 4; k++) kept[run][k] = values(out[k]), n[k] = (size_t)out[k]->size;
            for (int k = 0; k < 3; k++) gm_tensor_free(xs[k]);
        }
        for (int k = 0; k < 4; k++) {
            ck_assert_msg(memcmp(kept[0][k], kept[1][k], n[k] * 8) == 0, "geometry %d, result %d", (int)i, k);
            free(kept[0][k]), free(kept[1][k]);
        }
    }
}
END_TEST

/* ---- wrong input --------------------------------------------------------------------------- */

static void refused(gm_tensor *y, const char *message)
{
    ck_assert_ptr_null(y);
    ck_assert_msg(strcmp(gm_tape_message(t), message) == 0, "'%s', expected '%s'", gm_tape_message(t), message);
    gm_tape_reset(t);
}

START_TEST(wrong_input)
{
    gm_tensor *x = leaf(GM_F32, 1, 4, S(2, 3, 8, 7)), *w = leaf(GM_F32, 1, 4, S(6, 4, 3, 3)), *k = leaf(GM_F32, 1, 4, S(6, 3, 3, 3));
    gm_tensor *b = leaf(GM_F32, 1, 1, S(5)), *d = leaf(GM_F64, 1, 4, S(6, 3, 3, 3)), *s = leaf(GM_F32, 1, 3, S(2, 3, 8)), *f = leaf(GM_F32, 1, 3, S(6, 3, 3));
    gm_tensor *none = leaf(GM_F32, 1, 4, S(6, 3, 0, 3)), *back = leaf(GM_F32, 1, 4, S(3, 2, 3, 3));
    refused(gm_conv2d(t, x, w, NULL, NULL, NULL, NULL, 1), "conv2d: x has 3 channels, w wants 4");
    refused(gm_conv2d(t, x, k, b, NULL, NULL, NULL, 1), "conv2d: a bias of 5 numbers for 6 channels");
    refused(gm_conv2d(t, x, k, NULL, S(0, 1), NULL, NULL, 1), "conv2d: stride of 0 is not in [1,1048576]");
    refused(gm_conv2d(t, x, k, NULL, NULL, S(0, -1), NULL, 1), "conv2d: padding of -1 is not in [0,1048576]");
    refused(gm_conv2d(t, x, k, NULL, NULL, NULL, S(1, INT64_MAX), 1), "conv2d: dilation of 9223372036854775807 is not in [1,1048576]");
    refused(gm_conv2d(t, x, k, NULL, NULL, NULL, S(4, 1), 1), "conv2d: a kernel of 3 dilated by 4 exceeds the padded size 8");
    refused(gm_conv2d(t, x, k, NULL, NULL, NULL, NULL, 0), "conv2d: 0 groups");
    refused(gm_conv2d(t, x, k, NULL, NULL, NULL, NULL, 2), "conv2d: 2 groups do not divide 3 channels");
    refused(gm_conv2d(t, x, k, NULL, NULL, NULL, NULL, INT64_MAX), "conv2d: 9223372036854775807 groups do not divide 3 channels");
    refused(gm_conv2d(t, x, d, NULL, NULL, NULL, NULL, 1), "conv2d: types differ: f32 and f64");
    refused(gm_conv2d(t, x, none, NULL, NULL, NULL, NULL, 1), "conv2d: a kernel of size 0");
    refused(gm_conv2d(t, s, k, NULL, NULL, NULL, NULL, 1), "conv2d: x of 4 axes wanted, got [2,3,8]");
    refused(gm_conv2d(t, x, f, NULL, NULL, NULL, NULL, 1), "conv2d: w of 4 axes wanted, got [6,3,3]");
    refused(gm_conv1d(t, x, f, NULL, 1, 0, 1, 1), "conv1d: x of 3 axes wanted, got [2,3,8,7]");
    refused(gm_conv1d(t, s, f, NULL, 1, 0, 4, 1), "conv1d: a kernel of 3 dilated by 4 exceeds the padded size 8");
    refused(gm_conv_transpose2d(t, x, k, NULL, NULL, NULL, NULL, NULL, 1), "conv_transpose2d: x has 3 channels, w wants 6");
    refused(gm_conv_transpose2d(t, x, back, NULL, S(2, 2), NULL, S(2, 0), NULL, 1), "conv_transpose2d: an output padding of 2 is not below stride or dilation");
    refused(gm_conv_transpose2d(t, x, back, NULL, S(1, 1), S(5, 0), NULL, NULL, 1), "conv_transpose2d: the result would have size 0");
    refused(gm_conv_transpose2d(t, x, back, b, NULL, NULL, NULL, NULL, 3), "conv_transpose2d: a bias of 5 numbers for 6 channels");
    refused(gm_upsample_conv2d(t, x, w, NULL, 1), "conv2d: x has 3 channels, w wants 4");
    ck_assert_ptr_null(gm_conv2d(t, NULL, k, NULL, NULL, NULL, NULL, 1));
    ck_assert_int_eq(gm_tape_status(t), GM_EARG);
    gm_tape_reset(t);
    ck_assert_ptr_null(gm_conv2d(t, x, NULL, NULL, NULL, NULL, NULL, 1));
    ck_assert_int_eq(gm_tape_status(t), GM_EARG);
    gm_tape_reset(t);
    ck_assert_ptr_null(gm_conv2d(t, x, k, NULL, NULL, S(1 << 20, 1 << 20), NULL, 1)); /* far too large for memory: [2,6,2097158,2097157] */
    ck_assert_int_eq(gm_tape_status(t), GM_ENOMEM);
    gm_tensor *all[] = {x, w, k, b, d, s, f, none, back};
    gm_tape_reset(t);
    for (size_t i = 0; i < GM__COUNT(all); i++) gm_tensor_free(all[i]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conv");
    TCase *c = tcase_create("convolution");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, equals_plain_loops);
    tcase_add_loop_test(c, equals_plain_loops_in_every_build, 0, 3);
    tcase_add_test(c, transposed_is_adjoint);
    tcase_add_test(c, folded_enlargement);
    tcase_add_test(c, activation_in_the_store);
    tcase_add_test(c, signals_are_images_of_one_row);
    tcase_add_test(c, order_in_memory_does_not_matter);
    tcase_add_test(c, threads_do_not_matter);
    tcase_add_test(c, wrong_input);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
