/* upsample.c - images of other sizes: resampling and pyramids, through the op resample. */
#include "ops/window.h"

static gm_tensor *resize(gm_tape *t, const char *who, gm_tensor *x, int64_t oh, int64_t ow, int32_t mode, bool signal)
{
    gm__span axes[2];
    x = gm__image_in(t, who, x, signal);
    if (!gm__adaptive_spans(t, who, x, oh, ow, axes)) return NULL;
    if (mode != GM_NEAREST && mode != GM_BILINEAR && mode != GM_BICUBIC)
        return gm__tape_fail(t, GM_EARG, "%s: mode %d is none of GM_NEAREST, GM_BILINEAR, GM_BICUBIC", who, (int)mode);
    return gm__image_out(t, gm__resample(t, x, mode, false, axes), signal);
}
gm_tensor *gm_upsample2d(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow, int32_t mode)
{
    return resize(t, "upsample2d", x, oh, ow, mode, false);
}
gm_tensor *gm_upsample1d(gm_tape *t, gm_tensor *x, int64_t l, int32_t mode) { return resize(t, "upsample1d", x, 1, l, mode, true); }

gm_tensor *gm_upsample_nearest(gm_tape *t, gm_tensor *x, int64_t factor)
{
    gm__span axes[2];
    bool signal = gm__is(x, GM__TENSOR) && x->ndim == 3;
    x = gm__image_in(t, "upsample_nearest", x, signal);
    if (!x) return NULL;
    if (factor < 1 || factor > INT32_MAX) return gm__tape_fail(t, GM_EARG, "upsample_nearest: factor %lld: 1 or more wanted", (long long)factor);
    if (!gm__adaptive_spans(t, "upsample_nearest", x, signal ? 1 : factor * x->shape[1], factor * x->shape[2], axes)) return NULL;
    return gm__image_out(t, gm__resample(t, x, GM_NEAREST, false, axes), signal);
}

gm_tensor *gm_pyramid_down(gm_tape *t, gm_tensor *x)
{
    gm__span axes[2];
    x = gm__image_in(t, "pyramid_down", x, false);
    if (!x || !gm__adaptive_spans(t, "pyramid_down", x, (x->shape[1] + 1) / 2 + !x->shape[1], (x->shape[2] + 1) / 2 + !x->shape[2], axes)) return NULL;
    return gm__image_out(t, gm__resample(t, x, GM__R_PYRAMID_DOWN, false, axes), false);
}

gm_tensor *gm_pyramid_up(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow)
{
    gm__span axes[2];
    x = gm__image_in(t, "pyramid_up", x, false);
    if (!gm__adaptive_spans(t, "pyramid_up", x, oh, ow, axes)) return NULL;
    for (int d = 0; d < 2; d++)
        if ((axes[d].out + 1) / 2 != axes[d].in)
            return gm__tape_fail(t, GM_ESHAPE, "pyramid_up: %lld places become %lld or %lld, not %lld", (long long)axes[d].in,
                                 (long long)(2 * axes[d].in - 1), (long long)(2 * axes[d].in), (long long)axes[d].out);
    return gm__image_out(t, gm__resample(t, x, GM__R_PYRAMID_UP, false, axes), false);
}

gm_tensor *gm_laplacian_split(gm_tape *t, gm_tensor *x, gm_tensor **coarse)
{
    gm_tensor *down = gm_pyramid_down(t, x);
    if (coarse) *coarse = down;
    return down ? gm_sub(t, x, gm_pyramid_up(t, down, x->shape[2], x->shape[3])) : NULL;
}

gm_tensor *gm_laplacian_join(gm_tape *t, gm_tensor *coarse, gm_tensor *band)
{
    char text[128];
    if (!gm__tape_ok(t) || gm__check_tensor(&t->err, "laplacian_join", "band", band)) return NULL;
    if (band->ndim != 4) return gm__tape_fail(t, GM_ESHAPE, "laplacian_join: band [N, C, H, W] wanted, got %s", gm__shape_text(text, band->ndim, band->shape));
    return gm_add(t, gm_pyramid_up(t, coarse, band->shape[2], band->shape[3]), band);
}
