/* test_tape.c - gradients of every order, errors, the trap, gradcheck. */
#include "unit/tape_test.h"

START_TEST(first_gradients)
{
    gm_tensor *x = leaf(GM_F64, 2, 3), *b = leaf(GM_F64, 3, -1);
    for (int round = 1; round <= 2; round++) { /* the second adds up */
        gm_tensor *y = t_sum(t, t_mul(t, t_exp(t, t_add(t, x, b)), x));
        OK(gm_tape_backward(t, y));
        for (int i = 0; i < 6; i++) {
            double e = exp(at(x, i) + at(b, i % 3));
            NEAR(at(gm_tensor_grad(x), i), round * e * (1 + at(x, i)));
        }
        for (int j = 0; j < 3; j++) {
            double want = 0;
            for (int i = j; i < 6; i += 3) want += at(x, i) * exp(at(x, i) + at(b, j));
            NEAR(at(gm_tensor_grad(b), j), round * want);
        }
        gm_tape_reset(t);
    }
    gm_tensor_clear_grad(x);
    ck_assert_ptr_null(gm_tensor_grad(x));
    gm_tensor_free(x);
    gm_tensor_free(b);
}
END_TEST

/* One tensor in many places: gradients that share a buffer must not disturb each other. */
START_TEST(shared_gradients)
{
    gm_tensor *x = leaf(GM_F64, 2, 2);
    gm_tensor *u = t_exp(t, x), *v = t_add(t, u, u), *w = t_add(t, v, u), *z = t_add(t, t_add(t, w, v), t_mul(t, u, w));
    OK(gm_tape_backward(t, t_sum(t, z))); /* 5u + 3u^2 */
    for (int i = 0; i < 4; i++) {
        double u0 = exp(at(x, i));
        NEAR(at(gm_tensor_grad(x), i), 5 * u0 + 6 * u0 * u0);
    }
    gm_tensor_free(x);
}
END_TEST

START_TEST(views)
{
    gm_tensor *x = leaf(GM_F64, 2, 3), *c = leaf(GM_F64, 3, 2);
    gm_tensor_set_grad(c, 0);
    gm_tensor *y = t_trans(t, x);
    ck_assert_ptr_eq(gm_tensor_data(y), gm_tensor_data(x));
    ck_assert(!y->contiguous && y->size == 6);
    NEAR(at(y, 1), at(x, 3));
    gm__attr flat = {.i = {6}, .i[8] = 1, .i[9] = GM_F64};
    gm_tensor *f = t_shape(t, t_exp(t, t_mul(t, y, c)), &flat);
    OK(gm_tape_backward(t, t_sum(t, t_mul(t, f, f))));
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++) {
            double xv = at(x, j * 3 + i), cv = at(c, i * 2 + j), e = exp(xv * cv);
            NEAR(at(gm_tensor_grad(x), j * 3 + i), 2 * e * e * cv);
        }
    gm_tensor *z = t_trans(t, t_trans(t, x)); /* a view outlives the caller's handle of its leaf */
    double first = at(x, 5);
    gm_tensor_free(x);
    NEAR(at(z, 5), first);
    gm_tensor_free(c);
}
END_TEST

START_TEST(second_gradients)
{
    gm_tensor *x = leaf(GM_F64, 3, -1), *xs[1] = {x}, *g[1], *h[1], *third[1];
    gm_tensor *y = t_mul(t, t_exp(t, x), x); /* x e^x */
    OK(gm_tape_grad(t, y, xs, 1, 1, g));     /* (1 + x) e^x */
    OK(gm_tape_grad(t, g[0], xs, 1, 1, h));  /* (2 + x) e^x */
    OK(gm_tape_grad(t, h[0], xs, 1, 0, third));
    for (int i = 0; i < 3; i++) {
        double v = at(x, i), e = exp(v);
        NEAR(at(g[0], i), (1 + v) * e);
        NEAR(at(h[0], i), (2 + v) * e);
        NEAR(at(third[0], i), (3 + v) * e);
    }
    ck_assert_ptr_null(gm_tensor_grad(x)); /* leaves are left alone */
    OK(gm_tape_backward(t, t_sum(t, t_mul(t, g[0], g[0])))); /* a penalty on the gradient */
    for (int i = 0; i < 3; i++) {
        double v = at(x, i), e = exp(v);
        NEAR(at(gm_tensor_grad(x), i), 2 * (1 + v) * e * (2 + v) * e);
    }
    gm_tensor_free(x);
}
END_TEST

/* xs may be results on the way, results that nothing was recorded for, twice the same, y itself, or unrelated. */
START_TEST(grad_of_anything)
{
    for (int graph = 0; graph < 2; graph++) {
        gm_tensor *w = leaf(GM_F64, 2, 2), *u = leaf(GM_F64, 2, 2), *plain = leaf(GM_F64, 2, 2), *bias = leaf(GM_F64, 1, 2), *g[7];
        gm_tensor_set_grad(plain, 0);
        gm_tensor *p = t_exp(t, plain); /* not recorded */
        ck_assert(!p->node && !p->wants_grad);
        gm_tensor *m = t_mul(t, p, w), *a = t_exp(t, m), *y = t_add(t, t_mul(t, a, m), bias);
        gm_tensor *xs[7] = {w, m, p, y, u, m, bias};
        OK(gm_tape_grad(t, y, xs, 7, graph, g));
        for (int i = 0; i < 4; i++) {
            double mv = at(m, i), dm = exp(mv) * (1 + mv);
            NEAR(at(g[0], i), dm * at(p, i));
            NEAR(at(g[1], i), dm);
            NEAR(at(g[2], i), dm * at(w, i));
            NEAR(at(g[3], i), 1);
            NEAR(at(g[4], i), 0);
        }
        ck_assert_ptr_eq(g[5], g[1]);
        ck_assert(g[6]->size == 2);
        NEAR(at(g[6], 0), 2);
        for (size_t k = 0; k < t->n_nodes; k++) ck_assert_ptr_null(t->nodes[k]->gout);
        OK(gm_tape_backward(t, t_sum(t, y))); /* and what was before still works */
        NEAR(at(gm_tensor_grad(w), 2), exp(at(m, 2)) * (1 + at(m, 2)) * at(p, 2));
        gm_tape_reset(t);
        gm_tensor_free(w); gm_tensor_free(u); gm_tensor_free(plain); gm_tensor_free(bias);
    }
}
END_TEST

START_TEST(many_inputs)
{
    gm_tensor *in[20], *out[1];
    for (int i = 0; i < 20; i++) in[i] = leaf(GM_F32, 2, 2);
    in[7]->wants_grad = false;
    gm_tensor *y = gm__apply(t, &op_many, in, 20, NULL);
    OK(gm_tape_backward(t, t_sum(t, t_mul(t, y, y))));
    for (int i = 0; i < 20; i++) {
        gm_tensor *g = gm_tensor_grad(in[i]);
        if (i == 7) ck_assert_ptr_null(g);
        else ck_assert(fabsf(gm__f32(g)[3] - 2 * gm__f32(y)[3]) < 1e-4f);
    }
    ck_assert_int_eq(gm_tape_grad(t, y, in, 1, 1, out), GM_EUNSUPPORTED);
    ck_assert_str_eq(gm_tape_message(t), "many: has no second gradient");
    ck_assert_ptr_null(out[0]);
    gm_tape_reset(t);
    y = gm__apply2(t, &op_opt, in[0], NULL);
    ck_assert_int_eq(gm_tape_backward(t, t_sum(t, y)), GM_EUNSUPPORTED);
    ck_assert_str_eq(gm_tape_message(t), "opt: has no gradient");
    for (int i = 0; i < 20; i++) gm_tensor_free(in[i]);
}
END_TEST

static gm_status error(void) /* the first error, then a clean tape */
{
    gm_status s = gm_tape_status(t);
    ck_assert_str_eq(gm_tape_message(t), gm_ctx_message(ctx));
    gm_tape_reset(t);
    ck_assert_int_eq(gm_tape_status(t), GM_OK);
    return s;
}

START_TEST(errors)
{
    gm_tensor *x = leaf(GM_F64, 2, 3), *y = leaf(GM_F64, 2, 2), *ints = NULL, *out[1];
    gm_tensor_new(ctx, GM_I32, 0, NULL, &ints);
    gm_tape *other = NULL;
    OK(gm_tape_new(ctx, 1, &other));

    gm_tensor *bad = t_exp(t, t_mul(t, t_add(t, x, y), NULL)); /* the first failure stays */
    ck_assert_ptr_null(bad);
    ck_assert_int_eq(gm_tape_backward(t, bad), GM_ESHAPE);
    ck_assert_str_eq(gm_tape_message(t), "add: shapes do not fit: [2,3] and [2,2]");
    ck_assert_int_eq(error(), GM_ESHAPE);

    ck_assert_ptr_null(t_mul(t, x, NULL));
    ck_assert_str_eq(gm_tape_message(t), "mul: input 1 is NULL");
    ck_assert_int_eq(error(), GM_EARG);
    ck_assert_ptr_nonnull(gm__apply2(t, &op_opt, x, NULL));
    ck_assert_ptr_null(gm__apply2(t, &op_opt, NULL, x));
    ck_assert_int_eq(error(), GM_EARG);
    ck_assert_ptr_null(t_exp(t, (gm_tensor *)ctx));
    ck_assert_str_eq(gm_tape_message(t), "exp: input 0 is no tensor");
    ck_assert_int_eq(error(), GM_EARG);
    ck_assert_ptr_null(t_exp(t, t_exp(other, x)));
    ck_assert_str_eq(gm_tape_message(t), "exp: input 0 was made on another tape");
    ck_assert_int_eq(error(), GM_EARG);
    ck_assert_ptr_null(t_exp(NULL, x));
    ck_assert_ptr_null(t_exp((gm_tape *)ctx, x));
    ck_assert_ptr_null(gm__apply1(t, &op_mul, x));
    ck_assert_int_eq(error(), GM_EINTERNAL);
    gm__attr own = {.i = {1}};
    ck_assert_ptr_null(gm__apply(t, &op_fail, &x, 1, &own));
    ck_assert_str_eq(gm_tape_message(t), "fail: on purpose");
    ck_assert_int_eq(error(), GM_ELIMIT);
    ck_assert_ptr_null(gm__apply(t, &op_fail, &x, 1, NULL));
    ck_assert_str_eq(gm_tape_message(t), "fail: product: no scratch");
    ck_assert_int_eq(error(), GM_ENOMEM);

    ck_assert_int_eq(gm_tape_backward(t, t_exp(t, x)), GM_ESHAPE);
    ck_assert_str_eq(gm_tape_message(t), "backward: loss has shape [2,3]; it must be one number (sum or mean it)");
    gm_tape_reset(t);
    ck_assert_int_eq(gm_tape_backward(t, NULL), GM_EARG);
    gm_tape_reset(t);
    ck_assert_int_eq(gm_tape_backward(t, ints), GM_EDTYPE);
    gm_tape_reset(t);
    ck_assert_int_eq(gm_tape_backward(t, x), GM_EARG); /* a leaf */
    gm_tape_reset(t);
    ck_assert_int_eq(gm_tape_backward(t, t_sum(other, x)), GM_EARG);
    gm_tape_reset(t);
    ck_assert_int_eq(gm_tape_backward(NULL, x), GM_EARG);
    gm_tape_recording(t, 0);
    gm_tensor *l = t_sum(t, x);
    ck_assert_ptr_null(l->node);
    ck_assert_int_eq(gm_tape_backward(t, l), GM_ESTATE);
    gm_tape_reset(t);
    ck_assert_int_eq(gm_tape_grad(t, t_sum(t, x), &x, 1, 0, out), GM_ESTATE);
    gm_tape_reset(t);
    gm_tape_recording(t, 1);
    ck_assert_int_eq(gm_tape_grad(t, t_sum(t, x), &ints, 1, 0, out), GM_EDTYPE);
    gm_tape_reset(t);
    ck_assert_int_eq(gm_tape_grad(t, t_sum(t, x), NULL, 1, 0, out), GM_EARG);
    gm_tape_reset(t);
    ck_assert_int_eq(gm_tape_grad(t, t_sum(t, x), &x, 0, 0, NULL), GM_OK);

    l = t_sum(t, t_mul(t, x, x)); /* a leaf changes between use and backward */
    double zero[6] = {0};
    OK(gm_tensor_write(x, zero, sizeof zero));
    ck_assert_int_eq(gm_tape_backward(t, l), GM_ESTATE);
    ck_assert_str_eq(gm_tape_message(t), "mul: input 0 [2,3] changed since it was used");
    ck_assert_ptr_null(gm_tensor_grad(x));
    gm_tape_reset(t);
    ck_assert_int_eq(gm_tensor_assign(t_exp(t, x), x), GM_EARG); /* results cannot be changed */
    ck_assert_int_eq(gm_tensor_write(t_exp(t, x), zero, sizeof zero), GM_ESTATE);
    ck_assert_int_eq(gm_tensor_set_grad(t_exp(t, x), 1), GM_ESTATE);
    gm_tensor_free(t_exp(t, x)); /* does nothing */
    gm_tape_free(other);
    gm_tensor_free(x); gm_tensor_free(y); gm_tensor_free(ints);
}
END_TEST

START_TEST(trap)
{
    float big[2] = {1, 1000};
    int64_t n = 2;
    gm_tensor *x = NULL;
    OK(gm_tensor_copy(ctx, GM_F32, 1, &n, big, &x));
    ck_assert_ptr_nonnull(t_exp(t, x));
    gm_tape_trap(t, 1);
    ck_assert_ptr_null(t_exp(t, x));
    ck_assert_int_eq(gm_tape_status(t), GM_ENONFINITE);
    ck_assert_str_eq(gm_tape_message(t), "exp: the result holds a value that is not finite (shape [2])");
    gm_tensor_free(x);
}
END_TEST

START_TEST(empty_tensors)
{
    gm_tensor *x = leaf(GM_F64, 0, 3), *b = leaf(GM_F64, 3, -1), *s[2] = {x, b}, *g[2];
    gm_tensor *y = t_sum(t, t_exp(t, t_add(t, t_mul(t, x, b), b)));
    NEAR(at(y, 0), 0);
    OK(gm_tape_backward(t, y));
    ck_assert(gm_tensor_size(gm_tensor_grad(x)) == 0);
    for (int i = 0; i < 3; i++) NEAR(at(gm_tensor_grad(b), i), 0);
    OK(gm_tape_grad(t, y, s, 2, 1, g));
    NEAR(at(g[1], 2), 0);
    gm_tensor_free(x);
    gm_tensor_free(b);
}
END_TEST

static gm_tensor *good(gm_tape *tape, gm_tensor *const *in, int32_t n, void *user)
{
    (void)n, (void)user;
    return t_sum(tape, t_mul(tape, t_exp(tape, t_mul(tape, in[0], in[1])), in[0]));
}
static void wrong_vjp(gm_tape *tape, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    (void)want;
    gx[0] = t_mul(tape, gy, n->in[0]);
}
static const gm__op op_wrong = {"wrong", 1, 0, infer_like, exp_forward, wrong_vjp, NULL, ""};
static gm_tensor *wrong(gm_tape *tape, gm_tensor *const *in, int32_t n, void *user)
{
    (void)n, (void)user;
    return t_sum(tape, gm__apply1(tape, &op_wrong, in[0]));
}
/* a right gradient whose own gradient is wrong: exp(x) differentiates to exp, that to nonsense */
static gm_tensor *half_wrong_of(gm_tape *tape, gm_tensor *x);
static void half_vjp(gm_tape *tape, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    (void)want;
    gx[0] = t_mul(tape, gy, gm__apply1(tape, &op_wrong, n->in[0]));
}
static const gm__op op_half = {"half", 1, 0, infer_like, exp_forward, half_vjp, NULL, ""};
static gm_tensor *half_wrong_of(gm_tape *tape, gm_tensor *x) { return gm__apply1(tape, &op_half, x); }
static gm_tensor *half(gm_tape *tape, gm_tensor *const *in, int32_t n, void *user)
{
    (void)n, (void)user;
    return t_sum(tape, half_wrong_of(tape, in[0]));
}
static gm_tensor *none(gm_tape *tape, gm_tensor *const *in, int32_t n, void *user)
{
    (void)n, (void)user;
    return t_mul(tape, in[0], NULL);
}
static gm_tensor *linear(gm_tape *tape, gm_tensor *const *in, int32_t n, void *user)
{
    (void)n, (void)user;
    return t_sum(tape, t_add(tape, in[0], in[1]));
}

START_TEST(gradcheck)
{
    gm_tensor *in[2] = {leaf(GM_F64, 2, 3), leaf(GM_F64, 3, -1)};
    double e = -1, was[6];
    gm_tensor_read(in[0], was, sizeof was);
    OK(gm_gradcheck(ctx, good, NULL, in, 2, 2, &e));
    ck_assert_msg(e > 0 && e < 1e-7, "error %g", e);
    ck_assert_mem_eq(was, in[0]->data, sizeof was);
    OK(gm_gradcheck(ctx, linear, NULL, in, 2, 2, &e));
    ck_assert_msg(e < 1e-7, "error %g", e);
    OK(gm_gradcheck(ctx, wrong, NULL, in, 1, 1, &e));
    ck_assert(e > 0.1);
    OK(gm_gradcheck(ctx, half, NULL, in, 1, 1, &e));
    ck_assert(e < 1e-7);
    OK(gm_gradcheck(ctx, half, NULL, in, 1, 2, &e));
    ck_assert(e > 0.1);
    ck_assert_int_eq(gm_gradcheck(ctx, none, NULL, in, 1, 1, &e), GM_EARG);
    ck_assert_str_eq(gm_ctx_message(ctx), "mul: input 1 is NULL");
    ck_assert_int_eq(gm_gradcheck(ctx, good, NULL, in, 2, 3, &e), GM_EARG);
    gm_tensor_set_grad(in[1], 0);
    ck_assert_int_eq(gm_gradcheck(ctx, good, NULL, in, 2, 1, &e), GM_EARG);
    gm_tensor *single = leaf(GM_F32, 1, 1);
    ck_assert_int_eq(gm_gradcheck(ctx, good, NULL, &single, 1, 1, &e), GM_EDTYPE);
    gm_tensor_free(single);
    gm_tensor_free(in[0]);
    gm_tensor_free(in[1]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {first_gradients, shared_gradients, views, second_gradients, grad_of_anything, many_inputs,
                                  errors, trap, empty_tensors, gradcheck};
    return run_tests("tape", tests, GM__COUNT(tests), NULL, 0);
}
