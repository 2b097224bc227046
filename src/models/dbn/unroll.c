/* unroll.c - a stack of machines as the start of a network trained by backpropagation: one that predicts [Hinton, Osindero &
 * Teh 2006], or an autoencoder [Hinton & Salakhutdinov 2006]. */
#include "models/dbm/dbm.h"
#include "models/dbn/dbn.h"
#include <math.h>
#include <string.h>

typedef struct stack { /* the machines of an rbm, dbn or dbm, from the bottom */
    const gm__rbm *r;
    bool undirected;      /* a layer hears two neighbours: from one alone it takes twice as much, as the first guess of a dbm's mean field does */
    gm_tensor *const *up; /* weights of the way up where they are not r's; NULL */
    size_t n;
} stack;

static gm_status stack_of(gm_model *m, const char *who, stack *k)
{
    if (m->family != &gm__family_rbm && m->family != &gm__family_dbn && m->family != &gm__family_dbm)
        return gm__fail_ctx(m->ctx, GM_EARG, "%s: an rbm or a dbn (or dbm) is wanted, this is %s", who, m->family->name);
    GM__TRY(gm__model_able(m->ctx, m, who, true));
    if (m->family == &gm__family_rbm) *k = (stack){.r = gm__rbm_of(m), .n = 1};
    else if (m->family == &gm__family_dbm) *k = (stack){.r = gm__dbm_of(m)->layer, .undirected = true, .n = gm__dbm_of(m)->hidden};
    else *k = (stack){.r = gm__dbn_of(m)->layer, .up = gm__dbn_of(m)->up, .n = gm__dbn_of(m)->n};
    const bool known = k->r->how.units == GM_UNITS_BERNOULLI || k->r->how.units == GM_UNITS_GAUSSIAN;
    if (!known || m->scale_mul) return gm__fail_ctx(m->ctx, GM_EUNSUPPORTED, "%s: for bernoulli or gaussian visible units and bernoulli hidden units, without scaling", who);
    return GM_OK;
}

/* ---- copying ---------------------------------------------------------------------------- */

/* sigmoid(c + times (v - mu) W): what hidden units receive, as a linear layer [nh, nv]. Label units are left out. */
static void copy_up(const gm__rbm *r, const gm_tensor *up, float times, gm_tensor *w, gm_tensor *b)
{
    const int64_t nv = r->nv - r->labels, nh = r->nh;
    for (int64_t j = 0; j < nh; j++) {
        double bias = (double)gm__f32(r->c)[j];
        for (int64_t i = 0; i < r->nv; i++) {
            const float v = times * gm__f32(up)[i * nh + j];
            if (r->mu) bias -= (double)gm__f32(r->mu)[i] * (double)v;
            if (i < nv) gm__f32(w)[j * nv + i] = r->log_var ? v * expf(-gm__f32(r->log_var)[i]) : v;
        }
        gm__f32(b)[j] = (float)bias;
    }
    w->version++, b->version++;
}

/* b + times (h - lambda) W': what visible units receive, [nv, nh]. */
static void copy_down(const gm__rbm *r, float times, gm_tensor *w, gm_tensor *b)
{
    const int64_t nv = r->nv - r->labels, nh = r->nh;
    for (int64_t k = 0; k < nv * nh; k++) gm__f32(w)[k] = times * gm__f32(r->w)[k]; /* labels come last */
    for (int64_t i = 0; i < nv; i++) {
        double bias = (double)gm__f32(r->b)[i];
        for (int64_t j = 0; r->lambda && j < nh; j++) bias -= (double)gm__f32(r->lambda)[j] * (double)gm__f32(w)[i * nh + j];
        gm__f32(b)[i] = (float)bias;
    }
    w->version++, b->version++;
}

/* The i-th linear layer among tensors of this prefix: its weight [out,in] and bias [out], of these sizes. */
static gm_status linear_at(const gm_model *m, const char *prefix, size_t i, int64_t out, int64_t in, gm_tensor **w, gm_tensor **b)
{
    size_t left = i;
    for (size_t k = 0; k + 1 < m->n_tensors; k++) {
        if (strncmp(m->tensors[k].name, prefix, strlen(prefix)) || m->tensors[k].tensor->ndim != 2 || left-- > 0) continue;
        *w = m->tensors[k].tensor;
        *b = m->tensors[k + 1].tensor;
        if ((*w)->size == out * in && (*b)->size == out) return GM_OK;
        break;
    }
    return gm__fail_ctx(m->ctx, GM_EINTERNAL, "unroll: layer %zu of the network does not fit", i);
}

static gm_status copy_ups(gm_model *net, const char *prefix, const stack *k)
{
    for (size_t i = 0; i < k->n; i++) {
        const gm__rbm *r = &k->r[i];
        gm_tensor *w = NULL, *b = NULL;
        GM__TRY(linear_at(net, prefix, i, r->nh, r->nv - r->labels, &w, &b));
        copy_up(r, k->up && k->up[i] ? k->up[i] : r->w, k->undirected && i + 1 < k->n ? 2 : 1, w, b);
    }
    return GM_OK;
}

/* ---- options of the network: what the machines fix, and the caller's ------------------------ */

static void put_shape(const gm_model *m, gm__buf *b)
{
    gm__buf_text(b, " shape=");
    for (int32_t i = 0; i < m->ndim; i++) gm__buf_format(b, "%s%lld", i ? "," : "", (long long)m->shape[i]);
}

static gm_status predict_options(const gm_model *m, const stack *k, const char *more, gm__buf *b)
{
    const int32_t *classes = gm__model_option(m, "classes");
    gm__buf_text(b, "task=classify activation=sigmoid norm=none scale=none");
    put_shape(m, b);
    gm__buf_text(b, " hidden=");
    for (size_t i = 0; i < k->n; i++) gm__buf_format(b, "%s%lld", i ? "," : "", (long long)k->r[i].nh);
    if (classes && *classes && !(more && strstr(more, "classes"))) gm__buf_format(b, " classes=%d", *classes);
    if (more) gm__buf_format(b, " %s", more);
    return b->failed ? GM_ENOMEM : GM_OK;
}

static gm_status find_latent(void *user, const char *key, const char *value)
{
    const char *end = value + strlen(value);
    int64_t v;
    if (gm__ieq("latent", key, strlen(key)) && gm__read_i64(value, end, &v) == end) *(int64_t *)user = v;
    return GM_OK;
}

/* With latent=K a linear layer of K numbers stands above the machines, else the topmost's means are the code. */
static gm_status code_options(const gm_model *m, const stack *k, const char *more, gm__buf *b, int64_t *latent)
{
    *latent = 0;
    GM__TRY(gm__pairs(m->ctx, "ae", more, find_latent, latent));
    gm__buf_format(b, "heads=own scale=none likelihood=%s", k->r->log_var ? "gaussian" : "bernoulli");
    put_shape(m, b);
    if (!*latent) gm__buf_format(b, " latent=%lld", (long long)k->r[k->n - 1].nh);
    gm__buf_text(b, " encoder='");
    for (size_t i = 0; i < k->n; i++) gm__buf_format(b, "%slinear %lld, sigmoid", i ? ", " : "", (long long)k->r[i].nh);
    if (*latent) gm__buf_format(b, ", linear %lld init=xavier", (long long)*latent);
    gm__buf_text(b, "' decoder='");
    if (*latent) gm__buf_format(b, "linear %lld init=xavier, sigmoid, ", (long long)k->r[k->n - 1].nh);
    for (size_t i = k->n; i-- > 0;) gm__buf_format(b, "linear %lld%s", (long long)(k->r[i].nv - k->r[i].labels), i ? ", sigmoid, " : "'");
    if (more) gm__buf_format(b, " %s", more);
    return b->failed ? GM_ENOMEM : GM_OK;
}

/* ---- the two networks ---------------------------------------------------------------------- */

static gm_status unroll(gm_model *m, const stack *k, const char *options, gm_model **net)
{
    gm__buf b;
    gm__buf_init(&b, m->ctx);
    gm_status s = predict_options(m, k, options, &b);
    if (!s) s = gm_model_new(m->ctx, "mlp", b.data, net);
    gm__buf_free(&b);
    if (!s && !(*net)->built) s = gm__fail_ctx(m->ctx, GM_EARG, "unroll: the number of classes is not known: classes=N");
    return s ? s : copy_ups(*net, "net.", k);
}

static gm_status unfold(gm_model *m, const stack *k, const char *options, gm_model **net)
{
    int64_t latent = 0;
    gm__buf b;
    gm__buf_init(&b, m->ctx);
    gm_status s = code_options(m, k, options, &b, &latent);
    if (!s) s = gm_model_new(m->ctx, "ae", b.data, net);
    gm__buf_free(&b);
    if (!s && !(*net)->built) s = gm__fail_ctx(m->ctx, GM_EARG, "autoencoder: conditional=on needs classes=N");
    if (!s) s = copy_ups(*net, "encoder.", k);
    for (size_t i = 0; !s && i < k->n; i++) {
        const gm__rbm *r = &k->r[k->n - 1 - i]; /* the lowest hears one neighbour */
        gm_tensor *w = NULL, *bias = NULL;
        s = linear_at(*net, "decoder.", i + (latent > 0), r->nv - r->labels, r->nh, &w, &bias);
        if (!s) copy_down(r, k->undirected && i + 1 < k->n ? 2 : 1, w, bias);
    }
    return s;
}

static gm_status grow(gm_model *m, const char *who, gm_status (*fn)(gm_model *, const stack *, const char *, gm_model **), const char *options, gm_model **out)
{
    stack k;
    gm_model *net = NULL;
    if (!out) return GM_EARG;
    *out = NULL;
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    GM__TRY(stack_of(m, who, &k));
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status s = fn(m, &k, options, &net);
    gm__model_end_use(m);
    if (s) gm_model_free(net);
    else gm__model_changed(net), *out = net;
    return s;
}

gm_status gm_dbn_unroll(gm_model *m, const char *options, gm_model **out) { return grow(m, "unroll", unroll, options, out); }
gm_status gm_dbn_autoencoder(gm_model *m, const char *options, gm_model **out) { return grow(m, "autoencoder", unfold, options, out); }
