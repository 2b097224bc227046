/* conv_body.h - the convolution for one element type; conv.c includes it with
 * T and S set and says how it works. */
#define F2(a, b) a##_##b
#define F1(a, b) F2(a, b)
#define F(name) F1(name, S)

/* ---- patches ------------------------------------------------------------------------ */

static void F(copy)(T *dst, const T *src, size_t n)
{
    if (n > 24) memcpy(dst, src, n * sizeof(T));
    else for (size_t i = 0; i < n; i++) dst[i] = src[i];
}
static void F(clear)(T *dst, size_t n)
{
    for (size_t i = 0; i < n; i++) dst[i] = 0;
}

/* One line of a patch: taps along x from column x of a row of the image (NULL: outside) on. */
static void F(patch_line)(const gm__grid *d, T *dst, const T *row, ptrdiff_t x)
{
    const gm__taps *t = &d->taps[1];
    ptrdiff_t w = (ptrdiff_t)d->in[1], n = (ptrdiff_t)t->n;
    size_t cin = d->cin, step = d->in[2];
    if (!row) {
        F(clear)(dst, t->n * cin);
    } else if (t->at_step == 1 && cin == step) { /* one run, clipped at both ends */
        ptrdiff_t lo = x < 0 ? -x : 0, hi = w - x < n ? w - x : n;
        if (lo > n) lo = n;
        if (hi < lo) hi = lo;
        F(clear)(dst, (size_t)lo * cin);
        F(copy)(dst + (size_t)lo * cin, row + (x + lo) * (ptrdiff_t)cin, (size_t)(hi - lo) * cin);
        F(clear)(dst + (size_t)hi * cin, (size_t)(n - hi) * cin);
    } else {
        for (ptrdiff_t i = 0; i < n; i++, x += t->at_step, dst += cin) {
            if (x >= 0 && x < w) F(copy)(dst, row + x * (ptrdiff_t)step, cin);
            else F(clear)(dst, cin);
        }
    }
}

/* The patches of results first .. first+m-1 of a group, lines line .. line+lines-1 of each, rows of ld elements. */
static void F(patches)(const gm__grid *d, T *dst, size_t ld, const T *in, size_t group, size_t first, size_t m, size_t line, size_t lines)
{
    size_t j = first % d->size[1], i = first / d->size[1] % d->size[0], n = first / d->size[1] / d->size[0];
    size_t run = d->taps[1].n * d->cin, row_step = d->in[1] * d->in[2];
    const gm__taps *t = &d->taps[0];
    for (size_t r = 0; r < m; r++, dst += ld) {
        const T *image = in + n * d->in[0] * row_step + group * d->cin;
        for (size_t l = 0; l < lines; l++) {
            ptrdiff_t y = (ptrdiff_t)i * t->step + t->at + (ptrdiff_t)(line + l) * t->at_step;
            bool inside = y >= 0 && y < (ptrdiff_t)d->in[0];
            F(patch_line)(d, dst + l * run, inside ? image + (size_t)y * row_step : NULL, (ptrdiff_t)j * d->taps[1].step + d->taps[1].at);
        }
        if (++j == d->size[1]) {
            j = 0;
            if (++i == d->size[0]) i = 0, n++;
        }
    }
}

/* ---- results from patches and weights ------------------------------------------------- */

typedef struct F(gather) {
    const gm__grid *d;
    gm_ctx *ctx;
    const gm__kern *kern;
    const T *in, *w;
    T *out;
    const gm__conv_end *end;
    size_t mr, nr, k, kc, ld;   /* tile, length of a patch, of a block of it, of its row in scratch */
    size_t m, mc, panels;       /* results, those of a task, panels of weights of a group */
    bool dense;                 /* results follow one another in memory */
    T *packed;                  /* weights: panel p of group g at (g*panels + p)*k*nr */
    size_t own;                 /* elements of a task's scratch */
} F(gather);

/* One panel of weights, in the order of a patch: lines, taps, channels. */
static void F(pack_weights)(void *arg, size_t task, size_t worker)
{
    const F(gather) *p = arg;
    const gm__grid *d = p->d;
    size_t group = task / p->panels, j = task % p->panels * p->nr;
    const T *src = p->w + (ptrdiff_t)group * d->w_group + (ptrdiff_t)j * d->w_out;
    T *dst = p->packed + task * p->k * p->nr;
    GM__UNUSED(worker);
    for (size_t y = 0; y < d->taps[0].n; y++)
        for (size_t x = 0; x < d->taps[1].n; x++, dst += d->cin * p->nr) {
            ptrdiff_t r = d->taps[0].k + (ptrdiff_t)y * d->taps[0].k_step, q = d->taps[1].k + (ptrdiff_t)x * d->taps[1].k_step;
            p->kern->F1(gemm_pack, S)(p->nr, least(p->nr, d->cout - j), d->cin, dst, src + r * d->w_tap[0] + q * d->w_tap[1], d->w_out, d->w_in);
        }
}

/* c [m, cout] = patches times packed weights */
static void F(multiply)(const F(gather) *p, const T *a, size_t group, size_t m, T *c, size_t ldc, bool add)
{
    const gm__grid *d = p->d;
    const T *bias = p->end->bias ? (const T *)p->end->bias + group * d->cout : NULL;
    for (size_t k = 0; k < p->k; k += p->kc) {
        size_t kc = least(p->kc, p->k - k);
        for (size_t j = 0; j < d->cout; j += p->nr) {
            size_t n = least(p->nr, d->cout - j);
            const T *b = p->packed + (group * p->panels * p->nr + j) * p->k + k * p->nr;
            for (size_t i = 0; i < m; i += p->mr) {
                size_t mi = least(p->mr, m - i);
                p->kern->F1(gemm_tile, S)(kc, a + i * p->ld + k, (ptrdiff_t)p->ld, 1, b, (ptrdiff_t)p->nr, c + i * ldc + j, ldc, mi, n, add || k > 0);
                if (k + kc == p->k && (bias || p->end->act))
                    p->kern->F1(gemm_post, S)(mi, n, c + i * ldc + j, ldc, bias ? bias + j : NULL, p->end->act, (T)p->end->slope);
            }
        }
    }
    if (p->k > 0 || add) return;
    for (size_t i = 0; i < m; i++) F(clear)(c + i * ldc, d->cout); /* no tap meets these results */
    if (bias || p->end->act) p->kern->F1(gemm_post, S)(m, d->cout, c, ldc, bias, p->end->act, (T)p->end->slope);
}

/* Rows of c to their places. */
static void F(scatter)(const F(gather) *p, const T *c, size_t group, size_t first, size_t m)
{
    const gm__grid *d = p->d;
    for (size_t r = first; r < first + m; r++, c += d->cout) {
        size_t j = r % d->size[1], i = r / d->size[1] % d->size[0], n = r / d->size[1] / d->size[0];
        size_t pixel = (n * d->out[0] + d->first[0] + i * d->step[0]) * d->out[1] + d->first[1] + j * d->step[1];
        T *to = p->out + pixel * d->out[2] + group * d->cout;
        if (p->end->add) p->kern->F1(binary, S)[GM__B_ADD](d->cout, to, to, c, GM__VV, NULL);
        else F(copy)(to, c, d->cout);
    }
}

static void F(gather_task)(void *arg, size_t task, size_t worker)
{
    const F(gather) *p = arg;
    const gm__grid *d = p->d;
    size_t group = task % d->groups, first = task / d->groups * p->mc, m = least(p->mc, p->m - first);
    T *a = gm__scratch(p->ctx, worker, p->own * sizeof(T)), *c = a + p->mc * p->ld; /* there already */
    F(patches)(d, a, p->ld, p->in, group, first, m, 0, d->taps[0].n);
    if (p->dense) {
        F(multiply)(p, a, group, m, p->out + first * d->out[2] + group * d->cout, d->out[2], p->end->add);
    } else {
        F(multiply)(p, a, group, m, c, d->cout, false);
        F(scatter)(p, c, group, first, m);
    }
}

static gm_status F(run_gather)(gm_ctx *ctx, bool spread, const gm__grid *d, void *out, const void *in, const void *w, const gm__conv_end *end)
{
    F(gather) p = {.d = d, .ctx = ctx, .kern = ctx->kern, .in = in, .w = w, .out = out, .end = end,
                   .mr = ctx->kern->F1(mr, S), .nr = ctx->kern->F1(nr, S), .k = d->taps[0].n * d->taps[1].n * d->cin,
                   .m = d->n * d->size[0] * d->size[1]};
    if (p.m == 0 || d->cout == 0) return GM_OK;
    p.kc = gm__gemm_kblock(p.k);
    p.ld = row_len(p.k, sizeof(T));
    p.panels = divup(d->cout, p.nr);
    p.dense = d->step[0] == 1 && d->step[1] == 1;
    p.mc = least(PATCHES / p.ld / p.mr * p.mr, round_up(divup(p.m * d->groups, TASKS), p.mr));
    p.mc = least(p.mc < p.mr ? p.mr : p.mc, GM__MC);
    p.own = p.mc * (p.ld + (p.dense ? 0 : d->cout));
    size_t shared = d->groups * p.panels * p.nr * p.k;
    for (size_t i = gm__workers(ctx); i-- > 0;) {
        T *own = gm__scratch(ctx, i, (p.own + (i ? 0 : shared)) * sizeof(T));
        if (!own) return gm__fail_ctx(ctx, GM_ENOMEM, "convolution: no memory for scratch");
        p.packed = own + p.own;
    }
    run_tasks(ctx, spread, p.k ? d->groups * p.panels : 0, F(pack_weights), &p);
    run_tasks(ctx, spread, divup(p.m, p.mc) * d->groups, F(gather_task), &p);
    return GM_OK;
}

/* ---- weights from two images ------------------------------------------------------------ */

typedef struct F(weigh) {
    const gm__grid *d;
    gm_ctx *ctx;
    const gm__kern *kern;
    const T *in, *g;            /* the large image, the small one */
    T *w;
    bool add;
    size_t mr, nr, k, run;      /* tile, weights of one output channel, those of one line of taps */
    size_t lines, chunks;       /* lines of taps of a task, and how many tasks they make */
    size_t m, mc, parts;        /* pixels, those of a part of the sum, parts */
    size_t ld, own;             /* of a patch in scratch, of a task's scratch */
    T *part;                    /* [parts, o, k] */
} F(weigh);

/* Adds m pixels to rows 0..cout-1 of the sum. */
static void F(add_pixels)(const F(weigh) *p, T *a, const T *b, const T *g, size_t m, size_t cols, T *c, bool add)
{
    size_t cout = p->d->cout, oc = p->d->out[2];
    if (cout < 4) { /* too few rows for a tile */
        for (size_t i = 0; i < cout; i++)
            p->kern->F1(gemv, S)(cols, m, c + i * p->k, g + i, (ptrdiff_t)oc, b, (ptrdiff_t)p->ld, 1, add);
        return;
    }
    for (size_t i = 0; i < cout; i += p->mr)
        p->kern->F1(gemm_pack, S)(p->mr, least(p->mr, cout - i), m, a + i * m, g + i, 1, (ptrdiff_t)oc);
    for (size_t j = 0; j < cols; j += p->nr)
        for (size_t i = 0; i < cout; i += p->mr)
            p->kern->F1(gemm_tile, S)(m, a + i * m, 1, (ptrdiff_t)p->mr, b + j, (ptrdiff_t)p->ld, c + i * p->k + j, p->k, least(p->mr, cout - i),
                                      least(p->nr, cols - j), add);
}

static void F(weigh_task)(void *arg, size_t task, size_t worker)
{
    const F(weigh) *p = arg;
    const gm__grid *d = p->d;
    size_t chunk = task % p->chunks, group = task / p->chunks % d->groups, part = task / p->chunks / d->groups;
    size_t line = chunk * p->lines, lines = least(p->lines, d->taps[0].n - line);
    size_t first = part * p->mc, last = least(first + p->mc, p->m);
    T *b = gm__scratch(p->ctx, worker, p->own * sizeof(T)), *a = b + PIXELS * p->ld + p->nr; /* there already */
    T *c = p->part + ((part * d->groups + group) * d->cout) * p->k + line * p->run;
    for (size_t i = first; i < last; i += PIXELS) {
        size_t m = least(PIXELS, last - i);
        F(patches)(d, b, p->ld, p->in, group, i, m, line, lines);
        F(add_pixels)(p, a, b, p->g + i * d->out[2] + group * d->cout, m, lines * p->run, c, i > first);
    }
}

/* The parts added up, in the weights' own order of axes. */
static void F(collect_task)(void *arg, size_t o, size_t worker)
{
    const F(weigh) *p = arg;
    size_t taps = p->d->taps[0].n * p->d->taps[1].n, cin = p->d->cin, all = p->d->out[2];
    T *to = p->w + o * p->k;
    GM__UNUSED(worker);
    for (size_t c = 0; c < cin; c++)
        for (size_t t = 0; t < taps; t++, to++) {
            const T *from = p->part + o * p->k + t * cin + c;
            T sum = from[0];
            for (size_t i = 1; i < p->parts; i++) sum += from[i * all * p->k];
            *to = p->add ? *to + sum : sum;
        }
}

static gm_status F(by_weight)(gm_ctx *ctx, bool spread, const gm__grid *d, void *w, const void *in, const void *g, bool add)
{
    F(weigh) p = {.d = d, .ctx = ctx, .kern = ctx->kern, .in = in, .g = g, .w = w, .add = add, .mr = ctx->kern->F1(mr, S),
                  .nr = ctx->kern->F1(nr, S), .run = d->taps[1].n * d->cin, .m = d->n * d->size[0] * d->size[1]};
    p.k = d->taps[0].n * p.run;
    if (p.k == 0 || d->out[2] == 0) return GM_OK;
    if (p.m == 0) {
        if (!add) F(clear)(w, d->out[2] * p.k);
        return GM_OK;
    }
    p.lines = COLS / p.run < 1 ? 1 : least(COLS / p.run, d->taps[0].n);
    p.chunks = divup(d->taps[0].n, p.lines);
    p.parts = divup(TASKS, p.chunks * d->groups);
    p.mc = round_up(divup(p.m, p.parts), PIXELS);
    p.parts = divup(p.m, p.mc);
    p.ld = row_len(p.lines * p.run, sizeof(T));
    p.own = PIXELS * (p.ld + round_up(d->cout, p.mr)) + p.nr;
    p.own = round_up(p.own, 64);
    for (size_t i = gm__workers(ctx); i-- > 0;) {
        T *own = gm__scratch(ctx, i, (p.own + (i ? 0 : p.parts * d->out[2] * p.k)) * sizeof(T));
        if (!own) return gm__fail_ctx(ctx, GM_ENOMEM, "convolution: no memory for scratch");
        p.part = own + p.own;
    }
    run_tasks(ctx, spread, p.chunks * d->groups * p.parts, F(weigh_task), &p);
    run_tasks(ctx, spread, d->out[2], F(collect_task), &p);
    return GM_OK;
}

#undef F
#undef F1
#undef F2
