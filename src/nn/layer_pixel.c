/* layer_pixel.c - "shuffle 2" (channels to pixels), "unshuffle 2" (back), "pad 1 [reflect|replicate|circular]". */
#include "nn/net.h"
#include "ops/layout.h"
#include <gm/image.h>

static int64_t setting(const gm__layer *l, int i) { return (int64_t)l->v[i]; }

/* ---- shuffle, unshuffle ------------------------------------------------------------------- */

static const gm__setting factor[] = {{NULL, GM__S_INT, true, 0, 1, 1024, "a factor"}};

static gm_status want_image(gm__build *b, gm__layer *l)
{
    char text[128];
    if (l->in.ndim == 3) return GM_OK;
    return gm__build_fail(b, l, GM_ESHAPE, "rows [C,H,W] wanted, got %s", gm__row_text(text, &l->in));
}

static gm_status build_shuffle(gm__build *b, gm__layer *l)
{
    int64_t r = setting(l, 0);
    GM__TRY(want_image(b, l));
    if (l->in.dim[0] % (r * r))
        return gm__build_fail(b, l, GM_ESHAPE, "%lld channels are not a multiple of %lld x %lld", (long long)l->in.dim[0], (long long)r, (long long)r);
    l->out.dim[0] /= r * r;
    for (int d = 1; d < 3; d++)
        if (__builtin_mul_overflow(l->in.dim[d], r, &l->out.dim[d])) return gm__build_fail(b, l, GM_ESHAPE, "too large");
    return GM_OK;
}
static gm_status build_unshuffle(gm__build *b, gm__layer *l)
{
    int64_t r = setting(l, 0);
    GM__TRY(want_image(b, l));
    if (l->in.dim[1] % r || l->in.dim[2] % r)
        return gm__build_fail(b, l, GM_ESHAPE, "%lld x %lld pixels do not fall into squares of %lld", (long long)l->in.dim[1], (long long)l->in.dim[2], (long long)r);
    if (__builtin_mul_overflow(l->in.dim[0], r * r, &l->out.dim[0])) return gm__build_fail(b, l, GM_ESHAPE, "too large");
    for (int d = 1; d < 3; d++) l->out.dim[d] /= r;
    return GM_OK;
}
static gm_tensor *apply_shuffle(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    gm_tensor *y = gm__apply_batch(r, x, &l->in);
    return gm__apply_unbatch(r, y ? gm_pixel_shuffle(r->t, y, setting(l, 0)) : NULL, x, &l->in);
}
static gm_tensor *apply_unshuffle(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    gm_tensor *y = gm__apply_batch(r, x, &l->in);
    return gm__apply_unbatch(r, y ? gm_pixel_unshuffle(r->t, y, setting(l, 0)) : NULL, x, &l->in);
}

const gm__kind gm__layer_shuffle = {
    .name = "shuffle", .help = "channels to pixels: [C N N, H, W] to [C, H N, W N]",
    .settings = factor, .n_settings = 1, .build = build_shuffle, .apply = apply_shuffle};
const gm__kind gm__layer_unshuffle = {
    .name = "unshuffle", .help = "pixels to channels: [C, H N, W N] to [C N N, H, W]",
    .settings = factor, .n_settings = 1, .build = build_unshuffle, .apply = apply_unshuffle};

/* ---- pad ------------------------------------------------------------------------------------ */

enum { WIDTH, REFLECT, REPLICATE, CIRCULAR, VALUE };
static const gm__setting pad_settings[] = {
    [WIDTH] = {NULL, GM__S_INT, true, 0, 0, 65535, "a width"},
    [REFLECT] = {"reflect", GM__S_FLAG, false, 0, 0, 1, "reflect"},
    [REPLICATE] = {"replicate", GM__S_FLAG, false, 0, 0, 1, "replicate"},
    [CIRCULAR] = {"circular", GM__S_FLAG, false, 0, 0, 1, "circular"},
    [VALUE] = {"value", GM__S_REAL, false, 0, -1e30, 1e30, "a value"},
};

static gm_status build_pad(gm__build *b, gm__layer *l)
{
    char text[128];
    int64_t w = setting(l, WIDTH), most = setting(l, REFLECT) ? 1 : 0;
    if (l->in.ndim != 2 && l->in.ndim != 3) return gm__build_fail(b, l, GM_ESHAPE, "rows [C,H,W] or [C,L] wanted, got %s", gm__row_text(text, &l->in));
    if (setting(l, REFLECT) + setting(l, REPLICATE) + setting(l, CIRCULAR) + (l->v[VALUE] < 0 || l->v[VALUE] > 0) > 1)
        return gm__build_fail(b, l, GM_EARG, "one of reflect, replicate, circular and value at a time");
    for (int d = 1; d < l->in.ndim; d++) {
        if ((setting(l, REFLECT) || setting(l, CIRCULAR)) && w > l->in.dim[d] - most)
            return gm__build_fail(b, l, GM_ESHAPE, "a width of %lld exceeds what %lld pixels give", (long long)w, (long long)l->in.dim[d]);
        if (__builtin_add_overflow(l->in.dim[d], 2 * w, &l->out.dim[d])) return gm__build_fail(b, l, GM_ESHAPE, "too large");
    }
    return GM_OK;
}
static gm_tensor *apply_pad(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    int32_t mode = setting(l, REFLECT) ? GM_PAD_REFLECT : setting(l, REPLICATE) ? GM_PAD_REPLICATE : setting(l, CIRCULAR) ? GM_PAD_CIRCULAR : GM_PAD_CONSTANT;
    int64_t w = setting(l, WIDTH), around[4] = {0, w, l->in.ndim == 3 ? w : 0, 0};
    gm_tensor *y = gm__apply_batch(r, x, &l->in);
    y = y ? gm__to_last(r->t, y) : NULL;
    y = y ? gm__from_last(r->t, gm_pad(r->t, y, around, around, mode, l->v[VALUE])) : NULL;
    return gm__apply_unbatch(r, y, x, &l->in);
}

const gm__kind gm__layer_pad = {
    .name = "pad", .help = "a border of N around an image or signal: zeros, or what reflect, replicate, circular or value= say",
    .settings = pad_settings, .n_settings = GM__COUNT(pad_settings), .build = build_pad, .apply = apply_pad};
