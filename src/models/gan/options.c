/* options.c - the options of the GAN: one row each, and the rules between them. */
#include "models/gan/health.h"
#include <string.h>

#define ROW(field) offsetof(gm_gan_config, field)
static const gm__opt rows[] = {
    {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a row, \"1,28,28\"; default: from the data at first fit"},
    {"preset", GM__O_CHOICE, ROW(preset), "auto", 0, 0, "auto|mlp|dcgan|resnet", "nets: dense layers, strided convolutions, residual convolutions; auto: dcgan for images from 28x28 on that fit it, else mlp"},
    {"generator", GM__O_TEXT, ROW(generator), NULL, 0, 0, NULL, "network text in place of the preset; its input is the noise, its output a row"},
    {"discriminator", GM__O_TEXT, ROW(discriminator), NULL, 0, 0, NULL, "network text in place of the preset; its input is the flattened row, or the image if its first layer works on images; none: a generator alone"},
    {"hidden", GM__O_TEXT, ROW(hidden), "128,128", 0, 0, NULL, "mlp: hidden sizes of both nets"},
    {"width", GM__O_INT, ROW(width), "0", 0, 4096, NULL, "dcgan, resnet: channels next to the image, doubled with each halving of it; 0: dcgan 16 where it halves at most twice (28x28), else 32"},
    {"dense", GM__O_INT, ROW(dense), "-1", -1, 65536, NULL, "dcgan: units of a dense layer behind the noise and of one before the logit; 0: none; -1: 256 where the image halves at most twice, else none"},
    {"noise-dim", GM__O_INT, ROW(noise_dim), "0", 0, 65536, NULL, "numbers of the noise; 0: as many as a vector has, 2 to 64; 64 for images"},
    {"noise", GM__O_CHOICE, ROW(noise), "normal", 0, 0, "normal|uniform", "its law: N(0,1), or uniform on [-1,1]"},
    {"loss", GM__O_CHOICE, ROW(loss), "auto", 0, 0, "minimax|non-saturating|least-squares|hinge|wasserstein|relativistic|auto", "what the two lose; auto: relativistic for vectors, non-saturating for images"},
    {"penalty", GM__O_CHOICE, ROW(penalty), "auto", 0, 0, "none|gp|r1|r2|dragan|clip|auto", "what keeps the discriminator smooth; auto: r2 for vectors, none for images"},
    {"penalty-every", GM__O_INT, ROW(penalty_every), "1", 1, 1 << 20, NULL, "discriminator steps between two penalties, whose weight is multiplied by it"},
    {"penalty-weight", GM__O_REAL, ROW(penalty_weight), "0", 0, 1e6, NULL, "0: 10 for gp and dragan, 0.2 for r1 and r2, 0.01 for clip"},
    {"spectral", GM__O_FLAG, ROW(spectral), "off", 0, 0, NULL, "divide the discriminator's weights by their largest singular value"},
    {"pack", GM__O_INT, ROW(pack), "1", 1, 64, NULL, "rows that the discriminator judges together, so that it sees how they vary"},
    {"d-steps", GM__O_REAL, ROW(d_steps), "1", 0.001, 1000, NULL, "discriminator steps for one of the generator; 0.5: one in every second step"},
    {"d-lr", GM__O_REAL, ROW(d_lr), "0", 0, 1e6, NULL, "the discriminator's learning rate; 0: lr"},
    {"d-optimizer", GM__O_TEXT, ROW(d_optimizer), NULL, 0, 0, NULL, "the discriminator's optimizer: " GM__OPTIM_KINDS "; default: optimizer"},
    {"label-smoothing", GM__O_REAL, ROW(label_smoothing), "0", 0, 0.99, NULL, "real rows count as 1 minus this (minimax, non-saturating, least-squares)"},
    {"instance-noise", GM__O_REAL, ROW(instance_noise), "0", 0, 1e3, NULL, "deviation of noise on all that the discriminator sees, falling to 0"},
    {"noise-steps", GM__O_I64, ROW(noise_steps), "0", 0, 1e15, NULL, "steps over which it falls; 0: all of training"},
    {"mbstd", GM__O_FLAG, ROW(mbstd), "off", 0, 0, NULL, "presets: show the discriminator how much a batch varies"},
    {"conditional", GM__O_CHOICE, ROW(conditional), "none", 0, 0, "none|concat|embedding|projection|acgan", "tell both nets the label: joined to their inputs as 0 and 1, or as a learned vector; by projection; or asked of the discriminator"},
    {"embedding", GM__O_INT, ROW(embedding), "32", 1, 4096, NULL, "conditional=embedding: size of a label's vector"},
    {"classes", GM__O_INT, ROW(classes), "0", 0, 1 << 20, NULL, "number of classes; 0: from the data"},
    {"codes", GM__O_TEXT, ROW(codes), NULL, 0, 0, NULL, "categorical codes beside the noise that the discriminator must find again, by their number of values: \"10\""},
    {"codes-uniform", GM__O_INT, ROW(codes_uniform), "0", 0, 4096, NULL, "such codes in [-1,1]"},
    {"info-weight", GM__O_REAL, ROW(info_weight), "1", 0, 1e6, NULL, "of the codes in both losses"},
    {"class-weight", GM__O_REAL, ROW(class_weight), "1", 0, 1e6, NULL, "acgan: of the labels in both losses"},
    {"truncation", GM__O_REAL, ROW(truncation), "0", 0, 1e3, NULL, "normal noise is redrawn beyond so many deviations in use; 0: not"},
    {"scale", GM__O_CHOICE, ROW(scale), "auto", 0, 0, "none|unit|standard|auto", "features: kept, to [0,1], or to mean 0 and deviation 1; auto: standard for vectors, unit if the generator ends in tanh"},
    {"unroll", GM__O_INT, ROW(unroll), "0", 0, 64, NULL, "steps of the discriminator that the generator looks ahead through, differentiating them"},
    {"d-band", GM__O_TEXT, ROW(d_band), NULL, 0, 0, NULL, "adapt d-steps so that the discriminator's advantage stays between two numbers: \"0.6,0.8\" (0.5: it cannot tell, 1: it always can)"},
    {"health", GM__O_CHOICE, ROW(health), "watch", 0, 0, "off|watch|act", "raise events when training goes wrong; act: do something about it, see remedies"},
    {"health-every", GM__O_INT, ROW(health_every), "100", 1, 1 << 24, NULL, "steps between two looks at generated rows"},
    {"remedies", GM__O_TEXT, ROW(remedies), NULL, 0, 0, NULL, "health=act: what is done (none, rollback, lr, ratio, stop) on which event; default: collapse, vanishing, oscillation, imbalance ratio, exploding rollback, gap none"},
    {"gap-every", GM__O_I64, ROW(gap_every), "0", 0, 1e15, NULL, "steps between two estimates of the duality gap by best responses; 0: none"},
    {"gap-steps", GM__O_INT, ROW(gap_steps), "20", 1, 1 << 20, NULL, "steps of a best response"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"},
};
const gm__opts gm__gan_opts = {"gan", rows, GM__COUNT(rows)};

bool gm__gan_alone(const gm_gan_config *c) { return c->discriminator && strcmp(c->discriminator, "none") == 0; }

static gm_status check_codes(gm_ctx *ctx, const gm_gan_config *c)
{
    int64_t values[GM__CODER_LAYERS];
    size_t n = 0;
    if (c->codes && *c->codes) GM__TRY(gm__ints(ctx, "codes", c->codes, values, GM__CODER_LAYERS, &n));
    for (size_t i = 0; i < n; i++)
        if (values[i] < 2 || values[i] > 65536)
            return gm__fail_ctx(ctx, GM_EARG, "gan: codes: a code has 2 to 65536 values, found %lld", (long long)values[i]);
    if (c->pack > 1 && (n || c->codes_uniform)) return gm__fail_ctx(ctx, GM_EARG, "gan: pack=%d and codes do not go together: a code belongs to one row", c->pack);
    return GM_OK;
}

/* ---- remedies ------------------------------------------------------------------------------ */

const char *const gm__ill_names[GM__ILLS] = {"collapse", "vanishing", "exploding", "oscillation", "imbalance", "gap"};
const char *const gm__cure_names[GM__CURES] = {"none", "rollback", "lr", "ratio", "stop"};

typedef struct cures { gm_ctx *ctx; int *cure; } cures;

static int find(const char *const *names, int n, const char *name)
{
    int i = 0;
    while (i < n && strcmp(names[i], name)) i++;
    return i;
}

static gm_status read_cure(void *user, const char *key, const char *value)
{
    const cures *c = user;
    const int ill = find(gm__ill_names, GM__ILLS, key), cure = value ? find(gm__cure_names, GM__CURES, value) : GM__CURES;
    if (ill == GM__ILLS)
        return gm__fail_ctx(c->ctx, GM_EARG, "gan: remedies: expected one of collapse, vanishing, exploding, oscillation, imbalance, gap, found '%.40s'", key);
    if (cure == GM__CURES) return gm__fail_ctx(c->ctx, GM_EARG, "gan: remedies: %s: expected one of none, rollback, lr, ratio, stop, found '%.40s'", key, value ? value : "nothing");
    if (cure == GM__CURE_RATIO && ill == GM__ILL_EXPLODING) return gm__fail_ctx(c->ctx, GM_EARG, "gan: remedies: exploding=ratio: either side may be too fast; take rollback or lr");
    c->cure[ill] = cure;
    return GM_OK;
}

gm_status gm__gan_cures(gm_ctx *ctx, const char *text, int cure[GM__ILLS])
{
    static const int usual[GM__ILLS] = {GM__CURE_RATIO, GM__CURE_RATIO, GM__CURE_ROLLBACK, GM__CURE_RATIO, GM__CURE_RATIO, GM__CURE_NONE};
    cures c = {ctx, cure};
    memcpy(cure, usual, sizeof usual);
    return text && *text ? gm__pairs(ctx, "gan: remedies", text, read_cure, &c) : GM_OK;
}

gm_status gm__gan_band(gm_ctx *ctx, const char *text, double band[2])
{
    size_t n = 0;
    band[0] = band[1] = 0;
    if (!text || !*text) return GM_OK;
    GM__TRY(gm__reals(ctx, "gan: d-band", text, band, 2, &n));
    if (n == 2 && band[0] >= 0 && band[0] < band[1] && band[1] <= 1) return GM_OK;
    return gm__fail_ctx(ctx, GM_EARG, "gan: d-band: expected two numbers of [0,1], the smaller one first, found '%.40s'", text);
}

/* ---- rules between options ------------------------------------------------------------------- */

gm_status gm__gan_check(gm_ctx *ctx, const void *cfg)
{
    const gm_gan_config *c = cfg;
    int64_t hidden[GM__CODER_LAYERS];
    size_t n;
    int cure[GM__ILLS];
    double band[2];
    GM__TRY(gm__coder_sizes(ctx, "gan", "hidden", c->hidden, hidden, &n));
    GM__TRY(gm__check_smoothing(ctx, "gan", c->loss, c->label_smoothing));
    GM__TRY(check_codes(ctx, c));
    GM__TRY(gm__check_optimizer(ctx, "gan", "d-optimizer", c->d_optimizer));
    GM__TRY(gm__gan_cures(ctx, c->remedies, cure));
    GM__TRY(gm__gan_band(ctx, c->d_band, band));
    if (c->pack > 1 && c->conditional)
        return gm__fail_ctx(ctx, GM_EARG, "gan: pack=%d and conditional do not go together: rows that are judged together may have different labels", c->pack);
    if (c->truncation > 0 && c->noise == GM_NOISE_UNIFORM)
        return gm__fail_ctx(ctx, GM_EARG, "gan: truncation %g is of normal noise, found noise=uniform", c->truncation);
    if (c->spectral && c->penalty == GM_PENALTY_CLIP)
        return gm__fail_ctx(ctx, GM_EARG, "gan: spectral and penalty=clip bound the same weights: take one");
    return GM_OK;
}

void gm_gan_config_init(gm_gan_config *c, size_t size) { gm__family_config(&gm__family_gan, c, size); }
gm_status gm_gan_new(gm_ctx *ctx, const gm_gan_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_gan, c, out); }
