/* A DCGAN: transposed convolutions draw digits, convolutions judge them. The picture holds 64 samples. With the path of
 * MNIST's images as an argument it learns those, for some minutes. */
#include <gm/gm.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    gm_ctx *ctx = NULL; gm_dataset *digits = NULL; gm_model *gan = NULL;
    char spec[600] = "synth:digits,n=4000,seed=1";
    if (argc > 1 && strlen(argv[1]) < 500) snprintf(spec, sizeof spec, "idx:%s", argv[1]);

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, spec, &digits);
    if (!s) s = gm_model_new(ctx, "gan", argc > 1 ? "seed=1" : "preset=dcgan width=12 noise-dim=16 seed=1", &gan);
    if (!s) s = gm_fit(gan, digits, argc > 1 ? NULL : "steps=1200 batch=32 lr=1e-3");
    if (!s) s = gm_sample_png(gan, 64, 1, "dcgan.png");
    if (!s) s = gm_gan_export_generator(gan, "dcgan_generator.safetensors");     /* to draw from, without the judge */
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("64 digits: dcgan.png; what drew them: dcgan_generator.safetensors\n");
    gm_model_free(gan); gm_dataset_free(digits); gm_ctx_free(ctx);
    return s != GM_OK;
}
