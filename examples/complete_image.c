/* complete_image.c - pictures whose lower half is hidden, completed by a restricted Boltzmann machine: the upper half is held while a chain that cools
 * down finds the rest. Prints how likely the result is, and how far from the truth beside a guess by the mean digit.
 * complete_image [STEPS] [OUT.png] */
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, ROWS = 16 };

/* The upper half is held, the lower half starts as noise and is found by a chain that cools down. */
static gm_status complete(gm_ctx *ctx, gm_model *rbm, gm_tensor *x, gm_tensor **out)
{
    static unsigned char held[PIXELS];
    const int64_t shape[] = {PIXELS};
    gm_tensor *clamp = NULL;
    float *v = gm_tensor_data(x);
    for (int i = 0; i < PIXELS / 2; i++) held[i] = 1;
    for (int i = 0; i < ROWS * PIXELS; i++)
        if (!held[i % PIXELS]) v[i] = 0;
    gm_status s = gm_tensor_copy(ctx, GM_U8, 1, shape, held, &clamp);
    if (!s) s = gm_rbm_gibbs(rbm, x, clamp, "steps=300 anneal=2 temperature=1 mean=on seed=1", out);
    gm_tensor_free(clamp);
    return s;
}

/* Squared error of the hidden pixels against the truth; of the mean digit's if guess is NULL. */
static double error_of(const float *truth, const float *guess, const float *mean)
{
    double sum = 0;
    for (int i = 0; i < ROWS * PIXELS; i++)
        if (i % PIXELS >= PIXELS / 2) {
            double d = (double)(guess ? guess[i] : mean[i % PIXELS]) - (double)truth[i];
            sum += d * d;
        }
    return sum / ROWS;
}

static double mean_of(const gm_tensor *t)
{
    double sum = 0;
    for (int64_t i = 0; i < gm_tensor_size(t); i++) sum += (double)((const float *)gm_tensor_data(t))[i];
    return sum / (double)gm_tensor_size(t);
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    gm_dataset *train = NULL, *test = NULL;
    gm_model *rbm = NULL;
    gm_tensor *x = NULL, *truth = NULL, *all = NULL, *whole = NULL, *f = NULL, *g = NULL;
    static float mean[PIXELS];
    double error = 0, guess = 1;
    char fit[128];
    snprintf(fit, sizeof fit, "steps=%d batch=100 lr=0.05 schedule=cosine seed=1", argc > 1 ? atoi(argv[1]) : 1500);
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=5000", &train);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=16,seed=9", &test);
    if (!s) s = gm_model_new(ctx, "rbm", "hidden=128 persistent=on centered=on binarize=dynamic seed=1", &rbm);
    if (!s) s = gm_fit(rbm, train, fit);
    if (!s) s = gm_dataset_read(test, "x", 0, ROWS, &x);
    if (!s) s = gm_dataset_read(test, "x", 0, ROWS, &truth);
    if (!s) s = gm_dataset_read(train, "x", 0, 1000, &all);
    for (int i = 0; !s && i < 1000 * PIXELS; i++) mean[i % PIXELS] += ((const float *)gm_tensor_data(all))[i] / 1000;
    if (!s) s = gm_rbm_free_energy(rbm, x, &f);
    if (!s) s = complete(ctx, rbm, x, &whole);
    if (!s) s = gm_rbm_free_energy(rbm, whole, &g);
    if (!s) printf("mean free energy: digits %.1f, completed halves %.1f nats\n", mean_of(f), mean_of(g));
    if (!s) {
        error = error_of(gm_tensor_data(truth), gm_tensor_data(whole), mean);
        guess = error_of(gm_tensor_data(truth), NULL, mean);
        printf("squared error of the hidden half: completed %.1f, mean digit %.1f\n", error, guess);
    }
    if (!s) s = gm_png_write(whole, 4, argc > 2 ? argv[2] : "completed.png");
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    gm_tensor_free(x);
    gm_tensor_free(truth);
    gm_tensor_free(all);
    gm_tensor_free(whole);
    gm_tensor_free(f);
    gm_tensor_free(g);
    gm_model_free(rbm);
    gm_dataset_free(train);
    gm_dataset_free(test);
    gm_ctx_free(ctx);
    return s != GM_OK || error > guess;
}
