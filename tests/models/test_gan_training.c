/* test_gan_training.c - how a GAN learns: half-steps and what they leave alone, counts, resume, threads; and that it does. */
#include "models/games_test.h"
#include "models/gan/gan.h"

static gm_model *gan(const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "gan", options, &m));
    return m;
}

/* Kinds of games: losses, penalties, conditions, codes, norms and noise. */
static const char *const games[] = {
    "hidden=8 noise-dim=3 seed=1",
    "hidden=8 loss=non-saturating penalty=none d-steps=2.5 pack=3 seed=2",
    "hidden=7 conditional=concat classes=8 d-steps=0.5 generator='linear 6, bnorm, relu, linear 16, tanh' discriminator='conv 3 k2 s2, bnorm, lrelu 0.2, conv 1 k2' seed=3",
    "hidden=6 loss=wasserstein penalty=gp d-steps=3 conditional=embedding classes=8 seed=4",
    "loss=hinge spectral=on conditional=projection generator='linear 6, bnorm, relu, linear 16, tanh' discriminator='conv 3 k2 s2, lrelu 0.2, conv 4 k2, flatten' classes=8 instance-noise=0.2 seed=5",
    "hidden=6 loss=least-squares label-smoothing=0.1 conditional=acgan classes=8 codes=3 codes-uniform=1 mbstd=on seed=6",
    "hidden=6 loss=minimax penalty=dragan penalty-every=3 noise=uniform d-optimizer=sgd d-lr=0.05 seed=7",
    "hidden=6 loss=wasserstein penalty=clip d-optimizer=rmsprop discriminator='linear 6, lrelu 0.2, minibatch 3, linear 1' generator='linear 6, bnorm, relu, dropout 0.1, linear 16, tanh' seed=8",
    "hidden=6 loss=non-saturating penalty=r1 unroll=2 d-band=0.55,0.6 health=act health-every=2 gap-every=3 gap-steps=2 remedies='gap=rollback' seed=9",
    "hidden=6 conditional=projection classes=8 unroll=1 health=watch health-every=3 gap-every=4 gap-steps=1 generator='linear 6, bnorm, relu, linear 16, tanh' discriminator='linear 6, lrelu 0.2' seed=10",
};

/* ---- half-steps ----------------------------------------------------------------------------- */

/* Each half-step moves its own net and leaves every byte of the other one alone, statistics included. */
START_TEST(the_other_net_stays)
{
    gm_dataset *d = pictures(60, 1);
    for (size_t i = 0; i < GM__COUNT(games); i++) {
        gm_model *m = gan(games[i]);
        gm_trainer *tr = NULL;
        double loss;
        OK(gm_trainer_new(m, d, "batch=16", &tr));
        for (int k = 0; k < 3; k++) {
            bytes g = bytes_of(m, "generator"), c = bytes_of(m, "discriminator");
            OK(gm_gan_d_step(tr, &loss));
            ck_assert_msg(same_as(g, m, "generator") && !same_as(c, m, "discriminator"), "%s", games[i]);
            free(c.p);
            c = bytes_of(m, "discriminator");
            ck_assert_uint_eq(gm_trainer_steps(tr), (uint64_t)k);
            OK(gm_gan_g_step(tr, &loss));
            ck_assert_msg(!same_as(g, m, "generator") && same_as(c, m, "discriminator"), "%s", games[i]);
            ck_assert_uint_eq(gm_trainer_steps(tr), (uint64_t)k + 1);
            free(g.p), free(c.p);
        }
        gm_trainer_free(tr);
        gm_model_free(m);
    }
    gm_dataset_free(d);
}
END_TEST

/* A step is what is left of d-steps half-steps of D, then one of G. */
START_TEST(halves_make_a_step)
{
    static const struct { const char *d_steps; int halves[6]; } cases[] = {
        {"1", {1, 1, 1, 1, 1, 1}}, {"3", {3, 3, 3, 3, 3, 3}}, {"0.5", {1, 0, 1, 0, 1, 0}}, {"2.5", {3, 2, 3, 2, 3, 2}}, {"0.25", {1, 0, 0, 0, 1, 0}}};
    gm_dataset *d = pictures(60, 1);
    for (size_t i = 0; i < GM__COUNT(cases); i++)
        for (int early = 0; early < 2; early++) { /* all by hand, or the first of D alone */
            char options[100];
            snprintf(options, sizeof options, "hidden=6 seed=3 d-steps=%s", cases[i].d_steps);
            gm_model *a = gan(options), *b = gan(options);
            gm_trainer *ta = NULL, *tb = NULL;
            double la, lb;
            OK(gm_trainer_new(a, d, "batch=16 ema=0.5", &ta));
            OK(gm_trainer_new(b, d, "batch=16 ema=0.5", &tb));
            for (int k = 0; k < 6; k++) {
                OK(gm_trainer_step(ta, &la));
                for (int j = 0; j < (early ? cases[i].halves[k] > 0 : cases[i].halves[k]); j++) OK(gm_gan_d_step(tb, NULL));
                OK(early ? gm_trainer_step(tb, &lb) : gm_gan_g_step(tb, &lb));
                ck_assert_double_eq(la, lb);
                ck_assert_int_eq(gm_optim_steps(ta->rival), gm_optim_steps(tb->rival));
            }
            ck_assert(same_weights(a, b));
            OK(gm_trainer_save(ta, at("a")));
            OK(gm_trainer_save(tb, at("b")));
            ck_assert(same_files(at("a"), at("b")));
            gm_trainer_free(ta), gm_trainer_free(tb);
            gm_model_free(a), gm_model_free(b);
        }
    gm_dataset_free(d);
}
END_TEST

/* One half-step of D on fixed data raises what D raises, one of G lowers what G descends. */
static double d_loss_of(gm_model *m, gm_dataset *d)
{
    gm_tape *t = NULL;
    gm_tensor *x = NULL, *y = NULL;
    double v;
    OK(gm__use_tape(ctx, &t));
    OK(gm_dataset_read(d, "x", 0, 60, &x));
    gm__batch b = {.t = t, .x = gm__model_rows(m, t, x)};
    OK(gm__gan_loss(m, &b, &y));
    OK(gm_tensor_item(y, &v));
    gm_tape_free(t);
    gm_tensor_free(x);
    return v;
}
START_TEST(who_pulls_where)
{
    gm_dataset *d = pictures(60, 1);
    gm_model *m = gan("hidden=16 loss=minimax penalty=none seed=3");
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, "batch=60 optimizer=sgd lr=0.02", &tr));
    for (int k = 0; k < 5; k++) {
        const double before = d_loss_of(m, d);
        OK(gm_gan_d_step(tr, NULL));
        const double between = d_loss_of(m, d);
        ck_assert_double_lt(between, before);
        OK(gm_gan_g_step(tr, NULL));
        ck_assert_double_gt(d_loss_of(m, d), between); /* V falls: what D descends is -V */
    }
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

START_TEST(groups_of_both)
{
    gm_dataset *d = pictures(60, 1);
    gm_model *m = gan("hidden=6 seed=1");
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, "batch=16 groups='discriminator: lr-scale=0; generator.0: lr-scale=0'", &tr));
    bytes g = bytes_of(m, "generator.0"), c = bytes_of(m, "discriminator"), rest = bytes_of(m, "generator.2");
    for (int k = 0; k < 3; k++) OK(gm_trainer_step(tr, NULL));
    ck_assert(same_as(g, m, "generator.0") && same_as(c, m, "discriminator") && !same_as(rest, m, "generator.2"));
    free(g.p), free(c.p), free(rest.p);
    gm_trainer_free(tr);
    tr = NULL;
    FAILS(GM_EARG, "no weight is called 'critic'", gm_trainer_new(m, d, "groups='critic: lr-scale=0'", &tr));
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- the same bytes ------------------------------------------------------------------------------ */

START_TEST(resumes_with_the_same_bytes)
{
    gm_dataset *d = pictures(70, 1);
    for (size_t i = 0; i < GM__COUNT(games); i++) {
        const char *how = i % 2 ? "steps=9 batch=16 ema=0.8 schedule=cosine" : "steps=9 batch=16 ema=0.8 optimizer=adamw clip-norm=1";
        whole_run(gan(games[i]), d, how);
        for (int at_step = 1; at_step < 9; at_step += 3) cut_run(gan(games[i]), d, how, at_step, i != 2, games[i]);
    }
    gm_dataset_free(d);
}
END_TEST

START_TEST(any_number_of_threads)
{
    gm_dataset *d = pictures(70, 1);
    for (size_t i = 0; i < GM__COUNT(games); i++) any_threads("gan", games[i], d, "steps=5 batch=16", eleven_draws);
    gm_dataset_free(d);
}
END_TEST

/* ---- cut short --------------------------------------------------------------------------------------- */

START_TEST(cancel)
{
    gm_dataset *d = pictures(64, 1);
    gm_model *m = gan("hidden=6 d-steps=2");
    gm_trainer *tr = NULL;
    gm_tensor *x = NULL;
    OK(gm_trainer_new(m, d, "batch=16 steps=20", &tr));
    OK(gm_trainer_set_progress(tr, stop_at, &(int){4}, 0));
    ck_assert_int_eq(gm_trainer_run(tr), GM_ECANCELED);
    ck_assert_uint_eq(gm_trainer_steps(tr), 4);
    OK(gm_sample(m, 3, 0, &x));
    gm_tensor_free(x);
    gm_ctx_cancel(ctx);
    ck_assert_int_eq(gm_gan_d_step(tr, NULL), GM_ECANCELED);
    OK(gm_gan_d_step(tr, NULL));
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* A loss that is not finite leaves both nets as they were, and says so. */
START_TEST(not_finite)
{
    gm_dataset *d = pictures(64, 1);
    gm_model *m = gan("hidden=6 loss=wasserstein penalty=none");
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, "batch=16", &tr));
    OK(gm_trainer_step(tr, NULL));
    gm_tensor *w = gm_net_tensor(gm__gan_of(m)->d, 0);
    const float was = gm__f32(w)[0];
    gm__f32(w)[0] = NAN;
    bytes all = bytes_of(m, "");
    ck_assert_int_eq(gm_trainer_step(tr, NULL), GM_ENONFINITE);
    ck_assert(same_as(all, m, ""));
    ck_assert_int_eq(gm_trainer_event_count(tr), 1);
    gm__f32(w)[0] = was;
    OK(gm_trainer_step(tr, NULL));
    free(all.p);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- does it learn? ------------------------------------------------------------------------------------ */

/* n numbers of N(mean, deviation^2), by quantiles in no order. */
static gm_dataset *normals(int64_t n, double mean, double deviation)
{
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){n, 1}, &x));
    gm__init_normal(x, mean, deviation, 5, 0);
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_tensor_free(x);
    return d;
}

static void moments(const gm_tensor *x, double *mean, double *deviation)
{
    *mean = *deviation = 0;
    for (int64_t i = 0; i < x->size; i++) *mean += (double)gm__f32(x)[i] / (double)x->size;
    for (int64_t i = 0; i < x->size; i++) *deviation += pow((double)gm__f32(x)[i] - *mean, 2) / (double)x->size;
    *deviation = sqrt(*deviation);
}

START_TEST(a_gaussian)
{
    gm_dataset *d = normals(4000, 3, 0.5);
    gm_model *m = gan("hidden=32,32 noise-dim=2 seed=1");
    gm_tensor *x = NULL;
    double mean, deviation;
    OK(gm_fit(m, d, "steps=1200 batch=128 schedule=linear ema=0.99"));
    OK(gm_sample(m, 4000, 1, &x));
    moments(x, &mean, &deviation);
    ck_assert_msg(fabs(mean - 3) < 0.15 && fabs(deviation - 0.5) < 0.05, "mean %g, deviation %g", mean, deviation);
    gm_tensor_free(x);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* With the generator as it is at the start, the critic's estimate comes to the exact distance: between sorted numbers. */
START_TEST(the_critic_measures_w1)
{
    enum { N = 2000 };
    gm_dataset *d = normals(N, 1, 1.2);
    gm_model *m = gan("shape=1 hidden=48,48 noise-dim=2 scale=none loss=wasserstein penalty=gp seed=3");
    gm_trainer *tr = NULL;
    gm_tensor *x = NULL, *real = NULL, *jr = NULL, *jf = NULL;
    OK(gm_trainer_new(m, d, "batch=200 lr=2e-3 beta1=0 beta2=0.9 steps=1200 ema=0", &tr));
    for (int k = 0; k < 1200; k++) OK(gm_gan_d_step(tr, NULL));
    OK(gm_sample(m, N, 1, &x));
    OK(gm_dataset_read(d, "x", 0, N, &real));
    OK(gm_gan_discriminate(m, real, NULL, &jr));
    OK(gm_gan_discriminate(m, x, NULL, &jf));
    double estimate = 0, exact = 0, slope = 0;
    for (int i = 0; i < N; i++) estimate += (double)(gm__f32(jr)[i] - gm__f32(jf)[i]) / N;
    gm_tensor_free(jr);
    qsort(x->data, N, sizeof(float), by_size);
    qsort(real->data, N, sizeof(float), by_size);
    for (int i = 0; i < N; i++) exact += fabs((double)(gm__f32(real)[i] - gm__f32(x)[i])) / N;
    ck_assert_msg(fabs(estimate - exact) < 0.1 * exact, "%g, exact %g", estimate, exact);
    /* the slope between the two laws, by differences */
    gm_tensor *moved = NULL;
    for (int i = 0; i < N; i++) gm__f32(x)[i] = (float)(0.5 * (gm__f32(x)[i] + gm__f32(real)[i]));
    OK(gm_tensor_copy(ctx, GM_F32, 2, x->shape, x->data, &moved));
    for (int i = 0; i < N; i++) gm__f32(moved)[i] += 0.01f;
    OK(gm_gan_discriminate(m, moved, NULL, &jr));
    gm_tensor_free(jf);
    OK(gm_gan_discriminate(m, x, NULL, &jf));
    for (int i = 0; i < N; i++) slope += fabs((double)(gm__f32(jr)[i] - gm__f32(jf)[i])) / 0.01 / N;
    ck_assert_msg(fabs(slope - 1) < 0.1, "mean slope %g", slope);
    gm_tensor_free(x), gm_tensor_free(real), gm_tensor_free(jr), gm_tensor_free(jf), gm_tensor_free(moved);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* D alone against a generator that stays as it began: it tells nearly all rows from the data. */
START_TEST(a_discriminator_by_itself)
{
    gm_dataset *d = pictures(400, 1);
    gm_model *m = gan("hidden=24,24 loss=hinge penalty=none spectral=on seed=1");
    gm_trainer *tr = NULL;
    gm_tensor *x = NULL, *fake = NULL, *jr = NULL, *jf = NULL;
    int right = 0;
    OK(gm_trainer_new(m, d, "batch=64 lr=3e-3 ema=0", &tr));
    for (int k = 0; k < 400; k++) OK(gm_gan_d_step(tr, NULL));
    gm_trainer_free(tr);
    OK(gm_dataset_read(d, "x", 0, 400, &x));
    OK(gm_sample(m, 400, 3, &fake));
    OK(gm_gan_discriminate(m, x, NULL, &jr));
    OK(gm_score(m, fake, &jf));
    for (int i = 0; i < 400; i++) right += (gm__f32(jr)[i] > 0) + (gm__f32(jf)[i] > 0);
    ck_assert_msg(right > 760, "%d of 800", right);
    gm_tensor_free(x), gm_tensor_free(fake), gm_tensor_free(jr), gm_tensor_free(jf);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* With spectral=on the first weights, divided by the sigma that the stored vectors give, have a largest singular value of 1. */
START_TEST(weights_stay_spectral)
{
    gm_dataset *d = pictures(400, 1);
    gm_model *m = gan("hidden=24,24 loss=hinge penalty=none spectral=on seed=1");
    OK(gm_fit(m, d, "batch=64 steps=600 lr=1e-3 schedule=linear"));
    /* largest singular value of W / sigma by the power method, from the stored vectors: u^T W v = sigma */
    const gm_net *net = gm__gan_of(m)->d;
    const gm_tensor *w = gm_net_tensor(net, 0);
    const int64_t rows = w->shape[0], cols = w->shape[1];
    double v[64], u[64], sigma = 0, stored = 0;
    for (int64_t j = 0; j < cols; j++) v[j] = 1 + 0.1 * (double)j;
    for (int k = 0; k < 500; k++) {
        double norm = 0;
        for (int64_t i = 0; i < rows; i++) {
            u[i] = 0;
            for (int64_t j = 0; j < cols; j++) u[i] += (double)gm__f32(w)[i * cols + j] * v[j];
            norm += u[i] * u[i];
        }
        sigma = sqrt(norm);
        for (int64_t j = 0; j < cols; j++) {
            v[j] = 0;
            for (int64_t i = 0; i < rows; i++) v[j] += (double)gm__f32(w)[i * cols + j] * u[i] / sigma;
        }
        norm = 0;
        for (int64_t j = 0; j < cols; j++) norm += v[j] * v[j];
        for (int64_t j = 0; j < cols; j++) v[j] /= sqrt(norm);
    }
    const gm_tensor *su = NULL, *sv = NULL;
    for (int32_t i = 0; i < gm_net_tensor_count(net); i++) {
        if (!strcmp(gm_net_tensor_name(net, i), "0.weight_u")) su = gm_net_tensor(net, i);
        if (!strcmp(gm_net_tensor_name(net, i), "0.weight_v")) sv = gm_net_tensor(net, i);
    }
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) stored += (double)gm__f32(su)[i] * (double)gm__f32(w)[i * cols + j] * (double)gm__f32(sv)[j];
    ck_assert_msg(sigma / stored <= 1.01, "spectral norm %g", sigma / stored);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* Both players look ahead: resumed or not, the same bytes; no half-steps; one step of D for one of G. */
START_TEST(extragradient)
{
    gm_dataset *d = pictures(70, 1);
    gm_model *m = gan(games[0]), *plain = gan(games[0]), *two = gan("d-steps=2");
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, "batch=16 extragradient=on steps=9 ema=0.5", &tr));
    FAILS(GM_EUNSUPPORTED, "both move at once", gm_gan_d_step(tr, NULL));
    for (int k = 0; k < 4; k++) OK(gm_trainer_step(tr, NULL));
    OK(gm_trainer_save(tr, at("c")));
    run_to(tr, "m1", "c1");
    OK(gm_trainer_resume(ctx, at("c"), d, NULL, NULL, &tr));
    ck_assert_int_eq(gm_optim_steps(tr->rival), 4);
    run_to(tr, "m2", "c2");
    ck_assert(same_files(at("m1"), at("m2")));
    OK(gm_fit(plain, d, "batch=16 steps=9 ema=0.5"));
    ck_assert(!same_weights(m, plain));
    FAILS(GM_EARG, "d-steps=1", gm_fit(two, d, "extragradient=on"));
    gm_model_free(two);
    OK(gm_model_new(ctx, "vae", "hidden=4 latent=2", &two));
    FAILS(GM_EUNSUPPORTED, "two players", gm_fit(two, d, "extragradient=on"));
    gm_model_free(m), gm_model_free(plain), gm_model_free(two);
    gm_dataset_free(d);
}
END_TEST

/* Clipped weights stay within their bound, and curves are there to read. */
START_TEST(clip_and_curves)
{
    gm_dataset *d = pictures(64, 1);
    gm_model *m = gan("hidden=8 loss=wasserstein penalty=clip penalty-weight=0.03 d-steps=2");
    gm_trainer *tr = NULL;
    static const char *const curves[] = {"d-loss", "g-loss", "d-real", "d-fake", "d-accuracy", "d-grad-norm", "grad-norm", "loss"};
    OK(gm_trainer_new(m, d, "batch=16 steps=10", &tr));
    OK(gm_trainer_run(tr));
    const gm_net *net = gm__gan_of(m)->d;
    for (int32_t i = 0; i < gm_net_tensor_count(net); i++)
        for (int64_t j = 0; j < gm_net_tensor(net, i)->size; j++) ck_assert(fabsf(gm__f32(gm_net_tensor(net, i))[j]) <= 0.03f);
    for (size_t i = 0; i < GM__COUNT(curves); i++) ck_assert_msg(gm__trainer_series(tr, curves[i]) && gm__series_points(gm__trainer_series(tr, curves[i])) == 10, "%s", curves[i]);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gan training");
    TCase *c = tcase_create("gan training");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, the_other_net_stays);
    tcase_add_test(c, halves_make_a_step);
    tcase_add_test(c, who_pulls_where);
    tcase_add_test(c, groups_of_both);
    tcase_add_test(c, resumes_with_the_same_bytes);
    tcase_add_test(c, any_number_of_threads);
    tcase_add_test(c, cancel);
    tcase_add_test(c, not_finite);
    tcase_add_test(c, a_gaussian);
    tcase_add_test(c, the_critic_measures_w1);
    tcase_add_test(c, a_discriminator_by_itself);
    tcase_add_test(c, weights_stay_spectral);
    tcase_add_test(c, extragradient);
    tcase_add_test(c, clip_and_curves);
    suite_add_tcase(s, c);
    return run_suite(s);
}
