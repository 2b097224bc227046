/* rbm_digits.c - a restricted Boltzmann machine on built-in digits: train, estimate log p from both sides, draw digits, show what hidden units look for.
 * rbm_digits [STEPS] [DIGITS.png FILTERS.png] */
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIXELS = 784, HIDDEN = 64 };

/* Weights [PIXELS, HIDDEN] as HIDDEN pictures: gray is 0, white and black are the largest of each. */
static gm_status filters(gm_ctx *ctx, const gm_tensor *w, const char *path)
{
    const int64_t shape[] = {HIDDEN, PIXELS};
    const float *from = gm_tensor_data(w);
    gm_tensor *t = NULL;
    gm_status s = gm_tensor_new(ctx, GM_F32, 2, shape, &t);
    for (int h = 0; !s && h < HIDDEN; h++) {
        float most = 1e-9f, *to = (float *)gm_tensor_data(t) + h * PIXELS;
        for (int i = 0; i < PIXELS; i++) {
            const float v = from[i * HIDDEN + h];
            most = v > most ? v : -v > most ? -v : most;
        }
        for (int i = 0; i < PIXELS; i++) to[i] = 0.5f + 0.5f * from[i * HIDDEN + h] / most;
    }
    if (!s) s = gm_png_write(t, 8, path);
    gm_tensor_free(t);
    return s;
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    gm_dataset *train = NULL, *test = NULL;
    gm_model *rbm = NULL;
    gm_measure m[2];
    char fit[128];
    int32_t n = 0;
    snprintf(fit, sizeof fit, "steps=%d batch=100 lr=0.05 schedule=cosine seed=1", argc > 1 ? atoi(argv[1]) : 3000);
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=10000", &train);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=1000,seed=9", &test);
    if (!s) s = gm_model_new(ctx, "rbm", "hidden=64 persistent=on centered=on binarize=threshold seed=1", &rbm);
    if (!s) s = gm_fit(rbm, train, fit);
    if (!s) s = gm_eval(rbm, test, "metric=ais,reverse_ais k=2000", m, 2, &n);
    for (int32_t i = 0; !s && i < n; i++) printf("%-12s %.1f +- %.1f nats (%s)\n", m[i].name, m[i].value, m[i].error, m[i].note);
    if (!s) s = gm_sample_png(rbm, 64, 1, argc > 2 ? argv[2] : "digits.png");
    if (!s) s = filters(ctx, gm_model_tensor(rbm, 0), argc > 3 ? argv[3] : "filters.png");
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    gm_model_free(rbm);
    gm_dataset_free(train);
    gm_dataset_free(test);
    gm_ctx_free(ctx);
    return s != GM_OK;
}
