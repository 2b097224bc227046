/* gan_mnist.c - adversarial networks on MNIST, and on rings and grids of narrow Gaussians: do rows look like the data, do they cover
 * them, are labels obeyed?
 *
 *     gan_mnist DIR [defaults] [obey] [teach] [order] [ring] [grid] [epochs=N] [out=DIR] [judge=FILE]
 *
 * DIR holds mnist-{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz. Without names all run. What is drawn is judged by a cnn trained on
 * the real digits.
 *   defaults  no option: share of drawn digits that the judge is sure of; time
 *   obey      labels by concat and by acgan: how often the judge reads the label that was asked for
 *   teach     nearest neighbours among 10,000 drawn digits with labels: error on the real test digits (10,000 real ones: 5.2 %)
 *   order     Frechet distance of the judge's features: DCGAN below dense GAN and below VAE
 *   ring      eight Gaussians, 10 seeds: modes, share within 3 sigma (published with packing, far larger nets: 7.9, 95.6 %)
 *   grid      25 Gaussians, 10 seeds (24.8, 93.6 %)
 * What more than one of them wants is trained once. On two cores, in minutes: the judge 1; defaults, concat and acgan 2 each; the dense GAN and
 * the VAE of order 2; ring 4, grid 12.
 * Prints target beside reached; exit code 1 if a target is missed. */
#include "experiments/experiment.h"
#include "experiments/neighbours.h"

enum { DRAWN = 10000, SEEDS = 10 };

static const char *how_long(const char *usual, const char *rest)
{
    static char text[2][256];
    static int k;
    k = !k;
    if (epochs) snprintf(text[k], sizeof text[k], "epochs=%d %s", epochs, rest);
    else snprintf(text[k], sizeof text[k], "%s %s", usual, rest);
    return text[k];
}

/* ---- the judge ----------------------------------------------------------------------------- */

static gm_model *judge(void)
{
    static gm_model *m;
    if (m) return m;
    gm_dataset *d = open_labelled("train", "", 1), *test = open_labelled("t10k", "", 1);
    m = judge_of("seed=7", d, "epochs=4 batch=128 lr=2e-3 schedule=cosine");
    report("judge: accuracy on real test digits", measure(m, test, "metric=accuracy"), ">=", 0.985);
    gm_dataset_free(d);
    gm_dataset_free(test);
    return m;
}

typedef struct reading { double sure, obeyed; int classes; } reading;

/* Of drawn digits, row i asked to be i modulo 10: how many the judge gives 0.9 or more, reads as asked; which labels come up. */
static reading read_digits(gm_tensor *x)
{
    gm_tensor *p = NULL;
    reading r = {0};
    int seen[10] = {0};
    must(gm_predict(judge(), x, &p), "gm_predict");
    const int64_t n = gm_tensor_dim(p, 0);
    for (int64_t i = 0; i < n; i++) {
        const float *row = (const float *)gm_tensor_data(p) + 10 * i;
        int best = 0;
        for (int k = 1; k < 10; k++)
            if (row[k] > row[best]) best = k;
        r.sure += (row[best] >= 0.9f) / (double)n;
        r.obeyed += (best == i % 10) / (double)n;
        seen[best]++;
    }
    for (int k = 0; k < 10; k++) r.classes += seen[k] > n / 50;
    gm_tensor_free(p);
    return r;
}

static gm_tensor *drawn(gm_model *m)
{
    gm_tensor *x = NULL;
    must(gm_sample(m, DRAWN, 1, &x), "gm_sample");
    return x;
}

/* ---- digits ----------------------------------------------------------------------------------- */

/* GANs that more than one experiment looks at: trained once, kept until the end. */
typedef struct known { const char *name, *options; int labels; gm_model *m; double spent; } known;
static known plain = {.name = "defaults", .options = ""}, told[] = {{.name = "concat", .options = "conditional=concat seed=1", .labels = 1},
                                                                    {.name = "acgan", .options = "conditional=acgan seed=1", .labels = 1}};

static gm_model *known_gan(known *k)
{
    if (k->m) return k->m;
    gm_dataset *d = open_labelled("train", "", k->labels);
    const double start = processor();
    k->m = train(k->name, "gan", k->options, d, how_long("", ""));
    k->spent = processor() - start;
    gm_dataset_free(d);
    return k->m;
}

static void defaults(void)
{
    gm_tensor *x = drawn(known_gan(&plain));
    const reading r = read_digits(x);
    report("defaults: share the judge is sure of", r.sure, ">=", 0.8);
    report("defaults: labels that come up", r.classes, ">=", 10);
    report("defaults: processor minutes, of two cores", plain.spent / 120, "<=", 5);
    gm_tensor_free(x);
}

static void obey(void)
{
    for (int i = 0; i < 2; i++) {
        char what[80];
        gm_tensor *x = drawn(known_gan(&told[i]));
        snprintf(what, sizeof what, "%s: the label asked for is read", told[i].name);
        report(what, read_digits(x).obeyed, ">=", 0.97);
        gm_tensor_free(x);
    }
}

static void teach(void)
{
    gm_dataset *few = open_labelled("train", "[0:10000]", 1), *test = open_labelled("t10k", "", 1);
    gm_tensor *real[2], *held[2], *label = NULL, *x = drawn(known_gan(&told[0]));
    int64_t asked[DRAWN];
    for (int i = 0; i < DRAWN; i++) asked[i] = i % 10;
    gm_dataset *const sets[] = {few, test};
    gm_tensor **const into[] = {real, held};
    for (int i = 0; i < 2; i++) {
        must(gm_dataset_read(sets[i], "x", 0, gm_dataset_rows(sets[i]), &into[i][0]), "images");
        must(gm_dataset_read(sets[i], "label", 0, gm_dataset_rows(sets[i]), &into[i][1]), "labels");
    }
    must(gm_tensor_copy(ctx, GM_I64, 1, (const int64_t[]){DRAWN}, asked, &label), "labels");
    printf("  1-NN among 10,000 real digits: error %.4f\n", 1 - nearest_accuracy(real[0], real[1], held[0], held[1], 1));
    report("1-NN among 10,000 drawn digits: test error", 1 - nearest_accuracy(x, label, held[0], held[1], 1), "<=", 0.08);
    gm_tensor_free(x), gm_tensor_free(label);
    for (int i = 0; i < 2; i++) gm_tensor_free(real[i]), gm_tensor_free(held[i]);
    gm_dataset_free(few), gm_dataset_free(test);
}

/* Frechet distance of the judge's features of two sets of pictures. */
static double distance(gm_tensor *data, gm_tensor *x)
{
    gm_tensor *f[2];
    double value;
    must(gm_encode(judge(), data, &f[0]), "gm_encode");
    must(gm_encode(judge(), x, &f[1]), "gm_encode");
    must(gm_frechet(ctx, f[0], f[1], &value), "gm_frechet");
    gm_tensor_free(f[0]), gm_tensor_free(f[1]);
    return value;
}

static double distance_drawn(gm_tensor *real, gm_model *m, const char *name)
{
    gm_tensor *x = drawn(m);
    const double far = distance(real, x);
    printf("  %s: Frechet distance %.4g\n", name, far);
    gm_tensor_free(x);
    return far;
}

static void order(void)
{
    static const struct { const char *name, *family, *options, *how; } all[] = {
        {"dense", "gan", "preset=mlp hidden=256,512 seed=1", ""},
        {"vae", "vae", "hidden=400 latent=20 seed=1", "epochs=20 batch=128 lr=1e-3"}};
    gm_dataset *d = open_set("train", ""), *test = open_set("t10k", "");
    gm_tensor *real = NULL;
    must(gm_dataset_read(test, "x", 0, DRAWN, &real), "images");
    const double mine = distance_drawn(real, known_gan(&plain), "dcgan");
    for (int i = 0; i < 2; i++) {
        char what[80];
        gm_model *m = train(all[i].name, all[i].family, all[i].options, d, how_long(all[i].how, ""));
        snprintf(what, sizeof what, "Frechet distance, DCGAN over %s", all[i].name);
        report(what, mine / distance_drawn(real, m, all[i].name), "<=", 1);
        gm_model_free(m);
    }
    gm_tensor_free(real);
    gm_dataset_free(d), gm_dataset_free(test);
}

/* ---- known modes ---------------------------------------------------------------------------------- */

static void modes_of(const char *spec, const char *options, const char *how, gm_tensor *centres, double sigma, double least)
{
    double sum[3] = {0}, square[3] = {0};
    gm_dataset *d = NULL;
    must(gm_dataset_open(ctx, spec, &d), spec);
    for (int i = 0; i < SEEDS; i++) {
        char text[200];
        double v[3];
        gm_tensor *x = NULL;
        snprintf(text, sizeof text, "%s seed=%d", options, i);
        gm_model *m = train(spec, "gan", text, d, how_long(how, ""));
        must(gm_sample(m, 2500, 1, &x), "gm_sample");
        must(gm_modes(ctx, x, centres, sigma, v), "gm_modes");
        for (int k = 0; k < 3; k++) sum[k] += v[k] / SEEDS, square[k] += v[k] * v[k] / SEEDS;
        printf("  seed %d: %g modes, %.4f within 3 sigma, KL %.4g\n", i, v[0], v[1], v[2]);
        gm_tensor_free(x);
        gm_model_free(m);
    }
    for (int k = 0; k < 3; k++) printf("  %s: %.4g +- %.2g\n", k == 0 ? "modes" : k == 1 ? "share" : "KL", sum[k], sqrt(fmax(0, square[k] - sum[k] * sum[k])));
    report("modes, mean of 10 seeds", sum[0], ">=", least);
    report("share within 3 sigma, mean of 10 seeds", sum[1], ">=", 0.9);
    gm_dataset_free(d);
}

static void ring(void)
{
    float c[16];
    gm_tensor *centres = NULL;
    for (int k = 0; k < 8; k++) c[2 * k] = (float)cos(k * acos(-1) / 4), c[2 * k + 1] = (float)sin(k * acos(-1) / 4);
    must(gm_tensor_copy(ctx, GM_F32, 2, (const int64_t[]){8, 2}, c, &centres), "centres");
    modes_of("synth:ring8,n=100000", "", "", centres, 0.01, 7.5);
    gm_tensor_free(centres);
}

static void grid(void)
{
    float c[50];
    gm_tensor *centres = NULL;
    for (int k = 0; k < 25; k++) c[2 * k] = (float)(2 * (k % 5 - 2)), c[2 * k + 1] = (float)(2 * (k / 5 - 2));
    must(gm_tensor_copy(ctx, GM_F32, 2, (const int64_t[]){25, 2}, c, &centres), "centres");
    modes_of("synth:grid25,n=100000", "hidden=128,128,128", "steps=20000", centres, 0.05, 24);
    gm_tensor_free(centres);
}

int main(int argc, char **argv)
{
    static const experiment all[] = {{"defaults", defaults}, {"obey", obey}, {"teach", teach}, {"order", order}, {"ring", ring}, {"grid", grid}};
    const int code = run_experiments("gan_mnist", all, sizeof all / sizeof *all, argc, argv);
    gm_model_free(plain.m), gm_model_free(told[0].m), gm_model_free(told[1].m);
    return code;
}
