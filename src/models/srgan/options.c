/* options.c - the options of the SRGAN: one row each, and the rules between them. */
#include "models/srgan/srgan.h"

#define ROW(field) offsetof(gm_srgan_config, field)
static const gm__opt rows[] = {
    {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a large picture, \"3,32,32\"; default: from the data at first fit"},
    {"factor", GM__O_INT, ROW(factor), "2", 2, 8, NULL, "how many times larger both sides become"},
    {"blocks", GM__O_INT, ROW(blocks), "4", 0, 256, NULL, "residual blocks of the generator"},
    {"width", GM__O_INT, ROW(width), "32", 1, 4096, NULL, "channels of both nets"},
    {"generator", GM__O_TEXT, ROW(generator), NULL, 0, 0, NULL, "network text in place of the preset: from a small picture to what its bicubic enlargement lacks"},
    {"discriminator", GM__O_TEXT, ROW(discriminator), NULL, 0, 0, NULL, "network text in place of the preset: from a large picture to one logit"},
    {"reduce", GM__O_CHOICE, ROW(reduce), "area", 0, 0, "area|bicubic", "how small pictures are made of the data: means of factor x factor pixels, or bicubic without smoothing"},
    {"content", GM__O_CHOICE, ROW(content), "pixel", 0, 0, "pixel|features", "whose squared error counts after pretrain: that of pixels, or of a classifier's features"},
    {"features", GM__O_TEXT, ROW(features), NULL, 0, 0, NULL, "content=features: file of an mlp or cnn whose last hidden layer is compared; read at the first fit, its net is kept in the model"},
    {"feature-net", GM__O_TEXT, ROW(feature_net), NULL, 0, 0, NULL, "its network text, filled in then"},
    {"pretrain", GM__O_REAL, ROW(pretrain), "0.7", 0, 1, NULL, "share of the steps that learn the content of pixels alone; 1: no discriminator"},
    {"adversarial", GM__O_REAL, ROW(adversarial), "0.005", 0, 1e6, NULL, "weight of the generator's part of the game beside the content"},
    {"loss", GM__O_CHOICE, ROW(loss), "non-saturating", 0, 0, "minimax|non-saturating|least-squares|hinge|wasserstein|relativistic", "what the two nets lose"},
    {"penalty", GM__O_CHOICE, ROW(penalty), "none", 0, 0, "none|gp|r1|r2|dragan", "what keeps the discriminator smooth"},
    {"penalty-weight", GM__O_REAL, ROW(penalty_weight), "0", 0, 1e6, NULL, "0: 10 for gp and dragan, 0.2 for r1 and r2"},
    {"penalty-every", GM__O_INT, ROW(penalty_every), "1", 1, 1 << 20, NULL, "discriminator steps between two penalties, whose weight is multiplied by it"},
    {"spectral", GM__O_FLAG, ROW(spectral), "off", 0, 0, NULL, "divide the discriminator's weights by their largest singular value"},
    {"d-steps", GM__O_REAL, ROW(d_steps), "1", 0.001, 1000, NULL, "discriminator steps for one of the generator, after pretrain"},
    {"d-lr", GM__O_REAL, ROW(d_lr), "0", 0, 1e6, NULL, "the discriminator's learning rate; 0: lr"},
    {"d-optimizer", GM__O_TEXT, ROW(d_optimizer), NULL, 0, 0, NULL, "the discriminator's optimizer: " GM__OPTIM_KINDS "; default: optimizer"},
    {"label-smoothing", GM__O_REAL, ROW(label_smoothing), "0", 0, 0.99, NULL, "real pictures count as 1 minus this (minimax, non-saturating, least-squares)"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"},
};
const gm__opts gm__srgan_opts = {"srgan", rows, GM__COUNT(rows)};

gm_status gm__srgan_check(gm_ctx *ctx, const void *cfg)
{
    const gm_srgan_config *c = cfg;
    const bool told = (c->features && *c->features) || (c->feature_net && *c->feature_net);
    GM__TRY(gm__check_smoothing(ctx, "srgan", c->loss, c->label_smoothing));
    GM__TRY(gm__check_optimizer(ctx, "srgan", "d-optimizer", c->d_optimizer));
    if (c->content == GM_CONTENT_FEATURES && !told) return gm__fail_ctx(ctx, GM_EARG, "srgan: content=features wants features=FILE, a classifier");
    if (c->content == GM_CONTENT_PIXEL && told) return gm__fail_ctx(ctx, GM_EARG, "srgan: features belong to content=features");
    return GM_OK;
}

void gm_srgan_config_init(gm_srgan_config *c, size_t size) { gm__family_config(&gm__family_srgan, c, size); }
gm_status gm_srgan_new(gm_ctx *ctx, const gm_srgan_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_srgan, c, out); }
