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
    bool add, few, bands;
    size_t tall, nr, k, run;    /* tile, weights of one output channel, those of one line of taps */
    size_t ks, os;              /* steps of a weight and of an output channel in the sums */
    size_t lines, chunks;       /* lines of taps of a task, and how many tasks they make */
    size_t m, mc, parts;        /* pixels (rows of pixels with bands), those of a part of the sum, parts */
    size_t pixels;              /* of a step */
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
    for (size_t j = 0; !p->few && j < cout; j += p->nr)
        for (size_t i = 0; i < run; i += rows)
            p->kern->F1(conv_tile, S)(segs, m, a + i, 1, acs, astep, b + j * segs * m, (ptrdiff_t)p->nr, c + i * cout + j, cout, least(rows, run - i),
                                      least(p->nr, cout - j), add, NULL);
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
        F(fill_band)(d, &p->band, a, p->in, at / d->size[0], at % d->size[0], rows);
        F(pack_pixels)(p, a + p->a_size, g, rows * ow);
        for (size_t l = line; l < line + lines; l++)
            F(add_pixels)(p, rows, ow, a + l * (size_t)d->taps[0].at_step * p->band.len, d->taps[1].step * (ptrdiff_t)d->cin, step, a + p->a_size, g,
                          p->run, c + (l - line) * p->run * p->ks, at > first);
    }
}

static void F(weigh_task)(void *arg, size_t task, size_t worker)
{
    const F(weigh) *p = arg;
    const gm__grid *d = p->d;
    size_t chunk = task % p->chunks, group = task / p->chunks % d->groups, part = task / p->chunks / d->groups;
    size_t line = chunk * p->lines, lines = least(p->lines, d->taps[0].n - line), first = part * p->mc, last = least(first + p->mc, p->m);
    T *a = gm__scratch(p->ctx, worker, p->own * sizeof(T)); /* there already */
    T *c = p->part + (part * d->groups + group) * d->cout * p->k + line * p->run * p->ks;
    if (p->bands) F(weigh_bands)(p, a, first, last, line, lines, c);
    else F(weigh_patches)(p, a, group, first, last, line, lines, c);
}

/* A stretch of the sums, the parts added to the first in order. */
static void F(add_parts)(void *arg, size_t task, size_t worker)
{
    const F(weigh) *p = arg;
    size_t all = p->d->out[2] * p->k, first = task * STRETCH, n = least(STRETCH, all - first);
    GM__UNUSED(worker);
    for (size_t i = 1; i < p->parts; i++)
        p->kern->F1(binary, S)[GM__B_ADD](n, p->part + first, p->part + first, p->part + i * all + first, GM__VV, NULL);
}

/* The sums in the weights' own order of axes. */
static void F(collect_task)(void *arg, size_t o, size_t worker)
{
    const F(weigh) *p = arg;
    const gm__grid *d = p->d;
    size_t taps = d->taps[0].n * d->taps[1].n;
    const T *from = p->part + o / d->cout * d->cout * p->k + o % d->cout * p->os;
    T *to = p->w + o * p->k;
    GM__UNUSED(worker);
    for (size_t c = 0; c < d->cin; c++)
        for (size_t t = 0; t < taps; t++, to++) {
            T sum = from[(t * d->cin + c) * p->ks];
            *to = p->add ? *to + sum : sum;
        }
}

static void F(plan_weigh)(F(weigh) *p)
{
    const gm__grid *d = p->d;
    size_t ow = d->size[1], all = d->n * d->size[0] * ow;
    p->few = d->cout < FEW;
    p->ks = p->few ? 1 : d->cout;
    p->os = p->few ? p->k : 1;
    p->lines = least(most(COLS / p->run, 1), d->taps[0].n);
    p->chunks = divup(d->taps[0].n, p->lines);
    if (dense_taps(d) && ow >= 7 && d->size[0] * ow >= 48) {
        p->band = band_of(d, least(d->size[0], most(1, PIXELS / ow)));
        p->bands = true;
    }
    size_t unit = p->bands ? p->band.rows : PIXELS;
    p->pixels = p->bands ? unit * ow : unit;
    p->m = p->bands ? d->n * d->size[0] : all;
    p->parts = divup(TASKS, p->chunks * d->groups);
    p->mc = round_up(divup(p->m, p->parts), unit);
    p->parts = divup(p->m, p->mc);
    p->ld = row_len(p->lines * p->run, sizeof(T));
    p->a_size = round_up(p->bands ? p->band.size : p->pixels * p->ld, 64);
    p->own = p->a_size + round_up(p->pixels * round_up(d->cout, p->nr), 64);
}

static gm_status F(by_weight)(gm_ctx *ctx, bool spread, const gm__grid *d, void *w, const void *in, const void *g, bool add)
{
    F(weigh) p = {.d = d, .ctx = ctx, .kern = ctx->kern, .in = in, .g = g, .w = w, .add = add,
                  .tall = d->cout <= ctx->kern->F1(nr, S) / 2 ? ctx->kern->F1(tall, S) : ctx->kern->F1(mr, S),
                  .nr = ctx->kern->F1(nr, S), .run = d->taps[1].n * d->cin};
    p.k = d->taps[0].n * p.run;
    if (p.k == 0 || d->out[2] == 0) return GM_OK;
    if (d->n * d->size[0] * d->size[1] == 0) {
        if (!add) F(clear)(w, d->out[2] * p.k);
        return GM_OK;
    }
    F(plan_weigh)(&p);
    for (size_t i = gm__workers(ctx); i-- > 0;) {
        T *own = gm__scratch(ctx, i, (p.own + (i ? 0 : p.parts * d->out[2] * p.k)) * sizeof(T));
        if (!own) return gm__fail_ctx(ctx, GM_ENOMEM, "convolution: no memory for scratch");
        p.part = own + p.own;
    }
    run_tasks(ctx, spread, p.chunks * d->groups * p.parts, F(weigh_task), &p);
    run_tasks(ctx, spread, p.parts > 1 ? divup(d->out[2] * p.k, STRETCH) : 0, F(add_parts), &p);
    run_tasks(ctx, spread, d->out[2], F(collect_task), &p);
    return GM_OK;
}

#undef F
#undef F1
#undef F2
