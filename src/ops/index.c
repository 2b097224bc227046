/* index.c - reading and checking index tensors; picking and summing rows by them. */
#include "ops/index.h"

#include <string.h>

gm_status gm__index_type(gm__call *c, const gm_tensor *ix)
{
    if (ix->dtype == GM_I32 || ix->dtype == GM_I64) return GM_OK;
    return gm__fail(c->err, GM_EDTYPE, "%s: the index is %s, i32 or i64 wanted", c->op->name, gm_dtype_name(ix->dtype));
}

gm_status gm__index_read(gm_tape *t, const char *who, gm_tensor *ix, int64_t n, const int64_t **out)
{
    gm_tensor *wide = ix;
    if (ix->dtype != GM_I64) {
        if (!(wide = gm__tape_tensor(t, GM_I64, ix->ndim, ix->shape))) return gm__recorded(t);
        gm__copy_values(t->ctx, wide, ix);
    } else if (!(wide = gm__tape_contiguous(t, ix))) {
        return gm__recorded(t);
    }
    const int64_t *v = (const int64_t *)(const void *)wide->data;
    for (int64_t i = 0; i < wide->size; i++)
        if (v[i] < 0 || v[i] >= n)
            return gm__fail(&t->err, GM_EARG, "%s: index %lld at position %lld is not in [0,%lld)", who, (long long)v[i], (long long)i, (long long)n);
    *out = v;
    return GM_OK;
}

/* ---- rows by index ------------------------------------------------------------- */

typedef struct rows {
    gm_ctx *ctx;
    bool f64, add;
    size_t es, n, row, count;
    const int64_t *v, *start, *order;
    char *y;
    const char *x;
} rows;

/* Places [first, last) of [outer, count]; neighbours that stay neighbours are copied together. */
static void pick(void *arg, size_t first, size_t last)
{
    const rows *j = arg;
    size_t bytes = j->row * j->es;
    for (size_t p = first, run; p < last; p += run) {
        size_t o = p / j->count, i = p % j->count, end = j->count - i < last - p ? j->count - i : last - p;
        for (run = 1; run < end && j->v[i + run] == j->v[i] + (int64_t)run;) run++;
        memcpy(j->y + p * bytes, j->x + (o * j->n + (size_t)j->v[i]) * bytes, run * bytes);
    }
}

void gm__rows_pick(gm_ctx *ctx, size_t es, size_t outer, size_t n, size_t row, const int64_t *v, size_t count, char *y, const char *x)
{
    rows j = {.ctx = ctx, .es = es, .n = n, .row = row, .count = count, .v = v, .y = y, .x = x};
    if (row > 0) gm__ranges(ctx, outer * count, row, pick, &j);
}

/* Rows [first, last) of [outer, n] of the sum, each from its own list of places. */
static void sum(void *arg, size_t first, size_t last)
{
    const rows *j = arg;
    size_t bytes = j->row * j->es;
    if (!j->add) memset(j->y + first * bytes, 0, (last - first) * bytes);
    for (size_t r = first; r < last; r++) {
        size_t o = r / j->n, to = r % j->n;
        char *y = j->y + r * bytes;
        for (int64_t e = j->start[to]; e < j->start[to + 1]; e++) {
            const char *x = j->x + (o * j->count + (size_t)j->order[e]) * bytes;
            if (j->row == 1) gm__store(j->f64, y, gm__load(j->f64, y) + gm__load(j->f64, x));
            else gm__k2(j->ctx, j->f64, GM__B_ADD, j->row, y, y, x, GM__VV, NULL);
        }
    }
}

gm_status gm__rows_sum(gm_tape *t, bool f64, size_t outer, size_t n, size_t row, const int64_t *v, size_t count, char *y, const char *x, bool add)
{
    rows j = {.ctx = t->ctx, .f64 = f64, .add = add, .es = f64 ? 8 : 4, .n = n, .row = row, .count = count, .y = y, .x = x};
    if (outer == 0 || n == 0 || row == 0) return GM_OK;
    /* the places of each index, in order: start[r] to start[r+1] of order */
    int64_t *start = gm__arena(t, n + 2, sizeof *start), *order = gm__arena(t, count, sizeof *order);
    if (!start || !order) return gm__recorded(t);
    memset(start, 0, (n + 2) * sizeof *start);
    for (size_t i = 0; i < count; i++) start[v[i] + 2]++;
    for (size_t r = 2; r < n + 2; r++) start[r] += start[r - 1];
    for (size_t i = 0; i < count; i++) order[start[v[i] + 1]++] = (int64_t)i;
    j.start = start;
    j.order = order;
    gm__ranges(t->ctx, outer * n, row + (row * count) / n, sum, &j);
    return GM_OK;
}
