/* frame.c - frames: everything made since a mark goes, but for one survivor. */
#include "tape/diff.h"
#include <string.h>

typedef struct gm__frame { /* lies in the arena, behind the mark it holds */
    struct gm__frame *outer;
    uint64_t id;
    gm__mark mark;
} gm__frame;

uint64_t gm_tape_push(gm_tape *t)
{
    gm__mark m;
    if (!gm__tape_ok(t)) return 0;
    gm__tape_mark(t, &m);
    gm__frame *f = gm__arena(t, 1, sizeof *f);
    if (!f) return 0;
    *f = (gm__frame){t->frame, ++t->frames, m};
    t->frame = f;
    return f->id;
}

/* Moves the survivor to where the frame began. Its elements lie above that place, so they move down or stay. */
static gm_tensor *survive(gm_tape *t, const gm__mark *m, gm_tensor *keep)
{
    if (!keep->contiguous || !gm__arena_holds(t, keep->data)) { /* a view, perhaps of a leaf that goes with the frame */
        gm_tensor *copy = gm__tape_tensor(t, keep->dtype, keep->ndim, keep->shape);
        if (!copy) return NULL;
        gm__copy_values(t->ctx, copy, keep);
        keep = copy;
    }
    gm_tensor was = {.dtype = keep->dtype, .ndim = keep->ndim, .size = keep->size, .data = keep->data};
    memcpy(was.shape, keep->shape, sizeof was.shape);
    /* elements first: the header may take the place where they were */
    char *data = gm__tape_rewind_keeping(t, m, was.data, (size_t)was.size * gm__esize(was.dtype));
    if (!data) return NULL;
    gm_tensor *x = gm__tape_header(t);
    if (!x) return NULL;
    x->dtype = was.dtype;
    x->ndim = was.ndim;
    x->size = was.size;
    x->data = data;
    memcpy(x->shape, was.shape, sizeof x->shape);
    gm__shape_strides(x->ndim, x->shape, x->stride);
    return x;
}

gm_tensor *gm_tape_pop(gm_tape *t, uint64_t mark, gm_tensor *keep)
{
    if (!gm__is(t, GM__TAPE)) return NULL;
    if (!t->frame || t->frame->id != mark) return gm__tape_fail(t, GM_EARG, "pop: %llu is not the mark of the innermost frame", (unsigned long long)mark);
    gm__frame f = *t->frame;
    t->frame = f.outer;
    bool good = t->err.status == GM_OK;
    if (good && keep) {
        if (!gm__is(keep, GM__TENSOR) || keep->tape != t || keep->tape_stamp != t->generation)
            gm__tape_fail(t, gm__is(keep, GM__DEAD) ? GM_ESTALE : GM_EARG, "pop: the survivor is no op result of this tape");
        else
            return survive(t, &f.mark, keep);
    }
    gm__tape_rewind(t, &f.mark);
    return NULL;
}
