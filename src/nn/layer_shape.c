/* layer_shape.c - reshape and flatten: another shape of a row, the same numbers. */
#include "nn/net.h"

static int64_t elements(const gm__row *r)
{
    int64_t n = 1;
    for (int d = 0; d < r->ndim; d++) n *= r->dim[d];
    return n;
}

static gm_tensor *apply(const gm__run *r, gm__layer *l, gm_tensor *x) { return gm__apply_reshape(r, x, &l->in, &l->out); }

static const gm__setting reshape_settings[] = {{NULL, GM__S_DIMS, true, 0, 1, 16777216, "a size"}};

static gm_status build_reshape(gm__build *b, gm__layer *l)
{
    char from[128], to[128];
    int64_t left = elements(&l->in);
    for (int d = 0; d < l->dims.ndim; d++) { /* by division: the product of the sizes may not fit */
        if (left % l->dims.dim[d] != 0) left = 0;
        left /= l->dims.dim[d];
    }
    if (left != 1) return gm__build_fail(b, l, GM_ESHAPE, "a row of %s does not fill %s", gm__row_text(from, &l->in), gm__row_text(to, &l->dims));
    l->out = l->dims;
    return GM_OK;
}

const gm__kind gm__layer_reshape = {
    .name = "reshape", .help = "another shape of a row, the same numbers",
    .settings = reshape_settings, .n_settings = 1, .build = build_reshape, .apply = apply};

static gm_status build_flatten(gm__build *b, gm__layer *l)
{
    GM__UNUSED(b);
    l->out = (gm__row){.ndim = 1, .dim = {elements(&l->in)}};
    return GM_OK;
}

const gm__kind gm__layer_flatten = {
    .name = "flatten", .help = "a row as one axis",
    .build = build_flatten, .apply = apply};
