/* test_rbm.c - the restricted Boltzmann machine against enumeration of all its states. */
#include "models/models_test.h"
#include "models/rbm/rbm.h"

enum { NV = 4, NH = 3, V = 1 << NV, H = 1 << NH };

/* A model of 4 visible and 3 hidden units with weights that matter. */
static gm_model *small(const char *more)
{
    char options[256];
    gm_model *m = NULL;
    snprintf(options, sizeof options, "shape=4 hidden=3 init-std=1 seed=3 %s", more);
    OK(gm_model_new(ctx, "rbm", options, &m));
    const gm__rbm *r = gm__rbm_of(m);
    for (int i = 0; i < NV; i++) gm__f32(r->b)[i] = (float)(0.4 * i - 0.7);
    for (int j = 0; j < NH; j++) gm__f32(r->c)[j] = (float)(0.3 - 0.5 * j);
    for (int i = 0; r->mu && i < NV; i++) gm__f32(r->mu)[i] = (float)(0.2 + 0.15 * i);
    for (int j = 0; r->lambda && j < NH; j++) gm__f32(r->lambda)[j] = (float)(0.7 - 0.2 * j);
    return m;
}

/* -E(v, h), straight from the definition */
static double minus_energy(const gm__rbm *r, int v, int h)
{
    double e = 0;
    for (int i = 0; i < NV; i++) {
        double x = (v >> i & 1) - (r->mu ? (double)gm__f32(r->mu)[i] : 0);
        e += x * (double)gm__f32(r->b)[i];
        for (int j = 0; j < NH; j++) e += x * (double)gm__f32(r->w)[i * NH + j] * ((h >> j & 1) - (r->lambda ? (double)gm__f32(r->lambda)[j] : 0));
    }
    for (int j = 0; j < NH; j++) e += ((h >> j & 1) - (r->lambda ? (double)gm__f32(r->lambda)[j] : 0)) * (double)gm__f32(r->c)[j];
    return e;
}

/* p(v) at a temperature, all states counted */
static void enumerate(const gm__rbm *r, double temperature, double p[V])
{
    double z = 0;
    for (int v = 0; v < V; v++) {
        p[v] = 0;
        for (int h = 0; h < H; h++) p[v] += exp(minus_energy(r, v, h) / temperature);
        z += p[v];
    }
    for (int v = 0; v < V; v++) p[v] /= z;
}

static gm_tensor *all_states(void)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){V, NV}, &x));
    for (int v = 0; v < V; v++)
        for (int i = 0; i < NV; i++) gm__f32(x)[v * NV + i] = (float)(v >> i & 1);
    return x;
}

START_TEST(probabilities)
{
    gm_model *m = small(_i ? "centered=on" : "");
    const gm__rbm *r = gm__rbm_of(m);
    gm_tensor *x = all_states(), *f = NULL, *h = NULL, *v = NULL;
    double p[V], log_z, error, z = 0;
    enumerate(r, 1, p);
    OK(gm_rbm_free_energy(m, x, &f));
    OK(gm_rbm_log_z(m, NULL, NULL, &log_z, &error));
    ck_assert_double_eq(error, 0);
    for (int k = 0; k < V; k++) {
        z += exp(-(double)gm__f32(f)[k]);
        ck_assert_double_eq_tol(-(double)gm__f32(f)[k] - log_z, log(p[k]), 2e-6);
    }
    ck_assert_double_eq_tol(log(z), log_z, 1e-5); /* Z counts what the free energies count */
    /* the conditionals, both ways */
    OK(gm_encode(m, x, &h));
    for (int k = 0; k < V; k++)
        for (int j = 0; j < NH; j++) {
            double on = 0, all = 0;
            for (int s = 0; s < H; s++) {
                double e = exp(minus_energy(r, k, s));
                all += e, on += s >> j & 1 ? e : 0;
            }
            ck_assert_double_eq_tol((double)gm__f32(h)[k * NH + j], on / all, 1e-6);
        }
    for (int k = 0; k < V; k++)
        for (int j = 0; j < NH; j++) gm__f32(h)[k * NH + j] = (float)(k >> j & 1);
    OK(gm_decode(m, h, &v));
    for (int k = 0; k < H; k++)
        for (int i = 0; i < NV; i++) {
            double on = 0, all = 0;
            for (int s = 0; s < V; s++) {
                double e = exp(minus_energy(r, s, k));
                all += e, on += s >> i & 1 ? e : 0;
            }
            ck_assert_double_eq_tol((double)gm__f32(v)[k * NV + i], on / all, 1e-6);
        }
    gm_tensor_free(x);
    gm_tensor_free(f);
    gm_tensor_free(h);
    gm_tensor_free(v);
    gm_model_free(m);
}
END_TEST

START_TEST(annealing)
{
    static const char *const how[] = {"method=ais temperatures=200 chains=2000 seed=1", "method=reverse-ais temperatures=200 chains=2000 seed=1"};
    gm_model *m = small(_i & 1 ? "centered=on" : "");
    double exact, log_z, error;
    OK(gm_rbm_log_z(m, NULL, "method=exact", &exact, NULL));
    OK(gm_rbm_log_z(m, NULL, how[_i / 2], &log_z, &error));
    ck_assert_msg(error > 0 && error < 0.02 && fabs(log_z - exact) < 4 * error, "%s: %g +- %g, exact %g", how[_i / 2], log_z, error, exact);
    gm_model_free(m);
}
END_TEST

/* Chains at a temperature visit states as often as p says. Chi-square with 15 degrees of freedom exceeds 37.7 once in 1,000
 * times; the seed is fixed, so this cannot fail by chance later. */
START_TEST(chains)
{
    enum { N = 20000 };
    static const double temperature[] = {0.5, 1, 2};
    gm_model *m = small(_i >= 3 ? "centered=on" : "");
    gm_tensor *x = NULL, *y = NULL;
    double p[V], chi = 0;
    int count[V] = {0};
    char options[64];
    enumerate(gm__rbm_of(m), temperature[_i % 3], p);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){N, NV}, &x));
    snprintf(options, sizeof options, "steps=60 temperature=%g seed=5", temperature[_i % 3]);
    OK(gm_rbm_gibbs(m, x, NULL, options, &y));
    for (int k = 0; k < N; k++) {
        int s = 0;
        for (int i = 0; i < NV; i++) s |= (gm__f32(y)[k * NV + i] > 0.5f) << i;
        count[s]++;
    }
    for (int s = 0; s < V; s++) chi += (count[s] - N * p[s]) * (count[s] - N * p[s]) / (N * p[s]);
    ck_assert_msg(chi < 37.7, "T = %g: chi-square %g", temperature[_i % 3], chi);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_model_free(m);
}
END_TEST

START_TEST(held_units)
{
    gm_model *m = small("");
    gm_tensor *x = all_states(), *clamp = NULL, *y = NULL, *z = NULL;
    const uint8_t held[NV] = {1, 0, 1, 0};
    OK(gm_tensor_copy(ctx, GM_U8, 1, (int64_t[]){NV}, held, &clamp));
    OK(gm_rbm_gibbs(m, x, clamp, "steps=7 seed=1", &y));
    int moved = 0;
    for (int k = 0; k < V; k++)
        for (int i = 0; i < NV; i++) {
            float a = gm__f32(x)[k * NV + i], b = gm__f32(y)[k * NV + i];
            ck_assert(b == 0 || b == 1);
            if (held[i]) ck_assert(a == b);
            else moved += a != b;
        }
    ck_assert_int_gt(moved, 4);
    OK(gm_rbm_gibbs(m, x, clamp, "steps=7 seed=1", &z)); /* the same seed, the same states */
    ck_assert(furthest(y, z) == 0);
    gm_tensor_free(z);
    /* cooled down slowly a chain ends where the energy is lowest */
    double p[V];
    int best = 0, found = 0;
    enumerate(gm__rbm_of(m), 1, p);
    double energy[V];
    for (int v = 0; v < V; v++) {
        energy[v] = -INFINITY;
        for (int h = 0; h < H; h++) energy[v] = fmax(energy[v], minus_energy(gm__rbm_of(m), v, h));
        if (energy[v] > energy[best]) best = v;
    }
    OK(gm_rbm_gibbs(m, x, NULL, "steps=4000 anneal=5 temperature=0.05 seed=1", &z));
    for (int k = 0; k < V; k++) {
        int s = 0;
        for (int i = 0; i < NV; i++) s |= (gm__f32(z)[k * NV + i] > 0.5f) << i;
        found += energy[s] > energy[best] - 0.01; /* there are two of nearly one energy */
    }
    ck_assert_msg(found >= V - 2, "%d of %d chains in a state of lowest energy", found, V);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_tensor_free(z);
    gm_tensor_free(clamp);
    gm_model_free(m);
}
END_TEST

/* Three label units beside the four: p(label | x), free energies and Z by enumeration. */
START_TEST(label_units)
{
    enum { K = 3, ALL = NV + K };
    gm_model *m = NULL;
    gm_tensor *x = all_states(), *p = NULL, *none = NULL, *f = NULL, *y = NULL;
    double log_z, z = 0;
    OK(gm_model_new(ctx, "rbm", _i ? "shape=4 classes=3 conditional=on hidden=3 init-std=1 seed=5 centered=on" : "shape=4 classes=3 conditional=on hidden=3 init-std=1 seed=5", &m));
    const gm__rbm *r = gm__rbm_of(m);
    ck_assert_int_eq(r->w->shape[0], ALL);
    for (int i = 0; i < ALL; i++) gm__f32(r->b)[i] = (float)(0.3 * i - 0.9);
    OK(gm_predict(m, x, &p));
    OK(gm_score(m, x, &f));
    OK(gm_rbm_log_z(m, NULL, NULL, &log_z, NULL));
    for (int v = 0; v < V; v++) {
        double of[K] = {0}, sum = 0;
        for (int k = 0; k < K; k++)
            for (int h = 0; h < H; h++) {
                double e = 0;
                for (int i = 0; i < ALL; i++) {
                    double on = (i < NV ? v >> i & 1 : i - NV == k) - (r->mu ? (double)gm__f32(r->mu)[i] : 0);
                    e += on * (double)gm__f32(r->b)[i];
                    for (int j = 0; j < NH; j++)
                        e += on * (double)gm__f32(r->w)[i * NH + j] * ((h >> j & 1) - (r->lambda ? (double)gm__f32(r->lambda)[j] : 0));
                }
                of[k] += exp(e);
            }
        for (int k = 0; k < K; k++) sum += of[k];
        z += exp(-(double)gm__f32(f)[v]);
        for (int k = 0; k < K; k++) ck_assert_double_eq_tol((double)gm__f32(p)[v * K + k], of[k] / sum, 1e-5);
    }
    ck_assert_double_eq_tol(log(z), log_z, 1e-5); /* scores without a label sum over labels */
    OK(gm_sample(m, 6, 1, &y)); /* labels in turn */
    ck_assert_int_eq(y->size, 6 * NV);
    FAILS(GM_EUNSUPPORTED, "label", gm_rbm_gibbs(m, x, NULL, NULL, &none));
    gm_tensor_free(x);
    gm_tensor_free(p);
    gm_tensor_free(f);
    gm_tensor_free(y);
    gm_model_free(m);
}
END_TEST

/* ---- learning --------------------------------------------------------------------------- */

/* The 14 pictures of 3x3 whose rows, or whose columns, are all on or all off. */
static gm_dataset *bars_and_stripes(void)
{
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){14, 9}, &x));
    int n = 0;
    for (int which = 0; which < 2; which++)
        for (int bits = which; bits < (which ? 7 : 8); bits++, n++)
            for (int k = 0; k < 9; k++) gm__f32(x)[n * 9 + k] = (float)(bits >> (which ? k % 3 : k / 3) & 1);
    ck_assert_int_eq(n, 14);
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_tensor_free(x);
    return d;
}

static double exact_log_prob(gm_model *m, gm_dataset *d)
{
    gm_measure e;
    int32_t n;
    OK(gm_eval(m, d, "metric=exact_log_prob", &e, 1, &n));
    return e.value;
}

/* Measured together or alone, a metric has the same value: each keeps its own Z, beyond the first batch, too. */
START_TEST(metrics_stand_apart)
{
    gm_model *m = NULL;
    gm_dataset *d = pictures(40, 1);
    gm_measure alone, both[3];
    int32_t n;
    OK(gm_model_new(ctx, "rbm", "hidden=6 init-std=0.5 seed=1", &m));
    OK(gm_fit(m, d, "steps=5 batch=20"));
    OK(gm_eval(m, d, "metric=exact_log_prob batch=8", &alone, 1, &n));
    OK(gm_eval(m, d, "metric=exact_log_prob,ais,reverse_ais batch=8 k=3", both, 3, &n));
    ck_assert_double_eq(alone.value, both[0].value);
    ck_assert(both[1].value != both[0].value && both[2].value != both[1].value);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

START_TEST(learns_bars_and_stripes)
{
    static const char *const kind[] = {"persistent=on chains=200", "persistent=on chains=200 centered=on"};
    gm_dataset *d = bars_and_stripes();
    gm_model *m = NULL;
    char options[128];
    snprintf(options, sizeof options, "hidden=16 k=5 init-std=0.1 seed=1 %s", kind[_i]);
    OK(gm_model_new(ctx, "rbm", options, &m));
    OK(gm_fit(m, d, "steps=12000 batch=14 lr=0.1 schedule=cosine seed=1"));
    double lp = exact_log_prob(m, d);
    ck_assert_msg(lp <= -log(14) && lp >= -log(14) - 0.05, "%s: %g nats, the data's entropy is %g", kind[_i], lp, log(14));
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* Gaussian visibles: two clusters on a line; exact log Z normalises the density. */
/* log Z by annealing, there and back, against all hidden states counted */
static void annealed_gaussian(gm_model *m, gm_tensor *x, double log_z)
{
    static const char *const how[] = {"method=ais temperatures=1000 chains=2000 seed=1", "method=reverse-ais temperatures=1000 chains=2000 seed=2"};
    for (int i = 0; i < 3; i++) {
        double found, error;
        OK(gm_rbm_log_z(m, i == 2 ? x : NULL, how[i > 0], &found, &error));
        ck_assert_msg(error > 0 && error < 0.1 && fabs(found - log_z) < 5 * error, "%d: log Z %g, counted %g, error %g", i, found, log_z, error);
    }
}

START_TEST(annealing_to_gaussian_units)
{
    gm_model *m = NULL;
    gm_tensor *x = NULL;
    double log_z;
    OK(gm_model_new(ctx, "rbm", "hidden=10 units=gaussian shape=6 init-std=0.7 seed=3", &m));
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++)
        for (int64_t k = 0; strcmp(gm_model_tensor_name(m, i), "weight") && k < gm_model_tensor(m, i)->size; k++)
            gm__f32(gm_model_tensor(m, i))[k] = (float)((double)(k % 4) / 2 - 1);
    OK(gm_rbm_log_z(m, NULL, NULL, &log_z, NULL));
    OK(gm_sample(m, 50, 1, &x));
    annealed_gaussian(m, x, log_z);
    gm_tensor_free(x);
    gm_model_free(m);
    OK(gm_model_new(ctx, "rbm", "hidden=3 units=gaussian shape=2 conditional=on classes=2", &m));
    FAILS(GM_EUNSUPPORTED, "gaussian ones below one hidden layer, without labels", gm_rbm_log_z(m, NULL, "method=ais", &log_z, NULL));
    gm_model_free(m);
}
END_TEST

START_TEST(gaussian_units)
{
    enum { N = 2000 };
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){N, 1}, &x));
    for (int i = 0; i < N; i++) {
        double noise = 0;
        for (uint32_t k = 0; k < 12; k++) noise += unit((uint32_t)i * 13 + k);
        gm__f32(x)[i] = (float)((i % 2 ? 1.5 : -1.5) + 0.3 * (noise - 6));
    }
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    OK(gm_model_new(ctx, "rbm", "hidden=4 units=gaussian k=2 init-std=0.3 seed=1", &m));
    OK(gm_fit(m, d, "steps=6000 batch=100 lr=0.05 momentum=0.5 schedule=cosine seed=1"));
    double log_z, area = 0;
    OK(gm_rbm_log_z(m, NULL, NULL, &log_z, NULL));
    gm_tensor *line = NULL, *f = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){4001, 1}, &line));
    for (int i = 0; i < 4001; i++) gm__f32(line)[i] = (float)(-10 + 0.005 * i);
    OK(gm_score(m, line, &f));
    for (int i = 0; i < 4001; i++) area += exp(-(double)gm__f32(f)[i] - log_z) * 0.005;
    ck_assert_double_eq_tol(area, 1, 1e-4);
    double lp = exact_log_prob(m, d), own = -log(2) - 0.5 * log(2 * 3.14159265358979 * 0.09) - 0.5;
    ck_assert_msg(lp > own - 0.15, "%g nats, the source's own %g", lp, own);
    annealed_gaussian(m, x, log_z);
    gm_tensor_free(line);
    gm_tensor_free(f);
    gm_tensor_free(x);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* 60 steps are 25 in a checkpoint and 35 more, byte by byte, at any number of threads. */
START_TEST(goes_on_with_the_same_bytes)
{
    static const char *const kind[] = {"", "persistent=on", "persistent=on centered=on chains=7", "centered=on k=3 sparsity=0.1", "units=gaussian", "conditional=on"};
    gm_dataset *d = pictures(50, 1);
    gm_model *m[2] = {NULL, NULL};
    gm_trainer *tr = NULL;
    char options[128];
    const char *whole = at("whole.safetensors"), *parts = at("parts.safetensors"), *ckpt = at("c.safetensors");
    snprintf(options, sizeof options, "hidden=10 seed=2 %s", kind[_i]);
    for (int i = 0; i < 2; i++) OK(gm_model_new(ctx, "rbm", options, &m[i]));
    OK(gm_fit(m[0], d, "steps=60 batch=16 lr=0.05 momentum=0.5 seed=4"));
    OK(gm_model_save(m[0], whole));
    OK(gm_trainer_new(m[1], d, "steps=60 batch=16 lr=0.05 momentum=0.5 seed=4 stop-after=25", &tr));
    OK(gm_trainer_run(tr));
    OK(gm_trainer_save(tr, ckpt));
    gm_trainer_free(tr);
    OK(gm_trainer_resume(ctx, ckpt, d, NULL, NULL, &tr));
    OK(gm_trainer_run(tr));
    OK(gm_model_save(gm_trainer_model(tr), parts));
    gm_trainer_free(tr);
    ck_assert(same_files(whole, parts));
    for (int i = 0; i < 2; i++) gm_model_free(m[i]);
    gm_dataset_free(d);
}
END_TEST

START_TEST(wrong_input)
{
    gm_model *m = NULL;
    gm_tensor *x = NULL, *y = NULL;
    double z;
    FAILS(GM_EARG, "centered", gm_model_new(ctx, "rbm", "units=gaussian centered=on", &m));
    FAILS(GM_EARG, "chains", gm_model_new(ctx, "rbm", "chains=5", &m));
    FAILS(GM_EARG, "hidden", gm_model_new(ctx, "rbm", "hidden=0", &m));
    FAILS(GM_EARG, "binarize", gm_model_new(ctx, "rbm", "units=gaussian binarize=dynamic", &m));
    m = small("");
    FAILS(GM_EARG, "NULL", gm_rbm_gibbs(m, NULL, NULL, NULL, &y));
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){2, 5}, &x));
    FAILS(GM_ESHAPE, "[4]", gm_rbm_gibbs(m, x, NULL, NULL, &y));
    gm_tensor_free(x);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){2, 4}, &x));
    FAILS(GM_EDTYPE, "u8", gm_rbm_gibbs(m, x, x, NULL, &y));
    FAILS(GM_EARG, "temperature", gm_rbm_gibbs(m, x, NULL, "temperature=0", &y));
    gm__f32(x)[3] = 2;
    FAILS(GM_EARG, "[0,1]", gm_rbm_free_energy(m, x, &y));
    gm__f32(x)[3] = NAN;
    FAILS(GM_EARG, "[0,1]", gm_rbm_gibbs(m, x, NULL, NULL, &y));
    FAILS(GM_EARG, "method", gm_rbm_log_z(m, NULL, "method=guess", &z, NULL));
    gm_model_free(m);
    OK(gm_model_new(ctx, "rbm", "shape=4 hidden=25", &m));
    FAILS(GM_ELIMIT, "25 hidden", gm_rbm_log_z(m, NULL, NULL, &z, NULL));
    gm_model_free(m);
    OK(gm_model_new(ctx, "vae", "shape=4", &m));
    FAILS(GM_EARG, "rbm wanted", gm_rbm_log_z(m, NULL, NULL, &z, NULL));
    gm_model_free(m);
    gm_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rbm");
    TCase *c = tcase_create("rbm");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, probabilities, 0, 2);
    tcase_add_loop_test(c, annealing, 0, 4);
    tcase_add_loop_test(c, chains, 0, 6);
    tcase_add_test(c, held_units);
    tcase_add_loop_test(c, label_units, 0, 2);
    tcase_add_test(c, metrics_stand_apart);
    tcase_add_loop_test(c, learns_bars_and_stripes, 0, 2);
    tcase_add_test(c, gaussian_units);
    tcase_add_test(c, annealing_to_gaussian_units);
    tcase_add_loop_test(c, goes_on_with_the_same_bytes, 0, 6);
    tcase_add_test(c, wrong_input);
    suite_add_tcase(s, c);
    return run_suite(s);
}
