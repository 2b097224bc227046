/* test_codes.c - codes of other kinds: categorical ones against enumeration, sparse ones,
 * those of convolutional and deep nets; and pictures along the axes of a code. */
#include "models/vae/vae.h"
#include "models_test.h"

static gm_model *make(const char *family, const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, family, options, &m));
    return m;
}

static gm_tensor *noise(int64_t n, int64_t row)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){n, row}, &x));
    for (int64_t i = 0; i < n * row; i++) gm__f32(x)[i] = (float)unit((uint32_t)i);
    return x;
}

static double measure(gm_model *m, gm_dataset *d, const char *options)
{
    gm_measure out;
    int32_t n;
    OK(gm_eval(m, d, options, &out, 1, &n));
    return out.value;
}

/* Larger weights than the first ones: a posterior away from the prior. */
static void sharpen(gm_model *m, float factor)
{
    for (int32_t j = 0; j < gm_model_tensor_count(m); j++) {
        gm_tensor *w = gm_model_tensor(m, j);
        for (int64_t k = 0; k < w->size; k++) gm__f32(w)[k] *= factor;
    }
}

/* ---- categorical codes --------------------------------------------------------------- */

static const char tiny[] = "shape=6 hidden=8 latent=2 categories=3 code=categorical likelihood=bernoulli activation=tanh seed=4";

START_TEST(categorical_kl_equals_monte_carlo)
{
    enum { K = 40000 };
    gm_model *m = make("vae", tiny);
    gm_tensor *x = noise(2, 6), *ratio = NULL;
    gm_tape *t = NULL;
    sharpen(m, 4);
    OK(gm_tape_new(ctx, 7, &t));
    gm_tape_recording(t, 0);
    gm__vae_q q = gm__vae_posterior(m, t, x, NULL);
    gm_tensor *kl = gm__vae_kl(t, q), *z = gm__vae_draw_codes(m, t, q, K, 0, &ratio);
    ck_assert_msg(gm_tape_status(t) == GM_OK, "%s", gm_tape_message(t));
    for (int i = 0; i < 2; i++) {
        double sum = 0, squares = 0, share[6] = {0};
        for (int k = 0; k < K; k++) {
            const double v = -gm__f32(ratio)[i * K + k];
            sum += v, squares += v * v;
            for (int j = 0; j < 6; j++) share[j] += gm__f32(z)[(i * K + k) * 6 + j] / K;
        }
        const double mean = sum / K, error = sqrt((squares / K - mean * mean) / K);
        ck_assert_double_lt(fabs(mean - gm__f32(kl)[i]), 4 * error);
        ck_assert_double_gt(gm__f32(kl)[i], 0.01);
        for (int j = 0; j < 6; j++) /* draws follow the probabilities */
            ck_assert_double_eq_tol(share[j], exp((double)gm__f32(q.log_p)[i * 6 + j]), 0.01);
    }
    gm_tape_free(t);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* log p(x) = log sum over all nine codes of p(x|z) / 9: the ELBO lies below, importance samples find it. */
START_TEST(categorical_bounds_against_enumeration)
{
    gm_model *m = make("vae", tiny);
    gm_tensor *x = noise(4, 6), *codes = NULL, *mean = NULL, *estimate = NULL, *bound = NULL;
    int32_t kind;
    sharpen(m, 3);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){9, 6}, &codes));
    for (int i = 0; i < 9; i++) gm__f32(codes)[i * 6 + i / 3] = gm__f32(codes)[i * 6 + 3 + i % 3] = 1;
    OK(gm_decode(m, codes, &mean));
    OK(gm_log_prob(m, x, "k=20000 seed=1", &estimate, &kind));
    ck_assert_int_eq(kind, GM_LOG_PROB_ESTIMATE);
    double below = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        char options[32];
        gm__format(options, sizeof options, "seed=%llu", (unsigned long long)seed);
        OK(gm_log_prob(m, x, options, &bound, NULL));
        for (int i = 0; i < 4; i++) below += gm__f32(bound)[i] / 800;
        gm_tensor_free(bound);
    }
    double exact_mean = 0;
    for (int i = 0; i < 4; i++) {
        double p = 0;
        for (int k = 0; k < 9; k++) {
            double lp = 0;
            for (int j = 0; j < 6; j++) {
                const double q = gm__f32(mean)[k * 6 + j], v = gm__f32(x)[i * 6 + j];
                lp += v * log(q) + (1 - v) * log(1 - q);
            }
            p += exp(lp) / 9;
        }
        ck_assert_msg(fabs(gm__f32(estimate)[i] - log(p)) < 0.02, "row %d: %g, exact %g", i, gm__f32(estimate)[i], log(p));
        exact_mean += log(p) / 4;
    }
    ck_assert_double_lt(below, exact_mean - 0.01);
    gm_tensor *own[] = {x, codes, mean, estimate};
    for (size_t i = 0; i < GM__COUNT(own); i++) gm_tensor_free(own[i]);
    gm_model_free(m);
}
END_TEST

START_TEST(categorical_codes_learn)
{
    gm_dataset *d = pictures(400, 1);
    gm_model *m = make("vae", "code=categorical latent=3 categories=4 hidden=32 anneal=200 seed=1");
    gm_tensor *x = NULL, *z = NULL, *again = NULL;
    OK(gm_fit(m, d, "steps=1"));
    const double before = measure(m, d, "metric=elbo");
    OK(gm_fit(m, d, "epochs=40 batch=32 lr=5e-3"));
    ck_assert_double_gt(measure(m, d, "metric=elbo"), before + 2);
    ck_assert_double_gt(measure(m, d, "metric=kl"), 1);           /* the eight pictures are worth log 8 */
    ck_assert_double_lt(measure(m, d, "metric=kl"), 3 * log(4.0) + 1e-5);
    OK(gm_dataset_read(d, "x", 0, 5, &x));
    OK(gm_encode(m, x, &z));
    ck_assert_int_eq(gm_tensor_dim(z, 1), 12);
    for (int i = 0; i < 15; i++) {
        double sum = 0;
        for (int k = 0; k < 4; k++) sum += (double)gm__f32(z)[i * 4 + k];
        ck_assert_double_eq_tol(sum, 1, 1e-5);
    }
    gm_tensor_free(x);
    OK(gm_sample(m, 5, 1, &x));
    OK(gm_sample(m, 5, 1, &again));
    ck_assert_mem_eq(x->data, again->data, 5 * ROW * sizeof(float));
    gm_tensor *own[] = {x, z, again};
    for (size_t i = 0; i < GM__COUNT(own); i++) gm_tensor_free(own[i]);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- gradients -------------------------------------------------------------------------- */

struct problem { gm_model *m; gm_tensor *x; };

static gm_tensor *loss_expression(gm_tape *t, gm_tensor *const *inputs, int32_t n, void *user)
{
    struct problem *p = user;
    (void)inputs, (void)n;
    gm__batch b = {.t = t, .x = p->x, .training = true, .step = 10};
    gm_tensor *loss = NULL;
    return p->m->family->loss(p->m, &b, &loss) ? NULL : loss;
}

static const struct { const char *family, *options; } losses[] = {
    {"vae", "shape=6 hidden=5 code=categorical categories=3"}, {"vae", "shape=6 hidden=5 code=categorical categories=3 k=2 free-bits=0.01"},
    {"ae", "shape=6 hidden=5 sparsity=2 rho=0.1"}, {"ae", "shape=6 hidden=5 l1=0.5"},
    {"vae", "shape=1,4,8 preset=conv channels=2,3 hidden=4"}, {"ae", "shape=4,4 preset=conv channels=2 hidden=none"},
};

START_TEST(gradients)
{
    char options[256];
    gm__format(options, sizeof options, "latent=2 activation=tanh likelihood=bernoulli %s", losses[_i].options);
    gm_model *m = make(losses[_i].family, options);
    gm__coder *net = m->state; /* the first member of the family's state */
    gm_net *nets[] = {net->encoder, net->decoder};
    gm_tensor *inputs[32];
    int32_t n = 0;
    for (int k = 0; k < 2; k++) {
        OK(gm__net_cast(nets[k], GM_F64));
        for (int32_t i = 0; i < gm_net_tensor_count(nets[k]); i++) {
            inputs[n] = gm_net_tensor(nets[k], i);
            OK(gm_tensor_set_grad(inputs[n++], 1));
        }
    }
    struct problem p = {m, NULL};
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){4, m->row}, &p.x));
    for (int64_t i = 0; i < 4 * m->row; i++) gm__f64(p.x)[i] = unit((uint32_t)i);
    double error = 1;
    OK(gm_gradcheck(ctx, loss_expression, &p, inputs, n, 1, &error));
    ck_assert_msg(error < 1e-6, "%s: error %g", losses[_i].options, error);
    gm_tensor_free(p.x);
    gm_model_free(m);
}
END_TEST

/* ---- sparse codes -------------------------------------------------------------------------- */

static double mean_of_code(const char *options, gm_dataset *d)
{
    gm_model *m = make("ae", options);
    gm_tensor *x = NULL, *z = NULL;
    double sum = 0;
    OK(gm_fit(m, d, "epochs=40 batch=50 lr=5e-3"));
    OK(gm_dataset_read(d, "x", 0, 200, &x));
    OK(gm_encode(m, x, &z));
    for (int64_t i = 0; i < z->size; i++) sum += fabs((double)gm__f32(z)[i]) / (double)z->size;
    gm_tensor_free(x);
    gm_tensor_free(z);
    gm_model_free(m);
    return sum;
}

START_TEST(sparse_codes_are_sparse)
{
    gm_dataset *d = pictures(200, 1);
    ck_assert_double_eq_tol(mean_of_code("hidden=32 latent=16 sparsity=10 rho=0.1", d), 0.1, 0.03);
    ck_assert_double_eq_tol(mean_of_code("hidden=32 latent=16 sparsity=10 rho=0.3", d), 0.3, 0.05);
    ck_assert_double_lt(mean_of_code("hidden=32 latent=16 l1=0.5", d), 0.5 * mean_of_code("hidden=32 latent=16", d));
    gm_dataset_free(d);
}
END_TEST

/* ---- convolutional and deep nets ------------------------------------------------------------- */

START_TEST(convolutional_preset)
{
    gm_dataset *d = NULL;
    OK(gm_dataset_open(ctx, "synth:digits,n=200", &d));
    gm_model *m = make("ae", "preset=conv channels=4,8 hidden=32 latent=8"), *again = NULL;
    gm_tensor *x = NULL, *a = NULL, *b = NULL;
    OK(gm_fit(m, d, "steps=1 batch=50"));
    ck_assert_int_eq(gm_model_parameters(m), (4 * 16 + 4) + (8 * 4 * 16 + 8) + (392 * 32 + 32) + (32 * 8 + 8) /* and back */
                                                 + (8 * 32 + 32) + (32 * 392 + 392) + (8 * 4 * 16 + 4) + (4 * 16 + 1));
    const double before = measure(m, d, "metric=squared_error");
    OK(gm_fit(m, d, "epochs=10 batch=50 lr=3e-3"));
    ck_assert_double_lt(measure(m, d, "metric=squared_error"), 0.6 * before);
    OK(gm_dataset_read(d, "x", 0, 3, &x));
    OK(gm_reconstruct(m, x, &a));
    ck_assert_int_eq(gm_tensor_ndim(a), 4);
    OK(gm_model_save(m, at("conv.safetensors")));
    OK(gm_model_load(ctx, at("conv.safetensors"), &again));
    OK(gm_reconstruct(again, x, &b));
    ck_assert_mem_eq(a->data, b->data, 3 * 784 * sizeof(float));
    /* the metric is what it says */
    double squares = 0;
    for (int i = 0; i < 784; i++) squares += ((double)gm__f32(a)[i] - (double)gm__f32(x)[i]) * ((double)gm__f32(a)[i] - (double)gm__f32(x)[i]);
    gm_dataset *one = NULL;
    OK(gm_dataset_range(d, 0, 1, 1, &one));
    ck_assert_double_eq_tol(measure(m, one, "metric=squared_error"), squares, 1e-3 * squares);
    gm_tensor *own[] = {x, a, b};
    for (size_t i = 0; i < GM__COUNT(own); i++) gm_tensor_free(own[i]);
    gm_model_free(m);
    gm_model_free(again);
    gm_dataset_free(one);
    gm_dataset_free(d);
}
END_TEST

/* An image stays one for a text that begins with a convolution, also inside parentheses; any other gets a flat row. */
START_TEST(own_texts_on_images)
{
    static const struct { const char *encoder; int ndim; } cases[] = {
        {"conv 3 k3 p1, relu", 3}, {"res( conv 2 k3 p1 )", 3}, {"cat( res( conv 2 k3 p1 ), flatten | flatten )", 3}, {"linear 5, relu", 1}, {"bnorm, linear 5", 1},
    };
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        char options[256];
        gm__format(options, sizeof options, "shape=2,4,4 latent=3 encoder='%s' decoder='linear 9'", cases[i].encoder);
        gm_model *m = make("ae", options);
        const gm__coder *net = m->state;
        ck_assert_int_eq(net->on_images, cases[i].ndim == 3);
        gm_tensor *x = noise(5, 32), *y = NULL;
        OK(gm_reconstruct(m, x, &y));
        ck_assert_int_eq(gm_tensor_ndim(y), 4);
        gm_tensor_free(x);
        gm_tensor_free(y);
        gm_model_free(m);
    }
}
END_TEST

/* Nets of three hidden layers and more start with weights that keep a signal. */
START_TEST(deep_nets_pass_signals)
{
    gm_model *m = make("ae", "shape=64 hidden=64,64,64,64,64 latent=64");
    gm_tensor *x = noise(50, 64), *z = NULL;
    double squares = 0, mean[64] = {0};
    OK(gm_encode(m, x, &z));
    for (int i = 0; i < 50 * 64; i++) mean[i % 64] += (double)gm__f32(z)[i] / 50;
    for (int i = 0; i < 50 * 64; i++) squares += ((double)gm__f32(z)[i] - mean[i % 64]) * ((double)gm__f32(z)[i] - mean[i % 64]) / (50 * 64);
    ck_assert_msg(sqrt(squares) > 0.02, "deviation of the code over rows: %g", sqrt(squares)); /* of inputs: 0.29 */
    gm_tensor_free(x);
    gm_tensor_free(z);
    gm_model_free(m);
}
END_TEST

/* ---- along the axes --------------------------------------------------------------------------- */

START_TEST(traverse_moves_one_axis)
{
    gm_model *m = make("vae", "shape=3 hidden=none latent=2 likelihood=gaussian scale=none noise-std=1"); /* rows are b + W z */
    gm_tensor *y = NULL, *w = NULL, *bias = NULL, *z = NULL;
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++) {
        if (!strcmp(gm_model_tensor_name(m, i), "decoder.0.weight")) w = gm_model_tensor(m, i);
        if (!strcmp(gm_model_tensor_name(m, i), "decoder.0.bias")) bias = gm_model_tensor(m, i);
    }
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){1, 2}, (float[]){0.5f, -1}, &z));
    OK(gm_traverse(m, z, 5, 2, NULL, &y));
    ck_assert_int_eq(gm_tensor_dim(y, 0), 10);
    for (int row = 0; row < 10; row++)
        for (int j = 0; j < 3; j++) {
            const double code[2] = {0.5 + (row < 5 ? row % 5 - 2 : 0), -1 + (row < 5 ? 0 : row % 5 - 2)};
            const double want = (double)gm__f32(bias)[j] + (double)gm__f32(w)[j * 2] * code[0] + (double)gm__f32(w)[j * 2 + 1] * code[1];
            ck_assert_double_eq_tol(gm__f32(y)[row * 3 + j], want, 1e-5);
        }
    gm_tensor_free(y);
    FAILS(GM_EARG, "steps", gm_traverse(m, NULL, 1, 2, NULL, &y));
    FAILS(GM_EARG, "span", gm_traverse(m, NULL, 5, 0, NULL, &y));
    gm_tensor *wrong = noise(1, 3);
    FAILS(GM_ESHAPE, "one code", gm_traverse(m, wrong, 5, 1, NULL, &y));
    ck_assert_ptr_null(y);
    gm_model_free(m);
    m = make("vae", tiny); /* a line for each of two variables, its three categories in turn */
    OK(gm_traverse(m, NULL, 3, 1, NULL, &y));
    ck_assert_int_eq(gm_tensor_dim(y, 0), 6);
    ck_assert_mem_eq(gm__f32(y), gm__f32(y) + 3 * 6, 6 * sizeof(float)); /* both lines start at the first categories */
    ck_assert_mem_ne(gm__f32(y), gm__f32(y) + 6, 6 * sizeof(float));
    gm_tensor_free(y);
    gm_model_free(m);
    m = make("mlp", "shape=3 task=classify classes=2");
    FAILS(GM_EUNSUPPORTED, "axes", gm_traverse(m, NULL, 5, 1, NULL, &y));
    gm_tensor *own[] = {z, wrong};
    for (size_t i = 0; i < GM__COUNT(own); i++) gm_tensor_free(own[i]);
    gm_model_free(m);
}
END_TEST

/* Pictures with one factor: where a bump lies. The mean moves one way along an axis of one code number. */
START_TEST(an_axis_is_a_factor)
{
    enum { N = 300, W = 12 };
    gm_tensor *x = NULL, *y = NULL;
    gm_dataset *d = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){N, W}, &x));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < W; j++) {
            const double e = j - 2 - 7 * unit((uint32_t)i);
            gm__f32(x)[i * W + j] = (float)exp(-0.15 * e * e);
        }
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_model *m = make("vae", "hidden=32 latent=1 likelihood=bernoulli seed=2");
    OK(gm_fit(m, d, "epochs=60 batch=50 lr=5e-3"));
    OK(gm_traverse(m, NULL, 9, 1.5, NULL, &y));
    double last = 0, direction = 0;
    for (int s = 0; s < 9; s++) {
        double mass = 0, at_mean = 0;
        for (int j = 0; j < W; j++) mass += (double)gm__f32(y)[s * W + j], at_mean += j * (double)gm__f32(y)[s * W + j];
        at_mean /= mass;
        if (s == 1) direction = at_mean - last;
        if (s) ck_assert_msg((at_mean - last) * direction > 0, "step %d: from %g to %g", s, last, at_mean);
        last = at_mean;
    }
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- what is refused ----------------------------------------------------------------------------- */

START_TEST(refuses_options)
{
    static const struct { const char *family, *options, *says; } bad[] = {
        {"vae", "code=categorical objective=iwae", "objective=elbo"}, {"vae", "code=categorical latent=65536 categories=65536", "times categories"},
        {"vae", "temperature=0.1 temperature-min=0.5", "temperature-min"}, {"vae", "categories=1", "categories"}, {"vae", "code=binary", "code"},
        {"vae", "preset=conv channels=none", "channels"}, {"vae", "channels=0", "channels"}, {"ae", "tied=on preset=conv", "preset"}, {"ae", "rho=1", "rho"},
        {"ae", "sparsity=-1", "sparsity"},
    };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        gm_model *m = (gm_model *)1;
        FAILS(GM_EARG, bad[i].says, gm_model_new(ctx, bad[i].family, bad[i].options, &m));
        ck_assert_ptr_null(m);
    }
    gm_model *m = NULL;
    FAILS(GM_ESHAPE, "[channels, height, width]", gm_model_new(ctx, "vae", "preset=conv shape=784", &m));
    FAILS(GM_ESHAPE, "halves an image 2 times", gm_model_new(ctx, "vae", "preset=conv shape=1,30,28", &m));
    ck_assert_ptr_null(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("codes");
    TCase *c = tcase_create("codes");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, categorical_kl_equals_monte_carlo);
    tcase_add_test(c, categorical_bounds_against_enumeration);
    tcase_add_test(c, categorical_codes_learn);
    tcase_add_loop_test(c, gradients, 0, GM__COUNT(losses));
    tcase_add_test(c, sparse_codes_are_sparse);
    tcase_add_test(c, convolutional_preset);
    tcase_add_test(c, own_texts_on_images);
    tcase_add_test(c, deep_nets_pass_signals);
    tcase_add_test(c, traverse_moves_one_axis);
    tcase_add_test(c, an_axis_is_a_factor);
    tcase_add_test(c, refuses_options);
    suite_add_tcase(s, c);
    return run_suite(s);
}
