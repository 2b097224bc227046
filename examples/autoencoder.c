/* An autoencoder squeezes digits of 784 pixels through a code of 16 numbers; trained on
 * noisy inputs, it also removes noise. Draws noisy digits above what it makes of them. */
#include <gm/gm.h>
#include <stdio.h>

enum { SHOWN = 16 };

int main(void) {
    gm_ctx *ctx = NULL; gm_dataset *digits = NULL, *held = NULL; gm_model *ae = NULL; gm_measure error;
    gm_tensor *clean = NULL, *noisy = NULL, *out = NULL, *grid = NULL;
    static float noise[SHOWN * 784];
    int64_t shape[4] = {2 * SHOWN, 1, 28, 28};
    int32_t n = 0;

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=3000,seed=1", &digits);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=200,seed=2", &held);
    if (!s) s = gm_model_new(ctx, "ae", "hidden=256 latent=16 noise=0.4", &ae);
    if (!s) s = gm_fit(ae, digits, "epochs=6 batch=50 lr=2e-3 schedule=cosine seed=1");
    if (!s) s = gm_eval(ae, held, "metric=squared_error", &error, 1, &n);

    if (!s) s = gm_dataset_read(held, "x", 0, SHOWN, &clean);
    if (!s) s = gm_dataset_read(held, "x", 0, SHOWN, &noisy);
    if (!s) s = gm_random_normal(3, 0, 0, SHOWN * 784, noise);
    for (int i = 0; !s && i < SHOWN * 784; i++) ((float *)gm_tensor_data(noisy))[i] += 0.4f * noise[i];
    if (!s) s = gm_reconstruct(ae, noisy, &out);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 4, shape, &grid);
    if (!s) s = gm_tensor_read(noisy, gm_tensor_data(grid), SHOWN * 784 * sizeof(float));
    if (!s) s = gm_tensor_read(out, (float *)gm_tensor_data(grid) + SHOWN * 784, SHOWN * 784 * sizeof(float));
    if (!s) s = gm_png_write(grid, SHOWN, "autoencoder.png");
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("squared error of held-out digits, 784 pixels through 16 numbers: %.2f\nautoencoder.png: noisy digits, and what is made of them\n", error.value);
    gm_tensor_free(clean); gm_tensor_free(noisy); gm_tensor_free(out); gm_tensor_free(grid);
    gm_model_free(ae); gm_dataset_free(digits); gm_dataset_free(held); gm_ctx_free(ctx);
    return s != GM_OK || error.value > 40;
}
