/* Trains a VAE on MNIST and draws 64 digits: the program of the README.
 * Needs train-images-idx3-ubyte.gz in the present folder. */
#include <gm/gm.h>
#include <stdio.h>
int main(void) {
    gm_ctx *ctx = NULL; gm_dataset *digits = NULL; gm_model *vae = NULL;
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "idx:train-images-idx3-ubyte.gz", &digits);
    if (!s) s = gm_model_new(ctx, "vae", "hidden=400 latent=20", &vae);      /* or gm_vae_new(ctx, &cfg, &vae) */
    if (!s) s = gm_fit(vae, digits, "epochs=10 batch=128 seed=1");
    if (!s) s = gm_model_save(vae, "vae.safetensors");
    if (!s) s = gm_sample_png(vae, 64, /*seed*/ 1, "digits.png");
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    gm_model_free(vae); gm_dataset_free(digits); gm_ctx_free(ctx);
    return s != GM_OK;
}
