/* Every op, from the samples in its row: reference values, gradients of both orders and on both paths,
 * f32 against f64, storage, threads, failing allocations. `test_ops --samples` prints the samples for tests/vectors/ops.py. */
#include "ops/samples.h"

/* ---- one run of a sample ---------------------------------------------------------- */

typedef struct run {
    const sample *s;
    gm_ctx *ctx;
    gm_tape *t;
    gm_tensor *in[MAX_IN]; /* owned */
    gm_tensor *y;          /* on the tape */
} run;

static gm_ctx *new_ctx(int threads)
{
    gm_ctx_config c;
    gm_ctx *ctx = NULL;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    return ctx;
}

static void make_inputs(run *r, const sample *s, gm_ctx *ctx, int dtype, char layout)
{
    *r = (run){.s = s, .ctx = ctx};
    for (int j = 0; j < s->nin; j++) {
        r->in[j] = make_input(ctx, s, j, dtype, layout);
        if (has_gradient(s, j)) ck_assert_int_eq(gm_tensor_set_grad(r->in[j], 1), GM_OK);
    }
}

/* sum(y * w), w from the hash: the number whose gradient is taken */
static gm_tensor *weighted(gm_tape *t, const sample *s, gm_tensor *y)
{
    if (!y) return NULL;
    gm_tensor *w = gm__tape_tensor(t, y->dtype, y->ndim, y->shape);
    if (!w) return NULL;
    for (int64_t e = 0; e < w->size; e++) {
        double v = 2 * hash_unit(s->op->name, s->index, WEIGHTS, (unsigned)e) - 1;
        if (w->dtype == GM_F64) gm__f64(w)[e] = v;
        else gm__f32(w)[e] = (float)v;
    }
    return gm_sum(t, gm_mul(t, y, w), GM_ALL_AXES, 0);
}

static bool any_gradient(const sample *s)
{
    bool any = false;
    for (int j = 0; j < s->nin; j++) any = any || has_gradient(s, j);
    return any;
}

static gm_status forward(run *r)
{
    r->y = apply_sample(r->t, r->s, r->in);
    return gm_tape_status(r->t);
}
static gm_status backward(run *r)
{
    if (!any_gradient(r->s)) return GM_OK;
    gm_tensor *loss = weighted(r->t, r->s, r->y);
    return loss ? gm_tape_backward(r->t, loss) : gm_tape_status(r->t);
}

static void start(run *r, const sample *s, gm_ctx *ctx, int dtype, char layout)
{
    make_inputs(r, s, ctx, dtype, layout);
    ck_assert_int_eq(gm_tape_new(ctx, 1, &r->t), GM_OK);
    forward(r);
    backward(r);
    ck_assert_msg(gm_tape_status(r->t) == GM_OK, "%s sample %u: %s", s->op->name, s->index, gm_tape_message(r->t));
}
static void stop(run *r)
{
    for (int j = 0; j < r->s->nin; j++) gm_tensor_free(r->in[j]);
    gm_tape_free(r->t);
}

/* all samples of all ops, on one context */
static void each_sample(int threads, void (*fn)(const sample *s, gm_ctx *ctx))
{
    gm_ctx *ctx = new_ctx(threads);
    for (int k = 0; gm__all_ops[k]; k++) {
        const char *text = gm__all_ops[k]->samples;
        sample s;
        for (unsigned i = 0; next_sample(gm__all_ops[k], &text, &s, i); i++) fn(&s, ctx);
    }
    gm_ctx_free(ctx);
}

static void same(const sample *s, const char *what, const gm_tensor *a, const gm_tensor *b, double tol)
{
    ck_assert_msg(gm__shape_equal(a, b), "%s sample %u %s: shapes differ", s->op->name, s->index, what);
    for (int64_t e = 0; e < a->size; e++)
        ck_assert_msg(close_to(element(a, e), element(b, e), tol), "%s sample %u %s, element %lld: %.17g and %.17g", s->op->name, s->index, what,
                      (long long)e, element(a, e), element(b, e));
}

/* ---- the list ------------------------------------------------------------------------ */

START_TEST(rows_are_complete)
{
    size_t rows = 0;
    for (; gm__all_ops[rows]; rows++) {
        const gm__op *op = gm__all_ops[rows];
        const char *text = op->samples;
        unsigned n = 0;
        sample s;
        ck_assert_ptr_nonnull(op->name);
        ck_assert_msg(text && *text, "%s has no samples", op->name);
        while (next_sample(op, &text, &s, n)) n++;
        ck_assert_msg(n >= 12, "%s has only %u samples", op->name, n);
        ck_assert_msg(op->vjp || op->flags & GM__OP_NOGRAD, "%s has no gradient and does not say so", op->name);
        ck_assert_msg(op->forward || op->flags & GM__OP_VIEW, "%s computes nothing", op->name);
        for (size_t k = 0; k < rows; k++) ck_assert_str_ne(gm__all_ops[k]->name, op->name);
    }
    ck_assert_uint_ge(rows, 70);
}
END_TEST

/* ---- against PyTorch -------------------------------------------------------------------- */

static struct reference { char op[32], what[8]; unsigned sample; long n; int kept; double v[4], sum; } *table;
static size_t n_table, n_used;

static void read_table(void)
{
    char line[512];
    FILE *f = fopen("tests/vectors/ops.txt", "r");
    ck_assert_msg(f != NULL, "tests/vectors/ops.txt cannot be read; run from the top of the tree");
    table = calloc(65536, sizeof *table);
    while (fgets(line, sizeof line, f)) {
        struct reference *r = &table[n_table];
        int at, more;
        if (*line == '#') continue;
        ck_assert_int_eq(sscanf(line, "%31s %u %7s %ld%n", r->op, &r->sample, r->what, &r->n, &at), 4);
        for (; sscanf(line + at, "%lf%n", &r->sum, &more) == 1; at += more) {
            ck_assert_int_le(r->kept, 4);
            if (r->kept < 4) r->v[r->kept] = r->sum;
            r->kept++;
        }
        ck_assert_int_ge(r->kept, 1);
        r->kept--; /* the last is the weighted sum */
        ck_assert_uint_lt(++n_table, 65536);
    }
    fclose(f);
}

static void against_table(const sample *s, const char *what, const gm_tensor *x)
{
    struct reference *r = table;
    while (r < table + n_table && (strcmp(r->op, s->op->name) || r->sample != s->index || strcmp(r->what, what))) r++;
    ck_assert_msg(r < table + n_table, "%s sample %u: no reference for %s", s->op->name, s->index, what);
    n_used++;
    ck_assert_int_eq(x->size, r->n);
    for (int k = 0; k < r->kept; k++) {
        int64_t e = r->kept > 1 ? k * (x->size - 1) / (r->kept - 1) : 0;
        ck_assert_msg(close_to(element(x, e), r->v[k], 1e-11), "%s sample %u %s, element %lld: %.17g, PyTorch %.17g", s->op->name, s->index, what,
                      (long long)e, element(x, e), r->v[k]);
    }
    double sum = 0, size = 0;
    for (int64_t e = 0; e < x->size; e++) {
        double v = element(x, e) * (2 * hash_unit(s->op->name, s->index, CHECKSUM, (unsigned)e) - 1);
        sum += v;
        size += fabs(v);
    }
    ck_assert_msg(close_to(sum, r->sum, 1e-11 * fmax(1, isfinite(size) ? size : 1)), "%s sample %u %s: weighted sum %.17g, PyTorch %.17g", s->op->name,
                  s->index, what, sum, r->sum);
}

static void check_reference(const sample *s, gm_ctx *ctx)
{
    run r;
    if (s->op->flags & GM__OP_RANDOM) return; /* other draws than ours; see test_ops_more.c */
    start(&r, s, ctx, GM_F64, 0);
    against_table(s, "y", r.y);
    for (int j = 0; j < s->nin; j++) {
        char what[8] = {'g', (char)('0' + j)};
        if (!has_gradient(s, j)) continue;
        ck_assert_msg(gm_tensor_grad(r.in[j]) != NULL, "%s sample %u: no gradient of input %d", s->op->name, s->index, j);
        against_table(s, what, gm_tensor_grad(r.in[j]));
    }
    stop(&r);
}

START_TEST(values_and_gradients_of_pytorch)
{
    read_table();
    each_sample(1, check_reference);
    ck_assert_uint_eq(n_used, n_table); /* nothing stale in the file */
    free(table);
}
END_TEST

/* ---- finite differences -------------------------------------------------------------------- */

static gm_tensor *expression(gm_tape *t, gm_tensor *const *inputs, int32_t n, void *user)
{
    run *r = user; /* holds the inputs without a gradient too */
    (void)inputs;
    (void)n;
    return weighted(t, r->s, apply_sample(t, r->s, r->in));
}

static void check_differences(const sample *s, gm_ctx *ctx)
{
    run r;
    gm_tensor *inputs[MAX_IN];
    int32_t n = 0;
    double error = -1;
    if (!any_gradient(s)) return;
    make_inputs(&r, s, ctx, GM_F64, 0);
    int64_t size = 0;
    for (int j = 0; j < s->nin; j++) {
        if (!has_gradient(s, j)) continue;
        inputs[n++] = r.in[j];
        size += r.in[j]->size;
    }
    /* both orders; the long rows that are there for chunked loops get the first */
    gm_status st = gm_gradcheck(ctx, expression, &r, inputs, n, size > 800 ? 1 : 2, &error);
    ck_assert_msg(st == GM_OK, "%s sample %u: %s", s->op->name, s->index, gm_ctx_message(ctx));
    ck_assert_msg(error <= 1e-6, "%s sample %u: gradient off by %g", s->op->name, s->index, error);
    stop(&r);
}
START_TEST(gradients_of_both_orders) { each_sample(1, check_differences); }
END_TEST

/* ---- the two gradient paths, and adding ------------------------------------------------------- */

static void check_paths(const sample *s, gm_ctx *ctx)
{
    run r;
    gm_tensor *xs[MAX_IN], *gx[MAX_IN];
    int n = 0;
    if (!any_gradient(s)) return;
    start(&r, s, ctx, GM_F64, 0);
    gm_tensor *loss = weighted(r.t, s, r.y);
    for (int j = 0; j < s->nin; j++)
        if (has_gradient(s, j)) xs[n++] = r.in[j];
    ck_assert_msg(!gm_tape_grad(r.t, loss, xs, n, 1, gx), "%s: %s", s->op->name, gm_tape_message(r.t));
    for (int k = 0; k < n; k++) same(s, "fused and composed gradient", gm_tensor_grad(xs[k]), gx[k], 1e-11);
    /* backward adds to what is there: three times the gradient, set by hand */
    for (int k = 0; k < n; k++) {
        gm_tensor *g = gm_tensor_grad(xs[k]);
        for (int64_t e = 0; e < g->size; e++) gm__f64(g)[e] *= 3;
    }
    ck_assert_int_eq(gm_tape_backward(r.t, loss), GM_OK);
    for (int k = 0; k < n; k++) {
        gm_tensor *g = gm_tensor_grad(xs[k]);
        for (int64_t e = 0; e < g->size; e++) ck_assert_msg(close_to(element(g, e), 4 * element(gx[k], e), 1e-11), "%s sample %u: adding", s->op->name, s->index);
    }
    stop(&r);
}
START_TEST(fused_equals_composed) { each_sample(1, check_paths); }
END_TEST

/* ---- types, storage, threads ------------------------------------------------------------------ */

static bool input_typed(const sample *s) { return s->nin > 0 && !f32_only(s); }

static void check_types(const sample *s, gm_ctx *ctx)
{
    run a, b;
    if (!input_typed(s)) return;
    start(&a, s, ctx, GM_F64, 0);
    start(&b, s, ctx, GM_F32, 0);
    if (s->op == &gm__op_cast || is_float_input(&s->in[0]) == 0 || a.y->dtype == GM_F64 || a.y->dtype == b.y->dtype) same(s, "f32 and f64", a.y, b.y, 3e-5);
    for (int j = 0; j < s->nin; j++)
        if (has_gradient(s, j)) same(s, "gradient in f32 and f64", gm_tensor_grad(a.in[j]), gm_tensor_grad(b.in[j]), 1e-4);
    stop(&a);
    stop(&b);
}
START_TEST(f32_is_near_f64) { each_sample(1, check_types); }
END_TEST

static void check_storage(const sample *s, gm_ctx *ctx)
{
    run a;
    if (s->nin == 0) return;
    int dtype = f32_only(s) ? GM_F32 : GM_F64;
    start(&a, s, ctx, dtype, 'c');
    for (const char *layout = "ts"; *layout; layout++) {
        run b;
        start(&b, s, ctx, dtype, *layout);
        same(s, "result of other storage", a.y, b.y, 1e-13);
        for (int j = 0; j < s->nin; j++)
            if (has_gradient(s, j)) same(s, "gradient of other storage", gm_tensor_grad(a.in[j]), gm_tensor_grad(b.in[j]), 1e-12);
        stop(&b);
    }
    stop(&a);
}
START_TEST(storage_does_not_matter) { each_sample(1, check_storage); }
END_TEST

static void check_threads(const sample *s, gm_ctx *ctx)
{
    run a, b;
    gm_ctx *one = new_ctx(1);
    start(&a, s, one, GM_F32, 0);
    start(&b, s, ctx, GM_F32, 0);
    same(s, "threads", a.y, b.y, 0);
    for (int j = 0; j < s->nin; j++)
        if (has_gradient(s, j)) same(s, "gradient over threads", gm_tensor_grad(a.in[j]), gm_tensor_grad(b.in[j]), 0);
    stop(&a);
    stop(&b);
    gm_ctx_free(one);
}
START_TEST(threads_do_not_matter) { each_sample(3, check_threads); }
END_TEST

/* ---- allocations that fail ---------------------------------------------------------------------- */

typedef struct budget { long left; } budget; /* < 0: no limit */

static void *limited_alloc(void *user, size_t size)
{
    budget *b = user;
    if (b->left == 0) return NULL;
    if (b->left > 0) b->left--;
    return malloc(size);
}
static void limited_free(void *user, void *p)
{
    (void)user;
    free(p);
}

static void check_failing(const sample *s, gm_ctx *unused)
{
    (void)unused;
    if (s->index > 1) return; /* two samples an op */
    for (long n = 0;; n++) {
        budget b = {-1};
        gm_ctx_config c;
        gm_ctx *ctx = NULL;
        run r;
        ck_assert_int_lt(n, 100);
        gm_ctx_config_init(&c, sizeof c);
        c.threads = 1;
        c.alloc = limited_alloc;
        c.dealloc = limited_free;
        c.alloc_user = &b;
        ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
        make_inputs(&r, s, ctx, f32_only(s) ? GM_F32 : GM_F64, 0);
        ck_assert_int_eq(gm_tape_new(ctx, 1, &r.t), GM_OK);
        b.left = n;
        gm_status st = forward(&r);
        if (!st) st = backward(&r);
        b.left = -1;
        ck_assert_msg(st == GM_OK || st == GM_ENOMEM, "%s: allocation %ld failing gives %s: %s", s->op->name, n, gm_status_name(st), gm_tape_message(r.t));
        if (st) ck_assert(*gm_tape_message(r.t) != 0);
        gm_tape_reset(r.t); /* whatever happened, the tape goes on */
        forward(&r);
        ck_assert_msg(!backward(&r), "%s after a failure: %s", s->op->name, gm_tape_message(r.t));
        stop(&r);
        gm_ctx_free(ctx);
        if (st == GM_OK) break;
    }
}
START_TEST(failing_allocations) { each_sample(1, check_failing); }
END_TEST

/* ---- main ------------------------------------------------------------------------------------------ */

static void print_samples(void)
{
    for (int k = 0; gm__all_ops[k]; k++)
        if (!(gm__all_ops[k]->flags & GM__OP_RANDOM)) printf("%s|%s\n", gm__all_ops[k]->name, gm__all_ops[k]->samples);
}

int main(int argc, char **argv)
{
    const TTest *const tests[] = {rows_are_complete, values_and_gradients_of_pytorch, gradients_of_both_orders, fused_equals_composed, f32_is_near_f64,
                                  storage_does_not_matter, threads_do_not_matter, failing_allocations};
    if (argc > 1 && !strcmp(argv[1], "--samples")) {
        print_samples();
        return 0;
    }
    Suite *s = suite_create("ops");
    TCase *c = tcase_create("ops");
    tcase_set_timeout(c, 300);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
