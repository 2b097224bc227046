/* cifar_gan.c - pictures from coarse to fine, and larger pictures, on CIFAR-10.
 *
 *     cifar_gan DIR [lapgan] [x2] [x4] [epochs=N] [out=DIR] [judge=FILE]
 *
 * DIR holds cifar10-train-10000.bin.gz and cifar10-test-2000.bin.gz. Without names all run.
 *   lapgan   pictures of three levels against a DCGAN's after as much processor time: Frechet distance to held-out pictures on features of a
 *            classifier of the data's labels
 *   x2, x4   pictures of 16x16, of 8x8, enlarged to 32x32: PSNR and SSIM of content alone against the bicubic enlargement, held out; then
 *            with the game: Frechet distance to the true pictures on such features, below that of content alone after as many steps and
 *            of the bicubic enlargement; sharper than content alone (published for the game at x4: 2.65 dB below it)
 * On two cores: lapgan 4 minutes, x2 4, x4 2.
 * Prints target beside reached; exit code 1 if a target is missed. */
#include "experiments/experiment.h"

#define RATES "batch=64 lr=1e-3 schedule=linear"

static gm_dataset *open_cifar(const char *which)
{
    char spec[2048];
    gm_dataset *d = NULL;
    snprintf(spec, sizeof spec, "cifar:%s/cifar10-%s.bin.gz", dir, which);
    must(gm_dataset_open(ctx, spec, &d), spec);
    return d;
}

static const char *how_long(int steps, const char *rest)
{
    static char text[4][256];
    static int k;
    k = (k + 1) % 4;
    snprintf(text[k], sizeof text[k], "%s=%d %s seed=1", epochs ? "epochs" : "steps", epochs ? epochs : steps, rest);
    return text[k];
}

/* ---- who judges --------------------------------------------------------------------------------- */

static gm_model *judge;

/* Features of pictures [N,3,32,32]: the last hidden layer of a classifier. */
static gm_tensor *features_of(gm_tensor *x)
{
    gm_tensor *y = NULL;
    if (!judge) {
        gm_dataset *d = open_cifar("train-10000");
        judge = judge_of("channels=16,32 hidden=64 seed=1", d, "steps=1200 batch=128 lr=0.002 schedule=cosine seed=1");
        gm_dataset_free(d);
    }
    must(gm_encode(judge, x, &y), "features");
    return y;
}

static double distance(gm_tensor *real, gm_tensor *made)
{
    gm_tensor *a = features_of(real), *b = features_of(made);
    double v;
    must(gm_frechet(ctx, a, b, &v), "gm_frechet");
    gm_tensor_free(a);
    gm_tensor_free(b);
    return v;
}

/* ---- levels against one level --------------------------------------------------------------- */

static double distance_drawn(gm_tensor *real, gm_model *m, const char *name)
{
    gm_tensor *x = NULL;
    must(gm_sample(m, gm_tensor_dim(real, 0), 1, &x), "gm_sample");
    const double v = distance(real, x);
    printf("  %s: Frechet distance %.4g\n", name, v);
    gm_tensor_free(x);
    return v;
}

/* The coarsest level by far the longest: the others have half of the picture already. */
static gm_model *levels(gm_dataset *d)
{
    static const int steps[] = {2000, 500, 500};
    gm_model *m = NULL;
    must(gm_model_new(ctx, "lapgan", "levels=3 seed=1 generator='conv 16 k3 p1 nobias init=dcgan, bnorm, relu, conv 16 k3 p1 nobias init=dcgan, bnorm, relu, conv 3 k3 p1 init=dcgan'", &m), "lapgan");
    for (int k = 0; k < 3; k++) {
        char name[32];
        snprintf(name, sizeof name, "lapgan level %d", k + 1);
        must(gm_lapgan_set_level(m, k + 1), name);
        fit(m, name, d, how_long(steps[k], RATES));
    }
    keep(m, "lapgan");
    return m;
}

static void lapgan(void)
{
    gm_dataset *d = open_cifar("train-10000"), *test = open_cifar("test-2000");
    gm_tensor *real = NULL;
    must(gm_dataset_read(test, "x", 0, gm_dataset_rows(test), &real), "test pictures");
    gm_tensor_free(features_of(real)); /* the judge is trained before time counts */
    const double start = processor();
    gm_model *many = levels(d);
    const double middle = processor();
    gm_model *one = train("dcgan", "gan", "seed=1", d, how_long(1700, RATES));
    report("LAPGAN: processor time over the DCGAN's", (middle - start) / (processor() - middle), "<=", 1.05);
    report("LAPGAN: Frechet distance over the DCGAN's", distance_drawn(real, many, "lapgan") / distance_drawn(real, one, "dcgan"), "<=", 1);
    gm_tensor_free(real);
    gm_model_free(one);
    gm_model_free(many);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

/* ---- larger pictures ------------------------------------------------------------------------ */

/* What interpolation makes of reduced pictures. */
static gm_tensor *bicubic(gm_tensor *x, int64_t factor)
{
    gm_tape *t = NULL;
    gm_tensor *y = NULL;
    float *pixels = malloc((size_t)gm_tensor_size(x) * sizeof *pixels);
    const int64_t k[] = {factor, factor}, shape[] = {gm_tensor_dim(x, 0), 3, 32, 32};
    must(gm_tape_new(ctx, 0, &t), "tape");
    gm_tape_recording(t, 0);
    gm_tensor *up = gm_clamp(t, gm_upsample2d(t, gm_avg_pool2d(t, x, k, NULL, NULL, 1), 32, 32, GM_BICUBIC), 0, 1);
    must(gm_tensor_read(up, pixels, (size_t)gm_tensor_size(x) * sizeof *pixels), "bicubic");
    must(gm_tensor_copy(ctx, GM_F32, 4, shape, pixels, &y), "bicubic");
    free(pixels);
    gm_tape_free(t);
    return y;
}

static void enlarge(int factor, double psnr_gain)
{
    gm_dataset *d = open_cifar("train-10000"), *test = open_cifar("test-2000");
    gm_tensor *x = NULL, *y = NULL;
    char name[32], options[160];
    double psnr[2], far[3], sharp[2];
    must(gm_dataset_read(test, "x", 0, gm_dataset_rows(test), &x), "test pictures");
    y = bicubic(x, factor);
    far[2] = distance(x, y);
    gm_tensor_free(y);
    for (int game = 0; game < 2; game++) {
        snprintf(name, sizeof name, "srgan_x%d_%s", factor, game ? "game" : "content");
        snprintf(options, sizeof options, "factor=%d width=32 blocks=4 seed=1 %s", factor, game ? "pretrain=0.6 adversarial=0.005" : "pretrain=1");
        gm_model *m = train(name, "srgan", options, d, how_long(1500, "batch=32"));
        psnr[game] = measure(m, test, "metric=psnr");
        const double ssim = measure(m, test, "metric=ssim"), by_cubes[] = {measure(m, test, "metric=psnr_bicubic"), measure(m, test, "metric=ssim_bicubic")};
        sharp[game] = measure(m, test, "metric=sharpness");
        must(gm_reconstruct(m, x, &y), name);
        far[game] = distance(x, y);
        if (!game) report("content: PSNR above bicubic by", psnr[0] - by_cubes[0], ">=", psnr_gain);
        if (!game) report("content: SSIM above bicubic by", ssim - by_cubes[1], ">=", 0.01);
        gm_tensor_free(y);
        gm_model_free(m);
    }
    report("game: PSNR below content by", psnr[0] - psnr[1], "<=", 3);
    printf("  Frechet distance to the true pictures: bicubic %.4f, content %.4f, game %.4f\n", far[2], far[0], far[1]);
    report("game: sharpness over content's", sharp[1] / sharp[0], ">=", 1);
    report("game: Frechet distance over content's", far[1] / far[0], "<=", 1);
    report("game: Frechet distance over bicubic's", far[1] / far[2], "<=", 1);
    gm_tensor_free(x);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

static void x2(void) { enlarge(2, 1); }
static void x4(void) { enlarge(4, 0.3); }

int main(int argc, char **argv)
{
    static const experiment all[] = {{"lapgan", lapgan}, {"x2", x2}, {"x4", x4}};
    const int code = run_experiments("cifar_gan", all, sizeof all / sizeof *all, argc, argv);
    gm_model_free(judge);
    return code;
}
