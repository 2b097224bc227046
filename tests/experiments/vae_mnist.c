/* vae_mnist.c - autoencoder and VAE on MNIST against published figures.
 *
 *     vae_mnist DIR [grey] [dynamic] [linear] [epochs=N] [out=DIR]
 *
 * DIR holds mnist-{train,t10k}-images-idx3-ubyte.gz. Without names all three run:
 *   grey     784-400-20, grey-level BCE, 10 epochs: -ELBO of the test images (PyTorch's example: 105.6)
 *   dynamic  784-200-200-50 tanh, dynamic binarisation, 100 epochs, as VAE and as IWAE with k=5: NLL by 5,000 importance
 *            samples on every tenth test image (Burda et al. 2016 after 3,280 epochs: 86.76 and 85.54)
 *   linear   the linear autoencoder and the PCA subspace of the same rows
 * Prints target beside reached; exit code 1 if a target is missed. */
#include "experiments/experiment.h"

static void grey(void)
{
    gm_dataset *d = open_set("train", ""), *test = open_set("t10k", "");
    char how[128];
    snprintf(how, sizeof how, "epochs=%d batch=128 lr=1e-3 seed=1", epochs ? epochs : 10);
    gm_model *m = train("grey", "vae", "hidden=400 latent=20 seed=1", d, how);
    report("784-400-20, 10 epochs: -ELBO, nats", -measure(m, test, "metric=elbo"), "<=", 106.1);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

/* ---- dynamic binarisation ------------------------------------------------------- */

enum { SAMPLES = 5000 };

static gm_tensor *log_probs(gm_model *m, gm_tensor *x, double *mean)
{
    gm_tensor *lp = NULL;
    char options[64];
    double start = seconds(), sum = 0;
    snprintf(options, sizeof options, "k=%d seed=1", SAMPLES); /* one seed: the same binarised rows, the same draws */
    must(gm_log_prob(m, x, options, &lp, NULL), "gm_log_prob");
    const float *v = gm_tensor_data(lp);
    for (int64_t i = 0; i < gm_tensor_size(lp); i++) sum -= (double)v[i];
    *mean = sum / (double)gm_tensor_size(lp);
    printf("  nll %.4f nats (n=%lld k=%d binarize=dynamic) %.0f s\n", *mean, (long long)gm_tensor_size(lp), SAMPLES, seconds() - start);
    return lp;
}

static void dynamic(void)
{
    gm_dataset *d = open_set("train", ""), *test = open_set("t10k", "[0:10000:10]");
    gm_tensor *x = NULL, *lp[2];
    const char *net = "hidden=200,200 activation=tanh latent=50 binarize=dynamic seed=1";
    char options[256], how[128];
    double nll[2], sum = 0, squares = 0;
    must(gm_dataset_read(test, "x", 0, gm_dataset_rows(test), &x), "test images");
    snprintf(how, sizeof how, "epochs=%d batch=20 lr=1e-3 schedule=cosine seed=1", epochs ? epochs : 100);
    for (int i = 0; i < 2; i++) {
        snprintf(options, sizeof options, "%s%s", net, i ? " objective=iwae k=5" : "");
        gm_model *m = train(i ? "iwae" : "vae", "vae", options, d, how);
        lp[i] = log_probs(m, x, &nll[i]);
        gm_model_free(m);
        if (i == 0) report("200-200-50 tanh, 100 epochs: NLL, nats", nll[0], "<=", 89.0);
    }
    const float *a = gm_tensor_data(lp[0]), *b = gm_tensor_data(lp[1]);
    const double n = (double)gm_tensor_size(x) / 784;
    for (int64_t i = 0; i < (int64_t)n; i++) {
        double gain = (double)b[i] - (double)a[i];
        sum += gain, squares += gain * gain;
    }
    printf("  iwae - vae, row by row: %.4f +- %.4f nats\n", sum / n, sqrt((squares / n - sum / n * (sum / n)) / n));
    report("IWAE k=5 better by, nats", sum / n, ">=", 0.8);
    gm_tensor_free(x);
    gm_tensor_free(lp[0]);
    gm_tensor_free(lp[1]);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

/* ---- linear autoencoder and PCA --------------------------------------------------- */

enum { D = 784, K = 6 /* a gap in MNIST's spectrum: 2.3 then 1.7 */, ROWS = 2000 };

/* Columns of q made orthonormal. */
static void orthonormal(double q[K][D])
{
    for (int k = 0; k < K; k++) {
        double norm = 0;
        for (int p = 0; p < k; p++) {
            double dot = 0;
            for (int j = 0; j < D; j++) dot += q[k][j] * q[p][j];
            for (int j = 0; j < D; j++) q[k][j] -= dot * q[p][j];
        }
        for (int j = 0; j < D; j++) norm += q[k][j] * q[k][j];
        for (int j = 0; j < D; j++) q[k][j] /= sqrt(norm);
    }
}

static void centre(float *x)
{
    for (int j = 0; j < D; j++) {
        double mean = 0;
        for (int n = 0; n < ROWS; n++) mean += (double)x[n * D + j] / ROWS;
        for (int n = 0; n < ROWS; n++) x[n * D + j] -= (float)mean;
    }
}

/* Leading principal directions of centred rows by orthogonal iteration. */
static void pca(const float *x, double q[K][D])
{
    double *cov = calloc(D * D, sizeof *cov), *next = calloc(K * D, sizeof *next);
    if (!cov || !next) exit(1);
    for (int n = 0; n < ROWS; n++)
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++) cov[i * D + j] += (double)x[n * D + i] * (double)x[n * D + j];
    for (int k = 0; k < K; k++)
        for (int j = 0; j < D; j++) q[k][j] = sin(1.0 + k * 1.7 + j * (0.3 + 0.11 * k));
    orthonormal(q);
    for (int step = 0; step < 300; step++) {
        for (int k = 0; k < K; k++)
            for (int i = 0; i < D; i++) {
                next[k * D + i] = 0;
                for (int j = 0; j < D; j++) next[k * D + i] += cov[i * D + j] * q[k][j];
            }
        memcpy(q, next, sizeof(double) * K * D);
        orthonormal(q);
    }
    free(cov);
    free(next);
}

static void linear(void)
{
    const char *how = "steps=1500 batch=2000 lr=2e-2 schedule=cosine seed=1"; /* every step sees all rows */
    static double principal[K][D], q[K][D];
    gm_dataset *mnist = open_set("train", "[0:2000]"), *d = NULL;
    gm_model *m = NULL;
    gm_tensor *x = NULL, *w = NULL;
    double start = seconds(), outside = 0;
    must(gm_dataset_read(mnist, "x", 0, ROWS, &x), "linear");
    centre(gm_tensor_data(x));
    must(gm_dataset_from_tensors(ctx, x, NULL, &d), "linear");
    must(gm_model_new(ctx, "ae", "hidden=none latent=6 likelihood=gaussian seed=1", &m), "linear");
    must(gm_fit(m, d, how), "linear");
    printf("linear: ae hidden=none latent=%d on %d centred rows; fit %s: %.0f s\n", K, ROWS, how, seconds() - start);
    pca(gm_tensor_data(x), principal);
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++)
        if (strcmp(gm_model_tensor_name(m, i), "decoder.0.weight") == 0) w = gm_model_tensor(m, i);
    for (int j = 0; w && j < D; j++)
        for (int k = 0; k < K; k++) q[k][j] = (double)((const float *)gm_tensor_data(w))[j * K + k];
    orthonormal(q);
    for (int k = 0; k < K; k++) { /* what lies outside the subspace: no less than the sine of the largest angle */
        double left = 1;
        for (int p = 0; p < K; p++) {
            double dot = 0;
            for (int j = 0; j < D; j++) dot += q[k][j] * principal[p][j];
            left -= dot * dot;
        }
        outside += left;
    }
    report("linear AE: angle to the PCA subspace", sqrt(fmax(outside, 0)), "<=", 1e-3);
    gm_tensor_free(x);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(mnist);
}

int main(int argc, char **argv)
{
    static const experiment all[] = {{"grey", grey}, {"linear", linear}, {"dynamic", dynamic}};
    return run_experiments("vae_mnist", all, sizeof all / sizeof *all, argc, argv);
}
