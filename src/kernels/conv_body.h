/* conv_body.h - results of a convolution from patches and weights, for one element type; conv.c includes it
 * with T and S set and says how it works. Leaves F defined for conv_weight.h. */
#define F2(a, b) a##_##b
#define F1(a, b) F2(a, b)
#define F(name) F1(name, S)

/* ---- parts of an image in scratch ---------------------------------------------------- */

static void F(copy)(T *dst, const T *src, size_t n)
{
    if (n > 24) memcpy(dst, src, n * sizeof(T));
    else for (size_t i = 0; i < n; i++) dst[i] = src[i];
}
static void F(clear)(T *dst, size_t n)
{
    for (size_t i = 0; i < n; i++) dst[i] = 0;
}

/* dst = n pixels of a row (NULL: outside the image) of w pixels of c channels, from column x on, zero outside. */
static void F(run_of)(T *dst, const T *row, ptrdiff_t x, ptrdiff_t n, ptrdiff_t w, size_t c)
{
    ptrdiff_t lo = x < 0 ? -x : 0, hi = w - x < n ? w - x : n;
    if (!row || lo > n) lo = n;
    if (hi < lo) hi = lo;
    F(clear)(dst, (size_t)lo * c);
    if (hi > lo) F(copy)(dst + (size_t)lo * c, row + (x + lo) * (ptrdiff_t)c, (size_t)(hi - lo) * c);
    F(clear)(dst + (size_t)hi * c, (size_t)(n - hi) * c);
}

/* The band of results' rows first .. first+rows-1 of image n: in dst, or in the image. */
static const T *F(band_at)(const gm__grid *d, const band *b, T *dst, const T *in, size_t n, size_t first, size_t rows)
{
    size_t row_size = d->in[1] * d->in[2], count = band_rows(d, rows);
    ptrdiff_t y = (ptrdiff_t)first * d->taps[0].step + d->taps[0].at, h = (ptrdiff_t)d->in[0], x = d->taps[1].at;
    const T *image = in + n * d->in[0] * row_size;
    if (b->bare && y >= 0 && y + (ptrdiff_t)count <= h) return image + (size_t)y * row_size + (size_t)x * d->cin;
    for (size_t i = 0; i < count; i++, y++)
        F(run_of)(dst + i * b->len, y >= 0 && y < h ? image + (size_t)y * row_size : NULL, x, (ptrdiff_t)(b->len / d->cin), (ptrdiff_t)d->in[1], d->cin);
    return dst;
}

/* One line of a patch: taps along x from column x of a row of the image (NULL: outside) on. */
static void F(patch_line)(const gm__grid *d, T *dst, const T *row, ptrdiff_t x)
{
    const gm__taps *t = &d->taps[1];
    ptrdiff_t w = (ptrdiff_t)d->in[1];
    if (t->at_step == 1 && d->groups == 1) {
        F(run_of)(dst, row, x, (ptrdiff_t)t->n, w, d->cin);
        return;
    }
    for (size_t i = 0; i < t->n; i++, x += t->at_step, dst += d->cin) {
        if (row && x >= 0 && x < w) F(copy)(dst, row + (size_t)x * d->in[2], d->cin);
        else F(clear)(dst, d->cin);
    }
}

/* The patches of results first .. first+m-1 of a group, lines line .. line+lines-1 of each, rows of ld elements. */
static void F(patches)(const gm__grid *d, T *dst, size_t ld, const T *in, size_t group, size_t first, size_t m, size_t line, size_t lines)
{
    size_t j = first % d->size[1], i = first / d->size[1] % d->size[0], n = first / d->size[1] / d->size[0];
    size_t run = d->taps[1].n * d->cin, row_size = d->in[1] * d->in[2];
    const gm__taps *t = &d->taps[0];
    for (size_t r = 0; r < m; r++, dst += ld) {
        const T *image = in + n * d->in[0] * row_size + group * d->cin;
        for (size_t l = 0; l < lines; l++) {
            ptrdiff_t y = (ptrdiff_t)i * t->step + t->at + (ptrdiff_t)(line + l) * t->at_step;
            bool inside = y >= 0 && y < (ptrdiff_t)d->in[0];
            F(patch_line)(d, dst + l * run, inside ? image + (size_t)y * row_size : NULL, (ptrdiff_t)j * d->taps[1].step + d->taps[1].at);
        }
        if (++j == d->size[1]) {
            j = 0;
            if (++i == d->size[0]) i = 0, n++;
        }
    }
}

/* ---- results -------------------------------------------------------------------------- */

typedef struct F(gather) {
    const gm__grid *d;
    gm_ctx *ctx;
    const gm__kern *kern;
    const T *in, *w;
    T *out;
    const gm__conv_end *end;
    size_t mr, nr, k, run;      /* tile; length of a patch, of a line of it */
    size_t tall, piece;         /* bands: rows of a tile, elements of a line in one go */
    bool few;                   /* vectors run along the patch: weights packed as [cout, k] */
    bool stack, bands;          /* else patches */
    band band;
    size_t lines;               /* rows of results of a task */
    size_t sets, parts;         /* stacks: sets of images, tasks of a set */
    size_t ld;                  /* from one image of a stack, one patch to the next in scratch */
    size_t kc, m, mc;           /* patches: a block of k, results, those of a task */
    bool dense;                 /* results follow one another in memory */
    size_t panels;              /* of weights of a group */
    T *packed;                  /* panel p of group g at (g*panels + p)*k*nr */
    size_t own;                 /* elements of a task's scratch */
} F(gather);

/* One panel of weights, in the order of a patch: lines, taps, channels. */
static void F(pack_weights)(void *arg, size_t task, size_t worker)
{
    const F(gather) *p = arg;
    const gm__grid *d = p->d;
    size_t group = task / p->panels, j = task % p->panels * p->nr, n = least(p->nr, d->cout - j);
    const T *src = p->w + (ptrdiff_t)group * d->w_group + (ptrdiff_t)j * d->w_out;
    T *dst = p->packed + task * p->k * p->nr;
    GM__UNUSED(worker);
    for (size_t y = 0; y < d->taps[0].n; y++)
        for (size_t x = 0; x < d->taps[1].n; x++) {
            ptrdiff_t r = d->taps[0].k + (ptrdiff_t)y * d->taps[0].k_step, q = d->taps[1].k + (ptrdiff_t)x * d->taps[1].k_step;
            const T *from = src + r * d->w_tap[0] + q * d->w_tap[1];
            if (p->few)
                for (size_t o = 0; o < n; o++)
                    for (size_t c = 0; c < d->cin; c++) dst[o * p->k + c] = from[(ptrdiff_t)o * d->w_out + (ptrdiff_t)c * d->w_in];
            else
                p->kern->F1(gemm_pack, S)(p->nr, n, d->cin, dst, from, d->w_out, d->w_in);
            dst += d->cin * (p->few ? 1 : p->nr);
        }
}

static void F(finish)(const F(gather) *p, T *c, size_t ldc, size_t m, size_t n, size_t channel)
{
    const T *bias = p->end->bias ? (const T *)p->end->bias + channel : NULL;
    if (bias || p->end->act) p->kern->F1(gemm_post, S)(m, n, c, ldc, bias, p->end->act, (T)p->end->slope);
}

/* ---- ... from bands ---- */

/* Rows of results from the band a, all channels of panel j; to: the first of them, out_row elements from one row to the next.
 * Every row takes its share from a piece of the panel before the next piece comes: piece and results stay in the first cache level. */
static void F(tile_rows)(const F(gather) *p, const T *a, size_t rows, size_t j, T *to, size_t out_row, size_t ldc)
{
    const gm__grid *d = p->d;
    size_t n = least(p->nr, d->cout - j), ny = d->taps[0].n, group = most(1, GM__KC / p->run), ow = d->size[1];
    size_t tiles = divup(ow, p->tall), m = divup(ow, tiles), high = ow / m, low = ow % m;
    if (2 * low < m) low = m - 1, high = tiles - (tiles * m - ow); /* rather several a row lower than one that is flat */
    ptrdiff_t ars = d->taps[1].step * (ptrdiff_t)d->cin, line = d->taps[0].at_step * (ptrdiff_t)p->band.len;
    const T *b = p->packed + j * p->k, *bias = p->end->bias ? (const T *)p->end->bias + j : NULL;
    bool add = p->end->add;
    for (size_t y = 0; y < ny; y += group) /* short lines together, or each long one in pieces */
        for (size_t k = 0; k < p->run; k += p->piece, add = true) {
            size_t kc = least(p->piece, p->run - k), segs = least(group, ny - y);
            gm__tile t = {.segs = segs, .kc = kc, .n = n, .ldc = ldc, .ars = ars, .acs = 1, .astep = line, .ldb = (ptrdiff_t)p->nr,
                          .bstep = (ptrdiff_t)(kc * p->nr)};
            bool last = p->end->act && y + group >= ny && k + kc == p->run;
            for (size_t i = 0; i < rows; i++) {
                const T *from = a + (ptrdiff_t)i * d->taps[0].step * (ptrdiff_t)p->band.len + (ptrdiff_t)y * line + (ptrdiff_t)k;
                T *c = to + i * out_row + j;
                t.m = m, t.more = high - 1, t.anext = (ptrdiff_t)m * ars, t.cnext = (ptrdiff_t)(m * ldc);
                p->kern->F1(conv_tile, S)(&t, from, b, c, add, add ? NULL : bias);
                size_t x = high * m;
                if (x < ow) {
                    t.m = low, t.more = (ow - x) / low - 1, t.anext = (ptrdiff_t)low * ars, t.cnext = (ptrdiff_t)(low * ldc);
                    p->kern->F1(conv_tile, S)(&t, from + (ptrdiff_t)x * ars, b, c + x * ldc, add, add ? NULL : bias);
                }
                if (last) p->kern->F1(gemm_post, S)(ow, n, c, ldc, NULL, p->end->act, (T)p->end->slope);
            }
            b += segs * kc * p->nr;
        }
}

/* m results in a row, few channels */
static void F(dot_row)(const F(gather) *p, const T *a, size_t m, T *c, size_t ldc)
{
    const gm__grid *d = p->d;
    const T *bias = p->end->bias;
    ptrdiff_t ars = d->taps[1].step * (ptrdiff_t)d->cin, line = d->taps[0].at_step * (ptrdiff_t)p->band.len;
    size_t step = d->cout == 4 ? 2 : 3;
    for (size_t i = 0; i < m; i += 4)
        for (size_t j = 0; j < d->cout; j += step)
            p->kern->F1(conv_dot, S)(d->taps[0].n, p->run, a + (ptrdiff_t)i * ars, ars, line, p->packed + j * p->k, p->k, c + i * ldc + j, ldc,
                                     least(4, m - i), least(step, d->cout - j), p->end->add);
    for (size_t i = 0; bias && i < m; i++)
        for (size_t j = 0; j < d->cout; j++) c[i * ldc + j] += bias[j];
    if (!p->end->act) return;
    bool flat = ldc == d->cout;
    p->kern->F1(gemm_post, S)(flat ? 1 : m, flat ? m * ldc : d->cout, c, ldc, NULL, p->end->act, (T)p->end->slope);
}

static void F(band_task)(void *arg, size_t task, size_t worker)
{
    const F(gather) *p = arg;
    const gm__grid *d = p->d;
    T *own = gm__scratch(p->ctx, worker, p->own * sizeof(T)); /* there already */
    size_t line = task * p->lines, last = least(line + p->lines, d->n * d->size[0]), rows;
    size_t ldc = d->step[1] * d->out[2], out_row = d->step[0] * d->out[1] * d->out[2], some = most(1, PIXELS / d->size[1]);
    for (; line < last; line += rows) {
        size_t n = line / d->size[0], first = line % d->size[0];
        rows = inner_rows(d, &p->band, first, least(p->band.rows, least(last - line, d->size[0] - first)));
        const T *a = F(band_at)(d, &p->band, own, p->in, n, first, rows);
        T *to = p->out + ((n * d->out[0] + d->first[0] + first * d->step[0]) * d->out[1] + d->first[1]) * d->out[2];
        for (size_t j = 0; !p->few && j < d->cout; j += p->nr)
            for (size_t i = 0; i < rows; i += some)
                F(tile_rows)(p, a + i * (size_t)d->taps[0].step * p->band.len, least(some, rows - i), j, to + i * out_row, out_row, ldc);
        for (size_t i = 0; p->few && i < rows; i++)
            F(dot_row)(p, a + i * (size_t)d->taps[0].step * p->band.len, d->size[1], to + i * out_row, ldc);
    }
}

/* ---- ... from patches ---- */

/* c [m, cout] = patches times packed weights */
static void F(multiply)(const F(gather) *p, const T *a, size_t group, size_t m, T *c, size_t ldc, bool add)
{
    const gm__grid *d = p->d;
    for (size_t k = 0; k < p->k; k += p->kc) {
        size_t kc = least(p->kc, p->k - k);
        for (size_t j = 0; j < d->cout; j += p->nr) {
            size_t n = least(p->nr, d->cout - j);
            const T *b = p->packed + (group * p->panels * p->nr + j) * p->k + k * p->nr;
            for (size_t i = 0; i < m; i += p->mr) {
                size_t mi = least(p->mr, m - i);
                p->kern->F1(gemm_tile, S)(kc, a + i * p->ld + k, (ptrdiff_t)p->ld, 1, b, (ptrdiff_t)p->nr, c + i * ldc + j, ldc, mi, n, add || k > 0);
                if (k + kc == p->k) F(finish)(p, c + i * ldc + j, ldc, mi, n, group * d->cout + j);
            }
        }
    }
    if (p->k > 0 || add) return;
    for (size_t i = 0; i < m; i++) F(clear)(c + i * ldc, d->cout); /* no tap meets these results */
    F(finish)(p, c, ldc, m, d->cout, group * d->cout);
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

static void F(patch_task)(void *arg, size_t task, size_t worker)
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
