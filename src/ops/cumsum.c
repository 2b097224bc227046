/* cumsum.c - running sums along an axis, from the first or (attr.i[1]) from the last element; each is the other's gradient. */
#include "ops/reduce.h"

static gm_status infer(gm__call *c)
{
    GM__TRY(gm__infer_same(c));
    return gm__axis(c, c->attr->i[0], c->in[0]->ndim) < 0 ? GM_ESHAPE : GM_OK;
}

typedef struct job { bool f64, reverse; gm__axes a; char *y; const char *x; } job;

static void lines(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, n = j->a.n, inner = j->a.inner;
    for (size_t r = first; r < last; r++) {
        size_t at = (r / inner * n * inner + r % inner) * es;
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            size_t k = at + (j->reverse ? n - 1 - i : i) * inner * es;
            sum += gm__load(j->f64, j->x + k);
            gm__store(j->f64, j->y + k, sum);
        }
    }
}
static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    job j = {gm__f64_of(x), c->attr->i[1] != 0, gm__axes_of(x, c->attr->i[0]), c->out->data, x->data};
    if (x->size > 0) gm__ranges(c->ctx, j.a.outer * j.a.inner, j.a.n, lines, &j);
    return GM_OK;
}
static gm_tensor *cumsum(gm_tape *t, gm_tensor *x, int64_t axis, bool reverse)
{
    gm__attr a = {.i = {axis, reverse}};
    return gm__apply(t, &gm__op_cumsum, &x, 1, &a);
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = cumsum(t, gy, n->attr.i[0], !n->attr.i[1]);
}
const gm__op gm__op_cumsum = {"cumsum", 1, 0, infer, forward, vjp, NULL,
    "7,17 i=1,0 | 7,17 i=0,1 | 2,3,4:t i=1,0 | 5 i=0,1 | 5,9:s i=-1,0 | 0,3 i=1,0 | 2,0,3 i=1,1 | 1 i=0,0 | 2,1,3,1,2 i=-3,1 | 2,1,3,1,2 i=-5,0 | 17,7:ts i=-2,1 | 33 i=-1,0"};

gm_tensor *gm_cumsum(gm_tape *t, gm_tensor *x, int32_t axis) { return cumsum(t, x, axis, false); }
