/* ae.c - the autoencoder as a family: plain, denoising, sparse, and with tied weights.
 *
 * Tied: the encoder's layers run backwards, h W + c where the encoder has x W^T + b,
 * so only the biases c belong to the decoder. */
#include "models/coder.h"
#include "ops/ops.h"
#include <math.h>
#include <string.h>

typedef struct ae {
    gm__coder net;                              /* tied: net.decoder is NULL */
    gm_tensor *weight[GM__CODER_LAYERS + 1];    /* tied: the encoder's, borrowed, first layer first */
    gm_tensor *bias[GM__CODER_LAYERS + 1];      /* tied: the decoder's, in the order they are used */
    size_t layers;
} ae;

/* ---- options ------------------------------------------------------------------------ */

#define ROW(field) offsetof(gm_ae_config, field)
static const gm__opt rows[] = {
    {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a row, \"1,28,28\"; default: from the data at first fit"},
    {"hidden", GM__O_TEXT, ROW(hidden), "400", 0, 0, NULL, "encoder's hidden sizes, the decoder mirrors them: \"200,200\"; none: no hidden layer"},
    {"latent", GM__O_INT, ROW(latent), "20", 1, 65536, NULL, "size of the code"},
    {"activation", GM__O_TEXT, ROW(activation), "relu", 0, 0, NULL, "of hidden layers: relu, lrelu, elu, gelu, silu, tanh, sigmoid, softplus or none"},
    {"preset", GM__O_CHOICE, ROW(preset), "mlp", 0, 0, "mlp|conv", "dense layers, or convolutions of 4x4 with stride 2 in front of them"},
    {"channels", GM__O_TEXT, ROW(channels), "32,64", 0, 0, NULL, "preset=conv: convolutions, each halves the image; the decoder mirrors them"},
    {"likelihood", GM__O_CHOICE, ROW(likelihood), "auto", 0, 0, "bernoulli|gaussian|auto", "loss: cross-entropy of grey levels, squared error; auto: bernoulli for images, gaussian for vectors"},
    {"tied", GM__O_FLAG, ROW(tied), "off", 0, 0, NULL, "decode with the encoder's transposed weights"},
    {"noise", GM__O_REAL, ROW(noise), "0", 0, 1e6, NULL, "denoising: deviation of the normal noise on inputs in training"},
    {"mask", GM__O_REAL, ROW(mask), "0", 0, 0.999, NULL, "denoising: share of inputs set to 0 in training"},
    {"sparsity", GM__O_REAL, ROW(sparsity), "0", 0, 1e6, NULL, "sparse: weight of KL(rho || mean activation) of the code's units, which pass a sigmoid then"},
    {"rho", GM__O_REAL, ROW(rho), "0.05", 1e-6, 0.999, NULL, "sparse: target activation"},
    {"l1", GM__O_REAL, ROW(l1), "0", 0, 1e6, NULL, "sparse: weight of the code's sum of absolute values"},
    {"binarize", GM__O_CHOICE, ROW(binarize), "none", 0, 0, "none|dynamic|threshold", "grey pixels: kept, drawn anew each time they are seen, or cut at 0.5"},
    {"scale", GM__O_CHOICE, ROW(scale), "none", 0, 0, "none|unit|standard", "features: kept, to [0,1], or to mean 0 and deviation 1; stored in the model"},
    {"encoder", GM__O_TEXT, ROW(encoder), NULL, 0, 0, NULL, "network text in place of the preset; its input is the flattened row, or the image if its first layer works on images"},
    {"decoder", GM__O_TEXT, ROW(decoder), NULL, 0, 0, NULL, "network text in place of the preset; its input is the code"},
    {"heads", GM__O_CHOICE, ROW(heads), "auto", 0, 0, "auto|own", "last linear layers of your nets: appended, or your own"},
    {"conditional", GM__O_FLAG, ROW(conditional), "off", 0, 0, NULL, "tell encoder and decoder the label; the data must have labels"},
    {"classes", GM__O_INT, ROW(classes), "0", 0, 1 << 30, NULL, "number of classes, kept in the file; 0: from the data"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"},
};
static const gm__opts opts = {"ae", rows, GM__COUNT(rows)};

static gm__coder_cfg coder_cfg(const gm_ae_config *c)
{
    return (gm__coder_cfg){.owner = "ae", .preset = c->preset, .channels = c->channels, .hidden = c->hidden, .activation = c->activation, .encoder = c->encoder, .decoder = c->decoder,
                           .heads = c->heads, .likelihood = c->likelihood, .latent = c->latent, .code_factor = 1, .cond = c->conditional ? c->classes : 0, .no_decoder = c->tied != 0};
}

static gm_status check(gm_ctx *ctx, const void *cfg)
{
    const gm_ae_config *c = cfg;
    const gm__coder_cfg coder = coder_cfg(c);
    GM__TRY(gm__coder_check(ctx, &coder));
    if (c->tied && (c->encoder || c->decoder))
        return gm__fail_ctx(ctx, GM_EARG, "ae: tied works with the layers of hidden, not with nets of your own");
    if (c->tied && c->preset == GM_PRESET_CONV) return gm__fail_ctx(ctx, GM_EARG, "ae: tied works with preset=mlp");
    if (c->tied && c->conditional) return gm__fail_ctx(ctx, GM_EARG, "ae: tied nets cannot be conditional");
    if (c->scale == GM_SCALE_STANDARD && c->likelihood == GM_LIKELIHOOD_BERNOULLI)
        return gm__fail_ctx(ctx, GM_EARG, "ae: likelihood=bernoulli wants data in [0,1]: use scale=unit or none, not standard");
    return GM_OK;
}

/* ---- building ------------------------------------------------------------------------- */

/* Finds the encoder's weights and makes a bias for each, for the way back. */
static gm_status tie(gm_model *m, ae *a)
{
    const gm_net *net = a->net.encoder;
    for (int32_t i = 0; i < gm_net_tensor_count(net); i++) {
        gm_tensor *w = gm_net_tensor(net, i);
        if (w->ndim != 2) continue;
        GM__ASSERT(gm__ctx_err(m->ctx), a->layers <= GM__CODER_LAYERS);
        a->weight[a->layers++] = w;
    }
    for (size_t i = 0; i < a->layers; i++) {
        char name[32];
        gm__format(name, sizeof name, "decoder.%zu.bias", i);
        GM__TRY(gm_tensor_new(m->ctx, GM_F32, 1, &a->weight[a->layers - 1 - i]->shape[1], &a->bias[i]));
        GM__TRY(gm__model_add_tensor(m, name, a->bias[i], true));
    }
    return GM_OK;
}

static gm_status build(gm_model *m)
{
    ae *a = m->state;
    gm_ae_config c = *(const gm_ae_config *)m->cfg;
    c.likelihood = gm__coder_likelihood(c.likelihood, m->ndim);
    GM__TRY(check(m->ctx, &c));
    const gm__coder_cfg coder = coder_cfg(&c);
    GM__TRY(gm__coder_build(m, &coder, &a->net));
    if (c.tied) GM__TRY(tie(m, a));
    memcpy(m->cfg, &c, sizeof c); /* what was chosen for these data is stored: a file says it */
    return GM_OK;
}

static bool ready(const gm_model *m)
{
    const gm_ae_config *c = m->cfg;
    return !c->conditional || c->classes > 0;
}

static uint32_t needs(const gm_model *m) { return ((const gm_ae_config *)m->cfg)->conditional ? GM__NEEDS_LABEL : 0; }

static int64_t condition(const gm_model *m) { return ((const ae *)m->state)->net.cond; }

static uint32_t cannot(const gm_model *m) { return condition(m) ? 0 : GM_CAN_CONDITION; }

static void destroy(gm_model *m)
{
    ae *a = m->state;
    gm__coder_free(&a->net);
    for (size_t i = 0; i < a->layers; i++) gm_tensor_free(a->bias[i]);
    memset(a, 0, sizeof *a);
}

/* ---- on a tape --------------------------------------------------------------------------- */

static gm_tensor *rows_of(const gm_model *m, gm_tape *t, gm_tensor *x, bool check_range)
{
    return gm__coder_rows(&((const ae *)m->state)->net, t, x, "ae", check_range);
}

/* code -> logits or means */
static gm_tensor *back(const gm_model *m, gm_tape *t, gm_tensor *z, gm_tensor *cond)
{
    const ae *a = m->state;
    const gm_ae_config *c = m->cfg;
    if (!c->tied) return gm__coder_decode(&a->net, t, z, cond);
    gm_tensor *h = z;
    for (size_t i = 0; i < a->layers; i++) {
        h = gm_add(t, gm_matmul(t, h, a->weight[a->layers - 1 - i]), a->bias[i]);
        if (i + 1 < a->layers) h = gm__coder_activate(t, c->activation, h);
    }
    return h;
}

/* What a code is trained to undo: noise, and inputs that are missing [Vincent et al. 2008]. */
static gm_tensor *corrupt(const gm_ae_config *c, gm_tape *t, gm_tensor *x)
{
    if (!x) return NULL;
    if (c->noise > 0) {
        gm_tensor *noise = gm_normal(t, 2, x->shape, 0, c->noise);
        x = gm_add(t, x, x->dtype == GM_F32 ? noise : gm_cast(t, noise, x->dtype));
    }
    if (c->mask > 0 && x) {
        gm_tensor *keep = gm_ge(t, gm_uniform(t, 2, x->shape, 0, 1), gm_full(t, GM_F32, 0, NULL, c->mask));
        x = gm_where(t, keep, x, gm_zeros(t, x->dtype, 0, NULL));
    }
    return x;
}

/* Of every row: cross-entropy in nats, or squared error. */
static gm_tensor *error_of(const gm_model *m, gm_tape *t, gm_tensor *x, gm_tensor *y)
{
    const gm__coder *net = &((const ae *)m->state)->net;
    if (net->likelihood == GM_LIKELIHOOD_BERNOULLI) return gm_neg(t, gm_bernoulli_log_prob(t, x, y));
    return gm__coder_error(net, t, x, y);
}

/* The code of rows; units that are to be sparse lie in (0,1). */
static gm_tensor *code_of(const gm_model *m, gm_tape *t, gm_tensor *x, gm_tensor *cond)
{
    gm_tensor *z = gm__coder_encode(&((const ae *)m->state)->net, t, x, cond);
    return ((const gm_ae_config *)m->cfg)->sparsity > 0 ? gm_sigmoid(t, z) : z;
}

/* KL between activations of rho and of the batch's mean, summed over the code's units [Ng 2011]; and L1. */
static gm_tensor *add_penalties(const gm_ae_config *c, gm_tape *t, gm_tensor *z, gm_tensor *loss)
{
    if (c->sparsity > 0) {
        gm_tensor *p = gm_clamp(t, gm_mean(t, z, 0, 0), 1e-6, 1 - 1e-6);
        gm_tensor *on = gm_affine(t, gm_log(t, p), -c->rho, c->rho * log(c->rho));
        gm_tensor *off = gm_affine(t, gm_log(t, gm_affine(t, p, -1, 1)), c->rho - 1, (1 - c->rho) * log(1 - c->rho));
        loss = gm_add(t, loss, gm_affine(t, gm_sum(t, gm_add(t, on, off), GM_ALL_AXES, 0), c->sparsity, 0));
    }
    if (c->l1 > 0) loss = gm_add(t, loss, gm_affine(t, gm_mean(t, gm_sum(t, gm_abs(t, z), -1, 0), GM_ALL_AXES, 0), c->l1, 0));
    return loss;
}

static gm_status loss(gm_model *m, const gm__batch *b, gm_tensor **out)
{
    gm_tensor *x = rows_of(m, b->t, b->x, b->epoch == 0 || !b->training);
    gm_tensor *in = b->training ? corrupt(m->cfg, b->t, x) : x;
    gm_tensor *z = code_of(m, b->t, in, b->cond);
    *out = add_penalties(m->cfg, b->t, z, gm_mean(b->t, error_of(m, b->t, x, back(m, b->t, z, b->cond)), GM_ALL_AXES, 0));
    return gm_tape_status(b->t);
}

static gm_tensor *encode(gm_model *m, const gm__batch *b) { return code_of(m, b->t, rows_of(m, b->t, b->x, false), b->cond); }

static gm_tensor *decode(gm_model *m, const gm__batch *b)
{
    return gm__coder_mean(m, &((const ae *)m->state)->net, b->t, back(m, b->t, b->x, b->cond));
}

static gm_tensor *score(gm_model *m, const gm__batch *b)
{
    gm_tensor *x = rows_of(m, b->t, b->x, true);
    return error_of(m, b->t, x, back(m, b->t, code_of(m, b->t, x, b->cond), b->cond));
}

static gm_status traverse(gm_model *m, const gm_tensor *z, int32_t steps, double span, gm_tensor **codes)
{
    return gm__traverse_axes(m, ((const ae *)m->state)->net.latent, z, steps, span, codes);
}

static gm_tensor *metric_recon(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    static const char *const binarize[] = {"none, grey-level BCE in nats", "dynamic, nats", "threshold, nats"};
    const gm_ae_config *cfg = m->cfg;
    GM__UNUSED(c);
    if (note && cfg->likelihood == GM_LIKELIHOOD_GAUSSIAN) gm__format(note, 96, "squared error%s", m->scale_mul ? " of scaled features" : "");
    else if (note) gm__format(note, 96, "binarize=%s", binarize[cfg->binarize]);
    return score(m, b);
}

static gm_tensor *metric_squared_error(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    gm_tensor *x = rows_of(m, b->t, b->x, true), *z = code_of(m, b->t, x, b->cond);
    GM__UNUSED(c), GM__UNUSED(note);
    return gm__coder_squared_error(m, &((const ae *)m->state)->net, b->t, x, back(m, b->t, z, b->cond));
}

static const gm__metric metrics[] = {
    {.name = "recon", .unit = "per row", .row = metric_recon},
    {.name = "squared_error", .unit = "per row", .row = metric_squared_error},
};

static size_t print(const gm_model *m, gm__buf *out)
{
    const ae *a = m->state;
    const gm_net *nets[] = {a->net.encoder, a->net.decoder};
    static const char *const names[] = {"encoder", "decoder"};
    size_t n = gm__coder_print(m->ctx, nets, names, 2, out);
    if (a->layers) gm__buf_text(out, "decoder: the encoder's weights, transposed\n");
    return n;
}

const gm__family gm__family_ae = {
    .name = "ae",
    .title = "autoencoder: a small code from which a row can be rebuilt; plain, denoising, sparse, convolutional or tied",
    .score_formula = "reconstruction error: cross-entropy in nats (bernoulli) or squared error (gaussian), summed over a row",
    .opts = &opts,
    .cfg_size = sizeof(gm_ae_config),
    .state_size = sizeof(ae),
    .can = GM_CAN_SCORE | GM_CAN_ENCODE | GM_CAN_DECODE | GM_CAN_RECONSTRUCT | GM_CAN_CONDITION,
    .check = check,
    .ready = ready,
    .needs = needs,
    .cannot = cannot,
    .condition = condition,
    .build = build,
    .destroy = destroy,
    .loss = loss,
    .encode = encode,
    .decode = decode,
    .score = score,
    .traverse = traverse,
    .metrics = metrics,
    .n_metrics = GM__COUNT(metrics),
    .print = print,
};

void gm_ae_config_init(gm_ae_config *c, size_t size) { gm__family_config(&gm__family_ae, c, size); }
gm_status gm_ae_new(gm_ctx *ctx, const gm_ae_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_ae, c, out); }
