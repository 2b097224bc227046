/* What the rows' samples cannot show: ops made of others, messages, draws, large inputs
 * over threads, extreme values, empty tensors, warm steps without allocations. */
#include "ops/on_tape.h"
#include "ops/samples.h"

/* a tape tensor from a few numbers */
static gm_tensor *of(int dtype, int ndim, const int64_t *shape, const double *v)
{
    gm_tensor *x = gm__tape_tensor(t, dtype, ndim, shape);
    ck_assert_ptr_nonnull(x);
    for (int64_t e = 0; e < x->size; e++) {
        if (dtype == GM_F64) gm__f64(x)[e] = v[e];
        else if (dtype == GM_F32) gm__f32(x)[e] = (float)v[e];
        else if (dtype == GM_I64) ((int64_t *)(void *)x->data)[e] = (int64_t)v[e];
        else if (dtype == GM_I32) ((int32_t *)(void *)x->data)[e] = (int32_t)v[e];
        else x->data[e] = (char)v[e];
    }
    return x;
}

/* hashed numbers of any shape, as a leaf */
static gm_tensor *leaf(gm_ctx *c, int dtype, int ndim, const int64_t *shape, unsigned stream)
{
    gm_tensor *x = NULL;
    ck_assert_int_eq(gm_tensor_new(c, dtype, ndim, shape, &x), GM_OK);
    for (int64_t e = 0; e < x->size; e++) {
        double v = 4 * hash_unit("leaf", stream, 0, (unsigned)e) - 2;
        if (dtype == GM_F64) gm__f64(x)[e] = v;
        else gm__f32(x)[e] = (float)v;
    }
    ck_assert_int_eq(gm_tensor_set_grad(x, 1), GM_OK);
    return x;
}

static void is(const gm_tensor *x, int ndim, const int64_t *shape, const double *v, double tol)
{
    ck_assert_msg(x != NULL, "%s", gm_tape_message(t));
    ck_assert_int_eq(x->ndim, ndim);
    for (int d = 0; d < ndim; d++) ck_assert_int_eq(x->shape[d], shape[d]);
    for (int64_t e = 0; e < x->size; e++) ck_assert_msg(close_to(element(x, e), v[e], tol), "element %lld is %.17g, not %.17g", (long long)e, element(x, e), v[e]);
}
static void agree(const gm_tensor *a, const gm_tensor *b, double tol)
{
    ck_assert_msg(a && b, "%s", gm_tape_message(t));
    ck_assert(gm__shape_equal(a, b));
    for (int64_t e = 0; e < a->size; e++)
        ck_assert_msg(close_to(element(a, e), element(b, e), tol), "element %lld: %.17g and %.17g", (long long)e, element(a, e), element(b, e));
}

/* ---- ops made of others -------------------------------------------------------- */

START_TEST(stack_and_transpose)
{
    gm_tensor *xs[2] = {of(GM_F64, 2, SHAPE(2, 2), VALUES(1, 2, 3, 4)), of(GM_F64, 2, SHAPE(2, 2), VALUES(5, 6, 7, 8))};
    is(gm_stack(t, xs, 2, 0), 3, SHAPE(2, 2, 2), VALUES(1, 2, 3, 4, 5, 6, 7, 8), 0);
    is(gm_stack(t, xs, 2, 1), 3, SHAPE(2, 2, 2), VALUES(1, 2, 5, 6, 3, 4, 7, 8), 0);
    is(gm_stack(t, xs, 2, -1), 3, SHAPE(2, 2, 2), VALUES(1, 5, 2, 6, 3, 7, 4, 8), 0);
    gm_tensor *y = gm_transpose(t, xs[0], 0, -1);
    is(y, 2, SHAPE(2, 2), VALUES(1, 3, 2, 4), 0);
    ck_assert_ptr_eq(y->data, xs[0]->data); /* a view */
    is(gm_reshape(t, y, 1, SHAPE(4)), 1, SHAPE(4), VALUES(1, 3, 2, 4), 0); /* no view fits: a copy */
    is(gm_zeros(t, GM_I64, 1, SHAPE(2)), 1, SHAPE(2), VALUES(0, 0), 0);
}
END_TEST

START_TEST(softmax_along_other_axes)
{
    gm_tensor *x = leaf(ctx, GM_F64, 3, SHAPE(3, 4, 2), 1);
    for (int32_t axis = -3; axis < 3; axis++) {
        gm_tensor *e = gm_exp(t, x), *p = gm_softmax(t, x, axis);
        agree(p, gm_div(t, e, gm_sum(t, e, axis, 1)), 1e-14);
        agree(gm_log_softmax(t, x, axis), gm_log(t, p), 1e-13);
    }
    gm_tensor_free(x);
}
END_TEST

/* losses and likelihoods that broadcast give what explicit copies give, gradients too */
static gm_tensor *lik(int kind, gm_tensor *a, gm_tensor *b, gm_tensor *c)
{
    switch (kind) {
    case 0: return gm_gaussian_log_prob(t, a, b, c);
    case 1: return gm_bernoulli_log_prob(t, gm_sigmoid(t, b), a);
    case 2: return gm_gaussian_kl(t, a, b);
    case 3: return gm_mse(t, a, b, GM_NONE);
    default: return gm_gaussian_draw(t, a, b);
    }
}
START_TEST(likelihoods_broadcast)
{
    gm_tensor *a = leaf(ctx, GM_F64, 3, SHAPE(4, 3, 5), 1), *b = leaf(ctx, GM_F64, 3, SHAPE(4, 1, 5), 2), *c = leaf(ctx, GM_F64, 1, SHAPE(5), 3);
    for (int kind = 0; kind < 5; kind++) {
        gm_tensor *xs[3] = {a, b, c}, *g[3], *h[3];
        gm_tape_seed(t, 7);
        gm_tensor *y = lik(kind, a, b, c);
        gm_tape_seed(t, 7);
        gm_tensor *z = lik(kind, a, gm__copy(t, gm_expand(t, b, 3, SHAPE(4, 3, 5))), gm__copy(t, gm_expand(t, c, 3, SHAPE(4, 3, 5))));
        agree(y, z, 1e-14);
        gm_tape_grad(t, gm_square(t, y), xs, 3, 0, g);
        gm_tape_grad(t, gm_square(t, z), xs, 3, 0, h);
        for (int i = 0; i < 3; i++) agree(g[i], h[i], 1e-12);
    }
    gm_tensor_free(a);
    gm_tensor_free(b);
    gm_tensor_free(c);
}
END_TEST

START_TEST(linear_act_is_linear_then_activation)
{
    gm_tensor *x = leaf(ctx, GM_F64, 2, SHAPE(6, 5), 1), *w = leaf(ctx, GM_F64, 2, SHAPE(4, 5), 2), *b = leaf(ctx, GM_F64, 1, SHAPE(4), 3);
    gm_tensor *z = gm_linear(t, x, w, b);
    agree(gm_linear_act(t, x, w, b, GM_ACT_NONE, 0), z, 0);
    agree(gm_linear_act(t, x, w, b, GM_ACT_RELU, 0), gm_relu(t, z), 1e-14);
    agree(gm_linear_act(t, x, w, b, GM_ACT_LRELU, 0.2), gm_leaky_relu(t, z, 0.2), 1e-14);
    agree(gm_linear_act(t, x, w, b, GM_ACT_LRELU, -0.5), gm_leaky_relu(t, z, -0.5), 1e-14); /* the sign of y is not that of x */
    agree(gm_linear_act(t, x, w, b, GM_ACT_TANH, 0), gm_tanh(t, z), 1e-14);
    agree(gm_linear_act(t, x, w, b, GM_ACT_SIGMOID, 0), gm_sigmoid(t, z), 1e-14);
    gm_tensor_free(x);
    gm_tensor_free(w);
    gm_tensor_free(b);
}
END_TEST

START_TEST(batch_norm_modes)
{
    gm_tensor *x = leaf(ctx, GM_F64, 3, SHAPE(4, 3, 2), 1), *bm, *bv;
    gm_tensor *mean = of(GM_F64, 1, SHAPE(3), VALUES(0.5, -1, 0)), *var = of(GM_F64, 1, SHAPE(3), VALUES(1, 4, 0.25));
    gm_tensor *rows = gm_reshape(t, gm_permute(t, x, (const int32_t[]){1, 0, 2}), 2, SHAPE(3, 8));
    for (int recording = 0; recording < 2; recording++) {
        gm_tape_recording(t, recording);
        gm_tensor *y = gm__batch_norm(t, x, NULL, NULL, mean, var, 1e-5, &bm, &bv);
        gm_tensor *m = gm_mean(t, rows, 1, 1), *v = gm_mean(t, gm_square(t, gm_sub(t, rows, m)), 1, 0);
        agree(bm, gm_reshape(t, m, 1, SHAPE(3)), 1e-13);
        agree(bv, v, 1e-13);
        agree(y, gm_batch_norm(t, x, NULL, NULL, NULL, NULL, 1e-5), 0);
        is(mean, 1, SHAPE(3), VALUES(0.5, -1, 0), 0); /* the caller's own are not touched */
    }
    gm_tape_training(t, 0);
    gm_tensor *y = gm__batch_norm(t, x, NULL, NULL, mean, var, 0, &bm, &bv);
    ck_assert_ptr_null(bm);
    ck_assert_ptr_null(bv);
    gm_tensor *m3 = gm_reshape(t, mean, 3, SHAPE(1, 3, 1)), *v3 = gm_reshape(t, var, 3, SHAPE(1, 3, 1));
    agree(y, gm_div(t, gm_sub(t, x, m3), gm_sqrt(t, v3)), 1e-14);
    ck_assert_ptr_null(gm_batch_norm(t, x, NULL, NULL, NULL, var, 0));
    ck_assert_str_eq(gm_tape_message(t), "batch_norm: mean is NULL outside training");
    gm_tensor_free(x);
}
END_TEST

/* ---- draws -------------------------------------------------------------------------- */

static void moments(const gm_tensor *x, double *mean, double *var)
{
    *mean = *var = 0;
    for (int64_t e = 0; e < x->size; e++) *mean += element(x, e) / (double)x->size;
    for (int64_t e = 0; e < x->size; e++) *var += pow(element(x, e) - *mean, 2) / (double)x->size;
}
START_TEST(draws_have_their_laws)
{
    enum { N = 100000 }; /* tolerances: more than 5 standard errors */
    double m, v;
    gm_tensor *u = gm_uniform(t, 1, SHAPE(N), -1, 3), *z = gm_normal(t, 1, SHAPE(N), 2, 0.5);
    for (int64_t e = 0; e < N; e++) ck_assert(gm__f32(u)[e] >= -1 && gm__f32(u)[e] < 3);
    moments(u, &m, &v);
    ck_assert_double_eq_tol(m, 1, 0.02);
    ck_assert_double_eq_tol(v, 16.0 / 12, 0.02);
    moments(z, &m, &v);
    ck_assert_double_eq_tol(m, 2, 0.01);
    ck_assert_double_eq_tol(v, 0.25, 0.006);
    moments(gm_bernoulli(t, gm_full(t, GM_F32, 1, SHAPE(N), 0.3)), &m, &v);
    ck_assert_double_eq_tol(m, 0.3, 0.008);
    gm_tensor *d = gm_dropout(t, gm_full(t, GM_F32, 1, SHAPE(N), 1), 0.25);
    for (int64_t e = 0; e < N; e++) ck_assert(gm__f32(d)[e] == 0 || fabsf(gm__f32(d)[e] - 1 / 0.75f) < 1e-6f);
    moments(d, &m, &v);
    ck_assert_double_eq_tol(m, 1, 0.01);
    gm_tensor *logits = gm_expand(t, of(GM_F32, 1, SHAPE(3), VALUES(log(1), log(2), log(5))), 2, SHAPE(N, 3)), *k = gm_categorical(t, logits);
    double count[3] = {0};
    for (int64_t e = 0; e < N; e++) count[(int)element(k, e)] += 1.0 / N;
    for (int i = 0; i < 3; i++) ck_assert_double_eq_tol(count[i], (i == 0 ? 1 : i == 1 ? 2 : 5) / 8.0, 0.009);
    gm_tensor *g = gm_gaussian_draw(t, gm_full(t, GM_F32, 1, SHAPE(N), 3), gm_full(t, GM_F32, 1, SHAPE(N), log(4)));
    moments(g, &m, &v);
    ck_assert_double_eq_tol(m, 3, 0.04);
    ck_assert_double_eq_tol(v, 4, 0.1);
}
END_TEST

START_TEST(draws_take_streams_and_repeat)
{
    gm_tensor *a = gm_normal(t, 1, SHAPE(8), 0, 1), *b = gm_normal(t, 1, SHAPE(8), 0, 1);
    ck_assert(memcmp(a->data, b->data, 32) != 0);
    gm_tape_seed(t, 1);
    agree(gm_normal(t, 1, SHAPE(8), 0, 1), a, 0);
    /* f64 draws are the f32 draws, widened */
    gm_tensor *m = gm_zeros(t, GM_F64, 1, SHAPE(8));
    gm_tape_seed(t, 1);
    agree(gm_gaussian_draw(t, m, m), a, 0);
    gm_tape_training(t, 0);
    gm_tensor *x = gm_dropout(t, a, 0.5);
    ck_assert_ptr_eq(x->data, a->data);
}
END_TEST

/* ---- large inputs over threads ------------------------------------------------------------ */

enum { LARGE = 40 };
/* results and gradients of many ops on inputs large enough to be split */
static void large(gm_ctx *c, gm_tensor **keep, int *n)
{
    gm_tape *saved = t;
    gm_tensor *x = leaf(c, GM_F32, 2, SHAPE(300, 400), 1), *y = leaf(c, GM_F32, 2, SHAPE(300, 400), 2), *row = leaf(c, GM_F32, 1, SHAPE(400), 3);
    gm_tensor *w = leaf(c, GM_F32, 2, SHAPE(150, 400), 4), *leaves[4] = {x, y, row, w};
    gm_tensor *label = NULL;
    int64_t *ids = malloc(300 * 8);
    for (int i = 0; i < 300; i++) ids[i] = (i * 37) % 50;
    ck_assert_int_eq(gm_tensor_copy(c, GM_I64, 1, SHAPE(300), ids, &label), GM_OK);
    free(ids);
    ck_assert_int_eq(gm_tape_new(c, 1, &t), GM_OK);
    *n = 0;
    for (int k = 0; k < 20; k++) {
        gm_tensor *r = NULL;
        switch (k) {
        case 0: r = gm_tanh(t, gm_mul(t, x, y)); break;
        case 1: r = gm_add(t, gm_sigmoid(t, x), row); break;
        case 2: r = gm_sum(t, gm_gelu(t, x), GM_ALL_AXES, 0); break;
        case 3: r = gm_mean(t, x, 0, 0); break;
        case 4: r = gm_logsumexp(t, x, 1, 0); break;
        case 5: r = gm_logsumexp(t, x, 0, 0); break;
        case 6: r = gm_softmax(t, x, -1); break;
        case 7: r = gm_log_softmax(t, x, 0); break;
        case 8: r = gm_layer_norm(t, x, row, row, 1e-5); break;
        case 9: r = gm_batch_norm(t, x, row, row, NULL, NULL, 1e-5); break;
        case 10: r = gm_linear(t, x, w, NULL); break;
        case 11: r = gm_linear_act(t, x, w, NULL, GM_ACT_RELU, 0); break;
        case 12: r = gm_matmul(t, x, gm_transpose(t, y, 0, 1)); break;
        case 13: r = gm_bce_with_logits(t, x, gm_sigmoid(t, y), GM_SUM); break;
        case 14: r = gm_bernoulli_log_prob(t, gm_sigmoid(t, y), x); break;
        case 15: r = gm_gaussian_log_prob(t, x, y, row); break;
        case 16: r = gm_gaussian_kl(t, x, y); break;
        case 17: r = gm_gaussian_draw(t, x, y); break;
        case 18: r = gm_cross_entropy(t, x, label, GM_MEAN); break;
        default: r = gm_mse(t, gm_dropout(t, x, 0.5), gm_max(t, y, 0, 1), GM_MEAN); break;
        }
        gm_tensor *loss = gm_mean(t, gm_square(t, r), GM_ALL_AXES, 0);
        ck_assert_msg(!gm_tape_backward(t, loss), "%d: %s", k, gm_tape_message(t));
        gm_tensor *copy = NULL;
        ck_assert_int_eq(gm_tensor_new(c, GM_F32, r->ndim, r->shape, &copy), GM_OK);
        ck_assert_int_eq(gm_tensor_assign(copy, r), GM_OK);
        keep[(*n)++] = copy;
        gm_tape_reset(t);
    }
    for (int k = 0; k < 4; k++) { /* the sums of all gradients */
        gm_tensor *copy = NULL;
        ck_assert_int_eq(gm_tensor_new(c, GM_F32, leaves[k]->ndim, leaves[k]->shape, &copy), GM_OK);
        ck_assert_int_eq(gm_tensor_assign(copy, gm_tensor_grad(leaves[k])), GM_OK);
        keep[(*n)++] = copy;
        gm_tensor_free(leaves[k]);
    }
    gm_tensor_free(label);
    gm_tape_free(t);
    t = saved;
}

START_TEST(large_inputs_same_bits_at_any_threads)
{
    gm_tensor *a[LARGE], *b[LARGE];
    int n, n2;
    ck_assert_int_eq(gm_ctx_set_threads(ctx, 1), GM_OK);
    large(ctx, a, &n);
    for (int threads = 2; threads < 4; threads++) {
        ck_assert_int_eq(gm_ctx_set_threads(ctx, threads), GM_OK);
        large(ctx, b, &n2);
        for (int k = 0; k < n; k++) {
            ck_assert_msg(!memcmp(a[k]->data, b[k]->data, (size_t)a[k]->size * 4), "case %d at %d threads", k, threads);
            gm_tensor_free(b[k]);
        }
    }
    for (int k = 0; k < n; k++) gm_tensor_free(a[k]);
}
END_TEST

/* long sums and losses stay accurate in f32 */
START_TEST(long_sums_are_accurate)
{
    gm_tensor *x = leaf(ctx, GM_F32, 1, SHAPE(1000003), 1), *wide = gm_cast(t, x, GM_F64);
    double a, b;
    ck_assert_int_eq(gm_tensor_item(gm_sum(t, gm_square(t, x), GM_ALL_AXES, 0), &a), GM_OK);
    ck_assert_int_eq(gm_tensor_item(gm_sum(t, gm_square(t, wide), GM_ALL_AXES, 0), &b), GM_OK);
    ck_assert_double_eq_tol(a / b, 1, 1e-6);
    ck_assert_int_eq(gm_tensor_item(gm_bce_with_logits(t, x, gm_sigmoid(t, x), GM_SUM), &a), GM_OK);
    ck_assert_int_eq(gm_tensor_item(gm_bce_with_logits(t, wide, gm_sigmoid(t, wide), GM_SUM), &b), GM_OK);
    ck_assert_double_eq_tol(a / b, 1, 1e-6);
    gm_tensor_free(x);
}
END_TEST

/* ---- extreme values and empty tensors ------------------------------------------------------- */

START_TEST(extreme_values)
{
    double inf = INFINITY;
    gm_tensor *x = of(GM_F64, 2, SHAPE(2, 2), VALUES(-inf, -inf, 1000, 1000));
    is(gm_logsumexp(t, x, 1, 0), 1, SHAPE(2), VALUES(-inf, 1000 + log(2)), 1e-15);
    is(gm_logsumexp(t, gm__copy(t, gm_transpose(t, x, 0, 1)), 0, 0), 1, SHAPE(2), VALUES(-inf, 1000 + log(2)), 1e-15);
    gm_tensor *z = of(GM_F64, 1, SHAPE(4), VALUES(-1000, 1000, -1000, 1000)), *y = of(GM_F64, 1, SHAPE(4), VALUES(0, 1, 1, 0));
    is(gm_bce_with_logits(t, z, y, GM_NONE), 1, SHAPE(4), VALUES(0, 0, 1000, 1000), 0);
    is(gm_bce(t, of(GM_F64, 1, SHAPE(3), VALUES(0, 1, 1)), of(GM_F64, 1, SHAPE(3), VALUES(0, 1, 0)), GM_NONE), 1, SHAPE(3), VALUES(0, 0, 100), 1e-15);
    is(gm_max(t, of(GM_F64, 1, SHAPE(3), VALUES(1, NAN, 2)), 0, 0), 0, NULL, VALUES(NAN), 0);
    is(gm_min(t, of(GM_F64, 1, SHAPE(3), VALUES(1, NAN, 2)), 0, 0), 0, NULL, VALUES(NAN), 0);
    is(gm_min(t, of(GM_F64, 1, SHAPE(3), VALUES(inf, 5, inf)), 0, 0), 0, NULL, VALUES(5), 0);
    is(gm_argmax(t, of(GM_F32, 1, SHAPE(4), VALUES(1, NAN, 7, NAN)), 0, 0), 0, NULL, VALUES(1), 0);
    is(gm_argmax(t, of(GM_F32, 1, SHAPE(4), VALUES(1, 7, 7, 2)), 0, 0), 0, NULL, VALUES(1), 0);
    is(gm_relu(t, of(GM_F32, 1, SHAPE(2), VALUES(NAN, -1))), 1, SHAPE(2), VALUES(NAN, 0), 0);
    is(gm_cast(t, of(GM_F32, 1, SHAPE(4), VALUES(-3.7, 300, NAN, 2.9)), GM_U8), 1, SHAPE(4), VALUES(0, 255, 0, 2), 0);
    is(gm_full(t, GM_I32, 1, SHAPE(2), -2.5), 1, SHAPE(2), VALUES(-2, -2), 0);
    gm_tensor *g[2], *both[2], *lf = NULL, *lg = NULL;
    double three = 3;
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F64, 0, NULL, &three, &lf), GM_OK);
    ck_assert_int_eq(gm_tensor_copy(ctx, GM_F64, 0, NULL, &three, &lg), GM_OK);
    gm_tensor_set_grad(lf, 1);
    gm_tensor_set_grad(lg, 1);
    both[0] = lf;
    both[1] = lg;
    ck_assert_int_eq(gm_tape_grad(t, gm_maximum(t, lf, lg), both, 2, 0, g), GM_OK); /* halves where equal */
    is(g[0], 0, NULL, VALUES(0.5), 0);
    is(g[1], 0, NULL, VALUES(0.5), 0);
    gm_tensor *same[1] = {lf}, *pair[2] = {lf, lf};
    ck_assert_int_eq(gm_tape_grad(t, gm_max(t, gm_stack(t, pair, 2, 0), 0, 0), same, 1, 0, g), GM_OK);
    is(g[0], 0, NULL, VALUES(1), 0); /* shared, and summed over both uses */
    ck_assert_int_eq(gm_tape_grad(t, gm_mul(t, lf, lf), same, 1, 0, g), GM_OK);
    is(g[0], 0, NULL, VALUES(6), 0); /* one tensor as both inputs */
    gm_tensor_free(lf);
    gm_tensor_free(lg);
}
END_TEST

START_TEST(nothing)
{
    gm_tensor *x = gm_zeros(t, GM_F32, 2, SHAPE(0, 3)), *w = gm_zeros(t, GM_F32, 2, SHAPE(4, 3));
    is(gm_sum(t, x, GM_ALL_AXES, 0), 0, NULL, VALUES(0), 0);
    is(gm_sum(t, x, 0, 0), 1, SHAPE(3), VALUES(0, 0, 0), 0);
    is(gm_mean(t, x, GM_ALL_AXES, 0), 0, NULL, VALUES(NAN), 0);
    is(gm_mse(t, x, x, GM_MEAN), 0, NULL, VALUES(NAN), 0);
    is(gm_logsumexp(t, x, GM_ALL_AXES, 0), 0, NULL, VALUES(-INFINITY), 0);
    is(gm_linear(t, x, w, NULL), 2, SHAPE(0, 4), NULL, 0);
    is(gm_matmul(t, gm_zeros(t, GM_F32, 2, SHAPE(2, 0)), gm_zeros(t, GM_F32, 2, SHAPE(0, 2))), 2, SHAPE(2, 2), VALUES(0, 0, 0, 0), 0);
    is(gm_uniform(t, 1, SHAPE(0), 0, 1), 1, SHAPE(0), NULL, 0);
    ck_assert_ptr_null(gm_max(t, x, 0, 0));
    ck_assert_str_eq(gm_tape_message(t), "max: of nothing: shape [0,3]");
    ck_assert_int_eq(gm_tape_status(t), GM_ESHAPE);
}
END_TEST

/* ---- messages ----------------------------------------------------------------------------------- */

static void fails(gm_tensor *y, gm_status status, const char *message)
{
    ck_assert_ptr_null(y);
    ck_assert_str_eq(gm_tape_message(t), message);
    ck_assert_int_eq(gm_tape_status(t), status);
    ck_assert_ptr_null(gm_zeros(t, GM_F32, 0, NULL)); /* nothing runs any more, and the first error stays */
    ck_assert_str_eq(gm_tape_message(t), message);
    gm_tape_reset(t);
}
#define X23 of(GM_F32, 2, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6))
#define X4 of(GM_F32, 1, SHAPE(4), VALUES(1, 2, 3, 4))
#define D4 of(GM_F64, 1, SHAPE(4), VALUES(1, 2, 3, 4))
#define I4 of(GM_I64, 1, SHAPE(4), VALUES(1, 2, 3, 7))
#define TABLE of(GM_F32, 2, SHAPE(5, 1), VALUES(1, 2, 3, 4, 5))

START_TEST(messages)
{
    gm_tensor *xs[2];
    fails(gm_add(t, X23, X4), GM_ESHAPE, "add: shapes do not broadcast: [2,3] and [4]");
    fails(gm_mul(t, X4, D4), GM_EDTYPE, "mul: types differ: f32 and f64");
    fails(gm_exp(t, I4), GM_EDTYPE, "exp: input 0 is i64, f32 or f64 wanted");
    fails(gm_exp(t, NULL), GM_EARG, "exp: input 0 is NULL");
    fails(gm_sum(t, X23, 2, 0), GM_ESHAPE, "sum: axis 2 is not in [-2,2)");
    fails(gm_softmax(t, X23, -3), GM_ESHAPE, "softmax: axis -3 is not in [-2,2)");
    fails(gm_transpose(t, X23, 0, 2), GM_ESHAPE, "transpose: axis 2 is not in [-2,2)");
    fails(gm_matmul(t, X23, X23), GM_ESHAPE, "matmul: inner sizes differ: [2,3] x [2,3]");
    fails(gm_matmul(t, X23, X4), GM_ESHAPE, "matmul: two dimensions or more wanted: [2,3] x [4]");
    fails(gm_linear(t, X4, X23, NULL), GM_ESHAPE, "linear: inner sizes differ: [4] x [2,3]^T");
    fails(gm_linear(t, X23, X23, X4), GM_ESHAPE, "linear: bias [4] does not fit w [2,3]");
    fails(gm_linear_act(t, X23, X23, NULL, 9, 0), GM_EARG, "linear_act: no activation has number 9");
    fails(gm_reshape(t, X23, 2, SHAPE(4, -1)), GM_ESHAPE, "reshape: [2,3] does not fit [4,-1]");
    fails(gm_reshape(t, X23, 9, SHAPE(1)), GM_ESHAPE, "reshape: 9 dimensions, 0 to 8 wanted");
    fails(gm_reshape(t, X23, 1, NULL), GM_EARG, "reshape: shape is NULL");
    fails(gm_permute(t, X23, (const int32_t[]){0, 0}), GM_ESHAPE, "permute: axes are not a permutation of 0..1");
    fails(gm_permute(t, X23, NULL), GM_EARG, "permute: axes is NULL");
    fails(gm_slice(t, X23, 1, 0, 3, 0), GM_EARG, "slice: step 0, 1 or more wanted");
    fails(gm_expand(t, X23, 2, SHAPE(4, 3)), GM_ESHAPE, "expand: [2,3] does not expand to [4,3]");
    xs[0] = X23;
    xs[1] = X4;
    fails(gm_concat(t, xs, 2, 0), GM_ESHAPE, "concat: [2,3] and [4] do not join along axis 0");
    fails(gm_concat(t, NULL, 0, 0), GM_EARG, "concat: nothing to join");
    xs[0] = X23;
    xs[1] = X4;
    fails(gm_stack(t, xs, 2, 0), GM_ESHAPE, "stack: shapes differ: [2,3] and [4]");
    fails(gm_embedding(t, TABLE, I4), GM_EARG, "embedding: index 7 at position 3 is not in [0,5)");
    fails(gm_embedding(t, TABLE, X4), GM_EDTYPE, "embedding: the index is f32, i32 or i64 wanted");
    fails(gm_gather(t, TABLE, 0, of(GM_I32, 2, SHAPE(2, 1), VALUES(0, -1))), GM_EARG, "gather: index -1 at position 1 is not in [0,5)");
    fails(gm_gather(t, X4, 0, of(GM_I32, 2, SHAPE(2, 1), VALUES(0, 1))), GM_ESHAPE, "gather: index [2,1] does not fit [4] along axis 0");
    fails(gm_cross_entropy(t, X23, of(GM_I64, 1, SHAPE(2), VALUES(0, 3)), GM_MEAN), GM_EARG, "cross_entropy: index 3 at position 1 is not in [0,3)");
    fails(gm_cross_entropy(t, X23, I4, GM_MEAN), GM_ESHAPE, "cross_entropy: logits [N, C] and labels [N] wanted: [2,3] and [4]");
    fails(gm_bce_with_logits(t, X23, X4, GM_SUM), GM_ESHAPE, "bce_with_logits: shapes differ: [2,3] and [4]");
    fails(gm_mse(t, X4, X4, 3), GM_EARG, "mse: reduce 3 is none of GM_NONE, GM_MEAN, GM_SUM");
    fails(gm_gaussian_kl(t, X23, X4), GM_ESHAPE, "gaussian_kl: shapes do not broadcast: [2,3] and [4]");
    fails(gm_gaussian_kl(t, X4, NULL), GM_EARG, "gaussian_kl: input 1 is NULL");
    fails(gm_layer_norm(t, X23, X4, NULL, 1e-5), GM_ESHAPE, "layer_norm: w [4] does not fit x [2,3]");
    fails(gm_batch_norm(t, X4, NULL, NULL, NULL, NULL, 1e-5), GM_ESHAPE, "batch_norm: x [N, C, ..] wanted, got [4]");
    fails(gm_where(t, X4, X4, X4), GM_EDTYPE, "where: the condition is f32, u8 wanted");
    fails(gm_eq(t, X4, D4), GM_EDTYPE, "eq: types differ: f32 and f64");
    fails(gm_cast(t, X4, 17), GM_EDTYPE, "cast: no type has number 17");
    fails(gm_full(t, GM_F32, 1, SHAPE(-1), 0), GM_ESHAPE, "full: negative size in shape [-1]");
    fails(gm_full(t, GM_F32, 2, SHAPE(INT64_MAX, 4), 0), GM_ESHAPE, "full: shape [9223372036854775807,4] is too large");
    fails(gm_dropout(t, X4, 1), GM_EARG, "dropout: p 1 is not in [0,1)");
    fails(gm_bernoulli(t, D4), GM_EDTYPE, "bernoulli: input 0 is f64, f32 wanted");
    fails(gm_categorical(t, gm_zeros(t, GM_F32, 2, SHAPE(3, 0))), GM_ESHAPE, "categorical: nothing to choose from: shape [3,0]");
    fails(gm_clamp(t, X4, 2, 1), GM_EARG, "clamp: lo 2 is not below hi 1");
    ck_assert_ptr_null(gm_relu(NULL, NULL));
    ck_assert_ptr_null(gm_reshape(NULL, NULL, 0, NULL));
    ck_assert_ptr_null(gm_stack(NULL, NULL, 0, 0));
    ck_assert_ptr_null(gm_batch_norm(NULL, NULL, NULL, NULL, NULL, NULL, 0));
}
END_TEST

/* every public op with NULL or a dead tensor for each input fails cleanly */
START_TEST(missing_inputs)
{
    for (int k = 0; gm__all_ops[k]; k++) {
        const gm__op *op = gm__all_ops[k];
        const char *text = op->samples;
        sample s = {0};
        ck_assert(next_sample(op, &text, &s, 0));
        for (int j = 0; j < s.nin; j++) {
            gm_tensor *in[MAX_IN];
            for (int i = 0; i < s.nin; i++) in[i] = make_input(ctx, &s, i, f32_only(&s) ? GM_F32 : GM_F64, 0);
            gm_tensor *was = in[j];
            in[j] = NULL;
            bool optional = j > 0 && j < 5 && op->flags & (uint32_t)GM__OP_OPT1 << (j - 1);
            gm_tensor *y = apply_sample(t, &s, in);
            ck_assert_msg((y != NULL) == optional, "%s without input %d: %s", op->name, j, gm_tape_message(t));
            gm_tape_reset(t);
            in[j] = was;
            for (int i = 0; i < s.nin; i++) gm_tensor_free(in[i]);
        }
    }
}
END_TEST

/* ---- a warm step allocates nothing ------------------------------------------------------------------ */

START_TEST(warm_steps_allocate_nothing)
{
    gm_memory m = {.struct_size = sizeof m};
    uint64_t before = 0;
    gm_tensor *x = leaf(ctx, GM_F32, 2, SHAPE(64, 100), 1), *w = leaf(ctx, GM_F32, 2, SHAPE(40, 100), 2), *b = leaf(ctx, GM_F32, 1, SHAPE(40), 3);
    gm_tensor *v = leaf(ctx, GM_F32, 2, SHAPE(100, 20), 4);
    for (int step = 0; step < 6; step++) {
        gm_tensor *h = gm_linear_act(t, x, w, b, GM_ACT_TANH, 0), *mean = gm_slice(t, h, 1, 0, 20, 1), *lv = gm_slice(t, h, 1, 20, 40, 1);
        gm_tensor *logits = gm_linear(t, gm_gaussian_draw(t, mean, lv), v, NULL);
        gm_tensor *loss = gm_mean(t, gm_sub(t, gm_gaussian_kl(t, mean, lv), gm_bernoulli_log_prob(t, gm_sigmoid(t, x), logits)), GM_ALL_AXES, 0);
        ck_assert_msg(!gm_tape_backward(t, loss), "%s", gm_tape_message(t));
        gm_tape_reset(t);
        ck_assert_int_eq(gm_ctx_memory(ctx, &m), GM_OK);
        if (step > 2) ck_assert_uint_eq(m.allocations, before);
        before = m.allocations;
    }
    gm_tensor_free(x);
    gm_tensor_free(w);
    gm_tensor_free(b);
    gm_tensor_free(v);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {stack_and_transpose, softmax_along_other_axes, likelihoods_broadcast, linear_act_is_linear_then_activation, batch_norm_modes,
                                  draws_have_their_laws, draws_take_streams_and_repeat, large_inputs_same_bits_at_any_threads, long_sums_are_accurate,
                                  extreme_values, nothing, messages, missing_inputs, warm_steps_allocate_nothing};
    Suite *s = suite_create("ops, more");
    TCase *c = tcase_create("ops, more");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 300);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
