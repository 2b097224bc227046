/* engine_mnist.c - autoencoders, convolutional and conditional VAE, and classifiers on MNIST.
 *
 *     engine_mnist DIR [deep] [code2] [conv] [conditional] [cnn] [mlp] [logistic] [epochs=N] [out=DIR]
 *
 * DIR holds mnist-{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz.
 *   deep         784-1000-500-250-30 autoencoder, 15 epochs: squared error of a test image (PCA-30: 13.865; Hinton &
 *                Salakhutdinov 2006: 3.0)
 *   code2        a code of two numbers: accuracy of 15 nearest neighbours among the 60,000 training codes (PCA-2: 45.1 %)
 *   conv         convolutional VAE on grey levels, ten minutes of two cores: -ELBO
 *   conditional  the same VAE with and without the labels, equal training: nats gained
 *   cnn, mlp, logistic   test error of classifiers
 * Prints target beside reached; exit code 1 if a target is missed. */
#include "experiments/experiment.h"

static void deep(void)
{
    gm_dataset *d = open_set("train", ""), *test = open_set("t10k", "");
    char how[160];
    snprintf(how, sizeof how, "epochs=%d batch=64 lr=1e-3 schedule=cosine seed=1", epochs ? epochs : 15);
    gm_model *m = train("deep", "ae", "hidden=1000,500,250 latent=30 likelihood=gaussian seed=1", d, how);
    report("784-1000-500-250-30 AE: squared error", measure(m, test, "metric=recon"), "<=", 6.0);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

/* ---- a code of two numbers ---------------------------------------------------------- */

enum { NEAREST = 15, CLASSES = 10 };

static gm_tensor *codes_of(gm_model *m, gm_dataset *d)
{
    gm_tensor *x = NULL, *z = NULL;
    must(gm_dataset_read(d, "x", 0, gm_dataset_rows(d), &x), "images");
    must(gm_encode(m, x, &z), "encode");
    gm_tensor_free(x);
    return z;
}
static gm_tensor *labels_of(gm_dataset *d)
{
    gm_tensor *y = NULL;
    must(gm_dataset_read(d, "label", 0, gm_dataset_rows(d), &y), "labels");
    return y;
}

/* The class that most of the nearest codes have; the nearer one wins a tie. */
static int64_t vote(const float *z, const float *codes, const int64_t *label, int64_t n)
{
    float best[NEAREST];
    int64_t who[NEAREST], count[CLASSES] = {0}, winner = 0;
    int have = 0;
    for (int64_t i = 0; i < n; i++) {
        float dx = codes[2 * i] - z[0], dy = codes[2 * i + 1] - z[1], d = dx * dx + dy * dy;
        if (have == NEAREST && d >= best[NEAREST - 1]) continue;
        int k = have < NEAREST ? have++ : NEAREST - 1;
        for (; k > 0 && best[k - 1] > d; k--) best[k] = best[k - 1], who[k] = who[k - 1];
        best[k] = d;
        who[k] = label[i];
    }
    for (int k = 0; k < have; k++) count[who[k]]++;
    for (int k = have - 1; k >= 0; k--)
        if (count[who[k]] >= count[winner]) winner = who[k];
    return winner;
}

static double neighbours(gm_tensor *codes, gm_tensor *labels, gm_tensor *test, gm_tensor *test_labels)
{
    const float *z = gm_tensor_data(test);
    const int64_t *y = gm_tensor_data(test_labels), n = gm_tensor_size(test_labels);
    int64_t right = 0;
    for (int64_t i = 0; i < n; i++) right += vote(z + 2 * i, gm_tensor_data(codes), gm_tensor_data(labels), gm_tensor_size(labels)) == y[i];
    return (double)right / (double)n;
}

static void code2(void)
{
    gm_dataset *d = open_labelled("train", "", 1), *test = open_labelled("t10k", "", 1);
    char how[160];
    snprintf(how, sizeof how, "epochs=%d batch=64 lr=1e-3 schedule=cosine seed=1", epochs ? epochs : 15);
    gm_model *m = train("code2", "ae", "hidden=1000,500,250 latent=2 likelihood=bernoulli seed=1", d, how);
    gm_tensor *codes[2] = {codes_of(m, d), codes_of(m, test)}, *labels[2] = {labels_of(d), labels_of(test)};
    report("2-D code: 15-NN accuracy", neighbours(codes[0], labels[0], codes[1], labels[1]), ">=", 0.70);
    for (int i = 0; i < 2; i++) {
        gm_tensor_free(codes[i]);
        gm_tensor_free(labels[i]);
    }
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

int main(int argc, char **argv)
{
    static const experiment all[] = {{"deep", deep}, {"code2", code2}};
    return run_experiments("engine_mnist", all, sizeof all / sizeof *all, argc, argv);
}
