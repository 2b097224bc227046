/* test_chains.c - a sampler's persistent chains: the right distribution, the same stream however it is cut, saved, traced. */
#include "models/chains_test.h"
#include "models/dbm/dbm.h"

static gm_sampler *sampler(gm_model *m, const char *options)
{
    gm_sampler *s = NULL;
    OK(gm_sampler_new(ctx, m, options, &s));
    return s;
}
static gm_tensor *draw(gm_sampler *s, int64_t n)
{
    gm_tensor *y = NULL;
    OK(gm_sampler_draw(s, n, NULL, &y));
    return y;
}
static const struct { const char *family, *options; } machines[] = {{"rbm", RBM}, {"dbm", DBM}, {"bm", BM}, {"dbn", DBN}};

/* ---- the distribution ------------------------------------------------------------------ */

static void check_states(gm_model *m, double temperature, const double *p)
{
    char options[120];
    snprintf(options, sizeof options, "chains=3000 burn-in=150 thin=30 mean=off seed=3 temperature=%g", temperature);
    gm_sampler *s = sampler(m, options);
    gm_tensor *y = draw(s, 12000); /* four rounds, far enough apart */
    fits_states(y, p, gm_model_family(m));
    gm_tensor_free(y);
    gm_sampler_free(s);
}

START_TEST(states_against_enumeration)
{
    static const double temperatures[] = {0.5, 1, 2};
    double p[1 << NV];
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            gm_model *m = tiny(machines[i].family, machines[i].options);
            const net e = net_of(m);
            count_states(&e, NV, temperatures[k], p);
            check_states(m, temperatures[k], p);
            gm_model_free(m);
        }
}
END_TEST

/* p(v) = sum_h p(v|h) p(h), h of the topmost machine */
START_TEST(a_belief_network)
{
    gm_model *m = tiny("dbn", DBN);
    net top = {.n = 7}, low = {.n = NV};
    double h[1 << 4], p[1 << NV] = {0}, given[1 << NV];
    join(&top, m, "1.weight", 0, 4), bias(&top, m, "1.visible_bias", 0), bias(&top, m, "1.hidden_bias", 4);
    count_states(&top, 4, 1, h);
    const float *w = gm__f32(tensor(m, "0.weight"));
    for (unsigned x = 0; x < 1 << 4; x++) {
        bias(&low, m, "0.visible_bias", 0);
        for (int i = 0; i < NV; i++)
            for (int j = 0; j < 4; j++) low.b[i] += x >> j & 1 ? (double)w[4 * i + j] : 0;
        count_states(&low, NV, 1, given);
        for (unsigned v = 0; v < 1 << NV; v++) p[v] += h[x] * given[v];
    }
    check_states(m, 1, p);
    gm_model_free(m);
}
END_TEST

/* A label that is held: p(v | label) */
START_TEST(labels_are_held)
{
    gm_model *m = tiny("rbm", "shape=5 hidden=3 conditional=on classes=3");
    gm_sampler *s = sampler(m, "chains=3000 burn-in=150 thin=30 mean=off seed=4");
    net e = {.n = NV + 3 + 3};
    double p[1 << (NV + 3)], given[1 << NV], sum = 0;
    join(&e, m, "weight", 0, NV + 3), bias(&e, m, "visible_bias", 0), bias(&e, m, "hidden_bias", NV + 3);
    count_states(&e, NV + 3, 1, p);
    gm_tensor *label = NULL, *y = NULL;
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){1}, (int64_t[]){2}, &label));
    OK(gm_sampler_draw(s, 9000, label, &y));
    for (unsigned v = 0; v < 1 << NV; v++) sum += given[v] = p[v | 4u << NV];
    for (unsigned v = 0; v < 1 << NV; v++) given[v] /= sum;
    fits_states(y, given, "label 2");
    gm_tensor_free(y);
    gm_tensor_free(label);
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){2}, (int64_t[]){1, 2}, &label));
    FAILS(GM_ESHAPE, "[3000] or [1]", gm_sampler_draw(s, 2, label, &y));
    y = draw(s, 6); /* labels in turn */
    gm_tensor_free(y);
    gm_tensor_free(label);
    gm_sampler_free(s);
    gm_model_free(m);
}
END_TEST

/* ---- the stream ------------------------------------------------------------------------ */

START_TEST(cut_and_saved)
{
    enum { N = 60 };
    for (size_t i = 0; i < GM__COUNT(machines); i++) {
        gm_model *m = tiny(machines[i].family, machines[i].options);
        gm_sampler *a = sampler(m, "chains=7 burn-in=230 thin=3 seed=9"), *b = sampler(m, "chains=7 burn-in=230 thin=3 seed=9"), *c = sampler(m, NULL), *other = sampler(m, "chains=7 burn-in=230 thin=3 seed=8");
        gm_tensor *whole = draw(a, N), *y = draw(other, N);
        ck_assert(furthest(whole, y) > 0.01);
        gm_tensor_free(y);
        static const int64_t pieces[] = {1, 5, 2, 30};
        int64_t done = 0;
        for (size_t k = 0; k < GM__COUNT(pieces); k++, gm_tensor_free(y)) {
            y = draw(b, pieces[k]);
            ck_assert(!memcmp(y->data, gm__f32(whole) + done * NV, (size_t)(pieces[k] * NV) * sizeof(float)));
            done += pieces[k];
        }
        size_t n = 0;
        uint8_t *state;
        OK(gm_sampler_state_save(b, NULL, &n));
        ck_assert_ptr_nonnull(state = malloc(n));
        OK(gm_sampler_state_save(b, state, &n));
        OK(gm_sampler_state_load(c, state, n)); /* a sampler without chains becomes one */
        y = draw(c, N - done);
        ck_assert(!memcmp(y->data, gm__f32(whole) + done * NV, (size_t)((N - done) * NV) * sizeof(float)));
        for (size_t bit = 0; bit < 8 * n; bit += 3) {
            state[bit / 8] ^= (uint8_t)(1u << bit % 8);
            FAILS(GM_EFORMAT, "state", gm_sampler_state_load(c, state, n));
            state[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t k = 0; k < n; k += 5) FAILS(GM_EFORMAT, "state", gm_sampler_state_load(c, state, k));
        free(state);
        gm_tensor_free(y);
        gm_tensor_free(whole);
        gm_sampler_free(a), gm_sampler_free(b), gm_sampler_free(c), gm_sampler_free(other);
        gm_model_free(m);
    }
}
END_TEST

/* A checksum alone makes no state: sizes and options are looked at, too. */
START_TEST(forged_states)
{
    gm_model *m = tiny("rbm", RBM);
    gm_sampler *s = sampler(m, "chains=3");
    uint8_t state[512];
    size_t n = sizeof state;
    gm_tensor_free(draw(s, 4));
    OK(gm_sampler_state_save(s, state, &n));
    static const struct { size_t at; uint64_t value; } wrong[] = {
        {32, 0}, {32, 1u << 30}, {32, UINT64_MAX}, {40, 1ull << 62}, {48, 0}, {64, 0}, {64, UINT64_MAX}, {64, 1ull << 61}, {16, 0}, {24, 0x7ff8000000000000ull}};
    for (size_t i = 0; i < GM__COUNT(wrong); i++) {
        uint8_t forged[512];
        memcpy(forged, state, n);
        gm__put64(forged + wrong[i].at, wrong[i].value);
        gm__put64(forged + n - 8, gm__crc64(0, forged, n - 8));
        FAILS(GM_EFORMAT, "damaged", gm_sampler_state_load(s, forged, n));
    }
    gm_model *vae = model("hidden=8 latent=2 shape=1,4,4");
    gm_sampler *v = sampler(vae, NULL);
    FAILS(GM_EARG, "another model", gm_sampler_state_load(v, state, n));
    OK(gm_sampler_state_load(s, state, n));
    gm_sampler_free(v);
    gm_sampler_free(s);
    gm_model_free(vae);
    gm_model_free(m);
}
END_TEST

START_TEST(threads_do_not_show)
{
    gm_tensor *y[3];
    for (int k = 0; k < 3; k++) {
        gm_ctx *usual = ctx;
        gm_ctx_config c;
        gm_ctx_config_init(&c, sizeof c);
        c.threads = k + 1;
        OK(gm_ctx_new(&c, &ctx));
        gm_model *m = tiny("dbm", "shape=5 layers=40,30 conditional=on classes=4");
        gm_sampler *s = sampler(m, "chains=50 burn-in=20 thin=2 trace=on");
        gm_tensor *rows = draw(s, 120);
        OK(gm_tensor_copy(usual, GM_F32, 2, rows->shape, rows->data, &y[k]));
        gm_tensor_free(rows);
        gm_sampler_free(s);
        gm_model_free(m);
        gm_ctx_free(ctx);
        ctx = usual;
        ck_assert(furthest(y[k], y[0]) == 0);
    }
    for (int k = 0; k < 3; k++) gm_tensor_free(y[k]);
}
END_TEST

START_TEST(a_failed_draw_moves_nothing)
{
    gm_model *m = tiny("rbm", RBM);
    gm_sampler *a = sampler(m, "chains=3 trace=on"), *b = sampler(m, "chains=3 trace=on");
    gm_tensor *x = draw(a, 5), *y = draw(b, 5), *trace = NULL;
    gm_ctx_cancel(ctx);
    gm_tensor *none = NULL;
    FAILS(GM_ECANCELED, "", gm_sampler_draw(a, 20, NULL, &none));
    ck_assert_ptr_null(none);
    gm_tensor_free(x), gm_tensor_free(y);
    x = draw(a, 20), y = draw(b, 20);
    ck_assert(furthest(x, y) == 0);
    OK(gm_sampler_trace(a, &trace));
    ck_assert_int_eq(trace->shape[1], 9); /* 25 rows of 3 chains */
    gm_tensor_free(x), gm_tensor_free(y), gm_tensor_free(trace);
    gm_sampler_free(a), gm_sampler_free(b);
    gm_model_free(m);
}
END_TEST

/* ---- the trace -------------------------------------------------------------------------- */

/* What enumeration says of the mean energy; for an rbm the free energy of the very rows. */
START_TEST(traces)
{
    gm_model *m = tiny("rbm", RBM);
    gm_sampler *s = sampler(m, "chains=8 burn-in=50 thin=2 mean=off trace=on");
    gm_tensor *y = draw(s, 400), *f = NULL, *trace = NULL;
    double ess, r_hat;
    OK(gm_sampler_trace(s, &trace));
    ck_assert(trace->ndim == 2 && trace->shape[0] == 8 && trace->shape[1] == 50);
    OK(gm_rbm_free_energy(m, y, &f));
    for (int k = 0; k < 50; k++)
        for (int c = 0; c < 8; c++) ck_assert(fabs((double)gm__f32(trace)[c * 50 + k] - (double)gm__f32(f)[k * 8 + c]) < 1e-5);
    OK(gm_effective_samples(ctx, trace, &ess, &r_hat));
    ck_assert(ess > 40 && ess < 4000 && r_hat < 1.3);
    gm_tensor_free(y), gm_tensor_free(f), gm_tensor_free(trace);
    gm_sampler_free(s);
    gm_model_free(m);
}
END_TEST

/* -log sum over the units that a state leaves out of exp(-E), averaged under the model */
static double mean_energy(const net *e, unsigned kept)
{
    static double sum[1 << MOST_UNITS];
    double z = 0, mean = 0;
    memset(sum, 0, sizeof sum);
    for (unsigned x = 0; x < 1u << e->n; x++) sum[x & kept] += exp(minus_energy(e, x));
    for (unsigned x = 0; x < 1u << e->n; x++)
        if (!(x & ~kept)) z += sum[x], mean -= sum[x] * log(sum[x]);
    return mean / z;
}

START_TEST(mean_energies)
{
    const unsigned kept[] = {(1u << NV) - 1, (1u << NV) - 1 + (3u << (NV + 3)), (1u << (NV + 3)) - 1};
    for (int i = 0; i < 3; i++) {
        gm_model *m = tiny(machines[i].family, machines[i].options);
        const net e = net_of(m);
        gm_sampler *s = sampler(m, "chains=2000 burn-in=100 thin=20 trace=on");
        gm_tensor *trace = NULL;
        double sum = 0, squares = 0;
        gm_tensor_free(draw(s, 10000));
        OK(gm_sampler_trace(s, &trace));
        const double n = (double)trace->size, want = mean_energy(&e, kept[i]);
        for (int64_t k = 0; k < trace->size; k++) sum += (double)gm__f32(trace)[k], squares += pow((double)gm__f32(trace)[k], 2);
        const double error = sqrt((squares / n - pow(sum / n, 2)) / n);
        ck_assert_msg(fabs(sum / n - want) < 5.5 * error, "%s: mean energy %g, counted %g, error %g", machines[i].family, sum / n, want, error);
        gm_tensor_free(trace);
        gm_sampler_free(s);
        gm_model_free(m);
    }
}
END_TEST

/* Row r of level l takes state k: a unit on of a group, else the bits of k. */
static void put_state(const gm__dbm *d, gm_tensor *x, int64_t r, size_t l, unsigned k)
{
    const int64_t n = x->shape[1];
    for (int64_t j = 0; j < n; j++) gm__f32(x)[r * n + j] = d->labels && l == d->machines ? (float)(j == k) : (float)(k >> j & 1);
}
static unsigned states(const gm__dbm *d, size_t l)
{
    const int64_t n = l ? d->layer[l - 1].nh : d->layer[0].nv;
    return d->labels && l == d->machines ? (unsigned)n : 1u << n;
}

/* The energy of the even levels against all states of the odd ones (level 1, and 3 if there is one) counted, labels in either, centred or
 * not: up to the same number for every state. */
START_TEST(energy_of_a_deep_state)
{
    static const char *const options[] = {"layers=3,2 centered=off", "layers=3,2 conditional=on classes=3", "layers=2,2,2 conditional=on classes=3"};
    enum { STATES = 6 };
    for (size_t i = 0; i < GM__COUNT(options); i++) {
        char text[100];
        snprintf(text, sizeof text, "shape=5 %s", options[i]);
        gm_model *m = tiny("dbm", text);
        const gm__dbm *d = gm__dbm_of(m);
        const unsigned low = states(d, 1), high = d->machines > 2 ? states(d, 3) : 1;
        double gap[STATES];
        for (unsigned k = 0; k < STATES; k++) {
            gm_tape *t = NULL;
            gm_tensor *x[GM__DBM_LEVELS] = {NULL};
            double sum = 0;
            OK(gm_tape_new(ctx, 1, &t));
            gm_tape_recording(t, 0);
            const int64_t rows = low * high;
            for (size_t l = 0; l <= d->machines; l++) {
                x[l] = gm_zeros(t, GM_F32, 2, (int64_t[]){rows, l ? d->layer[l - 1].nh : d->layer[0].nv});
                for (int64_t r = 0; r < rows; r++)
                    put_state(d, x[l], r, l, l == 1 ? (unsigned)r % low : l == 3 ? (unsigned)r / low : (7 * k + (unsigned)l) % states(d, l));
            }
            gm_tensor *e = gm__dbm_energy(d, t, x, NULL), *f = gm__dbm_state_energy(d, t, gm__dbm_join(d, t, x));
            ck_assert_msg(e && f, "%s", gm_tape_message(t));
            for (int64_t r = 0; r < rows; r++) sum += exp(-(double)gm__f32(e)[r]);
            gap[k] = (double)gm__f32(f)[0] + log(sum);
            if (i == 0) ck_assert_double_eq_tol(gap[k], 0, 1e-5);
            ck_assert_double_eq_tol(gap[k], gap[0], 1e-5);
            gm_tape_free(t);
        }
        gm_model_free(m);
    }
}
END_TEST

START_TEST(what_is_refused)
{
    gm_model *m = tiny("rbm", RBM), *vae = model("hidden=8 latent=2 shape=1,4,4"), *rect = tiny("rbm", "shape=5 hidden=3 units=rectified");
    gm_sampler *s = NULL;
    gm_tensor *y = NULL;
    FAILS(GM_EUNSUPPORTED, "a vae draws every row by itself", gm_sampler_new(ctx, vae, "chains=2", &s));
    FAILS(GM_EARG, "burn-in belongs to chains", gm_sampler_new(ctx, vae, "burn-in=2", &s));
    FAILS(GM_EARG, "thin belongs to chains", gm_sampler_new(ctx, m, "thin=2", &s));
    FAILS(GM_EARG, "chains", gm_sampler_new(ctx, m, "chains=-1", &s));
    FAILS(GM_EARG, "thin", gm_sampler_new(ctx, m, "chains=2 thin=0", &s));
    ck_assert_ptr_null(s);
    s = sampler(m, NULL);
    FAILS(GM_ESTATE, "without chains", gm_sampler_trace(s, &y));
    gm_sampler_free(s);
    s = sampler(m, "chains=2");
    FAILS(GM_ESTATE, "without trace", gm_sampler_trace(s, &y));
    gm_sampler_free(s);
    s = sampler(m, "chains=2 trace=on");
    FAILS(GM_ESTATE, "nothing was drawn", gm_sampler_trace(s, &y));
    gm_sampler_free(s);
    s = sampler(rect, "chains=2 trace=on");
    FAILS(GM_EUNSUPPORTED, "no free energy", gm_sampler_draw(s, 2, NULL, &y));
    gm_sampler_free(s);
    s = sampler(rect, "chains=2");
    gm_tensor_free(draw(s, 3));
    gm_sampler_free(s);
    ck_assert_ptr_null(y);
    gm_model_free(m), gm_model_free(vae), gm_model_free(rect);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("chains");
    TCase *c = tcase_create("chains");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, states_against_enumeration);
    tcase_add_test(c, a_belief_network);
    tcase_add_test(c, labels_are_held);
    tcase_add_test(c, cut_and_saved);
    tcase_add_test(c, forged_states);
    tcase_add_test(c, threads_do_not_show);
    tcase_add_test(c, a_failed_draw_moves_nothing);
    tcase_add_test(c, traces);
    tcase_add_test(c, mean_energies);
    tcase_add_test(c, energy_of_a_deep_state);
    tcase_add_test(c, what_is_refused);
    suite_add_tcase(s, c);
    return run_suite(s);
}
