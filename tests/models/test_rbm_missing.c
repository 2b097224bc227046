/* test_rbm_missing.c - rows that lack entries, ratings, and what an RBM with labels learns of p(label | x). */
#include "models/models_test.h"
#include "models/rbm/rbm.h"

static gm_model *make(const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "rbm", options, &m));
    return m;
}

static void randomise(gm_model *m)
{
    const gm__rbm *r = gm__rbm_of(m);
    for (int64_t i = 0; i < r->nv; i++) gm__f32(r->b)[i] = (float)(unit((uint32_t)i + 90) - 0.5);
    for (int64_t j = 0; j < r->nh; j++) gm__f32(r->c)[j] = (float)(unit((uint32_t)j + 190) - 0.5);
}

static gm_tensor *rows_of(int64_t n, int64_t width, const float *x)
{
    gm_tensor *t = NULL;
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){n, width}, x, &t));
    return t;
}

/* What a row without some entries is given is what a machine without their units gives. */
START_TEST(missing_units_take_no_part)
{
    static const char *const kinds[] = {"missing=on shape=4 hidden=3 init-std=1 seed=1", "units=softmax group=2 missing=on shape=4 hidden=3 init-std=1 seed=1",
                                        "units=rectified missing=on shape=4 hidden=3 init-std=1 seed=1", "units=softmax levels=0,1 missing=on shape=2 hidden=3 init-std=1 seed=1"};
    static const float rows[4][4] = {{1, NAN, 0, NAN}, {0, 1, NAN, NAN}, {2.5f, NAN, 0, NAN}, {1, NAN}};
    static const int there[4][4] = {{0, 2, -1}, {0, 1, -1}, {0, 2, -1}, {0, 1, -1}};
    static const float on[4][2] = {{1, 0}, {0, 1}, {2.5f, 0}, {0, 1}};
    gm_model *m = make(kinds[_i]);
    const gm__rbm *r = gm__rbm_of(m);
    randomise(m);
    gm_tensor *x = rows_of(1, _i == 3 ? 2 : 4, rows[_i]), *h = NULL, *f = NULL, *none = NULL;
    double energy = 0;
    OK(gm_encode(m, x, &h));
    for (int j = 0; j < 3; j++) {
        double in = (double)gm__f32(r->c)[j];
        for (int k = 0; there[_i][k] >= 0; k++) in += (double)on[_i][k] * (double)gm__f32(r->w)[there[_i][k] * 3 + j];
        ck_assert_double_eq_tol((double)gm__f32(h)[j], 1 / (1 + exp(-in)), 1e-6);
        energy -= log1p(exp(in));
    }
    for (int k = 0; there[_i][k] >= 0; k++) energy -= (double)on[_i][k] * (double)gm__f32(r->b)[there[_i][k]];
    if (_i != 2) {
        OK(gm_score(m, x, &f));
        ck_assert_double_eq_tol((double)gm__f32(f)[0], energy, 1e-5);
    }
    FAILS(GM_EUNSUPPORTED, "log_prob", gm_log_prob(m, x, NULL, &none, NULL));
    gm_tensor_free(h);
    gm_tensor_free(x);
    gm_tensor_free(f);
    gm_model_free(m);
}
END_TEST

/* The gradient of a row is 0 for units that it lacks, and chains leave them at 0. */
START_TEST(missing_units_learn_nothing)
{
    static const float row[6] = {1, 0, 0, NAN, NAN, NAN};
    gm_model *m = make("units=softmax group=3 missing=on shape=6 hidden=4 k=3 init-std=1 seed=1");
    gm__rbm *r = gm__rbm_of(m);
    gm_tape *t = NULL;
    gm_tensor *x = rows_of(1, 6, row), *loss = NULL, *g[2], *xs[2] = {r->w, r->b};
    for (int i = 0; i < 2; i++) gm_tensor_set_grad(xs[i], 1);
    OK(gm_tape_new(ctx, 3, &t));
    const gm__batch b = {.t = t, .x = x, .training = true};
    OK(gm__family_rbm.loss(m, &b, &loss));
    OK(gm_tape_grad(t, loss, xs, 2, 0, g));
    for (int i = 0; i < 6; i++) {
        double size = 0;
        for (int j = 0; j < 4; j++) size += fabs((double)gm__f32(g[0])[i * 4 + j]);
        if (i >= 3) ck_assert(size == 0 && gm__f32(g[1])[i] == 0);
    }
    gm_tensor *v = gm__rbm_rows(r, t, x, true), *absent = gm__rbm_absent(r, t, x), *gap = gm__rbm_gap(r, t, v, gm_expand(t, r->b, 2, (int64_t[]){1, 6}), absent);
    ck_assert_ptr_nonnull(gap);
    ck_assert_double_eq_tol((double)gm__f32(gap)[0], log(3), 1e-6); /* one group, three equal units */
    gm_tape_free(t);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* Rows of levels and the one-hot rows that they stand for train the same machine. */
START_TEST(levels_are_groups)
{
    enum { N = 30, ENTRIES = 4, K = 3 };
    static const float level[K] = {0.5f, 2, 7};
    float a[N * ENTRIES], b[N * ENTRIES * K];
    for (uint32_t i = 0; i < N * ENTRIES; i++) {
        const int k = (int)(unit(i) * 4); /* 3: missing */
        a[i] = k < K ? level[k] : NAN;
        for (int j = 0; j < K; j++) b[i * K + (uint32_t)j] = k < K ? (float)(j == k) : NAN;
    }
    gm_model *m[2] = {make("units=softmax levels=0.5,2,7 missing=on hidden=5 seed=2"), make("units=softmax group=3 missing=on hidden=5 seed=2")};
    for (int i = 0; i < 2; i++) {
        gm_tensor *x = i ? rows_of(N, ENTRIES * K, b) : rows_of(N, ENTRIES, a);
        gm_dataset *d = NULL;
        OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
        OK(gm_fit(m[i], d, "steps=40 batch=10 lr=0.3 seed=1"));
        gm_dataset_free(d);
        gm_tensor_free(x);
    }
    ck_assert(same_weights(m[0], m[1]));
    gm_tensor *x = rows_of(N, ENTRIES, a), *y = rows_of(N, ENTRIES * K, b), *p = NULL, *q = NULL;
    OK(gm_predict(m[0], x, &p));
    OK(gm_predict(m[1], y, &q));
    ck_assert_int_eq(p->size, N * ENTRIES);
    for (int i = 0; i < N * ENTRIES; i++) {
        double mean = 0, sum = 0;
        for (int k = 0; k < K; k++) mean += (double)level[k] * (double)gm__f32(q)[i * K + k], sum += (double)gm__f32(q)[i * K + k];
        ck_assert_double_eq_tol(sum, 1, 1e-5);
        ck_assert_double_eq_tol((double)gm__f32(p)[i], mean, 1e-5);
    }
    gm_tensor_free(p);
    gm_tensor_free(q);
    OK(gm_sample(m[0], 5, 1, &p));
    for (int i = 0; i < 5 * ENTRIES; i++) ck_assert(gm__f32(p)[i] >= 0.5f && gm__f32(p)[i] <= 7);
    gm_tensor_free(p);
    FAILS(GM_EUNSUPPORTED, "levels", gm_rbm_gibbs(m[0], x, NULL, NULL, &q));
    gm_tensor_free(x);
    gm_tensor_free(y);
    for (int i = 0; i < 2; i++) gm_model_free(m[i]);
}
END_TEST

/* ---- ratings ---------------------------------------------------------------------------- */

/* Root of the mean squared error of mean + user + item on what is held out; each shrunk as if seen 5 times more at 0. */
static double bias_model(gm_dataset *d)
{
    gm_tensor *x = NULL, *y = NULL;
    const int64_t users = (int64_t)gm_dataset_rows(d);
    OK(gm_dataset_read(d, "x", 0, (uint64_t)users, &x));
    OK(gm_dataset_read(d, "y", 0, (uint64_t)users, &y));
    const int64_t items = x->shape[1];
    double *user = calloc((size_t)users, sizeof *user), *item = calloc((size_t)items, sizeof *item), mean = 0, n = 0, error = 0, held = 0;
    for (int64_t i = 0; i < x->size; i++)
        if (!isnan(gm__f32(x)[i])) mean += (double)gm__f32(x)[i], n++;
    mean /= n;
    for (int round = 0; round < 40; round++)
        for (int of_item = 0; of_item < 2; of_item++) {
            const int64_t size = of_item ? items : users;
            double *sum = calloc((size_t)size, sizeof *sum), *seen = calloc((size_t)size, sizeof *seen);
            for (int64_t i = 0; i < x->size; i++) {
                const int64_t at_ = of_item ? i % items : i / items;
                if (isnan(gm__f32(x)[i])) continue;
                sum[at_] += (double)gm__f32(x)[i] - mean - (of_item ? user[i / items] : item[i % items]), seen[at_]++;
            }
            for (int64_t k = 0; k < size; k++) (of_item ? item : user)[k] = sum[k] / (seen[k] + 5);
            free(sum);
            free(seen);
        }
    for (int64_t i = 0; i < x->size; i++)
        if (!isnan(gm__f32(y)[i])) error += pow(fmin(5, fmax(1, mean + user[i / items] + item[i % items])) - (double)gm__f32(y)[i], 2), held++;
    free(user);
    free(item);
    gm_tensor_free(x);
    gm_tensor_free(y);
    return sqrt(error / held);
}

START_TEST(ratings_below_the_bias_model)
{
    gm_dataset *d = NULL;
    gm_measure e;
    gm_tensor *x = NULL, *y = NULL, *p = NULL;
    int32_t n;
    gm_model *m = make("units=softmax levels=1,2,3,4,5 missing=on hidden=20 seed=1");
    OK(gm_dataset_open(ctx, "synth:ratings,n=1500,items=60,hold=0.1", &d));
    OK(gm_fit(m, d, "epochs=60 batch=50 lr=0.5 weight-decay=0.0003 seed=1"));
    OK(gm_eval(m, d, "metric=rmse", &e, 1, &n));
    const double bias = bias_model(d);
    ck_assert_msg(e.value < bias, "rmse %g, %g by the biases of users and items", e.value, bias);
    /* the metric is what predict says of what y holds */
    double sum = 0, held = 0;
    OK(gm_dataset_read(d, "x", 0, 1500, &x));
    OK(gm_dataset_read(d, "y", 0, 1500, &y));
    OK(gm_predict(m, x, &p));
    for (int64_t i = 0; i < y->size; i++) {
        ck_assert(gm__f32(p)[i] >= 1 && gm__f32(p)[i] <= 5);
        if (!isnan(gm__f32(y)[i])) sum += pow((double)gm__f32(p)[i] - (double)gm__f32(y)[i], 2), held++;
    }
    ck_assert_double_eq_tol(e.value, sqrt(sum / held), 1e-5);
    ck_assert(e.error > 0 && e.error < 0.05);
    gm_dataset_free(d);
    OK(gm_dataset_open(ctx, "synth:ratings,n=100,items=60", &d));
    FAILS(GM_ENOTFOUND, "targets", gm_eval(m, d, "metric=rmse", &e, 1, &n));
    gm_dataset_free(d);
    /* y without a number */
    gm_tensor *none = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){1500, 60}, &none) ? NULL : none;
    for (int64_t i = 0; i < none->size; i++) gm__f32(none)[i] = NAN;
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    OK(gm_dataset_add(d, "y", none));
    FAILS(GM_EARG, "nothing to measure", gm_eval(m, d, "metric=rmse", &e, 1, &n));
    gm_dataset_free(d);
    gm_tensor_free(none);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_tensor_free(p);
    gm_model_free(m);
}
END_TEST

START_TEST(same_bytes)
{
    static const char *const kinds[] = {"units=softmax levels=1,2,3,4,5 missing=on k=2", "missing=on scale=none", "units=rectified missing=on"};
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    gm_model *m[2];
    char options[128];
    const char *whole = at("whole.safetensors"), *parts = at("parts.safetensors"), *ckpt = at("c.safetensors");
    gm_trainer *tr = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){50, 9}, &x));
    for (uint32_t i = 0; i < 450; i++) gm__f32(x)[i] = unit(i) < 0.4 ? NAN : _i == 0 ? (float)(1 + floor(unit(i + 999) * 5)) : (float)unit(i + 999);
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    snprintf(options, sizeof options, "hidden=6 seed=1 %s", kinds[_i]);
    for (int i = 0; i < 2; i++) m[i] = make(options);
    OK(gm_ctx_set_threads(ctx, 1));
    OK(gm_fit(m[0], d, "steps=30 batch=20 lr=0.1 seed=4"));
    OK(gm_model_save(m[0], whole));
    OK(gm_ctx_set_threads(ctx, 3));
    OK(gm_trainer_new(m[1], d, "steps=30 batch=20 lr=0.1 seed=4 stop-after=11", &tr));
    OK(gm_trainer_run(tr));
    OK(gm_trainer_save(tr, ckpt));
    gm_trainer_free(tr);
    OK(gm_trainer_resume(ctx, ckpt, d, NULL, NULL, &tr));
    OK(gm_trainer_run(tr));
    OK(gm_model_save(gm_trainer_model(tr), parts));
    gm_trainer_free(tr);
    ck_assert(same_files(whole, parts));
    gm_dataset_free(d);
    gm_tensor_free(x);
    for (int i = 0; i < 2; i++) gm_model_free(m[i]);
}
END_TEST

/* ---- p(label | x) ------------------------------------------------------------------------ */

/* The gradient of the discriminative objective against finite differences of log p(label | x) from the energies. */
START_TEST(discriminative_gradient)
{
    enum { V = 4, H = 3, K = 3 };
    static const float row[V] = {1, 0, 1, 1};
    static const int64_t label = 1;
    gm_model *m = make("shape=4 classes=3 conditional=on objective=discriminative hidden=3 init-std=1 seed=4");
    gm__rbm *r = gm__rbm_of(m);
    randomise(m);
    gm_tensor *x = rows_of(1, V, row), *y = NULL, *loss = NULL, *g[3], *xs[3] = {r->w, r->b, r->c}, *p = NULL;
    gm_tape *t = NULL;
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){1}, &label, &y));
    for (int i = 0; i < 3; i++) gm_tensor_set_grad(xs[i], 1);
    OK(gm_tape_new(ctx, 3, &t));
    const gm__batch b = {.t = t, .x = x, .label = y, .training = true};
    OK(gm__family_rbm.loss(m, &b, &loss));
    OK(gm_tape_grad(t, loss, xs, 3, 0, g));
    OK(gm_predict(m, x, &p));
    ck_assert_double_eq_tol((double)gm__f32(loss)[0], -log((double)gm__f32(p)[label]), 1e-5);
    for (int i = 0; i < 3; i++)
        for (int64_t k = 0; k < xs[i]->size; k++) {
            double at_[2];
            float *w = gm__f32(xs[i]) + k, was = *w;
            for (int s = 0; s < 2; s++) {
                double sum = 0, mine = 0;
                *w = was + (s ? 0.01f : -0.01f);
                for (int c = 0; c < K; c++)
                    for (int h = 0; h < 1 << H; h++) {
                        double e = (double)gm__f32(r->b)[V + c];
                        for (int j = 0; j < H; j++) {
                            if (!(h >> j & 1)) continue;
                            e += (double)gm__f32(r->c)[j] + (double)gm__f32(r->w)[(V + c) * H + j];
                            for (int v = 0; v < V; v++) e += (double)row[v] * (double)gm__f32(r->w)[v * H + j];
                        }
                        sum += exp(e), mine += c == label ? exp(e) : 0;
                    }
                at_[s] = log(mine / sum);
            }
            *w = was;
            ck_assert_double_eq_tol(-(double)gm__f32(g[i])[k], (at_[1] - at_[0]) / 0.02, 2e-4);
        }
    gm_tensor_free(p);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_tape_free(t);
    gm_model_free(m);
}
END_TEST

/* Told to tell labels apart, a machine of the same size does it better; the mixture is in between or as good. */
START_TEST(discriminative_is_better_at_labels)
{
    static const char *const kind[] = {"generative", "discriminative", "hybrid"};
    gm_dataset *d = pictures(400, 1), *test = pictures(400, 77);
    double accuracy[3], loss[3];
    for (int k = 0; k < 3; k++) {
        char options[160];
        gm_measure e[2];
        int32_t n;
        snprintf(options, sizeof options, "hidden=6 conditional=on objective=%s seed=1 init-std=0.1", kind[k]);
        gm_model *m = make(options);
        OK(gm_fit(m, d, "epochs=60 batch=20 lr=1 seed=1"));
        OK(gm_eval(m, test, "metric=accuracy,cross_entropy", e, 2, &n));
        accuracy[k] = e[0].value, loss[k] = e[1].value;
        gm_model_free(m);
    }
    ck_assert_msg(loss[1] < loss[0] / 2 && loss[2] < loss[0] / 2 && accuracy[1] > 0.98, "cross-entropies %g %g %g, accuracies %g %g %g", loss[0], loss[1], loss[2], accuracy[0],
                  accuracy[1], accuracy[2]);
    gm_dataset_free(d);
    gm_dataset_free(test);
}
END_TEST

START_TEST(wrong_input)
{
    static const struct { const char *options, *text; } bad[] = {
        {"missing=on centered=on", "centered"}, {"missing=on persistent=on", "persistent"}, {"missing=on conditional=on", "conditional"}, {"missing=on scale=unit", "scale"},
        {"missing=on binarize=threshold", "binarize"}, {"missing=on gradient=exact", "gradient"}, {"missing=on units=gaussian", "missing"}, {"missing=on units=replicated", "missing"}, {"levels=1,2", "levels"},
        {"units=softmax levels=1,2 group=2", "levels"}, {"units=softmax levels=1", "levels"}, {"units=softmax levels=2,1", "levels"}, {"units=softmax levels=1,x", "levels"},
        {"units=softmax levels=1,2,", "levels"}, {"units=softmax levels=1,nan", "levels"}, {"objective=discriminative", "conditional"}, {"objective=best", "objective"},
        {"objective=hybrid conditional=on generative=-1", "generative"}};
    static const struct { const char *options; float x[4]; const char *text; } data[] = {
        {"units=softmax group=2 missing=on", {NAN, 1, 0, 1}, "make nan"}, {"units=softmax group=2 missing=on", {0, 0, 0, 1}, "make 0"},
        {"units=softmax levels=1,2,3", {1, 2, 3, NAN}, "missing=on"}, {"units=softmax levels=1,2,3 missing=on", {1, 2, 3, 4}, "4 in row 0 is none of the levels 1 to 3"},
        {"missing=on", {0, 1, 2, NAN}, "found 2"}, {"units=bernoulli", {0, 1, NAN, 1}, "missing=on"}, {"units=rectified", {0, 1, NAN, 1}, "missing=on"}};
    gm_model *m = NULL;
    gm_tensor *none = NULL;
    gm_measure e;
    int32_t n;
    for (size_t i = 0; i < GM__COUNT(bad); i++) FAILS(GM_EARG, bad[i].text, gm_model_new(ctx, "rbm", bad[i].options, &m));
    for (size_t i = 0; i < GM__COUNT(data); i++) {
        gm_tensor *x = rows_of(1, 4, data[i].x);
        gm_dataset *d = NULL;
        OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
        m = make(data[i].options);
        FAILS(GM_EARG, data[i].text, gm_fit(m, d, "steps=1 batch=1"));
        gm_model_free(m);
        gm_dataset_free(d);
        gm_tensor_free(x);
    }
    m = make("missing=on shape=4 hidden=2");
    gm_tensor *x = rows_of(1, 4, (float[]){0, 1, NAN, 1});
    gm_dataset *d = NULL;
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    FAILS(GM_EUNSUPPORTED, "lack entries", gm_eval(m, d, "metric=exact_log_prob", &e, 1, &n));
    FAILS(GM_EUNSUPPORTED, "missing", gm_eval(m, d, "metric=pseudo_log_prob", &e, 1, &n));
    gm_model_free(m);
    m = make("shape=4 hidden=2");
    FAILS(GM_EUNSUPPORTED, "predict", gm_predict(m, x, &none));
    gm_model_free(m);
    gm_dataset_free(d);
    gm_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rbm missing");
    TCase *c = tcase_create("missing");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, missing_units_take_no_part, 0, 4);
    tcase_add_test(c, missing_units_learn_nothing);
    tcase_add_test(c, levels_are_groups);
    tcase_add_test(c, ratings_below_the_bias_model);
    tcase_add_loop_test(c, same_bytes, 0, 3);
    tcase_add_test(c, discriminative_gradient);
    tcase_add_test(c, discriminative_is_better_at_labels);
    tcase_add_test(c, wrong_input);
    suite_add_tcase(s, c);
    return run_suite(s);
}
