/* First weights by rules that need more than a draw a number, and weights divided by their largest singular value. */
#include "unit/net_test.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static gm_tensor *named(const gm_net *n, const char *name)
{
    for (int32_t i = 0; i < gm_net_tensor_count(n); i++)
        if (strcmp(gm_net_tensor_name(n, i), name) == 0) return gm_net_tensor(n, i);
    ck_abort_msg("no tensor %s", name);
    return NULL;
}

/* ---- first weights ---------------------------------------------------------------------- */

/* The shorter side's vectors have length gain and stand on each other. */
static void check_orthogonal(const char *text, int ndim, const int64_t *shape, double gain)
{
    gm_net *n = net_of(text, ndim, shape);
    const gm_tensor *w = gm_net_tensor(n, 0);
    int64_t rows = w->shape[0], cols = w->size / rows, k = rows < cols ? rows : cols, len = rows < cols ? cols : rows;
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j <= i; j++) {
            double dot = 0;
            for (int64_t e = 0; e < len; e++)
                dot += rows < cols ? get(w, i * cols + e) * get(w, j * cols + e) : get(w, e * cols + i) * get(w, e * cols + j);
            ck_assert_msg(fabs(dot - (i == j ? gain * gain : 0)) < 1e-5 * gain * gain, "%s: %lld, %lld: %g", text, (long long)i, (long long)j, dot);
        }
    for (int64_t i = 0; i < rows; i++) ck_assert(get(gm_net_tensor(n, 1), i % gm_net_tensor(n, 1)->size) == 0);
    gm_net_free(n);
}

START_TEST(orthogonal)
{
    check_orthogonal("linear 20 init=orthogonal", ROW(20), 1);
    check_orthogonal("linear 50 init=orthogonal:1.5", ROW(30), 1.5);
    check_orthogonal("linear 7 init=orthogonal", ROW(60), 1);
    check_orthogonal("linear 1 init=orthogonal:3", ROW(1), 3);
    check_orthogonal("conv 8 k3 init=orthogonal", ROW(3, 8, 8), 1);
    check_orthogonal("conv 40 k3 init=orthogonal:0.5", ROW(2, 8, 8), 0.5);
    check_orthogonal("convt 4 k4 s2 p1 init=orthogonal", ROW(6, 4, 4), 1);
    /* uniform over rotations: entries of many 1-column draws have both signs and mean square 1/n */
    double sum = 0, sq = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        gm_net *n = NULL;
        OK(gm_net_new(ctx, "linear 4 init=orthogonal", ROW(2), seed, &n));
        double v = get(gm_net_tensor(n, 0), 1);
        sum += v, sq += v * v;
        gm_net_free(n);
    }
    ck_assert_msg(fabs(sum / 2000) < 0.05 && fabs(sq / 2000 - 0.25) < 0.02, "mean %g, square %g", sum / 2000, sq / 2000);
    gm_net *a = net_of("linear 5 init=orthogonal", ROW(5)), *b = NULL;
    OK(gm_net_new(ctx, "linear 5 init=orthogonal", ROW(5), 4, &b));
    ck_assert(memcmp(gm_net_tensor(a, 0)->data, gm_net_tensor(b, 0)->data, 100) != 0);
    gm_net_free(a);
    gm_net_free(b);
}
END_TEST

/* One rule for linear and convolution: fans count what a filter sees. */
START_TEST(fans_of_convolutions)
{
    const double taps = 9;
    const struct { const char *text; double want; } rules[] = {
        {"conv 64 k3 init=kaiming-normal", sqrt(2 / (16 * taps))},   {"conv 64 k3 init=xavier-normal", sqrt(2 / ((16 + 64) * taps))},
        {"conv 64 k3 g2 init=kaiming-normal", sqrt(2 / (8 * taps))}, {"convt 64 k3 init=kaiming-normal", sqrt(2 / (64 * taps))},
        {"conv 64 k3 init=dcgan", 0.02},                             {"conv 64 k3 init=normal:0.3", 0.3},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        gm_net *n = net_of(rules[i].text, ROW(16, 5, 5));
        const gm_tensor *w = gm_net_tensor(n, 0), *b = gm_net_tensor(n, 1);
        double sq = 0;
        for (int64_t e = 0; e < w->size; e++) sq += get(w, e) * get(w, e);
        double std = sqrt(sq / (double)w->size);
        ck_assert_msg(fabs(std / rules[i].want - 1) < 0.05, "%s: deviation %g, expected %g", rules[i].text, std, rules[i].want);
        for (int64_t e = 0; e < b->size; e++) ck_assert(get(b, e) == 0);
        gm_net_free(n);
    }
    gm_net *n = net_of("conv 3 k3 init=zeros bias=0.25, flatten, linear 2 bias=-1", ROW(1, 3, 3));
    for (int64_t e = 0; e < 27; e++) ck_assert(get(gm_net_tensor(n, 0), e) == 0);
    for (int64_t e = 0; e < 3; e++) ck_assert(get(gm_net_tensor(n, 1), e) == 0.25);
    for (int64_t e = 0; e < 2; e++) ck_assert(get(gm_net_tensor(n, 3), e) == -1 && get(gm_net_tensor(n, 2), e) != 0);
    gm_net_free(n);
}
END_TEST

/* ---- spectral ------------------------------------------------------------------------------ */

/* The largest singular value of the weights as W's rows on an axis. */
static double largest(gm_tensor *w, int axis)
{
    gm_tape *t = NULL;
    double v;
    OK(gm_tape_new(ctx, 0, &t));
    gm_tensor *m = axis ? gm_transpose(t, w, 0, 1) : w;
    gm_tensor *s = gm_svd(t, gm_reshape(t, m, 2, (int64_t[]){w->shape[axis], -1}), NULL, NULL);
    ck_assert_msg(s != NULL, "%s", gm_tape_message(t));
    v = get(s, 0);
    gm_tape_free(t);
    return v;
}

/* What the net divides by: its weights against those it uses, seen through one application. */
static double divisor(gm_net *n, gm_tensor *x)
{
    gm_tape *t = NULL;
    gm_net *plain = NULL;
    OK(gm_tape_new(ctx, 0, &t));
    gm_tape_training(t, 0);
    char text[128];
    snprintf(text, sizeof text, "%s", gm_net_text(n));
    *strstr(text, " spectral") = 0;
    OK(gm_net_new(ctx, text, x->ndim - 1, x->shape + 1, 1, &plain));
    OK(gm_tensor_assign(gm_net_tensor(plain, 0), gm_net_tensor(n, 0)));
    gm_tensor *y = gm_net_apply(n, t, x, NULL), *z = gm_net_apply(plain, t, x, NULL);
    ck_assert_msg(y && z, "%s", gm_tape_message(t));
    double yy = 0, zy = 0;
    for (int64_t e = 0; e < y->size; e++) yy += get(y, e) * get(y, e), zy += get(z, e) * get(y, e);
    gm_net_free(plain);
    gm_tape_free(t);
    return zy / yy;
}

static void check_spectral(const char *text, int ndim, const int64_t *shape, int axis)
{
    int64_t full[8] = {2};
    gm_net *n = net_of(text, ndim, shape);
    gm_optim *o = NULL;
    for (int i = 0; i < ndim; i++) full[1 + i] = shape[i];
    gm_tensor *x = NULL, *draw = gm_normal(tape, ndim + 1, full, 0, 1);
    HAVE(draw);
    OK(gm_tensor_copy(ctx, GM_F32, ndim + 1, full, draw->data, &x));
    OK(gm_optim_new(ctx, "sgd", "lr=0.01", &o));
    OK(gm_optim_add_net(o, n, NULL));
    gm_tape_reset(tape);
    ck_assert_msg(fabs(divisor(n, x) / largest(gm_net_tensor(n, 0), axis) - 1) < 0.05, "%s: first %g", text, divisor(n, x)); /* in use, untrained */
    for (int step = 0; step < 40; step++) {
        gm_tensor *loss = gm_mean(tape, gm_square(tape, gm_net_apply(n, tape, x, NULL)), GM_ALL_AXES, 0);
        HAVE(loss);
        OK(gm_tape_backward(tape, loss));
        OK(gm_optim_step(o));
        gm_tape_reset(tape);
    }
    double by = divisor(n, x), want = largest(gm_net_tensor(n, 0), axis);
    ck_assert_msg(fabs(by / want - 1) < 1e-3, "%s: divides by %g, the largest singular value is %g", text, by, want);
    gm_tensor_free(x);
    gm_optim_free(o);
    gm_net_free(n);
}

START_TEST(divides_by_the_largest)
{
    check_spectral("linear 12 nobias spectral", ROW(20), 0);
    check_spectral("linear 20 nobias spectral", ROW(3), 0);
    check_spectral("linear 1 nobias spectral", ROW(1), 0);
    check_spectral("conv 8 k3 p1 nobias spectral", ROW(4, 6, 6), 0);
    check_spectral("conv 6 k3 nobias spectral", ROW(5, 9), 0);
    check_spectral("convt 5 k4 s2 p1 nobias spectral", ROW(7, 4, 4), 1);
    check_spectral("dwconv k3 p1 nobias spectral", ROW(4, 5, 5), 0);
}
END_TEST

/* What an application finds waits for the step; use and a frozen net leave nothing. */
START_TEST(vectors_wait)
{
    gm_net *n = net_of("res( linear 6 spectral init=normal:1 ), linear 4 spectral", ROW(6)), *copy = NULL;
    gm_tensor *u = named(n, "0.0.weight_u"), *v = named(n, "0.0.weight_v"), *w = named(n, "1.weight_u");
    ck_assert(u->size == 6 && v->size == 6 && w->size == 4 && named(n, "1.weight_v")->size == 6);
    ck_assert_int_eq(gm_net_parameters(n), 42 + 28);
    float before[6], after[6];
    memcpy(before, u->data, sizeof before);
    gm_tensor *x = gm_normal(tape, 2, (int64_t[]){3, 6}, 0, 1), *y[3];
    HAVE(x);
    gm_tape_training(tape, 0);
    HAVE(gm_net_apply(n, tape, x, NULL));
    OK(gm__net_commit(n));
    ck_assert(memcmp(u->data, before, sizeof before) == 0);
    gm_tape_training(tape, 1);
    OK(gm_net_freeze(n, 1));
    HAVE(gm_net_apply(n, tape, x, NULL));
    OK(gm__net_commit(n));
    ck_assert(memcmp(u->data, before, sizeof before) == 0);
    OK(gm_net_freeze(n, 0));
    HAVE(gm_net_apply(n, tape, x, NULL));
    ck_assert(memcmp(u->data, before, sizeof before) == 0);
    gm__net_drop_pending(n);
    OK(gm__net_commit(n));
    ck_assert(memcmp(u->data, before, sizeof before) == 0);
    /* two applications before a step are two steps of the power method */
    HAVE(y[0] = gm_net_apply(n, tape, x, NULL));
    HAVE(y[1] = gm_net_apply(n, tape, x, NULL));
    OK(gm_net_copy(n, &copy));
    ck_assert(memcmp(named(copy, "0.0.weight_u")->data, before, sizeof before) == 0);
    OK(gm__net_commit(n));
    memcpy(after, u->data, sizeof after);
    ck_assert(memcmp(after, before, sizeof before) != 0);
    for (int k = 0; k < 2; k++) {
        HAVE(y[2] = gm_net_apply(copy, tape, x, NULL));
        for (int64_t e = 0; e < y[2]->size; e++) ck_assert(get(y[2], e) == get(y[k], e));
        OK(gm__net_commit(copy));
    }
    ck_assert(memcmp(named(copy, "0.0.weight_u")->data, after, sizeof after) == 0);
    gm_net_free(copy);
    gm_net_free(n);
}
END_TEST

static gm_tensor *penalty(gm_tape *t, gm_tensor *const *in, int32_t n, void *user)
{
    (void)n;
    gm_tensor *gx = NULL, *y = gm_net_apply(user, t, in[0], NULL); /* the shape of a gradient penalty */
    if (!y || gm_tape_grad(t, y, in, 1, 1, &gx)) return NULL;
    return gm_add(t, gm_sum(t, gm_square(t, gx), GM_ALL_AXES, 0), gm_sum(t, gm_square(t, y), GM_ALL_AXES, 0));
}

START_TEST(gradients)
{
    gm_net *n = net_of("linear 5 spectral, tanh, linear 3 spectral", ROW(4));
    double error;
    OK(gm__net_cast(n, GM_F64));
    gm_tensor *in[5] = {NULL};
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){2, 4}, &in[0]));
    for (int e = 0; e < 8; e++) gm__f64(in[0])[e] = sin(3 * e + 1);
    for (int i = 0; i < 4; i++) in[1 + i] = gm_net_tensor(n, i);
    for (int i = 0; i < 5; i++) OK(gm_tensor_set_grad(in[i], 1));
    gm_tape *t = NULL; /* with constant vectors, as training sees them: those of use */
    OK(gm_tape_new(ctx, 0, &t));
    gm_tape_training(t, 0);
    gm_tensor *loss = penalty(t, in, 5, n);
    ck_assert_msg(loss != NULL, "%s", gm_tape_message(t));
    OK(gm_tape_backward(t, loss));
    for (int i = 0; i < 5; i++) {
        for (int64_t e = 0; e < in[i]->size; e++) {
            double keep = gm__f64(in[i])[e], f[2], h = 1e-5;
            for (int s = 0; s < 2; s++) {
                gm_tape *u = NULL;
                gm__f64(in[i])[e] = keep + (s ? h : -h);
                OK(gm_tape_new(ctx, 0, &u));
                gm_tape_training(u, 0);
                gm_tensor *y = penalty(u, in, 5, n);
                ck_assert_ptr_nonnull(y);
                OK(gm_tensor_item(y, &f[s]));
                gm_tape_free(u);
            }
            gm__f64(in[i])[e] = keep;
            error = fabs((f[1] - f[0]) / (2 * h) - get(gm_tensor_grad(in[i]), e));
            ck_assert_msg(error < 1e-7, "input %d element %lld: off by %g", i, (long long)e, error);
        }
    }
    gm_tape_free(t);
    gm_tensor_free(in[0]);
    gm_net_free(n);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net_weights");
    TCase *c = tcase_create("net_weights");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, orthogonal);
    tcase_add_test(c, fans_of_convolutions);
    tcase_add_test(c, divides_by_the_largest);
    tcase_add_test(c, vectors_wait);
    tcase_add_test(c, gradients);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
