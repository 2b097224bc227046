/* test_compare.c - gm_eval's measures of samples beside data: what they are made of, options, refusals, threads, allocations. */
#include "models_test.h"
#include <gm/metrics.h>

#define EVERY "frechet,mmd,precision,recall,density,coverage,c2st,sliced_w,nearest"

static gm_model *fitted(gm_dataset *d, const char *family, const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, family, options, &m));
    OK(gm_fit(m, d, "epochs=2 batch=16 seed=1"));
    return m;
}

static gm_dataset *opened(const char *spec)
{
    gm_dataset *d = NULL;
    OK(gm_dataset_open(ctx, spec, &d));
    return d;
}

/* Each value is what the function of gm/metrics.h says of gm_sample and the rows. */
START_TEST(made_of_samples_and_rows)
{
    gm_dataset *d = pictures(60, 1);
    gm_model *m = fitted(d, "vae", "hidden=8 latent=2 seed=3");
    gm_tensor *x = NULL, *y = NULL;
    gm_measure v[16];
    gm_metrics_config c;
    double want[4], error[4], copied;
    int32_t n;
    gm_metrics_config_init(&c, sizeof c);
    OK(gm_eval(m, d, "metric=elbo," EVERY " k=3 seed=5", v, 16, &n));
    ck_assert_int_eq(n, 10);
    OK(gm_dataset_read(d, "x", 0, 60, &x));
    OK(gm_sample(m, 60, 5, &y));
    ck_assert_str_eq(v[0].name, "elbo");
    ck_assert_str_eq(v[1].name, "frechet");
    OK(gm_frechet(ctx, x, y, want));
    ck_assert(v[1].value == want[0] && v[1].rows == 60 && v[1].error == 0);
    ck_assert_str_eq(v[1].note, "n=60, features=raw");
    OK(gm_mmd(ctx, x, y, &c, want, error));
    ck_assert(v[2].value == want[0] && v[2].error == error[0]);
    c.k = 3;
    OK(gm_prdc(ctx, x, y, &c, want, error));
    for (int i = 0; i < 4; i++) ck_assert(v[3 + i].value == want[i] && v[3 + i].error == error[i]);
    ck_assert_str_eq(v[4].name, "recall");
    ck_assert_str_eq(v[4].unit, "fraction");
    ck_assert_ptr_nonnull(strstr(v[4].note, "k=3"));
    OK(gm_c2st(ctx, x, y, NULL, want, NULL));
    ck_assert(v[7].value == want[0]);
    c.seed = 5;
    OK(gm_sliced_wasserstein(ctx, x, y, &c, want, NULL));
    ck_assert(v[8].value == want[0]);
    OK(gm_nearest(ctx, x, NULL, y, want, NULL, &copied));
    ck_assert(v[9].value == want[0]);
    ck_assert_ptr_nonnull(strstr(v[9].note, "copied=0.0"));
    OK(gm_eval(m, d, "metric=c2st,mmd,nearest judge=logistic kernel=gaussian n=40 seed=5", v, 16, &n)); /* 40 of the rows */
    gm_tensor_free(y);
    OK(gm_sample(m, 40, 5, &y));
    OK(gm_nearest(ctx, x, NULL, y, want, NULL, NULL)); /* but all that may have been repeated */
    ck_assert(v[2].value == want[0] && strstr(v[2].note, "n=40, features=raw, of 60 rows"));
    ck_assert(v[0].rows == 40 && strstr(v[0].note, "judge=logistic") && strstr(v[1].note, "n=40, features=raw, kernel=gaussian"));
    gm_tensor_free(x), gm_tensor_free(y);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* psnr and ssim: means over rows of what the ops say of each and its reconstruction. */
START_TEST(reconstructions)
{
    gm_dataset *d = opened("synth:digits,n=40,seed=1"), *small = pictures(20, 1), *ring = opened("synth:ring8,n=20");
    gm_model *m = fitted(d, "ae", "hidden=20 latent=4 seed=3"), *k = fitted(small, "vae", "hidden=8 latent=2 seed=3"), *r = fitted(ring, "vae", "hidden=8 latent=2");
    gm_tensor *x = NULL, *y = NULL;
    gm_tape *t = NULL;
    gm_measure v[2];
    int32_t n;
    double p, s;
    OK(gm_eval(m, d, "metric=psnr,ssim batch=16", v, 2, &n));
    ck_assert(n == 2 && v[0].rows == 40 && v[0].error > 0 && !strcmp(v[0].unit, "dB"));
    OK(gm_dataset_read(d, "x", 0, 40, &x));
    OK(gm_reconstruct(m, x, &y));
    OK(gm_tape_new(ctx, 0, &t));
    OK(gm_tensor_item(gm_mean(t, gm_psnr(t, x, y, 1), GM_ALL_AXES, 0), &p));
    OK(gm_tensor_item(gm_mean(t, gm_ssim(t, x, y, 1), GM_ALL_AXES, 0), &s));
    ck_assert_double_eq_tol(v[0].value, p, 1e-4);
    ck_assert_double_eq_tol(v[1].value, s, 1e-5);
    OK(gm_eval(k, small, "metric=psnr", v, 2, &n));
    FAILS(GM_ESHAPE, "11x11", gm_eval(k, small, "metric=ssim", v, 2, &n));
    FAILS(GM_ESHAPE, "psnr and ssim want images", gm_eval(r, ring, "metric=psnr", v, 2, &n));
    gm_tape_free(t);
    gm_tensor_free(x), gm_tensor_free(y);
    gm_model_free(m), gm_model_free(k), gm_model_free(r);
    gm_dataset_free(d), gm_dataset_free(small), gm_dataset_free(ring);
}
END_TEST

START_TEST(modes_of_built_in_mixtures)
{
    gm_dataset *ring = opened("synth:ring8,n=200,sigma=.5[0:100]"), *grid = opened("synth:grid25,n=100"), *moons = opened("synth:moons,n=50"), *a, *b;
    gm_model *m = fitted(ring, "vae", "hidden=8 latent=2 seed=3");
    gm_measure v[2];
    int32_t n;
    OK(gm_eval(m, ring, "metric=high_quality,modes", v, 2, &n));
    ck_assert(n == 2 && v[0].rows == 2500 && v[1].rows == 2500);
    ck_assert(v[0].value > 0.3 && v[0].value <= 1); /* circles of radius 1.5 leave little room */
    ck_assert(v[1].value >= 1 && v[1].value <= 8);
    ck_assert_double_eq_tol(v[0].error, sqrt(v[0].value * (1 - v[0].value) / 2500), 1e-12);
    ck_assert_ptr_nonnull(strstr(v[1].note, "of 8, reverse_kl="));
    OK(gm_dataset_split(ring, 0.5, 1, &a, &b)); /* parts know the centres */
    OK(gm_eval(m, a, "metric=modes n=10", v, 2, &n));
    ck_assert(v[0].rows == 10);
    OK(gm_eval(m, grid, "metric=modes", v, 2, &n));
    ck_assert_ptr_nonnull(strstr(v[0].note, "of 25"));
    FAILS(GM_EUNSUPPORTED, "synth:ring8", gm_eval(m, moons, "metric=modes", v, 2, &n));
    ck_assert_int_eq(n, 0);
    gm_model_free(m);
    gm_dataset_free(a), gm_dataset_free(b), gm_dataset_free(ring), gm_dataset_free(grid), gm_dataset_free(moons);
}
END_TEST

START_TEST(refusals)
{
    gm_dataset *d = pictures(30, 1), *plain = NULL, *few = NULL;
    gm_tensor *x = NULL;
    gm_model *m = fitted(d, "vae", "hidden=8 latent=2 seed=3"), *k = fitted(d, "mlp", "hidden=8 seed=3");
    gm_measure v[4];
    int32_t n;
    OK(gm_dataset_read(d, "x", 0, 30, &x));
    OK(gm_dataset_from_tensors(ctx, x, NULL, &plain));
    OK(gm_dataset_range(d, 0, 3, 1, &few));
    FAILS(GM_EARG, "mlp has no metric 'frechet'; it has accuracy", gm_eval(k, d, "metric=frechet", v, 4, &n));
    ck_assert_ptr_null(strstr(gm_ctx_message(ctx), "coverage"));
    FAILS(GM_EARG, "coverage", gm_eval(m, d, "metric=accuracy", v, 4, &n));
    FAILS(GM_ENOTFOUND, "features=classifier: labels are needed", gm_eval(m, plain, "metric=frechet features=classifier", v, 4, &n));
    FAILS(GM_EARG, "3 rows, 6 or more", gm_eval(m, few, "metric=coverage", v, 4, &n));
    FAILS(GM_EARG, "features", gm_eval(m, d, "metric=frechet features=nonesuch", v, 4, &n));
    FAILS(GM_EARG, "n", gm_eval(m, d, "metric=frechet n=-1", v, 4, &n));
    gm_ctx_cancel(ctx);
    FAILS(GM_ECANCELED, "", gm_eval(m, d, "metric=frechet", v, 4, &n));
    gm_tensor_free(x);
    gm_model_free(m), gm_model_free(k);
    gm_dataset_free(d), gm_dataset_free(plain), gm_dataset_free(few);
}
END_TEST

/* The classifier is the same whatever model is asked about; so are values whatever the number of threads. */
START_TEST(features_of_a_classifier)
{
    gm_dataset *d = pictures(200, 1);
    gm_model *m = fitted(d, "vae", "hidden=8 latent=2 seed=3"), *c = fitted(d, "vae", "hidden=8 latent=2 seed=3 conditional=on");
    gm_measure v[2], w[2], raw[2];
    int32_t n;
    OK(gm_eval(m, d, "metric=frechet,coverage features=classifier threads=1", v, 2, &n));
    OK(gm_eval(m, d, "metric=frechet,coverage features=classifier threads=3", w, 2, &n));
    OK(gm_eval(m, d, "metric=frechet,coverage", raw, 2, &n));
    ck_assert(!memcmp(v, w, sizeof v));
    ck_assert(v[0].value > 0 && v[0].value != raw[0].value);
    ck_assert_str_eq(v[0].note, "n=200, features=classifier");
    OK(gm_eval(c, d, "metric=frechet", v, 2, &n)); /* told the labels of the rows */
    gm_tensor *x = NULL, *y = NULL, *label = NULL;
    gm_sampler *s = NULL;
    double want;
    OK(gm_dataset_read(d, "x", 0, 200, &x));
    OK(gm_dataset_read(d, "label", 0, 200, &label));
    OK(gm_sampler_new(ctx, c, NULL, &s));
    OK(gm_sampler_draw(s, 200, label, &y));
    OK(gm_frechet(ctx, x, y, &want));
    ck_assert(v[0].value == want);
    gm_tensor_free(x), gm_tensor_free(y), gm_tensor_free(label);
    gm_sampler_free(s);
    gm_model_free(m), gm_model_free(c);
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("compare");
    TCase *c = tcase_create("compare");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 300);
    tcase_add_test(c, made_of_samples_and_rows);
    tcase_add_test(c, reconstructions);
    tcase_add_test(c, modes_of_built_in_mixtures);
    tcase_add_test(c, refusals);
    tcase_add_test(c, features_of_a_classifier);
    suite_add_tcase(s, c);
    return run_suite(s);
}
