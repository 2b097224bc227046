/* avg_pool.c - averages over windows, through the op resample. */
#include "ops/window.h"

static gm_tensor *average(gm_tape *t, const char *who, gm_tensor *x, const int64_t k[2], const int64_t stride[2], const int64_t pad[2],
                          int32_t count_pad, bool signal)
{
    gm__span axes[2];
    x = gm__image_in(t, who, x, signal);
    if (!gm__pool_spans(t, who, x, k, stride, pad, axes)) return NULL;
    return gm__image_out(t, gm__resample(t, x, count_pad ? GM__R_AVERAGE_PAD : GM__R_AVERAGE, false, axes), signal);
}

gm_tensor *gm_avg_pool2d(gm_tape *t, gm_tensor *x, const int64_t k[2], const int64_t stride[2], const int64_t pad[2], int32_t count_pad)
{
    return average(t, "avg_pool2d", x, k, stride, pad, count_pad, false);
}
gm_tensor *gm_avg_pool1d(gm_tape *t, gm_tensor *x, int64_t k, int64_t stride, int64_t pad, int32_t count_pad)
{
    return average(t, "avg_pool1d", x, (int64_t[]){1, k}, (int64_t[]){1, stride ? stride : k}, (int64_t[]){0, pad}, count_pad, true);
}

gm_tensor *gm_adaptive_avg_pool2d(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow)
{
    gm__span axes[2];
    x = gm__image_in(t, "adaptive_avg_pool2d", x, false);
    if (!gm__adaptive_spans(t, "adaptive_avg_pool2d", x, oh, ow, axes)) return NULL;
    return gm__image_out(t, gm__resample(t, x, GM__R_AVERAGE, false, axes), false);
}

gm_tensor *gm_global_avg_pool(gm_tape *t, gm_tensor *x)
{
    char a[128];
    if (!gm__tape_ok(t)) return NULL;
    if (!gm__is(x, GM__TENSOR)) return gm__tape_fail(t, GM_EARG, "global_avg_pool: x is no tensor");
    if (x->ndim < 3) return gm__tape_fail(t, GM_ESHAPE, "global_avg_pool: x [N, C, ..] wanted, got %s", gm__shape_text(a, x->ndim, x->shape));
    int64_t pixels = 1;
    for (int i = 2; i < x->ndim; i++) pixels *= x->shape[i];
    if (pixels == 0) return gm__tape_fail(t, GM_ESHAPE, "global_avg_pool: x %s has no pixels", gm__shape_text(a, x->ndim, x->shape));
    bool last = gm__is_last(x);
    x = last ? gm__to_last(t, x) : x;
    if (!x) return NULL;
    const int64_t n = x->shape[0], c = x->shape[last ? x->ndim - 1 : 1], turned[] = {n, pixels, c}, plain[] = {n, c, pixels};
    return gm_mean(t, gm_reshape(t, x, 3, last ? turned : plain), last ? 1 : 2, 0);
}
