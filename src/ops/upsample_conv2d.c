/* upsample_conv2d.c - a convolution of an image enlarged twofold by repeating pixels, without the large image.
 *
 * Where a kernel of 3x3 meets an enlarged image it sees each small pixel once, twice or four times. Its weights
 * summed accordingly are a transposed convolution of the small image with a kernel of 4x4 and stride 2:
 * four ninths of the products. The summing is a product with a constant 9x16 matrix. */
#include "ops/conv.h"

/* Along one axis: large pixel 2s-1+a sees small pixel s through those taps r for which (2s-1+a)+r-1 is 2s or 2s+1. */
static double sees(int a, int r) { return r == 2 - a || r == 3 - a; }

static gm_tensor *summed_weights(gm_tape *t, gm_tensor *w)
{
    int64_t o = w->shape[0], c = w->shape[1];
    double m[9 * 16];
    for (int r = 0; r < 9; r++)
        for (int a = 0; a < 16; a++) m[r * 16 + a] = sees(a / 4, r / 3) * sees(a % 4, r % 3);
    gm_tensor *sum = gm__tape_tensor(t, w->dtype, 2, (const int64_t[]){9, 16});
    if (!sum) return NULL;
    for (int i = 0; i < 9 * 16; i++) {
        if (gm__f64_of(sum)) gm__f64(sum)[i] = m[i];
        else gm__f32(sum)[i] = (float)m[i];
    }
    gm_tensor *y = gm_matmul(t, gm_reshape(t, w, 2, (const int64_t[]){o * c, 9}), sum);
    return gm_transpose(t, gm_reshape(t, y, 4, (const int64_t[]){o, c, 4, 4}), 0, 1);
}

/* The fold needs a kernel of 3x3 and a padding of 1; all that is wrong with the inputs goes the plain way, which says so. */
static bool folds(const gm_tensor *x, const gm_tensor *w, int64_t pad)
{
    return pad == 1 && w->shape[2] == 3 && w->shape[3] == 3 && w->shape[1] == x->shape[3] && w->size > 0 && x->size > 0 &&
           gm__is_float(x->dtype) && x->dtype == w->dtype;
}

gm_tensor *gm__upsample_conv2d_act(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t pad, int32_t act, double slope)
{
    gm_tensor *image = gm__conv_image(t, "upsample_conv2d", x, false), *filter = gm__conv_filter(t, "upsample_conv2d", w, false);
    if (!image || !filter) return NULL;
    if (!folds(image, filter, pad))
        return gm__conv_act(t, gm_upsample_nearest(t, x, 2), w, b, gm__conv_attr(NULL, (const int64_t[]){pad, pad}, NULL, 1), act, slope);
    gm__attr a = gm__conv_attr((const int64_t[]){2, 2}, (const int64_t[]){1, 1}, NULL, 1);
    bool fused = gm__conv_fuse(&a, act, slope);
    for (int i = 0; i < 2; i++) a.i[GM__CONV_SIZE + i] = 2 * image->shape[1 + i]; /* fits: infer checks the result */
    filter = summed_weights(t, filter);
    gm_tensor *y = gm__conv_result(t, filter ? gm__conv_transpose_apply(t, image, filter, b, &a) : NULL, false);
    return fused ? y : gm_leaky_relu(t, y, slope);
}

gm_tensor *gm_upsample_conv2d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t pad)
{
    return gm__upsample_conv2d_act(t, x, w, b, pad, GM_ACT_NONE, 0);
}
