/* gm_custom: ops from callbacks, their gradients of both orders, views and shared inputs, wrong answers. */
#include "ops/ops.h"
#include <check.h>
#include <gm/gm.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static gm_ctx *ctx;
static gm_tape *t;
static gm_tensor *x, *y;

static gm_tensor *leaf(int64_t a, int64_t b, double from)
{
    gm_tensor *z = NULL;
    int64_t shape[2] = {a, b};
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F64, 2, shape, &z), GM_OK);
    for (int64_t e = 0; e < z->size; e++) gm__f64(z)[e] = from + 0.37 * (double)e;
    gm_tensor_set_grad(z, 1);
    return z;
}
static void setup(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 1, &t), GM_OK);
    x = leaf(2, 3, -1);
    y = leaf(3, 2, 0.5);
}
static void teardown(void)
{
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_tape_free(t);
    gm_ctx_free(ctx);
}

/* ---- x^2 y, elementwise ------------------------------------------------------------------ */

static int32_t product(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out)
{
    const double *a = gm_tensor_data(in[0]), *b = gm_tensor_data(in[1]);
    double *o = gm_tensor_data(out);
    (void)user;
    ck_assert_int_eq(n, 2);
    for (int64_t i = 0; i < gm_tensor_size(out); i++) o[i] = a[i] * a[i] * b[i];
    return 0;
}
static int32_t product_back(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, gm_tensor *const *gin)
{
    const double *a = gm_tensor_data(in[0]), *b = gm_tensor_data(in[1]), *g = gm_tensor_data(gout);
    (void)n;
    (void)out;
    ++*(int *)user;
    for (int64_t i = 0; i < gm_tensor_size(gout); i++) {
        if (gin[0]) ((double *)gm_tensor_data(gin[0]))[i] = 2 * a[i] * b[i] * g[i];
        if (gin[1]) ((double *)gm_tensor_data(gin[1]))[i] = a[i] * a[i] * g[i];
    }
    return 0;
}
static int32_t product_vjp(void *user, gm_tape *tape, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, const int32_t *want, gm_tensor **gin)
{
    (void)user;
    (void)n;
    (void)out;
    if (want[0]) gin[0] = gm_mul(tape, gout, gm_affine(tape, gm_mul(tape, in[0], in[1]), 2, 0));
    if (want[1]) gin[1] = gm_mul(tape, gout, gm_square(tape, in[0]));
    return 0;
}

static int backs; /* calls of product_back */
static gm_custom_op op_of(bool backward, bool vjp)
{
    gm_custom_op op;
    gm_custom_op_init(&op, sizeof op);
    op.name = "square_times";
    op.user = &backs;
    op.forward = product;
    if (backward) op.backward = product_back;
    if (vjp) op.vjp = product_vjp;
    return op;
}
/* with a transposed view, and the same tensor as both inputs */
static gm_tensor *expression(gm_tape *tape, gm_tensor *const *in, int32_t n, void *user)
{
    gm_tensor *both[2] = {in[0], gm_transpose(tape, in[1], 0, 1)}, *twice[2];
    (void)n;
    twice[0] = twice[1] = gm_custom(tape, user, both, 2);
    return gm_sum(tape, gm_sin(tape, gm_custom(tape, user, twice, 2)), GM_ALL_AXES, 0);
}

START_TEST(gradients)
{
    gm_tensor *in[2] = {x, y};
    double error;
    gm_custom_op op = op_of(true, false);
    ck_assert_msg(!gm_gradcheck(ctx, expression, &op, in, 2, 1, &error), "%s", gm_ctx_message(ctx));
    ck_assert_msg(error < 1e-7, "off by %g", error);
    ck_assert_int_gt(backs, 0);
    ck_assert_int_eq(gm_gradcheck(ctx, expression, &op, in, 2, 2, &error), GM_EUNSUPPORTED);
    ck_assert_str_eq(gm_ctx_message(ctx), "square_times: has no second gradient");
    for (int both = 0; both < 2; both++) {
        op = op_of(both, true);
        ck_assert_msg(!gm_gradcheck(ctx, expression, &op, in, 2, 2, &error), "%s", gm_ctx_message(ctx));
        ck_assert_msg(error < 1e-7, "off by %g", error);
    }
    op = op_of(true, false);
    backs = 0;
    gm_tensor *z = expression(t, in, 2, &op);
    ck_assert_msg(!gm_tape_backward(t, z), "%s", gm_tape_message(t));
    ck_assert_int_eq(backs, 2);
    gm_tensor *other = NULL;
    gm_tape_reset(t);
    gm_tensor_set_grad(y, 0); /* not wanted: not asked for */
    gm_tensor *in2[2] = {x, gm_transpose(t, y, 0, 1)};
    ck_assert_int_eq(gm_tape_grad(t, gm_custom(t, &op, in2, 2), &x, 1, 0, &other), GM_OK);
    for (int i = 0; i < 6; i++) ck_assert_double_eq_tol(gm__f64(other)[i], 2 * gm__f64(x)[i] * gm__f64(y)[i % 3 * 2 + i / 3], 1e-14);
}
END_TEST

static int32_t no_factor(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, gm_tensor *const *gin)
{
    (void)user;
    (void)n;
    (void)out;
    for (int64_t i = 0; i < gm_tensor_size(gout); i++) ((double *)gm_tensor_data(gin[0]))[i] = ((double *)gm_tensor_data(in[0]))[i] * ((double *)gm_tensor_data(gout))[i];
    return 0;
}
START_TEST(a_wrong_gradient_is_seen)
{
    gm_tensor *in[2] = {x, y};
    double error = 0;
    gm_custom_op op = op_of(false, false);
    op.backward = no_factor;
    ck_assert_msg(!gm_gradcheck(ctx, expression, &op, in, 2, 1, &error), "%s", gm_ctx_message(ctx));
    ck_assert_msg(error > 0.01, "off by only %g", error);
}
END_TEST

/* ---- another shape and type: how many elements of each row are positive ------------------------- */

static int32_t count_shape(void *user, gm_tensor *const *in, int32_t n, int32_t *dtype, int32_t *ndim, int64_t *shape)
{
    (void)user;
    (void)n;
    ck_assert_int_eq(*dtype, GM_F64);
    ck_assert_int_eq(*ndim, 2);
    ck_assert_int_eq(shape[1], gm_tensor_dim(in[0], 1));
    *dtype = GM_I64;
    *ndim = 1;
    return 0;
}
static int32_t count(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out)
{
    const double *a = gm_tensor_data(in[0]);
    int64_t *o = gm_tensor_data(out), cols = gm_tensor_dim(in[0], 1);
    (void)user;
    (void)n;
    for (int64_t i = 0; i < gm_tensor_dim(out, 0); i++) {
        o[i] = 0;
        for (int64_t k = 0; k < cols; k++) o[i] += a[i * cols + k] > 0;
    }
    return 0;
}
START_TEST(other_shape_and_type)
{
    gm_custom_op op;
    double v;
    gm_custom_op_init(&op, sizeof op);
    op.infer = count_shape;
    op.forward = count;
    gm_tensor *z = gm_custom(t, &op, &x, 1);
    ck_assert_msg(z != NULL, "%s", gm_tape_message(t));
    ck_assert(gm_tensor_dtype(z) == GM_I64 && gm_tensor_ndim(z) == 1 && gm_tensor_size(z) == 2);
    ck_assert_int_eq(gm_tensor_item(gm_slice(t, z, 0, 1, 2, 1), &v), GM_OK);
    ck_assert(v == 3);
}
END_TEST

/* ---- wrong answers --------------------------------------------------------------------------------- */

static int32_t code;
static int32_t fails(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out)
{
    (void)user;
    (void)in;
    (void)n;
    (void)out;
    return code;
}
static int32_t fails_back(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, gm_tensor *const *gin)
{
    (void)user;
    (void)in;
    (void)n;
    (void)out;
    (void)gout;
    (void)gin;
    return code;
}
static int what;
static int32_t bad_shape(void *user, gm_tensor *const *in, int32_t n, int32_t *dtype, int32_t *ndim, int64_t *shape)
{
    (void)user;
    (void)in;
    (void)n;
    if (what == 0) *dtype = 17;
    if (what == 1) *ndim = 9;
    if (what == 2) shape[0] = -1;
    if (what == 3) return -5;
    return 0;
}
static int32_t bad_vjp(void *user, gm_tape *tape, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, const int32_t *want, gm_tensor **gin)
{
    (void)user;
    (void)n;
    (void)out;
    (void)want;
    if (what == 0) gin[0] = gm_sum(tape, gout, 0, 0);
    if (what == 1) gin[0] = gm_reshape(tape, in[0], 1, (int64_t[]){5});
    return 0;
}
static void refused(gm_status s, const char *message)
{
    ck_assert_msg(gm_tape_status(t) == s, "%s: %s", gm_status_name(gm_tape_status(t)), gm_tape_message(t));
    ck_assert_str_eq(gm_tape_message(t), message);
    gm_tape_reset(t);
}
START_TEST(wrong_answers)
{
    gm_tensor *in[2] = {x, x};
    gm_custom_op op = op_of(false, false);
    op.forward = fails;
    code = 3;
    ck_assert_ptr_null(gm_custom(t, &op, in, 2));
    refused(GM_ESTATE, "square_times: forward returned 3");
    code = GM_ECANCELED;
    ck_assert_ptr_null(gm_custom(t, &op, in, 2));
    refused(GM_ECANCELED, "square_times: forward returned 12");
    op = op_of(false, false);
    op.infer = bad_shape;
    static const char *const message[] = {"square_times: infer gave type number 17", "square_times: 9 dimensions; 0 to 8 are possible",
                                          "square_times: negative size in shape [-1,3]", "square_times: infer returned -5"};
    static const gm_status status[] = {GM_EDTYPE, GM_ESHAPE, GM_ESHAPE, GM_ESTATE};
    for (what = 0; what < 4; what++) {
        ck_assert_ptr_null(gm_custom(t, &op, in, 2));
        refused(status[what], message[what]);
    }
    op = op_of(false, false);
    op.backward = fails_back;
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_custom(t, &op, in, 2), GM_ALL_AXES, 0)), GM_ECANCELED);
    refused(GM_ECANCELED, "square_times: backward returned 12");
    op = op_of(false, false);
    op.vjp = bad_vjp;
    static const char *const wrong[] = {"square_times: vjp gave f64 [3] for input 0, which is f64 [2,3]", "reshape: [2,3] does not fit [5]"};
    for (what = 0; what < 2; what++) {
        ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_custom(t, &op, in, 2), GM_ALL_AXES, 0)), GM_ESHAPE);
        refused(GM_ESHAPE, wrong[what]);
    }
    op = op_of(false, false);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_custom(t, &op, in, 2), GM_ALL_AXES, 0)), GM_EUNSUPPORTED);
    refused(GM_EUNSUPPORTED, "square_times: has no gradient");
    gm_custom_op_init(&op, sizeof op);
    gm_custom(t, &op, in, 2);
    refused(GM_EARG, "custom: no forward");
    op.forward = fails;
    gm_custom(t, &op, NULL, 2);
    refused(GM_EARG, "custom: 2 inputs, or inputs is NULL");
    gm_custom(t, &op, in, 0);
    refused(GM_EARG, "custom: 0 inputs, or inputs is NULL");
    gm_custom(t, &op, (gm_tensor *[]){x, NULL}, 2);
    refused(GM_EARG, "custom: input 1 is NULL");
    gm_custom(t, NULL, in, 2);
    refused(GM_EARG, "custom: op is NULL or was not made by gm_custom_op_init");
    gm_custom_op_init(NULL, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {gradients, a_wrong_gradient_is_seen, other_shape_and_type, wrong_answers};
    Suite *s = suite_create("custom");
    TCase *c = tcase_create("custom");
    tcase_add_checked_fixture(c, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
