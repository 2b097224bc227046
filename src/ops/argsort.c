/* argsort.c - the first k places of the order along an axis, stable; NaN is larger than every number.
 * attr.i: axis, k, descending. */
#include "ops/reduce.h"

#include <string.h>

enum { FEW = 64 }; /* so few first places are kept in order while the axis is read once */

static gm_status infer(gm__call *c)
{
    const gm_tensor *x = c->in[0];
    char a[128];
    GM__TRY(gm__infer_same(c));
    int axis = gm__axis(c, c->attr->i[0], x->ndim);
    if (axis < 0) return GM_ESHAPE;
    if (c->attr->i[1] < 0 || c->attr->i[1] > x->shape[axis])
        return gm__fail(c->err, GM_EARG, "topk: %lld of axis %d of %s", (long long)c->attr->i[1], axis, gm__shape_text(a, x->ndim, x->shape));
    c->out->shape[axis] = c->attr->i[1];
    c->out->dtype = GM_I64;
    return GM_OK;
}

typedef struct job {
    bool f64, down;
    size_t n, k, inner;
    int64_t *y;
    const char *x;
    double *key;      /* [rows, n], then two such arrays of places */
    int64_t *a, *b;
} job;

/* does v stand strictly before w? */
static inline bool ahead(bool down, double v, double w)
{
    return down ? v > w || (v != v && w == w) : v < w || (w != w && v == v);
}

/* The first k of a row in order: each element moves up past those it stands before. */
static void first_few(const job *j, const char *x, int64_t *y)
{
    double best[FEW];
    int64_t at[FEW];
    size_t have = 0, es = j->f64 ? 8 : 4;
    for (size_t i = 0; i < j->n; i++) {
        double v = gm__load(j->f64, x + i * j->inner * es);
        size_t p = have;
        if (have == j->k) {
            if (!ahead(j->down, v, best[have - 1])) continue;
            p--;
        } else {
            have++;
        }
        for (; p > 0 && ahead(j->down, v, best[p - 1]); p--) best[p] = best[p - 1], at[p] = at[p - 1];
        best[p] = v;
        at[p] = (int64_t)i;
    }
    for (size_t i = 0; i < j->k; i++) y[i * j->inner] = at[i];
}

/* The whole row by merging runs of 1, 2, 4, .. */
static void merge_sort(const job *j, const char *x, double *key, int64_t *a, int64_t *b, int64_t *y)
{
    size_t es = j->f64 ? 8 : 4, n = j->n;
    for (size_t i = 0; i < n; i++) {
        key[i] = gm__load(j->f64, x + i * j->inner * es);
        a[i] = (int64_t)i;
    }
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t low = 0; low < n; low += 2 * run) {
            size_t mid = low + run < n ? low + run : n, high = low + 2 * run < n ? low + 2 * run : n, p = low, q = mid;
            for (size_t i = low; i < high; i++) {
                bool second = p == mid || (q < high && ahead(j->down, key[a[q]], key[a[p]]));
                b[i] = second ? a[q++] : a[p++];
            }
        }
        int64_t *was = a;
        a = b;
        b = was;
    }
    for (size_t i = 0; i < j->k; i++) y[i * j->inner] = a[i];
}

static void rows(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    for (size_t r = first; r < last; r++) {
        size_t o = r / j->inner, k = r % j->inner;
        const char *x = j->x + (o * j->n * j->inner + k) * (j->f64 ? 8 : 4);
        int64_t *y = j->y + o * j->k * j->inner + k;
        if (j->k <= FEW) first_few(j, x, y);
        else merge_sort(j, x, j->key + r * j->n, j->a + r * j->n, j->b + r * j->n, y);
    }
}

static gm_status forward(gm__call *c)
{
    gm_tensor *x = gm__tape_contiguous(c->t, c->in[0]);
    if (!x) return gm__recorded(c->t);
    if (c->out->size == 0) return GM_OK;
    gm__axes a = gm__axes_of(x, c->attr->i[0]);
    job j = {.f64 = gm__f64_of(x), .down = c->attr->i[2] != 0, .n = a.n, .k = (size_t)c->attr->i[1], .inner = a.inner,
             .y = (int64_t *)(void *)c->out->data, .x = x->data};
    if (j.k > FEW) {
        size_t all = (size_t)x->size;
        if (!(j.key = gm__arena(c->t, all, sizeof *j.key)) || !(j.a = gm__arena(c->t, all, sizeof *j.a)) || !(j.b = gm__arena(c->t, all, sizeof *j.b)))
            return gm__recorded(c->t);
    }
    gm__ranges(c->ctx, a.outer * a.inner, 8 * a.n, rows, &j);
    return GM_OK;
}
const gm__op gm__op_argsort = {"argsort", 1, GM__OP_NOGRAD, infer, forward, NULL, NULL,
    "7,17 i=1,17,0 | 7,17 i=0,7,1 | 17 i=0,5,1 | 300 i=0,300,0 | 2,150,2 i=1,150,1 | 0,3 i=0,0,0 | 0,3 i=1,3,0 | 2,3,4:t i=-2,3,0 | 5,9:s i=1,2,1 | 1 i=0,1,0 | 3,1 i=0,0,1 | "
    "2,1,3 i=1,1,1 | 3,100:t i=1,70,1"};

static gm_tensor *places(gm_tape *t, gm_tensor *x, int32_t axis, int64_t k, bool down)
{
    gm__attr a = {.i = {axis, k, down}};
    return gm__apply(t, &gm__op_argsort, &x, 1, &a);
}
/* the values there, and where */
static gm_tensor *values(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *at, gm_tensor **indices)
{
    gm_tensor *y = at ? gm_gather(t, x, axis, at) : NULL;
    if (indices) *indices = y ? at : NULL;
    return y;
}
/* size of the axis; whatever it is when the op will refuse the axis */
static int64_t size_of(const gm_tensor *x, int32_t axis)
{
    if (!gm__is(x, GM__TENSOR) || axis < -x->ndim || axis >= x->ndim) return 0;
    return x->shape[axis < 0 ? axis + x->ndim : axis];
}

gm_tensor *gm_argsort(gm_tape *t, gm_tensor *x, int32_t axis, int32_t descending) { return places(t, x, axis, size_of(x, axis), descending != 0); }
gm_tensor *gm_sort(gm_tape *t, gm_tensor *x, int32_t axis, int32_t descending, gm_tensor **indices)
{
    return values(t, x, axis, gm_argsort(t, x, axis, descending), indices);
}
gm_tensor *gm_topk(gm_tape *t, gm_tensor *x, int64_t k, int32_t axis, int32_t largest, gm_tensor **indices)
{
    return values(t, x, axis, places(t, x, axis, k, largest != 0), indices);
}
