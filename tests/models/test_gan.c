/* test_gan.c - the GAN's losses, penalties and verbs against definitions and closed forms; what it refuses. */
#include "models/gan/gan.h"
#include "models/models_test.h"

static gm_model *gan(const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "gan", options, &m));
    return m;
}

static gm_tensor *wide(int64_t n, const double *v)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_copy(ctx, GM_F64, 1, &n, v, &x));
    OK(gm_tensor_set_grad(x, 1));
    return x;
}

/* ---- losses ------------------------------------------------------------------------------ */

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* Hand computation from probabilities and logits, two pairs. */
static double by_hand(int loss, bool d, const double *r, const double *f, double smooth)
{
    double sum = 0;
    for (int i = 0; i < 2; i++) {
        const double pr = sigmoid(r[i]), pf = sigmoid(f[i]);
        switch (loss) {
        case GM_GAN_MINIMAX: sum += d ? -(1 - smooth) * log(pr) - smooth * log(1 - pr) - log(1 - pf) : log(1 - pf); break;
        case GM_GAN_NON_SATURATING: sum += d ? -(1 - smooth) * log(pr) - smooth * log(1 - pr) - log(1 - pf) : -log(pf); break;
        case GM_GAN_LEAST_SQUARES: sum += d ? 0.5 * pow(r[i] - (1 - smooth), 2) + 0.5 * f[i] * f[i] : 0.5 * pow(f[i] - 1, 2); break;
        case GM_GAN_HINGE: sum += d ? fmax(0, 1 - r[i]) + fmax(0, 1 + f[i]) : -f[i]; break;
        case GM_GAN_WASSERSTEIN: sum += d ? f[i] - r[i] : -f[i]; break;
        default: sum += d ? -log(sigmoid(r[i] - f[i])) : -log(sigmoid(f[i] - r[i])); break;
        }
    }
    return sum / 2;
}

START_TEST(losses_by_hand)
{
    const double r[] = {0.7, -1.3}, f[] = {0.4, -2.1}, sure[] = {1e4, 1e4}, never[] = {-1e4, -1e4};
    gm_tape *t = NULL;
    OK(gm_tape_new(ctx, 0, &t));
    for (int loss = 0; loss <= GM_GAN_RELATIVISTIC; loss++) {
        gm_tensor *real = wide(2, r), *fake = wide(2, f), *high = wide(2, sure), *low = wide(2, never);
        double v;
        for (int k = 0; k < 2; k++) {
            const double smooth = loss < GM_GAN_HINGE ? 0.1 * k : 0;
            OK(gm_tensor_item(gm_gan_d_loss(t, loss, real, fake, smooth), &v));
            ck_assert_double_eq_tol(v, by_hand(loss, true, r, f, smooth), 1e-12);
        }
        OK(gm_tensor_item(gm_gan_g_loss(t, loss, real, fake), &v));
        ck_assert_double_eq_tol(v, by_hand(loss, false, r, f, 0), 1e-12);
        OK(gm_tensor_item(gm_gan_d_loss(t, loss, low, high, 0), &v)); /* as wrong as can be */
        ck_assert(isfinite(v));
        OK(gm_tensor_item(gm_gan_g_loss(t, loss, high, low), &v));
        ck_assert(isfinite(v));
        gm_tape_reset(t);
        gm_tensor_free(real), gm_tensor_free(fake), gm_tensor_free(high), gm_tensor_free(low);
    }
    ck_assert_ptr_null(gm_gan_d_loss(t, 7, NULL, NULL, 0));
    ck_assert_ptr_nonnull(strstr(gm_tape_message(t), "7"));
    gm_tape_reset(t);
    ck_assert_ptr_null(gm_gan_g_loss(t, GM_GAN_RELATIVISTIC, NULL, NULL));
    gm_tape_free(t);
}
END_TEST

static gm_tensor *one_loss(gm_tape *t, gm_tensor *const *in, int32_t n, void *user)
{
    const int loss = *(const int *)user;
    GM__UNUSED(n);
    return gm_add(t, gm_gan_d_loss(t, loss, in[0], in[1], loss < GM_GAN_HINGE ? 0.1 : 0), gm_affine(t, gm_gan_g_loss(t, loss, in[0], in[1]), 0.7, 0));
}

START_TEST(gradients_of_losses)
{
    const double r[] = {0.7, -1.3, 0.1}, f[] = {0.4, -2.1, 1.2};
    for (int loss = 0; loss <= GM_GAN_RELATIVISTIC; loss++) {
        gm_tensor *in[] = {wide(3, r), wide(3, f)};
        double error = 1;
        OK(gm_gradcheck(ctx, one_loss, &loss, in, 2, loss == GM_GAN_HINGE ? 1 : 2, &error));
        ck_assert_msg(error < 1e-6, "loss %d: %g", loss, error);
        gm_tensor_free(in[0]), gm_tensor_free(in[1]);
    }
}
END_TEST

/* A discriminator that is right about all: minimax says nothing any more, the other loss still does. */
START_TEST(a_perfect_discriminator)
{
    gm_tape *t = NULL;
    gm_tensor *fake = wide(4, (double[]){-12, -13, -14, -15});
    double norm[2];
    OK(gm_tape_new(ctx, 0, &t));
    for (int loss = 0; loss < 2; loss++) {
        norm[loss] = 0;
        OK(gm_tape_backward(t, gm_gan_g_loss(t, loss, NULL, fake)));
        for (int i = 0; i < 4; i++) norm[loss] += pow(gm__f64(gm_tensor_grad(fake))[i], 2);
        gm_tensor_clear_grad(fake);
        gm_tape_reset(t);
    }
    ck_assert_double_lt(sqrt(norm[GM_GAN_MINIMAX]), 1e-4);
    ck_assert_double_gt(sqrt(norm[GM_GAN_NON_SATURATING]), 1e-2);
    gm_tensor_free(fake);
    gm_tape_free(t);
}
END_TEST

/* ---- penalties ---------------------------------------------------------------------------- */

static gm_tensor *rows64(int64_t n, int64_t row, double phase)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){n, row}, &x));
    for (int64_t i = 0; i < n * row; i++) gm__f64(x)[i] = sin(1.3 * (double)i + phase);
    return x;
}

/* A linear discriminator has the same slope everywhere: its weights. */
START_TEST(penalties_in_closed_form)
{
    static const char *const names[] = {"gp", "r1", "r2", "dragan"};
    const double w[] = {0.6, -1.1, 0.3}, squared = 0.36 + 1.21 + 0.09, away = pow(sqrt(squared) - 1, 2);
    const double want[] = {7 * away, 7 * squared / 2, 7 * squared, 7 * away};
    for (int i = 0; i < 4; i++)
        for (int pack = 1; pack < 3; pack++) {
            char options[200];
            snprintf(options, sizeof options, "shape=3 hidden=4 discriminator='linear 1' loss=wasserstein penalty=%s penalty-weight=7 pack=%d", names[i], pack);
            gm_model *m = gan(options);
            gm_tensor *d = gm_net_tensor(gm__gan_of(m)->d, 0), *real = rows64(4, 3, 0.1), *fake = rows64(4, 3, 1.4);
            gm_tape *t = NULL;
            double v;
            OK(gm__net_cast(gm__gan_of(m)->d, GM_F64));
            d = gm_net_tensor(gm__gan_of(m)->d, 0);
            for (int j = 0; j < 3 * pack; j++) gm__f64(d)[j] = w[j % 3];
            OK(gm_tape_new(ctx, 3, &t));
            gm_tensor *p = gm__gan_penalty(m, t, real, fake, NULL);
            ck_assert_msg(p != NULL, "%s", gm_tape_message(t));
            OK(gm_tensor_item(p, &v));
            const double both = pack * squared, packed = i == 0 || i == 3 ? 7 * pow(sqrt(both) - 1, 2) : want[i] * pack;
            ck_assert_msg(fabs(v - packed) < 1e-6, "%s, pack %d: %g, not %g", names[i], pack, v, packed);
            gm_tape_free(t);
            gm_tensor_free(real), gm_tensor_free(fake);
            gm_model_free(m);
        }
}
END_TEST

typedef struct penalised { gm_model *m; gm_tensor *real, *fake; } penalised;
static gm_tensor *penalty_of(gm_tape *t, gm_tensor *const *in, int32_t n, void *user)
{
    const penalised *p = user;
    GM__UNUSED(in), GM__UNUSED(n);
    return gm__gan_penalty(p->m, t, p->real, p->fake, NULL);
}

/* The gradient of a penalty by D's weights, which is a second derivative, against finite differences. */
START_TEST(gradients_of_penalties)
{
    static const char *const names[] = {"gp", "r1", "r2", "dragan"};
    static const char *const nets[] = {"linear 5, tanh, linear 4, softplus, linear 1", "linear 6, silu, lnorm, linear 1"};
    for (int i = 0; i < 8; i++) {
        char options[300];
        snprintf(options, sizeof options, "shape=3 hidden=4 discriminator='%s' penalty=%s seed=4", nets[i / 4], names[i % 4]);
        gm_model *m = gan(options);
        gm_net *d = gm__gan_of(m)->d;
        OK(gm__net_cast(d, GM_F64));
        penalised p = {m, rows64(5, 3, 0.1), rows64(5, 3, 1.4)};
        gm_tensor *w[8];
        int32_t n = 0;
        double error = 1;
        for (int32_t k = 0; k + 1 < gm_net_tensor_count(d); k++) { /* the last bias has no part in it */
            w[n] = gm_net_tensor(d, k);
            OK(gm_tensor_set_grad(w[n++], 1));
        }
        OK(gm_gradcheck(ctx, penalty_of, &p, w, n, 1, &error));
        ck_assert_msg(error < 1e-5, "%s: %g", options, error);
        gm_tensor_free(p.real), gm_tensor_free(p.fake);
        gm_model_free(m);
    }
}
END_TEST

/* ---- nets ------------------------------------------------------------------------------------ */

static const char *text_of(const gm_model *m, int i) { return gm_net_text(m->nets[i].net); }

START_TEST(presets)
{
    static const struct { const char *shape, *more; int preset; } cases[] = {
        {"2", "", GM_GAN_MLP}, {"1,28,28", "", GM_GAN_DCGAN}, {"3,32,32", "", GM_GAN_DCGAN}, {"3,64,64", "width=4", GM_GAN_DCGAN},
        {"1,8,8", "", GM_GAN_MLP}, {"1,30,30", "", GM_GAN_MLP}, {"28,28", "", GM_GAN_DCGAN}, {"1,16,8", "", GM_GAN_MLP},
        {"1,8,8", "preset=dcgan width=4", GM_GAN_DCGAN}, {"1,12,12", "preset=resnet width=2 mbstd=on", GM_GAN_RESNET},
        {"1,28,28", "preset=resnet width=2 penalty=gp", GM_GAN_RESNET}, {"3,32,32", "width=4 mbstd=on spectral=on pack=2", GM_GAN_DCGAN},
        {"28,28", "dense=0", GM_GAN_DCGAN}, {"3,32,32", "width=4 dense=9 mbstd=on spectral=on pack=2", GM_GAN_DCGAN}, {"3,32,32", "width=4 dense=9 penalty=r1", GM_GAN_DCGAN}};
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        char options[160];
        snprintf(options, sizeof options, "shape=%s %s", cases[i].shape, cases[i].more);
        gm_model *m = gan(options);
        gm_tensor *x = NULL, *judged = NULL;
        ck_assert_int_eq(gm__gan_cfg(m)->preset, cases[i].preset);
        OK(gm_sample(m, 4, 1, &x));
        OK(gm_gan_discriminate(m, x, NULL, &judged));
        ck_assert_int_eq(judged->size, 4 / gm__gan_cfg(m)->pack);
        if (cases[i].preset == GM_GAN_DCGAN) { /* nothing pooled, dense layers where asked for and in small pictures, rows in [0,1] */
            const bool dense = gm__gan_cfg(m)->dense > 0;
            ck_assert(!strstr(text_of(m, 0), "linear") == !dense && !strstr(text_of(m, 1), "linear") == !dense && !strstr(text_of(m, 1), "pool"));
            ck_assert_int_eq(gm__gan_cfg(m)->dense, strstr(cases[i].more, "dense=0") ? 0 : strstr(cases[i].more, "dense=9") ? 9 : m->shape[m->ndim - 1] < 32 ? 256 : 0);
            for (int64_t j = 0; j < x->size; j++) ck_assert(gm__f32(x)[j] >= 0 && gm__f32(x)[j] <= 1);
        }
        if (strstr(cases[i].more, "spectral")) ck_assert(strstr(text_of(m, 1), "spectral") != NULL);
        if (strstr(cases[i].more, "spectral") || strstr(cases[i].more, "r1")) ck_assert(!strstr(text_of(m, 1), "bnorm"));
        gm_tensor_free(x), gm_tensor_free(judged);
        gm_model_free(m);
    }
}
END_TEST

/* Rates that the DCGAN's own nets bear are not those of other nets. */
START_TEST(usual_training)
{
    static const struct { const char *options, *rate; } cases[] = {
        {"shape=2", "lr=3e-3"}, {"shape=1,28,28 width=2 dense=4", "lr=2e-3"}, {"shape=28,28 width=2 dense=0", "lr=2e-3"}, {"shape=3,32,32 width=2", "lr=1e-3"},
        {"shape=1,28,28 preset=mlp", "lr=2e-4"}, {"shape=1,12,12 preset=resnet width=2", "lr=2e-4"}, {"shape=1,30,30", "lr=2e-4"},
        {"shape=1,28,28 width=2 dense=4 generator='linear 784, tanh'", "lr=2e-4"}, {"shape=3,32,32 width=2 discriminator='flatten, linear 1'", "lr=2e-4"}};
    gm_dataset *d = NULL;
    OK(gm_dataset_open(ctx, "synth:moons,n=8", &d));
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        gm_model *m = gan(cases[i].options);
        ck_assert_msg(strstr(gm__family_gan.usual(m, d), cases[i].rate) != NULL, "%s: %s", cases[i].options, gm__family_gan.usual(m, d));
        gm_model_free(m);
    }
    gm_dataset_free(d);
}
END_TEST

START_TEST(every_layer_spectral)
{
    gm_model *m = gan("shape=1,8,8 spectral=on discriminator='cond, conv 4 k3 p1 , lrelu 0.2, res(conv 4 k3 p1 spectral, relu), flatten,linear 1' conditional=concat classes=3");
    const char *text = text_of(m, 1);
    int n = 0;
    for (const char *p = text; (p = strstr(p, "spectral")); p++) n++;
    ck_assert_msg(n == 3, "%s", text);
    gm_model_free(m);
}
END_TEST

/* ---- codes ------------------------------------------------------------------------------------- */

START_TEST(codes_and_samples)
{
    static const char *const options[] = {"shape=3 hidden=6 noise-dim=4 seed=2", "shape=3 hidden=6 noise-dim=4 noise=uniform", "shape=3 hidden=6 codes=3,2 codes-uniform=2",
                                          "shape=3 hidden=6 truncation=0.5", "shape=3 hidden=6 conditional=concat classes=3"};
    for (size_t i = 0; i < GM__COUNT(options); i++) {
        gm_model *m = gan(options[i]);
        gm_tensor *x = NULL, *z = NULL, *y = NULL, *label = NULL;
        const int64_t n = 300;
        OK(gm_sample(m, n, 9, &x));
        OK(gm_gan_noise(m, n, 9, 0, &z));
        OK(gm_tensor_new(ctx, GM_I64, 1, &n, &label));
        for (int64_t j = 0; j < n; j++) ((int64_t *)gm_tensor_data(label))[j] = j % 3;
        OK(gm_model_apply(m, GM_CAN_DECODE, z, i == 4 ? label : NULL, &y));
        ck_assert_double_lt(furthest(x, y), 1e-6);
        if (i == 1)
            for (int64_t j = 0; j < z->size; j++) ck_assert(fabsf(gm__f32(z)[j]) <= 1);
        if (i == 2)
            for (int64_t j = 0; j < n; j++) {
                const float *c = gm__f32(z) + j * z->shape[1] + 3;
                ck_assert(c[0] + c[1] + c[2] == 1 && c[3] + c[4] == 1 && fabsf(c[5]) <= 1 && fabsf(c[6]) <= 1);
            }
        if (i == 3)
            for (int64_t j = 0; j < z->size; j++) ck_assert(fabsf(gm__f32(z)[j]) <= 0.5f);
        gm_tensor_free(x), gm_tensor_free(z), gm_tensor_free(y), gm_tensor_free(label);
        gm_model_free(m);
    }
}
END_TEST

START_TEST(paths)
{
    gm_tensor *a = NULL, *b = NULL, *p = NULL;
    const float va[] = {3, 0, 0}, vb[] = {0, 1, 0};
    OK(gm_tensor_copy(ctx, GM_F32, 1, (int64_t[]){3}, va, &a));
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){1, 3}, vb, &b));
    OK(gm_gan_path(ctx, a, b, 5, 0, &p));
    for (int i = 0; i < 5; i++) ck_assert_float_eq_tol(gm__f32(p)[i * 3], 3 * (1 - (float)i / 4), 1e-6);
    gm_tensor_free(p);
    OK(gm_gan_path(ctx, a, b, 5, 1, &p));
    for (int i = 0; i < 5; i++) { /* a quarter of a circle, lengths from 3 to 1 */
        const double u = i / 4.0, length = 3 * (1 - u) + u, angle = u * acos(0);
        ck_assert_double_eq_tol((double)gm__f32(p)[i * 3], length * cos(angle), 1e-5);
        ck_assert_double_eq_tol((double)gm__f32(p)[i * 3 + 1], length * sin(angle), 1e-5);
    }
    gm_tensor_free(p);
    FAILS(GM_EARG, "steps", gm_gan_path(ctx, a, b, 1, 0, &p));
    gm_tensor_free(b);
    OK(gm_tensor_new(ctx, GM_F32, 1, (int64_t[]){2}, &b));
    FAILS(GM_ESHAPE, "3 and 2", gm_gan_path(ctx, a, b, 4, 0, &p));
    gm_tensor_free(a), gm_tensor_free(b);
}
END_TEST

/* What the generator makes can be found again: the code that encode gives is of nearly the same row. */
START_TEST(projection)
{
    gm_model *m = gan("shape=12 hidden=32 noise-dim=3 seed=5");
    gm_tensor *x = NULL, *y = NULL, *path = NULL, *one = NULL, *other = NULL;
    OK(gm_sample(m, 6, 3, &x));
    OK(gm_reconstruct(m, x, &y));
    double size = 0, error = 0;
    for (int64_t i = 0; i < x->size; i++) size += pow((double)gm__f32(x)[i], 2), error += pow((double)(gm__f32(x)[i] - gm__f32(y)[i]), 2);
    ck_assert_msg(error < 1e-3 * size, "%g of %g", error, size);
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){1, 12}, x->data, &one));
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){1, 12}, gm__f32(x) + 12, &other));
    OK(gm_interpolate(m, one, other, 4, &path));
    ck_assert_int_eq(path->shape[0], 4);
    gm_tensor_free(x), gm_tensor_free(y), gm_tensor_free(path), gm_tensor_free(one), gm_tensor_free(other);
    gm_model_free(m);
}
END_TEST

/* ---- files --------------------------------------------------------------------------------------- */

START_TEST(the_generator_alone)
{
    static const char *const options[] = {"shape=3 hidden=6", "shape=3 hidden=6 conditional=embedding classes=4 seed=7", "shape=1,8,8 preset=dcgan width=4 conditional=projection classes=2",
                                          "shape=3 generator='linear 4, bnorm, relu, linear 3' codes=3 hidden=5"};
    for (size_t i = 0; i < GM__COUNT(options); i++) {
        gm_model *m = gan(options[i]), *g = NULL, *whole = NULL;
        gm_tensor *a = NULL, *b = NULL, *c = NULL, *no = NULL;
        OK(gm_model_save(m, at("whole")));
        OK(gm_gan_export_generator(m, at("alone")));
        OK(gm_model_load(ctx, at("alone"), &g));
        OK(gm_model_load(ctx, at("whole"), &whole));
        ck_assert_int_lt(gm_model_parameters(g), gm_model_parameters(m));
        OK(gm_sample(m, 9, 4, &a));
        OK(gm_sample(g, 9, 4, &b));
        OK(gm_sample(whole, 9, 4, &c));
        ck_assert(!memcmp(a->data, b->data, (size_t)a->size * sizeof(float)) && !memcmp(a->data, c->data, (size_t)a->size * sizeof(float)));
        FAILS(GM_ESTATE, "generator alone", gm_gan_discriminate(g, a, NULL, &no));
        ck_assert_int_eq(gm_score(g, a, &no), GM_EUNSUPPORTED);
        OK(gm_gan_export_generator(g, at("again")));
        ck_assert(same_files(at("alone"), at("again")));
        gm_tensor_free(a), gm_tensor_free(b), gm_tensor_free(c);
        gm_model_free(m), gm_model_free(g), gm_model_free(whole);
    }
}
END_TEST

/* ---- wrong input ------------------------------------------------------------------------------------ */

START_TEST(refused_options)
{
    static const struct { const char *options; gm_status code; const char *text; } cases[] = {
        {"shape=1,4,4 preset=dcgan", GM_ESHAPE, "4 x 4"}, {"shape=1,28,30 preset=dcgan", GM_ESHAPE, "28 x 30"},
        {"shape=1,9,9 preset=resnet", GM_ESHAPE, "9 x 9"}, {"shape=5 preset=dcgan", GM_ESHAPE, "[5]"},
        {"shape=1,28,28 generator='linear 10'", GM_ESHAPE, "the generator gives [10], a row of the data is [1,28,28]"},
        {"shape=3 discriminator='linear 2'", GM_ESHAPE, "the discriminator gives [2], 1 wanted"},
        {"shape=3 discriminator='linear 1' codes=4", GM_ESHAPE, "5 wanted"}, {"shape=3 generator='linar 3'", GM_EARG, "linar"},
        {"d-steps=0", GM_EARG, "d-steps"}, {"d-steps=-1", GM_EARG, "d-steps"}, {"pack=0", GM_EARG, "pack"}, {"loss=best", GM_EARG, "loss"},
        {"penalty=l2", GM_EARG, "penalty"}, {"d-optimizer=newton", GM_EARG, "newton"}, {"label-smoothing=0.1 loss=hinge", GM_EARG, "hinge"},
        {"pack=2 conditional=concat", GM_EARG, "pack=2"}, {"pack=2 codes=3", GM_EARG, "pack=2"}, {"codes=1", GM_EARG, "found 1"},
        {"truncation=1 noise=uniform", GM_EARG, "uniform"}, {"spectral=on penalty=clip", GM_EARG, "clip"}, {"hidden=0", GM_EARG, "hidden"},
        {"noise-dim=-1", GM_EARG, "noise-dim"}, {"instance-noise=-1", GM_EARG, "instance-noise"}};
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        gm_model *m = NULL;
        gm_status s = gm_model_new(ctx, "gan", cases[i].options, &m);
        ck_assert_msg(s == cases[i].code && strstr(gm_ctx_message(ctx), cases[i].text), "%s: %s: %s", cases[i].options, gm_status_name(s), gm_ctx_message(ctx));
        ck_assert_ptr_null(m);
    }
}
END_TEST

START_TEST(refused_use)
{
    gm_dataset *d = pictures(20, 1);
    gm_model *m = gan("hidden=6"), *other = NULL, *cond = gan("shape=3 hidden=4 conditional=concat classes=3");
    gm_tensor *x = NULL, *y = NULL, *label = NULL;
    FAILS(GM_ESTATE, "no weights yet", gm_gan_noise(m, 3, 0, 0, &y));
    FAILS(GM_EUNSUPPORTED, "accumulate 2", gm_fit(m, d, "steps=1 accumulate=2"));
    gm_model_free(m);
    m = gan("hidden=6 pack=8");
    FAILS(GM_EARG, "pack=8", gm_fit(m, d, "steps=1 batch=4"));
    FAILS(GM_EUNSUPPORTED, "keep-best", gm_fit(m, d, "steps=1 keep-best=on"));
    OK(gm_fit(m, d, "steps=2 batch=8"));
    OK(gm_sample(m, 9, 0, &x));
    FAILS(GM_ESHAPE, "9 rows are not a multiple of pack=8", gm_gan_discriminate(m, x, NULL, &y));
    ck_assert_int_eq(gm_score(m, x, &y), GM_EUNSUPPORTED);
    FAILS(GM_EARG, "n must be", gm_gan_noise(m, 0, 0, 0, &y));
    FAILS(GM_EARG, "truncation", gm_gan_noise(m, 1, 0, -1, &y));
    FAILS(GM_EARG, "path", gm_gan_export_generator(m, NULL));
    gm_tensor_free(x);
    OK(gm_sample(cond, 3, 0, &x));
    FAILS(GM_EARG, "labels", gm_gan_discriminate(cond, x, NULL, &y));
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){3}, (int64_t[]){0, 3, 1}, &label));
    FAILS(GM_EARG, "label 3 of row 1", gm_gan_discriminate(cond, x, label, &y));
    gm_sampler *s = NULL;
    OK(gm_sampler_new(ctx, cond, NULL, &s));
    FAILS(GM_EARG, "label 3", gm_sampler_draw(s, 3, label, &y));
    gm_sampler_free(s);
    OK(gm_model_new(ctx, "vae", "shape=3", &other));
    FAILS(GM_EARG, "family gan wanted, this is vae", gm_gan_discriminate(other, x, NULL, &y));
    FAILS(GM_EARG, "family gan", gm_gan_export_generator(other, at("x")));
    ck_assert_int_eq(gm_gan_discriminate(NULL, x, NULL, &y), GM_EARG);
    ck_assert_int_eq(gm_gan_d_step(NULL, NULL), GM_EARG);
    FAILS(GM_ESHAPE, "a code has", gm_decode(m, x, &y));
    gm_tensor_free(x), gm_tensor_free(label);
    gm_model_free(m), gm_model_free(other), gm_model_free(cond);
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gan");
    TCase *c = tcase_create("gan");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, losses_by_hand);
    tcase_add_test(c, gradients_of_losses);
    tcase_add_test(c, a_perfect_discriminator);
    tcase_add_test(c, penalties_in_closed_form);
    tcase_add_test(c, gradients_of_penalties);
    tcase_add_test(c, presets);
    tcase_add_test(c, usual_training);
    tcase_add_test(c, every_layer_spectral);
    tcase_add_test(c, codes_and_samples);
    tcase_add_test(c, paths);
    tcase_add_test(c, projection);
    tcase_add_test(c, the_generator_alone);
    tcase_add_test(c, refused_options);
    tcase_add_test(c, refused_use);
    suite_add_tcase(s, c);
    return run_suite(s);
}
