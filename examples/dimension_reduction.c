/* Digits of 784 numbers as points in the plane: a linear autoencoder finds what PCA finds,
 * a deep one keeps the digits apart. Judged by the label of the nearest other point. */
#include <gm/gm.h>
#include <stdio.h>
#include <string.h>

enum { N = 2000, JUDGED = 500, WIDE = 72, HIGH = 30 };

/* Share of points whose nearest neighbour has their label. */
static double nearest(const float *z, const int64_t *label) {
    int right = 0;
    for (int i = 0; i < JUDGED; i++) {
        double best = 1e300;
        int which = -1;
        for (int j = 0; j < N; j++) {
            double a = z[2 * i] - z[2 * j], b = z[2 * i + 1] - z[2 * j + 1], d = a * a + b * b;
            if (j != i && d < best) best = d, which = j;
        }
        right += label[which] == label[i];
    }
    return (double)right / JUDGED;
}

static void plot(const float *z, const int64_t *label) {
    static char page[HIGH][WIDE + 1];
    float lo[2] = {1e30f, 1e30f}, hi[2] = {-1e30f, -1e30f};
    for (int i = 0; i < 2 * N; i++) {
        if (z[i] < lo[i % 2]) lo[i % 2] = z[i];
        if (z[i] > hi[i % 2]) hi[i % 2] = z[i];
    }
    memset(page, ' ', sizeof page);
    for (int i = 0; i < N; i++)
        page[(int)((HIGH - 1) * (z[2 * i + 1] - lo[1]) / (hi[1] - lo[1]))][(int)((WIDE - 1) * (z[2 * i] - lo[0]) / (hi[0] - lo[0]))] = (char)('0' + label[i]);
    for (int y = 0; y < HIGH; y++) page[y][WIDE] = 0, puts(page[y]);
}

int main(void) {
    static const char *const options[2] = {"hidden=none activation=none likelihood=gaussian latent=2", "hidden=256,128,64 latent=2"};
    gm_ctx *ctx = NULL; gm_dataset *digits = NULL; gm_tensor *x = NULL, *label = NULL;
    double share[2] = {0, 0};

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=2000,seed=1", &digits);
    if (!s) s = gm_dataset_read(digits, "x", 0, N, &x);
    if (!s) s = gm_dataset_read(digits, "label", 0, N, &label);
    for (int i = 0; !s && i < 2; i++) {
        gm_model *ae = NULL; gm_tensor *z = NULL;
        s = gm_model_new(ctx, "ae", options[i], &ae);
        if (!s) s = gm_fit(ae, digits, "epochs=20 batch=50 lr=2e-3 schedule=cosine seed=1");
        if (!s) s = gm_encode(ae, x, &z);
        if (!s) share[i] = nearest(gm_tensor_data(z), gm_tensor_data(label));
        if (!s && i == 1) plot(gm_tensor_data(z), gm_tensor_data(label));
        gm_tensor_free(z);
        gm_model_free(ae);
    }
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("nearest neighbour has the same label: linear (PCA) %.2f, deep %.2f\n", share[0], share[1]);
    gm_tensor_free(x); gm_tensor_free(label); gm_dataset_free(digits); gm_ctx_free(ctx);
    return s != GM_OK || share[1] < share[0];
}
