/* gradient.c - gradients while they are summed: their memory, and where an op's gradient goes. */
#include "kernels/kernels.h"
#include "tape/diff.h"
#include <string.h>

enum { SEARCH = 8 }; /* free buffers of a class looked at before a new one is made */

static unsigned size_class(size_t bytes)
{
    unsigned c = 0;
    while (bytes > 1 && c < 47) bytes >>= 1, c++;
    return c;
}

/* ---- buffers ---------------------------------------------------------------- */

static gm__gbuf *new_buffer(gm_tape *t, size_t bytes)
{
    gm__gbuf **at = &t->diff->free[size_class(bytes)];
    for (int i = 0; *at && i < SEARCH; i++, at = &(*at)->next) {
        gm__gbuf *b = *at;
        if (b->bytes < bytes) continue;
        *at = b->next;
        b->refs = 1;
        return b;
    }
    gm__gbuf *b = gm__area_take(t, &t->grad_area, 1, sizeof *b);
    if (!b || !(b->data = gm__area_take(t, &t->grad_area, bytes, 1))) return NULL;
    b->next = NULL;
    b->bytes = bytes;
    b->refs = 1;
    return b;
}

static void drop_buffer(gm__diff *d, gm__gbuf *b)
{
    if (--b->refs) return;
    gm__gbuf **list = &d->free[size_class(b->bytes)];
    b->next = *list;
    *list = b;
}

/* A row-major header in like's shape over a buffer; free headers are chained through `grad`. */
static gm_tensor *new_header(gm_tape *t, const gm_tensor *like, gm__gbuf *b)
{
    gm_tensor *g = t->diff->free_headers;
    if (g) t->diff->free_headers = g->grad;
    else if (!(g = gm__area_take(t, &t->grad_area, 1, sizeof *g))) return NULL;
    *g = (gm_tensor){.h.magic = GM__TENSOR, .dtype = like->dtype, .ndim = like->ndim, .contiguous = true, .size = like->size,
                     .data = b->data, .tape = t, .ctx = t->ctx, .tape_stamp = t->generation, .block = b};
    for (int i = 0; i < like->ndim; i++) g->shape[i] = like->shape[i];
    gm__shape_strides(g->ndim, g->shape, g->stride);
    return g;
}

gm_tensor *gm__gradient_new(gm_tape *t, const gm_tensor *like)
{
    gm__gbuf *b = new_buffer(t, (size_t)like->size * gm__esize(like->dtype));
    return b ? new_header(t, like, b) : NULL;
}

void gm__gradient_release(gm_tape *t, gm_tensor *g)
{
    if (!g || !g->block) return;
    drop_buffer(t->diff, g->block);
    g->grad = t->diff->free_headers;
    t->diff->free_headers = g;
}

void gm__gradient_ones(gm_tensor *g)
{
    for (int64_t i = 0; i < g->size; i++) {
        if (g->dtype == GM_F64) gm__f64(g)[i] = 1;
        else gm__f32(g)[i] = 1;
    }
}

/* ---- sums ----------------------------------------------------------------------- */

#define SUM_DOWN(S, T)                                                                         \
    static void sum_down_##S(const gm__kern *k, gm__walk *w)                                   \
    {                                                                                          \
        const int64_t es = sizeof(T), gs = w->istride[0], ys = w->istride[1], n = w->inner;    \
        do {                                                                                   \
            const T *g = (const T *)(const void *)w->ptr[0];                                   \
            T *y = (T *)(void *)w->ptr[1];                                                     \
            if (gs == es && ys == es) k->axpy_##S((size_t)n, y, 1, g);                         \
            else if (gs == es && ys == 0) *y += k->sum_##S((size_t)n, g);                      \
            else for (int64_t i = 0; i < n; i++) y[i * ys / es] += g[i * gs / es];             \
        } while (gm__walk_next(w));                                                            \
    }
SUM_DOWN(f32, float)
SUM_DOWN(f64, double)

void gm__gradient_sum(gm_ctx *ctx, gm_tensor *dst, const gm_tensor *g, bool add)
{
    const gm_tensor *ops[2] = {g, dst};
    const gm__kern *k = ctx->kern;
    bool f64 = dst->dtype == GM_F64;
    gm__walk w;
    if (!add && dst->size) memset(dst->data, 0, (size_t)dst->size * gm__esize(dst->dtype));
    gm__walk_init(&w, g->ndim, g->shape, 2, ops);
    if (w.inner == 0) return;
    int64_t es = (int64_t)gm__esize(dst->dtype);
    if (w.ndim == 2 && w.istride[0] == es && w.istride[1] == es && w.stride[1][0] == 0) { /* columns, as of a bias */
        size_t rows = (size_t)w.shape[0], n = (size_t)w.inner, ld = (size_t)(w.stride[0][0] / es);
        if (f64) k->colsum_f64(rows, n, gm__f64(g), ld, gm__f64(dst), true);
        else k->colsum_f32(rows, n, gm__f32(g), ld, gm__f32(dst), true);
    } else if (f64) {
        sum_down_f64(k, &w);
    } else {
        sum_down_f32(k, &w);
    }
}

/* dst += g, elements of equal number */
static void add_all(gm_ctx *ctx, gm_tensor *dst, const gm_tensor *g)
{
    static const double none[2];
    if (g->contiguous) gm__binary(ctx, dst->dtype == GM_F64, GM__B_ADD, (size_t)dst->size, dst->data, dst->data, g->data, GM__VV, none);
    else gm__gradient_sum(ctx, dst, g, true);
}

/* ---- destinations ------------------------------------------------------------------ */

int32_t gm__diff_slot(const gm__diff *d, const gm_tensor *x)
{
    if (!d->xs) return -1;
    for (size_t h = (uintptr_t)x / 64 * 0x9E3779B97F4A7C15u >> 20;; h++) {
        int32_t i = d->table[h & d->table_mask];
        if (i < 0 || d->xs[i] == x) return i;
    }
}

/* Nobody else reads the buffer of g any more, or g gets one of its own. */
static bool unshare(gm_tape *t, gm_tensor *g)
{
    gm__gbuf *b = g->block;
    if (b->refs == 1) return true;
    gm__gbuf *own = new_buffer(t, (size_t)g->size * gm__esize(g->dtype));
    if (!own) return false;
    memcpy(own->data, b->data, (size_t)g->size * gm__esize(g->dtype));
    drop_buffer(t->diff, b);
    g->block = own;
    g->data = own->data;
    return true;
}

/* The destination of a part of x's gradient. */
static gm_tensor *into(gm_tape *t, const gm__node *n, int i, gm_tensor *x, bool *add)
{
    gm__diff *d = t->diff;
    gm_tensor *g;
    int32_t slot = gm__diff_slot(d, x);
    if (slot >= 0) {
        *add = d->has[slot];
        d->has[slot] = true;
        return d->out[slot];
    }
    if (x->node) {
        *add = x->node->gout != NULL;
        if (!*add) x->node->gout = gm__gradient_new(t, x);
        else if (!unshare(t, x->node->gout)) return NULL;
        return x->node->gout;
    }
    if (gm__leaf_grad(x, &g)) return gm__tape_fail(t, GM_ENOMEM, "%s: out of memory for the gradient of input %d", n->op->name, i);
    *add = x->has_grad;
    x->has_grad = true;
    return g;
}

gm_tensor *gm__grad_into(gm_tape *t, const gm__node *n, int i, bool *add) { return into(t, n, i, n->in[i], add); }

/* From an input through the views that made it. */
static gm_tensor *whole_of(gm_tensor *x)
{
    while (x->node && x->node->op->flags & GM__OP_PART) x = x->node->in[0];
    return x;
}

const gm_tensor *gm__grad_whole(const gm_tape *t, const gm__node *n, int i)
{
    const gm_tensor *x = whole_of(n->in[i]);
    return x != n->in[i] && x->contiguous && !t->diff->xs ? x : NULL;
}

bool gm__grad_part(gm_tape *t, const gm__node *n, int i, gm_tensor *part)
{
    bool add;
    gm_tensor *x = n->in[i], *whole = whole_of(x), *g = into(t, n, i, whole, &add);
    if (!g) return false;
    if (!add && g->size > 0) memset(g->data, 0, (size_t)g->size * gm__esize(g->dtype));
    *part = *g;
    part->ndim = x->ndim;
    part->size = x->size;
    part->contiguous = x->contiguous;
    for (int k = 0; k < x->ndim; k++) {
        part->shape[k] = x->shape[k];
        part->stride[k] = x->stride[k];
    }
    if (x->size > 0) part->data += x->data - whole->data;
    return true;
}

gm_tensor *gm__grad_tmp(gm_tape *t, const gm__node *n, int i)
{
    gm_tensor *g = gm__gradient_new(t, n->in[i]);
    if (!g) return NULL;
    g->grad = t->diff->scratch; /* released when the node is done */
    t->diff->scratch = g;
    return g;
}

bool gm__gradient_begin(gm_tape *t, gm_tensor *x, gm_tensor *g)
{
    gm_tensor *own = g;
    gm__gbuf *b = g->contiguous ? g->block : NULL;
    if (!t->diff->graph && b) {
        if ((own = new_header(t, x, b))) b->refs++;
    } else if (!t->diff->graph && (own = gm__gradient_new(t, x))) {
        gm__copy_values(t->ctx, own, g);
    }
    x->node->gout = own;
    return own != NULL;
}

/* The gradients are ops themselves: they are added by ops. */
static gm_status give_op(gm_tape *t, gm_tensor *x, gm_tensor *g)
{
    gm__diff *d = t->diff;
    int32_t slot = gm__diff_slot(d, x);
    gm_tensor **to = slot >= 0 ? &d->out[slot] : &x->node->gout;
    if (!gm__shape_equal(g, x)) g = gm__tape_ops_table.sum_to(t, g, x);
    *to = *to ? gm__tape_ops_table.add(t, *to, g) : g;
    return t->err.status;
}

/* The buffer behind g if it may be shared: g is a gradient, or a row-major view of all of gy. */
static gm__gbuf *buffer_of(const gm__diff *d, const gm_tensor *g)
{
    if (!g->contiguous) return NULL;
    if (g->block) return g->block;
    return d->gy->block && g->data == d->gy->data && g->size == d->gy->size ? d->gy->block : NULL;
}

gm_status gm__grad_give(gm_tape *t, const gm__node *n, int i, gm_tensor *g)
{
    gm__diff *d = t->diff;
    gm_tensor *x = n->in[i];
    bool add;
    if (!g) return t->err.status;
    if (g->dtype != x->dtype) return gm__fail(&t->err, GM_EINTERNAL, "%s: gradient of input %d has another type", n->op->name, i);
    if (d->graph) return give_op(t, x, g);

    gm__gbuf *b = buffer_of(d, g);
    if (b && x->node && !x->node->gout && g->size == x->size && gm__diff_slot(d, x) < 0) {
        gm_tensor *shared = new_header(t, x, b);
        if (!shared) return t->err.status;
        b->refs++;
        x->node->gout = shared;
        return GM_OK;
    }
    gm_tensor *to = gm__grad_into(t, n, i, &add);
    if (!to) return t->err.status;
    if (g->size != to->size) gm__gradient_sum(t->ctx, to, g, add);
    else if (add) add_all(t->ctx, to, g);
    else gm__copy_values(t->ctx, to, g); /* row-major ones of another shape too: as many elements in one order */
    return GM_OK;
}
