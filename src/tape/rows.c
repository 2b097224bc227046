/* rows.c - random numbers for ops: one stream a draw, or one a row so that neither batch nor threads show. */
#include "kernels/kernels.h"
#include "tape/tape.h"

/* A chunk is what one task fills; a multiple of the four numbers of a block. */
enum { CHUNK = 1 << 16, ROW_BLOCKS_LOG2 = 20, DRAWS_MAX = 1 << 28 };

void gm__tape_rows(gm_tape *t, uint64_t seed, uint32_t purpose, uint32_t b, const uint64_t *rows, size_t n)
{
    t->rows = rows;
    t->nrows = rows ? n : 0;
    t->rows_seed = seed;
    t->rows_purpose = purpose;
    t->rows_b = b;
}

gm__draws gm__draws_of(const gm_tape *t)
{
    return (gm__draws){t->rows, t->nrows, t->rows_purpose, t->rows_b, t->draws, t->rows_seed, t->seed, t->steps};
}

void gm__draws_set(gm_tape *t, const gm__draws *d)
{
    t->rows = d->rows;
    t->nrows = d->nrows;
    t->rows_purpose = d->rows_purpose;
    t->rows_b = d->rows_b;
    t->draws = d->draws;
    t->rows_seed = d->rows_seed;
    t->seed = d->seed;
    t->steps = d->steps;
}

typedef struct {
    const gm_tape *t;
    int kind;
    gm__stream stream;   /* of the whole draw */
    size_t n, row, each; /* numbers; in a row; rows a task (row mode) */
    bool by_row;
    float *y;
    const float *p;
    float keep;
} fill;

static void fill_span(const fill *f, gm__stream s, size_t at, size_t n)
{
    const gm__kern *k = f->t->ctx->kern;
    switch (f->kind) {
    case GM__FILL_UNIFORM: k->uniform_f32(s, n, f->y + at); break;
    case GM__FILL_NORMAL: k->normal_f32(s, n, f->y + at); break;
    case GM__FILL_BERNOULLI: k->bernoulli_f32(s, n, f->y + at, f->p + at); break;
    case GM__FILL_LOGITS: k->bernoulli_logits_f32(s, n, f->y + at, f->p + at); break;
    default: k->dropout_f32(s, n, f->y + at, f->keep); break;
    }
}

/* The next draw, of n numbers in n/row rows of `row` numbers if it goes by row. False after recording a failure. */
static bool next_draw(gm_tape *t, bool by_row, size_t n, size_t row, gm__stream *s)
{
    uint32_t draw = t->draws++;
    if (by_row) {
        /* draw k of a row has the blocks k * 2^20 to (k+1) * 2^20 of the row's stream */
        *s = (gm__stream){.ctr = {draw << ROW_BLOCKS_LOG2}};
        if (!(draw >> (32 - ROW_BLOCKS_LOG2)) && row <= (size_t)4 << ROW_BLOCKS_LOG2) return true;
        gm__tape_fail(t, GM_ELIMIT, "random: draw %u of %zu numbers a row is over the limit (%u draws of %u numbers)", (unsigned)draw, row,
                      1u << (32 - ROW_BLOCKS_LOG2), 4u << ROW_BLOCKS_LOG2);
    } else {
        *s = gm__stream_make(t->seed, GM__R_TAPE, draw, t->steps);
        if (draw < DRAWS_MAX && (n - 1) / 4 <= UINT32_MAX) return true;
        gm__tape_fail(t, GM_ELIMIT, "random: draw %u of %zu numbers is over the limit", (unsigned)draw, n);
    }
    return false;
}

static bool goes_by_row(const gm_tape *t, size_t rows) { return t->rows && rows == t->nrows; }

static gm__stream row_stream(const gm_tape *t, const gm__stream *draw, size_t j)
{
    gm__stream s = gm__stream_make(t->rows_seed, t->rows_purpose, t->rows_b, t->rows[j]);
    s.ctr[0] = draw->ctr[0];
    return s;
}

bool gm__tape_streams(gm_tape *t, size_t rows, size_t row, gm__stream *out)
{
    const size_t padded = (row + 3) / 4 * 4;
    const bool by_row = goes_by_row(t, rows);
    gm__stream s;
    if (!next_draw(t, by_row, rows * padded, row, &s)) return false;
    for (size_t j = 0; j < rows; j++) {
        out[j] = by_row ? row_stream(t, &s, j) : s;
        if (!by_row) out[j].ctr[0] += (uint32_t)(j * (padded / 4));
    }
    return true;
}

static void fill_task(void *arg, size_t task, size_t worker)
{
    const fill *f = arg;
    GM__UNUSED(worker);
    if (f->by_row) {
        size_t first = task * f->each, end = first + f->each < f->t->nrows ? first + f->each : f->t->nrows;
        for (size_t j = first; j < end; j++) fill_span(f, row_stream(f->t, &f->stream, j), j * f->row, f->row);
    } else {
        size_t at = task * CHUNK;
        gm__stream s = f->stream;
        s.ctr[0] += (uint32_t)(at / 4);
        fill_span(f, s, at, f->n - at < CHUNK ? f->n - at : CHUNK);
    }
}

void gm__tape_fill(gm_tape *t, int kind, gm_tensor *y, const float *p, float keep)
{
    fill f = {.t = t, .kind = kind, .n = (size_t)y->size, .y = gm__f32(y), .p = p, .keep = keep};
    size_t tasks;
    if (f.n == 0) {
        t->draws++;
        return;
    }
    f.by_row = y->ndim > 0 && goes_by_row(t, (size_t)y->shape[0]);
    f.row = f.by_row ? f.n / t->nrows : f.n;
    if (!next_draw(t, f.by_row, f.n, f.row, &f.stream)) return;
    if (f.by_row) {
        f.each = f.row >= CHUNK ? 1 : CHUNK / f.row;
        tasks = (t->nrows + f.each - 1) / f.each;
    } else {
        tasks = (f.n + CHUNK - 1) / CHUNK;
    }
    if (tasks == 1) fill_task(&f, 0, 0);
    else gm__parallel(t->ctx, tasks, fill_task, &f);
}
