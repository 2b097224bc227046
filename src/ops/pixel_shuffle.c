/* pixel_shuffle.c - channels to pixels and back: an exchange of axes between two reshapes. */
#include "ops/window.h"

/* [N,H,W,C,r,r] <-> [N,H,r,W,r,C] */
gm_tensor *gm_pixel_shuffle(gm_tape *t, gm_tensor *x, int64_t r)
{
    char a[128];
    x = gm__image_in(t, "pixel_shuffle", x, false);
    if (!x) return NULL;
    int64_t n = x->shape[0], h = x->shape[1], w = x->shape[2], c = x->shape[3];
    if (r < 1 || r > 32768 || c % (r * r))
        return gm__tape_fail(t, GM_ESHAPE, "pixel_shuffle: %lld channels of %s are not a multiple of %lld x %lld", (long long)c,
                             gm__shape_text(a, 4, x->shape), (long long)r, (long long)r);
    c /= r * r;
    x = gm_permute(t, gm_reshape(t, x, 6, (int64_t[]){n, h, w, c, r, r}), (int32_t[]){0, 1, 4, 2, 5, 3});
    x = x && !x->contiguous ? gm__copy(t, x) : x;
    return gm__image_out(t, gm_reshape(t, x, 4, (int64_t[]){n, h * r, w * r, c}), false);
}

gm_tensor *gm_pixel_unshuffle(gm_tape *t, gm_tensor *x, int64_t r)
{
    x = gm__image_in(t, "pixel_unshuffle", x, false);
    if (!x) return NULL;
    int64_t n = x->shape[0], h = x->shape[1], w = x->shape[2], c = x->shape[3];
    if (r < 1 || r > 32768 || h % r || w % r)
        return gm__tape_fail(t, GM_ESHAPE, "pixel_unshuffle: %lld x %lld pixels do not fall into squares of %lld", (long long)h, (long long)w, (long long)r);
    x = gm_permute(t, gm_reshape(t, x, 6, (int64_t[]){n, h / r, r, w / r, r, c}), (int32_t[]){0, 1, 3, 5, 2, 4});
    x = x && !x->contiguous ? gm__copy(t, x) : x;
    return gm__image_out(t, gm_reshape(t, x, 4, (int64_t[]){n, h / r, w / r, c * r * r}), false);
}
