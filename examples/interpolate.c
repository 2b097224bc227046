/* From one digit to another through a GAN's noise: each line of the picture goes along an arc between two codes, and every
 * step on the way is a digit, too. The last line goes between two digits of the data, found again as codes by projection. */
#include <gm/gm.h>
#include <stdio.h>

enum { LINES = 6, STEPS = 12 };

int main(void) {
    gm_ctx *ctx = NULL; gm_dataset *digits = NULL; gm_model *gan = NULL;
    gm_tensor *z = NULL, *x = NULL, *picture[LINES + 1] = {NULL}, *all = NULL, *code = NULL;
    gm_tape *t = NULL;

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=4000,seed=1", &digits);
    if (!s) s = gm_model_new(ctx, "gan", "preset=dcgan width=12 noise-dim=16 seed=1", &gan);
    if (!s) s = gm_fit(gan, digits, "steps=1200 batch=32 lr=1e-3");
    if (!s) s = gm_gan_noise(gan, 2 * LINES, 1, 1.5, &z);                        /* truncated: nearer to what is typical */
    if (!s) s = gm_dataset_read(digits, "x", 0, 2, &x);
    if (!s) s = gm_encode(gan, x, &code);
    for (int i = 0; !s && i <= LINES; i++) {
        const float *from = (const float *)gm_tensor_data(i < LINES ? z : code) + (i < LINES ? 2 * i * 16 : 0);
        gm_tensor *a = NULL, *b = NULL, *path = NULL;
        int64_t n = 16;
        s = gm_tensor_copy(ctx, GM_F32, 1, &n, from, &a);
        if (!s) s = gm_tensor_copy(ctx, GM_F32, 1, &n, from + 16, &b);
        if (!s) s = gm_gan_path(ctx, a, b, STEPS, 1, &path);
        if (!s) s = gm_decode(gan, path, &picture[i]);
        gm_tensor_free(a); gm_tensor_free(b); gm_tensor_free(path);
    }
    if (!s) s = gm_tape_new(ctx, 0, &t);
    if (!s) all = gm_concat(t, picture, LINES + 1, 0);
    if (!s) s = gm_tape_status(t);
    if (!s) s = gm_png_write(all, STEPS, "interpolate.png");
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("%d lines of %d steps: interpolate.png\n", LINES + 1, STEPS);
    gm_tape_free(t);
    for (int i = 0; i <= LINES; i++) gm_tensor_free(picture[i]);
    gm_tensor_free(z); gm_tensor_free(x); gm_tensor_free(code); gm_model_free(gan); gm_dataset_free(digits); gm_ctx_free(ctx);
    return s != GM_OK;
}
