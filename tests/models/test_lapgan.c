/* test_lapgan.c - the pyramid of GANs: its levels, its chain of draws, what learns and what stays, and that it learns. */
#include "models/games_test.h"
#include "models/lapgan/lapgan.h"

static gm_model *lapgan(const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "lapgan", options, &m));
    return m;
}

/* Two levels of 2 x 2 and 4 x 4 pixels. */
static const char *const games[] = {
    "levels=2 width=4 noise-dim=3 seed=1",
    "levels=2 width=3 noise-dim=3 loss=hinge spectral=on conditional=concat classes=8 d-steps=2 seed=2",
    "levels=2 width=3 noise-dim=3 loss=relativistic penalty=r2 noise=uniform d-steps=0.5 seed=3",
    "levels=2 width=3 noise-dim=3 loss=wasserstein penalty=gp penalty-every=2 d-steps=2.5 d-optimizer=rmsprop d-lr=1e-3 seed=4",
    "levels=2 loss=least-squares label-smoothing=0.1 generator='conv 3 k3 p1, bnorm, relu, dropout 0.1, conv 1 k3 p1' discriminator='conv 3 k2 s2, bnorm, lrelu 0.2, gap, linear 1' "
    "coarse-generator='linear 4, relu, linear 4, tanh' coarse-discriminator='flatten, linear 4, lrelu 0.2, linear 1' noise-dim=2 seed=5",
};

/* ---- levels --------------------------------------------------------------------------------- */

START_TEST(how_many_levels)
{
    static const struct { const char *options; int levels; int64_t first[3]; } cases[] = {
        {"shape=3,32,32", 3, {3, 8, 8}}, {"shape=1,28,28", 3, {1, 7, 7}}, {"shape=28,28", 3, {1, 7, 7}}, {"shape=3,64,64 width=2", 4, {3, 8, 8}},
        {"shape=1,4,4", 1, {1, 4, 4}}, {"shape=1,16,32", 2, {1, 8, 16}}, {"shape=1,32,32 levels=1", 1, {1, 32, 32}}, {"shape=2,32,48 levels=5 width=2", 5, {2, 2, 3}}};
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        gm_model *m = lapgan(cases[i].options);
        gm_tensor *x = NULL;
        ck_assert_int_eq(gm_lapgan_levels(m), cases[i].levels);
        OK(gm_lapgan_sample_level(m, 1, 3, 1, NULL, &x));
        ck_assert_int_eq(x->shape[0], 3);
        ck_assert(!memcmp(x->shape + 1, cases[i].first, sizeof cases[i].first));
        gm_tensor_free(x);
        gm_model_free(m);
    }
}
END_TEST

/* The data's own pyramid gives the data back, and each level's pictures are those of the level above, reduced. */
START_TEST(data_and_back)
{
    gm_model *m = lapgan("shape=2,12,20 levels=3 width=2");
    gm_tape *t = NULL;
    OK(gm__use_tape(ctx, &t));
    gm_tensor *x = gm_uniform(t, 4, (int64_t[]){5, 2, 12, 20}, 0, 1);
    gm__lap_pyramid p = gm__lapgan_pyramid(m, t, x);
    gm_tensor *y = p.picture[0];
    for (int k = 1; k < 3; k++) {
        gm_tensor *coarse = NULL, *band = gm_laplacian_split(t, p.picture[k], &coarse);
        ck_assert_double_eq(furthest(gm__tape_contiguous(t, coarse), gm__tape_contiguous(t, p.picture[k - 1])), 0);
        y = gm_laplacian_join(t, y, band);
    }
    y = gm_affine(t, y, 0.5, 0.5);
    ck_assert_double_lt(furthest(gm__tape_contiguous(t, x), gm__tape_contiguous(t, y)), 1e-6);
    gm_tape_free(t);
    gm_model_free(m);
}
END_TEST

/* Draws have the full resolution; a level's draws are what the next one starts from. */
START_TEST(chained_draws)
{
    for (int quiet = 0; quiet < 2; quiet++) {
        gm_model *m = lapgan("shape=1,16,16 levels=3 width=3 seed=4");
        const gm__lapgan *g = gm__lapgan_of(m);
        gm_tensor *x = NULL, *whole = NULL, *small = NULL;
        gm_tape *t = NULL;
        for (int k = 1; quiet && k < 3; k++) { /* no detail: the last layer gives nothing */
            const int32_t n = gm_net_tensor_count(g->level[k].g);
            for (int32_t i = 0; i < n; i++)
                if (!strncmp(gm_net_tensor_name(g->level[k].g, i), "9.", 2)) memset(gm_net_tensor(g->level[k].g, i)->data, 0, (size_t)gm_net_tensor(g->level[k].g, i)->size * 4);
        }
        OK(gm_sample(m, 300, 7, &whole));
        ck_assert_int_eq(whole->size, 300 * 256);
        for (int64_t j = 0; j < whole->size; j++) ck_assert(gm__f32(whole)[j] >= 0 && gm__f32(whole)[j] <= 1);
        OK(gm_lapgan_sample_level(m, 3, 300, 7, NULL, &x));
        ck_assert(!memcmp(x->data, whole->data, (size_t)x->size * sizeof(float)));
        OK(gm_lapgan_sample_level(m, 1, 300, 7, NULL, &small));
        OK(gm__use_tape(ctx, &t));
        gm_tensor *up = gm_pyramid_up(t, gm_pyramid_up(t, small, 8, 8), 16, 16);
        const double off = furthest(gm__tape_contiguous(t, up), whole);
        ck_assert_msg(quiet ? off < 1e-6 : off > 1e-5, "%g", off);
        gm_tape_free(t);
        gm_tensor_free(x), gm_tensor_free(whole), gm_tensor_free(small);
        gm_model_free(m);
    }
}
END_TEST

/* A report shows the draws of coarser levels, enlarged pixel by pixel. */
START_TEST(inside)
{
    gm_model *m = lapgan("shape=1,16,16 levels=3 width=2 conditional=concat classes=3 seed=4");
    for (int32_t i = 0; i < 3; i++) {
        const char *title = NULL;
        gm_tensor *rows = NULL, *x = NULL;
        OK(m->family->inside(m, i, &title, &rows));
        ck_assert((i < 2) == (rows != NULL));
        if (!rows) continue;
        const int64_t f = 4 >> i, side = 16 / f;
        OK(gm_lapgan_sample_level(m, i + 1, rows->shape[0], 0, NULL, &x));
        for (int64_t j = 0; j < rows->size; j++) {
            const int64_t row = j / 256, y = j % 256 / 16 / f, c = j % 16 / f;
            ck_assert(gm__f32(rows)[j] == gm__f32(x)[(row * side + y) * side + c]);
        }
        ck_assert(title && strstr(title, "Level"));
        gm_tensor_free(rows), gm_tensor_free(x);
    }
    gm_model_free(m);
}
END_TEST

/* ---- gradients ------------------------------------------------------------------------------------ */

static gm_tensor *loss_of(gm_tape *t, gm_tensor *const *in, int32_t n, void *user)
{
    gm_model *m = user;
    gm__batch b = {.t = t, .x = in[n - 1]};
    gm_tensor *y = NULL;
    gm__lapgan_loss(m, &b, &y);
    return y;
}

START_TEST(gradients)
{
    gm_model *m = lapgan("shape=1,4,4 levels=2 noise-dim=2 seed=3 loss=least-squares generator='conv 2 k3 p1, tanh, conv 1 k3 p1' discriminator='conv 2 k2 s2, softplus, flatten, linear 1' "
                         "coarse-generator='linear 4, tanh' coarse-discriminator='conv 2 k2, tanh, flatten, linear 1'");
    const gm__lapgan *g = gm__lapgan_of(m);
    gm_tensor *w[32], *x = NULL;
    int32_t n = 0;
    double error = 1;
    for (int k = 0; k < 2; k++)
        for (int d = 0; d < 2; d++) {
            gm_net *net = d ? g->level[k].d : g->level[k].g;
            OK(gm__net_cast(net, GM_F64));
            for (int32_t i = 0; i < gm_net_tensor_count(net); i++) {
                w[n] = gm_net_tensor(net, i);
                for (int64_t j = 0; j < w[n]->size; j++) gm__f64(w[n])[j] = 0.7 * sin(3.1 * (double)j + n);
                OK(gm_tensor_set_grad(w[n++], 1));
            }
        }
    OK(gm_tensor_new(ctx, GM_F64, 4, (int64_t[]){3, 1, 4, 4}, &x));
    for (int64_t i = 0; i < x->size; i++) gm__f64(x)[i] = unit((uint32_t)i);
    OK(gm_tensor_set_grad(x, 1));
    w[n++] = x;
    OK(gm_gradcheck(ctx, loss_of, m, w, n, 2, &error));
    ck_assert_msg(error < 1e-5, "%g", error);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* ---- who learns -------------------------------------------------------------------------------------- */

START_TEST(half_steps)
{
    gm_dataset *d = pictures(60, 1);
    for (size_t i = 0; i < GM__COUNT(games); i++) {
        gm_model *m = lapgan(games[i]), *other = lapgan(games[i]);
        gm_trainer *tr = NULL, *by_steps = NULL;
        OK(gm_trainer_new(m, d, "batch=16", &tr));
        OK(gm_trainer_new(other, d, "batch=16", &by_steps));
        for (int k = 0; k < 3; k++) {
            bytes g = bytes_of(m, "generator"), c = bytes_of(m, "discriminator");
            const int64_t halves = gm__d_steps_at(gm__lapgan_cfg(m)->d_steps, k);
            for (int64_t j = 0; j < halves; j++) OK(gm_gan_d_step(tr, NULL));
            ck_assert_msg(same_as(g, m, "generator") && same_as(c, m, "discriminator") == !halves, "%s", games[i]);
            free(c.p);
            c = bytes_of(m, "discriminator");
            OK(gm_gan_g_step(tr, NULL));
            ck_assert_msg(!same_as(g, m, "generator") && same_as(c, m, "discriminator"), "%s", games[i]);
            OK(gm_trainer_step(by_steps, NULL));
            ck_assert_msg(same_weights(m, other), "%s", games[i]);
            free(g.p), free(c.p);
        }
        gm_trainer_free(tr), gm_trainer_free(by_steps);
        gm_model_free(m), gm_model_free(other);
    }
    gm_dataset_free(d);
}
END_TEST

/* A level trained alone gets the bytes that it gets among the others; the others keep theirs. */
START_TEST(each_level_alone)
{
    gm_dataset *d = pictures(60, 1);
    for (size_t i = 0; i < GM__COUNT(games); i++) {
        gm_model *all = lapgan(games[i]);
        OK(gm_fit(all, d, "steps=5 batch=16 ema=0.8"));
        for (int level = 1; level <= 2; level++) {
            char options[600], own[32], other[32];
            snprintf(options, sizeof options, "%s shape=1,4,4 level=%d", games[i], level);
            gm_model *m = lapgan(options), *later = lapgan(games[i]);
            for (int d2 = 0; d2 < 2; d2++) {
                snprintf(own, sizeof own, "%s_%d", d2 ? "discriminator" : "generator", level);
                snprintf(other, sizeof other, "%s_%d", d2 ? "discriminator" : "generator", 3 - level);
                bytes before = bytes_of(m, other);
                if (!d2) OK(gm_fit(m, d, "steps=5 batch=16 ema=0.8"));
                ck_assert_msg(same_as(before, m, other), "%s: %s", options, other);
                free(before.p);
                bytes among = bytes_of(all, own);
                ck_assert_msg(same_as(among, m, own), "%s: %s", options, own);
                free(among.p);
            }
            OK(gm_lapgan_set_level(later, level)); /* said afterwards */
            OK(gm_fit(later, d, "steps=5 batch=16 ema=0.8"));
            ck_assert(same_weights(m, later));
            gm_model_free(m), gm_model_free(later);
        }
        gm_model_free(all);
    }
    gm_dataset_free(d);
}
END_TEST

/* ---- the same bytes -------------------------------------------------------------------------------------- */

START_TEST(resumes_with_the_same_bytes)
{
    gm_dataset *d = pictures(70, 1);
    for (size_t i = 0; i < GM__COUNT(games); i++) {
        const char *how = i % 2 ? "steps=7 batch=16 ema=0.8 schedule=cosine" : "steps=7 batch=16 ema=0.8 optimizer=adamw clip-norm=1";
        whole_run(lapgan(games[i]), d, how);
        for (int at_step = 1; at_step < 7; at_step += 3) cut_run(lapgan(games[i]), d, how, at_step, i != 2, games[i]);
    }
    gm_dataset_free(d);
}
END_TEST

START_TEST(threads_files_and_samples)
{
    gm_dataset *d = pictures(70, 1);
    for (size_t i = 0; i < GM__COUNT(games); i++) any_threads("lapgan", games[i], d, "steps=4 batch=16", eleven_draws);
    gm_dataset_free(d);
}
END_TEST

/* ---- cut short -------------------------------------------------------------------------------------------- */

START_TEST(cut_short)
{
    gm_dataset *d = pictures(64, 1);
    gm_model *m = lapgan(games[0]);
    gm_trainer *tr = NULL;
    gm_tensor *x = NULL;
    OK(gm_trainer_new(m, d, "batch=16 steps=20", &tr));
    OK(gm_trainer_set_progress(tr, stop_at, &(int){2}, 0));
    ck_assert_int_eq(gm_trainer_run(tr), GM_ECANCELED);
    ck_assert_uint_eq(gm_trainer_steps(tr), 2);
    OK(gm_sample(m, 3, 0, &x));
    gm_tensor_free(x);
    gm_ctx_cancel(ctx);
    ck_assert_int_eq(gm_lapgan_sample_level(m, 1, 3, 0, NULL, &x), GM_ECANCELED);
    ck_assert_ptr_null(x);
    float *w = gm__f32(gm_net_tensor(gm__lapgan_of(m)->level[1].d, 0)), was = *w;
    *w = NAN;
    bytes all = bytes_of(m, "");
    ck_assert_int_eq(gm_trainer_step(tr, NULL), GM_ENONFINITE);
    ck_assert(same_as(all, m, ""));
    *w = was;
    OK(gm_trainer_step(tr, NULL));
    ck_assert(gm__trainer_series(tr, "d-loss-1") && gm__trainer_series(tr, "d-accuracy-2") && gm__series_points(gm__trainer_series(tr, "g-loss-2")) == 3);
    free(all.p);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- does it learn? ------------------------------------------------------------------------------------------ */

/* [n,1,8,8]: dark (label 0) or bright (1), and on it a chessboard that the coarse pictures cannot show. */
static gm_dataset *boards(int64_t n)
{
    gm_tensor *x = NULL, *label = NULL;
    gm_dataset *d = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){n, 1, 8, 8}, &x));
    OK(gm_tensor_new(ctx, GM_I64, 1, &n, &label));
    for (int64_t i = 0; i < n; i++) {
        const int64_t bright = ((int64_t *)gm_tensor_data(label))[i] = i % 2;
        for (int j = 0; j < 64; j++)
            gm__f32(x)[i * 64 + j] = (float)(0.3 + 0.4 * (double)bright + ((j / 8 + j) % 2 ? 0.15 : -0.15) + 0.05 * (unit((uint32_t)(i * 64 + j)) - 0.5));
    }
    OK(gm_dataset_from_tensors(ctx, x, label, &d));
    gm_tensor_free(x), gm_tensor_free(label);
    return d;
}

START_TEST(detail_and_labels)
{
    gm_dataset *d = boards(256);
    gm_model *m = lapgan("levels=2 width=8 noise-dim=4 conditional=concat seed=1");
    gm_tensor *x = NULL;
    OK(gm_fit(m, d, "steps=150 batch=32 lr=2e-3 ema=0.9"));
    OK(gm_sample(m, 64, 3, &x)); /* labels in turn */
    double board = 0, mean[2] = {0};
    for (int64_t i = 0; i < 64; i++)
        for (int j = 0; j < 64; j++) {
            const double v = (double)gm__f32(x)[i * 64 + j];
            mean[i % 2] += v / 32 / 64;
            board += ((j / 8 + j) % 2 ? v : -v) / 64 / 64;
        }
    ck_assert_msg(fabs(mean[0] - 0.3) < 0.1 && fabs(mean[1] - 0.7) < 0.1, "dark %g, bright %g", mean[0], mean[1]);
    ck_assert_msg(fabs(board - 0.15) < 0.05, "chessboard %g", board);
    gm_tensor_free(x);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- wrong input ------------------------------------------------------------------------------------------------ */

START_TEST(refused)
{
    static const struct { const char *options; gm_status code; const char *text; } cases[] = {
        {"shape=1,28,28 levels=4", GM_ESHAPE, "levels=4 wants sides that are multiples of 8, found 28 x 28"}, {"shape=3,32,30 levels=3", GM_ESHAPE, "32 x 30"},
        {"shape=7 levels=1", GM_ESHAPE, "[7]"}, {"shape=1,2,2 levels=2", GM_ESHAPE, "2 levels make them 1 x 1"}, {"levels=9", GM_EARG, "levels"}, {"levels=-1", GM_EARG, "levels"},
        {"levels=2 level=3", GM_EARG, "level=3 of levels=2"}, {"shape=1,16,16 level=4", GM_EARG, "level=4 of levels=2"}, {"width=0", GM_EARG, "width"},
        {"shape=1,4,4 generator='conv 2 k3 p1' levels=2", GM_ESHAPE, "the generator of level 2 gives [2,4,4], [1,4,4] wanted"},
        {"shape=1,4,4 discriminator='flatten, linear 2' levels=2", GM_ESHAPE, "the discriminator of level 2 gives [2], one logit wanted"},
        {"shape=1,4,4 coarse-generator='linear 3' levels=2", GM_ESHAPE, "the generator of level 1 gives [3], [1,2,2] wanted"},
        {"shape=1,4,4 coarse-discriminator='linar 1'", GM_EARG, "linar"}, {"d-steps=0", GM_EARG, "d-steps"}, {"loss=best", GM_EARG, "loss"}, {"penalty=clip", GM_EARG, "penalty"},
        {"conditional=projection", GM_EARG, "conditional"}, {"d-optimizer=newton", GM_EARG, "lapgan: d-optimizer"}, {"label-smoothing=0.1 loss=hinge", GM_EARG, "lapgan: label-smoothing"}};
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        gm_model *m = NULL;
        gm_status s = gm_model_new(ctx, "lapgan", cases[i].options, &m);
        ck_assert_msg(s == cases[i].code && strstr(gm_ctx_message(ctx), cases[i].text), "%s: %s: %s", cases[i].options, gm_status_name(s), gm_ctx_message(ctx));
        ck_assert_ptr_null(m);
    }
    gm_dataset *d = pictures(20, 1);
    gm_model *m = lapgan("levels=3"), *cond = lapgan("shape=1,4,4 levels=2 width=2 conditional=concat classes=3"), *other = NULL;
    gm_tensor *x = NULL, *label = NULL;
    FAILS(GM_ESTATE, "no weights yet", gm_lapgan_sample_level(m, 1, 1, 0, NULL, &x));
    FAILS(GM_ESHAPE, "1 x 1", gm_fit(m, d, "steps=1"));
    FAILS(GM_EARG, "8 classes, the model 3", gm_fit(cond, d, "steps=1"));
    FAILS(GM_EARG, "level must be 1 to 2, not 3", gm_lapgan_sample_level(cond, 3, 1, 0, NULL, &x));
    FAILS(GM_EARG, "n must be", gm_lapgan_sample_level(cond, 1, 0, 0, NULL, &x));
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){2}, (int64_t[]){0, 3}, &label));
    FAILS(GM_EARG, "label 3 of row 1", gm_lapgan_sample_level(cond, 1, 2, 0, label, &x));
    FAILS(GM_EARG, "level must be 0 to 2, not 3", gm_lapgan_set_level(cond, 3));
    OK(gm_model_new(ctx, "vae", "shape=3", &other));
    FAILS(GM_EARG, "family lapgan wanted, this is vae", gm_lapgan_set_level(other, 0));
    FAILS(GM_EARG, "family lapgan", gm_lapgan_sample_level(other, 1, 1, 0, NULL, &x));
    ck_assert_int_eq(gm_lapgan_levels(other) + gm_lapgan_levels(NULL) + gm_lapgan_levels(m), 0);
    ck_assert_int_eq(gm_lapgan_set_level(NULL, 1), GM_EARG);
    gm_model_free(m);
    m = lapgan("levels=2 width=2");
    FAILS(GM_EUNSUPPORTED, "lapgan: accumulate 2", gm_fit(m, d, "steps=1 accumulate=2"));
    gm_model_free(m);
    m = lapgan("levels=2 width=2");
    FAILS(GM_EUNSUPPORTED, "lapgan: keep-best", gm_fit(m, d, "steps=1 keep-best=on"));
    gm_tensor_free(label);
    gm_model_free(m), gm_model_free(cond), gm_model_free(other);
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lapgan");
    TCase *c = tcase_create("lapgan");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, how_many_levels);
    tcase_add_test(c, data_and_back);
    tcase_add_test(c, chained_draws);
    tcase_add_test(c, inside);
    tcase_add_test(c, gradients);
    tcase_add_test(c, half_steps);
    tcase_add_test(c, each_level_alone);
    tcase_add_test(c, resumes_with_the_same_bytes);
    tcase_add_test(c, threads_files_and_samples);
    tcase_add_test(c, cut_short);
    tcase_add_test(c, detail_and_labels);
    tcase_add_test(c, refused);
    suite_add_tcase(s, c);
    return run_suite(s);
}
