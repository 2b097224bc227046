/* Products of zeros and ones and draws from them beside the ops they are made of. */
#include "ops/samples.h"

static gm_ctx *ctx;
static gm_tape *t;

static void setup(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 5, &t), GM_OK);
}
static void teardown(void)
{
    gm_tape_free(t);
    gm_ctx_free(ctx);
}
#define SHAPE(...) (const int64_t[]){__VA_ARGS__}
enum { N = 37, IN = 45, OUT = 52 };

static gm_tensor *leaf(int64_t rows, int64_t columns, double scale)
{
    gm_tensor *x = NULL;
    ck_assert_int_eq(gm_tensor_new(ctx, GM_F32, 2, SHAPE(rows, columns), &x), GM_OK);
    for (int64_t i = 0; i < x->size; i++) gm__f32(x)[i] = (float)(scale * sin(1.7 * (double)i + 0.3));
    ck_assert_int_eq(gm_tensor_set_grad(x, 1), GM_OK);
    return x;
}
/* zeros and ones; grey: with one number in between */
static gm_tensor *states(bool grey)
{
    gm_tensor *x = gm_bernoulli(t, gm_full(t, GM_F32, 2, SHAPE(N, IN), 0.4));
    ck_assert_ptr_nonnull(x);
    if (grey) gm__f32(x)[100] = 0.25f;
    return x;
}

/* Draws equal those of the logits, by row and not: OUT is a multiple of 4. A draw would differ where a uniform falls between two
 * roundings of its probability; with these seeds none does. */
START_TEST(draws)
{
    uint64_t rows[N];
    gm_tensor *w = leaf(IN, OUT, 0.5), *v = leaf(OUT, IN, 0.5), *b = gm_full(t, GM_F32, 1, SHAPE(OUT), -0.2);
    for (int i = 0; i < N; i++) rows[i] = (uint64_t)(1000 + 7 * i);
    if (_i & 1) gm__tape_rows(t, 9, GM__R_FIT, 3, rows, N);
    gm_tensor *x = states(_i & 2);
    const bool straight = _i & 4;
    gm__draws at = gm__draws_of(t);
    gm_tensor *y = gm__bernoulli_linear(t, x, straight ? w : v, b, straight, 0.5);
    gm__draws_set(t, &at);
    gm_tensor *in = straight ? gm_add(t, gm_matmul(t, x, w), b) : gm_linear(t, x, v, b);
    gm_tensor *z = gm_bernoulli_logits(t, gm_affine(t, in, 0.5, 0));
    ck_assert_msg(y && z, "%s", gm_tape_message(t));
    int on = 0;
    for (int64_t i = 0; i < y->size; i++) {
        on += gm__f32(y)[i] > 0;
        ck_assert_msg(gm__f32(y)[i] == gm__f32(z)[i], "element %lld", (long long)i);
    }
    ck_assert_int_gt(on, 100);
    ck_assert_int_lt(on, N * OUT - 100);
    gm_tensor_free(w);
    gm_tensor_free(v);
}
END_TEST

/* A row alone draws what it draws in a batch. */
START_TEST(rows_alone)
{
    uint64_t rows[N];
    float kept[N * 7];
    gm_tensor *w = leaf(IN, 7, 0.5), *x = states(false);
    for (int i = 0; i < N; i++) rows[i] = (uint64_t)i;
    gm__tape_rows(t, 9, GM__R_SAMPLE, 0, rows, N);
    gm__draws at = gm__draws_of(t);
    gm_tensor *y = gm__bernoulli_linear(t, x, w, NULL, true, 1);
    ck_assert_ptr_nonnull(y);
    memcpy(kept, gm__f32(y), sizeof kept);
    for (int i = 0; i < N; i += 5) {
        gm__draws_set(t, &at);
        gm__tape_rows(t, 9, GM__R_SAMPLE, 0, rows + i, 1);
        y = gm__bernoulli_linear(t, gm_slice(t, x, 0, i, i + 1, 1), w, NULL, true, 1);
        ck_assert(y && !memcmp(kept + 7 * i, gm__f32(y), 7 * sizeof(float)));
    }
    gm_tensor_free(w);
}
END_TEST

/* Value and gradients are those of the ops that multiply, also added to gradients that are there. */
START_TEST(gradients)
{
    gm_tensor *w = leaf(IN, OUT, 0.5), *u = leaf(IN, OUT, 0.5), *b = leaf(1, OUT, 1), *c = leaf(1, OUT, 1), *y, *z;
    for (int round = 0; round < 2; round++) {
        gm_tensor *x = states(_i), *g = gm_detach(t, gm_sin(t, gm_matmul(t, x, w)));
        y = gm__binary_linear(t, x, w, gm_reshape(t, b, 1, SHAPE(OUT)), true);
        z = gm_add(t, gm_matmul(t, x, u), c);
        ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_mul(t, y, g), GM_ALL_AXES, 0)), GM_OK);
        ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_mul(t, z, g), GM_ALL_AXES, 0)), GM_OK);
        for (int64_t i = 0; i < y->size; i++) ck_assert_float_eq_tol(gm__f32(y)[i], gm__f32(z)[i], 1e-5f);
        for (int64_t i = 0; i < w->size; i++) ck_assert_float_eq_tol(gm__f32(gm_tensor_grad(w))[i], gm__f32(gm_tensor_grad(u))[i], 1e-5f);
        for (int64_t i = 0; i < b->size; i++) ck_assert_float_eq_tol(gm__f32(gm_tensor_grad(b))[i], gm__f32(gm_tensor_grad(c))[i], 1e-5f);
        gm_tape_reset(t);
    }
    gm_tensor *all[] = {w, u, b, c};
    for (int i = 0; i < 4; i++) gm_tensor_free(all[i]);
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
#define ZEROS(type, ...) gm_zeros(t, type, sizeof SHAPE(__VA_ARGS__) / sizeof(int64_t), SHAPE(__VA_ARGS__))
    WRONG(GM_ESHAPE, "binary_linear: inner sizes differ: [2,3] x [3,4]^T", gm__binary_linear(t, ZEROS(GM_F32, 2, 3), ZEROS(GM_F32, 3, 4), NULL, false));
    WRONG(GM_ESHAPE, "inner sizes differ: [2,3] x [4,3]", gm__binary_linear(t, ZEROS(GM_F32, 2, 3), ZEROS(GM_F32, 4, 3), NULL, true));
    WRONG(GM_ESHAPE, "x [N, in] and w [in, out] wanted: [3]", gm__binary_linear(t, ZEROS(GM_F32, 3), ZEROS(GM_F32, 3, 4), NULL, true));
    WRONG(GM_ESHAPE, "bias [3] does not fit", gm__bernoulli_linear(t, ZEROS(GM_F32, 2, 3), ZEROS(GM_F32, 3, 4), ZEROS(GM_F32, 3), true, 1));
    WRONG(GM_EDTYPE, "bernoulli_linear: x is f64", gm__bernoulli_linear(t, ZEROS(GM_F64, 2, 3), ZEROS(GM_F64, 3, 4), NULL, true, 1));
    WRONG(GM_EDTYPE, "", gm__binary_linear(t, ZEROS(GM_F32, 2, 3), ZEROS(GM_F64, 3, 4), NULL, true));
    WRONG(GM_EARG, "", gm__binary_linear(t, NULL, ZEROS(GM_F32, 3, 4), NULL, true));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("binary");
    TCase *c = tcase_create("binary");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, draws, 0, 8);
    tcase_add_test(c, rows_alone);
    tcase_add_loop_test(c, gradients, 0, 2);
    tcase_add_test(c, wrong_arguments);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
