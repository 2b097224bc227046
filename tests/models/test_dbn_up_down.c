/* test_dbn_up_down.c - what greedy training and up-down promise of the bound on log p, all states counted; draws; per-layer options. */
#include "models/dbn_tiny.h"
#include "models/trainer.h"

static gm_model *dbn(const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "dbn", options, &m));
    return m;
}

/* Steps to the end of turn `turn`, or with first: until it has taken its first step. */
static void go(gm_trainer *tr, size_t turn, bool first)
{
    const gm__dbn *d = gm__dbn_of(gm_trainer_model(tr));
    const uint64_t step = first ? (uint64_t)d->first[turn] + 1 : (uint64_t)(turn < d->n ? d->first[turn + 1] : d->end);
    double loss;
    while (gm_trainer_steps(tr) < step) OK(gm_trainer_step(tr, &loss));
}

/* A layer that begins as the one below turned around says the same of the data, also where it has further units that do nothing yet. */
START_TEST(a_layer_added_does_not_lower_the_bound)
{
    static const char *const kind[] = {"layers=4,6 init-std=0.1", "layers=4,6 centered=on persistent=on init-std=0.1", "layers=3,9 init-std=0.01", "layers=4,8,4 centered=on init-std=0.01"};
    const double near = _i < 2 ? 1e-5 : 0.02; /* the further units' first weights are small, not 0 */
    gm_dataset *data = tiny_data(10);
    char options[160];
    snprintf(options, sizeof options, "seed=1 layer-lr=1,%s layer-epochs=400,%s %s", _i == 3 ? "0,0" : "0", _i == 3 ? "1,1" : "1", kind[_i]);
    gm_model *m = dbn(options);
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, data, "epochs=402 batch=20 lr=0.3", &tr));
    const gm__dbn *d = gm__dbn_of(m);
    go(tr, 0, false);
    const double alone = tiny_mean(d, 0, false);
    ck_assert_msg(alone > -3.9, "the first layer has learned nothing: log p %g (uniform: -4.16)", alone);
    for (size_t top = 1; top < d->n; top++) {
        go(tr, top, true); /* its rate is 0 */
        ck_assert_msg(fabs(tiny_mean(d, top, false) - alone) < near, "%zu layers: log p %.7f, of one %.7f", top + 1, tiny_mean(d, top, false), alone);
        if (top == 1) ck_assert_msg(fabs(tiny_mean(d, top, true) - alone) < near, "bound %.7f, log p of one layer %.7f", tiny_mean(d, top, true), alone);
    }
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(data);
}
END_TEST

/* Learning raises it, greedily and then up-down; the weights of the two ways part only then. */
START_TEST(learning_raises_the_bound)
{
    static const char *const kind[] = {"layers=4,6 persistent=on", "layers=4,7 k=5", "layers=4,6 persistent=on centered=on up-down-k=3", "layers=3,3,4 k=3 transposed=off"};
    gm_dataset *data = tiny_data(10);
    char options[200];
    snprintf(options, sizeof options, "seed=1 layer-epochs=1000,500%s up-down=1000 up-down-lr=0.5 init-std=0.1 layer-schedule=cosine inputs=draw %s", _i == 3 ? ",500" : "", kind[_i]);
    gm_model *m = dbn(options);
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, data, "epochs=3000 batch=20 lr=0.06", &tr));
    const gm__dbn *d = gm__dbn_of(m);
    go(tr, 0, false);
    const double alone = tiny_mean(d, 0, false);
    go(tr, d->n - 1, false);
    ck_assert(!memcmp(d->up[0]->data, d->layer[0].w->data, (size_t)d->up[0]->size * sizeof(float)));
    const double greedy = tiny_mean(d, d->n - 1, true);
    go(tr, d->n, false);
    const double tuned = tiny_mean(d, d->n - 1, true);
    ck_assert(memcmp(d->up[0]->data, d->layer[0].w->data, (size_t)d->up[0]->size * sizeof(float)));
    if (_i < 3) ck_assert_msg(greedy > alone, "two layers: bound %.4f, log p of one %.4f", greedy, alone);
    ck_assert_msg(tuned > greedy + 0.1, "bound %.4f after up-down, %.4f before", tuned, greedy);
    ck_assert_msg(tiny_mean(d, d->n - 1, false) >= tuned, "the bound lies above log p");
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(data);
}
END_TEST

/* One step of up-down with many rows is what the rule says on average:
 * d W = E_data E_q [(v - p(v|h)) h'] and d R = E_dream [v (h - q(h|v))'], dreams from the model itself after many Gibbs steps. */
START_TEST(one_step_of_up_down)
{
    enum { TIMES = 3000, H = 3 };
    const bool centered = _i == 1;
    gm_dataset *data = tiny_data(TIMES);
    char fit[80], options[160];
    snprintf(options, sizeof options, "layers=3,4 layer-epochs=0,0 up-down=1 up-down-k=60 up-down-lr=1 init-std=0.8 seed=5 binarize=threshold%s", centered ? " centered=on" : "");
    gm_model *m = dbn(options);
    gm_trainer *tr = NULL;
    double loss, dw[TINY_V][H] = {{0}}, dr[TINY_V][H] = {{0}}, rate = 0.25;
    snprintf(fit, sizeof fit, "epochs=1 batch=%d lr=%g", TIMES * TINY_STATES, rate);
    OK(gm_trainer_new(m, data, fit, &tr));
    const gm__dbn *d = gm__dbn_of(m);
    gm_tensor *w = NULL, *r = NULL;
    for (int64_t k = 0; k < d->up[0]->size; k++) gm__f32(d->up[0])[k] += (float)(unit((uint32_t)k) - 0.5); /* the ways have parted before */
    OK(gm_tensor_copy(ctx, GM_F32, 2, d->layer[0].w->shape, d->layer[0].w->data, &w));
    OK(gm_tensor_copy(ctx, GM_F32, 2, d->up[0]->shape, d->up[0]->data, &r));
    const double log_z = tiny_log_z(d, 1);
    for (int h = 0; h < 1 << H; h++)
        for (int v = 0; v < 1 << TINY_V; v++) {
            double from_data = 0, dream = exp(tiny_log_p(d, 0, v, h) + tiny_log_prob(d, 1, 1, h, log_z));
            for (int k = 0; k < TINY_STATES; k++)
                if (tiny_states[k] == v) from_data += exp(tiny_log_q(d, 0, h, v)) / TINY_STATES;
            for (int i = 0; i < TINY_V; i++)
                for (int j = 0; j < H; j++) {
                    const double mu = centered ? f_at(d->layer[0].mu, i) : 0, lambda = centered ? f_at(d->layer[0].lambda, j) : 0;
                    dw[i][j] += from_data * (bit(v, i) - 1 / (1 + exp(-tiny_down(d, 0, h, i)))) * (bit(h, j) - lambda);
                    dr[i][j] += dream * (bit(v, i) - mu) * (bit(h, j) - 1 / (1 + exp(-tiny_up(d, 0, v, j))));
                }
        }
    OK(gm_trainer_step(tr, &loss));
    const double most = 5 / sqrt(TIMES * TINY_STATES);
    for (int k = 0; k < TINY_V * H; k++) {
        const double got_w = (f_at(d->layer[0].w, k) - f_at(w, k)) / rate, got_r = (f_at(d->up[0], k) - f_at(r, k)) / rate;
        ck_assert_msg(fabs(got_w - dw[k / H][k % H]) < most, "generative weight %d: %g, by enumeration %g", k, got_w, dw[k / H][k % H]);
        ck_assert_msg(fabs(got_r - dr[k / H][k % H]) < most, "recognition weight %d: %g, by enumeration %g", k, got_r, dr[k / H][k % H]);
    }
    gm_tensor_free(w);
    gm_tensor_free(r);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(data);
}
END_TEST

/* States drawn from the means that gm_sample gives are states of the model: chi-square over all 64, false alarm once in a thousand. */
START_TEST(draws_have_the_exact_frequencies)
{
    enum { ROWS = 20000 };
    static const char *const kind[] = {"layers=3,4", "layers=4,3,3 up-down=5", "layers=3,4,3 centered=on"};
    gm_model *m = NULL;
    gm_tensor *y = NULL;
    char options[128];
    int count[1 << TINY_V] = {0};
    uint64_t noise = 88172645463325252u;
    double chi = 0;
    snprintf(options, sizeof options, "shape=6 init-std=0.9 burn-in=40 seed=%d %s", 3 + _i, kind[_i]);
    m = dbn(options);
    const gm__dbn *d = gm__dbn_of(m);
    const double log_z = tiny_log_z(d, d->n - 1);
    OK(gm_sample(m, ROWS, 1, &y));
    for (int k = 0; k < ROWS; k++) {
        int v = 0;
        for (int i = 0; i < TINY_V; i++) {
            noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
            v |= (double)(noise >> 11) * 0x1p-53 < f_at(y, k * TINY_V + i) ? 1 << i : 0;
        }
        count[v]++;
    }
    for (int v = 0; v < 1 << TINY_V; v++) {
        const double want = ROWS * exp(tiny_log_prob(d, d->n - 1, 0, v, log_z));
        chi += (count[v] - want) * (count[v] - want) / want;
    }
    ck_assert_msg(chi < 103.4, "chi-square %g over 63 degrees of freedom", chi);
    ck_assert_msg(chi > 31, "chi-square %g: too good to be drawn", chi);
    gm_tensor_free(y);
    gm_model_free(m);
}
END_TEST

/* A layer learns what an rbm learns from the codes of the layer below. */
START_TEST(a_layer_sees_the_codes_below)
{
    gm_dataset *d = pictures(50, 1), *codes = NULL;
    gm_model *low = dbn("layers=10,8 layer-epochs=6,0 seed=3"), *m = dbn("layers=10,8 layer-epochs=0,4 transposed=off seed=3 shape=1,4,4"), *r = NULL;
    gm_tensor *x = NULL, *h = NULL;
    OK(gm_fit(low, d, "epochs=6 batch=16 seed=4"));
    OK(gm_model_save(low, at("low.safetensors")));
    OK(gm_model_load_weights(m, at("low.safetensors")));
    OK(gm_model_new(ctx, "rbm", "hidden=8 start=zero shape=10", &r));
    OK(gm_dataset_read(d, "x", 0, 50, &x));
    OK(gm_encode_layer(m, x, NULL, 1, &h));
    OK(gm_dataset_from_tensors(ctx, h, NULL, &codes));
    const gm__dbn *n = gm__dbn_of(m);
    OK(gm_tensor_assign(gm__rbm_of(r)->w, n->layer[1].w));
    OK(gm_tensor_assign(gm__rbm_of(r)->b, n->layer[0].c)); /* where the layer below left off */
    OK(gm_fit(m, d, "epochs=4 batch=16 seed=7"));
    OK(gm_fit(r, codes, "epochs=4 batch=16 seed=7"));
    ck_assert_msg(furthest(gm__rbm_of(r)->w, n->layer[1].w) == 0, "weights differ by %g", furthest(gm__rbm_of(r)->w, n->layer[1].w));
    ck_assert(furthest(gm__rbm_of(r)->b, n->layer[1].b) == 0);
    ck_assert(furthest(gm__rbm_of(r)->c, n->layer[1].c) == 0);
    ck_assert(furthest(gm__dbn_of(low)->layer[0].w, n->layer[0].w) == 0);
    ck_assert(furthest(gm__dbn_of(low)->layer[0].c, n->layer[0].c) == 0);
    gm_tensor_free(x);
    gm_tensor_free(h);
    gm_model_free(low);
    gm_model_free(m);
    gm_model_free(r);
    gm_dataset_free(d);
    gm_dataset_free(codes);
}
END_TEST

/* Each turn is announced once, also after a resume, and the host is asked between the layers; each has a curve. */
typedef struct heard { gm_trainer *tr; int calls; uint64_t step[8]; int32_t layer[8]; } heard;
static int hear(const gm_progress *p, void *user)
{
    heard *h = user;
    gm_event e = {.struct_size = sizeof e};
    for (int32_t i = gm_trainer_event_count(h->tr) - p->new_events; i < gm_trainer_event_count(h->tr); i++) {
        ck_assert_int_eq(gm_trainer_event(h->tr, i, &e), GM_OK);
        if (e.kind != GM_EVENT_LAYER || h->calls == 8) continue;
        h->layer[h->calls] = (int32_t)e.value;
        h->step[h->calls++] = p->step;
    }
    return 0;
}

START_TEST(turns_are_announced)
{
    gm_dataset *data = pictures(48, 1);
    gm_model *m = dbn("layers=10,8,6 layer-epochs=2,1,1 up-down=2 seed=3");
    gm_trainer *tr = NULL;
    heard h = {0};
    int curves = 0;
    OK(gm_trainer_new(m, data, "epochs=6 batch=16 stop-after=6", &tr));
    h.tr = tr;
    OK(gm_trainer_set_progress(tr, hear, &h, 1000));
    OK(gm_trainer_run(tr));
    OK(gm_trainer_save(tr, at("c.safetensors")));
    gm_trainer_free(tr);
    OK(gm_trainer_resume(ctx, at("c.safetensors"), data, NULL, NULL, &tr));
    h.tr = tr;
    OK(gm_trainer_set_progress(tr, hear, &h, 1000));
    OK(gm_trainer_run(tr));
    ck_assert_int_eq(h.calls, 4);
    for (int i = 0; i < 4; i++) {
        const uint64_t first[] = {1, 7, 10, 13};
        ck_assert_int_eq(h.layer[i], i + 1);
        ck_assert_uint_eq(h.step[i], first[i]);
    }
    static const char *const name[] = {"layer-1-loss", "layer-2-loss", "layer-3-loss", "wake", "sleep", "top"};
    for (int32_t i = 0; i < gm_trainer_series_count(tr); i++)
        for (size_t k = 0; k < GM__COUNT(name); k++)
            if (!strcmp(gm_trainer_series_name(tr, i), name[k])) {
                curves++;
                ck_assert_int_eq(gm_trainer_series_read(tr, i, NULL, NULL, 0), k < 3 ? (k ? 3 : 6) : 6);
            }
    ck_assert_int_eq(curves, 6);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(data);
}
END_TEST

/* Rates and Gibbs steps of each layer: what one run does with factors another does with the whole. */
START_TEST(options_of_each_layer)
{
    gm_dataset *data = pictures(48, 1);
    static const char *const pair[][3] = {
        {"layers=10,8 layer-lr=0.5,0.5", "layers=10,8", "epochs=4 batch=16 seed=2 lr=%g"},
        {"layers=10,8 layer-persistent=1,1", "layers=10,8 persistent=on", "epochs=4 batch=16 seed=2 lr=0.05"},
        {"layers=10,8 layer-k=3,3", "layers=10,8 k=3", "epochs=4 batch=16 seed=2 lr=0.05"},
        {"layers=10 layer-schedule=cosine", "layers=10", "epochs=4 batch=16 seed=2 lr=0.05%s"}};
    for (int i = 0; i < 4; i++) {
        gm_model *a = dbn(pair[i][0]), *b = dbn(pair[i][1]);
        char fit[2][100];
        for (int k = 0; k < 2; k++) {
            if (i == 0) snprintf(fit[k], sizeof fit[k], pair[i][2], k ? 0.05 : 0.1);
            else if (i == 3) snprintf(fit[k], sizeof fit[k], pair[i][2], k ? " schedule=cosine" : "");
            else snprintf(fit[k], sizeof fit[k], "%s", pair[i][2]);
        }
        OK(gm_fit(a, data, fit[0]));
        OK(gm_fit(b, data, fit[1]));
        for (int32_t k = 0; k < gm_model_tensor_count(a); k++)
            ck_assert_msg(furthest(gm_model_tensor(a, k), gm_model_tensor(b, k)) < 1e-6, "%s: %s differs", pair[i][0], gm_model_tensor_name(a, k));
        gm_model_free(a);
        gm_model_free(b);
    }
    gm_model *m = dbn("layers=10,8 layer-lr=1,0 transposed=off layer-epochs=1,2"); /* a rate of 0 */
    gm_trainer *tr = NULL;
    double loss;
    OK(gm_trainer_new(m, data, "epochs=3 batch=16", &tr));
    go(tr, 1, true);
    const float was = gm__f32(gm__dbn_of(m)->layer[1].w)[5];
    OK(gm_trainer_step(tr, &loss));
    ck_assert(gm__f32(gm__dbn_of(m)->layer[1].w)[5] == was);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(data);
}
END_TEST

/* Whatever the number of threads, and through a file. */
START_TEST(same_bytes)
{
    static const char *const kind[] = {"", "persistent=on centered=on conditional=on", "units=gaussian layer-lr=0.1,1,1", "inputs=draw layer-schedule=cosine"};
    gm_dataset *data = pictures(50, 1);
    gm_model *m[3] = {NULL}, *loaded = NULL;
    gm_tensor *x[2] = {NULL};
    char options[128];
    for (int i = 0; i < 3; i++) {
        OK(gm_ctx_set_threads(ctx, i + 1));
        snprintf(options, sizeof options, "layers=20,12,9 up-down=4 burn-in=20 seed=5 %s", kind[_i]);
        m[i] = dbn(options);
        OK(gm_fit(m[i], data, "epochs=10 batch=16"));
        ck_assert(same_weights(m[i], m[0]));
    }
    ck_assert(memcmp(gm__dbn_of(m[0])->up[0]->data, gm__dbn_of(m[0])->layer[0].w->data, 64) != 0);
    OK(gm_model_save(m[0], at("m.safetensors")));
    OK(gm_model_load(ctx, at("m.safetensors"), &loaded));
    ck_assert(same_weights(loaded, m[0]));
    OK(gm_sample(m[0], 9, 2, &x[0]));
    OK(gm_sample(loaded, 9, 2, &x[1]));
    ck_assert(furthest(x[0], x[1]) == 0);
    for (int i = 0; i < 2; i++) gm_tensor_free(x[i]);
    for (int i = 0; i < 3; i++) gm_model_free(m[i]);
    gm_model_free(loaded);
    gm_dataset_free(data);
}
END_TEST

START_TEST(wrong_options)
{
    static const char *const bad[][2] = {
        {"layers=10,5 layer-k=1", "layer-k has 1 numbers for 2 layers"}, {"layers=10,5 layer-persistent=1", "layer-persistent has 1 numbers for 2 layers"},
        {"layers=10,5 layer-persistent=0,2", "layer-persistent: a number must lie in [0, 1], found 2"}, {"layers=10,5 layer-k=0,1", "layer-k: a number must lie in [1, 2000], found 0"},
        {"layers=10,5 layer-lr=1", "layer-lr has 1 numbers"}, {"layers=10,5 layer-lr=-1,1", "layer-lr: a number must lie in [0, 1e6], found -1"},
        {"layers=10,5 layer-lr=1,x", "expected numbers separated by commas"}, {"layers=10 up-down=3", "one layer is an rbm"},
        {"layers=10,5 inputs=both", "inputs"}, {"layers=1,2,3,4,5,6,7,8,9", "more than 8"}};
    gm_dataset *data = pictures(40, 1);
    gm_model *m = NULL;
    for (size_t i = 0; i < GM__COUNT(bad); i++) FAILS(GM_EARG, bad[i][1], gm_model_new(ctx, "dbn", bad[i][0], &m));
    m = dbn("layers=10,5 up-down=10");
    FAILS(GM_EARG, "leaves the layers none", gm_fit(m, data, "epochs=10 batch=20"));
    gm_model_free(m);
    m = dbn("layers=10,5 layer-epochs=3,4 up-down=2");
    FAILS(GM_EARG, "make 9 epochs, the run has 7", gm_fit(m, data, "epochs=7 batch=20"));
    OK(gm_fit(m, data, "epochs=8 batch=20"));
    FAILS(GM_EARG, "keep-best", gm_fit(m, data, "epochs=9 batch=20 keep-best=on"));
    FAILS(GM_EARG, "patience", gm_fit(m, data, "epochs=9 batch=20 patience=3"));
    gm_model_free(m);
    gm_dataset_free(data);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dbn_up_down");
    TCase *c = tcase_create("dbn_up_down");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, a_layer_added_does_not_lower_the_bound, 0, 4);
    tcase_add_loop_test(c, learning_raises_the_bound, 0, 4);
    tcase_add_loop_test(c, one_step_of_up_down, 0, 2);
    tcase_add_loop_test(c, draws_have_the_exact_frequencies, 0, 3);
    tcase_add_test(c, a_layer_sees_the_codes_below);
    tcase_add_test(c, turns_are_announced);
    tcase_add_test(c, options_of_each_layer);
    tcase_add_loop_test(c, same_bytes, 0, 4);
    tcase_add_test(c, wrong_options);
    suite_add_tcase(s, c);
    return run_suite(s);
}
