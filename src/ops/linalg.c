/* linalg.c - pieces of the ops on matrices, and the public functions that are made of other ops. */
#include "ops/linalg.h"

#include <math.h>
#include <string.h>

/* ---- matrices in memory ---------------------------------------------------------- */

static gm__mats shape_of(const gm_tensor *x)
{
    gm__mats m = {.count = 1, .rows = (size_t)x->shape[x->ndim - 2], .cols = (size_t)x->shape[x->ndim - 1]};
    for (int i = 0; i < x->ndim - 2; i++) m.count *= (size_t)x->shape[i];
    return m;
}

gm__mats gm__mats_copy(gm_tape *t, gm_tensor *x, bool transposed)
{
    gm_tensor from = *x;
    if (transposed) {
        int a = x->ndim - 2, b = x->ndim - 1;
        from.shape[a] = x->shape[b], from.shape[b] = x->shape[a];
        from.stride[a] = x->stride[b], from.stride[b] = x->stride[a];
        from.contiguous = gm__is_contiguous(from.ndim, from.shape, from.stride);
    }
    gm__mats m = shape_of(&from);
    gm_tensor *y = gm__tape_tensor(t, GM_F64, from.ndim, from.shape);
    if (!y) return m;
    gm__copy_values(t->ctx, y, &from);
    m.data = gm__f64(y);
    return m;
}

gm__mats gm__mats_out(gm_tape *t, gm_tensor *out)
{
    gm__mats m = shape_of(out);
    gm_tensor *y = out->dtype == GM_F64 ? out : gm__tape_tensor(t, GM_F64, out->ndim, out->shape);
    if (y) m.data = gm__f64(y);
    return m;
}

void gm__mats_store(gm_tape *t, gm_tensor *out, gm__mats m)
{
    gm_tensor from = *out;
    if (m.data == (double *)(void *)out->data) return;
    from.dtype = GM_F64;
    from.data = (char *)m.data;
    gm__copy_values(t->ctx, out, &from);
}

void gm__mats_symmetrise(size_t n, double *a)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) a[i * n + j] = a[j * n + i] = 0.5 * a[i * n + j] + 0.5 * a[j * n + i];
}

double gm__mats_sign(size_t n, const double *v, size_t step)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs(v[i * step]));
    for (size_t i = 0; i < n; i++)
        if (fabs(v[i * step]) >= most * (1 - 1e-6)) return v[i * step] < 0 ? -1 : 1;
    return 1;
}

/* ---- shapes and messages ------------------------------------------------------------ */

static gm_status limit(gm__call *c)
{
    const gm_tensor *a = c->in[0];
    char text[128];
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
    if ((m < n ? m : n) <= GM__LAPACK_MOST) return GM_OK;
    return gm__fail(c->err, GM_ELIMIT, "%s: a is %s, the limit is %d rows or columns", c->op->name, gm__shape_text(text, a->ndim, a->shape), GM__LAPACK_MOST);
}

gm_status gm__infer_mats(gm__call *c, int64_t rows, int64_t cols)
{
    GM__TRY(limit(c));
    GM__TRY(gm__infer_same(c));
    c->out->shape[c->out->ndim - 2] = rows;
    c->out->shape[c->out->ndim - 1] = cols;
    return GM_OK;
}

gm_status gm__infer_square(gm__call *c)
{
    const gm_tensor *a = c->in[0];
    char text[128];
    GM__TRY(gm__infer_same(c));
    if (a->ndim < 2 || a->shape[a->ndim - 2] != a->shape[a->ndim - 1])
        return gm__fail(c->err, GM_ESHAPE, "%s: square matrices wanted, a is %s", c->op->name, gm__shape_text(text, a->ndim, a->shape));
    return limit(c);
}

gm_status gm__infer_system(gm__call *c)
{
    const gm_tensor *a = c->in[0], *b = c->in[1];
    char ta[128], tb[128];
    GM__TRY(gm__infer_square(c));
    bool fit = a->ndim == b->ndim && b->shape[b->ndim - 2] == a->shape[a->ndim - 1];
    for (int i = 0; fit && i < a->ndim - 2; i++) fit = a->shape[i] == b->shape[i];
    if (!fit)
        return gm__fail(c->err, GM_ESHAPE, "%s: a is %s, b %s; [..., n, n] and [..., n, k] wanted", c->op->name, gm__shape_text(ta, a->ndim, a->shape),
                        gm__shape_text(tb, b->ndim, b->shape));
    gm__out_shape(c, b->dtype, b->ndim, b->shape);
    return GM_OK;
}

const char *gm__mats_which(char out[40], size_t count, size_t i)
{
    out[0] = 0;
    if (count > 1) gm__format(out, 40, " of matrix %zu", i);
    return out;
}

gm_status gm__mats_failed(gm__call *c, gm_status s, size_t i)
{
    char which[40], text[GM__MESSAGE];
    gm__format(text, sizeof text, "%s", gm_ctx_message(c->ctx));
    return gm__fail(c->err, s, "%s%s: %s", c->op->name, gm__mats_which(which, (size_t)(shape_of(c->in[0]).count), i), text);
}

/* ---- pieces of expressions ------------------------------------------------------------- */

static double mask_at(int which, int64_t i, int64_t j)
{
    switch (which) {
    case GM__M_EYE: return i == j;
    case GM__M_OFF: return i != j;
    case GM__M_LOWER: return i >= j;
    case GM__M_LOWER_HALF: return i == j ? 0.5 : i > j;
    case GM__M_LOWER_STRICT: return i > j;
    case GM__M_UPPER: return i <= j;
    default: return i < j;
    }
}

gm_tensor *gm__mask(gm_tape *t, const gm_tensor *like, int64_t n, int which)
{
    int64_t shape[2] = {n, n};
    if (!gm__tape_ok(t)) return NULL;
    gm_tensor *m = gm__tape_tensor(t, like->dtype, 2, shape);
    for (int64_t i = 0; m && i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double v = mask_at(which, i, j);
            if (m->dtype == GM_F64) gm__f64(m)[i * n + j] = v;
            else gm__f32(m)[i * n + j] = (float)v;
        }
    return m;
}

gm_tensor *gm__t(gm_tape *t, gm_tensor *x) { return gm_transpose(t, x, -1, -2); }
gm_tensor *gm__symmetric(gm_tape *t, gm_tensor *x) { return gm__scale(t, gm_add(t, x, gm__t(t, x)), 0.5); }
gm_tensor *gm__part(gm_tape *t, gm_tensor *x, int64_t first, int64_t last) { return gm_slice(t, x, -1, first, last, 1); }

bool gm__expand_batch(gm_tape *t, const char *who, gm_tensor **a, gm_tensor **b)
{
    char ta[128], tb[128];
    int64_t shape[GM_MAX_DIMS];
    int nd;
    if (!gm__tape_ok(t)) return false;
    if (!gm__is(*a, GM__TENSOR) || !gm__is(*b, GM__TENSOR) || (*a)->ndim < 2 || (*b)->ndim < 2) return true; /* the op itself says what is wrong */
    if (!gm__broadcast((*a)->ndim - 2, (*a)->shape, (*b)->ndim - 2, (*b)->shape, &nd, shape)) {
        gm__tape_fail(t, GM_ESHAPE, "%s: leading sizes do not broadcast: %s and %s", who, gm__shape_text(ta, (*a)->ndim, (*a)->shape),
                      gm__shape_text(tb, (*b)->ndim, (*b)->shape));
        return false;
    }
    gm_tensor **both[2] = {a, b};
    for (int k = 0; k < 2; k++) {
        gm_tensor *x = *both[k];
        bool fits = x->ndim == nd + 2;
        for (int i = 0; fits && i < nd; i++) fits = x->shape[i] == shape[i];
        shape[nd] = x->shape[x->ndim - 2];
        shape[nd + 1] = x->shape[x->ndim - 1];
        if (!fits && !(*both[k] = gm_expand(t, x, nd + 2, shape))) return false;
    }
    return true;
}

/* ---- functions made of ops --------------------------------------------------------------- */

/* a row of the diagonal, [..., n] */
static gm_tensor *diagonal(gm_tape *t, gm_tensor *x)
{
    if (!x) return NULL;
    return gm_sum(t, gm_mul(t, x, gm__mask(t, x, x->shape[x->ndim - 1], GM__M_EYE)), -1, 0);
}

gm_tensor *gm_logdet(gm_tape *t, gm_tensor *a)
{
    return gm__scale(t, gm_sum(t, gm_log(t, diagonal(t, gm_cholesky(t, a))), -1, 0), 2);
}

gm_tensor *gm_inverse(gm_tape *t, gm_tensor *a)
{
    if (!gm__is(a, GM__TENSOR) || !gm__is_float(a->dtype) || a->ndim < 2) return gm_solve(t, a, a); /* says what is wrong */
    return gm_solve(t, a, gm__mask(t, a, a->shape[a->ndim - 1], GM__M_EYE));
}

gm_tensor *gm_det(gm_tape *t, gm_tensor *a)
{
    gm_tensor *sign = NULL, *log_abs = gm_slogdet(t, a, &sign);
    return gm_mul(t, sign, gm_exp(t, log_abs));
}
