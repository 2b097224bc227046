/* bernoulli_linear.c - 1 with probability sigmoid(a (x W + b)), else 0, in one pass: half a Gibbs step of a Boltzmann machine.
 * Inputs and attr.i[0] as in binary_linear; attr.f[0]: a, one over the temperature. The draws are those of bernoulli_logits
 * but that every row begins at a whole block of four numbers. */
#include "ops/binary.h"

static gm_status infer(gm__call *c)
{
    GM__TRY(gm__binary_infer(c));
    if (c->out->dtype != GM_F32) return gm__fail(c->err, GM_EDTYPE, "bernoulli_linear: x is %s, f32 wanted", gm_dtype_name(c->out->dtype));
    return GM_OK;
}

typedef struct job { /* where x holds other numbers: from the product, row by row */
    const gm_tape *t;
    const gm__stream *streams;
    const float *x;
    float *y, scale;
    size_t n;
} job;
static void draw_row(void *arg, size_t i, size_t worker)
{
    const job *p = arg;
    GM__UNUSED(worker);
    p->t->ctx->kern->bernoulli_tile_f32(1, p->n, p->streams + i, 0, p->y + i * p->n, p->n, p->x + i * p->n, p->n, p->scale, NULL);
}

static gm_status forward(gm__call *c)
{
    gm_tensor *y = c->out;
    const size_t rows = (size_t)y->shape[0], n = (size_t)y->shape[1];
    const float scale = (float)c->attr->f[0];
    if (!y->size) return GM_OK;
    gm__stream *streams = gm__arena(c->t, rows, sizeof *streams);
    if (!streams || !gm__tape_streams(c->t, rows, n, streams)) return gm__recorded(c->t);
    gm__bits g;
    if (gm__binary_job(c, &g)) {
        g.y = gm__f32(y);
        g.ldy = n;
        g.scale = scale;
        g.streams = streams;
        return gm__binary_run(c->t, &g);
    }
    gm_tensor *x = c->t->err.status ? NULL : gm__tape_tensor(c->t, GM_F32, 2, y->shape);
    if (!x) return gm__recorded(c->t);
    GM__TRY(gm__binary_dense(c, x));
    job p = {c->t, streams, gm__f32(x), gm__f32(y), scale, n};
    gm__parallel(c->ctx, rows, draw_row, &p);
    return GM_OK;
}

const gm__op gm__op_bernoulli_linear = {"bernoulli_linear", 3, GM__OP_OPT2 | GM__OP_RANDOM | GM__OP_NOGRAD, infer, forward, NULL, NULL,
    "7,5:o 3,5 3 f=1 | 7,5:o 5,3 3 i=1 f=1 | 7,5 3,5 - f=0.5 | 7,5 5,3 - i=1 f=2 | 0,5:o 3,5 3 f=1 | 7,0:o 0,3 3 i=1 f=1 | 7,35:ot 3,35:t 3:s f=1 | "
    "6,17:os 17,33:t 33 i=1 f=1 | 1,1:o 1,1 1 f=1 | 33,7:o 7,40 40:s i=1 f=0.25 | 37,33:o 5,33:s - f=1 | 35,4:o 4,0 - i=1 f=1"};

gm_tensor *gm__bernoulli_linear(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, bool straight, double scale)
{
    gm_tensor *in[3] = {x, w, b};
    gm__attr a = {.i = {straight}, .f = {scale}};
    return gm__apply(t, &gm__op_bernoulli_linear, in, 3, &a);
}
