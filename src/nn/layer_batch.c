/* layer_batch.c - layers that look at a whole batch, so that a discriminator sees how alike its rows are: "mbstd" joins the
 * mean deviation of all features over the batch (Karras et al. 2018), "minibatch B C" joins how near each row is to the
 * others in B learned projections (Salimans et al. 2016). */
#include "nn/net.h"
#include "ops/layout.h"
#include <gm/ops_stats.h>

/* ---- mbstd ------------------------------------------------------------------------------ */

static gm_status build_mbstd(gm__build *b, gm__layer *l)
{
    char text[128];
    if (l->in.ndim != 1 && l->in.ndim != 3)
        return gm__build_fail(b, l, GM_ESHAPE, "rows of %s are neither flat nor images [C,H,W]", gm__row_text(text, &l->in));
    if (__builtin_add_overflow(l->in.dim[0], 1, &l->out.dim[0])) return gm__build_fail(b, l, GM_ESHAPE, "too large");
    return GM_OK;
}

/* s = mean over features of sqrt(variance over the batch + 1e-8), the same for all rows */
static gm_tensor *apply_mbstd(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    gm_tape *t = r->t;
    gm_tensor *y = gm__apply_batch(r, x, &l->in);
    if (!y) return NULL;
    const int64_t n = y->shape[0];
    const bool image = l->in.ndim == 3;
    gm_tensor *flat = gm_reshape(t, y, 2, (int64_t[]){n, -1});
    gm_tensor *s = gm_mean(t, gm_sqrt(t, gm_affine(t, gm_var(t, flat, 0, 0, 0), 1, 1e-8)), GM_ALL_AXES, 0);
    s = gm_reshape(t, s, image ? 4 : 2, (int64_t[]){1, 1, 1, 1});
    s = gm_expand(t, s, image ? 4 : 2, image ? (int64_t[]){n, l->in.dim[1], l->in.dim[2], 1} : (int64_t[]){n, 1});
    if (image) y = gm__from_last(t, gm_concat(t, (gm_tensor *[]){gm__to_last(t, y), s}, 2, -1));
    else y = gm_concat(t, (gm_tensor *[]){y, s}, 2, -1);
    return gm__apply_unbatch(r, y, x, &l->in);
}

const gm__kind gm__layer_mbstd = {
    .name = "mbstd", .help = "joins one number or map: the mean deviation of all features over the batch",
    .build = build_mbstd, .apply = apply_mbstd};

/* ---- minibatch ------------------------------------------------------------------------------ */

enum { PROJECTIONS, SIZE };
static const gm__setting settings[] = {
    [PROJECTIONS] = {NULL, GM__S_INT, true, 0, 1, 65536, "a number of projections"},
    [SIZE] = {"c", GM__S_INT, false, 8, 1, 65536, "numbers of a projection"},
};

static gm_status build_minibatch(gm__build *b, gm__layer *l)
{
    char text[128];
    if (l->in.ndim != 1) return gm__build_fail(b, l, GM_ESHAPE, "flat rows wanted, got %s; put flatten before", gm__row_text(text, &l->in));
    const int64_t shape[2] = {l->in.dim[0], (int64_t)l->v[PROJECTIONS] * (int64_t)l->v[SIZE]};
    if (__builtin_add_overflow(l->in.dim[0], (int64_t)l->v[PROJECTIONS], &l->out.dim[0])) return gm__build_fail(b, l, GM_ESHAPE, "too large");
    return gm__declare(b, l, "weight", 2, shape, GM__FILL_NORM, 0, 0.1);
}

/* M = x W as [N, B, C]; o_ib = sum over the other rows j of exp(-|M_ib - M_jb|_1) */
static gm_tensor *apply_minibatch(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    gm_tape *t = r->t;
    gm_tensor *y = gm__apply_batch(r, x, &l->in);
    const int64_t k = (int64_t)l->v[PROJECTIONS], c = (int64_t)l->v[SIZE];
    gm_tensor *m = y ? gm_matmul(t, y, gm__param(r, l, 0)) : NULL;
    if (!m) return NULL;
    const int64_t n = m->shape[0];
    gm_tensor *apart = gm_sub(t, gm_reshape(t, m, 4, (int64_t[]){n, 1, k, c}), gm_reshape(t, m, 4, (int64_t[]){1, n, k, c}));
    gm_tensor *near = gm_exp(t, gm_neg(t, gm_sum(t, gm_abs(t, apart), -1, 0)));
    y = gm_concat(t, (gm_tensor *[]){y, gm_affine(t, gm_sum(t, near, 1, 0), 1, -1)}, 2, -1); /* a row is near itself: 1 */
    return gm__apply_unbatch(r, y, x, &l->in);
}

const gm__kind gm__layer_minibatch = {
    .name = "minibatch", .help = "joins N numbers: how near a row is to the others of its batch, in N learned projections",
    .settings = settings, .n_settings = GM__COUNT(settings), .build = build_minibatch, .apply = apply_minibatch};
