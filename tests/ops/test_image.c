/* test_image.c - image ops as the public functions give them: adjoints, closed forms, PyTorch's values, NaN, sizes that threads share, bad arguments. */
#include "ops/window.h"
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static gm_ctx *ctx;
static gm_tape *t;
static void setup(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 0, &t), GM_OK);
}
static void teardown(void)
{
    gm_tape_free(t);
    gm_ctx_free(ctx);
}
#define HAVE(handle) ck_assert_msg((handle) != NULL, "%s", gm_tape_message(t))
#define PAIR(a, b) ((const int64_t[]){a, b})

/* owned; numbers without a pattern in (-2, 2), each of its own */
static gm_tensor *image_on(gm_ctx *c, int dtype, int64_t n, int64_t ch, int64_t h, int64_t w, double salt)
{
    const int64_t shape[] = {n, ch, h, w};
    gm_tensor *x = NULL;
    int64_t size = n * ch * h * w;
    char *v = malloc((size_t)(size + 1) * 8);
    for (int64_t i = 0; i < size; i++) gm__store(dtype == GM_F64, v + i * (dtype == GM_F64 ? 8 : 4), 2 * sin(1.7 * (double)i + salt + 1e-4 * (double)(i * i % 1013)));
    ck_assert_int_eq(gm_tensor_copy(c, dtype, 4, shape, v, &x), GM_OK);
    ck_assert_int_eq(gm_tensor_set_grad(x, 1), GM_OK);
    free(v);
    return x;
}
static gm_tensor *image(int64_t n, int64_t ch, int64_t h, int64_t w, double salt) { return image_on(ctx, GM_F64, n, ch, h, w, salt); }

static double *values(const gm_tensor *x)
{
    double *v = malloc((size_t)(x->size + 1) * sizeof *v);
    ck_assert_int_eq(gm_tensor_read(x, v, (size_t)x->size * sizeof *v), GM_OK);
    return v;
}
static void expect(const gm_tensor *x, int64_t n, const double *want, double tol)
{
    HAVE(x);
    ck_assert_int_eq(x->size, n);
    double *v = values(x);
    for (int64_t i = 0; i < n; i++) ck_assert_msg(fabs(v[i] - want[i]) <= tol, "%lld: %.17g, %.17g expected", (long long)i, v[i], want[i]);
    free(v);
}
static void same(const gm_tensor *a, const gm_tensor *b, double tol)
{
    HAVE(b);
    ck_assert(gm__shape_equal(a, b));
    double *v = values(b);
    expect(a, b->size, v, tol);
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

/* ---- adjoints: <A x, y> = <x, A' y>, A' the gradient, which does not depend on x ------------------- */

typedef gm_tensor *linear_op(gm_tensor *x);
static gm_tensor *avg(gm_tensor *x) { return gm_avg_pool2d(t, x, PAIR(3, 2), PAIR(2, 1), PAIR(1, 1), 1); }
static gm_tensor *avg_inside(gm_tensor *x) { return gm_avg_pool2d(t, x, PAIR(3, 2), PAIR(2, 1), PAIR(1, 1), 0); }
static gm_tensor *adaptive(gm_tensor *x) { return gm_adaptive_avg_pool2d(t, x, 3, 4); }
static gm_tensor *global(gm_tensor *x) { return gm_global_avg_pool(t, x); }
static gm_tensor *nearest(gm_tensor *x) { return gm_upsample2d(t, x, 11, 4, GM_NEAREST); }
static gm_tensor *bilinear(gm_tensor *x) { return gm_upsample2d(t, x, 13, 3, GM_BILINEAR); }
static gm_tensor *bicubic(gm_tensor *x) { return gm_upsample2d(t, x, 5, 17, GM_BICUBIC); }
static gm_tensor *down(gm_tensor *x) { return gm_pyramid_down(t, x); }
static gm_tensor *up(gm_tensor *x) { return gm_pyramid_up(t, x, 2 * x->shape[2] - 1, 2 * x->shape[3]); }
static gm_tensor *shuffle(gm_tensor *x) { return gm_pixel_shuffle(t, x, 2); }
static gm_tensor *unshuffle(gm_tensor *x) { return gm_pixel_unshuffle(t, x, 2); }

static void check_adjoint(linear_op *op, int64_t ch, int64_t h, int64_t w)
{
    gm_tensor *x = image(2, ch, h, w, 0), *z = image(2, ch, h, w, 3), *gx, *gz;
    gm_tensor *ax = op(x);
    HAVE(ax);
    gm_tensor *y = gm_detach(t, gm_cos(t, gm__scale(t, ax, 7)));
    ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_mul(t, ax, y), GM_ALL_AXES, 0), &x, 1, 0, &gx), GM_OK);
    ck_assert_double_eq_tol(dot(ax, y), dot(x, gx), 1e-11);
    ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_mul(t, op(z), y), GM_ALL_AXES, 0), &z, 1, 0, &gz), GM_OK);
    same(gx, gz, 1e-13);
    same(op(gm_add(t, x, gm__scale(t, z, -3))), gm_add(t, ax, gm__scale(t, op(z), -3)), 1e-12);
    gm_tensor_free(x);
    gm_tensor_free(z);
}

START_TEST(adjoints)
{
    linear_op *const ops[] = {avg, avg_inside, adaptive, global, nearest, bilinear, bicubic, down, up};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        check_adjoint(ops[i], 3, 7, 6);
        check_adjoint(ops[i], 17, 4, 9);
        check_adjoint(ops[i], 1, 5, 5);
    }
    check_adjoint(shuffle, 8, 3, 5);
    check_adjoint(unshuffle, 3, 6, 4);
}
END_TEST

/* ---- values -------------------------------------------------------------------------------------- */

START_TEST(keeps_constants)
{
    linear_op *const ops[] = {avg_inside, adaptive, global, nearest, bilinear, bicubic, down, up};
    for (int64_t h = 2; h < 9; h++)
        for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
            gm_tensor *y = ops[i](gm_full(t, GM_F64, 4, (int64_t[]){1, 2, h, 11 - h}, 3));
            HAVE(y);
            double *v = values(y);
            for (int64_t e = 0; e < y->size; e++) ck_assert_double_eq_tol(v[e], 3, 1e-12);
            free(v);
        }
}
END_TEST

/* one row of four: values of PyTorch's interpolate, and of the filters by hand */
START_TEST(known_rows)
{
    const double x4[] = {1, 2, 4, 8};
    gm_tensor *x = NULL;
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F64, 4, (int64_t[]){1, 1, 1, 4}, x4, &x), GM_OK);
    expect(gm_upsample2d(t, x, 1, 8, GM_NEAREST), 8, (double[]){1, 1, 2, 2, 4, 4, 8, 8}, 0);
    expect(gm_upsample2d(t, x, 1, 8, GM_BILINEAR), 8, (double[]){1, 1.25, 1.75, 2.5, 3.5, 5, 7, 8}, 1e-15);
    expect(gm_upsample2d(t, x, 1, 8, GM_BICUBIC), 8,
           (double[]){0.89453125, 1.15625, 1.5625, 2.41796875, 3.16015625, 5.1171875, 7.1640625, 8.421875}, 1e-12);
    expect(gm_pyramid_down(t, x), 2, (double[]){(6 + 8 * 2 + 2 * 4) / 16.0, (1 + 4 * 2 + 6 * 4 + 4 * 8 + 4) / 16.0}, 1e-15);
    expect(gm_pyramid_up(t, x, 1, 8), 8, (double[]){1.25, 1.5, (1 + 12 + 4) / 8.0, 3, (2 + 24 + 8) / 8.0, 6, (4 + 7 * 8) / 8.0, 8}, 1e-15);
    expect(gm_pyramid_up(t, x, 1, 7), 7, (double[]){1.25, 1.5, (1 + 12 + 4) / 8.0, 3, (2 + 24 + 8) / 8.0, 6, (2 * 4 + 6 * 8) / 8.0}, 1e-15);
    expect(gm_max_pool2d(t, x, PAIR(1, 3), PAIR(1, 2), PAIR(0, 1)), 2, (double[]){2, 8}, 0);
    expect(gm_avg_pool2d(t, x, PAIR(1, 3), PAIR(1, 2), PAIR(0, 1), 1), 2, (double[]){1, 14 / 3.0}, 1e-15);
    expect(gm_avg_pool2d(t, x, PAIR(1, 3), PAIR(1, 2), PAIR(0, 1), 0), 2, (double[]){1.5, 14 / 3.0}, 1e-15);
    expect(gm_adaptive_avg_pool2d(t, x, 1, 3), 3, (double[]){1.5, 3, 6}, 1e-15);
    expect(gm_rms_norm(t, x, NULL, 0), 4, (double[]){1 / sqrt(21.25), 2 / sqrt(21.25), 4 / sqrt(21.25), 8 / sqrt(21.25)}, 1e-15);
    gm_tensor *s = gm_reshape(t, x, 3, (int64_t[]){1, 1, 4});
    expect(gm_max_pool1d(t, s, 2, 0, 0), 2, (double[]){2, 8}, 0);
    expect(gm_avg_pool1d(t, s, 2, 1, 1, 1), 5, (double[]){0.5, 1.5, 3, 6, 4}, 1e-15);
    expect(gm_upsample_nearest(t, s, 2), 8, (double[]){1, 1, 2, 2, 4, 4, 8, 8}, 0);
    expect(gm_upsample1d(t, s, 2, GM_BILINEAR), 2, (double[]){1.5, 6}, 1e-15);
    gm_tensor_free(x);
}
END_TEST

START_TEST(shuffles_as_said)
{
    gm_tensor *x = image(2, 12, 3, 5, 0), *y = gm_pixel_shuffle(t, x, 2);
    HAVE(y);
    double *u = values(x), *v = values(y);
    for (int n = 0; n < 2; n++)
        for (int c = 0; c < 3; c++)
            for (int h = 0; h < 6; h++)
                for (int w = 0; w < 10; w++)
                    ck_assert(v[((n * 3 + c) * 6 + h) * 10 + w] <= u[((n * 12 + (c * 2 + h % 2) * 2 + w % 2) * 3 + h / 2) * 5 + w / 2] &&
                              v[((n * 3 + c) * 6 + h) * 10 + w] >= u[((n * 12 + (c * 2 + h % 2) * 2 + w % 2) * 3 + h / 2) * 5 + w / 2]);
    same(gm_pixel_unshuffle(t, y, 2), x, 0);
    free(u);
    free(v);
    gm_tensor_free(x);
}
END_TEST

/* NaN is the largest and stays; of equal values the first gets the gradient */
START_TEST(maxima_of_nan_and_ties)
{
    const double v[] = {1, NAN, 5, 5, 3, INFINITY, 5, 2, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
    gm_tensor *x = NULL, *g;
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F64, 4, (int64_t[]){1, 1, 1, 12}, v, &x), GM_OK);
    ck_assert_int_eq(gm_tensor_set_grad(x, 1), GM_OK);
    gm_tensor *y = gm_max_pool2d(t, x, PAIR(1, 4), NULL, NULL);
    HAVE(y);
    double *u = values(y);
    ck_assert(isnan(u[0]) && isinf(u[1]) && u[1] > 0 && isinf(u[2]) && u[2] < 0);
    free(u);
    y = gm_max_pool2d(t, x, PAIR(1, 2), NULL, NULL);
    ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, y, GM_ALL_AXES, 0), &x, 1, 0, &g), GM_OK);
    expect(g, 12, (double[]){0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 1, 0}, 0);
    gm_tensor_free(x);
}
END_TEST

/* norms: each image and group has mean 0 and variance 1; a group is what layer norm sees */
START_TEST(norms_by_groups)
{
    gm_tensor *x = image(3, 6, 5, 7, 1);
    const int64_t flat[] = {3, 2, 105};
    gm_tensor *y = gm_group_norm(t, x, 2, NULL, NULL, 1e-5), *rows = gm_layer_norm(t, gm_reshape(t, x, 3, flat), NULL, NULL, 1e-5);
    HAVE(y);
    same(gm_reshape(t, y, 3, flat), rows, 1e-13);
    const int64_t each[] = {3, 6, 35};
    same(gm_reshape(t, gm_instance_norm(t, x, NULL, NULL, 1e-5), 3, each), gm_layer_norm(t, gm_reshape(t, x, 3, each), NULL, NULL, 1e-5), 1e-13);
    same(gm_group_norm(t, gm_reshape(t, x, 2, (int64_t[]){9, 70}), 10, NULL, NULL, 1e-5), /* [N, C] */
         gm_reshape(t, gm_layer_norm(t, gm_reshape(t, x, 2, (int64_t[]){90, 7}), NULL, NULL, 1e-5), 2, (int64_t[]){9, 70}), 1e-13);
    gm_tensor_free(x);
}
END_TEST

/* a mean a thousand times the deviation costs f32 no more than its rounding of x */
START_TEST(norms_far_from_zero)
{
    gm_tensor *x = image_on(ctx, GM_F32, 2, 20, 33, 31, 0);
    gm_tensor *far = gm_affine(t, x, 1, 2000), *y = gm_instance_norm(t, far, NULL, NULL, 1e-5);
    gm_tensor *want = gm_instance_norm(t, gm_affine(t, gm_cast(t, far, GM_F64), 1, -2000), NULL, NULL, 1e-5);
    same(gm_cast(t, y, GM_F64), want, 1e-3);
    gm_tensor_free(x);
}
END_TEST

/* ---- sizes that threads share ----------------------------------------------------------------------- */

static gm_tensor *of_all(gm_tape *tape, gm_tensor *x, int k)
{
    switch (k) {
    case 0: return gm_max_pool2d(tape, x, PAIR(3, 3), PAIR(2, 2), PAIR(1, 1));
    case 1: return gm_avg_pool2d(tape, x, PAIR(2, 2), NULL, NULL, 1);
    case 2: return gm_upsample2d(tape, x, 41, 50, GM_BICUBIC);
    case 3: return gm_group_norm(tape, x, 4, NULL, NULL, 1e-5);
    case 4: return gm_instance_norm(tape, x, NULL, NULL, 1e-5);
    case 5: return gm_batch_norm(tape, x, NULL, NULL, NULL, NULL, 1e-5);
    case 6: return gm_rms_norm(tape, x, NULL, 1e-5);
    case 7: return gm_global_avg_pool(tape, x);
    default: return NULL;
    }
}

/* results and gradients in row-major order; the count of them */
static size_t run_all(int threads, int k, float *out)
{
    gm_ctx_config c;
    gm_ctx *own = NULL;
    gm_tape *tape = NULL;
    gm_tensor *g;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads;
    ck_assert_int_eq(gm_ctx_new(&c, &own), GM_OK);
    ck_assert_int_eq(gm_tape_new(own, 0, &tape), GM_OK);
    gm_tape_training(tape, 1);
    gm_tensor *x = image_on(own, GM_F32, 3, 36, 37, 35, 0), *y = of_all(tape, gm__from_last(tape, gm__to_last(tape, x)), k);
    ck_assert_msg(y != NULL, "%s", gm_tape_message(tape));
    ck_assert_int_eq(gm_tape_grad(tape, gm_sum(tape, gm_mul(tape, y, gm_detach(tape, gm_sin(tape, y))), GM_ALL_AXES, 0), &x, 1, 0, &g), GM_OK);
    ck_assert_int_eq(gm_tensor_read(y, out, (size_t)y->size * sizeof *out), GM_OK);
    ck_assert_int_eq(gm_tensor_read(g, out + y->size, (size_t)g->size * sizeof *out), GM_OK);
    size_t n = (size_t)(y->size + g->size);
    gm_tensor_free(x);
    gm_tape_free(tape);
    gm_ctx_free(own);
    return n;
}
START_TEST(threads_do_not_matter)
{
    float *a = malloc(1000000 * sizeof *a), *b = malloc(1000000 * sizeof *b);
    for (int k = 0; k < 8; k++) {
        size_t n = run_all(1, k, a);
        ck_assert_uint_le(n, 1000000);
        ck_assert_uint_eq(run_all(3, k, b), n);
        ck_assert_msg(memcmp(a, b, n * sizeof *a) == 0, "%d", k);
    }
    free(a);
    free(b);
}
END_TEST

/* batch norm of many pixels, in both orders of memory */
START_TEST(batch_norm_of_many_rows)
{
    gm_tensor *x = image(3, 20, 23, 27, 0), *gp, *gl;
    gm_tape_training(t, 1);
    gm_tensor *plain = gm_batch_norm(t, x, NULL, NULL, NULL, NULL, 1e-5), *last = gm_batch_norm(t, gm__from_last(t, gm__to_last(t, x)), NULL, NULL, NULL, NULL, 1e-5);
    same(last, plain, 1e-12);
    gm_tensor *w = gm_detach(t, gm_sin(t, gm__scale(t, plain, 3)));
    ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_mul(t, plain, w), GM_ALL_AXES, 0), &x, 1, 0, &gp), GM_OK);
    ck_assert_int_eq(gm_tape_grad(t, gm_sum(t, gm_mul(t, last, w), GM_ALL_AXES, 0), &x, 1, 0, &gl), GM_OK);
    same(gl, gp, 1e-12);
    gm_tensor_free(x);
}
END_TEST

/* ---- bad arguments ------------------------------------------------------------------------------------ */

static void fails(gm_tensor *y, gm_status status, const char *message)
{
    ck_assert_ptr_null(y);
    ck_assert_int_eq(gm_tape_status(t), status);
    ck_assert_msg(!strcmp(gm_tape_message(t), message), "%s", gm_tape_message(t));
    gm_tape_reset(t);
}

START_TEST(bad_arguments)
{
    gm_tensor *x = image(2, 3, 4, 5, 0), *s = NULL, *none = NULL, *k = NULL;
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F64, 3, (int64_t[]){1, 1, 3}, (double[]){1, 2, 3}, &s), GM_OK);
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_I64, 4, (int64_t[]){1, 1, 1, 2}, (int64_t[]){1, 2}, &k), GM_OK);
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F64, 4, (int64_t[]){2, 3, 0, 5}, &none), GM_OK);
    fails(gm_max_pool2d(t, NULL, PAIR(2, 2), NULL, NULL), GM_EARG, "max_pool2d: x is no tensor");
    fails(gm_max_pool2d(t, s, PAIR(2, 2), NULL, NULL), GM_ESHAPE, "max_pool2d: x [N, C, H, W] wanted, got [1,1,3]");
    fails(gm_max_pool1d(t, x, 2, 0, 0), GM_ESHAPE, "max_pool1d: x [N, C, L] wanted, got [2,3,4,5]");
    fails(gm_max_pool2d(t, x, NULL, NULL, NULL), GM_EARG, "max_pool2d: k is NULL");
    fails(gm_max_pool2d(t, x, PAIR(0, 2), NULL, NULL), GM_EARG, "max_pool2d: first axis: window 0, stride 0: 1 or more wanted");
    fails(gm_max_pool2d(t, x, PAIR(2, 2), PAIR(1, -1), NULL), GM_EARG, "max_pool2d: last axis: window 2, stride -1: 1 or more wanted");
    fails(gm_avg_pool2d(t, x, PAIR(2, 2), NULL, PAIR(0, 2), 1), GM_EARG, "avg_pool2d: last axis: padding 2 is not in [0,1], half the window");
    fails(gm_avg_pool2d(t, x, PAIR(5, 2), NULL, NULL, 1), GM_ESHAPE, "avg_pool2d: first axis: a window of 5 does not fit 4 places with padding 0");
    fails(gm_max_pool2d(t, none, PAIR(1, 1), NULL, NULL), GM_ESHAPE, "max_pool2d: first axis: a window of 1 does not fit 0 places with padding 0");
    fails(gm_max_pool2d(t, k, PAIR(1, 1), NULL, NULL), GM_EDTYPE, "max_pool: x is i64, f32 or f64 wanted");
    fails(gm_avg_pool2d(t, k, PAIR(1, 1), NULL, NULL, 1), GM_EDTYPE, "resample: input 0 is i64, f32 or f64 wanted");
    fails(gm_adaptive_avg_pool2d(t, x, 0, 1), GM_EARG, "adaptive_avg_pool2d: size 0: 1 or more wanted");
    fails(gm_adaptive_max_pool2d(t, none, 1, 1), GM_ESHAPE, "adaptive_max_pool2d: x has no pixels");
    fails(gm_global_avg_pool(t, none), GM_ESHAPE, "global_avg_pool: x [2,3,0,5] has no pixels");
    fails(gm_upsample2d(t, x, 8, 8, 3), GM_EARG, "upsample2d: mode 3 is none of GM_NEAREST, GM_BILINEAR, GM_BICUBIC");
    fails(gm_upsample2d(t, x, 8, INT64_MAX, GM_NEAREST), GM_EARG, "upsample2d: size 9223372036854775807: 1 or more wanted");
    fails(gm_upsample_nearest(t, x, 0), GM_EARG, "upsample_nearest: factor 0: 1 or more wanted");
    fails(gm_pyramid_down(t, none), GM_ESHAPE, "pyramid_down: x has no pixels");
    fails(gm_pyramid_up(t, x, 8, 11), GM_ESHAPE, "pyramid_up: 5 places become 9 or 10, not 11");
    fails(gm_pixel_shuffle(t, x, 2), GM_ESHAPE, "pixel_shuffle: 3 channels of [2,4,5,3] are not a multiple of 2 x 2");
    fails(gm_pixel_unshuffle(t, x, 2), GM_ESHAPE, "pixel_unshuffle: 4 x 5 pixels do not fall into squares of 2");
    fails(gm_pixel_unshuffle(t, x, 0), GM_ESHAPE, "pixel_unshuffle: 4 x 5 pixels do not fall into squares of 0");
    fails(gm_group_norm(t, x, 2, NULL, NULL, 1e-5), GM_ESHAPE, "group_norm: 2 groups do not divide 3 channels");
    fails(gm_group_norm(t, x, 0, NULL, NULL, 1e-5), GM_ESHAPE, "group_norm: 0 groups do not divide 3 channels");
    fails(gm_group_norm(t, x, 3, s, NULL, 1e-5), GM_ESHAPE, "group_norm: w [1,1,3] does not fit x [2,20,3]");
    fails(gm_instance_norm(t, gm_reshape(t, s, 2, (int64_t[]){1, 3}), NULL, NULL, 1e-5), GM_ESHAPE, "instance_norm: x [N, C, ..] wanted, got [1,3]");
    fails(gm_rms_norm(t, x, s, 1e-5), GM_ESHAPE, "rms_norm: w [1,1,3] does not fit x [2,3,4,5]");
    gm_tensor_free(x);
    gm_tensor_free(s);
    gm_tensor_free(k);
    gm_tensor_free(none);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {adjoints, keeps_constants, known_rows, shuffles_as_said, maxima_of_nan_and_ties, norms_by_groups, norms_far_from_zero,
                                  threads_do_not_matter, batch_norm_of_many_rows, bad_arguments};
    Suite *s = suite_create("image");
    TCase *c = tcase_create("image");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
