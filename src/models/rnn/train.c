/* train.c - pieces of text and the state that goes on between them.
 *
 * text:FILE: `lanes` readers stand side by side in the text and read on from batch to batch; each begins an epoch with a state of
 * zeros. A batch is one piece of each lane, or several one after another where the text is short. The state after a batch is put
 * down in `moved` and becomes the trainer's, `kept`, when the step has succeeded, so that a step can be taken again.
 * lines:FILE: a row is a text from its start. */
#include "models/rnn/rnn.h"
#include "models/feed.h"
#include "models/trainer.h"
#include <string.h>

gm_status gm__rnn_feed(gm_model *m, gm_dataset *d, int64_t batch, bool training, gm_dataset **out)
{
    gm__rnn *r = gm__rnn_of(m);
    int64_t *lanes = training ? &r->lanes : &r->valid_lanes;
    *lanes = 0;
    gm__feed_how how = { .who = training ? "train" : "valid", .tk = r->tk, .begin = r->end, .end = r->end, .block = gm__rnn_cfg(m)->block, .lanes = batch, .lanes_are = lanes };
    return gm__feed(m, d, &how, out);
}

bool gm__rnn_ordered(const gm_model *m, const gm_dataset *d)
{
    GM__UNUSED(m);
    return !gm__lm_lines(d);
}

/* ---- states ------------------------------------------------------------------------------ */

static void drop(gm__rnn_state *s)
{
    gm_tensor_free(s->h);
    gm_tensor_free(s->c);
    gm_tensor_free(s->at);
    *s = (gm__rnn_state){ 0 };
}

void gm__rnn_drop_states(gm__rnn *r)
{
    drop(&r->kept);
    drop(&r->moved);
    drop(&r->held_out);
}

static gm_status state_new(gm_model *m, int64_t lanes, gm__rnn_state *s)
{
    const gm_rnn_config *c = gm__rnn_cfg(m);
    const int64_t shape[] = { c->depth, lanes, c->hidden };
    drop(s);
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 3, shape, &s->h));
    if (c->cell == GM_RNN_LSTM) GM__TRY(gm_tensor_new(m->ctx, GM_F32, 3, shape, &s->c));
    GM__TRY(gm_tensor_new(m->ctx, GM_I64, 1, (int64_t[]){ 1 }, &s->at));
    gm__i64(s->at)[0] = 0;
    return GM_OK;
}

gm_status gm__rnn_begin(gm_model *m, gm_trainer *tr)
{
    gm__rnn *r = gm__rnn_of(m);
    gm__rnn_drop_states(r);
    if (!r->lanes) return GM_OK;
    GM__TRY(state_new(m, r->lanes, &r->kept));
    GM__TRY(state_new(m, r->lanes, &r->moved));
    GM__TRY(gm__trainer_keep(tr, "state", r->kept.h));
    if (r->kept.c) GM__TRY(gm__trainer_keep(tr, "memory", r->kept.c));
    return gm__trainer_keep(tr, "piece", r->kept.at);
}

gm_status gm__rnn_stepped(gm_model *m)
{
    gm__rnn *r = gm__rnn_of(m);
    if (!r->lanes) return GM_OK;
    GM__TRY(gm_tensor_assign(r->kept.h, r->moved.h));
    if (r->kept.c) GM__TRY(gm_tensor_assign(r->kept.c, r->moved.c));
    return gm_tensor_assign(r->kept.at, r->moved.at);
}

/* Layer i's part of a state, copied to the tape. */
static gm_tensor *part(const gm_model *m, gm_tape *t, const gm_tensor *all, int32_t i)
{
    gm_tensor *x = all ? gm__tape_tensor(t, GM_F32, 2, all->shape + 1) : NULL;
    GM__UNUSED(m);
    if (x) memcpy(x->data, gm__f32(all) + i * x->size, (size_t)x->size * sizeof(float));
    return x;
}

static void put_down(gm__rnn_state *s, int32_t depth, gm_tensor *const *h, gm_tensor *const *c, int64_t at)
{
    const size_t n = (size_t)(s->h->size / depth);
    for (int32_t i = 0; i < depth; i++) {
        memcpy(gm__f32(s->h) + (size_t)i * n, h[i]->data, n * sizeof(float));
        if (s->c) memcpy(gm__f32(s->c) + (size_t)i * n, c[i]->data, n * sizeof(float));
    }
    gm__i64(s->at)[0] = at;
}

/* ---- rows as sequences ----------------------------------------------------------------------- */

/* Tokens of pieces x [pieces lanes, block + 1] in the order of time, [pieces block, lanes], from column `from` on. */
static gm_tensor *in_time(gm_tape *t, const gm_tensor *x, int64_t lanes, int64_t block, int64_t from)
{
    const int64_t pieces = x->shape[0] / lanes, shape[2] = { pieces * block, lanes };
    gm_tensor *y = gm__tape_tensor(t, GM_I64, 2, shape);
    for (int64_t i = 0; y && i < shape[0]; i++)
        for (int64_t l = 0; l < lanes; l++) {
            const char *p = x->data + ((i / block * lanes + l) * x->stride[0] + (from + i % block) * x->stride[1]) * 4;
            gm__i64(y)[i * lanes + l] = *(const int32_t *)(const void *)p;
        }
    return y;
}

/* Of text: a mean over all tokens. */
static gm_status text_loss(gm_model *m, const gm__batch *b, int64_t lanes, gm_tensor **out)
{
    gm__rnn *r = gm__rnn_of(m);
    const gm_rnn_config *c = gm__rnn_cfg(m);
    gm_tape *t = b->t;
    const int64_t pieces = b->x->shape[0] / lanes, at = (int64_t)(t->rows ? t->rows[0] : 0) / c->block;
    gm__rnn_state *to = b->training ? &r->moved : &r->held_out;
    if (!b->training && (!to->h || to->h->shape[1] != lanes)) GM__TRY(state_new(m, lanes, to));
    const gm__rnn_state *from = gm__i64(to->at)[0] == at ? to : &r->kept; /* within one update of several batches, or the last one's */
    gm_tensor **h = gm__arena(t, (size_t)c->depth, 2 * sizeof *h), **memory = h + c->depth;
    if (!h) return GM_OK;
    for (int32_t i = 0; i < c->depth; i++) {
        h[i] = at ? part(m, t, from->h, i) : NULL;
        memory[i] = at ? part(m, t, from->c, i) : NULL;
    }
    gm_tensor *y = gm__rnn_run(m, t, in_time(t, b->x, lanes, c->block, 0), h, memory, NULL), *target = in_time(t, b->x, lanes, c->block, 1);
    if (!y || !target) return GM_OK;
    *out = gm_cross_entropy(t, gm__rnn_logits(m, t, y), gm_reshape(t, target, 1, (int64_t[]){ -1 }), GM_MEAN);
    if (*out) put_down(to, c->depth, h, memory, at + pieces);
    return GM_OK;
}

/* Of lines: padding is read, too, and does not count. */
static gm_status line_loss(gm_model *m, const gm__batch *b, gm_tensor **out)
{
    const gm_rnn_config *c = gm__rnn_cfg(m);
    gm_tape *t = b->t;
    const int64_t rows_ = b->x->shape[0], *length = gm__i64(b->length);
    int64_t steps = 1;
    double count = 0;
    for (int64_t i = 0; i < rows_; i++) {
        if (length[i] - 1 > steps) steps = length[i] - 1;
        count += (double)(length[i] - 1);
    }
    gm_tensor **h = gm__arena(t, (size_t)c->depth, 2 * sizeof *h), *share = gm__tape_tensor(t, GM_F32, 1, &(int64_t){ steps * rows_ });
    if (!h || !share) return GM_OK;
    memset(h, 0, 2 * (size_t)c->depth * sizeof *h);
    for (int64_t i = 0; i < share->size; i++) gm__f32(share)[i] = i / rows_ < length[i % rows_] - 1 ? (float)(1 / count) : 0;
    gm_tensor *y = gm__rnn_run(m, t, in_time(t, b->x, rows_, steps, 0), h, h + c->depth, NULL), *target = in_time(t, b->x, rows_, steps, 1);
    if (!y || !target) return GM_OK;
    gm_tensor *each = gm_cross_entropy(t, gm__rnn_logits(m, t, y), gm_reshape(t, target, 1, (int64_t[]){ -1 }), GM_NONE);
    *out = gm_sum(t, gm_mul(t, each, share), GM_ALL_AXES, 0);
    return GM_OK;
}

gm_status gm__rnn_loss(gm_model *m, const gm__batch *b, gm_tensor **out)
{
    const gm__rnn *r = gm__rnn_of(m);
    return b->length ? line_loss(m, b, out) : text_loss(m, b, b->training ? r->lanes : r->valid_lanes, out);
}
