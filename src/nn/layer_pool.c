/* layer_pool.c - rows [C,H,W] or [C,L] to other sizes: "maxpool 2 [s2] [p0]", "avgpool 2 [s2] [p0] [nopad]", "gap" (global average),
 * "adaptpool 4 [4] [max]", "up 2 [bilinear|bicubic]". */
#include "nn/net.h"
#include <gm/image.h>

static int64_t setting(const gm__layer *l, int i) { return (int64_t)l->v[i]; }
static bool is_signal(const gm__layer *l) { return l->in.ndim == 2; }

static gm_status want_image(gm__build *b, gm__layer *l)
{
    char text[128];
    if (l->in.ndim == 2 || l->in.ndim == 3) return GM_OK;
    return gm__build_fail(b, l, GM_ESHAPE, "rows [C,H,W] or [C,L] wanted, got %s", gm__row_text(text, &l->in));
}

/* Runs op on x with one batch axis. */
typedef gm_tensor *image_op(gm_tape *t, const gm__layer *l, gm_tensor *x);
static gm_tensor *batched(const gm__run *r, const gm__layer *l, gm_tensor *x, image_op *op)
{
    gm_tensor *y = gm__apply_batch(r, x, &l->in);
    return y ? gm__apply_unbatch(r, op(r->t, l, y), x, &l->in) : NULL;
}

/* ---- maxpool, avgpool ------------------------------------------------------------------- */

enum { WINDOW, STRIDE, PAD, NOPAD };
static const gm__setting pool_settings[] = {
    [WINDOW] = {NULL, GM__S_INT, true, 0, 1, 65535, "a window size"},
    [STRIDE] = {"s", GM__S_INT, false, 0, 1, 65535, "a stride"}, /* 0: the window's size */
    [PAD] = {"p", GM__S_INT, false, 0, 0, 32767, "a padding"},
    [NOPAD] = {"nopad", GM__S_FLAG, false, 0, 0, 1, "nopad"},
};

static gm_status build_pool(gm__build *b, gm__layer *l)
{
    int64_t k = setting(l, WINDOW), p = setting(l, PAD);
    GM__TRY(want_image(b, l));
    if (setting(l, STRIDE) == k) l->v[STRIDE] = 0;
    int64_t s = setting(l, STRIDE) ? setting(l, STRIDE) : k;
    if (p > k / 2) return gm__build_fail(b, l, GM_EARG, "a padding of %lld is more than half the window %lld", (long long)p, (long long)k);
    for (int d = 1; d < l->in.ndim; d++) {
        if (l->in.dim[d] + 2 * p < k)
            return gm__build_fail(b, l, GM_ESHAPE, "a window of %lld exceeds the padded size %lld", (long long)k, (long long)(l->in.dim[d] + 2 * p));
        l->out.dim[d] = (l->in.dim[d] + 2 * p - k) / s + 1;
    }
    return GM_OK;
}

static gm_tensor *max_of(gm_tape *t, const gm__layer *l, gm_tensor *x)
{
    int64_t k = setting(l, WINDOW), s = setting(l, STRIDE) ? setting(l, STRIDE) : k, p = setting(l, PAD);
    if (is_signal(l)) return gm_max_pool1d(t, x, k, s, p);
    return gm_max_pool2d(t, x, (const int64_t[]){k, k}, (const int64_t[]){s, s}, (const int64_t[]){p, p});
}
static gm_tensor *mean_of(gm_tape *t, const gm__layer *l, gm_tensor *x)
{
    int64_t k = setting(l, WINDOW), s = setting(l, STRIDE) ? setting(l, STRIDE) : k, p = setting(l, PAD);
    int32_t count_pad = !setting(l, NOPAD);
    if (is_signal(l)) return gm_avg_pool1d(t, x, k, s, p, count_pad);
    return gm_avg_pool2d(t, x, (const int64_t[]){k, k}, (const int64_t[]){s, s}, (const int64_t[]){p, p}, count_pad);
}
static gm_tensor *apply_maxpool(const gm__run *r, gm__layer *l, gm_tensor *x) { return batched(r, l, x, max_of); }
static gm_tensor *apply_avgpool(const gm__run *r, gm__layer *l, gm_tensor *x) { return batched(r, l, x, mean_of); }

const gm__kind gm__layer_maxpool = {
    .name = "maxpool", .help = "largest value of each window",
    .settings = pool_settings, .n_settings = NOPAD, .build = build_pool, .apply = apply_maxpool};
const gm__kind gm__layer_avgpool = {
    .name = "avgpool", .help = "mean of each window",
    .settings = pool_settings, .n_settings = GM__COUNT(pool_settings), .build = build_pool, .apply = apply_avgpool};

/* ---- gap, adaptpool --------------------------------------------------------------------- */

static gm_status build_gap(gm__build *b, gm__layer *l)
{
    GM__TRY(want_image(b, l));
    l->out = (gm__row){.ndim = 1, .dim = {l->in.dim[0]}};
    return GM_OK;
}
static gm_tensor *mean_of_all(gm_tape *t, const gm__layer *l, gm_tensor *x)
{
    GM__UNUSED(l);
    return gm_global_avg_pool(t, x);
}
static gm_tensor *apply_gap(const gm__run *r, gm__layer *l, gm_tensor *x) { return batched(r, l, x, mean_of_all); }

const gm__kind gm__layer_gap = {.name = "gap", .help = "mean of each channel", .build = build_gap, .apply = apply_gap};

enum { HEIGHT, WIDTH, MAX };
static const gm__setting adapt_settings[] = {
    [HEIGHT] = {NULL, GM__S_INT, true, 0, 1, 65535, "a size"},
    [WIDTH] = {NULL, GM__S_INT, false, 0, 1, 65535, "a width"}, /* 0: as high */
    [MAX] = {"max", GM__S_FLAG, false, 0, 0, 1, "max"},
};
static gm_status build_adapt(gm__build *b, gm__layer *l)
{
    char text[128];
    if (l->in.ndim != 3) return gm__build_fail(b, l, GM_ESHAPE, "rows [C,H,W] wanted, got %s", gm__row_text(text, &l->in));
    if (setting(l, WIDTH) == setting(l, HEIGHT)) l->v[WIDTH] = 0;
    l->out.dim[1] = setting(l, HEIGHT);
    l->out.dim[2] = setting(l, WIDTH) ? setting(l, WIDTH) : setting(l, HEIGHT);
    return GM_OK;
}
static gm_tensor *adapted(gm_tape *t, const gm__layer *l, gm_tensor *x)
{
    return (setting(l, MAX) ? gm_adaptive_max_pool2d : gm_adaptive_avg_pool2d)(t, x, l->out.dim[1], l->out.dim[2]);
}
static gm_tensor *apply_adapt(const gm__run *r, gm__layer *l, gm_tensor *x) { return batched(r, l, x, adapted); }

const gm__kind gm__layer_adaptpool = {
    .name = "adaptpool", .help = "mean (or largest value) of windows that cover the image, so many a side",
    .settings = adapt_settings, .n_settings = GM__COUNT(adapt_settings), .build = build_adapt, .apply = apply_adapt};

/* ---- up --------------------------------------------------------------------------------- */

enum { FACTOR, BILINEAR, BICUBIC };
static const gm__setting up_settings[] = {
    [FACTOR] = {NULL, GM__S_INT, true, 0, 1, 1024, "a factor"},
    [BILINEAR] = {"bilinear", GM__S_FLAG, false, 0, 0, 1, "bilinear"},
    [BICUBIC] = {"bicubic", GM__S_FLAG, false, 0, 0, 1, "bicubic"},
};
static gm_status build_up(gm__build *b, gm__layer *l)
{
    GM__TRY(want_image(b, l));
    if (setting(l, BILINEAR) && setting(l, BICUBIC)) return gm__build_fail(b, l, GM_EARG, "bilinear or bicubic, not both");
    for (int d = 1; d < l->in.ndim; d++)
        if (__builtin_mul_overflow(l->in.dim[d], setting(l, FACTOR), &l->out.dim[d])) return gm__build_fail(b, l, GM_ESHAPE, "too large");
    l->doubles = l->in.ndim == 3 && setting(l, FACTOR) == 2 && !setting(l, BILINEAR) && !setting(l, BICUBIC);
    return GM_OK;
}
static gm_tensor *enlarged(gm_tape *t, const gm__layer *l, gm_tensor *x)
{
    int32_t mode = setting(l, BILINEAR) ? GM_BILINEAR : setting(l, BICUBIC) ? GM_BICUBIC : GM_NEAREST;
    return is_signal(l) ? gm_upsample1d(t, x, l->out.dim[1], mode) : gm_upsample2d(t, x, l->out.dim[1], l->out.dim[2], mode);
}
static gm_tensor *apply_up(const gm__run *r, gm__layer *l, gm_tensor *x) { return batched(r, l, x, enlarged); }

const gm__kind gm__layer_up = {
    .name = "up", .help = "enlarges an image, each pixel repeated or interpolated",
    .settings = up_settings, .n_settings = GM__COUNT(up_settings), .build = build_up, .apply = apply_up};
