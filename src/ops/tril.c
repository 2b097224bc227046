/* tril.c - the lower or upper triangle of matrices, zeros elsewhere. attr.i: diagonal, upper. */
#include "ops/elementwise.h"

#include <string.h>

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    char a[128];
    if (x->ndim < 2) return gm__fail(c->err, GM_ESHAPE, "%s: x has shape %s, matrices wanted", c->attr->i[1] ? "triu" : "tril", gm__shape_text(a, x->ndim, x->shape));
    gm__out_shape(c, x->dtype, x->ndim, x->shape);
    return GM_OK;
}

typedef struct job { size_t es; int64_t rows, cols, diagonal; bool upper; char *y; const char *x; } job;

/* Rows [first, last): of row r the columns before `edge` are the lower part. */
static void run(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->es, row = (size_t)j->cols * es;
    for (size_t p = first; p < last; p++) {
        int64_t r = (int64_t)(p % (size_t)j->rows);
        /* edge = r + diagonal (+ 1 below), kept in [0, cols] without overflow */
        int64_t d = j->diagonal, low = -j->rows - 1, high = j->cols + 1;
        int64_t edge = r + (d < low ? low : d > high ? high : d) + !j->upper;
        size_t at = edge < 0 ? 0 : edge > j->cols ? row : (size_t)edge * es;
        char *y = j->y + p * row;
        const char *x = j->x + p * row;
        if (j->upper) memset(y, 0, at), memcpy(y + at, x + at, row - at);
        else memcpy(y, x, at), memset(y + at, 0, row - at);
    }
}
static gm_status forward(gm__call *c)
{
    gm_tensor *y = c->out, *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    if (y->size == 0) return GM_OK;
    job j = {gm__esize(y->dtype), y->shape[y->ndim - 2], y->shape[y->ndim - 1], c->attr->i[0], c->attr->i[1] != 0, y->data, x->data};
    gm__ranges(c->ctx, (size_t)(y->size / j.cols), (size_t)j.cols, run, &j);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm__apply(t, &gm__op_tril, &gy, 1, &n->attr);
}
const gm__op gm__op_tril = {"tril", 1, 0, infer, forward, vjp, NULL,
    "7,17 i=0,0 | 7,17 i=0,1 | 17,7 i=2,0 | 17,7 i=-3,1 | 0,3 i=0,0 | 3,0 i=1,1 | 2,4,4:t i=-1,0 | 5,9:s i=1,1 | 1,1 i=0,0 | 1,1 i=1,1 | 3,3 i=-100,0 | 3,3 i=100,0 | "
    "2,2,3,4 i=0,1 | 4,4:k9 i=0,1"};

static gm_tensor *triangle(gm_tape *t, gm_tensor *x, int64_t diagonal, int upper)
{
    gm__attr a = {.i = {diagonal, upper}};
    return gm__apply(t, &gm__op_tril, &x, 1, &a);
}
gm_tensor *gm_tril(gm_tape *t, gm_tensor *x, int64_t diagonal) { return triangle(t, x, diagonal, 0); }
gm_tensor *gm_triu(gm_tape *t, gm_tensor *x, int64_t diagonal) { return triangle(t, x, diagonal, 1); }
