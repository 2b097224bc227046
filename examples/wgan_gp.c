/* A Wasserstein GAN with gradient penalty, half-step by half-step: five of the critic, one of the generator. Its critic
 * estimates how far the generator's law is from the data's, which falls as the generator learns two moons. */
#include <gm/gm.h>
#include <stdio.h>

/* E critic(x) - E critic(G(z)) over 1000 rows each */
static gm_status distance(gm_model *gan, gm_tensor *x, double *out) {
    gm_tensor *fake = NULL, *real_says = NULL, *fake_says = NULL;
    gm_status s = gm_sample(gan, 1000, 3, &fake);
    if (!s) s = gm_gan_discriminate(gan, x, NULL, &real_says);
    if (!s) s = gm_gan_discriminate(gan, fake, NULL, &fake_says);
    *out = 0;
    for (int i = 0; !s && i < 1000; i++)
        *out += (((const float *)gm_tensor_data(real_says))[i] - ((const float *)gm_tensor_data(fake_says))[i]) / 1000;
    gm_tensor_free(fake); gm_tensor_free(real_says); gm_tensor_free(fake_says);
    return s;
}

int main(void) {
    gm_ctx *ctx = NULL; gm_dataset *moons = NULL; gm_model *gan = NULL; gm_trainer *tr = NULL; gm_tensor *x = NULL;
    double first = 0, last = 0;

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:moons,n=10000", &moons);
    if (!s) s = gm_dataset_read(moons, "x", 0, 1000, &x);
    if (!s) s = gm_model_new(ctx, "gan", "loss=wasserstein penalty=gp penalty-weight=0.1 d-steps=5 seed=1", &gan);
    if (!s) s = gm_trainer_new(gan, moons, "steps=600 lr=1e-3 beta1=0 beta2=0.9 ema=0", &tr);
    for (int step = 0; !s && step < 600; step++) {
        double loss;
        for (int k = 0; !s && k < (step ? 5 : 100); k++) s = gm_gan_d_step(tr, &loss); /* a good critic to begin with */
        if (!s && step % 100 == 0) s = distance(gan, x, &last);
        if (!s && step % 100 == 0) printf("step %3d  distance %.4f\n", step, last);
        if (!s && step == 0) first = last;
        if (!s) s = gm_gan_g_step(tr, &loss);
    }
    if (!s) s = distance(gan, x, &last);
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("step 600  distance %.4f\n", last);
    gm_tensor_free(x); gm_trainer_free(tr); gm_model_free(gan); gm_dataset_free(moons); gm_ctx_free(ctx);
    return s != GM_OK || last > 0.3 * first;
}
