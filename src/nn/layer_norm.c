/* layer_norm.c - bnorm (over the batch, channel = first axis of a row) and lnorm (over the last axis).
 *
 * In training bnorm also measures the batch. What it measures waits in the layer until the
 * optimiser's step commits it; several applications before one step follow one another, as
 * they would in PyTorch. */
#include "nn/net.h"

/* Settings that bnorm has and lnorm has not come last. */
enum { EPS, INIT, NOSTATS, MOMENTUM };
static const gm__setting settings[] = {
    [EPS] = {"eps", GM__S_REAL, false, 1e-5, 0, 1, "a small number"},
    [INIT] = {"init", GM__S_INIT, false, GM__INIT_PYTORCH, 0, 0, "init="},
    [NOSTATS] = {"nostats", GM__S_FLAG, false, 0, 0, 1, "nostats"},
    [MOMENTUM] = {"momentum", GM__S_REAL, false, 0.1, 0, 1, "a share of the new batch"},
};

gm_status gm__declare_scale(gm__build *b, gm__layer *l, int64_t n, int kind, bool bias)
{
    double std = kind == GM__INIT_DCGAN ? 0.02 : l->init_number;
    int fill = kind == GM__INIT_PYTORCH ? GM__FILL_ONE : kind == GM__INIT_ZEROS ? GM__FILL_ZERO : GM__FILL_NORM;
    if (fill == GM__FILL_NORM && kind != GM__INIT_DCGAN && kind != GM__INIT_NORMAL)
        return gm__build_fail(b, l, GM_EARG, "init is pytorch, dcgan, zeros or normal:STD here");
    GM__TRY(gm__declare(b, l, "weight", 1, &n, fill, 1, std));
    return bias ? gm__declare(b, l, "bias", 1, &n, GM__FILL_ZERO, 0, 0) : GM_OK;
}

/* ---- lnorm ------------------------------------------------------------------------------ */

static gm_status build_lnorm(gm__build *b, gm__layer *l) { return gm__declare_scale(b, l, l->in.dim[l->in.ndim - 1], (int)l->v[INIT], true); }

static gm_tensor *apply_lnorm(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    return gm_layer_norm(r->t, x, gm__param(r, l, 0), gm__param(r, l, 1), l->v[EPS]);
}

const gm__kind gm__layer_lnorm = {
    .name = "lnorm", .help = "layer normalisation over the last axis, with scale and shift",
    .settings = settings, .n_settings = NOSTATS, .build = build_lnorm, .apply = apply_lnorm};

/* ---- bnorm ------------------------------------------------------------------------------ */

static gm_status build_bnorm(gm__build *b, gm__layer *l)
{
    int64_t c = l->in.dim[0];
    GM__TRY(gm__declare_scale(b, l, c, (int)l->v[INIT], true));
    if ((int)l->v[NOSTATS]) return GM_OK;
    GM__TRY(gm__declare_stat(b, l, "running_mean", 1, &c, GM__FILL_ZERO));
    GM__TRY(gm__declare_stat(b, l, "running_var", 1, &c, GM__FILL_ONE));
    GM__TRY(gm__declare_stat(b, l, "num_batches_tracked", 0, NULL, GM__FILL_COUNT));
    double *block = gm__alloc(b->ctx, (size_t)c, 2 * sizeof *block);
    if (!block) return GM_ENOMEM;
    l->pending = (gm__stats){.mean = block, .var = block + c};
    return GM_OK;
}

static double value(const gm_tensor *t, int64_t i) { return t->dtype == GM_F64 ? gm__f64(t)[i] : (double)gm__f32(t)[i]; }
static void put(gm_tensor *t, int64_t i, double v)
{
    if (t->dtype == GM_F64) gm__f64(t)[i] = v;
    else gm__f32(t)[i] = (float)v;
}

/* Adds one batch of count values a channel to the waiting statistics. A single value has no variance and is left out. */
static void record(const gm__run *r, gm__layer *l, const gm_tensor *mean, const gm_tensor *var, int64_t count)
{
    gm__stats *p = &l->pending;
    int64_t c = l->in.dim[0];
    if (count < 2) return;
    double m = l->v[MOMENTUM], unbiased = (double)count / (double)(count - 1);
    if (p->batches == 0) {
        for (int64_t j = 0; j < c; j++) {
            p->mean[j] = value(gm__stat(r, l, 0), j);
            p->var[j] = value(gm__stat(r, l, 1), j);
        }
    }
    for (int64_t j = 0; j < c; j++) {
        p->mean[j] += m * (value(mean, j) - p->mean[j]);
        p->var[j] += m * (value(var, j) * unbiased - p->var[j]);
    }
    p->batches++;
}

static gm_tensor *apply_bnorm(const gm__run *r, gm__layer *l, gm_tensor *x)
{
    gm_tape *t = r->t;
    gm_tensor *w = gm__param(r, l, 0), *b = gm__param(r, l, 1);
    bool training = t->training, tracks = !(int)l->v[NOSTATS];
    /* further leading axes belong to the batch */
    int lead = x->ndim - l->in.ndim;
    gm_tensor *y = x, *mean, *var;
    if (lead > 1) {
        int64_t shape[GM_MAX_DIMS] = {1};
        for (int d = 0; d < lead; d++) shape[0] *= x->shape[d];
        for (int d = 0; d < l->in.ndim; d++) shape[d + 1] = l->in.dim[d];
        y = gm_reshape(t, x, l->in.ndim + 1, shape);
    }
    int64_t count = y ? y->size / l->in.dim[0] : 0;
    if (!tracks) t->training = true; /* statistics of the batch are all there is */
    y = gm__batch_norm(t, y, w, b, tracks ? gm__stat(r, l, 0) : NULL, tracks ? gm__stat(r, l, 1) : NULL, l->v[EPS], &mean, &var);
    t->training = training;
    if (y && mean && tracks && !r->net->frozen && !t->replaying) record(r, l, mean, var, count);
    return y && lead > 1 ? gm_reshape(t, y, x->ndim, x->shape) : y;
}

static void commit(gm_net *net, gm__layer *l)
{
    gm__stats *p = &l->pending;
    gm__slot *s = &net->body.stats.at[l->stat];
    for (int64_t j = 0; j < l->in.dim[0]; j++) {
        put(s[0].tensor, j, p->mean[j]);
        put(s[1].tensor, j, p->var[j]);
    }
    *(int64_t *)(void *)s[2].tensor->data += p->batches;
    for (int i = 0; i < 3; i++) s[i].tensor->version++;
}

const gm__kind gm__layer_bnorm = {
    .name = "bnorm", .help = "batch normalisation of channels (axis 1), with scale and shift",
    .settings = settings, .n_settings = GM__COUNT(settings), .build = build_bnorm, .apply = apply_bnorm, .commit = commit};
