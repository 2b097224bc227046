/* layer_group.c - layers made of layers: res( … ), cat( … | … ), and cond where a condition enters. */
#include "nn/net.h"

static gm_status build_res(gm__build *b, gm__layer *l)
{
    char in[128], out[128];
    GM__TRY(gm__build_seq(b, &l->branch[0], &l->out));
    if (!gm__row_equal(&l->in, &l->out))
        return gm__build_fail(b, l, GM_ESHAPE, "inner layers turn %s into %s; sizes must agree", gm__row_text(in, &l->in), gm__row_text(out, &l->out));
    return GM_OK;
}

static gm_tensor *apply_res(const gm__run *r, gm__layer *l, gm_tensor *x) { return gm_add(r->t, x, gm__apply_seq(r, &l->branch[0], x)); }

const gm__kind gm__layer_res = {
    .name = "res", .help = "x + the layers inside; sizes must agree",
    .branches = 1, .build = build_res, .apply = apply_res};

static gm_status build_cat(gm__build *b, gm__layer *l)
{
    size_t here = b->path_len;
    char first[128], other[128];
    for (size_t j = 0; j < l->n_branch; j++) {
        gm__row shape = l->in;
        GM__TRY(gm__build_enter(b, j));
        GM__TRY(gm__build_seq(b, &l->branch[j], &shape));
        b->path_len = here;
        b->path[here] = '\0';
        int last = shape.ndim - 1;
        if (j == 0) {
            l->out = shape;
            continue;
        }
        gm__row alike = shape;
        if (shape.ndim == l->out.ndim) alike.dim[last] = l->out.dim[last];
        if (!gm__row_equal(&alike, &l->out) || __builtin_add_overflow(l->out.dim[last], shape.dim[last], &l->out.dim[last]))
            return gm__build_fail(b, l, GM_ESHAPE, "branches of %s and %s do not join", gm__row_text(first, &l->out), gm__row_text(other, &shape));
    }
    return GM_OK;
}

static gm_tensor *apply_cat(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    gm_tensor *part[GM__NET_BRANCHES];
    for (size_t j = 0; j < l->n_branch; j++) part[j] = gm__apply_seq(r, &l->branch[j], x);
    return gm_concat(r->t, part, (int32_t)l->n_branch, -1);
}

const gm__kind gm__layer_cat = {
    .name = "cat", .help = "branches side by side along the last axis",
    .branches = 2, .build = build_cat, .apply = apply_cat};

static gm_status build_cond(gm__build *b, gm__layer *l)
{
    char shape[128];
    if (!b->cond) return gm__build_fail(b, l, GM_EARG, "the net was made without a condition");
    if (l->in.ndim != 1) return gm__build_fail(b, l, GM_ESHAPE, "rows of %s are not flat; put flatten before", gm__row_text(shape, &l->in));
    if (__builtin_add_overflow(l->in.dim[0], b->cond, &l->out.dim[0])) return gm__build_fail(b, l, GM_ESHAPE, "too large");
    return GM_OK;
}

static gm_tensor *apply_cond(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    GM__UNUSED(l);
    return gm__join_cond(r, x);
}

const gm__kind gm__layer_cond = {
    .name = "cond", .help = "the condition is joined here along the last axis, else at the input",
    .build = build_cond, .apply = apply_cond};
