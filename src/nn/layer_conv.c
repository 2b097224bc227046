/* layer_conv.c - "conv N k4 s2 p1 [d1] [g1] [nobias] [init=...] [bias=V] [spectral]" and "convt N k4 s2 p1 [o1] ..." (transposed):
 * convolutions of rows [C,H,W], or [C,L] along one axis. "dwconv k3 ..." has filters for each channel alone. */
#include "nn/net.h"
#include "ops/conv.h"

enum { SIZE, KERNEL, STRIDE, PAD, DILATION, GROUPS, NOBIAS, INIT, BIAS, SPECTRAL, POWER, OUTPUT_PAD };
#define COMMON                                                                              \
    [KERNEL] = {"k", GM__S_INT, false, 0, 1, 65535, "a kernel size"},                       \
    [STRIDE] = {"s", GM__S_INT, false, 1, 1, 65535, "a stride"},                            \
    [PAD] = {"p", GM__S_INT, false, 0, 0, 65535, "a padding"},                              \
    [DILATION] = {"d", GM__S_INT, false, 1, 1, 65535, "a dilation"},                        \
    [GROUPS] = {"g", GM__S_INT, false, 1, 1, 16777216, "a number of groups"},               \
    [NOBIAS] = {"nobias", GM__S_FLAG, false, 0, 0, 1, "nobias"},                            \
    GM__WEIGHT_SETTINGS
static const gm__setting settings[] = {
    [SIZE] = {NULL, GM__S_INT, true, 0, 1, 16777216, "a number of channels"}, COMMON,
    [OUTPUT_PAD] = {"o", GM__S_INT, false, 0, 0, 65535, "an output padding"}};
/* the number of groups is that of channels, what comes first is how many filters each has */
static const gm__setting depthwise[] = {[SIZE] = {"m", GM__S_INT, false, 1, 1, 65535, "filters a channel"}, COMMON};

static int64_t setting(const gm__layer *l, int i) { return (int64_t)l->v[i]; }
static bool by_channel(const gm__layer *l) { return l->kind == &gm__layer_dwconv; }
static bool is_transposed(const gm__layer *l) { return l->kind == &gm__layer_convt; }

/* ---- shapes and weights -------------------------------------------------------------- */

static gm_status out_size(const gm__build *b, const gm__layer *l, int64_t in, int64_t *out)
{
    int64_t k = setting(l, KERNEL), s = setting(l, STRIDE), p = setting(l, PAD), d = setting(l, DILATION);
    int64_t reach = d * (k - 1), room = in + 2 * p; /* all fit: settings are bounded */
    if (!is_transposed(l)) {
        if (reach >= room) return gm__build_fail(b, l, GM_ESHAPE, "a kernel of %lld dilated by %lld exceeds the padded size %lld", (long long)k,
                                                 (long long)d, (long long)room);
        *out = (room - reach - 1) / s + 1;
        return GM_OK;
    }
    int64_t o = setting(l, OUTPUT_PAD);
    if (o >= s && o >= d) return gm__build_fail(b, l, GM_EARG, "the output padding %lld is not below stride or dilation", (long long)o);
    if (__builtin_mul_overflow(in - 1, s, out) || __builtin_add_overflow(*out, reach + o + 1 - 2 * p, out) || *out < 1)
        return gm__build_fail(b, l, GM_ESHAPE, "a size of %lld would become %lld", (long long)in, (long long)*out);
    return GM_OK;
}

static gm_status build(gm__build *b, gm__layer *l)
{
    char text[128];
    int axes = l->in.ndim - 1;
    int64_t c = l->in.dim[0], k = setting(l, KERNEL), shape[4], out = setting(l, SIZE);
    if (axes != 1 && axes != 2)
        return gm__build_fail(b, l, GM_ESHAPE, "rows [C,H,W] or [C,L] wanted, got %s", gm__row_text(text, &l->in));
    if (k == 0) return gm__build_fail(b, l, GM_EARG, "a kernel size is missing: k3");
    if (by_channel(l)) {
        if (setting(l, GROUPS) != 1) return gm__build_fail(b, l, GM_EARG, "g is the number of channels here");
        if (__builtin_mul_overflow(out, c, &out)) return gm__build_fail(b, l, GM_ESHAPE, "too many channels");
        l->v[GROUPS] = (double)c;
    }
    int64_t g = setting(l, GROUPS);
    if (c % g || out % g) return gm__build_fail(b, l, GM_ESHAPE, "%lld groups do not divide %lld channels", (long long)g, (long long)(c % g ? c : out));
    shape[0] = is_transposed(l) ? c : out;
    shape[1] = (is_transposed(l) ? out : c) / g;
    for (int i = 0; i < axes; i++) {
        shape[2 + i] = k;
        GM__TRY(out_size(b, l, l->in.dim[1 + i], &l->out.dim[1 + i]));
    }
    l->out.dim[0] = out;
    l->takes_doubled = l->kind == &gm__layer_conv && axes == 2 && k == 3 && setting(l, PAD) == 1 && setting(l, STRIDE) == 1 &&
                       setting(l, DILATION) == 1 && g == 1;
    GM__TRY(gm__declare_weights(b, l, 2 + axes, shape, out, (gm__weights){(int)l->v[INIT], l->v[BIAS], l->v[NOBIAS] != 0}));
    return setting(l, SPECTRAL) ? gm__spectral_declare(b, l, 2 + axes, shape, is_transposed(l) ? 1 : 0, (int)setting(l, POWER)) : GM_OK;
}

/* ---- running ------------------------------------------------------------------------- */

static gm_tensor *bias_of(const gm__run *r, const gm__layer *l) { return setting(l, NOBIAS) ? NULL : gm__param(r, l, 1); }

static gm_tensor *convolve(const gm__run *r, gm__layer *l, gm_tensor *x, int32_t act, double slope, bool doubled)
{
    int64_t s = setting(l, STRIDE), p = setting(l, PAD), d = setting(l, DILATION), g = setting(l, GROUPS), o = setting(l, OUTPUT_PAD);
    gm_tensor *w = gm__spectral_weight(r, l, gm__param(r, l, 0)), *b = bias_of(r, l);
    if (doubled) return gm__upsample_conv2d_act(r->t, x, w, b, p, act, slope);
    gm__attr a = l->in.ndim == 2 ? gm__conv_attr1(s, p, d, g)
                                 : gm__conv_attr((const int64_t[]){s, s}, (const int64_t[]){p, p}, (const int64_t[]){d, d}, g);
    if (!is_transposed(l)) return gm__conv_act(r->t, x, w, b, a, act, slope);
    return gm__conv_transpose_act(r->t, x, w, b, a, (const int64_t[]){l->in.ndim == 2 ? 0 : o, o}, act, slope);
}

/* further leading axes belong to the batch */
static gm_tensor *run(const gm__run *r, gm__layer *l, gm_tensor *x, int32_t act, double slope, bool doubled)
{
    int lead = x->ndim - l->in.ndim;
    int64_t shape[GM_MAX_DIMS] = {1}, full[2 * GM_MAX_DIMS];
    if (lead == 1) return convolve(r, l, x, act, slope, doubled);
    for (int i = 0; i < lead; i++) full[i] = x->shape[i], shape[0] *= x->shape[i];
    for (int i = 0; i < l->in.ndim; i++) shape[1 + i] = x->shape[lead + i];
    gm_tensor *y = gm_reshape(r->t, x, 1 + l->in.ndim, shape);
    if (!y || !(y = convolve(r, l, y, act, slope, doubled))) return NULL;
    for (int i = 0; i < l->out.ndim; i++) full[lead + i] = y->shape[1 + i];
    return gm_reshape(r->t, y, lead + l->out.ndim, full);
}

static gm_tensor *apply(const gm__run *r, gm__layer *l, gm_tensor *x) { return run(r, l, x, GM_ACT_NONE, 0, false); }
static gm_tensor *apply_act(const gm__run *r, gm__layer *l, gm_tensor *x, int32_t act, double slope) { return run(r, l, x, act, slope, false); }
static gm_tensor *apply_doubled(const gm__run *r, gm__layer *l, gm_tensor *x, int32_t act, double slope) { return run(r, l, x, act, slope, true); }

const gm__kind gm__layer_conv = {
    .name = "conv", .help = "convolution of images or signals",
    .settings = settings, .n_settings = OUTPUT_PAD, .build = build, .apply = apply,
                                 .apply_act = apply_act, .apply_doubled = apply_doubled, .commit = gm__spectral_commit};
const gm__kind gm__layer_convt = {
    .name = "convt", .help = "transposed convolution: enlarges by its stride",
    .settings = settings, .n_settings = GM__COUNT(settings), .build = build, .apply = apply,
                                  .apply_act = apply_act, .commit = gm__spectral_commit};
const gm__kind gm__layer_dwconv = {
    .name = "dwconv", .help = "convolution of each channel by itself",
    .settings = depthwise, .n_settings = GM__COUNT(depthwise), .build = build, .apply = apply,
                                   .apply_act = apply_act, .commit = gm__spectral_commit};
