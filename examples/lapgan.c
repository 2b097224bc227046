/* Pictures from coarse to fine: a GAN makes them small, one on each finer level adds the detail. Three pictures show the levels.
 * With a data set of pictures as an argument ("cifar:data_batch_1.bin") it learns that, for half an hour. */
#include <gm/gm.h>
#include <stdio.h>

int main(int argc, char **argv) {
    gm_ctx *ctx = NULL; gm_dataset *pictures = NULL; gm_model *m = NULL;
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, argc > 1 ? argv[1] : "synth:digits,n=2000,seed=1", &pictures);
    if (!s) s = gm_model_new(ctx, "lapgan", argc > 1 ? "seed=1" : "levels=2 width=8 noise-dim=16 seed=1", &m);
    if (!s) s = gm_fit(m, pictures, argc > 1 ? NULL : "steps=400 batch=32 lr=1e-3 ema=0.99");
    for (int level = 1; !s && level <= gm_lapgan_levels(m); level++) {
        char path[32];
        gm_tensor *x = NULL;
        s = gm_lapgan_sample_level(m, level, 64, 1, NULL, &x);   /* of the last level: what gm_sample draws */
        snprintf(path, sizeof path, "lapgan_%d.png", level);
        if (!s) s = gm_png_write(x, 8, path);
        if (!s) printf("level %d: %lld x %lld pixels, %s\n", level, (long long)gm_tensor_dim(x, 2), (long long)gm_tensor_dim(x, 3), path);
        gm_tensor_free(x);
    }
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    gm_model_free(m); gm_dataset_free(pictures); gm_ctx_free(ctx);
    return s != GM_OK;
}
