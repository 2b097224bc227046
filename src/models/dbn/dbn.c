/* dbn.c - the deep belief network as a family: greedy training, one machine after another. */
#include "models/dbn/dbn.h"
#include "models/trainer.h"
#include <string.h>

static bool joint(const gm_model *m) { return gm__dbn_cfg(m)->conditional != 0; }
static bool ready(const gm_model *m) { return !joint(m) || gm__dbn_cfg(m)->classes > 0; }
static uint32_t needs(const gm_model *m) { return joint(m) ? GM__NEEDS_LABEL : 0; }
static uint32_t cannot(const gm_model *m) { return joint(m) ? 0 : GM_CAN_PREDICT | GM_CAN_CONDITION; }
static int64_t condition(const gm_model *m) { return gm__dbn_top(m)->labels; }

/* ---- building ------------------------------------------------------------------------- */

static const char *prefix_of(const gm__dbn *d, size_t layer, char out[16])
{
    if (d->n == 1) *out = 0; /* the names of an RBM */
    else gm__format(out, 16, "%zu.", layer);
    return out;
}

static gm_status build(gm_model *m)
{
    gm__dbn *d = gm__dbn_of(m);
    const gm_dbn_config *c = gm__dbn_cfg(m);
    int64_t sizes[GM__DBN_LAYERS], below = m->row;
    char prefix[16];
    GM__TRY(gm__dbn_sizes(m->ctx, "layers", c->layers, 1, sizes, &d->n));
    for (size_t i = 0; i < d->n; i++) {
        const bool top = i + 1 == d->n;
        gm__rbm *r = &d->layer[i];
        *r = (gm__rbm){.owner = "dbn",
                       .how = {.units = i ? GM_UNITS_BERNOULLI : c->units, .k = c->k, .persistent = c->persistent, .centered = c->centered,
                               .start = c->start && i == 0, .offset_rate = c->offset_rate, .init_std = c->init_std},
                       .labels = top && joint(m) ? c->classes : 0, .nh = sizes[i]};
        r->nv = below + r->labels;
        GM__TRY(gm__rbm_make(m, r, prefix_of(d, i, prefix), gm__model_seed(m), i));
        below = sizes[i];
    }
    return GM_OK;
}

static void destroy(gm_model *m)
{
    for (size_t i = 0; i < gm__dbn_of(m)->n; i++) gm__rbm_drop(&gm__dbn_of(m)->layer[i]);
}

static gm_status add_params(gm_model *m, gm_optim *o)
{
    const gm__dbn *d = gm__dbn_of(m);
    char prefix[16];
    for (size_t i = 0; i < d->n; i++) GM__TRY(gm__rbm_add_params(o, &d->layer[i], prefix_of(d, i, prefix)));
    return GM_OK;
}

/* ---- upward --------------------------------------------------------------------------- */

gm_tensor *gm__dbn_up(const gm_model *m, gm_tape *t, gm_tensor *x, size_t layer, bool check)
{
    const gm__dbn *d = gm__dbn_of(m);
    gm_tensor *v = gm__rbm_rows(&d->layer[0], t, x, check);
    for (size_t i = 0; i < layer; i++) v = gm_sigmoid(t, gm__rbm_up(&d->layer[i], t, v));
    return v;
}

gm_tensor *gm__dbn_input(const gm_model *m, const gm__batch *b, size_t layer, bool check)
{
    const gm__rbm *r = &gm__dbn_of(m)->layer[layer];
    gm_tensor *v = gm__dbn_up(m, b->t, b->x, layer, check);
    if (!r->labels || !v) return v;
    gm_tensor *both[2] = {v, b->cond ? b->cond : gm_zeros(b->t, GM_F32, 2, (int64_t[]){v->shape[0], r->labels})};
    return gm_concat(b->t, both, 2, 1);
}

/* ---- training ------------------------------------------------------------------------- */

/* When each layer's turn comes: by its epochs, else in equal shares of the run (as planned at its first start). */
static gm_status plan(gm_model *m, gm_trainer *tr)
{
    gm__dbn *d = gm__dbn_of(m);
    int64_t epochs[GM__DBN_LAYERS] = {0}, at = 0;
    size_t n = 0;
    if (gm__dbn_cfg(m)->layer_epochs) GM__TRY(gm__dbn_sizes(m->ctx, "layer-epochs", gm__dbn_cfg(m)->layer_epochs, 0, epochs, &n));
    for (size_t i = 0; i < d->n; i++) {
        d->first[i] = n ? at : tr->cfg.optim.horizon / (int64_t)d->n * (int64_t)i;
        at += epochs[i] * tr->epoch_steps;
    }
    return GM_OK;
}

static gm_status begin(gm_model *m, gm_trainer *tr)
{
    gm__dbn *d = gm__dbn_of(m);
    GM__TRY(plan(m, tr));
    GM__TRY(gm__rbm_start_biases(&d->layer[0], m, tr));
    for (size_t i = 0; i < d->n; i++) {
        char name[16] = "chain";
        if (d->n > 1) gm__format(name, sizeof name, "chain.%zu", i);
        GM__TRY(gm__rbm_start_chains(&d->layer[i], m, tr, name));
    }
    return GM_OK;
}

/* A layer's first step: its visible units are the hidden ones below, and so are their biases. Turned around, the machine
 * below says of its hidden units what it said before, so that the bound on log p(v) does not fall [Hinton et al. 2006]. */
static void take_over(gm__dbn *d, size_t i, bool transposed)
{
    gm__rbm *r = &d->layer[i];
    const gm__rbm *low = &d->layer[i - 1];
    memcpy(r->b->data, low->c->data, (size_t)low->nh * sizeof(float));
    r->b->version++;
    if (!transposed || r->nh != low->nv) return;
    for (int64_t v = 0; v < low->nh; v++)
        for (int64_t h = 0; h < r->nh; h++) gm__f32(r->w)[v * r->nh + h] = gm__f32(low->w)[h * low->nh + v];
    if (!low->log_var) memcpy(r->c->data, low->b->data, (size_t)r->nh * sizeof(float));
    if (r->mu) {
        memcpy(r->mu->data, low->lambda->data, (size_t)low->nh * sizeof(float));
        memcpy(r->lambda->data, low->mu->data, (size_t)r->nh * sizeof(float));
    }
    r->w->version++, r->c->version++;
}

static size_t layer_at(const gm__dbn *d, uint64_t step)
{
    size_t i = d->n - 1;
    while (i > 0 && step < (uint64_t)d->first[i]) i--;
    return i;
}

static gm_status loss(gm_model *m, const gm__batch *b, gm_tensor **out)
{
    gm__dbn *d = gm__dbn_of(m);
    const size_t i = layer_at(d, b->step);
    if (b->training && i > 0 && b->step == (uint64_t)d->first[i]) take_over(d, i, gm__dbn_cfg(m)->transposed != 0);
    d->learning = i;
    const bool recording = b->t->recording;
    b->t->recording = false; /* the layers below are done */
    gm_tensor *v = gm__dbn_input(m, b, i, b->epoch == 0 || !b->training);
    b->t->recording = recording;
    return gm__rbm_learn(&d->layer[i], b->t, v, b->training, NULL, out);
}

static gm_status stepped(gm_model *m) { return gm__rbm_moved(&gm__dbn_of(m)->layer[gm__dbn_of(m)->learning], m->ctx); }

/* ---- use ------------------------------------------------------------------------------ */

/* Gibbs steps in the topmost machine, then one ancestral pass down; what is given is the mean of p(v|h1). */
static gm_tensor *draw(gm_model *m, gm_tape *t, int64_t n, double temperature, gm_tensor *cond)
{
    const gm__dbn *d = gm__dbn_of(m);
    gm_tensor *mean = NULL, *v = gm__rbm_dream(gm__dbn_top(m), t, n, gm__dbn_cfg(m)->burn_in, temperature, cond, &mean);
    for (size_t i = d->n - 1; i-- > 0;) {
        gm_tensor *in = gm__rbm_down(&d->layer[i], t, v);
        mean = gm__rbm_visible_mean(&d->layer[i], t, in, 1);
        if (i) v = gm__rbm_visible_draw(&d->layer[i], t, in, 1);
    }
    return gm__rbm_shaped(m, t, mean);
}

static int32_t layers(const gm_model *m) { return (int32_t)gm__dbn_of(m)->n; }

/* The mean of every layer given the one below; the topmost is the code. */
static gm_tensor *encode(gm_model *m, const gm__batch *b)
{
    const size_t i = b->layer ? (size_t)b->layer - 1 : gm__dbn_of(m)->n - 1;
    return gm_sigmoid(b->t, gm__rbm_up(&gm__dbn_of(m)->layer[i], b->t, gm__dbn_input(m, b, i, true)));
}

static gm_tensor *decode(gm_model *m, const gm__batch *b)
{
    const gm__dbn *d = gm__dbn_of(m);
    gm_tensor *h = b->x;
    for (size_t i = d->n; i-- > 0;) h = gm__rbm_unlabelled(&d->layer[i], b->t, gm__rbm_visible_mean(&d->layer[i], b->t, gm__rbm_down(&d->layer[i], b->t, h), 1));
    return gm__rbm_shaped(m, b->t, h);
}

gm_tensor *gm__dbn_label_energy(const gm_model *m, const gm__batch *b)
{
    return gm__rbm_label_energy(gm__dbn_top(m), b->t, gm__dbn_up(m, b->t, b->x, gm__dbn_of(m)->n - 1, true));
}
static gm_tensor *predict(gm_model *m, const gm__batch *b)
{
    return gm_softmax(b->t, gm_neg(b->t, gm__dbn_label_energy(m, b)), 1);
}

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__dbn *d = gm__dbn_of(m);
    const size_t before = out->len;
    gm__buf_format(out, "visible units  %lld, %s\n", (long long)m->row, gm__dbn_cfg(m)->units == GM_UNITS_GAUSSIAN ? "gaussian" : "bernoulli");
    for (size_t i = 0; i < d->n; i++)
        gm__buf_format(out, "layer %zu        %lld units, bernoulli%s\n", i + 1, (long long)d->layer[i].nh, i + 1 == d->n ? ", undirected" : "");
    if (gm__dbn_top(m)->labels) gm__buf_format(out, "label units    %lld beside layer %zu\n", (long long)gm__dbn_top(m)->labels, d->n - 1);
    return out->len - before;
}

const gm__family gm__family_dbn = {
    .name = "dbn",
    .title = "deep belief network: restricted Boltzmann machines on one another, trained from the bottom",
    .opts = &gm__dbn_opts,
    .train = "optimizer=sgd lr=0.05 batch=100",
    .cfg_size = sizeof(gm_dbn_config),
    .state_size = sizeof(gm__dbn),
    .can = GM_CAN_SAMPLE | GM_CAN_ENCODE | GM_CAN_DECODE | GM_CAN_RECONSTRUCT | GM_CAN_PREDICT | GM_CAN_CONDITION,
    .check = gm__dbn_check,
    .ready = ready,
    .needs = needs,
    .cannot = cannot,
    .condition = condition,
    .joint = true,
    .build = build,
    .destroy = destroy,
    .loss = loss,
    .add_params = add_params,
    .begin = begin,
    .stepped = stepped,
    .draw = draw,
    .encode = encode,
    .layers = layers,
    .decode = decode,
    .predict = predict,
    .metrics = gm__dbn_metrics,
    .n_metrics = GM__DBN_METRICS,
    .print = print,
};

void gm_dbn_config_init(gm_dbn_config *c, size_t size) { gm__family_config(&gm__family_dbn, c, size); }
gm_status gm_dbn_new(gm_ctx *ctx, const gm_dbn_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_dbn, c, out); }
