/* conv_weight.h - weights of a convolution from two images, for one element type; follows conv_body.h in conv.c.
 *
 * Row k of the product is one weight of all output channels: the sum over pixels of what that tap sees times
 * the small image's channels. A task has some lines of taps and a part of the pixels; the parts are added in order.
 * Few output channels have the roles swapped: vectors run along a line of taps. */

typedef struct F(weigh) {
    const gm__grid *d;
    gm_ctx *ctx;
    const gm__kern *kern;
    const T *in, *g;            /* the large image, the small one */
    T *w;
    bool add, few, taps, bands;
    size_t tall, nr, k, run;    /* tile, weights of one output channel, those of one line of taps */
    size_t ks, os;              /* steps of a weight and of an output channel in the sums */
    size_t lines, chunks;       /* lines of taps of a task, and how many tasks they make */
    size_t m, mc, parts;        /* pixels (rows of pixels with bands), those of a part of the sum, parts */
    size_t pixels;              /* of a step */
    size_t blocks;              /* taps: of channels, a tile each */
    bool packed;                /* taps: blocks are copied, not read where they lie */
    band band;
    size_t ld, a_size, own;     /* of a patch, of patches or a band, of a task's scratch */
    T *part;                    /* [parts, groups, k * cout] */
} F(weigh);

/* Adds m pixels to the sums c: what their taps see lies at a + k + pixel*acs, in segs rows astep apart; b: the small image, packed. */
static void F(add_pixels)(const F(weigh) *p, size_t segs, size_t m, const T *a, ptrdiff_t acs, ptrdiff_t astep, const T *b, const T *g, size_t run,
                          T *c, bool add)
{
    size_t cout = p->d->cout, oc = p->d->out[2], rows = divup(run, divup(run, p->tall));
    for (size_t s = 0; p->few && s < segs; s++)
        for (size_t o = 0; o < cout; o++)
            p->kern->F1(gemv, S)(run, m, c + o * p->os, g + s * m * oc + o, (ptrdiff_t)oc, a + (ptrdiff_t)s * astep, acs, 1, add || s);
    gm__tile t = {.segs = segs, .kc = m, .ldc = cout, .ars = 1, .acs = acs, .astep = astep, .ldb = (ptrdiff_t)p->nr, .bstep = (ptrdiff_t)(m * p->nr)};
    for (size_t j = 0; !p->few && j < cout; j += p->nr)
        for (size_t i = 0; i < run; i += rows) {
            t.m = least(rows, run - i), t.n = least(p->nr, cout - j);
            p->kern->F1(conv_tile, S)(&t, a + i, b + j * segs * m, c + i * cout + j, add, NULL);
        }
}

static void F(pack_pixels)(const F(weigh) *p, T *b, const T *g, size_t m)
{
    for (size_t j = 0; !p->few && j < p->d->cout; j += p->nr)
        p->kern->F1(gemm_pack, S)(p->nr, least(p->nr, p->d->cout - j), m, b + j * m, g + j, 1, (ptrdiff_t)p->d->out[2]);
}

static void F(weigh_patches)(const F(weigh) *p, T *a, size_t group, size_t first, size_t last, size_t line, size_t lines, T *c)
{
    const gm__grid *d = p->d;
    for (size_t i = first; i < last; i += p->pixels) {
        size_t m = least(p->pixels, last - i);
        const T *g = p->g + i * d->out[2] + group * d->cout;
        F(patches)(d, a, p->ld, p->in, group, i, m, line, lines);
        F(pack_pixels)(p, a + p->a_size, g, m);
        F(add_pixels)(p, 1, m, a, (ptrdiff_t)p->ld, 0, a + p->a_size, g, lines * p->run, c, i > first);
    }
}

static void F(weigh_bands)(const F(weigh) *p, T *a, size_t first, size_t last, size_t line, size_t lines, T *c)
{
    const gm__grid *d = p->d;
    size_t ow = d->size[1], rows;
    ptrdiff_t step = d->taps[0].step * (ptrdiff_t)p->band.len;
    for (size_t at = first; at < last; at += rows) {
        const T *g = p->g + at * ow * d->out[2];
        rows = least(p->band.rows, least(last - at, d->size[0] - at % d->size[0]));
        const T *seen = F(band_at)(d, &p->band, a, p->in, at / d->size[0], at % d->size[0], rows);
        F(pack_pixels)(p, a + p->a_size, g, rows * ow);
        for (size_t l = line; l < line + lines; l++)
            F(add_pixels)(p, rows, ow, seen + l * (size_t)d->taps[0].at_step * p->band.len, d->taps[1].step * (ptrdiff_t)d->cin, step, a + p->a_size, g,
                          p->run, c + (l - line) * p->run * p->ks, at > first);
    }
}
