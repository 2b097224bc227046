/* test_gan_health.c - what a GAN's training notices about itself: every mishap forced, none in healthy runs; what is done about
 * it; that looking changes nothing. */
#include "models/gan/health.h"
#include "models/models_test.h"

static gm_model *gan(const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "gan", options, &m));
    return m;
}

static gm_dataset *ring(void)
{
    gm_dataset *d = NULL;
    OK(gm_dataset_open(ctx, "synth:ring8,n=5000", &d));
    return d;
}

static int count(const gm_trainer *tr, int kind)
{
    int n = 0;
    gm_event e = {.struct_size = sizeof e};
    for (int i = 0; i < gm_trainer_event_count(tr); i++) {
        OK(gm_trainer_event(tr, i, &e));
        n += e.kind == kind;
    }
    return n;
}

static const char *text_of(const gm_trainer *tr, int kind)
{
    static char text[160];
    gm_event e = {.struct_size = sizeof e};
    for (int i = gm_trainer_event_count(tr); i-- > 0;) {
        OK(gm_trainer_event(tr, i, &e));
        if (e.kind == kind) return strcpy(text, e.text);
    }
    return "no such event";
}

/* A run to its end, the trainer for its events. */
static gm_trainer *fit(const char *options, const char *how)
{
    gm_dataset *d = ring();
    gm_model *m = gan(options);
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, how, &tr));
    OK(gm_trainer_run(tr));
    gm_model_free(m);
    gm_dataset_free(d);
    return tr;
}

/* ---- what is measured ------------------------------------------------------------------------ */

START_TEST(advantage_of_pairs)
{
    gm_tensor *r = NULL, *f = NULL;
    OK(gm_tensor_copy(ctx, GM_F32, 1, (int64_t[]){3}, (float[]){1, 2, 3}, &r));
    OK(gm_tensor_copy(ctx, GM_F32, 1, (int64_t[]){2}, (float[]){2, 0}, &f));
    ck_assert_double_eq_tol(gm__health_advantage(r, f), (0 + 1 + 0.5 + 1 + 1 + 1) / 6, 1e-12);
    ck_assert_double_eq_tol(gm__health_advantage(f, r), 1 - 4.5 / 6, 1e-12);
    gm_tensor_free(r), gm_tensor_free(f);
}
END_TEST

/* Four rows at the corners of a square: rows of the generator are its bias, far from them, and reach one. */
START_TEST(a_look)
{
    gm_tensor *x = NULL, *mean;
    gm_dataset *d = NULL;
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){4, 2}, (float[]){1, 1, 1, -1, -1, 1, -1, -1}, &x));
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_model *m = gan("scale=none generator='linear 2 init=zeros' noise-dim=2");
    gm_trainer *tr = NULL;
    gm__look look;
    OK(gm_trainer_new(m, d, "batch=4", &tr));
    gm_tensor *bias = gm_net_tensor(gm__gan_of(m)->g, 1), *w = gm_net_tensor(gm__gan_of(m)->g, 0);
    gm__f32(bias)[0] = 3, gm__f32(bias)[1] = 4;
    OK(gm__probe_look(m, tr, &look, &mean));
    ck_assert(look.finite && look.diversity == 0);
    ck_assert_double_eq_tol(look.distance, 5 / sqrt(2), 1e-6);
    ck_assert_double_eq_tol(look.reach, 0.25 / (1 - exp(-1)), 1e-6);
    gm__f32(w)[0] = gm__f32(w)[3] = 1e-3f; /* now they differ, as four draws of a normal law do */
    OK(gm__probe_look(m, tr, &look, &mean));
    ck_assert(look.diversity > 1e-4 && look.diversity < 3e-3);
    gm__f32(w)[0] = NAN;
    OK(gm__probe_look(m, tr, &look, &mean));
    ck_assert(!look.finite);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_tensor_free(x);
}
END_TEST

/* A linear critic w against a constant b and data of mean c: V = w(c - b). k plain steps of rate r by the one raise it by k r (c - b)^2, by
 * the other lower it by k r w^2. */
START_TEST(gap_in_closed_form)
{
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){400, 1}, &x));
    for (int i = 0; i < 400; i++) gm__f32(x)[i] = 2 + (i % 2 ? 0.01f : -0.01f);
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_model *m = gan("scale=none generator='linear 1 init=zeros' discriminator='linear 1' noise-dim=1 loss=wasserstein penalty=none gap-steps=10");
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, "batch=100 optimizer=sgd lr=0.01", &tr));
    gm__f32(gm_net_tensor(gm__gan_of(m)->d, 0))[0] = 0.5f;
    gm__f32(gm_net_tensor(gm__gan_of(m)->g, 1))[0] = 1;
    gm_tensor *before[8];
    double gap;
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++) OK(gm_tensor_copy(ctx, GM_F32, gm_model_tensor(m, i)->ndim, gm_model_tensor(m, i)->shape, gm_model_tensor(m, i)->data, &before[i]));
    OK(gm__gan_gap(m, tr, &gap));
    ck_assert_msg(fabs(gap - 10 * 0.01 * (1 + 0.25)) < 0.01, "%g", gap);
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++) { /* and all is as before */
        ck_assert(!memcmp(before[i]->data, gm_model_tensor(m, i)->data, (size_t)before[i]->size * sizeof(float)));
        gm_tensor_free(before[i]);
    }
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_tensor_free(x);
}
END_TEST

/* ---- mishaps by force --------------------------------------------------------------------------- */

static const struct { const char *options, *how; int kind; } forced[] = {
    /* noise that G is blind to */
    {"hidden=32,32 health-every=20 generator='linear 16 init=zeros, relu, linear 2' seed=1", "steps=201", GM_EVENT_MODE_COLLAPSE},
    /* D learns fifty times as fast, and minimax says nothing then */
    {"hidden=32,32 health-every=20 loss=minimax penalty=none d-lr=0.05 seed=1", "steps=401 lr=1e-4", GM_EVENT_VANISHING},
    {"hidden=32,32 health-every=20 loss=minimax penalty=none d-lr=0.05 seed=1", "steps=401 lr=1e-4", GM_EVENT_IMBALANCE},
    /* rates that only grow */
    {"hidden=32,32 health-every=20 loss=wasserstein penalty=none d-lr=0.05 seed=1", "steps=201 lr=0.05", GM_EVENT_EXPLODING},
    /* G runs after D, round and round */
    {"hidden=32,32 health-every=20 loss=hinge penalty=none spectral=on seed=1", "steps=801 lr=5e-3", GM_EVENT_OSCILLATION},
    /* D too slow for what G does to it */
    {"hidden=32,32 health-every=20 loss=wasserstein penalty=none d-lr=1e-7 seed=1", "steps=201 lr=1e-2", GM_EVENT_IMBALANCE},
    /* two that leave a balance */
    {"hidden=32,32 health-every=1000 gap-every=40 gap-steps=10 loss=wasserstein penalty=none seed=1", "steps=801 lr=1e-3", GM_EVENT_DUALITY_GAP},
};
START_TEST(each_mishap_is_told)
{
    for (size_t i = 0; i < GM__COUNT(forced); i++) {
        gm_trainer *tr = fit(forced[i].options, forced[i].how);
        ck_assert_msg(count(tr, forced[i].kind) >= 1, "%s: no event %d", forced[i].options, forced[i].kind);
        gm_trainer_free(tr);
    }
}
END_TEST

START_TEST(healthy_runs_raise_nothing)
{
    static const char *const runs[] = {"seed=1", "seed=2", "seed=3", "seed=4", "loss=wasserstein penalty=gp penalty-weight=0.1 d-steps=3 seed=1",
                                       "loss=wasserstein penalty=gp penalty-weight=0.1 d-steps=3 seed=2", "loss=non-saturating penalty=r1 seed=1",
                                       "loss=non-saturating penalty=r1 seed=2", "loss=hinge penalty=r2 seed=1", "pack=2 seed=1"};
    for (size_t i = 0; i < GM__COUNT(runs); i++) {
        char options[200];
        snprintf(options, sizeof options, "hidden=64,64 health-every=40 gap-every=200 gap-steps=5 %s", runs[i]);
        gm_trainer *tr = fit(options, "steps=1000 lr=2e-3");
        ck_assert_msg(gm_trainer_event_count(tr) == 0, "%s: %s %s %s %s", runs[i], text_of(tr, GM_EVENT_MODE_COLLAPSE), text_of(tr, GM_EVENT_OSCILLATION),
                      text_of(tr, GM_EVENT_IMBALANCE), text_of(tr, GM_EVENT_EXPLODING));
        gm_trainer_free(tr);
    }
}
END_TEST

/* ---- looking changes nothing --------------------------------------------------------------------- */

START_TEST(watching_leaves_all_bytes)
{
    static const char *const games[] = {"hidden=8 noise-dim=3 seed=1", "hidden=6 loss=wasserstein penalty=gp d-steps=2.5 conditional=embedding classes=8 seed=4",
                                        "loss=hinge spectral=on generator='linear 6, bnorm, relu, dropout 0.1, linear 16, tanh' discriminator='conv 3 k2 s2, bnorm, lrelu 0.2, conv 1 k2' seed=5",
                                        "hidden=6 loss=non-saturating penalty=none pack=3 mbstd=on seed=2"};
    gm_dataset *d = pictures(60, 1);
    for (size_t i = 0; i < GM__COUNT(games); i++) {
        gm_model *m[2];
        for (int k = 0; k < 2; k++) {
            char options[300];
            snprintf(options, sizeof options, "%s %s", games[i], k ? "health=watch health-every=2 gap-every=3 gap-steps=2" : "health=off");
            m[k] = gan(options);
            OK(gm_fit(m[k], d, "batch=16 steps=9"));
        }
        ck_assert_msg(same_weights(m[0], m[1]), "%s", games[i]);
        gm_model_free(m[0]), gm_model_free(m[1]);
    }
    gm_dataset_free(d);
}
END_TEST

/* ---- remedies ------------------------------------------------------------------------------------ */

/* A run that is well so far: 6 looks. */
static gm_trainer *begun(gm_dataset *d, const char *more)
{
    char options[300];
    gm_trainer *tr = NULL;
    snprintf(options, sizeof options, "hidden=32,32 health=act health-every=20 seed=1 %s", more);
    gm_model *m = gan(options);
    OK(gm_trainer_new(m, d, "steps=1000 lr=3e-3 schedule=constant", &tr));
    for (int i = 0; i < 121; i++) OK(gm_trainer_step(tr, NULL));
    ck_assert_msg(!gm_trainer_event_count(tr) && gm__health_state(tr)[GM__H_KEPT] == 121, "%d events, kept %g", gm_trainer_event_count(tr), gm__health_state(tr)[GM__H_KEPT]);
    gm_model_free(m);
    return tr;
}

/* From now on all generated rows are the same. */
static void spoil(gm_trainer *tr)
{
    gm_net *g = gm__gan_of(gm_trainer_model(tr))->g;
    const int32_t last = gm_net_tensor_count(g) - 2;
    gm_tensor *w = gm_net_tensor(g, last);
    memset(w->data, 0, (size_t)w->size * sizeof(float));
    w->version++;
}

static void until(gm_trainer *tr, int kind)
{
    for (int i = 0; i < 200 && !count(tr, kind) && !gm_trainer_done(tr); i++) {
        spoil(tr);
        OK(gm_trainer_step(tr, NULL));
    }
    ck_assert_int_eq(count(tr, kind), 1);
}

START_TEST(rollback)
{
    gm_dataset *d = ring();
    gm_trainer *tr = begun(d, "remedies='collapse=rollback'");
    const gm__health *h = gm__health_of(tr);
    const gm_tensor *g = gm_net_tensor(gm__gan_of(gm_trainer_model(tr))->g, 0);
    int at = -1;
    double lr = gm_optim_lr(tr->optim);
    for (size_t i = 0; i < h->n; i++)
        if (h->live[i] == g) at = (int)i;
    ck_assert_int_ge(at, 0);
    until(tr, GM_EVENT_REMEDY);
    ck_assert_int_eq(count(tr, GM_EVENT_MODE_COLLAPSE), 1);
    ck_assert_msg(strstr(text_of(tr, GM_EVENT_REMEDY), "collapse: back to the weights of step 120") != NULL, "%s", text_of(tr, GM_EVENT_REMEDY));
    ck_assert_double_eq_tol(gm_optim_lr(tr->optim), lr / 2, 1e-15);
    for (int64_t i = 0; i < g->size; i++) /* one step of Adam from there */
        ck_assert(fabs((double)(gm__f32(g)[i] - gm__f32(h->kept[at])[i])) < 20 * lr);
    for (int i = 0; i < 100; i++) OK(gm_trainer_step(tr, NULL));
    ck_assert_int_eq(count(tr, GM_EVENT_MODE_COLLAPSE), 1);
    gm_trainer_free(tr);
    gm_dataset_free(d);
}
END_TEST

START_TEST(other_remedies)
{
    static const struct { const char *cure; double rate, ratio; int done; } cures[] = {{"lr", 0.5, 1, 0}, {"ratio", 1, 2, 0}, {"stop", 1, 1, 1}};
    gm_dataset *d = ring();
    for (size_t i = 0; i < GM__COUNT(cures); i++) {
        char more[60];
        snprintf(more, sizeof more, "remedies='collapse=%s'", cures[i].cure);
        gm_trainer *tr = begun(d, more);
        until(tr, GM_EVENT_REMEDY);
        ck_assert_double_eq(gm__health_state(tr)[GM__H_RATE], cures[i].rate);
        ck_assert_double_eq(gm__health_state(tr)[GM__H_RATIO], cures[i].ratio);
        ck_assert_int_eq(gm_trainer_done(tr), cures[i].done);
        gm_trainer_free(tr);
    }
    gm_trainer *tr = begun(d, "remedies='collapse=none'");
    until(tr, GM_EVENT_MODE_COLLAPSE);
    ck_assert_int_eq(count(tr, GM_EVENT_REMEDY), 0);
    gm_trainer_free(tr);
    gm_dataset_free(d);
}
END_TEST

/* A gradient a million times too large, a weight that is no number: told, rolled back, and the run goes on. */
START_TEST(blasts_are_rolled_back)
{
    gm_dataset *d = ring();
    for (int i = 0; i < 2; i++) {
        gm_trainer *tr = begun(d, "");
        gm_tensor *w = gm_net_tensor(gm__gan_of(gm_trainer_model(tr))->d, 2 * i);
        for (int64_t j = 0; j < w->size; j++) gm__f32(w)[j] = i ? NAN : 1e6f * gm__f32(w)[j];
        w->version++;
        for (int k = 0; k < 3; k++) OK(gm_trainer_step(tr, NULL));
        ck_assert_int_ge(count(tr, i ? GM_EVENT_NONFINITE : GM_EVENT_EXPLODING), 1);
        ck_assert_int_ge(count(tr, GM_EVENT_REMEDY), 1);
        for (int64_t j = 0; j < w->size; j++) ck_assert(fabsf(gm__f32(w)[j]) < 10);
        for (int k = 0; k < 100; k++) OK(gm_trainer_step(tr, NULL));
        gm_trainer_free(tr);
    }
    gm_dataset_free(d);
}
END_TEST

/* ---- the two in step ------------------------------------------------------------------------------- */

START_TEST(d_comes_to_its_band)
{
    static const struct { const char *steps; double low, high; } cases[] = {
        {"d-steps=0.5", 0.4, 0.59}, {"d-steps=0.5 d-band=0.6,0.7", 0.6, 0.7}, {"d-steps=2", 0.77, 0.9}, {"d-steps=2 d-band=0.6,0.7", 0.6, 0.76}};
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        char options[200];
        double a = 0;
        snprintf(options, sizeof options, "hidden=32,32 health=off loss=non-saturating penalty=r1 seed=1 %s", cases[i].steps);
        gm_trainer *tr = fit(options, "steps=800 lr=1e-3 schedule=constant");
        const gm__series *s = gm__trainer_series(tr, "d-advantage");
        const size_t n = gm__series_points(s), half = n / 2;
        for (size_t k = half; k < n; k++) a += gm__series_point(s, k).value / (double)(n - half);
        ck_assert_msg(a > cases[i].low && a < cases[i].high, "%s: %g", cases[i].steps, a);
        gm_trainer_free(tr);
    }
}
END_TEST

/* D learns until it is sure of everything, then G takes a step: with minimax its gradient is nothing, with the other loss it is not. */
START_TEST(gradients_under_a_perfect_discriminator)
{
    static const char *const losses[] = {"minimax", "non-saturating"};
    gm_dataset *d = ring();
    for (int i = 0; i < 2; i++) {
        char options[200];
        gm_trainer *tr = NULL;
        snprintf(options, sizeof options, "hidden=32,32 penalty=none d-lr=0.02 loss=%s seed=1", losses[i]);
        gm_model *m = gan(options);
        OK(gm_trainer_new(m, d, "lr=1e-3 schedule=constant", &tr));
        for (int k = 0; k < 600; k++) OK(gm_gan_d_step(tr, NULL));
        OK(gm_gan_g_step(tr, NULL));
        const double norm = gm_optim_grad_norm(tr->optim);
        ck_assert_msg(i ? norm > 1e-2 : norm < 1e-4, "%s: %g", losses[i], norm);
        gm_trainer_free(tr);
        gm_model_free(m);
    }
    gm_dataset_free(d);
}
END_TEST

/* ---- looking ahead ----------------------------------------------------------------------------------- */

/* G's loss at its first half-step with one number of its weights moved; *moved: how far a step of plain descent of rate 1 takes that number. */
static double ahead(gm_dataset *d, int32_t which, float by, double *moved)
{
    gm_model *m = gan("scale=none hidden=5 generator='linear 4, tanh, linear 2' discriminator='linear 6, tanh, linear 1' loss=non-saturating penalty=r1 penalty-weight=0.3 unroll=3 "
                      "d-optimizer=sgd d-lr=0.5 health=off seed=3");
    gm_trainer *tr = NULL;
    double loss;
    OK(gm_trainer_new(m, d, "batch=64 optimizer=sgd lr=1 ema=0 schedule=constant", &tr));
    gm_tensor *w = gm_net_tensor(gm__gan_of(m)->g, which);
    gm__f32(w)[1] += by;
    w->version++;
    const double before = (double)gm__f32(w)[1];
    OK(gm_gan_g_step(tr, &loss));
    *moved = before - (double)gm__f32(w)[1];
    gm_trainer_free(tr);
    gm_model_free(m);
    return loss;
}
START_TEST(gradient_through_steps_ahead)
{
    gm_dataset *d = ring();
    for (int32_t i = 0; i < 4; i++) {
        double g, ignored;
        ahead(d, i, 0, &g);
        const double slope = (ahead(d, i, 2e-2f, &ignored) - ahead(d, i, -2e-2f, &ignored)) / 4e-2;
        ck_assert_msg(fabs(g - slope) < 1e-3 + 0.01 * fabs(slope), "weight %d: %g, by differences %g", i, g, slope);
    }
    gm_dataset_free(d);
}
END_TEST

/* A game that circles comes to rest. */
START_TEST(looking_ahead_helps)
{
    double way[2] = {0};
    for (int i = 0; i < 2; i++) {
        char options[200];
        snprintf(options, sizeof options, "hidden=32,32 health-every=20 loss=hinge penalty=none spectral=on seed=2 unroll=%d", i ? 5 : 0);
        gm_trainer *tr = fit(options, "steps=401 lr=2e-3 schedule=constant");
        const gm__series *s = gm__trainer_series(tr, "moved");
        for (int k = 0; k < 10; k++) way[i] += gm__series_point(s, gm__series_points(s) - 1 - (size_t)k).value / 10;
        gm_trainer_free(tr);
    }
    ck_assert_msg(way[1] < 0.5 * way[0], "%g, without looking ahead %g", way[1], way[0]);
}
END_TEST

/* The circling game again, with what is usual against it: D gets more steps, and modes are found. */
START_TEST(acting_helps)
{
    double reach[2] = {0};
    for (int i = 0; i < 2; i++) {
        char options[200];
        snprintf(options, sizeof options, "hidden=32,32 health-every=20 loss=hinge penalty=none spectral=on seed=2 health=%s", i ? "act" : "watch");
        gm_trainer *tr = fit(options, "steps=901 lr=2e-3 schedule=constant");
        const gm__series *s = gm__trainer_series(tr, "reach");
        for (int k = 0; k < 10; k++) reach[i] += gm__series_point(s, gm__series_points(s) - 1 - (size_t)k).value / 10;
        ck_assert(i == (count(tr, GM_EVENT_REMEDY) > 0));
        gm_trainer_free(tr);
    }
    ck_assert_msg(reach[1] > 1.5 * reach[0], "%g, without acting %g", reach[1], reach[0]);
}
END_TEST

/* One Gaussian: in the end D cannot tell, wherever rows lie, and neither side has much to gain. */
START_TEST(the_gap_closes)
{
    enum { N = 4000 };
    gm_tensor *x = NULL, *logit = NULL;
    gm_dataset *d = NULL;
    gm_trainer *tr = NULL;
    double most = 0;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){N, 1}, &x));
    gm__init_normal(x, 3, 0.5, 5, 0);
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_model *m = gan("hidden=32,32 noise-dim=2 loss=non-saturating penalty=r1 penalty-weight=1 gap-every=50 gap-steps=10 seed=1");
    OK(gm_trainer_new(m, d, "steps=1200 batch=128 lr=3e-3 schedule=linear", &tr));
    OK(gm_trainer_run(tr));
    const gm__series *s = gm__trainer_series(tr, "duality-gap");
    const double first = gm__series_point(s, 0).value, last = gm__series_point(s, gm__series_points(s) - 1).value;
    ck_assert_msg(last < 0.3 * first, "%g, at first %g", last, first);
    OK(gm_gan_discriminate(m, x, NULL, &logit));
    for (int i = 0; i < N; i++)
        if (fabsf(gm__f32(x)[i] - 3) < 1.25f) most = fmax(most, fabs(1 / (1 + exp(-(double)gm__f32(logit)[i])) - 0.5)); /* 2.5 deviations */
    ck_assert_msg(most < 0.05, "%g", most);
    gm_trainer_free(tr);
    gm_tensor_free(x), gm_tensor_free(logit);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

START_TEST(refused)
{
    static const struct { const char *options, *says; } bad[] = {
        {"remedies='hunger=lr'", "found 'hunger'"}, {"remedies='collapse=pray'", "found 'pray'"}, {"remedies='exploding=ratio'", "exploding=ratio"},
        {"remedies=collapse", "remedies"}, {"d-band=0.8,0.6", "d-band"}, {"d-band=0.5", "d-band"}, {"d-band=0.5,1.5", "d-band"}, {"d-band=a,b", "d-band"},
        {"health=maybe", "off|watch|act"}, {"health-every=0", "from 1"}, {"unroll=-1", "from 0"}, {"gap-steps=0", "from 1"}, {"d-steps=0", "d-steps"}};
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        gm_model *m = NULL;
        FAILS(GM_EARG, bad[i].says, gm_model_new(ctx, "gan", bad[i].options, &m));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gan health");
    TCase *c = tcase_create("gan health");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, advantage_of_pairs);
    tcase_add_test(c, a_look);
    tcase_add_test(c, gap_in_closed_form);
    tcase_add_test(c, each_mishap_is_told);
    tcase_add_test(c, healthy_runs_raise_nothing);
    tcase_add_test(c, watching_leaves_all_bytes);
    tcase_add_test(c, rollback);
    tcase_add_test(c, other_remedies);
    tcase_add_test(c, blasts_are_rolled_back);
    tcase_add_test(c, d_comes_to_its_band);
    tcase_add_test(c, gradients_under_a_perfect_discriminator);
    tcase_add_test(c, gradient_through_steps_ahead);
    tcase_add_test(c, looking_ahead_helps);
    tcase_add_test(c, acting_helps);
    tcase_add_test(c, the_gap_closes);
    tcase_add_test(c, refused);
    suite_add_tcase(s, c);
    return run_suite(s);
}
