/* test_rbm_products.c - the RBM through products made for zeros and ones: the learning rule's gradient against its definition
 * in plain loops, for states and grey levels; the same bytes at 1, 2, 3 threads at sizes that are spread over threads. */
#include "models/models_test.h"
#include "models/rbm/rbm.h"

enum { N = 37, NV = 45, NH = 35 };

static double at0(const gm_tensor *x, int64_t i) { return x ? (double)gm__f32(x)[i] : 0; }

/* Adds sign times the means over rows of (v - mu)(h - lambda), v - mu, h - lambda; h: p(h = 1 | v) in double. */
static void statistics(const gm__rbm *r, const float *v, double sign, double *w, double *b, double *c)
{
    for (int n = 0; n < N; n++) {
        double h[NH];
        for (int j = 0; j < NH; j++) {
            double in = at0(r->c, j);
            for (int i = 0; i < NV; i++) in += ((double)v[n * NV + i] - at0(r->mu, i)) * at0(r->w, i * NH + j);
            h[j] = 1 / (1 + exp(-in)) - at0(r->lambda, j);
        }
        for (int j = 0; j < NH; j++) c[j] += sign / N * h[j];
        for (int i = 0; i < NV; i++) {
            double x = (double)v[n * NV + i] - at0(r->mu, i);
            b[i] += sign / N * x;
            for (int j = 0; j < NH; j++) w[i * NH + j] += sign / N * x * h[j];
        }
    }
}

START_TEST(gradient)
{
    static double w[NV * NH], b[NV], c[NH];
    static const char *const how[] = {"k=1", "k=3", "k=1 centered=on", "k=2 persistent=on"};
    char options[128];
    gm_model *m = NULL;
    gm_tape *t = NULL;
    gm_tensor *v = NULL, *model = NULL, *loss = NULL;
    const bool grey = _i & 1;
    snprintf(options, sizeof options, "shape=45 hidden=35 init-std=0.3 seed=5 %s", how[_i / 2]);
    OK(gm_model_new(ctx, "rbm", options, &m));
    gm__rbm *r = gm__rbm_of(m);
    for (int i = 0; r->mu && i < NV; i++) gm__f32(r->mu)[i] = (float)(0.2 + 0.01 * i);
    for (int j = 0; r->lambda && j < NH; j++) gm__f32(r->lambda)[j] = (float)(0.6 - 0.01 * j);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){N, NV}, &v));
    OK(gm_random_uniform(3, 0, 0, (size_t)v->size, gm__f32(v)));
    if (!grey)
        for (int64_t i = 0; i < v->size; i++) gm__f32(v)[i] = gm__f32(v)[i] < 0.4f;
    if (r->how.persistent) OK(gm_tensor_copy(ctx, GM_F32, 2, v->shape, gm__f32(v), &r->chain));
    gm_tensor *const learnt[] = {r->w, r->b, r->c};
    const double *const right[] = {w, b, c};
    for (int i = 0; i < 3; i++) OK(gm_tensor_set_grad(learnt[i], 1));
    OK(gm_tape_new(ctx, 7, &t));
    gm__batch batch = {.t = t, .x = v, .training = true};
    OK(gm__rbm_learn(r, &batch, v, &model, &loss));
    for (int64_t i = 0; i < model->size; i++) ck_assert(gm__f32(model)[i] == 0 || gm__f32(model)[i] == 1);
    memset(w, 0, sizeof w), memset(b, 0, sizeof b), memset(c, 0, sizeof c);
    statistics(r, gm__f32(v), -1, w, b, c);
    statistics(r, gm__f32(model), 1, w, b, c);
    OK(gm_tape_backward(t, loss));
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < learnt[k]->size; i++)
            ck_assert_msg(fabs((double)gm__f32(gm_tensor_grad(learnt[k]))[i] - right[k][i]) < 2e-6, "%s: gradient %d, element %lld: %g, not %g", options, k,
                          (long long)i, (double)gm__f32(gm_tensor_grad(learnt[k]))[i], right[k][i]);
    gm_tape_free(t);
    gm_tensor_free(v);
    gm_model_free(m);
}
END_TEST

START_TEST(threads)
{
    static const char *const how[] = {"k=2", "k=1 persistent=on centered=on"};
    static char first[256], other[256];
    double z[3];
    for (int n = 0; n < 3; n++) {
        gm_ctx *own = NULL;
        gm_ctx_config cfg;
        gm_model *m = NULL;
        gm_dataset *d = NULL;
        gm_tensor *x = NULL, *y = NULL;
        char options[128], *path = n ? other : first;
        gm_ctx_config_init(&cfg, sizeof cfg);
        cfg.threads = n + 1;
        OK(gm_ctx_new(&cfg, &own));
        OK(gm_tensor_new(own, GM_F32, 2, (int64_t[]){200, 300}, &x));
        OK(gm_random_uniform(1, 0, 0, (size_t)x->size, gm__f32(x)));
        for (int64_t i = 0; i < x->size; i++) gm__f32(x)[i] = gm__f32(x)[i] < 0.3f;
        OK(gm_dataset_from_tensors(own, x, NULL, &d));
        snprintf(options, sizeof options, "hidden=130 init-std=0.1 seed=2 %s", how[_i]);
        OK(gm_model_new(own, "rbm", options, &m));
        OK(gm_fit(m, d, "steps=7 batch=90 lr=0.1 seed=4"));
        snprintf(path, sizeof first, "%s", at(n ? "other.safetensors" : "first.safetensors"));
        OK(gm_model_save(m, path));
        if (n) ck_assert_msg(same_files(first, other), "%s: %d threads", how[_i], n + 1);
        OK(gm_rbm_log_z(m, NULL, "method=ais temperatures=20 chains=90 seed=1", &z[n], NULL));
        ck_assert_double_eq(z[n], z[0]);
        OK(gm_rbm_gibbs(m, x, NULL, "steps=3 seed=5", &y));
        OK(gm_tensor_assign(x, y));
        double sum = 0;
        static double kept;
        for (int64_t i = 0; i < x->size; i++) sum += (double)gm__f32(x)[i] * (double)(i % 1009);
        if (!n) kept = sum;
        ck_assert_double_eq(sum, kept);
        gm_tensor_free(x);
        gm_tensor_free(y);
        gm_dataset_free(d);
        gm_model_free(m);
        gm_ctx_free(own);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rbm products");
    TCase *c = tcase_create("products");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, gradient, 0, 8);
    tcase_add_loop_test(c, threads, 0, 2);
    suite_add_tcase(s, c);
    return run_suite(s);
}
