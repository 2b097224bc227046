/* test_rbm_train.c - the learning rules of the restricted Boltzmann machine against the exact gradient of small nets. */
#include "models/models_test.h"
#include "models/rbm/rbm.h"

enum { MOST = 8 }; /* units on a side */

/* ---- a machine in double, from the definition -------------------------------------------- */

/* nv visible units of which the last `labels` are one group; s2: variances, NULL for units of 0 and 1 */
typedef struct net {
    int nv, nh, labels;
    double w[MOST][MOST], b[MOST], c[MOST], s2[MOST];
    bool gaussian;
} net;

/* in the plain biases */
static net net_of(const gm__rbm *r)
{
    net n = {.nv = (int)r->nv, .nh = (int)r->nh, .labels = (int)r->labels, .gaussian = r->log_var != NULL};
    for (int i = 0; i < n.nv; i++) n.b[i] = (double)gm__f32(r->b)[i], n.s2[i] = r->log_var ? exp((double)gm__f32(r->log_var)[i]) : 1;
    for (int j = 0; j < n.nh; j++) n.c[j] = (double)gm__f32(r->c)[j];
    for (int i = 0; i < n.nv; i++)
        for (int j = 0; j < n.nh; j++) {
            n.w[i][j] = (double)gm__f32(r->w)[i * n.nh + j];
            if (r->mu) n.c[j] -= n.w[i][j] * (double)gm__f32(r->mu)[i];
            if (r->lambda) n.b[i] -= n.w[i][j] * (double)gm__f32(r->lambda)[j];
        }
    return n;
}

static double minus_free_energy(const net *n, const double *v)
{
    double f = 0;
    for (int i = 0; i < n->nv; i++) f += n->gaussian ? -(v[i] - n->b[i]) * (v[i] - n->b[i]) / (2 * n->s2[i]) : v[i] * n->b[i];
    for (int j = 0; j < n->nh; j++) {
        double in = n->c[j];
        for (int i = 0; i < n->nv; i++) in += v[i] * n->w[i][j] / n->s2[i];
        f += log1p(exp(in));
    }
    return f;
}

/* Gaussian: the integral over v is a product over units, at every hidden state. */
static double log_z_gaussian(const net *n)
{
    double z = 0;
    for (int h = 0; h < 1 << n->nh; h++) {
        double e = 0;
        for (int j = 0; j < n->nh; j++) e += h >> j & 1 ? n->c[j] : 0;
        for (int i = 0; i < n->nv; i++) {
            double m = n->b[i];
            for (int j = 0; j < n->nh; j++) m += h >> j & 1 ? n->w[i][j] : 0;
            e += (m * m - n->b[i] * n->b[i]) / (2 * n->s2[i]) + 0.5 * log(2 * 3.14159265358979323846 * n->s2[i]);
        }
        z += exp(e);
    }
    return log(z);
}

/* State s of the visible units; false if its labels are not one. */
static bool state_of(const net *n, int s, double *v)
{
    int on = 0;
    for (int i = 0; i < n->nv; i++) v[i] = s >> i & 1, on += i >= n->nv - n->labels && v[i] > 0;
    return !n->labels || on == 1;
}

static double log_z_of(const net *n)
{
    double z = 0, v[MOST];
    if (n->gaussian) return log_z_gaussian(n);
    for (int s = 0; s < 1 << n->nv; s++)
        if (state_of(n, s, v)) z += exp(minus_free_energy(n, v));
    return log(z);
}

/* mean of -log p over the rows of x */
static double loss_of(const gm__rbm *r, const gm_tensor *x)
{
    const net n = net_of(r);
    double sum = 0, v[MOST];
    for (int64_t k = 0; k < x->shape[0]; k++) {
        for (int i = 0; i < n.nv; i++) v[i] = (double)gm__f32(x)[k * n.nv + i];
        sum += minus_free_energy(&n, v);
    }
    return log_z_of(&n) - sum / (double)x->shape[0];
}

/* ---- gradients ------------------------------------------------------------------------------ */

enum { PARTS = 4, MOST_NUMBERS = MOST * MOST + 3 * MOST };

static int parts_of(const gm__rbm *r, gm_tensor *part[PARTS])
{
    part[0] = r->w, part[1] = r->b, part[2] = r->c, part[3] = r->log_var;
    return r->log_var ? 4 : 3;
}

/* The gradient of one update on the visible states x, all parameters one after the other; returns how many. */
static int gradient(gm_model *m, gm_tensor *x, uint64_t seed, double *g, double *value)
{
    gm__rbm *r = gm__rbm_of(m);
    gm_tensor *part[PARTS], *of[PARTS], *loss = NULL;
    gm_tape *t = NULL;
    int n = parts_of(r, part), k = 0;
    OK(gm_tape_new(ctx, seed, &t));
    for (int i = 0; i < n; i++) gm_tensor_set_grad(part[i], 1);
    OK(gm__rbm_learn(r, &(gm__batch){.t = t, .training = true}, x, NULL, &loss));
    OK(gm_tape_grad(t, loss, part, n, 0, of));
    if (value) OK(gm_tensor_item(loss, value));
    for (int i = 0; i < n; i++)
        for (int64_t j = 0; j < of[i]->size; j++) g[k++] = (double)gm__f32(of[i])[j];
    gm_tape_free(t);
    return k;
}

/* The gradient of -log p by differences. */
static int differences(const gm__rbm *r, const gm_tensor *x, double *g)
{
    gm_tensor *part[PARTS];
    int n = parts_of(r, part), k = 0;
    for (int i = 0; i < n; i++)
        for (int64_t j = 0; j < part[i]->size; j++) {
            float *at_ = &gm__f32(part[i])[j], kept = *at_;
            *at_ = kept + 0x1p-10f;
            double up = loss_of(r, x), by = (double)*at_;
            *at_ = kept - 0x1p-10f;
            g[k++] = (up - loss_of(r, x)) / (by - (double)*at_);
            *at_ = kept;
        }
    return k;
}

/* In degrees. */
static double angle(const double *a, const double *b, int n)
{
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
    return acos(fmin(1, ab / sqrt(aa * bb))) * 180 / 3.14159265358979323846;
}

static gm_model *machine(const char *options)
{
    gm_model *m = NULL;
    char text[256];
    snprintf(text, sizeof text, "init-std=0.8 seed=3 %s", options);
    OK(gm_model_new(ctx, "rbm", text, &m));
    gm__rbm *r = gm__rbm_of(m);
    for (int64_t i = 0; i < r->nv; i++) gm__f32(r->b)[i] = (float)(0.35 * (double)i - 0.7);
    for (int64_t j = 0; j < r->nh; j++) gm__f32(r->c)[j] = (float)(0.3 - 0.4 * (double)j);
    for (int64_t i = 0; r->mu && i < r->nv; i++) gm__f32(r->mu)[i] = (float)(0.2 + 0.1 * (double)i);
    for (int64_t j = 0; r->lambda && j < r->nh; j++) gm__f32(r->lambda)[j] = (float)(0.7 - 0.1 * (double)j);
    for (int64_t i = 0; r->log_var && i < r->nv; i++) gm__f32(r->log_var)[i] = (float)(0.2 * (double)i - 0.3);
    return m;
}

/* Rows that the model knows nothing about: four patterns in turn, with one label on if there are any. */
static gm_tensor *patterns(const gm__rbm *r, int64_t rows)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){rows, r->nv}, &x));
    for (int64_t k = 0; k < rows; k++)
        for (int64_t i = 0; i < r->nv; i++) {
            const uint32_t at_ = (uint32_t)(k % 4 * 100 + i);
            float *v = &gm__f32(x)[k * r->nv + i];
            if (i >= r->nv - r->labels) *v = i - (r->nv - r->labels) == k % r->labels;
            else *v = r->log_var ? (float)(3 * unit(at_) - 1.5) : unit(at_) > 0.5;
        }
    return x;
}

/* Of a run that has not begun: chains stand ready. */
static gm_trainer *begun(gm_model *m, const char *options)
{
    const gm__rbm *r = gm__rbm_of(m);
    gm_tensor *both = patterns(r, 4), *x = NULL, *label = NULL;
    gm_dataset *d = NULL;
    gm_trainer *tr = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){4, m->row}, &x));
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){4}, &label));
    for (int64_t k = 0; k < 4; k++) {
        memcpy(gm__f32(x) + k * m->row, gm__f32(both) + k * r->nv, (size_t)m->row * sizeof(float));
        ((int64_t *)gm_tensor_data(label))[k] = r->labels ? k % r->labels : 0;
    }
    OK(gm_dataset_from_tensors(ctx, x, label, &d));
    OK(gm_trainer_new(m, d, options, &tr));
    gm_tensor_free(both);
    gm_tensor_free(x);
    gm_tensor_free(label);
    gm_dataset_free(d);
    return tr;
}

START_TEST(exact_gradient)
{
    static const char *const kind[] = {"shape=6 hidden=4", "shape=4 hidden=6", "shape=4 hidden=6 centered=on", "shape=6 hidden=4 centered=on",
        "shape=3 classes=3 conditional=on hidden=5", "shape=4 classes=3 conditional=on hidden=3 centered=on", "shape=3 hidden=4 units=gaussian"};
    char options[128];
    snprintf(options, sizeof options, "gradient=exact start=zero %s", kind[_i]);
    gm_model *m = machine(options);
    const gm__rbm *r = gm__rbm_of(m);
    gm_tensor *x = patterns(r, 8);
    double found[MOST_NUMBERS], wanted[MOST_NUMBERS], value;
    int n = gradient(m, x, 1, found, &value);
    ck_assert_int_eq(n, differences(r, x, wanted));
    ck_assert_double_eq_tol(value, loss_of(r, x), 1e-5);
    for (int i = 0; i < n; i++) ck_assert_msg(fabs(found[i] - wanted[i]) < 2e-5, "%s: number %d: %g, differences %g", kind[_i], i, found[i], wanted[i]);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* Two patterns, all on and all off, with a gap between: the deeper the fewer chains cross it. */
static gm_model *two_patterns(const char *options, float deep)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "rbm", options, &m));
    const gm__rbm *r = gm__rbm_of(m);
    for (int i = 0; i < 6; i++) {
        gm__f32(r->b)[i] = -deep;
        for (int j = 0; j < 2; j++) gm__f32(r->w)[i * 2 + j] = deep;
    }
    for (int j = 0; j < 2; j++) gm__f32(r->c)[j] = -3 * deep;
    return m;
}

/* Longer chains, a truer direction: the angle between the mean update of CD-k and the gradient of log p. The rows have more of
 * one pattern than the model; chains from the data that do not cross the gap have as many, and see nothing wrong. */
START_TEST(longer_chains_are_truer)
{
    enum { ROWS = 100000 };
    static const int k[] = {1, 3, 10, 30, 100};
    double g[MOST_NUMBERS], exact[MOST_NUMBERS], last = 180;
    gm_model *other = two_patterns("shape=6 hidden=2", 2.5);
    gm_tensor *start = patterns(gm__rbm_of(other), ROWS), *x = NULL;
    for (int j = 0; j < 2; j++) gm__f32(gm__rbm_of(other)->c)[j] += 0.5f;
    OK(gm_rbm_gibbs(other, start, NULL, "steps=300 seed=3", &x));
    for (size_t i = 0; i < GM__COUNT(k); i++) {
        char options[64];
        snprintf(options, sizeof options, "shape=6 hidden=2 k=%d", k[i]);
        gm_model *m = two_patterns(options, 2.5);
        int n = gradient(m, x, 5, g, NULL);
        differences(gm__rbm_of(m), x, exact);
        double a = angle(g, exact, n);
        ck_assert_msg(a < 0.8 * last, "CD-%d: %g degrees, %g before", k[i], a, last);
        last = a;
        gm_model_free(m);
    }
    ck_assert_msg(last < 2, "%g degrees", last);
    gm_tensor_free(start);
    gm_tensor_free(x);
    gm_model_free(other);
}
END_TEST

/* Chains that go on come to the exact gradient, whatever moves them. Fast weights are 0 before the first update. */
START_TEST(chains_reach_the_gradient)
{
    static const char *const kind[] = {"persistent=on chains=40000 k=60", "persistent=on chains=40000 k=60 fast-lr=0.1", "persistent=on chains=40000 k=30 tempering=4",
        "persistent=on chains=40000 k=60 centered=on", "persistent=on chains=40000 k=30 tempering=4 centered=on"};
    static const char *const size[] = {"shape=6 hidden=5", "shape=4 classes=3 conditional=on hidden=4", "shape=3 hidden=4 units=gaussian"};
    char options[128];
    if (_i / 5 == 2 && _i % 5 > 2) return; /* gaussian units are not centered */
    snprintf(options, sizeof options, "%s %s", size[_i / 5], kind[_i % 5]);
    gm_model *m = machine(options);
    gm__rbm *r = gm__rbm_of(m);
    gm_trainer *tr = begun(m, "batch=4 seed=1");
    gm_tensor *x = patterns(r, 400);
    double g[MOST_NUMBERS], exact[MOST_NUMBERS];
    int n = gradient(m, x, 5, g, NULL);
    differences(r, x, exact);
    double a = angle(g, exact, n);
    ck_assert_msg(a < 2, "%s: %g degrees", options, a);
    gm_trainer_free(tr);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* ---- tempering -------------------------------------------------------------------------------- */

/* How often each state of the visible units was seen, against p at the energy times beta. Chi-square
 * with 63 degrees of freedom exceeds 103.4 once in 1,000 times; the seed is fixed, so this cannot fail by chance later. */
static double chi_square(const gm__rbm *r, const float *v, int64_t rows, double beta)
{
    net n = net_of(r);
    double x[MOST], log_z, chi = 0;
    int *count = calloc(1u << n.nv, sizeof *count);
    for (int i = 0; i < n.nv; i++) n.b[i] *= beta;
    for (int j = 0; j < n.nh; j++) n.c[j] *= beta;
    for (int i = 0; i < n.nv; i++)
        for (int j = 0; j < n.nh; j++) n.w[i][j] *= beta;
    log_z = log_z_of(&n);
    for (int64_t k = 0; k < rows; k++) {
        int s = 0;
        for (int i = 0; i < n.nv; i++) s |= (v[k * n.nv + i] > 0.5f) << i;
        count[s]++;
    }
    for (int s = 0; s < 1 << n.nv; s++) {
        state_of(&n, s, x);
        const double wanted = (double)rows * exp(minus_free_energy(&n, x) - log_z);
        chi += (count[s] - wanted) * (count[s] - wanted) / wanted;
    }
    free(count);
    return chi;
}

START_TEST(replicas)
{
    enum { CHAINS = 20000, N = 5 };
    gm_model *m = machine(_i ? "shape=6 hidden=4 persistent=on chains=20000 k=40 tempering=5 centered=on" : "shape=6 hidden=4 persistent=on chains=20000 k=40 tempering=5");
    gm__rbm *r = gm__rbm_of(m);
    gm_trainer *tr = begun(m, "batch=4 steps=1 lr=0 seed=2");
    ck_assert_int_eq(r->chain->shape[0], N * CHAINS);
    OK(gm_trainer_run(tr));
    for (int i = 0; i < N; i++) {
        double chi = chi_square(r, gm__f32(r->chain) + (int64_t)i * CHAINS * 6, CHAINS, 1 - i / 4.0);
        ck_assert_msg(chi < 103.4, "replica %d: chi-square %g", i, chi);
    }
    double rate = 0;
    for (int32_t i = 0; i < gm_trainer_series_count(tr); i++)
        if (!strcmp(gm_trainer_series_name(tr, i), "swap-rate")) ck_assert_int_eq(gm_trainer_series_read(tr, i, NULL, &rate, 1), 1);
    ck_assert_msg(rate > 0.5 && rate < 0.999, "swap rate %g", rate);
    gm_trainer_free(tr);
    gm_model_free(m);
}
END_TEST

/* Fast weights: the chains' own distribution is that of W + F, and F follows the gradient and decays. */
START_TEST(fast_weights)
{
    enum { CHAINS = 20000 };
    gm_model *m = machine("shape=6 hidden=4 persistent=on chains=20000 k=40 fast-lr=0.25 fast-decay=0.5");
    gm__rbm *r = gm__rbm_of(m), sum;
    gm_trainer *tr = begun(m, "batch=4 seed=1");
    gm_tensor *x = patterns(r, 400), *part[PARTS], *fast[3];
    double first[MOST_NUMBERS], second[MOST_NUMBERS];
    int n = gradient(m, x, 5, first, NULL);
    parts_of(r, part);
    fast[0] = r->fast_w, fast[1] = r->fast_b, fast[2] = r->fast_c;
    for (int i = 0, k = 0; i < 3; i++)
        for (int64_t j = 0; j < fast[i]->size; j++, k++) ck_assert_double_eq_tol((double)gm__f32(fast[i])[j], -0.25 * first[k], 1e-6);
    for (int64_t j = 0; j < r->fast_w->size; j++) gm__f32(r->fast_w)[j] = (float)(1.5 * unit((uint32_t)j) - 0.75); /* far from 0 */
    sum = *r;
    OK(gm_tensor_copy(ctx, GM_F32, 2, r->w->shape, r->w->data, &sum.w));
    OK(gm_tensor_copy(ctx, GM_F32, 1, r->b->shape, r->b->data, &sum.b));
    OK(gm_tensor_copy(ctx, GM_F32, 1, r->c->shape, r->c->data, &sum.c));
    gm_tensor *const to[3] = {sum.w, sum.b, sum.c};
    float before[MOST_NUMBERS];
    for (int i = 0, k = 0; i < 3; i++)
        for (int64_t j = 0; j < fast[i]->size; j++) before[k++] = gm__f32(fast[i])[j], gm__f32(to[i])[j] += gm__f32(fast[i])[j];
    ck_assert_int_eq(gradient(m, x, 6, second, NULL), n);
    double chi = chi_square(&sum, gm__f32(r->chain), CHAINS, 1);
    ck_assert_msg(chi < 103.4, "chi-square %g", chi);
    ck_assert_msg(chi_square(r, gm__f32(r->chain), CHAINS, 1) > 1000, "the model itself is elsewhere");
    for (int i = 0, k = 0; i < 3; i++)
        for (int64_t j = 0; j < fast[i]->size; j++, k++)
            ck_assert_double_eq_tol((double)gm__f32(fast[i])[j], 0.5 * (double)before[k] - 0.25 * second[k], 1e-5);
    for (int i = 0; i < 3; i++) gm_tensor_free(to[i]);
    gm_trainer_free(tr);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* A gap that a chain does not cross: with replicas it does. */
START_TEST(replicas_cross_the_gap)
{
    enum { NV = 6 };
    for (int tempering = 0; tempering < 2; tempering++) {
        gm_model *m = two_patterns(tempering ? "shape=6 hidden=2 persistent=on chains=1000 k=60 tempering=12" : "shape=6 hidden=2 persistent=on chains=1000 k=60", 7);
        gm__rbm *r = gm__rbm_of(m);
        gm_trainer *tr = begun(m, "batch=4 steps=1 lr=0 seed=2");
        for (int64_t k = 0; k < 1000 * NV; k++) gm__f32(r->chain)[k] = 1; /* of the replica that is the model */
        OK(gm_trainer_run(tr));
        double on = 0;
        for (int64_t k = 0; k < 1000 * NV; k++) on += (double)gm__f32(r->chain)[k] / (1000 * NV);
        ck_assert_msg(tempering ? fabs(on - 0.5) < 0.1 : on > 0.95, "share of units on: %g", on);
        gm_trainer_free(tr);
        gm_model_free(m);
    }
}
END_TEST

/* ---- runs --------------------------------------------------------------------------------------- */

/* The same bytes at 1, 2 and 3 threads, and when a run goes on from a checkpoint. */
START_TEST(same_bytes)
{
    static const char *const kind[] = {"persistent=on fast-lr=0.05", "persistent=on tempering=4 chains=9", "gradient=exact", "persistent=on tempering=3 centered=on conditional=on",
        "persistent=on fast-lr=0.1 units=gaussian"};
    char options[128];
    const char *file[4] = {at("1"), at("2"), at("3"), at("parts")};
    gm_ctx *was = ctx;
    snprintf(options, sizeof options, "hidden=10 seed=2 %s", kind[_i]);
    for (int32_t k = 0; k < 4; k++) {
        gm_ctx_config c;
        gm_model *m = NULL;
        gm_trainer *tr = NULL;
        gm_ctx_config_init(&c, sizeof c);
        c.threads = k < 3 ? k + 1 : 2;
        ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
        gm_dataset *d = pictures(50, 1);
        OK(gm_model_new(ctx, "rbm", options, &m));
        OK(gm_trainer_new(m, d, k < 3 ? "steps=60 batch=16 lr=0.05 seed=4" : "steps=60 batch=16 lr=0.05 seed=4 stop-after=25", &tr));
        OK(gm_trainer_run(tr));
        if (k == 3) {
            OK(gm_trainer_save(tr, at("checkpoint")));
            gm_trainer_free(tr);
            OK(gm_trainer_resume(ctx, at("checkpoint"), d, NULL, NULL, &tr));
            OK(gm_trainer_run(tr));
        }
        OK(gm_model_save(gm_trainer_model(tr), file[k]));
        gm_trainer_free(tr);
        gm_model_free(m);
        gm_dataset_free(d);
        gm_ctx_free(ctx);
    }
    ctx = was;
    for (int k = 1; k < 4; k++) ck_assert_msg(same_files(file[0], file[k]), "%s: run %d", kind[_i], k);
}
END_TEST

/* ---- curves ------------------------------------------------------------------------------------ */

static double last_of(gm_trainer *tr, const char *name)
{
    for (int32_t i = 0; i < gm_trainer_series_count(tr); i++)
        if (!strcmp(gm_trainer_series_name(tr, i), name)) {
            double v[64];
            int64_t n = gm_trainer_series_read(tr, i, NULL, v, 64);
            ck_assert(n > 0 && n < 64);
            return v[n - 1];
        }
    return NAN;
}

static double mean_free_energy(gm_model *m, gm_dataset *d)
{
    gm_measure e;
    int32_t n;
    OK(gm_eval(m, d, "metric=free_energy", &e, 1, &n));
    return e.value;
}

/* Rows of fair coins: nothing about one tells anything about another. */
static gm_dataset *coins(int64_t n, uint32_t seed)
{
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){n, 16}, &x));
    for (int64_t i = 0; i < n * 16; i++) gm__f32(x)[i] = unit((uint32_t)i * 7 + seed * 7919) > 0.5;
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_tensor_free(x);
    return d;
}

/* What an epoch's end records is what gm_eval finds; a net that learns 12 rows of coins by heart says so, one that sees the source does not. */
START_TEST(watches_itself)
{
    gm_dataset *d = _i ? pictures(300, 1) : coins(12, 1), *valid = _i ? pictures(200, 2) : coins(200, 2);
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    bool said = false;
    OK(gm_model_new(ctx, "rbm", "hidden=64 seed=1", &m));
    OK(gm_trainer_new(m, d, _i ? "epochs=12 batch=100 lr=0.02" : "epochs=60 batch=1 lr=0.2", &tr));
    OK(gm_trainer_set_valid(tr, valid));
    OK(gm_trainer_run(tr));
    double f = mean_free_energy(m, d), gap = mean_free_energy(m, valid) - f;
    ck_assert_double_eq_tol(last_of(tr, "free-energy"), f, 1e-3);
    ck_assert_double_eq_tol(last_of(tr, "free-energy-gap"), gap, 1e-3);
    double active = last_of(tr, "hidden-activity");
    ck_assert(active > 0 && active < 1);
    for (int32_t i = 0; i < gm_trainer_event_count(tr); i++) {
        gm_event e = {.struct_size = sizeof e};
        OK(gm_trainer_event(tr, i, &e));
        ck_assert(!(said && e.kind == GM_EVENT_OVERFITTING)); /* once */
        said |= e.kind == GM_EVENT_OVERFITTING;
    }
    ck_assert_msg(said == !_i, "gap %g: %s", gap, said ? "said" : "not said");
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(valid);
}
END_TEST

/* Decay is for weights: biases are spared. */
START_TEST(decay_spares_biases)
{
    gm_model *m[2];
    for (int i = 0; i < 2; i++) {
        m[i] = machine("shape=6 hidden=4 gradient=exact");
        gm_trainer *tr = begun(m[i], i ? "batch=4 steps=1 lr=0.1 weight-decay=0.3" : "batch=4 steps=1 lr=0.1");
        OK(gm_trainer_run(tr));
        gm_trainer_free(tr);
    }
    const gm__rbm *a = gm__rbm_of(m[0]), *b = gm__rbm_of(m[1]);
    ck_assert(furthest(a->b, b->b) == 0 && furthest(a->c, b->c) == 0);
    ck_assert(furthest(a->w, b->w) > 0.01);
    for (int i = 0; i < 2; i++) gm_model_free(m[i]);
}
END_TEST

START_TEST(wrong_input)
{
    static const char *const kind[][2] = {{"tempering=4", "persistent=on"}, {"fast-lr=0.1", "persistent=on"}, {"persistent=on tempering=4 fast-lr=0.1", "choose one"},
        {"gradient=exact persistent=on", "gradient=chains"}, {"gradient=guess", "gradient"}, {"persistent=on tempering=257", "tempering"},
        {"persistent=on fast-lr=-1", "fast-lr"}, {"persistent=on fast-decay=2", "fast-decay"}, {"persistent=on fast-lr=nan", "fast-lr"}};
    gm_model *m = NULL;
    for (size_t i = 0; i < GM__COUNT(kind); i++) FAILS(GM_EARG, kind[i][1], gm_model_new(ctx, "rbm", kind[i][0], &m));
    FAILS(GM_ELIMIT, "17 and 18", gm_model_new(ctx, "rbm", "shape=17 hidden=18 gradient=exact", &m));
    FAILS(GM_ELIMIT, "17", gm_model_new(ctx, "rbm", "shape=4 hidden=17 gradient=exact units=gaussian", &m));
    OK(gm_model_new(ctx, "rbm", "shape=16 hidden=500 gradient=exact", &m));
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rbm, training");
    TCase *c = tcase_create("rbm, training");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, exact_gradient, 0, 7);
    tcase_add_test(c, longer_chains_are_truer);
    tcase_add_loop_test(c, chains_reach_the_gradient, 0, 15);
    tcase_add_loop_test(c, replicas, 0, 2);
    tcase_add_test(c, fast_weights);
    tcase_add_test(c, replicas_cross_the_gap);
    tcase_add_loop_test(c, same_bytes, 0, 5);
    tcase_add_loop_test(c, watches_itself, 0, 2);
    tcase_add_test(c, decay_spares_biases);
    tcase_add_test(c, wrong_input);
    suite_add_tcase(s, c);
    return run_suite(s);
}
