/* conv_stack.h - results at one place of several images at once, for one element type; follows conv_body.h in conv.c.
 *
 * The rows of a tile are the same pixel of as many images. All of them see the same taps inside their image, so that
 * a tile leaves out those that fall outside, and it is full whatever the width of the image. */

/* Lines y .. y+lines-1 of taps, elements k .. k+kc-1 of each, of panel b, which has columns from j on; t: all of a tile but lines and kc. */
typedef struct F(piece) {
    size_t y, lines, k, kc, j;
    const T *b;
    gm__tile t;
} F(piece);

/* What row i of the results, from c on, gets from a piece; a: rows of the images from `top` on. */
static void F(stack_row)(const F(gather) *p, F(piece) *q, const T *a, size_t top, size_t i, T *c)
{
    const gm__grid *d = p->d;
    const gm__conv_end *e = p->end;
    const gm__taps *ty = &d->taps[0], *tx = &d->taps[1];
    const T *bias = e->bias ? (const T *)e->bias + q->j : NULL;
    ptrdiff_t y = (ptrdiff_t)i * ty->step + ty->at, x = tx->at, w = (ptrdiff_t)d->in[1], nx = (ptrdiff_t)tx->n, cin = (ptrdiff_t)d->cin;
    span all = inside(y, ty->at_step, ty->n, d->in[0]), ys = {most(all.lo, q->y), least(all.hi, q->y + q->lines)};
    bool none = all.lo >= all.hi; /* no tap sees the image: bias alone, with the first piece */
    if (none) ys = all = (span){0, q->y == 0};
    if (ys.lo >= ys.hi) return;
    if (!none) a += ((size_t)(y + (ptrdiff_t)ys.lo * ty->at_step) - top) * d->in[1] * d->cin;
    size_t next = d->step[1] * d->out[2];
    for (size_t j = 0, run; j < d->size[1]; j += run, x += (ptrdiff_t)run * tx->step, c += run * next) {
        size_t lo = (size_t)(x < 0 ? -x * cin : 0), hi = w > x ? (size_t)((w - x < nx ? w - x : nx) * cin) : 0;
        bool blind = none || lo >= hi;
        run = x >= 0 && x + nx <= w ? least(d->size[1] - j, (size_t)((w - nx - x) / tx->step) + 1) : 1; /* pixels that see all taps of a line */
        if (blind) lo = 0, hi = 1;
        size_t k = most(lo, q->k), end = least(hi, q->k + q->kc);
        bool opens = ys.lo == all.lo && k == lo, closes = ys.hi == all.hi && end == hi;
        if (k >= end) continue;
        q->t.segs = blind ? 0 : ys.hi - ys.lo, q->t.kc = end - k, q->t.more = run - 1;
        const T *from = blind ? a : a + (x * cin + (ptrdiff_t)k), *b = q->b + (ys.lo * p->run + k) * p->nr;
        p->kern->F1(conv_tile, S)(&q->t, from, b, c, e->add || !opens, opens ? bias : NULL);
        for (size_t r = 0; closes && e->act && r < run; r++)
            p->kern->F1(gemm_post, S)(q->t.m, q->t.n, c + r * next, q->t.ldc, NULL, e->act, (T)e->slope);
    }
}

static void F(stack_task)(void *arg, size_t task, size_t worker)
{
    const F(gather) *p = arg;
    const gm__grid *d = p->d;
    T *a = gm__scratch(p->ctx, worker, p->own * sizeof(T)); /* there already */
    size_t set = task / p->parts, each = d->n / p->sets, more = d->n % p->sets, n = set * each + least(set, more), m = each + (set < more);
    size_t first = task % p->parts * p->lines, last = least(first + p->lines, d->size[0]), row = d->in[1] * d->cin;
    span seen = image_rows(d, first, last - first);
    for (size_t i = 0; i < m; i++) memcpy(a + i * p->ld, p->in + ((n + i) * d->in[0] + seen.lo) * row, (seen.hi - seen.lo) * row * sizeof(T));
    T *to = p->out + (n * d->out[0] * d->out[1] + d->first[0] * d->out[1] + d->first[1]) * d->out[2];
    size_t group = most(1, GM__KC / p->run);
    const gm__tile t = {.m = m, .ldc = d->out[0] * d->out[1] * d->out[2], .ars = (ptrdiff_t)p->ld, .acs = 1, .astep = d->taps[0].at_step * (ptrdiff_t)row,
                        .ldb = (ptrdiff_t)p->nr, .bstep = (ptrdiff_t)(p->run * p->nr), .anext = d->taps[1].step * (ptrdiff_t)d->cin,
                        .cnext = (ptrdiff_t)(d->step[1] * d->out[2])};
    for (size_t j = 0; j < d->cout; j += p->nr)
        for (size_t l = 0; l < d->taps[0].n; l += group)
            for (size_t k = 0; k < p->run; k += p->piece) {
                F(piece) q = {l, least(group, d->taps[0].n - l), k, least(p->piece, p->run - k), j, p->packed + j * p->k, t};
                q.t.n = least(p->nr, d->cout - j);
                for (size_t i = first; i < last; i++) F(stack_row)(p, &q, a, seen.lo, i, to + i * d->step[0] * d->out[1] * d->out[2] + j);
            }
}
