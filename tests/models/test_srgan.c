/* test_srgan.c - enlarging pictures: from the bicubic start, pictures of any size, content then game, features, and that it learns. */
#include "models/games_test.h"
#include "models/srgan/srgan.h"

static gm_model *srgan(const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "srgan", options, &m));
    return m;
}

/* [n,c,h,w] of waves in [0,1] */
static gm_tensor *waves(int64_t n, int64_t c, int64_t h, int64_t w)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){n, c, h, w}, &x));
    for (int64_t i = 0; i < x->size; i++) {
        const int64_t row = i / (h * w), y = i / w % h, col = i % w;
        gm__f32(x)[i] = (float)(0.5 + 0.45 * sin(0.9 * (double)y + 0.7 * (double)row) * cos(1.1 * (double)col * (1 + 0.1 * (double)(row % 5))));
    }
    return x;
}
static gm_dataset *pictures_of_waves(int64_t n)
{
    gm_tensor *x = waves(n, 1, 8, 8);
    gm_dataset *d = NULL;
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_tensor_free(x);
    return d;
}

/* For pictures of 4 x 4. */
static const char *const games[] = {
    "width=3 blocks=1 pretrain=0.5 seed=1",
    "width=3 blocks=0 factor=4 pretrain=0.25 loss=hinge spectral=on d-steps=2 reduce=bicubic seed=2",
    "width=3 blocks=2 pretrain=0 loss=relativistic penalty=r1 d-steps=0.5 d-optimizer=rmsprop d-lr=1e-3 seed=3",
    "width=3 blocks=1 pretrain=1 seed=4",
    "pretrain=0.4 loss=wasserstein penalty=gp penalty-every=2 generator='conv 4 k3 p1, bnorm, relu, dropout 0.1, shuffle 2' discriminator='conv 3 k2 s2, bnorm, lrelu 0.2, gap, linear 1' adversarial=0.1 seed=5",
};

/* ---- enlarging ------------------------------------------------------------------------------- */

/* Before the first step the model is the bicubic enlargement, at any factor, for pictures of any size. */
START_TEST(starts_as_bicubic)
{
    static const int64_t sizes[][2] = {{4, 4}, {3, 5}, {1, 1}, {17, 2}, {40, 33}};
    for (int f = 2; f <= 8; f++)
        for (size_t i = 0; i < GM__COUNT(sizes); i++) {
            char options[80];
            snprintf(options, sizeof options, "shape=2,%d,%d factor=%d width=2 blocks=1", 4 * f, 4 * f, f);
            gm_model *m = srgan(options);
            gm_tensor *small = waves(3, 2, sizes[i][0], sizes[i][1]), *y = NULL, *z = NULL;
            gm_tape *t = NULL;
            OK(gm_srgan_upscale(m, small, &y));
            OK(gm__use_tape(ctx, &t));
            gm_tensor *want = gm_clamp(t, gm_upsample2d(t, small, f * sizes[i][0], f * sizes[i][1], GM_BICUBIC), 0, 1);
            ck_assert(gm__shape_equal(y, want));
            ck_assert_double_lt(furthest(gm__tape_contiguous(t, want), y), 1e-6);
            OK(gm_predict(m, small, &z));
            ck_assert(!memcmp(y->data, z->data, (size_t)y->size * sizeof(float)));
            gm_tape_free(t);
            gm_tensor_free(small), gm_tensor_free(y), gm_tensor_free(z);
            gm_model_free(m);
        }
}
END_TEST

static void stir(gm_model *m)
{
    for (size_t i = 0; i < m->n_tensors; i++)
        for (int64_t j = 0; j < m->tensors[i].tensor->size && m->tensors[i].parameter; j++) gm__f32(m->tensors[i].tensor)[j] += (float)(0.1 * sin(1.3 * (double)j + (double)i));
}

/* The code of a row is its reduction; decode enlarges it; a large picture is its parts, away from their edges. */
START_TEST(codes_and_sizes)
{
    gm_model *m = srgan("shape=1,16,16 factor=2 width=3 blocks=1");
    gm_tensor *x = waves(5, 1, 16, 16), *code = NULL, *y = NULL, *z = NULL, *back = NULL, *small = NULL, *bytes8 = NULL;
    stir(m);
    OK(gm_encode(m, x, &code));
    ck_assert_int_eq(code->shape[1], 64);
    for (int k = 0; k < 64; k++) { /* means of 2 x 2 pixels */
        const float *p = gm__f32(x) + k / 8 * 32 + k % 8 * 2;
        ck_assert_double_eq_tol((double)gm__f32(code)[k], ((double)p[0] + (double)p[1] + (double)p[16] + (double)p[17]) / 4, 1e-6);
    }
    OK(gm_decode(m, code, &y));
    OK(gm_reconstruct(m, x, &back));
    ck_assert(!memcmp(y->data, back->data, (size_t)y->size * sizeof(float)));
    OK(gm_tensor_copy(ctx, GM_F32, 4, (int64_t[]){5, 1, 8, 8}, code->data, &small));
    OK(gm_srgan_upscale(m, small, &z));
    ck_assert(!memcmp(y->data, z->data, (size_t)y->size * sizeof(float)));
    for (int64_t j = 0; j < y->size; j++) ck_assert(gm__f32(y)[j] >= 0 && gm__f32(y)[j] <= 1);
    gm_tensor_free(z), gm_tensor_free(small), gm_tensor_free(y);
    /* one picture of 24 x 24 and the middle of it, 16 x 16 */
    small = waves(1, 1, 24, 24);
    gm_tensor *middle = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){1, 1, 16, 16}, &middle));
    for (int k = 0; k < 256; k++) gm__f32(middle)[k] = gm__f32(small)[(k / 16 + 4) * 24 + k % 16 + 4];
    OK(gm_srgan_upscale(m, small, &y));
    OK(gm_srgan_upscale(m, middle, &z));
    for (int i = 14; i < 18; i++)
        for (int j = 14; j < 18; j++) ck_assert_float_eq_tol(gm__f32(z)[i * 32 + j], gm__f32(y)[(i + 8) * 48 + j + 8], 1e-5);
    OK(gm_tensor_new(ctx, GM_U8, 4, (int64_t[]){2, 1, 3, 3}, &bytes8));
    gm_tensor_free(z);
    OK(gm_srgan_upscale(m, bytes8, &z));
    ck_assert(z->shape[0] == 2 && z->shape[2] == 6);
    gm_tensor_free(x), gm_tensor_free(code), gm_tensor_free(y), gm_tensor_free(z), gm_tensor_free(back), gm_tensor_free(small), gm_tensor_free(middle), gm_tensor_free(bytes8);
    gm_model_free(m);
}
END_TEST

/* Many pictures at once are what they are one by one. */
START_TEST(in_parts)
{
    gm_model *m = srgan("shape=1,4,4 width=2 blocks=1");
    gm_tensor *many = waves(9, 1, 128, 130), *all = NULL;
    stir(m);
    OK(gm_srgan_upscale(m, many, &all));
    for (int64_t i = 0; i < 9; i += 4) {
        gm_tensor *one = NULL, *y = NULL;
        OK(gm_tensor_copy(ctx, GM_F32, 4, (int64_t[]){1, 1, 128, 130}, gm__f32(many) + i * 128 * 130, &one));
        OK(gm_srgan_upscale(m, one, &y));
        ck_assert(!memcmp(y->data, gm__f32(all) + i * y->size, (size_t)y->size * sizeof(float)));
        gm_tensor_free(one), gm_tensor_free(y);
    }
    gm_tensor_free(many), gm_tensor_free(all);
    gm_model_free(m);
}
END_TEST

/* ---- gradients ------------------------------------------------------------------------------------ */

static gm_tensor *loss_of(gm_tape *t, gm_tensor *const *in, int32_t n, void *user)
{
    gm_model *m = user;
    gm__batch b = {.t = t, .x = in[n - 1]};
    gm_tensor *y = NULL;
    gm__srgan_loss(m, &b, &y);
    return y;
}

START_TEST(gradients)
{
    static const char *const options[] = {"shape=1,4,4 generator='conv 4 k3 p1, tanh, shuffle 2, conv 1 k3 p1'", "shape=1,4,4 reduce=bicubic generator='conv 2 k3 p1, softplus, conv 4 k3 p1, shuffle 2'"};
    for (size_t i = 0; i < GM__COUNT(options); i++) {
        gm_model *m = srgan(options[i]);
        gm_net *net = gm__srgan_of(m)->g;
        gm_tensor *w[16], *x = NULL;
        int32_t n = 0;
        double error = 1;
        OK(gm__net_cast(net, GM_F64));
        for (int32_t k = 0; k < gm_net_tensor_count(net); k++) {
            w[n] = gm_net_tensor(net, k);
            OK(gm_tensor_set_grad(w[n++], 1));
        }
        OK(gm_tensor_new(ctx, GM_F64, 4, (int64_t[]){2, 1, 4, 4}, &x));
        for (int64_t j = 0; j < x->size; j++) gm__f64(x)[j] = unit((uint32_t)j);
        OK(gm_tensor_set_grad(x, 1));
        w[n++] = x;
        OK(gm_gradcheck(ctx, loss_of, m, w, n, 2, &error));
        ck_assert_msg(error < 1e-6, "%s: %g", options[i], error);
        gm_tensor_free(x);
        gm_model_free(m);
    }
}
END_TEST

/* ---- content, then the game ------------------------------------------------------------------------ */

START_TEST(the_discriminator_waits)
{
    gm_dataset *d = pictures(64, 1);
    gm_model *m = srgan("width=3 blocks=1 pretrain=0.5 seed=1");
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, "batch=16 steps=8 ema=0", &tr));
    bytes judge = bytes_of(m, "discriminator");
    for (int k = 0; k < 4; k++) OK(gm_trainer_step(tr, NULL));
    ck_assert(same_as(judge, m, "discriminator"));
    ck_assert_int_eq(gm_trainer_event_count(tr), 0);
    OK(gm_trainer_step(tr, NULL));
    ck_assert(!same_as(judge, m, "discriminator"));
    gm_event e = {.struct_size = sizeof e};
    ck_assert_int_eq(gm_trainer_event_count(tr), 1);
    OK(gm_trainer_event(tr, 0, &e));
    ck_assert(e.kind == GM_EVENT_LAYER && e.step == 4 && strstr(e.text, "discriminator"));
    bytes g = bytes_of(m, "generator");
    free(judge.p);
    judge = bytes_of(m, "discriminator");
    OK(gm_gan_d_step(tr, NULL));
    ck_assert(same_as(g, m, "generator") && !same_as(judge, m, "discriminator"));
    free(judge.p);
    judge = bytes_of(m, "discriminator");
    OK(gm_gan_g_step(tr, NULL));
    ck_assert(!same_as(g, m, "generator") && same_as(judge, m, "discriminator"));
    ck_assert_uint_eq(gm_trainer_steps(tr), 6);
    ck_assert(gm__series_points(gm__trainer_series(tr, "content")) == 6 && gm__series_points(gm__trainer_series(tr, "d-loss")) == 2);
    free(judge.p), free(g.p);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* A classifier's file is read once; its net stays in the model, and its bytes as they were. */
START_TEST(content_of_features)
{
    static const char *const nets[] = {"cnn", "mlp"};
    gm_dataset *d = pictures(64, 1);
    for (int i = 0; i < 2; i++) {
        gm_model *judge = NULL, *m = NULL, *back = NULL, *copy = NULL;
        gm_tensor *a = NULL, *b = NULL, *x = NULL;
        gm_trainer *tr = NULL;
        char options[300];
        OK(gm_model_new(ctx, nets[i], i ? "hidden=9 seed=3" : "channels=3,4 hidden=none seed=3", &judge));
        OK(gm_fit(judge, d, "steps=5"));
        OK(gm_model_save(judge, at("judge")));
        snprintf(options, sizeof options, "width=3 blocks=1 pretrain=0.25 content=features features='%s' seed=2%s", at("judge"), i ? "" : " shape=1,4,4");
        m = srgan(options);
        OK(gm_trainer_new(m, d, "batch=16 steps=8", &tr));
        ck_assert_int_eq(unlink(at("judge")), 0); /* not needed any more */
        ck_assert(!strstr(gm_model_config(m), "judge"));
        bytes kept = bytes_of(m, "features");
        ck_assert(!memcmp(kept.p, judge->tensors[0].tensor->data, (size_t)judge->tensors[0].tensor->size * 4));
        for (int k = 0; k < 5; k++) OK(gm_trainer_step(tr, NULL));
        OK(gm_trainer_save(tr, at("c")));
        OK(gm_trainer_run(tr));
        ck_assert(same_as(kept, m, "features"));
        OK(gm_model_save(m, at("m1")));
        gm_trainer_free(tr);
        OK(gm_trainer_resume(ctx, at("c"), d, NULL, NULL, &tr));
        OK(gm_trainer_run(tr));
        OK(gm_model_save(gm_trainer_model(tr), at("m2")));
        gm_trainer_free(tr);
        ck_assert(same_files(at("m1"), at("m2")));
        OK(gm_model_load(ctx, at("m1"), &back));
        OK(gm_model_copy(m, &copy));
        ck_assert(same_weights(m, copy));
        x = waves(2, 1, 3, 3);
        OK(gm_srgan_upscale(m, x, &a));
        OK(gm_srgan_upscale(back, x, &b));
        ck_assert(!memcmp(a->data, b->data, (size_t)a->size * sizeof(float)));
        free(kept.p);
        gm_tensor_free(a), gm_tensor_free(b), gm_tensor_free(x);
        gm_model_free(judge), gm_model_free(m), gm_model_free(back), gm_model_free(copy);
    }
    gm_dataset_free(d);
}
END_TEST

/* ---- the same bytes -------------------------------------------------------------------------------------- */

START_TEST(resumes_with_the_same_bytes)
{
    gm_dataset *d = pictures(70, 1);
    for (size_t i = 0; i < GM__COUNT(games); i++) {
        const char *how = i % 2 ? "steps=8 batch=16 ema=0.8 schedule=cosine" : "steps=8 batch=16 ema=0.8 optimizer=adamw clip-norm=1";
        whole_run(srgan(games[i]), d, how);
        for (int at_step = 1; at_step < 8; at_step += 2) cut_run(srgan(games[i]), d, how, at_step, at_step == 5 && i < 2, games[i]);
    }
    gm_dataset_free(d);
}
END_TEST

static gm_tensor *enlarged(gm_model *m)
{
    gm_tensor *x = waves(3, 1, 5, 4), *y = NULL;
    OK(gm_srgan_upscale(m, x, &y));
    gm_tensor_free(x);
    return y;
}
START_TEST(threads_and_files)
{
    gm_dataset *d = pictures(70, 1);
    for (size_t i = 0; i < GM__COUNT(games); i++) any_threads("srgan", games[i], d, "steps=6 batch=16", enlarged);
    gm_dataset_free(d);
}
END_TEST

/* ---- cut short -------------------------------------------------------------------------------------------- */

START_TEST(cut_short)
{
    gm_dataset *d = pictures(64, 1);
    gm_model *m = srgan("width=3 blocks=1 pretrain=0");
    gm_trainer *tr = NULL;
    gm_tensor *x = waves(1, 1, 2, 2), *y = NULL;
    OK(gm_trainer_new(m, d, "batch=16 steps=20", &tr));
    OK(gm_trainer_set_progress(tr, stop_at, &(int){2}, 0));
    ck_assert_int_eq(gm_trainer_run(tr), GM_ECANCELED);
    ck_assert_uint_eq(gm_trainer_steps(tr), 2);
    gm_ctx_cancel(ctx);
    ck_assert_int_eq(gm_srgan_upscale(m, x, &y), GM_ECANCELED);
    ck_assert_ptr_null(y);
    float *w = gm__f32(gm_net_tensor(gm__srgan_of(m)->g, 0)), was = *w;
    *w = NAN;
    bytes all = bytes_of(m, "");
    ck_assert_int_eq(gm_trainer_step(tr, NULL), GM_ENONFINITE);
    ck_assert(same_as(all, m, ""));
    *w = was;
    OK(gm_trainer_step(tr, NULL));
    free(all.p);
    gm_tensor_free(x);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- does it learn? ------------------------------------------------------------------------------------------ */

static double measured(gm_model *m, gm_dataset *d, const char *metric)
{
    gm_measure v;
    int32_t n = 0;
    char options[80];
    snprintf(options, sizeof options, "metric=%s", metric);
    OK(gm_eval(m, d, options, &v, 1, &n));
    return v.value;
}

/* Waves that repeat every 8 pixels or less: there is something to know of them that interpolation does not. */
START_TEST(better_than_bicubic)
{
    gm_dataset *d = pictures_of_waves(200);
    gm_measure v[8];
    int32_t n = 0;
    for (int f = 2; f <= 4; f *= 2) {
        char options[120];
        snprintf(options, sizeof options, "factor=%d width=8 blocks=1 pretrain=1 seed=1", f);
        gm_model *m = srgan(options);
        OK(gm_fit(m, d, "steps=250 batch=16 lr=3e-3 keep-best=off"));
        const double psnr = measured(m, d, "psnr"), bicubic = measured(m, d, "psnr_bicubic");
        ck_assert_msg(psnr > bicubic + (f == 2 ? 3 : 1.5), "factor %d: %g dB, bicubic %g dB", f, psnr, bicubic);
        OK(gm_eval(m, d, NULL, v, 8, &n));
        ck_assert(n == 3 && !strcmp(v[2].name, "sharpness") && v[2].value > 0);
        gm_model_free(m);
    }
    gm_dataset_free(d);
}
END_TEST

/* The game gives back detail that the mean of all answers lacks: pictures of noise, of which nothing can be known. */
START_TEST(the_game_sharpens)
{
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    double sharp[2];
    OK(gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){200, 1, 8, 8}, &x));
    for (int64_t i = 0; i < x->size; i++) gm__f32(x)[i] = (float)(0.2 + 0.6 * (unit((uint32_t)i) > 0.5));
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    for (int game = 0; game < 2; game++) {
        gm_model *m = srgan(game ? "width=8 blocks=1 pretrain=0.3 adversarial=0.2 seed=1" : "width=8 blocks=1 pretrain=1 seed=1");
        OK(gm_fit(m, d, "steps=150 batch=16 lr=3e-3"));
        sharp[game] = measured(m, d, "sharpness");
        gm_model_free(m);
    }
    ck_assert_msg(sharp[1] > 1.3 * sharp[0], "%g, without the game %g", sharp[1], sharp[0]);
    gm_tensor_free(x);
    gm_dataset_free(d);
}
END_TEST

/* ---- wrong input ------------------------------------------------------------------------------------------------ */

START_TEST(refused)
{
    static const struct { const char *options; gm_status code; const char *text; } cases[] = {
        {"shape=1,28,30 factor=4", GM_ESHAPE, "factor=4 wants sides that are multiples of it, found 28 x 30"}, {"shape=9", GM_ESHAPE, "[9]"}, {"factor=1", GM_EARG, "factor"},
        {"factor=9", GM_EARG, "factor"}, {"blocks=-1", GM_EARG, "blocks"}, {"pretrain=1.5", GM_EARG, "pretrain"}, {"adversarial=-1", GM_EARG, "adversarial"},
        {"shape=1,4,4 generator='conv 1 k3 p1'", GM_ESHAPE, "the generator gives [1,2,2], [1,4,4] wanted"}, {"shape=1,4,4 generator='flatten, linear 16'", GM_ESHAPE, "gives [16]"},
        {"shape=1,4,4 discriminator='flatten, linear 2'", GM_ESHAPE, "the discriminator gives [2], [1] wanted"}, {"content=features", GM_EARG, "features=FILE"},
        {"features=x", GM_EARG, "content=features"}, {"content=edges", GM_EARG, "content"}, {"loss=best", GM_EARG, "loss"}, {"penalty=clip", GM_EARG, "penalty"},
        {"d-optimizer=newton", GM_EARG, "srgan: d-optimizer"}, {"label-smoothing=0.1 loss=hinge", GM_EARG, "srgan: label-smoothing"}};
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        gm_model *m = NULL;
        gm_status s = gm_model_new(ctx, "srgan", cases[i].options, &m);
        ck_assert_msg(s == cases[i].code && strstr(gm_ctx_message(ctx), cases[i].text), "%s: %s: %s", cases[i].options, gm_status_name(s), gm_ctx_message(ctx));
        ck_assert_ptr_null(m);
    }
    gm_dataset *d = pictures(20, 1);
    gm_model *m = srgan("width=2"), *fixed = srgan("shape=1,4,4 generator='flatten, linear 16, reshape 1 4 4'"), *other = NULL;
    gm_tensor *x = waves(2, 1, 3, 3), *rgb = waves(2, 3, 3, 3), *flat = NULL, *y = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){2, 9}, &flat));
    FAILS(GM_ESTATE, "no weights yet", gm_srgan_upscale(m, x, &y));
    FAILS(GM_EUNSUPPORTED, "srgan: accumulate 2", gm_fit(m, d, "steps=1 accumulate=2"));
    gm_model_free(m);
    m = srgan("width=2");
    FAILS(GM_EUNSUPPORTED, "srgan: keep-best", gm_fit(m, d, "steps=1 keep-best=on"));
    gm_model_free(m);
    m = srgan("width=2");
    FAILS(GM_EARG, "pretrain=0, not 0.7", gm_fit(m, d, "steps=1 extragradient=on"));
    OK(gm_fit(m, d, "steps=1"));
    FAILS(GM_ESHAPE, "pictures [N,1,h,w] wanted, got [2,3,3,3]", gm_srgan_upscale(m, rgb, &y));
    FAILS(GM_ESHAPE, "got [2,9]", gm_srgan_upscale(m, flat, &y));
    FAILS(GM_ESHAPE, "a code is a picture of 4 numbers, got 9", gm_decode(m, flat, &y));
    FAILS(GM_ESHAPE, "reconstruct", gm_reconstruct(m, x, &y));
    FAILS(GM_ESHAPE, "takes pictures of 2 x 2 alone, got 3 x 3", gm_srgan_upscale(fixed, x, &y));
    OK(gm_model_new(ctx, "vae", "shape=1,3,3", &other));
    FAILS(GM_EARG, "family srgan wanted, this is vae", gm_srgan_upscale(other, x, &y));
    ck_assert_int_eq(gm_srgan_upscale(NULL, x, &y), GM_EARG);
    ck_assert_int_eq(gm_srgan_upscale(m, x, NULL), GM_EARG);
    OK(gm_model_save(other, at("vae")));
    gm_model_free(m);
    char options[200];
    snprintf(options, sizeof options, "content=features features='%s'", at("vae"));
    m = srgan(options);
    FAILS(GM_EARG, "an mlp or cnn wanted, the file holds a model of family vae", gm_fit(m, d, "steps=1"));
    gm_model_free(m);
    m = srgan("content=features features=/nowhere");
    ck_assert_int_eq(gm_fit(m, d, "steps=1"), GM_EIO);
    gm_tensor_free(x), gm_tensor_free(rgb), gm_tensor_free(flat);
    gm_model_free(m), gm_model_free(fixed), gm_model_free(other);
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("srgan");
    TCase *c = tcase_create("srgan");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, starts_as_bicubic);
    tcase_add_test(c, codes_and_sizes);
    tcase_add_test(c, in_parts);
    tcase_add_test(c, gradients);
    tcase_add_test(c, the_discriminator_waits);
    tcase_add_test(c, content_of_features);
    tcase_add_test(c, resumes_with_the_same_bytes);
    tcase_add_test(c, threads_and_files);
    tcase_add_test(c, cut_short);
    tcase_add_test(c, better_than_bicubic);
    tcase_add_test(c, the_game_sharpens);
    tcase_add_test(c, refused);
    suite_add_tcase(s, c);
    return run_suite(s);
}
