/* Functions composed of ops: values against PyTorch (tests/vectors/composed.txt), gradients of both orders against finite
 * differences; then what has no reference there: logic, tests of values, messages. */
#include "ops/on_tape.h"
#include "ops/samples.h"

/* ---- against PyTorch ------------------------------------------------------------- */

typedef struct job {
    char name[40];
    double p;
    int32_t q;
    int n;
    gm_tensor *in[3];
} job;

/* a line "word shape : values" as a tensor of its own */
static gm_tensor *read_tensor(char *line, bool integers)
{
    int64_t shape[GM_MAX_DIMS];
    int nd = 0;
    gm_tensor *x = NULL;
    char *colon = strchr(line, ':'), *s = strchr(line, ' ') + 1;
    ck_assert_ptr_nonnull(colon);
    while (s < colon && *s != '.' && *s != ' ') {
        shape[nd++] = strtol(s, &s, 10);
        if (*s == ',') s++;
    }
    ck_assert_int_eq(gm_tensor_new(ctx, integers ? GM_I64 : GM_F64, nd, shape, &x), GM_OK);
    s = colon + 1;
    for (int64_t e = 0; e < x->size; e++) {
        double v = strtod(s, &s);
        if (integers) ((int64_t *)(void *)x->data)[e] = (int64_t)v;
        else gm__f64(x)[e] = v;
    }
    return x;
}

static gm_tensor *call(gm_tape *tape, const job *j)
{
    gm_tensor *x = j->in[0], *y = j->in[1], *z = j->in[2];
#define IS(word) if (!strcmp(j->name, #word))
    IS(rsqrt) return gm_rsqrt(tape, x);
    IS(acosh) return gm_acosh(tape, x);
    IS(logit) return gm_logit(tape, x);
    IS(digamma) return gm_digamma(tape, x);
    IS(hardsigmoid) return gm_hardsigmoid(tape, x);
    IS(selu) return gm_selu(tape, x);
    IS(celu) return gm_celu(tape, x, j->p);
    IS(softsign) return gm_softsign(tape, x);
    IS(prelu) return gm_prelu(tape, x, y);
    IS(lerp) return gm_lerp(tape, x, y, z);
    IS(var) return gm_var(tape, x, j->q, j->p, 0);
    IS(std) return gm_std(tape, x, j->q, j->p, 0);
    IS(prod) return gm_prod(tape, x, j->q, 0);
    IS(norm) return gm_norm(tape, x, j->p, j->q, 0);
    IS(l1) return gm_l1(tape, x, y, j->q);
    IS(huber) return gm_huber(tape, x, y, j->p, j->q);
    IS(kl_div) return gm_kl_div(tape, x, y, j->q);
    IS(nll) return gm_nll(tape, x, y, j->q);
    IS(cross_entropy_smooth) return gm_cross_entropy_smooth(tape, x, y, z, j->p, j->q);
    IS(bce_weighted) return gm_bce_with_logits_weighted(tape, x, y, z, j->p, j->q);
    IS(poisson_nll) return gm_poisson_nll(tape, x, y, j->q);
    IS(gaussian_nll) return gm_gaussian_nll(tape, x, y, z, 1e-6, j->q);
    IS(soft_cross_entropy) return gm_soft_cross_entropy(tape, x, y, j->q);
    IS(hinge) return gm_hinge(tape, x, y, j->p, j->q);
    IS(cosine_similarity) return gm_cosine_similarity(tape, x, y, j->q, 1e-8);
    ck_abort_msg("%s is not known", j->name);
    return NULL;
}

/* numbers with weights of either sign, so that no gradient cancels */
static gm_tensor *expression(gm_tape *tape, gm_tensor *const *inputs, int32_t n, void *user)
{
    (void)inputs;
    (void)n;
    gm_tensor *y = call(tape, user), *w = y ? gm__tape_tensor(tape, y->dtype, y->ndim, y->shape) : NULL;
    if (!w) return NULL;
    for (int64_t e = 0; e < w->size; e++) gm__f64(w)[e] = 2 * hash_unit("composed", 0, 0, (unsigned)e) - 1;
    return gm_sum(tape, gm_mul(tape, y, w), GM_ALL_AXES, 0);
}

static void check(job *j, gm_tensor *want)
{
    gm_tensor *y = call(t, j), *leaves[3];
    int32_t n = 0;
    double error;
    ck_assert_msg(y != NULL, "%s: %s", j->name, gm_tape_message(t));
    ck_assert_msg(y->ndim == want->ndim && y->size == want->size, "%s: shape", j->name);
    for (int64_t e = 0; e < y->size; e++)
        ck_assert_msg(fabs(element(y, e) - element(want, e)) <= 1e-12 * fabs(element(want, e)) + 1e-15, "%s(p %g, q %d), element %lld: %.17g, PyTorch %.17g",
                      j->name, j->p, (int)j->q, (long long)e, element(y, e), element(want, e));
    bool edge = !strcmp(j->name, "acosh") && element(j->in[0], 0) < 1.1;          /* steeper than differences see */
    edge = edge || (!strcmp(j->name, "kl_div") && j->p == 1);                      /* y log y has no slope at 0 */
    for (int i = 0; i < j->n; i++)
        if (j->in[i]->dtype == GM_F64) leaves[n++] = j->in[i];
    if (!strcmp(j->name, "cross_entropy_smooth") || !strcmp(j->name, "bce_weighted")) n = n > 1 && j->in[1]->dtype == GM_F64 ? 2 : 1;
    for (int i = 0; i < n; i++) ck_assert_int_eq(gm_tensor_set_grad(leaves[i], 1), GM_OK);
    if (!edge) {
        ck_assert_msg(!gm_gradcheck(ctx, expression, j, leaves, n, 2, &error), "%s: %s", j->name, gm_ctx_message(ctx));
        ck_assert_msg(error <= 2e-6, "%s(p %g, q %d): gradient off by %g", j->name, j->p, (int)j->q, error);
    }
    gm_tape_reset(t);
}

START_TEST(values_of_pytorch)
{
    static char line[65536];
    int cases = 0;
    job j = {.n = 0};
    FILE *f = fopen("tests/vectors/composed.txt", "r");
    ck_assert_msg(f != NULL, "tests/vectors/composed.txt cannot be read; run from the top of the tree");
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, "in ", 3) || !strncmp(line, "l ", 2)) {
            ck_assert_int_lt(j.n, 3);
            j.in[j.n++] = read_tensor(line, *line == 'l');
        } else if (!strncmp(line, "y ", 2)) {
            gm_tensor *want = read_tensor(line, false);
            check(&j, want);
            gm_tensor_free(want);
            for (int i = 0; i < j.n; i++) gm_tensor_free(j.in[i]);
            cases++;
        } else {
            j = (job){.n = 0};
            ck_assert_int_eq(sscanf(line, "%39s %lf %d", j.name, &j.p, &j.q), 3);
        }
    }
    fclose(f);
    ck_assert_int_ge(cases, 60);
}
END_TEST

/* ---- closed forms -------------------------------------------------------------------- */

static gm_tensor *of(int dtype, int64_t n, const double *v)
{
    gm_tensor *x = gm__tape_tensor(t, dtype, 1, &n);
    ck_assert_ptr_nonnull(x);
    for (int64_t e = 0; e < n; e++) {
        if (dtype == GM_F64) gm__f64(x)[e] = v[e];
        else if (dtype == GM_F32) gm__f32(x)[e] = (float)v[e];
        else x->data[e] = (char)v[e];
    }
    return x;
}
static void is(const gm_tensor *x, int64_t n, const double *v)
{
    ck_assert_msg(x != NULL, "%s", gm_tape_message(t));
    ck_assert_int_eq(x->size, n);
    for (int64_t e = 0; e < n; e++) ck_assert_msg(close_to(element(x, e), v[e], 1e-15), "element %lld is %.17g, not %.17g", (long long)e, element(x, e), v[e]);
}
#define V(...) (const double[]){__VA_ARGS__}

START_TEST(tests_and_logic)
{
    for (int dtype = GM_F32; dtype <= GM_F64; dtype++) {
        gm_tensor *x = of(dtype, 5, V(NAN, INFINITY, -INFINITY, 0, 3));
        is(gm_isnan(t, x), 5, V(1, 0, 0, 0, 0));
        is(gm_isinf(t, x), 5, V(0, 1, 1, 0, 0));
        is(gm_isfinite(t, x), 5, V(0, 0, 0, 1, 1));
        is(gm_logical_not(t, x), 5, V(0, 0, 0, 1, 0));
        is(gm_masked_fill(t, of(dtype, 3, V(1, 2, 3)), of(GM_U8, 3, V(0, 1, 0)), -7), 3, V(1, -7, 3));
    }
    gm_tensor *a = of(GM_U8, 4, V(0, 0, 1, 7)), *b = of(GM_U8, 4, V(0, 2, 0, 1));
    is(gm_logical_and(t, a, b), 4, V(0, 0, 0, 1));
    is(gm_logical_or(t, a, b), 4, V(0, 1, 1, 1));
    is(gm_logical_xor(t, a, b), 4, V(0, 1, 1, 0));
    gm_tensor *none = of(GM_F32, 0, V(0)), *x = of(GM_F64, 4, V(3, -1, 2, -1));
    is(gm_any(t, none, GM_ALL_AXES, 0), 1, V(0));
    is(gm_all(t, none, GM_ALL_AXES, 0), 1, V(1));
    is(gm_any(t, b, 0, 0), 1, V(1));
    is(gm_all(t, b, 0, 1), 1, V(0));
    is(gm_all(t, x, 0, 0), 1, V(1));
    is(gm_argmin(t, x, 0, 0), 1, V(1));
    is(gm_prod(t, none, 0, 1), 1, V(1));
    gm_tensor *cube = gm_reshape(t, of(GM_F64, 8, V(1, 2, 3, 4, 5, 6, 7, 8)), 3, (int64_t[]){2, 2, 2});
    is(gm_sum_axes(t, cube, 2, (int32_t[]){-1, 0}, 0), 2, V(1 + 2 + 5 + 6, 3 + 4 + 7 + 8));
    is(gm_sum_axes(t, cube, 0, NULL, 0), 8, V(1, 2, 3, 4, 5, 6, 7, 8));
    ck_assert_int_eq(gm_tape_status(t), GM_OK);
}
END_TEST

/* the gradient of a norm is 0 at 0, not NaN */
START_TEST(norm_at_zero)
{
    static const double ps[] = {0.5, 1, 1.5, 2, 3, INFINITY};
    for (size_t k = 0; k < sizeof ps / sizeof *ps; k++) {
        gm_tensor *x = NULL;
        ck_assert_int_eq(gm_tensor_new(ctx, GM_F64, 1, (int64_t[]){4}, &x), GM_OK);
        ck_assert_int_eq(gm_tensor_set_grad(x, 1), GM_OK);
        gm_tensor *y = gm_norm(t, x, ps[k], 0, 0);
        is(y, 1, V(0));
        ck_assert_int_eq(gm_tape_backward(t, y), GM_OK);
        is(gm_tensor_grad(x), 4, V(0, 0, 0, 0));
        gm_tensor_free(x);
        gm_tape_reset(t);
    }
}
END_TEST

START_TEST(wrong_arguments)
{
#define WRONG(code, word, e)                                                                                                      \
    do {                                                                                                                          \
        gm_tensor *x = of(GM_F32, 3, V(1, 2, 3)), *y = gm_reshape(t, x, 2, (int64_t[]){1, 3});                                     \
        (void)x, (void)y;                                                                                                         \
        ck_assert_ptr_null(e);                                                                                                    \
        ck_assert_msg(gm_tape_status(t) == (code) && strstr(gm_tape_message(t), word), "%s: %s", #e, gm_tape_message(t));         \
        ck_assert_ptr_null(e); /* and on a tape that holds an error */                                                            \
        gm_tape_reset(t);                                                                                                         \
    } while (0)
    WRONG(GM_EARG, "celu: alpha 0", gm_celu(t, x, 0));
    WRONG(GM_ESHAPE, "prelu: 3 slopes", gm_prelu(t, x, x));
    WRONG(GM_EARG, "norm: p 0", gm_norm(t, x, 0, 0, 0));
    WRONG(GM_ESHAPE, "var: axis 1 ", gm_var(t, x, 1, 0, 0));
    WRONG(GM_ESHAPE, "prod: axis -2 ", gm_prod(t, x, -2, 0));
    WRONG(GM_EARG, "prod: x is NULL", gm_prod(t, NULL, 0, 0));
    WRONG(GM_ESHAPE, "cumsum: axis 1 ", gm_cumsum(t, x, 1));
    WRONG(GM_EARG, "sum_axes: axis -1 is named twice", gm_sum_axes(t, y, 2, (int32_t[]){1, -1}, 0));
    WRONG(GM_EARG, "huber: delta -1", gm_huber(t, x, x, -1, GM_MEAN));
    WRONG(GM_ESHAPE, "nll: scores [N, C]", gm_nll(t, x, x, GM_MEAN));
    WRONG(GM_EARG, "smoothing 2", gm_cross_entropy_smooth(t, y, x, NULL, 2, GM_MEAN));
    WRONG(GM_EARG, "reduce: 7", gm_l1(t, x, x, 7));
    WRONG(GM_EARG, "", gm_logical_not(t, NULL));
    WRONG(GM_EARG, "", gm_isinf(t, NULL));
    WRONG(GM_EARG, "", gm_kl_div(t, NULL, NULL, GM_SUM));
    WRONG(GM_EARG, "", gm_masked_fill(t, NULL, NULL, 0));
    WRONG(GM_EARG, "", gm_prelu(t, x, NULL));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {values_of_pytorch, tests_and_logic, norm_at_zero, wrong_arguments};
    Suite *s = suite_create("math");
    TCase *c = tcase_create("math");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
