/* options.c - the options of the LAPGAN: one row each, and the rules between them. */
#include "models/lapgan/lapgan.h"

#define ROW(field) offsetof(gm_lapgan_config, field)
static const gm__opt rows[] = {
    {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a picture, \"3,32,32\"; default: from the data at first fit"},
    {"levels", GM__O_INT, ROW(levels), "0", 0, GM__LAP_LEVELS, NULL, "levels of the pyramid, each twice the size of the one before; 0: until a side is odd or the next would be below 7"},
    {"level", GM__O_INT, ROW(level), "0", 0, GM__LAP_LEVELS, NULL, "train this level alone, 1 the coarsest; 0: all"},
    {"width", GM__O_INT, ROW(width), "32", 1, 4096, NULL, "presets: channels, twice as many on level 1"},
    {"generator", GM__O_TEXT, ROW(generator), NULL, 0, 0, NULL, "network text in place of the preset of the finer levels: from [C+1,H,W], the enlarged picture and a plane of noise, to the detail [C,H,W]"},
    {"discriminator", GM__O_TEXT, ROW(discriminator), NULL, 0, 0, NULL, "network text in place of the preset of the finer levels: from [2C,H,W], a picture and the enlarged one, to one logit"},
    {"coarse-generator", GM__O_TEXT, ROW(coarse_generator), NULL, 0, 0, NULL, "the same of level 1: from the noise to a picture [C,H,W] in [-1,1]"},
    {"coarse-discriminator", GM__O_TEXT, ROW(coarse_discriminator), NULL, 0, 0, NULL, "the same of level 1: from a picture to one logit"},
    {"noise-dim", GM__O_INT, ROW(noise_dim), "64", 1, 65536, NULL, "numbers of the noise of level 1; finer levels take one a pixel"},
    {"noise", GM__O_CHOICE, ROW(noise), "normal", 0, 0, "normal|uniform", "its law: N(0,1), or uniform on [-1,1]"},
    {"loss", GM__O_CHOICE, ROW(loss), "non-saturating", 0, 0, "minimax|non-saturating|least-squares|hinge|wasserstein|relativistic", "what the two nets of a level lose"},
    {"penalty", GM__O_CHOICE, ROW(penalty), "none", 0, 0, "none|gp|r1|r2|dragan", "what keeps the discriminators smooth"},
    {"penalty-weight", GM__O_REAL, ROW(penalty_weight), "0", 0, 1e6, NULL, "0: 10 for gp and dragan, 0.2 for r1 and r2"},
    {"penalty-every", GM__O_INT, ROW(penalty_every), "1", 1, 1 << 20, NULL, "discriminator steps between two penalties, whose weight is multiplied by it"},
    {"spectral", GM__O_FLAG, ROW(spectral), "off", 0, 0, NULL, "divide the discriminators' weights by their largest singular value"},
    {"d-steps", GM__O_REAL, ROW(d_steps), "1", 0.001, 1000, NULL, "discriminator steps for one of the generators; 0.5: one in every second step"},
    {"d-lr", GM__O_REAL, ROW(d_lr), "0", 0, 1e6, NULL, "the discriminators' learning rate; 0: lr"},
    {"d-optimizer", GM__O_TEXT, ROW(d_optimizer), NULL, 0, 0, NULL, "the discriminators' optimizer: " GM__OPTIM_KINDS "; default: optimizer"},
    {"label-smoothing", GM__O_REAL, ROW(label_smoothing), "0", 0, 0.99, NULL, "real pictures count as 1 minus this (minimax, non-saturating, least-squares)"},
    {"conditional", GM__O_CHOICE, ROW(conditional), "none", 0, 0, "none|concat", "tell all nets the label, joined to their inputs as 0 and 1"},
    {"classes", GM__O_INT, ROW(classes), "0", 0, 1 << 20, NULL, "number of classes; 0: from the data"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"},
};
const gm__opts gm__lapgan_opts = {"lapgan", rows, GM__COUNT(rows)};

gm_status gm__lapgan_check(gm_ctx *ctx, const void *cfg)
{
    const gm_lapgan_config *c = cfg;
    GM__TRY(gm__check_smoothing(ctx, "lapgan", c->loss, c->label_smoothing));
    GM__TRY(gm__check_optimizer(ctx, "lapgan", "d-optimizer", c->d_optimizer));
    if (c->levels && c->level > c->levels) return gm__fail_ctx(ctx, GM_EARG, "lapgan: level=%d of levels=%d", c->level, c->levels);
    return GM_OK;
}

void gm_lapgan_config_init(gm_lapgan_config *c, size_t size) { gm__family_config(&gm__family_lapgan, c, size); }
gm_status gm_lapgan_new(gm_ctx *ctx, const gm_lapgan_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_lapgan, c, out); }
