/* attention_body.h - attention for one element type; attention.c includes it with T and S set and says how it works. */
#define F2(a, b) a##_##b
#define F1(a, b) F2(a, b)
#define F(name) F1(name, S)

/* Where the parts of a worker's scratch begin, in elements. */
typedef struct F(job) {
    gm_ctx *ctx;
    const gm__kern *kern;
    const gm__attention *a;
    size_t mr, nr, ld, rows;   /* the tile; a row of scores; rows of a block */
    size_t keys, values;       /* keys (backward: and values) by columns in panels, or values as a B of a product */
    size_t k, q, g;            /* backward: keys, queries, gradients as a B, where their rows are no whole vectors */
    size_t scores, dp, bias, factor, size;
} F(job);

/* The right side of a product: element (k, j) at p[j / nr * wide + k*ld + j % nr] */
typedef struct F(right) { const T *p; size_t ld, wide; } F(right);

static inline T *F(row)(gm__heads h, size_t b, size_t i, size_t head)
{
    return (T *)h.p + (ptrdiff_t)b * h.batch + (ptrdiff_t)i * h.row + (ptrdiff_t)head * h.head;
}
static inline size_t F(round_up)(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* first + count*each elements, for a part that begins at `first`; false on overflow */
static bool F(part)(size_t *at, size_t *end, size_t count, size_t each)
{
    size_t n;
    *at = *end;
    return gm__mul(count, each, &n) && n < SIZE_MAX / 4 / sizeof(T) && gm__add(*end, F(round_up)(n, 16), end);
}
static bool F(whole)(const F(job) *j, size_t d) { return d % (j->nr / 2) == 0; }

static bool F(plan)(F(job) *j, gm_ctx *ctx, const gm__attention *a, bool back)
{
    const gm__kern *kern = ctx->kern;
    *j = (F(job)){.ctx = ctx, .kern = kern, .a = a, .mr = kern->F1(mr, S), .nr = kern->F1(nr, S)};
    size_t blocks = (a->t + BLOCK - 1) / BLOCK, padded, lanes = j->nr / 2;
    j->rows = !back ? j->mr : blocks ? (a->t + blocks - 1) / blocks : 1;
    if (a->s > SIZE_MAX / 4) return false;
    j->ld = F(round_up)(a->s, 16) + 16; /* rows of a power of two would share few places of the cache */
    padded = F(round_up)(a->s, j->nr);
    bool ok = F(part)(&j->keys, &j->size, padded, a->d);
    if (back) {
        ok = ok && F(part)(&j->values, &j->size, padded, a->dv);
        ok = ok && F(part)(&j->k, &j->size, F(whole)(j, a->d) ? 0 : a->s, F(round_up)(a->d, lanes));
        ok = ok && F(part)(&j->q, &j->size, F(whole)(j, a->d) ? 0 : a->t, F(round_up)(a->d, lanes));
        ok = ok && F(part)(&j->g, &j->size, F(whole)(j, a->dv) ? 0 : a->t, F(round_up)(a->dv, lanes));
        ok = ok && F(part)(&j->dp, &j->size, j->rows, j->ld);
    } else {
        ok = ok && F(part)(&j->values, &j->size, F(whole)(j, a->dv) ? 0 : a->s, F(round_up)(a->dv, lanes));
    }
    ok = ok && F(part)(&j->scores, &j->size, j->rows, j->ld);
    ok = ok && F(part)(&j->bias, &j->size, a->mask ? j->rows : 0, j->ld);
    return ok && F(part)(&j->factor, &j->size, j->rows, 1);
}

/* Scratch for all workers, and the tasks on them. */
static gm_status F(spread)(F(job) *j, size_t tasks, gm__task_fn *task)
{
    const gm__attention *a = j->a;
    double work = (double)a->batch * (double)a->heads * (double)a->t * (double)a->s * (double)(a->d + a->dv);
    bool alone = work < WORTH || tasks < 2;
    for (size_t w = alone ? 1 : gm__workers(j->ctx); w-- > 0;)
        if (!gm__scratch(j->ctx, w, j->size * sizeof(T))) return GM_ENOMEM;
    if (!alone) gm__parallel(j->ctx, tasks, task, j);
    else for (size_t i = 0; i < tasks; i++) task(j, i, 0);
    return GM_OK;
}

/* ---- products ------------------------------------------------------------------- */

/* n rows of d numbers as the right side of X^T */
static F(right) F(panels)(const F(job) *j, size_t n, size_t d, T *to, const T *x, ptrdiff_t row)
{
    for (size_t i = 0; i < n; i += j->nr)
        j->kern->F1(gemm_pack, S)(j->nr, n - i < j->nr ? n - i : j->nr, d, to + i * d, x + (ptrdiff_t)i * row, row, 1);
    return (F(right)){to, j->nr, j->nr * d};
}
/* n rows of d numbers as a right side: where they lie, if they are whole vectors, else with zeros after each */
static F(right) F(straight)(const F(job) *j, size_t n, size_t d, T *to, const T *x, ptrdiff_t row)
{
    if (F(whole)(j, d) && row >= 0) return (F(right)){x, (size_t)row, j->nr};
    size_t ld = F(round_up)(d, j->nr / 2);
    for (size_t i = 0; i < n; i++) {
        memcpy(to + i * ld, x + (ptrdiff_t)i * row, d * sizeof(T));
        memset(to + i * ld + d, 0, (ld - d) * sizeof(T));
    }
    return (F(right)){to, ld, j->nr};
}

/* c [m, n] (+)= a [m, k] b; element (i, k) of a at a[i*ars + k*acs] */
static void F(product)(const F(job) *j, size_t m, size_t n, size_t k, const T *a, ptrdiff_t ars, ptrdiff_t acs, F(right) b, T *c, ptrdiff_t ldc, bool add)
{
    for (size_t k0 = 0; k0 < k; k0 += CUT) {
        size_t kc = k - k0 < CUT ? k - k0 : CUT;
        for (size_t p = 0; p < n; p += j->nr)
            for (size_t i = 0; i < m; i += j->mr)
                j->kern->F1(gemm_tile, S)(kc, a + (ptrdiff_t)i * ars + (ptrdiff_t)k0 * acs, ars, acs, b.p + p / j->nr * b.wide + k0 * b.ld, (ptrdiff_t)b.ld,
                                          c + (ptrdiff_t)i * ldc + p, (size_t)ldc, m - i < j->mr ? m - i : j->mr, n - p < j->nr ? n - p : j->nr,
                                          add || k0 > 0);
    }
    if (k == 0 && !add)
        for (size_t i = 0; i < m; i++) memset(c + (ptrdiff_t)i * ldc, 0, n * sizeof(T));
}

/* ---- what a row sees ---------------------------------------------------------------- */

/* columns that row i sees by its place, perhaps below 0 or above s */
static ptrdiff_t F(limit)(const gm__attention *a, size_t i)
{
    return a->causal ? (ptrdiff_t)(i + 1 + a->s) - (ptrdiff_t)a->t : (ptrdiff_t)a->s;
}
static size_t F(columns)(const gm__attention *a, size_t i)
{
    ptrdiff_t n = F(limit)(a, i);
    return n < 0 ? 0 : (size_t)n < a->s ? (size_t)n : a->s;
}

/* The mask of rows [i, i + m) as numbers to add, m rows *ld apart; one row with *ld = 0 where all are alike. NULL without a mask. */
static const T *F(bias)(const F(job) *j, T *to, size_t b, size_t h, size_t i, size_t m, size_t n, size_t *ld)
{
    const gm__attention *a = j->a;
    const ptrdiff_t *st = a->mask_stride;
    ptrdiff_t at = (ptrdiff_t)b * st[0] + (ptrdiff_t)h * st[1] + (ptrdiff_t)i * st[2];
    *ld = 0;
    if (!a->mask) return NULL;
    if (!a->bytes && st[3] == 1 && st[2] >= 0) {
        *ld = (size_t)st[2];
        return (const T *)a->mask + at;
    }
    if (st[2] == 0) m = 1;
    else *ld = j->ld;
    for (size_t r = 0; r < m; r++, at += st[2]) {
        T *row = to + r * j->ld;
        if (a->bytes) {
            const uint8_t *p = (const uint8_t *)a->mask + at;
            for (size_t c = 0; c < n; c++) row[c] = p[(ptrdiff_t)c * st[3]] ? 0 : -(T)INFINITY;
        } else {
            const T *p = (const T *)a->mask + at;
            for (size_t c = 0; c < n; c++) row[c] = p[(ptrdiff_t)c * st[3]];
        }
    }
    return to;
}

/* ---- forward ----------------------------------------------------------------------------- */

/* One query: its keys and values are read once, where they lie. */
static void F(one_row)(const F(job) *j, T *scratch, size_t b, size_t h, size_t g)
{
    const gm__attention *a = j->a;
    size_t ld;
    T *s = scratch + j->scores, *out = F(row)(a->out, b, 0, h), *f = scratch + j->factor;
    const T *bias = F(bias)(j, scratch + j->bias, b, h, 0, 1, a->s, &ld);
    if (a->d) j->kern->F1(gemv, S)(a->s, a->d, s, F(row)(a->q, b, 0, h), 1, F(row)(a->k, b, 0, g), 1, a->k.row, false);
    else memset(s, 0, a->s * sizeof(T));
    j->kern->F1(attend, S)(1, a->s, s, 0, (T)a->scale, bias, ld, (ptrdiff_t)a->s, 0, f, a->lse ? (T *)a->lse + b * a->heads + h : NULL);
    memset(out, 0, a->dv * sizeof(T));
    for (size_t k = 0; k < a->s; k += CUT)
        j->kern->F1(gemv, S)(a->dv, a->s - k < CUT ? a->s - k : CUT, out, s + k, 1, F(row)(a->v, b, k, g), a->v.row, 1, k > 0);
    j->kern->F1(scale_rows, S)(1, a->dv, out, 0, f);
}

static void F(head)(void *arg, size_t task, size_t worker)
{
    const F(job) *j = arg;
    const gm__attention *a = j->a;
    size_t b = task / a->heads, h = task % a->heads, g = h / (a->heads / a->groups), ld = 0;
    T *scratch = gm__scratch(j->ctx, worker, j->size * sizeof(T)), *s = scratch + j->scores, *f = scratch + j->factor;
    if (a->t == 1) {
        F(one_row)(j, scratch, b, h, g);
        return;
    }
    F(right) keys = F(panels)(j, a->s, a->d, scratch + j->keys, F(row)(a->k, b, 0, g), a->k.row);
    F(right) values = F(straight)(j, a->s, a->dv, scratch + j->values, F(row)(a->v, b, 0, g), a->v.row);
    bool alike = a->mask_stride[2] == 0;
    const T *bias = alike ? F(bias)(j, scratch + j->bias, b, h, 0, 1, a->s, &ld) : NULL;
    for (size_t i = 0; i < a->t; i += j->mr) {
        size_t m = a->t - i < j->mr ? a->t - i : j->mr, n = F(columns)(a, i + m - 1);
        T *out = F(row)(a->out, b, i, h), *lse = a->lse ? (T *)a->lse + (b * a->heads + h) * a->t + i : NULL;
        if (!alike) bias = F(bias)(j, scratch + j->bias, b, h, i, m, n, &ld);
        F(product)(j, m, n, a->d, F(row)(a->q, b, i, h), a->q.row, 1, keys, s, (ptrdiff_t)j->ld, false);
        j->kern->F1(attend, S)(m, n, s, j->ld, (T)a->scale, bias, ld, F(limit)(a, i), a->causal, f, lse);
        F(product)(j, m, a->dv, n, s, (ptrdiff_t)j->ld, 1, values, out, a->out.row, false);
        j->kern->F1(scale_rows, S)(m, a->dv, out, (size_t)a->out.row, f);
    }
}

gm_status F(gm__attention)(gm_ctx *ctx, const gm__attention *a)
{
    F(job) j;
    if (a->batch * a->heads == 0 || a->t == 0) return GM_OK;
    return F(plan)(&j, ctx, a, false) ? F(spread)(&j, a->batch * a->heads, F(head)) : GM_ENOMEM;
}

/* ---- backward ---------------------------------------------------------------------------- */

/* One head's part, rows [i, i + m): weights P and the slope dS of scale q k^T, then gq = dS k, gk += dS^T q, gv += P^T gout. */
typedef struct F(sides) { F(right) keys, values, k, q, g; } F(sides);

static void F(weights)(const F(job) *j, T *scratch, const F(sides) *x, size_t b, size_t h, size_t i, size_t m)
{
    const gm__attention *a = j->a;
    size_t n = F(columns)(a, i + m - 1), ld, at = (b * a->heads + h) * a->t + i;
    T *s = scratch + j->scores, *dp = scratch + j->dp, *delta = scratch + j->factor;
    for (size_t r = 0; r < m; r += j->mr) { /* a strip's columns end where its last row's do */
        size_t mi = m - r < j->mr ? m - r : j->mr, ni = F(columns)(a, i + r + mi - 1);
        F(product)(j, mi, ni, a->d, F(row)(a->q, b, i + r, h), a->q.row, 1, x->keys, s + r * j->ld, (ptrdiff_t)j->ld, false);
        F(product)(j, mi, ni, a->dv, F(row)(a->g_out, b, i + r, h), a->g_out.row, 1, x->values, dp + r * j->ld, (ptrdiff_t)j->ld, false);
    }
    for (size_t r = 0; r < m; r++) delta[r] = j->kern->F1(dot, S)(a->dv, F(row)(a->g_out, b, i + r, h), F(row)(a->out, b, i + r, h));
    const T *bias = F(bias)(j, scratch + j->bias, b, h, i, m, n, &ld);
    j->kern->F1(attend_back, S)(m, n, s, dp, j->ld, (T)a->scale, bias, ld, F(limit)(a, i), a->causal, (const T *)a->lse + at, delta);
}

static void F(block)(const F(job) *j, T *scratch, const F(sides) *x, size_t b, size_t h, size_t i, size_t m)
{
    const gm__attention *a = j->a;
    size_t g = h / (a->heads / a->groups), n = F(columns)(a, i + m - 1);
    T *s = scratch + j->scores, *dp = scratch + j->dp;
    F(weights)(j, scratch, x, b, h, i, m);
    for (size_t r = 0; a->g_q.p && r < m; r += j->mr) {
        size_t mi = m - r < j->mr ? m - r : j->mr;
        F(product)(j, mi, a->d, F(columns)(a, i + r + mi - 1), dp + r * j->ld, (ptrdiff_t)j->ld, 1, x->k, F(row)(a->g_q, b, i + r, h), a->g_q.row, a->add_q);
    }
    for (size_t c = 0; c < n; c += j->mr) {
        size_t mi = n - c < j->mr ? n - c : j->mr, r = 0; /* r: the first row that sees key c */
        while (r < m && F(columns)(a, i + r) <= c) r++;
        F(right) q = x->q, go = x->g;
        q.p += (i + r) * q.ld;
        go.p += (i + r) * go.ld;
        if (a->g_k.p) F(product)(j, mi, a->d, m - r, dp + r * j->ld + c, 1, (ptrdiff_t)j->ld, q, F(row)(a->g_k, b, c, g), a->g_k.row, true);
        if (a->g_v.p) F(product)(j, mi, a->dv, m - r, s + r * j->ld + c, 1, (ptrdiff_t)j->ld, go, F(row)(a->g_v, b, c, g), a->g_v.row, true);
    }
}

static void F(clear)(gm__heads h, size_t b, size_t head, size_t rows, size_t d)
{
    for (size_t i = 0; i < rows; i++) memset(F(row)(h, b, i, head), 0, d * sizeof(T));
}

static void F(group)(void *arg, size_t task, size_t worker)
{
    const F(job) *j = arg;
    const gm__attention *a = j->a;
    size_t b = task / a->groups, g = task % a->groups, each = a->heads / a->groups;
    T *scratch = gm__scratch(j->ctx, worker, j->size * sizeof(T));
    F(sides) x = {.keys = F(panels)(j, a->s, a->d, scratch + j->keys, F(row)(a->k, b, 0, g), a->k.row),
                  .values = F(panels)(j, a->s, a->dv, scratch + j->values, F(row)(a->v, b, 0, g), a->v.row),
                  .k = F(straight)(j, a->s, a->d, scratch + j->k, F(row)(a->k, b, 0, g), a->k.row)};
    if (a->g_k.p && !a->add_k) F(clear)(a->g_k, b, g, a->s, a->d);
    if (a->g_v.p && !a->add_v) F(clear)(a->g_v, b, g, a->s, a->dv);
    for (size_t h = g * each; h < (g + 1) * each; h++) {
        x.q = F(straight)(j, a->t, a->d, scratch + j->q, F(row)(a->q, b, 0, h), a->q.row);
        x.g = F(straight)(j, a->t, a->dv, scratch + j->g, F(row)(a->g_out, b, 0, h), a->g_out.row);
        for (size_t i = 0; i < a->t; i += j->rows) F(block)(j, scratch, &x, b, h, i, a->t - i < j->rows ? a->t - i : j->rows);
    }
}

gm_status F(gm__attention_back)(gm_ctx *ctx, const gm__attention *a)
{
    F(job) j;
    if (a->batch * a->groups == 0) return GM_OK;
    return F(plan)(&j, ctx, a, true) ? F(spread)(&j, a->batch * a->groups, F(group)) : GM_ENOMEM;
}

#undef F
#undef F1
#undef F2
