/* test_classifier.c - mlp and cnn: least squares and frequencies in closed form, gradients
 * of every loss, digits, files, resume, threads, cancel, and what they refuse. */
#include "models/classifier/classifier.h"
#include "models_test.h"

static gm_model *make(const char *family, const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, family, options, &m));
    return m;
}

static gm_tensor *tensor(int32_t dtype, int32_t ndim, const int64_t *shape, const void *values)
{
    gm_tensor *t = NULL;
    OK(gm_tensor_copy(ctx, dtype, ndim, shape, values, &t));
    return t;
}

static gm_dataset *open_csv(const char *text, const char *options)
{
    char spec[256];
    gm_dataset *d = NULL;
    FILE *f = fopen(at("t.csv"), "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    snprintf(spec, sizeof spec, "csv:%s%s", at("t.csv"), options);
    OK(gm_dataset_open(ctx, spec, &d));
    return d;
}

static gm_dataset *digits(const char *options)
{
    char spec[64];
    gm_dataset *d = NULL;
    snprintf(spec, sizeof spec, "synth:digits,%s", options);
    OK(gm_dataset_open(ctx, spec, &d));
    return d;
}

static gm_measure measure(gm_model *m, gm_dataset *d, const char *options)
{
    gm_measure out;
    int32_t n = 0;
    OK(gm_eval(m, d, options, &out, 1, &n));
    return out;
}

/* ---- closed forms ----------------------------------------------------------------- */

static const char table[] = "h,T,T_i,y\n40,-5,21,2600\n55,0,20,2050\n60,5,21,1580\n35,10,22,1260\n70,15,21,570\n50,20,21,120\n";
static const double rows[6][5] = {{1, 40, -5, 21, 2600}, {1, 55, 0, 20, 2050}, {1, 60, 5, 21, 1580}, {1, 35, 10, 22, 1260}, {1, 70, 15, 21, 570}, {1, 50, 20, 21, 120}};

/* Normal equations by Gaussian elimination: the fit of least squares at every row. */
static void least_squares(double fit[6])
{
    double a[4][5] = {{0}}, w[4];
    for (int r = 0; r < 6; r++)
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 5; j++) a[i][j] += rows[r][i] * rows[r][j];
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++) {
            const double f = a[k][i] / a[i][i];
            for (int j = i; k != i && j < 5; j++) a[k][j] -= f * a[i][j];
        }
    for (int i = 0; i < 4; i++) w[i] = a[i][4] / a[i][i];
    for (int r = 0; r < 6; r++) {
        fit[r] = 0;
        for (int i = 0; i < 4; i++) fit[r] += w[i] * rows[r][i];
    }
}

START_TEST(without_hidden_layers_it_is_linear_regression)
{
    gm_dataset *d = open_csv(table, ",y=y");
    gm_model *m = make("mlp", "hidden=none"), *again = NULL;
    gm_tensor *x = NULL, *y = NULL, *z = NULL;
    double fit[6], squares = 0;
    OK(gm_fit(m, d, "steps=3000 batch=6 lr=0.05 schedule=cosine"));
    OK(gm_dataset_read(d, "x", 0, 6, &x));
    OK(gm_predict(m, x, &y));
    ck_assert_int_eq(gm_tensor_ndim(y), 2);
    ck_assert_int_eq(gm_tensor_dim(y, 1), 1);
    least_squares(fit);
    for (int r = 0; r < 6; r++) {
        ck_assert_msg(fabs(gm__f32(y)[r] - fit[r]) < 0.5, "row %d: %g, least squares %g", r, gm__f32(y)[r], fit[r]);
        squares += (gm__f32(y)[r] - rows[r][4]) * (gm__f32(y)[r] - rows[r][4]);
    }
    gm_measure got = measure(m, d, NULL);
    ck_assert_str_eq(got.name, "rmse");
    ck_assert_double_eq_tol(got.value, sqrt(squares / 6), 1e-2);
    ck_assert_uint_eq(gm_model_can(m), GM_CAN_PREDICT | GM_CAN_ENCODE);
    OK(gm_model_save(m, at("t.safetensors"))); /* with the scales of features and target */
    OK(gm_model_load(ctx, at("t.safetensors"), &again));
    OK(gm_predict(again, x, &z));
    ck_assert_mem_eq(y->data, z->data, 6 * sizeof(float));
    gm_tensor *own[] = {x, y, z};
    for (size_t i = 0; i < 3; i++) gm_tensor_free(own[i]);
    gm_model_free(m);
    gm_model_free(again);
    gm_dataset_free(d);
}
END_TEST

/* With one feature of two values, logistic regression finds the frequencies of the labels at each. */
START_TEST(without_hidden_layers_it_is_logistic_regression)
{
    enum { N = 200 };
    float x[N];
    int64_t label[N];
    for (int i = 0; i < N; i++) {
        x[i] = (float)(i % 2);
        label[i] = i % 2 ? (i / 2) % 10 < 8 : (i / 2) % 4 == 0; /* P(1|1) = 0.8, P(1|0) = 0.25 */
    }
    gm_tensor *tx = tensor(GM_F32, 2, (int64_t[]){N, 1}, x), *tl = tensor(GM_I64, 1, (int64_t[]){N}, label), *p = NULL, *lp = NULL, *score = NULL;
    gm_dataset *d = NULL;
    OK(gm_dataset_from_tensors(ctx, tx, tl, &d));
    gm_model *m = make("mlp", "hidden=none");
    OK(gm_fit(m, d, "steps=2000 batch=200 lr=0.1 schedule=cosine"));
    OK(gm_predict(m, tx, &p));
    OK(gm_model_apply(m, GM_CAN_LOG_PROB, tx, tl, &lp));
    OK(gm_score(m, tx, &score));
    const double want[2] = {0.25, 0.8};
    double entropy = 0;
    for (int i = 0; i < N; i++) {
        const double p0 = gm__f32(p)[2 * i], p1 = gm__f32(p)[2 * i + 1], q = want[i % 2];
        ck_assert_msg(fabs(p1 - q) < 1e-3 && fabs(p0 + p1 - 1) < 1e-6, "x = %d: %g", i % 2, p1);
        ck_assert_double_eq_tol(gm__f32(lp)[i], log(label[i] ? p1 : p0), 1e-5);
        ck_assert_double_eq_tol(gm__f32(score)[i], -p0 * log(p0) - p1 * log(p1), 1e-5);
        entropy -= (q * log(q) + (1 - q) * log(1 - q)) / N;
    }
    ck_assert_double_eq_tol(measure(m, d, "metric=cross_entropy").value, entropy, 1e-4);
    ck_assert_double_eq_tol(measure(m, d, NULL).value, (0.75 + 0.8) / 2, 1e-9);
    gm_tensor *none = NULL;
    FAILS(GM_EARG, "labels are needed", gm_log_prob(m, tx, NULL, &none, NULL));
    gm_tensor *own[] = {tx, tl, p, lp, score};
    for (size_t i = 0; i < 5; i++) gm_tensor_free(own[i]);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- gradients ------------------------------------------------------------------------ */

struct problem { gm_model *m; gm_tensor *x, *label, *y; };

static gm_tensor *loss_expression(gm_tape *t, gm_tensor *const *inputs, int32_t n, void *user)
{
    struct problem *p = user;
    (void)inputs, (void)n;
    gm__batch b = {.t = t, .x = p->x, .label = p->label, .y = p->y, .training = true};
    gm_tensor *loss = NULL;
    return p->m->family->loss(p->m, &b, &loss) ? NULL : loss;
}

static void cast(gm_net *net, gm_tensor **inputs, int32_t *n)
{
    if (!net) return;
    OK(gm__net_cast(net, GM_F64));
    for (int32_t i = 0; i < gm_net_tensor_count(net); i++) {
        if (!gm_net_tensor_is_parameter(net, i)) continue;
        inputs[*n] = gm_net_tensor(net, i);
        OK(gm_tensor_set_grad(inputs[(*n)++], 1));
    }
}

static const struct { const char *family, *options; } losses[] = {
    {"mlp", "shape=6 task=classify classes=3 hidden=5"}, {"mlp", "shape=6 task=classify classes=3 hidden=none label-smoothing=0.2"},
    {"mlp", "shape=6 task=classify classes=3 hidden=4,5 norm=layer"}, {"mlp", "shape=6 task=classify classes=3 hidden=5 norm=batch"},
    {"mlp", "shape=6 task=classify classes=3 net='linear 3' heads=own"}, {"mlp", "shape=6 task=regress targets=2 hidden=5"},
    {"mlp", "shape=6 task=classify classes=3 hidden=6 dropout=0.5"}, {"cnn", "shape=2,4,5 task=classify classes=3 channels=2,3 hidden=4"},
    {"cnn", "shape=4,4 task=regress targets=2 channels=2 hidden=none norm=none"},
    {"cnn", "shape=1,4,4 task=classify classes=3 channels=2 hidden=3 norm=layer"}, {"mlp", "shape=1,4,4 task=classify classes=3 net='conv 2 k3, tanh'"},
};

START_TEST(gradients)
{
    char options[256];
    snprintf(options, sizeof options, "activation=tanh seed=2 %s", losses[_i].options);
    gm_model *m = make(losses[_i].family, options);
    gm__classifier *v = m->state;
    gm_tensor *inputs[32];
    int32_t n = 0;
    cast(v->body, inputs, &n);
    cast(v->head, inputs, &n);
    struct problem p = {.m = m, .label = tensor(GM_I64, 1, (int64_t[]){4}, (int64_t[]){2, 0, 1, 2})};
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){4, m->row}, &p.x));
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){4, 2}, &p.y));
    for (int64_t i = 0; i < 4 * m->row; i++) gm__f64(p.x)[i] = 4 * unit((uint32_t)i) - 2;
    for (int i = 0; i < 8; i++) gm__f64(p.y)[i] = unit(100 + (uint32_t)i);
    double error = 1;
    OK(gm_gradcheck(ctx, loss_expression, &p, inputs, n, 1, &error));
    ck_assert_msg(error < 1e-6, "%s: error %g", losses[_i].options, error);
    gm_tensor_free(p.x);
    gm_tensor_free(p.y);
    gm_tensor_free(p.label);
    gm_model_free(m);
}
END_TEST

/* ---- learning ---------------------------------------------------------------------------- */

START_TEST(reads_digits)
{
    gm_dataset *d = digits("n=2000,seed=1"), *held = digits("n=300,seed=2");
    gm_model *m = make("mlp", "hidden=64"), *again = NULL;
    gm_tensor *x = NULL, *a = NULL, *b = NULL, *code = NULL;
    OK(gm_fit(m, d, "epochs=5 batch=50 lr=3e-3"));
    gm_measure got = measure(m, held, NULL);
    ck_assert_str_eq(got.name, "accuracy");
    ck_assert_msg(got.value > 0.93, "accuracy %g", got.value);
    OK(gm_dataset_read(held, "x", 0, 7, &x));
    OK(gm_encode(m, x, &code));
    ck_assert_int_eq(gm_tensor_dim(code, 1), 64); /* the last hidden layer */
    OK(gm_model_save(m, at("m.safetensors")));
    OK(gm_model_load(ctx, at("m.safetensors"), &again));
    OK(gm_predict(m, x, &a));
    OK(gm_predict(again, x, &b));
    ck_assert_mem_eq(a->data, b->data, 70 * sizeof(float));
    gm_tensor *own[] = {x, a, b, code};
    for (size_t i = 0; i < 4; i++) gm_tensor_free(own[i]);
    gm_model_free(m);
    gm_model_free(again);
    gm_dataset_free(d);
    gm_dataset_free(held);
}
END_TEST

START_TEST(cnn_reads_digits)
{
    gm_dataset *d = digits("n=600,seed=1"), *held = digits("n=200,seed=2");
    gm_model *m = make("cnn", "channels=6,12 hidden=32"), *again = NULL;
    gm_tensor *x = NULL, *a = NULL, *b = NULL, *code = NULL;
    OK(gm_fit(m, d, "epochs=5 batch=50 lr=5e-3"));
    ck_assert_msg(measure(m, held, NULL).value > 0.93, "accuracy %g", measure(m, held, NULL).value);
    OK(gm_dataset_read(held, "x", 0, 7, &x));
    OK(gm_encode(m, x, &code));
    ck_assert_int_eq(gm_tensor_dim(code, 1), 32);
    OK(gm_model_save(m, at("m.safetensors"))); /* with the running statistics */
    OK(gm_model_load(ctx, at("m.safetensors"), &again));
    OK(gm_predict(m, x, &a));
    OK(gm_predict(again, x, &b));
    ck_assert_mem_eq(a->data, b->data, 70 * sizeof(float));
    gm_tensor *own[] = {x, a, b, code};
    for (size_t i = 0; i < 4; i++) gm_tensor_free(own[i]);
    gm_model_free(m);
    gm_model_free(again);
    gm_dataset_free(d);
    gm_dataset_free(held);
}
END_TEST

START_TEST(label_smoothing_keeps_predictions_modest)
{
    gm_dataset *d = digits("n=500,seed=1");
    double most[2];
    for (int i = 0; i < 2; i++) {
        gm_model *m = make("mlp", i ? "hidden=64 label-smoothing=0.2" : "hidden=64");
        gm_tensor *x = NULL, *p = NULL;
        OK(gm_fit(m, d, "epochs=15 batch=50 lr=3e-3"));
        OK(gm_dataset_read(d, "x", 0, 200, &x));
        OK(gm_predict(m, x, &p));
        most[i] = 0;
        for (int r = 0; r < 200; r++) {
            double best = 0;
            for (int k = 0; k < 10; k++) best = fmax(best, (double)gm__f32(p)[10 * r + k]);
            most[i] += best / 200;
        }
        gm_tensor_free(x);
        gm_tensor_free(p);
        gm_model_free(m);
    }
    ck_assert_double_gt(most[0], 0.97);
    ck_assert_double_eq_tol(most[1], 0.82, 0.05); /* 0.8 on the label and a tenth of 0.2 */
    gm_dataset_free(d);
}
END_TEST

/* ---- files, resume, threads, cancel -------------------------------------------------------- */

static const struct { const char *family, *options; } recipes[] = {
    {"mlp", "hidden=20,10 norm=batch dropout=0.3 seed=3"}, {"cnn", "channels=4,6 hidden=8 seed=3"},
};

START_TEST(resume_gives_the_same_bytes)
{
    gm_dataset *d = digits("n=120,seed=1");
    gm_trainer *tr = NULL;
    char options[256];
    gm_model *m = make(recipes[_i].family, recipes[_i].options);
    OK(gm_fit(m, d, "steps=20 batch=32"));
    OK(gm_model_save(m, at("whole")));
    gm_model_free(m);
    m = make(recipes[_i].family, recipes[_i].options);
    snprintf(options, sizeof options, "steps=20 batch=32 stop-after=9 checkpoint=%s", at("ckpt"));
    OK(gm_fit(m, d, options));
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

static int stop_at_5(const gm_progress *p, void *user)
{
    (void)user;
    return p->step >= 5;
}

START_TEST(cancel_leaves_a_usable_model)
{
    gm_dataset *d = digits("n=120,seed=1");
    gm_model *m = make("mlp", "hidden=20");
    gm_trainer *tr = NULL;
    gm_tensor *x = NULL, *p = NULL;
    OK(gm_trainer_new(m, d, "steps=50 batch=32", &tr));
    OK(gm_trainer_set_progress(tr, stop_at_5, NULL, 0));
    FAILS(GM_ECANCELED, "callback", gm_trainer_run(tr));
    OK(gm_dataset_read(d, "x", 0, 3, &x));
    OK(gm_predict(m, x, &p));
    gm_tensor_free(p);
    gm_ctx_cancel(ctx);
    FAILS(GM_ECANCELED, "cancel", gm_predict(m, x, &p));
    ck_assert_ptr_null(p);
    gm_tensor_free(x);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- options, and what is refused ------------------------------------------------------------ */

START_TEST(config_struct_equals_text)
{
    gm_mlp_config c;
    gm_model *a = NULL, *b = NULL;
    gm_mlp_config_init(&c, sizeof c);
    ck_assert_str_eq(c.hidden, "256");
    ck_assert_int_eq(c.task, GM_TASK_AUTO);
    c.hidden = "8";
    c.shape = "5";
    c.task = GM_TASK_CLASSIFY;
    c.classes = 4;
    c.dropout = 0.25;
    c.norm = GM_NORM_LAYER;
    OK(gm_mlp_new(ctx, &c, &a));
    OK(gm_model_new(ctx, "mlp", "hidden=8 shape=5 task=classify classes=4 dropout=0.25 norm=layer", &b));
    ck_assert_str_eq(gm_model_config(a), gm_model_config(b));
    ck_assert_int_eq(gm_model_parameters(a), 5 * 8 + 8 + 2 * 8 + 8 * 4 + 4);
    gm_cnn_config_init(&c, sizeof c);
    ck_assert_str_eq(c.channels, "32,64");
    gm_model_free(a);
    gm_model_free(b);
}
END_TEST

/* A model that does not know yet what it predicts waits for its data, whatever its shape. */
START_TEST(waits_for_the_data)
{
    gm_dataset *d = digits("n=50");
    gm_model *m = make("mlp", "shape=784 hidden=8");
    gm_tensor *x = NULL, *y = NULL;
    int64_t shape[8];
    OK(gm_dataset_read(d, "x", 0, 1, &x));
    ck_assert_int_eq(gm_model_shape(m, shape), -1);
    FAILS(GM_ESTATE, "fit", gm_predict(m, x, &y));
    FAILS(GM_ESTATE, "weights", gm_model_save(m, at("none")));
    OK(gm_fit(m, d, "steps=1"));
    ck_assert_int_eq(gm_model_shape(m, shape), 1);
    ck_assert_int_eq(shape[0], 784);
    ck_assert_ptr_nonnull(strstr(gm_model_config(m), "\"task\":\"classify\""));
    OK(gm_predict(m, x, &y));
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

START_TEST(refuses_options)
{
    static const struct { const char *options, *says; } bad[] = {
        {"hidden=8,,3", "hidden"}, {"activation=sine", "activation"}, {"dropout=1", "dropout"}, {"label-smoothing=-1", "label-smoothing"},
        {"heads=own", "heads=own"}, {"task=regress label-smoothing=0.1", "label-smoothing"}, {"task=guess", "task"}, {"latent=3", "latent"},
        {"shape=6 task=classify classes=3 net='linear 4' heads=own", "logits of the classes"},
        {"shape=6 task=classify classes=3 net='lienar 4'", "lienar"},
    };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        gm_model *m = (gm_model *)1;
        gm_status s = gm_model_new(ctx, "mlp", bad[i].options, &m);
        ck_assert_msg(s == GM_EARG || s == GM_ESHAPE, "%s: %s", bad[i].options, gm_status_name(s));
        ck_assert_ptr_null(m);
        ck_assert_msg(strstr(gm_ctx_message(ctx), bad[i].says) != NULL, "%s: %s", bad[i].options, gm_ctx_message(ctx));
    }
    gm_model *m = NULL;
    FAILS(GM_ESHAPE, "images", gm_model_new(ctx, "cnn", "shape=6 task=classify classes=2", &m));
    ck_assert_ptr_null(m);
}
END_TEST

START_TEST(refuses_data)
{
    gm_dataset *plain = open_csv("a,b\n1,2\n3,4\n", ""), *few = open_csv("a,b,c\n1,2,0\n3,4,1\n", ",label=c"), *more = open_csv("a,b,c\n1,2,0\n3,4,9\n", ",label=c"),
               *targets = open_csv("a,b,c\n1,2,0\n3,4,9\n", ",y=c");
    gm_model *m = make("mlp", "hidden=4");
    gm_trainer *tr = NULL;
    gm_tensor *x = NULL, *out = NULL;
    gm_measure got;
    int32_t n;
    FAILS(GM_ENOTFOUND, "nothing to predict", gm_fit(m, plain, NULL));
    OK(gm_fit(m, few, "steps=2"));
    FAILS(GM_EARG, "classes", gm_fit(m, more, "steps=2"));
    FAILS(GM_ENOTFOUND, "labels", gm_fit(m, plain, "steps=2"));
    FAILS(GM_ENOTFOUND, "labels", gm_eval(m, plain, NULL, &got, 1, &n));
    FAILS(GM_EARG, "label 9 of row 1", gm_eval(m, more, NULL, &got, 1, &n));
    FAILS(GM_EARG, "rmse", gm_eval(m, targets, "metric=rmse", &got, 1, &n));
    FAILS(GM_EARG, "it has accuracy", gm_eval(m, few, "metric=elbo", &got, 1, &n));
    OK(gm_trainer_new(m, few, "steps=2", &tr));
    FAILS(GM_ENOTFOUND, "valid: labels", gm_trainer_set_valid(tr, plain));
    gm_trainer_free(tr);
    gm_model_free(m);
    m = make("mlp", "task=regress");
    FAILS(GM_ENOTFOUND, "targets", gm_fit(m, few, NULL));
    OK(gm_fit(m, targets, "steps=2"));
    OK(gm_dataset_read(few, "x", 0, 2, &x));
    FAILS(GM_EUNSUPPORTED, "score", gm_score(m, x, &out));
    FAILS(GM_EUNSUPPORTED, "sample", gm_sample(m, 1, 0, &out));
    FAILS(GM_EARG, "verb", gm_model_apply(m, GM_CAN_SAMPLE, x, NULL, &out));
    gm_model_free(m);
    m = make("mlp", "targets=3");
    FAILS(GM_ESHAPE, "targets a row", gm_fit(m, targets, NULL));
    gm_model_free(m);
    m = make("ae", "shape=2");
    FAILS(GM_EUNSUPPORTED, "predict", gm_predict(m, x, &out));
    ck_assert_ptr_null(out);
    gm_tensor_free(x);
    gm_model_free(m);
    gm_dataset *own[] = {plain, few, more, targets};
    for (size_t i = 0; i < 4; i++) gm_dataset_free(own[i]);
}
END_TEST

START_TEST(columns_of_the_host)
{
    gm_tensor *x = tensor(GM_F32, 2, (int64_t[]){2, 3}, (float[]){1, 2, 3, 4, 5, 6}), *y = tensor(GM_F64, 2, (int64_t[]){2, 2}, (double[]){1, 2, 3, 4}),
              *longer = tensor(GM_F32, 1, (int64_t[]){3}, (float[]){1, 2, 3});
    gm_dataset *d = NULL, *half = NULL, *drawn = NULL;
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    FAILS(GM_ESHAPE, "3 rows", gm_dataset_add(d, "y", longer));
    FAILS(GM_EARG, "already", gm_dataset_add(d, "x", y));
    FAILS(GM_EARG, "name", gm_dataset_add(d, "", y));
    FAILS(GM_ESHAPE, "labels", gm_dataset_add(d, "label", y));
    OK(gm_dataset_add(d, "y", y));
    OK(gm_dataset_range(d, 1, 2, 1, &half));
    FAILS(GM_EARG, "whole", gm_dataset_add(half, "z", longer));
    drawn = digits("n=3");
    FAILS(GM_EARG, "arrays", gm_dataset_add(drawn, "y", longer));
    gm_model *m = make("mlp", "hidden=none");
    gm_tensor *p = NULL;
    OK(gm_fit(m, d, "steps=800 lr=0.05 schedule=cosine"));
    OK(gm_predict(m, x, &p));
    for (int i = 0; i < 4; i++) ck_assert_double_eq_tol(gm__f32(p)[i], i + 1, 1e-2); /* two rows: a line goes through both */
    gm_tensor *own[] = {x, y, longer, p};
    for (size_t i = 0; i < 4; i++) gm_tensor_free(own[i]);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(half);
    gm_dataset_free(drawn);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("classifier");
    TCase *c = tcase_create("classifier");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, without_hidden_layers_it_is_linear_regression);
    tcase_add_test(c, without_hidden_layers_it_is_logistic_regression);
    tcase_add_loop_test(c, gradients, 0, GM__COUNT(losses));
    tcase_add_test(c, reads_digits);
    tcase_add_test(c, cnn_reads_digits);
    tcase_add_test(c, label_smoothing_keeps_predictions_modest);
    tcase_add_loop_test(c, resume_gives_the_same_bytes, 0, GM__COUNT(recipes));
    tcase_add_test(c, cancel_leaves_a_usable_model);
    tcase_add_test(c, config_struct_equals_text);
    tcase_add_test(c, waits_for_the_data);
    tcase_add_test(c, refuses_options);
    tcase_add_test(c, refuses_data);
    tcase_add_test(c, columns_of_the_host);
    suite_add_tcase(s, c);
    return run_suite(s);
}
