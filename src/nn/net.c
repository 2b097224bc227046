/* net.c - the net object: making, changing, copying, asking. */
#include "nn/net.h"
#include <math.h>
#include <string.h>

/* ---- making -------------------------------------------------------------------------- */

static gm_status check_new(gm_ctx *ctx, const char *text, int32_t ndim, const int64_t *shape, int64_t cond_size)
{
    int64_t size = 0;
    if (!text) return gm__fail_ctx(ctx, GM_EARG, "net: text is NULL");
    if (ndim < 1 || ndim >= GM_MAX_DIMS || !shape) return gm__fail_ctx(ctx, GM_EARG, "net: a row has 1 to %d dimensions, got %d", GM_MAX_DIMS - 1, ndim);
    GM__TRY(gm__shape_check(gm__ctx_err(ctx), "net", ndim, shape, &size));
    if (size < 1) return gm__fail_ctx(ctx, GM_ESHAPE, "net: sizes of a row must be 1 or more");
    if (cond_size < 0 || cond_size > 16777216) return gm__fail_ctx(ctx, GM_EARG, "net: cond_size must be in [0,16777216], got %lld", (long long)cond_size);
    return GM_OK;
}

static void destroy(gm_net *net)
{
    gm_ctx *ctx = net->ctx;
    gm__body_free(ctx, &net->body);
    net->h.magic = GM__DEAD;
    gm__free(ctx, net);
    gm_ctx_free(ctx);
}

/* A net without tensors. */
static gm_status make_shell(gm_ctx *ctx, const char *text, int ndim, const int64_t *shape, int64_t cond_size, gm_net **out)
{
    GM__TRY(check_new(ctx, text, ndim, shape, cond_size));
    gm_net *net = gm__calloc(ctx, 1, sizeof *net);
    if (!net) return GM_ENOMEM;
    net->h.magic = GM__NET;
    atomic_init(&net->h.refs, 1);
    atomic_init(&net->applied, false);
    net->ctx = ctx;
    gm__retain(ctx);
    net->in.ndim = ndim;
    memcpy(net->in.dim, shape, (size_t)ndim * sizeof *shape);
    net->cond = cond_size;
    net->dtype = GM_F32;
    gm_status s = gm__body_make(net, &text, 1, &net->body);
    if (s) {
        destroy(net);
        return s;
    }
    *out = net;
    return GM_OK;
}

gm_status gm_net_new_cond(gm_ctx *ctx, const char *text, int32_t ndim, const int64_t *shape, int64_t cond_size, uint64_t seed, gm_net **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!out) return gm__fail_ctx(ctx, GM_EARG, "net: out is NULL");
    gm_net *net = NULL;
    GM__TRY(make_shell(ctx, text, ndim, shape, cond_size, &net));
    net->seed = seed;
    gm_status s = gm__body_tensors(net, &net->body, NULL, true);
    if (s) {
        destroy(net);
        return s;
    }
    *out = net;
    return GM_OK;
}

gm_status gm_net_new(gm_ctx *ctx, const char *text, int32_t ndim, const int64_t *shape, uint64_t seed, gm_net **out)
{
    return gm_net_new_cond(ctx, text, ndim, shape, 0, seed, out);
}

gm_status gm__net_measure(gm_ctx *ctx, const char *text, int32_t ndim, const int64_t *shape, int64_t cond_size, int64_t *parameters)
{
    gm_net *net = NULL;
    GM__TRY(make_shell(ctx, text, ndim, shape, cond_size, &net));
    *parameters = net->body.numbers;
    destroy(net);
    return GM_OK;
}

gm_status gm_net_add(gm_net *net, const char *layers)
{
    if (!gm__is(net, GM__NET)) return GM_EARG;
    if (!layers) return gm__fail_ctx(net->ctx, GM_EARG, "net: text is NULL");
    if (atomic_load(&net->applied)) return gm__fail_ctx(net->ctx, GM_ESTATE, "net: layers cannot be added once the net has been applied");
    gm__body body = {0};
    GM__TRY(gm__body_make(net, (const char *[]){net->body.text, layers}, 2, &body));
    gm_status s = gm__body_tensors(net, &body, &net->body, true);
    if (s) {
        gm__body_free(net->ctx, &body);
        return s;
    }
    gm__body_free(net->ctx, &net->body);
    net->body = body;
    return GM_OK;
}

void gm_net_free(gm_net *net)
{
    if (gm__is(net, GM__NET) && gm__release(net)) destroy(net);
}

static gm_status copy_slots(gm__slots *to, const gm__slots *from)
{
    for (size_t i = 0; i < to->n; i++) GM__TRY(gm_tensor_assign(to->at[i].tensor, from->at[i].tensor));
    return GM_OK;
}

gm_status gm_net_copy(const gm_net *net, gm_net **out)
{
    if (!out) return gm__is(net, GM__NET) ? gm__fail_ctx(net->ctx, GM_EARG, "net: out is NULL") : GM_EARG;
    *out = NULL;
    if (!gm__is(net, GM__NET)) return GM_EARG;
    gm_net *copy = NULL;
    GM__TRY(make_shell(net->ctx, net->body.text, net->in.ndim, net->in.dim, net->cond, &copy));
    copy->seed = net->seed;
    copy->dtype = net->dtype;
    copy->frozen = net->frozen;
    gm_status s = gm__body_tensors(copy, &copy->body, NULL, false);
    if (!s) s = copy_slots(&copy->body.params, &net->body.params);
    if (!s) s = copy_slots(&copy->body.stats, &net->body.stats);
    if (s) {
        destroy(copy);
        return s;
    }
    *out = copy;
    return GM_OK;
}

/* ---- changing -------------------------------------------------------------------------- */

gm_status gm_net_freeze(gm_net *net, int32_t on)
{
    if (!gm__is(net, GM__NET)) return GM_EARG;
    net->frozen = on != 0;
    for (size_t i = 0; i < net->body.params.n; i++) GM__TRY(gm_tensor_set_grad(net->body.params.at[i].tensor, !on));
    return GM_OK;
}

int32_t gm__net_put(gm_net *net, gm_tensor *const *params)
{
    for (size_t i = 0; i < net->body.params.n; i++) net->body.params.at[i].tensor = params[i];
    return (int32_t)net->body.params.n;
}

void gm__net_hold(gm_net *net, bool on)
{
    net->frozen = on;
    for (size_t i = 0; i < net->body.params.n; i++) net->body.params.at[i].tensor->wants_grad = !on;
}

static gm_status cast_slots(gm_net *net, const gm__slots *from, int dtype, gm_tensor **to)
{
    for (size_t i = 0; i < from->n; i++) {
        const gm__slot *s = &from->at[i];
        int type = s->fill == GM__FILL_COUNT ? GM_I64 : dtype;
        GM__TRY(gm_tensor_new(net->ctx, type, s->shape.ndim, s->shape.dim, &to[i]));
        GM__TRY(gm_tensor_assign(to[i], s->tensor));
        if (s->tensor->wants_grad) GM__TRY(gm_tensor_set_grad(to[i], 1));
    }
    return GM_OK;
}

gm_status gm__net_cast(gm_net *net, int32_t dtype)
{
    gm__slots *p = &net->body.params, *q = &net->body.stats;
    if (!gm__is_float(dtype)) return gm__fail_ctx(net->ctx, GM_EDTYPE, "net: weights are f32 or f64");
    size_t n = p->n + q->n;
    gm_tensor **to = gm__calloc(net->ctx, n + 1, sizeof *to);
    if (!to) return GM_ENOMEM;
    gm_status s = cast_slots(net, p, dtype, to);
    if (!s) s = cast_slots(net, q, dtype, to + p->n);
    for (size_t i = 0; i < n; i++) {
        gm_tensor **at = i < p->n ? &p->at[i].tensor : &q->at[i - p->n].tensor;
        if (s) {
            gm_tensor_free(to[i]);
        } else {
            gm_tensor_free(*at);
            *at = to[i];
        }
    }
    if (!s) net->dtype = dtype;
    gm__free(net->ctx, to);
    return s;
}

static void each_waiting(gm_net *net, gm__seq *seq, bool commit)
{
    for (size_t i = 0; i < seq->n; i++) {
        gm__layer *l = &seq->layers[i];
        if (commit && l->pending.batches && l->kind->commit) l->kind->commit(net, l);
        l->pending.batches = 0;
        for (size_t j = 0; j < l->n_branch; j++) each_waiting(net, &l->branch[j], commit);
    }
}

/* Can f32 hold the statistics that wait? */
static bool waiting_finite(const gm_net *net, const gm__seq *seq)
{
    for (size_t i = 0; i < seq->n; i++) {
        const gm__layer *l = &seq->layers[i];
        const double *waits[] = {l->pending.mean, l->pending.var};
        for (size_t k = 0; k < GM__COUNT(waits) && l->pending.batches; k++)
            for (int64_t j = 0; j < net->body.stats.at[l->stat + k].tensor->size; j++)
                if (!isfinite((float)waits[k][j])) return false;
        for (size_t j = 0; j < l->n_branch; j++)
            if (!waiting_finite(net, &l->branch[j])) return false;
    }
    return true;
}

bool gm__net_pending_finite(const gm_net *net) { return !net->body.stats.n || waiting_finite(net, &net->body.root); }

gm_status gm__net_commit(gm_net *net)
{
    if (net->body.stats.n) each_waiting(net, &net->body.root, true);
    return GM_OK;
}

void gm__net_drop_pending(gm_net *net)
{
    if (net->body.stats.n) each_waiting(net, &net->body.root, false);
}

/* ---- asking ----------------------------------------------------------------------------- */

static const gm__slot *slot_at(const gm_net *net, int32_t i)
{
    if (!gm__is(net, GM__NET) || i < 0) return NULL;
    size_t k = (size_t)i, n = net->body.params.n;
    if (k < n) return &net->body.params.at[k];
    return k - n < net->body.stats.n ? &net->body.stats.at[k - n] : NULL;
}

int32_t gm_net_output_shape(const gm_net *net, int64_t shape[8])
{
    if (!gm__is(net, GM__NET) || !shape) return -1;
    memcpy(shape, net->body.out.dim, (size_t)net->body.out.ndim * sizeof *shape);
    return net->body.out.ndim;
}

int32_t gm_net_tensor_count(const gm_net *net) { return gm__is(net, GM__NET) ? (int32_t)(net->body.params.n + net->body.stats.n) : 0; }

gm_tensor *gm_net_tensor(const gm_net *net, int32_t i)
{
    const gm__slot *s = slot_at(net, i);
    return s ? s->tensor : NULL;
}

const char *gm_net_tensor_name(const gm_net *net, int32_t i)
{
    const gm__slot *s = slot_at(net, i);
    return s ? s->name : NULL;
}

int32_t gm_net_tensor_is_parameter(const gm_net *net, int32_t i)
{
    return slot_at(net, i) && (size_t)i < net->body.params.n;
}

int64_t gm_net_parameters(const gm_net *net) { return gm__is(net, GM__NET) ? net->body.numbers : 0; }

const char *gm_net_text(const gm_net *net) { return gm__is(net, GM__NET) ? net->body.text : NULL; }

gm_ctx *gm__net_ctx(const gm_net *net) { return net->ctx; }

int64_t gm__net_cond(const gm_net *net) { return net->cond; }

void gm__net_mlp_text(gm__buf *b, const int64_t *hidden, size_t n, const char *activation)
{
    bool act = activation && strcmp(activation, "none") != 0;
    for (size_t i = 0; i < n; i++) {
        gm__buf_format(b, "%slinear %lld", i ? ", " : "", (long long)hidden[i]);
        if (act) gm__buf_format(b, ", %s", activation);
    }
}
