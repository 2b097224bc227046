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

static gm_tensor *enlarged(gm_tape *t, gm_tensor *x)
{
    int64_t n = x->shape[0], h = x->shape[1], w = x->shape[2], c = x->shape[3];
    if (h > INT64_MAX / 2 || w > INT64_MAX / 2) return gm__tape_fail(t, GM_ESHAPE, "upsample_conv2d: the image would be too large");
    gm_tensor *y = gm_expand(t, gm_reshape(t, x, 6, (const int64_t[]){n, h, 1, w, 1, c}), 6, (const int64_t[]){n, h, 2, w, 2, c});
    return y ? gm_reshape(t, gm__copy(t, y), 4, (const int64_t[]){n, 2 * h, 2 * w, c}) : NULL;
}

/* The fold needs a kernel of 3x3 and a padding of 1; all that is wrong with the inputs goes the plain way, which says so. */
static bool folds(const gm_tensor *x, const gm_tensor *w, int64_t pad)
{
    return pad == 1 && w->shape[2] == 3 && w->shape[3] == 3 && w->shape[1] == x->shape[3] && w->size > 0 && x->size > 0 &&
           gm__is_float(x->dtype) && x->dtype == w->dtype;
}

gm_tensor *gm__upsample_conv2d_act(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t pad, int32_t act, double slope)
{
    gm_tensor *image = gm__conv_image(t, "upsample_conv2d", x, false), *filter = gm__conv_filter(t, "upsample_conv2d", w, false), *y;
    if (!image || !filter) return NULL;
    bool fold = folds(image, filter, pad);
    gm__attr a = fold ? gm__conv_attr((const int64_t[]){2, 2}, (const int64_t[]){1, 1}, NULL, 1)
                      : gm__conv_attr(NULL, (const int64_t[]){pad, pad}, NULL, 1);
    bool fused = gm__conv_fuse(&a, act, slope);
    if (fold) {
        for (int i = 0; i < 2; i++) a.i[GM__CONV_SIZE + i] = 2 * image->shape[1 + i]; /* fits: infer checks the result */
        filter = summed_weights(t, filter);
        y = filter ? gm__conv_transpose_apply(t, image, filter, b, &a) : NULL;
    } else {
        image = enlarged(t, image);
        y = image ? gm__conv_apply(t, image, filter, b, &a) : NULL;
    }
    y = gm__conv_result(t, y, false);
    return fused ? y : gm_leaky_relu(t, y, slope);
}

gm_tensor *gm_upsample_conv2d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t pad)
{
    return gm__upsample_conv2d_act(t, x, w, b, pad, GM_ACT_NONE, 0);
}
