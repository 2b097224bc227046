/* batches.c - batches over a data set: order, augmentation, scaling, binarisation, position. */
#include "data/batches.h"
#include <string.h>

static const gm__opt rows[] = {
    { "batch", GM__O_INT, offsetof(gm__batches_config, batch), "128", 1, 1 << 24, NULL, "rows in a batch" },
    { "shuffle", GM__O_FLAG, offsetof(gm__batches_config, shuffle), "on", 0, 0, NULL, "a new order every epoch" },
    { "seed", GM__O_U64, offsetof(gm__batches_config, seed), "0", 0, 18446744073709551615.0, NULL, "seed of the order, augmentation and dynamic binarisation" },
    { "drop-last", GM__O_FLAG, offsetof(gm__batches_config, drop_last), "off", 0, 0, NULL, "leave out an epoch's last batch if it is not full" },
    { "prefetch", GM__O_FLAG, offsetof(gm__batches_config, prefetch), "on", 0, 0, NULL, "prepare the next batch in a thread of its own" },
    { "binarize", GM__O_CHOICE, offsetof(gm__batches_config, binarize), "none", 0, 0, "none|dynamic|threshold",
      "make x 0 or 1: drawn anew with probability x each time it is seen, or x > 0.5" },
    { "scale", GM__O_CHOICE, offsetof(gm__batches_config, scale), "none", 0, 0, "none|unit|standard",
      "scale x: to [0,1] by the smallest and largest number of the data, or each feature to mean 0 and deviation 1" },
    { "augment", GM__O_TEXT, offsetof(gm__batches_config, augment), NULL, 0, 0, NULL, "change pictures at random: flip,shift=2,noise=0.1 .." },
};
static const gm__opts table = { "batches", rows, GM__COUNT(rows) };

/* Blocks of a row's stream (seed, DATA, epoch, row) from here on binarise; the ones before are the trainer's, those
 * from 3 * 2^30 on augment (augment.c). */
static const uint32_t BINARIZE_BLOCK = (uint32_t)1 << 31;

/* ---- making ----------------------------------------------------------------------- */

static void slot_free(gm_batches *b, gm__slot *s)
{
    for (int32_t i = 0; i < b->n_columns; i++) {
        if (s->last) gm_tensor_free(s->last[i]); /* lies in full's memory */
        if (s->full) gm_tensor_free(s->full[i]);
    }
    gm__free(b->ctx, s->last);
    gm__free(b->ctx, s->full);
    gm__free(b->ctx, s->rows);
    gm__free(b->ctx, s->origin);
    gm__free(b->ctx, s->work);
    gm__free(b->ctx, s->raw);
}

static void drop_tensor(void *data, void *user)
{
    GM__UNUSED(data);
    gm_tensor_free(user);
}

static gm_status slot_make(gm_batches *b, gm__slot *s)
{
    gm_dataset *d = b->d;
    size_t batch = (size_t)b->cfg.batch;
    int64_t tail = (int64_t)(d->rows % batch);
    s->full = gm__calloc(b->ctx, (size_t)b->n_columns, sizeof(gm_tensor *));
    s->last = gm__calloc(b->ctx, (size_t)b->n_columns, sizeof(gm_tensor *));
    s->rows = gm__alloc(b->ctx, batch, sizeof *s->rows);
    s->origin = gm__alloc(b->ctx, batch, sizeof *s->origin);
    if (b->augment.on) s->work = gm__alloc(b->ctx, (size_t)d->column[0].row_elems, sizeof *s->work);
    if (!s->full || !s->last || !s->rows || !s->origin || (b->augment.on && !s->work)) return GM_ENOMEM;
    size_t raw = 0;
    for (int32_t i = 0; i < b->n_columns; i++)
        if (d->column[i].source && d->column[i].source->bytes > raw) raw = d->column[i].source->bytes;
    if (raw && !(s->raw = gm__alloc(b->ctx, raw, 1))) return GM_ENOMEM;
    for (int32_t i = 0; i < b->n_columns; i++) {
        const gm__column *c = &d->column[i];
        int64_t shape[GM_MAX_DIMS + 1] = { (int64_t)batch };
        for (int k = 0; k < c->ndim; k++) shape[k + 1] = c->shape[k];
        GM__TRY(gm_tensor_new(b->ctx, gm__column_out(c), c->ndim + 1, shape, &s->full[i]));
        if (!tail || b->cfg.drop_last) continue;
        shape[0] = tail;
        gm__retain(s->full[i]); /* a tape may hold on to the view alone */
        gm_status st = gm_tensor_wrap(b->ctx, gm__column_out(c), c->ndim + 1, shape, NULL, s->full[i]->data, drop_tensor, s->full[i], &s->last[i]);
        if (st) {
            gm_tensor_free(s->full[i]);
            return st;
        }
    }
    return GM_OK;
}

static gm_status scaling(gm_batches *b)
{
    size_t n = (size_t)b->d->column[0].row_elems;
    bool each = b->cfg.scale == GM__SCALE_STANDARD;
    double lo, hi;
    if (b->cfg.scale == GM__SCALE_NONE) return GM_OK;
    b->n_scale = each ? n : 1;
    b->shift = gm__alloc(b->ctx, b->n_scale, sizeof *b->shift);
    b->factor = gm__alloc(b->ctx, b->n_scale, sizeof *b->factor);
    if (!b->shift || !b->factor) return GM_ENOMEM;
    if (!each) {
        GM__TRY(gm__dataset_extent(b->d, &lo, &hi));
        b->shift[0] = (float)lo;
        b->factor[0] = hi > lo ? (float)(1 / (hi - lo)) : 1.0f;
        return GM_OK;
    }
    double *m = gm__alloc(b->ctx, n, 2 * sizeof *m);
    gm_status s = m ? gm__dataset_moments(b->d, m, m + n) : GM_ENOMEM;
    for (size_t i = 0; i < n && !s; i++) {
        b->shift[i] = (float)m[i];
        b->factor[i] = (float)(1 / m[n + i]);
    }
    gm__free(b->ctx, m);
    return s;
}

static gm_status setup(gm_batches *b, const char *options)
{
    gm_dataset *d = b->d;
    gm__strs strs = { .ctx = b->ctx };
    gm_status s = gm__opts_defaults(b->ctx, &table, &b->cfg, &strs);
    if (!s) s = gm__opts_parse(b->ctx, &table, options, &b->cfg, &strs, NULL);
    if (!s) s = gm__augment_make(b->ctx, b->cfg.augment, &d->column[0], &b->augment);
    b->cfg.augment = NULL;
    gm__strs_free(&strs);
    if (s) return s;
    uint64_t batch = (uint64_t)b->cfg.batch;
    if (b->cfg.drop_last && d->rows < batch)
        return gm__fail_ctx(b->ctx, GM_EARG, "batches: %llu rows make no full batch of %d", (unsigned long long)d->rows, (int)b->cfg.batch);
    if (batch > d->rows) b->cfg.batch = (int32_t)(batch = d->rows);
    b->per_epoch = b->cfg.drop_last ? d->rows / batch : (d->rows - 1) / batch + 1;
    const gm__column *x = &d->column[0];
    if ((b->cfg.scale || b->cfg.binarize) && gm__column_out(x) != GM_F32)
        return gm__fail_ctx(b->ctx, GM_EDTYPE, "batches: x is %s; scale and binarize need real numbers", gm_dtype_name(x->dtype));
    if (b->cfg.scale && x->offset) return gm__fail_ctx(b->ctx, GM_EARG, "batches: scale cannot tell the padding of ragged rows from numbers");
    GM__TRY(scaling(b));
    if (b->cfg.shuffle && !(b->order = gm__alloc(b->ctx, d->rows, sizeof *b->order))) return GM_ENOMEM;
    GM__TRY(slot_make(b, &b->slot[0]));
    /* The host's arrays are read when it calls, and not behind its back: it may change them in between. */
    b->fetch.on = b->cfg.prefetch && !d->fn && !d->host && b->ctx->threads > 1;
    return b->fetch.on ? slot_make(b, &b->slot[1]) : GM_OK;
}

gm_status gm_batches_new(gm_dataset *d, const char *options, gm_batches **out)
{
    if (out) *out = NULL;
    if (!gm__is(d, GM__DATASET)) return GM_EARG;
    if (!out) return gm__fail_ctx(d->ctx, GM_EARG, "batches: out is NULL");
    gm_batches *b = gm__calloc(d->ctx, 1, sizeof *b);
    if (!b) return GM_ENOMEM;
    b->h.magic = GM__BATCHES;
    atomic_init(&b->h.refs, 1);
    b->ctx = d->ctx;
    b->d = d;
    b->n_columns = d->n_columns;
    gm__retain(b->ctx);
    gm__retain(d);
    gm_status s = setup(b, options);
    if (s) gm_batches_free(b);
    else *out = b;
    return s;
}

void gm_batches_free(gm_batches *b)
{
    if (!gm__is(b, GM__BATCHES) || !gm__release(b)) return;
    gm_ctx *ctx = b->ctx;
    gm__fetch_end(b);
    b->h.magic = GM__DEAD;
    slot_free(b, &b->slot[0]);
    slot_free(b, &b->slot[1]);
    gm__free(ctx, b->order);
    gm__free(ctx, b->shift);
    gm__free(ctx, b->factor);
    gm_dataset_free(b->d);
    gm__free(ctx, b);
    gm_ctx_free(ctx);
}

/* ---- filling ----------------------------------------------------------------------- */

static void choose_rows(gm_batches *b, gm__slot *s, uint64_t epoch, uint64_t pos)
{
    uint64_t first = pos * (uint64_t)b->cfg.batch, left = b->d->rows - first;
    s->n = left < (uint64_t)b->cfg.batch ? (size_t)left : (size_t)b->cfg.batch;
    if (b->cfg.shuffle && (!b->order_valid || b->order_epoch != epoch)) {
        gm__rng r = gm__rng_make(gm__stream_make(b->cfg.seed, GM__R_SHUFFLE, (uint32_t)epoch, 0));
        gm__permutation(&r, b->order, b->d->rows);
        b->order_epoch = epoch;
        b->order_valid = true;
    }
    for (size_t i = 0; i < s->n; i++) {
        s->rows[i] = b->order ? b->order[first + i] : first + i;
        s->origin[i] = gm__dataset_origin(b->d, s->rows[i]);
    }
}

static void transform(gm_batches *b, gm__slot *s, float *x)
{
    size_t n = (size_t)b->d->column[0].row_elems;
    for (size_t r = 0; r < s->n; r++, x += n) {
        gm__stream stream = gm__stream_make(b->cfg.seed, GM__R_DATA, (uint32_t)s->epoch, s->origin[r]);
        if (b->augment.on) gm__augment_row(&b->augment, b->ctx->kern, stream, x, s->work);
        if (b->cfg.scale == GM__SCALE_UNIT)
            for (size_t i = 0; i < n; i++) x[i] = (x[i] - b->shift[0]) * b->factor[0];
        else if (b->cfg.scale == GM__SCALE_STANDARD)
            for (size_t i = 0; i < n; i++) x[i] = (x[i] - b->shift[i]) * b->factor[i];
        if (b->cfg.binarize == GM__BIN_DYNAMIC) {
            stream.ctr[0] = BINARIZE_BLOCK;
            b->ctx->kern->bernoulli_f32(stream, n, x, x);
        } else if (b->cfg.binarize == GM__BIN_THRESHOLD) {
            for (size_t i = 0; i < n; i++) x[i] = x[i] > 0.5f ? 1.0f : 0.0f;
        }
    }
}

/* The columns of the rows that were chosen. */
static gm_status gather(gm_batches *b, gm__slot *s, bool quiet)
{
    gm_dataset *d = b->d;
    for (int32_t i = 0; i < b->n_columns && !d->fn; i++) {
        int e = gm__column_rows(b->ctx->kern, &d->column[i], s->origin, s->n, s->raw, s->full[i]->data);
        if (e) return quiet ? GM_EIO : gm__source_fail(b->ctx, d->column[i].source, s->origin[0], e);
    }
    if (!d->fn) return GM_OK;
    float *x = gm__f32(s->full[0]);
    int64_t none, *label = d->classes ? (int64_t *)(void *)s->full[1]->data : NULL;
    for (size_t i = 0; i < s->n; i++, x += d->column[0].row_elems) GM__TRY(gm__dataset_call(d, s->rows[i], x, label ? &label[i] : &none));
    return GM_OK;
}

gm_status gm__batches_fill(gm_batches *b, gm__slot *s, uint64_t epoch, uint64_t pos, bool quiet)
{
    s->epoch = epoch;
    s->pos = pos;
    choose_rows(b, s, epoch, pos);
    gm_status st = gather(b, s, quiet);
    if (st) {
        s->n = 0;
        return st;
    }
    if (b->cfg.scale || b->cfg.binarize || b->augment.on) transform(b, s, gm__f32(s->full[0]));
    return GM_OK;
}

/* ---- walking ------------------------------------------------------------------------ */

static gm_tensor *tensor_of(const gm_batches *b, int32_t column)
{
    const gm__slot *s = &b->slot[b->now];
    return s->n == (size_t)b->cfg.batch ? s->full[column] : s->last[column];
}

gm_status gm_batches_next(gm_batches *b, gm_tensor **x)
{
    if (x) *x = NULL;
    if (!gm__is(b, GM__BATCHES)) return GM_EARG;
    if (!x) return gm__fail_ctx(b->ctx, GM_EARG, "batches_next: x is NULL");
    if (b->pos == b->per_epoch) {
        b->epoch++;
        b->pos = 0;
        return GM_END;
    }
    gm__slot *s = gm__fetch_wait(b);
    if (!s || !s->n || s->epoch != b->epoch || s->pos != b->pos) {
        if (!s) s = &b->slot[b->fetch.on ? !b->now : b->now];
        GM__TRY(gm__batches_fill(b, s, b->epoch, b->pos, false));
    }
    b->now = (int)(s - b->slot);
    b->pos++;
    for (int32_t i = 0; i < b->n_columns; i++) tensor_of(b, i)->version++;
    if (b->fetch.on) {
        bool over = b->pos == b->per_epoch;
        gm__fetch_ask(b, &b->slot[!b->now], b->epoch + over, over ? 0 : b->pos);
    }
    *x = tensor_of(b, 0);
    return GM_OK;
}

gm_tensor *gm_batches_column(gm_batches *b, const char *name)
{
    if (!gm__is(b, GM__BATCHES) || !name || !b->slot[b->now].n) return NULL;
    for (int32_t i = 0; i < b->n_columns; i++)
        if (!strcmp(b->d->column[i].name, name)) return tensor_of(b, i);
    return NULL;
}

const uint64_t *gm_batches_rows(gm_batches *b, size_t *n)
{
    bool any = gm__is(b, GM__BATCHES) && b->slot[b->now].n;
    if (n) *n = any ? b->slot[b->now].n : 0;
    return any ? b->slot[b->now].rows : NULL;
}

uint64_t gm_batches_epoch(const gm_batches *b) { return gm__is(b, GM__BATCHES) ? b->epoch : 0; }
uint64_t gm_batches_position(const gm_batches *b) { return gm__is(b, GM__BATCHES) ? b->pos : 0; }

gm_status gm_batches_seek(gm_batches *b, uint64_t epoch, uint64_t position)
{
    if (!gm__is(b, GM__BATCHES)) return GM_EARG;
    if (position > b->per_epoch)
        return gm__fail_ctx(b->ctx, GM_EARG, "batches_seek: position %llu of %llu batches", (unsigned long long)position, (unsigned long long)b->per_epoch);
    b->epoch = epoch;
    b->pos = position;
    return GM_OK;
}
