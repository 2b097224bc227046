/* checkpoint.c - a segment of the tape that keeps its inputs and results only, and is recorded anew when its gradient is due.
 *
 * gm_checkpoint runs the segment once, to have its values and to see which tensors it reads, then drops what it made. One
 * node stands for it. When backward comes to that node, the segment is recorded again at the end of the tape, from the same
 * random streams, and walked backward within the same differentiation: sums form in the order that they have without a
 * checkpoint, so gradients are equal bit by bit. With create_graph the new nodes just stay. */
#include "ops/ops.h"
#include "tape/diff.h"

#include <string.h>

typedef struct shape { int ndim; int64_t size, shape[GM_MAX_DIMS]; } shape;
typedef struct segment {
    gm_segment fn;
    void *user;
    gm_tensor **in, **out;    /* out: handles while it runs */
    int32_t n, n_out;
    gm__draws draws;          /* where the random streams stood */
    bool training;
    /* the values: one output as it is, several in one row */
    int dtype;
    int64_t total;
    shape *kept;              /* [n_out] */
    char *data;
} segment;

/* ---- running it --------------------------------------------------------------------- */

/* Calls the host's function; *out are live tensors, or a failure is recorded. */
static bool call(gm_tape *t, segment *s)
{
    struct gm__frame *frame = t->frame;
    for (int32_t i = 0; i < s->n_out; i++) s->out[i] = NULL;
    gm_status st = s->fn(t, s->in, s->n, s->out, s->n_out, s->user);
    bool open = t->frame != frame;
    t->frame = frame;
    if (!gm__tape_ok(t)) return false;
    if (st) return gm__tape_fail(t, st, "checkpoint: the segment returned %s", gm_status_name(st));
    if (open) return gm__tape_fail(t, GM_ESTATE, "checkpoint: the segment left a frame open");
    for (int32_t i = 0; i < s->n_out; i++)
        /* a view of all of it: an input, or one result twice, gets a node of the segment's own */
        if (!s->out[i]) return gm__tape_fail(t, GM_EARG, "checkpoint: the segment gave no output %d", (int)i);
        else if (!(s->out[i] = gm__alias(t, s->out[i]))) return false;
    return true;
}

/* Copies the outputs to the spare area, where they outlive the segment. */
static bool keep(gm_tape *t, segment *s)
{
    s->dtype = s->out[0]->dtype;
    for (int32_t i = 0; i < s->n_out; i++) {
        const gm_tensor *x = s->out[i];
        if (x->dtype != s->dtype)
            return gm__tape_fail(t, GM_EDTYPE, "checkpoint: outputs have types %s and %s", gm_dtype_name(s->dtype), gm_dtype_name(x->dtype));
        s->kept[i] = (shape){.ndim = x->ndim, .size = x->size};
        memcpy(s->kept[i].shape, x->shape, sizeof x->shape);
        if (__builtin_add_overflow(s->total, x->size, &s->total)) return gm__tape_fail(t, GM_ENOMEM, "checkpoint: the outputs are too large");
    }
    char *to = s->data = gm__area_take(t, &t->spare_area, (size_t)s->total, gm__esize(s->dtype));
    for (int32_t i = 0; to && i < s->n_out; i++) {
        gm_tensor part = *s->out[i];
        part.data = to;
        gm__shape_strides(part.ndim, part.shape, part.stride);
        part.contiguous = true;
        gm__copy_values(t->ctx, &part, s->out[i]);
        to += (size_t)part.size * gm__esize(s->dtype);
    }
    return to != NULL;
}

/* The inputs, then the tensors made elsewhere that nodes from `first` on read and that want a gradient; leaves are retained. */
static gm_tensor **collect(gm_tape *t, const segment *s, size_t first, int32_t *count)
{
    size_t most = (size_t)s->n, have = (size_t)s->n;
    for (size_t k = first; k < t->n_nodes; k++) most += (size_t)t->nodes[k]->nin;
    gm_tensor **all = most <= INT32_MAX ? gm__area_take(t, &t->spare_area, most, sizeof(gm_tensor *)) : NULL;
    if (!all) return gm__tape_fail(t, GM_ENOMEM, "checkpoint: out of memory for %zu inputs", most), NULL;
    for (int32_t i = 0; i < s->n; i++) all[i] = s->in[i];
    for (size_t k = first; k < t->n_nodes; k++) {
        const gm__node *node = t->nodes[k];
        for (int32_t i = 0; i < node->nin; i++) {
            gm_tensor *x = node->in[i];
            if (!x || !x->wants_grad || (x->node && (size_t)x->node->index >= first)) continue;
            size_t p = 0;
            while (p < have && all[p] != x) p++;
            if (p < have) continue;
            if (!x->tape) gm__retain(x);
            all[have++] = x;
        }
    }
    *count = (int32_t)have;
    return all;
}

static void release(gm_tensor **in, int32_t first, int32_t *nin)
{
    for (int32_t i = first; i < *nin; i++)
        if (!in[i]->tape) gm_tensor_free(in[i]);
    *nin = 0;
}

/* A copy in the arena of what lies in the spare area. */
static void *bring(gm_tape *t, const void *from, size_t count, size_t size)
{
    void *to = from ? gm__arena(t, count, size) : NULL;
    if (to && count > 0) memcpy(to, from, count * size);
    return to;
}

/* Runs it, keeps the values, drops the rest; gives the node's inputs, none if no output wants a gradient. */
static gm_tensor **explore(gm_tape *t, segment *s, int32_t *nin)
{
    gm__mark m;
    gm_tensor **all = NULL;
    bool wants = false, exploring = t->exploring;
    gm__tape_mark(t, &m);
    t->exploring = true;
    bool good = call(t, s);
    t->exploring = exploring;
    good = good && keep(t, s);
    for (int32_t i = 0; good && i < s->n_out; i++) wants |= s->out[i]->wants_grad;
    *nin = 0;
    if (good && wants) all = collect(t, s, m.n_nodes, nin);
    gm__tape_rewind(t, &m);
    s->data = good ? bring(t, s->data, (size_t)s->total, gm__esize(s->dtype)) : NULL;
    gm_tensor **in = bring(t, all, (size_t)*nin, sizeof(gm_tensor *));
    if (!in) release(all, s->n, nin);
    gm__area_reset(t->ctx, &t->spare_area);
    return in;
}

/* ---- its gradient ------------------------------------------------------------------------ */

static segment *segment_of(const gm__attr *a) { return (segment *)(intptr_t)a->i[0]; }

static bool as_before(const gm_tensor *x, int dtype, const shape *kept)
{
    return x->dtype == dtype && x->ndim == kept->ndim && !memcmp(x->shape, kept->shape, (size_t)kept->ndim * sizeof *x->shape);
}

/* Records the segment again at the end of the tape, as it was. */
static bool replay(gm_tape *t, segment *s)
{
    gm__draws draws = gm__draws_of(t);
    bool training = t->training, recording = t->recording, replaying = t->replaying;
    gm__draws_set(t, &s->draws);
    t->training = s->training;
    t->recording = t->replaying = true;
    bool good = call(t, s);
    gm__draws_set(t, &draws);
    t->replaying = replaying;
    t->training = training;
    t->recording = recording;
    for (int32_t i = 0; good && i < s->n_out; i++)
        if (!as_before(s->out[i], s->dtype, &s->kept[i]))
            return gm__tape_fail(t, GM_ESTATE, "checkpoint: output %d is another when the segment runs again", (int)i);
    return good;
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    segment *s = segment_of(&n->attr);
    int64_t low = (int64_t)t->n_nodes, at = 0;
    GM__UNUSED(want);
    GM__UNUSED(gx); /* the nodes of the segment give the gradients */
    if (!replay(t, s)) return;
    int64_t top = (int64_t)t->n_nodes - 1;
    for (int32_t i = 0; i < s->n_out; at += s->kept[i++].size) {
        gm_tensor *g = gy;
        if (!s->out[i]->node) continue;
        if (s->n_out > 1) g = gm__reshape_like(t, gm_slice(t, gy, 0, at, at + s->kept[i].size, 1), s->out[i]);
        if (!g || !gm__gradient_begin(t, s->out[i], g)) return;
    }
    gm__diff_mark(t, low, top);
    gm__diff_run(t, low, top);
}

static gm_status infer(gm__call *c)
{
    const segment *s = segment_of(c->attr);
    bool one = s->n_out == 1;
    gm__out_shape(c, s->dtype, one ? s->kept->ndim : 1, one ? s->kept->shape : &s->total);
    gm__shape_strides(c->out->ndim, c->out->shape, c->out->stride);
    c->out->data = s->data;
    return GM_OK;
}
/* not in ops.def: what it computes is the host's */
static const gm__op op_checkpoint = {"checkpoint", -1, GM__OP_VIEW, infer, NULL, vjp, NULL, NULL};

/* ---- the public function -------------------------------------------------------------------- */

static segment *make(gm_tape *t, gm_segment fn, void *user, gm_tensor *const *in, int32_t n, int32_t n_out)
{
    segment *s = gm__arena(t, 1, sizeof *s);
    if (!s) return NULL;
    *s = (segment){.fn = fn, .user = user, .n = n, .n_out = n_out, .draws = gm__draws_of(t), .training = t->training};
    if (!(s->in = gm__arena(t, (size_t)n, sizeof *s->in)) || !(s->out = gm__arena(t, (size_t)n_out, sizeof *s->out)) ||
        !(s->kept = gm__arena(t, (size_t)n_out, sizeof *s->kept)))
        return NULL;
    for (int32_t i = 0; i < n; i++) s->in[i] = in[i];
    if (t->rows) { /* borrowed until the mode ends, which may be before backward */
        uint64_t *rows = gm__arena(t, t->nrows, sizeof *rows);
        if (!rows) return NULL;
        memcpy(rows, t->rows, t->nrows * sizeof *rows);
        s->draws.rows = rows;
    }
    return s;
}

/* The outputs are views of the node's one result. */
static gm_status hand_out(gm_tape *t, const segment *s, gm_tensor *y, gm_tensor **outputs)
{
    int64_t at = 0;
    outputs[0] = y;
    for (int32_t i = 0; s->n_out > 1 && i < s->n_out; at += s->kept[i++].size)
        outputs[i] = gm_reshape(t, gm_slice(t, y, 0, at, at + s->kept[i].size, 1), s->kept[i].ndim, s->kept[i].shape);
    for (int32_t i = 0; i < s->n_out && !gm__tape_ok(t); i++) outputs[i] = NULL;
    return gm_tape_status(t);
}

gm_status gm_checkpoint(gm_tape *t, gm_segment fn, void *user, gm_tensor *const *inputs, int32_t n, gm_tensor **outputs, int32_t n_out)
{
    segment *s = NULL;
    int32_t nin = 0;
    if (gm__tape_ok(t)) {
        if (!fn || n < 0 || (n > 0 && !inputs) || n_out < 1 || !outputs)
            gm__tape_fail(t, GM_EARG, "checkpoint: %d inputs, %d outputs, or a pointer is NULL", (int)n, (int)n_out);
        else
            s = make(t, fn, user, inputs, n, n_out);
    }
    for (int32_t i = 0; outputs && i < n_out; i++) outputs[i] = NULL; /* inputs, which may be the same array, are copied */
    if (!s) return gm_tape_status(t);
    gm_tensor **in = explore(t, s, &nin);
    gm_tensor *y = gm__apply(t, &op_checkpoint, in, nin, &(gm__attr){.i = {(int64_t)(intptr_t)s}});
    release(in, n, &nin); /* the node holds them now */
    if (!y) return gm_tape_status(t);
    return hand_out(t, s, y, outputs);
}
