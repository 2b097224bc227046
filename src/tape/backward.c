/* backward.c - the walk back over the nodes, and gradients into leaves. */
#include "tape/diff.h"
#include <string.h>

/* Does input i of a node get a gradient? */
static bool wanted(const gm__diff *d, const gm_tensor *x)
{
    if (!x || !gm__is_float(x->dtype)) return false;
    if (!d->xs) return x->node || (!x->tape && x->wants_grad);
    return (x->node && x->node->need) || gm__diff_slot(d, x) >= 0;
}

/* An input that changed after the op ran would give a wrong gradient. */
static gm_status check_versions(gm_tape *t, const gm__node *n)
{
    char text[128];
    for (int32_t i = 0; i < n->nin; i++) {
        const gm_tensor *x = n->in[i];
        if (x && x->version != n->in_version[i])
            return gm__fail(&t->err, GM_ESTATE, "%s: input %d %s changed since it was used", n->op->name, (int)i,
                            gm__shape_text(text, x->ndim, x->shape));
    }
    return GM_OK;
}

static gm_status run_vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (!n->op->vjp)
        return gm__fail(&t->err, GM_EUNSUPPORTED, t->diff->graph ? "%s: has no second gradient" : "%s: has no gradient", n->op->name);
    for (int32_t i = 0; i < n->nin; i++) gx[i] = NULL;
    n->op->vjp(t, n, gy, want, gx);
    for (int32_t i = 0; i < n->nin && !t->err.status; i++)
        if (want[i]) gm__grad_give(t, n, i, gx[i]);
    return t->err.status;
}

/* Gradient of one node. What it leaves on the tape goes at once, unless it is part of the graph. */
static gm_status run_node(gm_tape *t, const gm__node *n, gm_tensor *gy)
{
    gm__diff *d = t->diff;
    bool few_want[8], *want = few_want, any = false;
    gm_tensor *few_gx[8], **gx = few_gx;
    gm__mark m;
    GM__TRY(check_versions(t, n));
    gm__tape_mark(t, &m);
    if (n->nin > 8) { /* with create_graph these stay on the tape till reset: a rare op, a few words */
        gx = gm__arena(t, (size_t)n->nin, sizeof *gx + sizeof *want);
        if (!gx) return t->err.status;
        want = (bool *)(gx + n->nin);
    }
    for (int32_t i = 0; i < n->nin; i++) any |= want[i] = wanted(d, n->in[i]);
    if (!any) return GM_OK;
    d->gy = gy;
    gm_status s;
    if (n->op->fused_vjp && !d->graph) {
        s = n->op->fused_vjp(t, n, gy, want);
        if (s && !t->err.status) gm__tape_fail(t, s, "%s: gradient: %s", n->op->name, gm_ctx_message(t->ctx));
    } else {
        run_vjp(t, n, gy, want, gx);
    }
    s = t->err.status;
    while (d->scratch) {
        gm_tensor *g = d->scratch;
        d->scratch = g->grad;
        gm__gradient_release(t, g);
    }
    if (!d->graph) gm__tape_rewind(t, &m);
    return s;
}

gm_status gm__diff_run(gm_tape *t, int64_t low, int64_t top)
{
    gm__diff *d = t->diff;
    bool recording = t->recording;
    gm_status s = t->err.status;
    t->recording = d->graph;
    for (; top >= low && !s; top--) {
        gm__node *n = t->nodes[top];
        gm_tensor *own = n->gout, *gy = own;
        int32_t slot = gm__diff_slot(d, n->out);
        if (slot >= 0) gy = d->has[slot] || d->graph ? d->out[slot] : NULL;
        if (!gy || (d->xs && !n->need)) continue;
        n->gout = NULL;
        s = run_node(t, n, gy);
        if (!d->graph) gm__gradient_release(t, own);
    }
    for (; top >= low; top--) t->nodes[top]->gout = NULL; /* after a failure */
    t->recording = recording;
    if (s) gm__fail_ctx(t->ctx, s, "%s", t->err.text);
    return s;
}

gm_status gm__diff_idle(gm_tape *t, const char *who)
{
    if (t->diff || t->exploring) gm__tape_fail(t, GM_ESTATE, "%s: called within a checkpointed segment or the gradient of an op", who);
    return t->err.status;
}

gm_status gm__diff_check(gm_tape *t, const char *who, const char *arg, const gm_tensor *x)
{
    gm__err e;
    gm_status s = gm__check_tensor(&e, who, arg, x);
    if (s) gm__tape_fail(t, s, "%s", e.text);
    else if (x->tape && x->tape != t) gm__tape_fail(t, GM_EARG, "%s: %s was made on another tape", who, arg);
    else if (x->tape && x->tape_stamp != t->generation) gm__tape_fail(t, GM_ESTALE, "%s: %s outlived its tape generation", who, arg);
    else if (!gm__is_float(x->dtype))
        gm__tape_fail(t, GM_EDTYPE, "%s: %s has type %s; f32 and f64 have gradients", who, arg, gm_dtype_name(x->dtype));
    return t->err.status;
}

static gm_status check_loss(gm_tape *t, const gm_tensor *loss)
{
    char text[128];
    GM__TRY(gm__diff_check(t, "backward", "loss", loss));
    if (!loss->tape) gm__tape_fail(t, GM_EARG, "backward: loss was not made on this tape");
    else if (loss->size != 1)
        gm__tape_fail(t, GM_ESHAPE, "backward: loss has shape %s; it must be one number (sum or mean it)",
                      gm__shape_text(text, loss->ndim, loss->shape));
    else if (!loss->node)
        gm__tape_fail(t, GM_ESTATE, "backward: loss was made without recording, or depends on no tensor with gm_tensor_set_grad");
    return t->err.status;
}

gm_status gm_tape_backward(gm_tape *t, gm_tensor *loss)
{
    if (!gm__is(t, GM__TAPE)) return GM_EARG;
    if (t->err.status) return t->err.status;
    GM__TRY(gm__diff_idle(t, "backward"));
    GM__TRY(check_loss(t, loss));

    gm__diff d = {0};
    t->diff = &d;
    gm_tensor *seed = gm__gradient_new(t, loss);
    if (seed) {
        gm__gradient_ones(seed);
        loss->node->gout = seed;
        gm__diff_run(t, 0, loss->node->index);
    }
    t->diff = NULL;
    gm__area_reset(t->ctx, &t->grad_area);
    if (t->err.status) /* half a sum is no gradient */
        for (size_t i = 0; i < t->n_kept; i++) gm_tensor_clear_grad(t->kept[i]);
    return t->err.status;
}
