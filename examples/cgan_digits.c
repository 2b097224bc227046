/* A conditional GAN draws the digit it is asked for: column k of the picture holds the digit k. A classifier that has
 * seen real digits only says how often it is the right one. */
#include <gm/gm.h>
#include <stdio.h>

int main(void) {
    gm_ctx *ctx = NULL; gm_dataset *digits = NULL; gm_model *gan = NULL, *judge = NULL;
    gm_tensor *x = NULL, *p = NULL;
    int right = 0;

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=4000,seed=1", &digits);
    if (!s) s = gm_model_new(ctx, "gan", "preset=dcgan width=12 noise-dim=16 conditional=projection seed=1", &gan);
    if (!s) s = gm_fit(gan, digits, "steps=1200 batch=32 lr=1e-3");
    if (!s) s = gm_model_new(ctx, "mlp", "hidden=128", &judge);
    if (!s) s = gm_fit(judge, digits, "epochs=4 batch=50 seed=1");
    if (!s) s = gm_sample(gan, 80, 1, &x);                                       /* row i has the label i modulo 10 */
    if (!s) s = gm_png_write(x, 10, "cgan_digits.png");
    if (!s) s = gm_predict(judge, x, &p);
    for (int i = 0; !s && i < 80; i++) {
        const float *row = (const float *)gm_tensor_data(p) + 10 * i;
        int best = 0;
        for (int k = 1; k < 10; k++) if (row[k] > row[best]) best = k;
        right += best == i % 10;
    }
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("%d of 80 drawn digits are read as the label they were drawn for: cgan_digits.png\n", right);
    gm_tensor_free(x); gm_tensor_free(p); gm_model_free(gan); gm_model_free(judge); gm_dataset_free(digits); gm_ctx_free(ctx);
    return s != GM_OK || right < 64;
}
