/* A VAE that is told the label draws the digit it is asked for: column k of the picture
 * holds the digit k, a line one style (the same code for all ten). */
#include <gm/gm.h>
#include <stdio.h>

enum { STYLES = 8, LATENT = 8 };

int main(void) {
    gm_ctx *ctx = NULL; gm_dataset *digits = NULL; gm_model *vae = NULL, *judge = NULL;
    gm_tensor *z = NULL, *label = NULL, *x = NULL, *p = NULL;
    float codes[STYLES * 10 * LATENT], style[STYLES * LATENT];
    int64_t labels[STYLES * 10], n = STYLES * 10, shape[2] = {STYLES * 10, LATENT};
    int right = 0;

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=3000,seed=1", &digits);
    if (!s) s = gm_model_new(ctx, "vae", "hidden=256 latent=8 conditional=on", &vae);
    if (!s) s = gm_fit(vae, digits, "epochs=8 batch=50 lr=2e-3 seed=1");
    if (!s) s = gm_model_new(ctx, "mlp", "hidden=128", &judge);            /* reads what the VAE has drawn */
    if (!s) s = gm_fit(judge, digits, "epochs=4 batch=50 seed=1");

    if (!s) s = gm_random_normal(5, 0, 0, STYLES * LATENT, style);
    for (int i = 0; i < STYLES * 10; i++) {
        labels[i] = i % 10;
        for (int j = 0; j < LATENT; j++) codes[i * LATENT + j] = s ? 0 : style[i / 10 * LATENT + j];
    }
    if (!s) s = gm_tensor_copy(ctx, GM_F32, 2, shape, codes, &z);
    if (!s) s = gm_tensor_copy(ctx, GM_I64, 1, &n, labels, &label);
    if (!s) s = gm_model_apply(vae, GM_CAN_DECODE, z, label, &x);
    if (!s) s = gm_png_write(x, 10, "conditional_vae.png");
    if (!s) s = gm_predict(judge, x, &p);
    for (int i = 0; !s && i < STYLES * 10; i++) {
        const float *row = (const float *)gm_tensor_data(p) + 10 * i;
        int best = 0;
        for (int k = 1; k < 10; k++) if (row[k] > row[best]) best = k;
        right += best == i % 10;
    }
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("%d of %d drawn digits are read as the label they were drawn for: conditional_vae.png\n", right, STYLES * 10);
    gm_tensor_free(z); gm_tensor_free(label); gm_tensor_free(x); gm_tensor_free(p);
    gm_model_free(vae); gm_model_free(judge); gm_dataset_free(digits); gm_ctx_free(ctx);
    return s != GM_OK || right < STYLES * 8;
}
