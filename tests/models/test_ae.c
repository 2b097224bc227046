/* test_ae.c - the autoencoder: the linear one finds the PCA subspace, the denoising
 * one removes noise, the tied one shares its weights; gradients, and refusals. */
#include "models/coder.h"
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
    OK(gm_model_new(ctx, "ae", options, &m));
    return m;
}

static gm_tensor *find(gm_model *m, const char *name)
{
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++)
        if (strcmp(gm_model_tensor_name(m, i), name) == 0) return gm_model_tensor(m, i);
    return NULL;
}

/* ---- PCA ------------------------------------------------------------------------------ */

enum { N = 512, D = 8, K = 3 };

/* Rows on a rotated ellipsoid, not centred. */
static gm_tensor *cloud(void)
{
    static const double axis[D] = {2, 1.6, 1.3, 0.4, 0.35, 0.3, 0.2, 0.1};
    gm__rng r = gm__rng_make(gm__stream_make(3, GM__R_USER, 0, 0));
    double q[D][D];
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){N, D}, &x));
    for (int i = 0; i < D; i++) { /* Gram-Schmidt of random vectors */
        double norm = 0;
        for (int j = 0; j < D; j++) q[i][j] = gm__rng_normal(&r);
        for (int k = 0; k < i; k++) {
            double dot = 0;
            for (int j = 0; j < D; j++) dot += q[i][j] * q[k][j];
            for (int j = 0; j < D; j++) q[i][j] -= dot * q[k][j];
        }
        for (int j = 0; j < D; j++) norm += q[i][j] * q[i][j];
        for (int j = 0; j < D; j++) q[i][j] /= sqrt(norm);
    }
    for (int n = 0; n < N; n++)
        for (int i = 0; i < D; i++) {
            double u = axis[i] * gm__rng_normal(&r);
            for (int j = 0; j < D; j++) gm__f32(x)[n * D + j] += (float)(u * q[i][j] + (i == 0 ? 0.3 * j : 0));
        }
    return x;
}

/* Sine of the largest angle between the span of the columns of w [D,K] and the K leading
 * principal directions of x, from above: the Frobenius norm of what lies outside. */
static double angle(const gm_tensor *x, const gm_tensor *w)
{
    double mean[D] = {0}, cov[D * D] = {0}, values[D], q[K][D], outside = 0;
    for (int n = 0; n < N; n++)
        for (int i = 0; i < D; i++) mean[i] += (double)gm__f32(x)[n * D + i] / N;
    for (int n = 0; n < N; n++)
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++) cov[i * D + j] += (gm__f32(x)[n * D + i] - mean[i]) * (gm__f32(x)[n * D + j] - mean[j]) / N;
    OK(gm__eigh(ctx, D, cov, values));
    for (int k = 0; k < K; k++) {
        double norm = 0;
        for (int j = 0; j < D; j++) q[k][j] = gm__f32(w)[j * K + k];
        for (int p = 0; p < k; p++) {
            double dot = 0;
            for (int j = 0; j < D; j++) dot += q[k][j] * q[p][j];
            for (int j = 0; j < D; j++) q[k][j] -= dot * q[p][j];
        }
        for (int j = 0; j < D; j++) norm += q[k][j] * q[k][j];
        for (int j = 0; j < D; j++) q[k][j] /= sqrt(norm);
        for (int e = 0; e < D - K; e++) { /* the small directions come first */
            double dot = 0;
            for (int j = 0; j < D; j++) dot += q[k][j] * cov[e * D + j];
            outside += dot * dot;
        }
    }
    return sqrt(outside);
}

static void spans_pca(const char *options)
{
    gm_tensor *x = cloud();
    gm_dataset *d = NULL;
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_model *m = model(options);
    OK(gm_fit(m, d, "steps=1 batch=512 lr=1e-9"));
    gm_tensor *w = find(m, "decoder.0.weight"), *code = find(m, "encoder.0.weight");
    gm_tensor *columns = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){D, K}, &columns));
    double sine[2];
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < D * K; j++) gm__f32(columns)[j] = w ? gm__f32(w)[j] : gm__f32(code)[(j % K) * D + j / K];
        sine[i] = angle(x, columns);
        if (i == 0) OK(gm_fit(m, d, "steps=3000 batch=512 lr=2e-2 schedule=cosine"));
    }
    ck_assert_double_gt(sine[0], 0.1); /* not so before training */
    ck_assert_msg(sine[1] < 1e-3, "%s: angle %g", options, sine[1]);
    gm_tensor_free(columns);
    gm_tensor_free(x);
    gm_dataset_free(d);
    gm_model_free(m);
}

START_TEST(linear_spans_pca) { spans_pca("hidden=none latent=3 seed=1"); }
END_TEST
START_TEST(tied_linear_spans_pca) { spans_pca("hidden=none latent=3 tied=on seed=1"); }
END_TEST

/* ---- denoising --------------------------------------------------------------------------- */

static double denoised(const char *options, gm_dataset *train, gm_tensor *clean, gm_tensor *noisy)
{
    gm_model *m = model(options);
    gm_tensor *y = NULL;
    double sum = 0;
    OK(gm_fit(m, train, "epochs=30 batch=50 lr=2e-3"));
    OK(gm_reconstruct(m, noisy, &y));
    for (int64_t i = 0; i < gm_tensor_size(y); i++) {
        double e = gm__f32(y)[i] - gm__f32(clean)[i];
        sum += e * e;
    }
    sum /= (double)gm_tensor_size(y);
    gm_tensor_free(y);
    gm_model_free(m);
    return sum;
}

START_TEST(denoising_removes_noise)
{
    gm_dataset *d = NULL, *train = NULL;
    gm_tensor *clean = NULL, *noisy = NULL;
    OK(gm_dataset_open(ctx, "synth:digits,n=1100", &d));
    OK(gm_dataset_range(d, 0, 1000, 1, &train));
    OK(gm_dataset_read(d, "x", 1000, 100, &clean));
    OK(gm_dataset_read(d, "x", 1000, 100, &noisy));
    gm__rng r = gm__rng_make(gm__stream_make(9, GM__R_USER, 0, 0));
    double before = 0;
    for (int64_t i = 0; i < gm_tensor_size(noisy); i++) {
        double e = 0.5 * gm__rng_normal(&r);
        gm__f32(noisy)[i] += (float)e;
        before += e * e;
    }
    before /= (double)gm_tensor_size(noisy);
    double plain = denoised("hidden=128 latent=24", train, clean, noisy), trained = denoised("hidden=128 latent=24 noise=0.5", train, clean, noisy);
    ck_assert_msg(trained < 0.35 * before, "noise %g, left %g", before, trained);
    ck_assert_msg(trained < 0.9 * plain, "plain %g, denoising %g", plain, trained);

    /* masked inputs: here the noise is holes */
    OK(gm_tensor_assign(noisy, clean));
    for (int64_t i = 0; i < gm_tensor_size(noisy); i++)
        if (gm__rng_unit(&r) < 0.5) gm__f32(noisy)[i] = 0;
    plain = denoised("hidden=128 latent=24", train, clean, noisy);
    trained = denoised("hidden=128 latent=24 mask=0.5", train, clean, noisy);
    ck_assert_msg(trained < 0.9 * plain, "plain %g, masked %g", plain, trained);
    gm_tensor_free(clean);
    gm_tensor_free(noisy);
    gm_dataset_free(train);
    gm_dataset_free(d);
}
END_TEST

/* ---- tied weights ---------------------------------------------------------------------------- */

START_TEST(tied_decodes_with_the_transposed_weights)
{
    gm_model *m = model("shape=6 hidden=5 latent=2 tied=on likelihood=gaussian activation=lrelu seed=3");
    ck_assert_int_eq(gm_model_parameters(m), (6 * 5 + 5) + (5 * 2 + 2) + 5 + 6);
    float *w1 = gm__f32(find(m, "encoder.0.weight")), *w2 = gm__f32(find(m, "encoder.2.weight"));
    float *c1 = gm__f32(find(m, "decoder.0.bias")), *c2 = gm__f32(find(m, "decoder.1.bias"));
    gm_tensor *z = NULL, *y = NULL;
    const float code[2] = {0.7f, -1.2f};
    for (int i = 0; i < 5; i++) c1[i] = 0.1f * (float)(i - 2);
    for (int i = 0; i < 6; i++) c2[i] = 0.05f * (float)i;
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){1, 2}, code, &z));
    OK(gm_decode(m, z, &y));
    double h[5];
    for (int i = 0; i < 5; i++) {
        h[i] = c1[i] + code[0] * w2[i] + code[1] * w2[5 + i];
        if (h[i] < 0) h[i] *= 0.2;
    }
    for (int j = 0; j < 6; j++) {
        double v = c2[j];
        for (int i = 0; i < 5; i++) v += h[i] * w1[i * 6 + j];
        ck_assert_double_lt(fabs(v - gm__f32(y)[j]), 1e-5);
    }
    gm_tensor_free(z);
    gm_tensor_free(y);
    gm_model_free(m);
}
END_TEST

START_TEST(tied_trains_saves_and_loads)
{
    gm_dataset *d = NULL;
    gm_model *m = model("hidden=64 latent=8 tied=on"), *again = NULL;
    gm_measure early, late;
    int32_t n;
    OK(gm_dataset_open(ctx, "synth:digits,n=500", &d));
    OK(gm_fit(m, d, "epochs=1 batch=50"));
    OK(gm_eval(m, d, NULL, &early, 1, &n));
    OK(gm_fit(m, d, "epochs=8 batch=50"));
    OK(gm_eval(m, d, NULL, &late, 1, &n));
    ck_assert_str_eq(late.name, "recon");
    ck_assert_double_lt(late.value, 0.9 * early.value);
    char file[] = "/tmp/gm_test_ae_XXXXXX";
    ck_assert_int_ge(mkstemp(file), 0);
    gm_tensor *x = NULL, *a = NULL, *b = NULL, *score = NULL;
    OK(gm_dataset_read(d, "x", 0, 3, &x));
    OK(gm_model_save(m, file));
    OK(gm_model_load(ctx, file, &again));
    OK(gm_reconstruct(m, x, &a));
    OK(gm_reconstruct(again, x, &b));
    ck_assert_mem_eq(gm_tensor_data(a), gm_tensor_data(b), 3 * 784 * sizeof(float));
    /* the score is the cross-entropy of the reconstruction */
    OK(gm_score(m, x, &score));
    for (int i = 0; i < 3; i++) {
        double bce = 0;
        for (int j = 0; j < 784; j++) {
            double p = gm__f32(a)[i * 784 + j], v = gm__f32(x)[i * 784 + j];
            bce -= v * log(p > 1e-30 ? p : 1e-30) + (1 - v) * log(1 - p > 1e-30 ? 1 - p : 1e-30);
        }
        ck_assert_double_lt(fabs(bce - gm__f32(score)[i]) / bce, 1e-2);
    }
    remove(file);
    gm_tensor *own[] = {x, a, b, score};
    for (size_t i = 0; i < GM__COUNT(own); i++) gm_tensor_free(own[i]);
    gm_model_free(m);
    gm_model_free(again);
    gm_dataset_free(d);
}
END_TEST

/* ---- gradients ---------------------------------------------------------------------------------- */

struct problem { gm_model *m; gm_tensor *x; };

static gm_tensor *loss_expression(gm_tape *t, gm_tensor *const *inputs, int32_t n, void *user)
{
    struct problem *p = user;
    (void)inputs, (void)n;
    gm__batch b = {.t = t, .x = p->x, .training = true};
    gm_tensor *loss = NULL;
    return gm__family_ae.loss(p->m, &b, &loss) ? NULL : loss;
}

START_TEST(gradients)
{
    static const char *const options[] = {"likelihood=bernoulli", "likelihood=gaussian noise=0.3", "likelihood=bernoulli mask=0.4",
                                          "heads=own encoder='linear 2' decoder='linear 6, tanh' likelihood=gaussian"};
    char text[256];
    gm__format(text, sizeof text, "shape=6 latent=2 hidden=5 activation=tanh %s", options[_i]);
    gm_model *m = model(text);
    gm__coder *net = m->state; /* the first member of the family's state */
    gm_tensor *inputs[16];
    int32_t n = 0;
    OK(gm__net_cast(net->encoder, GM_F64));
    OK(gm__net_cast(net->decoder, GM_F64));
    for (int32_t i = 0; i < gm_net_tensor_count(net->encoder); i++) inputs[n++] = gm_net_tensor(net->encoder, i);
    for (int32_t i = 0; i < gm_net_tensor_count(net->decoder); i++) inputs[n++] = gm_net_tensor(net->decoder, i);
    for (int32_t i = 0; i < n; i++) OK(gm_tensor_set_grad(inputs[i], 1));
    struct problem p = {m, NULL};
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){4, 6}, &p.x));
    for (int i = 0; i < 24; i++) gm__f64(p.x)[i] = fmod(i * 0.37 + 0.1, 1);
    double error = 1;
    OK(gm_gradcheck(ctx, loss_expression, &p, inputs, n, 1, &error));
    ck_assert_msg(error < 1e-6, "%s: error %g", options[_i], error);
    gm_tensor_free(p.x);
    gm_model_free(m);
}
END_TEST

/* Noise belongs to training: the held-out loss is the plain reconstruction error. */
START_TEST(held_out_rows_are_not_corrupted)
{
    gm_model *m = model("shape=6 latent=2 hidden=5 likelihood=gaussian noise=1 mask=0.5");
    gm_tensor *x = NULL;
    double loss[3];
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){4, 6}, &x));
    for (int i = 0; i < 24; i++) gm__f32(x)[i] = (float)fmod(i * 0.37, 1);
    for (int i = 0; i < 3; i++) {
        gm_tape *t = NULL;
        gm_tensor *out = NULL;
        OK(gm_tape_new(ctx, (uint64_t)i, &t));
        gm__batch b = {.t = t, .x = x, .training = i == 2};
        OK(gm__family_ae.loss(m, &b, &out));
        OK(gm_tensor_item(out, &loss[i]));
        gm_tape_free(t);
    }
    ck_assert_double_eq(loss[0], loss[1]);
    ck_assert_double_ne(loss[0], loss[2]);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* ---- options -------------------------------------------------------------------------------------- */

START_TEST(config_struct_equals_text)
{
    gm_ae_config c;
    gm_model *a = NULL, *b = NULL;
    gm_ae_config_init(&c, sizeof c);
    ck_assert_int_eq(c.latent, 20);
    c.hidden = "none";
    c.latent = 3;
    c.shape = "7";
    c.tied = 1;
    c.noise = 0.25;
    OK(gm_ae_new(ctx, &c, &a));
    OK(gm_model_new(ctx, "ae", "hidden=none latent=3 shape=7 tied=on noise=0.25", &b));
    ck_assert_str_eq(gm_model_config(a), gm_model_config(b));
    ck_assert_int_eq(gm_model_parameters(a), 7 * 3 + 3 + 7);
    gm_model_free(a);
    gm_model_free(b);
}
END_TEST

START_TEST(refusals)
{
    static const struct { const char *options, *says; } bad[] = {
        {"tied=on encoder='linear 4'", "tied"},
        {"heads=own", "heads=own"},
        {"activation=sine", "activation"},
        {"mask=1", "mask"},
        {"noise=-1", "noise"},
        {"hidden=8,,3", "hidden"},
        {"objective=elbo", "objective"},
        {"likelihood=bernoulli scale=standard", "scale"},
    };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        gm_model *m = (gm_model *)1;
        ck_assert_int_eq(gm_model_new(ctx, "ae", bad[i].options, &m), GM_EARG);
        ck_assert_ptr_null(m);
        ck_assert_msg(strstr(gm_ctx_message(ctx), bad[i].says) != NULL, "%s: %s", bad[i].options, gm_ctx_message(ctx));
    }
    gm_model *m = model("shape=6 latent=2 hidden=5");
    gm_tensor *out = NULL, *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){1, 6}, &x));
    ck_assert_int_eq(gm_sample(m, 1, 0, &out), GM_EUNSUPPORTED);
    ck_assert_int_eq(gm_log_prob(m, x, NULL, &out, NULL), GM_EUNSUPPORTED);
    ck_assert_ptr_null(out);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ae");
    TCase *c = tcase_create("ae");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, linear_spans_pca);
    tcase_add_test(c, tied_linear_spans_pca);
    tcase_add_test(c, denoising_removes_noise);
    tcase_add_test(c, tied_decodes_with_the_transposed_weights);
    tcase_add_test(c, tied_trains_saves_and_loads);
    tcase_add_loop_test(c, gradients, 0, 4);
    tcase_add_test(c, held_out_rows_are_not_corrupted);
    tcase_add_test(c, config_struct_equals_text);
    tcase_add_test(c, refusals);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
