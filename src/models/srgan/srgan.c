/* srgan.c - super-resolution as a family: a code is a small picture; verbs, metrics, and what is its own. */
#include "models/srgan/srgan.h"
#include <string.h>

/* ---- use ---------------------------------------------------------------------------------------- */

static gm_tensor *encode(gm_model *m, const gm__batch *b)
{
    gm_tensor *y = gm__srgan_reduce(m, b->t, gm__srgan_pictures(m, b->t, b->x));
    return y ? gm_reshape(b->t, y, 2, (int64_t[]){y->shape[0], -1}) : NULL;
}

static gm_tensor *decode(gm_model *m, const gm__batch *b)
{
    const int64_t *im = gm__srgan_of(m)->small, size = im[0] * im[1] * im[2];
    int64_t shape[GM_MAX_DIMS] = {b->x ? b->x->shape[0] : 0};
    if (b->x && b->x->shape[1] != size)
        return gm__tape_fail(b->t, GM_ESHAPE, "srgan: a code is a picture of %lld numbers, got %lld", (long long)size, (long long)b->x->shape[1]);
    gm_tensor *y = b->x ? gm__srgan_use(m, b->t, gm_reshape(b->t, b->x, 4, (int64_t[]){shape[0], im[0], im[1], im[2]})) : NULL;
    memcpy(shape + 1, m->shape, (size_t)m->ndim * sizeof *shape);
    return y ? gm_reshape(b->t, y, m->ndim + 1, shape) : NULL;
}

static gm_tensor *predict(gm_model *m, const gm__batch *b) { return gm__srgan_use(m, b->t, b->x); }

gm_status gm_srgan_upscale(gm_model *m, gm_tensor *small, gm_tensor **large)
{
    if (!large) return GM_EARG;
    *large = NULL;
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (m->family != &gm__family_srgan) return gm__fail_ctx(m->ctx, GM_EARG, "srgan_upscale: a model of family srgan wanted, this is %s", m->family->name);
    return gm_predict(m, small, large);
}

/* ---- metrics: psnr and ssim are those of all that reconstruct; beside them what the bicubic enlargement reaches ---- */

static gm_tensor *by_cubes(gm_model *m, const gm__batch *b, gm_tensor *large, char *note)
{
    if (note) gm__format(note, 96, "range=1, bicubic enlargement");
    gm_tensor *y = gm__srgan_bicubic(m, b->t, gm__srgan_reduce(m, b->t, large));
    return y ? gm_clamp(b->t, y, 0, 1) : NULL;
}

static gm_tensor *psnr_bicubic(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    gm_tensor *large = gm__srgan_pictures(m, b->t, b->x);
    GM__UNUSED(c);
    return gm_psnr(b->t, large, by_cubes(m, b, large, note), 1);
}

static gm_tensor *ssim_bicubic(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    gm_tensor *large = gm__srgan_pictures(m, b->t, b->x);
    GM__UNUSED(c);
    return gm_ssim(b->t, large, by_cubes(m, b, large, note), 1);
}

/* Mean square of the finest level of a Laplacian pyramid, of each picture. */
static gm_tensor *detail(gm_tape *t, gm_tensor *x)
{
    gm_tensor *band = x ? gm_laplacian_split(t, x, NULL) : NULL;
    return band ? gm_mean(t, gm_square(t, gm_reshape(t, band, 2, (int64_t[]){x->shape[0], -1})), 1, 0) : NULL;
}

static gm_tensor *sharpness(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    gm_tensor *large = gm__srgan_pictures(m, b->t, b->x), *made = large ? gm__srgan_use(m, b->t, gm__srgan_reduce(m, b->t, large)) : NULL;
    GM__UNUSED(c);
    if (note) gm__format(note, 96, "fine detail, 1: as much as the data");
    return gm_sqrt(b->t, gm_div(b->t, gm_affine(b->t, detail(b->t, made), 1, 1e-8), gm_affine(b->t, detail(b->t, large), 1, 1e-8)));
}

static const gm__metric metrics[] = {
    {.name = "psnr_bicubic", .unit = "dB", .row = psnr_bicubic},
    {.name = "ssim_bicubic", .unit = "similarity", .row = ssim_bicubic},
    {.name = "sharpness", .unit = "share", .row = sharpness},
};

static const char *default_metric(const gm_model *m)
{
    const int64_t *im = gm__srgan_of(m)->large;
    return im[1] < 11 || im[2] < 11 ? "psnr,psnr_bicubic,sharpness" : "psnr,psnr_bicubic,ssim,ssim_bicubic,sharpness"; /* the window of ssim */
}

/* ---- the family ------------------------------------------------------------------------------------ */

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__srgan *g = m->state;
    const gm_net *nets[] = {g->g, g->d, g->features};
    static const char *const names[] = {"generator", "discriminator", "features"};
    return gm__coder_print(m->ctx, nets, names, 3, out);
}

const gm__family gm__family_srgan = {
    .name = "srgan",
    .title = "super-resolution: a residual net adds what interpolation lacks, a discriminator makes it sharp",
    .train = "steps=3000 batch=16 lr=1e-3 schedule=cosine ema=0.99 ema-warmup=on",
    .opts = &gm__srgan_opts,
    .cfg_size = sizeof(gm_srgan_config),
    .state_size = sizeof(gm__srgan),
    .can = GM_CAN_ENCODE | GM_CAN_DECODE | GM_CAN_RECONSTRUCT | GM_CAN_PREDICT,
    .any_size = true,
    .check = gm__srgan_check,
    .ready = gm__srgan_ready,
    .choose = gm__srgan_choose,
    .build = gm__srgan_build,
    .destroy = gm__srgan_destroy,
    .loss = gm__srgan_loss,
    .update = gm__players_update,
    .players = &gm__srgan_players,
    .takes = gm__srgan_takes,
    .begin = gm__srgan_begin,
    .add_params = gm__srgan_add_g,
    .encode = encode,
    .decode = decode,
    .predict = predict,
    .metrics = metrics,
    .n_metrics = GM__COUNT(metrics),
    .default_metric = default_metric,
    .print = print,
};
