/* custom.c - ops made of the host's callbacks. attr.i[0]: the custom op, in the arena. */
#include "ops/ops.h"
#include "tape/diff.h"
#include <gm/custom.h>

#include <string.h>

enum { NAME = 32 };
typedef struct custom {
    gm__op op; /* with a name of its own; nodes point to it */
    gm_custom_op host;
    char name[NAME];
} custom;

void gm_custom_op_init(gm_custom_op *op, size_t size)
{
    if (!op || size < sizeof op->struct_size) return;
    memset(op, 0, size);
    op->struct_size = size;
}

static const custom *custom_of(const gm__attr *a) { return (const custom *)(intptr_t)a->i[0]; }

/* A callback's answer as a failure of the op. */
static gm_status answer(gm_tape *t, const custom *k, const char *callback, int32_t code)
{
    if (code == 0) return t->err.status;
    if (!t->err.status) gm__tape_fail(t, code == GM_ECANCELED ? GM_ECANCELED : GM_ESTATE, "%s: %s returned %d", k->name, callback, (int)code);
    return t->err.status;
}

/* The inputs row-major, in the arena; NULL after recording a failure. */
static gm_tensor **dense(gm_tape *t, gm_tensor *const *in, int32_t n)
{
    gm_tensor **x = gm__arena(t, (size_t)n, sizeof(gm_tensor *));
    for (int32_t i = 0; x && i < n; i++)
        if (!(x[i] = gm__tape_contiguous(t, in[i]))) return NULL;
    return x;
}

static gm_status infer(gm__call *c)
{
    const custom *k = custom_of(c->attr);
    const gm_tensor *x = c->in[0];
    int32_t dtype = x->dtype, ndim = x->ndim;
    int64_t shape[GM_MAX_DIMS] = {0}, size;
    memcpy(shape, x->shape, (size_t)ndim * sizeof *shape);
    if (k->host.infer) GM__TRY(answer(c->t, k, "infer", k->host.infer(k->host.user, c->in, c->nin, &dtype, &ndim, shape)));
    if (gm_dtype_size(dtype) == 0) return gm__fail(c->err, GM_EDTYPE, "%s: infer gave type number %d", k->name, (int)dtype);
    GM__TRY(gm__shape_check(c->err, k->name, ndim, shape, &size));
    gm__out_shape(c, dtype, ndim, shape);
    return GM_OK;
}
static gm_status forward(gm__call *c)
{
    const custom *k = custom_of(c->attr);
    gm_tensor **in = dense(c->t, c->in, c->nin);
    if (!in) return gm__recorded(c->t);
    return answer(c->t, k, "forward", k->host.forward(k->host.user, in, c->nin, c->out));
}

static gm_status backward(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    const custom *k = custom_of(&n->attr);
    gm_tensor **in = dense(t, n->in, n->nin), **gx = gm__arena(t, (size_t)n->nin, sizeof(gm_tensor *));
    if (!in || !gx) return gm__recorded(t);
    for (int32_t i = 0; i < n->nin; i++) {
        gx[i] = NULL;
        if (!want[i]) continue;
        if (!(gx[i] = gm__grad_tmp(t, n, i))) return gm__recorded(t);
        if (gx[i]->size > 0) memset(gx[i]->data, 0, (size_t)gx[i]->size * gm__esize(gx[i]->dtype));
    }
    GM__TRY(answer(t, k, "backward", k->host.backward(k->host.user, in, n->nin, n->out, gy, gx)));
    for (int32_t i = 0; i < n->nin; i++)
        if (gx[i]) GM__TRY(gm__grad_give(t, n, i, gx[i]));
    return GM_OK;
}

static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    const custom *k = custom_of(&n->attr);
    char a[128], b[128];
    int32_t *wanted = gm__arena(t, (size_t)n->nin, sizeof *wanted);
    if (!wanted) return;
    for (int32_t i = 0; i < n->nin; i++) wanted[i] = want[i];
    if (answer(t, k, "vjp", k->host.vjp(k->host.user, t, n->in, n->nin, n->out, gy, wanted, gx))) return;
    for (int32_t i = 0; i < n->nin; i++) { /* what comes from outside is checked before it is added */
        const gm_tensor *g = gx[i], *x = n->in[i];
        if (!want[i] || !g) continue;
        if (gm__diff_check(t, k->name, "a gradient from vjp", g)) return;
        if (g->dtype != x->dtype || !gm__shape_equal(g, x)) {
            gm__tape_fail(t, GM_ESHAPE, "%s: vjp gave %s %s for input %d, which is %s %s", k->name, gm_dtype_name(g->dtype), gm__shape_text(a, g->ndim, g->shape),
                          (int)i, gm_dtype_name(x->dtype), gm__shape_text(b, x->ndim, x->shape));
            return;
        }
    }
}

gm_tensor *gm_custom(gm_tape *t, const gm_custom_op *op, gm_tensor *const *inputs, int32_t n)
{
    if (!gm__tape_ok(t)) return NULL;
    gm_custom_op host = {0};
    if (!op || op->struct_size < sizeof op->struct_size) return gm__tape_fail(t, GM_EARG, "custom: op is NULL or was not made by gm_custom_op_init");
    memcpy(&host, op, op->struct_size < sizeof host ? op->struct_size : sizeof host); /* callers may know fewer or more fields */
    const char *name = host.name && *host.name ? host.name : "custom";
    if (!host.forward) return gm__tape_fail(t, GM_EARG, "%s: no forward", name);
    if (n < 1 || !inputs) return gm__tape_fail(t, GM_EARG, "%s: %d inputs, or inputs is NULL", name, (int)n);
    custom *k = gm__arena(t, 1, sizeof *k);
    if (!k) return NULL;
    gm__format(k->name, sizeof k->name, "%s", name);
    k->host = host;
    k->op = (gm__op){.name = k->name, .nin = -1, .infer = infer, .forward = forward, .vjp = host.vjp ? vjp : NULL, .fused_vjp = host.backward ? backward : NULL};
    gm__attr a = {.i = {(int64_t)(intptr_t)k}};
    return gm__apply(t, &k->op, inputs, n, &a);
}
