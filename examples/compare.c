/* What do metrics see? Digits beside four sets of samples: other digits, a VAE's draws, digits of five classes only,
 * and the training digits themselves. Every metric says of some set that it is good where another one does not. */
#include <gm/gm.h>
#include <stdio.h>

enum { N = 1500 };

/* Measures one set; v receives precision, recall, density, coverage, frechet, mmd, c2st, sliced_w, nearest, copied. */
static gm_status measure(gm_ctx *ctx, const char *name, gm_tensor *data, gm_tensor *samples, double v[10]) {
    gm_status s = gm_prdc(ctx, data, samples, NULL, v, NULL);
    if (!s) s = gm_frechet(ctx, data, samples, &v[4]);
    if (!s) s = gm_mmd(ctx, data, samples, NULL, &v[5], NULL);
    if (!s) s = gm_c2st(ctx, data, samples, NULL, &v[6], NULL);
    if (!s) s = gm_sliced_wasserstein(ctx, data, samples, NULL, &v[7], NULL);
    if (!s) s = gm_nearest(ctx, data, NULL, samples, &v[8], NULL, &v[9]);
    printf("%-14s", name);
    for (int i = 0; !s && i < 10; i++) printf(" %9.3f", v[i]);
    puts("");
    return s;
}

/* The first N digits of the data whose label is below `classes`. */
static gm_status some_classes(gm_ctx *ctx, gm_dataset *digits, int classes, gm_tensor **out) {
    gm_tensor *x = NULL, *label = NULL;
    const int64_t shape[4] = {N, 1, 28, 28};
    gm_status s = gm_dataset_read(digits, "x", 0, gm_dataset_rows(digits), &x);
    if (!s) s = gm_dataset_read(digits, "label", 0, gm_dataset_rows(digits), &label);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 4, shape, out);
    if (!s) {
        const int64_t *k = gm_tensor_data(label);
        const float *from = gm_tensor_data(x);
        float *to = gm_tensor_data(*out), *end = to + N * 784;
        for (; to < end; k++, from += 784)
            if (*k < classes)
                for (int j = 0; j < 784; j++) *to++ = from[j];
    }
    gm_tensor_free(x); gm_tensor_free(label);
    return s;
}

int main(void) {
    gm_ctx *ctx = NULL; gm_dataset *train = NULL, *more = NULL; gm_model *vae = NULL;
    gm_tensor *data = NULL, *fresh = NULL, *drawn = NULL, *half = NULL;
    double f[10], d[10], h[10], t[10];

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=1500,seed=1", &train);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=4500,seed=2", &more);
    if (!s) s = gm_dataset_read(train, "x", 0, N, &data);
    if (!s) s = gm_dataset_read(more, "x", 0, N, &fresh);
    if (!s) s = some_classes(ctx, more, 5, &half);
    if (!s) s = gm_model_new(ctx, "vae", "hidden=200 latent=10", &vae);
    if (!s) s = gm_fit(vae, train, "epochs=20 batch=50 lr=2e-3 schedule=cosine seed=1");
    if (!s) s = gm_sample(vae, N, 1, &drawn);
    if (!s) puts("               precision    recall   density  coverage   frechet       mmd      c2st  sliced_w   nearest    copied");
    if (!s) s = measure(ctx, "other digits", data, fresh, f);
    if (!s) s = measure(ctx, "a VAE", data, drawn, d);
    if (!s) s = measure(ctx, "0 to 4 only", data, half, h);
    if (!s) s = measure(ctx, "training rows", data, data, t);
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    gm_tensor_free(data); gm_tensor_free(fresh); gm_tensor_free(drawn); gm_tensor_free(half);
    gm_model_free(vae); gm_dataset_free(train); gm_dataset_free(more); gm_ctx_free(ctx);
    if (s) return 1;
    /* half of the classes: precise, but much is not covered; copies: perfect but for nearest */
    return !(h[0] > 0.9 * f[0] && h[3] < 0.8 * f[3] && t[4] < f[4] && t[8] > 0.99 && f[8] < 0.6);
}
