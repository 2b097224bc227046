/* grad.c - gradients with respect to chosen tensors, to any order. */
#include "tape/diff.h"
#include <string.h>

/* Chooses out[i] for each x; makes the table that finds x by its address. */
static gm_status make_table(gm_tape *t, gm__diff *d)
{
    size_t size = 4;
    while (size < 2 * (size_t)d->n) size *= 2;
    d->table = gm__area_take(t, &t->grad_area, size, sizeof *d->table);
    d->has = gm__area_take(t, &t->grad_area, (size_t)d->n, sizeof *d->has);
    if (!d->table || !d->has) return t->err.status;
    d->table_mask = size - 1;
    for (size_t k = 0; k < size; k++) d->table[k] = -1;
    for (int32_t i = 0; i < d->n; i++) {
        d->has[i] = false;
        size_t h = (uintptr_t)d->xs[i] / 64 * 0x9E3779B97F4A7C15u >> 20;
        while (d->table[h & d->table_mask] >= 0 && d->xs[d->table[h & d->table_mask]] != d->xs[i]) h++;
        if (d->table[h & d->table_mask] < 0) d->table[h & d->table_mask] = i;
    }
    return GM_OK;
}

void gm__diff_mark(gm_tape *t, int64_t low, int64_t top)
{
    const gm__diff *d = t->diff;
    if (!d->xs) return;
    for (int64_t k = low; k <= top; k++) {
        gm__node *n = t->nodes[k];
        n->need = false;
        for (int32_t i = 0; i < n->nin && !n->need; i++) {
            const gm_tensor *x = n->in[i];
            n->need = x && ((x->node && x->node->need) || gm__diff_slot(d, x) >= 0);
        }
    }
}

/* Where the sums begin: the gradient of sum(y) with respect to y is one everywhere. */
static gm_status seed(gm_tape *t, gm__diff *d, gm_tensor *y)
{
    int32_t slot = gm__diff_slot(d, y);
    gm_tensor **at = slot >= 0 ? &d->out[slot] : &y->node->gout;
    if (d->graph) *at = gm__tape_ops_table.ones(t, y);
    else if (slot < 0) *at = gm__gradient_new(t, y);
    if (!*at) return t->err.status;
    if (!d->graph) gm__gradient_ones(*at);
    if (slot >= 0) d->has[slot] = true;
    return GM_OK;
}

static gm_status differentiate(gm_tape *t, gm__diff *d, gm_tensor *y)
{
    for (int32_t i = 0; i < d->n; i++) {
        if (!d->graph && gm__diff_slot(d, d->xs[i]) == i &&
            !(d->out[i] = gm__tape_tensor(t, d->xs[i]->dtype, d->xs[i]->ndim, d->xs[i]->shape)))
            return t->err.status;
    }
    if (y->node || gm__diff_slot(d, y) >= 0) GM__TRY(seed(t, d, y));
    if (y->node) {
        gm__diff_mark(t, 0, y->node->index);
        GM__TRY(gm__diff_run(t, 0, y->node->index));
        y->node->gout = NULL; /* where y leads to none of the xs */
    }
    for (int32_t i = 0; i < d->n; i++) {
        int32_t slot = gm__diff_slot(d, d->xs[i]);
        if (slot != i) d->out[i] = d->out[slot];
        else if (d->graph && !d->out[i]) d->out[i] = gm__tape_ops_table.zeros(t, d->xs[i]);
        else if (!d->graph && !d->has[i] && d->out[i]->size) memset(d->out[i]->data, 0, (size_t)d->out[i]->size * gm__esize(d->out[i]->dtype));
    }
    return t->err.status;
}

gm_status gm_tape_grad(gm_tape *t, gm_tensor *y, gm_tensor *const *xs, int32_t n, int32_t create_graph, gm_tensor **out)
{
    for (int32_t i = 0; out && i < n; i++) out[i] = NULL;
    if (!gm__is(t, GM__TAPE)) return GM_EARG;
    if (t->err.status) return t->err.status;
    if (n < 0 || (n > 0 && (!xs || !out))) {
        gm__tape_fail(t, GM_EARG, "grad: xs or out is NULL, or n is negative");
        return GM_EARG;
    }
    if (n == 0) return GM_OK;
    GM__TRY(gm__diff_idle(t, "grad"));
    GM__TRY(gm__diff_check(t, "grad", "y", y));
    bool is_x = false;
    for (int32_t i = 0; i < n; i++) {
        GM__TRY(gm__diff_check(t, "grad", "one of xs", xs[i]));
        is_x |= xs[i] == y;
    }
    if (!y->node && !is_x) {
        gm__tape_fail(t, GM_ESTATE, "grad: y was made without recording, or depends on no tensor with gm_tensor_set_grad");
        return GM_ESTATE;
    }

    gm__diff d = {.graph = create_graph != 0, .n = n, .xs = xs, .out = out};
    t->diff = &d;
    if (!make_table(t, &d)) differentiate(t, &d, y);
    t->diff = NULL;
    gm__area_reset(t->ctx, &t->grad_area);
    if (t->err.status)
        for (int32_t i = 0; i < n; i++) out[i] = NULL;
    return t->err.status;
}
