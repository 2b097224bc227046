/* apply.c - the one way an op runs: check, infer, allocate, compute, record. */
#include "kernels/kernels.h"
#include "tape/tape.h"
#include <string.h>

static const gm__attr no_attr;

/* ---- inputs ------------------------------------------------------------------- */

static bool optional(const gm__op *op, int32_t i)
{
    return i >= 1 && i <= 4 && (op->flags & ((uint32_t)GM__OP_OPT1 << (i - 1)));
}

/* Says what is wrong with an input that the fast check refused. */
static void refuse(gm_tape *t, const gm__op *op, int32_t i, const gm_tensor *x)
{
    if (!x) gm__tape_fail(t, GM_EARG, "%s: input %d is NULL", op->name, (int)i);
    else if (gm__is(x, GM__DEAD)) gm__tape_fail(t, GM_ESTALE, "%s: input %d outlived its tape generation", op->name, (int)i);
    else if (!gm__is(x, GM__TENSOR)) gm__tape_fail(t, GM_EARG, "%s: input %d is no tensor", op->name, (int)i);
    else if (x->tape != t) gm__tape_fail(t, GM_EARG, "%s: input %d was made on another tape", op->name, (int)i);
    else gm__tape_fail(t, GM_ESTALE, "%s: input %d outlived its tape generation", op->name, (int)i);
}

/* Checks the inputs; does one of them want a gradient, are all row-major? */
static bool check_inputs(gm_tape *t, const gm__op *op, gm_tensor *const *in, int32_t nin, bool *grad, bool *plain)
{
    bool want = false, all = true;
    for (int32_t i = 0; i < nin; i++) {
        const gm_tensor *x = in[i];
        if (!x && optional(op, i)) continue;
        if (!gm__is(x, GM__TENSOR) || (x->tape && (x->tape != t || x->tape_stamp != t->generation))) {
            refuse(t, op, i, x);
            return false;
        }
        want |= x->wants_grad;
        all &= x->contiguous;
    }
    *grad = want;
    *plain = all;
    return true;
}

/* Retains a leaf, mostly once: a small table of pointers catches repeated use. */
static bool keep_leaf(gm_tape *t, gm_tensor *x)
{
    uint32_t *slot = &t->kept_slot[((uintptr_t)x / 64 * 0x9E3779B97F4A7C15u) >> 56];
    if (*slot < t->n_kept && t->kept[*slot] == x) return true;
    if (t->n_kept == t->cap_kept) {
        size_t cap = t->cap_kept ? 2 * t->cap_kept : 64;
        gm_tensor **kept = cap <= UINT32_MAX ? gm__realloc(t->ctx, t->kept, cap, sizeof *kept) : NULL;
        if (!kept) {
            gm__tape_fail(t, GM_ENOMEM, "tape: out of memory for %zu leaves", cap);
            return false;
        }
        t->kept = kept;
        t->cap_kept = cap;
    }
    gm__retain(x);
    *slot = (uint32_t)t->n_kept;
    t->kept[t->n_kept++] = x;
    return true;
}

static bool keep_leaves(gm_tape *t, gm_tensor *const *in, int32_t nin)
{
    for (int32_t i = 0; i < nin; i++)
        if (in[i] && !in[i]->tape && !keep_leaf(t, in[i])) return false;
    return true;
}

/* ---- the node ------------------------------------------------------------------- */

static gm__node *make_node(gm_tape *t, const gm__op *op, gm_tensor *const *in, int32_t nin, const gm__attr *attr, gm_tensor *out)
{
    if (t->n_nodes == t->cap_nodes) {
        size_t cap = t->cap_nodes ? 2 * t->cap_nodes : 256;
        gm__node **nodes = cap <= INT32_MAX ? gm__realloc(t->ctx, t->nodes, cap, sizeof *nodes) : NULL;
        if (!nodes) {
            gm__tape_fail(t, GM_ENOMEM, "tape: out of memory for %zu ops", cap);
            return NULL;
        }
        t->nodes = nodes;
        t->cap_nodes = cap;
    }
    size_t each = sizeof(gm_tensor *) + sizeof(uint64_t);
    gm__node *n = gm__arena(t, sizeof *n + (size_t)nin * each, 1);
    if (!n) return NULL;
    n->op = op;
    n->nin = nin;
    n->index = (int32_t)t->n_nodes;
    n->out = out;
    n->in_version = (uint64_t *)(n + 1);
    n->in = (gm_tensor **)(n->in_version + nin);
    n->attr = *attr;
    n->saved[0] = n->saved[1] = n->saved[2] = NULL;
    n->gout = NULL;
    n->need = false;
    for (int32_t i = 0; i < nin; i++) {
        n->in[i] = in[i];
        n->in_version[i] = in[i] ? in[i]->version : 0;
    }
    return n;
}

/* ---- the result -------------------------------------------------------------------- */

/* Row-major strides and the number of elements; true if they fit. */
static bool lay_out(gm_tensor *x)
{
    int64_t n = 1;
    for (int i = x->ndim - 1; i >= 0; i--) {
        x->stride[i] = n;
        if (x->shape[i] < 1 || __builtin_mul_overflow(n, x->shape[i], &n)) return false;
    }
    x->size = n;
    return n <= PTRDIFF_MAX / 16;
}

static gm_status finish_shape(gm_tape *t, const gm__op *op, gm_tensor *out)
{
    char text[128];
    if (op->flags & GM__OP_VIEW) {
        GM__TRY(gm__shape_check(&t->err, op->name, out->ndim, out->shape, &out->size));
        out->contiguous = gm__is_contiguous(out->ndim, out->shape, out->stride);
        return GM_OK;
    }
    if (!lay_out(out)) { /* an empty axis, or far too many elements */
        if (gm__shape_check(NULL, op->name, out->ndim, out->shape, &out->size))
            return gm__fail(&t->err, GM_ESHAPE, "%s: the result would have shape %s", op->name, gm__shape_text(text, out->ndim, out->shape));
        gm__shape_strides(out->ndim, out->shape, out->stride);
    }
    out->data = gm__arena(t, (size_t)out->size, gm__esize(out->dtype));
    return out->data ? GM_OK : GM_ENOMEM;
}

static gm_status check_finite(gm_tape *t, const gm__op *op, const gm_tensor *x)
{
    char text[128];
    size_t n = (size_t)x->size;
    if (!gm__is_float(x->dtype) || !x->contiguous) return GM_OK;
    if (x->dtype == GM_F32 ? t->ctx->kern->finite_f32(n, gm__f32(x)) : t->ctx->kern->finite_f64(n, gm__f64(x))) return GM_OK;
    return gm__fail(&t->err, GM_ENONFINITE, "%s: the result holds a value that is not finite (shape %s)", op->name,
                    gm__shape_text(text, x->ndim, x->shape));
}

/* A part of the op failed. Its message is in the tape, or only in the context (a kernel ran out of memory). */
static gm_tensor *op_failed(gm_tape *t, const gm__op *op, gm_status s)
{
    if (t->err.status) gm__fail_ctx(t->ctx, t->err.status, "%s", t->err.text);
    else gm__tape_fail(t, s, "%s: %s", op->name, gm_ctx_message(t->ctx));
    return NULL;
}

gm_tensor *gm__apply(gm_tape *t, const gm__op *op, gm_tensor *const *in, int32_t nin, const gm__attr *attr)
{
    bool grad, plain;
    gm_status s;
    gm_tensor *out;
    if (!gm__is(t, GM__TAPE) || t->err.status) return NULL;
    if (!check_inputs(t, op, in, nin, &grad, &plain)) return NULL;
    if (!plain && op->flags & GM__OP_EW && gm__tape_ops_table.apply_last(t, op, in, nin, attr, &out)) return out;
    if (op->nin >= 0 && op->nin != nin)
        return gm__tape_fail(t, GM_EINTERNAL, "%s: %d inputs given, %d expected", op->name, (int)nin, (int)op->nin);
    if (!(out = gm__tape_header(t))) return NULL;
    if (!attr) attr = &no_attr;

    gm__call c = {t, t->ctx, &t->err, op, nin, in, attr, out, NULL};
    if ((s = op->infer(&c)) || (s = finish_shape(t, op, out))) return op_failed(t, op, s);

    grad = grad && t->recording && !(op->flags & GM__OP_NOGRAD) && gm__is_float(out->dtype);
    if (grad && !(c.node = make_node(t, op, in, nin, attr, out))) return NULL;
    if ((grad || (op->flags & GM__OP_VIEW)) && !keep_leaves(t, in, nin)) return NULL;
    if (op->forward) {
        s = op->forward(&c);
        if (s || t->err.status) return op_failed(t, op, s);
        if (t->trap && (s = check_finite(t, op, out))) return op_failed(t, op, s);
    }
    if (grad) {
        out->wants_grad = true;
        out->node = c.node;
        t->nodes[t->n_nodes++] = c.node;
    }
    return out;
}

gm_tensor *gm__apply1(gm_tape *t, const gm__op *op, gm_tensor *x)
{
    return gm__apply(t, op, &x, 1, NULL);
}

gm_tensor *gm__apply2(gm_tape *t, const gm__op *op, gm_tensor *x, gm_tensor *y)
{
    gm_tensor *in[2] = {x, y};
    return gm__apply(t, op, in, 2, NULL);
}
