/* test_rbm_units.c - every kind of unit of the RBM against its definition: all states listed, or a fine grid over real ones. */
#include "models/models_test.h"
#include "models/rbm/rbm.h"

enum { MOST = 1 << 16, HIDDEN = 2, WORDS = 4 };

/* States of one layer, and how much each counts: orders of words, or cells of a grid. */
typedef struct states {
    int n, width;
    float *x;
    double *weight;
} states;

static void add_state(states *s, const float *x, double weight)
{
    ck_assert_int_lt(s->n, MOST);
    memcpy(s->x + s->n * s->width, x, (size_t)s->width * sizeof *x);
    s->weight[s->n++] = weight;
}

static states none(int width) { return (states){.width = width, .x = calloc((size_t)(MOST * width), sizeof(float)), .weight = calloc(MOST, sizeof(double))}; }

static states bits(int width)
{
    states s = none(width);
    float x[8];
    for (int k = 0; k < 1 << width; k++) {
        for (int i = 0; i < width; i++) x[i] = (float)(k >> i & 1);
        add_state(&s, x, 1);
    }
    return s;
}

/* Two groups of three. */
static states groups(void)
{
    states s = none(6);
    for (int k = 0; k < 9; k++) {
        float x[6] = {0};
        x[k % 3] = x[3 + k / 3] = 1;
        add_state(&s, x, 1);
    }
    return s;
}

/* Counts of three words that make `words`, each as often as there are orders. */
static states documents(int words)
{
    states s = none(3);
    for (int a = 0; a <= words; a++)
        for (int b = 0; a + b <= words; b++)
            add_state(&s, (float[]){(float)a, (float)b, (float)(words - a - b)}, round(exp(lgamma(words + 1) - lgamma(a + 1) - lgamma(b + 1) - lgamma(words - a - b + 1))));
    return s;
}

/* Points of the plane. */
static states plane(double most, double step)
{
    states s = none(2);
    for (double a = -most; a <= most; a += step)
        for (double b = -most; b <= most; b += step) add_state(&s, (float[]){(float)a, (float)b}, step * step);
    return s;
}

static void drop(states *s)
{
    free(s->x);
    free(s->weight);
}

typedef struct net { gm_model *m; const gm__rbm *r; states v, h; int visible, hidden; } net;

static const char *const pairs[] = {"bernoulli,bernoulli shape=4", "softmax,bernoulli group=3 shape=6", "replicated,bernoulli length=4 shape=3", "gaussian,bernoulli shape=2",
                                    "bernoulli,gaussian shape=4", "softmax,gaussian group=3 shape=6", "replicated,gaussian length=4 shape=3"};
enum { PAIRS = 7, EXACT = 4 /* of these, Z is found */ };

static void set_biases(const gm__rbm *r)
{
    for (int i = 0; i < r->nv; i++) gm__f32(r->b)[i] = (float)(0.35 * i - 0.6);
    for (int j = 0; j < r->nh; j++) gm__f32(r->c)[j] = (float)(0.3 - 0.4 * j);
    for (int i = 0; r->log_var && i < r->nv; i++) gm__f32(r->log_var)[i] = (float)(0.4 - 0.7 * i);
}

static net make(int k)
{
    net n = {.visible = k < EXACT ? (const int[]){0, 2, 3, 1}[k] : (const int[]){0, 2, 3}[k - EXACT], .hidden = k < EXACT ? 0 : 2};
    char options[160];
    snprintf(options, sizeof options, "hidden=%d init-std=%g seed=3 units=%s", HIDDEN, n.hidden ? 0.4 : 1.0, pairs[k]);
    OK(gm_model_new(ctx, "rbm", options, &n.m));
    n.r = gm__rbm_of(n.m);
    set_biases(n.r);
    n.v = n.visible == 0 ? bits(4) : n.visible == 1 ? plane(9, 0.12) : n.visible == 2 ? groups() : documents(WORDS);
    n.h = n.hidden ? plane(9, 0.15) : bits(HIDDEN);
    return n;
}

static void drop_net(net *n)
{
    drop(&n->v);
    drop(&n->h);
    gm_model_free(n->m);
}

/* E(v, h), straight from the definitions of docs/rbm.md */
static double energy(const net *n, const float *v, const float *h)
{
    const gm__rbm *r = n->r;
    double e = 0, words = 0;
    for (int i = 0; i < r->nv; i++) words += (double)v[i];
    for (int i = 0; i < r->nv; i++) {
        const double x = (double)v[i], b = (double)gm__f32(r->b)[i], var = r->log_var ? exp((double)gm__f32(r->log_var)[i]) : 1;
        e += r->log_var ? (x - b) * (x - b) / (2 * var) : -b * x;
        for (int j = 0; j < r->nh; j++) e -= x / var * (double)gm__f32(r->w)[i * r->nh + j] * (double)h[j];
    }
    for (int j = 0; j < r->nh; j++) e -= (n->visible == 3 ? words : 1) * (double)gm__f32(r->c)[j] * (double)h[j] - (n->hidden ? (double)h[j] * (double)h[j] / 2 : 0);
    return e;
}

/* sum over h of exp(-E) at a v; and the mean of h there */
static double over_hidden(const net *n, const float *v, double mean[HIDDEN])
{
    double sum = 0;
    for (int j = 0; j < HIDDEN; j++) mean[j] = 0;
    for (int k = 0; k < n->h.n; k++) {
        const float *h = n->h.x + k * HIDDEN;
        const double p = n->h.weight[k] * exp(-energy(n, v, h));
        sum += p;
        for (int j = 0; j < HIDDEN; j++) mean[j] += p * (double)h[j];
    }
    for (int j = 0; j < HIDDEN; j++) mean[j] /= sum;
    return sum;
}

static gm_tensor *rows_of(const states *s, int every, int *n)
{
    gm_tensor *x = NULL;
    *n = (s->n + every - 1) / every;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){*n, s->width}, &x));
    for (int k = 0; k < *n; k++) memcpy(gm__f32(x) + k * s->width, s->x + k * every * s->width, (size_t)s->width * sizeof(float));
    return x;
}

/* Free energies, conditionals both ways, and Z. */
START_TEST(probabilities)
{
    net n = make(_i);
    const int every = n.v.n > 100 ? 97 : 1;
    int rows;
    gm_tensor *x = rows_of(&n.v, every, &rows), *f = NULL, *h = NULL, *v = NULL, *codes = NULL;
    double z = 0, log_z;
    OK(gm_rbm_free_energy(n.m, x, &f));
    OK(gm_encode(n.m, x, &h));
    for (int k = 0; k < rows; k++) {
        double mean[HIDDEN], sum = over_hidden(&n, n.v.x + k * every * n.v.width, mean);
        ck_assert_double_eq_tol((double)gm__f32(f)[k], -log(sum), 2e-5 * fmax(1, fabs(log(sum))));
        for (int j = 0; j < HIDDEN; j++) ck_assert_double_eq_tol((double)gm__f32(h)[k * HIDDEN + j], mean[j], 2e-6 * fmax(1, fabs(mean[j])));
    }
    for (int k = 0; k < n.v.n; k++) {
        double mean[HIDDEN];
        z += n.v.weight[k] * over_hidden(&n, n.v.x + k * n.v.width, mean);
    }
    if (_i < EXACT) {
        OK(gm_rbm_log_z(n.m, NULL, NULL, &log_z, NULL));
        ck_assert_double_eq_tol(log_z, log(z), 1e-5);
    } else {
        FAILS(GM_EUNSUPPORTED, "gaussian", gm_rbm_log_z(n.m, NULL, NULL, &log_z, NULL));
    }
    /* the mean of v at some h */
    const float some[2][HIDDEN] = {{1, 0}, {1, 1}};
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){2, HIDDEN}, some, &codes));
    OK(gm_decode(n.m, codes, &v));
    for (int k = 0; k < 2; k++) {
        double sum = 0, mean[8] = {0};
        for (int s = 0; s < n.v.n; s++) {
            const double p = n.v.weight[s] * exp(-energy(&n, n.v.x + s * n.v.width, some[k]));
            sum += p;
            for (int i = 0; i < n.v.width; i++) mean[i] += p * (double)n.v.x[s * n.v.width + i];
        }
        for (int i = 0; i < n.v.width; i++) ck_assert_double_eq_tol((double)gm__f32(v)[k * n.v.width + i], mean[i] / sum, 1e-5);
    }
    gm_tensor_free(x);
    gm_tensor_free(f);
    gm_tensor_free(h);
    gm_tensor_free(v);
    gm_tensor_free(codes);
    drop_net(&n);
}
END_TEST

static int find(const states *s, const float *x)
{
    int k = 0;
    while (k < s->n && memcmp(s->x + k * s->width, x, (size_t)s->width * sizeof *x)) k++;
    return k;
}

/* Long chains visit states as often as p(v) at their temperature says. Chi-square exceeds its mean by 4.5 deviations about once
 * in 10,000 times; the seed is fixed. */
START_TEST(chains)
{
    enum { N = 20000 };
    net n = make(_i % PAIRS);
    const double temperature = _i < PAIRS ? 1 : 1.7;
    int first;
    gm_tensor *x = NULL, *y = NULL, *one = rows_of(&n.v, n.v.n, &first);
    double *p = calloc((size_t)n.v.n, sizeof *p), z = 0, chi = 0, cells = 0, mean[8] = {0}, got[8] = {0};
    char options[64];
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){N, n.v.width}, &x));
    for (int k = 0; k < N; k++) memcpy(gm__f32(x) + k * n.v.width, gm__f32(one), (size_t)n.v.width * sizeof(float));
    snprintf(options, sizeof options, "steps=60 temperature=%g seed=2", temperature);
    OK(gm_rbm_gibbs(n.m, x, NULL, options, &y));
    for (int s = 0; s < n.v.n; s++) {
        for (int k = 0; k < n.h.n; k++) p[s] += n.v.weight[s] * n.h.weight[k] * exp(-energy(&n, n.v.x + s * n.v.width, n.h.x + k * HIDDEN) / temperature);
        z += p[s];
    }
    for (int s = 0; s < n.v.n; s++)
        for (int i = 0; i < n.v.width; i++) mean[i] += p[s] / z * (double)n.v.x[s * n.v.width + i];
    if (n.visible == GM_UNITS_GAUSSIAN) { /* moments: mean and second moment within 5 standard errors */
        for (int i = 0; i < 2; i++) {
            double want2 = 0, want4 = 0, got2 = 0;
            for (int s = 0; s < n.v.n; s++) want2 += p[s] / z * pow((double)n.v.x[s * 2 + i], 2), want4 += p[s] / z * pow((double)n.v.x[s * 2 + i], 4);
            for (int k = 0; k < N; k++) got[i] += (double)gm__f32(y)[k * 2 + i] / N, got2 += pow((double)gm__f32(y)[k * 2 + i], 2) / N;
            ck_assert_double_eq_tol(got[i], mean[i], 5 * sqrt((want2 - mean[i] * mean[i]) / N));
            ck_assert_double_eq_tol(got2, want2, 5 * sqrt((want4 - want2 * want2) / N));
        }
    } else {
        int *count = calloc((size_t)n.v.n + 1, sizeof *count);
        for (int k = 0; k < N; k++) count[find(&n.v, gm__f32(y) + k * n.v.width)]++;
        ck_assert_int_eq(count[n.v.n], 0); /* no other states */
        for (int s = 0; s < n.v.n; s++) {
            const double want = N * p[s] / z;
            if (want < 5) continue; /* too rare to count */
            chi += (count[s] - want) * (count[s] - want) / want;
            cells++;
        }
        ck_assert_msg(cells > 4 && chi < cells + 4.5 * sqrt(2 * cells), "%s at T = %g: chi-square %g of %g cells", pairs[_i % PAIRS], temperature, chi, cells);
        free(count);
    }
    free(p);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_tensor_free(one);
    drop_net(&n);
}
END_TEST

/* In the long run the learning rule's gradient is that of log p(v0), whose parts come from finite differences of the definition. */
static double log_p(net *n, const float *v0)
{
    double mean[HIDDEN], z = 0;
    for (int k = 0; k < n->v.n; k++) z += n->v.weight[k] * over_hidden(n, n->v.x + k * n->v.width, mean);
    return log(over_hidden(n, v0, mean)) - log(z);
}

START_TEST(gradients)
{
    enum { N = 20000 };
    net n = make(_i);
    gm__rbm *r = gm__rbm_of(n.m);
    gm_tensor *const all[] = {r->w, r->b, r->c, r->log_var};
    const float *v0 = n.v.x + n.v.n / 2 * n.v.width;
    gm_tensor *x = NULL, *loss = NULL;
    gm_tape *t = NULL;
    r->how.k = 60;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){N, n.v.width}, &x));
    for (int k = 0; k < N; k++) memcpy(gm__f32(x) + k * n.v.width, v0, (size_t)n.v.width * sizeof(float));
    OK(gm_tape_new(ctx, 7, &t));
    gm_tensor *xs[4], *g[4];
    int32_t n_xs = 0;
    for (int i = 0; i < 4; i++)
        if (all[i]) gm_tensor_set_grad(xs[n_xs++] = all[i], 1);
    OK(gm__rbm_learn(r, &(gm__batch){.t = t, .training = true}, x, NULL, &loss));
    OK(gm_tape_grad(t, loss, xs, n_xs, 0, g));
    for (int32_t i = 0; i < n_xs; i++)
        for (int64_t k = 0; k < xs[i]->size; k += n.visible == GM_UNITS_GAUSSIAN ? 2 : 1) {
            float *at_k = gm__f32(xs[i]) + k, was = *at_k;
            double up, down;
            *at_k = was + 0.01f, up = log_p(&n, v0);
            *at_k = was - 0.01f, down = log_p(&n, v0);
            *at_k = was;
            ck_assert_double_eq_tol(-(double)gm__f32(g[i])[k], (up - down) / 0.02, 0.06); /* 4 standard errors of N chains */
        }
    gm_tensor_free(x);
    gm_tape_free(t);
    drop_net(&n);
}
END_TEST

/* ---- rectified units: no energy, a rule for draws ------------------------------------------ */

/* Mean and variance of max(0, x + N(0, s^2)) by the trapezium rule. */
static void rectified(double x, double s2, double *mean, double *var)
{
    double m = 0, q = 0, step = sqrt(s2) * 1e-3;
    for (double z = -10 * sqrt(s2); z < 10 * sqrt(s2); z += step) {
        const double y = x + z > 0 ? x + z : 0, p = exp(-z * z / (2 * s2)) / sqrt(6.283185307179586 * s2) * step;
        m += p * y, q += p * y * y;
    }
    *mean = m, *var = q - m * m;
}

START_TEST(rectified_units)
{
    enum { N = 100000 };
    static const double in[] = {-40, -3, -0.5, 0, 0.7, 4, 30}, temperature[] = {1, 2.5};
    for (int k = 0; k < 7; k++)
        for (int j = 0; j < 2; j++) {
            const double t_ = temperature[j], s2 = t_ / (1 + exp(-in[k] / t_));
            double mean, var, sum = 0, squares = 0;
            gm_tape *t = NULL;
            rectified(in[k], s2, &mean, &var);
            OK(gm_tape_new(ctx, 5, &t));
            gm_tape_recording(t, 0);
            gm_tensor *x = gm_full(t, GM_F32, 2, (int64_t[]){N, 1}, in[k]);
            gm_tensor *m = gm__hidden_units[1].mean(t, x, t_), *y = gm__hidden_units[1].draw(t, x, t_);
            ck_assert_msg(m && y, "%s", gm_tape_message(t));
            ck_assert_double_eq_tol((double)gm__f32(m)[0], mean, 1e-5 * fmax(1, mean));
            for (int i = 0; i < N; i++) {
                const double v = (double)gm__f32(y)[i];
                ck_assert(v >= 0);
                sum += v, squares += v * v;
            }
            sum /= N, squares = squares / N - sum * sum;
            ck_assert_double_eq_tol(sum, mean, 5 * sqrt(var / N) + 1e-6);
            ck_assert_double_eq_tol(squares, var, 0.05 * var + 1e-5);
            gm_tape_free(t);
        }
    /* and as visible units, the same */
    gm_model *m = NULL;
    gm_tensor *x = NULL, *y = NULL;
    OK(gm_model_new(ctx, "rbm", "units=rectified shape=3 hidden=2 seed=1", &m));
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){1, 2}, &x));
    OK(gm_decode(m, x, &y));
    double mean, var;
    rectified(0, 0.5, &mean, &var);
    for (int i = 0; i < 3; i++) ck_assert_double_eq_tol((double)gm__f32(y)[i], mean, 1e-5);
    gm_tensor_free(y);
    y = NULL;
    gm_tensor_free(x);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){1, 3}, &x));
    ck_assert_int_eq(gm_model_can(m) & (GM_CAN_SCORE | GM_CAN_LOG_PROB), 0);
    FAILS(GM_EUNSUPPORTED, "score", gm_rbm_free_energy(m, x, &y));
    FAILS(GM_EUNSUPPORTED, "rectified units have no energy", gm_rbm_log_z(m, NULL, NULL, &var, NULL));
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* ---- learning ------------------------------------------------------------------------------- */

static gm_dataset *data_of(int64_t n, int64_t width, const float *x)
{
    gm_tensor *t = NULL;
    gm_dataset *d = NULL;
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){n, width}, x, &t));
    OK(gm_dataset_from_tensors(ctx, t, NULL, &d));
    gm_tensor_free(t);
    return d;
}

static double measured(gm_model *m, gm_dataset *d, const char *metric)
{
    char options[64];
    gm_measure e;
    int32_t n;
    snprintf(options, sizeof options, "metric=%s", metric);
    OK(gm_eval(m, d, options, &e, 1, &n));
    return e.value;
}

/* Two groups that always agree, and documents that hold one of two pairs of words. */
START_TEST(learns_pairs)
{
    static const float agree[] = {1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1};
    static const float topics[] = {4, 4, 0, 0, 5, 3, 0, 0, 3, 5, 0, 0, 0, 0, 4, 4, 0, 0, 5, 3, 0, 0, 3, 5, 2, 2, 0, 0, 0, 0, 2, 2};
    gm_dataset *d = _i ? data_of(8, 4, topics) : data_of(3, 6, agree);
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "rbm", _i ? "units=replicated hidden=4 k=5 init-std=0.1 seed=1" : "units=softmax group=3 hidden=8 k=5 persistent=on chains=100 init-std=0.1 seed=1", &m));
    OK(gm_fit(m, d, _i ? "steps=3000 batch=8 lr=0.05 schedule=cosine seed=1" : "steps=6000 batch=3 lr=0.1 schedule=cosine seed=1"));
    /* of the 8 documents (6 of 8 words, 2 of 4) the best that words of their own pair can give is log(1/2) + words log(1/2) each */
    const double lp = measured(m, d, "exact_log_prob"), best = _i ? -log(2) - 7 * log(2) : -log(3);
    ck_assert_msg(lp > best - (_i ? 0.4 : 0.05) && lp < best + (_i ? 0.2 : 1e-3), "%g nats, %g at best", lp, best);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* Real hidden units over real or positive data: one factor moves two visible units. */
START_TEST(learns_a_factor)
{
    enum { N = 500 };
    static const char *const kind[] = {"gaussian,rectified", "bernoulli,gaussian", "bernoulli,rectified", "rectified"};
    float *x = calloc(N * 4, sizeof *x);
    for (uint32_t k = 0; k < N; k++) {
        const double u = unit(k);
        for (uint32_t i = 0; i < 4; i++)
            x[k * 4 + i] = (float)(_i == 0 || _i == 3 ? 3 * u * (i < 2) + 0.05 * unit(k * 4 + i + 10000) : (i < 2) == (u < 0.5) ? 1 : 0);
    }
    gm_dataset *d = data_of(N, 4, x);
    gm_model *m = NULL, *blank = NULL;
    char options[128];
    snprintf(options, sizeof options, "units=%s hidden=3 init-std=0.1 seed=1", kind[_i]);
    OK(gm_model_new(ctx, "rbm", options, &m));
    OK(gm_fit(m, d, "steps=2000 batch=50 lr=0.01 momentum=0.5 seed=1"));
    OK(gm_model_new(ctx, "rbm", options, &blank));
    OK(gm_fit(blank, d, "steps=1 batch=50 lr=1e-9 seed=1"));
    const double before = measured(blank, d, "recon"), after = measured(m, d, "recon");
    ck_assert_msg(after < 0.5 * before, "%s: reconstruction %g, %g without learning", kind[_i], after, before);
    gm_model_free(m);
    gm_model_free(blank);
    gm_dataset_free(d);
    free(x);
}
END_TEST

/* ---- files, threads ----------------------------------------------------------------------- */

static const struct { const char *options; int group; } kinds[] = {
    {"units=softmax,bernoulli group=4 persistent=on centered=on", 4}, {"units=softmax,rectified group=2", 2}, {"units=replicated", 0}, {"units=replicated,gaussian", 0},
    {"units=rectified", 0}, {"units=gaussian,rectified", 0}, {"units=bernoulli,gaussian k=3", 1}, {"units=bernoulli,rectified", 1}};

static gm_dataset *whatever(int group)
{
    enum { N = 40, WIDTH = 12 };
    float x[N * WIDTH] = {0};
    for (uint32_t k = 0; k < N; k++)
        for (uint32_t i = 0; i < WIDTH; i++) {
            const uint32_t g = group > 1 ? (uint32_t)group : 1;
            x[k * WIDTH + i] = group > 1 ? i % g == (uint32_t)(unit(k * 100 + i / g) * g) : group == 1 ? unit(k * 100 + i) < 0.5 : (float)floor(unit(k * 100 + i) * 4);
        }
    return data_of(N, WIDTH, x);
}

/* 40 steps are 15 in a checkpoint and 25 more; any number of threads; and a file gives the same draws. */
START_TEST(same_bytes)
{
    gm_dataset *d = whatever(kinds[_i].group);
    gm_model *m[3] = {NULL};
    gm_tensor *a = NULL, *b = NULL;
    gm_trainer *tr = NULL;
    char options[128];
    const char *whole = at("whole.safetensors"), *parts = at("parts.safetensors"), *ckpt = at("c.safetensors");
    snprintf(options, sizeof options, "hidden=7 burn-in=5 seed=2 %s", kinds[_i].options);
    for (int i = 0; i < 2; i++) OK(gm_model_new(ctx, "rbm", options, &m[i]));
    OK(gm_ctx_set_threads(ctx, 1));
    OK(gm_fit(m[0], d, "steps=40 batch=16 lr=0.01 seed=4"));
    OK(gm_model_save(m[0], whole));
    OK(gm_ctx_set_threads(ctx, 3));
    OK(gm_trainer_new(m[1], d, "steps=40 batch=16 lr=0.01 seed=4 stop-after=15", &tr));
    OK(gm_trainer_run(tr));
    OK(gm_trainer_save(tr, ckpt));
    gm_trainer_free(tr);
    OK(gm_trainer_resume(ctx, ckpt, d, NULL, NULL, &tr));
    OK(gm_trainer_run(tr));
    OK(gm_model_save(gm_trainer_model(tr), parts));
    gm_trainer_free(tr);
    ck_assert(same_files(whole, parts));
    OK(gm_model_load(ctx, whole, &m[2]));
    OK(gm_sample(m[0], 9, 3, &a));
    OK(gm_sample(m[2], 9, 3, &b));
    ck_assert(furthest(a, b) == 0);
    for (int64_t i = 0; i < a->size; i++) ck_assert(isfinite(gm__f32(a)[i]));
    gm_tensor_free(a);
    gm_tensor_free(b);
    for (int i = 0; i < 3; i++) gm_model_free(m[i]);
    gm_dataset_free(d);
}
END_TEST

/* ---- bad input ------------------------------------------------------------------------------ */

START_TEST(wrong_options)
{
    static const struct { const char *options, *text; } bad[] = {
        {"units=ternary", "softmax"}, {"units=bernoulli,ternary", "one of"}, {"units=gaussian,gaussian", "no bounds"}, {"units=rectified,rectified", "no bounds"},
        {"units=softmax", "group"}, {"units=softmax group=1", "group"}, {"group=3", "group"}, {"length=3", "length"}, {"units=replicated persistent=on", "persistent"},
        {"units=replicated scale=unit", "scale"}, {"units=softmax group=2 scale=standard", "scale"}, {"units=rectified scale=standard", "scale"},
        {"units=rectified centered=on", "centered"}, {"units=bernoulli,gaussian centered=on", "centered"}, {"units=softmax group=2 binarize=threshold", "binarize"},
        {"units=bernoulli,rectified sparsity=0.1", "sparsity"}, {"units=bernoulli,rectified conditional=on", "conditional"}, {"units=rectified conditional=on", "conditional"},
    };
    gm_model *m = NULL;
    for (size_t i = 0; i < GM__COUNT(bad); i++) FAILS(GM_EARG, bad[i].text, gm_model_new(ctx, "rbm", bad[i].options, &m));
    FAILS(GM_ESHAPE, "groups of 3", gm_model_new(ctx, "rbm", "units=softmax group=3 shape=7", &m));
    gm_rbm_config c;
    gm_rbm_config_init(&c, sizeof c);
    c.units = 99;
    FAILS(GM_EARG, "units", gm_rbm_new(ctx, &c, &m));
    c.units = GM_UNITS_SOFTMAX | GM_UNITS_HIDDEN_RECTIFIED;
    c.group = 2;
    c.shape = "4";
    OK(gm_rbm_new(ctx, &c, &m));
    ck_assert_ptr_nonnull(strstr(gm_model_config(m), "\"units\":\"softmax,rectified\""));
    gm_model_free(m);
}
END_TEST

START_TEST(wrong_values)
{
    static const struct { const char *options; float x[6]; const char *text; } bad[] = {
        {"units=softmax group=3", {1, 0, 0, 1, 1, 0}, "units 3 to 5 of row 0 make 2"}, {"units=softmax group=3", {1, 0, 0, 0, 0, 0}, "make 0"},
        {"units=softmax group=3", {1, 0, 0, -1, 1, 1}, "found -1"}, {"units=softmax group=3", {1, 0, 0, NAN, 1, 0}, "found nan"},
        {"units=replicated", {1, 2, -1, 0, 0, 0}, "found -1"}, {"units=replicated", {0.5f, 2, 1, 0, 0, 0}, "found 0.5"}, {"units=replicated", {NAN, 2, 1, 0, 0, 0}, "found nan"},
        {"units=replicated", {1e6f, 1e6f, 1, 0, 0, 0}, "make 2"}, {"units=replicated", {2e6f, 0, 1, 0, 0, 0}, "found 2000000"}, {"units=rectified", {0, -0.1f, 0, 0, 0, 0}, "found -0.1"},
        {"units=rectified", {0, NAN, 0, 0, 0, 0}, "found nan"}, {"units=gaussian", {0, INFINITY, 0, 0, 0, 0}, "found inf"}, {"units=gaussian", {NAN, 0, 0, 0, 0, 0}, "found nan"}};
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        gm_dataset *d = data_of(1, 6, bad[i].x);
        gm_model *m = NULL;
        OK(gm_model_new(ctx, "rbm", bad[i].options, &m));
        FAILS(GM_EARG, bad[i].text, gm_fit(m, d, "steps=1 batch=1"));
        gm_model_free(m);
        gm_dataset_free(d);
    }
}
END_TEST

/* Documents without words, and of another length than the model draws. */
START_TEST(odd_documents)
{
    static const float x[] = {0, 0, 0, 2, 1, 0, 7, 0, 2};
    net n = make(2);
    gm_dataset *d = data_of(3, 3, x);
    gm_tensor *y = NULL, *rows = NULL;
    double lp = measured(n.m, d, "exact_log_prob"), sum = 0;
    for (int k = 0; k < 3; k++) {
        double mean[HIDDEN], z = 0, words = (double)(x[3 * k] + x[3 * k + 1] + x[3 * k + 2]);
        states all = documents((int)words);
        for (int s = 0; s < all.n; s++) z += all.weight[s] * over_hidden(&n, all.x + s * 3, mean);
        sum += log(over_hidden(&n, x + 3 * k, mean) / z) / 3;
        drop(&all);
    }
    ck_assert_double_eq_tol(lp, sum, 1e-5);
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){3, 3}, x, &rows));
    OK(gm_rbm_gibbs(n.m, rows, NULL, "steps=3", &y));
    for (int k = 0; k < 3; k++) /* a chain keeps the number of words */
        ck_assert(gm__f32(y)[3 * k] + gm__f32(y)[3 * k + 1] + gm__f32(y)[3 * k + 2] == x[3 * k] + x[3 * k + 1] + x[3 * k + 2]);
    gm_tensor_free(y);
    gm_tensor_free(rows);
    gm_dataset_free(d);
    drop_net(&n);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rbm units");
    TCase *c = tcase_create("units");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, probabilities, 0, PAIRS);
    tcase_add_loop_test(c, chains, 0, 2 * PAIRS);
    tcase_add_loop_test(c, gradients, 0, PAIRS);
    tcase_add_test(c, rectified_units);
    tcase_add_loop_test(c, learns_pairs, 0, 2);
    tcase_add_loop_test(c, learns_a_factor, 0, 4);
    tcase_add_loop_test(c, same_bytes, 0, (int)GM__COUNT(kinds));
    tcase_add_test(c, wrong_options);
    tcase_add_test(c, wrong_values);
    tcase_add_test(c, odd_documents);
    suite_add_tcase(s, c);
    return run_suite(s);
}
