/* Pictures twice as large: srgan.png shows, line by line, small pictures enlarged by interpolation, by the model, and what they
 * were made of; srgan_large.png shows those enlarged. With a data set of pictures as an argument ("cifar:data_batch_1.bin") it learns that, for some minutes. */
#include <gm/gm.h>
#include <stdio.h>

enum { SHOWN = 12 };

int main(int argc, char **argv) {
    gm_ctx *ctx = NULL; gm_dataset *pictures = NULL; gm_model *m = NULL; gm_tape *t = NULL; gm_tensor *x = NULL, *again = NULL, *large = NULL;
    gm_measure measure[8]; int32_t n = 0;
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, argc > 1 ? argv[1] : "synth:shapes,n=1000,seed=1", &pictures);
    if (!s) s = gm_model_new(ctx, "srgan", argc > 1 ? "seed=1" : "factor=2 width=8 blocks=2 seed=1", &m);
    if (!s) s = gm_fit(m, pictures, argc > 1 ? NULL : "steps=300 batch=8 lr=3e-3");
    if (!s) s = gm_eval(m, pictures, "n=200", measure, 8, &n);
    for (int i = 0; i < n; i++) printf("%-13s %8.4f %s\n", measure[i].name, measure[i].value, measure[i].unit);
    if (!s) s = gm_dataset_read(pictures, "x", 0, SHOWN, &x);
    if (!s) s = gm_reconstruct(m, x, &again);                    /* reduced, then enlarged */
    if (!s) s = gm_tape_new(ctx, 0, &t);
    if (!s) {
        gm_tensor *small = gm_avg_pool2d(t, x, (int64_t[]){2, 2}, NULL, NULL, 1);
        gm_tensor *cubic = gm_clamp(t, gm_upsample2d(t, small, gm_tensor_dim(x, 2), gm_tensor_dim(x, 3), GM_BICUBIC), 0, 1);
        gm_tensor *all = gm_concat(t, (gm_tensor *[]){cubic, again, x}, 3, 0);
        s = all ? gm_png_write(all, SHOWN, "srgan.png") : gm_tape_status(t);
    }
    if (!s) s = gm_srgan_upscale(m, x, &large);                  /* any size: the pictures themselves */
    if (!s) s = gm_png_write(large, SHOWN, "srgan_large.png");
    if (s) fprintf(stderr, "%s\n", t && gm_tape_status(t) ? gm_tape_message(t) : gm_ctx_message(ctx));
    const int better = !s && measure[0].value > measure[1].value;
    gm_tensor_free(x); gm_tensor_free(again); gm_tensor_free(large); gm_tape_free(t);
    gm_model_free(m); gm_dataset_free(pictures); gm_ctx_free(ctx);
    return !better;
}
