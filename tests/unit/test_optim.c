/* Optimisers against PyTorch (tests/vectors/optim.txt), clipping, averages, state, and gradients that are not finite. */
#include "optim/optim.h"
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gm_ctx *ctx;
static void setup(void) { ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK); }
static void teardown(void)
{
    gm_memory m = {.struct_size = sizeof m};
    if (gm_ctx_memory(ctx, &m) == GM_OK) ck_assert_msg(m.live_bytes < 100000, "%llu bytes live", (unsigned long long)m.live_bytes);
    gm_ctx_free(ctx);
}

#define OK(call)                                                                               \
    do {                                                                                       \
        gm_status s_ = (call);                                                                 \
        ck_assert_msg(s_ == GM_OK, "%s: %s: %s", #call, gm_status_name(s_), gm_ctx_message(ctx)); \
    } while (0)
static void fails(gm_status got, gm_status want, const char *message)
{
    ck_assert_msg(got == want, "got %s: %s", gm_status_name(got), gm_ctx_message(ctx));
    ck_assert_msg(strstr(gm_ctx_message(ctx), message) != NULL, "message: %s", gm_ctx_message(ctx));
}

static double get(const gm_tensor *t, int64_t i) { return t->dtype == GM_F64 ? gm__f64(t)[i] : (double)gm__f32(t)[i]; }
static void put(gm_tensor *t, int64_t i, double v)
{
    if (t->dtype == GM_F64) gm__f64(t)[i] = v;
    else gm__f32(t)[i] = (float)v;
}

static gm_tensor *leaf(int dtype, int64_t n, const double *v)
{
    gm_tensor *t = NULL;
    OK(gm_tensor_new(ctx, dtype, 1, &n, &t));
    for (int64_t i = 0; i < n; i++) put(t, i, v ? v[i] : 0);
    return t;
}

static void set_grad(gm_tensor *w, const double *v)
{
    gm_tensor *g = NULL;
    OK(gm__leaf_grad(w, &g));
    for (int64_t i = 0; i < w->size; i++) put(g, i, v[i]);
    w->has_grad = true;
}

/* as in optim.py */
static double gradient(int step, int i) { return ((step * 7 + i * 5) % 11 - 5) / 4.0; }

static void near(double got, double want, double tol, const char *name, int step, const char *what)
{
    ck_assert_msg(fabs(got - want) <= tol * fmax(1, fabs(want)), "%s step %d: %s is %.12g, expected %.12g", name, step, what, got, want);
}

static const double LOSS[5] = {1.0, 0.9, 0.89995, 0.95, 0.2}; /* as in optim.py */

static void run_case(FILE *f, const char *head, int dtype)
{
    char late[8], kind[8], options[128] = "", text[160];
    ck_assert_int_ge(sscanf(head, "case %7s %7s %127[^\n]", late, kind, options), 2);
    snprintf(text, sizeof text, "%s %s (%s)", kind, options, gm_dtype_name(dtype));
    gm_tensor *p[2] = {leaf(dtype, 4, (double[]){0.5, -1.25, 2.0, 0.125}), leaf(dtype, 2, (double[]){-0.75, 1.5})};
    gm_optim *o = NULL;
    OK(gm_optim_new(ctx, kind, options, &o));
    for (int k = 0; k < 2; k++) OK(gm_optim_add(o, p[k], NULL));
    double tol = dtype == GM_F64 ? 1e-12 : 1e-6;
    for (int step = 0; step < 5; step++) {
        double want[8], g[6];
        for (int i = 0; i < 8; i++) ck_assert_int_eq(fscanf(f, "%lf", &want[i]), 1);
        for (int i = 0; i < 6; i++) g[i] = gradient(step, i);
        set_grad(p[0], g);
        if (strcmp(late, "late") != 0 || step >= 2) set_grad(p[1], g + 4);
        near(gm_optim_lr(o), want[0], 1e-12, text, step, "lr");
        OK(gm_optim_step(o));
        OK(gm_optim_observe(o, LOSS[step]));
        near(gm_optim_grad_norm(o), want[1], 1e-12, text, step, "norm");
        for (int i = 0; i < 6; i++) near(get(p[i / 4], i % 4), want[2 + i], tol, text, step, "a weight");
        ck_assert(!gm_tensor_grad(p[0]) && !gm_tensor_grad(p[1]));
    }
    ck_assert_int_eq(gm_optim_steps(o), 5);
    gm_optim_free(o);
    for (int k = 0; k < 2; k++) gm_tensor_free(p[k]);
}

START_TEST(equals_pytorch)
{
    int cases = 0;
    for (int dtype = GM_F32; dtype <= GM_F64; dtype++) {
        char line[256];
        FILE *f = fopen("tests/vectors/optim.txt", "r");
        ck_assert_msg(f != NULL, "tests/vectors/optim.txt: run from the top of the repository");
        while (fgets(line, sizeof line, f)) {
            if (strncmp(line, "case", 4) != 0) continue;
            run_case(f, line, dtype);
            cases++;
        }
        fclose(f);
    }
    ck_assert_int_eq(cases, 2 * 69);
}
END_TEST

/* Large tensors are cut into tasks: the same numbers as one at a time, at any number of threads. */
START_TEST(tasks_and_threads)
{
    enum { N = 50000 };
    static double g[N], first[2][N];
    double norm[2];
    for (int i = 0; i < N; i++) g[i] = ((i * 37) % 101 - 50) / 64.0;
    for (int run = 0; run < 2; run++) {
        OK(gm_ctx_set_threads(ctx, run ? 3 : 1));
        gm_tensor *p[3] = {leaf(GM_F32, 7, NULL), leaf(GM_F32, N, NULL), leaf(GM_F32, 9, NULL)};
        gm_optim *o = NULL;
        OK(gm_optim_new(ctx, "adam", "lr=0.01 clip-norm=1 ema=0.5", &o));
        for (int k = 0; k < 3; k++) OK(gm_optim_add(o, p[k], NULL));
        for (int step = 0; step < 3; step++) {
            for (int k = 0; k < 3; k++) set_grad(p[k], g);
            OK(gm_optim_step(o));
        }
        norm[run] = gm_optim_grad_norm(o);
        double sum = 0;
        for (int i = 0; i < N; i++) sum += g[i] * g[i] * (1 + (i < 7) + (i < 9));
        near(norm[run], sqrt(sum), 1e-12, "tasks", 2, "norm");
        for (int i = 0; i < N; i++) first[run][i] = get(p[1], i);
        for (int i = 0; i < 7; i++) ck_assert(get(p[0], i) == first[run][i] && get(p[2], i) == first[run][i]);
        gm_optim_free(o);
        for (int k = 0; k < 3; k++) gm_tensor_free(p[k]);
    }
    ck_assert(norm[0] == norm[1] && memcmp(first[0], first[1], sizeof first[0]) == 0);
}
END_TEST

START_TEST(averages)
{
    gm_tensor *w = leaf(GM_F64, 2, (double[]){1, -2});
    gm_optim *o = NULL;
    OK(gm_optim_new(ctx, "sgd", "lr=0.5 ema=0.75", &o));
    OK(gm_optim_add(o, w, NULL));
    fails(gm_optim_swap_ema(o), GM_ESTATE, "no step");
    double v[2] = {1, -2}, e[2] = {1, -2};
    for (int step = 0; step < 3; step++) {
        double g[2] = {gradient(step, 0), gradient(step, 1)};
        set_grad(w, g);
        OK(gm_optim_step(o));
        for (int i = 0; i < 2; i++) v[i] -= 0.5 * g[i], e[i] = 0.75 * e[i] + 0.25 * v[i];
    }
    OK(gm_optim_swap_ema(o));
    for (int i = 0; i < 2; i++) near(get(w, i), e[i], 1e-14, "ema", 3, "an average");
    fails(gm_optim_step(o), GM_ESTATE, "swap");
    OK(gm_optim_swap_ema(o));
    for (int i = 0; i < 2; i++) near(get(w, i), v[i], 1e-14, "ema", 3, "a weight");
    gm_optim_free(o);
    OK(gm_optim_new(ctx, "sgd", NULL, &o));
    OK(gm_optim_add(o, w, NULL));
    fails(gm_optim_swap_ema(o), GM_ESTATE, "without ema");
    gm_optim_free(o);
    gm_tensor_free(w);
}
END_TEST

START_TEST(not_finite)
{
    for (int dtype = GM_F32; dtype <= GM_F64; dtype++) {
        for (int bad = 0; bad < 2; bad++) {
            gm_tensor *a = leaf(dtype, 3, (double[]){1, 2, 3}), *b = leaf(dtype, 2, (double[]){4, 5});
            gm_optim *o = NULL;
            OK(gm_optim_new(ctx, "adam", "lr=0.1 ema=0.5", &o));
            OK(gm__optim_add_named(o, "first", a, NULL));
            OK(gm__optim_add_named(o, "second", b, NULL));
            set_grad(a, (double[]){1, 1, 1});
            set_grad(b, (double[]){1, bad ? NAN : INFINITY});
            fails(gm_optim_step(o), GM_ENONFINITE, "optim: the gradient of second is not finite (step 1)");
            ck_assert(get(a, 0) == 1 && get(a, 2) == 3 && get(b, 0) == 4 && get(b, 1) == 5);
            ck_assert(!gm_tensor_grad(a) && !gm_tensor_grad(b));
            ck_assert_int_eq(gm_optim_steps(o), 0);
            /* training goes on as if nothing had been */
            set_grad(a, (double[]){1, 1, 1});
            OK(gm_optim_step(o));
            near(get(a, 0), 0.9, 1e-6, "after", 0, "a weight");
            gm_optim_free(o);
            gm_tensor_free(a);
            gm_tensor_free(b);
        }
    }
}
END_TEST

START_TEST(groups)
{
    gm_tensor *a = leaf(GM_F64, 1, (double[]){1}), *b = leaf(GM_F64, 1, (double[]){1});
    gm_optim *o = NULL;
    OK(gm_optim_new(ctx, "sgd", "lr=0.1 weight-decay=0.5", &o));
    OK(gm_optim_add(o, a, "weight-decay=0 lr-scale=2"));
    OK(gm_optim_add(o, b, NULL));
    set_grad(a, (double[]){1});
    set_grad(b, (double[]){1});
    OK(gm_optim_step(o));
    near(get(a, 0), 0.8, 1e-14, "group", 0, "a");
    near(get(b, 0), 0.85, 1e-14, "group", 0, "b");
    fails(gm_optim_add(o, a, NULL), GM_EARG, "already added as 0");
    gm_optim_free(o);
    gm_tensor_free(a);
    gm_tensor_free(b);
}
END_TEST

static gm_optim *with_names(const char *options, gm_tensor *const *w, const char *const *names, int n)
{
    gm_optim *o = NULL;
    OK(gm_optim_new(ctx, "sgd", options, &o));
    for (int i = 0; i < n; i++) OK(gm__optim_add_named(o, names[i], w[i], i == 3 ? "lr-scale=10" : NULL));
    return o;
}

START_TEST(groups_by_name)
{
    static const char *const names[] = {"encoder.0.weight", "encoder.0.bias", "encoder2.weight", "noise"};
    static const struct { const char *groups; double want[4]; } cases[] = { /* after a step with gradients of 1 and rate 0.1 */
        {"", {0.85, 0.85, 0.85, -0.5}},
        {" ; ", {0.85, 0.85, 0.85, -0.5}},
        {"encoder: lr-scale=2", {0.7, 0.7, 0.85, -0.5}},
        {"encoder.0.bias: weight-decay=0", {0.85, 0.9, 0.85, -0.5}},
        {"*.bias,noise:weight-decay=0,lr-scale=0.5", {0.85, 0.95, 0.85, 0.5}},
        {"*: weight-decay=0 ; encoder?.*: lr-scale=0;", {0.9, 0.9, 1, 0}},
        {"*:lr-scale=0;encoder.0.*ght : lr-scale=1", {0.85, 1, 1, 1}},
        {"*.*.*:lr-scale=3; encoder.0.weight:weight-decay=1", {0.4, 0.55, 0.85, -0.5}},
    };
    for (size_t c = 0; c < GM__COUNT(cases); c++) {
        gm_tensor *w[4];
        for (int i = 0; i < 4; i++) w[i] = leaf(GM_F64, 1, (double[]){1});
        gm_optim *o = with_names("lr=0.1 weight-decay=0.5", w, names, 4);
        OK(gm_optim_groups(o, cases[c].groups));
        for (int i = 0; i < 4; i++) set_grad(w[i], (double[]){1});
        OK(gm_optim_step(o));
        for (int i = 0; i < 4; i++) near(get(w[i], 0), cases[c].want[i], 1e-14, cases[c].groups, i, "a weight");
        fails(gm_optim_groups(o, NULL), GM_ESTATE, "groups: 1 steps were taken");
        gm_optim_free(o);
        for (int i = 0; i < 4; i++) gm_tensor_free(w[i]);
    }
    gm_tensor *w = leaf(GM_F64, 1, NULL);
    gm_optim *o = with_names(NULL, &w, names, 1);
    fails(gm_optim_groups(o, "encoder"), GM_EARG, "groups: expected NAMES: lr-scale=X weight-decay=Y, got 'encoder'");
    fails(gm_optim_groups(o, "encodr: lr-scale=0"), GM_EARG, "groups: no weight is called 'encodr' (the first of 1 is encoder.0.weight)");
    fails(gm_optim_groups(o, "encoder.: lr-scale=0"), GM_EARG, "no weight is called 'encoder.'");
    fails(gm_optim_groups(o, ": lr-scale=0"), GM_EARG, "a name is missing");
    fails(gm_optim_groups(o, "encoder,: lr-scale=0"), GM_EARG, "a name is missing");
    fails(gm_optim_groups(o, "encoder:"), GM_EARG, "groups: nothing is set for 'encoder'");
    fails(gm_optim_groups(o, "encoder: lr=0"), GM_EARG, "group: no option 'lr'");
    fails(gm_optim_groups(o, "encoder: lr-scale=-1"), GM_EARG, "lr-scale");
    fails(gm_optim_groups(o, "encoder: lr-scale=1 lr-scale=2"), GM_EARG, "given twice");
    fails(gm_optim_groups(o, "encoder: lr-scale=1: weight-decay=2"), GM_EARG, "lr-scale");
    ck_assert_int_eq(gm_optim_groups(NULL, ""), GM_EARG);
    gm_optim_free(o);
    gm_tensor_free(w);
}
END_TEST

/* lr-scale=0: not a bit changes, whatever else goes on, and the norm is that of the others. */
START_TEST(frozen_by_a_group)
{
    static const char *const kinds[] = {"sgd", "adam", "adamw", "rmsprop", "adagrad"};
    static const char *const names[] = {"a", "b"};
    for (size_t k = 0; k < GM__COUNT(kinds); k++) {
        gm_tensor *w[2] = {leaf(GM_F32, 3, (double[]){-0.0, 0.1, 3}), leaf(GM_F32, 1, (double[]){1})};
        const float before[3] = {-0.0f, 0.1f, 3};
        gm_optim *o = NULL;
        OK(gm_optim_new(ctx, kinds[k], "lr=0.1 weight-decay=0.3 ema=0.9", &o));
        for (int i = 0; i < 2; i++) OK(gm__optim_add_named(o, names[i], w[i], NULL));
        OK(gm_optim_groups(o, "a: lr-scale=0"));
        for (int step = 0; step < 4; step++) {
            set_grad(w[0], (double[]){1, -2, 3});
            set_grad(w[1], (double[]){-4});
            OK(gm_optim_step(o));
            near(gm_optim_grad_norm(o), 4, 1e-15, kinds[k], step, "norm");
            ck_assert(!gm_tensor_grad(w[0]));
            ck_assert(memcmp(w[0]->data, before, sizeof before) == 0);
        }
        ck_assert(get(w[1], 0) != 1);
        OK(gm_optim_swap_ema(o));
        ck_assert(memcmp(w[0]->data, before, sizeof before) == 0);
        gm_optim_free(o);
        for (int i = 0; i < 2; i++) gm_tensor_free(w[i]);
    }
}
END_TEST

/* Below 0, too, a lower loss is better only by the threshold; no loss at all is none. */
START_TEST(plateaus)
{
    gm_optim *o = NULL;
    OK(gm_optim_new(ctx, "sgd", "lr=1 schedule=plateau gamma=0.5 plateau-patience=1 threshold=0.01", &o));
    static const struct { double loss, lr; } course[] = {
        {NAN, 1}, {-100, 1}, {-100.5, 1}, {-100.9, 0.5}, {-102, 0.5}, {INFINITY, 0.5}, {-INFINITY, 0.25}, {-102.5, 0.25}, {-200, 0.25}, {0, 0.25}, {0, 0.125}};
    for (size_t i = 0; i < GM__COUNT(course); i++) {
        OK(gm_optim_observe(o, course[i].loss));
        ck_assert_msg(gm_optim_lr(o) == course[i].lr, "loss %zu: rate %g", i, gm_optim_lr(o));
    }
    ck_assert_int_eq(gm_optim_observe(NULL, 1), GM_EARG);
    gm_optim_free(o);
}
END_TEST

/* ---- state: a second optimiser filled with the first one's goes on bit for bit ------------------ */

typedef struct shelf { gm_tensor *t[16]; char name[16][32]; int n, at; } shelf;
static gm_status keep(void *user, const char *name, gm_tensor *t)
{
    shelf *s = user;
    snprintf(s->name[s->n], sizeof s->name[0], "%s", name);
    s->t[s->n++] = t;
    return GM_OK;
}
static gm_status refill(void *user, const char *name, gm_tensor *t)
{
    shelf *s = user;
    ck_assert_str_eq(name, s->name[s->at]);
    return gm_tensor_assign(t, s->t[s->at++]);
}

static void check_state(const char *kind, const char *options, int n, const char *const *names)
{
    gm_tensor *w[2];
    gm_optim *o[2];
    for (int k = 0; k < 2; k++) {
        w[k] = leaf(GM_F32, 3, (double[]){1, 2, 3});
        OK(gm_optim_new(ctx, kind, options, &o[k]));
        OK(gm__optim_add_named(o[k], "w", w[k], NULL));
    }
    for (int step = 0; step < 6; step++) {
        if (step == 3) {
            shelf s = {.n = 0};
            OK(gm__optim_state(o[0], keep, &s));
            ck_assert_int_eq(s.n, n);
            for (int i = 0; i < n; i++) ck_assert_str_eq(s.name[i], names[i]);
            OK(gm__optim_state(o[1], refill, &s));
            OK(gm__optim_set_steps(o[1], gm_optim_steps(o[0])));
            OK(gm_tensor_assign(w[1], w[0]));
        }
        for (int k = step < 3 ? 1 : 0; k < 2; k++) {
            double g[3] = {gradient(step, 0), gradient(step, 1), gradient(step, 2)};
            set_grad(w[step < 3 ? 0 : k], g);
            OK(gm_optim_step(o[step < 3 ? 0 : k]));
        }
    }
    ck_assert(memcmp(w[0]->data, w[1]->data, 3 * sizeof(float)) == 0);
    ck_assert(gm_optim_lr(o[0]) == gm_optim_lr(o[1]));
    for (int k = 0; k < 2; k++) {
        gm_optim_free(o[k]);
        gm_tensor_free(w[k]);
    }
}

START_TEST(state)
{
    check_state("adam", "lr=0.1 ema=0.9 schedule=cosine horizon=9", 4, (const char *[]){"w.m", "w.v", "w.steps", "w.ema"});
    check_state("adamw", "lr=0.1", 3, (const char *[]){"w.m", "w.v", "w.steps"});
    check_state("sgd", "lr=0.1 momentum=0.9 dampening=0.5", 2, (const char *[]){"w.v", "w.steps"});
    check_state("sgd", "lr=0.1", 0, NULL);
    check_state("sgd", "lr=0.1 momentum=0.9 schedule=onecycle horizon=8", 2, (const char *[]){"w.v", "w.steps"});
    check_state("adam", "lr=0.1 amsgrad=on", 4, (const char *[]){"w.m", "w.v", "w.b", "w.steps"});
    check_state("rmsprop", "lr=0.1", 2, (const char *[]){"w.v", "w.steps"});
    check_state("rmsprop", "lr=0.1 momentum=0.9 rms-centered=on", 4, (const char *[]){"w.m", "w.v", "w.b", "w.steps"});
    check_state("adagrad", "lr=0.1 lr-decay=0.1 initial-accumulator=0.5 schedule=linear horizon=9", 2, (const char *[]){"w.v", "w.steps"});
}
END_TEST

START_TEST(bad_arguments)
{
    gm_optim *o = NULL;
    fails(gm_optim_new(ctx, "adm", NULL, &o), GM_EARG, "expected one of sgd|adam|adamw|rmsprop|adagrad, got 'adm'");
    fails(gm_optim_new(ctx, NULL, NULL, &o), GM_EARG, "expected one of sgd");
    fails(gm_optim_new(ctx, "adamwx", NULL, &o), GM_EARG, "got 'adamwx'");
    fails(gm_optim_new(ctx, "", NULL, &o), GM_EARG, "got ''");
    fails(gm_optim_new(ctx, "sgd|adam", NULL, &o), GM_EARG, "got 'sgd|adam'");
    fails(gm_optim_new(ctx, "adam", "lr=-1", &o), GM_EARG, "lr");
    fails(gm_optim_new(ctx, "adam", "learning=1", &o), GM_EARG, "learning");
    fails(gm_optim_new(ctx, "sgd", "nesterov=on", &o), GM_EARG, "nesterov needs momentum");
    fails(gm_optim_new(ctx, "sgd", "momentum-steps=5", &o), GM_EARG, "needs momentum above 0");
    fails(gm_optim_new(ctx, "sgd", "momentum=0.9 momentum-steps=5 schedule=onecycle horizon=9", &o), GM_EARG, "onecycle moves the momentum");
    fails(gm_optim_new(ctx, "adam", "schedule=cosine", &o), GM_EARG, "horizon");
    fails(gm_optim_new(ctx, "adam", "schedule=linear warmup=5 horizon=5", &o), GM_EARG, "horizon above warmup (5), got 5");
    fails(gm_optim_new(ctx, "adam", "schedule=onecycle", &o), GM_EARG, "horizon");
    fails(gm_optim_new(ctx, "adam", "schedule=onecycle horizon=9 warmup=2", &o), GM_EARG, "leave out warmup");
    fails(gm_optim_new(ctx, "adam", "schedule=onecycle horizon=9 div-factor=0.5", &o), GM_EARG, "div-factor");
    ck_assert_ptr_null(o);
    ck_assert_int_eq(gm_optim_new(NULL, "adam", NULL, &o), GM_EARG);
    ck_assert_int_eq(gm_optim_step(NULL), GM_EARG);
    gm_optim_free(NULL);
    gm_optim_clear(NULL);

    OK(gm_optim_new(ctx, "adam", NULL, &o));
    OK(gm_optim_step(o)); /* nothing to do is fine */
    fails(gm_optim_add(o, NULL, NULL), GM_EARG, "leaf is NULL");
    fails(gm_optim_add_net(o, NULL, NULL), GM_EARG, "not a net");
    gm_tensor *t = NULL;
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){2}, &t));
    fails(gm_optim_add(o, t, NULL), GM_EDTYPE, "i64");
    gm_tensor_free(t);
    t = leaf(GM_F32, 2, NULL);
    fails(gm_optim_add(o, t, "lr=1"), GM_EARG, "lr");
    OK(gm_optim_add(o, t, NULL));
    gm_tensor_free(t); /* the optimiser keeps it */
    OK(gm_optim_step(o));
    gm_optim_free(o);
}
END_TEST

/* Two nets in one optimiser: names stay apart, a frozen net stays as it is. */
START_TEST(nets)
{
    gm_net *a = NULL, *b = NULL;
    gm_optim *o = NULL;
    OK(gm_net_new(ctx, "linear 2", 1, (int64_t[]){3}, 1, &a));
    OK(gm_net_new(ctx, "linear 2", 1, (int64_t[]){3}, 2, &b));
    OK(gm_net_freeze(b, 1));
    OK(gm_optim_new(ctx, "sgd", "lr=1 momentum=0.5", &o));
    OK(gm_optim_add_net(o, a, NULL));
    OK(gm_optim_add_net(o, b, NULL));
    fails(gm_optim_add_net(o, a, NULL), GM_EARG, "already added");
    fails(gm__optim_add_net_named(o, NULL, a, NULL), GM_EARG, "already added");
    shelf s = {.n = 0};
    OK(gm__optim_state(o, keep, &s));
    ck_assert_int_eq(s.n, 8);
    ck_assert_str_eq(s.name[0], "0.weight.v");
    ck_assert_str_eq(s.name[4], "net1.0.weight.v");
    ck_assert(gm_net_tensor(a, 0)->wants_grad && !gm_net_tensor(b, 0)->wants_grad);
    gm_optim_free(o);
    gm_net_free(a);
    gm_net_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("optim");
    TCase *c = tcase_create("optim");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, equals_pytorch);
    tcase_add_test(c, tasks_and_threads);
    tcase_add_test(c, averages);
    tcase_add_test(c, not_finite);
    tcase_add_test(c, groups);
    tcase_add_test(c, groups_by_name);
    tcase_add_test(c, frozen_by_a_group);
    tcase_add_test(c, plateaus);
    tcase_add_test(c, state);
    tcase_add_test(c, bad_arguments);
    tcase_add_test(c, nets);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
