/* lag.c - how far gradients reach: the norm of the gradient of a loss by the states before it. */
#include "models/rnn/rnn.h"
#include "models/trainer.h"
#include <math.h>
#include <string.h>

enum { MOST = 4096 };

/* States after each of n - 1 tokens, layer by layer, h and c in one; the loss of the last token. */
static gm_tensor *unrolled(gm_model *m, gm_tape *t, const int64_t *id, int64_t n, gm_tensor **state)
{
    const gm_rnn_config *c = gm__rnn_cfg(m);
    gm_tensor **h = gm__arena(t, (size_t)c->depth, 2 * sizeof *h), **memory = h + c->depth, *y = NULL;
    if (!h) return NULL;
    memset(h, 0, 2 * (size_t)c->depth * sizeof *h);
    for (int64_t i = 0; i + 1 < n; i++) {
        gm_tensor *one = gm__tape_tensor(t, GM_I64, 2, (int64_t[]){ 1, 1 });
        if (one) gm__i64(one)[0] = id[i];
        if (!(y = gm__rnn_run(m, t, one, h, memory, state + i * c->depth))) return NULL;
    }
    gm_tensor *target = gm__tape_tensor(t, GM_I64, 1, (int64_t[]){ 1 });
    if (!target) return NULL;
    gm__i64(target)[0] = id[n - 1];
    return gm_cross_entropy(t, gm__rnn_logits(m, t, y), target, GM_SUM);
}

/* out [n - 1]: the norm k tokens back from the last state. */
static gm_status norms(gm_model *m, const int64_t *id, int64_t n, float *out)
{
    const int32_t each = gm__rnn_cfg(m)->depth;
    gm_tape *t = NULL;
    GM__TRY(gm_tape_new(m->ctx, 0, &t));
    gm_tape_training(t, 0);
    gm_tensor **state = gm__arena(t, (size_t)(n - 1) * (size_t)each, 2 * sizeof *state), **grad = state ? state + (n - 1) * each : NULL;
    gm_tensor *loss = state ? unrolled(m, t, id, n, state) : NULL;
    gm_status s = loss ? gm_tape_grad(t, loss, state, (int32_t)(n - 1) * each, 0, grad) : GM_ENOMEM;
    for (int64_t k = 0; !s && k < n - 1; k++) {
        double sum = 0;
        for (int32_t i = 0; i < each; i++) {
            const gm_tensor *g = gm__tape_contiguous(t, grad[(n - 2 - k) * each + i]);
            for (int64_t j = 0; g && j < g->size; j++) sum += (double)gm__f32(g)[j] * (double)gm__f32(g)[j];
        }
        out[k] = (float)sqrt(sum);
    }
    if (gm_tape_status(t)) s = gm__tape_failed(m->ctx, t);
    gm_tape_free(t);
    return s;
}

gm_status gm_rnn_gradient_by_lag(gm_model *m, gm_tensor *tokens, gm_tensor **out)
{
    const int64_t *id;
    if (out) *out = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    if (m->family != &gm__family_rnn) return gm__fail_ctx(m->ctx, GM_EARG, "gm_rnn_gradient_by_lag: the model is a %s", m->family->name);
    GM__TRY(gm__lm_able(m->ctx, m, "show its gradients"));
    GM__TRY(gm__lm_tokens(m, "gm_rnn_gradient_by_lag", tokens, &id));
    if (tokens->size < 2 || tokens->size > MOST) return gm__fail_ctx(m->ctx, GM_EARG, "gm_rnn_gradient_by_lag: %lld tokens, 2 to %d wanted", (long long)tokens->size, MOST);
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &(int64_t){ tokens->size - 1 }, out));
    gm_status s = gm__model_begin_use(m, m->ctx);
    if (!s) {
        s = norms(m, id, tokens->size, gm__f32(*out));
        gm__model_end_use(m);
    }
    if (s) {
        gm_tensor_free(*out);
        *out = NULL;
    }
    return s;
}

/* At an epoch's end, of the first row: the norm a block back as a share of that one token back, on a curve. */
gm_status gm__rnn_watch(gm_model *m, gm_trainer *tr, const gm__batch *b)
{
    int64_t n = b->length ? gm__i64(b->length)[0] : b->x->shape[1];
    int64_t *id = gm__arena(b->t, (size_t)n, sizeof *id);
    float *norm = gm__arena(b->t, (size_t)n, sizeof *norm);
    if (n < 3 || n > MOST) return GM_OK;
    if (!id || !norm) return GM_ENOMEM;
    for (int64_t i = 0; i < n; i++) id[i] = ((const int32_t *)(const void *)b->x->data)[i * b->x->stride[1]];
    GM__TRY(norms(m, id, n, norm));
    gm__trainer_record(tr, "gradient-first", norm[1]);
    gm__trainer_record(tr, "gradient-last", norm[n - 2]);
    if (norm[1] > 0) gm__trainer_record(tr, "gradient-reach", norm[n - 2] / norm[1]);
    return GM_OK;
}
