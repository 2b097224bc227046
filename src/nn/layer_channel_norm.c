/* layer_channel_norm.c - norms of one example: "inorm [affine]" (each channel), "gnorm G [noaffine]" (groups of channels), over the
 * pixels of rows [C,H,W] or [C,L], and "rmsnorm" over the last axis. */
#include "nn/net.h"
#include <gm/image.h>

enum { GROUPS, EPS, INIT, AFFINE };
#define COMMON                                                                              \
    [EPS] = {"eps", GM__S_REAL, false, 1e-5, 0, 1, "a small number"},                       \
    [INIT] = {"init", GM__S_INIT, false, GM__INIT_PYTORCH, 0, 0, "init="}
static const gm__setting group_settings[] = {
    [GROUPS] = {NULL, GM__S_INT, true, 0, 1, 16777216, "a number of groups"}, COMMON,
    [AFFINE] = {"noaffine", GM__S_FLAG, false, 0, 0, 1, "noaffine"},
};
enum { I_EPS, I_INIT, I_AFFINE };
static const gm__setting other_settings[] = {
    [I_EPS] = {"eps", GM__S_REAL, false, 1e-5, 0, 1, "a small number"},
    [I_INIT] = {"init", GM__S_INIT, false, GM__INIT_PYTORCH, 0, 0, "init="},
    [I_AFFINE] = {"affine", GM__S_FLAG, false, 0, 0, 1, "affine"},
};

static gm_status want_pixels(gm__build *b, gm__layer *l)
{
    char text[128];
    if (l->in.ndim == 2 || l->in.ndim == 3) return GM_OK;
    return gm__build_fail(b, l, GM_ESHAPE, "rows [C,H,W] or [C,L] wanted, got %s", gm__row_text(text, &l->in));
}
/* parameter i of a layer that may have none */
static gm_tensor *scale(const gm__run *r, const gm__layer *l, size_t i) { return i < l->n_param ? gm__param(r, l, i) : NULL; }

/* ---- inorm ---------------------------------------------------------------------------- */

static gm_status build_inorm(gm__build *b, gm__layer *l)
{
    GM__TRY(want_pixels(b, l));
    return (int)l->v[I_AFFINE] ? gm__declare_scale(b, l, l->in.dim[0], (int)l->v[I_INIT], true) : GM_OK;
}
static gm_tensor *apply_inorm(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    gm_tensor *y = gm__apply_batch(r, x, &l->in);
    return gm__apply_unbatch(r, y ? gm_instance_norm(r->t, y, scale(r, l, 0), scale(r, l, 1), l->v[I_EPS]) : NULL, x, &l->in);
}
const gm__kind gm__layer_inorm = {
    .name = "inorm", .help = "normalises each channel of each example, without statistics; affine: with scale and shift",
    .settings = other_settings, .n_settings = GM__COUNT(other_settings), .build = build_inorm, .apply = apply_inorm};

/* ---- gnorm ---------------------------------------------------------------------------- */

static gm_status build_gnorm(gm__build *b, gm__layer *l)
{
    int64_t c = l->in.dim[0], groups = (int64_t)l->v[GROUPS];
    if (c % groups) return gm__build_fail(b, l, GM_ESHAPE, "%lld groups do not divide %lld channels", (long long)groups, (long long)c);
    return (int)l->v[AFFINE] ? GM_OK : gm__declare_scale(b, l, c, (int)l->v[INIT], true);
}
static gm_tensor *apply_gnorm(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    gm_tensor *y = gm__apply_batch(r, x, &l->in);
    y = y ? gm_group_norm(r->t, y, (int64_t)l->v[GROUPS], scale(r, l, 0), scale(r, l, 1), l->v[EPS]) : NULL;
    return gm__apply_unbatch(r, y, x, &l->in);
}
const gm__kind gm__layer_gnorm = {
    .name = "gnorm", .help = "normalises groups of channels of each example, with scale and shift",
    .settings = group_settings, .n_settings = GM__COUNT(group_settings), .build = build_gnorm, .apply = apply_gnorm};

/* ---- rmsnorm --------------------------------------------------------------------------- */

static gm_status build_rmsnorm(gm__build *b, gm__layer *l)
{
    return gm__declare_scale(b, l, l->in.dim[l->in.ndim - 1], (int)l->v[I_INIT], false);
}
static gm_tensor *apply_rmsnorm(const gm__run *r, gm__layer *l, gm_tensor *x) { return gm_rms_norm(r->t, x, gm__param(r, l, 0), l->v[I_EPS]); }
const gm__kind gm__layer_rmsnorm = {
    .name = "rmsnorm", .help = "divides the last axis by its root mean square, with a scale",
    .settings = other_settings, .n_settings = I_AFFINE, .build = build_rmsnorm, .apply = apply_rmsnorm};
