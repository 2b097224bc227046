/* conv.c - checks, geometry and the bias of the convolutions. */
#include "ops/conv.h"

enum { MOST = 1 << 20 }; /* of a stride, padding, dilation */

/* ---- checks ----------------------------------------------------------------------- */

const char *gm__conv_name(const gm__call *c, const char *name)
{
    if (!c->attr->i[GM__CONV_SIGNAL]) return name;
    return name == gm__op_conv2d.name ? "conv1d" : "conv_transpose1d";
}

gm_status gm__conv_check(gm__call *c, const char *name)
{
    static const char *const what[] = {"stride", "padding", "dilation"};
    char p[128];
    GM__TRY(gm__want_float(c));
    for (int i = 0; i < 2; i++)
        if (c->in[i]->ndim != 4)
            return gm__fail(c->err, GM_ESHAPE, "%s: input %d: four axes wanted, got %s", name, i, gm__shape_text(p, c->in[i]->ndim, c->in[i]->shape));
    for (int i = 0; i < 6; i++) {
        int64_t v = c->attr->i[i], lo = i / 2 != 1;
        if (v < lo || v > MOST) return gm__fail(c->err, GM_EARG, "%s: %s of %lld is not in [%d,%d]", name, what[i / 2], (long long)v, (int)lo, MOST);
    }
    if (c->attr->i[GM__CONV_GROUPS] < 1) return gm__fail(c->err, GM_EARG, "%s: %lld groups", name, (long long)c->attr->i[GM__CONV_GROUPS]);
    return GM_OK;
}

gm_status gm__conv_groups(gm__call *c, const char *name, int64_t channels, int64_t filters)
{
    int64_t g = c->attr->i[GM__CONV_GROUPS];
    if (channels % g == 0 && filters % g == 0) return GM_OK;
    return gm__fail(c->err, GM_ESHAPE, "%s: %lld groups do not divide %lld channels", name, (long long)g,
                    (long long)(channels % g ? channels : filters));
}

gm_status gm__conv_size(gm__call *c, const char *name, int axis, int64_t size, int64_t kernel, int64_t *out)
{
    int64_t reach, room = size + 2 * c->attr->i[2 + axis]; /* fits: shapes and paddings are bounded */
    if (kernel < 1) return gm__fail(c->err, GM_ESHAPE, "%s: a kernel of size %lld", name, (long long)kernel);
    if (__builtin_mul_overflow(kernel - 1, c->attr->i[4 + axis], &reach) || reach >= room)
        return gm__fail(c->err, GM_ESHAPE, "%s: a kernel of %lld dilated by %lld exceeds the padded size %lld", name, (long long)kernel,
                        (long long)c->attr->i[4 + axis], (long long)room);
    *out = (room - reach - 1) / c->attr->i[axis] + 1;
    return GM_OK;
}

/* ---- geometry ----------------------------------------------------------------------- */

gm__conv gm__conv_of(const gm__attr *a, const gm_tensor *x, const gm_tensor *y, const gm_tensor *w)
{
    gm__conv g = {.n = (size_t)x->shape[0], .h = (size_t)x->shape[1], .w = (size_t)x->shape[2], .c = (size_t)x->shape[3],
                  .oh = (size_t)y->shape[1], .ow = (size_t)y->shape[2], .o = (size_t)y->shape[3], .kh = (size_t)w->shape[2],
                  .kw = (size_t)w->shape[3], .groups = (size_t)a->i[GM__CONV_GROUPS]};
    for (int i = 0; i < 2; i++) {
        g.stride[i] = (ptrdiff_t)a->i[i];
        g.pad[i] = (ptrdiff_t)a->i[2 + i];
        g.dilation[i] = (ptrdiff_t)a->i[4 + i];
    }
    for (int i = 0; i < 4; i++) g.ws[i] = (ptrdiff_t)w->stride[i];
    return g;
}

gm_status gm__conv_failed(gm_tape *t, gm_status s)
{
    return s == GM_OK || t->err.status ? s : gm__fail(&t->err, s, "convolution: no memory for scratch");
}

/* ---- bias: sums over pixels ---------------------------------------------------------- */

enum { WIDE = 64, BLOCK = 128 }; /* columns aimed at; rows that one chain of additions joins */

typedef struct sum_job {
    gm_ctx *ctx;
    bool f64;
    size_t rows, cols; /* of x as it is summed */
    const char *x;
    char *part;        /* [blocks, cols] */
} sum_job;

static void colsum(gm_ctx *ctx, bool f64, size_t rows, size_t cols, const void *x, void *y, bool add)
{
    if (f64) ctx->kern->colsum_f64(rows, cols, x, cols, y, add);
    else ctx->kern->colsum_f32(rows, cols, x, cols, y, add);
}

static void sum_blocks(void *arg, size_t first, size_t last)
{
    const sum_job *j = arg;
    size_t line = j->cols * (j->f64 ? 8 : 4);
    for (size_t b = first; b < last; b++) {
        size_t row = b * BLOCK, n = j->rows - row < BLOCK ? j->rows - row : BLOCK;
        colsum(j->ctx, j->f64, n, j->cols, j->x + row * line, j->part + b * line, false);
    }
}

/* Several pixels make one row where channels are few, blocks of rows are summed side by side, their sums then in order. */
gm_status gm__conv_bias(gm_tape *t, const gm_tensor *g, gm_tensor *gb, bool add)
{
    size_t c = (size_t)gb->size, pixels = c ? (size_t)g->size / c : 0, fold = c && c < WIDE ? WIDE / c : 1, es = gm__f64_of(g) ? 8 : 4;
    sum_job j = {.ctx = t->ctx, .f64 = gm__f64_of(g), .rows = pixels / fold, .cols = fold * c, .x = g->data};
    size_t blocks = (j.rows + BLOCK - 1) / BLOCK, left = pixels - j.rows * fold;
    if (c == 0) return GM_OK;
    const int64_t shape[2] = {(int64_t)blocks + 1, (int64_t)j.cols};
    gm_tensor *part = gm__tape_tensor(t, g->dtype, 2, shape);
    if (!part) return gm__recorded(t);
    j.part = part->data;
    gm__ranges(t->ctx, blocks, BLOCK * j.cols, sum_blocks, &j);
    char *all = j.part + blocks * j.cols * es;
    colsum(t->ctx, j.f64, blocks, j.cols, j.part, all, false);
    colsum(t->ctx, j.f64, fold, c, all, gb->data, add);
    colsum(t->ctx, j.f64, left, c, j.x + j.rows * j.cols * es, gb->data, true);
    return GM_OK;
}

gm_tensor *gm__conv_bias_vjp(gm_tape *t, gm_tensor *g)
{
    if (!g) return NULL;
    int64_t c = g->shape[g->ndim - 1], shape[2] = {g->shape[0] * g->shape[1] * g->shape[2], c};
    return gm_sum(t, gm_reshape(t, g, 2, shape), 0, 0);
}

/* ---- public arguments ------------------------------------------------------------------ */

gm__attr gm__conv_attr(const int64_t stride[2], const int64_t pad[2], const int64_t dilation[2], int64_t groups)
{
    gm__attr a = {.i = {1, 1, 0, 0, 1, 1, groups}};
    for (int i = 0; i < 2; i++) {
        if (stride) a.i[i] = stride[i];
        if (pad) a.i[2 + i] = pad[i];
        if (dilation) a.i[4 + i] = dilation[i];
    }
    return a;
}

gm__attr gm__conv_attr1(int64_t stride, int64_t pad, int64_t dilation, int64_t groups)
{
    gm__attr a = gm__conv_attr((const int64_t[]){1, stride}, (const int64_t[]){0, pad}, (const int64_t[]){1, dilation}, groups);
    a.i[GM__CONV_SIGNAL] = 1;
    return a;
}

bool gm__conv_fuse(gm__attr *a, int32_t act, double slope)
{
    if (act == GM_ACT_LRELU && !(slope >= 0)) return false; /* the sign of the result would not tell that of its argument */
    a->i[GM__CONV_ACT] = act;
    a->f[0] = slope;
    return true;
}

/* [A, B, L] -> [A, B, 1, L] or [A, L, B] -> [A, 1, L, B] and back: an axis of 1 at place `at`, or without it */
static gm_tensor *axis_of_one(gm_tape *t, gm_tensor *x, int at, bool insert)
{
    int64_t shape[GM_MAX_DIMS] = {0};
    if (!x) return NULL;
    int n = 0;
    for (int i = 0; i < x->ndim; i++) {
        if (i == at && insert) shape[n++] = 1;
        if (i != at || insert) shape[n++] = x->shape[i];
    }
    return gm_reshape(t, x, n, shape);
}

static bool has_axes(gm_tape *t, const char *name, const gm_tensor *x, const char *what, int n)
{
    char p[128];
    if (!gm__tape_ok(t)) return false;
    if (!gm__is(x, GM__TENSOR) || x->ndim == n) return true; /* no tensor: the next op says so */
    gm__tape_fail(t, GM_ESHAPE, "%s: %s of %d axes wanted, got %s", name, what, n, gm__shape_text(p, x->ndim, x->shape));
    return false;
}

gm_tensor *gm__conv_image(gm_tape *t, const char *name, gm_tensor *x, bool signal)
{
    if (!has_axes(t, name, x, "x", signal ? 3 : 4)) return NULL;
    x = gm__to_last(t, x);
    return signal ? axis_of_one(t, x, 1, true) : x;
}

gm_tensor *gm__conv_filter(gm_tape *t, const char *name, gm_tensor *w, bool signal)
{
    if (!has_axes(t, name, w, "w", signal ? 3 : 4)) return NULL;
    if (!gm__is(w, GM__TENSOR)) return gm__alias(t, w); /* which says what is wrong */
    return signal ? axis_of_one(t, w, 2, true) : w;
}

gm_tensor *gm__conv_result(gm_tape *t, gm_tensor *y, bool signal) { return gm__from_last(t, signal ? axis_of_one(t, y, 1, false) : y); }
