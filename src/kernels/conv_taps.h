/* conv_taps.h - weights of a convolution tap by tap, for one element type; follows conv_weight.h in conv.c.
 *
 * The weights of one tap are a product of two images: a tile has a block of the large one's channels by a panel of the small one's,
 * summed over the pixels where the tap is inside. Sums lie tile by tile, those of a tile's taps side by side. */

/* Some rows of the small image, from `first` on, and the rows of the large one that their taps see. */
typedef struct F(pixels) {
    size_t first, rows;
    span seen;
    const T *a, *b; /* channel 0 of the seen; the small image's panels */
    size_t pixel;   /* from one pixel to the next in a, 0: a is packed in blocks */
} F(pixels);

static size_t F(block)(const F(weigh) *p, size_t i) { return i * p->d->cin / p->blocks; }

/* Where the sums of channel c, output channel o lie for tap 0; *step: from one tap to the next. */
static const T *F(tap_sum)(const F(weigh) *p, const T *sums, size_t c, size_t o, size_t *step)
{
    const gm__grid *d = p->d;
    size_t i = c * p->blocks / d->cin, j = o / p->nr * p->nr, n = least(p->nr, d->cout - j), taps = d->taps[0].n * d->taps[1].n;
    if (F(block)(p, i + 1) <= c) i++;
    size_t ch = F(block)(p, i);
    *step = (F(block)(p, i + 1) - ch) * n;
    return sums + taps * (j * d->cin + ch * n) + (c - ch) * n + (o - j);
}

/* Where a tap sees the image: pixel `at` of the large image's rows, `from` of the small one's. */
static view F(view_of)(const F(weigh) *p, const F(pixels) *s, size_t tap)
{
    const gm__grid *d = p->d;
    const gm__taps *t = d->taps;
    ptrdiff_t y = t[0].at + (ptrdiff_t)(tap / t[1].n) * t[0].at_step, x = t[1].at + (ptrdiff_t)(tap % t[1].n) * t[1].at_step;
    span ys = inside(y, t[0].step, s->first + s->rows, d->in[0]), xs = inside(x, t[1].step, d->size[1], d->in[1]);
    ys.lo = most(ys.lo, s->first);
    if (ys.lo >= ys.hi || xs.lo >= xs.hi) return (view){0, 0, 0, 0};
    return (view){ys.hi - ys.lo, xs.hi - xs.lo, ((size_t)(y + (ptrdiff_t)ys.lo * t[0].step) - s->seen.lo) * d->in[1] + (size_t)(x + (ptrdiff_t)xs.lo * t[1].step),
                  (ys.lo - s->first) * d->size[1] + xs.lo};
}

/* The pixels' share of taps first .. first+n-1, n <= VIEWS. */
static void F(weigh_views)(const F(weigh) *p, const F(pixels) *s, size_t first, size_t n, T *sums, bool add)
{
    const gm__grid *d = p->d;
    size_t ow = d->size[1], w = d->in[1], count = (s->seen.hi - s->seen.lo) * w;
    view v[VIEWS];
    for (size_t k = 0; k < n; k++) v[k] = F(view_of)(p, s, first + k);
    for (size_t j = 0; j < d->cout; j += p->nr)
        for (size_t i = 0; i < p->blocks; i++) {
            size_t ch = F(block)(p, i), m = F(block)(p, i + 1) - ch, cols = least(p->nr, d->cout - j), pixel = s->pixel ? s->pixel : m, step;
            const T *a = s->a + (s->pixel ? ch : ch * count), *b = s->b + j * s->rows * ow;
            T *c = sums + (F(tap_sum)(p, sums, ch, j, &step) - sums) + first * step;
            gm__tile t = {.m = m, .n = cols, .ldc = cols, .ars = 1, .acs = d->taps[1].step * (ptrdiff_t)pixel, .ldb = (ptrdiff_t)p->nr,
                          .astep = d->taps[0].step * (ptrdiff_t)(w * pixel), .bstep = (ptrdiff_t)(ow * p->nr)};
            for (size_t k = 0; k < n; k++, c += step) {
                if (v[k].rows == 0 && add) continue; /* else 0 */
                t.segs = v[k].rows, t.kc = v[k].cols;
                p->kern->F1(conv_tile, S)(&t, a + v[k].at * pixel, b + v[k].from * p->nr, c, add, NULL);
            }
        }
}

/* Channels of rows of the large image in blocks, row by row: what is near in memory together. */
static void F(pack_blocks)(const F(weigh) *p, T *a, const T *from, size_t rows)
{
    const gm__grid *d = p->d;
    size_t w = d->in[1];
    for (size_t r = 0; r < rows; r++, from += w * d->in[2])
        for (size_t i = 0; i < p->blocks; i++) {
            size_t ch = F(block)(p, i), m = F(block)(p, i + 1) - ch;
            p->kern->F1(gemm_pack, S)(m, m, w, a + (ch * rows + r * m) * w, from + ch, 1, (ptrdiff_t)d->in[2]);
        }
}

/* Rows first .. last-1 of the small images, taps tap .. tap+taps-1. */
static void F(weigh_taps)(const F(weigh) *p, T *a, size_t group, size_t first, size_t last, size_t tap, size_t taps, T *sums)
{
    const gm__grid *d = p->d;
    T *b = a + p->a_size;
    for (size_t at = first, rows; at < last; at += rows) {
        size_t n = at / d->size[0], row = at % d->size[0];
        rows = least(p->band.rows, least(last - at, d->size[0] - row));
        F(pixels) s = {row, rows, image_rows(d, row, rows), a, b, 0};
        const T *from = p->in + (n * d->in[0] + s.seen.lo) * d->in[1] * d->in[2] + group * d->cin;
        if (p->packed) F(pack_blocks)(p, a, from, s.seen.hi - s.seen.lo);
        else s.a = from, s.pixel = d->in[2];
        F(pack_pixels)(p, b, p->g + at * d->size[1] * d->out[2] + group * d->cout, rows * d->size[1]);
        for (size_t k = 0; k < taps; k += VIEWS) F(weigh_views)(p, &s, tap + k, least(VIEWS, taps - k), sums, at > first);
    }
}
