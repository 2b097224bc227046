/* test_vae.c - the VAE against closed forms: KL, the bounds, probabilistic PCA;
 * gradients of every loss in f64; then training, files, collapse and its refusals. */
#include "models/vae/vae.h"
#include <check.h>
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gm_ctx *ctx;
static void setup(void) { ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK); }
static void teardown(void) { gm_ctx_free(ctx); }

#define OK(expr) ck_assert_msg((expr) == GM_OK, "%s: %s", #expr, gm_ctx_message(ctx))

static gm_model *model(const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "vae", options, &m));
    return m;
}

/* Numbers in (0,1) that look unordered. */
static double unit(uint32_t i)
{
    uint32_t h = i * 2654435761u + 12345u;
    h ^= h >> 15, h *= 2246822519u, h ^= h >> 13;
    return (h >> 8) * 0x1p-24;
}

static gm_tensor *data(int32_t dtype, int64_t n, int64_t row, double lo, double hi)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, dtype, 2, (int64_t[]){n, row}, &x));
    for (int64_t i = 0; i < n * row; i++) {
        double v = lo + (hi - lo) * unit((uint32_t)i);
        if (dtype == GM_F64) gm__f64(x)[i] = v;
        else gm__f32(x)[i] = (float)v;
    }
    return x;
}

static double item(gm_tensor *t)
{
    double v = NAN;
    OK(gm_tensor_item(t, &v));
    return v;
}

static double loss_of(gm_model *m, gm_tensor *x, uint64_t seed)
{
    gm_tape *t = NULL;
    gm_tensor *loss = NULL;
    OK(gm_tape_new(ctx, seed, &t));
    gm_tape_recording(t, 0);
    gm__batch b = {.t = t, .x = x, .training = true};
    ck_assert_msg(gm__vae_loss(m, &b, &loss) == GM_OK, "%s", gm_tape_message(t));
    double v = item(loss);
    gm_tape_free(t);
    return v;
}

/* Mean loss over many draws, and its standard error. */
static double mean_loss(gm_model *m, gm_tensor *x, int n, double *error)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        double v = loss_of(m, x, 100 + (uint64_t)i);
        sum += v, squares += v * v;
    }
    double mean = sum / n;
    *error = sqrt((squares / n - mean * mean) / n);
    return mean;
}

/* ---- closed forms ----------------------------------------------------------------- */

START_TEST(kl_equals_monte_carlo)
{
    gm_model *m = model("shape=6 hidden=8 latent=3 seed=4");
    gm_tensor *x = data(GM_F32, 2, 6, -3, 3), *ratio = NULL;
    gm_tape *t = NULL;
    OK(gm_tape_new(ctx, 7, &t));
    gm_tape_recording(t, 0);
    gm__vae_q q = gm__vae_posterior(m, t, x, NULL);
    gm_tensor *kl = gm_gaussian_kl(t, q.mean, q.log_var);
    enum { K = 40000 };
    gm__vae_draws(m, t, x, q, K, &ratio);
    ck_assert_msg(gm_tape_status(t) == GM_OK, "%s", gm_tape_message(t));
    ck_assert_int_eq(ratio->shape[0], 2);
    ck_assert_int_eq(ratio->shape[1], K);
    for (int i = 0; i < 2; i++) {
        double sum = 0, squares = 0;
        for (int k = 0; k < K; k++) {
            double v = -gm__f32(ratio)[i * K + k];
            sum += v, squares += v * v;
        }
        double mean = sum / K, error = sqrt((squares / K - mean * mean) / K);
        ck_assert_double_gt(error, 0);
        ck_assert_double_lt(fabs(mean - gm__f32(kl)[i]), 4 * error);
        ck_assert_double_gt(gm__f32(kl)[i], 0.001);
    }
    gm_tape_free(t);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

START_TEST(bounds_are_ordered)
{
    const char *base = "shape=12 hidden=10 latent=4 seed=3 likelihood=bernoulli activation=tanh";
    char options[256];
    double value[4], error[4];
    static const char *const more[] = {"objective=elbo", "objective=elbo k=8", "objective=iwae k=1", "objective=iwae k=50"};
    gm_tensor *x = data(GM_F32, 5, 12, 0, 1);
    for (int i = 0; i < 4; i++) {
        gm__format(options, sizeof options, "%s %s", base, more[i]);
        gm_model *m = model(options);
        for (int32_t j = 0; j < gm_model_tensor_count(m); j++) { /* larger weights: a posterior away from the prior */
            gm_tensor *w = gm_model_tensor(m, j);
            for (int64_t k = 0; k < w->size; k++) gm__f32(w)[k] *= 3;
        }
        value[i] = mean_loss(m, x, i == 3 ? 50 : 400, &error[i]);
        gm_model_free(m);
    }
    ck_assert_double_lt(fabs(value[0] - value[1]), 4 * (error[0] + error[1])); /* k draws: the same expectation */
    ck_assert_double_lt(error[1], error[0]);                                   /* with less noise */
    ck_assert_double_lt(fabs(value[0] - value[2]), 4 * (error[0] + error[2])); /* IWAE with k = 1 is the ELBO */
    ck_assert_double_lt(value[3] + 4 * error[3], value[0] - 4 * error[0]);     /* k = 50 is a tighter bound */
    gm_tensor_free(x);
}
END_TEST

/* A linear decoder with fixed noise is probabilistic PCA: log p(x) = log N(x; b, W W^T + s^2 I). */
enum { D = 4, L = 2 };
static double ppca_log_prob(const double w[D][L], const double b[D], double s, const double x[D])
{
    double c[D][D] = {{0}}, y[D], log_det = 0, square = 0;
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            for (int k = 0; k < L; k++) c[i][j] += w[i][k] * w[j][k] + (k == 0 && i == j ? s * s : 0);
    for (int i = 0; i < D; i++) { /* Cholesky in place, and the forward solve */
        for (int j = 0; j <= i; j++) {
            for (int k = 0; k < j; k++) c[i][j] -= c[i][k] * c[j][k];
            c[i][j] = i == j ? sqrt(c[i][i]) : c[i][j] / c[j][j];
        }
        y[i] = x[i] - b[i];
        for (int k = 0; k < i; k++) y[i] -= c[i][k] * y[k];
        y[i] /= c[i][i];
        log_det += 2 * log(c[i][i]);
        square += y[i] * y[i];
    }
    return -0.5 * (D * log(2 * M_PI) + log_det + square);
}

static void set(gm_model *m, const char *name, const float *values, size_t n)
{
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++)
        if (strcmp(gm_model_tensor_name(m, i), name) == 0) {
            OK(gm_tensor_write(gm_model_tensor(m, i), values, n * sizeof *values));
            return;
        }
    ck_abort_msg("no tensor %s", name);
}

static const double ppca_w[D][L] = {{1, 0.3}, {-0.5, 0.8}, {0.2, -0.7}, {0.6, 0.1}}, ppca_b[D] = {0.5, -0.2, 0.1, 0}, ppca_s = 0.5;
static const double ppca_rows[3][D] = {{0.1, 0.2, -0.3, 0.4}, {1.5, -1, 0.5, 0.9}, {-1, 1, -1.2, 0.3}};

/* The exact posterior mean M^-1 W^T (x - b), M = W^T W + s^2 I, with a variance a little too wide. */
static gm_model *ppca(const char *options)
{
    gm_model *m = model(options);
    double a = ppca_s * ppca_s, b = 0, d = ppca_s * ppca_s;
    for (int i = 0; i < D; i++) a += ppca_w[i][0] * ppca_w[i][0], b += ppca_w[i][0] * ppca_w[i][1], d += ppca_w[i][1] * ppca_w[i][1];
    const double det = a * d - b * b, inv[L][L] = {{d / det, -b / det}, {-b / det, a / det}};
    float w[D * L], bias[D], ew[2 * L * D] = {0}, eb[2 * L] = {0};
    for (int i = 0; i < D; i++) {
        bias[i] = (float)ppca_b[i];
        for (int k = 0; k < L; k++) w[i * L + k] = (float)ppca_w[i][k];
    }
    for (int k = 0; k < L; k++) {
        double shift = 0;
        for (int i = 0; i < D; i++) {
            double v = inv[k][0] * ppca_w[i][0] + inv[k][1] * ppca_w[i][1];
            ew[k * D + i] = (float)v;
            shift += v * ppca_b[i];
        }
        eb[k] = (float)-shift;
        eb[L + k] = (float)log(1.3 * ppca_s * ppca_s * inv[k][k]);
    }
    set(m, "decoder.0.weight", w, D * L);
    set(m, "decoder.0.bias", bias, D);
    set(m, "encoder.0.weight", ew, 2 * L * D);
    set(m, "encoder.0.bias", eb, 2 * L);
    return m;
}

START_TEST(log_prob_of_a_linear_decoder_is_exact)
{
    gm_model *m = ppca("shape=4 hidden=none latent=2 likelihood=gaussian noise-std=0.5");
    gm_tensor *x = NULL, *lp = NULL, *bound = NULL;
    int32_t kind = 0;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){3, D}, &x));
    for (int i = 0; i < 3 * D; i++) gm__f32(x)[i] = (float)ppca_rows[i / D][i % D];
    OK(gm_log_prob(m, x, "k=20000 seed=5", &lp, &kind));
    ck_assert_int_eq(kind, GM_LOG_PROB_ESTIMATE);
    OK(gm_log_prob(m, x, "seed=5", &bound, &kind));
    ck_assert_int_eq(kind, GM_LOG_PROB_LOWER_BOUND);
    for (int i = 0; i < 3; i++) {
        double exact = ppca_log_prob(ppca_w, ppca_b, ppca_s, ppca_rows[i]);
        ck_assert_msg(fabs(gm__f32(lp)[i] - exact) < 0.02, "row %d: %g, exact %g", i, gm__f32(lp)[i], exact);
    }
    double sum = 0; /* one draw of the bound may lie above log p(x), its mean may not */
    for (int s = 0; s < 300; s++) {
        gm_tensor_free(bound);
        char options[32];
        gm__format(options, sizeof options, "seed=%d", s);
        OK(gm_log_prob(m, x, options, &bound, NULL));
        for (int i = 0; i < 3; i++) sum += ppca_log_prob(ppca_w, ppca_b, ppca_s, ppca_rows[i]) - gm__f32(bound)[i];
    }
    ck_assert_double_gt(sum / 900, 0.02);
    ck_assert_double_lt(sum / 900, 1);
    gm_tensor_free(x);
    gm_tensor_free(lp);
    gm_tensor_free(bound);
    gm_model_free(m);
}
END_TEST

/* The density in the data's units does not depend on how the model scales inside. */
START_TEST(log_prob_is_in_the_units_of_the_data)
{
    gm_model *m = ppca("shape=4 hidden=none latent=2 likelihood=gaussian noise-std=0.5 scale=standard");
    const float mul[D] = {2, 0.5f, 4, 0.25f}, add[D] = {1, -1, 0, 3};
    double jacobian = 0;
    gm_tensor *x = NULL, *lp = NULL;
    set(m, "scale.mul", mul, D);
    set(m, "scale.add", add, D);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){3, D}, &x));
    for (int i = 0; i < 3 * D; i++) gm__f32(x)[i] = (float)((ppca_rows[i / D][i % D] - add[i % D]) / mul[i % D]);
    for (int i = 0; i < D; i++) jacobian += log(mul[i]);
    OK(gm_log_prob(m, x, "k=20000", &lp, NULL));
    for (int i = 0; i < 3; i++)
        ck_assert_double_lt(fabs(gm__f32(lp)[i] - jacobian - ppca_log_prob(ppca_w, ppca_b, ppca_s, ppca_rows[i])), 0.02);
    gm_tensor_free(x);
    gm_tensor_free(lp);
    gm_model_free(m);
}
END_TEST

START_TEST(score_is_the_bound_at_the_mean)
{
    gm_model *m = ppca("shape=4 hidden=none latent=2 likelihood=gaussian noise-std=0.5");
    gm_tensor *x = NULL, *score = NULL, *z = NULL, *y = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){3, D}, &x));
    for (int i = 0; i < 3 * D; i++) gm__f32(x)[i] = (float)ppca_rows[i / D][i % D];
    OK(gm_score(m, x, &score));
    OK(gm_encode(m, x, &z));
    OK(gm_decode(m, z, &y));
    const float *log_var = gm__f32(gm_model_tensor(m, 1)) + L;
    ck_assert_str_eq(gm_model_tensor_name(m, 1), "encoder.0.bias");
    for (int i = 0; i < 3; i++) {
        double lik = 0, kl = 0;
        for (int j = 0; j < D; j++) {
            double e = (gm__f32(x)[i * D + j] - gm__f32(y)[i * D + j]) / ppca_s;
            lik -= 0.5 * (e * e + log(2 * M_PI) + 2 * log(ppca_s));
        }
        for (int k = 0; k < L; k++) {
            double mu = gm__f32(z)[i * L + k];
            kl += 0.5 * (exp(log_var[k]) + mu * mu - 1 - log_var[k]);
        }
        ck_assert_double_lt(fabs(gm__f32(score)[i] - (kl - lik)), 1e-4);
    }
    gm_tensor_free(x);
    gm_tensor_free(score);
    gm_tensor_free(z);
    gm_tensor_free(y);
    gm_model_free(m);
}
END_TEST

/* ---- gradients -------------------------------------------------------------------------- */

struct problem { gm_model *m; gm_tensor *x; };

static gm_tensor *loss_expression(gm_tape *t, gm_tensor *const *inputs, int32_t n, void *user)
{
    struct problem *p = user;
    (void)inputs, (void)n;
    gm__batch b = {.t = t, .x = p->x, .step = 3, .training = true};
    gm_tensor *loss = NULL;
    return gm__vae_loss(p->m, &b, &loss) ? NULL : loss;
}

START_TEST(gradients)
{
    static const char *const options[] = {
        "likelihood=bernoulli", "likelihood=bernoulli k=3 beta=0.7", "likelihood=gaussian", "likelihood=gaussian noise-std=0.4",
        "likelihood=bernoulli objective=iwae k=4", "likelihood=gaussian objective=iwae beta=0.5", "likelihood=bernoulli free-bits=0.05",
        "likelihood=gaussian kl-warmup=6",
        "heads=own encoder='linear 7, tanh, linear 4' decoder='linear 5, softplus, linear 12' likelihood=gaussian",
        "heads=own encoder='linear 4' decoder='linear 5, silu, linear 6, tanh' likelihood=gaussian",
        "encoder='linear 5, elu' decoder='reshape 1 2, flatten, linear 3, gelu' likelihood=bernoulli",
    };
    char text[256];
    gm__format(text, sizeof text, "shape=6 latent=2 hidden=5,3 activation=tanh seed=2 %s", options[_i]);
    gm_model *m = model(text);
    gm__vae *v = gm__vae_of(m);
    OK(gm__net_cast(v->net.encoder, GM_F64));
    OK(gm__net_cast(v->net.decoder, GM_F64));
    gm_tensor *inputs[32], *f32_log_var = v->log_var;
    int32_t n = 0;
    for (int32_t i = 0; i < gm_net_tensor_count(v->net.encoder); i++) inputs[n++] = gm_net_tensor(v->net.encoder, i);
    for (int32_t i = 0; i < gm_net_tensor_count(v->net.decoder); i++) inputs[n++] = gm_net_tensor(v->net.decoder, i);
    if (f32_log_var) {
        OK(gm_tensor_copy(ctx, GM_F64, 1, (int64_t[]){1}, (double[]){-0.3}, &v->log_var));
        inputs[n++] = v->log_var;
    }
    for (int32_t i = 0; i < n; i++) {
        ck_assert_int_eq(gm_tensor_dtype(inputs[i]), GM_F64);
        OK(gm_tensor_set_grad(inputs[i], 1));
    }
    struct problem p = {m, data(GM_F64, 4, 6, 0, 1)};
    double error = 1;
    OK(gm_gradcheck(ctx, loss_expression, &p, inputs, n, 1, &error));
    ck_assert_msg(error < 1e-6, "%s: error %g", options[_i], error);
    if (f32_log_var) {
        gm_tensor_free(v->log_var);
        v->log_var = f32_log_var;
    }
    gm_tensor_free(p.x);
    gm_model_free(m);
}
END_TEST

START_TEST(free_bits_keep_unused_dimensions_cheap)
{
    /* no KL gradient reaches a dimension below the threshold: the loss is constant in it but for the likelihood */
    gm_model *a = model("shape=6 latent=2 hidden=4 likelihood=bernoulli seed=9"), *b = model("shape=6 latent=2 hidden=4 likelihood=bernoulli seed=9 free-bits=5");
    gm_tensor *x = data(GM_F32, 8, 6, 0, 1);
    gm_tape *t = NULL;
    OK(gm_tape_new(ctx, 1, &t));
    gm__vae_q q = gm__vae_posterior(a, t, x, NULL);
    double kl = item(gm_mean(t, gm_gaussian_kl(t, q.mean, q.log_var), GM_ALL_AXES, 0));
    ck_assert_double_lt(kl, 10); /* below the threshold in both dimensions */
    ck_assert_double_lt(fabs(loss_of(b, x, 1) - loss_of(a, x, 1) - (10 - kl)), 1e-4);
    gm_tape_free(t);
    gm_tensor_free(x);
    gm_model_free(a);
    gm_model_free(b);
}
END_TEST

START_TEST(kl_warmup_starts_from_nothing)
{
    gm_model *m = model("shape=6 latent=2 hidden=4 likelihood=bernoulli kl-warmup=10 beta=2");
    gm_tensor *x = data(GM_F32, 8, 6, 0, 1);
    double at[3], kl = 0;
    for (int i = 0; i < 3; i++) {
        gm_tape *t = NULL;
        gm_tensor *loss = NULL;
        OK(gm_tape_new(ctx, 1, &t));
        gm__batch b = {.t = t, .x = x, .step = (uint64_t)i * 5, .training = true};
        OK(gm__vae_loss(m, &b, &loss));
        at[i] = item(loss);
        gm__vae_q q = gm__vae_posterior(m, t, x, NULL);
        kl = item(gm_mean(t, gm_gaussian_kl(t, q.mean, q.log_var), GM_ALL_AXES, 0));
        gm_tape_free(t);
    }
    ck_assert_double_lt(fabs(at[1] - at[0] - kl), 1e-4);
    ck_assert_double_lt(fabs(at[2] - at[0] - 2 * kl), 1e-4);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* ---- training ---------------------------------------------------------------------------- */

static gm_dataset *open_data(const char *spec)
{
    gm_dataset *d = NULL;
    OK(gm_dataset_open(ctx, spec, &d));
    return d;
}

static double measure(gm_model *m, gm_dataset *d, const char *options, gm_measure *full)
{
    gm_measure out[8];
    int32_t n = 0;
    OK(gm_eval(m, d, options, out, 8, &n));
    ck_assert_int_eq(n, 1);
    if (full) *full = out[0];
    return out[0].value;
}

START_TEST(digits)
{
    gm_dataset *d = open_data("synth:digits,n=1200[0:1000]"), *test = open_data("synth:digits,n=1200[1000:1200]");
    gm_model *m = model("hidden=64 latent=8 seed=1"), *again = NULL;
    OK(gm_fit(m, d, "epochs=1 batch=50"));
    double early = measure(m, test, "metric=elbo", NULL);
    OK(gm_fit(m, d, "epochs=8 batch=50 seed=2"));
    gm_measure elbo, nll;
    measure(m, test, "metric=elbo", &elbo);
    measure(m, test, "metric=nll k=200", &nll);
    ck_assert_double_gt(elbo.value, early + 20);
    ck_assert_double_lt(elbo.value, 0);
    ck_assert_double_lt(nll.value, -elbo.value);
    ck_assert_int_eq(elbo.rows, 200);
    ck_assert_ptr_nonnull(strstr(elbo.note, "binarize=none"));
    ck_assert_ptr_nonnull(strstr(nll.note, "k=200"));
    ck_assert_double_lt(measure(m, test, "metric=recon", NULL), -elbo.value);
    ck_assert_double_gt(measure(m, test, "metric=kl", NULL), 1);

    gm_tensor *x = NULL, *a = NULL, *b = NULL, *y = NULL, *path = NULL;
    OK(gm_dataset_read(test, "x", 0, 2, &x));
    OK(gm_reconstruct(m, x, &y));
    ck_assert(gm__shape_equal(x, y));
    OK(gm_dataset_read(test, "x", 0, 1, &a));
    OK(gm_dataset_read(test, "x", 1, 1, &b));
    OK(gm_interpolate(m, a, b, 5, &path));
    ck_assert_int_eq(gm_tensor_dim(path, 0), 5);
    for (int64_t i = 0; i < 784; i++) { /* the ends are the reconstructions */
        ck_assert_double_lt(fabs(gm__f32(path)[i] - gm__f32(y)[i]), 1e-5);
        ck_assert_double_lt(fabs(gm__f32(path)[4 * 784 + i] - gm__f32(y)[784 + i]), 1e-5);
        ck_assert(gm__f32(y)[i] >= 0 && gm__f32(y)[i] <= 1);
    }

    /* a file gives the same samples, byte for byte */
    char file[] = "/tmp/gm_test_vae_XXXXXX";
    int fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    OK(gm_model_save(m, file));
    OK(gm_model_load(ctx, file, &again));
    gm_tensor *s1 = NULL, *s2 = NULL;
    OK(gm_sample(m, 10, 3, &s1));
    OK(gm_sample(again, 10, 3, &s2));
    ck_assert_int_eq(gm_tensor_size(s1), 7840);
    ck_assert_mem_eq(gm_tensor_data(s1), gm_tensor_data(s2), 7840 * sizeof(float));
    ck_assert_str_eq(gm_model_config(m), gm_model_config(again));
    ck_assert_ptr_nonnull(strstr(gm_model_config(again), "\"likelihood\":\"bernoulli\""));
    remove(file);
    gm_tensor *own[] = {x, a, b, y, path, s1, s2};
    for (size_t i = 0; i < GM__COUNT(own); i++) gm_tensor_free(own[i]);
    gm_model_free(m);
    gm_model_free(again);
    gm_dataset_free(d);
    gm_dataset_free(test);
}
END_TEST

/* A correlated Gaussian in the plane: samples have its mean and, with the learned noise, its covariance. */
START_TEST(plane)
{
    enum { N = 2000 };
    gm_tensor *x = NULL, *s = NULL;
    gm_dataset *d = NULL;
    gm__rng r = gm__rng_make(gm__stream_make(1, GM__R_USER, 0, 0));
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){N, 2}, &x));
    for (int i = 0; i < N; i++) {
        double u = gm__rng_normal(&r), v = gm__rng_normal(&r);
        gm__f32(x)[2 * i] = (float)(1 + 2 * u);
        gm__f32(x)[2 * i + 1] = (float)(-1 + u + 0.3 * v);
    }
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_model *m = model("hidden=32 latent=2 activation=tanh seed=1");
    OK(gm_fit(m, d, "epochs=30 batch=100 lr=3e-3"));
    ck_assert_ptr_nonnull(strstr(gm_model_config(m), "\"likelihood\":\"gaussian\""));
    const double noise = exp(gm__f32(gm__vae_of(m)->log_var)[0]);
    OK(gm_sample(m, N, 1, &s));
    double mean[2] = {0}, cov[3] = {0};
    for (int i = 0; i < N; i++)
        for (int j = 0; j < 2; j++) mean[j] += gm__f32(s)[2 * i + j] / N;
    for (int i = 0; i < N; i++) {
        double p = gm__f32(s)[2 * i] - mean[0], q = gm__f32(s)[2 * i + 1] - mean[1];
        cov[0] += p * p / N, cov[1] += p * q / N, cov[2] += q * q / N;
    }
    ck_assert_double_lt(noise, 0.3);
    ck_assert_double_lt(fabs(mean[0] - 1), 0.3);
    ck_assert_double_lt(fabs(mean[1] + 1), 0.2);
    ck_assert_double_lt(fabs(cov[0] + noise - 4) / 4, 0.25);
    ck_assert_double_lt(fabs(cov[1] - 2) / 2, 0.25);
    ck_assert_double_lt(fabs(cov[2] + noise - 1.09) / 1.09, 0.25);
    gm_tensor_free(x);
    gm_tensor_free(s);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

static int collapses(const char *options)
{
    gm_dataset *d = open_data("synth:digits,n=500");
    gm_model *m = model(options);
    gm_trainer *tr = NULL;
    int n = 0;
    OK(gm_trainer_new(m, d, "epochs=60 batch=50", &tr));
    OK(gm_trainer_run(tr));
    for (int32_t i = 0; i < gm_trainer_event_count(tr); i++) {
        gm_event e = {.struct_size = sizeof e};
        OK(gm_trainer_event(tr, i, &e));
        n += e.kind == GM_EVENT_POSTERIOR_COLLAPSE && strstr(e.text, "KL") != NULL;
    }
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    return n;
}

START_TEST(collapse_is_noticed)
{
    ck_assert_int_gt(collapses("hidden=32 latent=4 beta=50"), 0);
    ck_assert_int_eq(collapses("hidden=32 latent=4"), 0);
    ck_assert_int_eq(collapses("hidden=32 latent=4 beta=50 kl-warmup=100000"), 0); /* not judged while it warms up */
}
END_TEST

START_TEST(iwae_and_binarisation_train)
{
    gm_dataset *d = open_data("synth:digits,n=400");
    gm_model *m = model("hidden=32,32 activation=tanh latent=6 objective=iwae binarize=dynamic");
    OK(gm_fit(m, d, "epochs=1 batch=50"));
    gm_measure early, late;
    measure(m, d, "metric=elbo", &early);
    OK(gm_fit(m, d, "epochs=8 batch=50"));
    measure(m, d, "metric=elbo", &late);
    ck_assert_double_gt(late.value, early.value + 10);
    ck_assert_ptr_nonnull(strstr(late.note, "binarize=dynamic"));
    ck_assert_ptr_nonnull(strstr(gm_model_config(m), "\"k\":5"));
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- options --------------------------------------------------------------------------------- */

START_TEST(config_struct_equals_text)
{
    gm_vae_config c;
    gm_model *a = NULL, *b = NULL;
    gm_vae_config_init(&c, sizeof c);
    ck_assert_int_eq(c.latent, 20);
    ck_assert_str_eq(c.hidden, "400");
    ck_assert_int_eq(c.likelihood, GM_LIKELIHOOD_AUTO);
    OK(gm_vae_new(ctx, NULL, &a));
    OK(gm_model_new(ctx, "vae", NULL, &b));
    ck_assert_str_eq(gm_model_config(a), gm_model_config(b));
    gm_model_free(a);
    gm_model_free(b);
    c.hidden = "30,10";
    c.latent = 3;
    c.shape = "1,4,5";
    c.kl_warmup = 7;
    OK(gm_vae_new(ctx, &c, &a));
    OK(gm_model_new(ctx, "vae", "hidden=30,10 latent=3 shape=1,4,5 kl_warmup=7", &b));
    ck_assert_str_eq(gm_model_config(a), gm_model_config(b));
    ck_assert_int_eq(gm_model_tensor_count(a), 12);
    ck_assert_int_eq(gm_model_parameters(a), (20 * 30 + 30) + (30 * 10 + 10) + (10 * 6 + 6) + (3 * 10 + 10) + (10 * 30 + 30) + (30 * 20 + 20));
    char text[4096];
    ck_assert_uint_lt(gm_model_print(a, text, sizeof text), sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "encoder"));
    /* encoder and decoder do not share draws although they share a seed */
    ck_assert_mem_ne(gm_tensor_data(gm_model_tensor(a, 0)), gm_tensor_data(gm_model_tensor(a, 6)), 16);
    gm_model_free(a);
    gm_model_free(b);
}
END_TEST

START_TEST(refusals)
{
    static const struct { const char *options, *says; } bad[] = {
        {"hidden=0", "hidden"},
        {"hidden=4,x", "hidden"},
        {"activation=rely", "activation"},
        {"latent=0", "latent"},
        {"beta=-1", "beta"},
        {"likelihood=poisson", "likelihood"},
        {"objective=iwae free-bits=1", "free-bits"},
        {"likelihood=bernoulli noise-std=1", "noise-std"},
        {"shape=1,4,4 noise-std=1", "noise-std"},
        {"likelihood=bernoulli scale=standard", "scale"},
        {"heads=own", "heads=own"},
        {"shape=6 latent=2 heads=own encoder='linear 3' decoder='linear 6'", "encoder"},
        {"shape=6 latent=2 heads=own encoder='linear 4' decoder='linear 5'", "decoder"},
        {"shape=6 latent=2 heads=own encoder='linear 4' decoder='linear 6, sigmoid' likelihood=bernoulli", "sigmoid"},
        {"shape=6 latent=2 heads=own encoder='linear 4' decoder='linear 6, tanh' likelihood=bernoulli", "tanh"},
        {"shape=6 latent=2 encoder='lienar 4'", "lienar"},
    };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        gm_model *m = (gm_model *)1;
        gm_status s = gm_model_new(ctx, "vae", bad[i].options, &m);
        ck_assert_msg(s == GM_EARG || s == GM_ESHAPE, "%s: %s", bad[i].options, gm_status_name(s));
        ck_assert_ptr_null(m);
        ck_assert_msg(strstr(gm_ctx_message(ctx), bad[i].says) != NULL, "%s: %s", bad[i].options, gm_ctx_message(ctx));
    }
}
END_TEST

START_TEST(grey_levels_only_for_bernoulli)
{
    gm_model *m = model("hidden=8 latent=2 likelihood=bernoulli");
    gm_tensor *x = data(GM_F32, 20, 6, 0, 2);
    gm_dataset *d = NULL;
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    ck_assert_int_eq(gm_fit(m, d, "epochs=1"), GM_EARG);
    ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "[0,1]"));
    gm_model_free(m);
    m = model("hidden=8 latent=2 likelihood=bernoulli scale=unit");
    OK(gm_fit(m, d, "epochs=1"));
    gm_tensor_free(x);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

START_TEST(tanh_decoder_gives_grey_levels)
{
    gm_model *m = model("shape=6 latent=2 heads=own encoder='linear 4' decoder='linear 6, tanh' likelihood=gaussian");
    gm_tensor *z = data(GM_F32, 50, 2, -9, 9), *y = NULL;
    OK(gm_decode(m, z, &y));
    float lo = 1, hi = 0;
    for (int i = 0; i < 300; i++) {
        float v = gm__f32(y)[i];
        ck_assert(v >= 0 && v <= 1);
        lo = v < lo ? v : lo, hi = v > hi ? v : hi;
    }
    ck_assert_float_lt(lo, 0.1f);
    ck_assert_float_gt(hi, 0.9f);
    gm_tensor_free(z);
    gm_tensor_free(y);
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vae");
    TCase *c = tcase_create("vae");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, kl_equals_monte_carlo);
    tcase_add_test(c, bounds_are_ordered);
    tcase_add_test(c, log_prob_of_a_linear_decoder_is_exact);
    tcase_add_test(c, log_prob_is_in_the_units_of_the_data);
    tcase_add_test(c, score_is_the_bound_at_the_mean);
    tcase_add_loop_test(c, gradients, 0, 11);
    tcase_add_test(c, free_bits_keep_unused_dimensions_cheap);
    tcase_add_test(c, kl_warmup_starts_from_nothing);
    tcase_add_test(c, digits);
    tcase_add_test(c, plane);
    tcase_add_test(c, collapse_is_noticed);
    tcase_add_test(c, iwae_and_binarisation_train);
    tcase_add_test(c, config_struct_equals_text);
    tcase_add_test(c, refusals);
    tcase_add_test(c, grey_levels_only_for_bernoulli);
    tcase_add_test(c, tanh_decoder_gives_grey_levels);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
