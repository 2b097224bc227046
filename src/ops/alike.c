/* alike.c - how alike two images are: PSNR and SSIM, short compositions of ops. */
#include "ops/window.h"

#include <math.h>

static bool pair_fits(gm_tape *t, const char *who, const gm_tensor *x, const gm_tensor *y, double range)
{
    char a[128], b[128];
    if (!gm__tape_ok(t)) return false;
    if (!gm__is(x, GM__TENSOR) || !gm__is(y, GM__TENSOR)) return gm__tape_fail(t, GM_EARG, "%s: two tensors wanted", who), false;
    if (x->ndim != 4 || !gm__shape_equal(x, y) || x->size == 0)
        return gm__tape_fail(t, GM_ESHAPE, "%s: two images [N, C, H, W] of one shape wanted, got %s and %s", who, gm__shape_text(a, x->ndim, x->shape),
                             gm__shape_text(b, y->ndim, y->shape)), false;
    if (!(range > 0 && range < 1e18)) return gm__tape_fail(t, GM_EARG, "%s: range %g is not above 0", who, range), false;
    return true;
}

/* Mean of each image, [N]. */
static gm_tensor *mean_each(gm_tape *t, gm_tensor *x)
{
    for (int axis = 3; axis > 0 && x; axis--) x = gm_mean(t, x, axis, 0);
    return x;
}

gm_tensor *gm_psnr(gm_tape *t, gm_tensor *x, gm_tensor *y, double range)
{
    if (!pair_fits(t, "psnr", x, y, range)) return NULL;
    return gm_affine(t, gm_log(t, mean_each(t, gm_square(t, gm_sub(t, x, y)))), -10 / log(10), 20 * log10(range));
}

gm_tensor *gm_ssim(gm_tape *t, gm_tensor *x, gm_tensor *y, double range)
{
    const double c = 1e-4 * range * range, d = 9 * c;
    gm__span axes[2];
    if (!pair_fits(t, "ssim", x, y, range)) return NULL;
    for (int k = 0; k < 2; k++) axes[k] = (gm__span){.in = x->shape[2 + k], .out = x->shape[2 + k] - 10, .k = 11, .s = 1};
    if (axes[0].out < 1 || axes[1].out < 1)
        return gm__tape_fail(t, GM_ESHAPE, "ssim: images of 11x11 pixels or more wanted, got %lldx%lld", (long long)axes[0].in, (long long)axes[1].in);
    x = gm__image_in(t, "ssim", x, false);
    y = gm__image_in(t, "ssim", y, false);
    gm_tensor *m = gm__resample(t, x, GM__R_GAUSSIAN, false, axes), *n = gm__resample(t, y, GM__R_GAUSSIAN, false, axes);
    /* only the sum of the variances is wanted: two windows more, not three */
    gm_tensor *squares = gm__resample(t, gm_add(t, gm_square(t, x), gm_square(t, y)), GM__R_GAUSSIAN, false, axes);
    gm_tensor *product = gm__resample(t, gm_mul(t, x, y), GM__R_GAUSSIAN, false, axes);
    gm_tensor *mn = gm_mul(t, m, n), *mm = gm_add(t, gm_square(t, m), gm_square(t, n));
    gm_tensor *above = gm_mul(t, gm_affine(t, mn, 2, c), gm_affine(t, gm_sub(t, product, mn), 2, d));
    gm_tensor *below = gm_mul(t, gm_affine(t, mm, 1, c), gm_affine(t, gm_sub(t, squares, mm), 1, d));
    return mean_each(t, gm_div(t, above, below));
}
