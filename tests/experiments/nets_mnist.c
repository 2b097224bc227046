/* nets_mnist.c - classifiers, deep and convolutional autoencoders and conditional VAEs on MNIST.
 *
 *     nets_mnist DIR [logistic] [mlp] [cnn] [deep] [plane] [conv] [conditional] [epochs=N] [out=DIR]
 *
 * DIR holds mnist-{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz. Without names all run:
 *   logistic, mlp, cnn   error or accuracy on the test images
 *   deep         784-1000-500-250-30: squared error a test image after 15 epochs (PCA with 30 numbers: 13.87)
 *   plane        a code of two numbers, judged by the 15 nearest training images of every test image (PCA: 45.1 %)
 *   conv         convolutional VAE, grey-level BCE: -ELBO of the test images
 *   conditional  784-200-200-50 told the label or not, equal training: difference of their -ELBO
 * Prints target beside reached; exit code 1 if a target is missed. */
#include "experiments/experiment.h"
#include "experiments/neighbours.h"

static const char *how_long(int usual, const char *rest)
{
    static char text[256];
    snprintf(text, sizeof text, "epochs=%d %s seed=1", epochs ? epochs : usual, rest);
    return text;
}

/* ---- classifiers ---------------------------------------------------------------- */

static void classify(const char *name, const char *family, const char *options, const char *how, double least)
{
    gm_dataset *d = open_labelled("train", "", 1), *test = open_labelled("t10k", "", 1);
    char what[80];
    double start = seconds();
    gm_model *m = train(name, family, options, d, how);
    const double spent = seconds() - start;
    snprintf(what, sizeof what, "%s: accuracy", name);
    report(what, measure(m, test, "metric=accuracy"), ">=", least);
    measure(m, test, "metric=cross_entropy");
    if (!strcmp(name, "cnn")) report("cnn: seconds of training", spent, "<=", 300);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

static void logistic(void) { classify("logistic", "mlp", "hidden=none seed=1", how_long(10, "batch=100 lr=1e-3 schedule=cosine"), 0.924); }
static void mlp(void) { classify("mlp", "mlp", "hidden=512,256 dropout=0.2 seed=1", how_long(10, "batch=128 lr=1e-3 schedule=cosine"), 0.983); }
static void cnn(void) { classify("cnn", "cnn", "seed=1", how_long(4, "batch=128 lr=2e-3 schedule=cosine"), 0.990); }

/* ---- autoencoders ------------------------------------------------------------------ */

static void deep(void)
{
    gm_dataset *d = open_set("train", ""), *test = open_set("t10k", "");
    gm_model *m = train("deep", "ae", "hidden=1000,500,250 latent=30 likelihood=gaussian seed=1", d, how_long(15, "batch=128 lr=1e-3 schedule=cosine"));
    report("784-1000-500-250-30: squared error an image", measure(m, test, "metric=squared_error"), "<=", 6.0);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

/* Codes [n,2] and labels of a whole data set. */
static void codes_of(gm_model *m, gm_dataset *d, gm_tensor **z, gm_tensor **label)
{
    gm_tensor *x = NULL;
    must(gm_dataset_read(d, "x", 0, gm_dataset_rows(d), &x), "images");
    must(gm_dataset_read(d, "label", 0, gm_dataset_rows(d), label), "labels");
    must(gm_encode(m, x, z), "gm_encode");
    gm_tensor_free(x);
}

static void plane(void)
{
    gm_dataset *d = open_labelled("train", "", 1), *test = open_labelled("t10k", "", 1);
    gm_tensor *z[2], *label[2];
    gm_model *m = train("plane", "ae", "hidden=1000,500,250 latent=2 seed=1", d, how_long(15, "batch=128 lr=1e-3 schedule=cosine"));
    codes_of(m, d, &z[0], &label[0]);
    codes_of(m, test, &z[1], &label[1]);
    measure(m, test, "metric=squared_error");
    report("code of two numbers: 15-NN accuracy", nearest_accuracy(z[0], label[0], z[1], label[1], 15), ">=", 0.70);
    for (int i = 0; i < 2; i++) gm_tensor_free(z[i]), gm_tensor_free(label[i]);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

/* ---- variational ---------------------------------------------------------------------- */

static void conv(void)
{
    gm_dataset *d = open_set("train", ""), *test = open_set("t10k", "");
    double start = seconds();
    gm_model *m = train("conv", "vae", "preset=conv channels=32,64 hidden=256 latent=32 seed=1", d, how_long(20, "batch=128 lr=1e-3 schedule=cosine"));
    const double spent = seconds() - start;
    report("convolutional VAE: -ELBO, nats", -measure(m, test, "metric=elbo"), "<=", 100);
    report("convolutional VAE: seconds of training", spent, "<=", 600);
    measure(m, test, "metric=kl");
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

static void conditional(void)
{
    gm_dataset *d = open_labelled("train", "", 1), *test = open_labelled("t10k", "", 1);
    double value[2];
    for (int i = 0; i < 2; i++) {
        const char *options = i ? "hidden=200,200 activation=tanh latent=50 binarize=dynamic conditional=on seed=1"
                                : "hidden=200,200 activation=tanh latent=50 binarize=dynamic seed=1";
        gm_model *m = train(i ? "conditional" : "unconditional", "vae", options, d, how_long(20, "batch=100 lr=1e-3 schedule=cosine"));
        value[i] = -measure(m, test, "metric=elbo seed=1");
        gm_model_free(m);
    }
    report("told the label: better by, nats", value[0] - value[1], ">=", 3);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

int main(int argc, char **argv)
{
    static const experiment all[] = {{"logistic", logistic}, {"mlp", mlp}, {"cnn", cnn}, {"deep", deep}, {"plane", plane}, {"conv", conv}, {"conditional", conditional}};
    return run_experiments("nets_mnist", all, sizeof all / sizeof *all, argc, argv);
}
