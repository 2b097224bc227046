/* dbm_digits.c - a deep Boltzmann machine on built-in digits: two hidden layers that learn together; label units on top.
 * Prints the bound on log p of new digits, how often the label is right, and draws every label.  dbm_digits [EPOCHS] [OUT.png] */
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double measured(gm_model *m, gm_dataset *d, const char *what)
{
    gm_measure e = {0};
    int32_t n = 0;
    return gm_eval(m, d, what, &e, 1, &n) ? -1e9 : e.value;
}

/* Eight digits of each label, one label a row of the picture. */
static gm_status picture(gm_ctx *ctx, gm_model *dbm, const char *path)
{
    enum { CLASSES = 10, EACH = 8 };
    int64_t label[CLASSES * EACH];
    const int64_t n = CLASSES * EACH;
    gm_sampler *s = NULL;
    gm_tensor *cond = NULL, *x = NULL;
    for (int i = 0; i < n; i++) label[i] = i / EACH;
    gm_status st = gm_tensor_copy(ctx, GM_I64, 1, &n, label, &cond);
    if (!st) st = gm_sampler_new(ctx, dbm, "seed=1", &s);
    if (!st) st = gm_sampler_draw(s, n, cond, &x);
    if (!st) st = gm_png_write(x, EACH, path);
    gm_tensor_free(cond);
    gm_tensor_free(x);
    gm_sampler_free(s);
    return st;
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    gm_dataset *digits = NULL, *test = NULL;
    gm_model *dbm = NULL, *plain = NULL;
    char run[64];
    double bound = 0, accuracy = 0;
    snprintf(run, sizeof run, "epochs=%d batch=50 lr=0.1 schedule=cosine seed=1", argc > 1 ? atoi(argv[1]) : 30);
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=2000", &digits);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=500,seed=2", &test);
    if (!s) s = gm_model_new(ctx, "dbm", "layers=64,64 binarize=dynamic", &plain);
    if (!s) s = gm_fit(plain, digits, run);
    if (!s) printf("lower bound on log p, Z by annealing  %8.2f nats\n", bound = measured(plain, test, "metric=ais k=1000"));
    if (!s) s = gm_model_new(ctx, "dbm", "layers=64,100 conditional=on", &dbm);
    if (!s) s = gm_fit(dbm, digits, run);
    if (!s) printf("labels right                          %8.3f\n", accuracy = measured(dbm, test, "metric=accuracy"));
    if (!s) s = picture(ctx, dbm, argc > 2 ? argv[2] : "dbm_digits.png");
    if (s) fprintf(stderr, "%s\n", ctx ? gm_ctx_message(ctx) : "no context");
    gm_model_free(plain);
    gm_model_free(dbm);
    gm_dataset_free(test);
    gm_dataset_free(digits);
    gm_ctx_free(ctx);
    return s || !(bound > -130) || !(accuracy > 0.75);
}
