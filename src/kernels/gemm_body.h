/* gemm_body.h - the packed product for one element type; gemm.c includes it
 * with T and S set and says how it works. */
#define F2(a, b) a##_##b
#define F1(a, b) F2(a, b)
#define F(name) F1(name, S)

typedef struct F(plan) {
    gm_ctx *ctx;
    const gm__kern *kern;
    const gm__gemm *g;
    size_t mr, nr, kc;
    size_t mc, rows;      /* rows of a block; blocks */
    size_t col, cols;     /* the columns of this pass: first, count */
    size_t group, groups; /* panels of a column group; groups */
    bool thin;            /* one row: no tiles, no packing */
    bool turned;          /* g is the transposed product, its tiles are turned on their way to C */
    gm__gemm other;       /* then it lies here */
    bool pack_a;
    bool shared_b;        /* B is packed once for all tasks, else by each for itself */
    bool direct_b;        /* full panels of B are read where they lie */
    T *b;                 /* shared packed B: panel p at p*k*nr */
    size_t a_size, size;  /* elements: packed A, a worker's whole scratch */
} F(plan);

/* A worker's scratch: which block of A it holds (+ 1), A, one panel of B. */
typedef struct F(bench) {
    size_t held;
    _Alignas(64) T a[];
} F(bench);

static inline size_t F(divup)(size_t a, size_t b) { return (a + b - 1) / b; }

/* Where element (i,k) of A and (k,j) of B lie. */
static inline const T *F(at_a)(const gm__gemm *g, size_t i, size_t k)
{
    return (const T *)g->a + (ptrdiff_t)i * g->ars + (ptrdiff_t)k * g->acs;
}
static inline const T *F(at_b)(const gm__gemm *g, size_t k, size_t j)
{
    return (const T *)g->b + (ptrdiff_t)k * g->brs + (ptrdiff_t)j * g->bcs;
}

/* x W^T of few rows as (W x^T)^T: W is read where it lies, row by row, and x is packed. The chains are the same. */
static bool F(turns)(const gm__gemm *g)
{
    return g->brs == 1 && g->bcs != 1 && !g->add && g->m > 1 && g->n > 1 && g->k >= 2 * g->m;
}

static gm__gemm F(other)(const gm__gemm *g)
{
    return (gm__gemm){ .m = g->n, .n = g->m, .k = g->k, .a = g->b, .ars = g->bcs, .acs = g->brs, .b = g->a, .brs = g->acs, .bcs = g->ars,
                       .c = g->c, .ldc = g->ldc, .bias = g->bias, .act = g->act, .slope = g->slope };
}

static void F(shape_plan)(F(plan) *p, gm_ctx *ctx, const gm__gemm *g)
{
    const gm__kern *kern = ctx->kern;
    *p = (F(plan)){ .ctx = ctx, .kern = kern, .g = g, .mr = kern->F1(mr, S), .nr = kern->F1(nr, S), .kc = gm__gemm_kblock(g->k) };
    if (F(turns)(g)) {
        p->turned = true;
        p->other = F(other)(g);
        p->g = g = &p->other;
        if (g->n <= p->nr / 2) p->mr = kern->F1(tall, S);
    }
    const size_t wide = F(divup)(g->n, p->nr) * p->nr; /* of a turned block, which lies in the second cache meanwhile */
    size_t most = p->turned ? GM__TURN / wide / p->mr * p->mr : GM__A_PACK / g->k / p->mr * p->mr;
    if (most > GM__MC) most = GM__MC;
    if (most < p->mr) most = p->mr;
    p->rows = F(divup)(g->m, most);
    p->mc = F(divup)(F(divup)(g->m, p->rows), p->mr) * p->mr;
    p->rows = F(divup)(g->m, p->mc);
    p->thin = g->m == 1 && (g->brs == 1 || g->bcs == 1);
    p->pack_a = !p->thin && !p->turned && g->n > 2 * p->nr && (g->acs != 1 || p->mr > GM__A_ROWS);
    p->shared_b = p->rows > 1;
    p->direct_b = !p->shared_b && g->bcs == 1 && (g->m <= 64 || g->n * g->k <= GM__B_SMALL);
    p->a_size = p->pack_a ? p->mc * g->k : 0;
    p->size = p->a_size + (p->shared_b || p->thin ? 0 : p->kc * p->nr) + (p->turned ? p->mc * wide : 0);
}

/* A worker's scratch with room for `more` elements after its own. */
static F(bench) *F(bench_of)(const F(plan) *p, size_t worker, size_t more)
{
    return gm__scratch(p->ctx, worker, sizeof(F(bench)) + (p->size + more) * sizeof(T));
}

/* columns of B packed at once */
static size_t F(shared_cols)(const F(plan) *p)
{
    if (!p->shared_b) return F(divup)(p->g->n, p->nr) * p->nr;
    size_t panels = GM__B_PACK / p->g->k / p->nr, all = F(divup)(p->g->n, p->nr);
    if (panels < 1) panels = 1;
    return (panels < all ? panels : all) * p->nr;
}

/* Packs panel `panel` of this pass, all of k. */
static void F(pack_b_task)(void *arg, size_t panel, size_t worker)
{
    const F(plan) *p = arg;
    const gm__gemm *g = p->g;
    size_t j = panel * p->nr, n = p->cols - j < p->nr ? p->cols - j : p->nr;
    GM__UNUSED(worker);
    p->kern->F1(gemm_pack, S)(p->nr, n, g->k, p->b + panel * g->k * p->nr, F(at_b)(g, 0, p->col + j), g->bcs, g->brs);
}

/* Packed A: block of k after block of k, in each panel after panel. Where A lies
 * column by column a few columns go to all panels in turn, so that lines of
 * memory are used up while they are near. */
static void F(pack_a)(const F(plan) *p, T *dst, size_t row, size_t m)
{
    const gm__gemm *g = p->g;
    for (size_t k = 0; k < g->k; k += p->kc) {
        size_t kc = g->k - k < p->kc ? g->k - k : p->kc;
        size_t step = g->ars == 1 && g->acs != 1 ? GM__A_STEP : kc;
        for (size_t q = 0; q < kc; q += step)
            for (size_t i = 0; i < m; i += p->mr)
                p->kern->F1(gemm_pack, S)(p->mr, m - i < p->mr ? m - i : p->mr, kc - q < step ? kc - q : step,
                                          dst + i * kc + q * p->mr, F(at_a)(g, row + i, k + q), g->ars, g->acs);
        dst += F(divup)(m, p->mr) * p->mr * kc;
    }
}

/* The columns first..last of a product of one row. */
static void F(thin)(const F(plan) *p, size_t first, size_t last)
{
    const gm__gemm *g = p->g;
    T *c = (T *)g->c + p->col + first;
    for (size_t k = 0; k < g->k; k += p->kc)
        p->kern->F1(gemv, S)(last - first, g->k - k < p->kc ? g->k - k : p->kc, c, F(at_a)(g, 0, k), g->acs,
                             F(at_b)(g, k, p->col + first), g->brs, g->bcs, g->add || k > 0);
    const T *bias = g->bias ? (const T *)g->bias + p->col + first : NULL;
    if (bias || g->act) p->kern->F1(gemm_post, S)(1, last - first, c, last - first, bias, g->act, (T)g->slope);
}

/* Share `part` of `parts` of what m rows of A, from row on, have in the block of k after this one (past the last block: in the first block
 * of the rows of the next task) is fetched to the second cache. */
static void F(fetch_a)(const F(plan) *p, size_t row, size_t m, size_t k, size_t part, size_t parts)
{
    const gm__gemm *g = p->g;
    k += p->kc;
    if (k >= g->k) k = 0, row += p->mc;
    const size_t kc = g->k - k < p->kc ? g->k - k : p->kc, line = 64 / sizeof(T), share = F(divup)(F(divup)(kc, line), parts) * line;
    const size_t from = part * share, end = from + share < kc ? from + share : kc;
    for (size_t i = row; i < row + m && i < g->m; i++)
        for (size_t q = from; q < end; q += line) __builtin_prefetch(F(at_a)(g, i, k + q), 0, 2);
}

/* One block of rows by one group of panels, through all of k. */
static void F(tile_task)(void *arg, size_t task, size_t worker)
{
    const F(plan) *p = arg;
    const gm__gemm *g = p->g;
    const gm__kern *kern = p->kern;
    size_t block = task / p->groups, row = block * p->mc, m = g->m - row < p->mc ? g->m - row : p->mc;
    size_t first = task % p->groups * p->group * p->nr, last = first + p->group * p->nr;
    if (last > p->cols) last = p->cols;
    if (p->thin) {
        F(thin)(p, first, last);
        return;
    }
    F(bench) *bench = F(bench_of)(p, worker, 0); /* there already: the caller saw to it */
    T *a = bench->a, *own = a + p->a_size, *tile = own + (p->shared_b ? 0 : p->kc * p->nr); /* of a turned product */
    const size_t ldt = F(divup)(last - first, p->nr) * p->nr;
    if (p->pack_a && bench->held != block + 1) {
        F(pack_a)(p, a, row, m);
        bench->held = block + 1;
    }
    size_t padded = F(divup)(m, p->mr) * p->mr;
    for (size_t k = 0; k < g->k; k += p->kc) {
        size_t kc = g->k - k < p->kc ? g->k - k : p->kc;
        for (size_t j = first; j < last; j += p->nr) {
            size_t n = last - j < p->nr ? last - j : p->nr;
            const T *b = p->b + j * g->k + k * p->nr;
            ptrdiff_t ldb = (ptrdiff_t)p->nr;
            if (p->direct_b && n % (p->nr / 2) == 0) {
                b = F(at_b)(g, k, p->col + j);
                ldb = g->brs;
            } else if (!p->shared_b) {
                kern->F1(gemm_pack, S)(p->nr, n, kc, own, F(at_b)(g, k, p->col + j), g->bcs, g->brs);
                b = own;
            }
            T *c = p->turned ? tile + (j - first) : (T *)g->c + row * g->ldc + p->col + j;
            const size_t ldc = p->turned ? ldt : g->ldc;
            const T *bias = g->bias ? (const T *)g->bias + p->col + j : NULL;
            const char *ahead = (const char *)(b + (j + p->nr < last ? g->k : 0) * p->nr);
            size_t slice = kc * p->nr * sizeof(T) / (padded / p->mr);
            for (size_t i = 0; i < m; i += p->mr) {
                if (p->shared_b)
                    for (size_t q = 0; q < slice; q += 64) __builtin_prefetch(ahead + q, 0, 2);
                ahead += slice;
                size_t mi = m - i < p->mr ? m - i : p->mr;
                if (p->turned) F(fetch_a)(p, row + i, mi, k, (j - first) / p->nr, F(divup)(last - first, p->nr));
                if (p->pack_a)
                    kern->F1(gemm_tile, S)(kc, a + padded * k + i * kc, 1, (ptrdiff_t)p->mr, b, ldb, c + i * ldc, ldc, mi, n, g->add || k > 0);
                else
                    kern->F1(gemm_tile, S)(kc, F(at_a)(g, row + i, k), g->ars, g->acs, b, ldb, c + i * ldc, ldc, mi, n, g->add || k > 0);
                if (!p->turned && k + kc == g->k && (bias || g->act)) kern->F1(gemm_post, S)(mi, n, c + i * ldc, ldc, bias, g->act, (T)g->slope);
            }
        }
    }
    if (p->turned) {
        T *c = (T *)g->c + (p->col + first) * g->ldc + row;
        const T *bias = g->bias ? (const T *)g->bias + row : NULL;
        kern->F1(gemm_turn, S)(m, last - first, c, g->ldc, tile, ldt);
        if (bias || g->act) kern->F1(gemm_post, S)(last - first, m, c, g->ldc, bias, g->act, (T)g->slope);
    }
}

/* k = 0: the empty sum */
static void F(empty)(const gm__kern *kern, const gm__gemm *g)
{
    if (g->add) return;
    for (size_t i = 0; i < g->m; i++) {
        T *c = (T *)g->c + i * g->ldc;
        kern->F1(unary, S)[GM__U_FILL](g->n, c, NULL, (const T[2]){ 0, 0 });
        kern->F1(gemm_post, S)(1, g->n, c, g->ldc, g->bias, g->act, (T)g->slope);
    }
}

/* bytes of scratch of a product that runs on one worker */
static size_t F(gemm_scratch)(gm_ctx *ctx, const gm__gemm *g)
{
    F(plan) p;
    if (!g->m || !g->n || !g->k) return 0;
    if (g->n == 1 && (g->ars == 1 || g->acs == 1)) return g->m * sizeof(T);
    F(shape_plan)(&p, ctx, g);
    return sizeof(F(bench)) + (p.size + (p.shared_b ? F(shared_cols)(&p) * g->k : 0)) * sizeof(T);
}

/* One column: as C' = B' A', a product of one row. */
static gm_status F(one_column)(gm_ctx *ctx, const gm__gemm *g, size_t worker)
{
    T *t = gm__scratch(ctx, worker, g->m * sizeof(T)), *c = g->c;
    size_t kc = gm__gemm_kblock(g->k);
    if (!t) return GM_ENOMEM;
    if (g->add)
        for (size_t i = 0; i < g->m; i++) t[i] = c[i * g->ldc];
    for (size_t k = 0; k < g->k; k += kc)
        ctx->kern->F1(gemv, S)(g->m, g->k - k < kc ? g->k - k : kc, t, F(at_b)(g, k, 0), g->brs, F(at_a)(g, 0, k), g->acs, g->ars,
                               g->add || k > 0);
    if (g->bias) ctx->kern->F1(binary, S)[GM__B_ADD](g->m, t, t, g->bias, GM__VS, NULL);
    ctx->kern->F1(gemm_post, S)(1, g->m, t, g->m, NULL, g->act, (T)g->slope);
    for (size_t i = 0; i < g->m; i++) c[i * g->ldc] = t[i];
    return GM_OK;
}

/* The whole product on one worker. */
static gm_status F(gemm_on)(gm_ctx *ctx, const gm__gemm *g, size_t worker)
{
    F(plan) p;
    if (!g->m || !g->n) return GM_OK;
    if (!g->k) return F(empty)(ctx->kern, g), GM_OK;
    if (g->n == 1 && (g->ars == 1 || g->acs == 1)) return F(one_column)(ctx, g, worker);
    F(shape_plan)(&p, ctx, g);
    g = p.g;
    size_t chunk = F(shared_cols)(&p);
    F(bench) *bench = F(bench_of)(&p, worker, p.shared_b ? chunk * g->k : 0);
    if (!bench) return GM_ENOMEM;
    bench->held = 0;
    p.b = bench->a + p.size;
    for (p.col = 0; p.col < g->n; p.col += chunk) {
        p.cols = g->n - p.col < chunk ? g->n - p.col : chunk;
        p.group = F(divup)(p.cols, p.nr);
        p.groups = 1;
        if (p.shared_b)
            for (size_t i = 0; i < p.group; i++) F(pack_b_task)(&p, i, worker);
        for (size_t i = 0; i < p.rows; i++) F(tile_task)(&p, i, worker);
    }
    return GM_OK;
}

gm_status F(gm__gemm)(gm_ctx *ctx, const gm__gemm *g)
{
    double work = (double)g->m * (double)g->n * (double)g->k;
    size_t workers = gm__workers(ctx);
    if (g->m && g->n && g->k && gm__blas_gemm(ctx, sizeof(T) == sizeof(double), g)) return GM_OK;
    if (workers < 2 || work < GM__GEMM_SMALL || g->n == 1) return F(gemm_on)(ctx, g, 0);

    F(plan) p;
    F(shape_plan)(&p, ctx, g);
    g = p.g;
    size_t chunk = F(shared_cols)(&p);
    for (size_t w = workers; w-- > 0;) {
        F(bench) *bench = F(bench_of)(&p, w, p.shared_b && !w ? chunk * g->k : 0);
        if (!bench) return GM_ENOMEM;
        bench->held = 0;
        p.b = bench->a + p.size; /* in the end worker 0's */
    }
    for (p.col = 0; p.col < g->n; p.col += chunk) {
        p.cols = g->n - p.col < chunk ? g->n - p.col : chunk;
        size_t panels = F(divup)(p.cols, p.nr);
        double want = work * ((double)p.cols / (double)g->n) / GM__GEMM_TASK;
        size_t split = want > GM__TASKS ? GM__TASKS : (size_t)want;
        split = F(divup)(split, p.rows);
        p.group = F(divup)(panels, split ? split : 1);
        p.groups = F(divup)(panels, p.group);
        if (p.shared_b) gm__parallel(ctx, panels, F(pack_b_task), &p);
        gm__parallel(ctx, p.rows * p.groups, F(tile_task), &p);
    }
    return GM_OK;
}

#undef F
#undef F1
#undef F2
