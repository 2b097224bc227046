/* test_dbn.c - deep belief networks: one layer is an RBM, layers learn in turn, the bound and the labels against enumeration. */
#include "models/dbn/dbn.h"
#include "models/models_test.h"

/* One layer: weights and samples of the RBM, bit for bit. */
START_TEST(one_layer_is_an_rbm)
{
    static const char *const kind[] = {"", "persistent=on centered=on", "units=gaussian", "conditional=on k=2"};
    gm_dataset *d = pictures(50, 1);
    gm_model *a = NULL, *b = NULL;
    gm_tensor *x = NULL, *y = NULL;
    char options[128];
    snprintf(options, sizeof options, "hidden=12 burn-in=20 seed=3 %s", kind[_i]);
    OK(gm_model_new(ctx, "rbm", options, &a));
    snprintf(options, sizeof options, "layers=12 burn-in=20 seed=3 %s", kind[_i]);
    OK(gm_model_new(ctx, "dbn", options, &b));
    OK(gm_fit(a, d, "epochs=4 batch=16 seed=7"));
    OK(gm_fit(b, d, "epochs=4 batch=16 seed=7"));
    ck_assert(same_weights(a, b));
    OK(gm_sample(a, 9, 2, &x));
    OK(gm_sample(b, 9, 2, &y));
    ck_assert(furthest(x, y) == 0);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_model_free(a);
    gm_model_free(b);
    gm_dataset_free(d);
}
END_TEST

static gm_tensor *named(gm_model *m, const char *name)
{
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++)
        if (!strcmp(gm_model_tensor_name(m, i), name)) return gm_model_tensor(m, i);
    ck_abort_msg("no tensor %s", name);
    return NULL;
}

/* While an upper layer learns the lower keep their bits; each starts when its epochs come. */
START_TEST(layers_in_turn)
{
    gm_dataset *d = pictures(48, 1);
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_tensor *low = NULL;
    OK(gm_model_new(ctx, "dbn", "layers=10,16,5 layer-epochs=2,1,2 seed=3", &m));
    OK(gm_trainer_new(m, d, "epochs=5 batch=16 seed=7", &tr));
    double first = 0;
    for (int step = 0; step < 15; step++) {
        float was[3];
        const char *const name[] = {"0.weight", "1.weight", "2.weight"};
        for (int i = 0; i < 3; i++) was[i] = gm__f32(named(m, name[i]))[1];
        double loss;
        OK(gm_trainer_step(tr, &loss));
        const int layer = step < 6 ? 0 : step < 9 ? 1 : 2;
        for (int i = 0; i < 3; i++)
            ck_assert_msg((gm__f32(named(m, name[i]))[1] != was[i]) == (i == layer), "step %d, layer %d", step, i);
        if (step == 5) OK(gm_tensor_copy(ctx, GM_F32, 2, named(m, name[0])->shape, named(m, name[0])->data, &low));
        if (step == 6) /* the second began as the first turned around */
            for (int k = 0; k < 10; k++) first = fmax(first, fabs((double)gm__f32(named(m, "1.weight"))[k * 16 + 3] - (double)gm__f32(low)[3 * 10 + k]));
    }
    ck_assert_msg(first < 0.05, "the second layer is %g away from the first turned around", first);
    ck_assert(!memcmp(named(m, "0.weight")->data, low->data, 160 * sizeof(float)));
    gm_tensor_free(low);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* The codes of each layer are the means of the one above the codes below; the topmost's are gm_encode's. */
START_TEST(codes_of_every_layer)
{
    gm_dataset *d = pictures(40, 1);
    gm_model *m = NULL;
    gm_tensor *x = NULL, *y[3] = {NULL}, *top = NULL;
    OK(gm_model_new(ctx, "dbn", "layers=9,7,5 seed=3", &m));
    ck_assert_int_eq(gm_model_layers(m), 0);
    OK(gm_fit(m, d, "epochs=6 batch=10"));
    ck_assert_int_eq(gm_model_layers(m), 3);
    OK(gm_dataset_read(d, "x", 0, 40, &x));
    for (int i = 0; i < 3; i++) {
        const gm__rbm *r = &gm__dbn_of(m)->layer[i];
        const float *below = i ? gm__f32(y[i - 1]) : gm__f32(x);
        OK(gm_encode_layer(m, x, NULL, i + 1, &y[i]));
        ck_assert_int_eq(gm_tensor_dim(y[i], 1), r->nh);
        for (int64_t k = 0; k < 40; k++)
            for (int64_t j = 0; j < r->nh; j++) {
                double in = (double)gm__f32(r->c)[j];
                for (int64_t v = 0; v < r->nv; v++) in += (double)below[k * r->nv + v] * (double)gm__f32(r->w)[v * r->nh + j];
                ck_assert_msg(fabs(1 / (1 + exp(-in)) - (double)gm__f32(y[i])[k * r->nh + j]) < 1e-6, "layer %d, row %d, unit %d", i + 1, (int)k, (int)j);
            }
    }
    OK(gm_encode(m, x, &top));
    ck_assert(furthest(top, y[2]) == 0);
    gm_tensor_free(top);
    FAILS(GM_EARG, "layer 4", gm_encode_layer(m, x, NULL, 4, &top));
    FAILS(GM_EARG, "layer 0", gm_encode_layer(m, x, NULL, 0, &top));
    for (int i = 0; i < 3; i++) gm_tensor_free(y[i]);
    gm_model_free(m);
    OK(gm_model_new(ctx, "ae", "shape=1,4,4 latent=3", &m)); /* one layer of codes */
    ck_assert_int_eq(gm_model_layers(m), 1);
    OK(gm_encode_layer(m, x, NULL, 1, &top));
    gm_tensor_free(top);
    FAILS(GM_EARG, "layer 2", gm_encode_layer(m, x, NULL, 2, &top));
    gm_tensor_free(x);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

START_TEST(goes_on_with_the_same_bytes)
{
    static const char *const kind[] = {"", "persistent=on centered=on", "conditional=on layer-epochs=3,6", "up-down=6 layer-k=2,1 layer-lr=1,0.5 layer-persistent=0,1", "up-down=6 persistent=on centered=on conditional=on layer-schedule=cosine",
                                       "units=gaussian up-down=7 inputs=draw"};
    gm_dataset *d = pictures(50, 1);
    gm_trainer *tr = NULL;
    gm_model *m[2] = {NULL, NULL};
    char options[128];
    for (int cut = 11; cut < 40; cut += 13) { /* within a layer, at its end, within the next */
        snprintf(options, sizeof options, "layers=10,8 seed=2 %s", kind[_i]);
        for (int i = 0; i < 2; i++) OK(gm_model_new(ctx, "dbn", options, &m[i]));
        OK(gm_fit(m[0], d, "epochs=12 batch=16 lr=0.05 momentum=0.5 seed=4"));
        snprintf(options, sizeof options, "epochs=12 batch=16 lr=0.05 momentum=0.5 seed=4 stop-after=%d", cut);
        OK(gm_trainer_new(m[1], d, options, &tr));
        OK(gm_trainer_run(tr));
        OK(gm_trainer_save(tr, at("c.safetensors")));
        gm_trainer_free(tr);
        OK(gm_trainer_resume(ctx, at("c.safetensors"), d, NULL, NULL, &tr));
        OK(gm_trainer_run(tr));
        ck_assert(same_weights(m[0], gm_trainer_model(tr)));
        gm_trainer_free(tr);
        for (int i = 0; i < 2; i++) gm_model_free(m[i]);
    }
    gm_dataset_free(d);
}
END_TEST

/* A tiny net, all states counted: the mean of the bound over q is no more than log p(v), and the ancestral draws have p's moments. */
enum { NV = 3, N1 = 2, N2 = 2 };
static double bit(int state, int i) { return state >> i & 1; }
static double at2(const gm_tensor *w, int i, int j) { return (double)gm__f32(w)[i * w->shape[1] + j]; }

static void tiny(gm_model *m, double p[1 << NV])
{
    const gm__dbn *d = gm__dbn_of(m);
    const gm__rbm *low = &d->layer[0], *top = &d->layer[1];
    double z = 0, ph[1 << N1] = {0};
    for (int h = 0; h < 1 << N1; h++) {
        for (int g = 0; g < 1 << N2; g++) {
            double e = 0;
            for (int i = 0; i < N1; i++) {
                e += bit(h, i) * (double)gm__f32(top->b)[i];
                for (int j = 0; j < N2; j++) e += bit(h, i) * at2(top->w, i, j) * bit(g, j);
            }
            for (int j = 0; j < N2; j++) e += bit(g, j) * (double)gm__f32(top->c)[j];
            ph[h] += exp(e);
        }
        z += ph[h];
    }
    for (int v = 0; v < 1 << NV; v++) {
        p[v] = 0;
        for (int h = 0; h < 1 << N1; h++) {
            double given = 1;
            for (int i = 0; i < NV; i++) {
                double in = (double)gm__f32(low->b)[i];
                for (int j = 0; j < N1; j++) in += at2(low->w, i, j) * bit(h, j);
                double on = 1 / (1 + exp(-in));
                given *= bit(v, i) ? on : 1 - on;
            }
            p[v] += given * ph[h] / z;
        }
    }
}

START_TEST(bound_and_draws)
{
    enum { ROWS = 20000 };
    gm_model *m = NULL;
    double p[1 << NV], entropy = 0, mean[NV] = {0}, found[NV] = {0};
    gm_tensor *x = NULL, *y = NULL;
    gm_dataset *d = NULL;
    gm_measure e;
    int32_t n;
    OK(gm_model_new(ctx, "dbn", "shape=3 layers=2,2 init-std=1.2 burn-in=30 seed=4", &m));
    tiny(m, p);
    OK(gm_sample(m, ROWS, 1, &y)); /* means of p(v|h1): their average is the mean of v */
    for (int v = 0; v < 1 << NV; v++)
        for (int i = 0; i < NV; i++) mean[i] += p[v] * bit(v, i);
    for (int k = 0; k < ROWS; k++)
        for (int i = 0; i < NV; i++) found[i] += (double)gm__f32(y)[k * NV + i] / ROWS;
    for (int i = 0; i < NV; i++) ck_assert_msg(fabs(found[i] - mean[i]) < 4 * 0.5 / sqrt(ROWS), "unit %d: mean %g, by enumeration %g", i, found[i], mean[i]);
    /* rows as often as p says: the bound's mean against -entropy */
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ROWS, NV}, &x));
    int64_t row = 0;
    for (int v = 0; v < 1 << NV; v++) {
        int64_t times = (int64_t)(p[v] * ROWS + 0.5);
        for (int64_t k = 0; k < times && row < ROWS; k++, row++)
            for (int i = 0; i < NV; i++) gm__f32(x)[row * NV + i] = (float)bit(v, i);
        entropy -= p[v] * log(p[v]);
    }
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    OK(gm_eval(m, d, "metric=ais k=2000", &e, 1, &n));
    ck_assert_msg(e.value <= -entropy + 0.03 && e.value > -entropy - 1, "bound %g, log p %g", e.value, -entropy);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* Unrolled, the features are the machine's codes; training goes on from there. */
START_TEST(unrolls)
{
    static const char *const kind[] = {"dbn layers=12,9", "dbn layers=12,9 centered=on persistent=on conditional=on", "rbm hidden=12 centered=on"};
    gm_dataset *d = pictures(60, 1);
    gm_model *m = NULL, *net = NULL, *none = NULL;
    gm_tensor *x = NULL, *a = NULL, *b = NULL;
    char options[128];
    snprintf(options, sizeof options, "seed=3 %s", kind[_i] + 4);
    OK(gm_model_new(ctx, _i == 2 ? "rbm" : "dbn", options, &m));
    OK(gm_fit(m, d, "epochs=6 batch=20"));
    OK(gm_dbn_unroll(m, "seed=4", &net));
    ck_assert_str_eq(gm_model_family(net), "mlp");
    OK(gm_dataset_read(d, "x", 0, 20, &x));
    OK(gm_encode(m, x, &a));
    OK(gm_encode(net, x, &b));
    if (!strstr(kind[_i], "conditional")) ck_assert_msg(furthest(a, b) < 2e-6, "features differ by %g", furthest(a, b)); /* there a label takes part */
    OK(gm_fit(net, d, "epochs=300 batch=20 lr=1e-2"));
    gm_measure e;
    int32_t n;
    OK(gm_eval(net, d, "metric=accuracy", &e, 1, &n));
    ck_assert_msg(e.value > 0.95, "accuracy %g", e.value);
    gm_model_free(m);
    OK(gm_model_new(ctx, "vae", "shape=4", &m));
    FAILS(GM_EARG, "rbm or a dbn", gm_dbn_unroll(m, NULL, &none));
    gm_model_free(m);
    OK(gm_model_new(ctx, "rbm", "shape=4 hidden=3", &m));
    FAILS(GM_EARG, "classes", gm_dbn_unroll(m, NULL, &none));
    FAILS(GM_EARG, "hidden", gm_dbn_unroll(m, "classes=2 hidden=7", &none));
    gm_model_free(m);
    gm_model_free(net);
    gm_tensor_free(x);
    gm_tensor_free(a);
    gm_tensor_free(b);
    gm_dataset_free(d);
}
END_TEST

/* Unfolded, it rebuilds rows as the machines do; with a smaller code above them training makes it better than at the start. */
START_TEST(becomes_an_autoencoder)
{
    static const char *const kind[] = {"dbn layers=12,9", "dbn layers=12,9,6 centered=on conditional=on", "dbn layers=12,9 units=gaussian", "dbn layers=12,9 up-down=3", "rbm hidden=12 centered=on"};
    gm_dataset *d = pictures(60, 1);
    gm_model *m = NULL, *net = NULL;
    gm_tensor *x = NULL, *a = NULL, *b = NULL;
    gm_measure e[2];
    char options[128];
    int32_t n;
    snprintf(options, sizeof options, "seed=3 %s", kind[_i] + 4);
    OK(gm_model_new(ctx, _i == 4 ? "rbm" : "dbn", options, &m));
    OK(gm_fit(m, d, "epochs=90 batch=20 lr=0.05"));
    OK(gm_dbn_autoencoder(m, NULL, &net));
    ck_assert_str_eq(gm_model_family(net), "ae");
    OK(gm_dataset_read(d, "x", 0, 20, &x));
    OK(gm_reconstruct(m, x, &a));
    OK(gm_reconstruct(net, x, &b));
    ck_assert_msg(furthest(a, b) < 5e-6, "rows differ by %g", furthest(a, b));
    gm_model_free(net);
    OK(gm_dbn_autoencoder(m, "latent=2 seed=1", &net));
    gm_tensor_free(b);
    OK(gm_encode(net, x, &b));
    ck_assert_int_eq(gm_tensor_dim(b, 1), 2);
    OK(gm_eval(net, d, "metric=squared_error", &e[0], 1, &n));
    OK(gm_fit(net, d, "epochs=250 batch=20 lr=1e-2"));
    OK(gm_eval(net, d, "metric=squared_error", &e[1], 1, &n));
    ck_assert_msg(e[1].value < 0.9 * e[0].value, "squared error %g, before training %g", e[1].value, e[0].value);
    gm_model_free(net);
    FAILS(GM_EARG, "encoder", gm_dbn_autoencoder(m, "encoder='linear 3'", &net));
    FAILS(GM_EARG, "rbm or a dbn", (gm_model_free(m), m = NULL, gm_model_new(ctx, "vae", "shape=4", &m), gm_dbn_autoencoder(m, NULL, &net)));
    gm_model_free(m);
    OK(gm_model_new(ctx, "rbm", "shape=6 units=softmax group=3", &m));
    FAILS(GM_EUNSUPPORTED, "bernoulli or gaussian", gm_dbn_autoencoder(m, NULL, &net));
    FAILS(GM_EUNSUPPORTED, "bernoulli or gaussian", gm_dbn_unroll(m, "classes=2", &net));
    gm_model_free(m);
    gm_tensor_free(x);
    gm_tensor_free(a);
    gm_tensor_free(b);
    gm_dataset_free(d);
}
END_TEST

START_TEST(wrong_input)
{
    gm_model *m = NULL;
    gm_dataset *d = pictures(20, 1), *bare = NULL;
    gm_tensor *x = NULL;
    gm_measure e;
    int32_t n;
    FAILS(GM_EARG, "layers", gm_model_new(ctx, "dbn", "layers=", &m));
    FAILS(GM_EARG, "layers", gm_model_new(ctx, "dbn", "layers=10,0", &m));
    FAILS(GM_EARG, "layer-epochs", gm_model_new(ctx, "dbn", "layers=10,5 layer-epochs=1", &m));
    FAILS(GM_EARG, "centered", gm_model_new(ctx, "dbn", "layers=10 units=gaussian centered=on", &m));
    OK(gm_dataset_read(d, "x", 0, 20, &x));
    OK(gm_dataset_from_tensors(ctx, x, NULL, &bare));
    OK(gm_model_new(ctx, "dbn", "layers=6,4 conditional=on", &m));
    FAILS(GM_ENOTFOUND, "labels", gm_fit(m, bare, "steps=1"));
    gm_model_free(m);
    OK(gm_model_new(ctx, "dbn", "layers=6,4", &m));
    OK(gm_fit(m, d, "steps=2 batch=10"));
    FAILS(GM_EUNSUPPORTED, "conditional", gm_eval(m, d, "metric=accuracy", &e, 1, &n));
    gm_model_free(m);
    gm_tensor_free(x);
    gm_dataset_free(bare);
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dbn");
    TCase *c = tcase_create("dbn");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, one_layer_is_an_rbm, 0, 4);
    tcase_add_test(c, layers_in_turn);
    tcase_add_test(c, codes_of_every_layer);
    tcase_add_loop_test(c, goes_on_with_the_same_bytes, 0, 6);
    tcase_add_test(c, bound_and_draws);
    tcase_add_loop_test(c, unrolls, 0, 3);
    tcase_add_loop_test(c, becomes_an_autoencoder, 0, 5);
    tcase_add_test(c, wrong_input);
    suite_add_tcase(s, c);
    return run_suite(s);
}
