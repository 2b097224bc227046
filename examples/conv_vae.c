/* A VAE with convolutions, and what the axes of its code mean: each line of the picture
 * moves one code number from -2.5 to 2.5 and leaves the others at 0. */
#include <gm/gm.h>
#include <stdio.h>

static int show(const gm_progress *p, void *user) {
    (void)user;
    if (p->epoch_end) printf("epoch %d  -ELBO %.1f nats\n", (int)p->epoch, p->epoch_loss);
    return 0;
}

int main(void) {
    gm_ctx *ctx = NULL; gm_dataset *digits = NULL; gm_model *vae = NULL; gm_trainer *trainer = NULL; gm_tensor *axes = NULL;
    gm_measure m[2];
    int32_t n = 0;

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=1500,seed=1", &digits);
    if (!s) s = gm_model_new(ctx, "vae", "preset=conv channels=16,32 hidden=64 latent=6", &vae);
    if (!s) s = gm_trainer_new(vae, digits, "epochs=5 batch=50 lr=3e-3 seed=1", &trainer);
    if (!s) s = gm_trainer_set_progress(trainer, show, NULL, 1e9);
    if (!s) s = gm_trainer_run(trainer);
    if (!s) s = gm_eval(vae, digits, "metric=kl,recon", m, 2, &n);
    if (!s) s = gm_traverse(vae, NULL, 11, 2.5, NULL, &axes);
    if (!s) s = gm_png_write(axes, 11, "axes.png");
    if (!s) s = gm_sample_png(vae, 64, 1, "conv_vae.png");
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("KL %.1f nats, reconstruction %.1f nats\nconv_vae.png: new digits; axes.png: a code number a line\n", m[0].value, m[1].value);
    gm_tensor_free(axes); gm_trainer_free(trainer); gm_model_free(vae); gm_dataset_free(digits); gm_ctx_free(ctx);
    return s != GM_OK || m[0].value < 1;
}
