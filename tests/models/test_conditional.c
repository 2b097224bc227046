/* test_conditional.c - models that are told the label: what they draw, how much it helps,
 * files, resume, threads, gradients; and labels that are missing or make no sense. */
#include "models/coder.h"
#include "models_test.h"

static gm_model *make(const char *family, const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, family, options, &m));
    return m;
}

static gm_tensor *whole(int64_t n, const int64_t *values)
{
    gm_tensor *t = NULL;
    OK(gm_tensor_copy(ctx, GM_I64, 1, &n, values, &t));
    return t;
}

static gm_dataset *without_labels(gm_dataset *d)
{
    gm_tensor *x = NULL;
    gm_dataset *plain = NULL;
    OK(gm_dataset_read(d, "x", 0, gm_dataset_rows(d), &x));
    OK(gm_dataset_from_tensors(ctx, x, NULL, &plain));
    gm_tensor_free(x);
    return plain;
}

static double elbo(gm_model *m, gm_dataset *d)
{
    gm_measure out;
    int32_t n;
    OK(gm_eval(m, d, "metric=elbo k=5", &out, 1, &n));
    return out.value;
}

static const char small[] = "hidden=32 latent=2 seed=1 conditional=on";
static const char training[] = "epochs=30 batch=32 lr=3e-3";

/* ---- what labels do --------------------------------------------------------------- */

/* Which row or column of the picture is bright? */
static int brightest(const float *p)
{
    int best = 0;
    double most = -1;
    for (int k = 0; k < 2 * SIDE; k++) {
        double sum = 0;
        for (int j = 0; j < SIDE; j++) sum += (double)(k < SIDE ? p[k * SIDE + j] : p[j * SIDE + k - SIDE]);
        if (sum > most) most = sum, best = k;
    }
    return best;
}

START_TEST(draws_what_the_label_says)
{
    gm_dataset *d = pictures(400, 1);
    gm_model *m = make("vae", small);
    gm_sampler *s = NULL;
    gm_tensor *x = NULL, *cond = NULL;
    OK(gm_fit(m, d, training));
    ck_assert_uint_ne(gm_model_can(m) & GM_CAN_CONDITION, 0);
    OK(gm_sampler_new(ctx, m, "seed=3", &s));
    for (int64_t k = 0; k < 8; k++) { /* one label for all rows */
        cond = whole(1, &k);
        OK(gm_sampler_draw(s, 20, cond, &x));
        for (int i = 0; i < 20; i++) ck_assert_int_eq(brightest(gm__f32(x) + i * ROW), k);
        gm_tensor_free(x);
        gm_tensor_free(cond);
    }
    cond = whole(3, (int64_t[]){5, 0, 7}); /* one a row */
    OK(gm_sampler_draw(s, 3, cond, &x));
    ck_assert_int_eq(brightest(gm__f32(x)), 5);
    ck_assert_int_eq(brightest(gm__f32(x) + ROW), 0);
    ck_assert_int_eq(brightest(gm__f32(x) + 2 * ROW), 7);
    gm_tensor_free(x);
    gm_tensor_free(cond);
    OK(gm_sample(m, 600, 3, &x)); /* none: in turn, over the chunks too */
    for (int i = 0; i < 600; i++) ck_assert_int_eq(brightest(gm__f32(x) + i * ROW), i % 8);
    gm_tensor_free(x);
    gm_sampler_free(s);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* Draw i is a function of seed, index and label; a label and its numbers are the same condition. */
START_TEST(draws_depend_on_nothing_else)
{
    gm_model *m = make("vae", "shape=1,4,4 hidden=8 latent=2 conditional=on classes=8");
    gm_sampler *a = NULL, *b = NULL;
    gm_tensor *x = NULL, *y = NULL, *z = NULL, *label = whole(5, (int64_t[]){1, 2, 3, 4, 5}), *rest = whole(2, (int64_t[]){4, 5}), *numbers = NULL;
    OK(gm_sampler_new(ctx, m, "seed=9", &a));
    OK(gm_sampler_new(ctx, m, "seed=9", &b));
    OK(gm_sampler_draw(a, 5, label, &x));
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){3, 8}, &numbers));
    for (int i = 0; i < 3; i++) gm__f32(numbers)[i * 8 + i + 1] = 1;
    OK(gm_sampler_draw(b, 3, numbers, &y));
    OK(gm_sampler_draw(b, 2, rest, &z));
    for (int i = 0; i < 5 * ROW; i++)
        ck_assert_double_eq_tol(gm__f32(x)[i], i < 3 * ROW ? gm__f32(y)[i] : gm__f32(z)[i - 3 * ROW], 1e-6);
    gm_tensor *own[] = {x, y, z, label, rest, numbers};
    for (size_t i = 0; i < GM__COUNT(own); i++) gm_tensor_free(own[i]);
    gm_sampler_free(a);
    gm_sampler_free(b);
    gm_model_free(m);
}
END_TEST

START_TEST(labels_are_worth_nats)
{
    gm_dataset *d = pictures(400, 1), *held = pictures(200, 2);
    double value[2];
    for (int i = 0; i < 2; i++) {
        gm_model *m = make("vae", i ? small : "hidden=32 latent=2 seed=1");
        OK(gm_fit(m, d, training));
        value[i] = elbo(m, held);
        gm_model_free(m);
    }
    ck_assert_msg(value[1] > value[0] + 1, "plain %g, conditional %g", value[0], value[1]); /* of the label's log 8 = 2.08 */
    gm_dataset_free(d);
    gm_dataset_free(held);
}
END_TEST

START_TEST(verbs_take_labels)
{
    gm_dataset *d = pictures(64, 1);
    static const char *const families[] = {"vae", "ae"};
    for (int f = 0; f < 2; f++) {
        gm_model *m = make(families[f], small), *again = NULL;
        gm_tensor *x = NULL, *label = NULL, *z = NULL, *y = NULL, *both = NULL, *score = NULL, *out = NULL;
        OK(gm_fit(m, d, "epochs=2 batch=32"));
        OK(gm_dataset_read(d, "x", 0, 6, &x));
        OK(gm_dataset_read(d, "label", 0, 6, &label));
        OK(gm_model_apply(m, GM_CAN_ENCODE, x, label, &z));
        OK(gm_model_apply(m, GM_CAN_DECODE, z, label, &y));
        OK(gm_model_apply(m, GM_CAN_RECONSTRUCT, x, label, &both));
        ck_assert_mem_eq(y->data, both->data, 6 * ROW * sizeof(float));
        OK(gm_model_apply(m, GM_CAN_SCORE, x, label, &score));
        OK(gm_model_save(m, at("c.safetensors")));
        OK(gm_model_load(ctx, at("c.safetensors"), &again));
        OK(gm_model_apply(again, GM_CAN_SCORE, x, label, &out));
        ck_assert_mem_eq(score->data, out->data, 6 * sizeof(float));
        gm_tensor_free(out);
        gm_tensor *wrong = whole(6, (int64_t[]){0, 1, 2, 3, 8, 0}), *few = whole(5, (int64_t[]){0, 1, 2, 3, 4});
        FAILS(GM_EARG, "gm_model_apply", gm_encode(m, x, &out));
        FAILS(GM_EARG, "label 8 of row 4", gm_model_apply(m, GM_CAN_ENCODE, x, wrong, &out));
        FAILS(GM_ESHAPE, "[6] or [1]", gm_model_apply(m, GM_CAN_ENCODE, x, few, &out));
        FAILS(GM_ESHAPE, "number a class", gm_model_apply(m, GM_CAN_ENCODE, x, score, &out));
        ck_assert_ptr_null(out);
        gm_tensor *own[] = {x, label, z, y, both, score, wrong, few};
        for (size_t i = 0; i < GM__COUNT(own); i++) gm_tensor_free(own[i]);
        gm_model_free(m);
        gm_model_free(again);
    }
    gm_dataset_free(d);
}
END_TEST

/* ---- gradients, resume ---------------------------------------------------------------- */

struct problem { gm_model *m; gm_tensor *x, *cond; };

static gm_tensor *loss_expression(gm_tape *t, gm_tensor *const *inputs, int32_t n, void *user)
{
    struct problem *p = user;
    (void)inputs, (void)n;
    gm__batch b = {.t = t, .x = p->x, .cond = p->cond, .training = true};
    gm_tensor *loss = NULL;
    return p->m->family->loss(p->m, &b, &loss) ? NULL : loss;
}

static const struct { const char *family, *options; } losses[] = {
    {"vae", "shape=6 hidden=5 likelihood=bernoulli"}, {"vae", "shape=6 hidden=4 likelihood=bernoulli objective=iwae k=3"}, {"ae", "shape=6 hidden=5 likelihood=gaussian"},
    {"vae", "shape=1,4,4 preset=conv channels=2 hidden=none likelihood=bernoulli"},
    {"ae", "shape=2,4,4 encoder='conv 2 k3 p1, tanh' decoder='linear 4' likelihood=gaussian"},
};

START_TEST(gradients)
{
    char options[256];
    gm__format(options, sizeof options, "latent=2 activation=tanh conditional=on classes=3 %s", losses[_i].options);
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
    struct problem p = {.m = m};
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){4, m->row}, &p.x));
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){4, 3}, &p.cond));
    for (int64_t i = 0; i < 4 * m->row; i++) gm__f64(p.x)[i] = unit((uint32_t)i);
    for (int i = 0; i < 4; i++) gm__f64(p.cond)[i * 3 + i % 3] = 1;
    double error = 1;
    OK(gm_gradcheck(ctx, loss_expression, &p, inputs, n, 1, &error));
    ck_assert_msg(error < 1e-6, "%s: error %g", losses[_i].options, error);
    gm_tensor_free(p.x);
    gm_tensor_free(p.cond);
    gm_model_free(m);
}
END_TEST

static const char *const recipes[] = {"hidden=10 latent=2 seed=2", "preset=conv channels=3,4 hidden=5 latent=2 seed=2", "code=categorical latent=2 categories=3 hidden=8 seed=2"};

START_TEST(resume_gives_the_same_bytes)
{
    gm_dataset *d = pictures(120, 1);
    gm_trainer *tr = NULL;
    char options[256], training_options[256];
    gm__format(options, sizeof options, "conditional=on %s", recipes[_i]);
    gm_model *m = make("vae", options);
    OK(gm_fit(m, d, "steps=20 batch=32"));
    OK(gm_model_save(m, at("whole")));
    gm_model_free(m);
    m = make("vae", options);
    snprintf(training_options, sizeof training_options, "steps=20 batch=32 stop-after=9 checkpoint=%s", at("ckpt"));
    OK(gm_fit(m, d, training_options));
    gm_model_free(m);
    OK(gm_ctx_set_threads(ctx, 3));
    OK(gm_trainer_resume(ctx, at("ckpt"), d, NULL, NULL, &tr));
    OK(gm_trainer_run(tr));
    OK(gm_model_save(gm_trainer_model(tr), at("parts")));
    ck_assert(same_files(at("whole"), at("parts")));
    gm_trainer_free(tr);
    gm_dataset_free(d);
}
END_TEST

/* ---- what is refused ---------------------------------------------------------------------- */

START_TEST(refuses_data_without_labels)
{
    gm_dataset *d = pictures(40, 1), *plain = without_labels(d);
    gm_model *m = make("vae", small), *known = make("ae", "shape=1,4,4 hidden=4 latent=2 conditional=on classes=8");
    gm_trainer *tr = NULL;
    gm_measure out;
    int32_t n;
    int64_t shape[8];
    FAILS(GM_ENOTFOUND, "labels are needed", gm_fit(m, plain, NULL));
    ck_assert_int_eq(gm_model_shape(m, shape), -1); /* nothing was built */
    FAILS(GM_ENOTFOUND, "labels are needed", gm_fit(known, plain, NULL));
    OK(gm_trainer_new(m, d, "steps=2", &tr));
    FAILS(GM_ENOTFOUND, "valid", gm_trainer_set_valid(tr, plain));
    OK(gm_trainer_run(tr));
    FAILS(GM_ENOTFOUND, "eval", gm_eval(m, plain, NULL, &out, 1, &n));
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_model_free(known);
    gm_dataset_free(d);
    gm_dataset_free(plain);
}
END_TEST

START_TEST(refuses_options)
{
    static const struct { const char *family, *options, *says; } bad[] = {
        {"ae", "tied=on conditional=on", "conditional"},
        {"vae", "conditional=on classes=3 shape=1,4,4 heads=own encoder='conv 2 k4 s2 p1, flatten, linear 40' decoder='linear 16'", "cond"},
        {"vae", "conditional=maybe", "conditional"},
    };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        gm_model *m = (gm_model *)1;
        FAILS(GM_EARG, bad[i].says, gm_model_new(ctx, bad[i].family, bad[i].options, &m));
        ck_assert_ptr_null(m);
    }
    gm_model *m = make("vae", "shape=4 hidden=4 latent=2"); /* one that takes no condition */
    gm_tensor *x = NULL, *out = NULL, *label = whole(1, (int64_t[]){0});
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){1, 4}, &x));
    ck_assert_uint_eq(gm_model_can(m) & GM_CAN_CONDITION, 0);
    FAILS(GM_EUNSUPPORTED, "no condition", gm_model_apply(m, GM_CAN_ENCODE, x, label, &out));
    gm_tensor_free(x);
    gm_tensor_free(label);
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conditional");
    TCase *c = tcase_create("conditional");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, draws_what_the_label_says);
    tcase_add_test(c, draws_depend_on_nothing_else);
    tcase_add_test(c, labels_are_worth_nats);
    tcase_add_test(c, verbs_take_labels);
    tcase_add_loop_test(c, gradients, 0, GM__COUNT(losses));
    tcase_add_loop_test(c, resume_gives_the_same_bytes, 0, GM__COUNT(recipes));
    tcase_add_test(c, refuses_data_without_labels);
    tcase_add_test(c, refuses_options);
    suite_add_tcase(s, c);
    return run_suite(s);
}
