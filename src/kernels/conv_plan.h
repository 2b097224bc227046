/* conv_plan.h - which way results and weights are computed, and their tasks, for one element type; the last of conv.c's typed files. */

/* ---- results ---------------------------------------------------------------------------- */

/* Sets of images that are a tile each, if they fit scratch, make tasks enough and less work than tiles along a row. */
static bool F(plan_stack)(F(gather) *p)
{
    const gm__grid *d = p->d;
    size_t ow = d->size[1];
    p->sets = divup(d->n, p->tall);
    p->ld = row_len(d->in[0] * d->in[1] * d->cin, sizeof(T));
    p->own = round_up(divup(d->n, p->sets) * p->ld, 64);
    p->lines = divup(d->size[0], least(d->size[0], divup(4 * TASKS, p->sets)));
    p->parts = divup(d->size[0], p->lines);
    double cost = kept(d) * (double)(p->sets * p->tall) / (double)d->n, along = (double)(divup(ow, p->mr) * p->mr) / (double)ow;
    return p->stack = p->own <= SCRATCH && p->sets * p->parts >= TASKS / 2 && cost < along;
}

/* Bands need rows of results that fill tiles and weights that are not read too often; patches cost what few columns do not repay. */
static void F(plan_gather)(F(gather) *p)
{
    const gm__grid *d = p->d;
    size_t lines = d->n * d->size[0], ow = d->size[1];
    p->k = d->taps[0].n * d->taps[1].n * d->cin;
    p->run = d->taps[1].n * d->cin;
    p->panels = divup(d->cout, p->nr);
    p->piece = gm__gemm_kblock(p->run);
    p->tall = d->cout <= p->nr / 2 ? p->kern->F1(tall, S) : p->mr;
    if (p->k && dense_taps(d)) {
        p->few = d->cout <= FEW;
        if (!p->few && F(plan_stack)(p)) return;
        p->lines = divup(lines, TASKS);
        p->band = band_of(d, least(p->lines, d->size[0]));
        bool filled = 6 * ow >= 5 * divup(ow, p->mr) * p->mr || d->cout <= 2 * p->nr;
        p->bands = p->few || (filled && (p->band.rows * ow >= 48 || p->k * d->cout <= 8192));
    }
    if (p->bands) {
        p->own = round_up(p->band.size, 64);
        return;
    }
    p->m = lines * ow;
    p->kc = gm__gemm_kblock(p->k);
    p->ld = row_len(p->k, sizeof(T));
    p->dense = d->step[0] == 1 && d->step[1] == 1;
    p->mc = least(SCRATCH / p->ld / p->mr * p->mr, round_up(divup(p->m * d->groups, TASKS), p->mr));
    p->mc = least(most(p->mc, p->mr), GM__MC);
    p->own = round_up(p->mc * (p->ld + (p->dense ? 0 : d->cout)), 64);
}

static gm_status F(run_gather)(gm_ctx *ctx, bool spread, const gm__grid *d, void *out, const void *in, const void *w, const gm__conv_end *end)
{
    F(gather) p = {.d = d, .ctx = ctx, .kern = ctx->kern, .in = in, .w = w, .out = out, .end = end, .mr = ctx->kern->F1(mr, S), .nr = ctx->kern->F1(nr, S)};
    if (d->n * d->size[0] * d->size[1] == 0 || d->cout == 0) return GM_OK;
    F(plan_gather)(&p);
    size_t shared = d->groups * p.panels * p.nr * p.k;
    for (size_t i = gm__workers(ctx); i-- > 0;) {
        T *own = gm__scratch(ctx, i, (p.own + (i ? 0 : shared)) * sizeof(T));
        if (!own) return gm__fail_ctx(ctx, GM_ENOMEM, "convolution: no memory for scratch");
        p.packed = own + p.own;
    }
    run_tasks(ctx, spread && shared > WAKE, p.k ? d->groups * p.panels : 0, F(pack_weights), &p);
    if (p.stack) run_tasks(ctx, spread, p.sets * p.parts, F(stack_task), &p);
    else if (p.bands) run_tasks(ctx, spread, divup(d->n * d->size[0], p.lines), F(band_task), &p);
    else run_tasks(ctx, spread, divup(p.m, p.mc) * d->groups, F(patch_task), &p);
    return GM_OK;
}

/* ---- weights ---------------------------------------------------------------------------- */

static void F(weigh_task)(void *arg, size_t task, size_t worker)
{
    const F(weigh) *p = arg;
    const gm__grid *d = p->d;
    size_t chunk = task % p->chunks, group = task / p->chunks % d->groups, part = task / p->chunks / d->groups;
    size_t line = chunk * p->lines, lines = least(p->lines, d->taps[0].n - line), first = part * p->mc, last = least(first + p->mc, p->m);
    T *a = gm__scratch(p->ctx, worker, p->own * sizeof(T)); /* there already */
    T *c = p->part + (part * d->groups + group) * d->cout * p->k;
    if (p->taps) {
        F(weigh_taps)(p, a, group, first, last, line * d->taps[1].n, lines * d->taps[1].n, c);
        return;
    }
    c += line * p->run * p->ks;
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
    const T *part = p->part + o / d->cout * d->cout * p->k;
    T *to = p->w + o * p->k;
    GM__UNUSED(worker);
    for (size_t c = 0; c < d->cin; c++) {
        size_t step = d->cin * p->ks;
        const T *from = p->taps ? F(tap_sum)(p, part, c, o % d->cout, &step) : part + o % d->cout * p->os + c * p->ks;
        for (size_t t = 0; t < taps; t++, to++, from += step) *to = p->add ? *to + *from : *from;
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
    if (!p->few && d->cin >= SEVERAL && ow >= 7 && d->size[0] * ow >= 48) {
        p->taps = p->bands = true;
        p->band.rows = divup(d->size[0], divup(d->size[0], most(1, MANY / ow)));
        p->blocks = divup(d->cin, p->tall);
        p->packed = d->in[2] * sizeof(T) > 64;
        p->band.size = p->packed ? least(band_rows(d, p->band.rows), d->in[0]) * d->in[1] * d->cin : 0;
    } else if (dense_taps(d) && ow >= 7 && d->size[0] * ow >= 48) {
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
    run_tasks(ctx, spread && p.parts * d->out[2] * p.k > WAKE, p.parts > 1 ? divup(d->out[2] * p.k, STRETCH) : 0, F(add_parts), &p);
    run_tasks(ctx, spread && d->out[2] * p.k > WAKE, d->out[2], F(collect_task), &p);
    return GM_OK;
}

#undef F
#undef F1
#undef F2
