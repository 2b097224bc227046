/* loss.c - what generator and discriminator lose, from logits. With sigma the sigmoid, -log sigma(r) is softplus(-r) and
 * -log(1 - sigma(f)) is softplus(f): finite however sure the discriminator is. */
#include "models/gan/gan.h"

static gm_tensor *mean(gm_tape *t, gm_tensor *x) { return gm_mean(t, x, GM_ALL_AXES, 0); }
static gm_tensor *mean_softplus(gm_tape *t, gm_tensor *x, double sign) { return mean(t, gm_softplus(t, sign < 0 ? gm_neg(t, x) : x)); }
static gm_tensor *half_square(gm_tape *t, gm_tensor *x, double target) { return gm_affine(t, mean(t, gm_square(t, gm_affine(t, x, 1, -target))), 0.5, 0); }
static gm_tensor *hinge(gm_tape *t, gm_tensor *x, double sign) { return mean(t, gm_relu(t, gm_affine(t, x, sign, 1))); }

static bool known(gm_tape *t, const char *who, int32_t loss)
{
    if (loss >= GM_GAN_MINIMAX && loss <= GM_GAN_RELATIVISTIC) return true;
    gm__tape_fail(t, GM_EARG, "%s: loss must be %d to %d, not %d", who, GM_GAN_MINIMAX, GM_GAN_RELATIVISTIC, loss);
    return false;
}

gm_tensor *gm_gan_d_loss(gm_tape *t, int32_t loss, gm_tensor *real, gm_tensor *fake, double smoothing)
{
    gm_tensor *on_real;
    if (!known(t, "gan_d_loss", loss)) return NULL;
    switch (loss) {
    case GM_GAN_LEAST_SQUARES: return gm_add(t, half_square(t, real, 1 - smoothing), half_square(t, fake, 0));
    case GM_GAN_HINGE: return gm_add(t, hinge(t, real, -1), hinge(t, fake, 1));
    case GM_GAN_WASSERSTEIN: return gm_sub(t, mean(t, fake), mean(t, real));
    case GM_GAN_RELATIVISTIC: return mean_softplus(t, gm_sub(t, fake, real), 1);
    default: break;
    }
    on_real = mean_softplus(t, real, -1);
    if (smoothing > 0) on_real = gm_add(t, on_real, gm_affine(t, mean(t, real), smoothing, 0)); /* (1-a) S(-r) + a S(r) = S(-r) + a r */
    return gm_add(t, on_real, mean_softplus(t, fake, 1));
}

gm_tensor *gm_gan_g_loss(gm_tape *t, int32_t loss, gm_tensor *real, gm_tensor *fake)
{
    if (!known(t, "gan_g_loss", loss)) return NULL;
    switch (loss) {
    case GM_GAN_MINIMAX: return gm_neg(t, mean_softplus(t, fake, 1));
    case GM_GAN_LEAST_SQUARES: return half_square(t, fake, 1);
    case GM_GAN_HINGE:
    case GM_GAN_WASSERSTEIN: return gm_neg(t, mean(t, fake));
    case GM_GAN_RELATIVISTIC: return mean_softplus(t, gm_sub(t, real, fake), 1);
    default: return mean_softplus(t, fake, -1);
    }
}
