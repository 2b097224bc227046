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
    suite_add_tcase(s, c);
    return run_suite(s);
}
