/* layer_group.c - layers made of layers: res( … ), cat( … | … ), and cond where a condition enters. */
#include "nn/net.h"
#include "ops/layout.h"

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

/* Branches join along the channels of images [C,H,W], else along the last axis. */
static int join_axis(const gm__row *r) { return r->ndim == 3 ? 0 : r->ndim - 1; }

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
        int axis = join_axis(&shape);
        if (j == 0) {
            l->out = shape;
            continue;
        }
        gm__row alike = shape;
        if (shape.ndim == l->out.ndim) alike.dim[axis] = l->out.dim[axis];
        if (!gm__row_equal(&alike, &l->out) || __builtin_add_overflow(l->out.dim[axis], shape.dim[axis], &l->out.dim[axis]))
            return gm__build_fail(b, l, GM_ESHAPE, "branches of %s and %s do not join", gm__row_text(first, &l->out), gm__row_text(other, &shape));
    }
    return GM_OK;
}

static gm_tensor *apply_cat(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    gm_tensor *part[GM__NET_BRANCHES];
    int32_t n = (int32_t)l->n_branch;
    bool last = false; /* images that lie channels-last stay so */
    for (int32_t j = 0; j < n; j++) {
        if (!(part[j] = gm__apply_seq(r, &l->branch[j], x))) return NULL;
        last = last || (part[j]->ndim == 4 && gm__is_last(part[j]));
    }
    if (l->out.ndim != 3 || !last) return gm_concat(r->t, part, n, l->out.ndim == 3 ? -3 : -1);
    for (int32_t j = 0; j < n; j++) part[j] = gm__to_last(r->t, part[j]);
    return gm__from_last(r->t, gm_concat(r->t, part, n, -1));
}

const gm__kind gm__layer_cat = {
    .name = "cat", .help = "branches side by side along the last axis",
    .branches = 2, .build = build_cat, .apply = apply_cat};

static gm_status build_cond(gm__build *b, gm__layer *l)
{
    char shape[128];
    if (!b->cond) return gm__build_fail(b, l, GM_EARG, "the net was made without a condition");
    if (l->in.ndim != 1 && l->in.ndim != 3)
        return gm__build_fail(b, l, GM_ESHAPE, "rows of %s are neither flat nor images [C,H,W]; put flatten before", gm__row_text(shape, &l->in));
    if (__builtin_add_overflow(l->in.dim[0], b->cond, &l->out.dim[0])) return gm__build_fail(b, l, GM_ESHAPE, "too large");
    return GM_OK;
}

/* Each number of the condition becomes a map of that value beside the channels of x [N,C,H,W]. */
static gm_tensor *join_maps(const gm__run *r, gm_tensor *x, int lead, const int64_t *leads)
{
    int64_t rows[GM_MAX_DIMS], n = r->net->cond;
    for (int d = 0; d < lead; d++) rows[d] = leads[d];
    rows[lead] = n;
    gm_tensor *c = gm_reshape(r->t, gm_expand(r->t, r->cond, lead + 1, rows), 4, (int64_t[]){x->shape[0], 1, 1, n});
    c = gm_expand(r->t, c, 4, (int64_t[]){x->shape[0], x->shape[2], x->shape[3], n});
    gm_tensor *parts[] = {gm__to_last(r->t, x), c};
    return gm__from_last(r->t, gm_concat(r->t, parts, 2, -1));
}

static gm_tensor *apply_cond(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    if (l->in.ndim == 1) return gm__join_cond(r, x);
    gm_tensor *y = gm__apply_batch(r, x, &l->in);
    return y ? gm__apply_unbatch(r, join_maps(r, y, x->ndim - 3, x->shape), x, &l->in) : NULL;
}

const gm__kind gm__layer_cond = {
    .name = "cond", .help = "the condition is joined here along the last axis, else at the input",
    .build = build_cond, .apply = apply_cond};
