/* gaussian_draw.c - mean + e^(log_var/2) eps, eps from N(0,1): the reparameterised draw. saved[0]: eps. */
#include "ops/random.h"

#include <string.h>

typedef struct job { gm_ctx *ctx; bool f64, add; char *y; const char *m, *lv, *e, *g; } job;

/* y = (m +) e^(lv/2) e: contiguous ranges, the deviation through a small buffer */
static void run(void *arg, size_t first, size_t last)
{
    const job *j = arg;
    size_t es = j->f64 ? 8 : 4, step = gm__chunk_len(j->f64);
    for (size_t i = first, k; i < last; i += k) {
        gm__chunk buf;
        k = last - i < step ? last - i : step;
        gm__kaffine(j->ctx, j->f64, k, buf.bytes, j->lv + i * es, 0.5, 0);
        gm__k1(j->ctx, j->f64, GM__U_EXP, k, buf.bytes, buf.bytes, NULL);
        gm__k2(j->ctx, j->f64, GM__B_MUL, k, buf.bytes, buf.bytes, j->e + i * es, GM__VV, NULL);
        if (j->m) { /* forward */
            gm__k2(j->ctx, j->f64, GM__B_ADD, k, j->y + i * es, j->m + i * es, buf.bytes, GM__VV, NULL);
            continue;
        }
        gm__k2(j->ctx, j->f64, GM__B_MUL, k, buf.bytes, buf.bytes, j->g + i * es, GM__VV, NULL);
        gm__kaffine(j->ctx, j->f64, k, buf.bytes, buf.bytes, 0.5, 0);
        if (j->add) gm__k2(j->ctx, j->f64, GM__B_ADD, k, j->y + i * es, j->y + i * es, buf.bytes, GM__VV, NULL);
        else memcpy(j->y + i * es, buf.bytes, k * es);
    }
}

static gm_status forward(gm__call *c)
{
    gm_tensor *m = gm__tape_contiguous(c->t, c->in[0]), *lv = m ? gm__tape_contiguous(c->t, c->in[1]) : NULL;
    gm_tensor *e = lv ? gm__draw_like(c->t, GM__FILL_NORMAL, c->out, 0) : NULL;
    if (!e) return gm__recorded(c->t);
    job j = {.ctx = c->ctx, .f64 = gm__f64_of(m), .y = c->out->data, .m = m->data, .lv = lv->data, .e = e->data};
    gm__ranges(c->ctx, (size_t)c->out->size, 1, run, &j);
    if (c->node) c->node->saved[0] = e;
    return GM_OK;
}
static gm_status fused(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want)
{
    if (want[0]) GM__TRY(gm__grad_give(t, n, 0, gy));
    if (!want[1]) return GM_OK;
    bool add;
    gm_tensor *lv = gm__tape_contiguous(t, n->in[1]), *g = lv ? gm__grad_into(t, n, 1, &add) : NULL;
    if (!g) return gm__recorded(t);
    job j = {.ctx = t->ctx, .f64 = gm__f64_of(g), .add = add, .y = g->data, .lv = lv->data, .e = n->saved[0]->data, .g = gy->data};
    gm__ranges(t->ctx, (size_t)g->size, 1, run, &j);
    return GM_OK;
}
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    if (want[0]) gx[0] = gy;
    if (want[1]) {
        gm_tensor *shift = gm_mul(t, gm_exp(t, gm__scale(t, n->in[1], 0.5)), n->saved[0]);
        gx[1] = gm_mul(t, gy, gm__scale(t, shift, 0.5));
    }
}
const gm__op gm__op_gaussian_draw = {"gaussian_draw", 2, GM__OP_RANDOM, gm__infer_alike, forward, vjp, fused,
    "7,17 7,17 | . . | 0,3 0,3 | 2,3,4:t 2,3,4 | 5,9:s 5,9:t | 1 1 | "
    "2,1,3,1,2 2,1,3,1,2:t | 17,7:ts 17,7 | 33 33:s | 4,0,2 4,0,2 | 3,1,5:s 3,1,5 | 1,1,1 1,1,1:t"};

gm_tensor *gm_gaussian_draw(gm_tape *t, gm_tensor *mean, gm_tensor *log_var)
{
    gm_tensor *in[2] = {mean, log_var};
    if (!gm__expand_all(t, "gaussian_draw", in, 2)) return NULL;
    return gm__apply(t, &gm__op_gaussian_draw, in, 2, NULL);
}
