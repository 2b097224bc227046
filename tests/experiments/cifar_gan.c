/* cifar_gan.c - pictures from coarse to fine, and larger pictures, on CIFAR-10.
 *
 *     cifar_gan DIR [lapgan] [x2] [x4] [epochs=N] [out=DIR] [judge=FILE]
 *
 * DIR holds cifar10-train-10000.bin.gz and cifar10-test-2000.bin.gz. Without names all run.
 *   lapgan   pictures of three levels against a DCGAN's after as many steps: Frechet distance on features of a classifier of the data's labels
 *   x2, x4   pictures of 16x16, of 8x8, enlarged to 32x32: PSNR and SSIM of content alone against the bicubic enlargement, held out; then
 *            with the game: Frechet distance to the true pictures on such features, below that of content alone and of the
 *            bicubic enlargement (published for the game at x4: 2.65 dB below content alone)
 * On two cores: lapgan 40 minutes, x2 15, x4 8.
 * Prints target beside reached; exit code 1 if a target is missed. */
#include "experiments/experiment.h"

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

/* ---- levels against one level --------------------------------------------------------------- */

static void lapgan(void)
{
    gm_dataset *d = open_cifar("train-10000");
    const char *how = how_long(6000, "batch=64");
    gm_model *one = train("dcgan", "gan", "width=32 seed=1", d, how), *many = train("lapgan", "lapgan", "width=32 seed=1", d, how);
    const double distance[2] = {measure(one, d, "metric=frechet features=classifier n=10000"), measure(many, d, "metric=frechet features=classifier n=10000")};
    report("LAPGAN: Frechet distance over the DCGAN's", distance[1] / distance[0], "<=", 1);
    gm_model_free(one);
    gm_model_free(many);
    gm_dataset_free(d);
}

/* ---- larger pictures ---------------------------------------------------------------------------- */

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
    double psnr[2], far[3];
    must(gm_dataset_read(test, "x", 0, gm_dataset_rows(test), &x), "test pictures");
    y = bicubic(x, factor);
    far[2] = distance(x, y);
    gm_tensor_free(y);
    for (int game = 0; game < 2; game++) {
        snprintf(name, sizeof name, "srgan_x%d_%s", factor, game ? "game" : "content");
        snprintf(options, sizeof options, "factor=%d width=32 blocks=4 seed=1 %s", factor, game ? "pretrain=0.6 adversarial=0.005" : "pretrain=1");
        gm_model *m = train(name, "srgan", options, d, how_long(3000, "batch=32"));
        psnr[game] = measure(m, test, "metric=psnr");
        const double ssim = measure(m, test, "metric=ssim"), by_cubes[] = {measure(m, test, "metric=psnr_bicubic"), measure(m, test, "metric=ssim_bicubic")};
        measure(m, test, "metric=sharpness");
        must(gm_reconstruct(m, x, &y), name);
        far[game] = distance(x, y);
        if (!game) report("content: PSNR above bicubic by", psnr[0] - by_cubes[0], ">=", psnr_gain);
        if (!game) report("content: SSIM above bicubic by", ssim - by_cubes[1], ">=", 0.01);
        gm_tensor_free(y);
        gm_model_free(m);
    }
    report("game: PSNR below content by", psnr[0] - psnr[1], "<=", 3);
    printf("  Frechet distance to the true pictures: bicubic %.4f, content %.4f, game %.4f\n", far[2], far[0], far[1]);
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
