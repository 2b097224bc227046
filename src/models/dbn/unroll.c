/* unroll.c - a stack of machines as the start of a network that predicts: supervised fine-tuning [Hinton, Osindero & Teh 2006]. */
#include "models/dbn/dbn.h"
#include <string.h>

/* The machines of an rbm or dbn, from the bottom. */
static const gm__rbm *layers_of(const gm_model *m, size_t *n)
{
    *n = m->family == &gm__family_rbm ? 1 : gm__dbn_of(m)->n;
    return m->family == &gm__family_rbm ? gm__rbm_of(m) : gm__dbn_of(m)->layer;
}

/* The options of the network: what the machines fix, and the caller's. */
static gm_status options_of(const gm_model *m, const gm__rbm *r, size_t n, const char *more, gm__buf *b)
{
    const int32_t *classes = gm__model_option(m, "classes");
    gm__buf_text(b, "task=classify activation=sigmoid norm=none scale=none shape=");
    for (int32_t i = 0; i < m->ndim; i++) gm__buf_format(b, "%s%lld", i ? "," : "", (long long)m->shape[i]);
    gm__buf_text(b, " hidden=");
    for (size_t i = 0; i < n; i++) gm__buf_format(b, "%s%lld", i ? "," : "", (long long)r[i].nh);
    if (classes && *classes && !(more && strstr(more, "classes"))) gm__buf_format(b, " classes=%d", *classes);
    if (more) gm__buf_format(b, " %s", more);
    return b->failed ? GM_ENOMEM : GM_OK;
}

/* The i-th linear layer behind the input: its weight [out,in] and bias [out]. */
static bool linear_at(gm_model *m, size_t i, gm_tensor **w, gm_tensor **b)
{
    for (size_t k = 0; k + 1 < m->n_tensors; k++) {
        if (strncmp(m->tensors[k].name, "net.", 4) || m->tensors[k].tensor->ndim != 2 || i-- > 0) continue;
        *w = m->tensors[k].tensor;
        *b = m->tensors[k + 1].tensor;
        return true;
    }
    return false;
}

/* sigmoid(c + (v - mu) W): what hidden units receive, as a linear layer. Label units are left out. */
static void copy_layer(const gm__rbm *r, gm_tensor *w, gm_tensor *b)
{
    const int64_t nv = r->nv - r->labels, nh = r->nh;
    for (int64_t j = 0; j < nh; j++) {
        double bias = (double)gm__f32(r->c)[j];
        for (int64_t i = 0; i < r->nv; i++) {
            const float v = gm__f32(r->w)[i * nh + j];
            if (r->mu) bias -= (double)gm__f32(r->mu)[i] * (double)v;
            if (i < nv) gm__f32(w)[j * nv + i] = v;
        }
        gm__f32(b)[j] = (float)bias;
    }
    w->version++, b->version++;
}

gm_status gm_dbn_unroll(gm_model *m, const char *options, gm_model **out)
{
    if (!out) return GM_EARG;
    *out = NULL;
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    gm_ctx *ctx = m->ctx;
    if (m->family != &gm__family_rbm && m->family != &gm__family_dbn)
        return gm__fail_ctx(ctx, GM_EARG, "unroll: an rbm or a dbn is wanted, this is %s", m->family->name);
    GM__TRY(gm__model_able(ctx, m, "unroll", true));
    size_t n;
    const gm__rbm *r = layers_of(m, &n);
    if (r[0].log_var || m->scale_mul) return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "unroll: for bernoulli visible units without scaling");
    gm_model *net = NULL;
    gm__buf b;
    gm__buf_init(&b, ctx);
    GM__TRY(gm__model_begin_use(m, ctx));
    gm_status s = options_of(m, r, n, options, &b);
    if (!s) s = gm_model_new(ctx, "mlp", b.data, &net);
    if (!s && !net->built) s = gm__fail_ctx(ctx, GM_EARG, "unroll: the number of classes is not known: classes=N");
    for (size_t i = 0; !s && i < n; i++) {
        gm_tensor *w = NULL, *bias = NULL;
        if (!linear_at(net, i, &w, &bias) || w->size != (r[i].nv - r[i].labels) * r[i].nh || bias->size != r[i].nh)
            s = gm__fail_ctx(ctx, GM_EINTERNAL, "unroll: layer %zu of the network does not fit", i);
        else copy_layer(&r[i], w, bias);
    }
    gm__model_end_use(m);
    gm__buf_free(&b);
    if (s) gm_model_free(net);
    else gm__model_changed(net), *out = net;
    return s;
}
